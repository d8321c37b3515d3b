//! Bytes and messages: POP3, IMAP, SMTP, MIME, threading headers, quotes. Never touches the database.

pub mod archive;
pub mod dkim;
pub mod dns;
pub mod fetch_error;
pub mod imap;
pub mod incoming;
pub mod outgoing;
pub mod pop3;
pub mod quote;
pub mod received;
pub mod sender;
pub mod server;
pub mod smtp;
pub mod threading;
pub mod tls;
mod wire;

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// A person or a list as a header names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mailbox {
    pub name: Option<String>,
    pub address: String,
}

/// `"Doe, Jane" <jane@example.com>`: one line without control characters, the name quoted when it needs to
/// be. Not encoded: `outgoing::build` writes what goes over the wire.
impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.address.replace(char::is_control, "");
        let name = self.name.as_deref().map(one_line).unwrap_or_default();
        if name.is_empty() {
            f.write_str(&address)
        } else if name.contains(|c: char| c.is_ascii_punctuation() && !"-_'&!".contains(c)) {
            let name = name.replace('\\', r"\\").replace('"', "\\\"");
            write!(f, "\"{name}\" <{address}>")
        } else {
            write!(f, "{name} <{address}>")
        }
    }
}

/// Whether `text` can be written to: one `@`, a local part of 1 to 64 bytes without spaces, control
/// characters, quotes or brackets, and a host name or an address literal behind it (RFC 5321 4.1.2, without
/// quoted local parts; with the repeated dots some Japanese providers hand out, and with letters of any
/// script, RFC 6531).
pub fn is_address(text: &str) -> bool {
    text.len() <= 254
        && text.split_once('@').is_some_and(|(local, domain)| is_local_part(local) && is_domain(domain))
}

fn is_local_part(local: &str) -> bool {
    (1..=64).contains(&local.len())
        && local.chars().all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c))
}

fn is_domain(domain: &str) -> bool {
    if let Some(literal) = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return match literal.strip_prefix("IPv6:") {
            Some(v6) => v6.parse::<Ipv6Addr>().is_ok(),
            None => literal.parse::<Ipv4Addr>().is_ok(),
        };
    }
    domain.len() <= 253
        && domain.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
        })
}

/// Control characters and line separators become spaces; the ends are trimmed and runs of spaces become one.
fn one_line(text: &str) -> String {
    let is_break = |c: char| c.is_control() || c == ' ' || c == '\u{2028}' || c == '\u{2029}';
    text.split(is_break).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_people_really_have_are_accepted() {
        for address in [
            "jane@example.com",
            "jane.doe+tag@mail.example.co.uk",
            "o'brien@example.com",
            "a..b.@docomo.example",
            "root@localhost",
            "x@[192.0.2.1]",
            "x@[IPv6:2001:db8::1]",
            "用户@例子.测试",
            "user@bücher.example",
        ] {
            assert!(is_address(address), "{address}");
        }
    }

    #[test]
    fn what_could_carry_a_second_recipient_or_a_header_is_not_an_address() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_label = format!("a@{}.com", "b".repeat(64));
        for address in [
            "",
            "jane",
            "@example.com",
            "jane@",
            "a@b@c.example",
            "jane@example.com\r\nBcc: x@y.example",
            "jane@example.com\0",
            "jane doe@example.com",
            "jane@example.com,x@y.example",
            "<jane@example.com>",
            "\"jane\"@example.com",
            "jane@-example.com",
            "jane@example..com",
            "jane@[300.1.1.1]",
            "jane@exam\u{200b}ple.com",
            "jane\u{202e}@example.com",
            &long_local,
            &long_label,
        ] {
            assert!(!is_address(address), "{address:?}");
        }
    }

    #[test]
    fn a_mailbox_is_shown_on_one_line_and_quoted_when_needed() {
        let mailbox = |name: &str| {
            Mailbox { name: Some(name.to_owned()), address: "jane@example.com".to_owned() }.to_string()
        };
        assert_eq!(mailbox("Jane Doe"), "Jane Doe <jane@example.com>");
        assert_eq!(mailbox("Doe, \"J\" <x@y>"), r#""Doe, \"J\" <x@y>" <jane@example.com>"#);
        assert_eq!(mailbox("Jane\r\nBcc: x"), "\"Jane Bcc: x\" <jane@example.com>");
        assert_eq!(mailbox(" \n"), "jane@example.com");
    }
}
