//! The main stories, end to end, against real servers.

mod corpus;
mod full_disk;
mod kill;
mod mail_loop;
mod trigger;
