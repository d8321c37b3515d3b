//! Lines and dot-stuffed answers over any byte stream, with a limit on every wait and on every length.
//! The end of the stream is always an error here, so no loop can spin on it.

use std::pin::pin;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::time::{Duration, Instant, timeout, timeout_at};

use super::Limits;
use crate::mail::fetch_error::{FetchError, readable};
use crate::mail::server::Server;
use crate::mail::wire::{Stream, secure};

/// How long a doubtful end of a message must stay the last thing sent to count as its end.
const QUIET: Duration = Duration::from_secs(2);

/// The first line of an answer, without its indicator.
pub(super) enum Answer {
    Positive(Vec<u8>),
    Negative(Vec<u8>),
    /// `+ `: the server waits for the rest of an AUTH exchange (RFC 5034).
    Continue,
}

pub(super) struct Wire {
    reader: BufReader<Box<dyn Stream>>,
    pub place: String,
    pub limits: Limits,
    ends_at: Instant,
    /// Whether the server ends its own lines with CRLF, as seen in its last status line.
    speaks_crlf: bool,
}

impl Wire {
    pub fn new(stream: Box<dyn Stream>, server: &Server, limits: Limits) -> Self {
        Self {
            reader: BufReader::with_capacity(64 * 1024, stream),
            place: server.to_string(),
            limits,
            ends_at: Instant::now() + limits.session,
            speaks_crlf: true,
        }
    }

    /// Puts TLS over the connection. Bytes that came before the handshake would be taken for answers given
    /// under TLS (RFC 2595 section 4 and the response injections of 2021), so they end the session.
    pub async fn secure(self, server: &Server) -> Result<Self, FetchError> {
        let Self { reader, place, limits, ends_at, .. } = self;
        if !reader.buffer().is_empty() {
            return Err(FetchError::Tls(format!(
                "{place} sent data before the TLS handshake, which is what an attacker between us would do"
            )));
        }
        let deadline = ends_at.min(Instant::now() + limits.connect);
        let stream = secure(reader.into_inner(), server, deadline).await?;
        Ok(Self {
            reader: BufReader::with_capacity(64 * 1024, Box::new(stream)),
            place,
            limits,
            ends_at,
            speaks_crlf: true,
        })
    }

    /// Sends one line. Input nobody asked for means that answers and commands are out of step.
    pub async fn send(&mut self, line: &str) -> Result<(), FetchError> {
        if self.reader.buffer().iter().any(|b| !matches!(b, b'\r' | b'\n')) {
            return Err(self.broken("sent more than it was asked for"));
        }
        let stray = self.reader.buffer().len();
        self.reader.consume(stray);

        let deadline = self.deadline();
        let line = format!("{line}\r\n");
        let writing = async {
            self.reader.write_all(line.as_bytes()).await?;
            self.reader.flush().await
        };
        match timeout_at(deadline, pin!(writing)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.broken(&format!("closed the connection ({error})"))),
            Err(_) => Err(self.timed_out()),
        }
    }

    /// Reads a status line.
    pub async fn answer(&mut self) -> Result<Answer, FetchError> {
        let mut line = Vec::new();
        let limit = self.limits.line_bytes as u64;
        self.read_line(&mut line, limit).await.map_err(|error| match error {
            FetchError::TooLarge { .. } => self.broken("sent a line without end"),
            other => other,
        })?;
        self.speaks_crlf = line.ends_with(b"\r\n");
        let line = line.trim_ascii();
        if let Some(text) = line.strip_prefix(b"+OK") {
            Ok(Answer::Positive(text.trim_ascii().to_vec()))
        } else if let Some(text) = line.strip_prefix(b"-ERR") {
            Ok(Answer::Negative(text.trim_ascii().to_vec()))
        } else if line.starts_with(b"+") {
            Ok(Answer::Continue)
        } else {
            Err(self.broken(&format!("does not speak POP3: it said '{}'", readable(line))))
        }
    }

    /// Reads what follows a positive answer up to the line with a single dot (RFC 1939 section 3), with
    /// the dots unstuffed and the line ends as sent.
    ///
    /// On a server that speaks CRLF only `CRLF . CRLF` is surely the end: a mail with lone LFs in it must
    /// not be able to end itself and have its remaining text taken for answers. A dot line next to a lone
    /// LF is the end only when the server has nothing more to say.
    pub async fn body(&mut self, limit_bytes: u64) -> Result<Vec<u8>, FetchError> {
        let mut body = Vec::new();
        let mut follows_crlf = true;
        loop {
            let start = body.len();
            let line_limit = limit_bytes.saturating_add(".\r\n".len() as u64);
            self.read_line(&mut body, line_limit).await.map_err(|error| match error {
                FetchError::TooLarge { .. } => self.too_large(limit_bytes),
                other => other,
            })?;
            let line = &body[start..];
            let ends_in_crlf = line.ends_with(b"\r\n");
            if line == b".\r\n" || line == b".\n" {
                let is_certain = !self.speaks_crlf || (follows_crlf && ends_in_crlf);
                if is_certain || self.is_quiet().await? {
                    body.truncate(start);
                    break;
                }
            } else if line.starts_with(b"..") {
                body.remove(start);
            }
            follows_crlf = ends_in_crlf;
            if 1000 < body.len() {
                crate::failpoint!("K3");
            }
        }
        if limit_bytes < body.len() as u64 {
            return Err(self.too_large(limit_bytes));
        }
        Ok(body)
    }

    async fn is_quiet(&mut self) -> Result<bool, FetchError> {
        match timeout(QUIET, self.reader.fill_buf()).await {
            Err(_) | Ok(Ok([])) => Ok(true),
            Ok(Ok(_)) => Ok(false),
            Ok(Err(error)) => Err(self.broken(&format!("closed the connection ({error})"))),
        }
    }

    /// Appends bytes up to and with the next LF.
    async fn read_line(&mut self, line: &mut Vec<u8>, limit_bytes: u64) -> Result<(), FetchError> {
        loop {
            let deadline = self.deadline();
            let chunk = match timeout_at(deadline, self.reader.fill_buf()).await {
                Ok(Ok([])) => return Err(self.broken("closed the connection in the middle of an answer")),
                Ok(Ok(chunk)) => chunk,
                Ok(Err(error)) => return Err(self.broken(&format!("closed the connection ({error})"))),
                Err(_) => return Err(self.timed_out()),
            };
            let end = chunk.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(chunk.len(), |end| end + 1);
            if limit_bytes < (line.len() + taken) as u64 {
                return Err(self.too_large(limit_bytes));
            }
            line.extend_from_slice(&chunk[..taken]);
            self.reader.consume(taken);
            if end.is_some() {
                return Ok(());
            }
        }
    }

    fn deadline(&self) -> Instant {
        self.ends_at.min(Instant::now() + self.limits.read)
    }

    fn too_large(&self, limit_bytes: u64) -> FetchError {
        FetchError::TooLarge { place: self.place.clone(), limit_bytes }
    }

    pub fn broken(&self, what: &str) -> FetchError {
        FetchError::Broken(format!("{} {what}", self.place))
    }

    fn timed_out(&self) -> FetchError {
        if self.ends_at <= Instant::now() {
            FetchError::TimedOut(format!(
                "the session with {} took longer than {} seconds",
                self.place,
                self.limits.session.as_secs()
            ))
        } else {
            FetchError::TimedOut(format!(
                "{} did not answer within {} seconds",
                self.place,
                self.limits.read.as_secs()
            ))
        }
    }
}
