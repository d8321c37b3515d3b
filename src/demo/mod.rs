//! The data of `anytime demo`: the support desk of a bicycle shop, the same for the same seed, size and time.
//! The first conversations are hand-written stories, the next some thousands are composed from templates, and
//! whatever goes beyond is bulk for measuring.

pub mod letter;

mod calendar;
mod clock;
mod company;
mod file;
mod markup;
mod phrase;
mod random;
mod raw;
mod story;
mod thread;
mod volume;
mod write;

#[cfg(test)]
mod tests;

use std::path::Path;

use calendar::Calendar;
use random::Random;

use crate::db::{self, Tx};
use crate::desk::conversation::tally;
use crate::desk::search;
use crate::error::Result;
use crate::time::{Clock, Timestamp};

/// Up to here conversations can be read; beyond, they are bulk.
pub const READABLE: usize = 5_000;

pub struct Plan {
    pub conversations: usize,
    pub seed: u64,
}

impl Default for Plan {
    fn default() -> Self {
        Self { conversations: 500, seed: 1 }
    }
}

/// Whom one can sign in as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct People {
    pub agents: Vec<DemoAgent>,
    /// Some contacts who have conversations.
    pub contacts: Vec<DemoContact>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoAgent {
    pub email: String,
    pub name: String,
    pub is_admin: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DemoContact {
    pub email: String,
    pub name: String,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    pub people: People,
    pub conversations: usize,
    pub messages: usize,
    pub contacts: usize,
    pub attachments: usize,
}

/// A contact before it is written.
#[derive(Debug, Default)]
struct Contact {
    /// How stories call the contact; empty for others.
    key: String,
    name: String,
    email: String,
    company: String,
    title: String,
    phone: String,
    city: String,
    country: String,
    time_zone: Option<String>,
    created_at: Timestamp,
}

/// Makes and fills the file at `path`, which must not exist. Every agent gets the password that `password_hash` (a PHC
/// string) is of.
pub fn create(path: &Path, clock: &Clock, plan: &Plan, password_hash: &str) -> Result<Summary> {
    let beside = path.with_extension("search");
    db::fast_load(
        path,
        clock,
        |tx| {
            let mut index = search::Builder::start(tx, &beside, clock)?;
            Ok((fill(tx, plan, password_hash, &mut index)?, index))
        },
        |tx, (summary, index)| {
            index.finish(tx)?;
            tally::build(tx)?;
            Ok(summary)
        },
    )
}

fn fill(tx: &Tx<'_>, plan: &Plan, password_hash: &str, index: &mut search::Builder) -> Result<Summary> {
    let calendar = Calendar::new(tx.now())?;
    let mut random = Random::new(plan.seed);
    company::write(tx, password_hash)?;

    let mut contacts = story::contacts(&calendar)?;
    let sample = contacts
        .iter()
        .take(5)
        .map(|contact| DemoContact { email: contact.email.clone(), name: contact.name.clone() });
    let people = People { agents: agents(), contacts: sample.collect() };
    let mut threads = story::threads(&calendar, &contacts, &mut random)?;
    threads.truncate(plan.conversations);
    let composed = plan.conversations.min(READABLE) - threads.len();
    threads.extend(phrase::compose(&calendar, composed, &mut contacts, &mut random)?);

    // Contacts and the readable conversations come last, so that they have the newest ids.
    let bulk = plan.conversations - threads.len();
    let (mut contact_count, mut messages) = (contacts.len(), 0);
    if 0 < bulk {
        let (more_contacts, more_messages) = volume::fill(tx, bulk, random.clone(), index)?;
        contact_count += more_contacts;
        messages += more_messages;
    }
    let contact_ids = contacts.iter().map(|contact| insert(tx, contact)).collect::<Result<Vec<_>>>()?;
    let mut writer =
        write::Writer { tx, calendar: &calendar, contacts: &contacts, contact_ids: &contact_ids, random };
    let (more_messages, attachments) = writer.write(&threads, &story::strays(&calendar))?;
    Ok(Summary {
        people,
        conversations: plan.conversations,
        messages: messages + more_messages,
        contacts: contact_count,
        attachments,
    })
}

fn agents() -> Vec<DemoAgent> {
    company::AGENTS
        .iter()
        .map(|agent| DemoAgent {
            email: agent.email(),
            name: agent.name.to_owned(),
            is_admin: agent.key == company::ADMINISTRATOR,
        })
        .collect()
}

fn insert(tx: &Tx<'_>, contact: &Contact) -> Result<i64> {
    let id = tx.insert(
        "INSERT INTO contact (name, company, title, phone_number, city, country, time_zone, created_at,
           updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            &contact.name,
            &contact.company,
            &contact.title,
            &contact.phone,
            &contact.city,
            &contact.country,
            &contact.time_zone,
            contact.created_at,
            contact.created_at,
        ),
    )?;
    tx.insert(
        "INSERT INTO contact_identity (contact_id, type, value) VALUES (?, 'email', ?)",
        (id, &contact.email),
    )?;
    Ok(id)
}
