//! One limiter for everything that checks a secret or sends mail on a stranger's word: failures are counted by the
//! network they come from.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::error::{Error, Result};

pub struct Limiter {
    attempts: RateLimiter<IpAddr, DashMapStateStore<IpAddr>, DefaultClock>,
}

/// Attempts at once, and after that in a minute.
const BURST: NonZeroU32 = NonZeroU32::new(30).expect("30 is not zero");
const PER_MINUTE: NonZeroU32 = NonZeroU32::new(10).expect("10 is not zero");

impl Default for Limiter {
    fn default() -> Self {
        Self { attempts: RateLimiter::keyed(Quota::per_minute(PER_MINUTE).allow_burst(BURST)) }
    }
}

impl Limiter {
    /// Counts an attempt from `network`; `TooMany` when there were too many.
    pub fn check(&self, network: IpAddr) -> Result<()> {
        self.attempts.check_key(&network).map_err(|until| {
            let wait = until.wait_time_from(DefaultClock::default().now());
            Error::TooMany { retry_seconds: wait.as_secs() + 1 }
        })
    }

    /// Forgets networks that have been quiet: called now and then.
    pub fn sweep(&self) {
        self.attempts.retain_recent();
        self.attempts.shrink_to_fit();
    }
}
