//! What happens: one file per noun with its operations, and the ports out of
//! the house. HTTP, WebSocket, jobs and CLI all come through here; nothing else
//! decides. Knows no HTTP.

pub mod accounts;
pub mod actor;
pub mod api_apps;
pub mod app;
pub mod audit;
pub mod audit_trail;
pub mod authz;
pub mod availability;
pub mod backup;
pub mod calls;
pub mod clock;
pub mod closures;
pub mod credentials;
pub mod dependants;
pub mod erasure;
pub mod error;
pub mod events;
mod extra;
pub mod files;
pub mod guests;
pub mod holds;
pub mod idempotency;
pub mod images;
pub mod intakes;
pub mod jobs;
pub mod keys;
pub mod log_ins;
pub mod mail;
pub mod passwords;
pub mod ports;
pub mod presence;
pub mod profile;
pub mod random;
pub mod rooms;
pub mod sessions;
pub mod slots;
pub mod tokens;
pub mod users;
pub mod visits;

pub use actor::{Actor, Who};
pub use app::{App, Settings};
pub use clock::Clock;
pub use error::{Error, Result};
pub use random::Random;
