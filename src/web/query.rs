//! Query strings: keys in any case, brackets plain or encoded, values repeated where a list is meant. An error names
//! the parameter and the value.

use actix_web::{FromRequest, HttpRequest, dev::Payload};

use super::error::ApiError;
use crate::desk::Paging;
use crate::error::{Error, Result};
use crate::time::Timestamp;

/// The parameters of a request, keys in lower case, in the order they came.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pairs: Vec<(String, String)>,
}

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
            let shown: String = text.chars().take(80).collect();
            Error::invalid(name, format!("must be {wanted}, not '{shown}'"))
        })
    }

    pub fn integer(&self, name: &str) -> Result<Option<i64>> {
        self.value(name, "a whole number", |text| text.parse().ok())
    }

    pub fn boolean(&self, name: &str) -> Result<Option<bool>> {
        self.value(name, "true or false", |text| match text.to_ascii_lowercase().as_str() {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        })
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
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        for (key, value) in self.pairs.iter().filter(|(key, _)| key != "pageindex") {
            out.append_pair(key, value);
        }
        out.append_pair("pageIndex", &index.to_string());
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
