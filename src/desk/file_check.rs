//! Whether an uploaded file is fine. While a webhook for FileUploaded is enabled, a new file waits for its word, or for
//! that of an agent who manages integrations (contract 9, 10.3): until then nobody can download it, and mail that
//! carries it waits as well.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::attachment::{self, Attachment};
use super::event::{self, Change};
use super::{Actor, Permission, secret, site, webhook_delivery};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};

/// Makes a new file wait, if anybody is to be asked about it.
pub(super) fn begin(tx: &Tx<'_>, guid: &str) -> Result<()> {
    if webhook_delivery::ask_about_upload(tx, guid)? {
        tx.run("UPDATE attachment SET is_available = 0, is_pending = 1 WHERE guid = ?", [guid])?;
    }
    Ok(())
}

/// The file is fine. Nothing happens to one that no longer waits.
pub(super) fn pass(tx: &Tx<'_>, guid: &str) -> Result<()> {
    tx.run(
        "UPDATE attachment SET is_available = 1, is_pending = 0 WHERE guid = ? AND is_pending = 1",
        [guid],
    )?;
    Ok(())
}

/// The file is not fine: it goes, and its conversation says so.
pub(super) fn fail(tx: &Tx<'_>, guid: &str) -> Result<()> {
    let Some(file) = attachment::one(tx, guid)?.filter(|file| file.is_pending) else { return Ok(()) };
    tx.run("DELETE FROM attachment WHERE id = ?", [file.id])?;
    let Some(conversation) = file.conversation_id else { return Ok(()) };
    attachment::recount(tx, conversation)?;
    if let Some(message) = file.message_id {
        let remark = format!("the file '{}' did not pass its check and was deleted", file.file_name);
        event::record(tx, &Actor::System, conversation, Change::Remarked { message, remark })?;
    }
    Ok(())
}

/// The same by an agent's word; `is_available` false keeps the file and closes it. Its own uploader may not judge a
/// file that waits.
pub(super) fn decide(tx: &Tx<'_>, by: &Actor, file: &Attachment, is_available: bool) -> Result<()> {
    by.require(Permission::ManageIntegration)
        .map_err(|_| Error::may_not("decide about files that wait for their check"))?;
    tx.run("UPDATE attachment SET is_available = ?, is_pending = 0 WHERE id = ?", (is_available, file.id))?;
    Ok(())
}

/// By which whoever checks the file may fetch it, without a sign-in, as long as it waits.
pub fn signature(s: &Snapshot<'_>, guid: &str) -> Result<String> {
    let key = site::picture_key(s)?;
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).expect("HMAC takes keys of any length");
    mac.update(["check/", guid].concat().as_bytes());
    Ok(secret::hex(&mac.finalize().into_bytes()))
}

/// The file that waits. `Unauthenticated` unless the signature is right, `NotFound` once it was decided.
pub fn waiting(s: &Snapshot<'_>, guid: &str, signed: &str) -> Result<Attachment> {
    if !secret::is_equal(signature(s, guid)?.as_bytes(), signed.as_bytes()) {
        return Err(Error::Unauthenticated);
    }
    attachment::one(s, guid)?
        .filter(|file| file.is_pending)
        .ok_or_else(|| Error::not_found("attachment that waits for its check", guid))
}
