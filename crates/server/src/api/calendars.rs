//! Appointments for other programs' calendars: one as a file, all of them under
//! a private address at the server's root, where calendars follow them.

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts},
    middleware,
    response::{IntoResponse, Response},
    routing,
};
use bedside_app::{App, Error, calendars};
use bedside_model::Phi;
use serde::Serialize;
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::ToSchema;

use super::{
    Api, BaseUrl,
    auth::{Caller, VisitCaller},
    envelope::{Data, data},
    error::{ApiError, envelope, of_panic},
    etag,
    extract::Path,
    limits::Charged,
};
use crate::http::{Client, remember_route};

/// Media type of a calendar.
const CALENDAR: &str = "text/calendar; charset=utf-8";

/// Where a calendar of one's own is followed.
#[derive(Serialize, ToSchema)]
pub struct CalendarAddress {
    /// Private: whoever has it sees when the appointments are.
    #[schema(example = "https://clinic.example/calendars/0f1e2d3c4b5a69788796a5b4c3d2e1f0.ics")]
    url: String,
}

impl CalendarAddress {
    fn of(secret: &Phi<String>, base: &BaseUrl) -> Data<Self> {
        data(Self { url: format!("{}/calendars/{}.ics", base.0, secret.reveal()) })
    }
}

/// An appointment as a file for the caller's calendar (iCalendar). It asks to be
/// taken in, or out once the appointment was called off.
#[utoipa::path(get, path = "/visits/{id}/calendar.ics", tag = "visits", operation_id = "calendars::visit",
    params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, description = "The calendar file.", content_type = "text/calendar", body = String)))]
pub async fn visit(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let id = id.parse().map_err(|_| Error::not_found("visit"))?;
    let text = calendars::visit(&app, &actor, id).await?;
    let name = HeaderValue::from_static("attachment; filename=\"visit.ics\"");
    let kind = HeaderValue::from_static(CALENDAR);
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], text).into_response())
}

/// The private address of the caller's own calendar, for programs that follow
/// calendars. The first call makes it.
#[utoipa::path(get, path = "/users/-/calendar", tag = "users", operation_id = "calendars::get",
    responses((status = 200, body = Data<CalendarAddress>)))]
pub async fn get(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
) -> Result<Data<CalendarAddress>, ApiError> {
    Ok(CalendarAddress::of(&calendars::get(&app, &actor).await?, &base))
}

/// Gives the caller's calendar another address. The old one leads nowhere from
/// then on.
#[utoipa::path(post, path = "/users/-/calendar/rotate", tag = "users", operation_id = "calendars::rotate",
    responses((status = 200, body = Data<CalendarAddress>)))]
pub async fn rotate(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
) -> Result<Data<CalendarAddress>, ApiError> {
    Ok(CalendarAddress::of(&calendars::rotate(&app, &actor).await?, &base))
}

/// The calendars themselves. Their addresses are no part of the API: programs
/// that follow calendars send no headers of ours.
pub fn at_root(api: Api) -> Router {
    Router::new()
        .route("/calendars/{file}", routing::get(feed))
        .route_layer(middleware::from_fn(remember_route))
        .layer(CatchPanicLayer::custom(of_panic))
        .layer(middleware::from_fn(envelope))
        .with_state(api)
}

/// The calendar under an address; addresses that lead nowhere count against the
/// client's network address.
async fn feed(State(api): State<Api>, Path(file): Path<String>, parts: Parts) -> Result<Response, ApiError> {
    let client = Client::of_request(&parts);
    api.limits.door(client.addr).map_err(ApiError::limited)?;
    let found = match file.strip_suffix(".ics").filter(|secret| secret.len() == 32) {
        Some(secret) => calendars::feed(&api.app, secret).await,
        None => Err(Error::not_found("calendar")),
    };
    if matches!(found, Err(Error::NotFound(_))) {
        api.limits.refused(client.addr, &Charged::of(&parts.extensions))?;
    }
    Ok(answer(&parts.headers, found?))
}

/// Nothing changed is a 304: programs ask every hour or so.
fn answer(known: &HeaderMap, text: String) -> Response {
    let tag = etag::tag(text.as_bytes());
    let unchanged = etag::matches(known, &tag);
    let mut headers = HeaderMap::new();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if unchanged {
        return (StatusCode::NOT_MODIFIED, headers).into_response();
    }
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(CALENDAR));
    (headers, text).into_response()
}
