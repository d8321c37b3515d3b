//! Replaying pasts against two sets of rules. A step replays some conversations and says what differed; it only reads.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::past::{self, Past};
use super::wait::Waits;
use super::{Difference, Kind};
use crate::db::Snapshot;
use crate::desk::code::{Status, TriggerEvent};
use crate::desk::routing::{self, Object, Target, Winner};
use crate::desk::trigger::{self, Occasion, Ready, Unit};
use crate::desk::working_time::{self, Calendar};
use crate::desk::{gone, sla};
use crate::error::{Error, Result};
use crate::ids::{ConversationId, RehearsalId};
use crate::rules::field as f;
use crate::rules::{Facts, Value};
use crate::time::Timestamp;

/// What rules come to for one conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Outcome {
    Routed {
        agent: Option<i64>,
        department: Option<i64>,
        /// The contract's name.
        priority: String,
        /// What decided: the rule's name, or `simple`, `matchFailed`, `off`.
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

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Routed { agent, department, priority, by } => {
                match (department, agent) {
                    (None, None) => f.write_str("nobody")?,
                    (Some(department), None) => write!(f, "department {department}")?,
                    (None, Some(agent)) => write!(f, "agent {agent}")?,
                    (Some(department), Some(agent)) => write!(f, "department {department}, agent {agent}")?,
                }
                write!(f, ", {priority} ({by})")
            }
            Self::Judged { policy, breaches } => {
                write!(f, "{}", policy.as_deref().unwrap_or("no policy"))?;
                for breach in breaches {
                    write!(f, "; {} missed at {}", breach.target, Timestamp::from_millis(breach.at))?;
                }
                Ok(())
            }
            Self::Triggered(effects) if effects.is_empty() => f.write_str("nothing"),
            Self::Triggered(effects) => {
                for (index, effect) in effects.iter().enumerate() {
                    let separator = if index == 0 { "" } else { "; " };
                    write!(f, "{separator}{} at {}:", effect.trigger, Timestamp::from_millis(effect.at))?;
                    for (field, value) in &effect.sets {
                        write!(f, " field {field} = {value}")?;
                    }
                    for to in &effect.mails {
                        write!(f, " mail to {to}")?;
                    }
                }
                Ok(())
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

    fn add(&mut self, current: &Outcome, draft: &Outcome) {
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

/// What one step found.
#[derive(Debug, Default)]
pub struct Step {
    /// The last conversation replayed; `None` when there was none left.
    pub last: Option<ConversationId>,
    pub count: i64,
    pub differences: Vec<Difference>,
    pub totals: Totals,
}

/// Conversations of one step: few enough for the time that a long read may take.
const STEP: i64 = 4_000;
/// Effects kept of one conversation.
const EFFECTS: usize = 100;

/// Both sets of rules.
enum Rules {
    Routing(Option<routing::Rules>, Option<routing::Rules>),
    Triggers(trigger::Rules, trigger::Rules, Calendar),
    Sla(Box<sla::Rules>, Box<sla::Rules>),
}

/// Replays the next conversations of a rehearsal after `last`.
pub fn step(s: &Snapshot<'_>, id: RehearsalId, last: ConversationId, now: Timestamp) -> Result<Step> {
    let stored =
        s.one("SELECT kind, from_at, to_at, current, draft FROM rehearsal WHERE id = ?", [id], |row| {
            let kind: String = row.get(0)?;
            let (current, draft): (String, String) = (row.get(3)?, row.get(4)?);
            Ok((Kind::parse(&kind), (row.get(1)?, row.get(2)?), current, draft))
        })?;
    let Some((Some(kind), period, current, draft)) = stored else { return Ok(Step::default()) };
    let rules = match kind {
        Kind::Routing => Rules::Routing(reaching(s, read(&current)?)?, reaching(s, read(&draft)?)?),
        Kind::Trigger => {
            let (current, draft) = (mailing(s, read(&current)?)?, mailing(s, read(&draft)?)?);
            Rules::Triggers(current, draft, working_time::calendar(s)?)
        }
        Kind::Sla => Rules::Sla(read(&current)?, read(&draft)?),
    };
    let found = past::next(s, period, last, STEP)?;
    let mut step = Step { count: found.len() as i64, ..Step::default() };
    for row in found {
        step.last = Some(row.0);
        let (past, old, new) = match &rules {
            Rules::Routing(current, draft) => {
                let Some(past) = past::first(s, row)? else { continue };
                let (old, new) = (routed(current.as_ref(), &past), routed(draft.as_ref(), &past));
                (past, old, new)
            }
            Rules::Triggers(current, draft, calendar) => {
                let past = past::whole(s, row)?;
                let seen = past.seen(s)?;
                let outcome = |rules| triggered(rules, &past, &seen, calendar, now);
                let (old, new) = (outcome(current), outcome(draft));
                (past, old, new)
            }
            Rules::Sla(current, draft) => {
                let past = past::whole(s, row)?;
                let waits = Waits::of(s, &past)?;
                (past, waits.judge(current, now), waits.judge(draft, now))
            }
        };
        if is_same(&old, &new) {
            continue;
        }
        step.totals.add(&old, &new);
        step.differences.push(Difference {
            conversation: past.id,
            subject: past.subject.clone(),
            current: old,
            draft: new,
        });
    }
    Ok(step)
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(Error::internal)
}

/// The rules without the targets that are gone: nothing is assigned to those (contract 15.1).
fn reaching(s: &Snapshot<'_>, rules: Option<routing::Rules>) -> Result<Option<routing::Rules>> {
    let Some(mut rules) = rules else { return Ok(None) };
    let others = [&mut rules.simple, &mut rules.match_failed];
    for target in rules.rules.iter_mut().map(|rule| &mut rule.target).chain(others) {
        if target.warning(s)?.is_some() {
            target.id = 0;
        }
    }
    Ok(Some(rules))
}

/// The rules without the agents that are gone: they get no mail.
fn mailing(s: &Snapshot<'_>, mut rules: trigger::Rules) -> Result<trigger::Rules> {
    for recipients in rules.triggers.iter_mut().filter_map(|trigger| trigger.mails.as_mut()) {
        let mut there = Vec::new();
        for agent in &recipients.agents {
            if gone::assignable(s, *agent)?.is_none() {
                there.push(*agent);
            }
        }
        recipients.agents = there;
    }
    Ok(rules)
}

/// Another rule that comes to the same is no difference.
fn is_same(old: &Outcome, new: &Outcome) -> bool {
    match (old, new) {
        (
            Outcome::Routed { agent, department, priority, .. },
            Outcome::Routed { agent: new_agent, department: new_department, priority: new_priority, .. },
        ) => (agent, department, priority) == (new_agent, new_department, new_priority),
        (Outcome::Judged { breaches, .. }, Outcome::Judged { breaches: new, .. }) => breaches == new,
        (old, new) => old == new,
    }
}

fn routed(rules: Option<&routing::Rules>, past: &Past) -> Outcome {
    let one = |field| match past.first.get(field) {
        [Value::Int(id), ..] => Some(*id),
        _ => None,
    };
    let (mut agent, mut department) = (one(f::AGENT_ASSIGNEE), one(f::DEPARTMENT_ASSIGNEE));
    let mut priority = crate::desk::code::Priority::ALL
        .iter()
        .find(|code| Some(**code as i64) == one(f::PRIORITY))
        .map_or("normal", |code| code.name());
    let Some(rules) = rules.filter(|rules| rules.is_enabled) else {
        return Outcome::Routed { agent, department, priority: priority.to_owned(), by: "off".to_owned() };
    };
    let winner = rules.decide(&past.first).winner;
    let Target { object, id, priority: wanted } = rules.target(winner);
    if past.given.is_none() {
        priority = wanted.name();
    }
    match object {
        Object::Agent => agent = agent.or(Some(id).filter(|id| *id != 0)),
        Object::Department => department = department.or(Some(id).filter(|id| *id != 0)),
    }
    let by = match winner {
        Winner::Simple => "simple".to_owned(),
        Winner::Rule(position) => rules.rules.get(position).map(|rule| rule.name.clone()).unwrap_or_default(),
        Winner::MatchFailed => "matchFailed".to_owned(),
    };
    Outcome::Routed { agent, department, priority: priority.to_owned(), by }
}

/// Every event of the past in turn, with what was `seen` at each, and every stay. What a trigger sets is seen by those
/// after it at the same event; the next event starts from what was recorded.
fn triggered(
    rules: &trigger::Rules,
    past: &Past,
    seen: &[Facts],
    calendar: &Calendar,
    now: Timestamp,
) -> Outcome {
    let mut effects = Vec::new();
    let mut before = &past.first;
    let (mut since, mut from) = (past.created_at, past.created_at);
    for (event, facts) in past.events.iter().zip(seen) {
        stays(rules, before, since, (from, event.at), calendar, &mut effects);
        (before, from) = (facts, event.at);
        if event.kind == "statusChanged" {
            since = event.at;
        }
        if let Some(occasion) = trigger::occasion(event)
            && event.depth == 0
        {
            ask(rules, occasion, facts, event.at, &mut effects);
        }
    }
    stays(rules, before, since, (from, now), calendar, &mut effects);
    effects.truncate(EFFECTS);
    Outcome::Triggered(effects)
}

/// Triggers whose stay, begun at `since`, became long enough between two events.
fn stays(
    rules: &trigger::Rules,
    facts: &Facts,
    since: Timestamp,
    (from, to): (Timestamp, Timestamp),
    calendar: &Calendar,
    effects: &mut Vec<Effect>,
) {
    let status = status(facts);
    for trigger in rules.triggers.iter().filter(|it| it.event == TriggerEvent::StaysAtStatusPeriod) {
        let Some(due) = due(trigger, since, calendar).filter(|due| from < *due && *due <= to) else {
            continue;
        };
        let occasion = Occasion { event: TriggerEvent::StaysAtStatusPeriod, status, only: Some(trigger.id) };
        ask(rules, occasion, facts, due, effects);
    }
}

pub(super) fn status(facts: &Facts) -> Option<Status> {
    match facts.get(f::STATUS) {
        [Value::Int(code)] => Status::ALL.iter().copied().find(|status| *status as i64 == *code),
        _ => None,
    }
}

fn due(trigger: &Ready, since: Timestamp, calendar: &Calendar) -> Option<Timestamp> {
    let span = trigger.span?;
    let seconds = |seconds: i64| Some(since.plus(std::time::Duration::from_secs((span * seconds) as u64)));
    match trigger.unit {
        Unit::Minutes => seconds(60),
        Unit::Hours => seconds(3600),
        Unit::Days => working_time::add_business_days(calendar, since, span),
    }
}

fn ask(rules: &trigger::Rules, occasion: Occasion, facts: &Facts, at: Timestamp, effects: &mut Vec<Effect>) {
    let mut facts = Cow::Borrowed(facts);
    for (_, trigger) in rules.asked(occasion) {
        if !trigger.matches(&facts).0 {
            continue;
        }
        let mut sets = Vec::new();
        for set in trigger.sets.iter().filter(|set| set.problem.is_none()) {
            let before = facts.get(set.field).to_vec();
            set.apply(facts.to_mut());
            if facts.get(set.field) != before {
                sets.push((set.field.0, set.written.clone()));
            }
        }
        let mut mails = Vec::new();
        if let Some(recipients) = &trigger.mails {
            if recipients.contact && !facts.get(f::CONTACT_EMAIL).is_empty() {
                mails.push("contact".to_owned());
            }
            if recipients.assignee && !facts.get(f::AGENT_ASSIGNEE).is_empty() {
                mails.push("assignee".to_owned());
            }
            mails.extend(recipients.agents.iter().map(|id| format!("agent {id}")));
        }
        if sets.is_empty() && mails.is_empty() {
            continue;
        }
        effects.push(Effect {
            at: at.millis(),
            event: occasion.event,
            trigger: trigger.name.clone(),
            sets,
            mails,
        });
    }
}
