//! OpenID Connect with one provider that an administrator named: its description, the exchange of a code, and the check
//! of the token that comes back (OIDC Core 3.1.3.7). Plain http is spoken only to this very machine.

use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey};
use serde_json::Value;
use url::Url;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Client;
use crate::error::Result;
use crate::time::Timestamp;

/// What a provider says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    pub issuer: String,
    pub authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

/// Who we are to the provider.
pub struct Credentials<'a> {
    pub client_id: &'a str,
    pub secret: &'a str,
}

/// What belongs to one sign-in.
pub struct Attempt<'a> {
    pub redirect_uri: &'a str,
    pub nonce: &'a str,
    /// PKCE (RFC 7636).
    pub verifier: &'a str,
}

/// Who signed in, as the provider vouches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    pub issuer: String,
    pub subject: String,
    pub email: Option<String>,
    pub is_email_verified: bool,
    pub name: Option<String>,
}

/// Clocks may differ by this much, in seconds.
const LEEWAY: i64 = 120;

/// Reads the description of `issuer`. An error completes "the provider …".
pub async fn discover(issuer: &str) -> Result<Provider, String> {
    let issuer = issuer.trim_end_matches('/');
    require_safe(issuer)?;
    let found = fetch(&[issuer, "/.well-known/openid-configuration"].concat()).await?;
    let said = found["issuer"].as_str().unwrap_or_default();
    if said.trim_end_matches('/') != issuer {
        return Err(format!("calls itself '{}'", shown(said)));
    }
    let endpoint = |name: &str| -> Result<String, String> {
        let url = found[name].as_str().ok_or_else(|| format!("names no {name}"))?;
        require_safe(url)?;
        Ok(url.to_owned())
    };
    Ok(Provider {
        issuer: said.to_owned(),
        authorization_endpoint: endpoint("authorization_endpoint")?,
        token_endpoint: endpoint("token_endpoint")?,
        jwks_uri: endpoint("jwks_uri")?,
    })
}

/// Exchanges the code of an attempt and checks everything that the token says. An error completes "the provider …".
pub async fn claims(
    provider: &Provider,
    own: &Credentials<'_>,
    attempt: &Attempt<'_>,
    code: &str,
    now: Timestamp,
) -> Result<Claims, String> {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", attempt.redirect_uri),
        ("client_id", own.client_id),
        ("client_secret", own.secret),
        ("code_verifier", attempt.verifier),
    ];
    let answer = client()?.post_form(&provider.token_endpoint, &fields).await?;
    let tokens: Value = serde_json::from_str(&answer.body).unwrap_or(Value::Null);
    if !answer.is_success() {
        let error = tokens["error"].as_str().unwrap_or_default();
        return Err(format!("refused the code with status {} {}", answer.status, shown(error)));
    }
    let token = tokens["id_token"].as_str().ok_or("sent no id_token")?;
    let keys = fetch(&provider.jwks_uri).await?;
    let claims = verified(token, &keys)?;
    check(&claims, provider, own.client_id, attempt.nonce, now)
}

/// The content of a token, if one of the keys signed it.
fn verified(token: &str, keys: &Value) -> Result<Value, String> {
    let mut parts = token.split('.');
    let (Some(head), Some(body), Some(seal), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err("sent an id_token that is none".to_owned());
    };
    let decode =
        |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| "sent an id_token that is none".to_owned());
    let json = |part: &str| -> Result<Value, String> {
        serde_json::from_slice(&decode(part)?).map_err(|_| "sent an id_token that is none".to_owned())
    };
    let (header, seal) = (json(head)?, decode(seal)?);
    let algorithm = header["alg"].as_str().unwrap_or_default();
    let key_type = match algorithm {
        "RS256" => "RSA",
        "ES256" => "EC",
        other => return Err(format!("signs by '{}', not RS256 or ES256", shown(other))),
    };
    let wanted = header["kid"].as_str();
    let fits = |key: &&Value| {
        key["kty"] == key_type
            && key["use"].as_str().is_none_or(|purpose| purpose == "sig")
            && wanted.is_none_or(|wanted| key["kid"] == wanted)
    };
    let signed = &token[..head.len() + 1 + body.len()];
    let is_signed = keys["keys"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(fits)
        .any(|key| is_signed_by(key, algorithm, signed.as_bytes(), &seal));
    if !is_signed {
        return Err("sent an id_token that none of its keys signed".to_owned());
    }
    json(body)
}

fn is_signed_by(key: &Value, algorithm: &str, signed: &[u8], seal: &[u8]) -> bool {
    let number = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str()?).ok();
    match algorithm {
        "RS256" => {
            let (Some(n), Some(e)) = (number("n"), number("e")) else { return false };
            let key = RsaPublicKeyComponents { n, e };
            key.verify(&signature::RSA_PKCS1_2048_8192_SHA256, signed, seal).is_ok()
        }
        _ => {
            let (Some(x), Some(y)) = (number("x"), number("y")) else { return false };
            if key["crv"] != "P-256" {
                return false;
            }
            let point = [&[4][..], &x, &y].concat();
            UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point).verify(signed, seal).is_ok()
        }
    }
}

/// That the token is from this provider, for us, for this attempt and of now.
fn check(
    claims: &Value,
    provider: &Provider,
    client_id: &str,
    nonce: &str,
    now: Timestamp,
) -> Result<Claims, String> {
    let text = |name: &str| claims[name].as_str().filter(|text| !text.is_empty());
    let wrong = |what: &str| Err(format!("sent an id_token with a wrong {what}"));
    if text("iss") != Some(&provider.issuer) {
        return wrong("issuer");
    }
    let audiences: Vec<&str> = match &claims["aud"] {
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    let party = text("azp");
    let is_for_us = audiences.contains(&client_id)
        && (audiences.len() == 1 || party.is_some())
        && party.is_none_or(|party| party == client_id);
    if !is_for_us {
        return wrong("audience");
    }
    let seconds = now.millis() / 1000;
    if claims["exp"].as_i64().is_none_or(|until| until + LEEWAY <= seconds) {
        return wrong("time: it has expired");
    }
    if claims["iat"].as_i64().is_none_or(|at| seconds + LEEWAY < at) {
        return wrong("time: it is of the future");
    }
    if text("nonce") != Some(nonce) {
        return wrong("nonce");
    }
    let Some(subject) = text("sub").filter(|subject| subject.len() <= 255) else { return wrong("subject") };
    // Some providers write the truth as a word.
    let is_email_verified = claims["email_verified"] == true || claims["email_verified"] == "true";
    Ok(Claims {
        issuer: provider.issuer.clone(),
        subject: subject.to_owned(),
        email: text("email").map(str::to_owned),
        is_email_verified,
        name: text("name").map(str::to_owned),
    })
}

/// The guard against private addresses is off: many companies' providers are inside.
fn client() -> Result<Client, String> {
    Client::new(true).map_err(|error| error.to_string())
}

async fn fetch(url: &str) -> Result<Value, String> {
    let answer = client()?.get(url).await?;
    if !answer.is_success() {
        return Err(format!("answers {} at '{}'", answer.status, shown(url)));
    }
    serde_json::from_str(&answer.body).map_err(|_| format!("sends no JSON at '{}'", shown(url)))
}

/// https, or this machine.
fn require_safe(url: &str) -> Result<(), String> {
    let parsed = Url::parse(url).map_err(|_| format!("has '{}', which is no URL", shown(url)))?;
    let is_here = matches!(parsed.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    match parsed.scheme() {
        "https" => Ok(()),
        "http" if is_here => Ok(()),
        _ => Err(format!("has '{}', which does not begin with https://", shown(url))),
    }
}

fn shown(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn provider() -> Provider {
        let url = |path: &str| ["https://id.example", path].concat();
        Provider {
            issuer: url(""),
            authorization_endpoint: url("/a"),
            token_endpoint: url("/t"),
            jwks_uri: url("/k"),
        }
    }

    fn checked(change: impl FnOnce(&mut Value)) -> Result<Claims, String> {
        let mut claims = json!({
            "iss": "https://id.example", "aud": "desk", "exp": 2000, "iat": 1000, "nonce": "n", "sub": "7",
            "email": "ann@desk.example", "email_verified": true,
        });
        change(&mut claims);
        check(&claims, &provider(), "desk", "n", Timestamp::from_millis(1_000_000))
    }

    #[test]
    fn a_token_must_be_from_the_provider_for_us_of_now_and_of_this_attempt() {
        assert_eq!(checked(|_| {}).unwrap().subject, "7");
        assert!(checked(|claims| claims["aud"] = json!(["desk"])).is_ok());
        assert!(checked(|claims| claims["azp"] = json!("desk")).is_ok());
        for (change, wrong) in [
            (json!({ "iss": "https://evil.example" }), "issuer"),
            (json!({ "aud": "other" }), "audience"),
            (json!({ "aud": ["desk", "other"] }), "audience"),
            (json!({ "azp": "other" }), "audience"),
            (json!({ "exp": 800 }), "expired"),
            (json!({ "exp": null }), "expired"),
            (json!({ "iat": 1500 }), "future"),
            (json!({ "nonce": "m" }), "nonce"),
            (json!({ "sub": "" }), "subject"),
        ] {
            let refused = checked(|claims| {
                claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
            });
            assert!(refused.clone().is_err_and(|text| text.contains(wrong)), "{change}: {refused:?}");
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_alone() {
        assert!(require_safe("https://id.example").is_ok() && require_safe("http://127.0.0.1:9/x").is_ok());
        assert!(require_safe("http://id.example").is_err() && require_safe("file:///etc/passwd").is_err());
    }

    #[test]
    fn a_token_without_a_signature_is_none() {
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        for algorithm in ["none", "HS256", "RS256"] {
            let token = format!("{}.{}.", part(json!({ "alg": algorithm })), part(json!({ "sub": "7" })));
            assert!(verified(&token, &json!({ "keys": [] })).is_err(), "{algorithm}");
        }
    }
}
