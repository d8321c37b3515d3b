//! Rehearsals: what would draft rules have done? The conversations created in a period are replayed from the event log
//! against the rules now in force and against the draft; what differs is kept, conversation by conversation. Nothing
//! else is touched: the draft is made ready in a savepoint that is taken back.

mod draft;
mod outcome;
mod past;
pub mod replay;
mod wait;

use serde::{Deserialize, Serialize};

use super::name::Names;
use super::{Actor, Page, Paging, Permission};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::{ConversationId, RehearsalId};
use crate::time::Timestamp;

pub use draft::{Draft, RoutingDraft, SlaDraft};
pub use outcome::{Breach, Effect, Outcome, Totals};

#[derive(Debug, Clone)]
pub struct Rehearsal {
    pub id: RehearsalId,
    pub kind: Kind,
    pub from: Timestamp,
    pub to: Timestamp,
    pub state: State,
    /// Conversations of the period, and how many of them were replayed.
    pub total: i64,
    pub done: i64,
    pub totals: Totals,
    /// What rules of the draft name and is gone.
    pub warnings: Vec<String>,
    pub error: Option<String>,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Routing,
    Trigger,
    Sla,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Routing, Self::Trigger, Self::Sla];

    pub fn name(self) -> &'static str {
        match self {
            Self::Routing => "routing",
            Self::Trigger => "trigger",
            Self::Sla => "sla",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(text.trim()))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Waits, or is being replayed.
    Running,
    Done,
    Failed,
}

impl State {
    pub const ALL: [Self; 3] = [Self::Running, Self::Done, Self::Failed];

    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == text)
    }
}

/// A conversation for which the draft comes to something else.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Difference {
    pub conversation: ConversationId,
    pub subject: String,
    pub current: Outcome,
    pub draft: Outcome,
}

/// The longest period: every event of it is read, and what is older had other agents and departments to go to.
const LONGEST_DAYS: u64 = 2 * 366;
const LONGEST: std::time::Duration = std::time::Duration::from_secs(LONGEST_DAYS * 86_400);
/// How long a finished rehearsal is kept.
const KEEP: std::time::Duration = std::time::Duration::from_secs(30 * 86_400);

/// The period where none is named ends now and is so long.
pub const PERIOD: std::time::Duration = std::time::Duration::from_secs(30 * 86_400);

/// `create`, over the last days.
pub fn create_recent(tx: &Tx<'_>, by: &Actor, draft: &Draft, days: u64) -> Result<Rehearsal> {
    let span = std::time::Duration::from_secs(days.saturating_mul(86_400));
    create(tx, by, draft, tx.now().minus(span), tx.now())
}

/// Checks the draft as if it were saved, and queues the rehearsal. Needs `manageSettings`.
pub fn create(tx: &Tx<'_>, by: &Actor, draft: &Draft, from: Timestamp, to: Timestamp) -> Result<Rehearsal> {
    by.require(Permission::ManageSettings)?;
    if to < from {
        return Err(Error::invalid("timeFrom", format!("'{from}' is later than timeTo '{to}'")));
    }
    if LONGEST < to.since(from) {
        let days = to.since(from).as_secs() / 86_400;
        let message =
            format!("'{from}' makes a period of {days} days; the longest is {LONGEST_DAYS}, about two years");
        return Err(Error::invalid("timeFrom", message));
    }
    let current = draft.current(tx)?;
    let (changed, warnings) = tx.undone(|tx| {
        draft.apply(tx, by)?;
        Ok((draft.current(tx)?, draft.warnings(tx)?))
    })?;
    let warnings = serde_json::to_string(&warnings).map_err(Error::internal)?;
    let total = tx.number(
        "SELECT count(*) FROM conversation WHERE created_at BETWEEN ? AND ? AND is_deleted = 0",
        (from, to),
    )?;
    let id = RehearsalId(tx.insert(
        "INSERT INTO rehearsal (kind, from_at, to_at, current, draft, warnings, total, created_by_id, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (draft.kind().name(), from, to, current, changed, warnings, total, by.agent_id(), tx.now()),
    )?);
    require(tx, by, id)
}

/// The newest first. Needs `manageSettings`.
pub fn list(s: &Snapshot<'_>, by: &Actor) -> Result<Vec<Rehearsal>> {
    by.require(Permission::ManageSettings)?;
    s.all(&["SELECT ", COLUMNS, " FROM rehearsal ORDER BY id DESC LIMIT 50"].concat(), [], from_row)
}

/// The rehearsal, or `NotFound`.
pub fn require(s: &Snapshot<'_>, by: &Actor, id: RehearsalId) -> Result<Rehearsal> {
    by.require(Permission::ManageSettings)?;
    s.one(&["SELECT ", COLUMNS, " FROM rehearsal WHERE id = ?"].concat(), [id], from_row)?
        .ok_or_else(|| Error::not_found("rehearsal", id))
}

/// What differed, by conversation.
pub fn differences(s: &Snapshot<'_>, id: RehearsalId, paging: Paging) -> Result<Page<Difference>> {
    let total = s.number("SELECT count(*) FROM rehearsal_difference WHERE rehearsal_id = ?", [id])?;
    let items = s.all(
        "SELECT detail FROM rehearsal_difference WHERE rehearsal_id = ? ORDER BY conversation_id LIMIT ? OFFSET ?",
        (id, paging.size, paging.offset()),
        |row| {
            serde_json::from_str(row.get_ref(0)?.as_str()?).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
            })
        },
    )?;
    Ok(Page { items, total })
}

/// Every difference as CSV, one line for a conversation. No cell can become a formula.
pub fn csv(s: &Snapshot<'_>, id: RehearsalId) -> Result<String> {
    let mut text = "Conversation,Subject,Now,Draft\r\n".to_owned();
    let names = Names::new(s)?;
    let all = differences(s, id, Paging { index: 1, size: 1_000_000 })?;
    for difference in all.items {
        let cells = [
            difference.conversation.to_string(),
            cell(&difference.subject),
            cell(&difference.current.told(&names)?),
            cell(&difference.draft.told(&names)?),
        ];
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    Ok(text)
}

fn cell(text: &str) -> String {
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    ["\"", guard, &text.replace('"', "\"\""), "\""].concat()
}

/// The oldest that is not finished, with where it has come to.
pub fn next(s: &Snapshot<'_>) -> Result<Option<(RehearsalId, ConversationId)>> {
    s.one("SELECT id, last_id FROM rehearsal WHERE state = 'running' ORDER BY id LIMIT 1", [], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

/// Writes down what a step found; an empty step is the last one.
pub fn record(tx: &Tx<'_>, id: RehearsalId, step: &replay::Step) -> Result<()> {
    let Some(totals) = tx.one("SELECT totals FROM rehearsal WHERE id = ?", [id], |row| {
        Ok(serde_json::from_str::<Totals>(row.get_ref(0)?.as_str()?).unwrap_or_default())
    })?
    else {
        return Ok(());
    };
    for difference in &step.differences {
        let detail = serde_json::to_string(difference).map_err(Error::internal)?;
        tx.run(
            "INSERT OR REPLACE INTO rehearsal_difference (rehearsal_id, conversation_id, detail) VALUES (?, ?, ?)",
            (id, difference.conversation, detail),
        )?;
    }
    let totals = serde_json::to_string(&totals.plus(&step.totals)).map_err(Error::internal)?;
    match step.last {
        Some(last) => tx.run(
            "UPDATE rehearsal SET last_id = ?, done = done + ?, totals = ? WHERE id = ?",
            (last, step.count, totals, id),
        )?,
        None => tx.run(
            "UPDATE rehearsal SET state = 'done', total = done, finished_at = ? WHERE id = ?",
            (tx.now(), id),
        )?,
    };
    Ok(())
}

pub fn fail(tx: &Tx<'_>, id: RehearsalId, error: &str) -> Result<()> {
    tx.run(
        "UPDATE rehearsal SET state = 'failed', error = ?, finished_at = ? WHERE id = ?",
        (error, tx.now(), id),
    )?;
    Ok(())
}

pub fn delete(tx: &Tx<'_>, by: &Actor, id: RehearsalId) -> Result<()> {
    require(tx, by, id)?;
    tx.run("DELETE FROM rehearsal WHERE id = ?", [id])?;
    Ok(())
}

/// Removes rehearsals that are old.
pub fn sweep(tx: &Tx<'_>) -> Result<usize> {
    tx.run("DELETE FROM rehearsal WHERE created_at < ?", [tx.now().minus(KEEP)])
}

const COLUMNS: &str = "id, kind, from_at, to_at, state, total, done, totals, error, created_at, finished_at,
    warnings";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Rehearsal> {
    let unknown = || rusqlite::Error::from(rusqlite::types::FromSqlError::InvalidType);
    Ok(Rehearsal {
        id: row.get(0)?,
        kind: Kind::parse(row.get_ref(1)?.as_str()?).ok_or_else(unknown)?,
        from: row.get(2)?,
        to: row.get(3)?,
        state: State::parse(row.get_ref(4)?.as_str()?).ok_or_else(unknown)?,
        total: row.get(5)?,
        done: row.get(6)?,
        totals: serde_json::from_str(row.get_ref(7)?.as_str()?).unwrap_or_default(),
        error: row.get(8)?,
        created_at: row.get(9)?,
        finished_at: row.get(10)?,
        warnings: serde_json::from_str(row.get_ref(11)?.as_str()?).unwrap_or_default(),
    })
}
