//! One file for each resource of the API.

mod active_agent;
mod agent;
mod attachment;
mod audit;
mod auto_allocation;
mod batch;
mod blocked_sender;
mod change;
mod contact;
mod conventions;
mod conversation;
mod deleted_conversation;
mod department;
mod draft;
mod email_account;
mod event_log;
mod idempotency;
mod inbound_mail;
mod junk_email;
mod merge;
mod message;
mod outgoing_mail;
mod portal_conversation;
mod routing;
mod tag;
