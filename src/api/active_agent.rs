//! `/anytime/conversations/{id}/activedAgents` (contract 25.7; the documents' spelling): who has a conversation open.
//! Reading it is the contract's; saying that oneself has it open is an extension.

use actix_web::{HttpResponse, delete, get, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Face, id};
use crate::app::App;
use crate::desk::conversation::presence::{self, Presence};
use crate::error::Result;
use crate::ids::ConversationId;
use crate::time::Timestamp;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ActiveAgent)]
pub struct ActiveAgentJson {
    agent_id: i64,
    display_name: String,
    /// Whether the agent is writing an answer
    is_writing: bool,
    #[schema(value_type = String, format = DateTime)]
    last_seen_time: Timestamp,
}

impl From<Presence> for ActiveAgentJson {
    fn from(presence: Presence) -> Self {
        Self {
            agent_id: presence.agent_id.0,
            display_name: presence.name,
            is_writing: presence.is_writing,
            last_seen_time: presence.seen_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ActiveAgentList)]
pub struct ActiveAgentList {
    actived_agents: Vec<ActiveAgentJson>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ActiveAgentInput)]
pub struct ActiveAgentInput {
    #[serde(default)]
    is_writing: bool,
}

impl Input for ActiveAgentInput {}

fn answer(found: Vec<Presence>) -> HttpResponse {
    Face::Anytime.wrap("activedAgents", found.into_iter().map(ActiveAgentJson::from).collect::<Vec<_>>())
}

/// List the agents who have a conversation open
#[utoipa::path(
    tag = "Conversations",
    params(("id" = i64, Path)),
    responses((status = 200, body = ActiveAgentList))
)]
#[get("/api/v3/anytime/conversations/{id}/activedAgents")]
pub async fn list(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    Ok(answer(app.read(|s| presence::list(s, &by.actor, id, app.now()))?))
}

/// Say that the caller has a conversation open, and get who else has
///
/// To be repeated every 15 seconds; after 45 seconds without, the caller counts as gone.
#[utoipa::path(
    tag = "Conversations",
    params(("id" = i64, Path)),
    request_body = ActiveAgentInput,
    responses((status = 200, body = ActiveAgentList))
)]
#[put("/api/v3/anytime/conversations/{id}/activedAgents")]
pub async fn enter(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<ActiveAgentInput>,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    let (actor, is_writing) = (by.actor.clone(), body.0.is_writing);
    if app.read(|s| presence::wants_beat(s, by.agent_id, id, is_writing, app.now()))? {
        app.write(move |tx| presence::beat(tx, &actor, id, is_writing)).await?;
    }
    Ok(answer(app.read(|s| presence::list(s, &by.actor, id, app.now()))?))
}

/// Say that the caller closed a conversation
#[utoipa::path(
    tag = "Conversations",
    params(("id" = i64, Path)),
    responses((status = 204))
)]
#[delete("/api/v3/anytime/conversations/{id}/activedAgents")]
pub async fn leave(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    app.write(move |tx| presence::leave(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
