//! One connection type over both engines, and the macros that write a
//! statement once.
//!
//! The SQL is a `&'static str` in the subset both engines share: `$1` binds,
//! `ON CONFLICT`, `RETURNING`, row values, `CAST($1 AS BIGINT)` where Postgres
//! cannot infer a type.

use std::ops::{Deref, DerefMut};

use sqlx::{PgConnection, Postgres, Sqlite, SqliteConnection, Transaction, pool::PoolConnection};

/// A connection that reads (or, inside a [`Tx`], also writes).
pub struct Conn(Inner);

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
        Self(Inner::SqliteReader(conn))
    }

    pub(crate) fn postgres(conn: PoolConnection<Postgres>) -> Self {
        Self(Inner::Postgres(conn))
    }

    pub(crate) fn engine(&mut self) -> Engine<'_> {
        match &mut self.0 {
            Inner::SqliteReader(conn) => Engine::Sqlite(conn),
            Inner::SqliteWriter(conn) => Engine::Sqlite(conn),
            Inner::Postgres(conn) => Engine::Postgres(conn),
            Inner::PostgresTx(tx) => Engine::Postgres(tx),
        }
    }

    /// True on Postgres, for the few statements in `dialect`.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.0, Inner::Postgres(_) | Inner::PostgresTx(_))
    }
}

/// One change: everything done through it is kept, or nothing is.
pub struct Tx {
    conn: Conn,
    pub(crate) events: bool,
}

impl Tx {
    pub(crate) fn sqlite(conn: SqliteConnection) -> Self {
        Self { conn: Conn(Inner::SqliteWriter(conn)), events: false }
    }

    pub(crate) fn postgres(tx: Transaction<'static, Postgres>) -> Self {
        Self { conn: Conn(Inner::PostgresTx(tx)), events: false }
    }

    /// Says that this change appends events, so that the store's hint fires
    /// after the commit.
    pub fn mark_events(&mut self) {
        self.events = true;
    }

    /// The Postgres transaction, to commit it; `None` on SQLite.
    pub(crate) fn into_postgres(self) -> Option<Transaction<'static, Postgres>> {
        match self.conn.0 {
            Inner::PostgresTx(tx) => Some(tx),
            _ => None,
        }
    }

    /// The SQLite connection, back to the writer.
    pub(crate) fn into_sqlite(self) -> Option<SqliteConnection> {
        match self.conn.0 {
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
