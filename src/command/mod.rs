//! What the commands do, but for reading arguments and printing.

mod demo_setting;
pub mod import;
mod morning;

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use tokio::signal::unix::{SignalKind, signal};

use crate::config::Config;
use crate::demo;
use crate::desk::agent::{self, AgentChange};
use crate::desk::{Actor, api_key, contact, password, password_policy, sign_in_link};
use crate::error::{Error, Result};
use crate::server::{self, Server};
use crate::time::Clock;

/// Ready when the process is asked to stop. Also sees to it that writing past a file-size limit is an error and not
/// the end of the process.
pub fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static> {
    const SIGXFSZ: i32 = 25;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let file_size = signal(SignalKind::from_raw(SIGXFSZ))?;
    Ok(async move {
        let _file_size = file_size;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping");
    })
}

/// Creates an agent in the file, beside a running server or without one.
pub fn create_agent(
    config: &Config,
    email: &str,
    name: &str,
    is_admin: bool,
    password: Option<String>,
) -> Result<()> {
    let password = match password {
        Some(password) => password,
        None => ask("Password: ")?,
    };
    let db = server::open(config, Clock::System)?;
    db.read(password_policy::get)?.check("password", &password, &[email, name])?;
    let hash = password::hash(&password)?;
    let new = AgentChange {
        email: Some(email.to_owned()),
        display_name: Some(name.to_owned()),
        first_name: Some(name.split_whitespace().next().unwrap_or_default().to_owned()),
        last_name: Some(name.split_whitespace().skip(1).collect::<Vec<_>>().join(" ")),
        is_admin: Some(is_admin),
        ..AgentChange::default()
    };
    db.write(move |tx| agent::create(tx, &Actor::System, &new, Some(&hash)))?;
    db.close();
    Ok(())
}

/// Makes a fresh API key and returns it.
pub fn make_api_key(config: &Config, email: &str) -> Result<String> {
    let db = server::open(config, Clock::System)?;
    let address = email.to_owned();
    let key = db.write(move |tx| {
        let agent = agent::by_email(tx, &address)?.ok_or_else(|| Error::not_found("agent", &address))?;
        api_key::rotate(tx, &Actor::System, agent.id)
    })?;
    db.close();
    Ok(key)
}

/// A line from the terminal without showing it, or from a pipe.
fn ask(prompt: &str) -> Result<String> {
    let input = std::io::stdin();
    let before = if input.is_terminal() {
        eprint!("{prompt}");
        std::io::stderr().flush()?;
        let before = rustix::termios::tcgetattr(&input).map_err(std::io::Error::from)?;
        let mut silent = before.clone();
        silent.local_modes -= rustix::termios::LocalModes::ECHO;
        rustix::termios::tcsetattr(&input, rustix::termios::OptionalActions::Now, &silent)
            .map_err(std::io::Error::from)?;
        Some(before)
    } else {
        None
    };
    let mut line = String::new();
    let read = input.lock().read_line(&mut line);
    if let Some(before) = before {
        rustix::termios::tcsetattr(&input, rustix::termios::OptionalActions::Now, &before)
            .map_err(std::io::Error::from)?;
        eprintln!();
    }
    read?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// A demo site: its settings and what to tell the person who started it.
pub struct Demo {
    pub config: Config,
    password: String,
    password_hash: String,
    summary: demo::Summary,
}

impl Demo {
    /// Makes a fresh data directory and fills it. A directory that already has a site is refused.
    pub fn prepare(config: Config, conversations: usize, seed: u64) -> Result<Self> {
        let data_dir = demo_directory(&config)?;
        let password = "anytime demo 2026".to_owned();
        let hash = password::hash(&password)?;
        let plan = demo::Plan { conversations, seed };
        server::private_files();
        let started = std::time::Instant::now();
        let summary = demo::create(&data_dir.join("anytime.db"), &Clock::System, &plan, &hash)?;
        tracing::info!(conversations, seconds = started.elapsed().as_secs_f64(), "the demo site is filled");
        Ok(Self {
            config: Config { data_dir, is_demo: true, ..config },
            password,
            password_hash: hash,
            summary,
        })
    }

    /// Lets the first morning happen; then the URLs, sign-ins, an API key and a portal link.
    pub fn welcome(&self, server: &Server) -> Result<String> {
        let app = server.app();
        // A big one is for measuring: nothing happens there but what is measured.
        let has_morning = (1..=demo::READABLE).contains(&self.summary.conversations);
        if has_morning {
            morning::run(app, &self.summary.people.contacts[0].email, &self.password_hash)?;
        }
        let base = app.base_url();
        let administrator = self.summary.people.agents.iter().find(|agent| agent.is_admin);
        let administrator = administrator.ok_or_else(|| Error::internal("the demo has no administrator"))?;
        let (email, visitor) = (administrator.email.clone(), self.summary.people.contacts[0].email.clone());
        let (key, token) = app.db().write(move |tx| {
            let agent = agent::by_email(tx, &email)?.ok_or_else(|| Error::not_found("agent", &email))?;
            let contact =
                contact::by_email(tx, &visitor)?.ok_or_else(|| Error::not_found("contact", &visitor))?;
            Ok((api_key::rotate(tx, &Actor::System, agent.id)?, sign_in_link::create(tx, contact)?))
        })?;
        let mut text = format!("listening on http://{}\n\n", server.address());
        text += &format!("  Console  {base}/console\n");
        for agent in self.summary.people.agents.iter().take(3) {
            let role = if agent.is_admin { "administrator" } else { "agent" };
            text += &format!("           {:<34} {}   ({}, {role})\n", agent.email, self.password, agent.name);
        }
        text += &format!("  Portal   {base}/portal\n");
        text += &format!("           {base}/portal/sign-in/{token}\n");
        let contact = &self.summary.people.contacts[0];
        text += &format!("           signs in {} once, within 30 minutes\n", contact.name);
        if has_morning {
            text += &format!("           {:<34} {}   (or by password)\n", contact.email, self.password);
        }
        text += &format!("  Mail     {base}/demo/mail   (nothing leaves; answer as the customer)\n");
        text += &format!("  API      {base}/api/docs\n");
        text += &format!(
            "           curl -u {}:{key} {base}/api/v3/anytime/conversations\n",
            administrator.email
        );
        text += &format!("  Data     {} (disposable)\n", app.config().data_dir.display());
        Ok(text)
    }
}

/// The directory asked for, if it is empty of sites; without one, a fresh one under the system's temporary directory.
fn demo_directory(config: &Config) -> Result<PathBuf> {
    let is_default = config.data_dir == Path::new("data");
    let directory = match is_default {
        true => std::env::temp_dir().join(format!("anytime-demo-{}", std::process::id())),
        false => config.data_dir.clone(),
    };
    server::private_files();
    std::fs::create_dir_all(&directory)?;
    if directory.join("anytime.db").exists() {
        let path = directory.display();
        return Err(Error::Conflict(format!(
            "'{path}' already holds a site; the demo wants a directory of its own"
        )));
    }
    Ok(directory)
}

/// An internal error's cause, which its own text hides.
pub fn describe(error: &Error) -> String {
    match error {
        Error::Internal(source) => source.to_string(),
        other => other.to_string(),
    }
}
