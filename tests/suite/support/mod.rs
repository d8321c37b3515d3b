//! What the tests talk to: real mail servers, and servers that misbehave as told.

pub mod contract;
pub mod dovecot;
pub mod fake_pop3;
pub mod graph;
pub mod mail;
pub mod mailroom;
pub mod process;
pub mod provider;
pub mod receiver;
pub mod scene;
pub mod smtp_server;
pub mod test_desk;

use std::path::Path;
use std::process::{Command, Stdio};

/// Writes `cert.pem` and `key.pem` for `localhost` and 127.0.0.1, signed by nobody anyone trusts. `None`,
/// with a line that says so, where the openssl command is missing.
pub fn make_certificate(directory: &Path) -> Option<()> {
    let status = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"])
        .args([
            "-days",
            "30",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
        ])
        .arg("-keyout")
        .arg(directory.join("key.pem"))
        .arg("-out")
        .arg(directory.join("cert.pem"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !status.is_ok_and(|status| status.success()) {
        println!("skipped: no openssl");
        return None;
    }
    Some(())
}
