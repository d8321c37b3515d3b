use serde_json::{Value, json};

use crate::support::test_desk::{Client, TestDesk};

const MAILS: &str = "/anytime/outgoingMails";

/// One mail that is held, because its account has no SMTP server.
async fn held(ann: &Client) -> Value {
    ann.post("/anytime/emailAccounts", json!({ "email": "support@desk.example" })).await.expect(201);
    let lena =
        json!({ "name": "Lena", "identities": [{ "type": "email", "value": "lena@customer.example" }] });
    ann.post("/contacts", lena).await.expect(201);
    let message = json!({ "type": "email", "plainBody": "Hello Lena", "cc": "max@customer.example" });
    let new = json!({ "subject": "Your chain", "channel": "email", "contactId": 1, "message": message });
    ann.post("/anytime/conversations", new).await.expect(201);
    ann.get(&format!("{MAILS}/1")).await.expect(200)["outgoingMail"].clone()
}

#[tokio::test]
async fn a_mail_that_goes_out_is_shown_with_its_recipients() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let mail = held(&ann).await;
    let now = "2026-01-05T09:00:00.000Z";
    assert_eq!(
        mail,
        json!({
            "id": 1, "emailAccountId": 1, "conversationId": 1, "messageId": 1,
            "internetMessageId": mail["internetMessageId"], "from": "support@desk.example",
            "subject": "Your chain [#1]", "state": "held", "attempts": 0, "nextAttemptTime": now,
            "lastError": "the e-mail account has no SMTP server", "createdTime": now, "sentTime": null,
            "isAutomatic": false,
            "recipients": [
                { "address": "lena@customer.example", "kind": "to", "state": "queued", "answer": null },
                { "address": "max@customer.example", "kind": "cc", "state": "queued", "answer": null },
            ],
        })
    );
    let list = ann.get(MAILS).await.expect(200);
    assert_eq!(list["outgoingMails"], json!([mail]));
    assert_eq!((&list["total"], &list["nextPage"]), (&json!(1), &Value::Null));
    assert_eq!(list["currentPage"], "/api/v3/anytime/outgoingMails?pageIndex=1");
}

#[tokio::test]
async fn mails_are_narrowed_by_state() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    held(&ann).await;
    for (state, total) in [("held", 1), ("HELD", 1), ("sent", 0), ("queued", 0), ("failed", 0)] {
        assert_eq!(ann.get(&format!("{MAILS}?state={state}")).await.expect(200)["total"], total, "{state}");
    }
    let message = ann.get(&format!("{MAILS}?state=lost")).await.error(400);
    assert_eq!(message, "'state' must be 'queued', 'held', 'sent' or 'failed', not 'lost'");
}

#[tokio::test]
async fn a_held_mail_is_queued_again_once_there_is_a_server() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    held(&ann).await;
    let retry = format!("{MAILS}/1/retry");
    ann.post(&retry, json!({})).await.error(409);
    let server = json!({ "smtpServer": "127.0.0.1", "smtpPort": 1 });
    ann.put("/anytime/emailAccounts/1", server).await.expect(200);
    let queued = ann.post(&retry, json!({})).await.expect(200)["outgoingMail"].clone();
    assert_eq!((&queued["state"], &queued["attempts"]), (&json!("queued"), &json!(0)));
    assert_eq!(queued["lastError"], Value::Null);
}

#[tokio::test]
async fn the_queue_needs_permission() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    held(&ann).await;
    for path in [MAILS.to_owned(), format!("{MAILS}/1")] {
        assert_eq!(luis.get(&path).await.error(403), "you may not manage e-mail accounts");
        desk.as_nobody().get(&path).await.error(401);
    }
    luis.post(&format!("{MAILS}/1/retry"), json!({})).await.error(403);
    for id in ["7", "x"] {
        ann.get(&format!("{MAILS}/{id}")).await.error(404);
        ann.post(&format!("{MAILS}/{id}/retry"), json!({})).await.error(404);
    }
}
