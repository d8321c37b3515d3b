use std::time::Duration;

use serde_json::json;

use crate::support::scene::noted;
use crate::support::test_desk::{PASSWORD, TestDesk, change};

#[tokio::test]
async fn a_change_of_the_settings_is_in_the_log_with_who_what_and_before_and_after() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.post("/departments", json!({ "name": "Billing" })).await.expect(201);
    ann.put("/departments/1", json!({ "name": "Invoices" })).await.expect(200);
    let list = ann.get("/auditLogs?pageSize=1").await.expect(200);
    let entry = &list["logs"][0];
    assert_eq!(
        entry,
        &json!({
            "id": entry["id"], "actionTime": "2026-01-05T09:00:00.000Z", "agentId": 1, "agentName": "Ann",
            "product": "Global", "actionType": "departmentManagement",
            "actionSummary": "changed the department 'Invoices'",
            "actionDetails": "name: 'Billing' → 'Invoices'",
        })
    );
    assert_eq!(list["total"], 4, "Ann herself, her key, and the department twice");
    assert!(list["previousPage"].is_null());
    assert_eq!(list["nextPage"], "/api/v3/auditLogs?pagesize=1&pageIndex=2");
}

#[tokio::test]
async fn the_log_is_searched_by_time_product_type_agent_and_words() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    desk.advance(Duration::from_secs(40 * 24 * 3600));
    ann.post("/departments", json!({ "name": "Billing" })).await.expect(201);
    let account = json!({ "email": "help@desk.example" });
    ann.post("/anytime/emailAccounts", account).await.expect(201);
    let total =
        async |query: &str| ann.get(&format!("/auditLogs?{query}")).await.expect(200)["total"].clone();
    assert_eq!(total("").await, 2, "the last 30 days");
    assert_eq!(total("dateFrom=2026-01-01").await, 4);
    assert_eq!(total("dateTo=2026-01-06T00:00:00").await, 2);
    assert_eq!(total("dateFrom=2026-01-06&dateTo=2026-01-07").await, 0);
    assert_eq!(total("product=anytime%20conversations").await, 1);
    assert_eq!(total("product=Global").await, 1);
    assert_eq!(total("type=departmentManagement").await, 1);
    assert_eq!(total("type=DEPARTMENTMANAGEMENT&product=Anytime+Conversations").await, 0);
    assert_eq!(total("agentId=1").await, 2);
    assert_eq!(total("agentId=9").await, 0);
    assert_eq!(total("keywords=billing").await, 1);
    assert_eq!(total("keywords=ann").await, 2);
    assert_eq!(total("keywords=%25").await, 0);
}

#[tokio::test]
async fn what_cannot_be_searched_for_is_refused() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let error = async |query: &str| ann.get(&format!("/auditLogs?{query}")).await.error(400);
    assert_eq!(
        error("product=Mail").await,
        "'product' must be 'Anytime Conversations' or 'Global', not 'Mail'"
    );
    assert_eq!(error("type=x").await, "'type' must be an action type, not 'x'");
    assert_eq!(error("agentId=x").await, "'agentId' must be a whole number, not 'x'");
    assert_eq!(error("dateFrom=x").await, "'dateFrom' must be an ISO-8601 time, not 'x'");
    assert!(error("dateFrom=2026-01-02&dateTo=2026-01-01").await.starts_with("'dateFrom'"));
    error("pageSize=51").await;
}

#[tokio::test]
async fn signing_in_and_wrong_passwords_are_logged_and_nothing_secret_is() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let browser = desk.browser();
    browser.post("/console/sign-in", &[("email", "ann@desk.example"), ("password", "wrong canary")]).await;
    browser.sign_in("ann").await;
    let account =
        json!({ "email": "help@desk.example", "pop3Server": "pop.example", "pop3Password": "canary-1" });
    ann.post("/anytime/emailAccounts", account).await.expect(201);
    ann.put("/anytime/emailAccounts/1", json!({ "pop3Password": "canary-2" })).await.expect(200);
    ann.put("/agents/1/password", json!({ "password": "canary correct horse" })).await.expect(204);
    let logs = ann.get("/auditLogs").await.expect(200)["logs"].clone();
    let text = logs.to_string();
    for summary in
        ["gave a wrong password", "signed in to the console", "set the password of 'ann@desk.example'"]
    {
        assert!(text.contains(summary), "{summary} is not in {text}");
    }
    assert!(text.contains("from 127.0.0.1"));
    assert!(text.contains("a password was set"));
    let key = ann.user.clone().unwrap().1;
    for secret in ["canary", PASSWORD, &key] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

#[tokio::test]
async fn a_refused_change_is_not_logged_and_the_log_cannot_be_changed() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let before = desk.number("SELECT count(*) FROM audit_log");
    ann.post("/departments", json!({ "name": "" })).await.error(400);
    assert_eq!(desk.number("SELECT count(*) FROM audit_log"), before);
    ann.delete("/auditLogs").await.error(405);
    ann.put("/auditLogs", json!({})).await.error(405);
}

#[tokio::test]
async fn only_who_may_see_the_log_sees_it() {
    let desk = TestDesk::start().await;
    let luis = desk.as_agent("luis").await;
    assert_eq!(luis.get("/auditLogs").await.error(403), "you may not see the audit log");
    desk.as_nobody().get("/auditLogs").await.error(401);
    change(&desk, |tx| {
        tx.run("INSERT INTO role_permission (role_id, permission) VALUES (2, 'viewAuditLog')", [])?;
        Ok(())
    })
    .await;
    luis.get("/auditLogs").await.expect(200);
}

#[tokio::test]
async fn merges_permanent_deletions_and_changes_of_fields_are_in_the_log() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for subject in ["one", "two", "three"] {
        noted(&ann, subject, json!({})).await;
    }
    ann.post("/anytime/conversations/1/merge", json!({ "sourceId": 2 })).await.expect(200);
    ann.delete("/anytime/conversations/3").await.expect(204);
    ann.delete("/anytime/deletedconversations/3").await.expect(204);
    let field = json!({ "type": "text", "name": "Order", "length": 20 });
    ann.post("/anytime/fields", field).await.expect(201);
    ann.put("/anytime/fields/1000", json!({ "name": "Order number" })).await.expect(200);
    let mapping = json!({ "fieldMappings": [{ "fieldId": 1000, "chatFieldMapping": "order" }] });
    ann.put("/anytime/fields/mapping", mapping).await.expect(200);
    ann.delete("/anytime/fields/1000").await.expect(204);
    let log = async |kind: &str| -> Vec<(String, String)> {
        let found = ann.get(&format!("/auditLogs?type={kind}")).await.expect(200);
        let logs = found["logs"].as_array().unwrap().iter().rev();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        logs.map(|log| (text(&log["actionSummary"]), text(&log["actionDetails"]))).collect()
    };
    let both = |summary: &str, details: &str| (summary.to_owned(), details.to_owned());
    assert_eq!(
        log("conversationManagement").await,
        [both("merged the conversation #2 into #1", ""), both("deleted the conversation #3 for good", ""),]
    );
    assert_eq!(
        log("fieldsAndMappingsManagement").await,
        [
            both("created the field 'Order'", ""),
            both("changed the field 'Order number'", "name: 'Order' → 'Order number'"),
            both("changed the mapping of the field 'Order number'", "chatFieldMapping: '' → 'order'"),
            both("deleted the field 'Order number'", ""),
        ]
    );
    ann.put("/anytime/routingRules/1/enable", json!({ "isEnable": true })).await.expect(200);
    let routing = log("ticketAndMessagingRoutingRulesManagement").await;
    assert_eq!(routing, log("routingRulesManagement").await);
    assert_eq!(routing.len(), 1);
}
