//! A real HTTP server that webhooks are sent to: it keeps what it got and answers as told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::test_desk::eventually;

#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    /// By names in lower case.
    pub headers: HashMap<String, String>,
    pub body: String,
}

impl Request {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// Makes the status, further header lines and the body of an answer.
type Answer = Arc<dyn Fn(&Request) -> (u16, String, String) + Send + Sync>;

pub struct Receiver {
    pub port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    answer: Arc<Mutex<Answer>>,
}

impl Receiver {
    /// Answers 200 with an empty object until told otherwise.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests: Arc<Mutex<Vec<Request>>> = Arc::default();
        let first: Answer = Arc::new(|_| (200, String::new(), "{}".to_owned()));
        let answer = Arc::new(Mutex::new(first));
        let (kept, told) = (requests.clone(), answer.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, told) = (kept.clone(), told.clone());
                tokio::spawn(async move { serve(stream, &kept, &told).await });
            }
        });
        Self { port, requests, answer }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    pub fn answer(&self, answer: impl Fn(&Request) -> (u16, String, String) + Send + Sync + 'static) {
        *self.answer.lock().unwrap() = Arc::new(answer);
    }

    pub fn answer_status(&self, status: u16) {
        self.answer(move |_| (status, String::new(), "{}".to_owned()));
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Waits until there were `count` requests, and gives the last of them.
    pub async fn wait_for(&self, count: usize) -> Request {
        eventually(&format!("request {count}"), async || self.requests().get(count - 1).cloned()).await
    }
}

async fn serve(mut stream: TcpStream, kept: &Mutex<Vec<Request>>, told: &Mutex<Answer>) -> Option<()> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ').map(str::to_owned);
    let (method, path) = (first.next()?, first.next()?);
    let headers: HashMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    while bytes.len() < head_end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let body = String::from_utf8(bytes[head_end + 4..].to_vec()).ok()?;
    let request = Request { method, path, headers, body };
    let answer = told.lock().unwrap().clone();
    let (status, extra, text) = answer(&request);
    kept.lock().unwrap().push(request);
    let head = format!(
        "HTTP/1.1 {status} Told\r\ncontent-length: {}\r\nconnection: close\r\n{extra}\r\n{text}",
        text.len()
    );
    stream.write_all(head.as_bytes()).await.ok()?;
    stream.shutdown().await.ok()
}
