//! The faces of an error: JSON in the API, a page for people. The handler's return type chooses. An internal error is
//! logged here, once, under the id that its answer shows.

use std::fmt;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use askama::Template;
use serde::Serialize;

use super::filters;
use crate::error::Error;

/// `{"code": 400000, "message": "…"}` (contract 1.6).
#[derive(Debug)]
pub struct ApiError(pub Error);

/// A page that says what happened and how to go on.
#[derive(Debug)]
pub struct PageError(pub Error);

#[derive(Serialize, utoipa::ToSchema)]
pub struct ErrorBody {
    /// HTTP status × 1000 and a detail number
    #[schema(example = 400000)]
    pub code: u32,
    /// A sentence that names the field and the value
    #[schema(example = "'name' is required")]
    pub message: String,
}

pub fn status(error: &Error) -> StatusCode {
    match error {
        Error::Unauthenticated => StatusCode::UNAUTHORIZED,
        Error::Forbidden(_) => StatusCode::FORBIDDEN,
        Error::NotFound { .. } => StatusCode::NOT_FOUND,
        Error::Invalid(_) => StatusCode::BAD_REQUEST,
        Error::Conflict(_) => StatusCode::CONFLICT,
        Error::Stale(_) => StatusCode::PRECONDITION_FAILED,
        Error::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Error::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::Unavailable(_) | Error::SignInRefused(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What may be said of the error; an internal one goes to the log.
fn message(error: &Error) -> String {
    match error {
        Error::Internal(source) => {
            let id = crate::desk::secret::random_guid().unwrap_or_default();
            let id = &id[..id.len().min(8)];
            tracing::error!(error.id = id, error = %source, "internal error");
            format!("internal error {id}")
        }
        other => other.to_string(),
    }
}

/// The JSON answer for a status without an `Error`, such as 405.
pub fn api_answer(status: StatusCode, message: impl Into<String>) -> HttpResponse {
    HttpResponse::build(status)
        .json(ErrorBody { code: u32::from(status.as_u16()) * 1000, message: message.into() })
}

impl<E: Into<Error>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl<E: Into<Error>> From<E> for PageError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        status(&self.0)
    }

    fn error_response(&self) -> HttpResponse {
        let mut answer = api_answer(self.status_code(), message(&self.0));
        add_headers(&self.0, &mut answer);
        answer
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    status: u16,
    title: &'a str,
    message: &'a str,
}

impl ResponseError for PageError {
    fn status_code(&self) -> StatusCode {
        status(&self.0)
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        let message = message(&self.0);
        let title = match &self.0 {
            Error::Unauthenticated => "Please sign in",
            Error::Forbidden(_) => "This is not open to you",
            Error::NotFound { .. } => "There is nothing here",
            Error::Invalid(_) | Error::Conflict(_) | Error::Stale(_) | Error::TooLarge { .. } => {
                "That did not work"
            }
            Error::TooMany { .. } => "One moment, please",
            Error::Unavailable(_) | Error::SignInRefused(_) | Error::StorageFull | Error::Internal(_) => {
                "Something went wrong"
            }
        };
        let page = ErrorPage { status: status.as_u16(), title, message: &sentence(&message) };
        let html = page.render().unwrap_or_else(|_| title.to_owned());
        let mut answer = HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html);
        add_headers(&self.0, &mut answer);
        answer
    }
}

/// For people: begins with a capital, ends with a full stop.
pub fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if message.ends_with(['.', '?', '!']) { "" } else { "." };
    [&first, letters.as_str(), end].concat()
}

fn add_headers(error: &Error, answer: &mut HttpResponse) {
    let headers = answer.headers_mut();
    match error {
        Error::Unauthenticated => {
            let challenge = HeaderValue::from_static("Basic realm=\"Anytime\", charset=\"UTF-8\", Bearer");
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        Error::TooMany { retry_seconds } => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(*retry_seconds));
        }
        Error::Unavailable(_) => {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        _ => {}
    }
}
