//! Bodies by media type. A missing media type is guessed from the first byte;
//! a multipart body without a boundary in its header shows it in its first line.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest, Multipart, Request},
    http::{HeaderValue, StatusCode, header},
};
use serde_json::{Map, Value};

use super::{super::error::ApiError, names};

/// Upper bound for what one body may hold in memory. The configured limit is
/// enforced by a layer before; this one only bounds what that layer lets by.
const HARD_LIMIT: usize = 64 * 1024 * 1024;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Json,
    Form,
    Multipart,
}

/// Reads the body, whatever its encoding; no body is an empty object.
pub(super) async fn read<S: Send + Sync>(
    request: Request,
    state: &S,
) -> Result<Map<String, Value>, ApiError> {
    let content_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let bytes = to_bytes(request.into_body(), HARD_LIMIT).await.map_err(too_large_or_cut)?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match kind(&content_type, &bytes)? {
        Kind::Json => json(&bytes),
        Kind::Form => names::parse(&bytes),
        Kind::Multipart => multipart(&content_type, bytes, state).await,
    }
}

pub(in crate::api) fn too_large_or_cut(error: axum::Error) -> ApiError {
    let mut source: Option<&dyn std::error::Error> = Some(&error);
    while let Some(e) = source {
        if e.to_string().contains("length limit exceeded") {
            return ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large.");
        }
        source = e.source();
    }
    ApiError::malformed("body_incomplete", "The body ended before it was complete.")
}

fn kind(content_type: &str, bytes: &Bytes) -> Result<Kind, ApiError> {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "application/x-www-form-urlencoded" => Ok(Kind::Form),
        "multipart/form-data" => Ok(Kind::Multipart),
        "" | "text/plain" => Ok(guess(bytes)),
        json if json == "application/json" || json == "text/json" || json.ends_with("+json") => {
            Ok(Kind::Json)
        }
        _ => Err(ApiError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_media_type",
            "Send JSON, a URL-encoded form or a multipart form.",
        )),
    }
}

fn guess(bytes: &Bytes) -> Kind {
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{' | b'[') => Kind::Json,
        Some(b'-') if bytes.starts_with(b"--") => Kind::Multipart,
        _ => Kind::Form,
    }
}

fn json(bytes: &Bytes) -> Result<Map<String, Value>, ApiError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| ApiError::malformed("invalid_utf8", "The body is not valid UTF-8."))?;
    // PHP clients encode an empty set of parameters as an empty list.
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(Value::Array(list)) if list.is_empty() => Ok(Map::new()),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err(ApiError::malformed("body_not_object", "The body must be a JSON object.")),
        Err(error) if error.to_string().contains("recursion limit") => {
            Err(ApiError::malformed("body_too_deep", "The body is nested too deeply."))
        }
        Err(error) => Err(ApiError::malformed(
            "invalid_json",
            format!("The body is not valid JSON (line {}, column {}).", error.line(), error.column()),
        )),
    }
}

async fn multipart<S: Send + Sync>(
    content_type: &str,
    bytes: Bytes,
    state: &S,
) -> Result<Map<String, Value>, ApiError> {
    let boundary = boundary(content_type, &bytes).ok_or_else(unreadable)?;
    let content_type = HeaderValue::from_str(&format!("multipart/form-data; boundary=\"{boundary}\""))
        .map_err(|_| unreadable())?;
    let mut request = Request::new(Body::from(bytes));
    request.headers_mut().insert(header::CONTENT_TYPE, content_type);
    let mut form = Multipart::from_request(request, state).await.map_err(|_| unreadable())?;
    let mut params = Map::new();
    while let Some(part) = form.next_field().await.map_err(|_| unreadable())? {
        let name = part.name().unwrap_or_default().to_owned();
        if part.file_name().is_some() {
            return Err(ApiError::field(&name, "must be a text, not a file"));
        }
        let value = part.bytes().await.map_err(|_| unreadable())?;
        let value =
            String::from_utf8(value.into()).map_err(|_| ApiError::field(&name, "is not valid UTF-8"))?;
        names::insert(&mut params, &name, Value::String(value))?;
    }
    Ok(names::finish(params))
}

fn unreadable() -> ApiError {
    ApiError::malformed("invalid_multipart", "The multipart form cannot be read.")
}

/// The boundary the header names, else the one the body itself begins with.
fn boundary(content_type: &str, bytes: &Bytes) -> Option<String> {
    let named = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("boundary").then(|| value.trim().trim_matches('"').to_owned())
    });
    let named = named.filter(|boundary| !boundary.is_empty());
    named.or_else(|| {
        let line = bytes.split(|byte| *byte == b'\n').next()?;
        let line = std::str::from_utf8(line).ok()?.trim_end_matches('\r');
        let boundary = line.strip_prefix("--")?;
        let fits =
            (1..=70).contains(&boundary.len()) && boundary.chars().all(|c| c.is_ascii_graphic() && c != '"');
        fits.then(|| boundary.to_owned())
    })
}
