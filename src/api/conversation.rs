//! `/anytime/conversations` (contract 11): create, list, get, update, read and unread. Messages are in `message`.

use actix_web::{HttpRequest, HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::event_log::EventLogJson;
use super::field::{CustomFieldInput, CustomFieldValueJson};
use super::include::{self, Included};
use super::message::{self, MessageInput, MessageJson};
use super::snooze::SnoozeJson;
use super::{Face, id};
use crate::app::App;
use crate::db::{Snapshot, Tx};
use crate::desk::code::{Channel, Priority, Status};
use crate::desk::condition::{self, NewCondition, NewFormula};
use crate::desk::conversation::{
    self, Conversation, ConversationChange, ListQuery, NewConversation, Party, Sort, read_state, trash,
};
use crate::desk::field::{self, NewValue};
use crate::desk::filter::{self, Narrowing};
use crate::desk::{Actor, contact, event, event_log, search, tag};
use crate::error::{Error, Problem, Problems, Result, shown};
use crate::ids::{AgentId, ContactId, ConversationId, DepartmentId, EventId, TagId};
use crate::rules::{Predicate, Usage};
use crate::time::Timestamp;
use crate::web::error::ErrorBody;
use crate::web::etag::{IfMatch, with_etag};
use crate::web::json::{Input, nullable};
use crate::web::paging::Links;
use crate::web::{ApiError, Caller, Json, Query};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Conversation)]
pub struct ConversationJson {
    id: i64,
    subject: String,
    agent_assignee_id: Option<i64>,
    department_assignee_id: Option<i64>,
    contact_id: Option<i64>,
    /// Our address that the first mail came to
    received_from: Option<String>,
    #[schema(example = "email")]
    channel: &'static str,
    #[schema(example = "normal")]
    priority: &'static str,
    #[schema(example = "pendingInternal")]
    status: &'static str,
    /// One flag for all agents
    is_read: bool,
    is_read_by_contact: bool,
    /// The documents' spelling of isReadByContact
    is_rea_by_contact: bool,
    custom_fields: Vec<CustomFieldValueJson>,
    created_by_id: Option<i64>,
    created_by_type: String,
    #[schema(value_type = String, format = DateTime)]
    created_time: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last_activity_time: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    last_status_change_time: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    last_replied_time: Option<Timestamp>,
    last_replied_by_id: Option<i64>,
    last_replied_by_type: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    closed_time: Option<Timestamp>,
    closed_by_id: Option<i64>,
    closed_by_type: Option<String>,
    has_draft: bool,
    tag_ids: Vec<i64>,
    is_deleted: bool,
    merged_to_target_id: Option<i64>,
    sla_policy_id: Option<i64>,
    #[schema(value_type = Option<String>, format = DateTime)]
    first_respond_breach_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    next_respond_breach_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    resolve_breach_at: Option<Timestamp>,
    #[serde(rename = "nextSLABreachAt")]
    #[schema(value_type = Option<String>, format = DateTime)]
    next_sla_breach_at: Option<Timestamp>,
    mentioned_agents: Vec<MentionedAgentJson>,
    /// While it is put aside
    snooze: Option<SnoozeJson>,
    /// Whether the calling agent may change it and reply
    is_editable: bool,
    /// Plain text of the last message that is not a note; with `include=lastMessage` that message itself
    last_message: LastMessageJson,
    /// Messages of type email or reply after the first
    total_replies: i64,
    #[serde(flatten)]
    included: Included,
}

/// The documents' string, or what was asked for in its place.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = LastMessage)]
pub enum LastMessageJson {
    Text(String),
    Message(Option<Box<MessageJson>>),
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MentionedAgent)]
pub struct MentionedAgentJson {
    agent_id: i64,
    is_read: bool,
    message_id: i64,
}

impl ConversationJson {
    pub fn new(conversation: Conversation, mut included: Included) -> Self {
        let party = |party: Option<Party>| party.map_or((None, None), |party| (party.id, Some(party.kind)));
        let (last_replied_by_id, last_replied_by_type) = party(conversation.last_replied_by);
        let (closed_by_id, closed_by_type) = party(conversation.closed_by);
        Self {
            id: conversation.id.0,
            subject: conversation.subject,
            agent_assignee_id: conversation.agent_assignee_id.map(|id| id.0),
            department_assignee_id: conversation.department_assignee_id.map(|id| id.0),
            contact_id: conversation.contact_id.map(|id| id.0),
            received_from: conversation.received_from,
            channel: conversation.channel.name(),
            priority: conversation.priority.name(),
            status: conversation.status.name(),
            is_read: conversation.is_read,
            is_read_by_contact: conversation.is_read_by_contact,
            is_rea_by_contact: conversation.is_read_by_contact,
            custom_fields: conversation.fields.into_iter().map(CustomFieldValueJson::from).collect(),
            created_by_id: conversation.created_by.id,
            created_by_type: conversation.created_by.kind,
            created_time: conversation.created_at,
            last_activity_time: conversation.last_activity_at,
            last_status_change_time: conversation.last_status_change_at,
            last_replied_time: conversation.last_replied_at,
            last_replied_by_id,
            last_replied_by_type,
            closed_time: conversation.closed_at,
            closed_by_id,
            closed_by_type,
            has_draft: conversation.has_draft,
            tag_ids: conversation.tags.into_iter().map(|tag| tag.0).collect(),
            is_deleted: conversation.is_deleted,
            merged_to_target_id: conversation.merged_into_id.map(|id| id.0),
            sla_policy_id: conversation.sla.policy_id.map(|id| id.0),
            first_respond_breach_at: conversation.sla.first_respond_at,
            next_respond_breach_at: conversation.sla.next_respond_at,
            resolve_breach_at: conversation.sla.resolve_at,
            next_sla_breach_at: conversation.sla.next_breach_at,
            mentioned_agents: conversation
                .mentions
                .into_iter()
                .map(|mention| MentionedAgentJson {
                    agent_id: mention.agent_id.0,
                    is_read: mention.is_read,
                    message_id: mention.message_id.0,
                })
                .collect(),
            snooze: conversation.snooze.map(SnoozeJson::from),
            is_editable: conversation.is_editable,
            last_message: match included.last_message.take() {
                Some(message) => LastMessageJson::Message(message),
                None => LastMessageJson::Text(conversation.last_message),
            },
            total_replies: conversation.total_replies,
            included,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = ConversationAnswer)]
pub struct ConversationAnswer {
    conversation: ConversationJson,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConversationList)]
pub struct ConversationList {
    conversations: Vec<ConversationJson>,
    total: i64,
    #[serde(flatten)]
    links: Links,
}

/// Answer keys that a request may repeat without effect.
const READ_ONLY: &[&str] = &[
    "id",
    "receivedFrom",
    "isReadByContact",
    "isReaByContact",
    "createdById",
    "createdByType",
    "createdTime",
    "lastActivityTime",
    "lastStatusChangeTime",
    "lastRepliedTime",
    "lastRepliedById",
    "lastRepliedByType",
    "closedTime",
    "closedById",
    "closedByType",
    "hasDraft",
    "isDeleted",
    "mergedToTargetId",
    "slaPolicyId",
    "firstRespondBreachAt",
    "nextRespondBreachAt",
    "resolveBreachAt",
    "nextSLABreachAt",
    "mentionedAgents",
    "isEditable",
    "snooze",
    "lastMessage",
    "totalReplies",
    "agentAssignee",
    "departmentAssignee",
    "contact",
    "createdBy",
    "lastRepliedBy",
    "messages",
    "eventLogs",
];

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewConversation)]
pub struct NewConversationInput {
    /// At most 256 characters
    subject: String,
    /// `portal` or `email`
    #[schema(example = "email")]
    channel: String,
    contact_id: Option<i64>,
    /// 0 and null mean nobody
    agent_assignee_id: Option<i64>,
    department_assignee_id: Option<i64>,
    /// `urgent`, `high`, `normal` or `low`
    #[schema(example = "normal")]
    priority: Option<String>,
    /// `new`, `pendingInternal`, `pendingExternal`, `onHold` or `closed`
    #[schema(example = "new")]
    status: Option<String>,
    #[serde(default)]
    custom_fields: Vec<CustomFieldInput>,
    #[serde(default)]
    tag_ids: Vec<i64>,
    message: MessageInput,
}

impl Input for NewConversationInput {
    const READ_ONLY: &'static [&'static str] = READ_ONLY;
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConversationChange)]
pub struct ConversationInput {
    subject: Option<String>,
    contact_id: Option<i64>,
    /// Null or 0 un-assigns
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>)]
    agent_assignee_id: Option<Option<i64>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>)]
    department_assignee_id: Option<Option<i64>>,
    #[schema(example = "high")]
    priority: Option<String>,
    #[schema(example = "onHold")]
    status: Option<String>,
    is_read: Option<bool>,
    #[serde(default)]
    custom_fields: Vec<CustomFieldInput>,
    /// Replaces the set
    tag_ids: Option<Vec<i64>>,
    /// The channel never changes: only the one it has is accepted
    channel: Option<String>,
}

impl Input for ConversationInput {
    const READ_ONLY: &'static [&'static str] = READ_ONLY;
}

/// Reads a code by name or number; what it may be is told when it is something else.
pub(super) fn code<T>(
    problems: &mut Problems,
    field: &str,
    text: Option<&str>,
    parse: fn(&str) -> Option<T>,
) -> Option<T> {
    let text = text?;
    let value = parse(text);
    problems.require(value.is_some(), field, format!("has no value '{}'", shown(text)));
    value
}

pub(super) fn some_id(id: Option<i64>) -> Option<i64> {
    id.filter(|id| *id != 0)
}

impl NewConversationInput {
    fn check(self) -> Result<NewConversation> {
        let mut problems = Problems::default();
        let channel = code(&mut problems, "channel", Some(&self.channel), Channel::parse);
        let priority = code(&mut problems, "priority", self.priority.as_deref(), Priority::parse);
        let status = code(&mut problems, "status", self.status.as_deref(), Status::parse_with_aliases);
        problems.check()?;
        Ok(NewConversation {
            subject: self.subject,
            channel: channel.unwrap_or(Channel::Portal),
            contact_id: some_id(self.contact_id).map(ContactId),
            agent_assignee_id: some_id(self.agent_assignee_id).map(AgentId),
            department_assignee_id: some_id(self.department_assignee_id).map(DepartmentId),
            priority,
            status,
            tags: self.tag_ids.into_iter().map(TagId).collect(),
            fields: self.custom_fields.into_iter().map(NewValue::from).collect(),
            message: self.message.check("message.")?,
        })
    }
}

impl ConversationInput {
    fn check(self) -> Result<(ConversationChange, Option<Channel>)> {
        let mut problems = Problems::default();
        let priority = code(&mut problems, "priority", self.priority.as_deref(), Priority::parse);
        let status = code(&mut problems, "status", self.status.as_deref(), Status::parse_with_aliases);
        let channel = code(&mut problems, "channel", self.channel.as_deref(), Channel::parse);
        problems.check()?;
        let change = ConversationChange {
            subject: self.subject,
            contact_id: self.contact_id.map(ContactId),
            agent_assignee_id: self.agent_assignee_id.map(|id| some_id(id).map(AgentId)),
            department_assignee_id: self.department_assignee_id.map(|id| some_id(id).map(DepartmentId)),
            priority,
            status,
            is_read: self.is_read,
            tags: self.tag_ids.map(|ids| ids.into_iter().map(TagId).collect()),
            fields: self.custom_fields.into_iter().map(NewValue::from).collect(),
        };
        Ok((change, channel))
    }
}

/// The parameters, but for the filter and the conditions, which the file must tell the meaning of.
fn list_query(query: &Query, now: Timestamp) -> Result<ListQuery> {
    let (from, to) = query.window("timeFrom", "timeTo", now)?;
    let sort = query.value("sortBy", SORTS, |text| match text.to_ascii_lowercase().as_str() {
        "lastreplytime" | "lastrepliedtime" => Some(Sort::LastReplyTime),
        "lastactivitytime" => Some(Sort::LastActivityTime),
        "priority" => Some(Sort::Priority),
        "status" => Some(Sort::Status),
        "nextslabreach" => Some(Sort::NextSlaBreach),
        _ => None,
    })?;
    let is_ascending = query.value("sortOrder", "ascending or descending", |text| {
        match text.to_ascii_lowercase().as_str() {
            "ascending" => Some(true),
            "descending" => Some(false),
            _ => None,
        }
    })?;
    Ok(ListQuery {
        search: query.text("keywords")?.map(search::parse),
        tag: query.integer("tagId")?.map(TagId),
        contact: query.integer("contactId")?.map(ContactId),
        from: Some(from),
        to,
        sort: sort.unwrap_or_default(),
        is_ascending: is_ascending.unwrap_or(false),
        paging: query.paging()?,
        ..ListQuery::default()
    })
}

/// What `filterId` and `conditions[…]` ask for, added to the rest. All of it must hold (contract 11.6).
fn narrow(s: &Snapshot<'_>, by: &Actor, now: Timestamp, query: &Query, wanted: &mut ListQuery) -> Result<()> {
    if let Some(id) = wanted.tag
        && tag::get(s, id)?.is_none()
    {
        return Err(Error::invalid("tagId", format!("must be the id of a tag, not '{id}'")));
    }
    if let Some(id) = wanted.contact
        && contact::get_ever(s, id)?.is_none()
    {
        return Err(Error::invalid("contactId", format!("must be the id of a contact, not '{id}'")));
    }
    if let Some(id) = query.integer("filterId")? {
        let moment = condition::moment(s, now, by, query.time_zone()?)?;
        match filter::narrowing(s, &moment, &super::filter::named(s, by, id)?)? {
            Narrowing::System(filter) => wanted.filter = Some(filter),
            Narrowing::Own(predicate) => wanted.predicates.push(predicate),
        }
    }
    wanted.predicates.extend(asked(s, by, now, query)?);
    Ok(())
}

/// What the `conditions[…]` of a query ask for together.
pub(super) fn asked(
    s: &Snapshot<'_>,
    by: &Actor,
    now: Timestamp,
    query: &Query,
) -> Result<Option<Predicate>> {
    let (indices, conditions): (Vec<u32>, Vec<NewCondition>) = conditions(query)?.into_iter().unzip();
    if conditions.is_empty() {
        return Ok(None);
    }
    let moment = condition::moment(s, now, by, query.time_zone()?)?;
    let new = NewFormula { conditions, ..NewFormula::default() };
    let formula =
        condition::check(s, Usage::View, &moment, &new).map_err(|error| as_parameters(error, &indices))?;
    condition::predicate(s, &moment, &formula).map(Some)
}

/// The conditions of the query, each with the index it was given.
fn conditions(query: &Query) -> Result<Vec<(u32, NewCondition)>> {
    let mut conditions = Vec::new();
    for (index, parts) in query.objects("conditions")? {
        let mut condition = NewCondition::default();
        for (part, value) in parts {
            match part {
                "field" | "fieldid" => value.clone_into(&mut condition.field),
                "matchtype" => value.clone_into(&mut condition.match_type),
                "value" => value.clone_into(&mut condition.value),
                _ => {
                    let place = format!("conditions[{index}][{part}]");
                    return Err(Error::invalid(place, "is not one of field, matchType and value"));
                }
            }
        }
        conditions.push((index, condition));
    }
    Ok(conditions)
}

/// Problems named as the caller wrote the parameters: `conditions[7][field]`.
fn as_parameters(error: Error, indices: &[u32]) -> Error {
    let Error::Invalid(problems) = error else { return error };
    let rename = |problem: Problem| {
        let place = problem.field.strip_prefix("conditions[").and_then(|rest| rest.split_once("]."));
        let index = place.and_then(|(position, _)| indices.get(position.parse::<usize>().ok()?));
        match (place, index) {
            (Some((_, part)), Some(index)) => {
                let part = if part == "fieldId" { "field" } else { part };
                Problem { field: format!("conditions[{index}][{part}]"), ..problem }
            }
            _ => problem,
        }
    };
    Error::Invalid(problems.into_iter().map(rename).collect())
}

const SORTS: &str = "nextSLABreach, lastReplyTime, lastActivityTime, priority or status";

/// Conversations as a list shows them, with what `includes` names beside their ids.
pub(super) fn faces(
    s: &Snapshot<'_>,
    by: &Actor,
    now: Timestamp,
    page: Vec<Conversation>,
    includes: &[String],
) -> Result<Vec<ConversationJson>> {
    let included = include::conversations(s, by, now, &page, includes)?;
    Ok(page.into_iter().zip(included).map(|(c, included)| ConversationJson::new(c, included)).collect())
}

/// One conversation, with what `includes` names: its messages and its history, too.
pub(super) fn face(
    s: &Snapshot<'_>,
    by: &Actor,
    now: Timestamp,
    conversation: Conversation,
    includes: &[String],
) -> Result<ConversationJson> {
    let id = conversation.id;
    let mut included =
        include::conversations(s, by, now, std::slice::from_ref(&conversation), includes)?.remove(0);
    if includes.iter().any(|name| name == "messages") {
        included.messages = Some(message::of_conversation(s, by, now, id, includes)?);
    }
    if includes.iter().any(|name| name == "eventlogs") {
        let entries = event_log::of_conversation(s, by, id)?;
        included.event_logs = Some(entries.into_iter().map(EventLogJson::from).collect());
    }
    Ok(ConversationJson::new(conversation, included))
}

/// List conversations
///
/// Those that the caller may see, deleted ones left out; by default the ones with a reply in the last 30 days.
#[utoipa::path(
    tag = "Conversations",
    params(
        ("filterId" = Option<i64>, Query, description = "1 All, 2 My Open, 3 My Department Open, 4 Unassigned, 5 Mentioned me, 6 Closed, or one from 1000"),
        ("keywords" = Option<String>, Query, description = "Words in the subject, the messages, the contact's name and addresses; \"several words\" in quotes stand together, a word may end in a star; #12 is the conversation 12"),
        ("conditions[0][field]" = Option<String>, Query, description = "A system or custom field by name or id; more conditions have other indices, and all must hold"),
        ("conditions[0][matchType]" = Option<String>, Query, description = "is, isNot, contains, notContains, isMoreThan, isLessThan, before, after or between"),
        ("conditions[0][value]" = Option<String>, Query, description = "Empty with is and isNot: not set, set"),
        ("timeZoneOffset" = Option<f64>, Query, description = "Hours (up to 14) or minutes east of UTC, for times without a zone and for relative values such as @today; default: the site's zone"),
        ("tagId" = Option<i64>, Query),
        ("contactId" = Option<i64>, Query),
        ("timeFrom" = Option<String>, Query, description = "Last reply time, ISO-8601; default: 30 days before timeTo"),
        ("timeTo" = Option<String>, Query, description = "Last reply time, ISO-8601; default: now"),
        ("sortBy" = Option<String>, Query, description = "nextSLABreach, lastReplyTime (default), lastActivityTime, priority or status"),
        ("sortOrder" = Option<String>, Query, description = "ascending or descending (default)"),
        ("pageIndex" = Option<i64>, Query, minimum = 1, maximum = 1000000000),
        ("pageSize" = Option<i64>, Query, minimum = 1, maximum = 50),
        ("include" = Option<String>, Query, description = "agentAssignee, departmentAssignee, contact, createdBy, lastRepliedBy, lastMessage; separated by commas"),
    ),
    responses((status = 200, body = ConversationList))
)]
#[get("/api/v3/anytime/conversations")]
pub async fn list(
    app: App,
    by: Caller,
    query: Query,
    request: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let now = app.now();
    let mut wanted = list_query(&query, now)?;
    let paging = wanted.paging;
    let includes = query.includes();
    // Words and conditions may take long: those have connections of their own.
    let is_quick = wanted.search.is_none() && query.objects("conditions")?.is_empty();
    let asked = query.clone();
    let find = move |s: &Snapshot<'_>| {
        narrow(s, &by.actor, now, &asked, &mut wanted)?;
        let page = conversation::list(s, &by.actor, &wanted)?;
        Ok((faces(s, &by.actor, now, page.items, &includes)?, page.total))
    };
    let (conversations, total) = if is_quick { app.read(find)? } else { app.scan(find).await? };
    Ok(HttpResponse::Ok().json(ConversationList {
        links: Links::new(&request, &query, paging, total),
        total,
        conversations,
    }))
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UnreadCounts)]
pub struct UnreadCountsJson {
    /// Every unread conversation that the caller sees
    all_count: i64,
    filters: Vec<UnreadCountJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UnreadCount)]
pub struct UnreadCountJson {
    filter_id: i64,
    unread_count: i64,
    /// Of those of the filter, the ones that mention the caller, who has not read it
    unread_mentioned_count: i64,
}

/// Count the unread conversations of filters
///
/// Of every filter that the caller sees, unless some are named; unknown ones are left out.
#[utoipa::path(
    tag = "Conversations",
    params(
        ("filterIds" = Option<Vec<i64>>, Query, description = "Repeated, or separated by commas"),
        ("timeZoneOffset" = Option<f64>, Query, description = "For relative values in conditions; default: the site's zone"),
    ),
    responses((status = 200, body = UnreadCountsJson))
)]
#[get("/api/v3/anytime/conversations/unreadCount")]
pub async fn unread_count(app: App, by: Caller, query: Query) -> Result<HttpResponse, ApiError> {
    let ids = query.integers("filterIds")?;
    let zone = query.time_zone()?;
    let counts = app.read(|s| {
        let moment = condition::moment(s, app.now(), &by.actor, zone)?;
        let seen = filter::list(s, &by.actor)?;
        let wanted: Vec<&filter::Filter> = match ids.is_empty() {
            true => seen.iter().collect(),
            false => ids.iter().filter_map(|id| seen.iter().find(|filter| filter.id.0 == *id)).collect(),
        };
        let catalogue = field::catalogue(s)?;
        let narrowings: Vec<Narrowing> = wanted
            .iter()
            .map(|filter| filter::narrowing_by(&catalogue, &moment, filter))
            .collect::<Result<_>>()?;
        let (all_count, counts) = conversation::unread::count(s, &by.actor, &narrowings)?;
        let filters = wanted.iter().zip(counts).map(|(filter, count)| UnreadCountJson {
            filter_id: filter.id.0,
            unread_count: count.conversations,
            unread_mentioned_count: count.mentions,
        });
        Ok(UnreadCountsJson { all_count, filters: filters.collect() })
    })?;
    Ok(HttpResponse::Ok().json(counts))
}

/// Get a conversation
#[utoipa::path(
    tag = "Conversations",
    params(
        ("id" = i64, Path),
        ("include" = Option<String>, Query, description = "agentAssignee, departmentAssignee, contact, createdBy, lastRepliedBy, lastMessage, messages, eventLogs; separated by commas"),
    ),
    responses((status = 200, body = ConversationAnswer))
)]
#[get("/api/v3/anytime/conversations/{id}")]
pub async fn get(
    app: App,
    by: Caller,
    query: Query,
    path: web::Path<String>,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    let includes = query.includes();
    let (answer, version) = app.read(|s| {
        let conversation = conversation::require(s, &by.actor, id)?;
        Ok((face(s, &by.actor, app.now(), conversation, &includes)?, event::last_of(s, id)?))
    })?;
    Ok(with_etag(Face::Anytime.wrap("conversation", answer), version))
}

/// Submit a new conversation
///
/// A first message of type `email` is sent to the contact.
#[utoipa::path(
    tag = "Conversations",
    request_body = NewConversationInput,
    responses((status = 201, body = ConversationAnswer))
)]
#[post("/api/v3/anytime/conversations")]
pub async fn create(
    app: App,
    by: Caller,
    body: Json<NewConversationInput>,
) -> Result<HttpResponse, ApiError> {
    let new = body.0.check()?;
    let created = app.write(move |tx| conversation::create(tx, &by.actor, &new)).await?;
    let location = format!("/api/v3/anytime/conversations/{}", created.id);
    Ok(Face::Anytime.created("conversation", &location, ConversationJson::new(created, Included::default())))
}

/// Changes a conversation in a transaction of its own, unless something happened to it that `if_match` does not know of.
/// Gives what `change` gives, and the version after it.
pub(super) async fn changing<T, F>(
    app: &App,
    if_match: IfMatch,
    by: Actor,
    id: ConversationId,
    change: F,
) -> Result<(T, EventId)>
where
    T: Send + 'static,
    F: FnOnce(&Tx<'_>, &Actor) -> Result<T> + Send + 'static,
{
    app.write(move |tx| {
        if if_match.is_given() {
            // Whoever may not change it is not told whether somebody else did.
            conversation::editable(tx, &by, id)?;
            if_match.check(event::last_of(tx, id)?)?;
        }
        Ok((change(tx, &by)?, event::last_of(tx, id)?))
    })
    .await
}

/// Update a conversation
///
/// Absent properties stay as they are.
#[utoipa::path(
    tag = "Conversations",
    params(("id" = i64, Path)),
    request_body = ConversationInput,
    responses(
        (status = 200, body = ConversationAnswer), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody), (status = 412, body = ErrorBody),
    )
)]
#[put("/api/v3/anytime/conversations/{id}")]
pub async fn update(
    app: App,
    by: Caller,
    path: web::Path<String>,
    if_match: IfMatch,
    body: Json<ConversationInput>,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    let (change, channel) = body.0.check()?;
    let (updated, version) = changing(&app, if_match, by.actor, id, move |tx, by| {
        let before = conversation::editable(tx, by, id)?;
        if channel.is_some_and(|channel| channel != before.channel) {
            let message = format!("is '{}' and cannot be changed", before.channel.name());
            return Err(Error::invalid("channel", message));
        }
        conversation::update(tx, by, id, &change)
    })
    .await?;
    let answer = Face::Anytime.wrap("conversation", ConversationJson::new(updated, Included::default()));
    Ok(with_etag(answer, version))
}

/// Mark a conversation as read, with the caller's mentions in it
#[utoipa::path(
    tag = "Conversations",
    params(("id" = i64, Path)),
    responses(
        (status = 204), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 412, body = ErrorBody),
    )
)]
#[put("/api/v3/anytime/conversations/{id}/read")]
pub async fn read(
    app: App,
    by: Caller,
    path: web::Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    set_read(app, by.actor, &path, if_match, true).await
}

/// Mark a conversation as unread
#[utoipa::path(
    tag = "Conversations",
    params(("id" = i64, Path)),
    responses(
        (status = 204), (status = 403, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 412, body = ErrorBody),
    )
)]
#[put("/api/v3/anytime/conversations/{id}/unread")]
pub async fn unread(
    app: App,
    by: Caller,
    path: web::Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    set_read(app, by.actor, &path, if_match, false).await
}

async fn set_read(
    app: App,
    by: Actor,
    path: &str,
    if_match: IfMatch,
    is_read: bool,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", path)?;
    let ((), version) = changing(&app, if_match, by, id, move |tx, by| match is_read {
        true => read_state::mark_read(tx, by, id),
        false => read_state::mark_unread(tx, by, id),
    })
    .await?;
    Ok(with_etag(HttpResponse::NoContent().finish(), version))
}

/// Delete a conversation: move it to the recycle bin
#[utoipa::path(
    tag = "Conversations",
    params(("id" = i64, Path)),
    responses(
        (status = 204), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody, description = "It is deleted already"),
        (status = 412, body = ErrorBody),
    )
)]
#[delete("/api/v3/anytime/conversations/{id}")]
pub async fn delete(
    app: App,
    by: Caller,
    path: web::Path<String>,
    if_match: IfMatch,
) -> Result<HttpResponse, ApiError> {
    let id: ConversationId = id("conversation", &path)?;
    changing(&app, if_match, by.actor, id, move |tx, by| trash::delete(tx, by, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
