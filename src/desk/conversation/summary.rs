//! What a conversation's row tells of its messages, made anew after messages came or went: last reply, snippet, number
//! of replies. Writing a message keeps these columns itself (`reply.rs`).

use crate::db::Tx;
use crate::desk::attachment;
use crate::error::Result;
use crate::html;
use crate::ids::ConversationId;

/// Notes, automatic answers and forwards are no replies; the first message opens the conversation and is none either.
pub(in crate::desk) fn renew(tx: &Tx<'_>, id: ConversationId) -> Result<()> {
    let last: Option<String> = tx.one(
        &["SELECT plain_body FROM message m WHERE m.conversation_id = ? AND ", IS_REPLY, LAST].concat(),
        [id],
        |row| row.get(0),
    )?;
    let last = last.map(|text| html::snippet(&text, 200)).unwrap_or_default();
    tx.run(
        &[
            "UPDATE conversation SET last_message = ?2,
               (last_replied_at, last_replied_by_type, last_replied_by_id) =
                 (SELECT created_at, sender_type, sender_id FROM message m WHERE m.conversation_id = ?1 AND ",
            IS_REPLY,
            LAST,
            "), total_replies = (SELECT count(*) FROM message m WHERE m.conversation_id = ?1 AND ",
            IS_REPLY,
            " AND m.id <> (SELECT id FROM message WHERE conversation_id = ?1 ORDER BY created_at, id LIMIT 1))
             WHERE id = ?1",
        ]
        .concat(),
        (id, last),
    )?;
    tx.run("UPDATE conversation SET listed_at = coalesce(last_replied_at, created_at) WHERE id = ?", [id])?;
    attachment::recount(tx, id)
}

const IS_REPLY: &str = "m.type <> 'note' AND m.is_automatic = 0 AND m.forward_of_id IS NULL";
const LAST: &str = " ORDER BY m.created_at DESC, m.id DESC LIMIT 1";
