//! The device that a request comes from, in words.

use axum::http::{HeaderMap, header};
use bedside_model::device;

/// "Chrome on Windows"; empty when `User-Agent` says nothing that we know.
pub fn of_headers(headers: &HeaderMap) -> String {
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    agent.map(device::words).unwrap_or_default()
}
