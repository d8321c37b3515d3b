//! Bulk for measuring: conversations of pseudo-words whose frequencies follow Zipf's law, three years long
//! and with a recent edge that is open and unread. Messages are written in the order of time across
//! conversations, as in a file that grew, so that a conversation's messages lie far apart.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::clock::{self, Subject};
use super::company::{ACCOUNT, ACCOUNT_ID, AGENTS, DEPARTMENTS, TAGS};
use super::random::{Alias, Random};
use super::thread::{EMAIL, summary};
use crate::db::Tx;
use crate::desk::search::{Builder, Document};
use crate::error::Result;
use crate::ids::ConversationId;

const DAY_MILLIS: f64 = 86_400_000.0;
const SPAN_DAYS: f64 = 3.0 * 365.0;
const MESSAGES_AT_MOST: i64 = 30;
/// Enough for the 200 characters of a conversation's last message.
const PREVIEW_BYTES: usize = 200;

/// A message that waits for its turn. Its text follows from the seed, so that waiting costs little and the
/// conversation's row can show the last one before it is written. The order is by time.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Pending {
    at: i64,
    conversation: i64,
    place: i64,
    seed: u64,
    contact: i64,
    /// Zero is the contact.
    agent: i64,
}

pub struct Volume<'a, 'c> {
    tx: &'a Tx<'c>,
    index: &'a mut Builder,
    words: Words,
    random: Random,
    first_contact: i64,
    /// The name and address of each.
    contacts: Vec<String>,
    pending: BinaryHeap<Reverse<Pending>>,
    messages: usize,
}

/// Writes `count` conversations with contacts of their own; returns how many contacts and messages.
pub fn fill(tx: &Tx<'_>, count: usize, random: Random, index: &mut Builder) -> Result<(usize, usize)> {
    let mut volume = Volume {
        tx,
        index,
        words: Words::new(),
        random,
        first_contact: 1 + tx.number("SELECT max(id) FROM contact", [])?,
        contacts: Vec::new(),
        pending: BinaryHeap::new(),
        messages: 0,
    };
    volume.write_contacts(count.div_ceil(5))?;
    for index in 0..count {
        let age_days = SPAN_DAYS * (1.0 - (index as f64 + 0.5) / count as f64);
        let created_at = tx.now().millis() - (age_days * DAY_MILLIS) as i64;
        volume.write_messages(created_at)?;
        volume.write_conversation(created_at, age_days)?;
    }
    volume.write_messages(i64::MAX)?;
    Ok((volume.contacts.len(), volume.messages))
}

impl Volume<'_, '_> {
    fn write_contacts(&mut self, count: usize) -> Result<()> {
        let at = self.tx.now().millis() - ((SPAN_DAYS + 1.0) * DAY_MILLIS) as i64;
        for index in 0..count {
            let given = capital(self.words.rare(&mut self.random));
            let family = capital(self.words.rare(&mut self.random));
            let email = format!("{}.{}{index}@example.net", given.to_lowercase(), family.to_lowercase());
            let name = [given, family].join(" ");
            let id = self.tx.insert(
                "INSERT INTO contact (name, created_at, updated_at) VALUES (?, ?, ?)",
                (&name, at, at),
            )?;
            self.tx.insert(
                "INSERT INTO contact_identity (contact_id, type, value) VALUES (?, 'email', ?)",
                (id, &email),
            )?;
            self.contacts.push([name, email].join(" "));
        }
        Ok(())
    }

    fn write_conversation(&mut self, created_at: i64, age_days: f64) -> Result<()> {
        let random = &mut self.random;
        let now = self.tx.now().millis();
        let place = random.below(self.contacts.len());
        let contact = self.first_contact + place as i64;
        // The smaller of two draws, so that some agents have more to do than others.
        let busy = random.below(AGENTS.len()).min(random.below(AGENTS.len())) as i64 + 1;
        let agent = (!random.chance(0.1)).then_some(busy);
        let wanted = 1 + (random.exponential(2.45) as i64).min(MESSAGES_AT_MOST - 1);
        let mut turns: Vec<(i64, i64, u64)> = vec![(created_at, 0, random.number())];
        while (turns.len() as i64) < wanted {
            let at = turns[turns.len() - 1].0 + (random.exponential(0.7) * DAY_MILLIS) as i64 + 1;
            if now < at {
                break;
            }
            let by = if random.chance(0.55) { busy } else { 0 };
            turns.push((at, by, random.number()));
        }
        let (last_at, last_by, last_seed) = turns[turns.len() - 1];
        let replied = (1 < turns.len()).then_some(last_at);
        let is_open = random.chance(0.85 * (-age_days / 10.0).exp() + 0.02);
        let status = match (is_open, replied, last_by) {
            (false, ..) => 5,
            (_, None, _) => 1,
            (_, _, 0) => 2,
            _ if random.chance(0.1) => 4,
            _ => 3,
        };
        let is_read = last_by != 0 || !random.chance(0.5 * (-age_days / 5.0).exp() + 0.015);
        let closed_by = (!is_open).then_some(busy);
        let subject_bytes = random.between(30, 70) as usize;
        let priority = *random.pick(&[1, 2, 2, 3, 3, 3, 3, 3, 3, 4]);
        let department = random.between(1, DEPARTMENTS.len() as i64 + 1);
        let is_deleted = random.chance(0.03);
        let subject = self.words.text(random, subject_bytes);
        let id = self.tx.insert(
            "INSERT INTO conversation (subject, channel, status, priority, contact_id, agent_assignee_id,
               department_assignee_id, email_account_id, received_from, is_read, is_read_by_contact,
               created_by_type, created_by_id, created_at, last_activity_at, last_status_change_at,
               last_replied_at, last_replied_by_type, last_replied_by_id, closed_at, closed_by_type,
               closed_by_id, last_message, total_replies, is_deleted, listed_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'contact', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rusqlite::params![
                subject,
                EMAIL,
                status,
                priority,
                contact,
                agent,
                department,
                ACCOUNT_ID,
                ACCOUNT,
                is_read,
                last_by == 0,
                contact,
                created_at,
                last_at,
                last_at,
                replied,
                replied.map(|_| if last_by == 0 { "contact" } else { "agent" }),
                replied.map(|_| if last_by == 0 { contact } else { last_by }),
                closed_by.map(|_| last_at),
                closed_by.map(|_| "agent"),
                closed_by,
                summary(&self.words.body(last_seed, PREVIEW_BYTES)),
                turns.len() as i64 - 1,
                is_deleted,
                replied.unwrap_or(created_at),
            ],
        )?;
        while random.chance(0.42) {
            let tag = random.below(TAGS.len()).min(random.below(TAGS.len())) as i64 + 1;
            self.tx.run(
                "INSERT OR IGNORE INTO conversation_tag (conversation_id, tag_id) VALUES (?, ?)",
                (id, tag),
            )?;
        }
        let said: Vec<(i64, i64)> = turns.iter().map(|(at, by, _)| (*at, *by)).collect();
        let about = Subject { id, created_at, priority, agent, department: Some(department), is_deleted };
        let closings = closed_by.map(|_| (last_at, true));
        clock::write(self.tx, &about, &said, closings.as_slice())?;
        if !is_deleted {
            let mut body = String::new();
            for (_, _, seed) in &turns {
                body.push_str(&self.words.body(*seed, usize::MAX));
                body.push('\n');
            }
            let (contact, note) = (self.contacts[place].clone(), String::new());
            self.index.add(Document { id: ConversationId(id), subject, contact, body, note });
        }
        let pending = turns.into_iter().enumerate().map(|(place, (at, agent, seed))| {
            Reverse(Pending { at, conversation: id, place: place as i64, seed, contact, agent })
        });
        self.pending.extend(pending);
        Ok(())
    }

    /// Writes the waiting messages that are older than `until`.
    fn write_messages(&mut self, until: i64) -> Result<()> {
        while self.pending.peek().is_some_and(|Reverse(next)| next.at < until) {
            let Some(Reverse(next)) = self.pending.pop() else {
                break;
            };
            let text = self.words.body(next.seed, usize::MAX);
            let html = if next.seed % 3 == 0 { ["<p>", &text, "</p>"].concat() } else { String::new() };
            let is_ours = next.agent != 0;
            self.tx.insert(
                "INSERT INTO message (conversation_id, type, source, sender_type, sender_id, html_body,
                   plain_body, from_address, to_addresses, send_status, created_at)
                 VALUES (?, 'email', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    next.conversation,
                    is_ours.then_some("agentConsole"),
                    if is_ours { "agent" } else { "contact" },
                    if is_ours { next.agent } else { next.contact },
                    html,
                    text,
                    if is_ours { ACCOUNT } else { "" },
                    if is_ours { "" } else { ACCOUNT },
                    is_ours.then_some("success"),
                    next.at,
                ),
            )?;
            self.messages += 1;
        }
        Ok(())
    }
}

/// A vocabulary in the order of frequency: the common words are short, as in life.
struct Words {
    text: String,
    /// Where each word ends in `text`.
    ends: Vec<u32>,
    alias: Alias,
}

impl Words {
    const COUNT: usize = 200_000;

    fn new() -> Self {
        const ONSETS: &[&str] = &[
            "b", "d", "f", "g", "h", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w", "st", "tr", "br",
            "kl", "sh", "",
        ];
        const VOWELS: &[&str] = &["a", "e", "i", "o", "u", "ai", "ei", "ou"];
        const CODAS: &[&str] = &["", "", "", "n", "r", "s", "t", "l", "m", "nd", "rk", "st"];
        // A vocabulary of its own seed: a word's rank is the same at every size.
        let mut random = Random::new(0x00f0_0d5e_ed00_0001);
        let mut text = String::new();
        let mut ends = Vec::with_capacity(Self::COUNT);
        for rank in 0..Self::COUNT {
            let syllables = match rank {
                0..60 => 1,
                60..2_500 => random.between(1, 3),
                _ => random.between(2, 4),
            };
            for _ in 0..syllables {
                for sounds in [ONSETS, VOWELS, CODAS] {
                    let sound = random.pick(sounds);
                    text.push_str(sound);
                }
            }
            ends.push(text.len() as u32);
        }
        let weights: Vec<f64> = (1..=Self::COUNT).map(|rank| 1.0 / rank as f64).collect();
        Self { text, ends, alias: Alias::new(&weights) }
    }

    fn word(&self, rank: usize) -> &str {
        let start = if rank == 0 { 0 } else { self.ends[rank - 1] as usize };
        &self.text[start..self.ends[rank] as usize]
    }

    fn rare(&self, random: &mut Random) -> &str {
        self.word(2_500 + random.below(Self::COUNT - 2_500))
    }

    /// At least `bytes` of sentences.
    fn text(&self, random: &mut Random, bytes: usize) -> String {
        let mut text = String::with_capacity(bytes + 16);
        let mut left = 0;
        while text.len() < bytes {
            let word = self.word(self.alias.draw(random));
            if left == 0 {
                if !text.is_empty() {
                    text.push_str(". ");
                }
                left = 6 + random.below(12);
                text.extend(word.chars().next().map(|letter| letter.to_ascii_uppercase()));
                text.push_str(&word[1..]);
            } else {
                text.push(' ');
                text.push_str(word);
            }
            left -= 1;
        }
        text
    }

    /// The text of a message, or about its first `bytes_at_most`. Its length is log-normal, the median 436
    /// bytes.
    fn body(&self, seed: u64, bytes_at_most: usize) -> String {
        let mut random = Random::new(seed);
        let bytes = (436.0 * (0.8 * random.normal()).exp()).clamp(60.0, 8_000.0);
        self.text(&mut random, (bytes as usize).min(bytes_at_most))
    }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}
