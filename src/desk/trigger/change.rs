//! Making, changing, sorting and deleting triggers; everything they name is checked (contract 16.1, 16.4).

use super::{Trigger, TriggerMail, Unit, act, require, stored};
use crate::db::Tx;
use crate::desk::audit::{self, Action};
use crate::desk::code::{Status, TriggerEvent};
use crate::desk::condition::{self, NewFormula, Owner};
use crate::desk::order::{self, Place};
use crate::desk::{Actor, Permission, agent, attachment, check_name, check_text};
use crate::error::{Error, Problems, Result};
use crate::html;
use crate::ids::{AgentId, FieldId, TriggerId};
use crate::rules::{Formula, Usage};

/// `None` leaves a property alone (on creation: its default); `Some(None)` clears.
#[derive(Debug, Clone, Default)]
pub struct TriggerChange {
    pub name: Option<String>,
    pub description: Option<String>,
    pub event: Option<TriggerEvent>,
    pub is_enabled: Option<bool>,
    pub position: Option<i64>,
    pub formula: Option<NewFormula>,
    pub status: Option<Option<Status>>,
    pub span: Option<Option<i64>>,
    pub unit: Option<Unit>,
    pub is_shown: Option<bool>,
    pub values: Option<Vec<SetValue>>,
    pub mail: Option<Option<NewMail>>,
    /// Whether the contact gets the mail; beside `mail` it only adds the contact.
    pub mails_contact: Option<bool>,
}

/// A field by id or name, and the value it gets, as it was written.
#[derive(Debug, Clone)]
pub struct SetValue {
    /// What the problem is called after, such as `actions[0]`.
    pub place: String,
    pub field: String,
    pub value: String,
}

#[derive(Debug, Clone, Default)]
pub struct NewMail {
    /// What the problem is called after, such as `actions[1]`.
    pub place: String,
    pub to_contact: bool,
    pub to_assignee: bool,
    pub agents: Vec<AgentId>,
    pub subject: String,
    /// One of the two may be empty: it is made from the other.
    pub html_body: String,
    pub text_body: String,
    /// Guids of uploads, or of files that the trigger has already.
    pub attachments: Vec<String>,
}

const NAME_CHARS: usize = 200;
/// Longest template of a body, in characters.
const BODY_CHARS: usize = 200_000;
/// Most triggers.
const MOST: usize = 500;
/// Longest stay: ten years.
const LONGEST_MINUTES: i64 = 10 * 366 * 24 * 60;

pub fn create(tx: &Tx<'_>, by: &Actor, new: &TriggerChange) -> Result<Trigger> {
    by.require(Permission::ManageSettings)?;
    let mut problems = Problems::default();
    problems.require(new.name.is_some(), "name", "is required");
    problems.require(new.event.is_some(), "triggerEvent", "is required");
    problems.check()?;
    let event = new.event.unwrap_or(TriggerEvent::ConversationCreated);
    let name = check_name("name", new.name.as_deref().unwrap_or_default(), NAME_CHARS)?;
    let count = stored(tx)?.len();
    if MOST <= count {
        return Err(Error::Conflict(format!("there are {MOST} triggers already, which is the most")));
    }
    let id = TriggerId(tx.insert(
        "INSERT INTO trigger (name, event, is_enabled, enabled_at, position) VALUES (?1, ?2, ?3, ?4, ?5)",
        (&name, event, new.is_enabled.unwrap_or(true), tx.now(), count as i64 + 1),
    )?);
    apply(tx, by, id, new)?;
    audit::record(tx, by, Action::Trigger, format!("created the trigger '{name}'"), "")?;
    require(tx, by, id)
}

pub fn update(tx: &Tx<'_>, by: &Actor, id: TriggerId, change: &TriggerChange) -> Result<Trigger> {
    let before = require(tx, by, id)?;
    apply(tx, by, id, change)?;
    audit::record(tx, by, Action::Trigger, format!("changed the trigger '{}'", before.name), "")?;
    require(tx, by, id)
}

/// Moves a trigger; gives the whole list.
pub fn sort(tx: &Tx<'_>, by: &Actor, id: TriggerId, place: Place) -> Result<Vec<Trigger>> {
    let trigger = require(tx, by, id)?;
    reorder(tx, id, place)?;
    audit::record(tx, by, Action::Trigger, format!("moved the trigger '{}'", trigger.name), "")?;
    stored(tx)
}

pub fn delete(tx: &Tx<'_>, by: &Actor, id: TriggerId) -> Result<()> {
    let trigger = require(tx, by, id)?;
    tx.run("DELETE FROM trigger WHERE id = ?", [id])?;
    let order: Vec<TriggerId> = stored(tx)?.into_iter().map(|trigger| trigger.id).collect();
    number(tx, &order)?;
    audit::record(tx, by, Action::Trigger, format!("deleted the trigger '{}'", trigger.name), "")
}

fn apply(tx: &Tx<'_>, by: &Actor, id: TriggerId, change: &TriggerChange) -> Result<()> {
    let before = require(tx, by, id)?;
    let name = change.name.as_deref().map(|name| check_name("name", name, NAME_CHARS)).transpose()?;
    if let Some(description) = &change.description {
        check_text("description", description, 2000)?;
    }
    let event = change.event.unwrap_or(before.event);
    let status = change.status.unwrap_or(before.status);
    let span = change.span.unwrap_or(before.span);
    let unit = change.unit.unwrap_or(before.unit);
    check_stay(event, status, span, unit)?;
    // A stay counts from when the trigger could see it (contract 16.5).
    let begins_anew = (change.is_enabled == Some(true) && !before.is_enabled) || event != before.event;
    let is_same_stay = (status, span, unit) == (before.status, before.span, before.unit);
    tx.run(
        "UPDATE trigger SET name = coalesce(?1, name), description = coalesce(?2, description), event = ?3,
           is_enabled = coalesce(?4, is_enabled), enabled_at = iif(?5, ?6, enabled_at), status = ?7, span = ?8,
           unit = ?9, is_shown = coalesce(?10, is_shown), checked_until = iif(?12, checked_until, 0) WHERE id = ?11",
        rusqlite::params![
            name,
            change.description,
            event,
            change.is_enabled,
            begins_anew,
            tx.now(),
            status,
            span,
            unit.name(),
            change.is_shown,
            id,
            is_same_stay && !begins_anew,
        ],
    )?;
    if let Some(formula) = &change.formula {
        let formula = check_formula(tx, formula)?;
        tx.run(
            "UPDATE trigger SET match_when = ?, logic_expression = ? WHERE id = ?",
            (formula.when, &formula.logic_expression, id),
        )?;
        condition::replace(tx, Owner::Trigger(id), &formula.conditions)?;
    }
    if let Some(values) = &change.values {
        set_values(tx, id, values)?;
    }
    set_mail(tx, by, id, before.mail.as_ref(), change)?;
    match change.position {
        Some(position) if position != before.position => reorder(tx, id, Place::At(position)),
        _ => Ok(()),
    }
}

/// Checks conditions of a trigger.
pub fn check_formula(tx: &crate::db::Snapshot<'_>, new: &NewFormula) -> Result<Formula> {
    // Only whether the values can be read matters here, not what they mean now.
    let moment = condition::moment(tx, crate::time::Timestamp::default(), &Actor::System, None)?;
    condition::check(tx, Usage::TriggerCondition, &moment, new)
}

fn check_stay(event: TriggerEvent, status: Option<Status>, span: Option<i64>, unit: Unit) -> Result<()> {
    let mut problems = Problems::default();
    match event {
        TriggerEvent::StaysAtStatusPeriod => {
            problems.require(status.is_some(), "stayStatus", "is required for staysAtStatusPeriod");
            let minutes = match unit {
                Unit::Minutes => 1,
                Unit::Hours => 60,
                Unit::Days => 24 * 60,
            };
            match span {
                None => problems.add("stayTimeSpan", "is required for staysAtStatusPeriod"),
                Some(span) => problems.require(
                    (1..=LONGEST_MINUTES / minutes).contains(&span),
                    "stayTimeSpan",
                    format!("must be between 1 and {}, not {span}", LONGEST_MINUTES / minutes),
                ),
            }
        }
        TriggerEvent::StatusIsChanged => {}
        _ => problems.require(
            status.is_none(),
            "stayStatus",
            format!(
                "has no meaning for {}; it belongs to statusIsChanged and staysAtStatusPeriod",
                event.name()
            ),
        ),
    }
    problems.check()
}

fn set_values(tx: &Tx<'_>, id: TriggerId, values: &[SetValue]) -> Result<()> {
    let mut checked: Vec<(FieldId, &str)> = Vec::new();
    for value in values {
        let field = act::check(tx, value)?;
        if checked.iter().any(|(known, _)| *known == field) {
            return Err(Error::invalid([&value.place, ".fieldId"].concat(), "is set twice"));
        }
        checked.push((field, value.value.trim()));
    }
    tx.run("DELETE FROM trigger_value WHERE trigger_id = ?", [id])?;
    for (position, (field, value)) in checked.into_iter().enumerate() {
        tx.run(
            "INSERT INTO trigger_value (trigger_id, position, field_id, value) VALUES (?, ?, ?, ?)",
            (id, position as i64, field, value),
        )?;
    }
    Ok(())
}

fn set_mail(
    tx: &Tx<'_>,
    by: &Actor,
    id: TriggerId,
    before: Option<&TriggerMail>,
    change: &TriggerChange,
) -> Result<()> {
    let Some(wanted) = &change.mail else {
        match (change.mails_contact, before) {
            (None, _) | (Some(false), None) => return Ok(()),
            (Some(true), None) => {
                let message = "needs an action SendEmail, which says what is sent";
                return Err(Error::invalid("ifSendEmailToContacts", message));
            }
            (Some(to_contact), Some(mail)) => {
                if !to_contact && !mail.to_assignee && mail.agents.is_empty() {
                    let message = "is the only recipient: delete the action SendEmail instead";
                    return Err(Error::invalid("ifSendEmailToContacts", message));
                }
                tx.run("UPDATE trigger_mail SET to_contact = ? WHERE trigger_id = ?", (to_contact, id))?;
                return Ok(());
            }
        }
    };
    tx.run("DELETE FROM trigger_mail WHERE trigger_id = ?", [id])?;
    let Some(new) = wanted else {
        if change.mails_contact == Some(true) {
            let message = "needs an action SendEmail, which says what is sent";
            return Err(Error::invalid("ifSendEmailToContacts", message));
        }
        tx.run("DELETE FROM trigger_attachment WHERE trigger_id = ?", [id])?;
        return Ok(());
    };
    let mail = check_mail(tx, new, change.mails_contact == Some(true))?;
    tx.run(
        "INSERT INTO trigger_mail (trigger_id, to_contact, to_assignee, agents, subject, html_body, text_body)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            id,
            mail.to_contact,
            mail.to_assignee,
            serde_json::to_string(&mail.agents).map_err(Error::internal)?,
            &mail.subject,
            &mail.html_body,
            &mail.text_body,
        ),
    )?;
    attachment::keep_for_trigger(tx, by, id, &new.attachments, &new.place)
}

/// A mail that can be sent: it has somebody to go to, a subject and a body.
pub fn check_mail(s: &crate::db::Snapshot<'_>, new: &NewMail, adds_contact: bool) -> Result<TriggerMail> {
    let part =
        |part: &str| if new.place.is_empty() { part.to_owned() } else { format!("{}.{part}", new.place) };
    let mut problems = Problems::default();
    let to_contact = new.to_contact || adds_contact;
    problems.require(
        to_contact || new.to_assignee || !new.agents.is_empty(),
        &part("toContact"),
        "or 'toAssignedAgent' or 'agentIds' is required: a mail needs a recipient",
    );
    let mut agents: Vec<AgentId> = Vec::new();
    for id in &new.agents {
        if !agent::is_assignable(s, *id)? {
            problems.add(part("agentIds"), format!("there is no active agent {id}"));
        }
        if !agents.contains(id) {
            agents.push(*id);
        }
    }
    let subject = new.subject.split_whitespace().collect::<Vec<_>>().join(" ");
    problems.require(!subject.is_empty(), &part("subject"), "is required for a mail");
    problems.require(subject.chars().count() <= 400, &part("subject"), "is longer than 400 characters");
    for (name, text) in [("htmlBody", &new.html_body), ("textBody", &new.text_body)] {
        let message = format!("is longer than {BODY_CHARS} characters");
        problems.require(text.chars().count() <= BODY_CHARS, &part(name), message);
    }
    let html_body = html::sanitize_own(&new.html_body);
    let (html_body, text_body) = match (html_body.trim().is_empty(), new.text_body.trim().is_empty()) {
        (false, false) => (html_body, new.text_body.trim().to_owned()),
        (false, true) => {
            let text = html::to_text(&html_body);
            (html_body, text)
        }
        (true, false) => (html::from_text(new.text_body.trim()), new.text_body.trim().to_owned()),
        (true, true) => {
            problems.add(part("htmlBody"), "or 'textBody' is required for a mail");
            Default::default()
        }
    };
    problems.check()?;
    let to_assignee = new.to_assignee;
    Ok(TriggerMail {
        to_contact,
        to_assignee,
        agents,
        subject,
        html_body,
        text_body,
        attachments: Vec::new(),
    })
}

fn reorder(tx: &Tx<'_>, id: TriggerId, place: Place) -> Result<()> {
    let order = stored(tx)?.into_iter().map(|trigger| trigger.id).collect();
    number(tx, &order::moved(order, &id, place, "orderId")?)
}

fn number(tx: &Tx<'_>, order: &[TriggerId]) -> Result<()> {
    for (index, id) in order.iter().enumerate() {
        tx.run("UPDATE trigger SET position = ? WHERE id = ?", (index as i64 + 1, id))?;
    }
    Ok(())
}
