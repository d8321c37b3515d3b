//! `/console/conversations/new`: an agent begins a conversation, by mail, in the portal or as a note.

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post};
use askama::Template;

use super::choice::Choices;
use super::{Layout, words};
use crate::app::App;
use crate::desk::code::{Channel, Priority, Status};
use crate::desk::contact::{self, Contact, ContactQuery};
use crate::desk::conversation::{self, Body, MessageType, NewConversation, NewMessage, Source};
use crate::desk::email_account::{self, EmailAccount};
use crate::desk::{Paging, Permission, attachment, field, is_address, kept_answer, secret};
use crate::error::{Error, Problems, Result};
use crate::ids::{AgentId, ConversationId, DepartmentId, TagId};
use crate::pages::control::{self, Control};
use crate::pages::form::Mistakes;
use crate::web::page::see_other;
use crate::web::upload::{self, Form};
use crate::web::{Page, PageError, Query, SignedIn, csrf, filters};

#[derive(Template)]
#[template(path = "console/new.html")]
struct New {
    layout: Layout,
    choices: Choices,
    accounts: Vec<EmailAccount>,
    /// Contacts that the browser offers while an address is typed; found by `who` on the server.
    contacts: Vec<Contact>,
    form: Form,
    files: Vec<(String, String)>,
    /// The site's own fields.
    controls: Vec<Control>,
    mistakes: Mistakes,
    me: AgentId,
}

impl New {
    fn is_chosen(&self, name: &str, value: &str) -> bool {
        self.form.fields.iter().any(|(key, text)| key == name && text == value)
    }
}

#[get("/console/conversations/new")]
pub async fn show(app: App, signed_in: SignedIn, query: Query) -> Result<Page<New>, PageError> {
    let mut form = Form::default();
    for name in ["to", "subject"] {
        if let Some(text) = query.text(name)? {
            form.fields.push((name.to_owned(), text.to_owned()));
        }
    }
    form.fields.push(("token".to_owned(), secret::random_guid()?));
    form.fields.push(("seen".to_owned(), app.read(conversation::newest)?.to_string()));
    form.fields.push(("kind".to_owned(), "email".to_owned()));
    form.fields.push(("status".to_owned(), Status::PendingExternal.name().to_owned()));
    form.fields.push(("priority".to_owned(), Priority::Normal.name().to_owned()));
    form.fields.push(("agent".to_owned(), signed_in.agent.id.to_string()));
    let controls =
        app.read(|s| control::controls(s, &field::own(s)?, |field| field.default_value.clone()))?;
    Ok(Page(page(&app, &signed_in, form, controls, Mistakes::default())?))
}

fn page(
    app: &App,
    signed_in: &SignedIn,
    form: Form,
    controls: Vec<Control>,
    mistakes: Mistakes,
) -> Result<New> {
    let by = &signed_in.actor;
    app.read(|s| {
        let mut files = Vec::new();
        let kept = form.fields.iter().filter(|(name, _)| name == "guid").map(|(_, guid)| guid.clone());
        for guid in kept.chain(form.guids()) {
            let file = attachment::get(s, by, &guid)?.filter(|file| file.message_id.is_none());
            files.extend(file.map(|file| (guid, file.file_name)));
        }
        let contacts = match by.require(Permission::ViewContacts) {
            Ok(()) => contact::list(s, by, &ContactQuery::default(), Paging { index: 1, size: 50 })?.items,
            Err(_) => Vec::new(),
        };
        Ok(New {
            layout: Layout::new(s, signed_in, "new")?,
            choices: Choices::new(s)?,
            accounts: email_account::list(s, false)?,
            contacts,
            files,
            controls,
            me: signed_in.agent.id,
            form,
            mistakes,
        })
    })
}

#[post("/console/conversations/new")]
pub async fn submit(
    app: App,
    signed_in: SignedIn,
    request: HttpRequest,
    multipart: Multipart,
) -> Result<HttpResponse, PageError> {
    let check = |form: &Form| csrf::check(&request, &signed_in.session, Some(form.text("csrf")));
    let mut form = upload::read(&app, &signed_in.actor, multipart, check).await?;
    match create(&app, &signed_in, &form).await {
        Ok(id) => Ok(see_other(&format!("/console/conversations/{id}"))),
        Err(error) => {
            let mut controls = app.read(|s| {
                let fields = field::own(s)?;
                let sent = control::sent(&fields, &form.fields);
                control::controls(s, &fields, |field| {
                    let value = sent.iter().find(|value| field.is_named(&value.field));
                    value.map(|value| value.value.clone()).unwrap_or_default()
                })
            })?;
            if let (Error::Conflict(_), Some((_, seen))) =
                (&error, form.fields.iter_mut().find(|(name, _)| name == "seen"))
            {
                // Who is told and sends it again means it.
                *seen = app.read(conversation::newest)?.to_string();
            }
            let mistakes = match error {
                Error::Invalid(_) => Mistakes::of(Error::Invalid(control::tell(&mut controls, error)?))?,
                other => Mistakes::of(other)?,
            };
            let page = page(&app, &signed_in, form, controls, mistakes)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

async fn create(app: &App, signed_in: &SignedIn, form: &Form) -> Result<ConversationId> {
    let (kind, channel) = match form.text("kind") {
        "portal" => (MessageType::Reply, Channel::Portal),
        "note" => (MessageType::Note, Channel::Portal),
        _ => (MessageType::Email, Channel::Email),
    };
    let mut problems = Problems::default();
    let (to, name) = named(form.text("to"));
    let is_note = kind == MessageType::Note;
    problems.require(!form.text("subject").is_empty(), "subject", "is required");
    problems.require(!form.text("body").is_empty(), "body", "is required");
    if !(is_note && to.is_empty()) {
        match to.as_str() {
            "" => problems.add("to", "is required"),
            address => {
                problems.require(is_address(address), "to", format!("'{to}' is not an e-mail address"))
            }
        }
    }
    problems.check()?;
    let text = form.text("body").to_owned();
    let html = form.text("html").to_owned();
    let body = app.compute(move || Body::new(Some(&html), Some(&text))).await??;
    let id = |name: &str| form.text(name).parse::<i64>().ok().filter(|id| *id != 0);
    let split = |name: &str| -> Vec<String> {
        form.text(name).split([',', ';']).map(|part| named(part).0).filter(|part| !part.is_empty()).collect()
    };
    let kept = form.fields.iter().filter(|(name, _)| name == "guid").map(|(_, guid)| guid.clone());
    let message = NewMessage {
        from: Some(form.text("from").to_owned())
            .filter(|from| kind == MessageType::Email && !from.is_empty()),
        to: (kind == MessageType::Email).then(|| vec![to.clone()]),
        cc: if kind == MessageType::Email { split("cc") } else { Vec::new() },
        attachments: kept.chain(form.guids()).collect(),
        ..NewMessage::new(kind, Source::AgentConsole, body)
    };
    let new = NewConversation {
        subject: form.text("subject").to_owned(),
        channel,
        contact_id: None,
        agent_assignee_id: id("agent").map(AgentId),
        department_assignee_id: id("department").map(DepartmentId),
        priority: Priority::parse(form.text("priority")),
        status: Status::parse(form.text("status")),
        tags: form
            .fields
            .iter()
            .filter(|(name, _)| name == "tag")
            .filter_map(|(_, id)| id.parse().ok().map(TagId))
            .collect(),
        message,
        fields: control::sent(&app.read(field::own)?, &form.fields),
    };
    let (by, sent) = (signed_in.actor.clone(), form.sent_by(signed_in.agent.id));
    let seen = form.text("seen").parse().ok().map(ConversationId);
    app.write(move |tx| {
        let created = kept_answer::once(tx, &sent, |tx| {
            // Writing to an address makes its contact, as a mail from it would.
            let name = Some(name.as_str()).filter(|name| !name.is_empty());
            let contact_id = match to.as_str() {
                "" => None,
                address => Some(contact::find_or_create(tx, address, name)?),
            };
            let new = NewConversation { contact_id, ..new };
            if let Some(seen) = seen {
                conversation::check_unbegun(tx, &by, &new, seen)?;
            }
            Ok(conversation::create(tx, &by, &new)?.id.0)
        })?;
        Ok(ConversationId(created))
    })
    .await
}

/// `Ann Smith <ann@example.com>` as address and name.
fn named(text: &str) -> (String, String) {
    match text.rsplit_once('<') {
        Some((name, rest)) => {
            let address = rest.trim().trim_end_matches('>').trim();
            (address.to_owned(), name.trim().trim_matches('"').to_owned())
        }
        None => (text.trim().to_owned(), String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipient_may_have_a_name() {
        assert_eq!(named("\"Ann Smith\" <ann@example.com>"), ("ann@example.com".into(), "Ann Smith".into()));
        assert_eq!(named("ann@example.com "), ("ann@example.com".into(), String::new()));
    }
}
