//! What the OpenAPI document says about each object, property and parameter, and an example of each request. A doc
//! comment beside a property wins; a word that means the same everywhere is explained once, in `glossary.tsv`. The
//! examples are in `examples.tsv`: method, path and body.

use std::collections::BTreeMap;

use serde_json::Value;
use utoipa::Modify;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::{OpenApi, RefOr, Schema};

pub struct Glossary;

const MEANINGS: &str = include_str!("glossary.tsv");
const EXAMPLES: &str = include_str!("examples.tsv");

impl Modify for Glossary {
    fn modify(&self, api: &mut OpenApi) {
        let meanings: BTreeMap<&str, &str> =
            MEANINGS.lines().filter_map(|line| line.split_once('\t')).collect();
        for (name, schema) in api.components.iter_mut().flat_map(|components| &mut components.schemas) {
            let RefOr::T(schema) = schema else { continue };
            if let Some(empty) = description(schema).filter(|text| is_empty(text)) {
                *empty = object(name, &meanings);
            }
            explain_properties(schema, &meanings);
        }
        for (path, item) in &mut api.paths.paths {
            for (method, operation) in operations(item) {
                for parameter in operation.parameters.iter_mut().flatten() {
                    if let RefOr::T(parameter) = parameter
                        && is_empty(&parameter.description)
                    {
                        parameter.description =
                            meanings.get(parameter.name.as_str()).map(|&it| it.to_owned());
                    }
                }
                show(method, path, operation);
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("get", &mut item.get),
        ("head", &mut item.head),
        ("post", &mut item.post),
        ("put", &mut item.put),
        ("delete", &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}

fn show(method: &str, path: &str, operation: &mut Operation) {
    let example = EXAMPLES.lines().find_map(|line| {
        let mut columns = line.splitn(3, '\t');
        (columns.next() == Some(method) && columns.next() == Some(path)).then(|| columns.next()).flatten()
    });
    if let (Some(example), Some(RefOr::T(body))) = (example, &mut operation.request_body)
        && let Some(RefOr::T(body)) = body.content.get_mut("application/json")
    {
        body.example = serde_json::from_str::<Value>(example).ok();
    }
}

/// What an object is: its own line, or that of the noun it is about.
fn object(name: &str, meanings: &BTreeMap<&str, &str>) -> Option<String> {
    const KINDS: [(&str, &str); 5] = [
        ("List", "A list. Each of it: "),
        ("Answer", "One, under its key: "),
        ("Envelope", "Under its key: "),
        ("Input", "To be made or changed: "),
        ("Change", "To be changed, where what is left out stays as it is: "),
    ];
    if let Some(meaning) = meanings.get(name) {
        return Some((*meaning).to_owned());
    }
    KINDS.iter().find_map(|(kind, what)| {
        let meaning = meanings.get(name.strip_suffix(kind)?)?;
        let (first, rest) = meaning.split_at(1);
        Some([what, first.to_lowercase().as_str(), rest].concat())
    })
}

/// Also those that are flattened into the object.
fn explain_properties(schema: &mut Schema, meanings: &BTreeMap<&str, &str>) {
    match schema {
        Schema::Object(object) => {
            for (property, schema) in &mut object.properties {
                explain(schema, meanings.get(property.as_str()).copied());
            }
        }
        Schema::AllOf(all) => {
            for part in &mut all.items {
                if let RefOr::T(part) = part {
                    explain_properties(part, meanings);
                }
            }
        }
        _ => {}
    }
}

fn explain(schema: &mut RefOr<Schema>, meaning: Option<&str>) {
    let Some(meaning) = meaning else { return };
    match schema {
        RefOr::Ref(other) if other.description.is_empty() => meaning.clone_into(&mut other.description),
        RefOr::Ref(_) => {}
        RefOr::T(schema) => {
            if let Some(empty) = description(schema).filter(|text| is_empty(text)) {
                *empty = Some(meaning.to_owned());
            }
        }
    }
}

fn description(schema: &mut Schema) -> Option<&mut Option<String>> {
    Some(match schema {
        Schema::Array(schema) => &mut schema.description,
        Schema::Object(schema) => &mut schema.description,
        Schema::OneOf(schema) => &mut schema.description,
        Schema::AllOf(schema) => &mut schema.description,
        Schema::AnyOf(schema) => &mut schema.description,
        _ => return None,
    })
}

fn is_empty(text: &Option<String>) -> bool {
    text.as_deref().unwrap_or_default().is_empty()
}
