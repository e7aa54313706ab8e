//! Requests in all the forms clients send them: JSON, URL-encoded and
//! multipart bodies, query strings, PHP-style names, numbers as text.
//! [`Params`] is what came, as one JSON object; [`Request`] is that object as
//! the type a handler asks for, with refusals that name the field.

mod body;
mod hygiene;
mod names;
mod path;
mod types;

use axum::{
    extract::{FromRequest, Request as HttpRequest},
    http::HeaderMap,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub(super) use body::too_large_or_cut;
pub use path::Path;
pub use types::{Flag, Id, Int, List, Number, Text};

use super::error::ApiError;

/// Header with the code of the room the caller is in; stands in for a missing
/// `room_code`.
const ROOM_CODE_HEADER: &str = "x-roomcode";

/// Everything the query and the body say, merged; the body wins.
#[derive(Clone, Debug, Default)]
pub struct Params(pub Map<String, Value>);

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = ApiError;

    async fn from_request(request: HttpRequest, state: &S) -> Result<Self, ApiError> {
        let mut params = names::parse(request.uri().query().unwrap_or_default().as_bytes())?;
        let room_code = room_code(request.headers());
        for (name, value) in body::read(request, state).await? {
            params.insert(name, value);
        }
        if let Some(code) = room_code {
            params.entry("room_code").or_insert_with(|| Value::String(code));
        }
        hygiene::check(&params)?;
        Ok(Self(params))
    }
}

fn room_code(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(ROOM_CODE_HEADER)?.to_str().ok()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The request's parameters as the type `T`.
#[derive(Clone, Debug)]
pub struct Request<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Request<T> {
    type Rejection = ApiError;

    async fn from_request(request: HttpRequest, state: &S) -> Result<Self, ApiError> {
        let Params(params) = Params::from_request(request, state).await?;
        typed(params).map(Self)
    }
}

impl Params {
    /// Reads the parameters as `T`; for handlers that need both forms.
    pub fn typed<T: DeserializeOwned>(&self) -> Result<T, ApiError> {
        typed(self.0.clone())
    }
}

/// Forms send an empty text for what they leave out. So an empty text where
/// something else is wanted counts as not sent: drop it and read again.
fn typed<T: DeserializeOwned>(mut params: Map<String, Value>) -> Result<T, ApiError> {
    loop {
        let error = match serde_path_to_error::deserialize(Value::Object(params.clone())) {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let path = error.path().to_string();
        let name = path.split(['.', '[']).next().unwrap_or_default().to_owned();
        if params.get(&name).and_then(Value::as_str) == Some("") {
            params.remove(&name);
            continue;
        }
        return Err(refusal(&path, &error.into_inner().to_string()));
    }
}

fn refusal(path: &str, reason: &str) -> ApiError {
    if let Some(name) = quoted_after(reason, "missing field `") {
        let name = if path == "." { name.to_owned() } else { format!("{path}.{name}") };
        return ApiError::field(&name, "is missing");
    }
    if path == "." || path.is_empty() {
        return ApiError::malformed("invalid_request", "The request cannot be read.");
    }
    let why = if reason.starts_with("must ") || reason.starts_with("is ") {
        reason.to_owned()
    } else if reason.contains("expected a string") {
        "must be a text".to_owned()
    } else if reason.contains("expected a map") || reason.contains("expected struct") {
        "must be an object".to_owned()
    } else if reason.contains("expected a sequence") {
        "must be a list".to_owned()
    } else if reason.contains("unknown variant") {
        "is not one of the known values".to_owned()
    } else {
        "has the wrong kind of value".to_owned()
    };
    ApiError::field(path, &why)
}

fn quoted_after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.strip_prefix(mark)?.split('`').next()
}

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod round_trip_tests;
#[cfg(test)]
mod tests;
