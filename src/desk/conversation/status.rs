//! The status life cycle (contract 11.2): the one place that changes a status, and the automatic transitions.

use super::Conversation;
use crate::db::Tx;
use crate::desk::Actor;
use crate::desk::code::Status;
use crate::desk::event::{self, Change};
use crate::error::Result;

/// Sets the status; the same status again is no change and no event.
pub fn set(tx: &Tx<'_>, by: &Actor, conversation: &Conversation, to: Status) -> Result<()> {
    if conversation.status == to {
        return Ok(());
    }
    let (closed_at, closed_by_type, closed_by_id) = match to {
        Status::Closed => (Some(tx.now()), Some(by.kind()), by.id()),
        _ => (None, None, None),
    };
    tx.run(
        "UPDATE conversation SET status = ?1, last_status_change_at = ?2, last_activity_at = ?2, closed_at = ?3,
           closed_by_type = ?4, closed_by_id = ?5 WHERE id = ?6",
        (to, tx.now(), closed_at, closed_by_type, closed_by_id, conversation.id),
    )?;
    event::record(tx, by, conversation.id, Change::StatusChanged { from: conversation.status, to })?;
    Ok(())
}

/// What an agent's reply without an explicit status does.
pub fn after_agent_reply(status: Status) -> Status {
    match status {
        Status::New | Status::PendingInternal => Status::PendingExternal,
        other => other,
    }
}

/// What a contact's message does: we must act, and a closed conversation opens again.
pub fn after_contact_message(status: Status) -> Status {
    match status {
        Status::Closed | Status::PendingExternal | Status::OnHold => Status::PendingInternal,
        other => other,
    }
}
