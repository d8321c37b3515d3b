//! Changing a note: its writer may, nobody else. What was sent to somebody is never changed.

use super::message::{self, Body, Message, MessageType};
use super::{editable, mention};
use crate::db::Tx;
use crate::desk::event::{self, Change};
use crate::desk::{Actor, agent};
use crate::error::{Error, Problems, Result};
use crate::html;
use crate::ids::{AgentId, ConversationId, MessageId};

/// Replaces the text of an own note; agents marked in it anew are mentioned. `mentioned` names agents beside those
/// marked; `None` keeps the ones there are.
pub fn edit_note(
    tx: &Tx<'_>,
    by: &Actor,
    conversation: ConversationId,
    id: MessageId,
    body: &Body,
    mentioned: Option<&[AgentId]>,
) -> Result<Message> {
    editable(tx, by, conversation)?;
    let before = message::of(tx, by, conversation, id)?;
    if before.kind != MessageType::Note || before.sender_type != "agent" || before.sender_id != by.id() {
        return Err(Error::may_not("change this message: only own notes can be changed"));
    }
    let mut problems = Problems::default();
    for agent in mentioned.unwrap_or_default() {
        problems.require(
            agent::is_assignable(tx, *agent)?,
            "mentionedAgentIds",
            format!("there is no active agent {agent}"),
        );
    }
    problems.check()?;
    let marked = |html: &str| html::mentions(html).into_iter().map(AgentId).collect::<Vec<_>>();
    let was_marked = marked(&before.html_body);
    let mut agents = marked(&body.html);
    match mentioned {
        Some(mentioned) => agents.extend(mentioned),
        None => agents.extend(before.mentioned.iter().filter(|agent| !was_marked.contains(agent))),
    }
    tx.run(
        "UPDATE message SET html_body = ?, plain_body = ?, edited_at = ? WHERE id = ?",
        (&body.html, &body.plain, tx.now(), id),
    )?;
    mention::replace(tx, conversation, id, &agents)?;
    tx.run("UPDATE conversation SET last_activity_at = ? WHERE id = ?", (tx.now(), conversation))?;
    event::record(tx, by, conversation, Change::NoteEdited { message: id })?;
    message::require(tx, &Actor::System, id)
}
