//! `/anytime/portalconversations` (contract 12): conversations as their contacts see them. A portal calls with an agent's
//! key and names the contact, in the query or in the body; the agent's own rights still hold.

use actix_web::{HttpResponse, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::attachment::AttachmentJson;
use super::contact::ContactJson;
use super::conversation::asked;
use super::field::{CustomFieldInput, CustomFieldValueJson};
use super::include::{self, PartyJson};
use super::message::AttachmentInput;
use super::{Face, id};
use crate::app::App;
use crate::db::Snapshot;
use crate::desk::code::Status;
use crate::desk::conversation::portal::{self, PortalQuery, Written};
use crate::desk::conversation::{self, Body, Conversation, Message, read_state};
use crate::desk::field::NewValue;
use crate::desk::{Actor, Paging, attachment, contact};
use crate::error::{Error, Problem, Result, shown};
use crate::html;
use crate::ids::{ContactId, ConversationId};
use crate::time::Timestamp;
use crate::web::error::ErrorBody;
use crate::web::json::{self, Input};
use crate::web::{ApiError, Caller, Json, Query};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PortalConversation)]
pub struct PortalConversationJson {
    id: i64,
    subject: String,
    contact_id: Option<i64>,
    /// `status` is `closed`
    is_closed: bool,
    /// The documents' spelling of isReadByContact
    is_rea_by_contact: bool,
    is_read_by_contact: bool,
    custom_fields: Vec<CustomFieldValueJson>,
    #[schema(value_type = String, format = DateTime)]
    created_time: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    closed_time: Option<Timestamp>,
    #[schema(example = "pendingInternal")]
    status: &'static str,
    #[schema(example = "normal")]
    priority: &'static str,
    #[schema(example = "portal")]
    channel: &'static str,
    /// Whether agents have read it
    is_read: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_replied_time: Option<Timestamp>,
    /// Plain text of the last message that the contact sees
    last_message: String,
    total_replies: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    contact: Option<Option<ContactJson>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    messages: Option<Vec<PortalMessageJson>>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PortalMessage)]
pub struct PortalMessageJson {
    id: i64,
    conversation_id: i64,
    /// `email` or `reply`
    #[serde(rename = "type")]
    kind: &'static str,
    source: Option<&'static str>,
    /// Sanitised
    html_body: String,
    plain_body: String,
    sender_id: Option<i64>,
    sender_type: String,
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    attachments: Vec<AttachmentJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    sender: Option<Option<PartyJson>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PortalConversationAnswer)]
pub struct PortalConversationAnswer {
    portalconversation: PortalConversationJson,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PortalConversationList)]
pub struct PortalConversationList {
    portalconversations: Vec<PortalConversationJson>,
    total: i64,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PortalMessageAnswer)]
pub struct PortalMessageAnswer {
    message: PortalMessageJson,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PortalMessageList)]
pub struct PortalMessageList {
    messages: Vec<PortalMessageJson>,
}

fn asks(includes: &[String], name: &str) -> bool {
    includes.iter().any(|include| include == name)
}

fn face(
    s: &Snapshot<'_>,
    now: Timestamp,
    found: Conversation,
    includes: &[String],
) -> Result<PortalConversationJson> {
    let owner = found.contact_id;
    let with_contact = asks(includes, "contact");
    let last = match owner {
        Some(owner) => conversation::message::last(s, &Actor::Contact(owner), found.id)?,
        None => None,
    };
    Ok(PortalConversationJson {
        contact: match owner {
            Some(owner) if with_contact => Some(contact::get_ever(s, owner)?.map(ContactJson::from)),
            _ => None,
        },
        messages: match owner {
            Some(owner) if asks(includes, "messages") => Some(thread(s, now, owner, found.id, includes)?),
            _ => None,
        },
        id: found.id.0,
        subject: found.subject,
        contact_id: owner.map(|id| id.0),
        is_closed: found.status == Status::Closed,
        is_rea_by_contact: found.is_read_by_contact,
        is_read_by_contact: found.is_read_by_contact,
        custom_fields: found.fields.into_iter().map(CustomFieldValueJson::from).collect(),
        created_time: found.created_at,
        closed_time: found.closed_at,
        status: found.status.name(),
        priority: found.priority.name(),
        channel: found.channel.name(),
        is_read: found.is_read,
        last_replied_time: found.last_replied_at,
        last_message: last.map(|last| html::snippet(&last.plain_body, 200)).unwrap_or_default(),
        total_replies: found.total_replies,
    })
}

/// What the contact sees of the thread, oldest first.
fn thread(
    s: &Snapshot<'_>,
    now: Timestamp,
    owner: ContactId,
    id: ConversationId,
    includes: &[String],
) -> Result<Vec<PortalMessageJson>> {
    let found = conversation::message::list(s, &Actor::Contact(owner), id)?;
    found.into_iter().map(|message| said(s, now, message, includes)).collect()
}

fn said(
    s: &Snapshot<'_>,
    now: Timestamp,
    message: Message,
    includes: &[String],
) -> Result<PortalMessageJson> {
    let sender = asks(includes, "sender")
        .then(|| include::party(s, now, Some((&message.sender_type, message.sender_id))))
        .transpose()?;
    Ok(PortalMessageJson {
        attachments: attachment::of_message(s, message.id)?.into_iter().map(AttachmentJson::from).collect(),
        id: message.id.0,
        conversation_id: message.conversation_id.0,
        kind: message.kind.name(),
        source: message.source.map(conversation::Source::name),
        html_body: message.html_body,
        plain_body: message.plain_body,
        sender_id: message.sender_id,
        sender_type: message.sender_type,
        time: message.created_at,
        sender,
    })
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewPortalConversation)]
pub struct NewPortalConversationInput {
    /// At most 256 characters
    subject: String,
    /// Whose it is; may also stand in the query
    contact_id: Option<i64>,
    #[serde(default)]
    custom_fields: Vec<CustomFieldInput>,
    message: PortalMessageInput,
}

impl Input for NewPortalConversationInput {}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PortalMessageInput)]
pub struct PortalMessageInput {
    /// One of the two bodies is required; the other one is derived
    html_body: Option<String>,
    plain_body: Option<String>,
    /// Uploads of the agent with whose key the portal calls
    #[serde(default)]
    attachments: Vec<AttachmentInput>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PortalReplyInput)]
pub struct PortalReplyInput {
    /// The conversation, as in the path
    id: Option<i64>,
    /// Whose conversation it is; may also stand in the query
    contact_id: Option<i64>,
    html_body: Option<String>,
    plain_body: Option<String>,
    #[serde(default)]
    attachments: Vec<AttachmentInput>,
}

impl Input for PortalReplyInput {}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PortalContactInput)]
pub struct ContactInput {
    /// The conversation, as in the path
    id: Option<i64>,
    /// Whose conversation it is; may also stand in the query
    contact_id: Option<i64>,
}

impl Input for ContactInput {}

fn guids(files: Vec<AttachmentInput>) -> Vec<String> {
    files.into_iter().map(|file| file.guid).collect()
}

/// The contact of the query or the body; two different ones are refused.
fn named(query: &Query, in_body: Option<i64>) -> Result<Option<ContactId>> {
    match (query.integer("contactId")?, in_body) {
        (Some(one), Some(other)) if one != other => {
            Err(Error::invalid("contactId", format!("is {other} in the body, but {one} in the query")))
        }
        (one, other) => Ok(one.or(other).map(ContactId)),
    }
}

fn required(contact: Option<ContactId>) -> Result<ContactId> {
    contact.ok_or_else(|| Error::invalid("contactId", "is required"))
}

/// The documents repeat the conversation of the path in the body; another one is refused.
fn check_id(in_body: Option<i64>, of_path: ConversationId) -> Result<()> {
    match in_body {
        Some(id) if id != of_path.0 => {
            Err(Error::invalid("id", format!("is {id}, but the path names {of_path}")))
        }
        _ => Ok(()),
    }
}

/// The contact of a call that needs no body.
fn of_call(query: &Query, body: &[u8], id: ConversationId) -> Result<Option<ContactId>> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return named(query, None);
    }
    let input: ContactInput = json::read(body)?;
    check_id(input.id, id)?;
    named(query, input.contact_id)
}

fn portal_query(query: &Query, now: Timestamp) -> Result<PortalQuery> {
    let mut contacts = Vec::new();
    let one = query.text("contactId")?.into_iter();
    for text in one.chain(query.all("contactIds")).flat_map(|text| text.split(',')).map(str::trim) {
        let shown = shown(text);
        let id = text
            .parse()
            .map_err(|_| Error::invalid("contactId", format!("must be a whole number, not '{shown}'")))?;
        contacts.push(ContactId(id));
    }
    if contacts.is_empty() {
        return Err(Error::invalid("contactId", "is required"));
    }
    let zone = query.time_zone()?;
    let from = query.time_in("timeFrom", zone.as_ref())?;
    let to = query.time_in("timeTo", zone.as_ref())?;
    if let Some(from) = from
        && to.unwrap_or(now) < from
    {
        let than = if to.is_some() { "timeTo" } else { "now" };
        return Err(Error::invalid("timeFrom", format!("'{from}' is later than {than}")));
    }
    let words = query.text("keywords")?.unwrap_or_default();
    Ok(PortalQuery {
        contacts,
        words: words.split_whitespace().take(16).map(str::to_owned).collect(),
        predicate: None,
        from,
        to,
        paging: Paging { size: 100, ..query.paging()? },
    })
}

/// List the conversations of a contact, the last written first
///
/// Of every channel, at most 100 a page.
#[utoipa::path(
    tag = "Portal conversations",
    params(
        ("contactId" = Option<i64>, Query, description = "Required, unless contactIds is given"),
        ("contactIds" = Option<String>, Query, description = "Several contacts, repeated or separated by commas"),
        ("keywords" = Option<String>, Query, description = "Words in subject or messages; or the number"),
        ("timeFrom" = Option<String>, Query, description = "Last reply time, ISO-8601"),
        ("timeTo" = Option<String>, Query, description = "Last reply time, ISO-8601"),
        ("conditions[0][field]" = Option<String>, Query, description = "A system or custom field by name or id; more conditions have other indices, and all must hold"),
        ("conditions[0][matchType]" = Option<String>, Query, description = "is, isNot, contains, notContains, isMoreThan, isLessThan, before, after or between"),
        ("conditions[0][value]" = Option<String>, Query, description = "Empty with is and isNot: not set, set"),
        ("timeZoneOffset" = Option<f64>, Query, description = "Of dates in conditions, in hours or minutes east of UTC; default: the site's zone"),
        ("pageIndex" = Option<i64>, Query, minimum = 1, maximum = 1000000000),
        ("include" = Option<String>, Query, description = "contact"),
    ),
    responses((status = 200, body = PortalConversationList))
)]
#[get("/api/v3/anytime/portalconversations")]
pub async fn list(app: App, by: Caller, query: Query) -> Result<HttpResponse, ApiError> {
    let mut wanted = portal_query(&query, app.now())?;
    let mut includes = query.includes();
    includes.retain(|name| name == "contact");
    let answer = app.read(|s| {
        wanted.predicate = asked(s, &by.actor, app.now(), &query)?;
        let page = portal::find(s, &by.actor, &wanted)?;
        let found = page.items.into_iter().map(|found| face(s, app.now(), found, &includes));
        Ok(PortalConversationList { portalconversations: found.collect::<Result<_>>()?, total: page.total })
    })?;
    Ok(HttpResponse::Ok().json(answer))
}

/// Get a conversation as its contact sees it
#[utoipa::path(
    tag = "Portal conversations",
    params(
        ("id" = i64, Path), ("contactId" = Option<i64>, Query, description = "If given, it must be theirs"),
        ("include" = Option<String>, Query, description = "contact, messages, sender; separated by commas"),
    ),
    responses((status = 200, body = PortalConversationAnswer))
)]
#[get("/api/v3/anytime/portalconversations/{id}")]
pub async fn get(
    app: App,
    by: Caller,
    query: Query,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("portal conversation", &path)?;
    let contact = named(&query, None)?;
    let includes = query.includes();
    let answer = app.read(|s| {
        let (found, _) = portal::of_contact(s, &by.actor, id, contact)?;
        face(s, app.now(), found, &includes)
    })?;
    Ok(Face::Anytime.wrap("portalconversation", answer))
}

/// Submit a conversation in a contact's name
#[utoipa::path(
    tag = "Portal conversations",
    params(("contactId" = Option<i64>, Query, description = "In place of the one in the body")),
    request_body = NewPortalConversationInput,
    responses((status = 201, body = PortalConversationAnswer))
)]
#[post("/api/v3/anytime/portalconversations")]
pub async fn create(
    app: App,
    by: Caller,
    query: Query,
    body: Json<NewPortalConversationInput>,
) -> Result<HttpResponse, ApiError> {
    let new = body.0;
    let contact = required(named(&query, new.contact_id)?)?;
    let fields: Vec<NewValue> = new.custom_fields.into_iter().map(NewValue::from).collect();
    let text = text(new.message.html_body, new.message.plain_body, "message.")?;
    let files = guids(new.message.attachments);
    let now = app.now();
    let created = app
        .write(move |tx| {
            let written = Written { body: &text, attachments: &files, uploaded_by: &by.actor };
            let id = portal::submit(tx, contact, &new.subject, &written, &fields)?;
            face(tx, now, conversation::require(tx, &Actor::System, id)?, &[])
        })
        .await?;
    let location = format!("/api/v3/anytime/portalconversations/{}", created.id);
    Ok(Face::Anytime.created("portalconversation", &location, created))
}

fn text(html_body: Option<String>, plain_body: Option<String>, at: &str) -> Result<Body> {
    Body::new(html_body.as_deref(), plain_body.as_deref()).map_err(|error| match error {
        Error::Invalid(problems) => Error::Invalid(
            problems
                .into_iter()
                .map(|problem| Problem { field: [at, &problem.field].concat(), message: problem.message })
                .collect(),
        ),
        other => other,
    })
}

/// Close a conversation in its contact's name
#[utoipa::path(
    tag = "Portal conversations",
    params(("id" = i64, Path), ("contactId" = Option<i64>, Query, description = "Required, here or in the body")),
    request_body = Option<ContactInput>,
    responses((status = 200, body = PortalConversationAnswer), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/portalconversations/{id}/close")]
pub async fn close(
    app: App,
    by: Caller,
    query: Query,
    path: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("portal conversation", &path)?;
    let contact = required(of_call(&query, &body, id)?)?;
    let now = app.now();
    let closed = app
        .write(move |tx| {
            let owner = portal::in_the_name_of(tx, &by.actor, id, Some(contact))?;
            portal::close(tx, owner, id)?;
            face(tx, now, conversation::require(tx, &Actor::Contact(owner), id)?, &[])
        })
        .await?;
    Ok(Face::Anytime.wrap("portalconversation", closed))
}

/// Reopen a conversation in its contact's name
///
/// One that is not closed stays as it is.
#[utoipa::path(
    tag = "Portal conversations",
    params(("id" = i64, Path), ("contactId" = Option<i64>, Query, description = "Required, here or in the body")),
    request_body = Option<ContactInput>,
    responses((status = 200, body = PortalConversationAnswer), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/portalconversations/{id}/reopen")]
pub async fn reopen(
    app: App,
    by: Caller,
    query: Query,
    path: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("portal conversation", &path)?;
    let contact = required(of_call(&query, &body, id)?)?;
    let now = app.now();
    let reopened = app
        .write(move |tx| {
            let owner = portal::in_the_name_of(tx, &by.actor, id, Some(contact))?;
            portal::reopen(tx, owner, id)?;
            face(tx, now, conversation::require(tx, &Actor::Contact(owner), id)?, &[])
        })
        .await?;
    Ok(Face::Anytime.wrap("portalconversation", reopened))
}

/// List the messages that a conversation's contact sees, oldest first; never notes
#[utoipa::path(
    tag = "Portal conversations",
    params(
        ("id" = i64, Path), ("contactId" = Option<i64>, Query, description = "If given, it must be theirs"),
        ("include" = Option<String>, Query, description = "sender"),
    ),
    responses((status = 200, body = PortalMessageList))
)]
#[get("/api/v3/anytime/portalconversations/{id}/messages")]
pub async fn messages(
    app: App,
    by: Caller,
    query: Query,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("portal conversation", &path)?;
    let contact = named(&query, None)?;
    let includes = query.includes();
    let messages = app.read(|s| {
        let (_, owner) = portal::of_contact(s, &by.actor, id, contact)?;
        thread(s, app.now(), owner, id, &includes)
    })?;
    Ok(Face::Anytime.wrap("messages", messages))
}

/// Reply in the name of a conversation's contact
#[utoipa::path(
    tag = "Portal conversations",
    params(("id" = i64, Path), ("contactId" = Option<i64>, Query, description = "In place of the one in the body")),
    request_body = PortalReplyInput,
    responses((status = 201, body = PortalMessageAnswer), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/anytime/portalconversations/{id}/messages")]
pub async fn reply(
    app: App,
    by: Caller,
    query: Query,
    path: web::Path<String>,
    body: Json<PortalReplyInput>,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("portal conversation", &path)?;
    check_id(body.0.id, id)?;
    let contact = required(named(&query, body.0.contact_id)?)?;
    let text = text(body.0.html_body, body.0.plain_body, "")?;
    let files = guids(body.0.attachments);
    let now = app.now();
    let message = app
        .write(move |tx| {
            let owner = portal::in_the_name_of(tx, &by.actor, id, Some(contact))?;
            let written = Written { body: &text, attachments: &files, uploaded_by: &by.actor };
            let message = portal::answer(tx, owner, id, &written)?;
            said(tx, now, conversation::message::require(tx, &Actor::Contact(owner), message)?, &[])
        })
        .await?;
    let location = format!("/api/v3/anytime/portalconversations/{id}/messages");
    Ok(Face::Anytime.created("message", &location, message))
}

/// Mark a conversation as read by its contact
#[utoipa::path(
    tag = "Portal conversations",
    params(("id" = i64, Path), ("contactId" = Option<i64>, Query, description = "If given, it must be theirs")),
    request_body = Option<ContactInput>,
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/portalconversations/{id}/read")]
pub async fn read(
    app: App,
    by: Caller,
    query: Query,
    path: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse, ApiError> {
    set_read(app, by, &query, &path, &body, true).await
}

/// Mark a conversation as unread by its contact
#[utoipa::path(
    tag = "Portal conversations",
    params(("id" = i64, Path), ("contactId" = Option<i64>, Query, description = "If given, it must be theirs")),
    request_body = Option<ContactInput>,
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/portalconversations/{id}/unread")]
pub async fn unread(
    app: App,
    by: Caller,
    query: Query,
    path: web::Path<String>,
    body: web::Bytes,
) -> Result<HttpResponse, ApiError> {
    set_read(app, by, &query, &path, &body, false).await
}

async fn set_read(
    app: App,
    by: Caller,
    query: &Query,
    path: &str,
    body: &[u8],
    is_read: bool,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("portal conversation", path)?;
    let contact = of_call(query, body, id)?;
    app.write(move |tx| {
        let owner = Actor::Contact(portal::in_the_name_of(tx, &by.actor, id, contact)?);
        match is_read {
            true => read_state::mark_read(tx, &owner, id),
            false => read_state::mark_unread(tx, &owner, id),
        }
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}
