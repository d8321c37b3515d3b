//! Envelopes (contract 1.3): resources below `/anytime` are wrapped, public ones are bare. A resource that is reachable
//! both ways asks `Face` which way it was called.

use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder, dev::Payload};
use serde::Serialize;

/// How the caller addressed a resource that has two addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    /// `/api/v3/tags`: bare.
    Public,
    /// `/api/v3/anytime/tags`: wrapped under the noun.
    Anytime,
}

impl FromRequest for Face {
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let face = request.extensions().get::<Face>().copied().unwrap_or(Face::Public);
        std::future::ready(Ok(face))
    }
}

impl Face {
    /// A list or an object, wrapped under `key` where the address asks for it.
    pub fn wrap(self, key: &'static str, value: impl Serialize) -> HttpResponse {
        self.answer(HttpResponse::Ok(), key, value)
    }

    /// 201 with the new object and where it is.
    pub fn created(self, key: &'static str, location: &str, value: impl Serialize) -> HttpResponse {
        let mut builder = HttpResponse::Created();
        builder.insert_header((header::LOCATION, location));
        self.answer(builder, key, value)
    }

    fn answer(
        self,
        mut builder: HttpResponseBuilder,
        key: &'static str,
        value: impl Serialize,
    ) -> HttpResponse {
        match self {
            Self::Public => builder.json(value),
            Self::Anytime => builder.json(Wrapped { key, value }),
        }
    }
}

/// `{key: value}`.
struct Wrapped<T> {
    key: &'static str,
    value: T,
}

impl<T: Serialize> Serialize for Wrapped<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.key, &self.value)])
    }
}
