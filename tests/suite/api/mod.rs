//! One file for each resource of the API.

mod agent;
mod attachment;
mod batch;
mod auto_allocation;
mod contact;
mod conventions;
mod conversation;
mod deleted_conversation;
mod department;
mod email_account;
mod inbound_mail;
mod outgoing_mail;
mod tag;
