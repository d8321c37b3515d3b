//! Against forged requests: whatever is not a safe method must come from our own pages (Origin or Sec-Fetch-Site), and
//! a form must carry its session's secret.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::{HttpRequest, ResponseError, web};

use super::error::PageError;
use crate::app::App;
use crate::desk::secret;
use crate::desk::session::Session;
use crate::error::{Error, Result};

/// Middleware of the pages: refuses unsafe requests that another site makes.
pub async fn same_site(
    app: web::Data<App>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if !request.method().is_safe() && is_foreign(request.request(), &app) {
        let error = PageError(Error::Forbidden("this form was sent from another site".to_owned()));
        let answer = error.error_response().map_into_right_body();
        return Ok(request.into_response(answer));
    }
    Ok(next.call(request).await?.map_into_left_body())
}

fn is_foreign(request: &HttpRequest, app: &App) -> bool {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return !matches!(site, "same-origin" | "none");
    }
    match text(header::ORIGIN.as_str()) {
        // Behind a proxy the Host may be rewritten; the configured URL is as good.
        Some(origin) => {
            let host = text(header::HOST.as_str()).unwrap_or_default();
            origin != app.base_url() && origin.split_once("://").map(|(_, rest)| rest) != Some(host)
        }
        None => false,
    }
}

/// Checks the secret that a form (or the header `X-CSRF-Token`) carries against its session's.
pub fn check(request: &HttpRequest, session: &Session, field: Option<&str>) -> Result<()> {
    let header = request.headers().get("x-csrf-token").and_then(|value| value.to_str().ok());
    let given = field.or(header).unwrap_or_default();
    if secret::is_equal(given.as_bytes(), session.csrf.as_bytes()) {
        return Ok(());
    }
    Err(Error::Forbidden("this form is out of date; go back, reload the page and send it again".to_owned()))
}
