//! The jobs' own table: when each last ran, how it went, and when it runs next.

use crate::db::{Snapshot, Tx};
use crate::error::Result;
use crate::time::Timestamp;

#[derive(Debug, Clone)]
pub struct Job {
    pub name: String,
    pub last_started_at: Option<Timestamp>,
    pub last_finished_at: Option<Timestamp>,
    pub last_error: Option<String>,
    pub next_run_at: Option<Timestamp>,
    pub runs: i64,
}

pub fn list(s: &Snapshot<'_>) -> Result<Vec<Job>> {
    s.all(
        "SELECT name, last_started_at, last_finished_at, last_error, next_run_at, runs FROM job ORDER BY name",
        [],
        |row| {
            Ok(Job {
                name: row.get(0)?,
                last_started_at: row.get(1)?,
                last_finished_at: row.get(2)?,
                last_error: row.get(3)?,
                next_run_at: row.get(4)?,
                runs: row.get(5)?,
            })
        },
    )
}

/// One row for each run: written when it ends, so that a quiet minute costs one small write.
pub fn record(
    tx: &Tx<'_>,
    name: &str,
    started_at: Timestamp,
    error: Option<&str>,
    next_run_at: Option<Timestamp>,
) -> Result<()> {
    tx.run(
        "INSERT INTO job (name, last_started_at, last_finished_at, last_error, next_run_at, runs)
         VALUES (?1, ?2, ?3, ?4, ?5, 1)
         ON CONFLICT (name) DO UPDATE SET last_started_at = ?2, last_finished_at = ?3, last_error = ?4,
           next_run_at = ?5, runs = runs + 1",
        (name, started_at, tx.now(), error, next_run_at),
    )?;
    Ok(())
}
