//! The part of a rule's or a filter's form that holds its conditions: a line for each, and some empty ones for more.

use super::field::Fields;
use crate::db::{Snapshot, Tx};
use crate::desk::Actor;
use crate::desk::condition::{NewCondition, NewFormula};
use crate::desk::kept_answer::{self, SentForm};
use crate::desk::name::{self, Names};
use crate::desk::rehearsal::{self, Draft};
use crate::error::Result;
use crate::ids::FieldId;
use crate::rules::{Entry, Formula, MatchType, Usage};

/// What a line offers and shows.
pub struct Conditions {
    pub fields: Vec<Entry>,
    pub lines: Vec<Line>,
    /// Names, and what they are called.
    pub matches: Vec<(&'static str, &'static str)>,
    /// What is offered for a field's value; some fields take any.
    pub choices: Vec<(FieldId, Vec<String>)>,
}

/// How each way to compare is called.
const MATCHES: [(MatchType, &str); 9] = [
    (MatchType::Is, "is"),
    (MatchType::IsNot, "is not"),
    (MatchType::Contains, "contains"),
    (MatchType::NotContains, "does not contain"),
    (MatchType::IsMoreThan, "is more than"),
    (MatchType::IsLessThan, "is less than"),
    (MatchType::Before, "is before"),
    (MatchType::After, "is after"),
    (MatchType::Between, "is between"),
];

#[derive(Default)]
pub struct Line {
    pub field: String,
    pub matches: String,
    pub value: String,
}

/// Empty lines after the ones that are filled in.
const SPARE: usize = 6;

impl Conditions {
    pub fn new(s: &Snapshot<'_>, form: &Fields, usage: Usage) -> Result<Self> {
        let names = Names::new(s)?;
        let catalogue = names.catalogue();
        let fields: Vec<Entry> =
            catalogue.entries().iter().filter(|entry| entry.allows(usage)).cloned().collect();
        let mut lines: Vec<Line> = filled(form).collect();
        for line in &mut lines {
            if let Some(entry) = catalogue.find(&line.field) {
                line.value = names.typed(entry.id, &line.value)?;
            }
        }
        lines.extend((0..SPARE).map(|_| Line::default()));
        let choices = name::choices(s, &fields, usage)?;
        Ok(Self { fields, lines, matches: MATCHES.map(|(kind, text)| (kind.name(), text)).into(), choices })
    }
}

fn filled(form: &Fields) -> impl Iterator<Item = Line> {
    let lines = form.each("field").zip(form.each("match")).zip(form.each("value"));
    lines.filter(|((field, _), _)| !field.is_empty()).map(|((field, matches), value)| Line {
        field: field.to_owned(),
        matches: matches.to_owned(),
        value: value.to_owned(),
    })
}

/// The form's fields for a stored formula.
pub fn stored(form: &mut Fields, formula: &Formula) {
    form.add("when", formula.when.name());
    form.add("logicExpression", formula.logic_expression.as_deref().unwrap_or_default());
    for condition in &formula.conditions {
        form.add("field", condition.field);
        form.add("match", condition.match_type.name());
        form.add("value", &condition.value);
    }
}

/// On how many days a draft is to be rehearsed.
pub fn rehearsed_days(form: &Fields) -> u64 {
    form.text("rehearseDays").parse().unwrap_or(30)
}

/// What was sent. Lines are numbered from 1 in the order they stand.
pub fn read(form: &Fields) -> NewFormula {
    let conditions = filled(form).map(|line| NewCondition {
        field: line.field,
        match_type: line.matches,
        value: line.value,
        number: None,
    });
    let when = form.filled("when");
    let is_expression = when.as_deref() == Some("logicalExpression");
    NewFormula {
        when,
        logic_expression: form.filled("logicExpression").filter(|_| is_expression),
        conditions: conditions.collect(),
    }
}

/// Begins to try a draft on the past `days`, once for a form; gives the page that tells how it went.
pub fn rehearse(tx: &Tx<'_>, by: &Actor, form: &SentForm, draft: &Draft, days: u64) -> Result<String> {
    let id = kept_answer::once(tx, form, |tx| Ok(rehearsal::create_recent(tx, by, draft, days)?.id.0))?;
    Ok(format!("/console/settings/rehearsals/{id}"))
}
