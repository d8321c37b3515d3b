//! What many tests begin with.

use anytime::db::Tx;
use anytime::desk::Actor;
use anytime::desk::conversation::Body;
use anytime::desk::conversation::portal::{self, Written};
use anytime::error::Result;
use anytime::ids::{ContactId, ConversationId};
use serde_json::{Value, json};

use super::test_desk::Client;

/// A contact with the address `NAME@customer.example`; gives the id.
pub async fn contact(by: &Client, name: &str) -> i64 {
    let identity = json!([{ "type": "email", "value": format!("{name}@customer.example") }]);
    let contact = by.post("/contacts", json!({ "name": name, "identities": identity })).await.expect(201);
    contact["id"].as_i64().unwrap()
}

/// A conversation with the note "hello" as its first message: needs no contact and no account.
pub async fn noted(by: &Client, subject: &str, more: Value) -> Value {
    let note = json!({ "type": "note", "plainBody": "hello" });
    let mut new = json!({ "subject": subject, "channel": "portal", "message": note });
    new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    by.post("/anytime/conversations", new).await.expect(201)["conversation"].clone()
}

/// The kinds of a conversation's events, oldest first.
pub fn events(desk: &super::test_desk::TestDesk, conversation: i64) -> Vec<String> {
    let sql = "SELECT kind FROM event WHERE conversation_id = ? ORDER BY id";
    desk.app.read(|s| s.all(sql, [conversation], |row| row.get(0))).unwrap()
}
/// The account `support@desk.example`, from which nothing leaves: it has no SMTP server.
pub async fn account(by: &Client) -> i64 {
    let account = json!({
        "email": "support@desk.example", "type": "pop3", "displayName": "Desk Support",
        "pop3Server": "127.0.0.1", "pop3Port": 9, "pop3Security": "none", "pop3UserName": "support",
        "pop3Password": "x", "pollInterval": 86400,
    });
    let created = by.post("/anytime/emailAccounts", account).await.expect(201);
    created["emailAccount"]["id"].as_i64().unwrap()
}

/// A contact opens a conversation in the portal.
pub fn submit(tx: &Tx<'_>, contact: ContactId, subject: &str, text: &str) -> Result<ConversationId> {
    let body = Body::new(None, Some(text))?;
    let uploaded_by = &Actor::Contact(contact);
    portal::submit(tx, contact, subject, &Written { body: &body, attachments: &[], uploaded_by }, &[])
}

/// A conversation that a contact opened in the portal; gives the id.
pub async fn submitted(by: &Client, contact: i64, subject: &str) -> i64 {
    let new = json!({ "contactId": contact, "subject": subject, "message": { "plainBody": "Please help." } });
    let created = by.post("/anytime/portalconversations", new).await.expect(201);
    created["portalconversation"]["id"].as_i64().unwrap()
}

/// The contact of a conversation writes again.
pub async fn wrote(by: &Client, contact: i64, id: i64) {
    let reply = json!({ "contactId": contact, "plainBody": "Are you there?" });
    by.post(&format!("/anytime/portalconversations/{id}/messages"), reply).await.expect(201);
}
