//! The connection under an IMAP session, with a limit on every wait, on the whole session, and on how much a server may
//! say before it is asked again: async-imap itself waits for ever and buffers half a gigabyte.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Duration, Instant, Sleep, sleep_until};

use super::Limits;
use crate::mail::fetch_error::FetchError;
use crate::mail::server::Server;
use crate::mail::wire::{Stream, secure};

/// Longest line read before TLS is up and the protocol proper begins.
const LINE_BYTES: usize = 8 * 1024;

pub(super) struct Guarded {
    stream: Box<dyn Stream>,
    /// Bytes that may still come before the next `allow`.
    allowed: u64,
    read: Duration,
    ends_at: Instant,
    /// Runs while something is waited for.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl fmt::Debug for Guarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Guarded")
    }
}

impl Guarded {
    pub fn new(stream: Box<dyn Stream>, limits: Limits) -> Self {
        let ends_at = Instant::now() + limits.session;
        Self { stream, allowed: LINE_BYTES as u64, read: limits.read, ends_at, waiting: None }
    }

    /// How much the server may say next.
    pub fn allow(&mut self, bytes: u64) {
        self.allowed = bytes;
    }

    /// How long it may stay silent from now on. Moves the end of the session, too.
    pub fn be_patient(&mut self, read: Duration, session: Duration) {
        self.read = read;
        self.ends_at = Instant::now() + session;
        self.waiting = None;
    }

    /// A line before the protocol proper begins, read byte by byte: nothing behind it is taken, so that what somebody
    /// appended to the answer to STARTTLS spoils the handshake instead of being taken for an answer given under TLS.
    pub async fn line(&mut self, server: &Server) -> Result<String, FetchError> {
        let mut line = Vec::new();
        self.allow(LINE_BYTES as u64);
        while line.last() != Some(&b'\n') {
            line.push(self.read_u8().await.map_err(|error| broken(server, &error))?);
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }

    pub async fn say(&mut self, server: &Server, line: &str) -> Result<(), FetchError> {
        let line = [line, "\r\n"].concat();
        let saying = async {
            self.write_all(line.as_bytes()).await?;
            self.flush().await
        };
        saying.await.map_err(|error| broken(server, &error))
    }

    pub async fn secure(self, server: &Server, limits: Limits) -> Result<Self, FetchError> {
        let deadline = self.ends_at.min(Instant::now() + limits.connect);
        let stream = secure(self.stream, server, deadline).await?;
        Ok(Self { stream: Box::new(stream), allowed: LINE_BYTES as u64, waiting: None, ..self })
    }

    /// Whether the wait that goes on has lasted too long.
    fn is_overdue(&mut self, cx: &mut Context<'_>) -> bool {
        let end = self.ends_at.min(Instant::now() + self.read);
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep_until(end)));
        waiting.as_mut().poll(cx).is_ready()
    }
}

/// An error of the connection or of `Guarded`, for people. What a parser says is left out: it repeats what came.
pub(super) fn broken(server: &Server, error: &io::Error) -> FetchError {
    match error.kind() {
        io::ErrorKind::TimedOut => FetchError::TimedOut(format!("{server} did not answer in time")),
        io::ErrorKind::FileTooLarge => {
            FetchError::Broken(format!("{server} sent more than it was asked for"))
        }
        io::ErrorKind::Other | io::ErrorKind::InvalidData => {
            FetchError::Broken(format!("{server} sent an answer that is not IMAP"))
        }
        kind => FetchError::Broken(format!("{server} closed the connection ({kind})")),
    }
}

fn late<T>() -> Poll<io::Result<T>> {
    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.allowed == 0 {
            return Poll::Ready(Err(io::ErrorKind::FileTooLarge.into()));
        }
        let before = buf.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Pending if self.is_overdue(cx) => late(),
            Poll::Pending => Poll::Pending,
            Poll::Ready(result) => {
                self.waiting = None;
                let read = buf.filled().len() - before;
                self.allowed = self.allowed.saturating_sub(read as u64);
                Poll::Ready(result)
            }
        }
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.stream).poll_write(cx, bytes) {
            Poll::Pending if self.is_overdue(cx) => late(),
            Poll::Pending => Poll::Pending,
            ready => {
                self.waiting = None;
                ready
            }
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
