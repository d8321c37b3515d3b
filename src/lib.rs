//! Anytime: a complete helpdesk in one executable over one SQLite file.

#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod app;
pub mod config;
pub mod db;
pub mod desk;
pub mod error;
pub mod html;
pub mod ids;
pub mod mail;
pub mod time;
pub mod web;
