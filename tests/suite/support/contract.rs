//! The documents as data (`tests/fixtures/contract`), and a desk in which every object that they name can be had fresh:
//! made by the row that creates it.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::fake_pop3::{FakePop3, Faults};
use super::mail::mail;
use super::test_desk::{Client, TestDesk, change, eventually};

/// An endpoint of the documents.
#[derive(Debug, Clone)]
pub struct Row {
    pub method: String,
    /// As the documents spell it, with `{id}` and the like, and with a query where one belongs to it.
    pub path: String,
    /// JSON with `$words` to fill in, `multipart`, or nothing.
    pub body: String,
    /// Status and shape of the answer that an administrator gets, or `public`.
    pub answer: String,
    pub source: String,
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl Row {
    /// The path without its query.
    pub fn bare_path(&self) -> &str {
        self.path.split('?').next().unwrap().trim_end_matches('/')
    }
}

fn table(text: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().skip(1).map(|line| line.split('\t').collect())
}

pub fn endpoints() -> Vec<Row> {
    table(include_str!("../../fixtures/contract/endpoints.tsv"))
        .map(|cells| {
            let [method, path, body, answer, source] = cells[..] else { panic!("not five cells: {cells:?}") };
            let own = str::to_owned;
            Row {
                method: own(method),
                path: own(path),
                body: own(body),
                answer: own(answer),
                source: own(source),
            }
        })
        .collect()
}

/// The fields of every object: name and type (`?` where null may stand).
pub fn objects() -> BTreeMap<&'static str, Vec<(&'static str, &'static str)>> {
    let mut objects: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for cells in table(include_str!("../../fixtures/contract/objects.tsv")) {
        let [object, field, kind, _source] = cells[..] else { panic!("not four cells: {cells:?}") };
        objects.entry(object).or_default().push((field, kind));
    }
    objects
}

/// A request ready to be sent: the row with its `{id}`s and `$words` filled in.
#[derive(Debug, Clone)]
pub struct Ask {
    pub method: Method,
    pub path: String,
    /// `None` sends no body; `Value::Null` uploads a file.
    pub body: Option<Value>,
}

pub struct Scene {
    pub desk: TestDesk,
    pub ann: Client,
    /// Whose conversations the fresh ones are.
    pub contact: i64,
    rows: Vec<Row>,
    words: Cell<u32>,
    /// What fresh conversations have beside what their row says.
    place: RefCell<Value>,
    people: Cell<(i64, i64, i64)>,
}

impl Scene {
    pub async fn start() -> Self {
        let desk = TestDesk::start().await;
        let ann = desk.as_ann().await;
        let lena =
            json!({ "name": "Lena", "identities": [{ "type": "email", "value": "lena@customer.example" }] });
        let contact = ann.post("/contacts", lena).await.expect(201)["id"].as_i64().unwrap();
        Self {
            desk,
            ann,
            contact,
            rows: endpoints(),
            words: Cell::new(0),
            place: RefCell::new(json!({})),
            people: Cell::new((0, 0, 0)),
        }
    }

    /// The departments of own and of foreign conversations, and who is mentioned in own ones.
    pub fn people(&self, own: i64, foreign: i64, mentioned: i64) {
        self.people.set((own, foreign, mentioned));
    }

    /// Fresh conversations are of the one or of the other kind from now on.
    pub fn place(&self, is_own: bool) {
        let (own, foreign, mentioned) = self.people.get();
        let note = format!("Ask <span data-id=\"{mentioned}\" class=\"athighlight\">@them</span>");
        *self.place.borrow_mut() = match is_own {
            true => json!({ "departmentAssigneeId": own, "message": { "type": "note", "htmlBody": note } }),
            false => json!({ "departmentAssigneeId": foreign }),
        };
    }

    /// A word that no other object has.
    pub fn word(&self) -> String {
        self.words.set(self.words.get() + 1);
        format!("word{}", self.words.get())
    }

    /// The row as a request whose objects are fresh. `None` for an object that cannot be made yet.
    pub async fn ask(&self, row: &Row) -> Ask {
        let (path, query) = match row.path.split_once('?') {
            Some((path, query)) => (path, format!("?{query}")),
            None => (row.path.as_str(), String::new()),
        };
        let mut filled = String::new();
        let mut last = String::new();
        for segment in path.split('/').skip(1) {
            filled.push('/');
            if segment.starts_with('{') {
                last = self.make(&filled, path).await;
                filled += &last;
            } else {
                filled += segment;
            }
        }
        if path.ends_with("/draft") && matches!(row.method.as_str(), "GET" | "DELETE") {
            let draft = json!({ "plainBody": "Dear" });
            self.ann.post(filled.strip_prefix("/api/v3").unwrap(), draft).await;
        }
        let is_list = row.method == "GET" && !path.contains('{');
        if is_list && self.creating(row.bare_path()).is_some() {
            self.make(&format!("{}/", row.bare_path()), path).await;
        }
        let query = query.replace("$contact", &self.contact.to_string());
        Ask {
            method: Method::from_bytes(row.method.as_bytes()).unwrap(),
            path: filled + &query,
            body: self.body(&row.body, &last).await,
        }
    }

    async fn body(&self, template: &str, last: &str) -> Option<Value> {
        match template {
            "" => return None,
            "multipart" => return Some(Value::Null),
            _ => {}
        }
        let mut text = template.replace("$word", &self.word()).replace("$contact", &self.contact.to_string());
        text = text.replace(
            "$date",
            &format!("2027-{:02}-{:02}", 1 + self.words.get() % 12, 1 + self.words.get() / 12 % 28),
        );
        for (name, path) in [
            ("$conversation", "/api/v3/anytime/conversations/"),
            ("$field", "/api/v3/anytime/fields/"),
            ("$trigger", "/api/v3/anytime/triggers/"),
        ] {
            if text.contains(&format!("{name},"))
                || text.contains(&format!("{name}]"))
                || text.contains(&format!("{name}}}"))
            {
                text = text.replace(name, &Box::pin(self.make(path, path)).await);
            }
        }
        if text.contains("$blockedEmail") {
            let email = format!("{}@spam.example", self.word());
            let block = json!({ "email": email, "blockType": "rejectEmail" });
            self.ann.put("/anytime/blockedSenders", block).await;
            text = text.replace("$blockedEmail", &email);
        }
        text = text.replace("$customerRule", last);
        Some(serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}")))
    }

    /// The row that creates what lives below a path.
    fn creating(&self, collection: &str) -> Option<&Row> {
        let collection = collection.trim_end_matches('/');
        self.rows.iter().find(|row| row.method == "POST" && same_path(row.bare_path(), collection))
    }

    /// A fresh object of the collection `prefix` (which ends in a slash), as its id; "1" where none can be made.
    /// `whole` is the path that it is for.
    async fn make(&self, prefix: &str, whole: &str) -> String {
        let lower = prefix.to_ascii_lowercase();
        let collection = lower.trim_end_matches('/').rsplit('/').next().unwrap();
        match collection {
            "routingrules" => {
                let on = json!({ "isEnable": true });
                self.ann.put("/anytime/routingRules/1/enable", on).await;
                return "1".to_owned();
            }
            "deletedconversations" => {
                let id = Box::pin(self.make("/api/v3/anytime/conversations/", whole)).await;
                self.ann.delete(&format!("/anytime/conversations/{id}")).await;
                return id;
            }
            "customerrules" | "customrules"
                if lower.ends_with("/routingrules/customerrules/")
                    || lower.ends_with("/routingrules/customrules/") =>
            {
                return Box::pin(self.make("/api/v3/anytime/routingRules/1/customerRules/", whole)).await;
            }
            "portalconversations" => {
                return Box::pin(self.make_by("/api/v3/anytime/conversations")).await;
            }
            "deliveries" => return self.delivery(prefix).await,
            "inboundmails" => return self.received_mail().await,
            "mailtemplates" => return "portalReply".to_owned(),
            "agents" => return Box::pin(self.make_by("/api/v3/agents")).await,
            "holidays" => return Box::pin(self.make_by("/api/v3/anytime/holidays")).await,
            "blockedsenders" => {
                let block =
                    json!({ "email": format!("{}@spam.example", self.word()), "blockType": "rejectEmail" });
                let blocked = self.ann.put("/anytime/blockedSenders", block).await.body;
                return id_of(&blocked);
            }
            "rehearsals" => {
                let draft = json!({ "triggers": [] });
                return id_of(&self.ann.post("/anytime/rehearsals", draft).await.body);
            }
            "junkemails" | "junks" => return self.junk_mail().await,
            "messages" if whole.ends_with("/resend") => return self.failed_mail(prefix).await,
            _ => {}
        }
        Box::pin(self.make_by(prefix.trim_end_matches('/'))).await
    }

    /// Creates by the row of the collection, whose own `{id}`s are those in the path given.
    async fn make_by(&self, collection: &str) -> String {
        let Some(row) = self.creating(collection).cloned() else { return "1".to_owned() };
        let mut body = self.body(&row.body, "").await;
        if let Some(Value::Object(body)) = &mut body
            && collection.ends_with("/conversations")
        {
            body.extend(self.place.borrow().as_object().unwrap().clone());
        }
        let path = collection.to_owned();
        let answer = self.ann.send(self.request(&self.ann, &Ask { method: Method::POST, path, body })).await;
        id_of(&answer.body)
    }

    /// What the webhook of `prefix` was told: an agent answered.
    async fn delivery(&self, prefix: &str) -> String {
        let new = json!({
            "subject": "Hello", "channel": "portal", "contactId": self.contact,
            "message": { "type": "reply", "plainBody": "Hello" },
        });
        let made = self.ann.post("/anytime/conversations", new).await.expect(201);
        let messages = format!("/anytime/conversations/{}/messages", made["conversation"]["id"]);
        self.ann.post(&messages, json!({ "type": "reply", "plainBody": "Again" })).await.expect(201);
        eventually("a delivery", async || {
            let list = self.ann.get(prefix.strip_prefix("/api/v3").unwrap().trim_end_matches('/')).await.body;
            Some(list["deliveries"].as_array()?.first()?["id"].to_string())
        })
        .await
    }

    /// A mail that made a conversation, by its row in the ledger.
    async fn received_mail(&self) -> String {
        let word = self.word();
        self.receive(&word, &format!("{word}@customer.example")).await;
        let list = self.ann.get("/anytime/inboundMails").await.expect(200);
        list["inboundMails"][0]["id"].to_string()
    }

    /// An incoming mail that a blocked sender's rule set aside.
    async fn junk_mail(&self) -> String {
        let word = self.word();
        let from = format!("{word}@junk.example");
        let block = json!({ "email": from, "blockType": "blockEmailasJunk" });
        if !self.ann.put("/anytime/blockedSenders", block).await.status.is_success() {
            return "1".to_owned();
        }
        self.receive(&word, &from).await;
        self.ann.get("/anytime/junkEmails").await.expect(200)["junkEmails"][0]["id"].to_string()
    }

    /// Lets a mail come in by an account of its own.
    async fn receive(&self, word: &str, from: &str) {
        let to = format!("{word}@desk.example");
        let server = FakePop3::start(&[], Faults::default());
        let account = json!({
            "email": to, "pop3Server": "127.0.0.1", "pop3Port": server.port, "pop3Security": "none",
            "pop3UserName": "x", "pop3Password": "x", "pollInterval": 86400,
        });
        let account = self.ann.post("/anytime/emailAccounts", account).await.expect(201);
        let path = format!("/anytime/emailAccounts/{}", account["emailAccount"]["id"]);
        server.add(word, &mail(from, &to, word, &[&format!("Message-ID: <{word}@x>")], "Buy"));
        eventually("the mail to be fetched", async || {
            self.ann.post(&format!("{path}/check"), json!({})).await.expect(200);
            server.mails().is_empty().then_some(())
        })
        .await;
    }

    /// A message whose mail could not be sent, in the conversation of `prefix`.
    async fn failed_mail(&self, prefix: &str) -> String {
        let account = json!({
            "email": format!("{}@desk.example", self.word()), "pop3Server": "127.0.0.1", "pop3Port": 1,
            "smtpServer": "127.0.0.1", "smtpPort": 1, "pollInterval": 86400,
        });
        self.ann.post("/anytime/emailAccounts", account).await.expect(201);
        let path = prefix.strip_prefix("/api/v3").unwrap().trim_end_matches('/');
        let sent = self.ann.post(path, json!({ "type": "email", "plainBody": "Hello" })).await.expect(201);
        let id = sent["message"]["id"].as_i64().unwrap();
        change(&self.desk, move |tx| {
            tx.run("UPDATE outgoing_mail SET state = 'failed' WHERE message_id = ?", [id])?;
            tx.run("UPDATE message SET send_status = 'failed' WHERE id = ?", [id])
        })
        .await;
        id.to_string()
    }

    pub fn request(&self, by: &Client, ask: &Ask) -> RequestBuilder {
        let request = by.http.request(ask.method.clone(), self.desk.url(&ask.path));
        let request = match &by.user {
            Some((user, key)) => request.basic_auth(user, Some(key)),
            None => request,
        };
        match &ask.body {
            None => request,
            Some(Value::Null) => {
                let part = reqwest::multipart::Part::bytes(b"hello".to_vec()).file_name("hello.txt");
                request.multipart(reqwest::multipart::Form::new().part("file", part))
            }
            Some(body) => request.json(body),
        }
    }
}

/// Whether two paths are one, but for case and for what stands in place of an `{id}`.
pub fn same_path(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some(p), Some(s)) if p.eq_ignore_ascii_case(s) || p.starts_with('{') => {}
            _ => return false,
        }
    }
}

/// The id of the object in an answer, wrapped or bare.
fn id_of(body: &Value) -> String {
    let key = |object: &Value| {
        ["id", "guid"].iter().find_map(|key| match &object[key] {
            Value::Number(number) => Some(number.to_string()),
            Value::String(text) => Some(text.clone()),
            _ => None,
        })
    };
    let wrapped = || body.as_object()?.values().find_map(key);
    key(body).or_else(wrapped).unwrap_or_else(|| "1".to_owned())
}
