//! Who a mail is really from: what the receiving server found out, tricks, and what must not follow from a forged mail.

use serde_json::{Value, json};

use crate::support::mail::mail;
use crate::support::mailroom::{DESK, LENA, Mailroom};
use crate::support::test_desk::{Browser, eventually};

const PASSED: &str = "Authentication-Results: mx.desk.example; dkim=pass header.d=customer.example; dmarc=pass header.from=customer.example";
const FAILED: &str = "Authentication-Results: mx.desk.example; spf=fail smtp.mailfrom=customer.example; dmarc=fail header.from=customer.example";

async fn trusting(server: &str) -> (Mailroom, Browser) {
    let room = Mailroom::open().await;
    let ann = room.desk.browser();
    ann.sign_in("ann").await;
    let page = "/console/settings/sender-checks";
    let csrf = ann.get(page).await.csrf();
    let sent = ann.post(page, &[("csrf", &csrf), ("authservId", server)]).await;
    assert_eq!(sent.status, 303, "{}", sent.html);
    ann.get(page).await.shows(server);
    (room, ann)
}

/// The last message of the conversation that a mail went to.
async fn message(room: &Mailroom, row: &Value) -> Value {
    let path = format!("/anytime/conversations/{}/messages", row["conversationId"]);
    let thread = room.ann.get(&path).await.expect(200);
    thread["messages"].as_array().unwrap().last().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trusted_servers_word_is_shown_on_the_message_and_over_the_api() {
    let (room, ann) = trusting("mx.desk.example").await;
    for (headers, result, shown) in [
        (&[PASSED][..], "passed", "Sender confirmed by their domain"),
        (&[FAILED], "failed", "Sender may be forged"),
        (&[], "unknown", "Sender not confirmed"),
        // What the sender wrote himself stands below the server's own.
        (&[FAILED, PASSED], "failed", "Sender may be forged"),
        (&["Authentication-Results: mx.evil.example; dmarc=pass"], "unknown", "Sender not confirmed"),
        (&["Authentication-Results: mx.desk.example; none", PASSED], "unknown", "Sender not confirmed"),
    ] {
        let row = room.receive(&mail(LENA, DESK, "Hello", headers, "Hi")).await;
        let found = message(&room, &row).await;
        assert_eq!(found["senderAuthentication"], result, "{headers:?} {found}");
        let page = ann.get(&format!("/console/conversations/{}", row["conversationId"])).await;
        page.shows(shown);
    }
    let row = room.receive(&mail(LENA, DESK, "Once more", &[FAILED], "Hi")).await;
    assert_eq!(message(&room, &row).await["senderAuthenticationReason"], "spf=fail, dmarc=fail");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_trusted_server_nothing_is_believed() {
    let room = Mailroom::open().await;
    let row = room.receive(&mail(LENA, DESK, "Hello", &[PASSED], "Hi")).await;
    let found = message(&room, &row).await;
    assert_eq!((&found["senderAuthentication"], &found["senderWarnings"]), (&Value::Null, &json!([])));
    let ann = room.desk.browser();
    ann.sign_in("ann").await;
    let page = "/console/settings/sender-checks";
    let csrf = ann.get(page).await.csrf();
    let wrong = ann.post(page, &[("csrf", &csrf), ("authservId", "mx desk; dmarc=pass")]).await;
    assert_eq!(wrong.status, 400);
    wrong.shows("is not the name of a server");
    room.desk.create_agent("luis", false).await;
    let luis = room.desk.browser();
    luis.sign_in("luis").await;
    assert_eq!(luis.get(page).await.status, 403);
    let csrf = luis.get("/console/settings/profile").await.csrf();
    assert_eq!(luis.post(page, &[("csrf", &csrf), ("authservId", "x")]).await.status, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_its_domain_disowns_is_answered_by_nobody() {
    let (room, _) = trusting("mx.desk.example").await;
    let acknowledgement = json!({ "isEnabled": true });
    room.ann.put("/anytime/mailTemplates/acknowledgement", acknowledgement).await.expect(200);
    let action = json!({ "type": "SendEmail", "toContact": true, "subject": "Thanks", "textBody": "Thanks" });
    let trigger =
        json!({ "name": "Thanks", "triggerEvent": "conversationReplyReceived", "actions": [action] });
    let made = room.ann.post("/anytime/triggers", trigger).await;
    assert!(made.status.is_success(), "{}", made.body);
    let behind = "SELECT count(*) FROM event WHERE (SELECT min(event_id) FROM cursor) < id";
    let settled = async || {
        eventually("every reader of the log", async || (room.desk.number(behind) == 0).then_some(())).await;
    };
    room.receive(&mail(LENA, DESK, "Forged", &[FAILED, "Message-ID: <1@c>"], "Hi")).await;
    room.receive(&mail(LENA, DESK, "Re: [#1]", &[FAILED, "Message-ID: <2@c>"], "Again")).await;
    settled().await;
    assert_eq!(room.desk.number("SELECT count(*) FROM outgoing_mail"), 0);
    // The genuine one is.
    room.receive(&mail(LENA, DESK, "Genuine", &[PASSED, "Message-ID: <3@c>"], "Hi")).await;
    settled().await;
    assert_eq!(room.desk.number("SELECT count(*) FROM outgoing_mail"), 1);
    // Also not once it is out of the junk.
    let blocked = json!({ "email": "other.example", "blockType": "blockDomainAsJunk" });
    let made = room.ann.put("/anytime/blockedSenders", blocked).await;
    assert!(made.status.is_success(), "{}", made.body);
    let row = room.receive(&mail("Omar <omar@other.example>", DESK, "Junk", &[FAILED], "Hi")).await;
    assert_eq!(row["outcome"], "junk", "{row}");
    room.ann.post("/anytime/junkEmails/1/notJunk", json!({})).await.expect(201);
    settled().await;
    assert_eq!(room.desk.number("SELECT count(*) FROM outgoing_mail"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn tricks_are_pointed_out_on_the_message() {
    let room = Mailroom::open().await;
    let row = room.receive(&mail(LENA, DESK, "Hello", &[], "Hi")).await;
    assert_eq!(message(&room, &row).await["senderWarnings"], json!([]));
    for (from, headers, word) in [
        ("\"support@desk.example\" <eve@evil.example>", &[][..], "shows the address support@desk.example"),
        ("Lena <lena@cust0mer.example>", &[], "only looks like customer.example"),
        ("Lena <lena@xn--ustomer-08g.example>", &[], "scripts"),
        ("Desk <desk@desk.exarnple>", &[], "only looks like our own desk.example"),
        ("Tom <tom@other.example>", &[], ""),
        ("Ann <x@dеsk.example>", &[], "only looks like our own desk.example"),
        (
            "Eve <eve@plain.example>",
            &["Reply-To: money@evil.example"],
            "answers are asked for at money@evil.example",
        ),
    ] {
        let row = room.receive(&mail(from, DESK, "Hello", headers, "Hi")).await;
        let found = message(&room, &row).await;
        let warnings = found["senderWarnings"].to_string();
        assert!(warnings.contains(word), "{from}: {found}");
        assert_eq!(word.is_empty(), warnings == "[]", "{from}: {warnings}");
    }
    let ann = room.desk.browser();
    ann.sign_in("ann").await;
    ann.get("/console/conversations/2").await.shows("Look twice at the sender").shows("eve@evil.example");
    assert!(!ann.get("/console/conversations/1").await.html.contains("Look twice"));
    // An honest sender stays honest after somebody looked like them.
    let row = room.receive(&mail(LENA, DESK, "Again", &[], "Hi")).await;
    assert_eq!(message(&room, &row).await["senderWarnings"], json!([]));
}
