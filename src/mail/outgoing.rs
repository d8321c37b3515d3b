//! From a mail we mean to send to the bytes that go over the wire. The bytes are 7-bit (but for addresses
//! whose local part is not ASCII), every line ends with CRLF, and no value given here can add a header or a
//! recipient: addresses are checked, everything else is reduced to one line and encoded.

use std::time::{Duration, SystemTime};

use lettre::address::Envelope;
use lettre::message::header::{self, ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Attachment, Body, Mailboxes, Message, MultiPart, SinglePart};

use super::{Mailbox, is_address, one_line};
use crate::error::{Error, Problems, Result};
use crate::time::Timestamp;

/// Of a long thread the first message and the last ones are named (RFC 5322 3.6.4 allows to leave some out).
const REFERENCES_LAST: usize = 20;
/// In characters. Longer subjects are cut, so that no header line comes near the 998 bytes of RFC 5322 2.1.1.
const SUBJECT_MAX: usize = 500;
const FILE_NAME_MAX: usize = 200;
/// In bytes. A longer id is no id we gave, nor one that fits into a header line.
const MESSAGE_ID_MAX: usize = 900;

/// How a mail leaves by itself (RFC 3834): on an occasion, or as the answer to somebody's mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Automatic {
    Generated,
    Reply,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// `unique@our.domain`, without angle brackets. Chosen before the first attempt, the same in every
    /// attempt.
    pub message_id: String,
    pub from: Mailbox,
    pub reply_to: Option<String>,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    pub subject: String,
    pub text: String,
    /// Sent as given: sanitise it before.
    pub html: Option<String>,
    /// Ids without angle brackets, oldest reference first.
    pub in_reply_to: Option<String>,
    pub references: Vec<String>,
    pub attachments: Vec<File>,
    pub date: Timestamp,
    /// Nobody typed this mail: it says so, and asks not to be answered by a machine (RFC 3834). `None` of a person's.
    pub automatic: Option<Automatic>,
    /// Names this installation in `X-Anytime-Instance`, so that its own mail is recognised when it comes
    /// back.
    pub instance: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub file_name: String,
    pub content_type: String,
    /// Without angle brackets. A file the HTML shows by `cid:` goes inside it, all others are attached.
    pub content_id: Option<String>,
    pub bytes: Vec<u8>,
}

/// The exact bytes to keep and to send. The MIME boundaries are random: build once, send the same bytes each
/// time. `Error::Invalid` names every address or id that cannot be used.
pub fn build(mail: &Outgoing) -> Result<Vec<u8>> {
    check(mail)?;
    let from = mailbox(&mail.from)?;
    // The real envelope belongs to the delivery; lettre only has to be kept from guessing one out of the
    // headers.
    let envelope = Envelope::new(None, vec![from.email.clone()]).map_err(Error::internal)?;
    let date = SystemTime::UNIX_EPOCH + Duration::from_millis(mail.date.millis().max(0).unsigned_abs());

    let mut builder = Message::builder().envelope(envelope).date(date).from(from.email.clone().into());
    if let Some(reply_to) = &mail.reply_to {
        builder = builder.header(header::ReplyTo::from(Mailboxes::from(vec![address(reply_to)?.into()])));
    }
    if !mail.to.is_empty() {
        builder = builder.header(header::To::from(mailboxes(&mail.to)?));
    }
    if !mail.cc.is_empty() {
        builder = builder.header(header::Cc::from(mailboxes(&mail.cc)?));
    }
    builder = builder.subject(subject(&mail.subject)).message_id(Some(format!("<{}>", mail.message_id)));
    if let Some(id) = mail.in_reply_to.as_deref().filter(|id| is_message_id(id)) {
        builder = builder.in_reply_to(format!("<{id}>"));
    }
    if let Some(references) = references(&mail.references) {
        builder = builder.references(references);
    }
    builder = builder.raw_header(raw_header("X-Anytime-Instance", &mail.instance));
    if let Some(automatic) = mail.automatic {
        let submitted = match automatic {
            Automatic::Generated => "auto-generated",
            Automatic::Reply => "auto-replied",
        };
        for (name, value) in
            [("Auto-Submitted", submitted), ("X-Auto-Response-Suppress", "All"), ("Precedence", "bulk")]
        {
            builder = builder.raw_header(raw_header(name, value));
        }
    }

    let mut message = match content(mail) {
        Content::Single(part) => builder.singlepart(part),
        Content::Multi(part) => builder.multipart(part),
    }
    .map_err(Error::internal)?;
    // Only now with the name: the builder reads "From" back and gives up on some names it wrote itself.
    message.headers_mut().set(header::From::from(Mailboxes::from(vec![from])));
    Ok(message.formatted())
}

fn check(mail: &Outgoing) -> Result<()> {
    let mut problems = Problems::default();
    let mut require_address = |field: &str, address: &str| {
        let message = format!("has '{}', which is not an e-mail address", one_line(address));
        problems.require(is_address(address), field, message);
    };
    require_address("from", &mail.from.address);
    if let Some(reply_to) = &mail.reply_to {
        require_address("reply_to", reply_to);
    }
    mail.to.iter().for_each(|to| require_address("to", &to.address));
    mail.cc.iter().for_each(|cc| require_address("cc", &cc.address));
    let has_recipient = !mail.to.is_empty() || !mail.cc.is_empty();
    problems.require(has_recipient, "to", "names nobody");
    problems.require(is_message_id(&mail.message_id), "message_id", "is not a message id");
    problems.check()
}

/// The address as it goes over the wire, with an internationalised domain in its ASCII form.
pub(crate) fn address(text: &str) -> Result<lettre::Address> {
    let refused = || Error::invalid("address", format!("'{}' is not an e-mail address", one_line(text)));
    let (local, domain) = text.rsplit_once('@').filter(|_| is_address(text)).ok_or_else(refused)?;
    if domain.is_ascii() {
        return Ok(lettre::Address::new_dangerous(local, domain));
    }
    match url::Host::parse(domain) {
        Ok(url::Host::Domain(ascii)) => Ok(lettre::Address::new_dangerous(local, ascii)),
        _ => Err(refused()),
    }
}

fn mailbox(mailbox: &Mailbox) -> Result<lettre::message::Mailbox> {
    let name = mailbox.name.as_deref().map(one_line).filter(|name| !name.is_empty());
    Ok(lettre::message::Mailbox::new(name.map(|name| clip(&name, SUBJECT_MAX)), address(&mailbox.address)?))
}

fn mailboxes(all: &[Mailbox]) -> Result<Mailboxes> {
    all.iter().map(mailbox).collect()
}

fn subject(text: &str) -> String {
    // "=?" would be taken for the start of an encoded word, which the text is not.
    clip(&one_line(text).replace("=?", "= ?"), SUBJECT_MAX)
}

fn clip(text: &str, max_chars: usize) -> String {
    text.chars().take(max_chars).collect()
}

fn raw_header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), clip(&one_line(value), SUBJECT_MAX))
}

fn is_message_id(id: &str) -> bool {
    (1..=MESSAGE_ID_MAX).contains(&id.len())
        && id.bytes().all(|b| b.is_ascii_graphic() && b != b'<' && b != b'>')
}

/// The first and the last ids as a header value; ids that other systems malformed are left out.
fn references(ids: &[String]) -> Option<String> {
    let usable: Vec<_> = ids.iter().filter(|id| is_message_id(id)).collect();
    let (first, rest) = usable.split_first()?;
    let last = &rest[rest.len().saturating_sub(REFERENCES_LAST)..];
    let kept = std::iter::once(first).chain(last).map(|id| format!("<{id}>"));
    Some(kept.collect::<Vec<_>>().join(" "))
}

enum Content {
    Single(SinglePart),
    Multi(MultiPart),
}

/// `mixed( alternative( text, related( html, inline… ) ), attachment… )`, without the layers that are not
/// needed.
fn content(mail: &Outgoing) -> Content {
    let html = mail.html.as_deref().filter(|html| !html.trim().is_empty());
    let (inline, attached): (Vec<_>, Vec<_>) =
        mail.attachments.iter().partition(|file| html.is_some_and(|html| is_shown(file, html)));
    let text = SinglePart::plain(wire_text(&mail.text));
    let body = match html.map(|html| SinglePart::html(wire_text(html))) {
        None => Content::Single(text),
        Some(html) if inline.is_empty() => {
            Content::Multi(MultiPart::alternative().singlepart(text).singlepart(html))
        }
        Some(html) => {
            let related = inline.into_iter().fold(MultiPart::related().singlepart(html), |part, file| {
                part.singlepart(file_part(file, true))
            });
            Content::Multi(MultiPart::alternative().singlepart(text).multipart(related))
        }
    };
    if attached.is_empty() {
        return body;
    }
    let mixed = match body {
        Content::Single(part) => MultiPart::mixed().singlepart(part),
        Content::Multi(part) => MultiPart::mixed().multipart(part),
    };
    Content::Multi(attached.into_iter().fold(mixed, |part, file| part.singlepart(file_part(file, false))))
}

fn is_shown(file: &File, html: &str) -> bool {
    file.content_id.as_deref().is_some_and(|id| is_message_id(id) && html.contains(&format!("cid:{id}")))
}

/// Lines end with CRLF whatever they ended with, and there is no NUL: both keep a body from ending early on
/// the way.
fn wire_text(text: &str) -> String {
    text.replace('\0', "").replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
}

fn file_part(file: &File, is_inline: bool) -> SinglePart {
    let name = file_name(&file.file_name);
    let part = match &file.content_id {
        Some(id) if is_inline => Attachment::new_inline_with_name(id.clone(), name),
        _ => Attachment::new(name),
    };
    // Always base64: lettre would send a file that happens to be ASCII as 7bit, and servers change such line
    // ends.
    let body = Body::new_with_encoding(file.bytes.clone(), ContentTransferEncoding::Base64)
        .expect("base64 can encode any bytes");
    part.body(body, content_type(&file.content_type))
}

fn file_name(name: &str) -> String {
    let name = clip(&one_line(name).replace(['/', '\\'], "_"), FILE_NAME_MAX);
    if name.is_empty() { "attachment".to_owned() } else { name }
}

/// `type/subtype`, with the charset of a text. What is no such thing, or may not be sent as base64
/// (`message/*` and `multipart/*`, RFC 2046), is a stream of bytes.
fn content_type(text: &str) -> ContentType {
    let is_token = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
    let essence = parts.next().unwrap_or_default();
    let charset = parts
        .find_map(|part| Some(part.strip_prefix("charset=")?.trim_matches('"').to_owned()))
        .filter(|charset| essence.starts_with("text/") && is_token(charset));
    let usable = essence.split_once('/').is_some_and(|(kind, subtype)| {
        is_token(kind)
            && is_token(subtype)
            && essence.len() <= 200
            && kind != "message"
            && kind != "multipart"
    });
    let full = match charset {
        Some(charset) => format!("{essence}; charset={charset}"),
        None => essence,
    };
    let bytes = || ContentType::parse("application/octet-stream").expect("a constant media type");
    if usable { ContentType::parse(&full).unwrap_or_else(|_| bytes()) } else { bytes() }
}

#[cfg(test)]
mod tests {
    use mail_parser::{Address, MessageParser, MimeHeaders};
    use proptest::prelude::*;

    use super::*;

    fn mailbox(name: &str, address: &str) -> Mailbox {
        Mailbox { name: (!name.is_empty()).then(|| name.to_owned()), address: address.to_owned() }
    }

    fn sample() -> Outgoing {
        Outgoing {
            message_id: "1.2.abc@desk.example".to_owned(),
            from: mailbox("Help Desk", "help@desk.example"),
            reply_to: None,
            to: vec![mailbox("Jane Doe", "jane@example.com")],
            cc: Vec::new(),
            subject: "Your order".to_owned(),
            text: "Hello\nJane".to_owned(),
            html: None,
            in_reply_to: None,
            references: Vec::new(),
            attachments: Vec::new(),
            date: Timestamp::from_millis(1_558_521_420_000),
            automatic: None,
            instance: "desk-1".to_owned(),
        }
    }

    fn file(file_name: &str, content_type: &str, content_id: Option<&str>, bytes: &[u8]) -> File {
        File {
            file_name: file_name.to_owned(),
            content_type: content_type.to_owned(),
            content_id: content_id.map(str::to_owned),
            bytes: bytes.to_owned(),
        }
    }

    /// The bytes as text, after checking what holds for every mail: 7 bits, CRLF only, short lines.
    fn wire(mail: &Outgoing) -> String {
        let text = String::from_utf8(build(mail).unwrap()).unwrap();
        assert!(text.is_ascii() && !text.contains('\0'), "{text}");
        assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "{text}");
        assert!(text.split("\r\n").all(|line| line.len() <= 998), "{text}");
        text
    }

    fn header_names(text: &str) -> Vec<&str> {
        text.split("\r\n")
            .take_while(|line| !line.is_empty())
            .filter(|line| !line.starts_with([' ', '\t']))
            .map(|line| line.split_once(':').unwrap().0)
            .collect()
    }

    fn addresses(list: Option<&Address<'_>>) -> Vec<(Option<String>, String)> {
        list.into_iter()
            .flat_map(|list| list.iter())
            .map(|a| (a.name().map(str::to_owned), a.address().unwrap().to_owned()))
            .collect()
    }

    #[test]
    fn a_plain_mail_is_a_single_text_part() {
        let mut mail = sample();
        mail.reply_to = Some("sales@desk.example".to_owned());
        mail.in_reply_to = Some("q@example.com".to_owned());
        mail.references = vec!["p@example.com".to_owned(), "q@example.com".to_owned()];
        let expected = "Date: Wed, 22 May 2019 10:37:00 +0000\r\n\
            From: \"Help Desk\" <help@desk.example>\r\n\
            Reply-To: sales@desk.example\r\n\
            To: \"Jane Doe\" <jane@example.com>\r\n\
            Subject: Your order\r\n\
            Message-ID: <1.2.abc@desk.example>\r\n\
            In-Reply-To: <q@example.com>\r\n\
            References: <p@example.com> <q@example.com>\r\n\
            X-Anytime-Instance: desk-1\r\n\
            MIME-Version: 1.0\r\n\
            Content-Type: text/plain; charset=utf-8\r\n\
            Content-Transfer-Encoding: 7bit\r\n\r\n\
            Hello\r\nJane\r\n";
        assert_eq!(wire(&mail), expected);
    }

    #[test]
    fn automatic_mail_says_so_and_a_persons_mail_does_not() {
        let mut mail = sample();
        assert!(!wire(&mail).contains("Auto"));
        for (automatic, submitted) in
            [(Automatic::Generated, "auto-generated"), (Automatic::Reply, "auto-replied")]
        {
            mail.automatic = Some(automatic);
            let text = wire(&mail);
            let submitted = format!("Auto-Submitted: {submitted}\r\n");
            for header in [&submitted, "X-Auto-Response-Suppress: All\r\n", "Precedence: bulk\r\n"] {
                assert!(text.contains(header), "{text}");
            }
        }
    }

    #[test]
    fn html_shown_images_and_files_nest_as_mail_programs_expect() {
        let mut mail = sample();
        mail.html = Some("<p>Größe <img src=\"cid:logo@desk\"></p>".to_owned());
        mail.attachments = vec![
            file("logo.png", "image/png", Some("logo@desk"), b"\x89PNG"),
            file("unused.png", "image/png", Some("unused@desk"), b"ascii only"),
            file("Größe \"1\"/2.txt", "text/plain; charset=\"UTF-8\"", None, "ä\nb".as_bytes()),
        ];
        let text = wire(&mail);
        let kinds: Vec<_> =
            ["multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html"]
                .map(|kind| text.find(kind).unwrap())
                .into();
        assert!(kinds.is_sorted(), "{text}");
        assert_eq!(text.matches("Content-Transfer-Encoding: base64").count(), 3);

        let parsed = MessageParser::default().parse(text.as_bytes()).unwrap();
        assert_eq!(parsed.body_text(0).unwrap().trim_end(), "Hello\r\nJane");
        assert_eq!(parsed.body_html(0).unwrap().trim_end(), mail.html.as_deref().unwrap());
        let names: Vec<_> = parsed.attachments().map(|part| part.attachment_name().unwrap()).collect();
        assert_eq!(names, ["logo.png", "unused.png", "Größe \"1\"_2.txt"]);
        let logo = parsed.attachment(0).unwrap();
        assert_eq!(logo.content_id(), Some("logo@desk"));
        assert_eq!(logo.content_disposition().unwrap().ctype(), "inline");
        assert_eq!(logo.contents(), b"\x89PNG");
        assert_eq!(parsed.attachment(2).unwrap().contents(), "ä\nb".as_bytes());
    }

    #[test]
    fn long_threads_keep_the_first_and_the_last_twenty_references() {
        let mut mail = sample();
        mail.references = (0..50).map(|n| format!("{n}.{}@example.com", "x".repeat(40))).collect();
        mail.references.push("bad id\r\nBcc: x@y.example".to_owned());
        let text = wire(&mail);
        let parsed = MessageParser::default().parse(text.as_bytes()).unwrap();
        let ids = parsed.references().as_text_list().unwrap();
        assert_eq!(ids.len(), 21);
        assert!(ids[0].starts_with("0.") && ids[1].starts_with("30.") && ids[20].starts_with("49."));
    }

    #[test]
    fn no_value_adds_a_header_or_a_recipient() {
        let evil = "x\r\nBcc: evil@example.net\r\n\r\n<script>\0, <evil@example.net>";
        let mut mail = sample();
        mail.from.name = Some(evil.to_owned());
        mail.to[0].name = Some(evil.to_owned());
        mail.subject = evil.to_owned();
        mail.in_reply_to = Some(evil.to_owned());
        mail.references = vec![evil.to_owned()];
        mail.instance = evil.to_owned();
        mail.html = Some("<img src='cid:x'>".to_owned());
        mail.attachments =
            vec![file(evil, evil, Some(evil), b"1"), file("a", &format!("text/{evil}"), None, b"2")];
        let text = wire(&mail);
        assert_eq!(
            header_names(&text),
            [
                "Date",
                "From",
                "To",
                "Subject",
                "Message-ID",
                "X-Anytime-Instance",
                "MIME-Version",
                "Content-Type"
            ]
        );
        assert!(!text.contains("\r\nBcc"), "{text}");
        let parsed = MessageParser::default().parse(text.as_bytes()).unwrap();
        assert_eq!(addresses(parsed.to()).len(), 1);
        assert_eq!(addresses(parsed.to())[0].1, "jane@example.com");
        assert_eq!(addresses(parsed.from())[0].1, "help@desk.example");
        assert_eq!(parsed.attachments().count(), 2);
        assert_eq!(text.matches("application/octet-stream").count(), 2);
    }

    #[test]
    fn unusable_addresses_are_refused_all_at_once() {
        let mut mail = sample();
        mail.from.address = "a@b.example\r\nBcc: x@y.example".to_owned();
        mail.to[0].address = "a@b.example, x@y.example".to_owned();
        mail.cc = vec![mailbox("", "nobody")];
        mail.message_id = "a> b@c".to_owned();
        let Err(Error::Invalid(problems)) = build(&mail) else { panic!("it was built") };
        let fields: Vec<_> = problems.iter().map(|problem| problem.field.as_str()).collect();
        assert_eq!(fields, ["from", "to", "cc", "message_id"]);

        let mut mail = sample();
        mail.to.clear();
        assert!(matches!(build(&mail), Err(Error::Invalid(_))));
    }

    #[test]
    fn an_internationalised_domain_is_written_in_ascii() {
        let mut mail = sample();
        mail.to[0].address = "jane@bücher.example".to_owned();
        assert!(wire(&mail).contains("<jane@xn--bcher-kva.example>"));
    }

    #[test]
    fn a_subject_that_looks_encoded_stays_what_it_says() {
        let mut mail = sample();
        mail.subject = "=?utf-8?b?ZXZpbA==?=".to_owned();
        let parsed_subject = |text: &str| {
            let parsed = MessageParser::default().parse(text.as_bytes()).unwrap();
            parsed.subject().unwrap().to_owned()
        };
        assert!(parsed_subject(&wire(&mail)).contains("ZXZpbA=="));
        mail.subject = "x".repeat(5000);
        assert_eq!(parsed_subject(&wire(&mail)).len(), SUBJECT_MAX);
    }

    #[test]
    fn attached_messages_are_streams_of_bytes() {
        for text in ["message/rfc822", "multipart/mixed; boundary=x", "no type", "", "text/", "a/b/c"] {
            assert_eq!(content_type(text), content_type("application/octet-stream"), "{text}");
        }
        let plain = ContentType::parse("text/csv; charset=latin1").unwrap();
        assert_eq!(content_type("Text/CSV; header=present; Charset=\"latin1\""), plain);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn an_address_is_refused_or_the_only_recipient(address in "[ -~\r\n\0äß]{0,12}@[ -~\r\n]{1,12}") {
            let mut mail = sample();
            mail.to[0].address = address.clone();
            if is_address(&address) && address.is_ascii() {
                let text = wire(&mail);
                let parsed = MessageParser::default().parse(text.as_bytes()).unwrap();
                prop_assert_eq!(addresses(parsed.to()), [(Some("Jane Doe".to_owned()), address)]);
            } else if !is_address(&address) {
                prop_assert!(build(&mail).is_err());
            }
        }

        #[test]
        fn any_text_survives_the_way_to_the_reader(
            name in "(\\PC| |[a-z]|\\\\|\"){0,200}",
            subject in "(\\PC| |[a-z]|=\\?){0,600}",
            body in any::<String>(),
            file_name in any::<String>(), bytes in any::<Vec<u8>>(),
        ) {
            let mut mail = sample();
            mail.from.name = Some(name.clone());
            mail.to[0].name = Some(name.clone());
            mail.subject = subject.clone();
            mail.text = body.clone();
            mail.attachments = vec![file(&file_name, "application/pdf", None, &bytes)];
            let text = wire(&mail);
            let parsed = MessageParser::default().parse(text.as_bytes()).unwrap();
            prop_assert_eq!(addresses(parsed.to()).len(), 1);
            prop_assert_eq!(&addresses(parsed.to())[0].1, "jane@example.com");
            prop_assert_eq!(&addresses(parsed.from())[0].1, "help@desk.example");
            prop_assert_eq!(parsed.attachment(0).unwrap().contents(), bytes.as_slice());
            let spaceless = |text: &str| text.split_whitespace().collect::<String>();
            prop_assert_eq!(spaceless(parsed.subject().unwrap_or("")), spaceless(&super::subject(&subject)));
            let read = addresses(parsed.from())[0].0.clone().unwrap_or_default();
            prop_assert_eq!(spaceless(&read), spaceless(&one_line(&name)));
            let (read, sent) = (parsed.body_text(0).unwrap(), wire_text(&body));
            let line_ends = ['\r', '\n'];
            prop_assert_eq!(read.trim_end_matches(line_ends), sent.trim_end_matches(line_ends));
        }
    }
}
