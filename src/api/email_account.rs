//! `/anytime/emailAccounts` (contract 20): where mail is fetched and through which it is sent. Passwords go in and
//! never come out.

use std::collections::BTreeMap;

use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id;
use crate::app::App;
use crate::desk::Permission;
use crate::desk::email_account::{self, EmailAccount, EmailAccountChange, Security};
use crate::desk::inbound_mail::{self, Outcome};
use crate::error::{Error, Result};
use crate::ids::{AgentId, DepartmentId, EmailAccountId};
use crate::jobs;
use crate::time::Timestamp;
use crate::web::error::ErrorBody;
use crate::web::json::{Input, nullable};
use crate::web::{ApiError, Caller, Json, Query};

/// What every agent sees; with `manageChannels` the settings, too.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EmailAccount)]
pub struct EmailAccountJson {
    id: i64,
    #[schema(example = "support@example.com")]
    email: String,
    #[serde(rename = "type")]
    #[schema(example = "pop3")]
    kind: String,
    /// From whom mail comes; empty for the site's name
    display_name: String,
    is_enabled: bool,
    is_default: bool,
    /// To whom conversations received here are assigned
    agent_assignee_id: Option<i64>,
    department_assignee_id: Option<i64>,
    #[serde(flatten)]
    #[schema(inline)]
    settings: Option<SettingsJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EmailAccountSettings)]
pub struct SettingsJson {
    /// HTML, appended to agents' mail
    signature: String,
    pop3_server: String,
    pop3_port: u16,
    /// `none`, `ssl` or `startTls`
    #[schema(example = "ssl")]
    pop3_security: &'static str,
    pop3_user_name: String,
    has_pop3_password: bool,
    leave_copy_on_server: bool,
    /// In seconds
    poll_interval: i64,
    smtp_server: String,
    smtp_port: u16,
    /// `none`, `ssl` or `startTls`
    #[schema(example = "startTls")]
    smtp_security: &'static str,
    smtp_user_name: String,
    has_smtp_password: bool,
    tls_accept_invalid_certs: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_checked_time: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_success_time: Option<Timestamp>,
    /// Why the last check failed; null when it did not
    last_error: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_time: Timestamp,
}

impl EmailAccountJson {
    fn new(account: EmailAccount, with_settings: bool) -> Self {
        Self {
            id: account.id.0,
            email: account.email.clone(),
            kind: account.kind.clone(),
            display_name: account.display_name.clone(),
            is_enabled: account.is_enabled,
            is_default: account.is_default,
            agent_assignee_id: account.agent_assignee_id.map(|id| id.0),
            department_assignee_id: account.department_assignee_id.map(|id| id.0),
            settings: with_settings.then(|| SettingsJson::from(account)),
        }
    }
}

impl From<EmailAccount> for SettingsJson {
    fn from(account: EmailAccount) -> Self {
        Self {
            signature: account.signature,
            pop3_server: account.pop3_server,
            pop3_port: account.pop3_port,
            pop3_security: account.pop3_security.name(),
            pop3_user_name: account.pop3_user_name,
            has_pop3_password: account.has_pop3_password,
            leave_copy_on_server: account.leave_copy_on_server,
            poll_interval: account.poll_interval_seconds,
            smtp_server: account.smtp_server,
            smtp_port: account.smtp_port,
            smtp_security: account.smtp_security.name(),
            smtp_user_name: account.smtp_user_name,
            has_smtp_password: account.has_smtp_password,
            tls_accept_invalid_certs: account.tls_accept_invalid_certs,
            last_checked_time: account.last_checked_at,
            last_success_time: account.last_success_at,
            last_error: account.last_error,
            created_time: account.created_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EmailAccountList)]
pub struct EmailAccountListJson {
    email_accounts: Vec<EmailAccountJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EmailAccountAnswer)]
pub struct EmailAccountAnswer {
    email_account: EmailAccountJson,
}

/// On creation `email` is required. On change what is left out stays as it is; a changed server needs its password.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EmailAccountInput)]
pub struct EmailAccountInput {
    #[schema(example = "support@example.com")]
    email: Option<String>,
    /// Only `pop3`
    #[serde(rename = "type")]
    #[schema(example = "pop3")]
    kind: Option<String>,
    display_name: Option<String>,
    #[serde(alias = "isEnable", alias = "ifEnable")]
    is_enabled: Option<bool>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>)]
    agent_assignee_id: Option<Option<i64>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>)]
    department_assignee_id: Option<Option<i64>>,
    signature: Option<String>,
    #[schema(example = "pop.example.com")]
    pop3_server: Option<String>,
    #[schema(minimum = 1, maximum = 65535)]
    pop3_port: Option<i64>,
    /// `none`, `ssl` or `startTls`
    #[schema(example = "ssl")]
    pop3_security: Option<String>,
    /// The e-mail address unless given
    pop3_user_name: Option<String>,
    #[schema(format = Password, write_only)]
    pop3_password: Option<String>,
    leave_copy_on_server: Option<bool>,
    /// In seconds
    #[schema(minimum = 5, maximum = 86400)]
    poll_interval: Option<i64>,
    #[schema(example = "smtp.example.com")]
    smtp_server: Option<String>,
    #[schema(minimum = 1, maximum = 65535)]
    smtp_port: Option<i64>,
    /// `none`, `ssl` or `startTls`
    #[schema(example = "startTls")]
    smtp_security: Option<String>,
    /// The e-mail address unless given
    smtp_user_name: Option<String>,
    #[schema(format = Password, write_only)]
    smtp_password: Option<String>,
    tls_accept_invalid_certs: Option<bool>,
}

impl Input for EmailAccountInput {
    const READ_ONLY: &'static [&'static str] = &[
        "id",
        "isDefault",
        "hasPop3Password",
        "hasSmtpPassword",
        "lastCheckedTime",
        "lastSuccessTime",
        "lastError",
        "createdTime",
    ];
}

impl EmailAccountInput {
    fn change(self) -> Result<EmailAccountChange> {
        if let Some(kind) = &self.kind {
            check_kind(kind)?;
        }
        Ok(EmailAccountChange {
            email: self.email,
            display_name: self.display_name,
            is_enabled: self.is_enabled,
            agent_assignee_id: self.agent_assignee_id.map(|id| id.map(AgentId)),
            department_assignee_id: self.department_assignee_id.map(|id| id.map(DepartmentId)),
            signature: self.signature,
            pop3_server: self.pop3_server,
            pop3_port: self.pop3_port,
            pop3_security: security("pop3Security", self.pop3_security)?,
            pop3_user_name: self.pop3_user_name,
            pop3_password: self.pop3_password,
            leave_copy_on_server: self.leave_copy_on_server,
            poll_interval_seconds: self.poll_interval,
            smtp_server: self.smtp_server,
            smtp_port: self.smtp_port,
            smtp_security: security("smtpSecurity", self.smtp_security)?,
            smtp_user_name: self.smtp_user_name,
            smtp_password: self.smtp_password,
            tls_accept_invalid_certs: self.tls_accept_invalid_certs,
        })
    }
}

fn check_kind(kind: &str) -> Result<()> {
    match kind.trim().to_ascii_lowercase().as_str() {
        "pop3" => Ok(()),
        known @ ("imap" | "exchange") => {
            let message = format!("'{known}' is not supported in this version: only 'pop3' is");
            Err(Error::invalid("type", message))
        }
        _ => Err(Error::invalid("type", format!("must be 'pop3', not '{}'", shown(kind)))),
    }
}

fn security(field: &str, text: Option<String>) -> Result<Option<Security>> {
    let read = |text: String| {
        Security::parse(&text).ok_or_else(|| {
            let message = format!("must be 'none', 'ssl' or 'startTls', not '{}'", shown(&text));
            Error::invalid(field, message)
        })
    };
    text.map(read).transpose()
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EnableInput)]
pub struct EnableInput {
    #[serde(alias = "isEnable", alias = "ifEnable")]
    is_enabled: bool,
}

impl Input for EnableInput {}

#[derive(Serialize, ToSchema)]
#[schema(as = EmailAccountTest)]
pub struct TestJson {
    pop3: ServerTestJson,
    smtp: ServerTestJson,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ServerTest)]
pub struct ServerTestJson {
    ok: bool,
    /// Null when all is well
    error: Option<String>,
}

impl ServerTestJson {
    /// `None` when the account names no such server.
    fn new(what: &str, result: Option<Result<(), String>>) -> Self {
        let result = result.unwrap_or_else(|| Err(format!("the account has no {what} server")));
        Self { ok: result.is_ok(), error: result.err() }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = EmailAccountCheck)]
pub struct CheckJson {
    /// Mails that are new in the ledger
    fetched: i64,
    /// How many of them ended how
    #[schema(value_type = OutcomesJson)]
    outcomes: BTreeMap<&'static str, i64>,
    /// Why mail could not be fetched; null when it could
    error: Option<String>,
}

#[derive(ToSchema)]
#[schema(as = Outcomes)]
#[expect(dead_code, reason = "describes the map in the document")]
pub struct OutcomesJson {
    created: i64,
    appended: i64,
    junk: i64,
    rejected: i64,
    ignored: i64,
    quarantined: i64,
}

/// List e-mail accounts
///
/// Open to every agent, because mail is sent from them; without `manageChannels` the settings are left out.
#[utoipa::path(
    tag = "Email accounts",
    params((
        "includeDisabled" = Option<bool>, Query,
        description = "Disabled accounts, too; needs `manageChannels`"
    )),
    responses(
        (status = 200, body = EmailAccountListJson), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
    )
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
    responses(
        (status = 200, body = EmailAccountAnswer), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
    )
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
    responses(
        (status = 201, body = EmailAccountAnswer), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 415, body = ErrorBody),
    )
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
        (status = 200, body = EmailAccountAnswer), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 413, body = ErrorBody), (status = 415, body = ErrorBody),
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
        (status = 200, body = EmailAccountAnswer), (status = 400, body = ErrorBody),
        (status = 401, body = ErrorBody), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 413, body = ErrorBody), (status = 415, body = ErrorBody),
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
        (status = 200, body = EmailAccountAnswer), (status = 401, body = ErrorBody),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
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
    responses(
        (status = 204), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    )
)]
#[delete("/api/v3/anytime/emailAccounts/{id}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: EmailAccountId = id("email account", &path)?;
    app.write(move |tx| email_account::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Try to sign in to both servers
#[utoipa::path(
    tag = "Email accounts",
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = TestJson), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
#[post("/api/v3/anytime/emailAccounts/{id}/test")]
pub async fn test(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id = managed(&by, &path)?;
    let checked = jobs::test_account::check(&app, id).await?;
    Ok(HttpResponse::Ok().json(TestJson {
        pop3: ServerTestJson::new("POP3", checked.pop3),
        smtp: ServerTestJson::new("SMTP", checked.smtp),
    }))
}

/// Fetch mail now, and answer once it is processed
#[utoipa::path(
    tag = "Email accounts",
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = CheckJson), (status = 401, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
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
