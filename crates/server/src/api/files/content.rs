//! Content on its way out, behind a signed link: as it is, as a smaller
//! picture, or a part of it for players that ask for parts.

use std::ops::Range;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use bedside_app::{
    Error,
    files::{self, Content, Link},
};
use bedside_model::{FileId, file};
use futures_util::TryStreamExt;
use serde::Deserialize;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::IntoParams;

use super::{
    super::{
        Api,
        error::{ApiError, envelope, of_panic},
        limits::Charged,
    },
    view,
};
use crate::http::{Client, remember_route};

/// The signature of a link, and the size that is wanted.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ViewQuery {
    /// As in `fullpath`.
    auth_code: Option<String>,
    /// As in `fullpath`.
    time: Option<String>,
    /// Width and height that a picture is to fit into, as in `320x240`.
    size: Option<String>,
}

impl ViewQuery {
    fn of(parts: &Parts) -> Self {
        let mut query = Self::default();
        for (name, value) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            match name.as_ref() {
                "auth_code" => query.auth_code = Some(value.into_owned()),
                "time" => query.time = Some(value.into_owned()),
                "size" => query.size = Some(value.into_owned()),
                _ => {}
            }
        }
        query
    }

    /// Does the request bring a signature, good or bad?
    pub(super) fn is_signed(parts: &Parts) -> bool {
        let query = Self::of(parts);
        query.auth_code.is_some() && query.time.is_some()
    }
}

/// [`view`] outside of the API, where `fullpath` leads.
pub fn at_root(api: Api) -> Router {
    Router::new()
        .route("/files/view/{id}", get(view))
        .route_layer(middleware::from_fn(remember_route))
        .layer(CatchPanicLayer::custom(of_panic))
        .layer(middleware::from_fn(envelope))
        .with_state(api)
}

/// Answers the content; refused links count against the client's address.
pub(super) async fn send(api: &Api, id: &FileId, parts: &Parts) -> Result<Response, ApiError> {
    let query = ViewQuery::of(parts);
    let size = match query.size.as_deref().map(str::trim).filter(|size| !size.is_empty()) {
        Some(size) => Some(file::parse_size(size).ok_or_else(|| {
            ApiError::field("size", "must be width and height such as 320x240, at most 4096 each")
        })?),
        None => None,
    };
    let link = Link {
        id: id.clone(),
        // A time that is no number has no signature either.
        time: query.time.and_then(|time| time.parse().ok()).unwrap_or(i64::MIN),
        auth_code: query.auth_code.unwrap_or_default(),
    };
    match files::open(&api.app, &link, size).await {
        Ok(content) => answer(&content, size.is_some(), parts).await,
        Err(error) => {
            if matches!(error, Error::Forbidden(_) | Error::NotFound(_)) {
                let client = Client::of_request(parts);
                api.limits.refused(client.addr, &Charged::of(&parts.extensions))?;
            }
            Err(error.into())
        }
    }
}

pub(in super::super) async fn answer(
    content: &Content,
    resized: bool,
    parts: &Parts,
) -> Result<Response, ApiError> {
    let tag = format!("\"{}{}\"", content.id, if resized { "-small" } else { "" });
    let mut headers = headers(content, &tag);
    if known(&parts.headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let whole = 0..content.length;
    let part = range(&parts.headers, &tag, content.length);
    let range = part.clone().unwrap_or(whole);
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    let status = match part {
        Some(part) => {
            let told = format!("bytes {}-{}/{}", part.start, part.end - 1, content.length);
            headers.insert(header::CONTENT_RANGE, text(&told));
            StatusCode::PARTIAL_CONTENT
        }
        None => StatusCode::OK,
    };
    let id = content.id.clone();
    let body = content.stream(range).await?.inspect_err(move |error| {
        tracing::error!(?error, file = %id, "the content of a file broke off");
    });
    Ok((status, headers, Body::from_stream(body)).into_response())
}

fn headers(content: &Content, tag: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let mut set = |name, value: &str| headers.insert(name, text(value));
    set(header::CONTENT_TYPE, content.kind.media_type());
    set(header::CONTENT_DISPOSITION, &disposition(content));
    set(header::ETAG, tag);
    set(header::ACCEPT_RANGES, "bytes");
    set(header::CACHE_CONTROL, &format!("private, max-age={}", content.good_for_s));
    // Whatever a browser makes of it, it runs nothing and reaches nothing. A
    // sandbox would also switch off the browser's own viewer of PDFs.
    let policy = match content.kind {
        file::Kind::Pdf => "frame-ancestors 'self'",
        _ => "default-src 'none'; frame-ancestors 'self'; sandbox",
    };
    set(header::CONTENT_SECURITY_POLICY, policy);
    headers
}

/// `inline; filename="arm.jpg"; filename*=UTF-8''arm.jpg` (RFC 6266, RFC 8187).
fn disposition(content: &Content) -> String {
    let how = if content.kind.is_shown() { "inline" } else { "attachment" };
    let name = file::clean_name(content.name.reveal(), content.kind);
    let extension = file::extension(&name, content.kind);
    let ending = format!(".{extension}");
    let name = if name.to_ascii_lowercase().ends_with(&ending) { name } else { name + &ending };
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_graphic() && !"\"\\%".contains(c) || c == ' ' { c } else { '_' })
        .collect();
    let encoded: String = name
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect();
    format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

/// Made of ASCII alone, so that it is always a header.
fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static(""))
}

/// Does the client have it already?
fn known(headers: &HeaderMap, tag: &str) -> bool {
    let sent = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    sent.flat_map(|list| list.split(',')).any(|one| {
        let one = one.trim();
        one == "*" || one.trim_start_matches("W/") == tag
    })
}

/// The one range that is asked for. What cannot be read, several ranges, and
/// ranges beyond the end are answered with the whole (RFC 9110, 14.2).
fn range(headers: &HeaderMap, tag: &str, length: u64) -> Option<Range<u64>> {
    if headers.get(header::IF_RANGE).is_some_and(|known| known.as_bytes() != tag.as_bytes()) {
        return None;
    }
    let asked = headers.get(header::RANGE)?.to_str().ok()?;
    let (first, last) = asked.strip_prefix("bytes=")?.split_once('-')?;
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u64>().ok().filter(|_| digits)
    };
    let range = match (first.trim(), last.trim()) {
        ("", last) => length.saturating_sub(number(last)?)..length,
        (first, "") => number(first)?..length,
        (first, last) => number(first)?..number(last)?.saturating_add(1).min(length),
    };
    (range.start < range.end).then_some(range)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range_: &'static str, length: u64) -> Option<Range<u64>> {
        let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static(range_))]);
        range(&headers, "\"t\"", length)
    }

    #[test]
    fn one_range_is_a_part_and_anything_else_the_whole() {
        for (text, wanted) in [
            ("bytes=0-1", Some(0..2)),
            ("bytes=5-", Some(5..10)),
            ("bytes=-3", Some(7..10)),
            ("bytes=-30", Some(0..10)),
            ("bytes=0-99999999999999999999", None),
            ("bytes=0-18446744073709551615", Some(0..10)),
            ("bytes=9-9", Some(9..10)),
            ("bytes=10-", None),
            ("bytes=5-4", None),
            ("bytes=0-1,3-4", None),
            ("bytes=-", None),
            ("bytes=-0", None),
            ("bytes=+1-2", None),
            ("lines=0-1", None),
            ("bytes", None),
        ] {
            assert_eq!(asked(text, 10), wanted, "{text}");
        }
        assert_eq!(asked("bytes=0-", 0), None);
    }

    #[test]
    fn a_part_of_another_content_is_not_mixed_in() {
        let of = |tag| {
            let headers = HeaderMap::from_iter([
                (header::RANGE, HeaderValue::from_static("bytes=0-1")),
                (header::IF_RANGE, HeaderValue::from_static(tag)),
            ]);
            range(&headers, "\"t\"", 10)
        };
        assert_eq!(of("\"t\""), Some(0..2));
        assert_eq!(of("\"other\""), None);
    }
}
