//! Envelopes (contract 1.3): resources below `/anytime` are wrapped, public ones are bare. A resource that is reachable
//! both ways asks `Face` which way it was called.

use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, dev::Payload};
use serde::Serialize;
use serde_json::{Map, Value};

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
    pub fn wrap(self, key: &str, value: impl Serialize) -> HttpResponse {
        HttpResponse::Ok().json(self.body(key, value))
    }

    /// 201 with the new object and where it is.
    pub fn created(self, key: &str, location: &str, value: impl Serialize) -> HttpResponse {
        HttpResponse::Created().insert_header((header::LOCATION, location)).json(self.body(key, value))
    }

    fn body(self, key: &str, value: impl Serialize) -> Value {
        let value = serde_json::to_value(value).unwrap_or_default();
        match self {
            Self::Public => value,
            Self::Anytime => Value::Object(Map::from_iter([(key.to_owned(), value)])),
        }
    }
}
