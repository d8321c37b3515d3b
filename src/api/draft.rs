//! `/anytime/conversations/{id}/draft` (contract 11.9): what is being written, shared by all agents; and the texts that
//! saves overwrote, an extension.

use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::attachment::AttachmentJson;
use super::conversation::changing;
use super::message::AttachmentInput;
use super::{Face, id};
use crate::app::App;
use crate::desk::conversation::draft::{self, Draft, DraftChange, DraftText, Version};
use crate::error::{Error, Result};
use crate::html;
use crate::ids::ConversationId;
use crate::time::Timestamp;
use crate::web::error::ErrorBody;
use crate::web::etag::{IfMatch, with_etag};
use crate::web::json::{Input, nullable};
use crate::web::{ApiError, Caller, Json};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConversationDraft)]
pub struct DraftJson {
    /// Stays the same while the draft lives
    draft_id: i64,
    conversation_id: i64,
    subject: String,
    /// Sanitised
    html_body: String,
    plain_body: String,
    quote: String,
    from: String,
    to: String,
    cc: String,
    #[schema(value_type = String, format = DateTime)]
    saved_time: Timestamp,
    /// The agent who saved it last
    saved_by_id: i64,
    attachments: Vec<AttachmentJson>,
}

impl From<Draft> for DraftJson {
    fn from(draft: Draft) -> Self {
        Self {
            draft_id: draft.id,
            conversation_id: draft.conversation_id.0,
            subject: draft.text.subject,
            html_body: draft.text.body.html,
            plain_body: draft.text.body.plain,
            quote: draft.text.quote,
            from: draft.text.from,
            to: draft.text.to,
            cc: draft.text.cc,
            saved_time: draft.saved_at,
            saved_by_id: draft.saved_by_id.0,
            attachments: draft.files.into_iter().map(AttachmentJson::from).collect(),
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConversationDraftAnswer)]
pub struct DraftAnswer {
    conversation_draft: DraftJson,
}

/// A text that a later save overwrote, or that was thrown away.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DraftVersion)]
pub struct VersionJson {
    id: i64,
    conversation_id: i64,
    subject: String,
    html_body: String,
    plain_body: String,
    #[schema(value_type = String, format = DateTime)]
    saved_time: Timestamp,
    saved_by_id: i64,
}

impl From<Version> for VersionJson {
    fn from(version: Version) -> Self {
        Self {
            id: version.id,
            conversation_id: version.conversation_id.0,
            subject: version.subject,
            html_body: version.body.html,
            plain_body: version.body.plain,
            saved_time: version.saved_at,
            saved_by_id: version.saved_by_id.0,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DraftVersionList)]
pub struct VersionList {
    draft_versions: Vec<VersionJson>,
}

/// When there is a draft, an update leaves alone what is left out; null and an empty text clear
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConversationDraftInput)]
pub struct DraftInput {
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    subject: Option<Option<String>>,
    /// The missing one of the two bodies is derived: they change together
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    html_body: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    plain_body: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    quote: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    from: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    to: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    cc: Option<Option<String>>,
    /// Own uploads, and files that the draft already has; the others are let go
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Vec<AttachmentInput>>)]
    attachments: Option<Option<Vec<AttachmentInput>>>,
}

impl Input for DraftInput {
    const READ_ONLY: &'static [&'static str] = &["draftId", "conversationId", "savedTime", "savedById"];
}

impl DraftInput {
    fn check(self) -> Result<DraftChange> {
        let body = match (&self.html_body, &self.plain_body) {
            (None, None) => None,
            (html, plain) => {
                let (html, plain) = (html.iter().flatten().next(), plain.iter().flatten().next());
                let text =
                    DraftText::default().with_body(html.map(String::as_str), plain.map(String::as_str))?;
                Some(text.body)
            }
        };
        let guids = |files: Vec<AttachmentInput>| files.into_iter().map(|file| file.guid).collect();
        Ok(DraftChange {
            subject: self.subject.map(Option::unwrap_or_default),
            body,
            quote: self.quote.map(|quote| quote.map(|quote| html::sanitize_own(&quote)).unwrap_or_default()),
            from: self.from.map(Option::unwrap_or_default),
            to: self.to.map(Option::unwrap_or_default),
            cc: self.cc.map(Option::unwrap_or_default),
            files: self.attachments.map(|files| files.map(guids).unwrap_or_default()),
        })
    }
}

/// Get the draft of a conversation
#[utoipa::path(
    tag = "Drafts",
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = DraftAnswer),
        (status = 404, body = ErrorBody, description = "There is no such conversation, or it has no draft"),
    )
)]
#[get("/api/v3/anytime/conversations/{id}/draft")]
pub async fn get(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    let draft = app
        .read(|s| draft::get(s, &by.actor, id))?
        .ok_or_else(|| Error::not_found("draft of conversation", id))?;
    Ok(Face::Anytime.wrap("conversationDraft", DraftJson::from(draft)))
}

/// Create the draft of a conversation
///
/// There is one for all agents: if there is one already, this overwrites it.
#[utoipa::path(
    tag = "Drafts",
    params(("id" = i64, Path)),
    request_body = DraftInput,
    responses(
        (status = 201, body = DraftAnswer), (status = 403, body = ErrorBody),
        (status = 412, body = ErrorBody),
    )
)]
#[post("/api/v3/anytime/conversations/{id}/draft")]
pub async fn create(
    app: App,
    by: Caller,
    path: web::Path<String>,
    if_match: IfMatch,
    body: Json<DraftInput>,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    // What a new draft does not have is empty.
    let change = body.0.check()?.or_empty();
    let (draft, version) =
        changing(&app, if_match, by.actor, id, move |tx, by| draft::change(tx, by, id, change)).await?;
    let location = format!("/api/v3/anytime/conversations/{id}/draft");
    let answer = Face::Anytime.created("conversationDraft", &location, DraftJson::from(draft));
    Ok(with_etag(answer, version))
}

/// Update the draft of a conversation, or create it
#[utoipa::path(
    tag = "Drafts",
    params(("id" = i64, Path)),
    request_body = DraftInput,
    responses(
        (status = 200, body = DraftAnswer), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 412, body = ErrorBody),
    )
)]
#[put("/api/v3/anytime/conversations/{id}/draft")]
pub async fn update(
    app: App,
    by: Caller,
    path: web::Path<String>,
    if_match: IfMatch,
    body: Json<DraftInput>,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    let change = body.0.check()?;
    let (draft, version) =
        changing(&app, if_match, by.actor, id, move |tx, by| draft::change(tx, by, id, change)).await?;
    Ok(with_etag(Face::Anytime.wrap("conversationDraft", DraftJson::from(draft)), version))
}

/// Delete the draft of a conversation; its text stays among the earlier versions
#[utoipa::path(
    tag = "Drafts",
    params(("id" = i64, Path)),
    responses(
        (status = 204), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 412, body = ErrorBody),
    )
)]
#[delete("/api/v3/anytime/conversations/{id}/draft")]
pub async fn delete(
    app: App,
    by: Caller,
    path: web::Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    let ((), version) =
        changing(&app, if_match, by.actor, id, move |tx, by| draft::delete(tx, by, id)).await?;
    Ok(with_etag(HttpResponse::NoContent().finish(), version))
}

/// List the texts that later drafts overwrote or that were thrown away, the newest first
#[utoipa::path(
    tag = "Drafts",
    params(("id" = i64, Path)),
    responses((status = 200, body = VersionList))
)]
#[get("/api/v3/anytime/conversations/{id}/draft/versions")]
pub async fn versions(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    let found = app.read(|s| draft::versions(s, &by.actor, id))?;
    Ok(Face::Anytime.wrap("draftVersions", found.into_iter().map(VersionJson::from).collect::<Vec<_>>()))
}
