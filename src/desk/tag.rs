//! Tags: words that agents put on conversations. The reference noun: other nouns are built like this file.

use super::{Actor, Permission, check_name};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, OnConstraint, Result};
use crate::ids::TagId;

#[derive(Debug, Clone)]
pub struct Tag {
    pub id: TagId,
    pub name: String,
    /// Conversations that carry the tag, deleted ones left out.
    pub conversation_count: i64,
}

/// Every tag, by name.
pub fn list(s: &Snapshot<'_>) -> Result<Vec<Tag>> {
    s.all(&["SELECT ", COLUMNS, " FROM tag t ORDER BY t.name"].concat(), [], from_row)
}

/// Every tag's id and name, by name, without counting.
pub fn names(s: &Snapshot<'_>) -> Result<Vec<(TagId, String)>> {
    s.all("SELECT id, name FROM tag ORDER BY name", [], |row| Ok((row.get(0)?, row.get(1)?)))
}

pub fn get(s: &Snapshot<'_>, id: TagId) -> Result<Option<Tag>> {
    s.one(&["SELECT ", COLUMNS, " FROM tag t WHERE t.id = ?"].concat(), [id], from_row)
}

/// A name is unique whatever its case; a clash is `Conflict`.
pub fn create(tx: &Tx<'_>, by: &Actor, name: &str) -> Result<Tag> {
    by.require(Permission::ManageTags)?;
    let name = check_name("name", name, 100)?;
    let id =
        tx.insert("INSERT INTO tag (name) VALUES (?)", [&name]).on_constraint("tag.name", || taken(&name))?;
    require(tx, TagId(id))
}

pub fn rename(tx: &Tx<'_>, by: &Actor, id: TagId, name: &str) -> Result<Tag> {
    by.require(Permission::ManageTags)?;
    let name = check_name("name", name, 100)?;
    tx.run("UPDATE tag SET name = ? WHERE id = ?", (&name, id)).on_constraint("tag.name", || taken(&name))?;
    require(tx, id)
}

/// Takes the tag off every conversation, too.
pub fn delete(tx: &Tx<'_>, by: &Actor, id: TagId) -> Result<()> {
    by.require(Permission::ManageTags)?;
    match tx.run("DELETE FROM tag WHERE id = ?", [id])? {
        0 => Err(Error::not_found("tag", id)),
        _ => Ok(()),
    }
}

/// The tag, or `NotFound`.
pub fn require(s: &Snapshot<'_>, id: TagId) -> Result<Tag> {
    get(s, id)?.ok_or_else(|| Error::not_found("tag", id))
}

fn taken(name: &str) -> Error {
    Error::Conflict(format!("there is already a tag '{name}'"))
}

const COLUMNS: &str = "t.id, t.name, (SELECT count(*) FROM conversation_tag x JOIN conversation c
    ON c.id = x.conversation_id WHERE x.tag_id = t.id AND c.is_deleted = 0)";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Tag> {
    Ok(Tag { id: row.get(0)?, name: row.get(1)?, conversation_count: row.get(2)? })
}
