use std::time::Duration;

use serde_json::{Value, json};

use crate::support::scene::{contact, events, noted};
use crate::support::test_desk::TestDesk;

const DRAFT: &str = "/anytime/conversations/1/draft";

#[tokio::test]
async fn the_draft_is_saved_shared_and_thrown_away() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    noted(&ann, "s", json!({})).await;
    ann.get(DRAFT).await.error(404);
    let text = json!({
        "subject": "Re: s", "htmlBody": "<p>Hello <script>x</script>Lena</p>", "from": "a@b.example",
        "to": "lena@customer.example, half", "cc": "", "quote": "<p>you wrote</p>",
    });
    let created = ann.post(DRAFT, text).await;
    assert_eq!(created.location.as_deref(), Some("/api/v3/anytime/conversations/1/draft"));
    let created = created.expect(201)["conversationDraft"].clone();
    for (key, value) in [
        ("conversationId", json!(1)),
        ("subject", json!("Re: s")),
        ("htmlBody", json!("<p>Hello Lena</p>")),
        ("plainBody", json!("Hello Lena")),
        ("quote", json!("<p>you wrote</p>")),
        ("to", json!("lena@customer.example, half")),
        ("savedById", json!(ann.id)),
        ("savedTime", json!("2026-01-05T09:00:00.000Z")),
        ("attachments", json!([])),
    ] {
        assert_eq!(created[key], value, "{key}");
    }
    let shown = ann.get("/anytime/conversations/1").await.expect(200)["conversation"].clone();
    assert_eq!((&shown["hasDraft"], &shown["lastRepliedTime"]), (&json!(true), &Value::Null));
    // Sent back whole, by somebody else.
    let saved = luis.put(DRAFT, created.clone()).await.expect(200)["conversationDraft"].clone();
    assert_eq!((&saved["draftId"], &saved["savedById"]), (&created["draftId"], &json!(luis.id)));
    assert_eq!(ann.get(DRAFT).await.expect(200)["conversationDraft"], saved);
    ann.delete(DRAFT).await.expect(204);
    ann.get(DRAFT).await.error(404);
    ann.delete(DRAFT).await.error(404);
    assert_eq!(events(&desk, 1), ["created", "draftSaved", "draftSaved", "draftDeleted"]);
    let shown = ann.get("/anytime/conversations/1").await.expect(200)["conversation"].clone();
    assert_eq!(shown["hasDraft"], false);
}

#[tokio::test]
async fn nothing_typed_is_lost() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    noted(&ann, "s", json!({})).await;
    let save = async |by: &crate::support::test_desk::Client, text: &str| {
        by.put(DRAFT, json!({ "plainBody": text })).await.expect(200);
    };
    save(&ann, "Dear Lena").await;
    save(&ann, "Dear Lena, we are looking into your broken chain.").await;
    save(&ann, "Dear Lena, we are looking into your broken chains.").await;
    assert_eq!(
        ann.get("/anytime/conversations/1/draft/versions").await.expect(200)["draftVersions"],
        json!([])
    );
    desk.advance(Duration::from_secs(5));
    save(&luis, "Something quite different").await;
    save(&luis, "").await;
    ann.delete(DRAFT).await.expect(204);
    let found = ann.get("/anytime/conversations/1/draft/versions").await.expect(200)["draftVersions"].clone();
    let texts: Vec<_> = found.as_array().unwrap().iter().map(|item| item["plainBody"].clone()).collect();
    assert_eq!(texts, ["Something quite different", "Dear Lena, we are looking into your broken chains."]);
    assert_eq!(found[1]["savedById"], ann.id);
    for round in 0..50 {
        save(&ann, &format!("{round} is a wholly new text {round}{round}{round}{round}")).await;
        save(&ann, "").await;
    }
    let found = ann.get("/anytime/conversations/1/draft/versions").await.expect(200)["draftVersions"].clone();
    assert_eq!(found.as_array().unwrap().len(), 20, "but not for ever");
    assert!(found[0]["plainBody"].as_str().unwrap().starts_with("49 is"));
}

#[tokio::test]
async fn an_agents_answer_ends_the_draft_and_a_note_does_not() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let lena = contact(&ann, "lena").await;
    noted(&ann, "s", json!({ "contactId": lena })).await;
    ann.put(DRAFT, json!({ "plainBody": "The answer of Ann" })).await.expect(200);
    let message = |kind: &str, text: &str| json!({ "type": kind, "plainBody": text });
    luis.post("/anytime/conversations/1/messages", message("note", "hm")).await.expect(201);
    ann.get(DRAFT).await.expect(200);
    luis.post("/anytime/conversations/1/messages", message("reply", "The answer of Luis was quicker"))
        .await
        .expect(201);
    ann.get(DRAFT).await.error(404);
    let found = ann.get("/anytime/conversations/1/draft/versions").await.expect(200)["draftVersions"].clone();
    assert_eq!(found[0]["plainBody"], "The answer of Ann", "what was not sent is kept");
    ann.put(DRAFT, json!({ "plainBody": "The second answer" })).await.expect(200);
    ann.post("/anytime/conversations/1/messages", message("reply", "The second answer, sent"))
        .await
        .expect(201);
    let found = ann.get("/anytime/conversations/1/draft/versions").await.expect(200)["draftVersions"].clone();
    assert_eq!(found.as_array().unwrap().len(), 1, "what was sent need not be");
}

#[tokio::test]
async fn files_of_a_draft_outlive_a_day_and_go_with_whoever_sends_it() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let lena = contact(&ann, "lena").await;
    noted(&ann, "s", json!({ "contactId": lena })).await;
    let (kept, dropped) =
        (ann.upload("kept.txt", b"kept").await, ann.upload("dropped.txt", b"dropped").await);
    let files = |guids: &[&String]| {
        let files: Vec<Value> = guids.iter().map(|guid| json!({ "guid": guid })).collect();
        json!({ "plainBody": "see files", "attachments": files })
    };
    let saved = ann.put(DRAFT, files(&[&kept, &dropped])).await.expect(200);
    assert_eq!(saved["conversationDraft"]["attachments"].as_array().unwrap().len(), 2);
    luis.get(&format!("/attachments/{kept}")).await.expect(200);
    let error = ann.put(DRAFT, files(&[&"0".repeat(32)])).await.error(400);
    assert!(error.starts_with("'attachments[0].guid' there is no upload"), "{error}");
    luis.put(DRAFT, files(&[&kept])).await.expect(200);
    assert_eq!(desk.number("SELECT attachment_bytes FROM conversation"), 4);
    desk.advance(Duration::from_secs(25 * 3600));
    desk.app.write(anytime::desk::attachment::sweep).await.unwrap();
    ann.get(&format!("/attachments/{dropped}")).await.error(404);
    let mut reply = files(&[&kept]);
    reply["type"] = json!("reply");
    let sent = luis.post("/anytime/conversations/1/messages", reply).await.expect(201);
    assert_eq!(sent["message"]["attachments"][0]["fileName"], "kept.txt");
    assert_eq!(desk.number("SELECT attachment_bytes FROM conversation"), 4);
    // Another conversation's draft does not give its files away.
    noted(&ann, "other", json!({})).await;
    let guid = ann.upload("x.txt", b"x").await;
    ann.put(DRAFT, files(&[&guid])).await.expect(200);
    ann.put("/anytime/conversations/2/draft", files(&[&guid])).await.error(400);
}

#[tokio::test]
async fn drafts_are_written_by_who_may_change_the_conversation() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    noted(&ann, "of sales", json!({ "departmentAssigneeId": 1 })).await;
    let text = json!({ "plainBody": "x" });
    luis.put(DRAFT, text.clone()).await.error(404);
    luis.get(DRAFT).await.error(404);
    luis.get("/anytime/conversations/1/draft/versions").await.error(404);
    crate::support::test_desk::change(&desk, |tx| {
        tx.run("INSERT INTO role_permission VALUES (2, 'viewAllConversations')", [])?;
        Ok(())
    })
    .await;
    luis.put(DRAFT, text.clone()).await.error(403);
    luis.post(DRAFT, text.clone()).await.error(403);
    ann.put(DRAFT, text.clone()).await.expect(200);
    luis.get(DRAFT).await.expect(200);
    luis.delete(DRAFT).await.error(403);
    ann.put(DRAFT, json!({ "body": "x" })).await.error(400);
    ann.put(DRAFT, json!({ "subject": "x".repeat(401) })).await.error(400);
    ann.delete("/anytime/conversations/1").await.expect(204);
    ann.put(DRAFT, text).await.error(409);
    desk.as_nobody().get(DRAFT).await.error(401);
}

#[tokio::test]
async fn what_an_update_leaves_out_stays_and_null_clears() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    noted(&ann, "s", json!({})).await;
    let guid = ann.upload("plan.txt", b"the plan").await;
    let whole = json!({
        "subject": "Re: s", "plainBody": "one", "quote": "<p>you wrote</p>", "from": "a@b.example",
        "to": "lena@customer.example", "cc": "omar@customer.example", "attachments": [{ "guid": guid }],
    });
    let before = ann.post(DRAFT, whole).await.expect(201)["conversationDraft"].clone();
    let after = ann.put(DRAFT, json!({ "plainBody": "two" })).await.expect(200)["conversationDraft"].clone();
    let mut expected = before.clone();
    expected["plainBody"] = json!("two");
    expected["htmlBody"] = after["htmlBody"].clone();
    assert!(after["htmlBody"].as_str().unwrap().contains("two"), "both forms change together: {after}");
    assert_eq!(after, expected);
    assert_eq!(ann.put(DRAFT, json!({})).await.expect(200)["conversationDraft"], after);
    let cleared = json!({ "subject": null, "cc": "", "quote": null, "plainBody": null, "attachments": null });
    let cleared = ann.put(DRAFT, cleared).await.expect(200)["conversationDraft"].clone();
    for key in ["subject", "cc", "quote", "plainBody", "htmlBody"] {
        assert_eq!(cleared[key], "", "{key}");
    }
    assert_eq!(cleared["attachments"], json!([]));
    assert_eq!(cleared["to"], "lena@customer.example");
    // A new one has nothing of the old one.
    let fresh = ann.post(DRAFT, json!({ "plainBody": "three" })).await.expect(201);
    assert_eq!(fresh["conversationDraft"]["to"], "");
}
