//! What somebody typed into a search box, as an expression of FTS5. Every word is quoted, so that no text is an error;
//! "several words" in quotes stand together in this order; a word with a star at its end is the beginning of one.

use super::{NUMBER, is_dense};
use crate::desk::code::{Channel, Priority, Status};
use crate::rules::text;

/// A search that `conversation::list` understands.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Search {
    terms: Vec<Term>,
    pub operators: Vec<Operator>,
}

/// Words that must occur.
#[derive(Debug, Clone, PartialEq)]
struct Term {
    text: String,
    column: Column,
    is_prefix: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Any,
    Number,
    Subject,
    Contact,
}

/// What the console's box understands beside words, as in `status:closed`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operator {
    Status(Status),
    Priority(Priority),
    Channel(Channel),
    /// The name of a tag.
    Tag(String),
    HasAttachment,
    IsUnread,
}

/// Words at most; more are left out.
const TERMS: usize = 20;

/// Words and phrases; everything is text, also what looks like an operator.
pub fn parse(written: &str) -> Search {
    let terms =
        pieces(written).into_iter().flat_map(|piece| terms(&piece, Column::Any)).take(TERMS).collect();
    Search { terms, operators: Vec::new() }
}

/// Words, phrases and operators; the last word may still be typed, so that its beginning is enough.
pub fn parse_with_operators(written: &str) -> Search {
    let mut search = Search::default();
    for piece in pieces(written) {
        match operator(&piece) {
            Some(Asked::Operator(operator)) => search.operators.push(operator),
            Some(Asked::Words(words)) => search.terms.extend(words),
            None => search.terms.extend(terms(&piece, Column::Any)),
        }
    }
    search.terms.truncate(TERMS);
    let is_typing = written.chars().next_back().is_some_and(char::is_alphanumeric);
    if let Some(last) = search.terms.last_mut().filter(|last| is_typing && last.column != Column::Number) {
        last.is_prefix = true;
    }
    search
}

impl Search {
    /// Nothing to look for, for example only punctuation.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.operators.is_empty()
    }

    pub fn has_words(&self) -> bool {
        !self.terms.is_empty()
    }

    /// The expression that must match: every term, in any order.
    pub fn expression(&self) -> String {
        let mut out = String::new();
        for term in &self.terms {
            if !out.is_empty() {
                out.push_str(" AND ");
            }
            out.push_str(match term.column {
                Column::Any => "",
                Column::Number => "number : ",
                Column::Subject => "subject : ",
                Column::Contact => "contact : ",
            });
            out.push('"');
            out.push_str(&term.text.replace('"', "\"\""));
            out.push('"');
            if term.is_prefix {
                out.push_str(" *");
            }
        }
        out
    }

    /// The words to point out, folded: as they are written, not as they are stored.
    pub(super) fn words(&self) -> Vec<String> {
        let words = self.terms.iter().filter(|term| term.column != Column::Number).map(|term| {
            let is_pairs = term.text.chars().any(is_dense) && term.text.contains(' ');
            text::fold(&if is_pairs { joined(&term.text) } else { term.text.clone() })
        });
        words.collect()
    }
}

/// The run that pairs came from.
fn joined(pairs: &str) -> String {
    let mut run = String::new();
    for pair in pairs.split(' ') {
        run.extend(pair.chars().take(1));
    }
    run.extend(pairs.chars().next_back());
    run
}

/// A word, or what stands between quotes.
#[derive(Debug, PartialEq, Eq)]
struct Piece {
    /// Before a colon, as in `from:ann`.
    key: String,
    text: String,
    is_quoted: bool,
}

/// A quote that is not closed reaches to the end.
fn pieces(written: &str) -> Vec<Piece> {
    let written: String =
        written.chars().map(|it| if matches!(it, '“' | '”' | '„') { '"' } else { it }).take(1000).collect();
    let mut pieces = Vec::new();
    let mut rest = written.trim_start();
    while !rest.is_empty() {
        let start = rest.find(|it: char| it.is_whitespace() || it == '"').unwrap_or(rest.len());
        let (word, after) = rest.split_at(start);
        let key = word.strip_suffix(':').unwrap_or_default().to_owned();
        match after.strip_prefix('"') {
            Some(quoted) if word.is_empty() || !key.is_empty() => {
                let end = quoted.find('"').unwrap_or(quoted.len());
                pieces.push(Piece { key, text: quoted[..end].to_owned(), is_quoted: true });
                rest = quoted.get(end + 1..).unwrap_or_default();
            }
            _ => {
                let (key, text) = word.split_once(':').unwrap_or(("", word));
                pieces.push(Piece { key: key.to_owned(), text: text.to_owned(), is_quoted: false });
                rest = after;
            }
        }
        rest = rest.trim_start();
    }
    pieces
}

enum Asked {
    Operator(Operator),
    Words(Vec<Term>),
}

/// What a piece with a key asks for; `None` when it is text after all.
fn operator(piece: &Piece) -> Option<Asked> {
    let text = piece.text.trim();
    let words = |column| {
        let words =
            terms(&Piece { key: String::new(), text: text.to_owned(), is_quoted: piece.is_quoted }, column);
        (!words.is_empty()).then_some(Asked::Words(words))
    };
    let operator = match piece.key.to_ascii_lowercase().as_str() {
        "status" => Operator::Status(Status::parse_with_aliases(text)?),
        "priority" => Operator::Priority(Priority::parse(text)?),
        "channel" => Operator::Channel(Channel::parse(text)?),
        "tag" if !text.is_empty() => Operator::Tag(text.to_owned()),
        "has" if text.eq_ignore_ascii_case("attachment") => Operator::HasAttachment,
        "is" if text.eq_ignore_ascii_case("unread") => Operator::IsUnread,
        "is" => Operator::Status(match text.to_ascii_lowercase().as_str() {
            "closed" => Status::Closed,
            "new" => Status::New,
            _ => return None,
        }),
        "from" => return words(Column::Contact),
        "subject" => return words(Column::Subject),
        _ => return None,
    };
    Some(Asked::Operator(operator))
}

/// The terms of a piece: without its marks it may be none, and a change of script begins a new one.
fn terms(piece: &Piece, column: Column) -> Vec<Term> {
    let whole = match piece.key.as_str() {
        "" => piece.text.clone(),
        key => [key, ":", &piece.text].concat(),
    };
    if let Some(number) = whole.strip_prefix('#').filter(|rest| !rest.is_empty() && column == Column::Any)
        && number.bytes().all(|byte| byte.is_ascii_digit())
    {
        let number = number.trim_start_matches('0');
        let text = [NUMBER, number].concat();
        return vec![Term { text, column: Column::Number, is_prefix: false }];
    }
    let is_prefix = !piece.is_quoted && whole.ends_with('*');
    let mut terms: Vec<Term> = Vec::new();
    let mut run = String::new();
    let mut push = |run: &mut String| {
        let text = std::mem::take(run);
        if text.chars().any(char::is_alphanumeric) {
            terms.push(term(text, column));
        }
    };
    let mut was_dense = false;
    for letter in whole.chars() {
        let is_new_script = is_dense(letter) != was_dense && (is_dense(letter) || !letter.is_whitespace());
        if is_new_script && !run.is_empty() {
            push(&mut run);
        }
        was_dense = is_dense(letter);
        run.push(letter);
    }
    push(&mut run);
    if let Some(last) = terms.last_mut() {
        last.is_prefix |= is_prefix;
    }
    terms
}

/// A run of one script. A single character without blanks around it is the beginning of a pair.
fn term(text: String, column: Column) -> Term {
    let letters: Vec<char> = text.chars().filter(|letter| is_dense(*letter)).collect();
    match letters.len() {
        0 => Term { text, column, is_prefix: false },
        1 => Term { text: letters.into_iter().collect(), column, is_prefix: true },
        _ => {
            let pairs: Vec<String> = letters.windows(2).map(|pair| pair.iter().collect()).collect();
            Term { text: pairs.join(" "), column, is_prefix: false }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(written: &str) -> String {
        parse(written).expression()
    }

    #[test]
    fn every_word_is_quoted() {
        assert_eq!(expression("refund order"), "\"refund\" AND \"order\"");
        assert_eq!(expression("a OR b NEAR(c) -d ^e {f}:g"), {
            "\"a\" AND \"OR\" AND \"b\" AND \"NEAR(c)\" AND \"-d\" AND \"^e\" AND \"{f}:g\""
        });
        assert_eq!(expression("ann@example.com"), "\"ann@example.com\"");
        assert_eq!(expression("5\" screen"), "\"5\" AND \" screen\"");
        assert_eq!(expression("inv*"), "\"inv*\" *");
    }

    #[test]
    fn phrases_stay_together_and_an_open_quote_reaches_to_the_end() {
        assert_eq!(expression("\"not yet arrived\" box"), "\"not yet arrived\" AND \"box\"");
        assert_eq!(expression("“not yet” \"and so"), "\"not yet\" AND \"and so\"");
    }

    #[test]
    fn marks_alone_are_nothing() {
        for written in ["", "  ", "!!!", "\"", "\"\"", "#", "* ( ) -", "\u{200b}"] {
            assert!(parse(written).is_empty(), "{written}");
        }
    }

    #[test]
    fn a_number_with_a_hash_is_a_conversation() {
        assert_eq!(expression("#12"), "number : \"conversationnumber12\"");
        assert_eq!(expression("12"), "\"12\"");
        assert_eq!(expression("#12a"), "\"#12a\"");
    }

    #[test]
    fn scripts_without_blanks_are_asked_for_in_pairs() {
        assert_eq!(expression("订单号"), "\"订单 单号\"");
        assert_eq!(expression("订"), "\"订\" *");
        assert_eq!(expression("AB订单12"), "\"AB\" AND \"订单\" AND \"12\"");
        assert_eq!(parse("订单号 Refund").words(), ["订单号", "refund"]);
    }

    #[test]
    fn operators_are_understood_and_what_is_none_is_text() {
        let search =
            parse_with_operators("status:Closed tag:\"big fish\" has:attachment from:ann subject:box lamp");
        assert_eq!(
            search.operators,
            [Operator::Status(Status::Closed), Operator::Tag("big fish".to_owned()), Operator::HasAttachment]
        );
        assert_eq!(search.expression(), "contact : \"ann\" AND subject : \"box\" AND \"lamp\" *");
        let text = parse_with_operators("status:asleep https://x.example/ ");
        assert_eq!(text.operators, []);
        assert_eq!(text.expression(), "\"status:asleep\" AND \"https://x.example/\"");
    }
}
