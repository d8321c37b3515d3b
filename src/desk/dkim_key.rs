//! Keys that sign an account's outgoing mail (DKIM). A key signs once it is switched on, which makes sense after its
//! record is published: a signature that nobody can check does harm. The private half is sealed and never shown.

use super::audit::{self, Action};
use super::email_account;
use super::secret::Vault;
use super::{Actor, Permission};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::EmailAccountId;
use crate::mail::dkim::{self, Key, Kind, Signer};
use crate::mail::sender;
use crate::time::Timestamp;

#[derive(Debug, Clone)]
pub struct DkimKey {
    pub email_account_id: EmailAccountId,
    pub kind: Kind,
    pub selector: String,
    /// As the record has it.
    pub public_key: String,
    pub is_enabled: bool,
    pub created_at: Timestamp,
    /// Whose mail it signs: the domain of the account.
    pub domain: String,
}

impl DkimKey {
    /// The name of the DNS record.
    pub fn record_name(&self) -> String {
        [&self.selector, "._domainkey.", &self.domain].concat()
    }

    /// Its text.
    pub fn record(&self) -> String {
        dkim::record(self.kind, &self.public_key)
    }

    /// Whether one of the records found at that name is this one.
    pub fn is_published(&self, records: &[String]) -> bool {
        records.iter().any(|record| dkim::is_record_of(record, self.kind, &self.public_key))
    }
}

/// The keys of an account. Needs `manageChannels`.
pub fn list(s: &Snapshot<'_>, by: &Actor, account: EmailAccountId) -> Result<Vec<DkimKey>> {
    by.require(Permission::ManageChannels)?;
    email_account::require(s, account)?;
    of_account(s, account)
}

fn of_account(s: &Snapshot<'_>, account: EmailAccountId) -> Result<Vec<DkimKey>> {
    s.all(
        "SELECT k.email_account_id, k.kind, k.selector, k.public_key, k.is_enabled, k.created_at, a.email
         FROM dkim_key k JOIN email_account a ON a.id = k.email_account_id WHERE a.id = ? ORDER BY k.kind DESC",
        [account],
        |row| {
            let kind = Kind::parse(row.get_ref(1)?.as_str()?);
            Ok(DkimKey {
                email_account_id: row.get(0)?,
                kind: kind.ok_or(rusqlite::types::FromSqlError::InvalidType)?,
                selector: row.get(2)?,
                public_key: row.get(3)?,
                is_enabled: row.get(4)?,
                created_at: row.get(5)?,
                domain: sender::domain_of(row.get_ref(6)?.as_str()?),
            })
        },
    )
}

/// The key, or `NotFound`.
pub fn require(s: &Snapshot<'_>, by: &Actor, account: EmailAccountId, kind: &str) -> Result<DkimKey> {
    list(s, by, account)?
        .into_iter()
        .find(|key| key.kind.name() == kind)
        .ok_or_else(|| Error::not_found("signing key", kind))
}

/// Makes an Ed25519 key, in place of the one there is.
pub fn generate(
    tx: &Tx<'_>,
    by: &Actor,
    vault: &Vault,
    account: EmailAccountId,
    selector: &str,
) -> Result<()> {
    by.require(Permission::ManageChannels)?;
    put(tx, by, vault, account, selector, &dkim::generate()?)
}

/// Takes a private key that was made elsewhere: PEM, RSA of 2048 bits or more, or Ed25519.
pub fn import(
    tx: &Tx<'_>,
    by: &Actor,
    vault: &Vault,
    account: EmailAccountId,
    selector: &str,
    pem: &str,
) -> Result<()> {
    by.require(Permission::ManageChannels)?;
    let private = dkim::from_pem(pem).ok_or_else(|| {
        Error::invalid("privateKey", "is not a private key in PEM, which begins with -----BEGIN")
    })?;
    put(tx, by, vault, account, selector, &private)
}

fn put(
    tx: &Tx<'_>,
    by: &Actor,
    vault: &Vault,
    account: EmailAccountId,
    selector: &str,
    private: &str,
) -> Result<()> {
    let email = email_account::require(tx, account)?.email;
    let selector = selector.trim().to_lowercase();
    let is_name = (1..=63).contains(&selector.len())
        && selector.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !selector.starts_with('-')
        && !selector.ends_with('-');
    if !is_name {
        let message = format!("'{selector}' is not a selector: letters, digits and hyphens, 63 at most");
        return Err(Error::invalid("selector", message));
    }
    let key = Key::read(private).ok_or_else(|| {
        Error::invalid("privateKey", "is neither an RSA key of 2048 bits or more nor an Ed25519 key")
    })?;
    let kind = key.kind().name();
    if tx.exists(
        "SELECT 1 FROM dkim_key WHERE email_account_id = ? AND selector = ? AND kind <> ?",
        (account, &selector, kind),
    )? {
        return Err(Error::invalid(
            "selector",
            format!("'{selector}' is that of the other key; each needs its own"),
        ));
    }
    tx.run(
        "INSERT OR REPLACE INTO dkim_key (email_account_id, kind, selector, public_key, sealed_key, created_at)
         VALUES (?, ?, ?, ?, ?, ?)",
        (account, kind, &selector, key.public(), vault.seal(&place(account, kind), private)?, tx.now()),
    )?;
    audit::record(tx, by, Action::Channel, format!("set the {kind} signing key of '{email}'"), &selector)
}

/// Signs with the key from the next mail on, or no longer.
pub fn set_enabled(
    tx: &Tx<'_>,
    by: &Actor,
    account: EmailAccountId,
    kind: &str,
    is_enabled: bool,
) -> Result<()> {
    let key = require(tx, by, account, kind)?;
    tx.run(
        "UPDATE dkim_key SET is_enabled = ? WHERE email_account_id = ? AND kind = ?",
        (is_enabled, account, kind),
    )?;
    let did = if is_enabled { "started" } else { "stopped" };
    audit::record(tx, by, Action::Channel, format!("{did} signing as {}", key.record_name()), "")
}

pub fn delete(tx: &Tx<'_>, by: &Actor, account: EmailAccountId, kind: &str) -> Result<()> {
    let key = require(tx, by, account, kind)?;
    tx.run("DELETE FROM dkim_key WHERE email_account_id = ? AND kind = ?", (account, kind))?;
    audit::record(tx, by, Action::Channel, format!("deleted the signing key {}", key.record_name()), "")
}

/// What signs the mail of an account now. A key that the vault cannot open is left out: a mail without a signature still
/// arrives.
pub fn signers(s: &Snapshot<'_>, vault: &Vault, account: EmailAccountId) -> Result<Vec<Signer>> {
    let mut signers = Vec::new();
    for key in of_account(s, account)?.into_iter().filter(|key| key.is_enabled) {
        let kind = key.kind.name();
        let sealed: Option<Vec<u8>> = s.one(
            "SELECT sealed_key FROM dkim_key WHERE email_account_id = ? AND kind = ?",
            (account, kind),
            |row| row.get(0),
        )?;
        let opened = sealed.and_then(|sealed| vault.open(&place(account, kind), &sealed));
        match opened.as_deref().and_then(Key::read) {
            Some(private) => {
                signers.push(Signer { domain: key.domain, selector: key.selector, key: private });
            }
            None => tracing::warn!(email_account.id = account.0, kind, "a signing key cannot be opened"),
        }
    }
    Ok(signers)
}

fn place(account: EmailAccountId, kind: &str) -> String {
    format!("dkim_key.sealed_key:{account}:{kind}")
}
