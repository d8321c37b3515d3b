//! What open console pages listen to.

use actix_web::{HttpRequest, HttpResponse, get};

use crate::app::App;
use crate::web::live::{self, Listener};
use crate::web::{PageError, SignedIn};

#[get("/console/live")]
pub async fn stream(app: App, request: HttpRequest, signed_in: SignedIn) -> Result<HttpResponse, PageError> {
    let listener = Listener { agent: signed_in.agent.id, session: Some(signed_in.session.hash) };
    Ok(live::stream(app, listener, &request, live::tell_console)?)
}
