//! What an agent just did to one or many conversations in the console, and what they were before, so that it can be
//! taken back. A refusal of one conversation does not hold up the others: it is kept as a sentence.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::code::{Priority, Status};
use super::conversation::{self, Conversation, ConversationChange, trash, update};
use super::{Actor, Rights, agent};
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
    /// While it is still being done: how many of how many conversations are.
    pub progress: Option<(i64, i64)>,
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
    /// 0 is nobody, none: JSON cannot tell "nobody" from "not changed".
    agent: Option<i64>,
    department: Option<i64>,
    tags: Option<Vec<i64>>,
    is_read: Option<bool>,
    was_deleted: bool,
}

/// What is left of something too big for one transaction; `advance` does it step by step.
#[derive(Debug, Serialize, Deserialize)]
enum Work {
    Act { action: Stored, verb: String, ids: Vec<i64> },
    TakeBack { before: Vec<Before> },
}

/// An `Action` as it is kept; assignees as in `Before`.
#[derive(Debug, Serialize, Deserialize)]
struct Stored {
    status: Option<String>,
    priority: Option<String>,
    agent: Option<i64>,
    department: Option<i64>,
    is_read: Option<bool>,
    add_tag: Option<i64>,
    remove_tag: Option<i64>,
    deletes: bool,
}

/// How long something can be taken back.
const LIFE: Duration = Duration::from_secs(3600);
/// Conversations of one step of what is too big for one transaction.
const STEP: usize = 100;
/// Sentences about what did not work that are kept.
const PROBLEMS: usize = 50;

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
            agent: change.agent_assignee_id.map(|_| conversation.agent_assignee_id.map_or(0, |id| id.0)),
            department: change
                .department_assignee_id
                .map(|_| conversation.department_assignee_id.map_or(0, |id| id.0)),
            tags: change.tags.as_ref().map(|_| conversation.tags.iter().map(|tag| tag.0).collect()),
            is_read: change.is_read.map(|_| conversation.is_read),
            was_deleted,
        }
    }

    fn change(&self, tx: &Tx<'_>) -> Result<ConversationChange> {
        let agent = match self.agent.map(AgentId) {
            // Who has left since cannot get it back.
            Some(id) if id.0 != 0 && !agent::is_assignable(tx, id)? => None,
            known => known.map(|id| Some(id).filter(|id| id.0 != 0)),
        };
        Ok(ConversationChange {
            status: self.status.as_deref().and_then(Status::parse),
            priority: self.priority.as_deref().and_then(Priority::parse),
            agent_assignee_id: agent,
            department_assignee_id: self.department.map(|id| Some(DepartmentId(id)).filter(|id| id.0 != 0)),
            tags: self.tags.as_ref().map(|tags| tags.iter().copied().map(TagId).collect()),
            is_read: self.is_read,
            ..ConversationChange::default()
        })
    }
}

impl Stored {
    fn of(action: &Action) -> Self {
        let change = &action.change;
        Self {
            status: change.status.map(|status| status.name().to_owned()),
            priority: change.priority.map(|priority| priority.name().to_owned()),
            agent: change.agent_assignee_id.map(|id| id.map_or(0, |id| id.0)),
            department: change.department_assignee_id.map(|id| id.map_or(0, |id| id.0)),
            is_read: change.is_read,
            add_tag: action.add_tag.map(|id| id.0),
            remove_tag: action.remove_tag.map(|id| id.0),
            deletes: action.deletes,
        }
    }

    fn action(&self) -> Action {
        Action {
            change: ConversationChange {
                status: self.status.as_deref().and_then(Status::parse),
                priority: self.priority.as_deref().and_then(Priority::parse),
                agent_assignee_id: self.agent.map(|id| Some(AgentId(id)).filter(|id| id.0 != 0)),
                department_assignee_id: self
                    .department
                    .map(|id| Some(DepartmentId(id)).filter(|id| id.0 != 0)),
                is_read: self.is_read,
                ..ConversationChange::default()
            },
            add_tag: self.add_tag.map(TagId),
            remove_tag: self.remove_tag.map(TagId),
            deletes: self.deletes,
        }
    }
}

/// `3 conversations closed`.
pub fn says(count: usize, verb: &str) -> String {
    match count {
        0 => "Nothing was changed".to_owned(),
        1 => format!("1 conversation {verb}"),
        count => format!("{count} conversations {verb}"),
    }
}

/// Keeps what was done; gives its id.
pub fn keep(tx: &Tx<'_>, by: &Actor, says: &str, before: &[Before], problems: &[String]) -> Result<i64> {
    let Some(agent) = by.agent_id() else { return Err(Error::may_not("take things back")) };
    tx.insert(
        "INSERT INTO undo (agent_id, says, before, problems, total, created_at) VALUES (?, ?, ?, ?, ?, ?)",
        (agent, says, json(&before)?, json(&problems)?, before.len() as i64, tx.now()),
    )
}

/// Begins something too big for one transaction: `advance` does `action` to the conversations; `verb` as in `says`.
pub fn begin(tx: &Tx<'_>, by: &Actor, ids: &[ConversationId], action: &Action, verb: &str) -> Result<i64> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let total = ids.len();
    let work = Work::Act { action: Stored::of(action), verb: verb.to_owned(), ids };
    plan(tx, by, &work, total)
}

fn plan(tx: &Tx<'_>, by: &Actor, work: &Work, total: usize) -> Result<i64> {
    let Some(agent) = by.agent_id() else { return Err(Error::may_not("change many conversations")) };
    tx.insert(
        "INSERT INTO undo (agent_id, says, before, work, total, created_at) VALUES (?, '', '[]', ?, ?, ?)",
        (agent, json(work)?, total as i64, tx.now()),
    )
}

/// Something that waits for `advance`.
pub fn next(s: &Snapshot<'_>) -> Result<Option<i64>> {
    s.one("SELECT id FROM undo WHERE work IS NOT NULL ORDER BY id LIMIT 1", [], |row| row.get(0))
}

/// Does the next step, with the rights that its agent has now.
pub fn advance(tx: &Tx<'_>, id: i64) -> Result<()> {
    let stored: Option<(AgentId, String, String, String)> = tx.one(
        "SELECT agent_id, work, before, problems FROM undo WHERE id = ? AND work IS NOT NULL",
        [id],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
    )?;
    let Some((agent, work, before, problems)) = stored else { return Ok(()) };
    let mut before: Vec<Before> = serde_json::from_str(&before).map_err(Error::internal)?;
    let mut problems: Vec<String> = serde_json::from_str(&problems).map_err(Error::internal)?;
    let mut work: Work = serde_json::from_str(&work).map_err(Error::internal)?;
    let Some(rights) = Rights::of(tx, agent)? else {
        tx.run(
            "UPDATE undo SET work = NULL, says = 'Stopped: the agent is no longer active' WHERE id = ?",
            [id],
        )?;
        return Ok(());
    };
    let by = Actor::Agent(Arc::new(rights));
    let (left, tells) = match &mut work {
        Work::Act { action, verb, ids } => {
            let action = action.action();
            for one in ids.drain(..ids.len().min(STEP)) {
                match act(tx, &by, ConversationId(one), &action) {
                    Ok(was) => before.push(was),
                    Err(error) => problems.extend(problem(ConversationId(one), error)?),
                }
            }
            (ids.len(), says(before.len(), verb))
        }
        Work::TakeBack { before: past } => {
            for one in past.drain(..past.len().min(STEP)) {
                if let Err(error) = take_back(tx, &by, &one) {
                    problems.extend(problem(ConversationId(one.id), error)?);
                }
            }
            (past.len(), "Taken back".to_owned())
        }
    };
    problems.truncate(PROBLEMS);
    let work = if left == 0 { None } else { Some(json(&work)?) };
    tx.run(
        "UPDATE undo SET work = ?, says = ?, before = ?, problems = ?, done = total - ? WHERE id = ?",
        (work, tells, json(&before)?, json(&problems)?, left as i64, id),
    )?;
    Ok(())
}

/// A refusal as a sentence; what is our own fault is passed on.
pub fn problem(id: ConversationId, error: Error) -> Result<Option<String>> {
    match error {
        Error::Internal(_) | Error::StorageFull => Err(error),
        error => Ok(Some(format!("#{id}: {error}"))),
    }
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(Error::internal)
}

/// What the caller did; `None` when it is too old or somebody else's.
pub fn get(s: &Snapshot<'_>, by: &Actor, id: i64) -> Result<Option<Undo>> {
    s.one(
        "SELECT id, says, problems, before <> '[]', done, total, work IS NOT NULL FROM undo
         WHERE id = ? AND agent_id IS ?",
        (id, by.agent_id()),
        |row| {
            let is_running: bool = row.get(6)?;
            let has_before: bool = row.get(3)?;
            Ok(Undo {
                id: row.get(0)?,
                says: row.get(1)?,
                problems: serde_json::from_str(row.get_ref(2)?.as_str()?).unwrap_or_default(),
                is_undoable: has_before && !is_running,
                progress: if is_running { Some((row.get(4)?, row.get(5)?)) } else { None },
            })
        },
    )
}

/// Takes it back and keeps what that did, which can only be told; what was too big for one transaction is taken back by
/// `advance`. Conversations that the caller can no longer change stay as they are.
pub fn run(tx: &Tx<'_>, by: &Actor, id: i64) -> Result<i64> {
    let stored: Option<String> = tx.one(
        "SELECT before FROM undo WHERE id = ? AND agent_id IS ? AND work IS NULL",
        (id, by.agent_id()),
        |row| row.get(0),
    )?;
    let stored = stored.ok_or_else(|| Error::not_found("action to undo", id))?;
    let before: Vec<Before> = serde_json::from_str(&stored).map_err(Error::internal)?;
    tx.run("DELETE FROM undo WHERE id = ?", [id])?;
    if STEP < before.len() {
        let total = before.len();
        return plan(tx, by, &Work::TakeBack { before }, total);
    }
    let mut problems = Vec::new();
    for one in &before {
        if let Err(error) = take_back(tx, by, one) {
            problems.extend(problem(ConversationId(one.id), error)?);
        }
    }
    let says = match before.len() - problems.len() {
        1 => "Taken back".to_owned(),
        count => format!("Taken back in {count} conversations"),
    };
    keep(tx, by, &says, &[], &problems)
}

fn take_back(tx: &Tx<'_>, by: &Actor, before: &Before) -> Result<()> {
    let conversation = ConversationId(before.id);
    match before.was_deleted {
        true => trash::restore(tx, by, conversation).map(|_| ()),
        false => before.change(tx).and_then(|change| update(tx, by, conversation, &change)).map(|_| ()),
    }
}

/// Forgets what is too old to be taken back.
pub fn sweep(tx: &Tx<'_>) -> Result<usize> {
    tx.run("DELETE FROM undo WHERE work IS NULL AND created_at < ?", [tx.now().minus(LIFE)])
}
