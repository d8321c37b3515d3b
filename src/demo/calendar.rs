//! The demo's sense of time: instants before now with the rhythm of a working week in the company's time
//! zone.

use std::time::Duration;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;

use super::company;
use super::random::Random;
use crate::error::{Error, Result};
use crate::time::Timestamp;

const DAY_MINUTES: u64 = 24 * 60;

pub fn minutes(count: u64) -> Duration {
    Duration::from_secs(count * 60)
}

pub fn days(count: u64) -> Duration {
    minutes(count * DAY_MINUTES)
}

pub struct Calendar {
    now: Timestamp,
    zone: TimeZone,
    today: Date,
}

impl Calendar {
    pub fn new(now: Timestamp) -> Result<Self> {
        let zone = TimeZone::get(company::TIME_ZONE).map_err(Error::internal)?;
        let today = now.to_jiff().to_zoned(zone.clone()).date();
        Ok(Self { now, zone, today })
    }

    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A time of day on the `count`th working day before today.
    pub fn working_day(&self, count: u32, hour: i8, minute: i8) -> Timestamp {
        let mut date = self.today;
        let mut left = count;
        while 0 < left {
            date = date.saturating_sub(1.day());
            if !is_weekend(date) {
                left -= 1;
            }
        }
        self.at(date, i64::from(hour) * 60 + i64::from(minute))
    }

    /// When a customer writes, about `age_days` ago: mostly on weekdays, mostly by day, some in the evening.
    pub fn customer_time(&self, random: &mut Random, age_days: f64) -> Timestamp {
        let mut date = self.today.saturating_sub((age_days as i64).days());
        if is_weekend(date) && random.chance(0.65) {
            date = date.saturating_sub(random.between(2, 5).days());
        }
        let noon = *random.pick(&[10.5, 10.5, 15.0, 15.0, 20.0]);
        let minute = ((noon + 1.6 * random.normal()) * 60.0).clamp(0.0, 1439.0) as i64;
        let at = self.at(date, minute);
        if at < self.now { at } else { self.now.minus(minutes(random.between(3, 240) as u64)) }
    }

    /// `after` plus `wait_minutes`, put off to the next morning on a working day when the desk is closed
    /// then.
    pub fn working_time(&self, random: &mut Random, after: Timestamp, wait_minutes: f64) -> Timestamp {
        let wanted = after.plus(minutes(wait_minutes as u64 + 1));
        let local = wanted.to_jiff().to_zoned(self.zone.clone());
        let mut date = local.date();
        if (8..18).contains(&local.hour()) && !is_weekend(date) {
            return wanted;
        }
        if 18 <= local.hour() || is_weekend(date) {
            date = date.saturating_add(1.day());
        }
        while is_weekend(date) {
            date = date.saturating_add(1.day());
        }
        let morning = self.at(date, random.between(8 * 60 + 5, 11 * 60));
        if wanted < morning { morning } else { wanted }
    }

    fn at(&self, date: Date, minute: i64) -> Timestamp {
        let midnight =
            date.to_zoned(self.zone.clone()).map_or_else(|_| self.now.to_jiff(), |zoned| zoned.timestamp());
        Timestamp::from_millis(midnight.as_millisecond()).plus(minutes(minute as u64))
    }

    /// As a mail client writes it above a quotation: day, month, year and time in numbers.
    pub fn written(&self, at: Timestamp) -> String {
        at.to_jiff().to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
    }
}

fn is_weekend(date: Date) -> bool {
    matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calendar() -> Calendar {
        // A Monday morning in Berlin.
        Calendar::new(Timestamp::parse("2026-01-05T09:00:00Z").unwrap()).unwrap()
    }

    #[test]
    fn the_working_day_before_monday_is_friday() {
        assert_eq!(calendar().working_day(1, 14, 30).to_string(), "2026-01-02T13:30:00.000Z");
    }

    #[test]
    fn nothing_is_answered_on_a_weekend() {
        let saturday = Timestamp::parse("2026-01-03T12:00:00Z").unwrap();
        let answered = calendar().working_time(&mut Random::new(1), saturday, 30.0);
        assert_eq!(&answered.to_string()[..10], "2026-01-05");
    }

    #[test]
    fn customers_never_write_in_the_future() {
        let calendar = calendar();
        let mut random = Random::new(3);
        assert!((0..500).all(|_| calendar.customer_time(&mut random, 0.2) < calendar.now()));
    }
}
