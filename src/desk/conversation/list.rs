//! Lists of conversations. The SQL is put together from fixed fragments only: the filters and orders named here.
//! A page is found by a narrow walk over an index and only then widened (deferred join). Conditions come from `rules::sql`,
//! words from the full-text index.

use std::time::Duration;

use rusqlite::ToSql;

use super::{Conversation, VISIBLE, Visibility, columns, complete, from_row};
use crate::db::Snapshot;
use crate::desk::search::Search;
use crate::desk::{Actor, Page, Paging};
use crate::error::{Error, Result};
use crate::ids::{ContactId, TagId};
use crate::rules::Predicate;
use crate::rules::sql::Where;
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
    /// Of a filter that is not the system's, and of the request: all must hold.
    pub predicates: Vec<Predicate>,
    /// Only its words; what its operators mean is in the other properties.
    pub search: Option<Search>,
    pub has_attachment: bool,
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
    pub(super) fn condition(self) -> &'static str {
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
    let mut rules = Where::default();
    let conditions = conditions(query, &visibility, &mut rules);
    let list = List { s, query, visibility, rules, conditions };
    let (mut items, total) = match query.search.as_ref().filter(|search| search.has_words()) {
        None => {
            let scope = Scope { from: query.from, ..Scope::default() };
            (list.page(&scope)?, list.count(&scope)?)
        }
        Some(search) => list.search(&search.expression())?,
    };
    complete(s, &mut items)?;
    Ok(Page { items, total })
}

/// One list: everything but the bounds that a search sets.
struct List<'a, 'c> {
    s: &'a Snapshot<'c>,
    query: &'a ListQuery,
    visibility: Visibility,
    rules: Where,
    conditions: String,
}

/// Where conversations are looked for.
#[derive(Default)]
struct Scope<'a> {
    from: Option<Timestamp>,
    search: Option<Match<'a>>,
}

/// What must match in the full-text index.
struct Match<'a> {
    expression: &'a str,
    /// `Some` inside a window of time: the window is walked, and only documents from this id on are looked at. `None`:
    /// the documents that match are looked at one by one.
    lowest: Option<i64>,
}

/// A window of time no longer than this is walked rather than every match looked at.
const WALK: Duration = Duration::from_secs(92 * 24 * 3600);
/// The newest matches of a common word are nearly always in the first of these.
const STEPS: [Duration; 2] = [Duration::from_secs(30 * 24 * 3600), WALK];

impl List<'_, '_> {
    /// A word may be in nearly every conversation or in one, and the planner cannot know: inside a short window the window
    /// is walked, else the matches are. The newest page of all time is looked for in growing windows first.
    fn search(&self, expression: &str) -> Result<(Vec<Conversation>, i64)> {
        let edge = |sql| Ok::<_, Error>(Timestamp::from_millis(self.s.number(sql, [])?));
        let oldest = edge("SELECT min(listed_at) FROM conversation WHERE is_deleted = 0")?;
        let newest = edge("SELECT max(listed_at) FROM conversation WHERE is_deleted = 0")?;
        let from = self.query.from.filter(|from| oldest < *from);
        if let Some(from) = from.filter(|from| newest.minus(WALK) <= *from) {
            let scope = self.window(from, expression)?;
            return Ok((self.page(&scope)?, self.count(&scope)?));
        }
        let everywhere = Scope { from, search: Some(Match { expression, lowest: None }) };
        let is_newest_first = self.query.sort == Sort::LastReplyTime && !self.query.is_ascending;
        let mut items = Vec::new();
        for step in STEPS.into_iter().filter(|_| is_newest_first) {
            items = self.page(&self.window(newest.minus(step), expression)?)?;
            if items.len() as i64 == self.query.paging.size {
                break;
            }
        }
        if (items.len() as i64) < self.query.paging.size {
            items = self.page(&everywhere)?;
        }
        // The index holds what is not deleted: for somebody who sees everything it can count by itself.
        let is_plain = self.visibility.sees_all && self.query.is_plain() && from.is_none();
        let total = match is_plain {
            true => self.s.number("SELECT count(*) FROM search WHERE search MATCH ?", [expression])?,
            false => self.count(&everywhere)?,
        };
        Ok((items, total))
    }

    fn window<'e>(&self, from: Timestamp, expression: &'e str) -> Result<Scope<'e>> {
        let lowest = self.s.number(
            "SELECT min(id) FROM conversation INDEXED BY conversation_listed WHERE is_deleted = 0 AND ? <= listed_at",
            [from],
        )?;
        Ok(Scope { from: Some(from), search: Some(Match { expression, lowest: Some(lowest) }) })
    }

    /// The narrow part of a statement, from FROM on.
    fn found(&self, scope: &Scope<'_>) -> String {
        let tables = match &scope.search {
            None => "conversation c WHERE ",
            Some(Match { lowest: Some(_), .. }) => {
                "conversation c INDEXED BY conversation_listed
                 WHERE c.id IN (SELECT rowid FROM search WHERE search MATCH :match AND :lowest <= rowid) AND "
            }
            Some(Match { lowest: None, .. }) => {
                "(SELECT rowid AS id FROM search WHERE search MATCH :match) hit
                 CROSS JOIN conversation c ON c.id = hit.id WHERE "
            }
        };
        let window = if scope.from.is_some() { " AND :from <= c.listed_at" } else { "" };
        [tables, &self.conditions, window].concat()
    }

    fn page(&self, scope: &Scope<'_>) -> Result<Vec<Conversation>> {
        let order = self.query.sort.order(self.query.is_ascending);
        let (size, offset) = (self.query.paging.size, self.query.paging.offset());
        let sql = [
            "SELECT ",
            &columns(),
            " FROM (SELECT c.id FROM ",
            &self.found(scope),
            " ORDER BY ",
            order,
            " LIMIT :size OFFSET :offset) page JOIN conversation c ON c.id = page.id WHERE ",
            TAKES_ALL,
            " ORDER BY ",
            order,
        ]
        .concat();
        let mut params = self.visibility.edit_params();
        params.extend(self.params(scope));
        params.extend([(":size", &size as &dyn ToSql), (":offset", &offset)]);
        self.s.all(&sql, params.as_slice(), from_row)
    }

    /// How many there are in all. Counting a narrow walk with a limit costs twice as much as counting it bare, so the
    /// limit is only spelt where there is one.
    fn count(&self, scope: &Scope<'_>) -> Result<i64> {
        let found = self.found(scope);
        let mut params = self.visibility.params();
        params.extend(self.params(scope));
        match &self.query.count_limit {
            None => {
                let sql = ["SELECT count(*) FROM ", &found, " AND ", TAKES_ALL].concat();
                self.s.number(&sql, params.as_slice())
            }
            Some(limit) => {
                params.push((":limit", limit));
                let inner = ["SELECT 1 FROM ", &found, " LIMIT :limit"].concat();
                let sql = ["SELECT count(*) FROM (", &inner, ") WHERE ", TAKES_ALL].concat();
                self.s.number(&sql, params.as_slice())
            }
        }
    }

    fn params<'p>(&'p self, scope: &'p Scope<'_>) -> super::Named<'p> {
        let mut params = vec![
            (":tag", &self.query.tag as &dyn ToSql),
            (":contact_id", &self.query.contact),
            (":from", &scope.from),
            (":to", &self.query.to),
        ];
        params.extend(self.rules.params());
        if let Some(search) = &scope.search {
            params.push((":match", &search.expression));
            if let Some(lowest) = &search.lowest {
                params.push((":lowest", lowest));
            }
        }
        params
    }
}

/// Names every parameter that `params` binds: SQLite refuses to bind a name that the text does not hold.
const TAKES_ALL: &str =
    "(1 OR :tag IS :contact_id IS :from IS :to IS :sees_all IS :agent IS :contact IS :departments
    IS :sees_departments IS :sees_no_department)";

impl ListQuery {
    /// Nothing but words is asked for.
    fn is_plain(&self) -> bool {
        self.filter.is_none_or(|filter| filter == Filter::All)
            && self.predicates.is_empty()
            && !self.has_attachment
            && self.tag.is_none()
            && self.contact.is_none()
            && self.to.is_none()
    }
}

/// Conditions that are not asked for are left out, so that the planner sees which index serves.
fn conditions(query: &ListQuery, visibility: &Visibility, rules: &mut Where) -> String {
    let mut sql = String::from("c.is_deleted = 0");
    sql.push_str(query.filter.map_or("", Filter::condition));
    if query.tag.is_some() {
        sql.push_str(" AND c.id IN (SELECT conversation_id FROM conversation_tag WHERE tag_id = :tag)");
    }
    if query.contact.is_some() {
        sql.push_str(" AND c.contact_id = :contact_id");
    }
    for predicate in &query.predicates {
        sql.push_str(" AND ");
        sql.push_str(&rules.filter(predicate));
    }
    if query.has_attachment {
        sql.push_str(
            " AND EXISTS (SELECT 1 FROM attachment a WHERE a.conversation_id = c.id AND a.message_id IS NOT NULL)",
        );
    }
    // Words were asked for, but only of marks: nothing is found.
    if query.search.as_ref().is_some_and(Search::is_empty) {
        sql.push_str(" AND 0");
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
