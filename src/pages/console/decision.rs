//! `/console/conversations/{id}/why`: why things happened by themselves, or did not. The side panel of a conversation
//! takes the part of it (`?part`); alone it is a page.

use actix_web::{HttpResponse, Responder, get, web};
use askama::Template;

use super::Layout;
use crate::app::App;
use crate::desk::conversation;
use crate::desk::decision::{self, Why};
use crate::ids::ConversationId;
use crate::pages::when::Zone;
use crate::time::Timestamp;
use crate::web::{Page, PageError, Query, SignedIn, filters};

#[derive(Template)]
#[template(path = "console/decisions.html")]
struct Show {
    layout: Layout,
    zone: Zone,
    id: ConversationId,
    subject: String,
    decisions: Vec<Why>,
    gone_before: Option<Timestamp>,
}

#[derive(Template)]
#[template(path = "partials/decisions.html")]
struct Part {
    zone: Zone,
    decisions: Vec<Why>,
    /// Older ones are no longer kept; `None` for a conversation that is younger.
    gone_before: Option<Timestamp>,
}

#[get("/console/conversations/{id:\\d+}/why")]
pub async fn show(
    app: App,
    signed_in: SignedIn,
    id: web::Path<ConversationId>,
    query: Query,
    request: actix_web::HttpRequest,
) -> Result<HttpResponse, PageError> {
    let (layout, subject, mut decisions, gone_before) = app.read(|s| {
        let about = conversation::require(s, &signed_in.actor, *id)?;
        let decisions = decision::explain(s, decision::of_conversation(s, about.id)?)?;
        let kept_since = decision::kept_since(s, app.now())?;
        let gone_before = Some(kept_since).filter(|since| about.created_at < *since);
        Ok((Layout::new(s, &signed_in, "")?, about.subject, decisions, gone_before))
    })?;
    decisions.reverse();
    let zone = Zone::of_agent(&signed_in);
    if query.text("part")?.is_some() {
        return Ok(Page(Part { zone, decisions, gone_before }).respond_to(&request).map_into_boxed_body());
    }
    let page = Show { layout, zone, id: *id, subject, decisions, gone_before };
    Ok(Page(page).respond_to(&request).map_into_boxed_body())
}
