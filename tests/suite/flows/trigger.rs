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

#[tokio::test]
async fn a_conversation_causes_only_its_share_of_automatic_mail_whatever_its_addresses() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let action = json!({ "type": "SendEmail", "toContact": true, "subject": "s", "textBody": "b" });
    trigger(&ann, "assigneeIsChanged", json!({ "actions": [action] })).await;
    let id = submit(&ann, "a", json!({})).await;
    let path = format!("/anytime/conversations/{id}");
    for index in 0..14 {
        // A program that answers under an ever new name.
        let robot = contact(&ann, &format!("Robot{index}")).await;
        ann.put(&path, json!({ "contactId": robot })).await.expect(200);
        let agent = if index % 2 == 0 { json!(ann.id) } else { Value::Null };
        ann.put(&path, json!({ "agentAssigneeId": agent })).await.expect(200);
        settled(&desk).await;
    }
    assert_eq!(mails(&ann).await.len(), 12);
    let refused = "the conversation had its share of automatic mail for an hour";
    let trace = traces(&ann, id).await.pop().unwrap();
    assert_eq!(trace["triggers"][0]["mails"][0]["outcome"], refused);
    let log = ann.get(&format!("{path}/eventLogs")).await.expect(200).to_string();
    assert_eq!(log.matches(refused).count(), 2, "{log}");
    desk.advance(Duration::from_secs(3601));
    ann.put(&path, json!({ "agentAssigneeId": ann.id })).await.expect(200);
    settled(&desk).await;
    assert_eq!(mails(&ann).await.len(), 13, "an hour later it goes on");
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

#[tokio::test]
async fn stays_of_what_is_deleted_and_stays_from_before_it_was_switched_on_do_not_count() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let stays = json!({
        "ifEnable": false, "stayStatus": "new", "stayTimeSpan": 30, "stayTimeUnit": "minutes",
        "actions": [set(6, "high")],
    });
    let id = trigger(&ann, "staysAtStatusPeriod", stays).await;
    let before = submit(&ann, "from before", json!({})).await;
    desk.advance(Duration::from_secs(60));
    ann.put(&format!("/anytime/triggers/{id}/enable"), json!({ "isEnable": true })).await.expect(200);
    let (deleted, counts) = (submit(&ann, "a", json!({})).await, submit(&ann, "b", json!({})).await);
    ann.delete(&format!("/anytime/conversations/{deleted}")).await.expect(204);
    desk.advance(Duration::from_secs(1800));
    stay(&desk).await;
    let high = "SELECT count(*) FROM conversation WHERE priority = 2 AND id = ";
    let is_high = |id: i64| desk.number(&format!("{high}{id}"));
    assert_eq!((is_high(before), is_high(deleted), is_high(counts)), (0, 0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_created_is_seen_after_routing_allocation_and_sla_whatever_its_origin() {
    let room = Mailroom::open().await;
    let ann = &room.ann;
    let sales =
        ann.post("/departments", json!({ "name": "Sales", "agents": [ann.id] })).await.expect(201)["id"]
            .clone();
    let simple = json!({ "isEnable": true, "simpleRouteToId": sales, "simpleRouteToPriority": "high" });
    ann.put("/anytime/routingRules/1", simple).await.expect(200);
    ann.put("/anytime/autoAllocation", json!({ "isEnabled": true })).await.expect(200);
    crate::support::test_desk::change(&room.desk, {
        use anytime::desk::availability::{self, AvailabilityChange, Presence};
        let id = anytime::ids::AgentId(ann.id);
        let seen = AvailabilityChange { presence: Some(Presence::Online), ..AvailabilityChange::default() };
        move |tx| availability::update(tx, &anytime::desk::Actor::System, id, &seen)
    })
    .await;
    ann.post("/anytime/slaPolicies", json!({ "name": "P", "firstRespondWithin": 60 })).await.expect(201);
    let conditions = json!([
        { "fieldId": 3, "matchType": "is", "value": sales }, { "fieldId": 4, "matchType": "is", "value": ann.id },
        { "fieldId": 6, "matchType": "is", "value": "high" },
    ]);
    trigger(ann, "conversationCreated", json!({ "conditions": conditions, "actions": [set(2, "Seen")] }))
        .await;
    // By mail, out of the junk, by a contact in the portal, by the API.
    room.receive(&mail(LENA, DESK, "Mail", &[], "x")).await;
    ann.put(
        "/anytime/blockedSenders",
        json!({ "email": "tom@customer.example", "blockType": "blockEmailasJunk" }),
    )
    .await
    .expect(201);
    room.receive(&mail("Tom <tom@customer.example>", DESK, "Junk", &[], "x")).await;
    let junk = ann.get("/anytime/junkEmails").await.expect(200)["junkEmails"][0]["id"].clone();
    ann.post(&format!("/anytime/junkEmails/{junk}/notJunk"), json!({})).await;
    let lena = ann.get("/contacts").await.expect(200)["contacts"][0]["id"].as_i64().unwrap();
    crate::support::scene::submitted(ann, lena, "Portal").await;
    let last = submit(ann, "Api", json!({})).await;
    settled(&room.desk).await;
    assert_eq!(last, 4, "one of each origin");
    for id in 1..=last {
        let seen = read(ann, id).await;
        assert_eq!((&seen["subject"], &seen["agentAssigneeId"]), (&json!("Seen"), &json!(ann.id)), "{seen}");
        assert!(seen["slaPolicyId"].is_i64(), "{seen}");
    }
}

#[tokio::test]
async fn a_change_of_department_alone_and_a_triggers_mail_come_after_what_it_set() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let sales = ann.post("/departments", json!({ "name": "Sales" })).await.expect(201)["id"].clone();
    let action = json!({
        "type": "SendEmail", "agentIds": [ann.id], "subject": "{!Conversation.Priority}", "textBody": "b",
    });
    // The mail stands before the value, and is sent after it all the same.
    trigger(&ann, "assigneeIsChanged", json!({ "actions": [action, set(6, "urgent")] })).await;
    let id = submit(&ann, "a", json!({})).await;
    ann.put(&format!("/anytime/conversations/{id}"), json!({ "departmentAssigneeId": sales }))
        .await
        .expect(200);
    settled(&desk).await;
    assert_eq!(mails(&ann).await[0]["subject"], "urgent");
}

#[tokio::test]
async fn what_a_trigger_does_reaches_webhooks_service_levels_and_the_event_log() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let hook = json!({ "event": "anytimeConversation.StatusChanged", "targetUrl": "https://hook.example/" });
    ann.post("/webhooks", hook).await.expect(201);
    let urgent = json!([{ "fieldId": 6, "matchType": "is", "value": "urgent" }]);
    let policy = json!({ "name": "Urgent", "firstRespondWithin": 15, "conditions": urgent });
    let policy = ann.post("/anytime/slaPolicies", policy).await.expect(201)["slaPolicy"]["id"].clone();
    let actions = json!([set(5, "onHold"), set(6, "urgent")]);
    trigger(&ann, "conversationCreated", json!({ "name": "Hold it", "actions": actions })).await;
    let id = submit(&ann, "a", json!({})).await;
    settled(&desk).await;
    assert_eq!(read(&ann, id).await["slaPolicyId"], policy);
    let log = ann.get(&format!("/anytime/conversations/{id}/eventLogs")).await.expect(200).to_string();
    assert!(2 <= log.matches("Hold it").count(), "each change names its cause: {log}");
    eventually("the webhook to be told", async || {
        (desk.number("SELECT count(*) FROM webhook_delivery WHERE event = 'StatusChanged'") == 1)
            .then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_triggers_mail_leaves_by_the_account_the_conversation_came_to_and_says_it_is_automatic() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let mut accounts = Vec::new();
    for email in ["support@desk.example", "shop@desk.example"] {
        let account =
            json!({ "email": email, "smtpServer": "127.0.0.1", "smtpPort": 9, "smtpSecurity": "none" });
        let made = ann.post("/anytime/emailAccounts", account).await.expect(201);
        accounts.push(made["emailAccount"]["id"].as_i64().unwrap());
    }
    let action = json!({ "type": "SendEmail", "toContact": true, "subject": "s", "textBody": "b" });
    trigger(&ann, "statusIsChanged", json!({ "actions": [action] })).await;
    let lena = contact(&ann, "Lena").await;
    let (shop, none) = (
        submit(&ann, "a", json!({ "contactId": lena })).await,
        submit(&ann, "b", json!({ "contactId": lena })).await,
    );
    crate::support::test_desk::change(&desk, {
        let account = accounts[1];
        move |tx| {
            tx.run("UPDATE conversation SET email_account_id = ? WHERE id = ?", (account, shop)).map(|_| ())
        }
    })
    .await;
    for id in [shop, none] {
        ann.put(&format!("/anytime/conversations/{id}"), json!({ "status": "onHold" })).await.expect(200);
        settled(&desk).await;
    }
    let sent = mails(&ann).await;
    assert_eq!(
        (&sent[0]["from"], &sent[1]["from"]),
        (&json!("shop@desk.example"), &json!("support@desk.example"))
    );
    let first = desk
        .app
        .read(|s| anytime::desk::outgoing_mail::get(s, anytime::ids::OutgoingMailId(1)))
        .unwrap()
        .unwrap();
    let bytes = anytime::jobs::bytes_of_mail(&desk.app, &first).await.unwrap();
    assert!(String::from_utf8_lossy(&bytes).contains("Auto-Submitted: auto-generated"));
}

#[tokio::test]
async fn every_placeholder_of_the_list_is_filled_in() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.put("/agents/me", json!({ "firstName": "Ann", "lastName": "Smith", "title": "Boss" }))
        .await
        .expect(200);
    let sales = ann.post("/departments", json!({ "name": "Sales" })).await.expect(201)["id"].clone();
    ann.post("/tags", json!({ "name": "vip" })).await.expect(201);
    ann.post("/anytime/fields", json!({ "name": "Order No", "type": "text" })).await.expect(201);
    let lena = json!({
        "name": "Lena", "alias": "Leni", "company": "Bikes & Co", "title": "Dr", "phoneNumber": "+49", "city": "Ulm",
        "country": "Germany", "identities": [{ "type": "email", "value": "lena@customer.example" }],
    });
    let lena = ann.post("/contacts", lena).await.expect(201)["id"].clone();
    let names = [
        ("Conversation.Id", "1"),
        ("Conversation.Subject", "Help"),
        ("Conversation.Status", "onHold"),
        ("Conversation.Priority", "low"),
        ("Conversation.Channel", "portal"),
        ("Conversation.Department Assignee", "Sales"),
        ("Conversation.Agent Assignee", "Ann"),
        ("Conversation.Date Created", "2026-01-05 09:00"),
        ("Conversation.Last Activity Time", "2026-01-05 10:00"),
        ("Conversation.Last Status Change Time", "2026-01-05 10:00"),
        ("Conversation.Last Reply Time", "2026-01-05 09:00"),
        ("Conversation.Close Time", ""),
        ("Conversation.Received From", ""),
        ("Conversation.Total Replies", "1"),
        ("Conversation.Tags", "vip"),
        ("Conversation.Last Message", "Two"),
        ("Conversation.Order No", "A-7"),
        ("TICKET.ID", "1"),
        ("Contact.Id", &lena.to_string()),
        ("Contact.Name", "Lena"),
        ("Contact.Alias", "Leni"),
        ("Contact.Email", "lena@customer.example"),
        ("Contact.Company", "Bikes & Co"),
        ("Contact.Title", "Dr"),
        ("Contact.Phone", "+49"),
        ("Contact.City", "Ulm"),
        ("Contact.Country", "Germany"),
        ("visitor.name", "Lena"),
        ("Agent.Id", &ann.id.to_string()),
        ("Agent.Name", "Ann"),
        ("Agent.First Name", "Ann"),
        ("Agent.Last Name", "Smith"),
        ("Agent.Email", "ann@desk.example"),
        ("Agent.Title", "Boss"),
        ("Message.Text", "Two"),
        ("Message.Sender", "Ann"),
        ("Message.Time", "2026-01-05 09:00"),
        ("Site.Time", "2026-01-05 10:00"),
        ("Site.Unknown", "{!Site.Unknown}"),
    ];
    let text: String = names.iter().map(|(name, _)| format!("{name}={{!{name}}}\n")).collect();
    let action = json!({
        "type": "SendEmail", "toContact": true, "subject": "{!Site.Name}",
        "htmlBody": "<p>{!Contact.Company} {!Message.Html} {!Conversation.Portal URL} {!Conversation.Console URL}</p>",
        "textBody": text,
    });
    trigger(&ann, "statusIsChanged", json!({ "actions": [action] })).await;
    let order = json!([{ "name": "Order No", "value": "A-7" }]);
    let extra = json!({
        "contactId": lena, "priority": "low", "tagIds": [1], "departmentAssigneeId": sales,
        "agentAssigneeId": ann.id, "customFields": order,
    });
    let id = submit(&ann, "Help", extra).await;
    let reply = json!({ "type": "reply", "htmlBody": "<b>Two</b>", "plainBody": "Two" });
    ann.post(&format!("/anytime/conversations/{id}/messages"), reply).await.expect(201);
    settled(&desk).await;
    desk.advance(Duration::from_secs(3600));
    ann.put(&format!("/anytime/conversations/{id}"), json!({ "status": "onHold" })).await.expect(200);
    settled(&desk).await;
    let last = "SELECT max(id) FROM outgoing_mail WHERE text_body LIKE 'Conversation.Id=%'";
    let mail = anytime::ids::OutgoingMailId(desk.number(last));
    let mail = desk.app.read(|s| anytime::desk::outgoing_mail::get(s, mail)).unwrap().unwrap();
    let wanted: String = names.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    assert_eq!(mail.text_body.trim(), wanted.trim());
    let html = &mail.html_body;
    assert!(html.contains("Bikes &amp; Co <b>Two</b>"), "escaped, but for the message's own markup: {html}");
    assert!(html.contains("/portal/conversations/1") && html.contains("/console/conversations/1"), "{html}");
}
