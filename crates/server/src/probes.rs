//! For whoever runs the server: is the process there, can it work, how is it
//! doing.

mod calls;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use bedside_app::App;
use bedside_model::At;
use ipnet::IpNet;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
};
use serde_json::json;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{
    boot,
    config::Config,
    http::{Client, Front, metrics::Metrics, remember_route},
};

#[derive(Clone)]
struct Probes {
    app: App,
    metrics: Metrics,
    allow: Arc<[IpNet]>,
    has_media: bool,
    stopping: CancellationToken,
    last: Arc<Mutex<Option<(At, bool)>>>,
}

/// How long the answer of the last trial write holds, in milliseconds, so that
/// a crowd of probes is one write.
const TRIAL_HOLDS_MS: i64 = 500;

/// The probes' routes.
pub fn routes(app: &App, config: &Config, front: &Front) -> Router {
    front.metrics.collect(Box::new(HouseFigures { app: app.clone() }));
    let probes = Probes {
        app: app.clone(),
        metrics: front.metrics.clone(),
        allow: config.metrics.allow.clone().into(),
        has_media: config.media.enabled,
        stopping: front.stopping.clone(),
        last: Arc::default(),
    };
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route_layer(middleware::from_fn(remember_route))
        .with_state(probes)
}

/// 200 when the store takes writes (so its migrations are done) and the media
/// node is up; 503 says which is not.
async fn readyz(State(probes): State<Probes>) -> Response {
    let store = probes.store_is_writable().await;
    let media = !probes.has_media || probes.app.calls.is_up();
    let stopping = probes.stopping.is_cancelled();
    let ready = store && media && !stopping;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = json!({"ready": ready, "store": store, "media": media, "stopping": stopping});
    (status, Json(body)).into_response()
}

impl Probes {
    async fn store_is_writable(&self) -> bool {
        let now = self.app.clock.now();
        let mut last = self.last.lock().await;
        if let Some((at, writable)) = *last
            && (0..TRIAL_HOLDS_MS).contains(&(now.0 - at.0))
        {
            return writable;
        }
        let writable = match self.app.store.writable().await {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!(%error, "the store takes no writes");
                false
            }
        };
        *last = Some((now, writable));
        writable
    }
}

/// Only for the configured networks; nobody else learns that it exists.
async fn metrics(State(probes): State<Probes>, client: Client) -> Response {
    if !probes.allow.iter().any(|net| net.contains(&client.addr)) {
        return StatusCode::NOT_FOUND.into_response();
    }
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match probes.metrics.page() {
        Ok(page) => ([(header::CONTENT_TYPE, content_type)], page).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// Figures of the parts behind the doors, read when the page is.
struct HouseFigures {
    app: App,
}

impl std::fmt::Debug for HouseFigures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HouseFigures")
    }
}

impl Collector for HouseFigures {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let node = boot::node(&self.app);
        let stats = node.map(|node| node.stats()).unwrap_or_default();
        let unrecorded = node.map_or(0, |node| node.recording_dropped());
        let gauges = [
            ("store_waiting_writes", "Writes that wait their turn", self.app.store.waiting() as u64),
            ("media_calls", "Calls with at least one peer", stats.calls as u64),
            ("media_peers", "Peers in calls", stats.peers as u64),
            ("media_tcp_streams", "Clients whose media come over TCP", stats.streams as u64),
            ("media_relayed", "Addresses that clients hold at the relay", stats.relayed as u64),
        ];
        for (name, help, value) in gauges {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        let counters = [
            ("media_packets_received", "Media packets received", stats.counters.rtp_in),
            ("media_packets_forwarded", "Media packets sent on to subscribers", stats.counters.rtp_forwarded),
            ("media_recording_dropped", "Media packets that a slow disk left out of recordings", unrecorded),
        ];
        for (name, help, value) in counters {
            let counter = ConstCounter::new(value);
            counter.encode(encoder.encode_descriptor(name, help, None, counter.metric_type())?)?;
        }
        calls::encode(&self.app.call_tally, &mut encoder)
    }
}
