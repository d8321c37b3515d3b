//! Connections to the servers that mail is fetched from, and TLS over them.

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Duration, Instant, timeout, timeout_at};

use super::fetch_error::FetchError;
use super::server::Server;
use super::tls;

/// A TCP connection, TLS over one, or a test's pipe.
pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for T {}

pub(super) async fn dial(server: &Server, patience: Duration) -> Result<TcpStream, FetchError> {
    let dialling = TcpStream::connect((server.host.as_str(), server.port));
    match timeout(patience, dialling).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(FetchError::Unreachable(format!("{server} cannot be reached: {error}"))),
        Err(_) => Err(FetchError::Unreachable(format!(
            "{server} did not accept a connection within {} seconds",
            patience.as_secs()
        ))),
    }
}

/// Puts TLS over the stream. The caller has seen to it that nothing was read beyond what it asked for.
pub(super) async fn secure<S: Stream>(
    stream: S,
    server: &Server,
    deadline: Instant,
) -> Result<tokio_rustls::client::TlsStream<S>, FetchError> {
    let connector =
        tls::connector(server.accept_invalid_certs).map_err(|error| FetchError::Tls(error.to_string()))?;
    let name = ServerName::try_from(server.host.clone()).map_err(|_| {
        FetchError::Tls(format!("'{}' is not a name a certificate can be checked for", server.host))
    })?;
    match timeout_at(deadline, connector.connect(name, stream)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(FetchError::Tls(format!("the TLS handshake with {server} failed: {error}"))),
        Err(_) => Err(FetchError::TimedOut(format!("{server} did not finish the TLS handshake in time"))),
    }
}
