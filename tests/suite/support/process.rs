//! The executable itself, as a process that can be killed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::test_desk::Client;

pub struct Process {
    child: Child,
    pub url: String,
}

/// The executable with a data directory.
pub fn anytime(data_dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anytime"));
    command.current_dir(data_dir.parent().unwrap()).arg("--data-dir").arg(data_dir).stdin(Stdio::null());
    command
}

impl Process {
    /// Starts `serve` on a free port and waits until it listens.
    pub fn serve(data_dir: &Path) -> Self {
        Self::serve_until(data_dir, "").expect("it listens")
    }

    /// The same with a log of its own choice, which is kept beside the directory, with the ending `.log`.
    pub fn serve_with_log(data_dir: &Path, log: &str) -> Self {
        Self::spawn(data_dir, "", log).expect("it listens")
    }

    /// The same, but it kills itself when it gets to a place of the code (see `src/failpoint.rs`): `None` when that was
    /// before it listened.
    pub fn serve_until(data_dir: &Path, failpoint: &str) -> Option<Self> {
        Self::spawn(data_dir, failpoint, "info")
    }

    fn spawn(data_dir: &Path, failpoint: &str, log: &str) -> Option<Self> {
        let mut child = anytime(data_dir)
            .env("ANYTIME_FAILPOINT", failpoint)
            .args(["--listen", "127.0.0.1:0", "--log", log, "serve"])
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(data_dir.with_extension("log")).unwrap())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let Some(first) = lines.next() else {
            child.wait().unwrap();
            return None;
        };
        let first = first.unwrap();
        let url = first.strip_prefix("listening on ").expect("the address comes first").to_owned();
        Some(Self { child, url })
    }

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, as the system does.
    pub fn terminate(&self) {
        let pid = rustix::process::Pid::from_raw(self.child.id() as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    }

    /// Waits until it has ended, and well.
    pub fn wait(mut self) {
        assert!(self.child.wait().unwrap().success());
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The API of this process as an agent whose key is known.
    pub fn client(&self, email: &str, key: &str) -> Client {
        Client::new(&self.url, email, key)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Makes an administrator and an API key by the commands.
pub fn administrator(data_dir: &Path) -> (String, String) {
    let email = "ann@desk.example".to_owned();
    let created = anytime(data_dir)
        .args(["agent", "create", "--email", &email, "--name", "Ann Smith", "--admin"])
        .args(["--password", super::test_desk::PASSWORD])
        .output()
        .unwrap();
    assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stderr));
    (email.clone(), api_key(data_dir, &email))
}

pub fn api_key(data_dir: &Path, email: &str) -> String {
    let key = anytime(data_dir).args(["agent", "api-key", "--email", email]).output().unwrap();
    assert!(key.status.success(), "{}", String::from_utf8_lossy(&key.stderr));
    String::from_utf8(key.stdout).unwrap().trim().to_owned()
}

/// The file of a server that has ended.
pub fn database(data_dir: &Path) -> anytime::db::Db {
    let clock = anytime::time::Clock::System;
    anytime::db::Db::open(&data_dir.join("anytime.db"), clock, anytime::db::Hooks::default()).unwrap()
}
