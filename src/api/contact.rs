//! `/contacts` and their identities (contract 4): the people who write.

use actix_web::{HttpRequest, HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id;
use crate::app::App;
use crate::desk::contact::{self, Contact, ContactChange, ContactQuery, Identity, IdentityKind, NewIdentity};
use crate::error::{Error, Result, shown};
use crate::ids::{ContactId, IdentityId};
use crate::time::{self, Timestamp};
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::paging::Links;
use crate::web::{ApiError, Caller, Json, Query};

#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Contact)]
pub struct ContactJson {
    id: i64,
    name: String,
    alias: String,
    identities: Vec<IdentityJson>,
    description: String,
    company: String,
    title: String,
    phone_number: String,
    fax_number: String,
    address: String,
    city: String,
    state_or_province: String,
    country: String,
    postal_or_zip_code: String,
    /// IANA name; null when it is not known
    time_zone: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_time: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last_updated_time: Timestamp,
}

#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Identity)]
pub struct IdentityJson {
    id: i64,
    contact_id: i64,
    /// `email`, `SSOUserId` or `externalId`
    #[serde(rename = "type")]
    #[schema(example = "email")]
    kind: &'static str,
    #[schema(example = "bob@example.com")]
    value: String,
    name: String,
}

impl From<Contact> for ContactJson {
    fn from(contact: Contact) -> Self {
        Self {
            id: contact.id.0,
            name: contact.name,
            alias: contact.alias,
            identities: contact.identities.into_iter().map(IdentityJson::from).collect(),
            description: contact.description,
            company: contact.company,
            title: contact.title,
            phone_number: contact.phone_number,
            fax_number: contact.fax_number,
            address: contact.address,
            city: contact.city,
            state_or_province: contact.state_or_province,
            country: contact.country,
            postal_or_zip_code: contact.postal_or_zip_code,
            time_zone: contact.time_zone,
            created_time: contact.created_at,
            last_updated_time: contact.updated_at,
        }
    }
}

impl From<Identity> for IdentityJson {
    fn from(identity: Identity) -> Self {
        Self {
            id: identity.id.0,
            contact_id: identity.contact_id.0,
            kind: identity.kind.name(),
            value: identity.value,
            name: identity.name,
        }
    }
}

#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContactList)]
pub struct ContactListJson {
    contacts: Vec<ContactJson>,
    total: i64,
    #[serde(flatten)]
    links: Links,
}

/// On creation `name` is required. On change what is left out stays as it is, and `identities` replaces the whole set.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContactInput)]
pub struct ContactInput {
    /// At most 200 characters
    #[schema(example = "Bob Miller")]
    name: Option<String>,
    alias: Option<String>,
    identities: Option<Vec<IdentityInput>>,
    description: Option<String>,
    company: Option<String>,
    title: Option<String>,
    phone_number: Option<String>,
    fax_number: Option<String>,
    address: Option<String>,
    city: Option<String>,
    state_or_province: Option<String>,
    country: Option<String>,
    postal_or_zip_code: Option<String>,
    /// IANA name; Windows names are understood
    #[schema(example = "Europe/London")]
    time_zone: Option<String>,
}

impl Input for ContactInput {
    const READ_ONLY: &'static [&'static str] = &["id", "createdTime", "lastUpdatedTime"];
}

impl ContactInput {
    fn change(self) -> Result<ContactChange> {
        let identities = self.identities.map(|identities| {
            let numbered = identities.into_iter().enumerate();
            numbered.map(|(index, input)| input.check(&format!("identities[{index}]."))).collect()
        });
        Ok(ContactChange {
            name: self.name,
            alias: self.alias,
            description: self.description,
            company: self.company,
            title: self.title,
            phone_number: self.phone_number,
            fax_number: self.fax_number,
            address: self.address,
            city: self.city,
            state_or_province: self.state_or_province,
            country: self.country,
            postal_or_zip_code: self.postal_or_zip_code,
            time_zone: self.time_zone.map(|name| time::zone(&name).unwrap_or(name)),
            identities: identities.transpose()?,
        })
    }
}

/// A contact has at most one identity of a type, and a value belongs to one contact.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IdentityInput)]
pub struct IdentityInput {
    /// `email` (or `emailAddress`), `SSOUserId` or `externalId`
    #[serde(rename = "type")]
    #[schema(example = "email")]
    kind: String,
    #[schema(example = "bob@example.com")]
    value: String,
    /// How the person is called on that channel
    name: Option<String>,
    /// Passed over: answers have it
    #[serde(rename = "id")]
    _id: Option<i64>,
    /// Passed over: answers have it
    #[serde(rename = "contactId")]
    _contact_id: Option<i64>,
}

impl Input for IdentityInput {}

impl IdentityInput {
    fn check(self, path: &str) -> Result<NewIdentity> {
        let kind = kind(&[path, "type"].concat(), &self.kind)?;
        Ok(NewIdentity { kind, value: self.value, name: self.name.unwrap_or_default() })
    }
}

fn kind(field: &str, text: &str) -> Result<IdentityKind> {
    IdentityKind::parse(text).ok_or_else(|| {
        let shown = shown(text);
        Error::invalid(field, format!("must be 'email', 'SSOUserId' or 'externalId', not '{shown}'"))
    })
}

#[derive(Deserialize, ToSchema)]
#[schema(as = IdentityChange)]
pub struct IdentityChangeInput {
    #[schema(example = "bob@example.com")]
    value: String,
}

impl Input for IdentityChangeInput {
    const READ_ONLY: &'static [&'static str] = &["id", "contactId", "type", "name"];
}

/// List contacts
#[utoipa::path(
    tag = "Contacts",
    params(
        ("keywords" = Option<String>, Query, description = "In name, alias, company or an identity"),
        ("identityType" = Option<String>, Query, description = "With `identityValue`: who has exactly this identity"),
        ("identityValue" = Option<String>, Query, description = "With `identityType`"),
        ("pageIndex" = Option<i64>, Query, description = "From 1", minimum = 1),
        ("pageSize" = Option<i64>, Query, description = "50 unless given", minimum = 1, maximum = 50),
    ),
    responses((status = 200, body = ContactListJson), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/contacts")]
pub async fn list(
    app: App,
    by: Caller,
    query: Query,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let paging = query.paging()?;
    let wanted =
        ContactQuery { keywords: query.text("keywords")?.map(str::to_owned), identity: identity(&query)? };
    let page = app.scan(move |s| contact::list(s, &by.actor, &wanted, paging)).await?;
    Ok(HttpResponse::Ok().json(ContactListJson {
        contacts: page.items.into_iter().map(ContactJson::from).collect(),
        total: page.total,
        links: Links::new(&request, &query, paging, page.total),
    }))
}

fn identity(query: &Query) -> Result<Option<(IdentityKind, String)>> {
    match (query.text("identityType")?, query.text("identityValue")?) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(Error::invalid("identityValue", "is required with 'identityType'")),
        (None, Some(_)) => Err(Error::invalid("identityType", "is required with 'identityValue'")),
        (Some(name), Some(value)) => Ok(Some((kind("identityType", name)?, value.to_owned()))),
    }
}

/// Get a contact
#[utoipa::path(
    tag = "Contacts",
    params(("id" = i64, Path)),
    responses((status = 200, body = ContactJson), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/contacts/{id}")]
pub async fn get(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: ContactId = id("contact", &path)?;
    let contact = app.read(|s| contact::view(s, &by.actor, id))?;
    Ok(HttpResponse::Ok().json(ContactJson::from(contact)))
}

/// Create a contact
#[utoipa::path(
    tag = "Contacts",
    request_body = ContactInput,
    responses((status = 201, body = ContactJson), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/contacts")]
pub async fn create(app: App, by: Caller, body: Json<ContactInput>) -> Result<HttpResponse, ApiError> {
    let new = body.0.change()?;
    let contact = app.write(move |tx| contact::create(tx, &by.actor, &new)).await?;
    let location = format!("/api/v3/contacts/{}", contact.id);
    Ok(HttpResponse::Created().insert_header(("Location", location)).json(ContactJson::from(contact)))
}

/// Change a contact
#[utoipa::path(
    tag = "Contacts",
    params(("id" = i64, Path)),
    request_body = ContactInput,
    responses(
        (status = 200, body = ContactJson), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/contacts/{id}")]
pub async fn update(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<ContactInput>,
) -> Result<HttpResponse, ApiError> {
    let id: ContactId = id("contact", &path)?;
    let change = body.0.change()?;
    let contact = app.write(move |tx| contact::update(tx, &by.actor, id, &change)).await?;
    Ok(HttpResponse::Ok().json(ContactJson::from(contact)))
}

/// Delete a contact; the conversations stay
#[utoipa::path(
    tag = "Contacts",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[delete("/api/v3/contacts/{id}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: ContactId = id("contact", &path)?;
    app.write(move |tx| contact::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Give a contact an identity
#[utoipa::path(
    tag = "Contacts",
    params(("contactId" = i64, Path)),
    request_body = IdentityInput,
    responses((status = 201, body = IdentityJson), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/contacts/{contactId}/identities")]
pub async fn add_identity(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<IdentityInput>,
) -> Result<HttpResponse, ApiError> {
    let contact: ContactId = id("contact", &path)?;
    let new = body.0.check("")?;
    let identity = app.write(move |tx| contact::add_identity(tx, &by.actor, contact, &new)).await?;
    let location = format!("/api/v3/contacts/{contact}");
    Ok(HttpResponse::Created().insert_header(("Location", location)).json(IdentityJson::from(identity)))
}

/// Change an identity's value
#[utoipa::path(
    tag = "Contacts",
    params(("contactId" = i64, Path), ("id" = i64, Path)),
    request_body = IdentityChangeInput,
    responses(
        (status = 200, body = IdentityJson), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/contacts/{contactId}/identities/{id}")]
pub async fn change_identity(
    app: App,
    by: Caller,
    path: web::Path<(String, String)>,
    body: Json<IdentityChangeInput>,
) -> Result<HttpResponse, ApiError> {
    let (contact, id) = ids(&path)?;
    let value = body.0.value;
    let identity = app.write(move |tx| contact::change_identity(tx, &by.actor, contact, id, &value)).await?;
    Ok(HttpResponse::Ok().json(IdentityJson::from(identity)))
}

/// Take an identity away
#[utoipa::path(
    tag = "Contacts",
    params(("contactId" = i64, Path), ("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[delete("/api/v3/contacts/{contactId}/identities/{id}")]
pub async fn delete_identity(
    app: App,
    by: Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (contact, id) = ids(&path)?;
    app.write(move |tx| contact::delete_identity(tx, &by.actor, contact, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn ids((contact, identity): &(String, String)) -> Result<(ContactId, IdentityId), ApiError> {
    Ok((id("contact", contact)?, id("identity", identity)?))
}
