//! First-time set-up: the site's name, its first administrator and, if wanted, its first e-mail account. Open to whoever
//! has the link that the server printed, until it was used.

use actix_web::http::StatusCode;
use actix_web::web::Form;
use actix_web::{HttpRequest, HttpResponse, get, post};
use askama::Template;
use serde::Deserialize;

use super::form::Mistakes;
use super::sign_in;
use crate::app::App;
use crate::db::Tx;
use crate::desk::Actor;
use crate::desk::agent::{self, Agent, AgentChange};
use crate::desk::email_account::{self, EmailAccountChange, Security};
use crate::desk::secret::Vault;
use crate::desk::session::Proof;
use crate::desk::site::{self, ProfileChange};
use crate::error::{Error, Result};
use crate::jobs::test_account::{self, Checked};
use crate::web::auth::session_cookie;
use crate::web::page::see_other;
use crate::web::{Page, PageError, Query, client, filters, password};

#[derive(Template)]
#[template(path = "set_up.html")]
struct SetUpPage {
    form: SetUpForm,
    time_zones: Vec<String>,
    mistakes: Mistakes,
    checked: Option<Checked>,
}

#[derive(Template)]
#[template(path = "set_up_closed.html")]
struct ClosedPage {
    is_set_up: bool,
}

/// As it comes from the browser. Passwords are never shown again.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct SetUpForm {
    token: String,
    /// `test` tries the e-mail account instead of finishing.
    action: String,
    site_name: String,
    time_zone: String,
    name: String,
    email: String,
    password: String,
    address: String,
    pop3_server: String,
    pop3_port: String,
    pop3_security: String,
    pop3_user_name: String,
    pop3_password: String,
    smtp_server: String,
    smtp_port: String,
    smtp_security: String,
    smtp_user_name: String,
    smtp_password: String,
}

#[get("/set-up")]
pub async fn show(app: App, query: Query) -> Result<HttpResponse, PageError> {
    let token = query.text("token")?.unwrap_or_default().to_owned();
    if let Some(closed) = closed(&app, &token)? {
        return Ok(closed);
    }
    let form = SetUpForm {
        token,
        time_zone: own_time_zone(),
        pop3_port: "995".to_owned(),
        smtp_port: "465".to_owned(),
        ..SetUpForm::default()
    };
    Ok(page(form, Mistakes::default(), None, StatusCode::OK))
}

#[post("/set-up")]
pub async fn submit(
    app: App,
    request: HttpRequest,
    form: Form<SetUpForm>,
) -> Result<HttpResponse, PageError> {
    let form = form.into_inner();
    app.limiter().check(client::network(client::address(&request, &app)))?;
    if let Some(closed) = closed(&app, &form.token)? {
        return Ok(closed);
    }
    if form.action == "test" {
        let checked = test_account::check_servers(&form.account()).await;
        return Ok(page(form, Mistakes::default(), Some(checked), StatusCode::OK));
    }
    match finish(&app, &form).await {
        Ok(agent) => {
            let token =
                sign_in::start_session(&app, agent.id, &request, Proof::Password, "set the site up").await?;
            let mut answer = see_other("/console");
            answer.add_cookie(&session_cookie(&app, "/console", token)).map_err(Error::internal)?;
            Ok(answer)
        }
        Err(error) => Ok(page(form, Mistakes::of(error)?, None, StatusCode::BAD_REQUEST)),
    }
}

fn page(form: SetUpForm, mistakes: Mistakes, checked: Option<Checked>, status: StatusCode) -> HttpResponse {
    Page(SetUpPage { form, time_zones: time_zones(), mistakes, checked }).with_status(status)
}

/// The page for who has no valid token; `None` for who has.
fn closed(app: &App, token: &str) -> Result<Option<HttpResponse>> {
    let (is_open, is_set_up) = app.read(|s| Ok((site::is_setup_token(s, token)?, site::is_set_up(s)?)))?;
    Ok((!is_open).then(|| Page(ClosedPage { is_set_up }).with_status(StatusCode::FORBIDDEN)))
}

/// Everything in one transaction; refused steps are all told of together.
async fn finish(app: &App, form: &SetUpForm) -> Result<Agent> {
    let mut mistakes = Mistakes::default();
    let hash = password::hash_first(app, "password", &form.password, &[&form.email, &form.name]).await;
    let hash = mistakes.gather("", hash)?;
    let token = form.token.clone();
    let profile = ProfileChange {
        name: Some(form.site_name.clone()),
        time_zone: Some(form.time_zone.trim().to_owned()),
        ..ProfileChange::default()
    };
    let (agent, account, vault) =
        (form.agent(), form.wants_account().then(|| form.account()), app.vault().clone());
    app.write(move |tx| {
        site::end_setup(tx, &token)?;
        mistakes.gather("", site::change_profile(tx, &Actor::System, &profile))?;
        let agent = mistakes.gather("", agent::create(tx, &Actor::System, &agent, hash.as_deref()))?;
        if let Some(account) = &account {
            mistakes.gather("account.", first_account(tx, &vault, account))?;
        }
        mistakes.check()?;
        agent.ok_or_else(|| Error::internal("no agent and no mistake"))
    })
    .await
}

fn first_account(tx: &Tx<'_>, vault: &Vault, new: &EmailAccountChange) -> Result<()> {
    email_account::create(tx, &Actor::System, vault, new).map(|_| ())
}

impl SetUpForm {
    fn agent(&self) -> AgentChange {
        AgentChange {
            email: Some(self.email.clone()),
            display_name: Some(self.name.clone()),
            is_admin: Some(true),
            roles: Some(vec![agent::ADMINISTRATORS, agent::ALL_AGENTS]),
            ..AgentChange::default()
        }
    }

    fn wants_account(&self) -> bool {
        ![&self.address, &self.pop3_server, &self.smtp_server].iter().all(|text| text.trim().is_empty())
    }

    fn account(&self) -> EmailAccountChange {
        let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        // A port that is no number is 0 and refused as a port.
        let port = |text: &str| filled(text).map(|text| text.parse().unwrap_or(0));
        let secret = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        EmailAccountChange {
            email: filled(&self.address),
            display_name: filled(&self.site_name),
            incoming_server: filled(&self.pop3_server),
            incoming_port: port(&self.pop3_port),
            incoming_security: Security::parse(&self.pop3_security),
            incoming_user_name: filled(&self.pop3_user_name),
            incoming_password: secret(&self.pop3_password),
            smtp_server: filled(&self.smtp_server),
            smtp_port: port(&self.smtp_port),
            smtp_security: Security::parse(&self.smtp_security),
            smtp_user_name: filled(&self.smtp_user_name),
            smtp_password: secret(&self.smtp_password),
            ..EmailAccountChange::default()
        }
    }
}

/// Every IANA name, for lists to choose from.
pub fn time_zones() -> Vec<String> {
    let mut names: Vec<String> = jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect();
    names.sort_unstable();
    names
}

/// The server's own zone as a first guess.
fn own_time_zone() -> String {
    jiff::tz::TimeZone::system().iana_name().unwrap_or("UTC").to_owned()
}
