//! What may be set of e-mail accounts.

use serde::Deserialize;
use utoipa::ToSchema;

use crate::desk::email_account::{Authentication, EmailAccountChange, Kind, OAuthChange, Security};
use crate::error::{Error, Result, shown};
use crate::ids::{AgentId, DepartmentId};
use crate::time::Timestamp;
use crate::web::json::{Input, nullable};

/// On creation `email` is required. On change what is left out stays as it is; a changed server needs its password.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EmailAccountInput)]
pub struct EmailAccountInput {
    #[schema(example = "support@example.com")]
    email: Option<String>,
    /// `pop3`, `imap` or `exchange`; on creation `pop3` unless given
    #[serde(rename = "type")]
    #[schema(example = "pop3")]
    kind: Option<String>,
    display_name: Option<String>,
    #[serde(alias = "isEnable", alias = "ifEnable")]
    is_enabled: Option<bool>,
    /// True makes it the default account; another one then stops being it
    is_default: Option<bool>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>)]
    agent_assignee_id: Option<Option<i64>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>)]
    department_assignee_id: Option<Option<i64>>,
    signature: Option<String>,
    #[schema(example = "pop.example.com")]
    pop3_server: Option<String>,
    #[schema(minimum = 1, maximum = 65535)]
    pop3_port: Option<i64>,
    /// `none`, `ssl` or `startTls`
    #[schema(example = "ssl")]
    pop3_security: Option<String>,
    /// The e-mail address unless given
    pop3_user_name: Option<String>,
    #[schema(format = Password, write_only)]
    pop3_password: Option<String>,
    #[schema(example = "imap.example.com")]
    imap_server: Option<String>,
    #[schema(minimum = 1, maximum = 65535)]
    imap_port: Option<i64>,
    /// `none`, `ssl` or `startTls`
    #[schema(example = "ssl")]
    imap_security: Option<String>,
    /// The e-mail address unless given
    imap_user_name: Option<String>,
    #[schema(format = Password, write_only)]
    imap_password: Option<String>,
    /// Where Microsoft Graph is
    #[schema(example = "https://graph.microsoft.com/v1.0")]
    exchange_server: Option<String>,
    /// The mailbox; the e-mail address unless given
    exchange_user_name: Option<String>,
    /// Where mail is fetched; empty for the inbox. Not with `pop3`
    folder: Option<String>,
    /// Where mail goes once it is here; empty to delete it. Not with `pop3`
    move_to_folder: Option<String>,
    /// Mail stays where it is and is marked as read
    leave_copy_on_server: Option<bool>,
    /// Mail that the server received before is taken over silently, into closed conversations; not in the future
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, format = DateTime)]
    take_over_before: Option<Option<String>>,
    /// In seconds
    #[schema(minimum = 5, maximum = 86400)]
    poll_interval: Option<i64>,
    #[schema(example = "smtp.example.com")]
    smtp_server: Option<String>,
    #[schema(minimum = 1, maximum = 65535)]
    smtp_port: Option<i64>,
    /// `none`, `ssl` or `startTls`
    #[schema(example = "startTls")]
    smtp_security: Option<String>,
    /// The e-mail address unless given
    smtp_user_name: Option<String>,
    #[schema(format = Password, write_only)]
    smtp_password: Option<String>,
    tls_accept_invalid_certs: Option<bool>,
    /// `password` or `oauth2`; always `oauth2` with `exchange`
    #[schema(example = "password")]
    authentication: Option<String>,
    /// The provider's page where somebody lets us in
    oauth_authorize_url: Option<String>,
    #[schema(example = "https://login.example.com/token")]
    oauth_token_url: Option<String>,
    oauth_client_id: Option<String>,
    #[schema(format = Password, write_only)]
    oauth_client_secret: Option<String>,
    oauth_scope: Option<String>,
    /// Usually got by authorising on the account's page
    #[schema(format = Password, write_only)]
    oauth_refresh_token: Option<String>,
}

impl Input for EmailAccountInput {
    const READ_ONLY: &'static [&'static str] = &[
        "id",
        "hasPop3Password",
        "hasImapPassword",
        "hasSmtpPassword",
        "hasOauthClientSecret",
        "hasOauthRefreshToken",
        "lastCheckedTime",
        "lastSuccessTime",
        "lastError",
        "failedChecks",
        "failingSinceTime",
        "isStopped",
        "lastSendSuccessTime",
        "lastSendError",
        "failedSends",
        "sendFailingSinceTime",
        "isSendingStopped",
        "createdTime",
    ];
}

/// What the fields of one kind said of the incoming server.
#[derive(Default)]
struct Incoming {
    server: Option<String>,
    port: Option<i64>,
    security: Option<Security>,
    user_name: Option<String>,
    password: Option<String>,
}

impl Incoming {
    fn is_empty(&self) -> bool {
        self.server.is_none()
            && self.port.is_none()
            && self.security.is_none()
            && self.user_name.is_none()
            && self.password.is_none()
    }
}

impl EmailAccountInput {
    pub fn change(self) -> Result<EmailAccountChange> {
        let kind = self.kind.map(|kind| one_of("type", &kind, Kind::parse, "'pop3', 'imap' or 'exchange'"));
        let authentication = self
            .authentication
            .map(|way| one_of("authentication", &way, Authentication::parse, "'password' or 'oauth2'"));
        let pop3 = Incoming {
            server: self.pop3_server,
            port: self.pop3_port,
            security: security("pop3Security", self.pop3_security)?,
            user_name: self.pop3_user_name,
            password: self.pop3_password,
        };
        let imap = Incoming {
            server: self.imap_server,
            port: self.imap_port,
            security: security("imapSecurity", self.imap_security)?,
            user_name: self.imap_user_name,
            password: self.imap_password,
        };
        let exchange = Incoming {
            server: self.exchange_server,
            user_name: self.exchange_user_name,
            ..Incoming::default()
        };
        let mut named = [(Kind::Pop3, pop3), (Kind::Imap, imap), (Kind::Exchange, exchange)]
            .into_iter()
            .filter(|(_, incoming)| !incoming.is_empty());
        let (speaks_of, incoming) =
            named.next().map_or_else(Default::default, |(kind, incoming)| (Some(kind), incoming));
        if let Some((kind, _)) = named.next() {
            let first = speaks_of.unwrap_or(kind).name();
            let message =
                format!("is for one type of account; there are fields of '{first}' and '{}'", kind.name());
            return Err(Error::invalid("body", message));
        }
        Ok(EmailAccountChange {
            kind: kind.transpose()?,
            speaks_of,
            email: self.email,
            display_name: self.display_name,
            is_enabled: self.is_enabled,
            is_default: self.is_default,
            agent_assignee_id: self.agent_assignee_id.map(|id| id.map(AgentId)),
            department_assignee_id: self.department_assignee_id.map(|id| id.map(DepartmentId)),
            signature: self.signature,
            incoming_server: incoming.server,
            incoming_port: incoming.port,
            incoming_security: incoming.security,
            incoming_user_name: incoming.user_name,
            incoming_password: incoming.password,
            folder: self.folder,
            move_to_folder: self.move_to_folder,
            leave_copy_on_server: self.leave_copy_on_server,
            take_over_before: self.take_over_before.map(time).transpose()?,
            poll_interval_seconds: self.poll_interval,
            smtp_server: self.smtp_server,
            smtp_port: self.smtp_port,
            smtp_security: security("smtpSecurity", self.smtp_security)?,
            smtp_user_name: self.smtp_user_name,
            smtp_password: self.smtp_password,
            tls_accept_invalid_certs: self.tls_accept_invalid_certs,
            authentication: authentication.transpose()?,
            oauth: OAuthChange {
                authorize_url: self.oauth_authorize_url,
                token_url: self.oauth_token_url,
                client_id: self.oauth_client_id,
                client_secret: self.oauth_client_secret,
                scope: self.oauth_scope,
                refresh_token: self.oauth_refresh_token,
            },
        })
    }
}

fn one_of<T>(field: &str, text: &str, parse: fn(&str) -> Option<T>, known: &str) -> Result<T> {
    parse(text).ok_or_else(|| Error::invalid(field, format!("must be {known}, not '{}'", shown(text))))
}

fn time(text: Option<String>) -> Result<Option<Timestamp>> {
    let read = |text: String| {
        Timestamp::parse(&text).ok_or_else(|| {
            Error::invalid("takeOverBefore", format!("must be an ISO-8601 time, not '{}'", shown(&text)))
        })
    };
    text.map(read).transpose()
}

fn security(field: &str, text: Option<String>) -> Result<Option<Security>> {
    text.map(|text| one_of(field, &text, Security::parse, "'none', 'ssl' or 'startTls'")).transpose()
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EnableInput)]
pub struct EnableInput {
    #[serde(alias = "isEnable", alias = "ifEnable")]
    pub is_enabled: bool,
}

impl Input for EnableInput {}
