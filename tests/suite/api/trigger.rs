//! Triggers: storage, spellings, validation (contract 16.1 to 16.4, 16.7). What they do is in `flows/trigger.rs`.

use serde_json::{Value, json};

use crate::support::test_desk::{Client, TestDesk};

const PATH: &str = "/anytime/triggers";

fn mail() -> Value {
    json!({ "type": "SendEmail", "toContact": true, "subject": "Thanks", "htmlBody": "<p>We got it.</p>" })
}

async fn create(ann: &Client, trigger: Value) -> Value {
    ann.post(PATH, trigger).await.expect(201)["trigger"].clone()
}

async fn names(ann: &Client) -> Vec<String> {
    let list = ann.get(PATH).await.expect(200);
    let triggers = list["triggers"].as_array().unwrap();
    for (index, trigger) in triggers.iter().enumerate() {
        assert_eq!(trigger["orderId"], index + 1);
    }
    triggers.iter().map(|trigger| trigger["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_trigger_is_created_read_changed_switched_and_deleted() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let new = json!({
        "name": " Thank ", "description": "For the first message", "triggerEvent": "conversationCreated",
        "conditions": [{ "fieldId": 7, "matchType": "is", "value": "email" }],
        "actions": [
            { "type": "SetValue", "fieldId": 6, "value": "high" },
            { "type": "SendEmail", "toContact": true, "toAssignedAgent": true, "agentIds": [ann.id],
              "subject": "[#{!Conversation.Id}]", "htmlBody": "<p>Hello {!Contact.Name}</p>" },
        ],
    });
    let created = ann.post(PATH, new).await;
    assert_eq!(created.location.as_deref(), Some("/api/v3/anytime/triggers/1"));
    let created = created.expect(201)["trigger"].clone();
    let condition = created["conditions"][0]["id"].clone();
    assert_eq!(
        created,
        json!({
            "id": 1, "name": "Thank", "description": "For the first message",
            "triggerEvent": "conversationCreated", "ifEnable": true, "orderId": 1, "when": "all",
            "logicExpression": null,
            "conditions": [{ "id": condition, "fieldId": 7, "field": "Channel", "matchType": "is",
                "value": "email", "index": 1 }],
            "actions": [
                { "id": 1, "type": "SetValue", "fieldId": 6, "field": "Priority", "value": "high" },
                { "id": 2, "type": "SendEmail", "toContact": true, "toAssignedAgent": true,
                  "agentIds": [ann.id], "subject": "[#{!Conversation.Id}]",
                  "htmlBody": "<p>Hello {!Contact.Name}</p>", "textBody": "Hello {!Contact.Name}",
                  "attachments": [] },
            ],
            "ifSendEmailToContacts": true, "ifShownInTicketCorresdence": false,
            "ifShownInConversationCorrespondence": false, "stayStatus": null, "stayTimeSpan": null,
            "stayTimeUnit": "hours", "warnings": [],
        })
    );
    assert_eq!(ann.get("/anytime/Triggers/1/").await.expect(200)["trigger"], created);
    // Sent back as it was read, nothing changes but the condition's id.
    let again = ann.put("/anytime/triggers/1", created.clone()).await.expect(200)["trigger"].clone();
    assert_eq!((&again["actions"], &again["when"]), (&created["actions"], &created["when"]));
    // Of the two flags that say the same, the changed one counts.
    let mut one = again.clone();
    one["ifShownInTicketCorresdence"] = json!(true);
    let shown = ann.put("/anytime/triggers/1", one).await.expect(200)["trigger"].clone();
    assert_eq!(shown["ifShownInConversationCorrespondence"], true);
    let again = ann.put("/anytime/triggers/1", again).await.expect(200)["trigger"].clone();
    assert_eq!(again["ifShownInTicketCorresdence"], false);
    // A part of a trigger leaves the rest alone.
    let changed = ann.put("/anytime/triggers/1", json!({ "name": "Thank you" })).await.expect(200);
    assert_eq!(changed["trigger"]["conditions"], again["conditions"]);
    assert_eq!(changed["trigger"]["actions"], created["actions"]);
    let any = ann.put("/anytime/triggers/1", json!({ "when": 0 })).await.expect(200)["trigger"].clone();
    assert_eq!((&any["when"], &any["conditions"][0]["value"]), (&json!("any"), &json!("email")));
    let off = ann.put("/anytime/triggers/1/enable", json!({ "isEnable": false })).await.expect(200);
    assert_eq!(off["trigger"]["ifEnable"], false);
    let none = ann.put("/anytime/triggers/1", json!({ "actions": [], "conditions": [] })).await.expect(200);
    assert_eq!((&none["trigger"]["actions"], &none["trigger"]["conditions"]), (&json!([]), &json!([])));
    ann.delete("/anytime/triggers/1").await.expect(204);
    ann.get("/anytime/triggers/1").await.error(404);
    ann.delete("/anytime/triggers/1").await.error(404);
}

#[tokio::test]
async fn put_without_an_id_in_the_path_creates_or_changes_and_delete_takes_the_id_from_query_or_body() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let made = ann.put(PATH, json!({ "name": "A", "triggerEvent": 3 })).await.expect(201)["trigger"].clone();
    let body = json!({ "id": made["id"], "name": "B" });
    assert_eq!(ann.put(PATH, body).await.expect(200)["trigger"]["name"], "B");
    ann.put(PATH, json!({ "id": 99, "name": "C" })).await.error(404);
    let second = create(&ann, json!({ "name": "D", "triggerEvent": 3 })).await;
    ann.delete(&format!("/anytime/triggers?id={}", made["id"])).await.expect(204);
    let request = ann.request(reqwest::Method::DELETE, PATH).json(&json!({ "id": second["id"] }));
    ann.send(request).await.expect(204);
    assert_eq!(ann.delete(PATH).await.error(400), "'id' is required");
    assert!(names(&ann).await.is_empty());
}

#[tokio::test]
async fn every_spelling_of_events_flags_and_actions_is_read() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (spelling, name) in [
        (json!(1), "conversationCreated"),
        (json!("2"), "conversationReplyIsReceived"),
        (json!(7), "conversationReplyIsReceived"),
        (json!("conversationReplyReceived"), "conversationReplyIsReceived"),
        (json!("AGENTREPLIED"), "agentReplied"),
        (json!("conversationAssigneeChanged"), "assigneeIsChanged"),
        (json!("conversationStatusChanged"), "statusIsChanged"),
        (json!("whenTicketIsCreated"), "conversationCreated"),
    ] {
        let made = create(&ann, json!({ "name": "E", "triggerEvent": spelling })).await;
        assert_eq!(made["triggerEvent"], name);
    }
    for flag in [
        "ifShownInTicketCorresdence",
        "ifShownInConversationCorrespondence",
        "ifShowInConversationCorrespondences",
        "ifDisplayInTicketCorrespondences",
    ] {
        let made =
            create(&ann, json!({ "name": "F", "triggerEvent": 1, flag: true, "isEnabled": false })).await;
        assert_eq!(made["ifShownInTicketCorresdence"], true, "{flag}");
        assert_eq!(made["ifShownInConversationCorrespondence"], true, "{flag}");
        assert_eq!(made["ifEnable"], false);
    }
    // Separate entries are folded into the one mail (contract 16.4).
    let actions = json!([
        { "action type": "Set Value", "field": "priority", "value": 1 },
        { "actionType": "SendEmail" },
        { "type": "ToConversationContact" },
        { "type": "To Agent", "recipientAgentIds": [ann.id.to_string()], "toAssignedAgent": true },
        { "type": "SetEmailContent", "subject": "S", "textBody": "a < b" },
    ]);
    let folded = create(&ann, json!({ "name": "G", "triggerEvent": 1, "actions": actions })).await;
    assert_eq!(
        folded["actions"],
        json!([
            { "id": 1, "type": "SetValue", "fieldId": 6, "field": "Priority", "value": "1" },
            { "id": 2, "type": "SendEmail", "toContact": true, "toAssignedAgent": true, "agentIds": [ann.id],
              "subject": "S", "htmlBody": "<p>a &lt; b</p>", "textBody": "a < b", "attachments": [] },
        ])
    );
    // The later documents' flat properties.
    let flat = json!({
        "name": "H", "triggerEvent": 1, "ifSetValue": true, "autoUpdate": [{ "fieldId": 5, "value": "onHold" }],
        "ifSendEmail": true, "ifSendToAgents": true, "recipientAgentIds": [ann.id], "subject": "T",
        "htmlText": "<p>x</p>", "plainText": "x",
    });
    let made = create(&ann, flat).await;
    assert_eq!(
        (&made["actions"][0]["value"], &made["actions"][1]["agentIds"]),
        (&json!("onHold"), &json!([ann.id]))
    );
    let without = json!({ "ifSendEmail": false, "ifSetValue": false });
    let without = ann.put(&format!("/anytime/triggers/{}", made["id"]), without).await.expect(200);
    assert_eq!(without["trigger"]["actions"], json!([]));
}

#[tokio::test]
async fn the_flag_for_contacts_and_the_mails_recipients_say_the_same() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let mut to_agent = mail();
    to_agent["toContact"] = json!(false);
    to_agent["agentIds"] = json!([ann.id]);
    let body =
        json!({ "name": "A", "triggerEvent": 1, "ifSendEmailToContacts": true, "actions": [to_agent] });
    let made = create(&ann, body).await;
    assert_eq!(
        (&made["ifSendEmailToContacts"], &made["actions"][0]["toContact"]),
        (&json!(true), &json!(true))
    );
    let path = format!("/anytime/triggers/{}", made["id"]);
    let off = ann.put(&path, json!({ "ifSendEmailToContacts": false })).await.expect(200)["trigger"].clone();
    assert_eq!(off["actions"][0]["toContact"], false);
    let only = create(&ann, json!({ "name": "B", "triggerEvent": 1, "actions": [mail()] })).await;
    let path = format!("/anytime/triggers/{}", only["id"]);
    let error = ann.put(&path, json!({ "ifSendEmailToContacts": false })).await.error(400);
    assert!(error.contains("is the only recipient"), "{error}");
    let error =
        ann.post(PATH, json!({ "name": "C", "triggerEvent": 1, "ifSendEmailToContacts": true })).await;
    assert!(error.error(400).contains("needs an action SendEmail"));
    let sets = json!([{ "type": "SetValue", "fieldId": 6, "value": "high" }]);
    let contradictory =
        json!({ "name": "C", "triggerEvent": 1, "ifSendEmailToContacts": true, "actions": sets });
    assert!(ann.post(PATH, contradictory).await.error(400).contains("needs an action SendEmail"));
}

#[tokio::test]
async fn a_wrong_trigger_is_refused_with_field_and_value_and_nothing_is_written() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let with = |key: &str, value: Value| {
        let mut trigger = json!({ "name": "x", "triggerEvent": "conversationCreated" });
        trigger[key] = value;
        trigger
    };
    let set = |field: Value, value: &str| {
        with("actions", json!([{ "type": "SetValue", "fieldId": field, "value": value }]))
    };
    let sends = |mail: Value| with("actions", json!([mail]));
    for (body, message) in [
        (json!({ "triggerEvent": 1 }), "'name' is required"),
        (json!({ "name": "x" }), "'triggerEvent' is required"),
        (with("triggerEvent", json!("never")), "'triggerEvent' must be one of conversationCreated,"),
        (with("stayStatus", json!("new")), "'stayStatus' has no meaning for conversationCreated"),
        (json!({ "name": "x", "triggerEvent": 6 }), "'stayStatus' is required for staysAtStatusPeriod"),
        (
            json!({ "name": "x", "triggerEvent": 6, "stayStatus": "new", "stayTimeSpan": 0 }),
            "'stayTimeSpan' must be between 1 and 87840, not 0",
        ),
        (json!({ "name": "x", "triggerEvent": 6, "stayStatus": "gone" }), "'stayStatus' must be one of new,"),
        (
            with("stayTimeUnit", json!("weeks")),
            "'stayTimeUnit' must be 'minutes', 'hours' or 'days', not 'weeks'",
        ),
        (
            with("conditions", json!([{ "fieldId": 9, "matchType": "is", "value": "@today" }])),
            "'conditions[0].fieldId' 'Last Activity Time' cannot be used in triggers",
        ),
        (
            with("conditions", json!([{ "fieldId": 4, "matchType": "is", "value": "99" }])),
            "'conditions[0].value' names agent 99, which does not exist",
        ),
        (
            with("actions", json!([{ "type": "Explode" }])),
            "'actions[0].type' must be 'SetValue' or 'SendEmail', not 'Explode'",
        ),
        (set(json!(77), "x"), "'actions[0].fieldId' '77' is not a field"),
        (set(json!(12), "5"), "'actions[0].fieldId' 'Total Replies' cannot be set by a trigger"),
        (set(json!(6), "asap"), "'actions[0].value' 'asap' is not one of its options"),
        (set(json!(4), "99"), "'actions[0].value' '99' is not the id of an active agent"),
        (set(json!(3), "99"), "'actions[0].value' '99' is not the id of a department"),
        (set(json!(16), "vip"), "'actions[0].value' 'vip' names the tag 'vip', which does not exist"),
        (set(json!(2), ""), "'actions[0].value' '' must be one line of 1 to 256 characters"),
        (
            with(
                "actions",
                json!([{ "type": "SetValue", "fieldId": 6, "value": "low" },
                { "type": "SetValue", "fieldId": 6, "value": "high" }]),
            ),
            "'actions[1].fieldId' is set twice",
        ),
        (
            sends(json!({ "type": "SendEmail", "subject": "s", "textBody": "b" })),
            "'actions[0].toContact' or 'toAssignedAgent' or 'agentIds' is required",
        ),
        (
            sends(json!({ "type": "SendEmail", "toContact": true, "textBody": "b" })),
            "'actions[0].subject' is required",
        ),
        (
            sends(json!({ "type": "SendEmail", "toContact": true, "subject": "s" })),
            "'actions[0].htmlBody' or 'textBody'",
        ),
        (
            sends(json!({ "type": "SendEmail", "agentIds": [99], "subject": "s", "textBody": "b" })),
            "'actions[0].agentIds' there is no active agent 99",
        ),
        (
            sends(json!({ "type": "SendEmail", "toContact": true, "subject": "s", "textBody": "b",
                "attachments": [{ "guid": "x" }] })),
            "'actions[0].attachments[0]' there is no upload 'x' of yours",
        ),
    ] {
        let error = ann.post(PATH, body.clone()).await.error(400);
        assert!(error.contains(message), "{body}: {error}");
    }
    assert!(names(&ann).await.is_empty());
}

#[tokio::test]
async fn triggers_are_sorted_by_direction_or_position() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let mut ids = Vec::new();
    for name in ["A", "B", "C"] {
        ids.push(create(&ann, json!({ "name": name, "triggerEvent": 1 })).await["id"].clone());
    }
    let sort = async |id: &Value, body: Value| ann.put(&format!("/anytime/triggers/{id}/sort"), body).await;
    let answer = sort(&ids[2], json!({ "type": "up" })).await.expect(200);
    assert_eq!(answer["triggers"][1]["name"], "C");
    assert_eq!(names(&ann).await, ["A", "C", "B"]);
    sort(&ids[0], json!({ "type": "down" })).await.expect(200);
    assert_eq!(names(&ann).await, ["C", "A", "B"]);
    sort(&ids[1], json!({ "orderId": 1 })).await.expect(200);
    assert_eq!(names(&ann).await, ["B", "C", "A"]);
    ann.put(&format!("/anytime/triggers/{}", ids[0]), json!({ "orderNum": 2 })).await.expect(200);
    assert_eq!(names(&ann).await, ["B", "A", "C"]);
    create(&ann, json!({ "name": "First", "triggerEvent": 1, "orderId": 1 })).await;
    assert_eq!(names(&ann).await, ["First", "B", "A", "C"]);
    assert_eq!(
        sort(&ids[0], json!({ "orderId": 9 })).await.error(400),
        "'orderId' must be between 1 and 4, not 9"
    );
    sort(&ids[0], json!({ "type": "left" })).await.error(400);
    sort(&ids[0], json!({})).await.error(400);
    sort(&json!(99), json!({ "type": "up" })).await.error(404);
}

#[tokio::test]
async fn what_a_trigger_names_and_is_gone_is_shown_as_a_warning() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let luis = desk.create_agent("luis", false).await;
    let sales = ann.post("/departments", json!({ "name": "Sales" })).await.expect(201)["id"].clone();
    let actions = json!([
        { "type": "SetValue", "fieldId": 3, "value": sales },
        { "type": "SendEmail", "agentIds": [luis], "subject": "s", "textBody": "b" },
    ]);
    let made = create(&ann, json!({ "name": "A", "triggerEvent": 1, "actions": actions })).await;
    assert_eq!(made["warnings"], json!([]));
    ann.delete(&format!("/departments/{sales}")).await.expect(204);
    ann.delete(&format!("/agents/{luis}")).await.expect(204);
    let shown = ann.get(&format!("/anytime/triggers/{}", made["id"])).await.expect(200)["trigger"].clone();
    assert_eq!(
        shown["warnings"],
        json!([
            format!("Department Assignee is not set: '{sales}' is not the id of a department"),
            "Luis was deleted: no mail is sent to them",
        ])
    );
    // It can still be renamed.
    ann.put(&format!("/anytime/triggers/{}", made["id"]), json!({ "name": "B" })).await.expect(200);
}

#[tokio::test]
async fn only_who_manages_settings_sees_and_changes_triggers() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    create(&ann, json!({ "name": "A", "triggerEvent": 1 })).await;
    luis.get(PATH).await.error(403);
    luis.get("/anytime/triggers/1").await.error(403);
    luis.post(PATH, json!({ "name": "B", "triggerEvent": 1 })).await.error(403);
    luis.put("/anytime/triggers/1", json!({ "name": "B" })).await.error(403);
    luis.put(PATH, json!({ "id": 1, "name": "B" })).await.error(403);
    luis.put("/anytime/triggers/1/enable", json!({ "isEnable": true })).await.error(403);
    luis.put("/anytime/triggers/1/sort", json!({ "type": "up" })).await.error(403);
    luis.delete("/anytime/triggers/1").await.error(403);
    luis.delete("/anytime/triggers?id=1").await.error(403);
    desk.as_nobody().get(PATH).await.error(401);
}
