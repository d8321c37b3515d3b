//! `/portal/conversations/new`: writing to the desk.

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post};
use askama::Template;

use super::{Complaints, Frame};
use crate::app::App;
use crate::desk::conversation::portal::{self, Written};
use crate::desk::conversation::{Body, message};
use crate::error::Result;
use crate::ids::{ConversationId, MessageId};
use crate::web::page::see_other;
use crate::web::upload::{self, Form};
use crate::web::{Page, PageError, Visitor, csrf, filters};

#[derive(Template)]
#[template(path = "portal/new.html")]
struct New<'a> {
    frame: Frame,
    subject: &'a str,
    body: &'a str,
    complaints: Complaints,
}

#[get("/portal/conversations/new")]
pub async fn show(app: App, visitor: Visitor) -> Result<Page<New<'static>>, PageError> {
    let frame = Frame::new(&app, Some(&visitor), "new")?;
    Ok(Page(New { frame, subject: "", body: "", complaints: Complaints::default() }))
}

#[post("/portal/conversations/new")]
pub async fn submit(
    app: App,
    request: HttpRequest,
    visitor: Visitor,
    multipart: Multipart,
) -> Result<HttpResponse, PageError> {
    let check = |form: &Form| csrf::check(&request, &visitor.session, Some(form.text("csrf")));
    let form = upload::read(&app, &visitor.actor, multipart, check).await?;
    match open(&app, &visitor, &form).await {
        Ok((id, message)) => Ok(see_other(&format!("/portal/conversations/{id}#message-{message}"))),
        Err(error) => {
            let complaints = Complaints::of(error)?;
            let frame = Frame::new(&app, Some(&visitor), "new")?;
            let page = New { frame, subject: form.text("subject"), body: form.text("body"), complaints };
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

/// Opens the conversation and names its first message.
async fn open(app: &App, visitor: &Visitor, form: &Form) -> Result<(ConversationId, MessageId)> {
    let (subject, text, files) =
        (form.text("subject").to_owned(), form.text("body").to_owned(), form.guids());
    let body = app.compute(move || Body::new(None, Some(&text))).await??;
    let (contact, by) = (visitor.id(), visitor.actor.clone());
    app.write(move |tx| {
        let id = portal::submit(
            tx,
            contact,
            &subject,
            &Written { body: &body, attachments: &files, uploaded_by: &by },
        )?;
        let first = message::list(tx, &by, id)?.first().map(|message| message.id);
        Ok((id, first.unwrap_or(MessageId(0))))
    })
    .await
}
