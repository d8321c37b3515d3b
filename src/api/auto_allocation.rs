//! `/anytime/autoAllocation` (contract 15.3): who gets new conversations. The names are those of the object; the later
//! documents' names are read as well (27.4 row 88).

use actix_web::{HttpResponse, get, put};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::desk::allocation::{self, AutoAllocation, AutoAllocationChange, DepartmentRule, Preference, Rule};
use crate::desk::availability::AvailabilityChange;
use crate::error::{Error, Result, shown};
use crate::ids::{AgentId, DepartmentId};
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AutoAllocation)]
pub struct AutoAllocationJson {
    is_enabled: bool,
    /// `loadBalancing` or `roundRobin`: for conversations without a department, and departments without an own rule
    #[schema(example = "loadBalancing")]
    default_rule: &'static str,
    /// Whether the contact's last assignee is tried first
    default_prefer_last_assignee: bool,
    department_allocation_rule: Vec<AllocationRuleJson>,
    /// Whether `maxNumberForAllAgents` holds for all agents; otherwise each agent's `maxConcurrentCount`
    set_max_number_for_each_agent: bool,
    /// 0 is no limit
    max_number_for_all_agents: i64,
    /// Whether conversations in `pendingExternal` do not count
    exclude_pending_external: bool,
    /// Whether conversations in `onHold` do not count
    exclude_on_hold: bool,
    /// One for each active agent
    agent_preferences: Vec<AgentPreferenceJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AllocationRule)]
pub struct AllocationRuleJson {
    department_id: i64,
    department_name: String,
    #[schema(example = "roundRobin")]
    allocation_rule: &'static str,
    prefer_last_assignee: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AgentPreference)]
pub struct AgentPreferenceJson {
    agent_id: i64,
    /// 0 is no limit
    max_concurrent_count: i64,
    is_accept_allocation: bool,
}

impl From<AutoAllocation> for AutoAllocationJson {
    fn from(found: AutoAllocation) -> Self {
        Self {
            is_enabled: found.is_enabled,
            default_rule: found.rule.name(),
            default_prefer_last_assignee: found.prefers_last_assignee,
            department_allocation_rule: found.departments.into_iter().map(AllocationRuleJson::from).collect(),
            set_max_number_for_each_agent: found.has_common_limit,
            max_number_for_all_agents: found.common_limit,
            exclude_pending_external: found.excludes_pending_external,
            exclude_on_hold: found.excludes_on_hold,
            agent_preferences: found.preferences.into_iter().map(AgentPreferenceJson::from).collect(),
        }
    }
}

impl From<DepartmentRule> for AllocationRuleJson {
    fn from(rule: DepartmentRule) -> Self {
        Self {
            department_id: rule.department_id.0,
            department_name: rule.department_name,
            allocation_rule: rule.rule.name(),
            prefer_last_assignee: rule.prefers_last_assignee,
        }
    }
}

impl From<Preference> for AgentPreferenceJson {
    fn from(preference: Preference) -> Self {
        Self {
            agent_id: preference.agent_id.0,
            max_concurrent_count: preference.max_conversations,
            is_accept_allocation: preference.is_accepting,
        }
    }
}

/// What is left out stays as it is; `departmentAllocationRule` replaces the list, `agentPreferences` changes the agents
/// it names.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AutoAllocationInput)]
pub struct AutoAllocationInput {
    #[serde(alias = "isEnable", alias = "ifEnable", alias = "enable")]
    is_enabled: Option<bool>,
    #[schema(example = "loadBalancing")]
    default_rule: Option<String>,
    default_prefer_last_assignee: Option<bool>,
    #[serde(alias = "allocationRuleSettings", alias = "departmentAllocationRules")]
    department_allocation_rule: Option<Vec<AllocationRuleInput>>,
    #[serde(alias = "ifEnableConversationLimitForEachAgent", alias = "ifLimitMaxTicketsForAllAgents")]
    set_max_number_for_each_agent: Option<bool>,
    #[schema(minimum = 0, maximum = 100_000)]
    #[serde(alias = "conversationLimitForAllAgents", alias = "maxTicketsForAllAgents")]
    max_number_for_all_agents: Option<i64>,
    exclude_pending_external: Option<bool>,
    exclude_on_hold: Option<bool>,
    agent_preferences: Option<Vec<AgentPreferenceInput>>,
}

impl Input for AutoAllocationInput {}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AllocationRuleInput)]
pub struct AllocationRuleInput {
    department_id: i64,
    /// Ignored, so that what was read can be sent back
    #[serde(rename = "departmentName")]
    _department_name: Option<String>,
    #[serde(alias = "rule")]
    #[schema(example = "roundRobin")]
    allocation_rule: String,
    prefer_last_assignee: Option<bool>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AgentPreferenceInput)]
pub struct AgentPreferenceInput {
    agent_id: i64,
    #[schema(minimum = 0, maximum = 100_000)]
    max_concurrent_count: Option<i64>,
    is_accept_allocation: Option<bool>,
}

impl AutoAllocationInput {
    fn change(self) -> Result<AutoAllocationChange> {
        let departments = self.department_allocation_rule.map(|rules| {
            let read = |(index, given): (usize, AllocationRuleInput)| {
                let field = format!("departmentAllocationRule[{index}].allocationRule");
                let rule = rule(&field, &given.allocation_rule)?;
                let prefers_last_assignee = given.prefer_last_assignee.unwrap_or(false);
                Ok((DepartmentId(given.department_id), rule, prefers_last_assignee))
            };
            rules.into_iter().enumerate().map(read).collect::<Result<Vec<_>>>()
        });
        let preferences = self.agent_preferences.unwrap_or_default().into_iter().map(|preference| {
            let change = AvailabilityChange {
                presence: None,
                is_accepting: preference.is_accept_allocation,
                max_conversations: preference.max_concurrent_count,
            };
            (AgentId(preference.agent_id), change)
        });
        Ok(AutoAllocationChange {
            is_enabled: self.is_enabled,
            rule: self.default_rule.as_deref().map(|text| rule("defaultRule", text)).transpose()?,
            prefers_last_assignee: self.default_prefer_last_assignee,
            departments: departments.transpose()?,
            has_common_limit: self.set_max_number_for_each_agent,
            common_limit: self.max_number_for_all_agents,
            excludes_pending_external: self.exclude_pending_external,
            excludes_on_hold: self.exclude_on_hold,
            preferences: preferences.collect(),
        })
    }
}

fn rule(field: &str, text: &str) -> Result<Rule> {
    Rule::parse(text).ok_or_else(|| {
        let shown = shown(text);
        Error::invalid(field, format!("must be 'loadBalancing' or 'roundRobin', not '{shown}'"))
    })
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AutoAllocationAnswer)]
pub struct AutoAllocationAnswer {
    auto_allocation: AutoAllocationJson,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AutoAllocationEnableInput)]
pub struct EnableInput {
    #[serde(alias = "isEnable", alias = "ifEnable", alias = "enable")]
    is_enabled: bool,
}

impl Input for EnableInput {}

/// Get the settings of auto allocation
#[utoipa::path(
    tag = "Routing",
    responses((status = 200, body = AutoAllocationAnswer), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/autoAllocation")]
pub async fn get(app: App, by: Caller) -> Result<HttpResponse, ApiError> {
    let found = app.read(|s| allocation::get(s, &by.actor, app.now()))?;
    Ok(HttpResponse::Ok().json(AutoAllocationAnswer { auto_allocation: found.into() }))
}

/// Change the settings of auto allocation
#[utoipa::path(
    tag = "Routing",
    request_body = AutoAllocationInput,
    responses((status = 200, body = AutoAllocationAnswer), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/autoAllocation")]
pub async fn update(app: App, by: Caller, body: Json<AutoAllocationInput>) -> Result<HttpResponse, ApiError> {
    let change = body.0.change()?;
    let found = app.write(move |tx| allocation::update(tx, &by.actor, &change)).await?;
    Ok(HttpResponse::Ok().json(AutoAllocationAnswer { auto_allocation: found.into() }))
}

/// Switch auto allocation on or off
///
/// Only conversations created while it is on are ever allocated.
#[utoipa::path(
    tag = "Routing",
    request_body = EnableInput,
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/autoAllocation/enable")]
pub async fn enable(app: App, by: Caller, body: Json<EnableInput>) -> Result<HttpResponse, ApiError> {
    let change =
        AutoAllocationChange { is_enabled: Some(body.0.is_enabled), ..AutoAllocationChange::default() };
    app.write(move |tx| allocation::update(tx, &by.actor, &change)).await?;
    Ok(HttpResponse::NoContent().finish())
}
