//! Every error answer of the HTTP API: `{"code", "message", "error",
//! "fields"?, "request_id"}` with the HTTP status equal to `code`. Handlers
//! return [`ApiError`]; [`envelope`] writes the body of all of them, and of the
//! refusals that the router and its layers make by themselves.

use std::{any::Any, collections::BTreeMap};

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use super::linger::Arriving;
use crate::http::RequestId;

/// An error as the caller sees it.
#[derive(Clone, Debug)]
pub struct ApiError {
    status: StatusCode,
    error: String,
    message: String,
    fields: BTreeMap<String, String>,
    extra: BTreeMap<String, Value>,
    retry_after_s: Option<u32>,
    /// The rest of a body that is refused before it has all come.
    rest: Option<Arriving>,
}

impl ApiError {
    /// An error with its stable name and one plain sentence.
    pub fn new(status: StatusCode, error: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            error: error.to_owned(),
            message: message.into(),
            fields: BTreeMap::new(),
            extra: BTreeMap::new(),
            retry_after_s: None,
            rest: None,
        }
    }

    /// The error of a request whose body may still be on its way.
    pub(super) fn while_arriving(mut self, body: Arriving) -> Self {
        self.rest = Some(body).filter(|body| !body.has_ended());
        self
    }

    /// 400 that blames one field of the request.
    pub fn field(name: &str, why: &str) -> Self {
        let mut error = Self::new(StatusCode::BAD_REQUEST, "invalid_field", format!("`{name}` {why}."));
        error.fields.insert(name.to_owned(), why.to_owned());
        error
    }

    /// 400 that blames the request as a whole.
    pub fn malformed(error: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, message)
    }

    pub fn forbidden(error: &str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, error, message)
    }

    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing at this path.")
    }

    /// 429 with the seconds to wait.
    pub fn limited(retry_after_s: u64) -> Self {
        let mut error = Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too_many_requests",
            "Too many requests; wait a moment and try again.",
        );
        error.retry_after_s = Some(seconds(retry_after_s));
        error
    }

    fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong on our side; the request id helps the operator find it.",
        )
    }

    /// What the router and its layers answered by themselves, in our words.
    fn of_status(status: StatusCode) -> Option<Self> {
        let (status, error, message) = match status {
            StatusCode::NOT_FOUND => return Some(Self::not_found()),
            StatusCode::PAYLOAD_TOO_LARGE => (status, "body_too_large", "The body is too large."),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                (status, "unsupported_media_type", "Send JSON, a URL-encoded form or a multipart form.")
            }
            StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => (
                StatusCode::GATEWAY_TIMEOUT,
                "timed_out",
                "The request took too long; what it asked for may still have happened.",
            ),
            // The contract has no 405: what cannot be asked for is not there. `Allow`
            // stays on the answer.
            StatusCode::METHOD_NOT_ALLOWED => (
                StatusCode::NOT_FOUND,
                "method_not_allowed",
                "There is nothing to do with this method at this path.",
            ),
            status if status.is_client_error() => {
                (StatusCode::BAD_REQUEST, "bad_request", "The request cannot be read.")
            }
            status if status.is_server_error() => return Some(Self::internal()),
            _ => return None,
        };
        Some(Self::new(status, error, message))
    }

    /// Its stable name, and the fields that it blames.
    pub(super) fn name_and_fields(&self) -> (String, Vec<String>) {
        (self.error.clone(), self.fields.keys().cloned().collect())
    }

    /// Its stable name, its sentence, and the fields that it blames, for another
    /// form of the body.
    pub(super) fn parts(&self) -> (String, String, Vec<String>) {
        (self.error.clone(), self.message.clone(), self.fields.keys().cloned().collect())
    }

    fn body(&self, request_id: &str) -> Value {
        let mut body = Map::new();
        for (name, value) in &self.extra {
            body.insert(name.clone(), value.clone());
        }
        body.insert("code".into(), self.status.as_u16().into());
        body.insert("message".into(), self.message.clone().into());
        body.insert("error".into(), self.error.clone().into());
        if !self.fields.is_empty() {
            body.insert("fields".into(), json!(self.fields));
        }
        body.insert("request_id".into(), request_id.into());
        Value::Object(body)
    }
}

/// At least a second, and no more than a header can sensibly say.
fn seconds(wait: u64) -> u32 {
    u32::try_from(wait.max(1)).unwrap_or(u32::MAX)
}

impl From<bedside_app::Error> for ApiError {
    fn from(error: bedside_app::Error) -> Self {
        use bedside_app::{Error as E, error::Refusal};
        let of = |status, refusal: Refusal| Self::new(status, refusal.code, refusal.message);
        match error {
            E::Unauthorized(refusal) => of(StatusCode::UNAUTHORIZED, refusal),
            E::Forbidden(refusal) => of(StatusCode::FORBIDDEN, refusal),
            E::NotFound(refusal) => of(StatusCode::NOT_FOUND, refusal),
            E::Invalid { refusal, fields, extra } => {
                let retry_after_s = (refusal.code == "idempotency_in_progress").then_some(1);
                Self { fields, extra, retry_after_s, ..of(StatusCode::BAD_REQUEST, refusal) }
            }
            E::TooLarge(refusal) => of(StatusCode::PAYLOAD_TOO_LARGE, refusal),
            E::Unsupported(refusal) => of(StatusCode::UNSUPPORTED_MEDIA_TYPE, refusal),
            E::Limited { retry_after_s } => Self::limited(retry_after_s),
            E::Unavailable { retry_after_s, message } => Self {
                retry_after_s: Some(seconds(retry_after_s)),
                ..Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
            },
            E::Internal(cause) => {
                // Logged once, here at the edge; the caller learns nothing of it.
                tracing::error!(?cause, "request failed");
                Self::internal()
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives every error answer its body.
pub async fn envelope(request: Request, next: Next) -> Response {
    let request_id = request.extensions().get::<RequestId>().cloned();
    let mut response = next.run(request).await;
    let error = match response.extensions_mut().remove::<ApiError>() {
        Some(error) => error,
        None if response.extensions().get::<Finished>().is_some() => return response,
        None => match ApiError::of_status(response.status()) {
            Some(error) => error,
            None => return response,
        },
    };
    let request_id = request_id.unwrap_or_default();
    let (mut parts, _) = response.into_parts();
    parts.status = error.status;
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let text = error.body(request_id.as_str()).to_string();
    let body = match error.rest {
        Some(rest) => rest.answered(text),
        None => Body::from(text),
    };
    Response::from_parts(parts, body)
}

/// Marks an error answer that has its body already, such as a WebSocket refusal.
#[derive(Clone, Copy, Debug)]
pub struct Finished;

/// The answer to a request whose handler panicked.
pub fn of_panic(panic: Box<dyn Any + Send + 'static>) -> Response {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    tracing::error!(panic = text, "handler panicked");
    ApiError::internal().into_response()
}
