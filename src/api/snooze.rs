//! `/anytime/conversations/{id}/snooze`, an extension: putting a conversation aside until a time or a reply.

use actix_web::{HttpResponse, delete, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::conversation::{ConversationAnswer, face};
use super::forward::time;
use super::{Face, id};
use crate::app::App;
use crate::desk::conversation::snooze::{self, Snooze};
use crate::error::Result;
use crate::ids::ConversationId;
use crate::time::Timestamp;
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json};

/// While a conversation is put aside.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Snooze)]
pub struct SnoozeJson {
    /// Null waits for the contact alone
    #[schema(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    snoozed_by_id: i64,
    #[schema(value_type = String, format = DateTime)]
    snoozed_time: Timestamp,
}

impl From<Snooze> for SnoozeJson {
    fn from(snooze: Snooze) -> Self {
        Self { until: snooze.until, snoozed_by_id: snooze.by.0, snoozed_time: snooze.at }
    }
}

#[derive(Deserialize, ToSchema)]
#[schema(as = SnoozeInput)]
pub struct SnoozeInput {
    /// ISO-8601; null or absent waits for the contact alone
    #[schema(example = "2030-01-07T08:00:00Z")]
    until: Option<String>,
}

impl Input for SnoozeInput {}

/// Put a conversation aside until a time, or until its contact writes, whichever comes first
///
/// When the time comes it is unread again.
#[utoipa::path(
    tag = "Conversations",
    params(("id" = i64, Path)),
    request_body = SnoozeInput,
    responses(
        (status = 200, body = ConversationAnswer), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/anytime/conversations/{id}/snooze")]
pub async fn update(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<SnoozeInput>,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    let until = body.0.until.as_deref().map(|text| time("until", text)).transpose()?;
    let now = app.now();
    let conversation = app
        .write(move |tx| {
            let conversation = snooze::snooze(tx, &by.actor, id, until)?;
            face(tx, &by.actor, now, conversation, &[])
        })
        .await?;
    Ok(Face::Anytime.wrap("conversation", conversation))
}

/// Bring a conversation back that was put aside
#[utoipa::path(
    tag = "Conversations",
    params(("id" = i64, Path)),
    responses(
        (status = 204), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It was not put aside, or is deleted"),
    )
)]
#[delete("/api/v3/anytime/conversations/{id}/snooze")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    app.write(move |tx| snooze::wake(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
