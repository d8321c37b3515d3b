//! Where a search found something: a stretch of the text around the first word, with the words pointed out. The index
//! keeps no texts, so this looks at the few conversations of a page.

use std::collections::HashMap;

use super::Search;
use crate::db::Snapshot;
use crate::error::{Error, Result};
use crate::ids::ConversationId;
use crate::rules::text;

/// A stretch of text; some of it is what was looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub text: String,
    pub is_hit: bool,
}

/// Characters shown before the first hit, and in all.
const BEFORE: usize = 40;
const LENGTH: usize = 180;

/// For agents: the first message of each conversation that has one of the words; none where only the subject or the
/// contact has.
pub fn of_each(
    s: &Snapshot<'_>,
    search: &Search,
    ids: &[ConversationId],
) -> Result<HashMap<ConversationId, Vec<Part>>> {
    let words = search.words();
    let mut snippets = HashMap::new();
    if words.is_empty() {
        return Ok(snippets);
    }
    let ids = serde_json::to_string(ids).map_err(Error::internal)?;
    let bodies: Vec<(ConversationId, String)> = s.all(
        "SELECT conversation_id, substr(plain_body, 1, 20000) FROM message
         WHERE conversation_id IN (SELECT value FROM json_each(?)) ORDER BY conversation_id, id",
        [ids],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    for (id, body) in bodies {
        if let std::collections::hash_map::Entry::Vacant(place) = snippets.entry(id)
            && let Some(parts) = cut(&body, &words)
        {
            place.insert(parts);
        }
    }
    Ok(snippets)
}

/// Points the words out in a whole text, such as a subject.
pub fn mark(written: &str, search: &Search) -> Vec<Part> {
    let letters: Vec<char> = written.chars().collect();
    parts(&letters, &hits(&letters, &search.words()))
}

/// The stretch around the first hit; `None` when there is none.
fn cut(body: &str, words: &[String]) -> Option<Vec<Part>> {
    let letters: Vec<char> = body.split_whitespace().collect::<Vec<_>>().join(" ").chars().collect();
    let hits = hits(&letters, words);
    let first = hits.iter().position(|is_hit| *is_hit)?;
    let mut start = first.saturating_sub(BEFORE);
    if 0 < start {
        // Begin with a whole word.
        start += letters[start..first].iter().position(|letter| *letter == ' ').map_or(0, |blank| blank + 1);
    }
    let end = (start + LENGTH).min(letters.len());
    let mut found = parts(&letters[start..end], &hits[start..end]);
    if 0 < start {
        found.insert(0, Part { text: "… ".to_owned(), is_hit: false });
    }
    if end < letters.len() {
        found.push(Part { text: " …".to_owned(), is_hit: false });
    }
    Some(found)
}

/// For each character whether it belongs to a word that begins at the beginning of one.
fn hits(letters: &[char], words: &[String]) -> Vec<bool> {
    // Folding may change the number of characters of a few; those are compared as they are.
    let folded: Vec<char> = letters
        .iter()
        .map(|letter| {
            let folded: Vec<char> = text::fold(&letter.to_string()).chars().collect();
            if folded.len() == 1 { folded[0] } else { *letter }
        })
        .collect();
    let mut hits = vec![false; letters.len()];
    for word in words {
        let word: Vec<char> = word.trim_matches(|it: char| !it.is_alphanumeric()).chars().collect();
        if word.is_empty() {
            continue;
        }
        let starts = |at: usize| {
            folded[at..].starts_with(&word)
                && (at == 0 || super::is_dense(folded[at]) || !folded[at - 1].is_alphanumeric())
        };
        for at in (0..folded.len()).filter(|at| starts(*at)).collect::<Vec<_>>() {
            hits[at..at + word.len()].fill(true);
        }
    }
    hits
}

fn parts(letters: &[char], hits: &[bool]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    for (letter, is_hit) in letters.iter().zip(hits) {
        match parts.last_mut().filter(|part| part.is_hit == *is_hit) {
            Some(part) => part.text.push(*letter),
            None => parts.push(Part { text: letter.to_string(), is_hit: *is_hit }),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desk::search::parse;

    fn shown(body: &str, written: &str) -> String {
        let parts = cut(body, &parse(written).words()).unwrap_or_default();
        parts
            .iter()
            .map(|part| if part.is_hit { format!("[{}]", part.text) } else { part.text.clone() })
            .collect()
    }

    #[test]
    fn the_words_are_pointed_out_where_they_begin() {
        assert_eq!(
            shown("Where is my\n  Refund? I want refunds.", "refund"),
            "Where is my [Refund]? I want [refund]s."
        );
        assert_eq!(shown("我的订单号", "订单"), "我的[订单]号");
        assert_eq!(shown("unrefundable", "fund"), "");
    }

    #[test]
    fn a_long_text_is_cut_around_the_first_one() {
        let text = ["before ".repeat(50), "needle ".to_owned(), "after ".repeat(100)].concat();
        let cut = shown(&text, "needle");
        assert!(cut.starts_with("… before") && cut.contains("[needle]") && cut.ends_with('…'), "{cut}");
        assert!(cut.chars().count() < 200);
    }
}
