//! Writing into a conversation: an agent's reply, mail or note; a contact's message. Each inserts the message, moves
//! status and read flags (contract 11.2, 11.3), queues mail and records the event, in one transaction.

use super::message::{self, Body, Message, MessageType, Row, Source};
use super::{Conversation, create, draft, editable, envelope, mention, snooze, status};
use crate::db::Tx;
use crate::desk::code::{Channel, Priority, Status};
use crate::desk::event::{self, Change};
use crate::desk::outgoing_mail;
use crate::desk::{Actor, agent, attachment};
use crate::error::{Error, Problems, Result};
use crate::html;
use crate::ids::{AgentId, ConversationId, MessageId};
use crate::time::Timestamp;

/// What an agent writes.
#[derive(Debug, Clone)]
pub struct NewMessage {
    pub kind: MessageType,
    pub source: Source,
    /// Of a mail; `None` means `Re:` and the conversation's subject.
    pub subject: Option<String>,
    pub body: Body,
    /// Clean HTML that is put below the body of a mail.
    pub quote: String,
    /// One of the enabled accounts' addresses; `None` means the one the conversation came to, else the default.
    pub from: Option<String>,
    /// `None` means the contact's address.
    pub to: Option<Vec<String>>,
    pub cc: Vec<String>,
    /// Guids of uploads.
    pub attachments: Vec<String>,
    /// Beside those marked in the body.
    pub mentioned: Vec<AgentId>,
    /// `None` leaves the status to the rules.
    pub status: Option<Status>,
    /// The message that a mail answers; without `to` the recipients follow from it, else the contact is the only one.
    pub answers: Option<MessageId>,
    /// Without `to`: everybody who had the message that it answers.
    pub answers_all: bool,
    /// Whether a mail may go to an address that nobody here has written to or heard from.
    pub allows_new_recipients: bool,
    /// When a mail is to leave; `None` means now, or after the moment in which an agent may take it back.
    pub send_at: Option<Timestamp>,
}

impl NewMessage {
    pub fn new(kind: MessageType, source: Source, body: Body) -> Self {
        Self {
            kind,
            source,
            subject: None,
            body,
            quote: String::new(),
            from: None,
            to: None,
            cc: Vec::new(),
            attachments: Vec::new(),
            mentioned: Vec::new(),
            status: None,
            answers: None,
            answers_all: false,
            allows_new_recipients: true,
            send_at: None,
        }
    }
}

/// An agent writes into a conversation that is there.
pub fn reply(tx: &Tx<'_>, by: &Actor, id: ConversationId, new: &NewMessage) -> Result<Message> {
    let conversation = editable(tx, by, id)?;
    check_kind(&conversation, new)?;
    check(tx, new, "")?;
    let message = write(tx, by, &conversation, new)?;
    let change = match new.kind {
        MessageType::Note => Change::Noted { message },
        MessageType::Email | MessageType::Reply => {
            tx.run(
                "UPDATE conversation SET total_replies = total_replies + 1, is_read = 1 WHERE id = ?",
                [id],
            )?;
            draft::after_sending(tx, by, id, &new.body)?;
            Change::Replied { message }
        }
    };
    event::record(tx, by, id, change)?;
    let next = new.status.unwrap_or(match new.kind {
        MessageType::Note => conversation.status,
        MessageType::Email | MessageType::Reply => status::after_agent_reply(conversation.status),
    });
    status::set(tx, by, &conversation, next)?;
    message::require(tx, &Actor::System, message)
}

/// The first message of a conversation that an agent just opened, perhaps with a priority.
pub(super) fn first(
    tx: &Tx<'_>,
    by: &Actor,
    conversation: &Conversation,
    new: &NewMessage,
    given: Option<Priority>,
) -> Result<MessageId> {
    let message = write(tx, by, conversation, new)?;
    create::settle(tx, by, conversation.id, message, given)?;
    Ok(message)
}

/// Records what a contact wrote, in the portal or by mail. `is_first` when it opens the conversation.
pub fn receive(
    tx: &Tx<'_>,
    by: &Actor,
    conversation: &Conversation,
    row: &Row<'_>,
    is_first: bool,
) -> Result<MessageId> {
    let message = message::insert(tx, by, conversation.id, row)?;
    touch(tx, by, conversation.id, row.body)?;
    snooze::end(tx, by, conversation.id)?;
    tx.run(
        "UPDATE conversation SET is_read = 0, is_read_by_contact = 1, total_replies = total_replies + ? WHERE id = ?",
        (i64::from(!is_first), conversation.id),
    )?;
    if is_first {
        create::settle(tx, by, conversation.id, message, None)?;
    } else {
        event::record(tx, by, conversation.id, Change::Received { message })?;
        status::set(tx, by, conversation, status::after_contact_message(conversation.status))?;
    }
    Ok(message)
}

fn write(tx: &Tx<'_>, by: &Actor, conversation: &Conversation, new: &NewMessage) -> Result<MessageId> {
    let mut row = Row::new(new.kind, Some(new.source), &new.body);
    let subject = new.subject.as_deref().map(envelope::clean_subject).unwrap_or_default();
    row.subject = &subject;
    let envelope = match new.kind {
        MessageType::Email => Some(envelope::of(tx, by, conversation, new)?),
        MessageType::Note | MessageType::Reply => None,
    };
    let (to, cc);
    if let Some(envelope) = &envelope {
        (to, cc) = (envelope.to.join(", "), envelope.cc.join(", "));
        row.subject = &envelope.subject;
        row.from_address = &envelope.account.email;
        row.to_addresses = &to;
        row.cc_addresses = &cc;
        row.quote = &new.quote;
        row.send_status = Some("sending");
    }
    let message = message::insert(tx, by, conversation.id, &row)?;
    attachment::bind(tx, by, conversation.id, message, &new.attachments)?;
    match new.kind {
        MessageType::Note => {
            let mut mentioned: Vec<AgentId> =
                html::mentions(&new.body.html).into_iter().map(AgentId).collect();
            mentioned.extend(&new.mentioned);
            mention::record(tx, conversation.id, message, &mentioned)?;
            tx.run("UPDATE conversation SET last_activity_at = ? WHERE id = ?", (tx.now(), conversation.id))?;
        }
        MessageType::Email | MessageType::Reply => {
            touch(tx, by, conversation.id, &new.body)?;
            tx.run("UPDATE conversation SET is_read_by_contact = 0 WHERE id = ?", [conversation.id])?;
        }
    }
    if let Some(envelope) = &envelope {
        outgoing_mail::enqueue_reply(tx, conversation, message, envelope, &new.body, &new.quote)?;
    }
    Ok(message)
}

/// The columns that tell of the last reply.
fn touch(tx: &Tx<'_>, by: &Actor, id: ConversationId, body: &Body) -> Result<()> {
    tx.run(
        "UPDATE conversation SET last_replied_at = ?1, listed_at = ?1, last_activity_at = ?1, last_replied_by_type = ?2,
           last_replied_by_id = ?3, last_message = ?4 WHERE id = ?5",
        (tx.now(), by.kind(), by.id(), create::snippet(body), id),
    )?;
    Ok(())
}

/// Allowed combinations (contract 11.5).
fn check_kind(conversation: &Conversation, new: &NewMessage) -> Result<()> {
    match (conversation.channel, new.kind) {
        (Channel::Email, MessageType::Reply) => Err(Error::invalid(
            "type",
            "'reply' does not fit a conversation of channel email; use 'email' or 'note'",
        )),
        _ => Ok(()),
    }
}

/// What only fits one type of message, and ids that name nobody. `at` is where the message stands in the input.
pub(super) fn check(tx: &Tx<'_>, new: &NewMessage, at: &str) -> Result<()> {
    let mut problems = Problems::default();
    let is_mail = new.kind == MessageType::Email;
    let addressed = new.to.as_ref().is_some_and(|to| !to.is_empty());
    for (field, is_given) in [
        ("quote", !new.quote.is_empty()),
        ("from", new.from.is_some()),
        ("to", addressed),
        ("cc", !new.cc.is_empty()),
        ("answeredMessageId", new.answers.is_some()),
        ("sendTime", new.send_at.is_some()),
    ] {
        problems.require(is_mail || !is_given, &[at, field].concat(), "is only for messages of type email");
    }
    let field = [at, "mentionedAgentIds"].concat();
    let is_note = new.kind == MessageType::Note;
    problems.require(is_note || new.mentioned.is_empty(), &field, "is only for notes");
    for id in &new.mentioned {
        problems.require(agent::is_assignable(tx, *id)?, &field, format!("there is no active agent {id}"));
    }
    problems.check()
}
