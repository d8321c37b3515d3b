//! How texts are compared: folded, so that case does not matter in any script. SQLite's own folding knows ASCII only;
//! these functions are therefore registered with every connection, and both interpreters run the same code.

use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::ValueRef;

/// Lower case, letter by letter. A final sigma is a sigma.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars()
        .flat_map(char::to_lowercase)
        .map(|character| if character == 'ς' { 'σ' } else { character })
        .collect()
}

/// Whether `text` is `folded`, whatever its case.
pub fn is(text: &str, folded: &str) -> bool {
    if text.is_ascii() { text.eq_ignore_ascii_case(folded) } else { fold(text) == folded }
}

/// Whether `folded` is somewhere in `text`, whatever its case.
pub fn contains(text: &str, folded: &str) -> bool {
    if !text.is_ascii() {
        return fold(text).contains(folded);
    }
    let (text, folded) = (text.as_bytes(), folded.as_bytes());
    let Some(first) = folded.first() else { return true };
    let upper = first.to_ascii_uppercase();
    text.windows(folded.len())
        .any(|window| (window[0] == *first || window[0] == upper) && window.eq_ignore_ascii_case(folded))
}

/// Gives a connection `text_is(text, folded)` and `text_contains(text, folded)`; NULL is no text and passes nothing.
pub fn register(connection: &Connection) -> rusqlite::Result<()> {
    let flags =
        FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_INNOCUOUS;
    connection.create_scalar_function("text_is", 2, flags, |context| compare(context, is))?;
    connection.create_scalar_function("text_contains", 2, flags, |context| compare(context, contains))?;
    Ok(())
}

fn compare(context: &Context<'_>, test: fn(&str, &str) -> bool) -> rusqlite::Result<bool> {
    match (context.get_raw(0), context.get_raw(1)) {
        (text @ ValueRef::Text(_), folded @ ValueRef::Text(_)) => Ok(test(text.as_str()?, folded.as_str()?)),
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_matter_in_any_script() {
        for (text, other) in
            [("École", "ÉCOLE"), ("Größe", "GRÖßE"), ("ΣΊΣΥΦΟΣ", "σίσυφος"), ("привет", "ПРИВЕТ"), ("a", "A")]
        {
            assert!(is(text, &fold(other)), "{text} {other}");
            assert!(contains(&["x", text, "y"].concat(), &fold(other)), "{text} {other}");
        }
        assert!(!is("ecole", &fold("École")));
        assert!(contains("anything", ""));
        assert!(!contains("", "a"));
        assert!(!contains("ab", "abc"));
        assert!(contains("xxABCx", "abc"));
        // The sign for kelvin folds to an ASCII letter.
        assert!(contains("300 \u{212a}", "k"));
    }
}
