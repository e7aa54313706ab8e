//! Contents of recordings on their way out, behind a signed link.

use axum::{
    Router,
    http::{HeaderValue, header, request::Parts},
    middleware,
    response::Response,
    routing::get,
};
use bedside_app::{Error, files::Link, recordings};
use bedside_model::FileId;
use serde::Deserialize;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::IntoParams;

use super::{
    super::{
        Api,
        error::{ApiError, envelope, of_panic},
        files::answer,
        limits::Charged,
    },
    view,
};
use crate::http::{Client, remember_route};

/// The signature of a link.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ContentQuery {
    /// As in `url`.
    auth_code: Option<String>,
    /// As in `url`.
    time: Option<String>,
}

/// [`view`] outside of the API, where `url` leads.
pub fn at_root(api: Api) -> Router {
    Router::new()
        .route("/recordings/view/{id}", get(view))
        .route_layer(middleware::from_fn(remember_route))
        .layer(CatchPanicLayer::custom(of_panic))
        .layer(middleware::from_fn(envelope))
        .with_state(api)
}

/// Answers the content; refused links count against the client's address.
pub(super) async fn send(api: &Api, id: &str, parts: &Parts) -> Result<Response, ApiError> {
    let mut query = ContentQuery::default();
    for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
        match name.as_ref() {
            "auth_code" => query.auth_code = Some(value.into_owned()),
            "time" => query.time = Some(value.into_owned()),
            _ => {}
        }
    }
    let id: FileId = id.parse().map_err(|_| Error::not_found("recording"))?;
    let link = Link {
        id,
        // A time that is no number has no signature either.
        time: query.time.and_then(|time| time.parse().ok()).unwrap_or(i64::MIN),
        auth_code: query.auth_code.unwrap_or_default(),
    };
    match recordings::open(&api.app, &link).await {
        Ok(content) => {
            let kind = media_type(content.name.reveal());
            let name = content.name.reveal().clone();
            let mut response = answer(&content, false, parts).await?;
            let headers = response.headers_mut();
            if headers.contains_key(header::CONTENT_TYPE) {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
                let shown = HeaderValue::from_str(&format!("inline; filename=\"{name}\""));
                if let Ok(shown) = shown {
                    // In the place of the file's own: browsers refuse an answer with two.
                    headers.insert(header::CONTENT_DISPOSITION, shown);
                }
            }
            Ok(response)
        }
        Err(error) => {
            if matches!(error, Error::Forbidden(_) | Error::NotFound(_)) {
                let client = Client::of_request(parts);
                api.limits.refused(client.addr, &Charged::of(&parts.extensions))?;
            }
            Err(error.into())
        }
    }
}

/// By the name that the application gave it.
fn media_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("webm") => "video/webm",
        Some("mkv") => "video/x-matroska",
        _ => "video/mp4",
    }
}
