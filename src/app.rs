//! The application's handle: everything that requests and jobs share. Cloning it is cheap.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::AtomicI64;
use std::sync::{Arc, Mutex};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web};
use tokio::sync::{Notify, Semaphore, broadcast};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::db::{Db, Snapshot, Tx};
use crate::desk::secret::Vault;
use crate::desk::{blob, webhook_delivery};
use crate::error::{Error, Result};
use crate::http::Client;
use crate::http::oauth::Kept;
use crate::ids::{AgentId, BlobId, ConversationId, EmailAccountId, EventId};
use crate::time::Timestamp;
use crate::web::limit::Limiter;
use crate::web::metrics::Requests;

#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    db: Db,
    config: Config,
    base_url: String,
    vault: Vault,
    outside: Outside,
    live: broadcast::Sender<LiveEvent>,
    scans: Semaphore,
    hashes: Semaphore,
    stopping: CancellationToken,
    fetch_now: Notify,
    limiter: Limiter,
    requests: Requests,
    work: Work,
}

/// How other programs are spoken to.
pub struct Outside {
    pub http: Client,
    /// Knows the contract's spelling, which jobs do not.
    pub render_payload: webhook_delivery::Render,
}

/// What running jobs keep in memory.
#[derive(Default)]
pub struct Work {
    /// Accounts with an open session: a second one would only be refused.
    pub fetching: Mutex<HashSet<EmailAccountId>>,
    /// Access tokens for accounts that sign in by OAuth 2.0. Each has a lock of its own, so that a provider that does
    /// not answer holds up no other account.
    pub tokens: Mutex<HashMap<EmailAccountId, Arc<tokio::sync::Mutex<Option<Kept>>>>>,
    /// Agents who are at a provider's page to let us into a mailbox, by the state they will come back with.
    pub authorising: Mutex<HashMap<String, Authorising>>,
    /// Providers that want to be left alone for a while, by account.
    pub throttled: Mutex<HashMap<EmailAccountId, Timestamp>>,
    /// Held while mail is processed: one at a time, so that the order of mails is kept.
    pub processing: tokio::sync::Mutex<()>,
    /// Held while a job runs, by its name: none overlaps itself.
    pub jobs: Mutex<HashMap<&'static str, Arc<tokio::sync::Mutex<()>>>>,
    /// The last event that live pages were told of.
    pub told: AtomicI64,
}

/// Somebody went to a provider's page to let us into a mailbox.
pub struct Authorising {
    pub email_account_id: EmailAccountId,
    pub agent_id: AgentId,
    /// Proves to the provider that who began also ends it (PKCE).
    pub verifier: String,
    pub ends_at: Timestamp,
}

/// What open pages are told: something happened to a conversation.
#[derive(Debug, Clone)]
pub struct LiveEvent {
    pub id: EventId,
    pub conversation_id: ConversationId,
    pub kind: String,
}

/// Password hashes computed at a time: each takes 19 MiB.
const HASHES: usize = 2;
/// Long reads at a time; more wait.
const SCANS: usize = 2;
/// Blobs are written in pieces of this size, each its own transaction.
const PIECE_BYTES: usize = 4 * blob::CHUNK_BYTES;

impl App {
    pub fn new(db: Db, config: Config, base_url: String, vault: Vault, outside: Outside) -> Self {
        let limiter = Limiter::new(config.rate_limit);
        Self(Arc::new(Inner {
            db,
            config,
            base_url,
            vault,
            outside,
            live: broadcast::Sender::new(1024),
            scans: Semaphore::new(SCANS),
            hashes: Semaphore::new(HASHES),
            stopping: CancellationToken::new(),
            fetch_now: Notify::new(),
            limiter,
            requests: Requests::default(),
            work: Work::default(),
        }))
    }

    pub fn db(&self) -> &Db {
        &self.0.db
    }

    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// Where people reach the site, without a slash at the end. Never taken from a request.
    pub fn base_url(&self) -> &str {
        &self.0.base_url
    }

    pub fn vault(&self) -> &Vault {
        &self.0.vault
    }

    /// For URLs that people typed.
    pub fn http(&self) -> &Client {
        &self.0.outside.http
    }

    /// Makes the payloads of webhooks.
    pub fn render_payload(&self) -> webhook_delivery::Render {
        self.0.outside.render_payload
    }

    pub fn live(&self) -> &broadcast::Sender<LiveEvent> {
        &self.0.live
    }

    /// Ends live streams and jobs when the server stops.
    pub fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }

    /// Wakes the job that fetches mail.
    pub fn fetch_now(&self) -> &Notify {
        &self.0.fetch_now
    }

    pub fn work(&self) -> &Work {
        &self.0.work
    }

    pub fn limiter(&self) -> &Limiter {
        &self.0.limiter
    }

    /// Counts what is answered, for `/metrics`.
    pub fn requests(&self) -> &Requests {
        &self.0.requests
    }

    pub fn now(&self) -> Timestamp {
        self.0.db.clock().now()
    }

    /// A short, indexed read, on the calling thread.
    pub fn read<T>(&self, f: impl FnOnce(&Snapshot<'_>) -> Result<T>) -> Result<T> {
        self.0.db.read(f)
    }

    /// A read that may take long: on a thread and a connection of its own, a few at a time, stopped after a deadline.
    pub async fn scan<T, F>(&self, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Snapshot<'_>) -> Result<T> + Send + 'static,
    {
        let _permit = self.0.scans.acquire().await.map_err(Error::internal)?;
        let (db, span) = (self.0.db.clone(), tracing::Span::current());
        tokio::task::spawn_blocking(move || span.in_scope(|| db.scan(f))).await.map_err(Error::internal)?
    }

    /// A change: returns once it is on the disk.
    pub async fn write<T, F>(&self, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.0.db.write_async(f).await
    }

    /// Work that needs a processor for long, such as a password hash or cleaning HTML, off the async threads.
    pub async fn compute<T, F>(&self, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let _permit = self.0.hashes.acquire().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(f).await.map_err(Error::internal)
    }

    /// Stores bytes in small transactions, so that others can write in between. Nothing points at the blob yet.
    pub async fn store_blob(&self, bytes: Vec<u8>) -> Result<BlobId> {
        let id = self.write(blob::create).await?;
        for piece in bytes.chunks(PIECE_BYTES).map(<[u8]>::to_vec) {
            self.write(move |tx| blob::append(tx, id, &piece)).await?;
        }
        Ok(id)
    }
}

impl FromRequest for App {
    type Error = actix_web::Error;
    type Future = std::future::Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let app = request.app_data::<web::Data<App>>().map(|app| app.get_ref().clone());
        std::future::ready(app.ok_or_else(|| actix_web::error::ErrorInternalServerError("no application")))
    }
}
