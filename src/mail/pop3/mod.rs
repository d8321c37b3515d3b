//! A POP3 client: RFC 1939 with CAPA (2449), STLS (2595), AUTH PLAIN (5034), XOAUTH2 and response codes (3206).
//! Bytes come out as the server keeps them. Deleting only marks: nothing is gone before `quit` returns `Ok`.

#[cfg(test)]
mod tests;
mod wire;

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use base64::Engine;
use sha2::{Digest, Sha256};

use self::wire::{Answer, Wire};
use crate::mail::fetch_error::{FetchError, readable};
use crate::mail::server::{Login, Security, Server, xoauth2_encoded};
use crate::mail::wire::{Stream, dial};

/// Patience and size: `read` is for one wait, `session` for everything from the greeting on.
/// `line_bytes` bounds status lines; the lines of a message are bounded by `message_bytes` only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    pub connect: Duration,
    pub read: Duration,
    pub session: Duration,
    pub message_bytes: u64,
    pub line_bytes: usize,
}

/// One message in the mailbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Valid in this session only.
    pub number: u32,
    /// What names the message in every session. `None` when the server gives no name, or the same name to
    /// several messages: then only `retrieve` can tell whether it is known, by the SHA-256 of its bytes.
    pub uidl: Option<String>,
    /// What the server says, which may be wrong; 0 when it does not say.
    pub size_bytes: u64,
}

/// An open mailbox. Dropping it without `quit` undoes every deletion.
pub struct Session {
    wire: Wire,
    is_usable: bool,
}

/// Connects, puts TLS up if asked to, and logs in. Nothing secret is sent before TLS is up
/// unless `security` is `None`.
pub async fn connect(server: &Server, limits: Limits) -> Result<Session, FetchError> {
    check(server)?;
    let stream = dial(server, limits.connect).await?;
    open(Box::new(stream), server, limits).await
}

/// Everything after the TCP connection.
async fn open(stream: Box<dyn Stream>, server: &Server, limits: Limits) -> Result<Session, FetchError> {
    check(server)?;
    let mut wire = Wire::new(stream, server, limits);
    if server.security == Security::Tls {
        wire = wire.secure(server).await?;
    }
    if let Answer::Negative(text) = wire.answer().await? {
        return Err(login_error(server, &text));
    }
    if server.security == Security::StartTls {
        wire.send("STLS").await?;
        let Answer::Positive(_) = wire.answer().await? else {
            return Err(FetchError::Tls(format!(
                "{} does not offer STARTTLS, so nothing was sent to it",
                server
            )));
        };
        wire = wire.secure(server).await?;
    }
    let mut session = Session { wire, is_usable: true };
    session.log_in(server).await?;
    Ok(session)
}

impl Session {
    /// Every message, by number. Without UIDL a message is named by the SHA-256 (hex) of its header, as
    /// `TOP n 0` gives it, and its size; without TOP it has no name.
    pub async fn list(&mut self) -> Result<Vec<Listing>, FetchError> {
        let names = self.numbered("UIDL").await?;
        let sizes = self.numbered("LIST").await?.unwrap_or_default();
        let size = |text: &[u8]| std::str::from_utf8(text).ok()?.split(' ').next()?.parse().ok();

        let mut messages: BTreeMap<u32, Listing> = BTreeMap::new();
        for (number, text) in sizes {
            messages.insert(number, Listing { number, uidl: None, size_bytes: size(&text).unwrap_or(0) });
        }
        let has_names = names.is_some();
        for (number, text) in names.unwrap_or_default() {
            let message = messages.entry(number).or_insert(Listing { number, uidl: None, size_bytes: 0 });
            message.uidl = name(&text);
        }
        let mut messages: Vec<Listing> = messages.into_values().collect();
        if !has_names {
            self.name_by_header(&mut messages).await?;
        }
        forget_shared_names(&mut messages);
        Ok(messages)
    }

    /// The message's bytes exactly as the server has them, with CRLF as sent. `Refused` leaves the
    /// session usable, every other error ends it.
    pub async fn retrieve(&mut self, number: u32) -> Result<Vec<u8>, FetchError> {
        let limit_bytes = self.wire.limits.message_bytes;
        self.ask_long(&format!("RETR {number}"), limit_bytes).await
    }

    /// Marks a message; the server removes it when `quit` succeeds.
    pub async fn delete(&mut self, number: u32) -> Result<(), FetchError> {
        self.ask(&format!("DELE {number}"), None).await.map(drop)
    }

    /// Ends the session. Only `Ok` means that the marked messages are gone; after any error they may come
    /// again.
    pub async fn quit(mut self) -> Result<(), FetchError> {
        self.ask("QUIT", None).await.map(drop)
    }

    pub fn is_usable(&self) -> bool {
        self.is_usable
    }

    async fn log_in(&mut self, server: &Server) -> Result<(), FetchError> {
        let capabilities = match self.ask_long("CAPA", 64 * 1024).await {
            Ok(text) => capabilities(&text),
            Err(FetchError::Refused { .. }) => Vec::new(),
            Err(error) => return Err(error),
        };
        let offers = |mechanism: &str| {
            capabilities.iter().any(|words| words[0] == "SASL" && words.iter().any(|word| word == mechanism))
        };
        let offers_user = capabilities.iter().any(|words| words[0] == "USER");
        let user_name = &server.user_name;
        let password = match &server.login {
            // Not sent to a server that would not know what it is.
            Some(Login::Token(_)) if !offers("XOAUTH2") => {
                return Err(login_error(server, b"it does not offer XOAUTH2, which OAuth 2.0 needs"));
            }
            Some(Login::Token(token)) => {
                let token = xoauth2_encoded(user_name, token);
                return Self::logged_in(server, self.ask("AUTH XOAUTH2", Some(&token)).await);
            }
            Some(Login::Password(password)) => password.as_str(),
            None => "",
        };
        let outcome = if offers("PLAIN") && !offers_user {
            let token = format!("\0{user_name}\0{password}");
            let token = base64::engine::general_purpose::STANDARD.encode(token);
            self.ask("AUTH PLAIN", Some(&token)).await
        } else {
            match self.ask_as("USER", &format!("USER {user_name}"), None).await {
                Ok(_) => self.ask_as("PASS", &format!("PASS {password}"), None).await,
                Err(error) => Err(error),
            }
        };
        Self::logged_in(server, outcome)
    }

    fn logged_in(server: &Server, outcome: Result<Vec<u8>, FetchError>) -> Result<(), FetchError> {
        match outcome {
            Err(FetchError::Refused { answer, .. }) => Err(login_error(server, answer.as_bytes())),
            other => other.map(drop),
        }
    }

    /// The lines `number text` that answer UIDL and LIST; `None` when the server does not know the command.
    async fn numbered(&mut self, command: &str) -> Result<Option<Vec<(u32, Vec<u8>)>>, FetchError> {
        let limit_bytes = self.wire.limits.message_bytes;
        let body = match self.ask_long(command, limit_bytes).await {
            Err(FetchError::Refused { .. }) => return Ok(None),
            other => other?,
        };
        let lines = body.split(|byte| *byte == b'\n').filter_map(|line| {
            let line = line.trim_ascii();
            let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let number = std::str::from_utf8(&line[..digits]).ok()?.parse().ok()?;
            Some((number, line[digits..].trim_ascii().to_vec()))
        });
        Ok(Some(lines.collect()))
    }

    async fn name_by_header(&mut self, messages: &mut [Listing]) -> Result<(), FetchError> {
        let limit_bytes = self.wire.limits.message_bytes;
        for message in messages {
            match self.ask_long(&format!("TOP {} 0", message.number), limit_bytes).await {
                Ok(header) => {
                    let size = message.size_bytes.to_string();
                    message.uidl =
                        Some(hex(&Sha256::new().chain_update(header).chain_update(size).finalize()));
                }
                Err(FetchError::Refused { .. }) => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn ask_long(&mut self, line: &str, limit_bytes: u64) -> Result<Vec<u8>, FetchError> {
        self.ask(line, None).await?;
        self.is_usable = false;
        let body = self.wire.body(limit_bytes).await?;
        self.is_usable = true;
        Ok(body)
    }

    async fn ask(&mut self, line: &str, continuation: Option<&str>) -> Result<Vec<u8>, FetchError> {
        self.ask_as(line, line, continuation).await
    }

    /// Sends a command and reads its status line. `shown` is what an error may say about the command.
    /// The session counts as unusable until the answer is complete, also when the caller gives up waiting.
    async fn ask_as(
        &mut self,
        shown: &str,
        line: &str,
        continuation: Option<&str>,
    ) -> Result<Vec<u8>, FetchError> {
        if !self.is_usable {
            return Err(self.wire.broken("is no longer in step with us; this session has ended"));
        }
        self.is_usable = false;
        self.wire.send(line).await?;
        match line.split(' ').next() {
            Some("DELE") => {
                crate::failpoint!("K7");
            }
            Some("QUIT") => {
                crate::failpoint!("K9");
            }
            _ => {}
        }
        let mut answer = self.wire.answer().await?;
        if let (Answer::Continue, Some(continuation)) = (&answer, continuation) {
            self.wire.send(continuation).await?;
            answer = self.wire.answer().await?;
            // XOAUTH2 tells why it refuses in a second challenge, which an empty line answers.
            if let Answer::Continue = answer {
                self.wire.send("").await?;
                answer = self.wire.answer().await?;
            }
        }
        match answer {
            Answer::Positive(text) => {
                self.is_usable = true;
                Ok(text)
            }
            Answer::Negative(text) => {
                self.is_usable = true;
                Err(FetchError::Refused {
                    place: self.wire.place.clone(),
                    command: shown.to_owned(),
                    answer: readable(&text),
                })
            }
            Answer::Continue => Err(self.wire.broken("asked for something a POP3 client cannot give")),
        }
    }
}

/// A line break in a name or a password would be a second command.
fn check(server: &Server) -> Result<(), FetchError> {
    match server.is_fit() {
        true => Ok(()),
        false => Err(login_error(server, b"the user name or the password contains a line break")),
    }
}

/// A refused login, without the password a server may have repeated.
fn login_error(server: &Server, answer: &[u8]) -> FetchError {
    let answer = server.hide(&String::from_utf8_lossy(answer));
    FetchError::Login { place: server.to_string(), answer: readable(answer.as_bytes()) }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(20),
            read: Duration::from_secs(30),
            session: Duration::from_secs(9 * 60),
            message_bytes: 50 * 1024 * 1024,
            line_bytes: 1024 * 1024,
        }
    }
}

/// CAPA's lines as upper-case words; no line is empty.
fn capabilities(text: &[u8]) -> Vec<Vec<String>> {
    String::from_utf8_lossy(text)
        .lines()
        .map(|line| line.split_whitespace().map(str::to_ascii_uppercase).collect())
        .filter(|words: &Vec<String>| !words.is_empty())
        .collect()
}

/// A UIDL as text. Ones that are too long or not ASCII are replaced by their hash.
fn name(uidl: &[u8]) -> Option<String> {
    match std::str::from_utf8(uidl) {
        Ok("") => None,
        Ok(text) if text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Some(text.to_owned())
        }
        _ => Some(hex(&Sha256::digest(uidl))),
    }
}

/// A name that several messages share says nothing about any one of them: taking the second for the first
/// would delete it unread.
fn forget_shared_names(messages: &mut [Listing]) {
    let mut uses: HashMap<String, usize> = HashMap::new();
    for uidl in messages.iter().filter_map(|message| message.uidl.clone()) {
        *uses.entry(uidl).or_default() += 1;
    }
    for message in messages {
        if message.uidl.as_ref().is_some_and(|uidl| uses[uidl] != 1) {
            message.uidl = None;
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
