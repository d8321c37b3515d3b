//! `/console/settings/oauth-clients`: programs that agents may let act for them.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use askama::Template;

use super::super::Layout;
use super::field::{Fields, Sent};
use super::{Nav, frame, saved};
use crate::app::App;
use crate::desk::agent::{self, Agent};
use crate::desk::kept_answer;
use crate::desk::oauth_client::{self, OauthClient, OauthClientChange};
use crate::error::Result;
use crate::ids::{AgentId, OauthClientId};
use crate::pages::form::Mistakes;
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

const HERE: &str = "/console/settings/oauth-clients";

#[derive(Template)]
#[template(path = "console/settings/oauth_clients.html")]
struct List {
    layout: Layout,
    nav: Nav,
    clients: Vec<OauthClient>,
}

#[get("/console/settings/oauth-clients")]
pub async fn list(app: App, signed_in: SignedIn) -> Result<Page<List>, PageError> {
    let (layout, nav) = frame(&app, &signed_in, HERE)?;
    let clients = app.read(|s| oauth_client::list(s, &signed_in.actor))?;
    Ok(Page(List { layout, nav, clients }))
}

#[derive(Template)]
#[template(path = "console/settings/oauth_client.html")]
struct Edit {
    layout: Layout,
    nav: Nav,
    /// The client that is edited; `None` for a new one.
    client: Option<OauthClient>,
    agents: Vec<Agent>,
    /// A secret just made: shown this once.
    fresh_secret: Option<String>,
    form: Fields,
    mistakes: Mistakes,
}

impl Edit {
    fn new(
        app: &App,
        signed_in: &SignedIn,
        id: Option<OauthClientId>,
        form: Option<Fields>,
        mistakes: Mistakes,
    ) -> Result<Self> {
        signed_in.actor.require_administrator("manage OAuth clients")?;
        let (layout, nav) = frame(app, signed_in, HERE)?;
        let (client, agents) = app.read(|s| {
            let client = id.map(|id| oauth_client::view(s, &signed_in.actor, id)).transpose()?;
            Ok((client, agent::assignable(s)?))
        })?;
        let form = form.unwrap_or_else(|| stored(client.as_ref(), signed_in.agent.id));
        Ok(Self { layout, nav, client, agents, fresh_secret: None, form, mistakes })
    }
}

fn stored(client: Option<&OauthClient>, me: AgentId) -> Fields {
    let mut form = Fields::default();
    form.add("agentId", client.map_or(me, |client| client.agent_id));
    if let Some(client) = client {
        form.add("clientName", &client.name);
        form.add("company", &client.company);
        form.add("description", &client.description);
        form.add("redirectUrls", client.redirect_urls.join("\n"));
    }
    form
}

fn change(fields: &Fields) -> OauthClientChange {
    OauthClientChange {
        name: fields.own("clientName"),
        company: fields.own("company"),
        description: fields.own("description"),
        redirect_urls: Some(fields.text("redirectUrls").lines().map(str::to_owned).collect()),
        agent: fields.ids("agentId").next().map(AgentId),
    }
}

#[get("/console/settings/oauth-clients/new")]
pub async fn fresh(app: App, signed_in: SignedIn) -> Result<Page<Edit>, PageError> {
    Ok(Page(Edit::new(&app, &signed_in, None, None, Mistakes::default())?))
}

#[get("/console/settings/oauth-clients/{id}")]
pub async fn show(
    app: App,
    signed_in: SignedIn,
    id: web::Path<OauthClientId>,
) -> Result<Page<Edit>, PageError> {
    Ok(Page(Edit::new(&app, &signed_in, Some(*id), None, Mistakes::default())?))
}

#[post("/console/settings/oauth-clients/new")]
pub async fn create(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, form, new) = (sent.signed_in.actor.clone(), sent.form(), change(&sent.fields));
    let made = app.write(move |tx| {
        let mut shown = None;
        let id = kept_answer::once(tx, &form, |tx| {
            let (client, secret) = oauth_client::create(tx, &by, &new)?;
            shown = Some(secret);
            Ok(client.id.0)
        })?;
        Ok((OauthClientId(id), shown))
    });
    match made.await {
        Ok((id, Some(secret))) => shown(&app, &sent.signed_in, id, secret),
        // It was shown when the client was made.
        Ok((id, None)) => Ok(see_other(&format!("{HERE}/{id}"))),
        Err(error) => {
            let page = Edit::new(&app, &sent.signed_in, None, Some(sent.fields), Mistakes::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

#[post("/console/settings/oauth-clients/{id}")]
pub async fn save(app: App, id: web::Path<OauthClientId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, id, change) = (sent.signed_in.actor.clone(), *id, change(&sent.fields));
    let result = app.write(move |tx| oauth_client::update(tx, &by, id, &change)).await;
    saved(result, HERE, "clientName", |mistakes| {
        Edit::new(&app, &sent.signed_in, Some(id), Some(sent.fields), mistakes)
    })
}

#[post("/console/settings/oauth-clients/{id}/secret")]
pub async fn rotate_secret(
    app: App,
    id: web::Path<OauthClientId>,
    sent: Sent,
) -> Result<HttpResponse, PageError> {
    let (by, id) = (sent.signed_in.actor.clone(), *id);
    let secret = app.write(move |tx| oauth_client::rotate_secret(tx, &by, id)).await?;
    shown(&app, &sent.signed_in, id, secret)
}

fn shown(
    app: &App,
    signed_in: &SignedIn,
    id: OauthClientId,
    secret: String,
) -> Result<HttpResponse, PageError> {
    let page = Edit::new(app, signed_in, Some(id), None, Mistakes::default())?;
    Ok(Page(Edit { fresh_secret: Some(secret), ..page }).with_status(StatusCode::OK))
}

#[post("/console/settings/oauth-clients/{id}/delete")]
pub async fn delete(app: App, id: web::Path<OauthClientId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, id) = (sent.signed_in.actor.clone(), *id);
    app.write(move |tx| oauth_client::delete(tx, &by, id)).await?;
    Ok(see_other(HERE))
}
