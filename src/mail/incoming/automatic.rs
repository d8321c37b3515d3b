//! Whether a person wrote a mail (RFC 3834, 3464, 8098, 5965, 2369, and what mailers do instead).

use super::header::Headers;
use super::{Automatic, AutomaticKind, Mailbox, clean, mime};

/// More stations than any honest delivery has.
const RECEIVED: usize = 25;

/// The strongest sign that no person wrote this mail. `Auto-Submitted: no` is no sign, nor is
/// `X-Auto-Response-Suppress`, which asks for silence only.
pub(super) fn classify(headers: &Headers<'_>, from: Option<&Mailbox>) -> Option<Automatic> {
    let received = headers.texts("Received").count();
    if RECEIVED < received {
        return Some(Automatic { kind: AutomaticKind::Loop, header: format!("Received: {received} times") });
    }
    // A daemon on the receiving machine may have no domain.
    let unreadable = || headers.text("From").unwrap_or_default();
    let sender = from.map_or_else(unreadable, |from| from.address.clone());
    let sender = sender.as_str();
    let by_sender = |kind| found(kind, "From", sender);
    let sender_kind = sender_kind(sender);

    report(headers)
        .or_else(|| first(headers, AutomaticKind::Bounce, &["X-Failed-Recipients"]))
        .or_else(|| sender_kind.filter(|kind| *kind == AutomaticKind::Bounce).and_then(by_sender))
        .or_else(|| auto_submitted(headers))
        .or_else(|| {
            let names = ["X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Reply", "X-Loop"];
            first(headers, AutomaticKind::AutoReply, &names)
        })
        .or_else(|| {
            let to = headers.texts("Delivered-To").find(|to| to.eq_ignore_ascii_case("autoresponder"))?;
            found(AutomaticKind::AutoReply, "Delivered-To", &to)
        })
        .or_else(|| precedence(headers, "Precedence"))
        .or_else(|| precedence(headers, "X-Precedence"))
        .or_else(|| {
            let name = headers.names().find(|name| name.to_ascii_lowercase().starts_with("list-"))?;
            first(headers, AutomaticKind::List, &[name])
        })
        .or_else(|| {
            let path = headers.text("Return-Path")?;
            let path = path.trim_matches(|c: char| "<> ".contains(c));
            let is_null = path.is_empty() || path.eq_ignore_ascii_case("mailer-daemon");
            is_null.then(|| found(AutomaticKind::Bounce, "Return-Path", "<>"))?
        })
        .or_else(|| sender_kind.and_then(by_sender))
}

/// Whether the sender asks that nothing answers by itself.
pub(super) fn asks_for_silence(headers: &Headers<'_>) -> bool {
    headers.texts("X-Auto-Response-Suppress").any(|value| {
        value
            .split([',', ';', ' '])
            .any(|word| ["all", "oof", "autoreply"].iter().any(|name| word.trim().eq_ignore_ascii_case(name)))
    })
}

fn report(headers: &Headers<'_>) -> Option<Automatic> {
    let name = mime::content_type(headers)?;
    let kind = match name.as_str() {
        "message/delivery-status" => AutomaticKind::Bounce,
        "message/disposition-notification" => AutomaticKind::AutoReply,
        "message/feedback-report" => AutomaticKind::FeedbackReport,
        "multipart/report" => {
            let of =
                headers.content_type()?.attribute("report-type").unwrap_or_default().to_ascii_lowercase();
            match of.as_str() {
                "disposition-notification" => AutomaticKind::AutoReply,
                "feedback-report" => AutomaticKind::FeedbackReport,
                _ => AutomaticKind::Bounce,
            }
        }
        _ => return None,
    };
    first(headers, kind, &["Content-Type"])
}

fn auto_submitted(headers: &Headers<'_>) -> Option<Automatic> {
    let value = headers.text("Auto-Submitted")?;
    let word = value.split([';', ' ', '(', '\t']).find(|word| !word.is_empty())?.to_ascii_lowercase();
    let kind = match word.as_str() {
        "no" => return None,
        "auto-replied" => AutomaticKind::AutoReply,
        _ => AutomaticKind::Bulk,
    };
    found(kind, "Auto-Submitted", &value)
}

fn precedence(headers: &Headers<'_>, name: &str) -> Option<Automatic> {
    let value = headers.text(name)?;
    let kind = match value.to_ascii_lowercase().replace('-', "_").as_str() {
        "bulk" | "junk" => AutomaticKind::Bulk,
        "list" => AutomaticKind::List,
        "auto_reply" => AutomaticKind::AutoReply,
        _ => return None,
    };
    found(kind, name, &value)
}

fn sender_kind(address: &str) -> Option<AutomaticKind> {
    let address = address.rsplit('<').next()?.trim_end_matches('>');
    let local = address.split('@').next()?.to_ascii_lowercase();
    let letters: String = local.chars().filter(|c| c.is_alphanumeric()).collect();
    if ["mailerdaemon", "postmaster"].contains(&letters.as_str()) {
        return Some(AutomaticKind::Bounce);
    }
    if local.starts_with("owner-") || local.ends_with("-request") || local.ends_with("-bounces") {
        return Some(AutomaticKind::List);
    }
    let is_deaf =
        ["noreply", "donotreply"].iter().any(|name| letters.starts_with(name) || letters.ends_with(name));
    is_deaf.then_some(AutomaticKind::Bulk)
}

fn first(headers: &Headers<'_>, kind: AutomaticKind, names: &[&str]) -> Option<Automatic> {
    names.iter().find_map(|name| found(kind, name, &headers.text(name)?))
}

fn found(kind: AutomaticKind, name: &str, value: &str) -> Option<Automatic> {
    let header = clean(&format!("{name}: {value}")).chars().take(200).collect();
    Some(Automatic { kind, header })
}
