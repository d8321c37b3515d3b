//! Rehearsals: drafts replayed on recorded history, without touching anything.

use std::time::Duration;

use anytime::desk::Actor;
use anytime::desk::availability::{self, AvailabilityChange, Presence};
use anytime::ids::AgentId;
use anytime::jobs::record_breaches;
use serde_json::{Value, json};

use crate::support::test_desk::{Client, TestDesk, change, eventually};

const PATH: &str = "/anytime/rehearsals";

async fn department(ann: &Client, name: &str) -> i64 {
    ann.post("/departments", json!({ "name": name })).await.expect(201)["id"].as_i64().unwrap()
}

async fn submit(ann: &Client, subject: &str, extra: Value) -> i64 {
    let mut body =
        json!({ "subject": subject, "channel": "portal", "message": { "type": "note", "plainBody": "Hi" } });
    body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
    ann.post("/anytime/conversations", body).await.expect(201)["conversation"]["id"].as_i64().unwrap()
}

/// Rehearses a draft and waits for the result.
async fn rehearse(ann: &Client, draft: Value) -> Value {
    let started = ann.post(PATH, draft).await;
    let location = started.location.clone().unwrap();
    let started = started.expect(202)["rehearsal"].clone();
    assert_eq!(location, format!("/api/v3{PATH}/{}", started["id"]));
    eventually("the rehearsal to end", async || {
        let found = ann.get(&format!("{PATH}/{}", started["id"])).await.expect(200);
        (found["rehearsal"]["state"] != "running").then_some(found)
    })
    .await
}

fn containing(text: &str, department: i64, priority: &str) -> Value {
    json!({
        "name": text, "routeToId": department, "routeToPriority": priority,
        "conditions": [{ "fieldId": 2, "matchType": "contains", "value": text }],
    })
}

#[tokio::test]
async fn a_routing_draft_says_which_conversations_would_have_gone_elsewhere() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (sales, support) = (department(&ann, "Sales").await, department(&ann, "Support").await);
    let old = submit(&ann, "An offer from before", json!({})).await;
    ann.put("/anytime/routingRules/1", json!({ "isEnable": true, "type": "customRules" })).await.expect(200);
    let rules = "/anytime/routingRules/1/customerRules";
    ann.post(rules, containing("offer", sales, "high")).await.expect(201);
    let routed = submit(&ann, "An offer", json!({})).await;
    let urgent = submit(&ann, "An offer too", json!({ "priority": "urgent" })).await;
    let other = submit(&ann, "Broken", json!({})).await;
    // Later changes do not matter: routing saw the conversation when it was created.
    ann.put(
        &format!("/anytime/conversations/{routed}"),
        json!({ "subject": "Renamed", "departmentAssigneeId": support }),
    )
    .await
    .expect(200);
    let before = desk.number("SELECT (SELECT max(id) FROM event) + (SELECT count(*) FROM routing_rule)");
    let draft = json!({ "customerRules": [
        containing("offer", support, "high"), containing("broken", support, "low"),
    ] });
    let result = rehearse(&ann, draft).await;
    assert_eq!(
        (&result["rehearsal"]["state"], &result["rehearsal"]["kind"]),
        (&json!("done"), &json!("routing"))
    );
    assert_eq!((&result["rehearsal"]["total"], &result["rehearsal"]["done"]), (&json!(4), &json!(4)));
    assert_eq!(result["total"], 4);
    let differences = result["differences"].as_array().unwrap();
    let ids: Vec<i64> = differences.iter().map(|it| it["conversationId"].as_i64().unwrap()).collect();
    assert_eq!(ids, [old, routed, urgent, other]);
    assert_eq!(
        differences[1]["current"]["routed"],
        json!({ "agentAssigneeId": null, "departmentAssigneeId": sales, "priority": "high", "by": "offer" })
    );
    assert_eq!(
        differences[1]["draft"]["routed"],
        json!({ "agentAssigneeId": null, "departmentAssigneeId": support, "priority": "high", "by": "offer" })
    );
    assert_eq!(differences[2]["draft"]["routed"]["priority"], "urgent", "what was given stays");
    assert_eq!(differences[3]["draft"]["routed"]["priority"], "low");
    let totals = &result["rehearsal"]["totals"];
    assert_eq!(
        (&totals["differing"], &totals["routedElsewhere"], &totals["otherPriority"]),
        (&json!(4), &json!(4), &json!(1))
    );
    let after = desk.number("SELECT (SELECT max(id) FROM event) + (SELECT count(*) FROM routing_rule)");
    assert_eq!(before, after, "nothing was touched");
    assert_eq!(ann.get(rules).await.expect(200)["customerRules"][0]["routeToId"], sales);
}

#[tokio::test]
async fn unchanged_rules_give_an_empty_difference() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let sales = department(&ann, "Sales").await;
    ann.put("/anytime/routingRules/1", json!({ "isEnable": true, "type": "customRules" })).await.expect(200);
    ann.post("/anytime/routingRules/1/customerRules", containing("a", sales, "high")).await.expect(201);
    let set = json!({ "name": "T", "triggerEvent": 1, "actions": [{ "type": "SetValue", "fieldId": 6, "value": "low" }] });
    let trigger = ann.post("/anytime/triggers", set).await.expect(201)["trigger"].clone();
    for subject in ["a", "b", "c"] {
        submit(&ann, subject, json!({})).await;
    }
    let setting = ann.get("/anytime/routingRules").await.expect(200)["routingRules"][0].clone();
    for draft in [
        json!({ "customerRules": setting["customerRouteRules"] }),
        json!({ "routingRule": setting }),
        json!({ "routingRule": {} }),
        json!({ "triggers": [trigger] }),
        json!({ "triggers": [] }),
    ] {
        let result = rehearse(&ann, draft.clone()).await;
        assert_eq!((&result["rehearsal"]["state"], &result["total"]), (&json!("done"), &json!(0)), "{draft}");
        assert_eq!(result["rehearsal"]["done"], 3);
    }
}

/// Conversations that routing, allocation, triggers and service levels made something of, in an order that differs from
/// one to the next.
async fn lively(desk: &TestDesk, ann: &Client) -> Vec<i64> {
    let luis = desk.create_agent("luis", false).await;
    let departments = [("Sales", ann.id), ("Support", luis)];
    let mut ids = Vec::new();
    for (name, agent) in departments {
        let body = json!({ "name": name, "agents": [agent] });
        ids.push(ann.post("/departments", body).await.expect(201)["id"].as_i64().unwrap());
    }
    let [sales, support] = ids[..] else { panic!("two departments") };
    let tag = ann.post("/tags", json!({ "name": "seen" })).await.expect(201)["id"].as_i64().unwrap();
    ann.put("/anytime/routingRules/1", json!({ "isEnable": true, "type": "customRules" })).await.expect(200);
    let rules = "/anytime/routingRules/1/customerRules";
    ann.post(rules, containing("offer", sales, "high")).await.expect(201);
    ann.post(rules, containing("broken", support, "urgent")).await.expect(201);
    let mut to_luis = containing("luis", luis, "low");
    to_luis["routeToObject"] = json!("agent");
    ann.post(rules, to_luis).await.expect(201);
    ann.put("/anytime/autoAllocation", json!({ "isEnabled": true, "maxNumberForAllAgents": 0 }))
        .await
        .expect(200);
    for id in [ann.id, luis].map(AgentId) {
        let seen = AvailabilityChange { presence: Some(Presence::Online), ..AvailabilityChange::default() };
        change(desk, move |tx| availability::update(tx, &Actor::System, id, &seen)).await;
    }
    let is =
        |field: i64, value: i64| json!({ "fieldId": field, "matchType": "is", "value": value.to_string() });
    let is_priority = |name: &str| json!({ "fieldId": 6, "matchType": "is", "value": name });
    let set = |field: i64, value: &str| json!({ "type": "SetValue", "fieldId": field, "value": value });
    for (name, event, condition, set) in [
        ("new in sales", 1, is(3, sales), Some(set(6, "low"))),
        ("new for luis", 1, is(4, luis), None),
        ("new and urgent", 1, is_priority("urgent"), Some(set(16, &tag.to_string()))),
        ("given to ann", 4, is(4, ann.id), None),
        ("given while low", 4, is_priority("low"), None),
        ("answered in support", 3, is(3, support), Some(set(6, "normal"))),
        ("answered once", 3, json!({ "fieldId": 12, "matchType": "is", "value": "1" }), None),
        ("changed while tagged", 5, is(16, tag), None),
        ("changed while normal", 5, is_priority("normal"), None),
    ] {
        let mail = json!({ "type": "SendEmail", "agentIds": [ann.id], "subject": "s", "textBody": "b" });
        let actions: Vec<Value> = set.into_iter().chain([mail]).collect();
        let body =
            json!({ "name": name, "triggerEvent": event, "conditions": [condition], "actions": actions });
        ann.post("/anytime/triggers", body).await.expect(201);
    }
    for (name, minutes, conditions) in [
        ("sales", 5, json!([is(3, sales)])),
        ("luis", 20, json!([is(4, luis)])),
        ("low", 10, json!([is_priority("low")])),
        ("rest", 60, json!([])),
    ] {
        let body = json!({ "name": name, "firstRespondWithin": minutes, "resolveRespondWithin": 2 * minutes,
            "operationalHours": "calendarHours", "conditions": conditions });
        ann.post("/anytime/slaPolicies", body).await.expect(201);
    }
    let mut made = Vec::new();
    for subject in ["An offer", "Broken", "For Luis", "Hello", "A broken offer", "Broken for Luis"] {
        for extra in [json!({}), json!({ "priority": "high" })] {
            made.push(submit(ann, subject, extra).await);
        }
    }
    for (index, id) in made.iter().enumerate() {
        desk.advance(Duration::from_secs(60));
        let path = format!("/anytime/conversations/{id}");
        if index % 2 == 0 {
            let reply = json!({ "type": "reply", "plainBody": "Yes" });
            ann.post(&format!("{path}/messages"), reply).await.expect(201);
        }
        let (department, agent) = if index % 2 == 0 { (sales, luis) } else { (support, ann.id) };
        for change in [
            json!({ "priority": "normal" }),
            json!({ "departmentAssigneeId": department, "status": "onHold" }),
            json!({ "agentAssigneeId": agent }),
            json!({ "status": "closed" }),
        ] {
            desk.advance(Duration::from_secs(30));
            if index % 5 != 3 {
                ann.put(&path, change).await.expect(200);
            }
        }
    }
    eventually("triggers to have read the log", async || {
        let behind =
            "SELECT (SELECT max(id) FROM event) - (SELECT event_id FROM cursor WHERE consumer = 'trigger')";
        (desk.number(behind) == 0).then_some(())
    })
    .await;
    desk.advance(Duration::from_secs(3600));
    record_breaches(&desk.app).await.unwrap();
    made
}

#[tokio::test]
async fn what_a_rehearsal_takes_for_the_past_is_what_happened() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let made = lively(&desk, &ann).await;
    let listed = ann.get("/anytime/triggers").await.expect(200)["triggers"].clone();
    let policies = ann.get("/anytime/slaPolicies").await.expect(200)["slaPolicies"].clone();
    for draft in [json!({ "triggers": listed }), json!({ "slaPolicies": policies })] {
        assert_eq!(rehearse(&ann, draft).await["total"], 0, "unchanged rules give an empty difference");
    }
    let off = |rules: &Value| -> Vec<Value> {
        rules.as_array().unwrap().iter().map(|rule| json!({ "id": rule["id"], "ifEnable": false })).collect()
    };
    let triggers = rehearse(&ann, json!({ "triggers": off(&listed) })).await;
    let judged = rehearse(&ann, json!({ "slaPolicies": off(&policies) })).await;
    let of = |result: &Value, id: i64| {
        let all = result["differences"].as_array().unwrap();
        all.iter().find(|found| found["conversationId"] == id).map(|found| found["current"].clone())
    };
    let mut fired = 0;
    for id in made {
        let decisions = ann.get(&format!("/anytime/conversations/{id}/decisions")).await.expect(200);
        let ran: Vec<&Value> = decisions["decisions"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|decision| decision["trigger"]["triggers"].as_array().into_iter().flatten())
            .filter(|asked| asked["fired"] == true)
            .map(|asked| &asked["name"])
            .collect();
        let current = of(&triggers, id).map_or(json!([]), |current| current["triggered"].clone());
        let replayed: Vec<&Value> =
            current.as_array().unwrap().iter().map(|effect| &effect["trigger"]).collect();
        assert_eq!(replayed, ran, "triggers of conversation {id}");
        fired += ran.len();
        let current = of(&judged, id).map_or(json!({}), |current| current["judged"].clone());
        let missed =
            format!("SELECT count(*) FROM clock WHERE conversation_id = {id} AND breached_at NOT NULL");
        let replayed = current["breaches"].as_array().map_or(0, Vec::len) as i64;
        assert_eq!(replayed, desk.number(&missed), "breaches of conversation {id}: {current}");
        if 0 < replayed {
            let conversation = ann.get(&format!("/anytime/conversations/{id}")).await.expect(200);
            let policy = &conversation["conversation"]["slaPolicyId"];
            let named = policies.as_array().unwrap().iter().find(|it| it["id"] == *policy).unwrap();
            assert_eq!(current["policy"], named["name"], "policy of conversation {id}");
        }
    }
    assert!(20 < fired, "only {fired} triggers ran");
    assert!(5 < desk.number("SELECT count(*) FROM clock WHERE breached_at NOT NULL"));
}

#[tokio::test]
async fn a_trigger_draft_says_what_would_have_been_set_and_mailed_and_when() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let identity = json!([{ "type": "email", "value": "lena@customer.example" }]);
    let lena =
        ann.post("/contacts", json!({ "name": "Lena", "identities": identity })).await.expect(201)["id"]
            .clone();
    let id = submit(&ann, "Help", json!({ "contactId": lena })).await;
    let path = format!("/anytime/conversations/{id}");
    desk.advance(Duration::from_secs(3600));
    ann.put(&path, json!({ "priority": "urgent" })).await.expect(200);
    ann.put(&path, json!({ "status": "onHold" })).await.expect(200);
    desk.advance(Duration::from_secs(4 * 3600));
    ann.put(&path, json!({ "priority": "low", "status": "closed" })).await.expect(200);
    let urgent = json!([{ "fieldId": 6, "matchType": "is", "value": "urgent" }]);
    let mail = json!({ "type": "SendEmail", "toContact": true, "subject": "s", "textBody": "b" });
    let draft = json!({ "triggers": [
        { "name": "On hold", "triggerEvent": "statusIsChanged", "conditions": urgent, "actions": [mail] },
        { "name": "Closed", "triggerEvent": "statusIsChanged", "stayStatus": "closed",
          "actions": [{ "type": "SetValue", "fieldId": 4, "value": ann.id }] },
        { "name": "Too long", "triggerEvent": "staysAtStatusPeriod", "stayStatus": "onHold", "stayTimeSpan": 3,
          "conditions": urgent, "actions": [{ "type": "SetValue", "fieldId": 2, "value": "Waiting" }] },
    ] });
    let result = rehearse(&ann, draft).await;
    let difference = &result["differences"][0];
    assert_eq!(difference["current"]["triggered"], json!([]));
    let effects: Vec<(&str, &str, &Value, &Value)> = difference["draft"]["triggered"]
        .as_array()
        .unwrap()
        .iter()
        .map(|effect| {
            let text = |key: &str| effect[key].as_str().unwrap();
            (text("trigger"), text("time"), &effect["values"], &effect["mails"])
        })
        .collect();
    let (none, agent) = (json!([]), json!([{ "fieldId": 4, "value": ann.id.to_string() }]));
    let (waiting, contact) = (json!([{ "fieldId": 2, "value": "Waiting" }]), json!(["contact"]));
    assert_eq!(
        effects,
        [
            ("On hold", "2026-01-05T10:00:00.000Z", &none, &contact),
            ("Too long", "2026-01-05T13:00:00.000Z", &waiting, &none),
            ("Closed", "2026-01-05T14:00:00.000Z", &agent, &none),
        ]
    );
    let totals = &result["rehearsal"]["totals"];
    assert_eq!(
        (&totals["mailsMore"], &totals["valuesMore"], &totals["mailsFewer"]),
        (&json!(1), &json!(2), &json!(0))
    );
    let csv = format!("{PATH}/{}/csv", result["rehearsal"]["id"]);
    let csv = ann.request(reqwest::Method::GET, &csv).send().await.unwrap().text().await.unwrap();
    let told = "nothing\",\"On hold at 2026-01-05T10:00:00.000Z: mail to the contact; Too long at 2026-01-05T13:00:00.000Z: \
                Subject set to “Waiting”; Closed at 2026-01-05T14:00:00.000Z: Agent Assignee set to “Ann”";
    assert!(csv.contains(told), "{csv}");
    assert_eq!(desk.number("SELECT count(*) FROM trigger"), 0);
    assert_eq!(desk.number("SELECT count(*) FROM outgoing_mail"), 0);
}

#[tokio::test]
async fn a_changed_trigger_is_compared_with_the_stored_one() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let set = json!({ "name": "T", "triggerEvent": 1, "actions": [{ "type": "SetValue", "fieldId": 6, "value": "low" }] });
    let id = ann.post("/anytime/triggers", set).await.expect(201)["trigger"]["id"].clone();
    submit(&ann, "a", json!({})).await;
    let off = rehearse(&ann, json!({ "triggers": [{ "id": id, "ifEnable": false }] })).await;
    assert_eq!(off["rehearsal"]["totals"]["valuesFewer"], 1);
    let narrow = json!([{ "fieldId": 2, "matchType": "is", "value": "a" }]);
    let same = rehearse(&ann, json!({ "triggers": [{ "id": id, "conditions": narrow }] })).await;
    assert_eq!(same["total"], 0, "another rule that comes to the same");
    ann.post(PATH, json!({ "triggers": [{ "id": 99, "ifEnable": false }] })).await.error(404);
}

#[tokio::test]
async fn an_sla_draft_says_which_targets_would_have_been_missed_and_when() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let id = submit(&ann, "Help", json!({})).await;
    desk.advance(Duration::from_secs(3 * 3600));
    ann.post(
        &format!("/anytime/conversations/{id}/messages"),
        json!({ "type": "reply", "plainBody": "Yes" }),
    )
    .await
    .expect(201);
    let strict = json!({ "name": "Strict", "firstRespondWithin": 60, "operationalHours": "calendarHours" });
    let result = rehearse(&ann, json!({ "slaPolicies": [strict] })).await;
    let difference = &result["differences"][0];
    assert_eq!(difference["current"]["judged"], json!({ "policy": null, "breaches": [] }));
    assert_eq!(
        difference["draft"]["judged"],
        json!({ "policy": "Strict", "breaches": [{ "target": "firstRespond", "time": "2026-01-05T10:00:00.000Z" }] })
    );
    assert_eq!(result["rehearsal"]["totals"]["breachesMore"], 1);
    assert_eq!(ann.get("/anytime/slaPolicies").await.expect(200)["slaPolicies"], json!([]));
    // The stored policy, by another calendar.
    let hours = json!({ "name": "Office", "firstRespondWithin": 60, "operationalHours": "businessHours" });
    let policy = ann.post("/anytime/slaPolicies", hours).await.expect(201)["slaPolicy"].clone();
    let same = rehearse(&ann, json!({ "slaPolicies": [policy] })).await;
    assert_eq!(same["total"], 0, "unchanged policies give an empty difference");
    let closed = json!([{ "dayOfWeek": "monday", "isBusinessDay": false }]);
    let moved = rehearse(&ann, json!({ "workingTimes": closed })).await;
    assert_eq!(moved["rehearsal"]["totals"]["breachesFewer"], 1, "{moved}");
}

#[tokio::test]
async fn the_differences_come_as_csv_that_no_spreadsheet_calculates() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let sales = department(&ann, "Sales").await;
    let id = submit(&ann, "=HYPERLINK(\"x\")", json!({})).await;
    let draft = json!({ "routingRule": { "isEnable": true, "simpleRouteToId": sales, "simpleRouteToPriority": "low" } });
    let result = rehearse(&ann, draft).await;
    let path = format!("{PATH}/{}/csv", result["rehearsal"]["id"]);
    let answer = ann.request(reqwest::Method::GET, &path).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/csv; charset=utf-8");
    assert_eq!(
        answer.text().await.unwrap(),
        format!(
            "Conversation,Subject,Now,Draft\r\n{id},\"'=HYPERLINK(\"\"x\"\")\",\"nobody, normal (off)\",\"Sales, low (simple)\"\r\n"
        )
    );
}

#[tokio::test]
async fn a_wrong_draft_or_period_is_refused_as_if_it_were_saved() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (body, message) in [
        (json!({}), "'routingRule' or 'customerRules' or 'triggers' or 'slaPolicies' is required"),
        (json!({ "routingRule": {}, "triggers": [] }), "a draft of one kind"),
        (json!({ "routingRule": { "simpleRouteToId": 9 } }), "'simpleRouteToId' there is no department 9"),
        (
            json!({ "customerRules": [{ "name": "x", "conditions": [{ "fieldId": 99, "matchType": "is", "value": "a" }] }] }),
            "'99' is not a field",
        ),
        (json!({ "triggers": [{ "name": "x" }] }), "'triggerEvent' is required"),
        (json!({ "triggers": [], "timeFrom": "yesterday" }), "'timeFrom' 'yesterday' is not a time"),
        (
            json!({ "triggers": [], "timeFrom": "2026-01-05T00:00:00Z", "timeTo": "2026-01-04T00:00:00Z" }),
            "is later than timeTo",
        ),
        (
            json!({ "triggers": [], "timeFrom": "2020-01-01T00:00:00Z" }),
            "'timeFrom' '2020-01-01T00:00:00.000Z' makes a period of",
        ),
    ] {
        let error = ann.post(PATH, body.clone()).await.error(400);
        assert!(error.contains(message), "{body}: {error}");
    }
    assert_eq!(ann.get(PATH).await.expect(200), json!({ "rehearsals": [] }));
    assert_eq!(desk.number("SELECT count(*) FROM routing"), 0);
    ann.get(&format!("{PATH}/9")).await.error(404);
    ann.get(&format!("{PATH}/9/csv")).await.error(404);
    ann.delete(&format!("{PATH}/9")).await.error(404);
}

#[tokio::test]
async fn only_who_manages_settings_rehearses() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let made = ann.post(PATH, json!({ "triggers": [] })).await.expect(202)["rehearsal"]["id"].clone();
    luis.get(PATH).await.error(403);
    luis.post(PATH, json!({ "triggers": [] })).await.error(403);
    luis.get(&format!("{PATH}/{made}")).await.error(403);
    luis.get(&format!("{PATH}/{made}/csv")).await.error(403);
    luis.delete(&format!("{PATH}/{made}")).await.error(403);
    desk.as_nobody().get(PATH).await.error(401);
    ann.delete(&format!("{PATH}/{made}")).await.expect(204);
}
