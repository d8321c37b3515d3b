//! `/anytime/routingRules` (contract 15.2): where new conversations go. The site has one setting, whose id is 1; its
//! rules are `customerRules`, as the documents spell them. The path without the setting's id and the alias
//! `customRules` lead to the same handlers.

use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::condition::{self, ConditionInput, ConditionJson};
use super::{id, order};
use crate::app::App;
use crate::db::Snapshot;
use crate::desk::code::Priority;
use crate::desk::field;
use crate::desk::order::Place;
use crate::desk::routing::{
    self, Kind, Object, Routing, RoutingChange, RoutingRule, RoutingRuleChange, TargetChange, rule,
};
use crate::error::{Error, Result, shown};
use crate::ids::RoutingRuleId;
use crate::rules::Catalogue;
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RoutingRule)]
pub struct RoutingJson {
    /// Always 1: there is one setting for the site
    id: i64,
    is_enable: bool,
    /// `simple`: everything to one target; `customRules`: the first rule that matches
    #[serde(rename = "type")]
    #[schema(example = "customRules")]
    kind: &'static str,
    /// `department` or `agent`
    #[schema(example = "department")]
    simple_route_to_object: &'static str,
    /// 0 is nobody
    simple_route_to_id: i64,
    #[schema(example = "normal")]
    simple_route_to_priority: &'static str,
    /// Why nothing is assigned to the simple target; null when all is well
    simple_route_to_warning: Option<String>,
    #[schema(example = "department")]
    match_failed_route_to_object: &'static str,
    match_failed_route_to_id: i64,
    #[schema(example = "normal")]
    match_failed_route_to_priority: &'static str,
    match_failed_route_to_warning: Option<String>,
    customer_route_rules: Vec<CustomerRuleJson>,
}

#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CustomerRule)]
pub struct CustomerRuleJson {
    id: i64,
    is_enable: bool,
    #[schema(example = "Refunds to billing")]
    name: String,
    /// `any`, `all` or `logicalExpression`
    #[schema(example = "all")]
    when: &'static str,
    #[schema(example = "1 and (2 or 3)")]
    logic_expression: Option<String>,
    #[schema(example = "department")]
    route_to_object: &'static str,
    route_to_id: i64,
    #[schema(example = "normal")]
    route_to_priority: &'static str,
    /// Order in which rules are tried, from 1
    index: i64,
    conditions: Vec<ConditionJson>,
    /// What the rule names and is gone, in its target and its conditions
    warnings: Vec<String>,
}

impl RoutingJson {
    fn new(s: &Snapshot<'_>, routing: Routing) -> Result<Self> {
        let catalogue = field::catalogue(s)?;
        let (simple, failed) = (routing.simple, routing.match_failed);
        Ok(Self {
            id: routing::ID,
            is_enable: routing.is_enabled,
            kind: routing.kind.name(),
            simple_route_to_object: simple.object.name(),
            simple_route_to_id: simple.id,
            simple_route_to_priority: simple.priority.name(),
            simple_route_to_warning: simple.warning(s)?,
            match_failed_route_to_object: failed.object.name(),
            match_failed_route_to_id: failed.id,
            match_failed_route_to_priority: failed.priority.name(),
            match_failed_route_to_warning: failed.warning(s)?,
            customer_route_rules: rules(s, &catalogue, routing.rules)?,
        })
    }
}

impl CustomerRuleJson {
    fn new(s: &Snapshot<'_>, catalogue: &Catalogue, rule: RoutingRule) -> Result<Self> {
        Ok(Self {
            warnings: rule.warnings(s, catalogue)?,
            id: rule.id.0,
            is_enable: rule.is_enabled,
            name: rule.name,
            when: rule.formula.when.name(),
            logic_expression: rule.formula.logic_expression,
            route_to_object: rule.target.object.name(),
            route_to_id: rule.target.id,
            route_to_priority: rule.target.priority.name(),
            index: rule.position,
            conditions: ConditionJson::list(catalogue, rule.formula.conditions),
        })
    }

    fn one(s: &Snapshot<'_>, rule: RoutingRule) -> Result<Self> {
        Self::new(s, &field::catalogue(s)?, rule)
    }
}

fn rules(s: &Snapshot<'_>, catalogue: &Catalogue, rules: Vec<RoutingRule>) -> Result<Vec<CustomerRuleJson>> {
    rules.into_iter().map(|rule| CustomerRuleJson::new(s, catalogue, rule)).collect()
}

/// 0 or 1 setting; the documents spell the key both ways.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RoutingRuleList)]
pub struct RoutingListJson {
    routing_rules: Vec<RoutingJson>,
    /// The same list
    #[serde(rename = "routingrules")]
    #[schema(value_type = Vec<RoutingJson>)]
    again: serde_json::Value,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RoutingRuleAnswer)]
pub struct RoutingAnswer {
    routing_rule: RoutingJson,
    /// The same object
    #[serde(rename = "routingrule")]
    #[schema(value_type = RoutingJson)]
    again: serde_json::Value,
}

impl RoutingAnswer {
    fn new(s: &Snapshot<'_>, routing: Routing) -> Result<Self> {
        let routing_rule = RoutingJson::new(s, routing)?;
        let again = serde_json::to_value(&routing_rule).map_err(Error::internal)?;
        Ok(Self { routing_rule, again })
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CustomerRuleList)]
pub struct CustomerRuleListJson {
    customer_rules: Vec<CustomerRuleJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CustomerRuleAnswer)]
pub struct CustomerRuleAnswer {
    customer_rule: CustomerRuleJson,
}

/// What is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RoutingRuleInput)]
pub struct RoutingInput {
    #[serde(alias = "isEnabled", alias = "ifEnable")]
    is_enable: Option<bool>,
    /// `simple` or `customRules`, also as `cusomterrules`, `customerRules` or `rules`
    #[serde(rename = "type")]
    #[schema(example = "customRules")]
    kind: Option<String>,
    #[schema(example = "department")]
    simple_route_to_object: Option<String>,
    simple_route_to_id: Option<i64>,
    #[schema(example = "normal")]
    simple_route_to_priority: Option<String>,
    #[schema(example = "department")]
    match_failed_route_to_object: Option<String>,
    match_failed_route_to_id: Option<i64>,
    #[schema(example = "normal")]
    match_failed_route_to_priority: Option<String>,
    /// Only a rehearsal reads it: the whole list of rules
    pub(super) customer_route_rules: Option<Vec<CustomerRuleBody>>,
    #[serde(rename = "id")]
    #[schema(ignore)]
    _id: Option<i64>,
    #[serde(rename = "simpleRouteToWarning")]
    #[schema(ignore)]
    _simple_route_to_warning: Option<String>,
    #[serde(rename = "matchFailedRouteToWarning")]
    #[schema(ignore)]
    _match_failed_route_to_warning: Option<String>,
}

impl Input for RoutingInput {}

impl RoutingInput {
    pub(super) fn change(self) -> Result<RoutingChange> {
        Ok(RoutingChange {
            is_enabled: self.is_enable,
            kind: self.kind.as_deref().map(kind).transpose()?,
            simple: target(
                "simpleRouteTo",
                self.simple_route_to_object,
                self.simple_route_to_id,
                self.simple_route_to_priority,
            )?,
            match_failed: target(
                "matchFailedRouteTo",
                self.match_failed_route_to_object,
                self.match_failed_route_to_id,
                self.match_failed_route_to_priority,
            )?,
        })
    }
}

fn kind(text: &str) -> Result<Kind> {
    match text.trim().to_ascii_lowercase().as_str() {
        "simple" => Ok(Kind::Simple),
        "customrules" | "cusomterrules" | "customerrules" | "rules" => Ok(Kind::Custom),
        _ => Err(Error::invalid("type", format!("must be 'simple' or 'customRules', not '{}'", shown(text)))),
    }
}

/// The three properties of a target, `prefix` being what their names begin with.
fn target(
    prefix: &str,
    object: Option<String>,
    id: Option<i64>,
    priority: Option<String>,
) -> Result<TargetChange> {
    let object = object.map(|text| {
        Object::parse(&text).ok_or_else(|| {
            let message = format!("must be 'department' or 'agent', not '{}'", shown(&text));
            Error::invalid(format!("{prefix}Object"), message)
        })
    });
    let priority = priority.map(|text| {
        Priority::parse(&text).ok_or_else(|| {
            let message = format!("must be 'urgent', 'high', 'normal' or 'low', not '{}'", shown(&text));
            Error::invalid(format!("{prefix}Priority"), message)
        })
    });
    Ok(TargetChange { object: object.transpose()?, id, priority: priority.transpose()? })
}

/// Directly, or in the envelope `customerRule` of the documents. On change what is left out stays as it is; `when`,
/// `logicExpression` and `conditions` belong together.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CustomerRuleInput)]
pub struct CustomerRuleInput {
    customer_rule: Option<CustomerRuleBody>,
    #[serde(alias = "isEnabled", alias = "ifEnable")]
    is_enable: Option<bool>,
    #[serde(alias = "rouleName")]
    #[schema(example = "Refunds to billing")]
    name: Option<String>,
    /// `any`, `all` or `logicalExpression`, or 0, 1, 2
    #[schema(example = "all")]
    when: Option<String>,
    #[serde(alias = "logicalExpression")]
    #[schema(example = "1 and (2 or 3)")]
    logic_expression: Option<String>,
    #[schema(example = "department")]
    route_to_object: Option<String>,
    route_to_id: Option<i64>,
    #[schema(example = "normal")]
    route_to_priority: Option<String>,
    /// Where it is inserted, from 1; at the end unless given
    index: Option<i64>,
    conditions: Option<Vec<ConditionInput>>,
}

impl Input for CustomerRuleInput {
    const READ_ONLY: &'static [&'static str] = &["id", "warnings"];
}

/// A rule inside an envelope or a list.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CustomerRuleBody)]
pub struct CustomerRuleBody {
    id: Option<i64>,
    #[serde(rename = "warnings")]
    #[schema(ignore)]
    _warnings: Option<Vec<String>>,
    #[serde(alias = "isEnabled", alias = "ifEnable")]
    is_enable: Option<bool>,
    #[serde(alias = "rouleName")]
    name: Option<String>,
    when: Option<String>,
    #[serde(alias = "logicalExpression")]
    logic_expression: Option<String>,
    route_to_object: Option<String>,
    route_to_id: Option<i64>,
    route_to_priority: Option<String>,
    index: Option<i64>,
    conditions: Option<Vec<ConditionInput>>,
}

impl CustomerRuleInput {
    /// `before` gives what a partial change of the conditions leaves out.
    fn change(self, before: Option<&RoutingRule>) -> Result<RoutingRuleChange> {
        let body = match self.customer_rule {
            Some(body) => body,
            None => CustomerRuleBody {
                id: None,
                _warnings: None,
                is_enable: self.is_enable,
                name: self.name,
                when: self.when,
                logic_expression: self.logic_expression,
                route_to_object: self.route_to_object,
                route_to_id: self.route_to_id,
                route_to_priority: self.route_to_priority,
                index: self.index,
                conditions: self.conditions,
            },
        };
        body.change(before)
    }
}

impl CustomerRuleBody {
    fn change(self, before: Option<&RoutingRule>) -> Result<RoutingRuleChange> {
        let target = target("routeTo", self.route_to_object, self.route_to_id, self.route_to_priority)?;
        let before = before.map(|rule| &rule.formula);
        Ok(RoutingRuleChange {
            is_enabled: self.is_enable,
            name: self.name,
            formula: condition::changed(before, self.when, self.logic_expression, self.conditions),
            target,
            position: self.index,
        })
    }

    /// A rule of a whole list: where it stands is its place.
    pub(super) fn fresh(self) -> Result<RoutingRuleChange> {
        Ok(RoutingRuleChange { position: None, ..self.change(None)? })
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IsEnableInput)]
pub struct IsEnableInput {
    #[serde(alias = "isEnabled", alias = "ifEnable")]
    pub is_enable: bool,
}

impl Input for IsEnableInput {}

/// One of: the rules in their new order, a direction, a position from 1
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SortInput)]
pub struct SortInput {
    /// Rules by id in their new order; where the indices are not those the rules have, the indices are the order
    #[serde(alias = "customRules", alias = "customerRouteRules")]
    customer_rules: Option<Vec<CustomerRuleBody>>,
    /// `up` or `down`
    #[serde(rename = "type")]
    #[schema(example = "up")]
    direction: Option<String>,
    index: Option<i64>,
}

impl Input for SortInput {}

/// One place for one rule, or an order for all.
enum Wanted {
    Place(Place),
    Order(Vec<RoutingRuleId>),
}

impl SortInput {
    /// `now` are the rules in the order that they have.
    fn wanted(self, now: &[RoutingRule]) -> Result<Wanted> {
        match (self.customer_rules, self.direction, self.index) {
            (Some(mut rules), None, None) => {
                let index_now = |id: Option<i64>| {
                    let place = now.iter().position(|rule| Some(rule.id.0) == id);
                    place.map(|place| place as i64 + 1)
                };
                // Rules as they were read, in another order: it is the order that says where they go.
                let is_as_read = rules.iter().all(|rule| rule.index == index_now(rule.id));
                if !is_as_read && rules.iter().all(|rule| rule.index.is_some()) {
                    rules.sort_by_key(|rule| rule.index);
                }
                let id = |(position, rule): (usize, &CustomerRuleBody)| {
                    let missing = || Error::invalid(format!("customerRules[{position}].id"), "is required");
                    rule.id.map(RoutingRuleId).ok_or_else(missing)
                };
                Ok(Wanted::Order(rules.iter().enumerate().map(id).collect::<Result<_>>()?))
            }
            (None, direction @ Some(_), None) => {
                Ok(Wanted::Place(order::place(direction.as_deref(), None, "index")?))
            }
            (None, None, Some(index)) => Ok(Wanted::Place(Place::At(index))),
            _ => Err(Error::invalid(
                "customerRules",
                "or 'type' or 'index' is required, and one of them alone",
            )),
        }
    }
}

/// Get the routing setting
///
/// A list of 0 or 1 elements: the setting is made when it is first enabled or changed.
#[utoipa::path(
    tag = "Routing",
    responses((status = 200, body = RoutingListJson), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/routingRules")]
pub async fn list(app: App, by: Caller) -> Result<HttpResponse, ApiError> {
    let routing_rules = app.read(|s| {
        let found = routing::get(s, &by.actor)?;
        found.map(|routing| RoutingJson::new(s, routing)).transpose()
    })?;
    let routing_rules: Vec<RoutingJson> = routing_rules.into_iter().collect();
    let again = serde_json::to_value(&routing_rules).map_err(Error::internal)?;
    Ok(HttpResponse::Ok().json(RoutingListJson { routing_rules, again }))
}

/// Get the routing setting by its id, which is always 1
#[utoipa::path(
    tag = "Routing",
    params(("id" = i64, Path)),
    responses((status = 200, body = RoutingAnswer), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/routingRules/{id}")]
pub async fn get(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: i64 = id("routing rule", &path)?;
    let answer = app.read(|s| {
        let found = routing::get(s, &by.actor)?.filter(|_| id == routing::ID);
        RoutingAnswer::new(s, found.ok_or_else(|| Error::not_found("routing rule", id))?)
    })?;
    Ok(HttpResponse::Ok().json(answer))
}

/// Switch routing on or off
///
/// The first time, whatever the id, this makes the setting.
#[utoipa::path(
    tag = "Routing",
    params(("id" = i64, Path)),
    request_body = IsEnableInput,
    responses((status = 200, body = RoutingAnswer), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/routingRules/{id}/enable")]
pub async fn enable(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<IsEnableInput>,
) -> Result<HttpResponse, ApiError> {
    let id: i64 = id("routing rule", &path)?;
    switch(&app, by, Some(id), body.0.is_enable).await
}

/// Switch routing on or off, without naming the one setting
#[utoipa::path(
    tag = "Routing",
    request_body = IsEnableInput,
    responses((status = 200, body = RoutingAnswer), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/routingRules/enable")]
pub async fn enable_only(app: App, by: Caller, body: Json<IsEnableInput>) -> Result<HttpResponse, ApiError> {
    switch(&app, by, None, body.0.is_enable).await
}

async fn switch(app: &App, by: Caller, id: Option<i64>, is_enabled: bool) -> Result<HttpResponse, ApiError> {
    let answer = app
        .write(move |tx| {
            let routing = routing::enable(tx, &by.actor, id, is_enabled)?;
            RoutingAnswer::new(tx, routing)
        })
        .await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// Change the routing setting
#[utoipa::path(
    tag = "Routing",
    params(("id" = i64, Path)),
    request_body = RoutingInput,
    responses((status = 200, body = RoutingAnswer), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/routingRules/{id}")]
pub async fn update(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<RoutingInput>,
) -> Result<HttpResponse, ApiError> {
    let id: i64 = id("routing rule", &path)?;
    let change = body.0.change()?;
    let answer = app
        .write(move |tx| {
            let routing = routing::update(tx, &by.actor, id, change)?;
            RoutingAnswer::new(tx, routing)
        })
        .await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// `NotFound` for another setting than the one there is.
fn setting(id: &str) -> Result<(), ApiError> {
    match super::id::<i64>("routing rule", id)? {
        routing::ID => Ok(()),
        other => Err(ApiError(Error::not_found("routing rule", other))),
    }
}

fn rule_id(text: &str) -> Result<RoutingRuleId, ApiError> {
    id("custom rule", text)
}

/// List the custom rules in order
#[utoipa::path(
    tag = "Routing",
    params(("id" = i64, Path)),
    responses((status = 200, body = CustomerRuleListJson), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/routingRules/{id}/customerRules")]
pub async fn list_rules(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    setting(&path)?;
    let customer_rules = app.read(|s| {
        let found = rule::list(s, &by.actor)?;
        rules(s, &field::catalogue(s)?, found)
    })?;
    Ok(HttpResponse::Ok().json(CustomerRuleListJson { customer_rules }))
}

/// Add a custom rule
#[utoipa::path(
    tag = "Routing",
    params(("id" = i64, Path)),
    request_body = CustomerRuleInput,
    responses((status = 201, body = CustomerRuleAnswer), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/anytime/routingRules/{id}/customerRules")]
pub async fn create_rule(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<CustomerRuleInput>,
) -> Result<HttpResponse, ApiError> {
    setting(&path)?;
    let new = body.0.change(None)?;
    let customer_rule = app
        .write(move |tx| {
            let created = rule::create(tx, &by.actor, &new)?;
            CustomerRuleJson::one(tx, created)
        })
        .await?;
    let location = format!("/api/v3/anytime/routingRules/1/customerRules/{}", customer_rule.id);
    Ok(HttpResponse::Created()
        .insert_header(("location", location))
        .json(CustomerRuleAnswer { customer_rule }))
}

/// Get a custom rule
#[utoipa::path(
    tag = "Routing",
    params(("id" = i64, Path), ("ruleId" = i64, Path)),
    responses((status = 200, body = CustomerRuleAnswer), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/routingRules/{id}/customerRules/{ruleId}")]
pub async fn get_rule(
    app: App,
    by: Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    setting(&path.0)?;
    let id = rule_id(&path.1)?;
    let customer_rule = app.read(|s| {
        let found = rule::require(s, &by.actor, id)?;
        CustomerRuleJson::one(s, found)
    })?;
    Ok(HttpResponse::Ok().json(CustomerRuleAnswer { customer_rule }))
}

/// Change a custom rule
#[utoipa::path(
    tag = "Routing",
    params(("id" = i64, Path), ("ruleId" = i64, Path)),
    request_body = CustomerRuleInput,
    responses((status = 200, body = CustomerRuleAnswer), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/routingRules/{id}/customerRules/{ruleId}")]
pub async fn update_rule(
    app: App,
    by: Caller,
    path: web::Path<(String, String)>,
    body: Json<CustomerRuleInput>,
) -> Result<HttpResponse, ApiError> {
    setting(&path.0)?;
    let id = rule_id(&path.1)?;
    let customer_rule = app
        .write(move |tx| {
            let before = rule::require(tx, &by.actor, id)?;
            let changed = rule::update(tx, &by.actor, id, &body.0.change(Some(&before))?)?;
            CustomerRuleJson::one(tx, changed)
        })
        .await?;
    Ok(HttpResponse::Ok().json(CustomerRuleAnswer { customer_rule }))
}

/// Switch a custom rule on or off
#[utoipa::path(
    tag = "Routing",
    params(("id" = i64, Path), ("ruleId" = i64, Path)),
    request_body = IsEnableInput,
    responses((status = 200, body = CustomerRuleAnswer), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/routingRules/{id}/customerRules/{ruleId}/enable")]
pub async fn enable_rule(
    app: App,
    by: Caller,
    path: web::Path<(String, String)>,
    body: Json<IsEnableInput>,
) -> Result<HttpResponse, ApiError> {
    setting(&path.0)?;
    let id = rule_id(&path.1)?;
    let change = RoutingRuleChange { is_enabled: Some(body.0.is_enable), ..RoutingRuleChange::default() };
    let customer_rule = app
        .write(move |tx| {
            let changed = rule::update(tx, &by.actor, id, &change)?;
            CustomerRuleJson::one(tx, changed)
        })
        .await?;
    Ok(HttpResponse::Ok().json(CustomerRuleAnswer { customer_rule }))
}

/// Copy a custom rule: right below, switched off
#[utoipa::path(
    tag = "Routing",
    params(("id" = i64, Path), ("ruleId" = i64, Path)),
    responses((status = 200, body = CustomerRuleListJson), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/routingRules/{id}/customerRules/{ruleId}/copy")]
pub async fn copy_rule(
    app: App,
    by: Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    copy(&app, by, &path.0, &path.1).await
}

/// Copy a custom rule, with POST
#[utoipa::path(
    tag = "Routing",
    params(("id" = i64, Path), ("ruleId" = i64, Path)),
    responses((status = 200, body = CustomerRuleListJson), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/anytime/routingRules/{id}/customerRules/{ruleId}/copy")]
pub async fn post_copy_rule(
    app: App,
    by: Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    copy(&app, by, &path.0, &path.1).await
}

async fn copy(app: &App, by: Caller, id: &str, rule: &str) -> Result<HttpResponse, ApiError> {
    setting(id)?;
    let id = rule_id(rule)?;
    let customer_rules = app
        .write(move |tx| {
            let found = rule::copy(tx, &by.actor, id)?;
            rules(tx, &field::catalogue(tx)?, found)
        })
        .await?;
    Ok(HttpResponse::Ok().json(CustomerRuleListJson { customer_rules }))
}

/// Move a custom rule in the order
#[utoipa::path(
    tag = "Routing",
    params(("id" = i64, Path), ("ruleId" = i64, Path)),
    request_body = SortInput,
    responses((status = 200, body = CustomerRuleListJson), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/routingRules/{id}/customerRules/{ruleId}/sort")]
pub async fn sort_rule(
    app: App,
    by: Caller,
    path: web::Path<(String, String)>,
    body: Json<SortInput>,
) -> Result<HttpResponse, ApiError> {
    setting(&path.0)?;
    let id = rule_id(&path.1)?;
    let customer_rules = app
        .write(move |tx| {
            rule::require(tx, &by.actor, id)?;
            let found = match body.0.wanted(&rule::list(tx, &by.actor)?)? {
                Wanted::Place(place) => rule::sort(tx, &by.actor, id, place)?,
                Wanted::Order(order) => rule::arrange(tx, &by.actor, &order)?,
            };
            rules(tx, &field::catalogue(tx)?, found)
        })
        .await?;
    Ok(HttpResponse::Ok().json(CustomerRuleListJson { customer_rules }))
}

/// Delete a custom rule
#[utoipa::path(
    tag = "Routing",
    params(("id" = i64, Path), ("ruleId" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[delete("/api/v3/anytime/routingRules/{id}/customerRules/{ruleId}")]
pub async fn delete_rule(
    app: App,
    by: Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, ApiError> {
    setting(&path.0)?;
    remove(&app, by, &path.1).await
}

/// Delete a custom rule, by the documents' path without the setting
#[utoipa::path(
    tag = "Routing",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[delete("/api/v3/anytime/routingRules/customerRules/{id}")]
pub async fn delete_rule_by_id(
    app: App,
    by: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    remove(&app, by, &path).await
}

async fn remove(app: &App, by: Caller, rule: &str) -> Result<HttpResponse, ApiError> {
    let id = rule_id(rule)?;
    app.write(move |tx| rule::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
