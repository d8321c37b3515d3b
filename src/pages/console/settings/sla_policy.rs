//! `/console/settings/sla-policies`: how fast conversations must be answered and closed, and when the clocks stand still.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use askama::Template;

use super::super::{Layout, words};
use super::field::{Fields, Sent};
use super::rule_form::{self, Conditions};
use super::{Nav, frame};
use crate::app::App;
use crate::desk::code::Status;
use crate::desk::kept_answer;
use crate::desk::order::Place;
use crate::desk::rehearsal::{Draft, SlaDraft};
use crate::desk::sla_policy::{self, SlaPolicy, SlaPolicyChange};
use crate::desk::{field, sla};
use crate::error::{Error, Problems, Result};
use crate::ids::SlaPolicyId;
use crate::pages::form::Mistakes;
use crate::rules::Usage;
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

const HERE: &str = "/console/settings/sla-policies";

#[derive(Template)]
#[template(path = "console/settings/sla_policies.html")]
struct List {
    layout: Layout,
    nav: Nav,
    /// Each with what it names and is gone.
    policies: Vec<(Vec<String>, SlaPolicy)>,
    pauses: Vec<Status>,
}

#[get("/console/settings/sla-policies")]
pub async fn list(app: App, signed_in: SignedIn) -> Result<Page<List>, PageError> {
    let (layout, nav) = frame(&app, &signed_in, HERE)?;
    let by = &signed_in.actor;
    Ok(Page(app.read(|s| {
        let catalogue = field::catalogue(s)?;
        let found = sla_policy::list(s, by)?.into_iter();
        let shown = found.map(|policy| Ok((policy.warnings(s, &catalogue)?, policy)));
        let policies = shown.collect::<Result<_>>()?;
        Ok(List { layout, nav, policies, pauses: sla::pause_statuses(s)? })
    })?))
}

/// `30 min`, `4 h`, `4 h 30 min`.
fn span(minutes: i64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} min"),
        (hours, 0) => format!("{hours} h"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// The targets in words: `first answer in 4 h, closed in 48 h`.
fn promises(policy: &SlaPolicy) -> String {
    let targets = [
        ("first answer in ", policy.targets.first),
        ("next answers in ", policy.targets.next),
        ("closed in ", policy.targets.resolve),
    ];
    let told = targets.into_iter().filter_map(|(what, minutes)| Some([what, &span(minutes?)].concat()));
    told.collect::<Vec<_>>().join(", ")
}

/// While a conversation has one of these statuses its clocks stand still.
#[post("/console/settings/sla-policies/pauses")]
pub async fn save_pauses(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let statuses: Vec<Status> = sent.fields.each("status").filter_map(Status::parse).collect();
    app.write(move |tx| sla::set_pause_statuses(tx, &sent.signed_in.actor, &statuses)).await?;
    Ok(see_other(HERE))
}

#[derive(Template)]
#[template(path = "console/settings/sla_policy.html")]
struct Edit {
    layout: Layout,
    nav: Nav,
    policy: Option<SlaPolicy>,
    warnings: Vec<String>,
    form: Fields,
    conditions: Conditions,
    mistakes: Mistakes,
}

/// The fields of the form, what `desk` calls them, and what they ask.
const TARGETS: [(&str, &str, &str); 3] = [
    ("first", "firstRespondWithin", "First answer within"),
    ("next", "nextRespondWithin", "Every next answer within"),
    ("resolve", "resolveRespondWithin", "Closed within"),
];

struct Target {
    name: &'static str,
    field: &'static str,
    label: &'static str,
    unit: String,
}

impl Edit {
    fn new(
        app: &App,
        signed_in: &SignedIn,
        id: Option<SlaPolicyId>,
        form: Option<Fields>,
        mistakes: Mistakes,
    ) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        app.read(|s| {
            let policy = id.map(|id| sla_policy::require(s, &signed_in.actor, id)).transpose()?;
            let warnings = match &policy {
                Some(policy) => policy.warnings(s, &field::catalogue(s)?)?,
                None => Vec::new(),
            };
            let form = form.unwrap_or_else(|| stored(policy.as_ref()));
            let conditions = Conditions::new(s, &form, Usage::Sla)?;
            Ok(Self { layout, nav, policy, warnings, form, conditions, mistakes })
        })
    }

    fn targets(&self) -> [Target; 3] {
        TARGETS.map(|(name, field, label)| Target { name, field, label, unit: [name, "Unit"].concat() })
    }
}

fn stored(policy: Option<&SlaPolicy>) -> Fields {
    let mut form = Fields::default();
    form.check("isEnabled", policy.is_none_or(|policy| policy.is_enabled));
    form.check("isBusinessHours", policy.is_none_or(|policy| policy.is_business_hours));
    form.add("name", policy.map_or("", |policy| &policy.name));
    form.add("description", policy.map_or("", |policy| &policy.description));
    let targets = policy.map(|policy| policy.targets).unwrap_or_default();
    for ((name, _, _), minutes) in TARGETS.into_iter().zip([targets.first, targets.next, targets.resolve]) {
        if let Some(minutes) = minutes {
            let (count, unit) =
                if minutes % 60 == 0 { (minutes / 60, "hours") } else { (minutes, "minutes") };
            form.add(name, count);
            form.add(&[name, "Unit"].concat(), unit);
        }
    }
    match policy {
        Some(policy) => rule_form::stored(&mut form, &policy.formula),
        None => form.add("when", "all"),
    }
    form
}

#[get("/console/settings/sla-policies/new")]
pub async fn fresh(app: App, signed_in: SignedIn) -> Result<Page<Edit>, PageError> {
    Ok(Page(Edit::new(&app, &signed_in, None, None, Mistakes::default())?))
}

#[get("/console/settings/sla-policies/{id:\\d+}")]
pub async fn show(
    app: App,
    signed_in: SignedIn,
    id: web::Path<SlaPolicyId>,
) -> Result<Page<Edit>, PageError> {
    Ok(Page(Edit::new(&app, &signed_in, Some(*id), None, Mistakes::default())?))
}

#[post("/console/settings/sla-policies/new")]
pub async fn create(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    store(&app, sent, None).await
}

#[post("/console/settings/sla-policies/{id:\\d+}")]
pub async fn save(app: App, id: web::Path<SlaPolicyId>, sent: Sent) -> Result<HttpResponse, PageError> {
    store(&app, sent, Some(*id)).await
}

/// Saves, or with the button "rehearse" only tries the policy on the past.
async fn store(app: &App, sent: Sent, id: Option<SlaPolicyId>) -> Result<HttpResponse, PageError> {
    let form = sent.form();
    let Sent { signed_in, fields } = sent;
    let by = signed_in.actor.clone();
    let (rehearses, days) = (fields.is_checked("rehearse"), rule_form::rehearsed_days(&fields));
    let result = match change(&fields) {
        Ok(change) => {
            let saved = app.write(move |tx| {
                if rehearses {
                    let draft = Draft::Sla(SlaDraft { policies: vec![(id, change)], ..SlaDraft::default() });
                    return rule_form::rehearse(tx, &by, &form, &draft, days);
                }
                match id {
                    Some(id) => sla_policy::update(tx, &by, id, &change)?.id.0,
                    None => {
                        kept_answer::once(tx, &form, |tx| Ok(sla_policy::create(tx, &by, &change)?.id.0))?
                    }
                };
                Ok(HERE.to_owned())
            });
            saved.await
        }
        Err(error) => Err(error),
    };
    match result {
        Ok(to) => Ok(see_other(&to)),
        Err(error) => {
            let page = Edit::new(app, &signed_in, id, Some(fields), Mistakes::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

fn change(fields: &Fields) -> Result<SlaPolicyChange> {
    let mut problems = Problems::default();
    let mut targets = TARGETS.map(|(name, field, _)| {
        let text = fields.filled(name)?;
        let scale = if fields.text(&[name, "Unit"].concat()) == "minutes" { 1 } else { 60 };
        let minutes = text.trim().parse::<i64>().ok().and_then(|count| count.checked_mul(scale));
        problems.require(minutes.is_some(), field, format!("'{text}' is not a whole number"));
        minutes
    });
    problems.check()?;
    let mut next = |index: usize| Some(targets[index].take());
    Ok(SlaPolicyChange {
        name: fields.own("name"),
        description: fields.own("description"),
        is_enabled: Some(fields.is_checked("isEnabled")),
        first: next(0),
        next: next(1),
        resolve: next(2),
        is_business_hours: Some(fields.is_checked("isBusinessHours")),
        formula: Some(rule_form::read(fields)),
        position: None,
    })
}

/// One of the buttons beside a policy.
#[post("/console/settings/sla-policies/{id:\\d+}/{button:up|down|copy|enable|delete}")]
pub async fn press(
    app: App,
    path: web::Path<(SlaPolicyId, String)>,
    sent: Sent,
) -> Result<HttpResponse, PageError> {
    let (id, button) = path.into_inner();
    let (by, form) = (sent.signed_in.actor.clone(), sent.form());
    app.write(move |tx| match button.as_str() {
        "up" => sla_policy::sort(tx, &by, id, Place::Up).map(|_| ()),
        "down" => sla_policy::sort(tx, &by, id, Place::Down).map(|_| ()),
        "copy" => kept_answer::once(tx, &form, |tx| Ok(sla_policy::copy(tx, &by, id)?.id.0)).map(|_| ()),
        "delete" => sla_policy::delete(tx, &by, id),
        "enable" => {
            let before = sla_policy::require(tx, &by, id)?;
            let switch =
                SlaPolicyChange { is_enabled: Some(!before.is_enabled), ..SlaPolicyChange::default() };
            sla_policy::update(tx, &by, id, &switch).map(|_| ())
        }
        other => Err(Error::not_found("button", other)),
    })
    .await?;
    Ok(see_other(HERE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_hours_and_minutes() {
        assert_eq!([span(45), span(240), span(270)], ["45 min", "4 h", "4 h 30 min"]);
    }
}
