//! Taking a mail back before it leaves: its message goes, its text and files are the conversation's draft again, and
//! what sending it changed is as before.

use super::draft::{self, Draft, DraftText};
use super::message::{self, Body, MessageType};
use super::{editable, status, summary};
use crate::db::Tx;
use crate::desk::code::Status;
use crate::desk::event::{self, Change};
use crate::desk::{Actor, attachment, outgoing_mail};
use crate::error::{Error, Result};
use crate::ids::{ConversationId, MessageId};

/// Gives the draft. `Conflict` when a worker has had the mail, or the message is no mail of ours.
pub fn take_back(tx: &Tx<'_>, by: &Actor, id: ConversationId, message: MessageId) -> Result<Option<Draft>> {
    editable(tx, by, id)?;
    let found = message::of(tx, by, id, message)?;
    if found.kind != MessageType::Email || found.send_status.is_none() {
        return Err(Error::Conflict(format!("message {message} is no mail that we sent")));
    }
    outgoing_mail::take_back(tx, message)?;
    restore_status(tx, by, id, message)?;
    let files: Vec<String> = attachment::of_message(tx, message)?.into_iter().map(|file| file.guid).collect();
    tx.run("UPDATE attachment SET message_id = NULL WHERE message_id = ?", [message])?;
    tx.run("DELETE FROM message WHERE id = ?", [message])?;
    let text = DraftText {
        subject: found.subject,
        body: Body { html: found.html_body, plain: found.plain_body },
        quote: found.quote,
        from: found.from_address,
        to: found.to_addresses,
        cc: found.cc_addresses,
    };
    draft::put_back(tx, by, id, &text, &files)?;
    summary::renew(tx, id)?;
    tx.run("UPDATE conversation SET last_activity_at = ? WHERE id = ?", (tx.now(), id))?;
    event::record(tx, by, id, Change::MailUndone { message })?;
    draft::get(tx, by, id)
}

/// The status that the mail moved goes back, unless somebody moved it since.
fn restore_status(tx: &Tx<'_>, by: &Actor, id: ConversationId, message: MessageId) -> Result<()> {
    let moved: Option<String> = tx.one(
        "SELECT s.detail ->> 'oldStatus' FROM event r JOIN event s ON s.conversation_id = r.conversation_id
           AND r.id < s.id AND s.at = r.at AND s.actor_id IS r.actor_id
         WHERE r.conversation_id = ?1 AND r.kind = 'replied' AND r.detail ->> 'messageId' = ?2
           AND s.kind = 'statusChanged'
           AND s.id = (SELECT max(id) FROM event WHERE conversation_id = ?1 AND kind = 'statusChanged')",
        (id, message),
        |row| row.get(0),
    )?;
    match moved.as_deref().and_then(Status::parse) {
        Some(before) => status::set(tx, by, &super::require(tx, &Actor::System, id)?, before),
        None => Ok(()),
    }
}
