//! @mentions: `<span class="athighlight" data-id="7">`, quoted or not.

use super::token::{Tag, Token, tokens};

/// The class of the span that mentions an agent.
pub(super) const CLASS: &str = "athighlight";

/// The agents mentioned, each once, in order of first appearance.
pub fn mentions(html: &str) -> Vec<i64> {
    let mut ids = Vec::new();
    for token in tokens(html) {
        if let Token::Open(tag) = token
            && let Some(id) = mentioned(&tag)
            && !ids.contains(&id)
        {
            ids.push(id);
        }
    }
    ids
}

fn mentioned(tag: &Tag<'_>) -> Option<i64> {
    let is_mention = tag.name == "span" && has_class(&tag.attribute("class")?);
    is_mention.then(|| agent_id(&tag.attribute("data-id")?)).flatten()
}

pub(super) fn has_class(classes: &str) -> bool {
    classes.split_ascii_whitespace().any(|class| class == CLASS)
}

pub(super) fn agent_id(value: &str) -> Option<i64> {
    let is_digits = value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|&id| is_digits && id > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_attribute_forms_are_read() {
        let html = r#"<span data-id="7" class="athighlight">@Ann</span> <span class=athighlight data-id=12>@Bo</span>
            <SPAN CLASS='x athighlight' data-id='7'>again</SPAN>"#;
        assert_eq!(mentions(html), [7, 12]);
    }

    #[test]
    fn anything_else_is_no_mention() {
        let html = "<span data-id=7>a</span><b class=athighlight data-id=7>b</b><span class=athighlight data-id=-7>\
                    <span class=athighlight data-id=x><span class=athighlights data-id=7>\
                    <!-- <span class=athighlight data-id=7> -->";
        assert!(mentions(html).is_empty());
    }
}
