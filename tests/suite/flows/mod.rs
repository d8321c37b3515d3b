//! The main stories, end to end, against real servers.

mod automation_pages;
mod corpus;
mod full_disk;
mod import;
mod kill;
mod kill_automation;
mod kill_points;
mod loop_in_browser;
mod mail_loop;
mod trigger;
