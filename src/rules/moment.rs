//! When and by whom a question is asked: what `@today`, `@last 7 days`, `@me` and plain dates mean then (contract 13.2).

use jiff::civil;
use jiff::tz::TimeZone;
use jiff::{ToSpan, Zoned};

use super::Domain;
use crate::ids::{AgentId, DepartmentId};
use crate::time::Timestamp;

#[derive(Debug, Clone)]
pub struct Moment {
    pub now: Timestamp,
    /// In which days begin and end.
    pub zone: TimeZone,
    /// Whom `@me` means; nobody where no agent asks.
    pub me: Option<AgentId>,
    /// What `@my departments` means.
    pub departments: Vec<DepartmentId>,
}

/// A stretch of time that a condition speaks of.
#[derive(Debug, Clone, PartialEq)]
pub struct Period {
    /// Its first instant.
    from: Zoned,
    /// The first instant that is past it.
    to: Zoned,
    /// The first instant that is `after` it: `to`, but for "the last 7 days" that which follows its beginning.
    after: Zoned,
}

/// The longest `@last N …`.
const LONGEST_DAYS: i64 = 36_525;

impl Moment {
    pub fn now(&self) -> Zoned {
        self.now.to_jiff().to_zoned(self.zone.clone())
    }

    /// What a date, a time or a relative value stands for. `None` when it is none of these, or outside 1970 to 2100.
    pub fn period(&self, written: &str) -> Option<Period> {
        let written = written.trim();
        let period = match written.strip_prefix('@') {
            Some(word) => self.relative(word)?,
            None => self.absolute(written)?,
        };
        let years = 1969..=2100;
        (years.contains(&period.from.year()) && years.contains(&period.to.year())).then_some(period)
    }

    fn relative(&self, word: &str) -> Option<Period> {
        let now = self.now();
        let words: Vec<String> = word.split_whitespace().map(str::to_ascii_lowercase).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let week = || now.date().checked_sub(i64::from(now.weekday().to_monday_zero_offset()).days()).ok();
        let month = now.date().first_of_month();
        match words[..] {
            ["now"] => Period::second(now),
            ["today"] => self.days(now.date(), 1.day()),
            ["yesterday"] => self.days(now.date().yesterday().ok()?, 1.day()),
            ["tomorrow"] => self.days(now.date().tomorrow().ok()?, 1.day()),
            ["this", "week"] => self.days(week()?, 1.week()),
            ["last", "week"] => self.days(week()?.checked_sub(1.week()).ok()?, 1.week()),
            ["this", "month"] => self.days(month, 1.month()),
            ["last", "month"] => self.days(month.checked_sub(1.month()).ok()?, 1.month()),
            ["last", count, unit] => {
                let count: i64 = count.parse().ok().filter(|count| (1..=LONGEST_DAYS).contains(count))?;
                let span = match unit {
                    "hour" | "hours" => count.hours(),
                    "day" | "days" => count.days(),
                    "week" | "weeks" if count * 7 <= LONGEST_DAYS => count.weeks(),
                    _ => return None,
                };
                let from = now.checked_sub(span).ok()?;
                let after = from.checked_add(1.millisecond()).ok()?;
                Some(Period { from, to: now.checked_add(1.millisecond()).ok()?, after })
            }
            _ => None,
        }
    }

    fn absolute(&self, written: &str) -> Option<Period> {
        if let Ok(instant) = written.parse::<jiff::Timestamp>() {
            return Period::second(instant.to_zoned(self.zone.clone()));
        }
        let local: civil::DateTime = written.parse().ok()?;
        if written.contains([':', 'T', 't']) {
            return Period::second(local.to_zoned(self.zone.clone()).ok()?);
        }
        self.days(local.date(), 1.day())
    }

    fn days(&self, first: civil::Date, span: jiff::Span) -> Option<Period> {
        let from = first.to_zoned(self.zone.clone()).ok()?;
        let to = first.checked_add(span).ok()?.to_zoned(self.zone.clone()).ok()?;
        Some(Period { from, after: to.clone(), to })
    }
}

impl Period {
    fn second(at: Zoned) -> Option<Self> {
        let to = at.checked_add(1.second()).ok()?;
        let after = at.checked_add(1.millisecond()).ok()?;
        Some(Self { from: at, to, after })
    }

    /// The first value of `domain` in the period.
    pub fn first(&self, domain: Domain) -> i64 {
        match domain {
            Domain::Day => midnight(self.from.date()),
            _ => self.from.timestamp().as_millisecond(),
        }
    }

    /// The last value of `domain` in the period.
    pub fn last(&self, domain: Domain) -> i64 {
        match domain {
            Domain::Day => midnight(before(&self.to)),
            _ => self.to.timestamp().as_millisecond() - 1,
        }
    }

    /// What a value of `domain` must exceed to be after the period.
    pub fn end(&self, domain: Domain) -> i64 {
        match domain {
            Domain::Day => midnight(before(&self.after)),
            _ => self.after.timestamp().as_millisecond() - 1,
        }
    }
}

/// The date of the instant before `at`.
fn before(at: &Zoned) -> civil::Date {
    at.checked_sub(1.millisecond()).map_or_else(|_| at.date(), |earlier| earlier.date())
}

/// A date without a zone as it is stored: UTC milliseconds of its midnight.
pub fn midnight(date: civil::Date) -> i64 {
    date.to_zoned(TimeZone::UTC).map_or(0, |zoned| zoned.timestamp().as_millisecond())
}

/// The date that `midnight` stored.
pub fn date(millis: i64) -> civil::Date {
    Timestamp::from_millis(millis).to_jiff().to_zoned(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(now: &str, zone: &str) -> Moment {
        Moment {
            now: Timestamp::parse(now).unwrap(),
            zone: TimeZone::get(zone).unwrap(),
            me: None,
            departments: Vec::new(),
        }
    }

    /// First and last instant, and what is after it.
    fn instants(moment: &Moment, written: &str) -> [String; 3] {
        let period = moment.period(written).unwrap_or_else(|| panic!("{written}"));
        [period.first(Domain::Instant), period.last(Domain::Instant), period.end(Domain::Instant)]
            .map(|millis| Timestamp::from_millis(millis).to_string())
    }

    fn days(moment: &Moment, written: &str) -> [String; 3] {
        let period = moment.period(written).unwrap();
        [period.first(Domain::Day), period.last(Domain::Day), period.end(Domain::Day)]
            .map(|millis| date(millis).to_string())
    }

    #[test]
    fn a_date_is_a_day_of_the_zone() {
        let berlin = moment("2026-01-05T09:00:00Z", "Europe/Berlin");
        assert_eq!(
            instants(&berlin, "2019-01-03"),
            ["2019-01-02T23:00:00.000Z", "2019-01-03T22:59:59.999Z", "2019-01-03T22:59:59.999Z"]
        );
        // The day on which the clocks go forward has 23 hours.
        assert_eq!(
            instants(&berlin, "2026-03-29")[..2],
            ["2026-03-28T23:00:00.000Z", "2026-03-29T21:59:59.999Z"]
        );
        assert_eq!(days(&berlin, "2019-01-03"), ["2019-01-03", "2019-01-03", "2019-01-03"]);
    }

    #[test]
    fn a_time_is_its_second_and_without_an_offset_of_the_zone() {
        let berlin = moment("2026-01-05T09:00:00Z", "Europe/Berlin");
        assert_eq!(
            instants(&berlin, "2019-01-03T10:00:00"),
            ["2019-01-03T09:00:00.000Z", "2019-01-03T09:00:00.999Z", "2019-01-03T09:00:00.000Z"]
        );
        assert_eq!(instants(&berlin, "2019-01-03T10:00:00Z")[0], "2019-01-03T10:00:00.000Z");
        assert_eq!(days(&berlin, "2019-01-03T23:30:00Z"), ["2019-01-04", "2019-01-04", "2019-01-04"]);
    }

    #[test]
    fn relative_values_follow_the_clock_and_the_zone() {
        // A Monday; in Tokyo it is Tuesday already.
        let tokyo = moment("2026-01-05T20:00:00Z", "Asia/Tokyo");
        assert_eq!(instants(&tokyo, "@today")[0], "2026-01-05T15:00:00.000Z");
        assert_eq!(instants(&tokyo, "@YESTERDAY")[0], "2026-01-04T15:00:00.000Z");
        assert_eq!(instants(&tokyo, "@tomorrow")[1], "2026-01-07T14:59:59.999Z");
        assert_eq!(
            instants(&tokyo, "@this week")[..2],
            ["2026-01-04T15:00:00.000Z", "2026-01-11T14:59:59.999Z"]
        );
        assert_eq!(instants(&tokyo, "@last  week")[0], "2025-12-28T15:00:00.000Z");
        assert_eq!(
            instants(&tokyo, "@this month")[..2],
            ["2025-12-31T15:00:00.000Z", "2026-01-31T14:59:59.999Z"]
        );
        assert_eq!(
            instants(&tokyo, "@last month")[..2],
            ["2025-11-30T15:00:00.000Z", "2025-12-31T14:59:59.999Z"]
        );
        assert_eq!(instants(&tokyo, "@now")[0], "2026-01-05T20:00:00.000Z");
        assert_eq!(days(&tokyo, "@today")[0], "2026-01-06");
    }

    #[test]
    fn the_last_days_end_now_and_after_them_is_since_they_began() {
        let utc = moment("2026-01-05T09:00:00Z", "UTC");
        assert_eq!(
            instants(&utc, "@last 7 days"),
            ["2025-12-29T09:00:00.000Z", "2026-01-05T09:00:00.000Z", "2025-12-29T09:00:00.000Z"]
        );
        assert_eq!(instants(&utc, "@Last 1 hour")[0], "2026-01-05T08:00:00.000Z");
        assert_eq!(instants(&utc, "@last 2 weeks")[0], "2025-12-22T09:00:00.000Z");
        assert_eq!(days(&utc, "@last 7 days"), ["2025-12-29", "2026-01-05", "2025-12-29"]);
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let utc = moment("2026-01-05T09:00:00Z", "UTC");
        for written in [
            "",
            "@",
            "@soon",
            "@last 0 days",
            "@last -1 days",
            "@last 7 years",
            "@last 99999999 days",
            "today",
            "2019-13-01",
            "9999-01-01",
            "0001-01-01",
            "1.5",
            "@me",
            "@last 99999999999999999999 days",
            "@last 36000 weeks",
        ] {
            assert!(utc.period(written).is_none(), "{written}");
        }
    }
}
