//! XOAUTH2 for IMAP, POP3 and SMTP, and how an account is authorised at its provider.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::dovecot::Dovecot;
use crate::support::mail::mail;
use crate::support::provider::{CLIENT_ID, CLIENT_SECRET, Provider, SCOPE};
use crate::support::smtp_server::{Mode, SmtpServer};
use crate::support::test_desk::{Client, TestDesk};

const ACCOUNTS: &str = "/anytime/emailAccounts";

fn hello(index: usize) -> Vec<u8> {
    let id = format!("Message-ID: <{index}@customer.example>");
    mail("lena@customer.example", "support@desk.example", &format!("mail {index}"), &[&id], "Hello")
}

async fn create(ann: &Client, parts: &[Value]) -> i64 {
    let mut account = json!({ "email": "support@desk.example", "pollInterval": 86400, "isEnabled": false });
    for part in parts {
        account.as_object_mut().unwrap().extend(part.as_object().unwrap().clone());
    }
    ann.post(ACCOUNTS, account).await.expect(201)["emailAccount"]["id"].as_i64().unwrap()
}

async fn check(ann: &Client, id: i64) -> Value {
    ann.post(&format!("{ACCOUNTS}/{id}/check"), json!({})).await.expect(200)
}

fn imap(port: u16) -> Value {
    json!({
        "type": "imap", "imapServer": "127.0.0.1", "imapPort": port, "imapSecurity": "none", "imapUserName": "support",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn imap_and_pop3_sign_in_with_a_token_that_is_kept_until_it_expires() {
    let provider = Provider::start().await;
    let Some(dovecot) = Dovecot::start_with_tokens(&provider.url("/introspect")) else { return };
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let id = create(&ann, &[imap(dovecot.imap_port), provider.settings()]).await;
    for index in 0..2 {
        dovecot.deliver("support", &hello(index));
        let checked = check(&ann, id).await;
        assert_eq!((&checked["fetched"], &checked["error"]), (&json!(1), &Value::Null), "{}", dovecot.log());
    }
    assert_eq!(provider.asked(), 1, "one token serves several sessions");
    // Two minutes before its end it is not used any more; the refresh token is a new one by now.
    desk.advance(Duration::from_secs(3600 - 119));
    dovecot.deliver("support", &hello(2));
    assert_eq!(check(&ann, id).await["fetched"], 1);
    assert_eq!(provider.asked(), 2);
    let pop3 = json!({
        "type": "pop3", "pop3Server": "127.0.0.1", "pop3Port": dovecot.pop3_port, "pop3Security": "none",
        "pop3UserName": "support",
    });
    ann.put(&format!("{ACCOUNTS}/{id}"), pop3).await.expect(200);
    dovecot.deliver("support", &hello(3));
    let error = check(&ann, id).await["error"].as_str().unwrap().to_owned();
    assert!(error.contains("nobody has authorised"), "another server needs another authorisation: {error}");
    ann.put(&format!("{ACCOUNTS}/{id}"), provider.settings()).await.expect(200);
    let checked = check(&ann, id).await;
    assert_eq!((&checked["fetched"], &checked["error"]), (&json!(1), &Value::Null), "{}", dovecot.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_taken_back_early_is_replaced_and_a_revoked_permission_asks_to_authorise_again() {
    let provider = Provider::start().await;
    let Some(dovecot) = Dovecot::start_with_tokens(&provider.url("/introspect")) else { return };
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let id = create(&ann, &[imap(dovecot.imap_port), provider.settings()]).await;
    assert_eq!(check(&ann, id).await["error"], Value::Null, "{}", dovecot.log());
    provider.expire();
    let error = check(&ann, id).await["error"].as_str().unwrap().to_owned();
    assert!(error.contains("refused the login") && !error.contains("access-"), "{error}");
    assert_eq!(check(&ann, id).await["error"], Value::Null);
    provider.be_busy(true);
    provider.expire();
    check(&ann, id).await;
    let error = check(&ann, id).await["error"].as_str().unwrap().to_owned();
    assert!(
        error.contains("503") && !error.contains("authorise"),
        "the provider's trouble is not ours: {error}"
    );
    provider.be_busy(false);
    provider.revoke();
    let error = check(&ann, id).await["error"].as_str().unwrap().to_owned();
    assert!(error.contains("invalid_grant") && error.contains("authorise the account again"), "{error}");
    assert!(!error.contains("refresh-") && !error.contains(CLIENT_SECRET), "{error}");
    let account = ann.get(&format!("{ACCOUNTS}/{id}")).await.expect(200)["emailAccount"].clone();
    assert_eq!(account["lastError"], json!(error));
    assert_eq!(
        (&account["hasOauthClientSecret"], &account["hasOauthRefreshToken"]),
        (&json!(true), &json!(true))
    );
    assert!(!account.to_string().contains(CLIENT_SECRET) && !account.to_string().contains("refresh-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_authorises_at_the_provider_and_comes_back() {
    let provider = Provider::start().await;
    let Some(dovecot) = Dovecot::start_with_tokens(&provider.url("/introspect")) else { return };
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let without = json!({ "oauthRefreshToken": null });
    let id = create(&ann, &[imap(dovecot.imap_port), provider.settings(), without]).await;
    let page = format!("/console/settings/email-accounts/{id}");
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let view = browser.get(&page).await;
    view.shows("Not authorised yet").shows("/console/settings/email-accounts/authorised</code>");
    let csrf = view.csrf();
    let view = browser.post(&format!("{page}/authorise"), &[("csrf", &csrf)]).await;
    assert_eq!(view.status, 200, "{}", view.html);
    let start = view.html.find("href=\"http://127.0.0.1").unwrap() + "href=\"".len();
    let link = view.html[start..].split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&");
    let back = format!("/console/settings/email-accounts/authorised?{}", provider.consent(&link));

    // Somebody else's session, or a state that nobody began with, gets nowhere.
    desk.create_agent("eve", true).await;
    let eve = desk.browser();
    eve.sign_in("eve").await;
    let forged = "/console/settings/email-accounts/authorised?code=code-0&state=made-up";
    assert_eq!(eve.get(forged).await.status, 409);
    assert_eq!(provider.asked(), 0);

    let view = browser.get(&back).await;
    assert_eq!((view.status, view.location.as_deref()), (303, Some(page.as_str())), "{}", view.html);
    assert_eq!(browser.get(&back).await.status, 409, "a state counts once");
    dovecot.deliver("support", &hello(1));
    assert_eq!(check(&ann, id).await["fetched"], 1, "{}", dovecot.log());
    browser.get(&page).await.shows("Authorise again");

    let csrf = browser.get(&page).await.csrf();
    let view = browser.post(&format!("{page}/authorise"), &[("csrf", &csrf)]).await;
    let start = view.html.find("state=").unwrap() + "state=".len();
    let state = view.html[start..].split('&').next().unwrap();
    let denied = format!(
        "/console/settings/email-accounts/authorised?state={state}&error=access_denied&error_description=<b>no</b>"
    );
    let view = browser.get(&denied).await;
    assert_eq!(view.status, 400);
    assert!(view.html.contains("access_denied") && !view.html.contains("<b>no</b>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn smtp_takes_the_token_too() {
    let provider = Provider::start().await;
    let Some(smtp) = SmtpServer::start(Mode::RequireLogin) else { return };
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let server = json!({
        "type": "imap", "smtpServer": "127.0.0.1", "smtpPort": smtp.starttls_port, "smtpSecurity": "startTls",
        "smtpUserName": "desk", "tlsAcceptInvalidCerts": true,
    });
    let id = create(&ann, &[server, provider.settings()]).await;
    // The server takes tokens that begin with "access-".
    let tested = ann.post(&format!("{ACCOUNTS}/{id}/test"), json!({})).await.expect(200);
    assert_eq!(tested["smtp"], json!({ "ok": true, "error": null }));
    ann.put(&format!("{ACCOUNTS}/{id}"), json!({ "smtpUserName": "somebody else" })).await.expect(200);
    let tested = ann.post(&format!("{ACCOUNTS}/{id}/test"), json!({})).await.expect(200);
    let error = tested["smtp"]["error"].as_str().unwrap();
    assert!(error.contains("535") && !error.contains("access-"), "{error}");
}

#[tokio::test]
async fn settings_of_oauth_are_checked_and_secrets_do_not_follow_to_other_hosts() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    for (key, value, problem) in [
        ("authentication", json!("basic"), "must be 'password' or 'oauth2', not 'basic'"),
        ("oauthTokenUrl", json!("http://login.example/token"), "does not begin with https://"),
        ("oauthTokenUrl", json!("http://localhost/token"), "does not begin with https://"),
        ("oauthTokenUrl", json!("https://user:word@login.example/"), "is not a URL"),
        ("oauthAuthorizeUrl", json!("javascript:alert(1)"), "is not a URL"),
        ("oauthTokenUrl", json!(""), "is needed for OAuth 2.0"),
        ("oauthClientId", json!(""), "is needed for OAuth 2.0"),
        ("oauthClientSecret", json!("a\u{1}b"), "is too long or has control characters"),
    ] {
        let mut body = json!({
            "email": "support@desk.example", "type": "imap", "authentication": "oauth2", "oauthClientId": CLIENT_ID,
            "oauthTokenUrl": "https://login.example/token", "oauthScope": SCOPE,
        });
        body[key] = value;
        let message = ann.post(ACCOUNTS, body).await.error(400);
        assert!(message.contains(&format!("'{key}'")) && message.contains(problem), "{message}");
    }
    let exchange = json!({ "email": "x@desk.example", "type": "exchange", "authentication": "password" });
    assert!(ann.post(ACCOUNTS, exchange).await.error(400).contains("'authentication'"));
    let account = json!({
        "email": "support@desk.example", "type": "exchange", "oauthClientId": CLIENT_ID,
        "oauthTokenUrl": "https://login.example/token", "oauthClientSecret": CLIENT_SECRET,
    });
    let account = ann.post(ACCOUNTS, account).await.expect(201)["emailAccount"].clone();
    assert_eq!(account["exchangeServer"], "https://graph.microsoft.com/v1.0");
    assert_eq!(account["oauthScope"], "https://graph.microsoft.com/.default");
    let path = format!("{ACCOUNTS}/{}", account["id"]);
    for moved in [
        json!({ "oauthTokenUrl": "https://evil.example/token" }),
        json!({ "exchangeServer": "https://evil.example/v1.0" }),
    ] {
        assert!(ann.put(&path, moved).await.error(400).contains("'oauthClientSecret' is needed again"));
    }
}
