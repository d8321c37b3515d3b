//! Signs of life of an open console page: who looks, who writes, and that the agent is there at all.

use actix_web::{HttpResponse, post};
use askama::Template;

use super::settings::Sent;
use crate::app::App;
use crate::desk::availability;
use crate::desk::conversation::presence::{self, Presence};
use crate::error::Result;
use crate::ids::ConversationId;
use crate::web::{Page, PageError, filters};

/// Who else has the conversation open.
#[derive(Template)]
#[template(path = "console/presence.html")]
struct Others {
    others: Vec<Presence>,
}

/// Every page says this now and then; with a `conversation` also that it is open, and whether its agent is `writing`.
#[post("/console/beat")]
pub async fn beat(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, agent, now) = (sent.signed_in.actor.clone(), sent.signed_in.agent.id, app.now());
    let open = sent.fields.text("conversation").parse().ok().map(ConversationId);
    if app.read(|s| availability::wants_heartbeat(s, agent, now))? {
        app.write(move |tx| availability::heartbeat(tx, agent)).await?;
    }
    let Some(id) = open else { return Ok(HttpResponse::NoContent().finish()) };
    let is_writing = sent.fields.is_checked("writing");
    if sent.fields.is_checked("leaving") {
        app.write(move |tx| presence::leave(tx, &by, id)).await?;
        return Ok(HttpResponse::NoContent().finish());
    }
    if app.read(|s| presence::wants_beat(s, agent, id, is_writing, now))? {
        let by = by.clone();
        app.write(move |tx| presence::beat(tx, &by, id, is_writing)).await?;
    }
    let mut others = app.read(|s| presence::list(s, &by, id, now))?;
    others.retain(|present| present.agent_id != agent);
    Ok(Page(Others { others }).with_status(actix_web::http::StatusCode::OK))
}
