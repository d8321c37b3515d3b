//! Bytes and messages: POP3, SMTP, MIME, threading headers, quotes. Never touches the database.

pub mod incoming;
pub mod outgoing;
pub mod pop3;
pub mod quote;
pub mod smtp;
pub mod threading;
pub mod tls;
