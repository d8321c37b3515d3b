//! Right now (contract 23.2): open conversations as they stand, for the site and for each department and agent.

use super::{Ask, Metric, Occurrence, Scope, allow, occurrences, volume};
use crate::db::Snapshot;
use crate::desk::code::{Priority, Status};
use crate::desk::{Actor, department};
use crate::error::Result;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    pub unassigned: i64,
    pub open: i64,
    pub new: i64,
    pub pending_internal: i64,
    pub pending_external: i64,
    pub on_hold: i64,
    pub urgent: i64,
    pub high: i64,
}

/// An agent or a department with what it has and what was done today.
#[derive(Debug, Clone)]
pub struct Row {
    pub id: i64,
    pub name: String,
    pub now: Standing,
    pub replied_today: i64,
    pub closed_today: i64,
}

/// What rows are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Agents,
    Departments,
}

impl Standing {
    fn add(&mut self, it: &Open) {
        self.open += it.conversations;
        if it.what.agent == 0 {
            self.unassigned += it.conversations;
        }
        match it.status {
            Status::New => self.new += it.conversations,
            Status::PendingInternal => self.pending_internal += it.conversations,
            Status::PendingExternal => self.pending_external += it.conversations,
            Status::OnHold => self.on_hold += it.conversations,
            Status::Closed => {}
        }
        match it.priority {
            Priority::Urgent => self.urgent += it.conversations,
            Priority::High => self.high += it.conversations,
            Priority::Normal | Priority::Low => {}
        }
    }
}

/// Open conversations that are alike.
struct Open {
    what: Occurrence,
    status: Status,
    priority: Priority,
    conversations: i64,
}

pub fn standing(s: &Snapshot<'_>, by: &Actor, scope: Scope) -> Result<Standing> {
    allow(by)?;
    let mut standing = Standing::default();
    open(s, scope)?.iter().for_each(|it| standing.add(it));
    Ok(standing)
}

/// One row for each department, or for each agent who is not deleted; of agents those of a department, if the scope
/// is one. `ask` is today.
pub fn rows(s: &Snapshot<'_>, by: &Actor, of: Of, ask: &Ask) -> Result<Vec<Row>> {
    allow(by)?;
    let named: Vec<(i64, String)> = match of {
        Of::Departments => department::list(s)?.into_iter().map(|it| (it.id.0, it.name)).collect(),
        Of::Agents => {
            let sql = "SELECT id, display_name FROM agent WHERE deleted_at IS NULL
                       ORDER BY display_name COLLATE NOCASE, id";
            let all: Vec<(i64, String)> = s.all(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
            match ask.scope {
                Scope::Department(id) => {
                    let members: Vec<i64> = s.all(
                        "SELECT agent_id FROM department_agent WHERE department_id = ?1
                         UNION SELECT r.agent_id FROM department_role d JOIN agent_role r ON r.role_id = d.role_id
                         WHERE d.department_id = ?1",
                        [id],
                        |row| row.get(0),
                    )?;
                    all.into_iter().filter(|(id, _)| members.contains(id)).collect()
                }
                Scope::Agent(only) => all.into_iter().filter(|(id, _)| *id == only).collect(),
                _ => all,
            }
        }
    };
    // The scope of a department chooses agents, not what is counted of them.
    let scope = match (of, ask.scope) {
        (Of::Agents, Scope::Department(_) | Scope::Agent(_)) => Scope::Site,
        (_, scope) => scope,
    };
    let key = |it: &Occurrence| if of == Of::Agents { it.agent } else { it.department };
    let open = open(s, scope)?;
    let today = |metric| -> Result<std::collections::HashMap<i64, std::collections::HashSet<i64>>> {
        let mut seen: std::collections::HashMap<i64, std::collections::HashSet<i64>> = Default::default();
        for it in occurrences(s, metric, scope, ask.from, ask.to)? {
            seen.entry(key(&it)).or_default().insert(it.conversation);
        }
        Ok(seen)
    };
    let (replied, closed) = (today(Metric::Replied)?, today(Metric::Closed)?);
    let count = |seen: &std::collections::HashMap<i64, std::collections::HashSet<i64>>, id: i64| {
        seen.get(&id).map_or(0, |ids| ids.len() as i64)
    };
    Ok(named
        .into_iter()
        .map(|(id, name)| {
            let mut now = Standing::default();
            open.iter().filter(|it| key(&it.what) == id).for_each(|it| now.add(it));
            Row { replied_today: count(&replied, id), closed_today: count(&closed, id), id, name, now }
        })
        .collect())
}

/// What was created, closed, answered and reopened in `ask`'s period.
pub fn today(s: &Snapshot<'_>, by: &Actor, ask: &Ask) -> Result<volume::Counts> {
    volume::since(s, by, ask)
}

fn open(s: &Snapshot<'_>, scope: Scope) -> Result<Vec<Open>> {
    let sql = match scope {
        Scope::Site | Scope::Agent(_) | Scope::Department(_) => TALLIED,
        Scope::Account(_) | Scope::Channel(_) => EACH,
    };
    let mut open = s.all(sql, [], |row| {
        Ok(Open {
            what: Occurrence::from_row(row)?,
            status: row.get(6)?,
            priority: row.get(7)?,
            conversations: row.get(8)?,
        })
    })?;
    open.retain(|it| scope.holds(&it.what));
    Ok(open)
}

const TALLIED: &str =
    "SELECT 0, 0, agent_assignee_id, department_assignee_id, 0, 0, status, priority, conversations
    FROM tally WHERE status < 5 AND 0 < conversations";

/// By what is not tallied.
const EACH: &str =
    "SELECT 0, 0, c.agent_assignee_id, c.department_assignee_id, c.channel, c.email_account_id,
      c.status, c.priority, 1
    FROM conversation c INDEXED BY conversation_open WHERE c.is_deleted = 0 AND c.status < 5";
