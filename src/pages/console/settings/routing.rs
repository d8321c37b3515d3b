//! `/console/settings/routing`: the routing setting and its rules, each with how many open conversations it matches now.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use askama::Template;

use super::super::Layout;
use super::field::{Fields, Sent};
use super::rule_form::{self, Conditions};
use super::{Nav, frame};
use crate::app::App;
use crate::desk::agent::{self, Agent};
use crate::desk::code::Priority;
use crate::desk::department::{self, Department};
use crate::desk::field;
use crate::desk::kept_answer;
use crate::desk::order::Place;
use crate::desk::rehearsal::{Draft, RoutingDraft};
use crate::desk::routing::{
    self, Kind, Object, Routing, RoutingChange, RoutingRule, RoutingRuleChange, Target, TargetChange, rule,
};
use crate::error::Result;
use crate::ids::RoutingRuleId;
use crate::pages::form::Mistakes;
use crate::rules::Usage;
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

const HERE: &str = "/console/settings/routing";

/// A rule with where it leads, in words, and what it matches now.
struct Shown {
    rule: RoutingRule,
    to: String,
    warnings: Vec<String>,
    matches_now: i64,
}

#[derive(Template)]
#[template(path = "console/settings/routings.html")]
struct List {
    layout: Layout,
    nav: Nav,
    form: Fields,
    /// What the two targets name and is gone.
    simple_warning: Option<String>,
    failed_warning: Option<String>,
    rules: Vec<Shown>,
    agents: Vec<Agent>,
    departments: Vec<Department>,
    mistakes: Mistakes,
}

async fn page(app: &App, signed_in: &SignedIn, form: Option<Fields>, mistakes: Mistakes) -> Result<List> {
    let (layout, nav) = frame(app, signed_in, HERE)?;
    let (by, now) = (signed_in.actor.clone(), app.now());
    let (routing, [simple_warning, failed_warning], rules, agents, departments) = app
        .scan(move |s| {
            let routing = routing::get(s, &by)?;
            let (agents, departments) = (agent::assignable(s)?, department::list(s)?);
            let catalogue = field::catalogue(s)?;
            let mut rules = Vec::new();
            for rule in routing.iter().flat_map(|routing| &routing.rules) {
                rules.push(Shown {
                    to: words(rule.target, &agents, &departments),
                    warnings: rule.warnings(s, &catalogue)?,
                    matches_now: rule::matches_now(s, &by, now, &rule.formula)?,
                    rule: rule.clone(),
                });
            }
            let warning = |target: Option<Target>| target.map_or(Ok(None), |target| target.warning(s));
            let (simple, failed) =
                routing.as_ref().map(|routing| (routing.simple, routing.match_failed)).unzip();
            let warnings = [warning(simple)?, warning(failed)?];
            Ok((routing, warnings, rules, agents, departments))
        })
        .await?;
    let form = form.unwrap_or_else(|| setting(routing.as_ref()));
    Ok(List { layout, nav, form, simple_warning, failed_warning, rules, agents, departments, mistakes })
}

fn words(target: Target, agents: &[Agent], departments: &[Department]) -> String {
    let name = match target.object {
        Object::Agent => agents.iter().find(|it| it.id.0 == target.id).map(|it| it.display_name.clone()),
        Object::Department => departments.iter().find(|it| it.id.0 == target.id).map(|it| it.name.clone()),
    };
    format!("{}, priority {}", name.unwrap_or_else(|| "nobody".to_owned()), target.priority.name())
}

fn setting(routing: Option<&Routing>) -> Fields {
    let mut form = Fields::default();
    form.check("isEnable", routing.is_some_and(|routing| routing.is_enabled));
    form.add("type", routing.map_or(Kind::Simple, |routing| routing.kind).name());
    show_target(&mut form, "simple", routing.map(|routing| routing.simple).unwrap_or_default());
    show_target(&mut form, "failed", routing.map(|routing| routing.match_failed).unwrap_or_default());
    form
}

fn show_target(form: &mut Fields, prefix: &str, target: Target) {
    let value =
        if target.id == 0 { String::new() } else { format!("{} {}", target.object.name(), target.id) };
    form.add(prefix, value);
    form.add(&[prefix, "Priority"].concat(), target.priority.name());
}

fn read_target(form: &Fields, prefix: &str) -> TargetChange {
    let chosen = form.text(prefix).split_once(' ');
    let (object, id) = match chosen {
        Some((object, id)) => (Object::parse(object), id.parse().unwrap_or(0)),
        None => (Some(Object::Department), 0),
    };
    TargetChange {
        object,
        id: Some(id),
        priority: Priority::parse(form.text(&[prefix, "Priority"].concat())),
    }
}

#[get("/console/settings/routing")]
pub async fn list(app: App, signed_in: SignedIn) -> Result<Page<List>, PageError> {
    Ok(Page(page(&app, &signed_in, None, Mistakes::default()).await?))
}

#[post("/console/settings/routing")]
pub async fn save_setting(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let Sent { signed_in, fields } = sent;
    let by = signed_in.actor.clone();
    let is_custom = fields.text("type") == Kind::Custom.name();
    let change = RoutingChange {
        is_enabled: Some(fields.is_checked("isEnable")),
        kind: Some(if is_custom { Kind::Custom } else { Kind::Simple }),
        simple: read_target(&fields, "simple"),
        match_failed: read_target(&fields, "failed"),
    };
    match app.write(move |tx| routing::update(tx, &by, routing::ID, change)).await {
        Ok(_) => Ok(see_other(HERE)),
        Err(error) => {
            let page = page(&app, &signed_in, Some(fields), Mistakes::of(error)?).await?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

#[derive(Template)]
#[template(path = "console/settings/routing.html")]
struct Edit {
    layout: Layout,
    nav: Nav,
    rule: Option<RoutingRule>,
    warnings: Vec<String>,
    form: Fields,
    conditions: Conditions,
    agents: Vec<Agent>,
    departments: Vec<Department>,
    mistakes: Mistakes,
}

impl Edit {
    fn new(
        app: &App,
        signed_in: &SignedIn,
        id: Option<RoutingRuleId>,
        form: Option<Fields>,
        mistakes: Mistakes,
    ) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        app.read(|s| {
            let rule = id.map(|id| rule::require(s, &signed_in.actor, id)).transpose()?;
            let warnings = match &rule {
                Some(rule) => rule.warnings(s, &field::catalogue(s)?)?,
                None => Vec::new(),
            };
            let form = form.unwrap_or_else(|| stored(rule.as_ref()));
            let conditions = Conditions::new(s, &form, Usage::Routing)?;
            let (agents, departments) = (agent::assignable(s)?, department::list(s)?);
            Ok(Self { layout, nav, rule, warnings, form, conditions, agents, departments, mistakes })
        })
    }
}

fn stored(rule: Option<&RoutingRule>) -> Fields {
    let mut form = Fields::default();
    form.check("isEnable", rule.is_none_or(|rule| rule.is_enabled));
    form.add("name", rule.map_or("", |rule| &rule.name));
    show_target(&mut form, "to", rule.map(|rule| rule.target).unwrap_or_default());
    match rule {
        Some(rule) => rule_form::stored(&mut form, &rule.formula),
        None => form.add("when", "all"),
    }
    form
}

fn change(fields: &Fields) -> RoutingRuleChange {
    RoutingRuleChange {
        is_enabled: Some(fields.is_checked("isEnable")),
        name: fields.own("name"),
        formula: Some(rule_form::read(fields)),
        target: read_target(fields, "to"),
        position: None,
    }
}

#[get("/console/settings/routing/new")]
pub async fn fresh(app: App, signed_in: SignedIn) -> Result<Page<Edit>, PageError> {
    Ok(Page(Edit::new(&app, &signed_in, None, None, Mistakes::default())?))
}

#[get("/console/settings/routing/{id:\\d+}")]
pub async fn show(
    app: App,
    signed_in: SignedIn,
    id: web::Path<RoutingRuleId>,
) -> Result<Page<Edit>, PageError> {
    Ok(Page(Edit::new(&app, &signed_in, Some(*id), None, Mistakes::default())?))
}

#[post("/console/settings/routing/new")]
pub async fn create(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    store(&app, sent, None).await
}

#[post("/console/settings/routing/{id:\\d+}")]
pub async fn save(app: App, id: web::Path<RoutingRuleId>, sent: Sent) -> Result<HttpResponse, PageError> {
    store(&app, sent, Some(*id)).await
}

/// Saves, or with the button "rehearse" only tries the rule on the past.
async fn store(app: &App, sent: Sent, id: Option<RoutingRuleId>) -> Result<HttpResponse, PageError> {
    let form = sent.form();
    let Sent { signed_in, fields } = sent;
    let (by, change) = (signed_in.actor.clone(), change(&fields));
    let (rehearses, days) = (fields.is_checked("rehearse"), rule_form::rehearsed_days(&fields));
    let result = app
        .write(move |tx| {
            if rehearses {
                let draft = Draft::Routing(RoutingDraft {
                    change: RoutingChange { kind: Some(Kind::Custom), ..RoutingChange::default() },
                    one: Some((id, change)),
                    ..RoutingDraft::default()
                });
                return rule_form::rehearse(tx, &by, &form, &draft, days);
            }
            match id {
                Some(id) => rule::update(tx, &by, id, &change)?.id.0,
                None => kept_answer::once(tx, &form, |tx| Ok(rule::create(tx, &by, &change)?.id.0))?,
            };
            Ok(HERE.to_owned())
        })
        .await;
    match result {
        Ok(to) => Ok(see_other(&to)),
        Err(error) => {
            let page = Edit::new(app, &signed_in, id, Some(fields), Mistakes::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

#[post("/console/settings/routing/{id:\\d+}/up")]
pub async fn up(app: App, id: web::Path<RoutingRuleId>, sent: Sent) -> Result<HttpResponse, PageError> {
    app.write(move |tx| rule::sort(tx, &sent.signed_in.actor, *id, Place::Up)).await?;
    Ok(see_other(HERE))
}

#[post("/console/settings/routing/{id:\\d+}/down")]
pub async fn down(app: App, id: web::Path<RoutingRuleId>, sent: Sent) -> Result<HttpResponse, PageError> {
    app.write(move |tx| rule::sort(tx, &sent.signed_in.actor, *id, Place::Down)).await?;
    Ok(see_other(HERE))
}

#[post("/console/settings/routing/{id:\\d+}/copy")]
pub async fn copy(app: App, id: web::Path<RoutingRuleId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let form = sent.form();
    let copied = app.write(move |tx| {
        kept_answer::once(tx, &form, |tx| rule::copy(tx, &sent.signed_in.actor, *id).map(|_| id.0))
    });
    copied.await?;
    Ok(see_other(HERE))
}

#[post("/console/settings/routing/{id:\\d+}/delete")]
pub async fn delete(app: App, id: web::Path<RoutingRuleId>, sent: Sent) -> Result<HttpResponse, PageError> {
    app.write(move |tx| rule::delete(tx, &sent.signed_in.actor, *id)).await?;
    Ok(see_other(HERE))
}
