//! What webhooks are told (contract 10.3), in the contract's spelling.

use std::slice;

use serde_json::{Value, json};

use super::contact::ContactJson;
use super::conversation::ConversationJson;
use super::{include, message};
use crate::db::Snapshot;
use crate::desk::attachment::Attachment;
use crate::desk::webhook::Event;
use crate::desk::webhook_delivery::Subject;
use crate::desk::{Actor, contact, conversation, file_check};
use crate::error::{Error, Result};
use crate::ids::{ConversationId, MessageId};
use crate::time::Timestamp;

/// The `payload` of a delivery. Links begin with `base_url`.
pub fn payload(s: &Snapshot<'_>, base_url: &str, subject: Subject<'_>) -> Result<Value> {
    match subject {
        Subject::Logged { event, logged } => {
            let mut payload = about(s, logged.conversation_id, logged.at)?;
            match event {
                Event::Created | Event::ReplyReceived | Event::AgentReplied => {
                    let id = logged.detail["messageId"].as_i64().map(MessageId);
                    let found = id.map(|id| conversation::message::get(s, &Actor::System, id)).transpose()?;
                    let found = found.flatten().map(|found| message::with_files(s, found)).transpose()?;
                    payload["message"] = json!(found);
                }
                Event::AssigneeChanged | Event::StatusChanged => {
                    let keys = [
                        "oldAgentAssigneeId",
                        "newAgentAssigneeId",
                        "oldDepartmentAssigneeId",
                        "newDepartmentAssigneeId",
                        "oldStatus",
                        "newStatus",
                    ];
                    for key in keys {
                        if let Some(value) = logged.detail.get(key) {
                            payload[key] = value.clone();
                        }
                    }
                }
                Event::SlaBreached => {
                    payload["target"] = logged.detail["target"].clone();
                    payload["dueTime"] = logged.detail["dueAt"].clone();
                    payload["policy"] = logged.detail["policy"].clone();
                }
                Event::StatusStays | Event::Deleted | Event::FileUploaded => {}
            }
            Ok(payload)
        }
        Subject::Stayed(id) => about(s, id, Timestamp::from_millis(0)),
        Subject::Uploaded(file) => uploaded(s, base_url, file),
        Subject::Test(_) => Ok(json!({ "test": true })),
    }
}

/// `conversation` and `contact`; the first is never null, or there is nothing to tell of.
fn about(s: &Snapshot<'_>, id: ConversationId, now: Timestamp) -> Result<Value> {
    let found = conversation::get(s, &Actor::System, id)?;
    let Some(found) = found else { return Err(Error::not_found("conversation", id)) };
    let contact = found.contact_id.map(|id| contact::get_ever(s, id)).transpose()?.flatten();
    let mut included = include::conversations(s, &Actor::System, now, slice::from_ref(&found), &[])?;
    let included = included.pop().unwrap_or_default();
    Ok(json!({
        "conversation": ConversationJson::new(found, included),
        "contact": contact.map(ContactJson::from),
    }))
}

fn uploaded(s: &Snapshot<'_>, base_url: &str, file: &Attachment) -> Result<Value> {
    let extension = file.file_name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let signature = file_check::signature(s, &file.guid)?;
    let path = ["/api/v3/attachments/", &file.guid, "/check?signature=", &signature].concat();
    Ok(json!({
        "objectId": file.conversation_id,
        "guid": file.guid,
        "fileName": file.file_name,
        "fileExtension": extension,
        "fileSize": file.size_bytes,
        "fileURL": format!("{base_url}{path}"),
        // Files live in the database: there is no path to one.
        "fileLocalPath": null,
    }))
}
