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
pub mod erasure;
mod error;
#[cfg(test)]
mod identity_tests;
mod lock;
mod master_key;
mod migrate;
#[cfg(test)]
mod schema_tests;
mod seal;
mod seal_stream;
mod settings;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod user_list_tests;
#[cfg(test)]
mod visit_list_tests;
mod writer;

pub mod accounts;
pub mod api_apps;
pub mod api_keys;
pub mod appointments;
pub mod audit;
pub mod audit_chain;
pub mod backup;
pub mod billing;
pub mod bookings;
pub mod call_peers;
pub mod call_quality;
pub mod closures;
pub mod consents;
pub mod dependants;
pub mod endpoints;
pub mod event_cursors;
pub mod events;
pub mod feeds;
pub mod files;
pub mod form_answers;
pub mod forms;
pub mod guests;
pub mod health_readings;
pub mod health_records;
pub mod house_keys;
pub mod idempotency;
pub mod identifiers;
pub mod intakes;
pub mod interpreters;
pub mod invoices;
pub mod jobs;
pub mod log_ins;
pub mod mails;
pub mod messages;
pub mod notes;
pub mod notifications;
pub mod payments;
pub mod pharmacies;
pub mod prescriptions;
pub mod promo_codes;
pub mod queue;
pub mod recordings;
pub mod reports;
pub mod request_log;
pub mod rooms;
pub mod sessions;
pub mod slots;
pub mod surveys;
pub mod test_clinics;
pub mod test_processor;
pub mod tokens;
pub mod user_lists;
pub mod users;
pub mod visit_lists;
pub mod visit_views;
pub mod visits;
pub mod webhook_deliveries;
pub mod webhooks;

pub use conn::{Conn, Tx, counted};
pub use db::{BoxFuture, Store};
pub use error::{Error, Result};
pub use master_key::{KeyName, MasterKey};
pub use seal::{Sealed, Vault};
pub use seal_stream::{CHUNK, FileKey, SEALED_CHUNK, Sealer, chunks, sealed_length};
pub use settings::{Schema, Settings, Synchronous};
