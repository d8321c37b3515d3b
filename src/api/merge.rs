//! `/anytime/conversations/{id}/merge` (contract 11.10).

use actix_web::{HttpResponse, post, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::conversation::{ConversationAnswer, changing, face};
use super::{Face, id};
use crate::app::App;
use crate::desk::conversation::merge as merging;
use crate::error::{Error, Result};
use crate::ids::ConversationId;
use crate::web::error::ErrorBody;
use crate::web::etag::{IfMatch, with_etag};
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MergeInput)]
pub struct MergeInput {
    /// The conversation that is absorbed
    #[schema(example = 2)]
    source_id: Option<i64>,
    /// The target, as in the path; without `sourceId` the source, as an earlier document has it
    id: Option<i64>,
}

impl Input for MergeInput {}

impl MergeInput {
    fn check(self, target: ConversationId) -> Result<ConversationId> {
        match (self.source_id, self.id) {
            (Some(_), Some(id)) if id != target.0 => {
                Err(Error::invalid("id", format!("is {id}, but the path names {target} as the target")))
            }
            (Some(source), _) | (None, Some(source)) => Ok(ConversationId(source)),
            (None, None) => Err(Error::invalid("sourceId", "is required")),
        }
    }
}

/// Merge another conversation into this one
///
/// Messages, files, tags and mentions of the source move here; the source ends closed and deleted, and later mail of its
/// thread comes here. This cannot be undone.
#[utoipa::path(
    tag = "Conversations",
    params(("id" = i64, Path, description = "The target, which keeps its properties")),
    request_body = MergeInput,
    responses(
        (status = 200, body = ConversationAnswer), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "One of the two was merged already"),
        (status = 412, body = ErrorBody, description = "The target was changed meanwhile: If-Match does not match"),
    )
)]
#[post("/api/v3/anytime/conversations/{id}/merge")]
pub async fn merge(
    app: App,
    by: Caller,
    path: web::Path<String>,
    if_match: IfMatch,
    body: Json<MergeInput>,
) -> Result<HttpResponse, ApiError> {
    let target: ConversationId = id("conversation", &path)?;
    let source = body.0.check(target)?;
    let now = app.now();
    let (merged, version) = changing(&app, if_match, by.actor, target, move |tx, by| {
        let merged = merging::merge(tx, by, target, source)?;
        face(tx, by, now, merged, &[])
    })
    .await?;
    Ok(with_etag(Face::Anytime.wrap("conversation", merged), version))
}
