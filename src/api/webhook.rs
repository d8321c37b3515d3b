//! `/webhooks` (contract 10): which URL is told of which event. `isEnabled`, `secret`, `test` and the deliveries are
//! additions. The secret is shown once, in the answer that made it.

use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::webhook_delivery::WebhookDeliveryJson;
use super::{Face, id};
use crate::app::App;
use crate::desk::webhook::{self, Event, Webhook, WebhookChange};
use crate::error::{Error, Problems, Result, shown};
use crate::http::sign;
use crate::ids::WebhookId;
use crate::jobs;
use crate::time::Timestamp;
use crate::web::error::ErrorBody;
use crate::web::json::{Input, nullable};
use crate::web::{ApiError, Caller, Json};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Webhook)]
pub struct WebhookJson {
    id: i64,
    #[schema(example = "anytimeConversation.AgentReplied")]
    event: String,
    #[schema(example = "https://example.com/hook")]
    target_url: String,
    is_enabled: bool,
    /// Whether deliveries are signed
    has_secret: bool,
    /// How the last attempt went: `success` or `failed`; null before the first
    last_status: Option<&'static str>,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_attempt_time: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_time: Timestamp,
    /// Only in the answer that made it: what deliveries are signed with
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD")]
    secret: Option<String>,
}

impl From<Webhook> for WebhookJson {
    fn from(webhook: Webhook) -> Self {
        Self {
            id: webhook.id.0,
            event: webhook.event.full_name(),
            target_url: webhook.target_url,
            is_enabled: webhook.is_enabled,
            has_secret: webhook.has_secret,
            last_status: webhook.last_succeeded.map(|ok| if ok { "success" } else { "failed" }),
            last_attempt_time: webhook.last_attempt_at,
            created_time: webhook.created_at,
            secret: None,
        }
    }
}

/// On creation `event` and `targetUrl` are required; on change what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookInput)]
pub struct WebhookInput {
    /// `anytimeConversation.` and `Created`, `ReplyReceived`, `AgentReplied`, `AssigneeChanged`, `StatusChanged`,
    /// `StatusStays`, `Deleted`, `FileUploaded` or `SLABreached`; `ticket.` is accepted, too
    #[schema(example = "anytimeConversation.AgentReplied")]
    event: Option<String>,
    /// http or https, at a public address
    #[schema(example = "https://example.com/hook")]
    target_url: Option<String>,
    #[serde(alias = "isEnable", alias = "ifEnable")]
    is_enabled: Option<bool>,
    /// `whsec_` and base64 of 24 to 64 bytes. On creation one is made unless given; null means none
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    secret: Option<Option<String>>,
}

impl Input for WebhookInput {
    const READ_ONLY: &'static [&'static str] =
        &["id", "hasSecret", "lastStatus", "lastAttemptTime", "createdTime"];
}

fn event(text: &str) -> Option<Event> {
    let (family, name) = text.trim().split_once('.')?;
    let is_known = ["anytimeConversation", "ticket"].iter().any(|known| known.eq_ignore_ascii_case(family));
    Event::parse(name).filter(|_| is_known)
}

impl WebhookInput {
    fn check(self, app: &App) -> Result<WebhookChange> {
        let mut problems = Problems::default();
        let known = self.event.as_deref().and_then(event);
        if let (Some(text), None) = (&self.event, known) {
            let shown = shown(text);
            let names: Vec<String> = Event::ALL.iter().map(|event| event.full_name()).collect();
            problems.add("event", format!("must be one of {}, not '{shown}'", names.join(", ")));
        }
        if let Some(Err(problem)) = self.target_url.as_deref().map(|url| app.http().check(url)) {
            problems.add("targetUrl", problem);
        }
        let secret = match self.secret {
            Some(Some(text)) if !text.trim().is_empty() => {
                let checked = sign::check_secret(&text);
                problems.require(checked.is_some(), "secret", "must be whsec_ and base64 of 24 to 64 bytes");
                Some(checked)
            }
            Some(_) => Some(None),
            None => None,
        };
        problems.check()?;
        Ok(WebhookChange { event: known, target_url: self.target_url, is_enabled: self.is_enabled, secret })
    }
}

/// List webhooks
#[utoipa::path(
    tag = "Webhooks",
    responses((status = 200, body = Vec<WebhookJson>), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/webhooks")]
pub async fn list(app: App, by: Caller, face: Face) -> Result<HttpResponse, ApiError> {
    let found = app.read(|s| webhook::list(s, &by.actor))?;
    Ok(face.wrap("webhooks", found.into_iter().map(WebhookJson::from).collect::<Vec<_>>()))
}

/// Get a webhook
#[utoipa::path(
    tag = "Webhooks",
    params(("id" = i64, Path)),
    responses((status = 200, body = WebhookJson), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/webhooks/{id}")]
pub async fn get(
    app: App,
    by: Caller,
    face: Face,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id: WebhookId = id("webhook", &path)?;
    let webhook = app.read(|s| webhook::require(s, &by.actor, id))?;
    Ok(face.wrap("webhook", WebhookJson::from(webhook)))
}

/// Create a webhook; the answer shows its secret, this once
#[utoipa::path(
    tag = "Webhooks",
    request_body = WebhookInput,
    responses((status = 201, body = WebhookJson), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/webhooks")]
pub async fn create(
    app: App,
    by: Caller,
    face: Face,
    body: Json<WebhookInput>,
) -> Result<HttpResponse, ApiError> {
    let mut new = body.0.check(&app)?;
    if new.secret.is_none() {
        new.secret = Some(Some(sign::new_secret().map_err(Error::internal)?));
    }
    let (vault, secret) = (app.vault().clone(), new.secret.clone().flatten());
    let webhook = app.write(move |tx| webhook::create(tx, &by.actor, &vault, &new)).await?;
    let location = format!("/api/v3/webhooks/{}", webhook.id);
    Ok(face.created("webhook", &location, WebhookJson { secret, ..webhook.into() }))
}

/// Change a webhook
#[utoipa::path(
    tag = "Webhooks",
    params(("id" = i64, Path)),
    request_body = WebhookInput,
    responses((status = 200, body = WebhookJson), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/webhooks/{id}")]
pub async fn update(
    app: App,
    by: Caller,
    face: Face,
    path: web::Path<String>,
    body: Json<WebhookInput>,
) -> Result<HttpResponse, ApiError> {
    let id: WebhookId = id("webhook", &path)?;
    let (change, vault) = (body.0.check(&app)?, app.vault().clone());
    let webhook = app.write(move |tx| webhook::update(tx, &by.actor, &vault, id, &change)).await?;
    Ok(face.wrap("webhook", WebhookJson::from(webhook)))
}

/// Delete a webhook and its deliveries
#[utoipa::path(
    tag = "Webhooks",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[delete("/api/v3/webhooks/{id}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: WebhookId = id("webhook", &path)?;
    app.write(move |tx| webhook::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Make a new secret in place of the old one, and show it, this once
#[utoipa::path(
    tag = "Webhooks",
    params(("id" = i64, Path)),
    responses((status = 200, body = WebhookJson), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/webhooks/{id}/secret")]
pub async fn rotate_secret(
    app: App,
    by: Caller,
    face: Face,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id: WebhookId = id("webhook", &path)?;
    let secret = Some(sign::new_secret().map_err(Error::internal)?);
    let change = WebhookChange { secret: Some(secret.clone()), ..WebhookChange::default() };
    let vault = app.vault().clone();
    let webhook = app.write(move |tx| webhook::update(tx, &by.actor, &vault, id, &change)).await?;
    Ok(face.wrap("webhook", WebhookJson { secret, ..webhook.into() }))
}

#[derive(Serialize, ToSchema)]
#[schema(as = WebhookTest)]
pub struct TestAnswer {
    delivery: WebhookDeliveryJson,
}

/// Send a delivery that says nothing happened, once, and tell how it went
#[utoipa::path(
    tag = "Webhooks",
    params(("id" = i64, Path)),
    responses((status = 200, body = TestAnswer), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/webhooks/{id}/test")]
pub async fn test(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: WebhookId = id("webhook", &path)?;
    let delivery = jobs::try_webhook(&app, &by.actor, id).await?;
    Ok(HttpResponse::Ok().json(TestAnswer { delivery: delivery.into() }))
}
