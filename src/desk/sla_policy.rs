//! SLA policies (contract 18): how fast conversations that match must be answered and closed. Here the policies; what
//! they do to conversations is in `desk::sla`.

use super::audit::{self, Action};
use super::condition::{self, NewFormula, Owner};
use super::order::{self, Place};
use super::{Actor, Permission, check_name, check_text, gone, sla, working_time};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Problems, Result};
use crate::ids::SlaPolicyId;
use crate::rules::{Catalogue, Formula, Usage};

#[derive(Debug, Clone, PartialEq)]
pub struct SlaPolicy {
    pub id: SlaPolicyId,
    pub name: String,
    pub description: String,
    pub is_enabled: bool,
    pub targets: Targets,
    /// Whether the clocks run in working time only.
    pub is_business_hours: bool,
    pub formula: Formula,
    /// From 1: the first that matches applies.
    pub position: i64,
}

impl SlaPolicy {
    /// What its conditions name and is gone.
    pub fn warnings(&self, s: &Snapshot<'_>, catalogue: &Catalogue) -> Result<Vec<String>> {
        gone::of_formula(s, catalogue, &self.formula)
    }
}

/// Minutes; `None` is no target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Targets {
    pub first: Option<i64>,
    pub next: Option<i64>,
    pub resolve: Option<i64>,
}

/// `None` leaves a property alone; `Some(None)` takes a target away.
#[derive(Debug, Clone, Default)]
pub struct SlaPolicyChange {
    pub name: Option<String>,
    pub description: Option<String>,
    pub is_enabled: Option<bool>,
    pub first: Option<Option<i64>>,
    pub next: Option<Option<i64>>,
    pub resolve: Option<Option<i64>>,
    pub is_business_hours: Option<bool>,
    pub formula: Option<NewFormula>,
    pub position: Option<i64>,
}

/// Most policies kept.
const MOST: usize = 200;
const NAME_CHARS: usize = 200;
const DESCRIPTION_CHARS: usize = 2_000;
/// Five minutes to a year.
const MINUTES: std::ops::RangeInclusive<i64> = 5..=525_600;

/// In order.
pub fn list(s: &Snapshot<'_>, by: &Actor) -> Result<Vec<SlaPolicy>> {
    by.require(Permission::ManageSettings)?;
    stored(s)
}

/// The policy, or `NotFound`.
pub fn require(s: &Snapshot<'_>, by: &Actor, id: SlaPolicyId) -> Result<SlaPolicy> {
    by.require(Permission::ManageSettings)?;
    get(s, id)
}

/// Id and name of every policy there ever was: for reports.
pub fn names(s: &Snapshot<'_>) -> Result<Vec<(SlaPolicyId, String)>> {
    s.all(
        "SELECT id, iif(deleted_at IS NULL, name, name || ' (deleted)') FROM sla_policy
         ORDER BY deleted_at IS NOT NULL, position, id",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// The name of one, deleted or not.
pub fn name(s: &Snapshot<'_>, id: SlaPolicyId) -> Result<Option<String>> {
    s.one("SELECT name FROM sla_policy WHERE id = ?", [id], |row| row.get(0))
}

/// Whether an enabled policy counts working time.
pub fn uses_business_hours(s: &Snapshot<'_>) -> Result<bool> {
    s.exists(
        "SELECT 1 FROM sla_policy WHERE is_enabled = 1 AND is_business_hours = 1 AND deleted_at IS NULL",
        [],
    )
}

/// Those whose clocks stand still outside working time, deleted ones included: conversations may still have them.
pub fn by_working_time(s: &Snapshot<'_>) -> Result<Vec<SlaPolicyId>> {
    s.all("SELECT id FROM sla_policy WHERE is_business_hours = 1", [], |row| row.get(0))
}

/// Comes last unless a position is given. Open conversations follow in the background, as with every change here.
pub fn create(tx: &Tx<'_>, by: &Actor, new: &SlaPolicyChange) -> Result<SlaPolicy> {
    by.require(Permission::ManageSettings)?;
    let count = stored(tx)?.len();
    if MOST <= count {
        return Err(Error::Conflict(format!("there are {MOST} policies already, which is the most")));
    }
    let fresh = SlaPolicy {
        id: SlaPolicyId(0),
        name: String::new(),
        description: String::new(),
        is_enabled: true,
        targets: Targets::default(),
        is_business_hours: false,
        formula: Formula::default(),
        position: count as i64 + 1,
    };
    let policy = changed(tx, &fresh, new)?;
    let id = SlaPolicyId(tx.insert(
        "INSERT INTO sla_policy (name, description, is_enabled, first_minutes, next_minutes, resolve_minutes,
           is_business_hours, match_when, logic_expression, position)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            &policy.name,
            &policy.description,
            policy.is_enabled,
            policy.targets.first,
            policy.targets.next,
            policy.targets.resolve,
            policy.is_business_hours,
            policy.formula.when,
            &policy.formula.logic_expression,
            policy.position,
        ),
    )?);
    condition::replace(tx, Owner::SlaPolicy(id), &policy.formula.conditions)?;
    if let Some(position) = new.position {
        reorder(tx, id, Place::At(position))?;
    }
    audit::record(tx, by, Action::SlaPolicy, format!("created the SLA policy '{}'", policy.name), "")?;
    sla::reconsider(tx)?;
    get(tx, id)
}

pub fn update(tx: &Tx<'_>, by: &Actor, id: SlaPolicyId, change: &SlaPolicyChange) -> Result<SlaPolicy> {
    by.require(Permission::ManageSettings)?;
    let before = get(tx, id)?;
    let policy = changed(tx, &before, change)?;
    tx.run(
        "UPDATE sla_policy SET name = ?, description = ?, is_enabled = ?, first_minutes = ?, next_minutes = ?,
           resolve_minutes = ?, is_business_hours = ?, match_when = ?, logic_expression = ? WHERE id = ?",
        (
            &policy.name,
            &policy.description,
            policy.is_enabled,
            policy.targets.first,
            policy.targets.next,
            policy.targets.resolve,
            policy.is_business_hours,
            policy.formula.when,
            &policy.formula.logic_expression,
            id,
        ),
    )?;
    if change.formula.is_some() {
        condition::replace(tx, Owner::SlaPolicy(id), &policy.formula.conditions)?;
    }
    if let Some(position) = change.position.filter(|position| *position != before.position) {
        reorder(tx, id, Place::At(position))?;
    }
    let after = get(tx, id)?;
    let details = audit::difference(&facts(&before), &facts(&after));
    audit::record(tx, by, Action::SlaPolicy, format!("changed the SLA policy '{}'", after.name), details)?;
    sla::reconsider(tx)?;
    Ok(after)
}

/// Inserts a copy right below, switched off. Gives the copy.
pub fn copy(tx: &Tx<'_>, by: &Actor, id: SlaPolicyId) -> Result<SlaPolicy> {
    let original = require(tx, by, id)?;
    let suffix = " (copy)";
    let kept = NAME_CHARS - suffix.chars().count();
    let name: String = original.name.chars().take(kept).chain(suffix.chars()).collect();
    // Copied as it is: a condition that names somebody deleted meanwhile is no reason to refuse.
    let copy = SlaPolicyId(tx.insert(
        "INSERT INTO sla_policy (name, description, is_enabled, first_minutes, next_minutes, resolve_minutes,
           is_business_hours, match_when, logic_expression, position)
         SELECT ?, description, 0, first_minutes, next_minutes, resolve_minutes, is_business_hours, match_when,
           logic_expression, 1000000 FROM sla_policy WHERE id = ?",
        (&name, id),
    )?);
    condition::replace(tx, Owner::SlaPolicy(copy), &original.formula.conditions)?;
    reorder(tx, copy, Place::At(original.position + 1))?;
    audit::record(tx, by, Action::SlaPolicy, format!("copied the SLA policy '{}'", original.name), "")?;
    get(tx, copy)
}

/// Moves a policy; gives the whole list.
pub fn sort(tx: &Tx<'_>, by: &Actor, id: SlaPolicyId, place: Place) -> Result<Vec<SlaPolicy>> {
    let policy = require(tx, by, id)?;
    reorder(tx, id, place)?;
    audit::record(tx, by, Action::SlaPolicy, format!("moved the SLA policy '{}'", policy.name), "")?;
    sla::reconsider(tx)?;
    stored(tx)
}

pub fn delete(tx: &Tx<'_>, by: &Actor, id: SlaPolicyId) -> Result<()> {
    let policy = require(tx, by, id)?;
    tx.run("UPDATE sla_policy SET deleted_at = ? WHERE id = ?", (tx.now(), id))?;
    condition::replace(tx, Owner::SlaPolicy(id), &[])?;
    let order: Vec<SlaPolicyId> = stored(tx)?.into_iter().map(|policy| policy.id).collect();
    number(tx, &order)?;
    audit::record(tx, by, Action::SlaPolicy, format!("deleted the SLA policy '{}'", policy.name), "")?;
    sla::reconsider(tx)
}

/// The policy after the change, checked as a whole.
fn changed(tx: &Tx<'_>, before: &SlaPolicy, change: &SlaPolicyChange) -> Result<SlaPolicy> {
    let name = check_name("name", change.name.as_deref().unwrap_or(&before.name), NAME_CHARS)?;
    let description = change.description.as_deref().unwrap_or(&before.description).trim().to_owned();
    check_text("description", &description, DESCRIPTION_CHARS)?;
    let targets = Targets {
        first: change.first.unwrap_or(before.targets.first),
        next: change.next.unwrap_or(before.targets.next),
        resolve: change.resolve.unwrap_or(before.targets.resolve),
    };
    let mut problems = Problems::default();
    for (field, minutes) in [
        ("firstRespondWithin", targets.first),
        ("nextRespondWithin", targets.next),
        ("resolveRespondWithin", targets.resolve),
    ] {
        if let Some(minutes) = minutes.filter(|minutes| !MINUTES.contains(minutes)) {
            problems.add(field, format!("must be 5 to 525600 minutes, not {minutes}"));
        }
    }
    let has_target = targets.first.or(targets.next).or(targets.resolve).is_some();
    problems.require(
        has_target,
        "firstRespondWithin",
        "or 'nextRespondWithin' or 'resolveRespondWithin' is required",
    );
    let is_enabled = change.is_enabled.unwrap_or(before.is_enabled);
    let is_business_hours = change.is_business_hours.unwrap_or(before.is_business_hours);
    if is_enabled && is_business_hours && !working_time::has_business_day(tx)? {
        problems
            .add("operationalHours", "is businessHours, but no day is a business day: it would never be due");
    }
    problems.check()?;
    let formula = match &change.formula {
        Some(formula) => {
            let moment = condition::moment(tx, tx.now(), &Actor::System, None)?;
            condition::check(tx, Usage::Sla, &moment, formula)?
        }
        None => before.formula.clone(),
    };
    Ok(SlaPolicy { name, description, is_enabled, targets, is_business_hours, formula, ..before.clone() })
}

fn reorder(tx: &Tx<'_>, id: SlaPolicyId, place: Place) -> Result<()> {
    let order = stored(tx)?.into_iter().map(|policy| policy.id).collect();
    number(tx, &order::moved(order, &id, place, "orderIndex")?)
}

fn number(tx: &Tx<'_>, order: &[SlaPolicyId]) -> Result<()> {
    for (index, id) in order.iter().enumerate() {
        tx.run("UPDATE sla_policy SET position = ? WHERE id = ?", (index as i64 + 1, id))?;
    }
    Ok(())
}

fn get(s: &Snapshot<'_>, id: SlaPolicyId) -> Result<SlaPolicy> {
    let sql = ["SELECT ", COLUMNS, " FROM sla_policy WHERE id = ? AND deleted_at IS NULL"].concat();
    let policy = s.one(&sql, [id], from_row)?.ok_or_else(|| Error::not_found("SLA policy", id))?;
    with_conditions(s, policy)
}

/// Every policy in order, whoever asks.
pub(super) fn stored(s: &Snapshot<'_>) -> Result<Vec<SlaPolicy>> {
    let sql =
        ["SELECT ", COLUMNS, " FROM sla_policy WHERE deleted_at IS NULL ORDER BY position, id"].concat();
    s.all(&sql, [], from_row)?.into_iter().map(|policy| with_conditions(s, policy)).collect()
}

fn with_conditions(s: &Snapshot<'_>, mut policy: SlaPolicy) -> Result<SlaPolicy> {
    policy.formula.conditions = condition::list(s, Owner::SlaPolicy(policy.id))?;
    Ok(policy)
}

fn facts(policy: &SlaPolicy) -> [(&'static str, String); 9] {
    let minutes = |minutes: Option<i64>| minutes.map(|minutes| minutes.to_string()).unwrap_or_default();
    let conditions: Vec<String> = policy
        .formula
        .conditions
        .iter()
        .map(|it| format!("{} {} {}", it.field, it.match_type.name(), it.value))
        .collect();
    [
        ("name", policy.name.clone()),
        ("description", policy.description.clone()),
        ("isEnabled", policy.is_enabled.to_string()),
        ("firstRespondWithin", minutes(policy.targets.first)),
        ("nextRespondWithin", minutes(policy.targets.next)),
        ("resolveRespondWithin", minutes(policy.targets.resolve)),
        ("isBusinessHours", policy.is_business_hours.to_string()),
        ("conditions", conditions.join("; ")),
        ("orderIndex", policy.position.to_string()),
    ]
}

const COLUMNS: &str = "id, name, description, is_enabled, first_minutes, next_minutes, resolve_minutes,
    is_business_hours, match_when, logic_expression, position";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<SlaPolicy> {
    Ok(SlaPolicy {
        id: row.get(0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        is_enabled: row.get(3)?,
        targets: Targets { first: row.get(4)?, next: row.get(5)?, resolve: row.get(6)? },
        is_business_hours: row.get(7)?,
        formula: Formula { when: row.get(8)?, logic_expression: row.get(9)?, conditions: Vec::new() },
        position: row.get(10)?,
    })
}
