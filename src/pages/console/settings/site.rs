//! `/console/settings/site`: its name, company and time zone.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post};
use askama::Template;

use super::super::Layout;
use super::field::{Fields, Sent};
use super::{Nav, frame};
use crate::app::App;
use crate::db::Tx;
use crate::desk::Permission;
use crate::desk::site::{self, ProfileChange};
use crate::error::{Error, Result};
use crate::pages::form::Mistakes;
use crate::pages::set_up::time_zones;
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

const HERE: &str = "/console/settings/site";

#[derive(Template)]
#[template(path = "console/settings/site.html")]
struct SitePage {
    layout: Layout,
    nav: Nav,
    form: Fields,
    time_zones: Vec<String>,
    mistakes: Mistakes,
    may_configure: bool,
}

impl SitePage {
    fn new(app: &App, signed_in: &SignedIn, form: Fields, mistakes: Mistakes) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        let may_configure = signed_in.actor.require(Permission::ManageSettings).is_ok();
        Ok(Self { layout, nav, form, time_zones: time_zones(), mistakes, may_configure })
    }
}

#[get("/console/settings/site")]
pub async fn show(app: App, signed_in: SignedIn) -> Result<Page<SitePage>, PageError> {
    let site = app.read(site::get)?;
    let form = Fields::of([
        ("siteName", site.name),
        ("company", site.company),
        ("website", site.website),
        ("timeZone", site.time_zone),
        ("undoSeconds", site.undo_seconds.to_string()),
        ("traceRetentionDays", site.trace_retention_days.to_string()),
    ]);
    Ok(Page(SitePage::new(&app, &signed_in, form, Mistakes::default())?))
}

#[post("/console/settings/site")]
pub async fn save(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let Sent { signed_in, fields } = sent;
    let by = signed_in.actor.clone();
    let change = ProfileChange {
        name: fields.own("siteName"),
        company: fields.own("company"),
        website: fields.own("website"),
        time_zone: fields.own("timeZone"),
        date_time_format: None,
    };
    // Absent for agents who may change the profile alone.
    let (seconds, days) = (fields.filled("undoSeconds"), fields.filled("traceRetentionDays"));
    let save = move |tx: &Tx<'_>| {
        site::change_profile(tx, &by, &change)?;
        if let Some(text) = &seconds {
            site::set_undo_seconds(tx, &by, number("undoSeconds", text)?)?;
        }
        if let Some(text) = &days {
            site::set_trace_retention(tx, &by, number("traceRetentionDays", text)?)?;
        }
        Ok(())
    };
    match app.write(save).await {
        Ok(_) => Ok(see_other(HERE)),
        Err(error) => {
            let page = SitePage::new(&app, &signed_in, fields, Mistakes::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

fn number(field: &str, text: &str) -> Result<i64> {
    text.trim().parse().map_err(|_| Error::invalid(field, format!("'{text}' is not a number")))
}
