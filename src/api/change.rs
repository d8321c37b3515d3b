//! `/anytime/changes`: what happened to conversations, for programs that keep a copy of their own. Beyond the documents.

use actix_web::{HttpResponse, get};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::App;
use crate::desk::change;
use crate::desk::event::{self, Event};
use crate::ids::EventId;
use crate::time::Timestamp;
use crate::web::{ApiError, Caller, Query};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Change)]
pub struct ChangeJson {
    /// Grows; a conversation's ETag is the id of its last change
    id: i64,
    conversation_id: i64,
    /// `created`, `received`, `replied`, `noted`, `statusChanged`, `assigneeChanged`, `updated`, `deleted`, `restored`,
    /// `erased` (gone for good) and others
    #[schema(example = "statusChanged")]
    kind: String,
    /// What the kind has to tell: for example oldStatus and newStatus, or messageId
    #[schema(value_type = Object)]
    detail: Value,
    /// `agent`, `contact` or `system`
    actor_type: String,
    actor_id: Option<i64>,
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
}

impl From<Event> for ChangeJson {
    fn from(event: Event) -> Self {
        Self {
            id: event.id.0,
            conversation_id: event.conversation_id.0,
            kind: event.kind,
            detail: event.detail,
            actor_type: event.actor_type,
            actor_id: event.actor_id,
            time: event.at,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ChangeList)]
pub struct ChangeList {
    changes: Vec<ChangeJson>,
    /// Send it as `since` the next time; it stays good for ever
    next_since: i64,
    /// Whether there is more to ask for at once
    has_more: bool,
}

const LIMIT: i64 = 100;
const LONGEST: i64 = 500;

/// List what changed since the last time
///
/// Changes of the conversations that the caller may see, oldest first. Ask again with `nextSince` until `hasMore` is
/// false; each change comes exactly once. A list may be empty while there is more. Of a conversation that was deleted
/// permanently nothing but one change of the kind `erased` remains, which everybody is told.
#[utoipa::path(
    tag = "Changes",
    params(
        ("since" = Option<String>, Query, description = "nextSince of the last answer; default 0: from the beginning; now: from the end", example = "0"),
        ("limit" = Option<i64>, Query, description = "Default 100", minimum = 1, maximum = 500),
    ),
    responses((status = 200, body = ChangeList))
)]
#[get("/api/v3/anytime/changes")]
pub async fn list(app: App, by: Caller, query: Query) -> Result<HttpResponse, ApiError> {
    let since = query.value("since", "a number from 0, or now", |text| match text {
        "now" => Some(None),
        number => number.parse().ok().filter(|since| 0 <= *since).map(Some),
    })?;
    let limit = query.value("limit", "a whole number from 1 to 500", |text| {
        text.parse().ok().filter(|limit| (1..=LONGEST).contains(limit))
    })?;
    let found = app.read(|s| {
        let since = match since.unwrap_or(Some(0)) {
            Some(since) => EventId(since),
            None => event::last_id(s)?,
        };
        change::after(s, &by.actor, since, limit.unwrap_or(LIMIT))
    })?;
    Ok(HttpResponse::Ok().json(ChangeList {
        changes: found.events.into_iter().map(ChangeJson::from).collect(),
        next_since: found.next.0,
        has_more: found.has_more,
    }))
}
