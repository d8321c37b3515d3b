//! `/departments` (contract 5), also below `/anytime`: groups of agents that conversations are assigned to.

use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Face, id};
use crate::app::App;
use crate::db::Snapshot;
use crate::desk::Permission;
use crate::desk::department::{self, Department, DepartmentChange, Member};
use crate::error::{Error, Result, shown};
use crate::ids::{AgentId, DepartmentId, RoleId};
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json};

#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Department)]
pub struct DepartmentJson {
    id: i64,
    #[schema(example = "Billing")]
    name: String,
    description: String,
    /// False hides it where conversations are assigned
    is_available_in_ticketing_and_messaging: bool,
    /// Ids of the agents who are members themselves
    agents: Vec<i64>,
    /// Ids of the roles whose agents are members
    roles: Vec<i64>,
    /// Not in lists
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    members: Option<Vec<MemberJson>>,
}

#[derive(Clone, Serialize, ToSchema)]
#[schema(as = DepartmentMember)]
pub struct MemberJson {
    id: i64,
    name: String,
    /// `agent`, or `group` for a role
    #[serde(rename = "type")]
    #[schema(example = "agent")]
    kind: &'static str,
}

impl From<Department> for DepartmentJson {
    /// Without members, as in lists.
    fn from(department: Department) -> Self {
        Self {
            id: department.id.0,
            name: department.name,
            description: department.description,
            is_available_in_ticketing_and_messaging: department.is_available,
            agents: department.agents.into_iter().map(|agent| agent.0).collect(),
            roles: department.roles.into_iter().map(|role| role.0).collect(),
            members: None,
        }
    }
}

impl From<Member> for MemberJson {
    fn from(member: Member) -> Self {
        Self { id: member.id, name: member.name, kind: member.kind }
    }
}

impl DepartmentJson {
    fn with_members(s: &Snapshot<'_>, department: Department) -> Result<Self> {
        let members = department::members(s, department.id)?.into_iter().map(MemberJson::from).collect();
        Ok(Self { members: Some(members), ..department.into() })
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DepartmentInput)]
pub struct DepartmentInput {
    /// Unique, whatever the case; at most 100 characters
    #[schema(example = "Billing")]
    name: String,
    description: Option<String>,
    /// True unless given
    is_available_in_ticketing_and_messaging: Option<bool>,
    agents: Option<Vec<i64>>,
    roles: Option<Vec<i64>>,
    /// In place of `agents` and `roles`
    members: Option<Vec<MemberInput>>,
}

impl Input for DepartmentInput {
    const READ_ONLY: &'static [&'static str] = &["id"];
}

/// A member by id and type
#[derive(Deserialize, ToSchema)]
#[schema(as = DepartmentMemberInput)]
pub struct MemberInput {
    id: i64,
    #[serde(rename = "name")]
    _name: Option<String>,
    /// `agent`, or `group` for a role
    #[serde(rename = "type")]
    #[schema(example = "agent")]
    kind: String,
}

/// What is left out stays as it is; `agents`, `roles` and `members` replace the whole set.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DepartmentChange)]
pub struct DepartmentChangeInput {
    name: Option<String>,
    description: Option<String>,
    is_available_in_ticketing_and_messaging: Option<bool>,
    agents: Option<Vec<i64>>,
    roles: Option<Vec<i64>>,
    /// In place of `agents` and `roles`; beside them, what differs from what there is counts
    members: Option<Vec<MemberInput>>,
}

impl Input for DepartmentChangeInput {
    const READ_ONLY: &'static [&'static str] = &["id"];
}

impl From<DepartmentInput> for DepartmentChangeInput {
    fn from(input: DepartmentInput) -> Self {
        Self {
            name: Some(input.name),
            description: input.description,
            is_available_in_ticketing_and_messaging: input.is_available_in_ticketing_and_messaging,
            agents: input.agents,
            roles: input.roles,
            members: input.members,
        }
    }
}

/// Agents and roles.
type Members = (Vec<i64>, Vec<i64>);

impl DepartmentChangeInput {
    /// `now` are the agents and roles that the department has.
    fn change(self, now: Members) -> Result<DepartmentChange> {
        let listed = self.members.map(members).transpose()?;
        let named = (self.agents, self.roles);
        let (agents, roles) = match (listed, named) {
            (Some(listed), (None, None)) => (Some(listed.0), Some(listed.1)),
            // An answer that is sent back has both: one of the two was changed.
            (Some(listed), (agents, roles)) => {
                let now = sorted(now);
                let named = (agents.unwrap_or_else(|| now.0.clone()), roles.unwrap_or_else(|| now.1.clone()));
                let (listed, named) = (sorted(listed), sorted(named));
                let wanted = match (listed == now, named == now) {
                    (true, _) => named,
                    (false, true) => listed,
                    (false, false) if listed == named => named,
                    (false, false) => {
                        let message = "say something else than 'agents' and 'roles'; send one of the two";
                        return Err(Error::invalid("members", message));
                    }
                };
                (Some(wanted.0), Some(wanted.1))
            }
            (None, named) => named,
        };
        Ok(DepartmentChange {
            name: self.name,
            description: self.description,
            is_available: self.is_available_in_ticketing_and_messaging,
            agents: agents.map(|ids| ids.into_iter().map(AgentId).collect()),
            roles: roles.map(|ids| ids.into_iter().map(RoleId).collect()),
        })
    }
}

fn members(listed: Vec<MemberInput>) -> Result<Members> {
    let (mut agents, mut roles) = (Vec::new(), Vec::new());
    for (position, member) in listed.into_iter().enumerate() {
        match member.kind.trim().to_ascii_lowercase().as_str() {
            "agent" => agents.push(member.id),
            "group" | "role" => roles.push(member.id),
            _ => {
                let message = format!("must be 'agent' or 'group', not '{}'", shown(&member.kind));
                return Err(Error::invalid(format!("members[{position}].type"), message));
            }
        }
    }
    Ok((agents, roles))
}

fn sorted((mut agents, mut roles): Members) -> Members {
    for ids in [&mut agents, &mut roles] {
        ids.sort_unstable();
        ids.dedup();
    }
    (agents, roles)
}

/// List departments, without their members
#[utoipa::path(
    tag = "Departments",
    responses((status = 200, body = Vec<DepartmentJson>))
)]
#[get("/api/v3/departments")]
pub async fn list(app: App, _by: Caller, face: Face) -> Result<HttpResponse, ApiError> {
    let departments = app.read(department::list)?;
    Ok(face.wrap("departments", departments.into_iter().map(DepartmentJson::from).collect::<Vec<_>>()))
}

/// Get a department with its members
#[utoipa::path(
    tag = "Departments",
    params(("id" = i64, Path)),
    responses((status = 200, body = DepartmentJson))
)]
#[get("/api/v3/departments/{id}")]
pub async fn get(
    app: App,
    _by: Caller,
    face: Face,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id: DepartmentId = id("department", &path)?;
    let department = app.read(|s| DepartmentJson::with_members(s, department::require(s, id)?))?;
    Ok(face.wrap("department", department))
}

/// Create a department
#[utoipa::path(
    tag = "Departments",
    request_body = DepartmentInput,
    responses((status = 201, body = DepartmentJson), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/departments")]
pub async fn create(
    app: App,
    by: Caller,
    face: Face,
    body: Json<DepartmentInput>,
) -> Result<HttpResponse, ApiError> {
    let new = DepartmentChangeInput::from(body.0).change((Vec::new(), Vec::new()))?;
    let department = app
        .write(move |tx| DepartmentJson::with_members(tx, department::create(tx, &by.actor, &new)?))
        .await?;
    Ok(face.created("department", &format!("/api/v3/departments/{}", department.id), department))
}

/// Change a department
#[utoipa::path(
    tag = "Departments",
    params(("id" = i64, Path)),
    request_body = DepartmentChangeInput,
    responses(
        (status = 200, body = DepartmentJson), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/departments/{id}")]
pub async fn update(
    app: App,
    by: Caller,
    face: Face,
    path: web::Path<String>,
    body: Json<DepartmentChangeInput>,
) -> Result<HttpResponse, ApiError> {
    let id: DepartmentId = id("department", &path)?;
    let department = app
        .write(move |tx| {
            by.actor.require(Permission::ManageDepartments)?;
            let now = department::require(tx, id)?;
            let ids = (now.agents.iter().map(|id| id.0).collect(), now.roles.iter().map(|id| id.0).collect());
            let change = body.0.change(ids)?;
            DepartmentJson::with_members(tx, department::update(tx, &by.actor, id, &change)?)
        })
        .await?;
    Ok(face.wrap("department", department))
}

/// Delete a department; its conversations stay, without one
#[utoipa::path(
    tag = "Departments",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody))
)]
#[delete("/api/v3/departments/{id}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: DepartmentId = id("department", &path)?;
    app.write(move |tx| department::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
