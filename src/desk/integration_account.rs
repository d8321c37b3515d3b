//! Integration accounts (contract 21): which accounts third-party channel apps have connected. A plain registry: no
//! mail or message runs through it.

use super::audit::{self, Action};
use super::{Actor, Permission, check_name};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, OnConstraint, Result};
use crate::ids::IntegrationAccountId;

#[derive(Debug, Clone)]
pub struct IntegrationAccount {
    pub id: IntegrationAccountId,
    /// The channel app that owns it.
    pub app_id: String,
    pub account_name: String,
    /// Its id on the foreign platform; unique for the app.
    pub account_original_id: String,
    pub channel_id: String,
    pub is_enabled: bool,
}

/// `None` leaves a property alone (on creation: its default).
#[derive(Debug, Clone, Default)]
pub struct IntegrationAccountChange {
    pub app_id: Option<String>,
    pub account_name: Option<String>,
    pub account_original_id: Option<String>,
    pub channel_id: Option<String>,
    pub is_enabled: Option<bool>,
}

#[derive(Debug, Clone, Default)]
pub struct IntegrationAccountQuery {
    pub channel_id: Option<String>,
    /// Needs the right to manage them.
    pub includes_disabled: bool,
}

/// In the order they were made.
pub fn list(
    s: &Snapshot<'_>,
    by: &Actor,
    query: &IntegrationAccountQuery,
) -> Result<Vec<IntegrationAccount>> {
    if query.includes_disabled {
        require_right(by)?;
    }
    s.all(
        &[
            "SELECT ",
            COLUMNS,
            " FROM integration_account WHERE (?1 OR is_enabled = 1) AND (?2 IS NULL OR channel_id = ?2) ORDER BY id",
        ]
        .concat(),
        (query.includes_disabled, &query.channel_id),
        from_row,
    )
}

/// The account, or `NotFound`: a disabled one is there only for who manages them.
pub fn require(s: &Snapshot<'_>, by: &Actor, id: IntegrationAccountId) -> Result<IntegrationAccount> {
    s.one(&["SELECT ", COLUMNS, " FROM integration_account WHERE id = ?"].concat(), [id], from_row)?
        .filter(|account| account.is_enabled || require_right(by).is_ok())
        .ok_or_else(|| Error::not_found("integration account", id))
}

/// `Conflict` when the app has the foreign account already.
pub fn create(tx: &Tx<'_>, by: &Actor, new: &IntegrationAccountChange) -> Result<IntegrationAccount> {
    require_right(by)?;
    let fresh = IntegrationAccount {
        id: IntegrationAccountId(0),
        app_id: check_name("appId", new.app_id.as_deref().unwrap_or_default(), 200)?,
        account_name: String::new(),
        account_original_id: check_name(
            "accountOriginalId",
            new.account_original_id.as_deref().unwrap_or_default(),
            200,
        )?,
        channel_id: String::new(),
        is_enabled: true,
    };
    let account = changed(fresh, new)?;
    let id = tx
        .insert(
            "INSERT INTO integration_account (app_id, account_name, account_original_id, channel_id, is_enabled)
             VALUES (?, ?, ?, ?, ?)",
            (
                &account.app_id,
                &account.account_name,
                &account.account_original_id,
                &account.channel_id,
                account.is_enabled,
            ),
        )
        .on_constraint("integration_account.app_id", || taken(&account))?;
    tell(tx, by, "connected", &account, "")?;
    Ok(IntegrationAccount { id: IntegrationAccountId(id), ..account })
}

pub fn update(
    tx: &Tx<'_>,
    by: &Actor,
    id: IntegrationAccountId,
    change: &IntegrationAccountChange,
) -> Result<IntegrationAccount> {
    require_right(by)?;
    let before = require(tx, by, id)?;
    let after = changed(before.clone(), change)?;
    tx.run(
        "UPDATE integration_account SET app_id = ?, account_name = ?, account_original_id = ?, channel_id = ?,
           is_enabled = ? WHERE id = ?",
        (
            &after.app_id,
            &after.account_name,
            &after.account_original_id,
            &after.channel_id,
            after.is_enabled,
            id,
        ),
    )
    .on_constraint("integration_account.app_id", || taken(&after))?;
    tell(tx, by, "changed", &after, &audit::difference(&facts(&before), &facts(&after)))?;
    Ok(after)
}

pub fn delete(tx: &Tx<'_>, by: &Actor, id: IntegrationAccountId) -> Result<()> {
    require_right(by)?;
    let account = require(tx, by, id)?;
    tx.run("DELETE FROM integration_account WHERE id = ?", [id])?;
    tell(tx, by, "removed", &account, "")
}

/// Either of the two rights that the contract names.
fn require_right(by: &Actor) -> Result<()> {
    by.require(Permission::ManageChannels).or_else(|_| by.require(Permission::ManageIntegration))
}

fn changed(mut account: IntegrationAccount, change: &IntegrationAccountChange) -> Result<IntegrationAccount> {
    if let Some(app) = &change.app_id {
        account.app_id = check_name("appId", app, 200)?;
    }
    if let Some(original) = &change.account_original_id {
        account.account_original_id = check_name("accountOriginalId", original, 200)?;
    }
    for (field, text, own) in [
        ("accountName", &change.account_name, &mut account.account_name),
        ("channelId", &change.channel_id, &mut account.channel_id),
    ] {
        match text.as_deref().map(str::trim) {
            Some("") => own.clear(),
            Some(text) => *own = check_name(field, text, 200)?,
            None => {}
        }
    }
    account.is_enabled = change.is_enabled.unwrap_or(account.is_enabled);
    Ok(account)
}

fn taken(account: &IntegrationAccount) -> Error {
    Error::Conflict(format!(
        "the app '{}' has an account '{}' already",
        account.app_id, account.account_original_id
    ))
}

fn facts(account: &IntegrationAccount) -> [(&'static str, String); 5] {
    [
        ("appId", account.app_id.clone()),
        ("accountName", account.account_name.clone()),
        ("accountOriginalId", account.account_original_id.clone()),
        ("channelId", account.channel_id.clone()),
        ("isEnable", account.is_enabled.to_string()),
    ]
}

fn tell(tx: &Tx<'_>, by: &Actor, did: &str, account: &IntegrationAccount, details: &str) -> Result<()> {
    let summary =
        format!("{did} the integration account '{}' of '{}'", account.account_original_id, account.app_id);
    audit::record(tx, by, Action::Channel, summary, details)
}

const COLUMNS: &str = "id, app_id, account_name, account_original_id, channel_id, is_enabled";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<IntegrationAccount> {
    Ok(IntegrationAccount {
        id: row.get(0)?,
        app_id: row.get(1)?,
        account_name: row.get(2)?,
        account_original_id: row.get(3)?,
        channel_id: row.get(4)?,
        is_enabled: row.get(5)?,
    })
}
