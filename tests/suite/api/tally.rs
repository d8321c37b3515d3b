//! What is tallied is what counting finds, whatever happens to conversations.

use serde_json::json;

use crate::support::scene::{contact, noted};
use crate::support::test_desk::{Client, TestDesk};

const LIST: &str = "/anytime/conversations";
const EVER: &str = "timeFrom=2000-01-01T00:00:00Z";

/// Lines of the tally that counting does not find, and the other way round.
fn wrong_lines(desk: &TestDesk) -> i64 {
    desk.number(
        "WITH told AS (SELECT status, priority, agent_assignee_id, department_assignee_id, conversations FROM tally
           WHERE conversations <> 0),
         counted AS (SELECT status, priority, agent_assignee_id, department_assignee_id, count(*) FROM conversation
           WHERE is_deleted = 0 GROUP BY 1, 2, 3, 4)
         SELECT (SELECT count(*) FROM (SELECT * FROM told EXCEPT SELECT * FROM counted))
           + (SELECT count(*) FROM (SELECT * FROM counted EXCEPT SELECT * FROM told))",
    )
}

/// The total of a list of all time, which must be its length.
async fn total(by: &Client, more: &str) -> i64 {
    let list = by.get(&format!("{LIST}?{EVER}{more}")).await.expect(200);
    let (total, length) = (list["total"].as_i64().unwrap(), list["conversations"].as_array().unwrap().len());
    assert_eq!(total, length as i64, "{more}");
    total
}

#[tokio::test]
async fn a_list_of_all_time_is_as_long_as_it_says_whatever_happened() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let lena = contact(&ann, "lena").await;
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    ann.post("/departments", json!({ "name": "Support", "agents": [luis.id] })).await.expect(201);
    for (priority, department, agent) in [
        ("low", Some(1), None),
        ("urgent", Some(2), None),
        ("urgent", Some(1), Some(luis.id)),
        ("normal", None, Some(ann.id)),
        ("high", Some(1), Some(ann.id)),
        ("high", Some(1), Some(ann.id)),
        ("normal", None, None),
    ] {
        let more = json!({ "priority": priority, "departmentAssigneeId": department, "agentAssigneeId": agent,
            "contactId": lena });
        noted(&ann, "s", more).await;
    }
    let mention = format!("<span data-id={} class=\"athighlight\">@Luis</span> look", luis.id);
    let note = json!({ "type": "note", "htmlBody": mention });
    for mentioned in [3, 5] {
        ann.post(&format!("{LIST}/{mentioned}/messages"), note.clone()).await.expect(201);
    }
    assert_eq!(wrong_lines(&desk), 0, "created");

    // Luis sees his department's, his own, those without a department, and one in which he is mentioned.
    assert_eq!((total(&ann, "").await, total(&luis, "").await), (7, 5));
    let urgent = "&conditions[0][field]=priority&conditions[0][matchType]=is&conditions[0][value]=urgent";
    assert_eq!((total(&ann, urgent).await, total(&luis, urgent).await), (2, 2));
    for filter in 1..=6 {
        total(&ann, &format!("&filterId={filter}")).await;
        total(&luis, &format!("&filterId={filter}")).await;
    }

    ann.put(&format!("{LIST}/1"), json!({ "status": "closed", "priority": "high" })).await.expect(200);
    ann.put(&format!("{LIST}/4"), json!({ "agentAssigneeId": null })).await.expect(200);
    let batch = json!({ "ids": [5, 6], "status": "onHold", "departmentAssigneeId": 2 });
    ann.put(LIST, batch).await.expect(200);
    assert_eq!(wrong_lines(&desk), 0, "changed");
    ann.post(&format!("{LIST}/2/merge"), json!({ "sourceId": 7 })).await.expect(200);
    ann.delete(&format!("{LIST}/1")).await.expect(204);
    ann.delete(&format!("{LIST}/3")).await.expect(204);
    assert_eq!(wrong_lines(&desk), 0, "merged and deleted");
    assert_eq!(total(&ann, "").await, 4);
    ann.post("/anytime/deletedConversations/3/restore", json!({})).await.expect(200);
    ann.delete("/anytime/deletedConversations/1").await.expect(204);
    ann.delete("/departments/2").await.expect(204);
    assert_eq!(wrong_lines(&desk), 0, "restored, erased, and without a department");
    assert_eq!((total(&ann, "").await, total(&luis, "").await), (5, 5));
    let now = ann.get("/anytime/reports/rightNow").await.expect(200);
    assert_eq!(now["openConversations"], 5);
}

#[tokio::test]
async fn the_reports_of_now_are_the_same_by_the_tally_and_by_each_conversation() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (status, priority) in
        [("new", "urgent"), ("onHold", "high"), ("pendingInternal", "low"), ("closed", "high")]
    {
        noted(&ann, "s", json!({ "status": status, "priority": priority })).await;
    }
    let tallied = ann.get("/anytime/reports/rightNow").await.expect(200);
    let each = ann.get("/anytime/reports/rightNow?filterType=channel&filterValue=portal").await.expect(200);
    assert_eq!(tallied, each);
    assert_eq!((&tallied["openConversations"], &tallied["urgentConversations"]), (&json!(3), &json!(1)));
}
