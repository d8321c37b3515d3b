//! From what was written to a predicate. Every problem names the condition and its part, as in
//! `conditions[2].matchType`.

use super::field::{self, Domain, Entry};
use super::{
    Catalogue, Clause, Compare, Condition, Formula, Logic, MatchType, Moment, Predicate, Test, Value, When,
    logic, text,
};
use crate::error::{Problems, Result, shown};
use crate::ids::FieldId;

/// Conditions at most.
pub const CONDITIONS: usize = 50;

/// Checks a formula and resolves its relative values. Whether the ids it names exist is for `desk` to say.
pub fn predicate(catalogue: &Catalogue, moment: &Moment, formula: &Formula) -> Result<Predicate> {
    let mut problems = Problems::default();
    if CONDITIONS < formula.conditions.len() {
        problems
            .add("conditions", format!("are {}; at most {CONDITIONS} are allowed", formula.conditions.len()));
    }
    let mut clauses = Vec::with_capacity(formula.conditions.len());
    for (position, condition) in formula.conditions.iter().enumerate() {
        let part = |part: &str| format!("conditions[{position}].{part}");
        let is_taken = formula.conditions[..position].iter().any(|other| other.number == condition.number);
        if condition.number < 1 || is_taken {
            let what = if is_taken { "is given to two conditions" } else { "must be a whole number from 1" };
            problems.add(part("index"), format!("'{}' {what}", condition.number));
        }
        let Some(entry) = catalogue.get(condition.field) else {
            problems.add(part("fieldId"), format!("'{}' is not a field", condition.field));
            continue;
        };
        match test(entry, moment, condition.match_type, condition.value.trim()) {
            Ok(test) => clauses.push(Clause {
                number: condition.number,
                match_type: condition.match_type,
                value: condition.value.clone(),
                test: test?,
                problem: None,
            }),
            Err((name, message)) => problems.add(part(name), message),
        }
    }
    let logic = combine(formula, &mut problems);
    problems.check()?;
    Ok(Predicate::new(clauses, logic))
}

/// A predicate for what is stored: a condition whose value has lost its meaning, such as one on an option that is gone,
/// holds nowhere instead of being refused.
pub fn stored(catalogue: &Catalogue, moment: &Moment, formula: &Formula) -> Result<Predicate> {
    let mut formula = formula.clone();
    let mut lost = Vec::new();
    for (position, condition) in formula.conditions.iter_mut().enumerate() {
        if problem(catalogue, moment, condition).is_some() {
            lost.push((position, condition.clone()));
            condition.field = field::CONVERSATION_ID;
            condition.match_type = MatchType::Is;
            condition.value = "0".to_owned();
        }
    }
    let mut predicate = predicate(catalogue, moment, &formula)?;
    for (position, Condition { match_type, value, .. }) in lost {
        let clause = &mut predicate.clauses[position];
        (clause.match_type, clause.value) = (match_type, value);
    }
    Ok(predicate)
}

/// Why a stored condition has lost its meaning.
pub fn problem(catalogue: &Catalogue, moment: &Moment, condition: &Condition) -> Option<String> {
    match catalogue.get(condition.field) {
        Some(entry) => match test(entry, moment, condition.match_type, condition.value.trim()) {
            Ok(_) => None,
            Err((_, message)) => Some(message),
        },
        None => Some(format!("field {} was deleted", condition.field)),
    }
}

fn combine(formula: &Formula, problems: &mut Problems) -> Logic {
    let numbers: Vec<i64> = formula.conditions.iter().map(|condition| condition.number).collect();
    let all = || (0..numbers.len()).map(Logic::Condition).collect();
    match (formula.when, formula.logic_expression.as_deref().map(str::trim)) {
        (When::LogicalExpression, written) => {
            let written = written.unwrap_or_default();
            logic::parse(written, &numbers).unwrap_or_else(|message| {
                problems.add("logicExpression", format!("'{}' is invalid: it {message}", shown(written)));
                Logic::All(Vec::new())
            })
        }
        (When::All, None | Some("")) => Logic::All(all()),
        // Without conditions every formula holds.
        (When::Any, None | Some("")) if numbers.is_empty() => Logic::All(Vec::new()),
        (When::Any, None | Some("")) => Logic::Any(all()),
        (when, Some(written)) => {
            problems.add(
                "logicExpression",
                format!("'{}' has no meaning with 'when' {}", shown(written), when.name()),
            );
            Logic::All(Vec::new())
        }
    }
}

/// The test a condition means; an error names the part that is wrong. The inner result is an error of ours.
fn test(
    entry: &Entry,
    moment: &Moment,
    match_type: MatchType,
    written: &str,
) -> Result<Result<Test>, (&'static str, String)> {
    let allowed = entry.domain().match_types();
    if !allowed.contains(&match_type) {
        let names: Vec<&str> = allowed.iter().map(|it| it.name()).collect();
        return Err((
            "matchType",
            format!(
                "'{}' does not fit the field {}; use {}",
                match_type.name(),
                entry.name,
                names.join(", ")
            ),
        ));
    }
    let is_negated = matches!(match_type, MatchType::IsNot | MatchType::NotContains);
    let wrong = |wanted: &str| {
        ("value", format!("'{}' must be {wanted} for the field {}", shown(written), entry.name))
    };
    if written.is_empty() {
        return match match_type {
            MatchType::Is | MatchType::IsNot => Ok(Test::new(entry, Compare::Missing, is_negated)),
            _ => Err(("value", format!("is required with '{}'", match_type.name()))),
        };
    }
    if match_type == MatchType::Between {
        let ends = written.split_once(',').and_then(|(low, high)| {
            let (low, _) = range(entry, moment, low.trim())?;
            let (_, high) = range(entry, moment, high.trim())?;
            Some(Compare::Between(low, high))
        });
        return ends
            .map(|ends| Test::new(entry, ends, false))
            .ok_or_else(|| wrong("two values separated by a comma"));
    }
    let compare = match (entry.domain(), match_type) {
        (Domain::Text, MatchType::Contains | MatchType::NotContains) => {
            Compare::Contains(text::fold(written))
        }
        (Domain::Text, _) => Compare::Is(Value::Text(text::fold(written))),
        (Domain::Flag, _) => {
            // A flag that is not set is off, so that "is off" is "is not on".
            let is_on = flag(written).ok_or_else(|| wrong("true or false"))?;
            return Ok(Test::new(entry, Compare::Is(Value::Int(1)), is_on == is_negated));
        }
        (Domain::Whole | Domain::Real | Domain::Instant | Domain::Day, _) => {
            let (low, high) = range(entry, moment, written).ok_or_else(|| wrong(wanted(entry.domain())))?;
            match match_type {
                MatchType::IsLessThan | MatchType::Before => Compare::Less(low),
                MatchType::IsMoreThan => Compare::More(high),
                MatchType::After => {
                    let period = moment.period(written).ok_or_else(|| wrong(wanted(entry.domain())))?;
                    Compare::More(Value::Int(period.end(entry.domain())))
                }
                _ if low == high => Compare::Is(low),
                _ => Compare::Between(low, high),
            }
        }
        (Domain::Choice, _) => {
            let choice = entry.choice(written).ok_or_else(|| wrong("one of its options"))?;
            // A code is never missing: "not closed" is one of the others, for which an index serves.
            if is_negated && [field::STATUS, field::PRIORITY, field::CHANNEL].contains(&entry.id) {
                let others = entry.choices.iter().map(|it| it.id).filter(|id| *id != choice.id).collect();
                return Ok(Test::new(entry, Compare::OneOf(others), false));
            }
            Compare::Is(Value::Int(choice.id))
        }
        (Domain::Agent, _) if written.eq_ignore_ascii_case("@me") => {
            Compare::OneOf(moment.me.iter().map(|agent| agent.0).collect())
        }
        (Domain::Department, _) if is_my_departments(written) => {
            Compare::OneOf(moment.departments.iter().map(|department| department.0).collect())
        }
        (Domain::Agent | Domain::Department | Domain::Tag | Domain::Contact, _) => Compare::Is(Value::Int(
            written.parse().map_err(|_| wrong("an id, or a name that only one has,"))?,
        )),
    };
    Ok(Test::new(entry, compare, is_negated))
}

fn wanted(domain: Domain) -> &'static str {
    match domain {
        Domain::Whole => "a whole number",
        Domain::Real => "a number",
        _ => "a date such as 2019-01-03, or a relative one such as @today or @last 7 days",
    }
}

/// The first and the last value that `written` stands for.
fn range(entry: &Entry, moment: &Moment, written: &str) -> Option<(Value, Value)> {
    match entry.domain() {
        Domain::Whole => {
            let number: i64 = written.parse().ok()?;
            Some((Value::Int(number), Value::Int(number)))
        }
        Domain::Real => {
            let number: f64 = written.parse().ok().filter(|number: &f64| number.is_finite())?;
            Some((Value::Real(number), Value::Real(number)))
        }
        domain => {
            let period = moment.period(written)?;
            Some((Value::Int(period.first(domain)), Value::Int(period.last(domain))))
        }
    }
}

/// `true` or 1, `false` or 0.
pub fn flag(written: &str) -> Option<bool> {
    match written.trim().to_ascii_lowercase().as_str() {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// Whether a value means whoever asks, so that it has no meaning where nobody does.
pub fn is_about_asker(written: &str) -> bool {
    written.trim().eq_ignore_ascii_case("@me") || is_my_departments(written)
}

fn is_my_departments(written: &str) -> bool {
    let words: Vec<String> = written.split_whitespace().map(str::to_ascii_lowercase).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    matches!(words[..], ["@my", "departments"] | ["@my", "department"])
}

/// The id that a condition on agents, departments, tags or contacts names, for `desk` to look up.
pub fn named_id(catalogue: &Catalogue, condition: &Condition) -> Option<(Domain, i64)> {
    let domain = catalogue.get(condition.field)?.domain();
    let names = matches!(domain, Domain::Agent | Domain::Department | Domain::Tag | Domain::Contact);
    names.then_some((domain, condition.value.trim().parse().ok()?))
}

/// Whether a formula asks for a field.
pub fn asks_for(formula: &Formula, field: FieldId) -> bool {
    formula.conditions.iter().any(|condition| condition.field == field)
}
