//! The draft of a rehearsal: rules as somebody would save them, applied in a savepoint that is taken back.

use super::Kind;
use crate::db::{Snapshot, Tx};
use crate::desk::holiday::{self, NewHoliday};
use crate::desk::routing::{self, RoutingChange, RoutingRuleChange};
use crate::desk::sla_policy::{self, SlaPolicyChange};
use crate::desk::trigger::{self, TriggerChange, change};
use crate::desk::working_time::{self, DayChange};
use crate::desk::{Actor, condition, field, sla};
use crate::error::{Error, Result};
use crate::ids::{RoutingRuleId, SlaPolicyId, TriggerId};

pub enum Draft {
    Routing(RoutingDraft),
    /// Triggers that are changed, by id, and new ones; the others stay.
    Triggers(Vec<(Option<TriggerId>, TriggerChange)>),
    Sla(SlaDraft),
}

/// Policies that are changed, by id, and new ones; days and holidays of another calendar.
#[derive(Debug, Clone, Default)]
pub struct SlaDraft {
    pub policies: Vec<(Option<SlaPolicyId>, SlaPolicyChange)>,
    pub days: Vec<DayChange>,
    /// `None` leaves the holidays as they are.
    pub holidays: Option<Vec<NewHoliday>>,
}

#[derive(Debug, Clone, Default)]
pub struct RoutingDraft {
    pub change: RoutingChange,
    /// `None` leaves the rules as they are.
    pub rules: Option<Vec<RoutingRuleChange>>,
    /// One rule that is changed, or with no id a new one at the end.
    pub one: Option<(Option<RoutingRuleId>, RoutingRuleChange)>,
}

impl Draft {
    pub fn kind(&self) -> Kind {
        match self {
            Self::Routing(_) => Kind::Routing,
            Self::Triggers(_) => Kind::Trigger,
            Self::Sla(_) => Kind::Sla,
        }
    }

    /// The rules of this kind as the file has them now, ready to decide, as JSON.
    pub(super) fn current(&self, tx: &Tx<'_>) -> Result<String> {
        let moment = condition::moment(tx, tx.now(), &Actor::System, None)?;
        let ready = match self {
            Self::Routing(_) => {
                let routing = routing::stored(tx)?;
                let rules = routing.map(|routing| routing::Rules::new(tx, &moment, &routing)).transpose()?;
                serde_json::to_string(&rules)
            }
            Self::Triggers(_) => {
                serde_json::to_string(&trigger::Rules::new(tx, &moment, &trigger::stored(tx)?)?)
            }
            Self::Sla(_) => serde_json::to_string(&sla::Rules::new(tx, &moment)?.0),
        };
        ready.map_err(Error::internal)
    }

    /// What the rules of this kind, as the file has them now, name and is gone: each with whose it is.
    pub(super) fn warnings(&self, s: &Snapshot<'_>) -> Result<Vec<String>> {
        let catalogue = field::catalogue(s)?;
        let mut told = Vec::new();
        let mut tell = |name: &str, warnings: Vec<String>| {
            told.extend(warnings.into_iter().map(|warning| format!("{name}: {warning}")));
        };
        match self {
            Self::Routing(_) => {
                let Some(routing) = routing::stored(s)? else { return Ok(told) };
                let is_custom = routing.kind == routing::Kind::Custom;
                let (name, target) = match is_custom {
                    true => ("no rule matches", routing.match_failed),
                    false => ("everything", routing.simple),
                };
                tell(name, target.warning(s)?.into_iter().collect());
                for rule in routing.rules.iter().filter(|rule| is_custom && rule.is_enabled) {
                    tell(&rule.name, rule.warnings(s, &catalogue)?);
                }
            }
            Self::Triggers(_) => {
                for trigger in trigger::stored(s)?.iter().filter(|trigger| trigger.is_enabled) {
                    tell(&trigger.name, trigger.warnings(s, &catalogue)?);
                }
            }
            Self::Sla(_) => {
                for policy in sla_policy::stored(s)?.iter().filter(|policy| policy.is_enabled) {
                    tell(&policy.name, policy.warnings(s, &catalogue)?);
                }
            }
        }
        Ok(told)
    }

    /// Saves the draft. The caller takes it back.
    pub(super) fn apply(&self, tx: &Tx<'_>, by: &Actor) -> Result<()> {
        match self {
            Self::Routing(draft) => {
                routing::update(tx, by, routing::ID, draft.change)?;
                if let Some(rules) = &draft.rules {
                    for rule in routing::rule::list(tx, by)? {
                        routing::rule::delete(tx, by, rule.id)?;
                    }
                    for rule in rules {
                        routing::rule::create(tx, by, rule)?;
                    }
                }
                match &draft.one {
                    Some((Some(id), change)) => routing::rule::update(tx, by, *id, change).map(|_| ()),
                    Some((None, change)) => routing::rule::create(tx, by, change).map(|_| ()),
                    None => Ok(()),
                }
            }
            Self::Triggers(triggers) => {
                for (id, change) in triggers {
                    match id {
                        Some(id) => change::update(tx, by, *id, change)?,
                        None => change::create(tx, by, change)?,
                    };
                }
                Ok(())
            }
            Self::Sla(draft) => {
                working_time::change(tx, by, &draft.days)?;
                if let Some(holidays) = &draft.holidays {
                    holiday::replace(tx, by, holidays)?;
                }
                for (id, change) in &draft.policies {
                    match id {
                        Some(id) => sla_policy::update(tx, by, *id, change)?,
                        None => sla_policy::create(tx, by, change)?,
                    };
                }
                Ok(())
            }
        }
    }
}
