//! The settings of blocked senders, canned messages, integration accounts and webhooks, and the junk folder: as a
//! person uses them, without JavaScript.

use crate::support::mail::mail;
use crate::support::mailroom::{DESK, LENA, Mailroom};
use crate::support::receiver::Receiver;
use crate::support::test_desk::{Browser, TestDesk, View, eventually};

async fn signed_in(desk: &TestDesk, name: &str) -> Browser {
    let browser = desk.browser();
    browser.sign_in(name).await;
    browser
}

/// Sends a form of the page `page` with its secret.
async fn send(browser: &Browser, page: &str, action: &str, fields: &[(&str, &str)]) -> View {
    let csrf = browser.get(page).await.csrf();
    let mut all = vec![("csrf", csrf.as_str())];
    all.extend(fields);
    browser.post(action, &all).await
}

#[tokio::test]
async fn each_page_opens_for_who_may_and_for_nobody_else() {
    let desk = TestDesk::start().await;
    desk.create_agent("luis", false).await;
    let (ann, luis) = (signed_in(&desk, "ann").await, signed_in(&desk, "luis").await);
    for (page, luis_may) in [
        ("/console/settings/blocked-senders", false),
        ("/console/settings/canned-messages", true),
        ("/console/settings/canned-messages/new", true),
        ("/console/settings/integration-accounts", false),
        ("/console/settings/integration-accounts/new", false),
        ("/console/settings/webhooks", false),
        ("/console/settings/webhooks/new", false),
        ("/console/junk", false),
    ] {
        assert_eq!(ann.get(page).await.status, 200, "{page}");
        assert_eq!(luis.get(page).await.status, if luis_may { 200 } else { 403 }, "{page}");
        assert_eq!(desk.browser().get(page).await.status, 303, "{page}");
    }
}

#[tokio::test]
async fn a_sender_is_blocked_and_let_go_by_forms() {
    let desk = TestDesk::start().await;
    let ann = signed_in(&desk, "ann").await;
    let page = "/console/settings/blocked-senders";
    let wrong = send(&ann, page, page, &[("email", "<nonsense>"), ("action", "junk")]).await;
    assert_eq!(wrong.status, 400);
    wrong.shows("is neither an e-mail address nor a domain").shows("&#60;nonsense&#62;");
    assert_eq!(send(&ann, page, page, &[("email", "a@b.example"), ("action", "")]).await.status, 400);
    assert_eq!(send(&ann, page, page, &[("email", "@spam.example"), ("action", "reject")]).await.status, 303);
    ann.get(page).await.shows("spam.example").shows("Dropped");
    assert_eq!(send(&ann, page, &format!("{page}/1/delete"), &[]).await.status, 303);
    ann.get(page).await.shows("Nobody is blocked");
    assert_eq!(ann.post(page, &[("email", "x@y.example"), ("action", "junk")]).await.status, 403, "no csrf");
}

#[tokio::test(flavor = "multi_thread")]
async fn junk_is_read_restored_allowed_and_deleted_in_its_folder() {
    let room = Mailroom::open().await;
    let ann = signed_in(&room.desk, "ann").await;
    let blocked = "/console/settings/blocked-senders";
    send(&ann, blocked, blocked, &[("email", "customer.example"), ("action", "junk")]).await;
    for subject in ["First <b>", "Second", "Third"] {
        room.receive(&mail(LENA, DESK, subject, &[], "Buy now")).await;
    }
    let list = ann.get("/console/junk").await;
    list.shows("First &#60;b&#62;").shows("the domain customer.example is blocked");
    assert!(!ann.get("/console/junk?keywords=second").await.html.contains("Third"));
    ann.get("/console/junk/1").await.shows("the domain customer.example is blocked").shows("sandbox=");
    let body = ann.get("/console/junk/1/body").await;
    body.shows("Buy now");
    assert!(body.headers["content-security-policy"].to_str().unwrap().contains("sandbox"));
    let restored = send(&ann, "/console/junk", "/console/junk/1/restore", &[]).await;
    assert_eq!((restored.status, restored.location.as_deref()), (303, Some("/console/conversations/1")));
    assert_eq!(send(&ann, "/console/junk", "/console/junk/2/allow", &[]).await.status, 303);
    ann.get(blocked).await.shows("lena@customer.example").shows("Let in");
    assert_eq!(send(&ann, "/console/junk", "/console/junk/3/delete", &[]).await.status, 303);
    ann.get("/console/junk").await.shows("No junk");
    assert_eq!(ann.get("/console/junk/3").await.status, 404);
    let days = [("junkRetentionDays", "30")];
    assert_eq!(send(&ann, "/console/junk", "/console/junk/retention", &days).await.status, 303);
    ann.get("/console/junk").await.shows("after 30 days");
    let days = [("junkRetentionDays", "many")];
    assert_eq!(send(&ann, "/console/junk", "/console/junk/retention", &days).await.status, 400);
}

#[tokio::test]
async fn canned_messages_and_categories_are_kept_by_forms() {
    let desk = TestDesk::start().await;
    desk.create_agent("luis", false).await;
    let (ann, luis) = (signed_in(&desk, "ann").await, signed_in(&desk, "luis").await);
    let (page, new) = ("/console/settings/canned-messages", "/console/settings/canned-messages/new");
    let category = [("name", "Shipping"), ("parentId", "")];
    assert_eq!(send(&ann, page, "/console/settings/canned-message-categories", &category).await.status, 303);
    let wrong = send(&ann, new, new, &[("name", ""), ("message", "kept text")]).await;
    assert_eq!(wrong.status, 400);
    wrong.shows("kept text").shows("Is required");
    let good = [("name", "Late"), ("message", "Sorry"), ("categoryId", "1"), ("shortcuts", "late")];
    assert_eq!(send(&ann, new, new, &good).await.status, 303);
    ann.get(page).await.shows("Late").shows("Shipping");
    luis.get(page).await.shows("Late");
    // An agent who may not publish keeps what is private.
    assert_eq!(
        send(&luis, new, new, &[("name", "Mine"), ("message", "x"), ("isPrivate", "on")]).await.status,
        303
    );
    luis.get(page).await.shows("Mine");
    assert!(!ann.get(page).await.html.contains("Mine"));
    assert_eq!(ann.get(&format!("{page}/2")).await.status, 404);
    assert_eq!(send(&luis, page, &format!("{page}/1"), &[("name", "x"), ("message", "x")]).await.status, 403);
    let renamed = "/console/settings/canned-message-categories/1";
    assert_eq!(send(&ann, page, renamed, &[("name", "Parcels")]).await.status, 303);
    ann.get(page).await.shows("Parcels");
    assert_eq!(send(&ann, page, &format!("{renamed}/delete"), &[]).await.status, 303);
    assert_eq!(send(&ann, page, &format!("{page}/1/delete"), &[]).await.status, 303);
    ann.get(page).await.shows("No messages here");
}

#[tokio::test]
async fn integration_accounts_are_kept_by_forms() {
    let desk = TestDesk::start().await;
    let ann = signed_in(&desk, "ann").await;
    let page = "/console/settings/integration-accounts";
    let new = format!("{page}/new");
    let fields = [("appId", "bridge"), ("accountOriginalId", "@acme"), ("isEnable", "on")];
    assert_eq!(send(&ann, &new, &new, &fields).await.status, 303);
    let twice = send(&ann, &new, &new, &fields).await;
    assert_eq!(twice.status, 400);
    twice.shows("has an account &#39;@acme&#39; already");
    let changed = [("appId", "bridge"), ("accountOriginalId", "@acme"), ("accountName", "Acme")];
    assert_eq!(send(&ann, &new, &format!("{page}/1"), &changed).await.status, 303);
    ann.get(page).await.shows("Acme").shows("Switched off");
    assert_eq!(send(&ann, &new, &format!("{page}/1/delete"), &[]).await.status, 303);
    ann.get(page).await.shows("No accounts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_is_set_up_tested_and_replayed_by_forms() {
    let desk = TestDesk::start_with(|config| config.webhook_allow_private = true).await;
    let (ann, receiver) = (signed_in(&desk, "ann").await, Receiver::start().await);
    let page = "/console/settings/webhooks";
    let new = format!("{page}/new");
    let wrong = send(&ann, &new, &new, &[("event", "AgentReplied"), ("targetUrl", "ftp://x/")]).await;
    assert_eq!(wrong.status, 400);
    wrong.shows("is neither http nor https");
    let url = receiver.url();
    let good = [("event", "AgentReplied"), ("targetUrl", url.as_str()), ("isEnabled", "on")];
    let made = send(&ann, &new, &new, &good).await;
    assert_eq!(made.status, 200);
    made.shows("whsec_").shows("It is not shown again");
    assert!(!ann.get(&format!("{page}/1")).await.html.contains("whsec_"));
    assert_eq!(send(&ann, &new, &format!("{page}/1/test"), &[]).await.status, 303);
    receiver.wait_for(1).await;
    ann.get(&format!("{page}/1")).await.shows("Succeeded").shows("evt_").shows("Send again");
    assert_eq!(send(&ann, &new, &format!("{page}/1/deliveries/1/replay"), &[]).await.status, 303);
    receiver.wait_for(2).await;
    let secret = send(&ann, &new, &format!("{page}/1/secret"), &[]).await;
    secret.shows("whsec_");
    eventually("the health", async || ann.get(page).await.html.contains("Working").then_some(())).await;
    assert_eq!(send(&ann, &new, &format!("{page}/1/delete"), &[]).await.status, 303);
    ann.get(page).await.shows("Nobody is told");
}
