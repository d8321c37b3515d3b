use serde_json::{Value, json};

use crate::support::mail::mail;
use crate::support::mailroom::{DESK, LENA, Mailroom};
use crate::support::scene::{events, noted};
use crate::support::test_desk::{TestDesk, change};

#[tokio::test(flavor = "multi_thread")]
async fn messages_split_off_keep_what_they_are_and_answers_follow_them() {
    let room = Mailroom::open().await;
    let (desk, ann) = (&room.desk, &room.ann);
    ann.put("/anytime/emailAccounts/1", json!({ "agentAssigneeId": ann.id })).await.expect(200);
    room.receive(&mail(LENA, DESK, "Broken chain", &["Message-ID: <1@c.example>"], "Help")).await;
    let id = room.answer().await;
    let header = format!("In-Reply-To: <{id}>");
    let second = mail(
        "Omar <omar@customer.example>",
        DESK,
        "An invoice",
        &[&header, "Message-ID: <2@c.example>"],
        "By the way",
    );
    room.receive(&second).await;
    let guid = ann.upload("plan.txt", b"the plan").await;
    let note = json!({ "type": "note", "plainBody": "see", "attachments": [{ "guid": guid }], "mentionedAgentIds": [ann.id] });
    ann.post("/anytime/conversations/1/messages", note).await.expect(201);
    let before = ann.get("/anytime/conversations/1/messages").await.expect(200)["messages"].clone();
    let split = json!({ "messageIds": [before[3]["id"], before[2]["id"]] });
    let new = ann.post("/anytime/conversations/1/split", split).await;
    assert_eq!(new.location.as_deref(), Some("/api/v3/anytime/conversations/2"));
    let new = new.expect(201)["conversation"].clone();
    let omar = before[2]["senderId"].clone();
    for (key, value) in [
        ("subject", json!("An invoice")),
        ("contactId", omar),
        ("channel", json!("email")),
        ("status", json!("new")),
        ("agentAssigneeId", json!(ann.id)),
        ("receivedFrom", json!(DESK)),
        ("totalReplies", json!(0)),
        ("lastMessage", json!("By the way")),
        ("createdById", json!(ann.id)),
    ] {
        assert_eq!(new[key], value, "{key}");
    }
    assert_eq!(new["mentionedAgents"][0]["agentId"], ann.id);
    let moved = ann.get("/anytime/conversations/2/messages").await.expect(200)["messages"].clone();
    assert_eq!(moved[0]["time"], before[2]["time"]);
    assert_eq!(moved[1]["attachments"][0]["guid"], guid);
    let old = ann.get("/anytime/conversations/1?include=messages").await.expect(200)["conversation"].clone();
    assert_eq!(old["messages"].as_array().unwrap().len(), 2);
    assert_eq!((&old["lastMessage"], &old["totalReplies"]), (&json!("We look into it."), &json!(1)));
    assert_eq!(events(desk, 1).last().unwrap(), "splitInto");
    assert_eq!(events(desk, 2), ["splitFrom"]);
    let ledger = ann.get("/anytime/inboundMails").await.expect(200)["inboundMails"].clone();
    assert_eq!(ledger[0]["conversationId"], 2);
    assert_eq!(desk.number("SELECT attachment_bytes FROM conversation WHERE id = 1"), 0);

    let reply = json!({ "type": "email", "plainBody": "Which invoice?" });
    ann.post("/anytime/conversations/2/messages", reply).await.expect(201);
    let sent = ann.get("/anytime/outgoingMails").await.expect(200)["outgoingMails"][0].clone();
    let moving = ann.get("/anytime/conversations/2/messages").await.expect(200)["messages"][2]["id"].clone();
    ann.post(&format!("/anytime/conversations/2/messages/{moving}/move"), json!({ "targetId": 1 }))
        .await
        .expect(200);
    let header = format!("In-Reply-To: <{}>", sent["internetMessageId"].as_str().unwrap());
    let third = mail("Omar <omar@customer.example>", DESK, "Re: An invoice", &[&header], "This one");
    assert_eq!(room.receive(&third).await["conversationId"], 1, "an answer follows the message it answers");
}

#[tokio::test]
async fn a_message_moves_and_both_conversations_say_so() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    for subject in ["a", "b", "deleted"] {
        noted(&ann, subject, json!({})).await;
    }
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    noted(&ann, "of sales", json!({ "departmentAssigneeId": 1 })).await;
    let note = json!({ "type": "note", "plainBody": "wrong place" });
    let id = ann.post("/anytime/conversations/1/messages", note).await.expect(201)["message"]["id"].clone();
    let path = format!("/anytime/conversations/1/messages/{id}/move");
    ann.delete("/anytime/conversations/3").await.expect(204);
    for (body, status, message) in [
        (json!({ "targetId": 1 }), 400, "'targetId' is 1, where the message is already".to_owned()),
        (json!({}), 400, "'targetId' is required".to_owned()),
        (json!({ "targetId": 77 }), 404, "there is no conversation 77".to_owned()),
        (json!({ "targetId": 3 }), 409, "conversation 3 is deleted; restore it first".to_owned()),
    ] {
        assert_eq!(ann.post(&path, body).await.error(status), message);
    }
    luis.post(&path, json!({ "targetId": 4 })).await.error(404);
    ann.post("/anytime/conversations/1/messages/77/move", json!({ "targetId": 2 })).await.error(404);
    let error =
        ann.post("/anytime/conversations/2/messages/2/move", json!({ "targetId": 1 })).await.error(409);
    assert_eq!(error, "nothing would be left of conversation 2; merge it instead");
    let moved = ann.post(&path, json!({ "targetId": 2 })).await.expect(200)["message"].clone();
    assert_eq!((&moved["id"], &moved["conversationId"]), (&id, &json!(2)));
    for conversation in [1, 2] {
        assert_eq!(events(&desk, conversation).last().unwrap(), "messageMoved");
    }
    let log = ann.get("/anytime/conversations/2/eventLogs").await.expect(200)["eventLogs"].clone();
    assert_eq!(log[1]["text"], "Ann moved a message here from conversation 1");
    ann.post(&path, json!({ "targetId": 2 })).await.error(404);
    change(&desk, |tx| {
        tx.run("INSERT INTO role_permission VALUES (2, 'viewAllConversations')", [])?;
        Ok(())
    })
    .await;
    luis.post(&format!("/anytime/conversations/2/messages/{id}/move"), json!({ "targetId": 4 }))
        .await
        .error(403);
    desk.as_nobody().post(&path, json!({ "targetId": 2 })).await.error(401);
}

#[tokio::test]
async fn what_cannot_be_split_off_is_named() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    noted(&ann, "s", json!({ "departmentAssigneeId": 1 })).await;
    ann.post("/anytime/conversations/1/messages", json!({ "type": "note", "plainBody": "two" }))
        .await
        .expect(201);
    let path = "/anytime/conversations/1/split";
    for (body, status, message) in [
        (json!({ "messageIds": [] }), 400, "'messageIds' is empty"),
        (json!({}), 400, "'messageIds' is required"),
        (json!({ "messageIds": [77] }), 400, "'messageIds' names no message 77 of conversation 1"),
        (json!({ "messageIds": [2], "subject": " " }), 400, "'subject' is required"),
        (json!({ "messageIds": [1, 2] }), 409, "nothing would be left of conversation 1; merge it instead"),
    ] {
        assert_eq!(ann.post(path, body).await.error(status), message);
    }
    luis.post(path, json!({ "messageIds": [2] })).await.error(404);
    ann.post("/anytime/conversations/77/split", json!({ "messageIds": [2] })).await.error(404);
    desk.as_nobody().post(path, json!({ "messageIds": [2] })).await.error(401);
    let new =
        ann.post(path, json!({ "messageIds": [2], "subject": "Apart" })).await.expect(201)["conversation"]
            .clone();
    assert_eq!((&new["subject"], &new["contactId"]), (&json!("Apart"), &Value::Null));
}
