//! The OpenAPI document and the page that shows it; both work offline.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, Responder, get};
use askama::Template;
use utoipa::Modify;
use utoipa::openapi::security::{
    AuthorizationCode, ClientCredentials, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Password, Scopes,
    SecurityRequirement, SecurityScheme,
};

use crate::web::{Page, assets};

/// Title, description and the way to sign in.
pub struct About;

impl Modify for About {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        api.info.title = "Anytime Conversation API".to_owned();
        api.info.version = "3".to_owned();
        api.info.description = Some(
            "Sign in by HTTP Basic with an agent's e-mail address and API key, or by an OAuth 2.0 token. Paths and keys may be written in any \
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
        api.components.get_or_insert_default().add_security_scheme("oauth", SecurityScheme::OAuth2(oauth()));
        let either = ["apiKey", "oauth"].map(|scheme| SecurityRequirement::new(scheme, Vec::<String>::new()));
        api.security = Some(either.into());
    }
}

/// The addresses are relative to the document's server.
fn oauth() -> OAuth2 {
    let (token, authorize) = ("/oauth/token", "/oauth/authorize");
    let about = "Authorization code with PKCE (S256) and state; client credentials act as the client's agent; \
        the password grant is for old clients. Tokens last 12 hours and are refreshed once each.";
    OAuth2::with_description(
        [
            Flow::AuthorizationCode(AuthorizationCode::with_refresh_url(
                authorize,
                token,
                Scopes::new(),
                token,
            )),
            Flow::ClientCredentials(ClientCredentials::new(token, Scopes::new())),
            Flow::Password(Password::with_refresh_url(token, Scopes::new(), token)),
        ],
        about,
    )
}

/// What `super::declared` said when it was written down.
const WRITTEN: &str = "openapi.json";

/// The document as JSON.
pub fn text() -> Vec<u8> {
    assets::text(WRITTEN)
}

#[get("/api/v3/openapi.json")]
pub async fn document(request: HttpRequest) -> actix_web::Result<HttpResponse> {
    assets::answer(&request, WRITTEN)
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
