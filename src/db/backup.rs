//! Copies of the file: making one while others write, and telling whether one is sound.

#![expect(clippy::disallowed_methods, reason = "a copy is opened outside the pools")]

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::open::{APPLICATION_ID, SCHEMA_VERSION};
use crate::error::{Error, Result};

/// Writes a consistent copy of the file at `from` to `to`, which must not exist. Others may write meanwhile: the copy
/// shows one moment. It is on the disk when this returns.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(from, flags)?;
    source.busy_timeout(std::time::Duration::from_secs(30))?;
    // Not the pages as they lie in the file: without its write-ahead log that would be an old or a broken state.
    source.execute("VACUUM INTO ?", [to.to_string_lossy()])?;
    let file = std::fs::File::open(to)?;
    file.sync_all()?;
    Ok(())
}

/// What a sound copy holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    pub schema_version: i64,
    pub conversations: i64,
    pub messages: i64,
    pub agents: i64,
}

/// Reads the whole copy: `Unavailable` names what is wrong with it.
pub fn verify(path: &Path) -> Result<Contents> {
    if !path.is_file() {
        return Err(Error::Unavailable(format!("there is no file '{}'", path.display())));
    }
    let wrong = |what: String| Error::Unavailable(format!("'{}' {what}", path.display()));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    let number = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0));
    let application =
        number("PRAGMA application_id").map_err(|error| wrong(format!("cannot be read: {error}")))?;
    if application != APPLICATION_ID {
        return Err(wrong("is not a file of Anytime".to_owned()));
    }
    let schema_version = number("PRAGMA user_version")?;
    if SCHEMA_VERSION < schema_version {
        return Err(wrong(format!(
            "was written by a newer Anytime (schema {schema_version}, this one knows {SCHEMA_VERSION})"
        )));
    }
    let damage: String = connection
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(|error| wrong(format!("is damaged: {error}")))?;
    if damage != "ok" {
        return Err(wrong(format!("is damaged: {damage}")));
    }
    let orphans = number("SELECT count(*) FROM pragma_foreign_key_check")?;
    if orphans != 0 {
        return Err(wrong(format!("has {orphans} rows that point at nothing")));
    }
    Ok(Contents {
        schema_version,
        conversations: number("SELECT count(*) FROM conversation")?,
        messages: number("SELECT count(*) FROM message")?,
        agents: number("SELECT count(*) FROM agent WHERE deleted_at IS NULL")?,
    })
}
