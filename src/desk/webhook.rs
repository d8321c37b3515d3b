//! Webhooks (contract 10): which URL is told of which event. The secret that signs goes in and is shown once; it is
//! encrypted like mail passwords. What is sent, and how that went, is in `webhook_delivery`.

use super::audit::{self, Action};
use super::secret::Vault;
use super::{Actor, Permission};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::WebhookId;
use crate::time::Timestamp;

#[derive(Debug, Clone)]
pub struct Webhook {
    pub id: WebhookId,
    pub event: Event,
    pub target_url: String,
    pub is_enabled: bool,
    pub has_secret: bool,
    /// How the last attempt at any delivery went; `None` before the first.
    pub last_succeeded: Option<bool>,
    pub last_attempt_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

macro_rules! events {
    ($($variant:ident $name:literal),+ $(,)?) => {
        /// What a webhook may be told of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Event { $($variant),+ }

        impl Event {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The last part of the contract's name, also as stored.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// As receivers are told.
            pub fn full_name(self) -> String {
                ["anytimeConversation.", self.name()].concat()
            }

            /// The last part of the name in any case.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|event| event.name().eq_ignore_ascii_case(text.trim()))
            }
        }
    };
}

events!(
    Created "Created",
    ReplyReceived "ReplyReceived",
    AgentReplied "AgentReplied",
    AssigneeChanged "AssigneeChanged",
    StatusChanged "StatusChanged",
    StatusStays "StatusStays",
    Deleted "Deleted",
    FileUploaded "FileUploaded",
    SlaBreached "SLABreached",
);

/// `None` leaves a property alone (on creation: its default).
#[derive(Debug, Clone, Default)]
pub struct WebhookChange {
    pub event: Option<Event>,
    /// Checked by whoever knows what may be spoken to.
    pub target_url: Option<String>,
    pub is_enabled: Option<bool>,
    /// `Some(None)` takes it away: deliveries are not signed.
    pub secret: Option<Option<String>>,
}

/// In the order they were made.
pub fn list(s: &Snapshot<'_>, by: &Actor) -> Result<Vec<Webhook>> {
    by.require(Permission::ManageIntegration)?;
    s.all(&["SELECT ", COLUMNS, " FROM webhook ORDER BY id"].concat(), [], from_row)
}

/// The webhook, or `NotFound`.
pub fn require(s: &Snapshot<'_>, by: &Actor, id: WebhookId) -> Result<Webhook> {
    by.require(Permission::ManageIntegration)?;
    s.one(&["SELECT ", COLUMNS, " FROM webhook WHERE id = ?"].concat(), [id], from_row)?
        .ok_or_else(|| Error::not_found("webhook", id))
}

/// Those that are told of `event`.
pub(super) fn of_event(s: &Snapshot<'_>, event: Event) -> Result<Vec<WebhookId>> {
    s.all("SELECT id FROM webhook WHERE event = ? AND is_enabled = 1 ORDER BY id", [event.name()], |row| {
        row.get(0)
    })
}

pub fn create(tx: &Tx<'_>, by: &Actor, vault: &Vault, new: &WebhookChange) -> Result<Webhook> {
    by.require(Permission::ManageIntegration)?;
    let event = new.event.ok_or_else(|| Error::invalid("event", "is required"))?;
    let url = new.target_url.as_deref().ok_or_else(|| Error::invalid("targetUrl", "is required"))?;
    let id = WebhookId(tx.insert(
        "INSERT INTO webhook (event, target_url, is_enabled, created_at) VALUES (?, ?, ?, ?)",
        (event.name(), url.trim(), new.is_enabled.unwrap_or(true), tx.now()),
    )?);
    if let Some(secret) = &new.secret {
        store_secret(tx, vault, id, secret.as_deref())?;
    }
    let webhook = require(tx, by, id)?;
    tell(tx, by, "created", &webhook, "")?;
    Ok(webhook)
}

pub fn update(
    tx: &Tx<'_>,
    by: &Actor,
    vault: &Vault,
    id: WebhookId,
    change: &WebhookChange,
) -> Result<Webhook> {
    let before = require(tx, by, id)?;
    tx.run(
        "UPDATE webhook SET event = coalesce(?, event), target_url = coalesce(?, target_url),
           is_enabled = coalesce(?, is_enabled) WHERE id = ?",
        (change.event.map(Event::name), change.target_url.as_deref().map(str::trim), change.is_enabled, id),
    )?;
    let mut details = String::new();
    if let Some(secret) = &change.secret {
        store_secret(tx, vault, id, secret.as_deref())?;
        details = "secret: changed\n".to_owned();
    }
    let after = require(tx, by, id)?;
    if before.target_url != after.target_url {
        details += "targetUrl: changed\n";
    }
    details += &audit::difference(&facts(&before), &facts(&after));
    tell(tx, by, "changed", &after, details.trim())?;
    Ok(after)
}

/// Its deliveries go, too.
pub fn delete(tx: &Tx<'_>, by: &Actor, id: WebhookId) -> Result<()> {
    let webhook = require(tx, by, id)?;
    tx.run("DELETE FROM webhook WHERE id = ?", [id])?;
    tell(tx, by, "deleted", &webhook, "")
}

/// The secret to sign with; `None` when there is none. `Unavailable` when the key file is another one: better not
/// sent than sent unsigned.
pub fn secret(s: &Snapshot<'_>, vault: &Vault, id: WebhookId) -> Result<Option<String>> {
    let sealed: Option<Vec<u8>> =
        s.one("SELECT secret FROM webhook WHERE id = ?", [id], |row| row.get(0))?.flatten();
    let Some(sealed) = sealed else { return Ok(None) };
    match vault.open(&place(id), &sealed) {
        Some(secret) => Ok(Some(secret)),
        None => Err(Error::Unavailable(
            "the stored secret cannot be opened with this key; set it again".to_owned(),
        )),
    }
}

fn store_secret(tx: &Tx<'_>, vault: &Vault, id: WebhookId, secret: Option<&str>) -> Result<()> {
    let sealed = secret.map(|secret| vault.seal(&place(id), secret)).transpose()?;
    tx.run("UPDATE webhook SET secret = ? WHERE id = ?", (sealed, id))?;
    Ok(())
}

fn place(id: WebhookId) -> String {
    format!("webhook.secret:{id}")
}

fn facts(webhook: &Webhook) -> [(&'static str, String); 2] {
    [("event", webhook.event.name().to_owned()), ("isEnabled", webhook.is_enabled.to_string())]
}

/// The path of a target may be a secret itself: only its host is told.
fn tell(tx: &Tx<'_>, by: &Actor, did: &str, webhook: &Webhook, details: &str) -> Result<()> {
    let host = url::Url::parse(&webhook.target_url).ok();
    let host = host.as_ref().and_then(url::Url::host_str).unwrap_or_default();
    let summary = format!("{did} the webhook for {} to {host}", webhook.event.name());
    audit::record(tx, by, Action::Integration, summary, details)
}

const COLUMNS: &str =
    "id, event, target_url, is_enabled, secret IS NOT NULL, last_succeeded, last_attempt_at, created_at";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Webhook> {
    Ok(Webhook {
        id: row.get(0)?,
        event: Event::parse(row.get_ref(1)?.as_str()?).ok_or(rusqlite::types::FromSqlError::InvalidType)?,
        target_url: row.get(2)?,
        is_enabled: row.get(3)?,
        has_secret: row.get(4)?,
        last_succeeded: row.get(5)?,
        last_attempt_at: row.get(6)?,
        created_at: row.get(7)?,
    })
}
