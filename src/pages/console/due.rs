//! What is left until the next promise of an SLA breaks (contract 25.3), as lists and headlines tell it.

use std::time::Duration;

use crate::db::Snapshot;
use crate::desk::conversation::Conversation;
use crate::desk::sla_policy;
use crate::desk::working_time::{self, Calendar};
use crate::error::Result;
use crate::ids::SlaPolicyId;
use crate::pages::when::{When, Zone};
use crate::time::Timestamp;

/// Green, amber in the last hour, red after; grey while the clock stands still outside working time.
pub struct Due {
    pub class: &'static str,
    pub icon: &'static str,
    pub text: String,
    /// What the colour says, in words.
    pub about: &'static str,
    pub at: When,
}

/// Tells the time of every policy's clock; made once for a page.
pub struct Clock {
    calendar: Calendar,
    /// Their clocks run in working time only.
    by_working_time: Vec<SlaPolicyId>,
}

const LAST: Duration = Duration::from_secs(3600);

impl Clock {
    pub fn new(s: &Snapshot<'_>) -> Result<Self> {
        Ok(Self { calendar: working_time::calendar(s)?, by_working_time: sla_policy::by_working_time(s)? })
    }

    /// Of an open conversation with a target.
    pub fn due(&self, conversation: &Conversation, zone: &Zone, now: Timestamp) -> Option<Due> {
        let at = conversation.sla.next_breach_at.filter(|_| conversation.status.is_open())?;
        let rests = conversation.sla.policy_id.is_some_and(|id| self.by_working_time.contains(&id));
        let left = match rests && now < at {
            true => working_time::between(&self.calendar, now, at),
            false => at.since(now),
        };
        let (class, icon, about, text) = match () {
            () if at <= now => {
                ("due-over", "timer", "Overdue since", [&coarse(now.since(at)), " over"].concat())
            }
            () if rests && !self.calendar.is_open(now) => {
                ("due-paused", "pause", "The clock stands still outside working time. Due", span(left))
            }
            () if left <= LAST => ("due-soon", "timer", "Due soon, at", span(left)),
            () => ("due-good", "timer", "Due", span(left)),
        };
        Some(Due { class, icon, text, about, at: zone.long(at) })
    }
}

/// `40 min`, `3 h 20 min`, `2 d 4 h`.
fn span(span: Duration) -> String {
    let minutes = span.as_secs() / 60;
    match (minutes / 1440, minutes / 60 % 24, minutes % 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// `40 min`, `3 h`, `2 d`: how long ago a promise broke need not be exact.
fn coarse(span: Duration) -> String {
    let minutes = span.as_secs() / 60;
    match (minutes / 1440, minutes / 60) {
        (0, 0) => format!("{minutes} min"),
        (0, hours) => format!("{hours} h"),
        (days, _) => format!("{days} d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_told_in_two_units_at_most() {
        let seconds = |minutes: u64| Duration::from_secs(minutes * 60);
        assert_eq!(span(seconds(40)), "40 min");
        assert_eq!(span(seconds(200)), "3 h 20 min");
        assert_eq!(span(seconds(2 * 1440 + 250)), "2 d 4 h");
    }
}
