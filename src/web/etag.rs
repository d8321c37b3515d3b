//! `ETag` and `If-Match` of conversations: the number of the last event that happened to one. Every change records an
//! event, so that a number that still holds means that nobody changed it since.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev::Payload};

use super::error::ApiError;
use crate::error::{Error, Result};
use crate::ids::EventId;

/// The answer with the conversation's number in it.
pub fn with_etag(mut answer: HttpResponse, now: EventId) -> HttpResponse {
    if let Ok(value) = HeaderValue::try_from(format!("\"{now}\"")) {
        answer.headers_mut().insert(header::ETAG, value);
    }
    answer
}

/// Extractor: what the caller believes the conversation to be. Without the header everything matches.
#[derive(Debug, Clone, Default)]
pub struct IfMatch(Option<Vec<String>>);

impl IfMatch {
    pub fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// `Stale` when something happened that the caller did not know of.
    pub fn check(&self, now: EventId) -> Result<()> {
        let Some(known) = &self.0 else { return Ok(()) };
        let current = now.to_string();
        if known.iter().any(|tag| *tag == "*" || *tag == current) {
            return Ok(());
        }
        Err(Error::Stale(format!("this was changed meanwhile: its ETag is \"{current}\"")))
    }
}

impl FromRequest for IfMatch {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let mut tags = None;
        for value in request.headers().get_all(header::IF_MATCH) {
            let known: &mut Vec<String> = tags.get_or_insert_default();
            let text = value.to_str().unwrap_or_default();
            // A proxy that compresses makes a tag weak; it still names one event.
            let each =
                text.split(',').map(|tag| tag.trim().trim_start_matches("W/").trim_matches('"').to_owned());
            known.extend(each);
        }
        std::future::ready(Ok(Self(tags)))
    }
}
