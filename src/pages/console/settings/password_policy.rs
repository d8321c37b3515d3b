//! `/console/settings/password-policy`: what passwords must be like, when failed sign-ins lock an agent, and whether
//! everybody must sign in in two steps.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post};
use askama::Template;

use super::super::Layout;
use super::field::{Fields, Sent};
use super::{Nav, frame};
use crate::app::App;
use crate::desk::password_policy::{self, PasswordPolicy};
use crate::error::{Error, Result};
use crate::pages::form::Mistakes;
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

const HERE: &str = "/console/settings/password-policy";

#[derive(Template)]
#[template(path = "console/settings/password_policy.html")]
struct PolicyPage {
    layout: Layout,
    nav: Nav,
    form: Fields,
    mistakes: Mistakes,
}

impl PolicyPage {
    fn new(app: &App, signed_in: &SignedIn, form: Option<Fields>, mistakes: Mistakes) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        let policy = app.read(|s| password_policy::view(s, &signed_in.actor))?;
        Ok(Self { layout, nav, form: form.unwrap_or_else(|| stored(&policy)), mistakes })
    }
}

fn stored(policy: &PasswordPolicy) -> Fields {
    let mut form = Fields::default();
    for (name, is_on) in [
        ("checksLength", policy.checks_length),
        ("checksHistory", policy.checks_history),
        ("checksComplexity", policy.checks_complexity),
        ("checksAgentName", policy.checks_agent_name),
        ("checksCommonPhrases", policy.checks_common_phrases),
        ("limitsChanges", policy.limits_changes),
        ("locks", policy.locks),
        ("requiresSecondFactor", policy.requires_second_factor),
    ] {
        form.check(name, is_on);
    }
    for (name, value) in [
        ("minimumPasswordLength", policy.minimum_length),
        ("verificationValueOfPasswordHistory", policy.history),
        ("maximumChangeTimes", policy.maximum_changes),
        ("allowedFailedLoginAttempts", policy.allowed_failures),
    ] {
        form.add(name, value);
    }
    form
}

/// The policy that the form describes; what it does not show stays.
fn chosen(fields: &Fields, before: &PasswordPolicy) -> Result<PasswordPolicy> {
    let number = |name: &str| -> Result<i64> {
        let text = fields.text(name).trim();
        text.parse().map_err(|_| Error::invalid(name, format!("must be a whole number, not '{text}'")))
    };
    Ok(PasswordPolicy {
        checks_length: fields.is_checked("checksLength"),
        minimum_length: number("minimumPasswordLength")?,
        checks_history: fields.is_checked("checksHistory"),
        history: number("verificationValueOfPasswordHistory")?,
        checks_complexity: fields.is_checked("checksComplexity"),
        checks_agent_name: fields.is_checked("checksAgentName"),
        checks_common_phrases: fields.is_checked("checksCommonPhrases"),
        limits_changes: fields.is_checked("limitsChanges"),
        maximum_changes: number("maximumChangeTimes")?,
        locks: fields.is_checked("locks"),
        allowed_failures: number("allowedFailedLoginAttempts")?,
        requires_second_factor: fields.is_checked("requiresSecondFactor"),
        ..before.clone()
    })
}

#[get("/console/settings/password-policy")]
pub async fn show(app: App, signed_in: SignedIn) -> Result<Page<PolicyPage>, PageError> {
    Ok(Page(PolicyPage::new(&app, &signed_in, None, Mistakes::default())?))
}

#[post("/console/settings/password-policy")]
pub async fn save(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let Sent { signed_in, fields } = sent;
    let before = app.read(|s| password_policy::view(s, &signed_in.actor))?;
    let result = match chosen(&fields, &before) {
        Ok(policy) => {
            let by = signed_in.actor.clone();
            app.write(move |tx| password_policy::set(tx, &by, &policy)).await
        }
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => Ok(see_other(HERE)),
        Err(error) => {
            let page = PolicyPage::new(&app, &signed_in, Some(fields), Mistakes::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}
