//! `/agents` (contract 3): the people who answer, their passwords and API keys.

use actix_web::{HttpRequest, HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::department::DepartmentJson;
use super::id;
use super::permission::PermissionsJson;
use super::role::RoleJson;
use crate::app::App;
use crate::db::Snapshot;
use crate::desk::agent::{self, Agent, AgentChange};
use crate::desk::{Permission, api_key, department, permission, role};
use crate::error::Result;
use crate::ids::{AgentId, DepartmentId, RoleId};
use crate::time::{self, Timestamp};
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::paging::Links;
use crate::web::{ApiError, Caller, Json, Query, client, password};

#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Agent)]
pub struct AgentJson {
    id: i64,
    #[schema(example = "ann@example.com")]
    email: String,
    display_name: String,
    first_name: String,
    last_name: String,
    title: String,
    bio: String,
    /// Below the agent's mails; sanitised HTML
    signature: String,
    mobile_phone: String,
    /// IANA name; the site's unless they have one of their own
    time_zone: String,
    #[schema(example = "MM/dd/yyyy HH:mm:ss")]
    date_time_format: String,
    roles: Vec<i64>,
    departments: Vec<i64>,
    /// An administrator owns every permission
    is_admin: bool,
    /// An inactive agent cannot sign in and cannot be assigned
    is_active: bool,
    /// Set by failed sign-ins, for a while
    is_locked: bool,
    available_channels: Vec<String>,
    avatar_url: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_time: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_login_time: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    locked_time: Option<Timestamp>,
    /// With `include=department`
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    department: Option<Vec<DepartmentJson>>,
    /// With `include=role`
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    role: Option<Vec<RoleJson>>,
    /// With `include=permission`, for who may see it: what the agent may do by roles or by own permissions
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    permission: Option<PermissionsJson>,
}

impl AgentJson {
    /// An agent as it is at `now`: a lock ends by itself.
    pub fn new(agent: Agent, now: Timestamp) -> Self {
        let is_locked = agent.is_locked(now);
        Self {
            id: agent.id.0,
            email: agent.email,
            display_name: agent.display_name,
            first_name: agent.first_name,
            last_name: agent.last_name,
            title: agent.title,
            bio: agent.bio,
            signature: agent.signature,
            mobile_phone: agent.mobile_phone,
            time_zone: agent.effective_time_zone,
            date_time_format: agent.date_time_format,
            roles: agent.roles.into_iter().map(|role| role.0).collect(),
            departments: agent.departments.into_iter().map(|department| department.0).collect(),
            is_admin: agent.is_admin,
            is_active: agent.is_active,
            is_locked,
            available_channels: Vec::new(),
            avatar_url: None,
            created_time: agent.created_at,
            last_login_time: agent.last_sign_in_at,
            locked_time: agent.locked_at.filter(|_| is_locked),
            department: None,
            role: None,
            permission: None,
        }
    }

    /// Adds the objects that `includes` names beside their ids.
    fn with(mut self, s: &Snapshot<'_>, by: &Caller, includes: &[String]) -> Result<Self> {
        let asks = |name: &str| includes.iter().any(|include| include == name);
        if asks("department") {
            let found = self.departments.iter().map(|id| department::get(s, DepartmentId(*id)));
            let found = found.collect::<Result<Vec<_>>>()?;
            self.department = Some(found.into_iter().flatten().map(DepartmentJson::from).collect());
        }
        if asks("role") {
            let found = self.roles.iter().map(|id| role::get(s, RoleId(*id))).collect::<Result<Vec<_>>>()?;
            self.role = Some(found.into_iter().flatten().map(RoleJson::from).collect());
        }
        let is_open = by.agent_id.0 == self.id || by.actor.require(Permission::ManageAgents).is_ok();
        if asks("permission") && is_open {
            self.permission = Some(PermissionsJson::of(permission::effective(s, AgentId(self.id))?));
        }
        Ok(self)
    }
}

#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AgentList)]
pub struct AgentListJson {
    agents: Vec<AgentJson>,
    total: i64,
    #[serde(flatten)]
    links: Links,
}

const READ_ONLY: &[&str] = &[
    "id",
    "isLocked",
    "availableChannels",
    "avatarUrl",
    "createdTime",
    "lastLoginTime",
    "lockedTime",
    "department",
    "role",
    "permission",
];

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AgentInput)]
pub struct AgentInput {
    /// Unique, whatever the case
    #[schema(example = "ann@example.com")]
    email: String,
    first_name: String,
    last_name: String,
    /// First and last name where it is left out
    display_name: Option<String>,
    title: Option<String>,
    bio: Option<String>,
    /// HTML below the agent's mails
    signature: Option<String>,
    mobile_phone: Option<String>,
    /// IANA name; Windows names are understood
    #[schema(example = "Europe/London")]
    time_zone: Option<String>,
    /// A date in one of six orders, then ` HH:mm:ss`
    #[schema(example = "MM/dd/yyyy HH:mm:ss")]
    date_time_format: Option<String>,
    roles: Option<Vec<i64>>,
    departments: Option<Vec<i64>>,
    is_admin: Option<bool>,
    is_active: Option<bool>,
    /// Without one the agent can use the API, but not sign in to the console
    #[schema(format = Password, min_length = 12, write_only)]
    password: Option<String>,
}

impl Input for AgentInput {
    const READ_ONLY: &'static [&'static str] = READ_ONLY;
}

/// What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AgentChange)]
pub struct AgentChangeInput {
    #[schema(example = "ann@example.com")]
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    display_name: Option<String>,
    title: Option<String>,
    bio: Option<String>,
    /// HTML below the agent's mails
    signature: Option<String>,
    mobile_phone: Option<String>,
    /// IANA name; Windows names are understood
    #[schema(example = "Europe/London")]
    time_zone: Option<String>,
    /// A date in one of six orders, then ` HH:mm:ss`
    #[schema(example = "MM/dd/yyyy HH:mm:ss")]
    date_time_format: Option<String>,
    roles: Option<Vec<i64>>,
    departments: Option<Vec<i64>>,
    is_admin: Option<bool>,
    is_active: Option<bool>,
}

impl Input for AgentChangeInput {
    const READ_ONLY: &'static [&'static str] = READ_ONLY;
}

impl From<AgentChangeInput> for AgentChange {
    fn from(input: AgentChangeInput) -> Self {
        Self {
            email: input.email,
            display_name: input.display_name,
            first_name: input.first_name,
            last_name: input.last_name,
            title: input.title,
            bio: input.bio,
            signature: input.signature,
            mobile_phone: input.mobile_phone,
            time_zone: input.time_zone.map(|name| time::zone(&name).unwrap_or(name)),
            date_time_format: input.date_time_format,
            is_admin: input.is_admin,
            is_active: input.is_active,
            roles: input.roles.map(|ids| ids.into_iter().map(RoleId).collect()),
            departments: input.departments.map(|ids| ids.into_iter().map(DepartmentId).collect()),
        }
    }
}

impl AgentInput {
    /// What `create` takes, and the password.
    fn split(self) -> (AgentChange, Option<String>) {
        let change = AgentChangeInput {
            email: Some(self.email),
            first_name: Some(self.first_name),
            last_name: Some(self.last_name),
            display_name: self.display_name,
            title: self.title,
            bio: self.bio,
            signature: self.signature,
            mobile_phone: self.mobile_phone,
            time_zone: self.time_zone,
            date_time_format: self.date_time_format,
            roles: self.roles,
            departments: self.departments,
            is_admin: self.is_admin,
            is_active: self.is_active,
        };
        (change.into(), self.password)
    }
}

#[derive(Deserialize, ToSchema)]
#[schema(as = PasswordInput)]
pub struct PasswordInput {
    #[schema(format = Password, min_length = 12)]
    password: String,
}

impl Input for PasswordInput {}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MyPasswordInput)]
pub struct MyPasswordInput {
    #[schema(format = Password)]
    current_password: String,
    #[schema(format = Password, min_length = 12)]
    new_password: String,
}

impl Input for MyPasswordInput {}

#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey)]
pub struct ApiKeyJson {
    /// Shown this once
    api_key: String,
    /// By which the key is recognised later
    last_four: String,
}

/// List agents
#[utoipa::path(
    tag = "Agents",
    params(
        ("keywords" = Option<String>, Query, description = "In display name or e-mail address"),
        ("include" = Option<String>, Query, description = "Any of `department`, `role`, `permission`, by commas"),
        ("pageIndex" = Option<i64>, Query, description = "From 1", minimum = 1),
        ("pageSize" = Option<i64>, Query, description = "50 unless given", minimum = 1, maximum = 50),
    ),
    responses((status = 200, body = AgentListJson))
)]
#[get("/api/v3/agents")]
pub async fn list(
    app: App,
    by: Caller,
    query: Query,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let (keywords, paging, includes) = (query.text("keywords")?, query.paging()?, query.includes());
    let now = app.now();
    let (agents, total) = app.read(|s| {
        let page = agent::list(s, keywords, paging)?;
        let agents = page.items.into_iter().map(|agent| AgentJson::new(agent, now).with(s, &by, &includes));
        Ok((agents.collect::<Result<Vec<_>>>()?, page.total))
    })?;
    let links = Links::new(&request, &query, paging, total);
    Ok(HttpResponse::Ok().json(AgentListJson { agents, total, links }))
}

/// Get the calling agent
#[utoipa::path(
    tag = "Agents",
    params(("include" = Option<String>, Query, description = "Any of `department`, `role`, `permission`, by commas")),
    responses((status = 200, body = AgentJson))
)]
#[get("/api/v3/agents/me")]
pub async fn me(app: App, by: Caller, query: Query) -> Result<HttpResponse, ApiError> {
    show(&app, &by, by.agent_id, &query)
}

/// Get an agent
#[utoipa::path(
    tag = "Agents",
    params(
        ("id" = i64, Path),
        ("include" = Option<String>, Query, description = "Any of `department`, `role`, `permission`, by commas"),
    ),
    responses((status = 200, body = AgentJson))
)]
#[get("/api/v3/agents/{id}")]
pub async fn get(
    app: App,
    by: Caller,
    path: web::Path<String>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    let id: AgentId = id("agent", &path)?;
    show(&app, &by, id, &query)
}

fn show(app: &App, by: &Caller, id: AgentId, query: &Query) -> Result<HttpResponse, ApiError> {
    let (now, includes) = (app.now(), query.includes());
    let agent = app.read(|s| AgentJson::new(agent::require(s, id)?, now).with(s, by, &includes))?;
    Ok(HttpResponse::Ok().json(agent))
}

/// Create an agent
#[utoipa::path(
    tag = "Agents",
    request_body = AgentInput,
    responses((status = 201, body = AgentJson), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/agents")]
pub async fn create(app: App, by: Caller, body: Json<AgentInput>) -> Result<HttpResponse, ApiError> {
    // Asked before the costly hash.
    by.actor.require(Permission::ManageAgents)?;
    let (new, password) = body.0.split();
    let hash = match password {
        None => None,
        Some(text) => {
            let names = [&new.email, &new.display_name, &new.first_name, &new.last_name];
            let own_words: Vec<&str> = names.into_iter().flatten().map(String::as_str).collect();
            Some(password::hash_first(&app, "password", &text, &own_words).await?)
        }
    };
    let agent = app.write(move |tx| agent::create(tx, &by.actor, &new, hash.as_deref())).await?;
    let location = format!("/api/v3/agents/{}", agent.id);
    Ok(HttpResponse::Created().insert_header(("Location", location)).json(AgentJson::new(agent, app.now())))
}

/// Change the calling agent's own profile
#[utoipa::path(
    tag = "Agents",
    request_body = AgentChangeInput,
    responses(
        (status = 200, body = AgentJson), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/agents/me")]
pub async fn update_me(app: App, by: Caller, body: Json<AgentChangeInput>) -> Result<HttpResponse, ApiError> {
    let id = by.agent_id;
    change(&app, by, id, body.0).await
}

/// Change an agent
#[utoipa::path(
    tag = "Agents",
    params(("id" = i64, Path)),
    request_body = AgentChangeInput,
    responses(
        (status = 200, body = AgentJson), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/agents/{id}")]
pub async fn update(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<AgentChangeInput>,
) -> Result<HttpResponse, ApiError> {
    let id: AgentId = id("agent", &path)?;
    change(&app, by, id, body.0).await
}

async fn change(
    app: &App,
    by: Caller,
    id: AgentId,
    input: AgentChangeInput,
) -> Result<HttpResponse, ApiError> {
    let change = AgentChange::from(input);
    let agent = app.write(move |tx| agent::update(tx, &by.actor, id, &change)).await?;
    Ok(HttpResponse::Ok().json(AgentJson::new(agent, app.now())))
}

/// Delete an agent: history keeps the name, open conversations become unassigned
#[utoipa::path(
    tag = "Agents",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody))
)]
#[delete("/api/v3/agents/{id}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: AgentId = id("agent", &path)?;
    app.write(move |tx| agent::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Change one's own password; every other session ends
#[utoipa::path(
    tag = "Agents",
    request_body = MyPasswordInput,
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/agents/me/password")]
pub async fn set_my_password(
    app: App,
    by: Caller,
    request: HttpRequest,
    body: Json<MyPasswordInput>,
) -> Result<HttpResponse, ApiError> {
    by.actor.require(Permission::ManageMyProfile)?;
    let MyPasswordInput { current_password, new_password } = body.0;
    let (id, address) = (by.agent_id, client::address(&request, &app));
    let agent = app.read(|s| agent::require(s, id))?;
    password::confirm(&app, &agent, "currentPassword", &current_password, address).await?;
    let hash = password::hash_next(&app, &agent, "newPassword", &new_password).await?;
    store_password(&app, by, id, hash).await
}

/// Set another agent's password; the agent's sessions end
#[utoipa::path(
    tag = "Agents",
    params(("id" = i64, Path)),
    request_body = PasswordInput,
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/agents/{id}/password")]
pub async fn set_password(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<PasswordInput>,
) -> Result<HttpResponse, ApiError> {
    // Also for one's own id: without the permission the current password is needed.
    by.actor.require(Permission::ManageAgents)?;
    let id: AgentId = id("agent", &path)?;
    let agent = app.read(|s| agent::require(s, id))?;
    let hash = password::hash_next(&app, &agent, "password", &body.0.password).await?;
    store_password(&app, by, id, hash).await
}

async fn store_password(app: &App, by: Caller, id: AgentId, hash: String) -> Result<HttpResponse, ApiError> {
    app.write(move |tx| agent::set_password(tx, &by.actor, id, &hash, None)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Let a locked-out agent sign in again
#[utoipa::path(
    tag = "Agents",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/agents/{id}/unlock")]
pub async fn unlock(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: AgentId = id("agent", &path)?;
    app.write(move |tx| agent::unlock(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Make a new API key for the calling agent; the old one ends
#[utoipa::path(tag = "Agents", responses((status = 201, body = ApiKeyJson)))]
#[post("/api/v3/agents/me/apiKey")]
pub async fn rotate_my_key(app: App, by: Caller) -> Result<HttpResponse, ApiError> {
    let id = by.agent_id;
    rotate(&app, by, id).await
}

/// Make a new API key for an agent; the old one ends
#[utoipa::path(
    tag = "Agents",
    params(("id" = i64, Path)),
    responses((status = 201, body = ApiKeyJson), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/agents/{id}/apiKey")]
pub async fn rotate_key(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: AgentId = id("agent", &path)?;
    rotate(&app, by, id).await
}

async fn rotate(app: &App, by: Caller, id: AgentId) -> Result<HttpResponse, ApiError> {
    let api_key = app.write(move |tx| api_key::rotate(tx, &by.actor, id)).await?;
    let last_four = api_key[api_key.len() - 4..].to_owned();
    let location = format!("/api/v3/agents/{id}");
    Ok(HttpResponse::Created().insert_header(("Location", location)).json(ApiKeyJson { api_key, last_four }))
}
