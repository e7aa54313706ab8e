//! The EHR's door: the clinic as FHIR R4 (hl7.org/fhir/R4) under `/fhir/R4`,
//! read-only. Its description is the CapabilityStatement, not the API's
//! document. One file per resource, each with its entry in [`RESOURCES`]; what
//! they share is in `search`, `bundle`, `outcome` and `write`.

mod appointment;
mod bundle;
mod consent;
mod document_reference;
mod encounter;
mod location;
mod metadata;
mod outcome;
mod patient;
mod practitioner;
mod questionnaire;
mod questionnaire_response;
mod schedule;
mod search;
mod slot;
mod write;

use std::{future::Future, pin::Pin};

use axum::{
    Json, Router,
    extract::{Path, Request, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use bedside_app::{
    Actor, App, Error,
    fhir::{Ask, Page},
};
use serde_json::Value;
use tower_http::catch_panic::CatchPanicLayer;

use super::{
    Api, BaseUrl,
    auth::Caller,
    error::{ApiError, of_panic},
    limits, request_log,
};
use crate::http::remember_route;
use search::Parameter;

/// Where the door is.
const ROOT: &str = "/fhir/R4";
/// Media type of all its answers (hl7.org/fhir/R4/http.html#mime-type).
const MEDIA_TYPE: &str = "application/fhir+json; charset=utf-8";

/// Every resource that can be read. A new one is a file and a line here.
const RESOURCES: &[Resource] = &[
    appointment::RESOURCE,
    consent::RESOURCE,
    document_reference::RESOURCE,
    encounter::RESOURCE,
    location::RESOURCE,
    patient::RESOURCE,
    practitioner::RESOURCE,
    questionnaire::RESOURCE,
    questionnaire_response::RESOURCE,
    schedule::RESOURCE,
    slot::RESOURCE,
];

/// A page of resources as they are written.
type Written<'a> = Pin<Box<dyn Future<Output = Result<Page<Value>, Error>> + Send + 'a>>;

/// What the door knows of a resource.
struct Resource {
    /// Its name, such as `Patient`.
    name: &'static str,
    /// What it is here, for the CapabilityStatement.
    about: &'static str,
    /// What a search may say beyond `_id` and `_count`.
    parameters: &'static [Parameter],
    /// Finds and writes a page. A read is a search for one id.
    find: for<'a> fn(&'a App, &'a Actor, &'a Ask, &'a BaseUrl) -> Written<'a>,
}

fn resource(name: &str) -> Result<&'static Resource, ApiError> {
    RESOURCES.iter().find(|one| one.name == name).ok_or_else(|| {
        ApiError::new(
            StatusCode::NOT_FOUND,
            "resource_unknown",
            "This server has no such type of resource. See /fhir/R4/metadata.",
        )
    })
}

/// The door, at the server's root.
pub fn at_root(api: Api) -> Router {
    Router::new()
        .route("/fhir/R4/metadata", get(metadata::get))
        .route("/fhir/R4/{type}", get(search))
        .route("/fhir/R4/{type}/{id}", get(read))
        .route("/fhir/R4/{type}/{id}/{*rest}", axum::routing::any(async || ApiError::not_found()))
        .route_layer(middleware::from_fn_with_state(api.clone(), request_log::layer))
        .route_layer(middleware::from_fn(remember_route))
        .layer(CatchPanicLayer::custom(of_panic))
        .layer(middleware::from_fn(outcome::layer))
        .layer(middleware::from_fn(limits::layer))
        .layer(middleware::from_fn(bearer))
        .with_state(api)
}

/// FHIR's clients send their token as OAuth does; here it is the admin token.
async fn bearer(mut request: Request, next: Next) -> Response {
    let headers = request.headers_mut();
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .and_then(|(_, token)| HeaderValue::from_str(token.trim()).ok());
    if let Some(token) = token.filter(|_| !headers.contains_key("x-apitoken")) {
        headers.insert("x-apitoken", token);
    }
    next.run(request).await
}

/// A resource, or a bundle of them.
fn answer(body: Value) -> Response {
    let mut response = Json(body).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}

async fn search(
    State(app): State<App>,
    base: BaseUrl,
    Path(name): Path<String>,
    Caller(actor): Caller,
    parts: Parts,
) -> Result<Response, ApiError> {
    let resource = resource(&name)?;
    let query = search::Query::read(resource, parts.uri.query().unwrap_or_default())?;
    let page = (resource.find)(&app, &actor, &query.ask, &base).await?;
    Ok(answer(bundle::searchset(&base, resource, &query, page)))
}

async fn read(
    State(app): State<App>,
    base: BaseUrl,
    Path((name, id)): Path<(String, String)>,
    Caller(actor): Caller,
) -> Result<Response, ApiError> {
    let resource = resource(&name)?;
    let ask = Ask { ids: Some(vec![id]), count: 1, ..Ask::default() };
    let page = (resource.find)(&app, &actor, &ask, &base).await?;
    let found = page.rows.into_iter().next().ok_or_else(|| {
        ApiError::new(StatusCode::NOT_FOUND, "resource_not_found", "There is no such resource.")
    })?;
    Ok(answer(found))
}
