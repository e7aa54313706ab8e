//! Links that people ask for.

use axum::extract::State;
use bedside_app::{App, notifications};
use bedside_model::{Phi, VisitId};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::api::{
    auth::Caller,
    envelope::{Data, data},
    error::ApiError,
    extract::{Path, Request, Text},
};

/// Whom to invite: one of the two.
#[derive(Debug, Deserialize, ToSchema)]
pub struct InviteRequest {
    /// An e-mail address.
    #[schema(example = "anna@example.org", value_type = Option<String>)]
    email: Option<Text<254>>,
    /// A telephone number with its country; instead of the address.
    #[schema(example = "+15550100100", value_type = Option<String>)]
    phone: Option<Text<40>>,
}

/// Sends somebody the link under which guests come to this visit.
#[utoipa::path(post, path = "/visits/{id}/invite", tag = "guests", operation_id = "notifications::invite",
    params(("id" = String, Path, description = "Number of the visit")), request_body = InviteRequest,
    responses((status = 200, body = Data<bool>)))]
pub async fn invite(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<VisitId>,
    Request(body): Request<InviteRequest>,
) -> Result<Data<bool>, ApiError> {
    let command = notifications::Invite {
        email: body.email.and_then(Text::filled).map(Phi::from),
        phone: body.phone.and_then(Text::filled).map(Phi::from),
    };
    notifications::invite(&app, &actor, id, command).await?;
    Ok(data(true))
}

/// Mails the link to a visit to its patient once more. The answer is the same
/// whether or not there is such a visit.
#[utoipa::path(post, path = "/visits/{id}/link/resend", tag = "visits", operation_id = "notifications::resend_link",
    params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Data<bool>)))]
pub async fn resend_link(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<VisitId>,
) -> Result<Data<bool>, ApiError> {
    notifications::resend_link(&app, &actor, id).await?;
    Ok(data(true))
}
