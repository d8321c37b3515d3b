//! OAuth 2.0 (contract 2.2): what gets a token, what a token gets, and what ends it.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::test_desk::{Browser, Client, PASSWORD, TestDesk, View};

const BACK: &str = "https://app.example/back?tenant=1";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A client of the desk, as Ann made it.
struct Program {
    id: String,
    secret: String,
}

async fn program(ann: &Client) -> Program {
    let new = json!({ "clientName": "Time <b>sheets</b>", "company": "Example Ltd", "redirectUrls": BACK });
    let made = ann.post("/oauthClients", new).await.expect(201);
    let text = |key: &str| made[key].as_str().unwrap().to_owned();
    Program { id: text("clientId"), secret: text("clientSecret") }
}

impl Program {
    fn with<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        [&[("client_id", self.id.as_str()), ("client_secret", self.secret.as_str())], more].concat()
    }
}

async fn post(desk: &TestDesk, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
    let response = reqwest::Client::new().post(desk.url(path)).form(fields).send().await.unwrap();
    let status = response.status().as_u16();
    (status, serde_json::from_str(&response.text().await.unwrap()).unwrap_or(Value::Null))
}

async fn tokens(desk: &TestDesk, fields: &[(&str, &str)]) -> Value {
    let (status, body) = post(desk, "/oauth/token", fields).await;
    assert_eq!(status, 200, "{body}");
    body
}

#[track_caller]
fn refused((status, body): (u16, Value), error: &str) {
    assert_eq!(
        (status, &body["error"]),
        (if error == "invalid_client" { 401 } else { 400 }, &json!(error)),
        "{body}"
    );
    assert!(body["error_description"].is_string());
}

async fn calls(desk: &TestDesk, token: &Value) -> StatusCode {
    let request = desk.as_nobody().request(Method::GET, "/agents/me").bearer_auth(token.as_str().unwrap());
    request.send().await.unwrap().status()
}

async fn by_password(desk: &TestDesk, email: &str) -> Value {
    tokens(desk, &[("grant_type", "password"), ("email", email), ("password", PASSWORD)]).await
}

fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(VERIFIER.as_bytes()))
}

fn authorize(program: &Program, more: &[(&str, &str)]) -> String {
    let fields = [("response_type", "code"), ("client_id", &program.id), ("redirect_uri", BACK)];
    let kept = fields.iter().filter(|(name, _)| !more.iter().any(|(other, _)| name == other)).copied();
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(kept).extend_pairs(more.iter().filter(|(_, value)| !value.is_empty()));
    format!("/oauth/authorize?{}", query.finish())
}

/// The consent page's form, sent with this decision.
async fn decide(browser: &Browser, page: &View, decision: &str, program: &Program) -> View {
    let mut fields = vec![("csrf".to_owned(), page.csrf()), ("decision".to_owned(), decision.to_owned())];
    for name in
        ["response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method"]
    {
        if page.html.contains(&format!("name=\"{name}\"")) {
            let value = match name {
                "redirect_uri" => BACK.to_owned(),
                "client_id" => program.id.clone(),
                _ => page.hidden(name).replace("&#38;", "&"),
            };
            fields.push((name.to_owned(), value));
        }
    }
    browser.send(browser.http.post(browser.url("/oauth/authorize")).form(&fields)).await
}

fn parameter(location: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(location).unwrap();
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// A code for Luis's consent, with PKCE.
async fn code(desk: &TestDesk, program: &Program) -> String {
    let browser = desk.browser();
    browser.sign_in("luis").await;
    let challenge = challenge();
    let path = authorize(program, &[("code_challenge", &challenge), ("code_challenge_method", "S256")]);
    let page = browser.get(&path).await;
    assert_eq!(page.status, 200, "{}", page.html);
    let answer = decide(&browser, &page, "allow", program).await;
    parameter(&answer.location.unwrap(), "code").unwrap()
}

fn exchange<'a>(program: &'a Program, code: &'a str) -> Vec<(&'a str, &'a str)> {
    program.with(&[
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", BACK),
        ("code_verifier", VERIFIER),
    ])
}

#[tokio::test]
async fn a_password_gets_tokens_that_act_for_the_agent_for_twelve_hours() {
    let desk = TestDesk::start().await;
    desk.create_agent("luis", false).await;
    let body = by_password(&desk, "luis@desk.example").await;
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("bearer"), &json!(43200)));
    assert_eq!(body["refresh_token"].as_str().unwrap().len(), 64);
    let request = desk.as_nobody().request(Method::GET, "/agents/me");
    let request = request.bearer_auth(body["access_token"].as_str().unwrap());
    let me = request.send().await.unwrap().json::<Value>().await.unwrap();
    assert_eq!(me["email"], "luis@desk.example");
    desk.advance(Duration::from_secs(12 * 3600));
    assert_eq!(calls(&desk, &body["access_token"]).await, 401);
    let fields = [("grant_type", "password"), ("username", "luis@desk.example"), ("password", PASSWORD)];
    tokens(&desk, &fields).await;
}

#[tokio::test]
async fn wrong_forms_and_credentials_get_the_errors_of_rfc_6749() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let app = program(&ann).await;
    let token = async |fields: &[(&str, &str)]| post(&desk, "/oauth/token", fields).await;
    refused(token(&[]).await, "invalid_request");
    refused(token(&[("grant_type", "implicit")]).await, "unsupported_grant_type");
    refused(token(&[("grant_type", "password"), ("grant_type", "password")]).await, "invalid_request");
    refused(token(&[("grant_type", "password"), ("email", "ann@desk.example")]).await, "invalid_request");
    let wrong = [("grant_type", "password"), ("email", "ann@desk.example"), ("password", "wrong")];
    let unknown = [("grant_type", "password"), ("email", "x@desk.example"), ("password", "wrong")];
    let (known, unknown) = (token(&wrong).await, token(&unknown).await);
    assert_eq!(known, unknown, "nobody learns who exists");
    refused(known, "invalid_grant");
    refused(token(&[("grant_type", "client_credentials")]).await, "invalid_client");
    let guess = [("grant_type", "client_credentials"), ("client_id", &app.id), ("client_secret", "x")];
    refused(token(&guess).await, "invalid_client");
    refused(
        token(&app.with(&[("grant_type", "authorization_code"), ("code", "%")])).await,
        "invalid_request",
    );
    refused(token(&[("grant_type", "refresh_token"), ("refresh_token", "_")]).await, "invalid_grant");
    let json =
        reqwest::Client::new().post(desk.url("/oauth/token")).json(&json!({ "grant_type": "password" }));
    assert_eq!(json.send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn guessing_passwords_locks_the_account_and_slows_the_guesser() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let wrong = [("grant_type", "password"), ("email", "ann@desk.example"), ("password", "wrong")];
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(post(&desk, "/oauth/token", &wrong).await.0);
    }
    assert_eq!(statuses, [400; 6]);
    ann.get("/agents/me").await.error(401);
    let mut status = 0;
    for _ in 0..500 {
        status = post(&desk, "/oauth/token", &[("grant_type", "client_credentials")]).await.0;
        if status == 429 {
            break;
        }
    }
    assert_eq!(status, 429);
}

#[tokio::test]
async fn an_agent_consents_and_the_program_exchanges_the_code_once() {
    let desk = TestDesk::start().await;
    desk.create_agent("luis", false).await;
    let app = program(&desk.as_ann().await).await;
    let browser = desk.browser();
    let challenge = challenge();
    let path = authorize(
        &app,
        &[("state", "a b&c"), ("code_challenge", &challenge), ("code_challenge_method", "S256")],
    );
    let stranger = browser.get(&path).await;
    let next = stranger.location.unwrap();
    assert!(next.starts_with("/console/sign-in?next=%2Foauth%2Fauthorize"), "{next}");
    let fields = [("email", "luis@desk.example"), ("password", PASSWORD), ("next", &path)];
    assert_eq!(browser.post("/console/sign-in", &fields).await.location.as_ref(), Some(&path));
    let page = browser.get(&path).await;
    page.shows("Time &#60;b&#62;sheets").shows("Example Ltd").shows("luis@desk.example").shows("app.example");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("frame-ancestors 'none'")
            && policy.contains("form-action 'self' https://app.example;")
    );
    let answer = decide(&browser, &page, "allow", &app).await;
    let location = answer.location.unwrap();
    assert_eq!((answer.status, location.starts_with(BACK)), (302, true), "{location}");
    assert_eq!(parameter(&location, "state").as_deref(), Some("a b&c"));
    assert_eq!(parameter(&location, "iss"), Some(desk.app.base_url().to_owned()));
    let code = parameter(&location, "code").unwrap();
    let body = tokens(&desk, &exchange(&app, &code)).await;
    assert_eq!(calls(&desk, &body["access_token"]).await, 200);
    // A second time: the code was stolen, and what it gave ends.
    refused(post(&desk, "/oauth/token", &exchange(&app, &code)).await, "invalid_grant");
    assert_eq!(calls(&desk, &body["access_token"]).await, 401);
    let refresh = body["refresh_token"].as_str().unwrap();
    let again = app.with(&[("grant_type", "refresh_token"), ("refresh_token", refresh)]);
    refused(post(&desk, "/oauth/token", &again).await, "invalid_grant");
}

#[tokio::test]
async fn a_code_is_bound_to_its_client_address_verifier_and_minute() {
    let desk = TestDesk::start().await;
    desk.create_agent("luis", false).await;
    let ann = desk.as_ann().await;
    let (app, other) = (program(&ann).await, program(&ann).await);
    let replaced = async |name: &'static str, value: &'static str| {
        let code = code(&desk, &app).await;
        let fields = exchange(&app, &code).into_iter().map(|(k, v)| (k, if k == name { value } else { v }));
        let fields: Vec<(&str, &str)> = fields.filter(|(_, value)| !value.is_empty()).collect();
        post(&desk, "/oauth/token", &fields).await
    };
    refused(replaced("code_verifier", "").await, "invalid_grant");
    refused(replaced("code_verifier", "xBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk").await, "invalid_grant");
    refused(replaced("redirect_uri", "https://app.example/back").await, "invalid_grant");
    refused(replaced("client_secret", "").await, "invalid_client");
    let stolen = code(&desk, &app).await;
    refused(post(&desk, "/oauth/token", &exchange(&other, &stolen)).await, "invalid_grant");
    let late = code(&desk, &app).await;
    desk.advance(Duration::from_secs(60));
    refused(post(&desk, "/oauth/token", &exchange(&app, &late)).await, "invalid_grant");
}

#[tokio::test]
async fn nothing_is_sent_to_an_address_that_is_not_exactly_the_clients() {
    let desk = TestDesk::start().await;
    let app = program(&desk.as_ann().await).await;
    let browser = desk.browser();
    browser.sign_in("ann").await;
    for uri in [
        "https://app.example/back",
        "https://app.example/back?tenant=1&x=2",
        "https://app.example/back?tenant=1#x",
        "https://APP.example/back?tenant=1",
        "https://app.example/Back?tenant=1",
        "https://app.example/%62ack?tenant=1",
        "https://x@app.example/back?tenant=1",
        "https://evil.app.example/back?tenant=1",
        "http://app.example/back?tenant=1",
        "https://app.example.evil.example/back?tenant=1",
        "",
    ] {
        let view = browser.get(&authorize(&app, &[("redirect_uri", uri)])).await;
        assert_eq!((view.status, &view.location), (400, &None), "{uri}");
    }
    let view = browser.get(&authorize(&app, &[("client_id", "unknown")])).await;
    assert_eq!((view.status, &view.location), (400, &None));
}

#[tokio::test]
async fn other_refusals_go_back_to_the_program() {
    let desk = TestDesk::start().await;
    let app = program(&desk.as_ann().await).await;
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let challenge = challenge();
    for (more, error) in [
        (&[("response_type", "token"), ("state", "s")][..], "unsupported_response_type"),
        (&[("response_type", ""), ("state", "s")], "invalid_request"),
        (&[("code_challenge", &challenge), ("state", "s")], "invalid_request"),
        (
            &[("code_challenge", &challenge), ("code_challenge_method", "plain"), ("state", "s")],
            "invalid_request",
        ),
        (
            &[("code_challenge", "short"), ("code_challenge_method", "S256"), ("state", "s")],
            "invalid_request",
        ),
        (&[("state", "s"), ("state", "t")], "invalid_request"),
    ] {
        let view = browser.get(&authorize(&app, more)).await;
        let location = view.location.unwrap_or_else(|| panic!("{error}: {}", view.html));
        assert_eq!(parameter(&location, "error").as_deref(), Some(error));
        assert_eq!(parameter(&location, "state").as_deref(), Some("s"));
        assert_eq!(parameter(&location, "code"), None);
    }
    let page = browser.get(&authorize(&app, &[])).await;
    let location = decide(&browser, &page, "deny", &app).await.location.unwrap();
    assert_eq!(parameter(&location, "error").as_deref(), Some("access_denied"));
    let forged = [("csrf", "x"), ("decision", "allow"), ("client_id", &app.id), ("redirect_uri", BACK)];
    assert_eq!(browser.post("/oauth/authorize", &forged).await.status, 403);
}

#[tokio::test]
async fn a_refresh_token_works_once_and_a_second_use_ends_the_family() {
    let desk = TestDesk::start().await;
    let app = program(&desk.as_ann().await).await;
    desk.create_agent("luis", false).await;
    let code = code(&desk, &app).await;
    let first = tokens(&desk, &exchange(&app, &code)).await;
    let refresh = async |body: &Value| {
        let token = body["refresh_token"].as_str().unwrap();
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", &app.id)];
        post(&desk, "/oauth/token", &fields).await
    };
    let (status, second) = refresh(&first).await;
    assert_eq!(status, 200, "{second}");
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!(calls(&desk, &second["access_token"]).await, 200);
    refused(refresh(&first).await, "invalid_grant");
    assert_eq!(calls(&desk, &second["access_token"]).await, 401, "the whole family ended");
    refused(refresh(&second).await, "invalid_grant");
}

#[tokio::test]
async fn refresh_tokens_are_of_one_client_and_of_ninety_days() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (app, other) = (program(&ann).await, program(&ann).await);
    desk.create_agent("luis", false).await;
    let code = code(&desk, &app).await;
    let mut body = tokens(&desk, &exchange(&app, &code)).await;
    let token = body["refresh_token"].as_str().unwrap().to_owned();
    let stolen = other.with(&[("grant_type", "refresh_token"), ("refresh_token", &token)]);
    refused(post(&desk, "/oauth/token", &stolen).await, "invalid_grant");
    let unnamed = [("grant_type", "refresh_token"), ("refresh_token", token.as_str())];
    refused(post(&desk, "/oauth/token", &unnamed).await, "invalid_grant");
    for _ in 0..4 {
        desk.advance(Duration::from_secs(20 * 24 * 3600));
        let token = body["refresh_token"].as_str().unwrap().to_owned();
        body = tokens(&desk, &app.with(&[("grant_type", "refresh_token"), ("refresh_token", &token)])).await;
    }
    desk.advance(Duration::from_secs(10 * 24 * 3600));
    let token = body["refresh_token"].as_str().unwrap().to_owned();
    let last = app.with(&[("grant_type", "refresh_token"), ("refresh_token", &token)]);
    refused(post(&desk, "/oauth/token", &last).await, "invalid_grant");
}

#[tokio::test]
async fn a_client_acts_in_its_own_name_as_its_agent() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let luis = desk.as_agent("luis").await;
    let app = program(&ann).await;
    ann.put("/oauthClients/1", json!({ "agentId": luis.id })).await.expect(200);
    let own = [("grant_type", "client_credentials"), ("redirect_uri", BACK), ("siteId", "1")];
    let body = tokens(&desk, &app.with(&own)).await;
    assert!(body.get("refresh_token").is_none());
    assert_eq!(calls(&desk, &body["access_token"]).await, 200);
    let elsewhere = [("grant_type", "client_credentials"), ("redirect_uri", "https://other.example/")];
    refused(post(&desk, "/oauth/token", &app.with(&elsewhere)).await, "invalid_request");
    let basic = reqwest::Client::new().post(desk.url("/oauth/token")).basic_auth(&app.id, Some(&app.secret));
    assert_eq!(basic.form(&own).send().await.unwrap().status(), 200);
    ann.put(&format!("/agents/{}", luis.id), json!({ "isActive": false })).await.expect(200);
    assert_eq!(calls(&desk, &body["access_token"]).await, 401);
    refused(post(&desk, "/oauth/token", &app.with(&own)).await, "unauthorized_client");
}

#[tokio::test]
async fn a_new_password_and_a_deactivation_end_tokens() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.create_agent("luis", false).await);
    let first = by_password(&desk, "luis@desk.example").await;
    let path = format!("/agents/{luis}");
    ann.put(&format!("{path}/password"), json!({ "password": "another long one" })).await.expect(204);
    assert_eq!(calls(&desk, &first["access_token"]).await, 401);
    let refresh = first["refresh_token"].as_str().unwrap();
    let again = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    refused(post(&desk, "/oauth/token", &again).await, "invalid_grant");
    let fields =
        [("grant_type", "password"), ("email", "luis@desk.example"), ("password", "another long one")];
    let second = tokens(&desk, &fields).await;
    assert_eq!(calls(&desk, &second["access_token"]).await, 200);
    ann.put(&path, json!({ "isActive": false })).await.expect(200);
    assert_eq!(calls(&desk, &second["access_token"]).await, 401);
    ann.put(&path, json!({ "isActive": true })).await.expect(200);
    assert_eq!(calls(&desk, &second["access_token"]).await, 401, "it does not come back");
}

#[tokio::test]
async fn tokens_are_revoked_and_introspected_by_their_client() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let (app, other) = (program(&ann).await, program(&ann).await);
    let fields =
        app.with(&[("grant_type", "password"), ("email", "ann@desk.example"), ("password", PASSWORD)]);
    let body = tokens(&desk, &fields).await;
    let token = body["access_token"].as_str().unwrap();
    let (_, seen) = post(&desk, "/oauth/introspect", &app.with(&[("token", token)])).await;
    assert_eq!(
        (&seen["active"], &seen["username"], &seen["sub"], &seen["client_id"]),
        (&json!(true), &json!("ann@desk.example"), &json!("1"), &json!(app.id))
    );
    assert_eq!(seen["exp"].as_i64().unwrap() - seen["iat"].as_i64().unwrap(), 43200);
    let foreign = post(&desk, "/oauth/introspect", &other.with(&[("token", token)])).await;
    assert_eq!(foreign, (200, json!({ "active": false })));
    refused(post(&desk, "/oauth/introspect", &[("token", token)]).await, "invalid_client");
    // Of somebody else, or unknown: the same answer, and nothing happens.
    for fields in [other.with(&[("token", token)]), vec![("token", token)], app.with(&[("token", "x")])] {
        assert_eq!(post(&desk, "/oauth/revoke", &fields).await.0, 200);
    }
    assert_eq!(calls(&desk, &body["access_token"]).await, 200);
    let refresh = body["refresh_token"].as_str().unwrap();
    assert_eq!(post(&desk, "/oauth/revoke", &app.with(&[("token", refresh)])).await.0, 200);
    assert_eq!(calls(&desk, &body["access_token"]).await, 401, "the whole grant ended");
    let (_, seen) = post(&desk, "/oauth/introspect", &app.with(&[("token", token)])).await;
    assert_eq!(seen, json!({ "active": false }));
    let own = by_password(&desk, "ann@desk.example").await;
    let fields = [("token", own["access_token"].as_str().unwrap())];
    assert_eq!(post(&desk, "/oauth/revoke", &fields).await.0, 200);
    assert_eq!(calls(&desk, &own["access_token"]).await, 401);
}

#[tokio::test]
async fn tokens_codes_and_secrets_are_stored_hashed_only() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let app = program(&ann).await;
    desk.create_agent("luis", false).await;
    let code = code(&desk, &app).await;
    let body = tokens(&desk, &exchange(&app, &code)).await;
    let secrets = [
        code.as_str(),
        &app.secret,
        body["access_token"].as_str().unwrap(),
        body["refresh_token"].as_str().unwrap(),
    ]
    .map(str::to_owned);
    let log = ann.get("/auditLogs").await.expect(200).to_string();
    assert!(log.contains("let the OAuth client 'Time <b>sheets</b>' act for them"));
    let directory = desk.stop().await;
    let file = std::fs::read(directory.path().join("anytime.db")).unwrap();
    for secret in secrets {
        assert!(!file.windows(secret.len()).any(|window| window == secret.as_bytes()));
        assert!(!log.contains(&secret));
    }
}

#[tokio::test]
async fn the_server_describes_itself_and_the_api_names_both_ways_in() {
    let desk = TestDesk::start().await;
    let get = async |path: &str| reqwest::get(desk.url(path)).await.unwrap();
    let about: Value = get("/.well-known/oauth-authorization-server").await.json().await.unwrap();
    assert_eq!(about["issuer"], desk.app.base_url());
    assert_eq!(about["token_endpoint"], format!("{}/oauth/token", desk.app.base_url()));
    assert_eq!(about["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(about["response_types_supported"], json!(["code"]));
    let answer = get("/api/v3/tags").await;
    let challenge = answer.headers()["www-authenticate"].to_str().unwrap().to_owned();
    assert!(challenge.starts_with("Basic ") && challenge.ends_with(", Bearer"), "{challenge}");
    let document: Value = get("/api/v3/openapi.json").await.json().await.unwrap();
    let flows = &document["components"]["securitySchemes"]["oauth"]["flows"];
    assert_eq!(flows["authorizationCode"]["authorizationUrl"], "/oauth/authorize");
}

#[tokio::test]
async fn clients_are_made_read_changed_and_deleted_by_administrators() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    let new = json!({ "clientName": "Shop", "redirectUrls": "https://a.example/x, http://localhost:8080/y" });
    let made = ann.post("/oauthClients", new).await;
    assert_eq!(made.location.as_deref(), Some("/api/v3/oauthClients/1"));
    let mut made = made.expect(201);
    let secret = made.as_object_mut().unwrap().remove("clientSecret").unwrap();
    assert_eq!(
        made,
        json!({
            "id": 1, "clientName": "Shop", "description": "", "company": "", "clientId": made["clientId"],
            "redirectUrls": "https://a.example/x,http://localhost:8080/y", "agentId": 1,
            "createdTime": "2026-01-05T09:00:00.000Z",
        })
    );
    assert_eq!(ann.get("/oauthClients/1").await.expect(200), made, "the secret is shown once");
    assert_eq!(ann.get("/oauthClients").await.expect(200), json!([made]));
    made["company"] = json!("Shop Ltd");
    assert_eq!(ann.put("/oauthClients/1", made.clone()).await.expect(200), made);
    let fresh = ann.post("/oauthClients/1/secret", json!({})).await.expect(201)["clientSecret"].clone();
    assert_ne!(fresh, secret);
    let id = made["clientId"].as_str().unwrap();
    let own = |secret: &Value| {
        let fields = [("client_id", id), ("grant_type", "client_credentials")];
        let secret = secret.as_str().unwrap().to_owned();
        let fields = fields.map(|(key, value)| (key.to_owned(), value.to_owned()));
        [fields.to_vec(), vec![("client_secret".to_owned(), secret)]].concat()
    };
    let ask = async |fields: Vec<(String, String)>| {
        let response =
            reqwest::Client::new().post(desk.url("/oauth/token")).form(&fields).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    assert_eq!(ask(own(&secret)).await.0, 401);
    let (_, body) = ask(own(&fresh)).await;
    assert_eq!(calls(&desk, &body["access_token"]).await, 200);
    ann.delete("/oauthClients/1").await.expect(204);
    assert_eq!(calls(&desk, &body["access_token"]).await, 401);
    ann.get("/oauthClients/1").await.error(404);
    ann.delete("/oauthClients/1").await.error(404);
}

#[tokio::test]
async fn every_problem_of_a_client_is_refused() {
    let desk = TestDesk::start().await;
    let ann = desk.as_ann().await;
    assert_eq!(ann.post("/oauthClients", json!({})).await.error(400), "'clientName' is required");
    for url in [
        "http://app.example/",
        "javascript:alert(1)",
        "app://back",
        "/back",
        "https://a@b.example/",
        "https://a.example/#x",
        "https://",
    ] {
        let new = json!({ "clientName": "x", "redirectUrls": url });
        assert!(ann.post("/oauthClients", new).await.error(400).starts_with("'redirectUrls'"), "{url}");
    }
    let new = json!({ "clientName": "x", "agentId": 9 });
    assert_eq!(ann.post("/oauthClients", new).await.error(400), "'agentId' there is no active agent 9");
    assert_eq!(desk.number("SELECT count(*) FROM oauth_client"), 0);
}

#[tokio::test]
async fn clients_are_for_administrators() {
    let desk = TestDesk::start().await;
    let (ann, luis) = (desk.as_ann().await, desk.as_agent("luis").await);
    ann.put(
        "/roles/2/permissions",
        json!({ "global": { "manageSecurity": true, "manageIntegration": true } }),
    )
    .await
    .expect(200);
    luis.get("/oauthClients").await.error(403);
    luis.get("/oauthClients/1").await.error(403);
    luis.post("/oauthClients", json!({ "clientName": "x" })).await.error(403);
    luis.put("/oauthClients/1", json!({ "clientName": "x" })).await.error(403);
    luis.post("/oauthClients/1/secret", json!({})).await.error(403);
    luis.delete("/oauthClients/1").await.error(403);
    desk.as_nobody().get("/oauthClients").await.error(401);
}
