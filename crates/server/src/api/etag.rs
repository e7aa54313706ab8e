//! Conditional reads for clients that poll: a `GET` that answers JSON carries a
//! weak `ETag`; asked again with it in `If-None-Match`, the same content is a
//! 304 without a body. Also says what may be cached: nothing without asking.

use axum::{
    body::{Body, HttpBody, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::Response,
};
use sha2::{Digest, Sha256};

/// Longer answers are not looked at; no list is as long.
const MAX_ANSWER: u64 = 16 * 1024 * 1024;

/// The layer.
pub async fn layer(request: Request, next: Next) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let known = (*request.method() == Method::GET).then(|| request.headers().clone());
    let response = next.run(request).await;
    let response = match known {
        Some(known) if is_json(&response) => tagged(&known, response).await,
        _ => response,
    };
    cacheable(response, is_read)
}

/// Answers hold people's data: browsers may keep what was read, but must ask
/// each time; everything else is not kept at all.
fn cacheable(mut response: Response, is_read: bool) -> Response {
    let fresh = matches!(response.status(), StatusCode::OK | StatusCode::NOT_MODIFIED);
    let word = if is_read && fresh { "private, no-cache" } else { "no-store" };
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static(word));
    response
}

/// A whole JSON answer: no stream, no file, no error.
fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let json = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    let whole = response.body().size_hint().exact().is_some_and(|size| size <= MAX_ANSWER);
    response.status() == StatusCode::OK && json && whole
}

async fn tagged(known: &HeaderMap, response: Response) -> Response {
    let (mut head, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        head.status = StatusCode::INTERNAL_SERVER_ERROR;
        return Response::from_parts(head, Body::empty());
    };
    let tag = tag(&bytes);
    let unchanged = matches(known, &tag);
    if let Ok(value) = HeaderValue::from_str(&tag) {
        head.headers.insert(header::ETAG, value);
    }
    if !unchanged {
        return Response::from_parts(head, Body::from(bytes));
    }
    head.status = StatusCode::NOT_MODIFIED;
    head.headers.remove(header::CONTENT_TYPE);
    head.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(head, Body::empty())
}

/// Weak: the bytes on the way may be compressed.
pub(super) fn tag(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let hex = data_encoding::HEXLOWER.encode(&digest[..16]);
    format!("W/\"{hex}\"")
}

/// One of the tags that the client knows, by weak comparison (RFC 9110, 8.8.3.2
/// and 13.1.2), or `*`.
pub(super) fn matches(known: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    known
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .any(|one| one.trim() == "*" || opaque(one) == opaque(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knows(sent: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for value in sent {
            headers.append(header::IF_NONE_MATCH, HeaderValue::from_static(value));
        }
        matches(&headers, "W/\"ab\"")
    }

    #[test]
    fn tags_are_compared_weakly() {
        for sent in [&["W/\"ab\""][..], &["\"ab\""], &["\"x\", W/\"ab\""], &["\"x\"", "\"ab\""], &["*"]] {
            assert!(knows(sent), "{sent:?}");
        }
        for sent in [&[][..], &["\"abc\""], &["ab"], &["W/\"a\", \"b\""]] {
            assert!(!knows(sent), "{sent:?}");
        }
    }
}
