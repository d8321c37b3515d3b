//! Query strings: keys in any case, brackets plain or encoded, values repeated where a list is meant. An error names
//! the parameter and the value.

use std::time::Duration;

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use super::error::ApiError;
use crate::desk::Paging;
use crate::error::{Error, Result, shown};
use crate::time::Timestamp;

/// The parameters of a request, keys in lower case, in the order they came.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

/// The index of an object in a list, and its parts.
pub type Object<'a> = (u32, Vec<(&'a str, &'a str)>);

/// The window that a list has without being asked (contract 11.6).
const WINDOW: Duration = Duration::from_secs(30 * 24 * 3600);

/// Parameters accepted at most.
const PARAMETERS: usize = 200;

impl Query {
    pub fn parse(text: &str) -> Result<Self> {
        let pairs: Vec<(String, String)> = url::form_urlencoded::parse(text.as_bytes())
            .take(PARAMETERS + 1)
            .map(|(key, value)| (key.to_ascii_lowercase(), value.into_owned()))
            .collect();
        if PARAMETERS < pairs.len() {
            return Err(Error::invalid("query", format!("has more than {PARAMETERS} parameters")));
        }
        match pairs.iter().find(|(_, value)| value.contains('\0')) {
            Some((key, _)) => Err(Error::invalid(key, "contains a NUL character")),
            None => Ok(Self { pairs }),
        }
    }

    /// Every value of a parameter.
    pub fn all<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        self.pairs.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter; an empty one counts as absent, two are refused.
    pub fn text<'a>(&'a self, name: &str) -> Result<Option<&'a str>> {
        let mut values = self.all(name);
        let first = values.next().map(str::trim).filter(|value| !value.is_empty());
        match values.next() {
            Some(second) => Err(Error::invalid(name, format!("is given twice (again as '{second}')"))),
            None => Ok(first),
        }
    }

    /// The value as `T`, read by `read`, which says no with `None`; `wanted` completes "must be".
    pub fn value<T>(
        &self,
        name: &str,
        wanted: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        read(text).map(Some).ok_or_else(|| {
            let shown = shown(text);
            Error::invalid(name, format!("must be {wanted}, not '{shown}'"))
        })
    }

    pub fn integer(&self, name: &str) -> Result<Option<i64>> {
        self.value(name, "a whole number", |text| text.parse().ok())
    }

    /// Whole numbers, separated by commas or repeated.
    pub fn integers(&self, name: &str) -> Result<Vec<i64>> {
        self.all(name)
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|value| !value.is_empty())
            .map(|value| {
                let shown = shown(value);
                value
                    .parse()
                    .map_err(|_| Error::invalid(name, format!("must be whole numbers, not '{shown}'")))
            })
            .collect()
    }

    pub fn boolean(&self, name: &str) -> Result<Option<bool>> {
        self.value(name, "true or false", |text| match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        })
    }

    /// The objects of a list such as `conditions[0][field]=…`, with the index each was given, in the order of the
    /// indices; an index may be left out. The keys of an object are in lower case.
    pub fn objects(&self, name: &str) -> Result<Vec<Object<'_>>> {
        let mut objects: Vec<Object<'_>> = Vec::new();
        for (key, value) in &self.pairs {
            let Some(rest) = key.get(name.len()..).filter(|_| key[..name.len()].eq_ignore_ascii_case(name))
            else {
                continue;
            };
            if !rest.starts_with('[') && !rest.is_empty() {
                continue;
            }
            let parts = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
            let read = parts.and_then(|(index, part)| {
                let part = part.strip_prefix('.').or_else(|| part.strip_prefix('[')?.strip_suffix(']'))?;
                Some((index.parse().ok()?, part))
            });
            let Some((index, part)) = read else {
                return Err(Error::invalid(key, format!("is not written as {name}[0][field]")));
            };
            let object = match objects.iter().position(|(known, _)| *known == index) {
                Some(place) => &mut objects[place].1,
                None => {
                    objects.push((index, Vec::new()));
                    let last = objects.len() - 1;
                    &mut objects[last].1
                }
            };
            if object.iter().any(|(known, _)| *known == part) {
                return Err(Error::invalid(key, format!("is given twice (again as '{value}')")));
            }
            object.push((part, value));
        }
        objects.sort_by_key(|(index, _)| *index);
        Ok(objects)
    }

    /// The caller's zone (contract 1.2): hours up to 14, else minutes, east of UTC.
    pub fn time_zone(&self) -> Result<Option<TimeZone>> {
        self.value("timeZoneOffset", "hours or minutes east of UTC, such as 2, -5.5 or 480", |text| {
            let number: f64 = text.parse().ok().filter(|number: &f64| number.is_finite())?;
            let minutes = if number.abs() <= 14.0 { number * 60.0 } else { number };
            (minutes.abs() <= 840.0)
                .then(|| Offset::from_seconds((minutes * 60.0) as i32).ok())?
                .map(TimeZone::fixed)
        })
    }

    /// A time that is of `zone` where it has no zone of its own.
    pub fn time_in(&self, name: &str, zone: Option<&TimeZone>) -> Result<Option<Timestamp>> {
        self.value(name, "an ISO-8601 time", |text| match (zone, text.parse::<DateTime>()) {
            (Some(zone), Ok(local)) => {
                let zoned = local.to_zoned(zone.clone()).map(|zoned| zoned.timestamp().to_string());
                Timestamp::parse(zoned.as_deref().unwrap_or(text))
            }
            _ => Timestamp::parse(text),
        })
    }

    /// The window of a list (contract 27.4 row 80): without a beginning the 30 days before its end, which is now where
    /// none is given; that one comes as `None`. Times without a zone are of the caller's (row 100).
    pub fn window(&self, from: &str, to: &str, now: Timestamp) -> Result<(Timestamp, Option<Timestamp>)> {
        let zone = self.time_zone()?;
        let end = self.time_in(to, zone.as_ref())?;
        let begin = self.time_in(from, zone.as_ref())?;
        let begin = begin.unwrap_or_else(|| end.unwrap_or(now).minus(WINDOW));
        if end.unwrap_or(now) < begin {
            let than = if end.is_some() { to } else { "now" };
            return Err(Error::invalid(from, format!("'{begin}' is later than {than}")));
        }
        Ok((begin, end))
    }

    pub fn time(&self, name: &str) -> Result<Option<Timestamp>> {
        self.value(name, "an ISO-8601 time", Timestamp::parse)
    }

    /// `pageIndex` from 1, `pageSize` from 1 to 50 (contract 1.4).
    pub fn paging(&self) -> Result<Paging> {
        let whole = |range: std::ops::RangeInclusive<i64>| {
            move |text: &str| text.parse().ok().filter(|n| range.contains(n))
        };
        let index = self.value("pageIndex", "a whole number from 1", whole(1..=1_000_000_000))?;
        let size = self.value("pageSize", "a whole number from 1 to 50", whole(1..=50))?;
        let default = Paging::default();
        Ok(Paging { index: index.unwrap_or(default.index), size: size.unwrap_or(default.size) })
    }

    /// The names of `include` and `includes`, separated by commas or repeated, in lower case.
    pub fn includes(&self) -> Vec<String> {
        self.all("include")
            .chain(self.all("includes"))
            .flat_map(|value| value.split(','))
            .map(|name| name.trim().to_ascii_lowercase())
            .filter(|name| !name.is_empty())
            .collect()
    }

    /// The query with `pageIndex` replaced: for links to other pages.
    pub fn with_page(&self, index: i64) -> String {
        self.with_page_at(index, &[], None)
    }

    /// The same without `dropped`, and with `added`.
    pub fn with_page_at(&self, index: i64, dropped: &[&str], added: Option<(&str, &str)>) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        for (key, value) in &self.pairs {
            if key != "pageindex" && !dropped.contains(&key.as_str()) {
                out.append_pair(key, value);
            }
        }
        out.append_pair("pageIndex", &index.to_string());
        if let Some((key, value)) = added {
            out.append_pair(key, value);
        }
        out.finish()
    }
}

impl FromRequest for Query {
    type Error = ApiError;
    type Future = std::future::Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Self::parse(request.query_string()).map_err(ApiError))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_read_from_brackets_in_the_order_of_their_indices() {
        let query = Query::parse(
            "conditions%5B7%5D%5BField%5D=status&conditions[2][field]=subject&conditions[7][value]=a",
        );
        let query = query.unwrap();
        let objects = query.objects("conditions").unwrap();
        assert_eq!(objects[0], (2, vec![("field", "subject")]));
        assert_eq!(objects[1], (7, vec![("field", "status"), ("value", "a")]));
        for wrong in [
            "conditions=x",
            "conditions[a][field]=x",
            "conditions[0]=x",
            "conditions[0][field]=x&conditions[0][field]=y",
        ] {
            assert!(Query::parse(wrong).unwrap().objects("conditions").is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_offset_is_hours_or_minutes_and_tells_what_times_mean() {
        let at = |text: &str| {
            let query = Query::parse(text).unwrap();
            let zone = query.time_zone().unwrap();
            query.time_in("timeFrom", zone.as_ref()).unwrap().unwrap().to_string()
        };
        assert_eq!(at("timeFrom=2026-01-05T10:00:00&timeZoneOffset=8"), "2026-01-05T02:00:00.000Z");
        assert_eq!(at("timeFrom=2026-01-05T10:00:00&timeZoneOffset=-330"), "2026-01-05T15:30:00.000Z");
        assert_eq!(at("timeFrom=2026-01-05T10:00:00Z&timeZoneOffset=8"), "2026-01-05T10:00:00.000Z");
        assert_eq!(at("timeFrom=2026-01-05"), "2026-01-05T00:00:00.000Z");
        for wrong in ["timeZoneOffset=900", "timeZoneOffset=x", "timeZoneOffset=NaN"] {
            assert!(Query::parse(wrong).unwrap().time_zone().is_err(), "{wrong}");
        }
    }

    #[test]
    fn parameters_are_found_in_any_case_and_refused_by_name() {
        let query =
            Query::parse("PageIndex=2&pagesize=10&include=contact,messages&includes=agentAssignee").unwrap();
        assert_eq!(query.paging().unwrap().index, 2);
        assert_eq!(query.includes(), ["contact", "messages", "agentassignee"]);
        let error = Query::parse("pageIndex=0").unwrap().paging().unwrap_err().to_string();
        assert_eq!(error, "'pageIndex' must be a whole number from 1, not '0'");
        assert!(Query::parse("a=1&a=2").unwrap().integer("a").is_err());
        assert_eq!(
            query.with_page(3),
            "pagesize=10&include=contact%2Cmessages&includes=agentAssignee&pageIndex=3"
        );
    }
}
