//! `/anytime/integrationAccounts` (contract 21): a registry of the accounts that channel apps have connected.

use actix_web::http::header;
use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id;
use crate::app::App;
use crate::desk::integration_account::{
    self, IntegrationAccount, IntegrationAccountChange, IntegrationAccountQuery,
};
use crate::ids::IntegrationAccountId;
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json, Query};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IntegrationAccount)]
pub struct IntegrationAccountJson {
    id: i64,
    /// The channel app that owns it
    #[schema(example = "telegram-bridge")]
    app_id: String,
    account_name: String,
    /// Its id on the foreign platform
    #[schema(example = "@acme")]
    account_original_id: String,
    is_enable: bool,
    channel_id: String,
}

impl From<IntegrationAccount> for IntegrationAccountJson {
    fn from(account: IntegrationAccount) -> Self {
        Self {
            id: account.id.0,
            app_id: account.app_id,
            account_name: account.account_name,
            account_original_id: account.account_original_id,
            is_enable: account.is_enabled,
            channel_id: account.channel_id,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IntegrationAccountList)]
pub struct IntegrationAccountListJson {
    integration_accounts: Vec<IntegrationAccountJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IntegrationAccountAnswer)]
pub struct IntegrationAccountAnswer {
    integration_account: IntegrationAccountJson,
}

/// On creation `appId` and `accountOriginalId` are required; on change what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IntegrationAccountInput)]
pub struct IntegrationAccountInput {
    #[schema(example = "telegram-bridge")]
    app_id: Option<String>,
    account_name: Option<String>,
    /// Unique for the app
    #[schema(example = "@acme")]
    account_original_id: Option<String>,
    /// True unless given; `isEnabled` and `ifEnable` mean the same
    #[serde(alias = "isEnabled", alias = "ifEnable")]
    is_enable: Option<bool>,
    channel_id: Option<String>,
}

impl Input for IntegrationAccountInput {
    const READ_ONLY: &'static [&'static str] = &["id"];
}

impl From<IntegrationAccountInput> for IntegrationAccountChange {
    fn from(input: IntegrationAccountInput) -> Self {
        Self {
            app_id: input.app_id,
            account_name: input.account_name,
            account_original_id: input.account_original_id,
            channel_id: input.channel_id,
            is_enabled: input.is_enable,
        }
    }
}

/// List integration accounts
#[utoipa::path(
    tag = "Integration accounts",
    params(
        ("channelId" = Option<String>, Query),
        ("includeDisabled" = Option<bool>, Query, description = "For who manages them"),
    ),
    responses((status = 200, body = IntegrationAccountListJson), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/integrationAccounts")]
pub async fn list(app: App, by: Caller, query: Query) -> Result<HttpResponse, ApiError> {
    let wanted = IntegrationAccountQuery {
        channel_id: query.text("channelId")?.map(str::to_owned),
        includes_disabled: query.boolean("includeDisabled")?.unwrap_or(false),
    };
    let found = app.read(|s| integration_account::list(s, &by.actor, &wanted))?;
    let integration_accounts = found.into_iter().map(IntegrationAccountJson::from).collect();
    Ok(HttpResponse::Ok().json(IntegrationAccountListJson { integration_accounts }))
}

/// Get an integration account
#[utoipa::path(
    tag = "Integration accounts",
    params(("id" = i64, Path)),
    responses((status = 200, body = IntegrationAccountAnswer))
)]
#[get("/api/v3/anytime/integrationAccounts/{id}")]
pub async fn get(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: IntegrationAccountId = id("integration account", &path)?;
    let account = app.read(|s| integration_account::require(s, &by.actor, id))?;
    Ok(HttpResponse::Ok().json(IntegrationAccountAnswer { integration_account: account.into() }))
}

/// Register an integration account
#[utoipa::path(
    tag = "Integration accounts",
    request_body = IntegrationAccountInput,
    responses((status = 201, body = IntegrationAccountAnswer), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/anytime/integrationAccounts")]
pub async fn create(
    app: App,
    by: Caller,
    body: Json<IntegrationAccountInput>,
) -> Result<HttpResponse, ApiError> {
    let new = body.0.into();
    let account = app.write(move |tx| integration_account::create(tx, &by.actor, &new)).await?;
    let location = format!("/api/v3/anytime/integrationAccounts/{}", account.id);
    let answer = IntegrationAccountAnswer { integration_account: account.into() };
    Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(answer))
}

/// Change an integration account
#[utoipa::path(
    tag = "Integration accounts",
    params(("id" = i64, Path)),
    request_body = IntegrationAccountInput,
    responses(
        (status = 200, body = IntegrationAccountAnswer), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/anytime/integrationAccounts/{id}")]
pub async fn update(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<IntegrationAccountInput>,
) -> Result<HttpResponse, ApiError> {
    let id: IntegrationAccountId = id("integration account", &path)?;
    let change = body.0.into();
    let account = app.write(move |tx| integration_account::update(tx, &by.actor, id, &change)).await?;
    Ok(HttpResponse::Ok().json(IntegrationAccountAnswer { integration_account: account.into() }))
}

/// Remove an integration account
#[utoipa::path(
    tag = "Integration accounts",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[delete("/api/v3/anytime/integrationAccounts/{id}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: IntegrationAccountId = id("integration account", &path)?;
    app.write(move |tx| integration_account::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
