//! Mail in detail: servers that misbehave, where a mail belongs, hostile content.

mod intake;
mod pop3_faults;
