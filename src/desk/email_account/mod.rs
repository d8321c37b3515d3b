//! E-mail accounts: where we fetch mail and through which we send (contract 20). Among enabled accounts exactly one
//! is the default. Secrets are write-only: sealed by the vault, never returned.

mod change;
mod check;
mod health;
pub mod provider;

use rusqlite::types::FromSqlError;

use super::audit::{self, Action};
use super::secret::Vault;
use super::{Actor, Permission};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::{AgentId, DepartmentId, EmailAccountId};
use crate::time::Timestamp;

pub use crate::mail::server::Security;
pub use change::{EmailAccountChange, OAuthChange, authorise, create, keep_refresh_token, update};
pub use health::{
    FAILING_AFTER, Failure, REFUSALS, Sending, failing, record_check, record_sending, resume_fetching,
    resume_sending,
};

#[derive(Debug, Clone)]
pub struct EmailAccount {
    pub id: EmailAccountId,
    pub email: String,
    pub kind: Kind,
    pub display_name: String,
    pub is_enabled: bool,
    pub is_default: bool,
    pub agent_assignee_id: Option<AgentId>,
    pub department_assignee_id: Option<DepartmentId>,
    pub signature: String,
    /// A host; of an exchange account the URL of Microsoft Graph.
    pub incoming_server: String,
    pub incoming_port: u16,
    pub incoming_security: Security,
    /// Of an exchange account the mailbox.
    pub incoming_user_name: String,
    pub has_incoming_password: bool,
    /// Empty for the inbox.
    pub folder: String,
    /// Where mail goes once it is here; empty for nowhere.
    pub move_to_folder: String,
    pub leave_copy_on_server: bool,
    pub poll_interval_seconds: i64,
    pub fetch_cursor: String,
    pub take_over_before: Option<Timestamp>,
    pub smtp_server: String,
    pub smtp_port: u16,
    pub smtp_security: Security,
    pub smtp_user_name: String,
    pub has_smtp_password: bool,
    pub tls_accept_invalid_certs: bool,
    pub authentication: Authentication,
    pub oauth: OAuth,
    pub last_checked_at: Option<Timestamp>,
    pub last_success_at: Option<Timestamp>,
    pub last_error: Option<String>,
    pub failures: i64,
    /// Since when checks have failed, once `FAILING_AFTER` of them did in a row.
    pub failing_since_at: Option<Timestamp>,
    /// Sign-ins refused since the last one that was not.
    pub refusals: i64,
    /// How sending goes.
    pub sending: Sending,
    pub created_at: Timestamp,
}

/// What an OAuth 2.0 provider knows us by, and where it is.
#[derive(Debug, Clone)]
pub struct OAuth {
    /// Where somebody authorises us; empty when nobody needs to.
    pub authorize_url: String,
    pub token_url: String,
    pub client_id: String,
    pub scope: String,
    pub has_client_secret: bool,
    pub has_refresh_token: bool,
}

/// How mail is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Pop3,
    Imap,
    /// Exchange Online by Microsoft Graph, which also sends.
    Exchange,
}

impl Kind {
    pub const ALL: [Self; 3] = [Self::Pop3, Self::Imap, Self::Exchange];

    /// As stored; fields that only one kind has begin with it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pop3 => "pop3",
            Self::Imap => "imap",
            Self::Exchange => "exchange",
        }
    }

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Pop3 => "POP3",
            Self::Imap => "IMAP",
            Self::Exchange => "Microsoft Graph",
        }
    }

    /// The name in any case.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(text.trim()))
    }

    /// The field of this kind: `pop3Server`.
    pub fn field(self, rest: &str) -> String {
        [self.name(), rest].concat()
    }

    pub fn default_port(self) -> u16 {
        match self {
            Self::Imap => 993,
            Self::Pop3 | Self::Exchange => 995,
        }
    }
}

/// How to sign in to the servers of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    Password,
    OAuth2,
}

impl Authentication {
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::OAuth2 => "oauth2",
        }
    }

    /// The name in any case.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Password, Self::OAuth2].into_iter().find(|way| way.name().eq_ignore_ascii_case(text.trim()))
    }
}

impl EmailAccount {
    /// Whether nothing is fetched any more until somebody acts: each refused sign-in may lock the mailbox.
    pub fn is_stopped(&self) -> bool {
        REFUSALS <= self.refusals
    }

    /// Whether mail can leave through this account.
    pub fn can_send(&self) -> bool {
        self.kind == Kind::Exchange || !self.smtp_server.is_empty()
    }

    /// Whether somebody must authorise us at the provider before anything works.
    pub fn needs_authorisation(&self) -> bool {
        self.kind != Kind::Exchange
            && self.authentication == Authentication::OAuth2
            && !self.oauth.has_refresh_token
    }
}

/// An account's secrets in the clear, for the job that signs in; `None` is one that is not set or that the vault cannot
/// open.
pub struct Secrets {
    pub incoming_password: Option<String>,
    pub smtp_password: Option<String>,
    pub client_secret: Option<String>,
    pub refresh_token: Option<String>,
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
        "SELECT id FROM email_account
         WHERE is_enabled = 1 AND incoming_server <> '' AND next_check_at <= ? AND refusals < ?",
        (now, REFUSALS),
        |row| row.get(0),
    )
}

/// Opens the sealed secrets.
pub fn secrets(s: &Snapshot<'_>, vault: &Vault, id: EmailAccountId) -> Result<Secrets> {
    let sealed = s
        .one(
            "SELECT incoming_password, smtp_password, oauth_client_secret, oauth_refresh_token
             FROM email_account WHERE id = ?",
            [id],
            |row| {
                let sealed = |column: usize| row.get::<_, Option<Vec<u8>>>(column);
                Ok([sealed(0)?, sealed(1)?, sealed(2)?, sealed(3)?])
            },
        )?
        .ok_or_else(|| Error::not_found("email account", id))?;
    let [incoming_password, smtp_password, client_secret, refresh_token] = sealed;
    let open = |column: &str, sealed: Option<Vec<u8>>| {
        sealed.and_then(|sealed| vault.open(&place(column, id), &sealed))
    };
    Ok(Secrets {
        incoming_password: open("incoming_password", incoming_password),
        smtp_password: open("smtp_password", smtp_password),
        client_secret: open("oauth_client_secret", client_secret),
        refresh_token: open("oauth_refresh_token", refresh_token),
    })
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

/// Writes down how far the mailbox was read.
pub fn keep_cursor(tx: &Tx<'_>, id: EmailAccountId, cursor: &str) -> Result<()> {
    tx.run("UPDATE email_account SET fetch_cursor = ? WHERE id = ?", (cursor, id))?;
    Ok(())
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
    department_assignee_id, signature, incoming_server, incoming_port, incoming_security, incoming_user_name,
    incoming_password IS NOT NULL, leave_copy_on_server, poll_interval_seconds, smtp_server, smtp_port, smtp_security,
    smtp_user_name, smtp_password IS NOT NULL, tls_accept_invalid_certs, last_checked_at, last_success_at, last_error,
    failures, created_at, folder, move_to_folder, fetch_cursor, take_over_before, authentication, oauth_authorize_url,
    oauth_token_url, oauth_client_id, oauth_scope, oauth_client_secret IS NOT NULL, oauth_refresh_token IS NOT NULL,
    failing_since_at, refusals, send_failures, send_refusals, send_error, send_failed_at, send_success_at,
    send_failing_since_at";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<EmailAccount> {
    let security = |column: usize| -> rusqlite::Result<Security> {
        Ok(Security::parse(&row.get::<_, String>(column)?).ok_or(FromSqlError::InvalidType)?)
    };
    Ok(EmailAccount {
        id: row.get(0)?,
        email: row.get(1)?,
        kind: Kind::parse(&row.get::<_, String>(2)?).ok_or(FromSqlError::InvalidType)?,
        display_name: row.get(3)?,
        is_enabled: row.get(4)?,
        is_default: row.get(5)?,
        agent_assignee_id: row.get(6)?,
        department_assignee_id: row.get(7)?,
        signature: row.get(8)?,
        incoming_server: row.get(9)?,
        incoming_port: row.get(10)?,
        incoming_security: security(11)?,
        incoming_user_name: row.get(12)?,
        has_incoming_password: row.get(13)?,
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
        folder: row.get(27)?,
        move_to_folder: row.get(28)?,
        fetch_cursor: row.get(29)?,
        take_over_before: row.get(30)?,
        authentication: Authentication::parse(&row.get::<_, String>(31)?).ok_or(FromSqlError::InvalidType)?,
        oauth: OAuth {
            authorize_url: row.get(32)?,
            token_url: row.get(33)?,
            client_id: row.get(34)?,
            scope: row.get(35)?,
            has_client_secret: row.get(36)?,
            has_refresh_token: row.get(37)?,
        },
        failing_since_at: row.get(38)?,
        refusals: row.get(39)?,
        sending: Sending {
            failures: row.get(40)?,
            refusals: row.get(41)?,
            last_error: row.get(42)?,
            last_failure_at: row.get(43)?,
            last_success_at: row.get(44)?,
            failing_since_at: row.get(45)?,
        },
    })
}
