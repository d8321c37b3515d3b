//! The main stories, end to end, against real servers.

mod corpus;
mod kill;
mod mail_loop;
