//! The whole route table, and the layers around it.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::Request,
    http::{StatusCode, Uri},
    middleware,
    routing::get,
};
use tower::{ServiceBuilder, util::MapRequestLayer};
use tower_http::{catch_panic::CatchPanicLayer, limit::RequestBodyLimitLayer, timeout::TimeoutLayer};
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Api,
    error::{ApiError, envelope, of_panic},
    events, intakes, openapi, rooms, sessions, users, visits,
};
use crate::{config::Server, http};

/// Every operation of the API.
fn operations() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::start())
        // users and their log-ins
        .routes(routes!(users::sso))
        .routes(routes!(sessions::login))
        .routes(routes!(sessions::logout))
        .routes(routes!(sessions::set_password))
        .routes(routes!(users::guest_login))
        .routes(routes!(users::get))
        .routes(routes!(users::list_rooms, users::assign_rooms))
        .routes(routes!(sessions::get))
        // rooms
        .routes(routes!(rooms::list, rooms::add))
        .routes(routes!(rooms::get, rooms::update))
        .routes(routes!(rooms::queue))
        // intakes
        .routes(routes!(intakes::add))
        .routes(routes!(intakes::get, intakes::update))
        // visits
        .routes(routes!(visits::list))
        .routes(routes!(visits::add_walkin))
        .routes(routes!(visits::get))
        .routes(routes!(visits::accept))
        .routes(routes!(visits::start))
        .routes(routes!(visits::put_back))
        .routes(routes!(visits::complete))
        .routes(routes!(visits::close))
        .routes(routes!(visits::call))
        // events
        .routes(routes!(events::stream))
}

/// The description of the API, as `bedside openapi` prints it.
pub fn document(prefix: &str) -> OpenApi {
    openapi::finish(operations().into_openapi(), prefix)
}

/// The API under all its prefixes.
pub fn routes(api: Api, server: &Server) -> Router {
    let (operations, document) = operations().split_for_parts();
    let document = openapi::finish(document, server.prefix());
    let operations = operations
        .route("/openapi.json", get(move || async move { Json(document) }))
        .route_layer(middleware::from_fn(http::remember_route))
        .fallback(async || ApiError::not_found())
        .with_state(api);
    let layered = ServiceBuilder::new()
        .layer(middleware::from_fn(envelope))
        .layer(CatchPanicLayer::custom(of_panic))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            Duration::from_secs(server.request_timeout_s),
        ))
        .layer(RequestBodyLimitLayer::new(server.max_body_bytes))
        .map_response(|response: axum::http::Response<_>| response.map(axum::body::Body::new))
        .layer(MapRequestLayer::new(without_suffix))
        .service(operations);
    server.prefixes.iter().fold(Router::new(), |router, prefix| router.nest_service(prefix, layered.clone()))
}

/// Takes the optional `.json` and a final slash off the path, before it is
/// matched. `/openapi.json` is a name of its own.
fn without_suffix<B>(mut request: Request<B>) -> Request<B> {
    let uri = request.uri();
    let path = uri.path();
    let bare = path.strip_suffix('/').unwrap_or(path);
    let bare = bare.strip_suffix(".json").unwrap_or(bare);
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
