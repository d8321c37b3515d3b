//! Putting a conversation aside until a time, or until its contact writes, whichever comes first. It comes back unread.

use super::{Conversation, editable};
use crate::db::{Snapshot, Tx};
use crate::desk::Actor;
use crate::desk::event::{self, Change};
use crate::error::{Error, Result};
use crate::ids::{AgentId, ConversationId};
use crate::time::Timestamp;

#[derive(Debug, Clone)]
pub struct Snooze {
    /// `None` waits for the contact alone.
    pub until: Option<Timestamp>,
    pub by: AgentId,
    pub at: Timestamp,
}

/// Puts it aside; again, with another time.
pub fn snooze(tx: &Tx<'_>, by: &Actor, id: ConversationId, until: Option<Timestamp>) -> Result<Conversation> {
    let Some(agent) = by.agent_id() else { return Err(Error::may_not("put conversations aside")) };
    editable(tx, by, id)?;
    if let Some(until) = until.filter(|until| *until <= tx.now()) {
        return Err(Error::invalid("until", format!("'{until}' is not in the future")));
    }
    tx.run(
        "INSERT INTO snooze (conversation_id, until_at, snoozed_by_id, snoozed_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET until_at = ?2, snoozed_by_id = ?3, snoozed_at = ?4",
        (id, until, agent, tx.now()),
    )?;
    tx.run("UPDATE conversation SET last_activity_at = ? WHERE id = ?", (tx.now(), id))?;
    event::record(tx, by, id, Change::Snoozed { until })?;
    super::require(tx, by, id)
}

/// Brings it back at once. `Conflict` when it was not put aside.
pub fn wake(tx: &Tx<'_>, by: &Actor, id: ConversationId) -> Result<()> {
    editable(tx, by, id)?;
    match end(tx, by, id)? {
        true => Ok(()),
        false => Err(Error::Conflict(format!("conversation {id} is not put aside"))),
    }
}

/// Whether a conversation is due to come back: the cheap question before `wake_due`.
pub fn is_due(s: &Snapshot<'_>, now: Timestamp) -> Result<bool> {
    s.exists("SELECT 1 FROM snooze WHERE until_at <= ?", [now])
}

/// Brings back up to `limit` conversations whose time has come: they are unread again.
pub fn wake_due(tx: &Tx<'_>, limit: i64) -> Result<()> {
    let due: Vec<ConversationId> = tx.all(
        "SELECT conversation_id FROM snooze WHERE until_at <= ? ORDER BY until_at LIMIT ?",
        (tx.now(), limit),
        |row| row.get(0),
    )?;
    for id in due {
        end(tx, &Actor::System, id)?;
        tx.run(
            "UPDATE conversation SET is_read = 0, last_activity_at = ? WHERE id = ? AND status < 5",
            (tx.now(), id),
        )?;
    }
    Ok(())
}

/// It is aside no longer; tells whether it was.
pub(super) fn end(tx: &Tx<'_>, by: &Actor, id: ConversationId) -> Result<bool> {
    if tx.run("DELETE FROM snooze WHERE conversation_id = ?", [id])? == 0 {
        return Ok(false);
    }
    event::record(tx, by, id, Change::Woken)?;
    Ok(true)
}

/// Of a page of conversations, whose ids are given as JSON.
pub(super) fn of_conversations(s: &Snapshot<'_>, ids: &str) -> Result<Vec<(ConversationId, Snooze)>> {
    s.all(
        "SELECT conversation_id, until_at, snoozed_by_id, snoozed_at FROM snooze
         WHERE conversation_id IN (SELECT value FROM json_each(?))",
        [ids],
        |row| Ok((row.get(0)?, Snooze { until: row.get(1)?, by: row.get(2)?, at: row.get(3)? })),
    )
}
