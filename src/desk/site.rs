//! The site: its name, time zone and switches, the keys that sign thread tokens, and the one-time set-up token.

use sha2::{Digest, Sha256};

use super::audit::{self, Action};
use super::{Actor, Permission, agent, check_name};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Problems, Result};
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
    /// After how many days it can no longer be told why something happened by itself.
    pub trace_retention_days: i64,
    pub company: String,
    pub website: String,
    /// What agents without one of their own see times in.
    pub date_time_format: String,
    /// Marks mail we sent, so that we recognise it when it comes back.
    pub instance: String,
}

pub fn get(s: &Snapshot<'_>) -> Result<Site> {
    s.one(
        "SELECT name, time_zone, is_department_enabled, recipient_limit, company, website, date_time_format, instance,
           undo_seconds, junk_retention_days, trace_retention_days
         FROM site",
        [],
        |row| {
            Ok(Site {
                name: row.get(0)?,
                time_zone: row.get(1)?,
                is_department_enabled: row.get(2)?,
                recipient_limit: row.get(3)?,
                company: row.get(4)?,
                website: row.get(5)?,
                date_time_format: row.get(6)?,
                instance: row.get(7)?,
                undo_seconds: row.get(8)?,
                junk_retention_days: row.get(9)?,
                trace_retention_days: row.get(10)?,
            })
        },
    )?
    .ok_or_else(|| Error::internal("the file has no site row"))
}

/// What may be set on the site's profile; `None` leaves a property alone.
#[derive(Debug, Clone, Default)]
pub struct ProfileChange {
    pub name: Option<String>,
    pub company: Option<String>,
    pub website: Option<String>,
    pub time_zone: Option<String>,
    pub date_time_format: Option<String>,
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

pub fn change_profile(tx: &Tx<'_>, by: &Actor, change: &ProfileChange) -> Result<Site> {
    by.require(Permission::ManageSiteProfile)?;
    let mut problems = Problems::default();
    if let Some(name) = &change.name
        && let Err(Error::Invalid(found)) = check_name("siteName", name, 100)
    {
        problems.add("siteName", found[0].message.clone());
    }
    for (field, value) in [("company", &change.company), ("website", &change.website)] {
        let is_short = value.as_deref().unwrap_or_default().chars().count() <= 200;
        problems.require(is_short, field, "is longer than 200 characters");
    }
    if let Some(address) = change.website.as_deref().map(str::trim).filter(|address| !address.is_empty()) {
        let is_web = address.starts_with("https://") || address.starts_with("http://");
        problems.require(is_web, "website", format!("'{address}' does not begin with https:// or http://"));
    }
    if let Some(zone) = &change.time_zone {
        problems.require(time::is_time_zone(zone), "timeZone", format!("'{zone}' is not an IANA time zone"));
    }
    if let Some(format) = &change.date_time_format {
        let is_known = agent::date_time_formats().contains(format);
        problems.require(is_known, "dateTimeFormat", format!("'{format}' is not one of the formats offered"));
    }
    problems.check()?;
    let before = get(tx)?;
    tx.run(
        "UPDATE site SET name = coalesce(?, name), company = coalesce(?, company), website = coalesce(?, website),
           time_zone = coalesce(?, time_zone), date_time_format = coalesce(?, date_time_format)",
        (
            change.name.as_deref().map(str::trim),
            change.company.as_deref().map(str::trim),
            change.website.as_deref().map(str::trim),
            &change.time_zone,
            &change.date_time_format,
        ),
    )?;
    let after = get(tx)?;
    if before.time_zone != after.time_zone {
        super::sla::reconsider(tx)?;
    }
    let details = audit::difference(&facts(&before), &facts(&after));
    audit::record(tx, by, Action::Site, "changed the site's profile", details)?;
    Ok(after)
}

/// Most addresses that one mail may be allowed.
const MOST_RECIPIENTS: i64 = 500;

/// The two switches of contract 10.5; `None` leaves one alone. Without departments, conversations keep those they
/// have, but none can be given.
pub fn configure(
    tx: &Tx<'_>,
    by: &Actor,
    is_department_enabled: Option<bool>,
    recipient_limit: Option<i64>,
) -> Result<Site> {
    by.require(Permission::ManageSettings)?;
    if let Some(limit) = recipient_limit
        && !(1..=MOST_RECIPIENTS).contains(&limit)
    {
        let message = format!("must be between 1 and {MOST_RECIPIENTS}, not {limit}");
        return Err(Error::invalid("recipientLimitPerEmail", message));
    }
    let before = get(tx)?;
    tx.run(
        "UPDATE site SET is_department_enabled = coalesce(?, is_department_enabled),
           recipient_limit = coalesce(?, recipient_limit)",
        (is_department_enabled, recipient_limit),
    )?;
    let after = get(tx)?;
    let details = audit::difference(&facts(&before), &facts(&after));
    audit::record(tx, by, Action::Site, "changed the site's configuration", details)?;
    Ok(after)
}

/// What the audit log tells of a change.
fn facts(site: &Site) -> [(&'static str, String); 7] {
    [
        ("siteName", site.name.clone()),
        ("company", site.company.clone()),
        ("website", site.website.clone()),
        ("timeZone", site.time_zone.clone()),
        ("dateTimeFormat", site.date_time_format.clone()),
        ("isEnabledDepartment", site.is_department_enabled.to_string()),
        ("recipientLimitPerEmail", site.recipient_limit.to_string()),
    ]
}

/// How long junk mail is kept, from 1 to 3650 days.
pub fn set_junk_retention(tx: &Tx<'_>, by: &Actor, days: i64) -> Result<()> {
    by.require(Permission::ManageSettings)?;
    if !(1..=3650).contains(&days) {
        return Err(Error::invalid("junkRetentionDays", format!("must be from 1 to 3650, not {days}")));
    }
    tx.run("UPDATE site SET junk_retention_days = ?", [days])?;
    audit::record(tx, by, Action::Site, format!("set junk mail to be kept {days} days"), "")
}

/// How long traces of automatic decisions are kept, from 1 to 3650 days.
pub fn set_trace_retention(tx: &Tx<'_>, by: &Actor, days: i64) -> Result<()> {
    by.require(Permission::ManageSettings)?;
    if !(1..=3650).contains(&days) {
        return Err(Error::invalid("traceRetentionDays", format!("must be from 1 to 3650, not {days}")));
    }
    if 0 == tx.run("UPDATE site SET trace_retention_days = ?1 WHERE trace_retention_days <> ?1", [days])? {
        return Ok(());
    }
    audit::record(tx, by, Action::Site, format!("set traces of decisions to be kept {days} days"), "")
}

/// From 0 (mail leaves at once) to 120.
pub fn set_undo_seconds(tx: &Tx<'_>, by: &Actor, seconds: i64) -> Result<()> {
    by.require(Permission::ManageSettings)?;
    if !(0..=120).contains(&seconds) {
        return Err(Error::invalid("undoSeconds", format!("must be from 0 to 120, not {seconds}")));
    }
    tx.run("UPDATE site SET undo_seconds = ?", [seconds])?;
    audit::record(tx, by, Action::Site, format!("set mail to wait {seconds} seconds for undo"), "")
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
