//! Sessions of signed-in browsers, of agents and of contacts. The cookie holds 256 random bits; the table their hash.

use std::net::IpAddr;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::secret;
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::{AgentId, ContactId};
use crate::time::Timestamp;

/// Without a request for this long a session ends; live streams do not count.
const IDLE: Duration = Duration::from_secs(8 * 3600);
/// A session ends this long after sign-in, whatever happens.
const LONGEST: Duration = Duration::from_secs(14 * 24 * 3600);
/// `seen_at` is written at most this often, so that reading a page is no write.
const SEEN_EVERY: Duration = Duration::from_secs(300);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    Agent(AgentId),
    Contact(ContactId),
}

/// How the owner of a session proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    Password,
    /// A link that was mailed to them.
    Link,
    /// The word of the identity provider.
    Provider,
}

impl Proof {
    fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Link => "link",
            Self::Provider => "provider",
        }
    }

    fn stored(name: &str) -> Self {
        match name {
            "link" => Self::Link,
            "provider" => Self::Provider,
            _ => Self::Password,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Session {
    pub hash: [u8; 32],
    pub owner: Owner,
    pub proof: Proof,
    pub created_at: Timestamp,
    /// The secret that every form of this session carries.
    pub csrf: String,
    pub seen_at: Timestamp,
}

/// Starts a session and returns the cookie's value.
pub fn create(tx: &Tx<'_>, owner: Owner, proof: Proof, user_agent: &str, address: IpAddr) -> Result<String> {
    let token = secret::random_token()?;
    let (agent, contact) = match owner {
        Owner::Agent(id) => (Some(id), None),
        Owner::Contact(id) => (None, Some(id)),
    };
    tx.run(
        "INSERT INTO session (hash, agent_id, contact_id, csrf, user_agent, address, proof, created_at, seen_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
        (
            hash(&token),
            agent,
            contact,
            secret::random_token()?,
            user_agent.chars().take(200).collect::<String>(),
            address.to_string(),
            proof.name(),
            tx.now(),
        ),
    )?;
    Ok(token)
}

/// The session of a cookie's value, unless it has ended, or its owner was deactivated or deleted.
pub fn get(s: &Snapshot<'_>, token: &str, now: Timestamp) -> Result<Option<Session>> {
    s.one(
        "SELECT x.hash, x.agent_id, x.contact_id, x.csrf, x.seen_at, x.proof, x.created_at FROM session x
         LEFT JOIN agent a ON a.id = x.agent_id LEFT JOIN contact c ON c.id = x.contact_id
         WHERE x.hash = ?1 AND ?2 < x.seen_at AND ?3 < x.created_at
           AND (a.id IS NULL OR (a.is_active = 1 AND a.deleted_at IS NULL)) AND (c.id IS NULL OR c.deleted_at IS NULL)",
        (hash(token), now.minus(IDLE), now.minus(LONGEST)),
        |row| {
            let owner = match row.get(1)? {
                Some(agent) => Owner::Agent(agent),
                None => Owner::Contact(row.get(2)?),
            };
            Ok(Session {
                hash: row.get(0)?,
                owner,
                csrf: row.get(3)?,
                seen_at: row.get(4)?,
                proof: Proof::stored(row.get_ref(5)?.as_str()?),
                created_at: row.get(6)?,
            })
        },
    )
}

/// A session as its owner sees it in the list of theirs.
#[derive(Debug, Clone)]
pub struct Listed {
    pub hash: [u8; 32],
    pub user_agent: String,
    pub address: String,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
}

impl Listed {
    /// Names it in forms: nobody can sign in with it.
    pub fn name(&self) -> String {
        secret::hex(&self.hash)
    }
}

/// An agent's sessions that go on, the last seen first.
pub fn of_agent(s: &Snapshot<'_>, agent: AgentId, now: Timestamp) -> Result<Vec<Listed>> {
    s.all(
        "SELECT hash, user_agent, address, created_at, seen_at FROM session
         WHERE agent_id = ? AND ? < seen_at AND ? < created_at ORDER BY seen_at DESC, created_at DESC",
        (agent, now.minus(IDLE), now.minus(LONGEST)),
        |row| {
            Ok(Listed {
                hash: row.get(0)?,
                user_agent: row.get(1)?,
                address: row.get(2)?,
                created_at: row.get(3)?,
                seen_at: row.get(4)?,
            })
        },
    )
}

/// Ends one of an agent's own sessions, by its name.
pub fn end(tx: &Tx<'_>, agent: AgentId, name: &str) -> Result<()> {
    match tx.run("DELETE FROM session WHERE agent_id = ? AND lower(hex(hash)) = ?", (agent, name))? {
        0 => Err(Error::not_found("session", name)),
        _ => Ok(()),
    }
}

/// Whether a session that was there still is.
pub fn goes_on(s: &Snapshot<'_>, session: &[u8], now: Timestamp) -> Result<bool> {
    s.exists(
        "SELECT 1 FROM session WHERE hash = ? AND ? < seen_at AND ? < created_at",
        (session, now.minus(IDLE), now.minus(LONGEST)),
    )
}

/// Whether `seen_at` is old enough to be written again.
pub fn wants_touch(session: &Session, now: Timestamp) -> bool {
    SEEN_EVERY <= now.since(session.seen_at)
}

pub fn touch(tx: &Tx<'_>, session: &[u8]) -> Result<()> {
    tx.run("UPDATE session SET seen_at = ? WHERE hash = ?", (tx.now(), session))?;
    Ok(())
}

pub fn delete(tx: &Tx<'_>, session: &[u8]) -> Result<()> {
    tx.run("DELETE FROM session WHERE hash = ?", [session])?;
    Ok(())
}

/// Signs somebody out everywhere but in the session with the hash `keep`.
pub fn end_others(tx: &Tx<'_>, owner: Owner, keep: &[u8]) -> Result<()> {
    match owner {
        Owner::Agent(id) => tx.run("DELETE FROM session WHERE agent_id = ? AND hash <> ?", (id, keep))?,
        Owner::Contact(id) => tx.run("DELETE FROM session WHERE contact_id = ? AND hash <> ?", (id, keep))?,
    };
    Ok(())
}

/// Removes sessions that have ended.
pub fn sweep(tx: &Tx<'_>) -> Result<usize> {
    tx.run(
        "DELETE FROM session WHERE seen_at <= ? OR created_at <= ?",
        (tx.now().minus(IDLE), tx.now().minus(LONGEST)),
    )
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}
