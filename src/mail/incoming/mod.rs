//! From a mail's raw bytes to what a helpdesk needs to know of it; the only place that calls mail-parser.
//! Reading never fails: what cannot be read is told in `problem`, and the raw bytes are kept elsewhere.

pub mod authentication;
mod automatic;
mod bounce;
mod decode;
mod header;
mod mime;
mod part;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use mail_parser::{Address, HeaderValue};

pub use self::bounce::{Bounce, Severity};
use self::header::Headers;
pub use self::part::Part;
use crate::mail::Mailbox;
use crate::time::Timestamp;

/// The header block may not be larger.
const HEADER_BYTES: usize = 1024 * 1024;
/// Addresses in one field, and ids from each end of `References`.
const ADDRESSES: usize = 1000;
const IDS: usize = 50;
/// `Authentication-Results` fields looked at: each server on the way may have left one.
const RESULTS: usize = 20;

/// A mail as read. Nothing here is trusted: every field is what the sender chose to write, except that
/// names, subject and file names are free of control and direction-changing characters.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Incoming {
    /// Ids come without `<` and `>`.
    pub message_id: Option<String>,
    pub in_reply_to: Vec<String>,
    /// Oldest first; of a long list the first and the last 50.
    pub references: Vec<String>,
    pub from: Option<Mailbox>,
    /// No author, several, or a group: there is nobody to hold to account.
    pub from_is_ambiguous: bool,
    pub reply_to: Vec<Mailbox>,
    pub sender: Option<Mailbox>,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    /// Addresses of `Delivered-To`, `X-Original-To` and `Envelope-To`, where plus-addresses arrive.
    pub delivered_to: Vec<String>,
    pub subject: String,
    /// The sender's clock; for display only.
    pub date: Option<Timestamp>,
    /// The `text/plain` parts as sent.
    pub text: Option<String>,
    /// The `text/html` parts in order, to be sanitised one by one. Text between them that has no HTML
    /// alternative is among them as HTML, so that nothing is lost to a reader of HTML.
    pub html_parts: Vec<String>,
    pub attachments: Vec<Part>,
    /// The `Authentication-Results` fields, topmost first; see `authentication`.
    pub authentication_results: Vec<String>,
    pub automatic: Option<Automatic>,
    /// What a delivery report says; of other mail nothing.
    pub bounce: Option<Bounce>,
    /// Nothing automatic may answer this mail.
    pub suppress_answer: bool,
    /// The value of `X-Anytime-Instance`, the one control header we write. Whether it is ours is for the
    /// caller to see.
    pub instance: Option<String>,
    /// Why the mail could not be read, or only in part.
    pub problem: Option<String>,
}

/// Why a mail counts as written by a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Automatic {
    pub kind: AutomaticKind,
    /// The line that decided, such as `Auto-Submitted: auto-replied`.
    pub header: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutomaticKind {
    AutoReply,
    /// An automatic reply that says that the person is away.
    OutOfOffice,
    Bounce,
    List,
    Bulk,
    FeedbackReport,
    /// Delivered too often. Our own mails coming back are known by `Incoming::instance`.
    Loop,
}

impl Incoming {
    /// In one word, what kind of mail this is; `human` unless something says otherwise.
    pub fn kind(&self) -> &'static str {
        match self.automatic.as_ref().map(|automatic| automatic.kind) {
            None => "human",
            Some(AutomaticKind::AutoReply) => "autoReply",
            Some(AutomaticKind::OutOfOffice) => "outOfOffice",
            Some(AutomaticKind::Bounce) => self.bounce.as_ref().map_or("hardBounce", |b| b.severity.name()),
            Some(AutomaticKind::List) => "list",
            Some(AutomaticKind::Bulk) => "bulk",
            Some(AutomaticKind::FeedbackReport) => "feedbackReport",
            Some(AutomaticKind::Loop) => "loop",
        }
    }
}

/// Reads any bytes.
pub fn parse(raw: &[u8]) -> Incoming {
    catch_unwind(AssertUnwindSafe(|| read(raw))).unwrap_or_else(|_| Incoming {
        from_is_ambiguous: true,
        suppress_answer: true,
        problem: Some("reading this mail failed".to_owned()),
        ..Incoming::default()
    })
}

fn read(raw: &[u8]) -> Incoming {
    let raw = with_line_feeds(raw.trim_ascii_start());
    let mut problems = Vec::new();
    let (block, body) = header::split(&raw);
    let (prepared, is_cut) = header::prepare(block, HEADER_BYTES);
    if is_cut {
        problems.push("its header is too large");
    }
    let headers = Headers::new(&prepared);
    if !looks_like_mail(&headers) {
        return Incoming {
            from_is_ambiguous: true,
            suppress_answer: true,
            text: Some(decode::text(&raw, None)).filter(|text| !text.trim().is_empty()),
            problem: Some(if raw.is_empty() { "it is empty" } else { "it has no headers" }.to_owned()),
            ..Incoming::default()
        };
    }

    let tree = mime::leaves(&headers, body);
    if tree.is_too_deep {
        problems.push("its parts are nested too deeply");
    }
    if tree.has_too_many_parts {
        problems.push("it has too many parts");
    }
    let content = part::sort(tree.leaves);

    let mut mail = with_headers(&headers);
    mail.text = content.text;
    mail.html_parts = content.html_parts;
    mail.attachments = content.attachments;
    automatic::look_inside(&mut mail);
    mail.problem = (!problems.is_empty()).then(|| problems.join("; "));
    mail
}

fn with_headers(headers: &Headers<'_>) -> Incoming {
    let authors = mailboxes(headers, "From");
    let is_group = headers.values("From").any(|value| matches!(value.as_address(), Some(Address::Group(_))));
    let from_is_ambiguous = authors.len() != 1 || is_group || headers.values("From").count() != 1;
    let from = authors.into_iter().next();
    let automatic = automatic::classify(headers, from.as_ref());
    let ids_of = |name: &str| headers.text(name).map(|text| ids(&text)).unwrap_or_default();

    Incoming {
        message_id: ids_of("Message-ID").into_iter().next(),
        in_reply_to: both_ends(ids_of("In-Reply-To")),
        references: both_ends(ids_of("References")),
        suppress_answer: automatic.is_some() || from_is_ambiguous || automatic::asks_for_silence(headers),
        from,
        from_is_ambiguous,
        reply_to: mailboxes(headers, "Reply-To"),
        sender: mailboxes(headers, "Sender").into_iter().next(),
        to: mailboxes(headers, "To"),
        cc: mailboxes(headers, "Cc"),
        delivered_to: ["Delivered-To", "X-Original-To", "Envelope-To"]
            .iter()
            .flat_map(|name| headers.texts(name))
            .filter_map(|text| address(text.trim_matches(['<', '>'])))
            .take(ADDRESSES)
            .collect(),
        subject: headers.value("Subject").and_then(HeaderValue::as_text).map(clean).unwrap_or_default(),
        date: headers.value("Date").and_then(date),
        authentication_results: headers.texts("Authentication-Results").take(RESULTS).collect(),
        automatic,
        instance: headers.text("X-Anytime-Instance").filter(|value| !value.is_empty()),
        ..Incoming::default()
    }
}

/// Mail from old systems may have CR alone at its line ends.
fn with_line_feeds(raw: &[u8]) -> Cow<'_, [u8]> {
    if raw.contains(&b'\n') || !raw.contains(&b'\r') {
        return Cow::Borrowed(raw);
    }
    Cow::Owned(raw.iter().map(|byte| if *byte == b'\r' { b'\n' } else { *byte }).collect())
}

/// Any text with a colon has "headers"; a mail has at least one of these.
fn looks_like_mail(headers: &Headers<'_>) -> bool {
    let known =
        ["From", "To", "Cc", "Subject", "Date", "Message-ID", "Received", "Content-Type", "Return-Path"];
    headers.names().any(|name| known.iter().any(|known| known.eq_ignore_ascii_case(name)))
}

fn mailboxes(headers: &Headers<'_>, name: &str) -> Vec<Mailbox> {
    headers
        .values(name)
        .filter_map(HeaderValue::as_address)
        .flat_map(Address::iter)
        .filter_map(|found| {
            let name = found.name.as_deref().map(clean).filter(|name| !name.is_empty());
            Some(Mailbox {
                name: name.map(|name| name.chars().take(256).collect()),
                address: address(found.address.as_deref()?)?,
            })
        })
        .take(ADDRESSES)
        .collect()
}

/// An address fit to be compared: nothing invisible, the domain in lower case. Blanks beside dots and the `@`
/// (RFC 5322 section 4.4) are dropped, and so are words before the only address.
fn address(text: &str) -> Option<String> {
    let text = without_blanks(text);
    let mut words = text.split(' ').filter(|word| word.contains('@'));
    let (text, None) = (words.next()?, words.next()) else {
        return None;
    };
    let (local, domain) = text.rsplit_once('@')?;
    let is_unfit =
        text.chars().any(|c| c.is_whitespace() || c.is_control() || is_invisible(c) || "<>,;".contains(c));
    if local.is_empty() || domain.is_empty() || is_unfit || 320 < text.len() {
        return None;
    }
    Some(format!("{local}@{}", domain.to_lowercase()))
}

/// The ids of a field. Blanks inside `<…>` are a mailer's folding; without any `<…>` every word with an `@`
/// counts.
fn ids(text: &str) -> Vec<String> {
    let bracketed = text.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or(rest));
    let bare = text.split(|c: char| c.is_whitespace() || c == ',').filter(|_| !text.contains('<'));
    let bare = bare.filter(|word| word.contains('@'));
    bracketed
        .chain(bare)
        .map(|id| {
            id.chars().filter(|c| !c.is_whitespace() && !c.is_control() && *c != '>').collect::<String>()
        })
        .filter(|id| !id.is_empty() && id.len() <= 500)
        .collect()
}

fn without_blanks(text: &str) -> String {
    let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for mark in ['.', '@'] {
        text = text.replace(&format!(" {mark}"), &mark.to_string());
        text = text.replace(&format!("{mark} "), &mark.to_string());
    }
    text
}

fn both_ends(mut ids: Vec<String>) -> Vec<String> {
    if 2 * IDS < ids.len() {
        ids.drain(IDS..ids.len() - IDS);
    }
    ids
}

fn date(value: &HeaderValue<'_>) -> Option<Timestamp> {
    let date = value.as_datetime().filter(|date| date.is_valid())?;
    let millis = date.to_timestamp().checked_mul(1000)?;
    (0..4_102_444_800_000).contains(&millis).then(|| Timestamp::from_millis(millis))
}

/// One line without control characters and without characters that hide or turn text around.
fn clean(text: &str) -> String {
    let visible: String =
        text.chars().filter(|c| !is_invisible(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Direction marks and zero-width characters, save the joiners that some scripts and emoji need.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}
