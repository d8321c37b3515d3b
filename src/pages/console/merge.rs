//! Merging another conversation into this one: found by its number or its words, with plain words for what will happen.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use actix_web::{HttpResponse, get, post};
use askama::Template;

use super::list::Context;
use super::settings::Sent;
use super::{Layout, words};
use crate::app::App;
use crate::desk::conversation::{self, Conversation, ListQuery, merge};
use crate::desk::{Paging, contact};
use crate::error::{Error, Result};
use crate::ids::ConversationId;
use crate::pages::form::Mistakes;
use crate::pages::when::{When, Zone};
use crate::web::page::see_other;
use crate::web::{Page, PageError, Query, SignedIn, filters};

#[derive(Template)]
#[template(path = "console/merge.html")]
struct Merge {
    layout: Layout,
    conversation: Conversation,
    context: String,
    number: String,
    /// Of the same contact, or the one whose number was given.
    offered: Vec<(Conversation, String, When)>,
    mistakes: Mistakes,
}

#[get("/console/conversations/{id:\\d+}/merge")]
pub async fn show(
    app: App,
    signed_in: SignedIn,
    id: Path<ConversationId>,
    query: Query,
) -> Result<Page<Merge>, PageError> {
    let number = query.text("number")?.unwrap_or_default().to_owned();
    let context = app.read(|s| Ok(Context::of_conversation(s, &signed_in.actor, query)))?;
    Ok(Page(page(&app, &signed_in, *id, context, number, Mistakes::default())?))
}

fn page(
    app: &App,
    signed_in: &SignedIn,
    id: ConversationId,
    context: Context,
    number: String,
    mistakes: Mistakes,
) -> Result<Merge> {
    let (by, zone) = (&signed_in.actor, Zone::of_agent(signed_in));
    app.read(|s| {
        let conversation = conversation::editable(s, by, id)?;
        let mut mistakes = mistakes;
        let mut found: Vec<Conversation> = Vec::new();
        if !number.is_empty() {
            let wanted = number.trim_start_matches('#').parse().ok().map(ConversationId);
            match wanted.map(|id| conversation::get(s, by, id)).transpose()?.flatten() {
                Some(other) if !other.is_deleted && other.id != id => found.push(other),
                _ => {
                    let message =
                        format!("'{number}' is not the number of another conversation that you may see");
                    mistakes = Mistakes::of(Error::invalid("number", message))?;
                }
            }
        } else if conversation.contact_id.is_some() {
            let query = ListQuery {
                contact: conversation.contact_id,
                paging: Paging { index: 1, size: 20 },
                count_limit: Some(1),
                ..ListQuery::default()
            };
            found = conversation::list(s, by, &query)?.items;
            found.retain(|other| other.id != id && other.is_managed);
        }
        let ids: Vec<_> = found.iter().filter_map(|other| other.contact_id).collect();
        let names = contact::names(s, &ids)?;
        let offered = found.into_iter().map(|other| {
            let name = words::contact(other.contact_id.and_then(|id| names.get(&id)));
            let at = zone.day(other.last_replied_at.unwrap_or(other.created_at));
            (other, name, at)
        });
        Ok(Merge {
            layout: Layout::new(s, signed_in, context.which.mark())?,
            context: context.text(),
            offered: offered.collect(),
            conversation,
            number,
            mistakes,
        })
    })
}

#[post("/console/conversations/{id:\\d+}/merge")]
pub async fn submit(app: App, id: Path<ConversationId>, sent: Sent) -> Result<HttpResponse, PageError> {
    let (id, by) = (*id, sent.signed_in.actor.clone());
    let context = Context::of_form(&app, &sent.signed_in.actor, sent.fields.text("context"));
    let source = sent.fields.text("source").parse().ok().map(ConversationId);
    let result = match source {
        Some(source) => app.write(move |tx| merge::merge(tx, &by, id, source)).await.map(|_| ()),
        None => Err(Error::invalid("source", "choose a conversation")),
    };
    match result {
        Ok(()) => Ok(see_other(&context.href(id))),
        Err(error) => {
            let number = sent.fields.text("number").to_owned();
            let page = page(&app, &sent.signed_in, id, context, number, Mistakes::of(error)?)?;
            Ok(Page(page).with_status(StatusCode::BAD_REQUEST))
        }
    }
}
