//! The contact's side (contract 12): submit, reply, close and reopen own conversations; notes are never seen.

use super::message::{Body, Row};
use super::{Conversation, MessageType, Source, create, reply, require, status};
use crate::db::{Snapshot, Tx};
use crate::desk::code::{Channel, Priority, Status};
use crate::desk::conversation::create::Opening;
use crate::desk::conversation::update::SUBJECT_CHARS;
use crate::desk::{Actor, attachment, check_name};
use crate::error::{Error, Result};
use crate::ids::{ContactId, ConversationId, MessageId};

/// A contact's conversations of every channel, the last written first; deleted ones left out.
pub fn list(s: &Snapshot<'_>, contact: ContactId) -> Result<Vec<Conversation>> {
    let by = Actor::Contact(contact);
    let query = super::ListQuery {
        contact: Some(contact),
        paging: crate::desk::Paging { index: 1, size: 100 },
        ..super::ListQuery::default()
    };
    Ok(super::list(s, &by, &query)?.items)
}

/// Opens a conversation of channel portal with the contact's message and uploads.
pub fn submit(
    tx: &Tx<'_>,
    contact: ContactId,
    subject: &str,
    body: &Body,
    attachments: &[String],
) -> Result<ConversationId> {
    let by = Actor::Contact(contact);
    let subject = check_name("subject", subject, SUBJECT_CHARS)?;
    let id = create::open(
        tx,
        &by,
        &Opening {
            subject: &subject,
            channel: Channel::Portal,
            status: Status::New,
            priority: Priority::Normal,
            contact_id: Some(contact),
            agent_assignee_id: None,
            department_assignee_id: None,
            email_account_id: None,
            received_from: None,
        },
    )?;
    let conversation = require(tx, &by, id)?;
    receive(tx, &by, &conversation, body, attachments, true)?;
    Ok(id)
}

/// The contact answers; a closed conversation opens again.
pub fn answer(
    tx: &Tx<'_>,
    contact: ContactId,
    id: ConversationId,
    body: &Body,
    attachments: &[String],
) -> Result<MessageId> {
    let by = Actor::Contact(contact);
    let conversation = require(tx, &by, id)?;
    receive(tx, &by, &conversation, body, attachments, false)
}

pub fn close(tx: &Tx<'_>, contact: ContactId, id: ConversationId) -> Result<()> {
    let by = Actor::Contact(contact);
    status::set(tx, &by, &require(tx, &by, id)?, Status::Closed)
}

/// Only a closed conversation reopens; any other stays as it is.
pub fn reopen(tx: &Tx<'_>, contact: ContactId, id: ConversationId) -> Result<()> {
    let by = Actor::Contact(contact);
    let conversation = require(tx, &by, id)?;
    match conversation.status {
        Status::Closed => status::set(tx, &by, &conversation, Status::PendingInternal),
        _ => Ok(()),
    }
}

fn receive(
    tx: &Tx<'_>,
    by: &Actor,
    conversation: &Conversation,
    body: &Body,
    attachments: &[String],
    is_first: bool,
) -> Result<MessageId> {
    if conversation.is_deleted {
        return Err(Error::not_found("conversation", conversation.id));
    }
    let row = Row::new(MessageType::Reply, Some(Source::HelpDesk), body);
    let message = reply::receive(tx, by, conversation, &row, is_first)?;
    attachment::bind(tx, by, conversation.id, message, attachments)?;
    Ok(message)
}
