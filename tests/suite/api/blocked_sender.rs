use reqwest::Method;
use serde_json::{Value, json};

use crate::support::mail::mail;
use crate::support::mailroom::{DESK, LENA, Mailroom};
use crate::support::test_desk::{Client, TestDesk};

async fn block(ann: &Client, email: &str, block_type: &str) -> Value {
    let answer = ann.put("/anytime/blockedSenders", json!({ "email": email, "blockType": block_type })).await;
    assert!(answer.status.is_success(), "{}", answer.body);
    answer.body["blockedSender"].clone()
}

#[tokio::test]
async fn a_sender_is_blocked_changed_found_and_let_go() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let put = |email: &str, kind: &str| {
        let body = json!({ "email": email, "blockType": kind });
        let ann = ann.clone();
        async move { ann.put("/anytime/blockedSenders", body).await }
    };
    let created = put("@Spam.Example", "BLOCKDOMAINASJUNK").await;
    assert_eq!(created.location.as_deref(), Some("/api/v3/anytime/blockedSenders/1"));
    let entry = created.expect(201)["blockedSender"].clone();
    assert_eq!(
        entry,
        json!({
            "id": 1, "email": "spam.example", "blockType": "blockDomainasJunk", "isAllowed": false,
            "createdById": 1, "createdTime": "2026-01-05T09:00:00.000Z",
        })
    );
    assert_eq!(ann.put("/anytime/blockedSenders", entry.clone()).await.expect(200)["blockedSender"], entry);
    let changed = put("spam.example", "rejectDomain").await.expect(200);
    assert_eq!(
        (&changed["blockedSender"]["id"], &changed["blockedSender"]["blockType"]),
        (&json!(1), &json!("rejectDomain"))
    );
    put("eve@spam.example", "blockEmailasJunk").await.expect(201);
    let emails = |list: Value| -> Vec<String> {
        let all = list["blockedSenders"].as_array().unwrap();
        all.iter().map(|entry| entry["email"].as_str().unwrap().to_owned()).collect()
    };
    let all = ann.get("/anytime/blockedSenders").await.expect(200);
    assert_eq!(emails(all), ["eve@spam.example", "spam.example"]);
    for (asked, found) in [
        ("EVE@spam.example", &["eve@spam.example", "spam.example"][..]),
        ("bob@spam.example", &["spam.example"]),
        ("spam.example", &["spam.example"]),
        ("x@sub.spam.example", &[]),
    ] {
        let hits = ann.get(&format!("/anytime/blockedSenders?email={asked}")).await.expect(200);
        assert_eq!(emails(hits), found, "{asked}");
    }
    assert_eq!(ann.get("/anytime/blockedSenders/2").await.expect(200)["blockedSender"]["id"], 2);
    ann.delete("/anytime/blockedSenders?email=eve@spam.example").await.expect(204);
    let request = ann.request(Method::DELETE, "/anytime/blockedSenders");
    ann.send(request.json(&json!({ "email": "@spam.example" }))).await.expect(204);
    let all = ann.get("/anytime/blockedSenders").await.expect(200);
    assert_eq!(all, json!({ "blockedSenders": [] }));
    let log = ann.get("/auditLogs?type=blockSenderManagement").await.expect(200);
    assert_eq!(log["total"], 5);
    assert_eq!(log["logs"][3]["actionSummary"], "rejected mail from spam.example");
    assert_eq!(log["logs"][3]["actionDetails"], "action: 'junk' → 'reject'");
}

#[tokio::test]
async fn what_is_blocked_must_be_an_address_or_a_domain_and_fit_its_type() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let account = json!({ "email": "support@desk.example", "type": "pop3", "pop3Server": "127.0.0.1" });
    ann.post("/anytime/emailAccounts", account).await.expect(201);
    for (body, message) in [
        (json!({ "email": "a@b.example" }), "'blockType' is required"),
        (json!({ "blockType": "rejectEmail" }), "'email' is required"),
        (json!({ "email": " ", "blockType": "rejectDomain" }), "'email' is required"),
        (
            json!({ "email": "a@b.example", "blockType": "block" }),
            "'blockType' must be blockEmailasJunk, rejectEmail, blockDomainasJunk or rejectDomain, not 'block'",
        ),
        (
            json!({ "email": "a@b.example", "blockType": "rejectDomain" }),
            "'blockType' 'rejectDomain' needs a domain in email",
        ),
        (
            json!({ "email": "@b.example", "blockType": "rejectEmail" }),
            "'blockType' 'rejectEmail' needs an address in email",
        ),
        (
            json!({ "email": "a b@c", "blockType": "rejectEmail" }),
            "'email' 'a b@c' is neither an e-mail address nor a domain",
        ),
        (
            json!({ "email": "nonsense", "blockType": "rejectDomain" }),
            "'email' 'nonsense' is neither an e-mail address nor a domain",
        ),
        (
            json!({ "email": "Ann@desk.example", "blockType": "rejectEmail" }),
            "'email' 'ann@desk.example' belongs to an agent and cannot be blocked",
        ),
        (
            json!({ "email": "support@desk.example", "blockType": "blockEmailasJunk" }),
            "'email' 'support@desk.example' is our own and cannot be blocked",
        ),
        (
            json!({ "email": "a@b.example", "blockType": "rejectEmail", "isAllowed": true }),
            "'blockType' 'rejectEmail' contradicts isAllowed",
        ),
        (json!({ "email": "a@b.example", "kind": "x" }), "'kind' is not a field of this object"),
    ] {
        assert_eq!(ann.put("/anytime/blockedSenders", body).await.error(400), message);
    }
    assert_eq!(ann.delete("/anytime/blockedSenders").await.error(400), "'email' is required");
    let broken = ann.request(Method::DELETE, "/anytime/blockedSenders").body("{");
    assert!(ann.send(broken).await.error(400).contains("is not JSON"));
    assert_eq!(ann.get("/anytime/blockedSenders").await.expect(200), json!({ "blockedSenders": [] }));
}

#[tokio::test]
async fn unknown_entries_are_not_found_and_only_who_may_manages_them() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    for id in ["7", "x", "-1"] {
        ann.get(&format!("/anytime/blockedSenders/{id}")).await.error(404);
        ann.delete(&format!("/anytime/blockedSenders/{id}")).await.error(404);
    }
    let gone = ann.delete("/anytime/blockedSenders?email=a@b.example").await.error(404);
    assert_eq!(gone, "there is no blocked sender a@b.example");
    block(&ann, "a@b.example", "rejectEmail").await;
    let refused = luis.get("/anytime/blockedSenders").await.error(403);
    assert_eq!(refused, "you may not manage blocked senders");
    luis.get("/anytime/blockedSenders/1").await.error(403);
    luis.put("/anytime/blockedSenders", json!({ "email": "x@y.example", "blockType": "rejectEmail" }))
        .await
        .error(403);
    luis.delete("/anytime/blockedSenders?email=a@b.example").await.error(403);
    luis.delete("/anytime/blockedSenders/1").await.error(403);
    desk.as_nobody().get("/anytime/blockedSenders").await.error(401);
    ann.delete("/anytime/blockedSenders/1").await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_mail_of_a_rejected_sender_is_dropped_and_the_ledger_says_so() {
    let room = Mailroom::open().await;
    block(&room.ann, "lena@customer.example", "rejectEmail").await;
    let row = room.receive(&mail("Lena <LENA@Customer.Example>", DESK, "Offer", &[], "Buy")).await;
    assert_eq!(
        (&row["outcome"], &row["reason"], &row["matchedBy"]),
        (
            &json!("rejected"),
            &json!("mail from this sender is rejected"),
            &json!("blocked sender lena@customer.example")
        )
    );
    assert_eq!(room.conversations().await, 0);
    assert_eq!(room.ann.get("/contacts").await.expect(200)["total"], 0);
    assert_eq!(room.ann.get("/anytime/junkEmails").await.expect(200)["total"], 0);
    assert_eq!(room.desk.number("SELECT count(*) FROM event"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_that_was_there_goes_on_after_its_contact_is_blocked() {
    let room = Mailroom::open().await;
    room.receive(&mail(LENA, DESK, "Broken chain", &[], "Help")).await;
    let id = room.answer().await;
    block(&room.ann, "customer.example", "rejectDomain").await;
    block(&room.ann, "lena@customer.example", "blockEmailasJunk").await;
    let reply = mail(LENA, DESK, "Re: Broken chain", &[&format!("In-Reply-To: <{id}>")], "More");
    assert_eq!(room.receive(&reply).await["outcome"], "appended");
    assert_eq!(room.receive(&mail(LENA, DESK, "Another", &[], "Hm")).await["outcome"], "junk");
    assert_eq!(room.conversations().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_decides_before_its_domain_and_a_domain_not_for_its_subdomains() {
    let room = Mailroom::open().await;
    block(&room.ann, "@shop.example", "rejectDomain").await;
    block(&room.ann, "news@shop.example", "blockEmailasJunk").await;
    let allowed = json!({ "email": "orders@shop.example", "isAllowed": true });
    let entry = room.ann.put("/anytime/blockedSenders", allowed).await.expect(201)["blockedSender"].clone();
    assert_eq!((&entry["isAllowed"], &entry["blockType"]), (&json!(true), &Value::Null));
    for (from, outcome) in [
        ("a@shop.example", "rejected"),
        ("NEWS@SHOP.EXAMPLE", "junk"),
        ("orders@shop.example", "created"),
        ("a@sub.shop.example", "created"),
        ("a@otshop.example", "created"),
        ("shop.example@else.example", "created"),
    ] {
        assert_eq!(room.receive(&mail(from, DESK, "Hi", &[], from)).await["outcome"], outcome, "{from}");
    }
    // The contract's list has the contract's entries.
    let listed = room.ann.get("/anytime/blockedSenders").await.expect(200);
    assert_eq!(listed["blockedSenders"].as_array().unwrap().len(), 2);
    let all = room.ann.get("/anytime/blockedSenders?includeAllowed=true").await.expect(200);
    assert_eq!(all["blockedSenders"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_are_not_blocked_with_their_domain_and_the_portal_is_open_to_the_blocked() {
    let room = Mailroom::open().await;
    room.desk.create_agent("tom", false).await;
    block(&room.ann, "desk.example", "rejectDomain").await;
    let row = room.receive(&mail("Tom <tom@desk.example>", DESK, "A question", &[], "Hi")).await;
    assert_eq!(row["outcome"], "created");
    block(&room.ann, "lena@customer.example", "rejectEmail").await;
    let lena =
        json!({ "name": "Lena", "identities": [{ "type": "email", "value": "lena@customer.example" }] });
    let lena = room.ann.post("/contacts", lena).await.expect(201);
    let id = lena.get("contact").unwrap_or(&lena)["id"].clone();
    let new = json!({
        "subject": "By phone", "channel": "portal", "contactId": id,
        "message": { "type": "reply", "plainBody": "She called" },
    });
    room.ann.post("/anytime/conversations", new).await.expect(201);
}
