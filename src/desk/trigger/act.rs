//! What a trigger sets (contract 16.4): which fields, which values, and what a value does. Tags are added to those a
//! conversation has, or all taken off by an empty value; everything else is replaced.

use serde::{Deserialize, Serialize};

use super::change::SetValue;
use crate::db::Snapshot;
use crate::desk::code::{Priority, Status};
use crate::desk::conversation::ConversationChange;
use crate::desk::conversation::update::SUBJECT_CHARS;
use crate::desk::field::{self, Field, NewValue};
use crate::desk::{agent, check_name, department, tag};
use crate::error::{Error, Result, shown};
use crate::ids::{AgentId, DepartmentId, FieldId, TagId};
use crate::rules::field as f;
use crate::rules::{Facts, Usage, Value};

/// A field and what it is set to, ready to use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Set {
    pub field: FieldId,
    /// As it was written.
    pub written: String,
    pub values: Vec<Value>,
    /// Why it cannot be set: what it names is gone.
    pub problem: Option<String>,
}

impl Set {
    pub fn new(s: &Snapshot<'_>, field: FieldId, written: &str) -> Result<Self> {
        let read = match field::get(s, field)? {
            Some(found) => read(s, &found, written)?,
            None => Err("is a field that was deleted".to_owned()),
        };
        let (values, problem) = match read {
            Ok(values) => (values, None),
            Err(problem) => (Vec::new(), Some(problem)),
        };
        Ok(Self { field, written: written.to_owned(), values, problem })
    }

    /// Does to the facts what `change` does to the conversation.
    pub fn apply(&self, facts: &mut Facts) {
        if self.field != f::TAG || self.values.is_empty() {
            return facts.set(self.field, self.values.iter().cloned());
        }
        for tag in &self.values {
            if !facts.get(f::TAG).contains(tag) {
                facts.add(f::TAG, tag.clone());
            }
        }
    }

    /// Puts it into a change of a conversation that has these tags.
    pub fn change(&self, tags: &[TagId], change: &mut ConversationChange) {
        let id = match self.values.first() {
            Some(Value::Int(id)) => Some(*id),
            _ => None,
        };
        match self.field {
            f::SUBJECT => change.subject = Some(self.written.clone()),
            f::DEPARTMENT_ASSIGNEE => change.department_assignee_id = Some(id.map(DepartmentId)),
            f::AGENT_ASSIGNEE => change.agent_assignee_id = Some(id.map(AgentId)),
            f::STATUS => change.status = Status::parse_with_aliases(&self.written),
            f::PRIORITY => change.priority = Priority::parse(&self.written),
            f::TAG => {
                let added = self.values.iter().filter_map(|value| match value {
                    Value::Int(id) => Some(TagId(*id)),
                    _ => None,
                });
                let kept = tags.iter().copied().filter(|_| !self.values.is_empty());
                change.tags = Some(kept.chain(added).collect());
            }
            other => {
                change.fields.push(NewValue { field: other.to_string(), value: self.written.clone() });
            }
        }
    }
}

/// The field that a trigger may set, if the value fits it.
pub fn check(s: &Snapshot<'_>, new: &SetValue) -> Result<FieldId> {
    let catalogue = field::catalogue(s)?;
    let place = [&new.place, ".fieldId"].concat();
    let entry = catalogue.find(&new.field).ok_or_else(|| {
        let message = match new.field.trim() {
            "" => "is required for SetValue".to_owned(),
            written => format!("'{}' is not a field", shown(written)),
        };
        Error::invalid(&place, message)
    })?;
    if !entry.allows(Usage::TriggerSet) {
        return Err(Error::invalid(&place, format!("'{}' cannot be set by a trigger", entry.name)));
    }
    let found = field::require(s, entry.id)?;
    match read(s, &found, &new.value)? {
        Ok(_) => Ok(entry.id),
        Err(problem) => {
            let message = format!("'{}' {problem}", shown(new.value.trim()));
            Err(Error::invalid([&new.place, ".value"].concat(), message))
        }
    }
}

/// The values that a text stands for; an error completes "the value …".
fn read(s: &Snapshot<'_>, about: &Field, written: &str) -> Result<Result<Vec<Value>, String>> {
    let text = written.trim();
    let code = |code: Option<i64>| {
        code.map(|code| vec![Value::Int(code)]).ok_or_else(|| "is not one of its options".to_owned())
    };
    Ok(match about.id {
        f::SUBJECT => match check_name("subject", text, SUBJECT_CHARS) {
            Ok(subject) => Ok(vec![Value::Text(subject)]),
            Err(_) => Err(format!("must be one line of 1 to {SUBJECT_CHARS} characters")),
        },
        f::STATUS => code(Status::parse_with_aliases(text).map(|code| code as i64)),
        f::PRIORITY => code(Priority::parse(text).map(|code| code as i64)),
        f::AGENT_ASSIGNEE | f::DEPARTMENT_ASSIGNEE if matches!(text, "" | "0") => Ok(Vec::new()),
        f::AGENT_ASSIGNEE => match text.parse().map(AgentId) {
            Ok(id) if agent::is_assignable(s, id)? => Ok(vec![Value::Int(id.0)]),
            _ => Err("is not the id of an active agent".to_owned()),
        },
        f::DEPARTMENT_ASSIGNEE => match text.parse().map(DepartmentId) {
            Ok(id) if department::get(s, id)?.is_some() => Ok(vec![Value::Int(id.0)]),
            _ => Err("is not the id of a department".to_owned()),
        },
        f::TAG => {
            let known = tag::names(s)?;
            let mut found = Vec::new();
            for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
                let tag =
                    known.iter().find(|(id, name)| id.to_string() == part || name.eq_ignore_ascii_case(part));
                match tag {
                    Some((id, _)) => found.push(Value::Int(id.0)),
                    None => return Ok(Err(format!("names the tag '{part}', which does not exist"))),
                }
            }
            Ok(found)
        }
        _ if text.is_empty() && about.is_required => Err("would clear a field that is required".to_owned()),
        _ => field::value::read(s, about, text)?,
    })
}
