//! `/cannedMessageCategories` (contract 8): the tree that canned messages are sorted into.

use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Face, id};
use crate::app::App;
use crate::desk::canned_message_category::{self, CannedMessageCategory, CannedMessageCategoryChange};
use crate::error::Result;
use crate::ids::CannedMessageCategoryId;
use crate::web::error::ErrorBody;
use crate::web::json::{Input, nullable};
use crate::web::{ApiError, Caller, Json};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CannedMessageCategory)]
pub struct CannedMessageCategoryJson {
    id: i64,
    #[schema(example = "Shipping")]
    name: String,
    /// 0 at the root
    parent_id: i64,
    /// Its creator's alone
    is_private: bool,
    created_by_id: Option<i64>,
}

impl From<CannedMessageCategory> for CannedMessageCategoryJson {
    fn from(category: CannedMessageCategory) -> Self {
        Self {
            id: category.id.0,
            name: category.name,
            parent_id: category.parent_id.map_or(0, |id| id.0),
            is_private: category.is_private,
            created_by_id: category.created_by_id.map(|id| id.0),
        }
    }
}

/// On creation `name` is required; on change what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CannedMessageCategoryInput)]
pub struct CannedMessageCategoryInput {
    /// At most 100 characters
    #[schema(example = "Shipping")]
    name: Option<String>,
    /// 0 and null mean the root
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>)]
    parent_id: Option<Option<i64>>,
    is_private: Option<bool>,
}

impl Input for CannedMessageCategoryInput {
    const READ_ONLY: &'static [&'static str] = &["id", "createdById"];
}

impl From<CannedMessageCategoryInput> for CannedMessageCategoryChange {
    fn from(input: CannedMessageCategoryInput) -> Self {
        Self {
            name: input.name,
            parent_id: input.parent_id.map(|id| id.filter(|id| *id != 0).map(CannedMessageCategoryId)),
            is_private: input.is_private,
        }
    }
}

/// List categories, by name: the public ones and your own
#[utoipa::path(
    tag = "Canned messages",
    responses((status = 200, body = Vec<CannedMessageCategoryJson>))
)]
#[get("/api/v3/cannedMessageCategories")]
pub async fn list(app: App, by: Caller, face: Face) -> Result<HttpResponse, ApiError> {
    let found = app.read(|s| canned_message_category::list(s, &by.actor))?;
    let found: Vec<_> = found.into_iter().map(CannedMessageCategoryJson::from).collect();
    Ok(face.wrap("cannedMessageCategories", found))
}

/// Get a category
#[utoipa::path(
    tag = "Canned messages",
    params(("id" = i64, Path)),
    responses((status = 200, body = CannedMessageCategoryJson))
)]
#[get("/api/v3/cannedMessageCategories/{id}")]
pub async fn get(
    app: App,
    by: Caller,
    face: Face,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id: CannedMessageCategoryId = id("canned message category", &path)?;
    let category = app.read(|s| canned_message_category::require(s, &by.actor, id))?;
    Ok(face.wrap("cannedMessageCategory", CannedMessageCategoryJson::from(category)))
}

/// Create a category
#[utoipa::path(
    tag = "Canned messages",
    request_body = CannedMessageCategoryInput,
    responses((status = 201, body = CannedMessageCategoryJson), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/cannedMessageCategories")]
pub async fn create(
    app: App,
    by: Caller,
    face: Face,
    body: Json<CannedMessageCategoryInput>,
) -> Result<HttpResponse, ApiError> {
    let new = body.0.into();
    let category = app.write(move |tx| canned_message_category::create(tx, &by.actor, &new)).await?;
    let location = format!("/api/v3/cannedMessageCategories/{}", category.id);
    Ok(face.created("cannedMessageCategory", &location, CannedMessageCategoryJson::from(category)))
}

/// Change a category
#[utoipa::path(
    tag = "Canned messages",
    params(("id" = i64, Path)),
    request_body = CannedMessageCategoryInput,
    responses(
        (status = 200, body = CannedMessageCategoryJson), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It holds what is public or somebody else's"),
    )
)]
#[put("/api/v3/cannedMessageCategories/{id}")]
pub async fn update(
    app: App,
    by: Caller,
    face: Face,
    path: web::Path<String>,
    body: Json<CannedMessageCategoryInput>,
) -> Result<HttpResponse, ApiError> {
    let id: CannedMessageCategoryId = id("canned message category", &path)?;
    let change = body.0.into();
    let category = app.write(move |tx| canned_message_category::update(tx, &by.actor, id, &change)).await?;
    Ok(face.wrap("cannedMessageCategory", CannedMessageCategoryJson::from(category)))
}

/// Delete a category; what it holds moves up
#[utoipa::path(
    tag = "Canned messages",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[delete("/api/v3/cannedMessageCategories/{id}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: CannedMessageCategoryId = id("canned message category", &path)?;
    app.write(move |tx| canned_message_category::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
