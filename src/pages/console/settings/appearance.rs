//! `/console/settings/appearance`: name, logo and colour of the portal, with a preview.

use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, get, post};
use askama::Template;

use super::super::Layout;
use super::field::Fields;
use super::{Nav, frame};
use crate::app::App;
use crate::desk::appearance::{self, Appearance, AppearanceChange, NewLogo};
use crate::desk::shade::Shades;
use crate::desk::site::{self, ProfileChange};
use crate::error::Result;
use crate::pages::form::Mistakes;
use crate::web::page::see_other;
use crate::web::upload::{self, Form};
use crate::web::{Page, PageError, SignedIn, csrf, filters};

const HERE: &str = "/console/settings/appearance";

#[derive(Template)]
#[template(path = "console/settings/appearance.html")]
struct AppearancePage {
    layout: Layout,
    nav: Nav,
    appearance: Appearance,
    /// What the stored colour becomes where it must be read.
    shades: Option<Shades>,
    form: Fields,
    mistakes: Mistakes,
}

impl AppearancePage {
    fn new(app: &App, signed_in: &SignedIn, form: Option<Fields>, mistakes: Mistakes) -> Result<Self> {
        let (layout, nav) = frame(app, signed_in, HERE)?;
        let (appearance, site) = app.read(|s| Ok((appearance::get(s)?, site::get(s)?)))?;
        let form = form.unwrap_or_else(|| {
            Fields::of([("siteName", site.name), ("color", appearance.color.clone().unwrap_or_default())])
        });
        let shades = appearance.color.as_deref().and_then(Shades::of);
        Ok(Self { layout, nav, appearance, shades, form, mistakes })
    }
}

#[get("/console/settings/appearance")]
pub async fn show(app: App, signed_in: SignedIn) -> Result<Page<AppearancePage>, PageError> {
    Ok(Page(AppearancePage::new(&app, &signed_in, None, Mistakes::default())?))
}

#[post("/console/settings/appearance")]
pub async fn save(
    app: App,
    signed_in: SignedIn,
    request: HttpRequest,
    multipart: Multipart,
) -> Result<HttpResponse, PageError> {
    let check = |form: &Form| csrf::check(&request, &signed_in.session, Some(form.text("csrf")));
    let (form, files) = upload::read_in_memory(multipart, check).await?;
    let by = signed_in.actor.clone();
    let uploaded = files.into_iter().find(|file| file.field == "logo");
    let logo = match uploaded {
        Some(file) => Some(NewLogo::Uploaded(file.bytes)),
        None if form.text("removeLogo") == "on" => Some(NewLogo::Removed),
        None => None,
    };
    let color = match form.text("ownColor") {
        "on" => String::new(),
        _ => form.text("color").to_owned(),
    };
    let change = AppearanceChange { color: Some(color), logo };
    let profile = ProfileChange { name: Some(form.text("siteName").to_owned()), ..ProfileChange::default() };
    let saved = app
        .write(move |tx| {
            site::change_profile(tx, &by, &profile)?;
            appearance::update(tx, &by, &change)
        })
        .await;
    match saved {
        Ok(_) => Ok(see_other(HERE)),
        Err(error) => {
            let mut fields = Fields::default();
            for (name, value) in &form.fields {
                fields.add(name, value);
            }
            let page = AppearancePage::new(&app, &signed_in, Some(fields), Mistakes::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}
