//! The portal: where contacts write to the desk and follow what they wrote. They sign in by a link that is mailed to
//! them, or with a password if they set one. What a contact may see and do is decided by `desk`; notes and strangers'
//! mail never get here.

mod account;
mod attachment;
mod conversation;
mod home;
mod language;
pub mod look;
mod new;
mod password;
mod sign_in;

use actix_web::web::ServiceConfig;

use crate::app::App;
use crate::desk::appearance::{self, Appearance};
use crate::desk::site::{self, Site};
use crate::error::{Error, Problem, Result};
use crate::language::{Language, Words};
use crate::pages::when::{When, Zone};
use crate::time::Timestamp;
use crate::web::Visitor;

pub fn routes(config: &mut ServiceConfig) {
    config
        .service(look::css)
        .service(look::logo)
        .service(home::home)
        .service(home::sign_in)
        .service(language::choose)
        .service(sign_in::ask)
        // Before the links, whose tokens stand in the same place.
        .service(password::show)
        .service(password::submit)
        .service(account::show)
        .service(account::set)
        .service(account::remove)
        .service(sign_in::show)
        .service(sign_in::redeem)
        .service(sign_in::sign_out)
        .service(new::show)
        .service(new::submit)
        .service(conversation::list)
        .service(conversation::show)
        .service(conversation::answer)
        .service(conversation::close)
        .service(conversation::reopen)
        .service(conversation::mark_read)
        .service(conversation::mark_unread)
        .service(attachment::download);
}

/// What every page of the portal shows around its content.
struct Frame {
    site: String,
    appearance: Appearance,
    zone: Zone,
    /// The session's form secret; `None` on the pages of people who have not signed in.
    csrf: Option<String>,
    /// The entry of the navigation that is open.
    here: &'static str,
    language: Language,
    words: &'static Words,
}

impl Frame {
    fn new(app: &App, language: Language, visitor: Option<&Visitor>, here: &'static str) -> Result<Self> {
        let (Site { name, time_zone, .. }, appearance) =
            app.read(|s| Ok((site::get(s)?, appearance::get(s)?)))?;
        let zone = visitor.and_then(|visitor| visitor.contact.time_zone.clone()).unwrap_or(time_zone);
        Ok(Self {
            site: name,
            appearance,
            zone: Zone::of_reader(&zone, language),
            language,
            words: language.words(),
            csrf: visitor.map(|visitor| visitor.session.csrf.clone()),
            here,
        })
    }

    fn csrf(&self) -> &str {
        self.csrf.as_deref().unwrap_or_default()
    }

    /// Every language there is, for choosing one.
    fn languages(&self) -> [Language; 6] {
        Language::ALL
    }

    fn when(&self, at: &Timestamp) -> When {
        self.zone.long(*at)
    }
}

/// Stands for a sentence of the page's language.
const TOO_LARGE: &str = "too large";

/// What is wrong with a form, as sentences beside its fields.
#[derive(Default)]
struct Complaints(Vec<Problem>);

impl Complaints {
    /// The problems a person can mend in the form they sent; every other error is passed on.
    fn of(error: Error) -> Result<Self> {
        match error {
            Error::Invalid(problems) => Ok(Self(problems)),
            Error::TooLarge { .. } => {
                let message = TOO_LARGE.to_owned();
                Ok(Self(vec![Problem { field: "file".to_owned(), message }]))
            }
            other => Err(other),
        }
    }

    /// About `subject`, `body` or `file`, in the language of the page.
    fn about(&self, field: &str, words: &'static Words) -> Option<&'static str> {
        let is_about = |problem: &&Problem| match field {
            "body" => matches!(problem.field.as_str(), "plainBody" | "htmlBody"),
            "file" => problem.field == "file" || problem.field.starts_with("attachments"),
            field => problem.field == field,
        };
        self.0.iter().find(is_about).map(|problem| in_words(&problem.message, words))
    }
}

/// What `desk` says is wrong with a field, in the reader's language.
fn in_words(message: &str, words: &'static Words) -> &'static str {
    let says = |part: &str| message.contains(part);
    match () {
        () if message == TOO_LARGE => words.too_large,
        () if says("is required") => words.fill_in,
        () if says("is longer than") => words.too_long,
        () if says("number") => words.number,
        () if says("is not a date") => words.date,
        () if says("is not a URL") => words.web_address,
        () if says("is not an e-mail address") => words.no_address,
        () if says("needs at least") => words.too_short,
        () if says("needs three of") => words.too_simple,
        () if says("is too easy to guess") => words.too_easy,
        () if says("is not your password") => words.not_password,
        () => words.wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_is_told_in_the_readers_language() {
        let told = |message: &str| in_words(message, Language::De.words());
        assert_eq!(told("'x' of 'Order' is not a whole number"), "Bitte eine Zahl eingeben.");
        assert_eq!(told("is longer than 256 characters"), "Das ist zu lang.");
        assert_eq!(told("is something new"), "Bitte noch einmal prüfen.");
    }

    #[test]
    fn an_empty_field_is_asked_for_in_words_of_the_form() {
        let complaints = Complaints::of(Error::invalid("plainBody", "or 'htmlBody' is required"));
        assert_eq!(complaints.unwrap().about("body", Language::En.words()), Some("Please fill this in."));
        assert!(Complaints::of(Error::not_found("conversation", 7)).is_err());
    }
}
