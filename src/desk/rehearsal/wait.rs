//! The waits of a past, and which of them some SLA rules would have found too long. The same clocks as `desk::sla`
//! keeps: first answer, next answer, closed; due times are worked out with what the conversation was when a clock
//! stopped, because changes apply the policies again.

use super::past::{self, Past};
use super::replay::{Breach, Outcome};
use crate::db::Snapshot;
use crate::desk::code::Status;
use crate::desk::event::Event;
use crate::desk::sla::{Pause, Rules, Target};
use crate::error::Result;
use crate::rules::Facts;
use crate::time::Timestamp;

/// A clock that ran, and what the conversation was when it stopped, or is now.
pub struct Wait {
    target: Target,
    started_at: Timestamp,
    stopped_at: Option<Timestamp>,
    facts: Facts,
}

/// Every wait of a past, and the times at each status.
pub struct Waits {
    waits: Vec<Wait>,
    /// Status and since when.
    stays: Vec<(Status, Timestamp)>,
    facts: Facts,
}

impl Waits {
    pub fn of(s: &Snapshot<'_>, past: &Past) -> Result<Self> {
        let mut facts = past.first.clone();
        let mut waits: Vec<Wait> = Vec::new();
        let mut stays = vec![(status(&facts), past.created_at)];
        let start = |waits: &mut Vec<Wait>, target, started_at| {
            waits.push(Wait { target, started_at, stopped_at: None, facts: Facts::default() });
        };
        if !is_answered(s, past)? {
            start(&mut waits, Target::First, past.created_at);
        }
        start(&mut waits, Target::Resolve, past.created_at);
        for event in &past.events {
            let stopped: &[Target] = match (event.kind.as_str(), event.detail["newStatus"].as_str()) {
                ("replied", _) if event.actor_type == "agent" => &[Target::First, Target::Next],
                ("statusChanged", Some("closed")) => &[Target::Next, Target::Resolve],
                _ => &[],
            };
            for wait in waits.iter_mut().filter(|it| it.stopped_at.is_none() && stopped.contains(&it.target))
            {
                wait.stopped_at = Some(event.at);
                wait.facts = facts.clone();
            }
            past::step(&mut facts, event);
            let runs = |waits: &[Wait], targets: &[Target]| {
                waits.iter().any(|it| it.stopped_at.is_none() && targets.contains(&it.target))
            };
            if event.kind == "received" && !runs(&waits, &[Target::First, Target::Next]) {
                start(&mut waits, Target::Next, event.at);
            }
            if event.kind == "statusChanged" {
                stays.push((status(&facts), event.at));
                if event.detail["oldStatus"] == "closed" && !runs(&waits, &[Target::Resolve]) {
                    start(&mut waits, Target::Resolve, past.created_at);
                }
            }
        }
        Ok(Self { waits, stays, facts })
    }

    /// What the rules would have found too long by `now`.
    pub fn judge(&self, rules: &Rules, now: Timestamp) -> Outcome {
        let pauses = self.pauses(rules);
        let mut breaches = Vec::new();
        for wait in &self.waits {
            let facts = if wait.stopped_at.is_some() { &wait.facts } else { &self.facts };
            let Some(policy) = rules.decide(facts).winner.and_then(|position| rules.policies.get(position))
            else {
                continue;
            };
            let Some(minutes) = policy.minutes(wait.target) else { continue };
            let due = rules.due(policy, wait.started_at, minutes, &pauses);
            if let Some(due) = due.filter(|due| *due < wait.stopped_at.unwrap_or(now)) {
                breaches.push(Breach { target: wait.target.name().to_owned(), at: due.millis() });
            }
        }
        let policy = rules.decide(&self.facts).winner.and_then(|position| rules.policies.get(position));
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

/// What an agent opened with an answer waits for no first one.
fn is_answered(s: &Snapshot<'_>, past: &Past) -> Result<bool> {
    let by_agent = |event: &&Event| event.kind == "created" && event.actor_type == "agent";
    match past.events.iter().find(by_agent).and_then(|event| event.detail["messageId"].as_i64()) {
        Some(message) => s.exists("SELECT 1 FROM message WHERE id = ? AND type <> 'note'", [message]),
        None => Ok(false),
    }
}
