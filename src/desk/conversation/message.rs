//! Messages of a conversation: what was written, by whom, and how it went out.

use super::VISIBLE;
use super::Visibility;
use crate::db::{Snapshot, Tx};
use crate::desk::Actor;
use crate::desk::sender_check::SenderCheck;
use crate::error::{Error, Result};
use crate::html;
use crate::ids::{AgentId, ConversationId, InboundMailId, MessageId};
use crate::time::Timestamp;

#[derive(Debug, Clone)]
pub struct Message {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    pub kind: MessageType,
    pub source: Option<Source>,
    pub sender_type: String,
    pub sender_id: Option<i64>,
    pub subject: String,
    pub html_body: String,
    pub plain_body: String,
    pub quote: String,
    pub from_address: String,
    pub to_addresses: String,
    pub cc_addresses: String,
    pub inbound_mail_id: Option<InboundMailId>,
    /// Which key joined an incoming mail to this conversation.
    pub matched_by: Option<String>,
    pub is_third_party: bool,
    /// `sending`, `success` or `failed`, for mail we send.
    pub send_status: Option<String>,
    pub is_simplified: bool,
    pub has_remote_images: bool,
    /// Written by a program: it moved nothing.
    pub is_automatic: bool,
    /// The message that this mail passed on to somebody else.
    pub forward_of_id: Option<MessageId>,
    /// When a note was last changed by its writer.
    pub edited_at: Option<Timestamp>,
    pub sender_check: SenderCheck,
    pub created_at: Timestamp,
    pub mentioned: Vec<AgentId>,
}

macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($variant:ident $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($variant),+ }

        impl $name {
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The name in any case.
            pub fn parse(text: &str) -> Option<Self> {
                [$(Self::$variant),+].into_iter().find(|value| value.name().eq_ignore_ascii_case(text.trim()))
            }
        }
    };
}

names!(
    /// `Email` leaves or came by mail, `Reply` is written in or for the portal, `Note` is internal.
    MessageType { Note "note", Email "email", Reply "reply" }
);

names!(
    /// Where a message was written (contract 11.5).
    Source {
        AgentConsole "agentConsole",
        HelpDesk "helpDesk",
        WebForm "webForm",
        Api "API",
        Chat "chat",
        OfflineMessage "offlineMessage",
    }
);

/// A message's text in both forms, safe to store and to show. Making one sanitises: do it before the transaction.
#[derive(Debug, Clone, Default)]
pub struct Body {
    pub html: String,
    pub plain: String,
}

/// Longest body accepted, in bytes, of each form.
const LONGEST_BODY: usize = 2 << 20;

impl Body {
    /// From what an agent, a contact or an API caller wrote; the missing form is derived (contract 11.5).
    pub fn new(html_body: Option<&str>, plain_body: Option<&str>) -> Result<Self> {
        let html_body = html_body.filter(|text| !text.trim().is_empty());
        let plain_body = plain_body.filter(|text| !text.trim().is_empty());
        for (field, text) in [("htmlBody", html_body), ("plainBody", plain_body)] {
            if LONGEST_BODY < text.unwrap_or_default().len() {
                return Err(Error::invalid(field, format!("is longer than {LONGEST_BODY} bytes")));
            }
        }
        let body = match (html_body, plain_body) {
            (Some(html), Some(plain)) => {
                Self { html: html::sanitize_own(html), plain: plain.trim().to_owned() }
            }
            (Some(html), None) => {
                let html = html::sanitize_own(html);
                Self { plain: html::to_text(&html), html }
            }
            (None, Some(plain)) => {
                Self { html: html::from_text(plain.trim()), plain: plain.trim().to_owned() }
            }
            (None, None) => return Err(Error::invalid("plainBody", "or 'htmlBody' is required")),
        };
        if body.plain.trim().is_empty() && !html::has_image(&body.html) {
            return Err(Error::invalid("htmlBody", "has neither text nor a picture that may be shown"));
        }
        Ok(body)
    }
}

/// Everything a new row needs; made by the verbs of this folder and by intake.
#[derive(Debug, Clone)]
pub struct Row<'a> {
    pub kind: MessageType,
    pub source: Option<Source>,
    pub subject: &'a str,
    pub body: &'a Body,
    pub quote: &'a str,
    pub from_address: &'a str,
    pub to_addresses: &'a str,
    pub cc_addresses: &'a str,
    pub internet_message_id: Option<&'a str>,
    pub inbound_mail_id: Option<InboundMailId>,
    pub matched_by: Option<&'a str>,
    pub is_third_party: bool,
    pub send_status: Option<&'a str>,
    pub is_simplified: bool,
    pub has_remote_images: bool,
    pub is_automatic: bool,
    pub forward_of_id: Option<MessageId>,
    pub sender_check: Option<&'a SenderCheck>,
    /// `None` is now.
    pub created_at: Option<Timestamp>,
}

impl<'a> Row<'a> {
    pub fn new(kind: MessageType, source: Option<Source>, body: &'a Body) -> Self {
        Self {
            kind,
            source,
            subject: "",
            body,
            quote: "",
            from_address: "",
            to_addresses: "",
            cc_addresses: "",
            internet_message_id: None,
            inbound_mail_id: None,
            matched_by: None,
            is_third_party: false,
            send_status: None,
            is_simplified: false,
            has_remote_images: false,
            is_automatic: false,
            forward_of_id: None,
            sender_check: None,
            created_at: None,
        }
    }
}

/// A conversation's messages, oldest first; a contact gets no notes, and nothing that agents and third parties wrote to
/// each other. Empty when the caller may not see it.
pub fn list(s: &Snapshot<'_>, by: &Actor, conversation: ConversationId) -> Result<Vec<Message>> {
    select(s, by, "m.conversation_id = :id ORDER BY m.created_at, m.id", &conversation)
}

/// One message of a visible conversation.
pub fn get(s: &Snapshot<'_>, by: &Actor, id: MessageId) -> Result<Option<Message>> {
    Ok(select(s, by, "m.id = :id", &id)?.pop())
}

/// The message, or `NotFound`.
pub fn require(s: &Snapshot<'_>, by: &Actor, id: MessageId) -> Result<Message> {
    get(s, by, id)?.ok_or_else(|| Error::not_found("message", id))
}

/// The message of this conversation, or `NotFound`.
pub fn of(s: &Snapshot<'_>, by: &Actor, conversation: ConversationId, id: MessageId) -> Result<Message> {
    let message = require(s, by, id)?;
    if message.conversation_id == conversation { Ok(message) } else { Err(Error::not_found("message", id)) }
}

/// The last message of the conversation that is not a note, as far as the caller may see it.
pub fn last(s: &Snapshot<'_>, by: &Actor, conversation: ConversationId) -> Result<Option<Message>> {
    let which = "m.conversation_id = :id AND m.type <> 'note' ORDER BY m.created_at DESC, m.id DESC LIMIT 1";
    Ok(select(s, by, which, &conversation)?.pop())
}

fn select(s: &Snapshot<'_>, by: &Actor, which: &str, id: &dyn rusqlite::ToSql) -> Result<Vec<Message>> {
    let visibility = Visibility::of(by);
    let mut params = visibility.params();
    let sees_internals = !matches!(by, Actor::Contact(_));
    params.extend([(":id", id), (":sees_internals", &sees_internals as &dyn rusqlite::ToSql)]);
    s.all(
        &[
            "SELECT ",
            COLUMNS,
            " FROM message m JOIN conversation c ON c.id = m.conversation_id
              WHERE (:sees_internals
                OR (m.type <> 'note' AND m.forward_of_id IS NULL AND m.is_third_party = 0)) AND ",
            VISIBLE,
            " AND ",
            which,
        ]
        .concat(),
        params.as_slice(),
        from_row,
    )
}

/// Writes the row.
pub fn insert(tx: &Tx<'_>, by: &Actor, conversation: ConversationId, row: &Row<'_>) -> Result<MessageId> {
    tx.insert(
        "INSERT INTO message (conversation_id, type, source, sender_type, sender_id, subject, html_body, plain_body,
           quote, from_address, to_addresses, cc_addresses, internet_message_id, inbound_mail_id, matched_by,
           is_third_party, send_status, is_simplified, has_remote_images, is_automatic, forward_of_id, created_at,
           authentication, authentication_said, sender_warnings)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rusqlite::params![
            conversation,
            row.kind.name(),
            row.source.map(Source::name),
            by.kind(),
            by.id(),
            row.subject,
            row.body.html,
            row.body.plain,
            row.quote,
            row.from_address,
            row.to_addresses,
            row.cc_addresses,
            row.internet_message_id,
            row.inbound_mail_id,
            row.matched_by,
            row.is_third_party,
            row.send_status,
            row.is_simplified,
            row.has_remote_images,
            row.is_automatic,
            row.forward_of_id,
            row.created_at.unwrap_or(tx.now()),
            row.sender_check.and_then(SenderCheck::result),
            row.sender_check.map_or("", |check| &check.said),
            row.sender_check.map(SenderCheck::warning_lines).unwrap_or_default(),
        ],
    )
    .map(MessageId)
}

const COLUMNS: &str = "m.id, m.conversation_id, m.type, m.source, m.sender_type, m.sender_id, m.subject, m.html_body,
    m.plain_body, m.quote, m.from_address, m.to_addresses, m.cc_addresses, m.inbound_mail_id, m.matched_by,
    m.is_third_party, m.send_status, m.is_simplified, m.has_remote_images, m.is_automatic, m.forward_of_id,
    m.edited_at, m.created_at,
    (SELECT json_group_array(agent_id) FROM mention WHERE conversation_id = m.conversation_id AND message_id = m.id),
    m.authentication, m.authentication_said, m.sender_warnings";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Message> {
    let unknown = || rusqlite::Error::from(rusqlite::types::FromSqlError::InvalidType);
    let mentioned: Vec<i64> = serde_json::from_str(row.get_ref(23)?.as_str()?).unwrap_or_default();
    Ok(Message {
        id: row.get(0)?,
        conversation_id: row.get(1)?,
        kind: MessageType::parse(row.get_ref(2)?.as_str()?).ok_or_else(unknown)?,
        source: row.get::<_, Option<String>>(3)?.and_then(|name| Source::parse(&name)),
        sender_type: row.get(4)?,
        sender_id: row.get(5)?,
        subject: row.get(6)?,
        html_body: row.get(7)?,
        plain_body: row.get(8)?,
        quote: row.get(9)?,
        from_address: row.get(10)?,
        to_addresses: row.get(11)?,
        cc_addresses: row.get(12)?,
        inbound_mail_id: row.get(13)?,
        matched_by: row.get(14)?,
        is_third_party: row.get(15)?,
        send_status: row.get(16)?,
        is_simplified: row.get(17)?,
        has_remote_images: row.get(18)?,
        is_automatic: row.get(19)?,
        forward_of_id: row.get(20)?,
        edited_at: row.get(21)?,
        created_at: row.get(22)?,
        sender_check: SenderCheck::read(row, 24)?,
        mentioned: mentioned.into_iter().map(AgentId).collect(),
    })
}
