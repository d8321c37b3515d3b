//! `/anytime/emailAccounts` (contract 20): where mail is fetched and through which it is sent. Secrets go in and
//! never come out.

mod input;
mod shape;

use std::collections::BTreeMap;

use actix_web::{HttpResponse, delete, get, post, put, web};

use self::input::{EmailAccountInput, EnableInput};
use self::shape::{CheckJson, EmailAccountAnswer, EmailAccountJson, EmailAccountListJson, TestJson};
use super::id;
use crate::app::App;
use crate::desk::Permission;
use crate::desk::email_account::{self, EmailAccount, EmailAccountChange};
use crate::desk::inbound_mail::{self, Outcome};
use crate::error::Result;
use crate::ids::EmailAccountId;
use crate::jobs;
use crate::web::error::ErrorBody;
use crate::web::{ApiError, Caller, Json, Query};

/// List e-mail accounts
///
/// Open to every agent, because mail is sent from them; without `manageChannels` the settings are left out.
#[utoipa::path(
    tag = "Email accounts",
    params((
        "includeDisabled" = Option<bool>, Query,
        description = "Disabled accounts, too; needs `manageChannels`"
    )),
    responses((status = 200, body = EmailAccountListJson), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/emailAccounts")]
pub async fn list(app: App, by: Caller, query: Query) -> Result<HttpResponse, ApiError> {
    let include_disabled = query.boolean("includeDisabled")?.unwrap_or(false);
    let permission = by.actor.require(Permission::ManageChannels);
    let with_settings = permission.is_ok();
    if include_disabled {
        permission?;
    }
    let accounts = app.read(|s| email_account::list(s, include_disabled))?;
    let new = |account| EmailAccountJson::new(account, with_settings);
    Ok(HttpResponse::Ok()
        .json(EmailAccountListJson { email_accounts: accounts.into_iter().map(new).collect() }))
}

/// Get an e-mail account
#[utoipa::path(
    tag = "Email accounts",
    params(("id" = i64, Path)),
    responses((status = 200, body = EmailAccountAnswer), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/emailAccounts/{id}")]
pub async fn get(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id = managed(&by, &path)?;
    let account = app.read(|s| email_account::require(s, id))?;
    Ok(HttpResponse::Ok().json(answer(account)))
}

/// Create an e-mail account; the first one becomes the default
#[utoipa::path(
    tag = "Email accounts",
    request_body = EmailAccountInput,
    responses((status = 201, body = EmailAccountAnswer), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/anytime/emailAccounts")]
pub async fn create(app: App, by: Caller, body: Json<EmailAccountInput>) -> Result<HttpResponse, ApiError> {
    let new = body.0.change()?;
    let vault = app.clone();
    let account = app.write(move |tx| email_account::create(tx, &by.actor, vault.vault(), &new)).await?;
    app.fetch_now().notify_one();
    let location = format!("/api/v3/anytime/emailAccounts/{}", account.id);
    Ok(HttpResponse::Created().insert_header(("Location", location)).json(answer(account)))
}

/// Change an e-mail account
#[utoipa::path(
    tag = "Email accounts",
    params(("id" = i64, Path)),
    request_body = EmailAccountInput,
    responses(
        (status = 200, body = EmailAccountAnswer), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/anytime/emailAccounts/{id}")]
pub async fn update(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<EmailAccountInput>,
) -> Result<HttpResponse, ApiError> {
    let id: EmailAccountId = id("email account", &path)?;
    let change = body.0.change()?;
    change_account(&app, by, id, change).await
}

/// Enable or disable an e-mail account
#[utoipa::path(
    tag = "Email accounts",
    params(("id" = i64, Path)),
    request_body = EnableInput,
    responses(
        (status = 200, body = EmailAccountAnswer), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/anytime/emailAccounts/{id}/enable")]
pub async fn enable(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<EnableInput>,
) -> Result<HttpResponse, ApiError> {
    let id: EmailAccountId = id("email account", &path)?;
    let change = EmailAccountChange { is_enabled: Some(body.0.is_enabled), ..EmailAccountChange::default() };
    change_account(&app, by, id, change).await
}

async fn change_account(
    app: &App,
    by: Caller,
    id: EmailAccountId,
    change: EmailAccountChange,
) -> Result<HttpResponse, ApiError> {
    let vault = app.clone();
    let account =
        app.write(move |tx| email_account::update(tx, &by.actor, vault.vault(), id, &change)).await?;
    app.fetch_now().notify_one();
    Ok(HttpResponse::Ok().json(answer(account)))
}

/// Make an e-mail account the default one
#[utoipa::path(
    tag = "Email accounts",
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = EmailAccountAnswer), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/anytime/emailAccounts/{id}/default")]
pub async fn set_default(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: EmailAccountId = id("email account", &path)?;
    let account = app.write(move |tx| email_account::set_default(tx, &by.actor, id)).await?;
    Ok(HttpResponse::Ok().json(answer(account)))
}

/// Delete an e-mail account; its mail stays in conversations
#[utoipa::path(
    tag = "Email accounts",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody))
)]
#[delete("/api/v3/anytime/emailAccounts/{id}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: EmailAccountId = id("email account", &path)?;
    app.write(move |tx| email_account::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Try to sign in to the servers
///
/// The answer has `pop3`, `imap` or `exchange` for where mail is fetched and, unless Exchange sends it, `smtp`.
#[utoipa::path(
    tag = "Email accounts",
    params(("id" = i64, Path)),
    responses((status = 200, body = TestJson), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/anytime/emailAccounts/{id}/test")]
pub async fn test(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id = managed(&by, &path)?;
    let checked = jobs::test_account::check(&app, id).await?;
    Ok(HttpResponse::Ok().json(TestJson::new(checked)))
}

/// Fetch mail now, and answer once it is processed
#[utoipa::path(
    tag = "Email accounts",
    params(("id" = i64, Path)),
    responses((status = 200, body = CheckJson), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/anytime/emailAccounts/{id}/check")]
pub async fn check(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id = managed(&by, &path)?;
    let before = app.read(|s| {
        email_account::require(s, id)?;
        inbound_mail::last_id(s)
    })?;
    let fetched = jobs::fetch_account_in_turn(&app, id).await;
    jobs::process_waiting(&app).await?;
    let (arrived, ended) = app.read(|s| {
        Ok((inbound_mail::count_since(s, id, before)?, inbound_mail::outcomes_since(s, id, before)?))
    })?;
    let mut outcomes: BTreeMap<_, _> = Outcome::ALL.iter().map(|outcome| (outcome.name(), 0)).collect();
    outcomes.extend(ended.into_iter().map(|(outcome, count)| (outcome.name(), count)));
    Ok(HttpResponse::Ok().json(CheckJson { fetched: arrived, outcomes, error: fetched.error }))
}

/// The id in the path, for a caller with `manageChannels`.
fn managed(by: &Caller, path: &str) -> Result<EmailAccountId, ApiError> {
    by.actor.require(Permission::ManageChannels)?;
    id("email account", path)
}

/// Who could change an account sees all of it.
fn answer(account: EmailAccount) -> EmailAccountAnswer {
    EmailAccountAnswer { email_account: EmailAccountJson::new(account, true) }
}
