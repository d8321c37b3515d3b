use std::time::Duration;

use serde_json::{Value, json};

use crate::support::mail::mail;
use crate::support::mailroom::{DESK, LENA, Mailroom};
use crate::support::scene::{account, contact, noted};
use crate::support::test_desk::{Client, TestDesk, eventually};

const ACKNOWLEDGEMENT: &str = "/anytime/mailTemplates/acknowledgement";

async fn outgoing(ann: &Client) -> Vec<Value> {
    ann.get("/anytime/outgoingMails").await.expect(200)["outgoingMails"].as_array().unwrap().clone()
}

/// Waits until the reader of events has come to the end of the log.
async fn all_told(desk: &TestDesk) {
    let behind =
        "SELECT count(*) FROM event WHERE (SELECT event_id FROM cursor WHERE consumer = 'notification') < id";
    eventually("the notifications", async || (desk.number(behind) == 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_acknowledgement_is_off_until_wanted_and_then_one_a_day_to_people_only() {
    let room = Mailroom::open().await;
    let (desk, ann) = (&room.desk, &room.ann);
    room.receive(&mail(LENA, DESK, "First", &["Message-ID: <1@c>"], "Hello")).await;
    all_told(desk).await;
    assert!(outgoing(ann).await.is_empty(), "safe by default");
    ann.put(ACKNOWLEDGEMENT, json!({ "isEnabled": true })).await.expect(200);
    room.receive(&mail(LENA, DESK, "Buy pills at spam.example", &["Message-ID: <2@c>"], "Hello")).await;
    all_told(desk).await;
    let sent = outgoing(ann).await;
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0]["subject"], "We have received your message [#2]");
    assert_eq!(desk.number("SELECT is_automatic FROM outgoing_mail"), 1);
    let leaked = "SELECT count(*) FROM outgoing_mail WHERE html_body || text_body || subject LIKE '%pills%'
        OR html_body || text_body LIKE '%Lena%'";
    assert_eq!(desk.number(leaked), 0, "nothing that the sender chose");
    room.receive(&mail(LENA, DESK, "Third", &["Message-ID: <3@c>"], "Hello")).await;
    all_told(desk).await;
    assert_eq!(outgoing(ann).await.len(), 1, "one a day");
    desk.advance(Duration::from_secs(25 * 3600));
    room.receive(&mail(LENA, DESK, "Fourth", &["Message-ID: <4@c>"], "Hello")).await;
    all_told(desk).await;
    assert_eq!(outgoing(ann).await.len(), 2);
    ann.put("/anytime/mailTemplates/Acknowledgement", json!({ "isEnabled": false })).await.expect(200);
    let other = mail("Omar <omar@customer.example>", DESK, "Fifth", &["Message-ID: <5@c>"], "Hello");
    room.receive(&other).await;
    all_told(desk).await;
    assert_eq!(outgoing(ann).await.len(), 2);
}

#[tokio::test]
async fn a_site_changes_the_text_of_an_automatic_mail_and_goes_back() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    account(&ann).await;
    let lena = contact(&ann, "lena").await;
    noted(&ann, "Broken chain", json!({ "contactId": lena })).await;
    let path = "/anytime/mailTemplates/portalReply";
    let own = ann.get(path).await.expect(200)["mailTemplate"].clone();
    assert_eq!((&own["isEnabled"], &own["isChanged"]), (&json!(true), &json!(false)));
    let change = json!({
        "subject": "{!Agent.Name} answered: {!Conversation.Subject}",
        "textBody": "Dear {!Contact.Name}, see {!Conversation.Portal URL}",
    });
    let changed = ann.put(path, change).await.expect(200)["mailTemplate"].clone();
    assert!(changed["htmlBody"].as_str().unwrap().contains("Dear {!Contact.Name}"), "{changed}");
    ann.post("/anytime/conversations/1/messages", json!({ "type": "reply", "plainBody": "x" }))
        .await
        .expect(201);
    all_told(&desk).await;
    let sent = outgoing(&ann).await;
    assert_eq!(sent[0]["subject"], "Ann answered: Broken chain");
    let text = "SELECT count(*) FROM outgoing_mail WHERE text_body LIKE 'Dear lena, see http%/portal/conversations/1'
        AND html_body LIKE '%Dear lena%'";
    assert_eq!(desk.number(text), 1);
    ann.delete(path).await.expect(204);
    assert_eq!(ann.get(path).await.expect(200)["mailTemplate"], own);
    ann.post("/anytime/conversations/1/messages", json!({ "type": "reply", "plainBody": "y" }))
        .await
        .expect(201);
    all_told(&desk).await;
    assert_eq!(desk.number("SELECT count(*) FROM outgoing_mail"), 2);
}

#[tokio::test]
async fn what_a_template_may_not_hold_is_named() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    for (body, message) in [
        (
            json!({ "subject": "{!Conversation.Subject}" }),
            "'subject' holds {!Conversation.Subject}, which this mail may not carry",
        ),
        (
            json!({ "textBody": "Hi {!Contact.Name}" }),
            "'textBody' holds {!Contact.Name}, which this mail may not carry",
        ),
        (
            json!({ "htmlBody": "<p>{!Message.Text}</p>" }),
            "'htmlBody' holds {!Message.Text}, which this mail may not carry",
        ),
        (json!({ "textBody": " " }), "'textBody' is required"),
        (json!({ "subject": "" }), "'subject' is required"),
        (json!({ "colour": "red" }), "'colour' is not a field of this object"),
    ] {
        assert_eq!(ann.put(ACKNOWLEDGEMENT, body).await.error(400), message);
    }
    let clean =
        ann.put(ACKNOWLEDGEMENT, json!({ "htmlBody": "<p>Hi<script>x</script></p>" })).await.expect(200);
    assert_eq!(clean["mailTemplate"]["htmlBody"], "<p>Hi</p>");
    ann.get("/anytime/mailTemplates/signIn").await.error(404);
    let list = ann.get("/anytime/mailTemplates").await.expect(200)["mailTemplates"].clone();
    assert_eq!(list.as_array().unwrap().len(), 2);
    luis.get("/anytime/mailTemplates").await.error(403);
    luis.get(ACKNOWLEDGEMENT).await.error(403);
    luis.put(ACKNOWLEDGEMENT, json!({})).await.error(403);
    luis.delete(ACKNOWLEDGEMENT).await.error(403);
    desk.as_nobody().get(ACKNOWLEDGEMENT).await.error(401);
}

#[tokio::test]
async fn signatures_of_agent_and_account_stand_below_a_mail_once() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let id = account(&ann).await;
    ann.put(&format!("/anytime/emailAccounts/{id}"), json!({ "signature": "<p>Desk Ltd</p>" }))
        .await
        .expect(200);
    let own = json!({ "signature": "<p>Ann Smith<script>x</script></p>" });
    let changed = ann.put(&format!("/agents/{}", ann.id), own).await.expect(200);
    assert_eq!(changed["signature"], "<p>Ann Smith</p>");
    let lena = contact(&ann, "lena").await;
    noted(&ann, "s", json!({ "contactId": lena })).await;
    for text in ["Hello", "Hello\n\nAnn Smith"] {
        let mail = json!({ "type": "email", "plainBody": text });
        ann.post("/anytime/conversations/1/messages", mail).await.expect(201);
    }
    let texts: Vec<String> = desk
        .app
        .read(|s| s.all("SELECT text_body FROM outgoing_mail ORDER BY id", [], |row| row.get(0)))
        .unwrap();
    for text in texts {
        assert_eq!(text.matches("Ann Smith").count(), 1, "{text}");
        assert_eq!(text.matches("Desk Ltd").count(), 1, "{text}");
    }
    ann.put(&format!("/agents/{}", ann.id), json!({ "signature": "x".repeat(10_001) })).await.error(400);
}
