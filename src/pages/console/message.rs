//! A message's own pages: a mail's HTML in its frame, its files, and sending it again.

use actix_web::http::header;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, get, post};
use askama::Template;

use super::Layout;
use crate::app::App;
use crate::desk::conversation::{Message, message};
use crate::desk::{Actor, attachment, blob, inbound_mail, outgoing_mail, site};
use crate::error::Error;
use crate::html;
use crate::ids::{InboundMailId, MessageId};
use crate::web::download::Download;
use crate::web::page::{mail_frame, see_other};
use crate::web::{Page, PageError, Query, SignedIn, csrf, filters};

/// The frame is sandboxed: no script, no cookies for what it loads, nothing but our own pictures unless asked for.
#[get("/console/messages/{id:\\d+}/body")]
pub async fn show_body(
    app: App,
    signed_in: SignedIn,
    id: Path<MessageId>,
    query: Query,
) -> Result<HttpResponse, PageError> {
    let shows_images = query.boolean("images")?.unwrap_or(false);
    let now = app.now();
    let clean_body = app.read(|s| {
        let message = message::require(s, &signed_in.actor, *id)?;
        let signed = attachment::with_signed_pictures(&message.html_body, &site::picture_key(s)?, now);
        Ok(if shows_images { html::with_remote_images(&signed) } else { signed })
    })?;
    let pictures = if shows_images { "'self' data: https: http:" } else { "'self' data:" };
    Ok(mail_frame(clean_body, pictures))
}

#[derive(Template)]
#[template(path = "console/original.html")]
struct Original {
    layout: Layout,
    message: Message,
    head: String,
    is_cut: bool,
}

/// Header lines shown at most.
const HEAD_BYTES: usize = 64 << 10;

/// The mail as it came: its header as text, and all of it as a file.
#[get("/console/messages/{id:\\d+}/original")]
pub async fn original(
    app: App,
    signed_in: SignedIn,
    id: Path<MessageId>,
) -> Result<Page<Original>, PageError> {
    let (message, bytes) = app.read(|s| {
        let message = message::require(s, &signed_in.actor, *id)?;
        let (blob, _) = inbound_mail::raw_blob(s, &Actor::System, raw_of(&message)?)?;
        Ok((message, blob::chunk(s, blob, 0)?.unwrap_or_default()))
    })?;
    let bytes = &bytes[..bytes.len().min(HEAD_BYTES)];
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    let head = text.split_once("\n\n").map_or(text.as_str(), |(head, _)| head).to_owned();
    let is_cut = head.len() == text.len() && bytes.len() == HEAD_BYTES;
    let layout = app.read(|s| Layout::new(s, &signed_in, ""))?;
    Ok(Page(Original { layout, message, head, is_cut }))
}

#[get("/console/messages/{id:\\d+}/original.eml")]
pub async fn original_file(
    app: App,
    signed_in: SignedIn,
    request: HttpRequest,
    id: Path<MessageId>,
) -> Result<HttpResponse, PageError> {
    let (blob_id, size_bytes) = app.read(|s| {
        let message = message::require(s, &signed_in.actor, *id)?;
        inbound_mail::raw_blob(s, &Actor::System, raw_of(&message)?)
    })?;
    let file = Download {
        blob_id,
        size_bytes,
        content_type: "message/rfc822".to_owned(),
        file_name: format!("message-{id}.eml"),
    };
    Ok(file.answer(&app, &request))
}

fn raw_of(message: &Message) -> Result<InboundMailId, Error> {
    message.inbound_mail_id.ok_or_else(|| Error::not_found("original of message", message.id))
}

/// A picture of a mail, for the frame, which has no cookies: the URL itself is the right to see it.
#[get("/inline/{guid}/{day}/{signature}")]
pub async fn picture(
    app: App,
    request: HttpRequest,
    path: Path<(String, i64, String)>,
) -> Result<HttpResponse, PageError> {
    let (guid, day, signature) = path.into_inner();
    let now = app.now();
    let file =
        app.read(|s| attachment::signed_picture(s, &site::picture_key(s)?, &guid, day, &signature, now))?;
    let file = file.ok_or_else(|| Error::not_found("picture", guid))?;
    let mut answer = Download::from(file).answer(&app, &request);
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_DISPOSITION, header::HeaderValue::from_static("inline"));
    // The sandboxed frame is another origin than ours.
    let anybody = header::HeaderValue::from_static("cross-origin");
    headers.insert(header::HeaderName::from_static("cross-origin-resource-policy"), anybody);
    Ok(answer)
}

#[get("/console/attachments/{guid}")]
pub async fn download(
    app: App,
    signed_in: SignedIn,
    request: HttpRequest,
    guid: Path<String>,
) -> Result<HttpResponse, PageError> {
    let file = app.read(|s| attachment::require(s, &signed_in.actor, &guid))?;
    if !file.is_available {
        return Err(Error::not_found("attachment", guid).into());
    }
    Ok(Download::from(file).answer(&app, &request))
}

/// Sends a failed or held mail again.
#[post("/console/messages/{id:\\d+}/retry")]
pub async fn retry(
    app: App,
    signed_in: SignedIn,
    request: HttpRequest,
    id: Path<MessageId>,
    fields: String,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &signed_in.session, Query::parse(&fields)?.text("csrf")?)?;
    let (id, by) = (*id, signed_in.actor.clone());
    let mail = app.write(move |tx| outgoing_mail::retry_message(tx, &by, id)).await?;
    let conversation = mail.conversation_id.map(|id| id.to_string()).unwrap_or_default();
    Ok(see_other(&format!("/console/conversations/{conversation}#message-{id}")))
}
