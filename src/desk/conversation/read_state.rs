//! Read and unread (contract 11.3): one flag for all agents, one for the contact.

use super::{editable, mention, require};
use crate::db::Tx;
use crate::desk::Actor;
use crate::desk::event::{self, Change};
use crate::error::Result;
use crate::ids::ConversationId;

/// Marks it read: for agents, with the caller's mentions; or for the contact who calls.
pub fn mark_read(tx: &Tx<'_>, by: &Actor, id: ConversationId) -> Result<()> {
    set(tx, by, id, true)
}

pub fn mark_unread(tx: &Tx<'_>, by: &Actor, id: ConversationId) -> Result<()> {
    set(tx, by, id, false)
}

fn set(tx: &Tx<'_>, by: &Actor, id: ConversationId, is_read: bool) -> Result<()> {
    if let Actor::Contact(_) = by {
        require(tx, by, id)?;
        tx.run("UPDATE conversation SET is_read_by_contact = ? WHERE id = ?", (is_read, id))?;
        return Ok(());
    }
    editable(tx, by, id)?;
    set_for_agents(tx, by, id, is_read)
}

/// The flag that all agents share, by somebody who may change the conversation; with the caller's mentions.
pub(super) fn set_for_agents(tx: &Tx<'_>, by: &Actor, id: ConversationId, is_read: bool) -> Result<()> {
    if let (Some(agent), true) = (by.agent_id(), is_read) {
        mention::mark_read(tx, id, agent)?;
    }
    let changed =
        tx.run("UPDATE conversation SET is_read = ?1 WHERE id = ?2 AND is_read <> ?1", (is_read, id))?;
    if changed == 1 {
        event::record(tx, by, id, if is_read { Change::Read } else { Change::Unread })?;
    }
    Ok(())
}
