//! Conditions in JSON (contract 13.2): one shape for filters, routing rules, triggers and SLA policies.

use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};

use crate::desk::condition::{NewCondition, NewFormula};
use crate::rules::{Catalogue, Condition, Formula};

#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Condition)]
pub struct ConditionJson {
    id: i64,
    #[schema(example = 5)]
    field_id: i64,
    /// The field's name
    #[schema(example = "Status")]
    field: String,
    #[schema(example = "isNot")]
    match_type: &'static str,
    /// As it was written
    #[schema(example = "closed")]
    value: String,
    /// What logic expressions call it
    index: i64,
}

impl ConditionJson {
    pub fn new(catalogue: &Catalogue, condition: Condition) -> Self {
        let name = catalogue.get(condition.field).map(|entry| entry.name.clone());
        Self {
            id: condition.id.map_or(0, |id| id.0),
            field_id: condition.field.0,
            field: name.unwrap_or_default(),
            match_type: condition.match_type.name(),
            value: condition.value,
            index: condition.number,
        }
    }

    pub fn list(catalogue: &Catalogue, conditions: Vec<Condition>) -> Vec<Self> {
        conditions.into_iter().map(|condition| Self::new(catalogue, condition)).collect()
    }
}

/// A condition: the field by id or by name
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConditionInput)]
pub struct ConditionInput {
    /// Repeated from an answer, without effect
    #[expect(dead_code, reason = "accepted, so that an answer can be sent back")]
    id: Option<i64>,
    #[schema(schema_with = id_or_name)]
    field_id: Option<String>,
    /// Id or name, where there is no fieldId
    field: Option<String>,
    /// `is`, `isNot`, `contains`, `notContains`, `isMoreThan`, `isLessThan`, `before`, `after`, `between`, or its number
    #[schema(example = "isNot")]
    match_type: Option<String>,
    /// Empty with `is` and `isNot`: not set, set
    #[serde(default, deserialize_with = "scalar")]
    #[schema(schema_with = any_scalar)]
    value: Option<String>,
    /// What logic expressions call it; default: its position from 1
    index: Option<i64>,
}

/// A field by its id, or by its name.
pub(super) fn id_or_name() -> Object {
    let kinds = [Type::Integer, Type::String, Type::Null];
    let about = "Id of the field, or its name";
    ObjectBuilder::new().schema_type(SchemaType::from_iter(kinds)).description(Some(about)).build()
}

/// What a field may be compared with or set to.
pub(super) fn any_scalar() -> Object {
    let kinds = [Type::String, Type::Number, Type::Boolean, Type::Null];
    let about = "As text, number or yes/no; empty with `is` and `isNot`: not set, set";
    ObjectBuilder::new().schema_type(SchemaType::from_iter(kinds)).description(Some(about)).build()
}

impl From<ConditionInput> for NewCondition {
    fn from(input: ConditionInput) -> Self {
        Self {
            field: input.field_id.or(input.field).unwrap_or_default(),
            match_type: input.match_type.unwrap_or_default(),
            value: input.value.unwrap_or_default(),
            number: input.index,
        }
    }
}

/// The three keys that every object with conditions has.
pub fn formula(
    when: Option<String>,
    logic_expression: Option<String>,
    conditions: Vec<ConditionInput>,
) -> NewFormula {
    NewFormula {
        // The seed's own spelling, once (contract 27.1 row 16).
        when: when.map(|when| match when.trim().eq_ignore_ascii_case("logicalExpresion") {
            true => "logicalExpression".to_owned(),
            false => when,
        }),
        logic_expression,
        conditions: conditions.into_iter().map(NewCondition::from).collect(),
    }
}

/// The formula after a change that may leave out some of the three keys: what is left out stays as `before` has it.
/// `None` when all are.
pub fn changed(
    before: Option<&Formula>,
    when: Option<String>,
    logic_expression: Option<String>,
    conditions: Option<Vec<ConditionInput>>,
) -> Option<NewFormula> {
    if when.is_none() && logic_expression.is_none() && conditions.is_none() {
        return None;
    }
    let keeps_conditions = conditions.is_none();
    let keeps_expression = logic_expression.is_none() && when.is_none();
    let mut new = formula(when, logic_expression, conditions.unwrap_or_default());
    if let Some(before) = before {
        if keeps_conditions {
            new.conditions = before.conditions.iter().map(NewCondition::from).collect();
        }
        if keeps_expression {
            new.logic_expression.clone_from(&before.logic_expression);
        }
        if new.when.is_none() {
            new.when = Some(before.when.name().to_owned());
        }
    }
    Some(new)
}

/// A text, or a number, true or false as text: values have no type of their own in the contract.
pub fn scalar<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    struct Scalar;

    impl Visitor<'_> for Scalar {
        type Value = Option<String>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a text, a number, true, false or null")
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            match text.contains('\0') {
                true => Err(E::custom("contains a NUL character")),
                false => Ok(Some(text.to_owned())),
            }
        }

        fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
            Ok(Some(value.to_string()))
        }

        fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
            Ok(Some(value.to_string()))
        }

        fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
            Ok(Some(value.to_string()))
        }

        fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
            Ok(Some(value.to_string()))
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    }

    deserializer.deserialize_any(Scalar)
}
