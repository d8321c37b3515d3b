//! The conversations behind a number of a report, so that what it counts can be looked at.

use std::collections::{HashMap, HashSet};

use super::{Ask, Dimension, Metric, occurrences};
use crate::db::Snapshot;
use crate::desk::Actor;
use crate::desk::code::Channel;
use crate::error::Result;
use crate::ids::ConversationId;

/// Which number of a report.
#[derive(Debug, Clone, Copy)]
pub struct Number {
    pub metric: Metric,
    /// Of which row, by its id; `None` is the total.
    pub row: Option<i64>,
    /// Of which column, where columns are channels.
    pub channel: Option<Channel>,
}

/// What makes a number one larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum One {
    /// Each time that it happened.
    Occurrence,
    /// A conversation, however often it happened to it in a row.
    ConversationOfRow,
    Conversation,
}

fn one_of(metric: Metric) -> One {
    match metric {
        Metric::Messages
        | Metric::FirstAnswered
        | Metric::Answered
        | Metric::Resolved
        | Metric::FirstTarget
        | Metric::NextTarget
        | Metric::ResolveTarget => One::Occurrence,
        Metric::Created | Metric::Closed | Metric::Replied | Metric::Reopened | Metric::Open => {
            One::ConversationOfRow
        }
        Metric::Breached
        | Metric::Unassigned
        | Metric::OpenNow
        | Metric::New
        | Metric::PendingInternal
        | Metric::PendingExternal
        | Metric::OnHold
        | Metric::Urgent
        | Metric::High => One::Conversation,
    }
}

fn is_of_now(metric: Metric) -> bool {
    one_of(metric) == One::Conversation && metric != Metric::Breached
}

/// The conversations of a number, each once, the latest first, with how often it was counted: their sum is the number.
pub fn conversations(
    s: &Snapshot<'_>,
    by: &Actor,
    ask: &Ask,
    number: Number,
) -> Result<Vec<(ConversationId, i64)>> {
    super::allow(by)?;
    ask.check()?;
    let metric = number.metric;
    let slots = ask.slots(s)?;
    let wanted = number.row.map(|id| slots.iter().position(|slot| slot.id == id));
    let is_at_an_end = metric == Metric::Open && ask.dimension == Dimension::Time;
    let (from, to) = match (is_at_an_end, wanted) {
        // What is open at the end of a bucket may have begun long before it.
        (true, Some(Some(row))) => (slots[row].from, slots[row].to),
        _ => (ask.from, ask.to),
    };
    let is_in_rows = !(is_at_an_end || is_of_now(metric) && number.row.is_none());
    let mut found = occurrences(s, metric, ask.scope, from, to)?;
    found.retain(|it| number.channel.is_none_or(|channel| it.channel == channel as i64));
    found.sort_unstable_by_key(|it| std::cmp::Reverse((it.at, it.conversation)));
    let (mut order, mut times, mut seen) = (Vec::new(), HashMap::new(), HashSet::new());
    for it in found {
        let row = ask.slot_of(&slots, &it).filter(|_| is_in_rows);
        let is_wanted = match (is_in_rows, wanted) {
            (true, None) => row.is_some(),
            (true, Some(wanted)) => row.is_some() && row == wanted,
            (false, wanted) => wanted != Some(None),
        };
        if is_wanted
            && match one_of(metric) {
                One::Occurrence => true,
                One::ConversationOfRow => seen.insert((row, it.conversation)),
                One::Conversation => seen.insert((None, it.conversation)),
            }
        {
            let count = times.entry(it.conversation).or_insert(0);
            if *count == 0 {
                order.push(it.conversation);
            }
            *count += 1;
        }
    }
    Ok(order.into_iter().map(|id| (ConversationId(id), times[&id])).collect())
}
