//! Mail in detail: servers that misbehave, where a mail belongs, hostile content.

mod classification;
mod dkim;
mod exchange;
mod health;
mod imap;
mod intake;
mod oauth;
mod pop3_faults;
mod queue;
mod quote_score;
mod sender_check;
mod storm;
mod take_over;
mod threading;
