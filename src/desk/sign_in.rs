//! Signing in with a password: what it is compared with, and what failures cost.

use std::net::IpAddr;
use std::time::Duration;

use super::{audit, password_policy};
use crate::db::{Snapshot, Tx};
use crate::error::Result;
use crate::ids::AgentId;
use crate::time::Timestamp;

/// What sign-in needs: looked up before the slow comparison.
pub struct Credentials {
    pub id: AgentId,
    pub password_hash: Option<String>,
    pub locked_until: Option<Timestamp>,
}

pub fn credentials(s: &Snapshot<'_>, email: &str) -> Result<Option<Credentials>> {
    s.one(
        "SELECT id, password_hash, locked_until FROM agent
         WHERE email = ? AND is_active = 1 AND deleted_at IS NULL",
        [email.trim()],
        |row| Ok(Credentials { id: row.get(0)?, password_hash: row.get(1)?, locked_until: row.get(2)? }),
    )
}

/// The longest lock: it doubles with each further failure.
const LONGEST_LOCK: Duration = Duration::from_secs(3600);

/// Counts a wrong password that came from `address`. From the number on that the password policy names, sign-in is
/// refused for one minute, then two, four, at most an hour.
pub fn record_failure(tx: &Tx<'_>, id: AgentId, address: IpAddr) -> Result<()> {
    let failures = tx.one(
        "UPDATE agent SET failed_sign_ins = failed_sign_ins + 1 WHERE id = ? RETURNING failed_sign_ins",
        [id],
        |row| row.get::<_, i64>(0),
    )?;
    let policy = password_policy::get(tx)?;
    let excess = failures.unwrap_or(0) - policy.allowed_failures;
    if !policy.locks || excess < 0 {
        return audit::record_sign_in(tx, id, "gave a wrong password", &from(address));
    }
    let lock = Duration::from_secs(60 << excess.min(6)).min(LONGEST_LOCK);
    tx.run(
        "UPDATE agent SET locked_until = ?, locked_at = ? WHERE id = ?",
        (tx.now().plus(lock), tx.now(), id),
    )?;
    audit::record_sign_in(tx, id, "was locked out after wrong passwords", &from(address))
}

/// Notes that the agent proved to know the password, from `address`; `summary` is for the audit log.
pub fn record(tx: &Tx<'_>, id: AgentId, summary: &str, address: IpAddr) -> Result<()> {
    tx.run(
        "UPDATE agent SET failed_sign_ins = 0, locked_until = NULL, last_sign_in_at = ? WHERE id = ?",
        (tx.now(), id),
    )?;
    audit::record_sign_in(tx, id, summary, &from(address))
}

fn from(address: IpAddr) -> String {
    format!("from {address}")
}
