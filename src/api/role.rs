//! `/roles` (contract 6.1): what several agents may do together.

use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id;
use crate::app::App;
use crate::desk::role::{self, Role, RoleChange};
use crate::error::Result;
use crate::ids::{AgentId, RoleId};
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json};

#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Role)]
pub struct RoleJson {
    id: i64,
    #[schema(example = "Team leads")]
    name: String,
    description: String,
    /// One of the two that cannot be renamed or deleted
    is_system: bool,
    /// Ids of the agents who have the role
    agents: Vec<i64>,
}

impl From<Role> for RoleJson {
    fn from(role: Role) -> Self {
        Self {
            id: role.id.0,
            name: role.name,
            description: role.description,
            is_system: role.is_system,
            agents: role.agents.into_iter().map(|agent| agent.0).collect(),
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[schema(as = RoleInput)]
pub struct RoleInput {
    /// Unique, whatever the case; at most 100 characters
    #[schema(example = "Team leads")]
    name: String,
    description: Option<String>,
    agents: Option<Vec<i64>>,
}

impl Input for RoleInput {
    const READ_ONLY: &'static [&'static str] = &["id", "isSystem"];
}

/// What is left out stays as it is; `agents` replaces the whole set.
#[derive(Deserialize, ToSchema)]
#[schema(as = RoleChange)]
pub struct RoleChangeInput {
    name: Option<String>,
    description: Option<String>,
    agents: Option<Vec<i64>>,
}

impl Input for RoleChangeInput {
    const READ_ONLY: &'static [&'static str] = &["id", "isSystem"];
}

impl From<RoleInput> for RoleChange {
    fn from(input: RoleInput) -> Self {
        let RoleInput { name, description, agents } = input;
        RoleChangeInput { name: Some(name), description, agents }.into()
    }
}

impl From<RoleChangeInput> for RoleChange {
    fn from(input: RoleChangeInput) -> Self {
        Self {
            name: input.name,
            description: input.description,
            agents: input.agents.map(|ids| ids.into_iter().map(AgentId).collect()),
        }
    }
}

/// List roles
#[utoipa::path(tag = "Roles", responses((status = 200, body = Vec<RoleJson>)))]
#[get("/api/v3/roles")]
pub async fn list(app: App, _by: Caller) -> Result<HttpResponse, ApiError> {
    let roles = app.read(role::list)?;
    Ok(HttpResponse::Ok().json(roles.into_iter().map(RoleJson::from).collect::<Vec<_>>()))
}

/// Get a role
#[utoipa::path(
    tag = "Roles",
    params(("id" = i64, Path)),
    responses((status = 200, body = RoleJson))
)]
#[get("/api/v3/roles/{id}")]
pub async fn get(app: App, _by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: RoleId = id("role", &path)?;
    let role = app.read(|s| role::require(s, id))?;
    Ok(HttpResponse::Ok().json(RoleJson::from(role)))
}

/// Create a role, which gives nothing yet
#[utoipa::path(
    tag = "Roles",
    request_body = RoleInput,
    responses((status = 201, body = RoleJson), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/roles")]
pub async fn create(app: App, by: Caller, body: Json<RoleInput>) -> Result<HttpResponse, ApiError> {
    let new = body.0.into();
    let role = app.write(move |tx| role::create(tx, &by.actor, &new)).await?;
    let location = format!("/api/v3/roles/{}", role.id);
    Ok(HttpResponse::Created().insert_header(("Location", location)).json(RoleJson::from(role)))
}

/// Change a role
#[utoipa::path(
    tag = "Roles",
    params(("id" = i64, Path)),
    request_body = RoleChangeInput,
    responses(
        (status = 200, body = RoleJson), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/roles/{id}")]
pub async fn update(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<RoleChangeInput>,
) -> Result<HttpResponse, ApiError> {
    let id: RoleId = id("role", &path)?;
    let change = body.0.into();
    let role = app.write(move |tx| role::update(tx, &by.actor, id, &change)).await?;
    Ok(HttpResponse::Ok().json(RoleJson::from(role)))
}

/// Delete a role: its agents lose what only it gave
#[utoipa::path(
    tag = "Roles",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody))
)]
#[delete("/api/v3/roles/{id}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: RoleId = id("role", &path)?;
    app.write(move |tx| role::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
