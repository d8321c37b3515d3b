use serde_json::{Value, json};

use crate::support::mail::mail;
use crate::support::mailroom::{DESK, LENA, Mailroom};
use crate::support::scene::{contact, events, noted};
use crate::support::test_desk::TestDesk;

const MERGE: &str = "/anytime/conversations/1/merge";

#[tokio::test]
async fn everything_of_the_source_moves_into_the_target() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let (lena, omar) = (contact(&ann, "lena").await, contact(&ann, "omar").await);
    for name in ["vip", "refund"] {
        ann.post("/tags", json!({ "name": name })).await.expect(201);
    }
    noted(
        &ann,
        "target",
        json!({ "contactId": lena, "priority": "high", "tagIds": [1], "status": "onHold" }),
    )
    .await;
    noted(&ann, "source", json!({ "contactId": omar, "tagIds": [1, 2], "agentAssigneeId": ann.id })).await;
    desk.advance(std::time::Duration::from_secs(60));
    let guid = ann.upload("plan.txt", b"the plan").await;
    let mention = format!("<span data-id={} class=\"athighlight\">@Luis</span> look", luis.id);
    let note = json!({ "type": "note", "htmlBody": mention, "attachments": [{ "guid": guid }] });
    ann.post("/anytime/conversations/2/messages", note).await.expect(201);
    let reply = json!({ "type": "reply", "plainBody": "We look into it." });
    ann.post("/anytime/conversations/2/messages", reply).await.expect(201);
    ann.put("/anytime/conversations/2/draft", json!({ "plainBody": "half an answer" })).await.expect(200);
    ann.put("/anytime/conversations/2/unread", json!({})).await.expect(204);
    let before = ann.get("/anytime/conversations/2/messages").await.expect(200)["messages"].clone();

    let merged = ann.post(MERGE, json!({ "sourceId": 2 })).await.expect(200)["conversation"].clone();
    for (key, value) in [
        ("id", json!(1)),
        ("subject", json!("target")),
        ("contactId", json!(lena)),
        ("priority", json!("high")),
        ("status", json!("onHold")),
        ("agentAssigneeId", Value::Null),
        ("tagIds", json!([1, 2])),
        ("totalReplies", json!(1)),
        ("lastMessage", json!("We look into it.")),
        ("lastRepliedById", json!(ann.id)),
        ("lastRepliedTime", json!("2026-01-05T09:01:00.000Z")),
        ("hasDraft", json!(true)),
        ("isRead", json!(false)),
    ] {
        assert_eq!(merged[key], value, "{key}");
    }
    assert_eq!(merged["mentionedAgents"][0]["agentId"], luis.id);
    let after = ann.get("/anytime/conversations/1/messages").await.expect(200)["messages"].clone();
    let after = after.as_array().unwrap();
    assert_eq!(after.len(), 5);
    for moved in before.as_array().unwrap() {
        let mut expected = moved.clone();
        expected["conversationId"] = json!(1);
        assert!(after.contains(&expected), "id, time and sender stay: {moved}");
    }
    let note = after.last().unwrap();
    assert_eq!((&note["type"], &note["senderType"]), (&json!("note"), &json!("system")));
    assert_eq!(note["plainBody"], "Ann merged conversation #2 “source” into this one.");
    assert_eq!(desk.number("SELECT attachment_bytes FROM conversation WHERE id = 1"), 8);
    let draft = ann.get("/anytime/conversations/1/draft").await.expect(200);
    assert_eq!(draft["conversationDraft"]["plainBody"], "half an answer");
    luis.get("/anytime/conversations/1").await.expect(200);

    ann.get("/anytime/conversations/2").await.error(404);
    let source = ann.get("/anytime/deletedconversations/2?include=messages").await.expect(200);
    let source = &source["deletedconversation"];
    assert_eq!((&source["status"], &source["mergedToTargetId"]), (&json!("closed"), &json!(1)));
    assert_eq!((&source["isDeleted"], &source["messages"]), (&json!(true), &json!([])));
    let error = ann.post("/anytime/deletedconversations/2/restore", json!({})).await.error(409);
    assert_eq!(error, "conversation 2 was merged into conversation 1");
    ann.post("/anytime/conversations/2/messages", json!({ "type": "note", "plainBody": "x" }))
        .await
        .error(409);
    assert_eq!(events(&desk, 1), ["created", "draftSaved", "mergedFrom"]);
    assert_eq!(events(&desk, 2).last().unwrap(), "mergedInto");
}

#[tokio::test]
async fn what_was_merged_already_or_cannot_be_merged_is_named() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    for subject in ["a", "b", "c", "d", "e"] {
        noted(&ann, subject, json!({})).await;
    }
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    noted(&ann, "of sales", json!({ "departmentAssigneeId": 1 })).await;
    ann.post(MERGE, json!({ "ID": 2 })).await.expect(200);
    assert_eq!(desk.number("SELECT count(*) FROM message WHERE sender_type = 'system'"), 1);
    ann.delete("/anytime/conversations/4").await.expect(204);
    for (target, body, status, message) in [
        (1, json!({ "sourceId": 1 }), 400, "'sourceId' is 1, the target itself"),
        (1, json!({ "sourceId": 4 }), 400, "'sourceId' names conversation 4, which is deleted"),
        (4, json!({ "sourceId": 1 }), 400, "'id' names conversation 4, which is deleted"),
        (1, json!({}), 400, "'sourceId' is required"),
        (1, json!({ "sourceId": 3, "id": 5 }), 400, "'id' is 5, but the path names 1 as the target"),
        (1, json!({ "sourceId": 2 }), 409, "conversation 2 was merged into conversation 1"),
        (1, json!({ "sourceId": "x" }), 400, "'sourceId' must be a whole number, not \"x\""),
        (1, json!({ "sourceId": 77 }), 404, "there is no conversation 77"),
        (77, json!({ "sourceId": 1 }), 404, "there is no conversation 77"),
        (3, json!({ "sourceId": 2 }), 409, "conversation 2 was merged into conversation 1"),
        (2, json!({ "sourceId": 3 }), 409, "conversation 2 was merged into conversation 1"),
    ] {
        let answer = ann.post(&format!("/anytime/conversations/{target}/merge"), body.clone()).await;
        assert_eq!(answer.error(status), message, "{target} {body}");
    }
    luis.post(MERGE, json!({ "sourceId": 6 })).await.error(404);
    crate::support::test_desk::change(&desk, |tx| {
        tx.run("INSERT INTO role_permission VALUES (2, 'viewAllConversations')", [])?;
        Ok(())
    })
    .await;
    luis.post(MERGE, json!({ "sourceId": 6 })).await.error(403);
    desk.as_nobody().post(MERGE, json!({ "sourceId": 6 })).await.error(401);
    // What was merged into the source before leads to the new target at once.
    ann.post("/anytime/conversations/3/merge", json!({ "sourceId": 1 })).await.expect(200);
    let found = ann.get("/anytime/deletedconversations/2").await.expect(200);
    assert_eq!(found["deletedconversation"]["mergedToTargetId"], 3);
    // Gone for good together.
    ann.delete("/anytime/conversations/3").await.expect(204);
    ann.delete("/anytime/deletedconversations/3").await.expect(204);
    ann.get("/anytime/deletedconversations/2").await.error(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn later_mail_of_the_source_goes_to_the_target() {
    let room = Mailroom::open().await;
    let ann = &room.ann;
    room.receive(&mail(LENA, DESK, "Broken chain", &["Message-ID: <1@c.example>"], "Help")).await;
    let answer = room.answer().await;
    let other = mail("Omar <omar@customer.example>", DESK, "Another", &["Message-ID: <2@c.example>"], "Hi");
    room.receive(&other).await;
    ann.post("/anytime/conversations/2/merge", json!({ "sourceId": 1 })).await.expect(200);
    let ledger = ann.get("/anytime/inboundMails").await.expect(200)["inboundMails"].clone();
    assert!(ledger.as_array().unwrap().iter().all(|row| row["conversationId"] == 2), "{ledger}");
    for (index, (header, subject)) in [
        (format!("In-Reply-To: <{answer}>"), "Re: Broken chain"),
        ("In-Reply-To: <1@c.example>".to_owned(), "Re: Broken chain"),
        ("X-Nothing: x".to_owned(), "Re: Broken chain [#1]"),
    ]
    .iter()
    .enumerate()
    {
        let id = format!("Message-ID: <again-{index}@c.example>");
        let row = room.receive(&mail(LENA, DESK, subject, &[header, &id], &format!("More {index}"))).await;
        assert_eq!(
            (&row["outcome"], &row["conversationId"]),
            (&json!("appended"), &json!(2)),
            "{header}: {row}"
        );
    }
    assert_eq!(room.conversations().await, 1);
}

#[tokio::test]
async fn the_documents_keys_name_target_and_source() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for subject in ["target", "source", "other"] {
        noted(&ann, subject, json!({})).await;
    }
    let error = ann.post(MERGE, json!({ "id": 3, "sourceId": 2 })).await.error(400);
    assert_eq!(error, "'id' is 3, but the path names 1 as the target");
    ann.post(MERGE, json!({ "id": 1, "sourceId": 2 })).await.expect(200);
    // An earlier document calls the source so.
    ann.post(MERGE, json!({ "id": 3 })).await.expect(200);
    let error = ann.post(MERGE, json!({ "sourceId": 2 })).await.error(409);
    assert_eq!(error, "conversation 2 was merged into conversation 1");
}

#[tokio::test]
async fn a_merge_that_is_sent_again_with_its_key_gets_its_answer_again() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    noted(&ann, "target", json!({})).await;
    noted(&ann, "source", json!({})).await;
    let send = || {
        let request = ann.request(reqwest::Method::POST, MERGE).header("Idempotency-Key", "merge-1");
        ann.send(request.json(&json!({ "sourceId": 2 })))
    };
    let first = send().await.expect(200);
    assert_eq!(send().await.expect(200), first);
}
