use serde_json::json;

use crate::support::test_desk::TestDesk;

#[tokio::test]
async fn a_tag_is_created_read_renamed_and_deleted() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let created = ann.post("/tags", json!({ "name": " refund " })).await;
    assert_eq!(created.location.as_deref(), Some("/api/v3/tags/1"));
    assert_eq!(created.expect(201), json!({ "id": 1, "name": "refund", "conversationCount": 0 }));
    assert_eq!(ann.get("/tags/1").await.expect(200)["name"], "refund");
    assert_eq!(ann.put("/tags/1", json!({ "name": "Refund" })).await.expect(200)["name"], "Refund");
    ann.delete("/tags/1").await.expect(204);
    assert_eq!(ann.get("/tags/1").await.error(404), "there is no tag 1");
}

#[tokio::test]
async fn tags_are_bare_under_api_v3_and_wrapped_under_anytime() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.post("/tags", json!({ "name": "vip" })).await.expect(201);
    ann.post("/anytime/tags", json!({ "name": "bug" })).await.expect(201);
    let vip = json!({ "id": 1, "name": "vip", "conversationCount": 0 });
    let bug = json!({ "id": 2, "name": "bug", "conversationCount": 0 });
    assert_eq!(ann.get("/tags").await.expect(200), json!([bug, vip]));
    assert_eq!(ann.get("/anytime/tags").await.expect(200), json!({ "tags": [bug, vip] }));
    assert_eq!(ann.get("/anytime/tags/1").await.expect(200), json!({ "tag": vip }));
}

#[tokio::test]
async fn a_tag_name_is_unique_whatever_its_case() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.post("/tags", json!({ "name": "refund" })).await.expect(201);
    let clash = ann.post("/tags", json!({ "name": "REFUND" })).await.error(409);
    assert_eq!(clash, "there is already a tag 'REFUND'");
    ann.post("/tags", json!({ "name": "other" })).await.expect(201);
    ann.put("/tags/2", json!({ "name": "Refund" })).await.error(409);
}

#[tokio::test]
async fn a_tag_name_is_required_short_and_on_one_line() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (body, message) in [
        (json!({}), "'name' is required"),
        (json!({ "name": "  " }), "'name' is required"),
        (json!({ "name": "x".repeat(101) }), "'name' is longer than 100 characters"),
        (json!({ "name": "a\nb" }), "'name' contains control characters"),
        (json!({ "name": ["a"] }), "'name' must be a string, not [\"a\"]"),
        (json!({ "name": "a", "colour": "red" }), "'colour' is not a field of this object"),
    ] {
        assert_eq!(ann.post("/tags", body).await.error(400), message);
    }
    assert_eq!(ann.get("/tags").await.expect(200), json!([]));
}

#[tokio::test]
async fn what_was_read_can_be_sent_back() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let tag = ann.post("/tags", json!({ "name": "refund" })).await.expect(201);
    assert_eq!(ann.put("/tags/1", tag.clone()).await.expect(200), tag);
}

#[tokio::test]
async fn unknown_tags_are_not_found() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for id in ["7", "0", "-1", "x", "99999999999999999999", "%2e%2e"] {
        ann.get(&format!("/tags/{id}")).await.error(404);
        ann.put(&format!("/tags/{id}"), json!({ "name": "a" })).await.error(404);
        ann.delete(&format!("/tags/{id}")).await.error(404);
    }
}

#[tokio::test]
async fn every_agent_reads_tags_but_only_some_change_them() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    ann.post("/tags", json!({ "name": "refund" })).await.expect(201);
    luis.get("/tags").await.expect(200);
    luis.get("/tags/1").await.expect(200);
    assert_eq!(luis.post("/tags", json!({ "name": "x" })).await.error(403), "you may not manage tags");
    luis.put("/tags/1", json!({ "name": "x" })).await.error(403);
    luis.delete("/tags/1").await.error(403);
    desk.as_nobody().get("/tags").await.error(401);
}
