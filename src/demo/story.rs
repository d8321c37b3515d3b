//! Reads the hand-written conversations in `story/`. A story is
//!
//! ```text
//! == Subject
//! contact | channel | status | priority | agent or - | department or - | tags [| unread, deleted]
//! -- who when [html] [bare] [sent|failed] [cc=address]
//! Text in the signs of `markup`.
//! + file.png or file.pdf: a line / another line
//! ```
//!
//! `who` is a contact's key, an agent's key or `note` and an agent's key; `when` is `3d 09:15` (that time on
//! the third working day before today), `5h` or `20m` ago. A contact's later mails quote what they answer,
//! unless `bare`.

use super::Contact;
use super::calendar::{Calendar, days, minutes};
use super::company;
use super::file;
use super::markup;
use super::random::Random;
use super::thread::{Attachment, Delivery, EMAIL, Entry, PORTAL, Party, Status, Thread};
use super::write::Stray;
use crate::error::{Error, Result};
use crate::time::Timestamp;

const CONTACTS: &str = include_str!("story/contact.txt");
const STORIES: [&str; 4] = [
    include_str!("story/english.txt"),
    include_str!("story/german.txt"),
    include_str!("story/romance.txt"),
    include_str!("story/world.txt"),
];

/// The people of the stories: `key | name | address | company | title | phone | city | country | zone`.
pub fn contacts(calendar: &Calendar) -> Result<Vec<Contact>> {
    let mut contacts = Vec::new();
    for (place, line) in CONTACTS.lines().enumerate() {
        let fields: Vec<&str> = line.split('|').map(str::trim).collect();
        let [key, name, email, company, title, phone, city, country, time_zone] = fields[..] else {
            return Err(broken(line));
        };
        contacts.push(Contact {
            key: key.to_owned(),
            name: name.to_owned(),
            email: email.to_owned(),
            company: company.to_owned(),
            title: title.to_owned(),
            phone: phone.to_owned(),
            city: city.to_owned(),
            country: country.to_owned(),
            time_zone: Some(time_zone.to_owned()),
            created_at: calendar.now().minus(days(700 - 7 * place as u64)),
        });
    }
    Ok(contacts)
}

pub fn threads(calendar: &Calendar, contacts: &[Contact], random: &mut Random) -> Result<Vec<Thread>> {
    let mut threads = Vec::new();
    for text in STORIES {
        for story in text.split("== ").skip(1) {
            threads.push(thread(story, calendar, contacts, random)?);
        }
    }
    Ok(threads)
}

fn thread(story: &str, calendar: &Calendar, contacts: &[Contact], random: &mut Random) -> Result<Thread> {
    let (head, rest) = story.split_once("\n-- ").ok_or_else(|| broken(story))?;
    let (subject, facts) = head.split_once('\n').ok_or_else(|| broken(head))?;
    let fields: Vec<&str> = facts.split('|').map(str::trim).collect();
    let [contact, channel, status, priority, agent, department, tags, ref flags @ ..] = fields[..] else {
        return Err(broken(facts));
    };
    let has_flag = |name: &str| flags.iter().any(|flags| flags.split(", ").any(|flag| flag == name));
    let channel = if channel == "portal" { PORTAL } else { EMAIL };
    let mut entries: Vec<Entry> = Vec::new();
    for text in rest.split("\n-- ") {
        let mut entry = entry(text, contact, calendar, random)?;
        if let Some(before) = entries.last() {
            entry.at = entry.at.max(before.at.plus(minutes(1))).min(calendar.now());
            entry.is_quoting &= entry.by == Party::Contact && channel == EMAIL;
        } else {
            entry.is_quoting = false;
        }
        entries.push(entry);
    }
    let names = ["urgent", "high", "normal", "low"];
    Ok(Thread {
        subject: subject.trim().to_owned(),
        channel,
        contact: contacts.iter().position(|known| known.key == contact).ok_or_else(|| broken(facts))?,
        agent: known(agent, company::agent)?,
        department: known(department, company::department)?,
        priority: known(priority, |name| names.iter().position(|known| *known == name))?
            .map_or(3, |place| place as i64 + 1),
        tags: tags
            .split(", ")
            .filter(|name| !name.is_empty())
            .map(|name| company::tag(name).ok_or_else(|| broken(name)))
            .collect::<Result<_>>()?,
        status: Status::parse(status).ok_or_else(|| broken(facts))?,
        is_unread: has_flag("unread"),
        is_deleted: has_flag("deleted"),
        is_logged: true,
        entries,
    })
}

fn entry(text: &str, contact: &str, calendar: &Calendar, random: &mut Random) -> Result<Entry> {
    let (head, body) = text.split_once('\n').ok_or_else(|| broken(text))?;
    let mut words = head.split_whitespace().peekable();
    let is_note = words.next_if_eq(&"note").is_some();
    let who = words.next().unwrap_or_default();
    let by = if who == contact {
        Party::Contact
    } else {
        Party::Agent(company::agent(who).ok_or_else(|| broken(head))?)
    };
    let at = when(&mut words, calendar).ok_or_else(|| broken(head))?;
    let words: Vec<&str> = words.collect();
    let (files, lines): (Vec<&str>, Vec<&str>) = body.lines().partition(|line| line.starts_with("+ "));
    let attachments = files.iter().map(|line| attachment(&line[2..], random)).collect::<Result<_>>()?;
    Ok(Entry {
        at,
        by,
        is_note,
        body: markup::body(&lines.join("\n")),
        is_html: words.contains(&"html") || by != Party::Contact,
        is_quoting: !words.contains(&"bare"),
        cc: words.iter().find_map(|word| word.strip_prefix("cc=")).unwrap_or_default().to_owned(),
        attachments,
        delivery: match () {
            () if words.contains(&"failed") => Some(Delivery::Failed),
            () if words.contains(&"sent") => Some(Delivery::Sent),
            () => None,
        },
    })
}

fn when<'a>(words: &mut impl Iterator<Item = &'a str>, calendar: &Calendar) -> Option<Timestamp> {
    let word = words.next()?;
    if let Some(count) = word.strip_suffix('d') {
        let (hour, minute) = words.next()?.split_once(':')?;
        return Some(calendar.working_day(count.parse().ok()?, hour.parse().ok()?, minute.parse().ok()?));
    }
    let ago = match word.strip_suffix('h') {
        Some(hours) => minutes(60 * hours.parse::<u64>().ok()?),
        None => minutes(word.strip_suffix('m')?.parse().ok()?),
    };
    Some(calendar.now().minus(ago))
}

fn attachment(line: &str, random: &mut Random) -> Result<Attachment> {
    let (name, text) = line.split_once(": ").unwrap_or((line, line));
    let lines: Vec<&str> = text.split(" / ").collect();
    let extension = name.rsplit('.').next().unwrap_or_default();
    let (content_type, data) = match extension {
        "png" => ("image/png", file::png(random)),
        "pdf" => ("application/pdf", file::pdf(&lines)),
        "csv" => ("text/csv", lines.join("\r\n").into_bytes()),
        "txt" => ("text/plain", lines.join("\n").into_bytes()),
        _ => return Err(broken(line)),
    };
    Ok(Attachment { name: name.to_owned(), content_type, data })
}

/// `-` is nothing; anything else must be known.
fn known<T>(name: &str, find: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>> {
    match name {
        "-" => Ok(None),
        _ => find(name).map(Some).ok_or_else(|| broken(name)),
    }
}

fn broken(text: &str) -> Error {
    Error::internal(format!("a story cannot be read at '{}'", text.lines().next().unwrap_or_default()))
}

/// Mails that became no conversation.
pub fn strays(calendar: &Calendar) -> Vec<Stray> {
    vec![
        Stray {
            at: calendar.working_day(4, 11, 48),
            from_name: "Henrik Solberg",
            from_address: "henrik@fjellsykkel.example",
            subject: "Automatic reply: Re: Dealer conditions for 2 shops in Bergen",
            headers: "Auto-Submitted: auto-replied\r\nX-Auto-Response-Suppress: All\r\n",
            text: "I am out of the workshop until Monday and read no mail on the mountain.\n\nHenrik Solberg",
            outcome: "ignored",
            reason: "automatic answer (Auto-Submitted: auto-replied)",
            attempts: 1,
        },
        Stray {
            at: calendar.working_day(3, 3, 12),
            from_name: "Mail Delivery System",
            from_address: "mailer-daemon@mx.example.net",
            subject: "Undelivered Mail Returned to Sender",
            headers: "Auto-Submitted: auto-replied\r\n",
            text: "Your message could not be delivered to one or more recipients.\n\n\
                   <newsletter-old@example.net>: host mx.example.net said: 550 5.1.1 no such user",
            outcome: "ignored",
            reason: "delivery report that names none of our mails",
            attempts: 1,
        },
        Stray {
            at: calendar.working_day(2, 5, 31),
            from_name: "Rank Rocket",
            from_address: "offers@rank-rocket.example",
            subject: "Your shop on page ONE in 14 days!!!",
            headers: "Precedence: bulk\r\nList-Unsubscribe: <mailto:off@rank-rocket.example>\r\n",
            text: "Dear shop owner,\n\nwe found 37 errors on your page. Reply YES for a free report.",
            outcome: "rejected",
            reason: "the sender's domain rank-rocket.example is blocked",
            attempts: 1,
        },
        Stray {
            at: calendar.working_day(1, 16, 27),
            from_name: "Scanner 3rd floor",
            from_address: "scanner@copyshop.example",
            subject: "Scan 0417",
            headers: "X-Mailer: MFP 2\r\nContent-Type: multipart/mixed\r\n",
            text: "(no text)",
            outcome: "quarantined",
            reason: "two Content-Type headers that disagree; the mail is kept and waits for a person",
            attempts: 3,
        },
    ]
}
