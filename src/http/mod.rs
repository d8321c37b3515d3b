//! Speaking HTTP to servers that somebody named by a URL: guarded, bounded, without redirects and proxies. No database.

pub mod configured;
pub mod graph;
pub mod guard;
pub mod oauth;
pub mod oidc;
pub mod sign;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;

use crate::error::{Error, Result};

/// For everything together: connecting, sending, the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// As much of an answer is read.
const ANSWER_BYTES: usize = 64 * 1024;

/// The one client for URLs that people type.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    /// Without the guard, for what `configured` lets through.
    unguarded: reqwest::Client,
    allows_private: bool,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// At most 64 KiB; what is no UTF-8 is replaced.
    pub body: String,
    pub took: Duration,
}

impl Answer {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Asks the system for a host's addresses.
type Lookup = Arc<dyn Fn(String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> + Send + Sync>;

impl Client {
    /// `allows_private` drops the guard against addresses of this machine and its networks.
    pub fn new(allows_private: bool) -> Result<Self> {
        let lookup: Lookup = Arc::new(|host| {
            Box::pin(async move {
                let found = tokio::net::lookup_host((host, 0)).await?;
                Ok(found.map(|address| address.ip()).collect())
            })
        });
        Self::with_lookup(allows_private, lookup)
    }

    fn with_lookup(allows_private: bool, lookup: Lookup) -> Result<Self> {
        // A second provider never comes: rustls is built with ring alone.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let build = |allows_private, patience| {
            reqwest::Client::builder()
                .redirect(Policy::none())
                .no_proxy()
                .dns_resolver(Arc::new(Resolver { lookup: lookup.clone(), allows_private }))
                .connect_timeout(PATIENCE)
                .timeout(patience)
                .pool_max_idle_per_host(0)
                .user_agent(concat!("Anytime/", env!("CARGO_PKG_VERSION")))
                .build()
                .map_err(Error::internal)
        };
        let (http, unguarded) = (build(allows_private, PATIENCE)?, build(true, configured::PATIENCE)?);
        Ok(Self { http, unguarded, allows_private })
    }

    /// Refuses a URL that could never be spoken to; the error completes "the URL …". What its host resolves to is seen
    /// again each time something is sent.
    pub fn check(&self, url: &str) -> Result<url::Url, String> {
        let url = guard::parse(url)?;
        if !self.allows_private {
            guard::check(&url)?;
        }
        Ok(url)
    }

    /// POSTs JSON. An error says why there was no answer; any status is one.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<Answer, String> {
        let url = self.checked(url)?;
        let mut request = self.http.post(url).header("content-type", "application/json");
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        answer(request.body(body)).await
    }

    /// POSTs a form, as OAuth wants it.
    async fn post_form(&self, url: &str, fields: &[(&str, &str)]) -> Result<Answer, String> {
        let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.http.post(self.checked(url)?).header("accept", "application/json");
        answer(request.header("content-type", "application/x-www-form-urlencoded").body(body)).await
    }

    async fn get(&self, url: &str) -> Result<Answer, String> {
        answer(self.http.get(self.checked(url)?).header("accept", "application/json")).await
    }

    fn checked(&self, url: &str) -> Result<url::Url, String> {
        self.check(url).map_err(|problem| ["the URL ", &problem].concat())
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<Answer, String> {
    let begun = Instant::now();
    let mut response = request.send().await.map_err(|error| describe(&error))?;
    let status = response.status().as_u16();
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_BYTES
        && let Some(chunk) = response.chunk().await.map_err(|error| describe(&error))?
    {
        let room = ANSWER_BYTES - bytes.len();
        bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    let body = String::from_utf8_lossy(&bytes).replace('\0', "");
    Ok(Answer { status, body, took: begun.elapsed() })
}

/// The innermost cause: the outer ones only repeat the URL.
fn describe(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("there was no answer within {} seconds", PATIENCE.as_secs());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

/// Gives the HTTP client only addresses that were judged, so that it connects to no other. One that is not public
/// spoils the name: whoever mixes them is up to something.
struct Resolver {
    lookup: Lookup,
    allows_private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (host, allows_private) = (name.as_str().to_owned(), self.allows_private);
        let found = (self.lookup)(host.clone());
        Box::pin(async move {
            let found = found.await.map_err(|_| format!("the host '{host}' was not found"))?;
            if let Some(address) =
                found.iter().find(|address| !allows_private && !guard::is_public(**address))
            {
                return Err(
                    format!("the host '{host}' is at {address}, which is not a public address").into()
                );
            }
            if found.is_empty() {
                return Err(format!("the host '{host}' has no address").into());
            }
            let addresses: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn client(answers: &'static [&'static [&'static str]]) -> Client {
        let asked = AtomicUsize::new(0);
        let lookup: Lookup = Arc::new(move |_| {
            let answer = answers[asked.fetch_add(1, Ordering::SeqCst) % answers.len()];
            Box::pin(async move { Ok(answer.iter().map(|text| text.parse().unwrap()).collect()) })
        });
        Client::with_lookup(false, lookup).unwrap()
    }

    async fn error(client: &Client) -> String {
        client.post("http://hook.example/", &[], "{}".to_owned()).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_name_that_resolves_to_a_private_address_is_refused() {
        for addresses in [
            &["127.0.0.1"][..],
            &["10.1.2.3"],
            &["::1"],
            &["::ffff:127.0.0.1"],
            &["1.1.1.1", "169.254.169.254"],
        ] {
            let client = client(Box::leak(Box::new([addresses])));
            let refused = error(&client).await;
            assert!(refused.contains("is not a public address"), "{addresses:?}: {refused}");
        }
        assert_eq!(error(&client(&[&[]])).await, "the host 'hook.example' has no address");
    }

    #[tokio::test]
    async fn a_name_that_changes_its_address_between_two_calls_is_judged_each_time() {
        // A test network first (nobody answers there), then this machine.
        let client = client(&[&["127.0.0.1"], &["127.0.0.1"]]);
        assert!(error(&client).await.contains("is not a public address"));
        assert!(error(&client).await.contains("is not a public address"));
    }
}
