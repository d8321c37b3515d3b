//! One change to many conversations: all of them or none (contract 11.7).

use super::{Conversation, ConversationChange, editable, update};
use crate::db::Tx;
use crate::desk::Actor;
use crate::error::{Error, Result};
use crate::ids::ConversationId;

/// Conversations that one call may name: more would hold up everybody else's writes.
pub const MOST: usize = 1000;

/// Applies the change to each, in the order given. One that the caller may not change refuses the whole.
pub fn update_all(
    tx: &Tx<'_>,
    by: &Actor,
    ids: &[ConversationId],
    change: &ConversationChange,
) -> Result<Vec<Conversation>> {
    let ids = check(ids)?;
    for id in &ids {
        editable(tx, by, *id)?;
    }
    ids.into_iter().map(|id| update(tx, by, id, change)).collect()
}

/// The ids without repetitions; none at all never means "all".
pub(super) fn check(ids: &[ConversationId]) -> Result<Vec<ConversationId>> {
    if ids.is_empty() {
        return Err(Error::invalid("ids", "is empty: name at least one conversation"));
    }
    let mut unique: Vec<ConversationId> = Vec::with_capacity(ids.len());
    let mut seen = std::collections::HashSet::new();
    unique.extend(ids.iter().filter(|id| seen.insert(**id)));
    if MOST < unique.len() {
        return Err(Error::invalid("ids", format!("names {} conversations; at most {MOST}", unique.len())));
    }
    Ok(unique)
}
