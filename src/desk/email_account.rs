//! E-mail accounts: where we fetch mail and through which we send (contract 20). Among enabled accounts exactly one
//! is the default. Passwords are write-only: sealed by the vault, never returned.

use std::time::Duration;

use super::audit::{self, Action};
use super::secret::Vault;
use super::{Actor, Permission, agent, check_name, check_text, department};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, OnConstraint, Problems, Result};
use crate::ids::{AgentId, DepartmentId, EmailAccountId};
use crate::mail::is_address;
use crate::time::Timestamp;

#[derive(Debug, Clone)]
pub struct EmailAccount {
    pub id: EmailAccountId,
    pub email: String,
    pub kind: String,
    pub display_name: String,
    pub is_enabled: bool,
    pub is_default: bool,
    pub agent_assignee_id: Option<AgentId>,
    pub department_assignee_id: Option<DepartmentId>,
    pub signature: String,
    pub pop3_server: String,
    pub pop3_port: u16,
    pub pop3_security: Security,
    pub pop3_user_name: String,
    pub has_pop3_password: bool,
    pub leave_copy_on_server: bool,
    pub poll_interval_seconds: i64,
    pub smtp_server: String,
    pub smtp_port: u16,
    pub smtp_security: Security,
    pub smtp_user_name: String,
    pub has_smtp_password: bool,
    pub tls_accept_invalid_certs: bool,
    pub last_checked_at: Option<Timestamp>,
    pub last_success_at: Option<Timestamp>,
    pub last_error: Option<String>,
    pub failures: i64,
    pub created_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    None,
    Ssl,
    StartTls,
}

impl Security {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Ssl => "ssl",
            Self::StartTls => "startTls",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::None, Self::Ssl, Self::StartTls]
            .into_iter()
            .find(|s| s.name().eq_ignore_ascii_case(text.trim()))
    }
}

/// `None` leaves a property alone (on creation: its default); `Some(None)` clears an assignee.
#[derive(Debug, Clone, Default)]
pub struct EmailAccountChange {
    pub email: Option<String>,
    pub display_name: Option<String>,
    pub is_enabled: Option<bool>,
    pub agent_assignee_id: Option<Option<AgentId>>,
    pub department_assignee_id: Option<Option<DepartmentId>>,
    pub signature: Option<String>,
    pub pop3_server: Option<String>,
    pub pop3_port: Option<i64>,
    pub pop3_security: Option<Security>,
    pub pop3_user_name: Option<String>,
    pub pop3_password: Option<String>,
    pub leave_copy_on_server: Option<bool>,
    pub poll_interval_seconds: Option<i64>,
    pub smtp_server: Option<String>,
    pub smtp_port: Option<i64>,
    pub smtp_security: Option<Security>,
    pub smtp_user_name: Option<String>,
    pub smtp_password: Option<String>,
    pub tls_accept_invalid_certs: Option<bool>,
}

/// The passwords in the clear, for the job that signs in.
pub struct Passwords {
    pub pop3: Option<String>,
    pub smtp: Option<String>,
}

/// Enabled accounts, the default one first; all of them with `include_disabled`.
pub fn list(s: &Snapshot<'_>, include_disabled: bool) -> Result<Vec<EmailAccount>> {
    s.all(
        &[
            "SELECT ",
            COLUMNS,
            " FROM email_account WHERE is_enabled = 1 OR ?1 ORDER BY is_default DESC, is_enabled DESC, email",
        ]
        .concat(),
        [include_disabled],
        from_row,
    )
}

pub fn get(s: &Snapshot<'_>, id: EmailAccountId) -> Result<Option<EmailAccount>> {
    s.one(&["SELECT ", COLUMNS, " FROM email_account WHERE id = ?"].concat(), [id], from_row)
}

/// The account, or `NotFound`.
pub fn require(s: &Snapshot<'_>, id: EmailAccountId) -> Result<EmailAccount> {
    get(s, id)?.ok_or_else(|| Error::not_found("email account", id))
}

/// The enabled account with this address.
pub fn by_email(s: &Snapshot<'_>, email: &str) -> Result<Option<EmailAccount>> {
    s.one(
        &["SELECT ", COLUMNS, " FROM email_account WHERE email = ? AND is_enabled = 1"].concat(),
        [email.trim()],
        from_row,
    )
}

pub fn default(s: &Snapshot<'_>) -> Result<Option<EmailAccount>> {
    s.one(
        &["SELECT ", COLUMNS, " FROM email_account WHERE is_default = 1 AND is_enabled = 1"].concat(),
        [],
        from_row,
    )
}

/// Accounts whose next fetch is due.
pub fn due(s: &Snapshot<'_>, now: Timestamp) -> Result<Vec<EmailAccountId>> {
    s.all(
        "SELECT id FROM email_account WHERE is_enabled = 1 AND pop3_server <> '' AND next_check_at <= ?",
        [now],
        |row| row.get(0),
    )
}

/// Opens the sealed passwords; one that the vault cannot open is missing.
pub fn passwords(s: &Snapshot<'_>, vault: &Vault, id: EmailAccountId) -> Result<Passwords> {
    let sealed = s
        .one("SELECT pop3_password, smtp_password FROM email_account WHERE id = ?", [id], |row| {
            Ok((row.get::<_, Option<Vec<u8>>>(0)?, row.get::<_, Option<Vec<u8>>>(1)?))
        })?
        .ok_or_else(|| Error::not_found("email account", id))?;
    Ok(Passwords {
        pop3: sealed.0.and_then(|bytes| vault.open(&place("pop3_password", id), &bytes)),
        smtp: sealed.1.and_then(|bytes| vault.open(&place("smtp_password", id), &bytes)),
    })
}

/// The first account becomes the default one.
pub fn create(tx: &Tx<'_>, by: &Actor, vault: &Vault, new: &EmailAccountChange) -> Result<EmailAccount> {
    by.require(Permission::ManageChannels)?;
    let email = new.email.as_deref().unwrap_or_default().trim();
    if !is_address(email) {
        return Err(Error::invalid("email", format!("'{email}' is not an e-mail address")));
    }
    let id = EmailAccountId(
        tx.insert(
            "INSERT INTO email_account (email, pop3_user_name, smtp_user_name, is_default, created_at)
             VALUES (?1, ?1, ?1, NOT EXISTS (SELECT 1 FROM email_account WHERE is_default = 1), ?2)",
            (email, tx.now()),
        )
        .on_constraint("email_account.email", || taken(email))?,
    );
    let account = apply(tx, vault, id, new)?;
    if !account.is_enabled {
        tx.run("UPDATE email_account SET is_default = 0 WHERE id = ?", [id])?;
        choose_default(tx)?;
    }
    audit::record(tx, by, Action::Channel, format!("created the e-mail account '{email}'"), "")?;
    require(tx, id)
}

/// A changed server needs its password again, so that nobody can have a stored one sent to a host of theirs.
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
    let mut problems = Problems::default();
    if moves(&change.pop3_server, &before.pop3_server)
        && before.has_pop3_password
        && change.pop3_password.is_none()
    {
        problems.add("pop3Password", "is needed again because the server changed");
    }
    if moves(&change.smtp_server, &before.smtp_server)
        && before.has_smtp_password
        && change.smtp_password.is_none()
    {
        problems.add("smtpPassword", "is needed again because the server changed");
    }
    problems.check()?;
    if change.is_enabled == Some(false) {
        keep_default(tx, &before)?;
    }
    apply(tx, vault, id, change)?;
    choose_default(tx)?;
    let after = require(tx, id)?;
    let mut details = audit::difference(&facts(&before), &facts(&after));
    if change.pop3_password.is_some() || change.smtp_password.is_some() {
        details.push_str("\na password was set");
    }
    let summary = format!("changed the e-mail account '{}'", after.email);
    audit::record(tx, by, Action::Channel, summary, details.trim_start())?;
    Ok(after)
}

/// What the audit log tells of a change.
fn facts(account: &EmailAccount) -> [(&'static str, String); 14] {
    let assignee = |id: Option<i64>| id.map(|id| id.to_string()).unwrap_or_default();
    [
        ("email", account.email.clone()),
        ("displayName", account.display_name.clone()),
        ("isEnabled", account.is_enabled.to_string()),
        ("agentAssigneeId", assignee(account.agent_assignee_id.map(|id| id.0))),
        ("departmentAssigneeId", assignee(account.department_assignee_id.map(|id| id.0))),
        ("signature", account.signature.clone()),
        ("pop3Server", account.pop3_server.clone()),
        ("pop3UserName", account.pop3_user_name.clone()),
        ("pop3Security", account.pop3_security.name().to_owned()),
        ("smtpServer", account.smtp_server.clone()),
        ("smtpUserName", account.smtp_user_name.clone()),
        ("smtpSecurity", account.smtp_security.name().to_owned()),
        ("leaveCopyOnServer", account.leave_copy_on_server.to_string()),
        ("tlsAcceptInvalidCerts", account.tls_accept_invalid_certs.to_string()),
    ]
}

pub fn set_default(tx: &Tx<'_>, by: &Actor, id: EmailAccountId) -> Result<EmailAccount> {
    by.require(Permission::ManageChannels)?;
    let account = require(tx, id)?;
    if !account.is_enabled {
        return Err(Error::Conflict("a disabled account cannot be the default one".to_owned()));
    }
    tx.run("UPDATE email_account SET is_default = 0 WHERE is_default = 1", [])?;
    tx.run("UPDATE email_account SET is_default = 1 WHERE id = ?", [id])?;
    let summary = format!("made '{}' the default e-mail account", account.email);
    audit::record(tx, by, Action::Channel, summary, "")?;
    require(tx, id)
}

/// Its mail stays in conversations; its ledger goes with it.
pub fn delete(tx: &Tx<'_>, by: &Actor, id: EmailAccountId) -> Result<()> {
    by.require(Permission::ManageChannels)?;
    let account = require(tx, id)?;
    keep_default(tx, &account)?;
    tx.run("DELETE FROM email_account WHERE id = ?", [id])?;
    choose_default(tx)?;
    audit::record(tx, by, Action::Channel, format!("deleted the e-mail account '{}'", account.email), "")
}

/// Longest wait between attempts at a failing server.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 60);

/// Writes down how a fetch went and when the next is due: after the poll interval, or doubling up to half an hour
/// while it fails. The error is shown on the account's page and as `lastError`.
pub fn record_check(tx: &Tx<'_>, id: EmailAccountId, error: Option<&str>) -> Result<()> {
    let Some(account) = get(tx, id)? else {
        return Ok(());
    };
    let interval = Duration::from_secs(account.poll_interval_seconds.max(1) as u64);
    let failures = if error.is_some() { account.failures + 1 } else { 0 };
    let wait = match failures {
        0 => interval,
        _ => interval.max(Duration::from_secs(60 << (failures - 1).min(5))).min(LONGEST_WAIT.max(interval)),
    };
    tx.run(
        "UPDATE email_account SET last_checked_at = ?1, last_error = ?2, failures = ?3, next_check_at = ?4,
           last_success_at = CASE WHEN ?2 IS NULL THEN ?1 ELSE last_success_at END
         WHERE id = ?5",
        (tx.now(), error, failures, tx.now().plus(wait), id),
    )?;
    Ok(())
}

fn apply(
    tx: &Tx<'_>,
    vault: &Vault,
    id: EmailAccountId,
    change: &EmailAccountChange,
) -> Result<EmailAccount> {
    check(tx, change)?;
    let seal = |column: &str, password: &Option<String>| -> Result<Option<Vec<u8>>> {
        password.as_deref().filter(|p| !p.is_empty()).map(|p| vault.seal(&place(column, id), p)).transpose()
    };
    let trimmed = |text: &Option<String>| text.as_deref().map(|text| text.trim().to_owned());
    tx.run(
        "UPDATE email_account SET
           email = coalesce(:email, email), display_name = coalesce(:display_name, display_name),
           is_enabled = coalesce(:is_enabled, is_enabled),
           agent_assignee_id = CASE WHEN :sets_agent THEN :agent ELSE agent_assignee_id END,
           department_assignee_id = CASE WHEN :sets_department THEN :department ELSE department_assignee_id END,
           signature = coalesce(:signature, signature), pop3_server = coalesce(:pop3_server, pop3_server),
           pop3_port = coalesce(:pop3_port, pop3_port), pop3_security = coalesce(:pop3_security, pop3_security),
           pop3_user_name = coalesce(:pop3_user_name, pop3_user_name),
           pop3_password = coalesce(:pop3_password, pop3_password),
           leave_copy_on_server = coalesce(:leave_copy, leave_copy_on_server),
           poll_interval_seconds = coalesce(:poll_interval, poll_interval_seconds),
           smtp_server = coalesce(:smtp_server, smtp_server), smtp_port = coalesce(:smtp_port, smtp_port),
           smtp_security = coalesce(:smtp_security, smtp_security),
           smtp_user_name = coalesce(:smtp_user_name, smtp_user_name),
           smtp_password = coalesce(:smtp_password, smtp_password),
           tls_accept_invalid_certs = coalesce(:accept_invalid, tls_accept_invalid_certs),
           next_check_at = 0, failures = 0, last_error = NULL
         WHERE id = :id",
        rusqlite::named_params! {
            ":email": trimmed(&change.email), ":display_name": trimmed(&change.display_name),
            ":is_enabled": change.is_enabled,
            ":sets_agent": change.agent_assignee_id.is_some(), ":agent": change.agent_assignee_id.flatten(),
            ":sets_department": change.department_assignee_id.is_some(),
            ":department": change.department_assignee_id.flatten(),
            ":signature": change.signature.as_deref().map(crate::html::sanitize_own),
            ":pop3_server": trimmed(&change.pop3_server), ":pop3_port": change.pop3_port,
            ":pop3_security": change.pop3_security.map(Security::name),
            ":pop3_user_name": trimmed(&change.pop3_user_name),
            ":pop3_password": seal("pop3_password", &change.pop3_password)?,
            ":leave_copy": change.leave_copy_on_server, ":poll_interval": change.poll_interval_seconds,
            ":smtp_server": trimmed(&change.smtp_server), ":smtp_port": change.smtp_port,
            ":smtp_security": change.smtp_security.map(Security::name),
            ":smtp_user_name": trimmed(&change.smtp_user_name),
            ":smtp_password": seal("smtp_password", &change.smtp_password)?,
            ":accept_invalid": change.tls_accept_invalid_certs, ":id": id,
        },
    )
    .on_constraint("email_account.email", || taken(change.email.as_deref().unwrap_or_default()))?;
    require(tx, id)
}

fn check(s: &Snapshot<'_>, change: &EmailAccountChange) -> Result<()> {
    let mut problems = Problems::default();
    if let Some(email) = &change.email {
        problems.require(is_address(email.trim()), "email", format!("'{email}' is not an e-mail address"));
    }
    if let Some(name) = change.display_name.as_deref().filter(|name| !name.trim().is_empty()) {
        problems.require(
            check_name("", name, 100).is_ok(),
            "displayName",
            "is too long or has control characters",
        );
    }
    for (field, host) in [("pop3Server", &change.pop3_server), ("smtpServer", &change.smtp_server)] {
        if let Some(host) = host.as_deref().map(str::trim).filter(|host| !host.is_empty()) {
            let is_host = host.len() < 256
                && host
                    .chars()
                    .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_'));
            problems.require(is_host, field, format!("'{host}' is not a host name or an address"));
        }
    }
    for (field, port) in [("pop3Port", change.pop3_port), ("smtpPort", change.smtp_port)] {
        let port = port.unwrap_or(1);
        problems.require((1..=65_535).contains(&port), field, format!("'{port}' is not a port"));
    }
    for (field, text) in [
        ("pop3UserName", &change.pop3_user_name),
        ("pop3Password", &change.pop3_password),
        ("smtpUserName", &change.smtp_user_name),
        ("smtpPassword", &change.smtp_password),
    ] {
        let text = text.as_deref().unwrap_or_default();
        problems.require(
            text.len() <= 1024 && !text.contains(['\r', '\n', '\0']),
            field,
            "is too long or has control characters",
        );
    }
    if let Some(seconds) = change.poll_interval_seconds {
        problems.require(
            (5..=86_400).contains(&seconds),
            "pollInterval",
            format!("'{seconds}' is not between 5 and 86400 seconds"),
        );
    }
    if let Some(Some(id)) = change.agent_assignee_id {
        let known = agent::is_assignable(s, id)?;
        problems.require(known, "agentAssigneeId", format!("there is no active agent {id}"));
    }
    if let Some(Some(id)) = change.department_assignee_id
        && let Some(objection) = department::objection(s, id)?
    {
        problems.add("departmentAssigneeId", objection);
    }
    check_text("signature", change.signature.as_deref().unwrap_or_default(), 10_000)?;
    problems.check()
}

fn keep_default(s: &Snapshot<'_>, account: &EmailAccount) -> Result<()> {
    let others = s.exists("SELECT 1 FROM email_account WHERE is_enabled = 1 AND id <> ?", [account.id])?;
    if account.is_default && others {
        return Err(Error::Conflict("make another account the default one first".to_owned()));
    }
    Ok(())
}

/// Sees to it that one of the enabled accounts is the default.
fn choose_default(tx: &Tx<'_>) -> Result<()> {
    tx.run("UPDATE email_account SET is_default = 0 WHERE is_default = 1 AND is_enabled = 0", [])?;
    tx.run(
        "UPDATE email_account SET is_default = 1
         WHERE id = (SELECT min(id) FROM email_account WHERE is_enabled = 1)
           AND NOT EXISTS (SELECT 1 FROM email_account WHERE is_default = 1)",
        [],
    )?;
    Ok(())
}

fn place(column: &str, id: EmailAccountId) -> String {
    format!("email_account.{column}:{id}")
}

fn taken(email: &str) -> Error {
    Error::Conflict(format!("there is already an e-mail account '{email}'"))
}

const COLUMNS: &str = "id, email, type, display_name, is_enabled, is_default, agent_assignee_id,
    department_assignee_id, signature, pop3_server, pop3_port, pop3_security, pop3_user_name,
    pop3_password IS NOT NULL, leave_copy_on_server, poll_interval_seconds, smtp_server, smtp_port, smtp_security,
    smtp_user_name, smtp_password IS NOT NULL, tls_accept_invalid_certs, last_checked_at, last_success_at, last_error,
    failures, created_at";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<EmailAccount> {
    let security = |column: usize| -> rusqlite::Result<Security> {
        Ok(Security::parse(&row.get::<_, String>(column)?)
            .ok_or(rusqlite::types::FromSqlError::InvalidType)?)
    };
    Ok(EmailAccount {
        id: row.get(0)?,
        email: row.get(1)?,
        kind: row.get(2)?,
        display_name: row.get(3)?,
        is_enabled: row.get(4)?,
        is_default: row.get(5)?,
        agent_assignee_id: row.get(6)?,
        department_assignee_id: row.get(7)?,
        signature: row.get(8)?,
        pop3_server: row.get(9)?,
        pop3_port: row.get(10)?,
        pop3_security: security(11)?,
        pop3_user_name: row.get(12)?,
        has_pop3_password: row.get(13)?,
        leave_copy_on_server: row.get(14)?,
        poll_interval_seconds: row.get(15)?,
        smtp_server: row.get(16)?,
        smtp_port: row.get(17)?,
        smtp_security: security(18)?,
        smtp_user_name: row.get(19)?,
        has_smtp_password: row.get(20)?,
        tls_accept_invalid_certs: row.get(21)?,
        last_checked_at: row.get(22)?,
        last_success_at: row.get(23)?,
        last_error: row.get(24)?,
        failures: row.get(25)?,
        created_at: row.get(26)?,
    })
}
