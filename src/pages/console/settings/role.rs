//! `/console/settings/roles`: what several agents may do together, and who they are.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use askama::Template;

use super::super::Layout;
use super::field::{Fields, Sent};
use super::{Nav, frame, saved};
use crate::app::App;
use crate::desk::agent::{self, ADMINISTRATORS, ALL_AGENTS, Agent};
use crate::desk::kept_answer;
use crate::desk::permission::PermissionSet;
use crate::desk::role::{self, Role, RoleChange};
use crate::desk::{Actor, Permission, permission};
use crate::error::Result;
use crate::ids::{AgentId, RoleId};
use crate::pages::form::Mistakes;
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

const HERE: &str = "/console/settings/roles";

#[derive(Template)]
#[template(path = "console/settings/roles.html")]
struct List {
    layout: Layout,
    nav: Nav,
    roles: Vec<Role>,
}

#[get("/console/settings/roles")]
pub async fn list(app: App, signed_in: SignedIn) -> Result<Page<List>, PageError> {
    let (layout, nav) = frame(&app, &signed_in, HERE)?;
    Ok(Page(List { layout, nav, roles: app.read(role::list)? }))
}

#[derive(Template)]
#[template(path = "console/settings/role.html")]
struct Edit {
    layout: Layout,
    nav: Nav,
    /// The role that is edited; `None` for a new one.
    role: Option<Role>,
    agents: Vec<Agent>,
    /// What the signed-in agent has, and so may give.
    held: PermissionSet,
    form: Fields,
    mistakes: Mistakes,
}

impl Edit {
    fn new(
        app: &App,
        signed_in: &SignedIn,
        id: Option<RoleId>,
        form: Option<Fields>,
        mistakes: Mistakes,
    ) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        let (role, given, agents) = app.read(|s| {
            let role = id.map(|id| role::require(s, id)).transpose()?;
            let given = id.map(|id| permission::of_role(s, id)).transpose()?.unwrap_or_default();
            Ok((role, given, agent::assignable(s)?))
        })?;
        let form = form.unwrap_or_else(|| stored(role.as_ref(), given));
        let held = match &signed_in.actor {
            Actor::Agent(rights) => rights.held(),
            _ => PermissionSet::default(),
        };
        Ok(Self { layout, nav, role, agents, held, form, mistakes })
    }

    fn is(&self, id: RoleId) -> bool {
        self.role.as_ref().is_some_and(|role| role.id == id)
    }

    fn is_administrators(&self) -> bool {
        self.is(ADMINISTRATORS)
    }

    fn is_everybody(&self) -> bool {
        self.is(ALL_AGENTS)
    }

    /// The permissions of each product.
    fn products(&self) -> [(&'static str, Vec<Permission>); 2] {
        let of = |is_global| {
            let all = Permission::ALL.iter().copied();
            all.filter(|permission| permission.is_global() == is_global).collect()
        };
        [("Conversations", of(false)), ("Everything else", of(true))]
    }

    /// Whether the box can be changed: nobody gives what they do not have.
    fn is_open(&self, permission: &Permission) -> bool {
        self.held.contains(*permission) || self.form.has("permissions", permission.name())
    }
}

fn stored(role: Option<&Role>, given: PermissionSet) -> Fields {
    let mut form = Fields::default();
    if let Some(role) = role {
        form.add("name", &role.name);
        form.add("description", &role.description);
        for agent in &role.agents {
            form.add("agents", agent);
        }
    }
    for permission in given.iter() {
        form.add("permissions", permission.name());
    }
    form
}

#[get("/console/settings/roles/new")]
pub async fn fresh(app: App, signed_in: SignedIn) -> Result<Page<Edit>, PageError> {
    Ok(Page(Edit::new(&app, &signed_in, None, None, Mistakes::default())?))
}

#[get("/console/settings/roles/{id}")]
pub async fn show(app: App, signed_in: SignedIn, id: web::Path<RoleId>) -> Result<Page<Edit>, PageError> {
    Ok(Page(Edit::new(&app, &signed_in, Some(*id), None, Mistakes::default())?))
}

#[post("/console/settings/roles/new")]
pub async fn create(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    save_as(&app, sent, None).await
}

#[post("/console/settings/roles/{id}")]
pub async fn save(app: App, id: web::Path<RoleId>, sent: Sent) -> Result<HttpResponse, PageError> {
    save_as(&app, sent, Some(*id)).await
}

/// Name, members and permissions in one transaction. The two roles of the system keep what cannot be changed.
async fn save_as(app: &App, sent: Sent, id: Option<RoleId>) -> Result<HttpResponse, PageError> {
    let by = sent.signed_in.actor.clone();
    let agents = sent.fields.ids("agents").map(AgentId).collect();
    let change = RoleChange {
        name: sent.fields.filled("name").or_else(|| id.is_none().then(String::new)),
        description: sent.fields.own("description"),
        agents: (id != Some(ALL_AGENTS)).then_some(agents),
    };
    let has = |permission: &Permission| (*permission, sent.fields.has("permissions", permission.name()));
    let permissions: Vec<(Permission, bool)> = Permission::ALL.iter().map(has).collect();
    let form = sent.form();
    let result = app.write(move |tx| {
        let role = match id {
            Some(id) => role::update(tx, &by, id, &change)?.id,
            None => RoleId(kept_answer::once(tx, &form, |tx| Ok(role::create(tx, &by, &change)?.id.0))?),
        };
        if role != ADMINISTRATORS {
            role::change_permissions(tx, &by, role, &permissions)?;
        }
        Ok(())
    });
    saved(result.await, HERE, "name", |mistakes| {
        Edit::new(app, &sent.signed_in, id, Some(sent.fields), mistakes)
    })
}

#[post("/console/settings/roles/{id}/delete")]
pub async fn delete(app: App, id: web::Path<RoleId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, id) = (sent.signed_in.actor.clone(), *id);
    match app.write(move |tx| role::delete(tx, &by, id)).await {
        Ok(()) => Ok(see_other(HERE)),
        Err(error) => {
            let page = Edit::new(&app, &sent.signed_in, Some(id), None, Mistakes::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::CONFLICT))
        }
    }
}
