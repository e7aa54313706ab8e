//! Puts the house together and takes it down again. [`prepare`] opens store,
//! media node and listener; [`Prepared::open`] lets requests in;
//! [`Running::stop`] ends all of it in order.

mod keys;
mod listen;
mod split;
mod tls;

pub use listen::{cluster, mail, node};

use std::{
    fmt,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    time::Duration,
};

use axum_server::{
    Handle,
    accept::NoDelayAcceptor,
    tls_rustls::{RustlsAcceptor, RustlsConfig},
};
use bedside_app::{
    App, Clock, Random,
    ports::{Ports, calls::Calls},
};
use bedside_store::{MasterKey, Settings, Store};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::{
    config::Config,
    demo, doors,
    http::{Front, metrics::Metrics},
    jobs,
};

/// Why the server cannot start: one sentence that says what to do.
#[derive(Debug)]
pub struct StartError(pub String);

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

impl From<bedside_store::Error> for StartError {
    fn from(error: bedside_store::Error) -> Self {
        Self(listen::store_sentence(&error))
    }
}

/// What a test replaces: the clock, the randomness.
#[derive(Clone, Debug)]
pub struct Surroundings {
    pub clock: Clock,
    pub random: Random,
}

impl Default for Surroundings {
    fn default() -> Self {
        Self { clock: Clock::System, random: Random::system() }
    }
}

/// Everything is open except the door.
pub struct Prepared {
    pub app: App,
    /// The address the listener really has.
    pub addr: SocketAddr,
    /// Origin of the pages, without a trailing slash.
    pub base_url: String,
    config: Config,
    listener: TcpListener,
    tls: Option<RustlsConfig>,
}

/// Opens the store without serving, for command-line tools.
///
/// # Errors
/// The key file or the database cannot be used.
pub async fn open_app(config: &Config, surroundings: Surroundings) -> Result<App, StartError> {
    let (store, secrets) = open_store(config, &surroundings.clock).await?;
    let addr = config.server.listen;
    let ports = ports(config, Calls::off(), &secrets, addr)?;
    listen::app(config, store, ports, (addr, secrets.call), surroundings)
}

/// The store's settings and the folder of the files' contents, when they lie in
/// one, for tools that copy both.
///
/// # Errors
/// The setting of the files cannot be used.
pub fn places(config: &Config) -> Result<(Settings, Option<PathBuf>), StartError> {
    let folder = listen::files(config)?.folder().map(Path::to_owned);
    Ok((listen::store_settings(config, None), folder))
}

/// The master key, which must be there.
///
/// # Errors
/// The key cannot be used.
pub fn master_key(config: &Config) -> Result<MasterKey, StartError> {
    keys::load(&config.keys).map(|(key, _)| key)
}

/// What the house signs with.
struct Secrets {
    call: String,
    push: Vec<u8>,
}

fn ports(config: &Config, calls: Calls, secrets: &Secrets, addr: SocketAddr) -> Result<Ports, StartError> {
    let http = listen::http()?;
    let billing = config.billing_port().map_err(|error| StartError(error.0))?;
    Ok(Ports {
        billing,
        calls,
        files: listen::files(config)?,
        mail: listen::mail(config)?,
        sms: listen::sms(config, &http)?,
        push: listen::push(config, &secrets.push, addr, &http)?,
        http,
    })
}

async fn open_store(config: &Config, clock: &Clock) -> Result<(Store, Secrets), StartError> {
    let (master_key, master_key_file) = keys::load(&config.keys)?;
    listen::data_folder(config)?;
    let settings = Settings { master_key_file, ..listen::store_settings(config, Some(master_key)) };
    let store = Store::open(&settings).await?;
    let now = clock.now();
    let secrets =
        Secrets { call: keys::call_secret(&store, now).await?, push: keys::push_secret(&store, now).await? };
    Ok((store, secrets))
}

/// Opens store, media node and listener.
///
/// # Errors
/// A [`StartError`] for whatever is busy, missing, damaged or forbidden.
pub async fn prepare(config: Config, surroundings: Surroundings) -> Result<Prepared, StartError> {
    install_crypto();
    let listener = listen::bind(config.server.listen)?;
    let addr =
        listener.local_addr().map_err(|e| StartError(format!("Cannot tell the listener's address: {e}.")))?;
    let tls = match config.server.tls.files() {
        Some((cert, key)) => Some(tls::load(cert, key).await?),
        None => None,
    };
    let (store, secrets) = open_store(&config, &surroundings.clock).await?;
    store.lock_for_serving()?;
    let ports = ports(&config, listen::calls(&config, addr).await?, &secrets, addr)?;
    let app = listen::app(&config, store, ports, (addr, secrets.call), surroundings)?;
    Ok(Prepared { base_url: config.server.base_url(addr), app, addr, config, listener, tls })
}

/// Chooses the one TLS implementation; both rustls users in the tree need it.
pub fn install_crypto() {
    // An error only says that it is installed already.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

impl Prepared {
    /// Lets requests in. `stage` adds the demo's own routes.
    ///
    /// # Errors
    /// The listener cannot be handed to the runtime.
    pub fn open(self, stage: Option<demo::Stage>) -> Result<Running, StartError> {
        let Self { app, addr, base_url, config, listener, tls } = self;
        let start = u32::from_le_bytes(app.random.bytes());
        let https = tls.is_some() || config.server.is_public_over_https();
        let trusted = &config.server.trusted_proxies;
        let mut front = Front::new(trusted, https, Metrics::default(), start);
        front.answered = stage.as_ref().map(demo::Stage::answered);
        let stopping = front.stopping.clone();
        let router = doors::router(&app, &config, front, stage);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let handle = Handle::new();
        let failed = |e: std::io::Error| StartError(format!("Cannot serve on {addr}: {e}."));
        /// A connection that says nothing for this long is closed.
        const FIRST_REQUEST: Duration = Duration::from_secs(20);
        let serving = match tls {
            Some(tls) => {
                tokio::spawn(tls::reload_on_change(tls.clone(), config.server.tls.clone(), stopping.clone()));
                let acceptor = RustlsAcceptor::new(tls).acceptor(NoDelayAcceptor::new());
                let acceptor = split::Split::new(acceptor, listen::node(&app).cloned());
                let server = axum_server::from_tcp(listener).map_err(failed)?.acceptor(acceptor);
                let server = server.first_request_timeout(FIRST_REQUEST).handle(handle.clone());
                tokio::spawn(server.serve(service))
            }
            None => {
                let acceptor = NoDelayAcceptor::new();
                let server = axum_server::from_tcp(listener).map_err(failed)?.acceptor(acceptor);
                let server = server.first_request_timeout(FIRST_REQUEST).handle(handle.clone());
                tokio::spawn(server.serve(service))
            }
        };
        let jobs = jobs::start(app.clone(), stopping.clone());
        Ok(Running {
            app,
            addr,
            base_url,
            shutdown_s: config.server.shutdown_s,
            stopping,
            handle,
            serving,
            jobs,
        })
    }
}

/// Prepares and opens at once.
///
/// # Errors
/// As [`prepare`] and [`Prepared::open`].
pub async fn start(config: Config, surroundings: Surroundings) -> Result<Running, StartError> {
    prepare(config, surroundings).await?.open(None)
}

/// A server that answers requests.
pub struct Running {
    pub app: App,
    pub addr: SocketAddr,
    pub base_url: String,
    shutdown_s: u64,
    stopping: CancellationToken,
    handle: Handle<SocketAddr>,
    serving: JoinHandle<std::io::Result<()>>,
    jobs: JoinHandle<()>,
}

impl Running {
    /// Stops accepting, lets running requests finish, tells the peers of calls
    /// to come back, writes what is still in memory and closes the store.
    pub async fn stop(self) {
        let limit = Duration::from_secs(self.shutdown_s);
        let steps = async {
            self.handle.graceful_shutdown(Some(limit));
            // Event streams end here; everything else ends by itself.
            self.stopping.cancel();
            if let Some(node) = listen::node(&self.app) {
                node.drain().await;
            }
            if let Ok(Err(error)) = self.serving.await {
                tracing::warn!(%error, "the listener ended with an error");
            }
            if self.jobs.await.is_err() {
                tracing::warn!("the jobs ended with a panic");
            }
            listen::flush(&self.app).await;
        };
        if tokio::time::timeout(limit, steps).await.is_err() {
            tracing::warn!("stopped before everything had finished");
        }
        if let Some(node) = listen::node(&self.app) {
            node.stop().await;
        }
        // What is committed is safe; only folding the log in may be cut short.
        if tokio::time::timeout(CLOSE, self.app.store.close()).await.is_err() {
            tracing::warn!("the store took too long to close");
        }
    }
}

/// How long the store may take to close, beyond `server.shutdown_s`.
const CLOSE: Duration = Duration::from_secs(1);
