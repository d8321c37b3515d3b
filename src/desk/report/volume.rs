//! Volume (contract 23.3): created, closed, replied, reopened and open conversations.

use super::{Ask, Dimension, Metric, Slot, allow, count_distinct, occurrence, occurrences};
use crate::db::Snapshot;
use crate::desk::Actor;
use crate::error::Result;

#[derive(Debug, Clone)]
pub struct Volume {
    pub rows: Vec<(Slot, Counts)>,
    /// Sums of the rows; of open ones by time those at the end.
    pub total: Counts,
    /// What shares of open ones are taken of: the sum of the rows.
    pub open_sum: i64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub created: i64,
    pub closed: i64,
    pub replied: i64,
    pub reopened: i64,
    pub open: i64,
}

pub fn report(s: &Snapshot<'_>, by: &Actor, ask: &Ask) -> Result<Volume> {
    allow(by)?;
    ask.check()?;
    let slots = ask.slots(s)?;
    let count = |metric| -> Result<Vec<i64>> {
        Ok(count_distinct(ask, &slots, &occurrences(s, metric, ask.scope, ask.from, ask.to)?))
    };
    let (created, closed) = (count(Metric::Created)?, count(Metric::Closed)?);
    let (replied, reopened) = (count(Metric::Replied)?, count(Metric::Reopened)?);
    let open = open(s, ask, &slots)?;
    let rows: Vec<(Slot, Counts)> = slots
        .into_iter()
        .enumerate()
        .map(|(at, slot)| {
            let counts = Counts {
                created: created[at],
                closed: closed[at],
                replied: replied[at],
                reopened: reopened[at],
                open: open[at],
            };
            (slot, counts)
        })
        .collect();
    let sum = |part: fn(&Counts) -> i64| rows.iter().map(|(_, counts)| part(counts)).sum::<i64>();
    let open_sum = sum(|counts| counts.open);
    let total = Counts {
        created: sum(|counts| counts.created),
        closed: sum(|counts| counts.closed),
        replied: sum(|counts| counts.replied),
        reopened: sum(|counts| counts.reopened),
        open: match ask.dimension {
            Dimension::Time => rows.last().map_or(0, |(_, counts)| counts.open),
            _ => open_sum,
        },
    };
    Ok(Volume { rows, total, open_sum })
}

/// Conversations of four numbers since `from`: the tiles of today.
pub fn since(s: &Snapshot<'_>, by: &Actor, ask: &Ask) -> Result<Counts> {
    allow(by)?;
    let whole = [Slot { id: 1, name: String::new(), from: ask.from, to: ask.to }];
    let ask = Ask { dimension: Dimension::Time, ..ask.clone() };
    let count = |metric| -> Result<i64> {
        Ok(count_distinct(&ask, &whole, &occurrences(s, metric, ask.scope, ask.from, ask.to)?)[0])
    };
    Ok(Counts {
        created: count(Metric::Created)?,
        closed: count(Metric::Closed)?,
        replied: count(Metric::Replied)?,
        reopened: count(Metric::Reopened)?,
        open: 0,
    })
}

/// Open ones at the end of each slot, by who has them now.
fn open(s: &Snapshot<'_>, ask: &Ask, slots: &[Slot]) -> Result<Vec<i64>> {
    if ask.dimension != Dimension::Time {
        return Ok(count_distinct(ask, slots, &occurrences(s, Metric::Open, ask.scope, ask.from, ask.to)?));
    }
    // Each stretch of being open covers the buckets whose ends lie in it: one more from the first of them on, one fewer
    // after the last.
    let mut change = vec![0_i64; slots.len() + 1];
    for (opened, stopped) in occurrence::open_stretches(s, ask.scope, ask.from, ask.to)? {
        let first = slots.partition_point(|slot| slot.to.millis() <= opened);
        let after = stopped.map_or(slots.len(), |at| slots.partition_point(|slot| slot.to.millis() <= at));
        if first < after {
            change[first] += 1;
            change[after] -= 1;
        }
    }
    let mut count = 0;
    Ok(change[..slots.len()]
        .iter()
        .map(|change| {
            count += change;
            count
        })
        .collect())
}
