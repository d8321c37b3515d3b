//! Attachments (contract 9). Uploaded first, then named by guid in a message, which takes them for good. All files
//! of a conversation together may have 20 MB, counted in the transaction that adds one.

use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::conversation::Visibility;
use super::{Actor, Permission, conversation, file_check, secret};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::{AttachmentId, BlobId, ConversationId, JunkEmailId, MessageId, OutgoingMailId, TriggerId};
use crate::time::Timestamp;

/// Of all attachments of one conversation together.
pub const LIMIT_BYTES: i64 = 20 * 1024 * 1024;
const UNBOUND_LIFE: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug, Clone)]
pub struct Attachment {
    pub id: AttachmentId,
    pub guid: String,
    pub blob_id: BlobId,
    pub conversation_id: Option<ConversationId>,
    pub message_id: Option<MessageId>,
    pub file_name: String,
    /// `type/subtype`, without parameters, in lower case.
    pub content_type: String,
    pub content_id: Option<String>,
    pub is_inline: bool,
    pub size_bytes: i64,
    pub is_available: bool,
    /// Not available yet, because it waits for its check; see `file_check`.
    pub is_pending: bool,
}

/// A file whose bytes are already in a blob.
#[derive(Debug, Clone)]
pub struct NewAttachment {
    pub guid: String,
    pub blob_id: BlobId,
    pub file_name: String,
    pub content_type: String,
    pub content_id: Option<String>,
    pub is_inline: bool,
    pub size_bytes: i64,
}

impl NewAttachment {
    /// `head` is the beginning of the file: a picture is only believed to be one when its bytes say so.
    pub fn new(
        blob_id: BlobId,
        size_bytes: i64,
        file_name: &str,
        declared: &str,
        head: &[u8],
    ) -> Result<Self> {
        Ok(Self {
            guid: secret::random_guid()?,
            blob_id,
            file_name: clean_file_name(file_name),
            content_type: content_type(declared, head),
            content_id: None,
            is_inline: false,
            size_bytes,
        })
    }
}

/// Pictures that may be shown in a page; everything else is only offered for download.
pub fn is_safe_picture(content_type: &str) -> bool {
    matches!(content_type, "image/png" | "image/jpeg" | "image/gif" | "image/webp")
}

/// The type without its parameters; a picture type that the bytes do not confirm becomes `application/octet-stream`.
pub fn content_type(declared: &str, head: &[u8]) -> String {
    let declared = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_token = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    let is_type = declared.len() < 128
        && declared.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype));
    let by_magic = match head {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    };
    match by_magic {
        Some(magic)
            if declared == magic || declared == "application/octet-stream" || declared == "image/jpg" =>
        {
            magic.to_owned()
        }
        _ if is_type && !is_safe_picture(&declared) => declared,
        _ => "application/octet-stream".to_owned(),
    }
}

/// A name to show and to offer for download: the last path component without control or direction characters.
pub fn clean_file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let clean: String = last
        .chars()
        .filter(|c| !c.is_control() && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'))
        .take(200)
        .collect();
    let clean = clean.trim().trim_end_matches('.').trim_start_matches('.');
    if clean.is_empty() { "file".to_owned() } else { clean.to_owned() }
}

/// Records an upload, bound to nothing yet. It belongs to `by`.
pub fn create(tx: &Tx<'_>, by: &Actor, new: &NewAttachment) -> Result<Attachment> {
    if LIMIT_BYTES < new.size_bytes {
        return Err(too_large(&new.file_name));
    }
    insert(tx, by, new, Place::Unbound, true)?;
    one(tx, &new.guid)?.ok_or_else(|| Error::not_found("attachment", &new.guid))
}

/// Gives the caller's own unbound uploads, or files of the conversation's draft, to a message. `TooLarge` when the
/// conversation would pass its limit.
pub fn bind(
    tx: &Tx<'_>,
    by: &Actor,
    conversation: ConversationId,
    message: MessageId,
    guids: &[String],
) -> Result<()> {
    for (index, guid) in guids.iter().enumerate() {
        if take_from_draft(tx, by, conversation, message, guid)? {
            continue;
        }
        take_upload(tx, by, conversation, Some(message), index, guid)?;
    }
    Ok(())
}

/// Makes these the files of the conversation's draft: the ones it has stay when they are named again, the others are
/// let go and expire.
pub fn bind_to_draft(tx: &Tx<'_>, by: &Actor, conversation: ConversationId, guids: &[String]) -> Result<()> {
    let kept = serde_json::to_string(guids).unwrap_or_default();
    tx.run(
        "UPDATE attachment SET conversation_id = NULL WHERE conversation_id = ? AND message_id IS NULL
           AND guid NOT IN (SELECT value FROM json_each(?))",
        (conversation, kept),
    )?;
    recount(tx, conversation)?;
    let own: Vec<String> = of_draft(tx, conversation)?.into_iter().map(|file| file.guid).collect();
    for (index, guid) in guids.iter().enumerate().filter(|(_, guid)| !own.contains(guid)) {
        take_upload(tx, by, conversation, None, index, guid)?;
    }
    Ok(())
}

/// Files of the conversation's draft.
pub fn of_draft(s: &Snapshot<'_>, conversation: ConversationId) -> Result<Vec<Attachment>> {
    s.all(
        &[
            "SELECT ",
            COLUMNS,
            " FROM attachment x WHERE x.conversation_id = ? AND x.message_id IS NULL ORDER BY x.id",
        ]
        .concat(),
        [conversation],
        from_row,
    )
}

fn take_from_draft(
    tx: &Tx<'_>,
    by: &Actor,
    conversation: ConversationId,
    message: MessageId,
    guid: &str,
) -> Result<bool> {
    if let Actor::Contact(_) = by {
        return Ok(false);
    }
    let taken = tx.run(
        "UPDATE attachment SET message_id = ? WHERE guid = ? AND conversation_id = ? AND message_id IS NULL",
        (message, guid, conversation),
    )?;
    Ok(taken == 1)
}

fn take_upload(
    tx: &Tx<'_>,
    by: &Actor,
    conversation: ConversationId,
    message: Option<MessageId>,
    index: usize,
    guid: &str,
) -> Result<()> {
    let taken = tx.one(
        "UPDATE attachment SET conversation_id = ?, message_id = ?
         WHERE guid = ? AND conversation_id IS NULL AND uploaded_by_type = ? AND uploaded_by_id IS ?
         RETURNING size_bytes, file_name",
        (conversation, message, guid, by.kind(), by.id()),
        |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)),
    )?;
    let Some((size, name)) = taken else {
        let field = format!("attachments[{index}].guid");
        return Err(Error::invalid(field, format!("there is no upload '{guid}' that is yours and unused")));
    };
    if count(tx, conversation, size)? { Ok(()) } else { Err(too_large(&name)) }
}

/// Counts anew what the conversation holds; the same bytes attached twice count once.
pub(super) fn recount(tx: &Tx<'_>, conversation: ConversationId) -> Result<()> {
    tx.run(
        "UPDATE conversation SET attachment_bytes = (SELECT coalesce(sum(size_bytes), 0) FROM (
           SELECT DISTINCT blob_id, size_bytes FROM attachment WHERE conversation_id = ?1
             AND (is_available = 1 OR is_pending = 1)))
         WHERE id = ?1",
        [conversation],
    )?;
    Ok(())
}

/// Adds a file that came by mail. Over the conversation's limit it is recorded, but not kept: `false`.
pub fn receive(
    tx: &Tx<'_>,
    by: &Actor,
    conversation: ConversationId,
    message: MessageId,
    new: &NewAttachment,
) -> Result<bool> {
    let fits = count(tx, conversation, new.size_bytes)?;
    insert(tx, by, new, Place::Message(conversation, message), fits)?;
    Ok(fits)
}

/// Keeps a file of a junk mail: nobody's, and seen only by agents who manage junk.
pub(super) fn hold(tx: &Tx<'_>, junk: JunkEmailId, new: &NewAttachment) -> Result<()> {
    insert(tx, &Actor::System, new, Place::Junk(junk), true)
}

/// Moves a junk mail's files to the message it became. Gives the names of those over the conversation's limit.
pub(super) fn release(
    tx: &Tx<'_>,
    by: &Actor,
    junk: JunkEmailId,
    conversation: ConversationId,
    message: MessageId,
) -> Result<Vec<String>> {
    let mut surplus = Vec::new();
    for file in of_junk(tx, junk)? {
        let fits = count(tx, conversation, file.size_bytes)?;
        tx.run(
            "UPDATE attachment SET junk_email_id = NULL, conversation_id = ?1, message_id = ?2, uploaded_by_type = ?3,
               uploaded_by_id = ?4, is_available = min(is_available, ?5), is_pending = min(is_pending, ?5) WHERE id = ?6",
            (conversation, message, by.kind(), by.id(), fits, file.id),
        )?;
        if !fits {
            surplus.push(file.file_name);
        }
    }
    Ok(surplus)
}

/// Gives a message the same file once more, without storing its bytes again.
pub fn copy(tx: &Tx<'_>, file: &Attachment, message: MessageId) -> Result<()> {
    tx.run(
        "INSERT INTO attachment (guid, blob_id, conversation_id, message_id, file_name, content_type, content_id,
           is_inline, size_bytes, is_available, uploaded_by_type, uploaded_by_id, created_at)
         SELECT ?1, blob_id, conversation_id, ?2, file_name, content_type, content_id, is_inline, size_bytes,
           is_available, uploaded_by_type, uploaded_by_id, ?3 FROM attachment WHERE id = ?4",
        (secret::random_guid()?, message, tx.now(), file.id),
    )?;
    Ok(())
}

/// Adds `size` to what the conversation holds, unless that is too much.
fn count(tx: &Tx<'_>, conversation: ConversationId, size: i64) -> Result<bool> {
    let changed = tx.run(
        "UPDATE conversation SET attachment_bytes = attachment_bytes + ?1
         WHERE id = ?2 AND attachment_bytes + ?1 <= ?3",
        (size, conversation, LIMIT_BYTES),
    )?;
    Ok(changed == 1)
}

/// What holds a file.
enum Place {
    Unbound,
    Message(ConversationId, MessageId),
    Junk(JunkEmailId),
}

fn insert(tx: &Tx<'_>, by: &Actor, new: &NewAttachment, place: Place, is_available: bool) -> Result<()> {
    let (conversation, message, junk) = match place {
        Place::Unbound => (None, None, None),
        Place::Message(conversation, message) => (Some(conversation), Some(message), None),
        Place::Junk(junk) => (None, None, Some(junk)),
    };
    tx.insert(
        "INSERT INTO attachment (guid, blob_id, conversation_id, message_id, junk_email_id, file_name, content_type,
           content_id, is_inline, size_bytes, is_available, uploaded_by_type, uploaded_by_id, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        rusqlite::params![
            new.guid,
            new.blob_id,
            conversation,
            message,
            junk,
            new.file_name,
            new.content_type,
            new.content_id,
            new.is_inline,
            new.size_bytes,
            is_available,
            by.kind(),
            by.id(),
            tx.now(),
        ],
    )?;
    if is_available { file_check::begin(tx, &new.guid) } else { Ok(()) }
}

/// What `by` may see: own uploads, files of visible conversations (for a contact: not those of notes), and those of
/// junk mail for whoever manages it.
pub fn get(s: &Snapshot<'_>, by: &Actor, guid: &str) -> Result<Option<Attachment>> {
    let visibility = Visibility::of(by);
    let mut params = visibility.params();
    let (kind, id) = (by.kind(), by.id());
    let sees_junk = by.require(Permission::ManageJunk).is_ok();
    params.extend([
        (":guid", &guid as &dyn rusqlite::ToSql),
        (":kind", &kind),
        (":uploader", &id),
        (":sees_junk", &sees_junk),
    ]);
    s.one(
        &[
            "SELECT ",
            COLUMNS,
            " FROM attachment x LEFT JOIN conversation c ON c.id = x.conversation_id
              LEFT JOIN message m ON m.id = x.message_id
              WHERE x.guid = :guid AND (
                (x.conversation_id IS NULL AND x.uploaded_by_type = :kind AND x.uploaded_by_id IS :uploader)
                OR (x.junk_email_id IS NOT NULL AND :sees_junk)
                OR (x.conversation_id IS NOT NULL AND (:kind <> 'contact' OR
                  (m.type <> 'note' AND m.forward_of_id IS NULL AND m.is_third_party = 0)) AND ",
            conversation::VISIBLE,
            "))",
        ]
        .concat(),
        params.as_slice(),
        from_row,
    )
}

/// The attachment, or `NotFound`.
pub fn require(s: &Snapshot<'_>, by: &Actor, guid: &str) -> Result<Attachment> {
    get(s, by, guid)?.ok_or_else(|| Error::not_found("attachment", guid))
}

pub fn of_message(s: &Snapshot<'_>, message: MessageId) -> Result<Vec<Attachment>> {
    s.all(
        &["SELECT ", COLUMNS, " FROM attachment x WHERE x.message_id = ? ORDER BY x.id"].concat(),
        [message],
        from_row,
    )
}

pub fn of_junk(s: &Snapshot<'_>, junk: JunkEmailId) -> Result<Vec<Attachment>> {
    s.all(
        &["SELECT ", COLUMNS, " FROM attachment x WHERE x.junk_email_id = ? ORDER BY x.id"].concat(),
        [junk],
        from_row,
    )
}

pub fn of_conversation(s: &Snapshot<'_>, conversation: ConversationId) -> Result<Vec<Attachment>> {
    s.all(
        &["SELECT ", COLUMNS, " FROM attachment x WHERE x.conversation_id = ? ORDER BY x.id"].concat(),
        [conversation],
        from_row,
    )
}

/// Turns the pictures of a stored body into URLs that show them for the rest of the day and the next, without a
/// session: the sandboxed frame that shows a mail has no cookies. The same all day, so that a frame need not reload.
pub fn with_signed_pictures(clean_html: &str, key: &[u8; 32], now: Timestamp) -> String {
    let day = now.millis() / DAY_MILLIS;
    let mut parts = clean_html.split("/api/v3/attachments/");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let guid = part.get(..32).filter(|guid| guid.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match guid.and_then(|guid| Some((guid, part[32..].strip_prefix("/content")?))) {
            Some((guid, rest)) => {
                out +=
                    &["/inline/", guid, "/", &day.to_string(), "/", &picture_signature(key, guid, day), rest]
                        .concat();
            }
            None => out += &["/api/v3/attachments/", part].concat(),
        }
    }
    out
}

/// The picture that a signed URL names, while it is valid; only what browsers show safely.
pub fn signed_picture(
    s: &Snapshot<'_>,
    key: &[u8; 32],
    guid: &str,
    day: i64,
    signature: &str,
    now: Timestamp,
) -> Result<Option<Attachment>> {
    let is_current = (0..=1).contains(&(now.millis() / DAY_MILLIS - day));
    let is_signed = secret::is_equal(picture_signature(key, guid, day).as_bytes(), signature.as_bytes());
    if !is_current || !is_signed {
        return Ok(None);
    }
    Ok(one(s, guid)?.filter(|file| file.is_available && is_safe_picture(&file.content_type)))
}

const DAY_MILLIS: i64 = 86_400_000;

fn picture_signature(key: &[u8; 32], guid: &str, day: i64) -> String {
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(format!("picture/{guid}/{day}").as_bytes());
    secret::hex(&mac.finalize().into_bytes())
}

/// The result of a virus scan: an unavailable file cannot be downloaded.
pub fn set_available(tx: &Tx<'_>, by: &Actor, guid: &str, is_available: bool) -> Result<Attachment> {
    let attachment = match one(tx, guid)?.filter(|file| file.is_pending) {
        // Whoever checks files may name any that waits.
        Some(waiting) if by.require(Permission::ManageIntegration).is_ok() => waiting,
        _ => manageable(tx, by, guid)?,
    };
    if attachment.is_pending {
        file_check::decide(tx, by, &attachment, is_available)?;
    } else {
        tx.run("UPDATE attachment SET is_available = ? WHERE id = ?", (is_available, attachment.id))?;
    }
    Ok(Attachment { is_available, is_pending: false, ..attachment })
}

pub fn delete(tx: &Tx<'_>, by: &Actor, guid: &str) -> Result<()> {
    let attachment = manageable(tx, by, guid)?;
    tx.run("DELETE FROM attachment WHERE id = ?", [attachment.id])?;
    attachment.conversation_id.map_or(Ok(()), |conversation| recount(tx, conversation))
}

/// The files that a mail carries beside those of a message.
pub fn of_outgoing(s: &Snapshot<'_>, mail: OutgoingMailId) -> Result<Vec<Attachment>> {
    s.all(
        &[
            "SELECT ",
            COLUMNS,
            " FROM outgoing_attachment o JOIN attachment x ON x.id = o.attachment_id WHERE o.outgoing_mail_id = ?
              ORDER BY x.id",
        ]
        .concat(),
        [mail],
        from_row,
    )
}

/// The files that a trigger sends.
pub fn of_trigger(s: &Snapshot<'_>, trigger: TriggerId) -> Result<Vec<Attachment>> {
    s.all(
        &[
            "SELECT ",
            COLUMNS,
            " FROM trigger_attachment t JOIN attachment x ON x.id = t.attachment_id WHERE t.trigger_id = ? ORDER BY x.id",
        ]
        .concat(),
        [trigger],
        from_row,
    )
}

/// Makes the caller's own uploads, and files that the trigger has already, the ones that it sends. `place` is what a
/// problem is called after.
pub fn keep_for_trigger(
    tx: &Tx<'_>,
    by: &Actor,
    trigger: TriggerId,
    guids: &[String],
    place: &str,
) -> Result<()> {
    let known = of_trigger(tx, trigger)?;
    tx.run("DELETE FROM trigger_attachment WHERE trigger_id = ?", [trigger])?;
    let mut size_bytes = 0;
    for (index, guid) in guids.iter().enumerate() {
        let file = match known.iter().find(|file| file.guid == *guid) {
            Some(file) => Some(file.clone()),
            None => get(tx, by, guid)?.filter(|file| file.conversation_id.is_none()),
        };
        let field = format!("{place}.attachments[{index}]");
        let file =
            file.ok_or_else(|| Error::invalid(field, format!("there is no upload '{guid}' of yours")))?;
        size_bytes += file.size_bytes;
        if LIMIT_BYTES < size_bytes {
            return Err(too_large(&file.file_name));
        }
        tx.run(
            "INSERT OR IGNORE INTO trigger_attachment (trigger_id, attachment_id) VALUES (?, ?)",
            (trigger, file.id),
        )?;
    }
    Ok(())
}

/// Gives a message files of its own that share the bytes of others, such as those of a trigger.
pub fn copy_to_message(
    tx: &Tx<'_>,
    by: &Actor,
    conversation: ConversationId,
    message: MessageId,
    files: &[Attachment],
) -> Result<()> {
    for file in files {
        tx.run(
            "INSERT INTO attachment (guid, blob_id, conversation_id, message_id, file_name, content_type, content_id,
               is_inline, size_bytes, is_available, uploaded_by_type, uploaded_by_id, created_at)
             SELECT ?1, blob_id, ?2, ?3, file_name, content_type, content_id, is_inline, size_bytes, is_available,
               ?4, ?5, ?6 FROM attachment WHERE id = ?7",
            (secret::random_guid()?, conversation, message, by.kind(), by.id(), tx.now(), file.id),
        )?;
    }
    Ok(())
}

/// Removes uploads that no draft or message took within a day.
pub fn sweep(tx: &Tx<'_>) -> Result<usize> {
    tx.run(
        "DELETE FROM attachment WHERE conversation_id IS NULL AND junk_email_id IS NULL AND created_at < ?
           AND NOT EXISTS (SELECT 1 FROM trigger_attachment t WHERE t.attachment_id = attachment.id)",
        [tx.now().minus(UNBOUND_LIFE)],
    )
}

fn manageable(tx: &Tx<'_>, by: &Actor, guid: &str) -> Result<Attachment> {
    let attachment = require(tx, by, guid)?;
    if let Some(conversation) = attachment.conversation_id {
        conversation::editable(tx, by, conversation)?;
    }
    Ok(attachment)
}

pub(super) fn one(s: &Snapshot<'_>, guid: &str) -> Result<Option<Attachment>> {
    s.one(&["SELECT ", COLUMNS, " FROM attachment x WHERE x.guid = ?"].concat(), [guid], from_row)
}

fn too_large(name: &str) -> Error {
    Error::TooLarge {
        what: format!("with '{name}' the conversation's attachments together"),
        limit_bytes: LIMIT_BYTES as u64,
    }
}

const COLUMNS: &str = "x.id, x.guid, x.blob_id, x.conversation_id, x.message_id, x.file_name, x.content_type,
    x.content_id, x.is_inline, x.size_bytes, x.is_available, x.is_pending";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Attachment> {
    Ok(Attachment {
        id: row.get(0)?,
        guid: row.get(1)?,
        blob_id: row.get(2)?,
        conversation_id: row.get(3)?,
        message_id: row.get(4)?,
        file_name: row.get(5)?,
        content_type: row.get(6)?,
        content_id: row.get(7)?,
        is_inline: row.get(8)?,
        size_bytes: row.get(9)?,
        is_available: row.get(10)?,
        is_pending: row.get(11)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_believed_only_when_name_and_bytes_agree() {
        assert_eq!(content_type("image/png", b"\x89PNG\r\n"), "image/png");
        assert_eq!(content_type("image/png", b"<svg onload=x>"), "application/octet-stream");
        assert_eq!(content_type("image/svg+xml; x", b"<svg>"), "image/svg+xml");
        assert_eq!(content_type("text/html\r\nX: y", b""), "application/octet-stream");
        assert_eq!(content_type("TEXT/CSV; charset=utf-8", b"a"), "text/csv");
    }

    #[test]
    fn file_names_lose_paths_and_direction_tricks() {
        assert_eq!(clean_file_name("../../etc/passwd"), "passwd");
        assert_eq!(clean_file_name("C:\\x\\invoice\u{202e}fdp.exe"), "invoicefdp.exe");
        assert_eq!(clean_file_name("...\n"), "file");
        assert_eq!(clean_file_name("発注書.pdf"), "発注書.pdf");
    }
}
