//! Values of the site's own fields on conversations. In and out they are text (contract 11.1, 27.2 row 37): options by
//! name, value or id, several joined by commas; dates as `2019-01-03`; ids of agents and departments; true or false.

use super::{Field, own};
use crate::db::{Snapshot, Tx};
use crate::desk::event::Updated;
use crate::desk::{agent, department, is_address};
use crate::error::{Error, Problems, Result, shown};
use crate::ids::{AgentId, ConversationId, DepartmentId, FieldId};
use crate::rules::field::Domain;
use crate::rules::{FieldType, Value, moment, parse};

/// A value as somebody sent it: the field by id or name. An empty value clears.
#[derive(Debug, Clone, Default)]
pub struct NewValue {
    pub field: String,
    pub value: String,
}

/// A field's checked values: none clears it.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldValue {
    pub field_id: FieldId,
    pub name: String,
    pub values: Vec<Value>,
    /// As it is shown.
    pub text: String,
}

/// Longest text where the field says nothing.
pub const TEXT_CHARS: i64 = 256;
pub const TEXTAREA_CHARS: i64 = 4000;

/// Checks values for a conversation that is there: a required field may not be cleared.
pub fn check(s: &Snapshot<'_>, given: &[NewValue]) -> Result<Vec<FieldValue>> {
    if given.is_empty() {
        return Ok(Vec::new());
    }
    let mut problems = Problems::default();
    let values = check_each(s, &own(s)?, given, &mut problems)?;
    problems.check()?;
    Ok(values)
}

/// Checks values for a new conversation: defaults are added, and a required field without one must be there
/// (contract 14.1).
pub fn check_new(s: &Snapshot<'_>, given: &[NewValue]) -> Result<Vec<FieldValue>> {
    let fields = own(s)?;
    let mut problems = Problems::default();
    let mut values = check_each(s, &fields, given, &mut problems)?;
    for field in &fields {
        let is_given = given.iter().any(|new| field.is_named(&new.field));
        if !is_given && !field.default_value.is_empty() {
            values.extend(default(s, field)?);
        } else if !is_given && field.is_required {
            problems.add("customFields", format!("lack the field '{}', which is required", field.name));
        }
    }
    problems.check()?;
    Ok(values)
}

/// The defaults alone: for a conversation that nobody filled in a form for.
pub fn defaults(s: &Snapshot<'_>) -> Result<Vec<FieldValue>> {
    let mut values = Vec::new();
    for field in own(s)?.iter().filter(|field| !field.default_value.is_empty()) {
        values.extend(default(s, field)?);
    }
    Ok(values)
}

/// A default may have lost its meaning since it was set, such as an agent who left: then there is none.
fn default(s: &Snapshot<'_>, field: &Field) -> Result<Option<FieldValue>> {
    Ok(read(s, field, &field.default_value)?.ok().map(|values| field.value(values)))
}

fn check_each(
    s: &Snapshot<'_>,
    fields: &[Field],
    given: &[NewValue],
    problems: &mut Problems,
) -> Result<Vec<FieldValue>> {
    let mut values: Vec<FieldValue> = Vec::with_capacity(given.len());
    for (index, new) in given.iter().enumerate() {
        let place = format!("customFields[{index}]");
        let Some(field) = fields.iter().find(|field| field.is_named(&new.field)) else {
            let shown = shown(&new.field);
            problems.add(place, format!("names the field '{shown}', which does not exist"));
            continue;
        };
        if values.iter().any(|other| other.field_id == field.id) {
            problems.add(place, format!("names the field '{}' again", field.name));
            continue;
        }
        match read(s, field, &new.value)? {
            Ok(read) if read.is_empty() && field.is_required => {
                problems.add([&place, ".value"].concat(), format!("of '{}' is required", field.name));
            }
            Ok(read) => values.push(field.value(read)),
            Err(message) => problems.add(
                [&place, ".value"].concat(),
                format!("'{}' of '{}' {message}", shown(&new.value), field.name),
            ),
        }
    }
    Ok(values)
}

/// The values a text stands for; an error completes "the value …".
pub fn read(s: &Snapshot<'_>, field: &Field, written: &str) -> Result<Result<Vec<Value>, String>> {
    let text = written.trim();
    if text.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    let entry = field.entry();
    let one = |value: Option<Value>, wanted: &str| value.map(|it| vec![it]).ok_or_else(|| wanted.to_owned());
    let choice = |text: &str| entry.choice(text).map(|choice| Value::Int(choice.id));
    Ok(match entry.domain() {
        Domain::Text => check_text(field, text).map(|()| vec![Value::Text(text.to_owned())]),
        Domain::Whole => one(text.parse().ok().map(Value::Int), "is not a whole number"),
        Domain::Real => {
            one(text.parse().ok().filter(|it: &f64| it.is_finite()).map(Value::Real), "is not a number")
        }
        Domain::Instant | Domain::Day => one(date(text), "is not a date such as 2019-01-03"),
        Domain::Flag => one(parse::flag(text).map(|it| Value::Int(i64::from(it))), "is not true or false"),
        Domain::Choice if field.kind == FieldType::CheckboxList => {
            let mut values = Vec::new();
            for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
                match choice(part) {
                    Some(value) if values.contains(&value) => {}
                    Some(value) => values.push(value),
                    None => return Ok(Err(format!("names the option '{part}', which does not exist"))),
                }
            }
            Ok(values)
        }
        Domain::Choice => one(choice(text), "is not one of its options"),
        Domain::Agent => match text.parse().map(AgentId) {
            Ok(id) if agent::is_assignable(s, id)? => Ok(vec![Value::Int(id.0)]),
            _ => Err("is not the id of an active agent".to_owned()),
        },
        Domain::Department => match text.parse().map(DepartmentId) {
            Ok(id) if department::get(s, id)?.is_some() => Ok(vec![Value::Int(id.0)]),
            _ => Err("is not the id of a department".to_owned()),
        },
        Domain::Tag | Domain::Contact => Err("is of a type that no field of a site has".to_owned()),
    })
}

fn check_text(field: &Field, text: &str) -> Result<(), String> {
    let is_area = field.kind == FieldType::Textarea;
    let longest = field.length.unwrap_or(if is_area { TEXTAREA_CHARS } else { TEXT_CHARS });
    if longest < text.chars().count() as i64 {
        return Err(format!("is longer than {longest} characters"));
    }
    if text.chars().any(|character| character.is_control() && !(is_area && "\r\n\t".contains(character))) {
        return Err("contains control characters".to_owned());
    }
    match field.kind {
        FieldType::Email if !is_address(text) => Err("is not an e-mail address".to_owned()),
        FieldType::Url if !is_url(text) => Err("is not a URL with http or https".to_owned()),
        _ => Ok(()),
    }
}

/// Only what a browser may follow.
pub fn is_url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// A date, or the date of a time as it is written.
fn date(text: &str) -> Option<Value> {
    let is_time = text.parse::<jiff::Timestamp>().is_ok() || text.parse::<jiff::civil::DateTime>().is_ok();
    let written = if is_time { text.split(['T', 't', ' ']).next()? } else { text };
    let date: jiff::civil::Date = written.parse().ok()?;
    (1900..=2100).contains(&date.year()).then(|| Value::Int(moment::midnight(date)))
}

impl Field {
    /// Whether somebody means this field: by its id, or by its name in any case.
    pub fn is_named(&self, written: &str) -> bool {
        let written = written.trim();
        match written.parse::<i64>() {
            Ok(id) => id == self.id.0,
            Err(_) => crate::rules::text::is(&self.name, &crate::rules::text::fold(written)),
        }
    }

    /// Values with the text that shows them.
    fn value(&self, mut values: Vec<Value>) -> FieldValue {
        let place = |value: &Value| {
            self.options.iter().position(|option| Value::Int(option.id.0) == *value).unwrap_or(usize::MAX)
        };
        values.sort_by_key(place);
        let text = values.iter().filter_map(|value| self.show(value)).collect::<Vec<_>>().join(",");
        FieldValue { field_id: self.id, name: self.name.clone(), values, text }
    }

    /// `None` for an option that is gone.
    fn show(&self, value: &Value) -> Option<String> {
        match (self.kind, value) {
            (FieldType::Date, Value::Int(millis)) => Some(moment::date(*millis).to_string()),
            (FieldType::Checkbox, Value::Int(flag)) => Some((*flag == 1).to_string()),
            (kind, Value::Int(id)) if kind.has_options() => {
                self.options.iter().find(|option| option.id.0 == *id).map(|option| option.value.clone())
            }
            (_, value) => Some(value.to_string()),
        }
    }
}

/// Writes checked values, each replacing what its field had, and tells what changed.
pub fn set(tx: &Tx<'_>, id: ConversationId, given: &[FieldValue]) -> Result<Vec<Updated>> {
    if given.is_empty() {
        return Ok(Vec::new());
    }
    let before = of_each(tx, &[id])?;
    let mut changes = Vec::new();
    for new in given {
        let old = before.iter().map(|(_, value)| value).find(|value| value.field_id == new.field_id);
        if old.map_or(&[][..], |old| &old.values) == new.values {
            continue;
        }
        tx.run("DELETE FROM field_value WHERE conversation_id = ? AND field_id = ?", (id, new.field_id))?;
        for value in &new.values {
            tx.run(
                "INSERT INTO field_value (conversation_id, field_id, value) VALUES (?, ?, ?)",
                (id, new.field_id, value),
            )?;
        }
        let text = |value: &FieldValue| Some(value.text.clone()).filter(|text| !text.is_empty());
        changes.push(Updated::new(&format!("customFields.{}", new.field_id), old.and_then(text), text(new)));
    }
    Ok(changes)
}

/// The values of several conversations, of each in the order of the fields.
pub fn of_each(s: &Snapshot<'_>, ids: &[ConversationId]) -> Result<Vec<(ConversationId, FieldValue)>> {
    let ids = serde_json::to_string(ids).map_err(Error::internal)?;
    let rows: Vec<(ConversationId, FieldId, Value)> = s.all(
        "SELECT conversation_id, field_id, value FROM field_value
         WHERE conversation_id IN (SELECT value FROM json_each(?)) ORDER BY conversation_id",
        [ids],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let mut shown = Vec::new();
    let fields = own(s)?;
    for rows in rows.chunk_by(|left, right| left.0 == right.0) {
        for field in &fields {
            let values: Vec<Value> =
                rows.iter().filter(|row| row.1 == field.id).map(|row| row.2.clone()).collect();
            if !values.is_empty() {
                shown.push((rows[0].0, field.value(values)));
            }
        }
    }
    Ok(shown)
}
