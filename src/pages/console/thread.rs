//! The thread of a conversation: what was said and what happened, in order.

use std::collections::HashMap;

use super::words;
use crate::db::Snapshot;
use crate::desk::attachment::{self, Attachment};
use crate::desk::code::Status;
use crate::desk::conversation::{Conversation, Message, MessageType};
use crate::desk::event::{self, Event};
use crate::desk::outgoing_mail::{self, OutgoingMail};
use crate::desk::{agent, contact, department, site};
use crate::error::Result;
use crate::html::{from_text, to_text};
use crate::ids::{AgentId, ContactId, DepartmentId, MessageId};
use crate::pages::when::{When, Zone};
use crate::time::Timestamp;

/// What stands in the thread, in the order it happened.
pub enum Entry {
    Said(Box<Said>),
    Happened(Happened),
}

pub struct Said {
    pub message: Message,
    /// A mail that has not left: it can still be taken back, and leaves then.
    pub can_be_taken_back: bool,
    pub leaves: Option<When>,
    /// Who a note mentions.
    pub mentioned: Vec<String>,
    pub name: String,
    pub at: When,
    pub files: Vec<Attachment>,
    pub mail: Option<OutgoingMail>,
    /// Of the frame that shows a mail's HTML; `None` where the message is shown in the page.
    pub frame: Option<Frame>,
    /// Sanitised when it was written, by somebody who may write here; empty where there is only text.
    pub clean_html: String,
    pub clean_quote: String,
}

pub struct Frame {
    /// One of the numbers of lines that `base.css` has a height for.
    pub rows: usize,
    pub shows_images: bool,
}

pub struct Happened {
    pub id: i64,
    pub icon: &'static str,
    pub text: String,
    pub at: When,
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

/// The messages that the caller may see, with the events between them.
pub fn thread(
    s: &Snapshot<'_>,
    zone: &Zone,
    conversation: &Conversation,
    messages: Vec<Message>,
    images: Option<MessageId>,
    now: Timestamp,
) -> Result<Vec<Entry>> {
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

/// How many lines a mail takes, about; a frame in which no script runs cannot be measured.
fn rows(message: &Message) -> usize {
    const COLUMNS: usize = 80;
    const KNOWN: [usize; 9] = [4, 6, 8, 10, 13, 16, 20, 25, 32];
    let text: usize = message.plain_body.trim().lines().map(|line| 1 + line.chars().count() / COLUMNS).sum();
    // What their text does not tell.
    let pictures = if ["<img", "<table"].iter().any(|tag| message.html_body.contains(tag)) { 8 } else { 0 };
    KNOWN.into_iter().find(|known| text + pictures <= *known).unwrap_or(KNOWN[KNOWN.len() - 1])
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
    let frame = (is_mail_in && has_html && !message.is_simplified)
        .then(|| Frame { rows: rows(&message), shows_images: images == Some(message.id) });
    let pictures = |html: &str| -> Result<String> {
        Ok(attachment::with_signed_pictures(html, &site::picture_key(s)?, now))
    };
    let mail = match message.send_status {
        Some(_) => outgoing_mail::of_message(s, message.id)?,
        None => None,
    };
    let waits = mail.as_ref().filter(|mail| mail.state == outgoing_mail::State::Queued && mail.attempts == 0);
    let last_chance =
        waits.and_then(|mail| mail.scheduled_at.max(mail.undo_until)).filter(|until| now < *until);
    Ok(Said {
        can_be_taken_back: last_chance.is_some(),
        leaves: last_chance.map(|at| zone.long(at)),
        name: names.party(&message.sender_type, message.sender_id),
        mentioned: message.mentioned.iter().filter_map(|id| names.agents.get(id).cloned()).collect(),
        at: zone.long(message.created_at),
        files,
        mail,
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
    pub fn quote_text(&self) -> String {
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
        let mentioned = messages.iter().flat_map(|message| message.mentioned.iter().copied());
        let agents: Vec<AgentId> = agents.into_iter().chain(assigned).map(AgentId).chain(mentioned).collect();
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
            let mut named: Vec<&str> = fields
                .iter()
                .map(|field| match field.as_str().unwrap_or_default() {
                    "subject" => "the subject",
                    "contactId" => "the contact",
                    "priority" => "the priority",
                    "tagIds" => "the tags",
                    // The site's own ones.
                    _ => "the fields",
                })
                .collect();
            named.dedup();
            ("pencil", format!("{who} changed {}", named.join(" and ")))
        }
        "deleted" => ("trash-2", format!("{who} deleted this")),
        "restored" => ("rotate-ccw", format!("{who} restored this")),
        "mergedFrom" => {
            let source = event.detail["sourceId"].as_i64()?;
            ("merge", format!("{who} merged conversation #{source} into this one"))
        }
        "automated" => ("zap", event.detail["remark"].as_str()?.to_owned()),
        "snoozed" => ("alarm-clock", format!("{who} put this aside")),
        "woken" => ("alarm-clock", "It came back".to_owned()),
        "split" | "splitFrom" | "splitInto" | "messageMoved" => ("split", format!("{who} moved messages")),
        "mailUndone" => ("undo-2", format!("{who} took a mail back")),
        "remarked" => ("info", event.detail["remark"].as_str()?.to_owned()),
        "mailFailed" => {
            ("circle-alert", format!("A mail failed: {}", event.detail["error"].as_str().unwrap_or_default()))
        }
        _ => return None,
    };
    Some(Happened { id: event.id.0, icon, text, at: zone.long(event.at) })
}
