//! One file for each resource of the API.

mod agent;
mod attachment;
mod contact;
mod conventions;
mod conversation;
mod department;
mod email_account;
mod inbound_mail;
mod outgoing_mail;
mod tag;
