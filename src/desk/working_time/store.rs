//! The week as it is stored, with the hours that a day off keeps; and the calendar made of it, the holidays and the
//! site's time zone.

use jiff::tz::TimeZone;

use super::{Calendar, DAY_MINUTES, Shift};
use crate::db::{Snapshot, Tx};
use crate::desk::audit::{self, Action};
use crate::desk::{Actor, Permission, holiday, site, sla, sla_policy};
use crate::error::{Error, Problems, Result};

/// A weekday's hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Day {
    /// 0 is Sunday, as the contract counts.
    pub weekday: i64,
    pub is_business_day: bool,
    /// Never empty, sorted, apart from each other. Without effect while it is no business day.
    pub intervals: Vec<Shift>,
}

pub const WEEKDAYS: [&str; 7] =
    ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// `None` leaves a part alone. The four flat parts speak of one interval, as every version of the contract has it.
#[derive(Debug, Clone, Default)]
pub struct DayChange {
    pub weekday: i64,
    pub is_business_day: Option<bool>,
    pub start_hour: Option<i64>,
    pub start_min: Option<i64>,
    pub end_hour: Option<i64>,
    pub end_min: Option<i64>,
    pub intervals: Option<Vec<Hours>>,
}

/// From and to on the clock. An end hour past 24 is of the next day: 30 is 6 in the morning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    pub start_hour: i64,
    pub start_min: i64,
    pub end_hour: i64,
    pub end_min: i64,
}

/// Most intervals of a day.
const INTERVALS: usize = 12;

impl Day {
    pub fn name(&self) -> &'static str {
        WEEKDAYS[self.weekday as usize]
    }

    /// The day as one interval: from the first opening to the last closing, or to midnight.
    pub fn span(&self) -> Hours {
        let start = self.intervals.first().map_or(0, |first| first.start);
        let end = self.intervals.iter().map(|interval| interval.end).max().unwrap_or(DAY_MINUTES);
        Hours::of(Shift { start, end: end.min(DAY_MINUTES) })
    }

    fn text(&self) -> String {
        let hours: Vec<String> = self
            .intervals
            .iter()
            .map(|it| {
                format!("{:02}:{:02}–{:02}:{:02}", it.start / 60, it.start % 60, it.end / 60, it.end % 60)
            })
            .collect();
        let hours = hours.join(", ");
        if self.is_business_day { hours } else { ["off (", &hours, ")"].concat() }
    }
}

impl Hours {
    pub fn of(shift: Shift) -> Self {
        let part = |minutes: u16| (i64::from(minutes / 60), i64::from(minutes % 60));
        let ((start_hour, start_min), (end_hour, end_min)) = (part(shift.start), part(shift.end));
        Self { start_hour, start_min, end_hour, end_min }
    }
}

/// The week from Sunday.
pub fn days(s: &Snapshot<'_>) -> Result<Vec<Day>> {
    let mut days: Vec<Day> =
        s.all("SELECT weekday, is_business_day FROM working_time ORDER BY weekday", [], |row| {
            Ok(Day { weekday: row.get(0)?, is_business_day: row.get(1)?, intervals: Vec::new() })
        })?;
    let intervals: Vec<(i64, Shift)> = s.all(
        "SELECT weekday, start_minute, end_minute FROM working_interval ORDER BY weekday, start_minute",
        [],
        |row| Ok((row.get(0)?, Shift { start: row.get(1)?, end: row.get(2)? })),
    )?;
    for (weekday, interval) in intervals {
        if let Some(day) = days.iter_mut().find(|day| day.weekday == weekday) {
            day.intervals.push(interval);
        }
    }
    Ok(days)
}

/// The calendar that business hours are counted by.
pub fn calendar(s: &Snapshot<'_>) -> Result<Calendar> {
    let zone = TimeZone::get(&site::get(s)?.time_zone).map_err(Error::internal)?;
    let mut week: [Vec<Shift>; 7] = Default::default();
    for day in days(s)?.into_iter().filter(|day| day.is_business_day) {
        week[(day.weekday as usize + 6) % 7] = day.intervals;
    }
    Ok(Calendar::new(zone, &week, holiday::dates(s)?))
}

/// Whether there is a business day at all, holidays aside.
pub fn has_business_day(s: &Snapshot<'_>) -> Result<bool> {
    s.exists("SELECT 1 FROM working_time WHERE is_business_day = 1", [])
}

/// Changes the weekdays named and leaves the others alone. Conversations' due times follow in the background.
pub fn change(tx: &Tx<'_>, by: &Actor, changes: &[DayChange]) -> Result<Vec<Day>> {
    by.require(Permission::ManageSettings)?;
    let before = days(tx)?;
    let mut after = before.clone();
    let mut problems = Problems::default();
    for (position, change) in changes.iter().enumerate() {
        if changes[..position].iter().any(|other| other.weekday == change.weekday) {
            let name = WEEKDAYS[change.weekday as usize];
            problems.add(format!("workingTimes[{position}].dayOfWeek"), format!("'{name}' is given twice"));
        } else if let Some(day) = after.iter_mut().find(|day| day.weekday == change.weekday) {
            apply(day, change, position, &mut problems);
        }
    }
    let is_off = after.iter().all(|day| !day.is_business_day);
    problems.require(
        !is_off || !sla_policy::uses_business_hours(tx)?,
        "workingTimes",
        "leaves no business day, but an enabled SLA policy counts business hours: it would never be due",
    );
    problems.check()?;
    if after == before {
        return Ok(after);
    }
    for day in &after {
        tx.run(
            "UPDATE working_time SET is_business_day = ? WHERE weekday = ?",
            (day.is_business_day, day.weekday),
        )?;
        tx.run("DELETE FROM working_interval WHERE weekday = ?", [day.weekday])?;
        for interval in &day.intervals {
            tx.run(
                "INSERT INTO working_interval (weekday, start_minute, end_minute) VALUES (?, ?, ?)",
                (day.weekday, interval.start, interval.end),
            )?;
        }
    }
    let facts = |days: &[Day]| days.iter().map(|day| (day.name(), day.text())).collect::<Vec<_>>();
    let details = audit::difference(&facts(&before), &facts(&after));
    audit::record(tx, by, Action::WorkingTime, "changed the working time", details)?;
    sla::reconsider(tx)?;
    Ok(after)
}

/// Intervals win over the flat parts unless they only repeat what is stored: a client that knows one interval a day may
/// send back all it got with another start.
fn apply(day: &mut Day, change: &DayChange, position: usize, problems: &mut Problems) {
    let field = |name: &str| format!("workingTimes[{position}].{name}");
    let stored: Vec<Hours> = day.intervals.iter().copied().map(Hours::of).collect();
    let span = day.span();
    let flat = Hours {
        start_hour: change.start_hour.unwrap_or(span.start_hour),
        start_min: change.start_min.unwrap_or(span.start_min),
        end_hour: change.end_hour.unwrap_or(span.end_hour),
        end_min: change.end_min.unwrap_or(span.end_min),
    };
    if let Some(intervals) = change.intervals.as_ref().filter(|intervals| **intervals != stored) {
        if let Some(checked) = check_intervals(intervals, &field("intervals"), problems) {
            day.intervals = checked;
        }
        let is_one = flat == span || flat == day.span();
        problems.require(is_one, &field("startHour"), "and the other hours contradict 'intervals'");
    } else if flat != span
        && let Some(shift) = check_hours(flat, &field(""), 24, problems)
    {
        day.intervals = vec![shift];
    }
    day.is_business_day = change.is_business_day.unwrap_or(day.is_business_day);
}

fn check_intervals(intervals: &[Hours], field: &str, problems: &mut Problems) -> Option<Vec<Shift>> {
    if intervals.is_empty() || INTERVALS < intervals.len() {
        let message = format!(
            "has {} intervals; 1 to {INTERVALS} are allowed, and a day off has isBusinessDay false",
            intervals.len()
        );
        problems.add(field, message);
        return None;
    }
    let mut shifts = Vec::new();
    for (index, hours) in intervals.iter().enumerate() {
        shifts.push(check_hours(*hours, &format!("{field}[{index}]."), 48, problems)?);
    }
    shifts.sort_unstable();
    for pair in shifts.windows(2) {
        if pair[1].start < pair[0].end {
            problems.add(field, "overlap each other");
            return None;
        }
    }
    Some(shifts)
}

/// `latest` is the last hour that an end may have, then with no minutes.
fn check_hours(hours: Hours, field: &str, latest: i64, problems: &mut Problems) -> Option<Shift> {
    let mut is_fine = true;
    let mut require = |ok: bool, name: &str, message: String| {
        if !ok {
            problems.add(format!("{field}{name}"), message);
            is_fine = false;
        }
    };
    require(
        (0..24).contains(&hours.start_hour),
        "startHour",
        format!("is {}, not 0 to 23", hours.start_hour),
    );
    require((0..60).contains(&hours.start_min), "startMin", format!("is {}, not 0 to 59", hours.start_min));
    require(
        (0..=latest).contains(&hours.end_hour),
        "endHour",
        format!("is {}, not 0 to {latest}", hours.end_hour),
    );
    require((0..60).contains(&hours.end_min), "endMin", format!("is {}, not 0 to 59", hours.end_min));
    if !is_fine {
        return None;
    }
    let (start, end) = (hours.start_hour * 60 + hours.start_min, hours.end_hour * 60 + hours.end_min);
    let shown = format!(
        "{:02}:{:02} to {:02}:{:02}",
        hours.start_hour, hours.start_min, hours.end_hour, hours.end_min
    );
    let day = i64::from(DAY_MINUTES);
    let message = match () {
        () if end <= start => Some(format!("must be after the start ({shown})")),
        () if latest * 60 < end => Some(format!("is after {latest}:00 ({shown})")),
        () if day < end - start => Some(format!("is more than a day after the start ({shown})")),
        () => None,
    };
    if let Some(message) = message {
        problems.add(format!("{field}endHour"), message);
        return None;
    }
    Some(Shift { start: start as u16, end: end as u16 })
}
