//! How the console behaves for an agent: what comes after sending, how dense lists are, whether single keys act.

use super::Actor;
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::AgentId;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preference {
    pub after_send: AfterSend,
    pub is_compact: bool,
    /// Single keys act: people who use a screen reader switch them off.
    pub has_keys: bool,
}

impl Default for Preference {
    fn default() -> Self {
        Self { after_send: AfterSend::Stay, is_compact: false, has_keys: true }
    }
}

/// Where the console goes once an answer is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterSend {
    Stay,
    Next,
    Back,
}

impl AfterSend {
    pub const ALL: [Self; 3] = [Self::Stay, Self::Next, Self::Back];

    pub fn name(self) -> &'static str {
        match self {
            Self::Stay => "stay",
            Self::Next => "next",
            Self::Back => "back",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == text)
    }
}

/// The agent's preference, or what everybody starts with.
pub fn get(s: &Snapshot<'_>, agent: AgentId) -> Result<Preference> {
    let stored = s.one(
        "SELECT after_send, is_compact, has_keys FROM preference WHERE agent_id = ?",
        [agent],
        |row| {
            Ok(Preference {
                after_send: AfterSend::parse(row.get_ref(0)?.as_str()?).unwrap_or(AfterSend::Stay),
                is_compact: row.get(1)?,
                has_keys: row.get(2)?,
            })
        },
    )?;
    Ok(stored.unwrap_or_default())
}

/// An agent sets their own.
pub fn set(tx: &Tx<'_>, by: &Actor, wanted: &Preference) -> Result<()> {
    let Some(agent) = by.agent_id() else { return Err(Error::may_not("have a console")) };
    tx.run(
        "INSERT INTO preference (agent_id, after_send, is_compact, has_keys) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (agent_id) DO UPDATE SET after_send = ?2, is_compact = ?3, has_keys = ?4",
        (agent, wanted.after_send.name(), wanted.is_compact, wanted.has_keys),
    )?;
    Ok(())
}
