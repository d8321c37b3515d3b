//! Which triggers run: pure, on facts, so that a stored decision can be made again and drafts can be tried on history.
//! All that match run, one after the other; each sees what the one before it set (contract 16.4).

use serde::{Deserialize, Serialize};

use super::act::Set;
use super::{Trigger, Unit};
use crate::db::Snapshot;
use crate::desk::code::{Status, TriggerEvent};
use crate::desk::{condition, rule_set};
use crate::error::Result;
use crate::ids::{AgentId, FieldId};
use crate::rules::field::TAG;
use crate::rules::{Facts, Moment, Predicate, eval};

/// The enabled triggers in order, ready to decide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    pub triggers: Vec<Ready>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ready {
    pub id: i64,
    pub name: String,
    pub event: TriggerEvent,
    pub status: Option<Status>,
    pub span: Option<i64>,
    pub unit: Unit,
    pub predicate: Predicate,
    pub sets: Vec<Set>,
    /// Whether there is a mail, and to whom.
    pub mails: Option<Recipients>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipients {
    pub contact: bool,
    pub assignee: bool,
    pub agents: Vec<AgentId>,
}

/// What happened, as triggers see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Occasion {
    pub event: TriggerEvent,
    /// Of a change of status the new one, of a stay the one that lasts.
    pub status: Option<Status>,
    /// Only this one trigger is asked: of a stay.
    pub only: Option<i64>,
}

/// One trigger that was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Its place in `Rules::triggers`.
    pub position: usize,
    /// What its conditions said, as `0` and `1`.
    pub results: String,
    pub fired: bool,
    /// Fields that could not be set, and why.
    pub skipped: Vec<(FieldId, String)>,
    /// Each mail and what became of it.
    pub mails: Vec<(String, String)>,
}

/// A decision with all it saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TriggerTrace {
    /// The hash of the rules.
    pub rules: String,
    pub event_id: Option<i64>,
    pub occasion: Occasion,
    /// What happened was done by a trigger: whatever matches is not run again (contract 16.4, loop guard).
    pub is_stopped: bool,
    pub facts: Facts,
    pub steps: Vec<Step>,
}

impl Rules {
    pub fn new<'t>(
        s: &Snapshot<'_>,
        moment: &Moment,
        triggers: impl IntoIterator<Item = &'t Trigger>,
    ) -> Result<Self> {
        let mut ready = Vec::new();
        for trigger in triggers.into_iter().filter(|trigger| trigger.is_enabled) {
            let sets = trigger.values.iter().map(|(field, value)| Set::new(s, *field, value));
            ready.push(Ready {
                id: trigger.id.0,
                name: trigger.name.clone(),
                event: trigger.event,
                status: trigger.status,
                span: trigger.span,
                unit: trigger.unit,
                predicate: condition::predicate(s, moment, &trigger.formula)?,
                sets: sets.collect::<Result<_>>()?,
                mails: trigger.mail.as_ref().map(|mail| Recipients {
                    contact: mail.to_contact,
                    assignee: mail.to_assignee,
                    agents: mail.agents.clone(),
                }),
            });
        }
        Ok(Self { triggers: ready })
    }

    /// The triggers that an occasion asks, with their places.
    pub fn asked(&self, occasion: Occasion) -> impl Iterator<Item = (usize, &Ready)> {
        self.triggers.iter().enumerate().filter(move |(_, trigger)| {
            trigger.event == occasion.event
                && trigger.status.is_none_or(|status| Some(status) == occasion.status)
                && occasion.only.is_none_or(|only| only == trigger.id)
        })
    }

    /// The facts that these triggers ask for or change: what a trace keeps.
    pub fn facts(&self, occasion: Occasion, facts: &Facts) -> Facts {
        let fields = self.asked(occasion).flat_map(|(_, trigger)| {
            let adds = trigger.sets.iter().map(|set| set.field).filter(|field| *field == TAG);
            trigger.predicate.fields().chain(adds)
        });
        rule_set::only(facts, fields)
    }
}

impl Ready {
    /// Whether its conditions hold, and what each says.
    pub fn matches(&self, facts: &Facts) -> (bool, String) {
        let trace = eval::explain(&self.predicate, facts);
        (trace.holds, rule_set::bits(trace.tests.iter().map(|seen| seen.holds)))
    }
}

impl TriggerTrace {
    /// Whether deciding again comes to the same.
    pub fn replays(&self, rules: &Rules) -> bool {
        let mut facts = self.facts.clone();
        let mut steps = self.steps.iter();
        for (position, trigger) in rules.asked(self.occasion) {
            let Some(step) = steps.next() else { return false };
            let (holds, results) = trigger.matches(&facts);
            if (position, &results, holds && !self.is_stopped) != (step.position, &step.results, step.fired) {
                return false;
            }
            if step.fired {
                let set = |set: &&Set| step.skipped.iter().all(|(field, _)| *field != set.field);
                trigger.sets.iter().filter(set).for_each(|set| set.apply(&mut facts));
            }
        }
        steps.next().is_none()
    }
}
