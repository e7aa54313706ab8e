//! `Idempotency-Key` on every `POST` of somebody known: the same request again
//! gets the first answer again (with `Idempotency-Replayed: true`), and nothing
//! happens twice. Log-ins are left out: each makes a credential of its own.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{FromRequest, MatchedPath, Request, State},
    http::{HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bedside_app::idempotency::{self, Begun};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tracing::Instrument;

use super::{
    Api,
    auth::{Identified, identify},
    error::ApiError,
    extract::{Params, too_large_or_cut},
};

/// The request's header.
pub const KEY: &str = "idempotency-key";
/// The header of an answer that was given before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The `POST`s on which the header means nothing: they make or end credentials,
/// or their caller is nobody yet.
pub const LEFT_OUT: &[&str] = &[
    "/users/sso",
    "/users/login",
    "/users/guest_login",
    "/users/refresh_token",
    "/users/logout",
    "/users/password",
    "/users/password_link",
    "/users/forgot_password",
    "/heartbeat",
    "/visits/join",
];

/// Bodies that are not held in memory: their request is told from another by
/// its length.
const STREAMED: &str = "/files";

/// The header means something on this route (without its prefix).
pub fn applies(method: &Method, route: &str) -> bool {
    method == Method::POST && !LEFT_OUT.iter().any(|left_out| route.ends_with(left_out))
}

/// The layer.
pub async fn layer(State(api): State<Api>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    if !request.headers().contains_key(KEY) || !applies(request.method(), route) {
        return next.run(request).await;
    }
    once(&api, request, next).await.unwrap_or_else(ApiError::into_response)
}

async fn once(api: &Api, request: Request, next: Next) -> Result<Response, ApiError> {
    let (mut parts, body) = request.into_parts();
    let mut actor = identify(&mut parts, api, false).await?;
    let key = key(&parts)?;
    let (body, fingerprint) = fingerprint(&parts, body).await?;
    let begun = idempotency::begin(&api.app, &actor, &key, &fingerprint).await?;
    let (claim, turn) = match begun {
        Some(Begun::Again(answer)) => return Ok(again(answer)),
        Some(Begun::First(claim, turn)) => (claim, turn),
        None => return Ok(next.run(Request::from_parts(parts, body)).await),
    };
    actor.idempotency = Some(claim.clone());
    parts.extensions.insert(Identified(actor));
    let app = api.app.clone();
    // In a task of its own: when the client hangs up or the time limit comes, the
    // work still ends and its answer is kept for the next attempt.
    let work = async move {
        let _turn = turn;
        let (head, body) = next.run(Request::from_parts(parts, body)).await.into_parts();
        if head.status != StatusCode::OK {
            return Response::from_parts(head, body);
        }
        let Ok(answer) = to_bytes(body, usize::MAX).await else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        if let Err(error) = idempotency::finish(&app, claim, &answer).await {
            tracing::warn!(?error, "an answer could not be kept for a repeated request");
        }
        Response::from_parts(head, Body::from(answer))
    };
    match tokio::spawn(work.instrument(tracing::Span::current())).await {
        Ok(response) => Ok(response),
        // The layer around us answers for panics.
        Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
        Err(_) => Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response()),
    }
}

fn key(parts: &Parts) -> Result<String, ApiError> {
    let mut sent = parts.headers.get_all(KEY).iter();
    match (sent.next().map(HeaderValue::to_str), sent.next()) {
        (Some(Ok(key)), None) => Ok(key.to_owned()),
        _ => Err(ApiError::malformed(
            "idempotency_key_invalid",
            "Send one Idempotency-Key of visible ASCII characters.",
        )),
    }
}

fn again(answer: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (REPLAYED, HeaderValue::from_static("true")),
    ];
    (headers, answer).into_response()
}

/// What tells one request from another: method, path, and everything that query
/// and body say, whatever their encoding (a multipart form has another boundary
/// each time). Of a streamed body only the length counts.
async fn fingerprint(parts: &Parts, body: Body) -> Result<(Body, Vec<u8>), ApiError> {
    let mut hash = Sha256::new();
    for part in [parts.method.as_str(), parts.uri.path()] {
        hash.update(part);
        hash.update([0]);
    }
    if parts.uri.path() == STREAMED {
        hash.update(parts.uri.query().unwrap_or_default());
        hash.update([0]);
        hash.update(parts.headers.get(header::CONTENT_LENGTH).map_or(&b""[..], HeaderValue::as_bytes));
        return Ok((body, hash.finalize().to_vec()));
    }
    let bytes = to_bytes(body, usize::MAX).await.map_err(too_large_or_cut)?;
    match said(parts, bytes.clone()).await {
        Some(said) => write(&Value::Object(said), &mut hash),
        // Whatever it is, the handler refuses it and nothing is kept.
        None => hash.update(&bytes),
    }
    Ok((Body::from(bytes), hash.finalize().to_vec()))
}

async fn said(parts: &Parts, bytes: Bytes) -> Option<serde_json::Map<String, Value>> {
    let mut request = Request::new(Body::from(bytes));
    *request.uri_mut() = parts.uri.clone();
    *request.headers_mut() = parts.headers.clone();
    Params::from_request(request, &()).await.ok().map(|params| params.0)
}

/// A value in one form: names in order, each text led by its length, numbers
/// and flags as their text.
fn write(value: &Value, hash: &mut Sha256) {
    let mut text = |mark: u8, text: &str| {
        hash.update([mark]);
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text);
    };
    match value {
        Value::Null => hash.update(b"n"),
        Value::Bool(flag) => text(b't', if *flag { "1" } else { "0" }),
        Value::Number(number) => text(b't', &number.to_string()),
        Value::String(string) => text(b't', string),
        Value::Array(items) => {
            text(b'l', &items.len().to_string());
            items.iter().for_each(|item| write(item, hash));
        }
        Value::Object(object) => {
            text(b'o', &object.len().to_string());
            let mut names: Vec<_> = object.keys().collect();
            names.sort_unstable();
            for name in names {
                hash.update((name.len() as u64).to_be_bytes());
                hash.update(name);
                write(&object[name], hash);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hashed(value: &Value) -> Vec<u8> {
        let mut hash = Sha256::new();
        write(value, &mut hash);
        hash.finalize().to_vec()
    }

    #[test]
    fn the_encoding_does_not_matter_and_the_content_does() {
        let one = hashed(&json!({ "a": 1, "b": ["x", true], "c": { "d": "e" } }));
        assert_eq!(one, hashed(&json!({ "c": { "d": "e" }, "b": ["x", "1"], "a": "1" })));
        for other in [
            json!({ "a": 2, "b": ["x", true], "c": { "d": "e" } }),
            json!({ "a": 1, "b": ["x", "y", true], "c": { "d": "e" } }),
            json!({ "a": 1, "b": ["xy", true], "c": { "d": "e" } }),
            json!({ "a": 1, "b": ["x", true], "c": { "e": "d" } }),
            json!({ "a": 1, "b": ["x", true], "c": null }),
            json!({ "a": 1, "b": ["x", true] }),
        ] {
            assert_ne!(one, hashed(&other), "{other}");
        }
    }

    #[test]
    fn log_ins_are_left_out() {
        assert!(applies(&Method::POST, "/api_v3/visits/{id}"));
        assert!(!applies(&Method::GET, "/api_v3/visits/{id}"));
        assert!(!applies(&Method::POST, "/vc/next/api_v3/users/sso"));
    }
}
