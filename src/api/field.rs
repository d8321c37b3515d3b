//! `/anytime/fields` (contract 14): system fields, the site's own, their options, and the mappings of live chat.

use actix_web::{HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::condition::{any_scalar, scalar};
use super::{Face, id};
use crate::app::App;
use crate::desk::field::{self, Field, FieldChange, FieldOption, FieldValue, Mapping, NewOption, NewValue};
use crate::error::{Error, Result, shown};
use crate::ids::{FieldId, FieldOptionId};
use crate::rules::{FieldType, Usage};
use crate::web::error::ErrorBody;
use crate::web::json::Input;
use crate::web::{ApiError, Caller, Json, Query};

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Field)]
pub struct FieldJson {
    id: i64,
    #[serde(rename = "type")]
    #[schema(example = "dropdownList")]
    kind: &'static str,
    #[schema(example = "Product")]
    name: String,
    is_system_field: bool,
    is_required: bool,
    /// Of options: their ids
    default_value: String,
    help_text: String,
    /// Most characters of a text
    length: Option<i64>,
    options: Vec<FieldOptionJson>,
    #[serde(rename = "linkURL")]
    link_url: String,
    order: i64,
    chat_field_mapping: String,
    offline_message_field_mapping: String,
    /// Bits: 1 trigger conditions, 2 filters, 4 SLA policies, 8 routing rules, 16 macros, 32 actions of triggers
    available_in: u8,
}

#[derive(Serialize, ToSchema)]
#[schema(as = FieldOption)]
pub struct FieldOptionJson {
    id: i64,
    name: String,
    value: String,
    order: i64,
}

impl From<FieldOption> for FieldOptionJson {
    fn from(option: FieldOption) -> Self {
        Self { id: option.id.0, name: option.name, value: option.value, order: option.position }
    }
}

impl From<Field> for FieldJson {
    fn from(field: Field) -> Self {
        Self {
            id: field.id.0,
            kind: field.kind.name(),
            name: field.name,
            is_system_field: field.is_system,
            is_required: field.is_required,
            default_value: field.default_value,
            help_text: field.help_text,
            length: field.length,
            options: field.options.into_iter().map(FieldOptionJson::from).collect(),
            link_url: field.link_url,
            order: field.position,
            chat_field_mapping: field.chat_mapping,
            offline_message_field_mapping: field.offline_message_mapping,
            available_in: field.usages,
        }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = FieldList)]
pub struct FieldListJson {
    fields: Vec<FieldJson>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = FieldAnswer)]
pub struct FieldAnswer {
    field: FieldJson,
}

/// What a new field is; on a change, what is left out stays as it is
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FieldInput)]
pub struct FieldInput {
    /// `text`, `textarea`, `email`, `url`, `date`, `integer`, `float`, `operator`, `radio`, `checkbox`, `dropdownList`,
    /// `checkboxList`, `link` or `department`; it never changes
    #[serde(rename = "type")]
    #[schema(example = "dropdownList")]
    kind: Option<String>,
    /// Unique, whatever the case; at most 100 characters
    #[schema(example = "Product")]
    name: Option<String>,
    is_required: Option<bool>,
    /// Of an option: its name, value or id
    #[serde(default, deserialize_with = "scalar")]
    #[schema(schema_with = any_scalar)]
    default_value: Option<String>,
    help_text: Option<String>,
    #[schema(minimum = 1, maximum = 4000)]
    length: Option<i64>,
    /// Replaces the set; an option with its id stays the same one
    options: Option<Vec<FieldOptionInput>>,
    /// Where a value of type `link` leads
    #[serde(rename = "linkURL")]
    link_url: Option<String>,
    order: Option<i64>,
    chat_field_mapping: Option<String>,
    offline_message_field_mapping: Option<String>,
}

impl Input for FieldInput {
    const READ_ONLY: &'static [&'static str] = &["id", "isSystemField", "availableIn"];
}

#[derive(Deserialize, ToSchema)]
#[schema(as = FieldOptionInput)]
pub struct FieldOptionInput {
    id: Option<i64>,
    name: String,
    /// The name unless given
    value: Option<String>,
    order: Option<i64>,
}

impl FieldInput {
    fn check(self) -> Result<FieldChange> {
        let kind = match self.kind.as_deref() {
            Some(kind) => Some(FieldType::parse(kind).ok_or_else(|| {
                let names: Vec<&str> = FieldType::ALL.iter().map(|kind| kind.name()).collect();
                let shown = shown(kind);
                Error::invalid("type", format!("'{shown}' must be one of {}", names.join(", ")))
            })?),
            None => None,
        };
        let option = |option: FieldOptionInput| NewOption {
            id: option.id.map(FieldOptionId),
            name: option.name,
            value: option.value,
            position: option.order,
        };
        Ok(FieldChange {
            kind,
            name: self.name,
            is_required: self.is_required,
            default_value: self.default_value,
            help_text: self.help_text,
            length: self.length,
            link_url: self.link_url,
            position: self.order,
            chat_mapping: self.chat_field_mapping,
            offline_message_mapping: self.offline_message_field_mapping,
            options: self.options.map(|options| options.into_iter().map(option).collect()),
        })
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FieldMappingsInput)]
pub struct FieldMappingsInput {
    field_mappings: Vec<FieldMappingInput>,
}

impl Input for FieldMappingsInput {}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = FieldMappingInput)]
pub struct FieldMappingInput {
    field_id: i64,
    chat_field_mapping: Option<String>,
    offline_message_field_mapping: Option<String>,
}

/// A custom field's value on a conversation
#[derive(Serialize, ToSchema)]
#[schema(as = CustomFieldValue)]
pub struct CustomFieldValueJson {
    id: i64,
    #[schema(example = "Product")]
    name: String,
    /// Options by their values, several joined by commas; dates as 2019-01-03
    value: String,
}

impl From<FieldValue> for CustomFieldValueJson {
    fn from(value: FieldValue) -> Self {
        Self { id: value.field_id.0, name: value.name, value: value.text }
    }
}

/// A custom field's value: the field by id or by name; an empty value clears
#[derive(Deserialize, ToSchema)]
#[schema(as = CustomFieldInput)]
pub struct CustomFieldInput {
    #[schema(example = 1000)]
    id: Option<i64>,
    name: Option<String>,
    #[serde(default, deserialize_with = "scalar")]
    #[schema(schema_with = any_scalar)]
    value: Option<String>,
}

impl From<CustomFieldInput> for NewValue {
    fn from(input: CustomFieldInput) -> Self {
        let field = input.id.map(|id| id.to_string()).or(input.name);
        Self { field: field.unwrap_or_default(), value: input.value.unwrap_or_default() }
    }
}

/// List fields with their options
#[utoipa::path(
    tag = "Fields",
    params(
        ("isSystemField" = Option<bool>, Query),
        ("usageType" = Option<String>, Query, description = "all, views, routingRules, SLA or triggers: the fields that conditions there may use"),
    ),
    responses((status = 200, body = FieldListJson))
)]
#[get("/api/v3/anytime/fields")]
pub async fn list(app: App, _by: Caller, query: Query) -> Result<HttpResponse, ApiError> {
    let is_system = query.boolean("isSystemField")?;
    let usage = query.value("usageType", "all, views, routingRules, SLA or triggers", |text| {
        match text.to_ascii_lowercase().as_str() {
            "all" => Some(None),
            "views" | "filters" => Some(Some(Usage::View)),
            "routingrules" => Some(Some(Usage::Routing)),
            "sla" => Some(Some(Usage::Sla)),
            "triggers" => Some(Some(Usage::TriggerCondition)),
            _ => None,
        }
    })?;
    let is_wanted = |field: &Field| {
        is_system.is_none_or(|is_system| is_system == field.is_system)
            && usage.flatten().is_none_or(|usage| field.usages & usage as u8 != 0)
    };
    let fields = app.read(field::list)?;
    let fields = fields.into_iter().filter(is_wanted).map(FieldJson::from).collect();
    Ok(HttpResponse::Ok().json(FieldListJson { fields }))
}

/// Get a field with its options
#[utoipa::path(
    tag = "Fields",
    params(("id" = i64, Path)),
    responses((status = 200, body = FieldAnswer))
)]
#[get("/api/v3/anytime/fields/{id}")]
pub async fn get(app: App, _by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: FieldId = id("field", &path)?;
    let field = app.read(|s| field::require(s, id))?;
    Ok(HttpResponse::Ok().json(FieldAnswer { field: field.into() }))
}

/// Create a custom field
#[utoipa::path(
    tag = "Fields",
    request_body = FieldInput,
    responses((status = 201, body = FieldAnswer), (status = 403, body = ErrorBody))
)]
#[post("/api/v3/anytime/fields")]
pub async fn create(app: App, by: Caller, body: Json<FieldInput>) -> Result<HttpResponse, ApiError> {
    let new = body.0.check()?;
    let field = app.write(move |tx| field::create(tx, &by.actor, &new)).await?;
    let location = format!("/api/v3/anytime/fields/{}", field.id);
    Ok(Face::Anytime.created("field", &location, FieldJson::from(field)))
}

/// Set which fields of live chat fields get their values from
///
/// Answers the fields that were named.
#[utoipa::path(
    tag = "Fields",
    request_body = FieldMappingsInput,
    responses((status = 200, body = FieldListJson), (status = 403, body = ErrorBody))
)]
#[put("/api/v3/anytime/fields/mapping")]
pub async fn set_mappings(
    app: App,
    by: Caller,
    body: Json<FieldMappingsInput>,
) -> Result<HttpResponse, ApiError> {
    let mapping = |input: FieldMappingInput| Mapping {
        field_id: FieldId(input.field_id),
        chat: input.chat_field_mapping,
        offline_message: input.offline_message_field_mapping,
    };
    let mappings: Vec<Mapping> = body.0.field_mappings.into_iter().map(mapping).collect();
    let fields = app.write(move |tx| field::set_mappings(tx, &by.actor, &mappings)).await?;
    Ok(HttpResponse::Ok().json(FieldListJson { fields: fields.into_iter().map(FieldJson::from).collect() }))
}

/// Update a field
///
/// Of a system field only the mappings can be set, and the default values of Status and Priority.
#[utoipa::path(
    tag = "Fields",
    params(("id" = i64, Path)),
    request_body = FieldInput,
    responses(
        (status = 200, body = FieldAnswer), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody),
    )
)]
#[put("/api/v3/anytime/fields/{id}")]
pub async fn update(
    app: App,
    by: Caller,
    path: web::Path<String>,
    body: Json<FieldInput>,
) -> Result<HttpResponse, ApiError> {
    let id: FieldId = id("field", &path)?;
    let change = body.0.check()?;
    let field = app.write(move |tx| field::update(tx, &by.actor, id, &change)).await?;
    Ok(HttpResponse::Ok().json(FieldAnswer { field: field.into() }))
}

/// Delete a custom field and take its values off every conversation
#[utoipa::path(
    tag = "Fields",
    params(("id" = i64, Path)),
    responses(
        (status = 204), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody),
    )
)]
#[delete("/api/v3/anytime/fields/{id}")]
pub async fn delete(app: App, by: Caller, path: web::Path<String>) -> Result<HttpResponse, ApiError> {
    let id: FieldId = id("field", &path)?;
    app.write(move |tx| field::delete(tx, &by.actor, id)).await?;
    Ok(HttpResponse::NoContent().finish())
}
