//! Settings, and the pages that show what mail and jobs do. Each page shows itself only to agents who may change what
//! is on it; `desk` decides again when they do.

mod agent;
mod appearance;
mod audit;
mod auto_allocation;
mod blocked_sender;
mod canned_message;
mod custom_field;
mod department;
mod dkim_key;
mod email_account;
mod field;
mod identity_provider;
mod inbound_mail;
mod index;
mod integration_account;
mod job;
mod notification;
mod oauth_client;
mod outgoing_mail;
mod password_policy;
mod profile;
mod rehearsal;
mod role;
mod routing;
pub mod rule_form;
mod section;
mod security;
mod sender_check;
mod site;
mod sla_policy;
mod tag;
mod trigger;
mod webhook;
mod working_time;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::ServiceConfig;
use askama::Template;

pub use field::{Fields, Sent};
pub use section::places;
use section::{Nav, frame};

use crate::error::{Error, Result};
use crate::pages::form::Mistakes;
use crate::web::page::see_other;
use crate::web::{Page, PageError};

pub fn routes(config: &mut ServiceConfig) {
    config.service(index::show).service(job::show).service(job::run);
    config.service(tag::show).service(tag::create).service(tag::rename).service(tag::delete);
    config
        .service(custom_field::list)
        .service(custom_field::fresh)
        .service(custom_field::create)
        .service(custom_field::show)
        .service(custom_field::save)
        .service(custom_field::delete);
    config.service(site::show).service(site::save);
    config.service(appearance::show).service(appearance::save);
    config
        .service(sla_policy::list)
        .service(sla_policy::save_pauses)
        .service(sla_policy::fresh)
        .service(sla_policy::create)
        .service(sla_policy::show)
        .service(sla_policy::save)
        .service(sla_policy::press);
    config.service(auto_allocation::show).service(auto_allocation::save);
    config
        .service(routing::list)
        .service(routing::save_setting)
        .service(routing::fresh)
        .service(routing::create)
        .service(routing::show)
        .service(routing::save)
        .service(routing::up)
        .service(routing::down)
        .service(routing::copy)
        .service(routing::delete);
    config
        .service(trigger::list)
        .service(trigger::fresh)
        .service(trigger::create)
        .service(trigger::show)
        .service(trigger::save)
        .service(trigger::up)
        .service(trigger::down)
        .service(trigger::enable)
        .service(trigger::delete);
    config
        .service(rehearsal::list)
        .service(rehearsal::show)
        .service(rehearsal::csv)
        .service(rehearsal::delete);
    config
        .service(working_time::show)
        .service(working_time::save)
        .service(working_time::add_holiday)
        .service(working_time::import)
        .service(working_time::delete_holiday);
    config
        .service(profile::show)
        .service(profile::save)
        .service(profile::save_console)
        .service(profile::rotate_key);
    config
        .service(identity_provider::show)
        .service(identity_provider::save)
        .service(identity_provider::delete);
    config.service(notification::show).service(notification::save);
    config
        .service(security::show)
        .service(security::change_password)
        .service(security::begin)
        .service(security::cancel)
        .service(security::confirm)
        .service(security::renew_codes)
        .service(security::turn_off)
        .service(security::end_other_sessions)
        .service(security::end_session)
        .service(security::withdraw);
    config.service(audit::list).service(password_policy::show).service(password_policy::save);
    config
        .service(role::list)
        .service(role::fresh)
        .service(role::create)
        .service(role::show)
        .service(role::save)
        .service(role::delete);
    config
        .service(oauth_client::list)
        .service(oauth_client::fresh)
        .service(oauth_client::create)
        .service(oauth_client::show)
        .service(oauth_client::save)
        .service(oauth_client::rotate_secret)
        .service(oauth_client::delete);
    config
        .service(department::list)
        .service(department::fresh)
        .service(department::create)
        .service(department::show)
        .service(department::save)
        .service(department::delete);
    config
        .service(agent::list)
        .service(agent::fresh)
        .service(agent::create)
        .service(agent::show)
        .service(agent::save)
        .service(agent::set_password)
        .service(agent::rotate_key)
        .service(agent::unlock)
        .service(agent::reset_second_factor)
        .service(agent::delete);
    config
        .service(email_account::list)
        .service(email_account::fresh)
        .service(email_account::create)
        .service(email_account::authorise::end)
        .service(email_account::authorise::begin)
        .service(email_account::show)
        .service(email_account::save)
        .service(email_account::test)
        .service(email_account::check_now)
        .service(email_account::make_default)
        .service(email_account::enable)
        .service(email_account::disable)
        .service(email_account::delete);
    config
        .service(dkim_key::show)
        .service(dkim_key::generate)
        .service(dkim_key::import)
        .service(dkim_key::save_reports)
        .service(dkim_key::start)
        .service(dkim_key::stop)
        .service(dkim_key::check)
        .service(dkim_key::delete);
    config.service(sender_check::show).service(sender_check::save);
    config.service(blocked_sender::list).service(blocked_sender::put).service(blocked_sender::delete);
    config
        .service(canned_message::list)
        .service(canned_message::fresh)
        .service(canned_message::create)
        .service(canned_message::show)
        .service(canned_message::save)
        .service(canned_message::delete)
        .service(canned_message::create_category)
        .service(canned_message::rename_category)
        .service(canned_message::delete_category);
    config
        .service(integration_account::list)
        .service(integration_account::fresh)
        .service(integration_account::create)
        .service(integration_account::show)
        .service(integration_account::save)
        .service(integration_account::delete);
    config
        .service(webhook::list)
        .service(webhook::fresh)
        .service(webhook::create)
        .service(webhook::show)
        .service(webhook::save)
        .service(webhook::rotate_secret)
        .service(webhook::test)
        .service(webhook::replay)
        .service(webhook::delete);
    config.service(inbound_mail::list).service(inbound_mail::raw).service(inbound_mail::retry);
    config
        .service(outgoing_mail::list)
        .service(outgoing_mail::show)
        .service(outgoing_mail::body)
        .service(outgoing_mail::retry);
}

/// What a form leads to: saved, to `here`; refused, to `again`, the form as it was sent. A clash is told beside `field`.
fn saved<T, P: Template>(
    result: Result<T>,
    here: &str,
    field: &str,
    again: impl FnOnce(Mistakes) -> Result<P>,
) -> Result<HttpResponse, PageError> {
    match result {
        Ok(_) => Ok(see_other(here)),
        Err(error) => {
            let page = again(Mistakes::of(beside(field, error))?)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

/// A clash is told beside the field it is about.
fn beside(field: &str, error: Error) -> Error {
    match error {
        Error::Conflict(message) => Error::invalid(field, message),
        other => other,
    }
}
