//! `/anytime/rehearsals`: what would draft rules have done with last month's conversations? An addition to the contract.
//! A draft has the shape of the resource it is a draft of.

use actix_web::{HttpResponse, delete, get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id;
use super::routing::{CustomerRuleBody, RoutingInput};
use super::sla_policy::SlaPolicyInput;
use super::trigger::TriggerInput;
use super::working_time::{self, HolidayInput, WorkingTimeInput};
use crate::app::App;
use crate::desk::name::Names;
use crate::desk::rehearsal::{
    self, Difference, Draft, Effect, Outcome, Rehearsal, RoutingDraft, SlaDraft, Totals,
};
use crate::desk::{Permission, sla_policy, trigger};
use crate::error::{Error, Result, shown};
use crate::ids::{RehearsalId, SlaPolicyId, TriggerId};
use crate::time::Timestamp;
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json, Query};

/// One draft, and the period whose conversations are replayed: those created in it
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RehearsalInput)]
pub struct RehearsalInput {
    /// 30 days before `timeTo` unless given
    #[schema(format = DateTime)]
    time_from: Option<String>,
    /// Now unless given
    #[schema(format = DateTime)]
    time_to: Option<String>,
    /// Changes of the routing setting, with its rules if they change; what is left out is as it is now
    routing_rule: Option<RoutingInput>,
    /// The whole list of custom rules, without the setting
    customer_rules: Option<Vec<CustomerRuleBody>>,
    /// Triggers to change, by their id, and new ones without; the others are as they are now
    triggers: Option<Vec<TriggerInput>>,
    /// SLA policies to change, by their id, and new ones without; the others are as they are now
    sla_policies: Option<Vec<SlaPolicyInput>>,
    /// Days of another calendar
    working_times: Option<Vec<WorkingTimeInput>>,
    /// All holidays of another calendar
    holidays: Option<Vec<HolidayInput>>,
}

impl Input for RehearsalInput {}

impl RehearsalInput {
    fn period(&self, now: Timestamp) -> Result<(Timestamp, Timestamp)> {
        let time = |field: &str, text: &Option<String>| {
            let read = |text: &String| {
                Timestamp::parse(text).ok_or_else(|| {
                    let shown = shown(text);
                    Error::invalid(field, format!("'{shown}' is not a time such as 2019-05-22T10:37:00Z"))
                })
            };
            text.as_ref().map(read).transpose()
        };
        let to = time("timeTo", &self.time_to)?.unwrap_or(now);
        Ok((time("timeFrom", &self.time_from)?.unwrap_or(to.minus(rehearsal::PERIOD)), to))
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Rehearsal)]
pub struct RehearsalJson {
    id: i64,
    /// `routing`, `trigger` or `sla`
    #[schema(example = "routing")]
    kind: &'static str,
    #[schema(value_type = String, format = DateTime)]
    time_from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    time_to: Timestamp,
    /// `running`, `done` or `failed`
    #[schema(example = "done")]
    state: &'static str,
    /// Conversations of the period, and how many of them were replayed
    total: i64,
    done: i64,
    totals: TotalsJson,
    /// What rules of the draft name and is gone
    warnings: Vec<String>,
    error: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_time: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_time: Option<Timestamp>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RehearsalTotals)]
pub struct TotalsJson {
    /// Conversations for which the draft comes to something else
    differing: i64,
    routed_elsewhere: i64,
    other_priority: i64,
    mails_more: i64,
    mails_fewer: i64,
    values_more: i64,
    values_fewer: i64,
    breaches_more: i64,
    breaches_fewer: i64,
}

impl From<Totals> for TotalsJson {
    fn from(totals: Totals) -> Self {
        Self {
            differing: totals.differing,
            routed_elsewhere: totals.routed_elsewhere,
            other_priority: totals.other_priority,
            mails_more: totals.mails_more,
            mails_fewer: totals.mails_fewer,
            values_more: totals.values_more,
            values_fewer: totals.values_fewer,
            breaches_more: totals.breaches_more,
            breaches_fewer: totals.breaches_fewer,
        }
    }
}

impl From<Rehearsal> for RehearsalJson {
    fn from(rehearsal: Rehearsal) -> Self {
        Self {
            id: rehearsal.id.0,
            kind: rehearsal.kind.name(),
            time_from: rehearsal.from,
            time_to: rehearsal.to,
            state: rehearsal.state.name(),
            total: rehearsal.total,
            done: rehearsal.done,
            totals: rehearsal.totals.into(),
            warnings: rehearsal.warnings,
            error: rehearsal.error,
            created_time: rehearsal.created_at,
            finished_time: rehearsal.finished_at,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RehearsalDifference)]
pub struct DifferenceJson {
    conversation_id: i64,
    subject: String,
    /// What the rules now in force come to
    current: OutcomeJson,
    draft: OutcomeJson,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RehearsalOutcome)]
pub struct OutcomeJson {
    /// In words
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    routed: Option<RoutedJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    triggered: Option<Vec<EffectJson>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    judged: Option<JudgedJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RehearsalJudged)]
pub struct JudgedJson {
    /// The SLA policy that applies at the end
    policy: Option<String>,
    breaches: Vec<BreachJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RehearsalBreach)]
pub struct BreachJson {
    /// `firstRespond`, `nextRespond` or `resolve`
    #[schema(example = "firstRespond")]
    target: String,
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RehearsalRouted)]
pub struct RoutedJson {
    agent_assignee_id: Option<i64>,
    department_assignee_id: Option<i64>,
    #[schema(example = "normal")]
    priority: String,
    /// The rule's name, or `simple`, `matchFailed`, `off`
    by: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RehearsalEffect)]
pub struct EffectJson {
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    #[schema(example = "conversationCreated")]
    trigger_event: &'static str,
    trigger: String,
    values: Vec<SetJson>,
    /// `contact`, `assignee`, `agent 7`
    mails: Vec<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RehearsalValue)]
pub struct SetJson {
    field_id: i64,
    value: String,
}

impl DifferenceJson {
    fn new(names: &Names<'_, '_>, difference: Difference) -> Result<Self> {
        Ok(Self {
            conversation_id: difference.conversation.0,
            subject: difference.subject,
            current: OutcomeJson::new(names, difference.current)?,
            draft: OutcomeJson::new(names, difference.draft)?,
        })
    }
}

impl OutcomeJson {
    fn new(names: &Names<'_, '_>, outcome: Outcome) -> Result<Self> {
        let text = outcome.told(names)?;
        Ok(match outcome {
            Outcome::Routed { agent, department, priority, by } => Self {
                text,
                routed: Some(RoutedJson {
                    agent_assignee_id: agent,
                    department_assignee_id: department,
                    priority,
                    by,
                }),
                triggered: None,
                judged: None,
            },
            Outcome::Triggered(effects) => Self {
                text,
                routed: None,
                triggered: Some(effects.into_iter().map(EffectJson::from).collect()),
                judged: None,
            },
            Outcome::Judged { policy, breaches } => Self {
                text,
                routed: None,
                triggered: None,
                judged: Some(JudgedJson {
                    policy,
                    breaches: breaches
                        .into_iter()
                        .map(|breach| BreachJson {
                            target: breach.target,
                            time: Timestamp::from_millis(breach.at),
                        })
                        .collect(),
                }),
            },
        })
    }
}

impl From<Effect> for EffectJson {
    fn from(effect: Effect) -> Self {
        Self {
            time: Timestamp::from_millis(effect.at),
            trigger_event: effect.event.name(),
            trigger: effect.trigger,
            values: effect.sets.into_iter().map(|(field_id, value)| SetJson { field_id, value }).collect(),
            mails: effect.mails,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = RehearsalAnswer)]
pub struct RehearsalAnswer {
    rehearsal: RehearsalJson,
}

#[derive(Serialize, ToSchema)]
#[schema(as = RehearsalList)]
pub struct RehearsalListJson {
    rehearsals: Vec<RehearsalJson>,
}

/// A rehearsal with a page of what differs
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RehearsalResult)]
pub struct RehearsalResult {
    rehearsal: RehearsalJson,
    differences: Vec<DifferenceJson>,
    /// How many there are in all
    total: i64,
}

/// Rehearse draft rules on recorded history
///
/// The conversations created in the period are replayed in the background against the rules now in force and against
/// the draft; nothing else is touched.
#[utoipa::path(
    tag = "Rehearsals",
    request_body = RehearsalInput,
    responses(
        (status = 202, body = RehearsalAnswer), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody),
    )
)]
#[post("/api/v3/anytime/rehearsals")]
pub async fn create(app: App, by: Caller, body: Json<RehearsalInput>) -> Result<HttpResponse, ApiError> {
    let now = app.now();
    let rehearsal = app
        .write(move |tx| {
            by.actor.require(Permission::ManageSettings)?;
            let (from, to) = body.0.period(now)?;
            let input = body.0;
            let is_sla =
                input.sla_policies.is_some() || input.working_times.is_some() || input.holidays.is_some();
            let draft = match (input.routing_rule, input.customer_rules, input.triggers) {
                (None, None, None) if is_sla => {
                    let policy = |input: SlaPolicyInput| match input.id {
                        Some(id) => {
                            let before = sla_policy::require(tx, &by.actor, SlaPolicyId(id))?;
                            Ok((Some(before.id), input.change(Some(&before))?))
                        }
                        None => Ok((None, input.change(None)?)),
                    };
                    let policies = input.sla_policies.unwrap_or_default().into_iter().map(policy);
                    Draft::Sla(SlaDraft {
                        policies: policies.collect::<Result<_>>()?,
                        days: working_time::changes(input.working_times.unwrap_or_default())?,
                        holidays: working_time::new_holidays(tx, input.holidays)?,
                    })
                }
                (None, None, Some(inputs)) if !is_sla => {
                    let read = |input: TriggerInput| match input.id() {
                        Some(id) => {
                            let before = trigger::require(tx, &by.actor, TriggerId(id))?;
                            Ok((Some(before.id), input.change_of(&before)?))
                        }
                        None => Ok((None, input.change()?)),
                    };
                    Draft::Triggers(inputs.into_iter().map(read).collect::<Result<_>>()?)
                }
                (mut setting, rules, None) if !is_sla && (setting.is_some() || rules.is_some()) => {
                    let own = setting.as_mut().and_then(|setting| setting.customer_route_rules.take());
                    let rules = rules.or(own);
                    let rules = rules.map(|rules| rules.into_iter().map(CustomerRuleBody::fresh).collect());
                    Draft::Routing(RoutingDraft {
                        change: setting.map(RoutingInput::change).transpose()?.unwrap_or_default(),
                        rules: rules.transpose()?,
                        one: None,
                    })
                }
                _ => {
                    let message =
                        "or 'customerRules' or 'triggers' or 'slaPolicies' is required: a draft of one kind";
                    return Err(Error::invalid("routingRule", message));
                }
            };
            rehearsal::create(tx, &by.actor, &draft, from, to)
        })
        .await?;
    let location = format!("/api/v3/anytime/rehearsals/{}", rehearsal.id);
    Ok(HttpResponse::Accepted()
        .insert_header(("location", location))
        .json(RehearsalAnswer { rehearsal: rehearsal.into() }))
}

/// List rehearsals, the newest first
#[utoipa::path(
    tag = "Rehearsals",
    responses((status = 200, body = RehearsalListJson), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/rehearsals")]
pub async fn list(app: App, by: Caller) -> Result<HttpResponse, ApiError> {
    let found = app.read(|s| rehearsal::list(s, &by.actor))?;
    let rehearsals = found.into_iter().map(RehearsalJson::from).collect();
    Ok(HttpResponse::Ok().json(RehearsalListJson { rehearsals }))
}

/// Get a rehearsal and what differs
#[utoipa::path(
    tag = "Rehearsals",
    params(("id" = i64, Path), ("pageIndex" = Option<i64>, Query), ("pageSize" = Option<i64>, Query)),
    responses((status = 200, body = RehearsalResult), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/rehearsals/{id}")]
pub async fn get(
    app: App,
    by: Caller,
    path: web::Path<String>,
    query: Query,
) -> Result<HttpResponse, ApiError> {
    let id: RehearsalId = id("rehearsal", &path)?;
    let paging = query.paging()?;
    let result = app.read(|s| {
        let rehearsal = rehearsal::require(s, &by.actor, id)?.into();
        let page = rehearsal::differences(s, id, paging)?;
        let names = Names::new(s)?;
        let differences = page.items.into_iter().map(|difference| DifferenceJson::new(&names, difference));
        Ok(RehearsalResult { rehearsal, differences: differences.collect::<Result<_>>()?, total: page.total })
    })?;
    Ok(HttpResponse::Ok().json(result))
}

/// What differs, as CSV
#[utoipa::path(
    tag = "Rehearsals",
    params(("id" = i64, Path)),
    responses((status = 200, content_type = "text/csv", body = String), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/rehearsals/{id}/csv")]
pub async fn csv(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: RehearsalId = id("rehearsal", &path)?;
    let text = app
        .scan(move |s| {
            rehearsal::require(s, &by.actor, id)?;
            rehearsal::csv(s, id)
        })
        .await?;
    Ok(HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header(("content-disposition", format!("attachment; filename=\"rehearsal-{id}.csv\"")))
        .body(text))
}

/// Delete a rehearsal
#[utoipa::path(
    tag = "Rehearsals",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[delete("/api/v3/anytime/rehearsals/{id}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: RehearsalId = id("rehearsal", &path)?;
    app.write(move |tx| rehearsal::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
