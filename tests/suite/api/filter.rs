use serde_json::{Value, json};

use crate::support::test_desk::{Client, TestDesk, change};

async fn conversation(client: &Client, body: Value) -> i64 {
    let mut new = json!({ "subject": "Question", "channel": "portal", "message": { "type": "note", "plainBody": "x" } });
    for (key, value) in body.as_object().unwrap() {
        new[key] = value.clone();
    }
    client.post("/anytime/conversations", new).await.expect(201)["conversation"]["id"].as_i64().unwrap()
}

/// The ids a list has, in its order.
async fn ids(client: &Client, query: &str) -> Vec<i64> {
    let list = client.get(&format!("/anytime/conversations?{query}")).await.expect(200);
    let ids: Vec<i64> =
        list["conversations"].as_array().unwrap().iter().map(|it| it["id"].as_i64().unwrap()).collect();
    assert_eq!(list["total"].as_i64().unwrap(), ids.len() as i64, "{query}");
    ids
}

#[tokio::test]
async fn the_systems_six_filters_are_there_and_stay_as_they_are() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let filters = ann.get("/anytime/filters").await.expect(200)["filters"].clone();
    let names: Vec<(i64, &str)> = filters
        .as_array()
        .unwrap()
        .iter()
        .map(|filter| (filter["id"].as_i64().unwrap(), filter["name"].as_str().unwrap()))
        .collect();
    assert_eq!(
        names,
        [
            (1, "All"),
            (2, "My Open"),
            (3, "My Department Open"),
            (4, "Unassigned"),
            (5, "Mentioned me"),
            (6, "Closed")
        ]
    );
    assert_eq!(
        filters[1],
        json!({ "id": 2, "name": "My Open", "isPrivate": false, "createdById": 0, "when": "all", "logicExpression": null })
    );
    let open = ann.get("/anytime/filters/2").await.expect(200)["filter"]["conditions"].clone();
    assert_eq!(open[0]["field"], "Agent Assignee");
    assert_eq!(
        (&open[1]["matchType"], &open[1]["value"], &open[1]["index"]),
        (&json!("isNot"), &json!("closed"), &json!(2))
    );
    let stays = ann.put("/anytime/filters/2", json!({ "name": "Mine" })).await.error(403);
    assert_eq!(stays, "the filter 'My Open' is the system's and stays as it is");
    ann.delete("/anytime/filters/2").await.error(403);
}

#[tokio::test]
async fn a_filter_is_created_changed_and_deleted() {
    let desk = TestDesk::start().await;
    let luis = desk.as_agent("luis").await;
    let created = luis
        .post(
            "/anytime/filters",
            json!({ "name": " Urgent ", "conditions": [
            { "fieldId": 6, "matchType": "is", "value": "urgent" },
            { "field": "Status", "matchType": 2, "value": "closed" },
            { "fieldId": "isRead", "matchType": "is", "value": false }] }),
        )
        .await;
    assert_eq!(created.location.as_deref(), Some("/api/v3/anytime/filters/1000"));
    let created = created.expect(201);
    assert_eq!(created["filters"].as_array().unwrap().len(), 7);
    assert!(created["filters"][6].get("conditions").is_none());
    let filter = created["filter"].clone();
    assert_eq!(
        filter,
        json!({ "id": 1000, "name": "Urgent", "isPrivate": false, "createdById": luis.id, "when": "all",
            "logicExpression": null, "conditions": [
            { "id": 1, "fieldId": 6, "field": "Priority", "matchType": "is", "value": "urgent", "index": 1 },
            { "id": 2, "fieldId": 5, "field": "Status", "matchType": "isNot", "value": "closed", "index": 2 },
            { "id": 3, "fieldId": 18, "field": "Is Read", "matchType": "is", "value": "false", "index": 3 }], "warnings": [] })
    );
    let listed = luis.get("/anytime/views?include=conditions").await.expect(200);
    assert_eq!(listed["filters"][6], filter);
    // What was read can be sent back; conditions get new ids.
    let mut again = luis.put("/anytime/filters/1000", filter.clone()).await.expect(200)["filter"].clone();
    for (index, id) in [1, 2, 3].into_iter().enumerate() {
        again["conditions"][index]["id"] = json!(id);
    }
    assert_eq!(again, filter);
    let renamed =
        luis.put("/anytime/filters/1000", json!({ "name": "Now" })).await.expect(200)["filter"].clone();
    assert_eq!((&renamed["name"], renamed["conditions"].as_array().unwrap().len()), (&json!("Now"), 3));
    let logic = json!({ "when": "logicalExpression", "logicExpression": "1 or (2 and 3)" });
    let logic = luis.put("/anytime/filters/1000", logic).await.expect(200)["filter"].clone();
    assert_eq!(
        (&logic["when"], &logic["logicExpression"]),
        (&json!("logicalExpression"), &json!("1 or (2 and 3)"))
    );
    let all = luis.put("/anytime/filters/1000", json!({ "when": 1 })).await.expect(200)["filter"].clone();
    assert_eq!((&all["when"], &all["logicExpression"]), (&json!("all"), &json!(null)));
    luis.delete("/anytime/filters/1000").await.expect(204);
    luis.get("/anytime/filters/1000").await.error(404);
    assert_eq!(desk.number("SELECT count(*) FROM condition"), 0);
}

#[tokio::test]
async fn what_is_wrong_with_a_condition_is_said_by_its_place() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let options = json!([{ "name": "Lamp" }]);
    let field = json!({ "type": "radio", "name": "Product", "options": options });
    ann.post("/anytime/fields", field).await.expect(201);
    let good = json!({ "fieldId": 2, "matchType": "contains", "value": "x" });
    for (condition, message) in [
        (json!({ "matchType": "is", "value": "x" }), "'conditions[1].fieldId' is required"),
        (
            json!({ "fieldId": 99, "matchType": "is", "value": "x" }),
            "'conditions[1].fieldId' '99' is not a field",
        ),
        (json!({ "field": "Colour", "matchType": "is" }), "'conditions[1].fieldId' 'Colour' is not a field"),
        (json!({ "fieldId": 2 }), "'conditions[1].matchType' is required"),
        (
            json!({ "fieldId": 6, "matchType": "contains", "value": "high" }),
            "'conditions[1].matchType' 'contains' does not fit the field Priority; use is, isNot",
        ),
        (
            json!({ "fieldId": 2, "matchType": "isMoreThan", "value": "1" }),
            "'conditions[1].matchType' 'isMoreThan' does not fit the field Subject; use contains, notContains, is, isNot",
        ),
        (
            json!({ "fieldId": 5, "matchType": "is", "value": "asleep" }),
            "'conditions[1].value' 'asleep' must be one of its options for the field Status",
        ),
        (
            json!({ "field": "product", "matchType": "is", "value": "Chair" }),
            "'conditions[1].value' 'Chair' must be one of its options for the field Product",
        ),
        (
            json!({ "fieldId": 12, "matchType": "isMoreThan", "value": "many" }),
            "'conditions[1].value' 'many' must be a whole number for the field Total Replies",
        ),
        (
            json!({ "fieldId": 2, "matchType": "contains" }),
            "'conditions[1].value' is required with 'contains'",
        ),
        (
            json!({ "fieldId": 4, "matchType": "is", "value": "77" }),
            "'conditions[1].value' names agent 77, which does not exist",
        ),
        (
            json!({ "fieldId": "tagIds", "matchType": "is", "value": "7" }),
            "'conditions[1].value' names tag 7, which does not exist",
        ),
        (
            json!({ "fieldId": 18, "matchType": "is", "value": "perhaps" }),
            "'conditions[1].value' 'perhaps' must be true or false for the field Is Read",
        ),
        (
            json!({ "fieldId": 2, "matchType": "is", "value": "x", "index": 1 }),
            "'conditions[1].index' '1' is given to two conditions",
        ),
    ] {
        let body = json!({ "name": "f", "conditions": [good, condition] });
        assert_eq!(ann.post("/anytime/filters", body).await.error(400), message);
    }
    let date = json!({ "fieldId": 8, "matchType": "before", "value": "soon" });
    let date = ann.post("/anytime/filters", json!({ "name": "f", "conditions": [date] })).await.error(400);
    assert!(date.starts_with("'conditions[0].value' 'soon' must be a date such as 2019-01-03"), "{date}");
    for (when, logic, message) in [
        ("sometimes", None, "'when' 'sometimes' must be any, all or logicalExpression"),
        ("logicalExpression", None, "'logicExpression' '' is invalid: it is empty"),
        (
            "logicalExpression",
            Some("1 and 2"),
            "'logicExpression' '1 and 2' is invalid: it names condition 2, which does not exist",
        ),
        ("any", Some("1"), "'logicExpression' '1' has no meaning with 'when' any"),
    ] {
        let body = json!({ "name": "f", "when": when, "logicExpression": logic, "conditions": [good] });
        assert_eq!(ann.post("/anytime/filters", body).await.error(400), message);
    }
    assert_eq!(ann.post("/anytime/filters", json!({ "name": " " })).await.error(400), "'name' is required");
    assert_eq!(desk.number("SELECT count(*) FROM filter"), 0);
}

#[tokio::test]
async fn a_private_filter_is_its_makers_alone_and_a_public_one_its_makers_to_change() {
    let desk = TestDesk::start().await;
    let (ann, luis, mia) = (desk.as_ann().await, desk.as_agent("luis").await, desk.as_agent("mia").await);
    luis.post("/anytime/filters", json!({ "name": "Mine", "isPrivate": true })).await.expect(201);
    luis.post("/anytime/filters", json!({ "name": "Ours" })).await.expect(201);
    luis.get("/anytime/filters/1000").await.expect(200);
    for other in [&ann, &mia] {
        other.get("/anytime/filters/1000").await.error(404);
        other.put("/anytime/filters/1000", json!({ "name": "x" })).await.error(404);
        other.delete("/anytime/filters/1000").await.error(404);
        other.get("/anytime/conversations?filterId=1000").await.error(400);
        assert_eq!(other.get("/anytime/filters").await.expect(200)["filters"].as_array().unwrap().len(), 7);
    }
    mia.get("/anytime/filters/1001").await.expect(200);
    let refused = mia.put("/anytime/filters/1001", json!({ "name": "x" })).await.error(403);
    assert_eq!(refused, "you may not manage other agents' filters");
    mia.delete("/anytime/filters/1001").await.error(403);
    ann.put("/anytime/filters/1001", json!({ "name": "Everybody's" })).await.expect(200);
    let hidden = ann.put("/anytime/filters/1001", json!({ "isPrivate": true })).await.expect(200);
    assert_eq!(
        (&hidden["filter"]["name"], &hidden["filter"]["isPrivate"]),
        (&json!("Everybody's"), &json!(true))
    );
    ann.get("/anytime/filters/1001").await.error(404);
    luis.delete("/anytime/filters/1001").await.expect(204);
    desk.as_nobody().get("/anytime/filters").await.error(401);
    for id in ["77", "x", "0"] {
        ann.get(&format!("/anytime/filters/{id}")).await.error(404);
    }
}

#[tokio::test]
async fn resolved_is_read_as_closed_in_conditions_and_defaults() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    conversation(&ann, json!({})).await;
    let closed = conversation(&ann, json!({ "status": "closed" })).await;
    let condition = "conditions[0][field]=status&conditions[0][matchType]=is&conditions[0][value]=resolved";
    let list = ann.get(&format!("/anytime/conversations?{condition}")).await.expect(200);
    assert_eq!((&list["total"], &list["conversations"][0]["id"]), (&json!(1), &json!(closed)));
    let filter =
        json!({ "name": "Done", "conditions": [{ "fieldId": 5, "matchType": "is", "value": "Resolved" }] });
    ann.post("/anytime/filters", filter).await.expect(201);
    let list = ann.get("/anytime/conversations?filterId=1000").await.expect(200);
    assert_eq!(list["total"], 1);
    let field = ann.put("/anytime/fields/5", json!({ "defaultValue": "resolved" })).await.expect(200);
    ann.put("/anytime/fields/5", json!({ "defaultValue": "closed" })).await.expect(200);
    assert_eq!(ann.get("/anytime/fields/5").await.expect(200), field);
}

#[tokio::test]
async fn a_list_is_narrowed_by_a_filter_and_by_conditions_on_any_field() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.post("/tags", json!({ "name": "vip" })).await.expect(201);
    ann.post("/anytime/fields", json!({ "type": "integer", "name": "Order number" })).await.expect(201);
    let order = |value: &str| json!([{ "id": 1000, "value": value }]);
    let first = conversation(
        &ann,
        json!({ "subject": "École fermée", "priority": "urgent", "customFields": order("7") }),
    )
    .await;
    let second = conversation(&ann, json!({ "priority": "urgent", "status": "closed", "tagIds": [1] })).await;
    let third = conversation(&ann, json!({ "agentAssigneeId": ann.id, "customFields": order("70") })).await;
    ann.post("/anytime/filters", json!({ "name": "Urgent and open", "conditions": [
        { "fieldId": 6, "matchType": "is", "value": 1 }, { "fieldId": 5, "matchType": "isNot", "value": "closed" }] }))
        .await
        .expect(201);
    assert_eq!(ids(&ann, "filterId=1000").await, [first]);
    assert_eq!(ids(&ann, "filterId=2").await, [third]);
    let condition = |field: &str, match_type: &str, value: &str| {
        format!(
            "conditions[0][field]={field}&conditions[0][matchType]={match_type}&conditions[0][value]={value}"
        )
    };
    assert_eq!(ids(&ann, &condition("subject", "contains", "%C3%A9COLE")).await, [first]);
    assert_eq!(ids(&ann, &condition("tagIds", "is", "1")).await, [second]);
    assert_eq!(ids(&ann, &condition("Order%20number", "isMoreThan", "7")).await, [third]);
    assert_eq!(ids(&ann, &condition("1000", "between", "7,70")).await, [third, first]);
    assert_eq!(ids(&ann, &condition("1000", "is", "")).await, [second]);
    assert_eq!(ids(&ann, &condition("agentAssigneeId", "is", "@me")).await, [third]);
    assert_eq!(ids(&ann, &condition("createdTime", "is", "@today")).await, [third, second, first]);
    assert_eq!(ids(&ann, &condition("createdTime", "before", "@today")).await, [0_i64; 0]);
    // Encoded brackets, sparse and unordered indices, keys in any case; everything must hold.
    let sparse = "Conditions%5B7%5D%5BField%5D=Status&conditions%5B7%5D%5Bmatchtype%5D=is&conditions%5B7%5D%5Bvalue%5D=new\
        &conditions[3][field]=priority&conditions[3][matchType]=1&conditions[3][value]=urgent";
    assert_eq!(ids(&ann, sparse).await, [first]);
    assert_eq!(ids(&ann, &[sparse, "&filterId=2"].concat()).await, [0_i64; 0]);
    for (query, message) in [
        (
            "conditions[7][field]=colour&conditions[7][matchType]=is",
            "'conditions[7][field]' 'colour' is not a field",
        ),
        ("conditions[4][field]=subject", "'conditions[4][matchType]' is required"),
        (
            "conditions[4][field]=subject&conditions[4][matchType]=before&conditions[4][value]=x",
            "'conditions[4][matchType]' 'before' does not fit the field Subject; use contains, notContains, is, isNot",
        ),
        ("conditions[x][field]=subject", "'conditions[x][field]' is not written as conditions[0][field]"),
        ("conditions[0][colour]=red", "'conditions[0][colour]' is not one of field, matchType and value"),
        ("filterId=77", "'filterId' must be the id of a filter, not '77'"),
        (
            "timeZoneOffset=15000",
            "'timeZoneOffset' must be hours or minutes east of UTC, such as 2, -5.5 or 480, not '15000'",
        ),
    ] {
        assert_eq!(ann.get(&format!("/anytime/conversations?{query}")).await.error(400), message);
    }
}

#[tokio::test]
async fn days_are_those_of_the_offset_or_of_the_site() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    // It is Monday, 9 o'clock UTC: in Samoa it is still Sunday, 22 o'clock.
    conversation(&ann, json!({})).await;
    let on = |day: &str, offset: &str| {
        format!(
            "conditions[0][field]=createdTime&conditions[0][matchType]=is&conditions[0][value]={day}{offset}"
        )
    };
    assert_eq!(ids(&ann, &on("2026-01-05", "")).await, [1]);
    assert_eq!(ids(&ann, &on("2026-01-05", "&timeZoneOffset=-11")).await, [0_i64; 0]);
    assert_eq!(ids(&ann, &on("2026-01-04", "&timeZoneOffset=-660")).await, [1]);
    change(&desk, |tx| tx.run("UPDATE site SET time_zone = 'Pacific/Pago_Pago'", [])).await;
    assert_eq!(ids(&ann, &on("2026-01-04", "")).await, [1]);
    assert_eq!(ids(&ann, "timeFrom=2026-01-05T08:59:59&timeTo=2026-01-05T09:00:01").await, [1]);
    assert_eq!(
        ids(&ann, "timeFrom=2026-01-05T17:00:00&timeTo=2026-01-05T17:30:00&timeZoneOffset=8").await,
        [1]
    );
}

#[tokio::test]
async fn unread_conversations_are_counted_for_filters_in_their_order() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let lena = ann.post("/contacts", json!({ "name": "Lena" })).await.expect(201)["id"].clone();
    let submit = |subject: &'static str| {
        let body = json!({ "contactId": lena, "subject": subject, "message": { "plainBody": "Help" } });
        ann.post("/anytime/portalconversations", body)
    };
    for subject in ["Invoice", "Invoice again", "Lamp"] {
        submit(subject).await.expect(201);
    }
    ann.put("/anytime/conversations/1", json!({ "agentAssigneeId": luis.id })).await.expect(200);
    let note = json!({ "type": "note", "htmlBody": format!("<span data-id=\"{}\" class=\"athighlight\">@Luis</span> look", luis.id) });
    ann.post("/anytime/conversations/3/messages", note).await.expect(201);
    let conditions = json!([{ "fieldId": 2, "matchType": "contains", "value": "invoice" }]);
    luis.post("/anytime/filters", json!({ "name": "Invoices", "conditions": conditions })).await.expect(201);
    let counts = luis
        .get("/anytime/conversations/unreadCount?filterIds=1000&filterIds=2,77&filterids=5")
        .await
        .expect(200);
    let count = |id: i64, unread: i64, mentioned: i64| json!({ "filterId": id, "unreadCount": unread, "unreadMentionedCount": mentioned });
    assert_eq!(
        counts,
        json!({ "allCount": 3, "filters": [count(1000, 2, 0), count(2, 1, 0), count(5, 1, 1)] })
    );
    let all = luis.get("/anytime/conversations/unreadCount").await.expect(200);
    assert_eq!(all["filters"].as_array().unwrap().len(), 7);
    luis.put("/anytime/conversations/1/read", json!({})).await.expect(204);
    ann.delete("/anytime/conversations/2").await.expect(204);
    let counts = luis.get("/anytime/conversations/unreadCount?filterIds=1000").await.expect(200);
    assert_eq!(counts, json!({ "allCount": 1, "filters": [count(1000, 0, 0)] }));
    let wrong = luis.get("/anytime/conversations/unreadCount?filterIds=x").await.error(400);
    assert_eq!(wrong, "'filterIds' must be whole numbers, not 'x'");
    desk.as_nobody().get("/anytime/conversations/unreadCount").await.error(401);
}

#[tokio::test]
async fn a_field_that_a_filter_asks_for_cannot_go() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let options = json!([{ "name": "Lamp" }, { "name": "Chair" }]);
    let field = json!({ "type": "radio", "name": "Product", "options": options });
    ann.post("/anytime/fields", field).await.expect(201);
    let conditions = json!([{ "fieldId": 1000, "matchType": "is", "value": "lamp" }]);
    ann.post("/anytime/filters", json!({ "name": "Lamps", "conditions": conditions })).await.expect(201);
    let used = ann.delete("/anytime/fields/1000").await.error(409);
    assert_eq!(used, "the field 'Product' is used by the filter 'Lamps'");
    let chairs = json!({ "options": [{ "id": 2, "name": "Chair" }] });
    let used = ann.put("/anytime/fields/1000", chairs.clone()).await.error(409);
    assert_eq!(used, "the option 'Lamp' is used by the filter 'Lamps'");
    // A renamed option is followed.
    let renamed = json!({ "options": [{ "id": 1, "name": "Light" }, { "id": 2, "name": "Chair" }] });
    ann.put("/anytime/fields/1000", renamed).await.expect(200);
    assert_eq!(
        ann.get("/anytime/filters/1000").await.expect(200)["filter"]["conditions"][0]["value"],
        "Light"
    );
    ann.delete("/anytime/filters/1000").await.expect(204);
    ann.put("/anytime/fields/1000", chairs).await.expect(200);
    ann.delete("/anytime/fields/1000").await.expect(204);
}
