//! The sanitiser: an allow-list over a gated parse. Its output is final: nothing edits it but
//! [`with_remote_images`], which only moves an address from one attribute to another.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use ammonia::{Builder, UrlRelative, UrlRelativeEvaluate};
use url::Url;

use super::token::{Tag, Token, decode, escape, escape_attribute, tokens};
use super::{gate, mention, style, text};

/// Holds the address of a remote image until the reader asks for it.
const REMOTE: &str = "data-remote-src";
const MAX_ID_DIGITS: usize = 19;

/// A body that is safe to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clean {
    pub html: String,
    /// The original was too complex to parse: this is its text, without layout.
    pub is_simplified: bool,
    /// Some images carry `data-remote-src` and no `src`; see [`with_remote_images`].
    pub has_remote_images: bool,
}

/// Sanitises a mail from outside. `cid` gives the URL of an inline part of the same message by its Content-ID
/// (without angle brackets); an image it does not know leaves its alternative text.
pub fn sanitize_mail(html: &str, cid: &dyn Fn(&str) -> Option<String>) -> Clean {
    sanitize(html, Origin::Mail, &|source| {
        let id =
            source.get(..4).filter(|scheme| scheme.eq_ignore_ascii_case("cid:")).map(|_| &source[4..])?;
        cid(id.trim_start_matches('<').trim_end_matches('>'))
    })
}

/// Sanitises what agents, portal users and API callers write: the same walls, but mentions and images of our own
/// attachment addresses stay. Remote images are held back here too.
pub fn sanitize_own(html: &str) -> String {
    sanitize(html, Origin::Own, &|source| is_own_attachment(source).then(|| source.to_owned())).html
}

/// Whether a sanitised body has a picture. Text cannot look like one: its angle brackets are written as entities.
pub fn has_image(clean_html: &str) -> bool {
    clean_html.contains("<img")
}

/// Gives the held-back images of a sanitised body their `src` again: http and https only.
pub fn with_remote_images(clean_html: &str) -> String {
    let mut out = String::with_capacity(clean_html.len());
    let mut stream = tokens(clean_html);
    let mut start = 0;
    while let Some(token) = stream.next() {
        let end = stream.offset();
        let shown = match &token {
            Token::Open(tag) => shown_image(tag),
            _ => None,
        };
        match shown {
            Some(image) => out.push_str(&image),
            None => out.push_str(&clean_html[start..end]),
        }
        start = end;
    }
    out
}

fn shown_image(tag: &Tag<'_>) -> Option<String> {
    let url = remote_url(&tag.attribute(REMOTE)?)?;
    (tag.name == "img" && tag.attribute("src").is_none()).then(|| image(tag, "src", url.as_str()))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    Mail,
    Own,
}

fn sanitize(html: &str, origin: Origin, own_image: &dyn Fn(&str) -> Option<String>) -> Clean {
    if gate::check(html).is_err() {
        return simplified(html);
    }
    let (prepared, urls) = settle_images(html, own_image);
    let has_dropped_link = Arc::new(AtomicBool::new(false));
    let builder = builder(origin, urls, Arc::clone(&has_dropped_link));
    let mut html = builder.clean(&prepared).to_string();
    if has_dropped_link.load(Ordering::Relaxed) {
        // A dropped attribute changes the order of the others; the second pass drops nothing.
        html = builder.clean(&html).to_string();
    }
    if html.len() > gate::MAX_OUTPUT_BYTES {
        return simplified(&prepared);
    }
    let has_remote_images = tokens(&html).any(|token| match token {
        Token::Open(tag) => tag.attribute(REMOTE).is_some(),
        _ => false,
    });
    Clean { html, is_simplified: false, has_remote_images }
}

fn simplified(html: &str) -> Clean {
    // Escaping and linking make at most ten bytes of one.
    let text = text::to_text(html);
    let end = text.floor_char_boundary(gate::MAX_OUTPUT_BYTES / 10);
    Clean { html: text::from_text(&text[..end]), is_simplified: true, has_remote_images: false }
}

/// Gives every image of our own its address, moves remote addresses to `data-remote-src` and replaces what is
/// neither by its alternative text. Returns the addresses that images may have, for the sanitiser to insist on.
fn settle_images(html: &str, own_image: &dyn Fn(&str) -> Option<String>) -> (String, HashSet<String>) {
    let mut out = String::with_capacity(html.len());
    let mut urls = HashSet::new();
    let mut stream = tokens(html);
    let mut start = 0;
    while let Some(token) = stream.next() {
        let end = stream.offset();
        match token {
            Token::Open(tag) if matches!(tag.name.as_str(), "img" | "image") => {
                let source = tag.attribute("src").map(|source| url_text(&source));
                let own = source.as_deref().and_then(own_image);
                let remote = source.as_deref().and_then(remote_url);
                let held = || tag.attribute(REMOTE).and_then(|held| remote_url(&held));
                if let Some(url) = own {
                    out.push_str(&image(&tag, "src", &url));
                    urls.insert(url);
                } else if let Some(url) = remote.or_else(held) {
                    out.push_str(&image(&tag, REMOTE, url.as_str()));
                } else if let Some(text) = tag.attribute("alt") {
                    out.push_str(&escape(&text));
                }
            }
            _ => out.push_str(&html[start..end]),
        }
        start = end;
    }
    (out, urls)
}

/// The image with another source; the sanitiser filters its other attributes.
fn image(tag: &Tag<'_>, attribute: &str, url: &str) -> String {
    let mut out = format!("<img {attribute}=\"{}\"", escape_attribute(url));
    for other in &tag.attributes {
        let is_kept = ["alt", "title", "width", "height", "border", "align", "style"]
            .iter()
            .any(|kept| other.name.eq_ignore_ascii_case(kept));
        if is_kept {
            out.push_str(&format!(" {}=\"{}\"", other.name, escape_attribute(&decode(other.raw))));
        }
    }
    out.push('>');
    out
}

/// What a browser makes of an address before it reads it: no tabs, line breaks, outer spaces or control characters.
fn url_text(value: &str) -> String {
    value
        .trim_matches(|character: char| character <= ' ')
        .chars()
        .filter(|character| !matches!(character, '\t' | '\n' | '\r'))
        .collect()
}

fn remote_url(source: &str) -> Option<Url> {
    let source = url_text(source);
    let absolute = if source.starts_with(['/', '\\']) && source[1..].starts_with(['/', '\\']) {
        Cow::Owned(format!("https:{source}"))
    } else {
        Cow::Borrowed(source.as_str())
    };
    Url::parse(&absolute).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

/// `/api/v3/attachments/{guid}/content`, `/console/attachments/{guid}`, `/portal/attachments/{guid}`.
fn is_own_attachment(source: &str) -> bool {
    let guid = ["/console/attachments/", "/portal/attachments/"]
        .iter()
        .find_map(|prefix| source.strip_prefix(prefix))
        .or_else(|| source.strip_prefix("/api/v3/attachments/")?.strip_suffix("/content"));
    guid.is_some_and(|guid| {
        (8..=64).contains(&guid.len()) && guid.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    })
}

static TAGS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    HashSet::from([
        "a",
        "abbr",
        "acronym",
        "address",
        "article",
        "aside",
        "b",
        "bdi",
        "bdo",
        "big",
        "blockquote",
        "br",
        "caption",
        "center",
        "cite",
        "code",
        "col",
        "colgroup",
        "dd",
        "del",
        "dfn",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "font",
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "i",
        "img",
        "ins",
        "kbd",
        "li",
        "main",
        "mark",
        "ol",
        "p",
        "pre",
        "q",
        "rp",
        "rt",
        "ruby",
        "s",
        "samp",
        "section",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "tt",
        "u",
        "ul",
        "var",
        "wbr",
    ])
});

/// Elements that go with everything in them.
static CONTENT_TAGS: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    HashSet::from([
        "applet", "audio", "canvas", "datalist", "embed", "frameset", "iframe", "math", "noembed",
        "noframes", "noscript", "object", "script", "select", "style", "svg", "template", "title", "video",
        "xmp",
    ])
});

static ATTRIBUTES: LazyLock<HashMap<&'static str, HashSet<&'static str>>> = LazyLock::new(|| {
    let cell = ["abbr", "bgcolor", "colspan", "height", "nowrap", "rowspan", "scope", "valign", "width"];
    HashMap::from([
        ("a", HashSet::from(["href"])),
        ("col", HashSet::from(["span", "width"])),
        ("colgroup", HashSet::from(["span", "width"])),
        ("font", HashSet::from(["color", "face", "size"])),
        ("hr", HashSet::from(["size", "width"])),
        ("img", HashSet::from(["alt", "border", REMOTE, "height", "src", "width"])),
        ("li", HashSet::from(["value"])),
        ("ol", HashSet::from(["start", "type"])),
        ("table", HashSet::from(["bgcolor", "border", "cellpadding", "cellspacing", "height", "width"])),
        ("td", HashSet::from(cell)),
        ("th", HashSet::from(cell)),
        ("tr", HashSet::from(["bgcolor", "valign"])),
        ("ul", HashSet::from(["type"])),
    ])
});

/// The only relative addresses there are.
struct Known(HashSet<String>);

impl UrlRelativeEvaluate<'static> for Known {
    fn evaluate<'url>(&self, url: &'url str) -> Option<Cow<'url, str>> {
        self.0.contains(url).then_some(Cow::Borrowed(url))
    }
}

/// The allow-list. It is made per body because the image addresses it insists on belong to that body.
fn builder(
    origin: Origin,
    image_urls: HashSet<String>,
    has_dropped_link: Arc<AtomicBool>,
) -> Builder<'static> {
    let mut attributes = ATTRIBUTES.clone();
    if origin == Origin::Own {
        attributes.insert("span", HashSet::from(["class", "data-id"]));
    }
    let mut builder = Builder::empty();
    builder
        .tags(TAGS.clone())
        .clean_content_tags(CONTENT_TAGS.clone())
        .tag_attributes(attributes)
        .generic_attributes(HashSet::from(["align", "dir", "lang", "style", "title"]))
        .filter_style_properties(style::PROPERTIES.iter().copied().collect())
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel"]))
        // Deny, but for the images settled above.
        .url_relative(UrlRelative::Custom(Box::new(Known(image_urls.clone()))))
        .set_tag_attribute_value("a", "target", "_blank")
        .link_rel(Some("noopener noreferrer nofollow"))
        .strip_comments(true)
        .attribute_filter(move |element, attribute, value| {
            let kept = match (element, attribute) {
                ("a", "href") => link(value),
                ("img", "src") => image_urls.contains(value).then_some(Cow::Borrowed(value)),
                ("img", REMOTE) => remote_url(value).map(|_| Cow::Borrowed(value)),
                ("span", "class") => mention::has_class(value).then_some(Cow::Borrowed(mention::CLASS)),
                ("span", "data-id") => is_mention_id(value).then_some(Cow::Borrowed(value)),
                (_, "style") => style::filter(value).map(Cow::Owned),
                _ => Some(Cow::Borrowed(value)),
            };
            if element == "a" && kept.is_none() {
                has_dropped_link.store(true, Ordering::Relaxed);
            }
            kept
        });
    builder
}

fn is_mention_id(value: &str) -> bool {
    value.len() <= MAX_ID_DIGITS && mention::agent_id(value).is_some()
}

/// Absolute addresses only; a `mailto:` loses its parameters when one of them would attach a file.
fn link(value: &str) -> Option<Cow<'_, str>> {
    let url = Url::parse(value).ok()?;
    let may_attach = url.scheme() == "mailto"
        && url.query().is_some_and(|query| query.to_ascii_lowercase().contains("attach"));
    let end = if may_attach { value.find('?')? } else { value.len() };
    Some(Cow::Borrowed(&value[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(html: &str) -> String {
        sanitize_mail(html, &|_| None).html
    }

    /// What no output may hold, whatever came in.
    fn assert_harmless(html: &str, vector: &str) {
        for token in tokens(html) {
            let Token::Open(tag) = token else { continue };
            assert!(TAGS.contains(tag.name.as_str()), "{} in {html} from {vector}", tag.name);
            for attribute in &tag.attributes {
                let name = attribute.name;
                assert!(
                    !name.starts_with("on") && !matches!(name, "id" | "name" | "srcset" | "background"),
                    "{name}: {html}"
                );
                let value = decode(attribute.raw).to_ascii_lowercase();
                if name == "style" {
                    assert!(!value.contains("url") && !value.contains(['\\', '@', '{']), "{html}");
                }
                if name == "href" {
                    let scheme = value.split(':').next().unwrap_or_default().to_owned();
                    assert!(["http", "https", "mailto", "tel"].contains(&scheme.as_str()), "{html}");
                }
                assert!(name != "src", "{html} from {vector}");
            }
        }
    }

    fn corpus(name: &str) -> Option<String> {
        #[expect(clippy::disallowed_methods, reason = "a test reads where its corpora are")]
        let directory = std::env::var("ANYTIME_CORPUS");
        let Ok(directory) = directory else {
            println!("skipped: no corpus");
            return None;
        };
        Some(std::fs::read_to_string(format!("{directory}/html/{name}")).unwrap())
    }

    fn check_vector(vector: &str) {
        for clean in [mail(vector), sanitize_own(vector)] {
            assert_harmless(&clean, vector);
            assert_eq!(mail(&clean), mail(&mail(&clean)), "{vector}");
        }
        assert_eq!(mail(vector), mail(&mail(vector)), "{vector}");
        assert_eq!(sanitize_own(vector), sanitize_own(&sanitize_own(vector)), "{vector}");
        let shown = with_remote_images(&mail(vector));
        for token in tokens(&shown) {
            if let Token::Open(tag) = token
                && let Some(source) = tag.attribute("src")
            {
                assert!(source.starts_with("http://") || source.starts_with("https://"), "{shown}");
            }
        }
    }

    #[test]
    fn no_tag_that_changes_parsing_is_allowed() {
        let forbidden = [
            "svg",
            "math",
            "style",
            "title",
            "textarea",
            "noscript",
            "iframe",
            "xmp",
            "template",
            "animate",
            "set",
            "object",
            "embed",
            "form",
            "input",
            "button",
            "meta",
            "link",
            "base",
            "video",
            "audio",
            "source",
            "picture",
            "map",
            "area",
            "plaintext",
            "noembed",
            "noframes",
            "annotation-xml",
            "select",
            "image",
        ];
        for tag in forbidden {
            assert!(!TAGS.contains(tag), "{tag}");
        }
    }

    #[test]
    fn mutation_vectors_come_out_harmless_and_stable() {
        for vector in [
            "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
            "<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror=alert(1)&gt;\">",
            "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
            "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
            "<scr<script>ipt>alert(1)</scr</script>ipt>",
            "<a href=\"java\nscript:alert(1)\">x</a><a href=\"&#106avascript:alert(1)\">y</a><a href=//e.com>z</a>",
            "<![CDATA[<img src=x onerror=alert(1)>]]>",
            "<img src=\"x` `<script>alert(1)</script>\"` `>",
            "<table><td><img src='https://e.com/?\"onerror=alert(1)' alt='\"><script>'></table>",
            "<img alt='<img src=x onerror=alert(1)>' src='javascript:x'>",
            "<textarea><img src=https://e.com/x></textarea><xmp><img src=https://e.com/x></xmp>",
            "<div style=\"background:url(//e.com);color:red;position:fixed\" class=x id=y name=z onclick=w>d</div>",
            "<image src=https://e.com/x.png><img srcset=https://e.com/y><body background=https://e.com/z>",
            "<p style='font-family:\"a b\", c'>x<p style=font-size:12px>y",
            "<span class=athighlight data-id=1>x</span><select><option><style></select><img src=x>",
        ] {
            check_vector(vector);
        }
    }

    #[test]
    fn vectors_of_the_corpora_come_out_harmless_and_stable() {
        if let Some(json) = corpus("dompurify.json") {
            let cases: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
            let payloads: Vec<_> = cases.iter().filter_map(|case| case["payload"].as_str()).collect();
            assert!(payloads.len() > 100);
            payloads.into_iter().for_each(check_vector);
        }
        if let Some(json) = corpus("h5sc.json") {
            let cases: Vec<serde_json::Value> = serde_json::from_str(&json).unwrap();
            for payload in cases.iter().filter_map(|case| case["payloads"].as_array()).flatten() {
                let payload = payload.as_str().unwrap_or_default();
                check_vector(
                    &payload
                        .replace("%js_uri_alert%", "javascript:alert(1)")
                        .replace("%js_alert%", "alert(1)"),
                );
            }
        }
    }

    #[test]
    fn nothing_of_the_leak_corpus_is_fetched() {
        let Some(html) = corpus("httpleaks.html") else {
            return;
        };
        // The whole file is one ambiguous document; its parts show what each vector does.
        for part in std::iter::once(html.as_str()).chain(html.split("-->")) {
            check_vector(part);
            for token in tokens(&mail(part)) {
                let Token::Open(tag) = token else { continue };
                for attribute in &tag.attributes {
                    let may_name_hosts = ["href", REMOTE, "alt", "title"].contains(&attribute.name);
                    assert!(
                        may_name_hosts || !attribute.raw.contains("leaking"),
                        "{}: {part}",
                        attribute.raw
                    );
                }
            }
        }
    }

    #[test]
    fn inline_images_get_their_address_or_leave_their_text() {
        let cid = |id: &str| (id == "logo@x").then(|| "/console/attachments/0a1b2c3d?s=1&t=2".to_owned());
        let html = "<img src=\"CID:logo@x\" width=10 onload=x><img src='cid:other' alt='a < b'><img src='cid:none'>\
            <img src=/console/attachments/0a1b2c3d><img src=data:image/png;base64,xx>";
        let clean = sanitize_mail(html, &cid);
        assert_eq!(
            clean.html,
            "<img src=\"/console/attachments/0a1b2c3d?s=1&amp;t=2\" width=\"10\">a &lt; b"
        );
        assert!(!clean.has_remote_images && !clean.is_simplified);
    }

    #[test]
    fn remote_images_wait_for_the_reader() {
        let clean =
            sanitize_mail("<p><img src='//e.com/a?x=1&y=2' alt=A><img src=' http://e.com/b '></p>", &|_| {
                None
            });
        assert!(clean.has_remote_images);
        assert_eq!(
            clean.html,
            "<p><img data-remote-src=\"https://e.com/a?x=1&amp;y=2\" alt=\"A\"><img data-remote-src=\"http://e.com/b\"></p>"
        );
        assert_eq!(
            with_remote_images(&clean.html),
            "<p><img src=\"https://e.com/a?x=1&amp;y=2\" alt=\"A\"><img src=\"http://e.com/b\"></p>"
        );
        assert_eq!(
            with_remote_images("<img data-remote-src='javascript:x'>"),
            "<img data-remote-src='javascript:x'>"
        );
    }

    #[test]
    fn links_open_elsewhere_and_attach_nothing() {
        assert_eq!(
            mail("<a href='https://e.com/' target=x rel=y ping=z>e</a>"),
            "<a href=\"https://e.com/\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">e</a>"
        );
        assert!(
            mail("<a href='mailto:a@b.c?attach=/etc/passwd&subject=x'>e</a>")
                .contains("href=\"mailto:a@b.c\"")
        );
        assert!(mail("<a href='mailto:a@b.c?subject=x'>e</a>").contains("?subject=x"));
        assert!(!mail("<a href='/console/x'>e</a>").contains("href"));
    }

    #[test]
    fn mentions_and_own_images_survive_only_in_our_own_messages() {
        let html = "<span data-id=7 class=\"athighlight x\">@Ann</span><img src=/api/v3/attachments/0a1b2c3d-4e/content>";
        let own = sanitize_own(html);
        assert_eq!(
            own,
            "<span data-id=\"7\" class=\"athighlight\">@Ann</span><img src=\"/api/v3/attachments/0a1b2c3d-4e/content\">"
        );
        assert_eq!(sanitize_own(&own), own);
        assert_eq!(mail(html), "<span>@Ann</span>");
        assert_eq!(
            sanitize_own("<b class=athighlight data-id=7>x</b><span class=x data-id=1a>y</span>"),
            "<b>x</b><span>y</span>"
        );
        assert_eq!(sanitize_own("<img src=/console/attachments/../x>"), "");
    }

    #[test]
    fn what_the_gate_refuses_is_shown_as_text() {
        let clean = sanitize_mail(
            &format!("{}<b>Hi</b> <script>x</script>https://e.com", "<div>".repeat(300)),
            &|_| None,
        );
        assert!(clean.is_simplified);
        assert!(clean.html.starts_with("<p>Hi <a href=\"https://e.com\""), "{}", clean.html);
    }

    #[test]
    fn simplified_output_is_bounded() {
        let clean = sanitize_mail(&"&".repeat(3_000_000), &|_| None);
        assert!(clean.is_simplified && clean.html.len() <= gate::MAX_OUTPUT_BYTES);
    }
}
