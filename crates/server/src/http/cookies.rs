//! Session cookies, one per kind of person, so that one browser can be patient,
//! provider and admin at once.

use axum::http::{HeaderMap, HeaderValue, header};
use bedside_model::user::SessionKind;

/// How long a browser keeps a session cookie; the session itself may end sooner.
const MAX_AGE_S: u32 = 86_400;

/// Name of a kind's cookie.
pub const fn name(kind: SessionKind) -> &'static str {
    match kind {
        SessionKind::Patient => "bedside_patient",
        SessionKind::Provider => "bedside_provider",
        SessionKind::Admin => "bedside_admin",
    }
}

/// The value of a kind's cookie, if the request carries it.
pub fn find(headers: &HeaderMap, kind: SessionKind) -> Option<String> {
    pairs(headers).find(|(key, _)| *key == name(kind)).map(|(_, value)| value.to_owned())
}

/// The request carries a session cookie of any kind.
pub fn any(headers: &HeaderMap) -> bool {
    pairs(headers).any(|(key, _)| SessionKind::ALL.iter().any(|kind| name(*kind) == key))
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(_, value)| !value.is_empty())
}

/// `Set-Cookie` that gives a kind its session. `value` is hexadecimal.
pub fn set(kind: SessionKind, value: &str, https: bool) -> HeaderValue {
    line(kind, value, MAX_AGE_S, https)
}

/// `Set-Cookie` that takes a kind's session away.
pub fn clear(kind: SessionKind, https: bool) -> HeaderValue {
    line(kind, "", 0, https)
}

fn line(kind: SessionKind, value: &str, max_age_s: u32, https: bool) -> HeaderValue {
    let secure = if https { "; Secure" } else { "" };
    let text = format!("{}={value}; Path=/; Max-Age={max_age_s}; HttpOnly; SameSite=Lax{secure}", name(kind));
    HeaderValue::from_str(&text).expect("cookie names and hexadecimal values are plain ASCII")
}
