//! What the command palette finds while somebody types: conversations, contacts, lists and settings, as options of a
//! listbox. The actions of the open page are added by the page itself.

use actix_web::get;
use askama::Template;

use super::settings;
use crate::app::App;
use crate::desk::contact::{self, ContactQuery};
use crate::desk::conversation::{self, Conversation, ListQuery};
use crate::desk::{Paging, Permission, filter, search};
use crate::error::Result;
use crate::ids::ConversationId;
use crate::web::{Page, PageError, Query, SignedIn, filters};

#[derive(Template)]
#[template(path = "console/palette.html")]
struct Found {
    groups: Vec<(&'static str, Vec<Place>)>,
}

pub struct Place {
    pub href: String,
    pub icon: &'static str,
    pub name: String,
    pub detail: String,
}

#[get("/console/palette")]
pub async fn find(app: App, signed_in: SignedIn, query: Query) -> Result<Page<Found>, PageError> {
    let words = query.text("words")?.unwrap_or_default().to_lowercase();
    let search = search::query::parse_with_operators(&words);
    let found = match search.has_words() && 1 < words.chars().count() {
        true => {
            let wanted = ListQuery {
                search: Some(search),
                paging: Paging { index: 1, size: 5 },
                count_limit: Some(5),
                ..ListQuery::default()
            };
            let by = signed_in.actor.clone();
            app.scan(move |s| conversation::list(s, &by, &wanted)).await?.items
        }
        false => Vec::new(),
    };
    let groups = app.read(|s| {
        let is_named = |name: &str| name.to_lowercase().contains(&words);
        let place = |found: &Conversation| Place {
            href: format!("/console/conversations/{}", found.id),
            icon: "message-square",
            name: found.subject.clone(),
            detail: format!("#{}", found.id),
        };
        let mut conversations: Vec<Place> = found.iter().map(place).collect();
        if let Ok(id) = words.trim_start_matches('#').parse()
            && let Some(found) = conversation::get(s, &signed_in.actor, ConversationId(id))?
        {
            conversations.retain(|it| it.href != place(&found).href);
            conversations.insert(0, place(&found));
        }
        let lists = filter::SYSTEM.into_iter().filter(|filter| is_named(filter.name)).map(|filter| Place {
            href: ["/console/", filter.slug].concat(),
            icon: "inbox",
            name: filter.name.to_owned(),
            detail: String::new(),
        });
        let mut people = Vec::new();
        if 1 < words.chars().count() && signed_in.actor.require(Permission::ViewContacts).is_ok() {
            let query = ContactQuery { keywords: Some(words.clone()), ..ContactQuery::default() };
            let found = contact::list(s, &signed_in.actor, &query, Paging { index: 1, size: 6 })?;
            people.extend(found.items.into_iter().map(|contact| Place {
                href: format!("/console/contacts/{}", contact.id),
                icon: "circle-user",
                detail: contact.email().unwrap_or_default().to_owned(),
                name: contact.name,
            }));
        }
        let settings = settings::places(&signed_in.actor).filter(|place| is_named(&place.name));
        let groups = [
            ("Conversations", conversations),
            ("Lists", lists.collect()),
            ("Contacts", people),
            ("Settings", settings.collect()),
        ];
        Ok(groups.into_iter().filter(|(_, places): &(_, Vec<Place>)| !places.is_empty()).collect())
    })?;
    Ok(Page(Found { groups }))
}
