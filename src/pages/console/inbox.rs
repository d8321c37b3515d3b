//! Lists of conversations, one for each filter.

use std::collections::HashMap;

use actix_web::web::Path;
use actix_web::{HttpResponse, get};
use askama::Template;

use super::{Layout, words};
use crate::app::App;
use crate::db::Snapshot;
use crate::desk::code::Priority;
use crate::desk::conversation::{self, Conversation, Filter, ListQuery, Sort};
use crate::desk::filter::{self, SystemFilter};
use crate::desk::{Paging, agent, contact, tag};
use crate::error::{Error, Result};
use crate::ids::{AgentId, ContactId, TagId};
use crate::pages::when::{When, Zone};
use crate::time::Timestamp;
use crate::web::page::see_other;
use crate::web::{Page, PageError, Query, SignedIn, filters};

/// A list says "more than" beyond this.
const COUNTED: i64 = 10_000;

const ORDERS: [(&str, &str, Sort); 4] = [
    ("last-reply", "Last reply", Sort::LastReplyTime),
    ("last-activity", "Last activity", Sort::LastActivityTime),
    ("priority", "Priority", Sort::Priority),
    ("status", "Status", Sort::Status),
];

#[derive(Template)]
#[template(path = "console/inbox.html")]
struct InboxPage {
    layout: Layout,
    filter: SystemFilter,
    rows: Vec<Row>,
    total: i64,
    first: i64,
    previous: Option<String>,
    next: Option<String>,
    orders: Vec<Order>,
    is_ascending: bool,
    empty: Empty,
    time_zone: String,
}

struct Order {
    slug: &'static str,
    name: &'static str,
    is_chosen: bool,
}

struct Row {
    conversation: Conversation,
    contact: String,
    /// Who wrote last, when that was an agent.
    speaker: Option<String>,
    agent: Option<String>,
    tags: Vec<String>,
    at: When,
}

struct Empty {
    icon: &'static str,
    title: &'static str,
    text: &'static str,
}

/// To the agent's own work, or to everything when there is none.
#[get("/console")]
pub async fn home(app: App, signed_in: SignedIn) -> Result<HttpResponse, PageError> {
    let mine = ListQuery {
        filter: Some(Filter::MyOpen),
        paging: Paging { index: 1, size: 1 },
        count_limit: Some(1),
        ..ListQuery::default()
    };
    let has_work = app.read(|s| Ok(0 < conversation::list(s, &signed_in.actor, &mine)?.total))?;
    Ok(see_other(if has_work { "/console/my-open" } else { "/console/all" }))
}

#[get("/console/{filter:[a-z-]+}")]
pub async fn show(
    app: App,
    signed_in: SignedIn,
    slug: Path<String>,
    query: Query,
) -> Result<Page<InboxPage>, PageError> {
    let filter = filter::by_slug(&slug).ok_or_else(|| Error::not_found("filter", &slug))?;
    let wanted = wanted(filter, &query)?;
    let now = app.now();
    Ok(Page(app.read(|s| page(s, &signed_in, filter, &wanted, &query, now))?))
}

fn wanted(filter: SystemFilter, query: &Query) -> Result<ListQuery> {
    let sort = query.value("sort", "a known order", |text| ORDERS.iter().find(|order| order.0 == text))?;
    let is_ascending = query.value("order", "asc or desc", |text| match text {
        "asc" => Some(true),
        "desc" => Some(false),
        _ => None,
    })?;
    Ok(ListQuery {
        filter: Some(filter.filter),
        sort: sort.map_or_else(Sort::default, |order| order.2),
        is_ascending: is_ascending.unwrap_or(false),
        paging: query.paging()?,
        count_limit: Some(COUNTED),
        ..ListQuery::default()
    })
}

fn page(
    s: &Snapshot<'_>,
    signed_in: &SignedIn,
    filter: SystemFilter,
    wanted: &ListQuery,
    query: &Query,
    now: Timestamp,
) -> Result<InboxPage> {
    let found = conversation::list(s, &signed_in.actor, wanted)?;
    let paging = wanted.paging;
    let shown = found.items.len() as i64;
    let is_last = paging.offset() + shown >= found.total && found.total < COUNTED || shown < paging.size;
    let to = |index: i64| ["?", &query.with_page(index)].concat();
    let orders = ORDERS.map(|(slug, name, sort)| Order { slug, name, is_chosen: sort == wanted.sort });
    Ok(InboxPage {
        layout: Layout::new(s, signed_in, filter.slug)?,
        filter,
        rows: rows(s, signed_in, found.items, now)?,
        total: found.total,
        first: paging.offset() + 1,
        previous: (1 < paging.index).then(|| to(paging.index - 1)),
        next: (!is_last).then(|| to(paging.index + 1)),
        orders: orders.into(),
        is_ascending: wanted.is_ascending,
        empty: empty(filter.filter),
        time_zone: signed_in.time_zone.clone(),
    })
}

fn rows(
    s: &Snapshot<'_>,
    signed_in: &SignedIn,
    found: Vec<Conversation>,
    now: Timestamp,
) -> Result<Vec<Row>> {
    let zone = Zone::of_agent(signed_in);
    let contacts: Vec<ContactId> = found.iter().filter_map(|conversation| conversation.contact_id).collect();
    let contacts = contact::names(s, &contacts)?;
    let assigned = found.iter().filter_map(|conversation| conversation.agent_assignee_id);
    let agents: Vec<AgentId> = assigned.chain(found.iter().filter_map(speaker)).collect();
    let agents = agent::names(s, &agents)?;
    let tags: HashMap<TagId, String> = tag::names(s)?.into_iter().collect();
    let row = |conversation: Conversation| {
        let speaker = speaker(&conversation).and_then(|id| match id == signed_in.agent.id {
            true => Some("You".to_owned()),
            false => agents.get(&id).cloned(),
        });
        Row {
            contact: words::contact(conversation.contact_id.and_then(|id| contacts.get(&id))),
            speaker,
            agent: conversation.agent_assignee_id.and_then(|id| agents.get(&id).cloned()),
            tags: conversation.tags.iter().filter_map(|id| tags.get(id).cloned()).collect(),
            at: zone.short(conversation.last_replied_at.unwrap_or(conversation.created_at), now),
            conversation,
        }
    };
    Ok(found.into_iter().map(row).collect())
}

/// The agent who wrote last; `None` when somebody else did.
fn speaker(conversation: &Conversation) -> Option<AgentId> {
    let party = conversation.last_replied_by.as_ref().filter(|party| party.kind == "agent")?;
    party.id.map(AgentId)
}

fn empty(filter: Filter) -> Empty {
    let (icon, title, text) = match filter {
        Filter::All => (
            "inbox",
            "No conversations yet",
            "Mail to your accounts and messages from the portal appear here.",
        ),
        Filter::MyOpen => ("sun", "Nothing waits for you", "No open conversation is assigned to you."),
        Filter::MyDepartmentOpen => {
            ("building-2", "Nothing waits here", "No open conversation belongs to one of your departments.")
        }
        Filter::Unassigned => {
            ("users", "Everything has an owner", "Every open conversation is assigned to somebody.")
        }
        Filter::MentionedMe => (
            "at-sign",
            "Nobody mentioned you",
            "When a colleague writes @ and your name in a note, it appears here.",
        ),
        Filter::Closed => {
            ("archive", "Nothing is closed yet", "Conversations appear here once they are closed.")
        }
    };
    Empty { icon, title, text }
}
