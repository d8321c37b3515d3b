//! When things run: the schedule, and the runner that keeps a job from overlapping itself. tokio-cron-scheduler is only
//! the clock; a job is a function that returns, so that tests call it directly.

mod act;
mod allocate;
pub mod check_dkim_record;
mod check_sla;
pub mod credential;
mod fetch_mail;
mod housekeeping;
mod index_search;
mod merge_search;
mod postbox;
mod process_mail;
mod rehearse;
mod relay;
mod send_mail;
mod send_webhooks;
mod stay;
pub mod tell_agents;
pub mod test_account;
mod wake;
mod watch_mail;

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Mutex;
use tokio_cron_scheduler::{Job as CronJob, JobScheduler};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::app::App;
use crate::desk::job;
use crate::error::{Error, Result};

pub use check_sla::{apply_changes, record_breaches};
pub use fetch_mail::{Fetched, fetch_account, fetch_account_in_turn};
pub use process_mail::process_waiting;
pub use send_mail::{bytes as bytes_of_mail, send_due};
pub use send_webhooks::try_now as try_webhook;

/// A piece of background work.
pub struct Job {
    pub name: &'static str,
    /// Seconds, minutes, hours, days, months, weekdays; UTC.
    pub every: &'static str,
    /// Whether a commit may give it work to do at once.
    pub follows_commits: bool,
    pub run: fn(&App) -> BoxFuture<'_, Result<()>>,
}

pub const SCHEDULE: &[Job] = &[
    Job { name: "relay", every: "*/10 * * * * *", follows_commits: true, run: |app| relay::run(app).boxed() },
    Job {
        name: "fetch mail",
        every: "*/5 * * * * *",
        follows_commits: false,
        run: |app| fetch_mail::run(app).boxed(),
    },
    Job {
        name: "process mail",
        every: "*/10 * * * * *",
        follows_commits: true,
        run: |app| process_mail::run(app).boxed(),
    },
    Job {
        name: "send mail",
        every: "*/10 * * * * *",
        follows_commits: true,
        run: |app| send_mail::run(app).boxed(),
    },
    Job {
        name: "index search",
        every: "*/30 * * * * *",
        follows_commits: true,
        run: |app| index_search::run(app).boxed(),
    },
    Job {
        name: "merge search",
        every: "*/10 * * * * *",
        follows_commits: false,
        run: |app| merge_search::run(app).boxed(),
    },
    Job { name: "act", every: "*/30 * * * * *", follows_commits: true, run: |app| act::run(app).boxed() },
    Job {
        name: "allocate",
        every: "*/30 * * * * *",
        follows_commits: false,
        run: |app| allocate::run(app).boxed(),
    },
    Job { name: "wake", every: "*/15 * * * * *", follows_commits: false, run: |app| wake::run(app).boxed() },
    Job {
        name: "send webhooks",
        every: "*/10 * * * * *",
        follows_commits: true,
        run: |app| send_webhooks::run(app).boxed(),
    },
    Job {
        name: "tell agents",
        every: "*/10 * * * * *",
        follows_commits: false,
        run: |app| tell_agents::run(app).boxed(),
    },
    Job {
        name: "check SLA",
        every: "0 * * * * *",
        follows_commits: false,
        run: |app| check_sla::record_breaches(app).boxed(),
    },
    Job {
        name: "apply SLA",
        every: "*/30 * * * * *",
        follows_commits: true,
        run: |app| check_sla::apply_changes(app).boxed(),
    },
    Job {
        name: "rehearse",
        every: "*/30 * * * * *",
        follows_commits: true,
        run: |app| rehearse::run(app).boxed(),
    },
    Job { name: "stay", every: "0 * * * * *", follows_commits: false, run: |app| stay::run(app).boxed() },
    Job {
        name: "housekeeping",
        every: "0 7 * * * *",
        follows_commits: false,
        run: |app| housekeeping::run(app).boxed(),
    },
];

/// Running jobs.
pub struct Jobs {
    scheduler: JobScheduler,
    tracker: TaskTracker,
}

impl Jobs {
    /// Waits until running jobs have seen that the application stops.
    pub async fn stop(mut self) {
        if let Err(error) = self.scheduler.shutdown().await {
            tracing::warn!(%error, "the scheduler did not stop");
        }
        self.tracker.close();
        if tokio::time::timeout(Duration::from_secs(4), self.tracker.wait()).await.is_err() {
            tracing::warn!("a job did not stop in time; its work is taken up at the next start");
        }
    }
}

/// Starts the clock, and for jobs that follow commits a task that runs them as soon as there is something new.
pub async fn start(app: &App) -> Result<Jobs> {
    let scheduler = JobScheduler::new().await.map_err(Error::internal)?;
    let tracker = TaskTracker::new();
    relay::begin(app).await?;
    for job in SCHEDULE {
        let running = running(app, job);
        if job.follows_commits {
            tracker.spawn(follow(app.clone(), job, running.clone()));
        }
        let (app, tasks) = (app.clone(), tracker.clone());
        let tick = CronJob::new_async(job.every, move |_, _| {
            let (app, running) = (app.clone(), running.clone());
            tasks.track_future(async move { run_once(&app, job, &running).await }).boxed()
        });
        scheduler.add(tick.map_err(Error::internal)?).await.map_err(Error::internal)?;
    }
    tracker.spawn(fetch_on_demand(app.clone()));
    tracker.spawn(watch_mail::run(app.clone()));
    scheduler.start().await.map_err(Error::internal)?;
    Ok(Jobs { scheduler, tracker })
}

fn running(app: &App, job: &Job) -> Arc<Mutex<()>> {
    let mut jobs = app.work().jobs.lock().unwrap_or_else(PoisonError::into_inner);
    jobs.entry(job.name).or_default().clone()
}

/// Runs a job because somebody asked, as soon as it does not run already, and writes that down. `NotFound` when no job
/// has the name. An error of the job itself is in its row.
pub async fn run_now(app: &App, name: &str) -> Result<()> {
    let job = SCHEDULE.iter().find(|job| job.name == name);
    let job = job.ok_or_else(|| Error::not_found("job", name))?;
    let running = running(app, job);
    let _guard = running.lock().await;
    let started_at = app.now();
    let error = run(app, job).await;
    let next = next_run(job, app.now());
    app.write(move |tx| job::record(tx, job.name, started_at, error.as_deref(), next)).await
}

async fn follow(app: App, job: &'static Job, running: Arc<Mutex<()>>) {
    let mut committed = app.db().committed();
    loop {
        run_once(&app, job, &running).await;
        tokio::select! {
            () = app.stopping().cancelled() => return,
            changed = committed.changed() => if changed.is_err() { return },
        }
    }
}

/// Somebody added or changed an account, or pressed "check now".
async fn fetch_on_demand(app: App) {
    loop {
        tokio::select! {
            () = app.stopping().cancelled() => return,
            () = app.fetch_now().notified() => {}
        }
        if let Err(error) = fetch_mail::run(&app).await {
            tracing::warn!(%error, "fetching mail failed");
        }
    }
}

/// Runs the job unless it is still running. Only runs that did something, failed or mend a failure are written down: a
/// job that finds nothing to do each few seconds must not write each few seconds.
async fn run_once(app: &App, job: &'static Job, running: &Mutex<()>) {
    let Ok(_guard) = running.try_lock() else { return };
    if app.stopping().is_cancelled() {
        return;
    }
    let started_at = app.now();
    let error = run(app, job).await;
    note(app, job, started_at, error).await;
}

/// What went wrong.
async fn run(app: &App, job: &'static Job) -> Option<String> {
    let span = tracing::info_span!("job", job = job.name);
    let result = std::panic::AssertUnwindSafe((job.run)(app)).catch_unwind().instrument(span).await;
    let error = match result {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(describe(&error)),
        Err(_) => Some("the job panicked".to_owned()),
    };
    if let Some(error) = &error {
        tracing::warn!(job = job.name, error, "a job failed");
    }
    error
}

async fn note(app: &App, job: &'static Job, started_at: crate::time::Timestamp, error: Option<String>) {
    let last = app.read(job::list).ok().and_then(|jobs| jobs.into_iter().find(|row| row.name == job.name));
    let is_news = last.as_ref().is_none_or(|last| {
        last.last_error != error
            || last.last_finished_at.is_none_or(|at| Duration::from_secs(60) <= app.now().since(at))
    });
    if !is_news {
        return;
    }
    let next = next_run(job, app.now());
    let write = app.write(move |tx| job::record(tx, job.name, started_at, error.as_deref(), next)).await;
    if let Err(error) = write {
        tracing::warn!(%error, "a job's run could not be written down");
    }
}

fn next_run(job: &Job, now: crate::time::Timestamp) -> Option<crate::time::Timestamp> {
    let step = match job.every.split_whitespace().next()?.strip_prefix("*/") {
        Some(seconds) => seconds.parse::<i64>().ok()? * 1000,
        None if job.every.starts_with("0 * ") => 60_000,
        None => 3_600_000,
    };
    let offset = if step == 3_600_000 { 7 * 60_000 } else { 0 };
    let next = (now.millis() - offset).div_euclid(step) * step + step + offset;
    Some(crate::time::Timestamp::from_millis(next))
}

/// An internal error's cause, which its own text hides from callers.
fn describe(error: &Error) -> String {
    match error {
        Error::Internal(source) => source.to_string(),
        other => other.to_string(),
    }
}
