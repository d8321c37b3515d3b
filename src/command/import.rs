//! `anytime import`: old mail from an archive, taken over without side effects (`desk/intake/import.rs`). Each mail is a
//! transaction of its own, so that stopping it at any moment and starting again goes on where it was.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::config::Config;
use crate::db::{Db, Tx};
use crate::desk::blob;
use crate::desk::email_account::{self, EmailAccount};
use crate::desk::inbound_mail::{Decision, Outcome};
use crate::desk::intake::import::{self, Archived};
use crate::desk::intake::{self, Prepared};
use crate::error::{Error, Result};
use crate::ids::BlobId;
use crate::mail::archive::{Archive, Format};
use crate::mail::incoming;
use crate::server;
use crate::time::{Clock, Timestamp};

/// What is to be taken over.
pub struct Import<'a> {
    pub format: Format,
    pub path: &'a Path,
    /// The address of the account that the mail belonged to; `None` means the default account.
    pub account: Option<&'a str>,
    /// Only say what would happen.
    pub is_dry_run: bool,
}

/// What became of the mails of an archive.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub is_dry_run: bool,
    pub mails: usize,
    pub conversations: usize,
    pub messages: usize,
    /// Taken over by an earlier run.
    pub known: usize,
    /// Left out, by reason.
    pub left_out: BTreeMap<String, usize>,
    /// Mails that could not be read or written, with where they are; the first few.
    pub failures: Vec<String>,
    pub failed: usize,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
}

/// Larger mails are left out.
const LARGEST_BYTES: u64 = 64 << 20;
/// Up to here the bytes are written with their mail; more goes before, in pieces, so that a running server can write
/// meanwhile.
const PIECE_BYTES: usize = 4 * blob::CHUNK_BYTES;

/// Runs the import; works beside a running server. `progress` is told how many mails of how many are done.
pub fn run(config: &Config, wanted: &Import<'_>, mut progress: impl FnMut(usize, usize)) -> Result<Report> {
    let archive = Archive::open(wanted.format, wanted.path)
        .map_err(|error| Error::invalid("path", format!("'{}': {error}", wanted.path.display())))?;
    let db = server::open(config, Clock::System)?;
    let account = db.read(|s| match wanted.account {
        Some(email) => email_account::by_email(s, email)?
            .ok_or_else(|| Error::invalid("account", format!("'{email}' is not an enabled e-mail account"))),
        None => email_account::default(s)?
            .ok_or_else(|| Error::invalid("account", "is missing, and there is no default e-mail account")),
    })?;
    let mut report =
        Report { is_dry_run: wanted.is_dry_run, mails: archive.mails.len(), ..Report::default() };
    let mut seen = Seen::default();
    for (index, mail) in archive.mails.iter().enumerate() {
        progress(index, archive.mails.len());
        if LARGEST_BYTES < mail.size_bytes {
            *report.left_out.entry("it is larger than 64 MiB".to_owned()).or_default() += 1;
            continue;
        }
        let result = archive.read(mail).map_err(Error::from).and_then(|raw| match wanted.is_dry_run {
            true => seen.foresee(&db, &account, &raw),
            false => take_over(&db, &account, raw),
        });
        match result {
            Ok(None) => report.known += 1,
            Ok(Some(decision)) => {
                if matches!(decision.outcome, Outcome::Created | Outcome::Appended) {
                    report.first = report.first.into_iter().chain(mail.date).min();
                    report.last = report.last.into_iter().chain(mail.date).max();
                }
                report.count(decision);
            }
            Err(error @ (Error::StorageFull | Error::Unavailable(_))) => return Err(error),
            Err(error) => {
                report.failed += 1;
                if report.failures.len() < 20 {
                    report.failures.push(format!("{}: {}", archive.place(mail), super::describe(&error)));
                }
            }
        }
    }
    progress(archive.mails.len(), archive.mails.len());
    db.close();
    Ok(report)
}

impl Report {
    fn count(&mut self, decision: Decision) {
        match decision.outcome {
            Outcome::Created => {
                self.conversations += 1;
                self.messages += 1;
            }
            Outcome::Appended => self.messages += 1,
            _ => *self.left_out.entry(decision.reason).or_default() += 1,
        }
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (verb, made) = if self.is_dry_run { ("would become", "would be") } else { ("became", "were") };
        write!(f, "{} mails: {} {verb} messages of {} new", self.mails, self.messages, self.conversations)?;
        write!(f, " and of earlier conversations, {} {made} here already", self.known)?;
        if let (Some(first), Some(last)) = (self.first, self.last) {
            let day = |at: Timestamp| at.to_string().chars().take(10).collect::<String>();
            write!(f, "\nfrom {} to {}", day(first), day(last))?;
        }
        for (reason, count) in &self.left_out {
            write!(f, "\n{count} left out: {reason}")?;
        }
        if 0 < self.failed {
            write!(f, "\n{} failed:", self.failed)?;
            for failure in &self.failures {
                write!(f, "\n  {failure}")?;
            }
        }
        Ok(())
    }
}

fn prepare(raw: &[u8]) -> Result<Prepared> {
    intake::prepare(incoming::parse(raw))
}

fn take_over(db: &Db, account: &EmailAccount, raw: Vec<u8>) -> Result<Option<Decision>> {
    let sha256: [u8; 32] = Sha256::digest(&raw).into();
    if db.read(|s| import::is_known(s, account.id, &sha256))? {
        return Ok(None);
    }
    let mut prepared = prepare(&raw)?;
    let size_bytes = raw.len() as i64;
    let raw = Bytes::of(db, raw)?;
    let mut files = Vec::new();
    for (file, bytes) in std::mem::take(&mut prepared.files) {
        files.push((file, Bytes::of(db, bytes)?));
    }
    let account = account.clone();
    db.write(move |tx| {
        for (mut file, bytes) in files {
            file.blob_id = bytes.store(tx)?;
            prepared.files.push((file, Vec::new()));
        }
        let archived = Archived { sha256, blob_id: raw.store(tx)?, size_bytes };
        import::import(tx, &account, &archived, &prepared)
    })
}

/// A large value: in a blob already, or small enough to go with what refers to it.
enum Bytes {
    Stored(BlobId),
    Small(Vec<u8>),
}

impl Bytes {
    fn of(db: &Db, bytes: Vec<u8>) -> Result<Self> {
        if bytes.len() <= PIECE_BYTES {
            return Ok(Self::Small(bytes));
        }
        let id = db.write(blob::create)?;
        for piece in bytes.chunks(PIECE_BYTES) {
            let piece = piece.to_vec();
            db.write(move |tx| blob::append(tx, id, &piece))?;
        }
        Ok(Self::Stored(id))
    }

    fn store(self, tx: &Tx<'_>) -> Result<BlobId> {
        match self {
            Self::Stored(id) => Ok(id),
            Self::Small(bytes) => {
                let id = blob::create(tx)?;
                blob::append(tx, id, &bytes)?;
                Ok(id)
            }
        }
    }
}

/// What a dry run has come by so far, in place of rows.
#[derive(Default)]
struct Seen {
    bytes: HashSet<[u8; 32]>,
    contents: HashSet<[u8; 32]>,
    message_ids: HashSet<String>,
}

impl Seen {
    fn foresee(&mut self, db: &Db, account: &EmailAccount, raw: &[u8]) -> Result<Option<Decision>> {
        let sha256: [u8; 32] = Sha256::digest(raw).into();
        if !self.bytes.insert(sha256) || db.read(|s| import::is_known(s, account.id, &sha256))? {
            return Ok(None);
        }
        let prepared = prepare(raw)?;
        if let Some(decision) = db.read(|s| import::foresee(s, &prepared))? {
            return Ok(Some(decision));
        }
        if import::content_of(&prepared).is_some_and(|content| !self.contents.insert(content)) {
            return Ok(Some(Decision::without_message(Outcome::Ignored, import::COPY)));
        }
        let (own, answered) = import::thread_of(&prepared);
        let has_place = answered.iter().any(|id| self.message_ids.contains(*id))
            || db.read(|s| import::has_place(s, &prepared))?;
        self.message_ids.extend(own.map(str::to_owned));
        let outcome = if has_place { Outcome::Appended } else { Outcome::Created };
        Ok(Some(Decision::without_message(outcome, "")))
    }
}
