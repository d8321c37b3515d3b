//! Tells a reply from the mail it quotes, in text and in HTML, in the languages mail programs speak.
//!
//! Both forms become lines; one classifier decides where the quote starts. Replies written between quoted lines
//! are never cut: what is cut is only what no reply follows. Nothing is lost, the quote is kept beside the reply.

mod marker;

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
        if is_separator(&lines[cut - 1].text) && !quoted[cut - 1] && !is_quote_ahead(lines, &quoted, cut, end)
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
        return if has_quote { Some(Cut::Below(first)) } else { find_reply_below(lines, &quoted) };
    }
    if has_reply_above { find_reply_below(lines, &quoted) } else { None }
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
        self.quotes += usize::from(is_quote);
        let mut child = node.first_child();
        while let Some(node) = child {
            self.read(&node);
            child = node.next_sibling();
        }
        self.quotes -= usize::from(is_quote);
        if is_block {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::html::to_text;
    use std::path::{Path, PathBuf};

    fn reply(text: &str) -> String {
        split_text(text).reply
    }

    #[test]
    fn quotes_below_the_reply_are_cut() {
        for quote in [
            "On Mon, Apr 2, 2012 at 6:26 PM, Ann <a@example.com> wrote:\n\n> Hi\n",
            "On Mon, Apr 2, 2012 at 6:26 PM, Ann\n<a@example.com>\nwrote:\nHi",
            "Am 13.12.2017 21:11 schrieb \"Ann\" <a@example.com>:\nHi",
            "Le lun. 15 nov. 2021 à 19:42, Ann <a@example.com>\na écrit :\n> Hi",
            "2021年11月15日(月) 19:42 Ann <a@example.com>:\n> Hi",
            "-----Ursprüngliche Nachricht-----\nHi",
            "________________________________\nFrom: Ann <a@example.com>\nSent: Monday\nTo: Bo\nSubject: Hi\n\nHi",
            "*Von:* Ann\n*Gesendet:* Montag\n*An:* Bo\n\nHi",
            "> Hi\n> you\n",
        ] {
            let split = split_text(&format!("Hello\n\n{quote}"));
            assert_eq!(split.reply, "Hello", "{quote}");
            assert_eq!(split.quoted, quote);
        }
    }

    #[test]
    fn our_own_marker_wins() {
        let text = "Hello\n\nFrom: the start\n\nHelpdesk <h@example.com> said on 2.3.2024 10:10:\n\n\
            ## Please write above this line ##\nHi\n";
        let split = split_text(text);
        assert_eq!(
            split.reply,
            "Hello\n\nFrom: the start\n\nHelpdesk <h@example.com> said on 2.3.2024 10:10:"
        );
        assert!(split.quoted.starts_with(marker::OWN_MARKER));
        let with_attribution =
            "Hello\n\nOn 2 March 2024, Helpdesk wrote:\n\n## Please write above this line ##\nHi";
        assert_eq!(reply(with_attribution), "Hello");
        let html = "<p>Hello</p><div>On 2 March 2024, Helpdesk wrote:<div>## Please write above this line ##</div><p>Hi</p></div>";
        assert_eq!(split_html(html).reply, "<p>Hello</p><div></div>");
    }

    #[test]
    fn answers_between_quoted_lines_stay() {
        let inline = "On 2 May 2024, Ann wrote:\n> One?\n\nYes.\n\n> Two?\n\nNo.\n";
        assert_eq!(split_text(inline), Split::whole(inline));
        let rest = split_text(&format!("{inline}\n> The rest\n> of it\n"));
        assert_eq!(rest.reply, inline.trim_end());
        assert_eq!(rest.quoted, "> The rest\n> of it\n");
        let html = "<blockquote type=cite>One?</blockquote><p>Yes.</p><blockquote type=cite>Two?</blockquote><p>No.</p>";
        assert_eq!(split_html(html), Split::whole(html));
    }

    #[test]
    fn a_reply_under_one_quote_is_found() {
        let split = split_text("On 2 May 2024, Ann wrote:\n> Hi\n> you\n\nHello\n");
        assert_eq!(
            (split.reply.as_str(), split.quoted.as_str()),
            ("Hello", "On 2 May 2024, Ann wrote:\n> Hi\n> you")
        );
    }

    #[test]
    fn a_reply_is_never_blank() {
        for text in [
            "",
            "> only\n> quoted",
            "On 2 May 2024, Ann wrote:\n\nHi",
            "-----Original Message-----\nHi",
            "\n\n> x",
        ] {
            assert_eq!(split_text(text), Split::whole(text));
        }
        for html in ["", "<blockquote type=cite>x</blockquote>", "<div class=yahoo_quoted>x</div>"] {
            assert_eq!(split_html(html), Split::whole(html));
        }
    }

    #[test]
    fn prose_that_looks_like_a_marker_stays() {
        for text in [
            "On the one hand, 2 things.\n\nOn the other hand:\n\nnothing.",
            "From: our database\nand more",
            "See https://example.com/on-2024-someone-wrote:\nx",
            "Times:\n2024-01-15 14:30:25\n15.01.2024 14:30\n\nbye",
            "## Key\n----\n1. one\n\n----\n\nend",
            "I paid on 3 May:\n\n- 5 EUR",
        ] {
            assert_eq!(split_text(text), Split::whole(text), "{text}");
        }
    }

    #[test]
    fn markup_of_mail_programs_is_known() {
        for quote in [
            "<div class=\"gmail_quote\">On 2 May 2024, Ann wrote:<br><blockquote class=\"gmail_quote\">Hi</blockquote></div>",
            "<div class=\"moz-cite-prefix\">On 2 May 2024, Ann wrote:</div><blockquote type=\"cite\">Hi</blockquote><br>",
            "<hr><div id=\"divRplyFwdMsg\"><b>From:</b> Ann</div><div>Hi</div>",
            "<div style=\"border-top:solid 1pt\"><p><b>From:</b> Ann<br><b>Sent:</b> Monday<br><b>To:</b> Bo</p></div><p>Hi</p>",
            "<div class=\"yahoo_quoted\"><div>On 2 May</div>Hi</div>",
        ] {
            let split = split_html(&format!("<div>Hello<br></div>{quote}"));
            assert_eq!(to_text(&split.reply), "Hello", "{quote}");
            assert!(to_text(&split.quoted).ends_with("Hi"), "{quote}");
        }
    }

    #[test]
    fn html_that_may_not_be_parsed_is_not_split() {
        let html = format!("Hello{}<blockquote type=cite>Hi", "<div>".repeat(300));
        assert_eq!(split_html(&html), Split::whole(&html));
    }

    fn corpus() -> Option<PathBuf> {
        #[expect(clippy::disallowed_methods, reason = "a test reads where its corpora are")]
        let directory = std::env::var("ANYTIME_CORPUS");
        if directory.is_err() {
            println!("skipped: no corpus");
        }
        directory.ok().map(|directory| Path::new(&directory).join("mail/replies"))
    }

    fn files(directory: &Path) -> Vec<(String, Vec<u8>)> {
        let mut files: Vec<_> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .map(|path| {
                (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap())
            })
            .collect();
        files.sort();
        files
    }

    /// Compares without white space; prints the failures and the score.
    fn score(name: &str, cases: &[(String, String, String)], least: usize) {
        let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut right = 0;
        for (file, expected, found) in cases {
            if squeeze(expected) == squeeze(found) {
                right += 1;
            } else {
                println!("{name}/{file}: expected {:?}, found {:?}", squeeze(expected), squeeze(found));
            }
        }
        println!("{name}: {right} of {}", cases.len());
        assert!(right >= least, "{name}: {right} of {}", cases.len());
    }

    #[test]
    fn text_replies_of_the_corpus_are_found() {
        let Some(directory) = corpus() else { return };
        // Most of these mails start with the same paragraph; signatures stay in the reply.
        let last_words = "varius aliquet nec nec nibh.";
        let signatures = [
            "Sent from my Wiko RIDGE FAB 4G",
            "Gesendet von Outlook",
            "Envoyé à partir de",
            "Get Outlook for",
        ];
        let cases: Vec<_> = files(&directory.join("crisp"))
            .into_iter()
            .filter_map(|(file, bytes)| {
                let text = String::from_utf8(bytes).ok()?;
                let end = text.find(last_words)? + last_words.len();
                let has_signature =
                    signatures.iter().any(|signature| text[end..].trim_start().starts_with(signature));
                (!has_signature).then(|| (file, text[..end].to_owned(), reply(&text)))
            })
            .collect();
        assert!(cases.len() > 30);
        score("crisp", &cases, cases.len());
    }

    #[test]
    fn prose_of_the_corpus_is_left_whole() {
        let Some(directory) = corpus() else { return };
        let whole = [
            "email_1.txt",
            "email_5.txt",
            "email_21.txt",
            "email_not_a_signature.txt",
            "email_not_a_signature_2.txt",
            "email_sent_from_my_not_signature.txt",
            "email_with_regards.txt",
            "email_tricky_1_on_false_positive.txt",
            "email_tricky_2_url_with_wrote.txt",
            "email_tricky_3_code_block.txt",
            "email_tricky_4_from_in_body.txt",
            "email_tricky_6_regards_in_sentence.txt",
            "email_tricky_7_multiple_dashes.txt",
            "email_tricky_8_sent_from_in_content.txt",
            "email_tricky_11_double_signature.txt",
            "email_tricky_13_timestamp_variations.txt",
            "email_tricky_16_unicode_signatures.txt",
            "email_tricky_18_inline_reply.txt",
            "email_tricky_19_quote_without_header.txt",
            "correct_sig.txt",
            "email_emoji.txt",
        ];
        let cases: Vec<_> = files(&directory.join("crisp"))
            .into_iter()
            .filter(|(file, _)| whole.contains(&file.as_str()))
            .map(|(file, bytes)| {
                let text = String::from_utf8(bytes).unwrap();
                (file, text.clone(), reply(&text))
            })
            .collect();
        score("whole", &cases, cases.len());
    }

    #[test]
    fn replies_of_the_other_corpora_are_found() {
        let Some(directory) = corpus() else { return };
        let html: Vec<_> = files(&directory.join("talon/html_replies"))
            .into_iter()
            .map(|(file, bytes)| {
                let html = String::from_utf8_lossy(&bytes).into_owned();
                (file, "Hi. I am fine. Thanks, Alex".to_owned(), to_text(&split_html(&html).reply))
            })
            .collect();
        score("talon html", &html, html.len());
        let parser = mail_parser::MessageParser::default();
        let mut standard = Vec::new();
        for (file, bytes) in files(&directory.join("talon/standard_replies")) {
            let Some(name) = file.strip_suffix(".eml") else {
                continue;
            };
            let expected =
                std::fs::read_to_string(directory.join(format!("talon/standard_replies/{name}_reply_text")))
                    .unwrap_or_else(|_| "Hello".to_owned());
            let message = parser.parse(&bytes).unwrap();
            standard.push((file, expected, reply(&message.body_text(0).unwrap())));
        }
        score("talon text", &standard, standard.len());
        let ends = [
            ("email_1_3.txt", "-Abhishek Kona"),
            ("email_1_4.txt", "problem with it."),
            ("email_2_1.txt", "with a reply"),
            ("email_2_2.txt", "directly above line"),
            ("email_1_6.txt", "of pixels"),
            ("email_one_is_not_on.txt", "when I run..."),
            ("email_bullets.txt", "and another"),
            ("greedy_on.txt", "tunnel is not working."),
            ("pathological.txt", "back to a computer."),
            ("email_1_8.txt", "and under this."),
            ("email_1_2.txt", "to delete them all individually.\""),
        ];
        let github: Vec<_> = files(&directory.join("github"))
            .into_iter()
            .filter_map(|(file, bytes)| {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let (_, end) = ends.iter().find(|(name, _)| *name == file)?;
                let at = text.find(end)? + end.len();
                Some((file, text[..at].to_owned(), reply(&text)))
            })
            .collect();
        score("github", &github, github.len());
    }
}
