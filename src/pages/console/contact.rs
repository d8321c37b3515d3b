//! A contact in the console: who they are, and their conversations.

use actix_web::get;
use actix_web::web::Path;
use askama::Template;

use super::{Layout, words};
use crate::app::App;
use crate::desk::Paging;
use crate::desk::contact::{self, Contact};
use crate::desk::conversation::{self, Conversation, ListQuery};
use crate::ids::ContactId;
use crate::pages::when::{When, Zone};
use crate::web::{Page, PageError, SignedIn, filters};

#[derive(Template)]
#[template(path = "console/contact.html")]
struct Show {
    layout: Layout,
    contact: Contact,
    since: When,
    conversations: Vec<(Conversation, When)>,
}

#[get("/console/contacts/{id:\\d+}")]
pub async fn show(app: App, signed_in: SignedIn, id: Path<ContactId>) -> Result<Page<Show>, PageError> {
    let (zone, now) = (Zone::of_agent(&signed_in), app.now());
    Ok(Page(app.read(|s| {
        let contact = contact::view(s, &signed_in.actor, *id)?;
        let query = ListQuery {
            contact: Some(contact.id),
            paging: Paging { index: 1, size: 50 },
            count_limit: Some(1),
            ..ListQuery::default()
        };
        let found = conversation::list(s, &signed_in.actor, &query)?.items.into_iter();
        let dated = |one: Conversation| {
            let at = zone.short(one.last_replied_at.unwrap_or(one.created_at), now);
            (one, at)
        };
        Ok(Show {
            layout: Layout::new(s, &signed_in, "contacts")?,
            since: zone.day(contact.created_at),
            conversations: found.map(dated).collect(),
            contact,
        })
    })?))
}
