//! Passwords on their way in: checked by the policy, compared and hashed off the async threads.

use std::net::IpAddr;

use crate::app::App;
use crate::desk::agent::{self, Agent};
use crate::desk::session::Owner;
use crate::desk::sign_in::Credentials;
use crate::desk::{password, password_policy, sign_in};
use crate::error::{Error, Result};
use crate::ids::{AgentId, ContactId};

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
    let found = app.read(|s| sign_in::of_agent(s, &agent.email))?;
    require(owner_of(app, found, text, address).await?, field)
}

/// The same for a contact, whose address is `email`.
pub async fn confirm_contact(app: &App, email: &str, field: &str, text: &str, address: IpAddr) -> Result<()> {
    let found = app.read(|s| sign_in::of_contact(s, email))?;
    require(owner_of(app, found, text, address).await?, field)
}

fn require(owner: Option<Owner>, field: &str) -> Result<()> {
    owner.map(|_| ()).ok_or_else(|| Error::invalid(field, "is not your password"))
}

/// The agent whose address and password these are.
pub async fn agent_of(app: &App, email: &str, text: &str, address: IpAddr) -> Result<Option<AgentId>> {
    let found = app.read(|s| sign_in::of_agent(s, email))?;
    Ok(match owner_of(app, found, text, address).await? {
        Some(Owner::Agent(id)) => Some(id),
        _ => None,
    })
}

/// The contact whose address and password these are.
pub async fn contact_of(app: &App, email: &str, text: &str, address: IpAddr) -> Result<Option<ContactId>> {
    let found = app.read(|s| sign_in::of_contact(s, email))?;
    Ok(match owner_of(app, found, text, address).await? {
        Some(Owner::Contact(id)) => Some(id),
        _ => None,
    })
}

/// Whose password `text` is. Unknown, locked and wrong take the same time, a comparison and a commit, and get the same
/// answer.
async fn owner_of(
    app: &App,
    found: Option<Credentials>,
    text: &str,
    address: IpAddr,
) -> Result<Option<Owner>> {
    let stored = found.as_ref().and_then(|credentials| credentials.password_hash.clone());
    let text = text.to_owned();
    let fits = app.compute(move || password::verify(&text, stored.as_deref())).await?;
    let now = app.now();
    let open = found.filter(|credentials| credentials.locked_until.is_none_or(|until| until <= now));
    match open {
        Some(credentials) if fits => return Ok(Some(credentials.owner)),
        Some(credentials) => {
            app.write(move |tx| sign_in::record_failure(tx, credentials.owner, address)).await?;
        }
        None => app.write(sign_in::record_failure_of_nobody).await?,
    }
    Ok(None)
}
