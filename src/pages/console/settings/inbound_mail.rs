//! `/console/settings/inbound-mails`: every mail that a server offered, and what became of it.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;

use super::super::Layout;
use super::field::Sent;
use super::{Nav, frame};
use crate::app::App;
use crate::desk::email_account::{self, EmailAccount};
use crate::desk::inbound_mail::{self, InboundMail, InboundMailQuery, Outcome};
use crate::desk::{Page as Items, Paging};
use crate::error::Error;
use crate::ids::{EmailAccountId, InboundMailId};
use crate::pages::when::Zone;
use crate::time::Timestamp;
use crate::web::download::Download;
use crate::web::page::see_other;
use crate::web::paging::Links;
use crate::web::{Page, PageError, Query, SignedIn, filters};

const HERE: &str = "/console/settings/inbound-mails";

#[derive(Template)]
#[template(path = "console/settings/inbound_mails.html")]
struct List {
    layout: Layout,
    nav: Nav,
    zone: Zone,
    now: Timestamp,
    accounts: Vec<EmailAccount>,
    /// Addresses by the accounts' ids.
    addresses: HashMap<EmailAccountId, String>,
    query: InboundMailQuery,
    mails: Items<InboundMail>,
    paging: Paging,
    links: Links,
}

impl List {
    fn address(&self, id: &EmailAccountId) -> &str {
        self.addresses.get(id).map_or("", String::as_str)
    }

    /// The link to the mails with another outcome; the account stays.
    fn href(&self, outcome: Option<&Outcome>) -> String {
        let account = self.query.email_account_id.map(|id| id.to_string()).unwrap_or_default();
        format!("{HERE}?outcome={}&account={account}", outcome.map_or("", |outcome| outcome.name()))
    }
}

#[get("/console/settings/inbound-mails")]
pub async fn list(
    app: App,
    request: HttpRequest,
    signed_in: SignedIn,
    parameters: Query,
) -> Result<Page<List>, PageError> {
    let (layout, nav) = frame(&app, &signed_in, HERE)?;
    let query = InboundMailQuery {
        email_account_id: parameters.integer("account")?.map(EmailAccountId),
        outcome: parameters.value("outcome", "an outcome", Outcome::parse)?,
    };
    let paging = parameters.paging()?;
    let (accounts, mails) = app.read(|s| {
        Ok((email_account::list(s, true)?, inbound_mail::list(s, &signed_in.actor, &query, paging)?))
    })?;
    let addresses = accounts.iter().map(|account| (account.id, account.email.clone())).collect();
    let links = Links::new(&request, &parameters, paging, mails.total);
    let (zone, now) = (Zone::of_agent(&signed_in), app.now());
    Ok(Page(List { layout, nav, zone, now, accounts, addresses, query, mails, paging, links }))
}

#[get("/console/settings/inbound-mails/{id}/raw")]
pub async fn raw(
    app: App,
    request: HttpRequest,
    signed_in: SignedIn,
    id: web::Path<InboundMailId>,
) -> Result<HttpResponse, PageError> {
    let mail = app.read(|s| inbound_mail::require(s, &signed_in.actor, *id))?;
    let left = || Error::Conflict("this mail was left on the server".to_owned());
    let download = Download {
        blob_id: mail.blob_id.ok_or_else(left)?,
        size_bytes: mail.size_bytes,
        content_type: "message/rfc822".to_owned(),
        file_name: format!("mail-{id}.eml"),
    };
    Ok(download.answer(&app, &request))
}

#[post("/console/settings/inbound-mails/{id}/retry")]
pub async fn retry(app: App, id: web::Path<InboundMailId>, sent: Sent) -> Result<HttpResponse, PageError> {
    app.write(move |tx| inbound_mail::retry(tx, &sent.signed_in.actor, *id)).await?;
    Ok(see_other(HERE))
}
