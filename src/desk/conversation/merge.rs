//! Merging (contract 11.10): everything of the source moves into the target, which keeps its own properties. The source
//! stays as a closed, deleted signpost, so that later mail of its thread finds the target.

use super::message::{self, Body, MessageType, Row};
use super::{Conversation, draft, editable, get, summary, trash};
use crate::db::Tx;
use crate::desk::audit::{self, Action};
use crate::desk::code::Status;
use crate::desk::event::{self, Change};
use crate::desk::{Actor, agent};
use crate::error::{Error, Result};
use crate::html;
use crate::ids::ConversationId;

/// Gives the target. The source goes to the recycle bin, for which the caller must manage it.
pub fn merge(
    tx: &Tx<'_>,
    by: &Actor,
    target: ConversationId,
    source: ConversationId,
) -> Result<Conversation> {
    if let Actor::Contact(_) = by {
        return Err(Error::may_not("merge conversations"));
    }
    if target == source {
        return Err(Error::invalid("sourceId", format!("is {source}, the target itself")));
    }
    let into = get(tx, by, target)?.ok_or_else(|| Error::not_found("conversation", target))?;
    let from = get(tx, by, source)?.ok_or_else(|| Error::not_found("conversation", source))?;
    for (conversation, field) in [(&into, "id"), (&from, "sourceId")] {
        if conversation.merged_into_id.is_some() {
            return Err(trash::is_deleted(conversation));
        }
        if conversation.is_deleted {
            return Err(Error::invalid(
                field,
                format!("names conversation {}, which is deleted", conversation.id),
            ));
        }
    }
    editable(tx, by, target)?;
    trash::removable(tx, by, source)?;

    let writer = match by.agent_id() {
        Some(id) => agent::names(tx, &[id])?.into_values().next().unwrap_or_default(),
        None => "Anytime".to_owned(),
    };
    move_everything(tx, by, &from, &into)?;
    let text = format!("{writer} merged conversation #{source} “{}” into this one.", from.subject);
    let body = Body { html: html::from_text(&text), plain: text };
    let note = message::insert(tx, &Actor::System, target, &Row::new(MessageType::Note, None, &body))?;
    for id in [source, target] {
        summary::renew(tx, id)?;
    }
    tx.run(
        "UPDATE conversation SET last_activity_at = ?, is_read = is_read AND ?, is_read_by_contact =
           is_read_by_contact AND ? WHERE id = ?",
        (tx.now(), from.is_read, from.is_read_by_contact || from.contact_id != into.contact_id, target),
    )?;
    event::record(tx, by, target, Change::MergedFrom { source, message: note })?;
    event::record(tx, by, source, Change::MergedInto { target })?;
    let summary = format!("merged the conversation #{source} into #{target}");
    audit::record(tx, by, Action::Conversation, summary, "")?;
    super::require(tx, by, target)
}

fn move_everything(tx: &Tx<'_>, by: &Actor, from: &Conversation, into: &Conversation) -> Result<()> {
    let (source, target) = (from.id, into.id);
    draft::follow(tx, by, source, target)?;
    for sql in [
        "UPDATE message SET conversation_id = ?1 WHERE conversation_id = ?2",
        "UPDATE mention SET conversation_id = ?1 WHERE conversation_id = ?2",
        "UPDATE attachment SET conversation_id = ?1 WHERE conversation_id = ?2",
        "UPDATE inbound_mail SET conversation_id = ?1 WHERE conversation_id = ?2",
        "UPDATE outgoing_mail SET conversation_id = ?1 WHERE conversation_id = ?2",
        // What was merged into the source before leads straight to the target.
        "UPDATE conversation SET merged_into_id = ?1 WHERE merged_into_id = ?2",
        "INSERT OR IGNORE INTO conversation_tag (conversation_id, tag_id)
         SELECT ?1, tag_id FROM conversation_tag WHERE conversation_id = ?2",
    ] {
        tx.run(sql, (target, source))?;
    }
    tx.run("DELETE FROM presence WHERE conversation_id = ?", [source])?;
    tx.run("DELETE FROM snooze WHERE conversation_id = ?", [source])?;
    tx.run(
        "UPDATE conversation SET is_deleted = 1, merged_into_id = ?1, last_activity_at = ?2,
           last_status_change_at = iif(status = ?3, last_status_change_at, ?2),
           closed_at = coalesce(closed_at, ?2), closed_by_type = coalesce(closed_by_type, ?4),
           closed_by_id = iif(closed_at IS NULL, ?5, closed_by_id), status = ?3 WHERE id = ?6",
        (target, tx.now(), Status::Closed, by.kind(), by.id(), source),
    )?;
    Ok(())
}
