//! One connection type over both engines, and the macros that write a
//! statement once.
//!
//! The SQL is a `&'static str` in the subset both engines share: `$1` binds,
//! `ON CONFLICT`, `RETURNING`, row values, `CAST($1 AS BIGINT)` where Postgres
//! cannot infer a type.

use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use sqlx::{PgConnection, Postgres, Sqlite, SqliteConnection, Transaction, pool::PoolConnection};

/// A connection that reads (or, inside a [`Tx`], also writes).
pub struct Conn {
    inner: Inner,
    statements: Counter,
}

enum Inner {
    SqliteReader(PoolConnection<Sqlite>),
    SqliteWriter(SqliteConnection),
    Postgres(PoolConnection<Postgres>),
    PostgresTx(Transaction<'static, Postgres>),
}

/// The engine's own connection; only the macros below look at it.
pub(crate) enum Engine<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl Conn {
    pub(crate) fn sqlite(conn: PoolConnection<Sqlite>) -> Self {
        Self { inner: Inner::SqliteReader(conn), statements: Counter::current() }
    }

    pub(crate) fn postgres(conn: PoolConnection<Postgres>) -> Self {
        Self { inner: Inner::Postgres(conn), statements: Counter::current() }
    }

    pub(crate) fn engine(&mut self) -> Engine<'_> {
        self.statements.add_one();
        match &mut self.inner {
            Inner::SqliteReader(conn) => Engine::Sqlite(conn),
            Inner::SqliteWriter(conn) => Engine::Sqlite(conn),
            Inner::Postgres(conn) => Engine::Postgres(conn),
            Inner::PostgresTx(tx) => Engine::Postgres(tx),
        }
    }

    /// True on Postgres, for the few statements in `dialect`.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.inner, Inner::Postgres(_) | Inner::PostgresTx(_))
    }
}

tokio::task_local! {
    static COUNTED: Arc<AtomicU64>;
}

/// Runs something and counts the SQL statements that it sends, changes
/// included; the engine's own begin and commit are not counted, nor is what a
/// task of its own does.
pub async fn counted<T>(work: impl Future<Output = T>) -> (T, u64) {
    let count = Arc::new(AtomicU64::new(0));
    let value = COUNTED.scope(count.clone(), work).await;
    (value, count.load(Ordering::Relaxed))
}

/// Where a connection counts its statements: with whoever is in [`counted`].
#[derive(Clone, Default)]
pub(crate) struct Counter(Option<Arc<AtomicU64>>);

impl Counter {
    /// The running task's counter, if it has one.
    pub(crate) fn current() -> Self {
        Self(COUNTED.try_with(Arc::clone).ok())
    }

    fn add_one(&self) {
        if let Some(count) = &self.0 {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// One change: everything done through it is kept, or nothing is.
pub struct Tx {
    conn: Conn,
    pub(crate) events: bool,
}

impl Tx {
    pub(crate) fn sqlite(conn: SqliteConnection) -> Self {
        let statements = Counter::default();
        Self { conn: Conn { inner: Inner::SqliteWriter(conn), statements }, events: false }
    }

    pub(crate) fn postgres(tx: Transaction<'static, Postgres>) -> Self {
        let statements = Counter::default();
        Self { conn: Conn { inner: Inner::PostgresTx(tx), statements }, events: false }
    }

    /// Counts what follows for whoever asked for the change: it runs in another
    /// task than theirs.
    pub(crate) fn count_for(&mut self, caller: Counter) {
        self.conn.statements = caller;
    }

    /// Says that this change appends events, so that the store's hint fires
    /// after the commit.
    pub fn mark_events(&mut self) {
        self.events = true;
    }

    /// The Postgres transaction, to commit it; `None` on SQLite.
    pub(crate) fn into_postgres(self) -> Option<Transaction<'static, Postgres>> {
        match self.conn.inner {
            Inner::PostgresTx(tx) => Some(tx),
            _ => None,
        }
    }

    /// The SQLite connection, back to the writer.
    pub(crate) fn into_sqlite(self) -> Option<SqliteConnection> {
        match self.conn.inner {
            Inner::SqliteWriter(conn) => Some(conn),
            _ => None,
        }
    }
}

impl Deref for Tx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.conn
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.conn
    }
}

/// Runs one statement on whichever engine is below:
/// `on_engine!(conn, |c| sqlx::query(SQL).execute(c))`.
macro_rules! on_engine {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn.engine() {
            $crate::conn::Engine::Sqlite($c) => $body.await.map_err($crate::Error::from),
            $crate::conn::Engine::Postgres($c) => $body.await.map_err($crate::Error::from),
        }
    };
}

/// Exactly one row: `query_one!(conn, Row, SQL, binds…)?`.
#[allow(unused_macros, reason = "one of a family")]
macro_rules! query_one {
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        on_engine!($conn, |c| sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_one(c))
    };
}

/// A row or none: `query_opt!(conn, Row, SQL, binds…)?`.
#[allow(unused_macros, reason = "one of a family")]
macro_rules! query_opt {
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        on_engine!($conn, |c| sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_optional(c))
    };
}

/// All rows: `query_all!(conn, Row, SQL, binds…)?`.
#[allow(unused_macros, reason = "one of a family")]
macro_rules! query_all {
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        on_engine!($conn, |c| sqlx::query_as::<_, $row>($sql)$(.bind($bind))*.fetch_all(c))
    };
}

/// One value of one row: `scalar!(conn, i64, SQL, binds…)?`.
#[allow(unused_macros, reason = "one of a family")]
macro_rules! scalar {
    ($conn:expr, $value:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        on_engine!($conn, |c| sqlx::query_scalar::<_, $value>($sql)$(.bind($bind))*.fetch_one(c))
    };
}

/// One value of a row that may not be there: `scalar_opt!(conn, i64, SQL, …)?`.
#[allow(unused_macros, reason = "one of a family")]
macro_rules! scalar_opt {
    ($conn:expr, $value:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        on_engine!($conn, |c| sqlx::query_scalar::<_, $value>($sql)$(.bind($bind))*.fetch_optional(c))
    };
}

/// One value of each row: `scalars!(conn, i64, SQL, binds…)?`.
#[allow(unused_macros, reason = "one of a family")]
macro_rules! scalars {
    ($conn:expr, $value:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        on_engine!($conn, |c| sqlx::query_scalar::<_, $value>($sql)$(.bind($bind))*.fetch_all(c))
    };
}

/// A statement without rows; gives how many it touched:
/// `let touched: u64 = execute!(conn, SQL, binds…)?`.
#[allow(unused_macros, reason = "one of a family")]
macro_rules! execute {
    ($conn:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $conn.engine() {
            $crate::conn::Engine::Sqlite(c) => sqlx::query($sql)$(.bind($bind))*
                .execute(c).await.map(|done| done.rows_affected()).map_err($crate::Error::from),
            $crate::conn::Engine::Postgres(c) => sqlx::query($sql)$(.bind($bind))*
                .execute(c).await.map(|done| done.rows_affected()).map_err($crate::Error::from),
        }
    };
}
