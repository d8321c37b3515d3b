//! `/anytime/mailTemplates`, an extension: the texts of mails that leave by themselves.

use actix_web::{HttpResponse, delete, get, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Face;
use crate::app::App;
use crate::desk::Permission;
use crate::desk::mail_template::{self, MailTemplate, MailTemplateChange};
use crate::error::Result;
use crate::html;
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MailTemplate)]
pub struct MailTemplateJson {
    /// `acknowledgement` or `portalReply`
    #[serde(rename = "type")]
    kind: &'static str,
    is_enabled: bool,
    /// Whether it differs from the product's own
    is_changed: bool,
    #[schema(example = "We have received your message [#{!Conversation.Id}]")]
    subject: String,
    /// Sanitised
    html_body: String,
    text_body: String,
    /// What may stand in subject and bodies as `{!Name}`
    placeholders: &'static [&'static str],
}

impl From<MailTemplate> for MailTemplateJson {
    fn from(template: MailTemplate) -> Self {
        Self {
            kind: template.kind.name(),
            is_enabled: template.is_enabled,
            is_changed: template.is_changed,
            subject: template.subject,
            html_body: template.html_body,
            text_body: template.text_body,
            placeholders: template.kind.placeholders(),
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MailTemplateList)]
pub struct MailTemplateList {
    mail_templates: Vec<MailTemplateJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MailTemplateAnswer)]
pub struct MailTemplateAnswer {
    mail_template: MailTemplateJson,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MailTemplateChange)]
pub struct MailTemplateInput {
    is_enabled: Option<bool>,
    subject: Option<String>,
    html_body: Option<String>,
    /// Without `htmlBody` it becomes the HTML, too
    text_body: Option<String>,
}

impl Input for MailTemplateInput {
    const READ_ONLY: &'static [&'static str] = &["type", "isChanged", "placeholders"];
}

/// List the texts of automatic mails
#[utoipa::path(
    tag = "Mail templates",
    responses((status = 200, body = MailTemplateList), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/mailTemplates")]
pub async fn list(app: App, by: Caller) -> Result<HttpResponse, ApiError> {
    let found = app.read(|s| mail_template::list(s, &by.actor))?;
    Ok(Face::Anytime.wrap("mailTemplates", found.into_iter().map(MailTemplateJson::from).collect::<Vec<_>>()))
}

/// Get the text of an automatic mail
#[utoipa::path(
    tag = "Mail templates",
    params(("type" = String, Path, description = "acknowledgement or portalReply")),
    responses((status = 200, body = MailTemplateAnswer), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/mailTemplates/{type}")]
pub async fn get(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    by.actor.require(Permission::ManageSettings)?;
    let kind = mail_template::kind(&path)?;
    let found = app.read(|s| mail_template::get(s, kind))?;
    Ok(Face::Anytime.wrap("mailTemplate", MailTemplateJson::from(found)))
}

/// Change the text of an automatic mail, or switch it on or off
///
/// An acknowledgement carries nothing that the sender chose: other placeholders are refused.
#[utoipa::path(
    tag = "Mail templates",
    params(("type" = String, Path, description = "acknowledgement or portalReply")),
    request_body = MailTemplateInput,
    responses((status = 200, body = MailTemplateAnswer), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/mailTemplates/{type}")]
pub async fn update(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<MailTemplateInput>,
) -> Result<HttpResponse, ApiError> {
    by.actor.require(Permission::ManageSettings)?;
    let kind = mail_template::kind(&path)?;
    let change = MailTemplateChange {
        is_enabled: body.0.is_enabled,
        subject: body.0.subject,
        html_body: body.0.html_body.map(|text| html::sanitize_own(&text)),
        text_body: body.0.text_body,
    };
    let changed = app.write(move |tx| mail_template::update(tx, &by.actor, kind, &change)).await?;
    Ok(Face::Anytime.wrap("mailTemplate", MailTemplateJson::from(changed)))
}

/// Go back to the product's own text
#[utoipa::path(
    tag = "Mail templates",
    params(("type" = String, Path, description = "acknowledgement or portalReply")),
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[delete("/api/v3/anytime/mailTemplates/{type}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    by.actor.require(Permission::ManageSettings)?;
    let kind = mail_template::kind(&path)?;
    app.write(move |tx| mail_template::reset(tx, &by.actor, kind)).await?;
    Ok(HttpResponse::NoContent().finish())
}
