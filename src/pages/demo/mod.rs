//! Pages that only a demo has; elsewhere they are not there.

mod mail;

use actix_web::web::ServiceConfig;

use crate::app::App;
use crate::error::{Error, Result};

pub fn routes(config: &mut ServiceConfig) {
    config.service(mail::list).service(mail::receive).service(mail::show);
    config.service(mail::body).service(mail::file).service(mail::answer).service(mail::react);
}

/// `NotFound` anywhere but in a demo.
fn only_in_a_demo(app: &App, path: &str) -> Result<()> {
    match app.config().is_demo {
        true => Ok(()),
        false => Err(Error::not_found("page", path)),
    }
}
