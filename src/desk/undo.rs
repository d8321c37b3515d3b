//! What an agent just did to one or many conversations in the console, and what they were before, so that it can be
//! taken back. A refusal of one conversation does not hold up the others: it is kept as a sentence.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::code::{Priority, Status};
use super::conversation::{self, Conversation, ConversationChange, trash, update};
use super::{Actor, agent};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::{AgentId, ConversationId, DepartmentId, TagId};

/// Something done, as the console tells it.
#[derive(Debug, Clone)]
pub struct Undo {
    pub id: i64,
    pub says: String,
    /// What did not work, one sentence a conversation.
    pub problems: Vec<String>,
    /// Whether there is anything to take back.
    pub is_undoable: bool,
}

/// What is done to each conversation. Absent properties stay; tags are added and taken off.
#[derive(Debug, Clone, Default)]
pub struct Action {
    pub change: ConversationChange,
    pub add_tag: Option<TagId>,
    pub remove_tag: Option<TagId>,
    pub deletes: bool,
}

/// The properties that an action changed, as they were.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Before {
    id: i64,
    status: Option<String>,
    priority: Option<String>,
    agent: Option<Option<i64>>,
    department: Option<Option<i64>>,
    tags: Option<Vec<i64>>,
    is_read: Option<bool>,
    was_deleted: bool,
}

/// How long something can be taken back.
const LIFE: Duration = Duration::from_secs(3600);

/// Does it to one conversation and tells what it was before.
pub fn act(tx: &Tx<'_>, by: &Actor, id: ConversationId, action: &Action) -> Result<Before> {
    let conversation = conversation::editable(tx, by, id)?;
    let mut change = action.change.clone();
    if action.add_tag.is_some() || action.remove_tag.is_some() {
        let mut tags: Vec<TagId> =
            conversation.tags.iter().copied().filter(|tag| Some(*tag) != action.remove_tag).collect();
        tags.extend(action.add_tag.filter(|tag| !conversation.tags.contains(tag)));
        change.tags = Some(tags);
    }
    let before = Before::of(&conversation, &change, action.deletes);
    if action.deletes {
        trash::delete(tx, by, id)?;
    } else {
        update(tx, by, id, &change)?;
    }
    Ok(before)
}

impl Before {
    fn of(conversation: &Conversation, change: &ConversationChange, was_deleted: bool) -> Self {
        Self {
            id: conversation.id.0,
            status: change.status.map(|_| conversation.status.name().to_owned()),
            priority: change.priority.map(|_| conversation.priority.name().to_owned()),
            agent: change.agent_assignee_id.map(|_| conversation.agent_assignee_id.map(|id| id.0)),
            department: change
                .department_assignee_id
                .map(|_| conversation.department_assignee_id.map(|id| id.0)),
            tags: change.tags.as_ref().map(|_| conversation.tags.iter().map(|tag| tag.0).collect()),
            is_read: change.is_read.map(|_| conversation.is_read),
            was_deleted,
        }
    }

    fn change(&self, tx: &Tx<'_>) -> Result<ConversationChange> {
        let agent = match self.agent.flatten().map(AgentId) {
            // Who has left since cannot get it back.
            Some(id) if !agent::is_assignable(tx, id)? => None,
            _ => self.agent.map(|id| id.map(AgentId)),
        };
        Ok(ConversationChange {
            status: self.status.as_deref().and_then(Status::parse),
            priority: self.priority.as_deref().and_then(Priority::parse),
            agent_assignee_id: agent,
            department_assignee_id: self.department.map(|id| id.map(DepartmentId)),
            tags: self.tags.as_ref().map(|tags| tags.iter().copied().map(TagId).collect()),
            is_read: self.is_read,
            ..ConversationChange::default()
        })
    }
}

/// Keeps what was done; gives its id.
pub fn keep(tx: &Tx<'_>, by: &Actor, says: &str, before: &[Before], problems: &[String]) -> Result<i64> {
    let Some(agent) = by.agent_id() else { return Err(Error::may_not("take things back")) };
    let json = |error| Error::internal(error);
    tx.insert(
        "INSERT INTO undo (agent_id, says, before, problems, created_at) VALUES (?, ?, ?, ?, ?)",
        (
            agent,
            says,
            serde_json::to_string(before).map_err(json)?,
            serde_json::to_string(problems).map_err(json)?,
            tx.now(),
        ),
    )
}

/// What the caller did; `None` when it is too old or somebody else's.
pub fn get(s: &Snapshot<'_>, by: &Actor, id: i64) -> Result<Option<Undo>> {
    s.one(
        "SELECT id, says, problems, before <> '[]' FROM undo WHERE id = ? AND agent_id IS ?",
        (id, by.agent_id()),
        |row| {
            Ok(Undo {
                id: row.get(0)?,
                says: row.get(1)?,
                problems: serde_json::from_str(row.get_ref(2)?.as_str()?).unwrap_or_default(),
                is_undoable: row.get(3)?,
            })
        },
    )
}

/// Takes it back and keeps what that did, which can only be told. Conversations that the caller can no longer change
/// stay as they are.
pub fn run(tx: &Tx<'_>, by: &Actor, id: i64) -> Result<i64> {
    let stored: Option<String> =
        tx.one("SELECT before FROM undo WHERE id = ? AND agent_id IS ?", (id, by.agent_id()), |row| {
            row.get(0)
        })?;
    let stored = stored.ok_or_else(|| Error::not_found("action to undo", id))?;
    let before: Vec<Before> = serde_json::from_str(&stored).map_err(Error::internal)?;
    let mut problems = Vec::new();
    for one in &before {
        let conversation = ConversationId(one.id);
        let result = match one.was_deleted {
            true => trash::restore(tx, by, conversation).map(|_| ()),
            false => one.change(tx).and_then(|change| update(tx, by, conversation, &change)).map(|_| ()),
        };
        match result {
            Ok(()) => {}
            Err(Error::Internal(cause)) => return Err(Error::Internal(cause)),
            Err(error) => problems.push(format!("#{conversation}: {error}")),
        }
    }
    tx.run("DELETE FROM undo WHERE id = ?", [id])?;
    let count = before.len() - problems.len();
    let says = match count {
        1 => "Taken back".to_owned(),
        _ => format!("Taken back in {count} conversations"),
    };
    keep(tx, by, &says, &[], &problems)
}

/// Forgets what is too old to be taken back.
pub fn sweep(tx: &Tx<'_>) -> Result<usize> {
    tx.run("DELETE FROM undo WHERE created_at < ?", [tx.now().minus(LIFE)])
}
