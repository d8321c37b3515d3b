//! Old mail taken over from an archive, without side effects: with the dates it had, into closed conversations, with a
//! row in the ledger. No rule looks at it and nothing is sent; the only event, `imported`, is one nobody acts on.

use super::{Prepared, attach, is_part_of, living, summary};
use crate::db::{Snapshot, Tx};
use crate::desk::code::{Channel, Priority, Status};
use crate::desk::conversation::create::{self, Opening};
use crate::desk::conversation::message::{self, MessageType, Row};
use crate::desk::conversation::update::SUBJECT_CHARS;
use crate::desk::conversation::{self, Conversation};
use crate::desk::email_account::EmailAccount;
use crate::desk::event::{self, Change};
use crate::desk::inbound_mail::{self, Decision, Outcome};
use crate::desk::{Actor, Rights, agent, contact, field, outgoing_mail};
use crate::error::{Error, Result};
use crate::ids::{BlobId, ConversationId, EmailAccountId, InboundMailId, MessageId};
use crate::mail::incoming::{AutomaticKind, Incoming};
use crate::mail::{Mailbox, threading};

/// A mail of an archive whose bytes are in a blob.
pub struct Archived {
    pub sha256: [u8; 32],
    pub blob_id: BlobId,
    pub size_bytes: i64,
}

/// Why a mail is left out that is here already.
pub const COPY: &str = "it is here already, by another way";

/// Whether this very mail was taken over before.
pub fn is_known(s: &Snapshot<'_>, account: EmailAccountId, sha256: &[u8; 32]) -> Result<bool> {
    Ok(inbound_mail::known(s, account, &uidl(sha256))?.is_some())
}

/// The ledger's name of an imported mail: the same bytes are the same mail, whichever file they are in.
fn uidl(sha256: &[u8; 32]) -> String {
    ["import:", &crate::desk::secret::hex(sha256)].concat()
}

/// Why a mail would be left out; `None` when it would become a message.
pub fn foresee(s: &Snapshot<'_>, mail: &Prepared) -> Result<Option<Decision>> {
    let incoming = &mail.incoming;
    let leave_out = |reason: &str| Ok(Some(Decision::without_message(Outcome::Ignored, reason)));
    match incoming.automatic.as_ref().map(|automatic| automatic.kind) {
        Some(AutomaticKind::Bounce) => return leave_out("a delivery report"),
        Some(AutomaticKind::FeedbackReport) => return leave_out("a feedback report"),
        _ => {}
    }
    if !incoming.from.as_ref().is_some_and(|from| crate::mail::is_address(&from.address)) {
        return leave_out("it names no sender");
    }
    if let Some(hash) = &summary(incoming).content_hash
        && inbound_mail::twin(s, InboundMailId(0), hash)?.is_some()
    {
        return leave_out(COPY);
    }
    // What this desk sent itself is a message without a ledger row.
    if let Some(id) = &incoming.message_id
        && s.exists("SELECT 1 FROM message WHERE internet_message_id = ? AND inbound_mail_id IS NULL", [id])?
    {
        return leave_out("this desk sent it");
    }
    Ok(None)
}

/// Whether the mail belongs to a conversation that is here: by a mail it answers.
pub fn has_place(s: &Snapshot<'_>, mail: &Prepared) -> Result<bool> {
    Ok(place(s, &mail.incoming)?.is_some())
}

/// The Message-ID of a mail, and those of the mails that it answers.
pub fn thread_of(mail: &Prepared) -> (Option<&str>, Vec<&str>) {
    (mail.incoming.message_id.as_deref(), threading::referenced_ids(&mail.incoming))
}

/// What tells copies of a mail that came by different ways; `None` of one without a Message-ID.
pub fn content_of(mail: &Prepared) -> Option<[u8; 32]> {
    summary(&mail.incoming).content_hash
}

/// Takes the mail over. `None` when it was taken over before: doing it again changes nothing.
pub fn import(
    tx: &Tx<'_>,
    account: &EmailAccount,
    archived: &Archived,
    mail: &Prepared,
) -> Result<Option<Decision>> {
    if is_known(tx, account.id, &archived.sha256)? {
        return Ok(None);
    }
    let uidl = uidl(&archived.sha256);
    let row =
        inbound_mail::store(tx, account.id, &uidl, archived.blob_id, &archived.sha256, archived.size_bytes)?;
    tx.run("UPDATE inbound_mail SET is_on_server = 0 WHERE id = ?", [row])?;
    if inbound_mail::one(tx, row)?.is_some_and(|row| row.outcome.is_some()) {
        return Ok(Some(Decision::without_message(Outcome::Ignored, COPY)));
    }
    take_over(tx, account, row, mail)
}

/// The same with a mail that is in the ledger already: one that lay in the account's mailbox when it was connected. A
/// row that has an outcome is left alone.
pub fn take_over(
    tx: &Tx<'_>,
    account: &EmailAccount,
    row: InboundMailId,
    mail: &Prepared,
) -> Result<Option<Decision>> {
    if inbound_mail::one(tx, row)?.is_none_or(|row| row.outcome.is_some()) {
        return Ok(None);
    }
    let decision = match foresee(tx, mail)? {
        Some(decision) => decision,
        None => write(tx, account, row, mail)?,
    };
    inbound_mail::summarise(tx, row, &summary(&mail.incoming))?;
    inbound_mail::decide(tx, row, &decision)?;
    Ok(Some(decision))
}

fn write(tx: &Tx<'_>, account: &EmailAccount, row: InboundMailId, mail: &Prepared) -> Result<Decision> {
    let incoming = &mail.incoming;
    let from =
        incoming.from.as_ref().ok_or_else(|| Error::internal("a mail without a sender was let through"))?;
    // What is written below has the time that it happened; a date of the future is none.
    let past = &tx.at(incoming.date.unwrap_or(tx.now()).min(tx.now()));
    let by = writer(past, from)?;
    let found = place(past, incoming)?;
    let outcome = if found.is_some() { Outcome::Appended } else { Outcome::Created };
    let id = match found {
        Some(conversation) => conversation.id,
        None => open(past, &by, account, incoming)?,
    };
    let (to, cc) = (list(&incoming.to), list(&incoming.cc));
    let subject: String = incoming.subject.chars().take(400).collect();
    let message = message::insert(
        past,
        &by,
        id,
        &Row {
            subject: &subject,
            quote: &mail.quote,
            from_address: &from.address,
            to_addresses: &to,
            cc_addresses: &cc,
            internet_message_id: incoming.message_id.as_deref(),
            inbound_mail_id: Some(row),
            matched_by: (outcome == Outcome::Appended).then_some("Message-ID of an earlier mail"),
            is_simplified: mail.is_simplified,
            has_remote_images: mail.has_remote_images,
            is_automatic: incoming.automatic.is_some(),
            ..Row::new(MessageType::Email, None, &mail.body)
        },
    )?;
    attach(past, &by, id, message, mail)?;
    settle(tx, id, message)?;
    Ok(Decision {
        place: Some((id, message)),
        ..Decision::without_message(outcome, "taken over from an archive")
    })
}

/// Mail from our own addresses was written by the agent with the address, or by somebody who is no agent any more.
fn writer(tx: &Tx<'_>, from: &Mailbox) -> Result<Actor> {
    if let Some(agent) = agent::by_email(tx, &from.address)?
        && let Some(rights) = Rights::of(tx, agent.id)?
    {
        return Ok(Actor::Agent(std::sync::Arc::new(rights)));
    }
    match outgoing_mail::is_own_address(tx, &from.address)? {
        true => Ok(Actor::System),
        false => contact::find_or_create(tx, &from.address, from.name.as_deref()).map(Actor::Contact),
    }
}

/// By the mails it names; from a stranger they count for nothing, as with mail that arrives.
fn place(s: &Snapshot<'_>, incoming: &Incoming) -> Result<Option<Conversation>> {
    let Some(from) = &incoming.from else { return Ok(None) };
    let is_ours =
        outgoing_mail::is_own_address(s, &from.address)? || agent::by_email(s, &from.address)?.is_some();
    for id in threading::referenced_ids(incoming) {
        let known = s.all(
            "SELECT DISTINCT conversation_id FROM message WHERE internet_message_id = ? LIMIT 5",
            [id],
            |row| row.get::<_, ConversationId>(0),
        )?;
        for conversation in known {
            if (is_ours || is_part_of(s, conversation, &from.address)?)
                && let Some(conversation) = living(s, conversation)?
            {
                return Ok(Some(conversation));
            }
        }
    }
    Ok(None)
}

/// Closed and read: it is history. Its contact is the writer, or whom we wrote to.
fn open(tx: &Tx<'_>, by: &Actor, account: &EmailAccount, incoming: &Incoming) -> Result<ConversationId> {
    let contact = match by {
        Actor::Contact(contact) => Some(*contact),
        _ => {
            let mut outsiders =
                incoming.to.iter().chain(&incoming.cc).filter(|to| crate::mail::is_address(&to.address));
            let found = outsiders.find_map(|to| match outgoing_mail::is_own_address(tx, &to.address) {
                Ok(true) => None,
                Ok(false) => Some(Ok(to)),
                Err(error) => Some(Err(error)),
            });
            let found = found.transpose()?;
            found.map(|to| contact::find_or_create(tx, &to.address, to.name.as_deref())).transpose()?
        }
    };
    let subject: String = incoming.subject.trim().chars().take(SUBJECT_CHARS).collect();
    let id = create::open(
        tx,
        by,
        &Opening {
            subject: if subject.is_empty() { "(no subject)" } else { &subject },
            channel: Channel::Email,
            status: Status::Closed,
            priority: Priority::Normal,
            contact_id: contact,
            agent_assignee_id: None,
            department_assignee_id: None,
            email_account_id: Some(account.id),
            received_from: Some(&account.email),
            fields: &field::value::defaults(tx)?,
        },
    )?;
    tx.run("UPDATE conversation SET is_read = 1 WHERE id = ?", [id])?;
    Ok(id)
}

/// The conversation's row tells of the mail; one that only ever had old mail was closed with its last.
fn settle(tx: &Tx<'_>, id: ConversationId, message: MessageId) -> Result<()> {
    conversation::summary::renew(tx, id)?;
    tx.run(
        "UPDATE conversation SET last_activity_at = listed_at, last_status_change_at = listed_at, closed_at = listed_at
         WHERE id = ? AND status = 5
           AND NOT EXISTS (SELECT 1 FROM event WHERE conversation_id = conversation.id AND kind <> 'imported')",
        [id],
    )?;
    event::record(tx, &Actor::System, id, Change::Imported { message })?;
    Ok(())
}

fn list(mailboxes: &[Mailbox]) -> String {
    mailboxes.iter().map(|mailbox| mailbox.address.as_str()).collect::<Vec<_>>().join(", ")
}
