//! Signing in with the site's identity provider: there with a state, a nonce and a PKCE challenge that a sealed cookie
//! remembers, and back with a code. Nothing is stored before somebody is known.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use url::Url;

use super::sign_in::{self, HOME};
use crate::app::App;
use crate::desk::identity_provider::{self, Admission, Identity};
use crate::desk::secret;
use crate::desk::session::Proof;
use crate::error::{Error, Result};
use crate::http::oidc::{self, Attempt, Claims, Credentials};
use crate::time::Timestamp;
use crate::web::auth::{local_path, passing_cookie};
use crate::web::{PageError, Query, client};

/// What must be the same when somebody comes back.
#[derive(Serialize, Deserialize)]
struct Begun {
    issuer: String,
    state: String,
    nonce: String,
    verifier: String,
    next: String,
    /// UTC milliseconds.
    until: i64,
}

const COOKIE: &str = "provider";
const PLACE: &str = "provider sign-in";
const LIFE_MILLIS: i64 = 10 * 60 * 1000;
const BACK: &str = "/console/sign-in/provider/back";

/// Where the provider sends people back to: to be registered there.
pub fn redirect_uri(app: &App) -> String {
    [app.base_url(), BACK].concat()
}

#[get("/console/sign-in/provider")]
pub async fn begin(app: App, request: HttpRequest, query: Query) -> Result<HttpResponse, PageError> {
    let next = local_path(query.text("next")?, HOME).to_owned();
    app.limiter().check(client::network(client::address(&request, &app)))?;
    let own =
        app.read(identity_provider::enabled)?.ok_or_else(|| Error::not_found("page", request.path()))?;
    let found = match oidc::discover(&own.issuer).await {
        Ok(found) => found,
        Err(problem) => {
            tracing::warn!(problem, "the identity provider cannot be used");
            return Ok(sign_in::refuse(&app, &format!("{} cannot be reached now.", own.name))?);
        }
    };
    let begun = Begun {
        issuer: found.issuer.clone(),
        state: secret::random_token()?,
        nonce: secret::random_token()?,
        verifier: secret::random_token()?,
        next,
        until: app.now().millis() + LIFE_MILLIS,
    };
    let mut url = Url::parse(&found.authorization_endpoint).map_err(Error::internal)?;
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("scope", "openid email profile")
        .append_pair("client_id", &own.client_id)
        .append_pair("redirect_uri", &redirect_uri(&app))
        .append_pair("state", &begun.state)
        .append_pair("nonce", &begun.nonce)
        .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(Sha256::digest(begun.verifier.as_bytes())))
        .append_pair("code_challenge_method", "S256");
    let sealed = app.vault().seal(PLACE, &serde_json::to_string(&begun).map_err(Error::internal)?)?;
    let mut answer = HttpResponse::Found().insert_header((header::LOCATION, url.as_str())).finish();
    answer
        .add_cookie(&passing_cookie(&app, COOKIE, URL_SAFE_NO_PAD.encode(sealed)))
        .map_err(Error::internal)?;
    Ok(answer)
}

#[get("/console/sign-in/provider/back")]
pub async fn come_back(app: App, request: HttpRequest, query: Query) -> Result<HttpResponse, PageError> {
    app.limiter().check(client::network(client::address(&request, &app)))?;
    let mut answer = finish(&app, &request, &query).await?;
    let mut over = passing_cookie(&app, COOKIE, String::new());
    over.make_removal();
    answer.add_cookie(&over).map_err(Error::internal)?;
    Ok(answer)
}

async fn finish(app: &App, request: &HttpRequest, query: &Query) -> Result<HttpResponse> {
    let Some(begun) = begun(app, request) else {
        return sign_in::refuse(
            app,
            "This sign-in was not begun here, or took too long. Please begin again.",
        );
    };
    let state = query.text("state")?.unwrap_or_default();
    let from = query.text("iss")?;
    if !secret::is_equal(state.as_bytes(), begun.state.as_bytes())
        || from.is_some_and(|from| from != begun.issuer)
    {
        return sign_in::refuse(app, "This sign-in was not begun here. Please begin again.");
    }
    let Some(code) = query.text("code")? else {
        return sign_in::refuse(app, "The sign-in was not completed.");
    };
    let Some(own) = app.read(identity_provider::enabled)? else {
        return Err(Error::not_found("page", BACK));
    };
    let claims = match claims(app, &begun, code, app.now()).await? {
        Ok(claims) => claims,
        Err(problem) => {
            tracing::warn!(problem, "a sign-in with the identity provider was refused");
            return sign_in::refuse(app, &format!("{} could not vouch for you.", own.name));
        }
    };
    let who = Identity {
        issuer: claims.issuer,
        subject: claims.subject,
        email: claims.email,
        is_email_verified: claims.is_email_verified,
        name: claims.name,
    };
    match app.write(move |tx| identity_provider::admit(tx, &own, &who)).await? {
        Admission::Agent(agent) => {
            sign_in::enter(app, request, agent, local_path(Some(&begun.next), HOME), Proof::Provider).await
        }
        Admission::Refused(why) => sign_in::refuse(app, &format!("You cannot be let in: {why}.")),
    }
}

/// What the provider says, or why it is not believed.
async fn claims(
    app: &App,
    begun: &Begun,
    code: &str,
    now: Timestamp,
) -> Result<std::result::Result<Claims, String>> {
    let (own, secret) = app.read(|s| {
        Ok((identity_provider::enabled(s)?.unwrap_or_default(), identity_provider::secret(s, app.vault())?))
    })?;
    let Some(secret) = secret else {
        return Ok(Err("has a secret that cannot be opened with this key".to_owned()));
    };
    let found = match oidc::discover(&own.issuer).await {
        Ok(found) if found.issuer == begun.issuer => found,
        Ok(_) => return Ok(Err("is another one than before".to_owned())),
        Err(problem) => return Ok(Err(problem)),
    };
    let credentials = Credentials { client_id: &own.client_id, secret: &secret };
    let redirect_uri = redirect_uri(app);
    let attempt = Attempt { redirect_uri: &redirect_uri, nonce: &begun.nonce, verifier: &begun.verifier };
    Ok(oidc::claims(&found, &credentials, &attempt, code, now).await)
}

/// From the cookie, unless it is too old or not of our making.
fn begun(app: &App, request: &HttpRequest) -> Option<Begun> {
    let name = passing_cookie(app, COOKIE, String::new()).name().to_owned();
    let sealed = URL_SAFE_NO_PAD.decode(request.cookie(&name)?.value()).ok()?;
    let begun: Begun = serde_json::from_str(&app.vault().open(PLACE, &sealed)?).ok()?;
    (app.now().millis() < begun.until).then_some(begun)
}
