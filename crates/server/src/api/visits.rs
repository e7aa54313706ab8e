//! Visits on the wire (contract core.md 4): numbers as text in one visit, as
//! numbers in lists (core.md C5).

use axum::extract::State;
use bedside_app::{
    App, calls,
    visits::{self, AddWalkin},
};
use bedside_model::{UserId, VisitId, visit::CloseReason};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    BaseUrl,
    auth::Caller,
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Flag, Id, Path, Request, Text},
    visit_object::{Form, Visit},
    visit_query::VisitQuery,
};

/// A walk-in to create.
#[derive(Debug, Deserialize, ToSchema)]
pub struct AddWalkinRequest {
    /// UUID from `POST /intakes`.
    intake_id: Text<64>,
    /// Code or slug of the room; else the intake's.
    room_code: Option<Text<128>>,
    /// Whom the patient wants to see.
    provider_id: Option<Id>,
    /// The patient; must be the intake's.
    member_id: Option<Text<128>>,
}

/// Creates a walk-in visit: the patient waits in the room's queue.
#[utoipa::path(post, path = "/visits/add_walkin", tag = "visits", operation_id = "visits::add_walkin",
    request_body = AddWalkinRequest, responses((status = 200, body = Data<Visit>)))]
pub async fn add_walkin(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<AddWalkinRequest>,
) -> Result<Data<Visit>, ApiError> {
    let intake =
        body.intake_id.parse().map_err(|_| ApiError::field("intake_id", "is not the id of an intake"))?;
    let command = AddWalkin {
        intake,
        room: body.room_code.and_then(Text::filled),
        provider: body.provider_id.map(|id| UserId(id.0)),
        member: body.member_id.and_then(Text::filled),
    };
    Ok(shown(visits::add_walkin(&app, &actor, command).await?))
}

fn shown(view: visits::VisitView) -> Data<Visit> {
    data(Visit::of(view, Form::Detail))
}

/// The caller's visits: patients see their own, providers those of their rooms,
/// admins all. Open visits come in queue order.
#[utoipa::path(get, path = "/visits", tag = "visits", operation_id = "visits::list", params(VisitQuery),
    responses((status = 200, body = Page<Visit>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(query): Request<VisitQuery>,
) -> Result<Page<Visit>, ApiError> {
    let (views, total) = visits::list(&app, &actor, query.into_list()?).await?;
    Ok(Page::new(views.into_iter().map(|view| Visit::of(view, Form::List)).collect(), total))
}

/// One visit.
#[utoipa::path(get, path = "/visits/{id}", tag = "visits", operation_id = "visits::get",
    params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Data<Visit>)))]
pub async fn get(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Visit>, ApiError> {
    Ok(shown(visits::get(&app, &actor, id_of(&id)?).await?))
}

/// Taking a visit.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct TakeRequest {
    /// 1 when the taker knows that the patient asked for somebody else.
    confirm: Option<Flag>,
}

impl TakeRequest {
    fn confirmed(&self) -> bool {
        self.confirm.is_some_and(|flag| flag.0)
    }
}

/// A provider takes the visit from the queue.
#[utoipa::path(post, path = "/visits/{id}/accept", tag = "visits", operation_id = "visits::accept",
    params(("id" = String, Path, description = "Number of the visit")),
    request_body = TakeRequest, responses((status = 200, body = Data<Visit>)))]
pub async fn accept(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<TakeRequest>,
) -> Result<Data<Visit>, ApiError> {
    Ok(shown(visits::accept(&app, &actor, id_of(&id)?, body.confirmed()).await?))
}

/// Starts the visit: a provider takes it, a patient says that they are there.
#[utoipa::path(post, path = "/visits/{id}/start", tag = "visits", operation_id = "visits::start",
    params(("id" = String, Path, description = "Number of the visit")),
    request_body = TakeRequest, responses((status = 200, body = Data<Visit>)))]
pub async fn start(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<TakeRequest>,
) -> Result<Data<Visit>, ApiError> {
    Ok(shown(visits::start(&app, &actor, id_of(&id)?, body.confirmed()).await?))
}

/// The provider gives the visit back to the queue.
#[utoipa::path(post, path = "/visits/{id}/put_back", tag = "visits", operation_id = "visits::put_back",
    params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Data<Visit>)))]
pub async fn put_back(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Visit>, ApiError> {
    Ok(shown(visits::put_back(&app, &actor, id_of(&id)?).await?))
}

/// The provider completes the visit. It is final.
#[utoipa::path(post, path = "/visits/{id}/complete", tag = "visits", operation_id = "visits::complete",
    params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Data<Visit>)))]
pub async fn complete(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Visit>, ApiError> {
    Ok(shown(visits::complete(&app, &actor, id_of(&id)?).await?))
}

/// Leaving a visit.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CloseRequest {
    /// `patient_end_call`, `patient_exit_room`, `call_ended` or
    /// `patient_cancel_appointment`.
    reason: Text<64>,
}

/// Somebody leaves the visit. From the queue it is cancelled; from the call
/// only the call is over, until the provider completes the visit.
#[utoipa::path(post, path = "/visits/{id}/close", tag = "visits", operation_id = "visits::close",
    params(("id" = String, Path, description = "Number of the visit")),
    request_body = CloseRequest, responses((status = 200, body = Data<Visit>)))]
pub async fn close(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<CloseRequest>,
) -> Result<Data<Visit>, ApiError> {
    let reason = CloseReason::parse(body.reason.trimmed()).ok_or_else(|| {
        let words: Vec<_> = CloseReason::ALL.iter().map(|reason| reason.as_str()).collect();
        ApiError::field("reason", &format!("must be one of {}", words.join(", ")))
    })?;
    Ok(shown(visits::close(&app, &actor, id_of(&id)?, reason).await?))
}

/// What a client needs to enter the call.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallPass {
    /// URL for any LiveKit client SDK.
    url: String,
    /// LiveKit access token.
    token: String,
    /// Name of the call.
    meeting_id: String,
}

/// Lets the caller into the visit's call, if they may enter now.
#[utoipa::path(post, path = "/visits/{id}/call", tag = "visits", operation_id = "calls::join",
    params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Data<CallPass>)))]
pub async fn call(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Path(id): Path<String>,
) -> Result<Data<CallPass>, ApiError> {
    let pass = calls::join(&app, &actor, id_of(&id)?, &base.sockets()).await?;
    Ok(data(CallPass { url: pass.url, token: pass.token, meeting_id: pass.meeting }))
}

fn id_of(text: &str) -> Result<VisitId, ApiError> {
    text.parse().map_err(|_| bedside_app::Error::not_found("visit").into())
}
