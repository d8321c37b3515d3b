//! Passwords on their way in: checked by the policy, compared and hashed off the async threads.

use std::net::IpAddr;

use crate::app::App;
use crate::desk::agent::{self, Agent};
use crate::desk::{password, password_policy, sign_in};
use crate::error::{Error, Result};
use crate::ids::AgentId;

/// The hash of somebody's first password; `own_words` are names that it may not be.
pub async fn hash_first(app: &App, field: &str, text: &str, own_words: &[&str]) -> Result<String> {
    app.read(password_policy::get)?.check(field, text, own_words)?;
    let text = text.to_owned();
    app.compute(move || password::hash(&text)).await?
}

/// The hash of an agent's next password, which may be none of the last ones if the policy says so.
pub async fn hash_next(app: &App, agent: &Agent, field: &str, text: &str) -> Result<String> {
    let (policy, last) = app.read(|s| Ok((password_policy::get(s)?, agent::last_passwords(s, agent.id)?)))?;
    let own_words = [&agent.email, &agent.display_name, &agent.first_name, &agent.last_name];
    policy.check(field, text, &own_words.map(String::as_str))?;
    let text = text.to_owned();
    let hash = app.compute(move || {
        let is_used = last.iter().any(|hash| password::verify(&text, Some(hash)));
        if is_used { Ok(None) } else { password::hash(&text).map(Some) }
    });
    hash.await??.ok_or_else(|| Error::invalid(field, "was one of the last passwords"))
}

/// Refuses a wrong password of the agent's own, given in `field`. Counted like a sign-in, so that a key or a session
/// is no way to try passwords.
pub async fn confirm(app: &App, agent: &Agent, field: &str, text: &str, address: IpAddr) -> Result<()> {
    let found = app.read(|s| sign_in::credentials(s, &agent.email))?;
    let stored = found.and_then(|credentials| credentials.password_hash);
    let (id, text) = (agent.id, text.to_owned());
    if app.compute(move || password::verify(&text, stored.as_deref())).await? {
        return Ok(());
    }
    app.write(move |tx| sign_in::record_failure(tx, id, address)).await?;
    Err(Error::invalid(field, "is not your password"))
}

/// The agent whose address and password these are. Unknown, locked and wrong take the same time and get the same
/// answer.
pub async fn agent_of(app: &App, email: &str, text: &str, address: IpAddr) -> Result<Option<AgentId>> {
    let found = app.read(|s| sign_in::credentials(s, email))?;
    let stored = found.as_ref().and_then(|credentials| credentials.password_hash.clone());
    let text = text.to_owned();
    let fits = app.compute(move || password::verify(&text, stored.as_deref())).await?;
    let Some(credentials) = found else { return Ok(None) };
    if credentials.locked_until.is_some_and(|until| app.now() < until) {
        return Ok(None);
    }
    if !fits {
        app.write(move |tx| sign_in::record_failure(tx, credentials.id, address)).await?;
        return Ok(None);
    }
    Ok(Some(credentials.id))
}
