//! The request log: [`layer`] notes every call that reached an operation,
//! `GET /request_log` lets a portal's developers search it.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use axum::{
    extract::{MatchedPath, Request as HttpRequest, State},
    http::{HeaderMap, request::Parts},
    middleware::Next,
    response::Response,
};
use bedside_app::{
    Actor, App,
    request_log::{self, List, NewRequest, Noted, Request as Kept},
};
use bedside_model::{UserId, VisitId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Api,
    auth::{self, Caller},
    envelope::Data,
    error::ApiError,
    extract::{Id, Int, Request, Text},
};
use crate::http::RequestId;

/// Who the call turned out to be by, for the log.
#[derive(Clone, Debug, Default)]
pub(super) struct CallerOfLog(Arc<OnceLock<Actor>>);

impl CallerOfLog {
    /// The credentials were good.
    pub(super) fn set(&self, actor: &Actor) {
        // Of several extractors the first one speaks.
        let _ = self.0.set(actor.clone());
    }
}

/// Notes the call when it is answered, or given up.
pub(super) async fn layer(State(api): State<Api>, request: HttpRequest, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let caller = CallerOfLog::default();
    parts.extensions.insert(caller.clone());
    let mut call = Call::of(api.app, caller, &parts);
    let response = next.run(HttpRequest::from_parts(parts, body)).await;
    call.status = response.status().as_u16().into();
    if let Some(error) = response.extensions().get::<ApiError>() {
        (call.error, call.fields) = error.name_and_fields();
    }
    response
}

/// A call on its way. Dropped without an answer it is noted as such: nobody
/// waited for it, or it took too long.
struct Call {
    app: App,
    caller: CallerOfLog,
    started: Instant,
    request_id: String,
    method: String,
    route: String,
    visit: Option<VisitId>,
    account_code: Option<String>,
    hint: String,
    status: i64,
    error: String,
    fields: Vec<String>,
}

impl Call {
    #[expect(clippy::disallowed_methods, reason = "the stopwatch of the log")]
    fn of(app: App, caller: CallerOfLog, parts: &Parts) -> Self {
        let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
        let request_id = parts.extensions.get::<RequestId>().map(RequestId::as_str).unwrap_or_default();
        Self {
            app,
            caller,
            started: Instant::now(),
            request_id: request_id.to_owned(),
            method: parts.method.to_string(),
            route: route.to_owned(),
            visit: visit_of(route, parts.uri.path()),
            account_code: auth::text(&parts.headers, "x-accountcode"),
            hint: hint(&parts.headers),
            status: 0,
            error: "unanswered".to_owned(),
            fields: Vec::new(),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let actor = self.caller.0.get();
        let answered = self.status != 0;
        let error = std::mem::take(&mut self.error);
        let error = if answered && error == "unanswered" { String::new() } else { error };
        let took_us = i64::try_from(self.started.elapsed().as_micros()).unwrap_or(i64::MAX);
        self.app.requests.note(Noted {
            request: NewRequest {
                account: actor
                    .map_or_else(bedside_app::credentials::no_account, |actor| actor.account.clone()),
                request_id: std::mem::take(&mut self.request_id),
                at: self.app.clock.now(),
                method: std::mem::take(&mut self.method),
                route: std::mem::take(&mut self.route),
                status: self.status,
                error,
                fields: std::mem::take(&mut self.fields),
                credential: actor.map_or("", Actor::credential).to_owned(),
                hint: std::mem::take(&mut self.hint),
                user: actor.and_then(Actor::signer),
                visit: self.visit,
                took_us,
            },
            account_code: self.account_code.take(),
        });
    }
}

/// The last four characters of what was shown; of short ones nothing.
fn hint(headers: &HeaderMap) -> String {
    let shown = ["x-apitoken", "x-apikey"].into_iter().find_map(|name| auth::text(headers, name));
    let shown: Vec<char> = shown.unwrap_or_default().chars().collect();
    if shown.len() < 16 { String::new() } else { shown[shown.len() - 4..].iter().collect() }
}

/// The visit that a path names, by its route's template. They are laid side by
/// side from their ends: the path may have lost its prefix on the way.
fn visit_of(route: &str, path: &str) -> Option<VisitId> {
    let mut parts = route.rsplit('/').zip(path.rsplit('/'));
    let (_, id) = parts.find(|(name, _)| *name == "{id}")?;
    let of_visits = parts.next().is_some_and(|(name, _)| name == "visits");
    id.parse().ok().filter(|_| of_visits)
}

/// Which requests.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RequestLogQuery {
    /// The `request_id` of an answer (header `X-Request-Id`).
    #[param(value_type = Option<String>)]
    request_id: Option<Text<64>>,
    /// Calls of this user.
    #[param(value_type = Option<String>)]
    user_id: Option<Id>,
    /// Calls of the user whom the portal knows by this `code`.
    #[param(value_type = Option<String>)]
    user_code: Option<Text<128>>,
    /// Calls that name this visit, or changed it.
    #[param(value_type = Option<String>)]
    visit_id: Option<Id>,
    /// Answered with this HTTP status.
    #[param(value_type = Option<i64>)]
    status: Option<Int>,
    /// Answered with this `error`.
    #[param(value_type = Option<String>)]
    error: Option<Text<64>>,
    /// The `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<Int>,
    /// Rows to give, at most 200.
    #[param(value_type = Option<i64>)]
    limit: Option<Int>,
}

/// One request. It has no bodies, no values and no names.
#[derive(Debug, Serialize, ToSchema)]
pub struct LoggedRequest {
    /// As the answer's `X-Request-Id` said.
    request_id: String,
    /// When it was answered, UNIX milliseconds.
    at_ms: i64,
    method: String,
    /// The route's template.
    route: String,
    /// HTTP status; 0 when nobody waited for the answer, or it took too long.
    status: i64,
    /// The stable name of the error; null without one.
    error: Option<String>,
    /// The fields that the error blames.
    fields: Vec<String>,
    /// `anonymous`, `api_key`, `admin_token`, `token` or `session`; empty when it
    /// was refused.
    credential: String,
    /// The last four characters of the token or key that was shown.
    credential_hint: String,
    user_id: Option<String>,
    /// The portal's own identifier of the user.
    user_code: Option<String>,
    /// The visit that the path names.
    visit_id: Option<String>,
    /// Milliseconds until the answer began.
    took_ms: f64,
}

impl From<Kept> for LoggedRequest {
    fn from(kept: Kept) -> Self {
        let request = kept.request;
        Self {
            request_id: request.request_id,
            at_ms: request.at.0,
            method: request.method,
            route: request.route,
            status: request.status,
            error: Some(request.error).filter(|error| !error.is_empty()),
            fields: request.fields,
            credential: request.credential,
            credential_hint: request.hint,
            user_id: request.user.map(|id| id.to_string()),
            user_code: kept.user_code.filter(|code| !code.is_empty()),
            visit_id: request.visit.map(|id| id.to_string()),
            took_ms: request.took_us as f64 / 1_000.0,
        }
    }
}

/// A page of the request log.
#[derive(Debug, Serialize, ToSchema)]
pub struct RequestLogPage {
    /// Newest first.
    requests: Vec<LoggedRequest>,
    /// Send it as `after` for older ones; null at the end.
    next: Option<String>,
}

/// The clinic's requests of the last seven days, newest first; at most the
/// newest 100,000.
#[utoipa::path(get, path = "/request_log", tag = "developers", operation_id = "request_log::list",
    params(RequestLogQuery), responses((status = 200, body = Data<RequestLogPage>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(query): Request<RequestLogQuery>,
) -> Result<Data<RequestLogPage>, ApiError> {
    let list = List {
        request_id: query.request_id.and_then(Text::filled),
        user: query.user_id.map(|id| UserId(id.0)),
        user_code: query.user_code.and_then(Text::filled),
        visit: query.visit_id.map(|id| VisitId(id.0)),
        status: query.status.map(|status| status.0),
        error: query.error.and_then(Text::filled),
        after: query.after.map(|after| after.0),
        limit: query.limit.map(|limit| limit.0),
    };
    let page = request_log::list(&app, &actor, list).await?;
    let requests = page.requests.into_iter().map(LoggedRequest::from).collect();
    Ok(super::envelope::data(RequestLogPage { requests, next: page.next.map(|n| n.to_string()) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_visit() {
        let of = |route, path| visit_of(route, path).map(|id| id.0);
        assert_eq!(of("/api_v3/visits/{id}/call", "/api_v3/visits/17/call"), Some(17));
        assert_eq!(of("/api_v3/visits/{id}", "/visits/17"), Some(17));
        assert_eq!(of("/visits/{id}", "/visits/x"), None);
        assert_eq!(of("/users/{id}/visits", "/users/17/visits"), None);
        assert_eq!(of("/rooms/{id}", "/rooms/17"), None);
    }

    #[test]
    fn short_secrets_give_nothing_away() {
        let mut headers = HeaderMap::new();
        assert_eq!(hint(&headers), "");
        headers.insert("x-apitoken", "short".parse().unwrap());
        assert_eq!(hint(&headers), "");
        headers.insert("x-apitoken", "0123456789abcdef".parse().unwrap());
        assert_eq!(hint(&headers), "cdef");
    }
}
