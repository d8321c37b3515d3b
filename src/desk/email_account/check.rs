//! What makes the settings of an e-mail account sound. Problems name fields as the account's kind has them.

use super::{Authentication, EmailAccount, EmailAccountChange, Kind};
use crate::db::Tx;
use crate::desk::{agent, check_name, check_text, department};
use crate::error::{Error, Problems, Result};
use crate::mail::is_address;

/// What no field is wrong about alone.
pub(super) fn whole(account: &EmailAccount) -> Result<()> {
    let mut problems = Problems::default();
    let uses_oauth = account.authentication == Authentication::OAuth2;
    if account.kind == Kind::Exchange && !uses_oauth {
        problems.add("authentication", "of an account of the type 'exchange' is 'oauth2'");
    }
    if uses_oauth {
        problems.require(!account.oauth.token_url.is_empty(), "oauthTokenUrl", "is needed for OAuth 2.0");
        problems.require(!account.oauth.client_id.is_empty(), "oauthClientId", "is needed for OAuth 2.0");
    }
    if account.kind == Kind::Pop3 {
        for (field, folder) in [("folder", &account.folder), ("moveToFolder", &account.move_to_folder)] {
            problems.require(folder.is_empty(), field, "needs IMAP or Exchange: POP3 has no folders");
        }
    }
    problems.require(
        !account.leave_copy_on_server || account.move_to_folder.is_empty(),
        "moveToFolder",
        "cannot be set while a copy is left where it is ('leaveCopyOnServer')",
    );
    problems.check()
}

/// What a field is wrong about alone.
pub(super) fn fields(tx: &Tx<'_>, kind: Kind, change: &EmailAccountChange) -> Result<()> {
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
    if let Some(host) = change.incoming_server.as_deref().map(str::trim).filter(|host| !host.is_empty()) {
        match kind {
            Kind::Exchange => check_url(&mut problems, &kind.field("Server"), host),
            Kind::Pop3 | Kind::Imap => check_host(&mut problems, &kind.field("Server"), host),
        }
    }
    if let Some(host) = change.smtp_server.as_deref().map(str::trim).filter(|host| !host.is_empty()) {
        check_host(&mut problems, "smtpServer", host);
    }
    for (field, url) in
        [("oauthAuthorizeUrl", &change.oauth.authorize_url), ("oauthTokenUrl", &change.oauth.token_url)]
    {
        if let Some(url) = url.as_deref().map(str::trim).filter(|url| !url.is_empty()) {
            check_url(&mut problems, field, url);
        }
    }
    for (field, port) in
        [(kind.field("Port"), change.incoming_port), ("smtpPort".to_owned(), change.smtp_port)]
    {
        let port = port.unwrap_or(1);
        problems.require((1..=65_535).contains(&port), &field, format!("'{port}' is not a port"));
    }
    for (field, text, limit) in [
        (kind.field("UserName"), &change.incoming_user_name, 1024),
        (kind.field("Password"), &change.incoming_password, 1024),
        ("smtpUserName".to_owned(), &change.smtp_user_name, 1024),
        ("smtpPassword".to_owned(), &change.smtp_password, 1024),
        ("folder".to_owned(), &change.folder, 255),
        ("moveToFolder".to_owned(), &change.move_to_folder, 255),
        ("oauthClientId".to_owned(), &change.oauth.client_id, 1024),
        ("oauthClientSecret".to_owned(), &change.oauth.client_secret, 4096),
        ("oauthScope".to_owned(), &change.oauth.scope, 2000),
        ("oauthRefreshToken".to_owned(), &change.oauth.refresh_token, 16_384),
    ] {
        let text = text.as_deref().unwrap_or_default();
        problems.require(
            text.len() <= limit && !text.contains(char::is_control),
            &field,
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
    if let Some(Some(at)) = change.take_over_before {
        problems.require(at <= tx.now(), "takeOverBefore", format!("'{at}' is in the future"));
    }
    if let Some(Some(id)) = change.agent_assignee_id {
        let known = agent::is_assignable(tx, id)?;
        problems.require(known, "agentAssigneeId", format!("there is no active agent {id}"));
    }
    if let Some(Some(id)) = change.department_assignee_id
        && let Some(objection) = department::objection(tx, id)?
    {
        problems.add("departmentAssigneeId", objection);
    }
    check_text("signature", change.signature.as_deref().unwrap_or_default(), 10_000)?;
    problems.check()
}

/// Fields that begin with the name of another kind.
pub(super) fn kind(kind: Kind, change: &EmailAccountChange) -> Result<()> {
    match change.speaks_of.filter(|spoken_of| *spoken_of != kind) {
        None => Ok(()),
        Some(other) => {
            let message =
                format!("belong to accounts of the type '{}'; this one is '{}'", other.name(), kind.name());
            Err(Error::invalid(other.field("…"), message))
        }
    }
}

fn check_host(problems: &mut Problems, field: &str, host: &str) {
    let is_host = host.len() < 256
        && host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']' | '_'));
    problems.require(is_host, field, format!("'{host}' is not a host name or an address"));
}

/// Secrets go there, so it is https; plain http only to this very machine.
fn check_url(problems: &mut Problems, field: &str, text: &str) {
    let shown: String = text.chars().take(200).collect();
    let url = url::Url::parse(text).ok().filter(|url| {
        text.len() <= 2000 && url.has_host() && url.username().is_empty() && url.password().is_none()
    });
    let Some(url) = url else {
        return problems.add(field, format!("'{shown}' is not a URL"));
    };
    let is_own = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    };
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_own);
    problems.require(is_safe, field, format!("'{shown}' does not begin with https://"));
}
