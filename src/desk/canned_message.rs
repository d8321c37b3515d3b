//! Canned messages: texts that agents insert instead of typing them (contract 8). One store with two faces in the API.
//! A private one exists for its creator only, administrators included; making a public one private gives it to whoever
//! does that. Placeholders in the texts are kept as they are; what inserts a text fills them in.

use super::audit::{self, Action};
use super::{Actor, Permission, canned_message_category, check_name, check_text, like};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Problems, Result, shown};
use crate::html;
use crate::ids::{AgentId, CannedMessageCategoryId, CannedMessageId};
use crate::time::Timestamp;

#[derive(Debug, Clone)]
pub struct CannedMessage {
    pub id: CannedMessageId,
    pub name: String,
    /// Plain text, for every channel that has no text of its own.
    pub message: String,
    /// What an agent types to find it; may be empty.
    pub shortcuts: String,
    pub category_id: Option<CannedMessageCategoryId>,
    pub is_private: bool,
    pub channel_type: ChannelType,
    /// Clean HTML; empty where `message` serves.
    pub email_html: String,
    /// Empty where `message` serves.
    pub email_text: String,
    pub created_by_id: Option<AgentId>,
    pub created_at: Timestamp,
}

impl CannedMessage {
    /// What goes into a mail.
    pub fn html(&self) -> String {
        if self.email_html.is_empty() { html::from_text(&self.message) } else { self.email_html.clone() }
    }

    /// The same as plain text.
    pub fn text(&self) -> &str {
        if self.email_text.is_empty() { &self.message } else { &self.email_text }
    }
}

/// Which of its texts a message is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelType {
    Default,
    Email,
}

impl ChannelType {
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Email => "email",
        }
    }

    /// The name in any case.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Default, Self::Email].into_iter().find(|kind| kind.name().eq_ignore_ascii_case(text.trim()))
    }
}

/// `None` leaves a property alone (on creation: its default).
#[derive(Debug, Clone, Default)]
pub struct CannedMessageChange {
    pub name: Option<String>,
    pub message: Option<String>,
    pub shortcuts: Option<String>,
    pub category_id: Option<Option<CannedMessageCategoryId>>,
    pub is_private: Option<bool>,
    pub channel_type: Option<ChannelType>,
    /// Made by `clean`, before the transaction.
    pub email_html: Option<String>,
    pub email_text: Option<String>,
}

/// Longest text, in characters.
const TEXT_CHARS: usize = 20_000;
/// Longest HTML, in bytes.
const HTML_BYTES: usize = 200_000;

/// HTML as it may be stored and sent.
pub fn clean(field: &str, html: &str) -> Result<String> {
    if HTML_BYTES < html.len() {
        return Err(Error::invalid(field, format!("is longer than {HTML_BYTES} bytes")));
    }
    Ok(html::sanitize_own(html))
}

#[derive(Debug, Clone, Default)]
pub struct CannedMessageQuery {
    /// Looked for in name, shortcuts and text.
    pub keywords: Option<String>,
    pub category_id: Option<CannedMessageCategoryId>,
}

/// What the caller may see, by name.
pub fn list(s: &Snapshot<'_>, by: &Actor, query: &CannedMessageQuery) -> Result<Vec<CannedMessage>> {
    let pattern = query.keywords.as_deref().map(like);
    s.all(
        &[
            "SELECT ",
            COLUMNS,
            " FROM canned_message WHERE (is_private = 0 OR created_by_id = ?1)
                AND (?2 IS NULL OR category_id = ?2)
                AND (?3 IS NULL OR name LIKE ?3 ESCAPE '\\' OR shortcuts LIKE ?3 ESCAPE '\\'
                  OR message LIKE ?3 ESCAPE '\\')
              ORDER BY name COLLATE NOCASE, id",
        ]
        .concat(),
        (by.agent_id(), query.category_id, pattern),
        from_row,
    )
}

/// The message, or `NotFound`: also somebody else's private one.
pub fn require(s: &Snapshot<'_>, by: &Actor, id: CannedMessageId) -> Result<CannedMessage> {
    s.one(
        &["SELECT ", COLUMNS, " FROM canned_message WHERE id = ? AND (is_private = 0 OR created_by_id = ?)"]
            .concat(),
        (id, by.agent_id()),
        from_row,
    )?
    .ok_or_else(|| Error::not_found("canned message", id))
}

/// `NotFound` and `Forbidden` as reading and changing it would be.
pub fn create(tx: &Tx<'_>, by: &Actor, new: &CannedMessageChange) -> Result<CannedMessage> {
    let is_private = new.is_private.unwrap_or(false);
    by.require(permission(is_private))?;
    let mut problems = Problems::default();
    problems.require(new.name.is_some(), "name", "is required");
    problems.require(
        new.message.as_deref().is_some_and(|text| !text.trim().is_empty()),
        "message",
        "is required",
    );
    problems.check()?;
    let fresh = CannedMessage {
        id: CannedMessageId(0),
        name: String::new(),
        message: String::new(),
        shortcuts: String::new(),
        category_id: None,
        is_private,
        channel_type: ChannelType::Default,
        email_html: String::new(),
        email_text: String::new(),
        created_by_id: by.agent_id(),
        created_at: tx.now(),
    };
    let message = changed(tx, by, fresh, new)?;
    let id = CannedMessageId(tx.insert(
        "INSERT INTO canned_message (name, message, shortcuts, category_id, is_private, channel_type, email_html,
           email_text, created_by_id, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rusqlite::params![
            message.name,
            message.message,
            message.shortcuts,
            message.category_id,
            message.is_private,
            message.channel_type.name(),
            message.email_html,
            message.email_text,
            message.created_by_id,
            message.created_at,
        ],
    )?);
    tell(tx, by, &message, "created", "")?;
    Ok(CannedMessage { id, ..message })
}

pub fn update(
    tx: &Tx<'_>,
    by: &Actor,
    id: CannedMessageId,
    change: &CannedMessageChange,
) -> Result<CannedMessage> {
    let before = require(tx, by, id)?;
    by.require(permission(before.is_private))?;
    let after = changed(tx, by, before.clone(), change)?;
    by.require(permission(after.is_private))?;
    tx.run(
        "UPDATE canned_message SET name = ?, message = ?, shortcuts = ?, category_id = ?, is_private = ?,
           channel_type = ?, email_html = ?, email_text = ?, created_by_id = ? WHERE id = ?",
        rusqlite::params![
            after.name,
            after.message,
            after.shortcuts,
            after.category_id,
            after.is_private,
            after.channel_type.name(),
            after.email_html,
            after.email_text,
            after.created_by_id,
            id,
        ],
    )?;
    let details = audit::difference(&facts(&before), &facts(&after));
    tell(tx, by, &after, "changed", &details)?;
    Ok(after)
}

pub fn delete(tx: &Tx<'_>, by: &Actor, id: CannedMessageId) -> Result<()> {
    let message = require(tx, by, id)?;
    by.require(permission(message.is_private))?;
    tx.run("DELETE FROM canned_message WHERE id = ?", [id])?;
    tell(tx, by, &message, "deleted", "")
}

pub(super) fn permission(is_private: bool) -> Permission {
    if is_private { Permission::ManagePrivateCannedMessages } else { Permission::ManagePublicCannedMessages }
}

/// The message with the change applied and checked.
fn changed(
    tx: &Tx<'_>,
    by: &Actor,
    mut message: CannedMessage,
    change: &CannedMessageChange,
) -> Result<CannedMessage> {
    if let Some(name) = &change.name {
        message.name = check_name("name", name, 200)?;
    }
    for (field, text, own) in [
        ("message", &change.message, &mut message.message),
        ("emailTextMessage", &change.email_text, &mut message.email_text),
    ] {
        if let Some(text) = text {
            check_text(field, text, TEXT_CHARS)?;
            *own = text.trim().to_owned();
        }
    }
    if message.message.is_empty() {
        return Err(Error::invalid("message", "is required"));
    }
    if let Some(shortcuts) = change.shortcuts.as_deref().map(str::trim) {
        let is_word = shortcuts.chars().count() <= 50 && !shortcuts.chars().any(char::is_control);
        if !is_word {
            let shown = shown(shortcuts);
            return Err(Error::invalid(
                "shortcuts",
                format!("'{shown}' is longer than 50 characters or more than one line"),
            ));
        }
        message.shortcuts = shortcuts.to_owned();
    }
    if let Some(html) = &change.email_html {
        message.email_html.clone_from(html);
    }
    if let Some(kind) = change.channel_type {
        message.channel_type = kind;
    }
    if let Some(is_private) = change.is_private {
        if is_private && !message.is_private {
            message.created_by_id = by.agent_id();
        }
        message.is_private = is_private;
    }
    if let Some(category) = change.category_id {
        message.category_id = category;
    }
    if let Some(id) = message.category_id {
        canned_message_category::check_holds(tx, by, "categoryId", id, message.is_private)?;
    }
    Ok(message)
}

fn facts(message: &CannedMessage) -> [(&'static str, String); 6] {
    [
        ("name", message.name.clone()),
        ("message", message.message.clone()),
        ("shortcuts", message.shortcuts.clone()),
        ("isPrivate", message.is_private.to_string()),
        ("emailHtmlMessage", message.email_html.clone()),
        ("emailTextMessage", message.email_text.clone()),
    ]
}

/// Private ones are nobody else's business.
fn tell(tx: &Tx<'_>, by: &Actor, message: &CannedMessage, did: &str, details: &str) -> Result<()> {
    if message.is_private {
        return Ok(());
    }
    let summary = [did, " the canned message '", &message.name, "'"].concat();
    audit::record(tx, by, Action::CannedMessage, summary, details)
}

const COLUMNS: &str =
    "id, name, message, shortcuts, category_id, is_private, channel_type, email_html, email_text,
    created_by_id, created_at";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<CannedMessage> {
    let unknown = || rusqlite::Error::from(rusqlite::types::FromSqlError::InvalidType);
    Ok(CannedMessage {
        id: row.get(0)?,
        name: row.get(1)?,
        message: row.get(2)?,
        shortcuts: row.get(3)?,
        category_id: row.get(4)?,
        is_private: row.get(5)?,
        channel_type: ChannelType::parse(row.get_ref(6)?.as_str()?).ok_or_else(unknown)?,
        email_html: row.get(7)?,
        email_text: row.get(8)?,
        created_by_id: row.get(9)?,
        created_at: row.get(10)?,
    })
}
