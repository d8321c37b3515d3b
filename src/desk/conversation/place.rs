//! The orders of lists, and places in them: the next page of a list begins after the last conversation of this one,
//! wherever that stands by then, and finding it costs the same for every page.

use rusqlite::ToSql;

use super::Conversation;
use crate::ids::ConversationId;

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

/// Where a conversation stands in an order: what it is sorted by, then its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    keys: Vec<Option<i64>>,
}

/// The side of a place that a page is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Beside {
    After(Place),
    Before(Place),
}

/// What an order compares, `column` of `conversation c`. What is NULL comes last.
struct Term {
    column: &'static str,
    is_descending: bool,
}

/// Names of the parameters that hold a place.
const KEYS: [&str; 3] = [":place0", ":place1", ":place2"];

impl Sort {
    /// The descending order; ties by id, the newest first. Priority 1 is urgent, so that descending is by low numbers.
    fn terms(self, is_ascending: bool) -> Vec<Term> {
        let term = |column, is_descending| Term { column, is_descending };
        let (listed, id) = (term("c.listed_at", true), term("c.id", true));
        match self {
            Self::LastReplyTime => vec![term("c.listed_at", !is_ascending), id],
            Self::LastActivityTime => vec![term("c.last_activity_at", !is_ascending), id],
            Self::Priority => vec![term("c.priority", is_ascending), listed, id],
            Self::Status => vec![term("c.status", !is_ascending), listed, id],
            Self::NextSlaBreach => vec![term("c.next_breach_at", !is_ascending), id],
        }
    }

    /// For ORDER BY; `is_back` is from the list's end to its beginning.
    pub(super) fn order(self, is_ascending: bool, is_back: bool) -> String {
        let mut sql = String::new();
        for term in self.terms(is_ascending) {
            if !sql.is_empty() {
                sql.push_str(", ");
            }
            sql.push_str(term.column);
            if term.is_descending != is_back {
                sql.push_str(" DESC");
            }
            if term.can_be_null() {
                sql.push_str(if is_back { " NULLS FIRST" } else { " NULLS LAST" });
            }
        }
        sql
    }
}

impl Term {
    fn can_be_null(&self) -> bool {
        self.column == "c.next_breach_at"
    }
}

impl Place {
    /// Of a conversation in an order.
    pub fn of(conversation: &Conversation, sort: Sort) -> Self {
        let listed = conversation.last_replied_at.unwrap_or(conversation.created_at).millis();
        let first = match sort {
            Sort::LastReplyTime => vec![Some(listed)],
            Sort::LastActivityTime => vec![Some(conversation.last_activity_at.millis())],
            Sort::Priority => vec![Some(conversation.priority as i64), Some(listed)],
            Sort::Status => vec![Some(conversation.status as i64), Some(listed)],
            Sort::NextSlaBreach => vec![conversation.sla.next_breach_at.map(|at| at.millis())],
        };
        let ConversationId(id) = conversation.id;
        Self { keys: first.into_iter().chain([Some(id)]).collect() }
    }

    /// As it stands in addresses: numbers with points between them, `-` where there is none.
    pub fn text(&self) -> String {
        let key = |key: &Option<i64>| key.map_or_else(|| "-".to_owned(), |number| number.to_string());
        self.keys.iter().map(key).collect::<Vec<_>>().join(".")
    }

    /// `None` when the text is no place in this order.
    pub fn parse(text: &str, sort: Sort) -> Option<Self> {
        let keys: Option<Vec<Option<i64>>> = (text.split('.'))
            .map(|key| if key == "-" { Some(None) } else { key.parse().ok().map(Some) })
            .collect();
        let (keys, terms) = (keys?, sort.terms(false));
        let fits = keys.len() == terms.len()
            && keys.iter().zip(&terms).all(|(key, term)| key.is_some() || term.can_be_null());
        fits.then_some(Self { keys })
    }
}

impl Beside {
    pub(super) fn is_back(&self) -> bool {
        matches!(self, Self::Before(_))
    }

    fn place(&self) -> &Place {
        match self {
            Self::After(place) | Self::Before(place) => place,
        }
    }

    /// What is on this side of the place, as conditions, the nearest first: each is one stretch of an index. First what
    /// differs in the id alone, at last what differs in the first key.
    pub(super) fn stretches(&self, sort: Sort, is_ascending: bool) -> Vec<String> {
        let terms = sort.terms(is_ascending);
        let mut stretches = Vec::new();
        for last in (0..terms.len()).rev() {
            let mut same = String::new();
            for (term, key) in terms[..last].iter().zip(KEYS) {
                same.push_str(" AND ");
                same.push_str(term.column);
                same.push_str(if term.can_be_null() { " IS " } else { " = " });
                same.push_str(key);
            }
            let (term, key) = (&terms[last], KEYS[last]);
            let column = term.column;
            let goes_down = term.is_descending != self.is_back();
            let beyond = [" AND ", column, if goes_down { " < " } else { " > " }, key].concat();
            match (self.place().keys[last].is_some(), self.is_back()) {
                (true, false) if term.can_be_null() => {
                    stretches.extend([
                        [&same, beyond.as_str()].concat(),
                        [&same, " AND ", column, " IS NULL"].concat(),
                    ]);
                }
                (true, _) => stretches.push([&same, beyond.as_str()].concat()),
                (false, true) => stretches.push([&same, " AND ", column, " IS NOT NULL"].concat()),
                (false, false) => {}
            }
        }
        stretches
    }

    /// What the stretches bind, of the names that a statement holds.
    pub(super) fn params(&self) -> impl Iterator<Item = (&str, &dyn ToSql)> {
        KEYS.into_iter().zip(&self.place().keys).map(|(name, key)| (name, key as &dyn ToSql))
    }
}
