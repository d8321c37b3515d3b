//! `/console/settings/email-accounts/{id}/dkim`: the keys that sign an account's mail, with the DNS record that each
//! needs, and where reports about mail that came back are sent.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post, web};
use askama::Template;

use super::super::Layout;
use super::field::{Fields, Sent};
use super::{Nav, frame};
use crate::app::App;
use crate::db::Tx;
use crate::desk::dkim_key::{self, DkimKey};
use crate::desk::email_account::{self, EmailAccount};
use crate::desk::secret::Vault;
use crate::desk::{Actor, bounce};
use crate::error::Result;
use crate::ids::EmailAccountId;
use crate::jobs::check_dkim_record::{self, Found};
use crate::pages::form::Mistakes;
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

#[derive(Template)]
#[template(path = "console/settings/dkim_keys.html")]
struct Keys {
    layout: Layout,
    nav: Nav,
    account: EmailAccount,
    keys: Vec<DkimKey>,
    form: Fields,
    mistakes: Mistakes,
    /// The key that was looked for in the DNS, and what was found.
    checked: Option<(DkimKey, Found)>,
}

impl Keys {
    fn new(
        app: &App,
        signed_in: &SignedIn,
        id: EmailAccountId,
        form: Option<Fields>,
        mistakes: Mistakes,
    ) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, "/console/settings/email-accounts")?;
        let (account, keys, has_plus) = app.read(|s| {
            let keys = dkim_key::list(s, &signed_in.actor, id)?;
            Ok((email_account::require(s, id)?, keys, bounce::has_plus_addresses(s, id)?))
        })?;
        let form = form.unwrap_or_else(|| {
            let mut form = Fields::of([("selector", "anytime".to_owned())]);
            form.check("hasPlusAddresses", has_plus);
            form
        });
        Ok(Self { layout, nav, account, keys, form, mistakes, checked: None })
    }
}

#[get("/console/settings/email-accounts/{id}/dkim")]
pub async fn show(
    app: App,
    signed_in: SignedIn,
    id: web::Path<EmailAccountId>,
) -> Result<Page<Keys>, PageError> {
    Ok(Page(Keys::new(&app, &signed_in, *id, None, Mistakes::default())?))
}

#[post("/console/settings/email-accounts/{id}/dkim/generate")]
pub async fn generate(
    app: App,
    id: web::Path<EmailAccountId>,
    sent: Sent,
) -> Result<HttpResponse, PageError> {
    change(&app, *id, sent, |tx, by, vault, id, fields| {
        dkim_key::generate(tx, by, vault, id, fields.text("selector"))
    })
    .await
}

#[post("/console/settings/email-accounts/{id}/dkim/import")]
pub async fn import(app: App, id: web::Path<EmailAccountId>, sent: Sent) -> Result<HttpResponse, PageError> {
    change(&app, *id, sent, |tx, by, vault, id, fields| {
        dkim_key::import(tx, by, vault, id, fields.text("selector"), fields.text("privateKey"))
    })
    .await
}

#[post("/console/settings/email-accounts/{id}/dkim/reports")]
pub async fn save_reports(
    app: App,
    id: web::Path<EmailAccountId>,
    sent: Sent,
) -> Result<HttpResponse, PageError> {
    change(&app, *id, sent, |tx, by, _, id, fields| {
        bounce::set_plus_addresses(tx, by, id, fields.is_checked("hasPlusAddresses"))
    })
    .await
}

#[post("/console/settings/email-accounts/{id}/dkim/{kind}/start")]
pub async fn start(
    app: App,
    path: web::Path<(EmailAccountId, String)>,
    sent: Sent,
) -> Result<HttpResponse, PageError> {
    let (id, kind) = path.into_inner();
    change(&app, id, sent, move |tx, by, _, id, _| dkim_key::set_enabled(tx, by, id, &kind, true)).await
}

#[post("/console/settings/email-accounts/{id}/dkim/{kind}/stop")]
pub async fn stop(
    app: App,
    path: web::Path<(EmailAccountId, String)>,
    sent: Sent,
) -> Result<HttpResponse, PageError> {
    let (id, kind) = path.into_inner();
    change(&app, id, sent, move |tx, by, _, id, _| dkim_key::set_enabled(tx, by, id, &kind, false)).await
}

#[post("/console/settings/email-accounts/{id}/dkim/{kind}/delete")]
pub async fn delete(
    app: App,
    path: web::Path<(EmailAccountId, String)>,
    sent: Sent,
) -> Result<HttpResponse, PageError> {
    let (id, kind) = path.into_inner();
    change(&app, id, sent, move |tx, by, _, id, _| dkim_key::delete(tx, by, id, &kind)).await
}

/// Looks for the record.
#[post("/console/settings/email-accounts/{id}/dkim/{kind}/check")]
pub async fn check(
    app: App,
    path: web::Path<(EmailAccountId, String)>,
    sent: Sent,
) -> Result<Page<Keys>, PageError> {
    let (id, kind) = path.into_inner();
    let key = app.read(|s| dkim_key::require(s, &sent.signed_in.actor, id, &kind))?;
    let found = check_dkim_record::check(&app, &key).await;
    let page = Keys::new(&app, &sent.signed_in, id, None, Mistakes::default())?;
    Ok(Page(Keys { checked: Some((key, found)), ..page }))
}

async fn change(
    app: &App,
    id: EmailAccountId,
    sent: Sent,
    verb: impl FnOnce(&Tx<'_>, &Actor, &Vault, EmailAccountId, &Fields) -> Result<()> + Send + 'static,
) -> Result<HttpResponse, PageError> {
    let Sent { signed_in, fields } = sent;
    let (by, vault) = (signed_in.actor.clone(), app.vault().clone());
    let (fields, result) = {
        let pairs = Fields::from_pairs(fields.pairs());
        let result = app.write(move |tx| verb(tx, &by, &vault, id, &fields)).await;
        (pairs, result)
    };
    match result {
        Ok(()) => Ok(see_other(&format!("/console/settings/email-accounts/{id}/dkim"))),
        Err(error) => {
            let page = Keys::new(app, &signed_in, id, Some(fields), Mistakes::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}
