//! What conditions see of a conversation, as `rules::Facts`. What it was before a change is `Facts::set` with the old
//! value. The columns here and in `rules/sql.rs` must say the same.

use crate::db::Snapshot;
use crate::desk::code::{Priority, Status};
use crate::desk::event::Event;
use crate::error::Result;
use crate::ids::{ContactId, ConversationId, FieldId};
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
    let contact = match facts.get(f::CONTACT) {
        [Value::Int(contact)] => Some(ContactId(*contact)),
        _ => None,
    };
    add_contact(s, &mut facts, contact)?;
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
pub fn undo(facts: &mut Facts, event: &Event) {
    step(facts, event, "old", ["oldStatus", "oldAgentAssigneeId", "oldDepartmentAssigneeId"]);
}

/// Does again what an event did, as far as it tells.
pub fn redo(facts: &mut Facts, event: &Event) {
    step(facts, event, "new", ["newStatus", "newAgentAssigneeId", "newDepartmentAssigneeId"]);
}

fn step(facts: &mut Facts, event: &Event, side: &str, [status, agent, department]: [&str; 3]) {
    let detail = &event.detail;
    match event.kind.as_str() {
        "statusChanged" => {
            let code = detail[status].as_str().and_then(Status::parse);
            facts.set(f::STATUS, code.map(|code| Value::Int(code as i64)));
        }
        "assigneeChanged" => {
            facts.set(f::AGENT_ASSIGNEE, detail[agent].as_i64().map(Value::Int));
            facts.set(f::DEPARTMENT_ASSIGNEE, detail[department].as_i64().map(Value::Int));
        }
        "updated" => {
            for (field, value) in detail[side].as_object().into_iter().flatten() {
                match field.as_str() {
                    "subject" => facts.set(f::SUBJECT, value.as_str().map(Value::from)),
                    "contactId" => facts.set(f::CONTACT, value.as_i64().map(Value::Int)),
                    "priority" => {
                        let code = value.as_str().and_then(Priority::parse);
                        facts.set(f::PRIORITY, code.map(|code| Value::Int(code as i64)));
                    }
                    "tagIds" => {
                        let tags = value.as_array().into_iter().flatten().filter_map(|tag| tag.as_i64());
                        facts.set(f::TAG, tags.map(Value::Int));
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}

fn add_contact(s: &Snapshot<'_>, facts: &mut Facts, contact: Option<ContactId>) -> Result<()> {
    let Some(contact) = contact else { return Ok(()) };
    let found = s.one(
        "SELECT company, (SELECT value FROM contact_identity WHERE contact_id = contact.id AND type = 'email')
         FROM contact WHERE id = ?",
        [contact],
        |row| Ok((row.get::<_, Value>(0)?, row.get::<_, Option<Value>>(1)?)),
    )?;
    if let Some((company, email)) = found {
        facts.set(f::CONTACT_COMPANY, [company]);
        facts.set(f::CONTACT_EMAIL, email);
    }
    Ok(())
}
