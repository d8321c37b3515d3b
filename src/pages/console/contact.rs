//! A contact in the console: who they are, changing that, and their conversations.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{HttpResponse, get, post};
use askama::Template;

use super::settings::{Fields, Sent};
use super::{Layout, words};
use crate::app::App;
use crate::desk::contact::{self, Contact, ContactChange, IdentityKind, NewIdentity};
use crate::desk::conversation::{self, Conversation, ListQuery};
use crate::desk::{Paging, Permission};
use crate::error::{Error, Result};
use crate::ids::ContactId;
use crate::pages::form::Mistakes;
use crate::pages::set_up::time_zones;
use crate::pages::when::{When, Zone};
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

#[derive(Template)]
#[template(path = "console/contact.html")]
struct Show {
    layout: Layout,
    contact: Contact,
    since: When,
    conversations: Vec<(Conversation, When)>,
    is_editable: bool,
}

#[get("/console/contacts/{id:\\d+}")]
pub async fn show(app: App, signed_in: SignedIn, id: Path<ContactId>) -> Result<Page<Show>, PageError> {
    let (zone, now) = (Zone::of_agent(&signed_in), app.now());
    Ok(Page(app.read(|s| {
        let contact = contact::view(s, &signed_in.actor, *id)?;
        let query = ListQuery {
            contact: Some(contact.id),
            paging: Paging { index: 1, size: 50 },
            count_limit: Some(1),
            ..ListQuery::default()
        };
        let found = conversation::list(s, &signed_in.actor, &query)?.items.into_iter();
        let dated = |one: Conversation| {
            let at = zone.short(one.last_replied_at.unwrap_or(one.created_at), now);
            (one, at)
        };
        Ok(Show {
            layout: Layout::new(s, &signed_in, "contacts")?,
            since: zone.day(contact.created_at),
            conversations: found.map(dated).collect(),
            is_editable: signed_in.actor.require(Permission::ManageContacts).is_ok(),
            contact,
        })
    })?))
}

#[derive(Template)]
#[template(path = "console/contact_edit.html")]
struct Edit {
    layout: Layout,
    contact: Contact,
    form: Fields,
    time_zones: Vec<String>,
    mistakes: Mistakes,
}

/// By which field of the form each kind of identity is asked.
const IDENTITIES: [(&str, IdentityKind); 3] = [
    ("email", IdentityKind::Email),
    ("externalId", IdentityKind::ExternalId),
    ("ssoUserId", IdentityKind::SsoUserId),
];

#[get("/console/contacts/{id:\\d+}/edit")]
pub async fn edit(app: App, signed_in: SignedIn, id: Path<ContactId>) -> Result<Page<Edit>, PageError> {
    signed_in.actor.require(Permission::ManageContacts)?;
    let contact = app.read(|s| contact::view(s, &signed_in.actor, *id))?;
    let mut form = Fields::of([
        ("name", contact.name.clone()),
        ("alias", contact.alias.clone()),
        ("company", contact.company.clone()),
        ("title", contact.title.clone()),
        ("phoneNumber", contact.phone_number.clone()),
        ("faxNumber", contact.fax_number.clone()),
        ("address", contact.address.clone()),
        ("city", contact.city.clone()),
        ("stateOrProvince", contact.state_or_province.clone()),
        ("postalOrZipCode", contact.postal_or_zip_code.clone()),
        ("country", contact.country.clone()),
        ("timeZone", contact.time_zone.clone().unwrap_or_default()),
        ("description", contact.description.clone()),
    ]);
    for (name, kind) in IDENTITIES {
        if let Some(identity) = contact.identities.iter().find(|identity| identity.kind == kind) {
            form.add(name, &identity.value);
        }
    }
    Ok(Page(page(&app, &signed_in, contact, form, Mistakes::default())?))
}

fn page(app: &App, signed_in: &SignedIn, contact: Contact, form: Fields, mistakes: Mistakes) -> Result<Edit> {
    let layout = app.read(|s| Layout::new(s, signed_in, "contacts"))?;
    Ok(Edit { layout, contact, form, time_zones: time_zones(), mistakes })
}

#[post("/console/contacts/{id:\\d+}/edit")]
pub async fn save(app: App, id: Path<ContactId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let Sent { signed_in, fields } = sent;
    let (id, by) = (*id, signed_in.actor.clone());
    let before = app.read(|s| contact::view(s, &by, id))?;
    let (identities, places) = identities(&before, &fields);
    let change = ContactChange {
        name: fields.own("name"),
        alias: fields.own("alias"),
        description: fields.own("description"),
        company: fields.own("company"),
        title: fields.own("title"),
        phone_number: fields.own("phoneNumber"),
        fax_number: fields.own("faxNumber"),
        address: fields.own("address"),
        city: fields.own("city"),
        state_or_province: fields.own("stateOrProvince"),
        country: fields.own("country"),
        postal_or_zip_code: fields.own("postalOrZipCode"),
        time_zone: fields.filled("timeZone"),
        identities: Some(identities),
    };
    match app.write(move |tx| contact::update(tx, &by, id, &change)).await {
        Ok(_) => Ok(see_other(&format!("/console/contacts/{id}"))),
        Err(error) => {
            let mistakes = Mistakes::of(beside(error, &places))?;
            let page = page(&app, &signed_in, before, fields, mistakes)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

/// The identities that were sent, and the field of the form that each came from.
fn identities(before: &Contact, form: &Fields) -> (Vec<NewIdentity>, Vec<&'static str>) {
    let sent = IDENTITIES.into_iter().filter_map(|(name, kind)| {
        let value = form.filled(name)?;
        let old = before.identities.iter().find(|identity| identity.kind == kind);
        let known_as = old.map_or_else(|| before.name.clone(), |identity| identity.name.clone());
        Some((NewIdentity { kind, value, name: known_as }, name))
    });
    sent.unzip()
}

/// Tells of an identity beside the field it was written into.
fn beside(error: Error, places: &[&'static str]) -> Error {
    let Error::Invalid(mut problems) = error else { return error };
    for problem in &mut problems {
        let index = problem.field.strip_prefix("identities[").and_then(|rest| rest.split(']').next());
        if let Some(place) = index.and_then(|index| places.get(index.parse::<usize>().ok()?)) {
            (*place).clone_into(&mut problem.field);
        }
    }
    Error::Invalid(problems)
}
