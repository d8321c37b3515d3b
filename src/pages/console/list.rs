//! A list of conversations as the console shows it: alone, or beside the conversation that was opened from it. Where
//! one was opened from (filter, order, page) travels along in the links as a `Context`.

use std::collections::HashMap;

use super::words;
use crate::db::Snapshot;
use crate::desk::conversation::{self, Conversation, ListQuery, Sort, presence};
use crate::desk::filter::{self, SystemFilter};
use crate::desk::{agent, contact, tag};
use crate::error::{Error, Result};
use crate::ids::{AgentId, ContactId, ConversationId, TagId};
use crate::pages::when::{When, Zone};
use crate::time::Timestamp;
use crate::web::{Query, SignedIn};

/// A list says "more than" beyond this.
pub const COUNTED: i64 = 10_000;

const ORDERS: [(&str, &str, Sort); 5] = [
    ("last-reply", "Last reply", Sort::LastReplyTime),
    ("last-activity", "Last activity", Sort::LastActivityTime),
    ("priority", "Priority", Sort::Priority),
    ("status", "Status", Sort::Status),
    ("next-breach", "Next SLA breach", Sort::NextSlaBreach),
];

/// Which list, in which order, which page of it.
pub struct Context {
    pub filter: SystemFilter,
    query: Query,
    wanted: ListQuery,
}

impl Context {
    /// Of the list itself, whose query this is.
    pub fn new(filter: SystemFilter, query: Query) -> Result<Self> {
        let sort =
            query.value("sort", "a known order", |text| ORDERS.iter().find(|order| order.0 == text))?;
        let is_ascending = query.value("order", "asc or desc", |text| match text {
            "asc" => Some(true),
            "desc" => Some(false),
            _ => None,
        })?;
        let wanted = ListQuery {
            filter: Some(filter.filter),
            sort: sort.map_or_else(Sort::default, |order| order.2),
            is_ascending: is_ascending.unwrap_or(false),
            paging: query.paging()?,
            count_limit: Some(COUNTED),
            ..ListQuery::default()
        };
        Ok(Self { filter, query, wanted })
    }

    /// Of a conversation's page: what its `filter`, `sort`, `order` and `pageIndex` say. A list that is not there any
    /// more is all.
    pub fn of_conversation(query: Query) -> Self {
        let named = query.text("filter").ok().flatten().and_then(filter::by_slug);
        let filter = named.unwrap_or(filter::SYSTEM[0]);
        Self::new(filter, query).unwrap_or_else(|_| Self {
            filter,
            query: Query::default(),
            wanted: ListQuery { filter: Some(filter.filter), ..ListQuery::default() },
        })
    }

    /// From the field `context` of a form.
    pub fn of_form(text: &str) -> Self {
        Self::of_conversation(Query::parse(text).unwrap_or_default())
    }

    /// The parameters that conversations' links carry.
    pub fn text(&self) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        out.append_pair("filter", self.filter.slug);
        self.append(&mut out);
        out.finish()
    }

    fn append(&self, out: &mut url::form_urlencoded::Serializer<'_, String>) {
        for name in ["sort", "order", "pageIndex"] {
            if let Ok(Some(value)) = self.query.text(name) {
                out.append_pair(name, value);
            }
        }
    }

    /// The list's own address.
    pub fn list_href(&self) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        self.append(&mut out);
        let path = ["/console/", self.filter.slug].concat();
        match out.finish() {
            query if query.is_empty() => path,
            query => [&path, "?", &query].concat(),
        }
    }

    pub fn href(&self, conversation: ConversationId) -> String {
        format!("/console/conversations/{conversation}?{}", self.text())
    }

    fn page_href(&self, index: i64, open: Option<ConversationId>) -> String {
        match open {
            // Turning the page of the list beside a conversation keeps that open.
            Some(id) => format!("/console/conversations/{id}?{}", self.query.with_page(index)),
            None => ["?", &self.query.with_page(index)].concat(),
        }
    }
}

pub struct Order {
    pub slug: &'static str,
    pub name: &'static str,
    pub is_chosen: bool,
}

/// A page of a list.
pub struct Pane {
    pub context: Context,
    pub rows: Vec<Row>,
    pub total: i64,
    pub first: i64,
    pub previous: Option<String>,
    pub next: Option<String>,
    /// The conversation that stands beside the list.
    pub open: Option<ConversationId>,
}

pub struct Row {
    pub conversation: Conversation,
    pub contact: String,
    /// Who wrote last, when that was an agent.
    pub speaker: Option<String>,
    pub agent: Option<String>,
    pub tags: Vec<String>,
    pub at: When,
    /// Colleagues who have it open now.
    pub viewers: Vec<Viewer>,
}

pub struct Viewer {
    pub name: String,
    pub is_writing: bool,
}

impl Pane {
    pub fn new(
        s: &Snapshot<'_>,
        signed_in: &SignedIn,
        context: Context,
        open: Option<ConversationId>,
        now: Timestamp,
    ) -> Result<Self> {
        let wanted = &context.wanted;
        let found = conversation::list(s, &signed_in.actor, wanted)?;
        let paging = wanted.paging;
        let shown = found.items.len() as i64;
        let is_last = paging.offset() + shown >= found.total && found.total < COUNTED || shown < paging.size;
        Ok(Self {
            rows: rows(s, signed_in, found.items, now)?,
            total: found.total,
            first: paging.offset() + 1,
            previous: (1 < paging.index).then(|| context.page_href(paging.index - 1, open)),
            next: (!is_last).then(|| context.page_href(paging.index + 1, open)),
            context,
            open,
        })
    }

    pub fn orders(&self) -> Vec<Order> {
        let chosen = self.context.wanted.sort;
        ORDERS.iter().map(|(slug, name, sort)| Order { slug, name, is_chosen: *sort == chosen }).collect()
    }

    pub fn is_ascending(&self) -> bool {
        self.context.wanted.is_ascending
    }

    pub fn is_open(&self, id: ConversationId) -> bool {
        self.open == Some(id)
    }

    /// The neighbour of the open conversation in the list, `step` rows further down. When it is no longer in the list,
    /// the list's first conversation comes next.
    pub fn neighbour(&self, step: isize) -> Option<ConversationId> {
        let at = self.rows.iter().position(|row| Some(row.conversation.id) == self.open);
        let index = match at {
            Some(at) => at.checked_add_signed(step)?,
            None if 0 < step => 0,
            None => return None,
        };
        self.rows.get(index).map(|row| row.conversation.id)
    }
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
    let ids: Vec<ConversationId> = found.iter().map(|conversation| conversation.id).collect();
    let mut viewers: HashMap<ConversationId, Vec<Viewer>> = HashMap::new();
    for present in presence::of_conversations(s, &ids, now)? {
        if present.agent_id != signed_in.agent.id {
            let viewer = Viewer { name: present.name, is_writing: present.is_writing };
            viewers.entry(present.conversation_id).or_default().push(viewer);
        }
    }
    let mut row = |conversation: Conversation| {
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
            viewers: viewers.remove(&conversation.id).unwrap_or_default(),
            conversation,
        }
    };
    Ok(found.into_iter().map(&mut row).collect())
}

/// The agent who wrote last; `None` when somebody else did.
fn speaker(conversation: &Conversation) -> Option<AgentId> {
    let party = conversation.last_replied_by.as_ref().filter(|party| party.kind == "agent")?;
    party.id.map(AgentId)
}

/// The list that a slug names.
pub fn by_slug(slug: &str) -> Result<SystemFilter> {
    filter::by_slug(slug).ok_or_else(|| Error::not_found("filter", slug))
}
