//! One conversation: its thread, writing into it, its properties. Looking changes nothing: read and unread are buttons.

use std::collections::HashMap;

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, get, post};
use askama::Template;

use super::{Layout, words};
use crate::app::App;
use crate::db::{Snapshot, Tx};
use crate::desk::agent::{self, Agent};
use crate::desk::attachment::{self, Attachment};
use crate::desk::code::{Channel, Priority, Status};
use crate::desk::contact::{self, Contact};
use crate::desk::conversation::{
    self, Body, Conversation, ConversationChange, ListQuery, Message, MessageType, NewMessage, Source,
    message, read_state,
};
use crate::desk::department;
use crate::desk::email_account::{self, EmailAccount};
use crate::desk::event::{self, Event};
use crate::desk::outgoing_mail::{self, OutgoingMail, State};
use crate::desk::{Actor, Paging, filter, site, tag};
use crate::error::{Error, Result};
use crate::html::{from_text, to_text};
use crate::ids::{AgentId, ContactId, ConversationId, DepartmentId, MessageId, TagId};
use crate::pages::form::Mistakes;
use crate::pages::when::{When, Zone};
use crate::time::Timestamp;
use crate::web::page::see_other;
use crate::web::upload::{self, Form};
use crate::web::{Page, PageError, Query, SignedIn, csrf, filters};

#[derive(Template)]
#[template(path = "console/conversation.html")]
struct Show {
    layout: Layout,
    back: String,
    /// This page's own address: live updates keep what it shows.
    url: String,
    conversation: Conversation,
    thread: Vec<Entry>,
    draft: Draft,
    mistakes: Mistakes,
    /// What was wrong with the properties.
    refused: Mistakes,
    accounts: Vec<EmailAccount>,
    contact: Option<Contact>,
    earlier: Vec<(Conversation, When)>,
    created: When,
    agents: Vec<(AgentId, String)>,
    departments: Vec<(DepartmentId, String)>,
    tags: Vec<(TagId, String)>,
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

/// What stands in the thread, in the order it happened.
enum Entry {
    Said(Box<Said>),
    Happened(Happened),
}

struct Said {
    message: Message,
    name: String,
    at: When,
    files: Vec<Attachment>,
    mail: Option<OutgoingMail>,
    /// Of the frame that shows a mail's HTML; `None` where the message is shown in the page.
    frame: Option<Frame>,
    /// Sanitised when it was written, by somebody who may write here; empty where there is only text.
    clean_html: String,
    clean_quote: String,
}

struct Frame {
    size: &'static str,
    shows_images: bool,
}

struct Happened {
    id: i64,
    icon: &'static str,
    text: String,
    at: When,
}

/// What was typed, when a form comes back.
#[derive(Default)]
struct Draft {
    is_note: bool,
    from: String,
    to: String,
    cc: String,
    body: String,
    status: String,
    /// Uploads that are stored already: guid and name.
    files: Vec<(String, String)>,
}

impl Entry {
    /// For putting messages and events in order.
    fn at(&self) -> &When {
        match self {
            Self::Said(said) => &said.at,
            Self::Happened(happened) => &happened.at,
        }
    }
}

#[get("/console/conversations/{id:\\d+}")]
pub async fn show(
    app: App,
    signed_in: SignedIn,
    id: Path<ConversationId>,
    query: Query,
) -> Result<Page<Show>, PageError> {
    Ok(Page(page(&app, &signed_in, *id, &query, None)?))
}

fn page(
    app: &App,
    signed_in: &SignedIn,
    id: ConversationId,
    query: &Query,
    failed: Option<(Draft, Mistakes)>,
) -> Result<Show> {
    let back = query.text("filter")?.and_then(filter::by_slug);
    let images = query.integer("images")?.map(MessageId);
    let zone = Zone::of_agent(signed_in);
    app.read(|s| {
        let conversation = conversation::require(s, &signed_in.actor, id)?;
        let contact = conversation.contact_id.map(|id| contact::get_ever(s, id)).transpose()?.flatten();
        let accounts = email_account::list(s, false)?;
        let (draft, mistakes) = match failed {
            Some(failed) => failed,
            None => (draft(&conversation, contact.as_ref(), &accounts), Mistakes::default()),
        };
        Ok(Show {
            layout: Layout::new(s, signed_in, back.map_or("", |filter| filter.slug))?,
            back: ["/console/", back.map_or("all", |filter| filter.slug)].concat(),
            url: address(id, back.map(|filter| filter.slug), images),
            thread: thread(s, &signed_in.actor, &zone, &conversation, images, app.now())?,
            earlier: earlier(s, signed_in, &zone, &conversation)?,
            created: zone.long(conversation.created_at),
            accounts,
            agents: agents(s, &conversation)?,
            departments: departments(s, &conversation)?,
            tags: tag::names(s)?,
            me: signed_in.agent.id,
            conversation,
            contact,
            draft,
            mistakes,
            refused: Mistakes::default(),
        })
    })
}

fn address(id: ConversationId, filter: Option<&str>, images: Option<MessageId>) -> String {
    let filter = filter.map(|slug| format!("filter={slug}"));
    let images = images.map(|message| format!("images={message}"));
    let query: Vec<String> = filter.into_iter().chain(images).collect();
    let mark = if query.is_empty() { "" } else { "?" };
    format!("/console/conversations/{id}{mark}{}", query.join("&"))
}

/// An empty answer: from the account that the conversation came to, to the contact, and then the contact's turn.
fn draft(conversation: &Conversation, contact: Option<&Contact>, accounts: &[EmailAccount]) -> Draft {
    let own = accounts.iter().find(|account| Some(account.id) == conversation.email_account_id);
    Draft {
        from: own.map(|account| account.email.clone()).unwrap_or_default(),
        to: contact.and_then(Contact::email).unwrap_or_default().to_owned(),
        status: Status::PendingExternal.name().to_owned(),
        ..Draft::default()
    }
}

/// Agents to choose from. Who has the conversation now is one of them even when no longer active, so that saving the
/// other properties does not take it away.
fn agents(s: &Snapshot<'_>, conversation: &Conversation) -> Result<Vec<(AgentId, String)>> {
    let active = agent::assignable(s)?.into_iter().map(|agent| (agent.id, agent.display_name));
    let mut agents: Vec<_> = active.collect();
    if let Some(id) = conversation.agent_assignee_id
        && !agents.iter().any(|(other, _)| *other == id)
    {
        agents.extend(agent::names(s, &[id])?);
    }
    Ok(agents)
}

/// Departments to choose from, and the one that the conversation is in.
fn departments(s: &Snapshot<'_>, conversation: &Conversation) -> Result<Vec<(DepartmentId, String)>> {
    let own = conversation.department_assignee_id;
    let offered =
        department::list(s)?.into_iter().filter(|found| found.is_available || Some(found.id) == own);
    Ok(offered.map(|found| (found.id, found.name)).collect())
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

fn thread(
    s: &Snapshot<'_>,
    by: &Actor,
    zone: &Zone,
    conversation: &Conversation,
    images: Option<MessageId>,
    now: Timestamp,
) -> Result<Vec<Entry>> {
    let messages = message::list(s, by, conversation.id)?;
    let events = event::of_conversation(s, conversation.id)?;
    let names = Names::of(s, &messages, &events)?;
    let mut files: HashMap<MessageId, Vec<Attachment>> = HashMap::new();
    for file in attachment::of_conversation(s, conversation.id)?.into_iter().filter(|file| !file.is_inline) {
        if let Some(message) = file.message_id {
            files.entry(message).or_default().push(file);
        }
    }
    let mut entries = Vec::with_capacity(messages.len() + events.len());
    for message in messages {
        let files = files.remove(&message.id).unwrap_or_default();
        entries.push(Entry::Said(Box::new(said(s, zone, &names, message, files, images, now)?)));
    }
    entries.extend(events.iter().filter_map(|event| happened(zone, &names, event)).map(Entry::Happened));
    entries.sort_by_key(|entry| entry.at().instant());
    Ok(entries)
}

fn said(
    s: &Snapshot<'_>,
    zone: &Zone,
    names: &Names,
    message: Message,
    files: Vec<Attachment>,
    images: Option<MessageId>,
    now: Timestamp,
) -> Result<Said> {
    let is_mail_in = message.sender_type == "contact" && message.kind == MessageType::Email;
    // A mail of text alone is shown as text, in full and in the page's own type.
    let has_html = !message.html_body.is_empty() && message.html_body != from_text(message.plain_body.trim());
    let frame = (is_mail_in && has_html && !message.is_simplified).then(|| Frame {
        size: match message.plain_body.chars().count() {
            0..=300 => "s",
            301..=1_500 => "m",
            1_501..=5_000 => "l",
            _ => "xl",
        },
        shows_images: images == Some(message.id),
    });
    let pictures = |html: &str| -> Result<String> {
        Ok(attachment::with_signed_pictures(html, &site::picture_key(s)?, now))
    };
    Ok(Said {
        name: names.party(&message.sender_type, message.sender_id),
        at: zone.long(message.created_at),
        files,
        mail: match message.send_status {
            Some(_) => outgoing_mail::of_message(s, message.id)?,
            None => None,
        },
        clean_html: if frame.is_none() && !is_mail_in {
            pictures(&message.html_body)?
        } else {
            String::new()
        },
        // Of a mail that came in, the quote is shown as text: its markup belongs into a frame.
        clean_quote: if is_mail_in { String::new() } else { pictures(&message.quote)? },
        frame,
        message,
    })
}

impl Said {
    fn quote_text(&self) -> String {
        to_text(&self.message.quote)
    }
}

/// Names of everybody in the thread, looked up together.
struct Names {
    agents: HashMap<AgentId, String>,
    contacts: HashMap<ContactId, String>,
    departments: HashMap<DepartmentId, String>,
}

impl Names {
    fn of(s: &Snapshot<'_>, messages: &[Message], events: &[Event]) -> Result<Self> {
        let said = messages.iter().map(|message| (message.sender_type.as_str(), message.sender_id));
        let did = events.iter().map(|event| (event.actor_type.as_str(), event.actor_id));
        let parties: Vec<(&str, Option<i64>)> = said.chain(did).collect();
        let of_kind =
            |kind: &str| parties.iter().filter(|party| party.0 == kind).filter_map(|party| party.1).collect();
        let agents: Vec<i64> = of_kind("agent");
        let contacts: Vec<i64> = of_kind("contact");
        let given =
            |key: &str| events.iter().filter_map(|event| event.detail[key].as_i64()).collect::<Vec<_>>();
        let assigned = [given("oldAgentAssigneeId"), given("newAgentAssigneeId")].concat();
        let agents: Vec<AgentId> = agents.into_iter().chain(assigned).map(AgentId).collect();
        let contacts: Vec<ContactId> = contacts.into_iter().map(ContactId).collect();
        Ok(Self {
            agents: agent::names(s, &agents)?,
            contacts: contact::names(s, &contacts)?,
            departments: department::list(s)?.into_iter().map(|found| (found.id, found.name)).collect(),
        })
    }

    fn party(&self, kind: &str, id: Option<i64>) -> String {
        let found = match (kind, id) {
            ("agent", Some(id)) => self.agents.get(&AgentId(id)),
            ("contact", Some(id)) => self.contacts.get(&ContactId(id)),
            _ => return "Anytime".to_owned(),
        };
        found.cloned().unwrap_or_else(|| "Somebody".to_owned())
    }
}

/// What is worth a line in the thread: not what the messages themselves show.
fn happened(zone: &Zone, names: &Names, event: &Event) -> Option<Happened> {
    let who = names.party(&event.actor_type, event.actor_id);
    let code = |key: &str| event.detail[key].as_str().and_then(Status::parse).map_or("?", words::status);
    let (icon, text) = match event.kind.as_str() {
        "statusChanged" => (
            "refresh-cw",
            format!("{who} changed the status from {} to {}", code("oldStatus"), code("newStatus")),
        ),
        "assigneeChanged" => {
            let agent = |key: &str| event.detail[key].as_i64().and_then(|id| names.agents.get(&AgentId(id)));
            let department = |key: &str| {
                event.detail[key].as_i64().and_then(|id| names.departments.get(&DepartmentId(id)))
            };
            let same_agent = event.detail["oldAgentAssigneeId"] == event.detail["newAgentAssigneeId"];
            let text = match (same_agent, agent("newAgentAssigneeId"), department("newDepartmentAssigneeId"))
            {
                (false, Some(agent), _) if *agent == who => format!("{who} took this"),
                (false, Some(agent), _) => format!("{who} assigned this to {agent}"),
                (false, None, _) => format!("{who} assigned this to nobody"),
                (true, _, Some(department)) => format!("{who} moved this to {department}"),
                (true, _, None) => format!("{who} took this out of its department"),
            };
            ("user-plus", text)
        }
        "updated" => {
            let fields = event.detail["fields"].as_array()?;
            let named: Vec<&str> = fields
                .iter()
                .filter_map(|field| match field.as_str()? {
                    "subject" => Some("the subject"),
                    "contactId" => Some("the contact"),
                    "priority" => Some("the priority"),
                    "tagIds" => Some("the tags"),
                    _ => None,
                })
                .collect();
            ("pencil", format!("{who} changed {}", named.join(" and ")))
        }
        "remarked" => ("info", event.detail["remark"].as_str()?.to_owned()),
        "mailFailed" => {
            ("circle-alert", format!("A mail failed: {}", event.detail["error"].as_str().unwrap_or_default()))
        }
        _ => return None,
    };
    Some(Happened { id: event.id.0, icon, text, at: zone.long(event.at) })
}

/// A reply, a mail or a note, with files.
#[post("/console/conversations/{id:\\d+}/reply")]
pub async fn reply(
    app: App,
    signed_in: SignedIn,
    request: HttpRequest,
    id: Path<ConversationId>,
    multipart: Multipart,
) -> Result<HttpResponse, PageError> {
    let id = *id;
    let conversation = app.read(|s| conversation::editable(s, &signed_in.actor, id))?;
    let check = |form: &Form| csrf::check(&request, &signed_in.session, Some(form.text("csrf")));
    let form = upload::read(&app, &signed_in.actor, multipart, check).await?;
    let result = match new_message(&app, &conversation, &form).await {
        Ok(new) => {
            let by = signed_in.actor.clone();
            app.write(move |tx| conversation::reply(tx, &by, id, &new)).await
        }
        Err(error) => Err(error),
    };
    match result {
        Ok(message) => Ok(see_other(&format!("/console/conversations/{id}#message-{}", message.id))),
        Err(error) => {
            let mistakes = Mistakes::of(error)?;
            let draft = returned(&app, &signed_in.actor, &form)?;
            let page = page(&app, &signed_in, id, &Query::default(), Some((draft, mistakes)))?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

async fn new_message(app: &App, conversation: &Conversation, form: &Form) -> Result<NewMessage> {
    let kind = form.text("type");
    let kind =
        MessageType::parse(kind).ok_or_else(|| Error::invalid("type", format!("has no value '{kind}'")))?;
    let text = form.text("body");
    if text.is_empty() {
        return Err(Error::invalid("body", "write something first"));
    }
    let status = match form.text("status") {
        "" => None,
        "keep" => Some(conversation.status),
        name => Some(
            Status::parse(name).ok_or_else(|| Error::invalid("status", format!("has no value '{name}'")))?,
        ),
    };
    let addresses = |name: &str| -> Vec<String> {
        let parts = form.text(name).split([',', ';']).map(str::trim).filter(|part| !part.is_empty());
        parts.map(address_of).collect()
    };
    let mentioned = match kind {
        MessageType::Note => mentioned(&app.read(agent::assignable)?, text),
        MessageType::Email | MessageType::Reply => Vec::new(),
    };
    let mail = kind == MessageType::Email;
    let plain = text.to_owned();
    let body = app.compute(move || Body::new(None, Some(&plain))).await??;
    Ok(NewMessage {
        from: Some(form.text("from").to_owned()).filter(|from| mail && !from.is_empty()),
        to: mail.then(|| addresses("to")),
        cc: if mail { addresses("cc") } else { Vec::new() },
        attachments: guids(form),
        mentioned,
        status,
        ..NewMessage::new(kind, Source::AgentConsole, body)
    })
}

/// `Ann <ann@example.com>` is written to `ann@example.com`.
fn address_of(part: &str) -> String {
    let inside = part.rsplit_once('<').and_then(|(_, rest)| rest.strip_suffix('>'));
    inside.unwrap_or(part).trim().to_owned()
}

/// Agents whom a note names as `@Ann Smith`, `@Ann` or `@ann@example.com`.
fn mentioned(agents: &[Agent], text: &str) -> Vec<AgentId> {
    let text = text.to_lowercase();
    let is_named = |name: &str| {
        let mark = ["@", &name.to_lowercase()].concat();
        !name.is_empty()
            && text.match_indices(&mark).any(|(at, _)| {
                let next = text[at + mark.len()..].chars().next();
                next.is_none_or(|next| !next.is_alphanumeric())
            })
    };
    let named = agents.iter().filter(|agent| {
        let first = agent.display_name.split_whitespace().next().unwrap_or_default();
        is_named(&agent.display_name) || is_named(first) || is_named(&agent.email)
    });
    named.map(|agent| agent.id).collect()
}

/// New uploads, and those that came back with an earlier version of the form.
fn guids(form: &Form) -> Vec<String> {
    let kept = form.fields.iter().filter(|(name, _)| name == "guid").map(|(_, guid)| guid.clone());
    kept.chain(form.guids()).collect()
}

fn returned(app: &App, by: &Actor, form: &Form) -> Result<Draft> {
    let mut files = Vec::new();
    for guid in guids(form) {
        if let Some(file) =
            app.read(|s| attachment::get(s, by, &guid))?.filter(|file| file.message_id.is_none())
        {
            files.push((guid, file.file_name));
        }
    }
    let text = |name: &str| form.text(name).to_owned();
    Ok(Draft {
        is_note: form.text("type") == "note",
        from: text("from"),
        to: text("to"),
        cc: text("cc"),
        body: text("body"),
        status: text("status"),
        files,
    })
}

/// Status, priority, assignees and tags together, as the form shows them.
#[post("/console/conversations/{id:\\d+}/properties")]
pub async fn properties(
    app: App,
    signed_in: SignedIn,
    request: HttpRequest,
    id: Path<ConversationId>,
    fields: String,
) -> Result<HttpResponse, PageError> {
    let form = Query::parse(&fields)?;
    csrf::check(&request, &signed_in.session, form.text("csrf")?)?;
    let (id, by) = (*id, signed_in.actor.clone());
    let change = chosen(&form)?;
    let result = app.write(move |tx| save(tx, &by, id, change)).await;
    match result {
        Ok(()) => after(&app, &signed_in, id),
        Err(error) => {
            let query = Query::default();
            let mut page = page(&app, &signed_in, id, &query, None)?;
            page.refused = Mistakes::of(error)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

fn chosen(form: &Query) -> Result<ConversationChange> {
    let agent = form.integer("agent")?.map(|id| Some(AgentId(id)).filter(|id| id.0 != 0));
    let department = form.integer("department")?.map(|id| Some(DepartmentId(id)).filter(|id| id.0 != 0));
    Ok(ConversationChange {
        status: form.value("status", "a status", Status::parse)?,
        priority: form.value("priority", "a priority", Priority::parse)?,
        agent_assignee_id: agent,
        department_assignee_id: department,
        tags: Some(form.all("tag").filter_map(|tag| tag.parse().ok().map(TagId)).collect()),
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
pub async fn close(
    app: App,
    signed_in: SignedIn,
    request: HttpRequest,
    id: Path<ConversationId>,
    fields: String,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &signed_in.session, Query::parse(&fields)?.text("csrf")?)?;
    let change = ConversationChange { status: Some(Status::Closed), ..ConversationChange::default() };
    let (id, by) = (*id, signed_in.actor.clone());
    app.write(move |tx| conversation::update(tx, &by, id, &change)).await?;
    after(&app, &signed_in, id)
}

fn after(app: &App, signed_in: &SignedIn, id: ConversationId) -> Result<HttpResponse, PageError> {
    let is_visible = app.read(|s| conversation::get(s, &signed_in.actor, id))?.is_some();
    // Given away to where the agent may not look: back to the list.
    Ok(see_other(&if is_visible {
        format!("/console/conversations/{id}")
    } else {
        "/console/all".to_owned()
    }))
}

#[post("/console/conversations/{id:\\d+}/read")]
pub async fn read(
    app: App,
    signed_in: SignedIn,
    request: HttpRequest,
    id: Path<ConversationId>,
    fields: String,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &signed_in.session, Query::parse(&fields)?.text("csrf")?)?;
    let (id, by) = (*id, signed_in.actor.clone());
    app.write(move |tx| read_state::mark_read(tx, &by, id)).await?;
    Ok(see_other(&format!("/console/conversations/{id}")))
}

#[post("/console/conversations/{id:\\d+}/unread")]
pub async fn unread(
    app: App,
    signed_in: SignedIn,
    request: HttpRequest,
    id: Path<ConversationId>,
    fields: String,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &signed_in.session, Query::parse(&fields)?.text("csrf")?)?;
    let (id, by) = (*id, signed_in.actor.clone());
    app.write(move |tx| read_state::mark_unread(tx, &by, id)).await?;
    Ok(see_other("/console/all"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_stand_with_a_name() {
        assert_eq!(address_of("Ann Smith <ann@example.com>"), "ann@example.com");
        assert_eq!(address_of("ann@example.com"), "ann@example.com");
    }
}
