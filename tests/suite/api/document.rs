//! The OpenAPI document explains everything it names, and its examples are what it says a request is.

use std::io::Write;

use serde_json::Value;

use crate::support::test_desk::TestDesk;

/// `INSTA_UPDATE=always cargo test --test suite api::document` writes it down again.
#[tokio::test]
async fn the_document_is_what_the_handlers_declare() {
    let declared = anytime::api::declared();
    if std::env::var("INSTA_UPDATE").is_ok_and(|update| update == "always") {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/static/openapi.json.gz");
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(declared.as_bytes()).unwrap();
        // Other tests read it meanwhile: it is there as a whole, or as it was.
        let new = [path, ".new"].concat();
        std::fs::write(&new, packed.finish().unwrap()).unwrap();
        std::fs::rename(&new, path).unwrap();
    }
    let served = document().await;
    let declared: Value = serde_json::from_str(&declared).unwrap();
    if served != declared {
        let lines = |document: &Value| serde_json::to_string_pretty(document).unwrap();
        let (served, declared) = (lines(&served), lines(&declared));
        let (served, declared) =
            served.lines().zip(declared.lines()).find(|(a, b)| a != b).unwrap_or_default();
        panic!("static/openapi.json.gz is old: it says {served}, the handlers {declared}");
    }
}

#[tokio::test]
async fn the_document_explains_every_operation_parameter_object_and_property() {
    let document = document().await;
    let mut silent = Vec::new();
    let mut look = |what: String, thing: &Value| {
        let text = ["description", "summary"].map(|key| thing[key].as_str().unwrap_or_default().len());
        if text == [0, 0] {
            silent.push(what);
        }
    };
    for (name, operation) in operations(&document) {
        look(name.clone(), operation);
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            look(format!("{name} {}", parameter["name"]), parameter);
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            look(format!("{name} {status}"), response);
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        look(name.clone(), schema);
        for (property, schema) in properties(schema) {
            look(format!("{name}.{property}"), schema);
        }
    }
    assert!(silent.is_empty(), "{} are not explained:\n{}", silent.len(), silent.join("\n"));
}

#[tokio::test]
async fn every_request_with_a_body_has_an_example_that_its_schema_allows() {
    let document = document().await;
    let mut wrong = Vec::new();
    let mut count = 0;
    for (name, operation) in operations(&document) {
        let body = &operation["requestBody"]["content"]["application/json"];
        if body.is_null() {
            continue;
        }
        count += 1;
        match body.get("example") {
            None => wrong.push(format!("{name} has no example")),
            Some(example) => {
                if let Err(problem) = allows(&document, &body["schema"], example) {
                    wrong.push(format!("{name}: {problem}"));
                }
            }
        }
    }
    assert!(80 < count, "only {count} requests have a body");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Its own, and those that are flattened into it.
fn properties(schema: &Value) -> Vec<(&String, &Value)> {
    let own = schema["properties"].as_object().into_iter().flatten();
    let flattened = schema["allOf"].as_array().into_iter().flatten().flat_map(properties);
    own.chain(flattened).collect()
}

/// Every operation and every property, a line each, as `snapshots/` has them: a change of the surface is seen in review.
/// `INSTA_UPDATE=always cargo test --test suite api::document` writes it again.
#[tokio::test]
async fn the_surface_is_the_one_that_was_reviewed() {
    let document = document().await;
    let mut lines: Vec<String> =
        operations(&document).map(|(name, operation)| line_of(&name, operation)).collect();
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (property, schema) in schema["properties"].as_object().into_iter().flatten() {
            let is_optional = !required.contains(&Value::from(property.as_str()));
            lines.push(format!("{name}.{property}{}: {}", if is_optional { "?" } else { "" }, kind(schema)));
        }
    }
    insta::assert_snapshot!(lines.join("\n"));
}

fn line_of(name: &str, operation: &Value) -> String {
    let parameters = operation["parameters"].as_array().into_iter().flatten().map(|parameter| {
        let (name, place) = (parameter["name"].as_str().unwrap(), parameter["in"].as_str().unwrap());
        format!(" {place}:{name}={}", kind(&parameter["schema"]))
    });
    let body = operation["requestBody"]["content"].as_object().into_iter().flatten();
    let body = body.map(|(media, content)| format!(" < {media} {}", kind(&content["schema"])));
    let answers = operation["responses"].as_object().unwrap().iter().map(|(status, response)| {
        let schema = response["content"].as_object().and_then(|content| content.values().next());
        match schema.map(|content| kind(&content["schema"])).as_deref() {
            None | Some("ErrorBody") => format!(" {status}"),
            Some(kind) => format!(" {status}={kind}"),
        }
    });
    let parts: Vec<String> = parameters.chain(body).chain([" >".to_owned()]).chain(answers).collect();
    [name, &parts.concat()].concat()
}

/// A schema in a word or two.
fn kind(schema: &Value) -> String {
    if let Some(place) = schema["$ref"].as_str() {
        return place.rsplit('/').next().unwrap().to_owned();
    }
    for key in ["oneOf", "anyOf", "allOf"] {
        if let Some(choices) = schema[key].as_array() {
            return choices.iter().map(kind).collect::<Vec<_>>().join("|");
        }
    }
    let items = || format!("[{}]", kind(&schema["items"]));
    match &schema["type"] {
        Value::String(name) if name == "array" => items(),
        Value::String(name) => name.clone(),
        Value::Array(names) => {
            let name = |name: &Value| match name.as_str() {
                Some("array") => items(),
                name => name.unwrap_or_default().to_owned(),
            };
            names.iter().map(name).collect::<Vec<_>>().join("|")
        }
        _ => "any".to_owned(),
    }
}

async fn document() -> Value {
    TestDesk::start().await.as_nobody().get("/openapi.json").await.expect(200)
}

fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters");
        methods.map(move |(method, operation)| (format!("{method} {path}"), operation))
    })
}

/// The part of JSON Schema that the document uses; a property that the schema does not name is wrong.
fn allows(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(place) = schema["$ref"].as_str() {
        let schema =
            document.pointer(place.trim_start_matches('#')).ok_or_else(|| format!("{place} is missing"))?;
        return allows(document, schema, value);
    }
    for key in ["oneOf", "anyOf"] {
        if let Some(choices) = schema[key].as_array() {
            let problems: Vec<_> =
                choices.iter().map_while(|schema| allows(document, schema, value).err()).collect();
            return if problems.len() < choices.len() { Ok(()) } else { Err(problems.join(" or ")) };
        }
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return Ok(()),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_i64() && !kinds.contains(&"number") => "integer",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !kinds.contains(&kind) {
        return Err(format!("{value} is no {kinds:?}"));
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        return Err(format!("{value} is none of {allowed:?}"));
    }
    for item in value.as_array().into_iter().flatten() {
        allows(document, &schema["items"], item)?;
    }
    for (key, item) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(key) {
            Some(schema) => allows(document, schema, item).map_err(|problem| format!("{key}: {problem}"))?,
            None if schema["properties"].is_object() => return Err(format!("'{key}' is not in the schema")),
            None => {}
        }
    }
    Ok(())
}
