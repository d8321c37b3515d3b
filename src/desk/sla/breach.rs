//! Targets that were missed: told once for each clock, in the event log, from where webhooks and notifications hear
//! of it.

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
