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
use crate::ids::{ContactId, ConversationId, TagId};
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

/// Whether conversations that are put aside are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Aside {
    #[default]
    Shown,
    Hidden,
    Alone,
}

#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    pub filter: Option<Filter>,
    pub aside: Aside,
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

impl Aside {
    /// Condition on `conversation c`.
    pub(super) fn condition(self) -> &'static str {
        match self {
            Self::Shown => "",
            Self::Hidden => " AND NOT EXISTS (SELECT 1 FROM snooze z WHERE z.conversation_id = c.id)",
            Self::Alone => " AND c.id IN (SELECT conversation_id FROM snooze)",
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

/// The ids of up to `limit` conversations of a list, whatever its page and order.
pub fn ids(s: &Snapshot<'_>, by: &Actor, query: &ListQuery, limit: i64) -> Result<Vec<ConversationId>> {
    let visibility = Visibility::of(by);
    let mut rules = Where::default();
    let conditions = conditions(query, &visibility, &mut rules);
    let list = List { s, query, visibility, rules, conditions };
    let expression = query.search.as_ref().filter(|search| search.has_words()).map(Search::expression);
    let search = expression.as_deref().map(|expression| Match { expression, lowest: None });
    let scope = Scope { from: query.from, search };
    let sql = ["SELECT c.id FROM ", &list.found(&scope), " AND ", TAKES_ALL, " LIMIT :limit"].concat();
    let mut params = list.visibility.params();
    params.extend(list.params(&scope));
    params.push((":limit", &limit));
    s.all(&sql, params.as_slice(), |row| row.get(0))
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

    fn page_sql(&self, scope: &Scope<'_>) -> String {
        let order = self.query.sort.order(self.query.is_ascending);
        [
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
        .concat()
    }

    fn page(&self, scope: &Scope<'_>) -> Result<Vec<Conversation>> {
        let (size, offset) = (self.query.paging.size, self.query.paging.offset());
        let mut params = self.visibility.edit_params();
        params.extend(self.params(scope));
        params.extend([(":size", &size as &dyn ToSql), (":offset", &offset)]);
        self.s.all(&self.page_sql(scope), params.as_slice(), from_row)
    }

    /// Counting a narrow walk with a limit costs twice as much as counting it bare, so the limit is only spelt where there
    /// is one.
    fn count_sql(&self, scope: &Scope<'_>) -> String {
        let found = self.found(scope);
        match self.query.count_limit {
            None => ["SELECT count(*) FROM ", &found, " AND ", TAKES_ALL].concat(),
            Some(_) => {
                ["SELECT count(*) FROM (SELECT 1 FROM ", &found, " LIMIT :limit) WHERE ", TAKES_ALL].concat()
            }
        }
    }

    /// How many there are in all.
    fn count(&self, scope: &Scope<'_>) -> Result<i64> {
        let mut params = self.visibility.params();
        params.extend(self.params(scope));
        if let Some(limit) = &self.query.count_limit {
            params.push((":limit", limit));
        }
        self.s.number(&self.count_sql(scope), params.as_slice())
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
            && self.aside == Aside::Shown
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
    sql.push_str(query.aside.condition());
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::{Db, Hooks};
    use crate::demo;
    use crate::desk::condition;
    use crate::rules::{Condition, Formula, MatchType, field};
    use crate::time::Clock;

    /// What SQLite means to do for the page and for the count.
    fn plans(
        s: &Snapshot<'_>,
        query: &ListQuery,
        scope: impl Fn(&List<'_, '_>) -> Vec<[String; 2]>,
    ) -> Vec<[String; 2]> {
        let visibility = Visibility::of(&Actor::System);
        let mut rules = Where::default();
        let conditions = conditions(query, &visibility, &mut rules);
        scope(&List { s, query, visibility, rules, conditions })
    }

    fn explain(list: &List<'_, '_>, scope: &Scope<'_>) -> [String; 2] {
        let explain = |sql: &str, params: &[(&str, &dyn ToSql)]| {
            let sql = ["EXPLAIN QUERY PLAN ", sql].concat();
            list.s.all(&sql, params, |row| row.get::<_, String>(3)).unwrap().join("\n")
        };
        let mut page = list.visibility.edit_params();
        page.extend(list.params(scope));
        page.extend([(":size", &50 as &dyn ToSql), (":offset", &0)]);
        let mut count = list.visibility.params();
        count.extend(list.params(scope));
        [explain(&list.page_sql(scope), &page), explain(&list.count_sql(scope), &count)]
    }

    fn plain(s: &Snapshot<'_>, query: &ListQuery) -> [String; 2] {
        let explained = plans(s, query, |list| {
            let scope = Scope { from: query.from, ..Scope::default() };
            vec![explain(list, &scope)]
        });
        explained.into_iter().next().unwrap()
    }

    fn asks(s: &Snapshot<'_>, asked: &[(crate::ids::FieldId, MatchType, &str)]) -> Predicate {
        let conditions = asked.iter().zip(1..).map(|((field, match_type, value), number)| Condition {
            id: None,
            number,
            field: *field,
            match_type: *match_type,
            value: (*value).to_owned(),
        });
        let moment = condition::moment(s, Clock::System.now(), &Actor::System, None).unwrap();
        let formula = Formula { conditions: conditions.collect(), ..Formula::default() };
        condition::predicate(s, &moment, &formula).unwrap()
    }

    fn with_file(test: impl FnOnce(&Snapshot<'_>)) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("anytime.db");
        let plan = demo::Plan { conversations: 3000, seed: 7 };
        demo::create(&path, &Clock::System, &plan, "hash").unwrap();
        let hooks = Hooks { prepare: crate::rules::text::register, ..Hooks::default() };
        let db = Db::open(&path, Clock::System, hooks).unwrap();
        db.read(|s| {
            test(s);
            Ok(())
        })
        .unwrap();
    }

    /// The planner's free choice was hundreds of times wrong on a million rows: what it does is pinned here.
    #[test]
    fn the_hot_lists_walk_their_indexes() {
        with_file(|s| {
            let from = Some(Clock::System.now().minus(Duration::from_secs(30 * 24 * 3600)));
            let window = ListQuery { from, ..ListQuery::default() };
            let all = ListQuery::default();
            let by = |filter| ListQuery { filter: Some(filter), ..ListQuery::default() };
            let sort = |sort| ListQuery { sort, ..ListQuery::default() };
            let urgent = asks(
                s,
                &[(field::PRIORITY, MatchType::Is, "urgent"), (field::STATUS, MatchType::IsNot, "closed")],
            );
            let agent = asks(s, &[(field::AGENT_ASSIGNEE, MatchType::Is, "1")]);
            for (what, query, indexes) in [
                ("the default list", &window, &["conversation_listed"][..]),
                ("everything", &all, &["conversation_listed", "conversation_activity"]),
                ("open of nobody", &by(Filter::Unassigned), &["conversation_open", "conversation_agent"]),
                ("open of an agent", &by(Filter::MyOpen), &["conversation_agent", "conversation_open"]),
                (
                    "closed",
                    &by(Filter::Closed),
                    &["conversation_status", "conversation_listed", "conversation_activity"],
                ),
                (
                    "by activity",
                    &sort(Sort::LastActivityTime),
                    &["conversation_activity", "conversation_listed"],
                ),
                (
                    "by priority",
                    &sort(Sort::Priority),
                    &["conversation_priority", "conversation_listed", "conversation_activity"],
                ),
                (
                    "by status",
                    &sort(Sort::Status),
                    &["conversation_status", "conversation_listed", "conversation_activity"],
                ),
                (
                    "a saved filter",
                    &ListQuery { predicates: vec![urgent], ..ListQuery::default() },
                    &["conversation_open", "conversation_priority", "conversation_status"],
                ),
                (
                    "conditions on an agent",
                    &ListQuery { predicates: vec![agent], ..ListQuery::default() },
                    &["conversation_agent"],
                ),
                (
                    "a contact's",
                    &ListQuery { contact: Some(ContactId(1)), ..ListQuery::default() },
                    &["conversation_contact"],
                ),
            ] {
                for plan in plain(s, query) {
                    let used = indexes.iter().any(|index| plan.contains(&[" ", index].concat()));
                    assert!(used, "{what} does not use {indexes:?}:\n{plan}");
                    assert!(
                        !plan.contains("SCAN c\n") && !plan.ends_with("SCAN c"),
                        "{what} reads it all:\n{plan}"
                    );
                }
            }
            let ordered = plain(s, &window)[0].clone();
            assert!(ordered.matches("USE TEMP B-TREE FOR ORDER BY").count() <= 1, "{ordered}");
        });
    }

    #[test]
    fn a_search_walks_the_window_or_the_matches_and_never_the_table() {
        with_file(|s| {
            let query = ListQuery::default();
            let explained = plans(s, &query, |list| {
                let window = list.window(Clock::System.now().minus(WALK), "\"a\"").unwrap();
                let ever = Scope { from: None, search: Some(Match { expression: "\"a\"", lowest: None }) };
                [window, ever].iter().map(|scope| explain(list, scope)).collect()
            });
            for plan in &explained[0] {
                assert!(plan.contains("conversation_listed"), "{plan}");
            }
            for plan in &explained[1] {
                let matches = plan.find("search VIRTUAL TABLE").expect(plan);
                let rows = plan.find("SEARCH c USING INTEGER PRIMARY KEY").expect(plan);
                assert!(matches < rows, "{plan}");
            }
        });
    }
}
