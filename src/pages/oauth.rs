//! `/oauth/authorize` (contract 2.2): an agent is asked whether a program may act for them. Errors go back to the
//! program only where its address is one of its own; others are shown here.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web::{Form, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, get, post};
use askama::Template;
use url::Url;

use crate::app::App;
use crate::desk::oauth_client::{self, OauthClient};
use crate::desk::oauth_grant::{self, Consent};
use crate::desk::site;
use crate::error::{Error, Result};
use crate::web::security::PAGE_POLICY;
use crate::web::{Page, PageError, SignedIn, csrf, filters};

pub fn routes(config: &mut ServiceConfig) {
    config.service(ask).service(decide);
}

#[derive(Template)]
#[template(path = "oauth_authorize.html")]
struct ConsentPage {
    site_name: String,
    agent_name: String,
    agent_email: String,
    csrf: String,
    client: OauthClient,
    host: String,
    /// What was asked for, to be sent back with the answer.
    fields: Vec<(String, String)>,
}

/// A request that names a client and one of its addresses; `problem` is what else is wrong with it.
struct Asked {
    client: OauthClient,
    redirect_uri: String,
    state: Option<String>,
    challenge: Option<String>,
    problem: Option<(&'static str, &'static str)>,
}

const FIELDS: [&str; 6] =
    ["response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method"];

impl Asked {
    /// An unknown client or another address is an error for the person: nothing is sent to an address that is not
    /// known to be the client's.
    fn read(app: &App, fields: &[(String, String)]) -> Result<Self> {
        let get = |name: &str| {
            fields
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
                .filter(|v| !v.is_empty())
        };
        let client_id = get("client_id").unwrap_or_default();
        let client = app
            .read(|s| oauth_client::by_client_id(s, client_id))?
            .ok_or_else(|| Error::invalid("client_id", "names no program that is known here"))?;
        let redirect_uri = get("redirect_uri").unwrap_or_default().to_owned();
        if !client.redirect_urls.contains(&redirect_uri) {
            return Err(Error::invalid("redirect_uri", "is not one of the program's addresses"));
        }
        let challenge = get("code_challenge").map(str::to_owned);
        let is_sha256 = challenge.as_deref().is_none_or(|text| text.len() == 43);
        let problem = match (get("response_type"), get("code_challenge_method")) {
            _ if FIELDS.iter().any(|name| 1 < fields.iter().filter(|(key, _)| key == name).count()) => {
                Some(("invalid_request", "a parameter is given twice"))
            }
            (Some("code"), Some("S256")) if challenge.is_some() && is_sha256 => None,
            (Some("code"), None) if challenge.is_none() => None,
            (Some("code"), _) => Some(("invalid_request", "code_challenge needs code_challenge_method=S256")),
            (None, _) => Some(("invalid_request", "response_type is required")),
            (Some(_), _) => Some(("unsupported_response_type", "only response_type=code is supported")),
        };
        let state = get("state").map(str::to_owned);
        Ok(Self { client, redirect_uri, state, challenge, problem })
    }

    /// Back to the program with what came of it, the state as it was, and who says so (RFC 9207).
    fn back(&self, app: &App, result: &[(&str, &str)]) -> Result<HttpResponse> {
        let mut url = Url::parse(&self.redirect_uri).map_err(Error::internal)?;
        {
            let mut pairs = url.query_pairs_mut();
            pairs.extend_pairs(result);
            if let Some(state) = &self.state {
                pairs.append_pair("state", state);
            }
            pairs.append_pair("iss", app.base_url());
        }
        Ok(HttpResponse::Found().insert_header((header::LOCATION, url.as_str())).finish())
    }

    fn refuse(&self, app: &App, (error, description): (&str, &str)) -> Result<HttpResponse> {
        self.back(app, &[("error", error), ("error_description", description)])
    }
}

#[get("/oauth/authorize")]
pub async fn ask(app: App, request: HttpRequest, signed_in: SignedIn) -> Result<HttpResponse, PageError> {
    let fields: Vec<(String, String)> =
        url::form_urlencoded::parse(request.query_string().as_bytes()).into_owned().collect();
    let asked = Asked::read(&app, &fields)?;
    if let Some(problem) = asked.problem {
        return Ok(asked.refuse(&app, problem)?);
    }
    let target = Url::parse(&asked.redirect_uri).map_err(Error::internal)?;
    let page = ConsentPage {
        site_name: app.read(site::get)?.name,
        agent_name: signed_in.agent.display_name,
        agent_email: signed_in.agent.email,
        csrf: signed_in.session.csrf,
        host: target.host_str().unwrap_or_default().to_owned(),
        client: asked.client,
        fields: fields.into_iter().filter(|(name, _)| FIELDS.contains(&name.as_str())).collect(),
    };
    let mut answer = Page(page).with_status(StatusCode::OK);
    // Browsers hold the answer's redirect against form-action, too.
    let allowed = ["form-action 'self' ", &target.origin().ascii_serialization()].concat();
    let policy = PAGE_POLICY.replace("form-action 'self'", &allowed);
    let policy = header::HeaderValue::from_str(&policy).map_err(Error::internal)?;
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    Ok(answer)
}

#[post("/oauth/authorize")]
pub async fn decide(
    app: App,
    request: HttpRequest,
    signed_in: SignedIn,
    form: Form<Vec<(String, String)>>,
) -> Result<HttpResponse, PageError> {
    let fields = form.into_inner();
    let get = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    csrf::check(&request, &signed_in.session, get("csrf"))?;
    let asked = Asked::read(&app, &fields)?;
    if let Some(problem) = asked.problem {
        return Ok(asked.refuse(&app, problem)?);
    }
    if get("decision") != Some("allow") {
        return Ok(asked.refuse(&app, ("access_denied", "the agent said no"))?);
    }
    let consent = Consent {
        client_id: asked.client.id,
        redirect_uri: asked.redirect_uri.clone(),
        challenge: asked.challenge.clone(),
    };
    let (agent, client) = (signed_in.agent.id, asked.client.clone());
    let code =
        app.write(move |tx| oauth_grant::consent(tx, &signed_in.actor, agent, &client, &consent)).await?;
    Ok(asked.back(&app, &[("code", &code)])?)
}
