//! Forms of the settings: fields by the names that `desk` uses for its problems, so that a form can come back filled in
//! with each problem beside its field.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;

use crate::desk::kept_answer::SentForm;
use crate::web::{PageError, SignedIn, csrf};

/// A form's fields, in order; a box that is not checked is not there.
#[derive(Debug, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    pub fn of<const N: usize>(fields: [(&str, String); N]) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The same again, for a form that comes back.
    pub fn from_pairs(pairs: &[(String, String)]) -> Self {
        Self(pairs.to_vec())
    }

    pub fn add(&mut self, name: &str, value: impl ToString) {
        self.0.push((name.to_owned(), value.to_string()));
    }

    /// Adds a box that is checked, or nothing.
    pub fn check(&mut self, name: &str, is_checked: bool) {
        if is_checked {
            self.add(name, "on");
        }
    }

    /// The first value; empty when it is not there.
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Every value of a name, in order.
    pub fn each(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// For changes, where every field that the form has is set.
    pub fn own(&self, name: &str) -> Option<String> {
        Some(self.text(name).to_owned())
    }

    /// `None` for an empty field, so that it is left alone.
    pub fn filled(&self, name: &str) -> Option<String> {
        self.own(name).filter(|text| !text.trim().is_empty())
    }

    pub fn is_checked(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// Whether the list of boxes `name` has `value` checked.
    pub fn has(&self, name: &str, value: impl ToString) -> bool {
        let value = value.to_string();
        self.0.iter().any(|(key, text)| key == name && *text == value)
    }

    /// All of it, as it was sent.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// Every value of a field.
    pub fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect()
    }

    /// The values of a list of boxes that are ids.
    pub fn ids(&self, name: &str) -> impl Iterator<Item = i64> {
        self.0.iter().filter(move |(key, _)| key == name).filter_map(|(_, value)| value.parse().ok())
    }
}

/// A form that a signed-in agent sent, checked against forgery.
pub struct Sent {
    pub signed_in: SignedIn,
    pub fields: Fields,
}

impl Sent {
    /// For `kept_answer::once`.
    pub fn form(&self) -> SentForm {
        let fields = self.fields.0.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        SentForm::new(self.signed_in.agent.id, self.fields.text("token"), fields)
    }
}

impl FromRequest for Sent {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let signed_in = SignedIn::from_request(request, payload);
        let form = web::Form::<Vec<(String, String)>>::from_request(request, payload);
        let request = request.clone();
        async move {
            let signed_in = signed_in.await?;
            let fields = Fields(form.await?.into_inner());
            csrf::check(&request, &signed_in.session, Some(fields.text("csrf"))).map_err(PageError)?;
            Ok(Self { signed_in, fields })
        }
        .boxed_local()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_checked_by_being_there() {
        let mut fields = Fields::of([("name", "Support".to_owned())]);
        fields.check("isAvailable", false);
        fields.add("agents", 3);
        fields.add("agents", "x");
        assert!(!fields.is_checked("isAvailable"));
        assert!(fields.has("agents", 3));
        assert_eq!(fields.ids("agents").collect::<Vec<_>>(), [3]);
        assert_eq!(fields.filled("missing"), None);
    }
}
