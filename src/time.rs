//! Instants and the clock. An instant is UTC milliseconds: an INTEGER in SQLite, ISO-8601 with
//! milliseconds and `Z` outside (contract 1.2). The clock is injected once, into `Db`; a test turns it by hand.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlResult, ToSqlOutput, ValueRef};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Reads ISO-8601 with an offset or `Z`; a value without a zone is UTC (contract 27.4 row 100).
    /// A bare date is its first instant. `None` when it is no time of the years 1 to 9999: clients send their first and
    /// last ones for "unset". What is beyond the last instant that calendars reach becomes that one.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let date = jiff::fmt::temporal::Pieces::parse(text).ok()?.date();
        if !(1..=9999).contains(&date.year()) {
            return None;
        }
        let civil = || text.parse::<jiff::civil::DateTime>().ok()?.in_tz("UTC").ok().map(|z| z.timestamp());
        // Calendars reach the last whole second that every offset from UTC can still show.
        let last = jiff::Timestamp::from_second(jiff::Timestamp::MAX.as_second()).ok()?;
        let is_beyond = || (jiff::civil::date(9999, 12, 30) <= date).then_some(last);
        let instant = text.parse().ok().or_else(civil).or_else(is_beyond)?.min(last);
        Some(Self(instant.as_millisecond()))
    }

    pub fn plus(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.as_millis() as i64))
    }

    pub fn minus(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span.as_millis() as i64))
    }

    /// Time passed since `earlier`; zero when the clock went back.
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0).max(0) as u64)
    }

    /// The same instant for calendar arithmetic and for people.
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(self.0).unwrap_or_default()
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3}", self.to_jiff())
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl ToSql for Timestamp {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        self.0.to_sql()
    }
}

impl FromSql for Timestamp {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        i64::column_result(value).map(Self)
    }
}

/// Where "now" comes from: the system, or a value that only moves when it is told to.
#[derive(Debug, Clone)]
pub enum Clock {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start.0)))
    }

    pub fn now(&self) -> Timestamp {
        match self {
            #[expect(clippy::disallowed_methods, reason = "the one place that asks the system for the time")]
            Self::System => Timestamp(jiff::Timestamp::now().as_millisecond()),
            Self::Manual(millis) => Timestamp(millis.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock; the system's clock is left alone.
    pub fn advance(&self, span: Duration) {
        if let Self::Manual(millis) = self {
            millis.fetch_add(span.as_millis() as i64, Ordering::SeqCst);
        }
    }
}

/// Whether `name` is an IANA time zone that the embedded database knows.
pub fn is_time_zone(name: &str) -> bool {
    jiff::tz::TimeZone::get(name).is_ok()
}

/// The IANA name of a time zone given by its IANA or its Windows name, in any case; `None` when it is neither.
pub fn zone(name: &str) -> Option<String> {
    let name = name.trim();
    let windows = WINDOWS_ZONES.iter().find(|(windows, _)| windows.eq_ignore_ascii_case(name));
    let zone = jiff::tz::TimeZone::get(windows.map_or(name, |(_, iana)| iana)).ok()?;
    zone.iana_name().map(str::to_owned)
}

/// Windows' names of the zones people live in, from CLDR's windowsZones.
const WINDOWS_ZONES: &[(&str, &str)] = &[
    ("Dateline Standard Time", "Etc/GMT+12"),
    ("UTC-11", "Etc/GMT+11"),
    ("Hawaiian Standard Time", "Pacific/Honolulu"),
    ("Alaskan Standard Time", "America/Anchorage"),
    ("Pacific Standard Time", "America/Los_Angeles"),
    ("US Mountain Standard Time", "America/Phoenix"),
    ("Mountain Standard Time", "America/Denver"),
    ("Central America Standard Time", "America/Guatemala"),
    ("Central Standard Time", "America/Chicago"),
    ("Central Standard Time (Mexico)", "America/Mexico_City"),
    ("Canada Central Standard Time", "America/Regina"),
    ("SA Pacific Standard Time", "America/Bogota"),
    ("Eastern Standard Time", "America/New_York"),
    ("US Eastern Standard Time", "America/Indiana/Indianapolis"),
    ("Venezuela Standard Time", "America/Caracas"),
    ("Atlantic Standard Time", "America/Halifax"),
    ("SA Western Standard Time", "America/La_Paz"),
    ("Pacific SA Standard Time", "America/Santiago"),
    ("Newfoundland Standard Time", "America/St_Johns"),
    ("E. South America Standard Time", "America/Sao_Paulo"),
    ("Argentina Standard Time", "America/Argentina/Buenos_Aires"),
    ("SA Eastern Standard Time", "America/Cayenne"),
    ("Azores Standard Time", "Atlantic/Azores"),
    ("GMT Standard Time", "Europe/London"),
    ("Greenwich Standard Time", "Atlantic/Reykjavik"),
    ("Morocco Standard Time", "Africa/Casablanca"),
    ("W. Europe Standard Time", "Europe/Berlin"),
    ("Central Europe Standard Time", "Europe/Budapest"),
    ("Romance Standard Time", "Europe/Paris"),
    ("Central European Standard Time", "Europe/Warsaw"),
    ("W. Central Africa Standard Time", "Africa/Lagos"),
    ("GTB Standard Time", "Europe/Bucharest"),
    ("E. Europe Standard Time", "Europe/Chisinau"),
    ("FLE Standard Time", "Europe/Kiev"),
    ("Egypt Standard Time", "Africa/Cairo"),
    ("South Africa Standard Time", "Africa/Johannesburg"),
    ("Israel Standard Time", "Asia/Jerusalem"),
    ("Turkey Standard Time", "Europe/Istanbul"),
    ("Arabic Standard Time", "Asia/Baghdad"),
    ("Arab Standard Time", "Asia/Riyadh"),
    ("Russian Standard Time", "Europe/Moscow"),
    ("E. Africa Standard Time", "Africa/Nairobi"),
    ("Iran Standard Time", "Asia/Tehran"),
    ("Arabian Standard Time", "Asia/Dubai"),
    ("Pakistan Standard Time", "Asia/Karachi"),
    ("India Standard Time", "Asia/Kolkata"),
    ("Nepal Standard Time", "Asia/Kathmandu"),
    ("Bangladesh Standard Time", "Asia/Dhaka"),
    ("SE Asia Standard Time", "Asia/Bangkok"),
    ("China Standard Time", "Asia/Shanghai"),
    ("Singapore Standard Time", "Asia/Singapore"),
    ("Taipei Standard Time", "Asia/Taipei"),
    ("W. Australia Standard Time", "Australia/Perth"),
    ("Tokyo Standard Time", "Asia/Tokyo"),
    ("Korea Standard Time", "Asia/Seoul"),
    ("Cen. Australia Standard Time", "Australia/Adelaide"),
    ("AUS Central Standard Time", "Australia/Darwin"),
    ("E. Australia Standard Time", "Australia/Brisbane"),
    ("AUS Eastern Standard Time", "Australia/Sydney"),
    ("Tasmania Standard Time", "Australia/Hobart"),
    ("New Zealand Standard Time", "Pacific/Auckland"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_with_milliseconds_and_z() {
        assert_eq!(Timestamp::from_millis(1_558_521_420_000).to_string(), "2019-05-22T10:37:00.000Z");
        assert_eq!(Timestamp::from_millis(1_558_521_420_007).to_string(), "2019-05-22T10:37:00.007Z");
    }

    #[test]
    fn offsets_are_honoured_and_a_missing_zone_is_utc() {
        let utc = Timestamp::parse("2019-05-22T10:37:00Z");
        assert_eq!(Timestamp::parse("2019-05-22T12:37:00+02:00"), utc);
        assert_eq!(Timestamp::parse("2019-05-22T10:37:00"), utc);
        assert_eq!(
            Timestamp::parse("2019-05-22").map(|t| t.to_string()).as_deref(),
            Some("2019-05-22T00:00:00.000Z")
        );
        assert_eq!(Timestamp::parse("yesterday"), None);
        assert_eq!(Timestamp::parse("0000-01-01T00:00:00Z"), None);
        assert_eq!(Timestamp::parse("10000-01-01T00:00:00Z"), None);
    }

    #[test]
    fn the_first_and_the_last_times_that_clients_know_are_times() {
        let shown = |text| Timestamp::parse(text).map(|time| time.to_string());
        assert_eq!(shown("0001-01-01T00:00:00.000Z").as_deref(), Some("0001-01-01T00:00:00.000Z"));
        assert_eq!(shown("2200-01-01T00:00:00Z").as_deref(), Some("2200-01-01T00:00:00.000Z"));
        for last in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.9999999+00:00", "9999-12-31"] {
            assert_eq!(shown(last).as_deref(), Some("9999-12-30T22:00:00.000Z"), "{last}");
        }
    }

    #[test]
    fn zones_are_known_by_their_iana_and_windows_names() {
        assert_eq!(zone("GMT Standard Time").as_deref(), Some("Europe/London"));
        assert_eq!(zone(" europe/paris ").as_deref(), Some("Europe/Paris"));
        assert_eq!(zone("UTC").as_deref(), Some("UTC"));
        assert_eq!(zone("Mars Standard Time"), None);
        assert_eq!(zone(""), None);
        for (windows, iana) in WINDOWS_ZONES {
            assert!(is_time_zone(iana), "{windows} leads to the unknown zone {iana}");
        }
    }
}
