//! The OpenAPI document and the page that shows it; both work offline.

use actix_web::http::header;
use actix_web::{HttpResponse, Responder, get};
use askama::Template;
use utoipa::Modify;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};

use crate::web::{Page, assets};

/// Title, description and the way to sign in.
pub struct About;

impl Modify for About {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        api.info.title = "Anytime Conversation API".to_owned();
        api.info.version = "3".to_owned();
        api.info.description = Some(
            "Sign in by HTTP Basic with an agent's e-mail address and API key. Paths and keys may be written in any \
             case. Times are ISO-8601; answers are in UTC. Errors are `{\"code\", \"message\"}`. `tags`, `departments` \
             and `attachments` are also found below `/api/v3/anytime/`, wrapped under their noun there."
                .to_owned(),
        );
        api.info.license = None;
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Basic)
            .description(Some("User name: the agent's e-mail address. Password: the agent's API key."))
            .build();
        api.components.get_or_insert_default().add_security_scheme("apiKey", SecurityScheme::Http(scheme));
        api.security = Some(vec![SecurityRequirement::new("apiKey", Vec::<String>::new())]);
    }
}

#[get("/api/v3/openapi.json")]
pub async fn document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(super::document())
}

#[derive(Template)]
#[template(path = "api_docs.html")]
struct ApiDocsPage;

#[get("/api/docs")]
pub async fn page() -> impl Responder {
    // Swagger's page styles its elements in place; nothing else is loosened.
    let policy =
        crate::web::security::PAGE_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'");
    Page(ApiDocsPage).customize().insert_header((header::CONTENT_SECURITY_POLICY, policy))
}

/// URLs of static files, for templates.
pub fn asset(name: &str) -> String {
    assets::url(name)
}
