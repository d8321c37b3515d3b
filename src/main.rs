//! Reads the settings, runs the command, and gives its exit code.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anytime::command::import::Import;
use anytime::config::{AgentCommand, Command, CommandLine, Config, ImportFormat};
use anytime::error::{Error, Result};
use anytime::mail::archive::Format;
use anytime::server::Server;
use anytime::time::Clock;
use anytime::{backup, command, config};
use clap::Parser;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // Huge pages triple the resident memory of an idle server and speed nothing up: measured 60 MB against 27 MB.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    match run(CommandLine::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("anytime: {}", command::describe(&error));
            ExitCode::FAILURE
        }
    }
}

fn run(command_line: CommandLine) -> Result<()> {
    let config = config::Config::new(command_line.options)?;
    log_to_stderr(&config)?;
    // A second provider never comes: rustls is built with ring alone.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match command_line.command {
        Command::Serve => serve(config),
        Command::Demo { conversations, seed } => demo(config, conversations, seed),
        Command::Agent(AgentCommand::Create { email, name, admin, password }) => {
            command::create_agent(&config, &email, &name, admin, password)
        }
        Command::Agent(AgentCommand::ApiKey { email }) => {
            say(&command::make_api_key(&config, &email)?);
            Ok(())
        }
        Command::Backup { file } => {
            let contents = backup::back_up(&config, &file)?;
            say(&format!("{}: {}", file.display(), describe(&contents)));
            Ok(())
        }
        Command::Import { format, path, account, dry_run } => {
            let format = match format {
                ImportFormat::Mbox => Format::Mbox,
                ImportFormat::Maildir => Format::Maildir,
                ImportFormat::Eml => Format::Eml,
            };
            let wanted = Import { format, path: &path, account: account.as_deref(), is_dry_run: dry_run };
            say(&command::import::run(&config, &wanted, show_progress())?.to_string());
            Ok(())
        }
        Command::Verify { file } => {
            let contents = anytime::db::backup::verify(&file)?;
            say(&format!("{} is sound: {}", file.display(), describe(&contents)));
            Ok(())
        }
        Command::Restore { file, replace } => {
            let restored = backup::restore(&config, &file, replace)?;
            say(&format!("restored {}", describe(&restored.contents)));
            if let Some(path) = restored.replaced {
                say(&format!("the site before is {}", path.display()));
            }
            if 0 < restored.held {
                say(&format!(
                    "{} mails wait: retry or leave them in the console's outgoing mail",
                    restored.held
                ));
            }
            Ok(())
        }
    }
}

fn describe(contents: &anytime::db::Contents) -> String {
    format!(
        "{} conversations, {} messages, {} agents (schema {})",
        contents.conversations, contents.messages, contents.agents, contents.schema_version
    )
}

fn serve(config: Config) -> Result<()> {
    let server = Server::bind(config, Clock::System)?;
    run_until_stopped(server, |server| {
        let mut text = format!("listening on http://{}", server.address());
        if let Some(address) = server.metrics_address() {
            text += &format!("\nmetrics on http://{address}/metrics");
        }
        if let Some(token) = &server.setup_token {
            text += &format!("\nset up this site at {}/set-up?token={token}", server.app().base_url());
        }
        Ok(text)
    })
}

fn demo(config: Config, conversations: usize, seed: u64) -> Result<()> {
    let demo = command::Demo::prepare(config, conversations, seed)?;
    let server = Server::bind(demo.config.clone(), Clock::System)?;
    run_until_stopped(server, |server| demo.welcome(server))
}

/// Says `welcome` once signals are heeded: whoever reads it may stop us at once.
fn run_until_stopped(server: Server, welcome: impl FnOnce(&Server) -> Result<String>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let stop = {
        let _context = runtime.enter();
        command::stop_signal()?
    };
    say(&welcome(&server)?);
    runtime.block_on(server.run(stop))
}

/// A bar on the terminal, drawn anew when a hundredth more is done; nothing where there is no terminal.
fn show_progress() -> impl FnMut(usize, usize) {
    let (is_terminal, mut drawn) = (std::io::stderr().is_terminal(), usize::MAX);
    move |done, all| {
        let part = done * 100 / all.max(1);
        if is_terminal && part != drawn {
            drawn = part;
            let end = if done == all { "\n" } else { "" };
            eprint!("\r[{:<50}] {part:3} %  {done} of {all}{end}", "#".repeat(part / 2));
        }
    }
}

/// One line on standard output; nobody reading it is no reason to stop.
fn say(text: &str) {
    let mut out = std::io::stdout();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Libraries that tell of each step of starting.
const LIBRARIES: &str = "actix_server=warn,tokio_cron_scheduler=warn";

fn log_to_stderr(config: &Config) -> Result<()> {
    // What libraries say of themselves comes before what was asked for, so that it can be asked for.
    let filter: Targets = [LIBRARIES, &config.log].join(",").parse().map_err(|_| {
        let text = &config.log;
        Error::invalid(
            "log",
            format!("{text:?} is not a level, as info, or levels by module, as anytime::db=trace"),
        )
    })?;
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    // A full or closed log must not stop the service: errors of writing to it are dropped.
    let layer = if std::io::stderr().is_terminal() {
        layer.compact().log_internal_errors(false).boxed()
    } else {
        layer.json().log_internal_errors(false).boxed()
    };
    let _ = tracing_subscriber::registry().with(layer).with(filter).try_init();
    Ok(())
}
