//! `/console/settings/profile`: an agent's own name, time zone, console and API key.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post};
use askama::Template;

use super::super::Layout;
use super::field::{Fields, Sent};
use super::{Nav, frame};
use crate::app::App;
use crate::desk::agent::{self, AgentChange};
use crate::desk::api_key::{self, ApiKey};
use crate::desk::preference::{self, AfterSend, Preference};
use crate::error::{Error, Result};
use crate::pages::form::Mistakes;
use crate::pages::set_up::time_zones;
use crate::pages::when::Zone;
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

const HERE: &str = "/console/settings/profile";

#[derive(Template)]
#[template(path = "console/settings/profile.html")]
struct ProfilePage {
    layout: Layout,
    nav: Nav,
    zone: Zone,
    form: Fields,
    has_own_zone: bool,
    time_zones: Vec<String>,
    formats: Vec<String>,
    key: Option<ApiKey>,
    /// A key just made: shown this once.
    fresh_key: Option<String>,
    mistakes: Mistakes,
    after_choices: [(AfterSend, &'static str); 3],
}

impl ProfilePage {
    fn new(
        app: &App,
        signed_in: &SignedIn,
        form: Option<Fields>,
        fresh_key: Option<String>,
        mistakes: Mistakes,
    ) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        let agent = &signed_in.agent;
        let stored = || {
            Fields::of([
                ("displayName", agent.display_name.clone()),
                ("timeZone", agent.time_zone.clone().unwrap_or_default()),
                ("dateTimeFormat", agent.date_time_format.clone()),
            ])
        };
        Ok(Self {
            layout,
            nav,
            zone: Zone::of_agent(signed_in),
            form: form.unwrap_or_else(stored),
            has_own_zone: agent.time_zone.is_some(),
            time_zones: time_zones(),
            formats: agent::date_time_formats(),
            key: app.read(|s| api_key::get(s, agent.id))?,
            fresh_key,
            mistakes,
            after_choices: [
                (AfterSend::Stay, "Stay"),
                (AfterSend::Next, "Next conversation"),
                (AfterSend::Back, "Back to the list"),
            ],
        })
    }
}

#[get("/console/settings/profile")]
pub async fn show(app: App, signed_in: SignedIn) -> Result<Page<ProfilePage>, PageError> {
    Ok(Page(ProfilePage::new(&app, &signed_in, None, None, Mistakes::default())?))
}

#[post("/console/settings/profile")]
pub async fn save(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let Sent { signed_in, fields } = sent;
    let change = AgentChange {
        display_name: fields.own("displayName"),
        time_zone: fields.filled("timeZone"),
        date_time_format: fields.filled("dateTimeFormat"),
        ..AgentChange::default()
    };
    let (by, id) = (signed_in.actor.clone(), signed_in.agent.id);
    match app.write(move |tx| agent::update(tx, &by, id, &change)).await {
        Ok(_) => Ok(see_other(HERE)),
        Err(error) => {
            let page = ProfilePage::new(&app, &signed_in, Some(fields), None, Mistakes::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

#[post("/console/settings/profile/console")]
pub async fn save_console(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let name = sent.fields.text("afterSend");
    let after_send = AfterSend::parse(name)
        .ok_or_else(|| Error::invalid("afterSend", format!("has no value '{name}'")))?;
    let wanted = Preference {
        after_send,
        is_compact: sent.fields.is_checked("isCompact"),
        has_keys: sent.fields.is_checked("hasKeys"),
    };
    app.write(move |tx| preference::set(tx, &sent.signed_in.actor, &wanted)).await?;
    Ok(see_other(HERE))
}

#[post("/console/settings/profile/api-key")]
pub async fn rotate_key(app: App, sent: Sent) -> Result<Page<ProfilePage>, PageError> {
    let signed_in = sent.signed_in;
    let (by, id) = (signed_in.actor.clone(), signed_in.agent.id);
    let key = app.write(move |tx| api_key::rotate(tx, &by, id)).await?;
    Ok(Page(ProfilePage::new(&app, &signed_in, None, Some(key), Mistakes::default())?))
}
