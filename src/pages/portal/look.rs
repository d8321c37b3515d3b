//! The portal's own colour and logo, as a style sheet and a picture.

use actix_web::http::header;
use actix_web::{HttpResponse, get};

use crate::app::App;
use crate::desk::appearance;
use crate::desk::shade::Shades;
use crate::error::Error;
use crate::web::PageError;
use crate::web::security::FILE_POLICY;

fn css_of(shades: &Shades) -> String {
    let Shades { fill, ink, light_text, dark_text } = shades;
    format!(
        ":root{{--accent:{fill};--accent-hover:color-mix(in srgb,{fill} 88%,{ink});--accent-ink:{ink};\
         --accent-text:light-dark({light_text},{dark_text});\
         --accent-soft:light-dark(color-mix(in srgb,{fill} 9%,#fff),color-mix(in srgb,{fill} 22%,#191a1e));\
         --focus:2px solid light-dark({light_text},{dark_text})}}.logo{{color:{fill}}}"
    )
}

/// Browsers keep it: its URL names the version.
const FOREVER: &str = "public, max-age=31536000, immutable";

#[get("/portal/look.css")]
pub async fn css(app: App) -> Result<HttpResponse, PageError> {
    let shades = app.read(appearance::get)?.color.as_deref().and_then(Shades::of);
    Ok(HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, FOREVER))
        .body(shades.map(|shades| css_of(&shades)).unwrap_or_default()))
}

#[get("/portal/logo")]
pub async fn logo(app: App) -> Result<HttpResponse, PageError> {
    let logo = app.read(appearance::logo)?.ok_or_else(|| Error::not_found("picture", "logo"))?;
    Ok(HttpResponse::Ok()
        .content_type(logo.content_type)
        .insert_header((header::CONTENT_SECURITY_POLICY, FILE_POLICY))
        .insert_header((header::CACHE_CONTROL, FOREVER))
        .body(logo.bytes))
}
