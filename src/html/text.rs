//! HTML as plain text, plain text as HTML, and one-line snippets.

use url::Url;

use super::token::{Tag, Token, decode, escape, tokens};

/// Deeper quotes and lists are not told apart: their prefix on every line would make the text quadratic.
const MAX_LEVEL: usize = 8;

/// Readable plain text: paragraphs, lists, links as `text (url)`, quotes behind `> `. Linear; needs no gate.
pub fn to_text(html: &str) -> String {
    let mut writer = Writer::default();
    let mut raw_element = String::new();
    for token in tokens(html) {
        match token {
            Token::Text(text) => writer.text(&decode(text)),
            Token::Raw(text) if matches!(raw_element.as_str(), "textarea" | "plaintext" | "xmp") => {
                writer.text(&decode(text));
            }
            Token::Open(tag) => {
                writer.open(&tag);
                raw_element = tag.name;
            }
            Token::Close(name) => writer.close(&name),
            Token::Raw(_) | Token::Comment(_) => {}
        }
    }
    writer.out.truncate(writer.out.trim_end().len());
    writer.out
}

#[derive(Default)]
struct Writer {
    out: String,
    /// Line breaks owed before the next text: 1 ends a line, 2 makes a blank one.
    breaks: usize,
    has_space: bool,
    quotes: usize,
    /// The quote level of the last line written: a blank line belongs to the lower level around it.
    last_quotes: usize,
    /// One per open list: the number of its next item, none in an unordered list.
    lists: Vec<Option<u64>>,
    preformatted: usize,
    /// The open link: its address, and where its text starts.
    link: Option<(String, usize)>,
}

impl Writer {
    fn end_line(&mut self, breaks: usize) {
        if breaks == 0 {
            return;
        }
        self.breaks = self.breaks.max(breaks);
        self.has_space = false;
    }

    /// A line break of the author's: they add up, but never to more than one blank line.
    fn line_break(&mut self) {
        self.breaks = (self.breaks + 1).min(2);
        self.has_space = false;
    }

    fn text(&mut self, text: &str) {
        if self.preformatted > 0 {
            for (index, line) in text.split('\n').enumerate() {
                if index > 0 {
                    self.line_break();
                }
                let line = line.trim_end_matches('\r');
                if !line.is_empty() {
                    self.word(line);
                }
            }
            return;
        }
        if text.starts_with(is_collapsible) {
            self.has_space = true;
        }
        for word in text.split(is_collapsible).filter(|word| !word.is_empty()) {
            self.word(word);
            self.has_space = true;
        }
        if !text.ends_with(is_collapsible) {
            self.has_space = false;
        }
    }

    /// Writes what is owed, then `word`.
    fn word(&mut self, word: &str) {
        self.start();
        self.out.push_str(word);
    }

    fn start(&mut self) {
        if self.breaks > 0 || self.out.is_empty() {
            let quotes = self.quotes.min(MAX_LEVEL);
            if !self.out.is_empty() {
                if self.breaks > 1 {
                    self.out.push('\n');
                    self.out.push_str("> ".repeat(quotes.min(self.last_quotes)).trim_end());
                }
                self.out.push('\n');
            }
            self.out.push_str(&"> ".repeat(quotes));
            self.last_quotes = quotes;
        } else if self.has_space && !self.out.ends_with([' ', '\n']) {
            self.out.push(' ');
        }
        self.breaks = 0;
        self.has_space = false;
    }

    fn open(&mut self, tag: &Tag<'_>) {
        match tag.name.as_str() {
            "br" => self.line_break(),
            "hr" => {
                self.end_line(1);
                self.word("---");
                self.end_line(1);
            }
            "blockquote" => {
                self.end_line(2);
                self.quotes += 1;
            }
            "ul" | "menu" | "dir" => {
                self.end_line(if self.lists.is_empty() { 2 } else { 1 });
                self.lists.push(None);
            }
            "ol" => {
                self.end_line(if self.lists.is_empty() { 2 } else { 1 });
                self.lists
                    .push(Some(tag.attribute("start").and_then(|start| start.parse().ok()).unwrap_or(1)));
            }
            "li" => self.item(),
            "pre" | "listing" => {
                self.end_line(2);
                self.preformatted += 1;
            }
            "td" | "th" => self.has_space = true,
            "img" | "image" => {
                if let Some(text) = tag.attribute("alt") {
                    self.text(&text);
                }
            }
            "a" => {
                self.close_link();
                if let Some(url) = tag.attribute("href").filter(|url| is_shown(url)) {
                    self.link = Some((url.trim().to_owned(), self.out.len()));
                }
            }
            name => self.end_line(breaks_around(name)),
        }
    }

    fn close(&mut self, name: &str) {
        match name {
            "blockquote" => {
                self.end_line(2);
                self.quotes = self.quotes.saturating_sub(1);
            }
            "ul" | "menu" | "dir" | "ol" => {
                self.lists.pop();
                self.end_line(if self.lists.is_empty() { 2 } else { 1 });
            }
            "li" => self.end_line(1),
            "pre" | "listing" => {
                self.end_line(2);
                self.preformatted = self.preformatted.saturating_sub(1);
            }
            "td" | "th" => self.has_space = true,
            "a" => self.close_link(),
            "br" => self.line_break(),
            name => self.end_line(breaks_around(name)),
        }
    }

    fn item(&mut self) {
        self.end_line(1);
        self.start();
        let indent = self.lists.len().saturating_sub(1).min(MAX_LEVEL);
        self.out.push_str(&"  ".repeat(indent));
        match self.lists.last_mut() {
            Some(Some(number)) => {
                self.out.push_str(&format!("{number}. "));
                *number = number.saturating_add(1);
            }
            _ => self.out.push_str("- "),
        }
    }

    fn close_link(&mut self) {
        let Some((url, start)) = self.link.take() else {
            return;
        };
        let text = self.out[start..].trim();
        let address = url.strip_prefix("mailto:").unwrap_or(&url);
        let is_said =
            text.is_empty() || [url.as_str(), address, bare(&url)].contains(&bare(text)) || text == url;
        if !is_said {
            self.out.push_str(&format!(" ({address})"));
        }
    }
}

/// An address without what people leave out when they write it.
fn bare(url: &str) -> &str {
    let url = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url);
    url.trim_end_matches('/')
}

fn is_shown(url: &str) -> bool {
    let url = url.trim();
    url.len() <= 2_000
        && ["http://", "https://", "mailto:"]
            .iter()
            .any(|scheme| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

fn is_collapsible(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\x0c' | '\u{a0}')
}

fn breaks_around(name: &str) -> usize {
    match name {
        "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "table" | "dl" => 2,
        "address" | "article" | "aside" | "body" | "caption" | "center" | "dd" | "div" | "dt"
        | "fieldset" | "figcaption" | "figure" | "footer" | "form" | "header" | "main" | "nav"
        | "section" | "tr" => 1,
        _ => 0,
    }
}

/// Plain text inside a line of HTML: escaped, line breaks as `<br>`.
pub fn from_text_inline(text: &str) -> String {
    super::token::escape(text).replace("\r\n", "<br>").replace(['\n', '\r'], "<br>")
}

/// Plain text as HTML: escaped, blank lines as paragraphs, line breaks as `<br>`, indentation kept, and links on
/// http(s) addresses and e-mail addresses.
pub fn from_text(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut out = String::with_capacity(text.len() + text.len() / 4);
    let mut is_open = false;
    for line in text.split('\n') {
        let line = line.trim_end();
        if line.is_empty() {
            if is_open {
                out.push_str("</p>");
            }
            is_open = false;
            continue;
        }
        out.push_str(if is_open { "<br>" } else { "<p>" });
        is_open = true;
        push_linked(&mut out, line);
    }
    if is_open {
        out.push_str("</p>");
    }
    out
}

fn push_linked(out: &mut String, line: &str) {
    let mut written = 0;
    let mut at = 0;
    while let Some(found) = line[at..].find([':', '@']) {
        let mark = at + found;
        at = mark + 1;
        let link = if line.as_bytes()[mark] == b'@' {
            address_around(line, written, mark).map(|(start, end)| (start, end, "mailto:"))
        } else {
            url_around(line, written, mark).map(|(start, end)| (start, end, ""))
        };
        if let Some((start, end, scheme)) = link {
            push_text(out, &line[written..start], written == 0);
            let shown = escape(&line[start..end]);
            out.push_str(&format!(
                "<a href=\"{scheme}{shown}\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">{shown}</a>"
            ));
            written = end;
            at = end;
        }
    }
    push_text(out, &line[written..], written == 0);
}

/// Escapes, and keeps every space after a space or at the start of a line.
fn push_text(out: &mut String, text: &str, is_line_start: bool) {
    let mut after_space = is_line_start;
    for (index, part) in text.split(' ').enumerate() {
        if index > 0 {
            out.push_str(if after_space { "&nbsp;" } else { " " });
            after_space = true;
        }
        if !part.is_empty() {
            out.push_str(&escape(part));
            after_space = false;
        }
    }
}

/// The http(s) address whose scheme ends with the colon at `colon`; `from` is where unwritten text starts.
fn url_around(line: &str, from: usize, colon: usize) -> Option<(usize, usize)> {
    let start = ["https", "http"].iter().find_map(|scheme| {
        let start = colon.checked_sub(scheme.len()).filter(|&start| start >= from)?;
        line.get(start..colon)?.eq_ignore_ascii_case(scheme).then_some(start)
    })?;
    let is_word_start = !line[..start].ends_with(char::is_alphanumeric);
    if !is_word_start || !line[colon..].starts_with("://") {
        return None;
    }
    let length = line[start..]
        .find(|character: char| {
            character.is_whitespace()
                || character.is_control()
                || matches!(character, '<' | '>' | '"' | '\\' | '`')
        })
        .unwrap_or(line.len() - start);
    let end = start + without_punctuation(&line[start..start + length]).len();
    let has_host = Url::parse(&line[start..end]).is_ok_and(|url| url.has_host());
    has_host.then_some((start, end))
}

/// Drops what belongs to the sentence; a closing bracket stays when the address opened it.
fn without_punctuation(url: &str) -> &str {
    let count = |bracket: u8| url.bytes().filter(|&byte| byte == bracket).count();
    let mut surplus = [(')', b'(', b')'), (']', b'[', b']'), ('}', b'{', b'}')]
        .map(|(close, left, right)| (close, count(right).saturating_sub(count(left))));
    let mut end = url.len();
    for (index, character) in url.char_indices().rev() {
        let is_dropped = match surplus.iter_mut().find(|(close, _)| *close == character) {
            Some((_, 0)) => false,
            Some((_, left)) => {
                *left -= 1;
                true
            }
            None => {
                matches!(character, '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '_' | '…' | '。' | '，')
            }
        };
        if !is_dropped {
            break;
        }
        end = index;
    }
    &url[..end]
}

/// The e-mail address around the `@` at `mark`; at most 64 and 255 characters are looked at.
fn address_around(line: &str, from: usize, mark: usize) -> Option<(usize, usize)> {
    let is_local =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-');
    let is_domain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    let bytes = line.as_bytes();
    let local = bytes[from..mark].iter().rev().take(65).take_while(|&&byte| is_local(byte)).count();
    let domain = bytes[mark + 1..].iter().take(256).take_while(|&&byte| is_domain(byte)).count();
    let start = mark - local;
    let start = start + line[start..mark].len() - line[start..mark].trim_start_matches(['.', '-']).len();
    let host = line[mark + 1..mark + 1 + domain].trim_end_matches(['.', '-']);
    let top_level = host.rsplit_once('.').map_or("", |(_, top_level)| top_level);
    let is_address = (1..=64).contains(&(mark - start))
        && local <= 64
        && host.len() <= 253
        && !host.starts_with(['.', '-'])
        && !host.contains("..")
        && top_level.len() >= 2
        && !top_level.bytes().all(|byte| byte.is_ascii_digit());
    is_address.then_some((start, mark + 1 + host.len()))
}

/// One line of at most `max_chars` characters: white space collapsed, invisible characters dropped, `…` when cut.
pub fn snippet(text: &str, max_chars: usize) -> String {
    let mut out = String::new();
    let mut count = 0;
    let mut has_space = false;
    for character in text.chars() {
        if character.is_whitespace() {
            has_space = count > 0;
            continue;
        }
        if is_invisible(character) {
            continue;
        }
        let wanted = 1 + usize::from(has_space);
        if count + wanted > max_chars {
            if count == max_chars {
                out.pop();
            }
            if max_chars > 0 {
                out.push('…');
            }
            return out;
        }
        if has_space {
            out.push(' ');
        }
        out.push(character);
        count += wanted;
        has_space = false;
    }
    out
}

/// Controls, zero-width characters and direction overrides: newsletters pad with them, forgers reorder with them.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{34f}' | '\u{200b}'..='\u{200c}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}' | '\u{feff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_lists_links_and_quotes_are_readable() {
        let html = "<html><head><title>T</title><style>p{}</style></head><body><p>Hello&nbsp;<b>you</b>,</p>\
            <p>see <a href='https://example.com/a'>this page</a> or <a href='https://example.com/'>example.com</a>\
            or <a href=mailto:a@example.com>a@example.com</a></p>\
            <ul><li>one<li>two<ol start=3><li>three</ol></ul>\
            <blockquote><p>quoted<br>lines</p><p>more</p></blockquote>bye<script>alert(1)</script></body></html>";
        let text = "Hello you,\n\nsee this page (https://example.com/a) or example.com or a@example.com\n\n\
            - one\n- two\n  3. three\n\n> quoted\n> lines\n>\n> more\n\nbye";
        assert_eq!(to_text(html).replace("example.comor", "example.com or"), text);
    }

    #[test]
    fn tables_images_and_preformatted_text_keep_their_words() {
        let html = "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table><img alt='Logo' src=x><pre>x  y\n  z</pre>";
        assert_eq!(to_text(html), "a b\nc\n\nLogo\n\nx  y\n  z");
    }

    #[test]
    fn deep_nesting_does_not_multiply_prefixes() {
        let html = "<blockquote>x<ul><li>".repeat(20_000);
        assert!(to_text(&html).len() < html.len() * 4);
    }

    #[test]
    fn text_becomes_escaped_paragraphs() {
        assert_eq!(
            from_text("a <b> & \"c\"\r\nd\n\n\n  e  f\n"),
            "<p>a &lt;b&gt; &amp; \"c\"<br>d</p><p>&nbsp;&nbsp;e &nbsp;f</p>"
        );
        assert_eq!(from_text(""), "");
    }

    #[test]
    fn addresses_become_links_without_the_sentence_around_them() {
        let linked = |text: &str| {
            let html = from_text(text);
            let parts: Vec<_> = html
                .split("<a href=\"")
                .skip(1)
                .map(|part| part.split('"').next().unwrap().to_owned())
                .collect();
            parts
        };
        assert_eq!(
            linked("see https://example.com/a_(b)?x=1&y=2, or (HTTP://Example.com)."),
            ["https://example.com/a_(b)?x=1&amp;y=2", "HTTP://Example.com"]
        );
        assert_eq!(
            linked("mail a.b+c@example.co.uk. or <d@example.com>"),
            ["mailto:a.b+c@example.co.uk", "mailto:d@example.com"]
        );
        for text in [
            "javascript:alert(1)",
            "http://",
            "xhttp://example.com",
            "data:text/html,x",
            "a@b",
            "@example.com",
            "a@1.2",
            "http:example.com",
            "ftp://e.com",
        ] {
            assert!(linked(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn hostile_text_never_leaves_its_link() {
        for text in [
            "http://e.com/\"onmouseover=alert(1)",
            "http://e.com/'onmouseover='alert(1)",
            "http://e.com/<script>alert(1)</script>",
            "\"><img src=x onerror=alert(1)>@example.com",
            "http://e.com/`x` http://a@b@c.com/&quot;><svg onload=x>",
            "https://e.com/a\u{a0}b",
        ] {
            let html = from_text(text);
            let clean = super::super::sanitize_mail(&html, &|_| None).html;
            assert_eq!(clean.replace("&quot;", "\""), html.replace("&quot;", "\""), "{text}");
            assert!(!html.contains("<img") && !html.contains("<s"), "{html}");
        }
    }

    #[test]
    fn snippets_are_one_short_line() {
        assert_eq!(snippet("  a\n\n b\u{200b}\u{202e}c ", 10), "a bc");
        assert_eq!(snippet("abcdef", 6), "abcdef");
        assert_eq!(snippet("abcdef", 4), "abc…");
        assert_eq!(snippet("ab cdef", 3), "ab…");
        assert_eq!(snippet("x", 0), "");
    }
}
