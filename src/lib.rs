//! Anytime: a complete helpdesk in one executable over one SQLite file.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod api;
pub mod app;
pub mod backup;
pub mod command;
pub mod config;
pub mod db;
pub mod demo;
pub mod desk;
pub mod error;
#[doc(hidden)]
pub mod failpoint;
pub mod html;
pub mod http;
pub mod ids;
pub mod jobs;
pub mod language;
pub mod mail;
pub mod pages;
pub mod rules;
pub mod server;
pub mod time;
pub mod web;
