//! `/console/settings/blocked-senders`: whose new mail is junk, is dropped, or comes in whatever is said of the domain.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use askama::Template;

use super::super::Layout;
use super::field::{Fields, Sent};
use super::{Nav, frame};
use crate::app::App;
use crate::desk::blocked_sender::{self, Action, BlockedSender, BlockedSenderQuery};
use crate::error::{Error, Result};
use crate::ids::BlockedSenderId;
use crate::pages::form::Mistakes;
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

const HERE: &str = "/console/settings/blocked-senders";

#[derive(Template)]
#[template(path = "console/settings/blocked_senders.html")]
struct List {
    layout: Layout,
    nav: Nav,
    entries: Vec<BlockedSender>,
    form: Fields,
    mistakes: Mistakes,
}

impl List {
    fn new(app: &App, signed_in: &SignedIn, form: Fields, mistakes: Mistakes) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        let all = BlockedSenderQuery { email: None, includes_allowed: true };
        let entries = app.read(|s| blocked_sender::list(s, &signed_in.actor, &all))?;
        Ok(Self { layout, nav, entries, form, mistakes })
    }
}

#[get("/console/settings/blocked-senders")]
pub async fn list(app: App, signed_in: SignedIn) -> Result<Page<List>, PageError> {
    Ok(Page(List::new(&app, &signed_in, Fields::default(), Mistakes::default())?))
}

#[post("/console/settings/blocked-senders")]
pub async fn put(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, email) = (sent.signed_in.actor.clone(), sent.fields.text("email").to_owned());
    let result = match Action::parse(sent.fields.text("action")) {
        Some(action) => app.write(move |tx| blocked_sender::put(tx, &by, &email, action)).await.map(|_| ()),
        None => Err(Error::invalid("action", "is required")),
    };
    match result {
        Ok(()) => Ok(see_other(HERE)),
        Err(error) => {
            let page = List::new(&app, &sent.signed_in, sent.fields, Mistakes::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

#[post("/console/settings/blocked-senders/{id}/delete")]
pub async fn delete(app: App, id: web::Path<BlockedSenderId>, sent: Sent) -> Result<HttpResponse, PageError> {
    app.write(move |tx| blocked_sender::delete(tx, &sent.signed_in.actor, *id)).await?;
    Ok(see_other(HERE))
}
