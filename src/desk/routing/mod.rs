//! Routing (contract 15.1): where a new conversation goes. There is one setting for the site: everything to one target,
//! or rules in an order of which the first that matches wins. Here the setting; `rule` has the rules, `decide` decides.

pub mod decide;
pub mod rule;

use super::audit::{self, Action};
use super::code::Priority;
use super::{Actor, Permission, agent, department, gone};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::{AgentId, DepartmentId};
use crate::rules::Domain;

pub use decide::{CustomRule, Routed, RoutingTrace, Rules, Verdict, Winner, is_given, route};
pub use rule::{RoutingRule, RoutingRuleChange};

/// The only id that a routing setting ever has.
pub const ID: i64 = 1;

#[derive(Debug, Clone)]
pub struct Routing {
    pub is_enabled: bool,
    pub kind: Kind,
    pub simple: Target,
    /// For what no rule matches.
    pub match_failed: Target,
    pub rules: Vec<RoutingRule>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Kind {
    Simple,
    Custom,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Custom => "customRules",
        }
    }
}

/// To whom, and how urgent. The id 0 stands for nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Target {
    pub object: Object,
    pub id: i64,
    pub priority: Priority,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Object {
    Department,
    Agent,
}

impl Object {
    pub const ALL: [Self; 2] = [Self::Department, Self::Agent];

    pub fn name(self) -> &'static str {
        match self {
            Self::Department => "department",
            Self::Agent => "agent",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|object| object.name().eq_ignore_ascii_case(text.trim()))
    }
}

impl Default for Target {
    fn default() -> Self {
        Self { object: Object::Department, id: 0, priority: Priority::Normal }
    }
}

/// `None` leaves a part alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct TargetChange {
    pub object: Option<Object>,
    pub id: Option<i64>,
    pub priority: Option<Priority>,
}

impl Target {
    fn changed(self, change: TargetChange) -> Self {
        Self {
            object: change.object.unwrap_or(self.object),
            id: change.id.unwrap_or(self.id),
            priority: change.priority.unwrap_or(self.priority),
        }
    }

    /// Refuses a target that does not exist; `prefix` is what the field is called before `Id`.
    fn check(self, s: &Snapshot<'_>, field: &str) -> Result<()> {
        let is_known = match self.object {
            _ if self.id == 0 => true,
            Object::Department => department::get(s, DepartmentId(self.id))?.is_some(),
            Object::Agent => agent::is_assignable(s, AgentId(self.id))?,
        };
        if self.object == Object::Department
            && self.id != 0
            && let Some(objection) = department::objection(s, DepartmentId(self.id))?
        {
            return Err(Error::invalid(field, objection));
        }
        if is_known {
            return Ok(());
        }
        let noun = if self.object == Object::Agent { "active agent" } else { "department" };
        Err(Error::invalid(field, format!("there is no {noun} {}", self.id)))
    }

    /// Why nothing can be assigned to it; `None` when something can, or nothing should.
    pub fn warning(self, s: &Snapshot<'_>) -> Result<Option<String>> {
        let (gone, them) = match self.object {
            _ if self.id == 0 => return Ok(None),
            Object::Department => (gone::named(s, Domain::Department, self.id)?, "it"),
            Object::Agent => (gone::assignable(s, AgentId(self.id))?, "them"),
        };
        Ok(gone.map(|gone| format!("{gone}: nothing is assigned to {them}")))
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub struct RoutingChange {
    pub is_enabled: Option<bool>,
    pub kind: Option<Kind>,
    pub simple: TargetChange,
    pub match_failed: TargetChange,
}

/// The setting; `None` until it is first enabled or changed. Needs `manageSettings`.
pub fn get(s: &Snapshot<'_>, by: &Actor) -> Result<Option<Routing>> {
    by.require(Permission::ManageSettings)?;
    stored(s)
}

/// Switches routing. The first time, whatever the id, this makes the setting (contract 15.2).
pub fn enable(tx: &Tx<'_>, by: &Actor, id: Option<i64>, is_enabled: bool) -> Result<Routing> {
    by.require(Permission::ManageSettings)?;
    let exists = tx.exists("SELECT 1 FROM routing", [])?;
    if let Some(id) = id
        && exists
    {
        check_id(id)?;
    }
    change(tx, by, RoutingChange { is_enabled: Some(is_enabled), ..RoutingChange::default() })
}

pub fn update(tx: &Tx<'_>, by: &Actor, id: i64, change: RoutingChange) -> Result<Routing> {
    by.require(Permission::ManageSettings)?;
    check_id(id)?;
    self::change(tx, by, change)
}

fn change(tx: &Tx<'_>, by: &Actor, change: RoutingChange) -> Result<Routing> {
    ensure(tx)?;
    let before = require(tx)?;
    let (simple, failed) =
        (before.simple.changed(change.simple), before.match_failed.changed(change.match_failed));
    if simple != before.simple {
        simple.check(tx, "simpleRouteToId")?;
    }
    if failed != before.match_failed {
        failed.check(tx, "matchFailedRouteToId")?;
    }
    tx.run(
        "UPDATE routing SET is_enabled = ?, is_custom = ?, simple_object = ?, simple_id = ?, simple_priority = ?,
           failed_object = ?, failed_id = ?, failed_priority = ?",
        (
            change.is_enabled.unwrap_or(before.is_enabled),
            change.kind.unwrap_or(before.kind) == Kind::Custom,
            simple.object.name(),
            simple.id,
            simple.priority,
            failed.object.name(),
            failed.id,
            failed.priority,
        ),
    )?;
    let after = require(tx)?;
    let details = audit::difference(&facts(&before), &facts(&after));
    audit::record(tx, by, Action::RoutingRule, "changed the routing", details)?;
    Ok(after)
}

/// What the audit log compares.
fn facts(routing: &Routing) -> [(&'static str, String); 4] {
    let target = |to: Target| format!("{} {}, {}", to.object.name(), to.id, to.priority.name());
    [
        ("isEnable", routing.is_enabled.to_string()),
        ("type", routing.kind.name().to_owned()),
        ("simpleRouteTo", target(routing.simple)),
        ("matchFailedRouteTo", target(routing.match_failed)),
    ]
}

fn check_id(id: i64) -> Result<()> {
    if id == ID { Ok(()) } else { Err(Error::not_found("routing rule", id)) }
}

/// Makes the setting when it is not there yet, switched off.
fn ensure(tx: &Tx<'_>) -> Result<()> {
    tx.run("INSERT OR IGNORE INTO routing (id) VALUES (1)", [])?;
    Ok(())
}

fn require(s: &Snapshot<'_>) -> Result<Routing> {
    stored(s)?.ok_or_else(|| Error::internal("the routing setting is gone"))
}

/// The setting, whoever asks.
pub fn stored(s: &Snapshot<'_>) -> Result<Option<Routing>> {
    let found = s.one(
        "SELECT is_enabled, is_custom, simple_object, simple_id, simple_priority, failed_object, failed_id,
           failed_priority FROM routing",
        [],
        |row| {
            Ok(Routing {
                is_enabled: row.get(0)?,
                kind: if row.get(1)? { Kind::Custom } else { Kind::Simple },
                simple: target(row, 2)?,
                match_failed: target(row, 5)?,
                rules: Vec::new(),
            })
        },
    )?;
    found.map(|routing| Ok(Routing { rules: rule::stored(s)?, ..routing })).transpose()
}

/// Three columns from `first`: object, id, priority.
fn target(row: &rusqlite::Row<'_>, first: usize) -> rusqlite::Result<Target> {
    let object =
        Object::parse(row.get_ref(first)?.as_str()?).ok_or(rusqlite::types::FromSqlError::InvalidType)?;
    Ok(Target { object, id: row.get(first + 1)?, priority: row.get(first + 2)? })
}
