//! What SLA policies do to conversations (contract 18.3, 18.4). The clock stands at Monday 2026-01-05 09:00 UTC.

use std::time::Duration;

use anytime::jobs;
use serde_json::{Value, json};

use crate::support::scene::{account, contact, events, noted, submitted, wrote};
use crate::support::test_desk::{Client, TestDesk, eventually};

const MINUTE: Duration = Duration::from_secs(60);

struct Scene {
    desk: TestDesk,
    ann: Client,
    lena: i64,
}

impl Scene {
    async fn start() -> Self {
        let desk = TestDesk::start().await;
        let ann = desk.as_ann().await;
        let lena = contact(&ann, "lena").await;
        Self { desk, ann, lena }
    }

    /// Everything within an hour, two hours and a day, around the clock, unless `more` says otherwise.
    async fn policy(&self, name: &str, more: Value) -> i64 {
        let mut body = json!({ "name": name, "firstRespondWithin": 60, "nextRespondWithin": 120,
            "resolveRespondWithin": 1440 });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let id = self.ann.post("/anytime/slaPolicies", body).await.expect(201)["slaPolicy"]["id"]
            .as_i64()
            .unwrap();
        self.settle().await;
        id
    }

    /// Waits until every open conversation was evaluated again.
    async fn settle(&self) {
        jobs::apply_changes(&self.desk.app).await.unwrap();
        eventually("the sweep", async || {
            (self.desk.number("SELECT count(*) FROM sla_sweep") == 0).then_some(())
        })
        .await;
    }

    async fn get(&self, id: i64) -> Value {
        self.ann.get(&format!("/anytime/conversations/{id}")).await.expect(200)["conversation"].clone()
    }

    /// First, next, resolve and the earliest, as `HH:MM` of the day.
    async fn dues(&self, id: i64) -> [String; 4] {
        let conversation = self.get(id).await;
        ["firstRespondBreachAt", "nextRespondBreachAt", "resolveBreachAt", "nextSLABreachAt"]
            .map(|key| conversation[key].as_str().map_or("-".to_owned(), |at| at[8..16].to_owned()))
    }

    async fn reply(&self, id: i64) {
        let reply = json!({ "type": "reply", "plainBody": "We look into it." });
        self.ann.post(&format!("/anytime/conversations/{id}/messages"), reply).await.expect(201);
    }

    async fn note(&self, id: i64) {
        let note = json!({ "type": "note", "plainBody": "hm" });
        self.ann.post(&format!("/anytime/conversations/{id}/messages"), note).await.expect(201);
    }

    async fn change(&self, id: i64, change: Value) {
        self.ann.put(&format!("/anytime/conversations/{id}"), change).await.expect(200);
    }

    async fn minutes(&self, minutes: u32) {
        self.desk.advance(MINUTE * minutes);
    }

    fn breaches(&self, id: i64) -> usize {
        events(&self.desk, id).iter().filter(|kind| *kind == "slaBreached").count()
    }
}

#[tokio::test]
async fn a_contacts_conversation_is_due_from_its_beginning() {
    let scene = Scene::start().await;
    let policy = scene.policy("All", json!({})).await;
    let id = submitted(&scene.ann, scene.lena, "Help").await;
    assert_eq!(scene.get(id).await["slaPolicyId"], policy);
    assert_eq!(scene.dues(id).await, ["05T10:00", "-", "06T09:00", "05T10:00"]);
}

#[tokio::test]
async fn the_first_answer_ends_the_wait_and_a_note_does_not() {
    let scene = Scene::start().await;
    scene.policy("All", json!({})).await;
    let id = submitted(&scene.ann, scene.lena, "Help").await;
    scene.minutes(10).await;
    scene.note(id).await;
    assert_eq!(scene.dues(id).await[0], "05T10:00");
    scene.reply(id).await;
    assert_eq!(scene.dues(id).await, ["-", "-", "06T09:00", "06T09:00"]);
    let met = "SELECT (stopped_at - started_at) / 60000 FROM clock WHERE target = 1 AND breached_at IS NULL";
    assert_eq!(scene.desk.number(met), 10);
}

#[tokio::test]
async fn more_messages_before_the_first_answer_start_no_second_clock() {
    let scene = Scene::start().await;
    scene.policy("All", json!({})).await;
    let id = submitted(&scene.ann, scene.lena, "Help").await;
    scene.minutes(10).await;
    wrote(&scene.ann, scene.lena, id).await;
    assert_eq!(scene.dues(id).await, ["05T10:00", "-", "06T09:00", "05T10:00"]);
}

#[tokio::test]
async fn the_next_answer_is_due_from_the_first_unanswered_message() {
    let scene = Scene::start().await;
    scene.policy("All", json!({})).await;
    let id = submitted(&scene.ann, scene.lena, "Help").await;
    scene.reply(id).await;
    scene.minutes(30).await;
    wrote(&scene.ann, scene.lena, id).await;
    scene.minutes(5).await;
    wrote(&scene.ann, scene.lena, id).await;
    assert_eq!(scene.dues(id).await, ["-", "05T11:30", "06T09:00", "05T11:30"]);
    scene.reply(id).await;
    assert_eq!(scene.dues(id).await[1], "-");
    scene.minutes(5).await;
    wrote(&scene.ann, scene.lena, id).await;
    assert_eq!(scene.dues(id).await[1], "05T11:40");
    assert_eq!(scene.desk.number("SELECT count(*) FROM clock WHERE target = 2"), 2);
}

#[tokio::test]
async fn what_an_agent_opens_with_an_answer_needs_no_first_one() {
    let scene = Scene::start().await;
    scene.policy("All", json!({})).await;
    account(&scene.ann).await;
    let mail = json!({ "subject": "Hello", "channel": "email", "contactId": scene.lena,
        "message": { "type": "email", "plainBody": "Dear Lena" } });
    let id = scene.ann.post("/anytime/conversations", mail).await.expect(201)["conversation"]["id"]
        .as_i64()
        .unwrap();
    assert_eq!(scene.dues(id).await, ["-", "-", "06T09:00", "06T09:00"]);
    let noted = noted(&scene.ann, "By phone", json!({})).await;
    assert_eq!(scene.dues(noted["id"].as_i64().unwrap()).await[0], "05T10:00");
}

#[tokio::test]
async fn closing_ends_the_time_to_resolve_and_the_next_answer_but_not_the_first() {
    let scene = Scene::start().await;
    scene.policy("All", json!({})).await;
    let unanswered = submitted(&scene.ann, scene.lena, "One").await;
    scene.change(unanswered, json!({ "status": "closed" })).await;
    assert_eq!(scene.dues(unanswered).await, ["05T10:00", "-", "-", "05T10:00"]);
    let answered = submitted(&scene.ann, scene.lena, "Two").await;
    scene.reply(answered).await;
    wrote(&scene.ann, scene.lena, answered).await;
    scene.change(answered, json!({ "status": "closed" })).await;
    assert_eq!(scene.dues(answered).await, ["-", "-", "-", "-"]);
}

#[tokio::test]
async fn reopening_restores_the_old_time_to_resolve() {
    let scene = Scene::start().await;
    scene.policy("All", json!({})).await;
    let id = submitted(&scene.ann, scene.lena, "Help").await;
    scene.reply(id).await;
    scene.change(id, json!({ "status": "closed" })).await;
    scene.minutes(60).await;
    wrote(&scene.ann, scene.lena, id).await;
    assert_eq!(scene.get(id).await["status"], "pendingInternal");
    assert_eq!(scene.dues(id).await, ["-", "05T12:00", "06T09:00", "05T12:00"]);
    // Closed in time the first time: that stays, whatever comes.
    scene.minutes(3000).await;
    scene.change(id, json!({ "status": "closed" })).await;
    let outcomes = "SELECT group_concat(breached_at IS NOT NULL, '') = '01' FROM (SELECT * FROM clock
        WHERE target = 3 ORDER BY cycle)";
    assert_eq!(scene.desk.number(outcomes), 1);
}

#[tokio::test]
async fn the_first_enabled_policy_that_matches_applies() {
    let scene = Scene::start().await;
    let urgent = json!({ "firstRespondWithin": 15, "conditions": [{ "field": "priority", "matchType": "is", "value": "urgent" }] });
    let urgent = scene.policy("Urgent", urgent).await;
    let other = scene.policy("All", json!({})).await;
    let id = submitted(&scene.ann, scene.lena, "Help").await;
    assert_eq!(scene.get(id).await["slaPolicyId"], other);
    scene.minutes(5).await;
    scene.change(id, json!({ "priority": "urgent" })).await;
    assert_eq!(scene.get(id).await["slaPolicyId"], urgent);
    // Counted from the beginning: the time already used counts.
    assert_eq!(scene.dues(id).await[0], "05T09:15");
    scene
        .ann
        .put(&format!("/anytime/slaPolicies/{urgent}/enable"), json!({ "isEnable": false }))
        .await
        .expect(200);
    scene.settle().await;
    assert_eq!(scene.get(id).await["slaPolicyId"], other);
    scene
        .ann
        .put(&format!("/anytime/slaPolicies/{urgent}/enable"), json!({ "isEnable": true }))
        .await
        .expect(200);
    scene
        .ann
        .put(&format!("/anytime/slaPolicies/{urgent}/sort"), json!({ "type": "down" }))
        .await
        .expect(200);
    scene.settle().await;
    assert_eq!(scene.get(id).await["slaPolicyId"], other);
    scene.ann.delete(&format!("/anytime/slaPolicies/{other}")).await.expect(204);
    scene.settle().await;
    assert_eq!(scene.get(id).await["slaPolicyId"], urgent);
    scene.ann.delete(&format!("/anytime/slaPolicies/{urgent}")).await.expect(204);
    scene.settle().await;
    assert_eq!(scene.get(id).await["slaPolicyId"], Value::Null);
    assert_eq!(scene.dues(id).await, ["-", "-", "-", "-"]);
}

#[tokio::test]
async fn a_new_policy_takes_up_open_conversations_and_leaves_closed_ones() {
    let scene = Scene::start().await;
    let open = submitted(&scene.ann, scene.lena, "One").await;
    let closed = submitted(&scene.ann, scene.lena, "Two").await;
    scene.change(closed, json!({ "status": "closed" })).await;
    let policy = scene.policy("All", json!({})).await;
    assert_eq!(scene.get(open).await["slaPolicyId"], policy);
    assert_eq!(scene.get(closed).await["slaPolicyId"], Value::Null);
    scene
        .ann
        .put(&format!("/anytime/slaPolicies/{policy}"), json!({ "firstRespondWithin": 90 }))
        .await
        .expect(200);
    scene.settle().await;
    assert_eq!(scene.dues(open).await[0], "05T10:30");
}

#[tokio::test]
async fn a_change_of_department_contact_or_routing_decides_again() {
    let scene = Scene::start().await;
    let department =
        scene.ann.post("/departments", json!({ "name": "Billing" })).await.expect(201)["id"].clone();
    let otto = contact(&scene.ann, "otto").await;
    let billing = json!({ "conditions": [{ "fieldId": 3, "matchType": "is", "value": department }] });
    let billing = scene.policy("Billing", billing).await;
    let ottos = json!({ "conditions": [{ "fieldId": 13, "matchType": "is", "value": otto }] });
    let ottos = scene.policy("Otto", ottos).await;
    let id = submitted(&scene.ann, scene.lena, "Help").await;
    assert_eq!(scene.get(id).await["slaPolicyId"], Value::Null);
    scene.change(id, json!({ "contactId": otto })).await;
    assert_eq!(scene.get(id).await["slaPolicyId"], ottos);
    scene.change(id, json!({ "departmentAssigneeId": department })).await;
    assert_eq!(scene.get(id).await["slaPolicyId"], billing);
    // Matched after routing.
    let routing = json!({ "isEnable": true, "type": "simple", "simpleRouteToObject": "department", "simpleRouteToId": department });
    scene.ann.put("/anytime/routingRules/1/enable", json!({ "isEnable": true })).await.expect(200);
    scene.ann.put("/anytime/routingRules/1", routing).await.expect(200);
    let routed = submitted(&scene.ann, scene.lena, "Routed").await;
    assert_eq!(scene.get(routed).await["slaPolicyId"], billing);
}

#[tokio::test]
async fn any_field_of_a_condition_decides_again_but_for_the_status() {
    let scene = Scene::start().await;
    let ann = &scene.ann;
    ann.put("/anytime/slaSettings", json!({ "slaPauseStatuses": ["onHold"] })).await.expect(200);
    ann.post("/tags", json!({ "name": "vip" })).await.expect(201);
    let plan = json!({ "name": "Plan", "type": "dropdownList", "options": [{ "name": "Gold" }] });
    let plan = ann.post("/anytime/fields", plan).await.expect(201)["field"]["id"].clone();
    let one = |field: Value, value: &str| json!({ "conditions": [{ "fieldId": field, "matchType": "is", "value": value }] });
    let vip = scene.policy("Tag", one(json!(16), "1")).await;
    let gold = scene.policy("Plan", one(plan.clone(), "Gold")).await;
    let company = scene.policy("Company", one(json!(20), "Bikes")).await;
    let email = scene.policy("Address", one(json!(19), "boss@customer.example")).await;
    let new = scene.policy("New", one(json!(5), "new")).await;
    let id = submitted(ann, scene.lena, "Help").await;
    let applies = async || scene.get(id).await["slaPolicyId"].clone();
    assert_eq!(applies().await, new);
    // The status is no point at which policies are matched, neither when it changes nor when it stops the clocks.
    scene.change(id, json!({ "status": "pendingInternal" })).await;
    assert_eq!(applies().await, new);
    scene.change(id, json!({ "status": "closed" })).await;
    scene.change(id, json!({ "status": "pendingInternal" })).await;
    assert_eq!(applies().await, new, "opened again, it has the policy it had");
    assert_eq!(scene.dues(id).await[2], "06T09:00");
    let lena = format!("/contacts/{}", scene.lena);
    ann.put(&lena, json!({ "company": "Bikes" })).await.expect(200);
    assert_eq!(applies().await, company);
    let boss = json!([{ "type": "email", "value": "boss@customer.example" }]);
    ann.put(&lena, json!({ "company": "", "identities": boss })).await.expect(200);
    assert_eq!(applies().await, email);
    scene.change(id, json!({ "customFields": [{ "id": plan, "value": "Gold" }] })).await;
    assert_eq!(applies().await, gold);
    scene.change(id, json!({ "tagIds": [1] })).await;
    assert_eq!(applies().await, vip);
    let all = ann.get(&format!("/anytime/conversations/{id}/decisions")).await.expect(200);
    let last = all["decisions"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&last["sla"]["policyId"], &last["sla"]["rules"][0]["isMatch"]), (&json!(vip), &json!(true)));
}

#[tokio::test]
async fn business_hours_follow_working_time_and_its_changes() {
    let scene = Scene::start().await;
    scene.policy("Office", json!({ "operationalHours": "businessHours", "resolveRespondWithin": 600 })).await;
    let id = submitted(&scene.ann, scene.lena, "Help").await;
    // Nine hours on Monday, one on Tuesday.
    assert_eq!(scene.dues(id).await[2], "06T10:00");
    scene
        .ann
        .post("/anytime/holidays", json!({ "title": "Epiphany", "date": "2026-01-06" }))
        .await
        .expect(201);
    scene.settle().await;
    assert_eq!(scene.dues(id).await[2], "07T10:00");
    let lunch = json!({ "workingTimes": [{ "dayOfWeek": "monday", "intervals": [
        { "startHour": 9, "startMin": 0, "endHour": 12, "endMin": 0 }, { "startHour": 13, "startMin": 0, "endHour": 18, "endMin": 0 },
    ] }] });
    scene.ann.put("/anytime/workingTime", lunch).await.expect(200);
    scene.settle().await;
    assert_eq!(scene.dues(id).await[2], "07T11:00");
    crate::support::test_desk::change(&scene.desk, |tx| {
        let zone = anytime::desk::site::ProfileChange {
            time_zone: Some("Europe/Berlin".to_owned()),
            ..Default::default()
        };
        anytime::desk::site::change_profile(tx, &anytime::desk::Actor::System, &zone)
    })
    .await;
    scene.settle().await;
    // It began at 10 in the morning there, and the desk opens an hour earlier by UTC.
    assert_eq!(scene.dues(id).await[2], "07T11:00");
    assert_eq!(scene.dues(id).await[0], "05T10:00");
}

#[tokio::test]
async fn a_missed_target_is_told_once_by_the_minutes_check() {
    let scene = Scene::start().await;
    scene.policy("All", json!({})).await;
    let id = submitted(&scene.ann, scene.lena, "Help").await;
    scene.minutes(60).await;
    jobs::record_breaches(&scene.desk.app).await.unwrap();
    assert_eq!(scene.breaches(id), 0, "at the due time it is not late yet");
    scene.minutes(1).await;
    for _ in 0..3 {
        jobs::record_breaches(&scene.desk.app).await.unwrap();
    }
    assert_eq!(scene.breaches(id), 1);
    // Overdue stays due until it is done.
    assert_eq!(scene.dues(id).await[0], "05T10:00");
    scene.reply(id).await;
    assert_eq!(scene.breaches(id), 1);
    assert_eq!(scene.desk.number("SELECT count(*) FROM clock WHERE target = 1 AND breached_at = due_at"), 1);
    let log = scene.ann.get(&format!("/anytime/conversations/{id}/eventLogs")).await.expect(200);
    assert!(log.to_string().contains("The first answer is overdue (All)"), "{log}");
}

#[tokio::test]
async fn a_late_answer_is_a_breach_even_between_two_checks() {
    let scene = Scene::start().await;
    scene.policy("All", json!({})).await;
    let id = submitted(&scene.ann, scene.lena, "Help").await;
    scene.minutes(61).await;
    scene.reply(id).await;
    assert_eq!(scene.breaches(id), 1);
    jobs::record_breaches(&scene.desk.app).await.unwrap();
    assert_eq!(scene.breaches(id), 1);
}

#[tokio::test]
async fn what_was_met_stays_met_whatever_changes_later() {
    let scene = Scene::start().await;
    let policy = scene.policy("All", json!({})).await;
    let id = submitted(&scene.ann, scene.lena, "Help").await;
    scene.minutes(50).await;
    scene.reply(id).await;
    scene
        .ann
        .put(&format!("/anytime/slaPolicies/{policy}"), json!({ "firstRespondWithin": 5 }))
        .await
        .expect(200);
    scene.settle().await;
    jobs::record_breaches(&scene.desk.app).await.unwrap();
    assert_eq!(scene.breaches(id), 0);
    let kept = "SELECT (due_at - started_at) / 60000 FROM clock WHERE target = 1 AND breached_at IS NULL";
    assert_eq!(scene.desk.number(kept), 60);
}

#[tokio::test]
async fn a_missed_target_that_is_given_more_time_can_still_be_met() {
    let scene = Scene::start().await;
    let policy = scene.policy("All", json!({})).await;
    let id = submitted(&scene.ann, scene.lena, "Help").await;
    scene.minutes(61).await;
    jobs::record_breaches(&scene.desk.app).await.unwrap();
    scene
        .ann
        .put(&format!("/anytime/slaPolicies/{policy}"), json!({ "firstRespondWithin": 120 }))
        .await
        .expect(200);
    scene.settle().await;
    scene.reply(id).await;
    assert_eq!(
        scene.desk.number("SELECT count(*) FROM clock WHERE target = 1 AND breached_at IS NOT NULL"),
        0
    );
}

#[tokio::test]
async fn what_is_deleted_is_never_due_and_what_is_restored_is_due_as_before() {
    let scene = Scene::start().await;
    scene.policy("All", json!({})).await;
    let id = submitted(&scene.ann, scene.lena, "Help").await;
    scene.ann.delete(&format!("/anytime/conversations/{id}")).await.expect(204);
    scene.minutes(120).await;
    jobs::record_breaches(&scene.desk.app).await.unwrap();
    assert_eq!(scene.breaches(id), 0);
    scene.ann.post(&format!("/anytime/deletedconversations/{id}/restore"), json!({})).await.expect(200);
    assert_eq!(scene.dues(id).await, ["05T10:00", "-", "06T09:00", "05T10:00"]);
    jobs::record_breaches(&scene.desk.app).await.unwrap();
    assert_eq!(scene.breaches(id), 1);
}

#[tokio::test]
async fn merging_keeps_the_targets_clocks_and_drops_the_sources() {
    let scene = Scene::start().await;
    scene.policy("All", json!({})).await;
    let target = submitted(&scene.ann, scene.lena, "One").await;
    scene.minutes(10).await;
    let source = submitted(&scene.ann, scene.lena, "Two").await;
    scene
        .ann
        .post(&format!("/anytime/conversations/{target}/merge"), json!({ "sourceId": source }))
        .await
        .expect(200);
    assert_eq!(scene.dues(target).await[0], "05T10:00");
    let left = format!("SELECT count(*) FROM clock WHERE conversation_id = {source}");
    assert_eq!(scene.desk.number(&left), 0);
}

#[tokio::test]
async fn a_status_can_stop_the_clocks() {
    let scene = Scene::start().await;
    scene.policy("All", json!({})).await;
    let pauses = json!({ "slaPauseStatuses": ["onHold", "pendingExternal"] });
    assert_eq!(
        scene.ann.put("/anytime/slaSettings", pauses.clone()).await.expect(200),
        json!({ "slaPauseStatuses": ["pendingExternal", "onHold"] })
    );
    let id = submitted(&scene.ann, scene.lena, "Help").await;
    scene.minutes(20).await;
    scene.change(id, json!({ "status": "onHold" })).await;
    assert_eq!(scene.dues(id).await, ["-", "-", "-", "-"]);
    scene.minutes(600).await;
    jobs::record_breaches(&scene.desk.app).await.unwrap();
    scene.change(id, json!({ "status": "pendingInternal" })).await;
    // Forty minutes were left at 09:20; it is 19:20 now.
    assert_eq!(scene.dues(id).await, ["05T20:00", "-", "06T19:00", "05T20:00"]);
    assert_eq!(scene.breaches(id), 0);
    scene.ann.put("/anytime/slaSettings", json!({ "slaPauseStatuses": [] })).await.expect(200);
    scene.settle().await;
    assert_eq!(scene.dues(id).await[0], "05T10:00");
    let refused =
        scene.ann.put("/anytime/slaSettings", json!({ "slaPauseStatuses": ["closed"] })).await.error(400);
    assert!(refused.contains("not 'closed'"), "{refused}");
    let unknown =
        scene.ann.put("/anytime/slaSettings", json!({ "slaPauseStatuses": ["away"] })).await.error(400);
    assert_eq!(unknown, "'slaPauseStatuses[0]' 'away' is not a status");
}

#[tokio::test]
async fn lists_put_the_soonest_breach_first_and_what_is_never_due_last() {
    let scene = Scene::start().await;
    let urgent = json!({ "firstRespondWithin": 15, "conditions": [{ "fieldId": 2, "matchType": "contains", "value": "fire" }] });
    scene.policy("Urgent", urgent).await;
    let normal = json!({ "conditions": [{ "fieldId": 2, "matchType": "contains", "value": "smoke" }] });
    scene.policy("Normal", normal).await;
    for subject in ["smoke", "calm", "fire"] {
        submitted(&scene.ann, scene.lena, subject).await;
    }
    let order = async |direction: &str| {
        let path = format!("/anytime/conversations?sortBy=nextSLABreach&sortOrder={direction}");
        let list = scene.ann.get(&path).await.expect(200);
        let subjects = list["conversations"].as_array().unwrap().iter();
        subjects.map(|it| it["subject"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(order("ascending").await, ["fire", "smoke", "calm"]);
    assert_eq!(order("descending").await, ["smoke", "fire", "calm"]);
}

#[tokio::test]
async fn a_due_time_tells_which_hours_it_was_counted_over() {
    let scene = Scene::start().await;
    scene
        .policy("Never", json!({ "conditions": [{ "fieldId": 6, "matchType": "is", "value": "low" }] }))
        .await;
    scene.policy("Office", json!({ "operationalHours": "businessHours", "resolveRespondWithin": 600 })).await;
    let id = submitted(&scene.ann, scene.lena, "Help").await;
    let decisions = scene.ann.get(&format!("/anytime/conversations/{id}/decisions")).await.expect(200);
    let all = decisions["decisions"].as_array().unwrap();
    let sla = &all.iter().find(|decision| decision["kind"] == "sla").unwrap()["sla"];
    assert_eq!(sla["policy"], "Office");
    assert_eq!((&sla["rules"][0]["name"], &sla["rules"][0]["isMatch"]), (&json!("Never"), &json!(false)));
    assert_eq!(sla["rules"][0]["conditions"][0]["saw"], json!(["3"]));
    let resolve = sla["dues"].as_array().unwrap().iter().find(|due| due["target"] == "resolve").unwrap();
    assert_eq!(
        resolve["intervals"],
        json!([
            { "from": "2026-01-05T09:00:00.000Z", "to": "2026-01-05T18:00:00.000Z", "minutes": 540 },
            { "from": "2026-01-06T09:00:00.000Z", "to": "2026-01-06T10:00:00.000Z", "minutes": 60 },
        ])
    );
    let replays = scene.desk.app.read(|s| {
        let decisions = anytime::desk::decision::of_conversation(s, anytime::ids::ConversationId(id))?;
        decisions.iter().map(|decision| decision.trace.replays(s)).collect::<anytime::error::Result<Vec<_>>>()
    });
    assert_eq!(replays.unwrap(), [true]);
}
