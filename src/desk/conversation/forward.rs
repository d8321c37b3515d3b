//! Forwarding: a mail to somebody else that quotes one message and carries its files. It is no reply: the status stays,
//! and the contact sees neither it nor what comes back.

use super::message::{self, Body, Message, MessageType, Row, Source};
use super::{NewMessage, editable, envelope};
use crate::db::Tx;
use crate::desk::attachment::{self, Attachment};
use crate::desk::event::{self, Change};
use crate::desk::{Actor, agent, contact, intake, outgoing_mail};
use crate::error::{Error, Result};
use crate::html;
use crate::ids::{AgentId, ContactId, ConversationId, MessageId};
use crate::time::Timestamp;

/// What an agent passes on, and to whom.
#[derive(Debug, Clone)]
pub struct Forward {
    pub message: MessageId,
    pub source: Source,
    pub to: Vec<String>,
    pub cc: Vec<String>,
    pub from: Option<String>,
    /// `None` means `Fwd:` and the message's subject.
    pub subject: Option<String>,
    /// What the agent writes above; may be empty.
    pub body: Body,
    /// Guids of further uploads.
    pub attachments: Vec<String>,
    /// Whether the message's own files go along.
    pub carries_files: bool,
    pub allows_new_recipients: bool,
    pub send_at: Option<Timestamp>,
}

/// Queues the mail and gives its message.
pub fn forward(tx: &Tx<'_>, by: &Actor, id: ConversationId, new: &Forward) -> Result<Message> {
    let Some(_) = by.agent_id() else { return Err(Error::may_not("forward messages")) };
    let conversation = editable(tx, by, id)?;
    let original = message::of(tx, by, id, new.message)?;
    if original.kind == MessageType::Note {
        return Err(Error::Conflict(format!("message {} is a note: notes stay inside", original.id)));
    }
    if new.to.is_empty() {
        return Err(Error::invalid("to", "is required"));
    }
    let about = match original.subject.trim() {
        "" => conversation.subject.as_str(),
        subject => subject,
    };
    let subject = new.subject.clone().filter(|subject| !subject.trim().is_empty());
    let letter = NewMessage {
        subject: Some(subject.unwrap_or_else(|| ["Fwd: ", about].concat())),
        from: new.from.clone(),
        to: Some(new.to.clone()),
        cc: new.cc.clone(),
        allows_new_recipients: new.allows_new_recipients,
        send_at: new.send_at,
        ..NewMessage::new(MessageType::Email, new.source, new.body.clone())
    };
    let mut envelope = envelope::of(tx, by, &conversation, &letter)?;
    envelope.continues_thread = false;
    let quote = quote(tx, &original, about)?;
    let (to, cc) = (envelope.to.join(", "), envelope.cc.join(", "));
    let row = Row {
        subject: &envelope.subject,
        quote: &quote,
        from_address: &envelope.account.email,
        to_addresses: &to,
        cc_addresses: &cc,
        send_status: Some("sending"),
        forward_of_id: Some(original.id),
        ..Row::new(MessageType::Email, Some(new.source), &new.body)
    };
    let message = message::insert(tx, by, id, &row)?;
    attachment::bind(tx, by, id, message, &new.attachments)?;
    let mut sent_quote = quote.clone();
    if new.carries_files {
        for file in attachment::of_message(tx, original.id)? {
            attachment::copy(tx, &file, message)?;
            sent_quote = with_inline_picture(&sent_quote, &file);
        }
    }
    outgoing_mail::enqueue_reply(tx, &conversation, message, &envelope, &new.body, &sent_quote)?;
    tx.run("UPDATE conversation SET last_activity_at = ? WHERE id = ?", (tx.now(), id))?;
    event::record(tx, by, id, Change::Forwarded { message, original: original.id })?;
    message::require(tx, &Actor::System, message)
}

/// The message with what mail programs write above it.
fn quote(tx: &Tx<'_>, original: &Message, subject: &str) -> Result<String> {
    let name = match (original.sender_type.as_str(), original.sender_id) {
        ("agent", Some(id)) => agent::names(tx, &[AgentId(id)])?.into_values().next(),
        ("contact", Some(id)) => contact::names(tx, &[ContactId(id)])?.into_values().next(),
        _ => None,
    };
    let from = match (name, original.from_address.as_str()) {
        (Some(name), "") => name,
        (Some(name), address) if name != address => format!("{name} <{address}>"),
        (_, address) => address.to_owned(),
    };
    let date = original.created_at.to_jiff().strftime("%Y-%m-%d %H:%M UTC").to_string();
    let mut head =
        format!("---------- Forwarded message ----------\nFrom: {from}\nDate: {date}\nSubject: {subject}");
    for (name, addresses) in [("To", &original.to_addresses), ("Cc", &original.cc_addresses)] {
        if !addresses.is_empty() {
            head += &format!("\n{name}: {addresses}");
        }
    }
    let body = html::with_remote_images(&original.html_body);
    Ok([&html::from_text(&head), body.as_str(), &original.quote].concat())
}

/// Pictures inside the quoted text come from the mail itself, not from this desk.
fn with_inline_picture(quote: &str, file: &Attachment) -> String {
    match &file.content_id {
        Some(id) => quote.replace(&intake::attachment_url(&file.guid), &["cid:", id].concat()),
        None => quote.to_owned(),
    }
}
