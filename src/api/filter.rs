//! `/anytime/filters` (contract 13.1), also called views: the system's six, and the agents' own.

use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::condition::{self, ConditionInput, ConditionJson};
use super::id;
use crate::app::App;
use crate::db::Snapshot;
use crate::desk::condition::NewCondition;
use crate::desk::filter::{self, Filter, FilterChange, NewFilter};
use crate::desk::{Actor, field};
use crate::error::{Error, Result};
use crate::ids::FilterId;
use crate::rules::Catalogue;
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json, Query};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Filter)]
pub struct FilterJson {
    /// The system's have 1 to 6, others start at 1000
    id: i64,
    #[schema(example = "Urgent and open")]
    name: String,
    /// Only its creator sees it
    is_private: bool,
    /// 0 for a system filter
    created_by_id: i64,
    /// `any`, `all` or `logicalExpression`
    #[schema(example = "all")]
    when: &'static str,
    logic_expression: Option<String>,
    /// In lists only with `include=conditions`
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    conditions: Option<Vec<ConditionJson>>,
    /// What the conditions name and is gone; there with the conditions
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    warnings: Option<Vec<String>>,
}

impl FilterJson {
    fn new(s: &Snapshot<'_>, catalogue: &Catalogue, filter: Filter) -> Result<Self> {
        let conditions = ConditionJson::list(catalogue, filter.formula.conditions.clone());
        let warnings = Some(filter.warnings(s, catalogue)?);
        Ok(Self { conditions: Some(conditions), warnings, ..Self::brief(filter) })
    }

    fn one(s: &Snapshot<'_>, filter: Filter) -> Result<Self> {
        Self::new(s, &field::catalogue(s)?, filter)
    }

    fn brief(filter: Filter) -> Self {
        Self {
            id: filter.id.0,
            name: filter.name,
            is_private: filter.is_private,
            created_by_id: filter.created_by.map_or(0, |id| id.0),
            when: filter.formula.when.name(),
            logic_expression: filter.formula.logic_expression,
            conditions: None,
            warnings: None,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = FilterList)]
pub struct FilterListJson {
    filters: Vec<FilterJson>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = FilterAnswer)]
pub struct FilterAnswer {
    filter: FilterJson,
}

/// A new filter, and every filter that there is then
#[derive(Serialize, ToSchema)]
#[schema(as = NewFilterAnswer)]
pub struct NewFilterAnswer {
    filter: FilterJson,
    filters: Vec<FilterJson>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FilterInput)]
pub struct FilterInput {
    /// At most 100 characters
    #[schema(example = "Urgent and open")]
    name: String,
    /// False unless given
    #[serde(default)]
    is_private: Option<bool>,
    /// `all` unless given; `any` or `logicalExpression`
    when: Option<String>,
    /// Only with `when` logicalExpression
    #[schema(example = "1 and (2 or 3)")]
    logic_expression: Option<String>,
    #[serde(default)]
    conditions: Vec<ConditionInput>,
}

impl Input for FilterInput {
    const READ_ONLY: &'static [&'static str] = &["id", "createdById", "warnings"];
}

/// What is left out stays as it is; conditions replace the list
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FilterChange)]
pub struct FilterChangeInput {
    name: Option<String>,
    is_private: Option<bool>,
    when: Option<String>,
    logic_expression: Option<String>,
    conditions: Option<Vec<ConditionInput>>,
}

impl Input for FilterChangeInput {
    const READ_ONLY: &'static [&'static str] = &["id", "createdById", "warnings"];
}

/// List filters: the system's, public ones and your own
#[utoipa::path(
    tag = "Filters",
    params(("include" = Option<String>, Query, description = "conditions")),
    responses((status = 200, body = FilterListJson))
)]
#[get("/api/v3/anytime/filters")]
pub async fn list(app: App, by: Caller, query: Query) -> Result<HttpResponse, ApiError> {
    let with_conditions = query.includes().iter().any(|name| name == "conditions");
    let filters = app.read(|s| match with_conditions {
        true => {
            let catalogue = field::catalogue(s)?;
            let filters = filter::list(s, &by.actor)?;
            filters.into_iter().map(|filter| FilterJson::new(s, &catalogue, filter)).collect()
        }
        false => brief(s, &by.actor),
    })?;
    Ok(HttpResponse::Ok().json(FilterListJson { filters }))
}

fn brief(s: &Snapshot<'_>, by: &Actor) -> Result<Vec<FilterJson>> {
    Ok(filter::list(s, by)?.into_iter().map(FilterJson::brief).collect())
}

/// Get a filter and its conditions
#[utoipa::path(
    tag = "Filters",
    params(("id" = i64, Path)),
    responses((status = 200, body = FilterAnswer))
)]
#[get("/api/v3/anytime/filters/{id}")]
pub async fn get(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: FilterId = id("filter", &path)?;
    let filter = app.read(|s| FilterJson::one(s, filter::require(s, &by.actor, id)?))?;
    Ok(HttpResponse::Ok().json(FilterAnswer { filter }))
}

/// Create a filter
#[utoipa::path(
    tag = "Filters",
    request_body = FilterInput,
    responses((status = 201, body = NewFilterAnswer))
)]
#[post("/api/v3/anytime/filters")]
pub async fn create(app: App, by: Caller, body: Json<FilterInput>) -> Result<HttpResponse, ApiError> {
    let input = body.0;
    let new = NewFilter {
        name: input.name,
        is_private: input.is_private.unwrap_or(false),
        formula: condition::formula(input.when, input.logic_expression, input.conditions),
    };
    let answer = app
        .write(move |tx| {
            let filter = filter::create(tx, &by.actor, &new)?;
            let filters = brief(tx, &by.actor)?;
            Ok(NewFilterAnswer { filter: FilterJson::one(tx, filter)?, filters })
        })
        .await?;
    let location = format!("/api/v3/anytime/filters/{}", answer.filter.id);
    Ok(HttpResponse::Created().insert_header(("Location", location)).json(answer))
}

/// Update a filter
///
/// By whoever made it, or with the permission manageAllViews.
#[utoipa::path(
    tag = "Filters",
    params(("id" = i64, Path)),
    request_body = FilterChangeInput,
    responses((status = 200, body = FilterAnswer), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/filters/{id}")]
pub async fn update(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<FilterChangeInput>,
) -> Result<HttpResponse, ApiError> {
    let id: FilterId = id("filter", &path)?;
    let input = body.0;
    let formula = condition::formula(input.when, input.logic_expression, Vec::new());
    let change = FilterChange {
        name: input.name,
        is_private: input.is_private,
        when: formula.when,
        logic_expression: formula.logic_expression,
        conditions: input.conditions.map(|given| given.into_iter().map(NewCondition::from).collect()),
    };
    let filter = app
        .write(move |tx| {
            let filter = filter::update(tx, &by.actor, id, &change)?;
            FilterJson::one(tx, filter)
        })
        .await?;
    Ok(HttpResponse::Ok().json(FilterAnswer { filter }))
}

/// Delete a filter
///
/// By whoever made it, or with the permission manageAllViews.
#[utoipa::path(
    tag = "Filters",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[delete("/api/v3/anytime/filters/{id}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: FilterId = id("filter", &path)?;
    app.write(move |tx| filter::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// The filter a parameter names, if the caller sees it.
pub(super) fn named(s: &Snapshot<'_>, by: &Actor, id: i64) -> Result<Filter> {
    filter::get(s, by, FilterId(id))?
        .ok_or_else(|| Error::invalid("filterId", format!("must be the id of a filter, not '{id}'")))
}
