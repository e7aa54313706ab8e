//! What every door shares: who calls from where ([`Client`]), the request's id
//! and log line ([`front`]), session cookies, response headers, metrics.
//! Knows no route and no noun.

mod client;
pub mod cookies;
pub mod device;
mod front;
pub mod headers;
pub mod metrics;
pub mod plain;

pub use client::Client;
pub use front::{Answered, Front, RequestId, Trail, front, remember_route};
