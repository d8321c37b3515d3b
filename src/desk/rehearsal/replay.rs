//! Replaying pasts against two sets of rules. A step replays some conversations and says what differed; it only reads.

use std::borrow::Cow;

use super::outcome::{Effect, Outcome, Totals};
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
        if old.is_same(&new) {
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
    if routing::is_given(&past.first) {
        return Outcome::Routed { agent, department, priority: priority.to_owned(), by: "given".to_owned() };
    }
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
