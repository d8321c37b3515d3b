//! What a helpdesk *is*: nouns, their SQL, their verbs, the event log. Synchronous; knows no HTTP and no sockets.
//! Each file holds one noun: its type, then reads, then verbs, then the private row mapping.

pub mod agent;
pub mod agent_permission;
pub mod allocation;
pub mod api_key;
pub mod appearance;
pub mod attachment;
pub mod audit;
pub mod availability;
pub mod blob;
pub mod blocked_sender;
pub mod bounce;
pub mod canned_message;
pub mod canned_message_category;
pub mod change;
pub mod code;
pub mod condition;
pub mod contact;
pub mod contact_password;
pub mod conversation;
pub mod decision;
pub mod department;
pub mod dkim_key;
pub mod email_account;
pub mod event;
pub mod event_log;
pub mod field;
pub mod file_check;
pub mod filter;
pub mod gone;
pub mod holiday;
pub mod ical;
pub mod identity_provider;
pub mod inbound_mail;
pub mod intake;
pub mod integration_account;
pub mod job;
pub mod junk_email;
pub mod kept_answer;
pub mod mail_budget;
pub mod mail_template;
pub mod name;
pub mod notice;
pub mod notification;
pub mod oauth_client;
pub mod oauth_grant;
pub mod order;
pub mod outgoing_mail;
pub mod password;
pub mod password_policy;
pub mod permission;
pub mod placeholder;
pub mod preference;
pub mod rehearsal;
pub mod report;
pub mod role;
pub mod routing;
pub mod rule_set;
pub mod search;
pub mod second_factor;
pub mod secret;
pub mod sender_check;
pub mod session;
pub mod shade;
pub mod sign_in;
pub mod sign_in_link;
pub mod site;
pub mod sla;
pub mod sla_policy;
pub mod tag;
pub mod trigger;
pub mod undo;
pub mod webhook;
pub mod webhook_delivery;
pub mod working_time;

use std::sync::Arc;

use rusqlite::ToSql;

use crate::error::{Error, Result};
use crate::ids::{AgentId, ContactId, EventId};
pub use crate::mail::is_address;
pub use permission::{Permission, Rights};

/// Who does something: the second argument of every verb, called `by`.
#[derive(Debug, Clone)]
pub enum Actor {
    Agent(Arc<Rights>),
    Contact(ContactId),
    System,
    /// The system, because a rule says so: events name the rule.
    Rule(Arc<Cause>),
}

/// The rule on whose behalf the system does something.
#[derive(Debug, Clone)]
pub struct Cause {
    /// `trigger`, `autoAllocation` …
    pub kind: &'static str,
    pub id: Option<i64>,
    pub name: String,
    /// What the rule was asked about, where the log tells of it.
    pub event: Option<EventId>,
    /// How many rules led here: events of depth 1 or more raise no triggers.
    pub depth: i64,
}

impl Actor {
    pub fn agent_id(&self) -> Option<AgentId> {
        match self {
            Self::Agent(rights) => Some(rights.agent_id),
            Self::Contact(_) | Self::System | Self::Rule(_) => None,
        }
    }

    /// The rule on whose behalf this happens.
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Rule(cause) => Some(cause),
            Self::Agent(_) | Self::Contact(_) | Self::System => None,
        }
    }

    /// How the contract spells the kind of actor, in `createdByType` and its relatives.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Agent(_) => "agent",
            Self::Contact(_) => "contact",
            Self::System | Self::Rule(_) => "system",
        }
    }

    /// The id that goes with `kind`; none for the system.
    pub fn id(&self) -> Option<i64> {
        match self {
            Self::Agent(rights) => Some(rights.agent_id.0),
            Self::Contact(id) => Some(id.0),
            Self::System | Self::Rule(_) => None,
        }
    }

    /// Refuses an agent without `permission`, and every contact.
    pub fn require(&self, permission: Permission) -> Result<()> {
        let is_allowed = match self {
            Self::Agent(rights) => rights.allows(permission),
            Self::Contact(_) => false,
            Self::System | Self::Rule(_) => true,
        };
        if is_allowed { Ok(()) } else { Err(Error::may_not(permission.sentence())) }
    }

    /// Refuses whoever is no administrator; `what` completes "you may not …".
    pub fn require_administrator(&self, what: &str) -> Result<()> {
        match self {
            Self::Agent(rights) if rights.is_admin => Ok(()),
            Self::System => Ok(()),
            _ => Err(Error::may_not(what)),
        }
    }
}

/// A page of a longer list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub total: i64,
}

/// Which part of a list is wanted: `index` starts at 1.
#[derive(Debug, Clone, Copy)]
pub struct Paging {
    pub index: i64,
    pub size: i64,
}

impl Default for Paging {
    fn default() -> Self {
        Self { index: 1, size: 50 }
    }
}

impl Paging {
    pub fn offset(self) -> i64 {
        (self.index - 1).saturating_mul(self.size)
    }
}

/// Trims, and refuses what is empty, too long or holds control characters: for names and subjects.
pub fn check_name(field: &str, text: &str, max_chars: usize) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid(field, "is required"));
    }
    if max_chars < text.chars().count() {
        return Err(Error::invalid(field, format!("is longer than {max_chars} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(field, "contains control characters"));
    }
    Ok(text.to_owned())
}

/// Refuses an over-long value; line breaks are fine.
pub fn check_text(field: &str, text: &str, max_chars: usize) -> Result<()> {
    if max_chars < text.chars().count() {
        return Err(Error::invalid(field, format!("is longer than {max_chars} characters")));
    }
    Ok(())
}

/// SQL `LIKE` pattern for "contains", to be used with `ESCAPE '\'`.
pub fn like(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars().take(400) {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

type Named<'a> = Vec<(&'a str, &'a dyn ToSql)>;
