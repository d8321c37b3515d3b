//! Wiring: opens the data directory, binds the listener, starts jobs and HTTP, and stops them in order.

use std::fs::{File, TryLockError};
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};

use actix_web::body::{self, BodySize, BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::{
    App as Actix, HttpMessage, HttpRequest, HttpResponse, HttpServer, ResponseError, middleware, web,
};
use tracing_actix_web::TracingLogger;

use crate::app::{App, Outside};
use crate::config::{self, Config};
use crate::db::{Db, Hooks};
use crate::desk::search;
use crate::desk::secret::Vault;
use crate::desk::{kept_answer, outgoing_mail, site, webhook_delivery};
use crate::error::{Error, Result};
use crate::http::Client;
use crate::rules::text;
use crate::time::Clock;
use crate::web::{PageError, assets, csrf, limit, security};
use crate::{api, jobs, pages};

/// How long requests may take to finish after SIGTERM.
const SHUTDOWN_SECONDS: u64 = 5;
/// Requests larger than this are refused before they are read; uploads are the largest.
const PAYLOAD_BYTES: usize = 24 << 20;

/// A data directory that this process alone serves, until this is dropped.
pub struct DataDirectory {
    _lock: File,
}

impl DataDirectory {
    /// Creates the directory if need be, readable by its owner only, and locks it. `Conflict` when another process
    /// serves it: nothing in it was touched then.
    pub fn lock(path: &Path) -> Result<Self> {
        private_files();
        std::fs::create_dir_all(path).map_err(|error| named(path, &error))?;
        let lock_path = path.join("anytime.lock");
        let mut lock = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&lock_path)
            .map_err(|error| named(&lock_path, &error))?;
        match lock.try_lock() {
            Ok(()) => {
                lock.set_len(0)?;
                writeln!(lock, "{}", std::process::id())?;
                Ok(Self { _lock: lock })
            }
            Err(TryLockError::WouldBlock) => {
                let pid = std::fs::read_to_string(&lock_path).unwrap_or_default();
                Err(Error::Conflict(format!(
                    "another anytime (process {}) already serves '{}'",
                    pid.trim(),
                    path.display()
                )))
            }
            Err(TryLockError::Error(error)) => Err(named(&lock_path, &error)),
        }
    }
}

fn named(path: &Path, error: &std::io::Error) -> Error {
    Error::Unavailable(format!("'{}' cannot be used: {error}", path.display()))
}

/// What the desk has done to its file.
const HOOKS: Hooks = Hooks { prepare: text::register, before_commit: search::catch_up };

/// New files are for their owner only.
pub fn private_files() {
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
}

/// Opens the database of a data directory, making both when they are not there.
pub fn open(config: &Config, clock: Clock) -> Result<Db> {
    private_files();
    std::fs::create_dir_all(&config.data_dir).map_err(|error| named(&config.data_dir, &error))?;
    Db::open(&config.data_dir.join("anytime.db"), clock, HOOKS)
}

/// The key that opens stored mail passwords.
pub fn vault(config: &Config) -> Result<Vault> {
    let key = match config.secret_key {
        Some(key) => key,
        None => config::key_file(&config.data_dir)?,
    };
    Ok(Vault::new(key))
}

/// Everything that serves, ready to run.
pub struct Server {
    app: App,
    listener: TcpListener,
    address: SocketAddr,
    metrics: Option<TcpListener>,
    /// The token of the set-up page, while there is no agent.
    pub setup_token: Option<String>,
    _directory: DataDirectory,
}

impl Server {
    /// Locks the directory, opens the file and binds the address; nothing runs yet.
    pub fn bind(config: Config, clock: Clock) -> Result<Self> {
        let directory = DataDirectory::lock(&config.data_dir)?;
        let db = open(&config, clock)?;
        let vault = vault(&config)?;
        let listener = listen(config.listen)?;
        let metrics = config.metrics_listen.map(listen).transpose()?;
        let address = listener.local_addr()?;
        let base_url = config.base_url.clone().unwrap_or_else(|| format!("http://{address}"));
        let setup_token = db.write(|tx| {
            outgoing_mail::release_leases(tx)?;
            webhook_delivery::release_leases(tx)?;
            kept_answer::release(tx)?;
            site::offer_setup(tx)
        })?;
        let outside = Outside {
            http: Client::new(config.webhook_allow_private)?,
            render_payload: api::webhook_payload::payload,
        };
        Ok(Self {
            app: App::new(db, config, base_url, vault, outside),
            listener,
            address,
            metrics,
            setup_token,
            _directory: directory,
        })
    }

    pub fn app(&self) -> &App {
        &self.app
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where `/metrics` is, if it is to be read.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref().and_then(|listener| listener.local_addr().ok())
    }

    /// Serves until `stop` is ready, then ends streams and jobs, lets requests finish and closes the file.
    pub async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<()> {
        let app = self.app;
        let jobs = jobs::start(&app).await?;
        let stopping = app.stopping().clone();
        let serving = http(app.clone(), self.listener, async move {
            stop.await;
            stopping.cancel();
        });
        let giving_back = tokio::spawn(give_back_memory());
        let (result, measured) = tokio::join!(serving, measuring(app.clone(), self.metrics));
        giving_back.abort();
        measured?;
        app.stopping().cancel();
        jobs.stop().await;
        let db = app.db().clone();
        tokio::task::spawn_blocking(move || db.close()).await.map_err(Error::internal)?;
        result
    }
}

/// Gives free memory back to the system when the start is over, and then each minute: the allocator does so while it is
/// busy, so that an idle server would keep what its last peak took.
async fn give_back_memory() {
    let mut pause = Duration::from_secs(1);
    loop {
        tokio::time::sleep(pause).await;
        pause = Duration::from_secs(60);
        #[expect(unsafe_code, reason = "a foreign function without conditions")]
        unsafe {
            libmimalloc_sys::mi_collect(true);
        }
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address)
        .map_err(|error| Error::Unavailable(format!("cannot listen on {address}: {error}")))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Answers Prometheus until the application stops.
async fn measuring(app: App, listener: Option<TcpListener>) -> Result<()> {
    let Some(listener) = listener else { return Ok(()) };
    let data = web::Data::new(app.clone());
    let server =
        HttpServer::new(move || Actix::new().app_data(data.clone()).service(crate::web::metrics::metrics))
            .workers(1)
            .shutdown_timeout(1)
            .shutdown_signal(async move { app.stopping().cancelled().await })
            .listen(listener)?
            .run();
    server.await.map_err(Error::from)
}

async fn http(
    app: App,
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<()> {
    let requests = app.requests().clone();
    let data = web::Data::new(app);
    let spelling = web::Data::new(api::spelling());
    let server = HttpServer::new(move || {
        let (spelling, requests) = (spelling.clone(), requests.clone());
        Actix::new()
            .app_data(data.clone())
            .app_data(web::PayloadConfig::new(PAYLOAD_BYTES))
            .app_data(
                web::FormConfig::default()
                    .limit(3 << 20)
                    .error_handler(|error, _| PageError(Error::invalid("form", error.to_string())).into()),
            )
            .service(assets::serve)
            .service(
                web::scope("")
                    .wrap(from_fn(api::idempotency::once))
                    .wrap(from_fn(csrf::same_site))
                    .configure(pages::routes)
                    .configure(api::routes),
            )
            .default_service(web::to(nothing_here))
            .wrap(middleware::Compress::default())
            .wrap(from_fn(limit::api))
            .wrap(from_fn(security::headers))
            .wrap(TracingLogger::default())
            .wrap_fn(move |mut request, service| {
                spelling.apply(&mut request);
                alias(&mut request);
                let is_head = head_as_get(&mut request);
                let (requests, started) = (requests.clone(), Instant::now());
                let answer = service.call(request);
                async move {
                    let answer = answer.await.map(|answer| match is_head {
                        true => without_body(answer).map_into_left_body(),
                        false => answer.map_into_right_body(),
                    });
                    let status = match &answer {
                        Ok(answer) => answer.status(),
                        Err(error) => error.as_response_error().status_code(),
                    };
                    requests.count(started, status);
                    answer
                }
            })
    })
    .client_request_timeout(Duration::from_secs(10))
    .shutdown_timeout(SHUTDOWN_SECONDS)
    .shutdown_signal(stop)
    .listen(listener)?
    .run();
    server.await.map_err(Error::from)
}

async fn nothing_here(request: HttpRequest) -> HttpResponse {
    if api::is_below(request.path()) {
        return api::fallback(&request);
    }
    PageError(Error::not_found("page", request.path())).error_response()
}

/// HEAD of the API is answered as GET is; the connection knows that the body must not be sent.
fn head_as_get(request: &mut ServiceRequest) -> bool {
    let is_head = request.method() == Method::HEAD && api::is_below(request.path());
    if is_head {
        request.head_mut().method = Method::GET;
    }
    is_head
}

/// A stream has no end to wait for.
fn without_body<B: MessageBody + 'static>(answer: ServiceResponse<B>) -> ServiceResponse {
    answer.map_body(|_, body| match body.size() {
        BodySize::Stream => BoxBody::new(body::None::new()),
        _ => BoxBody::new(body),
    })
}

/// Marks requests that came by an alias of the API; see `api::unalias`.
fn alias(request: &mut ServiceRequest) {
    if let Some(path) = api::unalias(request.path()) {
        crate::web::path::rewrite(request, &path);
        request.extensions_mut().insert(api::Face::Anytime);
    }
}
