use serde_json::{Value, json};

use crate::support::mail::mail;
use crate::support::mailroom::{DESK, LENA, Mailroom};
use crate::support::scene::{account, events, noted};
use crate::support::test_desk::TestDesk;

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_passed_on_with_its_files_and_the_contact_does_not_see_it() {
    let room = Mailroom::open().await;
    let (desk, ann) = (&room.desk, &room.ann);
    room.receive(&mail(
        LENA,
        DESK,
        "Broken chain",
        &["Message-ID: <1@c.example>", "Cc: omar@customer.example"],
        "It broke.",
    ))
    .await;
    let guid = ann.upload("plan.txt", b"the plan").await;
    let reply = json!({ "type": "email", "plainBody": "See the plan", "attachments": [{ "guid": guid }] });
    let answer = ann.post("/anytime/conversations/1/messages", reply).await.expect(201)["message"].clone();
    let before = ann.get("/anytime/conversations/1").await.expect(200)["conversation"].clone();
    let own = ann.upload("own.txt", b"own").await;
    let forward = json!({
        "to": "workshop@supplier.example", "plainBody": "Can you mend it?", "attachments": [{ "guid": own }],
    });
    let path = format!("/anytime/conversations/1/messages/{}/forward", answer["id"]);
    let sent = ann.post(&path, forward).await.expect(201)["message"].clone();
    assert_eq!(
        (&sent["subject"], &sent["to"]),
        (&json!("Fwd: Re: Broken chain"), &json!("workshop@supplier.example"))
    );
    assert_eq!((&sent["forwardOfId"], &sent["sendStatus"]), (&answer["id"], &json!("sending")));
    let names: Vec<&Value> =
        sent["attachments"].as_array().unwrap().iter().map(|file| &file["fileName"]).collect();
    assert_eq!(names, ["own.txt", "plan.txt"]);
    assert_ne!(sent["attachments"][1]["guid"], guid, "a file of its own, of the same bytes");
    let quote = sent["quote"].as_str().unwrap();
    for part in [
        "Forwarded message",
        "From: Ann &lt;",
        "support@desk.example",
        "lena@customer.example",
        "See the plan",
    ] {
        assert!(quote.contains(part), "{part}: {quote}");
    }
    let after = ann.get("/anytime/conversations/1").await.expect(200)["conversation"].clone();
    for key in ["status", "lastMessage", "lastRepliedTime", "totalReplies", "isReadByContact"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    assert_eq!(events(desk, 1).last().unwrap(), "forwarded");
    assert_eq!(desk.number("SELECT attachment_bytes FROM conversation"), 11, "the same bytes count once");
    let queued = ann.get("/anytime/outgoingMails").await.expect(200)["outgoingMails"][0].clone();
    assert_eq!(
        desk.number("SELECT count(*) FROM outgoing_mail WHERE in_reply_to IS NULL"),
        1,
        "a new thread for them"
    );

    // What comes back joins, but stays among agents.
    let header = format!("In-Reply-To: <{}>", queued["internetMessageId"].as_str().unwrap());
    let back = mail(
        "Will <workshop@supplier.example>",
        DESK,
        "Re: Fwd: Broken chain",
        &[&header],
        "It costs 500, charge 900",
    );
    assert_eq!(room.receive(&back).await["outcome"], "appended");
    let thread = ann.get("/anytime/conversations/1/messages").await.expect(200)["messages"].clone();
    let last = thread.as_array().unwrap().last().unwrap();
    assert_eq!(last["isThirdParty"], true);
    let lena = after["contactId"].clone();
    let seen = ann
        .get(&format!("/anytime/portalconversations/1?contactId={lena}&include=messages"))
        .await
        .expect(200);
    assert_eq!(seen["portalconversation"]["messages"].as_array().unwrap().len(), 2);
    assert!(!seen.to_string().contains("charge 900") && !seen.to_string().contains("mend it"), "{seen}");
}

#[tokio::test]
async fn what_cannot_be_forwarded_is_named() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    account(&ann).await;
    let nobody = ann.post("/contacts", json!({ "name": "Nobody" })).await.expect(201)["id"].clone();
    noted(&ann, "s", json!({ "contactId": nobody })).await;
    let reply = json!({ "type": "reply", "plainBody": "x" });
    let id = ann.post("/anytime/conversations/1/messages", reply).await.expect(201)["message"]["id"].clone();
    let path = format!("/anytime/conversations/1/messages/{id}/forward");
    let to = json!({ "to": "a@b.example" });
    let error = ann.post("/anytime/conversations/1/messages/1/forward", to.clone()).await.error(409);
    assert_eq!(error, "message 1 is a note: notes stay inside");
    for (body, message) in [
        (json!({}), "'to' is required"),
        (json!({ "to": " " }), "'to' is required"),
        (json!({ "to": "nobody" }), "'to' 'nobody' is not an e-mail address"),
        (json!({ "to": "support@desk.example" }), "'to' names only our own addresses"),
        (json!({ "to": "a@b.example", "source": "chat" }), "'source' has no value 'chat'"),
        (
            json!({ "to": "a@b.example", "sendTime": "soon" }),
            "'sendTime' must be an ISO-8601 time, not 'soon'",
        ),
        (
            json!({ "to": "a@b.example", "allowNewRecipients": false }),
            "'to' has 'a@b.example', to whom nobody has written before",
        ),
    ] {
        assert_eq!(ann.post(&path, body).await.error(400), message);
    }
    let sent = ann.post(&path, to.clone()).await.expect(201)["message"].clone();
    assert_eq!((&sent["plainBody"], &sent["subject"]), (&json!(""), &json!("Fwd: s")));
    ann.post("/anytime/conversations/1/messages/77/forward", to.clone()).await.error(404);
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    ann.put("/anytime/conversations/1", json!({ "departmentAssigneeId": 1 })).await.expect(200);
    luis.post(&path, to.clone()).await.error(404);
    desk.as_nobody().post(&path, to).await.error(401);
}
