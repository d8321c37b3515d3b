//! The password that a contact may have beside the mailed links. It is theirs alone: agents can neither set nor see it.
//! Checked by `password_policy` and hashed before it gets here.

use super::session::{self, Owner};
use super::{contact, outgoing_mail, site};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::ContactId;
use crate::language::Language;

pub fn is_set(s: &Snapshot<'_>, contact: ContactId) -> Result<bool> {
    s.exists("SELECT 1 FROM contact_password WHERE contact_id = ?", [contact])
}

/// Sets or changes it. Every session but `keep` ends, mailed links that are open are void, and the contact is told by
/// mail.
pub fn set(tx: &Tx<'_>, by: ContactId, hash: &str, keep: &[u8], language: Language) -> Result<()> {
    tx.run(
        "INSERT INTO contact_password (contact_id, hash, changed_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (contact_id) DO UPDATE SET hash = ?2, failed_sign_ins = 0, locked_until = NULL, changed_at = ?3",
        (by, hash, tx.now()),
    )?;
    tell(tx, by, keep, language, true)
}

/// Takes it away, with the same consequences.
pub fn delete(tx: &Tx<'_>, by: ContactId, keep: &[u8], language: Language) -> Result<()> {
    if tx.run("DELETE FROM contact_password WHERE contact_id = ?", [by])? == 0 {
        return Err(Error::Conflict("there is no password to remove".to_owned()));
    }
    tell(tx, by, keep, language, false)
}

fn tell(tx: &Tx<'_>, contact: ContactId, keep: &[u8], language: Language, is_set: bool) -> Result<()> {
    session::end_others(tx, Owner::Contact(contact), keep)?;
    tx.run("DELETE FROM sign_in_link WHERE contact_id = ?", [contact])?;
    let Some(email) = contact::email_of(tx, contact)? else { return Ok(()) };
    outgoing_mail::enqueue_password_notice(tx, &site::get(tx)?, language, &email, is_set)
}

/// The contact's address changed, or the contact is gone: nothing that was proved with the old one counts any more.
pub(super) fn forget(tx: &Tx<'_>, contact: ContactId) -> Result<()> {
    tx.run("DELETE FROM session WHERE contact_id = ?", [contact])?;
    tx.run("DELETE FROM sign_in_link WHERE contact_id = ?", [contact])?;
    tx.run("DELETE FROM contact_password WHERE contact_id = ?", [contact])?;
    Ok(())
}
