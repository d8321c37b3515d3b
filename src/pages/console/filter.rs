//! Making and changing a saved filter: a name, who sees it, and conditions on every field there is.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{HttpResponse, get, post};
use askama::Template;

use super::Layout;
use super::settings::{Fields, Sent};
use crate::app::App;
use crate::desk::condition::{NewCondition, NewFormula};
use crate::desk::field::{self, Field};
use crate::desk::filter::{self, FilterChange, NewFilter};
use crate::desk::kept_answer;
use crate::error::Result;
use crate::ids::FilterId;
use crate::pages::form::Mistakes;
use crate::rules::{MatchType, When};
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

/// Rows of the form: empty ones are left out.
const ROWS: usize = 8;

#[derive(Template)]
#[template(path = "console/filter.html")]
struct FilterPage {
    layout: Layout,
    id: Option<FilterId>,
    /// What its conditions name and is gone.
    warnings: Vec<String>,
    form: Fields,
    rows: Vec<Row>,
    fields: Vec<Field>,
    matches: [(MatchType, &'static str); 9],
    mistakes: Mistakes,
}

struct Row {
    field: String,
    match_type: String,
    value: String,
}

/// How each way to compare is called.
pub const MATCHES: [(MatchType, &str); 9] = [
    (MatchType::Is, "is"),
    (MatchType::IsNot, "is not"),
    (MatchType::Contains, "contains"),
    (MatchType::NotContains, "does not contain"),
    (MatchType::IsMoreThan, "is more than"),
    (MatchType::IsLessThan, "is less than"),
    (MatchType::Before, "is before"),
    (MatchType::After, "is after"),
    (MatchType::Between, "is between"),
];

fn page(
    app: &App,
    signed_in: &SignedIn,
    id: Option<FilterId>,
    form: Fields,
    mistakes: Mistakes,
) -> Result<FilterPage> {
    let texts = |name: &str| form.all(name);
    let (fields, matches, values) = (texts("field"), texts("match"), texts("value"));
    let text = |texts: &[String], index: usize| texts.get(index).cloned().unwrap_or_default();
    let rows = (0..ROWS.max(fields.len())).map(|index| Row {
        field: text(&fields, index),
        match_type: text(&matches, index),
        value: text(&values, index),
    });
    app.read(|s| {
        let warnings = match id {
            Some(id) => filter::require(s, &signed_in.actor, id)?.warnings(s, &field::catalogue(s)?)?,
            None => Vec::new(),
        };
        Ok(FilterPage {
            warnings,
            layout: Layout::new(s, signed_in, id.map_or("filters".to_owned(), |id| id.to_string()))?,
            id,
            rows: rows.collect(),
            fields: field::list(s)?,
            matches: MATCHES,
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
    let mut form = Fields::of([
        ("name", stored.name),
        ("when", stored.formula.when.name().to_owned()),
        ("who", if stored.is_private { "private" } else { "public" }.to_owned()),
        ("logic", stored.formula.logic_expression.unwrap_or_default()),
    ]);
    for condition in stored.formula.conditions {
        form.add("field", condition.field);
        form.add("match", condition.match_type.name());
        form.add("value", condition.value);
    }
    Ok(Page(page(&app, &signed_in, Some(*id), form, Mistakes::default())?))
}

#[post("/console/filters/new")]
pub async fn create(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let by = sent.signed_in.actor.clone();
    let new = NewFilter {
        name: sent.fields.text("name").to_owned(),
        is_private: sent.fields.text("who") != "public",
        formula: formula(&sent.fields),
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
    let NewFormula { when, logic_expression, conditions } = formula(&sent.fields);
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

/// The conditions whose field was chosen.
fn formula(form: &Fields) -> NewFormula {
    let (matches, values) = (form.all("match"), form.all("value"));
    let row = |(index, field): (usize, String)| NewCondition {
        field,
        match_type: matches.get(index).cloned().unwrap_or_default(),
        value: values.get(index).cloned().unwrap_or_default(),
        number: None,
    };
    let rows = form.all("field").into_iter().enumerate().filter(|(_, field)| !field.is_empty());
    NewFormula {
        when: form.filled("when"),
        logic_expression: form
            .filled("logic")
            .filter(|_| form.text("when") == When::LogicalExpression.name()),
        conditions: rows.map(row).collect(),
    }
}
