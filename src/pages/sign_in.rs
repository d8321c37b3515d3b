//! Agents sign in and out; the site's front door.

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderName;
use actix_web::web::Form;
use actix_web::{HttpRequest, HttpResponse, Responder, get, post};
use askama::Template;
use serde::Deserialize;

use crate::app::App;
use crate::desk::session::{Owner, Proof};
use crate::desk::{identity_provider, second_factor, session, sign_in, site};
use crate::error::{Error, Result};
use crate::ids::AgentId;
use crate::web::auth::{TWO_STEP, end_cookie, local_path, passing_cookie, session_cookie};
use crate::web::page::see_other;
use crate::web::{Page, PageError, Query, SignedIn, client, csrf, filters, password};

/// Where an agent goes without a wish of their own.
pub(super) const HOME: &str = "/console";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    site_name: String,
    email: String,
    next: String,
    is_refused: bool,
    /// Why somebody could not be let in another way; empty else.
    trouble: String,
    /// What the button says that leads to the identity provider, if there is one.
    provider: Option<String>,
}

impl SignInPage {
    fn new(app: &App, next: &str) -> Result<Self> {
        let (site_name, provider) =
            app.read(|s| Ok((site::get(s)?.name, identity_provider::enabled(s)?.map(|found| found.name))))?;
        let (email, trouble) = (String::new(), String::new());
        Ok(Self { site_name, email, next: next.to_owned(), is_refused: false, trouble, provider })
    }
}

/// The sign-in page with a sentence that says why.
pub(super) fn refuse(app: &App, trouble: &str) -> Result<HttpResponse> {
    let page = SignInPage { trouble: trouble.to_owned(), ..SignInPage::new(app, HOME)? };
    Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SignInForm {
    email: String,
    password: String,
    next: String,
}

/// Agents to the console, everybody else to the portal; to the set-up page while there is no agent at all.
#[get("/")]
pub async fn home(app: App, signed_in: Option<SignedIn>) -> Result<HttpResponse, PageError> {
    let is_set_up = app.read(site::is_set_up)?;
    Ok(see_other(match (signed_in, is_set_up) {
        (Some(_), _) => HOME,
        (None, true) => "/portal",
        (None, false) => "/set-up",
    }))
}

#[get("/console/sign-in")]
pub async fn show(app: App, query: Query, signed_in: Option<SignedIn>) -> Result<HttpResponse, PageError> {
    let next = local_path(query.text("next")?, HOME);
    if signed_in.is_some() {
        return Ok(see_other(next));
    }
    Ok(Page(SignInPage::new(&app, next)?).with_status(StatusCode::OK))
}

#[post("/console/sign-in")]
pub async fn submit(
    app: App,
    request: HttpRequest,
    form: Form<SignInForm>,
) -> Result<HttpResponse, PageError> {
    let address = client::address(&request, &app);
    app.limiter().check(client::network(address))?;
    let form = form.into_inner();
    let Some(agent) = password::agent_of(&app, &form.email, &form.password, address).await? else {
        let page = SignInPage::new(&app, local_path(Some(&form.next), HOME))?;
        let page = SignInPage { email: form.email, is_refused: true, ..page };
        return Ok(Page(page).with_status(StatusCode::BAD_REQUEST));
    };
    Ok(enter(&app, &request, agent, local_path(Some(&form.next), HOME), Proof::Password).await?)
}

/// Lets an agent in who has given the first proof: to the page `next`, or first to the question for a code. Who has no
/// second factor yet, but must have one, is led to set it up.
pub async fn enter(
    app: &App,
    request: &HttpRequest,
    agent: AgentId,
    next: &str,
    proof: Proof,
) -> Result<HttpResponse> {
    let back: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    if app.read(|s| second_factor::is_on(s, agent))? {
        let token = app.write(move |tx| second_factor::begin_step(tx, agent)).await?;
        let mut answer = see_other(&["/console/sign-in/code?next=", &back].concat());
        answer.add_cookie(&step_cookie(app, token)).map_err(Error::internal)?;
        return Ok(answer);
    }
    let is_missing = proof == Proof::Password && app.read(|s| second_factor::is_missing(s, agent))?;
    let summary = match proof {
        Proof::Provider => "signed in to the console with the identity provider",
        _ => "signed in to the console",
    };
    let token = start_session(app, agent, request, proof, summary).await?;
    let mut answer = match is_missing {
        true => see_other(&[TWO_STEP, "?next=", &back].concat()),
        false => see_other(next),
    };
    answer.add_cookie(&session_cookie(app, HOME, token)).map_err(Error::internal)?;
    Ok(answer)
}

/// Signs an agent in; the cookie's value.
pub async fn start_session(
    app: &App,
    agent: AgentId,
    request: &HttpRequest,
    proof: Proof,
    summary: &'static str,
) -> Result<String> {
    let (address, user_agent) = (client::address(request, app), client::user_agent(request));
    app.write(move |tx| {
        sign_in::record(tx, agent, summary, address)?;
        session::create(tx, Owner::Agent(agent), proof, &user_agent, address)
    })
    .await
}

#[derive(Template)]
#[template(path = "sign_in_code.html")]
struct CodePage {
    site_name: String,
    next: String,
    is_refused: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CodeForm {
    code: String,
    next: String,
}

/// The second step, for who gave the right password a moment ago.
#[get("/console/sign-in/code")]
pub async fn ask_code(app: App, request: HttpRequest, query: Query) -> Result<HttpResponse, PageError> {
    let next = local_path(query.text("next")?, HOME).to_owned();
    let token = step_token(&app, &request);
    let waits = app.read(|s| second_factor::step(s, &token, app.now()))?.is_some();
    if !waits {
        return Ok(see_other("/console/sign-in"));
    }
    let site_name = app.read(site::get)?.name;
    Ok(Page(CodePage { site_name, next, is_refused: false }).with_status(StatusCode::OK))
}

/// Wrong codes count like wrong passwords; after five the password is asked for again.
#[post("/console/sign-in/code")]
pub async fn submit_code(
    app: App,
    request: HttpRequest,
    form: Form<CodeForm>,
) -> Result<HttpResponse, PageError> {
    let address = client::address(&request, &app);
    app.limiter().check(client::network(address))?;
    let form = form.into_inner();
    let (token, user_agent) = (step_token(&app, &request), client::user_agent(&request));
    let (vault, code, kept) = (app.vault().clone(), form.code, token.clone());
    let session = app
        .write(move |tx| {
            let Some(agent) = second_factor::step(tx, &token, tx.now())? else { return Ok(None) };
            if second_factor::try_step(tx, &vault, &token, &code)?.is_none() {
                sign_in::record_failure(tx, Owner::Agent(agent), address)?;
                return Ok(None);
            }
            sign_in::record(tx, agent, "signed in to the console in two steps", address)?;
            session::create(tx, Owner::Agent(agent), Proof::Password, &user_agent, address).map(Some)
        })
        .await?;
    let next = local_path(Some(&form.next), HOME);
    if let Some(session) = session {
        let mut answer = see_other(next);
        answer.add_cookie(&session_cookie(&app, HOME, session)).map_err(Error::internal)?;
        let mut over = step_cookie(&app, String::new());
        over.make_removal();
        answer.add_cookie(&over).map_err(Error::internal)?;
        return Ok(answer);
    }
    if app.read(|s| second_factor::step(s, &kept, app.now()))?.is_none() {
        return Ok(refuse(&app, "That took too long, or too many codes were wrong. Please begin again.")?);
    }
    let site_name = app.read(site::get)?.name;
    let page = CodePage { site_name, next: next.to_owned(), is_refused: true };
    Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
}

fn step_token(app: &App, request: &HttpRequest) -> String {
    let cookie = request.cookie(step_cookie(app, String::new()).name());
    cookie.map(|cookie| cookie.value().to_owned()).unwrap_or_default()
}

/// Between password and code.
fn step_cookie(app: &App, token: String) -> Cookie<'static> {
    passing_cookie(app, "sign-in", token)
}

#[derive(Deserialize)]
struct SignOutForm {
    csrf: String,
}

#[post("/console/sign-out")]
pub async fn sign_out(
    app: App,
    request: HttpRequest,
    signed_in: SignedIn,
    form: Form<SignOutForm>,
) -> Result<impl Responder, PageError> {
    csrf::check(&request, &signed_in.session, Some(&form.csrf))?;
    let hash = signed_in.session.hash;
    app.write(move |tx| session::delete(tx, &hash)).await?;
    let mut answer = see_other("/console/sign-in");
    answer.add_cookie(&end_cookie(&app, HOME)).map_err(Error::internal)?;
    let clear = HeaderName::from_static("clear-site-data");
    answer.headers_mut().insert(clear, actix_web::http::header::HeaderValue::from_static("\"cache\""));
    Ok(answer)
}
