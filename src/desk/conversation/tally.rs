//! How many conversations there are by status, priority and assignees: the table `tally`, which triggers of `schema.sql`
//! keep in the transaction of each change. It has the columns of `conversation` by their names, so that a condition on
//! those means the same in both.

use super::Visibility;
use crate::db::{Snapshot, Tx};
use crate::error::Result;
use crate::ids::FieldId;
use crate::rules::field;
use crate::rules::sql::Where;

/// What conditions may ask about.
pub(super) const FIELDS: [FieldId; 4] =
    [field::STATUS, field::PRIORITY, field::AGENT_ASSIGNEE, field::DEPARTMENT_ASSIGNEE];

/// Counts everything: for a file that was filled without triggers.
pub fn build(tx: &Tx<'_>) -> Result<()> {
    tx.run("DELETE FROM tally", [])?;
    tx.run(
        "INSERT INTO tally (status, priority, agent_assignee_id, department_assignee_id, conversations)
         SELECT status, priority, agent_assignee_id, department_assignee_id, count(*) FROM conversation
         WHERE is_deleted = 0 GROUP BY status, priority, agent_assignee_id, department_assignee_id",
        [],
    )?;
    Ok(())
}

/// How many conversations an agent may see of those that `conditions` choose: conditions on what is tallied, each after
/// an AND, which bind `rules`.
pub(super) fn count(
    s: &Snapshot<'_>,
    visibility: &Visibility,
    conditions: &str,
    rules: &Where,
) -> Result<i64> {
    let mut params = visibility.params();
    params.extend(rules.params());
    let sql = ["SELECT sum(c.conversations) FROM tally c WHERE ", SEEN, conditions].concat();
    let seen = s.number(&sql, params.as_slice())?;
    if visibility.sees_all {
        return Ok(seen);
    }
    // A mention shows a conversation whatever its properties are.
    let sql = ["SELECT count(*) FROM conversation c WHERE NOT ", SEEN, MENTIONED, conditions].concat();
    Ok(seen + s.number(&sql, params.as_slice())?)
}

/// What `VISIBLE` says but for mentions; never NULL. Names every parameter of `Visibility::params`.
const SEEN: &str = "coalesce(:sees_all OR c.agent_assignee_id = :agent OR (:contact AND 0)
    OR (:sees_departments AND c.department_assignee_id IN (SELECT value FROM json_each(:departments)))
    OR (:sees_no_department AND c.department_assignee_id IS NULL), 0)";

const MENTIONED: &str =
    " AND c.is_deleted = 0 AND c.id IN (SELECT conversation_id FROM mention WHERE agent_id = :agent)";
