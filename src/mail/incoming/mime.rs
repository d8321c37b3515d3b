//! The tree of a mail's parts, flattened to its leaves. Our own walk instead of the parser's: forwarded mails
//! stay closed, so that depth and number of parts are bounded before memory and stack are used.

use super::header::{Headers, prepare, split};
use super::{clean, decode};

pub(super) const DEPTH: usize = 30;
pub(super) const PARTS: usize = 1000;
const PART_HEADER_BYTES: usize = 64 * 1024;

/// One part without children, decoded from its transfer encoding only.
pub(super) struct Leaf {
    /// `type/subtype`, lower case.
    pub content_type: String,
    pub charset: Option<String>,
    /// As sent, not yet safe.
    pub file_name: Option<String>,
    pub content_id: Option<String>,
    /// Lower case.
    pub disposition: Option<String>,
    pub is_root: bool,
    pub is_related: bool,
    pub is_alternative: bool,
    pub bytes: Vec<u8>,
}

#[derive(Default)]
pub(super) struct Tree {
    pub leaves: Vec<Leaf>,
    pub is_too_deep: bool,
    pub has_too_many_parts: bool,
}

#[derive(Clone, Copy, Default)]
struct Place {
    depth: usize,
    is_related: bool,
    is_alternative: bool,
    is_digest: bool,
}

/// Walks the mail with that header and body.
pub(super) fn leaves(headers: &Headers<'_>, body: &[u8]) -> Tree {
    let mut tree = Tree::default();
    tree.walk(headers, body, Place::default());
    tree
}

/// `type/subtype` of a header; text when it says nothing usable, as RFC 2045 section 5.2 has it.
pub(super) fn content_type(headers: &Headers<'_>) -> Option<String> {
    let value = headers.content_type()?;
    let content_type = match value.subtype() {
        Some(subtype) => format!("{}/{subtype}", value.ctype()),
        None if value.ctype().eq_ignore_ascii_case("text") => "text/plain".to_owned(),
        None => return None,
    };
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+/".contains(c);
    (content_type.len() <= 127 && content_type.chars().all(is_token))
        .then(|| content_type.to_ascii_lowercase())
}

impl Tree {
    fn walk(&mut self, headers: &Headers<'_>, body: &[u8], place: Place) {
        let content_type = content_type(headers);
        if let Some("multipart") = content_type.as_deref().and_then(|name| name.split('/').next()) {
            let boundary = headers.content_type().and_then(|value| value.attribute("boundary"));
            if let Some(parts) = boundary.and_then(|boundary| parts(body, boundary.trim_end().as_bytes())) {
                if place.depth == DEPTH {
                    self.is_too_deep = true;
                    return;
                }
                let is = |subtype: &str| content_type.as_deref() == Some(subtype);
                let inner = Place {
                    depth: place.depth + 1,
                    is_related: place.is_related || is("multipart/related"),
                    is_alternative: place.is_alternative || is("multipart/alternative"),
                    is_digest: is("multipart/digest"),
                };
                for part in parts {
                    if PARTS <= self.leaves.len() {
                        self.has_too_many_parts = true;
                        return;
                    }
                    let (block, body) = split(part);
                    let (prepared, _) = prepare(block, PART_HEADER_BYTES);
                    self.walk(&Headers::new(&prepared), body, inner);
                }
                return;
            }
        }
        self.leaves.push(leaf(headers, content_type, body, place));
    }
}

fn leaf(headers: &Headers<'_>, content_type: Option<String>, body: &[u8], place: Place) -> Leaf {
    let has_type = headers.text("Content-Type").is_some();
    let content_type = match content_type {
        // A multipart without usable boundary: what is there is shown.
        Some(name) if name.starts_with("multipart/") => "text/plain".to_owned(),
        Some(name) => name,
        None if place.is_digest && !has_type => "message/rfc822".to_owned(),
        None => "text/plain".to_owned(),
    };
    let disposition = headers.value("Content-Disposition").and_then(|value| value.as_content_type());
    let parameter = headers.content_type();
    let file_name = disposition
        .and_then(|value| value.attribute("filename"))
        .or_else(|| parameter.and_then(|value| value.attribute("name")))
        .map(str::to_owned);
    let encoding = headers.text("Content-Transfer-Encoding").unwrap_or_default().to_ascii_lowercase();
    let encoding = encoding.split(|c: char| c == ';' || c == '(' || c.is_whitespace()).next();
    Leaf {
        content_type,
        charset: parameter.and_then(|value| value.attribute("charset")).map(str::to_owned),
        file_name,
        content_id: headers
            .text("Content-ID")
            .map(|id| clean(id.trim_matches(|c: char| c == '<' || c == '>' || c.is_whitespace())))
            .filter(|id| !id.is_empty()),
        disposition: disposition.map(|value| value.ctype().to_ascii_lowercase()),
        is_root: place.depth == 0,
        is_related: place.is_related,
        is_alternative: place.is_alternative,
        bytes: match encoding {
            Some("base64") => decode::base64(body),
            Some("quoted-printable") => decode::quoted_printable(body),
            _ => body.to_vec(),
        },
    }
}

/// What lies between the delimiter lines (RFC 2046 section 5.1.1); `None` when there is no such line.
/// A longer boundary that begins alike is another boundary.
fn parts<'x>(body: &'x [u8], boundary: &[u8]) -> Option<Vec<&'x [u8]>> {
    if boundary.is_empty() {
        return None;
    }
    let mut found = Vec::new();
    let mut part_start = None;
    let mut has_delimiter = false;
    let mut at = 0;
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let line_start = at;
        at += line.len();
        let Some(rest) = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary)) else {
            continue;
        };
        let rest = rest.trim_ascii();
        if !rest.is_empty() && rest != b"--" {
            continue;
        }
        has_delimiter = true;
        if let Some(start) = part_start.take() {
            found.push(without_line_end(&body[start..line_start]));
        }
        // What follows the closing delimiter is for nobody.
        if rest == b"--" || PARTS < found.len() {
            break;
        }
        part_start = Some(at);
    }
    if let Some(start) = part_start {
        found.push(&body[start..]);
    }
    has_delimiter.then_some(found)
}

/// The line end before a delimiter belongs to the delimiter.
fn without_line_end(part: &[u8]) -> &[u8] {
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    part.strip_suffix(b"\r").unwrap_or(part)
}
