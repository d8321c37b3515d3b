//! Static files: in the executable in release builds, from the disk in debug builds. A page names a file with its
//! content's hash, so that browsers may keep it for ever.

use std::collections::HashMap;
use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, web};
use rust_embed::Embed;

#[derive(Embed)]
#[folder = "static/"]
struct Static;

static VERSIONS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    Static::iter()
        .filter_map(|name| {
            let hash = Static::get(&name)?.metadata.sha256_hash();
            Some((name.to_string(), crate::desk::secret::hex(&hash[..6])))
        })
        .collect()
});

/// The URL of a file in `static/`, with its version.
pub fn url(name: &str) -> String {
    match VERSIONS.get(name) {
        Some(version) => ["/static/", name, "?v=", version].concat(),
        None => ["/static/", name].concat(),
    }
}

/// The names of the symbols in `icons.svg`, without the logo and the priority marks.
pub fn icons() -> Vec<String> {
    let file = Static::get("icons.svg").map(|file| file.data.into_owned()).unwrap_or_default();
    let text = String::from_utf8_lossy(&file).into_owned();
    let names = text.split("<symbol id=\"").skip(1).filter_map(|rest| rest.split('"').next());
    names.filter(|name| *name != "logo" && !name.starts_with("priority-")).map(str::to_owned).collect()
}

#[get("/static/{name:.*}")]
pub async fn serve(request: HttpRequest, name: web::Path<String>) -> HttpResponse {
    let Some(file) = Static::get(&name) else { return HttpResponse::NotFound().finish() };
    let tag = ["\"", &crate::desk::secret::hex(&file.metadata.sha256_hash()[..12]), "\""].concat();
    let is_versioned = request.query_string().starts_with("v=");
    let caching = if is_versioned && !cfg!(debug_assertions) {
        "public, max-age=31536000, immutable"
    } else {
        "public, no-cache"
    };
    let mut answer = HttpResponse::Ok();
    answer.insert_header((header::CACHE_CONTROL, caching)).insert_header((header::ETAG, tag.as_str()));
    let known = request.headers().get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if known == Some(tag.as_str()) {
        return answer.status(actix_web::http::StatusCode::NOT_MODIFIED).finish();
    }
    let kind = file.metadata.mimetype();
    let kind = if kind.starts_with("text/") || kind.ends_with("javascript") {
        [kind, "; charset=utf-8"].concat()
    } else {
        kind.to_owned()
    };
    answer.content_type(kind).body(file.data.into_owned())
}
