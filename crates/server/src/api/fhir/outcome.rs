//! Refusals as OperationOutcomes (hl7.org/fhir/R4/operationoutcome.html).

use axum::{
    body::Body,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};
use serde_json::{Value, json};

use super::{super::error::ApiError, MEDIA_TYPE};
use crate::http::RequestId;

/// FHIR's word for what is wrong (hl7.org/fhir/R4/valueset-issue-type.html).
const fn code(status: StatusCode) -> &'static str {
    match status.as_u16() {
        400 => "invalid",
        401 => "login",
        403 => "forbidden",
        404 => "not-found",
        405 => "not-supported",
        429 => "throttled",
        503 | 504 => "transient",
        _ => "exception",
    }
}

/// Gives every refusal its body. What the router refuses by itself keeps its
/// status: FHIR has a 405, our API has none.
pub(super) async fn layer(request: Request, next: Next) -> Response {
    let request_id = request.extensions().get::<RequestId>().cloned().unwrap_or_default();
    let mut response = next.run(request).await;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let error = response.extensions_mut().remove::<ApiError>();
    let (word, message, fields) = match &error {
        Some(error) => error.parts(),
        None if status == StatusCode::METHOD_NOT_ALLOWED => {
            ("method_not_allowed".to_owned(), "This door is for reading only.".to_owned(), Vec::new())
        }
        None => ("bad_request".to_owned(), "The request cannot be read.".to_owned(), Vec::new()),
    };
    let mut issue = json!({
        "severity": "error", "code": code(status),
        "details": { "coding": [{ "system": "urn:bedside:error", "code": word }], "text": message },
        "diagnostics": format!("request {}", request_id.as_str()),
    });
    if !fields.is_empty() {
        issue["expression"] = Value::from(fields);
    }
    let body = json!({ "resourceType": "OperationOutcome", "issue": [issue] });
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    if status == StatusCode::UNAUTHORIZED {
        parts.headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    Response::from_parts(parts, Body::from(body.to_string()))
}
