//! Orders that people set by hand: of routing rules, triggers and SLA policies. Positions count from 1.

use crate::error::{Error, Result};

/// Where one of them moves to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Up,
    Down,
    At(i64),
}

/// The order after `id` has moved; `field` is what named the position.
pub fn moved<Id: PartialEq>(mut order: Vec<Id>, id: &Id, place: Place, field: &str) -> Result<Vec<Id>> {
    let Some(from) = order.iter().position(|other| other == id) else { return Ok(order) };
    let last = order.len();
    let to = match place {
        Place::Up => from.saturating_sub(1),
        Place::Down => (from + 1).min(last - 1),
        Place::At(position) => usize::try_from(position)
            .ok()
            .filter(|position| (1..=last).contains(position))
            .ok_or_else(|| Error::invalid(field, format!("must be between 1 and {last}, not {position}")))?
            .saturating_sub(1),
    };
    let one = order.remove(from);
    order.insert(to, one);
    Ok(order)
}
