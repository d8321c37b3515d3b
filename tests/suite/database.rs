//! The file and the process around it: one writer, one server, nothing lost.

use std::time::Duration;

use anytime::config::Config;
use anytime::db::{Db, Hooks};
use anytime::error::{Error, Result};
use anytime::server::Server;
use anytime::time::{Clock, Timestamp};

fn open(directory: &std::path::Path) -> Db {
    Db::open(&directory.join("anytime.db"), Clock::manual(Timestamp::from_millis(1_000)), Hooks::default())
        .unwrap()
}

fn add_tag(db: &Db, name: &'static str) -> Result<i64> {
    db.write(move |tx| tx.insert("INSERT INTO tag (name) VALUES (?)", [name]))
}

fn tags(db: &Db) -> i64 {
    db.read(|s| s.number("SELECT count(*) FROM tag", [])).unwrap()
}

#[test]
fn a_failed_or_panicking_change_undoes_itself_alone() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(directory.path());
    add_tag(&db, "kept").unwrap();
    let failed: Result<()> = db.write(|tx| {
        tx.insert("INSERT INTO tag (name) VALUES ('lost')", [])?;
        Err(Error::invalid("name", "no"))
    });
    assert!(matches!(failed, Err(Error::Invalid(_))));
    let panicked: Result<()> = db.write(|tx| {
        tx.insert("INSERT INTO tag (name) VALUES ('lost too')", [])?;
        panic!("a bug");
    });
    assert!(matches!(panicked, Err(Error::Internal(_))));
    add_tag(&db, "also kept").unwrap();
    assert_eq!(tags(&db), 2);
}

#[test]
fn many_callers_at_once_each_get_their_own_answer() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(directory.path());
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let db = db.clone();
            std::thread::spawn(move || {
                for index in 0..50 {
                    let name = format!("{thread}-{}", index / 2);
                    let result = db.write(move |tx| tx.insert("INSERT INTO tag (name) VALUES (?)", [name]));
                    assert_eq!(result.is_ok(), index % 2 == 0, "every second one is a duplicate");
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(tags(&db), 200);
}

#[test]
fn readers_cannot_write() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(directory.path());
    let refused = db
        .read(|s| s.one("INSERT INTO tag (name) VALUES ('x') RETURNING id", [], |row| row.get::<_, i64>(0)));
    assert!(refused.is_err());
    assert_eq!(tags(&db), 0);
}

#[test]
fn a_long_scan_is_stopped() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(directory.path());
    let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    assert!(matches!(db.scan(|s| s.number(endless, [])), Err(Error::Unavailable(_))));
    assert_eq!(tags(&db), 0);
}

#[test]
fn a_file_of_a_newer_version_or_of_another_program_is_refused_untouched() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("anytime.db");
    let db = open(directory.path());
    add_tag(&db, "kept").unwrap();
    db.close();
    drop(db);
    run_sql(&path, "PRAGMA user_version = 99");
    let refused = Db::open(&path, Clock::System, Hooks::default()).err().unwrap();
    assert!(anytime::command::describe(&refused).contains("newer Anytime"), "{refused:?}");
    run_sql(&path, "PRAGMA user_version = 1; PRAGMA application_id = 7");
    let refused = Db::open(&path, Clock::System, Hooks::default()).err().unwrap();
    assert!(anytime::command::describe(&refused).contains("another program"), "{refused:?}");
}

#[expect(clippy::disallowed_methods, reason = "plays another program")]
fn run_sql(path: &std::path::Path, sql: &str) {
    rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn the_file_starts_at_the_schemas_version_and_reopens() {
    let directory = tempfile::tempdir().unwrap();
    let db = open(directory.path());
    add_tag(&db, "kept").unwrap();
    db.close();
    drop(db);
    let db = open(directory.path());
    assert_eq!(tags(&db), 1);
    assert_eq!(db.read(|s| s.number("PRAGMA user_version", [])).unwrap(), anytime::db::SCHEMA_VERSION);
    assert_eq!(db.read(|s| s.number("SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'", [])).unwrap(), 0);
}

#[test]
fn a_second_server_on_the_same_directory_is_refused_and_named_the_first() {
    let directory = tempfile::tempdir().unwrap();
    let first = Server::bind(Config::for_directory(directory.path()), Clock::System).unwrap();
    let second =
        Server::bind(Config::for_directory(directory.path()), Clock::System).err().unwrap().to_string();
    assert!(second.contains(&format!("process {}", std::process::id())), "{second}");
    drop(first);
    assert!(Server::bind(Config::for_directory(directory.path()), Clock::System).is_ok());
}

#[test]
fn files_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = Server::bind(Config::for_directory(&data), Clock::System).unwrap();
    for entry in std::fs::read_dir(&data).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o077;
        assert_eq!(mode, 0, "{:?}", entry.path());
    }
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o077, 0);
    drop(server);
}

#[tokio::test]
async fn the_server_stops_within_ten_seconds_although_a_live_page_is_open() {
    let desk = crate::support::test_desk::TestDesk::start().await;
    let browser = desk.browser();
    browser.sign_in("ann").await;
    let stream = browser.http.get(desk.url("/console/live")).send().await.unwrap();
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let began = std::time::Instant::now();
    desk.stop().await;
    assert!(began.elapsed() < Duration::from_secs(10));
    drop(stream);
}
