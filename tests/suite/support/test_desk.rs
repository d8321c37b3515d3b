//! A whole helpdesk for one test: temporary directory, fixed clock (Monday 2026-01-05 09:00 UTC), real server on a free
//! port. Spoken to through the front door; `jobs` are run by hand or by the running schedule.

use std::net::SocketAddr;
use std::time::Duration;

use anytime::app::App;
use anytime::config::Config;
use anytime::desk::agent::{self, AgentChange};
use anytime::desk::{Actor, api_key, password};
use anytime::error::Result;
use anytime::server::Server;
use anytime::time::{Clock, Timestamp};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// How long a test waits for something that happens in the background.
pub const PATIENCE: Duration = Duration::from_secs(90);
pub const PASSWORD: &str = "correct horse battery";

pub struct TestDesk {
    pub app: App,
    pub clock: Clock,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
    directory: TempDir,
}

impl TestDesk {
    /// An empty desk with one administrator, Ann, who has an API key and a password.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// The same with other settings.
    pub async fn start_with(set: impl FnOnce(&mut Config)) -> Self {
        Self::start_at(Clock::manual(Timestamp::parse("2026-01-05T09:00:00Z").unwrap()), set).await
    }

    /// The same by the system's clock, for tests with real servers.
    pub async fn start_now() -> Self {
        Self::start_at(Clock::System, |_| {}).await
    }

    /// The same as a demo.
    pub async fn start_demo_now() -> Self {
        Self::start_at(Clock::System, |config| config.is_demo = true).await
    }

    async fn start_at(clock: Clock, set: impl FnOnce(&mut Config)) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let directory = tempfile::tempdir().unwrap();
        let mut config = Config::for_directory(directory.path());
        set(&mut config);
        let desk = Self::run(config, clock, directory).await;
        desk.create_agent("ann", true).await;
        desk
    }

    pub async fn run(config: Config, clock: Clock, directory: TempDir) -> Self {
        let (ready, is_ready) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let own_clock = clock.clone();
        let thread = std::thread::spawn(move || {
            let server = Server::bind(config, own_clock).unwrap();
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            ready.send((server.app().clone(), server.address())).ok();
            runtime
                .block_on(server.run(async {
                    stopped.await.ok();
                }))
                .unwrap();
        });
        let (app, address) = is_ready.await.unwrap();
        Self { app, clock, address, stop: Some(stop), thread: Some(thread), directory }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Moves the desk's clock.
    pub fn advance(&self, span: Duration) {
        self.clock.advance(span);
    }

    /// An agent `NAME@desk.example` with `PASSWORD`, in no department, without a key yet.
    pub async fn create_agent(&self, name: &str, is_admin: bool) -> i64 {
        let hash = test_hash();
        let new = AgentChange {
            email: Some(format!("{name}@desk.example")),
            display_name: Some(capital(name)),
            is_admin: Some(is_admin),
            ..AgentChange::default()
        };
        self.app.write(move |tx| agent::create(tx, &Actor::System, &new, Some(&hash))).await.unwrap().id.0
    }

    /// The API as an agent of this name, made without rights beyond those of every agent if there is none.
    pub async fn as_agent(&self, name: &str) -> Client {
        let email = format!("{name}@desk.example");
        let known = self.app.read(|s| agent::by_email(s, &email)).unwrap();
        let id = match known {
            Some(agent) => agent.id,
            None => anytime::ids::AgentId(self.create_agent(name, false).await),
        };
        let key = self.app.write(move |tx| api_key::rotate(tx, &Actor::System, id)).await.unwrap();
        Client { desk: self.url(""), http: reqwest::Client::new(), user: Some((email, key)), id: id.0 }
    }

    /// The API as Ann, the administrator.
    pub async fn as_ann(&self) -> Client {
        self.as_agent("ann").await
    }

    /// The API without signing in.
    pub fn as_nobody(&self) -> Client {
        Client { desk: self.url(""), http: reqwest::Client::new(), user: None, id: 0 }
    }

    /// A browser that keeps cookies and does not follow redirects.
    pub fn browser(&self) -> Browser {
        Browser::new(&self.url(""))
    }

    /// Reads straight from the file, for what no front door shows.
    pub fn number(&self, sql: &str) -> i64 {
        self.app.read(|s| s.number(sql, [])).unwrap()
    }

    /// Stops like SIGTERM does; gives the directory back.
    pub async fn stop(mut self) -> TempDir {
        self.shut_down();
        std::mem::replace(&mut self.directory, tempfile::tempdir().unwrap())
    }

    fn shut_down(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop.send(()).ok();
        }
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            if !std::thread::panicking() {
                ended.expect("the server ends without a panic");
            }
        }
    }
}

impl Drop for TestDesk {
    fn drop(&mut self) {
        self.shut_down();
    }
}

/// A hash costs time on purpose: one serves all tests.
fn test_hash() -> String {
    static HASH: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| password::hash(PASSWORD).unwrap());
    HASH.clone()
}

fn capital(name: &str) -> String {
    name[..1].to_uppercase() + &name[1..]
}

/// Asks until the answer is there, or fails after `PATIENCE`.
pub async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let end = std::time::Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(std::time::Instant::now() < end, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What came back: status and JSON (null where the body is none).
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub location: Option<String>,
    pub body: Value,
}

impl Answer {
    pub async fn of(response: Response) -> Self {
        let status = response.status();
        let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let location = header("location");
        let text = response.text().await.unwrap();
        Self { status, location, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
    }

    /// The body, if the status is the one expected.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    /// The message of an error, whose envelope is checked.
    #[track_caller]
    pub fn error(self, status: u16) -> String {
        let body = self.expect(status);
        assert_eq!(body["code"], json!(u32::from(status) * 1000), "{body}");
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(2), "{body}");
        body["message"].as_str().unwrap().to_owned()
    }
}

/// The API as somebody. Paths begin after `/api/v3`.
#[derive(Clone)]
pub struct Client {
    desk: String,
    pub http: reqwest::Client,
    pub user: Option<(String, String)>,
    /// The agent's id; 0 for nobody.
    pub id: i64,
}

impl Client {
    /// The API at `url` as somebody.
    pub fn new(url: &str, email: &str, key: &str) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let user = Some((email.to_owned(), key.to_owned()));
        Self { desk: url.to_owned(), http: reqwest::Client::new(), user, id: 0 }
    }

    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}/api/v3{path}", self.desk));
        match &self.user {
            Some((user, key)) => request.basic_auth(user, Some(key)),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::POST, path).json(&body).send().await.unwrap()).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        Answer::of(self.request(Method::PUT, path).json(&body).send().await.unwrap()).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::DELETE, path).send().await.unwrap()).await
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        Answer::of(request.send().await.unwrap()).await
    }

    /// Uploads one file and gives its guid.
    pub async fn upload(&self, name: &str, bytes: &[u8]) -> String {
        let part = reqwest::multipart::Part::bytes(bytes.to_vec()).file_name(name.to_owned());
        let form = reqwest::multipart::Form::new().part("file", part);
        let answer =
            Answer::of(self.request(Method::POST, "/attachments").multipart(form).send().await.unwrap())
                .await;
        answer.expect(201)["attachment"]["guid"].as_str().unwrap().to_owned()
    }
}

/// Pages as a person would fetch them, without JavaScript.
#[derive(Clone)]
pub struct Browser {
    desk: String,
    pub http: reqwest::Client,
}

/// A page: status, where it leads, text.
#[derive(Debug)]
pub struct View {
    pub status: u16,
    pub location: Option<String>,
    pub html: String,
    pub headers: reqwest::header::HeaderMap,
}

impl View {
    /// The value of the first hidden `csrf` field.
    #[track_caller]
    pub fn csrf(&self) -> String {
        self.hidden("csrf")
    }

    /// The value of a hidden field.
    #[track_caller]
    pub fn hidden(&self, name: &str) -> String {
        let field = format!("name=\"{name}\" value=\"");
        let start = self.html.find(&field).unwrap_or_else(|| panic!("no field {name} in {}", self.html))
            + field.len();
        let end = self.html[start..].find('"').unwrap() + start;
        self.html[start..end].to_owned()
    }

    #[track_caller]
    pub fn shows(&self, text: &str) -> &Self {
        assert!(self.html.contains(text), "'{text}' is not in {}", self.html);
        self
    }
}

impl Browser {
    /// A fresh one, for the desk at `url`.
    pub fn new(url: &str) -> Self {
        let http = reqwest::Client::builder()
            .cookie_store(true)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { desk: url.to_owned(), http }
    }

    pub async fn get(&self, path: &str) -> View {
        self.send(self.http.get(self.url(path))).await
    }

    pub fn url(&self, path: &str) -> String {
        if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.desk) }
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> View {
        self.send(self.http.post(self.url(path)).form(fields)).await
    }

    /// A form with files: text fields, then the name of a field with its file's name and bytes.
    pub async fn upload(&self, path: &str, fields: &[(&str, &str)], files: &[(&str, &str, &[u8])]) -> View {
        let mut form = reqwest::multipart::Form::new();
        for (name, value) in fields {
            form = form.text((*name).to_owned(), (*value).to_owned());
        }
        for (field, name, bytes) in files {
            let part = reqwest::multipart::Part::bytes(bytes.to_vec()).file_name((*name).to_owned());
            form = form.part((*field).to_owned(), part);
        }
        self.send(self.http.post(self.url(path)).multipart(form)).await
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> View {
        let response = request.send().await.unwrap();
        let location = response.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
        let headers = response.headers().clone();
        View { status: response.status().as_u16(), location, headers, html: response.text().await.unwrap() }
    }

    /// Signs in to the console.
    pub async fn sign_in(&self, name: &str) {
        let email = format!("{name}@desk.example");
        let view = self.post("/console/sign-in", &[("email", &email), ("password", PASSWORD)]).await;
        assert_eq!(view.status, 303, "{}", view.html);
    }
}

/// Runs `f` as one change, past every front door: only to set a scene that no front door can.
pub async fn change<T: Send + 'static>(
    desk: &TestDesk,
    f: impl FnOnce(&anytime::db::Tx<'_>) -> Result<T> + Send + 'static,
) -> T {
    desk.app.write(f).await.unwrap()
}
