//! OAuth 2.0 as a client (RFC 6749, PKCE RFC 7636): tokens for mail accounts, by a refresh token that somebody
//! authorised or by the client's own secret.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Method;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use url::Url;
use url::form_urlencoded::Serializer;

use super::Client;
use super::configured::{HttpError, readable};
use crate::time::Timestamp;

/// Who asks, and whom.
#[derive(Clone, PartialEq, Eq)]
pub struct Provider {
    pub token_url: String,
    pub client_id: String,
    /// Empty for a client without one, which PKCE allows.
    pub client_secret: String,
    pub scope: String,
}

pub enum Grant<'a> {
    RefreshToken(&'a str),
    ClientCredentials,
    Code { code: &'a str, redirect_uri: &'a str, verifier: &'a str },
}

pub struct Token {
    pub access_token: String,
    pub lifetime: Duration,
    /// In place of the one that was used.
    pub refresh_token: Option<String>,
}

/// An access token that is used until it is about to expire.
pub struct Kept {
    pub token: String,
    pub expires_at: Timestamp,
    /// What it was got with: other settings need another token.
    pub got_with: [u8; 32],
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OAuthError {
    /// Trying again may help.
    #[error("{0}")]
    Unreachable(String),
    /// Only somebody who changes something helps: the provider's words.
    #[error("{0}")]
    Refused(String),
}

const ANSWER_BYTES: usize = 256 * 1024;
/// What providers that do not say usually give.
const USUAL_SECONDS: u64 = 3600;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    access_token: String,
    token_type: String,
    /// Some providers send it as a text.
    expires_in: serde_json::Value,
    refresh_token: Option<String>,
    error: String,
    error_description: String,
}

/// Asks for an access token.
pub async fn token(http: &Client, provider: &Provider, grant: Grant<'_>) -> Result<Token, OAuthError> {
    let server = http.configured(&provider.token_url).map_err(OAuthError::Refused)?;
    let host = server.base().host_str().unwrap_or_default().to_owned();
    let (form, secret) = form(provider, &grant);
    let odd = || OAuthError::Unreachable(format!("{host} gave an answer that is not OAuth 2.0"));
    let failed = |error| match error {
        HttpError::Unreachable(reason) => OAuthError::Unreachable(format!("{host}: {reason}")),
        HttpError::TooLarge => odd(),
    };
    let request = server.request(Method::POST, server.base().clone()).map_err(failed)?;
    let request = request
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", "application/json")
        .body(form);
    let (response, bytes) = server.send(request, ANSWER_BYTES).await.map_err(failed)?;
    let status = response.status();
    let answer: Answer = serde_json::from_slice(&bytes).unwrap_or_default();
    if !answer.error.is_empty() && status.is_client_error() && status.as_u16() != 429 {
        let mut text = readable(&[&answer.error, ": ", &answer.error_description].concat());
        for secret in [secret, &provider.client_secret] {
            if !secret.is_empty() {
                text = text.replace(secret, "(secret)");
            }
        }
        return Err(OAuthError::Refused(format!("{host} refused a token: {}", text.trim_end_matches(": "))));
    }
    if !status.is_success() {
        return Err(OAuthError::Unreachable(format!(
            "{host} answered {} instead of a token",
            status.as_u16()
        )));
    }
    let is_sound =
        !answer.access_token.is_empty() && answer.access_token.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_sound || !answer.token_type.eq_ignore_ascii_case("bearer") {
        return Err(odd());
    }
    let seconds = answer.expires_in.as_u64().or_else(|| answer.expires_in.as_str()?.parse().ok());
    Ok(Token {
        access_token: answer.access_token,
        lifetime: Duration::from_secs(seconds.unwrap_or(USUAL_SECONDS)),
        refresh_token: answer.refresh_token.filter(|token| !token.is_empty()),
    })
}

/// The request's body, and the secret that is in it beside the client's.
fn form<'a>(provider: &Provider, grant: &Grant<'a>) -> (String, &'a str) {
    let mut form = Serializer::new(String::new());
    form.append_pair("client_id", &provider.client_id);
    if !provider.client_secret.is_empty() {
        form.append_pair("client_secret", &provider.client_secret);
    }
    let secret = match grant {
        Grant::RefreshToken(token) => {
            form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token);
            token
        }
        Grant::ClientCredentials => {
            form.append_pair("grant_type", "client_credentials");
            ""
        }
        Grant::Code { code, redirect_uri, verifier } => {
            form.append_pair("grant_type", "authorization_code")
                .append_pair("code", code)
                .append_pair("redirect_uri", redirect_uri)
                .append_pair("code_verifier", verifier);
            code
        }
    };
    if !provider.scope.is_empty() && !matches!(grant, Grant::Code { .. }) {
        form.append_pair("scope", &provider.scope);
    }
    (form.finish(), secret)
}

/// Where somebody lets us into a mailbox: the provider's page, which sends them back to `redirect_uri` with a code.
pub fn authorize_url(
    page: &str,
    provider: &Provider,
    redirect_uri: &str,
    state: &str,
    verifier: &str,
    email: &str,
) -> Option<String> {
    let mut url = Url::parse(page).ok()?;
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier));
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &provider.client_id)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("scope", &provider.scope)
        .append_pair("state", state)
        .append_pair("code_challenge", &challenge)
        .append_pair("code_challenge_method", "S256")
        .append_pair("login_hint", email)
        // Google gives a refresh token only to who asks like this; others pass over it.
        .append_pair("access_type", "offline")
        .append_pair("prompt", "consent");
    Some(url.into())
}
