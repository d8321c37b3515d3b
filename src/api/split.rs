//! Messages that are in the wrong conversation, an extension: `…/{id}/split` and `…/{id}/messages/{messageId}/move`.

use actix_web::{HttpResponse, post, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::conversation::{ConversationAnswer, face};
use super::message::{MessageAnswer, ids, with_files};
use super::{Face, id};
use crate::app::App;
use crate::desk::conversation::split;
use crate::error::Result;
use crate::ids::{ConversationId, MessageId};
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SplitInput)]
pub struct SplitInput {
    /// Messages of this conversation; at least one must stay
    #[schema(example = json!([1]))]
    message_ids: Vec<i64>,
    /// Default: the first message's, else this conversation's
    subject: Option<String>,
}

impl Input for SplitInput {}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MoveInput)]
pub struct MoveInput {
    /// The conversation that the message belongs to
    #[schema(example = 2)]
    target_id: i64,
}

impl Input for MoveInput {}

/// Split messages off into a new conversation
///
/// They keep id, time and sender. The new conversation has the properties of this one; its contact is whoever wrote the
/// first message.
#[utoipa::path(
    tag = "Conversations",
    params(("id" = i64, Path)),
    request_body = SplitInput,
    responses(
        (status = 201, body = ConversationAnswer), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Nothing would be left, or it is deleted"),
    )
)]
#[post("/api/v3/anytime/conversations/{id}/split")]
pub async fn create(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<SplitInput>,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    let messages: Vec<MessageId> = body.0.message_ids.into_iter().map(MessageId).collect();
    let (subject, now) = (body.0.subject, app.now());
    let (new, answer) = app
        .write(move |tx| {
            let new = split::split(tx, &by.actor, id, &messages, subject.as_deref())?;
            Ok((new.id, face(tx, &by.actor, now, new, &[])?))
        })
        .await?;
    Ok(Face::Anytime.created("conversation", &format!("/api/v3/anytime/conversations/{new}"), answer))
}

/// Move a message to another conversation
#[utoipa::path(
    tag = "Messages",
    params(("id" = i64, Path), ("messageId" = i64, Path)),
    request_body = MoveInput,
    responses(
        (status = 200, body = MessageAnswer), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "Nothing would be left, or one of the two is deleted"),
    )
)]
#[post("/api/v3/anytime/conversations/{id}/messages/{messageId}/move")]
pub async fn move_message(
    app: App,
    by: Caller,
    path: web::Path<(String, String)>,
    body: Json<MoveInput>,
) -> Result<HttpResponse, ApiError> {
    let (conversation, message) = ids(&path)?;
    let target = ConversationId(body.0.target_id);
    let moved = app
        .write(move |tx| with_files(tx, split::move_message(tx, &by.actor, conversation, message, target)?))
        .await?;
    Ok(Face::Anytime.wrap("message", moved))
}
