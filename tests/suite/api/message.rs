use serde_json::{Value, json};

use crate::support::scene::{account, contact, events, noted};
use crate::support::test_desk::{TestDesk, change};

const MESSAGES: &str = "/anytime/conversations/1/messages";

#[tokio::test]
async fn what_fits_only_a_mail_or_a_note_is_refused_elsewhere() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let lena = contact(&ann, "lena").await;
    account(&ann).await;
    noted(&ann, "s", json!({ "contactId": lena })).await;
    for (more, message) in [
        (json!({ "type": "note", "quote": "x" }), "'quote' is only for messages of type email"),
        (json!({ "type": "note", "cc": "a@b.example" }), "'cc' is only for messages of type email"),
        (json!({ "type": "reply", "to": "a@b.example" }), "'to' is only for messages of type email"),
        (json!({ "type": "reply", "from": "a@b.example" }), "'from' is only for messages of type email"),
        (json!({ "type": "reply", "mentionedAgentIds": [1] }), "'mentionedAgentIds' is only for notes"),
        (
            json!({ "type": "note", "mentionedAgentIds": [99] }),
            "'mentionedAgentIds' there is no active agent 99",
        ),
        (json!({ "type": "note", "source": "chat" }), "'source' has no value 'chat'"),
        (
            json!({ "type": "email", "from": "x@y.example" }),
            "'from' 'x@y.example' is not an enabled e-mail account",
        ),
        (json!({ "type": "email", "to": "nobody" }), "'to' 'nobody' is not an e-mail address"),
        (json!({ "type": "email", "to": "support@desk.example" }), "'to' names only our own addresses"),
    ] {
        let mut body = json!({ "plainBody": "hello" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        assert_eq!(ann.post(MESSAGES, body).await.error(400), message, "{more}");
    }
    let empty = json!({ "type": "note", "plainBody": "x", "quote": "", "cc": "", "to": "", "from": "" });
    ann.post(MESSAGES, empty).await.expect(201);
    let many: Vec<String> = (0..51).map(|n| format!("p{n}@b.example")).collect();
    let body = json!({ "type": "email", "plainBody": "x", "cc": many.join("; ") });
    let error = ann.post(MESSAGES, body).await.error(400);
    assert_eq!(error, "'cc' makes 52 recipients; at most 50 are allowed");
}

#[tokio::test]
async fn an_agent_may_also_mail_a_portal_contact_who_has_an_address() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let lena = contact(&ann, "lena").await;
    account(&ann).await;
    noted(&ann, "Broken chain", json!({ "contactId": lena })).await;
    let nobody = ann.post("/contacts", json!({ "name": "Nobody" })).await.expect(201)["id"].clone();
    noted(&ann, "s", json!({ "contactId": nobody })).await;
    let mail = json!({
        "type": "email", "htmlBody": "<p>Hi</p>", "quote": "<p>you wrote</p>",
        "cc": "omar@customer.example;support@desk.example",
    });
    let sent = ann.post(MESSAGES, mail.clone()).await.expect(201)["message"].clone();
    for (key, value) in [
        ("to", json!("lena@customer.example")),
        ("cc", json!("omar@customer.example")),
        ("from", json!("support@desk.example")),
        ("subject", json!("Broken chain")),
        ("quote", json!("<p>you wrote</p>")),
        ("sendStatus", json!("sending")),
    ] {
        assert_eq!(sent[key], value, "{key}");
    }
    let error = ann.post("/anytime/conversations/2/messages", mail).await.error(400);
    assert_eq!(error, "'to' is missing, and the contact has no e-mail address");
}

#[tokio::test]
async fn mentions_are_read_from_the_text_and_the_body() {
    let desk = TestDesk::start().await;
    let (ann, luis, mia) = (desk.as_ann().await, desk.as_agent("luis").await, desk.as_agent("mia").await);
    noted(&ann, "s", json!({})).await;
    let text = format!(
        "<span data-id={} class=\"athighlight\">@Luis</span> <span data-id='99' class='athighlight'>@X</span>",
        luis.id
    );
    let note = json!({ "type": "note", "htmlBody": text, "mentionedAgentIds": [mia.id] });
    let written = ann.post(MESSAGES, note).await.expect(201)["message"].clone();
    assert_eq!(written["mentionedAgentIds"], json!([luis.id, mia.id]), "unknown marks are passed over");
    luis.put("/anytime/conversations/1/read", json!({})).await.expect(204);
    let mentions = async || {
        let found = ann.get("/anytime/conversations/1").await.expect(200)["conversation"].clone();
        found["mentionedAgents"].clone()
    };
    assert_eq!(mentions().await[0]["isRead"], true);
    assert_eq!(mentions().await[1]["isRead"], false);
    luis.put("/anytime/conversations/1/unread", json!({})).await.expect(204);
    assert_eq!(mentions().await[0]["isRead"], true, "marking as unread does not undo mentions");
}

#[tokio::test]
async fn a_note_is_changed_by_its_writer_only() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let lena = contact(&ann, "lena").await;
    noted(&ann, "s", json!({ "contactId": lena })).await;
    let mention = format!("<span data-id={} class=\"athighlight\">@Luis</span>", luis.id);
    let note = json!({ "type": "note", "htmlBody": mention, "mentionedAgentIds": [ann.id] });
    let id = ann.post(MESSAGES, note).await.expect(201)["message"]["id"].clone();
    let reply = json!({ "type": "reply", "plainBody": "x" });
    let reply = ann.post(MESSAGES, reply).await.expect(201)["message"]["id"].clone();
    let path = format!("{MESSAGES}/{id}");
    let text = json!({ "plainBody": "better" });
    let changed = ann.put(&path, text.clone()).await.expect(200)["message"].clone();
    assert_eq!((&changed["plainBody"], &changed["htmlBody"]), (&json!("better"), &json!("<p>better</p>")));
    assert_eq!(
        changed["mentionedAgentIds"],
        json!([ann.id]),
        "whoever is not marked any more is not mentioned"
    );
    assert_eq!(changed["editedTime"], "2026-01-05T09:00:00.000Z");
    assert_eq!(events(&desk, 1).last().unwrap(), "noteEdited");
    let found = ann.get(&format!("{path}?include=sender")).await.expect(200)["message"].clone();
    assert_eq!((&found["plainBody"], &found["sender"]["id"]), (&json!("better"), &json!(ann.id)));
    let again =
        ann.put(&path, json!({ "plainBody": "best", "mentionedAgentIds": [luis.id] })).await.expect(200);
    assert_eq!(again["message"]["mentionedAgentIds"], json!([luis.id]));
    luis.put(&path, text.clone()).await.error(403);
    ann.put(&format!("{MESSAGES}/{reply}"), text.clone()).await.error(403);
    ann.put(&format!("{MESSAGES}/77"), text.clone()).await.error(404);
    ann.put(&path, json!({ "plainBody": " " })).await.error(400);
    ann.put(&path, json!({ "plainBody": "x", "mentionedAgentIds": [99] })).await.error(400);
    noted(&ann, "other", json!({})).await;
    ann.put(&format!("/anytime/conversations/2/messages/{id}"), text.clone()).await.error(404);
    ann.get(&format!("/anytime/conversations/2/messages/{id}")).await.error(404);
    desk.as_nobody().put(&path, text).await.error(401);
}

#[tokio::test]
async fn a_mail_that_did_not_leave_is_sent_again() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let lena = contact(&ann, "lena").await;
    let account = account(&ann).await;
    noted(&ann, "s", json!({ "contactId": lena })).await;
    let id =
        ann.post(MESSAGES, json!({ "type": "email", "plainBody": "x" })).await.expect(201)["message"]["id"]
            .clone();
    let path = format!("{MESSAGES}/{id}/resend");
    let error = ann.put(&path, json!({})).await.error(409);
    assert_eq!(error, "there is no e-mail account with an SMTP server to send it from");
    let smtp = json!({ "smtpServer": "127.0.0.1", "smtpPort": 9 });
    ann.put(&format!("/anytime/emailAccounts/{account}"), smtp).await.expect(200);
    change(&desk, |tx| {
        tx.run("UPDATE outgoing_mail SET state = 'failed'", [])?;
        tx.run("UPDATE message SET send_status = 'failed' WHERE type = 'email'", [])?;
        Ok(())
    })
    .await;
    let again = luis.put(&path, json!({})).await.expect(200)["message"].clone();
    assert_eq!(again["sendStatus"], "sending");
    assert_eq!(events(&desk, 1).last().unwrap(), "mailResent");
    change(&desk, |tx| {
        tx.run("UPDATE outgoing_mail SET state = 'sent'", [])?;
        Ok(())
    })
    .await;
    ann.put(&path, json!({})).await.error(409);
    let error = ann.put(&format!("{MESSAGES}/1/resend"), json!({})).await.error(409);
    assert_eq!(error, "message 1 is no mail that we sent");
    ann.put(&format!("{MESSAGES}/77/resend"), json!({})).await.error(404);
}

#[tokio::test]
async fn the_last_message_and_the_history_come_along_when_asked_for() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let lena = contact(&ann, "lena").await;
    noted(&ann, "s", json!({ "contactId": lena })).await;
    noted(&ann, "without", json!({})).await;
    ann.post(MESSAGES, json!({ "type": "reply", "plainBody": "We look into it." })).await.expect(201);
    let one = ann.get("/anytime/conversations/1?include=lastMessage,eventLogs").await.expect(200);
    assert_eq!(one["conversation"]["lastMessage"]["plainBody"], "We look into it.");
    assert_eq!(one["conversation"]["eventLogs"][1]["text"], "Ann answered");
    let list =
        ann.get("/anytime/conversations?include=lastMessage&sortBy=lastActivityTime").await.expect(200);
    let found: Vec<&Value> =
        list["conversations"].as_array().unwrap().iter().map(|c| &c["lastMessage"]).collect();
    assert!(found.contains(&&Value::Null), "{found:?}");
    assert!(found.iter().any(|last| last["plainBody"] == "We look into it."), "{found:?}");
    let plain = ann.get("/anytime/conversations/1").await.expect(200);
    assert_eq!(plain["conversation"]["lastMessage"], "We look into it.");
}

#[tokio::test]
async fn a_message_as_it_was_read_can_be_sent_back() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    noted(&ann, "s", json!({})).await;
    let guid = ann.upload("plan.txt", b"the plan").await;
    let note = json!({ "type": "note", "plainBody": "one", "attachments": [{ "guid": guid }] });
    ann.post(MESSAGES, note).await.expect(201);
    let path = format!("{MESSAGES}/2");
    let mut read = ann.get(&format!("{path}?include=sender")).await.expect(200)["message"].clone();
    ann.put(&path, read.clone()).await.expect(200);
    read["htmlBody"] = json!("<p>two</p>");
    read["plainBody"] = json!("two");
    let changed = ann.put(&path, read.clone()).await.expect(200)["message"].clone();
    assert_eq!((&changed["plainBody"], &changed["attachments"]), (&json!("two"), &read["attachments"]));
    read["attachments"] = json!([]);
    assert_eq!(ann.post(MESSAGES, read).await.expect(201)["message"]["plainBody"], "two");
}

#[tokio::test]
async fn a_message_says_something() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    noted(&ann, "s", json!({})).await;
    for html in ["<p></p>", "<p> <br></p>", "<script>x</script>"] {
        let error = ann.post(MESSAGES, json!({ "type": "note", "htmlBody": html })).await.error(400);
        assert_eq!(error, "'htmlBody' has neither text nor a picture that may be shown", "{html}");
    }
    let picture = "<p><img src=\"https://pictures.example/a.png\"></p>";
    ann.post(MESSAGES, json!({ "type": "note", "htmlBody": picture })).await.expect(201);
}
