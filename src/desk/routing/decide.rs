//! Deciding where a new conversation goes, in the transaction that creates it. A conversation that was given an agent or
//! a department is left alone; of what its e-mail account sets, routing fills in what is missing (contract 15.1).

use serde::{Deserialize, Serialize};

use super::{Kind, Object, Routing, Target, stored};
use crate::db::{Snapshot, Tx};
use crate::desk::code::Priority;
use crate::desk::conversation::Conversation;
use crate::desk::decision::{self, Trace};
use crate::desk::{agent, condition, department, rule_set};
use crate::error::Result;
use crate::ids::{AgentId, DepartmentId, FieldId};
use crate::rules::field::{AGENT_ASSIGNEE, DEPARTMENT_ASSIGNEE, RECEIVED_FROM};
use crate::rules::{Facts, Moment, Predicate, eval};

/// Routing made ready to decide: everything it depends on but the facts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rules {
    pub is_enabled: bool,
    pub kind: Kind,
    pub simple: Target,
    pub match_failed: Target,
    /// The enabled ones in order.
    pub rules: Vec<CustomRule>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CustomRule {
    pub id: i64,
    pub name: String,
    pub predicate: Predicate,
    pub target: Target,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Winner {
    Simple,
    /// The position in `Rules::rules`.
    Rule(usize),
    MatchFailed,
}

/// What the rules say for some facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    pub winner: Winner,
    /// Of each rule that was tried the results of its conditions, as `0` and `1`.
    pub tried: Vec<String>,
}

/// What routing set of a new conversation; `None` is what it left alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Routed {
    pub agent: Option<AgentId>,
    pub department: Option<DepartmentId>,
    pub priority: Option<Priority>,
}

/// A decision with all it saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoutingTrace {
    /// The hash of the rules.
    pub rules: String,
    pub facts: Facts,
    pub verdict: Verdict,
    pub agent: Option<AgentId>,
    pub department: Option<DepartmentId>,
    pub priority: Option<Priority>,
    /// Why the target got nothing.
    pub skipped: Option<String>,
}

impl Rules {
    pub fn new(s: &Snapshot<'_>, moment: &Moment, routing: &Routing) -> Result<Self> {
        let mut rules = Vec::new();
        for rule in routing.rules.iter().filter(|rule| rule.is_enabled) {
            rules.push(CustomRule {
                id: rule.id.0,
                name: rule.name.clone(),
                predicate: condition::predicate(s, moment, &rule.formula)?,
                target: rule.target,
            });
        }
        Ok(Self {
            is_enabled: routing.is_enabled,
            kind: routing.kind,
            simple: routing.simple,
            match_failed: routing.match_failed,
            rules,
        })
    }

    /// The first rule that matches; one without conditions never does (contract 13.4).
    pub fn decide(&self, facts: &Facts) -> Verdict {
        let mut tried = Vec::new();
        if self.kind == Kind::Simple {
            return Verdict { winner: Winner::Simple, tried };
        }
        for (position, rule) in self.rules.iter().enumerate() {
            let trace = eval::explain(&rule.predicate, facts);
            tried.push(rule_set::bits(trace.tests.iter().map(|seen| seen.holds)));
            if trace.holds && !rule.predicate.is_empty() {
                return Verdict { winner: Winner::Rule(position), tried };
            }
        }
        Verdict { winner: Winner::MatchFailed, tried }
    }

    pub fn target(&self, winner: Winner) -> Target {
        match winner {
            Winner::Simple => self.simple,
            Winner::Rule(position) => self.rules.get(position).map_or(self.match_failed, |rule| rule.target),
            Winner::MatchFailed => self.match_failed,
        }
    }

    /// The fields that any rule asks for.
    pub fn fields(&self) -> impl Iterator<Item = FieldId> {
        self.rules.iter().flat_map(|rule| rule.predicate.fields())
    }
}

/// Whether an agent or a department was given with the conversation: routing leaves it alone then (contract 11.7). What
/// an e-mail account sets is not given: routing fills in the rest (contract 27.4 row 90).
pub fn is_given(facts: &Facts) -> bool {
    let is_set = |field| !facts.get(field).is_empty();
    (is_set(AGENT_ASSIGNEE) || is_set(DEPARTMENT_ASSIGNEE)) && !is_set(RECEIVED_FROM)
}

/// Routes a conversation that was just created: assigns it where nobody is assigned yet, and sets its priority unless
/// one was given. `facts` are the conversation's.
pub fn route(
    tx: &Tx<'_>,
    conversation: &Conversation,
    given: Option<Priority>,
    facts: &Facts,
) -> Result<Routed> {
    let set = rule_set::current(
        tx,
        "routing",
        |moment| match stored(tx)? {
            Some(routing) => {
                let is_fleeting = routing.rules.iter().any(|rule| rule_set::is_fleeting(&rule.formula));
                Ok((Some(Rules::new(tx, moment, &routing)?), is_fleeting))
            }
            None => Ok((None, false)),
        },
        tx.now(),
    )?;
    let Some(rules) = set.rules.as_ref().filter(|rules| rules.is_enabled) else {
        return Ok(Routed::default());
    };
    let verdict = rules.decide(facts);
    let target = rules.target(verdict.winner);
    let mut trace = RoutingTrace {
        rules: set.hash.clone(),
        facts: rule_set::only(facts, rules.fields()),
        verdict,
        agent: None,
        department: None,
        priority: None,
        skipped: None,
    };
    if is_given(facts) {
        trace.skipped = Some("an agent or a department was given with the conversation".to_owned());
    } else {
        trace.priority = given.is_none().then_some(target.priority);
        place(tx, conversation, target, &mut trace)?;
    }
    tx.run(
        "UPDATE conversation SET agent_assignee_id = coalesce(?, agent_assignee_id),
           department_assignee_id = coalesce(?, department_assignee_id), priority = coalesce(?, priority) WHERE id = ?",
        (trace.agent, trace.department, trace.priority, conversation.id),
    )?;
    let routed = Routed { agent: trace.agent, department: trace.department, priority: trace.priority };
    set.keep(tx)?;
    decision::record(tx, conversation.id, &Trace::Routing(trace))?;
    Ok(routed)
}

/// Fills in what the target gives, or why it gives nothing.
fn place(tx: &Tx<'_>, about: &Conversation, target: Target, trace: &mut RoutingTrace) -> Result<()> {
    let skipped = match target.object {
        _ if target.id == 0 => Some("the target is nobody".to_owned()),
        Object::Department if about.department_assignee_id.is_some() => {
            Some("the conversation has a department already".to_owned())
        }
        Object::Agent if about.agent_assignee_id.is_some() => {
            Some("the conversation has an agent already".to_owned())
        }
        Object::Department => match department::get(tx, DepartmentId(target.id))? {
            Some(department) => {
                trace.department = Some(department.id);
                None
            }
            None => target.warning(tx)?,
        },
        Object::Agent => match agent::is_assignable(tx, AgentId(target.id))? {
            true => {
                trace.agent = Some(AgentId(target.id));
                None
            }
            false => target.warning(tx)?,
        },
    };
    trace.skipped = skipped;
    Ok(())
}
