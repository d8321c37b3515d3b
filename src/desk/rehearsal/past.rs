//! A conversation's past, from the event log: what it was when it was created, and how it became what it is.

use crate::db::Snapshot;
use crate::desk::code::Priority;
use crate::desk::conversation::facts;
use crate::desk::event::{self, Event};
use crate::error::Result;
use crate::ids::ConversationId;
use crate::rules::field as f;
use crate::rules::{Facts, Value};
use crate::time::Timestamp;

pub struct Past {
    pub id: ConversationId,
    pub subject: String,
    pub created_at: Timestamp,
    /// Before anything was decided: as routing saw it.
    pub first: Facts,
    /// The priority that was given with it.
    pub given: Option<Priority>,
    /// Oldest first, what created it included.
    pub events: Vec<Event>,
}

impl Past {
    /// What triggers saw at each event.
    pub fn seen(&self, s: &Snapshot<'_>) -> Result<Vec<Facts>> {
        let by_rules: Vec<&Event> =
            self.events.iter().filter(|event| event.detail.get("cause").is_some()).collect();
        let mut facts = self.first.clone();
        let mut seen = Vec::with_capacity(self.events.len());
        for event in &self.events {
            facts::redo(s, &mut facts, event)?;
            for later in
                by_rules.iter().filter(|later| event.id < later.id && facts::is_seen_at(event, later))
            {
                facts::redo(s, &mut facts, later)?;
            }
            seen.push(facts.clone());
        }
        Ok(seen)
    }
}

/// The next conversations of a period after `last`, by id.
pub fn next(
    s: &Snapshot<'_>,
    (from, to): (Timestamp, Timestamp),
    last: ConversationId,
    limit: i64,
) -> Result<Vec<(ConversationId, String, Timestamp)>> {
    s.all(
        "SELECT id, subject, created_at FROM conversation
         WHERE ? < id AND created_at BETWEEN ? AND ? AND is_deleted = 0 ORDER BY id LIMIT ?",
        (last, from, to, limit),
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )
}

/// What a conversation was like when it was created, without its later events; `None` for what was imported or split
/// off, which nothing routes.
pub fn first(
    s: &Snapshot<'_>,
    (id, subject, created_at): (ConversationId, String, Timestamp),
) -> Result<Option<Past>> {
    let Some(created) = event::first(s, id, "created")? else { return Ok(None) };
    match recorded(&created) {
        Some((first, given)) => {
            Ok(Some(Past { id, subject, created_at, first, given, events: vec![created] }))
        }
        None => whole(s, (id, subject, created_at)).map(Some),
    }
}

/// The whole past. Where the log does not tell the beginning (imported conversations), it is worked out backwards from
/// what the conversation is now.
pub fn whole(
    s: &Snapshot<'_>,
    (id, subject, created_at): (ConversationId, String, Timestamp),
) -> Result<Past> {
    let events = event::of_conversation(s, id)?;
    let created = events.iter().find(|event| event.kind == "created");
    let (first, given) = match created.and_then(recorded) {
        Some(recorded) => recorded,
        None => {
            let mut facts = facts::of(s, id)?.unwrap_or_default();
            for event in events.iter().rev() {
                facts::undo(s, &mut facts, event)?;
            }
            facts.set(f::TOTAL_REPLIES, [Value::Int(0)]);
            (facts, None)
        }
    };
    Ok(Past { id, subject, created_at, first, given, events })
}

fn recorded(created: &Event) -> Option<(Facts, Option<Priority>)> {
    let facts: Facts = serde_json::from_value(created.detail.get("facts")?.clone()).ok()?;
    Some((facts, created.detail["givenPriority"].as_str().and_then(Priority::parse)))
}
