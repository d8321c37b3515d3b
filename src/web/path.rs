//! Paths of the API in any case, with or without a slash at the end (contract 1.1). The routes themselves are declared
//! in one spelling; this middleware finds it.

use std::collections::HashMap;

use actix_web::dev::ServiceRequest;
use actix_web::http::Uri;
use actix_web::http::uri::PathAndQuery;

/// The segments that routes are made of, by their lower-case form.
pub struct Spelling(HashMap<String, String>);

impl Spelling {
    /// From route patterns such as `/anytime/emailAccounts/{id}`.
    pub fn of<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        let segments = patterns.into_iter().flat_map(|pattern| pattern.split('/'));
        let literal = segments.filter(|segment| !segment.is_empty() && !segment.starts_with('{'));
        Self(literal.map(|segment| (segment.to_ascii_lowercase(), segment.to_owned())).collect())
    }

    /// Another word for a declared segment.
    pub fn also(mut self, word: &str, declared: &str) -> Self {
        self.0.insert(word.to_ascii_lowercase(), declared.to_owned());
        self
    }

    /// Rewrites a request below `/api` and `/oauth` to the declared spelling.
    pub fn apply(&self, request: &mut ServiceRequest) {
        let path = request.path();
        let is_below =
            |base: &str| path.get(..base.len()).is_some_and(|start| start.eq_ignore_ascii_case(base));
        if !is_below("/api/") && !is_below("/oauth/") {
            return;
        }
        let canonical = self.canonical(path);
        if canonical == path {
            return;
        }
        rewrite(request, &canonical);
    }

    fn canonical(&self, path: &str) -> String {
        let trimmed = path.trim_end_matches('/');
        let segments = trimmed
            .split('/')
            .map(|segment| self.0.get(&segment.to_ascii_lowercase()).map_or(segment, String::as_str));
        segments.collect::<Vec<_>>().join("/")
    }
}

/// Makes the request one for another path; its query stays.
pub fn rewrite(request: &mut ServiceRequest, path: &str) {
    let query = request.uri().query().map(|query| ["?", query].concat()).unwrap_or_default();
    let Ok(target) = PathAndQuery::try_from([path, &query].concat()) else { return };
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = Some(target);
    let Ok(uri) = Uri::from_parts(parts) else { return };
    request.match_info_mut().get_mut().update(&uri);
    request.head_mut().uri = uri;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_get_their_declared_spelling_and_ids_are_left_alone() {
        let spelling =
            Spelling::of(["/api/v3/anytime/emailAccounts/{id}/test", "/api/v3/attachments/{guid}"]);
        assert_eq!(
            spelling.canonical("/API/V3/Anytime/EMAILACCOUNTS/7/Test/"),
            "/api/v3/anytime/emailAccounts/7/test"
        );
        assert_eq!(spelling.canonical("/api/v3/attachments/AbC"), "/api/v3/attachments/AbC");
    }
}
