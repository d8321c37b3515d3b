//! Auto allocation: its settings, and who gets what (contract 15.3, 15.4).

use std::collections::HashMap;
use std::time::Duration;

use anytime::desk::Actor;
use anytime::desk::allocation;
use anytime::desk::availability::{self, AvailabilityChange, Presence};
use anytime::ids::AgentId;
use serde_json::{Value, json};

use crate::support::test_desk::{Client, TestDesk, change, eventually};

/// Makes agents online, as an open console does.
async fn online(desk: &TestDesk, agents: &[i64]) {
    presence(desk, agents, Presence::Online).await;
}

async fn presence(desk: &TestDesk, agents: &[i64], presence: Presence) {
    for id in agents.iter().copied().map(AgentId) {
        let seen = AvailabilityChange { presence: Some(presence), ..AvailabilityChange::default() };
        change(desk, move |tx| availability::update(tx, &Actor::System, id, &seen)).await;
    }
}

async fn enable(ann: &Client, settings: Value) {
    ann.put("/anytime/autoAllocation", settings).await.expect(200);
    ann.put("/anytime/autoAllocation/enable", json!({ "isEnabled": true })).await.expect(204);
}

/// Submits a conversation and gives its id and to whom it went (0 for nobody).
async fn submit(ann: &Client, extra: Value) -> (i64, i64) {
    let mut body = json!({ "subject": "Help", "channel": "portal", "message": { "type": "note", "plainBody": "please" } });
    for (key, value) in extra.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    let answer = ann.post("/anytime/conversations", body).await;
    let conversation = answer.expect(201)["conversation"].clone();
    (conversation["id"].as_i64().unwrap(), conversation["agentAssigneeId"].as_i64().unwrap_or(0))
}

async fn assignee(ann: &Client, id: i64) -> i64 {
    let found = ann.get(&format!("/anytime/conversations/{id}")).await.expect(200);
    found["conversation"]["agentAssigneeId"].as_i64().unwrap_or(0)
}

async fn department(ann: &Client, name: &str, agents: &[i64]) -> i64 {
    let members: Vec<i64> = agents.to_vec();
    let body = json!({ "name": name, "agents": members });
    ann.post("/departments", body).await.expect(201)["id"].as_i64().unwrap()
}

#[tokio::test]
async fn the_settings_are_read_changed_and_switched() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let sales = department(&ann, "Sales", &[ann.id]).await;
    let fresh = ann.get("/anytime/autoAllocation").await.expect(200);
    assert_eq!(
        fresh,
        json!({ "autoAllocation": {
            "isEnabled": false, "defaultRule": "loadBalancing", "defaultPreferLastAssignee": false,
            "departmentAllocationRule": [], "setMaxNumberForEachAgent": true, "maxNumberForAllAgents": 20,
            "excludePendingExternal": false, "excludeOnHold": false,
            "agentPreferences": [{ "agentId": ann.id, "maxConcurrentCount": 20, "isAcceptAllocation": true }],
        } })
    );
    let changed = json!({
        "isEnabled": true, "defaultRule": "roundRobin", "defaultPreferLastAssignee": true,
        "departmentAllocationRule": [{
            "departmentId": sales, "departmentName": "Sales", "allocationRule": "loadBalancing",
            "preferLastAssignee": true,
        }],
        "setMaxNumberForEachAgent": false, "maxNumberForAllAgents": 7,
        "excludePendingExternal": true, "excludeOnHold": true,
        "agentPreferences": [{ "agentId": ann.id, "maxConcurrentCount": 3, "isAcceptAllocation": false }],
    });
    let answer = ann.put("/anytime/autoAllocation", changed.clone()).await.expect(200);
    assert_eq!(answer, json!({ "autoAllocation": changed }));
    assert_eq!(ann.get("/anytime/autoAllocation").await.expect(200), answer);
    // What was read can be sent back, and what is left out stays.
    ann.put("/anytime/autoAllocation", changed.clone()).await.expect(200);
    let partial = ann.put("/anytime/autoAllocation", json!({ "enable": false })).await.expect(200);
    assert_eq!(partial["autoAllocation"]["maxNumberForAllAgents"], 7);
    assert_eq!(partial["autoAllocation"]["isEnabled"], false);
    ann.put("/anytime/autoAllocation/enable", json!({ "isEnable": true })).await.expect(204);
    assert_eq!(ann.get("/anytime/autoallocation/").await.expect(200)["autoAllocation"]["isEnabled"], true);
}

#[tokio::test]
async fn the_later_documents_names_are_read_as_well() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let sales = department(&ann, "Sales", &[]).await;
    let body = json!({
        "allocationRuleSettings": [{ "departmentId": sales.to_string(), "allocationRule": "ROUNDROBIN" }],
        "ifEnableConversationLimitForEachAgent": false, "conversationLimitForAllAgents": 9,
    });
    let answer = ann.put("/anytime/autoAllocation", body).await.expect(200);
    let found = &answer["autoAllocation"];
    assert_eq!(found["departmentAllocationRule"][0]["allocationRule"], "roundRobin");
    assert_eq!(found["departmentAllocationRule"][0]["departmentName"], "Sales");
    assert_eq!(found["setMaxNumberForEachAgent"], false);
    assert_eq!(found["maxNumberForAllAgents"], 9);
}

#[tokio::test]
async fn wrong_settings_are_refused_with_field_and_value_and_nothing_is_written() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let before = ann.get("/anytime/autoAllocation").await.expect(200);
    for (body, message) in [
        (
            json!({ "defaultRule": "random" }),
            "'defaultRule' must be 'loadBalancing' or 'roundRobin', not 'random'",
        ),
        (
            json!({ "departmentAllocationRule": [{ "departmentId": 9, "allocationRule": "roundRobin" }] }),
            "'departmentAllocationRule[0].departmentId' there is no department 9",
        ),
        (
            json!({ "departmentAllocationRule": [{ "departmentId": 9, "allocationRule": "x" }] }),
            "'departmentAllocationRule[0].allocationRule' must be 'loadBalancing' or 'roundRobin', not 'x'",
        ),
        (
            json!({ "agentPreferences": [{ "agentId": 99, "isAcceptAllocation": true }] }),
            "'agentPreferences[0].agentId' there is no agent 99",
        ),
        (
            json!({ "agentPreferences": [{ "agentId": ann.id, "maxConcurrentCount": -1 }] }),
            "'agentPreferences[0].maxConcurrentCount' must be between 0 and 100000, not -1",
        ),
        (
            json!({ "isEnabled": true, "maxNumberForAllAgents": -1 }),
            "'maxNumberForAllAgents' must be between 0 and 100000, not -1",
        ),
        (json!({ "isEnabled": "yes" }), "'isEnabled' must be true or false, not \"yes\""),
        (json!({ "colour": 1 }), "'colour' is not a field of this object"),
    ] {
        assert_eq!(ann.put("/anytime/autoAllocation", body).await.error(400), message);
    }
    let twice = json!({ "departmentId": 1, "allocationRule": "roundRobin" });
    department(&ann, "Sales", &[]).await;
    let body = json!({ "departmentAllocationRule": [twice, twice] });
    let message = ann.put("/anytime/autoAllocation", body).await.error(400);
    assert_eq!(message, "'departmentAllocationRule[1].departmentId' names department 1 twice");
    ann.put("/anytime/autoAllocation/enable", json!({})).await.error(400);
    assert_eq!(ann.get("/anytime/autoAllocation").await.expect(200), before);
}

#[tokio::test]
async fn only_who_manages_settings_sees_and_changes_them() {
    let desk = TestDesk::start().await;
    let luis = desk.as_agent("luis").await;
    luis.get("/anytime/autoAllocation").await.error(403);
    luis.put("/anytime/autoAllocation", json!({})).await.error(403);
    luis.put("/anytime/autoAllocation/enable", json!({ "isEnabled": true })).await.error(403);
    desk.as_nobody().get("/anytime/autoAllocation").await.error(401);
}

#[tokio::test]
async fn a_new_conversation_goes_to_the_online_agent_with_the_lowest_load() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (luis, mia) = (desk.create_agent("luis", false).await, desk.create_agent("mia", false).await);
    enable(&ann, json!({})).await;
    online(&desk, &[luis, mia]).await;
    // Assigned by hand: counts against Luis.
    submit(&ann, json!({ "agentAssigneeId": luis })).await;
    assert_eq!(submit(&ann, json!({})).await.1, mia);
    desk.advance(Duration::from_secs(1));
    // One each now: Luis was given nothing for longer.
    assert_eq!(submit(&ann, json!({})).await.1, luis);
    assert_eq!(submit(&ann, json!({})).await.1, mia);
}

#[tokio::test]
async fn round_robin_goes_around_the_members_of_each_department() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (luis, mia) = (desk.create_agent("luis", false).await, desk.create_agent("mia", false).await);
    let (sales, support) =
        (department(&ann, "Sales", &[luis, mia]).await, department(&ann, "Support", &[ann.id, mia]).await);
    enable(&ann, json!({ "defaultRule": "roundRobin" })).await;
    online(&desk, &[ann.id, luis, mia]).await;
    let mut order = Vec::new();
    for department in [sales, sales, support, sales, support, support] {
        order.push(submit(&ann, json!({ "departmentAssigneeId": department })).await.1);
    }
    assert_eq!(order, [luis, mia, ann.id, luis, mia, ann.id]);
}

#[tokio::test]
async fn a_departments_own_rule_wins_over_the_default() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (luis, mia) = (desk.create_agent("luis", false).await, desk.create_agent("mia", false).await);
    let sales = department(&ann, "Sales", &[luis, mia]).await;
    let rules = json!([{ "departmentId": sales, "allocationRule": "roundRobin" }]);
    enable(&ann, json!({ "departmentAllocationRule": rules })).await;
    online(&desk, &[luis, mia]).await;
    // By load it would be Mia.
    submit(&ann, json!({ "agentAssigneeId": luis })).await;
    assert_eq!(submit(&ann, json!({ "departmentAssigneeId": sales })).await.1, luis);
    assert_eq!(submit(&ann, json!({ "departmentAssigneeId": sales })).await.1, mia);
}

#[tokio::test]
async fn the_contacts_last_assignee_is_tried_first() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (luis, mia) = (desk.create_agent("luis", false).await, desk.create_agent("mia", false).await);
    let contact = ann.post("/contacts", json!({ "name": "Lena" })).await.expect(201)["id"].as_i64().unwrap();
    enable(&ann, json!({ "defaultPreferLastAssignee": true, "maxNumberForAllAgents": 2 })).await;
    online(&desk, &[luis, mia]).await;
    submit(&ann, json!({ "contactId": contact, "agentAssigneeId": luis })).await;
    desk.advance(Duration::from_secs(1));
    // Mia has no load, but Luis knows Lena.
    assert_eq!(submit(&ann, json!({ "contactId": contact })).await.1, luis);
    // Luis is full now.
    assert_eq!(submit(&ann, json!({ "contactId": contact })).await.1, mia);
}

#[tokio::test]
async fn who_is_away_offline_silent_or_not_accepting_gets_nothing() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let luis = desk.create_agent("luis", false).await;
    enable(&ann, json!({})).await;
    assert_eq!(submit(&ann, json!({})).await.1, 0, "nobody was ever seen");
    presence(&desk, &[luis], Presence::Away).await;
    assert_eq!(submit(&ann, json!({})).await.1, 0);
    let refuse = json!({ "agentPreferences": [{ "agentId": luis, "isAcceptAllocation": false }] });
    ann.put("/anytime/autoAllocation", refuse).await.expect(200);
    online(&desk, &[luis]).await;
    assert_eq!(submit(&ann, json!({})).await.1, 0);
    let accept = json!({ "agentPreferences": [{ "agentId": luis, "isAcceptAllocation": true }] });
    ann.put("/anytime/autoAllocation", accept).await.expect(200);
    assert_eq!(submit(&ann, json!({})).await.1, luis);
    assert_eq!(desk.number("SELECT count(*) FROM conversation WHERE agent_assignee_id IS NULL"), 0);
    desk.advance(Duration::from_secs(300));
    assert_eq!(submit(&ann, json!({})).await.1, 0, "no sign of life for five minutes");
}

#[tokio::test]
async fn an_open_console_is_a_sign_of_life() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let luis = desk.create_agent("luis", false).await;
    enable(&ann, json!({})).await;
    let (waits, _) = submit(&ann, json!({})).await;
    let browser = desk.browser();
    browser.sign_in("luis").await;
    browser.get("/console").await;
    eventually("what waits to be Luis's", async || (assignee(&ann, waits).await == luis).then_some(())).await;
}

#[tokio::test]
async fn a_common_limit_or_each_agents_own_is_kept_and_zero_is_none() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let luis = desk.create_agent("luis", false).await;
    online(&desk, &[luis]).await;
    enable(&ann, json!({ "maxNumberForAllAgents": 1 })).await;
    assert_eq!(submit(&ann, json!({})).await.1, luis);
    assert_eq!(submit(&ann, json!({})).await.1, 0);
    let own = json!({
        "setMaxNumberForEachAgent": false,
        "agentPreferences": [{ "agentId": luis, "maxConcurrentCount": 3 }],
    });
    ann.put("/anytime/autoAllocation", own).await.expect(200);
    let load = "SELECT count(*) FROM conversation WHERE agent_assignee_id IS NOT NULL";
    assert_eq!(desk.number(load), 2, "the settings made room");
    assert_eq!(submit(&ann, json!({})).await.1, luis);
    assert_eq!(submit(&ann, json!({})).await.1, 0);
    let none = json!({ "agentPreferences": [{ "agentId": luis, "maxConcurrentCount": 0 }] });
    ann.put("/anytime/autoAllocation", none).await.expect(200);
    assert_eq!(submit(&ann, json!({})).await.1, luis);
    assert_eq!(desk.number(load), 5);
}

#[tokio::test]
async fn excluded_statuses_do_not_count_against_the_limit() {
    for (status, flag) in [("pendingExternal", "excludePendingExternal"), ("onHold", "excludeOnHold")] {
        let desk = TestDesk::start().await;
        let ann = desk.as_ann().await;
        let luis = desk.create_agent("luis", false).await;
        online(&desk, &[luis]).await;
        enable(&ann, json!({ "maxNumberForAllAgents": 1 })).await;
        submit(&ann, json!({ "agentAssigneeId": luis, "status": status })).await;
        let (waits, to) = submit(&ann, json!({})).await;
        assert_eq!(to, 0, "{status} counts");
        ann.put("/anytime/autoAllocation", json!({ flag: true })).await.expect(200);
        assert_eq!(assignee(&ann, waits).await, luis, "{status} does not count");
    }
}

#[tokio::test]
async fn what_waits_is_given_out_by_priority_and_age_when_room_appears() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let luis = desk.create_agent("luis", false).await;
    online(&desk, &[luis]).await;
    enable(&ann, json!({ "maxNumberForAllAgents": 1 })).await;
    let (first, _) = submit(&ann, json!({})).await;
    let mut waiting = Vec::new();
    for priority in ["low", "normal", "urgent", "normal"] {
        desk.advance(Duration::from_secs(1));
        waiting.push(submit(&ann, json!({ "priority": priority })).await.0);
    }
    let mut busy = first;
    for next in [waiting[2], waiting[1], waiting[3], waiting[0]] {
        ann.put(&format!("/anytime/conversations/{busy}"), json!({ "status": "closed" })).await.expect(200);
        eventually("the next in order", async || (assignee(&ann, next).await == luis).then_some(())).await;
        busy = next;
    }
}

#[tokio::test]
async fn each_conversation_is_allocated_once_and_none_from_before_it_was_switched_on() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let luis = desk.create_agent("luis", false).await;
    online(&desk, &[luis]).await;
    let (old, _) = submit(&ann, json!({})).await;
    enable(&ann, json!({})).await;
    let (given, to) = submit(&ann, json!({})).await;
    let (by_hand, _) = submit(&ann, json!({ "agentAssigneeId": ann.id })).await;
    assert_eq!(to, luis);
    for id in [given, by_hand] {
        ann.put(&format!("/anytime/conversations/{id}"), json!({ "agentAssigneeId": null }))
            .await
            .expect(200);
    }
    change(&desk, allocation::serve).await;
    for id in [old, given, by_hand] {
        assert_eq!(assignee(&ann, id).await, 0, "conversation {id}");
    }
}

#[tokio::test]
async fn each_way_in_which_a_load_drops_makes_room() {
    for way in ["closed", "reassigned", "excluded", "deleted"] {
        let desk = TestDesk::start().await;
        let ann = desk.as_ann().await;
        let luis = desk.create_agent("luis", false).await;
        online(&desk, &[luis]).await;
        enable(&ann, json!({ "maxNumberForAllAgents": 1, "excludeOnHold": true })).await;
        let (busy, _) = submit(&ann, json!({})).await;
        let (waits, to) = submit(&ann, json!({})).await;
        assert_eq!(to, 0, "{way}");
        let path = format!("/anytime/conversations/{busy}");
        match way {
            "closed" => drop(ann.put(&path, json!({ "status": "closed" })).await.expect(200)),
            "reassigned" => drop(ann.put(&path, json!({ "agentAssigneeId": ann.id })).await.expect(200)),
            "excluded" => drop(ann.put(&path, json!({ "status": "onHold" })).await.expect(200)),
            _ => drop(ann.delete(&path).await.expect(204)),
        }
        eventually("what waits to be Luis's", async || (assignee(&ann, waits).await == luis).then_some(()))
            .await;
    }
}

#[tokio::test]
async fn only_active_members_of_the_department_are_eligible_also_those_by_role() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (luis, mia) = (desk.create_agent("luis", false).await, desk.create_agent("mia", false).await);
    let role = ann.post("/roles", json!({ "name": "Billing" })).await.expect(201)["id"].clone();
    let sales = department(&ann, "Sales", &[luis]).await;
    let members = json!({ "name": "Billing", "roles": [role] });
    let billing = ann.post("/departments", members).await.expect(201)["id"].as_i64().unwrap();
    change(&desk, {
        let role = role.as_i64().unwrap();
        move |tx| tx.run("INSERT INTO agent_role (agent_id, role_id) VALUES (?, ?)", (mia, role)).map(|_| ())
    })
    .await;
    enable(&ann, json!({})).await;
    online(&desk, &[luis, mia]).await;
    assert_eq!(submit(&ann, json!({ "departmentAssigneeId": sales })).await.1, luis);
    assert_eq!(submit(&ann, json!({ "departmentAssigneeId": billing })).await.1, mia);
    ann.put(&format!("/agents/{luis}"), json!({ "isActive": false })).await.expect(200);
    let (waits, to) = submit(&ann, json!({ "departmentAssigneeId": sales })).await;
    assert_eq!(to, 0, "Luis is not active, Mia is in another department");
    let trace = ann.get(&format!("/anytime/conversations/{waits}/decisions")).await.expect(200);
    assert_eq!(trace["decisions"][0]["allocation"]["candidates"], json!([]));
}

#[tokio::test]
async fn routing_to_an_agent_bypasses_allocation_and_to_a_department_allocates_inside_it() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (luis, mia) = (desk.create_agent("luis", false).await, desk.create_agent("mia", false).await);
    let sales = department(&ann, "Sales", &[mia]).await;
    enable(&ann, json!({})).await;
    online(&desk, &[ann.id, luis, mia]).await;
    let simple = json!({ "isEnable": true, "simpleRouteToObject": "department", "simpleRouteToId": sales });
    ann.put("/anytime/routingRules/1", simple).await.expect(200);
    assert_eq!(submit(&ann, json!({})).await.1, mia);
    // Offline, and over any limit: routing asks for neither.
    let zoe = desk.create_agent("zoe", false).await;
    let simple = json!({ "simpleRouteToObject": "agent", "simpleRouteToId": zoe });
    ann.put("/anytime/routingRules/1", simple).await.expect(200);
    assert_eq!(submit(&ann, json!({})).await.1, zoe);
}

#[tokio::test]
async fn an_allocation_is_in_the_event_log_starts_triggers_and_is_told_to_the_agent() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let luis = desk.as_agent("luis").await;
    let action = json!({ "type": "SetValue", "fieldId": 6, "value": "high" });
    let trigger = json!({ "name": "Assigned", "triggerEvent": "assigneeIsChanged", "actions": [action] });
    ann.post("/anytime/triggers", trigger).await.expect(201);
    enable(&ann, json!({})).await;
    online(&desk, &[luis.id]).await;
    let (id, to) = submit(&ann, json!({})).await;
    assert_eq!(to, luis.id);
    eventually("the trigger to have run", async || {
        let found = ann.get(&format!("/anytime/conversations/{id}")).await.expect(200);
        (found["conversation"]["priority"] == "high").then_some(())
    })
    .await;
    let log = ann.get(&format!("/anytime/conversations/{id}/eventLogs")).await.expect(200).to_string();
    assert!(log.contains("Auto allocation") && log.contains("Assigned"), "each says by what: {log}");
    let told =
        "SELECT count(*) FROM notice WHERE kind = 'assigned' AND agent_id = (SELECT max(id) FROM agent)";
    eventually("Luis to be told", async || (desk.number(told) == 1).then_some(())).await;
}

#[tokio::test]
async fn assigning_by_hand_takes_a_conversation_out_of_the_queue_for_good() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    enable(&ann, json!({})).await;
    let (id, _) = submit(&ann, json!({})).await;
    for agent in [json!(ann.id), json!(null)] {
        let body = json!({ "agentAssigneeId": agent });
        ann.put(&format!("/anytime/conversations/{id}"), body).await.expect(200);
    }
    online(&desk, &[ann.id]).await;
    assert_eq!(assignee(&ann, id).await, 0);
}

#[tokio::test]
async fn each_allocation_says_who_was_considered_and_why_others_were_not() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (luis, mia) = (desk.create_agent("luis", false).await, desk.create_agent("mia", false).await);
    enable(&ann, json!({ "maxNumberForAllAgents": 1 })).await;
    let (waits, _) = submit(&ann, json!({})).await;
    online(&desk, &[luis]).await;
    let path = format!("/anytime/conversations/{waits}/decisions");
    let decisions = ann.get(&path).await.expect(200)["decisions"].clone();
    assert_eq!(decisions[0]["kind"], "allocation");
    assert_eq!(decisions[0]["allocation"]["agentId"], json!(null));
    assert_eq!(decisions[1]["allocation"]["agentId"], luis);
    let skipped = |candidates: &Value| -> HashMap<i64, String> {
        let of = |candidate: &Value| {
            (candidate["agentId"].as_i64().unwrap(), candidate["skipped"].as_str().unwrap_or("").to_owned())
        };
        candidates.as_array().unwrap().iter().map(of).collect()
    };
    let first = skipped(&decisions[0]["allocation"]["candidates"]);
    assert_eq!((first[&ann.id].as_str(), first[&luis].as_str()), ("notOnline", "notOnline"));
    let (full, _) = submit(&ann, json!({})).await;
    let decisions = ann.get(&format!("/anytime/conversations/{full}/decisions")).await.expect(200);
    let last = skipped(&decisions["decisions"][0]["allocation"]["candidates"]);
    assert_eq!((last[&luis].as_str(), last[&mia].as_str()), ("full", "notOnline"));
    desk.as_nobody().get(&path).await.error(401);
    ann.get("/anytime/conversations/99/decisions").await.error(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn allocations_at_the_same_time_never_overshoot_a_limit() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let mut agents = Vec::new();
    for name in ["luis", "mia", "noor"] {
        agents.push(desk.create_agent(name, false).await);
    }
    online(&desk, &agents).await;
    enable(&ann, json!({ "maxNumberForAllAgents": 7 })).await;
    let mut tasks = Vec::new();
    for task in 0..8 {
        let (ann, desk) = (ann.clone(), desk.app.clone());
        tasks.push(tokio::spawn(async move {
            for round in 0..10 {
                let (id, _) = submit(&ann, json!({})).await;
                desk.write(allocation::serve).await.unwrap();
                if (task + round) % 5 == 0 {
                    let path = format!("/anytime/conversations/{id}");
                    ann.put(&path, json!({ "status": "closed" })).await.expect(200);
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let count = |rest: &str| {
        desk.number(
            &[
                "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM conversation WHERE status < 5
            AND agent_assignee_id IS NOT NULL GROUP BY agent_assignee_id)",
                rest,
            ]
            .concat(),
        )
    };
    assert_eq!(count(""), 7, "full, and not one more");
    // At no moment, either: replay the log.
    let changes = desk
        .app
        .read(|s| {
            s.all(
                "SELECT kind, conversation_id, detail FROM event WHERE kind IN ('assigneeChanged', 'statusChanged')
                 ORDER BY id",
                [],
                |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, String>(2)?)),
            )
        })
        .unwrap();
    let mut open: HashMap<i64, i64> = HashMap::new();
    for (kind, conversation, detail) in changes {
        let detail: Value = serde_json::from_str(&detail).unwrap();
        match kind.as_str() {
            "assigneeChanged" => {
                let known = open.insert(conversation, detail["newAgentAssigneeId"].as_i64().unwrap());
                assert_eq!(known, None, "conversation {conversation} was allocated twice");
            }
            _ => drop(open.remove(&conversation)),
        }
        for agent in &agents {
            let load = open.values().filter(|held| *held == agent).count();
            assert!(load <= 7, "agent {agent} held {load}");
        }
    }
}
