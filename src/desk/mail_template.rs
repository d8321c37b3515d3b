//! The texts of mails that leave by themselves: the acknowledgement of a new conversation, and the news of an answer in
//! the portal. A site may change them, with placeholders (contract 16.6); untouched, the product's own text is used.
//!
//! Whoever writes to us may have forged their address. So the acknowledgement carries nothing that they chose, and an
//! address gets one a day: the desk cannot be made to send somebody's text to somebody else.

use std::time::Duration;

use super::placeholder::{Form, Reader, Scene};
use super::{Actor, Permission, check_name, check_text};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Problems, Result, shown};
use crate::html;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// To a contact who opened a conversation. Off until a site wants it.
    Acknowledgement,
    /// To a contact whom an agent answered in the portal.
    PortalReply,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::Acknowledgement, Self::PortalReply];

    pub fn name(self) -> &'static str {
        match self {
            Self::Acknowledgement => "acknowledgement",
            Self::PortalReply => "portalReply",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(text.trim()))
    }

    /// The placeholders that its text may hold.
    pub fn placeholders(self) -> &'static [&'static str] {
        match self {
            Self::Acknowledgement => &[
                "Site.Name",
                "Site.Website",
                "Conversation.Id",
                "Conversation.Portal URL",
                "Conversation.Date Created",
                "Conversation.Department Assignee",
                "Conversation.Agent Assignee",
            ],
            Self::PortalReply => &[
                "Site.Name",
                "Site.Website",
                "Conversation.Id",
                "Conversation.Subject",
                "Conversation.Status",
                "Conversation.Portal URL",
                "Conversation.Department Assignee",
                "Conversation.Agent Assignee",
                "Contact.Name",
                "Agent.Name",
            ],
        }
    }

    fn default(self) -> MailTemplate {
        let (subject, text) = match self {
            Self::Acknowledgement => (
                "We have received your message [#{!Conversation.Id}]",
                "Hello,\n\nthank you for your message. We have received it and will answer as soon as we can. \
                 Its number is {!Conversation.Id}.\n\n{!Site.Name}",
            ),
            Self::PortalReply => (
                "An answer from {!Site.Name}",
                "Hello {!Contact.Name},\n\nthere is an answer in your conversation \"{!Conversation.Subject}\".\n\
                 Read it here:\n\n{!Conversation.Portal URL}\n\n{!Site.Name}",
            ),
        };
        MailTemplate {
            kind: self,
            is_enabled: self == Self::PortalReply,
            is_changed: false,
            subject: subject.to_owned(),
            html_body: html::from_text(text),
            text_body: text.to_owned(),
        }
    }
}

#[derive(Debug, Clone)]
pub struct MailTemplate {
    pub kind: Kind,
    pub is_enabled: bool,
    /// Whether a site changed the product's own text or switch.
    pub is_changed: bool,
    pub subject: String,
    /// Clean HTML.
    pub html_body: String,
    pub text_body: String,
}

/// What may be changed; `None` leaves a property alone. A changed text without HTML becomes the HTML, too.
#[derive(Debug, Clone, Default)]
pub struct MailTemplateChange {
    pub is_enabled: Option<bool>,
    pub subject: Option<String>,
    /// Sanitised already.
    pub html_body: Option<String>,
    pub text_body: Option<String>,
}

/// A mail with every value put in.
#[derive(Debug, Clone)]
pub struct Filled {
    pub subject: String,
    pub html: String,
    pub text: String,
}

/// All of them. Needs `manageSettings`.
pub fn list(s: &Snapshot<'_>, by: &Actor) -> Result<Vec<MailTemplate>> {
    by.require(Permission::ManageSettings)?;
    Kind::ALL.into_iter().map(|kind| get(s, kind)).collect()
}

pub fn get(s: &Snapshot<'_>, kind: Kind) -> Result<MailTemplate> {
    let stored = s.one(
        "SELECT is_enabled, subject, html_body, text_body FROM mail_template WHERE kind = ?",
        [kind.name()],
        |row| {
            Ok(MailTemplate {
                kind,
                is_enabled: row.get(0)?,
                is_changed: true,
                subject: row.get(1)?,
                html_body: row.get(2)?,
                text_body: row.get(3)?,
            })
        },
    )?;
    Ok(stored.unwrap_or_else(|| kind.default()))
}

pub fn update(tx: &Tx<'_>, by: &Actor, kind: Kind, change: &MailTemplateChange) -> Result<MailTemplate> {
    by.require(Permission::ManageSettings)?;
    let before = get(tx, kind)?;
    let subject = change.subject.as_deref().map(|subject| check_name("subject", subject, 200)).transpose()?;
    let mut problems = Problems::default();
    for (field, text) in
        [("subject", &subject), ("htmlBody", &change.html_body), ("textBody", &change.text_body)]
    {
        let Some(text) = text else { continue };
        check_text(field, text, 50_000)?;
        problems.require(!text.trim().is_empty(), field, "is required");
        for name in strangers(kind, text) {
            problems.add(field, format!("holds {{!{name}}}, which this mail may not carry"));
        }
    }
    problems.check()?;
    let text_body = change.text_body.clone().unwrap_or(before.text_body);
    let html_body = match (&change.html_body, &change.text_body) {
        (Some(html), _) => html.clone(),
        (None, Some(text)) => html::from_text(text),
        (None, None) => before.html_body,
    };
    tx.run(
        "INSERT INTO mail_template (kind, is_enabled, subject, html_body, text_body) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET is_enabled = ?2, subject = ?3, html_body = ?4, text_body = ?5",
        (
            kind.name(),
            change.is_enabled.unwrap_or(before.is_enabled),
            subject.unwrap_or(before.subject),
            html_body,
            text_body,
        ),
    )?;
    get(tx, kind)
}

/// Back to the product's own text and switch.
pub fn reset(tx: &Tx<'_>, by: &Actor, kind: Kind) -> Result<()> {
    by.require(Permission::ManageSettings)?;
    tx.run("DELETE FROM mail_template WHERE kind = ?", [kind.name()])?;
    Ok(())
}

impl MailTemplate {
    /// For a contact, in the site's time zone.
    pub fn fill(&self, scene: &Scene) -> Filled {
        let reader = Reader::contact(&scene.site);
        Filled {
            subject: scene.fill(&self.subject, Form::Line, &reader),
            html: scene.fill(&self.html_body, Form::Html, &reader),
            text: scene.fill(&self.text_body, Form::Text, &reader),
        }
    }
}

/// Placeholders of a text that are not the kind's.
fn strangers(kind: Kind, text: &str) -> Vec<&str> {
    let squeeze = |name: &str| -> String {
        name.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
    };
    let is_known = |name: &str| kind.placeholders().iter().any(|known| squeeze(known) == squeeze(name));
    let names = text.split("{!").skip(1).map(|rest| rest.split('}').next().unwrap_or_default());
    names.filter(|name| !is_known(name)).map(|name| &name[..name.len().min(60)]).collect()
}

/// How long an address gets no second acknowledgement.
const QUIET: Duration = Duration::from_secs(24 * 3600);

/// Takes an address's acknowledgement of the day; `false` when it had one.
pub fn claim_acknowledgement(tx: &Tx<'_>, address: &str) -> Result<bool> {
    let claimed = tx.run(
        "INSERT INTO acknowledgement (address, sent_at) VALUES (?1, ?2)
         ON CONFLICT DO UPDATE SET sent_at = ?2 WHERE sent_at <= ?3",
        (address, tx.now(), tx.now().minus(QUIET)),
    )?;
    Ok(claimed == 1)
}

/// Forgets who was acknowledged long ago.
pub fn sweep(tx: &Tx<'_>) -> Result<usize> {
    tx.run("DELETE FROM acknowledgement WHERE sent_at < ?", [tx.now().minus(QUIET)])
}

/// The kind of a name, or `NotFound`.
pub fn kind(name: &str) -> Result<Kind> {
    Kind::parse(name).ok_or_else(|| Error::not_found("mail template", shown(name)))
}
