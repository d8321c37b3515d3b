//! Mail in detail: servers that misbehave, where a mail belongs, hostile content.

mod classification;
mod exchange;
mod health;
mod imap;
mod intake;
mod oauth;
mod pop3_faults;
mod take_over;
mod threading;
