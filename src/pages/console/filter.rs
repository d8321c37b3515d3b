//! Making and changing a saved filter: a name, who sees it, and conditions on every field there is.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{HttpResponse, get, post};
use askama::Template;

use super::Layout;
use super::settings::rule_form::{self, Conditions};
use super::settings::{Fields, Sent};
use crate::app::App;
use crate::desk::condition::NewFormula;
use crate::desk::field;
use crate::desk::filter::{self, FilterChange, NewFilter};
use crate::desk::kept_answer;
use crate::error::Result;
use crate::ids::FilterId;
use crate::pages::form::Mistakes;
use crate::rules::Usage;
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

#[derive(Template)]
#[template(path = "console/filter.html")]
struct FilterPage {
    layout: Layout,
    id: Option<FilterId>,
    /// What its conditions name and is gone.
    warnings: Vec<String>,
    form: Fields,
    conditions: Conditions,
    mistakes: Mistakes,
}

fn page(
    app: &App,
    signed_in: &SignedIn,
    id: Option<FilterId>,
    form: Fields,
    mistakes: Mistakes,
) -> Result<FilterPage> {
    app.read(|s| {
        let warnings = match id {
            Some(id) => filter::require(s, &signed_in.actor, id)?.warnings(s, &field::catalogue(s)?)?,
            None => Vec::new(),
        };
        Ok(FilterPage {
            warnings,
            layout: Layout::new(s, signed_in, id.map_or("filters".to_owned(), |id| id.to_string()))?,
            id,
            conditions: Conditions::new(s, &form, Usage::View)?,
            form,
            mistakes,
        })
    })
}

#[get("/console/filters/new")]
pub async fn fresh(app: App, signed_in: SignedIn) -> Result<Page<FilterPage>, PageError> {
    let form = Fields::of([("when", "all".to_owned()), ("who", "private".to_owned())]);
    Ok(Page(page(&app, &signed_in, None, form, Mistakes::default())?))
}

#[get("/console/filters/{id:\\d+}/edit")]
pub async fn edit(app: App, signed_in: SignedIn, id: Path<FilterId>) -> Result<Page<FilterPage>, PageError> {
    let stored = app.read(|s| filter::require(s, &signed_in.actor, *id))?;
    let who = if stored.is_private { "private" } else { "public" };
    let mut form = Fields::of([("name", stored.name), ("who", who.to_owned())]);
    rule_form::stored(&mut form, &stored.formula);
    Ok(Page(page(&app, &signed_in, Some(*id), form, Mistakes::default())?))
}

#[post("/console/filters/new")]
pub async fn create(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let by = sent.signed_in.actor.clone();
    let new = NewFilter {
        name: sent.fields.text("name").to_owned(),
        is_private: sent.fields.text("who") != "public",
        formula: rule_form::read(&sent.fields),
    };
    let form = sent.form();
    let made =
        app.write(move |tx| kept_answer::once(tx, &form, |tx| Ok(filter::create(tx, &by, &new)?.id.0)));
    match made.await {
        Ok(id) => Ok(see_other(&format!("/console/filters/{id}"))),
        Err(error) => again(&app, sent, None, Mistakes::of(error)?),
    }
}

#[post("/console/filters/{id:\\d+}/edit")]
pub async fn save(app: App, id: Path<FilterId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (id, by) = (*id, sent.signed_in.actor.clone());
    let NewFormula { when, logic_expression, conditions } = rule_form::read(&sent.fields);
    let change = FilterChange {
        name: sent.fields.own("name"),
        is_private: Some(sent.fields.text("who") != "public"),
        when,
        logic_expression,
        conditions: Some(conditions),
    };
    match app.write(move |tx| filter::update(tx, &by, id, &change)).await {
        Ok(_) => Ok(see_other(&format!("/console/filters/{id}"))),
        Err(error) => again(&app, sent, Some(id), Mistakes::of(error)?),
    }
}

#[post("/console/filters/{id:\\d+}/delete")]
pub async fn delete(app: App, id: Path<FilterId>, sent: Sent) -> Result<HttpResponse, PageError> {
    app.write(move |tx| filter::delete(tx, &sent.signed_in.actor, *id)).await?;
    Ok(see_other("/console/all"))
}

fn again(app: &App, sent: Sent, id: Option<FilterId>, mistakes: Mistakes) -> Result<HttpResponse, PageError> {
    let Sent { signed_in, fields } = sent;
    Ok(Page(page(app, &signed_in, id, fields, mistakes)?).with_status(StatusCode::BAD_REQUEST))
}
