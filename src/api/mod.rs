//! The public v3 contract: routes, JSON shapes, and every odd spelling of the documents. One file for each resource.
//! Below, `routes!` is the route table; the OpenAPI document is generated from the same list.

pub mod active_agent;
pub mod agent;
pub mod attachment;
pub mod audit;
pub mod auto_allocation;
pub mod availability;
pub mod batch;
pub mod blocked_sender;
pub mod canned_message;
pub mod canned_message_category;
pub mod canned_response;
pub mod change;
pub mod condition;
pub mod contact;
pub mod conversation;
pub mod decision;
pub mod deleted_conversation;
pub mod department;
pub mod draft;
pub mod email_account;
pub mod event_log;
pub mod field;
pub mod filter;
pub mod forward;
pub mod inbound_mail;
pub mod integration_account;
pub mod junk_email;
pub mod mail_template;
pub mod merge;
pub mod message;
pub mod notice_choice;
pub mod notification;
pub mod oauth;
pub mod oauth_client;
pub mod outgoing_mail;
pub mod password_policy;
pub mod permission;
pub mod portal_conversation;
pub mod recipient;
pub mod rehearsal;
pub mod report;
pub mod role;
pub mod routing;
pub mod site;
pub mod sla_policy;
pub mod snooze;
pub mod split;
pub mod tag;
pub mod trigger;
pub mod undo;
pub mod webhook;
pub mod webhook_delivery;
pub mod webhook_payload;
pub mod working_time;

pub mod idempotency;

mod common;
mod docs;
mod envelope;
mod flattened;
mod glossary;
mod include;
mod order;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use serde::Deserialize;
use serde::de::IgnoredAny;
use utoipa::{Modify, OpenApi};

use common::Common;
use docs::About;
pub use docs::asset;
pub use envelope::Face;
use flattened::Flattened;
use glossary::Glossary;

use crate::error::{Error, shown};
use crate::web::ApiError;
use crate::web::error::api_answer;
use crate::web::path::Spelling;

/// Declares the handlers once: for the server and for the document.
macro_rules! routes {
    ($($module:ident :: { $($handler:ident),+ $(,)? }),+ $(,)?) => {
        #[derive(OpenApi)]
        #[openapi(paths($($($module::$handler),+),+))]
        struct Document;

        fn register(config: &mut ServiceConfig) {
            $($(config.service($module::$handler);)+)+
        }
    };
}

routes!(
    active_agent::{list, enter, leave},
    agent::{
        list, me, get, create, update_me, update, delete, set_my_password, set_password, unlock, rotate_my_key,
        rotate_key,
    },
    attachment::{create, get, content, check, update, delete},
    auto_allocation::{get, update, enable},
    availability::{get, update},
    batch::{update, delete},
    audit::{list},
    blocked_sender::{list, get, put, remove, delete},
    change::{list},
    canned_message::{list, get, create, update, delete},
    canned_message_category::{list, get, create, update, delete},
    canned_response::{list, get, create, update, delete},
    contact::{list, get, create, update, delete, add_identity, change_identity, delete_identity},
    conversation::{list, unread_count, get, create, update, read, unread, delete},
    decision::{list},
    deleted_conversation::{list, get, messages, restore, erase},
    department::{list, get, create, update, delete},
    draft::{get, create, update, delete, versions},
    email_account::{list, get, create, update, delete, enable, set_default, test, check},
    field::{list, get, create, set_mappings, update, delete},
    filter::{list, get, create, update, delete},
    inbound_mail::{list, get, raw, retry},
    integration_account::{list, get, create, update, delete},
    event_log::{list},
    forward::{create},
    mail_template::{list, get, update, delete},
    merge::{merge},
    junk_email::{list, get, update, not_junk, allow, delete},
    message::{list, create, get, update, resend},
    notice_choice::{list, update},
    notification::{stream},
    oauth_client::{list, get, create, update, rotate_secret, delete},
    outgoing_mail::{list, get, retry},
    rehearsal::{create, list, get, csv, delete},
    report::{
        right_now, realtime_now, today, by_time, departments, agents, volume_report, volume_export, channel_report,
        channel_export, efficiency_report, efficiency_export, sla_report, sla_export, conversations,
    },
    routing::{
        list, get, enable_only, enable, update, delete_rule_by_id, list_rules, create_rule, get_rule, update_rule,
        enable_rule, copy_rule, post_copy_rule, sort_rule, delete_rule,
    },
    portal_conversation::{list, get, create, close, reopen, messages, reply, read, unread},
    recipient::{list},
    snooze::{update, delete},
    split::{create, move_message},
    undo::{create},
    password_policy::{get, update},
    permission::{of_role, change_of_role, of_agent, change_of_agent, effective},
    role::{list, get, create, update, delete},
    site::{list, profile, change_profile, configs, change_configs},
    tag::{list, get, create, update, delete},
    webhook::{list, get, create, update, delete, rotate_secret, test},
    webhook_delivery::{list, get, replay},
    sla_policy::{list, get, create, update, enable, sort, copy, post_copy, delete, settings, set_settings},
    working_time::{
        get, update, get_days, update_days, holidays, get_holiday, create_holiday, update_holiday, delete_holiday,
    },
    trigger::{list, get, create, upsert, update, enable, sort, delete_by_id, delete},
);

/// Where the API lives; paths in the document and in the handlers' macros are complete.
pub const BASE: &str = "/api/v3";

/// Resources that may also be addressed below `/api/v3/anytime/` (contract 1.1, 27.3 row 72).
const ALIASES: &[&str] = &["attachments", "tags", "departments", "webhooks"];

pub fn routes(config: &mut ServiceConfig) {
    register(config);
    oauth::routes(config);
    config.service(docs::document).service(docs::page);
}

/// The document as the handlers declare it, as JSON. The executable does not build it, which would take megabytes of
/// code and of memory: it serves `static/openapi.json.gz`, which a test compares with this.
pub fn declared() -> String {
    let mut document = Document::openapi();
    About.modify(&mut document);
    Common.modify(&mut document);
    Flattened.modify(&mut document);
    Glossary.modify(&mut document);
    document.to_json().expect("it is made of strings and numbers")
}

/// Every path of the document with its methods, in capitals.
fn paths() -> &'static BTreeMap<String, Vec<&'static str>> {
    #[derive(Deserialize)]
    struct Written {
        paths: BTreeMap<String, BTreeMap<String, IgnoredAny>>,
    }
    static PATHS: OnceLock<BTreeMap<String, Vec<&'static str>>> = OnceLock::new();
    PATHS.get_or_init(|| {
        let written: Written =
            serde_json::from_slice(&docs::text()).expect("a test compares it with what the handlers declare");
        let methods = |item: BTreeMap<String, IgnoredAny>| {
            let declared = |method: &&str| item.contains_key(&method.to_lowercase());
            ["GET", "POST", "PUT", "DELETE"].into_iter().filter(declared).collect()
        };
        written.paths.into_iter().map(|(path, item)| (path, methods(item))).collect()
    })
}

/// Every path in its declared spelling.
pub fn spelling() -> Spelling {
    let extra = [BASE, "/api/v3/anytime", "/api/v3/openapi.json", "/api/docs"];
    let extra = extra.into_iter().chain(OAUTH.iter().map(|(path, _)| *path));
    let aliases = ALIASES.iter().copied();
    // Later documents' words (contract 27.1 rows 10 and 19, 27.3 row 68).
    Spelling::of(paths().keys().map(String::as_str).chain(extra).chain(aliases))
        .also("customRules", "customerRules")
        .also("junks", "junkEmails")
        .also("views", "filters")
}

/// The path without the alias, if it is one: `/api/v3/anytime/tags/1` is `/api/v3/tags/1`.
pub fn unalias(path: &str) -> Option<String> {
    if path == "/api/v3/sites/profile" {
        return Some("/api/v3/site/profile".to_owned());
    }
    if path == "/api/v3/site" {
        return Some("/api/v3/sites".to_owned());
    }
    let rest = path.strip_prefix("/api/v3/anytime/")?;
    // The parts are also found below the whole (contract 17.2).
    if let Some(part) = rest.strip_prefix("workingTimeAndHolidays/") {
        return ["workingTime", "holidays"]
            .contains(&part.split('/').next()?)
            .then(|| ["/api/v3/anytime/", part].concat());
    }
    let resource = rest.split('/').next()?;
    ALIASES.contains(&resource).then(|| [BASE, "/", rest].concat())
}

/// The routes of OAuth, which stand outside the base, and their methods.
const OAUTH: &[(&str, &[&str])] = &[
    ("/oauth/authorize", &["GET", "POST"]),
    ("/oauth/token", &["POST"]),
    ("/oauth/revoke", &["POST"]),
    ("/oauth/introspect", &["POST"]),
];

/// Whether what is wrong with a path is told in the API's words.
pub fn is_below(path: &str) -> bool {
    path.starts_with("/api/") || path.starts_with("/oauth/")
}

/// What no route took: 405 where the path exists with another method, else 404; in the API's error body.
pub fn fallback(request: &HttpRequest) -> HttpResponse {
    let methods = methods_of(request.path());
    if methods.is_empty() {
        return ApiError(Error::not_found("resource", request.path())).error_response();
    }
    if request.method() == Method::OPTIONS {
        return HttpResponse::NoContent().insert_header((header::ALLOW, methods.join(", "))).finish();
    }
    let message = format!("{} is not allowed here; use {}", request.method(), methods.join(", "));
    let mut answer = api_answer(StatusCode::METHOD_NOT_ALLOWED, message);
    if let Ok(allow) = HeaderValue::from_str(&methods.join(", ")) {
        answer.headers_mut().insert(header::ALLOW, allow);
    }
    answer
}

/// The methods that the document has for a path; of `fields/mapping` and `fields/{id}` the first says it.
fn methods_of(path: &str) -> &'static [&'static str] {
    if let Some((_, methods)) = OAUTH.iter().find(|(known, _)| *known == path) {
        return methods;
    }
    let matches = |pattern: &str| {
        let (mut pattern, mut segments) = (pattern.split('/'), path.split('/'));
        loop {
            match (pattern.next(), segments.next()) {
                (None, None) => return true,
                (Some(p), Some(s)) if p == s || (p.starts_with('{') && !s.is_empty()) => {}
                _ => return false,
            }
        }
    };
    let fitting = paths().iter().filter(|(pattern, _)| matches(pattern));
    let closest = fitting.min_by_key(|(pattern, _)| pattern.matches('{').count());
    closest.map_or(&[], |(_, methods)| methods.as_slice())
}

/// An id in a path: anything but digits names nothing.
pub fn id<T: std::str::FromStr>(noun: &'static str, text: &str) -> Result<T, ApiError> {
    text.parse().map_err(|_| ApiError(Error::not_found(noun, shown(text))))
}
