//! What rules name and is gone. Whoever makes a rule can name only what is there (`condition::check` and its like); what
//! is deleted later is told of in the same words wherever the rule is shown: on its page, in the API, in traces and in
//! rehearsals.

use super::{agent, condition, contact, department, tag};
use crate::db::Snapshot;
use crate::error::Result;
use crate::ids::{AgentId, ContactId, DepartmentId, TagId};
use crate::rules::field::RECEIVED_FROM;
use crate::rules::{Catalogue, Condition, Domain, Formula, MatchType, Moment, parse};
use crate::time::Timestamp;

/// Why nothing can be given to an agent; `None` when something can.
pub fn assignable(s: &Snapshot<'_>, id: AgentId) -> Result<Option<String>> {
    Ok(match agent::get_ever(s, id)? {
        Some(agent) if agent.deleted_at.is_none() && !agent.is_active => {
            Some(format!("{} is not active", agent.display_name))
        }
        _ => named(s, Domain::Agent, id.0)?,
    })
}

/// That an agent, department, tag or contact is gone.
pub fn named(s: &Snapshot<'_>, domain: Domain, id: i64) -> Result<Option<String>> {
    let was_deleted = |what: String| format!("{what} was deleted");
    Ok(match domain {
        Domain::Agent => match agent::get_ever(s, AgentId(id))? {
            Some(agent) => agent.deleted_at.map(|_| was_deleted(agent.display_name)),
            None => Some(format!("there is no agent {id}")),
        },
        Domain::Department if department::get(s, DepartmentId(id))?.is_none() => {
            Some(was_deleted(format!("department {id}")))
        }
        Domain::Tag if tag::get(s, TagId(id))?.is_none() => Some(was_deleted(format!("tag {id}"))),
        Domain::Contact if contact::get(s, ContactId(id))?.is_none() => {
            let name = contact::get_ever(s, ContactId(id))?.map(|contact| contact.name);
            Some(was_deleted(name.unwrap_or_else(|| format!("contact {id}"))))
        }
        _ => None,
    })
}

/// What a condition asks for and is gone: the field itself, one of its options, somebody, a tag, an e-mail account.
pub fn of_condition(
    s: &Snapshot<'_>,
    catalogue: &Catalogue,
    moment: &Moment,
    condition: &Condition,
) -> Result<Option<String>> {
    if let Some(problem) = parse::problem(catalogue, moment, condition) {
        return Ok(Some(problem));
    }
    let is_whole = matches!(condition.match_type, MatchType::Is | MatchType::IsNot);
    let address = condition.value.trim();
    if condition.field == RECEIVED_FROM && is_whole && !address.is_empty() {
        let is_known = s.exists("SELECT 1 FROM email_account WHERE email = ?", [address])?;
        return Ok((!is_known).then(|| format!("there is no e-mail account {address}")));
    }
    match parse::named_id(catalogue, condition) {
        Some((domain, id)) => named(s, domain, id),
        None => Ok(None),
    }
}

/// What the conditions of a rule ask for and is gone, each a sentence.
pub fn of_formula(s: &Snapshot<'_>, catalogue: &Catalogue, formula: &Formula) -> Result<Vec<String>> {
    if formula.conditions.is_empty() {
        return Ok(Vec::new());
    }
    // Only whether a value can be read matters here, not what it means now.
    let moment = condition::moment(s, Timestamp::default(), &super::Actor::System, None)?;
    let mut told = Vec::new();
    for condition in &formula.conditions {
        if let Some(problem) = of_condition(s, catalogue, &moment, condition)? {
            told.push(format!("condition {}: {problem}", condition.number));
        }
    }
    Ok(told)
}
