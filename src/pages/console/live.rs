//! What open console pages listen to.

use actix_web::{HttpRequest, HttpResponse, get};

use crate::app::App;
use crate::web::{PageError, SignedIn, live};

#[get("/console/live")]
pub async fn stream(app: App, request: HttpRequest, signed_in: SignedIn) -> Result<HttpResponse, PageError> {
    Ok(live::stream(app, signed_in.agent.id, &request, live::tell_console)?)
}
