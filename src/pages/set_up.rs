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
use crate::desk::email_account::provider::{self, Preset};
use crate::desk::email_account::{self, Authentication, EmailAccountChange, Security};
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
    presets: &'static [Preset],
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
    /// `test` tries the e-mail account instead of finishing; `preset` fills in what is known of the provider.
    action: String,
    site_name: String,
    time_zone: String,
    name: String,
    email: String,
    password: String,
    /// Where the mailbox is: the slug of a `provider::Preset`.
    preset: String,
    address: String,
    incoming_server: String,
    incoming_port: String,
    incoming_security: String,
    incoming_user_name: String,
    incoming_password: String,
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
    let mut form = SetUpForm { token, time_zone: own_time_zone(), ..SetUpForm::default() };
    form.fill_in();
    Ok(page(form, Mistakes::default(), None, StatusCode::OK))
}

#[post("/set-up")]
pub async fn submit(
    app: App,
    request: HttpRequest,
    form: Form<SetUpForm>,
) -> Result<HttpResponse, PageError> {
    let mut form = form.into_inner();
    app.limiter().check(client::network(client::address(&request, &app)))?;
    if let Some(closed) = closed(&app, &form.token)? {
        return Ok(closed);
    }
    if form.action == "preset" {
        form.fill_in();
        return Ok(page(form, Mistakes::default(), None, StatusCode::OK));
    }
    if form.action == "test" {
        let checked = test_account::check_servers(&form.account()).await;
        return Ok(page(form, Mistakes::default(), Some(checked), StatusCode::OK));
    }
    match finish(&app, &form).await {
        Ok(agent) => {
            let token =
                sign_in::start_session(&app, agent.id, &request, Proof::Password, "set the site up").await?;
            // What takes an OAuth client is set up on the account's own page.
            let next = match form.preset().authentication {
                Authentication::Password => "/console".to_owned(),
                Authentication::OAuth2 => {
                    format!("/console/settings/email-accounts/new?preset={}", form.preset().slug)
                }
            };
            let mut answer = see_other(&next);
            answer.add_cookie(&session_cookie(&app, "/console", token)).map_err(Error::internal)?;
            Ok(answer)
        }
        Err(error) => Ok(page(form, Mistakes::of(error)?, None, StatusCode::BAD_REQUEST)),
    }
}

fn page(form: SetUpForm, mistakes: Mistakes, checked: Option<Checked>, status: StatusCode) -> HttpResponse {
    let presets = provider::PRESETS;
    Page(SetUpPage { form, time_zones: time_zones(), presets, mistakes, checked }).with_status(status)
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

    /// Without a choice: a server of one's own, by IMAP.
    fn preset(&self) -> &'static Preset {
        provider::preset(&self.preset).unwrap_or(&provider::OWN)
    }

    /// What the problem of a field of the incoming server is called: `account.imapPort`.
    fn incoming(&self, rest: &str) -> String {
        ["account.", &self.preset().kind.field(rest)].concat()
    }

    fn is_chosen(&self, preset: &Preset) -> bool {
        self.preset().slug == preset.slug
    }

    /// Whether the account can be made here, with nothing but a password.
    fn takes_password(&self) -> bool {
        self.preset().authentication == Authentication::Password
    }

    /// The settings that the provider wants, in place of those there were.
    fn fill_in(&mut self) {
        let preset = self.preset();
        preset.slug.clone_into(&mut self.preset);
        preset.incoming_server.clone_into(&mut self.incoming_server);
        self.incoming_port = preset.incoming_port.to_string();
        preset.incoming_security.name().clone_into(&mut self.incoming_security);
        preset.smtp_server.clone_into(&mut self.smtp_server);
        self.smtp_port = preset.smtp_port.to_string();
        preset.smtp_security.name().clone_into(&mut self.smtp_security);
    }

    fn wants_account(&self) -> bool {
        self.takes_password()
            && ![&self.address, &self.incoming_server, &self.smtp_server]
                .iter()
                .all(|text| text.trim().is_empty())
    }

    fn account(&self) -> EmailAccountChange {
        let filled = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        // A port that is no number is 0 and refused as a port.
        let port = |text: &str| filled(text).map(|text| text.parse().unwrap_or(0));
        let secret = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        EmailAccountChange {
            kind: Some(self.preset().kind),
            email: filled(&self.address),
            display_name: filled(&self.site_name),
            incoming_server: filled(&self.incoming_server),
            incoming_port: port(&self.incoming_port),
            incoming_security: Security::parse(&self.incoming_security),
            incoming_user_name: filled(&self.incoming_user_name),
            incoming_password: secret(&self.incoming_password),
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
