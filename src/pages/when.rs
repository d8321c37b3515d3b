//! Times for people: in their zone, absolute, with the exact instant in the markup.

use std::fmt;

use askama::filters::HtmlSafe;
use jiff::tz::TimeZone;

use crate::language::Language;
use crate::time::Timestamp;
use crate::web::SignedIn;

/// The zone of whoever reads the page.
#[derive(Debug, Clone)]
pub struct Zone {
    zone: TimeZone,
    dates: Dates,
    /// Names of days and months are English.
    is_english: bool,
}

/// How days are written, as `strftime` patterns: with the year, and without where it goes without saying.
#[derive(Debug, Clone, Copy)]
struct Dates {
    full: &'static str,
    short: &'static str,
}

const WORDS: Dates = Dates { full: "%-d %b %Y", short: "%-d %b" };

impl Dates {
    /// By an agent's `dateTimeFormat`, of which `desk::agent::date_time_formats` lists what there is.
    fn chosen(format: &str) -> Self {
        let (full, short) = match format.split(' ').next().unwrap_or_default() {
            "MM/dd/yyyy" => ("%m/%d/%Y", "%m/%d"),
            "MM-dd-yyyy" => ("%m-%d-%Y", "%m-%d"),
            "dd/MM/yyyy" => ("%d/%m/%Y", "%d/%m"),
            "dd-MM-yyyy" => ("%d-%m-%Y", "%d-%m"),
            "yyyy/MM/dd" => ("%Y/%m/%d", "%m/%d"),
            "yyyy-MM-dd" => ("%Y-%m-%d", "%m-%d"),
            _ => return WORDS,
        };
        Self { full, short }
    }
}

impl Zone {
    /// By its IANA name, UTC when this build does not know it; days in words.
    pub fn of(name: &str) -> Self {
        Self { zone: TimeZone::get(name).unwrap_or(TimeZone::UTC), dates: WORDS, is_english: true }
    }

    /// For somebody who reads this language.
    pub fn of_reader(name: &str, language: Language) -> Self {
        let dates = language.date().map_or(WORDS, |full| Dates { full, short: full });
        Self { dates, is_english: language == Language::En, ..Self::of(name) }
    }

    /// The agent's zone, with days as the agent chose to see them.
    pub fn of_agent(signed_in: &SignedIn) -> Self {
        Self { dates: Dates::chosen(&signed_in.agent.date_time_format), ..Self::of(&signed_in.time_zone) }
    }

    /// As short as it is clear on the day of `now`: `18:04`, `22 Nov`, `22 Nov 2025`.
    pub fn short(&self, at: Timestamp, now: Timestamp) -> When {
        let zoned = |at: Timestamp| at.to_jiff().to_zoned(self.zone.clone());
        let (then, today) = (zoned(at), zoned(now));
        let format = match () {
            () if then.date() == today.date() => "%H:%M",
            () if then.year() == today.year() => self.dates.short,
            () => self.dates.full,
        };
        self.when(at, format)
    }

    /// `Sun 22 Nov 2026, 18:04`.
    pub fn long(&self, at: Timestamp) -> When {
        let day = if self.is_english { "%a " } else { "" };
        let between = if self.is_english { ", " } else { " " };
        self.when(at, &[day, self.dates.full, between, "%H:%M"].concat())
    }

    /// `text` with the instants in it, as the API writes them, in this zone's words.
    pub fn said(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for word in text.split_inclusive([' ', ',']) {
            let bare = word.trim_end_matches([' ', ',']);
            match Timestamp::parse(bare).filter(|_| bare.ends_with('Z')) {
                Some(at) => out.extend([self.long(at).words(), &word[bare.len()..]]),
                None => out.push_str(word),
            }
        }
        out
    }

    /// `22 Nov 2026`.
    pub fn day(&self, at: Timestamp) -> When {
        self.when(at, self.dates.full)
    }

    pub fn time_zone(&self) -> TimeZone {
        self.zone.clone()
    }

    /// What `datetime-local` fields send, as an instant of this zone.
    pub fn instant(&self, text: &str) -> Option<Timestamp> {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        let zoned = civil.to_zoned(self.zone.clone()).ok()?;
        Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
    }

    /// The reverse of `instant`, to the minute.
    pub fn field(&self, at: Timestamp) -> String {
        at.to_jiff().to_zoned(self.zone.clone()).strftime("%Y-%m-%dT%H:%M").to_string()
    }

    /// What the zone is called: `Europe/Berlin`.
    pub fn name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// Nine o'clock, `days` days after the day of `now`.
    pub fn morning(&self, now: Timestamp, days: i64) -> Option<Timestamp> {
        let today = now.to_jiff().to_zoned(self.zone.clone()).date();
        let day = today.checked_add(jiff::Span::new().days(days)).ok()?;
        let zoned = day.at(9, 0, 0, 0).to_zoned(self.zone.clone()).ok()?;
        Some(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
    }

    /// Days from the day of `now` to the next Monday.
    pub fn days_to_monday(&self, now: Timestamp) -> i64 {
        let weekday = now.to_jiff().to_zoned(self.zone.clone()).weekday();
        7 - i64::from(weekday.to_monday_zero_offset())
    }

    fn when(&self, at: Timestamp, format: &str) -> When {
        let zoned = at.to_jiff().to_zoned(self.zone.clone());
        When {
            instant: at,
            full: match self.is_english {
                true => zoned.strftime("%A, %-d %B %Y, %H:%M:%S %Z").to_string(),
                false => zoned.strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
            },
            text: zoned.strftime(format).to_string(),
        }
    }
}

/// A `<time>` element.
#[derive(Debug, Clone)]
pub struct When {
    instant: Timestamp,
    full: String,
    text: String,
}

impl When {
    pub fn instant(&self) -> Timestamp {
        self.instant
    }

    /// Without markup.
    pub fn words(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<time datetime=\"{}\" title=\"{}\">{}</time>", self.instant, self.full, self.text)
    }
}

/// Nothing in it was written by anybody.
impl HtmlSafe for When {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_day_decides_how_short_a_time_is() {
        let zone = Zone::of("Europe/Berlin");
        let at = |text| Timestamp::parse(text).unwrap();
        let now = at("2026-11-23T00:30:00Z");
        assert_eq!(zone.short(at("2026-11-22T23:10:00Z"), now).text, "00:10");
        assert_eq!(zone.short(at("2026-11-22T22:10:00Z"), now).text, "22 Nov");
        assert_eq!(zone.short(at("2025-11-22T22:10:00Z"), now).text, "22 Nov 2025");
        assert_eq!(
            zone.long(at("2026-11-22T17:04:00Z")).to_string(),
            "<time datetime=\"2026-11-22T17:04:00.000Z\" title=\"Sunday, 22 November 2026, 18:04:00 CET\">\
             Sun 22 Nov 2026, 18:04</time>"
        );
    }

    #[test]
    fn instants_in_a_text_are_told_as_an_agent_reads_them() {
        let text = "First answer by 2026-11-22T17:04:00.000Z, 4 h after the 1Z of 2026";
        assert_eq!(
            Zone::of("Europe/Berlin").said(text),
            "First answer by Sun 22 Nov 2026, 18:04, 4 h after the 1Z of 2026"
        );
    }

    #[test]
    fn every_format_an_agent_may_choose_is_written_as_it_says() {
        let at = Timestamp::parse("2026-03-04T17:04:00Z").unwrap();
        for format in crate::desk::agent::date_time_formats() {
            let zone = Zone { dates: Dates::chosen(&format), ..Zone::of("UTC") };
            let wanted = format.split(' ').next().unwrap().replace("yyyy", "2026").replace("MM", "03");
            assert_eq!(zone.day(at).text, wanted.replace("dd", "04"));
        }
    }
}
