//! @mentions in notes (contract 11.4): a mentioned agent sees, edits and replies whatever the permissions.

use crate::db::Tx;
use crate::desk::agent;
use crate::error::Result;
use crate::ids::{AgentId, ConversationId, MessageId};

/// Records mentions; unknown and inactive agents are passed over.
pub fn record(
    tx: &Tx<'_>,
    conversation: ConversationId,
    message: MessageId,
    agents: &[AgentId],
) -> Result<()> {
    for id in agents {
        if agent::is_assignable(tx, *id)? {
            tx.run(
                "INSERT OR IGNORE INTO mention (conversation_id, agent_id, message_id) VALUES (?, ?, ?)",
                (conversation, id, message),
            )?;
        }
    }
    Ok(())
}

/// The mentions of a note that was changed: those that stay keep whether they were read.
pub fn replace(
    tx: &Tx<'_>,
    conversation: ConversationId,
    message: MessageId,
    agents: &[AgentId],
) -> Result<()> {
    let kept = serde_json::to_string(agents).unwrap_or_default();
    tx.run(
        "DELETE FROM mention WHERE conversation_id = ? AND message_id = ?
           AND agent_id NOT IN (SELECT value FROM json_each(?))",
        (conversation, message, kept),
    )?;
    record(tx, conversation, message, agents)
}

/// The agent has seen every mention in the conversation.
pub fn mark_read(tx: &Tx<'_>, conversation: ConversationId, agent: AgentId) -> Result<()> {
    tx.run(
        "UPDATE mention SET is_read = 1 WHERE agent_id = ? AND conversation_id = ? AND is_read = 0",
        (agent, conversation),
    )?;
    Ok(())
}
