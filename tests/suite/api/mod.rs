//! One file for each resource of the API.

mod conventions;
mod conversation;
mod tag;
