//! Links between the pages of a list (contract 1.3).

use actix_web::HttpRequest;
use serde::Serialize;

use super::Query;
use crate::desk::Paging;

/// Root-relative URIs of the neighbours; `null` where there is none.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Links {
    pub previous_page: Option<String>,
    pub next_page: Option<String>,
    pub current_page: String,
}

impl Links {
    pub fn new(request: &HttpRequest, query: &Query, paging: Paging, total: i64) -> Self {
        let to = |index: i64| [request.path(), "?", &query.with_page(index)].concat();
        let last = (total + paging.size - 1) / paging.size;
        Self {
            previous_page: (1 < paging.index).then(|| to((paging.index - 1).min(last.max(1)))),
            next_page: (paging.index < last).then(|| to(paging.index + 1)),
            current_page: to(paging.index),
        }
    }
}
