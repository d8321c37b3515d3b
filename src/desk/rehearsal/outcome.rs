//! What rules come to for one conversation, as people read it, and summed up.

use serde::{Deserialize, Serialize};

use crate::desk::code::TriggerEvent;
use crate::desk::name::Names;
use crate::error::Result;
use crate::ids::FieldId;
use crate::time::Timestamp;

/// What rules come to for one conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    Routed {
        agent: Option<i64>,
        department: Option<i64>,
        /// The contract's name.
        priority: String,
        /// What decided: the rule's name, or `simple`, `matchFailed`, `off`, `given`.
        by: String,
    },
    Triggered(Vec<Effect>),
    Judged {
        /// The policy that applies at the end.
        policy: Option<String>,
        breaches: Vec<Breach>,
    },
}

/// A target that is missed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Breach {
    /// `firstRespond`, `nextRespond` or `resolve`.
    pub target: String,
    /// When, in milliseconds.
    pub at: i64,
}

impl Outcome {
    /// Another rule that comes to the same is no difference.
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::Routed { agent, department, priority, .. },
                Self::Routed { agent: new_agent, department: new_department, priority: new_priority, .. },
            ) => (agent, department, priority) == (new_agent, new_department, new_priority),
            (Self::Judged { breaches, .. }, Self::Judged { breaches: new, .. }) => breaches == new,
            (one, other) => one == other,
        }
    }

    /// As people read it.
    pub fn told(&self, names: &Names<'_, '_>) -> Result<String> {
        match self {
            Self::Routed { agent, department, priority, by } => {
                let department = department.map(|id| names.department(id)).transpose()?;
                let agent = agent.map(|id| names.agent(id)).transpose()?;
                let to = match (department, agent) {
                    (None, None) => "nobody".to_owned(),
                    (department, agent) => department.into_iter().chain(agent).collect::<Vec<_>>().join(", "),
                };
                Ok(format!("{to}, {priority} ({by})"))
            }
            Self::Judged { policy, breaches } => {
                let policy = policy.as_deref().unwrap_or("no policy").to_owned();
                let missed = breaches.iter().map(|breach| {
                    format!("{} missed at {}", breach.target, Timestamp::from_millis(breach.at))
                });
                Ok([policy].into_iter().chain(missed).collect::<Vec<_>>().join("; "))
            }
            Self::Triggered(effects) if effects.is_empty() => Ok("nothing".to_owned()),
            Self::Triggered(effects) => {
                let told = effects.iter().map(|effect| effect.told(names)).collect::<Result<Vec<_>>>();
                Ok(told?.join("; "))
            }
        }
    }
}

/// What one trigger does at one event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Effect {
    /// Milliseconds.
    pub at: i64,
    pub event: TriggerEvent,
    pub trigger: String,
    /// Fields and what they are set to.
    pub sets: Vec<(i64, String)>,
    /// `contact`, `assignee`, `agent 7`.
    pub mails: Vec<String>,
}

impl Effect {
    fn told(&self, names: &Names<'_, '_>) -> Result<String> {
        let mut parts = Vec::new();
        for (field, value) in &self.sets {
            let field = FieldId(*field);
            parts.push(format!("{} set to “{}”", names.field(field), names.written(field, value)?));
        }
        for to in &self.mails {
            let agent = to.strip_prefix("agent ").and_then(|id| id.parse().ok());
            let to = agent.map_or_else(|| Ok(format!("the {to}")), |id| names.agent(id))?;
            parts.push(format!("mail to {to}"));
        }
        Ok(format!("{} at {}: {}", self.trigger, Timestamp::from_millis(self.at), parts.join(", ")))
    }
}

/// Sums over the conversations of a rehearsal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Conversations that differ.
    pub differing: i64,
    /// Routing: with another agent or department; with another priority.
    pub routed_elsewhere: i64,
    pub other_priority: i64,
    /// Triggers: mails that would be sent and are not, and the other way round; the same for values.
    pub mails_more: i64,
    pub mails_fewer: i64,
    pub values_more: i64,
    pub values_fewer: i64,
    /// SLA: breaches that would happen and did not, and the other way round.
    #[serde(default)]
    pub breaches_more: i64,
    #[serde(default)]
    pub breaches_fewer: i64,
}

impl Totals {
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            differing: self.differing + other.differing,
            routed_elsewhere: self.routed_elsewhere + other.routed_elsewhere,
            other_priority: self.other_priority + other.other_priority,
            mails_more: self.mails_more + other.mails_more,
            mails_fewer: self.mails_fewer + other.mails_fewer,
            values_more: self.values_more + other.values_more,
            values_fewer: self.values_fewer + other.values_fewer,
            breaches_more: self.breaches_more + other.breaches_more,
            breaches_fewer: self.breaches_fewer + other.breaches_fewer,
        }
    }

    pub(super) fn add(&mut self, current: &Outcome, draft: &Outcome) {
        self.differing += 1;
        match (current, draft) {
            (
                Outcome::Routed { agent, department, priority, .. },
                Outcome::Routed {
                    agent: new_agent, department: new_department, priority: new_priority, ..
                },
            ) => {
                self.routed_elsewhere += i64::from((agent, department) != (new_agent, new_department));
                self.other_priority += i64::from(priority != new_priority);
            }
            (Outcome::Triggered(current), Outcome::Triggered(draft)) => {
                let mails = |effects: &[Effect]| effects.iter().map(|effect| effect.mails.len() as i64).sum();
                let values = |effects: &[Effect]| effects.iter().map(|effect| effect.sets.len() as i64).sum();
                let (old, new): (i64, i64) = (mails(current), mails(draft));
                self.mails_more += (new - old).max(0);
                self.mails_fewer += (old - new).max(0);
                let (old, new): (i64, i64) = (values(current), values(draft));
                self.values_more += (new - old).max(0);
                self.values_fewer += (old - new).max(0);
            }
            (Outcome::Judged { breaches: current, .. }, Outcome::Judged { breaches: draft, .. }) => {
                let missing = |of: &[Breach], from: &[Breach]| {
                    from.iter().filter(|breach| !of.contains(breach)).count() as i64
                };
                self.breaches_more += missing(current, draft);
                self.breaches_fewer += missing(draft, current);
            }
            _ => {}
        }
    }
}
