//! `/anytime/notification` (contract 25.12): a stream of server-sent events for the calling agent.

use actix_web::{HttpRequest, HttpResponse, get};
use serde_json::json;

use crate::app::{App, LiveEvent};
use crate::db::Snapshot;
use crate::desk::notice::{self, Notice};
use crate::desk::{Actor, event};
use crate::error::Result;
use crate::web::live::{self, Listener};
use crate::web::{ApiError, Caller};

/// Follow what concerns the calling agent
///
/// A stream of server-sent events: `assignedToMe`, `mentioned`, `newReply`, `slaNear` and `slaBreached` (on a
/// conversation of mine) with `{"conversationId", "messageId", "time"}`; `countsChanged` with `{"time"}`, after which unread counts may be others.
/// Whoever sends the last id as `Last-Event-ID` gets what was missed; after too much of it, `resync` asks to load
/// everything again. Every 15 seconds without news a comment is sent.
#[utoipa::path(
    tag = "Changes",
    params(("Last-Event-ID" = Option<i64>, Header, description = "Id of the last event received")),
    responses((status = 200, content_type = "text/event-stream", body = String))
)]
#[get("/api/v3/anytime/notification")]
pub async fn stream(app: App, by: Caller, request: HttpRequest) -> Result<HttpResponse, ApiError> {
    Ok(live::stream(app, Listener { agent: by.agent_id, session: None }, &request, tell)?)
}

fn tell(s: &Snapshot<'_>, by: &Actor, news: &LiveEvent) -> Result<String> {
    let Some(event) = event::get(s, news.id)? else { return Ok(String::new()) };
    let mut told = Vec::new();
    for notice in notice::of(s, by, &event)? {
        let (name, message) = match notice {
            Notice::AssignedToMe => ("assignedToMe", None),
            Notice::Mentioned(message) => ("mentioned", Some(message)),
            Notice::NewReply(message) => ("newReply", Some(message)),
            Notice::SlaNear => ("slaNear", None),
            Notice::SlaBreached => ("slaBreached", None),
            Notice::CountsChanged => ("countsChanged", None),
        };
        let data = match notice {
            Notice::CountsChanged => json!({ "time": event.at }),
            _ => json!({ "conversationId": event.conversation_id, "messageId": message, "time": event.at }),
        };
        told.push((name, data));
    }
    Ok(live::frames(event.id, &told))
}
