//! `/console/junk`: mail from blocked senders, each with its cause. One press makes it a conversation, another lets its
//! sender in from now on, too.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;

use super::Layout;
use super::settings::Sent;
use crate::app::App;
use crate::desk::attachment::{self, Attachment};
use crate::desk::junk_email::{self, JunkEmail, JunkEmailQuery};
use crate::desk::{Page as Items, Paging, Permission, site};
use crate::error::Result;
use crate::ids::JunkEmailId;
use crate::pages::when::Zone;
use crate::time::Timestamp;
use crate::web::page::{mail_frame, see_other};
use crate::web::paging::Links;
use crate::web::{Page, PageError, Query, SignedIn, filters};

const HERE: &str = "/console/junk";

#[derive(Template)]
#[template(path = "console/junk.html")]
struct List {
    layout: Layout,
    zone: Zone,
    now: Timestamp,
    keywords: String,
    junk: Items<JunkEmail>,
    retention_days: i64,
    may_set: bool,
    may_allow: bool,
    paging: Paging,
    links: Links,
}

#[get("/console/junk")]
pub async fn list(
    app: App,
    request: HttpRequest,
    signed_in: SignedIn,
    parameters: Query,
) -> Result<Page<List>, PageError> {
    let by = &signed_in.actor;
    let paging = parameters.paging()?;
    let keywords = parameters.text("keywords")?.map(str::to_owned);
    let query = JunkEmailQuery { keywords: keywords.clone(), ..JunkEmailQuery::default() };
    let (layout, junk, site) = app.read(|s| {
        let junk = junk_email::list(s, by, &query, paging)?;
        Ok((Layout::new(s, &signed_in, HERE)?, junk, site::get(s)?))
    })?;
    let links = Links::new(&request, &parameters, paging, junk.total);
    Ok(Page(List {
        layout,
        zone: Zone::of(&signed_in.time_zone),
        now: app.now(),
        keywords: keywords.unwrap_or_default(),
        junk,
        retention_days: site.junk_retention_days,
        may_set: by.require(Permission::ManageSettings).is_ok(),
        may_allow: by.require(Permission::ManageBlockedSenders).is_ok(),
        paging,
        links,
    }))
}

#[derive(Template)]
#[template(path = "console/junk_email.html")]
struct Show {
    layout: Layout,
    zone: Zone,
    junk: JunkEmail,
    files: Vec<Attachment>,
    may_allow: bool,
}

/// Opening it marks it read, as it would a mail.
#[get("/console/junk/{id}")]
pub async fn show(
    app: App,
    signed_in: SignedIn,
    id: web::Path<JunkEmailId>,
) -> Result<Page<Show>, PageError> {
    let (by, id) = (signed_in.actor.clone(), *id);
    let junk = app.write(move |tx| junk_email::set_read(tx, &by, id, true)).await?;
    let (layout, files) =
        app.read(|s| Ok((Layout::new(s, &signed_in, HERE)?, attachment::of_junk(s, id)?)))?;
    let may_allow = signed_in.actor.require(Permission::ManageBlockedSenders).is_ok();
    Ok(Page(Show { layout, zone: Zone::of(&signed_in.time_zone), junk, files, may_allow }))
}

/// The content of the sandboxed frame: no scripts, and no pictures but the mail's own.
#[get("/console/junk/{id}/body")]
pub async fn body(
    app: App,
    signed_in: SignedIn,
    id: web::Path<JunkEmailId>,
) -> Result<HttpResponse, PageError> {
    let now = app.now();
    let clean_body = app.read(|s| {
        let junk = junk_email::require(s, &signed_in.actor, *id)?;
        Ok(attachment::with_signed_pictures(&junk.body.html, &site::picture_key(s)?, now))
    })?;
    Ok(mail_frame(clean_body, "'self' data:"))
}

#[post("/console/junk/{id}/restore")]
pub async fn restore(app: App, id: web::Path<JunkEmailId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let conversation = app.write(move |tx| junk_email::restore(tx, &sent.signed_in.actor, *id)).await?;
    Ok(see_other(&format!("/console/conversations/{}", conversation.id)))
}

#[post("/console/junk/{id}/allow")]
pub async fn allow(app: App, id: web::Path<JunkEmailId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (conversation, _) = app.write(move |tx| junk_email::allow(tx, &sent.signed_in.actor, *id)).await?;
    Ok(see_other(&format!("/console/conversations/{}", conversation.id)))
}

#[post("/console/junk/{id}/delete")]
pub async fn delete(app: App, id: web::Path<JunkEmailId>, sent: Sent) -> Result<HttpResponse, PageError> {
    app.write(move |tx| junk_email::delete(tx, &sent.signed_in.actor, *id)).await?;
    Ok(see_other(HERE))
}

#[post("/console/junk/retention")]
pub async fn set_retention(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    // What is no number becomes one that is refused.
    let days = sent.fields.text("junkRetentionDays").trim().parse().unwrap_or(0);
    app.write(move |tx| site::set_junk_retention(tx, &sent.signed_in.actor, days)).await?;
    Ok(see_other(HERE))
}
