//! `/anytime/agents` (contract 3.3): whether agents are there and take conversations.

use actix_web::{HttpResponse, get, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id;
use crate::app::App;
use crate::desk::agent;
use crate::desk::availability::{self, Availability, AvailabilityChange, Presence};
use crate::error::{Error, Result, shown};
use crate::ids::AgentId;
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json};

#[derive(Serialize, ToSchema)]
#[schema(as = AvailabilityAnswer)]
pub struct AvailabilityAnswer {
    agent: AvailabilityJson,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Availability)]
pub struct AvailabilityJson {
    id: i64,
    /// `online`, `away` or `offline`; offline after five minutes without an open console
    #[schema(example = "online")]
    status: &'static str,
    /// `available` where `status` is `online` and `isAcceptAllocation` is true; else `unavailable`
    #[schema(example = "available")]
    ticket_status: &'static str,
    /// Conversations that count against `maxConcurrentCount`
    ongoing_conversations: i64,
    /// 0 is no limit
    max_concurrent_count: i64,
    is_accept_allocation: bool,
}

impl From<Availability> for AvailabilityAnswer {
    fn from(found: Availability) -> Self {
        let agent = AvailabilityJson {
            id: found.agent_id.0,
            status: found.presence.name(),
            ticket_status: if found.is_available() { "available" } else { "unavailable" },
            ongoing_conversations: found.ongoing,
            max_concurrent_count: found.max_conversations,
            is_accept_allocation: found.is_accepting,
        };
        Self { agent }
    }
}

/// What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AvailabilityChange)]
pub struct AvailabilityInput {
    /// `online`, `away` or `offline`
    #[schema(example = "online")]
    status: Option<String>,
    /// Needs `manageAgentAndRoles`, also for oneself
    #[schema(minimum = 0, maximum = 100_000)]
    max_concurrent_count: Option<i64>,
    is_accept_allocation: Option<bool>,
}

impl Input for AvailabilityInput {
    const READ_ONLY: &'static [&'static str] = &["id", "ticketStatus", "ongoingConversations"];
}

impl AvailabilityInput {
    fn change(self) -> Result<AvailabilityChange> {
        let presence = self.status.map(|text| {
            Presence::parse(&text).ok_or_else(|| {
                let shown = shown(&text);
                Error::invalid("status", format!("must be 'online', 'away' or 'offline', not '{shown}'"))
            })
        });
        Ok(AvailabilityChange {
            presence: presence.transpose()?,
            is_accepting: self.is_accept_allocation,
            max_conversations: self.max_concurrent_count,
        })
    }
}

/// Whether an agent is there and takes conversations; `me` is the caller
#[utoipa::path(
    tag = "Agents",
    params(("id" = String, Path, description = "An agent's id, or `me`")),
    responses((status = 200, body = AvailabilityAnswer))
)]
#[get("/api/v3/anytime/agents/{id}")]
pub async fn get(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let (id, now) = (agent(&by, &path)?, app.now());
    let found = app.read(|s| {
        agent::require(s, id)?;
        availability::get(s, id, now)
    })?;
    Ok(HttpResponse::Ok().json(AvailabilityAnswer::from(found)))
}

/// Say whether an agent is there and takes conversations; `me` is the caller
#[utoipa::path(
    tag = "Agents",
    params(("id" = String, Path, description = "An agent's id, or `me`")),
    request_body = AvailabilityInput,
    responses((status = 200, body = AvailabilityAnswer), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/agents/{id}")]
pub async fn update(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<AvailabilityInput>,
) -> Result<HttpResponse, ApiError> {
    let id = agent(&by, &path)?;
    let change = body.0.change()?;
    let found = app.write(move |tx| {
        // A limit that comes back as it was read asks for nothing.
        let before = availability::get(tx, id, tx.now())?.max_conversations;
        let max_conversations = change.max_conversations.filter(|limit| *limit != before);
        availability::update(tx, &by.actor, id, &AvailabilityChange { max_conversations, ..change })
    });
    Ok(HttpResponse::Ok().json(AvailabilityAnswer::from(found.await?)))
}

fn agent(by: &Caller, path: &str) -> Result<AgentId, ApiError> {
    if path.eq_ignore_ascii_case("me") { Ok(by.agent_id) } else { id("agent", path) }
}
