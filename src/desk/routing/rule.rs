//! The rules of custom routing, in their order (contract 15.1: customerRule).

use super::{Target, TargetChange, ensure, target};
use crate::db::{Snapshot, Tx};
use crate::desk::audit::{self, Action};
use crate::desk::condition::{self, NewFormula, Owner};
use crate::desk::order::{self, Place};
use crate::desk::{Actor, Permission, check_name, gone};
use crate::error::{Error, Result};
use crate::ids::RoutingRuleId;
use crate::rules::sql::Where;
use crate::rules::{Catalogue, Formula, Usage};

#[derive(Debug, Clone)]
pub struct RoutingRule {
    pub id: RoutingRuleId,
    pub is_enabled: bool,
    pub name: String,
    pub formula: Formula,
    pub target: Target,
    /// From 1: the order in which rules are tried.
    pub position: i64,
}

/// `None` leaves a property alone (on creation: its default).
#[derive(Debug, Clone, Default)]
pub struct RoutingRuleChange {
    pub is_enabled: Option<bool>,
    pub name: Option<String>,
    pub formula: Option<NewFormula>,
    pub target: TargetChange,
    pub position: Option<i64>,
}

/// Most rules.
const MOST: usize = 500;

impl RoutingRule {
    /// What it names and is gone: such a target gets nothing.
    pub fn warnings(&self, s: &Snapshot<'_>, catalogue: &Catalogue) -> Result<Vec<String>> {
        let mut told: Vec<String> = self.target.warning(s)?.into_iter().collect();
        told.extend(gone::of_formula(s, catalogue, &self.formula)?);
        Ok(told)
    }
}

/// Every rule in order. Needs `manageSettings`.
pub fn list(s: &Snapshot<'_>, by: &Actor) -> Result<Vec<RoutingRule>> {
    by.require(Permission::ManageSettings)?;
    stored(s)
}

/// The rule, or `NotFound`.
pub fn require(s: &Snapshot<'_>, by: &Actor, id: RoutingRuleId) -> Result<RoutingRule> {
    by.require(Permission::ManageSettings)?;
    get(s, id)
}

/// Appends a rule, or inserts it at its position.
pub fn create(tx: &Tx<'_>, by: &Actor, new: &RoutingRuleChange) -> Result<RoutingRule> {
    by.require(Permission::ManageSettings)?;
    let name = check_name("name", new.name.as_deref().unwrap_or_default(), NAME_CHARS)?;
    let target = Target::default().changed(new.target);
    target.check(tx, "routeToId")?;
    let formula = check(tx, &new.formula.clone().unwrap_or_default())?;
    ensure(tx)?;
    let count = stored(tx)?.len();
    if MOST <= count {
        return Err(Error::Conflict(format!("there are {MOST} rules already, which is the most")));
    }
    let id = RoutingRuleId(tx.insert(
        "INSERT INTO routing_rule (is_enabled, name, match_when, logic_expression, object, target_id, priority, position)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            new.is_enabled.unwrap_or(true),
            name,
            formula.when,
            &formula.logic_expression,
            target.object.name(),
            target.id,
            target.priority,
            count as i64 + 1,
        ),
    )?);
    condition::replace(tx, Owner::RoutingRule(id), &formula.conditions)?;
    if let Some(position) = new.position {
        reorder(tx, id, Place::At(position))?;
    }
    let created = get(tx, id)?;
    log(tx, by, "created", &created.name)?;
    Ok(created)
}

pub fn update(tx: &Tx<'_>, by: &Actor, id: RoutingRuleId, change: &RoutingRuleChange) -> Result<RoutingRule> {
    by.require(Permission::ManageSettings)?;
    let before = get(tx, id)?;
    let name = change.name.as_deref().map(|name| check_name("name", name, NAME_CHARS)).transpose()?;
    let target = before.target.changed(change.target);
    if target != before.target {
        target.check(tx, "routeToId")?;
    }
    tx.run(
        "UPDATE routing_rule SET is_enabled = coalesce(?, is_enabled), name = coalesce(?, name), object = ?,
           target_id = ?, priority = ? WHERE id = ?",
        (change.is_enabled, name, target.object.name(), target.id, target.priority, id),
    )?;
    if let Some(formula) = &change.formula {
        let formula = check(tx, formula)?;
        tx.run(
            "UPDATE routing_rule SET match_when = ?, logic_expression = ? WHERE id = ?",
            (formula.when, &formula.logic_expression, id),
        )?;
        condition::replace(tx, Owner::RoutingRule(id), &formula.conditions)?;
    }
    if let Some(position) = change.position
        && position != before.position
    {
        reorder(tx, id, Place::At(position))?;
    }
    log(tx, by, "changed", &before.name)?;
    get(tx, id)
}

fn log(tx: &Tx<'_>, by: &Actor, what: &str, name: &str) -> Result<()> {
    audit::record(tx, by, Action::RoutingRule, format!("{what} the routing rule '{name}'"), "")
}

/// Inserts a copy right below, switched off (contract 15.2). Gives the whole list.
pub fn copy(tx: &Tx<'_>, by: &Actor, id: RoutingRuleId) -> Result<Vec<RoutingRule>> {
    by.require(Permission::ManageSettings)?;
    let original = get(tx, id)?;
    let suffix = " (copy)";
    let kept = NAME_CHARS - suffix.chars().count();
    let name: String = original.name.chars().take(kept).chain(suffix.chars()).collect();
    // Copied as it is: a target that was deleted meanwhile is no reason to refuse.
    let copy = RoutingRuleId(tx.insert(
        "INSERT INTO routing_rule (is_enabled, name, match_when, logic_expression, object, target_id, priority, position)
         SELECT 0, ?, match_when, logic_expression, object, target_id, priority, (SELECT count(*) + 1 FROM routing_rule)
         FROM routing_rule WHERE id = ?",
        (name, id),
    )?);
    condition::replace(tx, Owner::RoutingRule(copy), &original.formula.conditions)?;
    reorder(tx, copy, Place::At(original.position + 1))?;
    log(tx, by, "copied", &original.name)?;
    stored(tx)
}

/// Moves a rule; gives the whole list.
pub fn sort(tx: &Tx<'_>, by: &Actor, id: RoutingRuleId, place: Place) -> Result<Vec<RoutingRule>> {
    by.require(Permission::ManageSettings)?;
    let moved = get(tx, id)?;
    reorder(tx, id, place)?;
    log(tx, by, "moved", &moved.name)?;
    stored(tx)
}

/// Puts the named rules first, in this order; the others follow in the order they had. Gives the whole list.
pub fn arrange(tx: &Tx<'_>, by: &Actor, wanted: &[RoutingRuleId]) -> Result<Vec<RoutingRule>> {
    by.require(Permission::ManageSettings)?;
    let mut order = ids(tx)?;
    for (index, rule) in wanted.iter().enumerate() {
        let field = format!("customerRules[{index}].id");
        if !order.contains(rule) {
            return Err(Error::invalid(field, format!("there is no custom rule {rule}")));
        }
        if wanted[..index].contains(rule) {
            return Err(Error::invalid(field, format!("names custom rule {rule} twice")));
        }
    }
    order.retain(|rule| !wanted.contains(rule));
    order.splice(0..0, wanted.iter().copied());
    number(tx, &order)?;
    audit::record(tx, by, Action::RoutingRule, "put the routing rules in another order", "")?;
    stored(tx)
}

pub fn delete(tx: &Tx<'_>, by: &Actor, id: RoutingRuleId) -> Result<()> {
    by.require(Permission::ManageSettings)?;
    let deleted = get(tx, id)?;
    tx.run("DELETE FROM routing_rule WHERE id = ?", [id])?;
    log(tx, by, "deleted", &deleted.name)?;
    number(tx, &ids(tx)?)
}

/// How many open conversations a formula holds for now: what a rule would catch. May take long.
pub fn matches_now(
    s: &Snapshot<'_>,
    by: &Actor,
    now: crate::time::Timestamp,
    formula: &Formula,
) -> Result<i64> {
    by.require(Permission::ManageSettings)?;
    let moment = condition::moment(s, now, &Actor::System, None)?;
    let predicate = condition::predicate(s, &moment, formula)?;
    if predicate.is_empty() {
        return Ok(0);
    }
    let mut filter = Where::default();
    let matching = filter.filter(&predicate);
    let sql = ["SELECT count(*) FROM conversation c WHERE c.is_deleted = 0 AND c.status < 5 AND ", &matching]
        .concat();
    let params: Vec<(&str, &dyn rusqlite::ToSql)> = filter.params().collect();
    s.number(&sql, params.as_slice())
}

const NAME_CHARS: usize = 200;

fn check(tx: &Tx<'_>, new: &NewFormula) -> Result<Formula> {
    let moment = condition::moment(tx, tx.now(), &Actor::System, None)?;
    condition::check(tx, Usage::Routing, &moment, new)
}

fn reorder(tx: &Tx<'_>, id: RoutingRuleId, place: Place) -> Result<()> {
    number(tx, &order::moved(ids(tx)?, &id, place, "index")?)
}

fn ids(s: &Snapshot<'_>) -> Result<Vec<RoutingRuleId>> {
    Ok(stored(s)?.into_iter().map(|rule| rule.id).collect())
}

fn number(tx: &Tx<'_>, order: &[RoutingRuleId]) -> Result<()> {
    for (index, id) in order.iter().enumerate() {
        tx.run("UPDATE routing_rule SET position = ? WHERE id = ?", (index as i64 + 1, id))?;
    }
    Ok(())
}

fn get(s: &Snapshot<'_>, id: RoutingRuleId) -> Result<RoutingRule> {
    let sql = ["SELECT ", COLUMNS, " FROM routing_rule WHERE id = ?"].concat();
    let rule = s.one(&sql, [id], from_row)?.ok_or_else(|| Error::not_found("custom rule", id))?;
    with_conditions(s, rule)
}

/// Every rule in order, whoever asks.
pub(super) fn stored(s: &Snapshot<'_>) -> Result<Vec<RoutingRule>> {
    let rules =
        s.all(&["SELECT ", COLUMNS, " FROM routing_rule ORDER BY position, id"].concat(), [], from_row)?;
    rules.into_iter().map(|rule| with_conditions(s, rule)).collect()
}

fn with_conditions(s: &Snapshot<'_>, mut rule: RoutingRule) -> Result<RoutingRule> {
    rule.formula.conditions = condition::list(s, Owner::RoutingRule(rule.id))?;
    Ok(rule)
}

const COLUMNS: &str =
    "id, is_enabled, name, match_when, logic_expression, object, target_id, priority, position";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<RoutingRule> {
    let formula = Formula { when: row.get(3)?, logic_expression: row.get(4)?, conditions: Vec::new() };
    Ok(RoutingRule {
        id: row.get(0)?,
        is_enabled: row.get(1)?,
        name: row.get(2)?,
        formula,
        target: target(row, 5)?,
        position: row.get(8)?,
    })
}
