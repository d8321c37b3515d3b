//! Routing rules: storage and spellings (contract 15.1, 15.2), and where new conversations go.

use anytime::ids::ContactId;
use serde_json::{Value, json};

use crate::support::mail::mail;
use crate::support::mailroom::{DESK, LENA, Mailroom};
use crate::support::test_desk::{Client, TestDesk, change};

async fn department(ann: &Client, name: &str) -> i64 {
    ann.post("/departments", json!({ "name": name })).await.expect(201)["id"].as_i64().unwrap()
}

async fn rule(ann: &Client, rule: Value) -> i64 {
    let path = "/anytime/routingRules/1/customerRules";
    ann.post(path, rule).await.expect(201)["customerRule"]["id"].as_i64().unwrap()
}

/// Switches custom rules on.
async fn custom(ann: &Client) {
    ann.put("/anytime/routingRules/1", json!({ "isEnable": true, "type": "customRules" })).await.expect(200);
}

fn subject(match_type: &str, value: &str) -> Value {
    json!([{ "fieldId": 2, "matchType": match_type, "value": value }])
}

async fn submit(ann: &Client, subject: &str, extra: Value) -> Value {
    let mut body =
        json!({ "subject": subject, "channel": "portal", "message": { "type": "note", "plainBody": "x" } });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    ann.post("/anytime/conversations", body).await.expect(201)["conversation"].clone()
}

fn place(conversation: &Value) -> (Value, Value, &str) {
    (
        conversation["departmentAssigneeId"].clone(),
        conversation["agentAssigneeId"].clone(),
        conversation["priority"].as_str().unwrap(),
    )
}

async fn names(ann: &Client) -> Vec<String> {
    let list = ann.get("/anytime/routingRules/1/customerRules").await.expect(200);
    let rules = list["customerRules"].as_array().unwrap();
    for (index, rule) in rules.iter().enumerate() {
        assert_eq!(rule["index"], index + 1);
    }
    rules.iter().map(|rule| rule["name"].as_str().unwrap().to_owned()).collect()
}

async fn decision(ann: &Client, id: &Value, kind: &str) -> Value {
    let all = ann.get(&format!("/anytime/conversations/{id}/decisions")).await.expect(200);
    let all = all["decisions"].as_array().unwrap();
    all.iter().find(|decision| decision["kind"] == kind).map(|it| it[kind].clone()).unwrap_or_default()
}

#[tokio::test]
async fn the_first_enable_makes_the_default_setting_whatever_the_id() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let none = ann.get("/anytime/Routingrules").await.expect(200);
    assert_eq!(none, json!({ "routingRules": [], "routingrules": [] }));
    let made = ann.put("/anytime/routingRules/77/enable", json!({ "isEnable": true })).await.expect(200);
    let default = json!({
        "id": 1, "isEnable": true, "type": "simple",
        "simpleRouteToObject": "department", "simpleRouteToId": 0, "simpleRouteToPriority": "normal",
        "simpleRouteToWarning": null,
        "matchFailedRouteToObject": "department", "matchFailedRouteToId": 0,
        "matchFailedRouteToPriority": "normal", "matchFailedRouteToWarning": null,
        "customerRouteRules": [],
    });
    assert_eq!(made, json!({ "routingRule": default, "routingrule": default }));
    ann.put("/anytime/routingRules/77/enable", json!({ "isEnable": false })).await.error(404);
    let off = ann.put("/anytime/routingRules/enable", json!({ "isEnabled": false })).await.expect(200);
    assert_eq!(off["routingRule"]["isEnable"], false);
    ann.put("/anytime/routingRules/1/enable", json!({ "ifEnable": true })).await.expect(200);
    let list = ann.get("/anytime/routingRules").await.expect(200);
    assert_eq!(list["routingRules"], list["routingrules"]);
    assert_eq!(list["routingRules"][0]["isEnable"], true);
}

#[tokio::test]
async fn every_spelling_of_the_setting_is_read_and_one_is_written() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let sales = department(&ann, "Sales").await;
    for spelling in ["simple", "cusomterrules", "customerRules", "rules", "customRules"] {
        let body = json!({ "type": spelling, "SimpleRouteToId": sales.to_string(), "SimpleRouteToPriority": "HIGH" });
        let changed = ann.put("/anytime/routingRules/1", body).await.expect(200);
        let wanted = if spelling == "simple" { "simple" } else { "customRules" };
        assert_eq!(changed["routingRule"]["type"], wanted, "{spelling}");
        assert_eq!(changed["routingRule"]["simpleRouteToPriority"], "high");
        assert_eq!(changed["routingRule"]["simpleRouteToId"], sales);
    }
    // What was read can be sent back.
    let read = ann.get("/anytime/routingRules").await.expect(200)["routingRules"][0].clone();
    let again = ann.put("/anytime/routingRules/1", read.clone()).await.expect(200);
    assert_eq!(again["routingRule"], read);
}

#[tokio::test]
async fn a_wrong_setting_is_refused_with_field_and_value() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let mut gone = desk.create_agent("gone", false).await;
    ann.delete(&format!("/agents/{gone}")).await.expect(204);
    for (body, message) in [
        (json!({ "type": "magic" }), "'type' must be 'simple' or 'customRules', not 'magic'".to_owned()),
        (
            json!({ "simpleRouteToObject": "robot" }),
            "'simpleRouteToObject' must be 'department' or 'agent', not 'robot'".to_owned(),
        ),
        (json!({ "simpleRouteToId": 9 }), "'simpleRouteToId' there is no department 9".to_owned()),
        (
            json!({ "matchFailedRouteToObject": "agent", "matchFailedRouteToId": gone }),
            format!("'matchFailedRouteToId' there is no active agent {gone}"),
        ),
        (
            json!({ "matchFailedRouteToPriority": "asap" }),
            "'matchFailedRouteToPriority' must be 'urgent', 'high', 'normal' or 'low', not 'asap'".to_owned(),
        ),
    ] {
        assert_eq!(ann.put("/anytime/routingRules/1", body).await.error(400), message);
    }
    gone += 1;
    ann.put(&format!("/anytime/routingRules/{gone}"), json!({})).await.error(404);
    ann.put("/anytime/routingRules/x", json!({})).await.error(404);
}

#[tokio::test]
async fn a_custom_rule_is_created_read_changed_switched_and_deleted() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let sales = department(&ann, "Sales").await;
    let path = "/anytime/routingRules/1/customerRules";
    let new = json!({ "customerRule": {
        "name": " Refunds ", "when": 2, "logicExpression": "1 or 2", "routeToObject": "department",
        "routeToId": sales, "routeToPriority": "high",
        "conditions": [
            { "fieldId": 2, "matchType": "contains", "value": "refund", "index": 1 },
            { "field": "channel", "matchType": 1, "value": "email", "index": 2 },
        ],
    } });
    let created = ann.post(path, new).await;
    assert_eq!(created.location.as_deref(), Some("/api/v3/anytime/routingRules/1/customerRules/1"));
    let created = created.expect(201)["customerRule"].clone();
    assert_eq!(created["name"], "Refunds");
    assert_eq!(created["isEnable"], true);
    assert_eq!(created["when"], "logicalExpression");
    assert_eq!(
        (&created["routeToId"], &created["index"], &created["warnings"]),
        (&json!(sales), &json!(1), &json!([]))
    );
    assert_eq!(created["conditions"][1]["fieldId"], 7);
    assert_eq!(created["conditions"][1]["matchType"], "is");
    // The aliases and the other cases lead to the same rule.
    for path in ["/anytime/ROUTINGRULES/1/customerrules/1", "/anytime/routingRules/1/customRules/1/"] {
        assert_eq!(ann.get(path).await.expect(200)["customerRule"], created);
    }
    let rule_path = format!("{path}/1");
    // Sent back as it was read, nothing changes but the conditions' ids.
    let again = ann.put(&rule_path, created.clone()).await.expect(200)["customerRule"].clone();
    assert_eq!((&again["name"], &again["logicExpression"]), (&created["name"], &created["logicExpression"]));
    // A part of a rule leaves the rest alone.
    let changed = ann.put(&rule_path, json!({ "rouleName": "Money back" })).await.expect(200);
    assert_eq!(changed["customerRule"]["name"], "Money back");
    assert_eq!(changed["customerRule"]["conditions"], again["conditions"]);
    let any = ann.put(&rule_path, json!({ "when": "any" })).await.expect(200)["customerRule"].clone();
    assert_eq!((&any["when"], any["conditions"].as_array().unwrap().len()), (&json!("any"), 2));
    let off = ann.put(&format!("{rule_path}/enable"), json!({ "isEnable": false })).await.expect(200);
    assert_eq!(off["customerRule"]["isEnable"], false);
    let setting = ann.get("/anytime/routingRules").await.expect(200);
    assert_eq!(setting["routingRules"][0]["customerRouteRules"][0], off["customerRule"]);
    ann.delete(&rule_path).await.expect(204);
    ann.delete(&rule_path).await.error(404);
    let second = rule(&ann, json!({ "name": "B" })).await;
    ann.delete(&format!("/anytime/Routingrules/customerrules/{second}")).await.expect(204);
    ann.delete(&format!("/anytime/Routingrules/customerrules/{second}")).await.error(404);
    assert!(names(&ann).await.is_empty());
}

#[tokio::test]
async fn copies_go_right_below_switched_off() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let first = rule(&ann, json!({ "name": "First", "conditions": subject("contains", "a") })).await;
    rule(&ann, json!({ "name": "Second" })).await;
    let path = format!("/anytime/routingRules/1/customerRules/{first}/copy");
    let list = ann.send(ann.request(reqwest::Method::PUT, &path)).await.expect(200);
    assert_eq!(list["customerRules"][1]["isEnable"], false);
    assert_eq!(list["customerRules"][1]["conditions"][0]["value"], "a");
    ann.send(ann.request(reqwest::Method::POST, &path)).await.expect(200);
    assert_eq!(names(&ann).await, ["First", "First (copy)", "First (copy)", "Second"]);
}

#[tokio::test]
async fn rules_are_sorted_by_list_direction_or_index() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let mut ids = Vec::new();
    for name in ["A", "B", "C"] {
        ids.push(rule(&ann, json!({ "name": name })).await);
    }
    let path = |id: i64| format!("/anytime/routingRules/1/customerRules/{id}/sort");
    ann.put(&path(ids[2]), json!({ "type": "up" })).await.expect(200);
    assert_eq!(names(&ann).await, ["A", "C", "B"]);
    ann.put(&path(ids[0]), json!({ "type": "down" })).await.expect(200);
    assert_eq!(names(&ann).await, ["C", "A", "B"]);
    ann.put(&path(ids[2]), json!({ "type": "up" })).await.expect(200);
    assert_eq!(names(&ann).await, ["C", "A", "B"], "the first stays the first");
    ann.put(&path(ids[1]), json!({ "index": 1 })).await.expect(200);
    assert_eq!(names(&ann).await, ["B", "C", "A"]);
    let order = json!({ "customerRules": [{ "id": ids[0] }, { "id": ids[1] }] });
    let answer = ann.put(&path(ids[0]), order).await.expect(200);
    assert_eq!(answer["customerRules"].as_array().unwrap().len(), 3);
    assert_eq!(names(&ann).await, ["A", "B", "C"]);
    let order = json!({ "customerRules": [
        { "id": ids[0], "index": 3, "name": "A" }, { "id": ids[1], "index": 2 }, { "id": ids[2], "index": 1 },
    ] });
    ann.put(&path(ids[0]), order).await.expect(200);
    assert_eq!(names(&ann).await, ["C", "B", "A"]);
    // As they were read, indices and all, in another order: "the list of rules in the new order".
    let read = ann.get("/anytime/routingRules/1/customerRules").await.expect(200)["customerRules"].clone();
    let turned = json!([read[2], read[0], read[1]]);
    ann.put(&path(ids[0]), json!({ "customerRules": turned })).await.expect(200);
    assert_eq!(names(&ann).await, ["A", "C", "B"]);
    ann.put(&path(ids[0]), json!({ "customerRules": read })).await.expect(200);
    assert_eq!(names(&ann).await, ["C", "B", "A"], "the indices are not those of now");
    for (body, message) in [
        (json!({}), "'customerRules' or 'type' or 'index' is required, and one of them alone"),
        (json!({ "type": "sideways" }), "'type' must be 'up' or 'down', not 'sideways'"),
        (json!({ "index": 4 }), "'index' must be between 1 and 3, not 4"),
        (json!({ "customerRules": [{ "id": 99 }] }), "'customerRules[0].id' there is no custom rule 99"),
    ] {
        assert_eq!(ann.put(&path(ids[0]), body).await.error(400), message);
    }
    assert_eq!(names(&ann).await, ["C", "B", "A"]);
}

#[tokio::test]
async fn a_wrong_rule_is_refused_with_field_and_value() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (body, message) in [
        (json!({}), "'name' is required"),
        (json!({ "name": "x", "routeToId": 5 }), "'routeToId' there is no department 5"),
        (
            json!({ "name": "x", "routeToObject": "agent", "routeToId": 55 }),
            "'routeToId' there is no active agent 55",
        ),
        (
            json!({ "name": "x", "conditions": [{ "fieldId": 999, "matchType": "is", "value": "a" }] }),
            "'conditions[0].fieldId' '999' is not a field",
        ),
        (
            json!({ "name": "x", "conditions": [{ "fieldId": 5, "matchType": "is", "value": "new" }] }),
            "'conditions[0].fieldId' 'Status' cannot be used in routing rules",
        ),
        (
            json!({ "name": "x", "when": "logicalExpression", "logicExpression": "1 and 2",
                "conditions": subject("is", "a") }),
            "'logicExpression' '1 and 2' is invalid: it names condition 2, which does not exist",
        ),
        (
            json!({ "name": "x", "routeToPriority": "9" }),
            "'routeToPriority' must be 'urgent', 'high', 'normal' or 'low', not '9'",
        ),
    ] {
        let error = ann.post("/anytime/routingRules/1/customerRules", body.clone()).await.error(400);
        assert!(error.contains(message), "{body}: {error}");
    }
    assert!(names(&ann).await.is_empty(), "nothing was written");
    ann.get("/anytime/routingRules/2/customerRules").await.error(404);
    ann.get("/anytime/routingRules/1/customerRules/9").await.error(404);
}

#[tokio::test]
async fn only_who_manages_settings_sees_and_changes_routing() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let id = rule(&ann, json!({ "name": "A" })).await;
    let rules = "/anytime/routingRules/1/customerRules";
    luis.get("/anytime/routingRules").await.error(403);
    luis.put("/anytime/routingRules/1", json!({})).await.error(403);
    luis.put("/anytime/routingRules/1/enable", json!({ "isEnable": true })).await.error(403);
    luis.get(rules).await.error(403);
    luis.post(rules, json!({ "name": "x" })).await.error(403);
    luis.get(&format!("{rules}/{id}")).await.error(403);
    luis.put(&format!("{rules}/{id}/sort"), json!({ "type": "up" })).await.error(403);
    luis.delete(&format!("{rules}/{id}")).await.error(403);
    desk.as_nobody().get("/anytime/routingRules").await.error(401);
}

#[tokio::test]
async fn simple_routing_sends_everything_to_one_target() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let sales = department(&ann, "Sales").await;
    let simple = json!({ "simpleRouteToId": sales, "simpleRouteToPriority": "urgent" });
    ann.put("/anytime/routingRules/1", simple).await.expect(200);
    let off = submit(&ann, "a", json!({})).await;
    assert_eq!(place(&off), (json!(null), json!(null), "normal"), "not enabled yet");
    ann.put("/anytime/routingRules/1/enable", json!({ "isEnable": true })).await.expect(200);
    assert_eq!(place(&submit(&ann, "b", json!({})).await), (json!(sales), json!(null), "urgent"));
    let agent = json!({ "simpleRouteToObject": "agent", "simpleRouteToId": ann.id });
    ann.put("/anytime/routingRules/1", agent).await.expect(200);
    let routed = submit(&ann, "c", json!({})).await;
    assert_eq!(place(&routed), (json!(null), json!(ann.id), "urgent"));
    // Once: later changes do not route again.
    let path = format!("/anytime/conversations/{}", routed["id"]);
    ann.put(&path, json!({ "agentAssigneeId": null, "subject": "d" })).await.expect(200);
    assert_eq!(ann.get(&path).await.expect(200)["conversation"]["agentAssigneeId"], json!(null));
}

#[tokio::test]
async fn the_first_matching_rule_wins_else_the_match_failed_target() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (sales, support, rest) =
        (department(&ann, "Sales").await, department(&ann, "Support").await, department(&ann, "Rest").await);
    custom(&ann).await;
    let failed = json!({ "matchFailedRouteToId": rest, "matchFailedRouteToPriority": "low" });
    ann.put("/anytime/routingRules/1", failed).await.expect(200);
    rule(&ann, json!({ "name": "Never: no condition", "routeToId": rest, "routeToPriority": "urgent" }))
        .await;
    let off = json!({ "name": "Off", "isEnable": false, "routeToId": rest, "conditions": subject("contains", "e") });
    rule(&ann, off).await;
    let both = json!([
        { "fieldId": 2, "matchType": "contains", "value": "OFFER" },
        { "fieldId": 2, "matchType": "notContains", "value": "spam" },
    ]);
    rule(&ann, json!({ "name": "All", "routeToId": sales, "routeToPriority": "high", "conditions": both }))
        .await;
    let any = json!([
        { "fieldId": 2, "matchType": "contains", "value": "broken" },
        { "fieldId": 2, "matchType": "contains", "value": "offer" },
    ]);
    rule(&ann, json!({ "name": "Any", "when": "any", "routeToId": support, "conditions": any })).await;
    for (subject, department, priority) in [
        ("An offer, please", sales, "high"),
        ("Broken, but an offer", sales, "high"),
        ("A spam offer", support, "normal"),
        ("It is broken", support, "normal"),
        ("Hello", rest, "low"),
    ] {
        let routed = submit(&ann, subject, json!({})).await;
        assert_eq!(place(&routed), (json!(department), json!(null), priority), "{subject}");
    }
}

#[tokio::test]
async fn a_logical_expression_decides() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let sales = department(&ann, "Sales").await;
    custom(&ann).await;
    let conditions = json!([
        { "fieldId": 2, "matchType": "contains", "value": "a", "index": 1 },
        { "fieldId": 2, "matchType": "contains", "value": "b", "index": 2 },
        { "fieldId": 2, "matchType": "contains", "value": "c", "index": 3 },
    ]);
    let body = json!({
        "name": "Expression", "when": "logicalExpresion", "logicalExpression": "(1 OR 2) and 3",
        "routeToId": sales, "conditions": conditions,
    });
    rule(&ann, body).await;
    for (subject, is_match) in [("ac", true), ("bc", true), ("ab", false), ("c", false)] {
        let routed = submit(&ann, subject, json!({})).await;
        assert_eq!(routed["departmentAssigneeId"] == json!(sales), is_match, "{subject}");
    }
}

#[tokio::test]
async fn what_is_given_with_a_conversation_wins_over_routing() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (sales, support) = (department(&ann, "Sales").await, department(&ann, "Support").await);
    let simple = json!({ "isEnable": true, "simpleRouteToId": sales, "simpleRouteToPriority": "high" });
    ann.put("/anytime/routingRules/1", simple).await.expect(200);
    let given = submit(&ann, "a", json!({ "departmentAssigneeId": support })).await;
    assert_eq!(place(&given), (json!(support), json!(null), "normal"));
    let trace = decision(&ann, &given["id"], "routing").await;
    assert_eq!(trace["skipped"], "an agent or a department was given with the conversation");
    let low = submit(&ann, "b", json!({ "priority": "low" })).await;
    assert_eq!(place(&low), (json!(sales), json!(null), "low"));
    // One of the two is enough: routing is for what nobody has placed.
    let agent = submit(&ann, "c", json!({ "agentAssigneeId": ann.id })).await;
    assert_eq!(place(&agent), (json!(null), json!(ann.id), "normal"));
}

#[tokio::test]
async fn a_target_that_is_gone_is_skipped_with_a_warning_and_the_priority_kept() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (luis, mia) = (desk.create_agent("luis", false).await, desk.create_agent("mia", false).await);
    custom(&ann).await;
    for (name, id) in [("l", luis), ("m", mia)] {
        let body = json!({
            "name": name, "routeToObject": "agent", "routeToId": id, "routeToPriority": "high",
            "conditions": subject("is", name),
        });
        rule(&ann, body).await;
    }
    ann.delete(&format!("/agents/{luis}")).await.expect(204);
    ann.put(&format!("/agents/{mia}"), json!({ "isActive": false })).await.expect(200);
    for (name, warning) in [
        ("l", "Luis was deleted: nothing is assigned to them".to_owned()),
        ("m", "Mia is not active: nothing is assigned to them".to_owned()),
    ] {
        let routed = submit(&ann, name, json!({})).await;
        assert_eq!(place(&routed), (json!(null), json!(null), "high"), "{name}");
        assert_eq!(decision(&ann, &routed["id"], "routing").await["skipped"], warning);
        let list = ann.get("/anytime/routingRules/1/customerRules").await.expect(200);
        let shown =
            list["customerRules"].as_array().unwrap().iter().find(|rule| rule["name"] == name).unwrap();
        assert_eq!(shown["warnings"], json!([warning]));
    }
    let other = submit(&ann, "other", json!({})).await;
    assert_eq!(place(&other), (json!(null), json!(null), "normal"));
    assert_eq!(decision(&ann, &other["id"], "routing").await["skipped"], "the target is nobody");
}

#[tokio::test]
async fn each_decision_says_which_rules_were_tried_what_they_saw_and_which_won() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let sales = department(&ann, "Sales").await;
    custom(&ann).await;
    let first = json!([
        { "fieldId": 2, "matchType": "contains", "value": "offer" },
        { "fieldId": 7, "matchType": "is", "value": "email" },
    ]);
    rule(&ann, json!({ "name": "By mail", "conditions": first })).await;
    rule(
        &ann,
        json!({ "name": "Any offer", "routeToId": sales, "conditions": subject("contains", "offer") }),
    )
    .await;
    rule(&ann, json!({ "name": "Not reached", "conditions": subject("contains", "offer") })).await;
    let routed = submit(&ann, "My offer", json!({})).await;
    let trace = decision(&ann, &routed["id"], "routing").await;
    assert_eq!((&trace["winner"], &trace["departmentAssigneeId"]), (&json!("rule"), &json!(sales)));
    let rules = trace["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 2);
    assert_eq!((&rules[0]["isMatch"], &rules[0]["firstFailed"]), (&json!(false), &json!(2)));
    assert_eq!(
        rules[0]["conditions"][1],
        json!({ "index": 2, "fieldId": 7, "field": "Channel", "matchType": "is", "value": "email",
            "saw": ["7"], "isMatch": false, "problem": null })
    );
    assert_eq!((&rules[1]["name"], &rules[1]["isMatch"]), (&json!("Any offer"), &json!(true)));
    assert_eq!(rules[1]["conditions"][0]["saw"], json!(["My offer"]));
    // The trace stays what it was when the rules change.
    ann.delete("/anytime/routingRules/1/customerRules/2").await.expect(204);
    assert_eq!(decision(&ann, &routed["id"], "routing").await, trace);
}

#[tokio::test]
async fn portal_conversations_are_routed() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let sales = department(&ann, "Sales").await;
    let contact = ann.post("/contacts", json!({ "name": "Lena" })).await.expect(201)["id"].as_i64().unwrap();
    let simple = json!({ "isEnable": true, "simpleRouteToId": sales, "simpleRouteToPriority": "low" });
    ann.put("/anytime/routingRules/1", simple).await.expect(200);
    change(&desk, move |tx| crate::support::scene::submit(tx, ContactId(contact), "Question", "Why?")).await;
    let routed = ann.get("/anytime/conversations/1").await.expect(200)["conversation"].clone();
    assert_eq!(place(&routed), (json!(sales), json!(null), "low"));
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_goes_to_its_accounts_assignee_first_and_routing_fills_in_the_rest() {
    let room = Mailroom::open().await;
    let ann = &room.ann;
    let (sales, support) = (department(ann, "Sales").await, department(ann, "Support").await);
    custom(ann).await;
    let mine = json!([{ "fieldId": 19, "matchType": "is", "value": "lena@customer.example" }]);
    let to_sales =
        json!({ "name": "Lena", "routeToId": sales, "routeToPriority": "high", "conditions": mine });
    rule(ann, to_sales).await;
    let to_ann = json!({
        "name": "To us", "routeToObject": "agent", "routeToId": ann.id,
        "conditions": [{ "field": "receivedFrom", "matchType": "contains", "value": "support@" }],
    });
    rule(ann, to_ann).await;
    room.receive(&mail(LENA, DESK, "One", &[], "x")).await;
    room.receive(&mail("Tom <tom@customer.example>", DESK, "Two", &[], "x")).await;
    let account = ann.get("/anytime/emailAccounts").await.expect(200)["emailAccounts"][0]["id"].clone();
    let assign = json!({ "departmentAssigneeId": support });
    ann.put(&format!("/anytime/emailAccounts/{account}"), assign).await.expect(200);
    room.receive(&mail(LENA, DESK, "Three", &[], "x")).await;
    room.receive(&mail("Tom <tom@customer.example>", DESK, "Four", &[], "x")).await;
    let mut places = Vec::new();
    for id in 1..=4 {
        let routed = ann.get(&format!("/anytime/conversations/{id}")).await.expect(200);
        let (department, agent, priority) = place(&routed["conversation"]);
        places.push((department, agent, priority.to_owned()));
    }
    let high = || "high".to_owned();
    assert_eq!(places[0], (json!(sales), json!(null), high()));
    assert_eq!(places[1], (json!(null), json!(ann.id), "normal".to_owned()));
    assert_eq!(places[2], (json!(support), json!(null), high()));
    assert_eq!(places[3], (json!(support), json!(ann.id), "normal".to_owned()));
}

#[tokio::test]
async fn an_accounts_assignee_who_is_not_active_is_skipped_with_a_warning() {
    let room = Mailroom::open().await;
    let ann = &room.ann;
    let luis = room.desk.create_agent("luis", false).await;
    let account = ann.get("/anytime/emailAccounts").await.expect(200)["emailAccounts"][0]["id"].clone();
    let assign = json!({ "agentAssigneeId": luis });
    ann.put(&format!("/anytime/emailAccounts/{account}"), assign).await.expect(200);
    room.receive(&mail(LENA, DESK, "One", &[], "x")).await;
    ann.put(&format!("/agents/{luis}"), json!({ "isActive": false })).await.expect(200);
    room.receive(&mail(LENA, DESK, "Two", &[], "x")).await;
    let simple = json!({ "isEnable": true, "simpleRouteToObject": "agent", "simpleRouteToId": ann.id });
    ann.put("/anytime/routingRules/1", simple).await.expect(200);
    room.receive(&mail(LENA, DESK, "Three", &[], "x")).await;
    let mut agents = Vec::new();
    for id in 1..=3 {
        let made = ann.get(&format!("/anytime/conversations/{id}")).await.expect(200);
        agents.push(made["conversation"]["agentAssigneeId"].clone());
    }
    assert_eq!(agents, [json!(luis), json!(null), json!(ann.id)]);
    assert_eq!(ann.get("/anytime/conversations/1/decisions").await.expect(200)["decisions"], json!([]));
    for id in [2, 3] {
        let told = decision(ann, &json!(id), "account").await;
        assert_eq!(
            (&told["agentAssigneeId"], &told["skipped"]),
            (&json!(luis), &json!("Luis is not active"))
        );
    }
    let browser = room.desk.browser();
    browser.sign_in("ann").await;
    let why = browser.get("/console/conversations/2/why").await;
    why.shows("The assignee of support@desk.example got nothing: Luis is not active, skipped");
}
