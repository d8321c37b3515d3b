//! `/tags` (contract 7): the resource that every other one is modelled on.

use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Face, id};
use crate::app::App;
use crate::desk::tag::{self, Tag};
use crate::ids::TagId;
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Tag)]
pub struct TagJson {
    id: i64,
    #[schema(example = "refund")]
    name: String,
    /// Conversations that carry the tag, deleted ones left out
    conversation_count: i64,
}

impl From<Tag> for TagJson {
    fn from(tag: Tag) -> Self {
        Self { id: tag.id.0, name: tag.name, conversation_count: tag.conversation_count }
    }
}

#[derive(Deserialize, ToSchema)]
#[schema(as = TagInput)]
pub struct TagInput {
    /// Unique, whatever the case; at most 100 characters
    #[schema(example = "refund")]
    name: String,
}

impl Input for TagInput {
    const READ_ONLY: &'static [&'static str] = &["id", "conversationCount"];
}

/// List tags
#[utoipa::path(tag = "Tags", responses((status = 200, body = Vec<TagJson>)))]
#[get("/api/v3/tags")]
pub async fn list(app: App, _by: Caller, face: Face) -> Result<HttpResponse, ApiError> {
    let tags = app.read(tag::list)?;
    Ok(face.wrap("tags", tags.into_iter().map(TagJson::from).collect::<Vec<_>>()))
}

/// Get a tag
#[utoipa::path(
    tag = "Tags",
    params(("id" = i64, Path)),
    responses((status = 200, body = TagJson))
)]
#[get("/api/v3/tags/{id}")]
pub async fn get(
    app: App,
    _by: Caller,
    face: Face,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id: TagId = id("tag", &path)?;
    let tag = app.read(|s| tag::require(s, id))?;
    Ok(face.wrap("tag", TagJson::from(tag)))
}

/// Create a tag
#[utoipa::path(
    tag = "Tags",
    request_body = TagInput,
    responses((status = 201, body = TagJson), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/tags")]
pub async fn create(
    app: App,
    by: Caller,
    face: Face,
    body: Json<TagInput>,
) -> Result<HttpResponse, ApiError> {
    let tag = app.write(move |tx| tag::create(tx, &by.actor, &body.0.name)).await?;
    Ok(face.created("tag", &format!("/api/v3/tags/{}", tag.id), TagJson::from(tag)))
}

/// Rename a tag
#[utoipa::path(
    tag = "Tags",
    params(("id" = i64, Path)),
    request_body = TagInput,
    responses(
        (status = 200, body = TagJson), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/tags/{id}")]
pub async fn update(
    app: App,
    by: Caller,
    face: Face,
    path: web::Path<String>,
    body: Json<TagInput>,
) -> Result<HttpResponse, ApiError> {
    let id: TagId = id("tag", &path)?;
    let tag = app.write(move |tx| tag::rename(tx, &by.actor, id, &body.0.name)).await?;
    Ok(face.wrap("tag", TagJson::from(tag)))
}

/// Delete a tag and take it off every conversation
#[utoipa::path(
    tag = "Tags",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[delete("/api/v3/tags/{id}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: TagId = id("tag", &path)?;
    app.write(move |tx| tag::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
