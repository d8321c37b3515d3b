//! `/console/settings/security`: an agent's password, two-step sign-in, sessions, and the programs that act for them.

use std::net::IpAddr;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use askama::Template;

use super::super::Layout;
use super::field::Sent;
use super::{Nav, frame};
use crate::app::App;
use crate::desk::second_factor::{self, Enrolment};
use crate::desk::session::{self, Listed, Owner};
use crate::desk::{agent, oauth_grant, site};
use crate::error::Result;
use crate::ids::OauthGrantId;
use crate::pages::form::Mistakes;
use crate::pages::when::Zone;
use crate::time::Timestamp;
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, client, filters, password};

const HERE: &str = "/console/settings/security";

#[derive(Template)]
#[template(path = "console/settings/security.html")]
struct SecurityPage {
    layout: Layout,
    nav: Nav,
    zone: Zone,
    now: Timestamp,
    mistakes: Mistakes,
    is_on: bool,
    codes_left: i64,
    /// An app that waits to be confirmed.
    enrolment: Option<Enrolment>,
    /// Its picture: SVG of our own making.
    clean_qr: String,
    /// Recovery codes just made: shown this once.
    fresh_codes: Vec<String>,
    here: [u8; 32],
    sessions: Vec<Listed>,
    programs: Vec<oauth_grant::Listed>,
}

impl SecurityPage {
    fn new(app: &App, signed_in: &SignedIn, mistakes: Mistakes) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        let (agent, now, vault) = (&signed_in.agent, app.now(), app.vault());
        let (is_on, codes_left, enrolment, sessions, programs) = app.read(|s| {
            let site = site::get(s)?.name;
            Ok((
                second_factor::is_on(s, agent.id)?,
                second_factor::recovery_codes_left(s, agent.id)?,
                second_factor::enrolment(s, vault, agent.id, &agent.email, &site)?,
                session::of_agent(s, agent.id, now)?,
                oauth_grant::of_agent(s, agent.id, now)?,
            ))
        })?;
        Ok(Self {
            layout,
            nav,
            zone: Zone::of_agent(signed_in),
            now,
            mistakes,
            is_on,
            codes_left,
            clean_qr: enrolment.as_ref().map(|enrolment| enrolment.qr.clone()).unwrap_or_default(),
            enrolment,
            fresh_codes: Vec::new(),
            here: signed_in.session.hash,
            sessions,
            programs,
        })
    }

    fn is_here(&self, session: &Listed) -> bool {
        session.hash == self.here
    }

    fn device(&self, session: &Listed) -> String {
        device(&session.user_agent)
    }
}

/// The page again, with what was wrong.
fn refused(app: &App, signed_in: &SignedIn, error: crate::error::Error) -> Result<HttpResponse, PageError> {
    let page = SecurityPage::new(app, signed_in, Mistakes::of(error)?)?;
    Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
}

/// The page with recovery codes just made.
fn with_codes(app: &App, signed_in: &SignedIn, codes: Vec<String>) -> Result<HttpResponse, PageError> {
    let page = SecurityPage::new(app, signed_in, Mistakes::default())?;
    Ok(Page(SecurityPage { fresh_codes: codes, ..page }).with_status(StatusCode::OK))
}

#[get("/console/settings/security")]
pub async fn show(app: App, signed_in: SignedIn) -> Result<Page<SecurityPage>, PageError> {
    Ok(Page(SecurityPage::new(&app, &signed_in, Mistakes::default())?))
}

/// Every other session of the agent ends; this one goes on.
#[post("/console/settings/security/password")]
pub async fn change_password(app: App, request: HttpRequest, sent: Sent) -> Result<HttpResponse, PageError> {
    let address = counted(&app, &request)?;
    match replace_password(&app, &sent, address).await {
        Ok(()) => Ok(see_other(HERE)),
        Err(error) => refused(&app, &sent.signed_in, error),
    }
}

async fn replace_password(app: &App, sent: &Sent, address: IpAddr) -> Result<()> {
    let agent = &sent.signed_in.agent;
    let (current, new) = (sent.fields.text("currentPassword"), sent.fields.text("newPassword"));
    password::confirm(app, agent, "currentPassword", current, address).await?;
    let hash = password::hash_next(app, agent, "newPassword", new).await?;
    let (by, id, keep) = (sent.signed_in.actor.clone(), agent.id, sent.signed_in.session.hash);
    app.write(move |tx| agent::set_password(tx, &by, id, &hash, Some(&keep))).await
}

/// The client's address, after an attempt at a secret was counted.
fn counted(app: &App, request: &HttpRequest) -> Result<IpAddr> {
    let address = client::address(request, app);
    app.limiter().check(client::network(address))?;
    Ok(address)
}

/// Needs the password: a session that somebody else got hold of is no way to lock its owner out.
#[post("/console/settings/security/two-step")]
pub async fn begin(app: App, request: HttpRequest, sent: Sent) -> Result<HttpResponse, PageError> {
    if let Err(error) = proved(&app, &request, &sent).await {
        return refused(&app, &sent.signed_in, error);
    }
    let (by, vault) = (sent.signed_in.actor, app.vault().clone());
    app.write(move |tx| second_factor::begin(tx, &by, &vault)).await?;
    Ok(see_other(&[HERE, "#two-step"].concat()))
}

#[post("/console/settings/security/two-step/cancel")]
pub async fn cancel(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    app.write(move |tx| second_factor::cancel(tx, &sent.signed_in.actor)).await?;
    Ok(see_other(HERE))
}

#[post("/console/settings/security/two-step/confirm")]
pub async fn confirm(app: App, request: HttpRequest, sent: Sent) -> Result<HttpResponse, PageError> {
    counted(&app, &request)?;
    let (by, vault) = (sent.signed_in.actor.clone(), app.vault().clone());
    let code = sent.fields.text("code").to_owned();
    match app.write(move |tx| second_factor::confirm(tx, &by, &vault, &code)).await {
        Ok(codes) => with_codes(&app, &sent.signed_in, codes),
        Err(error) => refused(&app, &sent.signed_in, error),
    }
}

#[post("/console/settings/security/two-step/codes")]
pub async fn renew_codes(app: App, request: HttpRequest, sent: Sent) -> Result<HttpResponse, PageError> {
    match proved(&app, &request, &sent).await {
        Ok(code) => {
            let (by, vault) = (sent.signed_in.actor.clone(), app.vault().clone());
            match app.write(move |tx| second_factor::renew_codes(tx, &by, &vault, &code)).await {
                Ok(codes) => with_codes(&app, &sent.signed_in, codes),
                Err(error) => refused(&app, &sent.signed_in, error),
            }
        }
        Err(error) => refused(&app, &sent.signed_in, error),
    }
}

#[post("/console/settings/security/two-step/off")]
pub async fn turn_off(app: App, request: HttpRequest, sent: Sent) -> Result<HttpResponse, PageError> {
    let done = match proved(&app, &request, &sent).await {
        Ok(code) => {
            let (by, vault) = (sent.signed_in.actor.clone(), app.vault().clone());
            app.write(move |tx| second_factor::turn_off(tx, &by, &vault, &code)).await
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(see_other(HERE)),
        Err(error) => refused(&app, &sent.signed_in, error),
    }
}

/// The code, once the password beside it was right.
async fn proved(app: &App, request: &HttpRequest, sent: &Sent) -> Result<String> {
    let address = counted(app, request)?;
    let given = sent.fields.text("password");
    password::confirm(app, &sent.signed_in.agent, "password", given, address).await?;
    Ok(sent.fields.text("code").to_owned())
}

#[post("/console/settings/security/sessions")]
pub async fn end_other_sessions(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let (id, keep) = (sent.signed_in.agent.id, sent.signed_in.session.hash);
    app.write(move |tx| session::end_others(tx, Owner::Agent(id), &keep)).await?;
    Ok(see_other(&[HERE, "#sessions"].concat()))
}

#[post("/console/settings/security/sessions/{name}/end")]
pub async fn end_session(app: App, name: web::Path<String>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (id, name) = (sent.signed_in.agent.id, name.into_inner());
    app.write(move |tx| session::end(tx, id, &name)).await?;
    Ok(see_other(&[HERE, "#sessions"].concat()))
}

#[post("/console/settings/security/programs/{id}/end")]
pub async fn withdraw(app: App, id: web::Path<OauthGrantId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let id = *id;
    app.write(move |tx| oauth_grant::withdraw(tx, &sent.signed_in.actor, id)).await?;
    Ok(see_other(&[HERE, "#programs"].concat()))
}

/// Browser and system, as far as a browser says.
fn device(user_agent: &str) -> String {
    let first = |known: &[(&str, &'static str)]| {
        known.iter().find(|(mark, _)| user_agent.contains(mark)).map(|(_, name)| *name)
    };
    // The order matters: browsers claim to be others, too.
    let browser = first(&[
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("CriOS/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
        ("curl/", "curl"),
    ]);
    let system = first(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(name), None) | (None, Some(name)) => name.to_owned(),
        (None, None) => "An unknown program".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_named_in_words() {
        for (user_agent, words) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36 Edg/141.0",
                "Edge on Windows",
            ),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
                "Safari on iPhone",
            ),
            ("", "An unknown program"),
        ] {
            assert_eq!(device(user_agent), words);
        }
    }
}
