//! A filled file keeps every promise of the schema and the contract, at the sizes of all three sources.

use std::time::Instant;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use sha2::{Digest, Sha256};

use super::*;
use crate::db::Db;
use crate::time::Clock;

const TABLES: &[&str] = &[
    "agent",
    "agent_role",
    "department",
    "department_agent",
    "contact",
    "contact_identity",
    "tag",
    "email_account",
    "conversation",
    "conversation_tag",
    "message",
    "mention",
    "attachment",
    "blob",
    "blob_chunk",
    "inbound_mail",
    "outgoing_mail",
    "outgoing_recipient",
    "event",
];

/// Queries that count what must not be.
const VIOLATIONS: &[(&str, &str)] = &[
    (
        "a conversation begins with a message of its creation, by its creator",
        "SELECT count(*) FROM conversation c JOIN message m
           ON m.id = (SELECT min(id) FROM message WHERE conversation_id = c.id)
         WHERE (m.created_at, m.sender_type, m.sender_id) IS NOT (c.created_at, c.created_by_type,
           c.created_by_id)",
    ),
    (
        "every conversation has messages",
        "SELECT count(*) FROM conversation WHERE id NOT IN (SELECT conversation_id FROM message)",
    ),
    (
        "replies are counted",
        "SELECT count(*) FROM conversation c WHERE total_replies <>
           (SELECT count(*) - 1 FROM message WHERE conversation_id = c.id AND type <> 'note')",
    ),
    (
        "the last reply is the last message that is no note, after the first",
        "SELECT count(*) FROM conversation c LEFT JOIN message m ON 0 < total_replies AND m.id =
           (SELECT max(id) FROM message WHERE conversation_id = c.id AND type <> 'note')
         WHERE (m.created_at, m.sender_type, m.sender_id)
           IS NOT (c.last_replied_at, c.last_replied_by_type, c.last_replied_by_id)",
    ),
    (
        "messages rise with time",
        "SELECT count(*) FROM (SELECT created_at,
          lag(created_at) OVER (PARTITION BY conversation_id ORDER BY id) AS b
           FROM message) WHERE created_at < b",
    ),
    (
        "nothing is in the future",
        "SELECT (SELECT count(*) FROM message, now WHERE at < created_at)
           + (SELECT count(*) FROM event, now WHERE now.at < event.at)
           + (SELECT count(*) FROM conversation, now
              WHERE at < max(created_at, last_activity_at, last_status_change_at, coalesce(closed_at, 0)))",
    ),
    (
        "closing is recorded when and only when it happened",
        "SELECT count(*) FROM conversation
         WHERE (status = 5) <> (closed_at IS NOT NULL) OR (status = 5) <> (closed_by_type IS NOT NULL)",
    ),
    (
        "the summary of the last message is short and has single blanks",
        "SELECT count(*) FROM conversation
         WHERE 200 < length(last_message) OR last_message = '' OR last_message LIKE '%  %'
           OR instr(last_message, char(10))",
    ),
    (
        "mail comes to and from the account",
        "SELECT count(*) FROM conversation
         WHERE (channel = 1) <> (received_from IS 'support@fernweh-bikes.example')",
    ),
    (
        "unread means that the contact spoke last",
        "SELECT count(*) FROM conversation WHERE is_read = 0 AND coalesce(last_replied_by_type,
          created_by_type) <> 'contact'",
    ),
    (
        "a contact who spoke last has read everything",
        "SELECT count(*) FROM conversation
         WHERE is_read_by_contact = 0 AND coalesce(last_replied_by_type, created_by_type) = 'contact'",
    ),
    (
        "a new conversation has no answer",
        "SELECT count(*) FROM conversation WHERE status = 1 AND last_replied_by_type = 'agent'",
    ),
    (
        "attachments are summed up and whole",
        "SELECT (SELECT count(*) FROM conversation c WHERE attachment_bytes <>
             (SELECT coalesce(sum(size_bytes), 0) FROM attachment WHERE conversation_id = c.id))
           + (SELECT count(*) FROM blob WHERE size_bytes <>
             (SELECT sum(length(data)) FROM blob_chunk WHERE blob_id = blob.id))
           + (SELECT count(*) FROM attachment a JOIN blob b ON b.id = blob_id
             WHERE a.size_bytes <> b.size_bytes)",
    ),
    (
        "conversations by mail hold mail, others replies",
        "SELECT count(*) FROM message m JOIN conversation c ON c.id = conversation_id
         WHERE type <> 'note' AND (type = 'email') <> (channel = 1)",
    ),
    (
        "a contact has written only after being known",
        "SELECT count(*) FROM conversation c JOIN contact ON contact.id = contact_id
          WHERE c.created_at < contact.created_at",
    ),
    (
        "mentions stand in notes",
        "SELECT count(*) FROM mention JOIN message ON message.id = message_id
         WHERE type <> 'note' OR html_body NOT LIKE '%data-id=\"' || agent_id || '\" class=\"athighlight\"%'",
    ),
    (
        "decided mail that made a message names it",
        "SELECT count(*) FROM inbound_mail i LEFT JOIN message m ON m.id = i.message_id
          AND m.inbound_mail_id = i.id
         WHERE (outcome IN ('created', 'appended')) <> (m.id IS NOT NULL)",
    ),
    (
        "events rise with time and know their messages",
        "SELECT (SELECT count(*) FROM (SELECT at, lag(at) OVER (ORDER BY id) AS before FROM event)
          WHERE at < before)
           + (SELECT count(*) FROM event WHERE kind IN ('created', 'replied', 'received', 'noted')
              AND detail ->> 'messageId' NOT IN (SELECT id FROM message))",
    ),
    (
        "agents have their roles and a department",
        "SELECT (SELECT count(*) FROM agent WHERE id NOT IN (SELECT agent_id FROM agent_role
          WHERE role_id = 2))
           + (SELECT count(*) FROM agent WHERE id NOT IN (SELECT agent_id FROM department_agent))
           + (SELECT count(*) FROM agent WHERE is_admin <> (id IN (SELECT agent_id FROM agent_role
             WHERE role_id = 1)))",
    ),
    (
        "only reserved domains are named",
        "SELECT count(*) FROM contact_identity WHERE value NOT LIKE '%.example'
          AND value NOT LIKE '%@example.com'
           AND value NOT LIKE '%@example.org' AND value NOT LIKE '%@example.net'",
    ),
    (
        "no blank stays unfilled",
        "SELECT count(*) FROM message WHERE plain_body LIKE '%{%' OR html_body LIKE '%{%'
          OR subject LIKE '%{%'",
    ),
];

struct Filled {
    directory: tempfile::TempDir,
    summary: Summary,
}

fn clock() -> Clock {
    Clock::manual(Timestamp::parse("2026-01-05T09:00:00Z").unwrap())
}

fn fill_file(conversations: usize, seed: u64) -> Filled {
    let directory = tempfile::tempdir().unwrap();
    let plan = Plan { conversations, seed };
    let summary = create(&directory.path().join("anytime.db"), &clock(), &plan, "hash").unwrap();
    Filled { directory, summary }
}

impl Filled {
    #[expect(clippy::disallowed_methods, reason = "the test asks SQLite what the program never does")]
    fn connection(&self) -> Connection {
        let connection = Connection::open(self.directory.path().join("anytime.db")).unwrap();
        let now = clock().now().millis();
        connection.execute_batch(&format!("CREATE TEMP VIEW now AS SELECT {now} AS at")).unwrap();
        connection
    }

    fn digests(&self) -> Vec<(&'static str, Vec<u8>)> {
        let connection = self.connection();
        TABLES.iter().map(|table| (*table, digest(&connection, table))).collect()
    }

    fn check(&self) {
        let connection = self.connection();
        let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
        for (rule, sql) in VIOLATIONS {
            assert_eq!(number(sql), 0, "{rule}");
        }
        assert_eq!(number("SELECT count(*) FROM pragma_foreign_key_check"), 0);
        let integrity: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(integrity, "ok");
        let findable = "SELECT count(*) FROM conversation WHERE is_deleted = 0";
        assert_eq!(number("SELECT count(*) FROM search_docsize"), number(findable));
        connection.execute_batch("INSERT INTO search (search) VALUES ('integrity-check')").unwrap();
        assert_eq!(number("SELECT count(*) FROM conversation") as usize, self.summary.conversations);
        assert_eq!(number("SELECT count(*) FROM message") as usize, self.summary.messages);
        assert_eq!(number("SELECT count(*) FROM contact") as usize, self.summary.contacts);
        assert_eq!(number("SELECT count(*) FROM attachment") as usize, self.summary.attachments);
    }
}

fn digest(connection: &Connection, table: &str) -> Vec<u8> {
    let mut hash = Sha256::new();
    let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
    let columns = statement.column_count();
    let mut rows = statement.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        for column in 0..columns {
            match row.get_ref(column).unwrap() {
                ValueRef::Null => hash.update(b"-"),
                ValueRef::Integer(value) => hash.update(value.to_le_bytes()),
                ValueRef::Real(value) => hash.update(value.to_le_bytes()),
                ValueRef::Text(value) | ValueRef::Blob(value) => hash.update(value),
            }
            hash.update(b"|");
        }
    }
    hash.finalize().to_vec()
}

#[test]
fn stories_and_templates_keep_every_promise() {
    fill_file(300, 1).check();
}

#[test]
fn bulk_keeps_every_promise_and_is_the_same_every_time() {
    let (one, two) = (fill_file(6_000, 7), fill_file(6_000, 7));
    one.check();
    assert_eq!(one.summary, two.summary);
    assert_eq!(one.digests(), two.digests());
}

#[test]
fn any_size_can_be_had() {
    for conversations in [0, 1, 20] {
        fill_file(conversations, 1).check();
    }
}

#[test]
fn another_seed_gives_another_site() {
    let (one, two, other) = (fill_file(150, 7), fill_file(150, 7), fill_file(150, 8));
    assert_eq!(one.digests(), two.digests());
    assert_ne!(one.digests(), other.digests());
}

#[test]
fn the_default_shows_everything_a_desk_has() {
    let filled = fill_file(Plan::default().conversations, Plan::default().seed);
    let connection = filled.connection();
    for (sql, at_least) in [
        ("SELECT count(DISTINCT status) FROM conversation", 5),
        ("SELECT count(DISTINCT priority) FROM conversation", 4),
        ("SELECT count(DISTINCT channel) FROM conversation", 2),
        ("SELECT count(*) FROM conversation WHERE is_read = 0 AND is_deleted = 0", 15),
        ("SELECT count(*) FROM conversation WHERE agent_assignee_id IS NULL AND status < 5", 5),
        ("SELECT count(*) FROM conversation WHERE status < 5", 30),
        ("SELECT count(*) FROM conversation WHERE is_deleted = 1", 1),
        ("SELECT count(DISTINCT outcome) FROM inbound_mail", 5),
        ("SELECT count(DISTINCT state) FROM outgoing_mail", 2),
        ("SELECT count(DISTINCT content_type) FROM attachment", 3),
        ("SELECT count(*) FROM message WHERE send_status = 'failed'", 1),
        ("SELECT count(*) FROM message WHERE quote <> ''", 20),
        ("SELECT count(*) FROM mention WHERE is_read = 0", 3),
    ] {
        let number: i64 = connection.query_row(sql, [], |row| row.get(0)).unwrap();
        assert!(at_least <= number, "{sql}: {number}");
    }
}

#[test]
fn the_program_opens_what_was_filled() {
    let filled = fill_file(100, 1);
    let db =
        Db::open(&filled.directory.path().join("anytime.db"), clock(), crate::db::Hooks::default()).unwrap();
    let administrators = db
        .read(|s| s.all("SELECT email FROM agent WHERE is_admin = 1", [], |row| row.get::<_, String>(0)))
        .unwrap();
    assert_eq!(administrators, ["ann@fernweh-bikes.example"]);
    let agents = &filled.summary.people.agents;
    assert_eq!(agents.len(), 8);
    assert!(agents[0].is_admin && agents[0].email == administrators[0]);
    assert!(filled.summary.people.contacts.iter().any(|contact| contact.name == "Lena Hoffmann"));
}

#[test]
#[ignore = "measures: DEMO=100000 cargo test --release demo -- --ignored; DEMO_COPY keeps the file"]
#[expect(clippy::disallowed_methods, reason = "a measurement is told its size from outside")]
fn measure() {
    let count = std::env::var("DEMO").ok().and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let start = Instant::now();
    let filled = fill_file(count, 1);
    let seconds = start.elapsed().as_secs_f64();
    let bytes = std::fs::metadata(filled.directory.path().join("anytime.db")).unwrap().len();
    if let Some(copy) = std::env::var_os("DEMO_COPY") {
        std::fs::copy(filled.directory.path().join("anytime.db"), copy).unwrap();
    }
    println!("{count} in {seconds:.1} s, {:.0}/s, {bytes} bytes", count as f64 / seconds);
    filled.check();
}
