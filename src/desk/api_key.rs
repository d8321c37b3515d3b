//! API keys: one for an agent, shown once, stored as SHA-256 (contract 2.1).

use sha2::{Digest, Sha256};

use super::audit::{self, Action};
use super::{Actor, Permission, agent, secret};
use crate::db::{Snapshot, Tx};
use crate::error::Result;
use crate::ids::AgentId;
use crate::time::Timestamp;

#[derive(Debug, Clone)]
pub struct ApiKey {
    pub last_four: String,
    pub created_at: Timestamp,
}

pub fn get(s: &Snapshot<'_>, agent: AgentId) -> Result<Option<ApiKey>> {
    s.one("SELECT last_four, created_at FROM api_key WHERE agent_id = ?", [agent], |row| {
        Ok(ApiKey { last_four: row.get(0)?, created_at: row.get(1)? })
    })
}

/// Makes a fresh key, which replaces the old one, and returns it: it cannot be read again. One's own key is free;
/// another agent's needs `manageAgentAndRoles`, and an administrator's only an administrator may make.
pub fn rotate(tx: &Tx<'_>, by: &Actor, agent: AgentId) -> Result<String> {
    if by.agent_id() != Some(agent) {
        by.require(Permission::ManageAgents)?;
    }
    let owner = agent::require(tx, agent)?;
    agent::may_touch(tx, by, &owner)?;
    let key = ["any_", &secret::random_token()?].concat();
    let last_four = &key[key.len() - 4..];
    tx.run(
        "INSERT INTO api_key (agent_id, hash, last_four, created_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (agent_id) DO UPDATE SET hash = ?2, last_four = ?3, created_at = ?4",
        (agent, hash(&key), last_four, tx.now()),
    )?;
    audit::record(tx, by, Action::Security, format!("made a new API key for '{}'", owner.email), "")?;
    Ok(key)
}

/// The agent whose e-mail address and key these are; only an active one who is not locked out.
pub fn agent_of(s: &Snapshot<'_>, email: &str, key: &str, now: Timestamp) -> Result<Option<AgentId>> {
    s.one(
        "SELECT a.id FROM api_key k JOIN agent a ON a.id = k.agent_id
         WHERE k.hash = ? AND a.email = ? AND a.is_active = 1 AND a.deleted_at IS NULL
           AND (a.locked_until IS NULL OR a.locked_until <= ?)",
        (hash(key), email.trim(), now),
        |row| row.get(0),
    )
}

fn hash(key: &str) -> [u8; 32] {
    Sha256::digest(key.as_bytes()).into()
}
