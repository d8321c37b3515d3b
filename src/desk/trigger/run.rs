//! Running triggers: a reader of the event log whose cursor moves in the transaction of what it did, so that each event
//! has its effects exactly once, also across a crash. What triggers do raises no triggers.

use std::rc::Rc;
use std::sync::Arc;

use super::decide::{Occasion, Ready, Rules, Step, TriggerTrace};
use super::{mail, stored};
use crate::db::Tx;
use crate::desk::code::{Status, TriggerEvent};
use crate::desk::conversation::{self, ConversationChange, facts};
use crate::desk::decision::{self, Trace};
use crate::desk::event::{self, Event};
use crate::desk::rule_set::{self, RuleSet};
use crate::desk::{Actor, Cause};
use crate::error::{Error, Result};
use crate::ids::{ConversationId, MessageId, TriggerId};
use crate::rules::Facts;

/// The name of this reader of the event log.
pub const CONSUMER: &str = "trigger";

/// Runs the triggers that an event starts.
pub fn handle(tx: &Tx<'_>, event: &Event, base_url: &str) -> Result<()> {
    let Some(occasion) = occasion(event) else { return Ok(()) };
    let happened = Happened {
        conversation: event.conversation_id,
        event: Some(event),
        message: event.detail["messageId"].as_i64().map(MessageId),
        depth: event.depth,
    };
    run(tx, occasion, &happened, base_url)
}

/// What an event of the log is to triggers.
pub fn occasion(event: &Event) -> Option<Occasion> {
    let (event, status) = match event.kind.as_str() {
        "created" => (TriggerEvent::ConversationCreated, None),
        "received" => (TriggerEvent::ConversationReplyIsReceived, None),
        "replied" => (TriggerEvent::AgentReplied, None),
        "assigneeChanged" => (TriggerEvent::AssigneeIsChanged, None),
        "statusChanged" => {
            (TriggerEvent::StatusIsChanged, event.detail["newStatus"].as_str().and_then(Status::parse))
        }
        _ => return None,
    };
    Some(Occasion { event, status, only: None })
}

/// Where and by what.
pub(super) struct Happened<'e> {
    pub conversation: ConversationId,
    /// `None` for a stay, of which the log does not tell.
    pub event: Option<&'e Event>,
    /// What raised it.
    pub message: Option<MessageId>,
    pub depth: i64,
}

/// The enabled triggers as they are now.
pub(super) fn rules(tx: &Tx<'_>) -> Result<Rc<RuleSet<Rules>>> {
    rule_set::current(
        tx,
        "trigger",
        |moment| {
            let triggers = stored(tx)?;
            let is_fleeting = triggers.iter().any(|trigger| rule_set::is_fleeting(&trigger.formula));
            Ok((Rules::new(tx, moment, &triggers)?, is_fleeting))
        },
        tx.now(),
    )
}

pub(super) fn run(tx: &Tx<'_>, occasion: Occasion, happened: &Happened<'_>, base_url: &str) -> Result<()> {
    let set = rules(tx)?;
    if set.rules.asked(occasion).next().is_none() {
        return Ok(());
    }
    let is_there = conversation::get(tx, &Actor::System, happened.conversation)?;
    if is_there.is_none_or(|conversation| conversation.is_deleted) {
        return Ok(());
    }
    let mut facts = facts_at(tx, happened)?;
    let mut trace = TriggerTrace {
        rules: set.hash.clone(),
        event_id: happened.event.map(|event| event.id.0),
        occasion,
        is_stopped: 0 < happened.depth,
        facts: set.rules.facts(occasion, &facts),
        steps: Vec::new(),
    };
    for (position, trigger) in set.rules.asked(occasion) {
        let (holds, results) = trigger.matches(&facts);
        let mut step = Step {
            position,
            results,
            fired: holds && !trace.is_stopped,
            skipped: Vec::new(),
            mails: Vec::new(),
        };
        if step.fired {
            fire(tx, trigger, happened, &mut facts, &mut step, base_url)?;
        }
        trace.steps.push(step);
    }
    set.keep(tx)?;
    decision::record(tx, happened.conversation, &Trace::Trigger(trace))
}

/// First what it sets, then its mail.
fn fire(
    tx: &Tx<'_>,
    trigger: &Ready,
    happened: &Happened<'_>,
    facts: &mut Facts,
    step: &mut Step,
    base_url: &str,
) -> Result<()> {
    let by = Actor::Rule(Arc::new(Cause {
        kind: "trigger",
        id: Some(trigger.id),
        name: trigger.name.clone(),
        event: happened.event.map(|event| event.id),
        depth: happened.depth + 1,
    }));
    for set in &trigger.sets {
        let before = conversation::require(tx, &Actor::System, happened.conversation)?;
        let mut change = ConversationChange::default();
        set.change(&before.tags, &mut change);
        let result = match &set.problem {
            Some(problem) => Err(problem.clone()),
            None => match conversation::update(tx, &by, happened.conversation, &change) {
                Ok(_) => Ok(()),
                Err(error @ (Error::Internal(_) | Error::StorageFull)) => return Err(error),
                // What the value names is gone meanwhile: the rest goes on.
                Err(error) => Err(error.to_string()),
            },
        };
        match result {
            Ok(()) => set.apply(facts),
            Err(problem) => step.skipped.push((set.field, problem)),
        }
    }
    if trigger.mails.is_some() {
        step.mails = mail::send(tx, &by, TriggerId(trigger.id), happened, base_url)?;
    }
    Ok(())
}

/// The conversation as the event left it: what people did since is taken back.
fn facts_at(tx: &Tx<'_>, happened: &Happened<'_>) -> Result<Facts> {
    let mut facts = facts::of(tx, happened.conversation)?.unwrap_or_default();
    if let Some(event) = happened.event {
        let since = event::since(tx, happened.conversation, event.id)?;
        for later in since.iter().rev() {
            facts::undo(tx, &mut facts, later)?;
        }
        for later in since.iter().filter(|later| facts::is_seen_at(event, later)) {
            facts::redo(tx, &mut facts, later)?;
        }
    }
    Ok(facts)
}
