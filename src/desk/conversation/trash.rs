//! The recycle bin (contract 11.8): deleting moves a conversation there, restoring brings it back as it was, erasing
//! is for good. What was merged away lies here, too, but does not come back.

use rusqlite::ToSql;

use super::words::{OCCUR, Words};
use super::{Conversation, VISIBLE, Visibility, batch, columns, complete, editable, from_row, get};
use crate::db::{Snapshot, Tx};
use crate::desk::audit::{self, Action};
use crate::desk::event::{self, Change};
use crate::desk::{Actor, Page, Paging, Permission};
use crate::error::{Error, Result};
use crate::ids::ConversationId;
use crate::time::Timestamp;

/// Which deleted conversations are wanted.
#[derive(Debug, Clone)]
pub struct TrashQuery {
    /// Words that must all occur: in the subject, a message, the contact's name or addresses, or as the number.
    pub words: Vec<String>,
    /// Bounds of the last reply, or of the creation where there is none.
    pub from: Timestamp,
    pub to: Timestamp,
    pub paging: Paging,
}

/// Deleted conversations that the caller may see, the last written first.
pub fn list(s: &Snapshot<'_>, by: &Actor, query: &TrashQuery) -> Result<Page<Conversation>> {
    let visibility = Visibility::of(by);
    let words = Words::new(&query.words, true);
    let (size, offset) = (query.paging.size, query.paging.offset());
    let mut own = words.params();
    own.extend([(":from", &query.from as &dyn ToSql), (":to", &query.to)]);
    let mut params = visibility.edit_params();
    params.extend(own.iter().copied());
    params.extend([(":size", &size as &dyn ToSql), (":offset", &offset)]);
    let mut items = s.all(
        &[
            "SELECT ",
            &columns(),
            FOUND,
            OCCUR,
            " AND ",
            VISIBLE,
            " ORDER BY c.listed_at DESC, c.id DESC LIMIT :size OFFSET :offset",
        ]
        .concat(),
        params.as_slice(),
        from_row,
    )?;
    complete(s, &mut items)?;
    let mut params = visibility.params();
    params.extend(own);
    let total = s.number(&["SELECT count(*)", FOUND, OCCUR, " AND ", VISIBLE].concat(), params.as_slice())?;
    Ok(Page { items, total })
}

const FOUND: &str =
    " FROM conversation c WHERE c.is_deleted = 1 AND :from <= c.listed_at AND c.listed_at <= :to AND ";

/// A deleted conversation that the caller may see, or `NotFound`.
pub fn require(s: &Snapshot<'_>, by: &Actor, id: ConversationId) -> Result<Conversation> {
    match get(s, by, id)? {
        Some(conversation) if conversation.is_deleted => Ok(conversation),
        _ => Err(Error::not_found("deleted conversation", id)),
    }
}

/// A conversation that the caller may move to the recycle bin: it takes managing it, a mention is not enough
/// (contract 6.3).
pub(super) fn removable(s: &Snapshot<'_>, by: &Actor, id: ConversationId) -> Result<Conversation> {
    let conversation = editable(s, by, id)?;
    if !conversation.is_managed {
        return Err(Error::may_not("delete this conversation"));
    }
    Ok(conversation)
}

/// Moves a conversation to the recycle bin: it is in no list, count or portal until it is restored.
pub fn delete(tx: &Tx<'_>, by: &Actor, id: ConversationId) -> Result<()> {
    if let Actor::Contact(_) = by {
        return Err(Error::may_not("delete conversations"));
    }
    removable(tx, by, id)?;
    tx.run("UPDATE conversation SET is_deleted = 1, last_activity_at = ? WHERE id = ?", (tx.now(), id))?;
    event::record(tx, by, id, Change::Deleted)?;
    Ok(())
}

/// All of them or none.
pub fn delete_all(tx: &Tx<'_>, by: &Actor, ids: &[ConversationId]) -> Result<()> {
    batch::check(ids)?.into_iter().try_for_each(|id| delete(tx, by, id))
}

/// Brings it back with the status it had. `Conflict` when it is not deleted, or was merged into another one.
pub fn restore(tx: &Tx<'_>, by: &Actor, id: ConversationId) -> Result<Conversation> {
    let conversation = deleted(tx, by, id)?;
    if !conversation.is_managed {
        return Err(Error::may_not("restore this conversation"));
    }
    if conversation.merged_into_id.is_some() {
        return Err(is_deleted(&conversation));
    }
    tx.run("UPDATE conversation SET is_deleted = 0, last_activity_at = ? WHERE id = ?", (tx.now(), id))?;
    event::record(tx, by, id, Change::Restored)?;
    super::require(tx, by, id)
}

/// Removes a deleted conversation for good, with its messages, files and history, what was merged into it, mail that
/// waits to be sent, and the raw mail it came from. The ledger keeps its rows and says where the mail went.
pub fn erase(tx: &Tx<'_>, by: &Actor, id: ConversationId) -> Result<()> {
    by.require(Permission::PermanentlyDelete)?;
    deleted(tx, by, id)?;
    let gone: Vec<ConversationId> = tx.all(
        "WITH RECURSIVE gone (id) AS (
           VALUES (?) UNION SELECT c.id FROM conversation c JOIN gone g ON c.merged_into_id = g.id)
         SELECT id FROM gone",
        [id],
        |row| row.get(0),
    )?;
    let ids = serde_json::to_string(&gone).unwrap_or_default();
    tx.run(
        "UPDATE inbound_mail SET blob_id = NULL, reason = 'its conversation was deleted for good'
         WHERE conversation_id IN (SELECT value FROM json_each(?))",
        [&ids],
    )?;
    tx.run("DELETE FROM event WHERE conversation_id IN (SELECT value FROM json_each(?))", [&ids])?;
    tx.run("DELETE FROM conversation WHERE id IN (SELECT value FROM json_each(?))", [&ids])?;
    let summary = format!("deleted the conversation #{id} for good");
    audit::record(tx, by, Action::Conversation, summary, "")?;
    gone.into_iter().try_for_each(|id| event::record(tx, by, id, Change::Erased).map(|_| ()))
}

fn deleted(s: &Snapshot<'_>, by: &Actor, id: ConversationId) -> Result<Conversation> {
    match get(s, by, id)? {
        Some(conversation) if conversation.is_deleted => Ok(conversation),
        Some(_) => Err(Error::Conflict(format!("conversation {id} is not deleted"))),
        None => Err(Error::not_found("deleted conversation", id)),
    }
}

/// Why a conversation of the recycle bin cannot be changed.
pub(super) fn is_deleted(conversation: &Conversation) -> Error {
    let id = conversation.id;
    Error::Conflict(match conversation.merged_into_id {
        Some(target) => format!("conversation {id} was merged into conversation {target}"),
        None => format!("conversation {id} is deleted; restore it first"),
    })
}
