//! What is kept: rows. The only crate with SQL.
//!
//! The engine (`db`, `conn`, `writer`, `dialect`, `migrate`, `seal`, `lock`)
//! hides whether SQLite or Postgres is below. Nouns are modules of free
//! functions over a [`Conn`]: `users::find(conn, account, id)`. A [`Tx`]
//! dereferences to `Conn`, so every reading function also works inside a
//! change. Nothing here decides anything: that is `app`.

#[macro_use]
mod conn;
mod db;
mod dialect;
#[cfg(test)]
mod engine_tests;
mod error;
#[cfg(test)]
mod identity_tests;
mod lock;
mod migrate;
#[cfg(test)]
mod schema_tests;
mod seal;
mod settings;
#[cfg(test)]
mod testing;
mod writer;

pub mod accounts;
pub mod api_keys;
pub mod audit;
pub mod dependants;
pub mod events;
pub mod intakes;
pub mod jobs;
pub mod rooms;
pub mod sessions;
pub mod tokens;
pub mod users;
pub mod visit_views;
pub mod visits;

pub use conn::{Conn, Tx};
pub use db::{BoxFuture, Store};
pub use error::{Error, Result};
pub use seal::{MasterKey, Sealed, Vault};
pub use settings::{Schema, Settings, Synchronous};
