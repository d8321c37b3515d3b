//! A template as an answer.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, Responder, ResponseError};
use askama::Template;

use super::error::PageError;
use crate::error::Error;

/// Renders its template; a failure to render becomes an error page.
pub struct Page<T>(pub T);

impl<T: Template> Page<T> {
    pub fn with_status(self, status: StatusCode) -> HttpResponse {
        match self.0.render() {
            Ok(html) => HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html),
            Err(error) => PageError(Error::internal(error)).error_response(),
        }
    }
}

impl<T: Template> Responder for Page<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.with_status(StatusCode::OK)
    }
}

/// `303 See Other`: after every form that changed something.
pub fn see_other(to: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish()
}
