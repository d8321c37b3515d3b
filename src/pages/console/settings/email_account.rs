//! `/console/settings/email-accounts`: where mail comes from and leaves, and how that goes. Passwords go in and never
//! come out: an empty password field leaves the stored one alone.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use askama::Template;

use super::super::Layout;
use super::field::{Fields, Sent};
use super::{Nav, beside, frame};
use crate::app::App;
use crate::db::Tx;
use crate::desk::agent::{self, Agent};
use crate::desk::department::{self, Department};
use crate::desk::email_account::{self, EmailAccount, EmailAccountChange, Security};
use crate::desk::{Actor, Permission};
use crate::error::Result;
use crate::ids::{AgentId, DepartmentId, EmailAccountId};
use crate::jobs;
use crate::jobs::test_account::{self, Checked};
use crate::pages::form::Mistakes;
use crate::pages::when::Zone;
use crate::time::Timestamp;
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

const HERE: &str = "/console/settings/email-accounts";

#[derive(Template)]
#[template(path = "console/settings/email_accounts.html")]
struct List {
    layout: Layout,
    nav: Nav,
    zone: Zone,
    now: Timestamp,
    accounts: Vec<EmailAccount>,
    mistakes: Mistakes,
}

impl List {
    fn new(app: &App, signed_in: &SignedIn, mistakes: Mistakes) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        let accounts = app.read(|s| email_account::list(s, true))?;
        Ok(Self { layout, nav, zone: Zone::of_agent(signed_in), now: app.now(), accounts, mistakes })
    }
}

#[get("/console/settings/email-accounts")]
pub async fn list(app: App, signed_in: SignedIn) -> Result<Page<List>, PageError> {
    Ok(Page(List::new(&app, &signed_in, Mistakes::default())?))
}

#[derive(Template)]
#[template(path = "console/settings/email_account.html")]
struct Edit {
    layout: Layout,
    nav: Nav,
    /// The account that is edited; `None` for a new one.
    account: Option<EmailAccount>,
    agents: Vec<Agent>,
    departments: Vec<Department>,
    form: Fields,
    mistakes: Mistakes,
    /// What trying the servers found.
    checked: Option<Checked>,
}

impl Edit {
    fn new(
        app: &App,
        signed_in: &SignedIn,
        id: Option<EmailAccountId>,
        form: Option<Fields>,
        mistakes: Mistakes,
    ) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        let (account, agents, departments) = app.read(|s| {
            let account = id.map(|id| email_account::require(s, id)).transpose()?;
            Ok((account, agent::assignable(s)?, department::list(s)?))
        })?;
        let form = form.unwrap_or_else(|| account.as_ref().map_or_else(preset, stored));
        Ok(Self { layout, nav, account, agents, departments, form, mistakes, checked: None })
    }
}

impl Edit {
    fn pop3_hint(&self) -> &'static str {
        hint(self.account.as_ref().is_some_and(|account| account.has_pop3_password))
    }

    fn smtp_hint(&self) -> &'static str {
        hint(self.account.as_ref().is_some_and(|account| account.has_smtp_password))
    }
}

fn hint(has_password: bool) -> &'static str {
    if has_password { "Unchanged" } else { "" }
}

/// What a new account usually needs.
fn preset() -> Fields {
    let mut form = Fields::of([
        ("pop3Port", "995".to_owned()),
        ("pop3Security", Security::Ssl.name().to_owned()),
        ("smtpPort", "587".to_owned()),
        ("smtpSecurity", Security::StartTls.name().to_owned()),
        ("pollInterval", "60".to_owned()),
    ]);
    form.check("isEnabled", true);
    form
}

fn stored(account: &EmailAccount) -> Fields {
    let id = |id: Option<i64>| id.map(|id| id.to_string()).unwrap_or_default();
    let mut form = Fields::of([
        ("email", account.email.clone()),
        ("displayName", account.display_name.clone()),
        ("agentAssigneeId", id(account.agent_assignee_id.map(|id| id.0))),
        ("departmentAssigneeId", id(account.department_assignee_id.map(|id| id.0))),
        ("signature", account.signature.clone()),
        ("pop3Server", account.pop3_server.clone()),
        ("pop3Port", account.pop3_port.to_string()),
        ("pop3Security", account.pop3_security.name().to_owned()),
        ("pop3UserName", account.pop3_user_name.clone()),
        ("pollInterval", account.poll_interval_seconds.to_string()),
        ("smtpServer", account.smtp_server.clone()),
        ("smtpPort", account.smtp_port.to_string()),
        ("smtpSecurity", account.smtp_security.name().to_owned()),
        ("smtpUserName", account.smtp_user_name.clone()),
    ]);
    form.check("isEnabled", account.is_enabled);
    form.check("leaveCopyOnServer", account.leave_copy_on_server);
    form.check("tlsAcceptInvalidCerts", account.tls_accept_invalid_certs);
    form
}

fn change(fields: &Fields) -> EmailAccountChange {
    // What is no number becomes one that is refused.
    let number = |name: &str| fields.filled(name).map(|text| text.trim().parse().unwrap_or(0));
    EmailAccountChange {
        email: fields.own("email"),
        display_name: fields.own("displayName"),
        is_enabled: Some(fields.is_checked("isEnabled")),
        agent_assignee_id: Some(fields.text("agentAssigneeId").parse().ok().map(AgentId)),
        department_assignee_id: Some(fields.text("departmentAssigneeId").parse().ok().map(DepartmentId)),
        signature: fields.own("signature"),
        pop3_server: fields.own("pop3Server"),
        pop3_port: number("pop3Port"),
        pop3_security: Security::parse(fields.text("pop3Security")),
        pop3_user_name: fields.filled("pop3UserName").or_else(|| fields.own("email")),
        pop3_password: fields.own("pop3Password").filter(|text| !text.is_empty()),
        leave_copy_on_server: Some(fields.is_checked("leaveCopyOnServer")),
        poll_interval_seconds: number("pollInterval"),
        smtp_server: fields.own("smtpServer"),
        smtp_port: number("smtpPort"),
        smtp_security: Security::parse(fields.text("smtpSecurity")),
        smtp_user_name: fields.filled("smtpUserName").or_else(|| fields.own("email")),
        smtp_password: fields.own("smtpPassword").filter(|text| !text.is_empty()),
        tls_accept_invalid_certs: Some(fields.is_checked("tlsAcceptInvalidCerts")),
    }
}

#[get("/console/settings/email-accounts/new")]
pub async fn fresh(app: App, signed_in: SignedIn) -> Result<Page<Edit>, PageError> {
    Ok(Page(Edit::new(&app, &signed_in, None, None, Mistakes::default())?))
}

#[get("/console/settings/email-accounts/{id}")]
pub async fn show(
    app: App,
    signed_in: SignedIn,
    id: web::Path<EmailAccountId>,
) -> Result<Page<Edit>, PageError> {
    Ok(Page(Edit::new(&app, &signed_in, Some(*id), None, Mistakes::default())?))
}

#[post("/console/settings/email-accounts/new")]
pub async fn create(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, vault, new) = (sent.signed_in.actor.clone(), app.vault().clone(), change(&sent.fields));
    let result = app.write(move |tx| email_account::create(tx, &by, &vault, &new)).await;
    answer(&app, sent, None, result)
}

#[post("/console/settings/email-accounts/{id}")]
pub async fn save(app: App, id: web::Path<EmailAccountId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, vault, id, change) =
        (sent.signed_in.actor.clone(), app.vault().clone(), *id, change(&sent.fields));
    let result = app.write(move |tx| email_account::update(tx, &by, &vault, id, &change)).await;
    answer(&app, sent, Some(id), result)
}

fn answer(
    app: &App,
    sent: Sent,
    id: Option<EmailAccountId>,
    result: Result<EmailAccount>,
) -> Result<HttpResponse, PageError> {
    match result {
        Ok(account) => {
            app.fetch_now().notify_one();
            Ok(see_other(&format!("{HERE}/{}", account.id)))
        }
        Err(error) => {
            let mistakes = Mistakes::of(beside("email", error))?;
            let page = Edit::new(app, &sent.signed_in, id, Some(sent.fields), mistakes)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

/// Tries the account as it is stored.
#[post("/console/settings/email-accounts/{id}/test")]
pub async fn test(app: App, id: web::Path<EmailAccountId>, sent: Sent) -> Result<Page<Edit>, PageError> {
    sent.signed_in.actor.require(Permission::ManageChannels)?;
    let checked = test_account::check(&app, *id).await?;
    let page = Edit::new(&app, &sent.signed_in, Some(*id), None, Mistakes::default())?;
    Ok(Page(Edit { checked: Some(checked), ..page }))
}

#[post("/console/settings/email-accounts/{id}/check")]
pub async fn check_now(
    app: App,
    id: web::Path<EmailAccountId>,
    sent: Sent,
) -> Result<HttpResponse, PageError> {
    sent.signed_in.actor.require(Permission::ManageChannels)?;
    app.read(|s| email_account::require(s, *id))?;
    // How it went stands in the list.
    jobs::fetch_account(&app, *id).await;
    Ok(see_other(HERE))
}

#[post("/console/settings/email-accounts/{id}/default")]
pub async fn make_default(
    app: App,
    id: web::Path<EmailAccountId>,
    sent: Sent,
) -> Result<HttpResponse, PageError> {
    let id = *id;
    press(&app, sent, move |tx, by| email_account::set_default(tx, by, id).map(|_| ())).await
}

#[post("/console/settings/email-accounts/{id}/enable")]
pub async fn enable(app: App, id: web::Path<EmailAccountId>, sent: Sent) -> Result<HttpResponse, PageError> {
    switch(&app, sent, *id, true).await
}

#[post("/console/settings/email-accounts/{id}/disable")]
pub async fn disable(app: App, id: web::Path<EmailAccountId>, sent: Sent) -> Result<HttpResponse, PageError> {
    switch(&app, sent, *id, false).await
}

#[post("/console/settings/email-accounts/{id}/delete")]
pub async fn delete(app: App, id: web::Path<EmailAccountId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let id = *id;
    press(&app, sent, move |tx, by| email_account::delete(tx, by, id)).await
}

async fn switch(
    app: &App,
    sent: Sent,
    id: EmailAccountId,
    is_enabled: bool,
) -> Result<HttpResponse, PageError> {
    let vault = app.vault().clone();
    let change = EmailAccountChange { is_enabled: Some(is_enabled), ..EmailAccountChange::default() };
    press(app, sent, move |tx, by| email_account::update(tx, by, &vault, id, &change).map(|_| ())).await
}

/// A form that is only a button of the list.
async fn press(
    app: &App,
    sent: Sent,
    verb: impl FnOnce(&Tx<'_>, &Actor) -> Result<()> + Send + 'static,
) -> Result<HttpResponse, PageError> {
    let by = sent.signed_in.actor.clone();
    match app.write(move |tx| verb(tx, &by)).await {
        Ok(()) => Ok(see_other(HERE)),
        Err(error) => {
            let page = List::new(app, &sent.signed_in, Mistakes::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::CONFLICT))
        }
    }
}
