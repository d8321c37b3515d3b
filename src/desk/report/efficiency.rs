//! Efficiency (contract 23.5): how long answers and conversations took, around the clock, and how many messages it
//! needed. Percentiles are an addition.

use super::{Ask, Occurrence, Slot, Spans, allow, round};
use crate::db::Snapshot;
use crate::desk::Actor;
use crate::error::Result;

#[derive(Debug, Clone)]
pub struct Efficiency {
    pub rows: Vec<(Slot, Figures)>,
    /// Over everything, not the mean of the rows.
    pub total: Figures,
}

#[derive(Debug, Clone, Default)]
pub struct Figures {
    /// From what a contact wrote to the answer; first answers are among them.
    pub response: Spans,
    pub first_response: Spans,
    /// From creation to the last closing.
    pub conversation: Spans,
    contact_messages: i64,
    agent_messages: i64,
}

impl Figures {
    /// Messages of contacts for each closed conversation.
    pub fn contact_messages(&self) -> f64 {
        self.per_conversation(self.contact_messages)
    }

    pub fn agent_messages(&self) -> f64 {
        self.per_conversation(self.agent_messages)
    }

    fn per_conversation(&self, messages: i64) -> f64 {
        let count = self.conversation.count();
        if count == 0 { 0.0 } else { round(messages as f64 / count as f64) }
    }
}

pub fn report(s: &Snapshot<'_>, by: &Actor, ask: &Ask) -> Result<Efficiency> {
    allow(by)?;
    ask.check()?;
    let slots = ask.slots(s)?;
    let mut rows: Vec<(Slot, Figures)> =
        slots.iter().map(|slot| (slot.clone(), Figures::default())).collect();
    let mut total = Figures::default();
    let mut each = |it: &Occurrence, add: &dyn Fn(&mut Figures)| {
        if ask.scope.holds(it)
            && let Some(slot) = ask.slot_of(&slots, it)
        {
            add(&mut rows[slot].1);
            add(&mut total);
        }
    };
    for (it, span, is_first) in answers(s, ask)? {
        each(&it, &|figures| {
            figures.response.add(span);
            if is_first {
                figures.first_response.add(span);
            }
        });
    }
    for (it, span, from_contact, from_agent) in closings(s, ask)? {
        each(&it, &|figures| {
            figures.conversation.add(span);
            figures.contact_messages += from_contact;
            figures.agent_messages += from_agent;
        });
    }
    Ok(Efficiency { rows, total })
}

/// Answers of the period: how long each was waited for, and whether it was the first.
fn answers(s: &Snapshot<'_>, ask: &Ask) -> Result<Vec<(Occurrence, i64, bool)>> {
    s.all(
        "SELECT k.stopped_at, c.id, k.stopped_agent_id, k.stopped_department_id, c.channel, c.email_account_id,
           k.stopped_at - k.started_at, k.target = 1
         FROM clock k INDEXED BY clock_stopped JOIN conversation c ON c.id = k.conversation_id
         WHERE k.target IN (1, 2) AND ?1 <= k.stopped_at AND k.stopped_at < ?2 AND c.is_deleted = 0
           AND (k.target = 2 OR c.created_by_type = 'contact')",
        (ask.from, ask.to),
        |row| Ok((Occurrence::from_row(row)?, row.get(6)?, row.get(7)?)),
    )
}

/// Conversations closed in the period and still closed: how long they took, messages of contacts and of agents.
fn closings(s: &Snapshot<'_>, ask: &Ask) -> Result<Vec<(Occurrence, i64, i64, i64)>> {
    s.all(
        "SELECT k.stopped_at, c.id, k.stopped_agent_id, k.stopped_department_id, c.channel, c.email_account_id,
           k.stopped_at - c.created_at,
           (SELECT count(*) FROM message m WHERE m.conversation_id = c.id AND m.sender_type = 'contact'
              AND m.type <> 'note'),
           (SELECT count(*) FROM message m WHERE m.conversation_id = c.id AND m.sender_type = 'agent'
              AND m.type <> 'note')
         FROM clock k INDEXED BY clock_stopped JOIN conversation c ON c.id = k.conversation_id
         WHERE k.target = 3 AND ?1 <= k.stopped_at AND k.stopped_at < ?2 AND c.is_deleted = 0
           AND c.closed_at = k.stopped_at",
        (ask.from, ask.to),
        |row| Ok((Occurrence::from_row(row)?, row.get(6)?, row.get(7)?, row.get(8)?)),
    )
}
