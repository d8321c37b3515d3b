//! `/anytime/conversations/{id}/decisions`: why something happened by itself, or did not. An addition to the contract.

use actix_web::{HttpResponse, get, web};
use serde::Serialize;
use utoipa::ToSchema;

use super::id;
use crate::app::App;
use crate::desk::allocation::{Candidate, Standing};
use crate::desk::conversation;
use crate::desk::decision::{self, AllocationTrace, Decision, Trace};
use crate::error::Error;
use crate::ids::ConversationId;
use crate::time::Timestamp;
use crate::web::error::ErrorBody;
use crate::web::{ApiError, Caller};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Decision)]
pub struct DecisionJson {
    id: i64,
    #[schema(value_type = String, format = DateTime)]
    time: Timestamp,
    conversation_id: i64,
    /// `routing`, `allocation`, `trigger` or `sla`
    #[schema(example = "allocation")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    allocation: Option<AllocationTraceJson>,
}

impl From<Decision> for DecisionJson {
    fn from(decision: Decision) -> Self {
        let mut json = Self {
            id: decision.id,
            time: decision.at,
            conversation_id: decision.conversation_id.0,
            kind: decision.trace.kind(),
            allocation: None,
        };
        match decision.trace {
            Trace::Allocation(trace) => json.allocation = Some(trace.into()),
        }
        json
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
#[schema(as = DecisionList)]
pub struct DecisionListJson {
    decisions: Vec<DecisionJson>,
}

/// Why a conversation was routed, allocated or changed by itself, or was not
#[utoipa::path(
    tag = "Conversations",
    params(("id" = i64, Path)),
    responses(
        (status = 200, body = DecisionListJson), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
    )
)]
#[get("/api/v3/anytime/conversations/{id}/decisions")]
pub async fn list(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    let decisions = app.read(|s| {
        conversation::get(s, &by.actor, id)?.ok_or_else(|| Error::not_found("conversation", id))?;
        decision::of_conversation(s, id)
    })?;
    let decisions = decisions.into_iter().map(DecisionJson::from).collect();
    Ok(HttpResponse::Ok().json(DecisionListJson { decisions }))
}
