//! `/metrics` for Prometheus, on a listener of its own (`--metrics-listen`): what was answered, how mail and jobs fare,
//! how large the file is. Names our own mail accounts and no customer.

use std::time::Instant;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, get};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::ApiError;
use crate::app::App;
use crate::db::Snapshot;
use crate::desk::{email_account, inbound_mail, job, outgoing_mail};
use crate::error::{Error, Result};
use crate::time::Timestamp;

/// What is counted while requests are answered.
#[derive(Debug, Clone)]
pub struct Requests {
    answers: Family<Status, Counter>,
    seconds: Histogram,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Status {
    /// `2xx` and so on.
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    name: String,
}

impl Default for Requests {
    fn default() -> Self {
        Self { answers: Family::default(), seconds: Histogram::new(exponential_buckets(0.000_5, 2.0, 14)) }
    }
}

impl Requests {
    pub fn count(&self, started: Instant, status: StatusCode) {
        let status = match status.as_u16() / 100 {
            2 => "2xx",
            3 => "3xx",
            4 => "4xx",
            _ => "5xx",
        };
        self.answers.get_or_create(&Status { status }).inc();
        self.seconds.observe(started.elapsed().as_secs_f64());
    }
}

#[get("/metrics")]
pub async fn metrics(app: App) -> Result<HttpResponse, ApiError> {
    let requests = app.requests().clone();
    let now = app.now();
    let text = app.scan(move |s| page(s, &requests, now)).await?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(HttpResponse::Ok().content_type(kind).body(text))
}

fn page(s: &Snapshot<'_>, requests: &Requests, now: Timestamp) -> Result<String> {
    let mut registry = Registry::with_prefix("anytime");
    registry.register("http_answers", "Requests answered", requests.answers.clone());
    registry.register_with_unit(
        "http_answer",
        "Time to answer a request",
        Unit::Seconds,
        requests.seconds.clone(),
    );
    named(&mut registry, "inbound_mails", "Mails received, by outcome", inbound_mail::counts(s)?);
    named(&mut registry, "outgoing_mails", "Mails to send and sent, by state", outgoing_mail::counts(s)?);

    let age = |at: Option<Timestamp>| at.map_or(-1, |at| now.since(at).as_secs() as i64);
    let accounts = email_account::list(s, false)?;
    let checks = accounts.iter().map(|account| (account.email.clone(), age(account.last_success_at)));
    let text = "Seconds since mail was last fetched without error; -1 for never";
    named(&mut registry, "email_account_success_age_seconds", text, checks.collect());
    let failures = accounts.iter().map(|account| (account.email.clone(), account.failures)).collect();
    named(&mut registry, "email_account_failures", "Failed checks since the last success", failures);

    let sent = accounts.iter().map(|account| (account.email.clone(), age(account.sending.last_success_at)));
    let text = "Seconds since the account's server took a mail; -1 for never";
    named(&mut registry, "email_account_send_success_age_seconds", text, sent.collect());
    let failures = accounts.iter().map(|account| (account.email.clone(), account.sending.failures)).collect();
    named(&mut registry, "email_account_send_failures", "Failures of sending since a mail left", failures);
    let stopped = accounts.iter().map(|account| {
        (account.email.clone(), i64::from(account.is_stopped() || account.sending.is_stopped()))
    });
    let text = "1 when sign-ins were refused so often that nothing is tried any more";
    named(&mut registry, "email_account_stopped", text, stopped.collect());

    let jobs = job::list(s)?;
    let ages = jobs.iter().map(|job| (job.name.clone(), age(job.last_finished_at))).collect();
    named(&mut registry, "job_age_seconds", "Seconds since the job last noted a run", ages);
    let failed = jobs.iter().map(|job| (job.name.clone(), i64::from(job.last_error.is_some()))).collect();
    named(&mut registry, "job_failing", "1 when the job's last run failed", failed);

    let bytes = Gauge::<i64>::default();
    bytes.set(s.number("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()", [])?);
    registry.register_with_unit("database", "Size of the database", Unit::Bytes, bytes);
    let mut text = String::new();
    encode(&mut text, &registry).map_err(Error::internal)?;
    Ok(text)
}

fn named(registry: &mut Registry, name: &str, help: &str, values: Vec<(String, i64)>) {
    let family = Family::<Named, Gauge>::default();
    for (name, value) in values {
        family.get_or_create(&Named { name }).set(value);
    }
    registry.register(name, help, family);
}
