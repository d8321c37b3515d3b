use std::time::Duration;

use anytime::desk::conversation::snooze;
use serde_json::{Value, json};

use crate::support::scene::{contact, events, noted};
use crate::support::test_desk::{TestDesk, change};

const SNOOZE: &str = "/anytime/conversations/1/snooze";

#[tokio::test]
async fn a_conversation_is_aside_until_its_time_comes() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    noted(&ann, "s", json!({})).await;
    let aside = ann.put(SNOOZE, json!({ "until": "2026-01-05T10:00:00Z" })).await.expect(200);
    let aside = &aside["conversation"]["snooze"];
    assert_eq!(
        (&aside["until"], &aside["snoozedById"]),
        (&json!("2026-01-05T10:00:00.000Z"), &json!(ann.id))
    );
    assert_eq!(aside["snoozedTime"], "2026-01-05T09:00:00.000Z");
    change(&desk, |tx| snooze::wake_due(tx, 50)).await;
    assert!(ann.get("/anytime/conversations/1").await.expect(200)["conversation"]["snooze"].is_object());
    desk.advance(Duration::from_secs(3600));
    assert!(desk.app.read(|s| snooze::is_due(s, desk.app.now())).unwrap());
    change(&desk, |tx| snooze::wake_due(tx, 50)).await;
    let back = ann.get("/anytime/conversations/1").await.expect(200)["conversation"].clone();
    assert_eq!((&back["snooze"], &back["isRead"]), (&Value::Null, &json!(false)));
    assert_eq!(events(&desk, 1), ["created", "snoozed", "woken"]);
}

#[tokio::test]
async fn a_contact_who_writes_brings_it_back() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let lena = contact(&ann, "lena").await;
    noted(&ann, "s", json!({ "contactId": lena })).await;
    let aside = ann.put(SNOOZE, json!({})).await.expect(200);
    assert_eq!(aside["conversation"]["snooze"]["until"], Value::Null);
    desk.advance(Duration::from_secs(400 * 24 * 3600));
    change(&desk, |tx| snooze::wake_due(tx, 50)).await;
    assert!(ann.get("/anytime/conversations/1").await.expect(200)["conversation"]["snooze"].is_object());
    let reply = json!({ "contactId": lena, "plainBody": "x" });
    ann.post("/anytime/portalconversations/1/messages", reply).await.expect(201);
    assert_eq!(ann.get("/anytime/conversations/1").await.expect(200)["conversation"]["snooze"], Value::Null);
}

#[tokio::test]
async fn putting_aside_is_for_who_may_change_the_conversation() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    noted(&ann, "s", json!({ "departmentAssigneeId": 1 })).await;
    let error = ann.put(SNOOZE, json!({ "until": "2026-01-05T09:00:00Z" })).await.error(400);
    assert_eq!(error, "'until' '2026-01-05T09:00:00.000Z' is not in the future");
    ann.put(SNOOZE, json!({ "until": "soon" })).await.error(400);
    ann.delete(SNOOZE).await.error(409);
    ann.put(SNOOZE, json!({})).await.expect(200);
    ann.put(SNOOZE, json!({ "until": "2026-01-06" })).await.expect(200);
    luis.put(SNOOZE, json!({})).await.error(404);
    luis.delete(SNOOZE).await.error(404);
    change(&desk, |tx| {
        tx.run("INSERT INTO role_permission VALUES (2, 'viewAllConversations')", [])?;
        Ok(())
    })
    .await;
    luis.put(SNOOZE, json!({})).await.error(403);
    luis.delete(SNOOZE).await.error(403);
    ann.delete(SNOOZE).await.expect(204);
    ann.put("/anytime/conversations/77/snooze", json!({})).await.error(404);
    desk.as_nobody().put(SNOOZE, json!({})).await.error(401);
}
