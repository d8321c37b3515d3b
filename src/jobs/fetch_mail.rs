//! Fetches mail from POP3 accounts. Raw first: a mail is deleted on the server only after its bytes are committed in
//! the ledger, and only QUIT's answer makes that final; a session ends every few dozen mails, so that progress is
//! final there, too. An account that fails backs off and stops no other.

use std::collections::HashSet;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::process_mail::process_waiting;
use crate::app::App;
use crate::desk::email_account::{self, EmailAccount, Security};
use crate::desk::inbound_mail;
use crate::error::{Error, Result};
use crate::ids::EmailAccountId;
use crate::mail::pop3::{self, Limits, Listing, Pop3Error, Session};

/// Mails fetched in one session.
const PER_SESSION: usize = 40;
/// Largest mail that is fetched, in bytes.
const MAIL_BYTES: u64 = 50 << 20;

/// How a fetch went.
#[derive(Debug, Default, Clone)]
pub struct Fetched {
    /// Mails that are new in the ledger.
    pub count: usize,
    pub error: Option<String>,
}

/// Fetches from every account that is due, at the same time.
pub async fn run(app: &App) -> Result<()> {
    let due = app.read(|s| email_account::due(s, app.now()))?;
    futures_util::future::join_all(due.into_iter().map(|id| fetch_account(app, id))).await;
    Ok(())
}

/// Fetches everything an account's mailbox has, and writes down how it went.
pub async fn fetch_account(app: &App, id: EmailAccountId) -> Fetched {
    let Some(_busy) = Busy::begin(app, id) else {
        return Fetched { count: 0, error: Some("this account is being checked already".to_owned()) };
    };
    let mut fetched = Fetched::default();
    let result = fetch(app, id, &mut fetched.count).await;
    fetched.error = result.err().map(|error| super::describe(&error));
    let error = fetched.error.clone();
    if let Some(error) = &error {
        tracing::warn!(email_account.id = id.0, error, "an e-mail account could not be checked");
    }
    if let Err(error) = app.write(move |tx| email_account::record_check(tx, id, error.as_deref())).await {
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
    let account = app.read(|s| email_account::require(s, id))?;
    let server = server(app, &account)?;
    loop {
        let is_done = fetch_some(app, &account, &server, count).await?;
        if is_done || app.stopping().is_cancelled() {
            return Ok(());
        }
    }
}

/// Where and how to sign in; an error that an administrator can act on when something is missing.
pub fn server(app: &App, account: &EmailAccount) -> Result<pop3::Server> {
    let passwords = app.read(|s| email_account::passwords(s, app.vault(), account.id))?;
    let password = match (passwords.pop3, account.has_pop3_password) {
        (Some(password), _) => password,
        (None, true) => {
            return Err(Error::Unavailable(
                "the stored POP3 password cannot be opened with this key; enter it again".to_owned(),
            ));
        }
        (None, false) => String::new(),
    };
    if account.pop3_server.is_empty() {
        return Err(Error::Unavailable("the account has no POP3 server".to_owned()));
    }
    Ok(pop3::Server {
        host: account.pop3_server.clone(),
        port: account.pop3_port,
        security: security(account.pop3_security),
        user_name: account.pop3_user_name.clone(),
        password,
        accept_invalid_certs: account.tls_accept_invalid_certs,
    })
}

pub(super) fn security(stored: Security) -> pop3::Security {
    match stored {
        Security::None => pop3::Security::None,
        Security::Ssl => pop3::Security::Tls,
        Security::StartTls => pop3::Security::StartTls,
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
async fn fetch_some(
    app: &App,
    account: &EmailAccount,
    server: &pop3::Server,
    count: &mut usize,
) -> Result<bool> {
    let limits = Limits { message_bytes: MAIL_BYTES, ..Limits::default() };
    let mut session = pop3::connect(server, limits).await.map_err(unavailable)?;
    let mut gone = Vec::new();
    let mut handled = 0;
    let mut is_done = true;
    let mut refused = None;
    for listing in session.list().await.map_err(unavailable)? {
        let step = step(app, account, &listing)?;
        if account.leave_copy_on_server && !matches!(step, Step::New) || matches!(step, Step::Left) {
            continue;
        }
        if PER_SESSION <= handled || app.stopping().is_cancelled() {
            is_done = false;
            break;
        }
        handled += 1;
        match one(app, account, &mut session, &listing, step, &mut gone).await {
            Ok(is_new) => *count += usize::from(is_new),
            // One bad message stops neither the others nor the session.
            Err(Failure::Mail(text)) => refused = Some(text),
            Err(Failure::Session(error)) => {
                finish(app, account, session, gone).await.ok();
                return Err(error);
            }
        }
    }
    finish(app, account, session, gone).await?;
    process_waiting(app).await?;
    match refused {
        Some(text) if is_done => Err(Error::Unavailable(text)),
        _ => Ok(is_done),
    }
}

enum Failure {
    /// The server refuses this one mail.
    Mail(String),
    Session(Error),
}

fn step(app: &App, account: &EmailAccount, listing: &Listing) -> Result<Step> {
    let Some(uidl) = &listing.uidl else { return Ok(Step::New) };
    Ok(match app.read(|s| inbound_mail::known(s, account.id, uidl))? {
        Some((_, true)) => Step::Known(uidl.clone()),
        Some((_, false)) => Step::Left,
        None => Step::New,
    })
}

/// Brings one mail into the ledger, if it is not there, and marks it deleted on the server, if it is. Tells whether it
/// was new.
async fn one(
    app: &App,
    account: &EmailAccount,
    session: &mut Session,
    listing: &Listing,
    step: Step,
    gone: &mut Vec<String>,
) -> Result<bool, Failure> {
    let (uidl, is_new) = match step {
        Step::Known(uidl) => (uidl, false),
        Step::Left => return Ok(false),
        Step::New => match store(app, account, session, listing).await? {
            Some(stored) => stored,
            None => return Ok(true),
        },
    };
    if !account.leave_copy_on_server {
        session.delete(listing.number).await.map_err(failure)?;
        gone.push(uidl);
    }
    Ok(is_new)
}

/// Fetches and commits the bytes. `None` when the mail is too large and stays where it is.
async fn store(
    app: &App,
    account: &EmailAccount,
    session: &mut Session,
    listing: &Listing,
) -> Result<Option<(String, bool)>, Failure> {
    let id = account.id;
    let size = listing.size_bytes;
    if MAIL_BYTES < size
        && let Some(uidl) = listing.uidl.clone()
    {
        let entry = move |tx: &crate::db::Tx<'_>| inbound_mail::store_too_large(tx, id, &uidl, size as i64);
        app.write(entry).await.map_err(Failure::Session)?;
        return Ok(None);
    }
    let raw = session.retrieve(listing.number).await;
    let raw = match (raw, &listing.uidl) {
        (Err(Pop3Error::TooLarge { .. }), Some(uidl)) => {
            // The server said a smaller size than it sent. Written down, so that the next session passes over it.
            let uidl = uidl.clone();
            let entry = move |tx: &crate::db::Tx<'_>| {
                inbound_mail::store_too_large(tx, id, &uidl, MAIL_BYTES as i64 + 1)
            };
            app.write(entry).await.map_err(Failure::Session)?;
            return Err(Failure::Session(Error::Unavailable(
                "a mail was larger than what is fetched".to_owned(),
            )));
        }
        (raw, _) => raw.map_err(failure)?,
    };
    let sha256: [u8; 32] = Sha256::digest(&raw).into();
    // A server without names for its mails: the bytes are the name.
    let uidl =
        listing.uidl.clone().unwrap_or_else(|| ["sha256:", &crate::desk::secret::hex(&sha256)].concat());
    let known = app.read(|s| inbound_mail::known(s, id, &uidl)).map_err(Failure::Session)?;
    if known.is_none() {
        let size = raw.len() as i64;
        let blob = app.store_blob(raw).await.map_err(Failure::Session)?;
        let name = uidl.clone();
        app.write(move |tx| inbound_mail::store(tx, id, &name, blob, &sha256, size))
            .await
            .map_err(Failure::Session)?;
    }
    Ok(Some((uidl, known.is_none())))
}

/// QUIT: only now does the server delete. What it confirmed is written down.
async fn finish(app: &App, account: &EmailAccount, session: Session, gone: Vec<String>) -> Result<()> {
    if !session.is_usable() {
        return Ok(());
    }
    session.quit().await.map_err(unavailable)?;
    if gone.is_empty() {
        return Ok(());
    }
    let id = account.id;
    app.write(move |tx| inbound_mail::mark_deleted_on_server(tx, id, &gone)).await
}

fn failure(error: Pop3Error) -> Failure {
    if error.is_session_usable() {
        Failure::Mail(error.to_string())
    } else {
        Failure::Session(unavailable(error))
    }
}

fn unavailable(error: Pop3Error) -> Error {
    Error::Unavailable(error.to_string())
}
