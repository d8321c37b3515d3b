//! `/portal`: a welcome and the form that asks for a sign-in link.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get};
use askama::Template;

use super::Frame;
use crate::app::App;
use crate::language::Language;
use crate::web::auth::local_path;
use crate::web::page::see_other;
use crate::web::{Page, PageError, Query, Visitor, filters};

pub const REQUESTS: &str = "/portal/conversations";

#[derive(Template)]
#[template(path = "portal/home.html")]
pub struct Home<'a> {
    frame: Frame,
    email: &'a str,
    /// Where to go after signing in.
    next: &'a str,
    problem: Option<&'a str>,
    /// When the form was first shown, as it comes back.
    pub shown_at: i64,
}

impl<'a> Home<'a> {
    pub fn new(
        app: &App,
        language: Language,
        email: &'a str,
        next: &'a str,
        problem: Option<&'a str>,
    ) -> Result<Self, PageError> {
        Ok(Self {
            frame: Frame::new(app, language, None, "sign in")?,
            email,
            next,
            problem,
            shown_at: app.now().millis(),
        })
    }
}

#[get("/portal")]
pub async fn home(app: App, language: Language, visitor: Option<Visitor>) -> Result<HttpResponse, PageError> {
    match visitor {
        Some(_) => Ok(see_other(REQUESTS)),
        None => Ok(Page(Home::new(&app, language, "", REQUESTS, None)?).with_status(StatusCode::OK)),
    }
}

#[get("/portal/sign-in")]
pub async fn sign_in(
    app: App,
    language: Language,
    visitor: Option<Visitor>,
    query: Query,
) -> Result<HttpResponse, PageError> {
    let next = local_path(query.all("next").next(), REQUESTS);
    match visitor {
        Some(_) => Ok(see_other(next)),
        None => Ok(Page(Home::new(&app, language, "", next, None)?).with_status(StatusCode::OK)),
    }
}
