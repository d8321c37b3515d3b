//! The mail catcher of a demo: nothing leaves, everything can be read and answered, by the way that all mail comes.

use serde_json::{Value, json};

use crate::support::test_desk::{Browser, Client, TestDesk, View, eventually};

struct Demo {
    desk: TestDesk,
    ann: Client,
    browser: Browser,
}

impl Demo {
    /// A demo with one account, whose server nobody can reach.
    async fn start() -> Self {
        let desk = TestDesk::start_with(|config| config.is_demo = true).await;
        let ann = desk.as_ann().await;
        let account = json!({
            "email": "support@fernweh-bikes.example", "type": "pop3", "displayName": "Fernweh Bikes",
            "smtpServer": "127.0.0.1", "smtpPort": 9, "smtpSecurity": "none",
        });
        ann.post("/anytime/emailAccounts", account).await.expect(201);
        ann.put("/anytime/configs", json!({ "isEnabledDepartment": true })).await.expect(200);
        let browser = desk.browser();
        browser.sign_in("ann").await;
        Self { desk, ann, browser }
    }

    async fn receive(&self, kind: &str) -> View {
        self.post("/demo/mail/receive", &[("kind", kind)]).await
    }

    /// Sends a form of the catcher and gives the page that it leads to.
    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> View {
        let csrf = self.browser.get("/demo/mail").await.csrf();
        let view = self.browser.post(path, &[&[("csrf", csrf.as_str())], fields].concat()).await;
        match view.location.clone() {
            Some(to) => self.browser.get(&to).await,
            None => view,
        }
    }

    /// Ann answers conversation 1; gives the id of the mail once it was caught.
    async fn answer(&self) -> i64 {
        let reply = json!({ "type": "email", "plainBody": "Take the long ones." });
        self.ann.post("/anytime/conversations/1/messages", reply).await.expect(201);
        self.desk.advance(std::time::Duration::from_secs(60));
        let mail = eventually("the mail to be caught", async || {
            anytime::jobs::send_due(&self.desk.app).await.unwrap();
            let mails = self.ann.get("/anytime/outgoingMails?state=sent").await.expect(200);
            mails["outgoingMails"]
                .as_array()
                .unwrap()
                .iter()
                .find(|mail| mail["isAutomatic"] == false)
                .cloned()
        });
        mail.await["id"].as_i64().unwrap()
    }

    async fn messages(&self) -> Vec<Value> {
        let thread = self.ann.get("/anytime/conversations/1/messages").await.expect(200);
        thread["messages"].as_array().unwrap().clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_customer_writes_is_answered_and_answers_back_into_the_same_conversation() {
    let demo = Demo::start().await;
    demo.receive("customer").await.shows("opened a conversation").shows("Open #1");
    let id = demo.answer().await;
    let page = demo.browser.get(&format!("/demo/mail/{id}")).await;
    page.shows("Take the long ones.")
        .shows("Message-ID: &#60;c1.1.")
        .shows("sandbox=\"allow-popups")
        .shows("Caught");
    let frame = demo.browser.get(&format!("/demo/mail/{id}/html")).await;
    assert!(frame.headers["content-security-policy"].to_str().unwrap().contains("sandbox"));
    frame.shows("Take the long ones.");
    let file = demo.browser.get(&format!("/demo/mail/{id}.eml")).await;
    assert_eq!(file.headers["content-type"], "message/rfc822");

    let path = format!("/demo/mail/{id}/answer");
    demo.post(&path, &[("text", "Thank you, they fit!")]).await.shows("signed token in In-Reply-To");
    let messages = demo.messages().await;
    let last = messages.last().unwrap();
    assert_eq!(
        (&last["senderType"], &last["plainBody"]),
        (&json!("contact"), &json!("Thank you, they fit!"))
    );
    assert!(last["quote"].as_str().unwrap().contains("Take the long ones"), "{last}");
    // The bytes are in the ledger, as those of any mail.
    assert_eq!(demo.desk.number("SELECT count(*) FROM inbound_mail WHERE blob_id IS NOT NULL"), 2);
    // An empty answer comes back with its problem.
    let refused = demo.post(&path, &[("text", "  ")]).await;
    assert_eq!(refused.status, 400);
    refused.shows("write what the customer answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_answer_a_bounce_marks_the_mail_and_spam_is_kept_out() {
    let demo = Demo::start().await;
    let early = demo.receive("bounce").await;
    assert_eq!(early.status, 409);
    early.shows("Nobody has been written to yet");
    demo.receive("customer").await;
    let id = demo.answer().await;
    demo.receive("outOfOffice").await.shows("was added to its conversation");
    assert_eq!(demo.messages().await.last().unwrap()["isAutomatic"], json!(true));
    demo.post(&format!("/demo/mail/{id}/react"), &[("kind", "bounce")]).await.shows("could not be delivered");
    let mail = demo.ann.get(&format!("/anytime/outgoingMails/{id}")).await.expect(200);
    assert_eq!(mail["outgoingMail"]["state"], "failed", "{mail}");
    let block = json!({ "email": "winner@prize-department.example", "blockType": "email", "action": "junk" });
    demo.ann.post("/anytime/blockedSenders", block).await;
    demo.receive("spam").await.shows("prize-department.example");
    let wrong = demo.receive("letter").await;
    assert_eq!(wrong.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_demo_has_the_catcher_and_only_for_agents() {
    let demo = Demo::start().await;
    demo.browser.get("/console/all").await.shows("href=\"/demo/mail\"");
    let stranger = demo.desk.browser().get("/demo/mail").await;
    assert_eq!(
        (stranger.status, stranger.location.as_deref()),
        (303, Some("/console/sign-in?next=%2Fdemo%2Fmail"))
    );
    let fields = [("csrf", "forged"), ("kind", "customer")];
    assert_eq!(demo.browser.post("/demo/mail/receive", &fields).await.status, 403);
    assert_eq!(demo.browser.get("/demo/mail/99").await.status, 404);

    let desk = TestDesk::start().await;
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let console = browser.get("/console/all").await;
    assert!(!console.html.contains("/demo/mail"));
    let csrf = console.csrf();
    for path in ["/demo/mail", "/demo/mail/1", "/demo/mail/1/html", "/demo/mail/1.eml"] {
        assert_eq!(browser.get(path).await.status, 404, "{path}");
    }
    for path in ["/demo/mail/receive", "/demo/mail/1/answer", "/demo/mail/1/react"] {
        let fields = [("csrf", csrf.as_str()), ("kind", "customer"), ("text", "x")];
        assert_eq!(browser.post(path, &fields).await.status, 404, "{path}");
    }
}
