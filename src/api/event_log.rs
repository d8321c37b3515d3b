//! `/anytime/conversations/{id}/eventLogs` (contract 11.12): a conversation's history in sentences.

use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Face, id};
use crate::app::App;
use crate::desk::event_log::{self, Entry};
use crate::error::Result;
use crate::ids::ConversationId;
use crate::time::Timestamp;
use crate::web::{ApiError, Caller};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EventLog)]
pub struct EventLogJson {
    id: i64,
    conversation_id: i64,
    #[schema(example = "Ann changed the status from new to closed")]
    text: String,
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    #[schema(example = "statusChanged")]
    kind: String,
    /// `agent`, `contact` or `system`
    actor_type: String,
    actor_id: Option<i64>,
}

impl From<Entry> for EventLogJson {
    fn from(entry: Entry) -> Self {
        Self {
            id: entry.id.0,
            conversation_id: entry.conversation_id.0,
            text: entry.text,
            time: entry.at,
            kind: entry.kind,
            actor_type: entry.actor_type,
            actor_id: entry.actor_id,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EventLogList)]
pub struct EventLogList {
    event_logs: Vec<EventLogJson>,
}

/// List what happened to a conversation, oldest first; of a deleted one, too
#[utoipa::path(
    tag = "Conversations",
    params(("id" = i64, Path)),
    responses((status = 200, body = EventLogList))
)]
#[get("/api/v3/anytime/conversations/{id}/eventLogs")]
pub async fn list(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    let entries = app.read(|s| event_log::of_conversation(s, &by.actor, id))?;
    Ok(Face::Anytime.wrap("eventLogs", entries.into_iter().map(EventLogJson::from).collect::<Vec<_>>()))
}
