//! Looks into the DNS whether the record of a signing key is published, for an administrator who asks.

use crate::app::App;
use crate::desk::dkim_key::DkimKey;
use crate::mail::dns::{self, DnsError};

/// What was found at the record's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    Published,
    /// Something else is there, or nothing.
    Different(Vec<String>),
    Unknown(String),
}

pub async fn check(app: &App, key: &DkimKey) -> Found {
    let name = key.record_name();
    let records = tokio::select! {
        records = dns::txt(&name) => records,
        () = app.stopping().cancelled() => return Found::Unknown("the server is stopping".to_owned()),
    };
    match records {
        Ok(records) if key.is_published(&records) => Found::Published,
        Ok(records) => Found::Different(records),
        Err(DnsError::NoName) => Found::Different(Vec::new()),
        Err(error) => Found::Unknown(error.to_string()),
    }
}
