//! One file for each resource of the API.

mod agent;
mod attachment;
mod auto_allocation;
mod batch;
mod contact;
mod conventions;
mod conversation;
mod deleted_conversation;
mod department;
mod email_account;
mod inbound_mail;
mod outgoing_mail;
mod tag;
