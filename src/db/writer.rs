//! The writer thread: group commit with a savepoint for each caller.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{oneshot, watch};

use super::{Snapshot, Tx, stopped};
use crate::error::{Error, Result};
use crate::time::Clock;

/// How many callers may wait; more are refused with `Error::Unavailable`.
const QUEUE: usize = 4096;
/// How many closures share one commit at most.
const BATCH: usize = 256;

/// Runs the closure in the open transaction (or is told why there is none); what it returns is called after the
/// commit with the commit's error, if any.
type Job = Box<dyn FnOnce(Result<&Connection>, &Clock) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Option<Error>) + Send>;

type BeforeCommit = fn(&Tx<'_>) -> Result<()>;

enum Order {
    Run(Job),
    Stop,
}

#[derive(Clone)]
pub(super) struct Writer {
    orders: SyncSender<Order>,
    committed: watch::Sender<u64>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Writer {
    pub(super) fn start(connection: Connection, clock: Clock, before_commit: BeforeCommit) -> Self {
        let (orders, queue) = sync_channel(QUEUE);
        let committed = watch::Sender::new(0);
        let signal = committed.clone();
        let thread = std::thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || serve(connection, &clock, &queue, &signal, before_commit))
            .expect("the operating system starts threads");
        Self { orders, committed, thread: Arc::new(Mutex::new(Some(thread))) }
    }

    pub(super) fn committed(&self) -> watch::Receiver<u64> {
        self.committed.subscribe()
    }

    pub(super) fn submit<T, F>(&self, f: F) -> Result<oneshot::Receiver<Result<T>>>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        // What is logged on the writer's thread belongs to the caller's request or job.
        let span = tracing::Span::current();
        let job: Job = Box::new(move |connection, clock| {
            let result =
                connection.and_then(|connection| span.in_scope(|| in_savepoint(connection, clock, f)));
            Box::new(move |failure| {
                let result = match failure {
                    Some(failure) if result.is_ok() => Err(failure),
                    _ => result,
                };
                // A caller that went away does not want the answer.
                let _ = sender.send(result);
            })
        });
        match self.orders.try_send(Order::Run(job)) {
            Ok(()) => Ok(receiver),
            Err(TrySendError::Full(_)) => {
                Err(Error::Unavailable("too many changes are waiting; try again".to_owned()))
            }
            Err(TrySendError::Disconnected(_)) => Err(stopped()),
        }
    }

    pub(super) fn close(&self) {
        let thread = self.thread.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = self.orders.send(Order::Stop);
            let _ = thread.join();
        }
    }
}

fn serve(
    connection: Connection,
    clock: &Clock,
    queue: &Receiver<Order>,
    committed: &watch::Sender<u64>,
    before_commit: BeforeCommit,
) {
    let mut is_open = true;
    while is_open {
        let Ok(first) = queue.recv() else { break };
        let mut jobs = Vec::new();
        for order in std::iter::once(first).chain(queue.try_iter().take(BATCH - 1)) {
            match order {
                Order::Run(job) => jobs.push(job),
                Order::Stop => is_open = false,
            }
        }
        if !jobs.is_empty() {
            commit_together(&connection, clock, jobs, before_commit);
            committed.send_modify(|generation| *generation += 1);
        }
    }
    if let Err(error) = connection.execute_batch("PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE);") {
        tracing::warn!(%error, "the write-ahead log could not be folded into the file; it will be at the next start");
    }
}

fn commit_together(connection: &Connection, clock: &Clock, jobs: Vec<Job>, before_commit: BeforeCommit) {
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        for job in jobs {
            job(Err(same_error(&error)), clock)(None);
        }
        return;
    }
    let answers: Vec<Answer> = jobs.into_iter().map(|job| job(Ok(connection), clock)).collect();
    if !connection.is_autocommit()
        && let Err(error) = in_savepoint(connection, clock, before_commit)
    {
        tracing::error!(%error, "what belongs to every commit could not be done");
    }
    let failure = if connection.is_autocommit() {
        // SQLite rolled the whole transaction back by itself, for example on a full disk.
        Some(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL), None))
    } else {
        connection.execute_batch("COMMIT").err()
    };
    if failure.is_some() && !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    for answer in answers {
        answer(failure.as_ref().map(same_error));
    }
}

/// The error of a failed commit, once for each caller of the batch.
fn same_error(error: &rusqlite::Error) -> Error {
    match error {
        rusqlite::Error::SqliteFailure(code, message) => {
            rusqlite::Error::SqliteFailure(*code, message.clone()).into()
        }
        other => Error::internal(other.to_string()),
    }
}

fn in_savepoint<T>(
    connection: &Connection,
    clock: &Clock,
    f: impl FnOnce(&Tx<'_>) -> Result<T>,
) -> Result<T> {
    if connection.is_autocommit() {
        return Err(Error::StorageFull);
    }
    connection.prepare_cached("SAVEPOINT caller")?.execute([])?;
    let tx = Tx { view: Snapshot { connection }, now: clock.now() };
    let result = catch_unwind(AssertUnwindSafe(|| f(&tx)))
        .unwrap_or_else(|panic| Err(Error::internal(format!("a change panicked: {}", panic_text(&*panic)))));
    if !connection.is_autocommit() {
        if result.is_err() {
            connection.prepare_cached("ROLLBACK TO caller")?.execute([])?;
        }
        connection.prepare_cached("RELEASE caller")?.execute([])?;
    }
    result
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
