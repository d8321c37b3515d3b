//! Where a mail server is and how to sign in to it: the same for POP3, IMAP and SMTP.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// There is no "TLS if offered": it protects from nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Security {
    /// Everything in the clear, the password too: an administrator's explicit choice, never a fallback.
    None,
    /// The server must offer STARTTLS; without it nothing is sent.
    StartTls,
    /// TLS from the first byte.
    Tls,
}

impl Security {
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::StartTls => "startTls",
            Self::Tls => "ssl",
        }
    }

    /// The name in any case.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::None, Self::StartTls, Self::Tls]
            .into_iter()
            .find(|security| security.name().eq_ignore_ascii_case(text.trim()))
    }
}

/// What proves who we are.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    Password(String),
    /// An access token of OAuth 2.0, for SASL XOAUTH2.
    Token(String),
}

impl Login {
    fn secret(&self) -> &str {
        match self {
            Self::Password(secret) | Self::Token(secret) => secret,
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password(_) => "Password(hidden)",
            Self::Token(_) => "Token(hidden)",
        })
    }
}

/// `host:port` is what it is called in errors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub user_name: String,
    /// `None`: nobody signs in, which only SMTP servers of one's own allow.
    pub login: Option<Login>,
    /// Takes any certificate for any host.
    pub accept_invalid_certs: bool,
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Server {
    /// Whether name and secret fit on a line: a line break in one would be a second command.
    pub fn is_fit(&self) -> bool {
        let is_unfit = |text: &str| text.contains(['\r', '\n', '\0', '\u{1}']);
        !is_unfit(&self.user_name) && !self.login.as_ref().is_some_and(|login| is_unfit(login.secret()))
    }

    /// What a server said, without the secret that it may have repeated.
    pub fn hide(&self, answer: &str) -> String {
        match self.login.as_ref().map(Login::secret) {
            Some(secret) if !secret.is_empty() => answer.replace(secret, "(password)"),
            _ => answer.to_owned(),
        }
    }
}

/// The one message of SASL XOAUTH2, before it is encoded.
pub fn xoauth2(user_name: &str, token: &str) -> String {
    format!("user={user_name}\u{1}auth=Bearer {token}\u{1}\u{1}")
}

/// The same as it goes over the line.
pub fn xoauth2_encoded(user_name: &str, token: &str) -> String {
    STANDARD.encode(xoauth2(user_name, token))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(login: Login) -> Server {
        Server {
            host: "mail.example".to_owned(),
            port: 993,
            security: Security::Tls,
            user_name: "desk".to_owned(),
            login: Some(login),
            accept_invalid_certs: false,
        }
    }

    #[test]
    fn no_secret_is_in_debug_output_or_in_what_a_server_repeats() {
        for login in [Login::Password("s3cret".to_owned()), Login::Token("s3cret".to_owned())] {
            let server = server(login);
            assert!(!format!("{server:?} {server}").contains("s3cret"));
            assert_eq!(server.hide("no such user s3cret"), "no such user (password)");
        }
    }

    #[test]
    fn a_second_command_cannot_hide_in_a_name_or_secret() {
        assert!(server(Login::Password("fine \"too\"".to_owned())).is_fit());
        for text in ["a\r\nDELE 1", "a\nb", "a\0b", "a\u{1}b"] {
            assert!(!server(Login::Password(text.to_owned())).is_fit());
            assert!(!Server { user_name: text.to_owned(), ..server(Login::Token(String::new())) }.is_fit());
        }
    }

    #[test]
    fn xoauth2_is_encoded_as_its_authors_show() {
        // The example of Google's description of the mechanism.
        let encoded =
            xoauth2_encoded("someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg");
        assert_eq!(
            encoded,
            "dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
        );
    }

    #[test]
    fn security_is_read_in_any_case() {
        assert_eq!(Security::parse(" STARTTLS "), Some(Security::StartTls));
        assert_eq!(Security::parse("ssl"), Some(Security::Tls));
        assert_eq!(Security::parse("tls"), None);
    }
}
