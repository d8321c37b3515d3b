//! Pages without JavaScript: sessions, forged forms, the first set-up, and who sees what in the portal.

use anytime::config::Config;
use anytime::desk::{contact, sign_in_link};
use anytime::ids::ContactId;
use anytime::language::Language;
use anytime::time::Clock;
use serde_json::json;

use crate::support::scene::submit;
use crate::support::test_desk::{PASSWORD, TestDesk, change};

#[tokio::test]
async fn the_console_asks_strangers_to_sign_in_and_leads_them_back() {
    let desk = TestDesk::start().await;
    let browser = desk.browser();
    let view = browser.get("/console/closed").await;
    assert_eq!(
        (view.status, view.location.as_deref()),
        (303, Some("/console/sign-in?next=%2Fconsole%2Fclosed"))
    );
    let fields = [("email", "ann@desk.example"), ("password", PASSWORD), ("next", "/console/closed")];
    let view = browser.post("/console/sign-in", &fields).await;
    assert_eq!((view.status, view.location.as_deref()), (303, Some("/console/closed")));
    let cookie = view.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    browser.get("/console/closed").await.shows("Nothing is closed yet");
    let fields = [("email", "ann@desk.example"), ("password", PASSWORD), ("next", "//evil.example")];
    let view = desk.browser().post("/console/sign-in", &fields).await;
    assert_eq!(view.location.as_deref(), Some("/console"));
}

#[tokio::test]
async fn wrong_passwords_lock_an_account_for_a_while_without_telling_who_exists() {
    let desk = TestDesk::start().await;
    let browser = desk.browser();
    let sign_in = async |email: &str, password: &str| {
        browser.post("/console/sign-in", &[("email", email), ("password", password)]).await
    };
    let unknown = sign_in("nobody@desk.example", "wrong password").await.html.replace("nobody@", "ann@");
    let known = sign_in("ann@desk.example", "wrong password").await;
    assert_eq!(known.html, unknown, "the same page for both");
    for _ in 0..5 {
        sign_in("ann@desk.example", "wrong password").await;
    }
    assert_ne!(sign_in("ann@desk.example", PASSWORD).await.status, 303, "locked, even with the right one");
    desk.advance(std::time::Duration::from_secs(3 * 60));
    assert_eq!(sign_in("ann@desk.example", PASSWORD).await.status, 303);
}

#[tokio::test]
async fn a_form_without_its_secret_or_from_another_site_changes_nothing() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let new = json!({ "subject": "s", "channel": "portal", "message": { "type": "note", "plainBody": "x" } });
    ann.post("/anytime/conversations", new).await.expect(201);
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let page = browser.get("/console/conversations/1").await;
    let csrf = page.csrf();
    let path = "/console/conversations/1/close";
    assert_eq!(browser.post(path, &[]).await.status, 403);
    assert_eq!(browser.post(path, &[("csrf", "wrong")]).await.status, 403);
    let forged =
        browser.http.post(browser.url(path)).form(&[("csrf", &csrf)]).header("sec-fetch-site", "cross-site");
    assert_eq!(browser.send(forged).await.status, 403);
    let forged = browser
        .http
        .post(browser.url(path))
        .form(&[("csrf", &csrf)])
        .header("origin", "https://evil.example");
    assert_eq!(browser.send(forged).await.status, 403);
    assert_eq!(ann.get("/anytime/conversations/1").await.expect(200)["conversation"]["status"], "new");
    assert_eq!(browser.post(path, &[("csrf", &csrf)]).await.status, 303);
    assert_eq!(ann.get("/anytime/conversations/1").await.expect(200)["conversation"]["status"], "closed");
    let out = browser.post("/console/sign-out", &[("csrf", &csrf)]).await;
    assert_eq!(out.status, 303);
    assert_eq!(browser.get("/console/all").await.status, 303, "the session is over");
}

#[tokio::test]
async fn looking_changes_nothing() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let new = json!({ "subject": "s", "channel": "portal", "message": { "type": "note", "plainBody": "x" } });
    ann.post("/anytime/conversations", new).await.expect(201);
    ann.put("/anytime/conversations/1/unread", json!({})).await.expect(204);
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let events = desk.number("SELECT count(*) FROM event");
    for path in ["/console", "/console/all", "/console/conversations/1", "/console/settings/tags", "/portal"]
    {
        browser.get(path).await;
    }
    assert_eq!(desk.number("SELECT count(*) FROM event"), events);
    assert_eq!(desk.number("SELECT is_read FROM conversation"), 0);
}

#[tokio::test]
async fn the_first_start_is_set_up_once_by_its_link() {
    let directory = tempfile::tempdir().unwrap();
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = Config::for_directory(directory.path());
    let desk = TestDesk::run(config, Clock::System, directory).await;
    let token = change(&desk, |tx| Ok(anytime::desk::site::offer_setup(tx)?.unwrap())).await;
    let browser = desk.browser();
    assert_ne!(browser.get("/set-up?token=wrong").await.status, 200);
    let page = browser.get(&format!("/set-up?token={token}")).await;
    assert_eq!(page.status, 200, "{}", page.html);
    assert_eq!(desk.number("SELECT count(*) FROM agent"), 0);
    // What a provider wants is filled in, and nothing that was typed is lost.
    let start = [("token", token.as_str()), ("site_name", "Bikes"), ("time_zone", "Europe/Berlin")];
    let filled = |preset: &'static str| [&start[..], &[("preset", preset), ("action", "preset")]].concat();
    let view = browser.post("/set-up", &filled("fastmail")).await;
    view.shows("value=\"Bikes\"").shows("value=\"imap.fastmail.com\"").shows("IMAP server (incoming)");
    view.shows("value=\"smtp.fastmail.com\"").shows("value=\"465\"").shows("an app password");
    browser.post("/set-up", &filled("pop3")).await.shows("POP3 server (incoming)").shows("value=\"995\"");
    let view = browser.post("/set-up", &filled("microsoft365")).await;
    assert!(!view.shows("takes more than a password").html.contains("incoming_server"), "{}", view.html);
    let finish = |preset: &'static str, server: &'static str| {
        [
            &start[..],
            &[
                ("name", "Ann Smith"),
                ("email", "ann@bikes.example"),
                ("password", "a long enough pass phrase"),
                ("preset", preset),
                ("address", "help@bikes.example"),
                ("incoming_server", server),
                ("incoming_port", "993"),
                ("incoming_security", "ssl"),
                ("smtp_port", "587"),
                ("action", "finish"),
            ],
        ]
        .concat()
    };
    let refused = browser.post("/set-up", &finish("imap", "no server")).await;
    assert_eq!(refused.status, 400);
    refused.shows("is not a host name or an address");
    let done = browser.post("/set-up", &finish("imap", "mail.bikes.example")).await;
    assert_eq!((done.status, done.location.as_deref()), (303, Some("/console")), "{}", done.html);
    assert_eq!(desk.number("SELECT count(*) FROM email_account WHERE type = 'imap' AND is_default = 1"), 1);
    assert_eq!(browser.post("/set-up", &finish("imap", "mail.bikes.example")).await.status, 403, "once");
}

#[tokio::test]
async fn a_contact_sees_only_their_own_conversations_and_never_notes() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let token = change(&desk, |tx| {
        let lena = contact::find_or_create(tx, "lena@customer.example", Some("Lena"))?;
        let tom = contact::find_or_create(tx, "tom@customer.example", Some("Tom"))?;
        submit(tx, lena, "Lena's question", "Why?")?;
        submit(tx, tom, "Tom's secret", "Psst")?;
        sign_in_link::create(tx, lena)
    })
    .await;
    let note = json!({ "type": "note", "plainBody": "she asks every week" });
    ann.post("/anytime/conversations/1/messages", note).await.expect(201);
    let reply = json!({ "type": "reply", "plainBody": "Because." });
    ann.post("/anytime/conversations/1/messages", reply).await.expect(201);
    let lena = desk.browser();
    let link = format!("/portal/sign-in/{token}");
    assert_eq!(lena.get(&link).await.status, 200, "looking does not use the link up");
    assert_eq!(lena.post(&link, &[]).await.status, 303);
    let list = lena.get("/portal/conversations").await;
    list.shows("Lena&#39;s question");
    assert!(!list.html.contains("secret"), "{}", list.html);
    let own = lena.get("/portal/conversations/1").await;
    own.shows("Because.");
    assert!(!own.html.contains("every week"), "{}", own.html);
    assert_eq!(lena.get("/portal/conversations/2").await.status, 404);
    let csrf = own.csrf();
    assert_eq!(lena.post("/portal/conversations/2/close", &[("csrf", &csrf)]).await.status, 404);
    assert_eq!(lena.get("/console/all").await.status, 303, "a contact is no agent");
    let again = desk.browser();
    assert_ne!(again.post(&link, &[]).await.status, 303, "the link works once");
    let id = ContactId(1);
    assert_eq!(change(&desk, move |tx| contact::require(tx, id)).await.name, "Lena");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_portal_answer_is_told_by_mail_once_and_an_unknown_address_gets_the_same_page() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    change(&desk, |tx| {
        let lena = contact::find_or_create(tx, "lena@customer.example", Some("Lena"))?;
        submit(tx, lena, "Question", "Why?")
    })
    .await;
    let reply = json!({ "type": "reply", "plainBody": "Because of the secret sauce." });
    ann.post("/anytime/conversations/1/messages", reply).await.expect(201);
    let mail = crate::support::test_desk::eventually("the mail to be queued", async || {
        let mails = ann.get("/anytime/outgoingMails").await.expect(200);
        mails["outgoingMails"].get(0).cloned()
    })
    .await;
    assert_eq!((&mail["isAutomatic"], &mail["state"]), (&json!(true), &json!("held")), "{mail}");
    assert_eq!(desk.number("SELECT count(*) FROM outgoing_mail WHERE text_body LIKE '%sauce%'"), 0);
    assert_eq!(desk.number("SELECT count(*) FROM outgoing_mail"), 1);
    let browser = desk.browser();
    let known = browser.post("/portal/sign-in", &[("email", "lena@customer.example")]).await;
    let unknown = browser.post("/portal/sign-in", &[("email", "eve@customer.example")]).await;
    assert_eq!(known.html.replace("lena@", "eve@"), unknown.html);
    assert_eq!(desk.number("SELECT count(*) FROM outgoing_mail WHERE subject LIKE 'Your sign-in link%'"), 2);
}

#[tokio::test]
async fn a_mail_with_a_sign_in_link_is_listed_but_never_shown() {
    let desk = TestDesk::start().await;
    let link = change(&desk, |tx| {
        let mut made = String::new();
        sign_in_link::request(tx, "lena@customer.example", Language::En, |token| {
            made = format!("https://desk.example/portal/sign-in/{token}");
            made.clone()
        })?;
        Ok(made)
    })
    .await;
    let browser = desk.browser();
    browser.sign_in("ann").await;
    browser.get("/console/settings/outgoing-mails").await.shows("lena@customer.example");
    let token = link.rsplit('/').next().unwrap();
    for path in ["/console/settings/outgoing-mails/1", "/console/settings/outgoing-mails/1/html"] {
        let view = browser.get(path).await;
        assert_eq!(view.status, 200);
        assert!(!view.html.contains(token), "{path} shows the link");
    }
    browser.get("/console/settings/outgoing-mails/1").await.shows("Only its recipient may read it");
}

#[tokio::test]
async fn a_customer_is_asked_for_the_required_fields_and_told_what_is_missing() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let options = json!([{ "name": "Lamp" }, { "name": "Chair" }]);
    let product =
        json!({ "type": "dropdownList", "name": "Product", "isRequired": true, "options": options });
    ann.post("/anytime/fields", product).await.expect(201);
    let order = json!({ "type": "integer", "name": "Order number", "isRequired": true });
    ann.post("/anytime/fields", order).await.expect(201);
    ann.post("/anytime/fields", json!({ "type": "text", "name": "Internal" })).await.expect(201);
    let token = change(&desk, |tx| {
        let lena = contact::find_or_create(tx, "lena@customer.example", Some("Lena"))?;
        sign_in_link::create(tx, lena)
    })
    .await;
    let lena = desk.browser();
    lena.post(&format!("/portal/sign-in/{token}"), &[]).await;
    let page = lena.get("/portal/conversations/new").await;
    page.shows("Product").shows("<option value=\"1\">Lamp</option>").shows("name=\"field-1001\"");
    assert!(!page.html.contains("Internal"), "only required fields are asked for");
    let csrf = page.csrf();
    let submit = |product: &'static str, order: &'static str| {
        let form = reqwest::multipart::Form::new()
            .text("csrf", csrf.clone())
            .text("subject", "Broken")
            .text("body", "It broke.")
            .text("field-1000", product)
            .text("field-1001", order);
        lena.send(lena.http.post(lena.url("/portal/conversations/new")).multipart(form))
    };
    let refused = submit("2", "many").await;
    assert_eq!(refused.status, 400);
    refused
        .shows("Please write a number.")
        .shows("<option value=\"2\" selected>Chair</option>")
        .shows("It broke.");
    assert_eq!(submit("", "7").await.status, 400);
    assert_eq!(submit("2", "7").await.status, 303);
    let created =
        ann.get("/anytime/conversations/1").await.expect(200)["conversation"]["customFields"].clone();
    assert_eq!(created[0]["value"], "Chair");
    assert_eq!(created[1]["value"], "7");
}

#[tokio::test]
async fn the_portal_speaks_the_customers_language_and_remembers_a_choice() {
    let desk = TestDesk::start().await;
    let browser = desk.browser();
    let german =
        browser.http.get(browser.url("/portal")).header("accept-language", "de-DE,de;q=0.9,en;q=0.5");
    let page = browser.send(german).await;
    page.shows("Wie können wir helfen?");
    page.shows("<html lang=\"de\" dir=\"ltr\">");
    let fields = [("language", "ar"), ("back", "/portal/sign-in")];
    let view = browser.post("/portal/language", &fields).await;
    assert_eq!(view.location.as_deref(), Some("/portal/sign-in"));
    let page = browser.get("/portal").await;
    page.shows("كيف يمكننا مساعدتك؟");
    page.shows("<html lang=\"ar\" dir=\"rtl\">");
    browser.post("/portal/sign-in", &[("email", "lena@customer.example")]).await.shows("تفقّد بريدك");
    assert_eq!(desk.number("SELECT count(*) FROM outgoing_mail WHERE subject LIKE 'رابط دخولك إلى%'"), 1);
    assert_eq!(browser.get("/portal").await.status, 200);
    browser.post("/portal/language", &[("language", "xx")]).await;
    browser.get("/portal").await.shows("dir=\"rtl\"");
}

#[tokio::test]
async fn mail_about_an_answer_is_in_the_language_the_customer_reads() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let token = change(&desk, |tx| {
        let lena = contact::find_or_create(tx, "lena@customer.example", Some("Lena"))?;
        submit(tx, lena, "Frage", "Warum?")?;
        sign_in_link::create(tx, lena)
    })
    .await;
    let browser = desk.browser();
    browser.post("/portal/language", &[("language", "de")]).await;
    assert_eq!(browser.post(&format!("/portal/sign-in/{token}"), &[]).await.status, 303);
    browser.get("/portal/conversations").await.shows("Meine Anfragen");
    let reply = json!({ "type": "reply", "plainBody": "Darum." });
    ann.post("/anytime/conversations/1/messages", reply).await.expect(201);
    crate::support::test_desk::eventually("the mail to be queued", async || {
        let count = desk.number("SELECT count(*) FROM outgoing_mail WHERE subject LIKE 'Eine Antwort von%'");
        (count == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_program_that_fills_in_everything_at_once_gets_no_link_mailed() {
    let desk = TestDesk::start().await;
    let browser = desk.browser();
    browser.get("/portal").await.shows("name=\"shown_at\"");
    let now = desk.app.now().millis().to_string();
    let fields = [("email", "lena@customer.example"), ("shown_at", now.as_str())];
    let view = browser.post("/portal/sign-in", &fields).await;
    assert_eq!(view.status, 400);
    view.shows("That was very fast");
    view.shows("lena@customer.example");
    let fields = [("email", "lena@customer.example"), ("website", "https://spam.example")];
    browser.post("/portal/sign-in", &fields).await.shows("Check your mail");
    assert_eq!(desk.number("SELECT count(*) FROM outgoing_mail"), 0);
    desk.advance(std::time::Duration::from_secs(2));
    let fields = [("email", "lena@customer.example"), ("shown_at", now.as_str())];
    assert_eq!(browser.post("/portal/sign-in", &fields).await.status, 200);
    assert_eq!(desk.number("SELECT count(*) FROM outgoing_mail"), 1);
}

#[tokio::test]
async fn an_administrator_gives_a_role_its_permissions_and_agents_by_a_form() {
    let desk = TestDesk::start().await;
    let luis = desk.create_agent("luis", false).await.to_string();
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let page = browser.get("/console/settings/roles/new").await;
    page.shows("manage tags");
    let csrf = page.csrf();
    let fields = [
        ("csrf", csrf.as_str()),
        ("name", "Taggers"),
        ("description", "They tag"),
        ("permissions", "manageTags"),
        ("agents", &luis),
    ];
    assert_eq!(browser.post("/console/settings/roles/new", &fields).await.status, 303);
    browser.get("/console/settings/roles").await.shows("Taggers").shows("1 agent<");
    desk.as_agent("luis").await.post("/tags", json!({ "name": "a" })).await.expect(201);
    let again = browser.post("/console/settings/roles/new", &fields).await;
    assert_eq!(again.status, 400);
    again.shows("There is already a role").shows("They tag");
    let fields = [("csrf", csrf.as_str()), ("name", "Taggers"), ("description", "")];
    assert_eq!(browser.post("/console/settings/roles/3", &fields).await.status, 303);
    desk.as_agent("luis").await.post("/tags", json!({ "name": "b" })).await.error(403);
    // The role of every agent keeps its agents, the administrators' one keeps everything.
    let view = browser.get("/console/settings/roles/1").await;
    view.shows("Administrators may do everything");
    let fields = [("csrf", csrf.as_str()), ("description", "x"), ("agents", "1")];
    assert_eq!(browser.post("/console/settings/roles/1", &fields).await.status, 303);
    assert_eq!(browser.post("/console/settings/roles/3/delete", &fields).await.status, 303);
    assert_eq!(browser.post("/console/settings/roles/1/delete", &fields).await.status, 409);
}

#[tokio::test]
async fn an_oauth_client_shows_its_secret_once() {
    let desk = TestDesk::start().await;
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let page = browser.get("/console/settings/oauth-clients/new").await;
    let fields = [
        ("csrf", page.csrf()),
        ("clientName", "Time sheets".to_owned()),
        ("redirectUrls", "https://a.example/x\nhttps://b.example/y".to_owned()),
        ("agentId", "1".to_owned()),
    ];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let made = browser.post("/console/settings/oauth-clients/new", &fields).await;
    assert_eq!(made.status, 200);
    made.shows("anys_").shows("Copy the key now");
    let again = browser.get("/console/settings/oauth-clients/1").await;
    again.shows("https://b.example/y");
    assert!(!again.html.contains("anys_"));
    browser.get("/console/settings/oauth-clients").await.shows("Time sheets");
    browser.post("/console/settings/oauth-clients/1/secret", &fields).await.shows("anys_");
    assert_eq!(browser.post("/console/settings/oauth-clients/1/delete", &fields).await.status, 303);
    let bad = [fields[0], fields[1], ("redirectUrls", "http://a.example/")];
    browser.post("/console/settings/oauth-clients/new", &bad).await.shows("is not an address");
}

#[tokio::test]
async fn the_password_policy_and_the_audit_log_have_pages() {
    let desk = TestDesk::start().await;
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let page = browser.get("/console/settings/password-policy").await;
    page.shows("Minimum".to_lowercase().as_str());
    let csrf = page.csrf();
    let mut fields = vec![
        ("csrf", csrf.as_str()),
        ("checksLength", "on"),
        ("minimumPasswordLength", "16"),
        ("verificationValueOfPasswordHistory", "5"),
        ("maximumChangeTimes", "5"),
        ("allowedFailedLoginAttempts", "5"),
    ];
    assert_eq!(browser.post("/console/settings/password-policy", &fields).await.status, 303);
    let policy = desk.as_ann().await.get("/passwordPolicy").await.expect(200);
    assert_eq!(
        (&policy["minimumPasswordLength"], &policy["isVerifyCommonPhrases"]),
        (&json!(16), &json!(false))
    );
    fields[2] = ("minimumPasswordLength", "three");
    let refused = browser.post("/console/settings/password-policy", &fields).await;
    assert_eq!(refused.status, 400);
    refused.shows("Must be a whole number, not");
    let log = browser.get("/console/settings/audit-log").await;
    log.shows("changed the password policy").shows("signed in to the console");
    let found = browser.get("/console/settings/audit-log?type=securityManagement&q=policy").await;
    found.shows("changed the password policy");
    assert!(!found.html.contains("<td class=\"wide\" data-label=\"What\"><div>signed in"));
}

#[tokio::test]
async fn security_pages_are_closed_to_who_may_not_manage_security() {
    let desk = TestDesk::start().await;
    desk.create_agent("luis", false).await;
    let browser = desk.browser();
    browser.sign_in("luis").await;
    for page in ["roles", "roles/1", "oauth-clients", "oauth-clients/new", "audit-log", "password-policy"] {
        assert_eq!(browser.get(&format!("/console/settings/{page}")).await.status, 403, "{page}");
    }
}
