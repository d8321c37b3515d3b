//! A list of conversations as the console shows it: alone, or beside the conversation that was opened from it. Where
//! one was opened from (filter, order, page) travels along in the links as a `Context`. A page is named by the
//! conversation that it comes after or before, so that it neither repeats nor skips any while others arrive; its number
//! is told, and finds a page only where an address has nothing else.

use std::collections::HashMap;

use super::due::{Clock, Due};
use super::words;
use crate::app::App;
use crate::db::Snapshot;
use crate::desk::condition::{self, NewCondition, NewFormula};
use crate::desk::conversation::{self, Aside, Beside, Conversation, ListQuery, Place, Sort, presence};
use crate::desk::filter::{self, Filter, Narrowing, SystemFilter};
use crate::desk::search::query::Operator;
use crate::desk::search::snippet::{self, Part};
use crate::desk::search::{self, Search};
use crate::desk::{Actor, agent, contact, tag};
use crate::error::Result;
use crate::ids::{AgentId, ContactId, ConversationId, FilterId, TagId};
use crate::pages::when::{When, Zone};
use crate::rules::Usage;
use crate::time::Timestamp;
use crate::web::{Query, SignedIn};

/// A list says "more than" beyond this, and no more are changed at once.
pub const COUNTED: i64 = 10_000;
/// What the list of what is put aside is called in addresses.
pub const ASIDE: &str = "put-aside";
/// Parameters that name the conversation a page is next to.
const AFTER: &str = "after";
const BEFORE: &str = "before";

const ORDERS: [(&str, &str, Sort); 5] = [
    ("last-reply", "Last reply", Sort::LastReplyTime),
    ("last-activity", "Last activity", Sort::LastActivityTime),
    ("priority", "Priority", Sort::Priority),
    ("status", "Status", Sort::Status),
    ("next-breach", "Next SLA breach", Sort::NextSlaBreach),
];

/// A list: one of the system's filters, what is put aside, a saved filter, or what a search finds.
pub enum Which {
    System(SystemFilter),
    Aside,
    Saved(Filter),
    Search(String),
}

/// Which list, in which order, which page of it.
pub struct Context {
    pub which: Which,
    query: Query,
    wanted: ListQuery,
}

impl Which {
    /// The list that the word in an address names.
    pub fn by_slug(slug: &str) -> Option<Self> {
        match slug {
            ASIDE => Some(Self::Aside),
            _ => filter::by_slug(slug).map(Self::System),
        }
    }

    /// What is put aside is no work now: lists of work leave it out.
    fn aside(&self) -> Aside {
        use conversation::Filter::{MyDepartmentOpen, MyOpen, Unassigned};
        match self {
            Self::Aside => Aside::Alone,
            Self::System(system) if matches!(system.filter, MyOpen | MyDepartmentOpen | Unassigned) => {
                Aside::Hidden
            }
            _ => Aside::Shown,
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::System(filter) => filter.name,
            Self::Aside => "Put aside",
            Self::Saved(filter) => &filter.name,
            Self::Search(_) => "Search",
        }
    }

    /// What the menu marks, and what links call it.
    pub fn mark(&self) -> String {
        match self {
            Self::System(filter) => filter.slug.to_owned(),
            Self::Aside => ASIDE.to_owned(),
            Self::Saved(filter) => filter.id.to_string(),
            Self::Search(_) => "search".to_owned(),
        }
    }

    fn path(&self) -> String {
        match self {
            Self::System(filter) => ["/console/", filter.slug].concat(),
            Self::Aside => ["/console/", ASIDE].concat(),
            Self::Saved(filter) => format!("/console/filters/{}", filter.id),
            Self::Search(_) => "/console/search".to_owned(),
        }
    }
}

impl Context {
    /// Of the list itself, whose query this is.
    pub fn new(which: Which, query: Query) -> Result<Self> {
        let sort =
            query.value("sort", "a known order", |text| ORDERS.iter().find(|order| order.0 == text))?;
        let is_ascending = query.value("order", "asc or desc", |text| match text {
            "asc" => Some(true),
            "desc" => Some(false),
            _ => None,
        })?;
        let sort = sort.map_or_else(Sort::default, |order| order.2);
        let place = |name| query.value(name, "a place in the list", |text| Place::parse(text, sort));
        let beside = match place(AFTER)? {
            Some(place) => Some(Beside::After(place)),
            None => place(BEFORE)?.map(Beside::Before),
        };
        let wanted = ListQuery {
            sort,
            is_ascending: is_ascending.unwrap_or(false),
            paging: query.paging()?,
            beside,
            peeks: true,
            count_limit: Some(COUNTED),
            ..ListQuery::default()
        };
        Ok(Self { which, query, wanted })
    }

    /// Of a conversation's page: what its `filter`, `q`, `sort`, `order`, `pageIndex`, `after` and `before` say. A list
    /// that is not there any more is all.
    pub fn of_conversation(s: &Snapshot<'_>, by: &Actor, query: Query) -> Self {
        let which = Self::named(s, by, &query).unwrap_or(Which::System(filter::SYSTEM[0]));
        match Self::new(which, query) {
            Ok(context) => context,
            Err(_) => Self {
                which: Which::System(filter::SYSTEM[0]),
                query: Query::default(),
                wanted: ListQuery { count_limit: Some(COUNTED), ..ListQuery::default() },
            },
        }
    }

    fn named(s: &Snapshot<'_>, by: &Actor, query: &Query) -> Option<Which> {
        let name = query.text("filter").ok().flatten()?;
        if let Some(which) = Which::by_slug(name) {
            return Some(which);
        }
        if name == "search" {
            return Some(Which::Search(query.text("q").ok().flatten().unwrap_or_default().to_owned()));
        }
        filter::get(s, by, FilterId(name.parse().ok()?)).ok().flatten().map(Which::Saved)
    }

    /// From the field `context` of a form.
    pub fn of_form(app: &App, by: &Actor, text: &str) -> Self {
        let query = || Query::parse(text).unwrap_or_default();
        let found = app.read(|s| Ok(Self::of_conversation(s, by, query())));
        found.unwrap_or_else(|_| Self {
            which: Which::System(filter::SYSTEM[0]),
            query: Query::default(),
            wanted: ListQuery::default(),
        })
    }

    /// What the list asks for, at `now`.
    fn asked(&self, s: &Snapshot<'_>, signed_in: &SignedIn, now: Timestamp) -> Result<ListQuery> {
        let mut wanted = self.wanted.clone();
        let moment =
            || condition::moment(s, now, &signed_in.actor, Some(Zone::of_agent(signed_in).time_zone()));
        wanted.aside = self.which.aside();
        match &self.which {
            Which::System(system) => wanted.filter = Some(system.filter),
            Which::Aside => {}
            Which::Saved(saved) => match filter::narrowing(s, &moment()?, saved)? {
                Narrowing::System(filter) => wanted.filter = Some(filter),
                Narrowing::Own(predicate) => wanted.predicates.push(predicate),
            },
            Which::Search(words) => {
                let search = search::query::parse_with_operators(words);
                let conditions = operators(s, &search, &mut wanted)?;
                if !conditions.is_empty() {
                    let new = NewFormula { conditions, ..NewFormula::default() };
                    let formula = condition::check(s, Usage::View, &moment()?, &new)?;
                    wanted.predicates.push(condition::predicate(s, &moment()?, &formula)?);
                }
                wanted.search = search.has_words().then_some(search);
            }
        }
        Ok(wanted)
    }

    /// Every conversation of the list, up to `COUNTED`.
    pub fn everything(&self, s: &Snapshot<'_>, signed_in: &SignedIn) -> Result<Vec<ConversationId>> {
        let wanted = self.asked(s, signed_in, signed_in.now)?;
        conversation::list::ids(s, &signed_in.actor, &wanted, COUNTED)
    }

    /// The parameters that conversations' links carry.
    pub fn text(&self) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        out.append_pair("filter", &self.which.mark());
        self.append(&mut out);
        out.finish()
    }

    fn append(&self, out: &mut url::form_urlencoded::Serializer<'_, String>) {
        if let Which::Search(words) = &self.which {
            out.append_pair("q", words);
        }
        for name in ["sort", "order", "pageIndex", AFTER, BEFORE] {
            if let Ok(Some(value)) = self.query.text(name) {
                out.append_pair(name, value);
            }
        }
    }

    /// The list's own address.
    pub fn list_href(&self) -> String {
        let mut out = url::form_urlencoded::Serializer::new(String::new());
        self.append(&mut out);
        match out.finish() {
            query if query.is_empty() => self.which.path(),
            query => [&self.which.path(), "?", &query].concat(),
        }
    }

    pub fn path(&self) -> String {
        self.which.path()
    }

    pub fn href(&self, conversation: ConversationId) -> String {
        format!("/console/conversations/{conversation}?{}", self.text())
    }

    /// Where a saved filter is changed.
    pub fn edit_href(&self) -> Option<String> {
        match &self.which {
            Which::Saved(filter) => Some(format!("/console/filters/{}/edit", filter.id)),
            _ => None,
        }
    }

    /// The words of a search; empty for other lists.
    pub fn words(&self) -> &str {
        match &self.which {
            Which::Search(words) => words,
            _ => "",
        }
    }

    /// A page by its number and the conversation it comes after or before.
    fn page_href(&self, index: i64, name: &str, at: &Conversation, open: Option<ConversationId>) -> String {
        let place = Place::of(at, self.wanted.sort).text();
        let query = self.query.with_page_at(index, &[AFTER, BEFORE], Some((name, &place)));
        match open {
            // Turning the page of the list beside a conversation keeps that open.
            Some(id) => format!("/console/conversations/{id}?{query}"),
            None => ["?", &query].concat(),
        }
    }
}

/// What the operators of a search ask for beside its words. An operator that names what does not exist finds nothing.
fn operators(s: &Snapshot<'_>, search: &Search, wanted: &mut ListQuery) -> Result<Vec<NewCondition>> {
    let is = |field: &str, value: String| NewCondition {
        field: field.to_owned(),
        match_type: "is".to_owned(),
        value,
        number: None,
    };
    let mut conditions = Vec::new();
    for operator in &search.operators {
        match operator {
            Operator::Status(status) => conditions.push(is("status", status.name().to_owned())),
            Operator::Priority(priority) => conditions.push(is("priority", priority.name().to_owned())),
            Operator::Channel(channel) => conditions.push(is("channel", channel.name().to_owned())),
            Operator::IsUnread => conditions.push(is("isRead", "false".to_owned())),
            Operator::HasAttachment => wanted.has_attachment = true,
            Operator::Tag(name) => {
                let known = tag::names(s)?.into_iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
                wanted.tag = Some(known.map_or(TagId(0), |(id, _)| id));
            }
        }
    }
    Ok(conditions)
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
    pub due: Option<Due>,
    /// While it is put aside: until when.
    pub aside: Option<String>,
    /// Of a search: the subject, and the stretch of a message, with the words pointed out.
    pub subject: Vec<Part>,
    pub found: Vec<Part>,
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
        let mut wanted = context.asked(s, signed_in, now)?;
        let mut found = conversation::list(s, &signed_in.actor, &wanted)?;
        let size = wanted.paging.size;
        let mut has_more = size < found.items.len() as i64;
        if matches!(wanted.beside, Some(Beside::Before(_))) && !has_more {
            // Nothing comes before this page: it is the first one, and full.
            (wanted.beside, wanted.paging.index) = (None, 1);
            found = conversation::list(s, &signed_in.actor, &wanted)?;
            has_more = size < found.items.len() as i64;
        }
        let is_back = matches!(wanted.beside, Some(Beside::Before(_)));
        if has_more {
            // The one that was only looked for.
            found.items.remove(if is_back { 0 } else { found.items.len() - 1 });
        }
        let has_previous =
            if is_back { has_more } else { wanted.beside.is_some() || 1 < wanted.paging.index };
        let has_next = is_back || has_more;
        let index = wanted.paging.index;
        let to = |item: Option<&Conversation>, is_there, index: i64, name| {
            item.filter(|_| is_there).map(|item| context.page_href(index.max(1), name, item, open))
        };
        Ok(Self {
            previous: to(found.items.first(), has_previous, index - 1, BEFORE),
            next: to(found.items.last(), has_next, index + 1, AFTER),
            rows: rows(s, signed_in, found.items, wanted.search.as_ref(), now)?,
            total: found.total,
            first: wanted.paging.offset() + 1,
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
    search: Option<&Search>,
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
    let clock = Clock::new(s)?;
    let mut hits = match search {
        Some(search) => snippet::of_each(s, search, &ids)?,
        None => HashMap::new(),
    };
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
            due: clock.due(&conversation, &zone, now),
            aside: conversation.snooze.as_ref().map(|aside| match aside.until {
                Some(at) => ["until ", zone.long(at).words()].concat(),
                None => "until they write".to_owned(),
            }),
            subject: search.map(|search| snippet::mark(&conversation.subject, search)).unwrap_or_default(),
            found: hits.remove(&conversation.id).unwrap_or_default(),
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
