//! What every operation of the OpenAPI document has, so that no handler repeats it: a name of its own, the answers that
//! sign-in, limits and the database may give, `Idempotency-Key` where something is created, and `If-Match` where 412 is an
//! answer.

use utoipa::Modify;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder};

pub struct Common;

/// Status and what it means, wherever it stands.
const MEANINGS: &[(&str, &str)] = &[
    ("200", "Done"),
    ("201", "Created; Location says where it is"),
    ("202", "Begun; Location says where the outcome will be"),
    ("204", "Done; there is nothing to tell"),
    ("206", "The part of the file that Range asked for"),
    ("400", "The message names the field or the parameter, and the value"),
    ("401", "Who is calling is not known"),
    ("403", "The caller may not do this"),
    ("404", "There is no such thing, or the caller may not see it"),
    (
        "409",
        "Not as things are now: a name is taken, something is in use, or an Idempotency-Key was used otherwise",
    ),
    ("412", "It was changed meanwhile: If-Match does not match"),
    ("413", "Too large"),
    ("415", "The body has another type than this operation takes"),
    ("416", "The file has no such part"),
    ("429", "Too many requests; Retry-After says how many seconds to wait"),
    ("503", "The database is busy or the search took too long; try again"),
    ("507", "The disk is full; nothing was changed"),
];

impl Modify for Common {
    fn modify(&self, api: &mut OpenApi) {
        for (path, item) in &mut api.paths.paths {
            let operations = [
                ("get", &mut item.get),
                ("head", &mut item.head),
                ("post", &mut item.post),
                ("put", &mut item.put),
                ("delete", &mut item.delete),
            ];
            for (method, operation) in operations {
                if let Some(operation) = operation {
                    operation.operation_id = Some(name(method, path));
                    complete(method, path, operation);
                }
            }
        }
    }
}

/// `getAnytimeConversationsByIdMessages`: method and path, which no two operations share.
fn name(method: &str, path: &str) -> String {
    let mut name = method.to_owned();
    for segment in path.split('/').skip(3) {
        let (prefix, word) = match segment.strip_prefix('{') {
            Some(word) => ("By", word.trim_end_matches('}')),
            None => ("", segment),
        };
        let (first, rest) = word.split_at(word.len().min(1));
        name += &[prefix, &first.to_uppercase(), rest].concat();
    }
    name
}

fn complete(method: &str, path: &str, operation: &mut Operation) {
    let changes = !matches!(method, "get" | "head");
    let mut statuses = vec!["401", "429", "503"];
    if path.contains('{') {
        statuses.push("404");
    }
    if operation.parameters.iter().flatten().any(|parameter| is_in(parameter, &ParameterIn::Query)) {
        statuses.push("400");
    }
    if operation.request_body.is_some() {
        statuses.extend(["400", "413", "415"]);
    }
    if changes {
        statuses.push("507");
    }
    if method == "post" {
        operation.parameters.get_or_insert_default().push(RefOr::T(idempotency_key()));
        statuses.extend(["400", "409", "413"]);
    }
    if operation.responses.responses.contains_key("412") {
        operation.parameters.get_or_insert_default().push(RefOr::T(if_match()));
    }
    let responses = &mut operation.responses.responses;
    for status in statuses {
        responses.entry(status.to_owned()).or_insert_with(|| RefOr::T(error()));
    }
    for (status, response) in responses {
        let meaning = MEANINGS.iter().find(|(known, _)| known == status).map(|(_, meaning)| *meaning);
        if let (RefOr::T(response), Some(meaning)) = (response, meaning)
            && response.description.is_empty()
        {
            response.description = meaning.to_owned();
        }
    }
}

fn is_in(parameter: &RefOr<Parameter>, place: &ParameterIn) -> bool {
    matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == *place)
}

fn error() -> Response {
    let body = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
    ResponseBuilder::new().content("application/json", body).build()
}

fn if_match() -> Parameter {
    ParameterBuilder::new()
        .name("If-Match")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("ETag of the conversation as the caller knows it"))
        .example(Some("\"17\"".into()))
        .schema(Some(Schema::Object(
            ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).build(),
        )))
        .build()
}

fn idempotency_key() -> Parameter {
    let text = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .min_length(Some(1))
        .max_length(Some(255))
        .pattern(Some("^[!-~]+$"))
        .build();
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "Chosen by the caller for this request. Sent again within 24 hours with the same key, it is not done again: \
             the first answer comes once more, with Idempotency-Replayed: true.",
        ))
        .schema(Some(Schema::Object(text)))
        .build()
}
