use serde_json::{Value, json};

use crate::support::test_desk::{TestDesk, change};

fn telegram() -> Value {
    json!({ "appId": "bridge", "accountName": "Acme", "accountOriginalId": "@acme", "channelId": "telegram" })
}

#[tokio::test]
async fn an_account_is_registered_read_changed_and_removed() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let created = ann.post("/anytime/integrationAccounts", telegram()).await;
    assert_eq!(created.location.as_deref(), Some("/api/v3/anytime/integrationAccounts/1"));
    let account = created.expect(201)["integrationAccount"].clone();
    assert_eq!(
        account,
        json!({
            "id": 1, "appId": "bridge", "accountName": "Acme", "accountOriginalId": "@acme", "isEnable": true,
            "channelId": "telegram",
        })
    );
    let path = "/anytime/integrationAccounts/1";
    assert_eq!(ann.put(path, account.clone()).await.expect(200)["integrationAccount"], account);
    for key in ["isEnabled", "ifEnable", "isEnable"] {
        let off = ann.put(path, json!({ key: false })).await.expect(200);
        assert_eq!(off["integrationAccount"]["isEnable"], false, "{key}");
        ann.put(path, json!({ key: true, "accountName": "" })).await.expect(200);
    }
    assert_eq!(ann.get(path).await.expect(200)["integrationAccount"]["accountName"], "");
    ann.delete(path).await.expect(204);
    ann.get(path).await.error(404);
    let log = ann.get("/auditLogs?type=channelIntegrationManagement").await.expect(200);
    assert_eq!(log["logs"][0]["actionSummary"], "removed the integration account '@acme' of 'bridge'");
}

#[tokio::test]
async fn enabled_accounts_are_listed_and_others_on_request() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    ann.post("/anytime/integrationAccounts", telegram()).await.expect(201);
    let off = json!({ "appId": "sms", "accountOriginalId": "+49", "isEnable": false });
    ann.post("/anytime/integrationAccounts", off).await.expect(201);
    let count = |list: Value| list["integrationAccounts"].as_array().unwrap().len();
    for (query, found) in
        [("", 1), ("?includeDisabled=true", 2), ("?channelId=telegram", 1), ("?channelId=fax", 0)]
    {
        let list = ann.get(&format!("/anytime/integrationAccounts{query}")).await.expect(200);
        assert_eq!(count(list), found, "{query}");
    }
    assert_eq!(count(luis.get("/anytime/IntegrationAccounts").await.expect(200)), 1);
    luis.get("/anytime/integrationAccounts?includeDisabled=true").await.error(403);
    luis.get("/anytime/integrationAccounts/2").await.error(404);
    ann.get("/anytime/integrationAccounts?includeDisabled=maybe").await.error(400);
}

#[tokio::test]
async fn an_account_is_complete_and_unique_for_its_app() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (body, message) in [
        (json!({ "accountOriginalId": "x" }), "'appId' is required"),
        (json!({ "appId": "x" }), "'accountOriginalId' is required"),
        (
            json!({ "appId": "x", "accountOriginalId": "y".repeat(201) }),
            "'accountOriginalId' is longer than 200 characters",
        ),
        (
            json!({ "appId": "x", "accountOriginalId": "y", "isEnable": "z" }),
            "'isEnable' must be true or false, not \"z\"",
        ),
    ] {
        assert_eq!(ann.post("/anytime/integrationAccounts", body).await.error(400), message);
    }
    ann.post("/anytime/integrationAccounts", telegram()).await.expect(201);
    let twice = ann.post("/anytime/integrationAccounts", telegram()).await.error(409);
    assert_eq!(twice, "the app 'bridge' has an account '@acme' already");
    let other = json!({ "appId": "other", "accountOriginalId": "@acme" });
    ann.post("/anytime/integrationAccounts", other).await.expect(201);
    ann.put("/anytime/integrationAccounts/2", json!({ "appId": "bridge" })).await.error(409);
    for id in ["9", "x"] {
        ann.get(&format!("/anytime/integrationAccounts/{id}")).await.error(404);
        ann.put(&format!("/anytime/integrationAccounts/{id}"), json!({})).await.error(404);
        ann.delete(&format!("/anytime/integrationAccounts/{id}")).await.error(404);
    }
}

#[tokio::test]
async fn either_of_two_rights_is_enough_to_manage_them() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    ann.post("/anytime/integrationAccounts", telegram()).await.expect(201);
    luis.post("/anytime/integrationAccounts", telegram()).await.error(403);
    luis.put("/anytime/integrationAccounts/1", json!({})).await.error(403);
    luis.delete("/anytime/integrationAccounts/1").await.error(403);
    desk.as_nobody().get("/anytime/integrationAccounts").await.error(401);
    for permission in ["manageChannels", "manageIntegration"] {
        change(&desk, move |tx| {
            tx.run("DELETE FROM role_permission WHERE permission LIKE 'manage%s'", [])?;
            tx.run("INSERT INTO role_permission (role_id, permission) VALUES (2, ?)", [permission])?;
            Ok(())
        })
        .await;
        luis.put("/anytime/integrationAccounts/1", json!({ "accountName": permission })).await.expect(200);
    }
}
