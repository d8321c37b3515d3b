//! An SMTP server that is not ours: aiosmtpd, scripted by `smtp_server.py`.
//!
//! By recipient: `refuse*` gets 550, `defer*` 451, `grey*` 450 the first time, `slow*` an answer after a second, `spam*` 554 after the
//! final dot.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde::Deserialize;

pub const USER_NAME: &str = "desk";
pub const PASSWORD: &str = "pass word";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A login is possible and not needed.
    Open,
    /// MAIL is refused before a login with `USER_NAME` and `PASSWORD`.
    RequireLogin,
    /// Keeps the mail, then closes the connection instead of answering the final dot.
    DropAfterDot,
}

/// One mail as the server got it, and as Python's e-mail parser reads it.
#[derive(Debug, Clone, Deserialize)]
pub struct Received {
    /// The envelope sender; empty for `<>`.
    pub from: String,
    pub recipients: Vec<String>,
    pub path: PathBuf,
    /// When its client had connected, in seconds since 1970.
    pub connected_at: f64,
    pub is_tls: bool,
    pub is_authenticated: bool,
    pub headers: Vec<(String, String)>,
    pub file_names: Vec<String>,
}

impl Received {
    /// The mail after the removal of the dots that SMTP adds.
    pub fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.path).expect("the server wrote the mail before it reported it")
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
struct Ports {
    plain: u16,
    starttls: u16,
    tls: u16,
}

type Mails = Arc<(Mutex<Vec<Received>>, Condvar)>;

pub struct SmtpServer {
    pub plain_port: u16,
    /// Refuses MAIL before STARTTLS.
    pub starttls_port: u16,
    pub tls_port: u16,
    mails: Mails,
    child: Child,
    directory: tempfile::TempDir,
}

impl SmtpServer {
    /// `None`, with a line that says so, where Python or aiosmtpd is missing.
    pub fn start(mode: Mode) -> Option<Self> {
        let has_aiosmtpd =
            Command::new("python3").args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status();
        if !has_aiosmtpd.is_ok_and(|status| status.success()) {
            println!("skipped: no aiosmtpd");
            return None;
        }
        let directory = tempfile::tempdir().expect("a temporary directory");
        super::make_certificate(directory.path())?;
        let mut command = Command::new("python3");
        command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/suite/support/smtp_server.py"));
        command.arg(directory.path());
        match mode {
            Mode::Open => {}
            Mode::RequireLogin => {
                command.arg("--require-login");
            }
            Mode::DropAfterDot => {
                command.arg("--drop-after-dot");
            }
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 starts");
        let mut lines = BufReader::new(child.stdout.take().expect("standard output is piped")).lines();
        let first = lines.next().expect("the server says where it listens").expect("UTF-8");
        let ports: Ports = serde_json::from_str(&first).expect("the ports as JSON");
        let mails = Mails::default();
        let arriving = Arc::clone(&mails);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let mail = serde_json::from_str(&line).expect("a mail as JSON");
                arriving.0.lock().expect("no thread panicked").push(mail);
                arriving.1.notify_all();
            }
        });
        Some(Self {
            plain_port: ports.plain,
            starttls_port: ports.starttls,
            tls_port: ports.tls,
            mails,
            child,
            directory,
        })
    }

    /// From now on (`true`) the connection is closed after the final dot, or (`false`) no longer.
    pub fn drop_after_dot(&self, is_on: bool) {
        let switch = self.directory.path().join("drop");
        if is_on {
            std::fs::write(switch, "").expect("the switch can be written");
        } else {
            let _ = std::fs::remove_file(switch);
        }
    }

    /// From now on (`true`) the final dot gets no answer, until (`false`) it does.
    pub fn hang_after_dot(&self, is_on: bool) {
        let switch = self.directory.path().join("hang");
        if is_on {
            std::fs::write(switch, "").expect("the switch can be written");
        } else {
            let _ = std::fs::remove_file(switch);
        }
    }

    pub fn received(&self) -> Vec<Received> {
        self.mails.0.lock().expect("no thread panicked").clone()
    }

    /// The mails as soon as there are at least `count`; panics when there are fewer at the end of `patience`.
    pub fn wait_for(&self, count: usize, patience: Duration) -> Vec<Received> {
        let deadline = Instant::now() + patience;
        let mut mails = self.mails.0.lock().expect("no thread panicked");
        while mails.len() < count {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{} of {count} mails after {patience:?}", mails.len());
            mails = self.mails.1.wait_timeout(mails, left).expect("no thread panicked").0;
        }
        mails.clone()
    }
}

impl Drop for SmtpServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
