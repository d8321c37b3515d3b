//! A real Dovecot with POP3 and IMAP, in a temporary directory: its own configuration, certificate, users and mail.
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
const IMAP: &str = "/usr/lib/dovecot/imap";
const PATIENCE: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);

pub struct Dovecot {
    /// POP3 in the clear, with STLS on offer.
    pub pop3_port: u16,
    pub pop3s_port: u16,
    /// IMAP in the clear, with STARTTLS on offer.
    pub imap_port: u16,
    pub imaps_port: u16,
    delivered: AtomicU64,
    child: Child,
    directory: tempfile::TempDir,
}

impl Dovecot {
    /// `None`, with a line that says so, where Dovecot is missing. Panics with Dovecot's log when it does not
    /// start.
    pub fn start() -> Option<Self> {
        Self::start_with("")
    }

    /// The same, taking XOAUTH2 with tokens that this URL knows (RFC 7662).
    pub fn start_with_tokens(introspection_url: &str) -> Option<Self> {
        Self::start_with(introspection_url)
    }

    fn start_with(introspection_url: &str) -> Option<Self> {
        if !Path::new(BINARY).exists() || !Path::new(IMAP).exists() {
            println!("skipped: no dovecot");
            return None;
        }
        let directory = tempfile::tempdir().expect("a temporary directory");
        super::make_certificate(directory.path())?;
        // Dovecot's own unprivileged users must get in.
        std::fs::set_permissions(directory.path(), std::fs::Permissions::from_mode(0o755))
            .expect("it is ours");
        make_directory(&directory.path().join("mail"));
        // The listeners at once, so that the ports differ; Dovecot takes them over as soon as they are
        // closed.
        let listeners = [(); 4].map(|()| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"));
        let ports @ [pop3_port, pop3s_port, imap_port, imaps_port] =
            listeners.each_ref().map(|listener| listener.local_addr().expect("it is bound").port());
        drop(listeners);
        let file = directory.path().join("dovecot.conf");
        std::fs::write(&file, configuration(directory.path(), ports, introspection_url)).expect("writable");
        let child = Command::new(BINARY)
            .args(["-F", "-c"])
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("dovecot starts");
        let mut dovecot = Self {
            pop3_port,
            pop3s_port,
            imap_port,
            imaps_port,
            delivered: AtomicU64::new(0),
            child,
            directory,
        };
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

    /// How many mails are in a folder beside the inbox.
    pub fn count_in(&self, user: &str, folder: &str) -> usize {
        let folder = self.maildir(user).join([".", folder].concat());
        ["cur", "new"]
            .iter()
            .filter_map(|directory| std::fs::read_dir(folder.join(directory)).ok())
            .map(Iterator::count)
            .sum()
    }

    /// How many mails of the inbox are marked as read.
    pub fn count_seen(&self, user: &str) -> usize {
        let Ok(files) = std::fs::read_dir(self.maildir(user).join("cur")) else { return 0 };
        let names = files.filter_map(|file| Some(file.ok()?.file_name().to_string_lossy().into_owned()));
        names.filter(|name| name.split(",").last().is_some_and(|flags| flags.contains('S'))).count()
    }

    /// Gives the inbox another UIDVALIDITY and every mail another UID, as a restored mailbox has.
    pub fn renumber(&self, user: &str) {
        let maildir = self.maildir(user);
        for file in std::fs::read_dir(&maildir).expect("the user has a Maildir") {
            let path = file.expect("readable").path();
            let name = path.file_name().expect("it has a name").to_string_lossy().into_owned();
            if name.starts_with("dovecot.index") || name.starts_with("dovecot.list") {
                std::fs::remove_file(path).expect("it is ours");
            } else if name == "dovecot-uidlist" {
                let list = std::fs::read_to_string(&path).expect("it is text");
                let first = list.lines().next().expect("it has a first line");
                let validity = first.split(' ').nth(1).expect("it names the UIDVALIDITY");
                let number: u64 = validity.trim_start_matches('V').parse().expect("a number");
                std::fs::write(&path, format!("3 V{} N1 G0123456789abcdef0123456789abcdef\n", number + 1))
                    .expect("it is ours");
                give_to_mail_user(&path);
            }
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    fn maildir(&self, user: &str) -> PathBuf {
        self.directory.path().join("mail").join(user)
    }

    fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        let listens = |port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
        while !greets(self.pop3_port, "+OK")
            || !greets(self.imap_port, "* OK")
            || !listens(self.pop3s_port)
            || !listens(self.imaps_port)
        {
            let has_ended = self.child.try_wait().expect("it is our child").is_some();
            assert!(!has_ended && Instant::now() < deadline, "dovecot is not ready: {}", self.log());
            std::thread::sleep(POLL);
        }
    }
}

/// The master listens before the process behind it can answer.
fn greets(port: u16, expected: &str) -> bool {
    let mut greeting = vec![0; expected.len()];
    TcpStream::connect((Ipv4Addr::LOCALHOST, port))
        .and_then(|mut stream| {
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.read_exact(&mut greeting)
        })
        .is_ok_and(|()| greeting == expected.as_bytes())
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

fn configuration(directory: &Path, ports: [u16; 4], introspection_url: &str) -> String {
    let [pop3_port, pop3s_port, imap_port, imaps_port] = ports;
    let (uid, gid) = mail_owner(directory);
    let is_root = std::fs::metadata(directory).expect("the directory exists").uid() == 0;
    let unprivileged = if is_root { String::new() } else { without_root() };
    let tokens = match introspection_url {
        "" => String::new(),
        url => token_passdb(directory, url),
    };
    let mechanisms = if tokens.is_empty() { "plain login" } else { "plain login xoauth2" };
    let directory = directory.display();
    format!(
        r#"
base_dir = {directory}/run
state_dir = {directory}/state
log_path = {directory}/log
protocols = pop3 imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{directory}/cert.pem
ssl_key = <{directory}/key.pem
disable_plaintext_auth = no
auth_mechanisms = {mechanisms}
auth_failure_delay = 0
mail_location = maildir:{directory}/mail/%u
mail_max_userip_connections = 100
{tokens}
passdb {{
  driver = static
  mechanisms = plain login
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
service imap-login {{
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = {imaps_port}
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

/// Asks the provider about each token.
fn token_passdb(directory: &Path, introspection_url: &str) -> String {
    let file = directory.join("oauth2.conf");
    let text = format!(
        "introspection_url = {introspection_url}\nintrospection_mode = post\nusername_attribute = username\n\
         active_attribute = active\nactive_value = true\n"
    );
    std::fs::write(&file, text).expect("writable");
    format!("passdb {{\n  driver = oauth2\n  mechanisms = xoauth2\n  args = {}\n}}", file.display())
}

/// What Dovecot needs to run as the user who runs the tests.
fn without_root() -> String {
    let name = |option: &str| {
        let output = Command::new("id").arg(option).output().expect("id runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let (user, group) = (name("-un"), name("-gn"));
    let chroots = ["pop3-login", "imap-login", "anvil", "stats"]
        .map(|name| format!("service {name} {{\n  chroot =\n}}\n"));
    format!(
        "default_internal_user = {user}\ndefault_login_user = {user}\ndefault_internal_group = {group}\n{}",
        chroots.concat()
    )
}
