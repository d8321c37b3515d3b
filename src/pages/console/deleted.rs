//! The recycle bin: what was deleted, bringing it back, and deleting it for good.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, get, post};
use askama::Template;

use super::settings::Sent;
use super::{Layout, words};
use crate::app::App;
use crate::desk::conversation::Conversation;
use crate::desk::conversation::trash::{self, TrashQuery};
use crate::desk::{Paging, Permission, contact};
use crate::ids::{ContactId, ConversationId};
use crate::pages::when::{When, Zone};
use crate::time::Timestamp;
use crate::web::page::see_other;
use crate::web::paging::Links;
use crate::web::{Page, PageError, Query, SignedIn, filters};

const HERE: &str = "/console/deleted";

#[derive(Template)]
#[template(path = "console/deleted.html")]
struct Bin {
    layout: Layout,
    words: String,
    rows: Vec<Row>,
    total: i64,
    paging: Paging,
    links: Links,
    may_erase: bool,
}

struct Row {
    conversation: Conversation,
    contact: String,
    at: When,
}

#[get("/console/deleted")]
pub async fn list(
    app: App,
    request: HttpRequest,
    signed_in: SignedIn,
    query: Query,
) -> Result<Page<Bin>, PageError> {
    let words = query.text("words")?.unwrap_or_default().to_owned();
    let (paging, now) = (query.paging()?, app.now());
    let wanted = TrashQuery {
        words: words.split_whitespace().map(str::to_owned).collect(),
        from: Timestamp::default(),
        to: now,
        paging,
    };
    let (by, zone) = (signed_in.actor.clone(), Zone::of_agent(&signed_in));
    let (found, names) = app
        .scan(move |s| {
            let found = trash::list(s, &by, &wanted)?;
            let ids: Vec<ContactId> = found.items.iter().filter_map(|one| one.contact_id).collect();
            Ok((found, contact::names(s, &ids)?))
        })
        .await?;
    let row = |conversation: Conversation| Row {
        contact: words::contact(conversation.contact_id.and_then(|id| names.get(&id))),
        at: zone.short(conversation.last_activity_at, now),
        conversation,
    };
    Ok(Page(Bin {
        layout: app.read(|s| Layout::new(s, &signed_in, "deleted"))?,
        links: Links::new(&request, &query, paging, found.total),
        rows: found.items.into_iter().map(row).collect(),
        total: found.total,
        paging,
        words,
        may_erase: signed_in.actor.require(Permission::PermanentlyDelete).is_ok(),
    }))
}

#[post("/console/deleted/{id}/restore")]
pub async fn restore(app: App, id: Path<ConversationId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let id = *id;
    app.write(move |tx| trash::restore(tx, &sent.signed_in.actor, id)).await?;
    Ok(see_other(&format!("/console/conversations/{id}")))
}

#[post("/console/deleted/{id}/erase")]
pub async fn erase(app: App, id: Path<ConversationId>, sent: Sent) -> Result<HttpResponse, PageError> {
    app.write(move |tx| trash::erase(tx, &sent.signed_in.actor, *id)).await?;
    Ok(see_other(HERE))
}
