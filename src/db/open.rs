//! Opening the file: settings of every connection, creating it from `schema.sql`, upgrading it by `user_version`.

#![expect(clippy::disallowed_methods, reason = "this is where SQLite is opened")]

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::time::Clock;

const SCHEMA: &str = include_str!("../../schema.sql");

/// Steps from one released schema to the next: `UPGRADES[n]` brings version `n + 1` to version `n + 2`. A new file is
/// made from `schema.sql` and starts at the last version.
const UPGRADES: &[&str] = &[];

/// What `user_version` says in a file of this program.
pub const SCHEMA_VERSION: i64 = UPGRADES.len() as i64 + 1;

/// "Anyt" as a number: tells our files from other SQLite files.
pub(super) const APPLICATION_ID: i64 = 0x416e_7974;

/// SQLite before this can corrupt a write-ahead log when one connection checkpoints while another writes.
const OLDEST_SQLITE: i32 = 3_051_003;

pub(super) fn writer(path: &Path, clock: &Clock) -> Result<Connection> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(Error::internal(format!("SQLite {} is too old to be safe", rusqlite::version())));
    }
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(Error::internal(format!(
            "this file system does not allow write-ahead logging (journal mode '{mode}'); use a local disk"
        )));
    }
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864;
         PRAGMA cache_size = -32768; PRAGMA secure_delete = FAST;",
    )?;
    harden(&connection)?;
    bring_up_to_date(&mut connection, clock)?;
    Ok(connection)
}

pub(super) fn reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -8192;")?;
    harden(&connection)?;
    Ok(connection)
}

/// Settings that every connection shares (SQLite's advice for defence in depth).
fn harden(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY;
         PRAGMA mmap_size = 0; PRAGMA cell_size_check = ON;",
    )?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // Else a statement is planned again whenever a bound bound of a range changes: for lists, at each call.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, 64 << 20)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000)?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(())
}

fn bring_up_to_date(connection: &mut Connection, clock: &Clock) -> Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i64 = transaction.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let is_new = version == 0 && !has_tables(&transaction)?;
    if !is_new && application != APPLICATION_ID {
        return Err(Error::internal("this is an SQLite file of another program; nothing was changed"));
    }
    if SCHEMA_VERSION < version {
        return Err(Error::internal(format!(
            "this file was written by a newer Anytime (schema {version}, this one knows {SCHEMA_VERSION}); \
             nothing was changed"
        )));
    }
    if is_new {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        create_site(&transaction, clock)?;
    } else {
        for step in &UPGRADES[version as usize - 1..] {
            transaction.execute_batch(step)?;
        }
    }
    transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    transaction.commit()?;
    Ok(())
}

fn has_tables(connection: &Connection) -> Result<bool> {
    Ok(connection.query_row("SELECT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))?)
}

fn create_site(connection: &Connection, clock: &Clock) -> Result<()> {
    let mut secret = [0_u8; 48];
    getrandom::fill(&mut secret).map_err(Error::internal)?;
    let instance: String = secret[32..].iter().map(|byte| format!("{byte:02x}")).collect();
    connection.execute(
        "INSERT INTO site (id, name, time_zone, thread_key, instance, created_at) VALUES (1, 'Support', 'UTC', ?, ?, ?)",
        (&secret[..32], instance, clock.now()),
    )?;
    Ok(())
}

/// Creates the file at `path`, which must not exist, and fills it in one go without the cost of durability: indexes
/// are built after `fill`, then `finish` runs; no trigger fires. For generated data only: a crash leaves a broken file.
pub fn fast_load<T, U>(
    path: &Path,
    clock: &Clock,
    fill: impl FnOnce(&Tx<'_>) -> Result<T>,
    finish: impl FnOnce(&Tx<'_>, T) -> Result<U>,
) -> Result<U> {
    let mut connection = careless(path)?;
    bring_up_to_date(&mut connection, clock)?;
    let dropped: Vec<(String, String, String)> = connection
        .prepare(
            "SELECT type, name, sql FROM sqlite_schema WHERE type IN ('index', 'trigger') AND sql IS NOT NULL
             ORDER BY type",
        )?
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (kind, name, _) in &dropped {
        connection.execute_batch(&["DROP ", kind, " ", name].concat())?;
    }
    let tx = Tx { view: Snapshot { connection: &connection }, now: clock.now() };
    connection.execute_batch("BEGIN")?;
    let filled = fill(&tx)?;
    for (_, _, sql) in &dropped {
        connection.execute_batch(sql)?;
    }
    connection.execute_batch("COMMIT")?;
    let finished = finish(&tx, filled)?;
    connection.execute_batch("PRAGMA analysis_limit = 1000; ANALYZE;")?;
    Ok(finished)
}

/// Fills a file of its own, whose tables `finish` of `fast_load` then copies: SQLite writes a file on one thread.
pub fn fill_beside(path: &Path, clock: &Clock, fill: impl FnOnce(&Tx<'_>) -> Result<()>) -> Result<()> {
    let connection = careless(path)?;
    connection.execute_batch("BEGIN")?;
    fill(&Tx { view: Snapshot { connection: &connection }, now: clock.now() })?;
    connection.execute_batch("COMMIT")?;
    Ok(())
}

fn careless(path: &Path) -> Result<Connection> {
    let connection = Connection::open(path)?;
    connection.execute_batch(
        "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
         PRAGMA cache_size = -524288; PRAGMA temp_store = MEMORY; PRAGMA foreign_keys = OFF;",
    )?;
    connection.set_prepared_statement_cache_capacity(256);
    Ok(connection)
}
