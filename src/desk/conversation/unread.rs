//! How many conversations wait unread in each filter (contract 11.11): one pass over the unread ones, of which there are
//! few, whatever the number of filters.

use rusqlite::ToSql;

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
    let mut sql = String::from("SELECT count(*)");
    for filter in filters {
        let condition = match filter {
            Narrowing::System(filter) => ["1", filter.condition()].concat(),
            Narrowing::Own(predicate) => rules.filter(predicate),
        };
        sql.push_str(", count(*) FILTER (WHERE ");
        sql.push_str(&condition);
        sql.push_str(
            "), count(*) FILTER (WHERE EXISTS (SELECT 1 FROM mention u WHERE u.agent_id = :agent
            AND u.is_read = 0 AND u.conversation_id = c.id) AND ",
        );
        sql.push_str(&condition);
        sql.push(')');
    }
    sql.push_str(
        " FROM conversation c INDEXED BY conversation_unread WHERE c.is_deleted = 0 AND c.is_read = 0 AND ",
    );
    sql.push_str(VISIBLE);
    sql.push_str(aside.condition());
    let mut params = visibility.params();
    params.extend(rules.params().collect::<Vec<(&str, &dyn ToSql)>>());
    let found = s.one(&sql, params.as_slice(), |row| {
        let mut counts = vec![Unread::default(); filters.len()];
        for (index, count) in counts.iter_mut().enumerate() {
            let column = 1 + 2 * index;
            *count = Unread { conversations: row.get(column)?, mentions: row.get(column + 1)? };
        }
        Ok((row.get(0)?, counts))
    })?;
    Ok(found.unwrap_or_default())
}
