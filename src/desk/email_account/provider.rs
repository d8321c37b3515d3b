//! What is known of large mail providers: the settings they want, and what it means when they refuse a sign-in.

use super::{Authentication, EmailAccount, Kind};
use crate::mail::server::Security;

/// Settings to begin with.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// In addresses.
    pub slug: &'static str,
    pub name: &'static str,
    /// What to have ready.
    pub about: &'static str,
    pub kind: Kind,
    pub authentication: Authentication,
    pub incoming_server: &'static str,
    pub incoming_port: u16,
    pub incoming_security: Security,
    pub smtp_server: &'static str,
    pub smtp_port: u16,
    pub smtp_security: Security,
    pub oauth_authorize_url: &'static str,
    pub oauth_token_url: &'static str,
    pub oauth_scope: &'static str,
}

/// Microsoft Graph, as everybody reaches it.
pub const GRAPH_URL: &str = "https://graph.microsoft.com/v1.0";
/// What client credentials ask Microsoft for: whatever an administrator granted.
pub const GRAPH_SCOPE: &str = "https://graph.microsoft.com/.default";

/// Whatever is not listed.
pub const OWN: Preset = Preset {
    slug: "imap",
    name: "Your own server, IMAP",
    about: "Any other provider or a server of your own. Mail arrives at once where the server offers IDLE.",
    kind: Kind::Imap,
    authentication: Authentication::Password,
    incoming_server: "",
    incoming_port: 993,
    incoming_security: Security::Tls,
    smtp_server: "",
    smtp_port: 587,
    smtp_security: Security::StartTls,
    oauth_authorize_url: "",
    oauth_token_url: "",
    oauth_scope: "",
};

/// In the order they are offered.
pub const PRESETS: &[Preset] = &[
    Preset {
        slug: "gmail",
        name: "Gmail or Google Workspace",
        about: "With an app password, which needs two-step verification at Google.",
        incoming_server: "imap.gmail.com",
        smtp_server: "smtp.gmail.com",
        ..OWN
    },
    Preset {
        slug: "gmail-oauth",
        name: "Google Workspace, OAuth 2.0",
        about: "With an OAuth client of your own from the Google Cloud console, and no password.",
        authentication: Authentication::OAuth2,
        incoming_server: "imap.gmail.com",
        smtp_server: "smtp.gmail.com",
        oauth_authorize_url: "https://accounts.google.com/o/oauth2/v2/auth",
        oauth_token_url: "https://oauth2.googleapis.com/token",
        oauth_scope: "https://mail.google.com/",
        ..OWN
    },
    Preset {
        slug: "microsoft365",
        name: "Microsoft 365, by Graph",
        about: "With an app registration in Entra that has the application permissions Mail.ReadWrite and Mail.Send. \
                Replace TENANT in the token URL by your directory's id.",
        kind: Kind::Exchange,
        authentication: Authentication::OAuth2,
        incoming_server: GRAPH_URL,
        oauth_token_url: "https://login.microsoftonline.com/TENANT/oauth2/v2.0/token",
        oauth_scope: GRAPH_SCOPE,
        ..OWN
    },
    Preset {
        slug: "outlook-oauth",
        name: "Microsoft 365 or Outlook.com, IMAP",
        about: "With an app registration in Entra and somebody who signs in to the mailbox once.",
        authentication: Authentication::OAuth2,
        incoming_server: "outlook.office365.com",
        smtp_server: "smtp.office365.com",
        oauth_authorize_url: "https://login.microsoftonline.com/common/oauth2/v2.0/authorize",
        oauth_token_url: "https://login.microsoftonline.com/common/oauth2/v2.0/token",
        oauth_scope: "https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send offline_access",
        ..OWN
    },
    Preset {
        slug: "fastmail",
        name: "Fastmail",
        about: "With an app password from Settings, Privacy & Security.",
        incoming_server: "imap.fastmail.com",
        smtp_server: "smtp.fastmail.com",
        smtp_port: 465,
        smtp_security: Security::Tls,
        ..OWN
    },
    OWN,
    Preset {
        slug: "pop3",
        name: "Your own server, POP3",
        about: "For mailboxes that offer nothing else.",
        kind: Kind::Pop3,
        incoming_port: 995,
        ..OWN
    },
];

pub fn preset(slug: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.slug == slug)
}

/// What to do about the account's last error, where the provider is known for it.
pub fn hint(account: &EmailAccount) -> Option<&'static str> {
    let error = account.last_error.as_deref()?.to_ascii_lowercase();
    let is_refusal = ["refused the login", "did not accept the user name", "authoris"]
        .iter()
        .any(|words| error.contains(words));
    if !is_refusal {
        return None;
    }
    if account.authentication == Authentication::OAuth2 {
        return Some(match account.kind {
            Kind::Exchange => {
                "Look in Entra whether the client secret has expired and whether the app still has its permissions."
            }
            _ => "Authorise Anytime again on the account’s page.",
        });
    }
    let host = account.incoming_server.to_ascii_lowercase();
    let is_at = |domains: &[&str]| {
        domains.iter().any(|domain| host == *domain || host.ends_with(&[".", domain].concat()))
    };
    if is_at(&["gmail.com", "googlemail.com"]) {
        Some("Google takes no normal password here: use an app password, or OAuth 2.0.")
    } else if is_at(&["office365.com", "outlook.com", "hotmail.com", "live.com"]) {
        Some("Microsoft no longer takes passwords for POP3 and IMAP: use OAuth 2.0, or Microsoft Graph.")
    } else if is_at(&["yahoo.com", "aol.com", "mail.me.com", "fastmail.com", "zoho.com", "zoho.eu"]) {
        Some("This provider takes no normal password here: make an app password in your account there.")
    } else {
        Some("Check user name and password; many providers want the whole address as the user name.")
    }
}
