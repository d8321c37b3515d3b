//! Everything that is tested through the front door: HTTP, POP3, SMTP and the command line.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that meets a surprise should fail there"
)]

mod api;
mod architecture;
mod backup;
mod browser;
mod command;
mod console;
mod contract;
mod database;
mod demo_mail;
mod docs;
mod field_page;
mod flows;
mod list_pages;
mod mail;
mod mail_peers;
mod notice;
mod pages;
mod permissions;
mod portal_password;
mod query_plans;
mod report_pages;
mod rules;
mod settings_pages;
mod sign_in;
mod support;
