//! Signing in: two steps, sessions, and the programs that act for an agent. The clock stands at Monday 2026-01-05 09:00
//! UTC.

use std::time::Duration;

use anytime::config::Config;
use serde_json::json;
use totp_rs::{Algorithm, Builder, Secret};

use crate::support::test_desk::{Browser, PASSWORD, TestDesk, View};

const SECURITY: &str = "/console/settings/security";

/// An authenticator app.
struct App([u8; 20]);

impl App {
    /// From what the page says for typing.
    fn of(page: &View) -> Self {
        let start = page.html.find("id=\"totp-secret\">").unwrap() + 17;
        let text: String = page.html[start..].chars().take_while(|letter| *letter != '<').collect();
        let mut bits = 0_u64;
        let (mut count, mut bytes) = (0, Vec::new());
        for letter in text.chars().filter(|letter| !letter.is_whitespace()) {
            bits = bits << 5 | "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).unwrap() as u64;
            count += 5;
            if 8 <= count {
                count -= 8;
                bytes.push((bits >> count) as u8);
            }
        }
        Self(bytes.try_into().unwrap())
    }

    fn code(&self, desk: &TestDesk) -> String {
        let app =
            Builder::new().with_algorithm(Algorithm::SHA1).with_secret(Secret::from(self.0)).build().unwrap();
        app.generate(desk.app.now().millis() as u64 / 1000).to_string()
    }
}

async fn post(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> View {
    let csrf = browser.get(SECURITY).await.csrf();
    browser.post(&[SECURITY, path].concat(), &[&[("csrf", csrf.as_str())], fields].concat()).await
}

/// Turns it on for Ann; gives the app and the recovery codes.
async fn enrol(desk: &TestDesk, browser: &Browser) -> (App, Vec<String>) {
    assert_eq!(post(browser, "/two-step", &[("password", PASSWORD)]).await.status, 303);
    let page = browser.get(SECURITY).await;
    page.shows("<svg").shows("otpauth://totp/");
    let app = App::of(&page);
    let wrong = post(browser, "/two-step/confirm", &[("code", "000000")]).await;
    assert_eq!(wrong.status, 400);
    wrong.shows("Is not a code of your app now");
    let done = post(browser, "/two-step/confirm", &[("code", &app.code(desk))]).await;
    assert_eq!(done.status, 200, "{}", done.html);
    let start = done.html.find("aria-label=\"Recovery codes\">").unwrap() + 28;
    let codes: Vec<String> =
        done.html[start..].split("</pre>").next().unwrap().lines().map(str::to_owned).collect();
    (app, codes)
}

/// Gives Ann's password; leads to the question for a code.
async fn first_step(browser: &Browser) -> View {
    let fields = [("email", "ann@desk.example"), ("password", PASSWORD), ("next", "/console/all")];
    browser.post("/console/sign-in", &fields).await
}

async fn second_step(browser: &Browser, code: &str) -> View {
    browser.post("/console/sign-in/code", &[("code", code), ("next", "/console/all")]).await
}

const STEP: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn with_two_steps_a_password_alone_lets_nobody_in_and_each_code_works_once() {
    let desk = TestDesk::start().await;
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let (app, codes) = enrol(&desk, &browser).await;
    assert_eq!(codes.len(), 10, "{codes:?}");
    browser.get(SECURITY).await.shows("10 recovery codes left");
    // The secret is sealed, the recovery codes are hashed, and neither is shown again.
    let page = browser.get(SECURITY).await;
    assert!(!page.html.contains("totp-secret") && !page.html.contains(&codes[0]));

    let other = desk.browser();
    let step = first_step(&other).await;
    assert_eq!(step.location.as_deref(), Some("/console/sign-in/code?next=%2Fconsole%2Fall"));
    assert_eq!(other.get("/console/all").await.status, 303, "not in yet");
    other.get("/console/sign-in/code?next=%2Fconsole%2Fall").await.shows("One more step");
    // The code that confirmed the app was used.
    assert_eq!(second_step(&other, &app.code(&desk)).await.status, 400);
    desk.advance(STEP);
    let code = app.code(&desk);
    let inside = second_step(&other, &code).await;
    assert_eq!((inside.status, inside.location.as_deref()), (303, Some("/console/all")));
    assert_eq!(other.get("/console/all").await.status, 200);
    // Replayed.
    let third = desk.browser();
    first_step(&third).await;
    assert_eq!(second_step(&third, &code).await.status, 400);
    // One step late is fine, two are not.
    desk.advance(STEP);
    let late = app.code(&desk);
    desk.advance(STEP);
    assert_eq!(second_step(&third, &late).await.status, 303);
    let fourth = desk.browser();
    first_step(&fourth).await;
    let stale = app.code(&desk);
    desk.advance(STEP * 2);
    assert_eq!(second_step(&fourth, &stale).await.status, 400);
    // A recovery code works once, however it is typed.
    assert_eq!(second_step(&fourth, &codes[3].to_uppercase().replace('-', " ")).await.status, 303);
    fourth.get(SECURITY).await.shows("9 recovery codes left");
    let fifth = desk.browser();
    first_step(&fifth).await;
    assert_eq!(second_step(&fifth, &codes[3]).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_codes_end_the_sign_in_and_count_like_wrong_passwords() {
    let desk = TestDesk::start().await;
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let (app, _) = enrol(&desk, &browser).await;
    desk.advance(STEP);
    let thief = desk.browser();
    first_step(&thief).await;
    for _ in 0..4 {
        second_step(&thief, "123456").await.shows("This is not a code of your app now");
    }
    second_step(&thief, "123456").await.shows("Please begin again");
    assert_eq!(second_step(&thief, &app.code(&desk)).await.status, 400, "the step is over");
    let again = first_step(&thief).await;
    assert_eq!(again.status, 400, "locked out after five");
    // Nobody asks for a code without the password before; a step does not wait for ever.
    let stranger = desk.browser();
    assert_eq!(stranger.get("/console/sign-in/code").await.location.as_deref(), Some("/console/sign-in"));
    desk.advance(Duration::from_secs(3600));
    first_step(&stranger).await;
    desk.advance(Duration::from_secs(601));
    assert_eq!(second_step(&stranger, &app.code(&desk)).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn turning_it_off_needs_password_and_code_and_an_administrator_can_reset_it() {
    let desk = TestDesk::start().await;
    let luis = desk.as_agent("luis").await;
    let browser = desk.browser();
    browser.sign_in("luis").await;
    let without = post(&browser, "/two-step", &[("password", "wrong")]).await;
    assert_eq!(without.status, 400);
    assert_eq!(desk.number("SELECT count(*) FROM second_factor"), 0);
    let (app, codes) = enrol(&desk, &browser).await;
    desk.advance(STEP);
    let code = app.code(&desk);
    let off = post(&browser, "/two-step/off", &[("password", "wrong"), ("code", &code)]).await;
    assert_eq!(off.status, 400);
    off.shows("Is not your password");
    let off = post(&browser, "/two-step/off", &[("password", PASSWORD), ("code", "1")]).await;
    assert_eq!(off.status, 400);
    let fresh = post(&browser, "/two-step/codes", &[("password", PASSWORD), ("code", &codes[0])]).await;
    assert_eq!(fresh.status, 200);
    let used = post(&browser, "/two-step/off", &[("password", PASSWORD), ("code", &codes[1])]).await;
    assert_eq!(used.status, 400, "the codes before are void");
    assert_eq!(post(&browser, "/two-step", &[("password", PASSWORD)]).await.status, 409, "it is on");

    // Another agent without the right cannot take it off; an administrator can.
    let mallory = desk.browser();
    desk.as_agent("mallory").await;
    mallory.sign_in("mallory").await;
    let reset = format!("/console/settings/agents/{}/second-factor", luis.id);
    let csrf = mallory.get("/console/all").await.csrf();
    assert_eq!(mallory.post(&reset, &[("csrf", &csrf)]).await.status, 403);
    let ann = desk.browser();
    ann.sign_in("ann").await;
    let page = ann.get(&format!("/console/settings/agents/{}", luis.id)).await;
    page.shows("Reset two-step sign-in");
    let csrf = page.csrf();
    assert_eq!(ann.post(&reset, &[("csrf", &csrf)]).await.status, 303);
    assert_eq!(ann.post(&reset, &[("csrf", &csrf)]).await.status, 409);
    ann.get("/console/settings/audit-log").await.shows("reset the two-step sign-in of");
    desk.browser().sign_in("luis").await;

    // And with password and code by oneself.
    let (app, _) = enrol(&desk, &browser).await;
    desk.advance(STEP);
    let off = post(&browser, "/two-step/off", &[("password", PASSWORD), ("code", &app.code(&desk))]).await;
    assert_eq!(off.status, 303);
    desk.browser().sign_in("luis").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_for_oauth_needs_the_code_as_well_and_an_api_key_does_not() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let (app, _) = enrol(&desk, &browser).await;
    desk.advance(STEP);
    let ask = async |otp: Option<&str>| {
        let mut fields =
            vec![("grant_type", "password"), ("email", "ann@desk.example"), ("password", PASSWORD)];
        fields.extend(otp.map(|otp| ("otp", otp)));
        let response =
            reqwest::Client::new().post(desk.url("/oauth/token")).form(&fields).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    };
    let (status, body) = ask(None).await;
    assert!(status == 400 && body.contains("invalid_grant") && body.contains("otp"), "{body}");
    assert_eq!(ask(Some("000000")).await.0, 400);
    let code = app.code(&desk);
    assert_eq!(ask(Some(&code)).await.0, 200);
    assert_eq!(ask(Some(&code)).await.0, 400, "used");
    ann.get("/agents/me").await.expect(200);
}

const POLICY: &str = "/console/settings/password-policy";
const SET_UP: &str = "/console/sign-in/two-step";

/// Ann, who has a second factor, asks it of everybody.
async fn required(desk: &TestDesk) -> Browser {
    let ann = desk.browser();
    ann.sign_in("ann").await;
    enrol(desk, &ann).await;
    require(&ann).await;
    ann
}

async fn require(ann: &Browser) {
    let page = ann.get(POLICY).await;
    let csrf = page.csrf();
    let fields = [
        ("csrf", csrf.as_str()),
        ("minimumPasswordLength", "12"),
        ("verificationValueOfPasswordHistory", "5"),
        ("maximumChangeTimes", "5"),
        ("allowedFailedLoginAttempts", "5"),
        ("locks", "on"),
        ("requiresSecondFactor", "on"),
    ];
    assert_eq!(ann.post(POLICY, &fields).await.status, 303);
    ann.get(POLICY).await.shows("name=\"requiresSecondFactor\" checked");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_two_steps_are_required_they_are_set_up_before_anything_else() {
    let desk = TestDesk::start().await;
    let client = desk.as_agent("luis").await;
    let before = desk.browser();
    before.sign_in("luis").await;
    let ann = required(&desk).await;
    assert_eq!(ann.get("/console/all").await.status, 200, "who asks it has it");
    let agents = ann.get("/console/settings/agents").await;
    assert_eq!(agents.html.matches("Two steps").count(), 1, "and the list tells who else has");
    assert_eq!(before.get("/console/all").await.status, 303, "sessions without it are over");

    let luis = desk.browser();
    let fields =
        [("email", "luis@desk.example"), ("password", PASSWORD), ("next", "/console/conversations/new")];
    let led = luis.post("/console/sign-in", &fields).await;
    let there = "/console/sign-in/two-step?next=%2Fconsole%2Fconversations%2Fnew";
    assert_eq!(led.location.as_deref(), Some(there));
    for path in ["/console/all", "/console/settings/profile", SECURITY, "/oauth/authorize?client_id=x"] {
        let view = luis.get(path).await;
        assert_eq!(view.status, 303, "{path}");
        assert!(view.location.unwrap().starts_with("/console/sign-in/two-step?next=%2F"), "{path}");
    }
    assert_eq!(luis.post("/console/conversations/new", &[]).await.status, 401, "no form works either");
    client.get("/anytime/conversations").await.expect(200);

    let page = luis.get(there).await;
    page.shows("asks every agent to sign in in two steps");
    let csrf = page.csrf();
    let fields = [("csrf", csrf.as_str()), ("next", "/console/conversations/new")];
    assert_eq!(luis.post(SET_UP, &fields[1..]).await.status, 403);
    assert_eq!(luis.post(SET_UP, &fields).await.location.as_deref(), Some(there));
    let page = luis.get(there).await;
    let app = App::of(&page);
    let path = [SET_UP, "/confirm"].concat();
    let refused = luis.post(&path, &[&fields[..], &[("code", "000000")]].concat()).await;
    assert_eq!(refused.status, 400);
    refused.shows("Is not a code of your app now");
    assert_eq!(luis.get("/console/all").await.status, 303, "not yet");
    let done = luis.post(&path, &[&fields[..], &[("code", &app.code(&desk))]].concat()).await;
    assert_eq!(done.status, 200);
    done.shows("Recovery codes").shows("href=\"/console/conversations/new\"");
    assert_eq!(luis.get("/console/all").await.status, 200);
    assert_eq!(luis.get(SET_UP).await.location.as_deref(), Some("/console"));
    let again = desk.browser();
    let step =
        again.post("/console/sign-in", &[("email", "luis@desk.example"), ("password", PASSWORD)]).await;
    assert_eq!(step.location.as_deref(), Some("/console/sign-in/code?next=%2Fconsole"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_factor_that_was_taken_away_is_set_up_anew_and_only_by_who_has_just_signed_in() {
    let desk = TestDesk::start().await;
    let luis_id = desk.create_agent("luis", false).await;
    let luis = desk.browser();
    luis.sign_in("luis").await;
    enrol(&desk, &luis).await;
    let ann = required(&desk).await;
    assert_eq!(luis.get("/console/all").await.status, 200);
    let csrf = ann.get(SECURITY).await.csrf();
    let reset = format!("/console/settings/agents/{luis_id}/second-factor");
    assert_eq!(ann.post(&reset, &[("csrf", &csrf)]).await.status, 303);
    assert_eq!(
        luis.get("/console/all").await.location.as_deref(),
        Some("/console/sign-in/two-step?next=%2Fconsole%2Fall")
    );
    desk.advance(Duration::from_secs(16 * 60));
    let view = luis.get("/console/sign-in/two-step?next=%2Fconsole%2Fall").await;
    assert_eq!(
        view.location.as_deref(),
        Some("/console/sign-in?next=%2Fconsole%2Fall"),
        "it is too long ago"
    );
    assert_eq!(luis.get("/console/sign-in").await.status, 200);
    // Turned off to move to another telephone: the next one comes before anything else.
    let off = [("password", PASSWORD), ("code", "000000")];
    assert_eq!(post(&ann, "/two-step/off", &off).await.status, 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_steps_are_required_only_by_who_has_them_and_may_manage_security() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let luis = desk.as_agent("luis").await;
    let wanted = json!({ "isRequireTwoStepSignIn": true });
    luis.put("/passwordPolicy", wanted.clone()).await.error(403);
    let error = ann.put("/passwordPolicy", wanted.clone()).await.error(409);
    assert!(error.contains("set up your own two-step sign-in first"), "{error}");
    assert_eq!(ann.get("/passwordPolicy").await.expect(200)["isRequireTwoStepSignIn"], false);
    ann.put("/passwordPolicy", json!({ "isRequireTwoStepSignIn": "yes" })).await.error(400);
    let browser = desk.browser();
    browser.sign_in("ann").await;
    enrol(&desk, &browser).await;
    assert_eq!(ann.put("/passwordPolicy", wanted).await.expect(200)["isRequireTwoStepSignIn"], true);
    // A password alone gives no token; an API key works as before.
    let form = [("grant_type", "password"), ("email", "luis@desk.example"), ("password", PASSWORD)];
    let view = desk.browser().post("/oauth/token", &form).await;
    assert_eq!(view.status, 400);
    view.shows("set up two-step sign-in first");
    luis.get("/anytime/conversations").await.expect(200);
    ann.put("/passwordPolicy", json!({ "isRequireTwoStepSignIn": false })).await.expect(200);
    desk.browser().sign_in("luis").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_code_lets_in_even_where_the_key_file_was_lost() {
    let desk = TestDesk::start_with(|config| config.secret_key = Some([1; 32])).await;
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let (app, codes) = enrol(&desk, &browser).await;
    let clock = desk.clock.clone();
    let directory = desk.stop().await;
    let mut config = Config::for_directory(directory.path());
    config.secret_key = Some([2; 32]);
    let desk = TestDesk::run(config, clock, directory).await;
    desk.advance(STEP);
    let browser = desk.browser();
    first_step(&browser).await;
    assert_eq!(second_step(&browser, &app.code(&desk)).await.status, 400);
    assert_eq!(second_step(&browser, &codes[0]).await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_and_ended_one_by_one_or_all_at_once() {
    let desk = TestDesk::start().await;
    let (here, there, luis) = (desk.browser(), desk.browser(), desk.browser());
    desk.as_agent("luis").await;
    here.sign_in("ann").await;
    luis.sign_in("luis").await;
    let fields = [("email", "ann@desk.example"), ("password", PASSWORD)];
    let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1";
    let request = there.http.post(there.url("/console/sign-in")).form(&fields).header("user-agent", phone);
    assert_eq!(there.send(request).await.status, 303);
    let page = here.get(SECURITY).await;
    page.shows("Safari on iPhone").shows("This one").shows("127.0.0.1");
    let start = page.html.find("/sessions/").unwrap() + 10;
    let name = page.html[start..].split('/').next().unwrap().to_owned();
    // Nobody ends the session of another agent.
    assert_eq!(post(&luis, &format!("/sessions/{name}/end"), &[]).await.status, 404);
    assert_eq!(there.get("/console/all").await.status, 200);
    assert_eq!(post(&here, &format!("/sessions/{name}/end"), &[]).await.status, 303);
    assert_eq!(there.get("/console/all").await.status, 303);
    assert_eq!(post(&here, &format!("/sessions/{name}/end"), &[]).await.status, 404);
    there.sign_in("ann").await;
    assert_eq!(post(&here, "/sessions", &[]).await.status, 303);
    assert_eq!(there.get("/console/all").await.status, 303);
    there.sign_in("ann").await;
    let fields = [("currentPassword", PASSWORD), ("newPassword", "quite another horse")];
    assert_eq!(post(&here, "/password", &fields).await.status, 303);
    assert_eq!(there.get("/console/all").await.status, 303, "a new password ends the others");
    assert_eq!(here.get("/console/all").await.status, 200);
    let wrong = post(&here, "/password", &fields).await;
    assert_eq!(wrong.status, 400);
    wrong.shows("Is not your password");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_stream_ends_with_its_session_and_says_nothing_more() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (here, there) = (desk.browser(), desk.browser());
    here.sign_in("ann").await;
    there.sign_in("ann").await;
    let mut stream = there.http.get(there.url("/console/live")).send().await.unwrap();
    assert!(stream.chunk().await.unwrap().is_some(), "it begins");
    assert_eq!(post(&here, "/sessions", &[]).await.status, 303);
    crate::support::scene::noted(&ann, "Secret plans", json!({})).await;
    let rest = tokio::time::timeout(crate::support::test_desk::PATIENCE, async {
        let mut rest = String::new();
        while let Some(chunk) = stream.chunk().await.unwrap() {
            rest += &String::from_utf8_lossy(&chunk);
        }
        rest
    });
    let rest = rest.await.expect("the stream ends");
    assert!(!rest.contains("conversation"), "{rest}");
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_act_for_an_agent_are_listed_and_can_be_stopped() {
    let desk = TestDesk::start().await;
    desk.as_agent("luis").await;
    let (ann, luis) = (desk.browser(), desk.browser());
    ann.sign_in("ann").await;
    luis.sign_in("luis").await;
    let fields = [("grant_type", "password"), ("email", "ann@desk.example"), ("password", PASSWORD)];
    let response = reqwest::Client::new().post(desk.url("/oauth/token")).form(&fields).send().await.unwrap();
    let tokens: serde_json::Value = response.json().await.unwrap();
    ann.get(SECURITY).await.shows("A program with your password");
    assert_eq!(post(&luis, "/programs/1/end", &[]).await.status, 404);
    assert_eq!(post(&ann, "/programs/1/end", &[]).await.status, 303);
    ann.get(SECURITY).await.shows("No program");
    let request = desk.as_nobody().request(reqwest::Method::GET, "/agents/me");
    let answer = request.bearer_auth(tokens["access_token"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(json!(desk.number("SELECT count(*) FROM oauth_grant")), json!(0));
}

mod provider {
    //! Signing in with an identity provider: a strict stand-in that says what a test wants it to.

    use std::sync::{Arc, Mutex};

    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use ring::rand::SystemRandom;
    use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
    use serde_json::{Value, json};
    use sha2::{Digest, Sha256};

    use crate::support::receiver::Receiver;
    use crate::support::test_desk::{Browser, TestDesk, View};

    struct Provider {
        receiver: Receiver,
        /// What the next token says beside what it must.
        says: Arc<Mutex<Value>>,
        /// The challenge and nonce of the last sign-in that was begun.
        begun: Arc<Mutex<(String, String)>>,
        /// Signs with another key than it publishes.
        is_forging: Arc<Mutex<bool>>,
    }

    fn key() -> EcdsaKeyPair {
        let random = SystemRandom::new();
        let bytes = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, bytes.as_ref(), &random).unwrap()
    }

    fn part(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    fn token(key: &EcdsaKeyPair, claims: &Value) -> String {
        let signed = [part(&json!({ "alg": "ES256", "kid": "k1" })), part(claims)].join(".");
        let seal = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        [signed, URL_SAFE_NO_PAD.encode(seal.as_ref())].join(".")
    }

    impl Provider {
        async fn start() -> Self {
            let receiver = Receiver::start().await;
            let issuer = format!("http://127.0.0.1:{}", receiver.port);
            let says = Arc::new(Mutex::new(json!({})));
            let begun: Arc<Mutex<(String, String)>> = Arc::default();
            let is_forging: Arc<Mutex<bool>> = Arc::default();
            let (own, other) = (key(), key());
            let (told, kept, forging) = (says.clone(), begun.clone(), is_forging.clone());
            receiver.answer(move |request| {
                let answer = |value: Value| (200, "content-type: application/json\r\n".to_owned(), value.to_string());
                match request.path.as_str() {
                    "/.well-known/openid-configuration" => answer(json!({
                        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
                        "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
                    })),
                    "/keys" => {
                        let point = own.public_key().as_ref();
                        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
                        answer(json!({ "keys": [{ "kty": "EC", "crv": "P-256", "kid": "k1", "x": x, "y": y }] }))
                    }
                    "/token" => {
                        let fields: std::collections::HashMap<String, String> =
                            url::form_urlencoded::parse(request.body.as_bytes()).into_owned().collect();
                        let (challenge, nonce) = kept.lock().unwrap().clone();
                        let verifier = URL_SAFE_NO_PAD.encode(Sha256::digest(fields["code_verifier"].as_bytes()));
                        let is_right = fields["grant_type"] == "authorization_code"
                            && fields["code"] == "the-code"
                            && fields["client_id"] == "desk"
                            && fields["client_secret"] == "s3cret"
                            && fields["redirect_uri"].ends_with("/console/sign-in/provider/back")
                            && verifier == challenge;
                        if !is_right {
                            return (400, String::new(), json!({ "error": "invalid_grant" }).to_string());
                        }
                        // The desk's clock stands at 2026-01-05 09:00.
                        let mut claims = json!({
                            "iss": issuer, "aud": "desk", "sub": "u-1", "nonce": nonce, "iat": 1_767_603_600,
                            "exp": 1_767_604_200, "email": "ann@desk.example", "email_verified": true, "name": "Ann",
                        });
                        claims.as_object_mut().unwrap().extend(told.lock().unwrap().as_object().unwrap().clone());
                        let signer = if *forging.lock().unwrap() { &other } else { &own };
                        answer(json!({ "access_token": "x", "token_type": "Bearer", "id_token": token(signer, &claims) }))
                    }
                    _ => (404, String::new(), "{}".to_owned()),
                }
            });
            Self { receiver, says, begun, is_forging }
        }

        fn say(&self, claims: Value) {
            *self.says.lock().unwrap() = claims;
        }

        /// Ann enters the provider in the settings.
        async fn configure(&self, desk: &TestDesk, more: &[(&str, &str)]) -> View {
            let ann = desk.browser();
            ann.sign_in("ann").await;
            let path = "/console/settings/identity-provider";
            let page = ann.get(path).await;
            let issuer = format!("http://127.0.0.1:{}", self.receiver.port);
            let csrf = page.csrf();
            let fields = [
                ("csrf", csrf.as_str()),
                ("name", "Example ID"),
                ("issuer", &issuer),
                ("clientId", "desk"),
                ("clientSecret", "s3cret"),
                ("isEnabled", "on"),
            ];
            ann.post(path, &[&fields[..], more].concat()).await
        }

        /// Somebody presses the button; gives the state.
        async fn begin(&self, browser: &Browser) -> String {
            let page = browser.get("/console/sign-in").await;
            page.shows("Sign in with Example ID");
            let there = browser.get("/console/sign-in/provider?next=/console/all").await;
            assert_eq!(there.status, 302, "{}", there.html);
            let url = url::Url::parse(there.location.as_deref().unwrap()).unwrap();
            let query: std::collections::HashMap<String, String> = url.query_pairs().into_owned().collect();
            assert_eq!(query["response_type"], "code");
            assert_eq!(query["code_challenge_method"], "S256");
            *self.begun.lock().unwrap() = (query["code_challenge"].clone(), query["nonce"].clone());
            query["state"].clone()
        }

        /// And comes back.
        async fn sign_in(&self, desk: &TestDesk) -> View {
            let browser = desk.browser();
            let state = self.begin(&browser).await;
            browser.get(&format!("/console/sign-in/provider/back?code=the-code&state={state}")).await
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_agent_signs_in_and_the_subject_is_the_key_from_then_on() {
        let (desk, provider) = (TestDesk::start().await, Provider::start().await);
        assert_eq!(provider.configure(&desk, &[]).await.status, 303);
        let browser = desk.browser();
        let state = provider.begin(&browser).await;
        let back = format!("/console/sign-in/provider/back?code=the-code&state={state}");
        let inside = browser.get(&back).await;
        assert_eq!(
            (inside.status, inside.location.as_deref()),
            (303, Some("/console/all")),
            "{}",
            inside.html
        );
        assert_eq!(browser.get("/console/all").await.status, 200);
        // The way back works once.
        assert_eq!(browser.get(&back).await.status, 400);
        // Another address at the provider, and somebody else who got the old one.
        provider.say(json!({ "email": "ann.new@desk.example" }));
        assert_eq!(provider.sign_in(&desk).await.status, 303);
        assert_eq!(desk.number("SELECT count(*) FROM agent_identity"), 1);
        // The secret is sealed.
        assert_eq!(desk.number("SELECT count(*) FROM identity_provider WHERE secret LIKE '%s3cret%'"), 0);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_is_unknown_unverified_or_of_another_domain_is_refused() {
        let (desk, provider) = (TestDesk::start().await, Provider::start().await);
        let lax = provider.configure(&desk, &[("createsAgents", "on")]).await;
        assert_eq!(lax.status, 400);
        lax.shows("Is required where unknown people become agents");
        provider.configure(&desk, &[("allowedDomains", "desk.example")]).await;
        for (says, why) in [
            (json!({ "email_verified": false }), "not verified"),
            (json!({ "email": null }), "not verified"),
            (json!({ "email": "eve@evil.example" }), "not allowed"),
            (json!({ "email": "luis@desk.example", "sub": "u-2" }), "there is no agent"),
        ] {
            provider.say(says.clone());
            let refused = provider.sign_in(&desk).await;
            assert_eq!(refused.status, 400, "{says}");
            refused.shows(why);
        }
        assert_eq!(desk.number("SELECT count(*) FROM agent_identity"), 0);
        // Unless the site wants them, within its domains.
        let more = [("allowedDomains", "desk.example"), ("createsAgents", "on")];
        provider.configure(&desk, &more).await;
        assert_eq!(provider.sign_in(&desk).await.status, 303);
        assert_eq!(
            desk.number("SELECT count(*) FROM agent WHERE email = 'luis@desk.example' AND is_admin = 0"),
            1
        );
        desk.app.write(|tx| tx.run("UPDATE agent SET is_active = 0 WHERE id = 2", [])).await.unwrap();
        provider.sign_in(&desk).await.shows("was deactivated");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_forged_answer_is_never_believed() {
        let (desk, provider) = (TestDesk::start().await, Provider::start().await);
        provider.configure(&desk, &[]).await;
        for says in [
            json!({ "nonce": "another" }),
            json!({ "aud": "another" }),
            json!({ "aud": ["desk", "another"] }),
            json!({ "azp": "another" }),
            json!({ "iss": "https://evil.example" }),
            json!({ "exp": 1_767_600_000 }),
            json!({ "sub": "" }),
        ] {
            provider.say(says.clone());
            let refused = provider.sign_in(&desk).await;
            assert_eq!(refused.status, 400, "{says}");
            refused.shows("could not vouch for you");
        }
        provider.say(json!({}));
        *provider.is_forging.lock().unwrap() = true;
        provider.sign_in(&desk).await.shows("could not vouch for you");
        *provider.is_forging.lock().unwrap() = false;
        // Another state; another browser, which did not begin it; an error; another issuer (RFC 9207).
        let browser = desk.browser();
        let state = provider.begin(&browser).await;
        let back = "/console/sign-in/provider/back";
        let other = desk.browser().get(&format!("{back}?code=the-code&state={state}")).await;
        assert_eq!(other.status, 400);
        other.shows("was not begun here");
        let forged = browser.get(&format!("{back}?code=the-code&state=forged")).await;
        forged.shows("was not begun here");
        let state = provider.begin(&browser).await;
        browser.get(&format!("{back}?error=access_denied&state={state}")).await.shows("was not completed");
        let state = provider.begin(&browser).await;
        let mixed = format!("{back}?code=the-code&state={state}&iss=https://evil.example");
        browser.get(&mixed).await.shows("was not begun here");
        // Too late.
        let state = provider.begin(&browser).await;
        desk.advance(std::time::Duration::from_secs(601));
        browser.get(&format!("{back}?code=the-code&state={state}")).await.shows("took too long");
        assert_eq!(desk.number("SELECT count(*) FROM agent_identity"), 0);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn two_steps_are_asked_for_here_as_well_and_settings_are_for_those_who_may() {
        let (desk, provider) = (TestDesk::start().await, Provider::start().await);
        provider.configure(&desk, &[]).await;
        let ann = desk.browser();
        ann.sign_in("ann").await;
        super::enrol(&desk, &ann).await;
        let step = provider.sign_in(&desk).await;
        assert_eq!(step.location.as_deref(), Some("/console/sign-in/code?next=%2Fconsole%2Fall"));

        desk.as_agent("luis").await;
        let luis = desk.browser();
        luis.sign_in("luis").await;
        let path = "/console/settings/identity-provider";
        assert_eq!(luis.get(path).await.status, 403);
        let csrf = luis.get("/console/all").await.csrf();
        let fields = [("csrf", csrf.as_str()), ("name", "x"), ("issuer", "https://evil.example")];
        assert_eq!(luis.post(path, &fields).await.status, 403);
        assert_eq!(luis.post(&[path, "/delete"].concat(), &fields[..1]).await.status, 403);
        // Another issuer needs its own secret.
        let csrf = ann.get(path).await.csrf();
        let fields = [
            ("csrf", csrf.as_str()),
            ("name", "x"),
            ("issuer", "https://evil.example"),
            ("clientId", "desk"),
        ];
        ann.post(path, &fields).await.shows("Is required for this issuer");
        let broken =
            [("csrf", csrf.as_str()), ("name", "x"), ("issuer", "http://id.example"), ("isEnabled", "on")];
        ann.post(path, &broken).await.shows("does not begin with https://");
        assert_eq!(ann.post(&[path, "/delete"].concat(), &[("csrf", &csrf)]).await.status, 303);
        assert_eq!(desk.browser().get("/console/sign-in/provider").await.status, 404);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_signs_in_with_the_provider_need_not_set_up_two_steps_here_as_well() {
        let (desk, provider) = (TestDesk::start().await, Provider::start().await);
        provider.configure(&desk, &[]).await;
        let luis = desk.create_agent("luis", false).await;
        super::required(&desk).await;
        provider.say(json!({ "sub": "luis-1", "email": "luis@desk.example", "email_verified": true }));
        let browser = desk.browser();
        let state = provider.begin(&browser).await;
        let back = format!("/console/sign-in/provider/back?code=the-code&state={state}");
        let view = browser.get(&back).await;
        assert_eq!(view.location.as_deref(), Some("/console/all"), "{luis} {}", view.html);
        assert_eq!(browser.get("/console/all").await.status, 200);
    }
}
