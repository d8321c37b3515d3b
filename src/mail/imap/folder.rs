//! Names of folders as they go over the line: a quoted string in IMAP's own UTF-7 (RFC 3501 5.1.3).

use base64::Engine;
use base64::alphabet::Alphabet;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

/// Control characters, which no folder has, are left out: a line break would begin another command.
pub(super) fn quoted(name: &str) -> String {
    let mut out = String::from("\"");
    let mut foreign = Vec::new();
    for c in name.chars().filter(|c| !c.is_control()) {
        if c.is_ascii() {
            shift(&mut out, &mut foreign);
            match c {
                '&' => out.push_str("&-"),
                '"' | '\\' => out.extend(['\\', c]),
                _ => out.push(c),
            }
        } else {
            foreign.extend(c.encode_utf16(&mut [0; 2]).iter().flat_map(|unit| unit.to_be_bytes()));
        }
    }
    shift(&mut out, &mut foreign);
    out.push('"');
    out
}

/// Writes what was gathered of letters beyond ASCII.
fn shift(out: &mut String, foreign: &mut Vec<u8>) {
    if foreign.is_empty() {
        return;
    }
    let alphabet = Alphabet::new("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,")
        .expect("64 different letters");
    let config = GeneralPurposeConfig::new().with_encode_padding(false);
    out.push('&');
    out.push_str(&GeneralPurpose::new(&alphabet, config).encode(&foreign));
    out.push('-');
    foreign.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_written_as_the_standard_shows() {
        assert_eq!(quoted("INBOX"), "\"INBOX\"");
        assert_eq!(quoted("~peter/mail/台北/日本語"), "\"~peter/mail/&U,BTFw-/&ZeVnLIqe-\"");
        assert_eq!(quoted("R&D"), "\"R&-D\"");
        assert_eq!(quoted("Entwürfe"), "\"Entw&APw-rfe\"");
        assert_eq!(quoted("📥"), "\"&2D3c5Q-\"");
        assert_eq!(quoted("a\"b\\c"), "\"a\\\"b\\\\c\"");
        assert_eq!(quoted("x\r\nA1 LOGOUT"), "\"xA1 LOGOUT\"");
    }
}
