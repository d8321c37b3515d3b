//! The one draft of a conversation, shared by all agents (contract 11.9). What a save overwrites, and what is thrown
//! away, stays in a short history, unless the new text still holds it.

use super::message::Body;
use super::{editable, require};
use crate::db::{Snapshot, Tx};
use crate::desk::attachment::{self, Attachment};
use crate::desk::event::{self, Change};
use crate::desk::{Actor, check_text};
use crate::error::{Error, Result};
use crate::html;
use crate::ids::{AgentId, ConversationId};
use crate::time::Timestamp;

#[derive(Debug, Clone)]
pub struct Draft {
    /// Stays the same while the draft lives.
    pub id: i64,
    pub conversation_id: ConversationId,
    pub text: DraftText,
    pub saved_by_id: AgentId,
    pub saved_at: Timestamp,
    pub files: Vec<Attachment>,
}

/// What an agent has typed so far. Nothing is required, and addresses may be half written.
#[derive(Debug, Clone, Default)]
pub struct DraftText {
    pub subject: String,
    pub body: Body,
    /// Clean HTML.
    pub quote: String,
    pub from: String,
    pub to: String,
    pub cc: String,
}

/// `None` leaves a part alone.
#[derive(Debug, Clone, Default)]
pub struct DraftChange {
    pub subject: Option<String>,
    pub body: Option<Body>,
    /// Clean HTML.
    pub quote: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub cc: Option<String>,
    /// Guids, as for `save`.
    pub files: Option<Vec<String>>,
}

impl DraftChange {
    /// The same with nothing left alone.
    pub fn or_empty(self) -> Self {
        Self {
            subject: Some(self.subject.unwrap_or_default()),
            body: Some(self.body.unwrap_or_default()),
            quote: Some(self.quote.unwrap_or_default()),
            from: Some(self.from.unwrap_or_default()),
            to: Some(self.to.unwrap_or_default()),
            cc: Some(self.cc.unwrap_or_default()),
            files: Some(self.files.unwrap_or_default()),
        }
    }
}

/// An earlier text.
#[derive(Debug, Clone)]
pub struct Version {
    pub id: i64,
    pub conversation_id: ConversationId,
    pub subject: String,
    pub body: Body,
    pub saved_by_id: AgentId,
    pub saved_at: Timestamp,
}

/// Earlier texts kept for a conversation.
const VERSIONS: i64 = 20;
/// How many characters a save may replace without the text before being kept.
const CORRECTION_CHARS: usize = 40;

/// The draft of a conversation that the caller may see.
pub fn get(s: &Snapshot<'_>, by: &Actor, conversation: ConversationId) -> Result<Option<Draft>> {
    require(s, by, conversation)?;
    find(s, conversation)
}

/// Earlier texts, the newest first.
pub fn versions(s: &Snapshot<'_>, by: &Actor, conversation: ConversationId) -> Result<Vec<Version>> {
    require(s, by, conversation)?;
    s.all(
        "SELECT id, conversation_id, subject, html_body, plain_body, saved_by_id, saved_at FROM draft_version
         WHERE conversation_id = ? ORDER BY id DESC",
        [conversation],
        |row| {
            Ok(Version {
                id: row.get(0)?,
                conversation_id: row.get(1)?,
                subject: row.get(2)?,
                body: Body { html: row.get(3)?, plain: row.get(4)? },
                saved_by_id: row.get(5)?,
                saved_at: row.get(6)?,
            })
        },
    )
}

/// Changes parts of the draft, or begins one with them.
pub fn change(tx: &Tx<'_>, by: &Actor, id: ConversationId, change: DraftChange) -> Result<Draft> {
    editable(tx, by, id)?;
    let now = find(tx, id)?;
    let files = now.iter().flat_map(|draft| &draft.files).map(|file| file.guid.clone()).collect();
    let text = now.map(|draft| draft.text).unwrap_or_default();
    let text = DraftText {
        subject: change.subject.unwrap_or(text.subject),
        body: change.body.unwrap_or(text.body),
        quote: change.quote.unwrap_or(text.quote),
        from: change.from.unwrap_or(text.from),
        to: change.to.unwrap_or(text.to),
        cc: change.cc.unwrap_or(text.cc),
    };
    save(tx, by, id, &text, &change.files.unwrap_or(files))
}

/// Saves the draft, whether there was one or not. `files` are guids of the caller's uploads, and of files that the
/// draft already has.
pub fn save(
    tx: &Tx<'_>,
    by: &Actor,
    id: ConversationId,
    text: &DraftText,
    files: &[String],
) -> Result<Draft> {
    let Some(agent) = by.agent_id() else { return Err(Error::may_not("write drafts")) };
    editable(tx, by, id)?;
    check_text("subject", &text.subject, 400)?;
    for (field, addresses) in [("from", &text.from), ("to", &text.to), ("cc", &text.cc)] {
        check_text(field, addresses, 10_000)?;
    }
    let before = find(tx, id)?;
    if let Some(before) = &before
        && !holds(&text.body.plain, &before.text.body.plain)
    {
        keep(tx, before)?;
    }
    tx.run(
        "INSERT INTO draft (conversation_id, subject, html_body, plain_body, quote, from_address, to_addresses,
           cc_addresses, saved_by_id, saved_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (conversation_id) DO UPDATE SET subject = ?2, html_body = ?3, plain_body = ?4, quote = ?5,
           from_address = ?6, to_addresses = ?7, cc_addresses = ?8, saved_by_id = ?9, saved_at = ?10",
        (
            id,
            &text.subject,
            &text.body.html,
            &text.body.plain,
            &text.quote,
            &text.from,
            &text.to,
            &text.cc,
            agent,
            tx.now(),
        ),
    )?;
    attachment::bind_to_draft(tx, by, id, files)?;
    if before.is_none_or(|before| before.saved_by_id != agent) {
        tx.run("UPDATE conversation SET has_draft = 1 WHERE id = ?", [id])?;
        event::record(tx, by, id, Change::DraftSaved)?;
    }
    find(tx, id)?.ok_or_else(|| Error::not_found("draft of conversation", id))
}

/// Makes an earlier text the draft again; the text it replaces goes to the history.
pub fn restore(tx: &Tx<'_>, by: &Actor, id: ConversationId, version: i64) -> Result<Draft> {
    let found = versions(tx, by, id)?.into_iter().find(|kept| kept.id == version);
    let found = found.ok_or_else(|| Error::not_found("earlier draft", version))?;
    let now = find(tx, id)?;
    let files: Vec<String> =
        now.iter().flat_map(|draft| &draft.files).map(|file| file.guid.clone()).collect();
    let text = DraftText {
        subject: found.subject,
        body: found.body,
        ..now.map(|draft| draft.text).unwrap_or_default()
    };
    save(tx, by, id, &text, &files)
}

/// Throws the draft away; its text stays in the history. `NotFound` when there is none.
pub fn delete(tx: &Tx<'_>, by: &Actor, id: ConversationId) -> Result<()> {
    editable(tx, by, id)?;
    let draft = find(tx, id)?.ok_or_else(|| Error::not_found("draft of conversation", id))?;
    keep(tx, &draft)?;
    remove(tx, by, id)
}

/// An agent's mail or reply was `sent`: the draft has served. A text of it that was not sent is kept; a colleague's
/// counts as sent only when all of it was.
pub(super) fn after_sending(tx: &Tx<'_>, by: &Actor, id: ConversationId, sent: &Body) -> Result<()> {
    let Some(draft) = find(tx, id)? else { return Ok(()) };
    let is_sent = match by.agent_id() == Some(draft.saved_by_id) {
        true => holds(&sent.plain, &draft.text.body.plain),
        false => sent.plain.contains(draft.text.body.plain.trim()),
    };
    if !is_sent {
        keep(tx, &draft)?;
    }
    remove(tx, by, id)
}

/// A merge: the draft goes along, unless there is one already; then its text stays in the history.
pub(super) fn follow(tx: &Tx<'_>, by: &Actor, from: ConversationId, to: ConversationId) -> Result<()> {
    tx.run("UPDATE draft_version SET conversation_id = ? WHERE conversation_id = ?", (to, from))?;
    let Some(draft) = find(tx, from)? else { return Ok(()) };
    tx.run("UPDATE conversation SET has_draft = 0 WHERE id = ?", [from])?;
    if find(tx, to)?.is_some() {
        tx.run("DELETE FROM draft WHERE conversation_id = ?", [from])?;
        return keep(tx, &Draft { conversation_id: to, ..draft });
    }
    tx.run("UPDATE draft SET conversation_id = ? WHERE conversation_id = ?", (to, from))?;
    tx.run("UPDATE conversation SET has_draft = 1 WHERE id = ?", [to])?;
    event::record(tx, by, to, Change::DraftSaved)?;
    Ok(())
}

/// The text as a draft again, as when a mail is taken back. A draft begun meanwhile stays, and this goes to the
/// history.
pub(super) fn put_back(
    tx: &Tx<'_>,
    by: &Actor,
    id: ConversationId,
    text: &DraftText,
    files: &[String],
) -> Result<()> {
    let Some(agent) = by.agent_id() else { return Ok(()) };
    if find(tx, id)?.is_none() {
        return save(tx, by, id, text, files).map(|_| ());
    }
    let own: Vec<String> = attachment::of_draft(tx, id)?.into_iter().map(|file| file.guid).collect();
    attachment::bind_to_draft(tx, by, id, &[own.as_slice(), files].concat())?;
    let text = text.clone();
    keep(
        tx,
        &Draft {
            id: 0,
            conversation_id: id,
            text,
            saved_by_id: agent,
            saved_at: tx.now(),
            files: Vec::new(),
        },
    )
}

fn remove(tx: &Tx<'_>, by: &Actor, id: ConversationId) -> Result<()> {
    attachment::bind_to_draft(tx, by, id, &[])?;
    tx.run("DELETE FROM draft WHERE conversation_id = ?", [id])?;
    tx.run("UPDATE conversation SET has_draft = 0 WHERE id = ?", [id])?;
    event::record(tx, by, id, Change::DraftDeleted)?;
    Ok(())
}

fn keep(tx: &Tx<'_>, draft: &Draft) -> Result<()> {
    if draft.text.body.plain.trim().is_empty() {
        return Ok(());
    }
    tx.run(
        "INSERT INTO draft_version (conversation_id, subject, html_body, plain_body, saved_by_id, saved_at)
         VALUES (?, ?, ?, ?, ?, ?)",
        (
            draft.conversation_id,
            &draft.text.subject,
            &draft.text.body.html,
            &draft.text.body.plain,
            draft.saved_by_id,
            draft.saved_at,
        ),
    )?;
    tx.run(
        "DELETE FROM draft_version WHERE conversation_id = ?1 AND id <= (
           SELECT id FROM draft_version WHERE conversation_id = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        (draft.conversation_id, VERSIONS),
    )?;
    Ok(())
}

/// Whether `new` is `old` with no more than a correction's worth of it replaced: typing on, or mending a word.
fn holds(new: &str, old: &str) -> bool {
    let (new, old): (Vec<char>, Vec<char>) = (new.trim().chars().collect(), old.trim().chars().collect());
    let same = |(a, b): &(&char, &char)| a == b;
    let head = new.iter().zip(&old).take_while(same).count();
    let tail = new[head..].iter().rev().zip(old[head..].iter().rev()).take_while(same).count();
    let replaced = old.len() - head - tail;
    replaced <= CORRECTION_CHARS && 2 * replaced <= old.len()
}

fn find(s: &Snapshot<'_>, conversation: ConversationId) -> Result<Option<Draft>> {
    let found = s.one(
        "SELECT id, conversation_id, subject, html_body, plain_body, quote, from_address, to_addresses, cc_addresses,
           saved_by_id, saved_at FROM draft WHERE conversation_id = ?",
        [conversation],
        |row| {
            Ok(Draft {
                id: row.get(0)?,
                conversation_id: row.get(1)?,
                text: DraftText {
                    subject: row.get(2)?,
                    body: Body { html: row.get(3)?, plain: row.get(4)? },
                    quote: row.get(5)?,
                    from: row.get(6)?,
                    to: row.get(7)?,
                    cc: row.get(8)?,
                },
                saved_by_id: row.get(9)?,
                saved_at: row.get(10)?,
                files: Vec::new(),
            })
        },
    )?;
    found.map(|draft| Ok(Draft { files: attachment::of_draft(s, conversation)?, ..draft })).transpose()
}

impl DraftText {
    /// Bodies as they came; the missing one is derived. Sanitises: do it before the transaction.
    pub fn with_body(self, html_body: Option<&str>, plain_body: Option<&str>) -> Result<Self> {
        let is_written = |text: &Option<&str>| text.is_some_and(|text| !text.trim().is_empty());
        if !is_written(&html_body) && !is_written(&plain_body) {
            return Ok(self);
        }
        let body = match Body::new(html_body, plain_body) {
            Ok(body) => body,
            // Only markup, such as an empty paragraph: an editor that was opened and left.
            Err(Error::Invalid(_)) if html_body.is_some_and(|text| html::to_text(text).trim().is_empty()) => {
                Body::default()
            }
            Err(error) => return Err(error),
        };
        Ok(Self { body, ..self })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typing_on_and_mending_a_word_lose_nothing() {
        assert!(holds("Hello Lena, we look", "Hello Lena"));
        assert!(holds("Hello Lena, we look into it", "Hello Lnea, we look into it"));
        assert!(holds("anything", ""));
    }

    #[test]
    fn another_text_or_a_shorter_one_loses_something() {
        assert!(!holds("Something else", "Hello Lena, we look into it"));
        assert!(!holds("", "Hello"));
        let long = "A long paragraph that took some time to write and that somebody deletes. The end.";
        assert!(!holds("The end.", long));
    }
}
