//! Where agents may sign in without a password of ours: one OpenID Connect provider. Its subject is the key to an agent
//! once it was linked; until then an e-mail address is, if the provider has verified it.

use super::agent::{self, AgentChange};
use super::audit::{self, Action};
use super::secret::Vault;
use super::{Actor, Permission, check_name};
use crate::db::{Snapshot, Tx};
use crate::error::{Problems, Result};
use crate::ids::AgentId;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdentityProvider {
    /// On the button.
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    pub has_secret: bool,
    /// In small letters. None lets every verified address in that is an agent's.
    pub allowed_domains: Vec<String>,
    /// Whether somebody of these domains who is no agent yet becomes one.
    pub creates_agents: bool,
    pub is_enabled: bool,
}

/// What the form sets. Without a secret the one there is stays.
#[derive(Debug, Clone, Default)]
pub struct IdentityProviderChange {
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    pub secret: Option<String>,
    pub allowed_domains: Vec<String>,
    pub creates_agents: bool,
    pub is_enabled: bool,
}

/// Who came back from the provider, checked.
#[derive(Debug, Clone)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
    pub email: Option<String>,
    pub is_email_verified: bool,
    pub name: Option<String>,
}

/// What becomes of somebody whom the provider vouches for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    Agent(AgentId),
    /// Completes "You cannot be let in: …".
    Refused(&'static str),
}

pub fn get(s: &Snapshot<'_>) -> Result<Option<IdentityProvider>> {
    s.one(
        "SELECT name, issuer, client_id, secret IS NOT NULL, allowed_domains, creates_agents, is_enabled
         FROM identity_provider",
        [],
        |row| {
            Ok(IdentityProvider {
                name: row.get(0)?,
                issuer: row.get(1)?,
                client_id: row.get(2)?,
                has_secret: row.get(3)?,
                allowed_domains: row.get::<_, String>(4)?.lines().map(str::to_owned).collect(),
                creates_agents: row.get(5)?,
                is_enabled: row.get(6)?,
            })
        },
    )
}

/// The one that agents can sign in with now.
pub fn enabled(s: &Snapshot<'_>) -> Result<Option<IdentityProvider>> {
    Ok(get(s)?.filter(|provider| provider.is_enabled))
}

/// For who manages security.
pub fn view(s: &Snapshot<'_>, by: &Actor) -> Result<Option<IdentityProvider>> {
    by.require(Permission::ManageSecurity)?;
    get(s)
}

/// The secret in the clear; `None` without one, or when it cannot be opened.
pub fn secret(s: &Snapshot<'_>, vault: &Vault) -> Result<Option<String>> {
    let sealed: Option<Option<Vec<u8>>> =
        s.one("SELECT secret FROM identity_provider", [], |row| row.get(0))?;
    Ok(sealed.flatten().and_then(|sealed| vault.open(PLACE, &sealed)))
}

const PLACE: &str = "identity_provider.secret";

/// Another issuer needs its secret anew, so that nobody has the one there sent to a server of theirs.
pub fn set(tx: &Tx<'_>, by: &Actor, vault: &Vault, change: &IdentityProviderChange) -> Result<()> {
    by.require(Permission::ManageSecurity)?;
    let before = get(tx)?.unwrap_or_default();
    let issuer = change.issuer.trim().trim_end_matches('/');
    let domains: Vec<String> = change
        .allowed_domains
        .iter()
        .map(|domain| domain.trim().trim_start_matches('@').to_lowercase())
        .filter(|domain| !domain.is_empty())
        .collect();
    let mut problems = Problems::default();
    for (field, text) in [("name", &change.name), ("clientId", &change.client_id)] {
        if check_name(field, text, 200).is_err() {
            problems.add(field, "is required, with at most 200 characters");
        }
    }
    problems.require(url::Url::parse(issuer).is_ok(), "issuer", format!("'{issuer}' is not a URL"));
    let new_secret = change.secret.as_deref().filter(|secret| !secret.is_empty());
    let keeps = before.has_secret && before.issuer == issuer;
    problems.require(new_secret.is_some() || keeps, "clientSecret", "is required for this issuer");
    let is_domain = |domain: &String| domain.contains('.') && !domain.contains(['@', ' ', '/']);
    for domain in domains.iter().filter(|domain| !is_domain(domain)) {
        problems.add("allowedDomains", format!("'{domain}' is not a domain"));
    }
    let has_bounds = !change.creates_agents || !domains.is_empty();
    problems.require(has_bounds, "allowedDomains", "is required where unknown people become agents");
    problems.check()?;
    let sealed = new_secret.map(|secret| vault.seal(PLACE, secret)).transpose()?;
    tx.run(
        "INSERT INTO identity_provider (id, name, issuer, client_id, secret, allowed_domains, creates_agents,
           is_enabled)
         VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (id) DO UPDATE SET name = ?1, issuer = ?2, client_id = ?3, secret = coalesce(?4, secret),
           allowed_domains = ?5, creates_agents = ?6, is_enabled = ?7",
        (
            change.name.trim(),
            issuer,
            change.client_id.trim(),
            sealed,
            domains.join("\n"),
            change.creates_agents,
            change.is_enabled,
        ),
    )?;
    let after = get(tx)?.unwrap_or_default();
    let mut details = audit::difference(&facts(&before), &facts(&after));
    if new_secret.is_some() {
        details.push_str("\na secret was set");
    }
    audit::record(tx, by, Action::Security, "changed the identity provider", details.trim_start())
}

fn facts(provider: &IdentityProvider) -> [(&'static str, String); 6] {
    [
        ("name", provider.name.clone()),
        ("issuer", provider.issuer.clone()),
        ("clientId", provider.client_id.clone()),
        ("allowedDomains", provider.allowed_domains.join(", ")),
        ("createsAgents", provider.creates_agents.to_string()),
        ("isEnabled", provider.is_enabled.to_string()),
    ]
}

/// Forgets the provider and every link to it. Agents sign in by password again.
pub fn delete(tx: &Tx<'_>, by: &Actor) -> Result<()> {
    by.require(Permission::ManageSecurity)?;
    tx.run("DELETE FROM identity_provider", [])?;
    tx.run("DELETE FROM agent_identity", [])?;
    audit::record(tx, by, Action::Security, "took the identity provider away", "")
}

/// Finds, links or makes the agent that somebody is.
pub fn admit(tx: &Tx<'_>, provider: &IdentityProvider, who: &Identity) -> Result<Admission> {
    let email = who.email.as_deref().filter(|_| who.is_email_verified);
    let domain = email.and_then(|email| email.rsplit_once('@')).map(|(_, domain)| domain.to_lowercase());
    let is_allowed = provider.allowed_domains.is_empty()
        || domain.as_ref().is_some_and(|domain| provider.allowed_domains.contains(domain));
    if !is_allowed {
        return Ok(Admission::Refused("your address is of a domain that is not allowed, or not verified"));
    }
    let linked: Option<AgentId> = tx.one(
        "SELECT agent_id FROM agent_identity WHERE issuer = ? AND subject = ?",
        (&who.issuer, &who.subject),
        |row| row.get(0),
    )?;
    if let Some(id) = linked {
        return Ok(match agent::is_assignable(tx, id)? {
            true => Admission::Agent(id),
            false => Admission::Refused("your account was deactivated"),
        });
    }
    let Some(email) = email else {
        return Ok(Admission::Refused("the provider has not verified your e-mail address"));
    };
    let id = match agent::by_email(tx, email)? {
        Some(agent) if !agent.is_active => return Ok(Admission::Refused("your account was deactivated")),
        Some(agent) => agent.id,
        None if provider.creates_agents => create(tx, who, email)?,
        None => return Ok(Admission::Refused("there is no agent with your e-mail address")),
    };
    tx.run(
        "INSERT INTO agent_identity (issuer, subject, agent_id, created_at) VALUES (?, ?, ?, ?)",
        (&who.issuer, &who.subject, id, tx.now()),
    )?;
    let summary = format!("linked '{email}' to their account at {}", provider.name);
    audit::record(tx, &Actor::System, Action::Security, summary, "")?;
    Ok(Admission::Agent(id))
}

fn create(tx: &Tx<'_>, who: &Identity, email: &str) -> Result<AgentId> {
    let name: String =
        who.name.as_deref().unwrap_or(email).chars().filter(|c| !c.is_control()).take(100).collect();
    let new =
        AgentChange { email: Some(email.to_owned()), display_name: Some(name), ..AgentChange::default() };
    Ok(agent::create(tx, &Actor::System, &new, None)?.id)
}
