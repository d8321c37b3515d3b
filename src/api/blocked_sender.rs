//! `/anytime/blockedSenders` (contract 19): keyed by address or domain. The contract's four block types say in one word
//! what our `action` and the shape of the value say together. Entries that allow are an extension: they have
//! `isAllowed` and no `blockType`, and are listed only on request.

use actix_web::http::header;
use actix_web::{HttpResponse, delete, get, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id;
use crate::app::App;
use crate::desk::blocked_sender::{self, Action, BlockedSender, BlockedSenderQuery};
use crate::error::{Error, Result, shown};
use crate::ids::BlockedSenderId;
use crate::time::Timestamp;
use crate::web::error::ErrorBody;
use crate::web::json::{self, Input};
use crate::web::{ApiError, Caller, Json, Query};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BlockedSender)]
pub struct BlockedSenderJson {
    id: i64,
    /// An address, or a domain without `@`
    #[schema(example = "spam.example")]
    email: String,
    /// `blockEmailasJunk`, `rejectEmail`, `blockDomainasJunk` or `rejectDomain`; null where mail is let in
    #[schema(example = "blockDomainasJunk")]
    block_type: Option<&'static str>,
    /// Mail is let in, whatever is said of the domain (an extension)
    is_allowed: bool,
    created_by_id: Option<i64>,
    #[schema(value_type = String, format = DateTime)]
    created_time: Timestamp,
}

impl From<BlockedSender> for BlockedSenderJson {
    fn from(entry: BlockedSender) -> Self {
        Self {
            id: entry.id.0,
            block_type: block_type(&entry),
            is_allowed: entry.action == Action::Allow,
            email: entry.email,
            created_by_id: entry.created_by_id.map(|id| id.0),
            created_time: entry.created_at,
        }
    }
}

/// The contract's spelling, the odd `as` included.
const BLOCK_TYPES: [(&str, Action, bool); 4] = [
    ("blockEmailasJunk", Action::Junk, false),
    ("rejectEmail", Action::Reject, false),
    ("blockDomainasJunk", Action::Junk, true),
    ("rejectDomain", Action::Reject, true),
];

fn block_type(entry: &BlockedSender) -> Option<&'static str> {
    let known = BLOCK_TYPES
        .iter()
        .find(|(_, action, is_domain)| *action == entry.action && *is_domain == entry.is_domain());
    known.map(|(name, _, _)| *name)
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BlockedSenderList)]
pub struct BlockedSenderListJson {
    blocked_senders: Vec<BlockedSenderJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BlockedSenderAnswer)]
pub struct BlockedSenderAnswer {
    blocked_sender: BlockedSenderJson,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BlockedSenderInput)]
pub struct BlockedSenderInput {
    /// An address or a domain, with or without `@`
    #[schema(example = "spam.example")]
    email: String,
    /// `blockEmailasJunk`, `rejectEmail`, `blockDomainasJunk` or `rejectDomain`, in any case; it must fit `email`
    #[schema(example = "blockDomainasJunk")]
    block_type: Option<String>,
    /// True instead of a block type: mail is let in
    is_allowed: Option<bool>,
}

impl Input for BlockedSenderInput {
    const READ_ONLY: &'static [&'static str] = &["id", "createdTime", "createdById"];
}

impl BlockedSenderInput {
    fn action(&self) -> Result<Action> {
        let Some(text) = &self.block_type else {
            return match self.is_allowed {
                Some(true) => Ok(Action::Allow),
                _ => Err(Error::invalid("blockType", "is required")),
            };
        };
        let shown = shown(text);
        if self.is_allowed == Some(true) {
            return Err(Error::invalid("blockType", format!("'{shown}' contradicts isAllowed")));
        }
        let known = BLOCK_TYPES.iter().find(|(name, _, _)| name.eq_ignore_ascii_case(text.trim()));
        let Some((name, action, wants_domain)) = known else {
            return Err(Error::invalid(
                "blockType",
                format!(
                    "must be blockEmailasJunk, rejectEmail, blockDomainasJunk or rejectDomain, not '{shown}'"
                ),
            ));
        };
        let is_domain = !self.email.trim().trim_start_matches('@').contains('@');
        match (wants_domain, is_domain) {
            (true, false) => Err(Error::invalid("blockType", format!("'{name}' needs a domain in email"))),
            (false, true) => Err(Error::invalid("blockType", format!("'{name}' needs an address in email"))),
            _ => Ok(*action),
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[schema(as = BlockedSenderRemoval)]
pub struct RemovalInput {
    #[schema(example = "spam.example")]
    email: String,
}

impl Input for RemovalInput {
    const READ_ONLY: &'static [&'static str] =
        &["id", "blockType", "isAllowed", "createdTime", "createdById"];
}

/// List blocked senders
#[utoipa::path(
    tag = "Blocked senders",
    params(
        (
            "email" = Option<String>, Query,
            description = "An address: its own entry and its domain's. A domain: its entry"
        ),
        ("includeAllowed" = Option<bool>, Query, description = "Also the entries that let mail in (an extension)"),
    ),
    responses((status = 200, body = BlockedSenderListJson), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/blockedSenders")]
pub async fn list(app: App, by: Caller, query: Query) -> Result<HttpResponse, ApiError> {
    let wanted = BlockedSenderQuery {
        email: query.text("email")?.map(str::to_owned),
        includes_allowed: query.boolean("includeAllowed")?.unwrap_or(false),
    };
    let found = app.read(|s| blocked_sender::list(s, &by.actor, &wanted))?;
    Ok(HttpResponse::Ok().json(BlockedSenderListJson {
        blocked_senders: found.into_iter().map(BlockedSenderJson::from).collect(),
    }))
}

/// Get a blocked sender
#[utoipa::path(
    tag = "Blocked senders",
    params(("id" = i64, Path)),
    responses((status = 200, body = BlockedSenderAnswer), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/blockedSenders/{id}")]
pub async fn get(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: BlockedSenderId = id("blocked sender", &path)?;
    let found = app.read(|s| blocked_sender::require(s, &by.actor, id))?;
    Ok(HttpResponse::Ok().json(BlockedSenderAnswer { blocked_sender: found.into() }))
}

/// Block a sender, or change how; keyed by email
#[utoipa::path(
    tag = "Blocked senders",
    request_body = BlockedSenderInput,
    responses(
        (status = 200, body = BlockedSenderAnswer, description = "An entry was changed"),
        (status = 201, body = BlockedSenderAnswer, description = "The entry is new"),
        (status = 403, body = ErrorBody),
    )
)]
#[put("/api/v3/anytime/blockedSenders")]
pub async fn put(app: App, by: Caller, body: Json<BlockedSenderInput>) -> Result<HttpResponse, ApiError> {
    let action = body.0.action()?;
    let email = body.0.email;
    let (entry, is_new) = app.write(move |tx| blocked_sender::put(tx, &by.actor, &email, action)).await?;
    let mut builder = match is_new {
        true => HttpResponse::Created(),
        false => HttpResponse::Ok(),
    };
    if is_new {
        let location = format!("/api/v3/anytime/blockedSenders/{}", entry.id);
        builder.insert_header((header::LOCATION, location));
    }
    Ok(builder.json(BlockedSenderAnswer { blocked_sender: entry.into() }))
}

/// Unblock the sender named by `email`, in the query or in a JSON body
#[utoipa::path(
    tag = "Blocked senders",
    params(("email" = Option<String>, Query, description = "Instead of the body")),
    request_body = Option<RemovalInput>,
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
#[delete("/api/v3/anytime/blockedSenders")]
pub async fn remove(app: App, by: Caller, query: Query, body: web::Bytes) -> Result<HttpResponse, ApiError> {
    let email = match query.text("email")? {
        Some(email) => email.to_owned(),
        None if body.is_empty() => return Err(Error::invalid("email", "is required").into()),
        None => match json::read::<RemovalInput>(&body) {
            Ok(input) => input.email,
            Err(json::JsonError::Api(error)) => return Err(error),
            Err(error) => return Err(Error::invalid("body", error.to_string()).into()),
        },
    };
    app.write(move |tx| blocked_sender::remove(tx, &by.actor, &email)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Unblock a sender
#[utoipa::path(
    tag = "Blocked senders",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[delete("/api/v3/anytime/blockedSenders/{id}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: BlockedSenderId = id("blocked sender", &path)?;
    app.write(move |tx| blocked_sender::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
