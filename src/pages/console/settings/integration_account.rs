//! `/console/settings/integration-accounts`: the registry of accounts that channel apps have connected.

use actix_web::{HttpResponse, get, post, web};
use askama::Template;

use super::super::Layout;
use super::field::{Fields, Sent};
use super::{Nav, frame, saved};
use crate::app::App;
use crate::desk::integration_account::{
    self, IntegrationAccount, IntegrationAccountChange, IntegrationAccountQuery,
};
use crate::desk::kept_answer;
use crate::error::Result;
use crate::ids::IntegrationAccountId;
use crate::pages::form::Mistakes;
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

const HERE: &str = "/console/settings/integration-accounts";

#[derive(Template)]
#[template(path = "console/settings/integration_accounts.html")]
struct List {
    layout: Layout,
    nav: Nav,
    accounts: Vec<IntegrationAccount>,
}

#[get("/console/settings/integration-accounts")]
pub async fn list(app: App, signed_in: SignedIn) -> Result<Page<List>, PageError> {
    let (layout, nav) = frame(&app, &signed_in, HERE)?;
    let all = IntegrationAccountQuery { channel_id: None, includes_disabled: true };
    let accounts = app.read(|s| integration_account::list(s, &signed_in.actor, &all))?;
    Ok(Page(List { layout, nav, accounts }))
}

#[derive(Template)]
#[template(path = "console/settings/integration_account.html")]
struct Edit {
    layout: Layout,
    nav: Nav,
    /// The account that is edited; `None` for a new one.
    account: Option<IntegrationAccount>,
    form: Fields,
    mistakes: Mistakes,
}

impl Edit {
    fn new(
        app: &App,
        signed_in: &SignedIn,
        id: Option<IntegrationAccountId>,
        form: Option<Fields>,
        mistakes: Mistakes,
    ) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        let find = |id| app.read(|s| integration_account::require(s, &signed_in.actor, id));
        let account = id.map(find).transpose()?;
        let form = form.unwrap_or_else(|| stored(account.as_ref()));
        Ok(Self { layout, nav, account, form, mistakes })
    }
}

fn stored(account: Option<&IntegrationAccount>) -> Fields {
    let mut form = Fields::default();
    form.check("isEnable", account.is_none_or(|account| account.is_enabled));
    if let Some(account) = account {
        form.add("appId", &account.app_id);
        form.add("accountName", &account.account_name);
        form.add("accountOriginalId", &account.account_original_id);
        form.add("channelId", &account.channel_id);
    }
    form
}

fn change(fields: &Fields) -> IntegrationAccountChange {
    IntegrationAccountChange {
        app_id: fields.own("appId"),
        account_name: fields.own("accountName"),
        account_original_id: fields.own("accountOriginalId"),
        channel_id: fields.own("channelId"),
        is_enabled: Some(fields.is_checked("isEnable")),
    }
}

#[get("/console/settings/integration-accounts/new")]
pub async fn fresh(app: App, signed_in: SignedIn) -> Result<Page<Edit>, PageError> {
    Ok(Page(Edit::new(&app, &signed_in, None, None, Mistakes::default())?))
}

#[get("/console/settings/integration-accounts/{id}")]
pub async fn show(
    app: App,
    signed_in: SignedIn,
    id: web::Path<IntegrationAccountId>,
) -> Result<Page<Edit>, PageError> {
    Ok(Page(Edit::new(&app, &signed_in, Some(*id), None, Mistakes::default())?))
}

#[post("/console/settings/integration-accounts/new")]
pub async fn create(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let (by, form, new) = (sent.signed_in.actor.clone(), sent.form(), change(&sent.fields));
    let made = app.write(move |tx| {
        kept_answer::once(tx, &form, |tx| Ok(integration_account::create(tx, &by, &new)?.id.0))
    });
    let result = made.await;
    saved(result, HERE, "accountOriginalId", |mistakes| {
        Edit::new(&app, &sent.signed_in, None, Some(sent.fields), mistakes)
    })
}

#[post("/console/settings/integration-accounts/{id}")]
pub async fn save(
    app: App,
    id: web::Path<IntegrationAccountId>,
    sent: Sent,
) -> Result<HttpResponse, PageError> {
    let (by, id, change) = (sent.signed_in.actor.clone(), *id, change(&sent.fields));
    let result = app.write(move |tx| integration_account::update(tx, &by, id, &change)).await;
    saved(result, HERE, "accountOriginalId", |mistakes| {
        Edit::new(&app, &sent.signed_in, Some(id), Some(sent.fields), mistakes)
    })
}

#[post("/console/settings/integration-accounts/{id}/delete")]
pub async fn delete(
    app: App,
    id: web::Path<IntegrationAccountId>,
    sent: Sent,
) -> Result<HttpResponse, PageError> {
    app.write(move |tx| integration_account::delete(tx, &sent.signed_in.actor, *id)).await?;
    Ok(see_other(HERE))
}
