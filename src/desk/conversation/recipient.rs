//! Whom an answer goes to, each address with the reason why it is there: derived from the message answered, never our own
//! addresses.

use super::message::{self, Message, MessageType};
use super::{Conversation, require};
use crate::db::Snapshot;
use crate::desk::{Actor, contact, intake, outgoing_mail};
use crate::error::Result;
use crate::ids::{ConversationId, MessageId};

#[derive(Debug, Clone)]
pub struct Recipient {
    pub address: String,
    /// Of the contact with this address; empty when there is none.
    pub name: String,
    pub is_cc: bool,
    pub reason: Reason,
    /// Nobody here has written to the address or heard from it.
    pub is_new: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Wrote the message that is answered.
    Wrote,
    /// The same, but is not part of the conversation.
    WroteAsThirdParty,
    /// The conversation's contact.
    Contact,
    /// The message went to them.
    WasTo,
    /// The message went to them in copy.
    WasCc,
}

impl Reason {
    pub fn name(self) -> &'static str {
        match self {
            Self::Wrote => "wrote",
            Self::WroteAsThirdParty => "wroteAsThirdParty",
            Self::Contact => "contact",
            Self::WasTo => "wasTo",
            Self::WasCc => "wasCc",
        }
    }

    /// Completes "This person …".
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Wrote => "wrote the message you answer",
            Self::WroteAsThirdParty => "wrote the message you answer, but is not part of the conversation",
            Self::Contact => "is the contact of this conversation",
            Self::WasTo => "was a recipient of the message you answer",
            Self::WasCc => "was in copy of the message you answer",
        }
    }
}

/// Recipients of an answer to `answered`, or to the last message: to everybody who had it, or to its writer alone.
pub fn suggest(
    s: &Snapshot<'_>,
    by: &Actor,
    id: ConversationId,
    answered: Option<MessageId>,
    all: bool,
) -> Result<Vec<Recipient>> {
    let conversation = require(s, by, id)?;
    let answered = match answered {
        Some(message) => Some(message::of(s, by, id, message)?),
        None => message::list(s, by, id)?.into_iter().rfind(is_answerable),
    };
    of_answer(s, &conversation, answered.as_ref(), all)
}

/// What people mean by "the last message": not notes, automatic answers, what went to or came from third parties.
fn is_answerable(message: &Message) -> bool {
    message.kind != MessageType::Note
        && !message.is_automatic
        && !message.is_third_party
        && message.forward_of_id.is_none()
}

pub(super) fn of_answer(
    s: &Snapshot<'_>,
    conversation: &Conversation,
    answered: Option<&Message>,
    all: bool,
) -> Result<Vec<Recipient>> {
    let mut found = Found { s, conversation: conversation.id, recipients: Vec::new() };
    if let Some(mail) = answered.filter(|message| message.kind == MessageType::Email) {
        let is_ours = mail.sender_type == "agent";
        let wrote = if mail.is_third_party { Reason::WroteAsThirdParty } else { Reason::Wrote };
        match is_ours {
            true => found.add(&mail.to_addresses, false, Reason::WasTo)?,
            false => found.add(&mail.from_address, false, wrote)?,
        }
        if all {
            if !is_ours {
                found.add(&mail.to_addresses, true, Reason::WasTo)?;
            }
            found.add(&mail.cc_addresses, true, Reason::WasCc)?;
        }
    }
    if !found.recipients.iter().any(|recipient| !recipient.is_cc) {
        let email = conversation.contact_id.map(|id| contact::email_of(s, id)).transpose()?.flatten();
        found.add(&email.unwrap_or_default(), false, Reason::Contact)?;
    }
    Ok(found.recipients)
}

struct Found<'a> {
    s: &'a Snapshot<'a>,
    conversation: ConversationId,
    recipients: Vec<Recipient>,
}

impl Found<'_> {
    fn add(&mut self, addresses: &str, is_cc: bool, reason: Reason) -> Result<()> {
        for address in addresses.split(',').map(str::trim).filter(|address| crate::mail::is_address(address))
        {
            let is_known = self.recipients.iter().any(|known| known.address.eq_ignore_ascii_case(address));
            if is_known || outgoing_mail::is_own_address(self.s, address)? {
                continue;
            }
            let name = match contact::by_email(self.s, address)? {
                Some(id) => contact::names(self.s, &[id])?.into_values().next().unwrap_or_default(),
                None => String::new(),
            };
            self.recipients.push(Recipient {
                address: address.to_owned(),
                name,
                is_cc,
                reason,
                is_new: is_new(self.s, self.conversation, address)?,
            });
        }
        Ok(())
    }
}

/// Whether an address is a first-time one: no contact's, never written to, not in the thread.
pub fn is_new(s: &Snapshot<'_>, conversation: ConversationId, address: &str) -> Result<bool> {
    let is_known = s.exists(
        "SELECT 1 FROM contact_identity WHERE type = 'email' AND value = ?1
         UNION ALL SELECT 1 FROM outgoing_recipient WHERE address = ?1",
        [address],
    )?;
    Ok(!is_known && !intake::is_part_of(s, conversation, address)?)
}
