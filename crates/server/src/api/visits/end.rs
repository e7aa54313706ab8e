//! How visits end: completed, called off, left.

use axum::extract::State;
use bedside_app::{App, visits};
use bedside_model::visit::CloseReason;
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
    ChangedVisit, Named, changed, id_of, scope, shown,
};

/// The provider completes the visit. It is final.
#[utoipa::path(post, path = "/visits/{id}/complete", tag = "visits", operation_id = "visits::complete",
    params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Data<Visit>)))]
pub async fn complete(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Path(id): Path<String>,
) -> Result<Data<Visit>, ApiError> {
    Ok(shown(visits::complete(&app, &actor, id_of(&id)?).await?, &base))
}

/// Calling a visit off.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct CancelRequest {
    /// Which of a series: `this` (default), `following`, `all`. All or none.
    scope: Option<Text<20>>,
}

/// Calls a visit off that nobody has taken.
#[utoipa::path(post, path = "/visits/{id}/cancel", tag = "visits", operation_id = "visits::cancel",
    params(("id" = String, Path, description = "Number of the visit")),
    request_body = CancelRequest, responses((status = 200, body = Data<ChangedVisit>)))]
pub async fn cancel(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    base: BaseUrl,
    Path(id): Path<String>,
    Request(body): Request<CancelRequest>,
) -> Result<Data<ChangedVisit>, ApiError> {
    let scope = scope(body.scope)?;
    Ok(changed(visits::cancel(&app, &actor, id_of(&id)?, scope).await?, &base))
}

/// Calling a visit off that the body names.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CancelNamedRequest {
    /// Number of the visit.
    id: Option<Id>,
    /// The same, as other clients name it.
    visit_id: Option<Id>,
    /// As in `POST /visits/{id}/cancel`.
    scope: Option<Text<20>>,
}

/// The same as `POST /visits/{id}/cancel`.
#[utoipa::path(post, path = "/visits/cancel", tag = "visits", operation_id = "visits::cancel_named",
    request_body = CancelNamedRequest, responses((status = 200, body = Data<ChangedVisit>)))]
pub async fn cancel_named(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Request(body): Request<CancelNamedRequest>,
) -> Result<Data<ChangedVisit>, ApiError> {
    let id = Named { id: body.id, visit_id: body.visit_id }.id()?;
    Ok(changed(visits::cancel(&app, &actor, id, scope(body.scope)?).await?, &base))
}

/// Leaving a visit.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CloseRequest {
    /// `patient_end_call`, `patient_exit_room`, `call_ended` or
    /// `patient_cancel_appointment`.
    reason: Text<64>,
}

/// Leaving a visit that the body names.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CloseNamedRequest {
    /// Number of the visit.
    id: Option<Id>,
    /// The same, as other clients name it.
    visit_id: Option<Id>,
    /// As in `POST /visits/{id}/close`.
    reason: Text<64>,
}

fn reason(word: &Text<64>) -> Result<CloseReason, ApiError> {
    CloseReason::parse(word.trimmed()).ok_or_else(|| {
        let words: Vec<_> = CloseReason::ALL.iter().map(|reason| reason.as_str()).collect();
        ApiError::field("reason", &format!("must be one of {}", words.join(", ")))
    })
}

/// Somebody leaves the visit. From the queue it is cancelled; from the call
/// only the call is over, until the provider completes the visit.
#[utoipa::path(post, path = "/visits/{id}/close", tag = "visits", operation_id = "visits::close",
    params(("id" = String, Path, description = "Number of the visit")),
    request_body = CloseRequest, responses((status = 200, body = Data<Visit>)))]
pub async fn close(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    base: BaseUrl,
    Path(id): Path<String>,
    Request(body): Request<CloseRequest>,
) -> Result<Data<Visit>, ApiError> {
    Ok(shown(visits::close(&app, &actor, id_of(&id)?, reason(&body.reason)?).await?, &base))
}

/// The same as `POST /visits/{id}/close`.
#[utoipa::path(post, path = "/visits/{id}/end", tag = "visits", operation_id = "visits::end",
    params(("id" = String, Path, description = "Number of the visit")),
    request_body = CloseRequest, responses((status = 200, body = Data<Visit>)))]
pub async fn end(
    app: State<App>,
    caller: VisitCaller,
    base: BaseUrl,
    id: Path<String>,
    body: Request<CloseRequest>,
) -> Result<Data<Visit>, ApiError> {
    close(app, caller, base, id, body).await
}

/// The same as `POST /visits/{id}/close`, the visit named in the body.
#[utoipa::path(post, path = "/visits/close", tag = "visits", operation_id = "visits::close_named",
    request_body = CloseNamedRequest, responses((status = 200, body = Data<Visit>)))]
pub async fn close_named(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Request(body): Request<CloseNamedRequest>,
) -> Result<Data<Visit>, ApiError> {
    let id = Named { id: body.id, visit_id: body.visit_id }.id()?;
    Ok(shown(visits::close(&app, &actor, id, reason(&body.reason)?).await?, &base))
}

/// The same as `POST /visits/close`.
#[utoipa::path(post, path = "/visits/end", tag = "visits", operation_id = "visits::end_named",
    request_body = CloseNamedRequest, responses((status = 200, body = Data<Visit>)))]
pub async fn end_named(
    app: State<App>,
    caller: Caller,
    base: BaseUrl,
    body: Request<CloseNamedRequest>,
) -> Result<Data<Visit>, ApiError> {
    close_named(app, caller, base, body).await
}
