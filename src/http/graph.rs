//! Mailboxes of Exchange Online by Microsoft Graph: list a folder, fetch a mail as MIME, mark it, move it, delete it, send
//! one. Messages are named by their immutable ids, which survive a move.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde_json::{Value, json};
use url::Url;

use super::configured::{Configured, HttpError, PATIENCE, readable};

/// A mailbox that a token opens.
pub struct Mailbox {
    server: Configured,
    token: String,
    /// Its address or id.
    user: String,
}

/// One message of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    pub id: String,
    /// As Graph writes it; sorts like text.
    pub received: String,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    #[error("{0}")]
    Unreachable(String),
    /// 401 or 403: the token or its permissions.
    #[error("Microsoft Graph refused the login: {0}")]
    Login(String),
    /// The mailbox or the message is not there.
    #[error("Microsoft Graph does not know it: {0}")]
    NotFound(String),
    #[error("Microsoft Graph refused: {0}")]
    Refused(String),
    /// 429 or 503: not before the wait is over.
    #[error("Microsoft Graph wants to be asked again in {} seconds", .0.as_secs())]
    Throttled(Duration),
    #[error("a mail is larger than what is fetched")]
    TooLarge,
}

const ANSWER_BYTES: usize = 16 << 20;
const PER_PAGE: &str = "500";
/// Pages of a listing; more messages wait for the next one.
const PAGES: usize = 200;
/// When a server that is too busy does not say for how long.
const USUAL_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

impl Mailbox {
    pub fn new(server: Configured, token: String, user: String) -> Self {
        Self { server, token, user }
    }

    /// The folder's messages, the oldest first; with `since` only those received then or later.
    pub async fn list(&self, folder: &str, since: Option<&str>) -> Result<Vec<Listing>, GraphError> {
        let folder = self.folder(folder).await?;
        let mut url = self.url(&["mailFolders", &folder, "messages"]);
        url.query_pairs_mut()
            .append_pair("$select", "id,receivedDateTime")
            .append_pair("$orderby", "receivedDateTime")
            .append_pair("$top", PER_PAGE);
        if let Some(since) = since {
            url.query_pairs_mut().append_pair("$filter", &format!("receivedDateTime ge {since}"));
        }
        let mut found = Vec::new();
        for _ in 0..PAGES {
            let page = self.read(self.request(Method::GET, url)?).await?;
            for message in page["value"].as_array().ok_or_else(odd)? {
                let (Some(id), Some(received)) =
                    (message["id"].as_str(), message["receivedDateTime"].as_str())
                else {
                    return Err(odd());
                };
                found.push(Listing { id: id.to_owned(), received: received.to_owned() });
            }
            match page["@odata.nextLink"].as_str() {
                Some(next) => url = Url::parse(next).map_err(|_| odd())?,
                None => break,
            }
        }
        Ok(found)
    }

    /// The mail's bytes.
    pub async fn retrieve(&self, id: &str, limit_bytes: usize) -> Result<Vec<u8>, GraphError> {
        let request = self.request(Method::GET, self.url(&["messages", id, "$value"]))?.timeout(PATIENCE);
        self.send(request, limit_bytes).await
    }

    pub async fn mark_read(&self, id: &str) -> Result<(), GraphError> {
        let request = self.request(Method::PATCH, self.url(&["messages", id]))?;
        self.send(as_json(request, &json!({ "isRead": true })), ANSWER_BYTES).await.map(drop)
    }

    pub async fn delete(&self, id: &str) -> Result<(), GraphError> {
        let request = self.request(Method::DELETE, self.url(&["messages", id]))?;
        self.send(request, ANSWER_BYTES).await.map(drop)
    }

    pub async fn move_to(&self, id: &str, folder: &str) -> Result<(), GraphError> {
        let folder = self.folder(folder).await?;
        let request = self.request(Method::POST, self.url(&["messages", id, "move"]))?;
        self.send(as_json(request, &json!({ "destinationId": folder })), ANSWER_BYTES).await.map(drop)
    }

    /// Sends a whole mail to the recipients that its header names. `Ok` means that Exchange has accepted it.
    pub async fn send_mail(&self, bytes: &[u8]) -> Result<(), GraphError> {
        let request = self.request(Method::POST, self.url(&["sendMail"]))?.timeout(PATIENCE);
        let request = request.header(header::CONTENT_TYPE, "text/plain").body(STANDARD.encode(bytes));
        self.send(request, ANSWER_BYTES).await.map(drop)
    }

    /// What names a folder in a URL: a well-known name is its own; any other is looked up among those below the root.
    async fn folder(&self, name: &str) -> Result<String, GraphError> {
        const WELL_KNOWN: [&str; 6] =
            ["inbox", "archive", "deleteditems", "junkemail", "sentitems", "drafts"];
        let plain = if name.is_empty() { "inbox".to_owned() } else { name.to_lowercase().replace(' ', "") };
        if WELL_KNOWN.contains(&plain.as_str()) {
            return Ok(plain);
        }
        let mut url = self.url(&["mailFolders"]);
        url.query_pairs_mut()
            .append_pair("$select", "id,displayName")
            .append_pair("$filter", &format!("displayName eq '{}'", name.replace('\'', "''")));
        let page = self.read(self.request(Method::GET, url)?).await?;
        let found = page["value"][0]["id"].as_str().map(str::to_owned);
        found.ok_or_else(|| GraphError::Refused(format!("there is no folder '{name}'")))
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.server.base().clone();
        url.set_query(None);
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["users", &self.user]).extend(path);
        }
        url
    }

    fn request(&self, method: Method, url: Url) -> Result<RequestBuilder, GraphError> {
        let request = self.server.request(method, url).map_err(GraphError::from)?;
        Ok(request.bearer_auth(&self.token).header("prefer", "IdType=\"ImmutableId\""))
    }

    async fn read(&self, request: RequestBuilder) -> Result<Value, GraphError> {
        serde_json::from_slice(&self.send(request, ANSWER_BYTES).await?).map_err(|_| odd())
    }

    async fn send(&self, request: RequestBuilder, limit_bytes: usize) -> Result<Vec<u8>, GraphError> {
        let (response, bytes) = self.server.send(request, limit_bytes).await?;
        let status = response.status();
        if status.is_success() {
            return Ok(bytes);
        }
        let answer: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let part = |name: &str| answer["error"][name].as_str().unwrap_or_default();
        let text = readable(&[part("code"), ": ", part("message")].concat());
        let text = match text.as_str() {
            ":" => format!("it answered {}", status.as_u16()),
            _ => text.replace(&self.token, "(token)"),
        };
        Err(match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                let wait = response.headers().get(header::RETRY_AFTER);
                let seconds = wait.and_then(|wait| wait.to_str().ok()?.trim().parse().ok());
                let wait = seconds.map_or(USUAL_WAIT, Duration::from_secs);
                GraphError::Throttled(wait.clamp(Duration::from_secs(1), LONGEST_WAIT))
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => GraphError::Login(text),
            StatusCode::NOT_FOUND | StatusCode::GONE => GraphError::NotFound(text),
            status if status.is_client_error() => GraphError::Refused(text),
            _ => GraphError::Unreachable(format!("Microsoft Graph is in trouble: {text}")),
        })
    }
}

fn as_json(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request.header(header::CONTENT_TYPE, "application/json").body(body.to_string())
}

fn odd() -> GraphError {
    GraphError::Unreachable("the server gave an answer that is not Microsoft Graph's".to_owned())
}

impl From<HttpError> for GraphError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::Unreachable(reason) => Self::Unreachable(format!("Microsoft Graph: {reason}")),
            HttpError::TooLarge => Self::TooLarge,
        }
    }
}
