//! `/oauthClients` (contract 2.2): programs that agents let act for them. For administrators.

use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id;
use crate::app::App;
use crate::desk::oauth_client::{self, OauthClient, OauthClientChange};
use crate::error::Result;
use crate::ids::{AgentId, OauthClientId};
use crate::time::Timestamp;
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json};

#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OAuthClient)]
pub struct OauthClientJson {
    id: i64,
    /// Shown where an agent is asked to consent
    #[schema(example = "Time sheets")]
    client_name: String,
    description: String,
    /// Shown where an agent is asked to consent
    company: String,
    client_id: String,
    /// Where codes may be sent, by commas
    #[schema(example = "https://app.example.com/callback")]
    redirect_urls: String,
    /// Whom the client acts as when it asks in its own name
    agent_id: i64,
    #[schema(value_type = String, format = DateTime)]
    created_time: Timestamp,
    /// Shown this once
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    client_secret: Option<String>,
}

impl From<OauthClient> for OauthClientJson {
    fn from(client: OauthClient) -> Self {
        Self {
            id: client.id.0,
            client_name: client.name,
            description: client.description,
            company: client.company,
            client_id: client.client_id,
            redirect_urls: client.redirect_urls.join(","),
            agent_id: client.agent_id.0,
            created_time: client.created_at,
            client_secret: None,
        }
    }
}

#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OAuthClientSecret)]
pub struct SecretJson {
    /// Shown this once
    client_secret: String,
}

const READ_ONLY: &[&str] = &["id", "clientId", "clientSecret", "createdTime"];

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OAuthClientInput)]
pub struct OauthClientInput {
    /// At most 100 characters
    #[schema(example = "Time sheets")]
    client_name: String,
    description: Option<String>,
    company: Option<String>,
    /// By commas; https, or http to the same machine
    #[schema(example = "https://app.example.com/callback")]
    redirect_urls: Option<String>,
    /// The caller unless given
    agent_id: Option<i64>,
}

impl Input for OauthClientInput {
    const READ_ONLY: &'static [&'static str] = READ_ONLY;
}

/// What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OAuthClientChange)]
pub struct OauthClientChangeInput {
    client_name: Option<String>,
    description: Option<String>,
    company: Option<String>,
    /// By commas; https, or http to the same machine
    #[schema(example = "https://app.example.com/callback")]
    redirect_urls: Option<String>,
    agent_id: Option<i64>,
}

impl Input for OauthClientChangeInput {
    const READ_ONLY: &'static [&'static str] = READ_ONLY;
}

impl From<OauthClientInput> for OauthClientChange {
    fn from(input: OauthClientInput) -> Self {
        let OauthClientInput { client_name, description, company, redirect_urls, agent_id } = input;
        let client_name = Some(client_name);
        OauthClientChangeInput { client_name, description, company, redirect_urls, agent_id }.into()
    }
}

impl From<OauthClientChangeInput> for OauthClientChange {
    fn from(input: OauthClientChangeInput) -> Self {
        Self {
            name: input.client_name,
            description: input.description,
            company: input.company,
            redirect_urls: input.redirect_urls.map(|urls| urls.split(',').map(str::to_owned).collect()),
            agent: input.agent_id.map(AgentId),
        }
    }
}

/// List OAuth clients
#[utoipa::path(
    tag = "Security",
    responses((status = 200, body = Vec<OauthClientJson>), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/oauthClients")]
pub async fn list(app: App, by: Caller) -> Result<HttpResponse, ApiError> {
    let clients = app.read(|s| oauth_client::list(s, &by.actor))?;
    Ok(HttpResponse::Ok().json(clients.into_iter().map(OauthClientJson::from).collect::<Vec<_>>()))
}

/// Get an OAuth client
#[utoipa::path(
    tag = "Security",
    params(("id" = i64, Path)),
    responses((status = 200, body = OauthClientJson), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/oauthClients/{id}")]
pub async fn get(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: OauthClientId = id("OAuth client", &path)?;
    let client = app.read(|s| oauth_client::view(s, &by.actor, id))?;
    Ok(HttpResponse::Ok().json(OauthClientJson::from(client)))
}

/// Create an OAuth client; its secret is shown this once
#[utoipa::path(
    tag = "Security",
    request_body = OauthClientInput,
    responses((status = 201, body = OauthClientJson), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/oauthClients")]
pub async fn create(app: App, by: Caller, body: Json<OauthClientInput>) -> Result<HttpResponse, ApiError> {
    let new = body.0.into();
    let (client, secret) = app.write(move |tx| oauth_client::create(tx, &by.actor, &new)).await?;
    let location = format!("/api/v3/oauthClients/{}", client.id);
    let client = OauthClientJson { client_secret: Some(secret), ..client.into() };
    Ok(HttpResponse::Created().insert_header(("Location", location)).json(client))
}

/// Change an OAuth client
#[utoipa::path(
    tag = "Security",
    params(("id" = i64, Path)),
    request_body = OauthClientChangeInput,
    responses((status = 200, body = OauthClientJson), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/oauthClients/{id}")]
pub async fn update(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<OauthClientChangeInput>,
) -> Result<HttpResponse, ApiError> {
    let id: OauthClientId = id("OAuth client", &path)?;
    let change = body.0.into();
    let client = app.write(move |tx| oauth_client::update(tx, &by.actor, id, &change)).await?;
    Ok(HttpResponse::Ok().json(OauthClientJson::from(client)))
}

/// Make a new secret for an OAuth client; the old one ends
#[utoipa::path(
    tag = "Security",
    params(("id" = i64, Path)),
    responses((status = 201, body = SecretJson), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/oauthClients/{id}/secret")]
pub async fn rotate_secret(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: OauthClientId = id("OAuth client", &path)?;
    let client_secret = app.write(move |tx| oauth_client::rotate_secret(tx, &by.actor, id)).await?;
    Ok(HttpResponse::Created().json(SecretJson { client_secret }))
}

/// Delete an OAuth client; its tokens end with it
#[utoipa::path(
    tag = "Security",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[delete("/api/v3/oauthClients/{id}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: OauthClientId = id("OAuth client", &path)?;
    app.write(move |tx| oauth_client::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
