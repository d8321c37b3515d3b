//! Who is calling: an agent by API key or OAuth token, an agent or a contact by session cookie.

use std::sync::Arc;

use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, ResponseError, dev::Payload};
use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::client;
use super::error::{ApiError, PageError};
use super::filters;
use crate::app::App;
use crate::db::Snapshot;
use crate::desk::agent::{self, Agent};
use crate::desk::session::{self, Owner, Proof, Session};
use crate::desk::{Actor, Rights, api_key, availability, contact, oauth_grant, second_factor, site};
use crate::error::{Error, Result};
use crate::ids::{AgentId, ContactId};
use crate::time::Timestamp;

/// Extractor of the API: the agent whose e-mail address and API key came by HTTP Basic, or who is behind an OAuth
/// token.
#[derive(Debug, Clone)]
pub struct Caller {
    pub actor: Actor,
    pub agent_id: AgentId,
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(caller(request).map_err(ApiError))
    }
}

fn caller(request: &HttpRequest) -> Result<Caller> {
    let app = app(request)?;
    let rights = app.read(|s| {
        let agent = match (bearer(request), basic(request)) {
            (Some(token), _) => oauth_grant::agent_of(s, token, app.now())?,
            (None, Some((email, key))) => api_key::agent_of(s, &email, &key, app.now())?,
            (None, None) => return Err(Error::Unauthenticated),
        };
        agent.map_or(Ok(None), |agent| Rights::of(s, agent))
    })?;
    match rights {
        Some(rights) => Ok(Caller { agent_id: rights.agent_id, actor: Actor::Agent(Arc::new(rights)) }),
        None => {
            app.limiter().check(client::network(client::address(request, &app)))?;
            Err(Error::Unauthenticated)
        }
    }
}

fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn basic(request: &HttpRequest) -> Option<(String, String)> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// Extractor of the console: the signed-in agent. Without a session it leads to the sign-in page.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub agent: Agent,
    pub actor: Actor,
    pub session: Session,
    /// The agent's time zone, or the site's.
    pub time_zone: String,
    /// When the request came.
    pub now: Timestamp,
    /// Whether the desk is a demo, which has pages of its own.
    pub is_demo: bool,
}

impl FromRequest for SignedIn {
    type Error = SignInFirst;
    type Future = std::future::Ready<Result<Self, SignInFirst>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = match signed_in(request) {
            Ok(found) => match must_set_up(request, &found) {
                Ok(false) => Ok(found),
                Ok(true) => Err(SignInFirst::new(request, TWO_STEP, Error::Unauthenticated)),
                Err(error) => Err(SignInFirst::new(request, TWO_STEP, error)),
            },
            Err(error) => Err(SignInFirst::new(request, "/console/sign-in", error)),
        };
        std::future::ready(found)
    }
}

/// Where an agent sets up the second factor that the site asks for.
pub const TWO_STEP: &str = "/console/sign-in/two-step";

/// Whether an agent has to set up a second factor before anything else. Who signed in with the identity provider has
/// not: how many steps that takes is decided there.
fn must_set_up(request: &HttpRequest, found: &SignedIn) -> Result<bool> {
    let path = request.path();
    if found.session.proof != Proof::Password || path.starts_with(TWO_STEP) || path == "/console/sign-out" {
        return Ok(false);
    }
    app(request)?.read(|s| second_factor::is_missing(s, found.agent.id))
}

fn signed_in(request: &HttpRequest) -> Result<SignedIn> {
    let app = app(request)?;
    let (found, session) = with_session(request, &app, |s, session| match session.owner {
        Owner::Agent(id) => {
            let Some(rights) = Rights::of(s, id)? else { return Ok(None) };
            let agent = agent::require(s, id)?;
            let time_zone = match &agent.time_zone {
                Some(zone) => zone.clone(),
                None => site::get(s)?.time_zone,
            };
            Ok(Some((agent, rights, time_zone)))
        }
        Owner::Contact(_) => Ok(None),
    })?;
    let (agent, rights, time_zone) = found;
    let is_demo = app.config().is_demo;
    Ok(SignedIn { agent, actor: Actor::Agent(Arc::new(rights)), session, time_zone, now: app.now(), is_demo })
}

/// Extractor of the portal: the signed-in contact. Without a session it leads to the portal's home.
#[derive(Debug, Clone)]
pub struct Visitor {
    pub contact: contact::Contact,
    pub actor: Actor,
    pub session: Session,
}

impl Visitor {
    pub fn id(&self) -> ContactId {
        self.contact.id
    }
}

impl FromRequest for Visitor {
    type Error = SignInFirst;
    type Future = std::future::Ready<Result<Self, SignInFirst>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(
            visitor(request).map_err(|error| SignInFirst::new(request, "/portal/sign-in", error)),
        )
    }
}

fn visitor(request: &HttpRequest) -> Result<Visitor> {
    let app = app(request)?;
    let (contact, session) = with_session(request, &app, |s, session| match session.owner {
        Owner::Contact(id) => contact::get(s, id),
        Owner::Agent(_) => Ok(None),
    })?;
    Ok(Visitor { actor: Actor::Contact(contact.id), contact, session })
}

/// Finds the session of the path's cookie and what belongs to it; `Unauthenticated` without.
fn with_session<T>(
    request: &HttpRequest,
    app: &App,
    find: impl FnOnce(&Snapshot<'_>, &Session) -> Result<Option<T>>,
) -> Result<(T, Session)> {
    let cookie = request.cookie(cookie_name(app, request.path())).ok_or(Error::Unauthenticated)?;
    let now = app.now();
    let (found, session) = app.read(|s| {
        let session = session::get(s, cookie.value(), now)?.ok_or(Error::Unauthenticated)?;
        Ok((find(s, &session)?.ok_or(Error::Unauthenticated)?, session))
    })?;
    // A live stream is no sign that somebody is there.
    let is_stream = request.path().ends_with("/live");
    if !is_stream && session::wants_touch(&session, now) {
        let (app, hash) = (app.clone(), session.hash);
        tokio::spawn(async move { app.write(move |tx| session::touch(tx, &hash)).await });
    }
    if let Owner::Agent(agent) = session.owner
        && app.read(|s| availability::wants_heartbeat(s, agent, now))?
    {
        let app = app.clone();
        tokio::spawn(async move { app.write(move |tx| availability::heartbeat(tx, agent)).await });
    }
    request.extensions_mut().insert(session.clone());
    Ok((found, session))
}

/// No session: people are led to the sign-in page and back; a script gets 401, and so does a form, with a page that
/// leads back to where the form stands.
#[derive(Debug)]
pub struct SignInFirst {
    to: Option<String>,
    /// For a form of the console: the sign-in page, which leads back.
    over: Option<String>,
    error: PageError,
}

/// What the browser keeps of a form that was sent too late is put back by `draft.js`.
#[derive(Template)]
#[template(path = "session_over.html")]
struct SessionOver<'a> {
    to: &'a str,
}

impl SignInFirst {
    fn new(request: &HttpRequest, page: &str, error: Error) -> Self {
        let is_page = request.method().is_safe() && !request.headers().contains_key("hx-request");
        let wants_sign_in = matches!(error, Error::Unauthenticated);
        let back: String =
            url::form_urlencoded::byte_serialize(request.uri().to_string().as_bytes()).collect();
        let to = (is_page && wants_sign_in).then(|| [page, "?next=", &back].concat());
        let is_console = page.starts_with("/console/");
        let over =
            (!is_page && wants_sign_in && is_console).then(|| [page, "?next=", &came_from(request)].concat());
        Self { to, over, error: PageError(error) }
    }
}

/// The page of the console that a form was sent from, for a query.
fn came_from(request: &HttpRequest) -> String {
    let referer = request.headers().get(header::REFERER).and_then(|value| value.to_str().ok());
    let path = referer.and_then(|text| url::Url::parse(text).ok()).map(|url| match url.query() {
        Some(query) => [url.path(), "?", query].concat(),
        None => url.path().to_owned(),
    });
    url::form_urlencoded::byte_serialize(local_path(path.as_deref(), "/console").as_bytes()).collect()
}

impl std::fmt::Display for SignInFirst {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.error.fmt(f)
    }
}

impl ResponseError for SignInFirst {
    fn status_code(&self) -> actix_web::http::StatusCode {
        match self.to {
            Some(_) => actix_web::http::StatusCode::SEE_OTHER,
            None => self.error.status_code(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        match &self.to {
            Some(to) => HttpResponse::SeeOther().insert_header((header::LOCATION, to.as_str())).finish(),
            None => {
                let page = self.over.as_ref().and_then(|to| SessionOver { to }.render().ok());
                let mut answer = match page {
                    Some(html) => HttpResponse::build(self.error.status_code())
                        .content_type("text/html; charset=utf-8")
                        .body(html),
                    None => self.error.error_response(),
                };
                // A browser must not ask for a password of its own.
                answer.headers_mut().remove(header::WWW_AUTHENTICATE);
                answer
            }
        }
    }
}

/// Console and portal have cookies of their own: an agent can look at the portal as a contact.
fn cookie_name(app: &App, path: &str) -> &'static str {
    let is_portal = path.starts_with("/portal");
    match (is_portal, is_secure(app)) {
        (false, true) => "__Host-console",
        (false, false) => "console",
        (true, true) => "__Host-portal",
        (true, false) => "portal",
    }
}

fn is_secure(app: &App) -> bool {
    app.base_url().starts_with("https:")
}

/// The cookie that carries a new session; `path` tells console from portal.
pub fn session_cookie(app: &App, path: &str, token: String) -> Cookie<'static> {
    Cookie::build(cookie_name(app, path), token)
        .path("/")
        .http_only(true)
        .secure(is_secure(app))
        .same_site(SameSite::Lax)
        .finish()
}

/// A cookie for a sign-in that is under way: ten minutes.
pub fn passing_cookie(app: &App, name: &str, value: String) -> Cookie<'static> {
    let name = if is_secure(app) { ["__Host-", name].concat() } else { name.to_owned() };
    Cookie::build(name, value)
        .path("/")
        .http_only(true)
        .secure(is_secure(app))
        .same_site(SameSite::Lax)
        .max_age(actix_web::cookie::time::Duration::minutes(10))
        .finish()
}

/// Tells the browser to forget the cookie.
pub fn end_cookie(app: &App, path: &str) -> Cookie<'static> {
    let mut cookie = session_cookie(app, path, String::new());
    cookie.make_removal();
    cookie
}

/// A local path to go to after signing in; anything else becomes `home`. From the console's sign-in page also to the
/// page where an agent lets a program act for them, and to those of a demo.
pub fn local_path<'a>(next: Option<&'a str>, home: &'a str) -> &'a str {
    let section = home.split('/').nth(1).unwrap_or_default();
    let is_local = |text: &&str| {
        let path = text.split('?').next().unwrap_or_default();
        let is_ours = path.strip_prefix('/').and_then(|rest| rest.split('/').next()) == Some(section)
            || (section == "console" && (path == "/oauth/authorize" || path.starts_with("/demo/")));
        is_ours && !path.contains("//") && !text.contains(['\\', '\r', '\n', '\0'])
    };
    next.filter(is_local).unwrap_or(home)
}

fn app(request: &HttpRequest) -> Result<App> {
    request
        .app_data::<actix_web::web::Data<App>>()
        .map(|app| app.get_ref().clone())
        .ok_or_else(|| Error::internal("no application"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_the_same_section_are_gone_back_to() {
        assert_eq!(
            local_path(Some("/console/conversations/1?a=b"), "/console"),
            "/console/conversations/1?a=b"
        );
        for bad in [
            "//evil.example",
            "https://evil.example",
            "/\\evil",
            "/portal",
            "javascript:x",
            "/console//evil",
            "",
        ] {
            assert_eq!(local_path(Some(bad), "/console"), "/console", "{bad}");
        }
        assert_eq!(local_path(None, "/portal"), "/portal");
        let consent = "/oauth/authorize?redirect_uri=https://app.example/";
        assert_eq!(local_path(Some(consent), "/console"), consent);
        assert_eq!(local_path(Some(consent), "/portal"), "/portal");
        assert_eq!(local_path(Some("/oauth/token"), "/console"), "/console");
    }
}
