//! Working time: when the desk is open, and arithmetic with it. Here everything is pure, a `Calendar` is a value; what
//! is stored is in `store`, holidays in `desk::holiday`.
//!
//! One rule defines everything: an instant is working time if the clock on the wall, in the calendar's zone, shows a
//! time inside one of the day's intervals and the date is not a holiday. So an hour that daylight saving time repeats
//! counts twice, one that it skips does not exist, and a holiday takes away everything between its two midnights,
//! whether a shift began the evening before or not. Intervals are half-open: closing time is not working time, 24:00
//! is a legal end.

mod store;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::time::Timestamp;

pub use store::{Day, DayChange, Hours, WEEKDAYS, calendar, change, days, has_business_day};

/// Working hours that begin on a weekday: minutes after its midnight. An end past 24:00 (`DAY_MINUTES`) is a shift that
/// runs into the next day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shift {
    pub start: u16,
    pub end: u16,
}

pub const DAY_MINUTES: u16 = 24 * 60;

/// When the desk is open. Weekdays are counted from Monday.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
    /// Of each weekday the open minutes between its two midnights: sorted, apart from each other, shifts of the
    /// evening before included.
    open: [Vec<Shift>; 7],
    /// Weekdays on which a shift begins.
    is_business_day: [bool; 7],
    holidays: BTreeSet<Date>,
    /// Month and day of holidays that come every year.
    yearly: BTreeSet<(i8, i8)>,
}

/// A stretch of working time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    pub from: Timestamp,
    pub to: Timestamp,
}

const MINUTE_MILLIS: i64 = 60_000;
const DAY_MILLIS: i64 = DAY_MINUTES as i64 * MINUTE_MILLIS;
/// No due time lies further ahead: a calendar that is hardly ever open gives none.
const HORIZON_MILLIS: i64 = 20 * 366 * DAY_MILLIS;
/// A business day is looked for among so many days.
const HORIZON_DAYS: i64 = 20 * 366;
/// 1970-01-01 was a Thursday.
const EPOCH_WEEKDAY: i64 = 3;

impl Calendar {
    /// A yearly holiday gives its month and day to every year; 29 February comes in leap years.
    pub fn new(
        zone: TimeZone,
        week: &[Vec<Shift>; 7],
        holidays: impl IntoIterator<Item = (Date, Recurrence)>,
    ) -> Self {
        let mut open: [Vec<Shift>; 7] = Default::default();
        for (weekday, shifts) in week.iter().enumerate() {
            for shift in shifts {
                open[weekday].push(Shift { start: shift.start, end: shift.end.min(DAY_MINUTES) });
                if DAY_MINUTES < shift.end {
                    open[(weekday + 1) % 7].push(Shift { start: 0, end: shift.end - DAY_MINUTES });
                }
            }
        }
        let mut calendar = Self {
            zone,
            open: open.map(joined),
            is_business_day: std::array::from_fn(|weekday| !week[weekday].is_empty()),
            holidays: BTreeSet::new(),
            yearly: BTreeSet::new(),
        };
        for (date, recurrence) in holidays {
            match recurrence {
                Recurrence::Once => calendar.holidays.insert(date),
                Recurrence::Yearly => calendar.yearly.insert((date.month(), date.day())),
            };
        }
        calendar
    }

    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    pub fn is_holiday(&self, date: Date) -> bool {
        self.holidays.contains(&date) || self.yearly.contains(&(date.month(), date.day()))
    }

    /// Whether a shift begins on that date: what "days" are counted in.
    pub fn is_business_day(&self, date: Date) -> bool {
        self.is_business_day[date.weekday().to_monday_zero_offset() as usize] && !self.is_holiday(date)
    }

    pub fn is_open(&self, at: Timestamp) -> bool {
        let mut is_open = false;
        self.walk(at.millis(), at.millis() + 1, |_, _| {
            is_open = true;
            false
        });
        is_open
    }

    /// The stretches of working time between two instants, given to `visit` in order until it says no. They may touch.
    ///
    /// While the zone's offset stays, local time is a sum; so the walk goes from one change of the offset to the next
    /// and needs no rule for local times that happen twice or never.
    fn walk(&self, from: i64, until: i64, mut visit: impl FnMut(i64, i64) -> bool) {
        let mut at = from;
        while at < until {
            let instant = Timestamp::from_millis(at).to_jiff();
            let offset = i64::from(self.zone.to_offset(instant).seconds()) * 1000;
            let change =
                self.zone.following(instant).next().map(|change| change.timestamp().as_millisecond());
            let end = change.map_or(until, |change| change.min(until));
            let mut day = (at + offset).div_euclid(DAY_MILLIS);
            while day * DAY_MILLIS - offset < end {
                let midnight = day * DAY_MILLIS - offset;
                for shift in self.open_on(day) {
                    let opens = (midnight + i64::from(shift.start) * MINUTE_MILLIS).max(at);
                    let closes = (midnight + i64::from(shift.end) * MINUTE_MILLIS).min(end);
                    if opens < closes && !visit(opens, closes) {
                        return;
                    }
                }
                day += 1;
            }
            at = end;
        }
    }

    /// The open minutes of a day, counted from 1970-01-01 in local time.
    fn open_on(&self, day: i64) -> &[Shift] {
        let open = &self.open[(day + EPOCH_WEEKDAY).rem_euclid(7) as usize];
        let may_be_off = !open.is_empty() && (!self.holidays.is_empty() || !self.yearly.is_empty());
        let date = || Date::constant(1970, 1, 1).checked_add(day.days());
        if may_be_off && date().is_ok_and(|date| self.is_holiday(date)) { &[] } else { open }
    }
}

/// Whether a holiday is of one year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recurrence {
    Once,
    Yearly,
}

/// The instant at which so many working minutes after `start` are used up; a target that ends at closing time is due
/// at closing time. `None` when the desk is not open enough in the next twenty years.
pub fn add(calendar: &Calendar, start: Timestamp, minutes: i64) -> Option<Timestamp> {
    advance(calendar, start, Duration::from_secs(minutes.max(0) as u64 * 60))
}

/// `add` for any span of working time.
pub fn advance(calendar: &Calendar, start: Timestamp, span: Duration) -> Option<Timestamp> {
    let mut left = span.as_millis() as i64;
    let mut due = None;
    calendar.walk(start.millis(), start.millis().saturating_add(HORIZON_MILLIS), |from, to| {
        if left <= to - from {
            due = Some(from + left);
            return false;
        }
        left -= to - from;
        true
    });
    due.map(Timestamp::from_millis)
}

/// Working time between two instants; zero when `to` is not later.
pub fn between(calendar: &Calendar, from: Timestamp, to: Timestamp) -> Duration {
    let mut millis = 0;
    calendar.walk(from.millis(), to.millis(), |from, to| {
        millis += to - from;
        true
    });
    Duration::from_millis(millis.max(0) as u64)
}

/// The stretches of working time between two instants, those that touch joined: what a due time was counted over.
pub fn intervals(calendar: &Calendar, from: Timestamp, to: Timestamp) -> Vec<Interval> {
    let mut found: Vec<Interval> = Vec::new();
    calendar.walk(from.millis(), to.millis(), |from, to| {
        let (from, to) = (Timestamp::from_millis(from), Timestamp::from_millis(to));
        match found.last_mut() {
            Some(last) if last.to == from => last.to = to,
            _ => found.push(Interval { from, to }),
        }
        true
    });
    found
}

/// The same clock time on the `count`th business day after the day of `start` (contract 16.5). A clock time that
/// daylight saving time skips is the one an hour later; one that comes twice is the first. `None` without business
/// days in the next twenty years.
pub fn add_business_days(calendar: &Calendar, start: Timestamp, count: i64) -> Option<Timestamp> {
    let local = start.to_jiff().to_zoned(calendar.zone.clone()).datetime();
    let mut date = local.date();
    let mut left = count.max(0);
    for _ in 0..HORIZON_DAYS {
        if left == 0 {
            let zoned = date.to_datetime(local.time()).to_zoned(calendar.zone.clone()).ok()?;
            return Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()));
        }
        date = date.tomorrow().ok()?;
        if calendar.is_business_day(date) {
            left -= 1;
        }
    }
    None
}

/// Sorted, and joined where they overlap or touch.
fn joined(mut shifts: Vec<Shift>) -> Vec<Shift> {
    shifts.sort_unstable();
    let mut joined: Vec<Shift> = Vec::with_capacity(shifts.len());
    for shift in shifts {
        match joined.last_mut() {
            Some(last) if shift.start <= last.end => last.end = last.end.max(shift.end),
            _ => joined.push(shift),
        }
    }
    joined
}
