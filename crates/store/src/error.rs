//! Storage facts that somebody above may have to tell apart.

use std::{io, path::PathBuf};

use crate::dialect;

/// Result of a store call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the store could not do it. A missing row is no error: it is `None`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A unique constraint or index holds this already. Both engines name the
    /// table and the columns the same way: `users`, `account_id, code`.
    #[error("{table} ({columns}) exists already")]
    Unique {
        /// The table.
        table: String,
        /// Its columns, comma and blank between, in the constraint's order.
        columns: String,
    },
    /// A trigger or an exclusion constraint refused the row, by this code.
    #[error("refused by the database: {code}")]
    Raised {
        /// The text the trigger raised, or the constraint's name.
        code: String,
    },
    /// A row that this one points to is not there.
    #[error("a referenced row does not exist")]
    Foreign,
    /// Too much waits already, or rows stayed locked too long. Try again.
    #[error("the database is busy")]
    Busy,
    /// The disk is full: changes fail, reads go on.
    #[error("the disk is full")]
    Full,
    /// The database cannot be written to.
    #[error("the database is read-only")]
    ReadOnly,
    /// The change took longer than it may; nothing of it was kept.
    #[error("the change took too long")]
    Timeout,
    /// The change panicked; nothing of it was kept.
    #[error("the change panicked")]
    Panicked,
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// The server cannot be reached.
    #[error("the database cannot be reached")]
    Unreachable(#[source] sqlx::Error),
    /// The database file is damaged, or no database.
    #[error("the database file is damaged or is not a database")]
    Corrupt,
    /// Written by a newer version of Bedside.
    #[error(
        "this database was written by a newer version of Bedside (schema {found}, this version knows {known}): run that version"
    )]
    Newer {
        /// Number of the newest migration in the database.
        found: i64,
        /// Number of the newest migration in this program.
        known: i64,
    },
    /// Not brought up to date yet.
    #[error("this database has schema {found}, this version needs {known}: run `bedside migrate`")]
    Older {
        /// Number of the newest migration in the database.
        found: i64,
        /// Number of the newest migration in this program.
        known: i64,
    },
    /// Another process serves this database file.
    #[error("another `bedside serve` already uses {}: stop it first", .0.display())]
    Locked(PathBuf),
    /// The URL names neither engine.
    #[error("the store's URL must be sqlite:PATH or postgres://…")]
    Url,
    /// A file could not be made or read.
    #[error("{}: {source}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A sealed value could not be opened: wrong master key, moved or altered.
    #[error("a sealed value could not be opened; is this the right master key?")]
    Sealed,
    /// The master key is not there, or has the wrong form.
    #[error("the master key is missing or is not 32 bytes")]
    MasterKey,
    /// The file of the master key may be read by others than its owner.
    #[error("others can read the master key file {path}: run chmod 600 {path}", path = .0.display())]
    KeyIsOpen(PathBuf),
    /// A program of Postgres that is needed is missing or failed.
    #[error("{program} {said}")]
    Program {
        /// Such as `pg_dump`.
        program: &'static str,
        /// What went wrong.
        said: String,
    },
    /// A stored value that this version cannot understand.
    #[error("unexpected value in {0}")]
    Value(&'static str),
    /// Anything else the database said.
    #[error("database error: {0}")]
    Db(#[source] sqlx::Error),
}

impl Error {
    /// True when exactly this constraint refused the row:
    /// `is_unique("users", "account_id, code")`.
    #[must_use]
    pub fn is_unique(&self, on_table: &str, on_columns: &str) -> bool {
        matches!(self, Self::Unique { table, columns } if table == on_table && columns == on_columns)
    }

    /// True when the same call may work a little later.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Busy | Self::Full | Self::ReadOnly | Self::Timeout | Self::Closed | Self::Unreachable(_)
        )
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut => Self::Busy,
            sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => Self::Closed,
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) => Self::Unreachable(error),
            sqlx::Error::Database(ref fact) => dialect::classify(&**fact).unwrap_or(Self::Db(error)),
            other => Self::Db(other),
        }
    }
}
