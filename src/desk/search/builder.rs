//! The index of a new file, built on a thread of its own while the rows are written: it takes as long as they do.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::Document;
use crate::db::{self, Tx};
use crate::error::{Error, Result};
use crate::ids::ConversationId;
use crate::time::Clock;

/// Documents that wait for the builder.
const AHEAD: usize = 1024;

pub struct Builder {
    path: PathBuf,
    documents: SyncSender<Document>,
    thread: JoinHandle<Result<()>>,
    last: ConversationId,
}

impl Builder {
    /// `path` is where the index lies until it is finished; nothing may be there.
    pub fn start(tx: &Tx<'_>, path: &Path, clock: &Clock) -> Result<Self> {
        let table: Option<String> =
            tx.one("SELECT sql FROM sqlite_schema WHERE name = 'search'", [], |row| row.get(0))?;
        let table = table.ok_or_else(|| Error::internal("the schema has no table 'search'"))?;
        let (documents, arriving) = sync_channel(AHEAD);
        let (clock, place) = (clock.clone(), path.to_owned());
        let thread = std::thread::Builder::new()
            .name("search index".to_owned())
            .spawn(move || db::fill_beside(&place, &clock, |tx| build(tx, &table, &arriving)))?;
        Ok(Self { path: path.to_owned(), documents, thread, last: ConversationId(0) })
    }

    /// The document of the next conversation: ids must rise.
    pub fn add(&mut self, document: Document) {
        self.last = document.id;
        // A builder that gave up says why when it is finished.
        let _ = self.documents.send(document);
    }

    /// Adds the documents of all later conversations, and moves the index into the file. No transaction may be open.
    pub fn finish(mut self, tx: &Tx<'_>) -> Result<()> {
        let rest: Vec<ConversationId> = tx.all(
            "SELECT id FROM conversation WHERE ? < id AND is_deleted = 0 ORDER BY id",
            [self.last],
            |row| row.get(0),
        )?;
        for id in rest {
            if let Some(document) = Document::of(tx, id)? {
                self.add(document);
            }
        }
        drop(self.documents);
        self.thread.join().map_err(|_| Error::internal("the builder of the search index panicked"))??;
        let path = self.path.to_str().ok_or_else(|| Error::internal("the path of the index is not UTF-8"))?;
        tx.run("ATTACH ? AS built", [path])?;
        tx.batch(
            "BEGIN;
             DELETE FROM search_data; INSERT INTO search_data SELECT * FROM built.search_data;
             DELETE FROM search_idx; INSERT INTO search_idx SELECT * FROM built.search_idx;
             DELETE FROM search_docsize; INSERT INTO search_docsize SELECT * FROM built.search_docsize;
             COMMIT;
             DETACH built;",
        )?;
        std::fs::remove_file(&self.path)?;
        Ok(())
    }
}

fn build(tx: &Tx<'_>, table: &str, documents: &Receiver<Document>) -> Result<()> {
    tx.batch(table)?;
    // Few and large parts while everything is written at once: they are collected in memory, and merged at the end.
    tx.run("INSERT INTO search (search, rank) VALUES ('hashsize', 134217728), ('automerge', 0)", [])?;
    for document in documents {
        document.write(tx)?;
    }
    tx.run("INSERT INTO search (search) VALUES ('optimize')", [])?;
    Ok(())
}
