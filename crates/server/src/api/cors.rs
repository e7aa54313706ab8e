//! Calls from pages of other origins (CORS). A clinic lists the origins it
//! trusts; the browser's question beforehand carries no credentials, so it is
//! answered for the origins of all clinics, and the answer itself is readable
//! only for an origin that the caller's own clinic lists. Cookies never count
//! across origins: no answer allows credentials.

use std::sync::{Arc, OnceLock};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use bedside_app::accounts::OriginTable;
use bedside_model::AccountId;

use super::Api;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, DELETE");
/// Headers that such a page may send: those of core.md 1.3 and of a repeated or
/// conditional request. `X-Session-Kind` is missing on purpose.
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "content-type, x-accountcode, x-apitoken, x-apikey, x-apisecret, x-linktoken, x-roomcode, idempotency-key, \
     if-none-match, x-request-id, last-event-id",
);
/// Headers of answers that such a page may read.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "retry-after, ratelimit, ratelimit-policy, etag, x-request-id, idempotency-replayed",
);
/// How long a browser may remember the answer beforehand, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Whose clinic it is, told by the credentials while the request runs.
#[derive(Clone, Debug, Default)]
pub(super) struct CallerAccount(Arc<OnceLock<AccountId>>);

impl CallerAccount {
    /// The credentials were good, and belong to this clinic.
    pub(super) fn set(&self, account: &AccountId) {
        // Of several extractors the first one speaks.
        let _ = self.0.set(account.clone());
    }
}

/// The layer.
pub(super) async fn cors(State(api): State<Api>, mut request: Request, next: Next) -> Response {
    let Some(origin) = request.headers().get(header::ORIGIN).cloned() else {
        return with_vary(next.run(request).await);
    };
    let table = match api.app.origins.table(&api.app).await {
        Ok(table) => table,
        Err(error) => {
            tracing::warn!(?error, "the clinics' origins could not be read");
            Arc::default()
        }
    };
    if is_question(&request) && origin.to_str().is_ok_and(|origin| table.any(origin)) {
        return with_vary(answer_beforehand(&origin));
    }
    let caller = CallerAccount::default();
    request.extensions_mut().insert(caller.clone());
    let named = request.headers().get("x-accountcode").and_then(|code| code.to_str().ok());
    let named = named.map(|code| code.trim().to_owned());
    let mut response = with_vary(next.run(request).await);
    if allows(&table, &caller, named.as_deref(), &origin) {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
    response
}

/// The caller's clinic decides. A refusal has no caller yet: then the clinic
/// that the request names does, so that a page can read why it was refused.
fn allows(table: &OriginTable, caller: &CallerAccount, named: Option<&str>, origin: &HeaderValue) -> bool {
    let Ok(origin) = origin.to_str() else { return false };
    match (caller.0.get(), named) {
        (Some(account), _) => table.allows(account, origin),
        (None, Some(code)) => table.allows_code(code, origin),
        (None, None) => false,
    }
}

/// The browser's question before the call. For origins that nobody lists it
/// goes on, to be refused like any other method that a path does not take.
fn is_question(request: &Request) -> bool {
    *request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

fn answer_beforehand(origin: &HeaderValue) -> Response {
    let headers = HeaderMap::from_iter([
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone()),
        (header::ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS),
        (header::ACCESS_CONTROL_MAX_AGE, MAX_AGE),
    ]);
    (StatusCode::OK, headers).into_response()
}

/// What an answer allows depends on who asks.
fn with_vary(mut response: Response) -> Response {
    response.headers_mut().append(header::VARY, HeaderValue::from_static("origin"));
    response
}
