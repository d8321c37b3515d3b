//! Setting up the second factor that the site asks of everybody: the first thing after signing in, and nothing else can be
//! opened before. The session has to be young: whoever found one that was left open must not set up their own app.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::Form;
use actix_web::{HttpRequest, HttpResponse, get, post};
use askama::Template;
use serde::Deserialize;

use super::form::Mistakes;
use super::sign_in::HOME;
use crate::app::App;
use crate::desk::second_factor::{self, Enrolment};
use crate::desk::{session, site};
use crate::error::{Error, Result};
use crate::web::auth::{TWO_STEP, end_cookie, local_path};
use crate::web::page::see_other;
use crate::web::{Page, PageError, Query, SignedIn, client, csrf, filters};

/// How long after the sign-in it may be set up without giving the password again.
const YOUNG: Duration = Duration::from_secs(15 * 60);

#[derive(Template)]
#[template(path = "sign_in_two_step.html")]
struct TwoStepPage {
    site_name: String,
    email: String,
    csrf: String,
    next: String,
    mistakes: Mistakes,
    /// An app that waits to be confirmed.
    enrolment: Option<Enrolment>,
    /// Its picture: SVG of our own making.
    clean_qr: String,
    /// Recovery codes just made: shown this once.
    fresh_codes: Vec<String>,
}

impl TwoStepPage {
    fn new(app: &App, signed_in: &SignedIn, next: &str, mistakes: Mistakes) -> Result<Self> {
        let agent = &signed_in.agent;
        let (site_name, enrolment) = app.read(|s| {
            let site = site::get(s)?.name;
            let enrolment = second_factor::enrolment(s, app.vault(), agent.id, &agent.email, &site)?;
            Ok((site, enrolment))
        })?;
        Ok(Self {
            site_name,
            email: agent.email.clone(),
            csrf: signed_in.session.csrf.clone(),
            next: next.to_owned(),
            mistakes,
            clean_qr: enrolment.as_ref().map(|enrolment| enrolment.qr.clone()).unwrap_or_default(),
            enrolment,
            fresh_codes: Vec::new(),
        })
    }
}

/// Where to go instead: there is nothing to set up, or the sign-in is too long ago.
async fn elsewhere(app: &App, signed_in: &SignedIn, next: &str) -> Result<Option<HttpResponse>> {
    if !app.read(|s| second_factor::is_missing(s, signed_in.agent.id))? {
        return Ok(Some(see_other(next)));
    }
    if app.now().since(signed_in.session.created_at) < YOUNG {
        return Ok(None);
    }
    let hash = signed_in.session.hash;
    app.write(move |tx| session::delete(tx, &hash)).await?;
    let back: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    let mut answer = see_other(&["/console/sign-in?next=", &back].concat());
    answer.add_cookie(&end_cookie(app, HOME)).map_err(Error::internal)?;
    Ok(Some(answer))
}

#[get("/console/sign-in/two-step")]
pub async fn show(app: App, signed_in: SignedIn, query: Query) -> Result<HttpResponse, PageError> {
    let next = local_path(query.text("next")?, HOME);
    if let Some(answer) = elsewhere(&app, &signed_in, next).await? {
        return Ok(answer);
    }
    let page = TwoStepPage::new(&app, &signed_in, next, Mistakes::default())?;
    Ok(Page(page).with_status(StatusCode::OK))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Sent {
    csrf: String,
    next: String,
    code: String,
}

/// A form of this page, checked against forgery: what it leads on to, or where to go instead.
async fn opened<'a>(
    app: &App,
    request: &HttpRequest,
    signed_in: &SignedIn,
    sent: &'a Sent,
) -> Result<std::result::Result<&'a str, HttpResponse>> {
    csrf::check(request, &signed_in.session, Some(&sent.csrf))?;
    let next = local_path(Some(&sent.next), HOME);
    Ok(elsewhere(app, signed_in, next).await?.map_or(Ok(next), Err))
}

/// Begins with a fresh secret.
#[post("/console/sign-in/two-step")]
pub async fn begin(
    app: App,
    request: HttpRequest,
    signed_in: SignedIn,
    sent: Form<Sent>,
) -> Result<HttpResponse, PageError> {
    let next = match opened(&app, &request, &signed_in, &sent).await? {
        Ok(next) => next,
        Err(answer) => return Ok(answer),
    };
    let (by, vault) = (signed_in.actor, app.vault().clone());
    app.write(move |tx| second_factor::begin(tx, &by, &vault)).await?;
    let back: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    Ok(see_other(&[TWO_STEP, "?next=", &back].concat()))
}

#[post("/console/sign-in/two-step/confirm")]
pub async fn confirm(
    app: App,
    request: HttpRequest,
    signed_in: SignedIn,
    sent: Form<Sent>,
) -> Result<HttpResponse, PageError> {
    let next = match opened(&app, &request, &signed_in, &sent).await? {
        Ok(next) => next,
        Err(answer) => return Ok(answer),
    };
    app.limiter().check(client::network(client::address(&request, &app)))?;
    let code = sent.code.clone();
    let (by, vault) = (signed_in.actor.clone(), app.vault().clone());
    match app.write(move |tx| second_factor::confirm(tx, &by, &vault, &code)).await {
        Ok(fresh_codes) => {
            let page = TwoStepPage::new(&app, &signed_in, next, Mistakes::default())?;
            Ok(Page(TwoStepPage { fresh_codes, ..page }).with_status(StatusCode::OK))
        }
        Err(error) => {
            let page = TwoStepPage::new(&app, &signed_in, next, Mistakes::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}
