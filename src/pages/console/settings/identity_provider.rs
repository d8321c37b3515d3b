//! `/console/settings/identity-provider`: where agents may sign in without a password of ours.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get, post};
use askama::Template;

use super::super::Layout;
use super::field::{Fields, Sent};
use super::{Nav, frame};
use crate::app::App;
use crate::desk::identity_provider::{self, IdentityProvider, IdentityProviderChange};
use crate::error::{Error, Result};
use crate::http::oidc;
use crate::pages::form::Mistakes;
use crate::pages::sign_in_provider::redirect_uri;
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

const HERE: &str = "/console/settings/identity-provider";

#[derive(Template)]
#[template(path = "console/settings/identity_provider.html")]
struct Show {
    layout: Layout,
    nav: Nav,
    provider: Option<IdentityProvider>,
    redirect_uri: String,
    form: Fields,
    mistakes: Mistakes,
}

impl Show {
    fn new(app: &App, signed_in: &SignedIn, form: Option<Fields>, mistakes: Mistakes) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        let provider = app.read(|s| identity_provider::view(s, &signed_in.actor))?;
        let form = form.unwrap_or_else(|| stored(provider.as_ref()));
        Ok(Self { layout, nav, provider, redirect_uri: redirect_uri(app), form, mistakes })
    }
}

fn stored(provider: Option<&IdentityProvider>) -> Fields {
    let mut form = Fields::default();
    if let Some(provider) = provider {
        form.add("name", &provider.name);
        form.add("issuer", &provider.issuer);
        form.add("clientId", &provider.client_id);
        form.add("allowedDomains", provider.allowed_domains.join("\n"));
        form.check("createsAgents", provider.creates_agents);
    }
    form.check("isEnabled", provider.is_none_or(|provider| provider.is_enabled));
    form
}

#[get("/console/settings/identity-provider")]
pub async fn show(app: App, signed_in: SignedIn) -> Result<Page<Show>, PageError> {
    Ok(Page(Show::new(&app, &signed_in, None, Mistakes::default())?))
}

#[post("/console/settings/identity-provider")]
pub async fn save(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let Sent { signed_in, fields } = sent;
    match store(&app, &signed_in, &fields).await {
        Ok(()) => Ok(see_other(HERE)),
        Err(error) => {
            let page = Show::new(&app, &signed_in, Some(fields), Mistakes::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}

/// One that is to be used is asked first whether it is there.
async fn store(app: &App, signed_in: &SignedIn, fields: &Fields) -> Result<()> {
    app.read(|s| identity_provider::view(s, &signed_in.actor))?;
    let change = IdentityProviderChange {
        name: fields.text("name").to_owned(),
        issuer: fields.text("issuer").to_owned(),
        client_id: fields.text("clientId").to_owned(),
        secret: fields.filled("clientSecret"),
        allowed_domains: fields.text("allowedDomains").split([',', '\n']).map(str::to_owned).collect(),
        creates_agents: fields.is_checked("createsAgents"),
        is_enabled: fields.is_checked("isEnabled"),
    };
    if change.is_enabled && !change.issuer.trim().is_empty() {
        let found = oidc::discover(change.issuer.trim()).await;
        found.map_err(|problem| Error::invalid("issuer", format!("cannot be used: it {problem}")))?;
    }
    let (by, vault) = (signed_in.actor.clone(), app.vault().clone());
    app.write(move |tx| identity_provider::set(tx, &by, &vault, &change)).await
}

#[post("/console/settings/identity-provider/delete")]
pub async fn delete(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    app.write(move |tx| identity_provider::delete(tx, &sent.signed_in.actor)).await?;
    Ok(see_other(HERE))
}
