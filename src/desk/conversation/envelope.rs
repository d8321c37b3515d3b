//! Who an agent's mail is from and to, and when it leaves. Recipients that nobody spelt out derive from the message
//! answered; our own addresses are never among them.

use std::time::Duration;

use super::message::{self, Body, Source};
use super::{Conversation, NewMessage, recipient};
use crate::db::Tx;
use crate::desk::email_account::EmailAccount;
use crate::desk::outgoing_mail::{self, Departure, Envelope};
use crate::desk::{Actor, agent, contact, email_account, site};
use crate::error::{Error, Problems, Result};
use crate::html;
use crate::mail::is_address;

/// Who the mail is from and to. The account: the one asked for, else the one the conversation came to, else the
/// default. Our own addresses are never recipients.
pub(super) fn of(tx: &Tx<'_>, by: &Actor, conversation: &Conversation, new: &NewMessage) -> Result<Envelope> {
    let account = match &new.from {
        Some(from) => email_account::by_email(tx, from)?
            .ok_or_else(|| Error::invalid("from", format!("'{from}' is not an enabled e-mail account")))?,
        None => {
            let own = match conversation.email_account_id {
                Some(id) => email_account::get(tx, id)?.filter(|account| account.is_enabled),
                None => None,
            };
            own.map_or_else(|| email_account::default(tx), |account| Ok(Some(account)))?
                .ok_or_else(|| Error::invalid("from", "is missing, and there is no enabled e-mail account"))?
        }
    };
    let (to, cc) = match &new.to {
        Some(to) if !to.is_empty() => (to.clone(), new.cc.clone()),
        _ => derived(tx, conversation, new)?,
    };
    let mut problems = Problems::default();
    let to = recipients(tx, "to", &to, &[], &mut problems)?;
    let cc = recipients(tx, "cc", &cc, &to, &mut problems)?;
    let is_readable = problems.is_empty();
    problems.require(!to.is_empty() || !is_readable, "to", "names only our own addresses");
    let limit = site::get(tx)?.recipient_limit;
    let count = (to.len() + cc.len()) as i64;
    problems.require(count <= limit, "cc", format!("makes {count} recipients; at most {limit} are allowed"));
    if !new.allows_new_recipients {
        for (field, addresses) in [("to", &to), ("cc", &cc)] {
            for address in addresses {
                let is_new = recipient::is_new(tx, conversation.id, address)?;
                problems.require(
                    !is_new,
                    field,
                    format!("has '{address}', to whom nobody has written before"),
                );
            }
        }
    }
    let departure = departure(tx, new, &mut problems)?;
    problems.check()?;
    let subject = match new.subject.as_deref().map(str::trim).filter(|subject| !subject.is_empty()) {
        Some(subject) => clean_subject(subject),
        None if conversation.last_replied_at.is_none() => conversation.subject.clone(),
        None => ["Re: ", strip_reply_prefix(&conversation.subject)].concat(),
    };
    let signature = signature(tx, by, &account, &new.body)?;
    Ok(Envelope { account, to, cc, subject, departure, signature, continues_thread: true })
}

/// The agent's signature and then the account's, each only where the text does not hold it already: an agent may have
/// written it, or a draft may have been sent back with it.
fn signature(tx: &Tx<'_>, by: &Actor, account: &EmailAccount, body: &Body) -> Result<String> {
    let agent = by.agent_id().map(|id| agent::get(tx, id)).transpose()?.flatten();
    let own = agent.map(|agent| agent.signature).unwrap_or_default();
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let written = squeeze(&body.plain);
    let is_missing = |signature: &&String| {
        let text = squeeze(&html::to_text(signature));
        !text.is_empty() && !written.contains(&text)
    };
    Ok([&own, &account.signature].into_iter().filter(is_missing).map(String::as_str).collect())
}

/// Recipients that nobody spelt out: those of the message answered, else the contact.
fn derived(tx: &Tx<'_>, conversation: &Conversation, new: &NewMessage) -> Result<(Vec<String>, Vec<String>)> {
    let missing = || Error::invalid("to", "is missing, and the contact has no e-mail address");
    let Some(answered) = new.answers else {
        let email = conversation.contact_id.map(|id| contact::email_of(tx, id)).transpose()?.flatten();
        return Ok((vec![email.ok_or_else(missing)?], new.cc.clone()));
    };
    let answered = match message::of(tx, &Actor::System, conversation.id, answered) {
        Err(Error::NotFound { .. }) => {
            let problem = format!("names no message {answered} of this conversation");
            return Err(Error::invalid("answeredMessageId", problem));
        }
        answered => answered?,
    };
    let found = recipient::of_answer(tx, conversation, Some(&answered), new.answers_all)?;
    let (cc, to): (Vec<_>, Vec<_>) = found.into_iter().partition(|recipient| recipient.is_cc);
    if to.is_empty() {
        return Err(missing());
    }
    let addresses = |list: Vec<recipient::Recipient>| list.into_iter().map(|recipient| recipient.address);
    Ok((addresses(to).collect(), addresses(cc).chain(new.cc.iter().cloned()).collect()))
}

/// A year is further ahead than anybody plans a mail.
const FURTHEST: Duration = Duration::from_secs(366 * 24 * 3600);

fn departure(tx: &Tx<'_>, new: &NewMessage, problems: &mut Problems) -> Result<Departure> {
    if let Some(at) = new.send_at {
        problems.require(tx.now() < at, "sendTime", format!("'{at}' is not in the future"));
        problems.require(
            at < tx.now().plus(FURTHEST),
            "sendTime",
            format!("'{at}' is more than a year ahead"),
        );
        return Ok(Departure::At(at));
    }
    let seconds = site::get(tx)?.undo_seconds.max(0).unsigned_abs();
    Ok(match new.source {
        Source::AgentConsole if 0 < seconds => Departure::After(tx.now().plus(Duration::from_secs(seconds))),
        _ => Departure::AtOnce,
    })
}

pub(super) fn clean_subject(subject: &str) -> String {
    subject.trim().chars().filter(|c| !c.is_control()).take(400).collect()
}

fn recipients(
    tx: &Tx<'_>,
    field: &str,
    addresses: &[String],
    others: &[String],
    problems: &mut Problems,
) -> Result<Vec<String>> {
    let mut kept: Vec<String> = Vec::new();
    for address in addresses.iter().map(|address| address.trim()).filter(|address| !address.is_empty()) {
        if !is_address(address) {
            problems.add(field, format!("'{address}' is not an e-mail address"));
        } else if !outgoing_mail::is_own_address(tx, address)?
            && !kept.iter().chain(others).any(|other| other.eq_ignore_ascii_case(address))
        {
            kept.push(address.to_owned());
        }
    }
    Ok(kept)
}

fn strip_reply_prefix(subject: &str) -> &str {
    let mut rest = subject.trim();
    while let Some(shorter) =
        rest.get(..3).filter(|start| start.eq_ignore_ascii_case("re:")).map(|_| rest[3..].trim())
    {
        rest = shorter;
    }
    rest
}
