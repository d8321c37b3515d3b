//! Lists of conversations. The SQL is put together from fixed fragments only: the filters and orders named here.
//! A page is found by a narrow walk over an index and only then widened (deferred join). Conditions come from `rules::sql`,
//! words from the full-text index.

use std::time::Duration;

use rusqlite::ToSql;

use super::place::{Beside, Sort};
use super::{Conversation, VISIBLE, Visibility, columns, complete, from_row, tally};
use crate::db::Snapshot;
use crate::desk::search::Search;
use crate::desk::{Actor, Page, Paging};
use crate::error::Result;
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
    /// Instead of the page's number: the conversation that it is next to.
    pub beside: Option<Beside>,
    /// One conversation more than the page has, to see whether there is another page.
    pub peeks: bool,
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

/// A page of the conversations that the caller may see, deleted ones left out, and how many there are in all.
pub fn list(s: &Snapshot<'_>, by: &Actor, query: &ListQuery) -> Result<Page<Conversation>> {
    let visibility = Visibility::of(by);
    let mut rules = Where::default();
    let conditions = conditions(query, &visibility, &mut rules);
    let list = List { s, query, visibility, rules, conditions };
    let (mut items, total) = match query.search.as_ref().filter(|search| search.has_words()) {
        None => {
            let scope = Scope { from: list.from()?, ..Scope::default() };
            (list.page(&scope)?, list.total(&scope)?)
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
        let newest = self.edge("SELECT max(listed_at) FROM conversation WHERE is_deleted = 0")?;
        let from = self.from()?;
        if let Some(from) = from.filter(|from| newest.minus(WALK) <= *from) {
            let scope = self.window(from, expression)?;
            return Ok((self.page(&scope)?, self.count(&scope)?));
        }
        let everywhere = Scope { from, search: Some(Match { expression, lowest: None }) };
        let is_back = self.query.beside.as_ref().is_some_and(Beside::is_back);
        let is_newest_first = self.query.sort == Sort::LastReplyTime && !self.query.is_ascending && !is_back;
        let wanted = self.query.wanted();
        let mut items = Vec::new();
        for step in STEPS.into_iter().filter(|_| is_newest_first) {
            items = self.page(&self.window(newest.minus(step), expression)?)?;
            if items.len() as i64 == wanted {
                break;
            }
        }
        if (items.len() as i64) < wanted {
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

    /// Where the window begins; `None` where it leaves nothing out.
    fn from(&self) -> Result<Option<Timestamp>> {
        let Some(from) = self.query.from else { return Ok(None) };
        let oldest = self.edge("SELECT min(listed_at) FROM conversation WHERE is_deleted = 0")?;
        Ok(Some(from).filter(|from| oldest < *from))
    }

    fn edge(&self, sql: &str) -> Result<Timestamp> {
        Ok(Timestamp::from_millis(self.s.number(sql, [])?))
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

    /// `stretch` narrows it further.
    fn page_sql(&self, scope: &Scope<'_>, stretch: &str) -> String {
        let is_back = self.query.beside.as_ref().is_some_and(Beside::is_back);
        let order = self.query.sort.order(self.query.is_ascending, is_back);
        [
            "SELECT ",
            &columns(),
            " FROM (SELECT c.id FROM ",
            &self.found(scope),
            stretch,
            " ORDER BY ",
            &order,
            " LIMIT :size OFFSET :offset) page JOIN conversation c ON c.id = page.id WHERE ",
            TAKES_ALL,
            " ORDER BY ",
            &order,
        ]
        .concat()
    }

    fn page(&self, scope: &Scope<'_>) -> Result<Vec<Conversation>> {
        let wanted = self.query.wanted();
        let Some(beside) = &self.query.beside else {
            return self.part(scope, "", wanted, self.query.paging.offset());
        };
        let mut items = Vec::new();
        for stretch in beside.stretches(self.query.sort, self.query.is_ascending) {
            let missing = wanted - items.len() as i64;
            if 0 < missing {
                items.extend(self.part(scope, &stretch, missing, 0)?);
            }
        }
        if beside.is_back() {
            items.reverse();
        }
        Ok(items)
    }

    fn part(&self, scope: &Scope<'_>, stretch: &str, size: i64, offset: i64) -> Result<Vec<Conversation>> {
        let mut params = self.visibility.edit_params();
        params.extend(self.params(scope));
        params.extend([(":size", &size as &dyn ToSql), (":offset", &offset)]);
        if let Some(beside) = &self.query.beside {
            params.extend(beside.params().filter(|(name, _)| stretch.contains(name)));
        }
        self.s.all(&self.page_sql(scope, stretch), params.as_slice(), from_row)
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

    /// How many there are in all, without counting where that is written down.
    fn total(&self, scope: &Scope<'_>) -> Result<i64> {
        if scope.from.is_some() || !self.query.is_tallied() {
            return self.count(scope);
        }
        let mut rules = Where::default();
        let mut conditions = self.query.filter.map_or("", Filter::condition).to_owned();
        for predicate in &self.query.predicates {
            conditions.push_str(" AND ");
            conditions.push_str(&rules.filter(predicate));
        }
        let total = tally::count(self.s, &self.visibility, &conditions, &rules)?;
        Ok(self.query.count_limit.map_or(total, |limit| total.min(limit)))
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
    fn wanted(&self) -> i64 {
        self.paging.size + i64::from(self.peeks)
    }

    /// Nothing but words is asked for.
    fn is_plain(&self) -> bool {
        self.filter.is_none_or(|filter| filter == Filter::All)
            && self.predicates.is_empty()
            && self.has_no_other()
    }

    /// Only what is tallied is asked for.
    fn is_tallied(&self) -> bool {
        let mut fields = self.predicates.iter().flat_map(|predicate| predicate.clauses());
        self.filter != Some(Filter::MentionedMe)
            && fields.all(|clause| tally::FIELDS.contains(&clause.test.field()))
            && self.search.is_none()
            && self.has_no_other()
    }

    /// Nothing beside filter, predicates, words and the window's beginning.
    fn has_no_other(&self) -> bool {
        self.aside == Aside::Shown
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
