//! Tells a reply from the mail it quotes, in text and in HTML, in the languages mail programs speak.
//!
//! Both forms become lines; one classifier decides where the quote starts, and where above it a signature does.
//! Replies written between quoted lines are never cut: what is cut is only what no reply follows. Nothing is lost,
//! what is cut is kept beside the reply.

mod marker;
mod signature;
#[cfg(test)]
mod tests;

use dom_query::{Document, NodeRef};

use crate::html::gate;
pub use marker::OWN_MARKER;
use marker::{
    header_block, is_attribution, is_original_message, is_own_marker, is_separator, opens_attribution,
};

/// The two parts of a body; `reply` is never blank unless the whole body is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    pub reply: String,
    pub quoted: String,
}

impl Split {
    fn whole(body: &str) -> Self {
        Self { reply: body.to_owned(), quoted: String::new() }
    }
}

/// Splits a text body.
pub fn split_text(text: &str) -> Split {
    let mut start = 0;
    let mut starts = Vec::new();
    let lines: Vec<Line> = text
        .split_inclusive('\n')
        .map(|line| {
            starts.push(start);
            start += line.len();
            Line::new(line)
        })
        .collect();
    let offset = |index: usize| starts.get(index).copied().unwrap_or(text.len());
    match find_cut(&lines) {
        Some(Cut::Below(index)) => Split {
            reply: text[..offset(index)].trim_end().to_owned(),
            quoted: text[offset(index)..].to_owned(),
        },
        Some(Cut::Above(index)) => Split {
            reply: text[offset(index)..].trim().to_owned(),
            quoted: text[..offset(index)].trim_end().to_owned(),
        },
        None => Split::whole(text),
    }
}

/// Splits an HTML body, before it is sanitised: sanitise both halves. What the gate refuses is not split.
pub fn split_html(html: &str) -> Split {
    if gate::check(html).is_err() {
        return Split::whole(html);
    }
    let document = Document::fragment(html);
    let mut reader = Reader::default();
    reader.read(&document.html_root());
    let lines: Vec<Line> = reader.lines.into_iter().map(Line::collapsed).collect();
    let (index, is_reply_above) = match find_cut(&lines) {
        Some(Cut::Below(index)) => (index, true),
        Some(Cut::Above(index)) => (index, false),
        None => return Split::whole(html),
    };
    let Some(cut) = lines.get(index).and_then(|line| line.node) else {
        return Split::whole(html);
    };
    let (above, below) = (half(html, cut, true), half(html, cut, false));
    if is_reply_above { Split { reply: above, quoted: below } } else { Split { reply: below, quoted: above } }
}

/// One line of a body, as the classifier sees it.
#[derive(Debug, Default)]
struct Line {
    text: String,
    is_quoted: bool,
    /// The markup itself says that the quoted mail starts here.
    is_start: bool,
    /// The markup itself says that this is a signature.
    is_signature: bool,
    /// For HTML: which node, counted in document order, the line starts with.
    node: Option<usize>,
}

impl Line {
    fn new(text: &str) -> Self {
        let text = text.trim();
        Self {
            text: text.to_owned(),
            // A lone ">:" is the end of a wrapped "… <ann@example.com>:".
            is_quoted: text.starts_with('>') && text != ">:",
            ..Self::default()
        }
    }

    /// The line with its white space collapsed, as it is shown.
    fn collapsed(self) -> Self {
        let words: Vec<&str> = self.text.split_whitespace().collect();
        let text = words.join(" ");
        Self { is_quoted: self.is_quoted || text.starts_with('>'), text, ..self }
    }

    fn is_blank(&self) -> bool {
        self.text.is_empty()
    }

    fn is_reply(&self) -> bool {
        !self.is_blank() && !self.is_quoted
    }
}

enum Cut {
    /// The quote starts with this line.
    Below(usize),
    /// The quote ends before this line: the reply stands under it.
    Above(usize),
}

fn find_cut(lines: &[Line]) -> Option<Cut> {
    let (quoted, end) = classify(lines);
    match find_quote(lines, &quoted, end) {
        Some(Cut::Below(index)) => Some(Cut::Below(signature::find(lines, &quoted, index).unwrap_or(index))),
        Some(cut) => Some(cut),
        None => signature::find(lines, &quoted, lines.len()).map(Cut::Below),
    }
}

fn find_quote(lines: &[Line], quoted: &[bool], end: usize) -> Option<Cut> {
    let mut cut = end;
    // A signature or list footer under the quote belongs to the mail program, not to the reply.
    let is_footer = |index: usize| lines[index].text == "--" || lines[index].text.starts_with("____");
    let signature = (end.saturating_sub(25)..end).filter(|&index| is_footer(index)).find(|&index| {
        (0..index).rfind(|&above| !lines[above].is_blank()).is_some_and(|above| quoted[above])
    });
    // With more quotes under it, it is part of an answer between them.
    let signature = signature.filter(|&index| !quoted[index..end].contains(&true));
    if let Some(signature) = signature {
        cut = signature;
    }
    while cut > 0 && (quoted[cut - 1] || lines[cut - 1].is_blank() || is_separator(&lines[cut - 1].text)) {
        // A separator is only part of the quote when a quote follows it.
        if is_separator(&lines[cut - 1].text) && !quoted[cut - 1] && !is_quote_ahead(lines, quoted, cut, end)
        {
            break;
        }
        cut -= 1;
    }
    let has_reply_above = lines[..cut].iter().any(|line| !line.is_blank());
    let has_quote_below = lines[cut..].iter().any(|line| !line.is_blank());
    if has_reply_above && has_quote_below {
        let has_quote = end < lines.len() || quoted[cut..].contains(&true);
        let first = (cut..lines.len()).find(|&index| !lines[index].is_blank())?;
        return if has_quote { Some(Cut::Below(first)) } else { find_reply_below(lines, quoted) };
    }
    if has_reply_above { find_reply_below(lines, quoted) } else { None }
}

fn is_quote_ahead(lines: &[Line], quoted: &[bool], cut: usize, end: usize) -> bool {
    match (cut..end).find(|&index| !lines[index].is_blank()) {
        Some(next) => quoted[next],
        None => end < lines.len(),
    }
}

/// "On … wrote:", one quote, and the whole reply under it: then the quote is what stands above.
fn find_reply_below(lines: &[Line], quoted: &[bool]) -> Option<Cut> {
    let first = lines.iter().position(|line| !line.is_blank())?;
    if !quoted[first] || lines[first].is_quoted {
        return None;
    }
    let last = quoted.iter().rposition(|&is_quoted| is_quoted)?;
    let is_one_block = (first..last).all(|index| quoted[index] || lines[index].is_blank());
    let reply = (last + 1..lines.len()).find(|&index| lines[index].is_reply())?;
    is_one_block.then_some(Cut::Above(reply))
}

/// Which lines are quoted, and from which line on everything is.
fn classify(lines: &[Line]) -> (Vec<bool>, usize) {
    let mut quoted: Vec<bool> = lines.iter().map(|line| line.is_quoted).collect();
    for index in 1..lines.len().saturating_sub(1) {
        if is_wrapped(&lines[index - 1..=index + 1]) {
            quoted[index] = true;
        }
    }
    let marker = lines.iter().position(|line| !line.is_quoted && is_own_marker(&line.text));
    // Our own marker wins: above it only what announces a quote right there is looked for.
    let mut index = marker.map_or(0, |marker| marker.saturating_sub(10));
    let end = marker.unwrap_or(lines.len());
    while index < end {
        if quoted[index] || lines[index].is_blank() {
            index += 1;
        } else if lines[index].is_start || is_original_message(&lines[index].text) {
            return (quoted, index);
        } else if let Some(length) = attribution_at(lines, index) {
            let after = index + length;
            let next = (after..lines.len()).find(|&next| !lines[next].is_blank());
            if !next.is_some_and(|next| lines[next].is_quoted) {
                return (quoted, index);
            }
            quoted[index..after].fill(true);
            index = after;
        } else if header_block(lines[index..end].iter().map(|line| line.text.as_str())) {
            return (quoted, index);
        } else {
            index += 1;
        }
    }
    (quoted, end)
}

/// A long quoted line that a mail program broke without quoting the rest.
fn is_wrapped(lines: &[Line]) -> bool {
    let [before, line, after] = lines else {
        return false;
    };
    before.is_quoted && line.is_reply() && after.is_quoted && before.text.chars().count() >= 60
}

/// How many lines, from `index` on, announce a quote ("On …, … wrote:").
fn attribution_at(lines: &[Line], index: usize) -> Option<usize> {
    let mut joined = String::new();
    for (count, line) in lines[index..].iter().take(4).enumerate() {
        if !line.is_reply() || joined.len() + line.text.len() > 600 {
            return None;
        }
        if count > 0 {
            if !opens_attribution(&joined) {
                return None;
            }
            joined.push(' ');
        }
        joined.push_str(&line.text);
        if is_attribution(&joined) {
            return Some(count + 1);
        }
    }
    None
}

/// Reads HTML as lines.
#[derive(Default)]
struct Reader {
    lines: Vec<Line>,
    is_open: bool,
    /// Nodes seen so far, in document order.
    count: usize,
    quotes: usize,
    signatures: usize,
    /// The next line starts the quoted mail.
    is_start: bool,
}

impl Reader {
    /// Recursion is bounded by the gate's depth.
    fn read(&mut self, node: &NodeRef<'_>) {
        let number = self.count;
        self.count += 1;
        if node.is_text() {
            self.text(&node.text(), number);
            return;
        }
        let name = node.node_name().unwrap_or_default();
        if node.is_comment() || matches!(&*name, "head" | "style" | "script" | "title" | "template") {
            self.count += node.descendants_it().count();
            return;
        }
        let is_block = is_block(&name);
        let is_quote = is_quote(node, &name);
        let is_signature = is_signature(node, &name);
        if is_start(node, &name) {
            self.is_open = false;
            self.is_start = true;
        }
        if is_block {
            self.is_open = false;
        }
        if &*name == "hr" {
            self.text("________", number);
        }
        if is_signature {
            self.is_open = false;
        }
        self.quotes += usize::from(is_quote);
        self.signatures += usize::from(is_signature);
        let mut child = node.first_child();
        while let Some(node) = child {
            self.read(&node);
            child = node.next_sibling();
        }
        self.quotes -= usize::from(is_quote);
        self.signatures -= usize::from(is_signature);
        if is_block || is_signature {
            self.is_open = false;
        }
    }

    fn text(&mut self, text: &str, number: usize) {
        let is_blank = text.trim().is_empty();
        if !self.is_open {
            if is_blank {
                return;
            }
            self.lines.push(Line {
                is_quoted: self.quotes > 0,
                is_start: std::mem::take(&mut self.is_start),
                is_signature: self.signatures > 0,
                node: Some(number),
                text: String::new(),
            });
            self.is_open = true;
        }
        if let Some(last) = self.lines.last_mut() {
            last.text.push_str(text);
        }
    }
}

/// Quotes that say so; a bare `blockquote` is also how mail programs indent.
fn is_quote(node: &NodeRef<'_>, name: &str) -> bool {
    name == "blockquote"
        && (node.has_class("gmail_quote")
            || node.has_attr("cite")
            || node.attr("type").is_some_and(|kind| kind.eq_ignore_ascii_case("cite"))
            || node.attr("style").is_some_and(|style| style.contains("border-left")))
}

/// Elements with which mail programs start the quoted mail.
fn is_start(node: &NodeRef<'_>, name: &str) -> bool {
    const IDS: &[&str] = &[
        "divRplyFwdMsg",
        "appendonsend",
        "OLK_SRC_BODY_SECTION",
        "mail-editor-reference-message-container",
        "stopSpelling",
        "reply-intro",
        "isForwardContent",
        "isReplyContent",
    ];
    const CLASSES: &[&str] = &["yahoo_quoted", "protonmail_quote", "zmail_extra", "x_yahoo_quoted"];
    matches!(name, "div" | "span" | "hr" | "p" | "blockquote")
        && (node.id_attr().is_some_and(|id| IDS.contains(&&*id))
            || CLASSES.iter().any(|class| node.has_class(class)))
}

/// Elements into which mail programs put the signature.
fn is_signature(node: &NodeRef<'_>, name: &str) -> bool {
    const IDS: &[&str] =
        &["Signature", "x_Signature", "AppleMailSignature", "ms-outlook-mobile-signature", "signature"];
    const CLASSES: &[&str] = &[
        "gmail_signature",
        "moz-signature",
        "protonmail_signature_block",
        "zmail_signature",
        "x_gmail_signature",
    ];
    matches!(name, "div" | "span" | "p" | "pre" | "table" | "blockquote")
        && (node.id_attr().is_some_and(|id| IDS.contains(&&*id))
            || CLASSES.iter().any(|class| node.has_class(class))
            || node.attr("data-smartmail").is_some_and(|kind| &*kind == "gmail_signature"))
}

fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "br"
            | "center"
            | "dd"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hr"
            | "li"
            | "main"
            | "ol"
            | "p"
            | "pre"
            | "section"
            | "table"
            | "tbody"
            | "td"
            | "th"
            | "thead"
            | "tr"
            | "ul"
    )
}

/// The part of `html` before the node counted `cut`, or the part from it on, each inside the same ancestors.
fn half(html: &str, cut: usize, is_above: bool) -> String {
    let document = Document::fragment(html);
    let root = document.html_root();
    let node = if cut == 0 { Some(root) } else { root.descendants_it().nth(cut - 1) };
    let Some(node) = node.filter(|node| node.id != root.id) else {
        return html.to_owned();
    };
    for ancestor in
        std::iter::successors(Some(node), NodeRef::parent).take_while(|ancestor| ancestor.id != root.id)
    {
        while let Some(sibling) = if is_above { ancestor.next_sibling() } else { ancestor.prev_sibling() } {
            sibling.remove_from_parent();
        }
    }
    if is_above {
        node.remove_from_parent();
    }
    root.inner_html().to_string()
}
