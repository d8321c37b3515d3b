//! What conditions see of a conversation, as `rules::Facts`: now, and by the log at any event. The columns here and in
//! `rules/sql.rs` must say the same.

use serde_json::Value as Json;

use crate::db::Snapshot;
use crate::desk::code::{Priority, Status};
use crate::desk::event::Event;
use crate::desk::field;
use crate::error::Result;
use crate::ids::{ConversationId, FieldId};
use crate::rules::field as f;
use crate::rules::{Facts, Value};

/// The facts of a stored conversation, deleted or not.
pub fn of(s: &Snapshot<'_>, id: ConversationId) -> Result<Option<Facts>> {
    let facts = s.one(
        "SELECT id, subject, department_assignee_id, agent_assignee_id, status, priority, channel, created_at,
           last_activity_at, last_status_change_at, closed_at, total_replies, contact_id, received_from,
           last_replied_at, is_read
         FROM conversation WHERE id = ?",
        [id],
        |row| {
            const ORDER: [FieldId; 16] = [
                f::CONVERSATION_ID,
                f::SUBJECT,
                f::DEPARTMENT_ASSIGNEE,
                f::AGENT_ASSIGNEE,
                f::STATUS,
                f::PRIORITY,
                f::CHANNEL,
                f::CREATED_TIME,
                f::LAST_ACTIVITY_TIME,
                f::LAST_STATUS_CHANGE_TIME,
                f::CLOSED_TIME,
                f::TOTAL_REPLIES,
                f::CONTACT,
                f::RECEIVED_FROM,
                f::LAST_REPLIED_TIME,
                f::IS_READ,
            ];
            let mut facts = Facts::default();
            for (column, field) in ORDER.into_iter().enumerate() {
                facts.set(field, row.get::<_, Option<Value>>(column)?);
            }
            Ok(facts)
        },
    )?;
    let Some(mut facts) = facts else { return Ok(None) };
    add_contact(s, &mut facts)?;
    let many: Vec<(FieldId, Value)> = s.all(
        "SELECT 16, tag_id FROM conversation_tag WHERE conversation_id = ?1
         UNION ALL SELECT DISTINCT 14, agent_id FROM mention WHERE conversation_id = ?1
         UNION ALL SELECT field_id, value FROM field_value WHERE conversation_id = ?1",
        [id],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    for (field, value) in many {
        facts.add(field, value);
    }
    Ok(Some(facts))
}

/// Takes back what an event did, as far as it tells what was before.
pub fn undo(s: &Snapshot<'_>, facts: &mut Facts, event: &Event) -> Result<()> {
    match event.kind.as_str() {
        "received" | "replied" => count_reply(facts, -1),
        "read" | "unread" => set_read(facts, event.kind == "unread"),
        _ => set(s, facts, event, "old")?,
    }
    Ok(())
}

/// Does again what an event did.
pub fn redo(s: &Snapshot<'_>, facts: &mut Facts, event: &Event) -> Result<()> {
    let at = [Value::Int(event.at.millis())];
    match event.kind.as_str() {
        "created" => redo_routing(facts, &event.detail["routed"]),
        "received" | "replied" => {
            count_reply(facts, 1);
            facts.set(f::LAST_REPLIED_TIME, at.clone());
            set_read(facts, event.kind == "replied");
        }
        "noted" => add_mentions(s, facts, event)?,
        "read" | "unread" => set_read(facts, event.kind == "read"),
        "statusChanged" => {
            set(s, facts, event, "new")?;
            facts.set(f::LAST_STATUS_CHANGE_TIME, at.clone());
            let is_closed = facts.get(f::STATUS) == [Value::Int(Status::Closed as i64)];
            facts.set(f::CLOSED_TIME, at.clone().into_iter().filter(|_| is_closed));
        }
        _ => set(s, facts, event, "new")?,
    }
    if ACTIVITY.contains(&event.kind.as_str()) {
        facts.set(f::LAST_ACTIVITY_TIME, at);
    }
    Ok(())
}

/// The events of which `last_activity_at` is the time.
const ACTIVITY: [&str; 6] = ["received", "replied", "noted", "statusChanged", "assigneeChanged", "updated"];

/// Whether what rules see at an event has a later one in it already: the allocation of what was created (contract 16.2),
/// and what triggers did at an event before it.
pub fn is_seen_at(event: &Event, later: &Event) -> bool {
    let cause = &later.detail["cause"];
    match cause["kind"].as_str() {
        Some("autoAllocation") => event.kind == "created" && later.at == event.at,
        Some("trigger") => cause["eventId"].as_i64().is_some_and(|id| id < event.id.0),
        _ => false,
    }
}

fn redo_routing(facts: &mut Facts, routed: &Json) {
    if let Some(agent) = routed["agentAssigneeId"].as_i64() {
        facts.set(f::AGENT_ASSIGNEE, [Value::Int(agent)]);
    }
    if let Some(department) = routed["departmentAssigneeId"].as_i64() {
        facts.set(f::DEPARTMENT_ASSIGNEE, [Value::Int(department)]);
    }
    if let Some(priority) = routed["priority"].as_str().and_then(Priority::parse) {
        facts.set(f::PRIORITY, [Value::Int(priority as i64)]);
    }
}

fn set_read(facts: &mut Facts, is_read: bool) {
    facts.set(f::IS_READ, [Value::Int(i64::from(is_read))]);
}

fn count_reply(facts: &mut Facts, by: i64) {
    let before = match facts.get(f::TOTAL_REPLIES) {
        [Value::Int(count)] => *count,
        _ => 0,
    };
    facts.set(f::TOTAL_REPLIES, [Value::Int((before + by).max(0))]);
}

fn add_mentions(s: &Snapshot<'_>, facts: &mut Facts, event: &Event) -> Result<()> {
    let mentioned: Vec<Value> = s.all(
        "SELECT agent_id FROM mention WHERE conversation_id = ? AND message_id = ?",
        (event.conversation_id, event.detail["messageId"].as_i64()),
        |row| row.get(0),
    )?;
    for agent in mentioned {
        if !facts.get(f::MENTIONED_AGENT).contains(&agent) {
            facts.add(f::MENTIONED_AGENT, agent);
        }
    }
    Ok(())
}

/// Sets what an event tells of one side of it: `old` or `new`.
fn set(s: &Snapshot<'_>, facts: &mut Facts, event: &Event, side: &str) -> Result<()> {
    let detail = &event.detail;
    let of_side = |name: &str| &detail[[side, name].concat()];
    match event.kind.as_str() {
        "statusChanged" => {
            let code = of_side("Status").as_str().and_then(Status::parse);
            facts.set(f::STATUS, code.map(|code| Value::Int(code as i64)));
        }
        "assigneeChanged" => {
            facts.set(f::AGENT_ASSIGNEE, of_side("AgentAssigneeId").as_i64().map(Value::Int));
            facts.set(f::DEPARTMENT_ASSIGNEE, of_side("DepartmentAssigneeId").as_i64().map(Value::Int));
        }
        "updated" => {
            for (field, value) in detail[side].as_object().into_iter().flatten() {
                set_property(s, facts, field, value)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// A property by its contract name, as `event::Updated` has it.
fn set_property(s: &Snapshot<'_>, facts: &mut Facts, property: &str, value: &Json) -> Result<()> {
    match property {
        "subject" => facts.set(f::SUBJECT, value.as_str().map(Value::from)),
        "contactId" => {
            facts.set(f::CONTACT, value.as_i64().map(Value::Int));
            add_contact(s, facts)?;
        }
        "priority" => {
            let code = value.as_str().and_then(Priority::parse);
            facts.set(f::PRIORITY, code.map(|code| Value::Int(code as i64)));
        }
        "tagIds" => {
            let tags = value.as_array().into_iter().flatten().filter_map(|tag| tag.as_i64());
            facts.set(f::TAG, tags.map(Value::Int));
        }
        own => {
            let id = own.strip_prefix("customFields.").and_then(|id| id.parse().ok()).map(FieldId);
            if let Some(field) = id.map_or(Ok(None), |id| field::get(s, id))? {
                // What cannot be read any more, such as an option that is gone, is nothing.
                let values = field::value::read(s, &field, value.as_str().unwrap_or_default())?;
                facts.set(field.id, values.unwrap_or_default());
            }
        }
    }
    Ok(())
}

/// The facts of the contact that `facts` name.
fn add_contact(s: &Snapshot<'_>, facts: &mut Facts) -> Result<()> {
    let found = match facts.get(f::CONTACT) {
        [Value::Int(contact)] => s.one(
            "SELECT company, (SELECT value FROM contact_identity WHERE contact_id = contact.id AND type = 'email')
             FROM contact WHERE id = ?",
            [*contact],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?,
        _ => None,
    };
    let (company, email): (Option<Value>, Option<Value>) = found.unwrap_or_default();
    facts.set(f::CONTACT_COMPANY, company);
    facts.set(f::CONTACT_EMAIL, email);
    Ok(())
}
