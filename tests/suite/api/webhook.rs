use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::mail::mail;
use crate::support::mailroom::{DESK, LENA, Mailroom};
use crate::support::receiver::{Receiver, Request};
use crate::support::test_desk::{Client, TestDesk, change, eventually};

const EVENT: &str = "anytimeConversation.AgentReplied";

async fn hook(client: &Client, event: &str, url: &str) -> Value {
    client.post("/webhooks", json!({ "event": event, "targetUrl": url })).await.expect(201)
}

/// A conversation of a contact in the portal.
async fn conversation(ann: &Client) -> Value {
    let lena =
        json!({ "name": "Lena", "identities": [{ "type": "email", "value": "lena@customer.example" }] });
    let lena = ann.post("/contacts", lena).await.expect(201);
    let id = lena.get("contact").unwrap_or(&lena)["id"].clone();
    let new = json!({
        "subject": "Broken chain", "channel": "portal", "contactId": id,
        "message": { "type": "reply", "plainBody": "Hello" },
    });
    ann.post("/anytime/conversations", new).await.expect(201)["conversation"].clone()
}

async fn reply(ann: &Client) {
    let reply = json!({ "type": "reply", "plainBody": "We look into it" });
    ann.post("/anytime/conversations/1/messages", reply).await.expect(201);
}

async fn deliveries(ann: &Client, webhook: i64) -> Vec<Value> {
    let list = ann.get(&format!("/webhooks/{webhook}/deliveries")).await.expect(200);
    list["deliveries"].as_array().unwrap().clone()
}

/// Waits until the newest delivery of a webhook is as wanted.
async fn delivery(ann: &Client, webhook: i64, is_wanted: impl Fn(&Value) -> bool) -> Value {
    eventually("the delivery", async || {
        deliveries(ann, webhook).await.first().filter(|delivery| is_wanted(delivery)).cloned()
    })
    .await
}

/// The newest delivery when it was tried `times` times and no attempt is under way.
async fn tried(desk: &TestDesk, ann: &Client, times: usize) -> Value {
    eventually("the attempt to be over", async || {
        let is_free = desk.number("SELECT count(*) FROM webhook_delivery WHERE lease_until <> 0") == 0;
        let delivery = deliveries(ann, 1).await.first().cloned()?;
        (is_free && delivery["attempts"] == times).then_some(delivery)
    })
    .await
}

/// Commits something, so that jobs look at the desk's clock.
async fn nudge(desk: &TestDesk) {
    change(desk, |tx| tx.run("UPDATE site SET name = name", []).map(|_| ())).await;
}

/// By the convention's document, without our own code.
fn is_signed(request: &Request, secret: &str) -> bool {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).unwrap();
    let (id, at) = (&request.headers["webhook-id"], &request.headers["webhook-timestamp"]);
    mac.update(format!("{id}.{at}.{}", request.body).as_bytes());
    request.headers["webhook-signature"] == format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[tokio::test]
async fn a_webhook_is_created_read_changed_and_deleted_and_its_secret_shown_once() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let new = json!({ "event": "ticket.agentreplied", "targetUrl": "https://example.com/hook" });
    let created = ann.post("/webhooks", new).await;
    assert_eq!(created.location.as_deref(), Some("/api/v3/webhooks/1"));
    let created = created.expect(201);
    let secret = created["secret"].as_str().unwrap().to_owned();
    assert_eq!(STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap().len(), 32);
    let webhook = ann.get("/webhooks/1").await.expect(200);
    assert_eq!(
        webhook,
        json!({
            "id": 1, "event": EVENT, "targetUrl": "https://example.com/hook", "isEnabled": true, "hasSecret": true,
            "lastStatus": null, "lastAttemptTime": null, "createdTime": "2026-01-05T09:00:00.000Z",
        })
    );
    assert_eq!(ann.put("/webhooks/1", webhook.clone()).await.expect(200), webhook);
    assert_eq!(ann.get("/webhooks").await.expect(200), json!([webhook]));
    assert_eq!(ann.get("/anytime/webhooks").await.expect(200), json!({ "webhooks": [webhook] }));
    let rotated = ann.post("/webhooks/1/secret", json!({})).await.expect(200);
    assert_ne!(rotated["secret"], json!(secret));
    let unsigned = ann.put("/webhooks/1", json!({ "secret": null, "isEnable": false })).await.expect(200);
    assert_eq!((&unsigned["hasSecret"], &unsigned["isEnabled"]), (&json!(false), &json!(false)));
    let own = format!("whsec_{}", STANDARD.encode([7; 24]));
    let signed = ann.put("/webhooks/1", json!({ "secret": own })).await.expect(200);
    assert_eq!((&signed["hasSecret"], &signed.get("secret")), (&json!(true), &None));
    ann.delete("/webhooks/1").await.expect(204);
    ann.get("/webhooks/1").await.error(404);
    let log = ann.get("/auditLogs?type=integrationAndAPIManagement").await.expect(200);
    assert_eq!(log["logs"][0]["actionSummary"], "deleted the webhook for AgentReplied to example.com");
    assert!(!log.to_string().contains("whsec_"), "{log}");
    hook(&ann, EVENT, "https://example.com/hook").await;
    let directory = desk.stop().await;
    let file = std::fs::read(directory.path().join("anytime.db")).unwrap();
    let bare = secret.as_bytes();
    assert!(!file.windows(bare.len()).any(|window| window == bare), "secrets are encrypted");
}

#[tokio::test]
async fn what_is_wrong_with_a_webhook_is_told() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let good = "https://example.com/";
    for (body, message) in [
        (json!({ "targetUrl": good }), "'event' is required"),
        (json!({ "event": EVENT }), "'targetUrl' is required"),
        (json!({ "event": EVENT, "targetUrl": "example.com" }), "'targetUrl' 'example.com' is not a URL"),
        (
            json!({ "event": EVENT, "targetUrl": "ftp://example.com/" }),
            "'targetUrl' 'ftp://example.com/' is neither http nor https",
        ),
        (
            json!({ "event": EVENT, "targetUrl": "http://u:p@example.com/" }),
            "'targetUrl' contains a user name or password",
        ),
        (
            json!({ "event": EVENT, "targetUrl": "http://0x7f.1/" }),
            "'targetUrl' names 127.0.0.1, which is not a public address",
        ),
        (
            json!({ "event": EVENT, "targetUrl": "http://localhost:8080/" }),
            "'targetUrl' names 'localhost', which is not a public host",
        ),
        (
            json!({ "event": EVENT, "targetUrl": "http://example.com:25/" }),
            "'targetUrl' names the port 25, which belongs to another protocol",
        ),
        (
            json!({ "event": EVENT, "targetUrl": good, "secret": "easy" }),
            "'secret' must be whsec_ and base64 of 24 to 64 bytes",
        ),
        (json!({ "event": EVENT, "targetUrl": good, "url": good }), "'url' is not a field of this object"),
    ] {
        assert_eq!(ann.post("/webhooks", body).await.error(400), message);
    }
    for event in ["AgentReplied", "anytimeConversation.Exploded", "chat.AgentReplied", ""] {
        let body = json!({ "event": event, "targetUrl": good });
        let refused = ann.post("/webhooks", body).await.error(400);
        assert!(refused.starts_with("'event' must be one of anytimeConversation.Created, "), "{refused}");
        assert!(refused.ends_with(&format!("not '{event}'")), "{refused}");
    }
    assert_eq!(ann.get("/webhooks").await.expect(200), json!([]));
}

#[tokio::test]
async fn webhooks_are_for_who_manages_integrations() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    hook(&ann, EVENT, "https://example.com/hook").await;
    assert_eq!(luis.get("/webhooks").await.error(403), "you may not manage integrations");
    luis.get("/webhooks/1").await.error(403);
    luis.put("/webhooks/1", json!({})).await.error(403);
    luis.post("/webhooks", json!({ "event": EVENT, "targetUrl": "https://example.com/" })).await.error(403);
    luis.post("/webhooks/1/secret", json!({})).await.error(403);
    luis.post("/webhooks/1/test", json!({})).await.error(403);
    luis.get("/webhooks/1/deliveries").await.error(403);
    luis.get("/webhooks/1/deliveries/1").await.error(403);
    luis.post("/webhooks/1/deliveries/1/replay", json!({})).await.error(403);
    luis.delete("/webhooks/1").await.error(403);
    desk.as_nobody().get("/webhooks").await.error(401);
    for id in ["9", "x"] {
        ann.get(&format!("/webhooks/{id}")).await.error(404);
        ann.put(&format!("/webhooks/{id}"), json!({})).await.error(404);
        ann.delete(&format!("/webhooks/{id}")).await.error(404);
        ann.post(&format!("/webhooks/{id}/test"), json!({})).await.error(404);
        ann.get(&format!("/webhooks/{id}/deliveries")).await.error(404);
        ann.get(&format!("/webhooks/1/deliveries/{id}")).await.error(404);
        ann.post(&format!("/webhooks/1/deliveries/{id}/replay"), json!({})).await.error(404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_told_signed_once_with_conversation_message_and_contact() {
    let desk = TestDesk::start_with(|config| config.webhook_allow_private = true).await;
    let (ann, receiver) = (desk.as_ann().await, Receiver::start().await);
    let secret = hook(&ann, EVENT, &receiver.url()).await["secret"].as_str().unwrap().to_owned();
    conversation(&ann).await;
    reply(&ann).await;
    let request = receiver.wait_for(1).await;
    assert_eq!(
        (request.path.as_str(), request.headers["content-type"].as_str()),
        ("/hook", "application/json")
    );
    assert!(is_signed(&request, &secret), "{request:?}");
    assert_eq!(request.headers["webhook-timestamp"], "1767603600");
    let body = request.json();
    assert_eq!((&body["event"], &body["eventId"]), (&json!(EVENT), &json!(request.headers["webhook-id"])));
    assert_eq!(body["eventTime"], "2026-01-05T09:00:00.000Z");
    let payload = &body["payload"];
    assert_eq!(
        payload.as_object().unwrap().keys().collect::<Vec<_>>(),
        ["contact", "conversation", "message"]
    );
    assert_eq!(payload["conversation"]["subject"], "Broken chain");
    assert_eq!(payload["message"]["plainBody"], "We look into it");
    assert_eq!(payload["contact"]["name"], "Lena");
    let told = delivery(&ann, 1, |delivery| delivery["state"] == "succeeded").await;
    assert_eq!((&told["attempts"], &told["responseStatus"]), (&json!(1), &json!(200)));
    assert_eq!(told["requestBody"], json!(request.body));
    assert_eq!(told["requestHeaders"]["webhook-signature"], json!(request.headers["webhook-signature"]));
    let webhook = ann.get("/webhooks/1").await.expect(200);
    assert_eq!(
        (&webhook["lastStatus"], &webhook["lastAttemptTime"]),
        (&json!("success"), &json!("2026-01-05T09:00:00.000Z"))
    );
    // A note is no answer, and one answer is told once.
    let note = json!({ "type": "note", "plainBody": "psst" });
    ann.post("/anytime/conversations/1/messages", note).await.expect(201);
    nudge(&desk).await;
    assert_eq!((receiver.requests().len(), deliveries(&ann, 1).await.len()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_event_of_a_conversation_reaches_its_webhook_with_its_payload() {
    let desk = TestDesk::start_with(|config| config.webhook_allow_private = true).await;
    let (ann, receiver) = (desk.as_ann().await, Receiver::start().await);
    for event in ["Created", "AssigneeChanged", "StatusChanged", "Deleted", "StatusStays"] {
        hook(&ann, &format!("anytimeConversation.{event}"), &receiver.url()).await;
    }
    let told = async |count: usize, event: &str| {
        let body = receiver.wait_for(count).await.json();
        assert_eq!(body["event"], json!(format!("anytimeConversation.{event}")));
        assert_eq!(body["payload"]["conversation"]["id"], 1);
        assert_eq!(body["payload"]["contact"]["name"], "Lena");
        body["payload"].clone()
    };
    conversation(&ann).await;
    assert_eq!(told(1, "Created").await["message"]["plainBody"], "Hello");
    ann.put("/anytime/conversations/1", json!({ "agentAssigneeId": 1 })).await.expect(200);
    let assigned = told(2, "AssigneeChanged").await;
    assert_eq!((&assigned["oldAgentAssigneeId"], &assigned["newAgentAssigneeId"]), (&Value::Null, &json!(1)));
    assert!(
        assigned.get("oldDepartmentAssigneeId").is_some()
            && assigned.get("newDepartmentAssigneeId").is_some()
    );
    ann.put("/anytime/conversations/1", json!({ "status": "onHold" })).await.expect(200);
    let moved = told(3, "StatusChanged").await;
    assert_eq!((&moved["oldStatus"], &moved["newStatus"]), (&json!("new"), &json!("onHold")));
    change(&desk, |tx| anytime::desk::webhook_delivery::tell_stay(tx, anytime::ids::ConversationId(1))).await;
    assert_eq!(told(4, "StatusStays").await["conversation"]["status"], "onHold");
    ann.delete("/anytime/conversations/1").await.expect(204);
    assert_eq!(told(5, "Deleted").await["conversation"]["isDeleted"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contacts_reply_is_told_but_an_automatic_one_is_not() {
    let room = Mailroom::open_with(|config| config.webhook_allow_private = true).await;
    let receiver = Receiver::start().await;
    hook(&room.ann, "ticket.ReplyReceived", &receiver.url()).await;
    room.receive(&mail(LENA, DESK, "Broken chain", &["Message-ID: <1@c.example>"], "Help")).await;
    let to_first = "In-Reply-To: <1@c.example>";
    let away = mail(LENA, DESK, "Away", &[to_first, "Auto-Submitted: auto-replied"], "Not here");
    room.receive(&away).await;
    room.receive(&mail(LENA, DESK, "Re: Broken chain", &[to_first], "Hello?")).await;
    let body = receiver.wait_for(1).await.json();
    assert_eq!(body["event"], "anytimeConversation.ReplyReceived");
    assert_eq!(body["payload"]["message"]["plainBody"].as_str().map(str::trim), Some("Hello?"));
    delivery(&room.ann, 1, |delivery| delivery["state"] == "succeeded").await;
    assert_eq!(deliveries(&room.ann, 1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_tried_again_by_the_schedule_with_the_same_id_and_then_given_up() {
    let desk = TestDesk::start_with(|config| config.webhook_allow_private = true).await;
    let (ann, receiver) = (desk.as_ann().await, Receiver::start().await);
    receiver.answer_status(503);
    hook(&ann, EVENT, &receiver.url()).await;
    conversation(&ann).await;
    reply(&ann).await;
    // The second attempt comes at once.
    receiver.wait_for(2).await;
    for (attempt, wait) in [(3, 60), (4, 600), (5, 3600), (6, 86_400), (7, 86_400), (8, 86_400)] {
        let waiting = tried(&desk, &ann, attempt - 1).await;
        assert_eq!((&waiting["state"], &waiting["error"]), (&json!("queued"), &json!("the answer was 503")));
        desk.advance(Duration::from_secs(wait - 1));
        nudge(&desk).await;
        assert_eq!(receiver.requests().len(), attempt - 1, "not before its time");
        desk.advance(Duration::from_secs(1));
        nudge(&desk).await;
        receiver.wait_for(attempt).await;
    }
    let given_up = delivery(&ann, 1, |delivery| delivery["state"] == "failed").await;
    assert_eq!((&given_up["attempts"], &given_up["nextAttemptTime"]), (&json!(8), &Value::Null));
    let requests = receiver.requests();
    assert!(requests.iter().all(|request| request.body == requests[0].body
        && request.headers["webhook-id"] == requests[0].headers["webhook-id"]));
    assert_ne!(requests[7].headers["webhook-timestamp"], requests[0].headers["webhook-timestamp"]);
    assert_eq!(ann.get("/webhooks/1").await.expect(200)["lastStatus"], "failed");
    // Sent again on demand, it begins anew.
    receiver.answer_status(204);
    let path = format!("/webhooks/1/deliveries/{}", given_up["id"]);
    let queued = ann.post(&format!("{path}/replay"), json!({})).await.expect(200);
    assert_eq!((&queued["attempts"], &queued["eventId"]), (&json!(0), &given_up["eventId"]));
    receiver.wait_for(9).await;
    delivery(&ann, 1, |delivery| delivery["state"] == "succeeded").await;
    assert_eq!(ann.get(&path).await.expect(200)["responseStatus"], 204);
    assert_eq!(ann.get("/webhooks/1").await.expect(200)["lastStatus"], "success");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queued_delivery_is_not_replayed_and_a_switched_off_webhook_waits() {
    let desk = TestDesk::start_with(|config| config.webhook_allow_private = true).await;
    let (ann, receiver) = (desk.as_ann().await, Receiver::start().await);
    receiver.answer_status(500);
    hook(&ann, EVENT, &receiver.url()).await;
    conversation(&ann).await;
    reply(&ann).await;
    let waiting = tried(&desk, &ann, 2).await;
    let replay = format!("/webhooks/1/deliveries/{}/replay", waiting["id"]);
    let refused = ann.post(&replay, json!({})).await.error(409);
    assert_eq!(refused, format!("webhook delivery {} is still queued", waiting["id"]));
    ann.put("/webhooks/1", json!({ "isEnabled": false })).await.expect(200);
    desk.advance(Duration::from_secs(3600));
    nudge(&desk).await;
    reply(&ann).await;
    nudge(&desk).await;
    assert_eq!((receiver.requests().len(), deliveries(&ann, 1).await.len()), (2, 1));
    ann.put("/webhooks/1", json!({ "isEnabled": true })).await.expect(200);
    receiver.wait_for(3).await;
    ann.delete("/webhooks/1").await.expect(204);
    assert_eq!(desk.number("SELECT count(*) FROM webhook_delivery"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_is_sent_once_and_told() {
    let desk = TestDesk::start_with(|config| config.webhook_allow_private = true).await;
    let (ann, receiver) = (desk.as_ann().await, Receiver::start().await);
    let secret = hook(&ann, EVENT, &receiver.url()).await["secret"].as_str().unwrap().to_owned();
    let told = ann.post("/webhooks/1/test", json!({})).await.expect(200)["delivery"].clone();
    assert_eq!(
        (&told["state"], &told["isTest"], &told["attempts"]),
        (&json!("succeeded"), &json!(true), &json!(1))
    );
    let request = receiver.wait_for(1).await;
    assert!(is_signed(&request, &secret));
    assert_eq!(request.json()["payload"], json!({ "test": true }));
    receiver.answer_status(404);
    let told = ann.post("/webhooks/1/test", json!({})).await.expect(200)["delivery"].clone();
    assert_eq!((&told["state"], &told["error"]), (&json!("failed"), &json!("the answer was 404")));
    ann.put("/webhooks/1", json!({ "targetUrl": "http://127.0.0.1:1/", "secret": "" })).await.expect(200);
    let told = ann.post("/webhooks/1/test", json!({})).await.expect(200)["delivery"].clone();
    assert!(told["error"].as_str().unwrap().to_lowercase().contains("refused"), "{told}");
    assert!(told["requestHeaders"].get("webhook-signature").is_none(), "unsigned without a secret");
    desk.advance(Duration::from_secs(3600));
    nudge(&desk).await;
    assert_eq!(receiver.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn private_targets_are_refused_when_sending_and_redirects_are_not_followed() {
    let desk = TestDesk::start().await;
    let (ann, receiver) = (desk.as_ann().await, Receiver::start().await);
    hook(&ann, EVENT, "https://example.com/").await;
    let url = receiver.url();
    // As if the address had been allowed once, or the name had been another's.
    change(&desk, move |tx| tx.run("UPDATE webhook SET target_url = ?", [url]).map(|_| ())).await;
    let told = ann.post("/webhooks/1/test", json!({})).await.expect(200)["delivery"].clone();
    assert_eq!(told["error"], "the URL names 127.0.0.1, which is not a public address");
    assert_eq!(receiver.requests().len(), 0);

    let desk = TestDesk::start_with(|config| config.webhook_allow_private = true).await;
    let (ann, target) = (desk.as_ann().await, Receiver::start().await);
    let location = format!("location: {}\r\n", target.url());
    receiver.answer(move |_| (302, location.clone(), String::new()));
    hook(&ann, EVENT, &receiver.url()).await;
    let told = ann.post("/webhooks/1/test", json!({})).await.expect(200)["delivery"].clone();
    assert_eq!((&told["state"], &told["responseStatus"]), (&json!("failed"), &json!(302)));
    assert_eq!((receiver.requests().len(), target.requests().len()), (1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_answer_is_cut() {
    let desk = TestDesk::start_with(|config| config.webhook_allow_private = true).await;
    let (ann, receiver) = (desk.as_ann().await, Receiver::start().await);
    receiver.answer(|_| (200, String::new(), "x".repeat(5 << 20)));
    hook(&ann, EVENT, &receiver.url()).await;
    let told = ann.post("/webhooks/1/test", json!({})).await.expect(200)["delivery"].clone();
    assert_eq!((&told["state"], told["responseBody"].as_str().unwrap().len()), (&json!("succeeded"), 4000));
}

/// Answers that a file passed, failed or is still looked at.
fn say(receiver: &Receiver, result: &'static str) {
    receiver.answer(move |request| {
        let guid = request.json()["payload"]["guid"].clone();
        (200, String::new(), json!({ "guid": guid, "result": result, "message": "" }).to_string())
    });
}

const UPLOADED: &str = "anytimeConversation.FileUploaded";

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_waits_until_its_webhook_lets_it_pass() {
    let desk = TestDesk::start_with(|config| config.webhook_allow_private = true).await;
    let (ann, receiver) = (desk.as_ann().await, Receiver::start().await);
    assert!(
        ann.get(&format!("/attachments/{}", ann.upload("a.txt", b"x").await)).await.expect(200)["isAvailable"]
            == true
    );
    say(&receiver, "delay");
    hook(&ann, UPLOADED, &receiver.url()).await;
    let guid = ann.upload("report.final.pdf", b"%PDF hello").await;
    let path = format!("/attachments/{guid}");
    assert_eq!(ann.get(&path).await.expect(200)["isAvailable"], false);
    ann.get(&format!("{path}/content")).await.error(404);
    let payload = receiver.wait_for(1).await.json()["payload"].clone();
    let url = payload["fileURL"].as_str().unwrap().to_owned();
    assert_eq!(
        payload,
        json!({
            "objectId": null, "guid": guid, "fileName": "report.final.pdf", "fileExtension": "pdf", "fileSize": 10,
            "fileURL": url, "fileLocalPath": null,
        })
    );
    // The link needs no sign-in, is good for this file only, and only while it waits.
    let nobody = desk.as_nobody();
    let bytes = nobody.http.get(&url).send().await.unwrap();
    assert_eq!((bytes.status().as_u16(), bytes.bytes().await.unwrap()), (200, b"%PDF hello"[..].into()));
    nobody.get(&format!("{path}/check?signature=abc")).await.error(401);
    let told = delivery(&ann, 1, |delivery| delivery["state"] == "succeeded").await;
    assert_eq!(told["attempts"], 1);
    assert_eq!(ann.get(&path).await.expect(200)["isAvailable"], false);
    assert_eq!(ann.put(&path, json!({ "isAvailable": true })).await.expect(200)["isAvailable"], true);
    assert_eq!(nobody.http.get(&url).send().await.unwrap().status(), 404);

    say(&receiver, "passed");
    let guid = ann.upload("b.txt", b"y").await;
    let available = async || {
        let found = ann.get(&format!("/attachments/{guid}")).await.expect(200);
        (found["isAvailable"] == true).then_some(())
    };
    eventually("the file to pass", available).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_fails_its_check_is_deleted_and_an_unclear_answer_is_asked_again() {
    let desk = TestDesk::start_with(|config| config.webhook_allow_private = true).await;
    let (ann, receiver) = (desk.as_ann().await, Receiver::start().await);
    hook(&ann, UPLOADED, &receiver.url()).await;
    let guid = ann.upload("virus.exe", b"MZ").await;
    let unclear = tried(&desk, &ann, 2).await;
    assert_eq!(unclear["error"], "the answer has no result passed, failed or delay for this guid");
    receiver.answer(|_| (200, String::new(), json!({ "guid": "other", "result": "passed" }).to_string()));
    desk.advance(Duration::from_secs(60));
    nudge(&desk).await;
    tried(&desk, &ann, 3).await;
    assert_eq!(ann.get(&format!("/attachments/{guid}")).await.expect(200)["isAvailable"], false);
    say(&receiver, "failed");
    desk.advance(Duration::from_secs(600));
    nudge(&desk).await;
    delivery(&ann, 1, |delivery| delivery["state"] == "succeeded").await;
    ann.get(&format!("/attachments/{guid}")).await.error(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_uploader_does_not_judge_the_own_file_and_every_webhook_must_let_it_pass() {
    let desk = TestDesk::start_with(|config| config.webhook_allow_private = true).await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let (first, second) = (Receiver::start().await, Receiver::start().await);
    say(&first, "passed");
    say(&second, "delay");
    hook(&ann, UPLOADED, &first.url()).await;
    hook(&ann, UPLOADED, &second.url()).await;
    let guid = luis.upload("a.txt", b"x").await;
    let path = format!("/attachments/{guid}");
    for id in [1, 2] {
        delivery(&ann, id, |delivery| delivery["state"] == "succeeded").await;
    }
    assert_eq!(luis.get(&path).await.expect(200)["isAvailable"], false);
    let refused = luis.put(&path, json!({ "isAvailable": true })).await.error(403);
    assert_eq!(refused, "you may not decide about files that wait for their check");
    ann.put(&path, json!({ "isAvailable": true })).await.expect(200);
    assert_eq!(luis.get(&path).await.expect(200)["isAvailable"], true);
    let request = luis.request(Method::GET, &format!("{path}/content")).send().await.unwrap();
    assert_eq!(request.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_waits_for_its_files_and_files_that_came_by_mail_wait_too() {
    let room = Mailroom::open_with(|config| config.webhook_allow_private = true).await;
    let receiver = Receiver::start().await;
    say(&receiver, "delay");
    hook(&room.ann, UPLOADED, &receiver.url()).await;
    let mixed = format!(
        "From: {LENA}\r\nTo: {DESK}\r\nSubject: Files\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee file\r\n\
         --b\r\nContent-Type: text/csv; name=\"a.csv\"\r\nContent-Disposition: attachment\r\n\r\n1,2\r\n--b--\r\n"
    );
    room.receive(mixed.as_bytes()).await;
    let payload = receiver.wait_for(1).await.json()["payload"].clone();
    assert_eq!((&payload["objectId"], &payload["fileName"]), (&json!(1), &json!("a.csv")));
    assert_eq!(room.last_message().await["attachments"][0]["isAvailable"], false);
    let account =
        json!({ "smtpServer": "127.0.0.1", "smtpPort": 1, "smtpPassword": "x", "smtpSecurity": "none" });
    room.ann.put(&format!("/anytime/emailAccounts/{}", room.account), account).await.expect(200);
    let guid = room.ann.upload("offer.pdf", b"%PDF").await;
    let reply = json!({ "type": "email", "plainBody": "Here", "attachments": [{ "guid": guid }] });
    room.ann.post("/anytime/conversations/1/messages", reply).await.expect(201);
    receiver.wait_for(2).await;
    delivery(&room.ann, 1, |delivery| delivery["state"] == "succeeded").await;
    nudge(&room.desk).await;
    let mail = async || room.ann.get("/anytime/outgoingMails").await.expect(200)["outgoingMails"][0].clone();
    assert_eq!(mail().await["attempts"], 0);
    room.ann.put(&format!("/attachments/{guid}"), json!({ "isAvailable": true })).await.expect(200);
    eventually("an attempt to send", async || (mail().await["attempts"] != 0).then_some(())).await;
}
