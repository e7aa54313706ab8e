//! Twirp's frame: protobuf or JSON in the same form as it came, and errors as
//! JSON with one of its codes.

use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use bedside_app::Error;
use bedside_media::NotDone;
use prost::Message;
use serde::{Serialize, de::DeserializeOwned};

/// How one request and its answer are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Protobuf,
}

impl Form {
    pub fn of(headers: &HeaderMap) -> Result<Self, Fault> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        match kind.split(';').next().unwrap_or_default().trim() {
            "application/json" => Ok(Self::Json),
            "application/protobuf" => Ok(Self::Protobuf),
            _ => Err(Fault::new("bad_route", "Send application/json or application/protobuf.")),
        }
    }

    pub fn read<Q: Message + Default + DeserializeOwned>(self, body: &Bytes) -> Result<Q, Fault> {
        let malformed = |error: String| Fault::new("malformed", error);
        match self {
            Self::Json => serde_json::from_slice(body).map_err(|error| malformed(error.to_string())),
            Self::Protobuf => Q::decode(body.as_ref()).map_err(|error| malformed(error.to_string())),
        }
    }

    pub fn write<A: Message + Serialize>(self, answer: &A) -> Result<Response, Fault> {
        let (kind, bytes) = match self {
            Self::Json => {
                let json = serde_json::to_vec(answer).map_err(|e| Fault::new("internal", e.to_string()))?;
                ("application/json", json)
            }
            Self::Protobuf => ("application/protobuf", answer.encode_to_vec()),
        };
        Ok(([(header::CONTENT_TYPE, kind)], bytes).into_response())
    }
}

/// An error as Twirp has them.
#[derive(Debug)]
pub(super) struct Fault {
    code: &'static str,
    message: String,
}

impl Fault {
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    fn status(&self) -> StatusCode {
        match self.code {
            "malformed" | "invalid_argument" => StatusCode::BAD_REQUEST,
            "unauthenticated" => StatusCode::UNAUTHORIZED,
            "permission_denied" => StatusCode::FORBIDDEN,
            "not_found" | "bad_route" => StatusCode::NOT_FOUND,
            "failed_precondition" => StatusCode::PRECONDITION_FAILED,
            "unimplemented" => StatusCode::NOT_IMPLEMENTED,
            "unavailable" => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl From<NotDone> for Fault {
    fn from(refusal: NotDone) -> Self {
        let code = match refusal {
            NotDone::NotThere => "not_found",
            NotDone::TooLarge => "invalid_argument",
        };
        Self::new(code, refusal.to_string())
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        match &error {
            Error::Unauthorized(_) => Self::new("unauthenticated", error.to_string()),
            Error::Unavailable { .. } => Self::new("unavailable", error.to_string()),
            _ => {
                tracing::error!(?error, "call rooms");
                Self::new("internal", "Something went wrong here.")
            }
        }
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let body = serde_json::json!({ "code": self.code, "msg": self.message });
        (self.status(), [(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
    }
}
