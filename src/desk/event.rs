//! The log of what happened to conversations: history, and the queue that triggers, webhooks and live pages read.
//! A row is written in the transaction of the change it tells of; its id is the order.

use serde_json::{Value, json};

use super::Actor;
use super::code::{Priority, Status};
use super::routing::Routed;
use super::sla;
use crate::db::{Snapshot, Tx};
use crate::error::Result;
use crate::ids::{AgentId, ConversationId, DepartmentId, EventId, MessageId};
use crate::rules::Facts;
use crate::time::Timestamp;

#[derive(Debug, Clone)]
pub struct Event {
    pub id: EventId,
    pub at: Timestamp,
    pub actor_type: String,
    pub actor_id: Option<i64>,
    pub conversation_id: ConversationId,
    pub kind: String,
    pub detail: Value,
    pub depth: i64,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Change {
    /// With what routing saw and what it set: rules can be tried on it later.
    Created {
        message: MessageId,
        facts: Facts,
        /// The priority that was asked for.
        given: Option<Priority>,
        routed: Routed,
    },
    /// A contact wrote, by mail or in the portal.
    Received {
        message: MessageId,
    },
    /// An agent answered.
    Replied {
        message: MessageId,
    },
    Noted {
        message: MessageId,
    },
    /// The writer of a note changed it.
    NoteEdited {
        message: MessageId,
    },
    StatusChanged {
        from: Status,
        to: Status,
    },
    AssigneeChanged {
        from: Assignee,
        to: Assignee,
    },
    /// Other properties.
    Updated {
        changes: Vec<Updated>,
    },
    Read,
    Unread,
    /// Moved to the recycle bin.
    Deleted,
    Restored,
    /// A draft is there now, or by somebody else than before.
    DraftSaved,
    /// It was thrown away, or sent.
    DraftDeleted,
    /// Everything of `source` is here now; `message` is the note that says so.
    MergedFrom {
        source: ConversationId,
        message: MessageId,
    },
    MergedInto {
        target: ConversationId,
    },
    /// Messages went into a new conversation; and that one's beginning.
    SplitInto {
        target: ConversationId,
        messages: Vec<MessageId>,
    },
    SplitFrom {
        source: ConversationId,
        messages: Vec<MessageId>,
    },
    /// A message went from one conversation to another; recorded in both.
    MessageMoved {
        message: MessageId,
        source: ConversationId,
        target: ConversationId,
    },
    /// A message was passed on by mail to somebody else.
    Forwarded {
        message: MessageId,
        original: MessageId,
    },
    /// A mail was taken back before it left; its message is a draft again.
    MailUndone {
        message: MessageId,
    },
    /// An old mail was taken over from an archive. Nobody acts on it.
    Imported {
        message: MessageId,
    },
    Snoozed {
        until: Option<Timestamp>,
    },
    /// The time came, the contact wrote, or somebody did not want to wait.
    Woken,
    /// Gone for good; the only event of the conversation that remains.
    Erased,
    /// A mail reached every recipient, or can no longer.
    MailSent {
        message: MessageId,
    },
    /// Somebody had a mail that failed or waited sent again.
    MailResent {
        message: MessageId,
    },
    MailFailed {
        message: MessageId,
        error: String,
    },
    /// A target was missed (contract 18.4); `target` is `firstRespond`, `nextRespond` or `resolve`.
    SlaBreached {
        target: &'static str,
        due_at: Timestamp,
        policy: Option<String>,
    },
    /// A target will be missed soon.
    SlaNear {
        target: &'static str,
        due_at: Timestamp,
    },
    /// Something a rule did that no other event tells of, such as mail it sent.
    Automated {
        remark: String,
    },
    /// Something the system wants agents to know about a message, for example files that did not fit.
    Remarked {
        message: MessageId,
        remark: String,
    },
}

/// One property that changed: its contract name, what it was and what it is. With both, any moment's state can be
/// worked out from the log.
#[derive(Debug, Clone)]
pub struct Updated {
    pub field: String,
    pub old: Value,
    pub new: Value,
}

impl Updated {
    pub fn new(field: &str, old: impl Into<Value>, new: impl Into<Value>) -> Self {
        Self { field: field.to_owned(), old: old.into(), new: new.into() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignee {
    pub agent: Option<AgentId>,
    pub department: Option<DepartmentId>,
}

impl Change {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Created { .. } => "created",
            Self::Received { .. } => "received",
            Self::Replied { .. } => "replied",
            Self::Noted { .. } => "noted",
            Self::NoteEdited { .. } => "noteEdited",
            Self::StatusChanged { .. } => "statusChanged",
            Self::AssigneeChanged { .. } => "assigneeChanged",
            Self::Updated { .. } => "updated",
            Self::Read => "read",
            Self::Unread => "unread",
            Self::Deleted => "deleted",
            Self::Restored => "restored",
            Self::DraftSaved => "draftSaved",
            Self::DraftDeleted => "draftDeleted",
            Self::MergedFrom { .. } => "mergedFrom",
            Self::MergedInto { .. } => "mergedInto",
            Self::SplitInto { .. } => "splitInto",
            Self::SplitFrom { .. } => "splitFrom",
            Self::MessageMoved { .. } => "messageMoved",
            Self::Forwarded { .. } => "forwarded",
            Self::MailUndone { .. } => "mailUndone",
            Self::Snoozed { .. } => "snoozed",
            Self::Woken => "woken",
            Self::Imported { .. } => "imported",
            Self::Erased => "erased",
            Self::MailSent { .. } => "mailSent",
            Self::MailFailed { .. } => "mailFailed",
            Self::MailResent { .. } => "mailResent",
            Self::SlaBreached { .. } => "slaBreached",
            Self::SlaNear { .. } => "slaNear",
            Self::Automated { .. } => "automated",
            Self::Remarked { .. } => "remarked",
        }
    }

    fn detail(&self) -> Value {
        match self {
            Self::Created { message, facts, given, routed } => json!({
                "messageId": message,
                "facts": facts,
                "givenPriority": given.map(Priority::name),
                "routed": {
                    "agentAssigneeId": routed.agent,
                    "departmentAssigneeId": routed.department,
                    "priority": routed.priority.map(Priority::name),
                },
            }),
            Self::Received { message }
            | Self::Replied { message }
            | Self::Noted { message }
            | Self::NoteEdited { message }
            | Self::MailResent { message }
            | Self::MailUndone { message }
            | Self::Imported { message }
            | Self::MailSent { message } => json!({ "messageId": message }),
            Self::MailFailed { message, error } => json!({ "messageId": message, "error": error }),
            Self::SlaNear { target, due_at } => json!({ "target": target, "dueAt": due_at }),
            Self::SlaBreached { target, due_at, policy } => {
                json!({ "target": target, "dueAt": due_at, "policy": policy })
            }
            Self::Automated { remark } => json!({ "remark": remark }),
            Self::Remarked { message, remark } => json!({ "messageId": message, "remark": remark }),
            Self::StatusChanged { from, to } => json!({ "oldStatus": from.name(), "newStatus": to.name() }),
            Self::AssigneeChanged { from, to } => json!({
                "oldAgentAssigneeId": from.agent,
                "newAgentAssigneeId": to.agent,
                "oldDepartmentAssigneeId": from.department,
                "newDepartmentAssigneeId": to.department,
            }),
            Self::Updated { changes } => {
                let fields: Vec<&str> = changes.iter().map(|change| change.field.as_str()).collect();
                let values = |value: fn(&Updated) -> &Value| -> serde_json::Map<String, Value> {
                    changes.iter().map(|change| (change.field.clone(), value(change).clone())).collect()
                };
                json!({ "fields": fields, "old": values(|change| &change.old), "new": values(|change| &change.new) })
            }
            Self::MergedFrom { source, message } => json!({ "sourceId": source, "messageId": message }),
            Self::MergedInto { target } => json!({ "targetId": target }),
            Self::SplitInto { target, messages } => json!({ "targetId": target, "messageIds": messages }),
            Self::SplitFrom { source, messages } => json!({ "sourceId": source, "messageIds": messages }),
            Self::MessageMoved { message, source, target } => {
                json!({ "messageId": message, "sourceId": source, "targetId": target })
            }
            Self::Forwarded { message, original } => json!({ "messageId": message, "originalId": original }),
            Self::Snoozed { until } => json!({ "until": until }),
            Self::Read
            | Self::Unread
            | Self::Deleted
            | Self::Restored
            | Self::DraftSaved
            | Self::DraftDeleted
            | Self::Woken
            | Self::Erased => json!({}),
        }
    }
}

/// Writes the event, and lets the SLA clocks follow. Every change to a conversation calls this in its own transaction. What a rule does names the rule.
pub fn record(tx: &Tx<'_>, by: &Actor, conversation: ConversationId, change: Change) -> Result<EventId> {
    let mut detail = change.detail();
    let mut depth = 0;
    if let Some(cause) = by.cause() {
        detail["cause"] =
            json!({ "kind": cause.kind, "id": cause.id, "name": cause.name, "eventId": cause.event });
        depth = cause.depth;
    }
    let id = tx.insert(
        "INSERT INTO event (at, actor_type, actor_id, conversation_id, kind, detail, depth)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        (tx.now(), by.kind(), by.id(), conversation, change.kind(), detail.to_string(), depth),
    )?;
    sla::follow(tx, by, conversation, &change)?;
    Ok(EventId(id))
}

/// Events after `cursor`, oldest first.
pub fn after(s: &Snapshot<'_>, cursor: EventId, limit: i64) -> Result<Vec<Event>> {
    s.all(
        &["SELECT ", COLUMNS, " FROM event WHERE ? < id ORDER BY id LIMIT ?"].concat(),
        (cursor, limit),
        from_row,
    )
}

/// The first event of this kind of a conversation.
pub fn first(s: &Snapshot<'_>, conversation: ConversationId, kind: &str) -> Result<Option<Event>> {
    s.one(
        &["SELECT ", COLUMNS, " FROM event WHERE conversation_id = ? AND kind = ? ORDER BY id LIMIT 1"]
            .concat(),
        (conversation, kind),
        from_row,
    )
}

/// What happened to a conversation after an event, oldest first.
pub fn since(s: &Snapshot<'_>, conversation: ConversationId, event: EventId) -> Result<Vec<Event>> {
    s.all(
        &["SELECT ", COLUMNS, " FROM event WHERE conversation_id = ? AND ? < id ORDER BY id"].concat(),
        (conversation, event),
        from_row,
    )
}

/// A conversation's history, oldest first.
pub fn of_conversation(s: &Snapshot<'_>, conversation: ConversationId) -> Result<Vec<Event>> {
    s.all(
        &["SELECT ", COLUMNS, " FROM event WHERE conversation_id = ? ORDER BY id"].concat(),
        [conversation],
        from_row,
    )
}

pub fn get(s: &Snapshot<'_>, id: EventId) -> Result<Option<Event>> {
    s.one(&["SELECT ", COLUMNS, " FROM event WHERE id = ?"].concat(), [id], from_row)
}

/// The number of the last thing that happened to a conversation.
pub fn last_of(s: &Snapshot<'_>, conversation: ConversationId) -> Result<EventId> {
    Ok(EventId(s.number("SELECT max(id) FROM event WHERE conversation_id = ?", [conversation])?))
}

pub fn last_id(s: &Snapshot<'_>) -> Result<EventId> {
    Ok(EventId(s.number("SELECT max(id) FROM event", [])?))
}

/// How far `consumer` has read; a new consumer starts at the end of the log.
pub fn cursor(tx: &Tx<'_>, consumer: &str) -> Result<EventId> {
    if let Some(id) =
        tx.one("SELECT event_id FROM cursor WHERE consumer = ?", [consumer], |row| row.get(0))?
    {
        return Ok(id);
    }
    let end = last_id(tx)?;
    advance(tx, consumer, end)?;
    Ok(end)
}

/// Moves the cursor, in the transaction of what the consumer did for the events up to `to`.
pub fn advance(tx: &Tx<'_>, consumer: &str, to: EventId) -> Result<()> {
    tx.run(
        "INSERT INTO cursor (consumer, event_id) VALUES (?1, ?2)
         ON CONFLICT (consumer) DO UPDATE SET event_id = max(event_id, ?2)",
        (consumer, to),
    )?;
    Ok(())
}

pub(super) const COLUMNS: &str = "id, at, actor_type, actor_id, conversation_id, kind, detail, depth";

pub(super) fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        id: row.get(0)?,
        at: row.get(1)?,
        actor_type: row.get(2)?,
        actor_id: row.get(3)?,
        conversation_id: row.get(4)?,
        kind: row.get(5)?,
        detail: serde_json::from_str(&row.get::<_, String>(6)?).unwrap_or(Value::Null),
        depth: row.get(7)?,
    })
}
