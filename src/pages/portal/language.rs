//! Choosing the portal's language.

use actix_web::{HttpResponse, post, web};
use serde::Deserialize;

use super::home::REQUESTS;
use crate::app::App;
use crate::desk::contact;
use crate::error::Error;
use crate::language::Language;
use crate::web::auth::local_path;
use crate::web::language::remember;
use crate::web::page::see_other;
use crate::web::{PageError, Visitor};

#[derive(Deserialize)]
struct Chosen {
    #[serde(default)]
    language: String,
    #[serde(default)]
    back: String,
}

/// Remembered in this browser, and for mail to whoever is signed in.
#[post("/portal/language")]
pub async fn choose(
    app: App,
    visitor: Option<Visitor>,
    chosen: web::Form<Chosen>,
) -> Result<HttpResponse, PageError> {
    let home = if visitor.is_some() { REQUESTS } else { "/portal" };
    let mut answer = see_other(local_path(Some(&chosen.back), home));
    let Some(language) = Language::parse(&chosen.language) else { return Ok(answer) };
    if let Some(visitor) = visitor {
        let id = visitor.id();
        app.write(move |tx| contact::speaks(tx, id, language)).await?;
    }
    answer.add_cookie(&remember(language)).map_err(Error::internal)?;
    Ok(answer)
}
