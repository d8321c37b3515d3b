//! Limits by the network that requests come from: on everything that checks a secret or sends mail on a stranger's
//! word, where failures are counted; and, if it is switched on, on all requests to the API (contract 1.7).

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{ResponseError, web};
use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::{ApiError, client};
use crate::app::App;
use crate::error::{Error, Result};

pub struct Limiter {
    attempts: Buckets,
    requests: Option<Buckets>,
}

type Buckets = RateLimiter<IpAddr, DashMapStateStore<IpAddr>, DefaultClock>;

/// Attempts at once, and after that in a minute.
const BURST: NonZeroU32 = NonZeroU32::new(30).expect("30 is not zero");
const PER_MINUTE: NonZeroU32 = NonZeroU32::new(10).expect("10 is not zero");
/// What the limit on requests is counted in.
const WINDOW: Duration = Duration::from_secs(300);

impl Limiter {
    /// `requests`: how many one network may make in five minutes.
    pub fn new(requests: Option<NonZeroU32>) -> Self {
        let quota = |requests: NonZeroU32| {
            let quota = Quota::with_period(WINDOW / requests.get())?;
            Some(RateLimiter::keyed(quota.allow_burst(requests)))
        };
        Self {
            attempts: RateLimiter::keyed(Quota::per_minute(PER_MINUTE).allow_burst(BURST)),
            requests: requests.and_then(quota),
        }
    }

    /// Counts an attempt from `network`; `TooMany` when there were too many.
    pub fn check(&self, network: IpAddr) -> Result<()> {
        count(&self.attempts, network)
    }

    /// Counts a request to the API.
    fn check_request(&self, network: IpAddr) -> Result<()> {
        self.requests.as_ref().map_or(Ok(()), |requests| count(requests, network))
    }

    /// Forgets networks that have been quiet: called now and then.
    pub fn sweep(&self) {
        for buckets in [Some(&self.attempts), self.requests.as_ref()].into_iter().flatten() {
            buckets.retain_recent();
            buckets.shrink_to_fit();
        }
    }
}

fn count(buckets: &Buckets, network: IpAddr) -> Result<()> {
    buckets.check_key(&network).map_err(|until| {
        let wait = until.wait_time_from(DefaultClock::default().now());
        Error::TooMany { retry_seconds: wait.as_secs() + 1 }
    })
}

/// Middleware: refuses requests to the API beyond the limit, before anything else is done for them.
pub async fn api(
    app: web::Data<App>,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let is_api = ["/api/", "/oauth/"].iter().any(|start| request.path().starts_with(start));
    if is_api
        && let Err(error) =
            app.limiter().check_request(client::network(client::address(request.request(), &app)))
    {
        let answer = ApiError(error).error_response().map_into_right_body();
        return Ok(request.into_response(answer));
    }
    Ok(next.call(request).await?.map_into_left_body())
}
