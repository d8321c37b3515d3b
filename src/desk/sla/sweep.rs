//! Giving every open conversation its policy and due times again, some at a time, after a change of policies, calendar
//! or switches. How far it has come is a row (`sla_sweep`), so that a restart goes on and another change begins anew.

use super::evaluate;
use crate::db::{Snapshot, Tx};
use crate::error::Result;
use crate::ids::ConversationId;

/// Conversations evaluated in one transaction.
pub const BATCH: usize = 100;
/// Found in one read.
const FOUND: i64 = 10_000;

/// The next conversations to evaluate, in order; `None` when nothing is asked for.
pub fn waiting(s: &Snapshot<'_>) -> Result<Option<Vec<ConversationId>>> {
    let Some(after) = s.one("SELECT after_id FROM sla_sweep", [], |row| row.get::<_, i64>(0))? else {
        return Ok(None);
    };
    let ids = s.all(
        "SELECT id FROM conversation INDEXED BY conversation_open
         WHERE is_deleted = 0 AND status < 5 AND ? < id ORDER BY id LIMIT ?",
        (after, FOUND),
        |row| row.get(0),
    )?;
    Ok(Some(ids))
}

/// Evaluates some; says no, and does nothing, when a change in between asked to begin anew.
pub fn evaluate_some(tx: &Tx<'_>, after: ConversationId, ids: &[ConversationId]) -> Result<bool> {
    if position(tx)? != Some(after) {
        return Ok(false);
    }
    for id in ids {
        evaluate(tx, *id, super::Choosing::Anew)?;
    }
    if let Some(last) = ids.last() {
        tx.run("UPDATE sla_sweep SET after_id = ?", [last])?;
    }
    Ok(true)
}

/// Ends the sweep if nothing happened since it came to `after`.
pub fn finish(tx: &Tx<'_>, after: ConversationId) -> Result<()> {
    tx.run("DELETE FROM sla_sweep WHERE after_id = ?", [after])?;
    Ok(())
}

/// How far it has come.
pub fn position(s: &Snapshot<'_>) -> Result<Option<ConversationId>> {
    s.one("SELECT after_id FROM sla_sweep", [], |row| row.get(0))
}
