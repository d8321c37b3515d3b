//! Agents sign in and out; the site's front door.

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderName;
use actix_web::web::Form;
use actix_web::{HttpRequest, HttpResponse, Responder, get, post};
use askama::Template;
use serde::Deserialize;

use crate::app::App;
use crate::desk::session::Owner;
use crate::desk::{session, sign_in, site};
use crate::error::Result;
use crate::ids::AgentId;
use crate::web::auth::{end_cookie, local_path, session_cookie};
use crate::web::page::see_other;
use crate::web::{Page, PageError, Query, SignedIn, client, csrf, filters, password};

/// Where an agent goes without a wish of their own.
const HOME: &str = "/console";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    site_name: String,
    email: String,
    next: String,
    is_refused: bool,
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
    let site_name = app.read(site::get)?.name;
    let page = SignInPage { site_name, email: String::new(), next: next.to_owned(), is_refused: false };
    Ok(Page(page).with_status(StatusCode::OK))
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
        let site_name = app.read(site::get)?.name;
        let page = SignInPage { site_name, email: form.email, next: form.next, is_refused: true };
        return Ok(Page(page).with_status(StatusCode::BAD_REQUEST));
    };
    let token = start_session(&app, agent, &request).await?;
    let mut answer = see_other(local_path(Some(&form.next), HOME));
    answer.add_cookie(&session_cookie(&app, HOME, token)).map_err(crate::error::Error::internal)?;
    Ok(answer)
}

/// Signs an agent in; the cookie's value.
pub async fn start_session(app: &App, agent: AgentId, request: &HttpRequest) -> Result<String> {
    let (address, user_agent) = (client::address(request, app), client::user_agent(request));
    app.write(move |tx| {
        sign_in::record(tx, agent, "signed in to the console", address)?;
        session::create(tx, Owner::Agent(agent), &user_agent)
    })
    .await
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
    answer.add_cookie(&end_cookie(&app, HOME)).map_err(crate::error::Error::internal)?;
    let clear = HeaderName::from_static("clear-site-data");
    answer.headers_mut().insert(clear, actix_web::http::header::HeaderValue::from_static("\"cache\""));
    Ok(answer)
}
