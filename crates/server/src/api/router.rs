//! The whole route table.

use axum::{Json, Router, middleware, routing::get};
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Api, error::ApiError, events, intakes, layers, openapi, rooms, sessions, users, visits};
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
    layers::around(operations, server)
}
