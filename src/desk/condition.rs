//! Conditions of filters and of everything else that asks by them: one table, one check, one way to a predicate. An
//! owner keeps how its conditions are combined (`match_when`, `logic_expression`) in its own row.

use jiff::tz::TimeZone;

use super::{Actor, agent, contact, department, field, gone, name, site, tag};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Problems, Result, shown};
use crate::ids::{
    AgentId, ContactId, DepartmentId, FieldId, FilterId, RoutingRuleId, SlaPolicyId, TagId, TriggerId,
};
use crate::rules::{Catalogue, Condition, Domain, Formula, MatchType, Moment, Predicate, Usage, When, parse};
use crate::time::Timestamp;

/// Whose conditions they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    Filter(FilterId),
    RoutingRule(RoutingRuleId),
    Trigger(TriggerId),
    SlaPolicy(SlaPolicyId),
}

/// A formula as somebody sent it. Fields are named by id or name, match types by name or number.
#[derive(Debug, Clone, Default)]
pub struct NewFormula {
    /// Default: all.
    pub when: Option<String>,
    pub logic_expression: Option<String>,
    pub conditions: Vec<NewCondition>,
}

#[derive(Debug, Clone, Default)]
pub struct NewCondition {
    pub field: String,
    pub match_type: String,
    pub value: String,
    /// What logic expressions call it; default: its position, from 1.
    pub number: Option<i64>,
}

impl From<&Condition> for NewCondition {
    fn from(stored: &Condition) -> Self {
        Self {
            field: stored.field.to_string(),
            match_type: stored.match_type.name().to_owned(),
            value: stored.value.clone(),
            number: Some(stored.number),
        }
    }
}

impl From<&Formula> for NewFormula {
    fn from(stored: &Formula) -> Self {
        Self {
            when: Some(stored.when.name().to_owned()),
            logic_expression: stored.logic_expression.clone(),
            conditions: stored.conditions.iter().map(NewCondition::from).collect(),
        }
    }
}

/// Longest value of a condition, in characters.
const VALUE_CHARS: usize = 1000;

impl Owner {
    fn id(self) -> i64 {
        match self {
            Self::Filter(id) => id.0,
            Self::RoutingRule(id) => id.0,
            Self::Trigger(id) => id.0,
            Self::SlaPolicy(id) => id.0,
        }
    }

    fn condition(self) -> &'static str {
        match self {
            Self::Filter(_) => "filter_id = ?",
            Self::RoutingRule(_) => "routing_rule_id = ?",
            Self::Trigger(_) => "trigger_id = ?",
            Self::SlaPolicy(_) => "sla_policy_id = ?",
        }
    }
}

/// An owner's conditions in their order.
pub fn list(s: &Snapshot<'_>, owner: Owner) -> Result<Vec<Condition>> {
    s.all(
        &["SELECT ", COLUMNS, " FROM condition WHERE ", owner.condition(), " ORDER BY number"].concat(),
        [owner.id()],
        from_row,
    )
}

/// An owner's conditions as a formula, with the two columns of the owner's row.
pub fn formula(
    s: &Snapshot<'_>,
    owner: Owner,
    when: When,
    logic_expression: Option<String>,
) -> Result<Formula> {
    Ok(Formula { when, logic_expression, conditions: list(s, owner)? })
}

/// Replaces an owner's conditions with ones that `check` accepted.
pub fn replace(tx: &Tx<'_>, owner: Owner, conditions: &[Condition]) -> Result<()> {
    tx.run(&["DELETE FROM condition WHERE ", owner.condition()].concat(), [owner.id()])?;
    for condition in conditions {
        let sql = match owner {
            Owner::Filter(_) => {
                "INSERT INTO condition (filter_id, number, field_id, match_type, value) VALUES (?, ?, ?, ?, ?)"
            }
            Owner::RoutingRule(_) => {
                "INSERT INTO condition (routing_rule_id, number, field_id, match_type, value) VALUES (?, ?, ?, ?, ?)"
            }
            Owner::Trigger(_) => {
                "INSERT INTO condition (trigger_id, number, field_id, match_type, value) VALUES (?, ?, ?, ?, ?)"
            }
            Owner::SlaPolicy(_) => {
                "INSERT INTO condition (sla_policy_id, number, field_id, match_type, value) VALUES (?, ?, ?, ?, ?)"
            }
        };
        tx.insert(
            sql,
            (owner.id(), condition.number, condition.field, condition.match_type, &condition.value),
        )?;
    }
    Ok(())
}

/// Checks what somebody sent: fields, match types, values, the ids they name, the logic expression. Problems are named
/// as in `conditions[2].matchType`. Where no agent asks (`Usage` other than `View`), `@me` has no meaning.
pub fn check(s: &Snapshot<'_>, usage: Usage, moment: &Moment, new: &NewFormula) -> Result<Formula> {
    let catalogue = field::catalogue(s)?;
    let mut problems = Problems::default();
    let when = match new.when.as_deref().map(str::trim).filter(|when| !when.is_empty()) {
        Some(when) => When::parse(when).unwrap_or_else(|| {
            problems.add("when", format!("'{}' must be any, all or logicalExpression", shown(when)));
            When::All
        }),
        None => When::All,
    };
    let mut conditions = Vec::with_capacity(new.conditions.len());
    for (position, new) in new.conditions.iter().enumerate() {
        conditions.extend(check_one(s, &catalogue, usage, position, new, &mut problems)?);
    }
    problems.check()?;
    let written = new.logic_expression.as_deref().map(str::trim).filter(|written| !written.is_empty());
    let formula = Formula { when, logic_expression: written.map(str::to_owned), conditions };
    parse::predicate(&catalogue, moment, &formula)?;
    check_ids(s, &catalogue, &formula)?;
    Ok(formula)
}

fn check_one(
    s: &Snapshot<'_>,
    catalogue: &Catalogue,
    usage: Usage,
    position: usize,
    new: &NewCondition,
    problems: &mut Problems,
) -> Result<Option<Condition>> {
    let part = |part: &str| format!("conditions[{position}].{part}");
    let entry = catalogue.find(&new.field);
    match entry {
        None if new.field.trim().is_empty() => problems.add(part("fieldId"), "is required"),
        None => problems.add(part("fieldId"), format!("'{}' is not a field", shown(&new.field))),
        Some(entry) if !entry.allows(usage) => {
            problems.add(part("fieldId"), format!("'{}' cannot be used in {}", entry.name, place(usage)));
        }
        Some(_) => {}
    }
    let match_type = MatchType::parse(&new.match_type);
    if match_type.is_none() {
        let names: Vec<&str> = MatchType::ALL.iter().map(|it| it.name()).collect();
        problems.add(
            part("matchType"),
            match new.match_type.trim() {
                "" => "is required".to_owned(),
                written => format!("'{}' must be one of {}", shown(written), names.join(", ")),
            },
        );
    }
    if VALUE_CHARS < new.value.chars().count() {
        problems.add(part("value"), format!("is longer than {VALUE_CHARS} characters"));
    }
    let (Some(entry), Some(match_type)) = (entry, match_type) else { return Ok(None) };
    let names_asker = matches!(entry.domain(), Domain::Agent | Domain::Department);
    if usage != Usage::View && names_asker && parse::is_about_asker(&new.value) {
        problems.add(part("value"), format!("'{}' means nobody in {}", shown(&new.value), place(usage)));
    }
    // People write names; what is kept is an id, which outlasts a new name.
    let written = new.value.trim();
    let id = match written.parse::<i64>() {
        Ok(_) => None,
        Err(_) => name::id_of(s, entry.domain(), written)?,
    };
    Ok(Some(Condition {
        id: None,
        number: new.number.unwrap_or(position as i64 + 1),
        field: entry.id,
        match_type,
        value: id.map_or_else(|| written.to_owned(), |id| id.to_string()),
    }))
}

fn place(usage: Usage) -> &'static str {
    match usage {
        Usage::TriggerCondition => "triggers",
        Usage::View => "filters",
        Usage::Sla => "SLA policies",
        Usage::Routing => "routing rules",
        Usage::Macro => "macros",
        Usage::TriggerSet => "actions of triggers",
    }
}

fn check_ids(s: &Snapshot<'_>, catalogue: &Catalogue, formula: &Formula) -> Result<()> {
    let mut problems = Problems::default();
    for (position, condition) in formula.conditions.iter().enumerate() {
        let (noun, is_known) = match parse::named_id(catalogue, condition) {
            Some((Domain::Agent, id)) => ("agent", agent::get(s, AgentId(id))?.is_some()),
            Some((Domain::Department, id)) => ("department", department::get(s, DepartmentId(id))?.is_some()),
            Some((Domain::Tag, id)) => ("tag", tag::get(s, TagId(id))?.is_some()),
            Some((Domain::Contact, id)) => ("contact", contact::get(s, ContactId(id))?.is_some()),
            _ => continue,
        };
        let what = format!("names {noun} {}, which does not exist", shown(&condition.value));
        problems.require(is_known, &format!("conditions[{position}].value"), what);
    }
    problems.check()
}

/// The predicate of a stored formula. Its clauses know what they ask for and is gone.
pub fn predicate(s: &Snapshot<'_>, moment: &Moment, formula: &Formula) -> Result<Predicate> {
    let catalogue = field::catalogue(s)?;
    let mut predicate = parse::stored(&catalogue, moment, formula)?;
    for (clause, condition) in predicate.clauses_mut().iter_mut().zip(&formula.conditions) {
        clause.problem = gone::of_condition(s, &catalogue, moment, condition)?;
    }
    Ok(predicate)
}

/// When and by whom something is asked: `@me` is the agent `by`; days are those of `zone`, or of the site.
pub fn moment(s: &Snapshot<'_>, now: Timestamp, by: &Actor, zone: Option<TimeZone>) -> Result<Moment> {
    let zone = match zone {
        Some(zone) => zone,
        None => TimeZone::get(&site::get(s)?.time_zone).map_err(Error::internal)?,
    };
    let (me, departments) = match by {
        Actor::Agent(rights) => (Some(rights.agent_id), rights.departments.clone()),
        _ => (None, Vec::new()),
    };
    Ok(Moment { now, zone, me, departments })
}

/// What uses a field in a condition, as a sentence has it: the first found.
pub fn user_of(s: &Snapshot<'_>, field: FieldId) -> Result<Option<String>> {
    s.one(
        "SELECT 'the filter ''' || f.name || '''' FROM condition x JOIN filter f ON f.id = x.filter_id
         WHERE x.field_id = ?1
         UNION ALL
         SELECT 'the routing rule ''' || r.name || '''' FROM condition x JOIN routing_rule r ON r.id = x.routing_rule_id
         WHERE x.field_id = ?1
         UNION ALL
         SELECT 'the trigger ''' || t.name || '''' FROM condition x JOIN trigger t ON t.id = x.trigger_id
         WHERE x.field_id = ?1
         UNION ALL
         SELECT 'the SLA policy ''' || p.name || '''' FROM condition x JOIN sla_policy p ON p.id = x.sla_policy_id
         WHERE x.field_id = ?1
         UNION ALL
         SELECT 'the trigger ''' || t.name || '''' FROM trigger_value x JOIN trigger t ON t.id = x.trigger_id
         WHERE x.field_id = ?1
         LIMIT 1",
        [field],
        |row| row.get(0),
    )
}

const COLUMNS: &str = "id, number, field_id, match_type, value";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Condition> {
    Ok(Condition {
        id: row.get(0)?,
        number: row.get(1)?,
        field: row.get(2)?,
        match_type: row.get(3)?,
        value: row.get(4)?,
    })
}
