//! What an agent wants to be told at once: a conversation became theirs, somebody mentioned them, something was
//! written to one of theirs, unread counts may have changed (contract 25.12).

use super::Actor;
use super::conversation::{self, Conversation};
use super::event::Event;
use crate::db::Snapshot;
use crate::error::Result;
use crate::ids::{AgentId, MessageId};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    AssignedToMe,
    Mentioned(MessageId),
    NewReply(MessageId),
    /// Says nothing about which conversation.
    CountsChanged,
}

/// What the event means to an agent; nothing where it concerns a conversation that they may not see.
pub fn of(s: &Snapshot<'_>, by: &Actor, event: &Event) -> Result<Vec<Notice>> {
    let Some(me) = by.agent_id() else { return Ok(Vec::new()) };
    let id = |key: &str| event.detail[key].as_i64();
    let is_mine = event.actor_type == "agent" && event.actor_id == Some(me.0);
    let mut notices = Vec::new();
    let about = conversation::get(s, by, event.conversation_id)?;
    if let Some(about) = &about {
        let is_new =
            event.kind == "created" && about.agent_assignee_id == Some(me) && !was_reassigned(s, about)?;
        let was_given = event.kind == "assigneeChanged"
            && id("newAgentAssigneeId") == Some(me.0)
            && id("oldAgentAssigneeId") != Some(me.0);
        if (is_new || was_given) && !is_mine {
            notices.push(Notice::AssignedToMe);
        }
        if let Some(message) = id("messageId").map(MessageId) {
            if matches!(event.kind.as_str(), "created" | "noted") && is_mentioned(s, me, message)? {
                notices.push(Notice::Mentioned(message));
            }
            let is_reply = matches!(event.kind.as_str(), "received" | "replied");
            if is_reply && !is_mine && about.agent_assignee_id == Some(me) {
                notices.push(Notice::NewReply(message));
            }
        }
    }
    // Who gave a conversation away no longer sees it, but their counts are other ones now.
    let was_mine = id("oldAgentAssigneeId") == Some(me.0);
    if COUNTING.contains(&event.kind.as_str()) && (about.is_some() || was_mine) {
        notices.push(Notice::CountsChanged);
    }
    Ok(notices)
}

/// Events after which a filter may hold other unread conversations than before.
const COUNTING: &[&str] = &[
    "created",
    "received",
    "replied",
    "noted",
    "read",
    "unread",
    "statusChanged",
    "assigneeChanged",
    "updated",
    "deleted",
    "restored",
    "mergedFrom",
    "mergedInto",
];

fn was_reassigned(s: &Snapshot<'_>, about: &Conversation) -> Result<bool> {
    s.exists("SELECT 1 FROM event WHERE conversation_id = ? AND kind = 'assigneeChanged' LIMIT 1", [about.id])
}

fn is_mentioned(s: &Snapshot<'_>, agent: AgentId, message: MessageId) -> Result<bool> {
    s.exists(
        "SELECT 1 FROM message m JOIN mention x ON x.conversation_id = m.conversation_id AND x.message_id = m.id
         WHERE m.id = ? AND x.agent_id = ?",
        (message, agent),
    )
}
