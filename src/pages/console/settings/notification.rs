//! `/console/settings/notifications`: what an agent is told, and how.

use actix_web::{HttpResponse, get, post};
use askama::Template;

use super::super::Layout;
use super::field::Sent;
use super::{Nav, frame};
use crate::app::App;
use crate::desk::notice::Kind;
use crate::desk::notice::choice::{self, Choice};
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

const HERE: &str = "/console/settings/notifications";

#[derive(Template)]
#[template(path = "console/settings/notifications.html")]
struct Show {
    layout: Layout,
    nav: Nav,
    email: String,
    choices: Vec<Choice>,
}

impl Show {
    /// A kind in the words of people, and when it comes.
    fn words(&self, choice: &Choice) -> (&'static str, &'static str) {
        match choice.kind {
            Kind::Assigned => ("A conversation is given to you", "By a colleague or by a rule."),
            Kind::Mentioned => ("Somebody mentions you", "With @ and your name, in a note."),
            Kind::Replied => ("An answer in your conversation", "By the customer or a colleague."),
            Kind::SlaNear => ("Your conversation is due soon", "Within the hour."),
            Kind::SlaBreached => {
                ("Your conversation is overdue", "A target of its service level was missed.")
            }
            Kind::AccountFailing => {
                ("An e-mail account fails", "Three times in a row; only for those who manage accounts.")
            }
        }
    }
}

#[get("/console/settings/notifications")]
pub async fn show(app: App, signed_in: SignedIn) -> Result<Page<Show>, PageError> {
    let (layout, nav) = frame(&app, &signed_in, HERE)?;
    let choices = app.read(|s| choice::all(s, signed_in.agent.id))?;
    Ok(Page(Show { layout, nav, email: signed_in.agent.email, choices }))
}

#[post("/console/settings/notifications")]
pub async fn save(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let choices: Vec<Choice> = Kind::ALL
        .into_iter()
        .map(|kind| Choice {
            kind,
            in_page: sent.fields.has("inPage", kind.name()),
            in_browser: sent.fields.has("inBrowser", kind.name()),
            by_mail: sent.fields.has("byMail", kind.name()),
        })
        .collect();
    app.write(move |tx| choice::set(tx, &sent.signed_in.actor, &choices)).await?;
    Ok(see_other(HERE))
}
