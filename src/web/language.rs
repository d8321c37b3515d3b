//! The language of whoever reads the portal: the one they chose, remembered in a cookie, else the one their browser
//! likes best.

use actix_web::cookie::{Cookie, SameSite, time::Duration};
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, dev::Payload};

use crate::language::Language;

const COOKIE: &str = "language";

impl FromRequest for Language {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let chosen = request.cookie(COOKIE).and_then(|cookie| Self::parse(cookie.value()));
        let liked = || {
            let header = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
            Self::of_header(header.unwrap_or_default())
        };
        std::future::ready(Ok(chosen.unwrap_or_else(liked)))
    }
}

/// Remembers the choice for a year.
pub fn remember(language: Language) -> Cookie<'static> {
    Cookie::build(COOKIE, language.tag())
        .path("/portal")
        .http_only(true)
        .same_site(SameSite::Lax)
        .max_age(Duration::days(365))
        .finish()
}
