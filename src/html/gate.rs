//! The gate: one linear pass that decides whether HTML may be parsed at all.
//!
//! html5ever is quadratic in nesting depth and in unclosed formatting elements; 79 KB of hostile markup costs it
//! most of a minute. This pass follows the tree builder closely enough not to believe in less nesting than there
//! is: in doubt it counts an element as still open, so bombs cannot hide and sloppy markup rarely suffers.

use super::token::{Token, tokens};

pub const MAX_BYTES: usize = 2 * 1024 * 1024;
/// The most a sanitised body may weigh; see [`super::sanitize_mail`].
pub const MAX_OUTPUT_BYTES: usize = 4 * 1024 * 1024;
const MAX_TAGS: usize = 30_000;
const MAX_DEPTH: usize = 256;
const MAX_FORMATTING: usize = 32;
const MAX_ATTRIBUTES: usize = 64;
const MAX_MARKS: usize = 200_000;

/// Why HTML may not be parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    Bytes,
    Tags,
    Depth,
    /// Unclosed formatting elements (`b`, `font`, …), which the parser repeats in every paragraph.
    Formatting,
    Attributes,
    /// `&` and `<` characters.
    Marks,
    /// Constructs whose end cannot be told without building the tree.
    Ambiguous,
}

/// Whether `html` may be given to a DOM parser.
pub fn check(html: &str) -> Result<(), Excess> {
    if html.len() > MAX_BYTES {
        return Err(Excess::Bytes);
    }
    if html.bytes().filter(|byte| matches!(byte, b'<' | b'&')).count() > MAX_MARKS {
        return Err(Excess::Marks);
    }
    let mut outline = Outline::default();
    let mut tag_count = 0;
    let mut raw_element = String::new();
    for token in tokens(html) {
        match token {
            Token::Open(tag) => {
                tag_count += 1;
                if tag.attributes.len() > MAX_ATTRIBUTES {
                    return Err(Excess::Attributes);
                }
                outline.open(&tag.name)?;
                raw_element = tag.name;
            }
            Token::Close(name) => {
                tag_count += 1;
                outline.close(&name);
            }
            Token::Raw(content) => outline.raw(&raw_element, content)?,
            Token::Comment(comment) => {
                if outline.is_strict && comment.starts_with("<![CDATA[") {
                    return Err(Excess::Ambiguous);
                }
            }
            Token::Text(_) => {}
        }
        if tag_count > MAX_TAGS {
            return Err(Excess::Tags);
        }
    }
    Ok(())
}

/// The open elements as the tree builder would have them, or more.
#[derive(Default)]
struct Outline {
    stack: Vec<String>,
    /// The active formatting elements; `None` is the marker of a table cell.
    formatting: Vec<Option<String>>,
    /// After foreign or `select` content nothing is closed by implication.
    is_strict: bool,
}

impl Outline {
    fn open(&mut self, name: &str) -> Result<(), Excess> {
        match name {
            "noscript" => return Err(Excess::Ambiguous),
            "svg" | "math" | "select" | "template" | "frameset" | "object" | "applet" | "marquee" => {
                self.is_strict = true;
            }
            _ => {}
        }
        if is_void(name) || matches!(name, "html" | "head" | "body") {
            return Ok(());
        }
        if !self.is_strict && !self.open_by_implication(name) {
            return Ok(());
        }
        self.stack.push(name.to_owned());
        if is_formatting(name) {
            self.formatting.push(Some(name.to_owned()));
        } else if is_cell(name) {
            self.formatting.push(None);
        }
        if self.stack.len() > MAX_DEPTH {
            return Err(Excess::Depth);
        }
        if self.formatting.iter().flatten().count() > MAX_FORMATTING {
            return Err(Excess::Formatting);
        }
        Ok(())
    }

    /// Closes what `name` closes by opening. False when the tree builder ignores the tag.
    fn open_by_implication(&mut self, name: &str) -> bool {
        match name {
            "td" | "th" | "tr" | "tbody" | "thead" | "tfoot" | "colgroup" | "caption" => {
                if !self.stack.iter().any(|open| open == "table") {
                    return false;
                }
                match name {
                    "td" | "th" => self.close_in_table(&["td", "th"]),
                    "tr" => self.close_in_table(&["tr"]),
                    "tbody" | "thead" | "tfoot" => self.close_in_table(&["tbody", "thead", "tfoot"]),
                    _ => {}
                }
            }
            "li" => self.close_item(&["li"]),
            "dd" | "dt" => self.close_item(&["dd", "dt"]),
            "a" => {
                let since_marker = self.formatting.iter().rev().map_while(Option::as_deref);
                if since_marker.into_iter().any(|open| open == "a") {
                    self.close_formatting("a");
                }
            }
            _ => {}
        }
        if closes_paragraph(name) {
            self.close_in_scope("p", true);
        }
        true
    }

    fn close(&mut self, name: &str) {
        if self.is_strict {
            if self.stack.last().is_some_and(|open| open == name) {
                self.pop_to(self.stack.len() - 1);
                if let Some(last) = self.formatting.iter().rposition(|open| open.as_deref() == Some(name)) {
                    self.formatting.remove(last);
                }
            }
        } else if is_formatting(name) {
            self.close_formatting(name);
        } else if name == "form" {
            self.remove_last(name);
        } else if is_table_part(name) {
            self.close_in_table(&[name]);
        } else if name == "p" || name == "li" {
            self.close_in_scope(name, true);
        } else if is_special(name) {
            self.close_in_scope(name, false);
        } else {
            self.close_ordinary(name);
        }
    }

    /// Raw text is harmless, unless what looks like its end may not be: in foreign content, in nested scripts.
    fn raw(&self, element: &str, content: &str) -> Result<(), Excess> {
        let is_escaped_script = element == "script" && content.contains("<!--");
        if content.contains('<') && self.is_strict || is_escaped_script && has_script_tag(content) {
            return Err(Excess::Ambiguous);
        }
        Ok(())
    }

    /// Removes all from `index` up, and the formatting of every cell among them.
    fn pop_to(&mut self, index: usize) {
        for name in self.stack.drain(index..).rev() {
            if is_cell(&name) {
                let marker = self.formatting.iter().rposition(Option::is_none).unwrap_or(0);
                self.formatting.truncate(marker);
            }
        }
    }

    fn remove_last(&mut self, name: &str) {
        if let Some(found) = self.stack.iter().rposition(|open| open == name) {
            self.stack.remove(found);
        }
    }

    /// "Has an element in (button or list item) scope", then pops up to it.
    fn close_in_scope(&mut self, name: &str, is_narrow: bool) {
        for index in (0..self.stack.len()).rev() {
            let open = self.stack[index].as_str();
            if open == name {
                return self.pop_to(index);
            }
            if is_boundary(open) || is_narrow && matches!(open, "button" | "ol" | "ul") {
                return;
            }
        }
    }

    fn close_in_table(&mut self, names: &[&str]) {
        for index in (0..self.stack.len()).rev() {
            let open = self.stack[index].as_str();
            if names.contains(&open) {
                return self.pop_to(index);
            }
            if matches!(open, "table" | "template") || open == "caption" && !names.contains(&"table") {
                return;
            }
        }
    }

    fn close_item(&mut self, names: &[&str]) {
        for index in (0..self.stack.len()).rev() {
            let open = self.stack[index].as_str();
            if names.contains(&open) {
                return self.pop_to(index);
            }
            if is_special(open) && !matches!(open, "address" | "div" | "p") {
                return;
            }
        }
    }

    /// The adoption agency removes the formatting element alone: blocks inside it stay open.
    fn close_formatting(&mut self, name: &str) {
        let marker = self.formatting.iter().rposition(Option::is_none).map_or(0, |found| found + 1);
        let since_marker = &self.formatting[marker..];
        let Some(listed) = since_marker.iter().rposition(|open| open.as_deref() == Some(name)) else {
            return;
        };
        if let Some(index) = self.stack.iter().rposition(|open| open == name) {
            if self.stack[index..].iter().any(|open| is_boundary(open)) {
                return;
            }
            self.stack.remove(index);
        }
        self.formatting.remove(marker + listed);
    }

    /// "Any other end tag": a special element in between makes the parser ignore it.
    fn close_ordinary(&mut self, name: &str) {
        for index in (0..self.stack.len()).rev() {
            let open = self.stack[index].as_str();
            if open == name {
                return self.pop_to(index);
            }
            if is_special(open) {
                return;
            }
        }
    }
}

fn has_script_tag(content: &str) -> bool {
    content.split('<').any(|part| part.get(..6).is_some_and(|name| name.eq_ignore_ascii_case("script")))
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "basefont"
            | "bgsound"
            | "br"
            | "col"
            | "embed"
            | "frame"
            | "hr"
            | "image"
            | "img"
            | "input"
            | "keygen"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

fn is_formatting(name: &str) -> bool {
    matches!(
        name,
        "a" | "b"
            | "big"
            | "code"
            | "em"
            | "font"
            | "i"
            | "nobr"
            | "s"
            | "small"
            | "strike"
            | "strong"
            | "tt"
            | "u"
    )
}

fn is_cell(name: &str) -> bool {
    matches!(name, "td" | "th" | "caption")
}

fn is_table_part(name: &str) -> bool {
    is_cell(name) || matches!(name, "table" | "tbody" | "thead" | "tfoot" | "tr" | "colgroup")
}

/// Elements through which an end tag does not reach.
fn is_boundary(name: &str) -> bool {
    is_cell(name) || matches!(name, "table" | "template" | "object" | "applet" | "marquee" | "select")
}

fn closes_paragraph(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hgroup"
            | "li"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "p"
            | "pre"
            | "section"
            | "summary"
            | "ul"
    )
}

/// The "special" category of HTML standard 13.2.4.2.
fn is_special(name: &str) -> bool {
    closes_paragraph(name)
        || is_table_part(name)
        || is_boundary(name)
        || is_void(name)
        || matches!(
            name,
            "button"
                | "form"
                | "frameset"
                | "iframe"
                | "listing"
                | "noembed"
                | "noframes"
                | "noscript"
                | "plaintext"
                | "script"
                | "search"
                | "style"
                | "textarea"
                | "title"
                | "xmp"
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn bombs_are_refused() {
        let adoption = |n: usize| (0..n).map(|i| format!("<b {i}><i {i}>x</b>")).collect::<String>();
        let cases = [
            ("<div>".repeat(20_000), Excess::Depth),
            ("<div>".repeat(257), Excess::Depth),
            ("<ul><li>".repeat(16_000), Excess::Depth),
            ("<table><tr><td>".repeat(300), Excess::Depth),
            ("<span></div>".repeat(300), Excess::Depth),
            ("<b><div></b>".repeat(300), Excess::Depth),
            ("<table><tr><td></div></b></table2>".repeat(300), Excess::Depth),
            ("<td><div>".repeat(300), Excess::Depth),
            ("<svg><g></svg>".repeat(300), Excess::Depth),
            ("<select><div></select>".repeat(300), Excess::Depth),
            ("<svg><style><g></g>".repeat(300), Excess::Ambiguous),
            ("<div><!-- </div> -->".repeat(300), Excess::Depth),
            ("<div><svg><![CDATA[></svg></div>]]>".to_owned(), Excess::Ambiguous),
            ("<div><math><style><!--</style></math></div>-->".to_owned(), Excess::Ambiguous),
            ("<script><!--<script></script></div>--></script>".to_owned(), Excess::Ambiguous),
            ("<noscript><!-- </noscript></div> -->".to_owned(), Excess::Ambiguous),
            ("<p><b 1>x".repeat(40), Excess::Formatting),
            (adoption(500), Excess::Formatting),
            (format!("<a {}>", "x ".repeat(100_000)), Excess::Attributes),
            ("&amp;".repeat(300_000), Excess::Marks),
            ("<".repeat(200_001), Excess::Marks),
            ("<br>".repeat(30_001), Excess::Tags),
            ("x".repeat(MAX_BYTES + 1), Excess::Bytes),
        ];
        for (html, excess) in cases {
            let start: String = html.chars().take(40).collect();
            assert_eq!(check(&html), Err(excess), "{start}");
        }
    }

    #[test]
    fn sloppy_but_harmless_mail_passes() {
        let cases = [
            "<p>one".repeat(2_000),
            "<li>one".repeat(2_000),
            format!("<table>{}</table>", "<tr><td><font size=1><b>x<td>y".repeat(2_000)),
            format!("<table>{}</table>", "<tr><td><font>x</td></tr>".repeat(2_000)),
            "<dl><dt>a<dd>b</dl>".repeat(1_000),
            "<a name=x>".repeat(200),
            "<p><o:p>&nbsp;</o:p></p>".repeat(3_000),
            "<!--[if mso]><table><tr><td><![endif]--><div>x</div>".repeat(1_000),
            "<div>".repeat(200) + &"</div>".repeat(200),
            "a<b".repeat(10),
        ];
        for html in cases {
            let start: String = html.chars().take(40).collect();
            assert_eq!(check(&html), Ok(()), "{start}");
        }
    }

    /// The nesting that html5ever really builds.
    fn real_depth(html: &str) -> usize {
        let document = dom_query::Document::fragment(html);
        let mut deepest = 0;
        let mut pending = vec![(document.root(), 0_usize)];
        while let Some((node, depth)) = pending.pop() {
            deepest = deepest.max(depth);
            pending.extend(node.children().into_iter().map(|child| (child, depth + 1)));
        }
        deepest
    }

    fn tag_soup() -> impl Strategy<Value = String> {
        let names = prop::sample::select(vec![
            "div",
            "p",
            "span",
            "b",
            "i",
            "a",
            "font",
            "table",
            "tr",
            "td",
            "th",
            "tbody",
            "caption",
            "ul",
            "li",
            "dl",
            "dt",
            "dd",
            "h1",
            "form",
            "blockquote",
            "button",
            "svg",
            "g",
            "math",
            "mi",
            "select",
            "option",
            "template",
            "style",
            "title",
            "textarea",
            "script",
            "object",
            "center",
            "pre",
            "foreignObject",
            "colgroup",
            "nobr",
        ]);
        let piece = (names, 0..4).prop_map(|(name, kind)| match kind {
            0 => format!("</{name}>"),
            _ => format!("<{name}>"),
        });
        prop::collection::vec(piece, 1..14).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..Default::default() })]

        #[test]
        fn repeated_tag_soup_is_refused_or_shallow(soup in tag_soup()) {
            let html = soup.repeat(300);
            if check(&html).is_ok() {
                let depth = real_depth(&html);
                prop_assert!(depth < 4 * MAX_DEPTH, "{} levels of {}", depth, soup);
            }
        }
    }
}
