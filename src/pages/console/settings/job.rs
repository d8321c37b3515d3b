//! `/console/settings/jobs`: what runs by itself, and how it went.

use actix_web::get;
use askama::Template;

use super::super::Layout;
use super::{Nav, frame};
use crate::app::App;
use crate::desk::job::{self, Job};
use crate::pages::when::Zone;
use crate::web::{Page, PageError, SignedIn, filters};

const HERE: &str = "/console/settings/jobs";

#[derive(Template)]
#[template(path = "console/settings/jobs.html")]
struct List {
    layout: Layout,
    nav: Nav,
    zone: Zone,
    jobs: Vec<Job>,
}

#[get("/console/settings/jobs")]
pub async fn show(app: App, signed_in: SignedIn) -> Result<Page<List>, PageError> {
    let (layout, nav) = frame(&app, &signed_in, HERE)?;
    Ok(Page(List { layout, nav, zone: Zone::of_agent(&signed_in), jobs: app.read(job::list)? }))
}

/// What a job does, in a few words.
fn about(name: &str) -> &'static str {
    match name {
        "fetch mail" => "Asks the POP3 servers for mail",
        "process mail" => "Turns stored mail into conversations",
        "send mail" => "Hands queued mail to SMTP",
        "relay" => "Tells open pages and writes notifications",
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
