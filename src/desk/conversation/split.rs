//! Messages that are in the wrong conversation: splitting them off into a new one, and moving one to another. They keep
//! id, time and sender; files, mentions and the mail they came or went by follow, and so do later answers to them.

use super::create::{self, Opening};
use super::message::{self, Message};
use super::update::SUBJECT_CHARS;
use super::{Conversation, editable, summary};
use crate::db::Tx;
use crate::desk::code::Status;
use crate::desk::event::{self, Change};
use crate::desk::{Actor, check_name};
use crate::error::{Error, Problems, Result};
use crate::ids::{ContactId, ConversationId, MessageId};

/// Opens a conversation with `messages`, in their order, and the properties of the one they come from. Its contact is
/// whoever wrote the first of them. `subject` defaults to that message's.
pub fn split(
    tx: &Tx<'_>,
    by: &Actor,
    id: ConversationId,
    messages: &[MessageId],
    subject: Option<&str>,
) -> Result<Conversation> {
    agents_only(by)?;
    let source = editable(tx, by, id)?;
    let taken = chosen(tx, &source, messages)?;
    let first = taken.first().ok_or_else(|| Error::invalid("messageIds", "is empty"))?;
    let subject = match subject {
        Some(subject) => check_name("subject", subject, SUBJECT_CHARS)?,
        None => Some(first.subject.trim().chars().take(SUBJECT_CHARS).collect::<String>())
            .filter(|subject| !subject.is_empty())
            .unwrap_or_else(|| source.subject.clone()),
    };
    let writer = first.sender_id.filter(|_| first.sender_type == "contact").map(ContactId);
    let target = create::open(
        tx,
        by,
        &Opening {
            subject: &subject,
            channel: source.channel,
            status: Status::New,
            priority: source.priority,
            contact_id: writer.or(source.contact_id),
            agent_assignee_id: source.agent_assignee_id,
            department_assignee_id: source.department_assignee_id,
            email_account_id: source.email_account_id,
            received_from: source.received_from.as_deref(),
            fields: &source.fields,
        },
    )?;
    let messages: Vec<MessageId> = taken.iter().map(|message| message.id).collect();
    relocate(tx, &messages, id, target)?;
    event::record(tx, by, target, Change::SplitFrom { source: id, messages: messages.clone() })?;
    event::record(tx, by, id, Change::SplitInto { target, messages })?;
    super::require(tx, by, target)
}

/// Puts one message into another conversation.
pub fn move_message(
    tx: &Tx<'_>,
    by: &Actor,
    id: ConversationId,
    message: MessageId,
    target: ConversationId,
) -> Result<Message> {
    agents_only(by)?;
    let source = editable(tx, by, id)?;
    message::of(tx, by, id, message)?;
    if target == id {
        return Err(Error::invalid("targetId", format!("is {id}, where the message is already")));
    }
    editable(tx, by, target)?;
    chosen(tx, &source, &[message])?;
    relocate(tx, &[message], id, target)?;
    for conversation in [id, target] {
        event::record(tx, by, conversation, Change::MessageMoved { message, source: id, target })?;
    }
    message::require(tx, by, message)
}

fn agents_only(by: &Actor) -> Result<()> {
    match by {
        Actor::Contact(_) => Err(Error::may_not("move messages")),
        _ => Ok(()),
    }
}

/// The messages named, in the order of the thread. At least one must stay behind.
fn chosen(tx: &Tx<'_>, source: &Conversation, ids: &[MessageId]) -> Result<Vec<Message>> {
    let all = message::list(tx, &Actor::System, source.id)?;
    let mut problems = Problems::default();
    for id in ids {
        let is_here = all.iter().any(|message| message.id == *id);
        problems.require(
            is_here,
            "messageIds",
            format!("names no message {id} of conversation {}", source.id),
        );
    }
    problems.check()?;
    let count = all.len();
    let taken: Vec<Message> = all.into_iter().filter(|message| ids.contains(&message.id)).collect();
    if taken.len() == count {
        return Err(Error::Conflict(format!(
            "nothing would be left of conversation {}; merge it instead",
            source.id
        )));
    }
    Ok(taken)
}

fn relocate(tx: &Tx<'_>, messages: &[MessageId], from: ConversationId, to: ConversationId) -> Result<()> {
    let ids = serde_json::to_string(messages).map_err(Error::internal)?;
    for sql in [
        "UPDATE message SET conversation_id = ?1 WHERE id IN (SELECT value FROM json_each(?2))",
        "UPDATE mention SET conversation_id = ?1 WHERE message_id IN (SELECT value FROM json_each(?2))",
        "UPDATE attachment SET conversation_id = ?1 WHERE message_id IN (SELECT value FROM json_each(?2))",
        "UPDATE outgoing_mail SET conversation_id = ?1 WHERE message_id IN (SELECT value FROM json_each(?2))",
        "UPDATE inbound_mail SET conversation_id = ?1 WHERE id IN (
           SELECT inbound_mail_id FROM message WHERE id IN (SELECT value FROM json_each(?2)))",
    ] {
        tx.run(sql, (to, &ids))?;
    }
    for id in [from, to] {
        summary::renew(tx, id)?;
        tx.run("UPDATE conversation SET last_activity_at = ? WHERE id = ?", (tx.now(), id))?;
    }
    Ok(())
}
