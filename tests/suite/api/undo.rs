use std::time::Duration;

use anytime::config::Config;
use serde_json::{Value, json};

use crate::support::scene::{account, contact, events, noted};
use crate::support::test_desk::{Client, TestDesk, eventually};

const CONVERSATION: &str = "/anytime/conversations/1";

/// An account whose server takes no mail, and a conversation with a contact.
async fn prepare(ann: &Client) {
    let id = account(ann).await;
    let smtp = json!({ "smtpServer": "127.0.0.1", "smtpPort": 9, "smtpSecurity": "none" });
    ann.put(&format!("/anytime/emailAccounts/{id}"), smtp).await.expect(200);
    let lena = contact(ann, "lena").await;
    noted(ann, "Broken chain", json!({ "contactId": lena })).await;
}

async fn send(by: &Client, more: Value) -> Value {
    let mut mail = json!({
        "type": "email", "source": "agentConsole", "htmlBody": "<p>We <b>look</b> into it.</p>",
        "quote": "<p>you wrote</p>", "cc": "omar@customer.example",
    });
    mail.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    by.post(&format!("{CONVERSATION}/messages"), mail).await.expect(201)["message"].clone()
}

#[tokio::test]
async fn a_mail_is_taken_back_within_a_few_seconds_as_if_it_had_never_been_sent() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    prepare(&ann).await;
    let before = ann.get(CONVERSATION).await.expect(200)["conversation"].clone();
    desk.advance(Duration::from_secs(60));
    let guid = ann.upload("plan.txt", b"the plan").await;
    let sent = send(&ann, json!({ "attachments": [{ "guid": guid }] })).await;
    assert_eq!(sent["undoUntil"], "2026-01-05T09:01:05.000Z");
    assert_eq!((&sent["sendStatus"], &sent["sendTime"]), (&json!("sending"), &Value::Null));
    let undo = format!("{CONVERSATION}/messages/{}/undo", sent["id"]);
    let draft = ann.post(&undo, json!({})).await.expect(200)["conversationDraft"].clone();
    for (key, value) in [
        ("htmlBody", json!("<p>We <b>look</b> into it.</p>")),
        ("quote", json!("<p>you wrote</p>")),
        ("to", json!("lena@customer.example")),
        ("cc", json!("omar@customer.example")),
        ("from", json!("support@desk.example")),
        ("subject", json!("Broken chain")),
    ] {
        assert_eq!(draft[key], value, "{key}");
    }
    assert_eq!(draft["attachments"][0]["guid"], guid);
    let after = ann.get(CONVERSATION).await.expect(200)["conversation"].clone();
    for key in ["status", "lastRepliedTime", "lastRepliedById", "lastMessage", "totalReplies"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    assert_eq!(desk.number("SELECT count(*) FROM outgoing_mail"), 0);
    assert_eq!(
        ann.get(&format!("{CONVERSATION}/messages")).await.expect(200)["messages"].as_array().unwrap().len(),
        1
    );
    assert_eq!(events(&desk, 1).last().unwrap(), "mailUndone");
    ann.post(&undo, json!({})).await.error(404);
    // And sent once more, from the draft.
    let again = send(&ann, json!({ "attachments": [{ "guid": guid }] })).await;
    assert_eq!(again["attachments"][0]["guid"], guid);
    ann.get(&format!("{CONVERSATION}/draft")).await.error(404);
}

#[tokio::test]
async fn a_draft_begun_meanwhile_stays_and_a_status_set_meanwhile_too() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    prepare(&ann).await;
    let sent = send(&ann, json!({})).await;
    ann.put(&format!("{CONVERSATION}/draft"), json!({ "plainBody": "The next answer" })).await.expect(200);
    desk.advance(Duration::from_secs(1));
    ann.put(CONVERSATION, json!({ "status": "onHold" })).await.expect(200);
    let undo = format!("{CONVERSATION}/messages/{}/undo", sent["id"]);
    let draft = ann.post(&undo, json!({})).await.expect(200)["conversationDraft"].clone();
    assert_eq!(draft["plainBody"], "The next answer");
    let kept = ann.get(&format!("{CONVERSATION}/draft/versions")).await.expect(200)["draftVersions"].clone();
    assert_eq!(kept[0]["plainBody"], "We look into it.");
    assert_eq!(ann.get(CONVERSATION).await.expect(200)["conversation"]["status"], "onHold");
}

#[tokio::test]
async fn what_was_tried_is_not_taken_back() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    prepare(&ann).await;
    let sent = send(&ann, json!({})).await;
    let undo = format!("{CONVERSATION}/messages/{}/undo", sent["id"]);
    assert_eq!(desk.number("SELECT sum(attempts) FROM outgoing_mail"), 0, "it waits");
    desk.advance(Duration::from_secs(6));
    let app = desk.app.clone();
    anytime::jobs::send_due(&app).await.unwrap();
    eventually("an attempt", async || {
        (0 < desk.number("SELECT sum(attempts) FROM outgoing_mail")).then_some(())
    })
    .await;
    let error = ann.post(&undo, json!({})).await.error(409);
    assert_eq!(error, format!("the mail of message {} has left, or there is none", sent["id"]));
    let error = ann.post(&format!("{CONVERSATION}/messages/1/undo"), json!({})).await.error(409);
    assert_eq!(error, "message 1 is no mail that we sent");
    ann.post(&format!("{CONVERSATION}/messages/77/undo"), json!({})).await.error(404);
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    ann.put(CONVERSATION, json!({ "departmentAssigneeId": 1 })).await.expect(200);
    luis.post(&undo, json!({})).await.error(404);
    desk.as_nobody().post(&undo, json!({})).await.error(401);
}

#[tokio::test]
async fn the_moment_to_take_it_back_survives_a_restart_and_the_site_says_how_long_it_is() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    prepare(&ann).await;
    crate::support::test_desk::change(&desk, |tx| {
        anytime::desk::site::set_undo_seconds(tx, &anytime::desk::Actor::System, 30)
    })
    .await;
    let sent = send(&ann, json!({})).await;
    assert_eq!(sent["undoUntil"], "2026-01-05T09:00:30.000Z");
    let at_once = send(&ann, json!({ "source": "API" })).await;
    assert_eq!(at_once["undoUntil"], Value::Null, "programs need no second thoughts");
    let clock = desk.clock.clone();
    let directory = desk.stop().await;
    let desk = TestDesk::run(Config::for_directory(directory.path()), clock, directory).await;
    let ann = desk.as_ann().await;
    let shown = ann.get(&format!("{CONVERSATION}/messages/{}", sent["id"])).await.expect(200);
    assert_eq!(shown["message"]["undoUntil"], "2026-01-05T09:00:30.000Z");
    ann.post(&format!("{CONVERSATION}/messages/{}/undo", sent["id"]), json!({})).await.expect(200);
    let too_long =
        desk.app.write(|tx| anytime::desk::site::set_undo_seconds(tx, &anytime::desk::Actor::System, 121));
    assert_eq!(too_long.await.unwrap_err().to_string(), "'undoSeconds' must be from 0 to 120, not 121");
}

#[tokio::test]
async fn a_mail_waits_for_its_time() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    prepare(&ann).await;
    let sent = send(&ann, json!({ "sendTime": "2026-01-12T10:00:00+02:00" })).await;
    assert_eq!(sent["sendTime"], "2026-01-12T08:00:00.000Z");
    assert_eq!(sent["undoUntil"], "2026-01-12T08:00:00.000Z");
    desk.advance(Duration::from_secs(6 * 24 * 3600));
    anytime::jobs::send_due(&desk.app).await.unwrap();
    assert_eq!(desk.number("SELECT sum(attempts) FROM outgoing_mail"), 0);
    desk.advance(Duration::from_secs(24 * 3600));
    eventually("an attempt", async || {
        anytime::jobs::send_due(&desk.app).await.unwrap();
        (0 < desk.number("SELECT sum(attempts) FROM outgoing_mail")).then_some(())
    })
    .await;
    assert_eq!(
        desk.number("SELECT count(*) FROM outgoing_mail WHERE state = 'failed'"),
        0,
        "its patience begins now"
    );
    for (time, message) in [
        ("2026-01-05T09:00:00Z", "'sendTime' '2026-01-05T09:00:00.000Z' is not in the future"),
        ("2028-01-05T09:00:00Z", "'sendTime' '2028-01-05T09:00:00.000Z' is more than a year ahead"),
        ("soon", "'sendTime' must be an ISO-8601 time, not 'soon'"),
    ] {
        let mail = json!({ "type": "email", "plainBody": "x", "sendTime": time });
        assert_eq!(ann.post(&format!("{CONVERSATION}/messages"), mail).await.error(400), message);
    }
    let note = json!({ "type": "note", "plainBody": "x", "sendTime": "2026-02-05T09:00:00Z" });
    ann.post(&format!("{CONVERSATION}/messages"), note).await.error(400);
}
