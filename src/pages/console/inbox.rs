//! Lists of conversations, one for each filter, and what is done to many of them at once.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post};
use askama::Template;
use futures_util::future::join_all;

use super::choice::Choices;
use super::list::{COUNTED, Context, Pane, Which};
use super::settings::Sent;
use super::{Layout, words};
use crate::app::App;
use crate::db::Snapshot;
use crate::desk::code::{Priority, Status};
use crate::desk::conversation::{self, Aside, ConversationChange, Filter, ListQuery};
use crate::desk::undo::{self, Action, Before, Undo};
use crate::desk::{Paging, filter};
use crate::error::{Error, Result};
use crate::ids::{AgentId, ConversationId, DepartmentId, FilterId, TagId};
use crate::web::auth::local_path;
use crate::web::page::see_other;
use crate::web::{Page, PageError, Query, SignedIn, filters};

#[derive(Template)]
#[template(path = "console/inbox.html")]
struct InboxPage {
    layout: Layout,
    pane: Pane,
    choices: Choices,
    done: Option<Undo>,
    empty: Empty,
    time_zone: String,
}

/// Conversations that a request changes while its agent waits.
const AT_ONCE: usize = 200;

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
        aside: Aside::Hidden,
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
    let which = Which::by_slug(&slug).ok_or_else(|| Error::not_found("filter", &slug))?;
    page(&app, signed_in, which, query).await
}

/// A saved filter.
#[get("/console/filters/{id:\\d+}")]
pub async fn saved(
    app: App,
    signed_in: SignedIn,
    id: Path<FilterId>,
    query: Query,
) -> Result<Page<InboxPage>, PageError> {
    let saved = app.read(|s| filter::require(s, &signed_in.actor, *id))?;
    page(&app, signed_in, Which::Saved(saved), query).await
}

/// What the words of `q` find; operators such as `status:closed` are understood.
#[get("/console/search")]
pub async fn search(app: App, signed_in: SignedIn, query: Query) -> Result<Page<InboxPage>, PageError> {
    let words = query.text("q")?.unwrap_or_default().to_owned();
    page(&app, signed_in, Which::Search(words), query).await
}

async fn page(
    app: &App,
    signed_in: SignedIn,
    which: Which,
    query: Query,
) -> Result<Page<InboxPage>, PageError> {
    let done = query.integer("done")?;
    let context = Context::new(which, query)?;
    let now = app.now();
    let read = move |s: &Snapshot<'_>| {
        Ok(InboxPage {
            layout: Layout {
                words: context.words().to_owned(),
                ..Layout::new(s, &signed_in, context.which.mark())?
            },
            empty: empty(&context.which),
            pane: Pane::new(s, &signed_in, context, None, now)?,
            choices: Choices::new(s)?,
            done: done.map(|id| undo::get(s, &signed_in.actor, id)).transpose()?.flatten(),
            time_zone: signed_in.time_zone.clone(),
        })
    };
    // Saved filters and searches may look at many rows.
    Ok(Page(app.scan(read).await?))
}

/// One change to every selected conversation, or with `everything` to all that the list holds. Each is changed by
/// itself: one that refuses does not hold up the others. What is too much for one request, a job does.
#[post("/console/conversations/batch")]
pub async fn batch(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    let back = local_path(Some(sent.fields.text("back")), "/console").to_owned();
    let (action, verb) = chosen(&sent)?;
    let ids: Vec<ConversationId> = match sent.fields.is_checked("everything") {
        false => sent.fields.ids("id").map(ConversationId).collect(),
        true => {
            let context = Context::of_form(&app, &sent.signed_in.actor, sent.fields.text("context"));
            let signed_in = sent.signed_in.clone();
            app.scan(move |s| context.everything(s, &signed_in)).await?
        }
    };
    if ids.is_empty() {
        return Ok(see_other(&back));
    }
    if AT_ONCE < ids.len() {
        let by = sent.signed_in.actor.clone();
        let done = app.write(move |tx| undo::begin(tx, &by, &ids, &action, verb)).await?;
        return Ok(see_other(&with_done(&back, done)));
    }
    let done = act(&app, &sent.signed_in, ids, action, verb).await?;
    Ok(see_other(&with_done(&back, done)))
}

#[post("/console/undo/{id}")]
pub async fn take_back(app: App, id: Path<i64>, sent: Sent) -> Result<HttpResponse, PageError> {
    let back = local_path(Some(sent.fields.text("back")), "/console").to_owned();
    let by = sent.signed_in.actor.clone();
    let done = app.write(move |tx| undo::run(tx, &by, *id)).await?;
    Ok(see_other(&with_done(&back, done)))
}

/// Does `action` to each conversation and keeps what they were; `verb` completes "3 conversations …".
pub async fn act(
    app: &App,
    signed_in: &SignedIn,
    ids: Vec<ConversationId>,
    action: Action,
    verb: &'static str,
) -> Result<i64> {
    let acts = ids.into_iter().map(|id| {
        let (by, action) = (signed_in.actor.clone(), action.clone());
        async move { (id, app.write(move |tx| undo::act(tx, &by, id, &action)).await) }
    });
    let (mut before, mut problems): (Vec<Before>, Vec<String>) = (Vec::new(), Vec::new());
    for (id, result) in join_all(acts).await {
        match result {
            Ok(was) => before.push(was),
            Err(error) => problems.extend(undo::problem(id, error)?),
        }
    }
    let says = undo::says(before.len(), verb);
    let by = signed_in.actor.clone();
    app.write(move |tx| undo::keep(tx, &by, &says, &before, &problems)).await
}

/// The address with `done` as its parameter, instead of the one it may have.
pub fn with_done(back: &str, done: i64) -> String {
    let (path, query) = back.split_once('?').unwrap_or((back, ""));
    let kept = url::form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key != "done");
    let mut out = url::form_urlencoded::Serializer::new(String::new());
    out.extend_pairs(kept).append_pair("done", &done.to_string());
    [path, "?", &out.finish()].concat()
}

fn chosen(sent: &Sent) -> Result<(Action, &'static str)> {
    let fields = &sent.fields;
    let filled = |name: &str| fields.filled(name);
    let id = |name: &str| filled(name).and_then(|text| text.parse::<i64>().ok());
    let mut change = ConversationChange::default();
    match fields.text("action") {
        "delete" => return Ok((Action { deletes: true, ..Action::default() }, "deleted")),
        "read" => change.is_read = Some(true),
        "unread" => change.is_read = Some(false),
        _ => {
            let wrong = |name: &str| Error::invalid(name, format!("has no value '{}'", fields.text(name)));
            let status = filled("status").map(|name| Status::parse(&name).ok_or_else(|| wrong("status")));
            let priority =
                filled("priority").map(|name| Priority::parse(&name).ok_or_else(|| wrong("priority")));
            change.status = status.transpose()?;
            change.priority = priority.transpose()?;
            change.agent_assignee_id = id("agent").map(|id| (id != 0).then_some(AgentId(id)));
            change.department_assignee_id = id("department").map(|id| (id != 0).then_some(DepartmentId(id)));
        }
    }
    let action = Action {
        change,
        add_tag: id("addTag").map(TagId),
        remove_tag: id("removeTag").map(TagId),
        deletes: false,
    };
    let verb = match (&action.change, fields.text("action")) {
        (_, "read") => "marked as read",
        (_, "unread") => "marked as unread",
        (change, _) if change.status == Some(Status::Closed) => "closed",
        (change, _) if change.agent_assignee_id.is_some() => "assigned",
        _ if action.add_tag.is_some() || action.remove_tag.is_some() => "tagged",
        _ => "changed",
    };
    Ok((action, verb))
}

fn empty(which: &Which) -> Empty {
    let filter = match which {
        Which::System(system) => system.filter,
        Which::Aside => {
            return Empty {
                icon: "alarm-clock",
                title: "Nothing is put aside",
                text: "What you put aside with h waits here, and comes back at its time or when the customer writes.",
            };
        }
        Which::Saved(_) => {
            return Empty {
                icon: "list-filter",
                title: "Nothing fits",
                text: "No conversation fits this filter now.",
            };
        }
        Which::Search(_) => {
            return Empty {
                icon: "search",
                title: "Nothing found",
                text: "Fewer words find more. status:closed, from:name, tag:refund and has:attachment narrow a search.",
            };
        }
    };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_is_told_once_in_the_address() {
        assert_eq!(with_done("/console/all?sort=priority&done=3", 4), "/console/all?sort=priority&done=4");
        assert_eq!(with_done("/console/all", 4), "/console/all?done=4");
    }
}
