//! Server-rendered pages: the agents' console and the contacts' portal. Everything works without JavaScript.

use actix_web::web::ServiceConfig;

pub fn routes(_config: &mut ServiceConfig) {}
