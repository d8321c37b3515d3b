//! `/console/settings/rehearsals`: what draft rules would have done with past conversations. Drafts come from the pages
//! of routing rules and triggers, or from the API.

use actix_web::{HttpResponse, get, post, web};
use askama::Template;

use super::super::Layout;
use super::field::Sent;
use super::{Nav, frame};
use crate::app::App;
use crate::desk::Paging;
use crate::desk::name::Names;
use crate::desk::rehearsal::{self, Difference, Kind, Rehearsal, State};
use crate::error::Result;
use crate::ids::{ConversationId, RehearsalId};
use crate::pages::when::Zone;
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

const HERE: &str = "/console/settings/rehearsals";
/// Differences that the page shows; the CSV has all.
const SHOWN: i64 = 200;

fn title(rehearsal: &Rehearsal) -> String {
    let of = match rehearsal.kind {
        Kind::Routing => "Routing",
        Kind::Trigger => "Trigger",
        Kind::Sla => "Service levels",
    };
    format!("{of}, rehearsal {}", rehearsal.id)
}

#[derive(Template)]
#[template(path = "console/settings/rehearsals.html")]
struct List {
    layout: Layout,
    nav: Nav,
    zone: Zone,
    rehearsals: Vec<Rehearsal>,
}

#[get("/console/settings/rehearsals")]
pub async fn list(app: App, signed_in: SignedIn) -> Result<Page<List>, PageError> {
    let (layout, nav) = frame(&app, &signed_in, HERE)?;
    let rehearsals = app.read(|s| rehearsal::list(s, &signed_in.actor))?;
    Ok(Page(List { layout, nav, zone: Zone::of_agent(&signed_in), rehearsals }))
}

#[derive(Template)]
#[template(path = "console/settings/rehearsal.html")]
struct Show {
    layout: Layout,
    nav: Nav,
    zone: Zone,
    rehearsal: Rehearsal,
    differences: Vec<Row>,
    total: i64,
}

/// A difference in words.
struct Row {
    conversation: ConversationId,
    subject: String,
    current: String,
    draft: String,
}

impl Row {
    fn new(names: &Names<'_, '_>, difference: Difference) -> Result<Self> {
        Ok(Self {
            conversation: difference.conversation,
            subject: difference.subject,
            current: difference.current.told(names)?,
            draft: difference.draft.told(names)?,
        })
    }
}

#[get("/console/settings/rehearsals/{id:\\d+}")]
pub async fn show(
    app: App,
    signed_in: SignedIn,
    id: web::Path<RehearsalId>,
) -> Result<Page<Show>, PageError> {
    let (layout, nav) = frame(&app, &signed_in, HERE)?;
    let (rehearsal, differences, total) = app.read(|s| {
        let found = rehearsal::require(s, &signed_in.actor, *id)?;
        let page = rehearsal::differences(s, *id, Paging { index: 1, size: SHOWN })?;
        let names = Names::new(s)?;
        let rows = page.items.into_iter().map(|difference| Row::new(&names, difference));
        Ok((found, rows.collect::<Result<Vec<_>>>()?, page.total))
    })?;
    let zone = Zone::of_agent(&signed_in);
    Ok(Page(Show { layout, nav, zone, rehearsal, differences, total }))
}

#[get("/console/settings/rehearsals/{id:\\d+}/csv")]
pub async fn csv(
    app: App,
    signed_in: SignedIn,
    id: web::Path<RehearsalId>,
) -> Result<HttpResponse, PageError> {
    let (id, by) = (*id, signed_in.actor.clone());
    let text = app
        .scan(move |s| {
            rehearsal::require(s, &by, id)?;
            rehearsal::csv(s, id)
        })
        .await?;
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header(("content-disposition", format!("attachment; filename=\"rehearsal-{id}.csv\"")))
        .body(text))
}

#[post("/console/settings/rehearsals/{id:\\d+}/delete")]
pub async fn delete(app: App, id: web::Path<RehearsalId>, sent: Sent) -> Result<HttpResponse, PageError> {
    app.write(move |tx| rehearsal::delete(tx, &sent.signed_in.actor, *id)).await?;
    Ok(see_other(HERE))
}
