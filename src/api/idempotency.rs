//! `Idempotency-Key` on POST: a request that is sent again, because its answer was lost, is not done again. The second
//! one gets the first one's answer, marked `Idempotency-Replayed: true`.
//!
//! The request runs to its end even when the client hangs up, so that there is an answer to keep.

use actix_web::body::{self, BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpMessage, HttpResponse, ResponseError, rt, web};
use futures_util::stream;
use sha2::{Digest, Sha256};

use super::{BASE, Face};
use crate::app::App;
use crate::desk::kept_answer::{self, KeptAnswer, Turn};
use crate::error::{Error, Result};
use crate::ids::AgentId;
use crate::web::{ApiError, Caller};

const KEY: &str = "idempotency-key";
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Longest key.
const KEY_CHARS: usize = 255;
/// Largest answer that is kept, in bytes. A larger one cannot be given twice, but neither is its request done twice.
const ANSWER_BYTES: usize = 1 << 20;

/// Middleware of the API.
pub async fn once(
    app: web::Data<App>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let is_post = request.method() == Method::POST && request.path().starts_with(BASE);
    if !is_post || !request.headers().contains_key(KEY) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    // Until it is known who is calling, nothing is read or stored.
    let (request, mut payload) = request.into_parts();
    let started = match Caller::extract(&request).await {
        Ok(by) => begin(&app, by.agent_id, &request, &mut payload).await.map_err(ApiError),
        Err(error) => Err(error),
    };
    let (key, bytes) = match started {
        Ok(Started::First(key, bytes)) => (key, bytes),
        Ok(Started::Again(answer)) => return Ok(ServiceResponse::new(request, answer)),
        Err(error) => return Ok(ServiceResponse::new(request, error.error_response())),
    };
    let whole = stream::once(std::future::ready(Ok(bytes)));
    let request = ServiceRequest::from_parts(request, Payload::Stream { payload: Box::pin(whole) });
    let running = rt::spawn(async move {
        let response = next.call(request).await?;
        let (request, response) = response.into_parts();
        let response =
            finish(&app, &key, response).await.unwrap_or_else(|error| ApiError(error).error_response());
        Ok::<_, actix_web::Error>(ServiceResponse::new(request, response))
    });
    running.await.map_err(actix_web::error::ErrorInternalServerError)?
}

/// Whose key it is, and where its answer is sealed.
struct Key {
    agent: AgentId,
    text: String,
}

impl Key {
    fn place(&self) -> String {
        format!("kept_answer.sealed_body/{}/{}", self.agent, self.text)
    }
}

enum Started {
    First(Key, Bytes),
    Again(HttpResponse),
}

async fn begin(
    app: &App,
    agent: AgentId,
    request: &actix_web::HttpRequest,
    payload: &mut Payload,
) -> Result<Started> {
    let key = Key { agent, text: key_of(request)? };
    let bytes = Bytes::from_request(request, payload)
        .await
        .map_err(|error| Error::invalid("body", format!("could not be read: {error}")))?;
    let print = fingerprint(request, &bytes);
    let text = key.text.clone();
    match app.write(move |tx| kept_answer::begin(tx, agent, &text, &print)).await? {
        Turn::First => Ok(Started::First(key, bytes)),
        Turn::Again(answer) => again(app, &key, answer).map(Started::Again),
    }
}

fn key_of(request: &actix_web::HttpRequest) -> Result<String> {
    let wrong = |what: &str| Error::invalid("Idempotency-Key", what);
    let mut values = request.headers().get_all(KEY);
    let value = values.next().and_then(|value| value.to_str().ok()).unwrap_or_default().trim();
    if values.next().is_some() {
        return Err(wrong("is given twice"));
    }
    if value.is_empty() || KEY_CHARS < value.len() {
        return Err(wrong("must be 1 to 255 characters of ASCII"));
    }
    Ok(value.to_owned())
}

/// What makes two requests one: path and query, way of addressing, type and body. Each time a form is sent its parts are
/// divided by another line; that line is left out.
fn fingerprint(request: &actix_web::HttpRequest, body: &[u8]) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(request.uri().path_and_query().map_or("", |uri| uri.as_str()));
    let is_alias = request.extensions().get::<Face>() == Some(&Face::Anytime);
    digest.update([0, u8::from(is_alias)]);
    let boundary = request.mime_type().ok().flatten().and_then(|kind| {
        (kind.type_() == "multipart")
            .then(|| kind.get_param("boundary").map(|text| text.as_str().to_owned()))?
    });
    match boundary.as_deref().map(str::as_bytes).filter(|boundary| !boundary.is_empty()) {
        Some(boundary) => {
            let mut rest = body;
            while let Some(at) = rest.windows(boundary.len()).position(|window| window == boundary) {
                digest.update(&rest[..at]);
                rest = &rest[at + boundary.len()..];
            }
            digest.update(rest);
        }
        None => digest.update(body),
    }
    digest.finalize().into()
}

fn again(app: &App, key: &Key, answer: KeptAnswer) -> Result<HttpResponse> {
    let done = || Error::Conflict("this request was done, but its answer is not kept".to_owned());
    let body =
        answer.sealed_body.and_then(|sealed| app.vault().open(&key.place(), &sealed)).ok_or_else(done)?;
    let status = StatusCode::from_u16(answer.status).map_err(Error::internal)?;
    let mut response = HttpResponse::build(status);
    response.insert_header((REPLAYED, HeaderValue::from_static("true")));
    if let Some(location) = answer.location {
        response.insert_header((header::LOCATION, location));
    }
    if body.is_empty() {
        return Ok(response.finish());
    }
    Ok(response.content_type("application/json").body(body))
}

/// Keeps the answer of a request that did something, and frees the key of one that did not.
async fn finish(
    app: &App,
    key: &Key,
    response: HttpResponse<impl MessageBody + 'static>,
) -> Result<HttpResponse> {
    let (agent, text) = (key.agent, key.text.clone());
    if !response.status().is_success() {
        app.write(move |tx| kept_answer::forget(tx, agent, &text)).await?;
        return Ok(response.map_into_boxed_body());
    }
    let (head, body) = response.into_parts();
    let bytes = body::to_bytes(body).await.map_err(|_| Error::internal("an answer could not be read"))?;
    let kept = std::str::from_utf8(&bytes).ok().filter(|_| bytes.len() <= ANSWER_BYTES);
    let location = head.headers().get(header::LOCATION).and_then(|value| value.to_str().ok());
    let answer = KeptAnswer {
        status: head.status().as_u16(),
        location: location.map(str::to_owned),
        sealed_body: kept.map(|text| app.vault().seal(&key.place(), text)).transpose()?,
    };
    app.write(move |tx| kept_answer::keep(tx, agent, &text, &answer)).await?;
    Ok(head.set_body(BoxBody::new(bytes)))
}
