//! The ledger of mail that came in: one row for each mail a server offered us, with its raw bytes, what became of it,
//! and why. Raw first: the row is committed before anything looks inside, and before the server may forget the mail.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{Actor, Page, Paging, Permission, blob};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::{BlobId, ConversationId, EmailAccountId, InboundMailId, MessageId};
use crate::time::Timestamp;

#[derive(Debug, Clone)]
pub struct InboundMail {
    pub id: InboundMailId,
    pub email_account_id: EmailAccountId,
    pub uidl: String,
    /// `None` when the mail was left on the server.
    pub blob_id: Option<BlobId>,
    pub sha256: Option<Vec<u8>>,
    pub size_bytes: i64,
    /// `None` until it is decided.
    pub outcome: Option<Outcome>,
    pub reason: String,
    pub matched_by: Option<String>,
    pub attempts: i64,
    pub internet_message_id: Option<String>,
    pub from_address: String,
    pub subject: String,
    /// What kind of mail it is, in the words of `Summary`; empty until it is read.
    pub kind: String,
    pub classified_by: Option<String>,
    pub conversation_id: Option<ConversationId>,
    pub message_id: Option<MessageId>,
    pub is_on_server: bool,
    pub received_at: Timestamp,
    pub processed_at: Option<Timestamp>,
}

/// What became of a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Created,
    Appended,
    Junk,
    Rejected,
    Ignored,
    Quarantined,
}

impl Outcome {
    pub const ALL: [Self; 6] =
        [Self::Created, Self::Appended, Self::Junk, Self::Rejected, Self::Ignored, Self::Quarantined];

    pub fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Appended => "appended",
            Self::Junk => "junk",
            Self::Rejected => "rejected",
            Self::Ignored => "ignored",
            Self::Quarantined => "quarantined",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name().eq_ignore_ascii_case(text.trim()))
    }
}

/// The decision about a mail, as `decide` writes it.
#[derive(Debug, Clone)]
pub struct Decision {
    pub outcome: Outcome,
    pub reason: String,
    /// The header or rule that decided.
    pub matched_by: Option<String>,
    pub place: Option<(ConversationId, MessageId)>,
}

impl Decision {
    pub fn without_message(outcome: Outcome, reason: impl Into<String>) -> Self {
        Self { outcome, reason: reason.into(), matched_by: None, place: None }
    }
}

/// What the parser read from a mail, kept for the ledger and for finding the same mail again.
#[derive(Debug, Clone, Default)]
pub struct Summary {
    pub internet_message_id: Option<String>,
    pub content_hash: Option<[u8; 32]>,
    pub from_address: String,
    pub subject: String,
    /// `human`, `autoReply`, `outOfOffice`, `hardBounce`, `softBounce`, `delayedBounce`, `list`, `bulk`,
    /// `feedbackReport` or `loop`.
    pub kind: String,
    /// The header or words that said so.
    pub classified_by: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct InboundMailQuery {
    pub email_account_id: Option<EmailAccountId>,
    pub outcome: Option<Outcome>,
}

/// How many mails had each outcome; `waiting` are those without one yet. For measuring, not for people.
pub fn counts(s: &Snapshot<'_>) -> Result<Vec<(String, i64)>> {
    s.all("SELECT coalesce(outcome, 'waiting'), count(*) FROM inbound_mail GROUP BY outcome", [], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

/// The newest first. Needs `manageChannels`: the ledger shows mail of every department.
pub fn list(
    s: &Snapshot<'_>,
    by: &Actor,
    query: &InboundMailQuery,
    paging: Paging,
) -> Result<Page<InboundMail>> {
    by.require(Permission::ManageChannels)?;
    let outcome = query.outcome.map(Outcome::name);
    let total = s.number(&["SELECT count(*)", LISTED].concat(), (query.email_account_id, outcome))?;
    let items = s.all(
        &["SELECT ", COLUMNS, LISTED, " ORDER BY id DESC LIMIT ?3 OFFSET ?4"].concat(),
        (query.email_account_id, outcome, paging.size, paging.offset()),
        from_row,
    )?;
    Ok(Page { items, total })
}

const LISTED: &str = " FROM inbound_mail
    WHERE (?1 IS NULL OR email_account_id = ?1) AND (?2 IS NULL OR outcome = ?2)";

/// The row, or `NotFound`.
pub fn require(s: &Snapshot<'_>, by: &Actor, id: InboundMailId) -> Result<InboundMail> {
    by.require(Permission::ManageChannels)?;
    one(s, id)?.ok_or_else(|| Error::not_found("inbound mail", id))
}

/// Where the exact bytes are that came from the server, and how many. `Conflict` when they were left there or are gone.
pub fn raw_blob(s: &Snapshot<'_>, by: &Actor, id: InboundMailId) -> Result<(BlobId, i64)> {
    let mail = require(s, by, id)?;
    let blob = mail.blob_id.ok_or_else(|| {
        Error::Conflict(format!("the bytes of inbound mail {id} are not here: {}", mail.reason))
    })?;
    Ok((blob, mail.size_bytes))
}

/// The exact bytes that came from the server.
pub fn raw(s: &Snapshot<'_>, by: &Actor, id: InboundMailId) -> Result<Vec<u8>> {
    blob::read(s, raw_blob(s, by, id)?.0)
}

/// What is known of a UIDL of an account: `None` when the server never offered it before.
pub fn known(s: &Snapshot<'_>, account: EmailAccountId, uidl: &str) -> Result<Option<(InboundMailId, bool)>> {
    s.one(
        "SELECT id, blob_id IS NOT NULL FROM inbound_mail WHERE email_account_id = ? AND uidl = ?",
        (account, uidl),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Enters a mail into the ledger. Bytes that this account already delivered under another UIDL are entered as
/// `ignored`: a server that renumbers its mailbox makes no duplicates.
pub fn store(
    tx: &Tx<'_>,
    account: EmailAccountId,
    uidl: &str,
    blob_id: BlobId,
    sha256: &[u8; 32],
    size_bytes: i64,
) -> Result<InboundMailId> {
    if let Some((id, _)) = known(tx, account, uidl)? {
        return Ok(id);
    }
    let twin = tx.one(
        "SELECT id, blob_id FROM inbound_mail WHERE email_account_id = ? AND sha256 = ? AND blob_id IS NOT NULL
         ORDER BY id LIMIT 1",
        (account, sha256),
        |row| Ok((row.get::<_, InboundMailId>(0)?, row.get::<_, BlobId>(1)?)),
    )?;
    let id = InboundMailId(tx.insert(
        "INSERT INTO inbound_mail (email_account_id, uidl, blob_id, sha256, size_bytes, received_at)
         VALUES (?, ?, ?, ?, ?, ?)",
        (account, uidl, twin.map_or(blob_id, |(_, blob)| blob), sha256, size_bytes, tx.now()),
    )?);
    if let Some((twin, _)) = twin {
        let original = one(tx, twin)?.ok_or_else(|| Error::not_found("inbound mail", twin))?;
        let reason = format!("the same bytes as inbound mail {twin}");
        summarise(
            tx,
            id,
            &Summary {
                internet_message_id: original.internet_message_id,
                content_hash: None,
                from_address: original.from_address,
                subject: original.subject,
                kind: original.kind,
                classified_by: original.classified_by,
            },
        )?;
        decide(tx, id, &Decision::without_message(Outcome::Ignored, reason))?;
    }
    Ok(id)
}

/// Enters a mail that is too large to fetch. It stays on the server.
pub fn store_too_large(tx: &Tx<'_>, account: EmailAccountId, uidl: &str, size_bytes: i64) -> Result<()> {
    if known(tx, account, uidl)?.is_some() {
        return Ok(());
    }
    tx.run(
        "INSERT INTO inbound_mail (email_account_id, uidl, size_bytes, outcome, reason, received_at, processed_at)
         VALUES (?1, ?2, ?3, 'quarantined', 'larger than what is fetched; left on the server', ?4, ?4)",
        (account, uidl, size_bytes, tx.now()),
    )?;
    Ok(())
}

/// The server confirmed that these are gone from the mailbox.
pub fn mark_deleted_on_server(tx: &Tx<'_>, account: EmailAccountId, uidls: &[String]) -> Result<()> {
    for uidl in uidls {
        tx.run(
            "UPDATE inbound_mail SET is_on_server = 0 WHERE email_account_id = ? AND uidl = ?",
            (account, uidl),
        )?;
    }
    Ok(())
}

/// Mails that wait for a decision and are due, the oldest first.
pub fn waiting(s: &Snapshot<'_>, now: Timestamp, limit: i64) -> Result<Vec<InboundMailId>> {
    s.all(
        "SELECT id FROM inbound_mail WHERE outcome IS NULL AND next_attempt_at <= ? ORDER BY id LIMIT ?",
        (now, limit),
        |row| row.get(0),
    )
}

/// Whether every mail of the account has its outcome.
pub fn is_drained(s: &Snapshot<'_>, account: EmailAccountId) -> Result<bool> {
    Ok(!s.exists(
        "SELECT 1 FROM inbound_mail WHERE outcome IS NULL AND email_account_id = ? LIMIT 1",
        [account],
    )?)
}

/// How many of the account's mails after `after` ended how.
pub fn outcomes_since(
    s: &Snapshot<'_>,
    account: EmailAccountId,
    after: InboundMailId,
) -> Result<Vec<(Outcome, i64)>> {
    let rows = s.all(
        "SELECT outcome, count(*) FROM inbound_mail
         WHERE email_account_id = ? AND ? < id AND outcome IS NOT NULL GROUP BY outcome",
        (account, after),
        |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)),
    )?;
    Ok(rows.into_iter().filter_map(|(name, count)| Some((Outcome::parse(&name)?, count))).collect())
}

/// How many mails of the account are newer than `after`, decided or not.
pub fn count_since(s: &Snapshot<'_>, account: EmailAccountId, after: InboundMailId) -> Result<i64> {
    s.number("SELECT count(*) FROM inbound_mail WHERE email_account_id = ? AND ? < id", (account, after))
}

pub fn last_id(s: &Snapshot<'_>) -> Result<InboundMailId> {
    Ok(InboundMailId(s.number("SELECT max(id) FROM inbound_mail", [])?))
}

pub(super) fn one(s: &Snapshot<'_>, id: InboundMailId) -> Result<Option<InboundMail>> {
    s.one(&["SELECT ", COLUMNS, " FROM inbound_mail WHERE id = ?"].concat(), [id], from_row)
}

/// The bytes to process, with the account they came to.
pub fn to_process(s: &Snapshot<'_>, id: InboundMailId) -> Result<Option<(InboundMail, Vec<u8>)>> {
    let Some(mail) = one(s, id)?.filter(|mail| mail.outcome.is_none()) else {
        return Ok(None);
    };
    let Some(blob) = mail.blob_id else { return Ok(None) };
    Ok(Some((mail, blob::read(s, blob)?)))
}

/// A mail of another ledger row that said the same and was kept: the copy that another account got.
pub(super) fn twin(
    s: &Snapshot<'_>,
    id: InboundMailId,
    content_hash: &[u8; 32],
) -> Result<Option<InboundMail>> {
    s.one(
        &[
            "SELECT ",
            COLUMNS,
            " FROM inbound_mail WHERE content_hash = ? AND id <> ? AND outcome IN ('created', 'appended', 'junk')
             LIMIT 1",
        ]
        .concat(),
        (content_hash, id),
        from_row,
    )
}

pub(super) fn summarise(tx: &Tx<'_>, id: InboundMailId, summary: &Summary) -> Result<()> {
    tx.run(
        "UPDATE inbound_mail SET internet_message_id = ?, content_hash = ?, from_address = ?, subject = ?,
           kind = ?, classified_by = ? WHERE id = ?",
        (
            &summary.internet_message_id,
            summary.content_hash,
            &summary.from_address,
            &summary.subject,
            &summary.kind,
            &summary.classified_by,
            id,
        ),
    )?;
    Ok(())
}

/// Writes the outcome down.
pub(super) fn decide(tx: &Tx<'_>, id: InboundMailId, decision: &Decision) -> Result<()> {
    tx.run(
        "UPDATE inbound_mail SET outcome = ?, reason = ?, matched_by = ?, conversation_id = ?, message_id = ?,
           processed_at = ? WHERE id = ?",
        (
            decision.outcome.name(),
            &decision.reason,
            &decision.matched_by,
            decision.place.map(|(conversation, _)| conversation),
            decision.place.map(|(_, message)| message),
            tx.now(),
            id,
        ),
    )?;
    Ok(())
}

/// How often processing is tried before a mail is set aside.
const ATTEMPTS: i64 = 3;

/// Counts a failed attempt. The third sets the mail aside as quarantined: raw kept, shown, retried on demand.
pub fn record_failure(tx: &Tx<'_>, id: InboundMailId, error: &str) -> Result<()> {
    let attempts = tx
        .one(
            "UPDATE inbound_mail SET attempts = attempts + 1 WHERE id = ? RETURNING attempts",
            [id],
            |row| row.get::<_, i64>(0),
        )?
        .unwrap_or(0);
    if ATTEMPTS <= attempts {
        let reason = format!("could not be processed: {error}");
        return decide(tx, id, &Decision::without_message(Outcome::Quarantined, reason));
    }
    let wait = Duration::from_secs(10 * attempts.max(1) as u64);
    tx.run("UPDATE inbound_mail SET next_attempt_at = ? WHERE id = ?", (tx.now().plus(wait), id))?;
    Ok(())
}

/// Processes a mail that made no message once more.
pub fn retry(tx: &Tx<'_>, by: &Actor, id: InboundMailId) -> Result<InboundMail> {
    let mail = require(tx, by, id)?;
    if mail.blob_id.is_none() {
        return Err(Error::Conflict(format!("the bytes of inbound mail {id} are not here: {}", mail.reason)));
    }
    if super::junk_email::of_inbound_mail(tx, id)?.is_some() {
        return Err(Error::Conflict(format!(
            "inbound mail {id} is a junk e-mail; say there that it is not junk"
        )));
    }
    if mail.message_id.is_some() {
        return Err(Error::Conflict(format!("inbound mail {id} already became a message")));
    }
    tx.run(
        "UPDATE inbound_mail SET outcome = NULL, reason = '', matched_by = NULL, attempts = 0, next_attempt_at = 0,
           processed_at = NULL WHERE id = ?",
        [id],
    )?;
    require(tx, by, id)
}

/// Recognises the same mail in another account: Message-ID, sender, date, subject and text.
pub fn content_hash(parts: &[&str]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

const COLUMNS: &str = "id, email_account_id, uidl, blob_id, sha256, size_bytes, outcome, reason, matched_by, attempts,
    internet_message_id, from_address, subject, conversation_id, message_id, is_on_server, received_at, processed_at,
    kind, classified_by";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<InboundMail> {
    Ok(InboundMail {
        id: row.get(0)?,
        email_account_id: row.get(1)?,
        uidl: row.get(2)?,
        blob_id: row.get(3)?,
        sha256: row.get(4)?,
        size_bytes: row.get(5)?,
        outcome: row.get::<_, Option<String>>(6)?.and_then(|name| Outcome::parse(&name)),
        reason: row.get(7)?,
        matched_by: row.get(8)?,
        attempts: row.get(9)?,
        internet_message_id: row.get(10)?,
        from_address: row.get(11)?,
        subject: row.get(12)?,
        conversation_id: row.get(13)?,
        message_id: row.get(14)?,
        is_on_server: row.get(15)?,
        received_at: row.get(16)?,
        processed_at: row.get(17)?,
        kind: row.get(18)?,
        classified_by: row.get(19)?,
    })
}
