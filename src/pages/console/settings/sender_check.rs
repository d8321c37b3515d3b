//! `/console/settings/sender-checks`: which server's findings about senders are believed.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post};
use askama::Template;

use super::super::Layout;
use super::field::{Fields, Sent};
use super::{Nav, frame};
use crate::app::App;
use crate::desk::{Permission, sender_check};
use crate::error::Result;
use crate::pages::form::Mistakes;
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

const HERE: &str = "/console/settings/sender-checks";

#[derive(Template)]
#[template(path = "console/settings/sender_checks.html")]
struct SenderChecks {
    layout: Layout,
    nav: Nav,
    form: Fields,
    mistakes: Mistakes,
}

impl SenderChecks {
    fn new(app: &App, signed_in: &SignedIn, form: Fields, mistakes: Mistakes) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        Ok(Self { layout, nav, form, mistakes })
    }
}

#[get("/console/settings/sender-checks")]
pub async fn show(app: App, signed_in: SignedIn) -> Result<Page<SenderChecks>, PageError> {
    signed_in.actor.require(Permission::ManageChannels)?;
    let id = app.read(sender_check::authserv_id)?.unwrap_or_default();
    let form = Fields::of([("authservId", id)]);
    Ok(Page(SenderChecks::new(&app, &signed_in, form, Mistakes::default())?))
}

#[post("/console/settings/sender-checks")]
pub async fn save(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let Sent { signed_in, fields } = sent;
    let (by, id) = (signed_in.actor.clone(), fields.text("authservId").to_owned());
    match app.write(move |tx| sender_check::set_authserv_id(tx, &by, &id)).await {
        Ok(()) => Ok(see_other(HERE)),
        Err(error) => {
            let page = SenderChecks::new(&app, &signed_in, fields, Mistakes::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}
