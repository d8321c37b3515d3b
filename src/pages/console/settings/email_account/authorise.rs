//! Letting us into a mailbox at its provider: an agent goes to the provider's page and comes back with a code, for which
//! we get a refresh token (authorization code with PKCE). May be done again at any time.

use std::sync::PoisonError;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use askama::Template;

use super::super::super::Layout;
use super::super::field::Sent;
use super::super::{Nav, frame};
use super::{Edit, HERE};
use crate::app::{App, Authorising};
use crate::desk::email_account::{self, Authentication, EmailAccount, Kind};
use crate::desk::{Permission, secret};
use crate::error::{Error, Result};
use crate::http::oauth::{self, Grant};
use crate::ids::EmailAccountId;
use crate::jobs::credential;
use crate::pages::form::Mistakes;
use crate::web::page::see_other;
use crate::web::{Page, PageError, Query, SignedIn, filters};

/// How long somebody may take at the provider's page.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// The way to the provider, as a link: a form could not lead to another site (`form-action`).
#[derive(Template)]
#[template(path = "console/settings/email_account_authorise.html")]
struct Leave {
    layout: Layout,
    nav: Nav,
    account: EmailAccount,
    url: String,
    host: String,
}

/// Where providers send people back to.
pub fn redirect_uri(app: &App) -> String {
    [app.base_url(), HERE, "/authorised"].concat()
}

/// Whether the account has what it needs to send somebody to its provider.
pub fn is_possible(account: &EmailAccount) -> bool {
    account.kind != Kind::Exchange
        && account.authentication == Authentication::OAuth2
        && !account.oauth.authorize_url.is_empty()
}

#[post("/console/settings/email-accounts/{id}/authorise")]
pub async fn begin(app: App, id: web::Path<EmailAccountId>, sent: Sent) -> Result<Page<Leave>, PageError> {
    sent.signed_in.actor.require(Permission::ManageChannels)?;
    let (account, secrets) =
        app.read(|s| Ok((email_account::require(s, *id)?, email_account::secrets(s, app.vault(), *id)?)))?;
    if !is_possible(&account) {
        return Err(Error::Conflict("this account needs no authorisation".to_owned()).into());
    }
    let (state, verifier) = (secret::random_token()?, secret::random_token()?);
    let provider = credential::provider(&account, &secrets)?;
    let url = oauth::authorize_url(
        &account.oauth.authorize_url,
        &provider,
        &redirect_uri(&app),
        &state,
        &verifier,
        &account.email,
    );
    let url = url.ok_or_else(|| Error::Conflict("the provider's page has no URL".to_owned()))?;
    let host = url.split('/').nth(2).unwrap_or_default().to_owned();
    {
        let mut authorising = app.work().authorising.lock().unwrap_or_else(PoisonError::into_inner);
        authorising.retain(|_, begun| app.now() < begun.ends_at);
        let begun = Authorising {
            email_account_id: account.id,
            agent_id: sent.signed_in.agent.id,
            verifier,
            ends_at: app.now().plus(PATIENCE),
        };
        authorising.insert(state, begun);
    }
    let (layout, nav) = frame(&app, &sent.signed_in, HERE)?;
    Ok(Page(Leave { layout, nav, account, url, host }))
}

/// The provider sent somebody back. The state proves that the same agent began here; it counts once.
#[get("/console/settings/email-accounts/authorised")]
pub async fn end(app: App, signed_in: SignedIn, query: Query) -> Result<HttpResponse, PageError> {
    signed_in.actor.require(Permission::ManageChannels)?;
    let begun = {
        let mut authorising = app.work().authorising.lock().unwrap_or_else(PoisonError::into_inner);
        authorising.remove(query.text("state")?.unwrap_or_default())
    };
    let begun =
        begun.filter(|begun| begun.agent_id == signed_in.agent.id && app.now() < begun.ends_at).ok_or_else(
            || Error::Conflict("this authorisation was not begun here, or too long ago".to_owned()),
        )?;
    let id = begun.email_account_id;
    match finish(&app, &signed_in, &begun, &query).await {
        Ok(()) => {
            app.fetch_now().notify_one();
            Ok(see_other(&format!("{HERE}/{id}")))
        }
        Err(error) => {
            let page = Edit::new(&app, &signed_in, Some(id), None, Mistakes::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

async fn finish(app: &App, signed_in: &SignedIn, begun: &Authorising, query: &Query) -> Result<()> {
    if let Some(error) = query.text("error")? {
        let told = query.text("error_description")?.unwrap_or_default();
        let text: String = [error, " ", told].concat().chars().take(300).collect();
        return Err(Error::Conflict(format!("the provider did not let us in: {}", text.trim())));
    }
    let code = query.text("code")?.unwrap_or_default();
    let id = begun.email_account_id;
    let (account, secrets) =
        app.read(|s| Ok((email_account::require(s, id)?, email_account::secrets(s, app.vault(), id)?)))?;
    let provider = credential::provider(&account, &secrets)?;
    let grant = Grant::Code { code, redirect_uri: &redirect_uri(app), verifier: &begun.verifier };
    let token = oauth::token(app.http(), &provider, grant)
        .await
        .map_err(|error| Error::Unavailable(error.to_string()))?;
    let refresh_token = token.refresh_token.ok_or_else(|| {
        Error::Conflict("the provider gave no refresh token; its scope may lack 'offline_access'".to_owned())
    })?;
    let (by, vault) = (signed_in.actor.clone(), app.vault().clone());
    app.write(move |tx| email_account::authorise(tx, &by, &vault, id, &refresh_token)).await?;
    credential::forget(app, id).await;
    Ok(())
}
