//! Targets that were missed, or soon will be: told once for each clock, in the event log, from where webhooks and
//! notices hear of it.

use std::time::Duration;

use super::{Target, sla_policy_name};
use crate::db::Tx;
use crate::desk::Actor;
use crate::desk::event::{self, Change};
use crate::error::Result;
use crate::ids::ConversationId;
use crate::time::Timestamp;

/// Breaches recorded in one transaction.
pub const BATCH: i64 = 200;

/// Records what became overdue, the longest overdue first, some at a time; tells how many.
pub fn record_overdue(tx: &Tx<'_>) -> Result<usize> {
    let overdue: Vec<(ConversationId, usize, i64, Timestamp)> = tx.all(
        "SELECT conversation_id, target, cycle, due_at FROM clock INDEXED BY clock_due
         WHERE due_at IS NOT NULL AND stopped_at IS NULL AND breached_at IS NULL AND is_dropped = 0 AND due_at < ?
         ORDER BY due_at LIMIT ?",
        (tx.now(), BATCH),
        |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as usize, row.get(2)?, row.get(3)?)),
    )?;
    for (id, target, cycle, due) in &overdue {
        record(tx, *id, Target::ALL[target - 1], *cycle, *due)?;
    }
    Ok(overdue.len())
}

/// How long before it is due a target is near; of a short one, the second half.
const NEAR: Duration = Duration::from_secs(3600);

/// Tells what is due soon, some at a time; tells how many.
pub fn warn_near(tx: &Tx<'_>) -> Result<usize> {
    let near: Vec<(ConversationId, usize, i64, Timestamp)> = tx.all(
        "SELECT conversation_id, target, cycle, due_at FROM clock INDEXED BY clock_due
         WHERE due_at IS NOT NULL AND stopped_at IS NULL AND breached_at IS NULL AND is_dropped = 0
           AND due_at BETWEEN ?1 AND ?2 AND warned_at IS NULL AND due_at - (due_at - started_at) / 2 <= ?1
         ORDER BY due_at LIMIT ?3",
        (tx.now(), tx.now().plus(NEAR), BATCH),
        |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as usize, row.get(2)?, row.get(3)?)),
    )?;
    for (id, target, cycle, due_at) in &near {
        tx.run(
            "UPDATE clock SET warned_at = ? WHERE conversation_id = ? AND target = ? AND cycle = ?",
            (tx.now(), id, *target as i64, cycle),
        )?;
        let target = Target::ALL[target - 1].name();
        event::record(tx, &Actor::System, *id, Change::SlaNear { target, due_at: *due_at })?;
    }
    Ok(near.len())
}

pub(super) fn record(
    tx: &Tx<'_>,
    id: ConversationId,
    target: Target,
    cycle: i64,
    due_at: Timestamp,
) -> Result<()> {
    tx.run(
        "UPDATE clock SET breached_at = due_at WHERE conversation_id = ? AND target = ? AND cycle = ?",
        (id, target as i64, cycle),
    )?;
    let policy = sla_policy_name(tx, id)?;
    event::record(tx, &Actor::System, id, Change::SlaBreached { target: target.name(), due_at, policy })?;
    Ok(())
}
