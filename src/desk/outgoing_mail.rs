//! The queue of mail that goes out. A row is frozen in the transaction of what caused it, sent by a job, at least
//! once, always with the same Message-ID; what happened is kept for each recipient.

use std::time::Duration;

use askama::Template;

use super::conversation::{Body, Conversation};
use super::email_account::{self, EmailAccount};
use super::event::{self, Change};
use super::mail_budget::{Audience, objection};
use super::shade::{self, Shades};
use super::site::{self, Site};
use super::{Actor, Page, Paging, Permission, agent, attachment, secret};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::html;
use crate::ids::{ConversationId, EmailAccountId, MessageId, OutgoingMailId};
use crate::language::{Language, Words, fill};
use crate::mail::threading;
use crate::time::Timestamp;

#[derive(Debug, Clone)]
pub struct OutgoingMail {
    pub id: OutgoingMailId,
    pub email_account_id: Option<EmailAccountId>,
    pub conversation_id: Option<ConversationId>,
    pub message_id: Option<MessageId>,
    pub internet_message_id: String,
    pub from_name: String,
    pub from_address: String,
    pub subject: String,
    pub text_body: String,
    pub html_body: String,
    pub in_reply_to: Option<String>,
    pub references: Vec<String>,
    pub is_automatic: bool,
    /// Holds a way to sign in; see `require`.
    pub is_confidential: bool,
    pub state: State,
    pub attempts: i64,
    pub next_attempt_at: Timestamp,
    pub last_error: Option<String>,
    /// When an agent wants it to leave, if not at once.
    pub scheduled_at: Option<Timestamp>,
    /// Until when it is offered to be taken back.
    pub undo_until: Option<Timestamp>,
    pub created_at: Timestamp,
    pub sent_at: Option<Timestamp>,
    pub recipients: Vec<Recipient>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Queued,
    /// Waits for a person: the account has no SMTP server yet.
    Held,
    Sent,
    Failed,
}

impl State {
    pub const ALL: [Self; 4] = [Self::Queued, Self::Held, Self::Sent, Self::Failed];

    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Held => "held",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name().eq_ignore_ascii_case(text.trim()))
    }
}

#[derive(Debug, Clone)]
pub struct Recipient {
    pub address: String,
    pub is_cc: bool,
    pub name: String,
    /// `queued`, `sent`, `deferred` or `failed`.
    pub state: String,
    /// What the server last said.
    pub answer: Option<String>,
}

/// Who a mail is from and to, and how it leaves; addresses are checked.
#[derive(Debug, Clone)]
pub struct Envelope {
    pub account: EmailAccount,
    pub to: Vec<String>,
    pub cc: Vec<String>,
    pub subject: String,
    pub departure: Departure,
    /// What goes below the text; clean HTML, perhaps nothing.
    pub signature: String,
    /// Whether it names the thread's earlier mails; one to somebody new does not.
    pub continues_thread: bool,
}

/// When a mail leaves.
#[derive(Debug, Clone, Copy)]
pub enum Departure {
    AtOnce,
    /// After a moment in which it can be taken back.
    After(Timestamp),
    /// When an agent wants it to; it can be taken back until then.
    At(Timestamp),
}

impl Departure {
    /// What holds the first attempt.
    fn held_until(self) -> Option<Timestamp> {
        match self {
            Self::AtOnce => None,
            Self::After(at) | Self::At(at) => Some(at),
        }
    }
}

impl OutgoingMail {
    /// What its Date header says, and what its patience is counted from.
    pub fn dated(&self) -> Timestamp {
        self.scheduled_at.unwrap_or(self.created_at)
    }
}

/// What the server said about one recipient.
#[derive(Debug, Clone)]
pub enum Answer {
    Accepted,
    Deferred(String),
    Refused(String),
}

/// How many mails are in each state. For measuring, not for people.
pub fn counts(s: &Snapshot<'_>) -> Result<Vec<(String, i64)>> {
    s.all("SELECT state, count(*) FROM outgoing_mail GROUP BY state", [], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

/// The newest first. Needs `manageChannels`.
pub fn list(
    s: &Snapshot<'_>,
    by: &Actor,
    state: Option<State>,
    paging: Paging,
) -> Result<Page<OutgoingMail>> {
    by.require(Permission::ManageChannels)?;
    let state = state.map(State::name);
    let total = s.number("SELECT count(*) FROM outgoing_mail WHERE ?1 IS NULL OR state = ?1", [state])?;
    let mut items = s.all(
        &[
            "SELECT ",
            COLUMNS,
            " FROM outgoing_mail WHERE ?1 IS NULL OR state = ?1 ORDER BY id DESC LIMIT ?2 OFFSET ?3",
        ]
        .concat(),
        (state, paging.size, paging.offset()),
        from_row,
    )?;
    for mail in &mut items {
        mail.recipients = recipients(s, mail.id)?;
    }
    Ok(Page { items, total })
}

/// The row, or `NotFound`. Who manages mail may not sign in as its recipients: the text of a confidential mail is
/// left out.
pub fn require(s: &Snapshot<'_>, by: &Actor, id: OutgoingMailId) -> Result<OutgoingMail> {
    by.require(Permission::ManageChannels)?;
    let mail = get(s, id)?.ok_or_else(|| Error::not_found("outgoing mail", id))?;
    Ok(match mail.is_confidential {
        true => OutgoingMail { text_body: NOT_SHOWN.to_owned(), html_body: String::new(), ..mail },
        false => mail,
    })
}

const NOT_SHOWN: &str = "This mail holds a sign-in link. Only its recipient may read it.";

/// The mail by which a message went out.
pub fn of_message(s: &Snapshot<'_>, message: MessageId) -> Result<Option<OutgoingMail>> {
    let id =
        s.one("SELECT id FROM outgoing_mail WHERE message_id = ? AND is_automatic = 0", [message], |row| {
            row.get(0)
        })?;
    id.map_or(Ok(None), |id| get(s, id))
}

/// The row with its text, even a confidential one: for sending it, and for the mail catcher of a demo.
pub fn get(s: &Snapshot<'_>, id: OutgoingMailId) -> Result<Option<OutgoingMail>> {
    let mail = s.one(&["SELECT ", COLUMNS, " FROM outgoing_mail WHERE id = ?"].concat(), [id], from_row)?;
    mail.map(|mail| Ok(OutgoingMail { recipients: recipients(s, id)?, ..mail })).transpose()
}

fn recipients(s: &Snapshot<'_>, id: OutgoingMailId) -> Result<Vec<Recipient>> {
    s.all(
        "SELECT address, kind = 'cc', name, state, answer FROM outgoing_recipient WHERE outgoing_mail_id = ?
         ORDER BY kind DESC, address",
        [id],
        |row| {
            Ok(Recipient {
                address: row.get(0)?,
                is_cc: row.get(1)?,
                name: row.get(2)?,
                state: row.get(3)?,
                answer: row.get(4)?,
            })
        },
    )
}

/// Whether mail to `address` would come back to us: the address of any of our accounts.
pub fn is_own_address(s: &Snapshot<'_>, address: &str) -> Result<bool> {
    s.exists("SELECT 1 FROM email_account WHERE email = ?", [address.trim()])
}

/// The Message-IDs of the thread before a message, or of all of it: oldest first.
fn references(
    s: &Snapshot<'_>,
    conversation: ConversationId,
    before: Option<MessageId>,
) -> Result<Vec<String>> {
    let newest_first: Vec<String> = s.all(
        "SELECT internet_message_id FROM message
         WHERE conversation_id = ?1 AND (?2 IS NULL OR id < ?2) AND type = 'email' AND internet_message_id IS NOT NULL
         ORDER BY id DESC LIMIT 40",
        (conversation, before),
        |row| row.get(0),
    )?;
    Ok(newest_first.into_iter().rev().collect())
}

/// Queues an agent's mail. The Message-ID carries the signed token by which the answer finds its conversation.
pub fn enqueue_reply(
    tx: &Tx<'_>,
    conversation: &Conversation,
    message: MessageId,
    envelope: &Envelope,
    body: &Body,
    quote: &str,
) -> Result<()> {
    let domain = envelope.account.email.rsplit('@').next().unwrap_or("localhost");
    let first = envelope.to.first().map(String::as_str).unwrap_or_default();
    let key = site::thread_key(tx)?;
    let internet_message_id = threading::message_id(&key, conversation.id.0, message.0, first, domain);
    tx.run("UPDATE message SET internet_message_id = ? WHERE id = ?", (&internet_message_id, message))?;
    let references = match envelope.continues_thread {
        true => references(tx, conversation.id, Some(message))?,
        false => Vec::new(),
    };
    // What an agent puts in goes out as it is; images are held back only where mail is shown.
    let mut html = html::with_remote_images(&body.html);
    let mut text = body.plain.clone();
    if !envelope.signature.is_empty() {
        html = [&html, "<p>-- </p>", &envelope.signature].concat();
        text = [text.trim_end(), "\n\n-- \n", &html::to_text(&envelope.signature)].concat();
    }
    if !quote.is_empty() {
        html = [&html, "<blockquote type=\"cite\">", quote, "</blockquote>"].concat();
        let quoted: String = html::to_text(quote).lines().map(|line| ["> ", line, "\n"].concat()).collect();
        text = [text.trim_end(), "\n\n", &quoted].concat();
    }
    let marked = ["[#", &conversation.id.to_string(), "]"].concat();
    let subject = match envelope.subject.contains(&marked) {
        true => envelope.subject.clone(),
        false => [&envelope.subject, " ", &marked].concat(),
    };
    let id = insert(
        tx,
        &NewMail {
            account: Some(&envelope.account),
            conversation: Some((conversation.id, message)),
            internet_message_id: &internet_message_id,
            subject: &subject,
            text: &text,
            html: &html,
            references: &references,
            is_automatic: false,
            departure: envelope.departure,
        },
    )?;
    for (addresses, kind) in [(&envelope.to, "to"), (&envelope.cc, "cc")] {
        for address in addresses {
            add_recipient(tx, id, address, kind)?;
        }
    }
    crate::failpoint!("S1");
    Ok(())
}

#[derive(Template)]
#[template(path = "mail/sign_in_link.txt")]
struct SignInLinkText<'a> {
    title: &'a str,
    words: &'a Words,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "mail/sign_in_link.html")]
struct SignInLinkHtml<'a> {
    site: &'a str,
    language: Language,
    title: &'a str,
    words: &'a Words,
    link: &'a str,
    look: &'a Shades,
}

/// Queues the mail with a portal sign-in link, in the language of whoever asked for it.
pub fn enqueue_sign_in_link(
    tx: &Tx<'_>,
    site: &Site,
    language: Language,
    to: &str,
    link: &str,
) -> Result<()> {
    let words = language.words();
    let subject = fill(words.mail_link_subject, &[("site", &site.name)]);
    let title = fill(words.mail_link_title, &[("site", &site.name)]);
    let text = render(&SignInLinkText { title: &title, words, link })?;
    let look = shade::get(tx)?;
    let html =
        render(&SignInLinkHtml { site: &site.name, language, title: &title, words, link, look: &look })?;
    if let Some(id) = enqueue_automatic(tx, to, &subject, &text, &html, None)? {
        tx.run("UPDATE outgoing_mail SET is_confidential = 1 WHERE id = ?", [id])?;
    }
    Ok(())
}

#[derive(Template)]
#[template(path = "mail/password_notice.txt")]
struct PasswordNoticeText<'a> {
    title: &'a str,
    about: &'a str,
    words: &'a Words,
}

#[derive(Template)]
#[template(path = "mail/password_notice.html")]
struct PasswordNoticeHtml<'a> {
    site: &'a str,
    language: Language,
    title: &'a str,
    about: &'a str,
    words: &'a Words,
}

/// Queues the mail that tells a contact that their password was set or taken away.
pub fn enqueue_password_notice(
    tx: &Tx<'_>,
    site: &Site,
    language: Language,
    to: &str,
    is_set: bool,
) -> Result<()> {
    let words = language.words();
    let title = fill(words.mail_password_subject, &[("site", &site.name)]);
    let about = if is_set { words.mail_password_set } else { words.mail_password_gone };
    let about = fill(about, &[("site", &site.name)]);
    let text = render(&PasswordNoticeText { title: &title, about: &about, words })?;
    let html =
        render(&PasswordNoticeHtml { site: &site.name, language, title: &title, about: &about, words })?;
    enqueue_automatic(tx, to, &title, &text, &html, None)?;
    Ok(())
}

/// Queues an automatic mail from the default account; `None` when the address is our own, or it or the conversation had
/// its share of them lately, which the conversation's event log tells.
pub fn enqueue_automatic(
    tx: &Tx<'_>,
    to: &str,
    subject: &str,
    text: &str,
    html: &str,
    conversation: Option<(ConversationId, MessageId)>,
) -> Result<Option<OutgoingMailId>> {
    let about = conversation.map(|(conversation, _)| conversation);
    if let Some(why) = objection(tx, to, Audience::Contact, about)? {
        tracing::warn!(why, "an automatic mail was not sent");
        if let Some(conversation) = about {
            let remark = format!("Did not mail {to}: {why}");
            event::record(tx, &Actor::System, conversation, Change::Automated { remark })?;
        }
        return Ok(None);
    }
    let account = email_account::default(tx)?;
    let domain = account.as_ref().and_then(|account| account.email.rsplit('@').next()).unwrap_or("localhost");
    // A contact's answer to it belongs to the conversation that it is about; an agent's to nothing.
    let internet_message_id = match conversation {
        Some((conversation, _)) if agent::by_email(tx, to)?.is_none() => {
            let key = site::thread_key(tx)?;
            threading::message_id(&key, conversation.0, unused_message(tx)?, to, domain)
        }
        _ => ["auto.", &secret::random_guid()?, "@", domain].concat(),
    };
    let id = insert(
        tx,
        &NewMail {
            account: account.as_ref(),
            conversation,
            internet_message_id: &internet_message_id,
            subject,
            text,
            html,
            references: &[],
            is_automatic: true,
            departure: Departure::AtOnce,
        },
    )?;
    add_recipient(tx, id, to, "to")?;
    Ok(Some(id))
}

/// A mail that a rule writes about a conversation.
pub struct Notice<'a> {
    pub account: Option<&'a EmailAccount>,
    pub conversation: ConversationId,
    /// The message that it is in the thread, if it is one.
    pub message: Option<MessageId>,
    pub to: &'a str,
    pub audience: Audience,
    pub subject: &'a str,
    pub text: &'a str,
    pub html: &'a str,
    pub attachments: &'a [attachment::Attachment],
}

/// What became of a notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Queued,
    /// It waits for a person, and why.
    Held(String),
    Refused(String),
}

/// Beyond every message's id.
const NO_MESSAGE: i64 = 1 << 40;

/// A number that no message has and no mail had: it makes the token of a mail without a message one of a kind.
fn unused_message(s: &Snapshot<'_>) -> Result<i64> {
    Ok(NO_MESSAGE
        + s.number("SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'outgoing_mail'), 0)", [])?)
}

/// Queues a notice, unless it would come back to us, or the address or the conversation had its share. A contact's answer
/// finds the conversation by the signed token in the Message-ID.
pub fn enqueue_notice(tx: &Tx<'_>, notice: &Notice<'_>) -> Result<Verdict> {
    if let Some(why) = objection(tx, notice.to, notice.audience, Some(notice.conversation))? {
        return Ok(Verdict::Refused(why.to_owned()));
    }
    let domain = notice.account.and_then(|account| account.email.rsplit('@').next()).unwrap_or("localhost");
    let internet_message_id = match notice.audience {
        Audience::Contact => {
            let key = site::thread_key(tx)?;
            let message = match notice.message {
                Some(message) => message.0,
                None => unused_message(tx)?,
            };
            threading::message_id(&key, notice.conversation.0, message, notice.to, domain)
        }
        Audience::Agent => notice_id(tx, notice.conversation.0, notice.to, domain)?,
    };
    let references: Vec<String> = match notice.audience {
        Audience::Contact => references(tx, notice.conversation, notice.message)?,
        Audience::Agent => Vec::new(),
    };
    let id = insert(
        tx,
        &NewMail {
            account: notice.account,
            conversation: None,
            internet_message_id: &internet_message_id,
            subject: notice.subject,
            text: notice.text,
            html: notice.html,
            references: &references,
            is_automatic: true,
            departure: Departure::AtOnce,
        },
    )?;
    tx.run(
        "UPDATE outgoing_mail SET conversation_id = ?, message_id = ? WHERE id = ?",
        (notice.conversation, notice.message, id),
    )?;
    if let (Some(message), Audience::Contact) = (notice.message, notice.audience) {
        tx.run("UPDATE message SET internet_message_id = ? WHERE id = ?", (&internet_message_id, message))?;
    }
    for file in notice.attachments {
        tx.run(
            "INSERT INTO outgoing_attachment (outgoing_mail_id, attachment_id) VALUES (?, ?)",
            (id, file.id),
        )?;
    }
    add_recipient(tx, id, notice.to, "to")?;
    let held =
        tx.one("SELECT last_error FROM outgoing_mail WHERE id = ? AND state = 'held'", [id], |row| {
            row.get::<_, Option<String>>(0)
        })?;
    Ok(held.map_or(Verdict::Queued, |why| Verdict::Held(why.unwrap_or_default())))
}

/// Queues a mail to an agent that is about no conversation in particular, unless they had their share. It leaves from
/// the default account.
pub fn enqueue_for_agent(tx: &Tx<'_>, to: &str, subject: &str, text: &str, html: &str) -> Result<()> {
    if objection(tx, to, Audience::Agent, None)?.is_some() {
        return Ok(());
    }
    let account = email_account::default(tx)?;
    let domain = account.as_ref().and_then(|account| account.email.rsplit('@').next()).unwrap_or("localhost");
    let new = NewMail {
        account: account.as_ref(),
        conversation: None,
        internet_message_id: &notice_id(tx, 0, to, domain)?,
        subject,
        text,
        html,
        references: &[],
        is_automatic: true,
        departure: Departure::AtOnce,
    };
    let id = insert(tx, &new)?;
    add_recipient(tx, id, to, "to")
}

/// By which an agent's answer to a notice is known again.
fn notice_id(s: &Snapshot<'_>, conversation: i64, to: &str, domain: &str) -> Result<String> {
    let number = 1 + s.number("SELECT max(id) FROM outgoing_mail", [])?;
    Ok(threading::notice_id(&site::thread_key(s)?, conversation, number, to, domain))
}

struct NewMail<'a> {
    account: Option<&'a EmailAccount>,
    conversation: Option<(ConversationId, MessageId)>,
    internet_message_id: &'a str,
    subject: &'a str,
    text: &'a str,
    html: &'a str,
    references: &'a [String],
    is_automatic: bool,
    departure: Departure,
}

fn insert(tx: &Tx<'_>, new: &NewMail<'_>) -> Result<OutgoingMailId> {
    let (state, why) = match new.account {
        None => (State::Held, Some("there is no enabled e-mail account to send from")),
        Some(account) if !account.can_send() => (State::Held, Some("the e-mail account has no SMTP server")),
        Some(_) => (State::Queued, None),
    };
    let from_name = match new.account {
        Some(account) if !account.display_name.is_empty() => account.display_name.clone(),
        _ => site::get(tx)?.name,
    };
    tx.insert(
        "INSERT INTO outgoing_mail (email_account_id, conversation_id, message_id, internet_message_id, from_name,
           from_address, subject, text_body, html_body, in_reply_to, reference_ids, is_automatic, state,
           next_attempt_at, last_error, created_at, scheduled_at, undo_until)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
        rusqlite::params![
            new.account.map(|account| account.id),
            new.conversation.map(|(conversation, _)| conversation),
            new.conversation.map(|(_, message)| message),
            new.internet_message_id,
            from_name,
            new.account.map_or("", |account| &account.email),
            new.subject,
            new.text,
            new.html,
            new.references.last(),
            new.references.join(" "),
            new.is_automatic,
            state.name(),
            new.departure.held_until().unwrap_or(tx.now()),
            why,
            tx.now(),
            match new.departure {
                Departure::At(at) => Some(at),
                Departure::AtOnce | Departure::After(_) => None,
            },
            new.departure.held_until(),
        ],
    )
    .map(OutgoingMailId)
}

fn add_recipient(tx: &Tx<'_>, id: OutgoingMailId, address: &str, kind: &str) -> Result<()> {
    let name: Option<String> = tx.one(
        "SELECT c.name FROM contact_identity i JOIN contact c ON c.id = i.contact_id
         WHERE i.type = 'email' AND i.value = ? AND i.is_freed = 0",
        [address],
        |row| row.get(0),
    )?;
    tx.run(
        "INSERT OR IGNORE INTO outgoing_recipient (outgoing_mail_id, address, kind, name) VALUES (?, ?, ?, ?)",
        (id, address, kind, name.filter(|name| name != address).unwrap_or_default()),
    )?;
    Ok(())
}

/// How long a worker keeps a mail: longer than the patience after the final dot (RFC 5321 4.5.3.2.6).
const LEASE: Duration = Duration::from_secs(15 * 60);

/// Takes up to `limit` due mails for sending; those wait whose files wait for their check, and those of accounts that
/// refuse our sign-in. After a crash see `release_leases`.
pub fn lease(tx: &Tx<'_>, limit: i64) -> Result<Vec<OutgoingMail>> {
    let ids: Vec<OutgoingMailId> = tx.all(
        "UPDATE outgoing_mail SET lease_until = ?1, attempts = attempts + 1
         WHERE id IN (SELECT m.id FROM outgoing_mail m WHERE m.state = 'queued' AND m.next_attempt_at <= ?2
                        AND m.lease_until <= ?2 AND NOT EXISTS (
                          SELECT 1 FROM attachment a WHERE a.message_id = m.message_id AND a.is_pending = 1)
                        AND NOT EXISTS (
                          SELECT 1 FROM email_account x WHERE x.id = m.email_account_id AND ?4 <= x.send_refusals)
                      ORDER BY m.next_attempt_at LIMIT ?3)
         RETURNING id",
        (tx.now().plus(LEASE), tx.now(), limit, email_account::REFUSALS),
        |row| row.get(0),
    )?;
    ids.into_iter().map(|id| get(tx, id)?.ok_or_else(|| Error::not_found("outgoing mail", id))).collect()
}

/// Whether a mail is due: the cheap question before `lease`.
pub fn is_due(s: &Snapshot<'_>, now: Timestamp) -> Result<bool> {
    s.exists(
        "SELECT 1 FROM outgoing_mail m WHERE m.state = 'queued' AND m.next_attempt_at <= ?1 AND m.lease_until <= ?1
           AND NOT EXISTS (SELECT 1 FROM attachment a WHERE a.message_id = m.message_id AND a.is_pending = 1)
           AND NOT EXISTS (SELECT 1 FROM email_account x WHERE x.id = m.email_account_id AND ?2 <= x.send_refusals)
         LIMIT 1",
        (now, email_account::REFUSALS),
    )
}

/// At start no worker of this process has a lease, and there is no other process. Who held one may have sent the mail:
/// it is tried again at once the first time, and then as late as after an error, so that a process that dies again and
/// again does not send the same mail again and again.
pub fn release_leases(tx: &Tx<'_>) -> Result<()> {
    let ids: Vec<OutgoingMailId> = tx.all(
        "UPDATE outgoing_mail SET lease_until = 0 WHERE state = 'queued' AND lease_until <> 0 RETURNING id",
        [],
        |row| row.get(0),
    )?;
    for id in ids {
        if let Some(mail) = get(tx, id)?.filter(|mail| 1 < mail.attempts) {
            defer(tx, &mail, "the desk ended while it was being sent: it may have arrived")?;
        }
    }
    Ok(())
}

/// After a restore nobody knows which of the waiting mails were sent since the backup: each waits for a person. Tells
/// how many.
pub fn hold_all(tx: &Tx<'_>) -> Result<usize> {
    tx.run(
        "UPDATE outgoing_mail SET state = 'held', lease_until = 0, last_error = ? WHERE state = 'queued'",
        ["held after a restore: it may have been sent since the backup was made"],
    )
}

/// Whether an automatic mail about this message answers a contact: such as one that says it arrived.
pub fn answers_contact(s: &Snapshot<'_>, message: MessageId) -> Result<bool> {
    s.exists("SELECT 1 FROM message WHERE id = ? AND sender_type = 'contact'", [message])
}

/// Files of the message that the mail carries.
pub fn files(s: &Snapshot<'_>, mail: &OutgoingMail) -> Result<Vec<attachment::Attachment>> {
    match mail.message_id {
        Some(message) if !mail.is_automatic => attachment::of_message(s, message),
        _ => attachment::of_outgoing(s, mail.id),
    }
}

/// Waits between attempts; the last one repeats until the mail is given up.
const BACK_OFF_MINUTES: [u64; 8] = [1, 5, 15, 30, 60, 120, 240, 480];
const GIVE_UP_AFTER: Duration = Duration::from_secs(5 * 24 * 3600);

/// Writes down what the server said about each recipient asked for, and decides what becomes of the mail.
pub fn record_answers(tx: &Tx<'_>, id: OutgoingMailId, answers: &[(String, Answer)]) -> Result<()> {
    for (address, answer) in answers {
        let (state, text) = match answer {
            Answer::Accepted => ("sent", None),
            Answer::Deferred(text) => ("deferred", Some(text)),
            Answer::Refused(text) => ("failed", Some(text)),
        };
        tx.run(
            "UPDATE outgoing_recipient SET state = ?, answer = ? WHERE outgoing_mail_id = ? AND address = ?",
            (state, text, id, address),
        )?;
    }
    let Some(mail) = get(tx, id)? else { return Ok(()) };
    let in_state = |state: &str| mail.recipients.iter().find(|recipient| recipient.state == state);
    let describe = |r: &Recipient| format!("{}: {}", r.address, r.answer.as_deref().unwrap_or("no answer"));
    if let Some(waiting) = in_state("deferred").or_else(|| in_state("queued")) {
        return defer(tx, &mail, &describe(waiting));
    }
    match in_state("failed") {
        Some(failed) => fail(tx, &mail, &describe(failed)),
        None => {
            tx.run(
                "UPDATE outgoing_mail SET state = 'sent', sent_at = ?, lease_until = 0, last_error = NULL WHERE id = ?",
                (tx.now(), id),
            )?;
            tell(tx, &mail, "success", |message| Change::MailSent { message })
        }
    }
}

/// The server could not be reached or refused the whole mail.
pub fn record_error(tx: &Tx<'_>, id: OutgoingMailId, error: &str, is_permanent: bool) -> Result<()> {
    let Some(mail) = get(tx, id)? else { return Ok(()) };
    if is_permanent { fail(tx, &mail, error) } else { defer(tx, &mail, error) }
}

fn defer(tx: &Tx<'_>, mail: &OutgoingMail, error: &str) -> Result<()> {
    if GIVE_UP_AFTER < tx.now().since(mail.dated()) {
        return fail(tx, mail, &format!("given up after five days: {error}"));
    }
    let step = (mail.attempts - 1).clamp(0, BACK_OFF_MINUTES.len() as i64 - 1) as usize;
    let base = BACK_OFF_MINUTES[step] * 60_000;
    // Up to a fifth earlier or later, so that mails deferred together do not come back together.
    let jitter = (mail.id.0 as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let wait = base * 4 / 5 + base * 2 / 5 * jitter / u64::from(u32::MAX);
    tx.run(
        "UPDATE outgoing_mail SET next_attempt_at = ?, lease_until = 0, last_error = ? WHERE id = ?",
        (tx.now().plus(Duration::from_millis(wait)), error, mail.id),
    )?;
    Ok(())
}

fn fail(tx: &Tx<'_>, mail: &OutgoingMail, error: &str) -> Result<()> {
    tx.run(
        "UPDATE outgoing_mail SET state = 'failed', lease_until = 0, last_error = ? WHERE id = ?",
        (error, mail.id),
    )?;
    tell(tx, mail, "failed", |message| Change::MailFailed { message, error: error.to_owned() })
}

/// The message shows how its mail ended. Of automatic mail only a trigger's may be a message: one by the system.
fn tell(
    tx: &Tx<'_>,
    mail: &OutgoingMail,
    status: &str,
    change: impl FnOnce(MessageId) -> Change,
) -> Result<()> {
    let (Some(conversation), Some(message)) = (mail.conversation_id, mail.message_id) else { return Ok(()) };
    let is_own = "SELECT 1 FROM message WHERE id = ? AND sender_type = 'system'";
    if mail.is_automatic && !tx.exists(is_own, [message])? {
        return Ok(());
    }
    tx.run("UPDATE message SET send_status = ? WHERE id = ?", (status, message))?;
    event::record(tx, &Actor::System, conversation, change(message))?;
    Ok(())
}

/// A report says that a recipient did not get the mail after all. Sending it again goes to that one.
pub(super) fn note_bounce(tx: &Tx<'_>, id: OutgoingMailId, address: &str, said: &str) -> Result<()> {
    tx.run(
        "UPDATE outgoing_recipient SET state = 'failed', answer = ? WHERE outgoing_mail_id = ? AND address = ?",
        (said, id, address),
    )?;
    tx.run(
        "UPDATE outgoing_mail SET state = 'failed', last_error = ?1 WHERE id = ?2",
        (format!("{address}: {said}"), id),
    )?;
    tx.run(
        "UPDATE message SET send_status = 'failed' WHERE id = (SELECT message_id FROM outgoing_mail
           WHERE id = ? AND is_automatic = 0)",
        [id],
    )?;
    Ok(())
}

/// A report says that a server goes on trying.
pub(super) fn note_delay(tx: &Tx<'_>, id: OutgoingMailId, address: &str, said: &str) -> Result<()> {
    tx.run(
        "UPDATE outgoing_recipient SET answer = ? WHERE outgoing_mail_id = ? AND address = ?",
        (format!("delayed: {said}"), id, address),
    )?;
    Ok(())
}

/// Sends a held or failed mail again, to those recipients who did not get it.
pub fn retry(tx: &Tx<'_>, by: &Actor, id: OutgoingMailId) -> Result<OutgoingMail> {
    by.require(Permission::ManageChannels)?;
    resend(tx, by, id)
}

/// The same for the mail of a message, by an agent who may change its conversation.
pub fn retry_message(tx: &Tx<'_>, by: &Actor, message: MessageId) -> Result<OutgoingMail> {
    let found = super::conversation::message::require(tx, by, message)?;
    super::conversation::editable(tx, by, found.conversation_id)?;
    let mail = of_message(tx, message)?
        .ok_or_else(|| Error::Conflict(format!("message {message} is no mail that we sent")))?;
    resend(tx, by, mail.id)
}

/// Takes the mail of a message out of the queue before anybody had a try at sending it. `Conflict` when it is too late.
pub fn take_back(tx: &Tx<'_>, message: MessageId) -> Result<()> {
    let taken = tx.run(
        "DELETE FROM outgoing_mail WHERE message_id = ? AND is_automatic = 0 AND state IN ('queued', 'held')
           AND attempts = 0 AND lease_until = 0 AND NOT EXISTS (
             SELECT 1 FROM outgoing_recipient r WHERE r.outgoing_mail_id = outgoing_mail.id AND r.state = 'sent')",
        [message],
    )?;
    match taken {
        0 => Err(Error::Conflict(format!("the mail of message {message} has left, or there is none"))),
        _ => Ok(()),
    }
}

fn resend(tx: &Tx<'_>, by: &Actor, id: OutgoingMailId) -> Result<OutgoingMail> {
    let mail = get(tx, id)?.ok_or_else(|| Error::not_found("outgoing mail", id))?;
    if matches!(mail.state, State::Sent) {
        return Err(Error::Conflict(format!("outgoing mail {id} was sent")));
    }
    let is_leased = "SELECT 1 FROM outgoing_mail WHERE id = ? AND state = 'queued' AND ? < lease_until";
    if tx.exists(is_leased, (id, tx.now()))? {
        return Err(Error::Conflict(format!("outgoing mail {id} is being sent at this moment")));
    }
    let account = match mail.email_account_id {
        Some(account) => email_account::get(tx, account)?,
        None => email_account::default(tx)?,
    };
    let account = account.filter(EmailAccount::can_send).ok_or_else(|| {
        Error::Conflict("there is no e-mail account with an SMTP server to send it from".to_owned())
    })?;
    tx.run(
        "UPDATE outgoing_mail SET state = 'queued', attempts = 0, next_attempt_at = ?1, lease_until = 0,
           last_error = NULL, email_account_id = ?2, from_address = ?3 WHERE id = ?4",
        (tx.now(), account.id, account.email, id),
    )?;
    tx.run(
        "UPDATE outgoing_recipient SET state = 'queued' WHERE outgoing_mail_id = ? AND state <> 'sent'",
        [id],
    )?;
    if let Some(message) = mail.message_id
        && !mail.is_automatic
    {
        tx.run("UPDATE message SET send_status = 'sending' WHERE id = ?", [message])?;
        if let Some(conversation) = mail.conversation_id {
            event::record(tx, by, conversation, Change::MailResent { message })?;
        }
    }
    get(tx, id)?.ok_or_else(|| Error::not_found("outgoing mail", id))
}

pub(super) fn render(template: &impl Template) -> Result<String> {
    template.render().map_err(Error::internal)
}

const COLUMNS: &str =
    "id, email_account_id, conversation_id, message_id, internet_message_id, from_name, from_address,
    subject, text_body, html_body, in_reply_to, reference_ids, is_automatic, state, attempts, next_attempt_at,
    last_error, created_at, sent_at, is_confidential, scheduled_at, undo_until";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<OutgoingMail> {
    let references: String = row.get(11)?;
    Ok(OutgoingMail {
        id: row.get(0)?,
        email_account_id: row.get(1)?,
        conversation_id: row.get(2)?,
        message_id: row.get(3)?,
        internet_message_id: row.get(4)?,
        from_name: row.get(5)?,
        from_address: row.get(6)?,
        subject: row.get(7)?,
        text_body: row.get(8)?,
        html_body: row.get(9)?,
        in_reply_to: row.get(10)?,
        references: references.split_whitespace().map(str::to_owned).collect(),
        is_automatic: row.get(12)?,
        state: State::parse(row.get_ref(13)?.as_str()?).ok_or(rusqlite::types::FromSqlError::InvalidType)?,
        attempts: row.get(14)?,
        next_attempt_at: row.get(15)?,
        last_error: row.get(16)?,
        created_at: row.get(17)?,
        sent_at: row.get(18)?,
        is_confidential: row.get(19)?,
        scheduled_at: row.get(20)?,
        undo_until: row.get(21)?,
        recipients: Vec::new(),
    })
}
