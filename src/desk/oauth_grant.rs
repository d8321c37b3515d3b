//! OAuth grants: that somebody acts for an agent, with the codes and tokens that come of it (contract 2.2). A grant is
//! the family of its tokens: it goes as a whole when a code or a refresh token comes a second time, when the agent's
//! password changes, and when the agent or the client goes. Codes and tokens are stored as SHA-256.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::audit::{self, Action};
use super::oauth_client::OauthClient;
use super::{Actor, Rights, secret};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::{AgentId, OauthClientId, OauthGrantId};
use crate::time::Timestamp;

/// How long a code can be exchanged.
const CODE_LIFE: Duration = Duration::from_secs(60);
/// How long an access token works.
pub const ACCESS_LIFE: Duration = Duration::from_secs(12 * 3600);
/// How long a refresh token can be exchanged, and how long a grant goes on by exchanging.
const REFRESH_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);
const GRANT_LIFE: Duration = Duration::from_secs(90 * 24 * 3600);

/// Shown once.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub access: String,
    /// Not where a client acts in its own name: it can ask again.
    pub refresh: Option<String>,
}

/// What is known of a token that works.
#[derive(Debug, Clone)]
pub struct ActiveToken {
    pub agent_id: AgentId,
    pub email: String,
    pub is_refresh: bool,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
}

/// What an agent consented to.
#[derive(Debug, Clone)]
pub struct Consent {
    pub client_id: OauthClientId,
    /// As it was asked for: the exchange must name the same.
    pub redirect_uri: String,
    /// The PKCE challenge (S256), if the client sent one.
    pub challenge: Option<String>,
}

/// A code for what the agent `by` consented to.
pub fn consent(
    tx: &Tx<'_>,
    by: &Actor,
    agent: AgentId,
    client: &OauthClient,
    consent: &Consent,
) -> Result<String> {
    let code = secret::random_token()?;
    tx.run(
        "INSERT INTO oauth_code (hash, client_id, agent_id, redirect_uri, challenge, expires_at)
         VALUES (?, ?, ?, ?, ?, ?)",
        (
            hash(&code),
            consent.client_id,
            agent,
            &consent.redirect_uri,
            &consent.challenge,
            tx.now().plus(CODE_LIFE),
        ),
    )?;
    let summary = format!("let the OAuth client '{}' act for them", client.name);
    audit::record(tx, by, Action::Security, summary, "")?;
    Ok(code)
}

/// Exchanges a code, once. `None` when it is not this client's, was for another address, has another PKCE challenge or
/// came too late; a second exchange ends what the first one gave.
pub fn redeem(
    tx: &Tx<'_>,
    client: OauthClientId,
    code: &str,
    redirect_uri: &str,
    verifier: Option<&str>,
) -> Result<Option<Tokens>> {
    struct Code {
        client_id: OauthClientId,
        agent_id: AgentId,
        redirect_uri: String,
        challenge: Option<String>,
        expires_at: Timestamp,
        grant_id: Option<OauthGrantId>,
    }
    let found = tx.one(
        "SELECT client_id, agent_id, redirect_uri, challenge, expires_at, grant_id FROM oauth_code WHERE hash = ?",
        [hash(code)],
        |row| {
            Ok(Code {
                client_id: row.get(0)?,
                agent_id: row.get(1)?,
                redirect_uri: row.get(2)?,
                challenge: row.get(3)?,
                expires_at: row.get(4)?,
                grant_id: row.get(5)?,
            })
        },
    )?;
    let Some(found) = found else { return Ok(None) };
    if let Some(grant) = found.grant_id {
        end(tx, grant)?;
        return Ok(None);
    }
    let fits = match (&found.challenge, verifier) {
        (None, None) => true,
        (Some(challenge), Some(verifier)) => is_challenge_of(challenge, verifier),
        _ => false,
    };
    let is_right = found.client_id == client && found.redirect_uri == redirect_uri && fits;
    if !is_right || found.expires_at <= tx.now() {
        tx.run("DELETE FROM oauth_code WHERE hash = ?", [hash(code)])?;
        return Ok(None);
    }
    let Some(grant) = create(tx, found.agent_id, Some(client))? else { return Ok(None) };
    tx.run("UPDATE oauth_code SET grant_id = ? WHERE hash = ?", (grant, hash(code)))?;
    issue(tx, grant, true).map(Some)
}

/// Whether the verifier is one (RFC 7636, 4.1) and its SHA-256 the challenge.
fn is_challenge_of(challenge: &str, verifier: &str) -> bool {
    let is_verifier = (43..=128).contains(&verifier.len())
        && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
    let expected = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    is_verifier && secret::is_equal(expected.as_bytes(), challenge.as_bytes())
}

/// Tokens for an agent who gave their password. `None` when the agent is not active.
pub fn by_password(tx: &Tx<'_>, agent: AgentId, client: Option<OauthClientId>) -> Result<Option<Tokens>> {
    create(tx, agent, client)?.map(|grant| issue(tx, grant, true)).transpose()
}

/// A token for a client that acts in its own name, which is that of its agent. `None` when the agent is not active.
pub fn by_client(tx: &Tx<'_>, client: &OauthClient) -> Result<Option<Tokens>> {
    create(tx, client.agent_id, Some(client.id))?.map(|grant| issue(tx, grant, false)).transpose()
}

/// Exchanges a refresh token for the next one, once. One that comes a second time ends the grant: either it or the
/// next one was stolen.
pub fn refresh(tx: &Tx<'_>, client: Option<OauthClientId>, token: &str) -> Result<Option<Tokens>> {
    let found = tx.one(
        "SELECT t.grant_id, t.used_at IS NOT NULL, t.expires_at, g.client_id, g.agent_id, g.created_at
         FROM oauth_token t JOIN oauth_grant g ON g.id = t.grant_id WHERE t.hash = ? AND t.is_refresh = 1",
        [hash(token)],
        |row| {
            Ok((
                row.get::<_, OauthGrantId>(0)?,
                row.get::<_, bool>(1)?,
                row.get::<_, Timestamp>(2)?,
                row.get::<_, Option<OauthClientId>>(3)?,
                row.get::<_, AgentId>(4)?,
                row.get::<_, Timestamp>(5)?,
            ))
        },
    )?;
    let Some((grant, is_used, expires_at, owner, agent, created_at)) = found else { return Ok(None) };
    if is_used {
        end(tx, grant)?;
        return Ok(None);
    }
    let is_over = expires_at <= tx.now() || created_at.plus(GRANT_LIFE) <= tx.now();
    if is_over || owner != client || Rights::of(tx, agent)?.is_none() {
        return Ok(None);
    }
    tx.run("UPDATE oauth_token SET used_at = ? WHERE hash = ?", (tx.now(), hash(token)))?;
    issue(tx, grant, true).map(Some)
}

/// The agent an access token acts for; only an active one who is not locked out.
pub fn agent_of(s: &Snapshot<'_>, token: &str, now: Timestamp) -> Result<Option<AgentId>> {
    s.one(
        "SELECT a.id FROM oauth_token t JOIN oauth_grant g ON g.id = t.grant_id JOIN agent a ON a.id = g.agent_id
         WHERE t.hash = ?1 AND t.is_refresh = 0 AND ?2 < t.expires_at AND a.is_active = 1 AND a.deleted_at IS NULL
           AND (a.locked_until IS NULL OR a.locked_until <= ?2)",
        (hash(token), now),
        |row| row.get(0),
    )
}

/// What there is to say of a client's token that works; `None` for any other.
pub fn inspect(
    s: &Snapshot<'_>,
    client: OauthClientId,
    token: &str,
    now: Timestamp,
) -> Result<Option<ActiveToken>> {
    s.one(
        "SELECT a.id, a.email, t.is_refresh, t.created_at, t.expires_at
         FROM oauth_token t JOIN oauth_grant g ON g.id = t.grant_id JOIN agent a ON a.id = g.agent_id
         WHERE t.hash = ? AND g.client_id = ? AND ? < t.expires_at AND t.used_at IS NULL
           AND a.is_active = 1 AND a.deleted_at IS NULL",
        (hash(token), client, now),
        |row| {
            Ok(ActiveToken {
                agent_id: row.get(0)?,
                email: row.get(1)?,
                is_refresh: row.get(2)?,
                issued_at: row.get(3)?,
                expires_at: row.get(4)?,
            })
        },
    )
}

/// Ends an access token, or with a refresh token its whole grant; nothing happens to a token of somebody else.
pub fn revoke(tx: &Tx<'_>, client: Option<OauthClientId>, token: &str) -> Result<()> {
    let found = tx.one(
        "SELECT t.grant_id, t.is_refresh FROM oauth_token t JOIN oauth_grant g ON g.id = t.grant_id
         WHERE t.hash = ? AND g.client_id IS ?",
        (hash(token), client),
        |row| Ok((row.get::<_, OauthGrantId>(0)?, row.get::<_, bool>(1)?)),
    )?;
    match found {
        Some((grant, true)) => end(tx, grant),
        Some((_, false)) => tx.run("DELETE FROM oauth_token WHERE hash = ?", [hash(token)]).map(|_| ()),
        None => Ok(()),
    }
}

/// A program that acts for an agent.
#[derive(Debug, Clone)]
pub struct Listed {
    pub id: OauthGrantId,
    /// `None` where the agent's password came without a client.
    pub client: Option<String>,
    pub company: String,
    pub created_at: Timestamp,
    /// When it last asked for a token.
    pub refreshed_at: Timestamp,
}

/// What acts for an agent by their leave, the newest first. What clients do in their own name is not among it.
pub fn of_agent(s: &Snapshot<'_>, agent: AgentId, now: Timestamp) -> Result<Vec<Listed>> {
    s.all(
        "SELECT g.id, c.name, coalesce(c.company, ''), g.created_at, max(t.created_at)
         FROM oauth_grant g JOIN oauth_token t ON t.grant_id = g.id LEFT JOIN oauth_client c ON c.id = g.client_id
         WHERE g.agent_id = ? AND EXISTS (SELECT 1 FROM oauth_token r WHERE r.grant_id = g.id AND r.is_refresh = 1)
         GROUP BY g.id HAVING ? < max(t.expires_at) ORDER BY g.id DESC",
        (agent, now),
        |row| {
            Ok(Listed {
                id: row.get(0)?,
                client: row.get(1)?,
                company: row.get(2)?,
                created_at: row.get(3)?,
                refreshed_at: row.get(4)?,
            })
        },
    )
}

/// An agent no longer lets a program act for them.
pub fn withdraw(tx: &Tx<'_>, by: &Actor, id: OauthGrantId) -> Result<()> {
    let gone = tx.run("DELETE FROM oauth_grant WHERE id = ? AND agent_id IS ?", (id, by.agent_id()))?;
    if gone == 0 {
        return Err(Error::not_found("program", id));
    }
    audit::record(tx, by, Action::Security, "took back the leave of a program to act for them", "")
}

/// Ends everything that acts for an agent.
pub fn end_all(tx: &Tx<'_>, agent: AgentId) -> Result<()> {
    tx.run("DELETE FROM oauth_grant WHERE agent_id = ?", [agent])?;
    tx.run("DELETE FROM oauth_code WHERE agent_id = ?", [agent])?;
    Ok(())
}

/// Removes what has expired. Used refresh tokens stay as long as their grant could go on: they betray a thief.
pub fn sweep(tx: &Tx<'_>) -> Result<usize> {
    let now = tx.now();
    let codes = tx.run("DELETE FROM oauth_code WHERE expires_at <= ?", [now.minus(REFRESH_LIFE)])?;
    let tokens = tx.run("DELETE FROM oauth_token WHERE is_refresh = 0 AND expires_at <= ?", [now])?;
    let grants = tx.run(
        "DELETE FROM oauth_grant WHERE created_at <= ?1 OR NOT EXISTS
           (SELECT 1 FROM oauth_token t WHERE t.grant_id = oauth_grant.id AND ?2 < t.expires_at)",
        (now.minus(GRANT_LIFE).minus(ACCESS_LIFE), now),
    )?;
    Ok(codes + tokens + grants)
}

fn create(tx: &Tx<'_>, agent: AgentId, client: Option<OauthClientId>) -> Result<Option<OauthGrantId>> {
    if Rights::of(tx, agent)?.is_none() {
        return Ok(None);
    }
    let id = tx.insert(
        "INSERT INTO oauth_grant (agent_id, client_id, created_at) VALUES (?, ?, ?)",
        (agent, client, tx.now()),
    )?;
    Ok(Some(OauthGrantId(id)))
}

fn issue(tx: &Tx<'_>, grant: OauthGrantId, is_refreshable: bool) -> Result<Tokens> {
    let access = ["anyt_", &secret::random_token()?].concat();
    let refresh = match is_refreshable {
        true => Some([secret::random_guid()?, secret::random_guid()?].concat()),
        false => None,
    };
    let tokens = [(Some(&access), false, ACCESS_LIFE), (refresh.as_ref(), true, REFRESH_LIFE)];
    for (token, is_refresh, life) in tokens {
        let Some(token) = token else { continue };
        tx.run(
            "INSERT INTO oauth_token (hash, grant_id, is_refresh, created_at, expires_at) VALUES (?, ?, ?, ?, ?)",
            (hash(token), grant, is_refresh, tx.now(), tx.now().plus(life)),
        )?;
    }
    Ok(Tokens { access, refresh })
}

fn end(tx: &Tx<'_>, grant: OauthGrantId) -> Result<()> {
    tx.run("DELETE FROM oauth_grant WHERE id = ?", [grant])?;
    Ok(())
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_that_of_its_verifier() {
        // RFC 7636, appendix B.
        let (verifier, challenge) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(is_challenge_of(challenge, verifier));
        assert!(!is_challenge_of(challenge, &verifier.replace('d', "e")));
        assert!(!is_challenge_of(verifier, verifier), "plain");
        assert!(!is_challenge_of(challenge, "short"));
    }
}
