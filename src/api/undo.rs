//! `…/messages/{messageId}/undo`, an extension: a mail taken back before it leaves.

use actix_web::{HttpResponse, post, web};

use super::Face;
use super::draft::{DraftAnswer, DraftJson};
use super::message::ids;
use crate::app::App;
use crate::desk::conversation::take_back;
use crate::error::Result;
use crate::web::error::ErrorBody;
use crate::web::{ApiError, Caller};

/// Take a mail back that has not left yet
///
/// Its message goes; text and files are the conversation's draft again, unless another draft was begun meanwhile: then
/// the text is among the draft's earlier versions. Always possible until `undoUntil` or `sendTime`.
#[utoipa::path(
    tag = "Messages",
    params(("id" = i64, Path), ("messageId" = i64, Path)),
    responses(
        (status = 200, body = DraftAnswer), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It has left, or is no mail of ours"),
    )
)]
#[post("/api/v3/anytime/conversations/{id}/messages/{messageId}/undo")]
pub async fn create(
    app: App,
    by: Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (conversation, message) = ids(&path)?;
    let draft = app.write(move |tx| take_back::take_back(tx, &by.actor, conversation, message)).await?;
    Ok(Face::Anytime.wrap("conversationDraft", draft.map(DraftJson::from)))
}
