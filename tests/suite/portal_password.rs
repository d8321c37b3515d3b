//! The portal's optional password: set by whoever came by a link, used beside the links, and worth nothing to anybody
//! else. The clock stands at Monday 2026-01-05 09:00 UTC.

use std::time::Duration;

use anytime::desk::{contact, sign_in_link};
use anytime::ids::ContactId;
use anytime::language::Language;
use serde_json::json;

use crate::support::test_desk::{Browser, TestDesk, View, change};

const LENA: &str = "lena@customer.example";
const PASSWORD: &str = "three green bicycles";
const ACCOUNT: &str = "/portal/account";
const BY_PASSWORD: &str = "/portal/sign-in/password";

/// A browser in which Lena has come by a link.
async fn by_link(desk: &TestDesk) -> Browser {
    let token = change(desk, |tx| {
        let lena = contact::find_or_create(tx, LENA, Some("Lena"))?;
        sign_in_link::create(tx, lena)
    })
    .await;
    let browser = desk.browser();
    assert_eq!(browser.post(&format!("/portal/sign-in/{token}"), &[]).await.status, 303);
    browser
}

async fn by_password(desk: &TestDesk, email: &str, password: &str) -> (Browser, View) {
    let browser = desk.browser();
    let fields = [("email", email), ("password", password), ("next", "/portal/conversations/new")];
    let view = browser.post(BY_PASSWORD, &fields).await;
    (browser, view)
}

async fn send(browser: &Browser, action: &str, fields: &[(&str, &str)]) -> View {
    let csrf = browser.get(ACCOUNT).await.csrf();
    browser.post(&[ACCOUNT, action].concat(), &[&[("csrf", csrf.as_str())], fields].concat()).await
}

/// A desk where Lena has a password, and the browser in which she set it.
async fn with_password() -> (TestDesk, Browser) {
    let desk = TestDesk::start().await;
    let lena = by_link(&desk).await;
    let set = send(&lena, "/password", &[("password", PASSWORD)]).await;
    assert_eq!(set.location.as_deref(), Some("/portal/account?done=set"), "{}", set.html);
    (desk, lena)
}

fn notices(desk: &TestDesk) -> i64 {
    desk.number("SELECT count(*) FROM outgoing_mail WHERE subject LIKE 'Your password for%'")
}

#[tokio::test]
async fn a_contact_sets_a_password_and_signs_in_with_it_or_by_link_as_before() {
    let (desk, lena) = with_password().await;
    lena.get("/portal/account?done=set").await.shows("Your password is set.").shows("Change password");
    let (browser, view) = by_password(&desk, " LENA@customer.example ", PASSWORD).await;
    assert_eq!((view.status, view.location.as_deref()), (303, Some("/portal/conversations/new")));
    let cookie = view.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    browser.get("/portal/conversations").await.shows("My requests");
    browser.get(BY_PASSWORD).await;
    let foreign = [("email", LENA), ("password", PASSWORD), ("next", "//evil.example")];
    let view = desk.browser().post(BY_PASSWORD, &foreign).await;
    assert_eq!(view.location.as_deref(), Some("/portal/conversations"), "nobody is led elsewhere");
    by_link(&desk).await.get("/portal/conversations").await.shows("My requests");
    assert_eq!(notices(&desk), 1, "and is told by mail");
    assert_eq!(
        desk.number(
            "SELECT count(*) FROM contact_password WHERE hash LIKE '$argon2id$v=19$m=19456,t=2,p=1$%'"
        ),
        1
    );
}

#[tokio::test]
async fn whoever_is_unknown_has_no_password_or_gave_a_wrong_one_learns_nothing() {
    let (desk, _) = with_password().await;
    let ann = desk.as_ann().await;
    let tom = json!({ "name": "Tom", "identities": [{ "type": "email", "value": "tom@customer.example" }] });
    ann.post("/contacts", tom).await.expect(201);
    let mut pages = Vec::new();
    for email in [LENA, "tom@customer.example", "nobody@customer.example", "ann@desk.example"] {
        let (_, view) = by_password(&desk, email, "four green bicycles").await;
        assert_eq!(view.status, 400);
        pages.push(view.html.replace(email, "somebody"));
    }
    assert!(pages.windows(2).all(|pair| pair[0] == pair[1]), "the same page for all");
    // Each cost a comparison and a commit, whoever it was about.
    assert_eq!(desk.number("SELECT failures_of_nobody FROM password_policy"), 3);
    assert_eq!(desk.number("SELECT failed_sign_ins FROM contact_password"), 1);
    // An agent's password opens the console, not the portal.
    let (_, view) = by_password(&desk, "ann@desk.example", crate::support::test_desk::PASSWORD).await;
    assert_eq!(view.status, 400);
    assert_eq!(desk.number("SELECT count(*) FROM outgoing_mail WHERE subject LIKE 'Your sign-in link%'"), 0);
}

#[tokio::test]
async fn wrong_passwords_lock_the_password_for_a_while_but_never_the_link() {
    let (desk, _) = with_password().await;
    for _ in 0..5 {
        assert_eq!(by_password(&desk, LENA, "wrong password").await.1.status, 400);
    }
    let (_, locked) = by_password(&desk, LENA, PASSWORD).await;
    assert_eq!(locked.status, 400, "locked, even with the right one");
    let (_, unknown) = by_password(&desk, "nobody@customer.example", PASSWORD).await;
    assert_eq!(locked.html, unknown.html.replace("nobody@customer.example", LENA));
    assert_eq!(
        desk.number(
            "SELECT count(*) FROM audit_log WHERE summary LIKE 'locked the portal password of contact%'"
        ),
        1
    );
    desk.advance(Duration::from_secs(61));
    assert_eq!(by_password(&desk, LENA, PASSWORD).await.1.status, 303);
    for _ in 0..5 {
        by_password(&desk, LENA, "wrong password").await;
    }
    by_link(&desk).await.get("/portal/conversations").await.shows("My requests");
    assert_eq!(by_password(&desk, LENA, PASSWORD).await.1.status, 303, "the link proves who it is");
}

#[tokio::test]
async fn a_change_needs_the_present_password_or_a_fresh_link_and_ends_every_other_session() {
    let (desk, first) = with_password().await;
    let (browser, _) = by_password(&desk, LENA, PASSWORD).await;
    browser.get(ACCOUNT).await.shows("Current password");
    for current in ["", "wrong password"] {
        let refused =
            send(&browser, "/password", &[("current", current), ("password", "five old tandems")]).await;
        assert_eq!(refused.status, 400);
        refused.shows("This is not your password.");
    }
    let token = change(&desk, |tx| sign_in_link::create(tx, ContactId(1))).await;
    let done = send(&browser, "/password", &[("current", PASSWORD), ("password", "five old tandems")]).await;
    assert_eq!(done.status, 303);
    assert_eq!(browser.get(ACCOUNT).await.status, 200, "this one goes on");
    assert_eq!(first.get(ACCOUNT).await.status, 303, "every other one is over");
    let link = desk.browser().post(&format!("/portal/sign-in/{token}"), &[]).await;
    assert_eq!(link.status, 410, "and so is a link that was open");
    assert_eq!(by_password(&desk, LENA, PASSWORD).await.1.status, 400);
    assert_eq!(by_password(&desk, LENA, "five old tandems").await.1.status, 303);
    assert_eq!(notices(&desk), 2);
    // Forgotten: by a link the present one is not asked for, but not for ever.
    let forgetful = by_link(&desk).await;
    assert!(!forgetful.get(ACCOUNT).await.html.contains("Current password"));
    assert_eq!(send(&forgetful, "/password", &[("password", "six new saddles")]).await.status, 303);
    desk.advance(Duration::from_secs(31 * 60));
    forgetful.get(ACCOUNT).await.shows("Current password");
    assert_eq!(send(&forgetful, "/password", &[("password", "seven bells ring")]).await.status, 400);
}

#[tokio::test]
async fn a_password_is_removed_and_the_links_stay() {
    let (desk, lena) = with_password().await;
    let (other, _) = by_password(&desk, LENA, PASSWORD).await;
    let refused = send(&other, "/password/remove", &[("current", "wrong password")]).await;
    assert_eq!(refused.status, 400);
    let done = send(&lena, "/password/remove", &[]).await;
    assert_eq!(done.location.as_deref(), Some("/portal/account?done=removed"));
    lena.get("/portal/account?done=removed").await.shows("Your password is removed.").shows("Set password");
    assert_eq!(other.get(ACCOUNT).await.status, 303);
    assert_eq!(by_password(&desk, LENA, PASSWORD).await.1.status, 400);
    assert_eq!(send(&lena, "/password/remove", &[]).await.status, 303, "twice does no harm");
    assert_eq!((notices(&desk), desk.number("SELECT count(*) FROM contact_password")), (2, 0));
    by_link(&desk).await.get(ACCOUNT).await.shows("Set password");
}

#[tokio::test]
async fn bad_passwords_are_refused_in_the_readers_language() {
    let desk = TestDesk::start().await;
    let lena = by_link(&desk).await;
    let huge = "x".repeat(1025);
    for (language, password, says) in [
        ("en", "short", "This is too short."),
        ("de", "short", "Das ist zu kurz."),
        ("fr", "password12345", "C’est trop facile à deviner."),
        ("es", "lena@customer.example", "Es demasiado fácil de adivinar."),
        ("zh", "", "太短了。"),
        ("ar", huge.as_str(), "هذا أطول من اللازم."),
    ] {
        lena.post("/portal/language", &[("language", language)]).await;
        let refused = send(&lena, "/password", &[("password", password)]).await;
        assert_eq!(refused.status, 400, "{language}");
        refused.shows(says).shows("id=\"password-problem\"");
    }
    assert_eq!(desk.number("SELECT count(*) FROM contact_password"), 0);
    for language in Language::ALL {
        let words = language.words();
        lena.post("/portal/language", &[("language", language.tag())]).await;
        lena.get(ACCOUNT).await.shows(words.set_password);
        let stranger = desk.browser();
        stranger.post("/portal/language", &[("language", language.tag())]).await;
        stranger.get(BY_PASSWORD).await.shows(words.by_password).shows("type=\"password\"");
    }
}

#[tokio::test]
async fn forged_forms_strangers_and_agents_change_no_password() {
    let (desk, lena) = with_password().await;
    let csrf = lena.get(ACCOUNT).await.csrf();
    let path = "/portal/account/password";
    let fields = [("csrf", "wrong"), ("password", "eight fast trams")];
    assert_eq!(lena.post(path, &fields).await.status, 403);
    assert_eq!(lena.post(path, &fields[1..]).await.status, 403);
    let forged =
        lena.http.post(lena.url(path)).form(&[("csrf", csrf.as_str()), ("password", "eight fast trams")]);
    assert_eq!(lena.send(forged.header("sec-fetch-site", "cross-site")).await.status, 403);
    assert_eq!(desk.browser().post(path, &fields).await.status, 401);
    assert_eq!(desk.browser().get(ACCOUNT).await.status, 303);
    let ann = desk.browser();
    ann.sign_in("ann").await;
    assert_eq!(ann.get(ACCOUNT).await.status, 303, "an agent is no contact");
    assert_eq!(by_password(&desk, LENA, PASSWORD).await.1.status, 303);
}

#[tokio::test]
async fn another_address_or_the_contacts_end_takes_password_and_sessions_away() {
    for step in ["change", "replace", "delete the identity", "delete"] {
        let (desk, lena) = with_password().await;
        let ann = desk.as_ann().await;
        let id = ann.get("/contacts/1").await.expect(200)["identities"][0]["id"].clone();
        let path = format!("/contacts/1/identities/{id}");
        match step {
            "change" => ann.put(&path, json!({ "value": "lena@elsewhere.example" })).await.expect(200),
            "replace" => {
                let identity = json!([{ "type": "email", "value": "lena@elsewhere.example" }]);
                ann.put("/contacts/1", json!({ "name": "Lena", "identities": identity })).await.expect(200)
            }
            "delete the identity" => ann.delete(&path).await.expect(204),
            _ => ann.delete("/contacts/1").await.expect(204),
        };
        assert_eq!(lena.get(ACCOUNT).await.status, 303, "{step}");
        for email in [LENA, "lena@elsewhere.example"] {
            assert_eq!(by_password(&desk, email, PASSWORD).await.1.status, 400, "{step} {email}");
        }
        assert_eq!(desk.number("SELECT count(*) FROM contact_password"), 0, "{step}");
    }
}

#[tokio::test]
async fn guessing_is_slowed_down_by_one_limit_that_all_secrets_share() {
    let desk = TestDesk::start().await;
    let browser = desk.browser();
    let fields = [("email", "nobody@customer.example"), ("password", "wrong password")];
    let paths = [BY_PASSWORD, "/console/sign-in", "/portal/sign-in/some-token"];
    let mut attempts = 0;
    while browser.post(paths[attempts % 3], &fields).await.status != 429 {
        attempts += 1;
        assert!(attempts < 90, "each has a limit of its own");
    }
    assert!(30 <= attempts, "{attempts}");
}
