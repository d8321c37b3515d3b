//! Signing in by a mailed link. Opening the link only shows a button: mail scanners open links, too, and must not use
//! them up.

use std::time::Duration;

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;
use serde::Deserialize;

use super::Frame;
use super::home::{Home, REQUESTS};
use crate::app::App;
use crate::desk::session::{self, Owner, Proof};
use crate::desk::{contact, is_address, sign_in, sign_in_link};
use crate::language::Language;
use crate::time::Timestamp;
use crate::web::auth::{end_cookie, local_path, session_cookie};
use crate::web::page::see_other;
use crate::web::{Page, PageError, Query, Visitor, client, csrf, filters};

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    email: String,
    #[serde(default)]
    next: String,
    /// No person sees this field, so whoever fills it in is a program.
    #[serde(default)]
    website: String,
    /// When the form was shown, in milliseconds.
    #[serde(default)]
    shown_at: i64,
}

/// Nobody types an address faster than this.
const FASTEST: Duration = Duration::from_secs(1);

#[derive(Template)]
#[template(path = "portal/check_mail.html")]
struct CheckMail {
    frame: Frame,
}

/// The answer is the same for every address, so that nobody learns who writes to this desk.
#[post("/portal/sign-in")]
pub async fn ask(
    app: App,
    language: Language,
    request: HttpRequest,
    wanted: web::Form<Wanted>,
) -> Result<HttpResponse, PageError> {
    let Wanted { email, next, website, shown_at } = wanted.into_inner();
    let (email, next) = (email.trim().to_owned(), local_path(Some(&next), REQUESTS));
    let problem = match () {
        () if !is_address(&email) => Some(language.words().no_address),
        () if app.now().since(Timestamp::from_millis(shown_at)) < FASTEST => Some(language.words().too_fast),
        () => None,
    };
    if problem.is_some() {
        // The time stays: whoever sends the form again must not be too fast for ever.
        let mut home = Home::new(&app, language, &email, next, problem)?;
        home.shown_at = shown_at;
        return Ok(Page(home).with_status(StatusCode::BAD_REQUEST));
    }
    app.limiter().check(client::network(client::address(&request, &app)))?;
    if website.is_empty() {
        let link = link(&app, next);
        app.write(move |tx| sign_in_link::request(tx, &email, language, link)).await?;
    }
    Ok(Page(CheckMail { frame: Frame::new(&app, language, None, "sign in")? }).with_status(StatusCode::OK))
}

/// Makes the link's URL from its token; it leads on to `next`.
fn link(app: &App, next: &str) -> impl FnOnce(&str) -> String + Send + use<> {
    let base = app.base_url().to_owned();
    let next: String = match next {
        REQUESTS => String::new(),
        next => url::form_urlencoded::byte_serialize(next.as_bytes()).collect(),
    };
    move |token| {
        let link = [&base, "/portal/sign-in/", token].concat();
        if next.is_empty() { link } else { [&link, "?next=", &next].concat() }
    }
}

#[derive(Template)]
#[template(path = "portal/sign_in.html")]
struct SignIn<'a> {
    frame: Frame,
    next: &'a str,
}

/// The token stays in the page's address: the form is sent to where it is.
#[get("/portal/sign-in/{token}")]
pub async fn show(app: App, language: Language, query: Query) -> Result<HttpResponse, PageError> {
    let next = local_path(query.all("next").next(), REQUESTS);
    Ok(Page(SignIn { frame: Frame::new(&app, language, None, "sign in")?, next }).with_status(StatusCode::OK))
}

#[derive(Deserialize)]
struct Redeemed {
    #[serde(default)]
    next: String,
}

#[post("/portal/sign-in/{token}")]
pub async fn redeem(
    app: App,
    language: Language,
    request: HttpRequest,
    token: web::Path<String>,
    form: web::Form<Redeemed>,
) -> Result<HttpResponse, PageError> {
    app.limiter().check(client::network(client::address(&request, &app)))?;
    let next = local_path(Some(&form.next), REQUESTS);
    match start(&app, language, &request, token.into_inner()).await? {
        Some(cookie) => {
            let mut answer = see_other(next);
            answer.add_cookie(&cookie).map_err(crate::error::Error::internal)?;
            Ok(answer)
        }
        None => {
            let problem = Some(language.words().link_gone);
            Ok(Page(Home::new(&app, language, "", next, problem)?).with_status(StatusCode::GONE))
        }
    }
}

/// Uses up the link and starts a session; `None` when the link is not good any more.
async fn start(
    app: &App,
    language: Language,
    request: &HttpRequest,
    token: String,
) -> Result<Option<Cookie<'static>>, PageError> {
    let (browser, address) = (client::user_agent(request), client::address(request, app));
    let value = app
        .write(move |tx| match sign_in_link::redeem(tx, &token)? {
            Some(contact) => {
                sign_in::record_contact(tx, contact)?;
                contact::speaks(tx, contact, language)?;
                session::create(tx, Owner::Contact(contact), Proof::Link, &browser, address).map(Some)
            }
            None => Ok(None),
        })
        .await?;
    Ok(value.map(|value| session_cookie(app, request.path(), value)))
}

#[derive(Deserialize)]
struct Secret {
    csrf: String,
}

#[post("/portal/sign-out")]
pub async fn sign_out(
    app: App,
    request: HttpRequest,
    visitor: Visitor,
    form: web::Form<Secret>,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &visitor.session, Some(&form.csrf))?;
    let hash = visitor.session.hash;
    app.write(move |tx| session::delete(tx, &hash)).await?;
    let mut answer = see_other("/portal");
    answer.add_cookie(&end_cookie(&app, request.path())).map_err(crate::error::Error::internal)?;
    Ok(answer)
}
