//! What ids in rules, traces and rehearsals are called, and what people may write instead of an id. Of what was deleted
//! since, that it was.

use super::{agent, contact, department, field, tag};
use crate::db::Snapshot;
use crate::error::Result;
use crate::ids::{AgentId, ContactId, DepartmentId, FieldId, TagId};
use crate::rules::{Catalogue, Domain, Entry, Usage, Value};
use crate::time::Timestamp;

/// Looks names up.
pub struct Names<'a, 'c> {
    s: &'a Snapshot<'c>,
    catalogue: Catalogue,
}

impl<'a, 'c> Names<'a, 'c> {
    pub fn new(s: &'a Snapshot<'c>) -> Result<Self> {
        Ok(Self { s, catalogue: field::catalogue(s)? })
    }

    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    pub fn agent(&self, id: i64) -> Result<String> {
        let found = agent::get_ever(self.s, AgentId(id))?;
        Ok(found.map_or_else(|| format!("deleted agent {id}"), |agent| agent.display_name))
    }

    pub fn department(&self, id: i64) -> Result<String> {
        let found = department::get(self.s, DepartmentId(id))?;
        Ok(found.map_or_else(|| format!("deleted department {id}"), |department| department.name))
    }

    pub fn field(&self, id: FieldId) -> String {
        self.catalogue.get(id).map_or_else(|| format!("deleted field {id}"), |entry| entry.name.clone())
    }

    /// A value that a field has.
    pub fn value(&self, field: FieldId, value: &Value) -> Result<String> {
        let (Some(entry), Value::Int(number)) = (self.catalogue.get(field), value) else {
            return Ok(value.to_string());
        };
        Ok(match entry.domain() {
            Domain::Agent => self.agent(*number)?,
            Domain::Department => self.department(*number)?,
            Domain::Tag => tag::get(self.s, TagId(*number))?
                .map_or_else(|| format!("deleted tag {number}"), |tag| tag.name),
            Domain::Contact => contact::get_ever(self.s, ContactId(*number))?
                .map_or_else(|| format!("deleted contact {number}"), |contact| contact.name),
            Domain::Choice => {
                let choice = entry.choices.iter().find(|choice| choice.id == *number);
                choice.map_or_else(|| number.to_string(), |choice| choice.name.clone())
            }
            Domain::Instant => Timestamp::from_millis(*number).to_string(),
            _ => value.to_string(),
        })
    }

    /// A value as a rule has it: an id where it is one of somebody or something.
    pub fn written(&self, field: FieldId, text: &str) -> Result<String> {
        let domain = self.catalogue.get(field).map(|entry| entry.domain());
        match (domain, text.trim().parse()) {
            (Some(Domain::Agent | Domain::Department | Domain::Tag | Domain::Contact), Ok(id)) => {
                self.value(field, &Value::Int(id))
            }
            _ => Ok(text.trim().to_owned()),
        }
    }

    /// A value as somebody may write it in a form: in place of an id the name or the address by which `id_of` finds it.
    pub fn typed(&self, field: FieldId, text: &str) -> Result<String> {
        let (Some(entry), Ok(id)) = (self.catalogue.get(field), text.trim().parse()) else {
            return Ok(text.to_owned());
        };
        let names = match entry.domain() {
            Domain::Agent => agent::get_ever(self.s, AgentId(id))?
                .map_or_else(Vec::new, |agent| vec![agent.display_name, agent.email]),
            Domain::Contact => {
                let contact = contact::get_ever(self.s, ContactId(id))?;
                contact.and_then(|contact| contact.email().map(str::to_owned)).into_iter().collect()
            }
            Domain::Department | Domain::Tag => vec![self.written(field, text)?],
            _ => Vec::new(),
        };
        for name in names {
            if name.parse::<i64>().is_err() && id_of(self.s, entry.domain(), &name)? == Some(id) {
                return Ok(name);
            }
        }
        Ok(text.to_owned())
    }
}

/// The id that a name stands for where a condition wants one: an agent's name or address, a department's or a tag's
/// name, a contact's address. `None` where it stands for nothing, or for several.
pub fn id_of(s: &Snapshot<'_>, domain: Domain, written: &str) -> Result<Option<i64>> {
    let sql = match domain {
        Domain::Agent => {
            "SELECT id FROM agent
             WHERE deleted_at IS NULL AND (email = ?1 OR display_name = ?1 COLLATE NOCASE) LIMIT 2"
        }
        Domain::Department => "SELECT id FROM department WHERE name = ?1",
        Domain::Tag => "SELECT id FROM tag WHERE name = ?1",
        Domain::Contact => {
            "SELECT contact_id FROM contact_identity WHERE type = 'email' AND value = ?1 AND is_freed = 0"
        }
        _ => return Ok(None),
    };
    let found: Vec<i64> = s.all(sql, [written.trim()], |row| row.get(0))?;
    Ok(if let [id] = found[..] { Some(id) } else { None })
}

/// What a condition on each field can be given to choose from, by name; fields that take any value are left out. As
/// `Names::typed` and `id_of` understand it.
pub fn choices(s: &Snapshot<'_>, entries: &[Entry], usage: Usage) -> Result<Vec<(FieldId, Vec<String>)>> {
    // Only a filter has somebody who asks.
    let asker = |text: &str| (usage == Usage::View).then(|| text.to_owned()).into_iter();
    let mut choices = Vec::new();
    for entry in entries {
        let of_field: Vec<String> = match entry.domain() {
            Domain::Agent => {
                let sql = "SELECT display_name FROM agent WHERE deleted_at IS NULL ORDER BY 1";
                asker("@me").chain(s.all(sql, [], |row| row.get(0))?).collect()
            }
            Domain::Department => {
                let departments = department::list(s)?.into_iter().map(|department| department.name);
                asker("@my department").chain(departments).collect()
            }
            Domain::Tag => tag::names(s)?.into_iter().map(|(_, name)| name).collect(),
            Domain::Choice => entry.choices.iter().map(|choice| choice.name.clone()).collect(),
            Domain::Flag => vec!["true".to_owned(), "false".to_owned()],
            _ => continue,
        };
        choices.push((entry.id, of_field));
    }
    Ok(choices)
}
