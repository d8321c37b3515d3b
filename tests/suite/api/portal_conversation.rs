use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::scene::{contact, events, noted};
use crate::support::test_desk::{Client, TestDesk, change};

const PORTAL: &str = "/anytime/portalconversations";

async fn submit(ann: &Client, contact: i64, subject: &str) -> Value {
    let new =
        json!({ "subject": subject, "contactId": contact, "message": { "plainBody": "My chain broke" } });
    ann.post(PORTAL, new).await.expect(201)["portalconversation"].clone()
}

fn ids(list: &Value) -> Vec<i64> {
    let found = list["portalconversations"].as_array().unwrap();
    found.iter().map(|item| item["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn a_contact_submits_writes_closes_and_reopens() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let lena = contact(&ann, "lena").await;
    let guid = ann.upload("photo.txt", b"a photo").await;
    let message =
        json!({ "htmlBody": "<p>My chain <script>x</script>broke</p>", "attachments": [{ "guid": guid }] });
    let new = json!({ "subject": "Broken chain", "contactId": lena, "customFields": [], "message": message });
    let created = ann.post(PORTAL, new).await;
    assert_eq!(created.location.as_deref(), Some("/api/v3/anytime/portalconversations/1"));
    let created = created.expect(201)["portalconversation"].clone();
    for (key, value) in [
        ("id", json!(1)),
        ("subject", json!("Broken chain")),
        ("contactId", json!(lena)),
        ("isClosed", json!(false)),
        ("isReaByContact", json!(true)),
        ("isReadByContact", json!(true)),
        ("customFields", json!([])),
        ("createdTime", json!("2026-01-05T09:00:00.000Z")),
        ("closedTime", Value::Null),
        ("status", json!("new")),
        ("priority", json!("normal")),
        ("channel", json!("portal")),
        ("isRead", json!(false)),
        ("lastRepliedTime", json!("2026-01-05T09:00:00.000Z")),
        ("lastMessage", json!("My chain broke")),
        ("totalReplies", json!(0)),
    ] {
        assert_eq!(created[key], value, "{key}");
    }
    let inside =
        ann.get("/anytime/conversations/1?include=messages").await.expect(200)["conversation"].clone();
    assert_eq!((&inside["createdByType"], &inside["createdById"]), (&json!("contact"), &json!(lena)));
    let message = &inside["messages"][0];
    assert_eq!((&message["type"], &message["source"]), (&json!("reply"), &json!("helpDesk")));
    assert_eq!(message["attachments"][0]["fileName"], "photo.txt");

    ann.put("/anytime/conversations/1", json!({ "status": "pendingExternal", "isRead": true }))
        .await
        .expect(200);
    let reply = json!({ "contactId": lena, "plainBody": "It broke again" });
    let reply = ann.post(&format!("{PORTAL}/1/messages"), reply).await.expect(201)["message"].clone();
    assert_eq!((&reply["plainBody"], &reply["senderType"]), (&json!("It broke again"), &json!("contact")));
    let inside = ann.get("/anytime/conversations/1").await.expect(200)["conversation"].clone();
    assert_eq!((&inside["isRead"], &inside["status"]), (&json!(false), &json!("pendingInternal")));
    desk.advance(Duration::from_secs(60));
    let closed = ann.put(&format!("{PORTAL}/1/close"), json!({ "contactId": lena })).await.expect(200);
    let closed = &closed["portalconversation"];
    assert_eq!(
        (&closed["isClosed"], &closed["closedTime"]),
        (&json!(true), &json!("2026-01-05T09:01:00.000Z"))
    );
    let inside = ann.get("/anytime/conversations/1").await.expect(200)["conversation"].clone();
    assert_eq!((&inside["closedByType"], &inside["closedById"]), (&json!("contact"), &json!(lena)));
    let reopened = ann.put(&format!("{PORTAL}/1/reopen?contactId={lena}"), json!({})).await.expect(200);
    assert_eq!(reopened["portalconversation"]["status"], "pendingInternal");
    let again = ann.put(&format!("{PORTAL}/1/reopen?contactId={lena}"), json!({})).await.expect(200);
    assert_eq!(again["portalconversation"], reopened["portalconversation"], "only what is closed reopens");
    assert_eq!(events(&desk, 1).iter().filter(|kind| *kind == "statusChanged").count(), 4);
}

#[tokio::test]
async fn contacts_see_mail_and_portal_but_no_notes_and_nothing_deleted() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (lena, omar) = (contact(&ann, "lena").await, contact(&ann, "omar").await);
    submit(&ann, lena, "first").await;
    submit(&ann, omar, "of omar").await;
    submit(&ann, lena, "deleted").await;
    noted(&ann, "without a contact", json!({})).await;
    ann.delete("/anytime/conversations/3").await.expect(204);
    let write = async |kind: &str, text: &str| {
        let message = json!({ "type": kind, "plainBody": text });
        ann.post("/anytime/conversations/1/messages", message).await.expect(201);
    };
    write("reply", "We look into it.").await;
    write("note", "Strange fellow").await;
    let list = ann.get(&format!("{PORTAL}?contactId={lena}&include=contact")).await.expect(200);
    assert_eq!((ids(&list), &list["total"]), (vec![1], &json!(1)));
    let found = &list["portalconversations"][0];
    assert_eq!(found["lastMessage"], "We look into it.");
    assert_eq!((&found["contact"]["name"], &found["isReadByContact"]), (&json!("lena"), &json!(false)));
    let both = ann.get(&format!("{PORTAL}?contactIds={lena}&contactIds={omar}")).await.expect(200);
    assert_eq!(ids(&both), [2, 1]);
    let thread = ann.get(&format!("{PORTAL}/1/messages?include=sender&contactId={lena}")).await.expect(200);
    let thread = thread["messages"].as_array().unwrap();
    assert_eq!(thread.len(), 2);
    assert_eq!(thread[0]["sender"]["name"], "lena");
    assert_eq!((&thread[1]["senderType"], &thread[1]["sender"]["id"]), (&json!("agent"), &json!(ann.id)));
    let one = ann.get(&format!("{PORTAL}/1?include=messages,contact")).await.expect(200);
    assert_eq!(one["portalconversation"]["messages"].as_array().unwrap().len(), 2);
    assert!(!one.to_string().contains("Strange"), "{one}");
    ann.put(&format!("{PORTAL}/1/read"), json!({ "contactId": lena })).await.expect(204);
    assert_eq!(
        ann.get("/anytime/conversations/1").await.expect(200)["conversation"]["isReadByContact"],
        true
    );
    let bare = ann.request(Method::PUT, &format!("{PORTAL}/1/unread"));
    ann.send(bare).await.expect(204);
    assert_eq!(
        ann.get("/anytime/conversations/1").await.expect(200)["conversation"]["isReaByContact"],
        false
    );
    for path in ["2", "3", "4", "77", "x"] {
        ann.get(&format!("{PORTAL}/{path}?contactId={lena}")).await.error(404);
        ann.get(&format!("{PORTAL}/{path}/messages?contactId={lena}")).await.error(404);
        for verb in ["close", "reopen", "read", "unread"] {
            ann.put(&format!("{PORTAL}/{path}/{verb}"), json!({ "contactId": lena })).await.error(404);
        }
        let reply = json!({ "contactId": lena, "plainBody": "x" });
        ann.post(&format!("{PORTAL}/{path}/messages"), reply).await.error(404);
    }
    // Another contact takes the conversation over: it moves from one portal to the other.
    ann.put("/anytime/conversations/1", json!({ "contactId": omar })).await.expect(200);
    assert_eq!(ids(&ann.get(&format!("{PORTAL}?contactId={lena}")).await.expect(200)), [] as [i64; 0]);
    assert_eq!(ids(&ann.get(&format!("{PORTAL}?contactId={omar}")).await.expect(200)), [2, 1]);
}

#[tokio::test]
async fn a_contacts_list_is_searched_windowed_and_paged() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let lena = contact(&ann, "lena").await;
    submit(&ann, lena, "Broken chain").await;
    desk.advance(Duration::from_secs(200 * 24 * 3600));
    submit(&ann, lena, "Invoice").await;
    let note = json!({ "type": "note", "plainBody": "fraud" });
    ann.post("/anytime/conversations/2/messages", note).await.expect(201);
    let found =
        async |query: &str| ids(&ann.get(&format!("{PORTAL}?contactId={lena}{query}")).await.expect(200));
    assert_eq!(found("").await, [2, 1]);
    assert_eq!(found("&timeFrom=2026-02-01").await, [2]);
    assert_eq!(found("&timeTo=2026-02-01").await, [1]);
    assert_eq!(found("&keywords=CHAIN").await, [2, 1], "the messages say so, too");
    assert_eq!(found("&keywords=broken%20CHAIN").await, [1]);
    assert_eq!(found("&keywords=invoice").await, [2]);
    assert_eq!(found("&keywords=fraud").await, [] as [i64; 0], "notes are not searched");
    assert_eq!(found("&pageIndex=2").await, [] as [i64; 0]);
    for query in [
        "",
        "?contactId=x",
        "?contactId=1&timeFrom=soon",
        "?contactId=1&timeFrom=2026-02-02&timeTo=2026-02-01",
    ] {
        ann.get(&format!("{PORTAL}{query}")).await.error(400);
    }
}

#[tokio::test]
async fn everything_wrong_with_a_contacts_message_is_named() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let lena = contact(&ann, "lena").await;
    submit(&ann, lena, "s").await;
    let message = json!({ "plainBody": "x" });
    for (body, expected) in [
        (json!({ "subject": "s", "message": message }), "'contactId' is required"),
        (json!({ "contactId": lena, "message": message }), "'subject' is required"),
        (json!({ "contactId": lena, "subject": "s" }), "'message' is required"),
        (json!({ "contactId": lena, "subject": " ", "message": message }), "'subject' is required"),
        (
            json!({ "contactId": lena, "subject": "s", "message": {} }),
            "'message.plainBody' or 'htmlBody' is required",
        ),
        (
            json!({ "contactId": 77, "subject": "s", "message": message }),
            "'contactId' there is no contact 77",
        ),
        (
            json!({ "contactId": lena, "subject": "s", "message": { "plainBody": "x", "attachments": [{ "guid": "g" }] } }),
            "'attachments[0].guid' there is no upload 'g' that is yours and unused",
        ),
    ] {
        assert_eq!(ann.post(PORTAL, body.clone()).await.error(400), expected, "{body}");
    }
    let reply = format!("{PORTAL}/1/messages");
    assert_eq!(ann.post(&reply, message).await.error(400), "'contactId' is required");
    ann.post(&reply, json!({ "contactId": lena })).await.error(400);
    let error = ann
        .post(&format!("{reply}?contactId=5"), json!({ "contactId": lena, "plainBody": "x" }))
        .await
        .error(400);
    assert_eq!(error, format!("'contactId' is {lena} in the body, but 5 in the query"));
    ann.put(&format!("{PORTAL}/1/close"), json!({})).await.error(400);
    ann.put(&format!("{PORTAL}/1/reopen"), json!({ "contact": lena })).await.error(400);
    assert_eq!(desk.number("SELECT count(*) FROM message"), 1, "nothing was written");
}

#[tokio::test]
async fn the_key_a_portal_calls_with_opens_no_more_than_it_may() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let lena = contact(&ann, "lena").await;
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    submit(&luis, lena, "nobody's").await;
    submit(&luis, lena, "of sales").await;
    ann.put("/anytime/conversations/2", json!({ "departmentAssigneeId": 1 })).await.expect(200);
    assert_eq!(ids(&luis.get(&format!("{PORTAL}?contactId={lena}")).await.expect(200)), [1]);
    luis.get(&format!("{PORTAL}/2?contactId={lena}")).await.error(404);
    luis.put(&format!("{PORTAL}/2/close"), json!({ "contactId": lena })).await.error(404);
    change(&desk, |tx| {
        tx.run("INSERT INTO role_permission VALUES (2, 'viewAllConversations')", [])?;
        Ok(())
    })
    .await;
    luis.get(&format!("{PORTAL}/2?contactId={lena}")).await.expect(200);
    luis.put(&format!("{PORTAL}/2/close"), json!({ "contactId": lena })).await.error(403);
    luis.put(&format!("{PORTAL}/2/read"), json!({ "contactId": lena })).await.error(403);
    let reply = json!({ "contactId": lena, "plainBody": "x" });
    luis.post(&format!("{PORTAL}/2/messages"), reply).await.error(403);
    desk.as_nobody().get(&format!("{PORTAL}?contactId={lena}")).await.error(401);
}

#[tokio::test]
async fn a_contacts_list_is_narrowed_by_conditions() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (lena, omar) = (contact(&ann, "lena").await, contact(&ann, "omar").await);
    submit(&ann, lena, "Broken chain").await;
    submit(&ann, lena, "Flat tyre").await;
    submit(&ann, omar, "Broken chain of omar").await;
    ann.put("/anytime/conversations/2", json!({ "status": "closed" })).await.expect(200);
    let find = async |conditions: &str| ann.get(&format!("{PORTAL}?contactId={lena}&{conditions}")).await;
    let asks = |at: u32, field: &str, how: &str, value: &str| {
        format!(
            "conditions[{at}][field]={field}&conditions[{at}][matchType]={how}&conditions[{at}][value]={value}"
        )
    };
    let found = find(&asks(0, "subject", "contains", "chain")).await.expect(200);
    assert_eq!((ids(&found), &found["total"]), (vec![1], &json!(1)));
    assert_eq!(ids(&find(&asks(0, "status", "is", "closed")).await.expect(200)), [2]);
    let both = [asks(0, "status", "isNot", "closed"), asks(3, "subject", "contains", "tyre")].join("&");
    assert_eq!(ids(&find(&both).await.expect(200)), [] as [i64; 0]);
    let today = [&asks(0, "createdTime", "after", "2026-01-05"), "&timeZoneOffset=2"].concat();
    find(&today).await.expect(200);
    for (wrong, says) in [
        (asks(4, "colour", "is", "red"), "conditions[4][field]"),
        (asks(0, "subject", "resembles", "chain"), "resembles"),
        ("conditions[0][taste]=sweet".to_owned(), "conditions[0][taste]"),
    ] {
        let message = find(&wrong).await.error(400);
        assert!(message.contains(says), "{message}");
    }
}

#[tokio::test]
async fn the_body_may_repeat_the_conversation_of_the_path_but_name_no_other() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let lena = contact(&ann, "lena").await;
    submit(&ann, lena, "s").await;
    let reply = |id: i64| json!({ "id": id, "contactId": lena, "plainBody": "x" });
    ann.post(&format!("{PORTAL}/1/messages"), reply(1)).await.expect(201);
    let error = ann.post(&format!("{PORTAL}/1/messages"), reply(2)).await.error(400);
    assert_eq!(error, "'id' is 2, but the path names 1");
    for verb in ["close", "reopen"] {
        ann.put(&format!("{PORTAL}/1/{verb}"), json!({ "id": 1, "contactId": lena })).await.expect(200);
        ann.put(&format!("{PORTAL}/1/{verb}"), json!({ "id": 2, "contactId": lena })).await.error(400);
    }
    for verb in ["read", "unread"] {
        ann.put(&format!("{PORTAL}/1/{verb}"), json!({ "id": 1 })).await.expect(204);
        ann.put(&format!("{PORTAL}/1/{verb}"), json!({ "id": 2 })).await.error(400);
    }
}
