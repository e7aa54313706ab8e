//! Closures on the wire: holidays and leave.

use axum::extract::State;
use bedside_app::{App, closures};
use bedside_model::{At, UserId, availability::Span};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::Caller,
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Id, Int, Path, Request, Text},
};

/// A closure to add.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ClosureRequest {
    /// Code or slug of the room; else every room.
    room_code: Option<Text<128>>,
    /// The provider; else everybody.
    provider_id: Option<Id>,
    /// UNIX seconds.
    start: Int,
    /// UNIX seconds.
    end: Int,
    /// For staff only.
    reason: Option<Text<500>>,
}

/// A closure.
#[derive(Debug, Serialize, ToSchema)]
pub struct Closure {
    id: String,
    room_code: Option<String>,
    provider_id: Option<String>,
    /// UNIX seconds.
    start: i64,
    /// UNIX seconds.
    end: i64,
    reason: String,
    created: i64,
}

impl From<closures::ClosureView> for Closure {
    fn from(view: closures::ClosureView) -> Self {
        let closure = view.closure;
        Self {
            id: closure.id,
            room_code: view.room_code,
            provider_id: closure.provider.map(|id| id.to_string()),
            start: closure.span.start.seconds(),
            end: closure.span.end.seconds(),
            reason: view.reason.into_inner(),
            created: closure.created_at.seconds(),
        }
    }
}

/// Closes a room, a provider's calendar, or the clinic for a while. What is
/// booked stands.
#[utoipa::path(post, path = "/closures", tag = "scheduling", operation_id = "closures::add",
    request_body = ClosureRequest, responses((status = 200, body = Data<Closure>)))]
pub async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<ClosureRequest>,
) -> Result<Data<Closure>, ApiError> {
    let command = closures::Add {
        room: body.room_code.and_then(Text::filled),
        provider: body.provider_id.map(|id| UserId(id.0)),
        window: Some(Span { start: At::from_seconds(body.start.0), end: At::from_seconds(body.end.0) }),
        reason: body.reason.and_then(Text::filled).unwrap_or_default().into(),
    };
    Ok(data(closures::add(&app, &actor, command).await?.into()))
}

/// Which closures to list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ClosureQuery {
    /// Code or slug of a room.
    #[param(value_type = Option<String>)]
    room_code: Option<Text<128>>,
    /// One provider.
    #[param(value_type = Option<String>)]
    provider_id: Option<Id>,
    /// UNIX seconds; else now.
    #[param(value_type = Option<i64>)]
    start: Option<Int>,
    /// UNIX seconds; else 62 days later.
    #[param(value_type = Option<i64>)]
    end: Option<Int>,
}

/// The closures of a window, for staff.
#[utoipa::path(get, path = "/closures", tag = "scheduling", operation_id = "closures::list",
    params(ClosureQuery), responses((status = 200, body = Page<Closure>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(query): Request<ClosureQuery>,
) -> Result<Page<Closure>, ApiError> {
    let all = closures::from_now(app.clock.now());
    let at = |seconds: Option<Int>, other| seconds.map_or(other, |seconds| At::from_seconds(seconds.0));
    let window = Span { start: at(query.start, all.start), end: at(query.end, all.end) };
    let provider = query.provider_id.map(|id| UserId(id.0));
    let room = query.room_code.and_then(Text::filled);
    let found = closures::list(&app, &actor, window, room.as_deref(), provider).await?;
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    Ok(Page::new(found.into_iter().map(Closure::from).collect(), total))
}

/// Takes a closure back.
#[utoipa::path(delete, path = "/closures/{id}", tag = "scheduling", operation_id = "closures::delete",
    params(("id" = String, Path, description = "UUID of the closure")),
    responses((status = 200, body = Data<bool>)))]
pub async fn delete(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<bool>, ApiError> {
    closures::delete(&app, &actor, &id).await?;
    Ok(data(true))
}
