//! `/webhooks/{id}/deliveries`, an addition to the contract: what a webhook was told, what came back, and telling it
//! again.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{Face, id};
use crate::app::App;
use crate::desk::webhook_delivery::{self, WebhookDelivery};
use crate::error::Result;
use crate::ids::{WebhookDeliveryId, WebhookId};
use crate::time::Timestamp;
use crate::web::error::ErrorBody;
use crate::web::paging::Links;
use crate::web::{ApiError, Caller, Query};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookDelivery)]
pub struct WebhookDeliveryJson {
    id: i64,
    webhook_id: i64,
    #[schema(example = "anytimeConversation.AgentReplied")]
    event: String,
    /// Also the header `webhook-id`; the same at every attempt
    event_id: String,
    #[schema(value_type = String, format = DateTime)]
    event_time: Timestamp,
    /// `queued`, `succeeded` or `failed`
    #[schema(example = "succeeded")]
    state: &'static str,
    attempts: i64,
    /// Null once it is finished
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt_time: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_attempt_time: Option<Timestamp>,
    is_test: bool,
    /// Of the last attempt
    #[schema(value_type = Object)]
    request_headers: Value,
    /// As it was or will be sent; empty until it is made
    request_body: String,
    response_status: Option<i64>,
    /// Its beginning
    response_body: String,
    /// Why the last attempt was no success
    error: Option<String>,
    /// How long the answer took, in milliseconds
    duration: Option<i64>,
    #[schema(value_type = String, format = DateTime)]
    created_time: Timestamp,
}

impl From<WebhookDelivery> for WebhookDeliveryJson {
    fn from(delivery: WebhookDelivery) -> Self {
        let is_queued = delivery.state == webhook_delivery::State::Queued;
        Self {
            id: delivery.id.0,
            webhook_id: delivery.webhook_id.0,
            event: delivery.event.full_name(),
            event_id: delivery.event_id,
            event_time: delivery.event_at,
            state: delivery.state.name(),
            attempts: delivery.attempts,
            next_attempt_time: is_queued.then_some(delivery.next_attempt_at),
            last_attempt_time: delivery.last_attempt_at,
            is_test: delivery.is_test,
            request_headers: serde_json::from_str(&delivery.request_headers)
                .unwrap_or_else(|_| Value::Object(serde_json::Map::new())),
            request_body: delivery.body,
            response_status: delivery.response_status,
            response_body: delivery.response_body,
            error: delivery.error,
            duration: delivery.took_millis,
            created_time: delivery.created_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = WebhookDeliveryList)]
pub struct WebhookDeliveryListJson {
    deliveries: Vec<WebhookDeliveryJson>,
    total: i64,
    #[serde(flatten)]
    links: Links,
}

/// List what a webhook was told, the newest first
#[utoipa::path(
    tag = "Webhooks",
    params(
        ("id" = i64, Path),
        ("pageIndex" = Option<i64>, Query, description = "From 1", minimum = 1),
        ("pageSize" = Option<i64>, Query, description = "50 unless given", minimum = 1, maximum = 50),
    ),
    responses((status = 200, body = WebhookDeliveryListJson), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/webhooks/{id}/deliveries")]
pub async fn list(
    app: App,
    by: Caller,
    query: Query,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let id: WebhookId = id("webhook", &path)?;
    let paging = query.paging()?;
    let page = app.scan(move |s| webhook_delivery::list(s, &by.actor, id, paging)).await?;
    Ok(HttpResponse::Ok().json(WebhookDeliveryListJson {
        deliveries: page.items.into_iter().map(WebhookDeliveryJson::from).collect(),
        total: page.total,
        links: Links::new(&request, &query, paging, page.total),
    }))
}

/// Get a delivery
#[utoipa::path(
    tag = "Webhooks",
    params(("id" = i64, Path), ("deliveryId" = i64, Path)),
    responses((status = 200, body = WebhookDeliveryJson), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/webhooks/{id}/deliveries/{deliveryId}")]
pub async fn get(
    app: App,
    by: Caller,
    face: Face,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (webhook, id) = ids(&path)?;
    let delivery = app.read(|s| webhook_delivery::require(s, &by.actor, webhook, id))?;
    Ok(face.wrap("delivery", WebhookDeliveryJson::from(delivery)))
}

/// Send a finished delivery again, with the same event id
#[utoipa::path(
    tag = "Webhooks",
    params(("id" = i64, Path), ("deliveryId" = i64, Path)),
    responses(
        (status = 200, body = WebhookDeliveryJson), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It is still queued"),
    )
)]
#[post("/api/v3/webhooks/{id}/deliveries/{deliveryId}/replay")]
pub async fn replay(
    app: App,
    by: Caller,
    face: Face,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (webhook, id) = ids(&path)?;
    let delivery = app.write(move |tx| webhook_delivery::replay(tx, &by.actor, webhook, id)).await?;
    Ok(face.wrap("delivery", WebhookDeliveryJson::from(delivery)))
}

fn ids((webhook, delivery): &(String, String)) -> Result<(WebhookId, WebhookDeliveryId), ApiError> {
    Ok((id("webhook", webhook)?, id("webhook delivery", delivery)?))
}
