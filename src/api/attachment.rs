//! `/attachments` (contract 9), also below `/anytime`: uploaded first, then named by guid in a message.

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, put, route, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Face;
use crate::app::App;
use crate::desk::attachment::{self, Attachment};
use crate::desk::file_check;
use crate::error::{Error, Result};
use crate::web::download::Download;
use crate::web::error::{ErrorBody, api_answer};
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json, Query, upload};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Attachment)]
pub struct AttachmentJson {
    guid: String,
    #[schema(example = "invoice.pdf")]
    file_name: String,
    /// Where the file itself is
    url: String,
    /// False while the file may not be downloaded, after a virus scan say
    is_available: bool,
    /// In bytes
    size: i64,
    #[schema(example = "application/pdf")]
    mimetype: String,
    /// Null until a message takes the file
    message_id: Option<i64>,
}

impl From<Attachment> for AttachmentJson {
    fn from(attachment: Attachment) -> Self {
        Self {
            url: ["/api/v3/attachments/", &attachment.guid, "/content"].concat(),
            guid: attachment.guid,
            file_name: attachment.file_name,
            is_available: attachment.is_available,
            size: attachment.size_bytes,
            mimetype: attachment.content_type,
            message_id: attachment.message_id.map(|id| id.0),
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = UploadAnswer)]
pub struct UploadJson {
    attachments: Vec<AttachmentJson>,
    /// The same once more, where exactly one file was sent
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    attachment: Option<AttachmentJson>,
}

/// The form of an upload.
#[derive(ToSchema)]
#[schema(as = UploadInput)]
pub struct UploadInput {
    /// One or more files
    #[expect(dead_code, reason = "describes the form, which is read as a stream")]
    #[schema(value_type = Vec<String>, format = Binary)]
    file: Vec<Vec<u8>>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AttachmentChange)]
pub struct AttachmentChangeInput {
    is_available: bool,
}

impl Input for AttachmentChangeInput {
    const READ_ONLY: &'static [&'static str] = &["guid", "fileName", "url", "size", "mimetype", "messageId"];
}

/// Upload files; they expire after a day unless a message takes them
#[utoipa::path(
    tag = "Attachments",
    request_body(content = UploadInput, content_type = "multipart/form-data"),
    responses((status = 201, body = UploadJson))
)]
#[post("/api/v3/attachments")]
pub async fn create(
    app: App,
    by: Caller,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, ApiError> {
    if !is_form(&request) {
        let message = "the body must be a form: send 'Content-Type: multipart/form-data'";
        return Ok(api_answer(StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let multipart = Multipart::new(request.headers(), payload);
    let form = upload::read(&app, &by.actor, multipart, |_| Ok(())).await?;
    let mut builder = HttpResponse::Created();
    let attachment = match form.files.as_slice() {
        [] => return Err(Error::invalid("file", "is required: send at least one file").into()),
        [one] => {
            builder.insert_header((header::LOCATION, ["/api/v3/attachments/", &one.guid].concat()));
            Some(AttachmentJson::from(one.clone()))
        }
        _ => None,
    };
    let attachments = form.files.into_iter().map(AttachmentJson::from).collect();
    Ok(builder.json(UploadJson { attachments, attachment }))
}

fn is_form(request: &HttpRequest) -> bool {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let kind = value.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("multipart/form-data")
}

/// Get what is known of an attachment
#[utoipa::path(
    tag = "Attachments",
    params(("guid" = String, Path)),
    responses((status = 200, body = AttachmentJson))
)]
#[get("/api/v3/attachments/{guid}")]
pub async fn get(
    app: App,
    by: Caller,
    face: Face,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let attachment = app.read(|s| attachment::require(s, &by.actor, &path))?;
    Ok(face.wrap("attachment", AttachmentJson::from(attachment)))
}

/// Download an attachment
#[utoipa::path(
    tag = "Attachments",
    params(
        ("guid" = String, Path),
        ("Range" = Option<String>, Header, description = "One range of bytes", example = "bytes=0-99"),
    ),
    responses(
        (status = 200, body = Vec<u8>, content_type = "*/*"),
        (status = 206, body = Vec<u8>, content_type = "*/*"), (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 416, body = ErrorBody),
    )
)]
#[route("/api/v3/attachments/{guid}/content", method = "GET", method = "HEAD")]
pub async fn content(
    app: App,
    by: Caller,
    path: web::Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let attachment = app.read(|s| attachment::require(s, &by.actor, &path))?;
    if !attachment.is_available {
        return Err(Error::not_found("available attachment", attachment.guid).into());
    }
    Ok(Download::from(attachment).answer(&app, &request))
}

/// Download a file that waits for its check, by the link that the webhook for FileUploaded was given
#[utoipa::path(
    tag = "Attachments",
    params(("guid" = String, Path), ("signature" = Option<String>, Query, description = "From `fileURL`")),
    security(()),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 206, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 401, body = ErrorBody, description = "The signature is wrong"),
        (status = 404, body = ErrorBody, description = "The file no longer waits"),
        (status = 416, body = ErrorBody),
    )
)]
#[get("/api/v3/attachments/{guid}/check")]
pub async fn check(
    app: App,
    path: web::Path<String>,
    query: Query,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let signature = query.text("signature")?.unwrap_or_default();
    let attachment = app.read(|s| file_check::waiting(s, &path, signature))?;
    Ok(Download::from(attachment).answer(&app, &request))
}

/// Say whether the file may be downloaded: the result of a virus scan
#[utoipa::path(
    tag = "Attachments",
    params(("guid" = String, Path)),
    request_body = AttachmentChangeInput,
    responses(
        (status = 200, body = AttachmentJson), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/attachments/{guid}")]
pub async fn update(
    app: App,
    by: Caller,
    face: Face,
    path: web::Path<String>,
    body: Json<AttachmentChangeInput>,
) -> Result<HttpResponse, ApiError> {
    let (guid, is_available) = (path.into_inner(), body.0.is_available);
    let attachment =
        app.write(move |tx| attachment::set_available(tx, &by.actor, &guid, is_available)).await?;
    Ok(face.wrap("attachment", AttachmentJson::from(attachment)))
}

/// Delete an attachment
#[utoipa::path(
    tag = "Attachments",
    params(("guid" = String, Path)),
    responses((status = 204), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody))
)]
#[delete("/api/v3/attachments/{guid}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let guid = path.into_inner();
    app.write(move |tx| attachment::delete(tx, &by.actor, &guid)).await?;
    Ok(HttpResponse::NoContent().finish())
}
