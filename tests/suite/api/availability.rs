use std::time::Duration;

use serde_json::json;

use crate::support::test_desk::TestDesk;

#[tokio::test]
async fn an_agent_says_whether_they_are_there() {
    let desk = TestDesk::start().await;
    let luis = desk.as_agent("luis").await;
    let before = luis.get("/anytime/agents/me").await.expect(200);
    assert_eq!(
        before,
        json!({ "agent": {
            "id": luis.id, "status": "offline", "ticketStatus": "unavailable", "ongoingConversations": 0,
            "maxConcurrentCount": 20, "isAcceptAllocation": true,
        }})
    );
    let online = luis.put("/anytime/agents/me", json!({ "status": "Online" })).await.expect(200);
    assert_eq!(online["agent"]["ticketStatus"], "available");
    let busy = json!({ "isAcceptAllocation": false });
    let busy = luis.put(&format!("/anytime/agents/{}", luis.id), busy).await.expect(200);
    assert_eq!(
        (&busy["agent"]["status"], &busy["agent"]["ticketStatus"]),
        (&json!("online"), &json!("unavailable"))
    );
    luis.put("/anytime/agents/me", busy["agent"].clone()).await.expect(200);
    luis.put("/anytime/agents/me", json!({ "status": "away", "isAcceptAllocation": true })).await.expect(200);
    let away = desk.as_ann().await.get(&format!("/anytime/agents/{}", luis.id)).await.expect(200);
    assert_eq!(away["agent"]["ticketStatus"], "unavailable");
}

#[tokio::test]
async fn who_shows_no_sign_of_life_is_offline() {
    let desk = TestDesk::start().await;
    let luis = desk.as_agent("luis").await;
    luis.put("/anytime/agents/me", json!({ "status": "online" })).await.expect(200);
    desk.advance(Duration::from_secs(299));
    assert_eq!(luis.get("/anytime/agents/me").await.expect(200)["agent"]["status"], "online");
    desk.advance(Duration::from_secs(1));
    assert_eq!(luis.get("/anytime/agents/me").await.expect(200)["agent"]["status"], "offline");
}

#[tokio::test]
async fn limits_and_other_agents_are_for_who_manages_agents() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    luis.put("/anytime/agents/me", json!({ "maxConcurrentCount": 3 })).await.error(403);
    luis.put("/anytime/agents/1", json!({ "status": "away" })).await.error(403);
    let path = format!("/anytime/agents/{}", luis.id);
    let limited = ann.put(&path, json!({ "maxConcurrentCount": 3 })).await.expect(200);
    assert_eq!(limited["agent"]["maxConcurrentCount"], 3);
    assert_eq!(
        ann.put(&path, json!({ "status": "asleep" })).await.error(400),
        "'status' must be 'online', 'away' or 'offline', not 'asleep'"
    );
    ann.put(&path, json!({ "maxConcurrentCount": -1 })).await.error(400);
    for id in ["9", "x"] {
        ann.get(&format!("/anytime/agents/{id}")).await.error(404);
        ann.put(&format!("/anytime/agents/{id}"), json!({ "status": "away" })).await.error(404);
    }
    desk.as_nobody().get("/anytime/agents/me").await.error(401);
}
