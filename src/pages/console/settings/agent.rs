//! `/console/settings/agents`: who may sign in, and as what.

use std::collections::HashSet;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use askama::Template;

use super::super::Layout;
use super::field::{Fields, Sent};
use super::{Nav, beside, frame};
use crate::app::App;
use crate::desk::agent::{self, Agent, AgentChange};
use crate::desk::api_key::{self, ApiKey};
use crate::desk::department::{self, Department};
use crate::desk::kept_answer;
use crate::desk::{Paging, Permission, second_factor};
use crate::error::{Error, Result};
use crate::ids::{AgentId, DepartmentId};
use crate::pages::form::Mistakes;
use crate::pages::when::Zone;
use crate::time::Timestamp;
use crate::web::page::see_other;
use crate::web::{Page, PageError, Query, SignedIn, filters, password};

const HERE: &str = "/console/settings/agents";

#[derive(Template)]
#[template(path = "console/settings/agents.html")]
struct List {
    layout: Layout,
    nav: Nav,
    zone: Zone,
    now: Timestamp,
    agents: Vec<Agent>,
    /// Who signs in in two steps.
    in_two_steps: HashSet<AgentId>,
    keywords: String,
}

/// More agents than this are found by their name.
const SHOWN: i64 = 500;

#[get("/console/settings/agents")]
pub async fn list(app: App, signed_in: SignedIn, query: Query) -> Result<Page<List>, PageError> {
    let (layout, nav) = frame(&app, &signed_in, HERE)?;
    let keywords = query.text("q")?.unwrap_or_default().to_owned();
    let paging = Paging { index: 1, size: SHOWN };
    let (agents, in_two_steps) =
        app.read(|s| Ok((agent::list(s, Some(&keywords), paging)?.items, second_factor::agents(s)?)))?;
    let (zone, now) = (Zone::of_agent(&signed_in), app.now());
    Ok(Page(List { layout, nav, zone, now, agents, in_two_steps, keywords }))
}

#[derive(Template)]
#[template(path = "console/settings/agent.html")]
struct Edit {
    layout: Layout,
    nav: Nav,
    zone: Zone,
    now: Timestamp,
    /// The agent that is edited; `None` for a new one.
    agent: Option<Agent>,
    departments: Vec<Department>,
    key: Option<ApiKey>,
    has_second_factor: bool,
    /// A key just made: shown this once.
    fresh_key: Option<String>,
    form: Fields,
    mistakes: Mistakes,
}

impl Edit {
    fn new(
        app: &App,
        signed_in: &SignedIn,
        id: Option<AgentId>,
        form: Option<Fields>,
        mistakes: Mistakes,
    ) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        let (agent, key, departments, has_second_factor) = app.read(|s| {
            let agent = id.map(|id| agent::require(s, id)).transpose()?;
            let key = id.map(|id| api_key::get(s, id)).transpose()?.flatten();
            let has_second_factor = id.map(|id| second_factor::is_on(s, id)).transpose()?.unwrap_or(false);
            Ok((agent, key, department::list(s)?, has_second_factor))
        })?;
        let form = form.unwrap_or_else(|| stored(agent.as_ref()));
        let (zone, now) = (Zone::of_agent(signed_in), app.now());
        Ok(Self {
            layout,
            nav,
            zone,
            now,
            agent,
            departments,
            key,
            has_second_factor,
            fresh_key: None,
            form,
            mistakes,
        })
    }

    fn shown(self) -> Result<HttpResponse, PageError> {
        Ok(Page(self).with_status(StatusCode::OK))
    }

    fn refused(self) -> Result<HttpResponse, PageError> {
        Ok(Page(self).with_status(StatusCode::BAD_REQUEST))
    }
}

fn stored(agent: Option<&Agent>) -> Fields {
    let mut form = Fields::default();
    form.check("isActive", agent.is_none_or(|agent| agent.is_active));
    if let Some(agent) = agent {
        for (name, value) in [
            ("email", &agent.email),
            ("displayName", &agent.display_name),
            ("firstName", &agent.first_name),
            ("lastName", &agent.last_name),
            ("title", &agent.title),
            ("mobilePhone", &agent.mobile_phone),
        ] {
            form.add(name, value);
        }
        form.check("isAdmin", agent.is_admin);
        for department in &agent.departments {
            form.add("departments", department);
        }
    }
    form
}

fn change(fields: &Fields) -> AgentChange {
    AgentChange {
        email: fields.own("email"),
        display_name: fields.filled("displayName"),
        first_name: fields.own("firstName"),
        last_name: fields.own("lastName"),
        title: fields.own("title"),
        mobile_phone: fields.own("mobilePhone"),
        is_admin: Some(fields.is_checked("isAdmin")),
        is_active: Some(fields.is_checked("isActive")),
        departments: Some(fields.ids("departments").map(DepartmentId).collect()),
        ..AgentChange::default()
    }
}

fn path(id: AgentId) -> String {
    format!("{HERE}/{id}")
}

#[get("/console/settings/agents/new")]
pub async fn fresh(app: App, signed_in: SignedIn) -> Result<HttpResponse, PageError> {
    Edit::new(&app, &signed_in, None, None, Mistakes::default())?.shown()
}

#[get("/console/settings/agents/{id}")]
pub async fn show(app: App, signed_in: SignedIn, id: web::Path<AgentId>) -> Result<HttpResponse, PageError> {
    Edit::new(&app, &signed_in, Some(*id), None, Mistakes::default())?.shown()
}

#[post("/console/settings/agents/new")]
pub async fn create(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    sent.signed_in.actor.require(Permission::ManageAgents)?;
    match make(&app, &sent).await {
        Ok(id) => Ok(see_other(&path(id))),
        Err(error) => {
            let mistakes = Mistakes::of(beside("email", error))?;
            Edit::new(&app, &sent.signed_in, None, Some(sent.fields), mistakes)?.refused()
        }
    }
}

/// Without a password the agent can use the API, but not sign in.
async fn make(app: &App, sent: &Sent) -> Result<AgentId> {
    let (by, new) = (sent.signed_in.actor.clone(), change(&sent.fields));
    let hash = match sent.fields.filled("password") {
        Some(text) => {
            let own_words = [sent.fields.text("email"), sent.fields.text("displayName")];
            Some(password::hash_first(app, "password", &text, &own_words).await?)
        }
        None => None,
    };
    let form = sent.form();
    let made = app.write(move |tx| {
        kept_answer::once(tx, &form, |tx| Ok(agent::create(tx, &by, &new, hash.as_deref())?.id.0))
    });
    Ok(AgentId(made.await?))
}

#[post("/console/settings/agents/{id}")]
pub async fn save(app: App, id: web::Path<AgentId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, id, change) = (sent.signed_in.actor.clone(), *id, change(&sent.fields));
    match app.write(move |tx| agent::update(tx, &by, id, &change)).await {
        Ok(_) => Ok(see_other(HERE)),
        Err(error) => {
            let mistakes = Mistakes::of(error)?;
            Edit::new(&app, &sent.signed_in, Some(id), Some(sent.fields), mistakes)?.refused()
        }
    }
}

#[post("/console/settings/agents/{id}/password")]
pub async fn set_password(app: App, id: web::Path<AgentId>, sent: Sent) -> Result<HttpResponse, PageError> {
    sent.signed_in.actor.require(Permission::ManageAgents)?;
    match replace_password(&app, &sent, *id).await {
        Ok(()) => Ok(see_other(&path(*id))),
        Err(error) => Edit::new(&app, &sent.signed_in, Some(*id), None, Mistakes::of(error)?)?.refused(),
    }
}

/// An agent changes the own password in the profile, where the current one is asked for.
async fn replace_password(app: &App, sent: &Sent, id: AgentId) -> Result<()> {
    if sent.signed_in.agent.id == id {
        return Err(Error::invalid("password", "of your own is changed in your profile"));
    }
    let by = sent.signed_in.actor.clone();
    let agent = app.read(|s| agent::require(s, id))?;
    let hash = password::hash_next(app, &agent, "password", sent.fields.text("password")).await?;
    app.write(move |tx| agent::set_password(tx, &by, id, &hash, None)).await
}

#[post("/console/settings/agents/{id}/api-key")]
pub async fn rotate_key(app: App, id: web::Path<AgentId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, id) = (sent.signed_in.actor.clone(), *id);
    let key = app.write(move |tx| api_key::rotate(tx, &by, id)).await?;
    let page = Edit::new(&app, &sent.signed_in, Some(id), None, Mistakes::default())?;
    Edit { fresh_key: Some(key), ..page }.shown()
}

#[post("/console/settings/agents/{id}/unlock")]
pub async fn unlock(app: App, id: web::Path<AgentId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let id = *id;
    app.write(move |tx| agent::unlock(tx, &sent.signed_in.actor, id)).await?;
    Ok(see_other(&path(id)))
}

/// For an agent who has lost app and recovery codes.
#[post("/console/settings/agents/{id}/second-factor")]
pub async fn reset_second_factor(
    app: App,
    id: web::Path<AgentId>,
    sent: Sent,
) -> Result<HttpResponse, PageError> {
    let id = *id;
    app.write(move |tx| second_factor::reset(tx, &sent.signed_in.actor, id)).await?;
    Ok(see_other(&path(id)))
}

#[post("/console/settings/agents/{id}/delete")]
pub async fn delete(app: App, id: web::Path<AgentId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, id) = (sent.signed_in.actor.clone(), *id);
    match app.write(move |tx| agent::delete(tx, &by, id)).await {
        Ok(()) => Ok(see_other(HERE)),
        Err(error) => Edit::new(&app, &sent.signed_in, Some(id), None, Mistakes::of(error)?)?.refused(),
    }
}
