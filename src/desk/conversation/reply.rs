//! Writing into a conversation: an agent's reply, mail or note; a contact's message. Each inserts the message, moves
//! status and read flags (contract 11.2, 11.3), queues mail and records the event, in one transaction.

use super::message::{self, Body, Message, MessageType, Row, Source};
use super::{Conversation, create, draft, editable, mention, status};
use crate::db::Tx;
use crate::desk::code::{Channel, Priority, Status};
use crate::desk::event::{self, Change};
use crate::desk::outgoing_mail::{self, Envelope};
use crate::desk::{Actor, agent, attachment, contact, email_account, site};
use crate::error::{Error, Problems, Result};
use crate::html;
use crate::ids::{AgentId, ConversationId, MessageId};
use crate::mail::is_address;

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
    let subject = new.subject.as_deref().map(clean_subject).unwrap_or_default();
    row.subject = &subject;
    let envelope = match new.kind {
        MessageType::Email => Some(envelope(tx, conversation, new)?),
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

fn clean_subject(subject: &str) -> String {
    subject.trim().chars().filter(|c| !c.is_control()).take(400).collect()
}

/// Who the mail is from and to. The account: the one asked for, else the one the conversation came to, else the
/// default. Our own addresses are never recipients.
fn envelope(tx: &Tx<'_>, conversation: &Conversation, new: &NewMessage) -> Result<Envelope> {
    let account = match &new.from {
        Some(from) => email_account::by_email(tx, from)?
            .ok_or_else(|| Error::invalid("from", format!("'{from}' is not an enabled e-mail account")))?,
        None => {
            let own = match conversation.email_account_id {
                Some(id) => email_account::get(tx, id)?.filter(|account| account.is_enabled),
                None => None,
            };
            own.map_or_else(|| email_account::default(tx), |account| Ok(Some(account)))?
                .ok_or_else(|| Error::invalid("from", "is missing, and there is no enabled e-mail account"))?
        }
    };
    let to =
        match &new.to {
            Some(to) if !to.is_empty() => to.clone(),
            _ => {
                let email = match conversation.contact_id {
                    Some(id) => contact::email_of(tx, id)?,
                    None => None,
                };
                vec![email.ok_or_else(|| {
                    Error::invalid("to", "is missing, and the contact has no e-mail address")
                })?]
            }
        };
    let mut problems = Problems::default();
    let (to, cc) = (recipients(tx, "to", &to, &mut problems)?, recipients(tx, "cc", &new.cc, &mut problems)?);
    let is_readable = problems.is_empty();
    problems.require(!to.is_empty() || !is_readable, "to", "names only our own addresses");
    let limit = site::get(tx)?.recipient_limit;
    let count = (to.len() + cc.len()) as i64;
    problems.require(count <= limit, "cc", format!("makes {count} recipients; at most {limit} are allowed"));
    problems.check()?;
    let subject = match new.subject.as_deref().map(str::trim).filter(|subject| !subject.is_empty()) {
        Some(subject) => clean_subject(subject),
        None if conversation.last_replied_at.is_none() => conversation.subject.clone(),
        None => ["Re: ", strip_reply_prefix(&conversation.subject)].concat(),
    };
    Ok(Envelope { account, to, cc, subject })
}

fn recipients(
    tx: &Tx<'_>,
    field: &str,
    addresses: &[String],
    problems: &mut Problems,
) -> Result<Vec<String>> {
    let mut kept: Vec<String> = Vec::new();
    for address in addresses.iter().map(|address| address.trim()).filter(|address| !address.is_empty()) {
        if !is_address(address) {
            problems.add(field, format!("'{address}' is not an e-mail address"));
        } else if !outgoing_mail::is_own_address(tx, address)?
            && !kept.iter().any(|other| other.eq_ignore_ascii_case(address))
        {
            kept.push(address.to_owned());
        }
    }
    Ok(kept)
}

fn strip_reply_prefix(subject: &str) -> &str {
    let mut rest = subject.trim();
    while let Some(shorter) =
        rest.get(..3).filter(|start| start.eq_ignore_ascii_case("re:")).map(|_| rest[3..].trim())
    {
        rest = shorter;
    }
    rest
}
