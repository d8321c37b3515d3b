//! `/anytime/triggers` (contract 16): what happens by itself. Actions are read in every spelling of the documents and
//! written in one: a `SetValue` for each field, and one `SendEmail` with its recipients and content.

use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::attachment::AttachmentJson;
use super::condition::{self, ConditionInput, ConditionJson, any_scalar, id_or_name, scalar};
use super::message::AttachmentInput;
use super::routing::IsEnableInput;
use super::{id, order};
use crate::app::App;
use crate::db::Snapshot;
use crate::desk::code::{Status, TriggerEvent};
use crate::desk::trigger::{self, NewMail, SetValue, Trigger, TriggerChange, Unit, change};
use crate::desk::{Permission, field};
use crate::error::{Error, Result, shown};
use crate::ids::{AgentId, TriggerId};
use crate::rules::Catalogue;
use crate::web::error::ErrorBody;
use crate::web::json::{self, Input, nullable};
use crate::web::{ApiError, Caller, Json, Query};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Trigger)]
pub struct TriggerJson {
    id: i64,
    #[schema(example = "Thank for the first message")]
    name: String,
    description: String,
    #[schema(example = "conversationCreated")]
    trigger_event: &'static str,
    if_enable: bool,
    /// Order in which triggers run, from 1
    order_id: i64,
    /// `any`, `all` or `logicalExpression`
    #[schema(example = "all")]
    when: &'static str,
    logic_expression: Option<String>,
    conditions: Vec<ConditionJson>,
    actions: Vec<ActionJson>,
    /// Whether the contact gets the mail of the action SendEmail
    if_send_email_to_contacts: bool,
    /// Whether the mail becomes a message of the conversation; the documents' spelling
    if_shown_in_ticket_corresdence: bool,
    /// The same
    if_shown_in_conversation_correspondence: bool,
    /// For statusIsChanged the new status that counts, for staysAtStatusPeriod the one that lasts
    #[schema(example = "pendingExternal")]
    stay_status: Option<&'static str>,
    stay_time_span: Option<i64>,
    /// `minutes`, `hours` or `days`; days are business days
    #[schema(example = "hours")]
    stay_time_unit: &'static str,
    /// What the trigger names and is gone: such a value is not set, such a recipient gets no mail
    warnings: Vec<String>,
}

/// `SetValue` with a field and its value, or `SendEmail` with recipients and content
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TriggerAction)]
pub struct ActionJson {
    id: i64,
    #[serde(rename = "type")]
    #[schema(example = "SetValue")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field_id: Option<i64>,
    /// The field's name
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    value: Option<String>,
    #[serde(flatten)]
    #[schema(inline)]
    mail: Option<MailJson>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TriggerMail)]
pub struct MailJson {
    to_contact: bool,
    to_assigned_agent: bool,
    agent_ids: Vec<i64>,
    #[schema(example = "[#{!Conversation.Id}] {!Conversation.Subject}")]
    subject: String,
    html_body: String,
    text_body: String,
    attachments: Vec<AttachmentJson>,
}

impl TriggerJson {
    fn new(s: &Snapshot<'_>, catalogue: &Catalogue, trigger: Trigger) -> Result<Self> {
        let warnings = trigger.warnings(s, catalogue)?;
        let mut actions = Vec::new();
        for (field, value) in trigger.values {
            actions.push(ActionJson {
                id: actions.len() as i64 + 1,
                kind: "SetValue",
                field_id: Some(field.0),
                field: catalogue.get(field).map(|entry| entry.name.clone()),
                value: Some(value),
                mail: None,
            });
        }
        let to_contact = trigger.mail.as_ref().is_some_and(|mail| mail.to_contact);
        if let Some(mail) = trigger.mail {
            actions.push(ActionJson {
                id: actions.len() as i64 + 1,
                kind: "SendEmail",
                field_id: None,
                field: None,
                value: None,
                mail: Some(MailJson {
                    to_contact: mail.to_contact,
                    to_assigned_agent: mail.to_assignee,
                    agent_ids: mail.agents.iter().map(|id| id.0).collect(),
                    subject: mail.subject,
                    html_body: mail.html_body,
                    text_body: mail.text_body,
                    attachments: mail.attachments.into_iter().map(AttachmentJson::from).collect(),
                }),
            });
        }
        Ok(Self {
            id: trigger.id.0,
            name: trigger.name,
            description: trigger.description,
            trigger_event: trigger.event.name(),
            if_enable: trigger.is_enabled,
            order_id: trigger.position,
            when: trigger.formula.when.name(),
            logic_expression: trigger.formula.logic_expression,
            conditions: ConditionJson::list(catalogue, trigger.formula.conditions),
            actions,
            if_send_email_to_contacts: to_contact,
            if_shown_in_ticket_corresdence: trigger.is_shown,
            if_shown_in_conversation_correspondence: trigger.is_shown,
            stay_status: trigger.status.map(Status::name),
            stay_time_span: trigger.span,
            stay_time_unit: trigger.unit.name(),
            warnings,
        })
    }

    fn one(s: &Snapshot<'_>, trigger: Trigger) -> Result<Self> {
        Self::new(s, &field::catalogue(s)?, trigger)
    }

    fn list(s: &Snapshot<'_>, triggers: Vec<Trigger>) -> Result<Vec<Self>> {
        let catalogue = field::catalogue(s)?;
        triggers.into_iter().map(|trigger| Self::new(s, &catalogue, trigger)).collect()
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = TriggerList)]
pub struct TriggerListJson {
    triggers: Vec<TriggerJson>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = TriggerAnswer)]
pub struct TriggerAnswer {
    trigger: TriggerJson,
}

/// On creation `name` and `triggerEvent` are required. On change what is left out stays as it is; `conditions` and
/// `actions` replace the list. The flat properties from `ifSetValue` on are a later document's way to write `actions`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TriggerInput)]
pub struct TriggerInput {
    /// Only `PUT /triggers` reads it: which trigger to change
    id: Option<i64>,
    #[schema(example = "Thank for the first message")]
    name: Option<String>,
    description: Option<String>,
    /// Or its number, 1 to 6
    #[schema(example = "conversationCreated")]
    trigger_event: Option<String>,
    #[serde(alias = "isEnable", alias = "isEnabled", alias = "enable")]
    if_enable: Option<bool>,
    #[serde(alias = "orderIndex", alias = "orderNum", alias = "order")]
    order_id: Option<i64>,
    /// `any`, `all` or `logicalExpression`, or 0, 1, 2
    #[serde(alias = "conditionMetType")]
    #[schema(example = "all")]
    when: Option<String>,
    #[serde(alias = "logicalExpression")]
    logic_expression: Option<String>,
    conditions: Option<Vec<ConditionInput>>,
    actions: Option<Vec<ActionInput>>,
    if_send_email_to_contacts: Option<bool>,
    /// Of the two that say the same, the one that differs from what is stored counts
    if_shown_in_ticket_corresdence: Option<bool>,
    #[serde(alias = "ifShowInConversationCorrespondences", alias = "ifDisplayInTicketCorrespondences")]
    if_shown_in_conversation_correspondence: Option<bool>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, example = "pendingExternal")]
    stay_status: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<i64>, minimum = 1)]
    stay_time_span: Option<Option<i64>>,
    /// `minutes`, `hours` or `days`
    #[schema(example = "hours")]
    stay_time_unit: Option<String>,
    if_set_value: Option<bool>,
    #[serde(alias = "triggerActionUpdateFields")]
    auto_update: Option<Vec<ActionInput>>,
    if_send_email: Option<bool>,
    if_send_to_agents: Option<bool>,
    if_send_email_to_assigned_agent: Option<bool>,
    recipient_agent_ids: Option<Vec<i64>>,
    subject: Option<String>,
    html_text: Option<String>,
    plain_text: Option<String>,
    attachments: Option<Vec<AttachmentInput>>,
    #[serde(rename = "warnings")]
    #[schema(ignore)]
    _warnings: Option<Vec<String>>,
}

impl Input for TriggerInput {}

/// One action, or a part of the one mail: `SetValue`, `SendEmail`, `ToConversationContact`, `ToAgent`, `SetEmailContent`
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TriggerActionInput)]
pub struct ActionInput {
    #[serde(rename = "id")]
    #[schema(ignore)]
    _id: Option<i64>,
    #[serde(rename = "type", alias = "actionType", alias = "action type")]
    #[schema(example = "SetValue")]
    kind: Option<String>,
    #[schema(schema_with = id_or_name)]
    field_id: Option<String>,
    /// Id or name, where there is no fieldId
    field: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    #[schema(schema_with = any_scalar)]
    value: Option<String>,
    to_contact: Option<bool>,
    #[serde(alias = "ifSendEmailToAssignedAgent")]
    to_assigned_agent: Option<bool>,
    #[serde(alias = "recipientAgentIds")]
    agent_ids: Option<Vec<i64>>,
    subject: Option<String>,
    #[serde(alias = "htmlText")]
    html_body: Option<String>,
    #[serde(alias = "plainText", alias = "plainBody")]
    text_body: Option<String>,
    attachments: Option<Vec<AttachmentInput>>,
}

impl TriggerInput {
    pub(super) fn id(&self) -> Option<i64> {
        self.id
    }

    pub(super) fn change(self) -> Result<TriggerChange> {
        let (values, mail) = match self.actions {
            Some(actions) => fold(actions)?,
            None => flat(Flat {
                sets: self.if_set_value,
                values: self.auto_update,
                sends: self.if_send_email,
                to_agents: self.if_send_to_agents,
                to_assignee: self.if_send_email_to_assigned_agent,
                agents: self.recipient_agent_ids,
                subject: self.subject,
                html: self.html_text,
                text: self.plain_text,
                attachments: self.attachments,
            }),
        };
        let formula = condition::changed(None, self.when, self.logic_expression, self.conditions);
        Ok(TriggerChange {
            name: self.name,
            description: self.description,
            event: self.trigger_event.as_deref().map(event).transpose()?,
            is_enabled: self.if_enable,
            position: self.order_id,
            formula,
            status: self.stay_status.map(|text| text.as_deref().map(status).transpose()).transpose()?,
            span: self.stay_time_span,
            unit: self.stay_time_unit.as_deref().map(unit).transpose()?,
            is_shown: match (
                self.if_shown_in_ticket_corresdence,
                self.if_shown_in_conversation_correspondence,
            ) {
                (Some(one), Some(other)) => Some(one || other),
                (one, other) => one.or(other),
            },
            values,
            mail,
            mails_contact: self.if_send_email_to_contacts,
        })
    }

    /// Completes a partial change of the conditions by what is stored.
    pub(super) fn change_of(mut self, before: &Trigger) -> Result<TriggerChange> {
        let formula = condition::changed(
            Some(&before.formula),
            self.when.take(),
            self.logic_expression.take(),
            self.conditions.take(),
        );
        // Who changes one of the two flags and sends the other back as it was means the change.
        if self.if_shown_in_ticket_corresdence == Some(before.is_shown) {
            self.if_shown_in_ticket_corresdence = None;
        }
        if self.if_shown_in_conversation_correspondence == Some(before.is_shown) {
            self.if_shown_in_conversation_correspondence = None;
        }
        Ok(TriggerChange { formula, ..self.change()? })
    }
}

type Actions = (Option<Vec<SetValue>>, Option<Option<NewMail>>);

/// The actions as one list of values and at most one mail.
fn fold(actions: Vec<ActionInput>) -> Result<Actions> {
    let mut values = Vec::new();
    let mut mail: Option<NewMail> = None;
    for (index, action) in actions.into_iter().enumerate() {
        let place = format!("actions[{index}]");
        let written = action.kind.clone().unwrap_or_default();
        let kind: String =
            written.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
        match kind.as_str() {
            "setvalue" => values.push(SetValue {
                place,
                field: action.field_id.or(action.field).unwrap_or_default(),
                value: action.value.unwrap_or_default(),
            }),
            "sendemail" | "setemailcontent" | "toconversationcontact" | "toagent" => {
                let mail = mail.get_or_insert_with(|| NewMail { place: place.clone(), ..NewMail::default() });
                mail.to_contact |= kind == "toconversationcontact" || action.to_contact == Some(true);
                mail.to_assignee |= action.to_assigned_agent == Some(true);
                mail.agents.extend(action.agent_ids.unwrap_or_default().into_iter().map(AgentId));
                for (given, kept) in [
                    (action.subject, &mut mail.subject),
                    (action.html_body, &mut mail.html_body),
                    (action.text_body, &mut mail.text_body),
                ] {
                    if let Some(text) = given {
                        *kept = text;
                    }
                }
                if let Some(files) = action.attachments {
                    mail.attachments = files.into_iter().map(|file| file.guid).collect();
                }
            }
            _ => {
                let message = match written.trim() {
                    "" => "is required".to_owned(),
                    _ => format!("must be 'SetValue' or 'SendEmail', not '{}'", shown(&written)),
                };
                return Err(Error::invalid(format!("{place}.type"), message));
            }
        }
    }
    Ok((Some(values), Some(mail)))
}

/// The later documents' flat properties.
struct Flat {
    sets: Option<bool>,
    values: Option<Vec<ActionInput>>,
    sends: Option<bool>,
    to_agents: Option<bool>,
    to_assignee: Option<bool>,
    agents: Option<Vec<i64>>,
    subject: Option<String>,
    html: Option<String>,
    text: Option<String>,
    attachments: Option<Vec<AttachmentInput>>,
}

fn flat(given: Flat) -> Actions {
    let values = match (given.sets, given.values) {
        (Some(false), _) => Some(Vec::new()),
        (_, None) => None,
        (_, Some(values)) => Some(
            values
                .into_iter()
                .enumerate()
                .map(|(index, value)| SetValue {
                    place: format!("autoUpdate[{index}]"),
                    field: value.field_id.or(value.field).unwrap_or_default(),
                    value: value.value.unwrap_or_default(),
                })
                .collect(),
        ),
    };
    let has_content = given.subject.is_some() || given.html.is_some() || given.text.is_some();
    let mail = match given.sends {
        Some(false) => Some(None),
        Some(true) | None if has_content => Some(Some(NewMail {
            place: String::new(),
            to_contact: false,
            to_assignee: given.to_assignee == Some(true),
            agents: match given.to_agents {
                Some(false) => Vec::new(),
                _ => given.agents.unwrap_or_default().into_iter().map(AgentId).collect(),
            },
            subject: given.subject.unwrap_or_default(),
            html_body: given.html.unwrap_or_default(),
            text_body: given.text.unwrap_or_default(),
            attachments: given.attachments.unwrap_or_default().into_iter().map(|file| file.guid).collect(),
        })),
        _ => None,
    };
    (values, mail)
}

/// The name, its number, or a later document's name (contract 16.2).
pub(super) fn event(text: &str) -> Result<TriggerEvent> {
    let folded = text.trim().to_ascii_lowercase();
    let alias = match folded.as_str() {
        "7" | "conversationreplyreceived" | "whenaticketreplyisreceived" => {
            Some(TriggerEvent::ConversationReplyIsReceived)
        }
        "whenticketiscreated" => Some(TriggerEvent::ConversationCreated),
        "whenanagentreplied" => Some(TriggerEvent::AgentReplied),
        "conversationassigneechanged" | "whentheassigneeofaticketischanged" => {
            Some(TriggerEvent::AssigneeIsChanged)
        }
        "conversationstatuschanged" | "whenthestatusofaticketischanged" => {
            Some(TriggerEvent::StatusIsChanged)
        }
        "conversationstatuslastforcertaintime" | "whenticketstatusstaysthesameforaspecifiedperiodoftime" => {
            Some(TriggerEvent::StaysAtStatusPeriod)
        }
        _ => None,
    };
    alias.or_else(|| TriggerEvent::parse(text)).ok_or_else(|| {
        let names: Vec<&str> = TriggerEvent::ALL.iter().map(|event| event.name()).collect();
        let message = format!("must be one of {}, not '{}'", names.join(", "), shown(text));
        Error::invalid("triggerEvent", message)
    })
}

fn status(text: &str) -> Result<Status> {
    Status::parse_with_aliases(text).ok_or_else(|| {
        let names: Vec<&str> = Status::ALL.iter().map(|status| status.name()).collect();
        Error::invalid("stayStatus", format!("must be one of {}, not '{}'", names.join(", "), shown(text)))
    })
}

fn unit(text: &str) -> Result<Unit> {
    Unit::parse(text).ok_or_else(|| {
        let message = format!("must be 'minutes', 'hours' or 'days', not '{}'", shown(text));
        Error::invalid("stayTimeUnit", message)
    })
}

/// One of: a direction, a position from 1
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TriggerSortInput)]
pub struct SortInput {
    /// `up` or `down`
    #[serde(rename = "type")]
    #[schema(example = "up")]
    direction: Option<String>,
    #[serde(alias = "index", alias = "orderNum")]
    order_id: Option<i64>,
}

impl Input for SortInput {}

#[derive(Deserialize, ToSchema)]
#[schema(as = TriggerId)]
pub struct IdInput {
    id: i64,
}

impl Input for IdInput {}

/// List triggers in their order
#[utoipa::path(
    tag = "Triggers",
    responses((status = 200, body = TriggerListJson), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/triggers")]
pub async fn list(app: App, by: Caller) -> Result<HttpResponse, ApiError> {
    let triggers = app.read(|s| TriggerJson::list(s, trigger::list(s, &by.actor)?))?;
    Ok(HttpResponse::Ok().json(TriggerListJson { triggers }))
}

/// Get a trigger
#[utoipa::path(
    tag = "Triggers",
    params(("id" = i64, Path)),
    responses((status = 200, body = TriggerAnswer), (status = 403, body = ErrorBody))
)]
#[get("/api/v3/anytime/triggers/{id}")]
pub async fn get(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: TriggerId = id("trigger", &path)?;
    let trigger = app.read(|s| TriggerJson::one(s, trigger::require(s, &by.actor, id)?))?;
    Ok(HttpResponse::Ok().json(TriggerAnswer { trigger }))
}

/// Create a trigger
#[utoipa::path(
    tag = "Triggers",
    request_body = TriggerInput,
    responses((status = 201, body = TriggerAnswer), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/anytime/triggers")]
pub async fn create(app: App, by: Caller, body: Json<TriggerInput>) -> Result<HttpResponse, ApiError> {
    add(&app, by, body.0).await
}

async fn add(app: &App, by: Caller, input: TriggerInput) -> Result<HttpResponse, ApiError> {
    let new = input.change()?;
    let trigger = app
        .write(move |tx| {
            let created = change::create(tx, &by.actor, &new)?;
            TriggerJson::one(tx, created)
        })
        .await?;
    let location = format!("/api/v3/anytime/triggers/{}", trigger.id);
    Ok(HttpResponse::Created().insert_header(("location", location)).json(TriggerAnswer { trigger }))
}

/// Change a trigger
#[utoipa::path(
    tag = "Triggers",
    params(("id" = i64, Path)),
    request_body = TriggerInput,
    responses((status = 200, body = TriggerAnswer), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/triggers/{id}")]
pub async fn update(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<TriggerInput>,
) -> Result<HttpResponse, ApiError> {
    let id: TriggerId = id("trigger", &path)?;
    save(&app, by, id, body.0).await
}

async fn save(app: &App, by: Caller, id: TriggerId, input: TriggerInput) -> Result<HttpResponse, ApiError> {
    let trigger = app
        .write(move |tx| {
            let before = trigger::require(tx, &by.actor, id)?;
            let changed = change::update(tx, &by.actor, id, &input.change_of(&before)?)?;
            TriggerJson::one(tx, changed)
        })
        .await?;
    Ok(HttpResponse::Ok().json(TriggerAnswer { trigger }))
}

/// Change the trigger whose `id` is in the body, or create one without
#[utoipa::path(
    tag = "Triggers",
    request_body = TriggerInput,
    responses(
        (status = 200, body = TriggerAnswer), (status = 201, body = TriggerAnswer),
        (status = 403, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/anytime/triggers")]
pub async fn upsert(app: App, by: Caller, body: Json<TriggerInput>) -> Result<HttpResponse, ApiError> {
    match body.0.id {
        Some(id) => save(&app, by, TriggerId(id), body.0).await,
        None => add(&app, by, body.0).await,
    }
}

/// Switch a trigger on or off
#[utoipa::path(
    tag = "Triggers",
    params(("id" = i64, Path)),
    request_body = IsEnableInput,
    responses((status = 200, body = TriggerAnswer), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/triggers/{id}/enable")]
pub async fn enable(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<IsEnableInput>,
) -> Result<HttpResponse, ApiError> {
    let id: TriggerId = id("trigger", &path)?;
    let change = TriggerChange { is_enabled: Some(body.0.is_enable), ..TriggerChange::default() };
    let trigger = app
        .write(move |tx| {
            let changed = change::update(tx, &by.actor, id, &change)?;
            TriggerJson::one(tx, changed)
        })
        .await?;
    Ok(HttpResponse::Ok().json(TriggerAnswer { trigger }))
}

/// Move a trigger in the order
#[utoipa::path(
    tag = "Triggers",
    params(("id" = i64, Path)),
    request_body = SortInput,
    responses((status = 200, body = TriggerListJson), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/triggers/{id}/sort")]
pub async fn sort(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<SortInput>,
) -> Result<HttpResponse, ApiError> {
    let id: TriggerId = id("trigger", &path)?;
    let triggers = app
        .write(move |tx| {
            trigger::require(tx, &by.actor, id)?;
            TriggerJson::list(
                tx,
                change::sort(
                    tx,
                    &by.actor,
                    id,
                    order::place(body.0.direction.as_deref(), body.0.order_id, "orderId")?,
                )?,
            )
        })
        .await?;
    Ok(HttpResponse::Ok().json(TriggerListJson { triggers }))
}

/// Delete a trigger
#[utoipa::path(
    tag = "Triggers",
    params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = ErrorBody))
)]
#[delete("/api/v3/anytime/triggers/{id}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: TriggerId = id("trigger", &path)?;
    app.write(move |tx| change::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Delete the trigger whose `id` is in the query or the body
#[utoipa::path(
    tag = "Triggers",
    params(("id" = Option<i64>, Query)),
    request_body = Option<IdInput>,
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody))
)]
#[delete("/api/v3/anytime/triggers")]
pub async fn delete_by_id(
    app: App,
    by: Caller,
    query: Query,
    body: web::Bytes,
) -> Result<HttpResponse, ApiError> {
    by.actor.require(Permission::ManageSettings)?;
    let id = match query.integer("id")? {
        Some(id) => id,
        None if !body.is_empty() => json::read::<IdInput>(&body)?.id,
        None => return Err(ApiError(Error::invalid("id", "is required"))),
    };
    app.write(move |tx| change::delete(tx, &by.actor, TriggerId(id))).await?;
    Ok(HttpResponse::NoContent().finish())
}
