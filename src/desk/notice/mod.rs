//! What an agent wants to be told: a conversation became theirs, somebody mentioned them, something was written to one
//! of theirs, it is due or overdue, unread counts may have changed (contract 25.12). Open pages and programs are told
//! at once; `waiting` keeps what is to be told by mail until `mail` tells it. Nobody is told of what they did.

pub mod choice;
pub mod mail;
pub mod waiting;

use super::conversation::{self, Conversation};
use super::event::Event;
use super::{Actor, agent, contact};
use crate::db::Snapshot;
use crate::error::Result;
use crate::ids::{AgentId, ContactId, MessageId};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    AssignedToMe,
    Mentioned(MessageId),
    NewReply(MessageId),
    SlaNear,
    SlaBreached,
    /// Says nothing about which conversation.
    CountsChanged,
}

/// What the event means to an agent; nothing where it concerns a conversation that they may not see.
pub fn of(s: &Snapshot<'_>, by: &Actor, event: &Event) -> Result<Vec<Notice>> {
    let Some(me) = by.agent_id() else { return Ok(Vec::new()) };
    let id = |key: &str| event.detail[key].as_i64();
    let is_mine = event.actor_type == "agent" && event.actor_id == Some(me.0);
    let mut notices = Vec::new();
    let about = conversation::get(s, by, event.conversation_id)?;
    if let Some(about) = &about {
        let is_new =
            event.kind == "created" && about.agent_assignee_id == Some(me) && !was_reassigned(s, about)?;
        let was_given = event.kind == "assigneeChanged"
            && id("newAgentAssigneeId") == Some(me.0)
            && id("oldAgentAssigneeId") != Some(me.0);
        if (is_new || was_given) && !is_mine {
            notices.push(Notice::AssignedToMe);
        }
        if let Some(message) = id("messageId").map(MessageId) {
            let is_text = matches!(event.kind.as_str(), "created" | "noted");
            if is_text && !is_mine && is_mentioned(s, me, message)? {
                notices.push(Notice::Mentioned(message));
            }
            let is_reply = matches!(event.kind.as_str(), "received" | "replied");
            if is_reply && !is_mine && about.agent_assignee_id == Some(me) {
                notices.push(Notice::NewReply(message));
            }
        }
        if about.agent_assignee_id == Some(me) {
            match event.kind.as_str() {
                "slaNear" => notices.push(Notice::SlaNear),
                "slaBreached" => notices.push(Notice::SlaBreached),
                _ => {}
            }
        }
    }
    // Who gave a conversation away no longer sees it, but their counts are other ones now.
    let was_mine = id("oldAgentAssigneeId") == Some(me.0);
    if COUNTING.contains(&event.kind.as_str()) && (about.is_some() || was_mine) {
        notices.push(Notice::CountsChanged);
    }
    Ok(notices)
}

/// What can be switched on and off, in the order in which it is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Assigned,
    Mentioned,
    Replied,
    SlaNear,
    SlaBreached,
    /// An e-mail account could not be fetched several times in a row; for those who manage accounts.
    AccountFailing,
}

impl Kind {
    pub const ALL: [Self; 6] = [
        Self::Assigned,
        Self::Mentioned,
        Self::Replied,
        Self::SlaNear,
        Self::SlaBreached,
        Self::AccountFailing,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Assigned => "assigned",
            Self::Mentioned => "mentioned",
            Self::Replied => "replied",
            Self::SlaNear => "slaNear",
            Self::SlaBreached => "slaBreached",
            Self::AccountFailing => "accountFailing",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == text)
    }
}

impl Notice {
    /// What it is for the agent's choice, and the message it is about.
    fn kind(self) -> Option<(Kind, Option<MessageId>)> {
        match self {
            Self::AssignedToMe => Some((Kind::Assigned, None)),
            Self::Mentioned(message) => Some((Kind::Mentioned, Some(message))),
            Self::NewReply(message) => Some((Kind::Replied, Some(message))),
            Self::SlaNear => Some((Kind::SlaNear, None)),
            Self::SlaBreached => Some((Kind::SlaBreached, None)),
            Self::CountsChanged => None,
        }
    }
}

/// A notice as an open console shows it.
#[derive(Debug, Clone)]
pub struct News {
    pub kind: Kind,
    pub sentence: String,
    pub subject: String,
    pub in_page: bool,
    pub in_browser: bool,
}

/// What an event is to an agent who has the console open, as far as they want to be told there.
pub fn news(s: &Snapshot<'_>, by: &Actor, event: &Event) -> Result<Vec<News>> {
    let Some(me) = by.agent_id() else { return Ok(Vec::new()) };
    if !TELLING.contains(&event.kind.as_str()) {
        return Ok(Vec::new());
    }
    let kinds: Vec<Kind> =
        of(s, by, event)?.into_iter().filter_map(Notice::kind).map(|(kind, _)| kind).collect();
    let mut news = Vec::new();
    for kind in kinds {
        let choice = choice::of(s, me, kind)?;
        if !choice.in_page && !choice.in_browser {
            continue;
        }
        let Some(about) = conversation::get(s, by, event.conversation_id)? else { continue };
        news.push(News {
            kind,
            sentence: sentence(kind, &party(s, &event.actor_type, event.actor_id)?),
            subject: about.subject,
            in_page: choice.in_page,
            in_browser: choice.in_browser,
        });
    }
    Ok(news)
}

/// Events that can be news to somebody.
const TELLING: &[&str] =
    &["created", "assigneeChanged", "noted", "received", "replied", "slaNear", "slaBreached"];

/// A notice in a few words; `who` is whose doing it was.
fn sentence(kind: Kind, who: &str) -> String {
    match kind {
        Kind::Assigned => format!("{who} gave you a conversation"),
        Kind::Mentioned => format!("{who} mentioned you"),
        Kind::Replied => format!("{who} answered"),
        Kind::SlaNear => "Due soon".to_owned(),
        Kind::SlaBreached => "Overdue".to_owned(),
        Kind::AccountFailing => "An e-mail account fails".to_owned(),
    }
}

/// The name of whoever did something.
fn party(s: &Snapshot<'_>, kind: &str, id: Option<i64>) -> Result<String> {
    let name = match (kind, id) {
        ("agent", Some(id)) => agent::get_ever(s, AgentId(id))?.map(|agent| agent.display_name),
        ("contact", Some(id)) => contact::get_ever(s, ContactId(id))?.map(|contact| contact.name),
        _ => None,
    };
    Ok(name.unwrap_or_else(|| "Anytime".to_owned()))
}

/// Events after which a filter may hold other unread conversations than before.
const COUNTING: &[&str] = &[
    "created",
    "received",
    "replied",
    "noted",
    "read",
    "unread",
    "statusChanged",
    "assigneeChanged",
    "updated",
    "deleted",
    "restored",
    "mergedFrom",
    "mergedInto",
];

fn was_reassigned(s: &Snapshot<'_>, about: &Conversation) -> Result<bool> {
    s.exists("SELECT 1 FROM event WHERE conversation_id = ? AND kind = 'assigneeChanged' LIMIT 1", [about.id])
}

fn is_mentioned(s: &Snapshot<'_>, agent: AgentId, message: MessageId) -> Result<bool> {
    s.exists(
        "SELECT 1 FROM message m JOIN mention x ON x.conversation_id = m.conversation_id AND x.message_id = m.id
         WHERE m.id = ? AND x.agent_id = ?",
        (message, agent),
    )
}
