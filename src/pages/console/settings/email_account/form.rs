//! The form of an e-mail account: filled from a preset or from what is stored, and read back. Fields have the names that
//! `desk` uses for its problems, which depend on the kind.

use super::super::field::Fields;
use crate::desk::email_account::provider::Preset;
use crate::desk::email_account::{
    Authentication, EmailAccount, EmailAccountChange, Kind, OAuthChange, Security,
};
use crate::error::{Error, Result};
use crate::ids::{AgentId, DepartmentId};
use crate::pages::when::Zone;
use crate::time::Timestamp;

/// What the fields of the incoming server are called.
pub struct Names {
    pub server: &'static str,
    pub port: &'static str,
    pub security: &'static str,
    pub user_name: &'static str,
    pub password: &'static str,
}

impl Names {
    pub fn of(kind: Kind) -> Self {
        match kind {
            Kind::Pop3 => Self {
                server: "pop3Server",
                port: "pop3Port",
                security: "pop3Security",
                user_name: "pop3UserName",
                password: "pop3Password",
            },
            Kind::Imap => Self {
                server: "imapServer",
                port: "imapPort",
                security: "imapSecurity",
                user_name: "imapUserName",
                password: "imapPassword",
            },
            Kind::Exchange => Self {
                server: "exchangeServer",
                port: "exchangePort",
                security: "exchangeSecurity",
                user_name: "exchangeUserName",
                password: "exchangePassword",
            },
        }
    }
}

/// What a new account at a provider needs.
pub fn preset(preset: &Preset) -> Fields {
    let names = Names::of(preset.kind);
    let mut form = Fields::of([
        ("type", preset.kind.name().to_owned()),
        (names.server, preset.incoming_server.to_owned()),
        (names.port, preset.incoming_port.to_string()),
        (names.security, preset.incoming_security.name().to_owned()),
        ("pollInterval", "60".to_owned()),
        ("smtpServer", preset.smtp_server.to_owned()),
        ("smtpPort", preset.smtp_port.to_string()),
        ("smtpSecurity", preset.smtp_security.name().to_owned()),
        ("authentication", preset.authentication.name().to_owned()),
        ("oauthAuthorizeUrl", preset.oauth_authorize_url.to_owned()),
        ("oauthTokenUrl", preset.oauth_token_url.to_owned()),
        ("oauthScope", preset.oauth_scope.to_owned()),
    ]);
    form.check("isEnabled", true);
    form
}

/// Times are those of the reader's zone.
pub fn stored(account: &EmailAccount, zone: &Zone) -> Fields {
    let id = |id: Option<i64>| id.map(|id| id.to_string()).unwrap_or_default();
    let names = Names::of(account.kind);
    let mut form = Fields::of([
        ("type", account.kind.name().to_owned()),
        ("email", account.email.clone()),
        ("displayName", account.display_name.clone()),
        ("agentAssigneeId", id(account.agent_assignee_id.map(|id| id.0))),
        ("departmentAssigneeId", id(account.department_assignee_id.map(|id| id.0))),
        ("signature", account.signature.clone()),
        (names.server, account.incoming_server.clone()),
        (names.port, account.incoming_port.to_string()),
        (names.security, account.incoming_security.name().to_owned()),
        (names.user_name, account.incoming_user_name.clone()),
        ("folder", account.folder.clone()),
        ("moveToFolder", account.move_to_folder.clone()),
        ("pollInterval", account.poll_interval_seconds.to_string()),
        ("takeOverBefore", minute(account.take_over_before, zone)),
        ("smtpServer", account.smtp_server.clone()),
        ("smtpPort", account.smtp_port.to_string()),
        ("smtpSecurity", account.smtp_security.name().to_owned()),
        ("smtpUserName", account.smtp_user_name.clone()),
        ("authentication", account.authentication.name().to_owned()),
        ("oauthAuthorizeUrl", account.oauth.authorize_url.clone()),
        ("oauthTokenUrl", account.oauth.token_url.clone()),
        ("oauthClientId", account.oauth.client_id.clone()),
        ("oauthScope", account.oauth.scope.clone()),
    ]);
    form.check("isEnabled", account.is_enabled);
    form.check("leaveCopyOnServer", account.leave_copy_on_server);
    form.check("tlsAcceptInvalidCerts", account.tls_accept_invalid_certs);
    form
}

/// As a browser's field for date and time has it.
fn minute(at: Option<Timestamp>, zone: &Zone) -> String {
    at.map(|at| zone.field(at)).unwrap_or_default()
}

/// What the form asks for. `before` is the account as it is stored.
pub fn change(fields: &Fields, before: Option<&EmailAccount>, zone: &Zone) -> Result<EmailAccountChange> {
    // What is no number becomes one that is refused.
    let number = |name: &str| fields.filled(name).map(|text| text.trim().parse().unwrap_or(0));
    let sent_secret = |name: &str| fields.own(name).filter(|text| !text.is_empty());
    // A field that the form of this kind does not have is left alone.
    let shown = |name: &str| fields.is_checked(name).then(|| fields.text(name).to_owned());
    let kind = before.map(|account| account.kind).or(Kind::parse(fields.text("type"))).unwrap_or(Kind::Imap);
    let names = Names::of(kind);
    let user_name = |name: &str| {
        fields
            .is_checked(name)
            .then(|| fields.filled(name).unwrap_or_else(|| fields.text("email").to_owned()))
    };
    Ok(EmailAccountChange {
        kind: Some(kind),
        speaks_of: None,
        email: fields.own("email"),
        display_name: fields.own("displayName"),
        is_enabled: Some(fields.is_checked("isEnabled")),
        is_default: None,
        agent_assignee_id: Some(fields.text("agentAssigneeId").parse().ok().map(AgentId)),
        department_assignee_id: Some(fields.text("departmentAssigneeId").parse().ok().map(DepartmentId)),
        signature: fields.own("signature"),
        incoming_server: fields.own(names.server),
        incoming_port: number(names.port),
        incoming_security: Security::parse(fields.text(names.security)),
        incoming_user_name: user_name(names.user_name),
        incoming_password: sent_secret(names.password),
        folder: shown("folder"),
        move_to_folder: shown("moveToFolder"),
        leave_copy_on_server: Some(fields.is_checked("leaveCopyOnServer")),
        poll_interval_seconds: number("pollInterval"),
        take_over_before: take_over_before(fields, before, zone)?,
        smtp_server: shown("smtpServer"),
        smtp_port: number("smtpPort"),
        smtp_security: Security::parse(fields.text("smtpSecurity")),
        smtp_user_name: user_name("smtpUserName"),
        smtp_password: sent_secret("smtpPassword"),
        tls_accept_invalid_certs: shown("smtpServer").map(|_| fields.is_checked("tlsAcceptInvalidCerts")),
        authentication: Authentication::parse(fields.text("authentication")),
        oauth: OAuthChange {
            authorize_url: shown("oauthAuthorizeUrl"),
            token_url: shown("oauthTokenUrl"),
            client_id: shown("oauthClientId"),
            client_secret: sent_secret("oauthClientSecret"),
            scope: shown("oauthScope"),
            refresh_token: None,
        },
    })
}

/// The form knows minutes only: what nobody touched stays as exact as it is.
fn take_over_before(
    fields: &Fields,
    before: Option<&EmailAccount>,
    zone: &Zone,
) -> Result<Option<Option<Timestamp>>> {
    let text = fields.text("takeOverBefore").trim();
    if before.is_some_and(|account| minute(account.take_over_before, zone) == text) {
        return Ok(None);
    }
    if text.is_empty() {
        return Ok(Some(None));
    }
    match zone.instant(text) {
        Some(at) => Ok(Some(Some(at))),
        None => Err(Error::invalid("takeOverBefore", format!("'{text}' is not a date and time"))),
    }
}
