//! The documents, endpoint by endpoint (`tests/fixtures/contract`): each is routed, refuses strangers, and answers an
//! administrator with the status, the envelope and the objects that the documents name.

use serde_json::Value;

use crate::support::contract::{self, Row, Scene};
use crate::support::test_desk::Answer;

/// Endpoints that are still to be built. A row that works must leave this list; at the end it is empty.
const NOT_YET: &[&str] = &[];

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_of_the_documents_answers_as_they_say() {
    let scene = Scene::start().await;
    let objects = contract::objects();
    let mut wrong = Vec::new();
    let rows = contract::endpoints();
    for row in &rows {
        let problem = check(&scene, row, &objects).await.err();
        let is_listed = NOT_YET.contains(&row.to_string().as_str());
        match problem {
            Some(problem) if !is_listed => wrong.push(format!("{row} ({}): {problem}", row.source)),
            None if is_listed => wrong.push(format!("{row} works: take it off NOT_YET")),
            _ => {}
        }
    }
    for listed in NOT_YET {
        if !rows.iter().any(|row| row.to_string() == *listed) {
            wrong.push(format!("{listed} of NOT_YET is no row"));
        }
    }
    println!("{} endpoints, {} to be built", rows.len(), NOT_YET.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

type Objects = std::collections::BTreeMap<&'static str, Vec<(&'static str, &'static str)>>;

async fn check(scene: &Scene, row: &Row, objects: &Objects) -> Result<(), String> {
    let ask = scene.ask(row).await;
    let nobody = scene.desk.as_nobody();
    let refused = nobody.send(scene.request(&nobody, &ask)).await;
    if row.answer == "public" {
        let is_routed = !matches!(refused.status.as_u16(), 404 | 405);
        return is_routed.then_some(()).ok_or_else(|| format!("is not routed: {}", refused.status));
    }
    if refused.status != 401 || refused.body["code"] != 401_000 || !refused.body["message"].is_string() {
        return Err(format!("a stranger gets {} {}", refused.status, refused.body));
    }
    // What an agent does to their own account would end Ann's access.
    let is_own = row.path.split('/').any(|segment| segment == "me");
    let by = match is_own && row.method != "GET" {
        true => {
            let name = scene.word();
            scene.desk.create_agent(&name, true).await;
            scene.desk.as_agent(&name).await
        }
        false => scene.ann.clone(),
    };
    let response = scene.request(&by, &ask).send().await.map_err(|error| error.to_string())?;
    let (status, shape) = row.answer.split_once(' ').unwrap_or((&row.answer, ""));
    if response.status().as_str() != status {
        let answer = Answer::of(response).await;
        return Err(format!("{} instead of {status}: {}", answer.status, answer.body));
    }
    let content_type = response.headers().get("content-type").map(|value| value.to_str().unwrap().to_owned());
    match shape {
        "text/event-stream" | "text/csv" => {
            let is_right = content_type.as_deref().is_some_and(|kind| kind.starts_with(shape));
            return is_right.then_some(()).ok_or_else(|| format!("is {content_type:?}"));
        }
        "bytes" => return Ok(()),
        _ => {}
    }
    let answer = Answer::of(response).await;
    if status == "204" {
        return (answer.body == Value::Null).then_some(()).ok_or_else(|| format!("204 with {}", answer.body));
    }
    let is_new = row.method == "POST" && status == "201";
    if is_new && !answer.location.as_deref().is_some_and(|location| location.starts_with("/api/v3/")) {
        return Err(format!("Location is {:?}", answer.location));
    }
    envelope(shape, &answer.body, objects)
}

/// `key` must be there, `key=noun` is such an object, `key=[noun]` a list of them, `=…` the whole body; nothing else may
/// stand beside them.
fn envelope(shape: &str, body: &Value, objects: &Objects) -> Result<(), String> {
    let mut keys = Vec::new();
    for token in shape.split(' ') {
        let (key, noun) = token.split_once('=').unwrap_or((token, ""));
        let value = match key {
            "" => body,
            key => {
                keys.push(key);
                body.get(key).ok_or_else(|| format!("'{key}' is missing in {body}"))?
            }
        };
        match noun.strip_prefix('[').and_then(|noun| noun.strip_suffix(']')) {
            Some(noun) => {
                let items = value.as_array().ok_or_else(|| format!("'{key}' is no list in {body}"))?;
                items.iter().try_for_each(|item| object(noun, item, objects))?;
            }
            None if noun.is_empty() => {}
            None => object(noun, value, objects)?,
        }
    }
    let others = body.as_object().into_iter().flatten().find(|(key, _)| !keys.contains(&key.as_str()));
    match others {
        Some((key, _)) if !keys.is_empty() => Err(format!("'{key}' stands beside {keys:?}")),
        _ => Ok(()),
    }
}

fn object(noun: &str, value: &Value, objects: &Objects) -> Result<(), String> {
    let fields = objects.get(noun).unwrap_or_else(|| panic!("objects.tsv has no {noun}"));
    for (field, kind) in fields {
        let found = value.get(field).ok_or_else(|| format!("{noun} has no '{field}': {value}"))?;
        let (kind, may_be_null) = kind.strip_suffix('?').map_or((*kind, false), |kind| (kind, true));
        let is_right = match kind {
            _ if found.is_null() => may_be_null || kind == "any",
            "any" => true,
            "integer" => found.is_i64(),
            "number" => found.is_number(),
            "string" => found.is_string(),
            "boolean" => found.is_boolean(),
            "array" => found.is_array(),
            "object" => found.is_object(),
            "datetime" => found.as_str().is_some_and(is_time),
            other => panic!("objects.tsv has the type {other}"),
        };
        if !is_right {
            return Err(format!("'{field}' of {noun} is {found}, which is no {kind}"));
        }
    }
    Ok(())
}

/// UTC with milliseconds (contract 1.2).
fn is_time(text: &str) -> bool {
    text.len() == 24 && text.ends_with('Z') && anytime::time::Timestamp::parse(text).is_some()
}
