//! Everything that is tested through the front door: HTTP, POP3, SMTP and the command line.

mod api;
mod architecture;
mod browser;
mod command;
mod database;
mod flows;
mod mail;
mod mail_peers;
mod support;
