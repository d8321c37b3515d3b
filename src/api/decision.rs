//! `/anytime/conversations/{id}/decisions`: why something happened by itself, or did not. An addition to the contract.

use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::id;
use crate::app::App;
use crate::db::Snapshot;
use crate::desk::allocation::{Candidate, Standing};
use crate::desk::code::{Priority, Status};
use crate::desk::decision::{self, AccountTrace, AllocationTrace, Decision, Trace};
use crate::desk::routing::{RoutingTrace, Rules, Winner};
use crate::desk::sla::{self, SlaTrace};
use crate::desk::trigger::{self, TriggerTrace};
use crate::desk::{conversation, field, rule_set};
use crate::error::{Error, Result};
use crate::ids::{ConversationId, FieldId};
use crate::rules::eval::{self, Seen};
use crate::rules::{Catalogue, Facts, Predicate};
use crate::time::Timestamp;
use crate::web::{ApiError, Caller};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Decision)]
pub struct DecisionJson {
    id: i64,
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    conversation_id: i64,
    /// `account`, `routing`, `allocation`, `trigger` or `sla`
    #[schema(example = "allocation")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<AccountTraceJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    routing: Option<RoutingTraceJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allocation: Option<AllocationTraceJson>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sla: Option<SlaTraceJson>,
    trigger: Option<TriggerTraceJson>,
}

impl DecisionJson {
    fn new(s: &Snapshot<'_>, catalogue: &Catalogue, decision: Decision) -> Result<Self> {
        let mut json = Self {
            id: decision.id,
            time: decision.at,
            conversation_id: decision.conversation_id.0,
            kind: decision.trace.kind(),
            account: None,
            routing: None,
            allocation: None,
            sla: None,
            trigger: None,
        };
        match decision.trace {
            Trace::Routing(trace) => json.routing = Some(RoutingTraceJson::new(s, catalogue, trace)?),
            Trace::Account(trace) => json.account = Some(trace.into()),
            Trace::Sla(trace) => json.sla = Some(SlaTraceJson::new(s, catalogue, &trace)?),
            Trace::Allocation(trace) => json.allocation = Some(trace.into()),
            Trace::Trigger(trace) => json.trigger = Some(TriggerTraceJson::new(s, catalogue, trace)?),
        }
        Ok(json)
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AccountTrace)]
pub struct AccountTraceJson {
    email_account_id: i64,
    #[schema(example = "support@example.com")]
    email: String,
    agent_assignee_id: i64,
    /// Why not
    #[schema(example = "Luis is not active")]
    skipped: String,
}

impl From<AccountTrace> for AccountTraceJson {
    fn from(trace: AccountTrace) -> Self {
        Self {
            email_account_id: trace.account.0,
            email: trace.email,
            agent_assignee_id: trace.agent.0,
            skipped: trace.skipped,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RoutingTrace)]
pub struct RoutingTraceJson {
    /// `simple`, `rule` or `matchFailed`: what gave the target
    #[schema(example = "rule")]
    winner: &'static str,
    /// The rules that were tried, in order; the last one matched if a rule did
    rules: Vec<TriedRuleJson>,
    #[schema(example = "department")]
    route_to_object: &'static str,
    route_to_id: i64,
    /// What was assigned; null where nothing was
    agent_assignee_id: Option<i64>,
    department_assignee_id: Option<i64>,
    /// Null where one was given with the conversation
    #[schema(example = "normal")]
    priority: Option<&'static str>,
    /// Why the target got nothing
    skipped: Option<String>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TriedRule)]
pub struct TriedRuleJson {
    id: i64,
    name: String,
    is_match: bool,
    /// The first condition that did not hold, by its index
    first_failed: Option<i64>,
    conditions: Vec<SeenConditionJson>,
}

/// A condition, the values it saw and what it said
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SeenCondition)]
pub struct SeenConditionJson {
    index: i64,
    field_id: i64,
    /// The field's name
    #[schema(example = "Subject")]
    field: String,
    #[schema(example = "contains")]
    match_type: &'static str,
    #[schema(example = "refund")]
    value: String,
    /// What the conversation had; options, agents and their like by id
    saw: Vec<String>,
    is_match: bool,
    /// What it asked for was gone: such as `department 3 was deleted`
    problem: Option<String>,
}

impl RoutingTraceJson {
    fn new(s: &Snapshot<'_>, catalogue: &Catalogue, trace: RoutingTrace) -> Result<Self> {
        let rules: Option<Rules> = rule_set::kept(s, &trace.rules)?;
        let rules = rules.ok_or_else(|| Error::internal("a routing trace without rules"))?;
        let target = rules.target(trace.verdict.winner);
        let tried = rules.rules.iter().take(trace.verdict.tried.len()).enumerate();
        Ok(Self {
            winner: match trace.verdict.winner {
                Winner::Simple => "simple",
                Winner::Rule(_) => "rule",
                Winner::MatchFailed => "matchFailed",
            },
            rules: tried
                .map(|(position, rule)| {
                    let is_match = trace.verdict.winner == Winner::Rule(position);
                    TriedRuleJson::new(
                        catalogue,
                        rule.id,
                        &rule.name,
                        &rule.predicate,
                        &trace.facts,
                        is_match,
                    )
                })
                .collect(),
            route_to_object: target.object.name(),
            route_to_id: target.id,
            agent_assignee_id: trace.agent.map(|id| id.0),
            department_assignee_id: trace.department.map(|id| id.0),
            priority: trace.priority.map(Priority::name),
            skipped: trace.skipped,
        })
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SlaTrace)]
pub struct SlaTraceJson {
    /// The policy that applies; null where none matched
    policy_id: Option<i64>,
    #[schema(example = "Urgent")]
    policy: Option<String>,
    /// The policies that were tried, in order; the last one matched if one did
    rules: Vec<TriedRuleJson>,
    dues: Vec<DueJson>,
}

/// A due time and what it was counted over
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SlaDue)]
pub struct DueJson {
    /// `firstRespond`, `nextRespond` or `resolve`
    #[schema(example = "firstRespond")]
    target: &'static str,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    minutes: i64,
    /// `calendarHours` or `businessHours`
    #[schema(example = "businessHours")]
    operational_hours: &'static str,
    /// Null while the conversation's status stops the clock
    #[schema(value_type = Option<String>, format = DateTime)]
    due_at: Option<Timestamp>,
    /// The stretches of time that were counted, the first of them if there are many
    intervals: Vec<CountedJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CountedInterval)]
pub struct CountedJson {
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    #[schema(example = 60)]
    minutes: i64,
}

/// Intervals told of one due time at most: a year in working hours has some hundreds.
const INTERVALS: usize = 400;

impl SlaTraceJson {
    fn new(s: &Snapshot<'_>, catalogue: &Catalogue, trace: &SlaTrace) -> Result<Self> {
        let rules: sla::Rules = rule_set::kept(s, &trace.rules)?;
        let tried = rules.policies.iter().take(trace.verdict.tried.len()).enumerate();
        let policy = trace.policy(&rules);
        Ok(Self {
            policy_id: policy.map(|policy| policy.id),
            policy: policy.map(|policy| policy.name.clone()),
            rules: tried
                .map(|(position, tried)| {
                    let is_match = trace.verdict.winner == Some(position);
                    let (id, name) = (tried.id, &tried.name);
                    TriedRuleJson::new(catalogue, id, name, &tried.predicate, &trace.facts, is_match)
                })
                .collect(),
            dues: trace.dues.iter().filter_map(|due| Some(DueJson::new(&rules, policy?, due))).collect(),
        })
    }
}

impl DueJson {
    fn new(rules: &sla::Rules, policy: &sla::Policy, due: &sla::Due) -> Self {
        let (started_at, due_at) =
            (Timestamp::from_millis(due.started_at), due.due_at.map(Timestamp::from_millis));
        let counted = due_at.map(|due_at| rules.intervals(policy, started_at, due_at, &due.pauses));
        Self {
            target: due.target.name(),
            started_at,
            minutes: due.minutes,
            operational_hours: if policy.is_business_hours { "businessHours" } else { "calendarHours" },
            due_at,
            intervals: counted
                .unwrap_or_default()
                .into_iter()
                .take(INTERVALS)
                .map(|it| CountedJson {
                    from: it.from,
                    to: it.to,
                    minutes: (it.to.since(it.from).as_secs() / 60) as i64,
                })
                .collect(),
        }
    }
}

impl TriedRuleJson {
    fn new(
        catalogue: &Catalogue,
        id: i64,
        name: &str,
        predicate: &Predicate,
        facts: &Facts,
        is_match: bool,
    ) -> Self {
        let trace = eval::explain(predicate, facts);
        let first_failed = trace.first_failed().filter(|_| !is_match).map(|seen| seen.clause.number);
        let conditions =
            trace.tests.into_iter().map(|seen| SeenConditionJson::new(catalogue, seen)).collect();
        Self { id, name: name.to_owned(), is_match, first_failed, conditions }
    }
}

impl SeenConditionJson {
    fn new(catalogue: &Catalogue, seen: Seen) -> Self {
        let field = seen.clause.test.field();
        Self {
            index: seen.clause.number,
            field_id: field.0,
            field: catalogue.get(field).map(|entry| entry.name.clone()).unwrap_or_default(),
            match_type: seen.clause.match_type.name(),
            value: seen.clause.value,
            problem: seen.clause.problem,
            saw: seen.values.iter().map(ToString::to_string).collect(),
            is_match: seen.holds,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AllocationTrace)]
pub struct AllocationTraceJson {
    #[schema(example = "loadBalancing")]
    rule: &'static str,
    /// Who got it; null when nobody could, and it waits
    agent_id: Option<i64>,
    /// The contact's last assignee, where they are tried first
    preferred_agent_id: Option<i64>,
    /// With round robin: whom the department's last conversation went to
    last_agent_id: Option<i64>,
    candidates: Vec<CandidateJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AllocationCandidate)]
pub struct CandidateJson {
    agent_id: i64,
    /// Conversations that counted
    load: i64,
    /// 0 is no limit
    limit: i64,
    /// Why not: `notOnline`, `notAccepting`, `full`; null for one who could have been chosen
    skipped: Option<&'static str>,
}

impl From<AllocationTrace> for AllocationTraceJson {
    fn from(trace: AllocationTrace) -> Self {
        Self {
            rule: trace.choice.rule.name(),
            agent_id: trace.chosen.map(|id| id.0),
            preferred_agent_id: trace.choice.preferred.map(|id| id.0),
            last_agent_id: Some(trace.choice.pointer.0).filter(|id| *id != 0),
            candidates: trace.choice.candidates.iter().map(CandidateJson::from).collect(),
        }
    }
}

impl From<&Candidate> for CandidateJson {
    fn from(candidate: &Candidate) -> Self {
        let skipped = match candidate.standing() {
            Standing::Eligible => None,
            Standing::NotOnline => Some("notOnline"),
            Standing::NotAccepting => Some("notAccepting"),
            Standing::Full => Some("full"),
        };
        Self { agent_id: candidate.agent.0, load: candidate.load, limit: candidate.limit, skipped }
    }
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TriggerTrace)]
pub struct TriggerTraceJson {
    #[schema(example = "conversationCreated")]
    trigger_event: &'static str,
    /// The status that it was about
    status: Option<&'static str>,
    /// What happened was done by a trigger: whatever matched was not run
    is_stopped: bool,
    /// Every trigger of the event, in order
    triggers: Vec<AskedTriggerJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AskedTrigger)]
pub struct AskedTriggerJson {
    #[serde(flatten)]
    #[schema(inline)]
    rule: TriedRuleJson,
    fired: bool,
    /// Fields that could not be set, and why
    skipped: Vec<SkippedJson>,
    mails: Vec<MailedJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SkippedField)]
pub struct SkippedJson {
    field_id: i64,
    field: String,
    reason: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = MailedTo)]
pub struct MailedJson {
    to: String,
    /// `queued`, or why not
    #[schema(example = "queued")]
    outcome: String,
}

impl TriggerTraceJson {
    fn new(s: &Snapshot<'_>, catalogue: &Catalogue, trace: TriggerTrace) -> Result<Self> {
        let rules: trigger::Rules = rule_set::kept(s, &trace.rules)?;
        let mut facts = trace.facts.clone();
        let mut triggers = Vec::new();
        for step in trace.steps {
            let Some(asked) = rules.triggers.get(step.position) else { continue };
            let is_match = asked.matches(&facts).0;
            let rule =
                TriedRuleJson::new(catalogue, asked.id, &asked.name, &asked.predicate, &facts, is_match);
            for set in asked.sets.iter().filter(|_| step.fired) {
                if step.skipped.iter().all(|(field, _)| *field != set.field) {
                    set.apply(&mut facts);
                }
            }
            let skipped = |(field, reason): (FieldId, String)| SkippedJson {
                field_id: field.0,
                field: catalogue.get(field).map(|entry| entry.name.clone()).unwrap_or_default(),
                reason,
            };
            triggers.push(AskedTriggerJson {
                rule,
                fired: step.fired,
                skipped: step.skipped.into_iter().map(skipped).collect(),
                mails: step.mails.into_iter().map(|(to, outcome)| MailedJson { to, outcome }).collect(),
            });
        }
        Ok(Self {
            trigger_event: trace.occasion.event.name(),
            status: trace.occasion.status.map(Status::name),
            is_stopped: trace.is_stopped,
            triggers,
        })
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = DecisionList)]
#[serde(rename_all = "camelCase")]
pub struct DecisionListJson {
    decisions: Vec<DecisionJson>,
    /// Decisions before this are no longer kept
    #[schema(value_type = String, format = DateTime)]
    kept_since: Timestamp,
}

/// Why a conversation was routed, allocated or changed by itself, or was not
#[utoipa::path(
    tag = "Conversations",
    params(("id" = i64, Path)),
    responses((status = 200, body = DecisionListJson))
)]
#[get("/api/v3/anytime/conversations/{id}/decisions")]
pub async fn list(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    let list = app.read(|s| {
        conversation::get(s, &by.actor, id)?.ok_or_else(|| Error::not_found("conversation", id))?;
        let catalogue = field::catalogue(s)?;
        let found = decision::of_conversation(s, id)?.into_iter();
        let decisions = found.map(|decision| DecisionJson::new(s, &catalogue, decision));
        let kept_since = decision::kept_since(s, app.now())?;
        Ok(DecisionListJson { decisions: decisions.collect::<Result<_>>()?, kept_since })
    })?;
    Ok(HttpResponse::Ok().json(list))
}
