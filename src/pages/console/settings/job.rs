//! `/console/settings/jobs`: what runs by itself, and how it went.

use actix_web::{HttpResponse, get, post};
use askama::Template;

use super::super::Layout;
use super::field::Sent;
use super::{Nav, frame};
use crate::app::App;
use crate::desk::job::{self, Job};
use crate::desk::{Actor, Permission};
use crate::error::{Error, Result};
use crate::jobs;
use crate::pages::when::Zone;
use crate::web::page::see_other;
use crate::web::{Page, PageError, SignedIn, filters};

const HERE: &str = "/console/settings/jobs";

#[derive(Template)]
#[template(path = "console/settings/jobs.html")]
struct List {
    layout: Layout,
    nav: Nav,
    zone: Zone,
    jobs: Vec<Job>,
    may_run: bool,
}

/// How long the page waits for a job that it was asked to run; it goes on without it.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

fn may_run(by: &Actor) -> Result<()> {
    by.require(Permission::ManageSettings)
}

#[get("/console/settings/jobs")]
pub async fn show(app: App, signed_in: SignedIn) -> Result<Page<List>, PageError> {
    let (layout, nav) = frame(&app, &signed_in, HERE)?;
    let jobs = app.read(job::list)?;
    let may_run = may_run(&signed_in.actor).is_ok();
    Ok(Page(List { layout, nav, zone: Zone::of_agent(&signed_in), jobs, may_run }))
}

#[post("/console/settings/jobs")]
pub async fn run(app: App, sent: Sent) -> Result<HttpResponse, PageError> {
    may_run(&sent.signed_in.actor)?;
    let name = sent.fields.text("job").to_owned();
    let task = tokio::spawn(async move { jobs::run_now(&app, &name).await });
    if let Ok(ended) = tokio::time::timeout(PATIENCE, task).await {
        ended.map_err(Error::internal)??;
    }
    Ok(see_other(HERE))
}

/// What a job does, in a few words.
fn about(name: &str) -> &'static str {
    match name {
        "fetch mail" => "Asks the POP3 servers for mail",
        "process mail" => "Turns stored mail into conversations",
        "send mail" => "Hands queued mail to SMTP",
        "relay" => "Tells open pages and writes notifications",
        "act" => "Changes many conversations at once, as an agent asked",
        "apply SLA" => "Works out due times after policies or working time changed",
        "check SLA" => "Notes which promises of service levels were broken",
        "index search" => "Takes new messages into the search index",
        "merge search" => "Keeps the search index in few parts",
        "send webhooks" => "Tells other programs what happened",
        "wake" => "Brings back conversations that were put aside",
        "allocate" => "Gives waiting conversations to agents with room",
        "stay" => "Runs triggers for conversations that stay at a status",
        "rehearse" => "Replays drafts of rules on past conversations",
        "housekeeping" => "Sweeps expired sessions, links and uploads",
        _ => "",
    }
}

/// How long the last run took.
fn took(job: &Job) -> String {
    let (Some(start), Some(end)) = (job.last_started_at, job.last_finished_at) else { return String::new() };
    match end.since(start).as_millis() {
        millis @ ..1_000 => format!("{millis} ms"),
        millis => format!("{}.{} s", millis / 1_000, millis % 1_000 / 100),
    }
}
