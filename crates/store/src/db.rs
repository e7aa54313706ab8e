//! The store: opening it, changing it, reading it.

use std::{
    collections::HashMap,
    future::Future,
    path::PathBuf,
    pin::Pin,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use bedside_model::AccountId;
use sqlx::{
    ConnectOptions, Connection, PgPool, SqliteConnection, SqlitePool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::{Semaphore, oneshot, watch};

use crate::{
    Conn, Error, MasterKey, Result, Schema, Sealed, Settings, Synchronous, Tx, Vault,
    conn::Counter,
    lock::{self, ServingLock},
    migrate,
    settings::Target,
    users,
    writer::{Job, Pulse, Writer},
};

/// What a change or a read gives: a boxed future that may borrow its connection.
pub type BoxFuture<'t, T> = Pin<Box<dyn Future<Output = T> + Send + 't>>;

/// How long a connection is waited for, and how long SQLite waits for another
/// process's transaction.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often the write-ahead log is folded into the database file.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(1);

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    db: Db,
    time_limit: Duration,
    master_key: RwLock<Option<MasterKey>>,
    master_key_file: Option<PathBuf>,
    vaults: Mutex<HashMap<AccountId, Arc<Vault>>>,
    hint: watch::Sender<u64>,
    lock: Mutex<Option<ServingLock>>,
}

enum Db {
    Sqlite { path: PathBuf, writer: Writer, readers: SqlitePool },
    Postgres { pool: PgPool, changes: Arc<Semaphore>, queue_length: usize },
}

impl Store {
    /// Opens a database and, unless told otherwise, brings its schema up to date.
    ///
    /// # Errors
    /// Whatever keeps it from being used, each its own [`Error`].
    pub async fn open(settings: &Settings) -> Result<Self> {
        let (hint, _) = watch::channel(0);
        let db = match settings.target()? {
            Target::Sqlite(path) => open_sqlite(settings, path, hint.clone()).await?,
            Target::Postgres => open_postgres(settings).await?,
        };
        let store = Self(Arc::new(Inner {
            db,
            time_limit: settings.time_limit,
            master_key: RwLock::new(settings.master_key.clone()),
            master_key_file: settings.master_key_file.clone(),
            vaults: Mutex::default(),
            hint,
            lock: Mutex::new(None),
        }));
        if settings.schema == Schema::Migrate {
            users::fold_old_rows(&store).await?;
        }
        Ok(store)
    }

    /// Takes the right to serve this database for as long as the store lives.
    /// Postgres may be served by many.
    ///
    /// # Errors
    /// [`Error::Locked`] when another process serves this file.
    pub fn lock_for_serving(&self) -> Result<()> {
        if let Db::Sqlite { path, .. } = &self.0.db {
            let lock = lock::take(path)?;
            *self.0.lock.lock().unwrap_or_else(PoisonError::into_inner) = Some(lock);
        }
        Ok(())
    }

    /// Makes one change: `store.write(move |tx| Box::pin(async move { … }))`.
    ///
    /// Everything done through `tx` is kept when the closure gives `Ok`, and
    /// nothing of it otherwise. The closure owns its data and awaits nothing but
    /// store calls. Once handed over, the change runs to its end even when the
    /// caller goes away.
    ///
    /// # Errors
    /// The closure's own error, or the store's when the change could not be
    /// taken, finished or committed.
    pub async fn write<T, E, F>(&self, change: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        match &self.0.db {
            Db::Sqlite { writer, .. } => write_sqlite(writer, change).await,
            Db::Postgres { pool, changes, .. } => {
                let permit = changes.clone().try_acquire_owned().map_err(|_| E::from(Error::Busy))?;
                let (pool, limit, hint) = (pool.clone(), self.0.time_limit, self.0.hint.clone());
                let counter = Counter::current();
                let change = tokio::spawn(async move {
                    let _permit = permit;
                    write_postgres(&pool, limit, &hint, counter, change).await
                });
                change.await.unwrap_or_else(|ended| {
                    Err(E::from(if ended.is_panic() { Error::Panicked } else { Error::Closed }))
                })
            }
        }
    }

    /// Reads: `store.read(move |conn| Box::pin(async move { … }))`. Statements
    /// see what is committed, each at its own moment.
    ///
    /// # Errors
    /// The closure's own error, or [`Error::Busy`] when no connection is free.
    pub async fn read<T, E, F>(&self, read: F) -> Result<T, E>
    where
        F: for<'t> FnOnce(&'t mut Conn) -> BoxFuture<'t, Result<T, E>>,
        E: From<Error>,
    {
        let mut conn = self.reader().await?;
        read(&mut conn).await
    }

    /// A connection to read with, where a closure would only be in the way. Give
    /// it back (drop it) before waiting for anything else.
    ///
    /// # Errors
    /// [`Error::Busy`] when none is free for five seconds.
    pub async fn reader(&self) -> Result<Conn> {
        match &self.0.db {
            Db::Sqlite { readers, .. } => Ok(Conn::sqlite(readers.acquire().await?)),
            Db::Postgres { pool, .. } => Ok(Conn::postgres(pool.acquire().await?)),
        }
    }

    /// Grows after each commit in this process that appended events
    /// ([`Tx::mark_events`]). A hint to look at the rows, nothing more.
    #[must_use]
    pub fn event_hint(&self) -> watch::Receiver<u64> {
        self.0.hint.subscribe()
    }

    /// Fires the hint without a change: somebody else (another process, a bus)
    /// said that there are new events.
    pub fn hint_events(&self) {
        self.0.hint.send_modify(|count| *count += 1);
    }

    /// Proves by a real commit that changes are possible.
    ///
    /// # Errors
    /// What keeps them from being possible.
    pub async fn writable(&self) -> Result<()> {
        // beat_at only has to change.
        const BEAT: &str = "INSERT INTO heartbeats (id, beat_at) VALUES ('store', 1)
            ON CONFLICT (id) DO UPDATE SET beat_at = heartbeats.beat_at + 1";
        self.write(|tx| Box::pin(async move { execute!(tx, BEAT).map(drop) })).await
    }

    /// Changes that wait for their turn now (a gauge).
    #[must_use]
    pub fn waiting(&self) -> usize {
        match &self.0.db {
            Db::Sqlite { writer, .. } => writer.waiting(),
            Db::Postgres { changes, queue_length, .. } => {
                queue_length.saturating_sub(changes.available_permits())
            }
        }
    }

    /// `sqlite` or `postgres`, for logs and `doctor`.
    #[must_use]
    pub fn engine(&self) -> &'static str {
        match self.0.db {
            Db::Sqlite { .. } => "sqlite",
            Db::Postgres { .. } => "postgres",
        }
    }

    /// A data key for a new account: see [`MasterKey::new_vault`].
    ///
    /// # Errors
    /// [`Error::MasterKey`] when the store was opened without one.
    pub fn new_vault(&self, account: &AccountId) -> Result<(Arc<Vault>, Sealed)> {
        // A rotation may have put a new one in its place since.
        self.look_for_master_key();
        let (vault, wrapped) = self.master_key()?.new_vault(account.as_str())?;
        Ok((Arc::new(vault), wrapped))
    }

    /// The vault of an account; read once, then remembered.
    ///
    /// # Errors
    /// [`Error::MasterKey`] without a master key, [`Error::Sealed`] with another
    /// one than the account was made with, or for an unknown account.
    pub async fn vault(&self, account: &AccountId) -> Result<Arc<Vault>> {
        const WRAPPED: &str = "SELECT data_key FROM accounts WHERE id = $1";
        if let Some(vault) = self.vaults().get(account) {
            return Ok(vault.clone());
        }
        let mut conn = self.reader().await?;
        let wrapped = scalar_opt!(conn, Sealed, WRAPPED, account.as_str())?.ok_or(Error::Sealed)?;
        drop(conn);
        let vault = self.with_master_key(|master| master.open_vault(account.as_str(), &wrapped))?;
        let vault = Arc::new(vault);
        self.vaults().insert(account.clone(), vault.clone());
        Ok(vault)
    }

    /// Forgets the keys of accounts that were deleted, here or by another
    /// process.
    ///
    /// # Errors
    /// What the database says.
    pub async fn forget_erased(&self) -> Result<()> {
        if self.vaults().is_empty() {
            return Ok(());
        }
        let mut conn = self.reader().await?;
        let living = crate::erasure::living(&mut conn).await?;
        drop(conn);
        self.vaults().retain(|account, _| living.contains(account));
        Ok(())
    }

    fn vaults(&self) -> std::sync::MutexGuard<'_, HashMap<AccountId, Arc<Vault>>> {
        // A poisoned map is still a map of whole entries.
        self.0.vaults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The master key as it is known now.
    ///
    /// # Errors
    /// [`Error::MasterKey`] when the store was opened without one.
    pub fn master_key(&self) -> Result<MasterKey> {
        let known = self.0.master_key.read().unwrap_or_else(PoisonError::into_inner);
        known.clone().ok_or(Error::MasterKey)
    }

    /// Puts another master key in place of the known one.
    pub fn set_master_key(&self, key: MasterKey) {
        *self.0.master_key.write().unwrap_or_else(PoisonError::into_inner) = Some(key);
    }

    /// Opens something with the master key; when the known one does not fit, with
    /// what the key file holds by now: keys are rotated while servers run.
    ///
    /// # Errors
    /// The closure's own, [`Error::MasterKey`] without a key.
    pub(crate) fn with_master_key<T>(&self, open: impl Fn(&MasterKey) -> Result<T>) -> Result<T> {
        match open(&self.master_key()?) {
            Err(Error::Sealed) if self.look_for_master_key() => open(&self.master_key()?),
            outcome => outcome,
        }
    }

    /// Reads the key file again; true when it holds another key than before.
    fn look_for_master_key(&self) -> bool {
        let Some(path) = &self.0.master_key_file else { return false };
        match MasterKey::load(path) {
            Ok(key) if self.master_key().is_ok_and(|known| known == key) => false,
            Ok(key) => {
                self.set_master_key(key);
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the master key file could not be read again");
                false
            }
        }
    }

    /// Folds the log of a SQLite file in and empties it, so that nothing of what
    /// was deleted is left in it. A long read of another process may put that
    /// off until the next time.
    ///
    /// # Errors
    /// What the database says.
    pub async fn empty_log(&self) -> Result<()> {
        if let Db::Sqlite { path, .. } = &self.0.db {
            let options = SqliteConnectOptions::new().filename(path).busy_timeout(PATIENCE);
            let mut conn = options.connect().await?;
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut conn).await?;
            conn.close().await?;
        }
        Ok(())
    }

    /// Commits what waits, folds the log in and closes all connections.
    pub async fn close(&self) {
        match &self.0.db {
            Db::Sqlite { writer, readers, .. } => {
                readers.close().await;
                writer.stop().await;
            }
            Db::Postgres { pool, .. } => pool.close().await,
        }
        // Whoever still holds this store can no longer use it, so the next one
        // may serve the file.
        *self.0.lock.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// The result of a change and the way its ending is told.
type Slot<T, E> = Arc<Mutex<Option<Result<T, E>>>>;

async fn write_sqlite<T, E, F>(writer: &Writer, change: F) -> Result<T, E>
where
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    let slot: Slot<T, E> = Arc::default();
    let (answer, ended) = oneshot::channel();
    let result = slot.clone();
    let counter = Counter::current();
    let run: crate::writer::Change = Box::new(move |tx| {
        tx.count_for(counter);
        Box::pin(async move {
            let outcome = change(tx).await;
            let keep = outcome.is_ok();
            *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            keep
        })
    });
    writer.submit(Job { run, answer })?;
    ended.await.map_err(|_| Error::Closed)??;
    let outcome = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    outcome.unwrap_or_else(|| Err(E::from(Error::Closed)))
}

async fn write_postgres<T, E, F>(
    pool: &PgPool,
    limit: Duration,
    hint: &watch::Sender<u64>,
    counter: Counter,
    change: F,
) -> Result<T, E>
where
    F: for<'t> FnOnce(&'t mut Tx) -> BoxFuture<'t, Result<T, E>> + Send + 'static,
    E: From<Error>,
{
    let mut tx = Tx::postgres(pool.begin().await.map_err(Error::from)?);
    tx.count_for(counter);
    let value = tokio::time::timeout(limit, change(&mut tx)).await.map_err(|_| Error::Timeout)??;
    let events = tx.events;
    if let Some(tx) = tx.into_postgres() {
        tx.commit().await.map_err(Error::from)?;
    }
    if events {
        hint.send_modify(|count| *count += 1);
    }
    Ok(value)
}

async fn open_postgres(settings: &Settings) -> Result<Db> {
    let options = PgConnectOptions::from_str(&settings.url)
        .map_err(|_| Error::Url)?
        .application_name("bedside")
        .disable_statement_logging();
    let pool = PgPoolOptions::new()
        .max_connections(settings.max_connections)
        .acquire_timeout(PATIENCE)
        .connect_with(options)
        .await?;
    let mut conn = pool.acquire().await?;
    migrate::postgres(&mut conn, settings.schema).await?;
    drop(conn);
    Ok(Db::Postgres {
        pool,
        changes: Arc::new(Semaphore::new(settings.queue_length)),
        queue_length: settings.queue_length,
    })
}

async fn open_sqlite(settings: &Settings, path: PathBuf, hint: watch::Sender<u64>) -> Result<Db> {
    if settings.schema == Schema::Migrate {
        make_private_file(&path)?;
    }
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .synchronous(match settings.synchronous {
            Synchronous::Full => SqliteSynchronous::Full,
            Synchronous::Normal => SqliteSynchronous::Normal,
        })
        .disable_statement_logging();
    // Checkpoints run beside the changes (below); this is only a bound on the
    // log's size (pages of 4 KiB) should they not keep up.
    let write = options.clone().journal_mode(SqliteJournalMode::Wal).pragma("wal_autocheckpoint", "16384");
    // What is deleted is overwritten wherever that costs no further write.
    let write = write.pragma("secure_delete", "FAST");
    let mut conn = write.connect().await?;
    migrate::sqlite(&mut conn, settings.schema).await?;
    let readers = SqlitePoolOptions::new()
        .max_connections(settings.max_connections)
        .acquire_timeout(PATIENCE)
        // A file does not hang up; asking each time would double the hand-overs.
        .test_before_acquire(false)
        .connect_with(options.read_only(true))
        .await?;
    let (writer, pulse) = Writer::start(
        write.clone(),
        conn,
        settings.group_commit,
        settings.queue_length,
        settings.time_limit,
        hint,
    );
    tokio::spawn(checkpoints(write.connect().await?, pulse));
    Ok(Db::Sqlite { path, writer, readers })
}

/// Folds the log in, off the request path, until the writer is gone.
async fn checkpoints(mut conn: SqliteConnection, mut pulse: Pulse) {
    let mut tick = tokio::time::interval(CHECKPOINT_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = tick.tick() => {}
            () = pulse.stopped() => break,
        }
        if pulse.take_dirty()
            && let Err(error) = sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(&mut conn).await
        {
            tracing::warn!(%error, "the write-ahead log could not be folded in");
        }
    }
    // The last connection to close folds the whole log in.
    if let Err(error) = conn.close().await {
        tracing::warn!(%error, "the checkpoint connection did not close cleanly");
    }
}

/// Makes the database file readable by its owner alone; SQLite gives its
/// companions the same mode.
fn make_private_file(path: &std::path::Path) -> Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let failed = |source| Error::File { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    std::fs::OpenOptions::new()
        .create(true)
        .truncate(false)
        .append(true)
        .mode(0o600)
        .open(path)
        .map(drop)
        .map_err(failed)
}
