//! Agents: the people who answer. Deleting one only marks it: history keeps naming it, its open conversations
//! become unassigned (contract 3.2).

use std::collections::HashMap;
use std::time::Duration;

use super::audit::{self, Action};
use super::event::Assignee;
use super::{
    Actor, Page, Paging, Permission, check_name, check_text, conversation, like, oauth_grant,
    password_policy, permission,
};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, OnConstraint, Problems, Result};
use crate::ids::{AgentId, DepartmentId, RoleId};
use crate::mail::is_address;
use crate::time::{self, Timestamp};

#[derive(Debug, Clone)]
pub struct Agent {
    pub id: AgentId,
    pub email: String,
    pub display_name: String,
    pub first_name: String,
    pub last_name: String,
    pub title: String,
    pub bio: String,
    /// Below the agent's mails; clean HTML.
    pub signature: String,
    pub mobile_phone: String,
    /// IANA name; `None` means the site's.
    pub time_zone: Option<String>,
    /// Their own, or the site's.
    pub effective_time_zone: String,
    pub date_time_format: String,
    pub is_admin: bool,
    pub is_active: bool,
    pub locked_until: Option<Timestamp>,
    pub locked_at: Option<Timestamp>,
    pub last_sign_in_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
    pub roles: Vec<RoleId>,
    pub departments: Vec<DepartmentId>,
}

impl Agent {
    pub fn is_locked(&self, now: Timestamp) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }
}

/// What may be set on an agent; `None` leaves a property alone (on creation: its default).
#[derive(Debug, Clone, Default)]
pub struct AgentChange {
    pub email: Option<String>,
    pub display_name: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub title: Option<String>,
    pub bio: Option<String>,
    pub signature: Option<String>,
    pub mobile_phone: Option<String>,
    pub time_zone: Option<String>,
    pub date_time_format: Option<String>,
    pub is_admin: Option<bool>,
    pub is_active: Option<bool>,
    pub roles: Option<Vec<RoleId>>,
    pub departments: Option<Vec<DepartmentId>>,
}

/// The role every agent has.
pub const ALL_AGENTS: RoleId = RoleId(2);
/// The role of administrators.
pub const ADMINISTRATORS: RoleId = RoleId(1);

const DATE_FORMATS: &[&str] =
    &["MM-dd-yyyy", "MM/dd/yyyy", "dd-MM-yyyy", "dd/MM/yyyy", "yyyy-MM-dd", "yyyy/MM/dd"];

/// What may be chosen as an agent's `dateTimeFormat`.
pub fn date_time_formats() -> Vec<String> {
    DATE_FORMATS.iter().map(|date| [date, " HH:mm:ss"].concat()).collect()
}

/// A page of agents by name; `keywords` looks into display name and e-mail address.
pub fn list(s: &Snapshot<'_>, keywords: Option<&str>, paging: Paging) -> Result<Page<Agent>> {
    let pattern = like(keywords.unwrap_or_default());
    let total = s.number(&["SELECT count(*)", LISTED].concat(), [&pattern])?;
    let items = s.all(
        &["SELECT ", COLUMNS, LISTED, " ORDER BY a.display_name, a.id LIMIT ?2 OFFSET ?3"].concat(),
        (&pattern, paging.size, paging.offset()),
        from_row,
    )?;
    Ok(Page { items, total })
}

const LISTED: &str = " FROM agent a WHERE a.deleted_at IS NULL
    AND (a.display_name LIKE ?1 ESCAPE '\\' OR a.email LIKE ?1 ESCAPE '\\')";

/// The agents who can be chosen as assignees, by name.
pub fn assignable(s: &Snapshot<'_>) -> Result<Vec<Agent>> {
    s.all(
        &[
            "SELECT ",
            COLUMNS,
            " FROM agent a WHERE a.deleted_at IS NULL AND a.is_active = 1 ORDER BY a.display_name, a.id",
        ]
        .concat(),
        [],
        from_row,
    )
}

pub fn get(s: &Snapshot<'_>, id: AgentId) -> Result<Option<Agent>> {
    s.one(
        &["SELECT ", COLUMNS, " FROM agent a WHERE a.id = ? AND a.deleted_at IS NULL"].concat(),
        [id],
        from_row,
    )
}

/// Also finds deleted agents: for naming who did something long ago.
pub fn get_ever(s: &Snapshot<'_>, id: AgentId) -> Result<Option<Agent>> {
    s.one(&["SELECT ", COLUMNS, " FROM agent a WHERE a.id = ?"].concat(), [id], from_row)
}

/// The display names of several agents at once, deleted ones included.
pub fn names(s: &Snapshot<'_>, ids: &[AgentId]) -> Result<HashMap<AgentId, String>> {
    let ids = serde_json::to_string(ids).map_err(Error::internal)?;
    let found = s.all(
        "SELECT id, display_name FROM agent WHERE id IN (SELECT value FROM json_each(?))",
        [ids],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(found.into_iter().collect())
}

pub fn by_email(s: &Snapshot<'_>, email: &str) -> Result<Option<Agent>> {
    s.one(
        &["SELECT ", COLUMNS, " FROM agent a WHERE a.email = ? AND a.deleted_at IS NULL"].concat(),
        [email.trim()],
        from_row,
    )
}

/// The agent, or `NotFound`.
pub fn require(s: &Snapshot<'_>, id: AgentId) -> Result<Agent> {
    get(s, id)?.ok_or_else(|| Error::not_found("agent", id))
}

/// Whether conversations may be given to `id`: it exists, is active and not deleted.
pub fn is_assignable(s: &Snapshot<'_>, id: AgentId) -> Result<bool> {
    s.exists("SELECT 1 FROM agent WHERE id = ? AND is_active = 1 AND deleted_at IS NULL", [id])
}

/// `password_hash` comes from `password::hash`; without one the agent can use the API but not sign in.
pub fn create(tx: &Tx<'_>, by: &Actor, new: &AgentChange, password_hash: Option<&str>) -> Result<Agent> {
    by.require(Permission::ManageAgents)?;
    let new = &settled(new);
    let email = new.email.as_deref().unwrap_or_default().trim();
    let mut problems = check(tx, new)?;
    problems.require(is_address(email), "email", format!("'{email}' is not an e-mail address"));
    problems.check()?;
    may_grant(tx, by, &[], new)?;
    let first = new.first_name.clone().unwrap_or_default();
    let last = new.last_name.clone().unwrap_or_default();
    let full = [first.trim(), last.trim()].join(" ");
    let display = match new.display_name.as_deref().map(str::trim) {
        Some(name) if !name.is_empty() => name,
        _ if !full.trim().is_empty() => full.trim(),
        _ => email,
    };
    let id = AgentId(
        tx.insert(
            "INSERT INTO agent (email, display_name, first_name, last_name, password_hash, created_at)
             VALUES (?, ?, ?, ?, ?, ?)",
            (email, display, first.trim(), last.trim(), password_hash, tx.now()),
        )
        .on_constraint("agent.email", || taken(email))?,
    );
    tx.run("INSERT INTO agent_role (agent_id, role_id) VALUES (?, ?)", (id, ALL_AGENTS))?;
    if let Some(hash) = password_hash {
        remember_password(tx, by, id, hash)?;
    }
    let agent = apply(tx, id, &AgentChange { email: None, display_name: None, ..new.clone() })?;
    audit::record(tx, by, Action::Agent, format!("created the agent '{}'", agent.email), "")?;
    Ok(agent)
}

/// An agent may change their own profile with `manageMyProfile`; anything else needs `manageAgentAndRoles`.
pub fn update(tx: &Tx<'_>, by: &Actor, id: AgentId, change: &AgentChange) -> Result<Agent> {
    let before = require(tx, id)?;
    let change = &settled(change);
    let is_own_profile = by.agent_id() == Some(id)
        && change.is_admin.is_none_or(|value| value == before.is_admin)
        && change.is_active.is_none_or(|value| value == before.is_active)
        && change.roles.as_ref().is_none_or(|roles| *roles == before.roles)
        && change.departments.as_ref().is_none_or(|departments| *departments == before.departments)
        && change.email.as_ref().is_none_or(|email| *email == before.email);
    by.require(if is_own_profile { Permission::ManageMyProfile } else { Permission::ManageAgents })?;
    may_touch(tx, by, &before)?;
    may_grant(tx, by, &before.roles, change)?;
    check(tx, change)?.check()?;
    if let Some(email) = &change.email
        && !is_address(email.trim())
    {
        return Err(Error::invalid("email", format!("'{email}' is not an e-mail address")));
    }
    if before.is_admin && (change.is_admin == Some(false) || change.is_active == Some(false)) {
        keep_an_administrator(tx, Some(id))?;
    }
    let after = apply(tx, id, change)?;
    let action = if is_own_profile { Action::Profile } else { Action::Agent };
    let details = audit::difference(&facts(&before), &facts(&after));
    audit::record(tx, by, action, format!("changed the agent '{}'", after.email), details)?;
    Ok(after)
}

/// What the audit log tells of a change.
fn facts(agent: &Agent) -> [(&'static str, String); 14] {
    [
        ("email", agent.email.clone()),
        ("displayName", agent.display_name.clone()),
        ("firstName", agent.first_name.clone()),
        ("lastName", agent.last_name.clone()),
        ("title", agent.title.clone()),
        ("bio", agent.bio.clone()),
        ("signature", agent.signature.clone()),
        ("mobilePhone", agent.mobile_phone.clone()),
        ("timeZone", agent.time_zone.clone().unwrap_or_default()),
        ("dateTimeFormat", agent.date_time_format.clone()),
        ("roles", audit::ids(&agent.roles)),
        ("departments", audit::ids(&agent.departments)),
        ("isAdmin", agent.is_admin.to_string()),
        ("isActive", agent.is_active.to_string()),
    ]
}

pub fn delete(tx: &Tx<'_>, by: &Actor, id: AgentId) -> Result<()> {
    by.require(Permission::ManageAgents)?;
    let agent = require(tx, id)?;
    may_touch(tx, by, &agent)?;
    if by.agent_id() == Some(id) {
        return Err(Error::Conflict("you cannot delete yourself".to_owned()));
    }
    keep_an_administrator(tx, Some(id))?;
    tx.run("DELETE FROM agent_identity WHERE agent_id = ?", [id])?;
    // The address becomes free for a new agent; the row stays for history.
    tx.run(
        "UPDATE agent SET deleted_at = ?1, is_active = 0, password_hash = NULL,
         email = email || '#deleted-' || id WHERE id = ?2",
        (tx.now(), id),
    )?;
    conversation::update::take_from(tx, by, Assignee { agent: Some(id), department: None })?;
    tx.run("UPDATE email_account SET agent_assignee_id = NULL WHERE agent_assignee_id = ?", [id])?;
    end_access(tx, id)?;
    audit::record(tx, by, Action::Agent, format!("deleted the agent '{}'", agent.email), "")
}

/// Sets a new password and ends the agent's OAuth grants and sessions, but for the one named.
pub fn set_password(
    tx: &Tx<'_>,
    by: &Actor,
    id: AgentId,
    password_hash: &str,
    keep_session: Option<&[u8]>,
) -> Result<()> {
    let agent = require(tx, id)?;
    if by.agent_id() != Some(id) {
        by.require(Permission::ManageAgents)?;
        may_touch(tx, by, &agent)?;
    } else {
        may_change_again(tx, id)?;
    }
    tx.run(
        "UPDATE agent SET password_hash = ?, failed_sign_ins = 0, locked_until = NULL WHERE id = ?",
        (password_hash, id),
    )?;
    remember_password(tx, by, id, password_hash)?;
    tx.run("DELETE FROM session WHERE agent_id = ? AND hash IS NOT ?", (id, keep_session))?;
    tx.run("DELETE FROM sign_in_step WHERE agent_id = ?", [id])?;
    oauth_grant::end_all(tx, id)?;
    audit::record(tx, by, Action::Security, format!("set the password of '{}'", agent.email), "")
}

/// Refuses more changes of the own password within a day than the policy allows.
fn may_change_again(tx: &Tx<'_>, id: AgentId) -> Result<()> {
    let policy = password_policy::get(tx)?;
    let day = Duration::from_secs(24 * 3600);
    let changes = tx.number(
        "SELECT count(*) FROM password_history WHERE agent_id = ? AND ? < created_at AND is_own_change = 1",
        (id, tx.now().minus(day)),
    )?;
    if policy.limits_changes && policy.maximum_changes <= changes {
        let limit = policy.maximum_changes;
        return Err(Error::Conflict(format!("a password can be changed {limit} times within 24 hours")));
    }
    Ok(())
}

pub fn unlock(tx: &Tx<'_>, by: &Actor, id: AgentId) -> Result<()> {
    by.require(Permission::ManageAgents)?;
    let agent = require(tx, id)?;
    tx.run("UPDATE agent SET failed_sign_ins = 0, locked_until = NULL, locked_at = NULL WHERE id = ?", [id])?;
    audit::record(tx, by, Action::Security, format!("unlocked the agent '{}'", agent.email), "")
}

/// The hashes that the next password may not fit; empty unless the policy wants them.
pub fn last_passwords(s: &Snapshot<'_>, id: AgentId) -> Result<Vec<String>> {
    let policy = password_policy::get(s)?;
    let wanted = if policy.checks_history { policy.history } else { 0 };
    s.all(
        "SELECT hash FROM password_history WHERE agent_id = ? ORDER BY created_at DESC, id DESC LIMIT ?",
        (id, wanted),
        |row| row.get(0),
    )
}

fn remember_password(tx: &Tx<'_>, by: &Actor, id: AgentId, hash: &str) -> Result<()> {
    tx.run(
        "INSERT INTO password_history (agent_id, hash, is_own_change, created_at) VALUES (?, ?, ?, ?)",
        (id, hash, by.agent_id() == Some(id), tx.now()),
    )?;
    tx.run(
        "DELETE FROM password_history WHERE agent_id = ?1 AND id NOT IN
           (SELECT id FROM password_history WHERE agent_id = ?1 ORDER BY id DESC LIMIT ?2)",
        (id, password_policy::LONGEST_HISTORY.max(MOST_CHANGES)),
    )?;
    Ok(())
}

/// So many changes of a day can be counted: the policy's largest limit.
const MOST_CHANGES: i64 = 100;

fn apply(tx: &Tx<'_>, id: AgentId, change: &AgentChange) -> Result<Agent> {
    tx.run(
        "UPDATE agent SET
           email = coalesce(:email, email), display_name = coalesce(:display_name, display_name),
           first_name = coalesce(:first_name, first_name), last_name = coalesce(:last_name, last_name),
           title = coalesce(:title, title), bio = coalesce(:bio, bio), signature = coalesce(:signature, signature),
           mobile_phone = coalesce(:mobile_phone, mobile_phone), 
           -- Whoever has the site's zone keeps following it.
           time_zone = CASE WHEN time_zone IS NULL AND :time_zone = (SELECT time_zone FROM site) THEN NULL
             ELSE coalesce(:time_zone, time_zone) END,
           date_time_format = coalesce(:format, date_time_format), is_admin = coalesce(:is_admin, is_admin),
           is_active = coalesce(:is_active, is_active)
         WHERE id = :id",
        rusqlite::named_params! {
            ":email": change.email.as_deref().map(str::trim),
            ":display_name": change.display_name.as_deref().map(str::trim),
            ":first_name": change.first_name.as_deref().map(str::trim),
            ":last_name": change.last_name.as_deref().map(str::trim),
            ":title": change.title,
            ":bio": change.bio,
            ":signature": change.signature.as_deref().map(crate::html::sanitize_own),
            ":mobile_phone": change.mobile_phone,
            ":time_zone": change.time_zone,
            ":format": change.date_time_format,
            ":is_admin": change.is_admin,
            ":is_active": change.is_active,
            ":id": id,
        },
    )
    .on_constraint("agent.email", || taken(change.email.as_deref().unwrap_or_default()))?;
    if let Some(roles) = &change.roles {
        tx.run("DELETE FROM agent_role WHERE agent_id = ?1 AND role_id <> ?2", (id, ALL_AGENTS))?;
        for role in roles {
            tx.run("INSERT OR IGNORE INTO agent_role (agent_id, role_id) VALUES (?, ?)", (id, role))?;
        }
    }
    if let Some(is_admin) = change.is_admin {
        let sql = if is_admin {
            "INSERT OR IGNORE INTO agent_role (agent_id, role_id) VALUES (?, ?)"
        } else {
            "DELETE FROM agent_role WHERE agent_id = ? AND role_id = ?"
        };
        tx.run(sql, (id, ADMINISTRATORS))?;
    }
    if let Some(departments) = &change.departments {
        tx.run("DELETE FROM department_agent WHERE agent_id = ?", [id])?;
        for department in departments {
            tx.run(
                "INSERT OR IGNORE INTO department_agent (department_id, agent_id) VALUES (?, ?)",
                (department, id),
            )?;
        }
    }
    if change.is_active == Some(false) {
        end_access(tx, id)?;
    }
    require(tx, id)
}

/// The flag and the administrators' role are one thing: roles without the flag say what the flag is.
fn settled(change: &AgentChange) -> AgentChange {
    let by_roles = change.roles.as_ref().map(|roles| roles.contains(&ADMINISTRATORS));
    AgentChange { is_admin: change.is_admin.or(by_roles), ..change.clone() }
}

fn check(s: &Snapshot<'_>, change: &AgentChange) -> Result<Problems> {
    let mut problems = Problems::default();
    if let Some(name) = &change.display_name
        && let Err(Error::Invalid(found)) = check_name("displayName", name, 100)
        && !name.trim().is_empty()
    {
        problems.add("displayName", found[0].message.clone());
    }
    for (field, value, limit) in [
        ("firstName", &change.first_name, 100),
        ("lastName", &change.last_name, 100),
        ("title", &change.title, 200),
        ("bio", &change.bio, 4000),
        ("signature", &change.signature, 10_000),
        ("mobilePhone", &change.mobile_phone, 100),
    ] {
        if let Some(value) = value
            && check_text(field, value, limit).is_err()
        {
            problems.add(field, format!("is longer than {limit} characters"));
        }
    }
    if let Some(zone) = &change.time_zone {
        problems.require(time::is_time_zone(zone), "timeZone", format!("'{zone}' is not an IANA time zone"));
    }
    if let Some(format) = &change.date_time_format {
        let is_known = format.strip_suffix(" HH:mm:ss").is_some_and(|date| DATE_FORMATS.contains(&date));
        problems.require(is_known, "dateTimeFormat", format!("'{format}' is not one of the formats offered"));
    }
    for role in change.roles.iter().flatten() {
        let is_known = s.exists("SELECT 1 FROM role WHERE id = ?", [role])?;
        problems.require(is_known, "roles", format!("there is no role {role}"));
    }
    for department in change.departments.iter().flatten() {
        let is_known = s.exists("SELECT 1 FROM department WHERE id = ?", [department])?;
        problems.require(is_known, "departments", format!("there is no department {department}"));
    }
    Ok(problems)
}

/// Only an administrator makes administrators, by flag or by role; and nobody gives a role that may do more than they
/// may themselves.
fn may_grant(s: &Snapshot<'_>, by: &Actor, before: &[RoleId], change: &AgentChange) -> Result<()> {
    let new = change.roles.iter().flatten().filter(|role| !before.contains(role));
    let grants = change.is_admin == Some(true)
        || change.roles.as_ref().is_some_and(|roles| roles.contains(&ADMINISTRATORS));
    match by {
        Actor::Agent(rights) if grants && !rights.is_admin => {
            return Err(Error::may_not("make administrators"));
        }
        _ => {}
    }
    for role in new {
        permission::may_grant(by, permission::of_role(s, *role)?)?;
    }
    Ok(())
}

/// Refuses to change an agent who may do more than `by` may: a new password or key would be a way to their rights.
pub fn may_touch(s: &Snapshot<'_>, by: &Actor, agent: &Agent) -> Result<()> {
    let Actor::Agent(rights) = by else { return Ok(()) };
    if rights.is_admin || rights.agent_id == agent.id {
        return Ok(());
    }
    if agent.is_admin {
        return Err(Error::may_not("change administrators"));
    }
    match permission::effective(s, agent.id)?.without(rights.held()).iter().next() {
        Some(more) => Err(Error::Forbidden(format!(
            "you may not change an agent who may {}, which you may not",
            more.sentence()
        ))),
        None => Ok(()),
    }
}

/// Refuses to let the last administrator go; `leaving` still counts as one in the file.
pub(super) fn keep_an_administrator(s: &Snapshot<'_>, leaving: Option<AgentId>) -> Result<()> {
    if s.exists(
        "SELECT 1 FROM agent WHERE is_admin = 1 AND is_active = 1 AND deleted_at IS NULL AND id IS NOT ?",
        [leaving],
    )? {
        return Ok(());
    }
    Err(Error::Conflict("the last administrator cannot be removed".to_owned()))
}

fn end_access(tx: &Tx<'_>, id: AgentId) -> Result<()> {
    tx.run("DELETE FROM session WHERE agent_id = ?", [id])?;
    tx.run("DELETE FROM sign_in_step WHERE agent_id = ?", [id])?;
    tx.run("DELETE FROM api_key WHERE agent_id = ?", [id])?;
    oauth_grant::end_all(tx, id)
}

fn taken(email: &str) -> Error {
    Error::Conflict(format!("there is already an agent with the e-mail address '{email}'"))
}

const COLUMNS: &str =
    "a.id, a.email, a.display_name, a.first_name, a.last_name, a.title, a.bio, a.mobile_phone,
    a.time_zone, a.date_time_format, a.is_admin, a.is_active, a.locked_until, a.locked_at, a.last_sign_in_at,
    a.created_at, a.deleted_at,
    (SELECT json_group_array(role_id) FROM agent_role WHERE agent_id = a.id),
    (SELECT json_group_array(department_id) FROM department_agent WHERE agent_id = a.id), a.signature,
    coalesce(a.time_zone, (SELECT time_zone FROM site))";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Agent> {
    let ids = |column: usize| -> rusqlite::Result<Vec<i64>> {
        Ok(serde_json::from_str(&row.get::<_, String>(column)?).unwrap_or_default())
    };
    Ok(Agent {
        id: row.get(0)?,
        email: row.get(1)?,
        display_name: row.get(2)?,
        first_name: row.get(3)?,
        last_name: row.get(4)?,
        title: row.get(5)?,
        bio: row.get(6)?,
        mobile_phone: row.get(7)?,
        time_zone: row.get(8)?,
        date_time_format: row.get(9)?,
        is_admin: row.get(10)?,
        is_active: row.get(11)?,
        locked_until: row.get(12)?,
        locked_at: row.get(13)?,
        last_sign_in_at: row.get(14)?,
        created_at: row.get(15)?,
        deleted_at: row.get(16)?,
        roles: ids(17)?.into_iter().map(RoleId).collect(),
        departments: ids(18)?.into_iter().map(DepartmentId).collect(),
        signature: row.get(19)?,
        effective_time_zone: row.get(20)?,
    })
}
