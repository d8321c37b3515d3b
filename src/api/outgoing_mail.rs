//! `/anytime/outgoingMails` (contract 20.4): the queue of mail that goes out, and what servers said about it.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::id;
use crate::app::App;
use crate::desk::outgoing_mail::{self, OutgoingMail, Recipient, State};
use crate::error::Result;
use crate::ids::OutgoingMailId;
use crate::time::Timestamp;
use crate::web::error::ErrorBody;
use crate::web::paging::Links;
use crate::web::{ApiError, Caller, Query};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OutgoingMail)]
pub struct OutgoingMailJson {
    id: i64,
    /// Null when there was no account to send from
    email_account_id: Option<i64>,
    conversation_id: Option<i64>,
    message_id: Option<i64>,
    internet_message_id: String,
    from: String,
    subject: String,
    /// `queued`, `held` (there is no server to send through), `sent` or `failed`
    #[schema(example = "queued")]
    state: &'static str,
    attempts: i64,
    #[schema(value_type = String, format = DateTime)]
    next_attempt_time: Timestamp,
    last_error: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_time: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    sent_time: Option<Timestamp>,
    /// Not written by a person: a sign-in link, say
    is_automatic: bool,
    recipients: Vec<RecipientJson>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = OutgoingRecipient)]
pub struct RecipientJson {
    address: String,
    /// `to` or `cc`
    #[schema(example = "to")]
    kind: &'static str,
    /// `queued`, `sent`, `deferred` or `failed`
    #[schema(example = "sent")]
    state: String,
    /// What the server said when it did not accept
    answer: Option<String>,
}

impl From<OutgoingMail> for OutgoingMailJson {
    fn from(mail: OutgoingMail) -> Self {
        Self {
            id: mail.id.0,
            email_account_id: mail.email_account_id.map(|id| id.0),
            conversation_id: mail.conversation_id.map(|id| id.0),
            message_id: mail.message_id.map(|id| id.0),
            internet_message_id: mail.internet_message_id,
            from: mail.from_address,
            subject: mail.subject,
            state: mail.state.name(),
            attempts: mail.attempts,
            next_attempt_time: mail.next_attempt_at,
            last_error: mail.last_error,
            created_time: mail.created_at,
            sent_time: mail.sent_at,
            is_automatic: mail.is_automatic,
            recipients: mail.recipients.into_iter().map(RecipientJson::from).collect(),
        }
    }
}

impl From<Recipient> for RecipientJson {
    fn from(recipient: Recipient) -> Self {
        Self {
            address: recipient.address,
            kind: if recipient.is_cc { "cc" } else { "to" },
            state: recipient.state,
            answer: recipient.answer,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OutgoingMailList)]
pub struct OutgoingMailListJson {
    outgoing_mails: Vec<OutgoingMailJson>,
    total: i64,
    #[serde(flatten)]
    links: Links,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OutgoingMailAnswer)]
pub struct OutgoingMailAnswer {
    outgoing_mail: OutgoingMailJson,
}

/// List mail that goes out, the newest first
#[utoipa::path(
    tag = "Outgoing mails",
    params(
        ("state" = Option<String>, Query, description = "`queued`, `held`, `sent` or `failed`"),
        ("pageIndex" = Option<i64>, Query, description = "From 1", minimum = 1),
        ("pageSize" = Option<i64>, Query, description = "50 unless given", minimum = 1, maximum = 50),
    ),
    responses((status = 200, body = OutgoingMailListJson), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/outgoingMails")]
pub async fn list(
    app: App,
    by: Caller,
    query: Query,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let paging = query.paging()?;
    let state = query.value("state", "'queued', 'held', 'sent' or 'failed'", State::parse)?;
    let page = app.scan(move |s| outgoing_mail::list(s, &by.actor, state, paging)).await?;
    Ok(HttpResponse::Ok().json(OutgoingMailListJson {
        outgoing_mails: page.items.into_iter().map(OutgoingMailJson::from).collect(),
        total: page.total,
        links: Links::new(&request, &query, paging, page.total),
    }))
}

/// Get a mail that goes out
#[utoipa::path(
    tag = "Outgoing mails",
    params(("id" = i64, Path)),
    responses((status = 200, body = OutgoingMailAnswer), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/outgoingMails/{id}")]
pub async fn get(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: OutgoingMailId = id("outgoing mail", &path)?;
    let mail = app.read(|s| outgoing_mail::require(s, &by.actor, id))?;
    Ok(HttpResponse::Ok().json(OutgoingMailAnswer { outgoing_mail: mail.into() }))
}

/// Queue a held or failed mail again, for those who did not get it
#[utoipa::path(
    tag = "Outgoing mails",
    params(("id" = i64, Path)),
    responses((status = 200, body = OutgoingMailAnswer), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/anytime/outgoingMails/{id}/retry")]
pub async fn retry(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: OutgoingMailId = id("outgoing mail", &path)?;
    let mail = app.write(move |tx| outgoing_mail::retry(tx, &by.actor, id)).await?;
    Ok(HttpResponse::Ok().json(OutgoingMailAnswer { outgoing_mail: mail.into() }))
}
