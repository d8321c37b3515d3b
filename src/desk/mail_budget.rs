//! How much automatic mail an address may get and a conversation may cause, so that no loop goes on for long.

use std::time::Duration;

use super::outgoing_mail::is_own_address;
use crate::db::Tx;
use crate::error::Result;
use crate::ids::ConversationId;
use crate::time::Timestamp;

/// Whom an automatic mail is for: agents asked for theirs, and get more of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    Contact,
    Agent,
}

impl Audience {
    /// Automatic mails that one address may get in an hour and in a day.
    fn budget(self) -> (i64, i64) {
        match self {
            Self::Contact => (6, 20),
            Self::Agent => (60, 400),
        }
    }

    /// Automatic mails that one conversation may cause in an hour, to however many addresses: two programs that answer
    /// each other under ever new names stop here.
    fn conversation_budget(self) -> i64 {
        match self {
            Self::Contact => 12,
            Self::Agent => 120,
        }
    }
}

/// Why an automatic mail is not sent.
pub fn objection(
    tx: &Tx<'_>,
    to: &str,
    audience: Audience,
    conversation: Option<ConversationId>,
) -> Result<Option<&'static str>> {
    if is_own_address(tx, to)? {
        return Ok(Some("it is one of our own addresses"));
    }
    if !is_within_budget(tx, to, audience)? {
        return Ok(Some("the address had its share of automatic mail"));
    }
    let Some(conversation) = conversation else { return Ok(None) };
    let count = tx.number(
        "SELECT count(*) FROM outgoing_mail m WHERE m.conversation_id = ?1 AND m.is_automatic = 1 AND ?2 < m.created_at
           AND ?3 = EXISTS (SELECT 1 FROM outgoing_recipient r JOIN agent a ON a.email = r.address
                            WHERE r.outgoing_mail_id = m.id)",
        (conversation, tx.now().minus(Duration::from_secs(3600)), audience == Audience::Agent),
    )?;
    let is_spent = audience.conversation_budget() <= count;
    Ok(is_spent.then_some("the conversation had its share of automatic mail for an hour"))
}

fn is_within_budget(tx: &Tx<'_>, address: &str, audience: Audience) -> Result<bool> {
    let sent_since = |since: Timestamp| {
        tx.number(
            "SELECT count(*) FROM outgoing_recipient r JOIN outgoing_mail m ON m.id = r.outgoing_mail_id
             WHERE r.address = ? AND m.is_automatic = 1 AND ? < m.created_at",
            (address, since),
        )
    };
    let (hourly, daily) = audience.budget();
    Ok(sent_since(tx.now().minus(Duration::from_secs(3600)))? < hourly
        && sent_since(tx.now().minus(Duration::from_secs(86_400)))? < daily)
}
