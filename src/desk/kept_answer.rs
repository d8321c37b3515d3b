//! Answers to requests that carried an `Idempotency-Key`, kept for a day: sent again, such a request gets the same
//! answer and is not done again. Only answers of requests that did something are kept; a refused one may be repeated.
//! Forms that send something are kept in the same way, by a token of the page that showed them.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::secret;
use crate::db::Tx;
use crate::error::{Error, Result};
use crate::ids::AgentId;

/// An answer as it went out; the body is sealed, because it may hold a secret that is shown only once.
#[derive(Debug, Clone)]
pub struct KeptAnswer {
    pub status: u16,
    pub location: Option<String>,
    /// `None` when it was too large to be kept.
    pub sealed_body: Option<Vec<u8>>,
}

/// What to do with a request.
#[derive(Debug)]
pub enum Turn {
    /// It is the first: do it, then `keep` or `forget`.
    First,
    Again(KeptAnswer),
}

/// How long an answer is kept.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// Takes the key for a request. `Conflict` when it was used for another one, or when the first still runs.
pub fn begin(tx: &Tx<'_>, agent: AgentId, key: &str, fingerprint: &[u8]) -> Result<Turn> {
    tx.run(
        "DELETE FROM kept_answer WHERE agent_id = ? AND key = ? AND created_at <= ?",
        (agent, key, tx.now().minus(KEPT)),
    )?;
    let known = tx.one(
        "SELECT fingerprint, status, location, sealed_body FROM kept_answer WHERE agent_id = ? AND key = ?",
        (agent, key),
        |row| {
            let fingerprint: Vec<u8> = row.get(0)?;
            let status: Option<u16> = row.get(1)?;
            let (location, sealed_body) = (row.get(2)?, row.get(3)?);
            Ok((fingerprint, status.map(|status| KeptAnswer { status, location, sealed_body })))
        },
    )?;
    match known {
        None => {
            tx.run(
                "INSERT INTO kept_answer (agent_id, key, fingerprint, created_at) VALUES (?, ?, ?, ?)",
                (agent, key, fingerprint, tx.now()),
            )?;
            Ok(Turn::First)
        }
        Some((other, _)) if other != fingerprint => {
            Err(Error::Conflict(format!("the Idempotency-Key '{key}' was used for another request")))
        }
        Some((_, None)) => {
            Err(Error::Conflict(format!("the first request with the Idempotency-Key '{key}' still runs")))
        }
        Some((_, Some(answer))) => Ok(Turn::Again(answer)),
    }
}

pub fn keep(tx: &Tx<'_>, agent: AgentId, key: &str, answer: &KeptAnswer) -> Result<()> {
    tx.run(
        "UPDATE kept_answer SET status = ?, location = ?, sealed_body = ? WHERE agent_id = ? AND key = ?",
        (answer.status, &answer.location, &answer.sealed_body, agent, key),
    )?;
    Ok(())
}

/// The request did nothing: the key is free again.
pub fn forget(tx: &Tx<'_>, agent: AgentId, key: &str) -> Result<()> {
    tx.run("DELETE FROM kept_answer WHERE agent_id = ? AND key = ?", (agent, key))?;
    Ok(())
}

/// A form that an agent sent: the page that showed it, by its token, and what stands in it.
#[derive(Debug)]
pub struct SentForm {
    agent: AgentId,
    /// `None` without a token.
    key: Option<String>,
}

impl SentForm {
    pub fn new<'a>(
        agent: AgentId,
        token: &str,
        fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut content = Sha256::new();
        for text in
            fields.into_iter().filter(|(name, _)| *name != "csrf").flat_map(|(name, text)| [name, text])
        {
            content.update(text.len().to_le_bytes());
            content.update(text);
        }
        let content = secret::hex(&content.finalize());
        Self { agent, key: (!token.is_empty()).then(|| ["form ", token, " ", &content].concat()) }
    }
}

/// Does what a form asks for, once: one that was sent already as it is, by a double click or after going back, gives the id
/// that it gave. With other words in it, it is another one.
pub fn once(tx: &Tx<'_>, form: &SentForm, act: impl FnOnce(&Tx<'_>) -> Result<i64>) -> Result<i64> {
    let agent = form.agent;
    let Some(key) = &form.key else { return act(tx) };
    match begin(tx, agent, key, &[])? {
        Turn::First => {
            let id = act(tx)?;
            let answer = KeptAnswer { status: 303, location: Some(id.to_string()), sealed_body: None };
            keep(tx, agent, key, &answer)?;
            Ok(id)
        }
        Turn::Again(answer) => answer
            .location
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| Error::Conflict("the form was sent already".to_owned())),
    }
}

/// At the start nothing runs: frees the keys of requests that a crash cut off.
pub fn release(tx: &Tx<'_>) -> Result<()> {
    tx.run("DELETE FROM kept_answer WHERE status IS NULL", [])?;
    Ok(())
}

/// Removes some that were kept long enough; tells how many.
pub fn sweep(tx: &Tx<'_>) -> Result<usize> {
    tx.run(
        "DELETE FROM kept_answer WHERE (agent_id, key) IN
           (SELECT agent_id, key FROM kept_answer WHERE created_at <= ? LIMIT 500)",
        [tx.now().minus(KEPT)],
    )
}
