//! Why something happened by itself, or did not: each automatic decision leaves a trace that holds everything the
//! decision depended on, so that it can be made again (`Trace::replays`). Traces go after a while.

pub mod why;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::allocation::{self, Choice};
use super::routing::{self, RoutingTrace};
use super::rule_set;
use super::site;
use super::sla::SlaTrace;
use super::trigger::TriggerTrace;
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::{AgentId, ConversationId, EmailAccountId};
use crate::time::Timestamp;
pub use why::{Why, explain};

#[derive(Debug, Clone)]
pub struct Decision {
    pub id: i64,
    pub at: Timestamp,
    pub conversation_id: ConversationId,
    pub trace: Trace,
}

/// What a decision saw and what came of it. Stored as it is serialised here: only add to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Trace {
    Routing(RoutingTrace),
    Sla(SlaTrace),
    Allocation(AllocationTrace),
    Trigger(TriggerTrace),
    Account(AccountTrace),
}

/// An e-mail account has an assignee for what arrives there, who got nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountTrace {
    pub account: EmailAccountId,
    /// Its address.
    pub email: String,
    pub agent: AgentId,
    /// Why not.
    pub skipped: String,
}

/// Who a conversation was given to, and how everybody stood.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AllocationTrace {
    pub choice: Choice,
    /// `None` when nobody had room: the conversation waits.
    pub chosen: Option<AgentId>,
}

impl Trace {
    /// The column `kind`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Routing(_) => "routing",
            Self::Sla(_) => "sla",
            Self::Allocation(_) => "allocation",
            Self::Trigger(_) => "trigger",
            Self::Account(_) => "account",
        }
    }

    /// Whether deciding again on the stored facts comes to the stored result: always, or something is broken.
    pub fn replays(&self, s: &Snapshot<'_>) -> Result<bool> {
        Ok(match self {
            Self::Routing(trace) => {
                let rules: Option<routing::Rules> = rule_set::kept(s, &trace.rules)?;
                rules.is_some_and(|rules| rules.decide(&trace.facts) == trace.verdict)
            }
            Self::Sla(trace) => trace.replays(s)?,
            Self::Allocation(trace) => allocation::pick(&trace.choice) == trace.chosen,
            Self::Trigger(trace) => trace.replays(&rule_set::kept(s, &trace.rules)?),
            // It has no conditions.
            Self::Account(_) => true,
        })
    }
}

pub fn record(tx: &Tx<'_>, conversation: ConversationId, trace: &Trace) -> Result<()> {
    let text = serde_json::to_string(trace).map_err(Error::internal)?;
    tx.insert(
        "INSERT INTO decision (at, conversation_id, kind, trace) VALUES (?, ?, ?, ?)",
        (tx.now(), conversation, trace.kind(), text),
    )?;
    Ok(())
}

/// A conversation's decisions, oldest first. The caller has made sure that it may be seen.
pub fn of_conversation(s: &Snapshot<'_>, conversation: ConversationId) -> Result<Vec<Decision>> {
    s.all(
        "SELECT id, at, conversation_id, trace FROM decision WHERE conversation_id = ? ORDER BY id",
        [conversation],
        |row| {
            let trace: String = row.get(3)?;
            let trace = serde_json::from_str(&trace).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(3, rusqlite::types::Type::Text, error.into())
            })?;
            Ok(Decision { id: row.get(0)?, at: row.get(1)?, conversation_id: row.get(2)?, trace })
        },
    )
}

/// Traces removed in one transaction.
const BATCH: i64 = 5_000;

/// Decisions from before this are gone, or will be within the hour: the site says how long they are kept.
pub fn kept_since(s: &Snapshot<'_>, now: Timestamp) -> Result<Timestamp> {
    let days = site::get(s)?.trace_retention_days;
    Ok(now.minus(Duration::from_secs(days as u64 * 24 * 3600)))
}

/// Removes old traces, some at a time; tells how many.
pub fn sweep(tx: &Tx<'_>) -> Result<usize> {
    let since = kept_since(tx, tx.now())?;
    tx.run(
        "DELETE FROM decision WHERE id IN (SELECT id FROM decision WHERE at < ? ORDER BY at LIMIT ?)",
        (since, BATCH),
    )
}
