//! One call for many conversations (contract 11.7, 11.8): all of them or none.

use actix_web::{HttpResponse, delete, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Face;
use super::conversation::{ConversationJson, code, faces, some_id};
use crate::app::App;
use crate::desk::code::{Priority, Status};
use crate::desk::conversation::{ConversationChange, batch, trash};
use crate::error::{Error, Problems, Result, shown};
use crate::ids::{AgentId, ConversationId, DepartmentId};
use crate::web::error::ErrorBody;
use crate::web::json::{self, Input, nullable};
use crate::web::{ApiError, Caller, Json, Query};

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConversationsChange)]
pub struct BatchInput {
    /// At least one, at most 1000
    ids: Vec<i64>,
    #[schema(example = "closed")]
    status: Option<String>,
    #[schema(example = "high")]
    priority: Option<String>,
    /// Null or 0 un-assigns
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>)]
    agent_assignee_id: Option<Option<i64>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>)]
    department_assignee_id: Option<Option<i64>>,
    is_read: Option<bool>,
}

impl Input for BatchInput {}

impl BatchInput {
    fn check(self) -> Result<(Vec<ConversationId>, ConversationChange)> {
        let mut problems = Problems::default();
        let priority = code(&mut problems, "priority", self.priority.as_deref(), Priority::parse);
        let status = code(&mut problems, "status", self.status.as_deref(), Status::parse_with_aliases);
        problems.check()?;
        let change = ConversationChange {
            agent_assignee_id: self.agent_assignee_id.map(|id| some_id(id).map(AgentId)),
            department_assignee_id: self.department_assignee_id.map(|id| some_id(id).map(DepartmentId)),
            priority,
            status,
            is_read: self.is_read,
            ..ConversationChange::default()
        };
        Ok((conversations(self.ids), change))
    }
}

#[derive(Deserialize, ToSchema)]
#[schema(as = ConversationIds)]
pub struct IdsInput {
    /// At least one, at most 1000
    ids: Vec<i64>,
}

impl Input for IdsInput {}

/// What a batch changed.
#[derive(Serialize, ToSchema)]
#[schema(as = ConversationsAnswer)]
pub struct ConversationsAnswer {
    conversations: Vec<ConversationJson>,
}

fn conversations(ids: Vec<i64>) -> Vec<ConversationId> {
    ids.into_iter().map(ConversationId).collect()
}

/// Update several conversations
///
/// All or none: one that the caller may not change refuses the whole.
#[utoipa::path(
    tag = "Conversations",
    request_body = BatchInput,
    responses(
        (status = 200, body = ConversationsAnswer), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/anytime/conversations")]
pub async fn update(app: App, by: Caller, body: Json<BatchInput>) -> Result<HttpResponse, ApiError> {
    let (ids, change) = body.0.check()?;
    let now = app.now();
    let changed = app
        .write(move |tx| faces(tx, &by.actor, now, batch::update_all(tx, &by.actor, &ids, &change)?, &[]))
        .await?;
    Ok(Face::Anytime.wrap("conversations", changed))
}

/// Delete several conversations: move them to the recycle bin
///
/// The ids come in the body, or, where a client cannot send one with DELETE, in the query: `ids=1&ids=2` or `ids=1,2`.
#[utoipa::path(
    tag = "Conversations",
    params(("ids" = Option<String>, Query, description = "Ids, repeated or separated by commas")),
    request_body = Option<IdsInput>,
    responses(
        (status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody),
    )
)]
#[delete("/api/v3/anytime/conversations")]
pub async fn delete(app: App, by: Caller, query: Query, body: web::Bytes) -> Result<HttpResponse, ApiError> {
    let mut ids = ids_of(&query)?;
    if ids.is_empty() && !body.is_empty() {
        ids = json::read::<IdsInput>(&body)?.ids;
    }
    let ids = conversations(ids);
    app.write(move |tx| trash::delete_all(tx, &by.actor, &ids)).await?;
    Ok(HttpResponse::NoContent().finish())
}

fn ids_of(query: &Query) -> Result<Vec<i64>> {
    let texts =
        query.all("ids").flat_map(|text| text.split(',')).map(str::trim).filter(|text| !text.is_empty());
    texts
        .map(|text| {
            let shown = shown(text);
            text.parse().map_err(|_| Error::invalid("ids", format!("must be whole numbers, not '{shown}'")))
        })
        .collect()
}
