//! Permissions that an agent has beside those of the roles (contract 3.2).

use super::audit::{self, Action};
use super::permission::{self, PermissionSet};
use super::{Actor, Permission, agent};
use crate::db::{Snapshot, Tx};
use crate::error::Result;
use crate::ids::AgentId;

/// The agent's own permissions. One's own are free to see; others' need `manageAgentAndRoles`.
pub fn get(s: &Snapshot<'_>, by: &Actor, id: AgentId) -> Result<PermissionSet> {
    may_see(s, by, id)?;
    permission::own(s, id)
}

/// What the agent may do, by roles or by own permissions.
pub fn effective(s: &Snapshot<'_>, by: &Actor, id: AgentId) -> Result<PermissionSet> {
    may_see(s, by, id)?;
    permission::effective(s, id)
}

/// Gives (`true`) or takes away; what is not named stays. Nobody gives what they do not have themselves.
pub fn change(tx: &Tx<'_>, by: &Actor, id: AgentId, changes: &[(Permission, bool)]) -> Result<PermissionSet> {
    by.require(Permission::ManageAgents)?;
    let agent = agent::require(tx, id)?;
    agent::may_touch(tx, by, &agent)?;
    let before = permission::own(tx, id)?;
    let after = before.changed(changes);
    permission::may_grant(by, after.without(before))?;
    tx.run("DELETE FROM agent_permission WHERE agent_id = ?", [id])?;
    for permission in after.iter() {
        tx.run("INSERT INTO agent_permission (agent_id, permission) VALUES (?, ?)", (id, permission.name()))?;
    }
    let details = audit::difference(&[("permissions", before.names())], &[("permissions", after.names())]);
    let summary = format!("changed the own permissions of '{}'", agent.email);
    audit::record(tx, by, Action::Agent, summary, details)?;
    Ok(after)
}

fn may_see(s: &Snapshot<'_>, by: &Actor, id: AgentId) -> Result<()> {
    if by.agent_id() != Some(id) {
        by.require(Permission::ManageAgents)?;
    }
    agent::require(s, id)?;
    Ok(())
}
