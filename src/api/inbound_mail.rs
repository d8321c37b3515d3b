//! `/anytime/inboundMails` (contract 20.3): the ledger of mail that came in, what became of it and why.

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::id;
use crate::app::App;
use crate::desk::inbound_mail::{self, InboundMail, InboundMailQuery, Outcome};
use crate::desk::secret::hex;
use crate::error::Result;
use crate::ids::{EmailAccountId, InboundMailId};
use crate::jobs;
use crate::time::Timestamp;
use crate::web::download::Download;
use crate::web::error::ErrorBody;
use crate::web::paging::Links;
use crate::web::{ApiError, Caller, Query};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InboundMail)]
pub struct InboundMailJson {
    id: i64,
    email_account_id: i64,
    /// The server's name for the mail
    uidl: String,
    /// Of the raw bytes, in hex; null when the mail was left on the server
    sha256: Option<String>,
    /// In bytes
    size: i64,
    /// `created`, `appended`, `junk`, `rejected`, `ignored` or `quarantined`; null until it is decided
    #[schema(example = "created")]
    outcome: Option<&'static str>,
    reason: String,
    /// What joined the mail to its conversation
    matched_by: Option<String>,
    internet_message_id: Option<String>,
    from: String,
    subject: String,
    /// `human`, `autoReply`, `outOfOffice`, `hardBounce`, `softBounce`, `delayedBounce`, `list`, `bulk`,
    /// `feedbackReport` or `loop`; empty until it is read
    #[schema(example = "human")]
    kind: String,
    /// The header or words that said so
    classified_by: Option<String>,
    conversation_id: Option<i64>,
    message_id: Option<i64>,
    is_on_server: bool,
    #[schema(value_type = String, format = DateTime)]
    received_time: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    processed_time: Option<Timestamp>,
    /// How often processing failed
    attempts: i64,
}

impl From<InboundMail> for InboundMailJson {
    fn from(mail: InboundMail) -> Self {
        Self {
            id: mail.id.0,
            email_account_id: mail.email_account_id.0,
            uidl: mail.uidl,
            sha256: mail.sha256.as_deref().map(hex),
            size: mail.size_bytes,
            outcome: mail.outcome.map(Outcome::name),
            reason: mail.reason,
            matched_by: mail.matched_by,
            internet_message_id: mail.internet_message_id,
            from: mail.from_address,
            subject: mail.subject,
            kind: mail.kind,
            classified_by: mail.classified_by,
            conversation_id: mail.conversation_id.map(|id| id.0),
            message_id: mail.message_id.map(|id| id.0),
            is_on_server: mail.is_on_server,
            received_time: mail.received_at,
            processed_time: mail.processed_at,
            attempts: mail.attempts,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InboundMailList)]
pub struct InboundMailListJson {
    inbound_mails: Vec<InboundMailJson>,
    total: i64,
    #[serde(flatten)]
    links: Links,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InboundMailAnswer)]
pub struct InboundMailAnswer {
    inbound_mail: InboundMailJson,
}

/// List mail that came in, the newest first
#[utoipa::path(
    tag = "Inbound mails",
    params(
        ("emailAccountId" = Option<i64>, Query),
        (
            "outcome" = Option<String>, Query,
            description = "`created`, `appended`, `junk`, `rejected`, `ignored` or `quarantined`"
        ),
        ("pageIndex" = Option<i64>, Query, description = "From 1", minimum = 1),
        ("pageSize" = Option<i64>, Query, description = "50 unless given", minimum = 1, maximum = 50),
    ),
    responses((status = 200, body = InboundMailListJson), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/inboundMails")]
pub async fn list(
    app: App,
    by: Caller,
    query: Query,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let paging = query.paging()?;
    let outcomes = "'created', 'appended', 'junk', 'rejected', 'ignored' or 'quarantined'";
    let wanted = InboundMailQuery {
        email_account_id: query.integer("emailAccountId")?.map(EmailAccountId),
        outcome: query.value("outcome", outcomes, Outcome::parse)?,
    };
    let page = app.scan(move |s| inbound_mail::list(s, &by.actor, &wanted, paging)).await?;
    Ok(HttpResponse::Ok().json(InboundMailListJson {
        inbound_mails: page.items.into_iter().map(InboundMailJson::from).collect(),
        total: page.total,
        links: Links::new(&request, &query, paging, page.total),
    }))
}

/// Get a mail's entry in the ledger
#[utoipa::path(
    tag = "Inbound mails",
    params(("id" = i64, Path)),
    responses((status = 200, body = InboundMailAnswer), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/inboundMails/{id}")]
pub async fn get(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: InboundMailId = id("inbound mail", &path)?;
    let mail = app.read(|s| inbound_mail::require(s, &by.actor, id))?;
    Ok(HttpResponse::Ok().json(InboundMailAnswer { inbound_mail: mail.into() }))
}

/// Download the exact bytes of a mail
#[utoipa::path(
    tag = "Inbound mails",
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = Vec<u8>, content_type = "message/rfc822"),
        (status = 206, body = Vec<u8>, content_type = "message/rfc822"), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "The mail was left on the server"),
        (status = 416, body = ErrorBody),
    )
)]
#[get("/api/v3/anytime/inboundMails/{id}/raw")]
pub async fn raw(
    app: App,
    by: Caller,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let id: InboundMailId = id("inbound mail", &path)?;
    let (blob_id, size_bytes) = app.read(|s| inbound_mail::raw_blob(s, &by.actor, id))?;
    let file = Download {
        blob_id,
        size_bytes,
        content_type: "message/rfc822".to_owned(),
        file_name: format!("inbound-mail-{id}.eml"),
    };
    Ok(file.answer(&app, &request))
}

/// Process a mail that made no message once more
#[utoipa::path(
    tag = "Inbound mails",
    params(("id" = i64, Path)),
    responses((status = 200, body = InboundMailAnswer), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/anytime/inboundMails/{id}/retry")]
pub async fn retry(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: InboundMailId = id("inbound mail", &path)?;
    let actor = by.actor.clone();
    app.write(move |tx| inbound_mail::retry(tx, &actor, id)).await?;
    jobs::process_waiting(&app).await?;
    let mail = app.read(|s| inbound_mail::require(s, &by.actor, id))?;
    Ok(HttpResponse::Ok().json(InboundMailAnswer { inbound_mail: mail.into() }))
}
