//! How SQLite answers what must be quick: the plan of every statement that hot requests and the jobs' looks into their
//! queues run, as they ran (from the log of the executable), planned with the statistics of a desk with a million
//! conversations (`tests/fixtures/statistics.tsv`). The plans are kept in `snapshots/suite__query_plans__….snap`; a large
//! table is read from end to end only where `READS_ALL` or `ORDERS` say why that is right.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use anytime::rules::text;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use serde_json::{Value, json};

use crate::support::process::{Process, administrator};
use crate::support::scene::{contact, noted};
use crate::support::test_desk::{Browser, Client, PATIENCE, View};

/// Tables that grow with the desk.
const LARGE: &[&str] = &[
    "acknowledgement",
    "attachment",
    "audit_log",
    "blob",
    "blob_chunk",
    "clock",
    "contact",
    "contact_identity",
    "conversation",
    "conversation_tag",
    "decision",
    "event",
    "field_value",
    "inbound_mail",
    "junk_email",
    "mention",
    "message",
    "outgoing_mail",
    "outgoing_recipient",
    "search_pending",
    "trigger_stay",
    "webhook_delivery",
];

/// What a step of a plan that reads a large table from end to end ends with, and why it may.
const READS_ALL: &[(&str, &str)] = &[
    ("INDEX conversation_unread", "holds only what is unread"),
    ("INDEX conversation_open", "holds only what is open"),
    ("INDEX conversation_waiting", "holds only what waits for an agent"),
    ("SCAN search_pending", "holds only what waits to be indexed, and its first row is enough"),
];

/// Indexes along which a page of a list is found: the walk ends with the page.
const ORDERS: &[&str] = &[
    "INDEX conversation_listed",
    "INDEX conversation_activity",
    "INDEX conversation_priority",
    "INDEX conversation_status",
    "INDEX conversation_breach",
];

struct Tour {
    _process: Process,
    log: std::path::PathBuf,
    ann: Client,
    browser: Browser,
    sections: Vec<(String, String, Vec<String>)>,
}

impl Tour {
    /// An empty desk of the executable, whose log has every statement.
    async fn begin(directory: &Path) -> Self {
        let data = directory.join("data");
        let (email, key) = administrator(&data);
        let process = Process::serve_with_log(&data, "info,anytime::db=trace");
        let ann = process.client(&email, &key);
        let browser = Browser::new(&process.url);
        browser.sign_in("ann").await;
        Self { _process: process, log: data.with_extension("log"), ann, browser, sections: Vec::new() }
    }

    fn change(&self, sql: &str) {
        let connection = Connection::open(self.log.with_file_name("data").join("anytime.db")).unwrap();
        connection.busy_timeout(PATIENCE).unwrap();
        connection.execute_batch(sql).unwrap();
    }

    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.log).unwrap();
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Notes what was run for the request since line `from` of the log.
    fn note(&mut self, name: &str, request: &str, target: &str, from: usize) {
        // By which of its names a resource was asked for is forgotten before anything is logged.
        let target = target.replace("/api/v3/anytime/", "/api/v3/");
        let is_of_it = |span: &Value| {
            span["http.target"]
                .as_str()
                .is_some_and(|it| it.replace("/api/v3/anytime/", "/api/v3/") == target)
        };
        let ran: Vec<String> = self.lines()[from..]
            .iter()
            .filter(|line| line["spans"].as_array().is_some_and(|spans| spans.iter().any(is_of_it)))
            .filter_map(|line| line["fields"]["sql"].as_str())
            .map(str::to_owned)
            .collect();
        assert!(!ran.is_empty(), "{request} ran no statement");
        self.sections.push((name.to_owned(), request.to_owned(), ran));
    }

    async fn get(&mut self, name: &str, path: &str) {
        let from = self.lines().len();
        self.ann.get(path).await.expect(200);
        self.note(name, &["GET ", path].concat(), &["/api/v3", path].concat(), from);
    }

    async fn post(&mut self, name: &str, path: &str, body: Value) -> Value {
        let from = self.lines().len();
        let answer = self.ann.post(path, body).await.expect(201);
        self.note(name, &["POST ", path].concat(), &["/api/v3", path].concat(), from);
        answer
    }

    async fn page(&mut self, name: &str, path: &str) -> View {
        let from = self.lines().len();
        let view = self.browser.get(path).await;
        assert_eq!(view.status, 200, "{path}");
        self.note(name, &["GET ", path].concat(), path, from);
        view
    }

    /// What each job asks first: whether there is anything to do.
    async fn jobs(&mut self) {
        for job in anytime::jobs::SCHEDULE {
            let csrf = self.browser.get("/console/settings/jobs").await.csrf();
            let form = [("csrf", csrf.as_str()), ("job", job.name)];
            assert_eq!(self.browser.post("/console/settings/jobs", &form).await.status, 303, "{}", job.name);
            let is_of_it = |span: &Value| span["job"].as_str() == Some(job.name);
            let first = self.lines().iter().find_map(|line| {
                let spans = line["spans"].as_array()?;
                spans.iter().any(is_of_it).then(|| line["fields"]["sql"].as_str().map(str::to_owned))?
            });
            let first = first.unwrap_or_else(|| panic!("the job '{}' ran no statement", job.name));
            self.sections.push((format!("job {}", job.name), "its first look".to_owned(), vec![first]));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_must_be_quick_is_found_by_an_index() {
    let directory = tempfile::tempdir().unwrap();
    let mut tour = Tour::begin(directory.path()).await;
    walk(&mut tour).await;
    let planner = planner();
    let mut shown = HashSet::new();
    let mut out = String::new();
    let mut problems = Vec::new();
    for (name, request, statements) in &tour.sections {
        out += &format!("## {name}\n{request}\n");
        let mut repeated = HashSet::new();
        for sql in statements {
            let text = short(sql);
            let plan = explain(&planner, sql);
            if plan.is_empty() {
                continue;
            }
            problems.extend(reads_all(name, sql, &plan));
            if shown.insert(sql.clone()) {
                out += &format!("\n{text}\n{}\n", plan.join("\n"));
            } else {
                repeated.insert(sql);
            }
        }
        if !repeated.is_empty() {
            out += &format!("\nand {} that stand above\n", repeated.len());
        }
        out += "\n\n";
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    insta::assert_snapshot!(out.trim_end());
}

/// The requests that must be quick.
async fn walk(tour: &mut Tour) {
    // What follows asks about: a contact with two conversations, a tag, a filter.
    let contact = contact(&tour.ann, "carl").await;
    let tag = tour.ann.post("/tags", json!({ "name": "refund" })).await.expect(201)["id"].as_i64().unwrap();
    let new = |subject: &str| {
        json!({ "subject": subject, "channel": "portal", "contactId": contact, "tagIds": [tag],
                "message": { "type": "note", "plainBody": "The lantern flickers." } })
    };
    // One conversation is older than the window that lists have by themselves, which no front door can bring about.
    noted(&tour.ann, "Long ago", json!({})).await;
    tour.change("UPDATE conversation SET created_at = 1262304000000, listed_at = 1262304000000");
    // The rules are read once; the second conversation is as any other.
    tour.ann.post("/anytime/conversations", new("A first lantern")).await.expect(201);
    let urgent = json!([{ "fieldId": 6, "matchType": "is", "value": "urgent" },
        { "fieldId": 5, "matchType": "isNot", "value": "closed" }]);
    let filter = json!({ "name": "Urgent", "conditions": urgent });
    let filter =
        tour.ann.post("/anytime/filters", filter).await.expect(201)["filter"]["id"].as_i64().unwrap();

    tour.get("a call with a key", "/anytime/tags").await;
    let made = tour.post("create", "/anytime/conversations", new("A second lantern")).await;
    let one = made["conversation"]["id"].as_i64().unwrap();
    let thread = format!("/anytime/conversations/{one}/messages");
    tour.post("a note", &thread, json!({"type": "note", "plainBody": "Seen before."})).await;
    tour.post("a reply", &thread, json!({"type": "reply", "plainBody": "Which battery is in it?"})).await;

    let list = "/anytime/conversations";
    let ever = "timeFrom=2000-01-01T00:00:00Z";
    tour.get("list, default window", list).await;
    for sort in ["lastActivityTime", "priority", "status", "nextSLABreach"] {
        tour.get(&format!("list by {sort}, default window"), &format!("{list}?sortBy={sort}")).await;
    }
    tour.get("list, all time", &format!("{list}?{ever}")).await;
    for sort in ["lastActivityTime", "priority", "status", "nextSLABreach"] {
        tour.get(&format!("list by {sort}, all time"), &format!("{list}?{ever}&sortBy={sort}")).await;
    }
    tour.get("list, all time, deep page", &format!("{list}?{ever}&pageIndex=16000")).await;
    for number in 2..=6 {
        tour.get(&format!("list, system filter {number}"), &format!("{list}?filterId={number}")).await;
    }
    tour.get("list, saved filter", &format!("{list}?filterId={filter}")).await;
    tour.get("list, tag", &format!("{list}?tagId={tag}")).await;
    let condition = "conditions%5B0%5D%5Bfield%5D=priority&conditions%5B0%5D%5BmatchType%5D=is&conditions%5B0%5D%5Bvalue%5D=high";
    tour.get("list, condition priority is high", &format!("{list}?{condition}")).await;
    let mine = condition.replace("=priority", "=4").replace("=high", "=1");
    tour.get("list, condition on the agent", &format!("{list}?{mine}")).await;
    tour.get("search, a common word, default window", &format!("{list}?pageSize=1&keywords=lantern")).await;
    tour.get("search, a common word, all time", &format!("{list}?{ever}&pageSize=1&keywords=lantern")).await;
    tour.get("search, a rare word, all time", &format!("{list}?{ever}&keywords=battery")).await;
    tour.get("search, two words, all time", &format!("{list}?{ever}&keywords=lantern%20battery")).await;
    tour.get("unread counts", &format!("{list}/unreadCount?filterIds=1&filterIds={filter}")).await;
    tour.get("one conversation with its messages", &format!("{list}/{one}?include=messages")).await;
    tour.get(
        "a contact's conversations in the portal",
        &format!("/anytime/portalconversations?contactId={contact}"),
    )
    .await;

    for report in ["rightNow", "realtime/today", "realtime/departments", "realtime/agents"] {
        tour.get(&format!("report {report}"), &format!("/anytime/reports/{report}")).await;
    }
    for report in ["volume", "channel", "efficiency", "sla"] {
        let path =
            format!("/anytime/reports/{report}?startTime=2026-01-01T00:00:00Z&endTime=2026-01-31T00:00:00Z");
        tour.get(&format!("report {report}"), &path).await;
    }

    tour.page("inbox page", "/console/all").await;
    tour.page("inbox page, the next one", "/console/all?pageIndex=2&after=1500000000000.3").await;
    tour.page("inbox page, the one before", "/console/all?pageIndex=2&before=1500000000000.3").await;
    tour.page(
        "inbox page by priority, the next one",
        "/console/all?sort=priority&pageIndex=2&after=3.1500000000000.3",
    )
    .await;
    tour.page("inbox page, my open", "/console/my-open").await;
    tour.page("inbox page, saved filter", &format!("/console/filters/{filter}")).await;
    tour.page("search page", "/console/search?q=lantern").await;
    tour.page("conversation page and its neighbours", &format!("/console/conversations/{one}?filter=all"))
        .await;
    tour.jobs().await;
}

/// An empty desk with the statistics of a full one: plans depend on nothing else.
fn planner() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(include_str!("../../schema.sql")).unwrap();
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).unwrap();
    text::register(&connection).unwrap();
    connection.execute_batch("ANALYZE; DELETE FROM sqlite_stat1;").unwrap();
    for line in include_str!("../fixtures/statistics.tsv").lines().filter(|line| !line.starts_with('#')) {
        let parts: Vec<&str> = line.split('\t').collect();
        let index = Some(parts[1]).filter(|index| !index.is_empty());
        connection.execute("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", (parts[0], index, parts[2])).unwrap();
    }
    connection.execute_batch("ANALYZE sqlite_schema").unwrap();
    connection
}

/// The steps of a statement's plan, indented as they nest; none where there is nothing to decide.
fn explain(planner: &Connection, sql: &str) -> Vec<String> {
    let mut statement = planner.prepare(&["EXPLAIN QUERY PLAN ", sql].concat()).unwrap();
    let mut depth: BTreeMap<i64, usize> = BTreeMap::new();
    let mut rows = statement.raw_query();
    let mut plan = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let (id, parent): (i64, i64) = (row.get(0).unwrap(), row.get(1).unwrap());
        let level = depth.get(&parent).map_or(0, |level| level + 1);
        depth.insert(id, level);
        plan.push(["    ", &"  ".repeat(level), &row.get::<_, String>(3).unwrap()].concat());
    }
    plan
}

/// Steps that read a large table from end to end without a reason.
fn reads_all(section: &str, sql: &str, plan: &[String]) -> Vec<String> {
    let names = names(sql);
    let is_large = |name: &str| names.get(name).is_some_and(|table| LARGE.contains(&table.as_str()));
    let mut problems = Vec::new();
    for (at, step) in plan.iter().enumerate() {
        let name = step.trim().strip_prefix("SCAN ").and_then(|rest| rest.split(' ').next());
        // What follows at the same depth belongs to the same walk: it must not need to be sorted before it can end.
        let is_sorted = plan.get(at + 1).is_none_or(|next| !next.trim().starts_with("USE TEMP B-TREE"));
        let is_walk =
            sql.contains("LIMIT :size") && is_sorted && ORDERS.iter().any(|index| step.ends_with(index));
        let has_reason = is_walk || READS_ALL.iter().any(|(end, _)| step.ends_with(end));
        if name.is_some_and(is_large) && !has_reason {
            problems.push(format!("{section}:{step}\n  in {}", short(sql)));
        }
    }
    problems
}

/// The tables of a statement by the names that it gives them.
fn names(sql: &str) -> BTreeMap<String, String> {
    let words: Vec<&str> = sql
        .split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .filter(|word| !word.is_empty())
        .collect();
    let mut names = BTreeMap::new();
    for pair in words.windows(2) {
        if LARGE.contains(&pair[0]) {
            names.insert(pair[1].to_owned(), pair[0].to_owned());
        }
        if LARGE.contains(&pair[1]) {
            names.insert(pair[1].to_owned(), pair[1].to_owned());
        }
    }
    names
}

/// A statement on one line, long lists of columns and conditions cut.
fn short(sql: &str) -> String {
    let line = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut = |text: &str, most: usize| match text.char_indices().nth(most) {
        Some((at, _)) => [&text[..at], "…"].concat(),
        None => text.to_owned(),
    };
    // Columns may be queries of their own: what they are taken from stands outside of all parentheses.
    let depth = |at: usize| line[..at].matches('(').count() as i64 - line[..at].matches(')').count() as i64;
    match line.match_indices(" FROM ").find(|(at, _)| depth(*at) == 0) {
        Some((at, _)) => cut(&[&cut(&line[..at], 60), &line[at..]].concat(), 400),
        None => cut(&line, 400),
    }
}
