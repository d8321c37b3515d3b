//! JSON bodies. Keys are matched whatever their case (contract 1.1), every error names the field and the value, and a
//! key that the resource does not have is refused rather than silently dropped. Keys that only answers have (`id`,
//! `createdTime` …) are passed over, so that a client may send back what it got.

use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError, dev::Payload};
use futures_util::TryStreamExt;
use futures_util::future::LocalBoxFuture;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor,
};
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
            read(&bytes).map(Self)
        })
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
    let value: Value =
        serde_json::from_slice(bytes).map_err(|error| invalid("body", format!("is not JSON: {error}")))?;
    if !value.is_object() {
        return Err(invalid("body", "must be a JSON object"));
    }
    if DEPTH < depth(&value) {
        return Err(invalid("body", format!("is nested deeper than {DEPTH} levels")));
    }
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
        let Value::Array(items) = &self.value else { return Err(self.wrong("an array")) };
        let items = items.clone().into_iter().enumerate();
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
            // Enumerations are accepted by number, too (contract 1.8).
            Value::Number(number) => visitor.visit_string(number.to_string()),
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
    use serde::Deserialize;

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
        assert!(error("[1]").contains("must be a JSON object"));
        assert!(error("{").contains("is not JSON"));
        assert!(
            error(&["{\"tagIds\":", &"[".repeat(60), &"]".repeat(60), "}"].concat())
                .contains("nested deeper")
        );
    }
}
