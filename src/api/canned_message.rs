//! `/cannedMessages` (contract 8): texts that agents insert. `canned_response` is the other face of the same store.

use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::conversation::code;
use super::{Face, id};
use crate::app::App;
use crate::desk::canned_message::{
    self, CannedMessage, CannedMessageChange, CannedMessageQuery, ChannelType,
};
use crate::error::{Problems, Result};
use crate::ids::{CannedMessageCategoryId, CannedMessageId};
use crate::web::error::ErrorBody;
use crate::web::json::{Input, nullable};
use crate::web::{ApiError, Caller, Json, Query};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CannedMessage)]
pub struct CannedMessageJson {
    id: i64,
    #[schema(example = "Greeting")]
    name: String,
    /// Plain text
    #[schema(example = "Hello, how can we help?")]
    message: String,
    /// What an agent types to find it
    shortcuts: String,
    /// 0 for none
    category_id: i64,
    /// Its creator's alone
    is_private: bool,
    /// `default` or `email`
    #[schema(example = "default")]
    channel_type: &'static str,
    /// Sanitised; empty where `message` serves
    email_html_message: String,
    email_text_message: String,
    created_by_id: Option<i64>,
}

impl From<CannedMessage> for CannedMessageJson {
    fn from(message: CannedMessage) -> Self {
        Self {
            id: message.id.0,
            name: message.name,
            message: message.message,
            shortcuts: message.shortcuts,
            category_id: message.category_id.map_or(0, |id| id.0),
            is_private: message.is_private,
            channel_type: message.channel_type.name(),
            email_html_message: message.email_html,
            email_text_message: message.email_text,
            created_by_id: message.created_by_id.map(|id| id.0),
        }
    }
}

/// On creation `name` and `message` are required; on change what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CannedMessageInput)]
pub struct CannedMessageInput {
    /// At most 200 characters
    #[schema(example = "Greeting")]
    name: Option<String>,
    /// Plain text, at most 20,000 characters
    #[schema(example = "Hello, how can we help?")]
    message: Option<String>,
    /// At most 50 characters on one line
    shortcuts: Option<String>,
    /// 0 and null mean none
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>)]
    category_id: Option<Option<i64>>,
    is_private: Option<bool>,
    /// `default` or `email`
    #[schema(example = "default")]
    channel_type: Option<String>,
    email_html_message: Option<String>,
    email_text_message: Option<String>,
}

impl Input for CannedMessageInput {
    const READ_ONLY: &'static [&'static str] = &["id", "createdById"];
}

impl CannedMessageInput {
    fn check(self) -> Result<CannedMessageChange> {
        let mut problems = Problems::default();
        let channel_type =
            code(&mut problems, "channelType", self.channel_type.as_deref(), ChannelType::parse);
        problems.check()?;
        let email_html = self
            .email_html_message
            .map(|html| canned_message::clean("emailHtmlMessage", &html))
            .transpose()?;
        Ok(CannedMessageChange {
            name: self.name,
            message: self.message,
            shortcuts: self.shortcuts,
            category_id: self.category_id.map(|id| id.filter(|id| *id != 0).map(CannedMessageCategoryId)),
            is_private: self.is_private,
            channel_type,
            email_html,
            email_text: self.email_text_message,
        })
    }
}

/// List canned messages, by name: the public ones and your own
#[utoipa::path(
    tag = "Canned messages",
    params(
        ("keywords" = Option<String>, Query, description = "In name, shortcuts and message"),
        ("categoryId" = Option<i64>, Query),
    ),
    responses((status = 200, body = Vec<CannedMessageJson>))
)]
#[get("/api/v3/cannedMessages")]
pub async fn list(app: App, by: Caller, face: Face, query: Query) -> Result<HttpResponse, ApiError> {
    let wanted = CannedMessageQuery {
        keywords: query.text("keywords")?.map(str::to_owned),
        category_id: query.integer("categoryId")?.filter(|id| *id != 0).map(CannedMessageCategoryId),
    };
    let found = app.read(|s| canned_message::list(s, &by.actor, &wanted))?;
    let found: Vec<_> = found.into_iter().map(CannedMessageJson::from).collect();
    Ok(face.wrap("cannedMessages", found))
}

/// Get a canned message
#[utoipa::path(
    tag = "Canned messages",
    params(("id" = i64, Path)),
    responses((status = 200, body = CannedMessageJson))
)]
#[get("/api/v3/cannedMessages/{id}")]
pub async fn get(
    app: App,
    by: Caller,
    face: Face,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id: CannedMessageId = id("canned message", &path)?;
    let message = app.read(|s| canned_message::require(s, &by.actor, id))?;
    Ok(face.wrap("cannedMessage", CannedMessageJson::from(message)))
}

/// Create a canned message
#[utoipa::path(
    tag = "Canned messages",
    request_body = CannedMessageInput,
    responses((status = 201, body = CannedMessageJson), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/cannedMessages")]
pub async fn create(
    app: App,
    by: Caller,
    face: Face,
    body: Json<CannedMessageInput>,
) -> Result<HttpResponse, ApiError> {
    let new = app.compute(move || body.0.check()).await??;
    let message = app.write(move |tx| canned_message::create(tx, &by.actor, &new)).await?;
    let location = format!("/api/v3/cannedMessages/{}", message.id);
    Ok(face.created("cannedMessage", &location, CannedMessageJson::from(message)))
}

/// Change a canned message
#[utoipa::path(
    tag = "Canned messages",
    params(("id" = i64, Path)),
    request_body = CannedMessageInput,
    responses((status = 200, body = CannedMessageJson), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/cannedMessages/{id}")]
pub async fn update(
    app: App,
    by: Caller,
    face: Face,
    path: web::Path<String>,
    body: Json<CannedMessageInput>,
) -> Result<HttpResponse, ApiError> {
    let id: CannedMessageId = id("canned message", &path)?;
    let change = app.compute(move || body.0.check()).await??;
    let message = app.write(move |tx| canned_message::update(tx, &by.actor, id, &change)).await?;
    Ok(face.wrap("cannedMessage", CannedMessageJson::from(message)))
}

/// Delete a canned message
#[utoipa::path(
    tag = "Canned messages",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[delete("/api/v3/cannedMessages/{id}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: CannedMessageId = id("canned message", &path)?;
    app.write(move |tx| canned_message::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
