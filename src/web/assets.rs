//! Static files: in the executable in release builds, from the disk in debug builds. A page names a file with its
//! content's hash, so that browsers may keep it for ever. A file `NAME.gz` is served as `NAME`.

use std::collections::HashMap;
use std::io::Read;
use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, get, web};
use rust_embed::{Embed, EmbeddedFile};

#[derive(Embed)]
#[folder = "static/"]
struct Static;

const GZIP: &str = ".gz";

static VERSIONS: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    Static::iter()
        .filter_map(|name| {
            let hash = Static::get(&name)?.metadata.sha256_hash();
            Some((name.strip_suffix(GZIP).unwrap_or(&name).to_owned(), crate::desk::secret::hex(&hash[..6])))
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
    let file = text("icons.svg");
    let text = String::from_utf8_lossy(&file);
    let names = text.split("<symbol id=\"").skip(1).filter_map(|rest| rest.split('"').next());
    names.filter(|name| *name != "logo" && !name.starts_with("priority-")).map(str::to_owned).collect()
}

/// A file and whether it is compressed.
fn find(name: &str) -> Option<(EmbeddedFile, bool)> {
    let plain = Static::get(name).map(|file| (file, false));
    plain.or_else(|| Some((Static::get(&[name, GZIP].concat())?, true)))
}

/// What a file says, not compressed; nothing if there is none.
pub fn text(name: &str) -> Vec<u8> {
    match find(name) {
        Some((file, true)) => plain(&file).unwrap_or_default(),
        Some((file, false)) => file.data.into_owned(),
        None => Vec::new(),
    }
}

fn plain(file: &EmbeddedFile) -> std::io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(&*file.data).read_to_end(&mut plain)?;
    Ok(plain)
}

#[get("/static/{name:.*}")]
pub async fn serve(request: HttpRequest, name: web::Path<String>) -> actix_web::Result<HttpResponse> {
    answer(&request, &name)
}

/// A file as an answer: kept by the browser, 304 where it has it, compressed where it is and the caller takes that.
pub fn answer(request: &HttpRequest, name: &str) -> actix_web::Result<HttpResponse> {
    let Some((file, is_compressed)) = find(name) else { return Ok(HttpResponse::NotFound().finish()) };
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
        return Ok(answer.status(actix_web::http::StatusCode::NOT_MODIFIED).finish());
    }
    let kind = mime_guess::from_path(name).first_raw().unwrap_or("application/octet-stream");
    let kind = if kind.starts_with("text/") || kind.ends_with("javascript") {
        [kind, "; charset=utf-8"].concat()
    } else {
        kind.to_owned()
    };
    answer.content_type(kind);
    if !is_compressed {
        return Ok(answer.body(file.data.into_owned()));
    }
    answer.insert_header((header::VARY, "accept-encoding"));
    let accepted = request.get_header::<header::AcceptEncoding>();
    let takes = accepted.and_then(|accepted| accepted.negotiate([header::Encoding::gzip()].iter()));
    if takes == Some(header::Encoding::gzip()) {
        return Ok(answer.insert_header(header::ContentEncoding::Gzip).body(file.data.into_owned()));
    }
    Ok(answer.body(plain(&file)?))
}
