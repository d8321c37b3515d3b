//! Notices that wait to be mailed. Written by a reader of the event log, in the transaction that moves its cursor: each
//! is there once.

use super::{Kind, choice};
use crate::db::{Snapshot, Tx};
use crate::desk::event::Event;
use crate::desk::{Actor, Permission, Rights, agent};
use crate::error::Result;
use crate::ids::{AgentId, ConversationId, MessageId};
use crate::time::Timestamp;

pub const CONSUMER: &str = "agentNotice";

#[derive(Debug, Clone)]
pub struct Waiting {
    pub id: i64,
    pub agent_id: AgentId,
    pub kind: Kind,
    /// `None` when it is about an e-mail account.
    pub conversation_id: Option<ConversationId>,
    pub message_id: Option<MessageId>,
    pub sentence: String,
    pub created_at: Timestamp,
}

/// Notes what an event is to the agents it concerns, as far as they want mail about it.
pub fn handle(tx: &Tx<'_>, event: &Event) -> Result<()> {
    if !super::TELLING.contains(&event.kind.as_str()) {
        return Ok(());
    }
    for agent in concerned(tx, event)? {
        let Some(rights) = Rights::of(tx, agent)? else { continue };
        let by = Actor::Agent(std::sync::Arc::new(rights));
        for (kind, message) in super::of(tx, &by, event)?.into_iter().filter_map(super::Notice::kind) {
            let who = super::party(tx, &event.actor_type, event.actor_id)?;
            let sentence = super::sentence(kind, &who);
            add(tx, agent, kind, Some((event.conversation_id, message)), &sentence)?;
        }
    }
    Ok(())
}

/// Whom it may concern: who has the conversation, and who is mentioned in the message.
fn concerned(s: &Snapshot<'_>, event: &Event) -> Result<Vec<AgentId>> {
    s.all(
        "SELECT agent_assignee_id FROM conversation WHERE id = ?1 AND agent_assignee_id IS NOT NULL
         UNION
         SELECT agent_id FROM mention WHERE conversation_id = ?1 AND message_id = ?2",
        (event.conversation_id, event.detail["messageId"].as_i64()),
        |row| row.get(0),
    )
}

/// An account has now failed several times in a row: those who manage accounts are told, once.
pub fn account_fails(tx: &Tx<'_>, sentence: &str) -> Result<()> {
    for agent in agent::assignable(tx)? {
        let rights = Rights::of(tx, agent.id)?;
        if rights.is_some_and(|rights| rights.allows(Permission::ManageChannels)) {
            add(tx, agent.id, Kind::AccountFailing, None, sentence)?;
        }
    }
    Ok(())
}

fn add(
    tx: &Tx<'_>,
    agent: AgentId,
    kind: Kind,
    about: Option<(ConversationId, Option<MessageId>)>,
    sentence: &str,
) -> Result<()> {
    if !choice::of(tx, agent, kind)?.by_mail {
        return Ok(());
    }
    let (conversation, message) = about.map_or((None, None), |(id, message)| (Some(id), message));
    tx.run(
        "INSERT INTO notice (agent_id, kind, conversation_id, message_id, sentence, created_at)
         VALUES (?, ?, ?, ?, ?, ?)",
        (agent, kind.name(), conversation, message, sentence, tx.now()),
    )?;
    Ok(())
}

/// Agents for whom something has waited since `since`.
pub fn agents(s: &Snapshot<'_>, since: Timestamp) -> Result<Vec<AgentId>> {
    s.all("SELECT DISTINCT agent_id FROM notice WHERE created_at <= ?", [since], |row| row.get(0))
}

/// Takes everything that waits for an agent, oldest first.
pub(super) fn take(tx: &Tx<'_>, agent: AgentId) -> Result<Vec<Waiting>> {
    let mut taken = tx.all(
        "DELETE FROM notice WHERE agent_id = ?
         RETURNING id, agent_id, kind, conversation_id, message_id, sentence, created_at",
        [agent],
        |row| {
            Ok(Waiting {
                id: row.get(0)?,
                agent_id: row.get(1)?,
                kind: Kind::parse(row.get_ref(2)?.as_str()?)
                    .ok_or(rusqlite::types::FromSqlError::InvalidType)?,
                conversation_id: row.get(3)?,
                message_id: row.get(4)?,
                sentence: row.get(5)?,
                created_at: row.get(6)?,
            })
        },
    )?;
    taken.sort_by_key(|notice| notice.id);
    Ok(taken)
}
