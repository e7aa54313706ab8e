//! The outermost layer of every door: gives the request its id (the client's own,
//! where it sent one) and its
//! [`Client`], writes the one log line and the metrics of the answer, ends
//! streams when the server stops. Logs name the route, never path or query:
//! tokens travel there.

use std::{
    net::SocketAddr,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    body::{Body, HttpBody},
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::Response,
};
use futures_util::StreamExt;
use ipnet::IpNet;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{Client, headers, metrics::Metrics};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request; also the `request_id` of its error answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What inner layers learn about a request and the log line shows.
#[derive(Clone, Debug, Default)]
pub struct Trail(Arc<TrailFacts>);

#[derive(Debug, Default)]
struct TrailFacts {
    route: OnceLock<String>,
    who: OnceLock<&'static str>,
}

impl Trail {
    /// The route's template, with its prefix.
    pub fn set_route(&self, route: String) {
        // The innermost layer that knows speaks first; later ones know less.
        let _ = self.0.route.set(route);
    }

    /// What kind of caller it turned out to be.
    pub fn set_who(&self, who: &'static str) {
        let _ = self.0.who.set(who);
    }
}

/// One answered request, for whoever watches (the demo's stage).
#[derive(Clone, Debug)]
pub struct Answered {
    pub method: String,
    pub route: String,
    pub status: u16,
    pub took: Duration,
    pub who: &'static str,
}

/// What the outermost layer needs to know.
#[derive(Clone, Debug)]
pub struct Front {
    /// Proxies whose word about the client is taken.
    pub trusted: Arc<[IpNet]>,
    /// Browsers come over HTTPS: this server speaks it, or its public URL says so.
    pub https: bool,
    pub metrics: Metrics,
    /// Hears of every answered request; only the demo listens.
    pub answered: Option<broadcast::Sender<Answered>>,
    /// Ends event streams.
    pub stopping: CancellationToken,
    ids: Arc<Ids>,
}

#[derive(Debug)]
struct Ids {
    start: u32,
    next: AtomicU64,
}

impl Front {
    /// `start` tells the ids of one run of the server from another's.
    pub fn new(trusted: &[IpNet], https: bool, metrics: Metrics, start: u32) -> Self {
        Self {
            trusted: trusted.into(),
            https,
            metrics,
            answered: None,
            stopping: CancellationToken::new(),
            ids: Arc::new(Ids { start, next: AtomicU64::new(1) }),
        }
    }

    fn next_id(&self) -> RequestId {
        let number = self.ids.next.fetch_add(1, Ordering::Relaxed);
        RequestId(format!("{:08x}-{number:06x}", self.ids.start).into())
    }
}

/// The layer.
#[expect(clippy::disallowed_methods, reason = "the stopwatch of the log line and the metrics")]
pub async fn front(State(front): State<Front>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = sent_id(request.headers()).unwrap_or_else(|| front.next_id());
    let trail = Trail::default();
    let method = request.method().clone();
    let (mut parts, body) = request.into_parts();
    let peer = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(([0, 0, 0, 0], 0).into(), |ConnectInfo(addr)| *addr);
    let client = Client::of(&parts, peer, front.https, &front.trusted);
    let https = client.https;
    parts.extensions.insert(id.clone());
    parts.extensions.insert(trail.clone());
    parts.extensions.insert(client);
    let span = tracing::info_span!("request", id = id.as_str());
    let answer = next.run(Request::from_parts(parts, body)).instrument(span.clone());
    let (mut response, statements) = bedside_store::counted(answer).await;
    let took = started.elapsed();
    let route = trail.0.route.get().map_or("(none)", String::as_str);
    let who = trail.0.who.get().copied().unwrap_or("anonymous");
    let status = response.status().as_u16();
    front.metrics.answered(method_name(&method), route, status, took.as_secs_f64(), statements);
    span.in_scope(|| {
        tracing::info!(%method, route, status, ms = took.as_millis() as u64, statements, who, "answered");
    });
    if let Some(answered) = &front.answered {
        // Nobody listening is fine.
        let _ = answered.send(Answered {
            method: method.to_string(),
            route: route.to_owned(),
            status,
            took,
            who,
        });
    }
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    headers::always(response.headers_mut(), https);
    end_with_server(response, &front.stopping)
}

/// The id that the client gave its request (`X-Request-Id`), when it is fit for
/// logs: one word of 1 to 64 letters, digits, `.`, `_`, `-`.
fn sent_id(headers: &HeaderMap) -> Option<RequestId> {
    let mut sent = headers.get_all(REQUEST_ID).iter();
    let (id, None) = (sent.next()?.to_str().ok()?, sent.next()) else {
        return None;
    };
    let fits = (1..=64).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    fits.then(|| RequestId(id.into()))
}

/// Methods as labels: a made-up method must not make a new time series.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "OTHER",
    }
}

/// An event stream never ends by itself; it must not hold up a stopping server.
fn end_with_server(response: Response, stopping: &CancellationToken) -> Response {
    let is_stream = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
    if !is_stream || response.body().is_end_stream() {
        return response;
    }
    let (parts, body) = response.into_parts();
    let body = body.into_data_stream().take_until(stopping.clone().cancelled_owned());
    Response::from_parts(parts, Body::from_stream(body))
}

/// Remembers the matched route for the log line. Goes on routers as a route
/// layer, where the match is known.
pub async fn remember_route(request: Request, next: Next) -> Response {
    if let (Some(trail), Some(path)) =
        (request.extensions().get::<Trail>(), request.extensions().get::<MatchedPath>())
    {
        trail.set_route(path.as_str().to_owned());
    }
    next.run(request).await
}
