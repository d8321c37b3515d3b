//! Times for people: in their zone, absolute, with the exact instant in the markup.

use std::fmt;

use askama::filters::HtmlSafe;
use jiff::tz::TimeZone;

use crate::time::Timestamp;

/// The zone of whoever reads the page.
#[derive(Debug, Clone)]
pub struct Zone(TimeZone);

impl Zone {
    /// By its IANA name; UTC when this build does not know it.
    pub fn of(name: &str) -> Self {
        Self(TimeZone::get(name).unwrap_or(TimeZone::UTC))
    }

    /// As short as it is clear on the day of `now`: `18:04`, `22 Nov`, `22 Nov 2025`.
    pub fn short(&self, at: Timestamp, now: Timestamp) -> When {
        let (then, today) = (at.to_jiff().to_zoned(self.0.clone()), now.to_jiff().to_zoned(self.0.clone()));
        let format = match () {
            () if then.date() == today.date() => "%H:%M",
            () if then.year() == today.year() => "%-d %b",
            () => "%-d %b %Y",
        };
        self.when(at, format)
    }

    /// `Sun 22 Nov 2026, 18:04`.
    pub fn long(&self, at: Timestamp) -> When {
        self.when(at, "%a %-d %b %Y, %H:%M")
    }

    /// `22 Nov 2026`.
    pub fn day(&self, at: Timestamp) -> When {
        self.when(at, "%-d %b %Y")
    }

    fn when(&self, at: Timestamp, format: &str) -> When {
        let zoned = at.to_jiff().to_zoned(self.0.clone());
        When {
            instant: at,
            full: zoned.strftime("%A, %-d %B %Y, %H:%M:%S %Z").to_string(),
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
}
