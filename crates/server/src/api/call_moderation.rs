//! Muting people in a visit's call and taking them out of it, on the wire.

use axum::extract::State;
use bedside_app::{App, call_moderation};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    auth::Caller,
    envelope::{Data, data},
    error::ApiError,
    extract::{Path, Request, Text},
    visits::id_of,
};

/// Whose sound, or which of their tracks.
#[derive(Debug, Deserialize, ToSchema)]
pub struct MuteRequest {
    /// The person's identity in the call.
    #[schema(example = "user-42")]
    identity: Text<40>,
    /// LiveKit's sid of one track; without it, all their sound.
    #[schema(example = "TR_7hTqZ2rWkP4m")]
    track: Option<Text<40>>,
}

/// Mutes somebody in the visit's call, who can unmute themselves. Answers how
/// many tracks are muted by it.
///
/// For the provider who has the visit.
#[utoipa::path(post, path = "/visits/{id}/call/mute", tag = "visits", operation_id = "call_moderation::mute",
    params(("id" = String, Path, description = "Number of the visit")),
    request_body = MuteRequest, responses((status = 200, body = Data<i64>)))]
pub async fn mute(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<MuteRequest>,
) -> Result<Data<i64>, ApiError> {
    let track = body.track.as_ref().map(Text::trimmed).filter(|track| !track.is_empty());
    let muted = call_moderation::mute(&app, &actor, id_of(&id)?, body.identity.trimmed(), track).await?;
    Ok(data(i64::try_from(muted).unwrap_or(i64::MAX)))
}

/// Who is to go.
#[derive(Debug, Deserialize, ToSchema)]
pub struct RemoveRequest {
    /// The person's identity in the call.
    #[schema(example = "user-42")]
    identity: Text<40>,
}

/// Takes somebody out of the visit's call. A guest is turned away with it and
/// cannot come back unless they are let in anew; a patient or guardian can.
///
/// For the provider who has the visit.
#[utoipa::path(post, path = "/visits/{id}/call/remove", tag = "visits", operation_id = "call_moderation::remove",
    params(("id" = String, Path, description = "Number of the visit")),
    request_body = RemoveRequest, responses((status = 200, body = Data<bool>)))]
pub async fn remove(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<RemoveRequest>,
) -> Result<Data<bool>, ApiError> {
    call_moderation::remove(&app, &actor, id_of(&id)?, body.identity.trimmed()).await?;
    Ok(data(true))
}
