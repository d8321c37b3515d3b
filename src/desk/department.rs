//! Departments and who belongs to them: agents directly, and all agents of the roles listed (contract 5).

use super::audit::{self, Action};
use super::event::Assignee;
use super::{Actor, Permission, check_name, check_text, conversation, site};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, OnConstraint, Result};
use crate::ids::{AgentId, DepartmentId, RoleId};

#[derive(Debug, Clone)]
pub struct Department {
    pub id: DepartmentId,
    pub name: String,
    pub description: String,
    /// `false` hides it where conversations are assigned.
    pub is_available: bool,
    pub agents: Vec<AgentId>,
    pub roles: Vec<RoleId>,
}

/// A member as the contract lists it: an agent, or a role ("group").
#[derive(Debug, Clone)]
pub struct Member {
    pub id: i64,
    pub name: String,
    pub kind: &'static str,
}

/// `None` leaves a property alone (on creation: its default).
#[derive(Debug, Clone, Default)]
pub struct DepartmentChange {
    pub name: Option<String>,
    pub description: Option<String>,
    pub is_available: Option<bool>,
    pub agents: Option<Vec<AgentId>>,
    pub roles: Option<Vec<RoleId>>,
}

/// Every department, by name.
pub fn list(s: &Snapshot<'_>) -> Result<Vec<Department>> {
    s.all(&["SELECT ", COLUMNS, " FROM department d ORDER BY d.name"].concat(), [], from_row)
}

pub fn get(s: &Snapshot<'_>, id: DepartmentId) -> Result<Option<Department>> {
    s.one(&["SELECT ", COLUMNS, " FROM department d WHERE d.id = ?"].concat(), [id], from_row)
}

/// The department, or `NotFound`.
pub fn require(s: &Snapshot<'_>, id: DepartmentId) -> Result<Department> {
    get(s, id)?.ok_or_else(|| Error::not_found("department", id))
}

/// Why conversations cannot be given to the department, as the rest of a sentence; `None` when they can.
pub fn objection(s: &Snapshot<'_>, id: DepartmentId) -> Result<Option<String>> {
    if !site::get(s)?.is_department_enabled {
        return Ok(Some("departments are switched off".to_owned()));
    }
    Ok(get(s, id)?.is_none().then(|| format!("there is no department {id}")))
}

pub fn members(s: &Snapshot<'_>, id: DepartmentId) -> Result<Vec<Member>> {
    s.all(
        "SELECT a.id, a.display_name, 1 FROM department_agent x JOIN agent a ON a.id = x.agent_id
         WHERE x.department_id = ?1 AND a.deleted_at IS NULL
         UNION ALL
         SELECT r.id, r.name, 0 FROM department_role x JOIN role r ON r.id = x.role_id WHERE x.department_id = ?1
         ORDER BY 3 DESC, 2",
        [id],
        |row| {
            let kind = if row.get(2)? { "agent" } else { "group" };
            Ok(Member { id: row.get(0)?, name: row.get(1)?, kind })
        },
    )
}

pub fn create(tx: &Tx<'_>, by: &Actor, new: &DepartmentChange) -> Result<Department> {
    by.require(Permission::ManageDepartments)?;
    let name = check_name("name", new.name.as_deref().unwrap_or_default(), 100)?;
    let id = tx
        .insert("INSERT INTO department (name) VALUES (?)", [&name])
        .on_constraint("department.name", || taken(&name))?;
    let department = apply(tx, DepartmentId(id), new)?;
    audit::record(tx, by, Action::Department, format!("created the department '{name}'"), "")?;
    Ok(department)
}

pub fn update(tx: &Tx<'_>, by: &Actor, id: DepartmentId, change: &DepartmentChange) -> Result<Department> {
    by.require(Permission::ManageDepartments)?;
    let before = require(tx, id)?;
    let after = apply(tx, id, change)?;
    let details = audit::difference(&facts(&before), &facts(&after));
    audit::record(tx, by, Action::Department, format!("changed the department '{}'", after.name), details)?;
    Ok(after)
}

/// What the audit log tells of a change.
fn facts(department: &Department) -> [(&'static str, String); 5] {
    [
        ("name", department.name.clone()),
        ("description", department.description.clone()),
        ("isAvailable", department.is_available.to_string()),
        ("agents", audit::ids(&department.agents)),
        ("roles", audit::ids(&department.roles)),
    ]
}

/// Every department with its name as reports have it; those that were deleted come last.
pub fn names_ever(s: &Snapshot<'_>) -> Result<Vec<(i64, String)>> {
    s.all(
        "SELECT id, name, 0 FROM department UNION ALL SELECT id, name || ' (deleted)', 1 FROM deleted_department
         ORDER BY 3, 2 COLLATE NOCASE, 1",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Its conversations stay, without a department. `Conflict` while routing, an e-mail account or automatic allocation
/// names it (contract 5.2).
pub fn delete(tx: &Tx<'_>, by: &Actor, id: DepartmentId) -> Result<()> {
    by.require(Permission::ManageDepartments)?;
    let department = require(tx, id)?;
    if let Some(email) =
        tx.one("SELECT email FROM email_account WHERE department_assignee_id = ?", [id], |row| {
            row.get::<_, String>(0)
        })?
    {
        return Err(Error::Conflict(format!("'{}' is where mail to {email} goes", department.name)));
    }
    if tx.exists("SELECT 1 FROM department_allocation WHERE department_id = ?", [id])? {
        return Err(Error::Conflict(format!("'{}' has a rule of automatic allocation", department.name)));
    }
    if let Some(place) = target_of_routing(tx, id)? {
        return Err(Error::Conflict(format!("'{}' is where {place} sends conversations", department.name)));
    }
    conversation::update::take_from(tx, by, Assignee { agent: None, department: Some(id) })?;
    tx.run("INSERT INTO deleted_department (id, name) VALUES (?, ?)", (id, &department.name))?;
    tx.run("DELETE FROM department WHERE id = ?", [id])?;
    audit::record(tx, by, Action::Department, format!("deleted the department '{}'", department.name), "")
}

/// The first place of routing that has the department as its target, switched on or not.
fn target_of_routing(s: &Snapshot<'_>, id: DepartmentId) -> Result<Option<String>> {
    s.one(
        "SELECT 'simple routing' FROM routing WHERE simple_object = 'department' AND simple_id = ?1
         UNION ALL
         SELECT 'routing without a matching rule' FROM routing WHERE failed_object = 'department' AND failed_id = ?1
         UNION ALL
         SELECT 'the routing rule ' || name FROM routing_rule WHERE object = 'department' AND target_id = ?1
         LIMIT 1",
        [id],
        |row| row.get(0),
    )
}

fn apply(tx: &Tx<'_>, id: DepartmentId, change: &DepartmentChange) -> Result<Department> {
    let name = change.name.as_deref().map(|name| check_name("name", name, 100)).transpose()?;
    if let Some(description) = &change.description {
        check_text("description", description, 1000)?;
    }
    tx.run(
        "UPDATE department SET name = coalesce(?, name), description = coalesce(?, description),
         is_available = coalesce(?, is_available) WHERE id = ?",
        (&name, &change.description, change.is_available, id),
    )
    .on_constraint("department.name", || taken(name.as_deref().unwrap_or_default()))?;
    if let Some(agents) = &change.agents {
        tx.run("DELETE FROM department_agent WHERE department_id = ?", [id])?;
        for agent in agents {
            if super::agent::get(tx, *agent)?.is_none() {
                return Err(Error::invalid("agents", format!("there is no agent {agent}")));
            }
            tx.run(
                "INSERT OR IGNORE INTO department_agent (department_id, agent_id) VALUES (?, ?)",
                (id, agent),
            )?;
        }
    }
    if let Some(roles) = &change.roles {
        tx.run("DELETE FROM department_role WHERE department_id = ?", [id])?;
        for role in roles {
            tx.run(
                "INSERT OR IGNORE INTO department_role (department_id, role_id) VALUES (?, ?)",
                (id, role),
            )
            .on_constraint("FOREIGN KEY", || Error::invalid("roles", format!("there is no role {role}")))?;
        }
    }
    require(tx, id)
}

fn taken(name: &str) -> Error {
    Error::Conflict(format!("there is already a department '{name}'"))
}

const COLUMNS: &str = "d.id, d.name, d.description, d.is_available,
    (SELECT json_group_array(agent_id) FROM department_agent WHERE department_id = d.id),
    (SELECT json_group_array(role_id) FROM department_role WHERE department_id = d.id)";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Department> {
    let ids = |column: usize| -> rusqlite::Result<Vec<i64>> {
        Ok(serde_json::from_str(&row.get::<_, String>(column)?).unwrap_or_default())
    };
    Ok(Department {
        id: row.get(0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        is_available: row.get(3)?,
        agents: ids(4)?.into_iter().map(AgentId).collect(),
        roles: ids(5)?.into_iter().map(RoleId).collect(),
    })
}
