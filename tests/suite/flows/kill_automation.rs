//! kill -9 at random moments while conversations are created with routing, allocation, triggers and webhooks at work:
//! each effect exactly once, no limit overshot. `KILL_ROUNDS` sets how many rounds (default 1), `KILL_CREATIONS` how
//! many conversations each creates (default 200; the full burst is 1000).

use std::collections::BTreeSet;
use std::time::Duration;

use anytime::db::Db;
use anytime::time::Clock;
use serde_json::json;

use crate::support::process::{Process, administrator};
use crate::support::test_desk::{Client, PASSWORD, eventually};

fn setting(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Routing to a department whose one online agent may hold 50, a trigger that tags and mails, and a webhook.
async fn prepare(ann: &Client) {
    let ann_id = ann.get("/agents/me").await.expect(200)["id"].as_i64().unwrap();
    let sales = json!({ "name": "Sales", "agents": [ann_id] });
    let sales = ann.post("/departments", sales).await.expect(201)["id"].as_i64().unwrap();
    ann.put("/anytime/routingRules/1", json!({ "isEnable": true, "type": "customRules" })).await.expect(200);
    let rule = json!({
        "name": "nonces", "routeToId": sales, "routeToPriority": "high",
        "conditions": [{ "fieldId": 2, "matchType": "contains", "value": "nonce" }],
    });
    ann.post("/anytime/routingRules/1/customerRules", rule).await.expect(201);
    let allocation = json!({ "isEnabled": true, "maxNumberForAllAgents": 50 });
    ann.put("/anytime/autoAllocation", allocation).await.expect(200);
    ann.post("/tags", json!({ "name": "seen" })).await.expect(201);
    let trigger = json!({
        "name": "thank", "triggerEvent": "conversationCreated", "ifShownInTicketCorresdence": true,
        "actions": [
            { "type": "SetValue", "fieldId": 16, "value": "seen" },
            { "type": "SendEmail", "toContact": true, "subject": "{!Conversation.Subject}", "textBody": "Thanks" },
        ],
    });
    ann.post("/anytime/triggers", trigger).await.expect(201);
    // Who looks away for long is told by mail what was assigned to them, which is no mail of the trigger's.
    let kinds = ["assigned", "mentioned", "replied", "slaNear", "slaBreached", "accountFailing"];
    let silent = kinds.map(|kind| json!({ "kind": kind, "byMail": false }));
    ann.put("/anytime/noticeChoices", json!({ "noticeChoices": silent })).await.expect(200);
    let hook = json!({ "event": "anytimeConversation.Created", "targetUrl": "https://hook.invalid/x" });
    ann.post("/webhooks", hook).await.expect(201);
}

/// Opens Ann's console, which makes her online.
async fn console(url: &str) {
    let http = reqwest::Client::builder().cookie_store(true).build().unwrap();
    let form = [("email", "ann@desk.example"), ("password", PASSWORD)];
    http.post(format!("{url}/console/sign-in")).form(&form).send().await.unwrap();
    http.get(format!("{url}/console")).send().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn automation_survives_kill_nine_with_each_effect_exactly_once() {
    let (rounds, creations) = (setting("KILL_ROUNDS", 1), setting("KILL_CREATIONS", 200));
    let mut kills = 0;
    for round in 0..rounds {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("data");
        let (email, key) = administrator(&data);
        let mut process = Process::serve(&data);
        prepare(&process.client(&email, &key)).await;
        let mut moment = 7_919 * (round as u64 + 1);
        let mut made = BTreeSet::new();
        // What was answered is certain; what was not is tried again under the same name, and may then be there twice.
        let mut next = 0;
        while made.len() < creations {
            let ann = process.client(&email, &key);
            console(&process.url).await;
            let burst = tokio::spawn(async move {
                let mut done = Vec::new();
                for index in next..creations {
                    // Another address after each kill: the contact may be there already, without a conversation.
                    let contact = json!({ "name": format!("c{index}"), "identities": [
                        { "type": "email", "value": format!("c{index}-{kills}@customer.example") },
                    ] });
                    let request = ann.request(reqwest::Method::POST, "/contacts").json(&contact);
                    let Ok(answer) = request.send().await else { break };
                    let Ok(answer) = answer.json::<serde_json::Value>().await else { break };
                    let body = json!({
                        "subject": format!("nonce {index}"), "channel": "portal", "contactId": answer["id"],
                        "message": { "type": "note", "plainBody": "x" },
                    });
                    let request = ann.request(reqwest::Method::POST, "/anytime/conversations").json(&body);
                    match request.send().await {
                        Ok(answer) if answer.status().is_success() => done.push(index),
                        _ => break,
                    }
                }
                done
            });
            moment = moment * 48_271 % 2_147_483_647;
            tokio::time::sleep(Duration::from_millis(100 + moment % 900)).await;
            if kills < 6 * (round + 1) {
                process.kill();
                kills += 1;
                made.extend(burst.await.unwrap());
                process = Process::serve(&data);
            } else {
                made.extend(burst.await.unwrap());
            }
            next = made.last().map_or(0, |last| last + 1);
        }
        let ann = process.client(&email, &key);
        let read = |sql: &str| {
            let sql = sql.to_owned();
            move |db: &Db| db.read(|s| s.number(&sql, [])).unwrap()
        };
        eventually("every reader to have read the log", async || {
            let total = async |path: &str| ann.get(path).await.expect(200)["total"].as_i64().unwrap();
            let there = total("/anytime/conversations").await;
            let mails = total("/anytime/outgoingMails").await;
            (there == mails && there == total("/webhooks/1/deliveries").await).then_some(())
        })
        .await;
        process.kill();
        kills += 1;
        let db = Db::open(&data.join("anytime.db"), Clock::System, anytime::db::Hooks::default()).unwrap();
        let there = read("SELECT count(*) FROM conversation")(&db);
        assert!(creations as i64 <= there, "what was answered is there");
        for (what, sql) in [
            (
                "routed",
                "SELECT count(*) FROM conversation WHERE department_assignee_id IS NOT NULL AND priority = 2",
            ),
            (
                "a routing decision",
                "SELECT count(DISTINCT conversation_id) FROM decision WHERE kind = 'routing'",
            ),
            ("routing decided once", "SELECT count(*) FROM decision WHERE kind = 'routing'"),
            ("triggers ran once", "SELECT count(*) FROM decision WHERE kind = 'trigger'"),
            ("tagged", "SELECT count(*) FROM conversation_tag"),
            ("mailed once", "SELECT count(*) FROM outgoing_mail WHERE is_automatic = 1"),
            (
                "each its own mail",
                "SELECT count(DISTINCT conversation_id) FROM outgoing_mail WHERE is_automatic = 1",
            ),
            ("shown once", "SELECT count(*) FROM message WHERE sender_type = 'system'"),
            ("told the webhook once", "SELECT count(*) FROM webhook_delivery"),
        ] {
            assert_eq!(read(sql)(&db), there, "round {round}: {what}");
        }
        let most = "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM conversation
            WHERE agent_assignee_id IS NOT NULL GROUP BY agent_assignee_id)";
        assert_eq!(read(most)(&db), 50, "full, and not one more");
        let twice = "SELECT count(*) FROM (SELECT 1 FROM event WHERE kind = 'assigneeChanged' GROUP BY conversation_id
            HAVING 1 < count(*))";
        assert_eq!(read(twice)(&db), 0, "allocated twice");
        let sound = "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'";
        assert_eq!(read(sound)(&db), 0);
    }
    println!("{rounds} rounds of {creations} creations, {kills} kills");
}
