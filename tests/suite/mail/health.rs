//! How accounts fare: told in the list, on the account's page, on every page of the console, and in the audit log.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::fake_pop3::{FakePop3, Faults};
use crate::support::test_desk::{TestDesk, change};

const ACCOUNTS: &str = "/anytime/emailAccounts";
const BANNER: &str = "No mail comes in from support@desk.example";

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_fails_again_and_again_is_told_of_until_it_works() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    let server = FakePop3::start(&[], Faults { wrong_password: true, ..Faults::default() });
    let account = json!({
        "email": "support@desk.example", "pop3Server": "127.0.0.1", "pop3Port": server.port, "pop3Security": "none",
        "pop3Password": "x", "pollInterval": 86400,
    });
    let id = ann.post(ACCOUNTS, account).await.expect(201)["emailAccount"]["id"].as_i64().unwrap();
    let (browser, other) = (desk.browser(), desk.browser());
    browser.sign_in("ann").await;
    other.sign_in("luis").await;
    let path = format!("{ACCOUNTS}/{id}");
    let mut failed = 0;
    while failed < 3 {
        assert!(!browser.get("/console/settings/profile").await.html.contains(BANNER), "{failed}");
        desk.advance(Duration::from_secs(1));
        ann.post(&format!("{path}/check"), json!({})).await.expect(200);
        let account = ann.get(&path).await.expect(200)["emailAccount"].clone();
        failed = account["failedChecks"].as_i64().unwrap();
        assert_eq!(account["failingSinceTime"].is_string(), 3 <= failed, "{account}");
    }
    for page in ["/console/all", "/console/reports", "/console/settings/email-accounts"] {
        browser.get(page).await.shows(BANNER).shows(&format!("/console/settings/email-accounts/{id}"));
    }
    assert!(
        !other.get("/console/settings/profile").await.html.contains(BANNER),
        "it is nobody's business who cannot mend it"
    );
    browser
        .get("/console/settings/email-accounts")
        .await
        .shows("Cannot be fetched since")
        .shows("Check user name");
    let log = ann.get("/auditLogs").await.expect(200).to_string();
    assert_eq!(log.matches("mail can no longer be fetched from 'support@desk.example'").count(), 1, "{log}");
    server.set_faults(Faults::default());
    let checked = ann.post(&format!("{path}/check"), json!({})).await.expect(200);
    assert_eq!(checked["error"], Value::Null);
    let account = ann.get(&path).await.expect(200)["emailAccount"].clone();
    assert_eq!((&account["failedChecks"], &account["failingSinceTime"]), (&json!(0), &Value::Null));
    assert!(!browser.get("/console/settings/profile").await.html.contains(BANNER));
    let log = ann.get("/auditLogs").await.expect(200).to_string();
    assert!(log.contains("mail can be fetched from 'support@desk.example' again"), "{log}");
    luis.get(&path).await.error(403);
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_that_take_no_password_are_explained() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let browser = desk.browser();
    browser.sign_in("ann").await;
    for (server, hint) in [
        ("imap.gmail.com", "use an app password, or OAuth 2.0"),
        ("outlook.office365.com", "Microsoft no longer takes passwords"),
        ("gmail.com.evil.example", "Check user name and password"),
    ] {
        let account = json!({
            "email": format!("support@{server}"), "type": "imap", "imapServer": server, "isEnabled": false,
        });
        let id = ann.post(ACCOUNTS, account).await.expect(201)["emailAccount"]["id"].as_i64().unwrap();
        change(&desk, move |tx| {
            let error =
                "imap.gmail.com:993 refused the login: [ALERT] Application-specific password required";
            anytime::desk::email_account::record_check(
                tx,
                anytime::ids::EmailAccountId(id),
                Some(error),
                None,
            )
        })
        .await;
        browser.get(&format!("/console/settings/email-accounts/{id}")).await.shows(hint);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_set_up_by_what_its_provider_needs() {
    let desk = TestDesk::start().await;
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let new = "/console/settings/email-accounts/new";
    let view = browser.get(new).await;
    for preset in ["gmail", "gmail-oauth", "microsoft365", "outlook-oauth", "fastmail", "imap", "pop3"] {
        view.shows(&format!("{new}?preset={preset}\""));
        assert_eq!(browser.get(&format!("{new}?preset={preset}")).await.status, 200, "{preset}");
    }
    assert_eq!(browser.get(&format!("{new}?preset=fax")).await.status, 404);
    let view = browser.get(&format!("{new}?preset=gmail")).await;
    view.shows("value=\"imap.gmail.com\"").shows("value=\"smtp.gmail.com\"").shows("value=\"993\"");
    let server = FakePop3::start(&[], Faults::default());
    let port = server.port.to_string();
    let csrf = browser.get(&format!("{new}?preset=pop3")).await.csrf();
    let fields = [
        ("csrf", csrf.as_str()),
        ("type", "pop3"),
        ("email", "support@desk.example"),
        ("pop3Server", "127.0.0.1"),
        ("pop3Port", &port),
        ("pop3Security", "none"),
        ("pop3UserName", ""),
        ("pop3Password", "x"),
        ("pollInterval", "60"),
        ("takeOverBefore", "2026-01-01T00:00"),
        ("smtpServer", ""),
        ("action", "test"),
    ];
    let view = browser.post(new, &fields).await;
    assert_eq!(view.status, 200, "{}", view.html);
    view.shows("<strong>POP3</strong> works").shows("value=\"2026-01-01T00:00\"");
    let mut wrong = fields;
    wrong[9] = ("takeOverBefore", "2027-01-01T00:00");
    let view = browser.post("/console/settings/email-accounts/1", &wrong).await;
    assert_eq!(view.status, 400);
    view.shows("is in the future");
    let exchange = browser.get(&format!("{new}?preset=microsoft365")).await;
    exchange.shows("https://graph.microsoft.com/v1.0").shows("Mailbox");
    assert!(!exchange.html.contains("smtpServer"));
}
