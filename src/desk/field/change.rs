//! Making and changing fields. Of a system field only the mappings can be set, and the defaults of Status and Priority.

use super::value::{self, TEXTAREA_CHARS};
use super::{Field, FieldOption, require};
use crate::db::Tx;
use crate::desk::audit::{self, Action};
use crate::desk::{Actor, Permission, check_name, check_text, condition};
use crate::error::{Error, OnConstraint, Problems, Result, shown};
use crate::ids::{FieldId, FieldOptionId};
use crate::rules::FieldType;
use crate::rules::field::{PRIORITY, STATUS, system_by_name};

/// `None` leaves a property alone (on creation: its default).
#[derive(Debug, Clone, Default)]
pub struct FieldChange {
    pub kind: Option<FieldType>,
    pub name: Option<String>,
    pub is_required: Option<bool>,
    /// Of an option: its name, value or id. Empty: none.
    pub default_value: Option<String>,
    pub help_text: Option<String>,
    pub length: Option<i64>,
    pub link_url: Option<String>,
    pub position: Option<i64>,
    pub chat_mapping: Option<String>,
    pub offline_message_mapping: Option<String>,
    /// Replaces the set: options with a known id stay the same ones.
    pub options: Option<Vec<NewOption>>,
}

#[derive(Debug, Clone, Default)]
pub struct NewOption {
    pub id: Option<FieldOptionId>,
    pub name: String,
    /// Default: the name.
    pub value: Option<String>,
    /// Default: after the one before.
    pub position: Option<i64>,
}

/// Which fields of live chat a field gets its value from.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub field_id: FieldId,
    pub chat: Option<String>,
    pub offline_message: Option<String>,
}

const OPTIONS: usize = 200;
const FIELDS: i64 = 200;

/// A name is unique whatever its case, also among the names of system fields; a clash is `Conflict`.
pub fn create(tx: &Tx<'_>, by: &Actor, new: &FieldChange) -> Result<Field> {
    by.require(Permission::ManageSettings)?;
    let kind = new.kind.ok_or_else(|| Error::invalid("type", "is required"))?;
    let name = check_field_name(new.name.as_deref().unwrap_or_default())?;
    if FIELDS <= tx.number("SELECT count(*) FROM field WHERE 1000 <= id", [])? {
        return Err(Error::Conflict(format!("there are {FIELDS} fields already; no more are possible")));
    }
    if kind.has_options() && new.options.as_ref().is_none_or(Vec::is_empty) {
        return Err(Error::invalid("options", format!("are required for a field of type {}", kind.name())));
    }
    let id = tx
        .insert(
            "INSERT INTO field (name, type, position)
             VALUES (?, ?, (SELECT coalesce(max(position), 0) + 1 FROM field WHERE 1000 <= id))",
            (&name, kind),
        )
        .on_constraint("field.name", || taken(&name))?;
    let field = apply(tx, &require(tx, FieldId(id))?, new)?;
    audit::record(tx, by, Action::Field, format!("created the field '{name}'"), "")?;
    Ok(field)
}

pub fn update(tx: &Tx<'_>, by: &Actor, id: FieldId, change: &FieldChange) -> Result<Field> {
    by.require(Permission::ManageSettings)?;
    let field = require(tx, id)?;
    if !field.is_system && change.kind.is_some_and(|kind| kind != field.kind) {
        return Err(Error::invalid("type", format!("is {} and cannot be changed", field.kind.name())));
    }
    let after = match field.is_system {
        true => update_system(tx, &field, change)?,
        false => apply(tx, &field, change)?,
    };
    let details = audit::difference(&facts(&field), &facts(&after));
    audit::record(tx, by, Action::Field, format!("changed the field '{}'", after.name), details)?;
    Ok(after)
}

/// What the audit log tells of a change.
fn facts(field: &Field) -> [(&'static str, String); 10] {
    let options = field.options.iter().map(|option| option.name.as_str()).collect::<Vec<_>>().join(", ");
    [
        ("name", field.name.clone()),
        ("isRequired", field.is_required.to_string()),
        ("defaultValue", field.default_value.clone()),
        ("helpText", field.help_text.clone()),
        ("length", field.length.map(|length| length.to_string()).unwrap_or_default()),
        ("linkURL", field.link_url.clone()),
        ("order", field.position.to_string()),
        ("chatFieldMapping", field.chat_mapping.clone()),
        ("offlineMessageFieldMapping", field.offline_message_mapping.clone()),
        ("options", options),
    ]
}

/// Takes its values off every conversation, too. `Invalid` for a system field, `Conflict` while a condition uses it.
pub fn delete(tx: &Tx<'_>, by: &Actor, id: FieldId) -> Result<()> {
    by.require(Permission::ManageSettings)?;
    let field = require(tx, id)?;
    if field.is_system {
        return Err(Error::invalid("id", format!("'{id}' is the system field {}; it stays", field.name)));
    }
    if let Some(user) = condition::user_of(tx, id)? {
        return Err(Error::Conflict(format!("the field '{}' is used by {user}", field.name)));
    }
    tx.run("DELETE FROM field WHERE id = ?", [id])?;
    audit::record(tx, by, Action::Field, format!("deleted the field '{}'", field.name), "")
}

/// Sets mappings of any fields, and gives them as they are then.
pub fn set_mappings(tx: &Tx<'_>, by: &Actor, mappings: &[Mapping]) -> Result<Vec<Field>> {
    by.require(Permission::ManageSettings)?;
    let mut problems = Problems::default();
    let mut fields = Vec::with_capacity(mappings.len());
    for (index, mapping) in mappings.iter().enumerate() {
        let place = format!("fieldMappings[{index}].fieldId");
        match super::get(tx, mapping.field_id)? {
            None => problems.add(place, format!("'{}' is not a field", mapping.field_id)),
            Some(field) => {
                let change = FieldChange {
                    chat_mapping: mapping.chat.clone(),
                    offline_message_mapping: mapping.offline_message.clone(),
                    ..FieldChange::default()
                };
                set_columns(tx, &field, &change)?;
                let after = require(tx, field.id)?;
                let details = audit::difference(&facts(&field), &facts(&after));
                let summary = format!("changed the mapping of the field '{}'", field.name);
                audit::record(tx, by, Action::Field, summary, details)?;
                fields.push(mapping.field_id);
            }
        }
    }
    problems.check()?;
    fields.into_iter().map(|id| require(tx, id)).collect()
}

fn update_system(tx: &Tx<'_>, field: &Field, change: &FieldChange) -> Result<Field> {
    let mut problems = Problems::default();
    let stays = |is_same: bool, name: &str, problems: &mut Problems| {
        problems.require(is_same, name, format!("of the system field {} cannot be changed", field.name));
    };
    stays(change.kind.is_none_or(|kind| kind == field.kind), "type", &mut problems);
    stays(change.name.as_deref().is_none_or(|name| name.trim() == field.name), "name", &mut problems);
    stays(change.is_required.is_none_or(|flag| flag == field.is_required), "isRequired", &mut problems);
    stays(change.help_text.as_ref().is_none_or(|text| *text == field.help_text), "helpText", &mut problems);
    stays(change.length.is_none_or(|length| Some(length) == field.length), "length", &mut problems);
    stays(change.link_url.as_ref().is_none_or(|url| *url == field.link_url), "linkURL", &mut problems);
    stays(change.position.is_none_or(|position| position == field.position), "order", &mut problems);
    let is_same_set = |options: &Vec<NewOption>| {
        options.len() == field.options.len()
            && options
                .iter()
                .zip(&field.options)
                .all(|(new, old)| new.name == old.name && new.id.is_none_or(|id| id == old.id))
    };
    stays(change.options.as_ref().is_none_or(is_same_set), "options", &mut problems);
    let mut default = None;
    if let Some(written) = &change.default_value
        && *written != field.default_value
    {
        if field.id == STATUS || field.id == PRIORITY {
            match field.entry().choice(written) {
                Some(choice) => default = Some(choice.name.clone()),
                None => problems
                    .add("defaultValue", format!("'{}' is not an option of {}", shown(written), field.name)),
            }
        } else {
            stays(false, "defaultValue", &mut problems);
        }
    }
    problems.check()?;
    tx.run("UPDATE field SET default_value = coalesce(?, default_value) WHERE id = ?", (default, field.id))?;
    let mappings = FieldChange {
        chat_mapping: change.chat_mapping.clone(),
        offline_message_mapping: change.offline_message_mapping.clone(),
        ..FieldChange::default()
    };
    set_columns(tx, field, &mappings)?;
    require(tx, field.id)
}

fn apply(tx: &Tx<'_>, field: &Field, change: &FieldChange) -> Result<Field> {
    set_columns(tx, field, change)?;
    if let Some(options) = &change.options {
        set_options(tx, field, options)?;
    }
    let field = require(tx, field.id)?;
    let written = change.default_value.as_deref().unwrap_or(&field.default_value);
    let is_new = change.default_value.is_some();
    let default = match value::read(tx, &field, written)? {
        Ok(_) if field.kind.has_options() => {
            let ids =
                written.split(',').filter_map(|part| field.entry().choice(part).map(|it| it.id.to_string()));
            ids.collect::<Vec<_>>().join(",")
        }
        Ok(_) => written.trim().to_owned(),
        Err(message) if is_new => {
            return Err(Error::invalid("defaultValue", format!("'{}' {message}", shown(written))));
        }
        // The default's option was just taken away.
        Err(_) => String::new(),
    };
    tx.run("UPDATE field SET default_value = ? WHERE id = ?", (default, field.id))?;
    require(tx, field.id)
}

fn set_columns(tx: &Tx<'_>, field: &Field, change: &FieldChange) -> Result<()> {
    let name = change.name.as_deref().map(check_field_name).transpose()?;
    for (property, text, longest) in [
        ("helpText", &change.help_text, 1000),
        ("chatFieldMapping", &change.chat_mapping, 100),
        ("offlineMessageFieldMapping", &change.offline_message_mapping, 100),
    ] {
        check_text(property, text.as_deref().unwrap_or_default(), longest)?;
    }
    if let Some(length) = change.length
        && !(1..=TEXTAREA_CHARS).contains(&length)
    {
        return Err(Error::invalid("length", format!("'{length}' must be from 1 to {TEXTAREA_CHARS}")));
    }
    if let Some(url) = change.link_url.as_deref().map(str::trim).filter(|url| !url.is_empty()) {
        if field.kind != FieldType::Link {
            return Err(Error::invalid("linkURL", "has a meaning only for a field of type link"));
        }
        if !value::is_url(url) || 1000 < url.len() {
            let shown = shown(url);
            return Err(Error::invalid("linkURL", format!("'{shown}' is not a URL with http or https")));
        }
    }
    tx.run(
        "UPDATE field SET name = coalesce(?, name), is_required = coalesce(?, is_required),
           help_text = coalesce(?, help_text), length = coalesce(?, length), link_url = coalesce(?, link_url),
           position = coalesce(?, position), chat_mapping = coalesce(?, chat_mapping),
           offline_message_mapping = coalesce(?, offline_message_mapping)
         WHERE id = ?",
        (
            &name,
            change.is_required,
            &change.help_text,
            change.length,
            change.link_url.as_deref().map(str::trim),
            change.position,
            &change.chat_mapping,
            &change.offline_message_mapping,
            field.id,
        ),
    )
    .on_constraint("field.name", || taken(name.as_deref().unwrap_or_default()))?;
    Ok(())
}

fn check_field_name(name: &str) -> Result<String> {
    let name = check_name("name", name, 100)?;
    if name.parse::<i64>().is_ok() {
        return Err(Error::invalid("name", format!("'{name}' is a number: it could not be told from an id")));
    }
    match system_by_name(&name) {
        Some(_) => Err(taken(&name)),
        None => Ok(name),
    }
}

fn taken(name: &str) -> Error {
    Error::Conflict(format!("there is already a field '{name}'"))
}

/// An option that keeps its id keeps its conversations; one that is taken away is taken off them. Conditions follow a
/// new name, and hold on to an option they name.
fn set_options(tx: &Tx<'_>, field: &Field, options: &[NewOption]) -> Result<()> {
    if !field.kind.has_options() && !options.is_empty() {
        return Err(Error::invalid(
            "options",
            format!("have no meaning for a field of type {}", field.kind.name()),
        ));
    }
    let checked = check_options(field, options)?;
    if field.kind.has_options() && checked.is_empty() {
        return Err(Error::invalid("options", "must be at least one"));
    }
    for old in &field.options {
        if checked.iter().any(|new| new.id == Some(old.id)) {
            continue;
        }
        if let Some(user) = user_of_option(tx, field.id, old)? {
            return Err(Error::Conflict(format!("the option '{}' is used by {user}", old.name)));
        }
        tx.run("DELETE FROM field_option WHERE id = ?", [old.id])?;
        tx.run("DELETE FROM field_value WHERE field_id = ? AND value = ?", (field.id, old.id))?;
    }
    // Out of the way first, so that two options can swap their names.
    tx.run("UPDATE field_option SET name = id || '#', value = id || '#' WHERE field_id = ?", [field.id])?;
    for (index, new) in checked.iter().enumerate() {
        let value = new.value.as_deref().unwrap_or(&new.name);
        let position = new.position.unwrap_or(index as i64 + 1);
        match new.id.and_then(|id| field.options.iter().find(|old| old.id == id)) {
            Some(old) => {
                tx.run(
                    "UPDATE field_option SET name = ?, value = ?, position = ? WHERE id = ?",
                    (&new.name, value, position, old.id),
                )?;
                for (was, is) in [(&old.name, new.name.as_str()), (&old.value, value)] {
                    tx.run(
                        "UPDATE condition SET value = ? WHERE field_id = ? AND value = ? COLLATE NOCASE",
                        (is, field.id, was),
                    )?;
                }
            }
            None => {
                tx.insert(
                    "INSERT INTO field_option (field_id, name, value, position) VALUES (?, ?, ?, ?)",
                    (field.id, &new.name, value, position),
                )?;
            }
        }
    }
    Ok(())
}

fn check_options(field: &Field, options: &[NewOption]) -> Result<Vec<NewOption>> {
    let mut problems = Problems::default();
    problems.require(
        options.len() <= OPTIONS,
        "options",
        format!("are {}; at most {OPTIONS} are allowed", options.len()),
    );
    let mut checked: Vec<NewOption> = Vec::new();
    for (index, option) in options.iter().enumerate() {
        let place = |part: &str| format!("options[{index}].{part}");
        let name = check_name(&place("name"), &option.name, 100)?;
        let value = option.value.as_deref().map(str::trim).filter(|value| !value.is_empty());
        let value = value.map(|value| check_name(&place("value"), value, 100)).transpose()?;
        let texts = [name.as_str(), value.as_deref().unwrap_or(&name)];
        if field.kind == FieldType::CheckboxList && texts.iter().any(|text| text.contains(',')) {
            problems.add(place("name"), format!("'{name}' has a comma, which separates several options"));
        }
        if option.id.is_some_and(|id| field.options.iter().all(|old| old.id != id)) {
            let id = option.id.map_or(0, |id| id.0);
            problems.add(place("id"), format!("'{id}' is not an option of this field"));
        }
        let is_taken = checked.iter().any(|other| {
            let others = [other.name.as_str(), other.value.as_deref().unwrap_or(&other.name)];
            texts.iter().any(|text| others.iter().any(|other| other.eq_ignore_ascii_case(text)))
                || (other.id.is_some() && other.id == option.id)
        });
        if is_taken {
            problems.add(place("name"), format!("'{name}' is given to two options"));
        }
        checked.push(NewOption { id: option.id, name, value, position: option.position });
    }
    problems.check()?;
    Ok(checked)
}

/// What asks for an option, by whatever it is called.
fn user_of_option(tx: &Tx<'_>, field: FieldId, option: &FieldOption) -> Result<Option<String>> {
    let is_asked_for = tx.exists(
        "SELECT 1 FROM condition WHERE field_id = ? AND value COLLATE NOCASE IN (?, ?, ?)",
        (field, &option.name, &option.value, option.id.to_string()),
    )?;
    if is_asked_for { condition::user_of(tx, field) } else { Ok(None) }
}
