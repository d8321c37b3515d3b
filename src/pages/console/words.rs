//! How the console names what the desk stores as codes.

use crate::desk::code::{Channel, Priority, Status};

pub fn status(status: Status) -> &'static str {
    match status {
        Status::New => "New",
        Status::PendingInternal => "Pending internal",
        Status::PendingExternal => "Pending external",
        Status::OnHold => "On hold",
        Status::Closed => "Closed",
    }
}

pub fn priority(priority: Priority) -> &'static str {
    match priority {
        Priority::Urgent => "Urgent",
        Priority::High => "High",
        Priority::Normal => "Normal",
        Priority::Low => "Low",
    }
}

pub fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "E-mail",
        Channel::Chat => "Chat",
        Channel::OfflineMessage => "Offline message",
        Channel::Portal => "Portal",
    }
}

pub fn channel_icon(channel: Channel) -> &'static str {
    match channel {
        Channel::Email => "mail",
        Channel::Chat => "message-circle",
        Channel::OfflineMessage => "message-square",
        Channel::Portal => "globe",
    }
}

/// A contact's name, or what stands for none.
pub fn contact(name: Option<&String>) -> String {
    name.cloned().unwrap_or_else(|| "No contact".to_owned())
}
