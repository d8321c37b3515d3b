//! OAuth 2.0 below `/oauth` (contract 2.2): tokens, their end and what they are worth (RFC 6749, 7009, 7636, 7662), and
//! the description of all that (RFC 8414). Bodies are forms, errors those of RFC 6749. The page where an agent consents
//! is `pages/oauth.rs`. Not in the OpenAPI document's paths: its security scheme names these addresses.

use actix_web::http::{StatusCode, header};
use actix_web::web::{Bytes, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, ResponseError, get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::json;

use crate::app::App;
use crate::desk::oauth_client::{self, OauthClient};
use crate::desk::oauth_grant::{self, Tokens};
use crate::desk::session::Owner;
use crate::desk::{second_factor, sign_in};
use crate::error::{Error, shown};
use crate::web::{client, password};

pub fn routes(config: &mut ServiceConfig) {
    config.service(exchange).service(revoke).service(introspect).service(metadata);
}

/// An error of RFC 6749, 5.2.
#[derive(Debug)]
pub struct OauthError {
    status: StatusCode,
    error: &'static str,
    description: String,
    retry_seconds: Option<u64>,
}

impl OauthError {
    fn new(error: &'static str, description: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, error, description: description.into(), retry_seconds: None }
    }

    fn grant(description: &str) -> Self {
        Self::new("invalid_grant", description)
    }

    fn client() -> Self {
        let refused = Self::new("invalid_client", "the client or its secret is not known");
        Self { status: StatusCode::UNAUTHORIZED, ..refused }
    }
}

impl From<Error> for OauthError {
    fn from(error: Error) -> Self {
        let (status, description) = (crate::web::error::status(&error), error.to_string());
        let retry_seconds = match error {
            Error::TooMany { retry_seconds } => Some(retry_seconds),
            Error::Internal(source) => {
                tracing::error!(error = %source, "internal error");
                None
            }
            _ => None,
        };
        let error = match status.is_server_error() || retry_seconds.is_some() {
            true => "temporarily_unavailable",
            false => "invalid_request",
        };
        Self { status, error, description, retry_seconds }
    }
}

impl std::fmt::Display for OauthError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.error, self.description)
    }
}

impl ResponseError for OauthError {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = HttpResponse::build(self.status);
        if self.status == StatusCode::UNAUTHORIZED {
            answer.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"Anytime OAuth clients\""));
        }
        if let Some(seconds) = self.retry_seconds {
            answer.insert_header((header::RETRY_AFTER, seconds));
        }
        answer.json(json!({ "error": self.error, "error_description": self.description }))
    }
}

/// A form and the credentials that came beside it.
struct Form {
    fields: Vec<(String, String)>,
    basic: Option<(String, String)>,
}

/// Largest form, in bytes.
const LIMIT_BYTES: usize = 16 << 10;

impl Form {
    fn read(request: &HttpRequest, body: &Bytes) -> Result<Self, OauthError> {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let message = "send 'Content-Type: application/x-www-form-urlencoded'";
            return Err(OauthError::new("invalid_request", message));
        }
        if LIMIT_BYTES < body.len() {
            return Err(OauthError::new("invalid_request", "the form is too large"));
        }
        let fields: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
        let mut names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            let shown = shown(twice[0]);
            return Err(OauthError::new("invalid_request", format!("'{shown}' is given twice")));
        }
        Ok(Self { fields, basic: basic(request) })
    }

    /// The value of a field; an empty one counts as absent.
    fn get(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
            .filter(|v| !v.is_empty())
    }

    fn require(&self, name: &str) -> Result<&str, OauthError> {
        self.get(name).ok_or_else(|| OauthError::new("invalid_request", format!("'{name}' is required")))
    }

    /// Name and secret of the client, by header or form.
    fn client(&self) -> Option<(&str, Option<&str>)> {
        match &self.basic {
            Some((name, secret)) => Some((name, Some(secret))),
            None => Some((self.get("client_id")?, self.get("client_secret"))),
        }
    }
}

/// RFC 6749, 2.3.1: name and secret are form-encoded before they go into the header.
fn basic(request: &HttpRequest) -> Option<(String, String)> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, secret) = decoded.split_once(':').filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let plain = |text: &str| {
        let pair = ["x=", text].concat();
        url::form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned())
    };
    Some((plain(name)?, plain(secret)?))
}

/// The client that proved to be itself. Failures are counted like wrong passwords.
fn authenticated(app: &App, request: &HttpRequest, form: &Form) -> Result<OauthClient, OauthError> {
    let found = match form.client() {
        Some((name, Some(secret))) => app.read(|s| oauth_client::authenticate(s, name, secret))?,
        _ => None,
    };
    match found {
        Some(client) => Ok(client),
        None => {
            count_failure(app, request)?;
            Err(OauthError::client())
        }
    }
}

/// The client that is named, if one is: its secret, where there is one, must be right.
fn named(app: &App, request: &HttpRequest, form: &Form) -> Result<Option<OauthClient>, OauthError> {
    match form.client() {
        None => Ok(None),
        Some((_, Some(_))) => authenticated(app, request, form).map(Some),
        Some((name, None)) => match app.read(|s| oauth_client::by_client_id(s, name))? {
            Some(client) => Ok(Some(client)),
            None => {
                count_failure(app, request)?;
                Err(OauthError::client())
            }
        },
    }
}

fn count_failure(app: &App, request: &HttpRequest) -> Result<(), OauthError> {
    app.limiter().check(client::network(client::address(request, app))).map_err(OauthError::from)
}

#[derive(Serialize)]
struct TokenJson {
    access_token: String,
    token_type: &'static str,
    expires_in: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

#[post("/oauth/token")]
pub async fn exchange(app: App, request: HttpRequest, body: Bytes) -> Result<HttpResponse, OauthError> {
    let form = Form::read(&request, &body)?;
    let tokens = match form.require("grant_type")? {
        "password" => by_password(&app, &request, &form).await?,
        "authorization_code" => by_code(&app, &request, &form).await?,
        "client_credentials" => by_client(&app, &request, &form).await?,
        "refresh_token" => by_refresh(&app, &request, &form).await?,
        other => {
            let shown = shown(other);
            return Err(OauthError::new("unsupported_grant_type", format!("'{shown}' is not a grant type")));
        }
    };
    Ok(HttpResponse::Ok().insert_header((header::PRAGMA, "no-cache")).json(TokenJson {
        access_token: tokens.access,
        token_type: "bearer",
        expires_in: oauth_grant::ACCESS_LIFE.as_secs(),
        refresh_token: tokens.refresh,
    }))
}

async fn by_password(app: &App, request: &HttpRequest, form: &Form) -> Result<Tokens, OauthError> {
    count_failure(app, request)?;
    let client = named(app, request, form)?.map(|client| client.id);
    let email = match form.get("email") {
        Some(email) => email,
        None => {
            form.get("username").ok_or_else(|| OauthError::new("invalid_request", "'email' is required"))?
        }
    };
    let address = client::address(request, app);
    let wrong = || OauthError::grant("e-mail address or password is wrong");
    let agent =
        password::agent_of(app, email, form.require("password")?, address).await?.ok_or_else(wrong)?;
    if app.read(|s| second_factor::is_missing(s, agent))? {
        return Err(OauthError::grant("the agent has to set up two-step sign-in first, in the console"));
    }
    if app.read(|s| second_factor::is_on(s, agent))? {
        let code = form.get("otp").ok_or_else(|| {
            OauthError::grant("the agent uses two-step sign-in: send a code of their app as 'otp'")
        })?;
        let (vault, code) = (app.vault().clone(), code.to_owned());
        let fits = app.write(move |tx| {
            let fits = second_factor::redeem(tx, &vault, agent, &code)?;
            if !fits {
                sign_in::record_failure(tx, Owner::Agent(agent), address)?;
            }
            Ok(fits)
        });
        if !fits.await? {
            return Err(OauthError::grant("'otp' is not a code of the agent's app now, or was used already"));
        }
    }
    let tokens = app.write(move |tx| {
        sign_in::record(tx, agent, "signed in by OAuth with a password", address)?;
        oauth_grant::by_password(tx, agent, client)
    });
    tokens.await?.ok_or_else(wrong)
}

async fn by_code(app: &App, request: &HttpRequest, form: &Form) -> Result<Tokens, OauthError> {
    let client = authenticated(app, request, form)?.id;
    let (code, uri) = (form.require("code")?.to_owned(), form.require("redirect_uri")?.to_owned());
    let verifier = form.get("code_verifier").map(str::to_owned);
    let tokens =
        app.write(move |tx| oauth_grant::redeem(tx, client, &code, &uri, verifier.as_deref())).await?;
    refused(app, request, tokens, "the code is not valid: unknown, used, too old, or for another request")
}

async fn by_client(app: &App, request: &HttpRequest, form: &Form) -> Result<Tokens, OauthError> {
    let client = authenticated(app, request, form)?;
    if let Some(uri) = form.get("redirect_uri")
        && !client.redirect_urls.iter().any(|known| known == uri)
    {
        let shown = shown(uri);
        return Err(OauthError::new(
            "invalid_request",
            format!("'redirect_uri' '{shown}' is not the client's"),
        ));
    }
    let tokens = app.write(move |tx| oauth_grant::by_client(tx, &client)).await?;
    tokens.ok_or_else(|| OauthError::new("unauthorized_client", "the client's agent is not active"))
}

async fn by_refresh(app: &App, request: &HttpRequest, form: &Form) -> Result<Tokens, OauthError> {
    let client = named(app, request, form)?.map(|client| client.id);
    let token = form.require("refresh_token")?.to_owned();
    let tokens = app.write(move |tx| oauth_grant::refresh(tx, client, &token)).await?;
    refused(
        app,
        request,
        tokens,
        "the refresh token is not valid: unknown, used, too old, or of another client",
    )
}

/// The tokens, or `invalid_grant`, counted: guessing is slowed down.
fn refused(
    app: &App,
    request: &HttpRequest,
    tokens: Option<Tokens>,
    why: &str,
) -> Result<Tokens, OauthError> {
    match tokens {
        Some(tokens) => Ok(tokens),
        None => {
            count_failure(app, request)?;
            Err(OauthError::grant(why))
        }
    }
}

/// The same answer for a token that there is not.
#[post("/oauth/revoke")]
pub async fn revoke(app: App, request: HttpRequest, body: Bytes) -> Result<HttpResponse, OauthError> {
    let form = Form::read(&request, &body)?;
    let client = match form.client() {
        None => None,
        Some(_) => Some(authenticated(&app, &request, &form)?.id),
    };
    let token = form.require("token")?.to_owned();
    app.write(move |tx| oauth_grant::revoke(tx, client, &token)).await?;
    Ok(HttpResponse::Ok().finish())
}

/// A client asks about its own tokens.
#[post("/oauth/introspect")]
pub async fn introspect(app: App, request: HttpRequest, body: Bytes) -> Result<HttpResponse, OauthError> {
    let form = Form::read(&request, &body)?;
    let client = authenticated(&app, &request, &form)?;
    let token = form.require("token")?;
    let found = app.read(|s| oauth_grant::inspect(s, client.id, token, app.now()))?;
    Ok(HttpResponse::Ok().json(match found {
        None => json!({ "active": false }),
        Some(found) => json!({
            "active": true,
            "client_id": client.client_id,
            "username": found.email,
            "sub": found.agent_id.to_string(),
            "token_type": if found.is_refresh { "refresh_token" } else { "bearer" },
            "iat": found.issued_at.millis() / 1000,
            "exp": found.expires_at.millis() / 1000,
            "iss": app.base_url(),
        }),
    }))
}

#[get("/.well-known/oauth-authorization-server")]
pub async fn metadata(app: App) -> HttpResponse {
    let at = |path: &str| [app.base_url(), path].concat();
    let client_authentication = ["client_secret_basic", "client_secret_post"];
    HttpResponse::Ok().json(json!({
        "issuer": app.base_url(),
        "authorization_endpoint": at("/oauth/authorize"),
        "token_endpoint": at("/oauth/token"),
        "revocation_endpoint": at("/oauth/revoke"),
        "introspection_endpoint": at("/oauth/introspect"),
        "service_documentation": at("/api/docs"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "client_credentials", "password", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": client_authentication,
        "revocation_endpoint_auth_methods_supported": client_authentication,
        "introspection_endpoint_auth_methods_supported": client_authentication,
        "authorization_response_iss_parameter_supported": true,
    }))
}
