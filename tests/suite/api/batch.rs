use reqwest::Method;
use serde_json::{Value, json};

use crate::support::scene::{events, noted};
use crate::support::test_desk::{TestDesk, change};

#[tokio::test]
async fn several_conversations_change_at_once() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for subject in ["a", "b", "c"] {
        noted(&ann, subject, json!({ "agentAssigneeId": ann.id })).await;
    }
    let change =
        json!({ "ids": [2, 1, 2], "status": "closed", "priority": 1, "agentAssigneeId": 0, "isRead": false });
    let changed = ann.put("/anytime/conversations/", change).await.expect(200)["conversations"].clone();
    let changed = changed.as_array().unwrap();
    assert_eq!(changed.iter().map(|item| &item["id"]).collect::<Vec<_>>(), [2, 1]);
    for item in changed {
        assert_eq!((&item["status"], &item["priority"]), (&json!("closed"), &json!("urgent")));
        assert_eq!((&item["agentAssigneeId"], &item["isRead"]), (&Value::Null, &json!(false)));
    }
    assert_eq!(events(&desk, 1), ["created", "updated", "assigneeChanged", "statusChanged", "unread"]);
    assert_eq!(events(&desk, 3), ["created"]);
}

#[tokio::test]
async fn a_batch_is_done_for_all_or_for_none() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    noted(&ann, "nobody's", json!({})).await;
    noted(&ann, "of sales", json!({ "departmentAssigneeId": 1 })).await;
    luis.put("/anytime/conversations", json!({ "ids": [1, 2], "status": "closed" })).await.error(404);
    luis.delete("/anytime/conversations?ids=1,2").await.error(404);
    change(&desk, move |tx| {
        tx.run("INSERT INTO role_permission VALUES (2, 'viewAllConversations')", [])?;
        Ok(())
    })
    .await;
    luis.put("/anytime/conversations", json!({ "ids": [1, 2], "status": "closed" })).await.error(403);
    luis.delete("/anytime/conversations?ids=1&ids=2").await.error(403);
    let list = ann.get("/anytime/conversations").await.expect(200);
    assert_eq!(list["total"], 2);
    assert_eq!(list["conversations"][1]["status"], "new");
    for (body, message) in [
        (json!({ "ids": [], "status": "closed" }), "'ids' is empty: name at least one conversation"),
        (json!({ "status": "closed" }), "'ids' is required"),
        (json!({ "ids": [1], "status": "open" }), "'status' has no value 'open'"),
        (json!({ "ids": [1], "agentAssigneeId": 99 }), "'agentAssigneeId' there is no active agent 99"),
        (json!({ "ids": [1], "subject": "x" }), "'subject' is not a field of this object"),
        (json!({ "ids": ["x"] }), "'ids[0]' must be a whole number, not \"x\""),
        (json!({ "ids": (1..=1001).collect::<Vec<_>>() }), "'ids' names 1001 conversations; at most 1000"),
    ] {
        assert_eq!(ann.put("/anytime/conversations", body).await.error(400), message);
    }
    desk.as_nobody().put("/anytime/conversations", json!({ "ids": [1] })).await.error(401);
}

#[tokio::test]
async fn several_are_deleted_by_body_or_query_but_never_all() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for subject in ["a", "b", "c", "d", "e"] {
        noted(&ann, subject, json!({})).await;
    }
    ann.send(ann.request(Method::DELETE, "/anytime/conversations").json(&json!({ "IDS": [1] })))
        .await
        .expect(204);
    ann.delete("/anytime/conversations/?ids=2&ids=3").await.expect(204);
    ann.delete("/anytime/conversations?ids=4,4").await.expect(204);
    for request in [
        ann.request(Method::DELETE, "/anytime/conversations"),
        ann.request(Method::DELETE, "/anytime/conversations?ids="),
        ann.request(Method::DELETE, "/anytime/conversations?ids=x"),
        ann.request(Method::DELETE, "/anytime/conversations").json(&json!({ "ids": [] })),
        ann.request(Method::DELETE, "/anytime/conversations").body("{"),
    ] {
        ann.send(request).await.error(400);
    }
    ann.delete("/anytime/conversations?ids=5,4").await.error(409);
    assert_eq!(ann.get("/anytime/conversations").await.expect(200)["total"], 1);
}
