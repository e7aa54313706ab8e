//! Leaving the waiting room without losing the place, and joining it anew.

use axum::extract::State;
use bedside_app::{App, visits};
use bedside_model::{At, Phi, notification::Channel};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    super::{
        BaseUrl,
        auth::{Caller, VisitCaller},
        envelope::{Data, data},
        error::ApiError,
        extract::{Path, Request, Text},
        visit_object::{Visit, way},
    },
    id_of, shown,
};

/// How the patient is called, and how they could be.
#[derive(Debug, Serialize, ToSchema)]
pub struct Callback {
    /// `sms`, `email`, `push`: the ways that work, the best first; empty when
    /// the clinic has set up none.
    #[schema(example = json!(["sms", "email"]))]
    channels: Vec<&'static str>,
    /// The way that was chosen; null while they wait at the page.
    #[schema(example = "sms")]
    channel: Option<&'static str>,
    /// Until when the place is kept, UNIX seconds.
    until: Option<i64>,
}

/// How the patient can leave and be called when it is their turn.
#[utoipa::path(get, path = "/visits/{id}/leave_and_call", tag = "visits", operation_id = "visits::get_callback",
    params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Data<Callback>)))]
pub async fn get_callback(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Path(id): Path<String>,
) -> Result<Data<Callback>, ApiError> {
    let view = visits::get_callback(&app, &actor, id_of(&id)?).await?;
    Ok(data(Callback {
        channels: view.channels.into_iter().map(way).collect(),
        channel: view.chosen.map(|(channel, _)| way(channel)),
        until: view.chosen.map(|(_, until)| At::seconds(until)),
    }))
}

/// How somebody wants to be called.
#[derive(Debug, Deserialize, ToSchema)]
pub struct LeaveRequest {
    /// `sms`, `email` or `push`.
    #[schema(example = "sms", value_type = String)]
    channel: Text<10>,
    /// Telephone number with its country; that of the profile when left out.
    #[schema(example = "+15550100100", value_type = Option<String>)]
    number: Option<Text<40>>,
    /// E-mail address; that of the profile when left out.
    #[schema(example = "maria@example.org", value_type = Option<String>)]
    address: Option<Text<254>>,
}

impl LeaveRequest {
    fn command(self) -> Result<visits::Leave, ApiError> {
        let (channel, to) = match self.channel.trimmed() {
            "sms" => (Channel::Sms, self.number.and_then(Text::filled)),
            "email" => (Channel::Mail, self.address.and_then(Text::filled)),
            "push" => (Channel::Push, None),
            _ => return Err(ApiError::field("channel", "use sms, email or push")),
        };
        Ok(visits::Leave { channel, to: to.map(Phi::from) })
    }
}

/// The patient leaves the waiting room, keeps the place, and is called when it
/// is their turn.
#[utoipa::path(post, path = "/visits/{id}/leave_and_call", tag = "visits",
    operation_id = "visits::leave_and_call",
    params(("id" = String, Path, description = "Number of the visit")), request_body = LeaveRequest,
    responses((status = 200, body = Data<Visit>)))]
pub async fn leave_and_call(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    base: BaseUrl,
    Path(id): Path<String>,
    Request(body): Request<LeaveRequest>,
) -> Result<Data<Visit>, ApiError> {
    Ok(shown(visits::leave_and_call(&app, &actor, id_of(&id)?, body.command()?).await?, &base))
}

/// The patient waits at the page after all.
#[utoipa::path(delete, path = "/visits/{id}/leave_and_call", tag = "visits", operation_id = "visits::stay",
    params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Data<Visit>)))]
pub async fn stay(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    base: BaseUrl,
    Path(id): Path<String>,
) -> Result<Data<Visit>, ApiError> {
    Ok(shown(visits::stay(&app, &actor, id_of(&id)?).await?, &base))
}

/// The patient of a walk-in that was given up joins the room anew, with the
/// same answers. It is a new visit.
#[utoipa::path(post, path = "/visits/{id}/rejoin", tag = "visits", operation_id = "visits::rejoin",
    params(("id" = String, Path, description = "Number of the visit that was given up")),
    responses((status = 200, body = Data<Visit>)))]
pub async fn rejoin(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Path(id): Path<String>,
) -> Result<Data<Visit>, ApiError> {
    Ok(shown(visits::rejoin(&app, &actor, id_of(&id)?).await?, &base))
}
