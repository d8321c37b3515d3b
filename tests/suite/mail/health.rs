//! How accounts fare: told in the list, on the account's page, on every page of the console, and in the audit log.

use std::time::Duration;

use anytime::desk::email_account::{Failure, record_check};
use anytime::ids::EmailAccountId;
use serde_json::{Value, json};

use crate::support::fake_pop3::{FakePop3, Faults};
use crate::support::mail::mail;
use crate::support::mailroom::{DESK, LENA, Mailroom};
use crate::support::smtp_server::{Mode, PASSWORD, SmtpServer, USER_NAME};
use crate::support::test_desk::{PATIENCE, TestDesk, change, eventually};

const ACCOUNTS: &str = "/anytime/emailAccounts";
const BANNER: &str = "No mail comes in from support@desk.example";
const NOT_LEAVING: &str = "No mail leaves from support@desk.example";

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
async fn a_refused_password_is_shown_five_times_and_then_no_more_until_somebody_acts() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let server = FakePop3::start(&[], Faults { wrong_password: true, ..Faults::default() });
    let account = json!({
        "email": "support@desk.example", "pop3Server": "127.0.0.1", "pop3Port": server.port, "pop3Security": "none",
        "pop3Password": "x", "pollInterval": 86400,
    });
    let id = ann.post(ACCOUNTS, account).await.expect(201)["emailAccount"]["id"].as_i64().unwrap();
    let path = format!("{ACCOUNTS}/{id}");
    let read = async || ann.get(&path).await.expect(200)["emailAccount"].clone();
    while read().await["failedChecks"].as_i64().unwrap() < 5 {
        assert_eq!(read().await["isStopped"], false);
        ann.post(&format!("{path}/check"), json!({})).await.expect(200);
    }
    assert_eq!(read().await["isStopped"], true);
    let due = || desk.app.read(|s| anytime::desk::email_account::due(s, desk.app.now())).unwrap();
    desk.advance(Duration::from_secs(30 * 86_400));
    assert!(due().is_empty(), "not even next month");
    let browser = desk.browser();
    browser.sign_in("ann").await;
    browser.get("/console/all").await.shows(BANNER).shows("It is no longer tried: 5 sign-ins were refused");
    browser.get("/console/settings/email-accounts").await.shows("No longer fetched since");
    browser
        .get(&format!("/console/settings/email-accounts/{id}"))
        .await
        .shows("lest the provider lock the mailbox");
    let log = ann.get("/auditLogs").await.expect(200).to_string();
    assert_eq!(log.matches("stopped fetching mail from 'support@desk.example'").count(), 1, "{log}");
    // A test that fails changes nothing, one that works is an act.
    ann.post(&format!("{path}/test"), json!({})).await.expect(200);
    assert_eq!(read().await["isStopped"], true);
    server.set_faults(Faults::default());
    ann.post(&format!("{path}/test"), json!({})).await.expect(200);
    assert_eq!((&read().await["isStopped"], &read().await["lastError"]), (&json!(false), &Value::Null));
    assert!(!browser.get("/console/all").await.html.contains(BANNER));
    // So is a change; a server that is only out of order is asked for ever.
    server.set_faults(Faults { wrong_password: true, ..Faults::default() });
    while read().await["isStopped"] == false {
        ann.post(&format!("{path}/check"), json!({})).await.expect(200);
    }
    ann.put(&path, json!({ "pop3Password": "y" })).await.expect(200);
    assert_eq!(read().await["isStopped"], false);
    server.set_faults(Faults { in_use: true, ..Faults::default() });
    for _ in 0..8 {
        ann.post(&format!("{path}/check"), json!({})).await.expect(200);
    }
    assert_eq!(read().await["isStopped"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_that_cannot_leave_is_told_of_and_a_refused_password_stops_it_until_somebody_acts() {
    let Some(smtp) = SmtpServer::start(Mode::RequireLogin) else { return };
    let room = Mailroom::open().await;
    let path = format!("{ACCOUNTS}/{}", room.account);
    let wrong = json!({
        "smtpServer": "127.0.0.1", "smtpPort": smtp.plain_port, "smtpSecurity": "none", "smtpUserName": USER_NAME,
        "smtpPassword": "wr0ng",
    });
    room.ann.put(&path, wrong).await.expect(200);
    room.receive(&mail(LENA, DESK, "Broken chain", &[], "Help")).await;
    room.answer().await;
    let read = async || room.ann.get(&path).await.expect(200)["emailAccount"].clone();
    let attempts = || room.desk.number("SELECT attempts FROM outgoing_mail WHERE lease_until = 0");
    for wanted in 1..=5 {
        eventually("the mail to be tried", async || (attempts() == wanted).then_some(())).await;
        let account = read().await;
        assert_eq!(account["failedSends"], wanted, "{account}");
        assert_eq!(account["sendFailingSinceTime"].is_string(), 3 <= wanted, "{account}");
        assert_eq!(account["isSendingStopped"], wanted == 5, "{account}");
        room.desk.advance(Duration::from_secs(3 * 3600));
        anytime::jobs::send_due(&room.desk.app).await.unwrap();
    }
    assert_eq!(attempts(), 5, "nothing is tried any more");
    let browser = room.desk.browser();
    browser.sign_in("ann").await;
    let page = browser.get("/console/all").await;
    page.shows(NOT_LEAVING).shows("It is no longer tried: 5 sign-ins were refused");
    assert!(!page.html.contains("wr0ng") && !page.html.contains(BANNER), "{}", page.html);
    browser.get("/console/settings/email-accounts").await.shows("Sending has stopped since");
    browser
        .get(&format!("/console/settings/email-accounts/{}", room.account))
        .await
        .shows("Mail does not leave.");
    let log = room.ann.get("/auditLogs").await.expect(200).to_string();
    assert_eq!(log.matches("mail can no longer be sent from 'support@desk.example'").count(), 1, "{log}");
    assert_eq!(log.matches("stopped sending mail from 'support@desk.example'").count(), 1, "{log}");
    room.ann.put(&path, json!({ "smtpPassword": PASSWORD })).await.expect(200);
    anytime::jobs::send_due(&room.desk.app).await.unwrap();
    assert_eq!(smtp.wait_for(1, PATIENCE).len(), 1, "what waited has left");
    let account = eventually("the success to be noted", async || {
        let account = read().await;
        account["lastSendSuccessTime"].is_string().then_some(account)
    })
    .await;
    assert_eq!((&account["failedSends"], &account["lastSendError"]), (&json!(0), &Value::Null));
    assert!(!browser.get("/console/all").await.html.contains(NOT_LEAVING));
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
            let text = "imap.gmail.com:993 refused the login: [ALERT] Application-specific password required";
            let failure = Failure { text: text.to_owned(), is_refusal: true };
            record_check(tx, EmailAccountId(id), Some(&failure), None)
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
    view.shows("<strong>POP3</strong> works").shows("value=\"2026-01-01T00:00\"").shows("(UTC time)");
    // The time is that of whoever looks.
    let ann = desk.as_ann().await;
    ann.put("/agents/me", json!({ "timeZone": "Europe/Berlin" })).await.expect(200);
    let page = "/console/settings/email-accounts/1";
    browser.get(page).await.shows("value=\"2026-01-01T01:00\"").shows("(Europe/Berlin time)");
    let mut later = fields;
    (later[9], later[11]) = (("takeOverBefore", "2026-01-02T01:30"), ("action", ""));
    assert_eq!(browser.post(page, &later).await.status, 303);
    let account = ann.get(&format!("{ACCOUNTS}/1")).await.expect(200)["emailAccount"].clone();
    assert!(account["takeOverBefore"].as_str().unwrap().starts_with("2026-01-02T00:30:00"), "{account}");
    let mut wrong = fields;
    wrong[9] = ("takeOverBefore", "2027-01-01T00:00");
    let view = browser.post("/console/settings/email-accounts/1", &wrong).await;
    assert_eq!(view.status, 400);
    view.shows("is in the future");
    let exchange = browser.get(&format!("{new}?preset=microsoft365")).await;
    exchange.shows("https://graph.microsoft.com/v1.0").shows("Mailbox");
    assert!(!exchange.html.contains("smtpServer"));
}
