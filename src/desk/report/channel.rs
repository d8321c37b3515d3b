//! Channels (contract 23.4): messages of agents and contacts on conversations of each channel, notes left out.

use super::{Ask, Metric, Slot, allow, occurrences};
use crate::db::Snapshot;
use crate::desk::Actor;
use crate::desk::code::Channel;
use crate::error::Result;

#[derive(Debug, Clone)]
pub struct Channels {
    /// Messages of each channel, in the order of `Channel::ALL`.
    pub rows: Vec<(Slot, Vec<i64>)>,
    pub total: Vec<i64>,
}

pub fn report(s: &Snapshot<'_>, by: &Actor, ask: &Ask) -> Result<Channels> {
    allow(by)?;
    ask.check()?;
    let slots = ask.slots(s)?;
    let mut rows: Vec<(Slot, Vec<i64>)> =
        slots.iter().map(|slot| (slot.clone(), vec![0; Channel::ALL.len()])).collect();
    let mut total = vec![0; Channel::ALL.len()];
    for it in occurrences(s, Metric::Messages, ask.scope, ask.from, ask.to)? {
        let Some(channel) = Channel::ALL.iter().position(|channel| *channel as i64 == it.channel) else {
            continue;
        };
        if let Some(slot) = ask.slot_of(&slots, &it) {
            rows[slot].1[channel] += 1;
            total[channel] += 1;
        }
    }
    Ok(Channels { rows, total })
}
