//! Whether a person wrote a mail (RFC 3834, 3464, 8098, 5965, 2369, and what mailers do instead).

use super::header::Headers;
use super::{Automatic, AutomaticKind, Incoming, Mailbox, bounce, clean, mime};

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
            let action = headers.text("X-Apple-Action").filter(|action| action == "VACATION")?;
            found(AutomaticKind::OutOfOffice, "X-Apple-Action", &action)
        })
        .or_else(|| {
            let to = headers.texts("Delivered-To").find(|to| to.eq_ignore_ascii_case("autoresponder"))?;
            found(AutomaticKind::AutoReply, "Delivered-To", &to)
        })
        .or_else(|| precedence(headers, "Precedence"))
        .or_else(|| precedence(headers, "X-Precedence"))
        .or_else(|| first(headers, AutomaticKind::List, &["X-ML-Name", "X-MLServer", "Mailing-List"]))
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

/// What the headers alone do not tell: whether an automatic reply says that somebody is away, what a report says, and
/// reports that only their text gives away.
pub(super) fn look_inside(mail: &mut Incoming) {
    match mail.automatic.as_ref().map(|automatic| automatic.kind) {
        Some(AutomaticKind::AutoReply) if says_away(mail) => {
            if let Some(automatic) = &mut mail.automatic {
                automatic.kind = AutomaticKind::OutOfOffice;
            }
        }
        Some(AutomaticKind::Bounce) => {
            let read = bounce::read(mail);
            let by_path = mail.automatic.as_ref().is_some_and(|a| a.header.starts_with("Return-Path"));
            // A vacation notice and other answers of machines may have no return path either.
            if by_path && !is_report(mail) && read.status.is_empty() {
                let kind = match (says_away(mail), mail.in_reply_to.is_empty()) {
                    (true, _) => Some(AutomaticKind::OutOfOffice),
                    (false, false) => Some(AutomaticKind::AutoReply),
                    (false, true) => None,
                };
                if let (Some(kind), Some(automatic)) = (kind, &mut mail.automatic) {
                    automatic.kind = kind;
                    return;
                }
            }
            mail.bounce = Some(read);
        }
        None | Some(AutomaticKind::Bulk) if is_complaint(mail) => {
            by_subject(mail, AutomaticKind::FeedbackReport)
        }
        // A subject alone may be a person's; with a second sign it is a machine's.
        None if is_away_subject(&mail.subject) && (mail.suppress_answer || text_says_away(mail)) => {
            by_subject(mail, AutomaticKind::OutOfOffice);
        }
        None | Some(AutomaticKind::Bulk) if is_report(mail) => {
            by_subject(mail, AutomaticKind::Bounce);
            mail.bounce = Some(bounce::read(mail));
        }
        _ => {}
    }
}

fn by_subject(mail: &mut Incoming, kind: AutomaticKind) {
    let subject = clean(&["Subject: ", &mail.subject].concat()).chars().take(200).collect();
    mail.automatic = Some(Automatic { kind, header: subject });
    mail.suppress_answer = true;
}

/// How subjects of reports begin, in lower case.
const REPORT_SUBJECTS: &[&str] = &[
    "undelivered",
    "undeliverable",
    "returned mail",
    "mail delivery fail",
    "delivery status notification",
    "delivery failure",
    "failure notice",
    "mail system error",
    "delivery notification",
    "message undeliverable",
    "mail delivery system",
    "delivery failed",
    "non-delivery",
    "nondeliverable",
    "unzustellbar",
    "mail could not be",
    "returned to sender",
    "returning message",
    "warning: message",
    "warning: could not send",
    "mail failure",
    "undelivered mail",
    "email delivery failure",
    "non recapitabile",
    "user unknown",
    "メールエラー通知",
];

/// Whether the text alone says that this is a delivery report: a part that only reports have, or a subject of reports
/// with a part or a sentence that returns something. A person's answer begins with `Re:` and does not count.
fn is_report(mail: &Incoming) -> bool {
    let has = |name: &str| mail.attachments.iter().any(|part| part.content_type == name);
    if has("message/delivery-status") || has("message/global-delivery-status") {
        return true;
    }
    if is_notification(mail, "Bounce") {
        return true;
    }
    let subject = mail.subject.trim().to_lowercase();
    if !REPORT_SUBJECTS.iter().any(|start| subject.starts_with(start)) {
        return false;
    }
    let text = mail.text.as_deref().unwrap_or_default().to_lowercase();
    let says = |words: &[&str]| words.iter().any(|words| text.contains(words));
    // A customer may complain of a failed delivery in words like these; no customer quotes what a mail server said.
    let quotes_server = || {
        bounce::quotes_server(&text) || says(&["\nreceived:", "\nmessage-id:", "return-path:", "> received:"])
    };
    has("message/rfc822")
        || has("text/rfc822-headers")
        || says(&[
            "could not be delivered",
            "undeliverable",
            "original message",
            "delivery",
            "returned",
            "unknown",
        ]) && quotes_server()
}

/// Amazon SES tells of deliveries, bounces and complaints in JSON.
fn is_notification(mail: &Incoming, kind: &str) -> bool {
    let is_from_there = mail.from.as_ref().is_some_and(|from| from.address.ends_with("amazonaws.com"));
    let text: String = mail.text.as_deref().unwrap_or_default().chars().take(2000).collect();
    let text = text.replace(['\\', ' ', '\n', '\r'], "");
    is_from_there && text.starts_with('{') && text.contains(&["\"notificationType\":\"", kind, "\""].concat())
}

/// Some providers report complaints without the type that RFC 5965 made for it.
fn is_complaint(mail: &Incoming) -> bool {
    is_notification(mail, "Complaint")
        || mail.subject.trim().to_lowercase().starts_with("complaint about message from")
            && mail.attachments.iter().any(|part| part.content_type == "message/rfc822")
}

/// How the subject of an out-of-office note begins, in lower case.
const AWAY_SUBJECTS: &[&str] = &[
    "out of office",
    "out of the office",
    "automatic reply",
    "automatische antwort",
    "abwesenheit",
    "autoreply:",
    "auto reply:",
    "auto-reply:",
    "auto:",
    "réponse automatique",
    "absence",
    "respuesta automática",
    "fuera de la oficina",
    "risposta automatica",
    "fuori sede",
    "resposta automática",
    "automatisch antwoord",
    "afwezig",
    "automatiskt svar",
    "autosvar",
    "automatyczna odpowied",
    "automatická odpověď",
    "自动回复",
    "自動回覆",
    "自動応答",
    "자동 회신",
    "автоответ",
    "on vacation",
    "vacation:",
    "ooo:",
];

fn is_away_subject(subject: &str) -> bool {
    let subject = subject.trim().to_lowercase();
    AWAY_SUBJECTS.iter().any(|start| subject.starts_with(start))
}

/// What people write who are away, in lower case.
const AWAY_WORDS: &[&str] = &[
    "out of office",
    "out of the office",
    "on vacation",
    "on holiday",
    "on leave",
    "annual leave",
    "i am away",
    "i'm away",
    "currently away",
    "abwesend",
    "nicht im büro",
    "im urlaub",
    "en vacances",
    "absent du bureau",
    "je suis absent",
    "fuera de la oficina",
    "de vacaciones",
    "fuori ufficio",
    "in ferie",
    "afwezig",
    "vakantie",
    "休暇",
    "不在",
    "출장",
    "休假",
    "в отпуске",
];

fn says_away(mail: &Incoming) -> bool {
    is_away_subject(&mail.subject) || text_says_away(mail)
}

fn text_says_away(mail: &Incoming) -> bool {
    let text = mail.text.as_deref().unwrap_or_default();
    let text: String = text.chars().take(2000).collect::<String>().to_lowercase();
    AWAY_WORDS.iter().any(|words| text.contains(words))
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
    let (name, address) = address.rsplit_once('<').unwrap_or(("", address));
    let address = address.trim_end_matches('>');
    // `MAILER-DAEMON <>` names itself beside an empty address.
    let address = if address.is_empty() { name.trim() } else { address };
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
