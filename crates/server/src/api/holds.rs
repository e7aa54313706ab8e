//! Holds on the wire: a time kept while the intake is filled.

use axum::extract::State;
use bedside_app::{App, holds};
use bedside_model::{At, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::Caller,
    envelope::{Data, data},
    error::ApiError,
    extract::{Id, Int, Path, Request, Text},
};

/// A time to hold.
#[derive(Debug, Deserialize, ToSchema)]
pub struct HoldRequest {
    /// Code or slug of the room.
    room_code: Option<Text<128>>,
    /// With whom; else anybody who is free.
    provider_id: Option<Id>,
    /// UNIX seconds.
    start: Int,
    /// UNIX seconds; else the consultation's length after the begin.
    end: Option<Int>,
    /// From the room's `payment.consultations`.
    consultation_id: Option<Text<64>>,
    /// The patient; else the caller.
    member_id: Option<Text<128>>,
}

/// A time that is held.
#[derive(Debug, Serialize, ToSchema)]
pub struct Hold {
    id: String,
    slot_id: String,
    room_code: String,
    provider_id: String,
    member_id: String,
    /// UNIX seconds.
    start: i64,
    /// UNIX seconds.
    end: i64,
    /// UNIX seconds: until then nobody else can book it.
    expires: i64,
    /// It can be made longer once.
    renewable: bool,
}

impl From<holds::HoldView> for Hold {
    fn from(view: holds::HoldView) -> Self {
        let hold = view.booking;
        Self {
            id: hold.id,
            slot_id: hold.slot,
            room_code: view.room_code,
            provider_id: hold.provider.to_string(),
            member_id: hold.member.to_string(),
            start: hold.span.start.seconds(),
            end: hold.span.end.seconds(),
            expires: hold.expires_at.map_or(0, At::seconds),
            renewable: !hold.renewed,
        }
    }
}

/// Holds a time for ten minutes (or what the room says): it counts as taken for
/// everybody else.
#[utoipa::path(post, path = "/slots/hold", tag = "scheduling", operation_id = "holds::add",
    request_body = HoldRequest, responses((status = 200, body = Data<Hold>)))]
pub async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<HoldRequest>,
) -> Result<Data<Hold>, ApiError> {
    let command = holds::Add {
        room: body.room_code.and_then(Text::filled),
        provider: body.provider_id.map(|id| UserId(id.0)),
        start: Some(At::from_seconds(body.start.0)),
        end: body.end.map(|end| At::from_seconds(end.0)),
        consultation: body.consultation_id.and_then(Text::filled),
        member: body.member_id.and_then(Text::filled),
    };
    Ok(data(holds::add(&app, &actor, command).await?.into()))
}

/// Makes a hold longer, once.
#[utoipa::path(post, path = "/slots/hold/{id}/renew", tag = "scheduling", operation_id = "holds::renew",
    params(("id" = String, Path, description = "UUID of the hold")),
    responses((status = 200, body = Data<Hold>)))]
pub async fn renew(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Hold>, ApiError> {
    Ok(data(holds::renew(&app, &actor, &id).await?.into()))
}

/// Gives a held time back.
#[utoipa::path(delete, path = "/slots/hold/{id}", tag = "scheduling", operation_id = "holds::delete",
    params(("id" = String, Path, description = "UUID of the hold")),
    responses((status = 200, body = Data<bool>)))]
pub async fn delete(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<bool>, ApiError> {
    holds::delete(&app, &actor, &id).await?;
    Ok(data(true))
}
