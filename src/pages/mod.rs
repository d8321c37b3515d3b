//! Server-rendered pages: the agents' console and the contacts' portal. Everything works without JavaScript.
//! A file's name follows its URL, and its template's name follows the file's.

pub mod console;
pub mod control;
pub mod demo;
pub mod form;
pub mod health;
pub mod oauth;
pub mod portal;
pub mod set_up;
pub mod sign_in;
pub mod sign_in_provider;
pub mod sign_in_two_step;
pub mod when;

use actix_web::web::ServiceConfig;

/// The route table.
pub fn routes(config: &mut ServiceConfig) {
    config.service(health::healthz).service(health::readyz);
    config.service(sign_in::home).service(sign_in::show).service(sign_in::submit).service(sign_in::sign_out);
    config.service(sign_in_provider::begin).service(sign_in_provider::come_back);
    config.service(sign_in::ask_code).service(sign_in::submit_code);
    config
        .service(sign_in_two_step::show)
        .service(sign_in_two_step::begin)
        .service(sign_in_two_step::confirm);
    config.service(set_up::show).service(set_up::submit);
    oauth::routes(config);
    console::routes(config);
    portal::routes(config);
    demo::routes(config);
}
