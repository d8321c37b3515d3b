//! Mail in detail: servers that misbehave, where a mail belongs, hostile content.

mod classification;
mod intake;
mod pop3_faults;
mod threading;
