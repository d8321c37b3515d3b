//! Forms that come back: what was wrong is told beside the field, in the words of `Problem`.

use std::fmt::{self, Write};

use askama::filters::{Html, HtmlSafe, escape};

use crate::error::{Error, Problem, Result};

/// What is wrong with a form that is shown again; empty on a fresh one.
#[derive(Debug, Default)]
pub struct Mistakes(Vec<Problem>);

/// Markup whose text was escaped when it was made.
pub struct Markup(String);

impl Mistakes {
    /// The mistakes that a refusal tells of; any other error is passed on.
    pub fn of(error: Error) -> Result<Self> {
        match error {
            Error::Invalid(problems) => Ok(Self(problems)),
            Error::Conflict(message) | Error::Unavailable(message) | Error::SignInRefused(message) => {
                Ok(Self::general(message))
            }
            error @ Error::TooLarge { .. } => Ok(Self::general(error.to_string())),
            other => Err(other),
        }
    }

    /// A mistake of no field in particular.
    pub fn general(message: impl Into<String>) -> Self {
        Self(vec![Problem { field: String::new(), message: message.into() }])
    }

    /// Keeps the problems of a refused step under names that begin with `prefix`, so that the next step is tried too.
    pub fn gather<T>(&mut self, prefix: &str, result: Result<T>) -> Result<Option<T>> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                let found = Self::of(error)?.0.into_iter();
                self.0.extend(
                    found.map(|problem| Problem { field: [prefix, &problem.field].concat(), ..problem }),
                );
                Ok(None)
            }
        }
    }

    pub fn check(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn find(&self, field: &str) -> Option<&Problem> {
        self.0.iter().find(|problem| problem.field == field)
    }

    /// Attributes for the control of a field.
    pub fn mark(&self, field: &str) -> Markup {
        let marked =
            self.find(field).map(|_| format!(" aria-invalid=\"true\" aria-describedby=\"problem-{field}\""));
        Markup(marked.unwrap_or_default())
    }

    /// The sentence beside the field.
    pub fn tell(&self, field: &str) -> Markup {
        let told = self.find(field).map(|problem| {
            let (url, message) = (crate::web::assets::url("icons.svg"), sentence(&problem.message));
            format!(
                "<p class=\"field-problem\" id=\"problem-{field}\"><svg class=\"icon\" aria-hidden=\"true\">\
                 <use href=\"{url}#circle-alert\"/></svg>{message}</p>"
            )
        });
        Markup(told.unwrap_or_default())
    }

    /// A banner with the mistakes of no field that the page shows; `fields` are those it shows.
    pub fn rest(&self, fields: &[&str]) -> Markup {
        let mut out = String::new();
        for problem in self.0.iter().filter(|problem| !fields.contains(&problem.field.as_str())) {
            let url = crate::web::assets::url("icons.svg");
            let message = match problem.field.as_str() {
                "" => sentence(&problem.message),
                _ => sentence(&problem.to_string()),
            };
            let _ = write!(
                out,
                "<div class=\"banner banner-bad\" role=\"alert\"><svg class=\"icon\" aria-hidden=\"true\">\
                 <use href=\"{url}#circle-alert\"/></svg><p>{message}</p></div>"
            );
        }
        Markup(out)
    }
}

/// As `web::error::sentence`, escaped.
fn sentence(message: &str) -> String {
    let text = crate::web::error::sentence(message);
    escape(&text, Html).map(|safe| safe.0.to_string()).unwrap_or_default()
}

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Markup {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_beside_its_field_and_escaped() {
        let mistakes = Mistakes::of(Error::invalid("email", "'<b>' is not an e-mail address")).unwrap();
        assert!(mistakes.tell("email").0.contains("&#60;b&#62;"));
        assert!(mistakes.mark("email").0.contains("aria-invalid"));
        assert_eq!(mistakes.tell("name").0, "");
        assert_eq!(mistakes.rest(&["email"]).0, "");
        assert!(mistakes.rest(&[]).0.contains("role=\"alert\""));
    }
}
