//! `/console/settings/fields`: the site's own fields, the defaults of Status and Priority, and the mappings of live chat.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use askama::Template;

use super::super::Layout;
use super::field::{Fields, Sent};
use super::{Nav, beside, frame};
use crate::app::App;
use crate::desk::field::{self, Field, FieldChange, NewOption};
use crate::desk::kept_answer;
use crate::error::{Error, Result};
use crate::ids::{FieldId, FieldOptionId};
use crate::pages::form::Mistakes;
use crate::rules::FieldType;
use crate::rules::field::{PRIORITY, STATUS};
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

const HERE: &str = "/console/settings/fields";
/// Rows for new options that the form always has.
const EMPTY_ROWS: usize = 3;

#[derive(Template)]
#[template(path = "console/settings/fields.html")]
struct List {
    layout: Layout,
    nav: Nav,
    own: Vec<Field>,
    system: Vec<Field>,
}

#[get("/console/settings/fields")]
pub async fn list(app: App, signed_in: SignedIn) -> Result<Page<List>, PageError> {
    let (layout, nav) = frame(&app, &signed_in, HERE)?;
    let (system, own) = app.read(field::list)?.into_iter().partition(|field| field.is_system);
    Ok(Page(List { layout, nav, own, system }))
}

#[derive(Template)]
#[template(path = "console/settings/custom_field.html")]
struct Edit {
    layout: Layout,
    nav: Nav,
    /// The field that is edited; `None` for a new one.
    field: Option<Field>,
    form: Fields,
    /// Ids (empty for new ones) and names.
    options: Vec<(String, String)>,
    mistakes: Mistakes,
}

impl Edit {
    fn is_system(&self) -> bool {
        self.field.as_ref().is_some_and(|field| field.is_system)
    }
}

#[get("/console/settings/fields/new")]
pub async fn fresh(app: App, signed_in: SignedIn) -> Result<Page<Edit>, PageError> {
    Ok(Page(edit(&app, &signed_in, None, Fields::default(), Vec::new(), Mistakes::default())?))
}

#[get("/console/settings/fields/{id:\\d+}")]
pub async fn show(app: App, signed_in: SignedIn, id: web::Path<FieldId>) -> Result<Page<Edit>, PageError> {
    let field = app.read(|s| field::require(s, *id))?;
    let mut form = Fields::of([
        ("name", field.name.clone()),
        ("type", field.kind.name().to_owned()),
        ("helpText", field.help_text.clone()),
        ("defaultValue", default_shown(&field)),
        ("length", field.length.map(|length| length.to_string()).unwrap_or_default()),
        ("linkURL", field.link_url.clone()),
        ("chatFieldMapping", field.chat_mapping.clone()),
        ("offlineMessageFieldMapping", field.offline_message_mapping.clone()),
    ]);
    form.check("isRequired", field.is_required);
    let options = field.options.iter().map(|option| (option.id.to_string(), option.name.clone())).collect();
    Ok(Page(edit(&app, &signed_in, Some(field), form, options, Mistakes::default())?))
}

#[post("/console/settings/fields/new")]
pub async fn create(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    save_or_show(app, sent, None).await
}

#[post("/console/settings/fields/{id:\\d+}")]
pub async fn save(app: App, sent: Sent, id: web::Path<FieldId>) -> Result<HttpResponse, PageError> {
    save_or_show(app, sent, Some(*id)).await
}

#[post("/console/settings/fields/{id}/delete")]
pub async fn delete(app: App, sent: Sent, id: web::Path<FieldId>) -> Result<HttpResponse, PageError> {
    let Sent { signed_in, .. } = sent;
    let (by, id) = (signed_in.actor.clone(), *id);
    match app.write(move |tx| field::delete(tx, &by, id)).await {
        Ok(()) => Ok(see_other(HERE)),
        // Something uses it: said on the field's own page.
        Err(Error::Conflict(message)) => {
            let field = app.read(|s| field::require(s, id))?;
            let form = Fields::of([("name", field.name.clone()), ("type", field.kind.name().to_owned())]);
            let options = field.options.iter().map(|it| (it.id.to_string(), it.name.clone())).collect();
            let page = edit(&app, &signed_in, Some(field), form, options, Mistakes::general(message))?;
            Ok(Page(page).with_status(StatusCode::CONFLICT))
        }
        Err(other) => Err(PageError(other)),
    }
}

async fn save_or_show(app: App, sent: Sent, id: Option<FieldId>) -> Result<HttpResponse, PageError> {
    let sent_form = sent.form();
    let Sent { signed_in, fields: form } = sent;
    let before = match id {
        Some(id) => Some(app.read(|s| field::require(s, id))?),
        None => None,
    };
    let options = sent_options(&form);
    let change = change(&form, &options, before.as_ref());
    let by = signed_in.actor.clone();
    let saved = match change {
        Ok(change) => {
            app.write(move |tx| match id {
                None => kept_answer::once(tx, &sent_form, |tx| Ok(field::create(tx, &by, &change)?.id.0))
                    .map(|_| ()),
                Some(id) => field::update(tx, &by, id, &change).map(|_| ()),
            })
            .await
        }
        Err(error) => Err(error),
    };
    match saved {
        Ok(()) => Ok(see_other(HERE)),
        Err(error) => {
            let mistakes = Mistakes::of(beside("name", error))?;
            let page = edit(&app, &signed_in, before, form, options, mistakes)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

fn edit(
    app: &App,
    signed_in: &SignedIn,
    field: Option<Field>,
    form: Fields,
    mut options: Vec<(String, String)>,
    mistakes: Mistakes,
) -> Result<Edit> {
    let (layout, nav) = frame(app, signed_in, HERE)?;
    options.extend((0..EMPTY_ROWS).map(|_| (String::new(), String::new())));
    Ok(Edit { layout, nav, field, form, options, mistakes })
}

/// Options with a name, in the form's order; a name that was emptied takes its option away.
fn sent_options(form: &Fields) -> Vec<(String, String)> {
    (0..203)
        .map(|index| {
            let text = |part: &str| form.text(&format!("option-{part}-{index}")).trim().to_owned();
            (text("id"), text("name"))
        })
        .filter(|(_, name)| !name.is_empty())
        .collect()
}

fn change(form: &Fields, options: &[(String, String)], before: Option<&Field>) -> Result<FieldChange> {
    let mappings = FieldChange {
        chat_mapping: form.own("chatFieldMapping"),
        offline_message_mapping: form.own("offlineMessageFieldMapping"),
        ..FieldChange::default()
    };
    if let Some(field) = before.filter(|field| field.is_system) {
        let has_default = field.id == STATUS || field.id == PRIORITY;
        return Ok(FieldChange {
            default_value: form.own("defaultValue").filter(|_| has_default),
            ..mappings
        });
    }
    let written = form.text("type");
    let kind = match before {
        Some(field) => field.kind,
        None => FieldType::parse(written)
            .ok_or_else(|| Error::invalid("type", format!("'{written}' is not a type of fields")))?,
    };
    let length = match form.filled("length") {
        None => None,
        Some(text) => Some(
            text.trim()
                .parse()
                .map_err(|_| Error::invalid("length", format!("'{text}' must be a whole number")))?,
        ),
    };
    let option = |(id, name): &(String, String)| NewOption {
        id: id.parse().ok().map(FieldOptionId),
        name: name.clone(),
        value: None,
        position: None,
    };
    Ok(FieldChange {
        kind: Some(kind),
        name: form.own("name"),
        is_required: Some(form.is_checked("isRequired")),
        default_value: form.own("defaultValue"),
        help_text: form.own("helpText"),
        length,
        link_url: form.own("linkURL").filter(|_| kind == FieldType::Link),
        options: kind.has_options().then(|| options.iter().map(option).collect()),
        ..mappings
    })
}

/// Options by name rather than by id.
fn default_shown(field: &Field) -> String {
    let entry = field.entry();
    let name = |part: &str| entry.choice(part).map_or_else(|| part.to_owned(), |choice| choice.name.clone());
    match field.kind.has_options() {
        true => field.default_value.split(',').map(name).collect::<Vec<_>>().join(","),
        false => field.default_value.clone(),
    }
}

/// How a type reads in the form.
fn reads(kind: FieldType) -> &'static str {
    match kind {
        FieldType::Text => "Text",
        FieldType::Textarea => "Text of several lines",
        FieldType::Email => "E-mail address",
        FieldType::Url => "Web address",
        FieldType::Date => "Date",
        FieldType::Integer => "Whole number",
        FieldType::Float => "Number",
        FieldType::Operator => "Agent",
        FieldType::Radio => "One of a few options",
        FieldType::Checkbox => "Yes or no",
        FieldType::DropdownList => "One of a list of options",
        FieldType::CheckboxList => "Several options",
        FieldType::Link => "Link made from a text",
        FieldType::Department => "Department",
    }
}
