//! Telling contacts by mail that an agent answered in the portal. A reader of the event log: each reply is told of
//! once, also across a crash, because the mail is queued in the transaction that moves the cursor.

use askama::Template;

use super::event::Event;
use super::outgoing_mail::{enqueue_automatic, render};
use super::{Actor, contact, conversation, site};
use crate::db::Tx;
use crate::error::Result;
use crate::ids::MessageId;
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
}

/// Queues the mail that an event asks for, if any. It carries no text of the answer: it is read in the portal.
pub fn handle(tx: &Tx<'_>, event: &Event, base_url: &str) -> Result<()> {
    if event.kind != "replied" || event.actor_type != "agent" {
        return Ok(());
    }
    let Some(message) = event.detail["messageId"].as_i64().map(MessageId) else {
        return Ok(());
    };
    let Some(reply) = conversation::message::get(tx, &Actor::System, message)? else {
        return Ok(());
    };
    if reply.kind != conversation::MessageType::Reply {
        return Ok(());
    }
    let Some(about) = conversation::get(tx, &Actor::System, event.conversation_id)? else {
        return Ok(());
    };
    let Some(contact) = about.contact_id.map(|id| contact::get(tx, id)).transpose()?.flatten() else {
        return Ok(());
    };
    let Some(email) = contact.email() else {
        return Ok(());
    };
    let site = site::get(tx)?.name;
    let link = format!("{base_url}/portal/conversations/{}", about.id);
    let language = contact::language(tx, contact.id)?;
    let words = language.words();
    let subject = fill(words.mail_answer_subject, &[("site", &site)]);
    let hello = fill(words.mail_hello, &[("name", &contact.name)]);
    let about_it = fill(words.mail_answer_text, &[("subject", &about.subject)]);
    let text = render(&PortalReplyText { site: &site, words, hello: &hello, about: &about_it, link: &link })?;
    let html = render(&PortalReplyHtml {
        site: &site,
        language,
        words,
        hello: &hello,
        about: &about_it,
        link: &link,
    })?;
    enqueue_automatic(tx, email, &subject, &text, &html, Some((about.id, message)))?;
    Ok(())
}
