//! Service levels: the clocks of a conversation, the policy that applies to it, and when its targets are due (contract
//! 18.3, 18.4). Due times are always worked out from the start of the wait, so that applying a policy again, later or
//! for the second time, comes to the same. `follow` hears of every change in the change's own transaction; `sweep` and
//! `breach` do in the background what a change of the settings or the passing of time asks for.

pub mod breach;
mod clock;
mod rules;
pub mod sweep;

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::code::Status;
use super::conversation::facts;
use super::decision::{self, Trace};
use super::event::Change;
use super::rule_set::{self, RuleSet};
use super::{Actor, Permission};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::{ContactId, ConversationId, MessageId};
use crate::rules::Facts;
use crate::rules::field::{CONTACT_COMPANY, CONTACT_EMAIL};
use crate::time::Timestamp;

use clock::Clock;
pub use rules::{Pause, Policy, Rules, Verdict};

/// What a conversation waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// The first answer of an agent.
    First = 1,
    /// An answer to what the contact wrote since.
    Next,
    /// Being closed.
    Resolve,
}

impl Target {
    pub const ALL: [Self; 3] = [Self::First, Self::Next, Self::Resolve];

    /// How events and decisions spell it.
    pub fn name(self) -> &'static str {
        match self {
            Self::First => "firstRespond",
            Self::Next => "nextRespond",
            Self::Resolve => "resolve",
        }
    }
}

/// Which policy was chosen and what became due, with all that was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlaTrace {
    /// The hash of the rules.
    pub rules: String,
    pub facts: Facts,
    pub verdict: Verdict,
    /// Only the status changed, which is no reason to choose again (contract 18.3): the policy that applied stays.
    #[serde(default)]
    pub is_kept: bool,
    pub dues: Vec<Due>,
}

/// A target's due time, and what it was counted from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Due {
    pub target: Target,
    pub started_at: i64,
    pub minutes: i64,
    pub pauses: Vec<Pause>,
    /// `None` while a pause stops the clock.
    pub due_at: Option<i64>,
}

impl SlaTrace {
    /// Whether deciding again on the stored facts comes to the stored result.
    pub fn replays(&self, s: &Snapshot<'_>) -> Result<bool> {
        let rules: Rules = rule_set::kept(s, &self.rules)?;
        if !self.is_kept && rules.decide(&self.facts) != self.verdict {
            return Ok(false);
        }
        let Some(policy) = self.policy(&rules) else { return Ok(self.dues.is_empty()) };
        Ok(self.dues.iter().all(|due| {
            let start = Timestamp::from_millis(due.started_at);
            let again = rules.due(policy, start, due.minutes, &due.pauses);
            again.map(Timestamp::millis) == due.due_at
        }))
    }

    pub fn policy<'r>(&self, rules: &'r Rules) -> Option<&'r Policy> {
        rules.policies.get(self.verdict.winner?)
    }
}

/// Keeps the clocks in step with what just happened to a conversation; called by `event::record` for every change.
pub fn follow(tx: &Tx<'_>, by: &Actor, id: ConversationId, change: &Change) -> Result<()> {
    match change {
        Change::Created { message, .. } => {
            clock::begin(tx, by, id, *message)?;
            evaluate(tx, id, Choosing::Anew)
        }
        Change::Received { message } if is_answer(tx, *message)? => match clock::contact_wrote(tx, id)? {
            true => evaluate(tx, id, Choosing::Anew),
            false => Ok(()),
        },
        Change::Replied { message } if matches!(by, Actor::Agent(_)) && is_answer(tx, *message)? => {
            clock::answered(tx, by, id)?;
            clock::renew(tx, id)
        }
        Change::StatusChanged { from, to } => {
            match (from, to) {
                (_, Status::Closed) => {
                    clock::closed(tx, by, id)?;
                    clock::renew(tx, id)?;
                }
                (Status::Closed, _) => clock::reopened(tx, id)?,
                _ if !rules(tx)?.rules.has_pauses() => return Ok(()),
                _ => {}
            }
            if *to == Status::Closed { Ok(()) } else { evaluate(tx, id, Choosing::Kept) }
        }
        Change::AssigneeChanged { .. } | Change::Updated { .. } | Change::Restored => {
            evaluate(tx, id, Choosing::Anew)
        }
        Change::Deleted => clock::freeze(tx, id),
        Change::MergedInto { .. } => clock::forget(tx, id),
        _ => Ok(()),
    }
}

/// Whether a message counts as an answer: neither a program's nor one that was passed on to somebody else.
fn is_answer(s: &Snapshot<'_>, message: MessageId) -> Result<bool> {
    s.exists("SELECT 1 FROM message WHERE id = ? AND is_automatic = 0 AND forward_of_id IS NULL", [message])
}

/// The policies and the calendar as they are now.
pub fn rules(s: &Tx<'_>) -> Result<Rc<RuleSet<Rules>>> {
    rule_set::current(s, "sla", |moment| Rules::new(s, moment), s.now())
}

/// Whether the policy is chosen, or stays what it is as long as there is one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Choosing {
    Anew,
    Kept,
}

/// Something of a contact changed that policies may ask for: its open conversations are evaluated again.
pub fn contact_changed(tx: &Tx<'_>, contact: ContactId) -> Result<()> {
    let set = rules(tx)?;
    if !set.rules.fields().any(|field| [CONTACT_EMAIL, CONTACT_COMPANY].contains(&field)) {
        return Ok(());
    }
    let open: Vec<ConversationId> = tx.all(
        "SELECT id FROM conversation WHERE contact_id = ? AND is_deleted = 0 AND status < 5",
        [contact],
        |row| row.get(0),
    )?;
    open.into_iter().try_for_each(|id| evaluate(tx, id, Choosing::Anew))
}

/// Finds the policy of an open conversation and its due times anew. Closed and deleted ones are left alone.
fn evaluate(tx: &Tx<'_>, id: ConversationId, choosing: Choosing) -> Result<()> {
    let set = rules(tx)?;
    let Some((status, had)) = tx.one(
        "SELECT status, sla_policy_id FROM conversation WHERE id = ? AND is_deleted = 0",
        [id],
        |row| Ok((row.get::<_, Status>(0)?, row.get::<_, Option<i64>>(1)?)),
    )?
    else {
        return Ok(());
    };
    if !status.is_open() || (set.rules.policies.is_empty() && had.is_none()) {
        return Ok(());
    }
    let seen = facts::of(tx, id)?.unwrap_or_default();
    let kept = had.and_then(|had| set.rules.policies.iter().position(|policy| policy.id == had));
    let is_kept = choosing == Choosing::Kept && (kept.is_some() || had.is_none());
    let verdict = match is_kept {
        true => Verdict { winner: kept, tried: Vec::new() },
        false => set.rules.decide(&seen),
    };
    let policy = verdict.winner.and_then(|winner| set.rules.policies.get(winner));
    let mut trace = SlaTrace {
        rules: set.hash.clone(),
        facts: rule_set::only(&seen, set.rules.fields()),
        verdict,
        is_kept,
        dues: Vec::new(),
    };
    let clocks = clock::running(tx, id)?;
    let pauses = if set.rules.has_pauses() { clock::pauses(tx, id, &set.rules)? } else { Vec::new() };
    let mut is_news = policy.map(|policy| policy.id) != had;
    for clock in &clocks {
        let due = policy.and_then(|policy| due(&set.rules, policy, clock, &pauses));
        let due_at = due.as_ref().and_then(|due| due.due_at);
        is_news |= due_at != clock.due_at.map(Timestamp::millis);
        clock::set_due(tx, id, clock, policy.map(Policy::id), due_at.map(Timestamp::from_millis))?;
        trace.dues.extend(due);
    }
    if !is_news {
        return Ok(());
    }
    tx.run("UPDATE conversation SET sla_policy_id = ? WHERE id = ?", (policy.map(Policy::id), id))?;
    clock::renew(tx, id)?;
    set.keep(tx)?;
    decision::record(tx, id, &Trace::Sla(trace))
}

fn due(rules: &Rules, policy: &Policy, clock: &Clock, pauses: &[Pause]) -> Option<Due> {
    let minutes = policy.minutes(clock.target)?;
    Some(Due {
        target: clock.target,
        started_at: clock.started_at.millis(),
        minutes,
        pauses: pauses.to_vec(),
        due_at: rules.due(policy, clock.started_at, minutes, pauses).map(Timestamp::millis),
    })
}

/// The name of the policy that applies to a conversation.
fn sla_policy_name(s: &Snapshot<'_>, id: ConversationId) -> Result<Option<String>> {
    s.one(
        "SELECT p.name FROM conversation c JOIN sla_policy p ON p.id = c.sla_policy_id WHERE c.id = ?",
        [id],
        |row| row.get(0),
    )
}

/// Has every open conversation evaluated again in the background: policies, calendar or switches changed.
pub fn reconsider(tx: &Tx<'_>) -> Result<()> {
    tx.run("INSERT OR REPLACE INTO sla_sweep (id, after_id) VALUES (1, 0)", [])?;
    Ok(())
}

/// The statuses that stop the clocks; normally none.
pub fn pause_statuses(s: &Snapshot<'_>) -> Result<Vec<Status>> {
    let text: String =
        s.one("SELECT sla_pause_statuses FROM site", [], |row| row.get(0))?.unwrap_or_default();
    Ok(text.split(',').filter_map(Status::parse).collect())
}

/// `closed` is none of them: what is closed has no running clocks but the first answer's, which does not stop.
pub fn set_pause_statuses(tx: &Tx<'_>, by: &Actor, statuses: &[Status]) -> Result<()> {
    by.require(Permission::ManageSettings)?;
    if statuses.contains(&Status::Closed) {
        return Err(Error::invalid(
            "slaPauseStatuses",
            "must be statuses of open conversations, not 'closed'",
        ));
    }
    let mut numbers: Vec<i64> = statuses.iter().map(|status| *status as i64).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let before = pause_statuses(tx)?;
    let text = numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    tx.run("UPDATE site SET sla_pause_statuses = ?", [&text])?;
    let after = pause_statuses(tx)?;
    if before != after {
        let names = |all: &[Status]| all.iter().map(|status| status.name()).collect::<Vec<_>>().join(", ");
        let details = super::audit::difference(
            &[("slaPauseStatuses", names(&before))],
            &[("slaPauseStatuses", names(&after))],
        );
        super::audit::record(tx, by, super::audit::Action::SlaPolicy, "changed when clocks stop", details)?;
        reconsider(tx)?;
    }
    Ok(())
}
