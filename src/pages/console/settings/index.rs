//! `/console/settings`: what there is to set.

use actix_web::get;
use askama::Template;

use super::super::Layout;
use super::{Nav, frame};
use crate::app::App;
use crate::web::{Page, PageError, SignedIn, filters};

#[derive(Template)]
#[template(path = "console/settings/index.html")]
struct Index {
    layout: Layout,
    nav: Nav,
}

#[get("/console/settings")]
pub async fn show(app: App, signed_in: SignedIn) -> Result<Page<Index>, PageError> {
    let (layout, nav) = frame(&app, &signed_in, "")?;
    Ok(Page(Index { layout, nav }))
}
