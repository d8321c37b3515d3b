//! Roles: what several agents may do (contract 6.1). Two are there from the start and stay: administrators, who may do
//! everything, and the one that every agent has.

use super::agent::{self, ADMINISTRATORS, ALL_AGENTS};
use super::audit::{self, Action};
use super::permission::{self, PermissionSet};
use super::{Actor, Permission, check_name, check_text};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, OnConstraint, Result};
use crate::ids::{AgentId, RoleId};

#[derive(Debug, Clone)]
pub struct Role {
    pub id: RoleId,
    pub name: String,
    pub description: String,
    /// One of the two that cannot be renamed or deleted.
    pub is_system: bool,
    /// Deleted ones left out.
    pub agents: Vec<AgentId>,
}

/// `None` leaves a property alone (on creation: its default). `agents` replaces the whole set.
#[derive(Debug, Clone, Default)]
pub struct RoleChange {
    pub name: Option<String>,
    pub description: Option<String>,
    pub agents: Option<Vec<AgentId>>,
}

/// Every role: the system's first, then by name.
pub fn list(s: &Snapshot<'_>) -> Result<Vec<Role>> {
    s.all(&["SELECT ", COLUMNS, " FROM role r ORDER BY r.is_system DESC, r.name"].concat(), [], from_row)
}

pub fn get(s: &Snapshot<'_>, id: RoleId) -> Result<Option<Role>> {
    s.one(&["SELECT ", COLUMNS, " FROM role r WHERE r.id = ?"].concat(), [id], from_row)
}

/// The role, or `NotFound`.
pub fn require(s: &Snapshot<'_>, id: RoleId) -> Result<Role> {
    get(s, id)?.ok_or_else(|| Error::not_found("role", id))
}

/// What the role gives, for who manages roles.
pub fn permissions(s: &Snapshot<'_>, by: &Actor, id: RoleId) -> Result<PermissionSet> {
    by.require(Permission::ManageAgents)?;
    require(s, id)?;
    permission::of_role(s, id)
}

/// A role begins without permissions.
pub fn create(tx: &Tx<'_>, by: &Actor, new: &RoleChange) -> Result<Role> {
    by.require(Permission::ManageAgents)?;
    let name = check_name("name", new.name.as_deref().unwrap_or_default(), 100)?;
    let id = tx
        .insert("INSERT INTO role (name) VALUES (?)", [&name])
        .on_constraint("role.name", || taken(&name))?;
    let role = apply(tx, by, require(tx, RoleId(id))?, new)?;
    audit::record(tx, by, Action::Role, format!("created the role '{name}'"), "")?;
    Ok(role)
}

pub fn update(tx: &Tx<'_>, by: &Actor, id: RoleId, change: &RoleChange) -> Result<Role> {
    by.require(Permission::ManageAgents)?;
    let before = require(tx, id)?;
    if before.is_system && change.name.as_deref().is_some_and(|name| name.trim() != before.name) {
        return Err(Error::Conflict(format!("the role '{}' cannot be renamed", before.name)));
    }
    let facts = facts(&before);
    let after = apply(tx, by, before, change)?;
    let details = audit::difference(&facts, &self::facts(&after));
    audit::record(tx, by, Action::Role, format!("changed the role '{}'", after.name), details)?;
    Ok(after)
}

/// Its agents lose what only this role gave.
pub fn delete(tx: &Tx<'_>, by: &Actor, id: RoleId) -> Result<()> {
    by.require(Permission::ManageAgents)?;
    let role = require(tx, id)?;
    if role.is_system {
        return Err(Error::Conflict(format!("the role '{}' cannot be deleted", role.name)));
    }
    tx.run("DELETE FROM role WHERE id = ?", [id])?;
    audit::record(tx, by, Action::Role, format!("deleted the role '{}'", role.name), "")
}

/// Gives (`true`) or takes away; what is not named stays. Nobody gives what they do not have themselves.
pub fn change_permissions(
    tx: &Tx<'_>,
    by: &Actor,
    id: RoleId,
    changes: &[(Permission, bool)],
) -> Result<PermissionSet> {
    by.require(Permission::ManageAgents)?;
    let role = require(tx, id)?;
    let before = permission::of_role(tx, id)?;
    let after = before.changed(changes);
    if id == ADMINISTRATORS && after != before {
        return Err(Error::Conflict(format!("'{}' have every permission", role.name)));
    }
    permission::may_grant(by, after.without(before))?;
    tx.run("DELETE FROM role_permission WHERE role_id = ?", [id])?;
    for permission in after.iter().filter(|_| id != ADMINISTRATORS) {
        tx.run("INSERT INTO role_permission (role_id, permission) VALUES (?, ?)", (id, permission.name()))?;
    }
    let details = audit::difference(&[("permissions", before.names())], &[("permissions", after.names())]);
    let summary = format!("changed the permissions of the role '{}'", role.name);
    audit::record(tx, by, Action::Role, summary, details)?;
    Ok(after)
}

fn apply(tx: &Tx<'_>, by: &Actor, role: Role, change: &RoleChange) -> Result<Role> {
    let name = change.name.as_deref().map(|name| check_name("name", name, 100)).transpose()?;
    check_text("description", change.description.as_deref().unwrap_or_default(), 1000)?;
    tx.run(
        "UPDATE role SET name = coalesce(?, name), description = coalesce(?, description) WHERE id = ?",
        (&name, &change.description, role.id),
    )
    .on_constraint("role.name", || taken(name.as_deref().unwrap_or_default()))?;
    if let Some(agents) = &change.agents {
        set_agents(tx, by, &role, agents)?;
    }
    require(tx, role.id)
}

/// Who joins gets what the role gives, so that the rule of `permission::may_grant` holds here, too; the flag and the
/// administrators' role are one thing.
fn set_agents(tx: &Tx<'_>, by: &Actor, role: &Role, agents: &[AgentId]) -> Result<()> {
    for id in agents {
        if agent::get(tx, *id)?.is_none() {
            return Err(Error::invalid("agents", format!("there is no agent {id}")));
        }
    }
    let joining: Vec<AgentId> = agents.iter().copied().filter(|id| !role.agents.contains(id)).collect();
    let leaving: Vec<AgentId> = role.agents.iter().copied().filter(|id| !agents.contains(id)).collect();
    if role.id == ALL_AGENTS && !leaving.is_empty() {
        return Err(Error::Conflict(format!("every agent is in '{}'", role.name)));
    }
    if role.id == ADMINISTRATORS && !(joining.is_empty() && leaving.is_empty()) {
        match by {
            Actor::Agent(rights) if !rights.is_admin => return Err(Error::may_not("change administrators")),
            _ => {}
        }
    }
    if !joining.is_empty() {
        permission::may_grant(by, permission::of_role(tx, role.id)?)?;
    }
    for id in &joining {
        tx.run("INSERT OR IGNORE INTO agent_role (agent_id, role_id) VALUES (?, ?)", (id, role.id))?;
    }
    for id in &leaving {
        tx.run("DELETE FROM agent_role WHERE agent_id = ? AND role_id = ?", (id, role.id))?;
    }
    if role.id == ADMINISTRATORS {
        tx.run(
            "UPDATE agent SET is_admin = id IN (SELECT agent_id FROM agent_role WHERE role_id = ?)
             WHERE deleted_at IS NULL",
            [ADMINISTRATORS],
        )?;
        agent::keep_an_administrator(tx, None)?;
    }
    Ok(())
}

/// What the audit log tells of a change.
fn facts(role: &Role) -> [(&'static str, String); 3] {
    [
        ("name", role.name.clone()),
        ("description", role.description.clone()),
        ("agents", audit::ids(&role.agents)),
    ]
}

fn taken(name: &str) -> Error {
    Error::Conflict(format!("there is already a role '{name}'"))
}

const COLUMNS: &str = "r.id, r.name, r.description, r.is_system,
    (SELECT json_group_array(x.agent_id) FROM agent_role x JOIN agent a ON a.id = x.agent_id
     WHERE x.role_id = r.id AND a.deleted_at IS NULL)";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Role> {
    let agents: Vec<i64> = serde_json::from_str(&row.get::<_, String>(4)?).unwrap_or_default();
    Ok(Role {
        id: row.get(0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        is_system: row.get(3)?,
        agents: agents.into_iter().map(AgentId).collect(),
    })
}
