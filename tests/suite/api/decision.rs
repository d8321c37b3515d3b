//! Decisions: who may read them, and that every stored trace comes to the same when it is decided again.

use anytime::desk::Actor;
use anytime::desk::availability::{self, AvailabilityChange, Presence};
use anytime::desk::{decision, rule_set};
use anytime::ids::{AgentId, ConversationId};
use serde_json::{Value, json};

use crate::support::test_desk::{TestDesk, change, eventually};

/// The same numbers in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len() as u64) as usize]
    }
}

const WORDS: [&str; 6] = ["offer", "Broken", "refund", "ÉCOLE", "spam", "x"];
const PRIORITIES: [&str; 4] = ["urgent", "high", "normal", "low"];

/// Conditions that routing and triggers both allow, with a way to combine them.
fn conditions(dice: &mut Dice, is_trigger: bool) -> Value {
    let mut list = Vec::new();
    for index in 1..=1 + dice.roll(3) {
        let condition = match dice.roll(if is_trigger { 5 } else { 3 }) {
            0 => json!({ "fieldId": 2, "matchType": dice.pick(&["contains", "notContains", "is", "isNot"]),
                "value": dice.pick(&WORDS) }),
            1 => {
                json!({ "fieldId": 7, "matchType": dice.pick(&["is", "isNot"]), "value": dice.pick(&["email", "portal"]) })
            }
            2 => json!({ "fieldId": 13, "matchType": dice.pick(&["is", "isNot"]), "value": "" }),
            3 => {
                json!({ "fieldId": 6, "matchType": dice.pick(&["is", "isNot"]), "value": dice.pick(&PRIORITIES) })
            }
            _ => {
                json!({ "fieldId": 16, "matchType": dice.pick(&["is", "isNot"]), "value": (1 + dice.roll(3)).to_string() })
            }
        };
        let mut condition = condition;
        condition["index"] = json!(index);
        list.push(condition);
    }
    let expression = match list.len() {
        1 => "1",
        2 => dice.pick(&["1 or 2", "1 and 2"]),
        _ => dice.pick(&["(1 or 2) and 3", "1 and 2 or 3", "1 or 2 or 3"]),
    };
    let when = dice.pick(&["all", "any", "logicalExpression"]);
    let expression = (when == "logicalExpression").then_some(expression);
    json!({ "when": when, "logicExpression": expression, "conditions": list })
}

#[tokio::test]
async fn every_stored_trace_comes_to_the_same_when_decided_again() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let mut dice = Dice(7);
    for name in ["one", "two", "three"] {
        ann.post("/tags", json!({ "name": name })).await.expect(201);
        ann.post("/departments", json!({ "name": name, "agents": [ann.id] })).await.expect(201);
    }
    let contact = ann.post("/contacts", json!({ "name": "Lena" })).await.expect(201)["id"].clone();
    ann.put("/anytime/routingRules/1", json!({ "isEnable": true, "type": "customRules" })).await.expect(200);
    ann.put("/anytime/autoAllocation", json!({ "isEnabled": true, "maxNumberForAllAgents": 25 }))
        .await
        .expect(200);
    let seen = AvailabilityChange { presence: Some(Presence::Online), ..AvailabilityChange::default() };
    let id = AgentId(ann.id);
    change(&desk, move |tx| availability::update(tx, &Actor::System, id, &seen)).await;
    let mut made = 0;
    for round in 0..60 {
        if round % 4 == 0 {
            // The rules change in between: traces keep those that decided.
            let mut rule = conditions(&mut dice, false);
            rule["name"] = json!(format!("rule {round}"));
            rule["routeToId"] = json!(dice.roll(4));
            rule["routeToPriority"] = json!(dice.pick(&PRIORITIES));
            ann.post("/anytime/routingRules/1/customerRules", rule).await.expect(201);
            let mut trigger = conditions(&mut dice, true);
            trigger["name"] = json!(format!("trigger {round}"));
            trigger["triggerEvent"] = json!(1 + dice.roll(5));
            let (field, value) = match dice.roll(3) {
                0 => (6, dice.pick(&PRIORITIES).to_owned()),
                1 => (16, (1 + dice.roll(3)).to_string()),
                _ => (5, dice.pick(&["onHold", "closed"]).to_owned()),
            };
            trigger["actions"] = json!([{ "type": "SetValue", "fieldId": field, "value": value }]);
            ann.post("/anytime/triggers", trigger).await.expect(201);
        }
        let mut new = json!({
            "subject": format!("{} {}", dice.pick(&WORDS), dice.pick(&WORDS)), "channel": "portal",
            "tagIds": [1 + dice.roll(3)], "message": { "type": "note", "plainBody": "x" },
        });
        if dice.roll(2) == 0 {
            new["contactId"] = contact.clone();
        }
        let id = ann.post("/anytime/conversations", new).await.expect(201)["conversation"]["id"].clone();
        let status = json!({ "status": dice.pick(&["new", "onHold", "closed"]) });
        ann.put(&format!("/anytime/conversations/{id}"), status).await.expect(200);
        made += 1;
    }
    eventually("triggers to have read the log", async || {
        let behind =
            "SELECT (SELECT max(id) FROM event) - (SELECT event_id FROM cursor WHERE consumer = 'trigger')";
        (desk.number(behind) == 0).then_some(())
    })
    .await;
    let mut kinds = std::collections::BTreeMap::new();
    for id in 1..=made {
        desk.app
            .read(|s| {
                for found in decision::of_conversation(s, ConversationId(id))? {
                    assert!(found.trace.replays(s)?, "{found:?}");
                    *kinds.entry(found.trace.kind()).or_insert(0) += 1;
                }
                Ok(())
            })
            .unwrap();
        let shown = ann.get(&format!("/anytime/conversations/{id}/decisions")).await.expect(200);
        assert!(!shown["decisions"].as_array().unwrap().is_empty());
    }
    println!("{kinds:?}");
    assert_eq!(kinds["routing"], made);
    assert!(kinds["trigger"] > 60 && kinds["allocation"] > 20, "{kinds:?}");
    // Short: rules are kept once, not with every trace.
    let bytes = desk.number("SELECT CAST(avg(length(trace)) AS INTEGER) FROM decision");
    assert!(bytes < 1000, "{bytes} bytes on average");
}

#[tokio::test]
async fn who_sees_a_conversation_sees_its_decisions_also_in_the_console() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let sales = ann.post("/departments", json!({ "name": "Sales" })).await.expect(201)["id"].clone();
    let simple = json!({ "isEnable": true, "simpleRouteToId": sales, "simpleRouteToPriority": "high" });
    ann.put("/anytime/routingRules/1", simple).await.expect(200);
    let new = json!({ "subject": "a", "channel": "portal", "message": { "type": "note", "plainBody": "x" } });
    ann.post("/anytime/conversations", new).await.expect(201);
    let path = "/anytime/conversations/1/decisions";
    assert_eq!(ann.get(path).await.expect(200)["decisions"][0]["routing"]["winner"], "simple");
    luis.get(path).await.error(404);
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let page = browser.get("/console/conversations/1/why").await;
    page.shows("Routed to Sales, priority high because everything goes there").shows("</html>");
    let part = browser.get("/console/conversations/1/why?part=1").await;
    assert!(!part.shows("Routed to Sales").html.contains("</html>"));
    let other = desk.browser();
    other.sign_in("luis").await;
    assert_eq!(other.get("/console/conversations/1/why").await.status, 404);
    ann.put("/anytime/routingRules/1", json!({ "simpleRouteToId": 0 })).await.expect(200);
    ann.delete(&format!("/departments/{sales}")).await.expect(204);
    let page = browser.get("/console/conversations/1/why").await;
    page.shows(&format!("Routed to deleted department {sales}, priority high"));
}

#[tokio::test]
async fn traces_go_after_half_a_year_or_as_the_site_says_and_never_silently() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.put("/anytime/routingRules/1", json!({ "isEnable": true })).await.expect(200);
    let new = json!({ "subject": "a", "channel": "portal", "message": { "type": "note", "plainBody": "x" } });
    ann.post("/anytime/conversations", new).await.expect(201);
    desk.advance(std::time::Duration::from_secs(179 * 86_400));
    assert_eq!(change(&desk, decision::sweep).await, 0);
    desk.advance(std::time::Duration::from_secs(2 * 86_400));
    assert_eq!(change(&desk, decision::sweep).await, 1);
    let list = ann.get("/anytime/conversations/1/decisions").await.expect(200);
    assert_eq!(list["decisions"], json!([]));
    assert_eq!(list["keptSince"], "2026-01-06T09:00:00.000Z");
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let why = browser.get("/console/conversations/1/why").await;
    why.shows("Nothing was decided by itself here lately").shows("are no longer kept");
    let page = "/console/settings/site";
    let view = browser.get(page).await;
    view.shows("name=\"traceRetentionDays\" type=\"number\" min=\"1\" max=\"3650\" value=\"180\"");
    let csrf = view.csrf();
    for (days, status) in [("0", 400), ("many", 400), ("30", 303)] {
        let form = [
            ("csrf", csrf.as_str()),
            ("siteName", "Desk"),
            ("timeZone", "UTC"),
            ("undoSeconds", "5"),
            ("traceRetentionDays", days),
        ];
        assert_eq!(browser.post(page, &form).await.status, status, "{days}");
    }
    let new = json!({ "subject": "b", "channel": "portal", "message": { "type": "note", "plainBody": "x" } });
    ann.post("/anytime/conversations", new).await.expect(201);
    let why = browser.get("/console/conversations/2/why").await;
    assert!(!why.html.contains("no longer kept"), "it is younger than that");
    desk.advance(std::time::Duration::from_secs(29 * 86_400));
    assert_eq!(change(&desk, decision::sweep).await, 0);
    assert_eq!(change(&desk, rule_set::sweep).await, 0);
    desk.advance(std::time::Duration::from_secs(3 * 86_400));
    assert_eq!(change(&desk, rule_set::sweep).await, 0, "a trace points at it");
    assert_eq!(change(&desk, decision::sweep).await, 1);
    assert_eq!(change(&desk, rule_set::sweep).await, 1);
    assert_eq!(desk.number("SELECT count(*) FROM rule_set"), 0);
}
