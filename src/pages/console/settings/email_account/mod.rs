//! `/console/settings/email-accounts`: where mail comes from and leaves, and how that goes. Secrets go in and never
//! come out: an empty field leaves the stored one alone.

pub mod authorise;
mod form;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use askama::Template;

use self::form::Names;
use super::super::Layout;
use super::field::{Fields, Sent};
use super::{Nav, beside, frame};
use crate::app::App;
use crate::db::Tx;
use crate::desk::agent::{self, Agent};
use crate::desk::department::{self, Department};
use crate::desk::email_account::provider::{self, Preset};
use crate::desk::email_account::{self, EmailAccount, EmailAccountChange, Kind};
use crate::desk::{Actor, Permission};
use crate::error::{Error, Result};
use crate::ids::EmailAccountId;
use crate::jobs;
use crate::jobs::test_account::{self, Checked};
use crate::pages::form::Mistakes;
use crate::pages::when::Zone;
use crate::time::Timestamp;
use crate::web::page::see_other;
use crate::web::{Page, PageError, Query, SignedIn, filters};

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
#[template(path = "console/settings/email_account_kinds.html")]
struct Kinds {
    layout: Layout,
    nav: Nav,
    presets: &'static [Preset],
}

#[derive(Template)]
#[template(path = "console/settings/email_account.html")]
struct Edit {
    layout: Layout,
    nav: Nav,
    zone: Zone,
    now: Timestamp,
    /// The account that is edited; `None` for a new one.
    account: Option<EmailAccount>,
    kind: Kind,
    names: Names,
    agents: Vec<Agent>,
    departments: Vec<Department>,
    form: Fields,
    mistakes: Mistakes,
    /// What trying the servers found.
    checked: Option<Checked>,
    /// What a provider must be told, so that it sends people back.
    redirect_uri: String,
    /// Whose time the form speaks of.
    zone_name: String,
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
        let zone = Zone::of_agent(signed_in);
        let form = form.unwrap_or_else(|| {
            account.as_ref().map_or_else(Fields::default, |account| form::stored(account, &zone))
        });
        let kind = account.as_ref().map(|account| account.kind).or(Kind::parse(form.text("type")));
        let kind = kind.unwrap_or(Kind::Imap);
        Ok(Self {
            layout,
            nav,
            zone_name: zone.name().to_owned(),
            zone,
            now: app.now(),
            account,
            kind,
            names: Names::of(kind),
            agents,
            departments,
            form,
            mistakes,
            checked: None,
            redirect_uri: authorise::redirect_uri(app),
        })
    }

    fn incoming_hint(&self) -> &'static str {
        hint(self.account.as_ref().is_some_and(|account| account.has_incoming_password))
    }

    fn smtp_hint(&self) -> &'static str {
        hint(self.account.as_ref().is_some_and(|account| account.has_smtp_password))
    }

    fn client_secret_hint(&self) -> &'static str {
        hint(self.account.as_ref().is_some_and(|account| account.oauth.has_client_secret))
    }

    fn is_exchange(&self) -> bool {
        self.kind == Kind::Exchange
    }

    fn has_folders(&self) -> bool {
        self.kind != Kind::Pop3
    }

    fn uses_oauth(&self) -> bool {
        self.form.has("authentication", "oauth2")
    }

    /// Whether somebody can be sent to the provider's page.
    fn can_authorise(&self) -> bool {
        self.account.as_ref().is_some_and(authorise::is_possible)
    }
}

fn hint(has_secret: bool) -> &'static str {
    if has_secret { "Unchanged" } else { "" }
}

/// First which kind of account it is to be, then its settings.
#[get("/console/settings/email-accounts/new")]
pub async fn fresh(app: App, signed_in: SignedIn, query: Query) -> Result<HttpResponse, PageError> {
    let Some(slug) = query.text("preset")? else {
        let (layout, nav) = frame(&app, &signed_in, HERE)?;
        return Ok(Page(Kinds { layout, nav, presets: provider::PRESETS }).with_status(StatusCode::OK));
    };
    let preset = provider::preset(slug).ok_or_else(|| Error::not_found("provider", slug))?;
    let page = Edit::new(&app, &signed_in, None, Some(form::preset(preset)), Mistakes::default())?;
    Ok(Page(page).with_status(StatusCode::OK))
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
    let (by, vault) = (sent.signed_in.actor.clone(), app.vault().clone());
    let result = match form::change(&sent.fields, None, &Zone::of_agent(&sent.signed_in)) {
        Ok(new) => app.write(move |tx| email_account::create(tx, &by, &vault, &new)).await,
        Err(error) => Err(error),
    };
    answer(&app, sent, None, result).await
}

#[post("/console/settings/email-accounts/{id}")]
pub async fn save(app: App, id: web::Path<EmailAccountId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, vault, id) = (sent.signed_in.actor.clone(), app.vault().clone(), *id);
    by.require(Permission::ManageChannels)?;
    let before = app.read(|s| email_account::require(s, id))?;
    let result = match form::change(&sent.fields, Some(&before), &Zone::of_agent(&sent.signed_in)) {
        Ok(change) => app.write(move |tx| email_account::update(tx, &by, &vault, id, &change)).await,
        Err(error) => Err(error),
    };
    answer(&app, sent, Some(id), result).await
}

/// "Save and test" shows what the servers say to what was saved.
async fn answer(
    app: &App,
    sent: Sent,
    id: Option<EmailAccountId>,
    result: Result<EmailAccount>,
) -> Result<HttpResponse, PageError> {
    match result {
        Ok(account) => {
            app.fetch_now().notify_one();
            if sent.fields.text("action") != "test" {
                return Ok(see_other(&format!("{HERE}/{}", account.id)));
            }
            let checked = test_account::check(app, account.id).await?;
            let page = Edit::new(app, &sent.signed_in, Some(account.id), None, Mistakes::default())?;
            Ok(Page(Edit { checked: Some(checked), ..page }).with_status(StatusCode::OK))
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
