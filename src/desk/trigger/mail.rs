//! The mail of a trigger: one for each recipient, in their own time zone, through the account that the conversation
//! came to. Never to the writer of an automatic mail, never to ourselves, never more than an address's share.

use super::run::Happened;
use super::{TriggerMail, get};
use crate::db::{Snapshot, Tx};
use crate::desk::agent::{self, Agent};
use crate::desk::conversation::message::{self, Body, MessageType, Row};
use crate::desk::email_account::{self, EmailAccount};
use crate::desk::event::{self, Change};
use crate::desk::mail_budget::Audience;
use crate::desk::outgoing_mail::{self, Notice, Verdict};
use crate::desk::placeholder::{Form, Reader, Scene};
use crate::desk::{Actor, attachment, gone, sender_check};
use crate::error::Result;
use crate::html;
use crate::ids::{ConversationId, MessageId, TriggerId};
use crate::time::Timestamp;

/// A mail with every value put in.
#[derive(Debug, Clone)]
pub struct Filled {
    pub subject: String,
    pub html: String,
    pub text: String,
}

/// Somebody a trigger writes to.
struct Recipient {
    address: String,
    audience: Audience,
    reader: Reader,
}

/// Queues the mails and tells what became of each: to whom, and `queued` or why not.
pub(super) fn send(
    tx: &Tx<'_>,
    by: &Actor,
    trigger: TriggerId,
    happened: &Happened<'_>,
    base_url: &str,
) -> Result<Vec<(String, String)>> {
    let Some(trigger) = get(tx, trigger)? else { return Ok(Vec::new()) };
    let (Some(mail), Some(scene)) =
        (trigger.mail, Scene::of(tx, happened.conversation, happened.message, None, base_url, tx.now())?)
    else {
        return Ok(Vec::new());
    };
    let mut outcomes = Vec::new();
    let recipients = recipients(tx, &mail, &scene, &mut outcomes)?;
    let Some(first) = recipients.first() else { return Ok(outcomes) };
    let account = account(tx, &scene)?;
    let message = match trigger.is_shown {
        true => Some(show(
            tx,
            by,
            &scene,
            &mail,
            &recipients,
            &fill(&mail, &scene, &first.reader),
            account.as_ref(),
        )?),
        false => None,
    };
    for recipient in &recipients {
        let filled = fill(&mail, &scene, &recipient.reader);
        let verdict = outgoing_mail::enqueue_notice(
            tx,
            &Notice {
                account: account.as_ref(),
                conversation: happened.conversation,
                message,
                to: &recipient.address,
                audience: recipient.audience,
                subject: &filled.subject,
                text: &filled.text,
                html: &filled.html,
                attachments: &mail.attachments,
            },
        )?;
        let outcome = match verdict {
            Verdict::Queued => "queued".to_owned(),
            Verdict::Held(why) => ["held: ", &why].concat(),
            Verdict::Refused(why) => why,
        };
        outcomes.push((recipient.address.clone(), outcome));
    }
    remark(tx, by, happened.conversation, &trigger.name, &outcomes)?;
    Ok(outcomes)
}

/// The event log says what was sent, and what was not.
fn remark(
    tx: &Tx<'_>,
    by: &Actor,
    conversation: ConversationId,
    name: &str,
    outcomes: &[(String, String)],
) -> Result<()> {
    let told = outcomes.iter().map(|(to, outcome)| match outcome.as_str() {
        "queued" => format!("mailed {to}"),
        other => format!("did not mail {to}: {other}"),
    });
    let remark = format!("The trigger '{name}' {}", told.collect::<Vec<_>>().join("; "));
    event::record(tx, by, conversation, Change::Automated { remark })?;
    Ok(())
}

fn recipients(
    tx: &Tx<'_>,
    mail: &TriggerMail,
    scene: &Scene,
    outcomes: &mut Vec<(String, String)>,
) -> Result<Vec<Recipient>> {
    let mut found: Vec<Recipient> = Vec::new();
    if mail.to_contact {
        let is_automatic = scene.message.as_ref().is_some_and(|message| message.is_automatic);
        let address = scene.contact.as_ref().and_then(|contact| contact.email()).map(str::to_owned);
        match address {
            _ if sender_check::is_disowned(tx, scene.conversation.id)? => {
                let why = "their last mail was disowned by its own domain";
                outcomes.push(("the contact".to_owned(), why.to_owned()));
            }
            _ if is_automatic => {
                outcomes.push(("the contact".to_owned(), "what they wrote is an automatic mail".to_owned()));
            }
            Some(address) => {
                let reader = Reader::contact(&scene.site);
                found.push(Recipient { address, audience: Audience::Contact, reader });
            }
            None => outcomes.push(("the contact".to_owned(), "they have no e-mail address".to_owned())),
        }
    }
    let mut agents = Vec::new();
    if mail.to_assignee {
        match scene.conversation.agent_assignee_id {
            Some(id) => agents.push(id),
            None => outcomes.push(("the assignee".to_owned(), "nobody is assigned".to_owned())),
        }
    }
    agents.extend(&mail.agents);
    for id in agents {
        match (agent::get(tx, id)?, gone::assignable(tx, id)?) {
            (Some(agent), None) => {
                if !found.iter().any(|known| known.address.eq_ignore_ascii_case(&agent.email)) {
                    found.push(Recipient::agent(scene, agent));
                }
            }
            (_, gone) => outcomes.push((format!("agent {id}"), gone.unwrap_or_default())),
        }
    }
    Ok(found)
}

impl Recipient {
    fn agent(scene: &Scene, agent: Agent) -> Self {
        let reader = Reader::agent(&scene.site, &agent);
        Self { address: agent.email, audience: Audience::Agent, reader }
    }
}

/// The account that the conversation came to, else the default one.
fn account(s: &Snapshot<'_>, scene: &Scene) -> Result<Option<EmailAccount>> {
    let own = scene.conversation.email_account_id.map(|id| email_account::get(s, id)).transpose()?.flatten();
    match own.filter(|account| account.is_enabled) {
        Some(account) => Ok(Some(account)),
        None => email_account::default(s),
    }
}

fn fill(mail: &TriggerMail, scene: &Scene, reader: &Reader) -> Filled {
    Filled {
        subject: scene.fill(&mail.subject, Form::Line, reader),
        html: scene.fill(&mail.html_body, Form::Html, reader),
        text: scene.fill(&mail.text_body, Form::Text, reader),
    }
}

/// The mail as a message of the conversation, by the system. It is no reply: nothing counts it.
fn show(
    tx: &Tx<'_>,
    by: &Actor,
    scene: &Scene,
    mail: &TriggerMail,
    recipients: &[Recipient],
    filled: &Filled,
    account: Option<&EmailAccount>,
) -> Result<MessageId> {
    let body = Body { html: html::sanitize_own(&filled.html), plain: filled.text.clone() };
    let to = recipients.iter().map(|recipient| recipient.address.as_str()).collect::<Vec<_>>().join(", ");
    let row = Row {
        subject: &filled.subject,
        from_address: account.map_or("", |account| &account.email),
        to_addresses: &to,
        send_status: Some("sending"),
        is_automatic: true,
        ..Row::new(MessageType::Email, None, &body)
    };
    let message = message::insert(tx, by, scene.conversation.id, &row)?;
    attachment::copy_to_message(tx, by, scene.conversation.id, message, &mail.attachments)?;
    Ok(message)
}

/// How a mail would look for a conversation, to the contact or else to the first recipient.
pub fn preview(
    s: &Snapshot<'_>,
    mail: &TriggerMail,
    conversation: ConversationId,
    base_url: &str,
    now: Timestamp,
) -> Result<Option<Filled>> {
    let Some(scene) = Scene::of(s, conversation, None, None, base_url, now)? else { return Ok(None) };
    let agent = mail.agents.first().map(|id| agent::get(s, *id)).transpose()?.flatten();
    let reader = match agent {
        Some(agent) if !mail.to_contact => Reader::agent(&scene.site, &agent),
        _ => Reader::contact(&scene.site),
    };
    Ok(Some(fill(mail, &scene, &reader)))
}
