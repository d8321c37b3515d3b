//! Blocked senders (contract 19): what becomes of new mail from an address or a whole domain. An address decides before
//! its domain; sub-domains are not covered. An entry that allows is our own addition: it lets one address of a blocked
//! domain in, and stays out of the contract's lists unless asked for.

use super::{Actor, Permission, audit};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Problems, Result};
use crate::ids::{AgentId, BlockedSenderId};
use crate::mail::is_address;
use crate::time::Timestamp;

#[derive(Debug, Clone)]
pub struct BlockedSender {
    pub id: BlockedSenderId,
    /// An address, or a domain without `@`; in lower case.
    pub email: String,
    pub action: Action,
    pub created_by_id: Option<AgentId>,
    pub created_at: Timestamp,
}

impl BlockedSender {
    pub fn is_domain(&self) -> bool {
        !self.email.contains('@')
    }
}

/// What is done with a sender's new mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Kept as a junk e-mail.
    Junk,
    /// Dropped; the ledger says so.
    Reject,
    /// Let in, whatever is said of the domain.
    Allow,
}

impl Action {
    pub fn name(self) -> &'static str {
        match self {
            Self::Junk => "junk",
            Self::Reject => "reject",
            Self::Allow => "allow",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Junk, Self::Reject, Self::Allow]
            .into_iter()
            .find(|action| action.name().eq_ignore_ascii_case(text.trim()))
    }
}

/// Which entries `list` gives: all, or those that would decide about an address.
#[derive(Debug, Clone, Default)]
pub struct BlockedSenderQuery {
    pub email: Option<String>,
    pub includes_allowed: bool,
}

/// By value. With an address: its own entry and its domain's.
pub fn list(s: &Snapshot<'_>, by: &Actor, query: &BlockedSenderQuery) -> Result<Vec<BlockedSender>> {
    by.require(Permission::ManageBlockedSenders)?;
    let wanted = query.email.as_deref().map(normal);
    let domain = wanted.as_deref().and_then(|wanted| wanted.rsplit_once('@')).map(|(_, domain)| domain);
    s.all(
        &[
            "SELECT ",
            COLUMNS,
            " FROM blocked_sender WHERE (?1 IS NULL OR email IN (?1, ?2)) AND (?3 OR action <> 'allow') ORDER BY email",
        ]
        .concat(),
        (&wanted, domain, query.includes_allowed),
        from_row,
    )
}

/// The entry, or `NotFound`.
pub fn require(s: &Snapshot<'_>, by: &Actor, id: BlockedSenderId) -> Result<BlockedSender> {
    by.require(Permission::ManageBlockedSenders)?;
    s.one(&["SELECT ", COLUMNS, " FROM blocked_sender WHERE id = ?"].concat(), [id], from_row)?
        .ok_or_else(|| Error::not_found("blocked sender", id))
}

/// Says what becomes of a sender's mail; an entry for the same value is replaced. Tells whether it is new. Agents and
/// our own accounts cannot be blocked.
pub fn put(tx: &Tx<'_>, by: &Actor, email: &str, action: Action) -> Result<(BlockedSender, bool)> {
    by.require(Permission::ManageBlockedSenders)?;
    let email = check(email)?;
    let mut problems = Problems::default();
    if action != Action::Allow && email.contains('@') {
        let of_agent = is_agent(tx, &email)?;
        problems.require(!of_agent, "email", format!("'{email}' belongs to an agent and cannot be blocked"));
        let is_own = super::outgoing_mail::is_own_address(tx, &email)?;
        problems.require(!is_own, "email", format!("'{email}' is our own and cannot be blocked"));
    }
    problems.check()?;
    let known = by_email(tx, &email)?;
    if let Some(known) = known.as_ref().filter(|known| known.action == action) {
        return Ok((known.clone(), false));
    }
    let id = match &known {
        Some(known) => {
            tx.run("UPDATE blocked_sender SET action = ? WHERE id = ?", (action.name(), known.id))?;
            known.id
        }
        None => BlockedSenderId(tx.insert(
            "INSERT INTO blocked_sender (email, action, created_by_id, created_at) VALUES (?, ?, ?, ?)",
            (&email, action.name(), by.agent_id(), tx.now()),
        )?),
    };
    let before = known.as_ref().map_or("", |known| known.action.name()).to_owned();
    let change = audit::difference(&[("action", before)], &[("action", action.name().to_owned())]);
    let summary = match action {
        Action::Junk => format!("made mail from {email} junk"),
        Action::Reject => format!("rejected mail from {email}"),
        Action::Allow => format!("let mail from {email} in"),
    };
    audit::record(tx, by, audit::Action::BlockedSender, summary, change)?;
    Ok((require(tx, by, id)?, known.is_none()))
}

/// Takes the entry for a value away.
pub fn remove(tx: &Tx<'_>, by: &Actor, email: &str) -> Result<()> {
    by.require(Permission::ManageBlockedSenders)?;
    match by_email(tx, &normal(email))? {
        Some(found) => delete(tx, by, found.id),
        None => Err(Error::not_found("blocked sender", email.chars().take(254).collect::<String>())),
    }
}

pub fn delete(tx: &Tx<'_>, by: &Actor, id: BlockedSenderId) -> Result<()> {
    let entry = require(tx, by, id)?;
    tx.run("DELETE FROM blocked_sender WHERE id = ?", [id])?;
    let summary = format!("took the entry for mail from {} away", entry.email);
    audit::record(tx, by, audit::Action::BlockedSender, summary, "")
}

/// The entry that decides about new mail from an address, unless that lets it in. Agents are never blocked, not even
/// with their domain.
pub(super) fn verdict(s: &Snapshot<'_>, address: &str) -> Result<Option<BlockedSender>> {
    let address = normal(address);
    let found = match by_email(s, &address)? {
        Some(found) => Some(found),
        None => match address.rsplit_once('@') {
            Some((_, domain)) => by_email(s, domain)?,
            None => None,
        },
    };
    match found {
        Some(found) if found.action != Action::Allow && !is_agent(s, &address)? => Ok(Some(found)),
        _ => Ok(None),
    }
}

fn by_email(s: &Snapshot<'_>, email: &str) -> Result<Option<BlockedSender>> {
    s.one(&["SELECT ", COLUMNS, " FROM blocked_sender WHERE email = ?"].concat(), [email], from_row)
}

fn is_agent(s: &Snapshot<'_>, email: &str) -> Result<bool> {
    s.exists("SELECT 1 FROM agent WHERE email = ? AND deleted_at IS NULL", [email])
}

/// Lower case, and `@example.com` as `example.com`.
fn normal(text: &str) -> String {
    let text = text.trim().to_lowercase();
    text.strip_prefix('@').unwrap_or(&text).to_owned()
}

fn check(text: &str) -> Result<String> {
    let email = normal(text);
    if email.is_empty() {
        return Err(Error::invalid("email", "is required"));
    }
    let is_good = if email.contains('@') {
        is_address(&email)
    } else {
        email.contains('.') && !email.contains(['[', ']']) && is_address(&["x@", &email].concat())
    };
    if is_good {
        Ok(email)
    } else {
        let shown: String = text.chars().take(254).collect();
        Err(Error::invalid("email", format!("'{shown}' is neither an e-mail address nor a domain")))
    }
}

const COLUMNS: &str = "id, email, action, created_by_id, created_at";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<BlockedSender> {
    Ok(BlockedSender {
        id: row.get(0)?,
        email: row.get(1)?,
        action: Action::parse(row.get_ref(2)?.as_str()?).ok_or(rusqlite::types::FromSqlError::InvalidType)?,
        created_by_id: row.get(3)?,
        created_at: row.get(4)?,
    })
}
