//! `/console/settings/outgoing-mails`: the queue of mail that leaves, what the servers said, and what the mail says.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;

use super::super::Layout;
use super::field::Sent;
use super::{Nav, frame};
use crate::app::App;
use crate::desk::outgoing_mail::{self, OutgoingMail, State};
use crate::desk::{Page as Items, Paging};
use crate::html;
use crate::ids::OutgoingMailId;
use crate::pages::when::Zone;
use crate::time::Timestamp;
use crate::web::page::{mail_frame, see_other};
use crate::web::paging::Links;
use crate::web::{Page, PageError, Query, SignedIn, filters};

const HERE: &str = "/console/settings/outgoing-mails";

#[derive(Template)]
#[template(path = "console/settings/outgoing_mails.html")]
struct List {
    layout: Layout,
    nav: Nav,
    zone: Zone,
    now: Timestamp,
    state: Option<State>,
    mails: Items<OutgoingMail>,
    paging: Paging,
    links: Links,
}

#[get("/console/settings/outgoing-mails")]
pub async fn list(
    app: App,
    request: HttpRequest,
    signed_in: SignedIn,
    query: Query,
) -> Result<Page<List>, PageError> {
    let (layout, nav) = frame(&app, &signed_in, HERE)?;
    let (state, paging) = (query.value("state", "a state", State::parse)?, query.paging()?);
    let mails = app.read(|s| outgoing_mail::list(s, &signed_in.actor, state, paging))?;
    let links = Links::new(&request, &query, paging, mails.total);
    let (zone, now) = (Zone::of_agent(&signed_in), app.now());
    Ok(Page(List { layout, nav, zone, now, state, mails, paging, links }))
}

#[derive(Template)]
#[template(path = "console/settings/outgoing_mail.html")]
struct Show {
    layout: Layout,
    nav: Nav,
    zone: Zone,
    mail: OutgoingMail,
    /// The text with links; everything else in it is escaped.
    clean_text: String,
}

#[get("/console/settings/outgoing-mails/{id}")]
pub async fn show(
    app: App,
    signed_in: SignedIn,
    id: web::Path<OutgoingMailId>,
) -> Result<Page<Show>, PageError> {
    let (layout, nav) = frame(&app, &signed_in, HERE)?;
    let mail = app.read(|s| outgoing_mail::require(s, &signed_in.actor, *id))?;
    let clean_text = html::from_text(&mail.text_body);
    Ok(Page(Show { layout, nav, zone: Zone::of_agent(&signed_in), mail, clean_text }))
}

/// The content of the sandboxed frame.
#[get("/console/settings/outgoing-mails/{id}/html")]
pub async fn body(
    app: App,
    signed_in: SignedIn,
    id: web::Path<OutgoingMailId>,
) -> Result<HttpResponse, PageError> {
    let mail = app.read(|s| outgoing_mail::require(s, &signed_in.actor, *id))?;
    Ok(mail_frame(mail.html_body, "data:"))
}

#[post("/console/settings/outgoing-mails/{id}/retry")]
pub async fn retry(app: App, id: web::Path<OutgoingMailId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let id = *id;
    app.write(move |tx| outgoing_mail::retry(tx, &sent.signed_in.actor, id)).await?;
    Ok(see_other(&format!("{HERE}/{id}")))
}
