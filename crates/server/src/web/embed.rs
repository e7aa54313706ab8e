//! Calls inside the pages of others: who may show a call's page in a frame, and
//! how the script that drives it (`/sdk/external_api.min.js`) is handed out.

use axum::{
    Json,
    extract::{Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bedside_app::meetings;
use serde::Deserialize;
use serde_json::json;

use super::Web;
use crate::http::Client;

/// The script's name stays while its content changes with a release: an hour,
/// and a day more while a new one is fetched.
pub(super) const SCRIPT_CACHING: &str = "public, max-age=3600, stale-while-revalidate=86400";

/// The meeting of a call's page.
pub(super) fn meeting(path: &str) -> Option<&str> {
    let meeting = path.trim_end_matches('/').strip_prefix("call/")?;
    (!meeting.is_empty() && !meeting.contains('/')).then_some(meeting)
}

/// Origins whose pages may show a meeting's page. Not knowing means nobody.
pub(super) async fn list(web: &Web, client: &Client, meeting: &str) -> Vec<String> {
    if (web.gate)(client.addr).is_some() {
        return Vec::new();
    }
    meetings::list_embedders(&web.app, meeting).await.unwrap_or_else(|error| {
        tracing::warn!(?error, "who may embed a call could not be read");
        Vec::new()
    })
}

/// Any page may load it.
pub(super) fn open_to_all(headers: &mut HeaderMap) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("cross-origin"),
    );
}

#[derive(Deserialize)]
pub(super) struct Asked {
    meeting: String,
}

/// May the asking page show this meeting? A browser tells a page nothing of why
/// a frame stayed empty; this lets the script say it in words.
pub(super) async fn embeds(
    State(web): State<Web>,
    client: Client,
    headers: HeaderMap,
    Query(asked): Query<Asked>,
) -> Response {
    if let Some(seconds) = (web.gate)(client.addr) {
        let mut response = (StatusCode::TOO_MANY_REQUESTS, "Too many requests.\n").into_response();
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        open_to_all(response.headers_mut());
        return response;
    }
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).unwrap_or_default();
    let allowed = list(&web, &client, &asked.meeting).await.iter().any(|known| known == origin);
    let mut response = Json(json!({ "allowed": allowed })).into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
    open_to_all(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use super::meeting;

    #[test]
    fn only_the_pages_of_calls_have_a_meeting() {
        assert_eq!(meeting("call/1_a__jitsi"), Some("1_a__jitsi"));
        assert_eq!(meeting("call/1_a__jitsi/"), Some("1_a__jitsi"));
        for other in ["call", "call/", "call/a/b", "calls/a", "visits/start/1"] {
            assert_eq!(meeting(other), None, "{other}");
        }
    }
}
