//! The agents' console. Every page stands in the same layout: `templates/console/layout.html`, fed by `Layout`.

mod choice;
mod compose;
mod contact;
pub mod conversation;
pub mod decision;
mod deleted;
pub mod inbox;
mod list;
pub mod live;
mod merge;
pub mod message;
mod new;
mod palette;
mod presence;
mod settings;
mod style;
mod thread;
mod words;

use actix_web::web::ServiceConfig;

use crate::db::Snapshot;
use crate::desk::conversation::unread;
use crate::desk::filter::Narrowing;
use crate::desk::preference::{self, Preference};
use crate::desk::{Permission, filter, site};
use crate::error::Result;
use crate::web::SignedIn;

pub fn routes(config: &mut ServiceConfig) {
    config.service(live::stream).service(presence::beat).service(palette::find);
    config.service(new::show).service(new::submit).service(contact::show);
    config.service(inbox::batch).service(inbox::take_back);
    config.service(conversation::show).service(conversation::properties).service(conversation::close);
    config.service(conversation::read).service(conversation::unread).service(conversation::delete);
    config
        .service(compose::reply)
        .service(compose::save_draft)
        .service(compose::discard_draft)
        .service(compose::canned_text);
    config.service(merge::show).service(merge::submit);
    config.service(deleted::list).service(deleted::restore).service(deleted::erase);
    config
        .service(message::show_body)
        .service(message::original)
        .service(message::original_file)
        .service(message::picture)
        .service(message::download)
        .service(message::retry);
    config.service(decision::show);
    settings::routes(config);
    config.service(style::show);
    // Last: it takes what is left directly below /console.
    config.service(inbox::home).service(inbox::show);
}

/// What the frame around every console page shows. A page's template has a field `layout`, extends
/// `console/layout.html` and fills the blocks `name` (for the title) and `main`.
pub struct Layout {
    pub site_name: String,
    pub agent_name: String,
    /// For every form: `<input type="hidden" name="csrf" value="{{ layout.csrf }}">`.
    pub csrf: String,
    /// What the menu marks: a filter's slug, a link's path, `settings`, or nothing.
    pub current: &'static str,
    pub filters: Vec<RailFilter>,
    pub sees_mail: bool,
    pub preference: Preference,
}

pub struct RailFilter {
    pub slug: &'static str,
    pub name: &'static str,
    pub icon: &'static str,
    pub unread: i64,
    /// Of them, or beside them: conversations that mention the agent and that they have not read.
    pub mentions: i64,
}

/// Beside each of `filter::SYSTEM`.
const FILTER_ICONS: [&str; 6] = ["inbox", "user", "building-2", "users", "at-sign", "archive"];

impl Layout {
    pub fn new(s: &Snapshot<'_>, signed_in: &SignedIn, current: &'static str) -> Result<Self> {
        let counted = filter::SYSTEM.map(|system| Narrowing::System(system.filter));
        let (_, unread) = unread::count(s, &signed_in.actor, &counted)?;
        let filters = filter::SYSTEM.into_iter().zip(FILTER_ICONS).zip(unread);
        Ok(Self {
            site_name: site::get(s)?.name,
            agent_name: signed_in.agent.display_name.clone(),
            csrf: signed_in.session.csrf.clone(),
            current,
            filters: filters
                .map(|((filter, icon), unread)| RailFilter {
                    slug: filter.slug,
                    name: filter.name,
                    icon,
                    unread: unread.conversations,
                    mentions: unread.mentions,
                })
                .collect(),
            preference: preference::get(s, signed_in.agent.id)?,
            sees_mail: signed_in.actor.require(Permission::ManageChannels).is_ok(),
        })
    }
}
