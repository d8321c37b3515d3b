//! The few signs the demo's texts are written with, as HTML and as plain text. Blocks are separated by blank
//! lines: a paragraph, a list (`- `), a table (`| a | b |`) or a quotation (`> `). Inside a line: `**bold**`,
//! `[text](url)`, and in notes `@Name of an agent`.

use super::company;

#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Body {
    pub html: String,
    pub plain: String,
    /// Agents that are mentioned, in order.
    pub mentions: Vec<i64>,
}

pub fn body(text: &str) -> Body {
    let mut body = Body::default();
    for block in text.trim().split("\n\n") {
        let lines: Vec<&str> = block.lines().collect();
        let all_start = |sign: &str| lines.iter().all(|line| line.starts_with(sign));
        if all_start("- ") {
            body.wrap("<ul>", "</ul>", &lines, |body, line| body.wrapped("li", &line[2..]));
        } else if all_start("| ") {
            body.wrap("<table><tbody>", "</tbody></table>", &lines, Body::row);
        } else if all_start("> ") {
            let inner: Vec<&str> = lines.iter().map(|line| &line[2..]).collect();
            body.html.push_str("<blockquote>");
            body.paragraph(&inner);
            body.html.push_str("</blockquote>");
        } else {
            body.paragraph(&lines);
        }
        if !body.plain.is_empty() {
            body.plain.push_str("\n\n");
        }
        body.plain.push_str(&plain(block));
    }
    body
}

impl Body {
    fn wrap(&mut self, open: &str, close: &str, lines: &[&str], each: impl Fn(&mut Self, &str)) {
        self.html.push_str(open);
        for line in lines {
            each(self, line);
        }
        self.html.push_str(close);
    }

    fn row(&mut self, line: &str) {
        self.html.push_str("<tr>");
        for cell in line.trim_matches('|').split('|') {
            self.wrapped("td", cell.trim());
        }
        self.html.push_str("</tr>");
    }

    fn paragraph(&mut self, lines: &[&str]) {
        self.html.push_str("<p>");
        for (index, line) in lines.iter().enumerate() {
            if 0 < index {
                self.html.push_str("<br>");
            }
            self.inline(line);
        }
        self.html.push_str("</p>");
    }

    fn wrapped(&mut self, element: &str, text: &str) {
        self.html.push_str(&["<", element, ">"].concat());
        self.inline(text);
        self.html.push_str(&["</", element, ">"].concat());
    }

    fn inline(&mut self, text: &str) {
        let Some(at) = text.find(['*', '[', '@']) else {
            return escape(&mut self.html, text);
        };
        escape(&mut self.html, &text[..at]);
        let rest = &text[at..];
        if let Some((bold, after)) = rest.strip_prefix("**").and_then(|rest| rest.split_once("**")) {
            self.wrapped("b", bold);
            self.inline(after);
        } else if let Some((label, url, after)) = link(rest) {
            self.html.push_str("<a href=\"");
            escape(&mut self.html, url);
            self.html.push_str("\" rel=\"noopener noreferrer\">");
            escape(&mut self.html, label);
            self.html.push_str("</a>");
            self.inline(after);
        } else if let Some((id, name)) = mentioned(rest) {
            self.html.push_str(&format!("<span data-id=\"{id}\" class=\"athighlight\">@{name}</span>"));
            if !self.mentions.contains(&id) {
                self.mentions.push(id);
            }
            self.inline(&rest[1 + name.len()..]);
        } else {
            escape(&mut self.html, &rest[..1]);
            self.inline(&rest[1..]);
        }
    }
}

/// The label, the address and what follows of a text that begins with a link.
fn link(text: &str) -> Option<(&str, &str, &str)> {
    let (label, rest) = text.strip_prefix('[')?.split_once("](")?;
    let (url, after) = rest.split_once(')')?;
    Some((label, url, after))
}

fn mentioned(text: &str) -> Option<(i64, &'static str)> {
    let rest = text.strip_prefix('@')?;
    (1..)
        .zip(company::AGENTS)
        .find(|(_, agent)| rest.starts_with(agent.name))
        .map(|(id, agent)| (id, agent.name))
}

fn plain(block: &str) -> String {
    let mut text = block.replace("**", "");
    while let Some(start) = text.find('[') {
        let Some((label, url, after)) = link(&text[start..]) else {
            break;
        };
        text = format!("{}{label}: {url}{after}", &text[..start]);
    }
    text
}

fn escape(html: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            _ => html.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_become_elements_and_text_is_escaped() {
        let body = body(
            "Hi & bye,\n**now** see [the size chart](https://fernweh-bikes.example/sizes).\n\n\
             - one\n- two\n\n| a | b |\n\n> old",
        );
        assert_eq!(
            body.html,
            "<p>Hi &amp; bye,<br><b>now</b> see <a href=\"https://fernweh-bikes.example/sizes\" \
             rel=\"noopener noreferrer\">the size chart</a>.</p><ul><li>one</li><li>two</li></ul>\
             <table><tbody><tr><td>a</td><td>b</td></tr></tbody></table><blockquote><p>old</p></blockquote>"
        );
        assert_eq!(
            body.plain,
            "Hi & bye,\nnow see the size chart: https://fernweh-bikes.example/sizes.\n\n\
             - one\n- two\n\n| a | b |\n\n> old"
        );
    }

    #[test]
    fn an_agent_is_mentioned_by_name() {
        let body = body("@Ann Becker please look, not @Nobody or mail@example.org");
        assert_eq!(body.mentions, [1]);
        assert!(
            body.html.starts_with("<p><span data-id=\"1\" class=\"athighlight\">@Ann Becker</span> please"),
            "{}",
            body.html
        );
    }
}
