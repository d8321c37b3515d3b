//! Speaking to a server that an administrator set as a mail account's provider. It may be in our own network, so the
//! guard is off, but for this server alone: a URL of another origin, which an answer may name, is refused.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};
use url::{Origin, Url};

use super::{Client, describe, guard};

/// For everything together, also the longest mail.
pub const PATIENCE: Duration = Duration::from_secs(5 * 60);
/// For a call that carries no mail.
const CALL: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub struct Configured {
    http: reqwest::Client,
    origin: Origin,
    base: Url,
}

/// Why there was no answer, or none that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpError {
    Unreachable(String),
    TooLarge,
}

impl Client {
    /// The server that `base` is a URL of. Secrets are sent there, so it is https, or on this very machine.
    pub fn configured(&self, base: &str) -> Result<Configured, String> {
        let base = guard::parse(base).map_err(|problem| ["the URL ", &problem].concat())?;
        let is_own = match base.host() {
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            _ => false,
        };
        if base.scheme() != "https" && !is_own {
            return Err("the URL does not begin with https://".to_owned());
        }
        Ok(Configured { http: self.unguarded.clone(), origin: base.origin(), base })
    }
}

impl Configured {
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// Begins a request. Refuses a URL of another server.
    pub fn request(&self, method: Method, url: Url) -> Result<RequestBuilder, HttpError> {
        if url.origin() != self.origin {
            let host = url.host_str().unwrap_or_default();
            return Err(HttpError::Unreachable(format!("it sent us on to another server, '{host}'")));
        }
        Ok(self.http.request(method, url).timeout(CALL))
    }

    /// Sends it and reads the answer up to a limit.
    pub async fn send(
        &self,
        request: RequestBuilder,
        limit_bytes: usize,
    ) -> Result<(Response, Vec<u8>), HttpError> {
        let unreachable = |error: reqwest::Error| HttpError::Unreachable(describe(&error));
        let mut response = request.send().await.map_err(unreachable)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if limit_bytes < bytes.len() + chunk.len() {
                return Err(HttpError::TooLarge);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok((response, bytes))
    }
}

/// What a server said, made fit for a log line and an administrator's page.
pub(super) fn readable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn secrets_go_to_https_or_to_this_machine_only() {
        let client = Client::new(false).unwrap();
        for url in ["https://login.example/token", "http://127.0.0.1:1/token", "http://[::1]:1/token"] {
            assert!(client.configured(url).is_ok(), "{url}");
        }
        for url in
            ["http://login.example/token", "http://localhost/", "http://10.0.0.1/", "ftp://x/", "x", ""]
        {
            assert!(client.configured(url).is_err(), "{url}");
        }
    }

    #[tokio::test]
    async fn an_answer_cannot_send_us_to_another_server() {
        let graph = Client::new(false).unwrap().configured("https://graph.example/v1.0").unwrap();
        for url in [
            "https://graph.example:444/v1.0",
            "http://graph.example/v1.0",
            "https://evil.example/v1.0",
            "http://169.254.169.254/latest",
        ] {
            assert!(graph.request(Method::GET, Url::parse(url).unwrap()).is_err(), "{url}");
        }
        assert!(graph.request(Method::GET, Url::parse("https://graph.example/v1.0/next").unwrap()).is_ok());
    }
}
