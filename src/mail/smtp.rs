//! One mail to one SMTP server, with an outcome for each recipient. lettre speaks the protocol; the
//! transaction is ours because lettre's own gives up at the first refused recipient, and because some of its
//! habits are not ours: it writes what it sends, passwords included, to the debug log, and keeps what arrived
//! before the TLS handshake.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::Error as LettreError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    AsyncSmtpConnection, AsyncTokioStream, CertificateStore, TlsParameters,
};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::response::Response;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

use super::outgoing;
use super::server::{Login, Security, Server, xoauth2_encoded};

/// What became of each recipient, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    pub recipients: Vec<(String, Outcome)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Accepted,
    /// Not now (4xx): try this recipient again. The server's words.
    Deferred(String),
    /// Never (5xx). The server's words.
    Refused(String),
}

/// Why nothing (or, for `Ambiguous`, perhaps nothing) was delivered. `server` is `host:port`, `reply` the
/// server's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SmtpError {
    #[error("could not talk to {server}: {reason}")]
    Unreachable { server: String, reason: String },
    #[error("no secure connection to {server}: {reason}")]
    Tls { server: String, reason: String },
    #[error("{server} did not accept the user name and password: {reply}")]
    Login { server: String, reply: String },
    #[error("{server} put the mail off: {reply}")]
    Deferred { server: String, reply: String },
    #[error("{server} refused the mail: {reply}")]
    Refused { server: String, reply: String },
    #[error("{server} did not answer in {seconds} seconds")]
    TimedOut { server: String, seconds: u64 },
    /// Send the same bytes again: receivers know a mail they have by its Message-ID.
    #[error("{server} was sent the whole mail but did not confirm it ({reason}); it may have arrived")]
    Ambiguous { server: String, reason: String },
}

impl SmtpError {
    /// Whether this mail will never be taken, so that trying again is pointless.
    pub fn is_permanent(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    /// Whether the account's settings, not the mail, are at fault: every other mail would fail in the same
    /// way.
    pub fn is_account(&self) -> bool {
        matches!(self, Self::Login { .. } | Self::Tls { .. })
    }
}

/// Sends `bytes` (whole mail, headers first) once. `envelope_from: None` is the null sender `<>` of automatic
/// mail. An `Err` concerns all recipients; recipients refused or put off one by one are an `Ok`.
pub async fn deliver(
    server: &Server,
    envelope_from: Option<&str>,
    recipients: &[String],
    bytes: &[u8],
) -> Result<Delivery, SmtpError> {
    deliver_with(PATIENCE, server, envelope_from, recipients, bytes).await
}

/// Connects, makes TLS, logs in and says goodbye: "test connection".
pub async fn check(server: &Server) -> Result<(), SmtpError> {
    Session::open(server, PATIENCE).await?.quit();
    Ok(())
}

/// How long to wait: for the TCP connection, for each reply, and for the reply to the final dot, before which
/// a server may scan the mail and should not be hung up on (RFC 5321 4.5.3.2.6).
#[derive(Debug, Clone, Copy)]
struct Patience {
    connect: Duration,
    command: Duration,
    final_dot: Duration,
}

const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(20),
    command: Duration::from_secs(60),
    final_dot: Duration::from_secs(600),
};
/// In characters: enough for a reason and a link, whatever a server writes.
const REPLY_MAX: usize = 500;
const GOODBYE: Duration = Duration::from_secs(5);
/// A line slower than this is given up.
const SLOWEST_BYTES_PER_SECOND: u64 = 10_000;

async fn deliver_with(
    patience: Patience,
    server: &Server,
    envelope_from: Option<&str>,
    recipients: &[String],
    bytes: &[u8],
) -> Result<Delivery, SmtpError> {
    let from =
        match envelope_from {
            None => None,
            Some(text) => Some(outgoing::address(text).map_err(|error| SmtpError::Refused {
                server: server.to_string(),
                reply: error.to_string(),
            })?),
        };
    let mut session = Session::open(server, patience).await?;
    let result = session.transact(from, recipients, &wire_lines(bytes)).await;
    if matches!(result, Ok(_) | Err(SmtpError::Refused { .. } | SmtpError::Deferred { .. })) {
        session.quit();
    }
    result
}

/// A connection that is secured and logged in as far as the server's settings ask for it.
struct Session<'a> {
    server: &'a Server,
    patience: Patience,
    connection: AsyncSmtpConnection,
}

impl<'a> Session<'a> {
    async fn open(server: &'a Server, patience: Patience) -> Result<Self, SmtpError> {
        // A server that wants nothing to do with us has not judged the mail: 5xx is not the end of it here.
        let connection = connect(server, patience).await.map_err(|error| match error {
            SmtpError::Refused { server, reply } => SmtpError::Unreachable { server, reason: reply },
            other => other,
        })?;
        let mut session = Self { server, patience, connection };
        let signed_in = match &server.login {
            Some(Login::Password(password)) => session.log_in(password).await,
            Some(Login::Token(token)) => session.show_token(token).await,
            None => Ok(()),
        };
        signed_in.map_err(|error| match error {
            // A server may repeat what it refuses.
            SmtpError::Login { server: place, reply } => {
                SmtpError::Login { server: place, reply: server.hide(&reply) }
            }
            other => other,
        })?;
        Ok(session)
    }

    async fn log_in(&mut self, password: &str) -> Result<(), SmtpError> {
        let login = |reply: String| SmtpError::Login { server: self.server.to_string(), reply };
        let mechanisms = [Mechanism::Plain, Mechanism::Login];
        if self.connection.server_info().get_auth_mechanism(&mechanisms).is_none() {
            return Err(login("it offers neither PLAIN nor LOGIN".to_owned()));
        }
        let credentials = Credentials::new(self.server.user_name.clone(), password.to_owned());
        let auth = self.connection.auth(&mechanisms, &credentials);
        match within(self.server, self.patience.command, auth).await {
            Ok(response) if response.has_code(235) => Ok(()),
            Ok(response) => Err(login(format!("it answered {} to the login", response.code()))),
            Err(SmtpError::Refused { reply, .. }) => Err(login(reply)),
            Err(other) => Err(other),
        }
    }

    /// XOAUTH2. A server that refuses says why in a challenge, which wants an empty line before the refusal proper;
    /// lettre would give up there.
    async fn show_token(&mut self, token: &str) -> Result<(), SmtpError> {
        let server = self.server;
        let login = |reply: String| SmtpError::Login { server: server.to_string(), reply };
        if !server.is_fit() || !self.connection.server_info().supports_auth_mechanism(Mechanism::Xoauth2) {
            return Err(login("it does not offer XOAUTH2, which OAuth 2.0 needs".to_owned()));
        }
        let token = xoauth2_encoded(&server.user_name, token);
        let mut answer = self.command(format!("AUTH XOAUTH2 {token}\r\n")).await;
        if let Ok(response) = &answer
            && response.has_code(334)
        {
            answer = self.command("\r\n").await;
        }
        match answer {
            Ok(response) if response.has_code(235) => Ok(()),
            Ok(response) => Err(login(format!("it answered {} to the login", response.code()))),
            Err(SmtpError::Refused { reply, .. }) => Err(login(reply)),
            Err(other) => Err(other),
        }
    }

    /// MAIL, RCPT for each recipient and, if the server takes one of them, DATA.
    async fn transact(
        &mut self,
        from: Option<Address>,
        recipients: &[String],
        bytes: &[u8],
    ) -> Result<Delivery, SmtpError> {
        let addresses: Vec<_> = recipients.iter().map(|text| outgoing::address(text).ok()).collect();
        let can_write_utf8 = self.offers(Extension::SmtpUtfEight);
        let is_utf8 = |address: &Option<Address>| address.as_ref().is_some_and(|a| !a.to_string().is_ascii());
        let needs_utf8 = is_utf8(&from) || !header_block(bytes).is_ascii();
        if needs_utf8 && !can_write_utf8 {
            return Err(self
                .refused("the mail names an address that needs SMTPUTF8, which the server does not offer"));
        }
        let mut parameters = Vec::new();
        if needs_utf8 || (can_write_utf8 && addresses.iter().any(is_utf8)) {
            parameters.push(MailParameter::SmtpUtfEight);
        }
        if !bytes.is_ascii() {
            if !self.offers(Extension::EightBitMime) {
                return Err(self.refused("the mail has 8-bit bytes, which the server does not take"));
            }
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        self.command(Mail::new(from, parameters)).await?;

        let mut outcomes = Vec::with_capacity(recipients.len());
        for (text, address) in recipients.iter().zip(addresses) {
            let needs_utf8 = is_utf8(&address);
            let outcome = match address {
                None => Outcome::Refused("this is not an e-mail address".to_owned()),
                Some(_) if needs_utf8 && !can_write_utf8 => Outcome::Refused(
                    "this address needs SMTPUTF8, which the server does not offer".to_owned(),
                ),
                Some(address) => Outcome::of(self.command(Rcpt::new(address, Vec::new())).await)?,
            };
            outcomes.push((text.clone(), outcome));
        }
        crate::failpoint!("S4");
        if outcomes.iter().any(|(_, outcome)| *outcome == Outcome::Accepted) {
            let content = self.send_content(bytes).await?;
            for (_, outcome) in outcomes.iter_mut().filter(|(_, outcome)| *outcome == Outcome::Accepted) {
                *outcome = content.clone();
            }
        }
        Ok(Delivery { recipients: outcomes })
    }

    /// DATA and the mail: one outcome for every recipient the server had accepted.
    async fn send_content(&mut self, bytes: &[u8]) -> Result<Outcome, SmtpError> {
        match self.command(Data).await {
            Ok(response) if response.has_code(354) => {}
            // Without 354 the lines of the mail would be taken for commands.
            Ok(response) => return Err(self.refused(&format!("it answered {} to DATA", response.code()))),
            Err(error) => return Outcome::of(Err(error)),
        }
        crate::failpoint!("S5");
        // lettre ends the last line itself, and adds the dots of RFC 5321 4.5.2.
        let content = bytes.strip_suffix(b"\r\n").unwrap_or(bytes);
        let patience =
            self.patience.final_dot + Duration::from_secs(bytes.len() as u64 / SLOWEST_BYTES_PER_SECOND);
        let message = self.connection.message(content);
        match Outcome::of(within(self.server, patience, message).await) {
            Err(SmtpError::Unreachable { server, reason } | SmtpError::Tls { server, reason }) => {
                Err(SmtpError::Ambiguous { server, reason })
            }
            Err(SmtpError::TimedOut { server, seconds }) => {
                Err(SmtpError::Ambiguous { server, reason: format!("no answer in {seconds} seconds") })
            }
            outcome => outcome,
        }
    }

    async fn command(&mut self, command: impl fmt::Display + Send) -> Result<Response, SmtpError> {
        within(self.server, self.patience.command, self.connection.command(command)).await
    }

    /// Ends the session politely, behind the caller's back: until what was delivered is written down, every moment is
    /// one in which a crash sends it again.
    fn quit(self) {
        let (mut connection, patience) = (self.connection, GOODBYE.min(self.patience.command));
        tokio::spawn(async move { tokio::time::timeout(patience, connection.quit()).await });
    }

    fn offers(&self, extension: Extension) -> bool {
        self.connection.server_info().supports_feature(extension)
    }

    fn refused(&self, reply: &str) -> SmtpError {
        SmtpError::Refused { server: self.server.to_string(), reply: reply.to_owned() }
    }
}

impl Outcome {
    /// A reply that concerns one recipient; anything else ends the transaction.
    fn of(reply: Result<Response, SmtpError>) -> Result<Self, SmtpError> {
        match reply {
            Ok(_) => Ok(Self::Accepted),
            Err(SmtpError::Deferred { reply, .. }) => Ok(Self::Deferred(reply)),
            Err(SmtpError::Refused { reply, .. }) => Ok(Self::Refused(reply)),
            Err(other) => Err(other),
        }
    }
}

/// TCP, the greeting, EHLO, and TLS as asked for.
async fn connect(server: &Server, patience: Patience) -> Result<AsyncSmtpConnection, SmtpError> {
    let hello = ClientId::default();
    let address = (server.host.as_str(), server.port);
    let whole = patience.connect + patience.command;
    match server.security {
        Security::None => {
            let plain =
                AsyncSmtpConnection::connect_tokio1(address, Some(patience.connect), &hello, None, None);
            within(server, whole, plain).await
        }
        Security::Tls => {
            let tls = Some(tls_parameters(server).await?);
            let secure =
                AsyncSmtpConnection::connect_tokio1(address, Some(patience.connect), &hello, tls, None);
            within(server, whole, secure).await
        }
        Security::StartTls => {
            let stream = timeout(patience.connect, TcpStream::connect(address))
                .await
                .map_err(|_| timed_out(server, patience.connect))?
                .map_err(|error| SmtpError::Unreachable {
                    server: server.to_string(),
                    reason: error.to_string(),
                })?;
            let stream = Box::new(BeforeTls { stream, is_over: false });
            let plain = AsyncSmtpConnection::connect_with_transport(stream, &hello);
            let mut connection = within(server, patience.command, plain).await?;
            if !connection.can_starttls() {
                return Err(SmtpError::Tls {
                    server: server.to_string(),
                    reason: "it does not offer STARTTLS".to_owned(),
                });
            }
            let upgrade = connection.starttls(tls_parameters(server).await?, &hello);
            within(server, patience.command, upgrade).await?;
            Ok(connection)
        }
    }
}

/// Reading the system's certificates takes milliseconds of disk and CPU, hence the blocking thread.
async fn tls_parameters(server: &Server) -> Result<TlsParameters, SmtpError> {
    let builder = TlsParameters::builder(server.host.clone());
    let builder = if server.accept_invalid_certs {
        builder
            .certificate_store(CertificateStore::None)
            .dangerous_accept_invalid_certs(true)
            .dangerous_accept_invalid_hostnames(true)
    } else {
        builder
    };
    let tls = |reason: String| SmtpError::Tls { server: server.to_string(), reason };
    tokio::task::spawn_blocking(move || builder.build_rustls())
        .await
        .map_err(|error| tls(error.to_string()))?
        .map_err(|error| tls(error.to_string()))
}

/// Waits for a step of lettre's, which meanwhile logs nothing: it would write mails and passwords to the log.
async fn within<T>(
    server: &Server,
    patience: Duration,
    step: impl Future<Output = Result<T, LettreError>>,
) -> Result<T, SmtpError> {
    match timeout(patience, step.with_subscriber(Dispatch::none())).await {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(failure(server, &error)),
        Err(_) => Err(timed_out(server, patience)),
    }
}

fn timed_out(server: &Server, patience: Duration) -> SmtpError {
    SmtpError::TimedOut { server: server.to_string(), seconds: patience.as_secs() }
}

fn failure(server: &Server, error: &LettreError) -> SmtpError {
    let server = server.to_string();
    if let Some(code) = error.status() {
        let words = error.source().map(ToString::to_string).unwrap_or_default();
        let reply: String = super::one_line(&format!("{code} {words}")).chars().take(REPLY_MAX).collect();
        return match u16::from(code) {
            // Login needed, wrong, too weak or only under TLS (RFC 4954 6), whatever the command was.
            530 | 534 | 535 | 538 => SmtpError::Login { server, reply },
            500.. => SmtpError::Refused { server, reply },
            _ => SmtpError::Deferred { server, reply },
        };
    }
    match tls_failure(error) {
        Some(reason) => SmtpError::Tls { server, reason },
        None if error.is_response() => SmtpError::Unreachable {
            server,
            reason: format!("the connection ended or the answer was not SMTP ({})", root_cause(error)),
        },
        None => SmtpError::Unreachable { server, reason: root_cause(error) },
    }
}

/// lettre calls a failed handshake a failed connection; the difference is inside of the I/O error.
fn tls_failure(error: &LettreError) -> Option<String> {
    causes(error).find_map(|cause| {
        let inner = cause.downcast_ref::<io::Error>()?.get_ref()?;
        Some(inner.downcast_ref::<rustls::Error>()?.to_string())
    })
}

fn root_cause(error: &LettreError) -> String {
    causes(error).last().map(ToString::to_string).unwrap_or_default()
}

fn causes(error: &LettreError) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(Some(error as &(dyn StdError + 'static)), |&cause| cause.source())
}

fn header_block(bytes: &[u8]) -> &[u8] {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    &bytes[..end.unwrap_or(bytes.len())]
}

/// Every line end as CRLF. A bare CR or LF before a dot is what makes two servers disagree about where a mail
/// ends (SMTP smuggling, CVE-2023-51764).
fn wire_lines(bytes: &[u8]) -> Cow<'_, [u8]> {
    let is_bare = |at: usize| match bytes[at] {
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        b'\n' => at == 0 || bytes[at - 1] != b'\r',
        _ => false,
    };
    if !(0..bytes.len()).any(is_bare) {
        return Cow::Borrowed(bytes);
    }
    let mut lines = Vec::with_capacity(bytes.len() + 64);
    for (at, &byte) in bytes.iter().enumerate() {
        if is_bare(at) {
            lines.extend_from_slice(b"\r\n");
        } else {
            lines.push(byte);
        }
    }
    Cow::Owned(lines)
}

/// The first byte of a TLS handshake record; no SMTP command starts with it.
const TLS_HANDSHAKE: u8 = 0x16;

/// A connection that until our TLS handshake hands out one byte at a time, so that lettre's buffer never
/// holds more than the line it asked for. Whatever somebody appended to the answer to STARTTLS then runs into
/// the handshake, which fails, instead of being taken for an answer given under TLS (response injection,
/// CVE-2011-0411).
#[derive(Debug)]
struct BeforeTls {
    stream: TcpStream,
    is_over: bool,
}

impl AsyncTokioStream for BeforeTls {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}

impl AsyncRead for BeforeTls {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_over || buf.remaining() == 0 {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let mut byte = [0];
        let mut one = ReadBuf::new(&mut byte);
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut one))?;
        buf.put_slice(one.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for BeforeTls {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.is_over |= bytes.first() == Some(&TLS_HANDSHAKE);
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    use super::*;

    const IMPATIENCE: Patience = Patience {
        connect: Duration::from_secs(5),
        command: Duration::from_millis(300),
        final_dot: Duration::from_millis(300),
    };

    fn server(port: u16, security: Security) -> Server {
        Server {
            host: "127.0.0.1".to_owned(),
            port,
            security,
            user_name: String::new(),
            login: None,
            accept_invalid_certs: true,
        }
    }

    /// Serves one connection: a greeting, then for each line of the client the next of `answers`; an empty
    /// answer is silence. The mail itself counts as one line. Returns the port and the lines that came in.
    async fn script(answers: &'static [&'static str]) -> (u16, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&lines);
        tokio::spawn(async move {
            let mut stream = BufReader::new(listener.accept().await.unwrap().0);
            stream.write_all(b"220 test\r\n").await.unwrap();
            let mut is_mail = false;
            for answer in answers {
                let mut line = String::new();
                while !line.ends_with(if is_mail { "\r\n.\r\n" } else { "\r\n" }) {
                    if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                seen.lock().unwrap().push(line);
                stream.write_all(answer.as_bytes()).await.unwrap();
                is_mail = answer.starts_with("354");
            }
            // Silent but connected until the client hangs up.
            while stream.read_line(&mut String::new()).await.unwrap_or(0) > 0 {}
        });
        (port, lines)
    }

    async fn send(port: u16, bytes: &[u8]) -> Result<Delivery, SmtpError> {
        let to = ["jane@example.com".to_owned()];
        let server = server(port, Security::None);
        deliver_with(IMPATIENCE, &server, Some("help@desk.example"), &to, bytes).await
    }

    #[test]
    fn bare_line_ends_become_crlf() {
        assert_eq!(&*wire_lines(b"a\n.\nb\r.\rc\n.\r\nd\r\n"), b"a\r\n.\r\nb\r\n.\r\nc\r\n.\r\nd\r\n");
        assert_eq!(&*wire_lines(b"\n\r\r"), b"\r\n\r\n\r\n");
        assert!(matches!(wire_lines(b"a\r\n.\r\n"), Cow::Borrowed(_)));
    }

    #[tokio::test]
    async fn the_mail_ends_with_exactly_one_line_end_and_dots_are_doubled() {
        let (port, lines) =
            script(&["250 test\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "250 ok\r\n"]).await;
        let delivery = send(port, b"Subject: x\r\n\r\n.a\r\n.\n.\r\n").await.unwrap();
        assert_eq!(delivery.recipients, [("jane@example.com".to_owned(), Outcome::Accepted)]);
        assert_eq!(lines.lock().unwrap()[4], "Subject: x\r\n\r\n..a\r\n..\r\n..\r\n.\r\n");
    }

    #[tokio::test]
    async fn silence_after_the_final_dot_is_ambiguous_and_before_it_is_not() {
        let (port, _) = script(&["250 test\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", ""]).await;
        let error = send(port, b"Subject: x\r\n\r\n").await.unwrap_err();
        assert!(matches!(error, SmtpError::Ambiguous { .. }) && !error.is_permanent(), "{error}");

        let (port, _) = script(&["250 test\r\n", "250 ok\r\n", ""]).await;
        let error = send(port, b"Subject: x\r\n\r\n").await.unwrap_err();
        assert!(matches!(error, SmtpError::TimedOut { .. }) && !error.is_permanent(), "{error}");
        assert!(error.to_string().contains(&format!("127.0.0.1:{port}")));
    }

    #[tokio::test]
    async fn a_mail_is_not_sent_to_a_server_that_did_not_ask_for_it() {
        let (port, lines) =
            script(&["250 test\r\n", "250 ok\r\n", "250 ok\r\n", "250 what\r\n", "221 bye\r\n"]).await;
        let error = send(port, b"Subject: x\r\n\r\nRSET\r\n").await.unwrap_err();
        assert!(error.is_permanent(), "{error}");
        // The goodbye is said while nobody waits for it.
        let goodbye = async {
            while lines.lock().unwrap().len() < 5 {
                tokio::task::yield_now().await
            }
        };
        tokio::time::timeout(Duration::from_secs(5), goodbye).await.unwrap();
        assert_eq!(lines.lock().unwrap()[4], "QUIT\r\n");
    }

    #[tokio::test]
    async fn a_server_that_turns_us_away_has_not_refused_the_mail() {
        let (port, _) = script(&["554 5.7.1 not you\r\n", "221 bye\r\n"]).await;
        let error = send(port, b"\r\n").await.unwrap_err();
        assert!(
            matches!(&error, SmtpError::Unreachable { reason, .. } if reason == "554 5.7.1 not you"),
            "{error}"
        );

        let (port, _) = script(&["250 test\r\n", "530 5.7.0 Authentication required\r\n"]).await;
        let error = send(port, b"\r\n").await.unwrap_err();
        assert!(error.is_account() && !error.is_permanent(), "{error}");
    }

    #[tokio::test]
    async fn a_refused_token_is_told_in_the_servers_words_and_without_the_token() {
        let (port, lines) = script(&[
            "250-test\r\n250 AUTH PLAIN XOAUTH2\r\n",
            "334 eyJzdGF0dXMiOiI0MDEifQ==\r\n",
            "535 5.7.3 Authentication unsuccessful for t0ken\r\n",
        ])
        .await;
        let mut server = server(port, Security::None);
        server.user_name = "jane".to_owned();
        server.login = Some(Login::Token("t0ken".to_owned()));
        let error = check(&server).await.unwrap_err();
        assert!(error.is_account(), "{error}");
        assert!(
            error.to_string().ends_with("535 5.7.3 Authentication unsuccessful for (password)"),
            "{error}"
        );
        let sent = lines.lock().unwrap().clone();
        assert_eq!(
            sent[1..],
            [format!("AUTH XOAUTH2 {}\r\n", xoauth2_encoded("jane", "t0ken")), "\r\n".into()]
        );
    }

    #[tokio::test]
    async fn a_token_is_not_sent_to_a_server_that_does_not_offer_xoauth2() {
        let (port, lines) = script(&["250-test\r\n250 AUTH PLAIN LOGIN\r\n"]).await;
        let mut server = server(port, Security::None);
        server.login = Some(Login::Token("t0ken".to_owned()));
        let error = check(&server).await.unwrap_err();
        assert!(error.is_account() && error.to_string().contains("XOAUTH2"), "{error}");
        assert_eq!(lines.lock().unwrap().len(), 1);
    }

    #[tokio::test]
    async fn a_rejected_sender_or_content_keeps_the_servers_words() {
        let (port, _) = script(&["250 test\r\n", "451-4.7.1 Try\r\n451 4.7.1 later\r\n"]).await;
        let error = send(port, b"\r\n").await.unwrap_err();
        let SmtpError::Deferred { reply, .. } = &error else { panic!("{error}") };
        assert_eq!(reply, "451 4.7.1 Try later");

        let (port, _) =
            script(&["250 test\r\n", "250 ok\r\n", "250 ok\r\n", "354 go\r\n", "554 5.6.0 spam\r\n"]).await;
        let delivery = send(port, b"\r\n").await.unwrap();
        assert_eq!(delivery.recipients[0].1, Outcome::Refused("554 5.6.0 spam".to_owned()));
    }

    #[tokio::test]
    async fn starttls_is_required_when_asked_for() {
        let (port, lines) = script(&["250-test\r\n250 AUTH PLAIN\r\n", "250 ok\r\n"]).await;
        let mut server = server(port, Security::StartTls);
        server.user_name = "jane".to_owned();
        server.login = Some(Login::Password("s3cret".to_owned()));
        let error = check(&server).await.unwrap_err();
        assert!(matches!(error, SmtpError::Tls { .. }) && error.is_account(), "{error}");
        assert_eq!(lines.lock().unwrap().len(), 1, "nothing but EHLO");
    }

    #[tokio::test]
    async fn answers_sent_before_the_handshake_do_not_count() {
        let injected =
            "220 go\r\n250-test\r\n250 AUTH PLAIN\r\n235 in\r\n250 ok\r\n250 ok\r\n354 go\r\n250 ok\r\n";
        let answers: &[_] = Box::leak(Box::new(["250-test\r\n250 STARTTLS\r\n", injected]));
        let (port, _) = script(answers).await;
        let error = check(&server(port, Security::StartTls)).await.unwrap_err();
        assert!(matches!(error, SmtpError::Tls { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn nobody_listening_is_unreachable() {
        let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        for security in [Security::None, Security::StartTls, Security::Tls] {
            let error = check(&server(port, security)).await.unwrap_err();
            assert!(matches!(error, SmtpError::Unreachable { .. }), "{error}");
        }
    }

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn neither_the_password_nor_the_mail_reaches_the_log() {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        let answers = &[
            "250-test\r\n250 AUTH PLAIN\r\n",
            "235 in\r\n",
            "250 ok\r\n",
            "250 ok\r\n",
            "354 go\r\n",
            "250 ok\r\n",
        ];
        let (port, lines) = script(answers).await;
        let mut server = server(port, Security::None);
        server.user_name = "jane".to_owned();
        server.login = Some(Login::Password("s3cret".to_owned()));
        let to = ["jane@example.com".to_owned()];
        let sent = async {
            tracing::debug!("the log works");
            deliver_with(IMPATIENCE, &server, None, &to, b"Subject: private\r\n\r\n").await
        };
        sent.with_subscriber(subscriber).await.unwrap();
        assert_eq!(lines.lock().unwrap()[1], "AUTH PLAIN AGphbmUAczNjcmV0\r\n");
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("the log works"));
        for secret in ["s3cret", "AGphbmUAczNjcmV0", "private", "EHLO"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
}
