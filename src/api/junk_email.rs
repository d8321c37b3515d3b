//! `/anytime/junkEmails` (contract 22), also called `/anytime/junks`: what came from blocked senders. `allow` is an
//! extension: it restores and lets the sender in from now on.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::attachment::AttachmentJson;
use super::blocked_sender::BlockedSenderJson;
use super::contact::ContactJson;
use super::conversation::ConversationJson;
use super::id;
use super::include::Included;
use crate::app::App;
use crate::db::Snapshot;
use crate::desk::junk_email::{self, JunkEmail, JunkEmailQuery};
use crate::desk::{attachment, contact};
use crate::error::Result;
use crate::ids::JunkEmailId;
use crate::time::Timestamp;
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::paging::Links;
use crate::web::{ApiError, Caller, Json, Query};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JunkEmail)]
pub struct JunkEmailJson {
    id: i64,
    subject: String,
    /// When it was received
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    /// The sender's name
    name: String,
    from: String,
    to: String,
    cc: String,
    /// Sanitised
    html_body: String,
    plain_body: String,
    email_account_id: Option<i64>,
    is_read: bool,
    attachments: Vec<AttachmentJson>,
    /// Which entry made it junk
    #[schema(example = "the domain spam.example is blocked")]
    cause: String,
    /// Its row in the ledger of incoming mail
    inbound_mail_id: Option<i64>,
    /// With `include=sender`: the contact who owns the address, or null
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    sender: Option<Option<ContactJson>>,
}

impl JunkEmailJson {
    fn new(s: &Snapshot<'_>, junk: JunkEmail, includes: &[String]) -> Result<Self> {
        let sender = match includes.iter().any(|name| name == "sender") {
            true => Some(match contact::by_email(s, &junk.from_address)? {
                Some(id) => contact::get(s, id)?.map(ContactJson::from),
                None => None,
            }),
            false => None,
        };
        let attachments = attachment::of_junk(s, junk.id)?.into_iter().map(AttachmentJson::from).collect();
        Ok(Self {
            id: junk.id.0,
            subject: junk.subject,
            time: junk.received_at,
            name: junk.from_name,
            from: junk.from_address,
            to: junk.to_addresses,
            cc: junk.cc_addresses,
            html_body: junk.body.html,
            plain_body: junk.body.plain,
            email_account_id: junk.email_account_id.map(|id| id.0),
            is_read: junk.is_read,
            attachments,
            cause: junk.cause,
            inbound_mail_id: junk.inbound_mail_id.map(|id| id.0),
            sender,
        })
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JunkEmailList)]
pub struct JunkEmailListJson {
    junk_emails: Vec<JunkEmailJson>,
    total: i64,
    #[serde(flatten)]
    links: Links,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JunkEmailAnswer)]
pub struct JunkEmailAnswer {
    junk_email: JunkEmailJson,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RestoredJunkEmail)]
pub struct RestoredJson {
    conversation: ConversationJson,
    /// The entry that lets the sender in, where one was made
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    blocked_sender: Option<BlockedSenderJson>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = JunkEmailChange)]
pub struct JunkEmailInput {
    is_read: bool,
}

impl Input for JunkEmailInput {
    const READ_ONLY: &'static [&'static str] = &[
        "id",
        "subject",
        "time",
        "name",
        "from",
        "to",
        "cc",
        "htmlBody",
        "plainBody",
        "emailAccountId",
        "attachments",
        "cause",
        "inboundMailId",
        "sender",
    ];
}

fn list_query(query: &Query, now: Timestamp) -> Result<JunkEmailQuery> {
    let (from, to) = query.window("timeFrom", "timeTo", now)?;
    let keywords = query.text("keywords")?.map(str::to_owned);
    Ok(JunkEmailQuery { keywords, from: Some(from), to })
}

/// List junk e-mails, the newest first
#[utoipa::path(
    tag = "Junk e-mails",
    params(
        ("keywords" = Option<String>, Query, description = "In subject, sender and text"),
        ("timeFrom" = Option<String>, Query, description = "30 days before timeTo unless given"),
        ("timeTo" = Option<String>, Query, description = "Now unless given"),
        ("timeZoneOffset" = Option<f64>, Query, description = "Of times without a zone, in hours or minutes east of UTC; default: UTC"),
        ("include" = Option<String>, Query, description = "`sender`"),
        ("pageIndex" = Option<i64>, Query, description = "From 1", minimum = 1),
        ("pageSize" = Option<i64>, Query, description = "50 unless given", minimum = 1, maximum = 50),
    ),
    responses((status = 200, body = JunkEmailListJson), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/junkEmails")]
pub async fn list(
    app: App,
    by: Caller,
    query: Query,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let (paging, wanted, includes) = (query.paging()?, list_query(&query, app.now())?, query.includes());
    let (junk_emails, total) = app
        .scan(move |s| {
            let page = junk_email::list(s, &by.actor, &wanted, paging)?;
            let items = page.items.into_iter().map(|junk| JunkEmailJson::new(s, junk, &includes));
            Ok((items.collect::<Result<Vec<_>>>()?, page.total))
        })
        .await?;
    let links = Links::new(&request, &query, paging, total);
    Ok(HttpResponse::Ok().json(JunkEmailListJson { junk_emails, total, links }))
}

/// Get a junk e-mail; this does not mark it read
#[utoipa::path(
    tag = "Junk e-mails",
    params(("id" = i64, Path), ("include" = Option<String>, Query, description = "`sender`")),
    responses((status = 200, body = JunkEmailAnswer), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/junkEmails/{id}")]
pub async fn get(
    app: App,
    by: Caller,
    query: Query,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id: JunkEmailId = id("junk e-mail", &path)?;
    let junk_email =
        app.read(|s| JunkEmailJson::new(s, junk_email::require(s, &by.actor, id)?, &query.includes()))?;
    Ok(HttpResponse::Ok().json(JunkEmailAnswer { junk_email }))
}

/// Mark a junk e-mail as read or unread
#[utoipa::path(
    tag = "Junk e-mails",
    params(("id" = i64, Path)),
    request_body = JunkEmailInput,
    responses((status = 200, body = JunkEmailAnswer), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/junkEmails/{id}")]
pub async fn update(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<JunkEmailInput>,
) -> Result<HttpResponse, ApiError> {
    let id: JunkEmailId = id("junk e-mail", &path)?;
    let junk_email = app
        .write(move |tx| {
            let junk = junk_email::set_read(tx, &by.actor, id, body.0.is_read)?;
            JunkEmailJson::new(tx, junk, &[])
        })
        .await?;
    Ok(HttpResponse::Ok().json(JunkEmailAnswer { junk_email }))
}

/// Restore a junk e-mail to an ordinary conversation; its sender stays blocked
#[utoipa::path(
    tag = "Junk e-mails",
    params(("id" = i64, Path)),
    responses((status = 201, body = RestoredJson), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/anytime/junkEmails/{id}/notJunk")]
pub async fn not_junk(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: JunkEmailId = id("junk e-mail", &path)?;
    let conversation = app.write(move |tx| junk_email::restore(tx, &by.actor, id)).await?;
    let location = format!("/api/v3/anytime/conversations/{}", conversation.id);
    let conversation = ConversationJson::new(conversation, Included::default());
    let answer = RestoredJson { conversation, blocked_sender: None };
    Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(answer))
}

/// Restore a junk e-mail and let its sender in from now on (an extension; needs the right to manage blocked senders)
#[utoipa::path(
    tag = "Junk e-mails",
    params(("id" = i64, Path)),
    responses((status = 201, body = RestoredJson), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/anytime/junkEmails/{id}/allow")]
pub async fn allow(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: JunkEmailId = id("junk e-mail", &path)?;
    let (conversation, entry) = app.write(move |tx| junk_email::allow(tx, &by.actor, id)).await?;
    let location = format!("/api/v3/anytime/conversations/{}", conversation.id);
    let conversation = ConversationJson::new(conversation, Included::default());
    let answer = RestoredJson { conversation, blocked_sender: Some(entry.into()) };
    Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(answer))
}

/// Delete a junk e-mail for good
#[utoipa::path(
    tag = "Junk e-mails",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[delete("/api/v3/anytime/junkEmails/{id}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: JunkEmailId = id("junk e-mail", &path)?;
    app.write(move |tx| junk_email::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
