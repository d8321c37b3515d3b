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
        ("/console/settings/sender-checks", false),
        ("/console/junk", false),
    ] {
        assert_eq!(ann.get(page).await.status, 200, "{page}");
        assert_eq!(luis.get(page).await.status, if luis_may { 200 } else { 403 }, "{page}");
        assert_eq!(desk.browser().get(page).await.status, 303, "{page}");
    }
}

#[tokio::test]
async fn each_page_explains_its_subject_in_a_sentence() {
    let desk = TestDesk::start().await;
    let ann = signed_in(&desk, "ann").await;
    let index = ann.get("/console/settings").await;
    let mut pages: Vec<&str> =
        index.html.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    pages.retain(|page| page.starts_with("/console/settings/"));
    pages.sort_unstable();
    pages.dedup();
    assert!(28 < pages.len(), "{pages:?}");
    for new in [
        "agents",
        "canned-messages",
        "departments",
        "fields",
        "integration-accounts",
        "oauth-clients",
        "roles",
        "routing",
        "sla-policies",
        "triggers",
        "webhooks",
    ] {
        let page = ["/console/settings/", new, "/new"].concat();
        let view = ann.get(&page).await;
        assert!(view.status == 200 && view.html.contains("</h1><p>"), "{page}");
    }
    for page in pages {
        let view = ann.get(page).await;
        assert!(view.status == 200 && view.html.contains("</h1><p>"), "{page} does not say what it is about");
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

#[tokio::test]
async fn a_service_level_is_made_ordered_switched_and_deleted() {
    let desk = TestDesk::start().await;
    let ann = signed_in(&desk, "ann").await;
    let page = "/console/settings/sla-policies";
    ann.get(page).await.shows("No promises yet");
    let form = "/console/settings/sla-policies/new";
    let wrong = send(&ann, form, form, &[("name", "Fast"), ("when", "all"), ("first", "soon")]).await;
    assert_eq!(wrong.status, 400);
    wrong.shows("&#39;soon&#39; is not a whole number").shows("value=\"Fast\"");
    let none = send(&ann, form, form, &[("name", "Fast"), ("when", "all")]).await;
    assert_eq!(none.status, 400);
    for (name, hours) in [("Fast", "1"), ("Everything", "8")] {
        let fields = [
            ("name", name),
            ("isEnabled", "on"),
            ("isBusinessHours", "on"),
            ("when", "all"),
            ("first", hours),
            ("firstUnit", "hours"),
            ("resolve", "90"),
            ("resolveUnit", "minutes"),
        ];
        assert_eq!(send(&ann, form, form, &fields).await.status, 303);
    }
    ann.get(page).await.shows("first answer in 1 h, closed in 1 h 30 min").shows("in working time");
    let order = "SELECT id FROM sla_policy WHERE deleted_at IS NULL ORDER BY position LIMIT 1";
    assert_eq!(send(&ann, page, &format!("{page}/2/up"), &[]).await.status, 303);
    assert_eq!(desk.number(order), 2);
    assert_eq!(send(&ann, page, &format!("{page}/2/enable"), &[]).await.status, 303);
    ann.get(page).await.shows("Switch on");
    assert_eq!(send(&ann, page, &format!("{page}/2/delete"), &[]).await.status, 303);
    assert_eq!(desk.number(order), 1);
    let pauses = [("status", "pendingExternal"), ("status", "onHold")];
    assert_eq!(send(&ann, page, &format!("{page}/pauses"), &pauses).await.status, 303);
    ann.get(page).await.shows("value=\"onHold\" checked");
    desk.create_agent("luis", false).await;
    let luis = signed_in(&desk, "luis").await;
    assert_eq!(luis.get(page).await.status, 403);
    assert_eq!(send(&luis, "/console/all", &format!("{page}/1/delete"), &[]).await.status, 403);
    assert_eq!(desk.browser().get(page).await.status, 303);
}

#[tokio::test]
async fn a_form_that_is_sent_twice_makes_one_thing() {
    let desk = TestDesk::start().await;
    let ann = signed_in(&desk, "ann").await;
    let forms = [
        ("webhook", "/console/settings/webhooks/new", ("event", "AgentReplied")),
        ("canned_message", "/console/settings/canned-messages/new", ("message", "x")),
        ("trigger", "/console/settings/triggers/new", ("triggerEvent", "conversationCreated")),
        ("routing_rule", "/console/settings/routing/new", ("isEnable", "on")),
        ("filter", "/console/filters/new", ("who", "private")),
    ];
    for (table, page, own) in forms {
        let count = format!("SELECT count(*) FROM {table}");
        let before = desk.number(&count);
        let shown = ann.get(page).await;
        let (csrf, token) = (shown.csrf(), shown.hidden("token"));
        for (name, made) in [("One", 1), ("One", 1), ("Two", 2)] {
            let mut all = vec![("csrf", csrf.as_str()), ("token", token.as_str()), ("name", name), own];
            all.extend([("when", "all"), ("targetUrl", "https://erp.example/hook")]);
            if table == "webhook" && name == "Two" {
                all.push(("isEnabled", "on"));
            }
            let answer = ann.post(page, &all).await;
            assert!([200, 303].contains(&answer.status), "{table}: {} {}", answer.status, answer.html);
            assert_eq!(desk.number(&count), before + made, "{table} {name}");
        }
    }
}

#[tokio::test]
async fn the_portal_has_the_colour_and_logo_of_the_site() {
    let desk = TestDesk::start().await;
    let ann = signed_in(&desk, "ann").await;
    let page = "/console/settings/appearance";
    let csrf = ann.get(page).await.csrf();
    let nobody = desk.browser();
    assert!(!nobody.get("/portal").await.html.contains("look.css"));
    assert_eq!(nobody.get("/portal/logo").await.status, 404);
    let png = b"\x89PNG\r\n\x1a\n and what follows";
    let fields = [("csrf", csrf.as_str()), ("siteName", "Bikes"), ("color", "#ffee00")];
    let saved = ann.upload(page, &fields, &[("logo", "logo.png", png)]).await;
    assert_eq!(saved.status, 303, "{}", saved.html);
    nobody.get("/portal").await.shows("look.css?v=1").shows("/portal/logo?v=1").shows("Bikes");
    let css = nobody.get("/portal/look.css?v=1").await;
    css.shows("--accent:#ffee00").shows("--accent-ink:#11152b");
    nobody.get("/portal/sign-in").await;
    nobody.post("/portal/sign-in", &[("email", "lena@customer.example")]).await;
    let button =
        "SELECT count(*) FROM outgoing_mail WHERE html_body LIKE '%background-color:#ffee00;color:#11152b%'";
    assert_eq!(desk.number(button), 1, "a mail's button has the colour, and letters that can be read on it");
    let logo = nobody.get("/portal/logo?v=1").await;
    assert_eq!(logo.headers["content-type"], "image/png");
    assert!(logo.headers["content-security-policy"].to_str().unwrap().contains("sandbox"));
    assert_eq!(logo.headers["x-content-type-options"], "nosniff");
    for (name, bytes) in [("logo.svg", &b"<svg onload=alert(1)>"[..]), ("page.html", b"<script>")] {
        let refused = ann.upload(page, &fields, &[("logo", name, bytes)]).await;
        assert_eq!(refused.status, 400);
        refused.shows("Must be a PNG, JPEG, GIF or WebP picture").shows("value=\"Bikes\"");
    }
    let wrong = [("csrf", csrf.as_str()), ("siteName", "Bikes"), ("color", "red;}")];
    assert_eq!(ann.upload(page, &wrong, &[]).await.status, 400);
    let plain = [("csrf", csrf.as_str()), ("siteName", "Bikes"), ("ownColor", "on"), ("removeLogo", "on")];
    assert_eq!(ann.upload(page, &plain, &[]).await.status, 303);
    assert!(!nobody.get("/portal").await.html.contains("look.css"));
    desk.create_agent("luis", false).await;
    assert_eq!(signed_in(&desk, "luis").await.get(page).await.status, 403);
    assert_eq!(nobody.get(page).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_when_it_is_asked_to() {
    let desk = TestDesk::start().await;
    let ann = signed_in(&desk, "ann").await;
    let page = "/console/settings/jobs";
    let job = [("job", "housekeeping")];
    assert_eq!(send(&ann, page, page, &job).await.status, 303);
    assert_eq!(desk.number("SELECT runs FROM job WHERE name = 'housekeeping'"), 1);
    ann.get(page).await.shows("Run now<span class=\"visually-hidden\">: housekeeping</span>");
    assert_eq!(send(&ann, page, page, &[("job", "nonsense")]).await.status, 404);
    desk.create_agent("luis", false).await;
    let luis = signed_in(&desk, "luis").await;
    assert_eq!(send(&luis, "/console/all", page, &job).await.status, 403);
}

#[tokio::test]
async fn how_long_a_mail_can_be_taken_back_is_a_setting() {
    let desk = TestDesk::start().await;
    let ann = signed_in(&desk, "ann").await;
    let page = "/console/settings/site";
    ann.get(page).await.shows("name=\"undoSeconds\" type=\"number\" min=\"0\" max=\"120\" value=\"5\"");
    let fields = [("siteName", "Bikes"), ("timeZone", "Europe/Berlin"), ("undoSeconds", "500")];
    let refused = send(&ann, page, page, &fields).await;
    assert_eq!(refused.status, 400);
    refused.shows("Must be from 0 to 120, not 500").shows("value=\"500\"");
    let fields = [("siteName", "Bikes"), ("timeZone", "Europe/Berlin"), ("undoSeconds", "20")];
    assert_eq!(send(&ann, page, page, &fields).await.status, 303);
    assert_eq!(desk.number("SELECT undo_seconds FROM site"), 20);
}
