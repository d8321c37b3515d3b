//! What templates write often. A module with templates says `use crate::web::filters;`.

use askama::Values;
use askama::filters::Safe;

use super::assets;

/// `{{ "inbox"|icon }}`: a decorative symbol of `static/icons.svg`.
#[askama::filter_fn]
pub fn icon(name: &str, _: &dyn Values) -> askama::Result<Safe<String>> {
    Ok(Safe(format!("<svg class=\"icon\" aria-hidden=\"true\"><use href=\"{}\"/></svg>", symbol_url(name))))
}

/// `{{ "mail"|icon_labelled("E-mail") }}`: a symbol that says something itself.
#[askama::filter_fn]
pub fn icon_labelled(name: &str, _: &dyn Values, label: &str) -> askama::Result<Safe<String>> {
    let (label, url) = (escaped(label), symbol_url(name));
    Ok(Safe(format!("<svg class=\"icon\" role=\"img\" aria-label=\"{label}\"><use href=\"{url}\"/></svg>")))
}

/// `{{ "base.css"|asset }}`: the URL of a static file, with its version.
#[askama::filter_fn]
pub fn asset(name: &str, _: &dyn Values) -> askama::Result<String> {
    Ok(assets::url(name))
}

/// `{{ name|avatar }}`: initials on a colour of their own, decorative because the name stands beside it.
#[askama::filter_fn]
pub fn avatar(name: &str, _: &dyn Values) -> askama::Result<Safe<String>> {
    Ok(Safe(format!(
        "<span class=\"avatar avatar-{}\" aria-hidden=\"true\">{}</span>",
        colour(name),
        escaped(&initials(name))
    )))
}

/// `{{ name|avatar_assigned }}`: the same standing alone in a list, with the name for who cannot see it.
#[askama::filter_fn]
pub fn avatar_assigned(name: &str, _: &dyn Values) -> askama::Result<Safe<String>> {
    let label = escaped(name);
    Ok(Safe(format!(
        "<span class=\"avatar avatar-{}\" role=\"img\" aria-label=\"Assigned to {label}\" title=\"{label}\">{}</span>",
        colour(name),
        escaped(&initials(name))
    )))
}

/// `{{ bytes|size }}`: `1.2 MB`, as `static/base.js` writes it.
#[askama::filter_fn]
pub fn size(bytes: &i64, _: &dyn Values) -> askama::Result<String> {
    Ok(match *bytes {
        bytes if bytes < 1_000 => format!("{bytes} B"),
        bytes if bytes < 1_000_000 => format!("{} kB", (bytes + 500) / 1_000),
        bytes => format!("{:.1} MB", bytes as f64 / 1e6),
    })
}

/// `{{ total|count }}`: `1,284`.
#[askama::filter_fn]
pub fn count(number: &i64, _: &dyn Values) -> askama::Result<String> {
    Ok(grouped(*number))
}

fn grouped(number: i64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.char_indices() {
        if 0 < index && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn symbol_url(name: &str) -> String {
    [&assets::url("icons.svg"), "#", name].concat()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

/// The first letters of the first and the last word; one letter for an address.
fn initials(name: &str) -> String {
    let letter = |word: &str| word.chars().find(|c| c.is_alphanumeric());
    let words: Vec<&str> = name.split_whitespace().filter(|word| letter(word).is_some()).collect();
    let last = words.last().filter(|_| 1 < words.len());
    let letters = words.first().into_iter().chain(last).filter_map(|word| letter(word));
    let initials: String = letters.flat_map(char::to_uppercase).collect();
    if initials.is_empty() { "?".to_owned() } else { initials }
}

/// One of eight colours, always the same for a name.
fn colour(name: &str) -> u32 {
    name.bytes().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(byte))) % 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initials_are_of_the_first_and_the_last_word() {
        assert_eq!(initials("Marta Anna Kowalczyk"), "MK");
        assert_eq!(initials("purchasing@alpine.example"), "P");
        assert_eq!(initials("\"(Ann) -"), "A");
        assert_eq!(initials("…"), "?");
    }

    #[test]
    fn long_numbers_are_grouped_by_three() {
        assert_eq!(grouped(7), "7");
        assert_eq!(grouped(1_284), "1,284");
        assert_eq!(grouped(1_000_000), "1,000,000");
    }
}
