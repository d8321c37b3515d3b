//! From a ledger row to a message: deciding where an incoming mail belongs (contract 20.3). `prepare` does the slow,
//! pure work before the transaction; `receive` decides and writes everything in one, so that running it again after a
//! crash changes nothing.

mod agent_reply;
pub mod import;

use super::attachment::{self, NewAttachment};
use super::blocked_sender::{self, Action, BlockedSender};
use super::code::Channel;
use super::conversation::create::{self, Opening};
use super::conversation::message::{self, Body, MessageType, Row};
use super::conversation::reply;
use super::conversation::update::SUBJECT_CHARS;
use super::decision::{self, AccountTrace, Trace};
use super::email_account::{self, EmailAccount};
use super::event::{self, Change};
use super::field;
use super::inbound_mail::{self, Decision, InboundMail, Outcome, Summary};
use super::sender_check::{self, SenderCheck};
use super::{Actor, bounce, contact, conversation, gone, junk_email, outgoing_mail, site};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::html;
use crate::ids::{ConversationId, InboundMailId, MessageId};
use crate::mail::incoming::{AutomaticKind, Incoming, Part};
use crate::mail::{quote, threading};
use crate::time::Timestamp;

/// A mail taken apart, its text cleaned.
pub struct Prepared {
    incoming: Incoming,
    body: Body,
    quote: String,
    is_simplified: bool,
    has_remote_images: bool,
    /// Files with their future guids; the caller stores the bytes and fills in `blob_id`.
    pub files: Vec<(NewAttachment, Vec<u8>)>,
}

/// Splits the quote off, cleans the HTML, points `cid:` pictures at the attachments that hold them.
pub fn prepare(mut incoming: Incoming) -> Result<Prepared> {
    let mut files = Vec::new();
    for part in std::mem::take(&mut incoming.attachments) {
        files.push(file(part)?);
    }
    let picture = |content_id: &str| {
        let wanted = content_id.trim_matches(['<', '>']);
        files
            .iter()
            .find(|(file, _)| file.content_id.as_deref() == Some(wanted))
            .map(|(file, _)| attachment_url(&file.guid))
    };
    let (mut body, mut quoted) = (Body::default(), String::new());
    let (mut is_simplified, mut has_remote_images) = (false, false);
    for part in &incoming.html_parts {
        let split = quote::split_html(part);
        let clean = html::sanitize_mail(&split.reply, &picture);
        is_simplified |= clean.is_simplified;
        has_remote_images |= clean.has_remote_images;
        body.html.push_str(&clean.html);
        if !split.quoted.is_empty() {
            let clean = html::sanitize_mail(&split.quoted, &picture);
            has_remote_images |= clean.has_remote_images;
            quoted.push_str(&clean.html);
        }
    }
    match &incoming.text {
        Some(text) => {
            let split = quote::split_text(text);
            body.plain = split.reply;
            if body.html.is_empty() {
                body.html = html::from_text(&body.plain);
                quoted = html::from_text(&split.quoted);
            }
        }
        None => body.plain = html::to_text(&body.html),
    }
    Ok(Prepared { incoming, body, quote: quoted, is_simplified, has_remote_images, files })
}

fn file(part: Part) -> Result<(NewAttachment, Vec<u8>)> {
    let size = part.bytes.len() as i64;
    let placeholder = crate::ids::BlobId(0);
    let mut new = NewAttachment::new(placeholder, size, &part.file_name, &part.content_type, &part.bytes)?;
    new.is_inline = part.is_inline;
    new.content_id = part.content_id;
    Ok((new, part.bytes))
}

/// Where the API serves an attachment's bytes; HTML bodies name their pictures by it.
pub fn attachment_url(guid: &str) -> String {
    ["/api/v3/attachments/", guid, "/content"].concat()
}

/// Decides what becomes of the mail and does it. A row that already has an outcome is left alone.
pub fn receive(tx: &Tx<'_>, id: InboundMailId, mail: &Prepared) -> Result<Outcome> {
    let row = inbound_mail::one(tx, id)?.ok_or_else(|| Error::not_found("inbound mail", id))?;
    if let Some(outcome) = row.outcome {
        return Ok(outcome);
    }
    let summary = summary(&mail.incoming);
    inbound_mail::summarise(tx, id, &summary)?;
    let decision = match refusal(tx, &row, &mail.incoming, &summary)? {
        Some(decision) => decision,
        None => deliver(tx, &row, mail)?,
    };
    inbound_mail::decide(tx, id, &decision)?;
    Ok(decision.outcome)
}

fn summary(incoming: &Incoming) -> Summary {
    let from = incoming.from.as_ref().map(|from| from.address.clone()).unwrap_or_default();
    let subject: String = incoming.subject.chars().take(SUBJECT_CHARS).collect();
    let content_hash = incoming.message_id.as_deref().map(|message_id| {
        let date = incoming.date.map(|date| date.to_string()).unwrap_or_default();
        // Whatever line ends the way here made of it.
        let plain = |text: &str| text.replace('\r', "").trim_end().to_owned();
        let text = plain(incoming.text.as_deref().unwrap_or_default());
        let html = plain(&incoming.html_parts.concat());
        inbound_mail::content_hash(&[message_id, &from, &date, &subject, &text, &html])
    });
    Summary {
        internet_message_id: incoming.message_id.clone(),
        content_hash,
        from_address: from,
        subject,
        kind: incoming.kind().to_owned(),
        classified_by: classified_by(incoming),
    }
}

/// What the kind of the mail was read from.
fn classified_by(incoming: &Incoming) -> Option<String> {
    let header = &incoming.automatic.as_ref()?.header;
    Some(match &incoming.bounce {
        Some(bounce) => [header, "; ", &bounce.decided_by].concat(),
        None => header.clone(),
    })
}

/// Mail that makes no message: our own coming back, copies, delivery reports, mail without a sender.
fn refusal(
    tx: &Tx<'_>,
    row: &InboundMail,
    incoming: &Incoming,
    summary: &Summary,
) -> Result<Option<Decision>> {
    let ignored = |reason: String, matched_by: &str| {
        Some(Decision {
            matched_by: Some(matched_by.to_owned()),
            ..Decision::without_message(Outcome::Ignored, reason)
        })
    };
    if incoming.instance.as_deref() == Some(site::get(tx)?.instance.as_str()) {
        return Ok(ignored("a mail of ours that came back".to_owned(), "X-Anytime-Instance"));
    }
    if let Some(automatic) = &incoming.automatic {
        match automatic.kind {
            AutomaticKind::Bounce => {
                let report = incoming.bounce.clone().unwrap_or_default();
                return bounce::heed(tx, incoming, &report, &automatic.header).map(Some);
            }
            AutomaticKind::FeedbackReport => {
                return Ok(ignored("a feedback report".to_owned(), &automatic.header));
            }
            AutomaticKind::Loop => return Ok(ignored("it went in a loop".to_owned(), &automatic.header)),
            AutomaticKind::AutoReply
            | AutomaticKind::OutOfOffice
            | AutomaticKind::List
            | AutomaticKind::Bulk => {}
        }
    }
    let Some(from) = &incoming.from else {
        let reason = incoming.problem.clone().unwrap_or_else(|| "it names no sender".to_owned());
        return Ok(Some(Decision::without_message(Outcome::Quarantined, reason)));
    };
    if !crate::mail::is_address(&from.address) {
        let reason = format!("its sender '{}' is not an e-mail address", html::snippet(&from.address, 100));
        return Ok(Some(Decision::without_message(Outcome::Quarantined, reason)));
    }
    if outgoing_mail::is_own_address(tx, &from.address)? {
        return Ok(ignored("it comes from one of our own addresses".to_owned(), "From"));
    }
    if let Some(hash) = &summary.content_hash
        && let Some(twin) = inbound_mail::twin(tx, row.id, hash)?
    {
        let mut decision =
            Decision::without_message(Outcome::Ignored, format!("another copy of inbound mail {}", twin.id));
        decision.matched_by = Some("Message-ID and content".to_owned());
        return Ok(Some(decision));
    }
    Ok(None)
}

/// Where a mail belongs, and why.
struct Place {
    conversation: conversation::Conversation,
    matched_by: String,
    is_third_party: bool,
}

fn deliver(tx: &Tx<'_>, row: &InboundMail, mail: &Prepared) -> Result<Decision> {
    if let Some(decision) = agent_reply::take(tx, mail)? {
        return Ok(decision);
    }
    let incoming = &mail.incoming;
    let account = email_account::require(tx, row.email_account_id)?;
    let from =
        incoming.from.as_ref().ok_or_else(|| Error::internal("a mail without a sender was let through"))?;
    let list = |mailboxes: &[crate::mail::Mailbox]| {
        mailboxes.iter().map(|mailbox| mailbox.address.as_str()).collect::<Vec<_>>().join(", ")
    };
    let (to, cc) = (list(&incoming.to), list(&incoming.cc));
    let subject: String = incoming.subject.chars().take(400).collect();
    let check = sender_check::check(tx, incoming)?;
    let letter = Letter {
        from_address: &from.address,
        from_name: from.name.as_deref(),
        to_addresses: &to,
        cc_addresses: &cc,
        subject: &subject,
        body: &mail.body,
        quote: &mail.quote,
        internet_message_id: incoming.message_id.as_deref(),
        inbound_mail_id: Some(row.id),
        is_simplified: mail.is_simplified,
        has_remote_images: mail.has_remote_images,
        is_automatic: incoming.automatic.is_some(),
        sender_check: &check,
        received_at: None,
    };
    let reason = match (&incoming.automatic, &incoming.problem) {
        (_, Some(problem)) => format!("read only in part: {problem}"),
        (Some(automatic), None) => format!("written by a machine ({})", automatic.header),
        (None, None) => String::new(),
    };
    if let Some(place) = find_place(tx, incoming, &from.address)? {
        return append(tx, &place, &letter, mail, reason);
    }
    if let Some(entry) = blocked_sender::verdict(tx, &from.address)? {
        return turn_away(tx, row, &letter, mail, &entry);
    }
    let (conversation, message, by) = open(tx, Some(&account), &letter)?;
    attach(tx, &by, conversation, message, mail)?;
    let place = Some((conversation, message));
    Ok(Decision { outcome: Outcome::Created, reason, matched_by: None, place })
}

/// A mail ready to become a message: fresh from the parser, or out of the junk.
pub(super) struct Letter<'a> {
    pub from_address: &'a str,
    pub from_name: Option<&'a str>,
    pub to_addresses: &'a str,
    pub cc_addresses: &'a str,
    pub subject: &'a str,
    pub body: &'a Body,
    /// Clean HTML.
    pub quote: &'a str,
    pub internet_message_id: Option<&'a str>,
    pub inbound_mail_id: Option<InboundMailId>,
    pub is_simplified: bool,
    pub has_remote_images: bool,
    /// Written by a machine, as its headers say.
    pub is_automatic: bool,
    pub sender_check: &'a SenderCheck,
    /// `None` is now.
    pub received_at: Option<Timestamp>,
}

impl Letter<'_> {
    fn row(&self) -> Row<'_> {
        Row {
            subject: self.subject,
            quote: self.quote,
            from_address: self.from_address,
            to_addresses: self.to_addresses,
            cc_addresses: self.cc_addresses,
            internet_message_id: self.internet_message_id,
            inbound_mail_id: self.inbound_mail_id,
            is_simplified: self.is_simplified,
            has_remote_images: self.has_remote_images,
            is_automatic: self.is_automatic,
            sender_check: Some(self.sender_check),
            created_at: self.received_at,
            ..Row::new(MessageType::Email, None, self.body)
        }
    }
}

fn append(
    tx: &Tx<'_>,
    place: &Place,
    letter: &Letter<'_>,
    mail: &Prepared,
    reason: String,
) -> Result<Decision> {
    let Place { conversation, matched_by, is_third_party } = place;
    let sender = contact::find_or_create(tx, letter.from_address, letter.from_name)?;
    let by = Actor::Contact(sender);
    let row = Row { matched_by: Some(matched_by), is_third_party: *is_third_party, ..letter.row() };
    let message = match mail.incoming.automatic {
        Some(_) => receive_automatic(tx, &by, conversation, &row)?,
        None => reply::receive(tx, &by, conversation, &row, false)?,
    };
    attach(tx, &by, conversation.id, message, mail)?;
    let reason = match reason.is_empty() && *is_third_party {
        true => "the sender is not part of the conversation".to_owned(),
        false => reason,
    };
    Ok(Decision {
        outcome: Outcome::Appended,
        reason,
        matched_by: Some(matched_by.clone()),
        place: Some((conversation.id, message)),
    })
}

/// New mail of a blocked sender (contract 19): kept as junk, or dropped. It makes no contact and tells nobody.
fn turn_away(
    tx: &Tx<'_>,
    row: &InboundMail,
    letter: &Letter<'_>,
    mail: &Prepared,
    entry: &BlockedSender,
) -> Result<Decision> {
    let matched_by = Some(format!("blocked sender {}", entry.email));
    let (outcome, reason) = match entry.action {
        Action::Reject => (Outcome::Rejected, "mail from this sender is rejected".to_owned()),
        Action::Junk | Action::Allow => {
            let files: Vec<&NewAttachment> = mail.files.iter().map(|(file, _)| file).collect();
            let letter = Letter { received_at: Some(row.received_at), ..*letter };
            (Outcome::Junk, junk_email::store(tx, row.email_account_id, &letter, &files, entry)?)
        }
    };
    Ok(Decision { matched_by, ..Decision::without_message(outcome, reason) })
}

/// Opens a conversation with a mail, by the contact who sent it. `account` is where it came to, as long as that is
/// there.
pub(super) fn open(
    tx: &Tx<'_>,
    account: Option<&EmailAccount>,
    letter: &Letter<'_>,
) -> Result<(ConversationId, MessageId, Actor)> {
    let sender = contact::find_or_create(tx, letter.from_address, letter.from_name)?;
    let by = Actor::Contact(sender);
    let subject: String = letter.subject.trim().chars().take(SUBJECT_CHARS).collect();
    let assignee = account.and_then(|account| account.agent_assignee_id);
    let skipped = assignee.map_or(Ok(None), |agent| gone::assignable(tx, agent))?;
    let id = create::open(
        tx,
        &by,
        &Opening {
            subject: if subject.is_empty() { "(no subject)" } else { &subject },
            channel: Channel::Email,
            status: field::default_status(tx)?,
            priority: field::default_priority(tx)?,
            contact_id: Some(sender),
            agent_assignee_id: assignee.filter(|_| skipped.is_none()),
            department_assignee_id: account.and_then(|account| account.department_assignee_id),
            email_account_id: account.map(|account| account.id),
            received_from: account.map(|account| account.email.as_str()),
            fields: &field::value::defaults(tx)?,
        },
    )?;
    if let (Some(account), Some(agent), Some(skipped)) = (account, assignee, skipped) {
        let trace = AccountTrace { account: account.id, email: account.email.clone(), agent, skipped };
        decision::record(tx, id, &Trace::Account(trace))?;
    }
    let conversation = conversation::require(tx, &Actor::System, id)?;
    let message = reply::receive(tx, &by, &conversation, &letter.row(), true)?;
    Ok((id, message, by))
}

/// An out-of-office note and its like: kept in the thread, but nothing reopens and nobody must act.
fn receive_automatic(
    tx: &Tx<'_>,
    by: &Actor,
    conversation: &conversation::Conversation,
    row: &Row<'_>,
) -> Result<MessageId> {
    let message = message::insert(tx, by, conversation.id, row)?;
    tx.run("UPDATE conversation SET last_activity_at = ? WHERE id = ?", (tx.now(), conversation.id))?;
    let remark = "an automatic answer".to_owned();
    event::record(tx, by, conversation.id, Change::Remarked { message, remark })?;
    Ok(message)
}

/// The keys in the contract's order: our signed token; a Message-ID we know; the subject's number. The last two count
/// only from somebody who is part of the conversation.
fn find_place(tx: &Tx<'_>, incoming: &Incoming, from: &str) -> Result<Option<Place>> {
    let key = site::thread_key(tx)?;
    for found in threading::tokens(&key, incoming) {
        let (place, is_forward) = place_of(tx, found.token.conversation, found.token.message)?;
        if let Some(conversation) = living(tx, place)? {
            let is_third_party =
                (is_forward || !found.is_recipient) && !is_part_of(tx, conversation.id, from)?;
            let matched_by = format!("signed token in {}", found.source);
            return Ok(Some(Place { conversation, matched_by, is_third_party }));
        }
    }
    for id in threading::referenced_ids(incoming) {
        let known = tx.all(
            "SELECT DISTINCT conversation_id FROM message WHERE internet_message_id = ? LIMIT 5",
            [id],
            |row| row.get::<_, ConversationId>(0),
        )?;
        for conversation in known {
            if is_part_of(tx, conversation, from)?
                && let Some(conversation) = living(tx, conversation)?
            {
                let matched_by = "Message-ID of an earlier mail".to_owned();
                return Ok(Some(Place { conversation, matched_by, is_third_party: false }));
            }
        }
    }
    if let Some(id) = threading::subject_token(&incoming.subject).map(ConversationId)
        && is_part_of(tx, id, from)?
        && let Some(conversation) = living(tx, id)?
    {
        let matched_by = format!("[#{id}] in the subject");
        return Ok(Some(Place { conversation, matched_by, is_third_party: false }));
    }
    Ok(None)
}

/// Where the message of a token is now: it may have been moved since. And whether it was a forward: what comes back is
/// from somebody whom the contact did not write to.
fn place_of(s: &Snapshot<'_>, conversation: i64, message: i64) -> Result<(ConversationId, bool)> {
    let found = s.one(
        "SELECT conversation_id, forward_of_id IS NOT NULL FROM message WHERE id = ?",
        [message],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    Ok(found.unwrap_or((ConversationId(conversation), false)))
}

/// The conversation, or the one it was merged into; none when it was deleted.
fn living(s: &Snapshot<'_>, id: ConversationId) -> Result<Option<conversation::Conversation>> {
    let mut found = conversation::get(s, &Actor::System, id)?;
    // A merged conversation may have been merged on; more than a few steps would be a circle.
    for _ in 0..8 {
        match found.as_ref().and_then(|conversation| conversation.merged_into_id) {
            Some(target) => found = conversation::get(s, &Actor::System, target)?,
            None => break,
        }
    }
    Ok(found.filter(|conversation| !conversation.is_deleted))
}

/// Whether an address is the contact's, or appears in from, to or cc of the thread. What third parties sent in does
/// not count: it would let them in by the back door.
pub(super) fn is_part_of(s: &Snapshot<'_>, conversation: ConversationId, address: &str) -> Result<bool> {
    if s.exists(
        "SELECT 1 FROM conversation c JOIN contact_identity i ON i.contact_id = c.contact_id
         WHERE c.id = ? AND i.type = 'email' AND i.value = ?",
        (conversation, address),
    )? {
        return Ok(true);
    }
    let rows: Vec<String> = s.all(
        "SELECT from_address || ', ' || to_addresses || ', ' || cc_addresses FROM message
         WHERE conversation_id = ? AND is_third_party = 0 AND forward_of_id IS NULL AND type = 'email'",
        [conversation],
        |row| row.get(0),
    )?;
    Ok(rows.iter().flat_map(|row| row.split(", ")).any(|known| known.eq_ignore_ascii_case(address)))
}

/// Attaches the files; those over the conversation's limit are named in a note by the system.
fn attach(
    tx: &Tx<'_>,
    by: &Actor,
    conversation: ConversationId,
    message: MessageId,
    mail: &Prepared,
) -> Result<()> {
    let mut surplus = Vec::new();
    for (file, _) in &mail.files {
        if !attachment::receive(tx, by, conversation, message, file)? {
            surplus.push(file.file_name.clone());
        }
    }
    tell_surplus(tx, conversation, message, &surplus)
}

pub(super) fn tell_surplus(
    tx: &Tx<'_>,
    conversation: ConversationId,
    message: MessageId,
    surplus: &[String],
) -> Result<()> {
    if surplus.is_empty() {
        return Ok(());
    }
    let text = format!(
        "These files are over the 20 MB that a conversation may hold and were not attached: {}. \
         The original mail still has them.",
        surplus.join(", ")
    );
    let body = Body { html: html::from_text(&text), plain: text.clone() };
    message::insert(tx, &Actor::System, conversation, &Row::new(MessageType::Note, None, &body))?;
    event::record(tx, &Actor::System, conversation, Change::Remarked { message, remark: text })?;
    Ok(())
}
