//! `/auth`: a portal sends a person's browser here with a token; the person
//! goes on to `next` with a session cookie, and the token is gone from the
//! address. Whoever cannot come in sees the way back to the portal, never a
//! password form.

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bedside_app::sessions::{self, Arrival, Opened, Refused};
use bedside_model::user::SessionKind;

use super::{
    Portal, Web,
    notice::{self, Link, notice},
};
use crate::http::{Client, RequestId, cookies, device};

/// The query of `/auth`, read leniently: portals build it by hand.
#[derive(Default)]
struct Query {
    next: Option<String>,
    arrival: Arrival,
}

impl Query {
    fn read(query: &str) -> Self {
        let mut read = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let flag = matches!(&*value, "1" | "true");
            match &*name {
                "sso_token" => read.arrival.sso_token = value.into_owned(),
                "next" => read.next = Some(value.into_owned()),
                "disable_navigation" => read.arrival.disable_navigation = flag,
                "return_url" => read.arrival.return_url = Some(value.into_owned()),
                "invalidate_token" | "once" => read.arrival.invalidate_token = flag,
                "disable_emails" | "disable_email" => read.arrival.disable_emails = flag,
                _ => {}
            }
        }
        read
    }
}

/// The route.
pub(super) async fn auth(
    State(web): State<Web>,
    Extension(Portal(portal)): Extension<Portal>,
    client: Client,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    axum::extract::RawQuery(query): axum::extract::RawQuery,
) -> Response {
    if let Some(seconds) = (web.gate)(client.addr) {
        return notice::busy(seconds);
    }
    let mut query = Query::read(&query.unwrap_or_default());
    query.arrival.request_id = id.as_str().to_owned();
    query.arrival.address = client.addr.to_string();
    query.arrival.device = device::of_headers(&headers);
    match sessions::open_from_sso_token(&web.app, query.arrival).await {
        Ok(opened) => welcome(&opened, &portal, query.next.as_deref(), client.https),
        Err(refused) => way_back(&refused),
    }
}

fn welcome(opened: &Opened, portal: &str, next: Option<&str>, https: bool) -> Response {
    let kind = opened.cookie.kind;
    let to = below(portal, next.filter(|next| is_safe(next)).unwrap_or_else(|| home(kind)));
    let Ok(location) = HeaderValue::from_str(&to) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let mut response = StatusCode::SEE_OTHER.into_response();
    let headers = response.headers_mut();
    headers.insert(header::LOCATION, location);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.append(header::SET_COOKIE, cookies::set(kind, &opened.cookie.value, https));
    response
}

/// A page below the portal's path that `/auth` was called under (core.md 6);
/// some portals name that path themselves.
fn below(portal: &str, page: &str) -> String {
    let named = page.strip_prefix(portal).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if named { page.to_owned() } else { format!("{portal}{page}") }
}

/// Where a kind of person goes without a `next`.
const fn home(kind: SessionKind) -> &'static str {
    match kind {
        SessionKind::Patient => "/",
        SessionKind::Provider => "/providers/dashboard",
        SessionKind::Admin => "/",
    }
}

/// A path on this server: one leading slash, no backslash (browsers read it as
/// a slash), nothing that could end a header.
fn is_safe(next: &str) -> bool {
    next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

fn way_back(refused: &Refused) -> Response {
    use bedside_app::Error as E;
    let (status, title, sentence) = match &refused.error {
        E::Unauthorized(_) => (
            StatusCode::UNAUTHORIZED,
            "This link has expired",
            "Nothing is lost. Go back to where you came from and open your visit from there again.",
        ),
        E::Forbidden(_) => {
            (StatusCode::FORBIDDEN, "This login is switched off", "Ask the clinic to switch it on again.")
        }
        error => {
            tracing::error!(?error, "an arrival failed");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "We cannot sign you in right now",
                "Nothing is lost. Wait a moment and open the link again.",
            )
        }
    };
    let label = refused.account.as_ref().map(|account| format!("Back to {}", account.portal_name));
    let link = match (&refused.return_url, &label) {
        (Some(href), Some(label)) => Some(Link { href, label }),
        _ => None,
    };
    notice(status, title, sentence, link)
}

#[cfg(test)]
mod tests {
    use super::{below, is_safe};

    #[test]
    fn pages_stay_below_the_portal() {
        for (portal, page, to) in [
            ("", "/u/x", "/u/x"),
            ("/vc/next", "/u/x", "/vc/next/u/x"),
            ("/vc/next", "/", "/vc/next/"),
            ("/vc/next", "/vc/next/u/x", "/vc/next/u/x"),
            ("/vc/next", "/vc/nextstop", "/vc/next/vc/nextstop"),
        ] {
            assert_eq!(below(portal, page), to, "{portal} {page}");
        }
    }

    #[test]
    fn next_stays_on_this_server() {
        for good in ["/", "/u/walk-in", "/visits/start/7?a=b#c"] {
            assert!(is_safe(good), "{good}");
        }
        for bad in ["", "u/x", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nb", "/ü"]
        {
            assert!(!is_safe(bad), "{bad}");
        }
    }
}
