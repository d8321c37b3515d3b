//! Writes finished threads: conversations in the order they began, then messages, mails and events in the
//! order of time across all of them, so that ids rise with time as they do in a file that grew.

use rusqlite::params;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::Contact;
use super::calendar::{Calendar, minutes};
use super::clock::{self, Subject};
use super::company::{self, ACCOUNT, ACCOUNT_ID, ACCOUNT_NAME};
use super::random::Random;
use super::raw::Mail;
use super::thread::{Attachment, Delivery, Derived, EMAIL, Entry, Party, Thread};
use crate::db::Tx;
use crate::error::Result;
use crate::time::Timestamp;

/// What the server said about the mail that the demo shows as failed.
const REFUSAL: &str = "550 5.1.1 the recipient's mailbox does not exist";

/// A mail that became no conversation, with what the ledger says about it.
pub struct Stray {
    pub at: Timestamp,
    pub from_name: &'static str,
    pub from_address: &'static str,
    pub subject: &'static str,
    pub headers: &'static str,
    pub text: &'static str,
    pub outcome: &'static str,
    pub reason: &'static str,
    pub attempts: i64,
}

struct Event {
    at: Timestamp,
    actor: (&'static str, Option<i64>),
    conversation: i64,
    kind: &'static str,
    detail: String,
}

/// A conversation while its messages are written.
struct Progress {
    id: i64,
    derived: Derived,
    /// The Message-ID of the last mail, which the next one answers.
    last_mail: Option<String>,
    /// When we last answered, and what: a contact quotes that.
    last_answer: Option<(Timestamp, String)>,
    spoken: usize,
}

pub struct Writer<'a, 'c> {
    pub tx: &'a Tx<'c>,
    pub calendar: &'a Calendar,
    pub contacts: &'a [Contact],
    /// Ids of `contacts`.
    pub contact_ids: &'a [i64],
    pub random: Random,
}

impl Writer<'_, '_> {
    /// Returns how many messages and attachments were written.
    pub fn write(&mut self, threads: &[Thread], strays: &[Stray]) -> Result<(usize, usize)> {
        let mut order: Vec<&Thread> = threads.iter().collect();
        order.sort_by_key(|thread| thread.created_at());
        let mut conversations = Vec::with_capacity(order.len());
        for thread in &order {
            conversations.push(self.conversation(thread)?);
        }
        let mut steps: Vec<(Timestamp, usize, usize)> = Vec::new();
        for (place, thread) in order.iter().enumerate() {
            steps.extend(thread.entries.iter().enumerate().map(|(index, entry)| (entry.at, place, index)));
        }
        let strays_from = order.len();
        steps.extend(strays.iter().enumerate().map(|(index, stray)| (stray.at, strays_from, index)));
        steps.sort();
        let mut events = Vec::new();
        for (_, place, index) in &steps {
            if *place == strays_from {
                self.stray(&strays[*index])?;
            } else {
                self.message(order[*place], &mut conversations[*place], *index, &mut events)?;
            }
        }
        for (thread, progress) in order.iter().zip(conversations) {
            let changes = progress.derived.changes.into_iter().map(|change| Event {
                at: change.at,
                actor: self.actor(thread, change.by),
                conversation: progress.id,
                kind: change.kind,
                detail: change.detail.to_string(),
            });
            events.extend(changes);
        }
        // A stable sort: the message stays before the change of status that it caused.
        events.sort_by_key(|event| event.at);
        for event in events {
            self.tx.insert(
                "INSERT INTO event (at, actor_type, actor_id, conversation_id, kind, detail)
                 VALUES (?, ?, ?, ?, ?, ?)",
                (event.at, event.actor.0, event.actor.1, event.conversation, event.kind, event.detail),
            )?;
        }
        let files = threads.iter().flat_map(|thread| &thread.entries).map(|entry| entry.attachments.len());
        Ok((steps.len() - strays.len(), files.sum()))
    }

    fn conversation(&self, thread: &Thread) -> Result<Progress> {
        let derived = thread.derive(self.calendar.now());
        let is_email = thread.channel == EMAIL;
        let creator = self.actor(thread, Some(thread.entries[0].by));
        let replied = derived.last_replied.map(|(at, by)| (at, self.actor(thread, Some(by))));
        let closed = derived.closed.map(|(at, by)| (at, self.actor(thread, Some(by))));
        let id = self.tx.insert(
            "INSERT INTO conversation (subject, channel, status, priority, contact_id, agent_assignee_id,
               department_assignee_id, email_account_id, received_from, is_read, is_read_by_contact,
               created_by_type, created_by_id, created_at, last_activity_at, last_status_change_at,
               last_replied_at, last_replied_by_type, last_replied_by_id, closed_at, closed_by_type,
               closed_by_id, last_message, total_replies, attachment_bytes, is_deleted, listed_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                thread.subject,
                thread.channel,
                thread.status as i64,
                thread.priority,
                self.contact_ids[thread.contact],
                thread.agent,
                thread.department,
                is_email.then_some(ACCOUNT_ID),
                is_email.then_some(ACCOUNT),
                !thread.is_unread,
                derived.is_read_by_contact,
                creator.0,
                creator.1,
                thread.created_at(),
                derived.last_activity_at,
                derived.last_status_change_at,
                replied.map(|(at, _)| at),
                replied.map(|(_, by)| by.0),
                replied.and_then(|(_, by)| by.1),
                closed.map(|(at, _)| at),
                closed.map(|(_, by)| by.0),
                closed.and_then(|(_, by)| by.1),
                derived.last_message,
                derived.total_replies,
                derived.attachment_bytes,
                thread.is_deleted,
                replied.map_or(thread.created_at(), |(at, _)| at),
            ],
        )?;
        for tag in &thread.tags {
            self.tx.run("INSERT INTO conversation_tag (conversation_id, tag_id) VALUES (?, ?)", (id, tag))?;
        }
        self.clocks(thread, id, &derived)?;
        Ok(Progress { id, derived, last_mail: None, last_answer: None, spoken: 0 })
    }

    fn clocks(&self, thread: &Thread, id: i64, derived: &Derived) -> Result<()> {
        let spoken = thread.entries.iter().filter(|entry| !entry.is_note);
        let turns: Vec<(i64, i64)> = spoken
            .map(|entry| match entry.by {
                Party::Agent(agent) => (entry.at.millis(), agent),
                Party::Contact => (entry.at.millis(), 0),
            })
            .collect();
        let statuses = derived.changes.iter().filter(|change| change.kind == "statusChanged");
        let closings: Vec<(i64, bool)> = statuses
            .filter_map(|change| {
                let is = |key: &str| change.detail[key] == "closed";
                (is("oldStatus") != is("newStatus")).then(|| (change.at.millis(), is("newStatus")))
            })
            .collect();
        let about = Subject {
            id,
            created_at: thread.created_at().millis(),
            priority: thread.priority,
            agent: thread.agent,
            department: thread.department,
            is_deleted: thread.is_deleted,
        };
        clock::write(self.tx, &about, &turns, &closings)
    }

    fn message(
        &mut self,
        thread: &Thread,
        progress: &mut Progress,
        index: usize,
        events: &mut Vec<Event>,
    ) -> Result<()> {
        let entry = &thread.entries[index];
        let contact = &self.contacts[thread.contact];
        let is_mail = thread.channel == EMAIL && !entry.is_note;
        let kind = match (is_mail, entry.is_note) {
            (true, _) => "email",
            (_, true) => "note",
            _ => "reply",
        };
        let source = match entry.by {
            Party::Agent(_) => Some("agentConsole"),
            Party::Contact if is_mail => None,
            Party::Contact => Some("helpDesk"),
        };
        let (from, to) = match entry.by {
            _ if !is_mail => ("", ""),
            Party::Contact => (contact.email.as_str(), ACCOUNT),
            Party::Agent(_) => (ACCOUNT, contact.email.as_str()),
        };
        let subject = match (is_mail, progress.spoken) {
            (false, _) => String::new(),
            (true, 0) => thread.subject.clone(),
            (true, _) => format!("Re: {} [#{}]", thread.subject, progress.id),
        };
        let quote = match &progress.last_answer {
            Some(before) if entry.is_quoting && is_mail => self.quote(before),
            _ => String::new(),
        };
        let message_id = is_mail.then(|| {
            let domain = from.split_once('@').map_or(company::DOMAIN, |(_, domain)| domain);
            [&self.random.hex(24), "@", domain].concat()
        });
        let is_ours = entry.by != Party::Contact;
        let matched_by = (is_mail && !is_ours && progress.last_mail.is_some()).then_some("In-Reply-To");
        let mail = Mail {
            from_name: &contact.name,
            from_address: from,
            to_address: to,
            cc: &entry.cc,
            subject: &subject,
            message_id: message_id.as_deref().unwrap_or_default(),
            in_reply_to: progress.last_mail.as_deref(),
            at: entry.at,
            text: &with_quote(&entry.body.plain, &quote),
            html: entry.is_html.then_some(entry.body.html.as_str()),
            attachments: &entry.attachments,
            headers: "",
        };
        let inbound = if thread.is_logged && is_mail && !is_ours {
            let outcome = if progress.spoken == 0 { "created" } else { "appended" };
            let id = self.inbound(&mail, outcome, "", 1)?;
            self.tx.run(
                "UPDATE inbound_mail SET conversation_id = ?, matched_by = ? WHERE id = ?",
                (progress.id, matched_by, id),
            )?;
            Some(id)
        } else {
            None
        };
        let send_status = (is_mail && is_ours).then_some(match entry.delivery {
            Some(Delivery::Failed) => "failed",
            _ => "success",
        });
        let sender = self.actor(thread, Some(entry.by));
        let keeps_html = entry.is_html || entry.is_note || is_ours;
        let id = self.tx.insert(
            "INSERT INTO message (conversation_id, type, source, sender_type, sender_id, subject, html_body,
               plain_body, quote, from_address, to_addresses, cc_addresses, internet_message_id,
               inbound_mail_id, matched_by, send_status, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            params![
                progress.id,
                kind,
                source,
                sender.0,
                sender.1,
                subject,
                if keeps_html { entry.body.html.as_str() } else { "" },
                entry.body.plain,
                crate::html::from_text(&quote),
                from,
                to,
                entry.cc,
                message_id,
                inbound,
                matched_by,
                send_status,
                entry.at,
            ],
        )?;
        if let Some(inbound) = inbound {
            self.tx.run("UPDATE inbound_mail SET message_id = ? WHERE id = ?", (id, inbound))?;
        }
        if let (true, Some(delivery)) = (is_mail, entry.delivery) {
            self.outgoing(progress.id, id, &mail, entry, delivery)?;
        }
        for file in &entry.attachments {
            self.attachment(progress.id, id, sender, entry.at, file)?;
        }
        for agent in &entry.body.mentions {
            let has_answered =
                thread.entries[index + 1..].iter().any(|later| later.by == Party::Agent(*agent));
            self.tx.run(
                "INSERT INTO mention (conversation_id, agent_id, message_id, is_read) VALUES (?, ?, ?, ?)",
                (progress.id, agent, id, has_answered),
            )?;
        }
        events.push(Event {
            at: entry.at,
            actor: sender,
            conversation: progress.id,
            kind: match (index, entry.is_note, is_ours) {
                (0, ..) => "created",
                (_, true, _) => "noted",
                (_, _, true) => "replied",
                (_, _, false) => "received",
            },
            detail: json!({ "messageId": id }).to_string(),
        });
        if !entry.is_note {
            progress.spoken += 1;
        }
        if is_ours && !entry.is_note {
            progress.last_answer = Some((entry.at, entry.body.plain.clone()));
        }
        if message_id.is_some() {
            progress.last_mail = message_id;
        }
        Ok(())
    }

    /// What a mail program puts below the answer to one of ours.
    fn quote(&self, (at, text): &(Timestamp, String)) -> String {
        let mut quote = format!("{}, {ACCOUNT_NAME}:", self.calendar.written(*at));
        for line in text.lines() {
            quote.push_str("\n> ");
            quote.push_str(line);
        }
        quote
    }

    fn actor(&self, thread: &Thread, by: Option<Party>) -> (&'static str, Option<i64>) {
        match by {
            None => ("system", None),
            Some(Party::Contact) => ("contact", Some(self.contact_ids[thread.contact])),
            Some(Party::Agent(id)) => ("agent", Some(id)),
        }
    }

    fn stray(&mut self, stray: &Stray) -> Result<()> {
        let domain = stray.from_address.split_once('@').map_or("example.org", |(_, domain)| domain);
        let mail = Mail {
            from_name: stray.from_name,
            from_address: stray.from_address,
            to_address: ACCOUNT,
            subject: stray.subject,
            message_id: &[&self.random.hex(24), "@", domain].concat(),
            at: stray.at,
            text: stray.text,
            headers: stray.headers,
            ..Mail::default()
        };
        self.inbound(&mail, stray.outcome, stray.reason, stray.attempts)?;
        Ok(())
    }

    fn inbound(&mut self, mail: &Mail<'_>, outcome: &str, reason: &str, attempts: i64) -> Result<i64> {
        let bytes = mail.bytes();
        let fetched_at = mail.at;
        let blob = self.blob(&bytes, fetched_at)?;
        self.tx.insert(
            "INSERT INTO inbound_mail (email_account_id, uidl, blob_id, sha256, size_bytes, outcome, reason,
               attempts, internet_message_id, from_address, subject, is_on_server, received_at,
               processed_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?)",
            params![
                ACCOUNT_ID,
                self.random.hex(16),
                blob,
                Sha256::digest(&bytes).to_vec(),
                bytes.len() as i64,
                outcome,
                reason,
                attempts,
                mail.message_id,
                mail.from_address,
                mail.subject,
                fetched_at,
                fetched_at,
            ],
        )
    }

    fn outgoing(
        &self,
        conversation: i64,
        message: i64,
        mail: &Mail<'_>,
        entry: &Entry,
        delivery: Delivery,
    ) -> Result<()> {
        let has_failed = delivery == Delivery::Failed;
        let state = if has_failed { "failed" } else { "sent" };
        let id = self.tx.insert(
            "INSERT INTO outgoing_mail (email_account_id, conversation_id, message_id, internet_message_id,
               from_name, from_address, subject, text_body, html_body, in_reply_to, reference_ids, state,
               attempts, next_attempt_at, last_error, created_at, sent_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?)",
            params![
                ACCOUNT_ID,
                conversation,
                message,
                mail.message_id,
                ACCOUNT_NAME,
                ACCOUNT,
                mail.subject,
                mail.text,
                entry.body.html,
                mail.in_reply_to,
                mail.in_reply_to.unwrap_or_default(),
                state,
                entry.at,
                has_failed.then_some(REFUSAL),
                entry.at,
                (!has_failed).then_some(entry.at.plus(minutes(1)).min(self.calendar.now())),
            ],
        )?;
        let answer = if has_failed { REFUSAL } else { "250 2.0.0 queued" };
        let copies = mail.cc.split(", ").filter(|address| !address.is_empty()).map(|address| (address, "cc"));
        for (address, kind) in std::iter::once((mail.to_address, "to")).chain(copies) {
            self.tx.run(
                "INSERT INTO outgoing_recipient (outgoing_mail_id, address, kind, state, answer)
                 VALUES (?, ?, ?, ?, ?)",
                (id, address, kind, state, answer),
            )?;
        }
        Ok(())
    }

    fn attachment(
        &mut self,
        conversation: i64,
        message: i64,
        by: (&'static str, Option<i64>),
        at: Timestamp,
        file: &Attachment,
    ) -> Result<()> {
        let blob = self.blob(&file.data, at)?;
        self.tx.insert(
            "INSERT INTO attachment (guid, blob_id, conversation_id, message_id, file_name, content_type,
               size_bytes, uploaded_by_type, uploaded_by_id, created_at)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self.random.hex(32),
                blob,
                conversation,
                message,
                &file.name,
                file.content_type,
                file.data.len() as i64,
                by.0,
                by.1,
                at,
            ),
        )?;
        Ok(())
    }

    fn blob(&self, data: &[u8], at: Timestamp) -> Result<i64> {
        const CHUNK_BYTES: usize = 256 * 1024;
        let id = self
            .tx
            .insert("INSERT INTO blob (size_bytes, created_at) VALUES (?, ?)", (data.len() as i64, at))?;
        for (seq, chunk) in data.chunks(CHUNK_BYTES).enumerate() {
            self.tx.run(
                "INSERT INTO blob_chunk (blob_id, seq, data) VALUES (?, ?, ?)",
                (id, seq as i64, chunk),
            )?;
        }
        Ok(id)
    }
}

fn with_quote(text: &str, quote: &str) -> String {
    if quote.is_empty() { text.to_owned() } else { [text, "\n\n", quote].concat() }
}
