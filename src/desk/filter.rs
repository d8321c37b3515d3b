//! Filters, the console's views: the six system ones (contract 13.1).

use super::conversation::Filter;

/// A filter as lists of filters show it.
#[derive(Debug, Clone, Copy)]
pub struct SystemFilter {
    pub id: i64,
    pub name: &'static str,
    /// The word in the console's URL.
    pub slug: &'static str,
    pub filter: Filter,
}

pub const SYSTEM: [SystemFilter; 6] = [
    SystemFilter { id: 1, name: "All", slug: "all", filter: Filter::All },
    SystemFilter { id: 2, name: "My open", slug: "my-open", filter: Filter::MyOpen },
    SystemFilter {
        id: 3,
        name: "My department open",
        slug: "my-department-open",
        filter: Filter::MyDepartmentOpen,
    },
    SystemFilter { id: 4, name: "Unassigned", slug: "unassigned", filter: Filter::Unassigned },
    SystemFilter { id: 5, name: "Mentioned me", slug: "mentioned-me", filter: Filter::MentionedMe },
    SystemFilter { id: 6, name: "Closed", slug: "closed", filter: Filter::Closed },
];

pub fn by_id(id: i64) -> Option<SystemFilter> {
    SYSTEM.into_iter().find(|filter| filter.id == id)
}

pub fn by_slug(slug: &str) -> Option<SystemFilter> {
    SYSTEM.into_iter().find(|filter| filter.slug == slug)
}
