//! The shape of every good answer: `{"data": …}`, lists with their totals.

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// One object.
#[derive(Debug, Serialize, ToSchema)]
pub struct Data<T> {
    pub data: T,
}

/// Makes the answer of one object.
pub fn data<T>(data: T) -> Data<T> {
    Data { data }
}

impl<T: Serialize> IntoResponse for Data<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// One page of a list. Both spellings of the total are sent, since older
/// clients read `total` and newer ones `total_count`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub data: Vec<T>,
    pub total_count: i64,
    pub total: i64,
    /// Send it back as `after` for the rows that follow this page; left out
    /// when none do. Unlike `start` it never repeats or skips a row while
    /// others are added.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A page and how many rows there are in all.
    pub fn new(data: Vec<T>, total: i64) -> Self {
        Self { data, total_count: total, total, next: None }
    }

    /// The page with the mark at which the next one begins.
    #[must_use]
    pub fn followed_by(self, next: Option<String>) -> Self {
        Self { next, ..self }
    }
}

impl<T: Serialize> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// The error body, for the API reference; [`super::error`] writes it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// Equal to the HTTP status.
    pub code: u16,
    /// One plain sentence.
    pub message: String,
    /// Stable name of what went wrong.
    pub error: String,
    /// Why single fields were refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fields: Option<std::collections::BTreeMap<String, String>>,
    pub request_id: String,
}
