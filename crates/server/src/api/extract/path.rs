//! Path segments. What cannot name anything (a word where an id belongs, NUL
//! characters, a text without end) is a 404, as for any unknown thing.

use axum::{
    extract::{FromRequestParts, RawPathParams},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use super::super::error::ApiError;

/// Longest segment that can name anything.
const MAX_SEGMENT: usize = 200;

/// The path's variable segments as the type `T`.
#[derive(Clone, Debug)]
pub struct Path<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let raw = RawPathParams::from_request_parts(parts, state).await.map_err(|_| ApiError::not_found())?;
        let odd = |value: &str| value.len() > MAX_SEGMENT || value.chars().any(char::is_control);
        if raw.iter().any(|(_, value)| odd(value)) {
            return Err(ApiError::not_found());
        }
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|_| ApiError::not_found())
    }
}
