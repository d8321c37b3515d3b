//! The clocks of one conversation: what starts and stops them. A clock that stopped never changes again.

use super::{Pause, Rules, Target, breach};
use crate::db::{Snapshot, Tx};
use crate::desk::Actor;
use crate::desk::code::Status;
use crate::error::Result;
use crate::ids::{ConversationId, MessageId, SlaPolicyId};
use crate::time::Timestamp;

/// A clock that runs.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    pub target: Target,
    pub cycle: i64,
    pub started_at: Timestamp,
    pub due_at: Option<Timestamp>,
    pub is_breached: bool,
}

pub(super) fn running(s: &Snapshot<'_>, id: ConversationId) -> Result<Vec<Clock>> {
    s.all(
        "SELECT target, cycle, started_at, due_at, breached_at IS NOT NULL FROM clock
         WHERE conversation_id = ? AND stopped_at IS NULL AND is_dropped = 0 ORDER BY target",
        [id],
        |row| {
            let target: i64 = row.get(0)?;
            Ok(Clock {
                target: Target::ALL[(target as usize).clamp(1, 3) - 1],
                cycle: row.get(1)?,
                started_at: row.get(2)?,
                due_at: row.get(3)?,
                is_breached: row.get(4)?,
            })
        },
    )
}

/// A conversation began. What an agent opens with an answer needs no first one; a note is none.
pub(super) fn begin(tx: &Tx<'_>, by: &Actor, id: ConversationId, message: MessageId) -> Result<()> {
    let is_answered = matches!(by, Actor::Agent(_))
        && tx.exists("SELECT 1 FROM message WHERE id = ? AND type <> 'note'", [message])?;
    if !is_answered {
        tx.run(
            "INSERT INTO clock (conversation_id, target, cycle, started_at, opened_at, opened_agent_id,
               opened_department_id)
             SELECT id, 1, 1, created_at, created_at, agent_assignee_id, department_assignee_id
             FROM conversation WHERE id = ?",
            [id],
        )?;
    }
    tx.run(
        "INSERT INTO clock (conversation_id, target, cycle, started_at, opened_at, opened_agent_id,
           opened_department_id, stopped_at, stopped_agent_id, stopped_department_id)
         SELECT id, 3, 1, created_at, created_at, agent_assignee_id, department_assignee_id, closed_at,
           iif(closed_at IS NULL, NULL, coalesce(?, agent_assignee_id)),
           iif(closed_at IS NULL, NULL, department_assignee_id)
         FROM conversation WHERE id = ?",
        (by.agent_id(), id),
    )?;
    Ok(())
}

/// The contact wrote: a clock for the next answer starts unless an answer is waited for already. Tells whether it did.
pub(super) fn contact_wrote(tx: &Tx<'_>, id: ConversationId) -> Result<bool> {
    let started = tx.run(
        "INSERT INTO clock (conversation_id, target, cycle, started_at, opened_at, opened_agent_id,
           opened_department_id)
         SELECT c.id, 2, 1 + (SELECT count(*) FROM clock k WHERE k.conversation_id = c.id AND k.target = 2), ?1, ?1,
           c.agent_assignee_id, c.department_assignee_id
         FROM conversation c WHERE c.id = ?2 AND NOT EXISTS (SELECT 1 FROM clock k WHERE k.conversation_id = c.id
           AND k.target IN (1, 2) AND k.stopped_at IS NULL AND k.is_dropped = 0)",
        (tx.now(), id),
    )?;
    Ok(0 < started)
}

/// An agent answered: nobody waits for an answer any more.
pub(super) fn answered(tx: &Tx<'_>, by: &Actor, id: ConversationId) -> Result<()> {
    for clock in running(tx, id)?.iter().filter(|clock| clock.target != Target::Resolve) {
        stop(tx, by, id, clock)?;
    }
    Ok(())
}

/// Closed: resolved; a next answer will not come. The first answer is waited for still (contract 18.4).
pub(super) fn closed(tx: &Tx<'_>, by: &Actor, id: ConversationId) -> Result<()> {
    for clock in &running(tx, id)? {
        match clock.target {
            Target::First => {}
            Target::Resolve => stop(tx, by, id, clock)?,
            Target::Next => {
                breach_if_late(tx, id, clock)?;
                tx.run(
                    "UPDATE clock SET is_dropped = 1 WHERE conversation_id = ? AND target = ? AND cycle = ?",
                    (id, clock.target as i64, clock.cycle),
                )?;
            }
        }
    }
    Ok(())
}

/// Opened again: the time to resolve goes on as if it had never been closed.
pub(super) fn reopened(tx: &Tx<'_>, id: ConversationId) -> Result<()> {
    tx.run(
        "INSERT INTO clock (conversation_id, target, cycle, started_at, opened_at, opened_agent_id,
           opened_department_id)
         SELECT c.id, 3, 1 + (SELECT count(*) FROM clock k WHERE k.conversation_id = c.id AND k.target = 3),
           c.created_at, ?, c.agent_assignee_id, c.department_assignee_id
         FROM conversation c WHERE c.id = ? AND NOT EXISTS (SELECT 1 FROM clock k
           WHERE k.conversation_id = c.id AND k.target = 3 AND k.stopped_at IS NULL)",
        (tx.now(), id),
    )?;
    Ok(())
}

/// In the recycle bin nothing is due.
pub(super) fn freeze(tx: &Tx<'_>, id: ConversationId) -> Result<()> {
    tx.run(
        "UPDATE clock SET due_at = NULL WHERE conversation_id = ? AND stopped_at IS NULL AND breached_at IS NULL",
        [id],
    )?;
    renew(tx, id)
}

/// Merged into another conversation, which keeps its own clocks.
pub(super) fn forget(tx: &Tx<'_>, id: ConversationId) -> Result<()> {
    tx.run("DELETE FROM clock WHERE conversation_id = ?", [id])?;
    tx.run("UPDATE conversation SET sla_policy_id = NULL WHERE id = ?", [id])?;
    renew(tx, id)
}

fn stop(tx: &Tx<'_>, by: &Actor, id: ConversationId, clock: &Clock) -> Result<()> {
    breach_if_late(tx, id, clock)?;
    tx.run(
        "UPDATE clock SET stopped_at = ?1, stopped_agent_id = coalesce(?2, (SELECT agent_assignee_id
             FROM conversation WHERE id = ?3)),
           stopped_department_id = (SELECT department_assignee_id FROM conversation WHERE id = ?3)
         WHERE conversation_id = ?3 AND target = ?4 AND cycle = ?5",
        (tx.now(), by.agent_id(), id, clock.target as i64, clock.cycle),
    )?;
    Ok(())
}

/// What comes after it was due is a breach, also when the minute's check has not seen it yet.
fn breach_if_late(tx: &Tx<'_>, id: ConversationId, clock: &Clock) -> Result<()> {
    match clock.due_at {
        Some(due) if due < tx.now() && !clock.is_breached => {
            breach::record(tx, id, clock.target, clock.cycle, due)
        }
        _ => Ok(()),
    }
}

/// Gives a running clock its due time. One that is not due yet after all has not been missed.
pub(super) fn set_due(
    tx: &Tx<'_>,
    id: ConversationId,
    clock: &Clock,
    policy: Option<SlaPolicyId>,
    due: Option<Timestamp>,
) -> Result<()> {
    tx.run(
        "UPDATE clock SET due_at = ?1, sla_policy_id = ?2,
           breached_at = iif(breached_at IS NOT NULL AND ?1 < ?3, ?1, NULL)
         WHERE conversation_id = ?4 AND target = ?5 AND cycle = ?6",
        (due, policy, tx.now(), id, clock.target as i64, clock.cycle),
    )?;
    Ok(())
}

/// Brings the conversation's own columns in line with its running clocks.
pub(super) fn renew(tx: &Tx<'_>, id: ConversationId) -> Result<()> {
    tx.run(
        "UPDATE conversation SET first_respond_due_at = due.first, next_respond_due_at = due.next,
           resolve_due_at = due.resolve, next_breach_at = due.soonest
         FROM (SELECT max(due_at) FILTER (WHERE target = 1) AS first, max(due_at) FILTER (WHERE target = 2) AS next,
             max(due_at) FILTER (WHERE target = 3) AS resolve, min(due_at) AS soonest
           FROM clock WHERE conversation_id = ?1 AND stopped_at IS NULL AND is_dropped = 0) AS due
         WHERE id = ?1",
        [id],
    )?;
    Ok(())
}

/// The times in which the conversation had a status that stops clocks, from its log.
pub(super) fn pauses(s: &Snapshot<'_>, id: ConversationId, rules: &Rules) -> Result<Vec<Pause>> {
    let changes: Vec<(i64, String, String)> = s.all(
        "SELECT at, detail ->> '$.oldStatus', detail ->> '$.newStatus' FROM event
         WHERE conversation_id = ? AND kind = 'statusChanged' ORDER BY id",
        [id],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let (created_at, status) = s
        .one("SELECT created_at, status FROM conversation WHERE id = ?", [id], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Status>(1)?))
        })?
        .unwrap_or((0, Status::New));
    let first = changes.first().and_then(|(_, old, _)| Status::parse(old)).unwrap_or(status);
    let mut pauses: Vec<Pause> = Vec::new();
    let mut enter = |at: i64, status: Status| match pauses.last_mut().filter(|last| last.to.is_none()) {
        Some(open) if !rules.is_pause(status) => open.to = Some(at),
        None if rules.is_pause(status) => pauses.push(Pause { from: at, to: None }),
        _ => {}
    };
    enter(created_at, first);
    for (at, _, new) in &changes {
        if let Some(new) = Status::parse(new) {
            enter(*at, new);
        }
    }
    Ok(pauses)
}
