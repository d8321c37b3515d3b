use serde_json::{Value, json};

use crate::support::test_desk::{Client, TestDesk};

async fn create(ann: &Client, body: Value) -> Value {
    ann.post("/anytime/fields", body).await.expect(201)["field"].clone()
}

async fn conversation(ann: &Client, fields: Value) -> Value {
    ann.post("/anytime/conversations", new(fields)).await.expect(201)["conversation"].clone()
}

fn new(fields: Value) -> Value {
    json!({ "subject": "Broken", "channel": "portal", "customFields": fields,
        "message": { "type": "note", "plainBody": "x" } })
}

#[tokio::test]
async fn the_twenty_system_fields_are_there_with_their_options() {
    let desk = TestDesk::start().await;
    let luis = desk.as_agent("luis").await;
    let fields = luis.get("/anytime/fields").await.expect(200)["fields"].clone();
    assert_eq!(fields.as_array().unwrap().len(), 20);
    assert_eq!(
        fields[5],
        json!({ "id": 6, "type": "dropdownList", "name": "Priority", "isSystemField": true, "isRequired": false,
            "defaultValue": "normal", "helpText": "", "length": null, "linkURL": "", "order": 6,
            "chatFieldMapping": "", "offlineMessageFieldMapping": "", "availableIn": 55,
            "options": [
                { "id": 1, "name": "urgent", "value": "urgent", "order": 1 },
                { "id": 2, "name": "high", "value": "high", "order": 2 },
                { "id": 3, "name": "normal", "value": "normal", "order": 3 },
                { "id": 4, "name": "low", "value": "low", "order": 4 },
            ] })
    );
    let status = luis.get("/anytime/fields/5").await.expect(200);
    assert_eq!(status["field"]["options"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn fields_are_listed_by_kind_and_by_where_conditions_may_use_them() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    create(&ann, json!({ "type": "text", "name": "Order" })).await;
    let count = |path: &'static str| {
        let ann = ann.clone();
        async move { ann.get(path).await.expect(200)["fields"].as_array().unwrap().len() }
    };
    assert_eq!(count("/anytime/fields?isSystemField=false").await, 1);
    assert_eq!(count("/anytime/fields?isSystemField=true").await, 20);
    assert_eq!(count("/anytime/fields?usageType=all").await, 21);
    assert_eq!(count("/anytime/fields?usageType=views").await, 21);
    assert_eq!(count("/anytime/fields?usageType=routingRules").await, 7);
    assert_eq!(count("/anytime/fields?usageType=SLA").await, 12);
    assert_eq!(count("/anytime/fields?usageType=triggers").await, 15);
    let wrong = ann.get("/anytime/fields?usageType=reports").await.error(400);
    assert_eq!(wrong, "'usageType' must be all, views, routingRules, SLA or triggers, not 'reports'");
}

#[tokio::test]
async fn a_field_is_created_from_1000_changed_and_deleted() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let created = ann
        .post(
            "/anytime/fields",
            json!({ "type": "dropdownList", "name": " Product ", "isRequired": true,
            "defaultValue": "Lamp", "helpText": "What it is about", "options": [{ "name": "Lamp" },
            { "name": "Chair", "value": "chair-1" }] }),
        )
        .await;
    assert_eq!(created.location.as_deref(), Some("/api/v3/anytime/fields/1000"));
    let field = created.expect(201)["field"].clone();
    assert_eq!(field["name"], "Product");
    assert_eq!(field["availableIn"], 63);
    assert_eq!(
        field["options"],
        json!([{ "id": 1, "name": "Lamp", "value": "Lamp", "order": 1 },
            { "id": 2, "name": "Chair", "value": "chair-1", "order": 2 }])
    );
    assert_eq!(field["defaultValue"], "1");
    // What was read can be sent back.
    assert_eq!(ann.put("/anytime/fields/1000", field.clone()).await.expect(200)["field"], field);
    let changed = ann
        .put(
            "/anytime/fields/1000",
            json!({ "name": "Article", "options": [{ "id": 2, "name": "Lamp" },
            { "id": 1, "name": "Chair" }, { "name": "Table" }] }),
        )
        .await
        .expect(200)["field"]
        .clone();
    assert_eq!(changed["name"], "Article");
    assert_eq!(changed["isRequired"], true);
    let names: Vec<(i64, &str)> = changed["options"]
        .as_array()
        .unwrap()
        .iter()
        .map(|option| (option["id"].as_i64().unwrap(), option["name"].as_str().unwrap()))
        .collect();
    assert_eq!(names, [(2, "Lamp"), (1, "Chair"), (3, "Table")]);
    assert_eq!(changed["defaultValue"], "1");
    ann.delete("/anytime/fields/1000").await.expect(204);
    ann.get("/anytime/fields/1000").await.error(404);
    assert_eq!(create(&ann, json!({ "type": "text", "name": "Other" })).await["id"], 1001);
}

#[tokio::test]
async fn a_wrong_field_is_refused_with_the_property_and_the_value() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (body, message) in [
        (json!({ "name": "x" }), "'type' is required"),
        (json!({ "type": "text" }), "'name' is required"),
        (json!({ "type": "text", "name": "12" }), "'name' '12' is a number: it could not be told from an id"),
        (json!({ "type": "radio", "name": "x" }), "'options' are required for a field of type radio"),
        (
            json!({ "type": "text", "name": "x", "options": [{ "name": "a" }] }),
            "'options' have no meaning for a field of type text",
        ),
        (
            json!({ "type": "radio", "name": "x", "options": [{ "name": "a" }, { "name": "A" }] }),
            "'options[1].name' 'A' is given to two options",
        ),
        (
            json!({ "type": "radio", "name": "x", "options": [{ "name": "a", "id": 7 }] }),
            "'options[0].id' '7' is not an option of this field",
        ),
        (
            json!({ "type": "checkboxList", "name": "x", "options": [{ "name": "a, b" }] }),
            "'options[0].name' 'a, b' has a comma, which separates several options",
        ),
        (json!({ "type": "text", "name": "x", "length": 0 }), "'length' '0' must be from 1 to 4000"),
        (
            json!({ "type": "text", "name": "x", "linkURL": "https://example.com" }),
            "'linkURL' has a meaning only for a field of type link",
        ),
        (
            json!({ "type": "link", "name": "x", "linkURL": "javascript:alert(1)" }),
            "'linkURL' 'javascript:alert(1)' is not a URL with http or https",
        ),
        (
            json!({ "type": "integer", "name": "x", "defaultValue": "many" }),
            "'defaultValue' 'many' is not a whole number",
        ),
        (
            json!({ "type": "radio", "name": "x", "defaultValue": "b", "options": [{ "name": "a" }] }),
            "'defaultValue' 'b' is not one of its options",
        ),
    ] {
        assert_eq!(ann.post("/anytime/fields", body.clone()).await.error(400), message, "{body}");
    }
    let wrong = ann.post("/anytime/fields", json!({ "type": "phone", "name": "x" })).await.error(400);
    assert!(wrong.starts_with("'type' 'phone' must be one of text, "), "{wrong}");
    assert_eq!(ann.get("/anytime/fields?isSystemField=false").await.expect(200), json!({ "fields": [] }));
}

#[tokio::test]
async fn names_are_unique_also_among_the_names_of_system_fields() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    create(&ann, json!({ "type": "text", "name": "Order" })).await;
    for name in ["ORDER", "status", "Date Created", "createdTime", "tagids"] {
        let body = json!({ "type": "text", "name": name });
        let clash = ann.post("/anytime/fields", body).await.error(409);
        assert_eq!(clash, format!("there is already a field '{name}'"));
    }
    ann.put("/anytime/fields/1000", json!({ "name": "Priority" })).await.error(409);
    let fixed = ann.put("/anytime/fields/1000", json!({ "type": "integer" })).await.error(400);
    assert_eq!(fixed, "'type' is text and cannot be changed");
}

#[tokio::test]
async fn of_system_fields_only_two_defaults_and_the_mappings_can_be_set() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let priority = ann.get("/anytime/fields/6").await.expect(200)["field"].clone();
    assert_eq!(ann.put("/anytime/fields/6", priority.clone()).await.expect(200)["field"], priority);
    let changed = ann.put("/anytime/fields/6", json!({ "defaultValue": "High" })).await.expect(200);
    assert_eq!(changed["field"]["defaultValue"], "high");
    ann.put("/anytime/fields/5", json!({ "defaultValue": 2 })).await.expect(200);
    let opened = conversation(&ann, json!([])).await;
    assert_eq!((&opened["priority"], &opened["status"]), (&json!("high"), &json!("pendingInternal")));
    for (id, body, message) in [
        (5, json!({ "name": "State" }), "'name' of the system field Status cannot be changed"),
        (5, json!({ "options": [] }), "'options' of the system field Status cannot be changed"),
        (5, json!({ "defaultValue": "asleep" }), "'defaultValue' 'asleep' is not an option of Status"),
        (2, json!({ "defaultValue": "x" }), "'defaultValue' of the system field Subject cannot be changed"),
        (2, json!({ "isRequired": true }), "'isRequired' of the system field Subject cannot be changed"),
    ] {
        assert_eq!(ann.put(&format!("/anytime/fields/{id}"), body).await.error(400), message);
    }
    let stays = ann.delete("/anytime/fields/5").await.error(400);
    assert_eq!(stays, "'id' '5' is the system field Status; it stays");
    let mapped = ann
        .put(
            "/anytime/fields/mapping",
            json!({ "fieldMappings": [{ "fieldId": 2, "chatFieldMapping": "Topic" }] }),
        )
        .await
        .expect(200);
    assert_eq!((&mapped["fields"][0]["id"], mapped["fields"].as_array().unwrap().len()), (&json!(2), 1));
    assert_eq!(ann.get("/anytime/fields/2").await.expect(200)["field"]["chatFieldMapping"], "Topic");
    let unknown = json!({ "fieldMappings": [{ "fieldId": 77 }] });
    let unknown = ann.put("/anytime/fields/mapping", unknown).await.error(400);
    assert_eq!(unknown, "'fieldMappings[0].fieldId' '77' is not a field");
}

#[tokio::test]
async fn only_who_manages_settings_changes_fields() {
    let desk = TestDesk::start().await;
    let (luis, nobody) = (desk.as_agent("luis").await, desk.as_nobody());
    luis.get("/anytime/fields").await.expect(200);
    luis.get("/anytime/fields/1").await.expect(200);
    let body = json!({ "type": "text", "name": "x" });
    assert_eq!(luis.post("/anytime/fields", body).await.error(403), "you may not manage settings");
    luis.put("/anytime/fields/5", json!({ "defaultValue": "new" })).await.error(403);
    luis.delete("/anytime/fields/5").await.error(403);
    luis.put("/anytime/fields/mapping", json!({ "fieldMappings": [] })).await.error(403);
    nobody.get("/anytime/fields").await.error(401);
    for id in ["99", "x", "-1"] {
        luis.get(&format!("/anytime/fields/{id}")).await.error(404);
    }
    desk.as_ann().await.put("/anytime/fields/99", json!({})).await.error(404);
    desk.as_ann().await.delete("/anytime/fields/99").await.error(404);
}

#[tokio::test]
async fn values_of_every_type_are_kept_shown_and_cleared() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.post("/departments", json!({ "name": "Billing" })).await.expect(201);
    let cases = [
        ("text", " ABC-1 ", "ABC-1"),
        ("textarea", "one\ntwo", "one\ntwo"),
        ("email", "x@example.com", "x@example.com"),
        ("url", "https://example.com/a?b=c", "https://example.com/a?b=c"),
        ("date", "2026-02-03T23:30:00Z", "2026-02-03"),
        ("integer", "-42", "-42"),
        ("float", "1.50", "1.5"),
        ("operator", "1", "1"),
        ("radio", "SMALL", "small"),
        ("checkbox", "1", "true"),
        ("dropdownList", "Large", "l"),
        ("checkboxList", "Large, small,small", "small,l"),
        ("link", "12345", "12345"),
        ("department", "1", "1"),
    ];
    let mut given = Vec::new();
    let mut expected = Vec::new();
    for (index, (kind, value, shown)) in cases.into_iter().enumerate() {
        let mut body = json!({ "type": kind, "name": format!("My {kind}") });
        if ["radio", "dropdownList", "checkboxList"].contains(&kind) {
            body["options"] = json!([{ "name": "small" }, { "name": "Large", "value": "l" }]);
        }
        let field = create(&ann, body).await;
        let name = format!("My {kind}");
        given.push(match index % 2 {
            0 => json!({ "id": field["id"], "value": value }),
            _ => json!({ "name": name.to_uppercase(), "value": value }),
        });
        expected.push(json!({ "id": field["id"], "name": name, "value": shown }));
    }
    let created = conversation(&ann, json!(given)).await;
    assert_eq!(created["customFields"], json!(expected));
    let listed = ann.get("/anytime/conversations").await.expect(200);
    assert_eq!(listed["conversations"][0]["customFields"], json!(expected));
    // Only what is listed changes; what was read can be sent back.
    let change = json!({ "customFields": [{ "name": "My text", "value": "new" }, { "name": "My float", "value": null },
        { "name": "My checkbox", "value": false }] });
    let changed = ann.put("/anytime/conversations/1", change).await.expect(200)["conversation"].clone();
    expected[0]["value"] = json!("new");
    expected[9]["value"] = json!("false");
    expected.remove(6);
    assert_eq!(changed["customFields"], json!(expected));
    let again = json!({ "customFields": changed["customFields"] });
    assert_eq!(
        ann.put("/anytime/conversations/1", again).await.expect(200)["conversation"]["customFields"],
        json!(expected)
    );
    // Two changes, one event: sending the same again is none.
    assert_eq!(desk.number("SELECT count(*) FROM event WHERE kind = 'updated'"), 1);
    let detail = desk
        .number("SELECT detail LIKE '%\"customFields.1000\":\"ABC-1\"%' FROM event WHERE kind = 'updated'");
    assert_eq!(detail, 1);
}

#[tokio::test]
async fn a_value_that_does_not_fit_its_field_is_refused() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let mut ids = Vec::new();
    for kind in ["text", "email", "url", "date", "integer", "float", "operator", "department", "checkbox"] {
        ids.push(
            create(&ann, json!({ "type": kind, "name": format!("My {kind}"), "length": 10 })).await["id"]
                .clone(),
        );
    }
    for kind in ["radio", "checkboxList"] {
        let body = json!({ "type": kind, "name": format!("My {kind}"), "options": [{ "name": "a" }] });
        ids.push(create(&ann, body).await["id"].clone());
    }
    for (index, value, message) in [
        (0, "x".repeat(11), "is longer than 10 characters"),
        (0, "a\nb".to_owned(), "contains control characters"),
        (1, "nobody".to_owned(), "is not an e-mail address"),
        (2, "ftp://x".to_owned(), "is not a URL with http or https"),
        (2, "javascript:x".to_owned(), "is longer than 10 characters"),
        (3, "soon".to_owned(), "is not a date such as 2019-01-03"),
        (3, "2019-13-01".to_owned(), "is not a date such as 2019-01-03"),
        (4, "1.5".to_owned(), "is not a whole number"),
        (5, "NaN".to_owned(), "is not a number"),
        (6, "99".to_owned(), "is not the id of an active agent"),
        (7, "Billing".to_owned(), "is not the id of a department"),
        (8, "maybe".to_owned(), "is not true or false"),
        (9, "b".to_owned(), "is not one of its options"),
        (10, "a,b".to_owned(), "names the option 'b', which does not exist"),
    ] {
        let fields = json!([{ "id": ids[index], "value": value }]);
        let error = ann.post("/anytime/conversations", new(fields)).await.error(400);
        assert!(error.starts_with("'customFields[0].value' '") && error.ends_with(message), "{error}");
    }
    for (fields, message) in [
        (json!([{ "id": 7, "value": "x" }]), "'customFields[0]' names the field '7', which does not exist"),
        (json!([{ "value": "x" }]), "'customFields[0]' names the field '', which does not exist"),
        (
            json!([{ "id": 1000, "value": "x" }, { "name": "my TEXT", "value": "y" }]),
            "'customFields[1]' names the field 'My text' again",
        ),
    ] {
        assert_eq!(ann.post("/anytime/conversations", new(fields)).await.error(400), message);
    }
    assert_eq!(desk.number("SELECT count(*) FROM conversation"), 0);
}

#[tokio::test]
async fn required_fields_must_be_there_unless_they_have_a_default() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    create(&ann, json!({ "type": "text", "name": "Order", "isRequired": true })).await;
    create(&ann, json!({ "type": "integer", "name": "Count", "isRequired": true, "defaultValue": "3" }))
        .await;
    let missing = ann.post("/anytime/conversations", new(json!([]))).await.error(400);
    assert_eq!(missing, "'customFields' lack the field 'Order', which is required");
    let empty = json!([{ "id": 1000, "value": "" }]);
    let empty = ann.post("/anytime/conversations", new(empty)).await.error(400);
    assert_eq!(empty, "'customFields[0].value' of 'Order' is required");
    let created = conversation(&ann, json!([{ "name": "Order", "value": "A1" }])).await;
    assert_eq!(
        created["customFields"],
        json!([{ "id": 1000, "name": "Order", "value": "A1" }, { "id": 1001, "name": "Count", "value": "3" }])
    );
    let clear = json!({ "customFields": [{ "id": 1000, "value": "" }] });
    ann.put("/anytime/conversations/1", clear).await.error(400);
    // Other changes are not held up by fields that became required later.
    create(&ann, json!({ "type": "text", "name": "Later", "isRequired": true })).await;
    ann.put("/anytime/conversations/1", json!({ "subject": "Mended" })).await.expect(200);
}

#[tokio::test]
async fn an_option_that_goes_is_taken_off_conversations_and_a_renamed_one_stays() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let options = json!([{ "name": "a" }, { "name": "b" }]);
    create(&ann, json!({ "type": "radio", "name": "Size", "options": options })).await;
    conversation(&ann, json!([{ "id": 1000, "value": "a" }])).await;
    conversation(&ann, json!([{ "id": 1000, "value": "b" }])).await;
    let change = json!({ "options": [{ "id": 2, "name": "big" }] });
    ann.put("/anytime/fields/1000", change).await.expect(200);
    let values = |id: i64| {
        let ann = ann.clone();
        async move {
            let path = format!("/anytime/conversations/{id}");
            ann.get(&path).await.expect(200)["conversation"]["customFields"].clone()
        }
    };
    assert_eq!(values(1).await, json!([]));
    assert_eq!(values(2).await, json!([{ "id": 1000, "name": "Size", "value": "big" }]));
    ann.delete("/anytime/fields/1000").await.expect(204);
    assert_eq!(values(2).await, json!([]));
}

#[tokio::test]
async fn the_portal_takes_and_shows_fields_and_insists_on_required_ones() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    create(&ann, json!({ "type": "text", "name": "Order", "isRequired": true })).await;
    let contact = ann.post("/contacts", json!({ "name": "Lena" })).await.expect(201)["id"].clone();
    let new = |fields: Value| {
        json!({ "contactId": contact, "subject": "Broken", "customFields": fields,
            "message": { "plainBody": "It broke." } })
    };
    let missing = ann.post("/anytime/portalconversations", new(json!([]))).await.error(400);
    assert_eq!(missing, "'customFields' lack the field 'Order', which is required");
    let fields = json!([{ "id": 1000, "value": "A1" }]);
    let created = ann.post("/anytime/portalconversations", new(fields)).await.expect(201);
    assert_eq!(
        created["portalconversation"]["customFields"],
        json!([{ "id": 1000, "name": "Order", "value": "A1" }])
    );
}
