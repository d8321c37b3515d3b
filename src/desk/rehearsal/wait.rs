//! The waits of a past, and which of them some SLA rules would have found too long. The same clocks as `desk::sla`
//! keeps: first answer, next answer, closed; due times are worked out with what the conversation was when a clock
//! stopped, because changes apply the policies again.

use super::outcome::{Breach, Outcome};
use super::past::Past;
use crate::db::Snapshot;
use crate::desk::code::Status;
use crate::desk::conversation::facts;
use crate::desk::event::Event;
use crate::desk::sla::{Pause, Policy, Rules, Target};
use crate::error::Result;
use crate::rules::Facts;
use crate::time::Timestamp;

/// A clock that ran.
pub struct Wait {
    target: Target,
    started_at: Timestamp,
    stopped_at: Option<Timestamp>,
    /// What the policies had seen when it stopped.
    facts: Option<Facts>,
}

/// Every wait of a past, and the times at each status.
pub struct Waits {
    waits: Vec<Wait>,
    /// Status and since when.
    stays: Vec<(Status, Timestamp)>,
    /// What the policies saw last; `None` when there was no reason to ask them yet.
    facts: Option<Facts>,
}

impl Waits {
    pub fn of(s: &Snapshot<'_>, past: &Past) -> Result<Self> {
        let mut facts = past.first.clone();
        let mut seen = None;
        let mut waits: Vec<Wait> = Vec::new();
        let mut stays = vec![(status(&facts), past.created_at)];
        let start = |waits: &mut Vec<Wait>, target, started_at| {
            waits.push(Wait { target, started_at, stopped_at: None, facts: None });
        };
        for event in &past.events {
            let stopped: &[Target] = match (event.kind.as_str(), event.detail["newStatus"].as_str()) {
                ("replied", _) if event.actor_type == "agent" => &[Target::First, Target::Next],
                ("statusChanged", Some("closed")) => &[Target::Next, Target::Resolve],
                _ => &[],
            };
            for wait in waits.iter_mut().filter(|it| it.stopped_at.is_none() && stopped.contains(&it.target))
            {
                wait.stopped_at = Some(event.at);
                wait.facts = seen.clone();
            }
            facts::redo(s, &mut facts, event)?;
            let runs = |waits: &[Wait], targets: &[Target]| {
                waits.iter().any(|it| it.stopped_at.is_none() && targets.contains(&it.target))
            };
            let is_choice = match event.kind.as_str() {
                "created" => {
                    if !is_answered(s, event)? {
                        start(&mut waits, Target::First, past.created_at);
                    }
                    if status(&facts).is_open() {
                        start(&mut waits, Target::Resolve, past.created_at);
                    }
                    true
                }
                "received" if !runs(&waits, &[Target::First, Target::Next]) => {
                    start(&mut waits, Target::Next, event.at);
                    true
                }
                "statusChanged" => {
                    stays.push((status(&facts), event.at));
                    if event.detail["oldStatus"] == "closed" && !runs(&waits, &[Target::Resolve]) {
                        start(&mut waits, Target::Resolve, past.created_at);
                    }
                    false
                }
                "mergedInto" => {
                    waits.clear();
                    false
                }
                "assigneeChanged" | "updated" | "restored" => true,
                _ => false,
            };
            // The same as `sla::follow`: a change of the status is no reason to choose again.
            if is_choice && status(&facts).is_open() {
                seen = Some(facts.clone());
            }
        }
        Ok(Self { waits, stays, facts: seen })
    }

    /// What the rules would have found too long by `now`.
    pub fn judge(&self, rules: &Rules, now: Timestamp) -> Outcome {
        let pauses = self.pauses(rules);
        let mut breaches = Vec::new();
        for wait in &self.waits {
            let facts = if wait.stopped_at.is_some() { &wait.facts } else { &self.facts };
            let Some(policy) = chosen(rules, facts.as_ref()) else { continue };
            let Some(minutes) = policy.minutes(wait.target) else { continue };
            let due = rules.due(policy, wait.started_at, minutes, &pauses);
            if let Some(due) = due.filter(|due| *due < wait.stopped_at.unwrap_or(now)) {
                breaches.push(Breach { target: wait.target.name().to_owned(), at: due.millis() });
            }
        }
        let policy = chosen(rules, self.facts.as_ref());
        Outcome::Judged { policy: policy.map(|policy| policy.name.clone()), breaches }
    }

    fn pauses(&self, rules: &Rules) -> Vec<Pause> {
        let mut pauses: Vec<Pause> = Vec::new();
        for (status, since) in &self.stays {
            match pauses.last_mut().filter(|last| last.to.is_none()) {
                Some(open) if !rules.is_pause(*status) => open.to = Some(since.millis()),
                None if rules.is_pause(*status) => pauses.push(Pause { from: since.millis(), to: None }),
                _ => {}
            }
        }
        pauses
    }
}

fn status(facts: &Facts) -> Status {
    super::replay::status(facts).unwrap_or(Status::New)
}

fn chosen<'r>(rules: &'r Rules, facts: Option<&Facts>) -> Option<&'r Policy> {
    rules.policies.get(rules.decide(facts?).winner?)
}

/// What an agent opened with an answer waits for no first one.
fn is_answered(s: &Snapshot<'_>, created: &Event) -> Result<bool> {
    match created.detail["messageId"].as_i64().filter(|_| created.actor_type == "agent") {
        Some(message) => s.exists("SELECT 1 FROM message WHERE id = ? AND type <> 'note'", [message]),
        None => Ok(false),
    }
}
