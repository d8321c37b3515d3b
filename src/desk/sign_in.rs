//! Signing in with a password, of agents and of contacts alike: what it is compared with, and what failures cost.

use std::net::IpAddr;
use std::time::Duration;

use super::audit::{self, Action};
use super::session::Owner;
use super::{Actor, password_policy};
use crate::db::{Snapshot, Tx};
use crate::error::Result;
use crate::ids::{AgentId, ContactId};
use crate::time::Timestamp;

/// What sign-in needs: looked up before the slow comparison.
pub struct Credentials {
    pub owner: Owner,
    pub password_hash: Option<String>,
    pub locked_until: Option<Timestamp>,
}

pub fn of_agent(s: &Snapshot<'_>, email: &str) -> Result<Option<Credentials>> {
    s.one(
        "SELECT id, password_hash, locked_until FROM agent
         WHERE email = ? AND is_active = 1 AND deleted_at IS NULL",
        [email.trim()],
        |row| {
            let owner = Owner::Agent(row.get(0)?);
            Ok(Credentials { owner, password_hash: row.get(1)?, locked_until: row.get(2)? })
        },
    )
}

/// Of a contact who has set a password.
pub fn of_contact(s: &Snapshot<'_>, email: &str) -> Result<Option<Credentials>> {
    s.one(
        "SELECT p.contact_id, p.hash, p.locked_until FROM contact_identity i
         JOIN contact c ON c.id = i.contact_id JOIN contact_password p ON p.contact_id = c.id
         WHERE i.type = 'email' AND i.value = ? AND i.is_freed = 0 AND c.deleted_at IS NULL",
        [email.trim()],
        |row| {
            let owner = Owner::Contact(row.get(0)?);
            Ok(Credentials { owner, password_hash: row.get(1)?, locked_until: row.get(2)? })
        },
    )
}

/// The longest lock: it doubles with each further failure.
const LONGEST_LOCK: Duration = Duration::from_secs(3600);

/// Counts a wrong password that came from `address`. From the number on that the password policy names, sign-in is
/// refused for one minute, then two, four, at most an hour.
pub fn record_failure(tx: &Tx<'_>, owner: Owner, address: IpAddr) -> Result<()> {
    let failures = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0);
    let failures = match owner {
        Owner::Agent(id) => tx.one(
            "UPDATE agent SET failed_sign_ins = failed_sign_ins + 1 WHERE id = ? RETURNING failed_sign_ins",
            [id],
            failures,
        )?,
        Owner::Contact(id) => tx.one(
            "UPDATE contact_password SET failed_sign_ins = failed_sign_ins + 1 WHERE contact_id = ?
             RETURNING failed_sign_ins",
            [id],
            failures,
        )?,
    };
    let policy = password_policy::get(tx)?;
    let excess = failures.unwrap_or(0) - policy.allowed_failures;
    let lock = (policy.locks && 0 <= excess)
        .then(|| tx.now().plus(Duration::from_secs(60 << excess.clamp(0, 6)).min(LONGEST_LOCK)));
    match owner {
        Owner::Agent(id) => fail_agent(tx, id, lock, address),
        Owner::Contact(id) => fail_contact(tx, id, lock, address),
    }
}

fn fail_agent(tx: &Tx<'_>, id: AgentId, lock: Option<Timestamp>, address: IpAddr) -> Result<()> {
    let Some(until) = lock else {
        return audit::record_sign_in(tx, id, "gave a wrong password", &from(address));
    };
    tx.run("UPDATE agent SET locked_until = ?, locked_at = ? WHERE id = ?", (until, tx.now(), id))?;
    audit::record_sign_in(tx, id, "was locked out after wrong passwords", &from(address))
}

fn fail_contact(tx: &Tx<'_>, id: ContactId, lock: Option<Timestamp>, address: IpAddr) -> Result<()> {
    let Some(until) = lock else { return Ok(()) };
    tx.run("UPDATE contact_password SET locked_until = ? WHERE contact_id = ?", (until, id))?;
    let summary = format!("locked the portal password of contact {id} after wrong ones");
    audit::record(tx, &Actor::System, Action::Security, summary, from(address))
}

/// As much work as a failure that counts against somebody, so that the time of an answer tells nothing.
pub fn record_failure_of_nobody(tx: &Tx<'_>) -> Result<()> {
    tx.run("UPDATE password_policy SET failures_of_nobody = failures_of_nobody + 1", [])?;
    Ok(())
}

/// Notes that an agent proved to know the password, from `address`; `summary` is for the audit log.
pub fn record(tx: &Tx<'_>, id: AgentId, summary: &str, address: IpAddr) -> Result<()> {
    tx.run(
        "UPDATE agent SET failed_sign_ins = 0, locked_until = NULL, last_sign_in_at = ? WHERE id = ?",
        (tx.now(), id),
    )?;
    audit::record_sign_in(tx, id, summary, &from(address))
}

/// Forgets the failures of a contact who has signed in, by password or link.
pub fn record_contact(tx: &Tx<'_>, id: ContactId) -> Result<()> {
    tx.run(
        "UPDATE contact_password SET failed_sign_ins = 0, locked_until = NULL WHERE contact_id = ?",
        [id],
    )?;
    Ok(())
}

fn from(address: IpAddr) -> String {
    format!("from {address}")
}
