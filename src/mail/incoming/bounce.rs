//! What a delivery report says (RFC 3464, and what mailers wrote before it): for whom, whether it is final, and which
//! of our mails came back. Nothing of it is signed; a caller believes it only about a mail that it knows.

use super::Incoming;
use super::header::{Headers, prepare, split};

/// A delivery report, as read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounce {
    pub severity: Severity,
    /// Addresses that the report names, most certain first; some may be of bystanders.
    pub recipients: Vec<String>,
    /// Such as `5.1.1`; empty when the report has none.
    pub status: String,
    /// What the refusing server said, on one line.
    pub diagnostic: String,
    /// Ids of the mail that came back, without `<` and `>`.
    pub returned_ids: Vec<String>,
    /// Where the severity was read.
    pub decided_by: String,
}

/// Whether there is hope.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Severity {
    /// The address or its server does not take mail.
    #[default]
    Hard,
    /// Given up for a reason that may pass: a full mailbox, a server out of reach.
    Soft,
    /// The server goes on trying.
    Delayed,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Self::Hard => "hardBounce",
            Self::Soft => "softBounce",
            Self::Delayed => "delayedBounce",
        }
    }
}

/// Addresses and ids kept of one report.
const ADDRESSES: usize = 20;
/// Beginning of a report's text that is looked at, in characters.
const TEXT_CHARS: usize = 20_000;

/// Reads a mail that is known to be a report.
pub(super) fn read(mail: &Incoming) -> Bounce {
    let mut bounce = Bounce::default();
    let mut action = String::new();
    for part in &mail.attachments {
        match part.content_type.as_str() {
            "message/delivery-status" | "message/global-delivery-status" => {
                fields(&part.bytes, &mut bounce, &mut action);
            }
            "message/rfc822" | "message/global" | "text/rfc822-headers" | "message/global-headers" => {
                returned(&part.bytes, &mut bounce);
            }
            _ => {}
        }
    }
    let text: String = match &mail.text {
        Some(text) => text.chars().take(TEXT_CHARS).collect(),
        None => crate::html::to_text(&mail.html_parts.concat()).chars().take(TEXT_CHARS).collect(),
    };
    if bounce.returned_ids.is_empty() {
        ids_in_text(&text, &mut bounce);
    }
    bounce.returned_ids.extend(mail.in_reply_to.iter().chain(mail.references.iter().rev()).cloned());
    addresses_in_text(&text, &mut bounce);
    if bounce.status.is_empty()
        && let Some(status) = status_in(&text)
    {
        bounce.status = status;
    }
    if bounce.diagnostic.is_empty() {
        bounce.diagnostic = line_with_status(&text);
    }
    judge(mail, &text, &action, &mut bounce);
    bounce.recipients.truncate(ADDRESSES);
    bounce.returned_ids.truncate(ADDRESSES);
    bounce
}

/// The fields of a machine-readable report. Blocks of recipients that were served do not count.
fn fields(bytes: &[u8], bounce: &mut Bounce, action: &mut String) {
    let text = String::from_utf8_lossy(bytes).replace("\r\n", "\n");
    for block in text.split("\n\n").filter(|block| !block.trim().is_empty()) {
        let (prepared, _) = prepare(block.trim_start().as_bytes(), 64 * 1024);
        let headers = Headers::new(&prepared);
        let did = headers.text("Action").unwrap_or_default().trim().to_ascii_lowercase();
        if ["delivered", "relayed", "expanded"].contains(&did.as_str()) {
            continue;
        }
        for name in ["Original-Recipient", "Final-Recipient", "X-Actual-Recipient"] {
            let value = headers.text(name).unwrap_or_default();
            let address = value.rsplit(';').next().unwrap_or_default();
            add_address(address, bounce);
        }
        if !did.is_empty() {
            *action = did;
        }
        let status = headers.text("Status").and_then(|status| status_in(&status));
        if let Some(status) = status.filter(|_| bounce.status.is_empty()) {
            bounce.status = status;
        }
        let said = headers.text("Diagnostic-Code").unwrap_or_default();
        if bounce.diagnostic.is_empty() {
            let said = said.split_once(';').map_or(said.as_str(), |(_, said)| said);
            bounce.diagnostic = one_line(said);
        }
    }
}

/// The headers of the mail that came back.
fn returned(bytes: &[u8], bounce: &mut Bounce) {
    let (block, _) = split(bytes.trim_ascii_start());
    let (prepared, _) = prepare(block, 256 * 1024);
    let headers = Headers::new(&prepared);
    let ids = headers.text("Message-ID").map(|text| super::ids(&text)).unwrap_or_default();
    bounce.returned_ids.extend(ids);
    for name in ["To", "Cc"] {
        for text in headers.texts(name) {
            for word in text.split(',') {
                let address = word.rsplit('<').next().unwrap_or_default();
                add_address(address, bounce);
            }
        }
    }
}

fn ids_in_text(text: &str, bounce: &mut Bounce) {
    for line in text.lines() {
        let line = line.trim_start_matches(['>', ' ', '|', '\t']);
        if line.get(..11).is_some_and(|name| name.eq_ignore_ascii_case("message-id:")) {
            bounce.returned_ids.extend(super::ids(&line[11..]));
        }
    }
}

/// `<a@b>` and bare addresses, in the order they come.
fn addresses_in_text(text: &str, bounce: &mut Bounce) {
    for word in text.split(|c: char| c.is_whitespace() || "<>()[]\"',;:".contains(c)) {
        if ADDRESSES < bounce.recipients.len() {
            return;
        }
        add_address(word, bounce);
    }
}

fn add_address(text: &str, bounce: &mut Bounce) {
    let text = text.trim_matches(|c: char| c.is_whitespace() || "<>().".contains(c)).to_lowercase();
    if crate::mail::is_address(&text) && !bounce.recipients.contains(&text) {
        bounce.recipients.push(text);
    }
}

/// The first enhanced status code (RFC 3463) that tells of a problem.
fn status_in(text: &str) -> Option<String> {
    let is_edge = |c: char| !(c.is_ascii_digit() || c == '.');
    text.split(is_edge).map(|word| word.trim_matches('.')).find_map(|word| {
        let digits: Vec<&str> = word.split('.').collect();
        let is_code = digits.len() == 3
            && matches!(digits[0], "4" | "5")
            && digits[1..].iter().all(|part| (1..=3).contains(&part.len()));
        is_code.then(|| word.to_owned())
    })
}

/// The line that a server's answer is on: with a reply code or an enhanced status.
fn line_with_status(text: &str) -> String {
    let found = text.lines().find(|line| status_in(line).is_some() || has_reply_code(line));
    one_line(found.unwrap_or_default())
}

/// Whether a text has what servers answer with: a code of 4 or 5 hundred beside a word of mail, or an enhanced status.
pub(super) fn quotes_server(text: &str) -> bool {
    text.lines().any(|line| {
        status_in(line).is_some()
            || has_reply_code(line)
                && ["smtp", "user", "mailbox", "host", "recipient", "address", "rcpt", "message", "<"]
                    .iter()
                    .any(|word| line.contains(word))
    })
}

fn has_reply_code(line: &str) -> bool {
    line.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
        word.len() == 3 && matches!(&word[..1], "4" | "5") && word.bytes().all(|b| b.is_ascii_digit())
    })
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    super::clean(&words.join(" ")).chars().take(300).collect()
}

/// In lower case; what mailers say while they go on trying.
const DELAYED: &[&str] = &[
    "will be retried",
    "will retry",
    "will continue",
    "still being retried",
    "not yet been delivered",
    "has not been delivered yet",
    "delivery is delayed",
    "delivery delayed",
    "delayed mail",
    "message delayed",
    "you do not need to resend",
    "this is a warning message only",
    "warning: could not send message",
    "still trying to deliver",
    "delivery status notification (delay)",
    "temporarily delayed",
    "delivery temporarily suspended; will",
    "attempts to deliver the message will continue",
    "no action is required",
];

/// What may pass: full mailboxes, servers out of reach, limits.
const SOFT: &[&str] = &[
    "mailbox full",
    "mailbox is full",
    "over quota",
    "over its quota",
    "overquota",
    "quota exceeded",
    "exceeded quota",
    "exceed the quota",
    "exceeds quota",
    "insufficient system storage",
    "insufficient disk space",
    "mailfolder is full",
    "out of storage",
    "disk full",
    "not enough space",
    "user has exhausted",
    "try again later",
    "temporary failure",
    "temporarily unavailable",
    "temporarily deferred",
    "connection timed out",
    "timed out",
    "connection refused",
    "unable to connect",
    "could not connect",
    "too many",
    "greylist",
    "rate limit",
    "service unavailable",
    "expired",
    "retry timeout",
    "retry time",
    "no route to host",
    "too long in queue",
    "queue too long",
    "host not responding",
    "cannot connect",
    "system is busy",
    "deferred",
];

/// RFC 3463: the first digit tells of hope, but a full mailbox or an expired try may say 5.
fn judge(mail: &Incoming, text: &str, action: &str, bounce: &mut Bounce) {
    let said = [&mail.subject, text, &bounce.diagnostic].map(|part| part.to_lowercase()).join("\n");
    let has = |words: &[&'static str]| words.iter().copied().find(|word| said.contains(word));
    if action == "delayed" {
        return decide(bounce, Severity::Delayed, "Action: delayed".to_owned());
    }
    if action.is_empty()
        && let Some(word) = has(DELAYED)
    {
        return decide(bounce, Severity::Delayed, format!("the words \"{word}\""));
    }
    let status = bounce.status.clone();
    if status.starts_with('4') || matches!(status.as_str(), "5.2.2" | "5.3.1" | "5.4.7" | "5.4.1") {
        return decide(bounce, Severity::Soft, format!("Status: {status}"));
    }
    if !status.is_empty() && !matches!(status.as_str(), "5.0.0" | "5.5.0") {
        return decide(bounce, Severity::Hard, format!("Status: {status}"));
    }
    if let Some(word) = has(SOFT) {
        return decide(bounce, Severity::Soft, format!("the words \"{word}\""));
    }
    let by = match (status.is_empty(), action.is_empty()) {
        (false, _) => format!("Status: {status}"),
        (true, false) => format!("Action: {action}"),
        (true, true) => "no sign of hope".to_owned(),
    };
    decide(bounce, Severity::Hard, by);
}

fn decide(bounce: &mut Bounce, severity: Severity, by: String) {
    bounce.severity = severity;
    bounce.decided_by = by;
}
