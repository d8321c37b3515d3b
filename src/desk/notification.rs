//! Telling contacts by mail that their conversation arrived, and that an agent answered in the portal. A reader of the
//! event log: each is told of once, also across a crash, because the mail is queued in the transaction that moves the
//! cursor.

use std::time::Duration;

use askama::Template;

use super::agent;
use super::contact::{self, Contact};
use super::conversation::MessageType;
use super::event::Event;
use super::mail_template::{self, Filled, Kind};
use super::outgoing_mail::{enqueue_automatic, is_own_address, render};
use super::placeholder::Scene;
use super::sender_check;
use super::shade::{self, Shades};
use crate::db::Tx;
use crate::error::Result;
use crate::ids::{AgentId, MessageId};
use crate::language::{Language, Words, fill};

pub const CONSUMER: &str = "notification";

#[derive(Template)]
#[template(path = "mail/portal_reply.txt")]
struct PortalReplyText<'a> {
    site: &'a str,
    words: &'a Words,
    hello: &'a str,
    about: &'a str,
    link: &'a str,
}

#[derive(Template)]
#[template(path = "mail/portal_reply.html")]
struct PortalReplyHtml<'a> {
    site: &'a str,
    language: Language,
    words: &'a Words,
    hello: &'a str,
    about: &'a str,
    link: &'a str,
    look: &'a Shades,
}

/// The frame around a template's text.
#[derive(Template)]
#[template(path = "mail/notice.html")]
struct Notice<'a> {
    site: &'a str,
    language: Language,
    subject: &'a str,
    clean_body: &'a str,
}

/// A message that is older when its event comes did not just arrive: junk that was restored, say.
const FRESH: Duration = Duration::from_secs(3600);

/// Queues the mail that an event asks for, if any.
pub fn handle(tx: &Tx<'_>, event: &Event, base_url: &str) -> Result<()> {
    let Some(message) = event.detail["messageId"].as_i64().map(MessageId) else { return Ok(()) };
    let kind = match (event.kind.as_str(), event.actor_type.as_str()) {
        ("replied", "agent") => Kind::PortalReply,
        ("created", "contact") => Kind::Acknowledgement,
        _ => return Ok(()),
    };
    let template = mail_template::get(tx, kind)?;
    if !template.is_enabled {
        return Ok(());
    }
    let writer = event.actor_id.filter(|_| event.actor_type == "agent").map(AgentId);
    let writer = writer.map(|id| agent::get_ever(tx, id)).transpose()?.flatten();
    let scene = Scene::of(tx, event.conversation_id, Some(message), writer, base_url, tx.now())?;
    let Some(scene) = scene.filter(|scene| !scene.conversation.is_deleted) else { return Ok(()) };
    let (Some(contact), Some(cause)) = (&scene.contact, &scene.message) else { return Ok(()) };
    let Some(email) = contact.email() else { return Ok(()) };
    let is_wanted = match kind {
        Kind::PortalReply => cause.kind == MessageType::Reply,
        Kind::Acknowledgement => {
            !cause.is_automatic
                && event.at.since(cause.created_at) < FRESH
                && !is_own_address(tx, email)?
                && !sender_check::is_disowned(tx, event.conversation_id)?
                && mail_template::claim_acknowledgement(tx, email)?
        }
    };
    if !is_wanted {
        return Ok(());
    }
    let Filled { subject, html, text } = match kind {
        Kind::PortalReply if !template.is_changed => answer_in_own_language(tx, &scene, contact, base_url)?,
        _ => {
            let filled = template.fill(&scene);
            let (site, language) = (scene.site.name.as_str(), Language::default());
            let notice = Notice { site, language, subject: &filled.subject, clean_body: &filled.html };
            Filled { html: render(&notice)?, ..filled }
        }
    };
    enqueue_automatic(tx, email, &subject, &text, &html, Some((event.conversation_id, message)))?;
    Ok(())
}

/// The product's own text, in the language that the contact chose. It carries no text of the answer: it is read in the
/// portal.
fn answer_in_own_language(tx: &Tx<'_>, scene: &Scene, contact: &Contact, base_url: &str) -> Result<Filled> {
    let (site, about) = (&scene.site.name, &scene.conversation);
    let link = format!("{base_url}/portal/conversations/{}", about.id);
    let language = contact::language(tx, contact.id)?;
    let words = language.words();
    let hello = fill(words.mail_hello, &[("name", &contact.name)]);
    let about_it = fill(words.mail_answer_text, &[("subject", &about.subject)]);
    Ok(Filled {
        subject: fill(words.mail_answer_subject, &[("site", site)]),
        text: render(&PortalReplyText { site, words, hello: &hello, about: &about_it, link: &link })?,
        html: render(&PortalReplyHtml {
            site,
            language,
            words,
            hello: &hello,
            about: &about_it,
            link: &link,
            look: &shade::get(tx)?,
        })?,
    })
}
