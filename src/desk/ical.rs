//! Days of an iCalendar file (RFC 5545), as public holidays are published: events that last whole days, once or every
//! year. Everything else in the file is passed over.

use jiff::ToSpan;
use jiff::civil::Date;

use super::holiday::NewHoliday;
use crate::error::{Error, Result};

/// Longest file read, in bytes.
pub const LONGEST: usize = 1 << 20;
/// Days of one event at most: school holidays are not public ones.
const DAYS: usize = 14;

/// The days in the order of the file. `Invalid` when it is no calendar or has no such days.
pub fn days(text: &str) -> Result<Vec<NewHoliday>> {
    if LONGEST < text.len() {
        return Err(Error::invalid("calendar", format!("is larger than {LONGEST} bytes")));
    }
    if !text.to_ascii_uppercase().contains("BEGIN:VCALENDAR") {
        return Err(Error::invalid("calendar", "is not an iCalendar file: it has no BEGIN:VCALENDAR"));
    }
    let mut found = Vec::new();
    let mut event: Option<Event> = None;
    for line in unfolded(text) {
        let Some((head, value)) = line.split_once(':') else { continue };
        let name = head.split(';').next().unwrap_or_default().to_ascii_uppercase();
        match (name.as_str(), &mut event) {
            ("BEGIN", _) if value.eq_ignore_ascii_case("VEVENT") => event = Some(Event::default()),
            ("END", open) if value.eq_ignore_ascii_case("VEVENT") => {
                found.extend(open.take().map(Event::days).unwrap_or_default());
            }
            ("SUMMARY", Some(event)) => event.title = plain(value),
            ("DTSTART", Some(event)) => event.start = date(value),
            ("DTEND", Some(event)) => event.end = date(value),
            ("RRULE", Some(event)) => event.is_yearly = value.to_ascii_uppercase().contains("FREQ=YEARLY"),
            _ => {}
        }
    }
    match found.is_empty() {
        true => Err(Error::invalid("calendar", "has no events that last a whole day")),
        false => Ok(found),
    }
}

#[derive(Default)]
struct Event {
    title: String,
    start: Option<Date>,
    /// The first day that does not belong to it.
    end: Option<Date>,
    is_yearly: bool,
}

impl Event {
    fn days(self) -> Vec<NewHoliday> {
        let Some(start) = self.start else { return Vec::new() };
        let title = if self.title.trim().is_empty() { "Holiday".to_owned() } else { self.title };
        let end = self.end.filter(|end| start < *end).unwrap_or_else(|| start.saturating_add(1.day()));
        let mut days = Vec::new();
        let mut date = start;
        while date < end && days.len() < DAYS {
            let title = title.chars().filter(|c| !c.is_control()).take(200).collect();
            days.push(NewHoliday { title, date, is_yearly: self.is_yearly });
            date = date.saturating_add(1.day());
        }
        days
    }
}

/// Lines that were folded are joined again.
fn unfolded(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix([' ', '\t']), lines.last_mut()) {
            (Some(rest), Some(last)) => last.push_str(rest),
            _ => lines.push(line.trim_end().to_owned()),
        }
    }
    lines
}

/// `20260101`; a time of day is none that lasts a whole day.
fn date(value: &str) -> Option<Date> {
    let value = value.trim();
    (value.len() == 8).then(|| Date::strptime("%Y%m%d", value).ok()).flatten()
}

/// Without the escapes of RFC 5545, 3.3.11.
fn plain(value: &str) -> String {
    value
        .replace("\\n", " ")
        .replace("\\N", " ")
        .replace("\\,", ",")
        .replace("\\;", ";")
        .replace("\\\\", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_days_are_found_and_times_are_not() {
        let text = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nDTSTART;VALUE=DATE:20260403\r\nDTEND;VALUE=DATE:20260404\r\n\
            SUMMARY:Good Friday\\, a day\r\n  off\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:Christmas\r\n\
            DTSTART;VALUE=DATE:20261225\r\nDTEND;VALUE=DATE:20261227\r\nRRULE:FREQ=YEARLY\r\nEND:VEVENT\r\n\
            BEGIN:VEVENT\r\nDTSTART:20260501T080000Z\r\nSUMMARY:Meeting\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
        let found = days(text).unwrap();
        let found: Vec<(String, String, bool)> =
            found.into_iter().map(|it| (it.title, it.date.to_string(), it.is_yearly)).collect();
        assert_eq!(
            found,
            [
                ("Good Friday, a day off".to_owned(), "2026-04-03".to_owned(), false),
                ("Christmas".to_owned(), "2026-12-25".to_owned(), true),
                ("Christmas".to_owned(), "2026-12-26".to_owned(), true),
            ]
        );
        assert!(days("hello").is_err());
        assert!(days("BEGIN:VCALENDAR\nEND:VCALENDAR").is_err());
    }
}
