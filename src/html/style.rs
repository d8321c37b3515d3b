//! Inline style, filtered by property and by value: nothing that loads, moves, hides or overlays.

/// Properties that may be set from outside. The sanitiser's own CSS parser gets the same list as a second wall.
pub(super) const PROPERTIES: &[&str] = &[
    "background",
    "background-color",
    "border",
    "border-bottom",
    "border-bottom-color",
    "border-bottom-style",
    "border-bottom-width",
    "border-collapse",
    "border-color",
    "border-left",
    "border-left-color",
    "border-left-style",
    "border-left-width",
    "border-radius",
    "border-right",
    "border-right-color",
    "border-right-style",
    "border-right-width",
    "border-spacing",
    "border-style",
    "border-top",
    "border-top-color",
    "border-top-style",
    "border-top-width",
    "border-width",
    "color",
    "direction",
    "font",
    "font-family",
    "font-size",
    "font-style",
    "font-variant",
    "font-weight",
    "height",
    "line-height",
    "list-style-type",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "max-height",
    "max-width",
    "min-height",
    "min-width",
    "overflow-wrap",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "text-align",
    "text-decoration",
    "text-indent",
    "text-transform",
    "vertical-align",
    "white-space",
    "width",
    "word-break",
    "word-wrap",
];

/// The declarations of a style attribute that are allowed; `None` when none is left.
pub(super) fn filter(style: &str) -> Option<String> {
    let allowed: Vec<String> = style.split(';').filter_map(declaration).collect();
    (!allowed.is_empty()).then(|| allowed.join(";"))
}

fn declaration(text: &str) -> Option<String> {
    let (name, value) = text.split_once(':')?;
    let name = name.trim().to_ascii_lowercase();
    let value = value.trim();
    let value = value.strip_suffix("!important").map_or(value, str::trim_end);
    let is_allowed = PROPERTIES.binary_search(&name.as_str()).is_ok() && is_value_allowed(&name, value);
    is_allowed.then(|| format!("{name}:{value}"))
}

fn is_value_allowed(name: &str, value: &str) -> bool {
    if value.is_empty() || value.len() > 300 {
        return false;
    }
    if value.contains(['"', '\'']) {
        return matches!(name, "font" | "font-family") && are_strings_closed(value);
    }
    let mut rest = value;
    while let Some(open) = rest.find('(') {
        let function = rest[..open].rsplit([' ', ',']).next().unwrap_or_default();
        let is_color =
            ["rgb", "rgba", "hsl", "hsla"].iter().any(|color| function.eq_ignore_ascii_case(color));
        let Some(close) = rest.find(')') else { return false };
        let inside =
            close > open && rest[open + 1..close].bytes().all(|byte| b"0123456789., %/".contains(&byte));
        if !is_color || !inside {
            return false;
        }
        rest = &rest[close + 1..];
    }
    !rest.contains(')')
        && value
            .split([' ', '\t', '\r', '\n', ',', '/', '(', ')'])
            .all(|word| word.is_empty() || is_word_allowed(word))
}

/// Font lists with quoted names: plain characters only, every string closed.
fn are_strings_closed(value: &str) -> bool {
    let mut quote = None;
    for character in value.chars() {
        match (character, quote) {
            ('"' | '\'', None) => quote = Some(character),
            ('"' | '\'', Some(open)) if open == character => quote = None,
            (' ' | ',' | '-' | '_' | '.' | '%' | '/', _) => {}
            _ if character.is_alphanumeric() => {}
            _ => return false,
        }
    }
    quote.is_none()
}

fn is_word_allowed(word: &str) -> bool {
    if let Some(hex) = word.strip_prefix('#') {
        return matches!(hex.len(), 3 | 4 | 6 | 8) && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    if word.starts_with(|character: char| character.is_ascii_digit() || character == '.') {
        return is_length_bounded(word);
    }
    let mut characters = word.chars();
    characters.next().is_some_and(char::is_alphabetic)
        && characters.all(|character| character.is_alphanumeric() || matches!(character, '-' | '_'))
}

/// A number that cannot push the text off the page; never negative.
fn is_length_bounded(word: &str) -> bool {
    let unit_start =
        word.find(|character: char| !character.is_ascii_digit() && character != '.').unwrap_or(word.len());
    let Ok(number) = word[..unit_start].parse::<f64>() else {
        return false;
    };
    let limit = match word[unit_start..].to_ascii_lowercase().as_str() {
        "" | "px" | "pt" => 2_000.0,
        "em" | "rem" | "ex" | "ch" | "cm" | "in" | "pc" => 100.0,
        "mm" => 1_000.0,
        "%" => 500.0,
        _ => return false,
    };
    number <= limit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_sorted_for_the_search() {
        assert!(PROPERTIES.is_sorted());
    }

    #[test]
    fn plain_looks_survive() {
        for style in [
            "color:red",
            "background:#fff",
            "margin:0 auto",
            "border-left:1px solid rgb(204, 204, 204)",
            "font-family:\"Segoe UI\", 微软雅黑, sans-serif",
            "font:12px/1.5 Arial",
            "width:100%",
        ] {
            assert_eq!(filter(style).as_deref(), Some(style));
        }
        assert_eq!(filter("COLOR : Red !important; position:fixed").as_deref(), Some("color:Red"));
    }

    #[test]
    fn what_loads_moves_hides_or_overlays_is_dropped() {
        for style in [
            "position:fixed",
            "background:url(//e)",
            "background:URL('http://e')",
            "background:image-set('x' 1x)",
            "color:var(--x)",
            "color:expression(alert(1))",
            "color:\\75rl(x)",
            "width:9999px",
            "width:100vw",
            "margin:-20px",
            "text-indent:-9999px",
            "font-family:'a\\'",
            "font-family:'open",
            "font-family:a</style>",
            "color:red/**/",
            "@import 'x'",
            "display:none",
            "color:rgb(1,2,3",
            "color:rgb(url(x))",
            "--x:1",
        ] {
            assert_eq!(filter(style), None, "{style}");
        }
    }
}
