//! A desk that gets mail: one account on a POP3 server inside the test.

use anytime::config::Config;
use serde_json::{Value, json};

use super::fake_pop3::{FakePop3, Faults};
use super::test_desk::{Client, TestDesk, eventually};

pub const LENA: &str = "Lena <lena@customer.example>";
pub const DESK: &str = "support@desk.example";

/// A desk with one account whose server holds what `receive` puts there.
pub struct Mailroom {
    pub desk: TestDesk,
    pub ann: Client,
    pub server: FakePop3,
    pub account: i64,
    received: std::cell::Cell<usize>,
}

impl Mailroom {
    pub async fn open() -> Self {
        Self::open_with(|_| {}).await
    }

    /// The same with other settings.
    pub async fn open_with(set: impl FnOnce(&mut Config)) -> Self {
        let desk = TestDesk::start_with(set).await;
        let ann = desk.as_ann().await;
        let server = FakePop3::start(&[], Faults::default());
        let account = json!({
            "email": DESK, "type": "pop3", "pop3Server": "127.0.0.1", "pop3Port": server.port,
            "pop3Security": "none", "pop3UserName": "support", "pop3Password": "x", "pollInterval": 86400,
        });
        let account = ann.post("/anytime/emailAccounts", account).await.expect(201)["emailAccount"]["id"]
            .as_i64()
            .unwrap();
        Self { desk, ann, server, account, received: std::cell::Cell::new(0) }
    }

    /// Receives a mail and gives its ledger row.
    pub async fn receive(&self, bytes: &[u8]) -> Value {
        self.received.set(self.received.get() + 1);
        self.server.add(&format!("uid-{}", self.received.get()), bytes);
        eventually("the mail to be fetched", async || {
            self.ann
                .post(&format!("/anytime/emailAccounts/{}/check", self.account), json!({}))
                .await
                .expect(200);
            self.server.mails().is_empty().then_some(())
        })
        .await;
        self.ann.get("/anytime/inboundMails").await.expect(200)["inboundMails"][0].clone()
    }

    pub async fn conversations(&self) -> i64 {
        self.ann.get("/anytime/conversations").await.expect(200)["total"].as_i64().unwrap()
    }

    /// Answers conversation 1 and gives the Message-ID of the answer.
    pub async fn answer(&self) -> String {
        let reply = json!({ "type": "email", "plainBody": "We look into it." });
        self.ann.post("/anytime/conversations/1/messages", reply).await.expect(201);
        let mails = self.ann.get("/anytime/outgoingMails").await.expect(200);
        mails["outgoingMails"][0]["internetMessageId"].as_str().unwrap().to_owned()
    }

    pub async fn last_message(&self) -> Value {
        let thread = self.ann.get("/anytime/conversations/1/messages").await.expect(200);
        thread["messages"].as_array().unwrap().last().unwrap().clone()
    }
}
