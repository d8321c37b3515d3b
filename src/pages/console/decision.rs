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
use crate::web::{Page, PageError, Query, SignedIn, filters};

#[derive(Template)]
#[template(path = "console/decisions.html")]
struct Show {
    layout: Layout,
    zone: Zone,
    id: ConversationId,
    subject: String,
    decisions: Vec<Why>,
}

#[derive(Template)]
#[template(path = "partials/decisions.html")]
struct Part {
    zone: Zone,
    decisions: Vec<Why>,
}

#[get("/console/conversations/{id:\\d+}/why")]
pub async fn show(
    app: App,
    signed_in: SignedIn,
    id: web::Path<ConversationId>,
    query: Query,
    request: actix_web::HttpRequest,
) -> Result<HttpResponse, PageError> {
    let (layout, subject, mut decisions) = app.read(|s| {
        let about = conversation::require(s, &signed_in.actor, *id)?;
        let decisions = decision::explain(s, decision::of_conversation(s, about.id)?)?;
        Ok((Layout::new(s, &signed_in, "")?, about.subject, decisions))
    })?;
    decisions.reverse();
    let zone = Zone::of_agent(&signed_in);
    if query.text("part")?.is_some() {
        return Ok(Page(Part { zone, decisions }).respond_to(&request).map_into_boxed_body());
    }
    let page = Show { layout, zone, id: *id, subject, decisions };
    Ok(Page(page).respond_to(&request).map_into_boxed_body())
}
