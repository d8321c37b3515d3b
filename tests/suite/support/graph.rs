//! Microsoft Graph's mailboxes inside the test, as its public documentation describes them, and strict about it: what a
//! request may not have, or must have and has not, is answered with 400 and kept as a complaint.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::provider::Provider;
use super::receiver::{Receiver, Request};

/// The mailbox that there is.
pub const USER: &str = "support@desk.example";

#[derive(Debug, Clone)]
pub struct Message {
    pub id: String,
    pub folder: String,
    pub received: String,
    pub bytes: String,
    pub is_read: bool,
}

#[derive(Default)]
struct State {
    messages: Vec<Message>,
    /// Ids are never given twice.
    delivered: usize,
    sent: Vec<Vec<u8>>,
    complaints: Vec<String>,
    /// How many of the next requests are answered with 429.
    busy: usize,
    /// The next page of a listing is said to be there.
    next_link: Option<String>,
    refuses: Option<String>,
}

#[derive(Clone)]
pub struct Graph {
    receiver: Arc<Receiver>,
    state: Arc<Mutex<State>>,
}

/// Messages on a page, whatever `$top` asks for: Graph may give fewer, too.
const PAGE: usize = 2;

type Told = (u16, String, String);

impl Graph {
    pub async fn start(provider: &Provider) -> Self {
        let receiver = Arc::new(Receiver::start().await);
        let state: Arc<Mutex<State>> = Arc::default();
        let (told, provider, port) = (state.clone(), provider.clone(), receiver.port);
        receiver.answer(move |request| {
            let mut state = told.lock().unwrap();
            let answer = answer(&mut state, &provider, request, port);
            if answer.0 == 400 {
                state.complaints.push(format!("{} {}: {}", request.method, request.path, answer.2));
            }
            answer
        });
        Self { receiver, state }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/v1.0", self.receiver.port)
    }

    /// Puts a mail into the inbox; `minute` is when it was received.
    pub fn deliver(&self, minute: usize, bytes: &[u8]) {
        let mut state = self.state.lock().unwrap();
        state.delivered += 1;
        let id = format!("AAkALgAA{}==", state.delivered);
        state.messages.push(Message {
            id,
            folder: "inbox".to_owned(),
            received: format!("2026-01-05T08:{minute:02}:00Z"),
            bytes: String::from_utf8(bytes.to_vec()).unwrap(),
            is_read: false,
        });
    }

    pub fn messages(&self) -> Vec<Message> {
        self.state.lock().unwrap().messages.clone()
    }

    pub fn sent(&self) -> Vec<Vec<u8>> {
        self.state.lock().unwrap().sent.clone()
    }

    /// What requests were wrong in.
    pub fn complaints(&self) -> Vec<String> {
        self.state.lock().unwrap().complaints.clone()
    }

    /// Answers so many requests with 429 and a minute to wait.
    pub fn be_busy(&self, requests: usize) {
        self.state.lock().unwrap().busy = requests;
    }

    /// Sends whoever lists on to this URL.
    pub fn send_on_to(&self, url: &str) {
        self.state.lock().unwrap().next_link = Some(url.to_owned());
    }

    /// Has no bytes of this message.
    pub fn refuse(&self, id: &str) {
        self.state.lock().unwrap().refuses = Some(id.to_owned());
    }

    pub fn count(&self) -> usize {
        self.receiver.requests().len()
    }
}

fn error(status: u16, code: &str, message: &str) -> Told {
    let body = json!({ "error": { "code": code, "message": message } });
    (status, "content-type: application/json\r\n".to_owned(), body.to_string())
}

fn wrong(message: impl AsRef<str>) -> Told {
    error(400, "RequestBroker--ParseUri", message.as_ref())
}

fn ok(body: &Value) -> Told {
    (200, "content-type: application/json\r\n".to_owned(), body.to_string())
}

fn answer(state: &mut State, provider: &Provider, request: &Request, port: u16) -> Told {
    let token = request.headers.get("authorization").and_then(|value| value.strip_prefix("Bearer "));
    if !token.is_some_and(|token| provider.is_good(token)) {
        return error(401, "InvalidAuthenticationToken", "Lifetime validation failed, the token is expired.");
    }
    if 0 < state.busy {
        state.busy -= 1;
        let (_, head, body) = error(429, "ApplicationThrottled", "too many requests");
        return (429, head + "retry-after: 60\r\n", body);
    }
    if request.headers.get("prefer").map(String::as_str) != Some("IdType=\"ImmutableId\"") {
        return wrong("ids that are not immutable change when a message moves");
    }
    let url = url::Url::parse(&format!("http://graph{}", request.path)).unwrap();
    let segments: Vec<String> = url
        .path_segments()
        .unwrap()
        .map(|segment| {
            url::form_urlencoded::parse(["x=", &segment.replace('+', "%2B")].concat().as_bytes())
                .next()
                .unwrap()
                .1
                .into_owned()
        })
        .collect();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    let query: HashMap<String, String> = url.query_pairs().into_owned().collect();
    let ["v1.0", "users", user, rest @ ..] = path.as_slice() else { return wrong("what is that?") };
    if *user != USER {
        return error(404, "ErrorInvalidUser", "The requested user is invalid.");
    }
    let content_type = request.headers.get("content-type").map(String::as_str).unwrap_or_default();
    match (request.method.as_str(), rest) {
        ("GET", ["mailFolders"]) => {
            let wanted = query.get("$filter").map(String::as_str).unwrap_or_default();
            let found: &[Value] =
                if wanted == "displayName eq 'Done'" { &[json!({ "id": "AAMkDone=" })] } else { &[] };
            ok(&json!({ "value": found }))
        }
        ("GET", ["mailFolders", folder, "messages"]) => list(state, folder, &query, port),
        ("GET", ["messages", id, "$value"]) => {
            if state.refuses.as_deref() == Some(*id) {
                return error(400, "ErrorMimeContentConversionFailed", "it cannot be converted");
            }
            match state.messages.iter().find(|message| message.id == *id) {
                Some(message) => (200, "content-type: text/plain\r\n".to_owned(), message.bytes.clone()),
                None => error(404, "ErrorItemNotFound", "not found"),
            }
        }
        ("PATCH", ["messages", id]) => {
            if content_type != "application/json" || request.body != "{\"isRead\":true}" {
                return wrong(&request.body);
            }
            change(state, id, |message| message.is_read = true)
        }
        ("POST", ["messages", id, "move"]) => {
            let body: Value = serde_json::from_str(&request.body).unwrap_or_default();
            let known = ["inbox", "archive", "AAMkDone="];
            match body["destinationId"].as_str().filter(|folder| known.contains(folder)) {
                Some(folder) if content_type == "application/json" => {
                    let (status, head, body) =
                        change(state, id, |message| message.folder = folder.to_owned());
                    (if status == 200 { 201 } else { status }, head, body)
                }
                _ => wrong("no such folder"),
            }
        }
        ("DELETE", ["messages", id]) => {
            let before = state.messages.len();
            state.messages.retain(|message| message.id != *id);
            match before == state.messages.len() {
                true => error(404, "ErrorItemNotFound", "not found"),
                false => (204, String::new(), String::new()),
            }
        }
        ("POST", ["sendMail"]) => match STANDARD.decode(&request.body) {
            Ok(bytes) if content_type == "text/plain" => {
                let from = format!("<{USER}>");
                if !String::from_utf8_lossy(&bytes)
                    .lines()
                    .any(|l| l.starts_with("From:") && l.contains(&from))
                {
                    return error(403, "ErrorSendAsDenied", "not the mailbox's address");
                }
                state.sent.push(bytes);
                (202, String::new(), String::new())
            }
            _ => wrong("MIME comes as base64 in text/plain"),
        },
        _ => wrong("what is that?"),
    }
}

fn change(state: &mut State, id: &str, change: impl FnOnce(&mut Message)) -> Told {
    match state.messages.iter_mut().find(|message| message.id == id) {
        Some(message) => {
            change(message);
            ok(&json!({ "id": id }))
        }
        None => error(404, "ErrorItemNotFound", "not found"),
    }
}

fn list(state: &mut State, folder: &str, query: &HashMap<String, String>, port: u16) -> Told {
    let known = ["$select", "$orderby", "$top", "$filter", "$skip"];
    if let Some(unknown) = query.keys().find(|key| !known.contains(&key.as_str())) {
        return wrong(format!("unknown query option {unknown}"));
    }
    let given = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let top: usize = given("$top").parse().unwrap_or(10);
    if !(1..=1000).contains(&top) || given("$orderby") != "receivedDateTime" {
        return wrong("$top is 1 to 1000");
    }
    // What orders must also filter, if anything does.
    let since = match given("$filter") {
        "" => "",
        filter => match filter.strip_prefix("receivedDateTime ge ") {
            Some(since) if since.ends_with('Z') => since,
            _ => return error(400, "InefficientFilter", "The restriction or sort order is too complex."),
        },
    };
    let mut found: Vec<&Message> = state
        .messages
        .iter()
        .filter(|message| message.folder == folder && since <= message.received.as_str())
        .collect();
    found.sort_by_key(|message| &message.received);
    let skip: usize = given("$skip").parse().unwrap_or(0);
    let page: Vec<Value> = found
        .iter()
        .skip(skip)
        .take(PAGE.min(top))
        .map(
            |message| json!({ "@odata.etag": "W/x", "id": message.id, "receivedDateTime": message.received }),
        )
        .collect();
    let mut body = json!({ "@odata.context": "…", "value": page });
    if skip + PAGE < found.len() {
        let mut next = url::Url::parse(&format!(
            "http://127.0.0.1:{port}/v1.0/users/{USER}/mailFolders/{folder}/messages"
        ))
        .unwrap();
        for (key, value) in query.iter().filter(|(key, _)| *key != "$skip") {
            next.query_pairs_mut().append_pair(key, value);
        }
        next.query_pairs_mut().append_pair("$skip", &(skip + PAGE).to_string());
        body["@odata.nextLink"] = json!(next.as_str());
    }
    if let Some(url) = state.next_link.take() {
        body["@odata.nextLink"] = json!(url);
    }
    ok(&body)
}
