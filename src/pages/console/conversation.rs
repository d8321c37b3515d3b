//! One conversation beside the list it was opened from: its thread, writing into it (`compose`), its properties.
//! Looking changes nothing: read and unread are buttons.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{HttpResponse, get, post};
use askama::Template;

use super::choice::Choices;
use super::compose::{self, Written};
use super::due::{Clock, Due};
use super::list::{COUNTED, Context, Pane};
use super::settings::Sent;
use super::thread::{self, Entry};
use super::{Layout, inbox, words};
use crate::app::App;
use crate::db::{Snapshot, Tx};
use crate::desk::attachment;
use crate::desk::code::{Channel, Priority, Status};
use crate::desk::contact::{self, Contact};
use crate::desk::conversation::{
    self, Conversation, ConversationChange, ListQuery, MessageType, message, presence,
};
use crate::desk::outgoing_mail::State;
use crate::desk::preference::AfterSend;
use crate::desk::undo::{self, Action, Undo};
use crate::desk::{Actor, Paging, field};
use crate::error::Result;
use crate::ids::{AgentId, ConversationId, DepartmentId, MessageId, TagId};
use crate::pages::control::{self, Control};
use crate::pages::form::Mistakes;
use crate::pages::when::{When, Zone};
use crate::web::auth::local_path;
use crate::web::page::see_other;
use crate::web::{Page, PageError, Query, SignedIn, filters};

#[derive(Template)]
#[template(path = "console/conversation.html")]
pub struct Show {
    layout: Layout,
    pane: Pane,
    choices: Choices,
    done: Option<Undo>,
    /// This page's own address: live updates keep what it shows.
    url: String,
    conversation: Conversation,
    thread: Vec<Entry>,
    /// The newest message: sending says that the writer has seen it.
    seen: i64,
    written: Written,
    mistakes: Mistakes,
    /// What was wrong with the properties.
    refused: Mistakes,
    contact: Option<Contact>,
    earlier: Vec<(Conversation, When)>,
    others: Vec<presence::Presence>,
    created: When,
    /// Until when it is put aside; `None` waits for the contact.
    aside_until: Option<When>,
    due: Option<Due>,
    /// The site's own fields.
    controls: Vec<Control>,
    me: AgentId,
}

impl Show {
    fn is_assigned_to(&self, agent: AgentId) -> bool {
        self.conversation.agent_assignee_id == Some(agent)
    }

    fn is_in(&self, department: DepartmentId) -> bool {
        self.conversation.department_assignee_id == Some(department)
    }
}

#[get("/console/conversations/{id:\\d+}")]
pub async fn show(
    app: App,
    signed_in: SignedIn,
    id: Path<ConversationId>,
    query: Query,
) -> Result<Page<Show>, PageError> {
    Ok(Page(page(&app, &signed_in, *id, query, None)?))
}

/// The page; `again` is a form that comes back.
pub fn page(
    app: &App,
    signed_in: &SignedIn,
    id: ConversationId,
    query: Query,
    again: Option<(Written, Mistakes)>,
) -> Result<Show> {
    let images = query.integer("images")?.map(MessageId);
    let done = query.integer("done")?;
    let mode = query.value("compose", "reply, all, forward or note", compose::Mode::parse)?;
    let zone = Zone::of_agent(signed_in);
    let now = app.now();
    app.read(|s| {
        let by = &signed_in.actor;
        let context = Context::of_conversation(s, by, query);
        let conversation = conversation::require(s, by, id)?;
        let contact = conversation.contact_id.map(|id| contact::get_ever(s, id)).transpose()?.flatten();
        let messages = message::list(s, by, id)?;
        let (written, mistakes) = match again {
            Some(again) => again,
            None => (Written::fresh(s, signed_in, &conversation, mode)?, Mistakes::default()),
        };
        let mut others = presence::of_conversations(s, &[id], now)?;
        others.retain(|present| present.agent_id != signed_in.agent.id);
        let images_text = images.map(|message| format!("&images={message}")).unwrap_or_default();
        Ok(Show {
            layout: Layout::new(s, signed_in, context.which.mark())?,
            url: [&context.href(id), images_text.as_str()].concat(),
            pane: Pane::new(s, signed_in, context, Some(id), now)?,
            choices: Choices::of(s, &conversation)?,
            done: done.map(|id| undo::get(s, by, id)).transpose()?.flatten(),
            seen: messages.iter().map(|message| message.id.0).max().unwrap_or_default(),
            thread: thread::thread(s, &zone, &conversation, messages, images, now)?,
            earlier: earlier(s, signed_in, &zone, &conversation)?,
            created: zone.long(conversation.created_at),
            controls: control::controls(s, &field::own(s)?, |field| {
                let value = conversation.fields.iter().find(|value| value.field_id == field.id);
                value.map(|value| value.text.clone()).unwrap_or_default()
            })?,
            due: Clock::new(s)?.due(&conversation, &zone, now),
            aside_until: conversation.snooze.as_ref().and_then(|aside| aside.until).map(|at| zone.long(at)),
            others,
            me: signed_in.agent.id,
            conversation,
            contact,
            written,
            mistakes,
            refused: Mistakes::default(),
        })
    })
}

/// Other conversations of the same contact that the agent may see.
fn earlier(
    s: &Snapshot<'_>,
    signed_in: &SignedIn,
    zone: &Zone,
    conversation: &Conversation,
) -> Result<Vec<(Conversation, When)>> {
    let Some(contact) = conversation.contact_id else { return Ok(Vec::new()) };
    let query = ListQuery {
        contact: Some(contact),
        paging: Paging { index: 1, size: 6 },
        count_limit: Some(1),
        ..ListQuery::default()
    };
    let found = conversation::list(s, &signed_in.actor, &query)?.items.into_iter();
    let others = found.filter(|other| other.id != conversation.id);
    Ok(others
        .map(|other| (zone.day(other.last_replied_at.unwrap_or(other.created_at)), other))
        .map(|(at, c)| (c, at))
        .collect())
}

/// Subject, status, priority, assignees and tags together, as the form shows them.
#[post("/console/conversations/{id:\\d+}/properties")]
pub async fn properties(app: App, id: Path<ConversationId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (id, by) = (*id, sent.signed_in.actor.clone());
    let context = sent.fields.text("context").to_owned();
    let own = app.read(field::own)?;
    let fields = control::sent(&own, sent.fields.pairs());
    let result = match chosen(&sent) {
        // The form has a field `fields` beside the site's own: without it, they were not shown.
        Ok(change) if sent.fields.is_checked("fields") => {
            app.write(move |tx| save(tx, &by, id, ConversationChange { fields, ..change })).await
        }
        Ok(change) => app.write(move |tx| save(tx, &by, id, change)).await,
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => after(&app, &sent.signed_in, id, &Context::of_form(&app, &sent.signed_in.actor, &context)),
        Err(error) => {
            let mut page = page(&app, &sent.signed_in, id, Query::parse(&context)?, None)?;
            page.refused = Mistakes::of(error)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

fn chosen(sent: &Sent) -> Result<ConversationChange> {
    let form = &sent.fields;
    let wrong =
        |name: &str| crate::error::Error::invalid(name, format!("has no value '{}'", form.text(name)));
    let id =
        |name: &str| form.filled(name).map(|text| text.parse::<i64>().map_err(|_| wrong(name))).transpose();
    let status = form.filled("status").map(|name| Status::parse(&name).ok_or_else(|| wrong("status")));
    let priority =
        form.filled("priority").map(|name| Priority::parse(&name).ok_or_else(|| wrong("priority")));
    Ok(ConversationChange {
        subject: form.filled("subject"),
        status: status.transpose()?,
        priority: priority.transpose()?,
        agent_assignee_id: id("agent")?.map(|id| Some(AgentId(id)).filter(|id| id.0 != 0)),
        department_assignee_id: id("department")?.map(|id| Some(DepartmentId(id)).filter(|id| id.0 != 0)),
        // The form has a field `tags` beside its boxes: without any checked, all were taken off.
        tags: form.is_checked("tags").then(|| form.ids("tag").map(TagId).collect()),
        ..ConversationChange::default()
    })
}

/// The form sends everything. An assignee who stays is left alone: they need not be active any more.
fn save(tx: &Tx<'_>, by: &Actor, id: ConversationId, mut change: ConversationChange) -> Result<()> {
    let before = conversation::require(tx, by, id)?;
    if change.agent_assignee_id == Some(before.agent_assignee_id) {
        change.agent_assignee_id = None;
    }
    if change.department_assignee_id == Some(before.department_assignee_id) {
        change.department_assignee_id = None;
    }
    conversation::update(tx, by, id, &change).map(|_| ())
}

/// One click: closed.
#[post("/console/conversations/{id:\\d+}/close")]
pub async fn close(app: App, id: Path<ConversationId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let change = ConversationChange { status: Some(Status::Closed), ..ConversationChange::default() };
    press(&app, &sent, *id, change, "closed").await
}

#[post("/console/conversations/{id:\\d+}/read")]
pub async fn read(app: App, id: Path<ConversationId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let change = ConversationChange { is_read: Some(true), ..ConversationChange::default() };
    press(&app, &sent, *id, change, "marked as read").await
}

#[post("/console/conversations/{id:\\d+}/unread")]
pub async fn unread(app: App, id: Path<ConversationId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let change = ConversationChange { is_read: Some(false), ..ConversationChange::default() };
    press(&app, &sent, *id, change, "marked as unread").await
}

/// Moves it to the recycle bin and goes on to the next one of the list.
#[post("/console/conversations/{id:\\d+}/delete")]
pub async fn delete(app: App, id: Path<ConversationId>, sent: Sent) -> Result<HttpResponse, PageError> {
    app.read(|s| conversation::editable(s, &sent.signed_in.actor, *id))?;
    let action = Action { deletes: true, ..Action::default() };
    let done = inbox::act(&app, &sent.signed_in, vec![*id], action, "deleted").await?;
    let context = Context::of_form(&app, &sent.signed_in.actor, sent.fields.text("context"));
    Ok(see_other(&inbox::with_done(&context.list_href(), done)))
}

/// A button that changes one thing, which can be taken back.
async fn press(
    app: &App,
    sent: &Sent,
    id: ConversationId,
    change: ConversationChange,
    verb: &'static str,
) -> Result<HttpResponse, PageError> {
    app.read(|s| conversation::editable(s, &sent.signed_in.actor, id))?;
    let action = Action { change, ..Action::default() };
    let done = inbox::act(app, &sent.signed_in, vec![id], action, verb).await?;
    let context = Context::of_form(app, &sent.signed_in.actor, sent.fields.text("context"));
    let to = local_path(sent.fields.filled("back").as_deref(), &context.href(id)).to_owned();
    Ok(see_other(&inbox::with_done(&to, done)))
}

/// Back to the conversation, or to the list when it was given away to where the agent may not look.
pub fn after(
    app: &App,
    signed_in: &SignedIn,
    id: ConversationId,
    context: &Context,
) -> Result<HttpResponse, PageError> {
    let is_visible = app.read(|s| conversation::get(s, &signed_in.actor, id))?.is_some();
    Ok(see_other(&if is_visible { context.href(id) } else { context.list_href() }))
}
