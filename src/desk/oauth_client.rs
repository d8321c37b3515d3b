//! OAuth clients: programs that agents let act for them (contract 2.2). Administrators' business. The secret is shown
//! once and stored as SHA-256: it is 256 random bits.

use sha2::{Digest, Sha256};
use url::{Host, Url};

use super::audit::{self, Action};
use super::{Actor, agent, check_name, check_text, secret};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::{AgentId, OauthClientId};
use crate::time::Timestamp;

#[derive(Debug, Clone)]
pub struct OauthClient {
    pub id: OauthClientId,
    /// The public name in requests.
    pub client_id: String,
    /// Shown where an agent is asked to consent, like `company`.
    pub name: String,
    pub description: String,
    pub company: String,
    /// Where codes may be sent: compared as they are.
    pub redirect_urls: Vec<String>,
    /// Whom the client acts as when it asks in its own name.
    pub agent_id: AgentId,
    pub created_at: Timestamp,
}

/// `None` leaves a property alone (on creation: its default).
#[derive(Debug, Clone, Default)]
pub struct OauthClientChange {
    pub name: Option<String>,
    pub description: Option<String>,
    pub company: Option<String>,
    pub redirect_urls: Option<Vec<String>>,
    pub agent: Option<AgentId>,
}

/// Redirect URLs of one client.
const MOST_URLS: usize = 20;

pub fn list(s: &Snapshot<'_>, by: &Actor) -> Result<Vec<OauthClient>> {
    by.require_administrator("manage OAuth clients")?;
    s.all(&["SELECT ", COLUMNS, " FROM oauth_client ORDER BY name, id"].concat(), [], from_row)
}

/// The client, for administrators, or `NotFound`.
pub fn view(s: &Snapshot<'_>, by: &Actor, id: OauthClientId) -> Result<OauthClient> {
    by.require_administrator("manage OAuth clients")?;
    s.one(&["SELECT ", COLUMNS, " FROM oauth_client WHERE id = ?"].concat(), [id], from_row)?
        .ok_or_else(|| Error::not_found("OAuth client", id))
}

/// The client of this name, for the protocol.
pub fn by_client_id(s: &Snapshot<'_>, client_id: &str) -> Result<Option<OauthClient>> {
    s.one(&["SELECT ", COLUMNS, " FROM oauth_client WHERE client_id = ?"].concat(), [client_id], from_row)
}

/// The client of this name, if the secret is its own.
pub fn authenticate(s: &Snapshot<'_>, client_id: &str, secret: &str) -> Result<Option<OauthClient>> {
    let stored: Option<[u8; 32]> =
        s.one("SELECT secret_hash FROM oauth_client WHERE client_id = ?", [client_id], |row| row.get(0))?;
    match stored {
        Some(stored) if secret::is_equal(&stored, &hash(secret)) => by_client_id(s, client_id),
        _ => Ok(None),
    }
}

/// The client and its secret, which cannot be read again. It acts as `by` unless another agent is named.
pub fn create(tx: &Tx<'_>, by: &Actor, new: &OauthClientChange) -> Result<(OauthClient, String)> {
    by.require_administrator("manage OAuth clients")?;
    let name = check_name("clientName", new.name.as_deref().unwrap_or_default(), 100)?;
    let agent =
        new.agent.or_else(|| by.agent_id()).ok_or_else(|| Error::invalid("agentId", "is required"))?;
    let (client_id, secret) = (secret::random_guid()?, ["anys_", &secret::random_token()?].concat());
    require_agent(tx, agent)?;
    let id = OauthClientId(tx.insert(
        "INSERT INTO oauth_client (client_id, secret_hash, name, agent_id, created_at) VALUES (?, ?, ?, ?, ?)",
        (client_id, hash(&secret), &name, agent, tx.now()),
    )?);
    apply(tx, id, new)?;
    audit::record(tx, by, Action::Integration, format!("created the OAuth client '{name}'"), "")?;
    Ok((view(tx, by, id)?, secret))
}

pub fn update(tx: &Tx<'_>, by: &Actor, id: OauthClientId, change: &OauthClientChange) -> Result<OauthClient> {
    let before = view(tx, by, id)?;
    apply(tx, id, change)?;
    let after = view(tx, by, id)?;
    let details = audit::difference(&facts(&before), &facts(&after));
    audit::record(
        tx,
        by,
        Action::Integration,
        format!("changed the OAuth client '{}'", after.name),
        details,
    )?;
    Ok(after)
}

/// A new secret, which cannot be read again; the old one ends at once, tokens go on.
pub fn rotate_secret(tx: &Tx<'_>, by: &Actor, id: OauthClientId) -> Result<String> {
    let client = view(tx, by, id)?;
    let secret = ["anys_", &secret::random_token()?].concat();
    tx.run("UPDATE oauth_client SET secret_hash = ? WHERE id = ?", (hash(&secret), id))?;
    let summary = format!("made a new secret for the OAuth client '{}'", client.name);
    audit::record(tx, by, Action::Integration, summary, "")?;
    Ok(secret)
}

/// Its tokens end with it.
pub fn delete(tx: &Tx<'_>, by: &Actor, id: OauthClientId) -> Result<()> {
    let client = view(tx, by, id)?;
    tx.run("DELETE FROM oauth_client WHERE id = ?", [id])?;
    audit::record(tx, by, Action::Integration, format!("deleted the OAuth client '{}'", client.name), "")
}

fn apply(tx: &Tx<'_>, id: OauthClientId, change: &OauthClientChange) -> Result<()> {
    let name = change.name.as_deref().map(|name| check_name("clientName", name, 100)).transpose()?;
    check_text("description", change.description.as_deref().unwrap_or_default(), 1000)?;
    check_text("company", change.company.as_deref().unwrap_or_default(), 200)?;
    if let Some(agent) = change.agent {
        require_agent(tx, agent)?;
    }
    let urls = change.redirect_urls.as_deref().map(check_urls).transpose()?;
    tx.run(
        "UPDATE oauth_client SET name = coalesce(?, name), description = coalesce(?, description),
           company = coalesce(?, company), redirect_urls = coalesce(?, redirect_urls),
           agent_id = coalesce(?, agent_id) WHERE id = ?",
        (name, &change.description, &change.company, urls.map(|urls| urls.join("\n")), change.agent, id),
    )?;
    Ok(())
}

fn require_agent(s: &Snapshot<'_>, id: AgentId) -> Result<()> {
    match agent::is_assignable(s, id)? {
        true => Ok(()),
        false => Err(Error::invalid("agentId", format!("there is no active agent {id}"))),
    }
}

/// Absolute URLs to https, or to http on the same machine; without fragment and user.
fn check_urls(urls: &[String]) -> Result<Vec<String>> {
    if MOST_URLS < urls.len() {
        return Err(Error::invalid("redirectUrls", format!("has more than {MOST_URLS} addresses")));
    }
    let mut checked = Vec::new();
    for text in urls.iter().map(|url| url.trim()).filter(|url| !url.is_empty()) {
        let is_fine = text.len() <= 2000
            && !text.contains(['\\', '#', ','])
            && Url::parse(text).is_ok_and(|url| is_safe(&url));
        if !is_fine {
            let shown: String = text.chars().take(200).collect();
            let message = format!(
                "'{shown}' is not an address that codes may be sent to: use https, or http to this machine"
            );
            return Err(Error::invalid("redirectUrls", message));
        }
        checked.push(text.to_owned());
    }
    Ok(checked)
}

fn is_safe(url: &Url) -> bool {
    let is_local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let is_encrypted = url.scheme() == "https" && url.has_host();
    (is_encrypted || (url.scheme() == "http" && is_local))
        && url.username().is_empty()
        && url.password().is_none()
}

/// What the audit log tells of a change.
fn facts(client: &OauthClient) -> [(&'static str, String); 5] {
    [
        ("clientName", client.name.clone()),
        ("description", client.description.clone()),
        ("company", client.company.clone()),
        ("redirectUrls", client.redirect_urls.join(", ")),
        ("agentId", client.agent_id.to_string()),
    ]
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

const COLUMNS: &str = "id, client_id, name, description, company, redirect_urls, agent_id, created_at";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<OauthClient> {
    let urls: String = row.get(5)?;
    Ok(OauthClient {
        id: row.get(0)?,
        client_id: row.get(1)?,
        name: row.get(2)?,
        description: row.get(3)?,
        company: row.get(4)?,
        redirect_urls: urls.lines().map(str::to_owned).collect(),
        agent_id: row.get(6)?,
        created_at: row.get(7)?,
    })
}
