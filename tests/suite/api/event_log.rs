use serde_json::json;

use crate::support::scene::{contact, noted};
use crate::support::test_desk::TestDesk;

#[tokio::test]
async fn the_history_tells_in_sentences_what_happened() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let lena = contact(&ann, "lena").await;
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    noted(&ann, "s", json!({ "contactId": lena })).await;
    let path = "/anytime/conversations/1";
    ann.post(&format!("{path}/messages"), json!({ "type": "reply", "plainBody": "x" })).await.expect(201);
    ann.put(path, json!({ "priority": "low", "subject": "t" })).await.expect(200);
    ann.put(path, json!({ "agentAssigneeId": luis.id, "departmentAssigneeId": 1 })).await.expect(200);
    ann.put(path, json!({ "agentAssigneeId": null, "departmentAssigneeId": 0 })).await.expect(200);
    ann.put(path, json!({ "isRead": false })).await.expect(200);
    ann.delete(path).await.expect(204);
    let log = ann.get(&format!("{path}/eventLogs")).await.expect(200)["eventLogs"].clone();
    let texts: Vec<&str> =
        log.as_array().unwrap().iter().map(|entry| entry["text"].as_str().unwrap()).collect();
    assert_eq!(
        texts,
        [
            "Ann opened the conversation",
            "Ann answered",
            "Ann changed the status from new to pendingExternal",
            "Ann changed the subject and the priority",
            "Ann assigned it to Luis and moved it to Sales",
            "Ann assigned it to nobody and took it out of its department",
            "Ann marked the conversation as unread",
            "Ann deleted the conversation",
        ]
    );
    assert_eq!(log[0]["conversationId"], 1);
    assert_eq!(log[0]["time"], "2026-01-05T09:00:00.000Z");
    assert_eq!((&log[0]["actorType"], &log[0]["actorId"]), (&json!("agent"), &json!(ann.id)));
    noted(&ann, "of sales", json!({ "departmentAssigneeId": 1 })).await;
    luis.get("/anytime/conversations/2/eventLogs").await.error(404);
    ann.get("/anytime/conversations/77/eventLogs").await.error(404);
    desk.as_nobody().get(&format!("{path}/eventLogs")).await.error(401);
}

#[tokio::test]
async fn what_a_deleted_agent_or_department_had_open_says_that_it_was_taken_from_them() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    let both = json!({ "agentAssigneeId": luis.id, "departmentAssigneeId": 1 });
    noted(&ann, "open", both.clone()).await;
    noted(&ann, "closed", both).await;
    ann.put("/anytime/conversations/2", json!({ "status": "closed" })).await.expect(200);
    ann.delete(&format!("/agents/{}", luis.id)).await.expect(204);
    ann.delete("/departments/1").await.expect(204);
    let texts = async |id: i64| {
        let log = ann.get(&format!("/anytime/conversations/{id}/eventLogs")).await.expect(200);
        let last = log["eventLogs"].as_array().unwrap().iter().skip(1).map(|entry| entry["text"].clone());
        last.collect::<Vec<_>>()
    };
    assert_eq!(texts(1).await, ["Ann assigned it to nobody", "Ann took it out of its department"]);
    assert_eq!(texts(2).await, ["Ann changed the status from new to closed"]);
    let closed = ann.get("/anytime/conversations/2").await.expect(200)["conversation"].clone();
    assert_eq!(closed["agentAssigneeId"], luis.id);
}
