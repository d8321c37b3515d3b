//! Submitting a new conversation: by an agent or the API (`create`), by a contact in the portal, or from a mail; the
//! last two come through `open` as well.

use super::message::Body;
use super::reply::{self, NewMessage};
use super::update::{ConversationChange, SUBJECT_CHARS, check_references, set_tags};
use super::{Conversation, MessageType, facts};
use crate::db::{Snapshot, Tx};
use crate::desk::code::{Channel, Priority, Status};
use crate::desk::event::{self, Change};
use crate::desk::field::{self, FieldValue, NewValue};
use crate::desk::{Actor, allocation, check_name, routing};
use crate::error::{Error, Problems, Result};
use crate::ids::{AgentId, ContactId, ConversationId, DepartmentId, EmailAccountId, MessageId, TagId};

#[derive(Debug, Clone)]
pub struct NewConversation {
    pub subject: String,
    pub channel: Channel,
    pub contact_id: Option<ContactId>,
    pub agent_assignee_id: Option<AgentId>,
    pub department_assignee_id: Option<DepartmentId>,
    pub priority: Option<Priority>,
    pub status: Option<Status>,
    pub tags: Vec<TagId>,
    /// Of the site's own fields.
    pub fields: Vec<NewValue>,
    pub message: NewMessage,
}

/// What a new row needs, whoever makes it.
pub struct Opening<'a> {
    pub subject: &'a str,
    pub channel: Channel,
    pub status: Status,
    pub priority: Priority,
    pub contact_id: Option<ContactId>,
    pub agent_assignee_id: Option<AgentId>,
    pub department_assignee_id: Option<DepartmentId>,
    pub email_account_id: Option<EmailAccountId>,
    pub received_from: Option<&'a str>,
    /// Values of the site's own fields, defaults included.
    pub fields: &'a [FieldValue],
}

/// The newest conversation there is, seen or not: what comes later is newer.
pub fn newest(s: &Snapshot<'_>) -> Result<ConversationId> {
    Ok(ConversationId(s.number("SELECT max(id) FROM conversation", [])?))
}

/// `Conflict` when the agent has begun the same conversation after `seen`, which was the newest when they began to write: in
/// another tab, say.
pub fn check_unbegun(tx: &Tx<'_>, by: &Actor, new: &NewConversation, seen: ConversationId) -> Result<()> {
    let begun: Option<ConversationId> = tx.one(
        "SELECT c.id FROM conversation c JOIN message m ON m.conversation_id = c.id
          WHERE c.id > ? AND c.subject = ? AND c.contact_id IS ? AND m.sender_type = 'agent' AND m.sender_id = ?
          LIMIT 1",
        (seen, new.subject.trim(), new.contact_id, by.agent_id()),
        |row| row.get(0),
    )?;
    match begun {
        None => Ok(()),
        Some(id) => Err(Error::Conflict(format!(
            "You have begun this conversation since this page was opened: it is #{id}. Your text is below: look whether \
             it is said already, then send it."
        ))),
    }
}

/// An agent submits a conversation with its first message; a message of type email is sent to the contact
/// (contract 11.7).
pub fn create(tx: &Tx<'_>, by: &Actor, new: &NewConversation) -> Result<Conversation> {
    if !matches!(by, Actor::Agent(_)) {
        return Err(Error::may_not("submit conversations here"));
    }
    let subject = check_name("subject", &new.subject, SUBJECT_CHARS)?;
    let mut problems = check_references(
        tx,
        &ConversationChange {
            contact_id: new.contact_id,
            agent_assignee_id: Some(new.agent_assignee_id),
            department_assignee_id: Some(new.department_assignee_id),
            tags: Some(new.tags.clone()),
            ..ConversationChange::default()
        },
    )?;
    check_channel(new, &mut problems);
    problems.check()?;
    reply::check(tx, &new.message, "message.")?;
    let fields = field::value::check_new(tx, &new.fields)?;

    let id = open(
        tx,
        by,
        &Opening {
            subject: &subject,
            channel: new.channel,
            status: new.status.map_or_else(|| field::default_status(tx), Ok)?,
            priority: new.priority.map_or_else(|| field::default_priority(tx), Ok)?,
            contact_id: new.contact_id,
            agent_assignee_id: new.agent_assignee_id,
            department_assignee_id: new.department_assignee_id,
            email_account_id: None,
            received_from: None,
            fields: &fields,
        },
    )?;
    let conversation =
        super::get(tx, &Actor::System, id)?.ok_or_else(|| Error::not_found("conversation", id))?;
    set_tags(tx, &conversation, &new.tags)?;
    reply::first(tx, by, &conversation, &new.message, new.priority)?;
    let created = super::get(tx, &Actor::System, id)?.ok_or_else(|| Error::not_found("conversation", id))?;
    let is_editable = super::get(tx, by, id)?.is_some_and(|conversation| conversation.is_editable);
    Ok(Conversation { is_editable, ..created })
}

/// Inserts the row. The caller adds the first message and records `Created`.
pub fn open(tx: &Tx<'_>, by: &Actor, new: &Opening<'_>) -> Result<ConversationId> {
    let is_by_agent = matches!(by, Actor::Agent(_));
    let closed_at = (new.status == Status::Closed).then_some(tx.now());
    let id = tx.insert(
        "INSERT INTO conversation (subject, channel, status, priority, contact_id, agent_assignee_id,
           department_assignee_id, email_account_id, received_from, is_read, created_by_type, created_by_id,
           created_at, listed_at, last_activity_at, last_status_change_at, closed_at, closed_by_type, closed_by_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13, ?13, ?13, ?14,
           iif(?14 IS NULL, NULL, ?11), iif(?14 IS NULL, NULL, ?12))",
        rusqlite::params![
            new.subject,
            new.channel,
            new.status,
            new.priority,
            new.contact_id,
            new.agent_assignee_id,
            new.department_assignee_id,
            new.email_account_id,
            new.received_from,
            is_by_agent,
            by.kind(),
            by.id(),
            tx.now(),
            closed_at,
        ],
    )?;
    field::value::set(tx, ConversationId(id), new.fields)?;
    Ok(ConversationId(id))
}

/// The conversation and its first message are there: what is decided about a new one is, in this transaction. `given`
/// is the priority that was asked for, which routing leaves alone.
pub(super) fn settle(
    tx: &Tx<'_>,
    by: &Actor,
    id: ConversationId,
    message: MessageId,
    given: Option<Priority>,
) -> Result<()> {
    let conversation =
        super::get(tx, &Actor::System, id)?.ok_or_else(|| Error::not_found("conversation", id))?;
    let facts = facts::of(tx, id)?.unwrap_or_default();
    let routed = routing::route(tx, &conversation, given, &facts)?;
    event::record(tx, by, id, Change::Created { message, facts, given, routed })?;
    allocation::await_turn(tx, id)
}

fn check_channel(new: &NewConversation, problems: &mut Problems) {
    match (new.channel, new.message.kind) {
        (Channel::Chat | Channel::OfflineMessage, _) => {
            problems.add(
                "channel",
                format!("'{}' is reserved for imports; use portal or email", new.channel.name()),
            );
        }
        (Channel::Email, MessageType::Reply) => {
            problems.add("message.type", "'reply' does not fit the channel email; use email or note");
        }
        (Channel::Portal, MessageType::Email) | (Channel::Portal | Channel::Email, _) => {}
    }
    let needs_contact = new.message.kind != MessageType::Note;
    problems.require(
        !needs_contact || new.contact_id.is_some(),
        "contactId",
        format!("is required for a message of type {}", new.message.kind.name()),
    );
}

/// The text of the last message as lists show it: at most 200 characters, white space collapsed.
pub fn snippet(body: &Body) -> String {
    crate::html::snippet(&body.plain, 200)
}
