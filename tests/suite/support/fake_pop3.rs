//! A POP3 server inside the test, which does everything wrong that POP3 servers do wrong, when told to.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    pub uid: String,
    pub bytes: Vec<u8>,
}

/// Mails are numbered from 1, as POP3 does.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    pub no_capa: bool,
    pub no_uidl: bool,
    /// Every mail has the same UID.
    pub duplicate_uids: bool,
    /// PASS is answered with `-ERR [IN-USE]`.
    pub in_use: bool,
    /// PASS is answered with `-ERR [AUTH]`.
    pub wrong_password: bool,
    /// The connection ends in the middle of this mail.
    pub eof_in_mail: Option<usize>,
    /// RETR of this mail is answered with `-ERR`.
    pub failing_mail: Option<usize>,
    /// Everything is sent one byte at a time, with this pause behind each.
    pub slow: Option<Duration>,
    /// STLS is offered and answered with `+OK` and, in the same packet, with this.
    pub stls_injection: Option<Vec<u8>>,
    /// LIST and STAT claim this size for every mail.
    pub claimed_size: Option<usize>,
    /// QUIT is answered with `+OK` but everything stays.
    pub never_deletes: bool,
    /// A mail is gone as soon as it was sent, without DELE.
    pub deletes_at_retr: bool,
    /// QUIT deletes and closes the connection without an answer.
    pub silent_quit: bool,
}

/// A mail whose body has one line of `length` bytes.
pub fn mail_with_long_line(length: usize) -> Vec<u8> {
    let mut bytes = b"From: jane@example.com\r\nSubject: long line\r\n\r\n".to_vec();
    bytes.resize(bytes.len() + length, b'x');
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// A mail whose lines start with the dots that end a mail when they are not doubled.
pub fn mail_with_dot_lines() -> Vec<u8> {
    b"From: jane@example.com\r\nSubject: dots\r\n\r\n.\r\n..\r\n.a\r\n...\r\nb.\r\n.\r\n".to_vec()
}

#[derive(Default)]
struct State {
    mails: Vec<Mail>,
    faults: Faults,
    connections: usize,
    commands: Vec<String>,
}

pub struct FakePop3 {
    pub port: u16,
    state: Arc<Mutex<State>>,
    is_over: Arc<AtomicBool>,
    listening: Option<JoinHandle<()>>,
}

impl FakePop3 {
    /// Any user with any password gets `mails`, with the UIDs "uid-1", "uid-2", …
    pub fn start(mails: &[&[u8]], faults: Faults) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("it is bound").port();
        let mails = mails
            .iter()
            .enumerate()
            .map(|(index, bytes)| Mail { uid: format!("uid-{}", index + 1), bytes: bytes.to_vec() });
        let state = Arc::new(Mutex::new(State { mails: mails.collect(), faults, ..State::default() }));
        let is_over = Arc::new(AtomicBool::new(false));
        let (serving, ending) = (Arc::clone(&state), Arc::clone(&is_over));
        let listening = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ending.load(Ordering::SeqCst) {
                    break;
                }
                let state = Arc::clone(&serving);
                lock(&state).connections += 1;
                // A client that hangs up in the middle is part of the tests, so errors end the session and no
                // more.
                std::thread::spawn(move || Session::new(stream, state).and_then(Session::serve));
            }
        });
        Self { port, state, is_over, listening: Some(listening) }
    }

    pub fn set_faults(&self, faults: Faults) {
        lock(&self.state).faults = faults;
    }

    pub fn add(&self, uid: &str, bytes: &[u8]) {
        lock(&self.state).mails.push(Mail { uid: uid.to_owned(), bytes: bytes.to_vec() });
    }

    /// What is still in the mailbox.
    pub fn mails(&self) -> Vec<Mail> {
        lock(&self.state).mails.clone()
    }

    pub fn connections(&self) -> usize {
        lock(&self.state).connections
    }

    /// Every line that came in, of all connections.
    pub fn commands(&self) -> Vec<String> {
        lock(&self.state).commands.clone()
    }

    /// How often a command such as `RETR` came in.
    pub fn count(&self, verb: &str) -> usize {
        let is_verb =
            |line: &&String| line.split(' ').next().is_some_and(|first| first.eq_ignore_ascii_case(verb));
        lock(&self.state).commands.iter().filter(is_verb).count()
    }
}

impl Drop for FakePop3 {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::SeqCst);
        // Wakes the listening thread up.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(listening) = self.listening.take() {
            let _ = listening.join();
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("no thread panicked")
}

/// One connection. It sees the mails that were there when it began, and the faults of that moment.
struct Session {
    input: BufReader<TcpStream>,
    output: TcpStream,
    state: Arc<Mutex<State>>,
    mails: Vec<Mail>,
    faults: Faults,
    deleted: BTreeSet<usize>,
    is_logged_in: bool,
}

impl Session {
    fn new(stream: TcpStream, state: Arc<Mutex<State>>) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let (mails, faults) = {
            let state = lock(&state);
            (state.mails.clone(), state.faults.clone())
        };
        Ok(Self {
            input: BufReader::new(stream.try_clone()?),
            output: stream,
            state,
            mails,
            faults,
            deleted: BTreeSet::new(),
            is_logged_in: false,
        })
    }

    fn serve(mut self) -> io::Result<()> {
        self.send(b"+OK fake POP3\r\n")?;
        loop {
            let mut line = String::new();
            if self.input.read_line(&mut line)? == 0 {
                return Ok(());
            }
            let line = line.trim_end();
            lock(&self.state).commands.push(line.to_owned());
            let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
            match (verb.to_ascii_uppercase().as_str(), self.is_logged_in) {
                ("QUIT", _) => return self.quit(),
                ("CAPA", _) => self.capa()?,
                ("STLS", false) => self.stls()?,
                ("USER", false) => self.send(b"+OK\r\n")?,
                ("PASS", false) => self.pass()?,
                ("NOOP", true) => self.send(b"+OK\r\n")?,
                ("RSET", true) => {
                    self.deleted.clear();
                    self.send(b"+OK\r\n")?;
                }
                ("STAT", true) => {
                    let numbers = self.present();
                    let size: usize = numbers.iter().map(|&number| self.size(number)).sum();
                    self.send(format!("+OK {} {size}\r\n", numbers.len()).as_bytes())?;
                }
                ("LIST", true) => self.list(argument, |session, number| session.size(number).to_string())?,
                ("UIDL", true) if !self.faults.no_uidl => self.list(argument, Self::uid)?,
                ("RETR", true) => self.retr(argument)?,
                ("TOP", true) => self.top(argument)?,
                ("DELE", true) => match self.number(argument) {
                    Some(number) => {
                        self.deleted.insert(number);
                        self.send(b"+OK\r\n")?;
                    }
                    None => self.no_such_mail()?,
                },
                _ => self.send(b"-ERR unknown command\r\n")?,
            }
        }
    }

    fn capa(&mut self) -> io::Result<()> {
        if self.faults.no_capa {
            return self.send(b"-ERR unknown command\r\n");
        }
        let mut answer = "+OK\r\nUSER\r\nTOP\r\nRESP-CODES\r\n".to_owned();
        if !self.faults.no_uidl {
            answer.push_str("UIDL\r\n");
        }
        if self.faults.stls_injection.is_some() {
            answer.push_str("STLS\r\n");
        }
        answer.push_str(".\r\n");
        self.send(answer.as_bytes())
    }

    /// There is no TLS behind it: whatever a client does after the answer, it must not believe what was
    /// injected.
    fn stls(&mut self) -> io::Result<()> {
        let Some(injected) = self.faults.stls_injection.clone() else {
            return self.send(b"-ERR unknown command\r\n");
        };
        self.send(&[b"+OK\r\n", injected.as_slice()].concat())?;
        io::copy(&mut self.input, &mut io::sink())?;
        Ok(())
    }

    fn pass(&mut self) -> io::Result<()> {
        if self.faults.in_use {
            return self.send(b"-ERR [IN-USE] the mailbox is locked by another session\r\n");
        }
        if self.faults.wrong_password {
            return self.send(b"-ERR [AUTH] wrong user name or password\r\n");
        }
        self.is_logged_in = true;
        self.send(b"+OK\r\n")
    }

    fn list(&mut self, argument: &str, value: impl Fn(&Self, usize) -> String) -> io::Result<()> {
        if argument.is_empty() {
            let line = |number: usize| format!("{number} {}\r\n", value(self, number));
            let lines: String = self.present().into_iter().map(line).collect();
            return self.send(format!("+OK\r\n{lines}.\r\n").as_bytes());
        }
        match self.number(argument) {
            Some(number) => self.send(format!("+OK {number} {}\r\n", value(self, number)).as_bytes()),
            None => self.no_such_mail(),
        }
    }

    fn retr(&mut self, argument: &str) -> io::Result<()> {
        let Some(number) = self.number(argument) else {
            return self.no_such_mail();
        };
        if self.faults.failing_mail == Some(number) {
            return self.send(b"-ERR [SYS/PERM] this mail cannot be read\r\n");
        }
        let mut answer = b"+OK\r\n".to_vec();
        answer.extend(stuffed(&self.mails[number - 1].bytes));
        if self.faults.eof_in_mail == Some(number) {
            self.send(&answer[..answer.len() / 2])?;
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        if self.faults.deletes_at_retr {
            self.remove(&[number].into());
        }
        answer.extend_from_slice(b".\r\n");
        self.send(&answer)
    }

    fn top(&mut self, argument: &str) -> io::Result<()> {
        let (mail, lines) = argument.split_once(' ').unwrap_or((argument, "0"));
        let Some(number) = self.number(mail) else {
            return self.no_such_mail();
        };
        let bytes = &self.mails[number - 1].bytes;
        let body = bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(bytes.len(), |at| at + 4);
        let lines: usize = lines.parse().unwrap_or(0);
        let shown: usize = bytes[body..].split_inclusive(|&b| b == b'\n').take(lines).map(<[u8]>::len).sum();
        let mut answer = b"+OK\r\n".to_vec();
        answer.extend(stuffed(&bytes[..body + shown]));
        answer.extend_from_slice(b".\r\n");
        self.send(&answer)
    }

    fn quit(&mut self) -> io::Result<()> {
        if self.is_logged_in && !self.faults.never_deletes {
            let deleted = std::mem::take(&mut self.deleted);
            self.remove(&deleted);
        }
        if self.faults.silent_quit {
            return Ok(());
        }
        self.send(b"+OK bye\r\n")
    }

    /// Takes mails out of the mailbox that outlives this session.
    fn remove(&self, numbers: &BTreeSet<usize>) {
        for number in numbers {
            let gone = &self.mails[number - 1];
            let mut state = lock(&self.state);
            if let Some(at) = state.mails.iter().position(|mail| mail == gone) {
                state.mails.remove(at);
            }
        }
    }

    fn present(&self) -> Vec<usize> {
        (1..=self.mails.len()).filter(|number| !self.deleted.contains(number)).collect()
    }

    fn number(&self, argument: &str) -> Option<usize> {
        let number = argument.trim().parse().ok()?;
        self.present().contains(&number).then_some(number)
    }

    fn size(&self, number: usize) -> usize {
        self.faults.claimed_size.unwrap_or(self.mails[number - 1].bytes.len())
    }

    fn uid(&self, number: usize) -> String {
        if self.faults.duplicate_uids { "same-uid".to_owned() } else { self.mails[number - 1].uid.clone() }
    }

    fn no_such_mail(&mut self) -> io::Result<()> {
        self.send(b"-ERR no such message\r\n")
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(pause) = self.faults.slow else {
            return self.output.write_all(bytes);
        };
        for byte in bytes {
            self.output.write_all(std::slice::from_ref(byte))?;
            std::thread::sleep(pause);
        }
        Ok(())
    }
}

/// The lines with a dot before each that starts with one, the last one ended (RFC 1939 3).
fn stuffed(bytes: &[u8]) -> Vec<u8> {
    let mut lines = Vec::with_capacity(bytes.len() + 16);
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        if line.starts_with(b".") {
            lines.push(b'.');
        }
        lines.extend_from_slice(line);
    }
    if !lines.is_empty() && !lines.ends_with(b"\n") {
        lines.extend_from_slice(b"\r\n");
    }
    lines
}
