//! Which parts of a mail are its text, and what the others are called.

use std::collections::HashSet;

use mail_parser::decoders::html::text_to_html;

use super::mime::Leaf;
use super::{clean, decode};

/// A file that came with a mail, or an image its text shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Never empty, never a path.
    pub file_name: String,
    /// `type/subtype` as declared, lower case, without parameters. Not to be believed.
    pub content_type: String,
    /// Without `<` and `>`.
    pub content_id: Option<String>,
    /// Shown within the text rather than listed below it.
    pub is_inline: bool,
    pub bytes: Vec<u8>,
}

#[derive(Default)]
pub(super) struct Content {
    pub text: Option<String>,
    pub html_parts: Vec<String>,
    pub attachments: Vec<Part>,
}

/// A part of the text, in its place.
enum Body {
    Html(String),
    /// Has no HTML twin.
    OnlyText(String),
}

pub(super) fn sort(leaves: Vec<Leaf>) -> Content {
    let mut texts = Vec::new();
    let mut bodies = Vec::new();
    let mut files = Vec::new();
    for leaf in leaves {
        if !is_body(&leaf) {
            files.push(leaf);
            continue;
        }
        let text = decode::text(&leaf.bytes, leaf.charset.as_deref());
        if leaf.content_type == "text/html" {
            bodies.push(Body::Html(text));
            continue;
        }
        if !leaf.is_alternative && !text.trim().is_empty() {
            bodies.push(Body::OnlyText(text.clone()));
        }
        texts.push(text);
    }

    let has_html = bodies.iter().any(|body| matches!(body, Body::Html(_)));
    let html_parts: Vec<String> = bodies
        .into_iter()
        .filter(|_| has_html)
        .map(|body| match body {
            Body::Html(html) => html,
            Body::OnlyText(text) => text_to_html(&text.replace('&', "&amp;")),
        })
        .collect();
    let shown = shown_ids(&html_parts);
    Content {
        text: (!texts.is_empty()).then(|| texts.join("\n")),
        attachments: files.into_iter().map(|leaf| part(leaf, &shown)).collect(),
        html_parts,
    }
}

fn is_body(leaf: &Leaf) -> bool {
    let is_text = matches!(leaf.content_type.as_str(), "text/plain" | "text/html");
    let is_file =
        leaf.disposition.as_deref() == Some("attachment") || (leaf.file_name.is_some() && !leaf.is_root);
    is_text && !is_file
}

/// The content ids that `cid:` URLs name.
fn shown_ids(html_parts: &[String]) -> HashSet<String> {
    html_parts
        .iter()
        .flat_map(|html| html.split("cid:").skip(1))
        .filter_map(|rest| rest.split(['"', '\'', ' ', '>', ')', '&', '\r', '\n']).next())
        .filter(|id| !id.is_empty() && id.len() <= 500)
        .map(|id| id.replace("%40", "@"))
        .collect()
}

fn part(leaf: Leaf, shown: &HashSet<String>) -> Part {
    let is_shown = leaf.content_id.as_ref().is_some_and(|id| shown.contains(id));
    let is_meant_inline = leaf.content_id.is_some()
        && leaf.content_type.starts_with("image/")
        && (leaf.is_related || leaf.disposition.as_deref() == Some("inline"))
        && leaf.disposition.as_deref() != Some("attachment");
    Part {
        file_name: file_name(leaf.file_name.as_deref(), &leaf.content_type),
        is_inline: is_shown || is_meant_inline,
        content_type: leaf.content_type,
        content_id: leaf.content_id,
        bytes: leaf.bytes,
    }
}

/// The sender's name for a file, without a path and without what an operating system takes badly.
fn file_name(sent: Option<&str>, content_type: &str) -> String {
    let name = clean(sent.unwrap_or_default());
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = name.chars().map(|c| if "<>:\"|?*".contains(c) { '_' } else { c }).collect();
    let name = name.trim_matches(|c: char| c == '.' || c.is_whitespace());
    if name.is_empty() {
        return default_name(content_type);
    }
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let is_device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || ((stem.starts_with("COM") || stem.starts_with("LPT")) && stem.len() == 4);
    let name = if is_device { format!("_{name}") } else { name.to_owned() };
    shortened(&name)
}

/// At most 200 bytes of UTF-8 with the extension kept.
fn shortened(name: &str) -> String {
    const BYTES: usize = 200;
    if name.len() <= BYTES {
        return name.to_owned();
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.len() <= 20 => (stem, format!(".{extension}")),
        _ => (name, String::new()),
    };
    let stem = &stem[..stem.floor_char_boundary(BYTES - extension.len())];
    format!("{}{extension}", stem.trim_end())
}

fn default_name(content_type: &str) -> String {
    let name = match content_type {
        "message/rfc822" | "message/global" => "message.eml",
        "message/delivery-status" => "delivery-status.txt",
        "text/rfc822-headers" => "headers.txt",
        "text/calendar" | "application/ics" => "invite.ics",
        "application/ms-tnef" => "winmail.dat",
        "application/pdf" => "document.pdf",
        "application/pgp-signature" => "signature.asc",
        "application/pkcs7-signature" | "application/x-pkcs7-signature" => "smime.p7s",
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => "smime.p7m",
        "text/plain" => "text.txt",
        "text/html" => "page.html",
        "text/csv" => "table.csv",
        "image/jpeg" => "image.jpg",
        "image/png" => "image.png",
        "image/gif" => "image.gif",
        "image/webp" => "image.webp",
        _ => "attachment.bin",
    };
    name.to_owned()
}
