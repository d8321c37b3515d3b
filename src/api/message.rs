//! `/anytime/conversations/{id}/messages` (contract 11.5): the thread, and writing into it.

use actix_web::{HttpResponse, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::attachment::AttachmentJson;
use super::conversation::{changing, code};
use super::forward::time;
use super::include::{self, PartyJson};
use super::{Face, id};
use crate::app::App;
use crate::db::Snapshot;
use crate::desk::code::Status;
use crate::desk::conversation::{self, Body, Message, MessageType, NewMessage, Source, edit};
use crate::desk::{Actor, attachment, outgoing_mail};
use crate::error::{Error, Problem, Problems, Result};
use crate::html;
use crate::ids::{AgentId, ConversationId, MessageId};
use crate::time::Timestamp;
use crate::web::error::ErrorBody;
use crate::web::etag::{IfMatch, with_etag};
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json, Query};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Message)]
pub struct MessageJson {
    pub id: i64,
    conversation_id: i64,
    /// `note`, `email` or `reply`
    #[serde(rename = "type")]
    kind: &'static str,
    /// Null for a mail that came in
    source: Option<&'static str>,
    /// Sanitised
    html_body: String,
    plain_body: String,
    /// What was quoted below a mail; sanitised HTML
    quote: String,
    sender_id: Option<i64>,
    sender_type: String,
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    subject: String,
    from: String,
    to: String,
    cc: String,
    attachments: Vec<AttachmentJson>,
    mentioned_agent_ids: Vec<i64>,
    /// Of mail that we send: `sending`, `success` or `failed`
    send_status: Option<String>,
    /// The mail that this message came with
    inbound_mail_id: Option<i64>,
    /// Which key joined an incoming mail to this conversation
    matched_by: Option<String>,
    /// Came with a valid token, but from somebody who is not part of the conversation
    is_third_party: bool,
    /// When a mail of ours is to leave that waits for its time
    #[schema(value_type = Option<String>, format = DateTime)]
    send_time: Option<Timestamp>,
    /// Until when a mail of ours is sure to be taken back by `undo`
    #[schema(value_type = Option<String>, format = DateTime)]
    undo_until: Option<Timestamp>,
    /// Written by a program, an out-of-office note say: it moved neither status nor read flags
    is_automatic: bool,
    /// The message that this mail passed on to somebody else; contacts do not see it
    forward_of_id: Option<i64>,
    /// Whether the domain of the sender of an incoming mail vouches for it (`passed`), disowns it (`failed`) or neither
    /// (`unknown`), as the receiving server found out. Null where no server is trusted to tell
    sender_authentication: Option<&'static str>,
    /// The words of that server
    #[schema(example = "dkim=pass, spf=pass")]
    sender_authentication_reason: Option<String>,
    /// What looks like a trick of the sender, a sentence each
    sender_warnings: Vec<String>,
    /// When its writer last changed the note
    #[schema(value_type = Option<String>, format = DateTime)]
    edited_time: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    sender: Option<Option<PartyJson>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = MessageAnswer)]
pub struct MessageAnswer {
    message: MessageJson,
}

#[derive(Serialize, ToSchema)]
#[schema(as = MessageList)]
pub struct MessageList {
    messages: Vec<MessageJson>,
}

impl MessageJson {
    fn new(
        s: &Snapshot<'_>,
        message: Message,
        attachments: Vec<AttachmentJson>,
        sender: Option<Option<PartyJson>>,
    ) -> Result<Self> {
        let waiting = match message.send_status.as_deref() {
            Some("sending") => outgoing_mail::of_message(s, message.id)?,
            _ => None,
        };
        let (send_time, undo_until) =
            waiting.map_or((None, None), |mail| (mail.scheduled_at, mail.undo_until));
        Ok(Self {
            id: message.id.0,
            conversation_id: message.conversation_id.0,
            kind: message.kind.name(),
            source: message.source.map(Source::name),
            html_body: message.html_body,
            plain_body: message.plain_body,
            quote: message.quote,
            sender_id: message.sender_id,
            sender_type: message.sender_type,
            time: message.created_at,
            subject: message.subject,
            from: message.from_address,
            to: message.to_addresses,
            cc: message.cc_addresses,
            attachments,
            mentioned_agent_ids: message.mentioned.into_iter().map(|agent| agent.0).collect(),
            send_status: message.send_status,
            inbound_mail_id: message.inbound_mail_id.map(|id| id.0),
            matched_by: message.matched_by,
            is_third_party: message.is_third_party,
            send_time,
            undo_until,
            is_automatic: message.is_automatic,
            forward_of_id: message.forward_of_id.map(|id| id.0),
            sender_authentication: message.sender_check.result(),
            sender_authentication_reason: message.sender_check.result().map(|_| message.sender_check.said),
            sender_warnings: message.sender_check.warnings,
            edited_time: message.edited_at,
            sender,
        })
    }
}

/// A conversation's messages with their attachments, and with their senders when `include` asks for them.
pub fn of_conversation(
    s: &Snapshot<'_>,
    by: &Actor,
    now: Timestamp,
    id: ConversationId,
    includes: &[String],
) -> Result<Vec<MessageJson>> {
    let messages = conversation::message::list(s, by, id)?;
    let mut files = attachment::of_conversation(s, id)?;
    let with_sender = includes.iter().any(|name| name == "sender");
    messages
        .into_iter()
        .map(|message| {
            let own = files.extract_if(.., |file| file.message_id == Some(message.id));
            let own = own.map(AttachmentJson::from).collect();
            let sender = with_sender
                .then(|| include::party(s, now, Some((&message.sender_type, message.sender_id))))
                .transpose()?;
            MessageJson::new(s, message, own, sender)
        })
        .collect()
}

/// One message with its attachments.
pub fn with_files(s: &Snapshot<'_>, message: Message) -> Result<MessageJson> {
    let files = attachment::of_message(s, message.id)?.into_iter().map(AttachmentJson::from).collect();
    MessageJson::new(s, message, files, None)
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewMessage)]
pub struct MessageInput {
    /// `note`, `email` or `reply`
    #[serde(rename = "type")]
    #[schema(example = "note")]
    kind: String,
    /// `agentConsole` or `API` (default)
    source: Option<String>,
    /// Of a mail; default: Re: and the conversation's subject
    subject: Option<String>,
    /// One of the two bodies is required; the other one is derived
    html_body: Option<String>,
    plain_body: Option<String>,
    quote: Option<String>,
    /// One of the e-mail accounts' addresses
    from: Option<String>,
    /// Addresses separated by commas; default: the contact's
    to: Option<String>,
    cc: Option<String>,
    #[serde(default)]
    attachments: Vec<AttachmentInput>,
    /// Beside those marked in the body of a note
    #[serde(default)]
    mentioned_agent_ids: Vec<i64>,
    /// What the conversation becomes; default: by the rules
    status: Option<String>,
    /// The message that a mail answers: without `to`, the recipients follow from it
    answered_message_id: Option<i64>,
    /// Without `to`: everybody who had the message answered, not only its writer
    #[serde(default)]
    reply_all: bool,
    /// False refuses addresses that nobody here has written to or heard from; default: true
    allow_new_recipients: Option<bool>,
    /// When a mail is to leave, ISO-8601; default: now
    send_time: Option<String>,
}

/// What a message has when it is read, so that it may be sent back as it is. A request takes of it what it has fields
/// for.
const AS_READ: &[&str] = &[
    "id",
    "conversationId",
    "type",
    "source",
    "quote",
    "time",
    "senderId",
    "senderType",
    "subject",
    "from",
    "to",
    "cc",
    "attachments",
    "sendStatus",
    "inboundMailId",
    "matchedBy",
    "isThirdParty",
    "sendTime",
    "undoUntil",
    "isAutomatic",
    "forwardOfId",
    "senderAuthentication",
    "senderAuthenticationReason",
    "senderWarnings",
    "editedTime",
    "sender",
];

impl Input for MessageInput {
    const READ_ONLY: &'static [&'static str] = AS_READ;
}

/// A file by its guid; what an answer says of it beside may be sent back as it is
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AttachmentReference)]
pub struct AttachmentInput {
    pub guid: String,
    #[serde(rename = "fileName")]
    _file_name: Option<String>,
    #[serde(rename = "url")]
    _url: Option<String>,
    #[serde(rename = "isAvailable")]
    _is_available: Option<bool>,
    #[serde(rename = "size")]
    _size: Option<i64>,
    #[serde(rename = "mimetype")]
    _mimetype: Option<String>,
    #[serde(rename = "messageId")]
    _message_id: Option<i64>,
}

impl MessageInput {
    /// Checks and sanitises; `prefix` is where the message stands in the body, for naming fields.
    pub fn check(self, prefix: &str) -> Result<NewMessage> {
        let mut problems = Problems::default();
        let at = |field: &str| [prefix, field].concat();
        let kind = code(&mut problems, &at("type"), Some(&self.kind), MessageType::parse);
        let source = code(&mut problems, &at("source"), self.source.as_deref(), |text| {
            Source::parse(text).filter(|source| matches!(source, Source::AgentConsole | Source::Api))
        });
        let status = code(&mut problems, &at("status"), self.status.as_deref(), Status::parse_with_aliases);
        let body = match Body::new(self.html_body.as_deref(), self.plain_body.as_deref()) {
            Ok(body) => Some(body),
            Err(Error::Invalid(found)) => {
                for Problem { field, message } in found {
                    problems.add(at(&field), message);
                }
                None
            }
            Err(other) => return Err(other),
        };
        problems.check()?;
        let (Some(kind), Some(body)) = (kind, body) else {
            return Err(Error::internal("a problem was not told"));
        };
        Ok(NewMessage {
            subject: self.subject,
            quote: self.quote.map(|quote| html::sanitize_own(&quote)).unwrap_or_default(),
            from: self.from.filter(|from| !from.trim().is_empty()),
            to: self.to.map(|to| addresses(&to)),
            cc: self.cc.map(|cc| addresses(&cc)).unwrap_or_default(),
            attachments: self.attachments.into_iter().map(|attachment| attachment.guid).collect(),
            mentioned: self.mentioned_agent_ids.into_iter().map(AgentId).collect(),
            status,
            answers: self.answered_message_id.map(MessageId),
            answers_all: self.reply_all,
            allows_new_recipients: self.allow_new_recipients.unwrap_or(true),
            send_at: self.send_time.as_deref().map(|text| time(&at("sendTime"), text)).transpose()?,
            ..NewMessage::new(kind, source.unwrap_or(Source::Api), body)
        })
    }
}

/// Addresses separated by commas or semicolons (contract 27.2 row 36).
pub fn addresses(text: &str) -> Vec<String> {
    text.split([',', ';'])
        .map(|address| address.trim().to_owned())
        .filter(|address| !address.is_empty())
        .collect()
}

/// List the messages of a conversation, oldest first
#[utoipa::path(
    tag = "Messages",
    params(("id" = i64, Path), ("include" = Option<String>, Query, description = "sender")),
    responses((status = 200, body = MessageList))
)]
#[get("/api/v3/anytime/conversations/{id}/messages")]
pub async fn list(
    app: App,
    by: Caller,
    query: Query,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    let includes = query.includes();
    let messages = app.read(|s| {
        conversation::require(s, &by.actor, id)?;
        of_conversation(s, &by.actor, app.now(), id, &includes)
    })?;
    Ok(Face::Anytime.wrap("messages", messages))
}

/// Reply to a conversation, or write a note into it
///
/// A message of type `email` leaves through an e-mail account.
#[utoipa::path(
    tag = "Messages",
    params(("id" = i64, Path)),
    request_body = MessageInput,
    responses(
        (status = 201, body = MessageAnswer), (status = 403, body = ErrorBody),
        (status = 412, body = ErrorBody),
    )
)]
#[post("/api/v3/anytime/conversations/{id}/messages")]
pub async fn create(
    app: App,
    by: Caller,
    path: web::Path<String>,
    if_match: IfMatch,
    body: Json<MessageInput>,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    let new = body.0.check("")?;
    let (message, version) = changing(&app, if_match, by.actor, id, move |tx, by| {
        let message = conversation::reply(tx, by, id, &new)?;
        with_files(tx, message)
    })
    .await?;
    let location = format!("/api/v3/anytime/conversations/{id}/messages/{}", message.id);
    Ok(with_etag(Face::Anytime.created("message", &location, message), version))
}

/// Get a message
#[utoipa::path(
    tag = "Messages",
    params(
        ("id" = i64, Path), ("messageId" = i64, Path),
        ("include" = Option<String>, Query, description = "sender"),
    ),
    responses((status = 200, body = MessageAnswer))
)]
#[get("/api/v3/anytime/conversations/{id}/messages/{messageId}")]
pub async fn get(
    app: App,
    by: Caller,
    query: Query,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (conversation, message) = ids(&path)?;
    let with_sender = query.includes().iter().any(|name| name == "sender");
    let message = app.read(|s| {
        conversation::require(s, &by.actor, conversation)?;
        let found = conversation::message::of(s, &by.actor, conversation, message)?;
        let sender = (found.sender_type.clone(), found.sender_id);
        let mut answer = with_files(s, found)?;
        if with_sender {
            answer.sender = Some(include::party(s, app.now(), Some((&sender.0, sender.1)))?);
        }
        Ok(answer)
    })?;
    Ok(Face::Anytime.wrap("message", message))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessageChange)]
pub struct MessageChangeInput {
    /// One of the two bodies is required; the other one is derived
    html_body: Option<String>,
    plain_body: Option<String>,
    /// Beside those marked in the body; default: the ones there are
    mentioned_agent_ids: Option<Vec<i64>>,
}

impl Input for MessageChangeInput {
    const READ_ONLY: &'static [&'static str] = AS_READ;
}

/// Change an own note
///
/// What was sent to somebody cannot be changed, nor other agents' notes.
#[utoipa::path(
    tag = "Messages",
    params(("id" = i64, Path), ("messageId" = i64, Path)),
    request_body = MessageChangeInput,
    responses(
        (status = 200, body = MessageAnswer), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/anytime/conversations/{id}/messages/{messageId}")]
pub async fn update(
    app: App,
    by: Caller,
    path: web::Path<(String, String)>,
    body: Json<MessageChangeInput>,
) -> Result<HttpResponse, ApiError> {
    let (conversation, message) = ids(&path)?;
    let text = Body::new(body.0.html_body.as_deref(), body.0.plain_body.as_deref())?;
    let mentioned: Option<Vec<AgentId>> =
        body.0.mentioned_agent_ids.map(|ids| ids.into_iter().map(AgentId).collect());
    let message = app
        .write(move |tx| {
            let edited = edit::edit_note(tx, &by.actor, conversation, message, &text, mentioned.as_deref())?;
            with_files(tx, edited)
        })
        .await?;
    Ok(Face::Anytime.wrap("message", message))
}

/// Send a mail again that failed, or that waits because its account could not send
#[utoipa::path(
    tag = "Messages",
    params(("id" = i64, Path), ("messageId" = i64, Path)),
    responses(
        (status = 200, body = MessageAnswer), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It was sent, is no mail of ours, or no account can send"),
    )
)]
#[put("/api/v3/anytime/conversations/{id}/messages/{messageId}/resend")]
pub async fn resend(
    app: App,
    by: Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    let (conversation, id) = ids(&path)?;
    let message = app
        .write(move |tx| {
            conversation::editable(tx, &by.actor, conversation)?;
            conversation::message::of(tx, &by.actor, conversation, id)?;
            outgoing_mail::retry_message(tx, &by.actor, id)?;
            with_files(tx, conversation::message::require(tx, &by.actor, id)?)
        })
        .await?;
    Ok(Face::Anytime.wrap("message", message))
}

/// The conversation and the message that a path names.
pub(super) fn ids(path: &(String, String)) -> Result<(ConversationId, MessageId), ApiError> {
    Ok((id("conversation", &path.0)?, id("message", &path.1)?))
}
