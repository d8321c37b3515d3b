//! The event log as others follow it: what happened since a number, as far as the caller may see it.

use rusqlite::ToSql;

use super::Actor;
use super::conversation::{VISIBLE, Visibility};
use super::event::{self, COLUMNS, Event};
use crate::db::Snapshot;
use crate::error::Result;
use crate::ids::EventId;

/// A piece of the log.
#[derive(Debug, Clone)]
pub struct Changes {
    pub events: Vec<Event>,
    /// Where to go on.
    pub next: EventId,
    pub has_more: bool,
}

/// Events looked at for one piece: who sees little of the log gets short pieces rather than slow ones.
const SPAN: i64 = 5000;

/// At most `limit` events after `since`, oldest first: those of conversations that the caller may see, deleted ones
/// included, and of conversations that are gone for good, of which only the number is left to tell.
pub fn after(s: &Snapshot<'_>, by: &Actor, since: EventId, limit: i64) -> Result<Changes> {
    let last = event::last_id(s)?;
    let end = EventId(last.0.min(since.0.saturating_add(SPAN)));
    let visibility = Visibility::of(by);
    let mut params = visibility.params();
    params.extend([(":since", &since as &dyn ToSql), (":end", &end), (":limit", &limit)]);
    let events = s.all(
        &[
            "SELECT ",
            COLUMNS,
            " FROM event WHERE id IN (SELECT e.id FROM event e LEFT JOIN conversation c ON c.id = e.conversation_id
               WHERE :since < e.id AND e.id <= :end AND (e.kind = 'erased' OR (c.id IS NOT NULL AND ",
            VISIBLE,
            ")) ORDER BY e.id LIMIT :limit) ORDER BY id",
        ]
        .concat(),
        params.as_slice(),
        event::from_row,
    )?;
    let next = match events.last() {
        Some(event) if limit <= events.len() as i64 => event.id,
        _ => end.max(since),
    };
    Ok(Changes { events, next, has_more: next < last })
}
