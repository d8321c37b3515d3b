//! The SQLite file: reading, and the one write door. Knows nothing about helpdesks.
//!
//! All changes go through one writer thread that owns the only writing connection. It takes whatever is queued, opens
//! one `BEGIN IMMEDIATE`, runs each caller's closure in its own savepoint, commits once, and only then answers every
//! caller: a caller that got its answer knows that the change is on the disk (`synchronous=FULL`).

pub mod backup;
mod open;
mod pool;
mod writer;

use std::ops::Deref;
use std::path::Path;

use rusqlite::{Connection, Params, Row};
use tokio::sync::watch;

use crate::error::{Error, Result};
use crate::time::{Clock, Timestamp};

pub use backup::Contents;
pub use open::{SCHEMA_VERSION, fast_load, fill_beside};

/// What is done to each new connection.
type Prepare = fn(&Connection) -> rusqlite::Result<()>;

/// What those above have done to the file by it; by default nothing.
#[derive(Clone, Copy)]
pub struct Hooks {
    /// Gives each new connection the SQL functions that queries use.
    pub prepare: Prepare,
    /// Runs in every transaction before it is committed, after all changes of the group; what it does is undone alone
    /// if it fails.
    pub before_commit: fn(&Tx<'_>) -> Result<()>,
}

impl Default for Hooks {
    fn default() -> Self {
        Self { prepare: |_| Ok(()), before_commit: |_| Ok(()) }
    }
}

/// A handle to the file; cheap to clone. The file is closed when the last handle is gone.
#[derive(Clone)]
pub struct Db {
    readers: pool::Readers,
    scanners: pool::Readers,
    writer: writer::Writer,
    clock: Clock,
}

/// A consistent view of the file, for reading.
pub struct Snapshot<'c> {
    connection: &'c Connection,
}

/// An open savepoint of the writing transaction: reads like a `Snapshot`, and writes.
pub struct Tx<'c> {
    view: Snapshot<'c>,
    now: Timestamp,
}

impl Db {
    /// Opens the file, creating or upgrading it, and starts the writer. `data_dir` must already be locked.
    pub fn open(path: &Path, clock: Clock, hooks: Hooks) -> Result<Self> {
        let Hooks { prepare, before_commit } = hooks;
        let connection = open::writer(path, &clock)?;
        prepare(&connection)?;
        let writer = writer::Writer::start(connection, clock.clone(), before_commit);
        let (readers, scanners) = (pool::readers(path, 8, prepare)?, pool::readers(path, 2, prepare)?);
        Ok(Self { readers, scanners, writer, clock })
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// Runs a short, indexed read on the calling thread, in one deferred transaction.
    pub fn read<T>(&self, f: impl FnOnce(&Snapshot<'_>) -> Result<T>) -> Result<T> {
        self.readers.read(f)
    }

    /// Runs a read that may take long on connections of its own, so that it cannot starve `read`. Stopped after
    /// five seconds with `Error::Unavailable`. Blocks: call it from a blocking thread.
    pub fn scan<T>(&self, f: impl FnOnce(&Snapshot<'_>) -> Result<T>) -> Result<T> {
        self.scanners.read_within(std::time::Duration::from_secs(5), f)
    }

    /// Runs `f` in a savepoint on the writer thread and returns once it is committed; an error or a panic in `f`
    /// undoes what `f` did and nothing else. Blocks: call it from a blocking thread.
    pub fn write<T, F>(&self, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.writer.submit(f)?.blocking_recv().map_err(|_| stopped())?
    }

    /// `write` for async callers.
    pub async fn write_async<T, F>(&self, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.writer.submit(f)?.await.map_err(|_| stopped())?
    }

    /// Changes after every commit, so that readers of queues need not poll.
    pub fn committed(&self) -> watch::Receiver<u64> {
        self.writer.committed()
    }

    /// Finishes what is queued, folds the write-ahead log into the file and stops the writer. Later writes fail.
    pub fn close(&self) {
        self.writer.close();
    }
}

fn stopped() -> Error {
    Error::Unavailable("the database is closed".to_owned())
}

/// Each statement can be read in the log of the request or job that ran it: `--log info,anytime::db=trace`.
fn tell(sql: &str) {
    tracing::trace!(sql, "statement");
}

impl Snapshot<'_> {
    /// The first row, or `None`.
    pub fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        tell(sql);
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        match rows.next()? {
            Some(row) => Ok(Some(map(row)?)),
            None => Ok(None),
        }
    }

    /// Every row.
    pub fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        tell(sql);
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params, map)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Whether there is a row.
    pub fn exists(&self, sql: &str, params: impl Params) -> Result<bool> {
        Ok(self.one(sql, params, |_| Ok(()))?.is_some())
    }

    /// The single number a query such as `SELECT count(*)` gives; zero when it gives no row or NULL.
    pub fn number(&self, sql: &str, params: impl Params) -> Result<i64> {
        Ok(self.one(sql, params, |row| row.get::<_, Option<i64>>(0))?.flatten().unwrap_or(0))
    }
}

impl Tx<'_> {
    /// The time of this change: the same throughout the closure.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The same transaction at another time: for writing down what happened before, such as old mail.
    pub fn at(&self, now: Timestamp) -> Tx<'_> {
        Tx { view: Snapshot { connection: self.connection }, now }
    }

    /// Runs a statement and tells how many rows it changed.
    pub fn run(&self, sql: &str, params: impl Params) -> Result<usize> {
        tell(sql);
        Ok(self.connection.prepare_cached(sql)?.execute(params)?)
    }

    /// Rows changed since the file was opened, those inside virtual tables too.
    pub fn total_changes(&self) -> u64 {
        self.connection.total_changes()
    }

    /// Runs an INSERT and gives the new row's id.
    pub fn insert(&self, sql: &str, params: impl Params) -> Result<i64> {
        tell(sql);
        Ok(self.connection.prepare_cached(sql)?.insert(params)?)
    }

    /// Runs `f` and takes back everything it wrote: for finding out what would come of it.
    pub fn undone<T>(&self, f: impl FnOnce(&Self) -> Result<T>) -> Result<T> {
        self.batch("SAVEPOINT undone")?;
        let result = f(self);
        self.batch("ROLLBACK TO undone; RELEASE undone")?;
        result
    }

    /// Runs several statements without parameters.
    pub fn batch(&self, sql: &str) -> Result<()> {
        Ok(self.connection.execute_batch(sql)?)
    }
}

impl<'c> Deref for Tx<'c> {
    type Target = Snapshot<'c>;

    fn deref(&self) -> &Snapshot<'c> {
        &self.view
    }
}
