//! Signing in to the portal with a password, for contacts who have set one. Whoever has none, or has forgotten it, is
//! mailed a link.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;
use serde::Deserialize;

use super::Frame;
use super::home::REQUESTS;
use crate::app::App;
use crate::desk::session::{self, Owner, Proof};
use crate::desk::{contact, sign_in};
use crate::error::Error;
use crate::language::Language;
use crate::web::auth::{local_path, session_cookie};
use crate::web::page::see_other;
use crate::web::{Page, PageError, Query, Visitor, client, filters, password};

#[derive(Template)]
#[template(path = "portal/password.html")]
struct SignIn<'a> {
    frame: Frame,
    email: &'a str,
    next: &'a str,
    is_refused: bool,
}

#[get("/portal/sign-in/password")]
pub async fn show(
    app: App,
    language: Language,
    visitor: Option<Visitor>,
    query: Query,
) -> Result<HttpResponse, PageError> {
    let next = local_path(query.all("next").next(), REQUESTS);
    if visitor.is_some() {
        return Ok(see_other(next));
    }
    let frame = Frame::new(&app, language, None, "sign in")?;
    Ok(Page(SignIn { frame, email: "", next, is_refused: false }).with_status(StatusCode::OK))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Sent {
    email: String,
    password: String,
    next: String,
}

/// Whoever is unknown, has no password, gave a wrong one or waits for a lock to end gets the same answer.
#[post("/portal/sign-in/password")]
pub async fn submit(
    app: App,
    language: Language,
    request: HttpRequest,
    sent: web::Form<Sent>,
) -> Result<HttpResponse, PageError> {
    let address = client::address(&request, &app);
    app.limiter().check(client::network(address))?;
    let sent = sent.into_inner();
    let next = local_path(Some(&sent.next), REQUESTS);
    let Some(contact) = password::contact_of(&app, &sent.email, &sent.password, address).await? else {
        let frame = Frame::new(&app, language, None, "sign in")?;
        let page = SignIn { frame, email: &sent.email, next, is_refused: true };
        return Ok(Page(page).with_status(StatusCode::BAD_REQUEST));
    };
    let browser = client::user_agent(&request);
    let token = app
        .write(move |tx| {
            sign_in::record_contact(tx, contact)?;
            contact::speaks(tx, contact, language)?;
            session::create(tx, Owner::Contact(contact), Proof::Password, &browser, address)
        })
        .await?;
    let mut answer = see_other(next);
    answer.add_cookie(&session_cookie(&app, request.path(), token)).map_err(Error::internal)?;
    Ok(answer)
}
