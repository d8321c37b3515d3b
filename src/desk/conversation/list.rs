//! Lists of conversations. The SQL is put together from fixed fragments only: the filters and orders named here.
//! A page is found by a narrow walk over an index and only then widened (deferred join).

use rusqlite::ToSql;

use super::{Conversation, VISIBLE, Visibility, columns, complete, from_row};
use crate::db::Snapshot;
use crate::desk::{Actor, Page, Paging};
use crate::error::Result;
use crate::ids::{ContactId, TagId};
use crate::time::Timestamp;

/// The filters every console has (contract 13.1). Ids 1 to 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    All,
    MyOpen,
    MyDepartmentOpen,
    Unassigned,
    MentionedMe,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sort {
    #[default]
    LastReplyTime,
    LastActivityTime,
    Priority,
    Status,
    /// What is due soonest, or latest; what is never due comes last either way.
    NextSlaBreach,
}

#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    pub filter: Option<Filter>,
    pub tag: Option<TagId>,
    pub contact: Option<ContactId>,
    /// Bounds of the last reply, or of the creation where there is none (contract 11.6).
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub sort: Sort,
    pub is_ascending: bool,
    pub paging: Paging,
    /// Stop counting here: a list that only says "more than 10,000" need not count a million.
    pub count_limit: Option<i64>,
}

impl Filter {
    pub const ALL: [Self; 6] =
        [Self::All, Self::MyOpen, Self::MyDepartmentOpen, Self::Unassigned, Self::MentionedMe, Self::Closed];

    /// Condition on `conversation c` and on the parameters of `Visibility`.
    fn condition(self) -> &'static str {
        match self {
            Self::All => "",
            Self::MyOpen => " AND c.agent_assignee_id = :agent AND c.status < 5",
            Self::MyDepartmentOpen => {
                " AND c.department_assignee_id IN (SELECT value FROM json_each(:departments)) AND c.status < 5"
            }
            Self::Unassigned => " AND c.agent_assignee_id IS NULL AND c.status < 5",
            Self::MentionedMe => " AND c.id IN (SELECT conversation_id FROM mention WHERE agent_id = :agent)",
            Self::Closed => " AND c.status = 5",
        }
    }
}

impl Sort {
    /// The descending order; ties by id, the newest first. Priority 1 is urgent, so that descending is by low numbers.
    fn order(self, is_ascending: bool) -> &'static str {
        match (self, is_ascending) {
            (Self::LastReplyTime, false) => "c.listed_at DESC, c.id DESC",
            (Self::LastReplyTime, true) => "c.listed_at, c.id DESC",
            (Self::LastActivityTime, false) => "c.last_activity_at DESC, c.id DESC",
            (Self::LastActivityTime, true) => "c.last_activity_at, c.id DESC",
            (Self::Priority, false) => "c.priority, c.listed_at DESC, c.id DESC",
            (Self::Priority, true) => "c.priority DESC, c.listed_at DESC, c.id DESC",
            (Self::Status, false) => "c.status DESC, c.listed_at DESC, c.id DESC",
            (Self::Status, true) => "c.status, c.listed_at DESC, c.id DESC",
            (Self::NextSlaBreach, false) => "c.next_breach_at DESC NULLS LAST, c.id DESC",
            (Self::NextSlaBreach, true) => "c.next_breach_at NULLS LAST, c.id DESC",
        }
    }
}

/// A page of the conversations that the caller may see, deleted ones left out, and how many there are in all.
pub fn list(s: &Snapshot<'_>, by: &Actor, query: &ListQuery) -> Result<Page<Conversation>> {
    let visibility = Visibility::of(by);
    let order = query.sort.order(query.is_ascending);
    let found = conditions(query, &visibility);
    let (size, offset) = (query.paging.size, query.paging.offset());
    let sql = [
        "SELECT ",
        &columns(),
        " FROM (SELECT c.id FROM conversation c WHERE ",
        &found,
        " ORDER BY ",
        order,
        " LIMIT :size OFFSET :offset) page JOIN conversation c ON c.id = page.id WHERE ",
        TAKES_ALL,
        " ORDER BY ",
        order,
    ]
    .concat();
    let mut params = visibility.edit_params();
    params.extend(query.params());
    params.extend([(":size", &size as &dyn ToSql), (":offset", &offset)]);
    let mut items = s.all(&sql, params.as_slice(), from_row)?;
    complete(s, &mut items)?;

    Ok(Page { items, total: count(s, query, &visibility, &found)? })
}

/// How many there are in all. Counting a narrow walk with a limit costs twice as much as counting it bare, so the limit
/// is only spelt where there is one.
fn count(s: &Snapshot<'_>, query: &ListQuery, visibility: &Visibility, found: &str) -> Result<i64> {
    let mut params = visibility.params();
    params.extend(query.params());
    match &query.count_limit {
        None => {
            let sql = ["SELECT count(*) FROM conversation c WHERE ", found, " AND ", TAKES_ALL].concat();
            s.number(&sql, params.as_slice())
        }
        Some(limit) => {
            params.push((":limit", limit));
            let inner = ["SELECT 1 FROM conversation c WHERE ", found, " LIMIT :limit"].concat();
            let sql = ["SELECT count(*) FROM (", &inner, ") WHERE ", TAKES_ALL].concat();
            s.number(&sql, params.as_slice())
        }
    }
}

/// Names every parameter that `params` binds: SQLite refuses to bind a name that the text does not hold.
const TAKES_ALL: &str =
    "(1 OR :tag IS :contact_id IS :from IS :to IS :sees_all IS :agent IS :contact IS :departments
    IS :sees_departments IS :sees_no_department)";

impl ListQuery {
    fn params(&self) -> super::Named<'_> {
        vec![
            (":tag", &self.tag as &dyn ToSql),
            (":contact_id", &self.contact),
            (":from", &self.from),
            (":to", &self.to),
        ]
    }
}

/// Conditions that are not asked for are left out, so that the planner sees which index serves.
fn conditions(query: &ListQuery, visibility: &Visibility) -> String {
    let mut sql = String::from("c.is_deleted = 0");
    sql.push_str(query.filter.map_or("", Filter::condition));
    if query.tag.is_some() {
        sql.push_str(" AND c.id IN (SELECT conversation_id FROM conversation_tag WHERE tag_id = :tag)");
    }
    if query.contact.is_some() {
        sql.push_str(" AND c.contact_id = :contact_id");
    }
    if query.from.is_some() {
        sql.push_str(" AND :from <= c.listed_at");
    }
    if query.to.is_some() {
        sql.push_str(" AND c.listed_at <= :to");
    }
    if !visibility.sees_all {
        sql.push_str(" AND ");
        sql.push_str(VISIBLE);
    }
    sql
}

/// Unread conversations of one filter, as the rail shows them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unread {
    pub conversations: i64,
    /// Of those in the filter, the ones with a mention of the caller that they have not read.
    pub mentions: i64,
}

/// Unread counts of every system filter, in the order of `Filter::ALL`, in one pass over the unread conversations.
pub fn unread(s: &Snapshot<'_>, by: &Actor) -> Result<[Unread; 6]> {
    let visibility = Visibility::of(by);
    let mut sql = String::from("SELECT ");
    for (index, filter) in Filter::ALL.into_iter().enumerate() {
        if 0 < index {
            sql.push_str(", ");
        }
        sql.push_str("count(*) FILTER (WHERE 1");
        sql.push_str(filter.condition());
        sql.push_str(
            "), count(*) FILTER (WHERE EXISTS (SELECT 1 FROM mention u WHERE u.agent_id = :agent
            AND u.is_read = 0 AND u.conversation_id = c.id)",
        );
        sql.push_str(filter.condition());
        sql.push(')');
    }
    sql.push_str(
        " FROM conversation c INDEXED BY conversation_unread WHERE c.is_deleted = 0 AND c.is_read = 0 AND ",
    );
    sql.push_str(VISIBLE);
    let counts = s.one(&sql, visibility.params().as_slice(), |row| {
        let mut counts = [Unread::default(); 6];
        for (index, count) in counts.iter_mut().enumerate() {
            *count = Unread { conversations: row.get(2 * index)?, mentions: row.get(2 * index + 1)? };
        }
        Ok(counts)
    })?;
    Ok(counts.unwrap_or_default())
}
