//! Magic links: how a contact signs in to the portal. Used once, valid for half an hour, stored hashed.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{contact, outgoing_mail, secret, site};
use crate::db::Tx;
use crate::error::Result;
use crate::ids::ContactId;
use crate::language::Language;
use crate::mail::is_address;

const LIFE: Duration = Duration::from_secs(30 * 60);
/// Links that one contact can have open: asking more often sends nothing more.
const OPEN_LINKS: i64 = 5;

/// Mails a link to whoever owns `email`. An address nobody owns becomes a new contact, so that first-time visitors
/// can sign in and the answer is the same for every address. `link` makes the URL from the token.
pub fn request(
    tx: &Tx<'_>,
    email: &str,
    language: Language,
    link: impl FnOnce(&str) -> String,
) -> Result<()> {
    let email = email.trim();
    if !is_address(email) || outgoing_mail::is_own_address(tx, email)? {
        return Ok(());
    }
    let contact = contact::find_or_create(tx, email, None)?;
    tx.run("DELETE FROM sign_in_link WHERE expires_at <= ?", [tx.now()])?;
    if OPEN_LINKS <= tx.number("SELECT count(*) FROM sign_in_link WHERE contact_id = ?", [contact])? {
        return Ok(());
    }
    let token = create(tx, contact)?;
    let site = site::get(tx)?;
    outgoing_mail::enqueue_sign_in_link(tx, &site, language, email, &link(&token))
}

/// Stores a new link and returns its token.
pub fn create(tx: &Tx<'_>, contact: ContactId) -> Result<String> {
    let token = secret::random_token()?;
    tx.run(
        "INSERT INTO sign_in_link (hash, contact_id, created_at, expires_at) VALUES (?, ?, ?, ?)",
        (hash(&token), contact, tx.now(), tx.now().plus(LIFE)),
    )?;
    Ok(token)
}

/// Uses the link up; `None` when it is unknown, used or too old.
pub fn redeem(tx: &Tx<'_>, token: &str) -> Result<Option<ContactId>> {
    tx.one(
        "DELETE FROM sign_in_link WHERE hash = ? AND ? < expires_at RETURNING contact_id",
        (hash(token), tx.now()),
        |row| row.get(0),
    )
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
