//! `/anytime/conversations/{id}/merge` (contract 11.10).

use actix_web::{HttpResponse, post, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::conversation::{ConversationAnswer, face};
use super::{Face, id};
use crate::app::App;
use crate::desk::conversation::merge as merging;
use crate::error::{Error, Result};
use crate::ids::ConversationId;
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MergeInput)]
pub struct MergeInput {
    /// The conversation that is absorbed
    #[schema(example = 2)]
    source_id: Option<i64>,
    /// The same by the name that an earlier document gave it
    id: Option<i64>,
}

impl Input for MergeInput {}

impl MergeInput {
    fn check(self) -> Result<ConversationId> {
        match (self.source_id, self.id) {
            (Some(source), Some(other)) if source != other => {
                Err(Error::invalid("sourceId", format!("is {source}, but 'id' is {other}")))
            }
            (Some(source), _) | (None, Some(source)) => Ok(ConversationId(source)),
            (None, None) => Err(Error::invalid("sourceId", "is required")),
        }
    }
}

/// Merge another conversation into this one
///
/// Messages, files, tags and mentions of the source move here; the source ends closed and deleted, and later mail of its
/// thread comes here. This cannot be undone. Doing it again changes nothing.
#[utoipa::path(
    tag = "Conversations",
    params(("id" = i64, Path, description = "The target, which keeps its properties")),
    request_body = MergeInput,
    responses(
        (status = 200, body = ConversationAnswer), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "One of the two was merged into a third"),
    )
)]
#[post("/api/v3/anytime/conversations/{id}/merge")]
pub async fn merge(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<MergeInput>,
) -> Result<HttpResponse, ApiError> {
    let target: ConversationId = id("conversation", &path)?;
    let source = body.0.check()?;
    let now = app.now();
    let merged = app
        .write(move |tx| {
            let merged = merging::merge(tx, &by.actor, target, source)?;
            face(tx, &by.actor, now, merged, &[])
        })
        .await?;
    Ok(Face::Anytime.wrap("conversation", merged))
}
