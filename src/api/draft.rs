//! `/anytime/conversations/{id}/draft` (contract 11.9): what is being written, shared by all agents; and the texts that
//! saves overwrote, an extension.

use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::attachment::AttachmentJson;
use super::message::AttachmentInput;
use super::{Face, id};
use crate::app::App;
use crate::desk::conversation::draft::{self, Draft, DraftText, Version};
use crate::error::{Error, Result};
use crate::html;
use crate::ids::ConversationId;
use crate::time::Timestamp;
use crate::web::error::ErrorBody;
use crate::web::json::Input;
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

/// The whole draft: what is left out is empty
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConversationDraftInput)]
pub struct DraftInput {
    subject: Option<String>,
    /// The missing one of the two bodies is derived
    html_body: Option<String>,
    plain_body: Option<String>,
    quote: Option<String>,
    from: Option<String>,
    to: Option<String>,
    cc: Option<String>,
    /// Own uploads, and files that the draft already has; the others are let go
    #[serde(default)]
    attachments: Vec<AttachmentInput>,
}

impl Input for DraftInput {
    const READ_ONLY: &'static [&'static str] = &["draftId", "conversationId", "savedTime", "savedById"];
}

impl DraftInput {
    fn check(self) -> Result<(DraftText, Vec<String>)> {
        let text = DraftText {
            subject: self.subject.unwrap_or_default(),
            quote: self.quote.map(|quote| html::sanitize_own(&quote)).unwrap_or_default(),
            from: self.from.unwrap_or_default(),
            to: self.to.unwrap_or_default(),
            cc: self.cc.unwrap_or_default(),
            ..DraftText::default()
        };
        let text = text.with_body(self.html_body.as_deref(), self.plain_body.as_deref())?;
        Ok((text, self.attachments.into_iter().map(|file| file.guid).collect()))
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
    responses((status = 201, body = DraftAnswer), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/anytime/conversations/{id}/draft")]
pub async fn create(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<DraftInput>,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    let draft = save(&app, by, id, body.0).await?;
    let location = format!("/api/v3/anytime/conversations/{id}/draft");
    Ok(Face::Anytime.created("conversationDraft", &location, draft))
}

/// Update the draft of a conversation, or create it
#[utoipa::path(
    tag = "Drafts",
    params(("id" = i64, Path)),
    request_body = DraftInput,
    responses(
        (status = 200, body = DraftAnswer), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/anytime/conversations/{id}/draft")]
pub async fn update(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<DraftInput>,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    Ok(Face::Anytime.wrap("conversationDraft", save(&app, by, id, body.0).await?))
}

async fn save(app: &App, by: Caller, id: ConversationId, input: DraftInput) -> Result<DraftJson> {
    let (text, files) = input.check()?;
    let draft = app.write(move |tx| draft::save(tx, &by.actor, id, &text, &files)).await?;
    Ok(DraftJson::from(draft))
}

/// Delete the draft of a conversation; its text stays among the earlier versions
#[utoipa::path(
    tag = "Drafts",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody))
)]
#[delete("/api/v3/anytime/conversations/{id}/draft")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    app.write(move |tx| draft::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
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
