//! From the greeting to a session that has signed in: TLS, and a password or a token.

use std::collections::HashSet;

use async_imap::{Authenticator, Client, error::Error as ImapError};
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

use super::stream::{Guarded, broken};
use super::{ANSWER_BYTES, Limits, Session};
use crate::mail::fetch_error::{FetchError, readable};
use crate::mail::server::{Login, Security, Server, xoauth2};
use crate::mail::wire::Stream;

pub(super) fn check(server: &Server) -> Result<(), FetchError> {
    match server.is_fit() {
        true => Ok(()),
        false => Err(login_error(server, "the user name or the password contains a line break")),
    }
}

/// A refused login, without the password a server may have repeated.
fn login_error(server: &Server, answer: &str) -> FetchError {
    FetchError::Login { place: server.to_string(), answer: readable(server.hide(answer).as_bytes()) }
}

/// Everything after the TCP connection.
pub(super) async fn open(
    stream: Box<dyn Stream>,
    server: &Server,
    limits: Limits,
) -> Result<Session, FetchError> {
    check(server)?;
    let mut stream = Guarded::new(stream, limits);
    if server.security == Security::Tls {
        stream = stream.secure(server, limits).await?;
    }
    let greeting = stream.line(server).await?;
    match greeting.strip_prefix("* ") {
        Some(rest) if rest.starts_with("OK") => {}
        // Also PREAUTH: whoever signs us in unasked is not the server, or keeps us from putting TLS up.
        Some(rest) => return Err(login_error(server, rest)),
        None => {
            let said = readable(greeting.as_bytes());
            return Err(FetchError::Broken(format!("{server} does not speak IMAP: it said '{said}'")));
        }
    }
    if server.security == Security::StartTls {
        if !ask(&mut stream, server, "S STARTTLS", |_| {}).await? {
            return Err(FetchError::Tls(format!(
                "{server} does not offer STARTTLS, so nothing was sent to it"
            )));
        }
        stream = stream.secure(server, limits).await?;
    }
    let mut offered = String::new();
    ask(&mut stream, server, "C CAPABILITY", |line| offered.push_str(&line.to_ascii_uppercase())).await?;
    stream.allow(ANSWER_BYTES);
    let offers = |word: &str| offered.split_whitespace().any(|offer| offer == word);
    let client = Client::new(stream);
    let session = match &server.login {
        // Not sent to a server that would not know what it is.
        Some(Login::Token(_)) if !offers("AUTH=XOAUTH2") => {
            return Err(login_error(server, "it does not offer XOAUTH2, which OAuth 2.0 needs"));
        }
        Some(Login::Token(token)) => {
            let token = Token(Some(xoauth2(&server.user_name, token)));
            client.authenticate("XOAUTH2", token).with_subscriber(Dispatch::none()).await
        }
        _ if offers("LOGINDISABLED") => {
            return Err(login_error(
                server,
                "it takes no password on this connection; choose TLS or OAuth 2.0",
            ));
        }
        login => {
            let password = match login {
                Some(Login::Password(password)) => password.as_str(),
                _ => "",
            };
            client.login(&server.user_name, password).with_subscriber(Dispatch::none()).await
        }
    };
    let session = session.map_err(|(error, _)| match error {
        ImapError::No(text) | ImapError::Bad(text) => login_error(server, words(&text)),
        ImapError::Io(error) => broken(server, &error),
        _ => FetchError::Broken(format!("{server} closed the connection during the login")),
    })?;
    let mut session = Session {
        session,
        server: server.clone(),
        limits,
        capabilities: HashSet::new(),
        messages: 0,
        is_usable: true,
    };
    session.read_capabilities().await?;
    Ok(session)
}

/// A command before the protocol proper begins; its tag is the first word. Tells whether it was taken.
async fn ask(
    stream: &mut Guarded,
    server: &Server,
    command: &str,
    mut hear: impl FnMut(&str),
) -> Result<bool, FetchError> {
    let tag = command.split_inclusive(' ').next().unwrap_or_default();
    stream.say(server, command).await?;
    // Chatter before the answer is allowed, but not without end.
    for _ in 0..100 {
        let line = stream.line(server).await?;
        match line.strip_prefix(tag) {
            Some(answer) => return Ok(answer.starts_with("OK")),
            None => hear(&line),
        }
    }
    Err(FetchError::Broken(format!("{server} sent more than it was asked for")))
}

/// async-imap's text of a refusal is Rust's notation of code and information.
fn words(text: &str) -> &str {
    let inner = text.split_once("info: Some(\"").map(|(_, rest)| rest.trim_end_matches("\")"));
    inner.unwrap_or("no reason given")
}

/// Gives the token once. A challenge after that tells why it is refused and wants an empty answer.
struct Token(Option<String>);

impl Authenticator for Token {
    type Response = String;

    fn process(&mut self, _: &[u8]) -> String {
        self.0.take().unwrap_or_default()
    }
}
