//! Agents who answer by mail what they were told by mail. The mail they answer has a signed token of its own kind; with
//! it, and from the very address that it was written for, the text becomes an answer in the agent's name, with the
//! agent's rights. Anything less is set aside with its reason: it never becomes a customer's message.

use std::sync::Arc;
use std::time::Duration;

use super::Prepared;
use crate::db::Tx;
use crate::desk::code::Channel;
use crate::desk::conversation::message::{Body, MessageType, Source};
use crate::desk::conversation::reply::{self, NewMessage};
use crate::desk::inbound_mail::{Decision, Outcome};
use crate::desk::{Actor, Rights, agent, conversation, sender_check, site};
use crate::error::{Error, Result};
use crate::ids::ConversationId;
use crate::mail::incoming::authentication::{self, Verdict};
use crate::mail::threading;

/// A notice can be answered for this long.
const LIFE: Duration = Duration::from_secs(30 * 24 * 3600);
/// A first line that makes a note of the rest.
const NOTE_MARKS: [&str; 4] = ["note", "note:", "#note", "@note"];

/// What becomes of a mail that answers a notice; `None` when it answers none.
pub(super) fn take(tx: &Tx<'_>, mail: &Prepared) -> Result<Option<Decision>> {
    let key = site::thread_key(tx)?;
    let Some(found) = threading::notice_token(&key, &mail.incoming) else { return Ok(None) };
    let matched_by = Some(format!("signed token of a notice in {}", found.source));
    let aside = |outcome: Outcome, reason: String| {
        let decision = Decision::without_message(outcome, reason);
        Ok(Some(Decision { matched_by: matched_by.clone(), ..decision }))
    };
    if let Some(automatic) = &mail.incoming.automatic {
        let reason = format!("a machine answers a notice to an agent ({})", automatic.header);
        return aside(Outcome::Ignored, reason);
    }
    let from = mail.incoming.from.as_ref().map(|from| from.address.as_str()).unwrap_or_default();
    if !found.is_recipient {
        let reason = "it answers a notice to an agent, but does not come from that agent's address";
        return aside(Outcome::Quarantined, reason.to_owned());
    }
    if let Some(server) = sender_check::authserv_id(tx)?
        && let (Verdict::Failed, said) = authentication::judge(&mail.incoming, &server)
    {
        let reason = format!("it answers a notice to an agent, but its sender is not who it says ({said})");
        return aside(Outcome::Quarantined, reason);
    }
    let sent_at = tx.one(
        "SELECT created_at FROM outgoing_mail WHERE internet_message_id = ?",
        [&found.message_id],
        |row| row.get::<_, crate::time::Timestamp>(0),
    )?;
    if sent_at.is_none_or(|at| LIFE < tx.now().since(at)) {
        return aside(Outcome::Quarantined, "it answers a notice to an agent that is too old".to_owned());
    }
    let agent = agent::by_email(tx, from)?;
    let rights = agent.as_ref().map(|agent| Rights::of(tx, agent.id)).transpose()?.flatten();
    let (Some(agent), Some(rights)) = (agent, rights) else {
        return aside(
            Outcome::Quarantined,
            "it answers a notice to an agent who is no longer active".to_owned(),
        );
    };
    if found.token.conversation == 0 {
        let reason = "it answers a mail about several conversations: nobody knows which is meant";
        return aside(Outcome::Quarantined, reason.to_owned());
    }
    let by = Actor::Agent(Arc::new(rights));
    match answer(tx, &by, ConversationId(found.token.conversation), mail) {
        Ok(place) => Ok(Some(Decision {
            outcome: Outcome::Appended,
            reason: format!("{} answered by mail", agent.display_name),
            matched_by: matched_by.clone(),
            place: Some(place),
        })),
        Err(Error::Internal(source)) => Err(Error::Internal(source)),
        Err(error @ (Error::StorageFull | Error::Unavailable(_))) => Err(error),
        Err(refused) => {
            let reason = format!("{} answered a notice, but {refused}", agent.display_name);
            aside(Outcome::Quarantined, reason)
        }
    }
}

/// Refuses before it writes anything.
fn answer(
    tx: &Tx<'_>,
    by: &Actor,
    id: ConversationId,
    mail: &Prepared,
) -> Result<(ConversationId, crate::ids::MessageId)> {
    let about = match super::living(tx, id)? {
        Some(living) => conversation::editable(tx, by, living.id)?,
        None => return Err(Error::not_found("conversation", id)),
    };
    let (is_note, text) = split_mark(&mail.body.plain);
    let text = if has_own_words(text) { text } else { "" };
    if text.is_empty() && mail.files.is_empty() {
        return Err(Error::invalid("text", "is empty above the quote"));
    }
    let kind = match about.channel {
        _ if is_note => MessageType::Note,
        Channel::Email => MessageType::Email,
        _ => MessageType::Reply,
    };
    // What a mail program makes of a text is not what the customer should see: only the words are taken.
    let body = Body { html: crate::html::from_text(text), plain: text.to_owned() };
    let new = NewMessage::new(kind, Source::AgentConsole, body);
    let message = reply::reply(tx, by, about.id, &new)?;
    super::attach(tx, by, about.id, message.id, mail)?;
    Ok((about.id, message.id))
}

/// Whether anything stands above the quote. Of a mail that is nothing but a quote the quote is kept as its text.
fn has_own_words(text: &str) -> bool {
    let mut own =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('>')).peekable();
    let quotes = text.lines().any(|line| line.starts_with('>'));
    // "On Monday Ann wrote:" and nothing else.
    own.peek().is_some() && !(quotes && own.all(|line| line.ends_with(':')))
}

/// Whether the first line asks for a note, and the text without it.
fn split_mark(text: &str) -> (bool, &str) {
    let text = text.trim();
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    match NOTE_MARKS.contains(&first.trim().to_lowercase().as_str()) {
        true => (true, rest.trim()),
        false => (false, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_is_nobodys_answer() {
        assert!(has_own_words("Yes.\n\nOn Monday Ann wrote:\n> Shall we?"));
        assert!(has_own_words("Please send:"));
        assert!(!has_own_words("On Monday Ann wrote:\n> Shall we?\n>\n"));
        assert!(!has_own_words(" \n"));
    }

    #[test]
    fn a_first_line_makes_a_note() {
        assert_eq!(split_mark("Note\n\nCall her.\n"), (true, "Call her."));
        assert_eq!(split_mark("note: call her"), (false, "note: call her"));
        assert_eq!(split_mark("#note"), (true, ""));
    }
}
