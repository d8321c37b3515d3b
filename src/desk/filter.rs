//! Filters, the console's views (contract 13.1): six of the system, and the agents' own, private or public.

use super::condition::{self, NewCondition, NewFormula, Owner};
use super::{Actor, Permission, check_name, conversation, field, gone};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::{AgentId, FilterId};
use crate::rules::field::{AGENT_ASSIGNEE, DEPARTMENT_ASSIGNEE, MENTIONED_AGENT, STATUS};
use crate::rules::{Catalogue, Condition, Formula, MatchType, Moment, Predicate, Usage, When, parse};

/// A filter of the system, as lists of filters show it.
#[derive(Debug, Clone, Copy)]
pub struct SystemFilter {
    pub id: i64,
    pub name: &'static str,
    /// The word in the console's URL.
    pub slug: &'static str,
    pub filter: conversation::Filter,
}

pub const SYSTEM: [SystemFilter; 6] = {
    use conversation::Filter::{All, Closed, MentionedMe, MyDepartmentOpen, MyOpen, Unassigned};
    [
        SystemFilter { id: 1, name: "All", slug: "all", filter: All },
        SystemFilter { id: 2, name: "My Open", slug: "my-open", filter: MyOpen },
        SystemFilter {
            id: 3,
            name: "My Department Open",
            slug: "my-department-open",
            filter: MyDepartmentOpen,
        },
        SystemFilter { id: 4, name: "Unassigned", slug: "unassigned", filter: Unassigned },
        SystemFilter { id: 5, name: "Mentioned me", slug: "mentioned-me", filter: MentionedMe },
        SystemFilter { id: 6, name: "Closed", slug: "closed", filter: Closed },
    ]
};

/// A filter of either kind.
#[derive(Debug, Clone)]
pub struct Filter {
    pub id: FilterId,
    pub name: String,
    pub is_private: bool,
    /// `None` of a system filter.
    pub created_by: Option<AgentId>,
    pub formula: Formula,
}

impl Filter {
    /// What its conditions name and is gone.
    pub fn warnings(&self, s: &Snapshot<'_>, catalogue: &Catalogue) -> Result<Vec<String>> {
        gone::of_formula(s, catalogue, &self.formula)
    }
}

#[derive(Debug, Clone, Default)]
pub struct NewFilter {
    pub name: String,
    pub is_private: bool,
    pub formula: NewFormula,
}

/// `None` leaves a property alone; conditions replace the list.
#[derive(Debug, Clone, Default)]
pub struct FilterChange {
    pub name: Option<String>,
    pub is_private: Option<bool>,
    pub when: Option<String>,
    pub logic_expression: Option<String>,
    pub conditions: Option<Vec<NewCondition>>,
}

/// What a list of conversations is narrowed by.
#[derive(Debug, Clone)]
pub enum Narrowing {
    System(conversation::Filter),
    Own(Predicate),
}

/// Filters of one agent at most.
const FILTERS: i64 = 200;

pub fn by_id(id: i64) -> Option<SystemFilter> {
    SYSTEM.into_iter().find(|filter| filter.id == id)
}

pub fn by_slug(slug: &str) -> Option<SystemFilter> {
    SYSTEM.into_iter().find(|filter| filter.slug == slug)
}

/// The filters that `by` sees: the system's, then public ones and their own, by name.
pub fn list(s: &Snapshot<'_>, by: &Actor) -> Result<Vec<Filter>> {
    let mut filters: Vec<Filter> = SYSTEM.iter().map(Filter::from).collect();
    filters.extend(own(s, by)?);
    Ok(filters)
}

/// Those of `list` that are not the system's.
pub fn own(s: &Snapshot<'_>, by: &Actor) -> Result<Vec<Filter>> {
    let sql =
        ["SELECT ", COLUMNS, " FROM filter WHERE ", VISIBLE, " ORDER BY name COLLATE NOCASE, id"].concat();
    let mut filters = s.all(&sql, [by.agent_id()], from_row)?;
    for filter in &mut filters {
        filter.formula.conditions = condition::list(s, Owner::Filter(filter.id))?;
    }
    Ok(filters)
}

/// A filter that `by` sees.
pub fn get(s: &Snapshot<'_>, by: &Actor, id: FilterId) -> Result<Option<Filter>> {
    if let Some(system) = by_id(id.0) {
        return Ok(Some(Filter::from(&system)));
    }
    let sql = ["SELECT ", COLUMNS, " FROM filter WHERE ", VISIBLE, " AND id = ?2"].concat();
    let Some(mut filter) = s.one(&sql, (by.agent_id(), id), from_row)? else { return Ok(None) };
    filter.formula.conditions = condition::list(s, Owner::Filter(id))?;
    Ok(Some(filter))
}

/// The filter, or `NotFound`: also when it is somebody else's private one.
pub fn require(s: &Snapshot<'_>, by: &Actor, id: FilterId) -> Result<Filter> {
    get(s, by, id)?.ok_or_else(|| Error::not_found("filter", id))
}

/// What a filter narrows a list by, asked at `moment`.
pub fn narrowing(s: &Snapshot<'_>, moment: &Moment, filter: &Filter) -> Result<Narrowing> {
    match by_id(filter.id.0) {
        Some(system) => Ok(Narrowing::System(system.filter)),
        None => narrowing_by(&field::catalogue(s)?, moment, filter),
    }
}

/// The same for many filters with one catalogue.
pub fn narrowing_by(catalogue: &Catalogue, moment: &Moment, filter: &Filter) -> Result<Narrowing> {
    match by_id(filter.id.0) {
        Some(system) => Ok(Narrowing::System(system.filter)),
        None => Ok(Narrowing::Own(parse::stored(catalogue, moment, &filter.formula)?)),
    }
}

/// Every agent may make filters.
pub fn create(tx: &Tx<'_>, by: &Actor, new: &NewFilter) -> Result<Filter> {
    let Some(agent) = by.agent_id() else { return Err(Error::may_not("make filters")) };
    let name = check_name("name", &new.name, 100)?;
    if FILTERS <= tx.number("SELECT count(*) FROM filter WHERE created_by_id = ?", [agent])? {
        return Err(Error::Conflict(format!("you have {FILTERS} filters already; no more are possible")));
    }
    let moment = condition::moment(tx, tx.now(), by, None)?;
    let formula = condition::check(tx, Usage::View, &moment, &new.formula)?;
    let id = tx.insert(
        "INSERT INTO filter (name, is_private, created_by_id, match_when, logic_expression, created_at)
         VALUES (?, ?, ?, ?, ?, ?)",
        (&name, new.is_private, agent, formula.when, &formula.logic_expression, tx.now()),
    )?;
    condition::replace(tx, Owner::Filter(FilterId(id)), &formula.conditions)?;
    require(tx, by, FilterId(id))
}

/// By whoever made it, or whoever may manage all views.
pub fn update(tx: &Tx<'_>, by: &Actor, id: FilterId, change: &FilterChange) -> Result<Filter> {
    let before = changeable(tx, by, id)?;
    let name = change.name.as_deref().map(|name| check_name("name", name, 100)).transpose()?;
    let moment = condition::moment(tx, tx.now(), by, None)?;
    let changes = change.when.is_some() || change.logic_expression.is_some() || change.conditions.is_some();
    let formula = match changes {
        true => condition::check(tx, Usage::View, &moment, &changed(&before.formula, change))?,
        // What a condition names may be gone meanwhile: that is no reason to refuse another name.
        false => before.formula.clone(),
    };
    tx.run(
        "UPDATE filter SET name = coalesce(?, name), is_private = coalesce(?, is_private), match_when = ?,
           logic_expression = ? WHERE id = ?",
        (name, change.is_private, formula.when, &formula.logic_expression, id),
    )?;
    condition::replace(tx, Owner::Filter(id), &formula.conditions)?;
    // Whoever manages all views may just have made somebody's filter private and no longer see it.
    match get(tx, by, id)? {
        Some(filter) => Ok(filter),
        None => Ok(Filter {
            name: change.name.clone().unwrap_or(before.name),
            is_private: true,
            formula: Formula { conditions: condition::list(tx, Owner::Filter(id))?, ..formula },
            ..before
        }),
    }
}

pub fn delete(tx: &Tx<'_>, by: &Actor, id: FilterId) -> Result<()> {
    changeable(tx, by, id)?;
    tx.run("DELETE FROM filter WHERE id = ?", [id])?;
    Ok(())
}

fn changeable(tx: &Tx<'_>, by: &Actor, id: FilterId) -> Result<Filter> {
    let filter = require(tx, by, id)?;
    match filter.created_by {
        None => {
            Err(Error::Forbidden(format!("the filter '{}' is the system's and stays as it is", filter.name)))
        }
        created_by if created_by == by.agent_id() => Ok(filter),
        Some(_) => by.require(Permission::ManageAllViews).map(|()| filter),
    }
}

/// The formula with what is to change of it; a logic expression goes with the way of combining that needs it.
fn changed(before: &Formula, change: &FilterChange) -> NewFormula {
    let stored = |condition: &Condition| NewCondition {
        field: condition.field.to_string(),
        match_type: condition.match_type.name().to_owned(),
        value: condition.value.clone(),
        number: Some(condition.number),
    };
    let when = change.when.clone().unwrap_or_else(|| before.when.name().to_owned());
    let needs_logic = When::parse(&when) == Some(When::LogicalExpression);
    let kept = before.logic_expression.clone().filter(|_| needs_logic);
    NewFormula {
        when: Some(when),
        logic_expression: change.logic_expression.clone().or(kept),
        conditions: match &change.conditions {
            Some(conditions) => conditions.clone(),
            None => before.conditions.iter().map(stored).collect(),
        },
    }
}

impl From<&SystemFilter> for Filter {
    fn from(system: &SystemFilter) -> Self {
        use conversation::Filter as F;
        let is_open = (STATUS, MatchType::IsNot, "closed");
        let asks = match system.filter {
            F::All => vec![],
            F::MyOpen => vec![(AGENT_ASSIGNEE, MatchType::Is, "@me"), is_open],
            F::MyDepartmentOpen => vec![(DEPARTMENT_ASSIGNEE, MatchType::Is, "@my departments"), is_open],
            F::Unassigned => vec![(AGENT_ASSIGNEE, MatchType::Is, ""), is_open],
            F::MentionedMe => vec![(MENTIONED_AGENT, MatchType::Is, "@me")],
            F::Closed => vec![(STATUS, MatchType::Is, "closed")],
        };
        let conditions = asks.into_iter().zip(1..).map(|((field, match_type, value), number)| Condition {
            id: None,
            number,
            field,
            match_type,
            value: value.to_owned(),
        });
        Self {
            id: FilterId(system.id),
            name: system.name.to_owned(),
            is_private: false,
            created_by: None,
            formula: Formula { conditions: conditions.collect(), ..Formula::default() },
        }
    }
}

const VISIBLE: &str = "(is_private = 0 OR created_by_id = ?1)";

const COLUMNS: &str = "id, name, is_private, created_by_id, match_when, logic_expression";

/// Without its conditions.
fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Filter> {
    Ok(Filter {
        id: row.get(0)?,
        name: row.get(1)?,
        is_private: row.get(2)?,
        created_by: row.get(3)?,
        formula: Formula { when: row.get(4)?, logic_expression: row.get(5)?, conditions: Vec::new() },
    })
}
