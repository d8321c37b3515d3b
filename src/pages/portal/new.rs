//! `/portal/conversations/new`: writing to the desk.

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post};
use askama::Template;

use super::{Complaints, Frame};
use crate::app::App;
use crate::db::Snapshot;
use crate::desk::conversation::portal::{self, Written};
use crate::desk::conversation::{Body, message};
use crate::desk::field::{self, Field};
use crate::error::{Error, Result};
use crate::ids::{ConversationId, MessageId};
use crate::language::Language;
use crate::pages::control::{self, Control, controls};
use crate::web::page::see_other;
use crate::web::upload::{self, Form};
use crate::web::{Page, PageError, Visitor, csrf, filters};

#[derive(Template)]
#[template(path = "portal/new.html")]
struct New<'a> {
    frame: Frame,
    subject: &'a str,
    body: &'a str,
    /// The site's own fields that must be filled in.
    controls: Vec<Control>,
    complaints: Complaints,
}

#[get("/portal/conversations/new")]
pub async fn show(app: App, language: Language, visitor: Visitor) -> Result<Page<New<'static>>, PageError> {
    let frame = Frame::new(&app, language, Some(&visitor), "new")?;
    let controls = app.read(|s| controls(s, &asked(s)?, |field| field.default_value.clone()))?;
    Ok(Page(New { frame, subject: "", body: "", controls, complaints: Complaints::default() }))
}

#[post("/portal/conversations/new")]
pub async fn submit(
    app: App,
    language: Language,
    request: HttpRequest,
    visitor: Visitor,
    multipart: Multipart,
) -> Result<HttpResponse, PageError> {
    let check = |form: &Form| csrf::check(&request, &visitor.session, Some(form.text("csrf")));
    let form = upload::read(&app, &visitor.actor, multipart, check).await?;
    if !form.text("website").is_empty() {
        // No person sees this field. A program is told what it wants to hear.
        return Ok(see_other(super::home::REQUESTS));
    }
    match open(&app, &visitor, &form).await {
        Ok((id, message)) => Ok(see_other(&format!("/portal/conversations/{id}#message-{message}"))),
        Err(error) => {
            let mut controls = app.read(|s| {
                let fields = asked(s)?;
                let sent = control::sent(&fields, &form.fields);
                controls(s, &fields, |field| {
                    let value = sent.iter().find(|value| field.is_named(&value.field));
                    value.map(|value| value.value.clone()).unwrap_or_default()
                })
            })?;
            let complaints = match error {
                Error::Invalid(_) => Complaints::of(Error::Invalid(control::tell(&mut controls, error)?))?,
                other => Complaints::of(other)?,
            };
            for control in &mut controls {
                let told = control.problem.take();
                control.problem = told.map(|message| super::in_words(&message, language.words()).to_owned());
            }
            let frame = Frame::new(&app, language, Some(&visitor), "new")?;
            let page =
                New { frame, subject: form.text("subject"), body: form.text("body"), controls, complaints };
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

/// The fields that a customer must fill in.
fn asked(s: &Snapshot<'_>) -> Result<Vec<Field>> {
    Ok(field::own(s)?.into_iter().filter(|field| field.is_required).collect())
}

/// Opens the conversation and names its first message.
async fn open(app: &App, visitor: &Visitor, form: &Form) -> Result<(ConversationId, MessageId)> {
    let (subject, text, files) =
        (form.text("subject").to_owned(), form.text("body").to_owned(), form.guids());
    let body = app.compute(move || Body::new(None, Some(&text))).await??;
    let (contact, by, sent) = (visitor.id(), visitor.actor.clone(), form.fields.clone());
    app.write(move |tx| {
        let fields = control::sent(&asked(tx)?, &sent);
        let id = portal::submit(
            tx,
            contact,
            &subject,
            &Written { body: &body, attachments: &files, uploaded_by: &by },
            &fields,
        )?;
        let first = message::list(tx, &by, id)?.first().map(|message| message.id);
        Ok((id, first.unwrap_or(MessageId(0))))
    })
    .await
}
