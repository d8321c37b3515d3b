//! Contacts: the people who write, and by which identities they are known (contract 4). Deleting only marks.

use std::collections::HashMap;

use super::audit::{self, Action};
use super::{Actor, Page, Paging, Permission, check_name, check_text, contact_password, like, sla};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, OnConstraint, Result};
use crate::ids::{ContactId, IdentityId};
use crate::language::Language;
use crate::mail::is_address;
use crate::time::{self, Timestamp};

#[derive(Debug, Clone)]
pub struct Contact {
    pub id: ContactId,
    pub name: String,
    pub alias: String,
    pub description: String,
    pub company: String,
    pub title: String,
    pub phone_number: String,
    pub fax_number: String,
    pub address: String,
    pub city: String,
    pub state_or_province: String,
    pub country: String,
    pub postal_or_zip_code: String,
    pub time_zone: Option<String>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub deleted_at: Option<Timestamp>,
    pub identities: Vec<Identity>,
}

impl Contact {
    /// The e-mail identity's address.
    pub fn email(&self) -> Option<&str> {
        self.identities.iter().find(|identity| identity.kind == IdentityKind::Email).map(|i| i.value.as_str())
    }
}

#[derive(Debug, Clone)]
pub struct Identity {
    pub id: IdentityId,
    pub contact_id: ContactId,
    pub kind: IdentityKind,
    pub value: String,
    pub name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityKind {
    Email,
    SsoUserId,
    ExternalId,
}

impl IdentityKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::SsoUserId => "SSOUserId",
            Self::ExternalId => "externalId",
        }
    }

    /// Any case; `emailAddress` is the later documents' word (contract 4.2).
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "email" | "emailaddress" => Some(Self::Email),
            "ssouserid" => Some(Self::SsoUserId),
            "externalid" => Some(Self::ExternalId),
            _ => None,
        }
    }
}

#[derive(Debug, Clone)]
pub struct NewIdentity {
    pub kind: IdentityKind,
    pub value: String,
    pub name: String,
}

/// `None` leaves a property alone (on creation: its default). `identities` replaces the whole set.
#[derive(Debug, Clone, Default)]
pub struct ContactChange {
    pub name: Option<String>,
    pub alias: Option<String>,
    pub description: Option<String>,
    pub company: Option<String>,
    pub title: Option<String>,
    pub phone_number: Option<String>,
    pub fax_number: Option<String>,
    pub address: Option<String>,
    pub city: Option<String>,
    pub state_or_province: Option<String>,
    pub country: Option<String>,
    pub postal_or_zip_code: Option<String>,
    pub time_zone: Option<String>,
    pub identities: Option<Vec<NewIdentity>>,
}

/// What `list` looks for. `identity` is exact; `keywords` looks into name, alias, company and identity values.
#[derive(Debug, Clone, Default)]
pub struct ContactQuery {
    pub keywords: Option<String>,
    pub identity: Option<(IdentityKind, String)>,
}

pub fn list(s: &Snapshot<'_>, by: &Actor, query: &ContactQuery, paging: Paging) -> Result<Page<Contact>> {
    by.require(Permission::ViewContacts)?;
    let pattern = query.keywords.as_deref().map(like);
    let (kind, value) = match &query.identity {
        Some((kind, value)) => (Some(kind.name()), Some(value.as_str())),
        None => (None, None),
    };
    let total = s.number(&["SELECT count(*)", LISTED].concat(), (&pattern, kind, value))?;
    let mut items = s.all(
        &["SELECT ", COLUMNS, LISTED, " ORDER BY c.id DESC LIMIT ?4 OFFSET ?5"].concat(),
        (&pattern, kind, value, paging.size, paging.offset()),
        from_row,
    )?;
    for contact in &mut items {
        contact.identities = identities(s, contact.id)?;
    }
    Ok(Page { items, total })
}

const LISTED: &str = " FROM contact c WHERE c.deleted_at IS NULL
    AND (?1 IS NULL OR c.name LIKE ?1 ESCAPE '\\' OR c.alias LIKE ?1 ESCAPE '\\' OR c.company LIKE ?1 ESCAPE '\\'
      OR EXISTS (SELECT 1 FROM contact_identity i WHERE i.contact_id = c.id AND i.value LIKE ?1 ESCAPE '\\'))
    AND (?2 IS NULL OR EXISTS
      (SELECT 1 FROM contact_identity i WHERE i.contact_id = c.id AND i.type = ?2 AND i.value = ?3
        AND i.is_freed = 0))";

pub fn get(s: &Snapshot<'_>, id: ContactId) -> Result<Option<Contact>> {
    Ok(get_ever(s, id)?.filter(|contact| contact.deleted_at.is_none()))
}

/// Also finds deleted contacts: for naming who wrote long ago.
pub fn get_ever(s: &Snapshot<'_>, id: ContactId) -> Result<Option<Contact>> {
    let found = s.one(&["SELECT ", COLUMNS, " FROM contact c WHERE c.id = ?"].concat(), [id], from_row)?;
    found.map(|contact| Ok(Contact { identities: identities(s, id)?, ..contact })).transpose()
}

/// The names of several contacts at once, deleted ones included.
pub fn names(s: &Snapshot<'_>, ids: &[ContactId]) -> Result<HashMap<ContactId, String>> {
    let ids = serde_json::to_string(ids).map_err(Error::internal)?;
    let found =
        s.all("SELECT id, name FROM contact WHERE id IN (SELECT value FROM json_each(?))", [ids], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    Ok(found.into_iter().collect())
}

/// The contact, or `NotFound`.
pub fn require(s: &Snapshot<'_>, id: ContactId) -> Result<Contact> {
    get(s, id)?.ok_or_else(|| Error::not_found("contact", id))
}

/// The contact, for somebody who may look at contacts.
pub fn view(s: &Snapshot<'_>, by: &Actor, id: ContactId) -> Result<Contact> {
    by.require(Permission::ViewContacts)?;
    require(s, id)
}

/// The contact who owns an e-mail address, if any; deleted ones left out.
pub fn by_email(s: &Snapshot<'_>, email: &str) -> Result<Option<ContactId>> {
    s.one(
        "SELECT c.id FROM contact_identity i JOIN contact c ON c.id = i.contact_id
         WHERE i.type = 'email' AND i.value = ? AND i.is_freed = 0",
        [email.trim()],
        |row| row.get(0),
    )
}

/// Every address a contact is known by.
pub fn email_of(s: &Snapshot<'_>, id: ContactId) -> Result<Option<String>> {
    s.one("SELECT value FROM contact_identity WHERE contact_id = ? AND type = 'email'", [id], |row| {
        row.get(0)
    })
}

/// The language in which mail of the portal is written to the contact.
pub fn language(s: &Snapshot<'_>, id: ContactId) -> Result<Language> {
    let tag: Option<String> = s.one("SELECT language FROM contact WHERE id = ?", [id], |row| row.get(0))?;
    Ok(tag.and_then(|tag| Language::parse(&tag)).unwrap_or_default())
}

/// The contact reads the portal in this language.
pub fn speaks(tx: &Tx<'_>, id: ContactId, language: Language) -> Result<()> {
    tx.run("UPDATE contact SET language = ?1 WHERE id = ?2 AND language <> ?1", (language.tag(), id))?;
    Ok(())
}

/// The contact of an address we got mail from, made when there is none. A deleted contact who writes comes back.
pub fn find_or_create(tx: &Tx<'_>, email: &str, name: Option<&str>) -> Result<ContactId> {
    let email = email.trim();
    if let Some(id) = by_email(tx, email)? {
        return Ok(id);
    }
    if let Some(id) = revive(tx, email)? {
        return Ok(id);
    }
    let name: String =
        name.map(str::trim).filter(|name| !name.is_empty()).unwrap_or(email).chars().take(200).collect();
    let id = ContactId(tx.insert(
        "INSERT INTO contact (name, created_at, updated_at) VALUES (?1, ?2, ?2)",
        (&name, tx.now()),
    )?);
    tx.run(
        "INSERT INTO contact_identity (contact_id, type, value, name) VALUES (?, 'email', ?, ?)",
        (id, email, &name),
    )?;
    Ok(id)
}

/// Brings back the contact who last had the address when they were deleted, with those identities that nobody else has
/// taken since.
fn revive(tx: &Tx<'_>, email: &str) -> Result<Option<ContactId>> {
    let found: Option<ContactId> = tx.one(
        "SELECT i.contact_id FROM contact_identity i JOIN contact c ON c.id = i.contact_id
         WHERE i.type = 'email' AND i.value = ? AND i.is_freed = 1 ORDER BY c.deleted_at DESC",
        [email],
        |row| row.get(0),
    )?;
    if let Some(id) = found {
        tx.run("UPDATE contact SET deleted_at = NULL, updated_at = ? WHERE id = ?", (tx.now(), id))?;
        tx.run(
            "DELETE FROM contact_identity WHERE contact_id = ?1 AND EXISTS (SELECT 1 FROM contact_identity o
               WHERE o.type = contact_identity.type AND o.value = contact_identity.value AND o.is_freed = 0)",
            [id],
        )?;
        tx.run("UPDATE contact_identity SET is_freed = 0 WHERE contact_id = ?", [id])?;
    }
    Ok(found)
}

pub fn create(tx: &Tx<'_>, by: &Actor, new: &ContactChange) -> Result<Contact> {
    by.require(Permission::ManageContacts)?;
    let name = check_name("name", new.name.as_deref().unwrap_or_default(), 200)?;
    let id = tx
        .insert("INSERT INTO contact (name, created_at, updated_at) VALUES (?1, ?2, ?2)", (name, tx.now()))?;
    let contact = apply(tx, ContactId(id), new)?;
    audit::record(tx, by, Action::Contact, format!("created the contact '{}'", contact.name), "")?;
    Ok(contact)
}

pub fn update(tx: &Tx<'_>, by: &Actor, id: ContactId, change: &ContactChange) -> Result<Contact> {
    by.require(Permission::ManageContacts)?;
    let before = require(tx, id)?;
    let after = apply(tx, id, change)?;
    let details = audit::difference(&facts(&before), &facts(&after));
    audit::record(tx, by, Action::Contact, format!("changed the contact '{}'", after.name), details)?;
    sla::contact_changed(tx, id)?;
    Ok(after)
}

/// What the audit log tells of a change.
fn facts(contact: &Contact) -> [(&'static str, String); 15] {
    let identities: Vec<String> = contact
        .identities
        .iter()
        .map(|identity| [identity.kind.name(), " ", &identity.value].concat())
        .collect();
    [
        ("name", contact.name.clone()),
        ("alias", contact.alias.clone()),
        ("identities", identities.join(", ")),
        ("description", contact.description.clone()),
        ("company", contact.company.clone()),
        ("title", contact.title.clone()),
        ("phoneNumber", contact.phone_number.clone()),
        ("faxNumber", contact.fax_number.clone()),
        ("address", contact.address.clone()),
        ("city", contact.city.clone()),
        ("stateOrProvince", contact.state_or_province.clone()),
        ("country", contact.country.clone()),
        ("postalOrZipCode", contact.postal_or_zip_code.clone()),
        ("timeZone", contact.time_zone.clone().unwrap_or_default()),
        ("isDeleted", contact.deleted_at.is_some().to_string()),
    ]
}

/// Identities are changed one by one: the contact as it was before tells what became of it.
fn record_change(tx: &Tx<'_>, by: &Actor, before: &Contact) -> Result<()> {
    let details = audit::difference(&facts(before), &facts(&require(tx, before.id)?));
    audit::record(tx, by, Action::Contact, format!("changed the contact '{}'", before.name), details)?;
    sla::contact_changed(tx, before.id)
}

/// The conversations stay; the identities are free for others.
pub fn delete(tx: &Tx<'_>, by: &Actor, id: ContactId) -> Result<()> {
    by.require(Permission::ManageContacts)?;
    let contact = require(tx, id)?;
    tx.run("UPDATE contact SET deleted_at = ?1, updated_at = ?1 WHERE id = ?2", (tx.now(), id))?;
    tx.run("UPDATE contact_identity SET is_freed = 1 WHERE contact_id = ?", [id])?;
    contact_password::forget(tx, id)?;
    audit::record(tx, by, Action::Contact, format!("deleted the contact '{}'", contact.name), "")
}

pub fn add_identity(tx: &Tx<'_>, by: &Actor, contact: ContactId, new: &NewIdentity) -> Result<Identity> {
    by.require(Permission::ManageContacts)?;
    let before = require(tx, contact)?;
    let id = insert_identity(tx, contact, new, "value")?;
    tx.run("UPDATE contact SET updated_at = ? WHERE id = ?", (tx.now(), contact))?;
    record_change(tx, by, &before)?;
    identity(tx, contact, id)
}

pub fn change_identity(
    tx: &Tx<'_>,
    by: &Actor,
    contact: ContactId,
    id: IdentityId,
    value: &str,
) -> Result<Identity> {
    by.require(Permission::ManageContacts)?;
    let owner = require(tx, contact)?;
    let before = identity(tx, contact, id)?;
    let value = check_identity(before.kind, value, "value")?;
    tx.run("UPDATE contact_identity SET value = ? WHERE id = ? AND contact_id = ?", (&value, id, contact))
        .on_constraint("contact_identity.type, contact_identity.value", || owned(before.kind, &value))?;
    // Whoever has the old address must not get at the new one's conversations.
    contact_password::forget(tx, contact)?;
    record_change(tx, by, &owner)?;
    identity(tx, contact, id)
}

pub fn delete_identity(tx: &Tx<'_>, by: &Actor, contact: ContactId, id: IdentityId) -> Result<()> {
    by.require(Permission::ManageContacts)?;
    let before = require(tx, contact)?;
    match tx.run("DELETE FROM contact_identity WHERE id = ? AND contact_id = ?", (id, contact))? {
        0 => Err(Error::not_found("identity", id)),
        _ => {
            contact_password::forget(tx, contact)?;
            record_change(tx, by, &before)
        }
    }
}

pub fn identities(s: &Snapshot<'_>, contact: ContactId) -> Result<Vec<Identity>> {
    s.all(
        "SELECT id, contact_id, type, value, name FROM contact_identity WHERE contact_id = ? ORDER BY id",
        [contact],
        identity_from_row,
    )
}

fn identity(s: &Snapshot<'_>, contact: ContactId, id: IdentityId) -> Result<Identity> {
    s.one(
        "SELECT id, contact_id, type, value, name FROM contact_identity WHERE id = ? AND contact_id = ?",
        (id, contact),
        identity_from_row,
    )?
    .ok_or_else(|| Error::not_found("identity", id))
}

fn insert_identity(tx: &Tx<'_>, contact: ContactId, new: &NewIdentity, field: &str) -> Result<IdentityId> {
    let value = check_identity(new.kind, &new.value, field)?;
    tx.insert(
        "INSERT INTO contact_identity (contact_id, type, value, name) VALUES (?, ?, ?, ?)",
        (contact, new.kind.name(), &value, new.name.trim()),
    )
    .on_constraint("contact_identity.type, contact_identity.value", || owned(new.kind, &value))
    .on_constraint("contact_identity.contact_id", || {
        Error::Conflict(format!("the contact already has an identity of type '{}'", new.kind.name()))
    })
    .map(IdentityId)
}

fn check_identity(kind: IdentityKind, value: &str, field: &str) -> Result<String> {
    let value = check_name(field, value, 320)?;
    if kind == IdentityKind::Email && !is_address(&value) {
        return Err(Error::invalid(field, format!("'{value}' is not an e-mail address")));
    }
    Ok(value)
}

fn owned(kind: IdentityKind, value: &str) -> Error {
    Error::Conflict(format!("the {} identity '{value}' belongs to another contact", kind.name()))
}

fn apply(tx: &Tx<'_>, id: ContactId, change: &ContactChange) -> Result<Contact> {
    let name = change.name.as_deref().map(|name| check_name("name", name, 200)).transpose()?;
    for (field, value) in [
        ("alias", &change.alias),
        ("company", &change.company),
        ("title", &change.title),
        ("phoneNumber", &change.phone_number),
        ("faxNumber", &change.fax_number),
        ("address", &change.address),
        ("city", &change.city),
        ("stateOrProvince", &change.state_or_province),
        ("country", &change.country),
        ("postalOrZipCode", &change.postal_or_zip_code),
    ] {
        check_text(field, value.as_deref().unwrap_or_default(), 300)?;
    }
    check_text("description", change.description.as_deref().unwrap_or_default(), 4000)?;
    if let Some(zone) = &change.time_zone
        && !time::is_time_zone(zone)
    {
        return Err(Error::invalid("timeZone", format!("'{zone}' is not an IANA time zone")));
    }
    tx.run(
        "UPDATE contact SET
           name = coalesce(:name, name), alias = coalesce(:alias, alias),
           description = coalesce(:description, description), company = coalesce(:company, company),
           title = coalesce(:title, title), phone_number = coalesce(:phone, phone_number),
           fax_number = coalesce(:fax, fax_number), address = coalesce(:address, address),
           city = coalesce(:city, city), state_or_province = coalesce(:state, state_or_province),
           country = coalesce(:country, country), postal_or_zip_code = coalesce(:postal, postal_or_zip_code),
           time_zone = coalesce(:time_zone, time_zone), updated_at = :now
         WHERE id = :id",
        rusqlite::named_params! {
            ":name": name, ":alias": change.alias, ":description": change.description, ":company": change.company,
            ":title": change.title, ":phone": change.phone_number, ":fax": change.fax_number,
            ":address": change.address, ":city": change.city, ":state": change.state_or_province,
            ":country": change.country, ":postal": change.postal_or_zip_code, ":time_zone": change.time_zone,
            ":now": tx.now(), ":id": id,
        },
    )?;
    if let Some(identities) = &change.identities {
        replace_identities(tx, id, identities)?;
    }
    require(tx, id)
}

/// Makes `new` the contact's identities; those that stay keep their ids.
fn replace_identities(tx: &Tx<'_>, contact: ContactId, new: &[NewIdentity]) -> Result<()> {
    let before = identities(tx, contact)?;
    let is_same = |old: &Identity, new: &NewIdentity| {
        old.kind == new.kind && old.value == new.value.trim() && old.name == new.name.trim()
    };
    for old in before.iter().filter(|old| !new.iter().any(|new| is_same(old, new))) {
        tx.run("DELETE FROM contact_identity WHERE id = ?", [old.id])?;
        contact_password::forget(tx, contact)?;
    }
    for (index, identity) in new.iter().enumerate() {
        if !before.iter().any(|old| is_same(old, identity)) {
            insert_identity(tx, contact, identity, &format!("identities[{index}].value"))?;
        }
    }
    Ok(())
}

const COLUMNS: &str = "c.id, c.name, c.alias, c.description, c.company, c.title, c.phone_number, c.fax_number,
    c.address, c.city, c.state_or_province, c.country, c.postal_or_zip_code, c.time_zone, c.created_at, c.updated_at,
    c.deleted_at";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Contact> {
    Ok(Contact {
        id: row.get(0)?,
        name: row.get(1)?,
        alias: row.get(2)?,
        description: row.get(3)?,
        company: row.get(4)?,
        title: row.get(5)?,
        phone_number: row.get(6)?,
        fax_number: row.get(7)?,
        address: row.get(8)?,
        city: row.get(9)?,
        state_or_province: row.get(10)?,
        country: row.get(11)?,
        postal_or_zip_code: row.get(12)?,
        time_zone: row.get(13)?,
        created_at: row.get(14)?,
        updated_at: row.get(15)?,
        deleted_at: row.get(16)?,
        identities: Vec::new(),
    })
}

fn identity_from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Identity> {
    let kind: String = row.get(2)?;
    Ok(Identity {
        id: row.get(0)?,
        contact_id: row.get(1)?,
        kind: IdentityKind::parse(&kind).ok_or(rusqlite::types::FromSqlError::InvalidType)?,
        value: row.get(3)?,
        name: row.get(4)?,
    })
}
