//! `include=` (contract 1.5): related objects beside their ids. Each object is looked up once for a whole page.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde::Serialize;
use utoipa::ToSchema;

use super::agent::AgentJson;
use super::contact::ContactJson;
use super::department::DepartmentJson;
use super::event_log::EventLogJson;
use super::message::{self, MessageJson};
use crate::db::Snapshot;
use crate::desk::conversation::{self, Conversation, Party};
use crate::desk::{Actor, agent, contact, department};
use crate::error::Result;
use crate::ids::{AgentId, ContactId};
use crate::time::Timestamp;

/// What was asked for; a name that was not asked for is absent, one without an object is null.
#[derive(Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IncludedObjects)]
pub struct Included {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    agent_assignee: Option<Option<AgentJson>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    department_assignee: Option<Option<DepartmentJson>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    contact: Option<Option<ContactJson>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    created_by: Option<Option<PartyJson>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    last_replied_by: Option<Option<PartyJson>>,
    /// Takes the place of the string of this name.
    #[serde(skip)]
    #[schema(ignore)]
    pub last_message: Option<Option<Box<MessageJson>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_logs: Option<Vec<EventLogJson>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<MessageJson>>,
}

/// An agent or a contact, as the type beside the id says; the system is null.
#[derive(Clone, Serialize)]
#[serde(untagged)]
pub enum PartyJson {
    Agent(Box<AgentJson>),
    Contact(Box<ContactJson>),
}

/// The object of one party.
pub fn party(
    s: &Snapshot<'_>,
    now: Timestamp,
    who: Option<(&str, Option<i64>)>,
) -> Result<Option<PartyJson>> {
    Ok(match who {
        Some(("agent", Some(id))) => agent::get_ever(s, AgentId(id))?
            .map(|agent| PartyJson::Agent(Box::new(AgentJson::new(agent, now)))),
        Some(("contact", Some(id))) => contact::get_ever(s, ContactId(id))?
            .map(|contact| PartyJson::Contact(Box::new(ContactJson::from(contact)))),
        _ => None,
    })
}

/// For each conversation what `includes` names, in the same order.
pub fn conversations(
    s: &Snapshot<'_>,
    by: &Actor,
    now: Timestamp,
    page: &[Conversation],
    includes: &[String],
) -> Result<Vec<Included>> {
    let asks = |name: &str| includes.iter().any(|include| include == name);
    let mut parties: HashMap<(String, i64), Option<PartyJson>> = HashMap::new();
    let mut find = |kind: &str, id: Option<i64>| -> Result<Option<PartyJson>> {
        let Some(id) = id else { return Ok(None) };
        let key = (kind.to_owned(), id);
        if !parties.contains_key(&key) {
            parties.insert(key.clone(), party(s, now, Some((kind, Some(id))))?);
        }
        Ok(parties[&key].clone())
    };
    let mut departments = HashMap::new();
    let mut all = Vec::with_capacity(page.len());
    for conversation in page {
        let mut included = Included::default();
        if asks("agentassignee") {
            included.agent_assignee =
                Some(match find("agent", conversation.agent_assignee_id.map(|id| id.0))? {
                    Some(PartyJson::Agent(agent)) => Some(*agent),
                    _ => None,
                });
        }
        if asks("contact") {
            included.contact = Some(match find("contact", conversation.contact_id.map(|id| id.0))? {
                Some(PartyJson::Contact(contact)) => Some(*contact),
                _ => None,
            });
        }
        if asks("departmentassignee") {
            included.department_assignee = Some(match conversation.department_assignee_id {
                Some(id) => {
                    let found = match departments.entry(id) {
                        Entry::Occupied(known) => known.into_mut(),
                        Entry::Vacant(place) => place.insert(department::get(s, id)?),
                    };
                    found.clone().map(DepartmentJson::from)
                }
                None => None,
            });
        }
        if asks("createdby") {
            let Party { kind, id } = &conversation.created_by;
            included.created_by = Some(find(kind, *id)?);
        }
        if asks("lastrepliedby") {
            included.last_replied_by = Some(match &conversation.last_replied_by {
                Some(Party { kind, id }) => find(kind, *id)?,
                None => None,
            });
        }
        if asks("lastmessage") {
            let last = conversation::message::last(s, by, conversation.id)?;
            included.last_message =
                Some(last.map(|last| message::with_files(s, last).map(Box::new)).transpose()?);
        }
        all.push(included);
    }
    Ok(all)
}
