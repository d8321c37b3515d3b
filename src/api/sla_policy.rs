//! `/slaPolicies` (contract 18): how fast conversations must be answered and closed. Targets are whole minutes.

use actix_web::http::header;
use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::condition::{self, ConditionInput, ConditionJson};
use super::routing::IsEnableInput;
use super::{id, order};
use crate::app::App;
use crate::db::Snapshot;
use crate::desk::code::Status;
use crate::desk::sla_policy::{self, SlaPolicy, SlaPolicyChange};
use crate::desk::{field, sla};
use crate::error::{Error, Result as DeskResult, shown};
use crate::ids::SlaPolicyId;
use crate::rules::Catalogue;
use crate::web::error::ErrorBody;
use crate::web::json::{Input, nullable};
use crate::web::{ApiError, Caller, Json};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SlaPolicy)]
pub struct SlaPolicyJson {
    id: i64,
    #[schema(example = "Urgent")]
    name: String,
    description: String,
    is_enabled: bool,
    /// MINUTES until the first answer of an agent is due; null is no target
    #[schema(example = 60)]
    first_respond_within: Option<i64>,
    /// MINUTES until an answer to what the contact wrote later is due
    #[schema(example = 120)]
    next_respond_within: Option<i64>,
    /// MINUTES until the conversation should be closed
    #[schema(example = 1440)]
    resolve_respond_within: Option<i64>,
    /// `calendarHours` (around the clock) or `businessHours` (working time only)
    #[schema(example = "businessHours")]
    operational_hours: &'static str,
    is_business_hours: bool,
    #[schema(example = "all")]
    when: &'static str,
    logic_expression: Option<String>,
    conditions: Vec<ConditionJson>,
    /// From 1: the first enabled policy that matches applies
    order_index: i64,
    /// What its conditions name and is gone
    warnings: Vec<String>,
}

impl SlaPolicyJson {
    fn new(s: &Snapshot<'_>, catalogue: &Catalogue, policy: SlaPolicy) -> DeskResult<Self> {
        Ok(Self {
            warnings: policy.warnings(s, catalogue)?,
            id: policy.id.0,
            name: policy.name,
            description: policy.description,
            is_enabled: policy.is_enabled,
            first_respond_within: policy.targets.first,
            next_respond_within: policy.targets.next,
            resolve_respond_within: policy.targets.resolve,
            operational_hours: if policy.is_business_hours { "businessHours" } else { "calendarHours" },
            is_business_hours: policy.is_business_hours,
            when: policy.formula.when.name(),
            logic_expression: policy.formula.logic_expression,
            conditions: ConditionJson::list(catalogue, policy.formula.conditions),
            order_index: policy.position,
        })
    }

    fn list(s: &Snapshot<'_>, policies: Vec<SlaPolicy>) -> DeskResult<SlaPoliciesEnvelope> {
        let catalogue = field::catalogue(s)?;
        let shown = policies.into_iter().map(|policy| Self::new(s, &catalogue, policy));
        Ok(SlaPoliciesEnvelope { sla_policies: shown.collect::<DeskResult<_>>()? })
    }

    fn one(s: &Snapshot<'_>, policy: SlaPolicy) -> DeskResult<SlaPolicyEnvelope> {
        Ok(SlaPolicyEnvelope { sla_policy: Self::new(s, &field::catalogue(s)?, policy)? })
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SlaPoliciesEnvelope)]
pub struct SlaPoliciesEnvelope {
    sla_policies: Vec<SlaPolicyJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SlaPolicyEnvelope)]
pub struct SlaPolicyEnvelope {
    sla_policy: SlaPolicyJson,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SlaPolicyInput)]
pub struct SlaPolicyInput {
    /// Only a rehearsal reads it: which policy the draft changes
    pub(super) id: Option<i64>,
    /// Required for a new one; at most 200 characters
    #[schema(example = "Urgent")]
    name: Option<String>,
    description: Option<String>,
    #[serde(alias = "isEnable", alias = "enable", alias = "ifEnable")]
    is_enabled: Option<bool>,
    /// MINUTES, 5 to 525600; null takes the target away. At least one of the three targets is required
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>, example = 60)]
    first_respond_within: Option<Option<i64>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>, example = 120)]
    next_respond_within: Option<Option<i64>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>, example = 1440)]
    resolve_respond_within: Option<Option<i64>>,
    /// `calendarHours` or `businessHours`
    #[schema(example = "businessHours")]
    operational_hours: Option<String>,
    /// The same as true or false; or, as an older document has it, the word of `operationalHours`
    #[serde(default, alias = "businessHours", deserialize_with = "condition::scalar")]
    #[schema(value_type = Option<bool>)]
    is_business_hours: Option<String>,
    /// `all`, `any` or `logicalExpression`
    when: Option<String>,
    logic_expression: Option<String>,
    conditions: Option<Vec<ConditionInput>>,
    #[serde(alias = "order", alias = "orderNum")]
    order_index: Option<i64>,
    #[serde(rename = "warnings")]
    #[schema(ignore)]
    _warnings: Option<Vec<String>>,
}

impl Input for SlaPolicyInput {}

impl SlaPolicyInput {
    pub(super) fn change(self, before: Option<&SlaPolicy>) -> DeskResult<SlaPolicyChange> {
        let was = before.map(|policy| policy.is_business_hours);
        Ok(SlaPolicyChange {
            is_business_hours: business_hours(self.operational_hours, self.is_business_hours, was)?,
            name: self.name,
            description: self.description,
            is_enabled: self.is_enabled,
            first: self.first_respond_within,
            next: self.next_respond_within,
            resolve: self.resolve_respond_within,
            formula: condition::changed(
                before.map(|policy| &policy.formula),
                self.when,
                self.logic_expression,
                self.conditions,
            ),
            position: self.order_index,
        })
    }
}

/// Both keys in every spelling (contract 18.1). A client that sends back what it got with one of them changed means
/// the one that differs from what is stored.
fn business_hours(word: Option<String>, flag: Option<String>, was: Option<bool>) -> DeskResult<Option<bool>> {
    let read = |field: &str, text: Option<String>| {
        let Some(text) = text else { return Ok(None) };
        match text.trim().to_ascii_lowercase().as_str() {
            "businesshours" | "businesshour" | "true" | "1" => Ok(Some(true)),
            "calendarhours" | "calenderhours" | "calendarhour" | "calenderhour" | "false" | "0" => {
                Ok(Some(false))
            }
            _ => {
                let shown = shown(&text);
                Err(Error::invalid(field, format!("must be calendarHours or businessHours, not '{shown}'")))
            }
        }
    };
    match (read("operationalHours", word)?, read("isBusinessHours", flag)?) {
        (Some(word), Some(flag)) if word != flag => match was {
            Some(was) => Ok(Some(!was)),
            None => Err(Error::invalid("isBusinessHours", format!("{flag} contradicts 'operationalHours'"))),
        },
        (word, flag) => Ok(word.or(flag)),
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SlaPolicySortInput)]
pub struct SortInput {
    /// `up` or `down`
    #[serde(rename = "type")]
    #[schema(example = "up")]
    direction: Option<String>,
    /// Or the new place, from 1
    #[serde(alias = "index", alias = "order", alias = "orderNum")]
    order_index: Option<i64>,
}

impl Input for SortInput {}

/// Switches that hold for every policy
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SlaSettings)]
pub struct SettingsJson {
    /// While a conversation has one of these statuses its clocks stand still; what is left is due after it
    #[schema(example = json!(["pendingExternal", "onHold"]))]
    sla_pause_statuses: Vec<String>,
}

impl Input for SettingsJson {}

/// List SLA policies, in order
#[utoipa::path(
    tag = "SLA policies",
    responses((status = 200, body = SlaPoliciesEnvelope), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/slaPolicies")]
pub async fn list(app: App, by: Caller) -> Result<HttpResponse, ApiError> {
    let found = app.read(|s| SlaPolicyJson::list(s, sla_policy::list(s, &by.actor)?))?;
    Ok(HttpResponse::Ok().json(found))
}

/// Get an SLA policy
#[utoipa::path(
    tag = "SLA policies",
    params(("id" = i64, Path)),
    responses((status = 200, body = SlaPolicyEnvelope), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/slaPolicies/{id}")]
pub async fn get(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: SlaPolicyId = id("SLA policy", &path)?;
    let found = app.read(|s| SlaPolicyJson::one(s, sla_policy::require(s, &by.actor, id)?))?;
    Ok(HttpResponse::Ok().json(found))
}

/// Create an SLA policy
///
/// Targets are MINUTES. Open conversations are evaluated again in the background.
#[utoipa::path(
    tag = "SLA policies",
    request_body = SlaPolicyInput,
    responses((status = 201, body = SlaPolicyEnvelope), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/anytime/slaPolicies")]
pub async fn create(app: App, by: Caller, body: Json<SlaPolicyInput>) -> Result<HttpResponse, ApiError> {
    let new = body.0.change(None)?;
    let created = app
        .write(move |tx| {
            let policy = sla_policy::create(tx, &by.actor, &new)?;
            SlaPolicyJson::one(tx, policy)
        })
        .await?;
    let location = format!("/api/v3/anytime/slaPolicies/{}", created.sla_policy.id);
    Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(created))
}

/// Change an SLA policy
#[utoipa::path(
    tag = "SLA policies",
    params(("id" = i64, Path)),
    request_body = SlaPolicyInput,
    responses((status = 200, body = SlaPolicyEnvelope), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/slaPolicies/{id}")]
pub async fn update(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<SlaPolicyInput>,
) -> Result<HttpResponse, ApiError> {
    let id: SlaPolicyId = id("SLA policy", &path)?;
    let changed = app
        .write(move |tx| {
            let before = sla_policy::require(tx, &by.actor, id)?;
            let policy = sla_policy::update(tx, &by.actor, id, &body.0.change(Some(&before))?)?;
            SlaPolicyJson::one(tx, policy)
        })
        .await?;
    Ok(HttpResponse::Ok().json(changed))
}

/// Switch an SLA policy on or off
#[utoipa::path(
    tag = "SLA policies",
    params(("id" = i64, Path)),
    request_body = IsEnableInput,
    responses((status = 200, body = SlaPolicyEnvelope), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/slaPolicies/{id}/enable")]
pub async fn enable(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<IsEnableInput>,
) -> Result<HttpResponse, ApiError> {
    let id: SlaPolicyId = id("SLA policy", &path)?;
    let change = SlaPolicyChange { is_enabled: Some(body.0.is_enable), ..SlaPolicyChange::default() };
    let changed = app
        .write(move |tx| {
            let policy = sla_policy::update(tx, &by.actor, id, &change)?;
            SlaPolicyJson::one(tx, policy)
        })
        .await?;
    Ok(HttpResponse::Ok().json(changed))
}

/// Move an SLA policy in the order
#[utoipa::path(
    tag = "SLA policies",
    params(("id" = i64, Path)),
    request_body = SortInput,
    responses((status = 200, body = SlaPoliciesEnvelope), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/slaPolicies/{id}/sort")]
pub async fn sort(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<SortInput>,
) -> Result<HttpResponse, ApiError> {
    let id: SlaPolicyId = id("SLA policy", &path)?;
    let place = order::place(body.0.direction.as_deref(), body.0.order_index, "orderIndex")?;
    let all = app
        .write(move |tx| {
            let all = sla_policy::sort(tx, &by.actor, id, place)?;
            SlaPolicyJson::list(tx, all)
        })
        .await?;
    Ok(HttpResponse::Ok().json(all))
}

/// Copy an SLA policy: right below, switched off
#[utoipa::path(
    tag = "SLA policies",
    params(("id" = i64, Path)),
    responses((status = 201, body = SlaPolicyEnvelope), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/slaPolicies/{id}/copy")]
pub async fn copy(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    copied(app, by, &path).await
}

/// Copy an SLA policy, with POST
#[utoipa::path(
    tag = "SLA policies",
    params(("id" = i64, Path)),
    responses((status = 201, body = SlaPolicyEnvelope), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/anytime/slaPolicies/{id}/copy")]
pub async fn post_copy(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    copied(app, by, &path).await
}

async fn copied(app: App, by: Caller, text: &str) -> Result<HttpResponse, ApiError> {
    let id: SlaPolicyId = id("SLA policy", text)?;
    let made = app
        .write(move |tx| {
            let policy = sla_policy::copy(tx, &by.actor, id)?;
            SlaPolicyJson::one(tx, policy)
        })
        .await?;
    let location = format!("/api/v3/anytime/slaPolicies/{}", made.sla_policy.id);
    Ok(HttpResponse::Created().insert_header((header::LOCATION, location)).json(made))
}

/// Delete an SLA policy: open conversations get the next that matches
#[utoipa::path(
    tag = "SLA policies",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[delete("/api/v3/anytime/slaPolicies/{id}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: SlaPolicyId = id("SLA policy", &path)?;
    app.write(move |tx| sla_policy::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Get the switches of all policies
#[utoipa::path(
    tag = "SLA policies",
    responses((status = 200, body = SettingsJson))
)]
#[get("/api/v3/anytime/slaSettings")]
pub async fn settings(app: App, _by: Caller) -> Result<HttpResponse, ApiError> {
    Ok(HttpResponse::Ok().json(stored_settings(&app)?))
}

fn stored_settings(app: &App) -> DeskResult<SettingsJson> {
    let statuses = app.read(sla::pause_statuses)?;
    let sla_pause_statuses = statuses.into_iter().map(|status| status.name().to_owned()).collect();
    Ok(SettingsJson { sla_pause_statuses })
}

/// Change the switches of all policies
#[utoipa::path(
    tag = "SLA policies",
    request_body = SettingsJson,
    responses((status = 200, body = SettingsJson), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/slaSettings")]
pub async fn set_settings(app: App, by: Caller, body: Json<SettingsJson>) -> Result<HttpResponse, ApiError> {
    let statuses = body.0.sla_pause_statuses.iter().enumerate().map(|(position, text)| {
        Status::parse_with_aliases(text).ok_or_else(|| {
            let shown = shown(text);
            Error::invalid(format!("slaPauseStatuses[{position}]"), format!("'{shown}' is not a status"))
        })
    });
    let statuses = statuses.collect::<DeskResult<Vec<_>>>()?;
    app.write(move |tx| sla::set_pause_statuses(tx, &by.actor, &statuses)).await?;
    Ok(HttpResponse::Ok().json(stored_settings(&app)?))
}
