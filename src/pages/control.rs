//! Form controls of the site's own fields: the portal asks for them, the console changes them. A control is called
//! `field-ID`; `sent` reads them back.

use crate::db::Snapshot;
use crate::desk::field::{Field, NewValue};
use crate::desk::{agent, department};
use crate::error::{Error, Problem, Result};
use crate::ids::FieldId;
use crate::rules::FieldType;

/// What `partials/controls.html` draws.
pub struct Control {
    pub field_id: FieldId,
    pub label: String,
    pub kind: FieldType,
    pub value: String,
    pub is_required: bool,
    pub help: String,
    pub max_length: i64,
    pub choices: Vec<Choice>,
    pub problem: Option<String>,
}

pub struct Choice {
    pub value: String,
    pub label: String,
    pub is_chosen: bool,
}

impl Control {
    /// The control's name in the form.
    pub fn name(&self) -> String {
        name(self.field_id)
    }

    /// How an `<input>` is typed; `None` where the control is no `<input>` of one line.
    pub fn input_type(&self) -> Option<&'static str> {
        match self.kind {
            FieldType::Text | FieldType::Link => Some("text"),
            FieldType::Email => Some("email"),
            FieldType::Url => Some("url"),
            FieldType::Date => Some("date"),
            FieldType::Integer | FieldType::Float => Some("number"),
            _ => None,
        }
    }

    pub fn is_number(&self) -> bool {
        matches!(self.kind, FieldType::Integer | FieldType::Float)
    }

    pub fn is_area(&self) -> bool {
        self.kind == FieldType::Textarea
    }

    pub fn is_checkbox(&self) -> bool {
        self.kind == FieldType::Checkbox
    }

    pub fn is_checkbox_list(&self) -> bool {
        self.kind == FieldType::CheckboxList
    }

    pub fn is_checked(&self) -> bool {
        matches!(self.value.as_str(), "true" | "1")
    }
}

fn name(id: FieldId) -> String {
    ["field-", &id.to_string()].concat()
}

/// Controls for `fields`, filled in with what `value` says of each.
pub fn controls(
    s: &Snapshot<'_>,
    fields: &[Field],
    value: impl Fn(&Field) -> String,
) -> Result<Vec<Control>> {
    let mut controls = Vec::with_capacity(fields.len());
    for field in fields {
        let value = value(field);
        let (agents, departments) = (FieldType::Operator, FieldType::Department);
        let pairs: Vec<(String, String)> = match field.kind {
            kind if kind == agents => {
                agent::assignable(s)?.into_iter().map(|it| (it.id.to_string(), it.display_name)).collect()
            }
            kind if kind == departments => {
                department::list(s)?.into_iter().map(|it| (it.id.to_string(), it.name)).collect()
            }
            _ => field.options.iter().map(|option| (option.id.to_string(), option.name.clone())).collect(),
        };
        let entry = field.entry();
        let chosen: Vec<String> = match field.kind.has_options() {
            true => {
                value.split(',').filter_map(|part| entry.choice(part)).map(|it| it.id.to_string()).collect()
            }
            false => vec![value.clone()],
        };
        let choice =
            |(value, label): (String, String)| Choice { is_chosen: chosen.contains(&value), value, label };
        let longest = if field.kind == FieldType::Textarea { 4000 } else { 256 };
        controls.push(Control {
            field_id: field.id,
            label: field.name.clone(),
            kind: field.kind,
            is_required: field.is_required,
            help: field.help_text.clone(),
            max_length: field.length.unwrap_or(longest),
            choices: pairs.into_iter().map(choice).collect(),
            problem: None,
            value,
        });
    }
    Ok(controls)
}

/// What the form sent for `fields`, in their order: an empty value clears.
pub fn sent(fields: &[Field], form: &[(String, String)]) -> Vec<NewValue> {
    let value = |field: &Field| {
        let name = name(field.id);
        let values: Vec<&str> =
            form.iter().filter(|(key, _)| *key == name).map(|(_, it)| it.as_str()).collect();
        values.join(",")
    };
    fields.iter().map(|field| NewValue { field: field.id.to_string(), value: value(field) }).collect()
}

/// Puts the problems that `sent` values met beside their controls.
pub fn tell(controls: &mut [Control], error: Error) -> Result<Vec<Problem>> {
    let Error::Invalid(problems) = error else { return Err(error) };
    let mut rest = Vec::new();
    for problem in problems {
        let place = problem.field.strip_prefix("customFields[").and_then(|rest| rest.split(']').next());
        match place.and_then(|index| controls.get_mut(index.parse::<usize>().ok()?)) {
            Some(control) => control.problem = Some(problem.message),
            None => rest.push(problem),
        }
    }
    Ok(rest)
}
