//! What triggers do (contract 16.2 to 16.6): events, values, mail, order, loops, stays.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::mail::mail;
use crate::support::mailroom::{DESK, LENA, Mailroom};
use crate::support::test_desk::{Client, TestDesk, eventually};

async fn trigger(ann: &Client, event: &str, mut extra: Value) -> i64 {
    extra["triggerEvent"] = json!(event);
    if extra["name"].is_null() {
        extra["name"] = json!(event);
    }
    ann.post("/anytime/triggers", extra).await.expect(201)["trigger"]["id"].as_i64().unwrap()
}

fn set(field: i64, value: &str) -> Value {
    json!({ "type": "SetValue", "fieldId": field, "value": value })
}

async fn contact(ann: &Client, name: &str) -> i64 {
    let identity = json!([{ "type": "email", "value": format!("{}@customer.example", name.to_lowercase()) }]);
    ann.post("/contacts", json!({ "name": name, "identities": identity })).await.expect(201)["id"]
        .as_i64()
        .unwrap()
}

async fn submit(ann: &Client, subject: &str, extra: Value) -> i64 {
    let mut body =
        json!({ "subject": subject, "channel": "portal", "message": { "type": "note", "plainBody": "Hi" } });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    ann.post("/anytime/conversations", body).await.expect(201)["conversation"]["id"].as_i64().unwrap()
}

async fn read(ann: &Client, id: i64) -> Value {
    ann.get(&format!("/anytime/conversations/{id}")).await.expect(200)["conversation"].clone()
}

/// Waits until triggers have read everything that has happened so far.
async fn settled(desk: &TestDesk) {
    eventually("triggers to have read the log", async || {
        let behind = desk.number(
            "SELECT (SELECT max(id) FROM event) - (SELECT event_id FROM cursor WHERE consumer = 'trigger')",
        );
        (behind == 0).then_some(())
    })
    .await;
}

async fn traces(ann: &Client, id: i64) -> Vec<Value> {
    let all = ann.get(&format!("/anytime/conversations/{id}/decisions")).await.expect(200);
    let all = all["decisions"].as_array().unwrap();
    all.iter().filter(|decision| decision["kind"] == "trigger").map(|it| it["trigger"].clone()).collect()
}

async fn mails(ann: &Client) -> Vec<Value> {
    let list = ann.get("/anytime/outgoingMails?pageSize=50").await.expect(200);
    let mut mails: Vec<Value> = list["outgoingMails"].as_array().unwrap().clone();
    mails.reverse();
    mails
}

#[tokio::test]
async fn each_event_starts_its_triggers_and_no_other() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (event, name) in [
        ("conversationCreated", "created"),
        ("conversationReplyIsReceived", "received"),
        ("agentReplied", "replied"),
        ("assigneeIsChanged", "assigned"),
        ("statusIsChanged", "status"),
    ] {
        ann.post("/tags", json!({ "name": name })).await.expect(201);
        trigger(&ann, event, json!({ "actions": [set(16, name)] })).await;
    }
    let tags = ann.get("/tags").await.expect(200);
    let tags = async |id: i64| -> String {
        settled(&desk).await;
        let has = read(&ann, id).await["tagIds"].clone();
        let named =
            tags.as_array().unwrap().iter().filter(|tag| has.as_array().unwrap().contains(&tag["id"]));
        named.map(|tag| tag["name"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
    };
    let lena = contact(&ann, "Lena").await;
    let id = submit(&ann, "Help", json!({ "contactId": lena })).await;
    assert_eq!(tags(id).await, "created");
    let path = format!("/anytime/conversations/{id}");
    let clear = async || {
        ann.put(&path, json!({ "tagIds": [] })).await.expect(200);
    };
    clear().await;
    ann.post(&format!("{path}/messages"), json!({ "type": "note", "plainBody": "n" })).await.expect(201);
    assert_eq!(tags(id).await, "", "a note starts nothing");
    ann.put(&path, json!({ "priority": "low", "subject": "Other" })).await.expect(200);
    assert_eq!(tags(id).await, "");
    ann.put(&path, json!({ "agentAssigneeId": ann.id })).await.expect(200);
    assert_eq!(tags(id).await, "assigned");
    clear().await;
    ann.put(&path, json!({ "status": "onHold" })).await.expect(200);
    assert_eq!(tags(id).await, "status");
    clear().await;
    ann.put(&path, json!({ "status": "onHold", "agentAssigneeId": ann.id })).await.expect(200);
    assert_eq!(tags(id).await, "", "the same again is no change");
    ann.post(&format!("{path}/messages"), json!({ "type": "reply", "plainBody": "Yes" })).await.expect(201);
    assert_eq!(tags(id).await, "replied");
    clear().await;
    let answer = json!({ "contactId": lena, "plainBody": "Thanks" });
    ann.post(&format!("/anytime/portalconversations/{id}/messages"), answer).await.expect(201);
    assert_eq!(tags(id).await, "received status", "the answer also moved the status");
}

#[tokio::test]
async fn a_status_filters_changes_of_status() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    trigger(&ann, "statusIsChanged", json!({ "stayStatus": "closed", "actions": [set(6, "low")] })).await;
    let id = submit(&ann, "a", json!({})).await;
    let path = format!("/anytime/conversations/{id}");
    ann.put(&path, json!({ "status": "onHold" })).await.expect(200);
    settled(&desk).await;
    assert_eq!(read(&ann, id).await["priority"], "normal");
    ann.put(&path, json!({ "status": "closed" })).await.expect(200);
    settled(&desk).await;
    assert_eq!(read(&ann, id).await["priority"], "low");
}

#[tokio::test]
async fn every_allowed_field_can_be_set() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let sales = ann.post("/departments", json!({ "name": "Sales" })).await.expect(201)["id"].clone();
    for name in ["vip", "bug"] {
        ann.post("/tags", json!({ "name": name })).await.expect(201);
    }
    let field = json!({ "name": "Product", "type": "dropdownList", "options": [{ "name": "Chain" }, { "name": "Wheel" }] });
    let field = ann.post("/anytime/fields", field).await.expect(201)["field"]["id"].as_i64().unwrap();
    let actions = json!([
        set(2, "Routed"),
        set(3, &sales.to_string()),
        set(4, &ann.id.to_string()),
        set(5, "resolved"),
        set(6, "1"),
        set(16, "vip"),
        set(field, "wheel"),
    ]);
    trigger(&ann, "conversationCreated", json!({ "actions": actions })).await;
    let id = submit(&ann, "a", json!({ "tagIds": [2] })).await;
    settled(&desk).await;
    let done = read(&ann, id).await;
    assert_eq!(
        (&done["subject"], &done["status"], &done["priority"]),
        (&json!("Routed"), &json!("closed"), &json!("urgent"))
    );
    assert_eq!((&done["departmentAssigneeId"], &done["agentAssigneeId"]), (&sales, &json!(ann.id)));
    assert_eq!(done["tagIds"], json!([1, 2]), "a tag is added to those that are there");
    assert_eq!(done["customFields"][0]["value"], "Wheel");
    // Empty values clear.
    let clearing = json!([set(3, ""), set(4, "0"), set(16, "")]);
    trigger(&ann, "statusIsChanged", json!({ "actions": clearing })).await;
    ann.put(&format!("/anytime/conversations/{id}"), json!({ "status": "new" })).await.expect(200);
    settled(&desk).await;
    let done = read(&ann, id).await;
    assert_eq!(
        (&done["departmentAssigneeId"], &done["agentAssigneeId"], &done["tagIds"]),
        (&json!(null), &json!(null), &json!([]))
    );
}

#[tokio::test]
async fn triggers_run_in_order_and_each_sees_what_the_one_before_set() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let urgent = json!([{ "fieldId": 6, "matchType": "is", "value": "urgent" }]);
    let high = json!([{ "fieldId": 6, "matchType": "is", "value": "high" }]);
    trigger(
        &ann,
        "conversationCreated",
        json!({ "name": "Too early", "conditions": urgent, "actions": [set(2, "wrong")] }),
    )
    .await;
    trigger(
        &ann,
        "conversationCreated",
        json!({ "name": "One", "conditions": high, "actions": [set(6, "urgent")] }),
    )
    .await;
    trigger(
        &ann,
        "conversationCreated",
        json!({ "name": "Two", "conditions": urgent, "actions": [set(2, "Second")] }),
    )
    .await;
    trigger(
        &ann,
        "conversationCreated",
        json!({ "name": "Off", "ifEnable": false, "actions": [set(2, "wrong")] }),
    )
    .await;
    let id = submit(&ann, "First", json!({ "priority": "high" })).await;
    settled(&desk).await;
    let done = read(&ann, id).await;
    assert_eq!((&done["subject"], &done["priority"]), (&json!("Second"), &json!("urgent")));
    let trace = traces(&ann, id).await.remove(0);
    let fired: Vec<(&str, bool)> = trace["triggers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|asked| (asked["name"].as_str().unwrap(), asked["fired"].as_bool().unwrap()))
        .collect();
    assert_eq!(fired, [("Too early", false), ("One", true), ("Two", true)]);
    assert_eq!(trace["triggers"][0]["conditions"][0]["saw"], json!(["2"]));
    assert_eq!(trace["triggers"][2]["conditions"][0]["saw"], json!(["1"]));
}

#[tokio::test]
async fn what_a_trigger_does_starts_no_trigger_and_that_is_written_down() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    trigger(&ann, "conversationCreated", json!({ "name": "Hold", "actions": [set(5, "onHold")] })).await;
    trigger(&ann, "statusIsChanged", json!({ "name": "Loop", "actions": [set(5, "new")] })).await;
    let id = submit(&ann, "a", json!({})).await;
    settled(&desk).await;
    assert_eq!(read(&ann, id).await["status"], "onHold");
    let all = traces(&ann, id).await;
    assert_eq!((all.len(), &all[0]["isStopped"], &all[1]["isStopped"]), (2, &json!(false), &json!(true)));
    let stopped = &all[1]["triggers"][0];
    assert_eq!(
        (&stopped["name"], &stopped["isMatch"], &stopped["fired"]),
        (&json!("Loop"), &json!(true), &json!(false))
    );
    // A person's change starts it.
    ann.put(&format!("/anytime/conversations/{id}"), json!({ "status": "closed" })).await.expect(200);
    settled(&desk).await;
    assert_eq!(read(&ann, id).await["status"], "new");
}

#[tokio::test]
async fn conditions_see_the_conversation_as_the_event_left_it() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let urgent = json!([{ "fieldId": 6, "matchType": "is", "value": "urgent" }]);
    trigger(&ann, "statusIsChanged", json!({ "conditions": urgent, "actions": [set(2, "Was urgent")] }))
        .await;
    let id = submit(&ann, "a", json!({ "priority": "urgent" })).await;
    settled(&desk).await;
    // Both in one transaction: triggers only get to read when the priority has changed again.
    crate::support::test_desk::change(&desk, move |tx| {
        use anytime::desk::code::{Priority, Status};
        use anytime::desk::conversation::{ConversationChange, update};
        let (by, id) = (anytime::desk::Actor::System, anytime::ids::ConversationId(id));
        let hold = ConversationChange { status: Some(Status::OnHold), ..ConversationChange::default() };
        update(tx, &by, id, &hold)?;
        let low = ConversationChange { priority: Some(Priority::Low), ..ConversationChange::default() };
        update(tx, &by, id, &low)
    })
    .await;
    settled(&desk).await;
    let done = read(&ann, id).await;
    assert_eq!((&done["subject"], &done["priority"]), (&json!("Was urgent"), &json!("low")));
}

#[tokio::test]
async fn a_value_whose_target_is_gone_is_skipped_and_the_rest_goes_on() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let luis = desk.create_agent("luis", false).await;
    let actions = json!([set(4, &luis.to_string()), set(6, "high")]);
    trigger(&ann, "conversationCreated", json!({ "actions": actions })).await;
    let before = submit(&ann, "a", json!({})).await;
    settled(&desk).await;
    assert_eq!(read(&ann, before).await["agentAssigneeId"], luis);
    ann.delete(&format!("/agents/{luis}")).await.expect(204);
    let id = submit(&ann, "b", json!({})).await;
    settled(&desk).await;
    let done = read(&ann, id).await;
    assert_eq!((&done["agentAssigneeId"], &done["priority"]), (&json!(null), &json!("high")));
    let trace = traces(&ann, id).await.remove(0);
    assert_eq!(trace["triggers"][0]["skipped"][0]["fieldId"], 4);
}

#[tokio::test]
async fn mail_goes_to_contact_assignee_and_agents_each_in_their_own_time() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (luis, mia) = (desk.create_agent("luis", false).await, desk.create_agent("mia", false).await);
    let zone = json!({ "timeZone": "Asia/Tokyo", "dateTimeFormat": "dd/MM/yyyy HH:mm:ss" });
    ann.put(&format!("/agents/{mia}"), zone).await.expect(200);
    let action = json!({
        "type": "SendEmail", "toContact": true, "toAssignedAgent": true, "agentIds": [mia, luis],
        "subject": "[#{!Conversation.Id}] {!Ticket.Subject}\r\nBcc: evil@x.example",
        "htmlBody": "<p>{!Visitor.Name}: {!conversation.subject}, {!Conversation.Date Created}, {!Agent.First Name}{!Nobody.Knows}</p>",
        "textBody": "{!Contact.Email} / {!Conversation.AgentAssignee} / {!Ticket.product}{!Site.Company} / {!Site.Time}",
    });
    trigger(&ann, "conversationCreated", json!({ "actions": [action] })).await;
    let field = json!({ "name": "Product", "type": "text" });
    ann.post("/anytime/fields", field).await.expect(201);
    let lena = contact(&ann, "Lena").await;
    let subject = "Chain <b>broken</b> & lost";
    let product = json!([{ "name": "Product", "value": "Chain" }]);
    let extra = json!({ "contactId": lena, "agentAssigneeId": luis, "customFields": product });
    let id = submit(&ann, subject, extra).await;
    settled(&desk).await;
    let sent = mails(&ann).await;
    let to: Vec<&str> = sent.iter().map(|mail| mail["recipients"][0]["address"].as_str().unwrap()).collect();
    assert_eq!(to, ["lena@customer.example", "luis@desk.example", "mia@desk.example"]);
    assert_eq!(sent[0]["subject"], format!("[#{id}] {subject} Bcc: evil@x.example"));
    let bodies = desk
        .app
        .read(|s| {
            s.all("SELECT html_body, text_body, is_automatic FROM outgoing_mail ORDER BY id", [], |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, bool>(2)?))
            })
        })
        .unwrap();
    let (html, text, is_automatic) = &bodies[0];
    assert_eq!(
        html,
        "<p>Lena: Chain &lt;b&gt;broken&lt;/b&gt; &amp; lost, 2026-01-05 09:00, {!Nobody.Knows}</p>"
    );
    assert_eq!(text, "lena@customer.example / Luis / Chain / 2026-01-05 09:00");
    assert!(is_automatic);
    assert!(bodies[2].1.ends_with("05/01/2026 18:00:00"), "{}", bodies[2].1);
    // Without the flag there is no message in the thread, only a line in the history.
    let thread = ann.get(&format!("/anytime/conversations/{id}/messages")).await.expect(200);
    assert_eq!(thread["messages"].as_array().unwrap().len(), 1);
    let remark = "SELECT count(*) FROM event WHERE kind = 'automated' AND detail LIKE '%did not mail lena@customer.example: held:%'";
    assert_eq!(desk.number(remark), 1);
}

#[tokio::test]
async fn a_shown_mail_is_a_message_by_the_system_that_counts_as_no_reply() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let guid = ann.upload("terms.txt", b"the terms").await;
    let action = json!({
        "type": "SendEmail", "toContact": true, "subject": "Got it", "textBody": "We got {!Message.Text}",
        "attachments": [{ "guid": guid }],
    });
    let shown = json!({ "ifShownInTicketCorresdence": true, "actions": [action] });
    let id = trigger(&ann, "conversationCreated", shown).await;
    let stored = ann.get(&format!("/anytime/triggers/{id}")).await.expect(200);
    ann.put(&format!("/anytime/triggers/{id}"), stored["trigger"].clone()).await.expect(200);
    let lena = contact(&ann, "Lena").await;
    let about = submit(&ann, "a", json!({ "contactId": lena })).await;
    settled(&desk).await;
    let thread = ann.get(&format!("/anytime/conversations/{about}/messages")).await.expect(200);
    let message = &thread["messages"][1];
    assert_eq!(
        (&message["type"], &message["senderType"], &message["senderId"]),
        (&json!("email"), &json!("system"), &json!(null))
    );
    assert_eq!((&message["to"], &message["subject"]), (&json!("lena@customer.example"), &json!("Got it")));
    assert_eq!(message["attachments"][0]["fileName"], "terms.txt");
    let done = read(&ann, about).await;
    assert_eq!(
        (&done["totalReplies"], &done["lastRepliedTime"], &done["status"]),
        (&json!(0), &json!(null), &json!("new"))
    );
    assert_eq!(desk.number("SELECT count(*) FROM outgoing_attachment"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn automatic_mail_starts_no_mail_to_its_writer_and_answers_find_their_conversation() {
    let room = Mailroom::open().await;
    let ann = &room.ann;
    let action = json!({
        "type": "SendEmail", "toContact": true, "agentIds": [ann.id], "subject": "Re: {!Conversation.Subject}",
        "textBody": "Thank you",
    });
    trigger(ann, "conversationCreated", json!({ "actions": [action] })).await;
    room.receive(&mail(LENA, DESK, "Broken chain", &["Message-ID: <1@c.example>"], "Help")).await;
    settled(&room.desk).await;
    let sent = mails(ann).await;
    assert_eq!(sent.len(), 2);
    let id = sent[0]["internetMessageId"].as_str().unwrap();
    let row = room.receive(&mail(LENA, DESK, "Thanks", &[&format!("In-Reply-To: <{id}>")], "More")).await;
    assert_eq!((&row["outcome"], &row["conversationId"]), (&json!("appended"), &json!(1)));
    let robot =
        mail("Robot <robot@c.example>", DESK, "Out of office", &["Auto-Submitted: auto-replied"], "Away");
    room.receive(&robot).await;
    settled(&room.desk).await;
    let sent = mails(ann).await;
    assert_eq!(sent.len(), 3, "to the agent only");
    assert_eq!(sent[2]["recipients"][0]["address"], "ann@desk.example");
    let trace = traces(ann, 2).await.remove(0);
    let mailed = &trace["triggers"][0]["mails"];
    assert_eq!(mailed[0], json!({ "to": "the contact", "outcome": "what they wrote is an automatic mail" }));
}

#[tokio::test]
async fn an_address_gets_only_its_share_of_automatic_mail() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let action = json!({ "type": "SendEmail", "toContact": true, "subject": "s", "textBody": "b" });
    trigger(&ann, "conversationCreated", json!({ "actions": [action] })).await;
    let lena = contact(&ann, "Lena").await;
    let mut last = 0;
    for _ in 0..8 {
        last = submit(&ann, "a", json!({ "contactId": lena })).await;
    }
    settled(&desk).await;
    assert_eq!(mails(&ann).await.len(), 6);
    let trace = traces(&ann, last).await.remove(0);
    assert_eq!(trace["triggers"][0]["mails"][0]["outcome"], "the address had its share of automatic mail");
    desk.advance(Duration::from_secs(3601));
    submit(&ann, "a", json!({ "contactId": lena })).await;
    settled(&desk).await;
    assert_eq!(mails(&ann).await.len(), 7);
}

/// Runs what the job runs each minute.
async fn stay(desk: &TestDesk) {
    crate::support::test_desk::change(desk, |tx| anytime::desk::trigger::run_due(tx, "http://desk.example"))
        .await;
}

#[tokio::test]
async fn a_stay_of_minutes_or_hours_fires_once_when_it_is_long_enough() {
    for (unit, span, seconds) in [("minutes", 30, 1800), ("hours", 2, 7200)] {
        let desk = TestDesk::start().await;
        let ann = desk.as_ann().await;
        let old = submit(&ann, "from before", json!({})).await;
        desk.advance(Duration::from_secs(1));
        let stays = json!({
            "stayStatus": "new", "stayTimeSpan": span, "stayTimeUnit": unit, "actions": [set(6, "high")],
        });
        trigger(&ann, "staysAtStatusPeriod", stays).await;
        let (id, other) =
            (submit(&ann, "a", json!({})).await, submit(&ann, "b", json!({ "status": "onHold" })).await);
        desk.advance(Duration::from_secs(seconds - 1));
        stay(&desk).await;
        assert_eq!(read(&ann, id).await["priority"], "normal", "{unit}");
        desk.advance(Duration::from_secs(1));
        stay(&desk).await;
        assert_eq!(read(&ann, id).await["priority"], "high", "{unit}");
        assert_eq!(read(&ann, other).await["priority"], "normal", "another status");
        assert_eq!(read(&ann, old).await["priority"], "normal", "the stay began before the trigger did");
        // Once for each stay.
        ann.put(&format!("/anytime/conversations/{id}"), json!({ "priority": "low" })).await.expect(200);
        desk.advance(Duration::from_secs(seconds));
        stay(&desk).await;
        assert_eq!(read(&ann, id).await["priority"], "low", "{unit}");
        for status in ["closed", "new"] {
            ann.put(&format!("/anytime/conversations/{id}"), json!({ "status": status })).await.expect(200);
        }
        desk.advance(Duration::from_secs(seconds));
        stay(&desk).await;
        assert_eq!(read(&ann, id).await["priority"], "high", "a new stay");
    }
}

#[tokio::test]
async fn a_stay_that_several_triggers_wait_for_is_told_to_webhooks_once() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let hook = json!({ "event": "anytimeConversation.StatusStays", "targetUrl": "https://hook.example/" });
    ann.post("/webhooks", hook).await.expect(201);
    for (name, span) in [("short", 30), ("also short", 30), ("long", 60)] {
        let stays = json!({ "name": name, "stayStatus": "new", "stayTimeSpan": span, "stayTimeUnit": "minutes", "actions": [set(6, "high")] });
        trigger(&ann, "staysAtStatusPeriod", stays).await;
    }
    submit(&ann, "a", json!({})).await;
    for _ in 0..3 {
        desk.advance(Duration::from_secs(1800));
        stay(&desk).await;
    }
    assert_eq!(desk.number("SELECT count(*) FROM trigger_stay"), 3);
    assert_eq!(desk.number("SELECT count(*) FROM webhook_delivery"), 1);
}

#[tokio::test]
async fn days_of_a_stay_are_business_days() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let stays = json!({
        "stayStatus": "new", "stayTimeSpan": 1, "stayTimeUnit": "days", "actions": [set(6, "high")],
        "conditions": [{ "fieldId": 2, "matchType": "is", "value": "a" }],
    });
    trigger(&ann, "staysAtStatusPeriod", stays).await;
    // From Monday to Friday, 9 January 2026, 09:00.
    desk.advance(Duration::from_secs(4 * 86_400));
    let (id, unmatched) = (submit(&ann, "a", json!({})).await, submit(&ann, "b", json!({})).await);
    desk.advance(Duration::from_secs(2 * 86_400));
    stay(&desk).await;
    assert_eq!(read(&ann, id).await["priority"], "normal", "Saturday and Sunday do not count");
    desk.advance(Duration::from_secs(86_400));
    stay(&desk).await;
    assert_eq!(read(&ann, id).await["priority"], "high");
    assert_eq!(read(&ann, unmatched).await["priority"], "normal");
    assert_eq!(traces(&ann, unmatched).await.len(), 1, "why not is written down");
}
