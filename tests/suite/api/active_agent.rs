use std::time::Duration;

use serde_json::json;

use crate::support::scene::noted;
use crate::support::test_desk::TestDesk;

const ACTIVE: &str = "/anytime/conversations/1/activedAgents";

#[tokio::test]
async fn agents_see_who_has_the_conversation_open_and_who_writes() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    noted(&ann, "s", json!({})).await;
    assert_eq!(ann.get(ACTIVE).await.expect(200)["activedAgents"], json!([]));
    ann.put(ACTIVE, json!({})).await.expect(200);
    let both = luis.put(ACTIVE, json!({ "isWriting": true })).await.expect(200)["activedAgents"].clone();
    assert_eq!(both.as_array().unwrap().len(), 2);
    assert_eq!((&both[0]["displayName"], &both[0]["isWriting"]), (&json!("Luis"), &json!(true)));
    assert_eq!((&both[1]["agentId"], &both[1]["isWriting"]), (&json!(ann.id), &json!(false)));
    desk.advance(Duration::from_secs(40));
    ann.put(ACTIVE, json!({})).await.expect(200);
    desk.advance(Duration::from_secs(10));
    let left = ann.get(ACTIVE).await.expect(200)["activedAgents"].clone();
    assert_eq!(left.as_array().unwrap().len(), 1, "who says nothing any more is gone");
    ann.delete(ACTIVE).await.expect(204);
    assert_eq!(ann.get(ACTIVE).await.expect(200)["activedAgents"], json!([]));
}

#[tokio::test]
async fn who_may_not_see_a_conversation_learns_nothing_of_its_readers() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    noted(&ann, "of sales", json!({ "departmentAssigneeId": 1 })).await;
    luis.get(ACTIVE).await.error(404);
    luis.put(ACTIVE, json!({})).await.error(404);
    luis.delete(ACTIVE).await.error(404);
    ann.put(ACTIVE, json!({ "isWriting": "yes" })).await.error(400);
    ann.get("/anytime/conversations/77/activedAgents").await.error(404);
    desk.as_nobody().get(ACTIVE).await.error(401);
}
