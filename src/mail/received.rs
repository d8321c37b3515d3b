//! When a mail came to us, as the server that took it wrote it down.

use mail_parser::DateTime;

use crate::time::Timestamp;

/// The date of the topmost `Received`, which our own server wrote; without one the sender's `Date`, which anybody can
/// make up.
pub fn received_at(raw: &[u8]) -> Option<Timestamp> {
    let mut date = None;
    for (name, value) in headers(raw) {
        if name.eq_ignore_ascii_case("received") {
            if let Some(at) = value.rsplit(';').next().and_then(read) {
                return Some(at);
            }
        } else if name.eq_ignore_ascii_case("date") && date.is_none() {
            date = read(&value);
        }
    }
    date
}

fn read(text: &str) -> Option<Timestamp> {
    let date = DateTime::parse_rfc822(text.trim()).filter(DateTime::is_valid)?;
    Some(Timestamp::from_millis(date.to_timestamp().checked_mul(1000)?))
}

/// The header's fields, unfolded.
fn headers(raw: &[u8]) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in raw.split(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        let text = String::from_utf8_lossy(line);
        if text.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push_str(&text);
            }
        } else if let Some((name, value)) = text.split_once(':') {
            fields.push((name.trim().to_owned(), value.to_owned()));
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(raw: &str) -> Option<String> {
        received_at(raw.as_bytes()).map(|at| at.to_string())
    }

    #[test]
    fn our_servers_word_counts_more_than_the_senders() {
        let mail = "Return-Path: <a@b>\r\nReceived: from x\r\n by y (z; t);\r\n Thu, 1 Oct 2026 10:00:00 +0200\r\n\
                    Received: by x; Mon, 1 Jan 2001 00:00:00 +0000\r\nDate: Sat, 1 Jan 2000 00:00:00 +0000\r\n\r\n\
                    Received: in the body; Fri, 1 Jan 1999 00:00:00 +0000\r\n";
        assert_eq!(at(mail).as_deref(), Some("2026-10-01T08:00:00.000Z"));
    }

    #[test]
    fn without_a_server_the_senders_date_counts_and_nonsense_does_not() {
        assert_eq!(
            at("Date: Sat, 1 Jan 2000 00:00:00 +0000\n\nx").as_deref(),
            Some("2000-01-01T00:00:00.000Z")
        );
        assert_eq!(at("Received: whenever\nDate: tomorrow\n\n"), None);
        assert_eq!(at(""), None);
    }
}
