use serde_json::{Value, json};

use crate::support::test_desk::{Client, TestDesk};

const ACCOUNTS: &str = "/anytime/emailAccounts";

/// An account whose servers cannot be reached.
async fn account(ann: &Client, email: &str) -> i64 {
    let new = json!({
        "email": email, "pop3Server": "127.0.0.1", "pop3Port": 1, "pop3Password": "secret-in",
        "smtpServer": "127.0.0.1", "smtpPort": 1, "smtpPassword": "secret-out",
    });
    ann.post(ACCOUNTS, new).await.expect(201)["emailAccount"]["id"].as_i64().unwrap()
}

#[tokio::test]
async fn an_account_is_created_read_changed_and_deleted() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let created = ann.post(ACCOUNTS, json!({ "email": "support@desk.example", "type": "POP3" })).await;
    assert_eq!(created.location.as_deref(), Some("/api/v3/anytime/emailAccounts/1"));
    let created = created.expect(201);
    let mut shown = created["emailAccount"].clone();
    for (key, value) in [
        ("isStopped", json!(false)),
        ("lastSendSuccessTime", Value::Null),
        ("lastSendError", Value::Null),
        ("failedSends", json!(0)),
        ("sendFailingSinceTime", Value::Null),
        ("isSendingStopped", json!(false)),
    ] {
        assert_eq!(shown.as_object_mut().unwrap().remove(key), Some(value), "{key}");
    }
    assert_eq!(
        shown,
        json!({
            "id": 1, "email": "support@desk.example", "type": "pop3", "displayName": "", "isEnabled": true,
            "isDefault": true, "agentAssigneeId": null, "departmentAssigneeId": null, "signature": "",
            "pop3Server": "", "pop3Port": 995, "pop3Security": "ssl", "pop3UserName": "support@desk.example",
            "hasPop3Password": false, "folder": "", "moveToFolder": "", "leaveCopyOnServer": false,
            "pollInterval": 60, "takeOverBefore": null, "smtpServer": "",
            "smtpPort": 587, "smtpSecurity": "startTls", "smtpUserName": "support@desk.example",
            "hasSmtpPassword": false, "tlsAcceptInvalidCerts": false, "authentication": "password",
            "oauthAuthorizeUrl": "", "oauthTokenUrl": "", "oauthClientId": "", "oauthScope": "",
            "hasOauthClientSecret": false, "hasOauthRefreshToken": false, "lastCheckedTime": null,
            "lastSuccessTime": null, "lastError": null, "failedChecks": 0, "failingSinceTime": null, "createdTime": "2026-01-05T09:00:00.000Z",
        })
    );
    let path = format!("{ACCOUNTS}/1");
    assert_eq!(ann.get(&path).await.expect(200), created);
    assert_eq!(ann.put(&path, created["emailAccount"].clone()).await.expect(200), created);
    let change =
        json!({ "displayName": "Desk", "agentAssigneeId": 1, "pop3Security": "STARTTLS", "pollInterval": 5 });
    let changed = ann.put(&path, change).await.expect(200)["emailAccount"].clone();
    assert_eq!((&changed["displayName"], &changed["agentAssigneeId"]), (&json!("Desk"), &json!(1)));
    assert_eq!((&changed["pop3Security"], &changed["pollInterval"]), (&json!("startTls"), &json!(5)));
    let cleared = ann.put(&path, json!({ "agentAssigneeId": null })).await.expect(200);
    assert_eq!(cleared["emailAccount"]["agentAssigneeId"], Value::Null);
    ann.delete(&path).await.expect(204);
    assert_eq!(ann.get(&path).await.error(404), "there is no email account 1");
}

#[tokio::test]
async fn passwords_go_in_and_never_come_out() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let id = account(&ann, "support@desk.example").await;
    let text = ann.get(&format!("{ACCOUNTS}/{id}")).await.expect(200);
    assert_eq!(text["emailAccount"]["hasPop3Password"], true);
    assert_eq!(text["emailAccount"]["hasSmtpPassword"], true);
    let list = ann.get(ACCOUNTS).await.expect(200);
    assert!(!text.to_string().contains("secret-") && !list.to_string().contains("secret-"));
}

#[tokio::test]
async fn a_stored_password_is_not_sent_to_another_server() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let path = format!("{ACCOUNTS}/{}", account(&ann, "support@desk.example").await);
    let moved = json!({ "pop3Server": "evil.example", "smtpServer": "evil.example" });
    let message = ann.put(&path, moved).await.error(400);
    assert!(message.contains("'pop3Password'") && message.contains("'smtpPassword'"), "{message}");
    ann.put(&path, json!({ "pop3Server": "pop.example", "pop3Password": "again" })).await.expect(200);
}

#[tokio::test]
async fn every_problem_of_an_account_is_told_by_field() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (key, value, start) in [
        ("email", json!("x"), "'email' 'x' is not an e-mail address"),
        ("type", json!("fax"), "'type' must be 'pop3', 'imap' or 'exchange', not 'fax'"),
        ("imapSecurity", json!("x"), "'imapSecurity' must be 'none', 'ssl' or 'startTls', not 'x'"),
        ("imapPort", json!(0), "'imapPort' '0' is not a port"),
        ("exchangeServer", json!("graph"), "'exchangeServer' 'graph' is not a URL"),
        ("folder", json!("Support"), "'folder' needs IMAP or Exchange: POP3 has no folders"),
        ("pop3Security", json!("tls"), "'pop3Security' must be 'none', 'ssl' or 'startTls', not 'tls'"),
        ("smtpSecurity", json!("x"), "'smtpSecurity' must be"),
        ("pop3Port", json!(0), "'pop3Port' '0' is not a port"),
        ("smtpPort", json!(65536), "'smtpPort' '65536' is not a port"),
        ("pop3Server", json!("a b"), "'pop3Server' 'a b' is not a host name"),
        ("pollInterval", json!(4), "'pollInterval' '4' is not between"),
        ("agentAssigneeId", json!(99), "'agentAssigneeId' there is no active agent 99"),
        ("departmentAssigneeId", json!(99), "'departmentAssigneeId' there is no department 99"),
        ("smtpPassword", json!("a\r\nb"), "'smtpPassword' is too long or has control characters"),
    ] {
        let mut body = json!({ "email": "support@desk.example" });
        body[key] = value;
        let message = ann.post(ACCOUNTS, body).await.error(400);
        assert!(message.starts_with(start), "{message}");
    }
    ann.post(ACCOUNTS, json!({})).await.error(400);
    assert_eq!(ann.get(ACCOUNTS).await.expect(200), json!({ "emailAccounts": [] }));
    account(&ann, "support@desk.example").await;
    ann.post(ACCOUNTS, json!({ "email": "SUPPORT@desk.example" })).await.error(409);
}

#[tokio::test]
async fn each_type_has_the_fields_of_its_own_server() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let imap = json!({
        "email": "i@desk.example", "type": "imap", "imapServer": "imap.example", "imapPassword": "secret",
        "folder": "Support", "moveToFolder": "Done",
    });
    let imap = ann.post(ACCOUNTS, imap).await.expect(201)["emailAccount"].clone();
    assert_eq!(
        (&imap["type"], &imap["imapPort"], &imap["imapSecurity"]),
        (&json!("imap"), &json!(993), &json!("ssl"))
    );
    assert_eq!((&imap["hasImapPassword"], &imap["imapUserName"]), (&json!(true), &json!("i@desk.example")));
    assert!(imap.get("pop3Server").is_none() && imap.get("exchangeServer").is_none(), "{imap}");
    let path = format!("{ACCOUNTS}/{}", imap["id"]);
    // A check of the mailbox may come in between, and tells how it went.
    let settings = |mut account: Value| {
        for told in ["lastCheckedTime", "lastSuccessTime", "lastError", "failedChecks", "failingSinceTime"] {
            account.as_object_mut().unwrap().remove(told).expect(told);
        }
        account
    };
    let same = ann.put(&path, imap.clone()).await.expect(200)["emailAccount"].clone();
    assert_eq!(settings(same), settings(imap));
    let message = ann.put(&path, json!({ "pop3Server": "pop.example" })).await.error(400);
    assert!(message.contains("belong to accounts of the type 'pop3'; this one is 'imap'"), "{message}");
    let message = ann.put(&path, json!({ "pop3Server": "a", "imapServer": "b" })).await.error(400);
    assert!(message.contains("is for one type of account"), "{message}");
    let message = ann.put(&path, json!({ "leaveCopyOnServer": true })).await.error(400);
    assert!(message.starts_with("'moveToFolder' cannot be set while"), "{message}");
    let pop3 = json!({ "type": "pop3", "pop3Server": "pop.example" });
    assert!(ann.put(&path, pop3).await.error(400).contains("'pop3Password' is needed again"));
    let pop3 = json!({ "type": "pop3", "pop3Server": "pop.example", "pop3Password": "secret" });
    let pop3 = ann.put(&path, pop3).await.expect(200)["emailAccount"].clone();
    assert_eq!((&pop3["pop3Port"], &pop3["folder"]), (&json!(995), &json!("")));
}

#[tokio::test]
async fn exactly_one_enabled_account_is_the_default() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    account(&ann, "a@desk.example").await;
    account(&ann, "b@desk.example").await;
    let default = ann.put(&format!("{ACCOUNTS}/2/default"), json!({})).await.expect(200);
    assert_eq!(default["emailAccount"]["isDefault"], true);
    assert_eq!(ann.get(&format!("{ACCOUNTS}/1")).await.expect(200)["emailAccount"]["isDefault"], false);
    ann.delete(&format!("{ACCOUNTS}/2")).await.error(409);
    ann.put(&format!("{ACCOUNTS}/2/enable"), json!({ "isEnabled": false })).await.error(409);
    let disabled = ann.put(&format!("{ACCOUNTS}/1/enable"), json!({ "isEnable": false })).await.expect(200);
    assert_eq!(disabled["emailAccount"]["isEnabled"], false);
    ann.put(&format!("{ACCOUNTS}/1/default"), json!({})).await.error(409);
    assert_eq!(ann.get(ACCOUNTS).await.expect(200)["emailAccounts"].as_array().unwrap().len(), 1);
    let all = ann.get(&format!("{ACCOUNTS}?includeDisabled=true")).await.expect(200);
    assert_eq!(all["emailAccounts"].as_array().unwrap().len(), 2);
    ann.get(&format!("{ACCOUNTS}?includeDisabled=maybe")).await.error(400);
}

#[tokio::test]
async fn an_account_is_made_the_default_by_its_own_property_and_contradictions_are_refused() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    account(&ann, "a@desk.example").await;
    let new = |enabled: bool| json!({ "email": "b@desk.example", "isDefault": true, "isEnabled": enabled });
    let error = ann.post(ACCOUNTS, new(false)).await.error(400);
    assert_eq!(error, "'isDefault' must be false while b@desk.example is not enabled");
    assert_eq!(ann.post(ACCOUNTS, new(true)).await.expect(201)["emailAccount"]["isDefault"], true);
    let is_default = async |id: i64| {
        ann.get(&format!("{ACCOUNTS}/{id}")).await.expect(200)["emailAccount"]["isDefault"].clone()
    };
    assert_eq!(is_default(1).await, false);
    ann.put(&format!("{ACCOUNTS}/1"), json!({ "isDefault": true })).await.expect(200);
    let error = ann.put(&format!("{ACCOUNTS}/1"), json!({ "isDefault": false })).await.error(400);
    assert_eq!(error, "'isDefault' cannot be taken from the default account: make another one the default");
    assert_eq!(is_default(1).await, true);
}

#[tokio::test]
async fn every_agent_lists_accounts_but_sees_no_settings() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    account(&ann, "support@desk.example").await;
    assert_eq!(
        luis.get(ACCOUNTS).await.expect(200),
        json!({ "emailAccounts": [{
            "id": 1, "email": "support@desk.example", "type": "pop3", "displayName": "", "isEnabled": true,
            "isDefault": true, "agentAssigneeId": null, "departmentAssigneeId": null,
        }] })
    );
    let path = format!("{ACCOUNTS}/1");
    luis.get(&format!("{ACCOUNTS}?includeDisabled=true")).await.error(403);
    assert_eq!(luis.get(&path).await.error(403), "you may not manage e-mail accounts");
    luis.post(ACCOUNTS, json!({ "email": "x@desk.example" })).await.error(403);
    luis.put(&path, json!({ "displayName": "x" })).await.error(403);
    luis.put(&format!("{path}/enable"), json!({ "isEnabled": false })).await.error(403);
    luis.put(&format!("{path}/default"), json!({})).await.error(403);
    luis.post(&format!("{path}/test"), json!({})).await.error(403);
    luis.post(&format!("{path}/check"), json!({})).await.error(403);
    luis.delete(&path).await.error(403);
    desk.as_nobody().get(ACCOUNTS).await.error(401);
}

#[tokio::test]
async fn a_test_and_a_check_tell_why_servers_cannot_be_used() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let path = format!("{ACCOUNTS}/{}", account(&ann, "support@desk.example").await);
    let tested = ann.post(&format!("{path}/test"), json!({})).await.expect(200);
    for server in ["pop3", "smtp"] {
        assert_eq!(tested[server]["ok"], false, "{tested}");
        assert!(tested[server]["error"].is_string(), "{tested}");
    }
    let checked = ann.post(&format!("{path}/check"), json!({})).await.expect(200);
    assert_eq!(checked["fetched"], 0);
    assert!(checked["error"].is_string(), "{checked}");
    assert_eq!(
        checked["outcomes"],
        json!({ "created": 0, "appended": 0, "junk": 0, "rejected": 0, "ignored": 0, "quarantined": 0 })
    );
    let account = ann.get(&path).await.expect(200)["emailAccount"].clone();
    assert_eq!(account["lastError"], checked["error"]);
    assert_eq!(account["lastCheckedTime"], "2026-01-05T09:00:00.000Z");
}

#[tokio::test]
async fn an_account_without_servers_says_so_when_tested() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    ann.post(ACCOUNTS, json!({ "email": "support@desk.example" })).await.expect(201);
    let tested = ann.post(&format!("{ACCOUNTS}/1/test"), json!({})).await.expect(200);
    assert_eq!((&tested["pop3"]["ok"], &tested["smtp"]["ok"]), (&json!(false), &json!(false)));
    assert!(tested["pop3"]["error"].as_str().unwrap().contains("POP3"), "{tested}");
    assert!(tested["smtp"]["error"].as_str().unwrap().contains("SMTP"), "{tested}");
}

#[tokio::test]
async fn unknown_accounts_are_not_found() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for id in ["7", "x"] {
        let path = format!("{ACCOUNTS}/{id}");
        ann.get(&path).await.error(404);
        ann.put(&path, json!({ "displayName": "x" })).await.error(404);
        ann.put(&format!("{path}/enable"), json!({ "isEnabled": true })).await.error(404);
        ann.put(&format!("{path}/default"), json!({})).await.error(404);
        ann.post(&format!("{path}/test"), json!({})).await.error(404);
        ann.post(&format!("{path}/check"), json!({})).await.error(404);
        ann.delete(&path).await.error(404);
    }
}
