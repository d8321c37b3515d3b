//! `…/messages/{messageId}/forward`, an extension: a message passed on by mail to somebody else.

use actix_web::{HttpResponse, post, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::Face;
use super::conversation::code;
use super::message::{AttachmentInput, MessageAnswer, addresses, ids, with_files};
use crate::app::App;
use crate::desk::conversation::forward::{self, Forward};
use crate::desk::conversation::{Body, Source};
use crate::error::{Error, Problems, Result, shown};
use crate::ids::MessageId;
use crate::time::Timestamp;
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ForwardInput)]
pub struct ForwardInput {
    /// Addresses separated by commas
    #[schema(example = "workshop@supplier.example")]
    to: String,
    cc: Option<String>,
    /// One of the e-mail accounts' addresses
    from: Option<String>,
    /// Default: Fwd: and the message's subject
    subject: Option<String>,
    /// What stands above the message; may be left out
    html_body: Option<String>,
    plain_body: Option<String>,
    /// Further uploads
    #[serde(default)]
    attachments: Vec<AttachmentInput>,
    /// Whether the message's own files go along; default: true
    carries_attachments: Option<bool>,
    /// `agentConsole` or `API` (default)
    source: Option<String>,
    /// False refuses addresses that nobody here has written to or heard from; default: true
    allow_new_recipients: Option<bool>,
    /// When it is to leave, ISO-8601; default: now
    send_time: Option<String>,
}

impl Input for ForwardInput {}

impl ForwardInput {
    fn check(self, message: MessageId) -> Result<Forward> {
        let mut problems = Problems::default();
        let source = code(&mut problems, "source", self.source.as_deref(), |text| {
            Source::parse(text).filter(|source| matches!(source, Source::AgentConsole | Source::Api))
        });
        problems.check()?;
        let is_written = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.trim().is_empty());
        let body = match is_written(&self.html_body) || is_written(&self.plain_body) {
            true => Body::new(self.html_body.as_deref(), self.plain_body.as_deref())?,
            false => Body::default(),
        };
        Ok(Forward {
            message,
            source: source.unwrap_or(Source::Api),
            to: addresses(&self.to),
            cc: self.cc.map(|cc| addresses(&cc)).unwrap_or_default(),
            from: self.from.filter(|from| !from.trim().is_empty()),
            subject: self.subject,
            body,
            attachments: self.attachments.into_iter().map(|file| file.guid).collect(),
            carries_files: self.carries_attachments.unwrap_or(true),
            allows_new_recipients: self.allow_new_recipients.unwrap_or(true),
            send_at: self.send_time.as_deref().map(|text| time("sendTime", text)).transpose()?,
        })
    }
}

/// An ISO-8601 time of a body.
pub(super) fn time(field: &str, text: &str) -> Result<Timestamp> {
    Timestamp::parse(text).ok_or_else(|| {
        let shown = shown(text);
        Error::invalid(field, format!("must be an ISO-8601 time, not '{shown}'"))
    })
}

/// Forward a message by mail
///
/// The mail quotes the message and carries its files. It is no reply: the status stays, and the contact sees neither the
/// mail nor what comes back.
#[utoipa::path(
    tag = "Messages",
    params(("id" = i64, Path), ("messageId" = i64, Path)),
    request_body = ForwardInput,
    responses(
        (status = 201, body = MessageAnswer), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It is a note, or the conversation is deleted"),
    )
)]
#[post("/api/v3/anytime/conversations/{id}/messages/{messageId}/forward")]
pub async fn create(
    app: App,
    by: Caller,
    path: web::Path<(String, String)>,
    body: Json<ForwardInput>,
) -> Result<HttpResponse, ApiError> {
    let (conversation, message) = ids(&path)?;
    let new = body.0.check(message)?;
    let message =
        app.write(move |tx| with_files(tx, forward::forward(tx, &by.actor, conversation, &new)?)).await?;
    let location = format!("/api/v3/anytime/conversations/{conversation}/messages/{}", message.id);
    Ok(Face::Anytime.created("message", &location, message))
}
