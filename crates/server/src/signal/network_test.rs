//! The network test of `/network`: which ways to the calls of this server work
//! from where a browser is. Open to all, like the page: it tells nothing that a
//! join would not, and its connections carry no media.

use axum::{
    Json, Router,
    extract::{State, WebSocketUpgrade, ws},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use bedside_app::App;
use bedside_media::ProbeError;
use serde::{Deserialize, Serialize};

use super::calls::{Refused, node};

/// The routes, at the root of the server.
pub fn routes() -> Router<App> {
    Router::new().route("/rtc/test", get(ways).post(begin)).route("/rtc/test/socket", get(socket))
}

/// A WebSocket that says one word: proxies that break these break calls.
async fn socket(upgrade: WebSocketUpgrade) -> Response {
    upgrade.on_upgrade(|mut socket: ws::WebSocket| async move {
        // Who went away has its answer.
        let _ = socket.send(ws::Message::Text("here".into())).await;
        let _ = socket.send(ws::Message::Close(None)).await;
    })
}

/// Where to try.
#[derive(Debug, Serialize)]
struct Ways {
    /// In the form that a browser's `RTCPeerConnection` takes.
    ice_servers: Vec<IceServer>,
}

#[derive(Debug, Serialize)]
struct IceServer {
    urls: Vec<String>,
    username: String,
    credential: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Description {
    sdp: String,
}

async fn ways(State(app): State<App>) -> Result<Json<Ways>, Refused> {
    let relay = node(&app)?.probe_servers().await;
    let server = IceServer { urls: relay.urls, username: relay.username, credential: relay.credential };
    let ice_servers = if server.urls.is_empty() { Vec::new() } else { vec![server] };
    Ok(Json(Ways { ice_servers }))
}

async fn begin(State(app): State<App>, Json(offer): Json<Description>) -> Result<Response, Refused> {
    let answer = node(&app)?.probe(offer.sdp).await;
    answer.map(|sdp| Json(Description { sdp }).into_response()).map_err(|error| {
        let status = match error {
            ProbeError::Busy => StatusCode::SERVICE_UNAVAILABLE,
            ProbeError::Refused => StatusCode::BAD_REQUEST,
        };
        Refused(status, error.to_string())
    })
}
