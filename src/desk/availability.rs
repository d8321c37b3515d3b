//! Whether agents are there and take conversations (contract 3.3). Being online needs a sign of life: an open console
//! or a status that was just set. Whoever becomes available may be given what waits.

use std::time::Duration;

use super::{Actor, Permission, agent, allocation};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::AgentId;
use crate::time::Timestamp;

#[derive(Debug, Clone)]
pub struct Availability {
    pub agent_id: AgentId,
    pub presence: Presence,
    pub is_accepting: bool,
    /// The agent's own limit; it counts where there is no common one. 0 is none.
    pub max_conversations: i64,
    /// Conversations that count against the limit.
    pub ongoing: i64,
}

impl Availability {
    /// The contract's `ticketStatus`.
    pub fn is_available(&self) -> bool {
        self.presence == Presence::Online && self.is_accepting
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    Online,
    Away,
    Offline,
}

impl Presence {
    pub const ALL: [Self; 3] = [Self::Online, Self::Away, Self::Offline];

    pub fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Away => "away",
            Self::Offline => "offline",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|presence| presence.name().eq_ignore_ascii_case(text.trim()))
    }

    /// What an agent chose, seen at `seen`, amounts to at `now`.
    pub fn at(self, seen: Option<Timestamp>, now: Timestamp) -> Self {
        match seen {
            Some(seen) if now.since(seen) < PATIENCE => self,
            _ => Self::Offline,
        }
    }
}

/// `None` leaves a property alone.
#[derive(Debug, Clone, Default)]
pub struct AvailabilityChange {
    pub presence: Option<Presence>,
    pub is_accepting: Option<bool>,
    pub max_conversations: Option<i64>,
}

/// Without a sign of life for this long an agent is offline.
pub const PATIENCE: Duration = Duration::from_secs(300);
/// A sign of life is written at most this often.
const SEEN_EVERY: Duration = Duration::from_secs(60);
/// The largest limit.
pub const MOST_CONVERSATIONS: i64 = 100_000;

/// How the agent stands at `now`; one who was never seen is offline and accepting.
pub fn get(s: &Snapshot<'_>, agent: AgentId, now: Timestamp) -> Result<Availability> {
    let stored = s.one(
        "SELECT status, seen_at, is_accepting, max_conversations FROM agent_availability WHERE agent_id = ?",
        [agent],
        |row| {
            let chosen = Presence::parse(row.get_ref(0)?.as_str()?).unwrap_or(Presence::Offline);
            Ok((chosen.at(row.get(1)?, now), row.get(2)?, row.get(3)?))
        },
    )?;
    let (presence, is_accepting, max_conversations) = stored.unwrap_or((Presence::Offline, true, 20));
    let ongoing = allocation::load(s, agent)?;
    Ok(Availability { agent_id: agent, presence, is_accepting, max_conversations, ongoing })
}

/// An agent may change their own presence and whether they accept conversations; the limit, and other agents, need
/// `manageAgentAndRoles`. Setting a presence is a sign of life.
pub fn update(tx: &Tx<'_>, by: &Actor, id: AgentId, change: &AvailabilityChange) -> Result<Availability> {
    if by.agent_id() != Some(id) || change.max_conversations.is_some() {
        by.require(Permission::ManageAgents)?;
    }
    agent::require(tx, id)?;
    store(tx, id, change)?;
    allocation::serve(tx)?;
    get(tx, id, tx.now())
}

/// Writes the change without giving anything to anybody.
pub(super) fn store(tx: &Tx<'_>, id: AgentId, change: &AvailabilityChange) -> Result<()> {
    if let Some(limit) = change.max_conversations
        && !(0..=MOST_CONVERSATIONS).contains(&limit)
    {
        let message = format!("must be between 0 and {MOST_CONVERSATIONS}, not {limit}");
        return Err(Error::invalid("maxConcurrentCount", message));
    }
    let seen_at = change.presence.map(|_| tx.now());
    tx.run(
        "INSERT INTO agent_availability (agent_id, status, seen_at, is_accepting, max_conversations)
         VALUES (?1, coalesce(?2, 'online'), ?3, coalesce(?4, 1), coalesce(?5, 20))
         ON CONFLICT (agent_id) DO UPDATE SET status = coalesce(?2, status), seen_at = coalesce(?3, seen_at),
           is_accepting = coalesce(?4, is_accepting), max_conversations = coalesce(?5, max_conversations)",
        (id, change.presence.map(Presence::name), seen_at, change.is_accepting, change.max_conversations),
    )?;
    Ok(())
}

/// Whether a sign of life is worth writing: the cheap question before `heartbeat`.
pub fn wants_heartbeat(s: &Snapshot<'_>, agent: AgentId, now: Timestamp) -> Result<bool> {
    let is_fresh = s.exists(
        "SELECT 1 FROM agent_availability WHERE agent_id = ? AND ? < seen_at",
        (agent, now.minus(SEEN_EVERY)),
    )?;
    Ok(!is_fresh)
}

/// The agent's console is open. Who was taken to be offline for want of a sign may be given what waits.
pub fn heartbeat(tx: &Tx<'_>, agent: AgentId) -> Result<()> {
    let was = get(tx, agent, tx.now())?.presence;
    tx.run(
        "INSERT INTO agent_availability (agent_id, seen_at) VALUES (?1, ?2)
         ON CONFLICT (agent_id) DO UPDATE SET seen_at = ?2",
        (agent, tx.now()),
    )?;
    if was == Presence::Offline {
        allocation::serve(tx)?;
    }
    Ok(())
}
