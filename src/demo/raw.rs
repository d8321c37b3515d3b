//! The bytes of the mails that the demo pretends to have fetched (RFC 5322), for the ledger.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::thread::Attachment;
use crate::time::Timestamp;

#[derive(Default)]
pub struct Mail<'a> {
    pub from_name: &'a str,
    pub from_address: &'a str,
    pub to_address: &'a str,
    pub cc: &'a str,
    pub subject: &'a str,
    /// Without angle brackets, as everywhere.
    pub message_id: &'a str,
    pub in_reply_to: Option<&'a str>,
    pub at: Timestamp,
    pub text: &'a str,
    pub html: Option<&'a str>,
    pub attachments: &'a [Attachment],
    /// Further header lines, each with its line end.
    pub headers: &'a str,
}

impl Mail<'_> {
    pub fn bytes(&self) -> Vec<u8> {
        let mut mail = format!(
            "Return-Path: <{from}>\r\nMessage-ID: <{id}>\r\nDate: {date}\r\nFrom: {name} <{from}>\r\n\
             To: {to}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n{headers}",
            from = self.from_address,
            id = self.message_id,
            date = self.at.to_jiff().strftime("%a, %d %b %Y %H:%M:%S +0000"),
            name = words(self.from_name),
            to = self.to_address,
            subject = words(self.subject),
            headers = self.headers,
        );
        if !self.cc.is_empty() {
            mail.push_str(&["Cc: ", self.cc, "\r\n"].concat());
        }
        if let Some(id) = self.in_reply_to {
            mail.push_str(&format!("In-Reply-To: <{id}>\r\nReferences: <{id}>\r\n"));
        }
        let text = part("text/plain", self.text);
        let content = match self.html {
            Some(html) => several("alternative", &[text, part("text/html", html)]),
            None => text,
        };
        if self.attachments.is_empty() {
            mail.push_str(&content);
        } else {
            let files = self.attachments.iter().map(file);
            mail.push_str(&several("mixed", &std::iter::once(content).chain(files).collect::<Vec<_>>()));
        }
        mail.into_bytes()
    }
}

fn part(kind: &str, text: &str) -> String {
    format!(
        "Content-Type: {kind}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
        base64_lines(text.replace('\n', "\r\n").as_bytes())
    )
}

fn file(attachment: &Attachment) -> String {
    format!(
        "Content-Type: {}\r\nContent-Disposition: attachment; filename=\"{}\"\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{}",
        attachment.content_type,
        attachment.name,
        base64_lines(&attachment.data)
    )
}

fn several(kind: &str, parts: &[String]) -> String {
    let boundary = ["=-", kind].concat();
    let mut text = format!("Content-Type: multipart/{kind}; boundary=\"{boundary}\"\r\n\r\n");
    for part in parts {
        text.push_str(&format!("--{boundary}\r\n{part}\r\n"));
    }
    text.push_str(&format!("--{boundary}--\r\n"));
    text
}

fn base64_lines(data: &[u8]) -> String {
    // 57 bytes are one line of 76 characters (RFC 2045, 6.8).
    data.chunks(57).map(|line| BASE64_STANDARD.encode(line) + "\r\n").collect()
}

/// A header text: as it is when ASCII, else encoded words of at most 75 characters (RFC 2047, 2).
fn words(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let mut words = Vec::new();
    let mut word = String::new();
    for letter in text.chars() {
        if 42 < word.len() + letter.len_utf8() {
            words.push(encoded(&word));
            word.clear();
        }
        word.push(letter);
    }
    words.push(encoded(&word));
    words.join("\r\n ")
}

fn encoded(word: &str) -> String {
    format!("=?utf-8?B?{}?=", BASE64_STANDARD.encode(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_ascii_lines_of_bearable_length() {
        let mail = Mail {
            from_name: "Søren Übermut",
            from_address: "soeren@example.org",
            to_address: "support@example.com",
            subject: "Die Größe meines neuen Rades passt überhaupt nicht zu der Tabelle, was nun?",
            message_id: "1@example.org",
            text: "Grüße\nSøren",
            html: Some("<p>Grüße</p>"),
            attachments: &[Attachment {
                name: "a.txt".to_owned(),
                content_type: "text/plain",
                data: vec![b'a'; 500],
            }],
            ..Mail::default()
        };
        let text = String::from_utf8(mail.bytes()).unwrap();
        assert!(text.is_ascii());
        assert!(text.split("\r\n").all(|line| line.len() <= 100 && !line.contains('\n')));
        assert!(text.contains("filename=\"a.txt\""));
    }
}
