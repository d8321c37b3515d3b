//! Large values in chunks of 256 KiB: raw mail and attachments. A blob is written in several small transactions, so
//! that a big file does not hold the writer; it counts only once a row of another noun points at it.

use std::time::Duration;

use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::BlobId;

pub const CHUNK_BYTES: usize = 256 * 1024;

/// An empty blob.
pub fn create(tx: &Tx<'_>) -> Result<BlobId> {
    tx.insert("INSERT INTO blob (size_bytes, created_at) VALUES (0, ?)", [tx.now()]).map(BlobId)
}

/// Adds `data` at the end. Every append but the last must be a multiple of `CHUNK_BYTES`.
pub fn append(tx: &Tx<'_>, id: BlobId, data: &[u8]) -> Result<()> {
    let first = tx.number("SELECT count(*) FROM blob_chunk WHERE blob_id = ?", [id])?;
    for (seq, chunk) in (first..).zip(data.chunks(CHUNK_BYTES)) {
        tx.run("INSERT INTO blob_chunk (blob_id, seq, data) VALUES (?, ?, ?)", (id, seq, chunk))?;
    }
    tx.run("UPDATE blob SET size_bytes = size_bytes + ? WHERE id = ?", (data.len() as i64, id))?;
    Ok(())
}

/// The whole value.
pub fn read(s: &Snapshot<'_>, id: BlobId) -> Result<Vec<u8>> {
    let size = s
        .one("SELECT size_bytes FROM blob WHERE id = ?", [id], |row| row.get::<_, i64>(0))?
        .ok_or_else(|| Error::not_found("blob", id))?;
    let mut bytes = Vec::with_capacity(size as usize);
    for chunk in s.all("SELECT data FROM blob_chunk WHERE blob_id = ? ORDER BY seq", [id], |row| {
        row.get::<_, Vec<u8>>(0)
    })? {
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// One chunk; `None` past the end.
pub fn chunk(s: &Snapshot<'_>, id: BlobId, seq: i64) -> Result<Option<Vec<u8>>> {
    s.one("SELECT data FROM blob_chunk WHERE blob_id = ? AND seq = ?", (id, seq), |row| row.get(0))
}

/// Removes blobs that nothing has pointed at for a day; at most a few hundred a call.
pub fn sweep(tx: &Tx<'_>) -> Result<usize> {
    tx.run(
        "DELETE FROM blob WHERE id IN (
           SELECT b.id FROM blob b WHERE b.created_at < ?
             AND NOT EXISTS (SELECT 1 FROM attachment WHERE blob_id = b.id)
             AND NOT EXISTS (SELECT 1 FROM inbound_mail WHERE blob_id = b.id)
           LIMIT 200)",
        [tx.now().minus(Duration::from_secs(24 * 3600))],
    )
}
