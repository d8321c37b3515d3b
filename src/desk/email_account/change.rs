//! Creating and changing e-mail accounts.

use super::provider::{GRAPH_SCOPE, GRAPH_URL};
use super::{
    Authentication, EmailAccount, Kind, check, choose_default, keep_default, place, require, resume_fetching,
    resume_sending, taken,
};
use crate::db::Tx;
use crate::desk::audit::{self, Action};
use crate::desk::secret::Vault;
use crate::desk::{Actor, Permission};
use crate::error::{Error, OnConstraint, Problems, Result};
use crate::ids::{AgentId, DepartmentId, EmailAccountId};
use crate::mail::is_address;
use crate::mail::server::Security;
use crate::time::Timestamp;

/// `None` leaves a property alone (on creation: its default); `Some(None)` clears it.
#[derive(Debug, Clone, Default)]
pub struct EmailAccountChange {
    pub kind: Option<Kind>,
    /// The kind whose fields named the incoming server and what belongs to it.
    pub speaks_of: Option<Kind>,
    pub email: Option<String>,
    pub display_name: Option<String>,
    pub is_enabled: Option<bool>,
    pub is_default: Option<bool>,
    pub agent_assignee_id: Option<Option<AgentId>>,
    pub department_assignee_id: Option<Option<DepartmentId>>,
    pub signature: Option<String>,
    pub incoming_server: Option<String>,
    pub incoming_port: Option<i64>,
    pub incoming_security: Option<Security>,
    pub incoming_user_name: Option<String>,
    pub incoming_password: Option<String>,
    pub folder: Option<String>,
    pub move_to_folder: Option<String>,
    pub leave_copy_on_server: Option<bool>,
    pub poll_interval_seconds: Option<i64>,
    pub take_over_before: Option<Option<Timestamp>>,
    pub smtp_server: Option<String>,
    pub smtp_port: Option<i64>,
    pub smtp_security: Option<Security>,
    pub smtp_user_name: Option<String>,
    pub smtp_password: Option<String>,
    pub tls_accept_invalid_certs: Option<bool>,
    pub authentication: Option<Authentication>,
    pub oauth: OAuthChange,
}

#[derive(Debug, Clone, Default)]
pub struct OAuthChange {
    pub authorize_url: Option<String>,
    pub token_url: Option<String>,
    pub client_id: Option<String>,
    pub client_secret: Option<String>,
    pub scope: Option<String>,
    /// Usually got by authorising on the account's page.
    pub refresh_token: Option<String>,
}

/// The first account becomes the default one.
pub fn create(tx: &Tx<'_>, by: &Actor, vault: &Vault, new: &EmailAccountChange) -> Result<EmailAccount> {
    by.require(Permission::ManageChannels)?;
    let email = new.email.as_deref().unwrap_or_default().trim();
    if !is_address(email) {
        return Err(Error::invalid("email", format!("'{email}' is not an e-mail address")));
    }
    let kind = new.kind.or(new.speaks_of).unwrap_or(Kind::Pop3);
    check::kind(kind, new)?;
    let (server, authentication, scope) = match kind {
        Kind::Exchange => (GRAPH_URL, Authentication::OAuth2, GRAPH_SCOPE),
        Kind::Pop3 | Kind::Imap => ("", Authentication::Password, ""),
    };
    let id = EmailAccountId(
        tx.insert(
            "INSERT INTO email_account (email, type, incoming_server, incoming_port, incoming_user_name, smtp_user_name,
               authentication, oauth_scope, is_default, created_at)
             VALUES (?1, ?2, ?3, ?4, ?1, ?1, ?5, ?6, NOT EXISTS (SELECT 1 FROM email_account WHERE is_default = 1), ?7)",
            (email, kind.name(), server, kind.default_port(), authentication.name(), scope, tx.now()),
        )
        .on_constraint("email_account.email", || taken(email))?,
    );
    let account = apply(tx, vault, id, new)?;
    if !account.is_enabled {
        tx.run("UPDATE email_account SET is_default = 0 WHERE id = ?", [id])?;
        choose_default(tx)?;
    }
    if new.is_default == Some(true) {
        make_default(tx, &require(tx, id)?)?;
    }
    audit::record(tx, by, Action::Channel, format!("created the e-mail account '{email}'"), "")?;
    require(tx, id)
}

/// `Invalid` for one that is switched off: nothing would be sent.
fn make_default(tx: &Tx<'_>, account: &EmailAccount) -> Result<()> {
    if account.is_default {
        return Ok(());
    }
    if !account.is_enabled {
        let message = format!("must be false while {} is not enabled", account.email);
        return Err(Error::invalid("isDefault", message));
    }
    tx.run("UPDATE email_account SET is_default = 0 WHERE is_default = 1", [])?;
    tx.run("UPDATE email_account SET is_default = 1 WHERE id = ?", [account.id])?;
    Ok(())
}

/// A changed server needs its secrets again, so that nobody can have stored ones sent to a host of theirs.
pub fn update(
    tx: &Tx<'_>,
    by: &Actor,
    vault: &Vault,
    id: EmailAccountId,
    change: &EmailAccountChange,
) -> Result<EmailAccount> {
    by.require(Permission::ManageChannels)?;
    let before = require(tx, id)?;
    let moves = |new: &Option<String>, old: &str| new.as_deref().is_some_and(|new| new.trim() != old);
    let changes_kind = change.kind.is_some_and(|kind| kind != before.kind);
    let kind = change.kind.unwrap_or(before.kind);
    check::kind(kind, change)?;
    let moves_incoming = changes_kind || moves(&change.incoming_server, &before.incoming_server);
    let moves_smtp = moves(&change.smtp_server, &before.smtp_server);
    let moves_token = moves(&change.oauth.token_url, &before.oauth.token_url);
    let mut problems = Problems::default();
    let again = "is needed again because the server changed";
    if moves_incoming && before.has_incoming_password && change.incoming_password.is_none() {
        problems.add(kind.field("Password"), again);
    }
    if moves_smtp && before.has_smtp_password && change.smtp_password.is_none() {
        problems.add("smtpPassword", again);
    }
    let shows_secret = moves_token || (moves_incoming && kind == Kind::Exchange);
    if shows_secret && before.oauth.has_client_secret && change.oauth.client_secret.is_none() {
        problems.add("oauthClientSecret", again);
    }
    problems.check()?;
    if change.is_enabled == Some(false) {
        keep_default(tx, &before)?;
    }
    // Whoever authorised us did so for those servers and that client.
    if moves_incoming || moves_smtp || moves_token || moves(&change.oauth.client_id, &before.oauth.client_id)
    {
        tx.run("UPDATE email_account SET oauth_refresh_token = NULL WHERE id = ?", [id])?;
    }
    if changes_kind {
        tx.run(
            "UPDATE email_account SET type = ?1, incoming_port = ?2, incoming_server = ?3, folder = '',
               move_to_folder = '', authentication = ?4 WHERE id = ?5",
            (
                kind.name(),
                kind.default_port(),
                if kind == Kind::Exchange { GRAPH_URL } else { "" },
                if kind == Kind::Exchange { Authentication::OAuth2 } else { before.authentication }.name(),
                id,
            ),
        )?;
    }
    apply(tx, vault, id, change)?;
    choose_default(tx)?;
    match change.is_default {
        Some(true) if !before.is_default => make_default(tx, &require(tx, id)?)?,
        Some(false) if before.is_default => {
            let message = "cannot be taken from the default account: make another one the default";
            return Err(Error::invalid("isDefault", message));
        }
        _ => {}
    }
    let after = require(tx, id)?;
    let mut details = audit::difference(&facts(&before), &facts(&after));
    if change.incoming_password.is_some() || change.smtp_password.is_some() {
        details.push_str("\na password was set");
    }
    if change.oauth.client_secret.is_some() {
        details.push_str("\na client secret was set");
    }
    let summary = format!("changed the e-mail account '{}'", after.email);
    audit::record(tx, by, Action::Channel, summary, details.trim_start())?;
    Ok(after)
}

/// Somebody authorised us at the provider: keeps what it gave, and has mail fetched at once.
pub fn authorise(
    tx: &Tx<'_>,
    by: &Actor,
    vault: &Vault,
    id: EmailAccountId,
    refresh_token: &str,
) -> Result<()> {
    by.require(Permission::ManageChannels)?;
    let account = require(tx, id)?;
    keep_refresh_token(tx, vault, id, refresh_token)?;
    resume_fetching(tx, id)?;
    resume_sending(tx, id)?;
    let summary = format!("authorised the e-mail account '{}' at its provider", account.email);
    audit::record(tx, by, Action::Channel, summary, "")
}

/// Providers may give a new token in place of the one that was used.
pub fn keep_refresh_token(tx: &Tx<'_>, vault: &Vault, id: EmailAccountId, token: &str) -> Result<()> {
    let sealed = vault.seal(&place("oauth_refresh_token", id), token)?;
    tx.run("UPDATE email_account SET oauth_refresh_token = ? WHERE id = ?", (sealed, id))?;
    Ok(())
}

/// What the audit log tells of a change.
fn facts(account: &EmailAccount) -> [(&'static str, String); 22] {
    let assignee = |id: Option<i64>| id.map(|id| id.to_string()).unwrap_or_default();
    [
        ("email", account.email.clone()),
        ("type", account.kind.name().to_owned()),
        ("displayName", account.display_name.clone()),
        ("isEnabled", account.is_enabled.to_string()),
        ("agentAssigneeId", assignee(account.agent_assignee_id.map(|id| id.0))),
        ("departmentAssigneeId", assignee(account.department_assignee_id.map(|id| id.0))),
        ("signature", account.signature.clone()),
        ("incomingServer", account.incoming_server.clone()),
        ("incomingUserName", account.incoming_user_name.clone()),
        ("incomingSecurity", account.incoming_security.name().to_owned()),
        ("folder", account.folder.clone()),
        ("moveToFolder", account.move_to_folder.clone()),
        ("smtpServer", account.smtp_server.clone()),
        ("smtpUserName", account.smtp_user_name.clone()),
        ("smtpSecurity", account.smtp_security.name().to_owned()),
        ("leaveCopyOnServer", account.leave_copy_on_server.to_string()),
        ("takeOverBefore", account.take_over_before.map(|at| at.to_string()).unwrap_or_default()),
        ("tlsAcceptInvalidCerts", account.tls_accept_invalid_certs.to_string()),
        ("authentication", account.authentication.name().to_owned()),
        ("oauthTokenUrl", account.oauth.token_url.clone()),
        ("oauthClientId", account.oauth.client_id.clone()),
        ("oauthScope", account.oauth.scope.clone()),
    ]
}

fn apply(
    tx: &Tx<'_>,
    vault: &Vault,
    id: EmailAccountId,
    change: &EmailAccountChange,
) -> Result<EmailAccount> {
    let before = require(tx, id)?;
    check::fields(tx, before.kind, change)?;
    let seal = |column: &str, secret: &Option<String>| -> Result<Option<Vec<u8>>> {
        secret.as_deref().filter(|p| !p.is_empty()).map(|p| vault.seal(&place(column, id), p)).transpose()
    };
    let trimmed = |text: &Option<String>| text.as_deref().map(|text| text.trim().to_owned());
    tx.run(
        "UPDATE email_account SET
           email = coalesce(:email, email), display_name = coalesce(:display_name, display_name),
           is_enabled = coalesce(:is_enabled, is_enabled),
           agent_assignee_id = CASE WHEN :sets_agent THEN :agent ELSE agent_assignee_id END,
           department_assignee_id = CASE WHEN :sets_department THEN :department ELSE department_assignee_id END,
           signature = coalesce(:signature, signature), incoming_server = coalesce(:incoming_server, incoming_server),
           incoming_port = coalesce(:incoming_port, incoming_port),
           incoming_security = coalesce(:incoming_security, incoming_security),
           incoming_user_name = coalesce(:incoming_user_name, incoming_user_name),
           incoming_password = coalesce(:incoming_password, incoming_password),
           folder = coalesce(:folder, folder), move_to_folder = coalesce(:move_to_folder, move_to_folder),
           leave_copy_on_server = coalesce(:leave_copy, leave_copy_on_server),
           poll_interval_seconds = coalesce(:poll_interval, poll_interval_seconds),
           take_over_before = CASE WHEN :sets_take_over THEN :take_over_before ELSE take_over_before END,
           smtp_server = coalesce(:smtp_server, smtp_server), smtp_port = coalesce(:smtp_port, smtp_port),
           smtp_security = coalesce(:smtp_security, smtp_security),
           smtp_user_name = coalesce(:smtp_user_name, smtp_user_name),
           smtp_password = coalesce(:smtp_password, smtp_password),
           tls_accept_invalid_certs = coalesce(:accept_invalid, tls_accept_invalid_certs),
           authentication = coalesce(:authentication, authentication),
           oauth_authorize_url = coalesce(:authorize_url, oauth_authorize_url),
           oauth_token_url = coalesce(:token_url, oauth_token_url),
           oauth_client_id = coalesce(:client_id, oauth_client_id),
           oauth_client_secret = coalesce(:client_secret, oauth_client_secret),
           oauth_scope = coalesce(:scope, oauth_scope),
           oauth_refresh_token = coalesce(:refresh_token, oauth_refresh_token)
         WHERE id = :id",
        rusqlite::named_params! {
            ":email": trimmed(&change.email), ":display_name": trimmed(&change.display_name),
            ":is_enabled": change.is_enabled,
            ":sets_agent": change.agent_assignee_id.is_some(), ":agent": change.agent_assignee_id.flatten(),
            ":sets_department": change.department_assignee_id.is_some(),
            ":department": change.department_assignee_id.flatten(),
            ":signature": change.signature.as_deref().map(crate::html::sanitize_own),
            ":incoming_server": trimmed(&change.incoming_server), ":incoming_port": change.incoming_port,
            ":incoming_security": change.incoming_security.map(Security::name),
            ":incoming_user_name": trimmed(&change.incoming_user_name),
            ":incoming_password": seal("incoming_password", &change.incoming_password)?,
            ":folder": trimmed(&change.folder), ":move_to_folder": trimmed(&change.move_to_folder),
            ":leave_copy": change.leave_copy_on_server, ":poll_interval": change.poll_interval_seconds,
            ":sets_take_over": change.take_over_before.is_some(),
            ":take_over_before": change.take_over_before.flatten(),
            ":smtp_server": trimmed(&change.smtp_server), ":smtp_port": change.smtp_port,
            ":smtp_security": change.smtp_security.map(Security::name),
            ":smtp_user_name": trimmed(&change.smtp_user_name),
            ":smtp_password": seal("smtp_password", &change.smtp_password)?,
            ":accept_invalid": change.tls_accept_invalid_certs,
            ":authentication": change.authentication.map(Authentication::name),
            ":authorize_url": trimmed(&change.oauth.authorize_url), ":token_url": trimmed(&change.oauth.token_url),
            ":client_id": trimmed(&change.oauth.client_id),
            ":client_secret": seal("oauth_client_secret", &change.oauth.client_secret)?,
            ":scope": trimmed(&change.oauth.scope),
            ":refresh_token": seal("oauth_refresh_token", &change.oauth.refresh_token)?, ":id": id,
        },
    )
    .on_constraint("email_account.email", || taken(change.email.as_deref().unwrap_or_default()))?;
    resume_fetching(tx, id)?;
    resume_sending(tx, id)?;
    let after = require(tx, id)?;
    check::whole(&after)?;
    let is_other_mailbox = |account: &EmailAccount| {
        (
            account.kind.name(),
            account.incoming_server.clone(),
            account.incoming_user_name.clone(),
            account.folder.clone(),
        )
    };
    if is_other_mailbox(&before) != is_other_mailbox(&after) {
        super::keep_cursor(tx, id, "")?;
    }
    Ok(after)
}
