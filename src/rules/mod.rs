//! The condition language (contract 13): filters, lists, routing, triggers and SLA policies ask the same questions in
//! it. What a person wrote (`Formula`) is checked once into a `Predicate`; `sql` finds the rows it holds for, `eval`
//! decides it for the `Facts` of one conversation, stored or not yet. Both say the same, always
//! (`tests/suite/rules/agree.rs`), because a field has zero, one or many values, a test holds if some value passes, and
//! a missing value passes nothing: `isNot x` holds where there is no value.

pub mod eval;
pub mod field;
pub mod logic;
pub mod moment;
pub mod parse;
pub mod sql;
pub mod text;

use std::collections::BTreeMap;

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::ids::{ConditionId, FieldId};
pub use field::{Catalogue, Domain, Entry, FieldType, Usage};
pub use logic::Logic;
pub use moment::Moment;

/// A value of a field as it is compared: ids, codes, flags and times are whole numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    Int(i64),
    Real(f64),
    Text(String),
}

/// The nine ways to compare (contract 1.8, 13.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MatchType {
    Is = 1,
    IsNot,
    IsMoreThan,
    IsLessThan,
    Contains,
    NotContains,
    Before,
    After,
    Between,
}

/// How conditions are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum When {
    Any,
    #[default]
    All,
    LogicalExpression,
}

/// One condition as it was written and is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// `None` until it is stored.
    pub id: Option<ConditionId>,
    /// What logic expressions call it: from 1, the contract's `index`.
    pub number: i64,
    pub field: FieldId,
    pub match_type: MatchType,
    /// Empty asks whether the field is set at all.
    pub value: String,
}

/// Conditions and how they are combined, as written.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Formula {
    pub when: When,
    /// Only with `When::LogicalExpression`.
    pub logic_expression: Option<String>,
    pub conditions: Vec<Condition>,
}

/// A formula that was checked, with relative values such as `@today` resolved. Without conditions it holds always.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Predicate {
    clauses: Vec<Clause>,
    logic: Logic,
}

/// One condition of a predicate: what was written, and the test it means.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clause {
    pub number: i64,
    pub match_type: MatchType,
    pub value: String,
    pub test: Test,
    /// What it asks for was gone when the rule was made ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A comparison that fits its field: `new` is the only door.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Test {
    field: FieldId,
    compare: Compare,
    is_negated: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Compare {
    /// Texts are compared folded (`text::fold`).
    Is(Value),
    /// Folded.
    Contains(String),
    Less(Value),
    More(Value),
    /// Both ends belong to it.
    Between(Value, Value),
    OneOf(Vec<i64>),
    Missing,
}

/// The values of one conversation's fields; a field that is not there has none. Empty texts are no value.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Facts(BTreeMap<FieldId, Vec<Value>>);

impl Predicate {
    /// `logic` speaks of positions in `clauses`.
    pub fn new(clauses: Vec<Clause>, logic: Logic) -> Self {
        Self { clauses, logic }
    }

    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// For noting what is gone.
    pub fn clauses_mut(&mut self) -> &mut [Clause] {
        &mut self.clauses
    }

    pub fn logic(&self) -> &Logic {
        &self.logic
    }

    /// Without conditions. Holds everywhere, but for a routing rule, which then never matches (contract 13.4).
    pub fn is_empty(&self) -> bool {
        self.clauses.is_empty()
    }

    /// The fields that it asks for: a change of another one cannot change what it says.
    pub fn fields(&self) -> impl Iterator<Item = FieldId> {
        self.clauses.iter().map(|clause| clause.test.field)
    }
}

impl Test {
    /// Refuses a comparison with another kind of value than the field has: SQLite would order text after every number
    /// and say something else than Rust.
    pub fn new(field: &Entry, compare: Compare, is_negated: bool) -> Result<Self> {
        let fits = |value: &Value| match field.domain() {
            Domain::Text => matches!(value, Value::Text(_)),
            Domain::Real => matches!(value, Value::Real(_)),
            _ => matches!(value, Value::Int(_)),
        };
        let is_fitting = match &compare {
            Compare::Is(value) => fits(value),
            Compare::Less(value) | Compare::More(value) => field.domain().is_ordered() && fits(value),
            Compare::Between(low, high) => field.domain().is_ordered() && fits(low) && fits(high),
            Compare::Contains(_) => field.domain() == Domain::Text,
            Compare::OneOf(_) => fits(&Value::Int(0)),
            Compare::Missing => true,
        };
        if !is_fitting {
            return Err(Error::internal(format!("field {} does not compare like this", field.id)));
        }
        Ok(Self { field: field.id, compare, is_negated })
    }

    pub fn field(&self) -> FieldId {
        self.field
    }

    pub fn compare(&self) -> &Compare {
        &self.compare
    }

    pub fn is_negated(&self) -> bool {
        self.is_negated
    }
}

impl Facts {
    pub fn get(&self, field: FieldId) -> &[Value] {
        self.0.get(&field).map_or(&[], Vec::as_slice)
    }

    /// Replaces the field's values: to build facts, and to say what they were before a change.
    pub fn set(&mut self, field: FieldId, values: impl IntoIterator<Item = Value>) {
        let values: Vec<Value> =
            values.into_iter().filter(|value| *value != Value::Text(String::new())).collect();
        match values.is_empty() {
            true => self.0.remove(&field),
            false => self.0.insert(field, values),
        };
    }

    /// Adds one more value.
    pub fn add(&mut self, field: FieldId, value: Value) {
        if value != Value::Text(String::new()) {
            self.0.entry(field).or_default().push(value);
        }
    }

    pub fn with(mut self, field: FieldId, values: impl IntoIterator<Item = Value>) -> Self {
        self.set(field, values);
        self
    }

    /// The fields whose values are others than in `before`.
    pub fn changed_since(&self, before: &Self) -> Vec<FieldId> {
        let mut fields: Vec<FieldId> = self.0.keys().chain(before.0.keys()).copied().collect();
        fields.sort_unstable();
        fields.dedup();
        fields.retain(|field| self.get(*field) != before.get(*field));
        fields
    }

    pub fn iter(&self) -> impl Iterator<Item = (FieldId, &[Value])> {
        self.0.iter().map(|(field, values)| (*field, values.as_slice()))
    }
}

impl MatchType {
    pub const ALL: [Self; 9] = [
        Self::Is,
        Self::IsNot,
        Self::IsMoreThan,
        Self::IsLessThan,
        Self::Contains,
        Self::NotContains,
        Self::Before,
        Self::After,
        Self::Between,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Is => "is",
            Self::IsNot => "isNot",
            Self::IsMoreThan => "isMoreThan",
            Self::IsLessThan => "isLessThan",
            Self::Contains => "contains",
            Self::NotContains => "notContains",
            Self::Before => "before",
            Self::After => "after",
            Self::Between => "between",
        }
    }

    /// The name in any case, or the number.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        Self::ALL
            .into_iter()
            .find(|it| it.name().eq_ignore_ascii_case(text) || text == (*it as i64).to_string())
    }
}

impl When {
    pub const ALL: [Self; 3] = [Self::Any, Self::All, Self::LogicalExpression];

    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::All => "all",
            Self::LogicalExpression => "logicalExpression",
        }
    }

    /// The name in any case, or the number: 0 any, 1 all, 2 logicalExpression.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        Self::ALL
            .into_iter()
            .find(|it| it.name().eq_ignore_ascii_case(text) || text == (*it as i64).to_string())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Int(value) => value.fmt(f),
            Self::Real(value) => value.fmt(f),
            Self::Text(value) => value.fmt(f),
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        match self {
            Self::Int(value) => value.to_sql(),
            Self::Real(value) => value.to_sql(),
            Self::Text(value) => value.to_sql(),
        }
    }
}

impl FromSql for Value {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value {
            ValueRef::Integer(value) => Ok(Self::Int(value)),
            ValueRef::Real(value) => Ok(Self::Real(value)),
            ValueRef::Text(_) => Ok(Self::Text(value.as_str()?.to_owned())),
            ValueRef::Null | ValueRef::Blob(_) => Err(FromSqlError::InvalidType),
        }
    }
}

macro_rules! stored_by_name {
    ($($name:ident),+) => {$(
        impl ToSql for $name {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(ToSqlOutput::from(self.name()))
            }
        }

        impl FromSql for $name {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                Self::parse(value.as_str()?).ok_or(FromSqlError::InvalidType)
            }
        }
    )+};
}

stored_by_name!(MatchType, When, FieldType);
