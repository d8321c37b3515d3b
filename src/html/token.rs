//! A linear HTML tokenizer (HTML standard 13.2.5, without tree construction): enough to measure, to read and to
//! rewrite markup, never enough to trust it. Never allocates more than its input, never looks back.

use std::borrow::Cow;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    /// Character data, entities still encoded.
    Text(&'a str),
    /// The content of a raw text element (`script`, `style`, `title`, …).
    Raw(&'a str),
    Open(Tag<'a>),
    /// The lower-case name of an end tag.
    Close(String),
    /// Comments, doctypes, processing instructions and CDATA, with their delimiters.
    Comment(&'a str),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Tag<'a> {
    /// Lower-case.
    pub name: String,
    pub attributes: Vec<Attribute<'a>>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Attribute<'a> {
    /// As written; compare without case.
    pub name: &'a str,
    /// As written, without its quotes, entities still encoded.
    pub raw: &'a str,
}

impl Tag<'_> {
    /// The decoded value of the first attribute of that name: the one a browser takes.
    pub(crate) fn attribute(&self, name: &str) -> Option<Cow<'_, str>> {
        let found = self.attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))?;
        Some(decode(found.raw))
    }
}

/// Elements whose content is not markup.
pub(crate) fn is_raw(name: &str) -> bool {
    matches!(
        name,
        "script"
            | "style"
            | "title"
            | "textarea"
            | "xmp"
            | "iframe"
            | "noembed"
            | "noframes"
            | "noscript"
            | "plaintext"
    )
}

/// Splits `html` into tokens; an unfinished tag at the end is dropped, as browsers do.
pub(crate) fn tokens(html: &str) -> Tokens<'_> {
    Tokens { html, at: 0, raw: None }
}

pub(crate) struct Tokens<'a> {
    html: &'a str,
    at: usize,
    /// The raw text element we are in.
    raw: Option<String>,
}

impl<'a> Tokens<'a> {
    /// The byte offset at which the next token starts.
    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    fn take_to(&mut self, end: usize) -> &'a str {
        let slice = &self.html[self.at..end];
        self.at = end;
        slice
    }

    fn raw_end(&self, name: &str) -> usize {
        let bytes = self.html.as_bytes();
        if name == "plaintext" {
            return bytes.len();
        }
        let mut from = self.at;
        while let Some(found) = self.html[from..].find("</") {
            let start = from + found;
            let after = start + 2 + name.len();
            let is_name = bytes
                .get(start + 2..after)
                .is_some_and(|candidate| candidate.eq_ignore_ascii_case(name.as_bytes()));
            if is_name && bytes.get(after).is_none_or(|&byte| is_space(byte) || byte == b'/' || byte == b'>')
            {
                return start;
            }
            from = start + 2;
        }
        bytes.len()
    }

    fn comment_end(&self) -> usize {
        let rest = &self.html[self.at..];
        if !rest.starts_with("<!--") {
            return rest.find('>').map_or(self.html.len(), |found| self.at + found + 1);
        }
        for start in ["<!-->", "<!--->"] {
            if rest.starts_with(start) {
                return self.at + start.len();
            }
        }
        let mut from = 4;
        while let Some(found) = rest[from..].find("--") {
            let dashes = from + found;
            for end in ["-->", "--!>"] {
                if rest[dashes..].starts_with(end) {
                    return self.at + dashes + end.len();
                }
            }
            from = dashes + 1;
        }
        self.html.len()
    }

    /// Reads the tag at `self.at`, whose name starts at `name_start`.
    fn tag(&mut self, name_start: usize) -> Option<Tag<'a>> {
        let bytes = self.html.as_bytes();
        let name_end = skip(bytes, name_start, |byte| !is_space(byte) && byte != b'/' && byte != b'>');
        let name = self.html[name_start..name_end].to_ascii_lowercase();
        let mut attributes = Vec::new();
        let mut at = name_end;
        loop {
            at = skip(bytes, at, |byte| is_space(byte) || byte == b'/');
            if *bytes.get(at)? == b'>' {
                self.at = at + 1;
                return Some(Tag { name, attributes });
            }
            let end = skip(bytes, at + 1, |byte| !is_space(byte) && !matches!(byte, b'/' | b'>' | b'='));
            let attribute_name = self.html.get(at..end)?;
            let equals = skip(bytes, end, is_space);
            let (raw, next) = if bytes.get(equals) == Some(&b'=') {
                self.attribute_value(skip(bytes, equals + 1, is_space))?
            } else {
                ("", end)
            };
            attributes.push(Attribute { name: attribute_name, raw });
            at = next;
        }
    }

    /// The value that starts at `start`, and where what follows it starts.
    fn attribute_value(&self, start: usize) -> Option<(&'a str, usize)> {
        let bytes = self.html.as_bytes();
        match *bytes.get(start)? {
            quote @ (b'"' | b'\'') => {
                let end = start + 1 + self.html[start + 1..].find(char::from(quote))?;
                Some((&self.html[start + 1..end], end + 1))
            }
            _ => {
                let end = skip(bytes, start, |byte| !is_space(byte) && byte != b'>');
                Some((&self.html[start..end], end))
            }
        }
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        if let Some(name) = self.raw.take() {
            let end = self.raw_end(&name);
            if end > self.at {
                return Some(Token::Raw(self.take_to(end)));
            }
        }
        let bytes = self.html.as_bytes();
        let here = *bytes.get(self.at)?;
        let next = bytes.get(self.at + 1).copied().unwrap_or(b' ');
        let after = bytes.get(self.at + 2).copied().unwrap_or(b' ');
        match (here, next) {
            (b'<', b'a'..=b'z' | b'A'..=b'Z') => match self.tag(self.at + 1) {
                Some(tag) => {
                    self.raw = is_raw(&tag.name).then(|| tag.name.clone());
                    Some(Token::Open(tag))
                }
                None => {
                    self.at = bytes.len();
                    None
                }
            },
            (b'<', b'/') if after.is_ascii_alphabetic() => match self.tag(self.at + 2) {
                Some(tag) => Some(Token::Close(tag.name)),
                None => {
                    self.at = bytes.len();
                    None
                }
            },
            (b'<', b'!' | b'?' | b'/') => {
                let end = self.comment_end();
                Some(Token::Comment(self.take_to(end)))
            }
            _ => {
                let end = self.html[self.at + here_len(self.html, self.at)..]
                    .find('<')
                    .map_or(bytes.len(), |found| self.at + here_len(self.html, self.at) + found);
                Some(Token::Text(self.take_to(end)))
            }
        }
    }
}

/// The length of the character at `at`.
fn here_len(html: &str, at: usize) -> usize {
    html[at..].chars().next().map_or(1, char::len_utf8)
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c')
}

fn skip(bytes: &[u8], from: usize, mut while_true: impl FnMut(u8) -> bool) -> usize {
    let from = from.min(bytes.len());
    bytes[from..].iter().position(|&byte| !while_true(byte)).map_or(bytes.len(), |found| from + found)
}

/// The longest entity name of HTML has 32 characters (`&CounterClockwiseContourIntegral;`).
const MAX_ENTITY: usize = 34;

/// Replaces character references: named ones with their semicolon, numeric ones with or without.
pub(crate) fn decode(raw: &str) -> Cow<'_, str> {
    if !raw.contains('&') {
        return Cow::Borrowed(raw);
    }
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(found) = rest.find('&') {
        text.push_str(&rest[..found]);
        rest = &rest[found..];
        let (character, length) = reference(rest);
        match character {
            Some(character) => text.push(character),
            None if rest[..length].ends_with(';') => {
                mail_parser::decoders::html::add_html_token(&mut text, &rest.as_bytes()[..length], false);
            }
            None => text.push_str(&rest[..length]),
        }
        rest = &rest[length..];
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// The length of what follows the `&` that `rest` starts with, and the character when it is numeric.
fn reference(rest: &str) -> (Option<char>, usize) {
    let bytes = &rest.as_bytes()[..rest.len().min(MAX_ENTITY)];
    let (digits_start, radix) = match bytes {
        [_, b'#', b'x' | b'X', ..] => (3, 16),
        [_, b'#', ..] => (2, 10),
        _ => (1, 36),
    };
    let end = skip(bytes, digits_start, |byte| char::from(byte).is_digit(radix));
    let length = end + usize::from(rest.as_bytes().get(end) == Some(&b';'));
    let is_numeric = radix < 36 && end > digits_start;
    (is_numeric.then(|| numeric(&rest[digits_start..end], radix)), length)
}

/// 128 to 159 mean windows-1252, as in every browser.
fn numeric(digits: &str, radix: u32) -> char {
    let code = u32::from_str_radix(digits, radix).unwrap_or(0);
    let character = match u8::try_from(code) {
        Ok(byte @ 128..=159) => encoding_rs::WINDOWS_1252.decode(&[byte]).0.chars().next(),
        Ok(0) => None,
        _ => char::from_u32(code),
    };
    character.unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// Escapes text for element content, as the sanitiser writes it.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('\u{a0}', "&nbsp;")
}

/// Escapes a value for a double-quoted attribute.
pub(crate) fn escape_attribute(value: &str) -> String {
    escape(value).replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(html: &str) -> String {
        tokens(html)
            .map(|token| match token {
                Token::Text(text) => format!("[{text}]"),
                Token::Raw(text) => format!("{{{text}}}"),
                Token::Open(tag) => format!("<{}{}>", tag.name, tag.attributes.len()),
                Token::Close(name) => format!("</{name}>"),
                Token::Comment(text) => format!("!{text}!"),
            })
            .collect()
    }

    #[test]
    fn tags_attributes_and_text_are_told_apart() {
        assert_eq!(names("a<B x=1 y='>' Z>b</B >"), "[a]<b3>[b]</b>");
        assert_eq!(names("1 < 2 <3 </ x>é"), "[1 ][< 2 ][<3 ]!</ x>![é]");
        assert_eq!(names("<a href=x/>y"), "<a1>[y]");
        assert_eq!(names("x<a href=\"unfinished"), "[x]");
        assert_eq!(names("<é<"), "[<é][<]");
    }

    #[test]
    fn comments_end_where_browsers_end_them() {
        assert_eq!(
            names("<!-->a<!--->b<!---->c<!--d--!>e"),
            "!<!-->![a]!<!--->![b]!<!---->![c]!<!--d--!>![e]"
        );
        assert_eq!(names("<!-- <b> -->x<!doctype html>y"), "!<!-- <b> -->![x]!<!doctype html>![y]");
    }

    #[test]
    fn raw_text_ends_only_at_its_own_end_tag() {
        assert_eq!(names("<style>a<b></styles></STYLE x>c"), "<style0>{a<b></styles>}</style>[c]");
        assert_eq!(names("<script></script>c"), "<script0></script>[c]");
    }

    #[test]
    fn entities_are_decoded() {
        assert_eq!(decode("a &amp; b &lt;&nbsp;&eacute;"), "a & b <\u{a0}é");
        assert_eq!(decode("&#8217;&#x2019;&#146;&#65x&#0;"), "’’’Ax\u{fffd}");
        assert_eq!(decode("?a=1&copy=2&bogus; &"), "?a=1&copy=2&bogus; &");
    }
}
