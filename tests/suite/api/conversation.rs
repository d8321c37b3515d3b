use std::time::Duration;

use serde_json::{Value, json};

use crate::support::scene::{contact, noted};
use crate::support::test_desk::TestDesk;

fn subjects(list: &Value) -> Vec<&str> {
    list["conversations"].as_array().unwrap().iter().map(|item| item["subject"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_conversation_is_created_with_its_first_message() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let lena = contact(&ann, "lena").await;
    ann.post("/tags", json!({ "name": "vip" })).await.expect(201);
    let new = json!({
        "subject": "Broken chain", "channel": "portal", "contactId": lena, "agentAssigneeId": ann.id,
        "priority": "HIGH", "status": 2, "tagIds": [1],
        "message": { "type": "reply", "htmlBody": "<p>Hello <b>Lena</b><script>x</script></p>", "source": "agentConsole" },
    });
    let created = ann.post("/anytime/conversations", new).await;
    assert_eq!(created.location.as_deref(), Some("/api/v3/anytime/conversations/1"));
    let created = created.expect(201)["conversation"].clone();
    for (key, value) in [
        ("subject", json!("Broken chain")),
        ("channel", json!("portal")),
        ("priority", json!("high")),
        ("status", json!("pendingInternal")),
        ("contactId", json!(lena)),
        ("agentAssigneeId", json!(ann.id)),
        ("departmentAssigneeId", Value::Null),
        ("tagIds", json!([1])),
        ("isRead", json!(true)),
        ("isReadByContact", json!(false)),
        ("isReaByContact", json!(false)),
        ("createdByType", json!("agent")),
        ("createdTime", json!("2026-01-05T09:00:00.000Z")),
        ("lastRepliedTime", json!("2026-01-05T09:00:00.000Z")),
        ("closedTime", Value::Null),
        ("totalReplies", json!(0)),
        ("lastMessage", json!("Hello Lena")),
        ("isEditable", json!(true)),
        ("customFields", json!([])),
    ] {
        assert_eq!(created[key], value, "{key}");
    }
    let messages =
        ann.get("/anytime/conversations/1/messages?include=sender").await.expect(200)["messages"].clone();
    assert_eq!(messages[0]["htmlBody"], "<p>Hello <b>Lena</b></p>");
    assert_eq!(messages[0]["plainBody"], "Hello Lena");
    assert_eq!(messages[0]["source"], "agentConsole");
    assert_eq!(messages[0]["sender"]["email"], "ann@desk.example");
    assert_eq!(ann.get("/tags/1").await.expect(200)["conversationCount"], 1);
}

#[tokio::test]
async fn everything_wrong_with_a_new_conversation_is_named() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let note = json!({ "type": "note", "plainBody": "x" });
    for (body, message) in [
        (json!({ "channel": "portal", "message": note }), "'subject' is required"),
        (json!({ "subject": "s", "message": note }), "'channel' is required"),
        (json!({ "subject": "s", "channel": "portal" }), "'message' is required"),
        (json!({ "subject": "s", "channel": "portal", "message": {} }), "'message.type' is required"),
        (json!({ "subject": "s", "channel": "fax", "message": note }), "'channel' has no value 'fax'"),
        (json!({ "subject": "s", "channel": "chat", "message": note }), "'channel' 'chat' is reserved"),
        (
            json!({ "subject": "s", "channel": "portal", "status": "open", "message": note }),
            "'status' has no value 'open'",
        ),
        (
            json!({ "subject": "s", "channel": "portal", "priority": 9, "message": note }),
            "'priority' has no value '9'",
        ),
        (
            json!({ "subject": "s", "channel": "portal", "contactId": 77, "message": note }),
            "'contactId' there is no contact 77",
        ),
        (
            json!({ "subject": "s", "channel": "portal", "tagIds": [5], "message": note }),
            "'tagIds' there is no tag 5",
        ),
        (
            json!({ "subject": "s", "channel": "portal", "agentAssigneeId": 99, "message": note }),
            "'agentAssigneeId' there is no active agent 99",
        ),
        (
            json!({ "subject": "s", "channel": "portal", "message": { "type": "note" } }),
            "'message.plainBody'",
        ),
        (
            json!({ "subject": "s", "channel": "portal", "message": { "type": "reply", "plainBody": "x" } }),
            "'contactId' is required",
        ),
        (
            json!({ "subject": "s", "channel": "portal", "customFields": [{ "id": 3, "value": "x" }], "message": note }),
            "names the field '3'",
        ),
        (
            json!({ "subject": "s", "channel": "email", "message": { "type": "reply", "plainBody": "x" } }),
            "'message.type'",
        ),
    ] {
        let error = ann.post("/anytime/conversations", body.clone()).await.error(400);
        assert!(error.contains(message), "{body}: {error}");
    }
    assert_eq!(ann.get("/anytime/conversations").await.expect(200)["total"], 0);
    assert_eq!(desk.number("SELECT count(*) FROM event"), 0, "nothing was written");
}

#[tokio::test]
async fn lists_are_ordered_windowed_and_paged() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    noted(&ann, "old", json!({})).await;
    desk.advance(Duration::from_secs(31 * 24 * 3600));
    for (subject, priority) in [("low", "low"), ("urgent", "urgent"), ("normal", "normal")] {
        noted(&ann, subject, json!({ "priority": priority })).await;
        desk.advance(Duration::from_secs(60));
    }
    let list = async |query: &str| ann.get(&format!("/anytime/conversations?{query}")).await.expect(200);
    assert_eq!(subjects(&list("").await), ["normal", "urgent", "low"], "the last 30 days, the newest first");
    assert_eq!(subjects(&list("timeFrom=2026-01-01").await), ["normal", "urgent", "low", "old"]);
    assert_eq!(subjects(&list("timeFrom=2026-01-01&timeTo=2026-01-06").await), ["old"]);
    assert_eq!(subjects(&list("sortOrder=ascending").await), ["low", "urgent", "normal"]);
    assert_eq!(subjects(&list("sortBy=priority").await), ["urgent", "normal", "low"]);
    assert_eq!(subjects(&list("SORTBY=Priority&sortOrder=ASCENDING").await), ["low", "normal", "urgent"]);
    let page = list("pageSize=2&pageIndex=2&sortBy=priority").await;
    assert_eq!(subjects(&page), ["low"]);
    assert_eq!(page["total"], 3);
    assert_eq!(page["previousPage"], "/api/v3/anytime/conversations?pagesize=2&sortby=priority&pageIndex=1");
    assert_eq!(page["nextPage"], Value::Null);
    for (query, message) in [
        (
            "sortBy=colour",
            "'sortBy' must be nextSLABreach, lastReplyTime, lastActivityTime, priority or status, not 'colour'",
        ),
        ("sortOrder=up", "'sortOrder' must be ascending or descending, not 'up'"),
        ("pageIndex=0", "'pageIndex' must be a whole number from 1, not '0'"),
        ("pageSize=51", "'pageSize' must be a whole number from 1 to 50, not '51'"),
        ("timeFrom=soon", "'timeFrom' must be an ISO-8601 time, not 'soon'"),
        ("filterId=7", "'filterId' must be the id of a filter, not '7'"),
        (
            "timeFrom=2026-02-02&timeTo=2026-02-01",
            "'timeFrom' '2026-02-02T00:00:00.000Z' is later than timeTo",
        ),
    ] {
        let error = ann.get(&format!("/anytime/conversations?{query}")).await.error(400);
        assert!(error.starts_with(message.split(" '2026").next().unwrap()), "{query}: {error}");
    }
}

#[tokio::test]
async fn an_agent_sees_and_changes_only_what_the_permissions_allow() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    let support =
        ann.post("/departments", json!({ "name": "Support", "agents": [luis.id] })).await.expect(201);
    noted(&ann, "nobody's", json!({})).await;
    noted(&ann, "of sales", json!({ "departmentAssigneeId": 1 })).await;
    noted(&ann, "of support", json!({ "departmentAssigneeId": support["id"] })).await;
    noted(&ann, "of sales for luis", json!({ "departmentAssigneeId": 1, "agentAssigneeId": luis.id })).await;
    let mut seen = subjects(&luis.get("/anytime/conversations").await.expect(200)).join(", ");
    assert_eq!(seen, "of sales for luis, of support, nobody's");
    assert_eq!(luis.get("/anytime/conversations").await.expect(200)["total"], 3);
    luis.get("/anytime/conversations/2").await.error(404);
    luis.get("/anytime/conversations/2/messages").await.error(404);
    luis.put("/anytime/conversations/2", json!({ "priority": "low" })).await.error(404);
    luis.put("/anytime/conversations/2/read", json!({})).await.error(404);
    let note = |text: String| json!({ "type": "note", "htmlBody": text });
    luis.post("/anytime/conversations/2/messages", note("x".to_owned())).await.error(404);
    // A mention opens the door.
    let mention = note(format!("<span data-id={} class=\"athighlight\">@Luis</span> please look", luis.id));
    let written = ann.post("/anytime/conversations/2/messages", mention).await.expect(201);
    assert_eq!(written["message"]["mentionedAgentIds"], json!([luis.id]));
    let opened = luis.get("/anytime/conversations/2").await.expect(200);
    assert_eq!(opened["conversation"]["isEditable"], true);
    assert_eq!(opened["conversation"]["mentionedAgents"][0]["isRead"], false);
    luis.put("/anytime/conversations/2/read", json!({})).await.expect(204);
    let read = luis.get("/anytime/conversations/2").await.expect(200);
    assert_eq!(read["conversation"]["mentionedAgents"][0]["isRead"], true);
    seen = subjects(&luis.get("/anytime/conversations?filterId=5").await.expect(200)).join(", ");
    assert_eq!(seen, "of sales");
}

#[tokio::test]
async fn system_filters_select_what_they_say() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.post("/departments", json!({ "name": "Support", "agents": [ann.id] })).await.expect(201);
    noted(&ann, "mine", json!({ "agentAssigneeId": ann.id })).await;
    noted(&ann, "mine, closed", json!({ "agentAssigneeId": ann.id, "status": "closed" })).await;
    noted(&ann, "department's", json!({ "departmentAssigneeId": 1 })).await;
    for (filter, expected) in [
        (1, vec!["department's", "mine, closed", "mine"]),
        (2, vec!["mine"]),
        (3, vec!["department's"]),
        (4, vec!["department's"]),
        (5, vec![]),
        (6, vec!["mine, closed"]),
    ] {
        let list = ann.get(&format!("/anytime/conversations?filterId={filter}")).await.expect(200);
        assert_eq!(subjects(&list), expected, "filter {filter}");
        assert_eq!(list["total"], expected.len());
    }
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_records_what_happened() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    noted(&ann, "first", json!({})).await;
    desk.advance(Duration::from_secs(60));
    let change =
        json!({ "subject": "second", "status": "closed", "agentAssigneeId": ann.id, "isRead": false });
    let updated = ann.put("/anytime/conversations/1", change).await.expect(200)["conversation"].clone();
    assert_eq!((&updated["subject"], &updated["status"]), (&json!("second"), &json!("closed")));
    assert_eq!(updated["closedTime"], "2026-01-05T09:01:00.000Z");
    assert_eq!(updated["closedById"], ann.id);
    assert_eq!(updated["isRead"], false);
    let reopened =
        ann.put("/anytime/conversations/1", json!({ "status": "new", "agentAssigneeId": null })).await;
    let reopened = reopened.expect(200)["conversation"].clone();
    assert_eq!((&reopened["closedTime"], &reopened["agentAssigneeId"]), (&Value::Null, &Value::Null));
    assert_eq!(reopened["subject"], "second", "what is not named stays");
    let kinds: Vec<String> =
        desk.app.read(|s| s.all("SELECT kind FROM event ORDER BY id", [], |row| row.get(0))).unwrap();
    let expected = [
        "created",
        "updated",
        "assigneeChanged",
        "statusChanged",
        "unread",
        "assigneeChanged",
        "statusChanged",
    ];
    assert_eq!(kinds, expected);
    ann.put("/anytime/conversations/1", json!({ "subject": "second" })).await.expect(200);
    assert_eq!(desk.number("SELECT count(*) FROM event"), 7, "no change, no event");
    for (body, message) in [
        (json!({ "subject": "" }), "'subject' is required"),
        (json!({ "status": "open" }), "'status' has no value 'open'"),
        (json!({ "tagIds": [9] }), "'tagIds' there is no tag 9"),
        (json!({ "departmentAssigneeId": 9 }), "'departmentAssigneeId' there is no department 9"),
        (json!({ "channel": "email" }), "'channel' is 'portal' and cannot be changed"),
        (json!({ "stattus": "new" }), "'stattus' is not a field of this object"),
    ] {
        assert_eq!(ann.put("/anytime/conversations/1", body).await.error(400), message);
    }
    let whole =
        ann.get("/anytime/conversations/1?include=contact,createdBy").await.expect(200)["conversation"]
            .clone();
    ann.put("/anytime/conversations/1", whole).await.expect(200);
}

#[tokio::test]
async fn replies_move_the_status_and_the_read_flags() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let lena = contact(&ann, "lena").await;
    let new = json!({ "subject": "s", "channel": "portal", "contactId": lena, "message": { "type": "note", "plainBody": "x" } });
    ann.post("/anytime/conversations", new).await.expect(201);
    let reply = |kind: &str| json!({ "type": kind, "plainBody": "We look into it.\n\nAnn" });
    let state = async || {
        let found = ann.get("/anytime/conversations/1").await.expect(200)["conversation"].clone();
        (found["status"].as_str().unwrap().to_owned(), found["totalReplies"].as_i64().unwrap())
    };
    assert_eq!(state().await, ("new".to_owned(), 0));
    let sent =
        ann.post("/anytime/conversations/1/messages", reply("reply")).await.expect(201)["message"].clone();
    assert_eq!(
        (&sent["source"], &sent["type"], &sent["sendStatus"]),
        (&json!("API"), &json!("reply"), &Value::Null)
    );
    assert_eq!(state().await, ("pendingExternal".to_owned(), 1));
    ann.post("/anytime/conversations/1/messages", reply("note")).await.expect(201);
    assert_eq!(state().await, ("pendingExternal".to_owned(), 1), "a note changes nothing");
    ann.put("/anytime/conversations/1", json!({ "status": "closed" })).await.expect(200);
    ann.post("/anytime/conversations/1/messages", reply("reply")).await.expect(201);
    assert_eq!(state().await, ("closed".to_owned(), 2), "an agent may answer a closed one");
    let error = ann.post("/anytime/conversations/1/messages", reply("email")).await.error(400);
    assert!(error.starts_with("'from' is missing"), "{error}");
    ann.post("/anytime/conversations/1/messages", reply("fax")).await.error(400);
    ann.post("/anytime/conversations/7/messages", reply("note")).await.error(404);
}

#[tokio::test]
async fn includes_bring_the_objects_beside_their_ids() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let lena = contact(&ann, "lena").await;
    ann.post("/departments", json!({ "name": "Support" })).await.expect(201);
    noted(&ann, "s", json!({ "contactId": lena, "agentAssigneeId": ann.id, "departmentAssigneeId": 1 }))
        .await;
    let all = "agentAssignee,departmentAssignee,contact,createdBy&includes=lastRepliedBy,messages,colour";
    let found =
        ann.get(&format!("/anytime/conversations/1?include={all}")).await.expect(200)["conversation"].clone();
    assert_eq!(found["agentAssignee"]["email"], "ann@desk.example");
    assert_eq!(found["departmentAssignee"]["name"], "Support");
    assert_eq!(found["contact"]["identities"][0]["value"], "lena@customer.example");
    assert_eq!(found["createdBy"]["id"], ann.id);
    assert_eq!(found["lastRepliedBy"], Value::Null);
    assert_eq!(found["messages"][0]["plainBody"], "hello");
    assert!(found.as_object().unwrap().contains_key("lastRepliedBy"));
    let plain = ann.get("/anytime/conversations/1").await.expect(200)["conversation"].clone();
    assert!(!plain.as_object().unwrap().contains_key("contact"));
}

#[tokio::test]
async fn uploads_belong_to_whoever_made_them_and_count_towards_twenty_megabytes() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    noted(&ann, "s", json!({})).await;
    let note =
        |guid: &str| json!({ "type": "note", "plainBody": "see file", "attachments": [{ "guid": guid }] });
    let guid = ann.upload("../plan.txt", b"the plan").await;
    let error = luis.post("/anytime/conversations/1/messages", note(&guid)).await.error(400);
    assert!(error.contains(&guid), "{error}");
    let written = ann.post("/anytime/conversations/1/messages", note(&guid)).await.expect(201);
    assert_eq!(written["message"]["attachments"][0]["fileName"], "plan.txt");
    ann.post("/anytime/conversations/1/messages", note(&guid)).await.error(400);
    let large = vec![7_u8; 11 << 20];
    let (one, two) = (ann.upload("one.bin", &large).await, ann.upload("two.bin", &large).await);
    let (first, second) = tokio::join!(
        ann.post("/anytime/conversations/1/messages", note(&one)),
        ann.post("/anytime/conversations/1/messages", note(&two))
    );
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 413], "exactly one of two at the same time fits");
    assert_eq!(
        desk.number("SELECT count(*) FROM message WHERE plain_body = 'see file'"),
        2,
        "the refused note left nothing"
    );
}

#[tokio::test]
async fn lists_refuse_a_window_that_begins_after_its_end_or_after_now() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let lena = contact(&ann, "lena").await;
    noted(&ann, "s", json!({ "contactId": lena })).await;
    ann.delete("/anytime/conversations/1").await.expect(204);
    noted(&ann, "t", json!({ "contactId": lena })).await;
    let lists = [
        ("/anytime/conversations?x=", "time", 1),
        ("/anytime/deletedconversations?x=", "time", 1),
        ("/anytime/junkEmails?x=", "time", 0),
        (&format!("/anytime/portalconversations?contactId={lena}"), "time", 1),
        ("/auditLogs?type=customerAccountsManagement", "date", 1),
    ];
    for (list, prefix, found) in lists {
        let error = ann.get(&format!("{list}&{prefix}From=2030-01-01")).await.error(400);
        assert_eq!(error, format!("'{prefix}From' '2030-01-01T00:00:00.000Z' is later than now"), "{list}");
        let window = format!("{list}&{prefix}From=2026-01-03&{prefix}To=2026-01-02");
        let error = ann.get(&window).await.error(400);
        assert_eq!(
            error,
            format!("'{prefix}From' '2026-01-03T00:00:00.000Z' is later than {prefix}To"),
            "{list}"
        );
        // The first and the last time that clients know stand for no bound.
        let all = format!("{list}&{prefix}From=0001-01-01T00:00:00Z&{prefix}To=9999-12-31T23:59:59.9999999Z");
        assert_eq!(ann.get(&all).await.expect(200)["total"], found, "{list}");
        // It is nine o'clock in UTC, where everything was written; east of it, nine was hours ago.
        let until = |offset: &str| format!("{list}&{prefix}To=2026-01-05T09:00:00&timeZoneOffset={offset}");
        assert_eq!(ann.get(&until("0")).await.expect(200)["total"], found, "{list}");
        assert_eq!(ann.get(&until("2")).await.expect(200)["total"], 0, "{list}");
        ann.get(&until("x")).await.error(400);
    }
}

#[tokio::test]
async fn what_a_list_is_narrowed_by_must_be_there() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (parameter, message) in [
        ("tagId=99", "'tagId' must be the id of a tag, not '99'"),
        ("contactId=99", "'contactId' must be the id of a contact, not '99'"),
        ("filterId=99", "'filterId' must be the id of a filter, not '99'"),
    ] {
        let error = ann.get(&format!("/anytime/conversations?{parameter}")).await.error(400);
        assert_eq!(error, message);
    }
}

#[tokio::test]
async fn a_page_past_the_end_is_empty_and_leads_back() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    noted(&ann, "s", json!({})).await;
    let page = ann.get("/anytime/conversations?pageIndex=7&pageSize=10").await.expect(200);
    assert_eq!(
        (&page["conversations"], &page["total"], &page["nextPage"]),
        (&json!([]), &json!(1), &Value::Null)
    );
    assert!(page["previousPage"].as_str().unwrap().contains("pageIndex="), "{page}");
}

#[tokio::test]
async fn lists_are_ordered_by_status_and_by_last_activity_with_ties_by_reply_and_id() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (subject, status) in [("a", "new"), ("b", "onHold"), ("c", "new"), ("d", "closed")] {
        noted(&ann, subject, json!({ "status": status })).await;
    }
    desk.advance(Duration::from_secs(60));
    ann.put("/anytime/conversations/1", json!({ "priority": "low" })).await.expect(200);
    let list = async |parameters: &str| {
        let found = ann.get(&format!("/anytime/conversations?{parameters}")).await.expect(200);
        subjects(&found).concat()
    };
    assert_eq!(list("sortBy=status").await, "dbca");
    assert_eq!(list("sortBy=status&sortOrder=ascending").await, "cabd");
    assert_eq!(list("sortBy=lastActivityTime").await, "adcb");
    assert_eq!(list("sortBy=lastActivityTime&sortOrder=ascending").await, "dcba");
    assert_eq!(list("sortBy=priority").await, "dcba");
}

#[tokio::test]
async fn nulls_stand_for_nothing_and_another_type_is_refused() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let nothing = json!({
        "customFields": null, "tagIds": null, "agentAssigneeId": null, "status": null, "priority": null,
        "message": { "type": "note", "plainBody": "x", "attachments": null, "mentionedAgentIds": null, "to": null },
    });
    let mut new = json!({ "subject": "s", "channel": "portal" });
    new.as_object_mut().unwrap().extend(nothing.as_object().unwrap().clone());
    ann.post("/anytime/conversations", new).await.expect(201);
    ann.put("/anytime/conversations/1", json!({ "customFields": null, "tagIds": null })).await.expect(200);
    let reply = json!({ "type": "note", "plainBody": "x", "attachments": null, "mentionedAgentIds": null });
    ann.post("/anytime/conversations/1/messages", reply).await.expect(201);
    ann.put("/anytime/conversations", json!({ "ids": null, "status": "closed" })).await.error(400);
    ann.post("/anytime/filters", json!({ "name": "f", "conditions": null })).await.expect(201);
    for (path, body, field) in [
        ("/anytime/conversations/1", json!({ "subject": 5 }), "subject"),
        ("/anytime/conversations/1/draft", json!({ "cc": 5 }), "cc"),
        ("/tags/1", json!({ "name": 5 }), "name"),
        ("/contacts/1", json!({ "name": 5 }), "name"),
        ("/anytime/filters/1000", json!({ "name": 5 }), "name"),
    ] {
        let error = ann.put(path, body).await.error(400);
        assert_eq!(error, format!("'{field}' must be a string, not 5"), "{path}");
    }
    // Enumerations have numbers.
    let changed =
        ann.put("/anytime/conversations/1", json!({ "status": 4, "priority": 1 })).await.expect(200);
    assert_eq!(changed["conversation"]["status"], "onHold");
    let twice = ann.request(reqwest::Method::PUT, "/anytime/conversations/1");
    let twice = twice.header("content-type", "application/json");
    let answer = ann.send(twice.body(r#"{"subject":"a","subject":"b"}"#)).await.error(400);
    assert!(answer.contains("has the key 'subject' twice"), "{answer}");
}

#[tokio::test]
async fn a_body_may_repeat_the_id_of_its_path_but_name_no_other() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    noted(&ann, "s", json!({})).await;
    ann.post("/tags", json!({ "name": "vip" })).await.expect(201);
    ann.post("/departments", json!({ "name": "Sales" })).await.expect(201);
    for path in ["/anytime/conversations/1", "/tags/1", "/departments/1", "/agents/1"] {
        for id in [json!(1), json!("1"), Value::Null] {
            let mut read = ann.get(path).await.expect(200);
            let object = if read.get("conversation").is_some() { read["conversation"].take() } else { read };
            let mut object = object;
            object["id"] = id;
            ann.put(path, object).await.expect(200);
        }
        let error = ann.put(path, json!({ "id": 2 })).await.error(400);
        assert_eq!(error, "'id' is 2, but the path names 1", "{path}");
    }
}
