//! Permission maps (contract 6.2): of roles, of agents, and what an agent may do by both. Keyed by product; a
//! permission that both products have is one.

use actix_web::{HttpResponse, get, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id;
use crate::app::App;
use crate::desk::permission::PermissionSet;
use crate::desk::{Permission, agent_permission, permission, role};
use crate::error::Result;
use crate::ids::{AgentId, RoleId};
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json};

/// A product's permissions: as answers carry them, and as changes name some of them.
macro_rules! product {
    ($json:ident as $schema:ident, $input:ident as $input_schema:ident {
        $($field:ident = $permission:ident $(or $alias:literal)?),+ $(,)?
    }) => {
        #[derive(Clone, Serialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        #[schema(as = $schema)]
        pub struct $json { $($field: bool),+ }

        impl $json {
            fn of(set: PermissionSet) -> Self {
                Self { $($field: set.contains(Permission::$permission)),+ }
            }
        }

        /// What is left out stays as it is.
        #[derive(Default, Deserialize, ToSchema)]
        #[serde(rename_all = "camelCase")]
        #[schema(as = $input_schema)]
        pub struct $input { $($(#[serde(alias = $alias)])? $field: Option<bool>),+ }

        impl $input {
            fn named(self) -> Vec<(Permission, bool)> {
                let all = [$((Permission::$permission, self.$field)),+];
                all.into_iter().filter_map(|(permission, value)| Some((permission, value?))).collect()
            }
        }
    };
}

product!(ConversationPermissionsJson as ConversationPermissions, ConversationPermissionsInput as ConversationPermissionsInput {
    manage_assigned_to_me_conversations = ManageAssignedToMe,
    view_conversations_with_no_department = ViewWithNoDepartment,
    manage_conversations_with_no_department = ManageWithNoDepartment,
    view_conversations_in_my_departments = ViewInMyDepartments,
    manage_conversations_in_my_departments = ManageInMyDepartments,
    manage_blocked_senders = ManageBlockedSenders,
    manage_junk_messages = ManageJunk or "manageJunckMessages",
    view_all_conversations = ViewAll,
    manage_all_conversations = ManageAll or "manageAllConversions",
    permanently_delete_conversations = PermanentlyDelete,
    manage_all_views = ManageAllViews,
    manage_channels = ManageChannels,
    manage_settings = ManageSettings,
    view_reports = ViewReports,
});

product!(GlobalPermissionsJson as GlobalPermissions, GlobalPermissionsInput as GlobalPermissionsInput {
    manage_agent_and_roles = ManageAgents,
    manage_departments = ManageDepartments,
    manage_my_profile = ManageMyProfile,
    manage_site_profile = ManageSiteProfile,
    view_audit_log = ViewAuditLog,
    manage_security = ManageSecurity,
    manage_public_canned_messages = ManagePublicCannedMessages,
    manage_private_canned_messages = ManagePrivateCannedMessages,
    manage_integration = ManageIntegration,
    manage_tags = ManageTags,
    manage_channels = ManageChannels,
    view_contacts = ViewContacts,
    manage_contacts = ManageContacts,
});

#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Permissions)]
pub struct PermissionsJson {
    anytime_conversations: ConversationPermissionsJson,
    global: GlobalPermissionsJson,
}

impl PermissionsJson {
    pub fn of(set: PermissionSet) -> Self {
        Self {
            anytime_conversations: ConversationPermissionsJson::of(set),
            global: GlobalPermissionsJson::of(set),
        }
    }
}

/// What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PermissionsInput)]
pub struct PermissionsInput {
    anytime_conversations: Option<ConversationPermissionsInput>,
    global: Option<GlobalPermissionsInput>,
}

impl Input for PermissionsInput {}

impl PermissionsInput {
    /// What changes `before`. Of a permission that both products have, the one that differs counts: a map that was
    /// read, changed in one place and sent back does what was meant.
    fn changes(self, before: PermissionSet) -> Vec<(Permission, bool)> {
        let conversations = self.anytime_conversations.unwrap_or_default().named();
        let all = conversations.into_iter().chain(self.global.unwrap_or_default().named());
        all.filter(|(permission, value)| before.contains(*permission) != *value).collect()
    }
}

/// What a role gives its agents
#[utoipa::path(
    tag = "Roles",
    params(("id" = i64, Path)),
    responses((status = 200, body = PermissionsJson), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/roles/{id}/permissions")]
pub async fn of_role(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: RoleId = id("role", &path)?;
    let set = app.read(|s| role::permissions(s, &by.actor, id))?;
    Ok(HttpResponse::Ok().json(PermissionsJson::of(set)))
}

/// Change what a role gives; nobody gives what they do not have themselves
#[utoipa::path(
    tag = "Roles",
    params(("id" = i64, Path)),
    request_body = PermissionsInput,
    responses(
        (status = 200, body = PermissionsJson), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/roles/{id}/permissions")]
pub async fn change_of_role(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<PermissionsInput>,
) -> Result<HttpResponse, ApiError> {
    let id: RoleId = id("role", &path)?;
    let set = app.write(move |tx| {
        let changes = body.0.changes(permission::of_role(tx, id)?);
        role::change_permissions(tx, &by.actor, id, &changes)
    });
    Ok(HttpResponse::Ok().json(PermissionsJson::of(set.await?)))
}

/// What an agent may do beside what the roles give
#[utoipa::path(
    tag = "Agents",
    params(("id" = i64, Path)),
    responses((status = 200, body = PermissionsJson), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/agents/{id}/permissions")]
pub async fn of_agent(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id = agent(&by, &path)?;
    let set = app.read(|s| agent_permission::get(s, &by.actor, id))?;
    Ok(HttpResponse::Ok().json(PermissionsJson::of(set)))
}

/// Change what an agent may do beside what the roles give; nobody gives what they do not have themselves
#[utoipa::path(
    tag = "Agents",
    params(("id" = i64, Path)),
    request_body = PermissionsInput,
    responses((status = 200, body = PermissionsJson), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/agents/{id}/permissions")]
pub async fn change_of_agent(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<PermissionsInput>,
) -> Result<HttpResponse, ApiError> {
    let id = agent(&by, &path)?;
    let set = app.write(move |tx| {
        let changes = body.0.changes(permission::own(tx, id)?);
        agent_permission::change(tx, &by.actor, id, &changes)
    });
    Ok(HttpResponse::Ok().json(PermissionsJson::of(set.await?)))
}

/// What an agent may do, by roles or by own permissions
#[utoipa::path(
    tag = "Agents",
    params(("id" = i64, Path)),
    responses((status = 200, body = PermissionsJson), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/agents/{id}/effectivePermissions")]
pub async fn effective(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id = agent(&by, &path)?;
    let set = app.read(|s| agent_permission::effective(s, &by.actor, id))?;
    Ok(HttpResponse::Ok().json(PermissionsJson::of(set)))
}

/// The agent of a path, where `me` is the caller.
fn agent(by: &Caller, path: &str) -> Result<AgentId, ApiError> {
    if path.eq_ignore_ascii_case("me") { Ok(by.agent_id) } else { id("agent", path) }
}
