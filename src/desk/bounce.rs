//! What a delivery report does (contract 20.3): it belongs to the mail of ours that came back, and marks the recipient
//! who did not get it. It makes no message and no contact, opens nothing again and is answered by nobody.

use super::audit::{self, Action};
use super::email_account;
use super::event::{self, Change};
use super::inbound_mail::{Decision, Outcome};
use super::outgoing_mail::{self, OutgoingMail};
use super::{Actor, Permission, site};
use crate::db::{Snapshot, Tx};
use crate::error::Result;
use crate::ids::{EmailAccountId, MessageId, OutgoingMailId};
use crate::mail::incoming::{Bounce, Incoming, Severity};
use crate::mail::threading;

/// Heeds a report and says what became of it. One that names no mail of ours changes nothing.
pub(super) fn heed(tx: &Tx<'_>, incoming: &Incoming, bounce: &Bounce, header: &str) -> Result<Decision> {
    let Some((mail, matched_by)) = find(tx, incoming, bounce)? else {
        let reason = format!("a delivery report about no mail of ours; {}", bounce.decided_by);
        return Ok(Decision {
            matched_by: Some(header.to_owned()),
            ..Decision::without_message(Outcome::Ignored, reason)
        });
    };
    let addresses = concerned(&mail, bounce);
    let said = said(bounce);
    let what = match bounce.severity {
        Severity::Hard => "could not be delivered",
        Severity::Soft => "was given up, which may pass",
        Severity::Delayed => "is delayed",
    };
    let reason = format!("mail to {} {what}: {said}", addresses.join(", "));
    for address in &addresses {
        if bounce.severity == Severity::Delayed {
            outgoing_mail::note_delay(tx, mail.id, address, &said)?;
        } else {
            outgoing_mail::note_bounce(tx, mail.id, address, &said)?;
        }
    }
    let place = match (mail.conversation_id, mail.message_id) {
        (Some(conversation), Some(message)) => {
            let change = match bounce.severity {
                Severity::Delayed => Change::Remarked { message, remark: reason.clone() },
                Severity::Hard | Severity::Soft => Change::MailFailed { message, error: reason.clone() },
            };
            event::record(tx, &Actor::System, conversation, change)?;
            Some((conversation, message))
        }
        _ => None,
    };
    Ok(Decision { outcome: Outcome::Ignored, reason, matched_by: Some(matched_by), place })
}

/// The mail that came back: by its Message-ID, which holds our seal, or by a token that the report was sent to.
fn find(s: &Snapshot<'_>, incoming: &Incoming, bounce: &Bounce) -> Result<Option<(OutgoingMail, String)>> {
    for id in &bounce.returned_ids {
        let found: Option<OutgoingMailId> =
            s.one("SELECT id FROM outgoing_mail WHERE internet_message_id = ?", [id], |row| row.get(0))?;
        if let Some(mail) = found.map(|id| outgoing_mail::get(s, id)).transpose()?.flatten() {
            return Ok(Some((mail, "Message-ID of the mail that came back".to_owned())));
        }
    }
    for found in threading::tokens(&site::thread_key(s)?, incoming) {
        if let Some(mail) = outgoing_mail::of_message(s, MessageId(found.token.message))? {
            return Ok(Some((mail, format!("signed token in {}", found.source))));
        }
    }
    Ok(None)
}

/// Where reports about a mail go, its envelope sender: to an address of that very mail where the account takes
/// plus-addresses, else to the account's own. Reports about automatic mail go nowhere (RFC 3834): nobody waits for
/// them, and they cannot loop.
pub fn return_path(s: &Snapshot<'_>, mail: &OutgoingMail) -> Result<Option<String>> {
    if mail.is_automatic {
        return Ok(None);
    }
    let own = || Ok(Some(mail.from_address.clone()));
    let (Some(account), Some(conversation), Some(message)) =
        (mail.email_account_id, mail.conversation_id, mail.message_id)
    else {
        return own();
    };
    if !has_plus_addresses(s, account)? {
        return own();
    }
    let first = mail.recipients.first().map_or("", |recipient| &recipient.address);
    let key = site::thread_key(s)?;
    match threading::reply_address(&key, &mail.from_address, conversation.0, message.0, first) {
        Some(address) => Ok(Some(address)),
        None => own(),
    }
}

/// Whether mail to `local+anything@domain` reaches the account.
pub fn has_plus_addresses(s: &Snapshot<'_>, account: EmailAccountId) -> Result<bool> {
    s.exists("SELECT 1 FROM email_account WHERE id = ? AND has_plus_addresses = 1", [account])
}

pub fn set_plus_addresses(tx: &Tx<'_>, by: &Actor, account: EmailAccountId, has: bool) -> Result<()> {
    by.require(Permission::ManageChannels)?;
    let email = email_account::require(tx, account)?.email;
    tx.run("UPDATE email_account SET has_plus_addresses = ? WHERE id = ?", (has, account))?;
    let how = if has { "to an address of each mail" } else { "to the account's own address" };
    audit::record(tx, by, Action::Channel, format!("had reports about mail of '{email}' sent {how}"), "")
}

/// Who did not get it: those recipients that the report names, or the only one there is.
fn concerned(mail: &OutgoingMail, bounce: &Bounce) -> Vec<String> {
    let all = || mail.recipients.iter().map(|recipient| recipient.address.clone());
    let named: Vec<String> = all()
        .filter(|address| bounce.recipients.iter().any(|named| named.eq_ignore_ascii_case(address)))
        .collect();
    // The report of one recipient may return a mail that names them all: the first address is the one meant.
    let first = bounce.recipients.iter().find_map(|named| all().find(|a| a.eq_ignore_ascii_case(named)));
    match (first, named.len(), mail.recipients.len()) {
        (_, 0, 1) => all().collect(),
        (Some(first), 2.., _) => vec![first],
        _ => named,
    }
}

fn said(bounce: &Bounce) -> String {
    let parts: Vec<&str> =
        [bounce.status.as_str(), &bounce.diagnostic].into_iter().filter(|part| !part.is_empty()).collect();
    let both = parts.join(" ");
    if both.is_empty() { bounce.decided_by.clone() } else { both }
}
