//! Fetches mail from accounts of every kind. Raw first: a mail is let go on the server only after its bytes are committed
//! in the ledger, and only the end of the session makes that final; a session ends every few dozen mails, so that
//! progress is final there, too. An account that fails backs off and stops no other.

use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::credential;
use super::postbox::{self, Afterwards, MAIL_BYTES, Offer, Postbox, Trouble};
use super::process_mail::process_waiting;
use crate::app::App;
use crate::desk::email_account::{self, EmailAccount, Failure};
use crate::desk::inbound_mail;
use crate::error::{Error, Result};
use crate::ids::EmailAccountId;

/// Mails fetched in one session.
const PER_SESSION: usize = 40;

/// How a fetch went.
#[derive(Debug, Default, Clone)]
pub struct Fetched {
    /// Mails that are new in the ledger.
    pub count: usize,
    pub error: Option<String>,
}

/// As long one run waits for its accounts; who takes longer goes on beside the next.
const RUN: Duration = Duration::from_secs(2);

/// Fetches from every account that is due, at the same time. A server that takes its time holds up no other account.
pub async fn run(app: &App) -> Result<()> {
    let due = app.read(|s| email_account::due(s, app.now()))?;
    let fetching = due.into_iter().map(|id| {
        let app = app.clone();
        tokio::spawn(async move { fetch_account(&app, id).await })
    });
    let _ = tokio::time::timeout(RUN, futures_util::future::join_all(fetching)).await;
    Ok(())
}

/// Fetches everything an account's mailbox has, and writes down how it went.
pub async fn fetch_account(app: &App, id: EmailAccountId) -> Fetched {
    let Some(_busy) = Busy::begin(app, id) else {
        return Fetched { count: 0, error: Some("this account is being checked already".to_owned()) };
    };
    let mut fetched = Fetched::default();
    let result = fetch(app, id, &mut fetched.count).await;
    let failure = result.err().map(|error| Failure {
        text: super::describe(&error),
        is_refusal: matches!(error, Error::SignInRefused(_)),
    });
    if let Some(Failure { text, .. }) = &failure {
        tracing::warn!(email_account.id = id.0, error = text, "an e-mail account could not be checked");
    }
    fetched.error = failure.as_ref().map(|failure| failure.text.clone());
    let account = app.read(|s| email_account::get(s, id)).ok().flatten();
    let not_before = account.and_then(|account| postbox::throttled(app, &account));
    let record = app.write(move |tx| email_account::record_check(tx, id, failure.as_ref(), not_before)).await;
    if let Err(error) = record {
        tracing::warn!(%error, "the health of an e-mail account could not be written down");
    }
    fetched
}

/// How long a check on demand waits for one that is running, and how often it looks.
const TURN: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(50);

/// The same, once a fetch of the account that is running already has ended.
pub async fn fetch_account_in_turn(app: &App, id: EmailAccountId) -> Fetched {
    let is_free = async {
        while accounts(app).contains(&id) {
            tokio::time::sleep(LOOK).await;
        }
    };
    // After that the answer says that the account is busy.
    let _ = tokio::time::timeout(TURN, is_free).await;
    fetch_account(app, id).await
}

/// Marks an account as being fetched until it is dropped, also by a panic.
struct Busy<'a>(&'a App, EmailAccountId);

impl<'a> Busy<'a> {
    fn begin(app: &'a App, id: EmailAccountId) -> Option<Self> {
        // The lock is given back before there is a `Busy`, whose end takes it again.
        let is_free = accounts(app).insert(id);
        is_free.then(|| Self(app, id))
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        accounts(self.0).remove(&self.1);
    }
}

fn accounts(app: &App) -> MutexGuard<'_, HashSet<EmailAccountId>> {
    app.work().fetching.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn fetch(app: &App, id: EmailAccountId, count: &mut usize) -> Result<()> {
    loop {
        let account = app.read(|s| email_account::require(s, id))?;
        match fetch_some(app, &account, count).await {
            Ok(is_done) if is_done || app.stopping().is_cancelled() => return Ok(()),
            Ok(_) => {}
            Err(error) => {
                // It may have been the token: the next attempt gets another.
                credential::forget(app, id).await;
                return Err(error);
            }
        }
    }
}

/// What to do with one mail of the listing.
enum Step {
    /// In the ledger with its bytes: it may go from the server.
    Known(String),
    /// In the ledger as left on the server.
    Left,
    New,
}

/// One session: up to `PER_SESSION` mails. Tells whether the mailbox has no more for us.
async fn fetch_some(app: &App, account: &EmailAccount, count: &mut usize) -> Result<bool> {
    let afterwards = Afterwards::of(account);
    let stays = afterwards == Afterwards::Stay;
    let mut session = Session { postbox: Postbox::open(app, account).await?, app, account, afterwards };
    crate::failpoint!("K1");
    let (mut gone, mut handled, mut is_done) = (Vec::new(), 0, true);
    let (mut refused, mut cursor) = (None, None);
    let known = if stays { account.fetch_cursor.as_str() } else { "" };
    let offers = session.postbox.list(app, account, known).await?;
    crate::failpoint!("K2");
    for offer in offers {
        let step = session.step(&offer)?;
        let is_passed_over = stays && !matches!(step, Step::New) || matches!(step, Step::Left);
        if !is_passed_over {
            if PER_SESSION <= handled || app.stopping().is_cancelled() {
                is_done = false;
                break;
            }
            handled += 1;
            match session.take(&offer, step).await {
                Ok((is_new, name)) => {
                    *count += usize::from(is_new);
                    gone.extend(name);
                }
                // One bad message stops neither the others nor the session.
                Err(Trouble::Mail(text)) => refused = Some(text),
                Err(Trouble::TooLarge) => {
                    let error = Error::Unavailable("a mail was larger than what is fetched".to_owned());
                    session.finish(gone, cursor).await.ok();
                    return Err(error);
                }
                Err(Trouble::Session(error)) => {
                    session.finish(gone, cursor).await.ok();
                    return Err(error);
                }
            }
        }
        // What was refused is asked for again.
        if stays && refused.is_none() {
            cursor = offer.cursor;
        }
    }
    session.finish(gone, cursor).await?;
    process_waiting(app).await?;
    match refused {
        Some(text) if is_done => Err(Error::Unavailable(text)),
        _ => Ok(is_done),
    }
}

/// An open mailbox and whose it is.
struct Session<'a> {
    app: &'a App,
    account: &'a EmailAccount,
    postbox: Postbox,
    afterwards: Afterwards,
}

impl Session<'_> {
    fn step(&self, offer: &Offer) -> Result<Step> {
        let Some(name) = &offer.name else { return Ok(Step::New) };
        Ok(match self.app.read(|s| inbound_mail::known(s, self.account.id, name))? {
            Some((_, true)) => Step::Known(name.clone()),
            Some((_, false)) => Step::Left,
            None => Step::New,
        })
    }

    /// Brings one mail into the ledger, if it is not there, and lets it go on the server, if it is. Tells whether it was
    /// new, and its name if it will be gone.
    async fn take(&mut self, offer: &Offer, step: Step) -> Result<(bool, Option<String>), Trouble> {
        let (name, is_new) = match step {
            Step::Known(name) => (name, false),
            Step::Left => return Ok((false, None)),
            Step::New => match self.store(offer).await? {
                Stored::Here(name, is_new) => (name, is_new),
                Stored::Left => return Ok((true, None)),
                Stored::Gone => return Ok((false, None)),
            },
        };
        self.postbox.let_go(self.app, self.account, offer, &self.afterwards).await?;
        crate::failpoint!("K8");
        Ok((is_new, (self.afterwards != Afterwards::Stay).then_some(name)))
    }

    /// Fetches and commits the bytes.
    async fn store(&mut self, offer: &Offer) -> Result<Stored, Trouble> {
        let (app, id) = (self.app, self.account.id);
        if MAIL_BYTES < offer.size_bytes && offer.name.is_some() {
            self.leave(offer, offer.size_bytes).await?;
            return Ok(Stored::Left);
        }
        let raw = match self.postbox.retrieve(app, self.account, offer).await {
            Ok(Some(raw)) => raw,
            Ok(None) => return Ok(Stored::Gone),
            // The server said a smaller size than it sent. Written down, so that the next session passes over it.
            Err(Trouble::TooLarge) if offer.name.is_some() => {
                self.leave(offer, MAIL_BYTES + 1).await?;
                return match self.postbox.is_usable() {
                    true => Ok(Stored::Left),
                    false => Err(Trouble::TooLarge),
                };
            }
            Err(trouble) => return Err(trouble),
        };
        crate::failpoint!("K4");
        let sha256: [u8; 32] = Sha256::digest(&raw).into();
        // A server without names for its mails: the bytes are the name.
        let name = offer.name.clone();
        let name = name.unwrap_or_else(|| ["sha256:", &crate::desk::secret::hex(&sha256)].concat());
        let known = app.read(|s| inbound_mail::known(s, id, &name)).map_err(Trouble::Session)?;
        if known.is_none() {
            let size = raw.len() as i64;
            let blob = app.store_blob(raw).await.map_err(Trouble::Session)?;
            let entry = name.clone();
            let store = move |tx: &crate::db::Tx<'_>| {
                let row = inbound_mail::store(tx, id, &entry, blob, &sha256, size)?;
                crate::failpoint!("K5");
                Ok(row)
            };
            app.write(store).await.map_err(Trouble::Session)?;
            crate::failpoint!("K6");
        }
        Ok(Stored::Here(name, known.is_none()))
    }

    /// Writes down that a mail is too large and stays where it is.
    async fn leave(&self, offer: &Offer, size_bytes: u64) -> Result<(), Trouble> {
        let (id, Some(name)) = (self.account.id, offer.name.clone()) else { return Ok(()) };
        let entry =
            move |tx: &crate::db::Tx<'_>| inbound_mail::store_too_large(tx, id, &name, size_bytes as i64);
        self.app.write(entry).await.map_err(Trouble::Session)
    }

    /// Ends the session: only now does the server let go. What it confirmed is written down.
    async fn finish(self, gone: Vec<String>, cursor: Option<String>) -> Result<()> {
        let id = self.account.id;
        if !self.postbox.is_usable() {
            return Ok(());
        }
        self.postbox.close(&self.afterwards).await?;
        crate::failpoint!("K10");
        let cursor = cursor.filter(|cursor| *cursor != self.account.fetch_cursor);
        if gone.is_empty() && cursor.is_none() {
            return Ok(());
        }
        let record = move |tx: &crate::db::Tx<'_>| {
            inbound_mail::mark_deleted_on_server(tx, id, &gone)?;
            cursor.map_or(Ok(()), |cursor| email_account::keep_cursor(tx, id, &cursor))
        };
        self.app.write(record).await
    }
}

/// Where a mail is now.
enum Stored {
    /// In the ledger under this name, and whether it is new there.
    Here(String, bool),
    /// On the server, being too large.
    Left,
    /// Nowhere: somebody was faster.
    Gone,
}
