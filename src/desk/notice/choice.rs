//! Which notices reach an agent, and how: in the console, by the browser, by mail. Who chose nothing has the defaults.

use super::Kind;
use crate::db::{Snapshot, Tx};
use crate::desk::Actor;
use crate::error::{Error, Result};
use crate::ids::AgentId;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    pub kind: Kind,
    pub in_page: bool,
    /// Only where the browser was allowed to as well.
    pub in_browser: bool,
    pub by_mail: bool,
}

impl Choice {
    /// What everybody starts with: all of it, but no mail about what an overdue one will tell soon enough.
    pub fn default_of(kind: Kind) -> Self {
        let is_about_mail = kind == Kind::AccountFailing;
        Self { kind, in_page: !is_about_mail, in_browser: !is_about_mail, by_mail: kind != Kind::SlaNear }
    }

    /// Whether there is anything but mail to choose: an account is nothing that pages follow.
    pub fn is_live(&self) -> bool {
        self.kind != Kind::AccountFailing
    }
}

/// Each kind, in order.
pub fn all(s: &Snapshot<'_>, agent: AgentId) -> Result<Vec<Choice>> {
    Kind::ALL.into_iter().map(|kind| of(s, agent, kind)).collect()
}

pub fn of(s: &Snapshot<'_>, agent: AgentId, kind: Kind) -> Result<Choice> {
    let stored = s.one(
        "SELECT in_page, in_browser, by_mail FROM notice_choice WHERE agent_id = ? AND kind = ?",
        (agent, kind.name()),
        |row| Ok(Choice { kind, in_page: row.get(0)?, in_browser: row.get(1)?, by_mail: row.get(2)? }),
    )?;
    Ok(stored.unwrap_or_else(|| Choice::default_of(kind)))
}

/// An agent sets their own. An account that fails is told by mail only.
pub fn set(tx: &Tx<'_>, by: &Actor, choices: &[Choice]) -> Result<()> {
    let Some(agent) = by.agent_id() else { return Err(Error::may_not("be notified")) };
    for choice in choices {
        if !choice.is_live() && (choice.in_page || choice.in_browser) {
            let message = format!("'{}' is told by mail only", choice.kind.name());
            return Err(Error::invalid("noticeChoices", message));
        }
        tx.run(
            "INSERT INTO notice_choice (agent_id, kind, in_page, in_browser, by_mail) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (agent_id, kind) DO UPDATE SET in_page = ?3, in_browser = ?4, by_mail = ?5",
            (agent, choice.kind.name(), choice.in_page, choice.in_browser, choice.by_mail),
        )?;
    }
    Ok(())
}
