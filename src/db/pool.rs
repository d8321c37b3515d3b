//! Read-only connections in r2d2 pools.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::Connection;

use super::{Prepare, Snapshot, open};
use crate::error::{Error, Result};

#[derive(Clone)]
pub(super) struct Readers(r2d2::Pool<Manager>);

pub(super) fn readers(path: &Path, size: u32, prepare: Prepare) -> Result<Readers> {
    r2d2::Pool::builder()
        .max_size(size)
        .min_idle(Some(0))
        .max_lifetime(None)
        .idle_timeout(None)
        .test_on_check_out(false)
        .connection_timeout(Duration::from_secs(5))
        .build(Manager { path: path.to_owned(), prepare })
        .map(Readers)
        .map_err(Error::internal)
}

impl Readers {
    pub(super) fn read<T>(&self, f: impl FnOnce(&Snapshot<'_>) -> Result<T>) -> Result<T> {
        let connection = self
            .0
            .get()
            .map_err(|_| Error::Unavailable("too many requests are being answered; try again".to_owned()))?;
        in_transaction(&connection, f)
    }

    pub(super) fn read_within<T>(
        &self,
        limit: Duration,
        f: impl FnOnce(&Snapshot<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut connection = self
            .0
            .get()
            .map_err(|_| Error::Unavailable("too many searches are running; try again".to_owned()))?;
        let end = Instant::now() + limit;
        connection.progress_handler(10_000, Some(move || Instant::now() > end))?;
        let result = in_transaction(&connection, f);
        connection.progress_handler(0, None::<fn() -> bool>)?;
        result
    }
}

fn in_transaction<T>(connection: &Connection, f: impl FnOnce(&Snapshot<'_>) -> Result<T>) -> Result<T> {
    connection.prepare_cached("BEGIN")?.execute([])?;
    let result = f(&Snapshot { connection });
    if !connection.is_autocommit() {
        connection.prepare_cached("COMMIT")?.execute([])?;
    }
    result
}

struct Manager {
    path: PathBuf,
    prepare: Prepare,
}

impl r2d2::ManageConnection for Manager {
    type Connection = Connection;
    type Error = rusqlite::Error;

    fn connect(&self) -> rusqlite::Result<Connection> {
        let connection = open::reader(&self.path)?;
        (self.prepare)(&connection)?;
        Ok(connection)
    }

    fn is_valid(&self, connection: &mut Connection) -> rusqlite::Result<()> {
        connection.execute_batch("SELECT 1")
    }

    /// A connection that comes back inside a transaction would see an old state for ever.
    fn has_broken(&self, connection: &mut Connection) -> bool {
        !connection.is_autocommit()
    }
}
