//! `/console/settings/webhooks`: which URL is told of what, what it was told, and how that went. A secret is shown on
//! the page that made it, and never again.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;

use super::super::Layout;
use super::field::{Fields, Sent};
use super::{Nav, frame};
use crate::app::App;
use crate::desk::kept_answer;
use crate::desk::webhook::{self, Event, Webhook, WebhookChange};
use crate::desk::webhook_delivery::{self, State, WebhookDelivery};
use crate::desk::{Page as Items, Paging};
use crate::error::{Error, Problems, Result};
use crate::http::sign;
use crate::ids::{WebhookDeliveryId, WebhookId};
use crate::jobs;
use crate::pages::form::Mistakes;
use crate::pages::when::Zone;
use crate::time::Timestamp;
use crate::web::page::see_other;
use crate::web::paging::Links;
use crate::web::{Page, PageError, Query, SignedIn, filters};

const HERE: &str = "/console/settings/webhooks";

#[derive(Template)]
#[template(path = "console/settings/webhooks.html")]
struct List {
    layout: Layout,
    nav: Nav,
    zone: Zone,
    now: Timestamp,
    webhooks: Vec<Webhook>,
}

#[get("/console/settings/webhooks")]
pub async fn list(app: App, signed_in: SignedIn) -> Result<Page<List>, PageError> {
    let (layout, nav) = frame(&app, &signed_in, HERE)?;
    let webhooks = app.read(|s| webhook::list(s, &signed_in.actor))?;
    Ok(Page(List { layout, nav, zone: Zone::of(&signed_in.time_zone), now: app.now(), webhooks }))
}

#[derive(Template)]
#[template(path = "console/settings/webhook.html")]
struct Edit {
    layout: Layout,
    nav: Nav,
    zone: Zone,
    now: Timestamp,
    /// The webhook that is edited; `None` for a new one.
    webhook: Option<Webhook>,
    events: Vec<(&'static str, &'static str)>,
    form: Fields,
    mistakes: Mistakes,
    /// Just made.
    secret: Option<String>,
    deliveries: Items<WebhookDelivery>,
    paging: Paging,
    links: Option<Links>,
}

/// In the words of people.
pub fn label(event: Event) -> &'static str {
    match event {
        Event::Created => "A conversation was created",
        Event::ReplyReceived => "A contact replied",
        Event::AgentReplied => "An agent replied",
        Event::AssigneeChanged => "The assignee changed",
        Event::StatusChanged => "The status changed",
        Event::StatusStays => "The status has stayed the same",
        Event::Deleted => "A conversation was moved to the recycle bin",
        Event::SlaBreached => "A service level was missed",
        Event::FileUploaded => "A file was uploaded, and waits for an answer",
    }
}

impl Edit {
    fn new(
        app: &App,
        signed_in: &SignedIn,
        id: Option<WebhookId>,
        form: Option<Fields>,
        mistakes: Mistakes,
    ) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        let webhook = id.map(|id| app.read(|s| webhook::require(s, &signed_in.actor, id))).transpose()?;
        let form = form.unwrap_or_else(|| stored(webhook.as_ref()));
        Ok(Self {
            layout,
            nav,
            zone: Zone::of(&signed_in.time_zone),
            now: app.now(),
            webhook,
            events: Event::ALL.iter().map(|event| (event.name(), label(*event))).collect(),
            form,
            mistakes,
            secret: None,
            deliveries: Items { items: Vec::new(), total: 0 },
            paging: Paging { index: 1, size: 20 },
            links: None,
        })
    }
}

fn stored(webhook: Option<&Webhook>) -> Fields {
    let mut form = Fields::default();
    form.check("isEnabled", webhook.is_none_or(|webhook| webhook.is_enabled));
    if let Some(webhook) = webhook {
        form.add("event", webhook.event.name());
        form.add("targetUrl", &webhook.target_url);
    }
    form
}

fn change(app: &App, fields: &Fields) -> Result<WebhookChange> {
    let (event, url) = (Event::parse(fields.text("event")), fields.text("targetUrl"));
    let mut problems = Problems::default();
    problems.require(event.is_some(), "event", "is required");
    if let Err(problem) = app.http().check(url) {
        problems.add("targetUrl", problem);
    }
    problems.check()?;
    Ok(WebhookChange {
        event,
        target_url: Some(url.to_owned()),
        is_enabled: Some(fields.is_checked("isEnabled")),
        secret: None,
    })
}

#[get("/console/settings/webhooks/new")]
pub async fn fresh(app: App, signed_in: SignedIn) -> Result<Page<Edit>, PageError> {
    Ok(Page(Edit::new(&app, &signed_in, None, None, Mistakes::default())?))
}

#[get("/console/settings/webhooks/{id}")]
pub async fn show(
    app: App,
    request: HttpRequest,
    signed_in: SignedIn,
    id: web::Path<WebhookId>,
    query: Query,
) -> Result<Page<Edit>, PageError> {
    let page = Edit::new(&app, &signed_in, Some(*id), None, Mistakes::default())?;
    let paging = Paging { size: page.paging.size, ..query.paging()? };
    let deliveries = app.read(|s| webhook_delivery::list(s, &signed_in.actor, *id, paging))?;
    let links = Some(Links::new(&request, &query, paging, deliveries.total));
    Ok(Page(Edit { deliveries, paging, links, ..page }))
}

#[post("/console/settings/webhooks/new")]
pub async fn create(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let secret = sign::new_secret().map_err(Error::internal)?;
    let new = change(&app, &sent.fields)
        .map(|change| WebhookChange { secret: Some(Some(secret.clone())), ..change });
    let (by, vault, form) = (sent.signed_in.actor.clone(), app.vault().clone(), sent.form());
    let result = match new {
        Ok(new) => {
            let made = app.write(move |tx| {
                let mut is_new = false;
                let id = kept_answer::once(tx, &form, |tx| {
                    is_new = true;
                    Ok(webhook::create(tx, &by, &vault, &new)?.id.0)
                })?;
                Ok((WebhookId(id), is_new))
            });
            made.await
        }
        Err(error) => Err(error),
    };
    match result {
        // Its secret was shown when it was made.
        Ok((id, false)) => Ok(see_other(&format!("{HERE}/{id}"))),
        Ok((id, true)) => {
            let page = Edit::new(&app, &sent.signed_in, Some(id), None, Mistakes::default())?;
            Ok(Page(Edit { secret: Some(secret), ..page }).with_status(StatusCode::OK))
        }
        Err(error) => again(&app, sent, None, error),
    }
}

#[post("/console/settings/webhooks/{id}")]
pub async fn save(app: App, id: web::Path<WebhookId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, vault, id) = (sent.signed_in.actor.clone(), app.vault().clone(), *id);
    let result = match change(&app, &sent.fields) {
        Ok(change) => app.write(move |tx| webhook::update(tx, &by, &vault, id, &change)).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(webhook) => Ok(see_other(&format!("{HERE}/{}", webhook.id))),
        Err(error) => again(&app, sent, Some(id), error),
    }
}

fn again(app: &App, sent: Sent, id: Option<WebhookId>, error: Error) -> Result<HttpResponse, PageError> {
    let page = Edit::new(app, &sent.signed_in, id, Some(sent.fields), Mistakes::of(error)?)?;
    Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
}

/// Makes a new secret and shows it.
#[post("/console/settings/webhooks/{id}/secret")]
pub async fn rotate_secret(app: App, id: web::Path<WebhookId>, sent: Sent) -> Result<Page<Edit>, PageError> {
    let secret = sign::new_secret().map_err(Error::internal)?;
    let change = WebhookChange { secret: Some(Some(secret.clone())), ..WebhookChange::default() };
    let (by, vault, id) = (sent.signed_in.actor.clone(), app.vault().clone(), *id);
    app.write(move |tx| webhook::update(tx, &by, &vault, id, &change)).await?;
    let page = Edit::new(&app, &sent.signed_in, Some(id), None, Mistakes::default())?;
    Ok(Page(Edit { secret: Some(secret), ..page }))
}

#[post("/console/settings/webhooks/{id}/test")]
pub async fn test(app: App, id: web::Path<WebhookId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let delivery = jobs::try_webhook(&app, &sent.signed_in.actor, *id).await?;
    Ok(see_other(&format!("{HERE}/{id}#delivery-{}", delivery.id)))
}

#[post("/console/settings/webhooks/{id}/deliveries/{delivery}/replay")]
pub async fn replay(
    app: App,
    path: web::Path<(WebhookId, WebhookDeliveryId)>,
    sent: Sent,
) -> Result<HttpResponse, PageError> {
    let (id, delivery) = path.into_inner();
    let by = sent.signed_in.actor.clone();
    app.write(move |tx| webhook_delivery::replay(tx, &by, id, delivery)).await?;
    Ok(see_other(&format!("{HERE}/{id}#delivery-{delivery}")))
}

#[post("/console/settings/webhooks/{id}/delete")]
pub async fn delete(app: App, id: web::Path<WebhookId>, sent: Sent) -> Result<HttpResponse, PageError> {
    app.write(move |tx| webhook::delete(tx, &sent.signed_in.actor, *id)).await?;
    Ok(see_other(HERE))
}
