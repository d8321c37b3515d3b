//! A contact's conversations: the list, one with its messages, and what may be done with it. Looking changes nothing:
//! an answer becomes read by writing back or by its button.

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;
use serde::Deserialize;

use super::{Complaints, Frame};
use crate::app::App;
use crate::db::{Snapshot, Tx};
use crate::desk::attachment::{self, Attachment};
use crate::desk::code::Status;
use crate::desk::conversation::portal::{self, Written};
use crate::desk::conversation::{self, Body, Conversation, Message, message, read_state};
use crate::desk::{Actor, agent};
use crate::error::{Error, Result};
use crate::html;
use crate::ids::{AgentId, ContactId, ConversationId, MessageId};
use crate::language::{Language, Words};
use crate::time::Timestamp;
use crate::web::page::see_other;
use crate::web::upload::{self, Form};
use crate::web::{Page, PageError, Visitor, csrf, filters};

#[derive(Template)]
#[template(path = "portal/conversations.html")]
struct List {
    frame: Frame,
    asks: Vec<Ask>,
}

/// One of the contact's conversations.
struct Ask {
    conversation: Conversation,
    state: State,
    /// How it goes on, in one line; nothing of what others sent in.
    last: String,
    /// Of the last message.
    at: Timestamp,
}

/// A status as it concerns the contact: class of the badge, and words.
struct State {
    class: &'static str,
    name: &'static str,
}

impl State {
    fn of(status: Status, words: &'static Words) -> Self {
        match status {
            Status::New | Status::PendingInternal | Status::OnHold => {
                Self { class: "badge-amber", name: words.waiting_for_us }
            }
            Status::PendingExternal => Self { class: "badge-blue", name: words.waiting_for_you },
            Status::Closed => Self { class: "status-closed", name: words.closed },
        }
    }
}

impl Ask {
    fn new(conversation: Conversation, contact: ContactId, words: &'static Words) -> Self {
        let last = match &conversation.last_replied_by {
            Some(party) if party.kind == "agent" => [words.we, " ", &conversation.last_message].concat(),
            Some(party) if party.id == Some(contact.0) => {
                [words.you_said, " ", &conversation.last_message].concat()
            }
            _ => String::new(),
        };
        let at = conversation.last_replied_at.unwrap_or(conversation.created_at);
        Self { state: State::of(conversation.status, words), last, at, conversation }
    }
}

#[get("/portal/conversations")]
pub async fn list(app: App, language: Language, visitor: Visitor) -> Result<Page<List>, PageError> {
    let found = app.read(|s| portal::list(s, visitor.id()))?;
    let asks = found
        .into_iter()
        .map(|conversation| Ask::new(conversation, visitor.id(), language.words()))
        .collect();
    Ok(Page(List { frame: Frame::new(&app, language, Some(&visitor), "requests")?, asks }))
}

#[derive(Template)]
#[template(path = "portal/conversation.html")]
struct Show<'a> {
    frame: Frame,
    conversation: Conversation,
    state: State,
    talk: Vec<Talk>,
    text: &'a str,
    complaints: Complaints,
}

/// A message as the contact sees it.
struct Talk {
    message: Message,
    is_mine: bool,
    name: String,
    /// Escaped, with links: the only markup of a message that is shown here.
    clean_body: String,
    files: Vec<Attachment>,
}

impl Talk {
    fn new(s: &Snapshot<'_>, visitor: &Visitor, site: &str, message: Message) -> Result<Self> {
        let agent = match (message.sender_type.as_str(), message.sender_id) {
            ("agent", Some(id)) => agent::get_ever(s, AgentId(id))?,
            _ => None,
        };
        let is_mine = message.sender_type == "contact";
        let name = match agent {
            Some(agent) => agent.display_name,
            None if is_mine => visitor.contact.name.clone(),
            None => site.to_owned(),
        };
        Ok(Self {
            is_mine,
            name,
            clean_body: html::from_text(&message.plain_body),
            files: attachment::of_message(s, message.id)?,
            message,
        })
    }
}

impl<'a> Show<'a> {
    fn new(
        app: &App,
        language: Language,
        visitor: &Visitor,
        id: ConversationId,
        text: &'a str,
        complaints: Complaints,
    ) -> Result<Self> {
        let frame = Frame::new(app, language, Some(visitor), "")?;
        let (conversation, talk) = app.read(|s| {
            let conversation = conversation::require(s, &visitor.actor, id)?;
            let messages = message::list(s, &visitor.actor, id)?.into_iter();
            // What a stranger sent to this conversation is for agents to judge.
            let own = messages.filter(|message| !message.is_third_party);
            let talk = own.map(|message| Talk::new(s, visitor, &frame.site, message));
            Ok((conversation, talk.collect::<Result<_>>()?))
        })?;
        Ok(Self {
            state: State::of(conversation.status, frame.words),
            frame,
            conversation,
            talk,
            text,
            complaints,
        })
    }
}

/// The id of a path; what is no number is as unknown as a number that is not there.
fn known(id: &str) -> Result<ConversationId> {
    id.parse().map_err(|_| Error::not_found("conversation", id))
}

#[get("/portal/conversations/{id}")]
pub async fn show(
    app: App,
    language: Language,
    visitor: Visitor,
    id: web::Path<String>,
) -> Result<Page<Show<'static>>, PageError> {
    Ok(Page(Show::new(&app, language, &visitor, known(&id)?, "", Complaints::default())?))
}

#[post("/portal/conversations/{id}")]
pub async fn answer(
    app: App,
    language: Language,
    request: HttpRequest,
    visitor: Visitor,
    id: web::Path<String>,
    multipart: Multipart,
) -> Result<HttpResponse, PageError> {
    let id = known(&id)?;
    app.read(|s| conversation::require(s, &visitor.actor, id))?;
    let check = |form: &Form| csrf::check(&request, &visitor.session, Some(form.text("csrf")));
    let form = upload::read(&app, &visitor.actor, multipart, check).await?;
    match write(&app, &visitor, id, &form).await {
        Ok(message) => Ok(see_other(&format!("/portal/conversations/{id}#message-{message}"))),
        Err(error) => {
            let page = Show::new(&app, language, &visitor, id, form.text("body"), Complaints::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

async fn write(app: &App, visitor: &Visitor, id: ConversationId, form: &Form) -> Result<MessageId> {
    let (contact, text, files) = (visitor.id(), form.text("body").to_owned(), form.guids());
    let body = app.compute(move || Body::new(None, Some(&text))).await??;
    let uploaded_by = visitor.actor.clone();
    app.write(move |tx| {
        let written = Written { body: &body, attachments: &files, uploaded_by: &uploaded_by };
        portal::answer(tx, contact, id, &written)
    })
    .await
}

#[derive(Deserialize)]
pub struct Secret {
    csrf: String,
}

/// A form that is only a button.
struct Press {
    app: App,
    request: HttpRequest,
    visitor: Visitor,
    id: web::Path<String>,
    form: web::Form<Secret>,
}

impl Press {
    async fn run(
        self,
        verb: impl FnOnce(&Tx<'_>, ContactId, ConversationId) -> Result<()> + Send + 'static,
    ) -> Result<HttpResponse, PageError> {
        csrf::check(&self.request, &self.visitor.session, Some(&self.form.csrf))?;
        let (id, contact) = (known(&self.id)?, self.visitor.id());
        self.app.write(move |tx| verb(tx, contact, id)).await?;
        Ok(see_other(&format!("/portal/conversations/{id}")))
    }
}

macro_rules! press {
    ($name:ident, $path:literal, $verb:expr) => {
        #[post($path)]
        pub async fn $name(
            app: App,
            request: HttpRequest,
            visitor: Visitor,
            id: web::Path<String>,
            form: web::Form<Secret>,
        ) -> Result<HttpResponse, PageError> {
            Press { app, request, visitor, id, form }.run($verb).await
        }
    };
}

press!(close, "/portal/conversations/{id}/close", portal::close);
press!(reopen, "/portal/conversations/{id}/reopen", portal::reopen);
press!(mark_read, "/portal/conversations/{id}/read", |tx, contact, id| {
    read_state::mark_read(tx, &Actor::Contact(contact), id)
});
press!(mark_unread, "/portal/conversations/{id}/unread", |tx, contact, id| {
    read_state::mark_unread(tx, &Actor::Contact(contact), id)
});
