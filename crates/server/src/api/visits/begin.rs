//! How visits begin: walk-ins, e-consults, and patients who come for their
//! appointment.

use axum::extract::State;
use bedside_app::{
    App,
    visits::{self, FromIntake},
};
use bedside_model::UserId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    super::{
        BaseUrl,
        auth::{Caller, VisitCaller},
        envelope::Data,
        error::ApiError,
        extract::{Id, Path, Request, Text},
        visit_object::Visit,
    },
    id_of, shown,
};

/// A visit to make of an intake.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AddVisitRequest {
    /// UUID from `POST /intakes`.
    intake_id: Text<64>,
    /// Code or slug of the room; else the intake's.
    room_code: Option<Text<128>>,
    /// Whom the patient wants to see.
    provider_id: Option<Id>,
    /// The patient; must be the intake's.
    member_id: Option<Text<128>>,
    /// UUID of one of the room's consultations; else the intake's, else the
    /// room's first.
    consultation_id: Option<Text<64>>,
}

impl AddVisitRequest {
    fn into_command(self) -> Result<FromIntake, ApiError> {
        let intake =
            self.intake_id.parse().map_err(|_| ApiError::field("intake_id", "is not the id of an intake"))?;
        Ok(FromIntake {
            intake,
            room: self.room_code.and_then(Text::filled),
            provider: self.provider_id.map(|id| UserId(id.0)),
            member: self.member_id.and_then(Text::filled),
            consultation: self.consultation_id.and_then(Text::filled),
        })
    }
}

/// Creates a walk-in visit: the patient waits in the room's queue.
#[utoipa::path(post, path = "/visits/add_walkin", tag = "visits", operation_id = "visits::add_walkin",
    request_body = AddVisitRequest, responses((status = 200, body = Data<Visit>)))]
pub async fn add_walkin(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Request(body): Request<AddVisitRequest>,
) -> Result<Data<Visit>, ApiError> {
    Ok(shown(visits::add_walkin(&app, &actor, body.into_command()?).await?, &base))
}

/// Creates an e-consult: a question without a meeting, that every provider of
/// the room sees until one accepts it.
#[utoipa::path(post, path = "/visits/add_econsult", tag = "visits", operation_id = "visits::add_econsult",
    request_body = AddVisitRequest, responses((status = 200, body = Data<Visit>)))]
pub async fn add_econsult(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Request(body): Request<AddVisitRequest>,
) -> Result<Data<Visit>, ApiError> {
    Ok(shown(visits::add_econsult(&app, &actor, body.into_command()?).await?, &base))
}

/// The same as `POST /visits/add_econsult`.
#[utoipa::path(post, path = "/add_econsult", tag = "visits", operation_id = "visits::add_econsult_alias",
    request_body = AddVisitRequest, responses((status = 200, body = Data<Visit>)))]
pub async fn add_econsult_alias(
    app: State<App>,
    caller: Caller,
    base: BaseUrl,
    body: Request<AddVisitRequest>,
) -> Result<Data<Visit>, ApiError> {
    add_econsult(app, caller, base, body).await
}

/// The patient of an appointment comes to wait, at the earliest the room's
/// `start_window_minutes` before its time. The visit stays the same one.
#[utoipa::path(post, path = "/visits/{id}/add_walkin", tag = "visits", operation_id = "visits::arrive",
    params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Data<Visit>)))]
pub async fn arrive(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    base: BaseUrl,
    Path(id): Path<String>,
) -> Result<Data<Visit>, ApiError> {
    Ok(shown(visits::arrive(&app, &actor, id_of(&id)?).await?, &base))
}
