//! Full-text search: one document for each conversation that is not deleted, in the FTS5 table `search`. Triggers in
//! `schema.sql` note in `search_pending` whose text changed; before every commit `catch_up` writes their documents again,
//! so that a change is found as soon as it is there. The few very long threads are left to the job `index_search`, which
//! follows within a second; what a crash interrupts is still in `search_pending`. The job `merge_search` keeps the index
//! in few parts.
//!
//! Chinese, Japanese and Korean are written without blanks: their runs are stored as overlapping pairs of characters
//! (`spread`), and asked for as a phrase of such pairs.

mod builder;
pub mod query;
pub mod snippet;

use std::borrow::Cow;

use crate::db::{Snapshot, Tx};
use crate::error::Result;
use crate::ids::ConversationId;

pub use builder::Builder;
pub use query::{Search, parse};

/// Threads of more messages are indexed after the commit: the whole document is written again for each new message.
const LONG_MESSAGES: i64 = 100;
/// Documents written in one transaction.
const BATCH: i64 = 256;
/// Pages of the index written in one step of merging: about a megabyte.
const MERGE_PAGES: i64 = 256;

/// Writes the documents of what changed, but for very long threads. Runs inside every commit.
pub fn catch_up(tx: &Tx<'_>) -> Result<()> {
    let changed: Vec<ConversationId> =
        tx.all("SELECT conversation_id FROM search_pending WHERE is_long = 0 LIMIT ?", [BATCH], |row| {
            row.get(0)
        })?;
    for id in changed {
        let messages = tx.number(
            "SELECT count(*) FROM (SELECT 1 FROM message WHERE conversation_id = ? LIMIT ?)",
            (id, LONG_MESSAGES + 1),
        )?;
        if LONG_MESSAGES < messages {
            tx.run("UPDATE search_pending SET is_long = 1 WHERE conversation_id = ?", [id])?;
        } else {
            write_again(tx, id)?;
        }
    }
    Ok(())
}

/// Whether something waits for `catch_up_long`.
pub fn is_behind(s: &Snapshot<'_>) -> Result<bool> {
    s.exists("SELECT 1 FROM search_pending LIMIT 1", [])
}

/// One small step of merging the parts that commits added to the index; whether there may be more to merge.
pub fn merge(tx: &Tx<'_>) -> Result<bool> {
    let before = tx.total_changes();
    tx.run("INSERT INTO search (search, rank) VALUES ('merge', ?)", [MERGE_PAGES])?;
    // One is the row of this statement (sqlite.org/fts5.html, 'merge').
    Ok(1 < tx.total_changes() - before)
}

/// Writes the documents of a few conversations that wait, long ones too.
pub fn catch_up_long(tx: &Tx<'_>) -> Result<()> {
    let waiting: Vec<ConversationId> =
        tx.all("SELECT conversation_id FROM search_pending ORDER BY is_long DESC LIMIT 8", [], |row| {
            row.get(0)
        })?;
    for id in &waiting {
        write_again(tx, *id)?;
    }
    Ok(())
}

fn write_again(tx: &Tx<'_>, id: ConversationId) -> Result<()> {
    tx.run("DELETE FROM search WHERE rowid = ?", [id])?;
    write(tx, id)?;
    tx.run("DELETE FROM search_pending WHERE conversation_id = ?", [id])?;
    Ok(())
}

fn write(tx: &Tx<'_>, id: ConversationId) -> Result<()> {
    Document::of(tx, id)?.map_or(Ok(()), |document| document.write(tx))
}

/// What is found of a conversation.
pub struct Document {
    pub id: ConversationId,
    pub subject: String,
    /// Names and addresses.
    pub contact: String,
    pub body: String,
    /// What contacts never see.
    pub note: String,
}

impl Document {
    /// `None` when the conversation is deleted or gone.
    fn of(s: &Snapshot<'_>, id: ConversationId) -> Result<Option<Self>> {
        let found = s.one(
            "SELECT c.subject, coalesce(k.name, ''), coalesce(k.alias, ''),
               (SELECT group_concat(value, ' ') FROM contact_identity WHERE contact_id = k.id)
             FROM conversation c LEFT JOIN contact k ON k.id = c.contact_id WHERE c.id = ? AND c.is_deleted = 0",
            [id],
            |row| {
                let identities: Option<String> = row.get(3)?;
                let (name, alias): (String, String) = (row.get(1)?, row.get(2)?);
                Ok((row.get::<_, String>(0)?, [name, alias, identities.unwrap_or_default()].join(" ")))
            },
        )?;
        let Some((subject, contact)) = found else { return Ok(None) };
        let (mut body, mut note) = (String::new(), String::new());
        let messages = s.all(
            "SELECT plain_body, type = 'note' OR is_third_party = 1 OR forward_of_id IS NOT NULL
             FROM message WHERE conversation_id = ? ORDER BY id",
            [id],
            |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)),
        )?;
        for (text, is_internal) in messages {
            let column = if is_internal { &mut note } else { &mut body };
            column.push_str(&text);
            column.push('\n');
        }
        Ok(Some(Self { id, subject, contact, body, note }))
    }

    fn write(&self, tx: &Tx<'_>) -> Result<()> {
        let number = [&self.id.to_string(), " ", NUMBER, &self.id.to_string()].concat();
        tx.run(
            "INSERT INTO search (rowid, number, subject, body, note, contact) VALUES (?, ?, ?, ?, ?, ?)",
            (
                self.id,
                number,
                spread(&self.subject),
                spread(&self.body),
                spread(&self.note),
                spread(&self.contact),
            ),
        )?;
        Ok(())
    }
}

/// What `#12` asks for: this word with the number behind it, which no text has.
const NUMBER: &str = "conversationnumber";

/// Puts blanks between the overlapping pairs of characters of scripts without blanks; other text stays as it is. The last
/// character of a run stands alone, too, so that every single character begins a word.
fn spread(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_dense) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() * 2);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        if !is_dense(letter) {
            out.push(letter);
            continue;
        }
        out.push(' ');
        out.push(letter);
        match letters.peek() {
            Some(next) if is_dense(*next) => out.push(*next),
            _ => out.push(' '),
        }
    }
    Cow::Owned(out)
}

/// Han, kana and hangul.
fn is_dense(letter: char) -> bool {
    matches!(letter,
        '\u{1100}'..='\u{11ff}' | '\u{3040}'..='\u{30ff}' | '\u{3130}'..='\u{318f}' | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}'
        | '\u{ff66}'..='\u{ff9d}' | '\u{20000}'..='\u{323af}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_without_blanks_become_overlapping_pairs() {
        assert_eq!(spread("plain text"), "plain text");
        let words: Vec<String> = spread("我的订单AB12很慢").split_whitespace().map(str::to_owned).collect();
        assert_eq!(words, ["我的", "的订", "订单", "单", "AB12", "很慢", "慢"]);
    }
}
