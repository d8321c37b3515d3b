//! Junk e-mails (contract 22): mail that a blocked sender's entry kept from becoming a conversation. Each says which
//! entry did. Restoring one runs the ordinary pipeline of new mail, once; what nobody restores goes after a while.

use std::time::Duration;

use super::attachment::{self, NewAttachment};
use super::blocked_sender::{self, Action, BlockedSender};
use super::conversation::{self, Body, Conversation};
use super::email_account;
use super::inbound_mail::{self, Decision, Outcome};
use super::intake::{self, Letter};
use super::sender_check::SenderCheck;
use super::{Actor, Page, Paging, Permission, like, site};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::{EmailAccountId, InboundMailId, JunkEmailId};
use crate::time::Timestamp;

#[derive(Debug, Clone)]
pub struct JunkEmail {
    pub id: JunkEmailId,
    pub inbound_mail_id: Option<InboundMailId>,
    /// The account that received it; `None` once that is gone.
    pub email_account_id: Option<EmailAccountId>,
    pub subject: String,
    pub from_name: String,
    pub from_address: String,
    pub to_addresses: String,
    pub cc_addresses: String,
    /// Cleaned when the mail came.
    pub body: Body,
    pub quote: String,
    pub internet_message_id: Option<String>,
    /// Which entry made it junk.
    pub cause: String,
    pub is_simplified: bool,
    pub has_remote_images: bool,
    pub is_read: bool,
    pub sender_check: SenderCheck,
    pub received_at: Timestamp,
}

#[derive(Debug, Clone, Default)]
pub struct JunkEmailQuery {
    /// Looked for in subject, sender and text.
    pub keywords: Option<String>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

/// The newest first.
pub fn list(s: &Snapshot<'_>, by: &Actor, query: &JunkEmailQuery, paging: Paging) -> Result<Page<JunkEmail>> {
    by.require(Permission::ManageJunk)?;
    let pattern = query.keywords.as_deref().map(like);
    let total = s.number(&["SELECT count(*)", LISTED].concat(), (&pattern, query.from, query.to))?;
    let items = s.all(
        &["SELECT ", COLUMNS, LISTED, " ORDER BY received_at DESC, id DESC LIMIT ?4 OFFSET ?5"].concat(),
        (&pattern, query.from, query.to, paging.size, paging.offset()),
        from_row,
    )?;
    Ok(Page { items, total })
}

const LISTED: &str =
    " FROM junk_email WHERE (?2 IS NULL OR ?2 <= received_at) AND (?3 IS NULL OR received_at <= ?3)
    AND (?1 IS NULL OR subject LIKE ?1 ESCAPE '\\' OR from_address LIKE ?1 ESCAPE '\\'
      OR from_name LIKE ?1 ESCAPE '\\' OR plain_body LIKE ?1 ESCAPE '\\')";

/// The junk e-mail, or `NotFound`. Looking does not mark it read.
pub fn require(s: &Snapshot<'_>, by: &Actor, id: JunkEmailId) -> Result<JunkEmail> {
    by.require(Permission::ManageJunk)?;
    s.one(&["SELECT ", COLUMNS, " FROM junk_email WHERE id = ?"].concat(), [id], from_row)?
        .ok_or_else(|| Error::not_found("junk e-mail", id))
}

pub fn set_read(tx: &Tx<'_>, by: &Actor, id: JunkEmailId, is_read: bool) -> Result<JunkEmail> {
    require(tx, by, id)?;
    tx.run("UPDATE junk_email SET is_read = ? WHERE id = ?", (is_read, id))?;
    require(tx, by, id)
}

/// For good, its files included.
pub fn delete(tx: &Tx<'_>, by: &Actor, id: JunkEmailId) -> Result<()> {
    require(tx, by, id)?;
    tx.run("DELETE FROM junk_email WHERE id = ?", [id])?;
    Ok(())
}

/// Makes it the conversation that it would have been. The sender stays blocked.
pub fn restore(tx: &Tx<'_>, by: &Actor, id: JunkEmailId) -> Result<Conversation> {
    let junk = require(tx, by, id)?;
    let account = match junk.email_account_id {
        Some(id) => email_account::get(tx, id)?,
        None => None,
    };
    let letter = Letter {
        from_address: &junk.from_address,
        from_name: Some(junk.from_name.as_str()).filter(|name| !name.is_empty()),
        to_addresses: &junk.to_addresses,
        cc_addresses: &junk.cc_addresses,
        subject: &junk.subject,
        body: &junk.body,
        quote: &junk.quote,
        internet_message_id: junk.internet_message_id.as_deref(),
        inbound_mail_id: junk.inbound_mail_id,
        is_simplified: junk.is_simplified,
        has_remote_images: junk.has_remote_images,
        // Somebody looked at it and wants it as mail.
        is_automatic: false,
        sender_check: &junk.sender_check,
        received_at: Some(junk.received_at),
    };
    let (conversation, message, sender) = intake::open(tx, account.as_ref(), &letter)?;
    let surplus = attachment::release(tx, &sender, id, conversation, message)?;
    intake::tell_surplus(tx, conversation, message, &surplus)?;
    if let Some(mail) = junk.inbound_mail_id {
        let decision = Decision {
            place: Some((conversation, message)),
            ..Decision::without_message(Outcome::Created, "an agent took it out of the junk")
        };
        inbound_mail::decide(tx, mail, &decision)?;
    }
    tx.run("DELETE FROM junk_email WHERE id = ?", [id])?;
    let found = conversation::require(tx, &Actor::System, conversation)?;
    let is_editable = conversation::get(tx, by, conversation)?.is_some_and(|seen| seen.is_editable);
    Ok(Conversation { is_editable, ..found })
}

/// The decision was wrong: restores it, and lets the sender in from now on.
pub fn allow(tx: &Tx<'_>, by: &Actor, id: JunkEmailId) -> Result<(Conversation, BlockedSender)> {
    let junk = require(tx, by, id)?;
    let (allowed, _) = blocked_sender::put(tx, by, &junk.from_address, Action::Allow)?;
    Ok((restore(tx, by, id)?, allowed))
}

/// Puts a mail there with its files.
pub(super) fn store(
    tx: &Tx<'_>,
    account: EmailAccountId,
    letter: &Letter<'_>,
    files: &[&NewAttachment],
    entry: &BlockedSender,
) -> Result<String> {
    let what = if entry.is_domain() { "domain" } else { "address" };
    let cause = format!("the {what} {} is blocked", entry.email);
    let id = JunkEmailId(tx.insert(
        "INSERT INTO junk_email (inbound_mail_id, email_account_id, subject, from_name, from_address, to_addresses,
           cc_addresses, html_body, plain_body, quote, internet_message_id, cause, is_simplified, has_remote_images,
           received_at, authentication, authentication_said, sender_warnings)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rusqlite::params![
            letter.inbound_mail_id,
            account,
            letter.subject,
            letter.from_name.unwrap_or_default(),
            letter.from_address,
            letter.to_addresses,
            letter.cc_addresses,
            letter.body.html,
            letter.body.plain,
            letter.quote,
            letter.internet_message_id,
            cause,
            letter.is_simplified,
            letter.has_remote_images,
            letter.received_at.unwrap_or(tx.now()),
            letter.sender_check.result(),
            letter.sender_check.said,
            letter.sender_check.warning_lines(),
        ],
    )?);
    for file in files {
        attachment::hold(tx, id, file)?;
    }
    Ok(cause)
}

pub(super) fn of_inbound_mail(s: &Snapshot<'_>, mail: InboundMailId) -> Result<Option<JunkEmailId>> {
    s.one("SELECT id FROM junk_email WHERE inbound_mail_id = ?", [mail], |row| row.get(0))
}

/// Removes what is older than the site keeps junk; at most a few hundred a call.
pub fn sweep(tx: &Tx<'_>) -> Result<usize> {
    let days = site::get(tx)?.junk_retention_days.max(1) as u64;
    tx.run(
        "DELETE FROM junk_email WHERE id IN
           (SELECT id FROM junk_email WHERE received_at < ? ORDER BY received_at LIMIT 200)",
        [tx.now().minus(Duration::from_secs(days * 86_400))],
    )
}

const COLUMNS: &str = "id, inbound_mail_id, email_account_id, subject, from_name, from_address, to_addresses,
    cc_addresses, html_body, plain_body, quote, internet_message_id, cause, is_simplified, has_remote_images, is_read,
    received_at, authentication, authentication_said, sender_warnings";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<JunkEmail> {
    Ok(JunkEmail {
        id: row.get(0)?,
        inbound_mail_id: row.get(1)?,
        email_account_id: row.get(2)?,
        subject: row.get(3)?,
        from_name: row.get(4)?,
        from_address: row.get(5)?,
        to_addresses: row.get(6)?,
        cc_addresses: row.get(7)?,
        body: Body { html: row.get(8)?, plain: row.get(9)? },
        quote: row.get(10)?,
        internet_message_id: row.get(11)?,
        cause: row.get(12)?,
        is_simplified: row.get(13)?,
        has_remote_images: row.get(14)?,
        is_read: row.get(15)?,
        received_at: row.get(16)?,
        sender_check: SenderCheck::read(row, 17)?,
    })
}
