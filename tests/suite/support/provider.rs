//! An OAuth 2.0 provider inside the test, strict about what RFC 6749 and RFC 7636 say of requests. Refresh tokens change
//! with each use, and each counts once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::receiver::{Receiver, Request};

pub const CLIENT_ID: &str = "desk-client";
pub const CLIENT_SECRET: &str = "client-s3cret";
pub const SCOPE: &str = "mail offline_access";

#[derive(Default)]
struct State {
    refresh_token: String,
    /// Access tokens that are good.
    good: Vec<String>,
    issued: usize,
    /// By code: what must come back with it.
    codes: HashMap<String, (String, String)>,
    is_revoked: bool,
    is_busy: bool,
}

#[derive(Clone)]
pub struct Provider {
    receiver: Arc<Receiver>,
    state: Arc<Mutex<State>>,
}

impl Provider {
    pub async fn start() -> Self {
        let receiver = Arc::new(Receiver::start().await);
        let state: Arc<Mutex<State>> = Arc::default();
        state.lock().unwrap().refresh_token = "refresh-0".to_owned();
        let told = state.clone();
        receiver.answer(move |request| {
            let (status, body) = match request.path.as_str() {
                "/token" => token(&mut told.lock().unwrap(), request),
                "/introspect" => introspect(&told.lock().unwrap(), request),
                _ => (404, json!({})),
            };
            (status, "content-type: application/json\r\n".to_owned(), body.to_string())
        });
        Self { receiver, state }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.receiver.port)
    }

    /// The settings of an account that somebody has authorised.
    pub fn settings(&self) -> Value {
        json!({
            "authentication": "oauth2", "oauthAuthorizeUrl": self.url("/authorize"),
            "oauthTokenUrl": self.url("/token"), "oauthClientId": CLIENT_ID, "oauthClientSecret": CLIENT_SECRET,
            "oauthScope": SCOPE, "oauthRefreshToken": self.state.lock().unwrap().refresh_token,
        })
    }

    /// How often somebody asked for a token.
    pub fn asked(&self) -> usize {
        self.receiver.requests().iter().filter(|request| request.path == "/token").count()
    }

    pub fn is_good(&self, token: &str) -> bool {
        self.state.lock().unwrap().good.iter().any(|good| good == token)
    }

    /// Access tokens given so far are no longer good.
    pub fn expire(&self) {
        self.state.lock().unwrap().good.clear();
    }

    /// The mailbox's owner takes the permission back.
    pub fn revoke(&self) {
        let mut state = self.state.lock().unwrap();
        state.is_revoked = true;
        state.good.clear();
    }

    /// The provider has no time.
    pub fn be_busy(&self, is_busy: bool) {
        self.state.lock().unwrap().is_busy = is_busy;
    }

    /// What the mailbox's owner does at the provider's page; gives the query to come back with.
    pub fn consent(&self, url: &str) -> String {
        let url = url::Url::parse(url).unwrap();
        assert_eq!(url.path(), "/authorize");
        let given: HashMap<String, String> = url.query_pairs().into_owned().collect();
        assert_eq!(given["response_type"], "code");
        assert_eq!(given["client_id"], CLIENT_ID);
        assert_eq!(given["scope"], SCOPE);
        assert_eq!(given["code_challenge_method"], "S256");
        assert!(43 <= given["code_challenge"].len() && 20 <= given["state"].len(), "{given:?}");
        let mut state = self.state.lock().unwrap();
        let code = format!("code-{}", state.codes.len());
        state.codes.insert(code.clone(), (given["redirect_uri"].clone(), given["code_challenge"].clone()));
        state.is_revoked = false;
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("code", &code)
            .append_pair("state", &given["state"])
            .finish()
    }
}

fn token(state: &mut State, request: &Request) -> (u16, Value) {
    let refused = |error: &str, text: &str| (400, json!({ "error": error, "error_description": text }));
    if request.method != "POST"
        || request.headers.get("content-type").map(String::as_str)
            != Some("application/x-www-form-urlencoded")
    {
        return refused("invalid_request", "POST a form");
    }
    if state.is_busy {
        return (503, json!({}));
    }
    let pairs: Vec<(String, String)> =
        url::form_urlencoded::parse(request.body.as_bytes()).into_owned().collect();
    let form: HashMap<String, String> = pairs.iter().cloned().collect();
    if form.len() != pairs.len() {
        return refused("invalid_request", "a parameter came twice");
    }
    let given = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    if given("client_id") != CLIENT_ID || given("client_secret") != CLIENT_SECRET {
        return (401, json!({ "error": "invalid_client", "error_description": "who are you?" }));
    }
    let mut answer = json!({ "token_type": "Bearer", "expires_in": 3600 });
    match given("grant_type") {
        "refresh_token" if state.is_revoked || given("refresh_token") != state.refresh_token => {
            return refused("invalid_grant", &format!("{} was revoked", given("refresh_token")));
        }
        "refresh_token" if given("scope") != SCOPE => return refused("invalid_scope", "not yours"),
        "refresh_token" => {
            state.refresh_token = format!("refresh-{}", state.issued + 1);
            answer["refresh_token"] = json!(state.refresh_token);
        }
        "authorization_code" => {
            let Some((redirect_uri, challenge)) = state.codes.remove(given("code")) else {
                return refused("invalid_grant", "no such code");
            };
            let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(given("code_verifier")));
            if given("redirect_uri") != redirect_uri || proof != challenge {
                return refused("invalid_grant", "not who began");
            }
            state.refresh_token = format!("refresh-{}", state.issued + 1);
            answer["refresh_token"] = json!(state.refresh_token);
        }
        "client_credentials" if state.is_revoked => {
            return (
                401,
                json!({ "error": "invalid_client", "error_description": "AADSTS7000222: expired" }),
            );
        }
        "client_credentials" if !given("scope").ends_with("/.default") => {
            return refused("invalid_scope", "AADSTS1002012: the scope must end in /.default");
        }
        "client_credentials" => {}
        _ => return refused("unsupported_grant_type", "no"),
    }
    state.issued += 1;
    let token = format!("access-{}", state.issued);
    answer["access_token"] = json!(token);
    state.good.push(token);
    (200, answer)
}

fn introspect(state: &State, request: &Request) -> (u16, Value) {
    let form: HashMap<String, String> =
        url::form_urlencoded::parse(request.body.as_bytes()).into_owned().collect();
    let is_good = form.get("token").is_some_and(|token| state.good.contains(token));
    (200, json!({ "active": is_good, "username": "support" }))
}
