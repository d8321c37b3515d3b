//! A conversation's history in sentences (contract 11.12): the event log, with names in place of ids.

use std::collections::HashMap;

use serde_json::Value;

use super::event::{self, Event};
use super::{Actor, agent, contact, conversation, department};
use crate::db::Snapshot;
use crate::error::Result;
use crate::ids::{AgentId, ContactId, ConversationId, DepartmentId, EventId};
use crate::time::Timestamp;

#[derive(Debug, Clone)]
pub struct Entry {
    pub id: EventId,
    pub conversation_id: ConversationId,
    pub kind: String,
    pub text: String,
    pub actor_type: String,
    pub actor_id: Option<i64>,
    pub at: Timestamp,
}

/// What happened to a conversation that the caller may see, deleted ones included, oldest first.
pub fn of_conversation(s: &Snapshot<'_>, by: &Actor, id: ConversationId) -> Result<Vec<Entry>> {
    if conversation::get(s, by, id)?.is_none() {
        return Err(crate::error::Error::not_found("conversation", id));
    }
    let events = event::of_conversation(s, id)?;
    let names = Names::of(s, &events)?;
    Ok(events
        .into_iter()
        .map(|event| Entry {
            text: sentence(&names, &event),
            id: event.id,
            conversation_id: event.conversation_id,
            kind: event.kind,
            actor_type: event.actor_type,
            actor_id: event.actor_id,
            at: event.at,
        })
        .collect())
}

/// Names of everybody in a stretch of the log, looked up together.
struct Names {
    agents: HashMap<AgentId, String>,
    contacts: HashMap<ContactId, String>,
    departments: HashMap<DepartmentId, String>,
}

impl Names {
    fn of(s: &Snapshot<'_>, events: &[Event]) -> Result<Self> {
        let actors = |kind: &'static str| {
            events.iter().filter(move |event| event.actor_type == kind).filter_map(|event| event.actor_id)
        };
        let given = |key: &'static str| events.iter().filter_map(move |event| event.detail[key].as_i64());
        let agents: Vec<AgentId> = actors("agent")
            .chain(given("oldAgentAssigneeId"))
            .chain(given("newAgentAssigneeId"))
            .map(AgentId)
            .collect();
        let contacts: Vec<ContactId> = actors("contact").map(ContactId).collect();
        Ok(Self {
            agents: agent::names(s, &agents)?,
            contacts: contact::names(s, &contacts)?,
            departments: department::list(s)?.into_iter().map(|found| (found.id, found.name)).collect(),
        })
    }

    /// Who did it: a rule by its name, a person by theirs, else the product.
    fn actor(&self, event: &Event) -> String {
        if let Some(rule) = event.detail["cause"]["name"].as_str() {
            let kind = event.detail["cause"]["kind"].as_str().unwrap_or("rule");
            return format!("The {kind} “{rule}”");
        }
        let found = match (event.actor_type.as_str(), event.actor_id) {
            ("agent", Some(id)) => self.agents.get(&AgentId(id)),
            ("contact", Some(id)) => self.contacts.get(&ContactId(id)),
            _ => return "Anytime".to_owned(),
        };
        found.cloned().unwrap_or_else(|| "Somebody".to_owned())
    }
}

fn sentence(names: &Names, event: &Event) -> String {
    let who = names.actor(event);
    let detail = &event.detail;
    let text = |key: &str| detail[key].as_str().unwrap_or("?");
    let number = |key: &str| detail[key].as_i64().unwrap_or_default();
    match event.kind.as_str() {
        "created" => format!("{who} opened the conversation"),
        "received" => format!("{who} wrote"),
        "replied" => format!("{who} answered"),
        "noted" => format!("{who} wrote a note"),
        "noteEdited" => format!("{who} changed a note"),
        "statusChanged" => {
            format!("{who} changed the status from {} to {}", text("oldStatus"), text("newStatus"))
        }
        "assigneeChanged" => assignment(names, &who, detail),
        "updated" => {
            let fields: Vec<&str> = detail["fields"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(field)
                .collect();
            format!("{who} changed {}", fields.join(" and "))
        }
        "read" => format!("{who} marked the conversation as read"),
        "unread" => format!("{who} marked the conversation as unread"),
        "deleted" => format!("{who} deleted the conversation"),
        "restored" => format!("{who} restored the conversation"),
        "erased" => format!("{who} deleted the conversation permanently"),
        "draftSaved" => format!("{who} began a draft"),
        "draftDeleted" => format!("{who} finished the draft"),
        "mergedFrom" => format!("{who} merged conversation {} into this one", number("sourceId")),
        "mergedInto" => format!("{who} merged this conversation into {}", number("targetId")),
        "splitInto" => format!("{who} split messages off into conversation {}", number("targetId")),
        "splitFrom" => format!("{who} split this off conversation {}", number("sourceId")),
        "messageMoved" if number("targetId") == event.conversation_id.0 => {
            format!("{who} moved a message here from conversation {}", number("sourceId"))
        }
        "messageMoved" => format!("{who} moved a message to conversation {}", number("targetId")),
        "forwarded" => format!("{who} forwarded a message"),
        "mailUndone" => format!("{who} took a mail back before it left"),
        "snoozed" => match detail["until"].as_str() {
            Some(until) => format!("{who} put it aside until {until}"),
            None => format!("{who} put it aside until the contact writes"),
        },
        "imported" => "An old mail was taken over from an archive".to_owned(),
        "woken" => format!("{who} brought it back"),
        "mailSent" => "The mail left for every recipient".to_owned(),
        "mailFailed" => format!("The mail could not be sent: {}", text("error")),
        "mailResent" => format!("{who} had the mail sent again"),
        "slaBreached" => {
            let missed = match text("target") {
                "firstRespond" => "The first answer",
                "nextRespond" => "The next answer",
                _ => "The time to close it",
            };
            format!("{missed} is overdue ({})", text("policy"))
        }
        "slaNear" => {
            let due = match text("target") {
                "firstRespond" => "The first answer",
                "nextRespond" => "The next answer",
                _ => "The time to close it",
            };
            format!("{due} is due soon")
        }
        "remarked" | "automated" => text("remark").to_owned(),
        other => format!("{who}: {}", spaced(other)),
    }
}

fn assignment(names: &Names, who: &str, detail: &Value) -> String {
    let agent = detail["newAgentAssigneeId"].as_i64().and_then(|id| names.agents.get(&AgentId(id)));
    let department =
        detail["newDepartmentAssigneeId"].as_i64().and_then(|id| names.departments.get(&DepartmentId(id)));
    let moves_agent = detail["oldAgentAssigneeId"] != detail["newAgentAssigneeId"];
    let moves_department = detail["oldDepartmentAssigneeId"] != detail["newDepartmentAssigneeId"];
    let mut parts = Vec::new();
    if moves_agent {
        parts.push(format!("assigned it to {}", agent.map_or("nobody", String::as_str)));
    }
    if moves_department {
        parts.push(match department {
            Some(name) => format!("moved it to {name}"),
            None => "took it out of its department".to_owned(),
        });
    }
    format!("{who} {}", parts.join(" and "))
}

/// A property as people call it; custom fields by their own name.
fn field(name: &str) -> &str {
    match name {
        "contactId" => "the contact",
        "tagIds" => "the tags",
        "subject" => "the subject",
        "priority" => "the priority",
        other => other,
    }
}

/// `mailFailed` as `mail failed`.
fn spaced(kind: &str) -> String {
    let mut words = String::new();
    for character in kind.chars() {
        if character.is_uppercase() {
            words.push(' ');
        }
        words.extend(character.to_lowercase());
    }
    words
}
