//! What is told of e-mail accounts.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::desk::email_account::{EmailAccount, Kind};
use crate::jobs::test_account::Checked;
use crate::time::Timestamp;

/// What every agent sees; with `manageChannels` the settings, too.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EmailAccount)]
pub struct EmailAccountJson {
    id: i64,
    #[schema(example = "support@example.com")]
    email: String,
    #[serde(rename = "type")]
    #[schema(example = "pop3")]
    kind: &'static str,
    /// From whom mail comes; empty for the site's name
    display_name: String,
    is_enabled: bool,
    is_default: bool,
    /// To whom conversations received here are assigned
    agent_assignee_id: Option<i64>,
    department_assignee_id: Option<i64>,
    #[serde(flatten)]
    #[schema(inline)]
    settings: Option<SettingsJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EmailAccountSettings)]
pub struct SettingsJson {
    /// HTML, appended to agents' mail
    signature: String,
    #[serde(flatten)]
    #[schema(inline)]
    pop3: Option<Pop3Json>,
    #[serde(flatten)]
    #[schema(inline)]
    imap: Option<ImapJson>,
    #[serde(flatten)]
    #[schema(inline)]
    exchange: Option<ExchangeJson>,
    /// Where mail is fetched; empty for the inbox. Not with `pop3`
    folder: String,
    /// Where mail goes once it is here; empty to delete it. Not with `pop3`
    move_to_folder: String,
    /// Mail stays where it is and is marked as read
    leave_copy_on_server: bool,
    /// In seconds
    poll_interval: i64,
    /// Mail that the server received before is taken over silently, into closed conversations
    #[schema(value_type = Option<String>, format = DateTime)]
    take_over_before: Option<Timestamp>,
    smtp_server: String,
    smtp_port: u16,
    /// `none`, `ssl` or `startTls`
    #[schema(example = "startTls")]
    smtp_security: &'static str,
    smtp_user_name: String,
    has_smtp_password: bool,
    tls_accept_invalid_certs: bool,
    /// `password` or `oauth2`
    #[schema(example = "password")]
    authentication: &'static str,
    oauth_authorize_url: String,
    oauth_token_url: String,
    oauth_client_id: String,
    oauth_scope: String,
    has_oauth_client_secret: bool,
    /// Whether somebody has authorised the account at its provider
    has_oauth_refresh_token: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_checked_time: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_success_time: Option<Timestamp>,
    /// Why the last check failed; null when it did not
    last_error: Option<String>,
    /// Checks that failed since the last one that did not
    failed_checks: i64,
    /// Since when checks have failed, once several did in a row
    #[schema(value_type = Option<String>, format = DateTime)]
    failing_since_time: Option<Timestamp>,
    /// Whether nothing is fetched any more, because sign-ins were refused again and again: until the account is changed,
    /// authorised, or checked or tested with success
    is_stopped: bool,
    /// When its server last took a mail, give or take a minute
    #[schema(value_type = Option<String>, format = DateTime)]
    last_send_success_time: Option<Timestamp>,
    /// What last kept mail from leaving; null when nothing does
    last_send_error: Option<String>,
    /// Failures of sending since a mail left; those within a minute count once
    failed_sends: i64,
    /// Since when no mail leaves, once that failed several times in a row
    #[schema(value_type = Option<String>, format = DateTime)]
    send_failing_since_time: Option<Timestamp>,
    /// The same as `isStopped`, of sending: mail waits
    is_sending_stopped: bool,
    #[schema(value_type = String, format = DateTime)]
    created_time: Timestamp,
}

/// Only with the type `pop3`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EmailAccountPop3)]
pub struct Pop3Json {
    pop3_server: String,
    pop3_port: u16,
    /// `none`, `ssl` or `startTls`
    #[schema(example = "ssl")]
    pop3_security: &'static str,
    pop3_user_name: String,
    has_pop3_password: bool,
}

/// Only with the type `imap`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EmailAccountImap)]
pub struct ImapJson {
    imap_server: String,
    imap_port: u16,
    /// `none`, `ssl` or `startTls`
    #[schema(example = "ssl")]
    imap_security: &'static str,
    imap_user_name: String,
    has_imap_password: bool,
}

/// Only with the type `exchange`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EmailAccountExchange)]
pub struct ExchangeJson {
    /// Where Microsoft Graph is
    #[schema(example = "https://graph.microsoft.com/v1.0")]
    exchange_server: String,
    /// The mailbox
    exchange_user_name: String,
}

impl EmailAccountJson {
    pub fn new(account: EmailAccount, with_settings: bool) -> Self {
        Self {
            id: account.id.0,
            email: account.email.clone(),
            kind: account.kind.name(),
            display_name: account.display_name.clone(),
            is_enabled: account.is_enabled,
            is_default: account.is_default,
            agent_assignee_id: account.agent_assignee_id.map(|id| id.0),
            department_assignee_id: account.department_assignee_id.map(|id| id.0),
            settings: with_settings.then(|| SettingsJson::from(account)),
        }
    }
}

impl From<EmailAccount> for SettingsJson {
    fn from(account: EmailAccount) -> Self {
        let (is_stopped, sending) = (account.is_stopped(), account.sending);
        let (server, user_name) = (account.incoming_server, account.incoming_user_name);
        let (port, security) = (account.incoming_port, account.incoming_security.name());
        let has_password = account.has_incoming_password;
        let (mut pop3, mut imap, mut exchange) = (None, None, None);
        match account.kind {
            Kind::Pop3 => {
                pop3 = Some(Pop3Json {
                    pop3_server: server,
                    pop3_port: port,
                    pop3_security: security,
                    pop3_user_name: user_name,
                    has_pop3_password: has_password,
                });
            }
            Kind::Imap => {
                imap = Some(ImapJson {
                    imap_server: server,
                    imap_port: port,
                    imap_security: security,
                    imap_user_name: user_name,
                    has_imap_password: has_password,
                });
            }
            Kind::Exchange => {
                exchange = Some(ExchangeJson { exchange_server: server, exchange_user_name: user_name });
            }
        }
        Self {
            signature: account.signature,
            pop3,
            imap,
            exchange,
            folder: account.folder,
            move_to_folder: account.move_to_folder,
            leave_copy_on_server: account.leave_copy_on_server,
            poll_interval: account.poll_interval_seconds,
            take_over_before: account.take_over_before,
            smtp_server: account.smtp_server,
            smtp_port: account.smtp_port,
            smtp_security: account.smtp_security.name(),
            smtp_user_name: account.smtp_user_name,
            has_smtp_password: account.has_smtp_password,
            tls_accept_invalid_certs: account.tls_accept_invalid_certs,
            authentication: account.authentication.name(),
            oauth_authorize_url: account.oauth.authorize_url,
            oauth_token_url: account.oauth.token_url,
            oauth_client_id: account.oauth.client_id,
            oauth_scope: account.oauth.scope,
            has_oauth_client_secret: account.oauth.has_client_secret,
            has_oauth_refresh_token: account.oauth.has_refresh_token,
            last_checked_time: account.last_checked_at,
            last_success_time: account.last_success_at,
            last_error: account.last_error,
            failed_checks: account.failures,
            failing_since_time: account.failing_since_at,
            is_stopped,
            last_send_success_time: sending.last_success_at,
            is_sending_stopped: sending.is_stopped(),
            last_send_error: sending.last_error,
            failed_sends: sending.failures,
            send_failing_since_time: sending.failing_since_at,
            created_time: account.created_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EmailAccountList)]
pub struct EmailAccountListJson {
    pub email_accounts: Vec<EmailAccountJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EmailAccountAnswer)]
pub struct EmailAccountAnswer {
    pub email_account: EmailAccountJson,
}

#[derive(Serialize, ToSchema)]
#[schema(as = EmailAccountTest)]
pub struct TestJson {
    #[serde(skip_serializing_if = "Option::is_none")]
    pop3: Option<ServerTestJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    imap: Option<ServerTestJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange: Option<ServerTestJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    smtp: Option<ServerTestJson>,
}

impl TestJson {
    pub fn new(checked: Checked) -> Self {
        let smtp = (checked.kind != Kind::Exchange).then(|| ServerTestJson::new("SMTP", checked.smtp));
        let incoming = Some(ServerTestJson::new(checked.kind.label(), checked.incoming));
        let (pop3, imap, exchange) = match checked.kind {
            Kind::Pop3 => (incoming, None, None),
            Kind::Imap => (None, incoming, None),
            Kind::Exchange => (None, None, incoming),
        };
        Self { pop3, imap, exchange, smtp }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = ServerTest)]
pub struct ServerTestJson {
    ok: bool,
    /// Null when all is well
    error: Option<String>,
}

impl ServerTestJson {
    /// `None` when the account names no such server.
    fn new(what: &str, result: Option<Result<(), String>>) -> Self {
        let result = result.unwrap_or_else(|| Err(format!("the account has no {what} server")));
        Self { ok: result.is_ok(), error: result.err() }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = EmailAccountCheck)]
pub struct CheckJson {
    /// Mails that are new in the ledger
    pub fetched: i64,
    /// How many of them ended how
    #[schema(value_type = OutcomesJson)]
    pub outcomes: BTreeMap<&'static str, i64>,
    /// Why mail could not be fetched; null when it could
    pub error: Option<String>,
}

#[derive(ToSchema)]
#[schema(as = Outcomes)]
#[expect(dead_code, reason = "describes the map in the document")]
pub struct OutcomesJson {
    created: i64,
    appended: i64,
    junk: i64,
    rejected: i64,
    ignored: i64,
    quarantined: i64,
}
