//! Fields (contract 14): the twenty system fields, and the site's own, which conversations have values of. How they are
//! changed is in `change`, their values are in `value`.

pub mod change;
pub mod value;

use super::code::{Channel, Priority, Status};
use crate::db::Snapshot;
use crate::error::{Error, Result};
use crate::ids::{FieldId, FieldOptionId};
use crate::rules::field::{self, Choice, SYSTEM};
use crate::rules::{Catalogue, Entry, FieldType};
pub use change::{FieldChange, Mapping, NewOption, create, delete, set_mappings, update};
pub use value::{FieldValue, NewValue};

#[derive(Debug, Clone)]
pub struct Field {
    pub id: FieldId,
    pub name: String,
    pub kind: FieldType,
    pub is_system: bool,
    pub is_required: bool,
    /// As text; of an option, its id.
    pub default_value: String,
    pub help_text: String,
    /// Most characters of a text.
    pub length: Option<i64>,
    pub link_url: String,
    pub position: i64,
    pub chat_mapping: String,
    pub offline_message_mapping: String,
    pub options: Vec<FieldOption>,
    /// Bits of `rules::Usage`.
    pub usages: u8,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldOption {
    pub id: FieldOptionId,
    pub name: String,
    pub value: String,
    pub position: i64,
}

/// Every usage: the site's own fields may be used everywhere.
const EVERYWHERE: u8 = 63;

/// Every field: the system's, then the site's own, each in its order.
pub fn list(s: &Snapshot<'_>) -> Result<Vec<Field>> {
    let sql = ["SELECT ", COLUMNS, " FROM field ORDER BY 20 < id, position, id"].concat();
    with_options(s, s.all(&sql, [], from_row)?)
}

/// The site's own fields, in their order.
pub fn own(s: &Snapshot<'_>) -> Result<Vec<Field>> {
    let sql = ["SELECT ", COLUMNS, " FROM field WHERE 1000 <= id ORDER BY position, id"].concat();
    with_options(s, s.all(&sql, [], from_row)?)
}

fn with_options(s: &Snapshot<'_>, mut fields: Vec<Field>) -> Result<Vec<Field>> {
    if !fields.iter().any(|field| !field.is_system && field.kind.has_options()) {
        return Ok(fields);
    }
    let options: Vec<(FieldId, FieldOption)> = s.all(
        "SELECT field_id, id, name, value, position FROM field_option ORDER BY field_id, position, id",
        [],
        |row| {
            let option =
                FieldOption { id: row.get(1)?, name: row.get(2)?, value: row.get(3)?, position: row.get(4)? };
            Ok((row.get(0)?, option))
        },
    )?;
    for (field_id, option) in options {
        if let Some(field) = fields.iter_mut().find(|field| field.id == field_id) {
            field.options.push(option);
        }
    }
    Ok(fields)
}

pub fn get(s: &Snapshot<'_>, id: FieldId) -> Result<Option<Field>> {
    let sql = ["SELECT ", COLUMNS, " FROM field WHERE id = ?"].concat();
    let Some(mut field) = s.one(&sql, [id], from_row)? else { return Ok(None) };
    if !field.is_system {
        field.options = s.all(
            "SELECT id, name, value, position FROM field_option WHERE field_id = ? ORDER BY position, id",
            [id],
            |row| {
                Ok(FieldOption {
                    id: row.get(0)?,
                    name: row.get(1)?,
                    value: row.get(2)?,
                    position: row.get(3)?,
                })
            },
        )?;
    }
    Ok(Some(field))
}

/// The field, or `NotFound`.
pub fn require(s: &Snapshot<'_>, id: FieldId) -> Result<Field> {
    get(s, id)?.ok_or_else(|| Error::not_found("field", id))
}

/// What conditions may ask about.
pub fn catalogue(s: &Snapshot<'_>) -> Result<Catalogue> {
    Ok(Catalogue::new(list(s)?.iter().map(Field::entry).collect()))
}

/// What a conversation's status is when nobody says (contract 11.2).
pub fn default_status(s: &Snapshot<'_>) -> Result<Status> {
    Ok(Status::parse(&default_value(s, field::STATUS)?).unwrap_or(Status::New))
}

pub fn default_priority(s: &Snapshot<'_>) -> Result<Priority> {
    Ok(Priority::parse(&default_value(s, field::PRIORITY)?).unwrap_or(Priority::Normal))
}

fn default_value(s: &Snapshot<'_>, id: FieldId) -> Result<String> {
    let found = s.one("SELECT default_value FROM field WHERE id = ?", [id], |row| row.get(0))?;
    Ok(found.unwrap_or_default())
}

impl Field {
    pub fn entry(&self) -> Entry {
        let choice = |option: &FieldOption| Choice {
            id: option.id.0,
            name: option.name.clone(),
            value: option.value.clone(),
        };
        Entry {
            id: self.id,
            name: self.name.clone(),
            kind: self.kind,
            choices: self.options.iter().map(choice).collect(),
            usages: self.usages,
        }
    }
}

/// The options of a system field: its codes.
fn codes(id: FieldId) -> Vec<FieldOption> {
    let option = |(position, (number, name)): (usize, (i64, &str))| FieldOption {
        id: FieldOptionId(number),
        name: name.to_owned(),
        value: name.to_owned(),
        position: position as i64 + 1,
    };
    let codes: Vec<(i64, &str)> = match id {
        field::STATUS => Status::ALL.iter().map(|code| (*code as i64, code.name())).collect(),
        field::PRIORITY => Priority::ALL.iter().map(|code| (*code as i64, code.name())).collect(),
        field::CHANNEL => Channel::ALL.iter().map(|code| (*code as i64, code.name())).collect(),
        _ => Vec::new(),
    };
    codes.into_iter().enumerate().map(option).collect()
}

const COLUMNS: &str =
    "id, name, type, is_required, default_value, help_text, length, link_url, position, chat_mapping,
    offline_message_mapping";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Field> {
    let id: FieldId = row.get(0)?;
    let system = SYSTEM.iter().find(|field| field.id == id);
    Ok(Field {
        id,
        name: row.get(1)?,
        kind: row.get(2)?,
        is_system: system.is_some(),
        is_required: row.get(3)?,
        default_value: row.get(4)?,
        help_text: row.get(5)?,
        length: row.get(6)?,
        link_url: row.get(7)?,
        position: row.get(8)?,
        chat_mapping: row.get(9)?,
        offline_message_mapping: row.get(10)?,
        options: codes(id),
        usages: system.map_or(EVERYWHERE, |field| field.usages),
    })
}
