//! A header block made safe to parse, and looked up by name with the first of duplicates winning.
//! Raw 8-bit text becomes UTF-8, characters split across encoded words are joined, UTF-7 stays undecoded.

use std::borrow::Cow;

use base64::Engine;
use encoding_rs::Encoding;
use mail_parser::{ContentType, Header, HeaderValue, MessageParser};

use super::decode;

/// Longer fields are cut: a parser may be quadratic in parameters, never in these.
const FIELD_BYTES: usize = 64 * 1024;
const CONTENT_FIELD_BYTES: usize = 8 * 1024;
const WORD_BYTES: usize = 4 * 1024;

/// Splits a mail or a MIME part into header block and body. Without anything that looks like a header
/// field, everything is body.
pub(super) fn split(raw: &[u8]) -> (&[u8], &[u8]) {
    let mut start = 0;
    for line in raw.split_inclusive(|byte| *byte == b'\n') {
        if line == b"\n" || line == b"\r\n" {
            return (&raw[..start], &raw[start + line.len()..]);
        }
        if start == 0 && !is_field(line) {
            return (&[], raw);
        }
        start += line.len();
    }
    (raw, &[])
}

/// Whether a line begins a field; the separator of a mailbox file passes too.
fn is_field(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    let is_name = name.len() < line.len() && name.trim_ascii_end().iter().all(u8::is_ascii_graphic);
    (is_name && !name.is_empty()) || line.starts_with(b"From ") || line.starts_with(b">From ")
}

/// The block with every field rewritten as the module says, cut at `limit_bytes`; the flag tells of a cut.
pub(super) fn prepare(block: &[u8], limit_bytes: usize) -> (Vec<u8>, bool) {
    let (text, is_cut) = rewrite(block, limit_bytes, encoding_rs::WINDOWS_1252);
    let is_utf8 = std::str::from_utf8(&block[..block.len().min(limit_bytes)]).is_ok();
    let declared = Headers::new(&text)
        .content_type()
        .and_then(|value| Encoding::for_label(value.attribute("charset")?.as_bytes()));
    match declared {
        Some(declared) if !is_utf8 && declared != encoding_rs::UTF_8 && declared.is_ascii_compatible() => {
            rewrite(block, limit_bytes, declared)
        }
        _ => (text, is_cut),
    }
}

fn rewrite(block: &[u8], limit_bytes: usize, fallback: &'static Encoding) -> (Vec<u8>, bool) {
    let mut text = Vec::with_capacity(block.len().min(limit_bytes) + 4);
    let mut is_cut = false;
    for field in fields(block) {
        if limit_bytes < text.len() + field.len().min(FIELD_BYTES) {
            is_cut = true;
            break;
        }
        let is_content = field.len() >= 8 && field[..8].eq_ignore_ascii_case(b"content-");
        let field_bytes = if is_content { CONTENT_FIELD_BYTES } else { FIELD_BYTES };
        is_cut |= field_bytes < field.len();
        // Words first: raw bytes inside one are in the charset the word names.
        let field = join_encoded_words(&field[..field.len().min(field_bytes)]);
        let field = plain(field, fallback);
        let field = if is_content { hide_utf7(field) } else { field };
        text.extend_from_slice(field.trim_ascii_end());
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n");
    (text, is_cut)
}

/// The fields of a block, each with its folded lines.
fn fields(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = block;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut end = 0;
        for line in rest.split_inclusive(|byte| *byte == b'\n') {
            if end != 0 && !line.starts_with(b" ") && !line.starts_with(b"\t") {
                break;
            }
            end += line.len();
        }
        let (field, after) = rest.split_at(end);
        rest = after;
        Some(field)
    })
}

/// UTF-8 without NULs and lone CRs.
fn plain(field: Vec<u8>, fallback: &'static Encoding) -> Vec<u8> {
    let mut text = match String::from_utf8(field) {
        Ok(text) => text.into_bytes(),
        Err(error) => {
            let (text, _) = fallback.decode_without_bom_handling(error.as_bytes());
            text.into_owned().into_bytes()
        }
    };
    for at in 0..text.len() {
        let is_lone_cr = text[at] == b'\r' && text.get(at + 1) != Some(&b'\n');
        if text[at] == 0 || is_lone_cr {
            text[at] = b' ';
        }
    }
    text
}

/// One `=?charset?B?payload?=` of RFC 2047.
struct Word<'x> {
    charset: &'x [u8],
    bytes: Vec<u8>,
    end: usize,
}

/// Neighbouring encoded words of one charset become one word, so that a character whose bytes were divided
/// between them survives. Words of ISO-2022 are complete in themselves and do not bear joining.
fn join_encoded_words(field: &[u8]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(field.len());
    let mut at = 0;
    while at < field.len() {
        let Some(mut word) = encoded_word(field, at) else {
            joined.push(field[at]);
            at += 1;
            continue;
        };
        at = word.end;
        loop {
            let gap = field[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            match encoded_word(field, at + gap) {
                Some(next)
                    if next.charset.eq_ignore_ascii_case(word.charset) && !is_stateful(word.charset) =>
                {
                    word.bytes.extend_from_slice(&next.bytes);
                    at = next.end;
                }
                _ => break,
            }
        }
        let is_utf7 = decode::is_utf7(&String::from_utf8_lossy(word.charset));
        joined.extend_from_slice(b"=?");
        joined.extend_from_slice(if is_utf7 { b"us-ascii" } else { word.charset });
        joined.extend_from_slice(b"?B?");
        joined.extend_from_slice(base64::engine::general_purpose::STANDARD.encode(&word.bytes).as_bytes());
        joined.extend_from_slice(b"?=");
    }
    joined
}

fn is_stateful(charset: &[u8]) -> bool {
    charset.len() >= 8 && charset[..8].eq_ignore_ascii_case(b"iso-2022")
}

fn encoded_word(field: &[u8], at: usize) -> Option<Word<'_>> {
    let text = field.get(at..)?.strip_prefix(b"=?")?;
    let text = &text[..text.len().min(WORD_BYTES)];
    let charset_end = text.iter().take(80).position(|byte| !byte.is_ascii_graphic() || *byte == b'?')?;
    let (charset, rest) = text.split_at(charset_end);
    let [b'?', encoding, b'?', payload @ ..] = rest else {
        return None;
    };
    let length = payload.windows(2).position(|pair| pair == b"?=" || pair[0] == b'\n')?;
    if payload[length] == b'\n' || charset.is_empty() {
        return None;
    }
    let payload = &payload[..length];
    let bytes = match encoding.to_ascii_lowercase() {
        b'b' => decode::base64(payload),
        b'q' => {
            let spaced: Vec<u8> =
                payload.iter().map(|byte| if *byte == b'_' { b' ' } else { *byte }).collect();
            // The bracketing keeps a space at the end, which quoted-printable would drop.
            let mut bytes = decode::quoted_printable(&[&spaced, b"!".as_slice()].concat());
            bytes.pop();
            bytes
        }
        _ => return None,
    };
    // A language may follow the charset (RFC 2231 section 5).
    let charset = charset.split(|byte| *byte == b'*').next().unwrap_or(charset);
    Some(Word { charset, bytes, end: at + 2 + charset_end + 3 + length + 2 })
}

/// `name*=utf-7''…` (RFC 2231) would be decoded as UTF-7 too.
fn hide_utf7(field: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8_lossy(&field).into_owned();
    let lower = text.to_ascii_lowercase();
    let mut hidden = text.clone();
    for label in ["utf-7'", "utf_7'", "csutf7'"] {
        for (at, found) in lower.match_indices(label) {
            hidden.replace_range(at..at + found.len(), &format!("{}'", "x".repeat(found.len() - 1)));
        }
    }
    hidden.into_bytes()
}

/// Prepared fields, by name.
pub(super) struct Headers<'x> {
    text: &'x [u8],
    fields: Vec<Header<'x>>,
}

impl<'x> Headers<'x> {
    pub fn new(prepared: &'x [u8]) -> Self {
        let fields = MessageParser::new()
            .parse_headers(prepared)
            .map(|mut message| std::mem::take(&mut message.parts[0].headers))
            .unwrap_or_default();
        Self { text: prepared, fields }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name.as_str())
    }

    fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Header<'x>> {
        self.fields.iter().filter(move |field| field.name.as_str().eq_ignore_ascii_case(name))
    }

    pub fn values<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s HeaderValue<'x>> {
        self.all(name).map(|field| &field.value)
    }

    pub fn value<'s>(&'s self, name: &'s str) -> Option<&'s HeaderValue<'x>> {
        self.values(name).next()
    }

    /// Every field of that name as it stands there, unfolded, not decoded.
    pub fn texts<'s>(&'s self, name: &'s str) -> impl Iterator<Item = String> + 's {
        self.all(name).map(|field| {
            let bytes = self.text.get(field.offset_start as usize..field.offset_end as usize);
            let text = String::from_utf8_lossy(bytes.unwrap_or_default());
            let text: Cow<'_, str> = text.replace(['\r', '\n'], "").into();
            text.trim().to_owned()
        })
    }

    pub fn text(&self, name: &str) -> Option<String> {
        self.texts(name).next()
    }

    pub fn content_type(&self) -> Option<&ContentType<'x>> {
        self.value("Content-Type")?.as_content_type()
    }
}
