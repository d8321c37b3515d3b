//! Telling agents by mail. What happens within half a minute is one mail for each conversation, and one mail in all
//! when it is many. Who is looking at the conversation, has answered since or no longer sees it is not told. An answer
//! to such a mail finds its conversation by the signed token in the Message-ID (`intake/agent_reply.rs`).

use std::collections::BTreeMap;
use std::time::Duration;

use askama::Template;

use super::Kind;
use super::waiting::{self, Waiting};
use crate::db::{Snapshot, Tx};
use crate::desk::agent::{self, Agent};
use crate::desk::conversation::{self, Conversation, Message, message, presence};
use crate::desk::email_account::{self, EmailAccount};
use crate::desk::mail_budget::Audience;
use crate::desk::outgoing_mail::{self, Notice, render};
use crate::desk::shade::{self, Shades};
use crate::desk::{Actor, Rights, site};
use crate::error::Result;
use crate::html;
use crate::ids::{AgentId, ConversationId};
use crate::language::Language;
use crate::time::Timestamp;

/// How long a notice waits for others like it.
pub const HOLD: Duration = Duration::from_secs(30);
/// So many conversations get a mail each; more become one mail.
const SINGLE_MAILS: usize = 4;
/// Of the message a mail shows this much.
const EXCERPT_CHARS: usize = 2000;

/// Agents who are to be told now.
pub fn due(s: &Snapshot<'_>, now: Timestamp) -> Result<Vec<AgentId>> {
    waiting::agents(s, now.minus(HOLD))
}

/// Queues the mails of one agent and forgets what they tell.
pub fn tell(tx: &Tx<'_>, id: AgentId, base_url: &str) -> Result<()> {
    let notices = waiting::take(tx, id)?;
    let (Some(agent), Some(rights)) = (agent::get(tx, id)?, Rights::of(tx, id)?) else { return Ok(()) };
    let by = Actor::Agent(std::sync::Arc::new(rights));
    let mut news: BTreeMap<ConversationId, Vec<Waiting>> = BTreeMap::new();
    for notice in notices {
        match notice.conversation_id {
            Some(conversation) => news.entry(conversation).or_default().push(notice),
            None => tell_account(tx, &agent, &notice, base_url)?,
        }
    }
    let mut wanted: Vec<(Conversation, Vec<Waiting>)> = Vec::new();
    for (conversation, notices) in news {
        if let Some(found) = conversation::get(tx, &by, conversation)?.filter(|found| !found.is_deleted) {
            let notices = still_news(tx, id, conversation, notices)?;
            if !notices.is_empty() {
                wanted.push((found, notices));
            }
        }
    }
    if SINGLE_MAILS < wanted.len() {
        return tell_together(tx, &agent, &wanted, base_url);
    }
    for (about, notices) in &wanted {
        tell_one(tx, &by, &agent, about, notices, base_url)?;
    }
    Ok(())
}

/// Without what the agent sees or has dealt with.
fn still_news(
    tx: &Tx<'_>,
    agent: AgentId,
    conversation: ConversationId,
    notices: Vec<Waiting>,
) -> Result<Vec<Waiting>> {
    let present = presence::of_conversations(tx, &[conversation], tx.now())?;
    if present.iter().any(|one| one.agent_id == agent) {
        return Ok(Vec::new());
    }
    let wrote_at: i64 = tx.number(
        "SELECT max(created_at) FROM message WHERE conversation_id = ? AND sender_type = 'agent' AND sender_id = ?",
        (conversation, agent),
    )?;
    Ok(notices.into_iter().filter(|notice| wrote_at < notice.created_at.millis().max(1)).collect())
}

#[derive(Template)]
#[template(path = "mail/agent_notice.txt")]
struct NoticeText<'a> {
    site: &'a str,
    title: &'a str,
    sentences: &'a [String],
    excerpt: &'a str,
    from: &'a str,
    link: &'a str,
    settings: &'a str,
    can_answer: bool,
}

#[derive(Template)]
#[template(path = "mail/agent_notice.html")]
struct NoticeHtml<'a> {
    site: &'a str,
    language: Language,
    title: &'a str,
    sentences: &'a [String],
    /// The message's text as HTML; everything in it is escaped.
    clean_excerpt: &'a str,
    from: &'a str,
    link: &'a str,
    settings: &'a str,
    can_answer: bool,
    look: &'a Shades,
}

fn tell_one(
    tx: &Tx<'_>,
    by: &Actor,
    agent: &Agent,
    about: &Conversation,
    notices: &[Waiting],
    base_url: &str,
) -> Result<()> {
    let mut sentences: Vec<String> = notices.iter().map(|notice| notice.sentence.clone()).collect();
    sentences.dedup();
    // What matters most comes first.
    let first = notices.iter().max_by_key(|notice| notice.kind).map(|notice| notice.sentence.as_str());
    let headline = match (first.unwrap_or_default(), sentences.len()) {
        (first, 0 | 1) => first.to_owned(),
        (first, several) => format!("{first} and {} more", several - 1),
    };
    let shown = shown(tx, by, about, notices)?;
    let excerpt = shown.as_ref().map(|message| beginning(&message.plain_body));
    let excerpt = excerpt.unwrap_or_default();
    let from = match &shown {
        Some(message) => super::party(tx, &message.sender_type, message.sender_id)?,
        None => String::new(),
    };
    let link = format!("{base_url}/console/conversations/{}", about.id);
    let settings = [base_url, SETTINGS].concat();
    let site = site::get(tx)?.name;
    let account = account(tx, about)?;
    let can_answer = about.is_editable && account.is_some();
    let text = NoticeText {
        site: &site,
        title: &about.subject,
        sentences: &sentences,
        excerpt: &excerpt,
        from: &from,
        link: &link,
        settings: &settings,
        can_answer,
    };
    let html = NoticeHtml {
        site: &site,
        language: Language::default(),
        title: &about.subject,
        sentences: &sentences,
        clean_excerpt: &html::from_text(&excerpt),
        from: &from,
        link: &link,
        settings: &settings,
        can_answer,
        look: &shade::get(tx)?,
    };
    let notice = Notice {
        account: account.as_ref(),
        conversation: about.id,
        message: None,
        to: &agent.email,
        audience: Audience::Agent,
        subject: &format!("[#{}] {headline}: {}", about.id, about.subject),
        text: &render(&text)?,
        html: &render(&html)?,
        attachments: &[],
    };
    outgoing_mail::enqueue_notice(tx, &notice)?;
    Ok(())
}

const SETTINGS: &str = "/console/settings/notifications";

/// The message that the notices are about; where they are about none, the last that somebody wrote.
fn shown(s: &Snapshot<'_>, by: &Actor, about: &Conversation, notices: &[Waiting]) -> Result<Option<Message>> {
    match notices.iter().rev().find_map(|notice| notice.message_id) {
        Some(id) => message::get(s, by, id),
        None => message::last(s, by, about.id),
    }
}

fn beginning(text: &str) -> String {
    let mut letters = text.trim().chars();
    let shown: String = letters.by_ref().take(EXCERPT_CHARS).collect();
    if letters.next().is_some() { shown + "…" } else { shown }
}

/// The account that the conversation came to, else the default one.
fn account(s: &Snapshot<'_>, about: &Conversation) -> Result<Option<EmailAccount>> {
    let own = about.email_account_id.map(|id| email_account::get(s, id)).transpose()?.flatten();
    match own.filter(|account| account.is_enabled) {
        Some(account) => Ok(Some(account)),
        None => email_account::default(s),
    }
}

/// One mail about many conversations. It cannot be answered: nobody would know which is meant.
fn tell_together(
    tx: &Tx<'_>,
    agent: &Agent,
    wanted: &[(Conversation, Vec<Waiting>)],
    base_url: &str,
) -> Result<()> {
    let sentences: Vec<String> = wanted
        .iter()
        .flat_map(|(about, notices)| {
            let line = |notice: &Waiting| format!("#{} {}: {}", about.id, about.subject, notice.sentence);
            notices.last().map(line)
        })
        .collect();
    let title = format!("News in {} of your conversations", wanted.len());
    let link = [base_url, "/console/my-open"].concat();
    tell_plainly(tx, agent, &title, &sentences, &link, base_url)
}

fn tell_account(tx: &Tx<'_>, agent: &Agent, notice: &Waiting, base_url: &str) -> Result<()> {
    debug_assert!(notice.kind == Kind::AccountFailing);
    let link = [base_url, "/console/settings/email-accounts"].concat();
    let title = "An e-mail account cannot be checked";
    tell_plainly(tx, agent, title, std::slice::from_ref(&notice.sentence), &link, base_url)
}

fn tell_plainly(
    tx: &Tx<'_>,
    agent: &Agent,
    title: &str,
    sentences: &[String],
    link: &str,
    base_url: &str,
) -> Result<()> {
    let site = site::get(tx)?.name;
    let settings = [base_url, SETTINGS].concat();
    let text = NoticeText {
        site: &site,
        title,
        sentences,
        excerpt: "",
        from: "",
        link,
        settings: &settings,
        can_answer: false,
    };
    let html = NoticeHtml {
        site: &site,
        language: Language::default(),
        title,
        sentences,
        clean_excerpt: "",
        from: "",
        link,
        settings: &settings,
        can_answer: false,
        look: &shade::get(tx)?,
    };
    outgoing_mail::enqueue_for_agent(tx, &agent.email, title, &render(&text)?, &render(&html)?)
}
