//! How a store is opened. Values only; reading them from files is `server`'s.

use std::{fmt, path::PathBuf, time::Duration};

use crate::{Error, MasterKey, Result};

/// What to do with the schema when a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Schema {
    /// Create it or bring it up to date.
    Migrate,
    /// Refuse a database that is not exactly current.
    Require,
    /// Take it as it is (diagnosis).
    Inspect,
}

/// How durable a commit on SQLite is. Postgres follows its own configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synchronous {
    /// A commit survives a power cut.
    Full,
    /// A commit survives the process, a power cut may take the last ones.
    Normal,
}

/// Settings of a store.
#[derive(Clone)]
pub struct Settings {
    /// `sqlite:PATH` or `postgres://…`.
    pub url: String,
    /// SQLite: commit waiting changes in groups of up to 64. Off only to
    /// measure what it brings.
    pub group_commit: bool,
    /// SQLite: durability of a commit.
    pub synchronous: Synchronous,
    /// Connections: readers on SQLite, the whole pool on Postgres.
    pub max_connections: u32,
    /// Changes that may wait; one more is [`Error::Busy`].
    pub queue_length: usize,
    /// Longest time one change may take.
    pub time_limit: Duration,
    /// What to do with the schema.
    pub schema: Schema,
    /// Key that wraps the accounts' data keys. Without it sealed columns can
    /// be neither written nor read.
    pub master_key: Option<MasterKey>,
    /// Where the master key was read from: looked at again when something was
    /// sealed with a key not known yet.
    pub master_key_file: Option<PathBuf>,
}

impl Settings {
    /// The defaults for a database.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            group_commit: true,
            synchronous: Synchronous::Full,
            max_connections: 8,
            queue_length: 1024,
            time_limit: Duration::from_secs(5),
            schema: Schema::Migrate,
            master_key: None,
            master_key_file: None,
        }
    }

    pub(crate) fn target(&self) -> Result<Target> {
        if self.url.starts_with("postgres://") || self.url.starts_with("postgresql://") {
            return Ok(Target::Postgres);
        }
        let path = self
            .url
            .strip_prefix("sqlite://")
            .or_else(|| self.url.strip_prefix("sqlite:"))
            .filter(|path| !path.is_empty() && !path.starts_with(":memory:"));
        match path {
            Some(path) => Ok(Target::Sqlite(PathBuf::from(path))),
            None => Err(Error::Url),
        }
    }
}

impl fmt::Debug for Settings {
    /// Leaves the URL out: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("group_commit", &self.group_commit)
            .field("synchronous", &self.synchronous)
            .field("max_connections", &self.max_connections)
            .field("queue_length", &self.queue_length)
            .field("schema", &self.schema)
            .finish_non_exhaustive()
    }
}

pub(crate) enum Target {
    Sqlite(PathBuf),
    Postgres,
}
