//! Who has a conversation open, and who is writing into it, so that two agents do not answer at once. An open page says
//! so every few seconds; who has not for a while is gone.

use std::time::Duration;

use super::require;
use crate::db::{Snapshot, Tx};
use crate::desk::Actor;
use crate::error::{Error, Result};
use crate::ids::{AgentId, ConversationId};
use crate::time::Timestamp;

#[derive(Debug, Clone)]
pub struct Presence {
    pub conversation_id: ConversationId,
    pub agent_id: AgentId,
    pub name: String,
    pub is_writing: bool,
    pub seen_at: Timestamp,
}

/// How often a page should say that it is open.
pub const BEAT: Duration = Duration::from_secs(15);
/// How long a sign of life counts.
const LIFE: Duration = Duration::from_secs(45);

/// Agents who have the conversation open now, the caller among them; who writes comes first.
pub fn list(s: &Snapshot<'_>, by: &Actor, id: ConversationId, now: Timestamp) -> Result<Vec<Presence>> {
    require(s, by, id)?;
    of_conversations(s, &[id], now)
}

/// The same for a page of conversations that the caller was found to see.
pub fn of_conversations(s: &Snapshot<'_>, ids: &[ConversationId], now: Timestamp) -> Result<Vec<Presence>> {
    let ids = serde_json::to_string(ids).map_err(Error::internal)?;
    s.all(
        "SELECT p.conversation_id, p.agent_id, a.display_name, p.is_writing, p.seen_at
         FROM presence p JOIN agent a ON a.id = p.agent_id
         WHERE p.conversation_id IN (SELECT value FROM json_each(?)) AND ? < p.seen_at
         ORDER BY p.is_writing DESC, a.display_name, p.conversation_id",
        (ids, now.minus(LIFE)),
        |row| {
            Ok(Presence {
                conversation_id: row.get(0)?,
                agent_id: row.get(1)?,
                name: row.get(2)?,
                is_writing: row.get(3)?,
                seen_at: row.get(4)?,
            })
        },
    )
}

/// Whether saying it would tell anything new: spares a write each few seconds.
pub fn wants_beat(
    s: &Snapshot<'_>,
    agent: AgentId,
    id: ConversationId,
    is_writing: bool,
    now: Timestamp,
) -> Result<bool> {
    let is_fresh = s.exists(
        "SELECT 1 FROM presence WHERE conversation_id = ? AND agent_id = ? AND is_writing = ? AND ? < seen_at",
        (id, agent, is_writing, now.minus(BEAT / 2)),
    )?;
    Ok(!is_fresh)
}

/// The caller has the conversation open.
pub fn beat(tx: &Tx<'_>, by: &Actor, id: ConversationId, is_writing: bool) -> Result<()> {
    let Some(agent) = by.agent_id() else { return Err(Error::may_not("be shown as an agent")) };
    require(tx, by, id)?;
    tx.run(
        "INSERT INTO presence (conversation_id, agent_id, is_writing, seen_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET is_writing = ?3, seen_at = ?4",
        (id, agent, is_writing, tx.now()),
    )?;
    Ok(())
}

/// The caller closed it.
pub fn leave(tx: &Tx<'_>, by: &Actor, id: ConversationId) -> Result<()> {
    require(tx, by, id)?;
    tx.run("DELETE FROM presence WHERE conversation_id = ? AND agent_id IS ?", (id, by.agent_id()))?;
    Ok(())
}

/// Forgets who is gone.
pub fn sweep(tx: &Tx<'_>) -> Result<usize> {
    tx.run("DELETE FROM presence WHERE seen_at < ?", [tx.now().minus(LIFE)])
}
