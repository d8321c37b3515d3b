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

/// A mail's cleaned HTML for the sandboxed frame that shows it: no scripts, no forms, and pictures only from the sources
/// of the policy that `pictures` names.
pub fn mail_frame(html: String, pictures: &str) -> HttpResponse {
    let policy = format!(
        "default-src 'none'; img-src {pictures}; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; \
         frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
    );
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .body(with_letters(html))
}

/// Text of a mail as a document of its own, in plain letters.
#[derive(Template)]
#[template(path = "console/mail_body.html")]
struct MailBody {
    clean_body: String,
}

/// Mail of ours is a document already, or becomes one.
fn with_letters(html: String) -> String {
    if html.trim_start().starts_with("<!") {
        return html;
    }
    let body = MailBody { clean_body: html };
    body.render().unwrap_or(body.clean_body)
}

/// `303 See Other`: after every form that changed something.
pub fn see_other(to: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, to)).finish()
}
