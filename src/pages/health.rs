//! For supervisors and load balancers: the process answers, and it can read its file.

use actix_web::{HttpResponse, get};

use crate::app::App;
use crate::desk::site;

#[get("/healthz")]
pub async fn healthz() -> &'static str {
    "ok"
}

#[get("/readyz")]
pub async fn readyz(app: App) -> HttpResponse {
    let is_ready = !app.stopping().is_cancelled() && app.read(site::get).is_ok();
    if is_ready {
        HttpResponse::Ok().body("ok")
    } else {
        HttpResponse::ServiceUnavailable().body("not ready")
    }
}
