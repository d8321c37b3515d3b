use std::time::Duration;

use serde_json::{Value, json};

use crate::support::mail::mail;
use crate::support::mailroom::{DESK, LENA, Mailroom};
use crate::support::scene::{contact, events, noted};
use crate::support::test_desk::TestDesk;

fn ids(list: &Value) -> Vec<i64> {
    let found = list["deletedconversations"].as_array().unwrap();
    found.iter().map(|item| item["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_deleted_conversation_is_in_the_recycle_bin_and_nowhere_else() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let lena = contact(&ann, "lena").await;
    noted(&ann, "kept", json!({})).await;
    noted(&ann, "thrown away", json!({ "contactId": lena, "status": "onHold" })).await;
    ann.delete("/anytime/conversations/2").await.expect(204);
    ann.get("/anytime/conversations/2").await.error(404);
    ann.get("/anytime/conversations/2/messages").await.error(404);
    assert_eq!(ann.get("/anytime/conversations").await.expect(200)["total"], 1);
    let bin = ann.get("/anytime/deletedconversations/?include=contact").await.expect(200);
    assert_eq!((&bin["total"], ids(&bin)), (&json!(1), vec![2]));
    assert_eq!(bin["deletedconversations"][0]["isDeleted"], true);
    assert_eq!(bin["deletedconversations"][0]["contact"]["id"], lena);
    assert_eq!(bin["previousPage"], Value::Null);
    let one = ann.get("/anytime/deletedconversations/2?include=messages").await.expect(200);
    assert_eq!(one["deletedconversation"]["messages"][0]["plainBody"], "hello");
    let thread = ann.get("/anytime/deletedconversations/2/messages?include=sender").await.expect(200);
    assert_eq!(thread["messages"][0]["sender"]["id"], ann.id);
    ann.get("/anytime/deletedconversations/1").await.error(404);
    ann.get("/anytime/deletedconversations/1/messages").await.error(404);
}

#[tokio::test]
async fn what_is_deleted_is_not_changed_until_it_is_restored_as_it_was() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    noted(&ann, "s", json!({ "status": "onHold" })).await;
    ann.delete("/anytime/conversations/1").await.expect(204);
    let sentence = "conversation 1 is deleted; restore it first";
    let note = json!({ "type": "note", "plainBody": "x" });
    for answer in [
        ann.put("/anytime/conversations/1", json!({ "priority": "low" })).await,
        ann.put("/anytime/conversations", json!({ "ids": [1], "priority": "low" })).await,
        ann.post("/anytime/conversations/1/messages", note.clone()).await,
        ann.put("/anytime/conversations/1/read", json!({})).await,
        ann.put("/anytime/conversations/1/unread", json!({})).await,
        ann.delete("/anytime/conversations/1").await,
    ] {
        assert_eq!(answer.error(409), sentence);
    }
    let restored = ann.post("/anytime/deletedconversations/1/restore", json!({})).await.expect(200);
    assert_eq!(restored["conversation"], restored["deletedconversation"]);
    assert_eq!(restored["conversation"]["isDeleted"], false);
    assert_eq!(restored["conversation"]["status"], "onHold");
    ann.post("/anytime/conversations/1/messages", note).await.expect(201);
    assert_eq!(events(&desk, 1), ["created", "deleted", "restored", "noted"]);
    let again = ann.post("/anytime/deletedconversations/1/restore", json!({})).await.error(409);
    assert_eq!(again, "conversation 1 is not deleted");
    ann.post("/anytime/deletedconversations/7/restore", json!({})).await.error(404);
}

#[tokio::test]
async fn the_recycle_bin_is_windowed_and_searched() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let lena = contact(&ann, "lena").await;
    noted(&ann, "old", json!({})).await;
    desk.advance(Duration::from_secs(31 * 24 * 3600));
    noted(&ann, "Broken 100% chain", json!({ "contactId": lena })).await;
    noted(&ann, "Invoice", json!({})).await;
    for id in 1..=3 {
        ann.delete(&format!("/anytime/conversations/{id}")).await.expect(204);
    }
    let found = async |query: &str| {
        ids(&ann.get(&format!("/anytime/deletedconversations?{query}")).await.expect(200))
    };
    assert_eq!(found("").await, [3, 2], "the last 30 days, the newest first");
    assert_eq!(found("timeFrom=2026-01-01").await, [3, 2, 1]);
    assert_eq!(found("timeFrom=2026-01-01&timeTo=2026-01-06").await, [1]);
    assert_eq!(found("keywords=chain").await, [2]);
    assert_eq!(found("keywords=broken%20lena").await, [2], "every word must occur, wherever");
    assert_eq!(found("keywords=100%25").await, [2], "a wildcard means itself");
    assert_eq!(found("keywords=hello").await, [3, 2]);
    assert_eq!(found("keywords=%233").await, [3]);
    assert_eq!(found("keywords=nothing").await, [] as [i64; 0]);
    assert_eq!(found("pageSize=1&pageIndex=2").await, [2]);
    for query in ["timeFrom=soon", "timeFrom=2026-02-02&timeTo=2026-02-01", "pageSize=51"] {
        ann.get(&format!("/anytime/deletedconversations?{query}")).await.error(400);
    }
}

#[tokio::test]
async fn deleting_restoring_and_erasing_need_their_own_permissions() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    noted(&ann, "of sales", json!({ "departmentAssigneeId": 1 })).await;
    noted(&ann, "nobody's", json!({})).await;
    luis.delete("/anytime/conversations/1").await.error(404);
    luis.delete("/anytime/conversations/2").await.expect(204);
    ann.delete("/anytime/conversations/1").await.expect(204);
    assert_eq!(ids(&luis.get("/anytime/deletedconversations").await.expect(200)), [2]);
    luis.get("/anytime/deletedconversations/1").await.error(404);
    luis.post("/anytime/deletedconversations/1/restore", json!({})).await.error(404);
    let error = luis.delete("/anytime/deletedconversations/2").await.error(403);
    assert_eq!(error, "you may not delete conversations permanently");
    // Somebody who only sees it may not bring it back or throw it away.
    crate::support::test_desk::change(&desk, |tx| {
        tx.run("DELETE FROM role_permission WHERE permission = 'manageConversationsWithNoDepartment'", [])?;
        Ok(())
    })
    .await;
    luis.post("/anytime/deletedconversations/2/restore", json!({})).await.error(403);
    ann.post("/anytime/deletedconversations/2/restore", json!({})).await.expect(200);
    luis.delete("/anytime/conversations/2").await.error(403);
    let nobody = desk.as_nobody();
    nobody.get("/anytime/deletedconversations").await.error(401);
    nobody.delete("/anytime/conversations/2").await.error(401);
}

#[tokio::test(flavor = "multi_thread")]
async fn erasing_leaves_nothing_but_a_truthful_ledger() {
    let room = Mailroom::open().await;
    let (desk, ann) = (&room.desk, &room.ann);
    room.receive(&mail(LENA, DESK, "Broken chain", &["Message-ID: <1@c.example>"], "Secret words")).await;
    let guid = ann.upload("plan.txt", b"the plan").await;
    let note = json!({ "type": "note", "plainBody": "see", "attachments": [{ "guid": guid }] });
    ann.post("/anytime/conversations/1/messages", note).await.expect(201);
    room.answer().await;
    let error = ann.delete("/anytime/deletedconversations/1").await.error(409);
    assert_eq!(error, "conversation 1 is not deleted");
    ann.delete("/anytime/conversations/1").await.expect(204);
    ann.delete("/anytime/deletedconversations/1").await.expect(204);
    ann.get("/anytime/deletedconversations/1").await.error(404);
    ann.delete("/anytime/deletedconversations/1").await.error(404);
    ann.get(&format!("/attachments/{guid}")).await.error(404);
    for table in ["conversation", "message", "attachment", "outgoing_mail", "mention"] {
        assert_eq!(desk.number(&["SELECT count(*) FROM ", table].concat()), 0, "{table}");
    }
    assert_eq!(events(desk, 1), ["erased"]);
    let row = ann.get("/anytime/inboundMails").await.expect(200)["inboundMails"][0].clone();
    assert_eq!(row["outcome"], "created");
    assert_eq!(row["reason"], "its conversation was deleted for good");
    assert_eq!(row["conversationId"], Value::Null);
    ann.get(&format!("/anytime/inboundMails/{}/raw", row["id"])).await.error(409);
    ann.post(&format!("/anytime/inboundMails/{}/retry", row["id"]), json!({})).await.error(409);
    assert_eq!(desk.number("SELECT count(*) FROM blob"), 2, "swept a day later");
    desk.advance(Duration::from_secs(25 * 3600));
    desk.app.write(anytime::desk::blob::sweep).await.unwrap();
    assert_eq!(desk.number("SELECT count(*) FROM blob"), 0);
}

#[tokio::test]
async fn a_mention_lets_an_agent_answer_but_not_delete() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let sales = ann.post("/departments", json!({ "name": "Sales" })).await.expect(201)["id"].clone();
    for subject in ["one", "two"] {
        noted(&ann, subject, json!({ "departmentAssigneeId": sales })).await;
    }
    for id in [1, 2] {
        let note = json!({ "type": "note", "plainBody": "look", "mentionedAgentIds": [luis.id] });
        ann.post(&format!("/anytime/conversations/{id}/messages"), note).await.expect(201);
    }
    let shown = luis.get("/anytime/conversations/1").await.expect(200);
    assert_eq!(shown["conversation"]["isEditable"], true);
    luis.put("/anytime/conversations/1", json!({ "subject": "mine" })).await.expect(200);
    let browser = desk.browser();
    browser.sign_in("luis").await;
    let page = browser.get("/console/conversations/1").await;
    page.shows("/console/conversations/1/merge");
    assert!(!page.html.contains("/console/conversations/1/delete"), "{}", page.html);
    let refused = "you may not delete this conversation";
    assert_eq!(luis.delete("/anytime/conversations/1").await.error(403), refused);
    assert_eq!(luis.delete("/anytime/conversations?ids=1,2").await.error(403), refused);
    let merge = luis.post("/anytime/conversations/1/merge", json!({ "sourceId": 2 })).await;
    assert_eq!(merge.error(403), refused);
    ann.delete("/anytime/conversations/1").await.expect(204);
    luis.post("/anytime/deletedconversations/1/restore", json!({})).await.error(403);
    luis.get("/anytime/conversations/2").await.expect(200);
}

#[tokio::test]
async fn includes_stand_beside_their_ids_in_the_recycle_bin() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let sales = ann.post("/departments", json!({ "name": "Sales" })).await.expect(201)["id"].clone();
    let lena = contact(&ann, "lena").await;
    let more = json!({ "contactId": lena, "departmentAssigneeId": sales, "agentAssigneeId": ann.id });
    noted(&ann, "s", more).await;
    ann.post("/anytime/conversations/1/messages", json!({ "type": "reply", "plainBody": "x" }))
        .await
        .expect(201);
    let all = "include=agentAssignee,departmentAssignee,contact,createdBy,lastRepliedBy";
    let list = ann.get(&format!("/anytime/conversations?{all}")).await.expect(200);
    ann.delete("/anytime/conversations/1").await.expect(204);
    let bin = ann.get(&format!("/anytime/deletedconversations?{all}")).await.expect(200);
    let one = ann.get(&format!("/anytime/deletedconversations/1?{all}")).await.expect(200);
    for shown in [&list["conversations"][0], &bin["deletedconversations"][0], &one["deletedconversation"]] {
        assert_eq!(shown["agentAssignee"]["displayName"], "Ann", "{shown}");
        assert_eq!(shown["departmentAssignee"]["name"], "Sales");
        assert_eq!(shown["contact"]["name"], "lena");
        assert_eq!(shown["createdBy"]["displayName"], "Ann");
        assert_eq!(shown["lastRepliedBy"]["displayName"], "Ann");
    }
}
