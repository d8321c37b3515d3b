//! What ids in rules, traces and rehearsals are called. Of what was deleted since, that it was.

use super::{agent, contact, department, field, tag};
use crate::db::Snapshot;
use crate::error::Result;
use crate::ids::{AgentId, ContactId, DepartmentId, FieldId, TagId};
use crate::rules::{Catalogue, Domain, Value};
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
}
