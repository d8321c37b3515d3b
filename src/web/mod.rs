//! HTTP plumbing that the API and the pages share: who is calling, error faces, bodies and query strings, paging,
//! uploads, forgery protection, static files, live streams.

pub mod assets;
pub mod auth;
pub mod client;
pub mod csrf;
pub mod csv;
pub mod download;
pub mod error;
pub mod etag;
pub mod filters;
pub mod json;
pub mod language;
pub mod limit;
pub mod live;
pub mod metrics;
pub mod page;
pub mod paging;
pub mod password;
pub mod path;
pub mod query;
pub mod security;
pub mod upload;

pub use auth::{Caller, SignedIn, Visitor};
pub use error::{ApiError, PageError};
pub use json::Json;
pub use page::Page;
pub use query::Query;
