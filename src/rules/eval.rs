//! The interpreter for one conversation: decides a predicate by facts, and can say why.

use serde::{Deserialize, Serialize};

use super::{Clause, Compare, Facts, Logic, Predicate, Test, Value, text};

/// Why a predicate held or did not. It carries everything that decided, so that it can be stored and decided again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    pub holds: bool,
    pub logic: Logic,
    pub tests: Vec<Seen>,
}

/// One condition with the values it saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    pub clause: Clause,
    pub values: Vec<Value>,
    pub holds: bool,
}

pub fn holds(predicate: &Predicate, facts: &Facts) -> bool {
    predicate.logic().holds(&mut |position| {
        let test = &predicate.clauses()[position].test;
        passes(test, facts.get(test.field()))
    })
}

/// `holds`, with every condition decided, also those that did not matter any more.
pub fn explain(predicate: &Predicate, facts: &Facts) -> Trace {
    let tests: Vec<Seen> = predicate
        .clauses()
        .iter()
        .map(|clause| {
            let values = facts.get(clause.test.field()).to_vec();
            Seen { holds: passes(&clause.test, &values), clause: clause.clone(), values }
        })
        .collect();
    let holds = predicate.logic().holds(&mut |position| tests[position].holds);
    Trace { holds, logic: predicate.logic().clone(), tests }
}

/// The first of `rules` that holds: routing and SLA policies take that one alone.
pub fn first<'r, T>(rules: &'r [(T, Predicate)], facts: &Facts) -> Option<&'r T> {
    rules.iter().find(|(_, predicate)| holds(predicate, facts)).map(|(rule, _)| rule)
}

impl Trace {
    /// Decides again from the stored values: always what is stored.
    pub fn again(&self) -> bool {
        self.logic.holds(&mut |position| {
            self.tests.get(position).is_some_and(|seen| passes(&seen.clause.test, &seen.values))
        })
    }

    /// The first condition that did not hold.
    pub fn first_failed(&self) -> Option<&Seen> {
        self.tests.iter().find(|seen| !seen.holds)
    }
}

fn passes(test: &Test, values: &[Value]) -> bool {
    let some = match test.compare() {
        Compare::Missing => values.is_empty(),
        compare => values.iter().any(|value| matches(compare, value)),
    };
    some != test.is_negated()
}

fn matches(compare: &Compare, value: &Value) -> bool {
    match compare {
        Compare::Is(Value::Text(folded)) => matches!(value, Value::Text(text) if text::is(text, folded)),
        Compare::Contains(folded) => matches!(value, Value::Text(text) if text::contains(text, folded)),
        Compare::Is(other) => value == other,
        Compare::Less(other) => order(value, other).is_some_and(std::cmp::Ordering::is_lt),
        Compare::More(other) => order(value, other).is_some_and(std::cmp::Ordering::is_gt),
        Compare::Between(low, high) => {
            order(low, value).is_some_and(std::cmp::Ordering::is_le)
                && order(value, high).is_some_and(std::cmp::Ordering::is_le)
        }
        Compare::OneOf(ids) => matches!(value, Value::Int(id) if ids.contains(id)),
        Compare::Missing => false,
    }
}

/// Only numbers of one kind are ordered: `Test::new` lets no others through.
fn order(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Real(left), Value::Real(right)) => left.partial_cmp(right),
        _ => None,
    }
}
