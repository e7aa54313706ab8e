//! The door for a LiveKit cluster that carries our calls: it posts here what
//! happens in them. Each message is signed with the secret we share; whoever
//! cannot sign is counted by address.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, FromRef, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use bedside_app::{App, Error, calls};

use crate::http::Client;

/// Largest message, bytes: a room with its participants' tracks is some kB.
const LARGEST: usize = 256 * 1024;

/// Counts whoever is turned away: the seconds to wait when it was too often.
pub type Gate = Arc<dyn Fn(IpAddr) -> Option<u64> + Send + Sync>;

/// What the door needs.
#[derive(Clone, FromRef)]
struct Door {
    app: App,
    gate: Gate,
}

/// The route, at the root of the server.
pub fn routes(app: App, gate: Gate) -> Router {
    Router::new()
        .route("/livekit/webhook", post(hear))
        .layer(DefaultBodyLimit::max(LARGEST))
        .with_state(Door { app, gate })
}

async fn hear(
    State(app): State<App>,
    State(gate): State<Gate>,
    client: Client,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let signed = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match calls::hear(&app, signed.unwrap_or_default(), &body).await {
        Ok(()) => StatusCode::OK.into_response(),
        Err(Error::Unauthorized(_) | Error::NotFound(_)) => refused(gate(client.addr)),
        Err(error) => {
            // The cluster posts it again later.
            tracing::warn!(?error, "a message of the cluster could not be taken in");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

fn refused(wait_s: Option<u64>) -> Response {
    match wait_s {
        None => StatusCode::UNAUTHORIZED.into_response(),
        Some(seconds) => {
            (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, seconds.to_string())]).into_response()
        }
    }
}
