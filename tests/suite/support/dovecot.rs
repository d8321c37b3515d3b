//! A real Dovecot with POP3, in a temporary directory: its own configuration, certificate, users and mail.
//! Any user logs in with `PASSWORD` and has a Maildir of their own.

use std::io::Read;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub const PASSWORD: &str = "pass-word";
const BINARY: &str = "/usr/sbin/dovecot";
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);

pub struct Dovecot {
    /// POP3 in the clear, with STLS on offer.
    pub pop3_port: u16,
    pub pop3s_port: u16,
    delivered: AtomicU64,
    child: Child,
    directory: tempfile::TempDir,
}

impl Dovecot {
    /// `None`, with a line that says so, where Dovecot is missing. Panics with Dovecot's log when it does not
    /// start.
    pub fn start() -> Option<Self> {
        if !Path::new(BINARY).exists() {
            println!("skipped: no dovecot");
            return None;
        }
        let directory = tempfile::tempdir().expect("a temporary directory");
        super::make_certificate(directory.path())?;
        // Dovecot's own unprivileged users must get in.
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755))
            .expect("it is ours");
        make_directory(&directory.path().join("mail"));
        // Two listeners at once, so that the ports differ; Dovecot takes them over as soon as they are
        // closed.
        let listeners = [(); 2].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"));
        let [pop3_port, pop3s_port] =
            listeners.each_ref().map(|listener| listener.local_addr().expect("it is bound").port());
        drop(listeners);
        let file = directory.path().join("dovecot.conf");
        std::fs::write(&file, configuration(directory.path(), pop3_port, pop3s_port)).expect("writable");
        let child = Command::new(BINARY)
            .args(["-F", "-c"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("dovecot starts");
        let mut dovecot = Self { pop3_port, pop3s_port, delivered: AtomicU64::new(0), child, directory };
        dovecot.wait_until_ready();
        Some(dovecot)
    }

    /// Puts a mail into the user's mailbox: written to `tmp`, then moved to `new`, as every Maildir writer
    /// does.
    pub fn deliver(&self, user: &str, bytes: &[u8]) {
        let maildir = self.maildir(user);
        let number = self.delivered.fetch_add(1, Ordering::SeqCst);
        // Dovecot lists mail by the name's leading number.
        let name = format!("{}.M{number:06}P{}.test", 1_600_000_000 + number, std::process::id());
        for directory in ["cur", "new", "tmp"] {
            make_directory(&maildir.join(directory));
        }
        let tmp = maildir.join("tmp").join(&name);
        std::fs::write(&tmp, bytes).expect("the Maildir is writable");
        give_to_mail_user(&tmp);
        std::fs::rename(tmp, maildir.join("new").join(name)).expect("the Maildir is on one file system");
    }

    /// How many mails the user has, seen or not.
    pub fn count(&self, user: &str) -> usize {
        ["cur", "new"]
            .iter()
            .filter_map(|directory| std::fs::read_dir(self.maildir(user).join(directory)).ok())
            .map(Iterator::count)
            .sum()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn maildir(&self, user: &str) -> PathBuf {
        self.directory.path().join("mail").join(user)
    }

    fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while !greets(self.pop3_port) || TcpStream::connect((Ipv4Addr::LOCALHOST, self.pop3s_port)).is_err() {
            let has_ended = self.child.try_wait().expect("it is our child").is_some();
            assert!(!has_ended && Instant::now() < deadline, "dovecot is not ready: {}", self.log());
            std::thread::sleep(POLL);
        }
    }
}

/// The master listens before the process behind it can answer.
fn greets(port: u16) -> bool {
    let mut greeting = [0; 3];
    TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .and_then(|mut stream| {
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.read_exact(&mut greeting)
        })
        .is_ok_and(|()| greeting == *b"+OK")
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // The master stops its children on TERM; the group is for what is left when it does not.
        let group = format!("-{}", self.child.id());
        for signal in ["-TERM", "-KILL"] {
            let _ = Command::new("kill").args([signal, "--", &group]).stderr(Stdio::null()).status();
            let deadline = Instant::now() + Duration::from_secs(5);
            while Instant::now() < deadline {
                if !matches!(self.child.try_wait(), Ok(None)) {
                    break;
                }
                std::thread::sleep(POLL);
            }
        }
        let _ = self.child.wait();
    }
}

/// The user and group that own the mail: Dovecot serves no mail as root, so root hands it to "nobody".
fn mail_owner(directory: &Path) -> (u32, u32) {
    let owner = std::fs::metadata(directory).expect("it exists");
    if owner.uid() == 0 { (65534, 65534) } else { (owner.uid(), owner.gid()) }
}

fn give_to_mail_user(path: &Path) {
    let (uid, gid) = mail_owner(path);
    std::os::unix::fs::chown(path, Some(uid), Some(gid)).expect("the file is ours to give");
}

fn make_directory(path: &Path) {
    if let Some(parent) = path.parent().filter(|parent| !parent.exists()) {
        make_directory(parent);
    }
    if !path.exists() {
        match std::fs::create_dir(path) {
            // Dovecot makes a mailbox's directories when somebody signs in: it may have been faster.
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => return,
            made => made.expect("the directory can be made"),
        }
        give_to_mail_user(path);
    }
}

fn configuration(directory: &Path, pop3_port: u16, pop3s_port: u16) -> String {
    let (uid, gid) = mail_owner(directory);
    let is_root = std::fs::metadata(directory).expect("the directory exists").uid() == 0;
    let unprivileged = if is_root { String::new() } else { without_root() };
    let directory = directory.display();
    format!(
        r#"
base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/log
protocols = pop3
listen = 127.0.0.1
ssl = yes
ssl_cert = <{directory}/cert.pem
ssl_key = <{directory}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = maildir:{directory}/mail/%u
mail_max_userip_connections = 100
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={directory}/mail/%u
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3_port}
  }}
  inet_listener pop3s {{
    port = {pop3s_port}
    ssl = yes
  }}
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
{unprivileged}
"#
    )
}

/// What Dovecot needs to run as the user who runs the tests.
fn without_root() -> String {
    let name = |option: &str| {
        let output = Command::new("id").arg(option).output().expect("id runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let (user, group) = (name("-un"), name("-gn"));
    let chroots = ["pop3-login", "anvil", "stats"].map(|name| format!("service {name} {{\n  chroot =\n}}\n"));
    format!(
        "default_internal_user = {user}\ndefault_login_user = {user}\ndefault_internal_group = {group}\n{}",
        chroots.concat()
    )
}
