//! Composes realistic conversations from the templates in `phrase/`, one file for a language. Before the
//! first `topic`, a file lists names, towns, products, greetings and closings; each topic has its sentences:
//!
//! - `ask`, `detail`: how a customer begins and what may be added; `answer`: what an agent says to it;
//! - `more`, `settle`: the customer's next question and its answer; `thanks`: the last word;
//! - `note`: among agents.
//!
//! A line is a key and alternatives; keys may repeat. Words in braces are filled in.

use std::collections::{HashMap, HashSet};

use super::Contact;
use super::calendar::{Calendar, days};
use super::company;
use super::markup;
use super::random::Random;
use super::thread::{EMAIL, Entry, PORTAL, Party, Status, Thread};
use crate::error::{Error, Result};
use crate::time::Timestamp;

const LANGUAGES: [&str; 9] = [
    include_str!("phrase/english.txt"),
    include_str!("phrase/german.txt"),
    include_str!("phrase/french.txt"),
    include_str!("phrase/spanish.txt"),
    include_str!("phrase/portuguese.txt"),
    include_str!("phrase/polish.txt"),
    include_str!("phrase/chinese.txt"),
    include_str!("phrase/japanese.txt"),
    include_str!("phrase/arabic.txt"),
];

const PROVIDERS: [&str; 6] =
    ["example.org", "example.com", "example.net", "postfach.example", "mailbox.example", "inbox.example"];

/// Alternatives by key.
type Lines = HashMap<&'static str, Vec<&'static str>>;

struct Language {
    common: Lines,
    topics: Vec<Topic>,
}

struct Topic {
    department: i64,
    tag: i64,
    lines: Lines,
}

/// A customer and the language to write in.
struct Customer {
    contact: usize,
    given: String,
    language: usize,
}

pub struct Composer<'a> {
    calendar: &'a Calendar,
    languages: Vec<Language>,
    /// A place in `languages` for each part of a hundred.
    shares: Vec<usize>,
    customers: Vec<Customer>,
    emails: HashSet<String>,
}

/// Composes `count` conversations and appends the contacts they need, one for two conversations or so.
pub fn compose(
    calendar: &Calendar,
    count: usize,
    contacts: &mut Vec<Contact>,
    random: &mut Random,
) -> Result<Vec<Thread>> {
    let languages = LANGUAGES.iter().map(|text| language(text)).collect::<Result<Vec<_>>>()?;
    let mut shares = Vec::new();
    for (place, language) in languages.iter().enumerate() {
        let share = first(&language.common, "share")?.parse().map_err(Error::internal)?;
        shares.extend(std::iter::repeat_n(place, share));
    }
    let mut composer = Composer {
        calendar,
        languages,
        shares,
        customers: Vec::new(),
        emails: contacts.iter().map(|contact| contact.email.clone()).collect(),
    };
    (0..count).map(|_| composer.thread(contacts, random)).collect()
}

impl Composer<'_> {
    fn thread(&mut self, contacts: &mut Vec<Contact>, random: &mut Random) -> Result<Thread> {
        let age_days = 365.0 * random.unit().powf(1.5);
        let created_at = self.calendar.customer_time(random, age_days);
        let place = self.customer(contacts, created_at, random)?;
        let customer = &self.customers[place];
        let language = &self.languages[customer.language];
        let topic = random.pick(&language.topics);
        let mut talk = Talk::new(language, topic, &contacts[customer.contact], customer, random)?;
        let channel = if talk.random.chance(0.72) { EMAIL } else { PORTAL };
        let is_open = talk.random.chance(0.85 * (-age_days / 10.0).exp() + 0.02);
        let entries = self.entries(&mut talk, channel, created_at, is_open)?;
        let last = entries.iter().rfind(|entry| !entry.is_note).map(|entry| entry.by);
        let status = match last {
            _ if !is_open => Status::Closed,
            Some(Party::Agent(_)) if talk.random.chance(0.12) => Status::OnHold,
            Some(Party::Agent(_)) => Status::PendingExternal,
            _ if entries.iter().any(|entry| entry.by != Party::Contact && !entry.is_note) => {
                Status::PendingInternal
            }
            _ => Status::New,
        };
        let has_agent = entries.iter().any(|entry| entry.by != Party::Contact) || talk.random.chance(0.4);
        let unread = if is_open { 0.75 * (-age_days / 8.0).exp() + 0.05 } else { 0.01 };
        let subject = talk.line(&topic.lines, "subject")?;
        let mut tags = vec![topic.tag];
        if talk.random.chance(0.2) {
            let other = talk.random.between(1, company::TAGS.len() as i64 + 1);
            tags.extend((other != topic.tag).then_some(other));
        }
        if talk.random.chance(0.2) {
            tags.clear();
        }
        Ok(Thread {
            subject,
            channel,
            contact: customer.contact,
            agent: has_agent.then_some(talk.agent),
            department: talk.random.chance(0.9).then_some(topic.department),
            priority: *talk.random.pick(&[1, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 4]),
            tags,
            status,
            is_unread: last == Some(Party::Contact) && talk.random.chance(unread),
            is_deleted: talk.random.chance(0.02),
            is_logged: false,
            entries,
        })
    }

    /// A contact of long standing, or a new one.
    fn customer(&mut self, contacts: &mut Vec<Contact>, at: Timestamp, random: &mut Random) -> Result<usize> {
        if !self.customers.is_empty() && random.chance(0.45) {
            let place = random.below(self.customers.len());
            let contact = &mut contacts[self.customers[place].contact];
            contact.created_at = contact.created_at.min(at);
            return Ok(place);
        }
        let place = *random.pick(&self.shares);
        let language = &self.languages[place].common;
        let (given, given_ascii) = spelling(choose(language, "given", random)?);
        let (family, family_ascii) = spelling(choose(language, "family", random)?);
        let name = if first(language, "order")? == "family-first" {
            [family, given].concat()
        } else {
            [given, " ", family].concat()
        };
        let mut local = [given_ascii, ".".to_owned(), family_ascii].concat().to_lowercase();
        let provider = *random.pick(&PROVIDERS);
        while !self.emails.insert([&local, "@", provider].concat()) {
            local.push_str(&random.below(100).to_string());
        }
        let (city, country) = choose(language, "city", random)?.split_once(", ").unwrap_or_default();
        self.customers.push(Customer { contact: contacts.len(), given: given.to_owned(), language: place });
        contacts.push(Contact {
            name,
            email: [&local, "@", provider].concat(),
            phone: if random.chance(0.3) {
                format!("+1 202 555 01{:02}", random.below(100))
            } else {
                String::new()
            },
            city: city.to_owned(),
            country: country.to_owned(),
            created_at: at.minus(days(random.below(60) as u64)),
            ..Contact::default()
        });
        Ok(self.customers.len() - 1)
    }

    fn entries(
        &self,
        talk: &mut Talk<'_>,
        channel: i64,
        created_at: Timestamp,
        is_open: bool,
    ) -> Result<Vec<Entry>> {
        let agent = Party::Agent(talk.agent);
        let parts: &[&str] = match talk.random.below(100) {
            0..30 if is_open => &["ask"],
            0..55 => &["ask", "answer"],
            55..72 => &["ask", "answer", "thanks"],
            72..80 => &["ask", "note", "answer"],
            80..86 => &["ask", "answer", "more"],
            86..94 => &["ask", "answer", "more", "settle"],
            _ => &["ask", "note", "answer", "more", "settle", "thanks"],
        };
        let mut entries: Vec<Entry> = Vec::new();
        for part in parts {
            let by = if matches!(*part, "ask" | "more" | "thanks") { Party::Contact } else { agent };
            let at = match entries.last() {
                None => created_at,
                Some(before) if by == Party::Contact => {
                    before.at.plus(super::calendar::minutes(talk.random.exponential(900.0) as u64 + 3))
                }
                Some(before) => {
                    let wait = talk.random.exponential(if *part == "note" { 60.0 } else { 240.0 });
                    self.calendar.working_time(talk.random, before.at, wait)
                }
            };
            if self.calendar.now() < at {
                break;
            }
            let text = talk.message(part)?;
            entries.push(Entry {
                at,
                by,
                is_note: *part == "note",
                body: markup::body(&text),
                is_html: by == agent || talk.random.chance(0.4),
                is_quoting: by == Party::Contact
                    && !entries.is_empty()
                    && channel == EMAIL
                    && talk.random.chance(0.7),
                cc: String::new(),
                attachments: Vec::new(),
                delivery: None,
            });
        }
        Ok(entries)
    }
}

/// One conversation's particulars, which its sentences share.
struct Talk<'a> {
    language: &'a Language,
    topic: &'a Topic,
    agent: i64,
    values: Vec<(&'static str, String)>,
    random: &'a mut Random,
}

impl<'a> Talk<'a> {
    fn new(
        language: &'a Language,
        topic: &'a Topic,
        contact: &Contact,
        customer: &Customer,
        random: &'a mut Random,
    ) -> Result<Self> {
        let key = choose(&language.common, "agents", random)?;
        let agent = company::agent(key).ok_or_else(|| Error::internal(format!("no agent '{key}'")))?;
        let values = vec![
            ("{product}", choose(&language.common, "product", random)?.to_owned()),
            ("{part}", choose(&language.common, "part", random)?.to_owned()),
            ("{order}", format!("FB-{}", random.between(30_000, 48_000))),
            ("{invoice}", format!("R-{}", random.between(20_000, 36_000))),
            ("{days}", random.between(2, 9).to_string()),
            ("{count}", random.between(2, 25).to_string()),
            ("{height}", random.between(158, 197).to_string()),
            ("{amount}", format!("{},{:02}", random.between(12, 290), random.below(100))),
            ("{city}", contact.city.clone()),
            ("{me}", contact.name.clone()),
            ("{given}", customer.given.clone()),
            ("{agent}", company::agent_name(agent).to_owned()),
        ];
        Ok(Self { language, topic, agent, values, random })
    }

    /// A whole message: a note is one sentence, everything else begins with a greeting and ends with a name.
    fn message(&mut self, part: &str) -> Result<String> {
        let (language, topic) = (self.language, self.topic);
        if part == "note" {
            return self.line(&topic.lines, "note");
        }
        let is_ours = matches!(part, "answer" | "settle");
        let mut text = self.line(&language.common, if is_ours { "hello" } else { "greeting" })?;
        text.push_str("\n\n");
        text.push_str(&self.line(&topic.lines, part)?);
        if part == "ask" && self.random.chance(0.7) {
            text.push_str(if self.random.chance(0.5) { "\n\n" } else { "\n" });
            text.push_str(&self.line(&topic.lines, "detail")?);
        }
        text.push_str("\n\n");
        text.push_str(&self.line(&language.common, if is_ours { "sign" } else { "regards" })?);
        Ok(text)
    }

    fn line(&mut self, lines: &Lines, key: &str) -> Result<String> {
        let mut text = choose(lines, key, self.random)?.replace("\\n", "\n");
        for (name, value) in &self.values {
            if text.contains(name) {
                text = text.replace(name, value);
            }
        }
        Ok(text)
    }
}

fn language(text: &'static str) -> Result<Language> {
    let mut language = Language { common: Lines::new(), topics: Vec::new() };
    for line in text.lines().filter(|line| !line.is_empty()) {
        let (key, rest) =
            line.split_once(' ').ok_or_else(|| Error::internal(format!("no phrase: '{line}'")))?;
        let mut alternatives = rest.split('|').map(str::trim);
        if key == "topic" {
            let unknown = || Error::internal(format!("no topic: '{line}'"));
            language.topics.push(Topic {
                department: alternatives.next().and_then(company::department).ok_or_else(unknown)?,
                tag: alternatives.next().and_then(company::tag).ok_or_else(unknown)?,
                lines: Lines::new(),
            });
            continue;
        }
        let lines = match language.topics.last_mut() {
            Some(topic) => &mut topic.lines,
            None => &mut language.common,
        };
        lines.entry(key).or_default().extend(alternatives);
    }
    Ok(language)
}

fn choose(lines: &Lines, key: &str, random: &mut Random) -> Result<&'static str> {
    let alternatives = lines.get(key).ok_or_else(|| Error::internal(format!("no phrase for '{key}'")))?;
    Ok(*random.pick(alternatives))
}

fn first(lines: &Lines, key: &str) -> Result<&'static str> {
    choose(lines, key, &mut Random::new(0))
}

/// A name and how it looks in an address: `name/ascii`, or the name itself without accents.
fn spelling(name: &'static str) -> (&'static str, String) {
    let (name, ascii) = name.split_once('/').unwrap_or((name, name));
    let plain = |letter: char| match letter {
        'ä' | 'á' | 'ã' | 'â' | 'à' | 'ą' => "a".to_owned(),
        'é' | 'è' | 'ê' | 'ë' | 'ę' | 'É' => "e".to_owned(),
        'í' | 'ï' | 'î' => "i".to_owned(),
        'ö' | 'ó' | 'ô' | 'õ' => "o".to_owned(),
        'ü' | 'ú' => "u".to_owned(),
        'ß' => "ss".to_owned(),
        'ç' | 'ć' => "c".to_owned(),
        'ñ' | 'ń' => "n".to_owned(),
        'ł' | 'Ł' => "l".to_owned(),
        'ś' | 'Ś' => "s".to_owned(),
        'ż' | 'ź' | 'Ż' => "z".to_owned(),
        ' ' | '\'' => String::new(),
        _ => letter.to_string(),
    };
    (name, ascii.chars().map(plain).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_has_what_its_conversations_need() {
        for text in LANGUAGES {
            let language = language(text).unwrap();
            let name = language.common["given"][0];
            for key in [
                "share", "order", "agents", "given", "family", "city", "product", "part", "greeting",
                "regards", "hello", "sign",
            ] {
                assert!(language.common.contains_key(key), "{name}: {key}");
            }
            for agent in &language.common["agents"] {
                assert!(company::agent(agent).is_some(), "{name}: {agent}");
            }
            for topic in &language.topics {
                for key in ["subject", "ask", "detail", "answer", "more", "settle", "thanks", "note"] {
                    assert!(topic.lines.contains_key(key), "{name}: {} {key}", topic.tag);
                }
            }
        }
    }

    #[test]
    fn a_name_becomes_an_ascii_address() {
        assert_eq!(spelling("Łukasz").1, "lukasz");
        assert_eq!(spelling("美咲/Misaki"), ("美咲", "Misaki".to_owned()));
        for text in LANGUAGES {
            let language = language(text).unwrap();
            for name in language.common["given"].iter().chain(&language.common["family"]) {
                assert!(spelling(name).1.is_ascii(), "{name}");
            }
        }
    }
}
