//! Auto allocation (contract 15.3): who gets new conversations that nobody was assigned to. Here its settings; `serve`
//! gives conversations out, `pick` chooses among agents.

mod pick;
mod serve;

use super::audit::{self, Action};
use super::availability::{self, AvailabilityChange, MOST_CONVERSATIONS, Presence};
use super::{Actor, Permission, agent, department};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Problems, Result};
use crate::ids::{AgentId, DepartmentId};

pub use pick::{Candidate, Choice, Standing, pick};
pub use serve::{CONSUMER, await_turn, handle, serve};

#[derive(Debug, Clone)]
pub struct AutoAllocation {
    pub is_enabled: bool,
    pub rule: Rule,
    pub prefers_last_assignee: bool,
    pub departments: Vec<DepartmentRule>,
    /// Whether `common_limit` holds for all agents instead of each one's own.
    pub has_common_limit: bool,
    pub common_limit: i64,
    pub excludes_pending_external: bool,
    pub excludes_on_hold: bool,
    /// One of each active agent.
    pub preferences: Vec<Preference>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Rule {
    LoadBalancing,
    RoundRobin,
}

impl Rule {
    pub const ALL: [Self; 2] = [Self::LoadBalancing, Self::RoundRobin];

    pub fn name(self) -> &'static str {
        match self {
            Self::LoadBalancing => "loadBalancing",
            Self::RoundRobin => "roundRobin",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name().eq_ignore_ascii_case(text.trim()))
    }
}

#[derive(Debug, Clone)]
pub struct DepartmentRule {
    pub department_id: DepartmentId,
    pub department_name: String,
    pub rule: Rule,
    pub prefers_last_assignee: bool,
}

#[derive(Debug, Clone)]
pub struct Preference {
    pub agent_id: AgentId,
    pub agent_name: String,
    pub presence: Presence,
    pub max_conversations: i64,
    pub is_accepting: bool,
    pub load: i64,
}

/// `None` leaves a property alone; `departments` replaces the list, `preferences` changes the agents named.
#[derive(Debug, Clone, Default)]
pub struct AutoAllocationChange {
    pub is_enabled: Option<bool>,
    pub rule: Option<Rule>,
    pub prefers_last_assignee: Option<bool>,
    pub departments: Option<Vec<(DepartmentId, Rule, bool)>>,
    pub has_common_limit: Option<bool>,
    pub common_limit: Option<i64>,
    pub excludes_pending_external: Option<bool>,
    pub excludes_on_hold: Option<bool>,
    pub preferences: Vec<(AgentId, AvailabilityChange)>,
}

/// The settings with every active agent. Needs `manageSettings`.
pub fn get(s: &Snapshot<'_>, by: &Actor, now: crate::time::Timestamp) -> Result<AutoAllocation> {
    by.require(Permission::ManageSettings)?;
    let settings = Settings::read(s)?;
    let departments = s.all(
        "SELECT x.department_id, d.name, x.rule, x.prefers_last_assignee FROM department_allocation x
         JOIN department d ON d.id = x.department_id ORDER BY x.department_id",
        [],
        |row| {
            Ok(DepartmentRule {
                department_id: row.get(0)?,
                department_name: row.get(1)?,
                rule: rule(row, 2)?,
                prefers_last_assignee: row.get(3)?,
            })
        },
    )?;
    let mut preferences = Vec::new();
    for agent in agent::assignable(s)? {
        let found = availability::get(s, agent.id, now)?;
        preferences.push(Preference {
            agent_id: agent.id,
            agent_name: agent.display_name,
            presence: found.presence,
            max_conversations: found.max_conversations,
            is_accepting: found.is_accepting,
            load: found.ongoing,
        });
    }
    preferences.sort_by_key(|preference| preference.agent_id);
    Ok(AutoAllocation {
        is_enabled: settings.is_enabled,
        rule: settings.rule,
        prefers_last_assignee: settings.prefers_last_assignee,
        departments,
        has_common_limit: settings.has_common_limit,
        common_limit: settings.common_limit,
        excludes_pending_external: settings.excludes_pending_external,
        excludes_on_hold: settings.excludes_on_hold,
        preferences,
    })
}

/// Applies the change, then gives out what waits, for there may be more room now.
pub fn update(tx: &Tx<'_>, by: &Actor, change: &AutoAllocationChange) -> Result<AutoAllocation> {
    by.require(Permission::ManageSettings)?;
    check(tx, change)?.check()?;
    if change.is_enabled == Some(true) && !Settings::read(tx)?.is_enabled {
        // Only conversations created from now on (contract 15.4).
        tx.run("UPDATE conversation SET awaits_allocation = 0 WHERE awaits_allocation = 1", [])?;
    }
    tx.run(
        "UPDATE auto_allocation SET is_enabled = coalesce(?1, is_enabled), rule = coalesce(?2, rule),
           prefers_last_assignee = coalesce(?3, prefers_last_assignee),
           has_common_limit = coalesce(?4, has_common_limit), common_limit = coalesce(?5, common_limit),
           excludes_pending_external = coalesce(?6, excludes_pending_external),
           excludes_on_hold = coalesce(?7, excludes_on_hold)",
        (
            change.is_enabled,
            change.rule.map(Rule::name),
            change.prefers_last_assignee,
            change.has_common_limit,
            change.common_limit,
            change.excludes_pending_external,
            change.excludes_on_hold,
        ),
    )?;
    if let Some(departments) = &change.departments {
        tx.run("DELETE FROM department_allocation", [])?;
        for (department, rule, prefers_last_assignee) in departments {
            tx.run(
                "INSERT INTO department_allocation (department_id, rule, prefers_last_assignee) VALUES (?, ?, ?)",
                (department, rule.name(), prefers_last_assignee),
            )?;
        }
    }
    for (agent, preference) in &change.preferences {
        availability::store(tx, *agent, preference)?;
    }
    audit::record(tx, by, Action::AutoAllocation, "changed the auto allocation", "")?;
    serve(tx)?;
    get(tx, by, tx.now())
}

fn check(s: &Snapshot<'_>, change: &AutoAllocationChange) -> Result<Problems> {
    let mut problems = Problems::default();
    if let Some(limit) = change.common_limit {
        problems.require(
            (0..=MOST_CONVERSATIONS).contains(&limit),
            "maxNumberForAllAgents",
            format!("must be between 0 and {MOST_CONVERSATIONS}, not {limit}"),
        );
    }
    let mut seen = Vec::new();
    for (index, (id, _, _)) in change.departments.iter().flatten().enumerate() {
        let field = format!("departmentAllocationRule[{index}].departmentId");
        if let Some(objection) = department::objection(s, *id)? {
            problems.add(&field, objection);
        }
        problems.require(!seen.contains(id), &field, format!("names department {id} twice"));
        seen.push(*id);
    }
    for (index, (id, preference)) in change.preferences.iter().enumerate() {
        if agent::get(s, *id)?.is_none() {
            problems.add(format!("agentPreferences[{index}].agentId"), format!("there is no agent {id}"));
        }
        if let Some(limit) = preference.max_conversations {
            problems.require(
                (0..=MOST_CONVERSATIONS).contains(&limit),
                &format!("agentPreferences[{index}].maxConcurrentCount"),
                format!("must be between 0 and {MOST_CONVERSATIONS}, not {limit}"),
            );
        }
    }
    Ok(problems)
}

/// How many conversations of an agent count against the limit: open ones, however they came to the agent, without
/// those in a status that is left out.
pub fn load(s: &Snapshot<'_>, agent: AgentId) -> Result<i64> {
    Settings::read(s)?.load(s, agent)
}

/// The single row.
#[derive(Debug, Clone, Copy)]
struct Settings {
    is_enabled: bool,
    rule: Rule,
    prefers_last_assignee: bool,
    has_common_limit: bool,
    common_limit: i64,
    excludes_pending_external: bool,
    excludes_on_hold: bool,
}

impl Settings {
    fn read(s: &Snapshot<'_>) -> Result<Self> {
        s.one(
            "SELECT is_enabled, rule, prefers_last_assignee, has_common_limit, common_limit,
               excludes_pending_external, excludes_on_hold FROM auto_allocation",
            [],
            |row| {
                Ok(Self {
                    is_enabled: row.get(0)?,
                    rule: rule(row, 1)?,
                    prefers_last_assignee: row.get(2)?,
                    has_common_limit: row.get(3)?,
                    common_limit: row.get(4)?,
                    excludes_pending_external: row.get(5)?,
                    excludes_on_hold: row.get(6)?,
                })
            },
        )?
        .ok_or_else(|| Error::internal("the file has no auto_allocation row"))
    }

    fn load(&self, s: &Snapshot<'_>, agent: AgentId) -> Result<i64> {
        s.number(
            "SELECT count(*) FROM conversation WHERE agent_assignee_id = ?1 AND is_deleted = 0 AND status < 5
               AND NOT (?2 AND status = 3) AND NOT (?3 AND status = 4)",
            (agent, self.excludes_pending_external, self.excludes_on_hold),
        )
    }
}

fn rule(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Rule> {
    Rule::parse(row.get_ref(column)?.as_str()?).ok_or(rusqlite::types::FromSqlError::InvalidType.into())
}
