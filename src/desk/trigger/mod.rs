//! Triggers (contract 16): what happens by itself when something happens to a conversation. Here the noun; `change` has
//! its verbs, `act` what it sets, `decide` which ones run, `run` runs them as a reader of the event log, `mail` sends,
//! `stay` finds conversations that stay at a status.

mod act;
pub mod change;
pub mod decide;
mod mail;
mod run;
mod stay;

use super::attachment::Attachment;
use super::code::{Status, TriggerEvent};
use super::condition::{self, Owner};
use super::{Actor, Permission, gone};
use crate::db::Snapshot;
use crate::error::{Error, Result};
use crate::ids::{AgentId, FieldId, TriggerId};
use crate::rules::{Catalogue, Formula};
use crate::time::Timestamp;

pub use act::Set;
pub use change::{NewMail, SetValue, TriggerChange};
pub use decide::{Occasion, Ready, Rules, Step, TriggerTrace};
pub use mail::{Filled, preview};
pub use run::{CONSUMER, handle, occasion};
pub use stay::{run_due, sweep};

#[derive(Debug, Clone)]
pub struct Trigger {
    pub id: TriggerId,
    pub name: String,
    pub description: String,
    pub event: TriggerEvent,
    pub is_enabled: bool,
    /// Stays that began earlier do not count.
    pub enabled_at: Timestamp,
    /// From 1: the order in which triggers run.
    pub position: i64,
    pub formula: Formula,
    /// Of `StatusIsChanged` the new status that counts, of `StaysAtStatusPeriod` the one that lasts.
    pub status: Option<Status>,
    pub span: Option<i64>,
    pub unit: Unit,
    /// Whether the mail becomes a message of the conversation.
    pub is_shown: bool,
    pub values: Vec<(FieldId, String)>,
    pub mail: Option<TriggerMail>,
}

impl Trigger {
    /// What it names and is gone: such a value is not set, such a recipient gets no mail.
    pub fn warnings(&self, s: &Snapshot<'_>, catalogue: &Catalogue) -> Result<Vec<String>> {
        let mut told = gone::of_formula(s, catalogue, &self.formula)?;
        for (field, value) in &self.values {
            if let Some(problem) = Set::new(s, *field, value)?.problem {
                let name = catalogue.get(*field).map_or("", |entry| &entry.name);
                told.push(format!("{name} is not set: '{value}' {problem}"));
            }
        }
        for id in self.mail.iter().flat_map(|mail| &mail.agents) {
            if let Some(gone) = gone::assignable(s, *id)? {
                told.push(format!("{gone}: no mail is sent to them"));
            }
        }
        Ok(told)
    }
}

#[derive(Debug, Clone)]
pub struct TriggerMail {
    pub to_contact: bool,
    pub to_assignee: bool,
    pub agents: Vec<AgentId>,
    /// These three hold placeholders.
    pub subject: String,
    pub html_body: String,
    pub text_body: String,
    pub attachments: Vec<Attachment>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Unit {
    Minutes,
    Hours,
    /// Business days.
    Days,
}

impl Unit {
    pub const ALL: [Self; 3] = [Self::Minutes, Self::Hours, Self::Days];

    pub fn name(self) -> &'static str {
        match self {
            Self::Minutes => "minutes",
            Self::Hours => "hours",
            Self::Days => "days",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.name().eq_ignore_ascii_case(text.trim()))
    }
}

/// Every trigger in order. Needs `manageSettings`.
pub fn list(s: &Snapshot<'_>, by: &Actor) -> Result<Vec<Trigger>> {
    by.require(Permission::ManageSettings)?;
    stored(s)
}

/// The trigger, or `NotFound`.
pub fn require(s: &Snapshot<'_>, by: &Actor, id: TriggerId) -> Result<Trigger> {
    by.require(Permission::ManageSettings)?;
    get(s, id)?.ok_or_else(|| Error::not_found("trigger", id))
}

fn get(s: &Snapshot<'_>, id: TriggerId) -> Result<Option<Trigger>> {
    let found = s.one(&["SELECT ", COLUMNS, " FROM trigger WHERE id = ?"].concat(), [id], from_row)?;
    found.map(|trigger| complete(s, trigger)).transpose()
}

/// Every trigger in order, whoever asks.
pub fn stored(s: &Snapshot<'_>) -> Result<Vec<Trigger>> {
    let found = s.all(&["SELECT ", COLUMNS, " FROM trigger ORDER BY position, id"].concat(), [], from_row)?;
    found.into_iter().map(|trigger| complete(s, trigger)).collect()
}

fn complete(s: &Snapshot<'_>, mut trigger: Trigger) -> Result<Trigger> {
    trigger.formula.conditions = condition::list(s, Owner::Trigger(trigger.id))?;
    trigger.values = s.all(
        "SELECT field_id, value FROM trigger_value WHERE trigger_id = ? ORDER BY position",
        [trigger.id],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    trigger.mail = s.one(
        "SELECT to_contact, to_assignee, agents, subject, html_body, text_body FROM trigger_mail WHERE trigger_id = ?",
        [trigger.id],
        |row| {
            Ok(TriggerMail {
                to_contact: row.get(0)?,
                to_assignee: row.get(1)?,
                agents: serde_json::from_str(row.get_ref(2)?.as_str()?).unwrap_or_default(),
                subject: row.get(3)?,
                html_body: row.get(4)?,
                text_body: row.get(5)?,
                attachments: Vec::new(),
            })
        },
    )?;
    if let Some(mail) = &mut trigger.mail {
        mail.attachments = super::attachment::of_trigger(s, trigger.id)?;
    }
    Ok(trigger)
}

const COLUMNS: &str =
    "id, name, description, event, is_enabled, enabled_at, position, match_when, logic_expression, status,
    span, unit, is_shown";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Trigger> {
    let formula = Formula { when: row.get(7)?, logic_expression: row.get(8)?, conditions: Vec::new() };
    Ok(Trigger {
        id: row.get(0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        event: row.get(3)?,
        is_enabled: row.get(4)?,
        enabled_at: row.get(5)?,
        position: row.get(6)?,
        formula,
        status: row.get(9)?,
        span: row.get(10)?,
        unit: Unit::parse(row.get_ref(11)?.as_str()?).ok_or(rusqlite::types::FromSqlError::InvalidType)?,
        is_shown: row.get(12)?,
        values: Vec::new(),
        mail: None,
    })
}
