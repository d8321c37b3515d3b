//! `/anytime/cannedResponses` (contract 8): canned messages as the older documents call and shape them.

use actix_web::http::header;
use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id;
use crate::app::App;
use crate::desk::canned_message::{self, CannedMessage, CannedMessageChange, CannedMessageQuery};
use crate::error::{Error, Result};
use crate::html;
use crate::ids::CannedMessageId;
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CannedResponse)]
pub struct CannedResponseJson {
    id: i64,
    #[schema(example = "Greeting")]
    name: String,
    /// Sanitised
    #[schema(example = "<p>Hello, how can we help?</p>")]
    html_content: String,
    #[schema(example = "Hello, how can we help?")]
    text_content: String,
    /// Its creator's alone (an addition)
    is_private: bool,
}

impl From<CannedMessage> for CannedResponseJson {
    fn from(message: CannedMessage) -> Self {
        Self {
            id: message.id.0,
            html_content: message.html(),
            text_content: message.text().to_owned(),
            name: message.name,
            is_private: message.is_private,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CannedResponseList)]
pub struct CannedResponseListJson {
    canned_responses: Vec<CannedResponseJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CannedResponseAnswer)]
pub struct CannedResponseAnswer {
    canned_response: CannedResponseJson,
}

impl From<CannedMessage> for CannedResponseAnswer {
    fn from(message: CannedMessage) -> Self {
        Self { canned_response: message.into() }
    }
}

/// On creation `name` and one of the contents are required; on change what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CannedResponseInput)]
pub struct CannedResponseInput {
    #[schema(example = "Greeting")]
    name: Option<String>,
    #[schema(example = "<p>Hello, how can we help?</p>")]
    html_content: Option<String>,
    /// Derived from the HTML unless given
    #[schema(example = "Hello, how can we help?")]
    text_content: Option<String>,
    is_private: Option<bool>,
}

impl Input for CannedResponseInput {
    const READ_ONLY: &'static [&'static str] = &["id"];
}

impl CannedResponseInput {
    fn check(self) -> Result<CannedMessageChange> {
        let email_html =
            self.html_content.map(|html| canned_message::clean("htmlContent", &html)).transpose()?;
        let text = self.text_content.or_else(|| email_html.as_deref().map(html::to_text));
        Ok(CannedMessageChange {
            name: self.name,
            message: text.clone(),
            is_private: self.is_private,
            email_html,
            email_text: text,
            ..CannedMessageChange::default()
        })
    }
}

/// The store calls the fields otherwise.
fn renamed(error: Error) -> Error {
    match error {
        Error::Invalid(mut problems) => {
            for problem in &mut problems {
                if ["message", "emailTextMessage"].contains(&problem.field.as_str()) {
                    "textContent".clone_into(&mut problem.field);
                }
            }
            Error::Invalid(problems)
        }
        Error::NotFound { id, .. } => Error::NotFound { noun: "canned response", id },
        other => other,
    }
}

/// List canned responses, by name: the public ones and your own
#[utoipa::path(
    tag = "Canned messages",
    responses((status = 200, body = CannedResponseListJson))
)]
#[get("/api/v3/anytime/cannedResponses")]
pub async fn list(app: App, by: Caller) -> Result<HttpResponse, ApiError> {
    let found = app.read(|s| canned_message::list(s, &by.actor, &CannedMessageQuery::default()))?;
    let canned_responses = found.into_iter().map(CannedResponseJson::from).collect();
    Ok(HttpResponse::Ok().json(CannedResponseListJson { canned_responses }))
}

/// Get a canned response
#[utoipa::path(
    tag = "Canned messages",
    params(("id" = i64, Path)),
    responses((status = 200, body = CannedResponseAnswer))
)]
#[get("/api/v3/anytime/cannedResponses/{id}")]
pub async fn get(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: CannedMessageId = id("canned response", &path)?;
    let message = app.read(|s| canned_message::require(s, &by.actor, id)).map_err(renamed)?;
    Ok(HttpResponse::Ok().json(CannedResponseAnswer::from(message)))
}

/// Create a canned response
#[utoipa::path(
    tag = "Canned messages",
    request_body = CannedResponseInput,
    responses((status = 201, body = CannedResponseAnswer), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/anytime/cannedResponses")]
pub async fn create(app: App, by: Caller, body: Json<CannedResponseInput>) -> Result<HttpResponse, ApiError> {
    let new = app.compute(move || body.0.check()).await??;
    let message = app.write(move |tx| canned_message::create(tx, &by.actor, &new)).await.map_err(renamed)?;
    let location = format!("/api/v3/anytime/cannedResponses/{}", message.id);
    let answer = CannedResponseAnswer::from(message);
    Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(answer))
}

/// Change a canned response
#[utoipa::path(
    tag = "Canned messages",
    params(("id" = i64, Path)),
    request_body = CannedResponseInput,
    responses((status = 200, body = CannedResponseAnswer), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/cannedResponses/{id}")]
pub async fn update(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<CannedResponseInput>,
) -> Result<HttpResponse, ApiError> {
    let id: CannedMessageId = id("canned response", &path)?;
    let change = app.compute(move || body.0.check()).await??;
    let message =
        app.write(move |tx| canned_message::update(tx, &by.actor, id, &change)).await.map_err(renamed)?;
    Ok(HttpResponse::Ok().json(CannedResponseAnswer::from(message)))
}

/// Delete a canned response
#[utoipa::path(
    tag = "Canned messages",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[delete("/api/v3/anytime/cannedResponses/{id}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: CannedMessageId = id("canned response", &path)?;
    app.write(move |tx| canned_message::delete(tx, &by.actor, id)).await.map_err(renamed)?;
    Ok(HttpResponse::NoContent().finish())
}
