//! What happens around every operation: conditional reads, rate headers, the
//! error envelope, panics, the time limit, the body limit, the optional `.json`,
//! and the prefixes.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{self, Method, StatusCode, Uri},
    middleware::{self, Next},
    response::Response,
};
use tower::{ServiceBuilder, ServiceExt, util::MapRequestLayer};
use tower_http::{catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer, timeout::TimeoutLayer};

use super::{
    error::{envelope, of_panic},
    etag, limits,
};
use crate::config::Server;

/// The operations under all prefixes, with all layers.
pub(super) fn around(operations: Router, server: &Server) -> Router {
    let layered = ServiceBuilder::new()
        .layer(middleware::from_fn(etag::layer))
        .layer(middleware::from_fn(limits::layer))
        .layer(middleware::from_fn(envelope))
        .layer(CatchPanicLayer::custom(of_panic))
        .layer(MapRequestLayer::new(without_suffix))
        .layer(middleware::from_fn_with_state(Bounds::of(server), bounds))
        .service(operations);
    server.prefixes.iter().fold(Router::new(), |router, prefix| router.nest_service(prefix, layered.clone()))
}

/// How long a request may take, and how much it may send.
#[derive(Clone, Copy)]
struct Bounds {
    time: Duration,
    bytes: usize,
}

impl Bounds {
    fn of(server: &Server) -> Self {
        Self { time: Duration::from_secs(server.request_timeout_s), bytes: server.max_body_bytes }
    }
}

/// Keeps every request within them but uploads, which are read piece by piece
/// and have bounds of their own (`files/upload.rs`).
async fn bounds(State(bounds): State<Bounds>, request: Request, next: Next) -> Response {
    if *request.method() == Method::POST && request.uri().path() == "/files" {
        return next.run(request).await;
    }
    let bounded = ServiceBuilder::new()
        .layer(TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, bounds.time))
        .layer(RequestBodyLimitLayer::new(bounds.bytes))
        .map_request(|request: http::Request<_>| request.map(Body::new))
        .service(next);
    match bounded.oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    }
}

/// Takes the optional `.json` and a final slash off the path, before it is
/// matched. `/openapi.json` is a name of its own.
pub(super) fn without_suffix<B>(mut request: Request<B>) -> Request<B> {
    let uri = request.uri();
    let path = uri.path();
    let bare = bare(path);
    if bare.is_empty() || bare == path || path == "/openapi.json" {
        return request;
    }
    let target = match uri.query() {
        Some(query) => format!("{bare}?{query}"),
        None => bare.to_owned(),
    };
    let mut parts = uri.clone().into_parts();
    if let Ok(path_and_query) = target.parse() {
        parts.path_and_query = Some(path_and_query);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request
}

/// A path without a final slash and `.json`.
pub(super) fn bare(path: &str) -> &str {
    let bare = path.strip_suffix('/').unwrap_or(path);
    bare.strip_suffix(".json").unwrap_or(bare)
}

#[cfg(test)]
mod tests {
    use axum::{body::to_bytes, extract::Path, routing::get};
    use serde_json::Value;
    use tower::ServiceExt;

    use super::*;
    use crate::config::{self, Sources};

    async fn panics() -> &'static str {
        panic!("as if")
    }

    async fn ask(path: &str, timeout_s: u64) -> (StatusCode, Value) {
        let sources = Sources::default().flag("server.request_timeout_s", Some(timeout_s));
        let config = config::load(&sources).expect("valid");
        let operations = Router::new()
            .route("/panic", get(panics))
            .route("/never", get(|| async { std::future::pending::<()>().await }))
            .route("/things/{id}", get(|Path(id): Path<String>| async move { format!("\"{id}\"") }));
        let request = Request::builder().uri(path).body(Body::empty()).expect("a request");
        let response = around(operations, &config.server).oneshot(request).await.expect("infallible");
        let status = response.status();
        let body = to_bytes(response.into_body(), 10_000).await.expect("a body");
        (status, serde_json::from_slice(&body).expect("JSON"))
    }

    #[tokio::test]
    async fn a_panic_is_a_500_that_tells_nothing() {
        let (status, body) = ask("/api_v3/panic", 30).await;
        assert_eq!(status, 500);
        assert_eq!((&body["code"], &body["error"]), (&500.into(), &"internal".into()));
        assert!(!body.to_string().contains("as if"), "{body}");
    }

    #[tokio::test]
    async fn an_operation_without_end_is_a_504() {
        let (status, body) = ask("/api_v3/never", 0).await;
        assert_eq!(status, 504);
        assert_eq!(body["error"], "timed_out");
    }

    #[tokio::test]
    async fn suffix_slash_and_prefix_do_not_matter() {
        for path in [
            "/api_v3/things/7",
            "/vc/next/api_v3/things/7.json",
            "/vc/stable/api_v3/things/7.json?a=b",
            "/api_v3/things/7/",
        ] {
            let (status, body) = ask(path, 30).await;
            assert_eq!((status, body), (StatusCode::OK, "7".into()), "{path}");
        }
    }
}
