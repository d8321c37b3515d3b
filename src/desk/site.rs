//! The site: its name, time zone and switches, the keys that sign thread tokens, and the one-time set-up token.

use sha2::{Digest, Sha256};

use super::audit::{self, Action};
use super::{Actor, Permission, check_name};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::mail::threading::TokenKey;
use crate::time;

#[derive(Debug, Clone)]
pub struct Site {
    pub name: String,
    /// IANA name.
    pub time_zone: String,
    pub is_department_enabled: bool,
    /// Most addresses in to and cc of one mail (contract 10.5).
    pub recipient_limit: i64,
    /// How long an agent's mail waits so that it can be taken back.
    pub undo_seconds: i64,
    /// After how many days junk mail goes (contract 22).
    pub junk_retention_days: i64,
    /// Marks mail we sent, so that we recognise it when it comes back.
    pub instance: String,
}

pub fn get(s: &Snapshot<'_>) -> Result<Site> {
    s.one(
        "SELECT name, time_zone, is_department_enabled, recipient_limit, junk_retention_days, instance, undo_seconds
         FROM site",
        [],
        |row| {
            Ok(Site {
                name: row.get(0)?,
                time_zone: row.get(1)?,
                is_department_enabled: row.get(2)?,
                recipient_limit: row.get(3)?,
                undo_seconds: row.get(6)?,
                junk_retention_days: row.get(4)?,
                instance: row.get(5)?,
            })
        },
    )?
    .ok_or_else(|| Error::internal("the file has no site row"))
}

/// Signs the tokens in our Message-IDs (contract 20.3).
pub fn thread_key(s: &Snapshot<'_>) -> Result<TokenKey> {
    picture_key(s).map(TokenKey::new)
}

/// Signs the URLs of pictures in mail frames (see `attachment::with_signed_pictures`).
pub fn picture_key(s: &Snapshot<'_>) -> Result<[u8; 32]> {
    s.one("SELECT thread_key FROM site", [], |row| row.get(0))?
        .ok_or_else(|| Error::internal("the file has no site row"))
}

pub fn rename(tx: &Tx<'_>, by: &Actor, name: &str, time_zone: &str) -> Result<()> {
    by.require(Permission::ManageSiteProfile)?;
    let name = check_name("siteName", name, 100)?;
    if !time::is_time_zone(time_zone) {
        return Err(Error::invalid("timeZone", format!("'{time_zone}' is not an IANA time zone")));
    }
    let before = get(tx)?;
    tx.run("UPDATE site SET name = ?, time_zone = ?", (&name, time_zone))?;
    if before.time_zone != time_zone {
        super::sla::reconsider(tx)?;
    }
    let details = audit::difference(
        &[("siteName", before.name), ("timeZone", before.time_zone)],
        &[("siteName", name), ("timeZone", time_zone.to_owned())],
    );
    audit::record(tx, by, Action::Site, "changed the site's profile", details)
}

/// How long junk mail is kept, from 1 to 3650 days.
pub fn set_junk_retention(tx: &Tx<'_>, by: &Actor, days: i64) -> Result<()> {
    by.require(Permission::ManageSettings)?;
    if !(1..=3650).contains(&days) {
        return Err(Error::invalid("junkRetentionDays", format!("must be from 1 to 3650, not {days}")));
    }
    tx.run("UPDATE site SET junk_retention_days = ?", [days])?;
    Ok(())
}

/// From 0 (mail leaves at once) to 120.
pub fn set_undo_seconds(tx: &Tx<'_>, by: &Actor, seconds: i64) -> Result<()> {
    by.require(Permission::ManageSettings)?;
    if !(0..=120).contains(&seconds) {
        return Err(Error::invalid("undoSeconds", format!("must be from 0 to 120, not {seconds}")));
    }
    tx.run("UPDATE site SET undo_seconds = ?", [seconds])?;
    Ok(())
}

/// Whether there was ever an agent: before, only the set-up page makes sense.
pub fn is_set_up(s: &Snapshot<'_>) -> Result<bool> {
    s.exists("SELECT 1 FROM agent LIMIT 1", [])
}

/// Stores the hash of a new set-up token if there is no agent yet; `None` when the site is already set up.
pub fn offer_setup(tx: &Tx<'_>) -> Result<Option<String>> {
    if tx.exists("SELECT 1 FROM agent", [])? {
        tx.run("UPDATE site SET setup_hash = NULL", [])?;
        return Ok(None);
    }
    let token = super::secret::random_token()?;
    tx.run("UPDATE site SET setup_hash = ?", [hash(&token)])?;
    Ok(Some(token))
}

/// Whether `token` is the one offered and nobody has used it.
pub fn is_setup_token(s: &Snapshot<'_>, token: &str) -> Result<bool> {
    let stored: Option<Option<[u8; 32]>> = s.one("SELECT setup_hash FROM site", [], |row| row.get(0))?;
    Ok(stored.flatten().is_some_and(|stored| super::secret::is_equal(&stored, &hash(token))))
}

/// Uses up the set-up token.
pub fn end_setup(tx: &Tx<'_>, token: &str) -> Result<()> {
    if !is_setup_token(tx, token)? || tx.exists("SELECT 1 FROM agent", [])? {
        return Err(Error::Forbidden("this set-up link has been used or replaced".to_owned()));
    }
    tx.run("UPDATE site SET setup_hash = NULL", [])?;
    Ok(())
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
