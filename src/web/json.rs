//! JSON bodies. Keys are matched whatever their case (contract 1.1), every error names the field and the value, and a
//! key that the resource does not have is refused rather than silently dropped. Keys that only answers have (`id`,
//! `createdTime` …) are passed over, so that a client may send back what it got; but the `id` of what a path names must
//! be the one in the path.

use actix_web::http::{Method, StatusCode, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError, dev::Payload};
use futures_util::TryStreamExt;
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
use serde_json::error::Category;
use serde_json::{Map, Value};

use super::error::{ApiError, api_answer};
use crate::error::{Error, shown};

/// A body that can be read.
pub trait Input: DeserializeOwned {
    /// Keys that answers carry and requests may repeat without effect.
    const READ_ONLY: &'static [&'static str] = &[];
}

/// Extractor: the body as `T`.
pub struct Json<T>(pub T);

/// Largest JSON body, in bytes.
pub const LIMIT_BYTES: usize = 8 << 20;
/// Deepest nesting accepted.
const DEPTH: usize = 32;

#[derive(Debug)]
pub enum JsonError {
    WrongType,
    Api(ApiError),
}

impl std::fmt::Display for JsonError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::WrongType => f.write_str("the body must be JSON: send 'Content-Type: application/json'"),
            Self::Api(error) => error.fmt(f),
        }
    }
}

impl ResponseError for JsonError {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::WrongType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Api(error) => error.status_code(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::WrongType => api_answer(StatusCode::UNSUPPORTED_MEDIA_TYPE, self.to_string()),
            Self::Api(error) => error.error_response(),
        }
    }
}

impl From<JsonError> for Error {
    fn from(error: JsonError) -> Self {
        match error {
            JsonError::Api(ApiError(error)) => error,
            JsonError::WrongType => Self::invalid("body", "must be JSON"),
        }
    }
}

impl<T: Input> FromRequest for Json<T> {
    type Error = JsonError;
    type Future = LocalBoxFuture<'static, Result<Self, JsonError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = content_type
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let is_json =
            kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"));
        let mut payload = payload.take();
        // What a PUT changes is what the last parameter of its path names.
        let named = (request.method() == Method::PUT && request.path().ends_with(own_id(request)))
            .then(|| own_id(request).to_owned());
        Box::pin(async move {
            if !is_json {
                return Err(JsonError::WrongType);
            }
            let mut bytes = Vec::new();
            while let Some(chunk) =
                payload.try_next().await.map_err(|_| invalid("body", "could not be read"))?
            {
                if LIMIT_BYTES < bytes.len() + chunk.len() {
                    return Err(too_large());
                }
                bytes.extend_from_slice(&chunk);
            }
            let body = parse(&bytes)?;
            if let Some(named) = named {
                check_id(&body, &named)?;
            }
            from_value(body).map(Self)
        })
    }
}

/// The last parameter of the path; empty where there is none.
fn own_id(request: &HttpRequest) -> &str {
    request.match_info().iter().last().map_or("", |(_, value)| value)
}

/// The `id` of the body, if it has one, is the one of the path.
fn check_id(body: &Value, named: &str) -> Result<(), JsonError> {
    let given = body.as_object().into_iter().flatten().find(|(key, _)| key.eq_ignore_ascii_case("id"));
    let given = match given {
        Some((_, Value::Number(number))) => number.to_string(),
        Some((_, Value::String(text))) => text.trim().to_owned(),
        _ => return Ok(()),
    };
    match (given.parse::<i64>(), named.parse::<i64>()) {
        (Ok(given), Ok(named)) if given != named => {
            Err(invalid("id", format!("is {given}, but the path names {named}")))
        }
        _ => Ok(()),
    }
}

fn too_large() -> JsonError {
    JsonError::Api(ApiError(Error::TooLarge { what: "the body".to_owned(), limit_bytes: LIMIT_BYTES as u64 }))
}

fn invalid(field: &str, message: impl Into<String>) -> JsonError {
    JsonError::Api(ApiError(Error::invalid(field, message)))
}

/// Reads a body.
pub fn read<T: Input>(bytes: &[u8]) -> Result<T, JsonError> {
    from_value(parse(bytes)?)
}

fn parse(bytes: &[u8]) -> Result<Value, JsonError> {
    let Distinct(value) = serde_json::from_slice(bytes).map_err(|error| match error.classify() {
        Category::Data => invalid("body", error.to_string()),
        _ => invalid("body", format!("is not JSON: {error}")),
    })?;
    if !value.is_object() {
        return Err(invalid("body", "must be a JSON object"));
    }
    if DEPTH < depth(&value) {
        return Err(invalid("body", format!("is nested deeper than {DEPTH} levels")));
    }
    Ok(value)
}

fn from_value<T: Input>(value: Value) -> Result<T, JsonError> {
    let folded = Folded { value, path: String::new(), read_only: T::READ_ONLY };
    T::deserialize(folded).map_err(|problem| invalid(&problem.field, problem.message))
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// A JSON value in which no object has a key twice.
struct Distinct(Value);

impl<'de> Deserialize<'de> for Distinct {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DistinctVisitor)
    }
}

struct DistinctVisitor;

impl<'de> Visitor<'de> for DistinctVisitor {
    type Value = Distinct;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Distinct, E> {
        Ok(Distinct(Value::Null))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Distinct, E> {
        Ok(Distinct(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Distinct, E> {
        Ok(Distinct(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Distinct, E> {
        Ok(Distinct(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Distinct, E> {
        Ok(Distinct(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Distinct, E> {
        Ok(Distinct(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Distinct, E> {
        Ok(Distinct(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Distinct, A::Error> {
        let mut found = Vec::new();
        while let Some(Distinct(item)) = items.next_element()? {
            found.push(item);
        }
        Ok(Distinct(Value::Array(found)))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Distinct, A::Error> {
        let mut found = Map::new();
        while let Some((key, Distinct(value))) = entries.next_entry::<String, Distinct>()? {
            if found.contains_key(&key) {
                let shown = shown(&key);
                return Err(serde::de::Error::custom(format!("has the key '{shown}' twice")));
            }
            found.insert(key, value);
        }
        Ok(Distinct(Value::Object(found)))
    }
}

/// A JSON value that knows where it stands and matches keys whatever their case.
struct Folded {
    value: Value,
    path: String,
    read_only: &'static [&'static str],
}

#[derive(Debug)]
struct Problem {
    field: String,
    message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "'{}' {}", self.field, self.message)
    }
}

impl std::error::Error for Problem {}

impl serde::de::Error for Problem {
    fn custom<T: std::fmt::Display>(message: T) -> Self {
        Self { field: String::new(), message: message.to_string() }
    }

    fn missing_field(field: &'static str) -> Self {
        Self { field: field.to_owned(), message: "is required".to_owned() }
    }
}

impl Problem {
    /// Says where it happened, unless that is known already from further inside.
    fn at(mut self, path: &str) -> Self {
        if self.field.is_empty() {
            self.field = path.to_owned();
        }
        self
    }

    fn inside(mut self, path: &str) -> Self {
        if !path.is_empty() && !self.field.starts_with(path) {
            self.field = format!("{path}.{}", self.field);
        }
        self
    }
}

impl Folded {
    fn child(&self, key: &str, value: Value) -> Folded {
        let path = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
        Folded { value, path, read_only: &[] }
    }

    fn wrong(&self, wanted: &str) -> Problem {
        let shown = shown(&self.value.to_string());
        Problem { field: self.path.clone(), message: format!("must be {wanted}, not {shown}") }
    }
}

/// Properties that are written as strings and may come as numbers: enumerations (contract 1.8), fields and options by
/// their id, and values of fields and conditions, whose type the field decides.
const MAYBE_NUMBERS: [&str; 20] = [
    "action type",
    "actionType",
    "channel",
    "conditionMetType",
    "dayOfWeek",
    "defaultValue",
    "field",
    "fieldId",
    "matchFailedRouteToPriority",
    "matchType",
    "priority",
    "routeToPriority",
    "simpleRouteToPriority",
    "slaPauseStatuses",
    "status",
    "stayStatus",
    "triggerEvent",
    "type",
    "value",
    "when",
];

fn takes_numbers(path: &str) -> bool {
    let name = path.rsplit('.').next().unwrap_or_default();
    let name = name.split('[').next().unwrap_or_default();
    MAYBE_NUMBERS.iter().any(|known| known.eq_ignore_ascii_case(name))
}

struct Fields {
    path: String,
    entries: std::vec::IntoIter<(String, Folded)>,
    value: Option<Folded>,
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Problem;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Problem> {
        let Some((key, value)) = self.entries.next() else { return Ok(None) };
        self.value = Some(value);
        let key: StrDeserializer<'_, Problem> = key.as_str().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Problem> {
        let value = self.value.take().ok_or_else(|| serde::de::Error::custom("a key without a value"))?;
        let path = value.path.clone();
        seed.deserialize(value).map_err(|problem| problem.at(&path).inside(&self.path))
    }
}

struct Items {
    items: std::vec::IntoIter<Folded>,
}

impl<'de> SeqAccess<'de> for Items {
    type Error = Problem;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Problem> {
        let Some(item) = self.items.next() else { return Ok(None) };
        let path = item.path.clone();
        seed.deserialize(item).map(Some).map_err(|problem| problem.at(&path))
    }
}

macro_rules! whole {
    ($($method:ident),+) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
            // Digits in a string are accepted for ids (contract 27.4 row 96).
            let number = self.value.as_i64().or_else(|| self.value.as_str().and_then(|text| text.trim().parse().ok()));
            match number {
                Some(number) => visitor.visit_i64(number).map_err(|problem: Problem| problem.at(&self.path)),
                None => Err(self.wrong("a whole number")),
            }
        }
    )+};
}

impl<'de> Deserializer<'de> for Folded {
    type Error = Problem;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.value
            .deserialize_any(visitor)
            .map_err(|error| Problem { field: self.path, message: error.to_string() })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Problem> {
        let path = self.path.clone();
        let Value::Object(map) = &self.value else { return Err(self.wrong("an object")) };
        let mut entries: Vec<(String, Folded)> = Vec::new();
        for (key, value) in map.clone() {
            let Some(name) = fields.iter().find(|field| field.eq_ignore_ascii_case(&key)) else {
                if self.read_only.iter().any(|known| known.eq_ignore_ascii_case(&key)) {
                    continue;
                }
                let field = self.child(&key, Value::Null).path;
                return Err(Problem { field, message: "is not a field of this object".to_owned() });
            };
            if entries.iter().any(|(known, _)| known == name) {
                let field = self.child(name, Value::Null).path;
                return Err(Problem { field, message: "is given twice".to_owned() });
            }
            entries.push(((*name).to_owned(), self.child(name, value)));
        }
        let fields = Fields { path: path.clone(), entries: entries.into_iter(), value: None };
        visitor.visit_map(fields).map_err(|problem| problem.inside(&path))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let items = match &self.value {
            Value::Array(items) => items.clone(),
            // Clients that write nulls for what they have nothing of mean an empty list.
            Value::Null => Vec::new(),
            _ => return Err(self.wrong("an array")),
        };
        let items = items.into_iter().enumerate();
        let items: Vec<Folded> = items
            .map(|(index, value)| Folded { value, path: format!("{}[{index}]", self.path), read_only: &[] })
            .collect();
        visitor.visit_seq(Items { items: items.into_iter() })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Problem> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.value.as_bool() {
            Some(value) => visitor.visit_bool(value),
            None => Err(self.wrong("true or false")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        match self.value {
            Value::String(text) if text.contains('\0') => {
                Err(Problem { field: self.path, message: "contains a NUL character".to_owned() })
            }
            Value::String(text) => visitor.visit_string(text),
            Value::Number(number) if takes_numbers(&self.path) => visitor.visit_string(number.to_string()),
            _ => Err(self.wrong("a string")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        self.deserialize_string(visitor)
    }

    whole!(
        deserialize_i8,
        deserialize_i16,
        deserialize_i32,
        deserialize_i64,
        deserialize_u8,
        deserialize_u16
    );
    whole!(deserialize_u32, deserialize_u64);

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Problem> {
        let path = self.path.clone();
        let Value::Object(map) = &self.value else { return Err(self.wrong("an object")) };
        let map: Map<String, Value> = map.clone();
        let entries: Vec<_> =
            map.into_iter().map(|(key, value)| (key.clone(), self.child(&key, value))).collect();
        visitor.visit_map(Fields { path, entries: entries.into_iter(), value: None })
    }

    serde::forward_to_deserialize_any! {
        f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct enum identifier ignored_any
    }
}

/// For properties that can be absent, null or a value: `Some(None)` is null, which clears.
pub fn nullable<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: serde::Deserialize<'de>,
{
    serde::Deserialize::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Outer {
        tag_ids: Vec<i64>,
        message: Inner,
        #[serde(default, deserialize_with = "nullable")]
        agent_assignee_id: Option<Option<i64>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Inner {
        html_body: String,
    }

    impl Input for Outer {
        const READ_ONLY: &'static [&'static str] = &["id"];
    }

    fn error(text: &str) -> String {
        read::<Outer>(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn keys_match_in_any_case() {
        let read: Outer =
            read(br#"{"TAGIDS":[1,"2"],"Message":{"htmlbody":"x"},"Id":7,"agentassigneeid":null}"#).unwrap();
        assert_eq!((read.tag_ids, read.message.html_body.as_str()), (vec![1, 2], "x"));
        assert_eq!(read.agent_assignee_id, Some(None));
    }

    #[test]
    fn null_is_an_empty_list() {
        let read: Outer = read(br#"{"tagIds":null,"message":{"htmlBody":"x"}}"#).unwrap();
        assert_eq!(read.tag_ids, Vec::<i64>::new());
    }

    #[test]
    fn errors_name_the_field_and_the_value() {
        assert_eq!(
            error(r#"{"tagIds":[1,{}],"message":{"htmlBody":""}}"#),
            "'tagIds[1]' must be a whole number, not {}"
        );
        assert_eq!(error(r#"{"tagIds":[],"message":{}}"#), "'message.htmlBody' is required");
        assert_eq!(
            error(r#"{"tagIds":[],"message":{"htmlBody":true}}"#),
            "'message.htmlBody' must be a string, not true"
        );
        assert_eq!(
            error(r#"{"tagIds":[],"message":{"htmlBody":"","color":1}}"#),
            "'message.color' is not a field of this object"
        );
        assert_eq!(
            error(r#"{"tagIds":[],"TagIds":[],"message":{"htmlBody":""}}"#),
            "'tagIds' is given twice"
        );
        assert!(error(r#"{"tagIds":[],"tagIds":[],"message":{"htmlBody":""}}"#).contains("'tagIds' twice"));
        assert_eq!(
            error(r#"{"tagIds":[],"message":{"htmlBody":5}}"#),
            "'message.htmlBody' must be a string, not 5"
        );
        assert!(error("[1]").contains("must be a JSON object"));
        assert!(error("{").contains("is not JSON"));
        assert!(
            error(&["{\"tagIds\":", &"[".repeat(60), &"]".repeat(60), "}"].concat())
                .contains("nested deeper")
        );
    }
}
