//! `/portal/account`: a contact's password, if they want one. Changing it needs the present one, or a session that began a
//! moment ago by a mailed link: whoever found a browser that was left open has neither.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;
use serde::Deserialize;

use super::{Complaints, Frame};
use crate::app::App;
use crate::desk::session::Proof;
use crate::desk::{contact_password, password_policy};
use crate::error::{Error, Result};
use crate::language::{Language, fill};
use crate::web::page::see_other;
use crate::web::{Page, PageError, Query, Visitor, client, csrf, filters, password};

const HERE: &str = "/portal/account";
/// How long a mailed link stands for the present password.
const LINK_COUNTS: Duration = Duration::from_secs(30 * 60);

#[derive(Template)]
#[template(path = "portal/account.html")]
struct Account {
    frame: Frame,
    name: String,
    email: String,
    is_set: bool,
    asks_current: bool,
    at_least: String,
    /// What was just done.
    done: Option<&'static str>,
    complaints: Complaints,
}

impl Account {
    fn new(app: &App, language: Language, visitor: &Visitor, complaints: Complaints) -> Result<Self> {
        let (is_set, policy) =
            app.read(|s| Ok((contact_password::is_set(s, visitor.id())?, password_policy::get(s)?)))?;
        let count = policy.shortest().to_string();
        Ok(Self {
            frame: Frame::new(app, language, Some(visitor), "account")?,
            name: visitor.contact.name.clone(),
            email: visitor.contact.email().unwrap_or_default().to_owned(),
            is_set,
            asks_current: is_set && !came_by_link(app, visitor),
            at_least: fill(language.words().at_least, &[("count", &count)]),
            done: None,
            complaints,
        })
    }
}

fn came_by_link(app: &App, visitor: &Visitor) -> bool {
    visitor.session.proof == Proof::Link && app.now().since(visitor.session.created_at) < LINK_COUNTS
}

#[get("/portal/account")]
pub async fn show(
    app: App,
    language: Language,
    visitor: Visitor,
    query: Query,
) -> Result<Page<Account>, PageError> {
    let words = language.words();
    let done = match query.all("done").next() {
        Some("set") => Some(words.password_was_set),
        Some("removed") => Some(words.password_was_removed),
        _ => None,
    };
    Ok(Page(Account { done, ..Account::new(&app, language, &visitor, Complaints::default())? }))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Sent {
    csrf: String,
    current: String,
    password: String,
}

#[post("/portal/account/password")]
pub async fn set(
    app: App,
    language: Language,
    request: HttpRequest,
    visitor: Visitor,
    sent: web::Form<Sent>,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &visitor.session, Some(&sent.csrf))?;
    let done = async {
        prove(&app, &request, &visitor, &sent.current).await?;
        store(&app, language, &visitor, &sent.password).await
    };
    answer(&app, language, &visitor, done.await, "set")
}

async fn store(app: &App, language: Language, visitor: &Visitor, text: &str) -> Result<()> {
    let own_words = [visitor.contact.name.as_str(), visitor.contact.email().unwrap_or_default()];
    let hash = password::hash_first(app, "password", text, &own_words).await?;
    let (id, keep) = (visitor.id(), visitor.session.hash);
    app.write(move |tx| contact_password::set(tx, id, &hash, &keep, language)).await
}

#[post("/portal/account/password/remove")]
pub async fn remove(
    app: App,
    language: Language,
    request: HttpRequest,
    visitor: Visitor,
    sent: web::Form<Sent>,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &visitor.session, Some(&sent.csrf))?;
    let (id, keep) = (visitor.id(), visitor.session.hash);
    let done = async {
        prove(&app, &request, &visitor, &sent.current).await?;
        app.write(move |tx| contact_password::delete(tx, id, &keep, language)).await
    };
    answer(&app, language, &visitor, done.await, "removed")
}

/// Refuses who gave neither the present password nor came by a link. Who has none has nothing to prove.
async fn prove(app: &App, request: &HttpRequest, visitor: &Visitor, current: &str) -> Result<()> {
    let address = client::address(request, app);
    app.limiter().check(client::network(address))?;
    let is_set = app.read(|s| contact_password::is_set(s, visitor.id()))?;
    if !is_set || came_by_link(app, visitor) {
        return Ok(());
    }
    let email = visitor.contact.email().unwrap_or_default();
    password::confirm_contact(app, email, "current", current, address).await
}

fn answer(
    app: &App,
    language: Language,
    visitor: &Visitor,
    done: Result<()>,
    what: &str,
) -> Result<HttpResponse, PageError> {
    match done {
        Ok(()) => Ok(see_other(&[HERE, "?done=", what].concat())),
        Err(Error::Conflict(_)) => Ok(see_other(HERE)),
        Err(error) => {
            let page = Account::new(app, language, visitor, Complaints::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}
