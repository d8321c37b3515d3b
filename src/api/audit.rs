//! `/auditLogs` (contract 24): who changed what in the settings, and who signed in.

use actix_web::{HttpRequest, HttpResponse, get};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::desk::audit::{self, Action, AuditLog, AuditQuery, Product};
use crate::error::Result;
use crate::ids::AgentId;
use crate::time::Timestamp;
use crate::web::error::ErrorBody;
use crate::web::paging::Links;
use crate::web::{ApiError, Caller, Query};

#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditLog)]
pub struct AuditLogJson {
    id: i64,
    #[schema(value_type = String, format = DateTime)]
    action_time: Timestamp,
    /// Null for what the program did by itself
    agent_id: Option<i64>,
    /// As the agent was called then
    #[schema(example = "Ann Smith")]
    agent_name: String,
    #[schema(example = "Global")]
    product: &'static str,
    #[schema(example = "departmentManagement")]
    action_type: &'static str,
    #[schema(example = "created the department 'Billing'")]
    action_summary: String,
    /// Before and after, a line for each property
    action_details: String,
}

impl From<AuditLog> for AuditLogJson {
    fn from(log: AuditLog) -> Self {
        Self {
            id: log.id.0,
            action_time: log.at,
            agent_id: log.agent_id.map(|agent| agent.0),
            agent_name: log.agent_name,
            product: log.action.product().name(),
            action_type: log.action.name(),
            action_summary: log.summary,
            action_details: log.details,
        }
    }
}

#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AuditLogList)]
pub struct AuditLogListJson {
    logs: Vec<AuditLogJson>,
    total: i64,
    #[serde(flatten)]
    links: Links,
}

/// List what was changed in the settings, and who signed in, newest first
#[utoipa::path(
    tag = "Audit log",
    params(
        ("dateFrom" = Option<String>, Query, description = "30 days before `dateTo` unless given"),
        ("dateTo" = Option<String>, Query, description = "Now unless given"),
        ("timeZoneOffset" = Option<f64>, Query, description = "Of times without a zone, in hours or minutes east of UTC; default: UTC"),
        ("product" = Option<String>, Query, description = "`Anytime Conversations` or `Global`"),
        ("type" = Option<String>, Query, description = "An `actionType`"),
        ("agentId" = Option<i64>, Query, description = "Who did it"),
        ("keywords" = Option<String>, Query, description = "In the agent's name, summary or details"),
        ("pageIndex" = Option<i64>, Query, description = "From 1", minimum = 1),
        ("pageSize" = Option<i64>, Query, description = "50 unless given", minimum = 1, maximum = 50),
    ),
    responses((status = 200, body = AuditLogListJson), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/auditLogs")]
pub async fn list(
    app: App,
    by: Caller,
    query: Query,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let (wanted, paging) = (wanted(&query, app.now())?, query.paging()?);
    let page = app.scan(move |s| audit::list(s, &by.actor, &wanted, paging)).await?;
    Ok(HttpResponse::Ok().json(AuditLogListJson {
        logs: page.items.into_iter().map(AuditLogJson::from).collect(),
        total: page.total,
        links: Links::new(&request, &query, paging, page.total),
    }))
}

/// An action type, also by the longer name that a document gives the rules of routing (contract 24).
fn action(text: &str) -> Option<Action> {
    let is_routing = text.eq_ignore_ascii_case("ticketAndMessagingRoutingRulesManagement");
    if is_routing { Some(Action::RoutingRule) } else { Action::parse(text) }
}

fn wanted(query: &Query, now: Timestamp) -> Result<AuditQuery> {
    let (from, to) = query.window("dateFrom", "dateTo", now)?;
    Ok(AuditQuery {
        from,
        to: to.unwrap_or(now),
        product: query.value("product", "'Anytime Conversations' or 'Global'", Product::parse)?,
        action: query.value("type", "an action type", action)?,
        agent: query.integer("agentId")?.map(AgentId),
        keywords: query.text("keywords")?.map(str::to_owned),
    })
}
