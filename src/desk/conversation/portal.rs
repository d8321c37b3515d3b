//! The contact's side (contract 12): submit, reply, close and reopen own conversations; notes are never seen.

use rusqlite::ToSql;

use super::message::{Body, Row};
use super::words::{OCCUR, Words};
use super::{
    Conversation, MessageType, Source, VISIBLE, Visibility, columns, complete, create, from_row, get, reply,
    require, status,
};
use crate::db::{Snapshot, Tx};
use crate::desk::code::{Channel, Status};
use crate::desk::conversation::create::Opening;
use crate::desk::conversation::update::SUBJECT_CHARS;
use crate::desk::field::{self, NewValue};
use crate::desk::{Actor, Page, Paging, attachment, check_name, contact};
use crate::error::{Error, Result};
use crate::ids::{ContactId, ConversationId, MessageId};
use crate::rules::Predicate;
use crate::rules::sql::Where;
use crate::time::Timestamp;

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

/// What a contact writes. The files were uploaded by the contact, or by the agent with whose key a portal calls.
pub struct Written<'a> {
    pub body: &'a Body,
    pub attachments: &'a [String],
    pub uploaded_by: &'a Actor,
}

/// Which conversations of contacts are wanted, for a portal that calls with an agent's key.
#[derive(Debug, Clone)]
pub struct PortalQuery {
    pub contacts: Vec<ContactId>,
    /// Words that must all occur.
    pub words: Vec<String>,
    pub predicate: Option<Predicate>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub paging: Paging,
}

/// Those of the contacts' conversations that the calling agent may see, the last written first.
pub fn find(s: &Snapshot<'_>, by: &Actor, query: &PortalQuery) -> Result<Page<Conversation>> {
    let visibility = Visibility::of(by);
    let words = Words::new(&query.words, false);
    let mut rules = Where::default();
    let asked = query.predicate.as_ref().map_or_else(|| "1".to_owned(), |predicate| rules.filter(predicate));
    let contacts = serde_json::to_string(&query.contacts).map_err(Error::internal)?;
    let (size, offset) = (query.paging.size, query.paging.offset());
    let mut own = words.params();
    own.extend(rules.params());
    own.extend([(":contacts", &contacts as &dyn ToSql), (":from", &query.from), (":to", &query.to)]);
    let mut params = visibility.edit_params();
    params.extend(own.iter().copied());
    params.extend([(":size", &size as &dyn ToSql), (":offset", &offset)]);
    let found = [FOUND, OCCUR, " AND ", &asked, " AND ", VISIBLE].concat();
    let order = " ORDER BY c.listed_at DESC, c.id DESC LIMIT :size OFFSET :offset";
    let mut items = s.all(&["SELECT ", &columns(), &found, order].concat(), params.as_slice(), from_row)?;
    complete(s, &mut items)?;
    let mut params = visibility.params();
    params.extend(own);
    let total = s.number(&["SELECT count(*)", &found].concat(), params.as_slice())?;
    Ok(Page { items, total })
}

const FOUND: &str = " FROM conversation c
    WHERE c.is_deleted = 0 AND c.contact_id IN (SELECT value FROM json_each(:contacts))
    AND (:from IS NULL OR :from <= c.listed_at) AND (:to IS NULL OR c.listed_at <= :to) AND ";

/// A contact's conversation that the calling agent may see, and whose it is. `NotFound` when it is not of the contact
/// named, of no contact at all, or deleted.
pub fn of_contact(
    s: &Snapshot<'_>,
    by: &Actor,
    id: ConversationId,
    contact: Option<ContactId>,
) -> Result<(Conversation, ContactId)> {
    let found = get(s, by, id)?.filter(|conversation| !conversation.is_deleted);
    match found.and_then(|conversation| Some((conversation.contact_id?, conversation))) {
        Some((owner, conversation)) if contact.is_none_or(|contact| contact == owner) => {
            Ok((conversation, owner))
        }
        _ => Err(Error::not_found("portal conversation", id)),
    }
}

/// The same for acting in the contact's name, for which the calling agent must be allowed to change it.
pub fn in_the_name_of(
    s: &Snapshot<'_>,
    by: &Actor,
    id: ConversationId,
    contact: Option<ContactId>,
) -> Result<ContactId> {
    let (conversation, owner) = of_contact(s, by, id, contact)?;
    if conversation.is_editable { Ok(owner) } else { Err(Error::may_not("change this conversation")) }
}

/// Opens a conversation of channel portal with the contact's message, uploads and values of the site's own fields.
pub fn submit(
    tx: &Tx<'_>,
    contact: ContactId,
    subject: &str,
    written: &Written<'_>,
    fields: &[NewValue],
) -> Result<ConversationId> {
    let by = Actor::Contact(contact);
    let subject = check_name("subject", subject, SUBJECT_CHARS)?;
    if contact::get(tx, contact)?.is_none() {
        return Err(Error::invalid("contactId", format!("there is no contact {contact}")));
    }
    let fields = field::value::check_new(tx, fields)?;
    let id = create::open(
        tx,
        &by,
        &Opening {
            subject: &subject,
            channel: Channel::Portal,
            status: field::default_status(tx)?,
            priority: field::default_priority(tx)?,
            contact_id: Some(contact),
            agent_assignee_id: None,
            department_assignee_id: None,
            email_account_id: None,
            received_from: None,
            fields: &fields,
        },
    )?;
    let conversation = require(tx, &by, id)?;
    receive(tx, &by, &conversation, written, true)?;
    Ok(id)
}

/// The contact answers; a closed conversation opens again.
pub fn answer(
    tx: &Tx<'_>,
    contact: ContactId,
    id: ConversationId,
    written: &Written<'_>,
) -> Result<MessageId> {
    let by = Actor::Contact(contact);
    let conversation = require(tx, &by, id)?;
    receive(tx, &by, &conversation, written, false)
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
    written: &Written<'_>,
    is_first: bool,
) -> Result<MessageId> {
    if conversation.is_deleted {
        return Err(Error::not_found("conversation", conversation.id));
    }
    let row = Row::new(MessageType::Reply, Some(Source::HelpDesk), written.body);
    let message = reply::receive(tx, by, conversation, &row, is_first)?;
    attachment::bind(tx, written.uploaded_by, conversation.id, message, written.attachments)?;
    Ok(message)
}
