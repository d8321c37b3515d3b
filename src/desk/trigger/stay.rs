//! Conversations that stay at a status for some time (contract 16.5). Each stay is dealt with once, when it becomes
//! long enough: what the conditions say then counts. Days are business days.

use std::time::Duration;

use super::Unit;
use super::decide::{Occasion, Ready};
use super::run::{Happened, rules, run};
use crate::db::Tx;
use crate::desk::code::TriggerEvent;
use crate::desk::{webhook_delivery, working_time};
use crate::error::Result;
use crate::ids::ConversationId;
use crate::time::Timestamp;

/// Stays dealt with in one transaction.
const BATCH: usize = 200;

/// Holidays in a row that a stay of business days may have to wait for.
const HOLIDAYS: Duration = Duration::from_secs(60 * 86_400);

/// Runs triggers for stays that have become long enough; tells whether there may be more.
pub fn run_due(tx: &Tx<'_>, base_url: &str) -> Result<bool> {
    let set = rules(tx)?;
    let mut done = 0;
    for trigger in set.rules.triggers.iter().filter(|it| it.event == TriggerEvent::StaysAtStatusPeriod) {
        for (conversation, since) in due(tx, trigger)? {
            let is_told = tx.exists(
                "SELECT 1 FROM trigger_stay WHERE conversation_id = ? AND since = ?",
                (conversation, since),
            )?;
            tx.run(
                "INSERT OR IGNORE INTO trigger_stay (trigger_id, conversation_id, since) VALUES (?, ?, ?)",
                (trigger.id, conversation, since),
            )?;
            // Several triggers may wait for one stay, which is told once.
            if !is_told {
                webhook_delivery::tell_stay(tx, conversation)?;
            }
            let occasion = Occasion {
                event: TriggerEvent::StaysAtStatusPeriod,
                status: trigger.status,
                only: Some(trigger.id),
            };
            let happened = Happened { conversation, event: None, message: None, depth: 0 };
            run(tx, occasion, &happened, base_url)?;
            done += 1;
        }
        if BATCH <= done {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Stays of this trigger that are long enough and were not dealt with, the oldest first.
fn due(tx: &Tx<'_>, trigger: &Ready) -> Result<Vec<(ConversationId, Timestamp)>> {
    let Some(span) = trigger.span else { return Ok(Vec::new()) };
    let span = span as u64;
    let passed = match trigger.unit {
        Unit::Minutes => Duration::from_secs(span * 60),
        Unit::Hours => Duration::from_secs(span * 3600),
        // A business day is at least a day, but for the hour that summer time takes.
        Unit::Days => Duration::from_secs(span * 86_400 - 3600),
    };
    let found: Vec<(ConversationId, Timestamp)> = tx.all(
        "SELECT c.id, c.last_status_change_at FROM conversation c
         WHERE c.is_deleted = 0 AND c.merged_into_id IS NULL AND c.status = ?1
           AND c.last_status_change_at <= ?2
           AND (SELECT max(enabled_at, checked_until) FROM trigger WHERE id = ?3) <= c.last_status_change_at
           AND NOT EXISTS (SELECT 1 FROM trigger_stay x WHERE x.trigger_id = ?3 AND x.conversation_id = c.id
                             AND x.since = c.last_status_change_at)
         ORDER BY c.last_status_change_at, c.id LIMIT ?4",
        (trigger.status, tx.now().minus(passed), trigger.id, BATCH as i64),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    if found.len() < BATCH {
        // Whatever began before was dealt with; holidays may keep a business day from being over.
        let slack = if trigger.unit == Unit::Days { HOLIDAYS } else { Duration::ZERO };
        tx.run(
            "UPDATE trigger SET checked_until = max(checked_until, ?) WHERE id = ?",
            (tx.now().minus(passed).minus(slack), trigger.id),
        )?;
    }
    if trigger.unit != Unit::Days || found.is_empty() {
        return Ok(found);
    }
    let calendar = working_time::calendar(tx)?;
    let is_due = |since: Timestamp| {
        working_time::add_business_days(&calendar, since, span as i64).is_some_and(|due| due <= tx.now())
    };
    Ok(found.into_iter().filter(|(_, since)| is_due(*since)).collect())
}

/// Forgets stays that are over: only the one that lasts can come up again.
pub fn sweep(tx: &Tx<'_>) -> Result<usize> {
    tx.run(
        "DELETE FROM trigger_stay WHERE EXISTS (SELECT 1 FROM conversation c
           WHERE c.id = trigger_stay.conversation_id AND c.last_status_change_at <> trigger_stay.since)",
        [],
    )
}
