//! Writing into a conversation: who it goes to and why, the shared draft, and sending what was written only when the
//! writer has seen what came in meanwhile.

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, get, post};

use super::conversation::page;
use super::list::Context;
use super::settings::Sent;
use crate::app::App;
use crate::db::{Snapshot, Tx};
use crate::desk::agent::{self, Agent};
use crate::desk::canned_message::{self, CannedMessage, CannedMessageQuery};
use crate::desk::code::{Channel, Status};
use crate::desk::conversation::draft::{self, DraftText};
use crate::desk::conversation::forward::Forward;
use crate::desk::conversation::recipient::{self, Recipient};
use crate::desk::conversation::{self, Body, Conversation, MessageType, NewMessage, Source, message};
use crate::desk::email_account::{self, EmailAccount};
use crate::desk::placeholder::{self, Reader, Scene};
use crate::desk::preference::{self, AfterSend};
use crate::desk::{Actor, attachment, kept_answer, secret};
use crate::error::{Error, Result};
use crate::ids::{AgentId, CannedMessageId, ConversationId, MessageId};
use crate::pages::form::Mistakes;
use crate::pages::when::{When, Zone};
use crate::time::Timestamp;
use crate::web::page::see_other;
use crate::web::upload::{self, Form};
use crate::web::{Page, PageError, Query, SignedIn, csrf};

/// What is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    #[default]
    Reply,
    All,
    Forward,
    Note,
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::All => "all",
            Self::Forward => "forward",
            Self::Note => "note",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Reply, Self::All, Self::Forward, Self::Note].into_iter().find(|mode| mode.name() == text)
    }
}

/// What stands in the composer.
#[derive(Default)]
pub struct Written {
    pub mode: Mode,
    pub from: String,
    pub to: String,
    pub cc: String,
    pub subject: String,
    pub body: String,
    /// The same with its marks, for the editor; empty where it was written as plain text.
    pub html: String,
    pub status: String,
    /// Uploads that are stored already: guid and name.
    pub files: Vec<(String, String)>,
    /// Who saved the shared draft that stands here, and when.
    pub kept: Option<(String, When)>,
    /// How many earlier texts of it there are.
    pub earlier: usize,
    pub offers: Vec<Offer>,
    pub people: Vec<Recipient>,
    pub accounts: Vec<EmailAccount>,
    pub canned: Vec<CannedMessage>,
    /// The form comes back: what the browser kept of it is not yet sent.
    pub is_refused: bool,
    pub send_at: String,
    pub allows_new: bool,
    /// Of this page: what it shows is sent once.
    pub token: String,
}

/// A way to answer by mail, with the addresses it begins with.
pub struct Offer {
    pub mode: Mode,
    pub name: &'static str,
    pub icon: &'static str,
    pub to: String,
    pub cc: String,
    pub subject: String,
}

impl Written {
    /// The shared draft, or an empty answer: from the account that the conversation came to, to the contact, and then
    /// the contact's turn.
    pub fn fresh(
        s: &Snapshot<'_>,
        signed_in: &SignedIn,
        conversation: &Conversation,
        mode: Option<Mode>,
    ) -> Result<Self> {
        let mut written = Self::empty(s, &signed_in.actor, conversation)?;
        written.earlier = draft::versions(s, &signed_in.actor, conversation.id)?.len();
        if conversation.is_editable
            && let Some(kept) = draft::get(s, &signed_in.actor, conversation.id)?
        {
            let who = agent::names(s, &[kept.saved_by_id])?.remove(&kept.saved_by_id).unwrap_or_default();
            written.kept = Some((who, Zone::of_agent(signed_in).long(kept.saved_at)));
            written.body = kept.text.body.plain;
            written.html = kept.text.body.html;
            written.files = kept.files.into_iter().map(|file| (file.guid, file.file_name)).collect();
            written.subject = kept.text.subject;
            let keep = |own: &mut String, kept: String| {
                if !kept.is_empty() {
                    *own = kept;
                }
            };
            keep(&mut written.from, kept.text.from);
            keep(&mut written.to, kept.text.to);
            written.cc = kept.text.cc;
        }
        if let Some(mode) = mode {
            written.turn(mode);
        }
        Ok(written)
    }

    fn empty(s: &Snapshot<'_>, by: &Actor, conversation: &Conversation) -> Result<Self> {
        let accounts = email_account::list(s, false)?;
        let canned = canned_message::list(s, by, &CannedMessageQuery::default())?;
        let own = accounts.iter().find(|account| Some(account.id) == conversation.email_account_id);
        let from = own.map(|account| account.email.clone()).unwrap_or_default();
        let (offers, people) = match conversation.channel {
            Channel::Email => offers(s, by, conversation)?,
            _ => (Vec::new(), Vec::new()),
        };
        let mut written = Self {
            from,
            status: Status::PendingExternal.name().to_owned(),
            offers,
            people,
            accounts,
            canned,
            token: secret::random_guid()?,
            ..Self::default()
        };
        written.turn(Mode::Reply);
        Ok(written)
    }

    /// Another way to answer; what was typed stays.
    fn turn(&mut self, mode: Mode) {
        self.mode = mode;
        if let Some(offer) = self.offers.iter().find(|offer| offer.mode == mode) {
            (self.to, self.cc, self.subject) = (offer.to.clone(), offer.cc.clone(), offer.subject.clone());
            let next = if mode == Mode::Forward { "keep" } else { Status::PendingExternal.name() };
            next.clone_into(&mut self.status);
        }
    }

    pub fn is_note(&self) -> bool {
        self.mode == Mode::Note
    }
}

/// The ways to answer by mail, and everybody they name.
fn offers(s: &Snapshot<'_>, by: &Actor, conversation: &Conversation) -> Result<(Vec<Offer>, Vec<Recipient>)> {
    let alone = recipient::suggest(s, by, conversation.id, None, false)?;
    let all = recipient::suggest(s, by, conversation.id, None, true)?;
    let addresses = |people: &[Recipient], is_cc: bool| {
        let chosen = people.iter().filter(|person| person.is_cc == is_cc);
        chosen.map(|person| person.address.as_str()).collect::<Vec<_>>().join(", ")
    };
    let answer = |mode, name, icon, people: &[Recipient]| Offer {
        mode,
        name,
        icon,
        to: addresses(people, false),
        cc: addresses(people, true),
        subject: String::new(),
    };
    let mut offers = vec![answer(Mode::Reply, "Reply", "reply", &alone)];
    if alone.len() < all.len() {
        offers.push(answer(Mode::All, "Reply all", "reply-all", &all));
    }
    offers.push(Offer {
        mode: Mode::Forward,
        name: "Forward",
        icon: "forward",
        to: String::new(),
        cc: String::new(),
        subject: ["Fwd: ", &conversation.subject].concat(),
    });
    Ok((offers, all))
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
    if let Some(mode) = Mode::parse(form.text("turn")) {
        return again(&app, &signed_in, &conversation, &form, Mistakes::default(), Some(mode));
    }
    if !form.text("insert").is_empty() {
        return again(&app, &signed_in, &conversation, &form, Mistakes::default(), None);
    }
    match send(&app, &signed_in, &conversation, &form).await {
        Ok(message) => Ok(see_other(&next_stop(&app, &signed_in, id, message, &form).await?)),
        Err(error) => again(&app, &signed_in, &conversation, &form, Mistakes::of(error)?, None),
    }
}

async fn send(
    app: &App,
    signed_in: &SignedIn,
    conversation: &Conversation,
    form: &Form,
) -> Result<MessageId> {
    let (id, by) = (conversation.id, signed_in.actor.clone());
    let new = new_message(app, signed_in, conversation, form).await?;
    let seen: Option<i64> = form.text("seen").parse().ok();
    let sent = form.sent_by(signed_in.agent.id);
    // A note may cross what others write.
    let is_note = new.kind == MessageType::Note;
    if new.kind == MessageType::Email && form.text("mode") == Mode::Forward.name() {
        return forward(app, signed_in, conversation, form, new).await;
    }
    app.write(move |tx| {
        let message = kept_answer::once(tx, &sent, |tx| {
            check_seen(tx, &by, id, seen, is_note)?;
            Ok(conversation::reply(tx, &by, id, &new)?.id.0)
        })?;
        Ok(MessageId(message))
    })
    .await
}

/// Passes the last message that is not a note on, with its files.
async fn forward(
    app: &App,
    signed_in: &SignedIn,
    conversation: &Conversation,
    form: &Form,
    new: NewMessage,
) -> Result<MessageId> {
    let (id, by) = (conversation.id, signed_in.actor.clone());
    let last = app.read(|s| message::last(s, &by, id))?.map(|message| message.id);
    let text = form.text("body").to_owned();
    let body = match text.is_empty() {
        true => Body::default(),
        false => new.body,
    };
    let to = new.to.unwrap_or_default();
    let message = last.ok_or_else(|| Error::Conflict("there is nothing to forward yet".to_owned()))?;
    let forward = Forward {
        message,
        source: new.source,
        to,
        cc: new.cc,
        from: new.from,
        subject: new.subject,
        body,
        attachments: new.attachments,
        carries_files: true,
        allows_new_recipients: new.allows_new_recipients,
        send_at: new.send_at,
    };
    let (sent, seen) = (form.sent_by(signed_in.agent.id), form.text("seen").parse().ok());
    app.write(move |tx| {
        let message = kept_answer::once(tx, &sent, |tx| {
            check_seen(tx, &by, id, seen, true)?;
            Ok(conversation::forward::forward(tx, &by, id, &forward)?.id.0)
        })?;
        Ok(MessageId(message))
    })
    .await
}

/// Refuses when something came in that the writer has not seen, or went out of another tab of theirs; the page that comes
/// back shows it. `only_own`: what others wrote does not matter.
fn check_seen(tx: &Tx<'_>, by: &Actor, id: ConversationId, seen: Option<i64>, only_own: bool) -> Result<()> {
    let Some(seen) = seen else { return Ok(()) };
    let own = by.agent_id().map(|id| id.0);
    let messages = message::list(tx, by, id)?;
    let unseen = messages.iter().filter(|message| seen < message.id.0);
    let (own, others): (Vec<_>, Vec<_>) =
        unseen.partition(|message| message.sender_type == "agent" && message.sender_id == own);
    match if only_own { 0 } else { others.len() } {
        0 if own.is_empty() => Ok(()),
        0 => Err(Error::Conflict(
            "You have written here since this page was opened. Your text is below: look whether it is said already, \
             then send it."
                .to_owned(),
        )),
        1 => Err(Error::Conflict(
            "Something came in while you wrote. Your text is below: read on, then send it again.".to_owned(),
        )),
        count => Err(Error::Conflict(format!(
            "{count} messages came in while you wrote. Your text is below: read on, then send it again."
        ))),
    }
}

/// Where the agent wants to go once the answer is on its way; what they choose beside the button is remembered.
async fn next_stop(
    app: &App,
    signed_in: &SignedIn,
    id: ConversationId,
    message: MessageId,
    form: &Form,
) -> Result<String> {
    let context = Context::of_form(app, &signed_in.actor, form.text("context"));
    let mut preference = app.read(|s| preference::get(s, signed_in.agent.id))?;
    let wanted = AfterSend::parse(form.text("after")).unwrap_or(preference.after_send);
    if wanted != preference.after_send {
        preference.after_send = wanted;
        let by = signed_in.actor.clone();
        app.write(move |tx| preference::set(tx, &by, &preference)).await?;
    }
    let next = form.text("next").parse().ok().map(ConversationId);
    Ok(match (wanted, next) {
        // After a note one goes on with the conversation.
        _ if form.text("type") == "note" => format!("{}#message-{message}", context.href(id)),
        (AfterSend::Next, Some(next)) => context.href(next),
        (AfterSend::Next | AfterSend::Back, _) => context.list_href(),
        (AfterSend::Stay, _) => format!("{}#message-{message}", context.href(id)),
    })
}

/// The page with the form as it was sent.
fn again(
    app: &App,
    signed_in: &SignedIn,
    conversation: &Conversation,
    form: &Form,
    mistakes: Mistakes,
    mode: Option<Mode>,
) -> Result<HttpResponse, PageError> {
    let mut written = app.read(|s| Written::empty(s, &signed_in.actor, conversation))?;
    let is_refused = !mistakes.is_empty();
    let text = |name: &str| form.text(name).to_owned();
    written.mode = if form.text("type") == "note" { Mode::Note } else { Mode::Reply };
    if written.mode != Mode::Note {
        written.mode = Mode::parse(form.text("mode")).unwrap_or_default();
        (written.from, written.to, written.cc) = (text("from"), text("to"), text("cc"));
        (written.subject, written.status) = (text("subject"), text("status"));
        written.send_at = text("sendAt");
        written.allows_new = form.text("allowNew") == "on";
    }
    written.body = text("body");
    written.html = text("html");
    written.files = files(app, &signed_in.actor, form)?;
    written.is_refused = true;
    written.token = text("token");
    if let Some(mode) = mode {
        written.turn(mode);
    }
    if let Ok(canned) = form.text("insert").parse() {
        let text = resolved(app, signed_in, conversation.id, CannedMessageId(canned))?;
        let gap = if written.body.is_empty() { "" } else { "\n\n" };
        written.body = [&written.body, gap, text.as_str()].concat();
        written.html.clear();
    }
    let query = Query::parse(form.text("context"))?;
    let page = page(app, signed_in, conversation.id, query, Some((written, mistakes)))?;
    Ok(Page(page).with_status(if is_refused { StatusCode::BAD_REQUEST } else { StatusCode::OK }))
}

/// A canned message as plain text, its dynamic values put in.
fn resolved(app: &App, signed_in: &SignedIn, id: ConversationId, canned: CannedMessageId) -> Result<String> {
    let now = app.now();
    app.read(|s| {
        conversation::require(s, &signed_in.actor, id)?;
        let canned = canned_message::require(s, &signed_in.actor, canned)?;
        let agent = Some(signed_in.agent.clone());
        let Some(scene) = Scene::of(s, id, None, agent, app.base_url(), now)? else {
            return Ok(String::new());
        };
        let reader = Reader::contact(&scene.site);
        Ok(scene.fill(canned.text(), placeholder::Form::Text, &reader))
    })
}

/// The text of a canned message, for inserting it where the caret is.
#[get("/console/conversations/{id:\\d+}/canned/{canned:\\d+}")]
pub async fn canned_text(
    app: App,
    signed_in: SignedIn,
    path: Path<(ConversationId, CannedMessageId)>,
) -> Result<HttpResponse, PageError> {
    let (id, canned) = path.into_inner();
    Ok(tell(&resolved(&app, &signed_in, id, canned)?))
}

async fn new_message(
    app: &App,
    signed_in: &SignedIn,
    conversation: &Conversation,
    form: &Form,
) -> Result<NewMessage> {
    let kind = form.text("type");
    let kind =
        MessageType::parse(kind).ok_or_else(|| Error::invalid("type", format!("has no value '{kind}'")))?;
    let text = form.text("body");
    let is_forward = kind == MessageType::Email && form.text("mode") == Mode::Forward.name();
    if text.is_empty() && !is_forward {
        return Err(Error::invalid("body", "write something first"));
    }
    let status = match (form.text("also"), form.text("status")) {
        ("close", _) => Some(Status::Closed),
        (_, "") => None,
        (_, "keep") => Some(conversation.status),
        (_, name) => Some(
            Status::parse(name).ok_or_else(|| Error::invalid("status", format!("has no value '{name}'")))?,
        ),
    };
    let addresses = |name: &str| -> Vec<String> {
        let parts = form.text(name).split([',', ';']).map(str::trim).filter(|part| !part.is_empty());
        parts.map(address_of).collect()
    };
    let to = addresses("to");
    if is_forward && to.is_empty() {
        return Err(Error::invalid("to", "write to whom it goes"));
    }
    let mentioned = match kind {
        MessageType::Note => mentioned(&app.read(agent::assignable)?, text),
        MessageType::Email | MessageType::Reply => Vec::new(),
    };
    let mail = kind == MessageType::Email;
    let plain = if text.is_empty() { "(forwarded)".to_owned() } else { text.to_owned() };
    // The editor's field beside the text; without it the text is all there is.
    let html = form.text("html").to_owned();
    let body = app.compute(move || Body::new(Some(&html), Some(&plain))).await??;
    Ok(NewMessage {
        from: Some(form.text("from").to_owned()).filter(|from| mail && !from.is_empty()),
        to: mail.then_some(to),
        cc: if mail { addresses("cc") } else { Vec::new() },
        subject: Some(form.text("subject").to_owned()).filter(|subject| mail && !subject.is_empty()),
        attachments: guids(form),
        mentioned,
        status,
        allows_new_recipients: form.text("allowNew") == "on",
        send_at: leaves_at(signed_in, form)?,
        ..NewMessage::new(kind, Source::AgentConsole, body)
    })
}

/// `Ann <ann@example.com>` is written to `ann@example.com`.
fn address_of(part: &str) -> String {
    let inside = part.rsplit_once('<').and_then(|(_, rest)| rest.trim().strip_suffix('>'));
    inside.unwrap_or(part).trim().to_owned()
}

/// When a mail is to leave, as the agent's own clock says it; `None` means now.
fn leaves_at(signed_in: &SignedIn, form: &Form) -> Result<Option<Timestamp>> {
    let text = form.text("sendAt");
    if text.is_empty() {
        return Ok(None);
    }
    Zone::of_agent(signed_in)
        .instant(text)
        .map(Some)
        .ok_or_else(|| Error::invalid("sendAt", format!("'{text}' is not a date and time")))
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

fn files(app: &App, by: &Actor, form: &Form) -> Result<Vec<(String, String)>> {
    let mut files = Vec::new();
    for guid in guids(form) {
        let file = app.read(|s| attachment::get(s, by, &guid))?;
        if let Some(file) = file.filter(|file| file.message_id.is_none()) {
            files.push((guid, file.file_name));
        }
    }
    Ok(files)
}

/// Saves the shared draft while somebody types; an empty text throws it away. Answers with what to tell the writer.
#[post("/console/conversations/{id:\\d+}/draft")]
pub async fn save_draft(app: App, id: Path<ConversationId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (id, by) = (*id, sent.signed_in.actor.clone());
    let text = |name: &str| sent.fields.text(name).to_owned();
    let body = text("body");
    if body.trim().is_empty() {
        let gone = app.write(move |tx| draft::delete(tx, &by, id)).await;
        return match gone {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(tell("")),
            Err(error) => Err(error.into()),
        };
    }
    let started = DraftText {
        subject: text("subject"),
        from: text("from"),
        to: text("to"),
        cc: text("cc"),
        ..DraftText::default()
    };
    let html = text("html");
    let written = app.compute(move || started.with_body(Some(&html), Some(&body))).await??;
    let guids = sent.fields.all("guid");
    let saved = app.write(move |tx| draft::save(tx, &by, id, &written, &guids)).await?;
    let at = Zone::of_agent(&sent.signed_in).short(saved.saved_at, app.now());
    Ok(tell(&format!("Saved {}", at.words())))
}

fn tell(text: &str) -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body(text.to_owned())
}

/// A button: the draft goes; its text stays in the history.
#[post("/console/conversations/{id:\\d+}/draft/delete")]
pub async fn discard_draft(
    app: App,
    id: Path<ConversationId>,
    sent: Sent,
) -> Result<HttpResponse, PageError> {
    let (id, by) = (*id, sent.signed_in.actor.clone());
    match app.write(move |tx| draft::delete(tx, &by, id)).await {
        Ok(()) | Err(Error::NotFound { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(see_other(&Context::of_form(&app, &sent.signed_in.actor, sent.fields.text("context")).href(id)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_stand_with_a_name() {
        assert_eq!(address_of("Ann Smith <ann@example.com>"), "ann@example.com");
        assert_eq!(address_of(" ann@example.com"), "ann@example.com");
    }
}
