//! Decisions in words, for the console: what was decided, which rules were tried, and what each condition saw.

use super::{AccountTrace, AllocationTrace, Decision, Trace};
use crate::db::Snapshot;
use crate::desk::allocation::Standing;
use crate::desk::code::TriggerEvent;
use crate::desk::name::Names;
use crate::desk::routing::{Object, RoutingTrace, Rules, Winner};
use crate::desk::rule_set;
use crate::desk::sla::{self, SlaTrace, Target};
use crate::desk::trigger::{self, TriggerTrace};
use crate::error::Result;
use crate::rules::eval::{self, Seen};
use crate::rules::{Facts, Predicate};
use crate::time::Timestamp;

/// Stretches of working time shown of one due time.
const INTERVALS: usize = 30;

/// A decision as people read it.
#[derive(Debug, Clone)]
pub struct Why {
    pub id: i64,
    pub at: Timestamp,
    /// As `Trace::kind` has it.
    pub kind: &'static str,
    /// What came of it.
    pub result: String,
    pub steps: Vec<Step>,
}

/// A rule that was tried, or an agent who was considered.
#[derive(Debug, Clone)]
pub struct Step {
    pub text: String,
    pub holds: bool,
    /// Conditions, or reasons.
    pub details: Vec<Detail>,
}

#[derive(Debug, Clone)]
pub struct Detail {
    pub text: String,
    pub holds: bool,
}

struct Words<'a, 'c> {
    s: &'a Snapshot<'c>,
    names: Names<'a, 'c>,
}

/// Decisions in words. One whose rules cannot be read any more is left out.
pub fn explain(s: &Snapshot<'_>, decisions: Vec<Decision>) -> Result<Vec<Why>> {
    let words = Words { s, names: Names::new(s)? };
    decisions.into_iter().map(|decision| words.why(decision)).collect()
}

fn promised(target: Target) -> &'static str {
    match target {
        Target::First => "First answer",
        Target::Next => "Next answer",
        Target::Resolve => "Closed",
    }
}

fn spell(minutes: i64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

impl Words<'_, '_> {
    fn why(&self, decision: Decision) -> Result<Why> {
        let kind = decision.trace.kind();
        let (result, steps) = match &decision.trace {
            Trace::Routing(trace) => self.routing(trace)?,
            Trace::Allocation(trace) => self.allocation(trace)?,
            Trace::Trigger(trace) => self.trigger(trace)?,
            Trace::Sla(trace) => self.sla(trace)?,
            Trace::Account(trace) => (account(trace), Vec::new()),
        };
        Ok(Why { id: decision.id, at: decision.at, kind, result, steps })
    }

    fn routing(&self, trace: &RoutingTrace) -> Result<(String, Vec<Step>)> {
        let rules: Option<Rules> = rule_set::kept(self.s, &trace.rules)?;
        let Some(rules) = rules else { return Ok(("Routing was off".to_owned(), Vec::new())) };
        let mut steps = Vec::new();
        for (position, rule) in rules.rules.iter().take(trace.verdict.tried.len()).enumerate() {
            let holds = trace.verdict.winner == Winner::Rule(position);
            steps.push(self.rule(&rule.name, &rule.predicate, &trace.facts, holds)?);
        }
        let by = match trace.verdict.winner {
            Winner::Simple => "because everything goes there".to_owned(),
            Winner::Rule(position) => {
                let name = rules.rules.get(position).map_or("", |rule| &rule.name);
                format!("by the rule “{name}”")
            }
            Winner::MatchFailed => "because no rule matched".to_owned(),
        };
        let target = rules.target(trace.verdict.winner);
        let to = match (target.object, trace.agent, trace.department) {
            (Object::Agent, Some(id), _) => format!("Routed to {}", self.names.agent(id.0)?),
            (Object::Department, _, Some(id)) => format!("Routed to {}", self.names.department(id.0)?),
            _ => "Routed to nobody".to_owned(),
        };
        let why_not = trace.skipped.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        let priority = trace.priority.map(|code| format!(", priority {}", code.name())).unwrap_or_default();
        Ok((format!("{to}{why_not}{priority} {by}"), steps))
    }

    fn allocation(&self, trace: &AllocationTrace) -> Result<(String, Vec<Step>)> {
        let mut steps = Vec::new();
        for candidate in &trace.choice.candidates {
            let limit = match candidate.limit {
                0 => "no limit".to_owned(),
                limit => format!("limit {limit}"),
            };
            let why = match candidate.standing() {
                Standing::Eligible => "could take it",
                Standing::NotOnline => "is not online",
                Standing::NotAccepting => "accepts no conversations",
                Standing::Full => "is full",
            };
            let name = self.names.agent(candidate.agent.0)?;
            steps.push(Step {
                text: format!("{name}: {} open, {limit}; {why}", candidate.load),
                holds: trace.chosen == Some(candidate.agent),
                details: Vec::new(),
            });
        }
        let result = match trace.chosen {
            Some(id) => format!("Allocated to {} by {}", self.names.agent(id.0)?, trace.choice.rule.name()),
            None => "Waits: nobody can take it".to_owned(),
        };
        Ok((result, steps))
    }

    fn trigger(&self, trace: &TriggerTrace) -> Result<(String, Vec<Step>)> {
        let rules: trigger::Rules = rule_set::kept(self.s, &trace.rules)?;
        let mut facts = trace.facts.clone();
        let (mut steps, mut fired) = (Vec::new(), 0);
        for step in &trace.steps {
            let Some(asked) = rules.triggers.get(step.position) else { continue };
            let holds = asked.matches(&facts).0;
            let mut shown = self.rule(&asked.name, &asked.predicate, &facts, holds)?;
            if step.fired {
                fired += 1;
                for set in &asked.sets {
                    let name = self.names.field(set.field);
                    let detail = match step.skipped.iter().find(|(field, _)| *field == set.field) {
                        Some((_, why)) => Detail { text: format!("{name} not set: {why}"), holds: false },
                        None => {
                            set.apply(&mut facts);
                            let text =
                                format!("{name} set to “{}”", self.names.written(set.field, &set.written)?);
                            Detail { text, holds: true }
                        }
                    };
                    shown.details.push(detail);
                }
                for (to, outcome) in &step.mails {
                    let holds = outcome == "queued";
                    let text =
                        if holds { format!("Mail to {to}") } else { format!("No mail to {to}: {outcome}") };
                    shown.details.push(Detail { text, holds });
                }
            } else if holds && trace.is_stopped {
                let text = "Not run: a trigger did this, and triggers do not start triggers".to_owned();
                shown.details.push(Detail { text, holds: false });
            }
            steps.push(shown);
        }
        let what = match trace.occasion.event {
            TriggerEvent::ConversationCreated => "it was created",
            TriggerEvent::ConversationReplyIsReceived => "the contact wrote",
            TriggerEvent::AgentReplied => "an agent replied",
            TriggerEvent::AssigneeIsChanged => "the assignee changed",
            TriggerEvent::StatusIsChanged => "the status changed",
            TriggerEvent::StaysAtStatusPeriod => "it stayed at a status",
        };
        let count = match fired {
            0 => "No trigger ran".to_owned(),
            1 => "1 trigger ran".to_owned(),
            count => format!("{count} triggers ran"),
        };
        Ok((format!("{count} when {what}"), steps))
    }

    fn sla(&self, trace: &SlaTrace) -> Result<(String, Vec<Step>)> {
        let rules: sla::Rules = rule_set::kept(self.s, &trace.rules)?;
        let mut steps = Vec::new();
        for (position, policy) in rules.policies.iter().take(trace.verdict.tried.len()).enumerate() {
            let holds = trace.verdict.winner == Some(position);
            steps.push(self.rule(&policy.name, &policy.predicate, &trace.facts, holds)?);
        }
        let Some(policy) = trace.policy(&rules) else {
            return Ok(("No SLA policy applies".to_owned(), steps));
        };
        for due in &trace.dues {
            let start = Timestamp::from_millis(due.started_at);
            let Some(at) = due.due_at.map(Timestamp::from_millis) else {
                let text = format!("{}: the clock is paused", promised(due.target));
                steps.push(Step { text, holds: false, details: Vec::new() });
                continue;
            };
            let counted = rules.intervals(policy, start, at, &due.pauses);
            let details = counted.iter().take(INTERVALS).map(|interval| Detail {
                text: format!("counted from {} to {}", interval.from, interval.to),
                holds: true,
            });
            steps.push(Step {
                text: format!("{} by {at}, {} after {start}", promised(due.target), spell(due.minutes)),
                holds: true,
                details: details.collect(),
            });
        }
        let still = if trace.is_kept { "still applies: only the status changed" } else { "applies" };
        Ok((format!("The SLA policy “{}” {still}", policy.name), steps))
    }

    /// A rule with its conditions: the value each saw, and whether it held.
    fn rule(&self, name: &str, predicate: &Predicate, facts: &Facts, holds: bool) -> Result<Step> {
        let trace = eval::explain(predicate, facts);
        let mut details = Vec::new();
        if predicate.is_empty() {
            details.push(Detail { text: "It has no conditions".to_owned(), holds });
        }
        for seen in &trace.tests {
            details.push(Detail { text: self.condition(seen)?, holds: seen.holds });
        }
        Ok(Step { text: name.to_owned(), holds, details })
    }

    fn condition(&self, seen: &Seen) -> Result<String> {
        let field = seen.clause.test.field();
        let wanted = match seen.clause.value.trim() {
            "" => "empty".to_owned(),
            written => self.names.written(field, written)?,
        };
        let saw = seen.values.iter().map(|value| self.names.value(field, value));
        let saw = saw.collect::<Result<Vec<_>>>()?;
        let saw = if saw.is_empty() { "nothing".to_owned() } else { format!("“{}”", saw.join(", ")) };
        let verb = match seen.clause.match_type.name() {
            "isNot" => "is not",
            "isMoreThan" => "is more than",
            "isLessThan" => "is less than",
            "notContains" => "does not contain",
            other => other,
        };
        let gone = seen.clause.problem.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        Ok(format!(
            "{}. {} {verb} “{wanted}”: it was {saw}{gone}",
            seen.clause.number,
            self.names.field(field)
        ))
    }
}

fn account(trace: &AccountTrace) -> String {
    format!("The assignee of {} got nothing: {}, skipped", trace.email, trace.skipped)
}
