//! Service levels (contract 23.6): targets met and missed in a period, and how long it took. A target counts when it was
//! met, or when it became overdue.

use std::collections::HashSet;

use super::occurrence::id_or_zero;
use super::{Ask, Occurrence, Slot, Spans, allow, round};
use crate::db::Snapshot;
use crate::desk::Actor;
use crate::desk::sla::Target;
use crate::error::Result;

#[derive(Debug, Clone)]
pub struct Report {
    pub rows: Vec<(Slot, Figures)>,
    pub total: Figures,
}

/// By target: `Target::ALL`.
#[derive(Debug, Clone, Default)]
pub struct Figures {
    pub targets: [TargetFigures; 3],
    breached: HashSet<i64>,
}

#[derive(Debug, Clone, Default)]
pub struct TargetFigures {
    pub met: i64,
    pub breached: i64,
    /// How long it took, of those that came to pass.
    pub spans: Spans,
}

impl TargetFigures {
    /// Met ÷ (met + missed) × 100; `None` when nothing was due.
    pub fn achieved(&self) -> Option<f64> {
        let all = self.met + self.breached;
        (all != 0).then(|| round(self.met as f64 * 100.0 / all as f64))
    }
}

impl Figures {
    /// Conversations with at least one target missed.
    pub fn breached(&self) -> i64 {
        self.breached.len() as i64
    }

    fn add(&mut self, it: &Decided) {
        let target = &mut self.targets[it.target.clamp(1, 3) as usize - 1];
        if it.is_breached {
            target.breached += 1;
            self.breached.insert(it.what.conversation);
        } else {
            target.met += 1;
        }
        if let Some(span) = it.span {
            target.spans.add(span);
        }
    }
}

struct Decided {
    what: Occurrence,
    target: i64,
    is_breached: bool,
    span: Option<i64>,
}

pub fn report(s: &Snapshot<'_>, by: &Actor, ask: &Ask) -> Result<Report> {
    allow(by)?;
    ask.check()?;
    let slots = ask.slots(s)?;
    let mut rows: Vec<(Slot, Figures)> =
        slots.iter().map(|slot| (slot.clone(), Figures::default())).collect();
    let mut total = Figures::default();
    for it in decided(s, ask)?.iter().filter(|it| ask.scope.holds(&it.what)) {
        if let Some(slot) = ask.slot_of(&slots, &it.what) {
            rows[slot].1.add(it);
            total.add(it);
        }
    }
    Ok(Report { rows, total })
}

/// The word of a target for people.
pub fn target_name(target: Target) -> &'static str {
    match target {
        Target::First => "First answer",
        Target::Next => "Next answer",
        Target::Resolve => "Resolution",
    }
}

fn decided(s: &Snapshot<'_>, ask: &Ask) -> Result<Vec<Decided>> {
    s.all(
        "SELECT coalesce(k.breached_at, k.stopped_at), c.id, coalesce(k.stopped_agent_id, c.agent_assignee_id),
           coalesce(k.stopped_department_id, c.department_assignee_id), c.channel, c.email_account_id,
           k.sla_policy_id, k.target, k.breached_at IS NOT NULL, k.stopped_at - k.started_at
         FROM clock k INDEXED BY clock_decided JOIN conversation c ON c.id = k.conversation_id
         WHERE k.due_at IS NOT NULL AND coalesce(k.breached_at, k.stopped_at) IS NOT NULL
           AND ?1 <= coalesce(k.breached_at, k.stopped_at) AND coalesce(k.breached_at, k.stopped_at) < ?2
           AND c.is_deleted = 0",
        (ask.from, ask.to),
        |row| {
            let what = Occurrence { policy: id_or_zero(row, 6)?, ..Occurrence::from_row(row)? };
            Ok(Decided { what, target: row.get(7)?, is_breached: row.get(8)?, span: row.get(9)? })
        },
    )
}
