//! Changing a conversation's properties. Absent properties stay; an assignee can be cleared.

use super::{Conversation, editable, read_state, status};
use crate::db::Tx;
use crate::desk::code::{Priority, Status};
use crate::desk::event::{self, Assignee, Change, Updated};
use crate::desk::field::{self, NewValue};
use crate::desk::{Actor, agent, check_name, contact, department, tag};
use crate::error::{Error, Problems, Result};
use crate::ids::{AgentId, ContactId, ConversationId, DepartmentId, TagId};

/// `None` leaves a property alone; `Some(None)` un-assigns; `tags` replaces the set.
#[derive(Debug, Clone, Default)]
pub struct ConversationChange {
    pub subject: Option<String>,
    pub contact_id: Option<ContactId>,
    pub agent_assignee_id: Option<Option<AgentId>>,
    pub department_assignee_id: Option<Option<DepartmentId>>,
    pub priority: Option<Priority>,
    pub status: Option<Status>,
    pub is_read: Option<bool>,
    pub tags: Option<Vec<TagId>>,
    /// Of the site's own fields; those that are not listed stay.
    pub fields: Vec<NewValue>,
}

/// Longest subject, in characters.
pub const SUBJECT_CHARS: usize = 256;

/// Applies the change and records what happened, one event for each kind of change.
pub fn update(
    tx: &Tx<'_>,
    by: &Actor,
    id: ConversationId,
    change: &ConversationChange,
) -> Result<Conversation> {
    let before = editable(tx, by, id)?;
    let subject =
        change.subject.as_deref().map(|subject| check_name("subject", subject, SUBJECT_CHARS)).transpose()?;
    check_references(tx, change)?.check()?;
    let fields = field::value::check(tx, &change.fields)?;

    let mut changes = field::value::set(tx, id, &fields)?;
    if let Some(subject) = &subject
        && *subject != before.subject
    {
        changes.push(Updated::new("subject", before.subject.as_str(), subject.as_str()));
    }
    if let Some(contact) = change.contact_id
        && Some(contact) != before.contact_id
    {
        changes.push(Updated::new("contactId", before.contact_id.map(|id| id.0), contact.0));
    }
    if let Some(priority) = change.priority
        && priority != before.priority
    {
        changes.push(Updated::new("priority", before.priority.name(), priority.name()));
    }
    if let Some(tags) = &change.tags
        && set_tags(tx, &before, tags)?
    {
        let after: Vec<i64> = tags.iter().map(|id| id.0).collect();
        let old: Vec<i64> = before.tags.iter().map(|id| id.0).collect();
        changes.push(Updated::new("tagIds", old, after));
    }
    let to = Assignee {
        agent: change.agent_assignee_id.unwrap_or(before.agent_assignee_id),
        department: change.department_assignee_id.unwrap_or(before.department_assignee_id),
    };
    if !changes.is_empty() || to != before.assignee() {
        tx.run(
            "UPDATE conversation SET subject = coalesce(?1, subject), contact_id = coalesce(?2, contact_id),
               priority = coalesce(?3, priority), agent_assignee_id = ?4, department_assignee_id = ?5,
               awaits_allocation = iif(?4 IS NULL, awaits_allocation, 0), last_activity_at = ?6 WHERE id = ?7",
            (subject, change.contact_id, change.priority, to.agent, to.department, tx.now(), id),
        )?;
    }
    if !changes.is_empty() {
        event::record(tx, by, id, Change::Updated { changes })?;
    }
    if to != before.assignee() {
        event::record(tx, by, id, Change::AssigneeChanged { from: before.assignee(), to })?;
    }
    if let Some(to) = change.status {
        status::set(tx, by, &before, to)?;
    }
    if let Some(is_read) = change.is_read {
        read_state::set_for_agents(tx, by, id, is_read)?;
    }
    // The caller may just have given the conversation away and no longer see it: they still get what they changed.
    let is_still_editable = super::get(tx, by, id)?.is_some_and(|conversation| conversation.is_editable);
    let after = super::get(tx, &Actor::System, id)?.ok_or_else(|| Error::not_found("conversation", id))?;
    Ok(Conversation { is_editable: is_still_editable, ..after })
}

/// Takes what is not closed from an agent or a department that goes, and records it. What is closed is history: it keeps
/// its agent, and loses its department with the department's row.
pub fn take_from(tx: &Tx<'_>, by: &Actor, gone: Assignee) -> Result<()> {
    let open: Vec<(ConversationId, Assignee)> = tx.all(
        "SELECT id, agent_assignee_id, department_assignee_id FROM conversation
         WHERE (agent_assignee_id = ? OR department_assignee_id = ?) AND status < 5 ORDER BY id",
        (gone.agent, gone.department),
        |row| Ok((row.get(0)?, Assignee { agent: row.get(1)?, department: row.get(2)? })),
    )?;
    for (id, from) in open {
        let to = Assignee {
            agent: from.agent.filter(|agent| Some(*agent) != gone.agent),
            department: from.department.filter(|department| Some(*department) != gone.department),
        };
        tx.run(
            "UPDATE conversation SET agent_assignee_id = ?, department_assignee_id = ? WHERE id = ?",
            (to.agent, to.department, id),
        )?;
        event::record(tx, by, id, Change::AssigneeChanged { from, to })?;
    }
    Ok(())
}

/// Names every id that does not exist.
pub(super) fn check_references(tx: &Tx<'_>, change: &ConversationChange) -> Result<Problems> {
    let mut problems = Problems::default();
    if let Some(Some(id)) = change.agent_assignee_id
        && !agent::is_assignable(tx, id)?
    {
        problems.add("agentAssigneeId", format!("there is no active agent {id}"));
    }
    if let Some(Some(id)) = change.department_assignee_id
        && let Some(objection) = department::objection(tx, id)?
    {
        problems.add("departmentAssigneeId", objection);
    }
    if let Some(id) = change.contact_id
        && contact::get(tx, id)?.is_none()
    {
        problems.add("contactId", format!("there is no contact {id}"));
    }
    for id in change.tags.iter().flatten() {
        if tag::get(tx, *id)?.is_none() {
            problems.add("tagIds", format!("there is no tag {id}"));
        }
    }
    Ok(problems)
}

/// Replaces the set; tells whether it was another one.
pub(super) fn set_tags(tx: &Tx<'_>, conversation: &Conversation, tags: &[TagId]) -> Result<bool> {
    let mut wanted = tags.to_vec();
    wanted.sort_unstable();
    wanted.dedup();
    if wanted == conversation.tags {
        return Ok(false);
    }
    tx.run("DELETE FROM conversation_tag WHERE conversation_id = ?", [conversation.id])?;
    for tag in wanted {
        tx.run(
            "INSERT INTO conversation_tag (conversation_id, tag_id) VALUES (?, ?)",
            (conversation.id, tag),
        )?;
    }
    Ok(true)
}
