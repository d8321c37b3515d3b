//! The agents' console. Every page stands in the same layout: `templates/console/layout.html`, fed by `Layout`.

mod aside;
mod choice;
mod compose;
mod contact;
pub mod conversation;
pub mod decision;
mod deleted;
mod draft;
mod due;
mod filter;
pub mod inbox;
mod junk;
mod list;
pub mod live;
mod merge;
pub mod message;
mod new;
mod palette;
mod presence;
mod report;
pub mod settings;
mod style;
mod thread;
mod words;

use actix_web::web::ServiceConfig;

use crate::db::Snapshot;
use crate::desk::conversation::unread;
use crate::desk::email_account::{self, EmailAccount};
use crate::desk::filter as saved_filter;
use crate::desk::filter::Narrowing;
use crate::desk::preference::{self, Preference};
use crate::desk::{Permission, condition, field, secret, site};
use crate::error::Result;
use crate::ids::AgentId;
use crate::pages::when::Zone;
use crate::web::SignedIn;

pub fn routes(config: &mut ServiceConfig) {
    config.service(live::stream).service(presence::beat).service(palette::find);
    config.service(new::show).service(new::submit).service(contact::show);
    config.service(contact::edit).service(contact::save).service(draft::list).service(draft::restore);
    config.service(inbox::batch).service(inbox::take_back);
    config.service(conversation::show).service(conversation::properties).service(conversation::close);
    config.service(conversation::read).service(conversation::unread).service(conversation::delete);
    config
        .service(compose::reply)
        .service(compose::save_draft)
        .service(compose::discard_draft)
        .service(compose::canned_text);
    config.service(aside::put_aside).service(aside::wake).service(aside::take_back);
    config.service(aside::split_off).service(aside::move_to);
    config.service(merge::show).service(merge::submit);
    config.service(filter::fresh).service(filter::create).service(filter::edit);
    config.service(filter::save).service(filter::delete);
    config.service(deleted::list).service(deleted::restore).service(deleted::erase);
    config
        .service(message::show_body)
        .service(message::original)
        .service(message::original_file)
        .service(message::picture)
        .service(message::download)
        .service(message::retry);
    config.service(decision::show);
    config.service(report::home).service(report::conversations).service(report::export).service(report::show);
    config
        .service(junk::list)
        .service(junk::set_retention)
        .service(junk::show)
        .service(junk::body)
        .service(junk::restore)
        .service(junk::allow)
        .service(junk::delete);
    settings::routes(config);
    config.service(style::show);
    // Last: it takes what is left directly below /console.
    config.service(inbox::home).service(inbox::saved).service(inbox::search).service(inbox::show);
}

/// What the frame around every console page shows. A page's template has a field `layout`, extends
/// `console/layout.html` and fills the blocks `name` (for the title) and `main`.
pub struct Layout {
    pub site_name: String,
    pub agent_id: AgentId,
    pub agent_name: String,
    /// For every form: `<input type="hidden" name="csrf" value="{{ layout.csrf }}">`.
    pub csrf: String,
    /// Of this page, for `kept_answer::once`.
    pub token: String,
    /// What the menu marks: a filter's slug, a link's path, `settings`, or nothing.
    pub current: String,
    /// What stands in the search box.
    pub words: String,
    pub filters: Vec<RailFilter>,
    pub sees_junk: bool,
    /// Accounts that mail cannot be fetched from, for whom it concerns.
    pub failing: Vec<EmailAccount>,
    pub is_demo: bool,
    pub preference: Preference,
}

#[derive(Default)]
pub struct RailFilter {
    pub href: String,
    pub mark: String,
    pub name: String,
    pub icon: &'static str,
    pub unread: i64,
    /// Of them, or beside them: conversations that mention the agent and that they have not read.
    pub mentions: i64,
}

/// Beside each of `filter::SYSTEM`.
const FILTER_ICONS: [&str; 6] = ["inbox", "user", "building-2", "users", "at-sign", "archive"];

impl Layout {
    pub fn new(s: &Snapshot<'_>, signed_in: &SignedIn, current: impl Into<String>) -> Result<Self> {
        let by = &signed_in.actor;
        let saved = saved_filter::own(s, by)?;
        let mut counted = saved_filter::SYSTEM.map(|system| Narrowing::System(system.filter)).to_vec();
        if !saved.is_empty() {
            let moment =
                condition::moment(s, signed_in.now, by, Some(Zone::of_agent(signed_in).time_zone()))?;
            let catalogue = field::catalogue(s)?;
            for filter in &saved {
                counted.push(saved_filter::narrowing_by(&catalogue, &moment, filter)?);
            }
        }
        let unread = unread::count_at_hand(s, by, &counted)?;
        let system = saved_filter::SYSTEM.into_iter().zip(FILTER_ICONS).map(|(filter, icon)| RailFilter {
            href: ["/console/", filter.slug].concat(),
            mark: filter.slug.to_owned(),
            name: filter.name.to_owned(),
            icon,
            ..RailFilter::default()
        });
        let own = saved.into_iter().map(|filter| RailFilter {
            href: format!("/console/filters/{}", filter.id),
            mark: filter.id.to_string(),
            icon: if filter.is_private { "bookmark" } else { "list-filter" },
            name: filter.name,
            ..RailFilter::default()
        });
        let mut filters: Vec<RailFilter> = (system.chain(own).zip(unread))
            .map(|(filter, unread)| RailFilter {
                unread: unread.conversations,
                mentions: unread.mentions,
                ..filter
            })
            .collect();
        // Before what is closed.
        let aside = RailFilter {
            href: ["/console/", list::ASIDE].concat(),
            mark: list::ASIDE.to_owned(),
            name: "Put aside".to_owned(),
            icon: "alarm-clock",
            ..RailFilter::default()
        };
        filters.insert(saved_filter::SYSTEM.len() - 1, aside);
        Ok(Self {
            site_name: site::get(s)?.name,
            agent_id: signed_in.agent.id,
            agent_name: signed_in.agent.display_name.clone(),
            csrf: signed_in.session.csrf.clone(),
            token: secret::random_guid()?,
            current: current.into(),
            words: String::new(),
            is_demo: signed_in.is_demo,
            sees_junk: by.require(Permission::ManageJunk).is_ok(),
            filters,
            failing: match by.require(Permission::ManageChannels) {
                Ok(()) => email_account::failing(s)?,
                Err(_) => Vec::new(),
            },
            preference: preference::get(s, signed_in.agent.id)?,
        })
    }
}
