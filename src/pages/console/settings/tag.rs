//! `/console/settings/tags`: the reference page of the settings.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use askama::Template;

use super::super::Layout;
use super::field::Sent;
use super::{Nav, beside, frame};
use crate::app::App;
use crate::desk::kept_answer;
use crate::desk::tag::{self, Tag};
use crate::error::{Error, Result};
use crate::ids::TagId;
use crate::pages::form::Mistakes;
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

const HERE: &str = "/console/settings/tags";

#[derive(Template)]
#[template(path = "console/settings/tag.html")]
struct TagPage {
    layout: Layout,
    nav: Nav,
    tags: Vec<Tag>,
    refused: Option<Refused>,
}

/// A form that comes back: of the tag it renames, or the one that adds a tag.
struct Refused {
    id: Option<TagId>,
    name: String,
    mistakes: Mistakes,
}

impl TagPage {
    fn new(app: &App, signed_in: &SignedIn, refused: Option<Refused>) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        Ok(Self { layout, nav, tags: app.read(tag::list)?, refused })
    }

    fn refused(&self, id: Option<&TagId>) -> Option<&Refused> {
        self.refused.as_ref().filter(|refused| refused.id.as_ref() == id)
    }
}

#[get("/console/settings/tags")]
pub async fn show(app: App, signed_in: SignedIn) -> Result<Page<TagPage>, PageError> {
    Ok(Page(TagPage::new(&app, &signed_in, None)?))
}

#[post("/console/settings/tags")]
pub async fn create(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, form, name) = (sent.signed_in.actor.clone(), sent.form(), sent.fields.text("name").to_owned());
    match app.write(move |tx| kept_answer::once(tx, &form, |tx| Ok(tag::create(tx, &by, &name)?.id.0))).await
    {
        Ok(_) => Ok(see_other(HERE)),
        Err(error) => again(&app, &sent, None, error),
    }
}

#[post("/console/settings/tags/{id}")]
pub async fn rename(app: App, id: web::Path<TagId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, id, name) = (sent.signed_in.actor.clone(), *id, sent.fields.text("name").to_owned());
    match app.write(move |tx| tag::rename(tx, &by, id, &name)).await {
        Ok(_) => Ok(see_other(HERE)),
        Err(error) => again(&app, &sent, Some(id), error),
    }
}

#[post("/console/settings/tags/{id}/delete")]
pub async fn delete(app: App, id: web::Path<TagId>, sent: Sent) -> Result<HttpResponse, PageError> {
    app.write(move |tx| tag::delete(tx, &sent.signed_in.actor, *id)).await?;
    Ok(see_other(HERE))
}

fn again(app: &App, sent: &Sent, id: Option<TagId>, error: Error) -> Result<HttpResponse, PageError> {
    let mistakes = Mistakes::of(beside("name", error))?;
    let refused = Refused { id, name: sent.fields.text("name").to_owned(), mistakes };
    let page = TagPage::new(app, &sent.signed_in, Some(refused))?;
    Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
}
