//! Giving waiting conversations to agents with room (contract 15.4). It runs inside the one writing transaction, so two
//! allocations never see the same room: a limit cannot be overshot.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::super::availability::Presence;
use super::super::decision::{self, AllocationTrace, Trace};
use super::super::event::{self, Assignee, Change, Event};
use super::super::{Actor, Cause};
use super::{Candidate, Choice, Rule, Settings, Standing, pick};
use crate::db::{Snapshot, Tx};
use crate::error::Result;
use crate::ids::{AgentId, ContactId, ConversationId, DepartmentId};
use crate::time::Timestamp;

/// The name of this reader of the event log.
pub const CONSUMER: &str = "allocation";

/// A conversation was created: it takes its turn, and gets an agent at once where one has room. Why nobody had is
/// written down.
pub fn await_turn(tx: &Tx<'_>, id: ConversationId) -> Result<()> {
    if !Settings::read(tx)?.is_enabled {
        return Ok(());
    }
    let waits = tx.run(
        "UPDATE conversation SET awaits_allocation = 1 WHERE id = ? AND agent_assignee_id IS NULL AND status < 5",
        [id],
    )?;
    if waits == 0 {
        return Ok(());
    }
    let mut round = Round::begin(tx)?;
    round.serve(tx)?;
    if let Some(left) = waiting(tx, id)? {
        let choice = round.choice(tx, &left)?;
        decision::record(tx, id, &Trace::Allocation(AllocationTrace { choice, chosen: None }))?;
    }
    Ok(())
}

/// Gives out what waits, the most urgent and then the oldest first, for as long as somebody has room. Tells how many.
pub fn serve(tx: &Tx<'_>) -> Result<usize> {
    // The planner would rather look at all that is open.
    let waits = "SELECT 1 FROM conversation INDEXED BY conversation_waiting
                 WHERE awaits_allocation = 1 AND is_deleted = 0 AND status < 5 LIMIT 1";
    if !tx.exists(waits, [])? || !Settings::read(tx)?.is_enabled {
        return Ok(0);
    }
    Round::begin(tx)?.serve(tx)
}

/// Reads the log: whatever lowers an agent's load makes room.
pub fn handle(tx: &Tx<'_>, event: &Event, _: &str) -> Result<()> {
    match event.kind.as_str() {
        "created" | "received" | "replied" | "noted" | "read" | "unread" | "mailSent" | "mailFailed"
        | "remarked" => Ok(()),
        _ => serve(tx).map(|_| ()),
    }
}

/// A conversation whose turn it may be.
struct Waiting {
    id: ConversationId,
    department: Option<DepartmentId>,
    contact: Option<ContactId>,
}

/// The agents as they stand in this transaction.
struct Round {
    settings: Settings,
    agents: Vec<Candidate>,
    members: HashMap<DepartmentId, HashSet<AgentId>>,
}

impl Round {
    fn begin(tx: &Tx<'_>) -> Result<Self> {
        let settings = Settings::read(tx)?;
        let mut agents = tx.all(
            "SELECT a.id, coalesce(v.status, 'offline'), v.seen_at, coalesce(v.is_accepting, 1),
               coalesce(v.max_conversations, 20), v.last_allocated_at
             FROM agent a LEFT JOIN agent_availability v ON v.agent_id = a.id
             WHERE a.deleted_at IS NULL AND a.is_active = 1 ORDER BY a.id",
            [],
            |row| {
                let chosen = Presence::parse(row.get_ref(1)?.as_str()?).unwrap_or(Presence::Offline);
                let own_limit: i64 = row.get(4)?;
                Ok(Candidate {
                    agent: row.get(0)?,
                    load: 0,
                    limit: if settings.has_common_limit { settings.common_limit } else { own_limit },
                    is_online: chosen.at(row.get(2)?, tx.now()) == Presence::Online,
                    is_accepting: row.get(3)?,
                    last_allocated: row.get::<_, Option<Timestamp>>(5)?.map(Timestamp::millis),
                })
            },
        )?;
        for candidate in &mut agents {
            candidate.load = settings.load(tx, candidate.agent)?;
        }
        Ok(Self { settings, agents, members: HashMap::new() })
    }

    fn serve(&mut self, tx: &Tx<'_>) -> Result<usize> {
        let mut given = 0;
        while let Some(next) = self.next(tx)? {
            let choice = self.choice(tx, &next)?;
            let Some(agent) = pick(&choice) else { break };
            self.assign(tx, &next, choice, agent)?;
            given += 1;
        }
        Ok(given)
    }

    /// The first in order among the departments where somebody has room.
    fn next(&mut self, tx: &Tx<'_>) -> Result<Option<Waiting>> {
        if !self.agents.iter().any(|agent| agent.standing() == Standing::Eligible) {
            return Ok(None);
        }
        let departments: Vec<Option<DepartmentId>> = tx.all(
            "SELECT DISTINCT department_assignee_id FROM conversation INDEXED BY conversation_waiting
             WHERE awaits_allocation = 1 AND is_deleted = 0 AND status < 5 AND agent_assignee_id IS NULL",
            [],
            |row| row.get(0),
        )?;
        let mut first: Option<((i64, Timestamp, ConversationId), Waiting)> = None;
        for department in departments {
            if !self.members(tx, department)?.any(|member| member.standing() == Standing::Eligible) {
                continue;
            }
            let found = tx.one(
                "SELECT id, contact_id, priority, created_at FROM conversation INDEXED BY conversation_waiting
                 WHERE awaits_allocation = 1 AND is_deleted = 0 AND status < 5 AND agent_assignee_id IS NULL
                   AND department_assignee_id IS ?
                 ORDER BY priority, created_at, id LIMIT 1",
                [department],
                |row| {
                    let waiting = Waiting { id: row.get(0)?, department, contact: row.get(1)? };
                    Ok(((row.get::<_, i64>(2)?, row.get::<_, Timestamp>(3)?, waiting.id), waiting))
                },
            )?;
            if let Some(found) = found
                && first.as_ref().is_none_or(|first| found.0 < first.0)
            {
                first = Some(found);
            }
        }
        Ok(first.map(|(_, waiting)| waiting))
    }

    /// The agents of a department; every agent where there is none.
    fn members(
        &mut self,
        s: &Snapshot<'_>,
        department: Option<DepartmentId>,
    ) -> Result<impl Iterator<Item = &Candidate>> {
        if let Some(department) = department
            && !self.members.contains_key(&department)
        {
            let members = s.all(
                "SELECT agent_id FROM department_agent WHERE department_id = ?1
                 UNION
                 SELECT r.agent_id FROM department_role d JOIN agent_role r ON r.role_id = d.role_id
                 WHERE d.department_id = ?1",
                [department],
                |row| row.get(0),
            )?;
            self.members.insert(department, members.into_iter().collect());
        }
        let members = department.and_then(|department| self.members.get(&department));
        Ok(self
            .agents
            .iter()
            .filter(move |candidate| members.is_none_or(|members| members.contains(&candidate.agent))))
    }

    fn choice(&mut self, tx: &Tx<'_>, waiting: &Waiting) -> Result<Choice> {
        let own = tx.one(
            "SELECT rule, prefers_last_assignee FROM department_allocation WHERE department_id = ?",
            [waiting.department],
            |row| Ok((super::rule(row, 0)?, row.get(1)?)),
        )?;
        let (rule, prefers_last) = own.unwrap_or((self.settings.rule, self.settings.prefers_last_assignee));
        let preferred = match waiting.contact {
            Some(contact) if prefers_last => last_assignee(tx, contact, waiting.id)?,
            _ => None,
        };
        let pointer = match rule {
            Rule::LoadBalancing => 0,
            Rule::RoundRobin => tx.number(
                "SELECT agent_id FROM allocation_pointer WHERE department_id = ?",
                [waiting.department.map_or(0, |department| department.0)],
            )?,
        };
        let candidates = self.members(tx, waiting.department)?.cloned().collect();
        Ok(Choice { rule, preferred, pointer: AgentId(pointer), candidates })
    }

    fn assign(&mut self, tx: &Tx<'_>, waiting: &Waiting, choice: Choice, agent: AgentId) -> Result<()> {
        tx.run(
            "UPDATE conversation SET agent_assignee_id = ?1, awaits_allocation = 0, last_activity_at = ?2
             WHERE id = ?3",
            (agent, tx.now(), waiting.id),
        )?;
        tx.run(
            "INSERT INTO agent_availability (agent_id, last_allocated_at) VALUES (?1, ?2)
             ON CONFLICT (agent_id) DO UPDATE SET last_allocated_at = ?2",
            (agent, tx.now()),
        )?;
        if choice.rule == Rule::RoundRobin {
            tx.run(
                "INSERT INTO allocation_pointer (department_id, agent_id) VALUES (?1, ?2)
                 ON CONFLICT (department_id) DO UPDATE SET agent_id = ?2",
                (waiting.department.map_or(0, |department| department.0), agent),
            )?;
        }
        if let Some(candidate) = self.agents.iter_mut().find(|candidate| candidate.agent == agent) {
            candidate.last_allocated = Some(tx.now().millis());
        }
        let by = Actor::Rule(Arc::new(Cause {
            kind: "autoAllocation",
            id: None,
            name: "Auto allocation".to_owned(),
            event: None,
            depth: 0,
        }));
        let from = Assignee { agent: None, department: waiting.department };
        let to = Assignee { agent: Some(agent), ..from };
        event::record(tx, &by, waiting.id, Change::AssigneeChanged { from, to })?;
        let trace = Trace::Allocation(AllocationTrace { choice, chosen: Some(agent) });
        decision::record(tx, waiting.id, &trace)?;
        // A status that is left out of the load leaves it as it was.
        let load = self.settings.load(tx, agent)?;
        if let Some(candidate) = self.agents.iter_mut().find(|candidate| candidate.agent == agent) {
            candidate.load = load;
        }
        Ok(())
    }
}

fn waiting(s: &Snapshot<'_>, id: ConversationId) -> Result<Option<Waiting>> {
    s.one(
        "SELECT department_assignee_id, contact_id FROM conversation WHERE id = ? AND awaits_allocation = 1",
        [id],
        |row| Ok(Waiting { id, department: row.get(0)?, contact: row.get(1)? }),
    )
}

fn last_assignee(s: &Snapshot<'_>, contact: ContactId, except: ConversationId) -> Result<Option<AgentId>> {
    s.one(
        "SELECT agent_assignee_id FROM conversation
         WHERE contact_id = ? AND id <> ? AND is_deleted = 0 AND agent_assignee_id IS NOT NULL
         ORDER BY listed_at DESC, id DESC LIMIT 1",
        (contact, except),
        |row| row.get(0),
    )
}
