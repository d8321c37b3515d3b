//! `/anytime/deletedconversations` (contract 11.8): the recycle bin.

use actix_web::{HttpRequest, HttpResponse, delete, get, post, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::conversation::{ConversationJson, face, faces};
use super::message::{self, MessageList};
use super::{Face, id};
use crate::app::App;
use crate::desk::conversation::trash::{self, TrashQuery};
use crate::error::Result;
use crate::ids::ConversationId;
use crate::time::Timestamp;
use crate::web::error::ErrorBody;
use crate::web::paging::Links;
use crate::web::{ApiError, Caller, Query};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeletedConversationList)]
pub struct DeletedConversationList {
    #[serde(rename = "deletedconversations")]
    deleted_conversations: Vec<ConversationJson>,
    total: i64,
    #[serde(flatten)]
    links: Links,
}

#[derive(Serialize, ToSchema)]
#[schema(as = DeletedConversationAnswer)]
pub struct DeletedConversationAnswer {
    #[serde(rename = "deletedconversation")]
    deleted_conversation: ConversationJson,
}

/// The documents answer with one key, their successor with the other: both are there.
#[derive(Serialize, ToSchema)]
#[schema(as = RestoredConversationAnswer)]
pub struct RestoredConversationAnswer {
    conversation: ConversationJson,
    #[serde(rename = "deletedconversation")]
    deleted_conversation: ConversationJson,
}

fn trash_query(query: &Query, now: Timestamp) -> Result<TrashQuery> {
    let (from, to) = query.window("timeFrom", "timeTo", now)?;
    let words = query.text("keywords")?.unwrap_or_default();
    Ok(TrashQuery {
        words: words.split_whitespace().take(16).map(str::to_owned).collect(),
        from,
        to: to.unwrap_or(now),
        paging: query.paging()?,
    })
}

/// List deleted conversations
///
/// Those that the caller may see; by default the ones with a reply in the last 30 days.
#[utoipa::path(
    tag = "Deleted conversations",
    params(
        ("keywords" = Option<String>, Query, description = "Words in subject, messages or contact; or the number"),
        ("timeFrom" = Option<String>, Query, description = "Last reply time, ISO-8601; default: 30 days before timeTo"),
        ("timeTo" = Option<String>, Query, description = "Last reply time, ISO-8601; default: now"),
        ("timeZoneOffset" = Option<f64>, Query, description = "Of times without a zone, in hours or minutes east of UTC; default: UTC"),
        ("pageIndex" = Option<i64>, Query, minimum = 1, maximum = 1000000000),
        ("pageSize" = Option<i64>, Query, minimum = 1, maximum = 50),
        ("include" = Option<String>, Query, description = "agentAssignee, departmentAssignee, contact, createdBy, lastRepliedBy, lastMessage; separated by commas"),
    ),
    responses((status = 200, body = DeletedConversationList))
)]
#[get("/api/v3/anytime/deletedconversations")]
pub async fn list(
    app: App,
    by: Caller,
    query: Query,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let wanted = trash_query(&query, app.now())?;
    let includes = query.includes();
    let (deleted_conversations, total) = app.read(|s| {
        let page = trash::list(s, &by.actor, &wanted)?;
        Ok((faces(s, &by.actor, app.now(), page.items, &includes)?, page.total))
    })?;
    Ok(HttpResponse::Ok().json(DeletedConversationList {
        deleted_conversations,
        total,
        links: Links::new(&request, &query, wanted.paging, total),
    }))
}

/// Get a deleted conversation
#[utoipa::path(
    tag = "Deleted conversations",
    params(
        ("id" = i64, Path),
        ("include" = Option<String>, Query, description = "agentAssignee, departmentAssignee, contact, createdBy, lastRepliedBy, lastMessage, messages, eventLogs; separated by commas"),
    ),
    responses((status = 200, body = DeletedConversationAnswer))
)]
#[get("/api/v3/anytime/deletedconversations/{id}")]
pub async fn get(
    app: App,
    by: Caller,
    query: Query,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("deleted conversation", &path)?;
    let includes = query.includes();
    let answer = app.read(|s| {
        let conversation = trash::require(s, &by.actor, id)?;
        face(s, &by.actor, app.now(), conversation, &includes)
    })?;
    Ok(Face::Anytime.wrap("deletedconversation", answer))
}

/// List the messages of a deleted conversation, oldest first
#[utoipa::path(
    tag = "Deleted conversations",
    params(("id" = i64, Path), ("include" = Option<String>, Query, description = "sender")),
    responses((status = 200, body = MessageList))
)]
#[get("/api/v3/anytime/deletedconversations/{id}/messages")]
pub async fn messages(
    app: App,
    by: Caller,
    query: Query,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("deleted conversation", &path)?;
    let includes = query.includes();
    let messages = app.read(|s| {
        trash::require(s, &by.actor, id)?;
        message::of_conversation(s, &by.actor, app.now(), id, &includes)
    })?;
    Ok(Face::Anytime.wrap("messages", messages))
}

/// Restore a deleted conversation, with the status it had
#[utoipa::path(
    tag = "Deleted conversations",
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = RestoredConversationAnswer), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It is not deleted, or was merged into another one"),
    )
)]
#[post("/api/v3/anytime/deletedconversations/{id}/restore")]
pub async fn restore(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("deleted conversation", &path)?;
    let now = app.now();
    let (conversation, deleted_conversation) = app
        .write(move |tx| {
            let restored = trash::restore(tx, &by.actor, id)?;
            let again = face(tx, &by.actor, now, restored.clone(), &[])?;
            Ok((face(tx, &by.actor, now, restored, &[])?, again))
        })
        .await?;
    Ok(HttpResponse::Ok().json(RestoredConversationAnswer { conversation, deleted_conversation }))
}

/// Delete a conversation permanently, with its messages, files and history
///
/// Only what is deleted already. Needs `permanentlyDeleteConversations`.
#[utoipa::path(
    tag = "Deleted conversations",
    params(("id" = i64, Path)),
    responses(
        (status = 204), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It is not deleted"),
    )
)]
#[delete("/api/v3/anytime/deletedconversations/{id}")]
pub async fn erase(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("deleted conversation", &path)?;
    app.write(move |tx| trash::erase(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
