//! What an account signs in with: its password, or an access token, which is kept until it is about to expire.

use std::sync::PoisonError;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::app::App;
use crate::desk::email_account::{self, Authentication, EmailAccount, Kind, Secrets};
use crate::error::{Error, Result};
use crate::http::oauth::{self, Grant, Kept, OAuthError, Provider};
use crate::ids::EmailAccountId;
use crate::mail::server::Login;

/// A token that expires sooner is not used any more.
const MARGIN: Duration = Duration::from_secs(120);

/// For the server that mail is fetched from.
pub async fn incoming(app: &App, account: &EmailAccount) -> Result<Option<Login>> {
    if account.authentication == Authentication::OAuth2 {
        return Ok(Some(Login::Token(token(app, account).await?)));
    }
    let secrets = app.read(|s| email_account::secrets(s, app.vault(), account.id))?;
    if account.has_incoming_password && secrets.incoming_password.is_none() {
        return Err(unreadable(&format!("{} password", account.kind.label())));
    }
    Ok(secrets.incoming_password.map(Login::Password))
}

/// For the server that mail is handed to; `None` when it needs no sign-in.
pub async fn outgoing(app: &App, account: &EmailAccount) -> Result<Option<Login>> {
    if account.authentication == Authentication::OAuth2 {
        return Ok(Some(Login::Token(token(app, account).await?)));
    }
    let secrets = app.read(|s| email_account::secrets(s, app.vault(), account.id))?;
    if account.has_smtp_password && secrets.smtp_password.is_none() {
        return Err(unreadable("SMTP password"));
    }
    Ok(secrets.smtp_password.map(Login::Password))
}

fn unreadable(what: &str) -> Error {
    Error::Unavailable(format!("the stored {what} cannot be opened with this key; enter it again"))
}

/// An access token that is good for at least two minutes.
pub async fn token(app: &App, account: &EmailAccount) -> Result<String> {
    let slot = {
        let mut tokens = app.work().tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.entry(account.id).or_default().clone()
    };
    let mut kept = slot.lock().await;
    let secrets = app.read(|s| email_account::secrets(s, app.vault(), account.id))?;
    let provider = provider(account, &secrets)?;
    let got_with = mark(&provider, secrets.refresh_token.as_deref());
    if let Some(kept) = kept.as_ref()
        && kept.got_with == got_with
        && app.now().plus(MARGIN) < kept.expires_at
    {
        return Ok(kept.token.clone());
    }
    *kept = None;
    let grant = match (account.kind, secrets.refresh_token.as_deref()) {
        (Kind::Exchange, _) => Grant::ClientCredentials,
        (_, Some(token)) => Grant::RefreshToken(token),
        (_, None) if account.oauth.has_refresh_token => return Err(unreadable("refresh token")),
        (_, None) => {
            return Err(Error::Unavailable(
                "nobody has authorised this account at its provider yet; do so on the account's page"
                    .to_owned(),
            ));
        }
    };
    let token =
        oauth::token(app.http(), &provider, grant).await.map_err(|error| match (&error, account.kind) {
            (OAuthError::Refused(text), Kind::Pop3 | Kind::Imap) => {
                Error::SignInRefused(format!("{text}; authorise the account again on its page"))
            }
            (OAuthError::Refused(text), Kind::Exchange) => Error::SignInRefused(text.clone()),
            _ => Error::Unavailable(error.to_string()),
        })?;
    let mut got_with = got_with;
    if let Some(new) = token.refresh_token.filter(|_| account.kind != Kind::Exchange) {
        got_with = mark(&provider, Some(&new));
        let (id, vault) = (account.id, app.vault().clone());
        app.write(move |tx| email_account::keep_refresh_token(tx, &vault, id, &new)).await?;
    }
    let expires_at = app.now().plus(token.lifetime);
    *kept = Some(Kept { token: token.access_token.clone(), expires_at, got_with });
    Ok(token.access_token)
}

/// A server refused the token: the next one is a fresh one.
pub async fn forget(app: &App, id: EmailAccountId) {
    let slot = app.work().tokens.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
    if let Some(slot) = slot {
        *slot.lock().await = None;
    }
}

/// Who we are to the provider.
pub fn provider(account: &EmailAccount, secrets: &Secrets) -> Result<Provider> {
    if account.oauth.has_client_secret && secrets.client_secret.is_none() {
        return Err(unreadable("client secret"));
    }
    Ok(Provider {
        token_url: account.oauth.token_url.clone(),
        client_id: account.oauth.client_id.clone(),
        client_secret: secrets.client_secret.clone().unwrap_or_default(),
        scope: account.oauth.scope.clone(),
    })
}

fn mark(provider: &Provider, refresh_token: Option<&str>) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in [
        &provider.token_url,
        &provider.client_id,
        &provider.client_secret,
        &provider.scope,
        refresh_token.unwrap_or_default(),
    ] {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}
