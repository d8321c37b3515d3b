//! How many conversations wait unread in each filter (contract 11.11): one pass over the unread ones, of which there are
//! few, whatever the number of filters.

use super::{Aside, VISIBLE, Visibility};
use crate::db::Snapshot;
use crate::desk::Actor;
use crate::desk::filter::Narrowing;
use crate::error::Result;
use crate::rules::sql::Where;

/// Of one filter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Unread {
    pub conversations: i64,
    /// Of those in the filter, the ones with a mention of the caller that they have not read.
    pub mentions: i64,
}

/// Filters counted in one statement: SQLite bounds the columns of a result and the parameters.
const TOGETHER: usize = 100;

/// The counts of each filter, and how many unread conversations the caller sees in all.
pub fn count(s: &Snapshot<'_>, by: &Actor, filters: &[Narrowing]) -> Result<(i64, Vec<Unread>)> {
    count_with(s, by, filters, Aside::Shown)
}

/// The counts of each filter without what is put aside.
pub fn count_at_hand(s: &Snapshot<'_>, by: &Actor, filters: &[Narrowing]) -> Result<Vec<Unread>> {
    Ok(count_with(s, by, filters, Aside::Hidden)?.1)
}

fn count_with(
    s: &Snapshot<'_>,
    by: &Actor,
    filters: &[Narrowing],
    aside: Aside,
) -> Result<(i64, Vec<Unread>)> {
    let (mut all, mut counts) = (0, Vec::with_capacity(filters.len()));
    // Also without any filter: the caller still wants the sum.
    for filters in filters.chunks(TOGETHER).chain(filters.is_empty().then_some(filters)) {
        let (sum, some) = count_some(s, by, filters, aside)?;
        all = sum;
        counts.extend(some);
    }
    Ok((all, counts))
}

fn count_some(
    s: &Snapshot<'_>,
    by: &Actor,
    filters: &[Narrowing],
    aside: Aside,
) -> Result<(i64, Vec<Unread>)> {
    let visibility = Visibility::of(by);
    let mut rules = Where::default();
    let mut columns = String::from("SELECT count(*)");
    for filter in filters {
        columns.push_str(", count(*) FILTER (WHERE ");
        match filter {
            Narrowing::System(filter) => columns.extend(["1", filter.condition()]),
            Narrowing::Own(predicate) => columns.push_str(&rules.filter(predicate)),
        }
        columns.push(')');
    }
    let mut params = visibility.params();
    params.extend(rules.params());
    let count = |from: &str| -> Result<Vec<i64>> {
        let sql = [&columns, from, " AND ", VISIBLE, aside.condition()].concat();
        let found =
            s.one(&sql, params.as_slice(), |row| (0..=filters.len()).map(|column| row.get(column)).collect());
        Ok(found?.unwrap_or_default())
    };
    let (all, mentioned) = (count(UNREAD)?, count(UNREAD_MENTIONED)?);
    let counts = all.iter().zip(&mentioned).skip(1);
    let counts =
        counts.map(|(all, mentioned)| Unread { conversations: *all, mentions: *mentioned }).collect();
    Ok((all.first().copied().unwrap_or_default(), counts))
}

const UNREAD: &str =
    " FROM conversation c INDEXED BY conversation_unread WHERE c.is_deleted = 0 AND c.is_read = 0";

/// Those with a mention of the caller that they have not read: from the mentions, of which there are few.
const UNREAD_MENTIONED: &str = " FROM conversation c WHERE c.is_deleted = 0 AND c.is_read = 0
    AND c.id IN (SELECT u.conversation_id FROM mention u WHERE u.agent_id = :agent AND u.is_read = 0)";
