//! Categories of canned messages: a tree, each node public or its creator's alone (contract 8). What is below a private
//! category is private, too.

use super::audit::{self, Action};
use super::canned_message::permission;
use super::{Actor, check_name};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::{AgentId, CannedMessageCategoryId};

#[derive(Debug, Clone)]
pub struct CannedMessageCategory {
    pub id: CannedMessageCategoryId,
    pub name: String,
    /// `None` at the root.
    pub parent_id: Option<CannedMessageCategoryId>,
    pub is_private: bool,
    pub created_by_id: Option<AgentId>,
}

/// `None` leaves a property alone (on creation: its default).
#[derive(Debug, Clone, Default)]
pub struct CannedMessageCategoryChange {
    pub name: Option<String>,
    pub parent_id: Option<Option<CannedMessageCategoryId>>,
    pub is_private: Option<bool>,
}

/// What the caller may see, by name.
pub fn list(s: &Snapshot<'_>, by: &Actor) -> Result<Vec<CannedMessageCategory>> {
    s.all(
        &[
            "SELECT ",
            COLUMNS,
            " FROM canned_message_category WHERE is_private = 0 OR created_by_id = ? ORDER BY name COLLATE NOCASE, id",
        ]
        .concat(),
        [by.agent_id()],
        from_row,
    )
}

/// The category, or `NotFound`: also somebody else's private one.
pub fn require(s: &Snapshot<'_>, by: &Actor, id: CannedMessageCategoryId) -> Result<CannedMessageCategory> {
    get(s, by, id)?.ok_or_else(|| Error::not_found("canned message category", id))
}

fn get(s: &Snapshot<'_>, by: &Actor, id: CannedMessageCategoryId) -> Result<Option<CannedMessageCategory>> {
    s.one(
        &[
            "SELECT ",
            COLUMNS,
            " FROM canned_message_category WHERE id = ? AND (is_private = 0 OR created_by_id = ?)",
        ]
        .concat(),
        (id, by.agent_id()),
        from_row,
    )
}

pub fn create(tx: &Tx<'_>, by: &Actor, new: &CannedMessageCategoryChange) -> Result<CannedMessageCategory> {
    let is_private = new.is_private.unwrap_or(false);
    by.require(permission(is_private))?;
    let name = check_name("name", new.name.as_deref().unwrap_or_default(), 100)?;
    let parent_id = new.parent_id.flatten();
    if let Some(parent) = parent_id {
        check_holds(tx, by, "parentId", parent, is_private)?;
    }
    let id = CannedMessageCategoryId(tx.insert(
        "INSERT INTO canned_message_category (name, parent_id, is_private, created_by_id) VALUES (?, ?, ?, ?)",
        (&name, parent_id, is_private, by.agent_id()),
    )?);
    let category = require(tx, by, id)?;
    tell(tx, by, &category, "created")?;
    Ok(category)
}

/// `Conflict` when what is inside does not fit: a public message or category in a private one.
pub fn update(
    tx: &Tx<'_>,
    by: &Actor,
    id: CannedMessageCategoryId,
    change: &CannedMessageCategoryChange,
) -> Result<CannedMessageCategory> {
    let before = require(tx, by, id)?;
    by.require(permission(before.is_private))?;
    let name = match &change.name {
        Some(name) => check_name("name", name, 100)?,
        None => before.name.clone(),
    };
    let is_private = change.is_private.unwrap_or(before.is_private);
    by.require(permission(is_private))?;
    let parent_id = change.parent_id.unwrap_or(before.parent_id);
    if let Some(parent) = parent_id {
        check_holds(tx, by, "parentId", parent, is_private)?;
        if is_inside(tx, parent, id)? {
            return Err(Error::invalid(
                "parentId",
                format!("'{parent}' is the category itself or inside of it"),
            ));
        }
    }
    let owner = if is_private && !before.is_private { by.agent_id() } else { before.created_by_id };
    if is_private && holds_others(tx, id, owner)? {
        return Err(Error::Conflict(format!("'{name}' holds what is public or somebody else's")));
    }
    tx.run(
        "UPDATE canned_message_category SET name = ?, parent_id = ?, is_private = ?, created_by_id = ? WHERE id = ?",
        (&name, parent_id, is_private, owner, id),
    )?;
    let after = require(tx, by, id)?;
    tell(tx, by, &after, "changed")?;
    Ok(after)
}

/// Its messages and categories move up to where it was.
pub fn delete(tx: &Tx<'_>, by: &Actor, id: CannedMessageCategoryId) -> Result<()> {
    let category = require(tx, by, id)?;
    by.require(permission(category.is_private))?;
    tx.run("UPDATE canned_message SET category_id = ? WHERE category_id = ?", (category.parent_id, id))?;
    tx.run("UPDATE canned_message_category SET parent_id = ? WHERE parent_id = ?", (category.parent_id, id))?;
    tx.run("DELETE FROM canned_message_category WHERE id = ?", [id])?;
    tell(tx, by, &category, "deleted")
}

/// Refuses a category that is not there for `by`, and a private one for what is public. `field` named it.
pub(super) fn check_holds(
    s: &Snapshot<'_>,
    by: &Actor,
    field: &str,
    id: CannedMessageCategoryId,
    is_private: bool,
) -> Result<()> {
    match get(s, by, id)? {
        None => Err(Error::invalid(field, format!("there is no canned message category {id}"))),
        Some(category) if category.is_private && !is_private => {
            Err(Error::invalid(field, format!("'{}' is private, and this is public", category.name)))
        }
        Some(_) => Ok(()),
    }
}

/// Whether `id` is `outer` or somewhere below it.
fn is_inside(s: &Snapshot<'_>, id: CannedMessageCategoryId, outer: CannedMessageCategoryId) -> Result<bool> {
    s.exists(
        "WITH RECURSIVE above (id) AS (
           SELECT ?1 UNION SELECT c.parent_id FROM canned_message_category c JOIN above a ON c.id = a.id
             WHERE c.parent_id IS NOT NULL)
         SELECT 1 FROM above WHERE id = ?2",
        (id, outer),
    )
}

fn holds_others(s: &Snapshot<'_>, id: CannedMessageCategoryId, owner: Option<AgentId>) -> Result<bool> {
    s.exists(
        "SELECT 1 FROM canned_message WHERE category_id = ?1 AND (is_private = 0 OR created_by_id IS NOT ?2)
         UNION ALL
         SELECT 1 FROM canned_message_category WHERE parent_id = ?1 AND (is_private = 0 OR created_by_id IS NOT ?2)
         LIMIT 1",
        (id, owner),
    )
}

fn tell(tx: &Tx<'_>, by: &Actor, category: &CannedMessageCategory, did: &str) -> Result<()> {
    if category.is_private {
        return Ok(());
    }
    let summary = [did, " the canned message category '", &category.name, "'"].concat();
    audit::record(tx, by, Action::CannedMessage, summary, "")
}

const COLUMNS: &str = "id, name, parent_id, is_private, created_by_id";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<CannedMessageCategory> {
    Ok(CannedMessageCategory {
        id: row.get(0)?,
        name: row.get(1)?,
        parent_id: row.get(2)?,
        is_private: row.get(3)?,
        created_by_id: row.get(4)?,
    })
}
