//! The interpreter for every conversation at once: a predicate as a condition on `conversation c`. One of the two places
//! where SQL is put together; the pieces are constants, values are parameters, and only numbers of closed lists are
//! written out, because a partial index serves only literals.
//!
//! SQL's third truth value never decides: a test on a missing value is NULL, which a WHERE takes for false, and a
//! negated test is spelt so that NULL becomes true.

use rusqlite::ToSql;

use super::field;
use super::{Compare, Logic, Predicate, Test, Value};
use crate::ids::FieldId;

/// The conditions of one statement and the values they bind, as `:r0`, `:r1` …
#[derive(Debug, Default)]
pub struct Where {
    params: Vec<(String, Value)>,
}

/// Where the values of a field are.
enum Place {
    /// At most one: an expression, NULL when there is none.
    One(&'static str),
    /// Any number: the rows of a sub-select, and their column.
    Many(&'static str, &'static str),
}

impl Where {
    /// The predicate as a condition in parentheses; its values join those of the statement.
    pub fn filter(&mut self, predicate: &Predicate) -> String {
        let mut sql = String::new();
        self.logic(predicate, predicate.logic(), &mut sql);
        sql
    }

    /// Every value bound so far, by name.
    pub fn params(&self) -> impl Iterator<Item = (&str, &dyn ToSql)> {
        self.params.iter().map(|(name, value)| (name.as_str(), value as &dyn ToSql))
    }

    fn bind(&mut self, value: Value) -> &str {
        let name = format!(":r{}", self.params.len());
        self.params.push((name, value));
        &self.params[self.params.len() - 1].0
    }

    fn logic(&mut self, predicate: &Predicate, logic: &Logic, sql: &mut String) {
        let (parts, joint, empty) = match logic {
            Logic::Condition(position) => return self.test(&predicate.clauses()[*position].test, sql),
            Logic::All(parts) => (parts, " AND ", "1"),
            Logic::Any(parts) => (parts, " OR ", "0"),
        };
        if parts.is_empty() {
            sql.push_str(empty);
            return;
        }
        sql.push('(');
        for (index, part) in parts.iter().enumerate() {
            if 0 < index {
                sql.push_str(joint);
            }
            self.logic(predicate, part, sql);
        }
        sql.push(')');
    }

    fn test(&mut self, test: &Test, sql: &mut String) {
        if let Some(literal) = code(test) {
            sql.push_str(&literal);
            return;
        }
        match place(test.field()) {
            Some(Place::One(column)) => self.one(test, column, sql),
            Some(Place::Many(rows, column)) => self.many(test, rows, column, sql),
            None => {
                let field = self.bind(Value::Int(test.field().0)).to_owned();
                let rows =
                    ["SELECT 1 FROM field_value x WHERE x.conversation_id = c.id AND x.field_id = ", &field]
                        .concat();
                self.many(test, &rows, "x.value", sql);
            }
        }
    }

    fn one(&mut self, test: &Test, column: &str, sql: &mut String) {
        match (test.compare(), test.is_negated()) {
            (Compare::Missing, false) => sql.extend([column, " IS NULL"]),
            (Compare::Missing, true) => sql.extend([column, " IS NOT NULL"]),
            (Compare::Is(Value::Int(id)), true) => {
                let name = self.bind(Value::Int(*id)).to_owned();
                sql.extend([column, " IS NOT ", &name]);
            }
            (compare, false) => self.compare(compare, column, sql),
            (compare, true) => {
                sql.push_str("NOT coalesce(");
                self.compare(compare, column, sql);
                sql.push_str(", 0)");
            }
        }
    }

    fn many(&mut self, test: &Test, rows: &str, column: &str, sql: &mut String) {
        let is_missing = *test.compare() == Compare::Missing;
        if test.is_negated() != is_missing {
            sql.push_str("NOT ");
        }
        sql.extend(["EXISTS (", rows]);
        if !is_missing {
            sql.push_str(" AND ");
            self.compare(test.compare(), column, sql);
        }
        sql.push(')');
    }

    fn compare(&mut self, compare: &Compare, column: &str, sql: &mut String) {
        match compare {
            Compare::Is(Value::Text(folded)) => {
                let name = self.bind(Value::Text(folded.clone())).to_owned();
                sql.extend(["text_is(", column, ", ", &name, ")"]);
            }
            Compare::Contains(folded) => {
                let name = self.bind(Value::Text(folded.clone())).to_owned();
                sql.extend(["text_contains(", column, ", ", &name, ")"]);
            }
            Compare::Is(value) => {
                let name = self.bind(value.clone()).to_owned();
                sql.extend([column, " = ", &name]);
            }
            Compare::Less(value) => {
                let name = self.bind(value.clone()).to_owned();
                sql.extend([column, " < ", &name]);
            }
            Compare::More(value) => {
                let name = self.bind(value.clone()).to_owned();
                sql.extend([&name, " < ", column]);
            }
            Compare::Between(low, high) => {
                let (low, high) = (self.bind(low.clone()).to_owned(), self.bind(high.clone()).to_owned());
                sql.extend(["(", &low, " <= ", column, " AND ", column, " <= ", &high, ")"]);
            }
            Compare::OneOf(ids) => sql.extend([column, " IN (", &list(ids), ")"]),
            Compare::Missing => sql.extend([column, " IS NULL"]),
        }
    }
}

/// Tests on closed lists, written out. "Open" is spelt as the index of open conversations has it.
fn code(test: &Test) -> Option<String> {
    let column = match test.field() {
        field::STATUS => "c.status",
        field::PRIORITY => "c.priority",
        field::CHANNEL => "c.channel",
        field::IS_READ => "c.is_read",
        _ => return None,
    };
    let ids = match (test.compare(), test.is_negated()) {
        (Compare::Is(Value::Int(1)), true) if test.field() == field::IS_READ => vec![0],
        (Compare::Is(Value::Int(id)), false) => vec![*id],
        (Compare::OneOf(ids), false) => ids.clone(),
        _ => return None,
    };
    let is_open = test.field() == field::STATUS && ids.iter().all(|id| *id < 5);
    Some(match ids[..] {
        [1, 2, 3, 4] if is_open => "c.status < 5".to_owned(),
        [id] if is_open => ["(c.status = ", &id.to_string(), " AND c.status < 5)"].concat(),
        [id] => [column, " = ", &id.to_string()].concat(),
        _ => [column, " IN (", &list(&ids), ")"].concat(),
    })
}

fn list(ids: &[i64]) -> String {
    ids.iter().map(i64::to_string).collect::<Vec<_>>().join(", ")
}

/// `None` for a site's own field.
fn place(field: FieldId) -> Option<Place> {
    Some(match field {
        field::CONVERSATION_ID => Place::One("c.id"),
        field::SUBJECT => Place::One("nullif(c.subject, '')"),
        field::DEPARTMENT_ASSIGNEE => Place::One("c.department_assignee_id"),
        field::AGENT_ASSIGNEE => Place::One("c.agent_assignee_id"),
        field::STATUS => Place::One("c.status"),
        field::PRIORITY => Place::One("c.priority"),
        field::CHANNEL => Place::One("c.channel"),
        field::CREATED_TIME => Place::One("c.created_at"),
        field::LAST_ACTIVITY_TIME => Place::One("c.last_activity_at"),
        field::LAST_STATUS_CHANGE_TIME => Place::One("c.last_status_change_at"),
        field::CLOSED_TIME => Place::One("c.closed_at"),
        field::TOTAL_REPLIES => Place::One("c.total_replies"),
        field::CONTACT => Place::One("c.contact_id"),
        field::MENTIONED_AGENT => {
            Place::Many("SELECT 1 FROM mention x WHERE x.conversation_id = c.id", "x.agent_id")
        }
        field::RECEIVED_FROM => Place::One("nullif(c.received_from, '')"),
        field::TAG => {
            Place::Many("SELECT 1 FROM conversation_tag x WHERE x.conversation_id = c.id", "x.tag_id")
        }
        field::LAST_REPLIED_TIME => Place::One("c.last_replied_at"),
        field::IS_READ => Place::One("c.is_read"),
        field::CONTACT_EMAIL => Place::One(
            "(SELECT x.value FROM contact_identity x WHERE x.contact_id = c.contact_id AND x.type = 'email')",
        ),
        field::CONTACT_COMPANY => {
            Place::One("(SELECT nullif(x.company, '') FROM contact x WHERE x.id = c.contact_id)")
        }
        _ => return None,
    })
}
