//! A conversation before it is written: what was said and by whom, and everything the conversation's row
//! derives from that (contract 11): status by the automatic transitions, replies, read flags, what happened
//! when.

use serde_json::{Value, json};

use super::calendar::minutes;
use super::markup::Body;
use crate::time::Timestamp;

pub const EMAIL: i64 = 1;
pub const PORTAL: i64 = 7;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    New = 1,
    PendingInternal = 2,
    PendingExternal = 3,
    OnHold = 4,
    Closed = 5,
}

impl Status {
    const NAMES: [(&'static str, Self); 5] = [
        ("new", Self::New),
        ("pendingInternal", Self::PendingInternal),
        ("pendingExternal", Self::PendingExternal),
        ("onHold", Self::OnHold),
        ("closed", Self::Closed),
    ];

    pub fn parse(text: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(name, _)| *name == text).map(|(_, status)| *status)
    }

    fn name(self) -> &'static str {
        Self::NAMES[self as usize - 1].0
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    Contact,
    Agent(i64),
}

pub struct Attachment {
    pub name: String,
    pub content_type: &'static str,
    pub data: Vec<u8>,
}

/// How our mail fared, where its queue row is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    Sent,
    Failed,
}

pub struct Entry {
    pub at: Timestamp,
    pub by: Party,
    pub is_note: bool,
    pub body: Body,
    /// Whether the HTML is kept, as for mail written in a program that sends any.
    pub is_html: bool,
    pub is_quoting: bool,
    pub cc: String,
    pub attachments: Vec<Attachment>,
    pub delivery: Option<Delivery>,
}

pub struct Thread {
    pub subject: String,
    pub channel: i64,
    /// Place in the list of contacts.
    pub contact: usize,
    pub agent: Option<i64>,
    pub department: Option<i64>,
    pub priority: i64,
    pub tags: Vec<i64>,
    /// The status in the end.
    pub status: Status,
    pub is_unread: bool,
    pub is_deleted: bool,
    /// Whether the ledger and the queue show this conversation's mail.
    pub is_logged: bool,
    /// In order of time, and never empty.
    pub entries: Vec<Entry>,
}

/// Something that happened besides messages.
pub struct Change {
    pub at: Timestamp,
    /// `None` is the system.
    pub by: Option<Party>,
    pub kind: &'static str,
    pub detail: Value,
}

/// What the row of a conversation derives from its entries.
pub struct Derived {
    pub last_activity_at: Timestamp,
    pub last_status_change_at: Timestamp,
    pub last_replied: Option<(Timestamp, Party)>,
    pub closed: Option<(Timestamp, Party)>,
    pub last_message: String,
    pub total_replies: i64,
    pub attachment_bytes: i64,
    pub is_read_by_contact: bool,
    pub changes: Vec<Change>,
}

impl Thread {
    pub fn created_at(&self) -> Timestamp {
        self.entries[0].at
    }

    /// `now` bounds what follows the last message.
    pub fn derive(&self, now: Timestamp) -> Derived {
        let mut course = Course { status: Status::New, changed_at: self.created_at(), changes: Vec::new() };
        if let Some(agent) = self.agent {
            course.assigned(agent, self, now);
        }
        for (index, entry) in self.entries.iter().enumerate() {
            let next = match (entry.by, course.status) {
                _ if entry.is_note || index == 0 => continue,
                (Party::Agent(_), Status::New | Status::PendingInternal) => Status::PendingExternal,
                (Party::Contact, Status::PendingExternal | Status::OnHold | Status::Closed) => {
                    Status::PendingInternal
                }
                _ => continue,
            };
            course.change(next, entry.at, Some(entry.by));
        }
        let last = &self.entries[self.entries.len() - 1];
        if course.status != self.status {
            let wait = minutes(20 + (self.created_at().millis() / 1000 % 300) as u64);
            let at = last.at.plus(wait).min(now);
            course.change(self.status, at, Some(self.handler()));
        }
        let closed = (self.status == Status::Closed).then_some((course.changed_at, self.handler()));
        let spoken = || self.entries.iter().filter(|entry| !entry.is_note);
        let assigned_at = course.changes.iter().map(|change| change.at).max();
        Derived {
            last_activity_at: assigned_at.map_or(last.at, |at| at.max(last.at)),
            last_status_change_at: course.changed_at,
            last_replied: spoken().skip(1).last().map(|entry| (entry.at, entry.by)),
            closed,
            last_message: spoken().next_back().map(|entry| summary(&entry.body.plain)).unwrap_or_default(),
            total_replies: spoken().count() as i64 - 1,
            attachment_bytes: self
                .entries
                .iter()
                .flat_map(|entry| &entry.attachments)
                .map(|file| file.data.len() as i64)
                .sum(),
            // A contact sees our answer by writing again, or in the portal before it closes.
            is_read_by_contact: spoken().next_back().is_none_or(|entry| entry.by == Party::Contact)
                || (self.channel == PORTAL && self.status == Status::Closed),
            changes: course.changes,
        }
    }

    /// Who sets the last status: the assignee, or whoever of us wrote last.
    fn handler(&self) -> Party {
        let wrote = self.entries.iter().rev().map(|entry| entry.by);
        self.agent
            .map(Party::Agent)
            .or_else(|| wrote.into_iter().find(|by| *by != Party::Contact))
            .unwrap_or(Party::Contact)
    }
}

/// The status on its way through a thread.
struct Course {
    status: Status,
    changed_at: Timestamp,
    changes: Vec<Change>,
}

impl Course {
    fn change(&mut self, to: Status, at: Timestamp, by: Option<Party>) {
        self.changes.push(Change {
            at,
            by,
            kind: "statusChanged",
            detail: json!({ "oldStatus": self.status.name(), "newStatus": to.name() }),
        });
        self.status = to;
        self.changed_at = at;
    }

    /// An agent takes the conversation some minutes after it came, or just before the first thing we wrote.
    fn assigned(&mut self, agent: i64, thread: &Thread, now: Timestamp) {
        let wrote = thread.entries.iter().find(|entry| entry.by != Party::Contact);
        let soon = thread.created_at().plus(minutes(7)).min(now);
        self.changes.push(Change {
            at: wrote.map_or(soon, |entry| soon.min(entry.at)),
            by: Some(Party::Agent(agent)),
            kind: "assigneeChanged",
            detail: json!({
                "oldAgentAssigneeId": null,
                "newAgentAssigneeId": agent,
                "oldDepartmentAssigneeId": thread.department,
                "newDepartmentAssigneeId": thread.department,
            }),
        });
    }
}

/// The first 200 characters with runs of white space made one blank.
pub fn summary(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(200).collect()
}
