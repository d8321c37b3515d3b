//! `/console/settings/departments`: departments and their members.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use askama::Template;

use super::super::Layout;
use super::field::{Fields, Sent};
use super::{Nav, frame, saved};
use crate::app::App;
use crate::desk::agent::{self, Agent};
use crate::desk::department::{self, Department, DepartmentChange, Member};
use crate::desk::kept_answer;
use crate::error::Result;
use crate::ids::{AgentId, DepartmentId};
use crate::pages::form::Mistakes;
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

const HERE: &str = "/console/settings/departments";

#[derive(Template)]
#[template(path = "console/settings/departments.html")]
struct List {
    layout: Layout,
    nav: Nav,
    departments: Vec<(Department, Vec<Member>)>,
}

#[get("/console/settings/departments")]
pub async fn list(app: App, signed_in: SignedIn) -> Result<Page<List>, PageError> {
    let (layout, nav) = frame(&app, &signed_in, HERE)?;
    let departments = app.read(|s| {
        let found = department::list(s)?.into_iter();
        found.map(|found| Ok((department::members(s, found.id)?, found))).collect::<Result<Vec<_>>>()
    })?;
    let departments = departments.into_iter().map(|(members, found)| (found, members)).collect();
    Ok(Page(List { layout, nav, departments }))
}

#[derive(Template)]
#[template(path = "console/settings/department.html")]
struct Edit {
    layout: Layout,
    nav: Nav,
    /// The department that is edited; `None` for a new one.
    department: Option<Department>,
    agents: Vec<Agent>,
    form: Fields,
    mistakes: Mistakes,
}

impl Edit {
    fn new(
        app: &App,
        signed_in: &SignedIn,
        id: Option<DepartmentId>,
        form: Option<Fields>,
        mistakes: Mistakes,
    ) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        let (department, agents) =
            app.read(|s| Ok((id.map(|id| department::require(s, id)).transpose()?, agent::assignable(s)?)))?;
        let form = form.unwrap_or_else(|| stored(department.as_ref()));
        Ok(Self { layout, nav, department, agents, form, mistakes })
    }
}

fn stored(department: Option<&Department>) -> Fields {
    let mut form = Fields::default();
    form.check("isAvailable", department.is_none_or(|department| department.is_available));
    if let Some(department) = department {
        form.add("name", &department.name);
        form.add("description", &department.description);
        for agent in &department.agents {
            form.add("agents", agent);
        }
    }
    form
}

fn change(fields: &Fields) -> DepartmentChange {
    DepartmentChange {
        name: fields.own("name"),
        description: fields.own("description"),
        is_available: Some(fields.is_checked("isAvailable")),
        agents: Some(fields.ids("agents").map(AgentId).collect()),
        roles: None,
    }
}

#[get("/console/settings/departments/new")]
pub async fn fresh(app: App, signed_in: SignedIn) -> Result<Page<Edit>, PageError> {
    Ok(Page(Edit::new(&app, &signed_in, None, None, Mistakes::default())?))
}

#[get("/console/settings/departments/{id}")]
pub async fn show(
    app: App,
    signed_in: SignedIn,
    id: web::Path<DepartmentId>,
) -> Result<Page<Edit>, PageError> {
    Ok(Page(Edit::new(&app, &signed_in, Some(*id), None, Mistakes::default())?))
}

#[post("/console/settings/departments/new")]
pub async fn create(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, form, new) = (sent.signed_in.actor.clone(), sent.form(), change(&sent.fields));
    let made =
        app.write(move |tx| kept_answer::once(tx, &form, |tx| Ok(department::create(tx, &by, &new)?.id.0)));
    let result = made.await;
    saved(result, HERE, "name", |mistakes| {
        Edit::new(&app, &sent.signed_in, None, Some(sent.fields), mistakes)
    })
}

#[post("/console/settings/departments/{id}")]
pub async fn save(app: App, id: web::Path<DepartmentId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, id, change) = (sent.signed_in.actor.clone(), *id, change(&sent.fields));
    let result = app.write(move |tx| department::update(tx, &by, id, &change)).await;
    saved(result, HERE, "name", |mistakes| {
        Edit::new(&app, &sent.signed_in, Some(id), Some(sent.fields), mistakes)
    })
}

#[post("/console/settings/departments/{id}/delete")]
pub async fn delete(app: App, id: web::Path<DepartmentId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, id) = (sent.signed_in.actor.clone(), *id);
    match app.write(move |tx| department::delete(tx, &by, id)).await {
        Ok(()) => Ok(see_other(HERE)),
        Err(error) => {
            let page = Edit::new(&app, &sent.signed_in, Some(id), None, Mistakes::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::CONFLICT))
        }
    }
}
