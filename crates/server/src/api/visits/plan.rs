//! How visits are planned anew: time, provider, room, kind of meeting.

use axum::extract::State;
use bedside_app::{
    App,
    visits::{self, Scope, Transfer, Update},
};
use bedside_model::{At, UserId, visit::Subtype};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    super::{
        BaseUrl,
        auth::{Caller, VisitCaller},
        envelope::Data,
        error::ApiError,
        extract::{Flag, Id, Int, Path, Request, Text},
        visit_object::Visit,
    },
    ChangedVisit, changed, id_of, scope, shown,
};

/// What changes of a visit; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct UpdateVisitRequest {
    /// Another begin of an appointment, UNIX seconds. The length stays unless
    /// `end` is sent too.
    start: Option<Int>,
    /// Another end, UNIX seconds.
    end: Option<Int>,
    /// For whom the patient waits.
    provider_id: Option<Id>,
    /// 1 in person, 2 phone, 3 video. A running call ends when there is no
    /// video any more.
    subtype: Option<Int>,
    /// What staff write about the visit; an empty text takes it away.
    description: Option<Text<4000>>,
    /// Only the status it has; a change has a call of its own.
    status: Option<Int>,
    /// Staff move it outside the offered times. An admin token always may.
    r#override: Option<Flag>,
    /// Staff move it over something else.
    force: Option<Flag>,
    /// Why, for the audit trail.
    #[schema(example = "She can come at noon only.")]
    reason: Option<Text<500>>,
    /// Which of a series: `this` (default), `following`, `all`. They move by the
    /// same on the room's clock, all or none.
    scope: Option<Text<20>>,
}

impl UpdateVisitRequest {
    fn into_command(self) -> Result<(Update, Scope), ApiError> {
        let scope = scope(self.scope)?;
        let subtype = |code: Int| {
            Subtype::from_code(code.0).ok_or_else(|| ApiError::field("subtype", "must be 1, 2, 3 or 4"))
        };
        let command = Update {
            start_at: self.start.map(|at| At::from_seconds(at.0)),
            end_at: self.end.map(|at| At::from_seconds(at.0)),
            provider: self.provider_id.map(|id| UserId(id.0)),
            subtype: self.subtype.map(subtype).transpose()?,
            remark: self.description.map(|text| text.trimmed().to_owned().into()),
            status: self.status.map(|status| status.0),
            overriding: self.r#override.is_some_and(|flag| flag.0),
            force: self.force.is_some_and(|flag| flag.0),
            reason: self.reason.and_then(Text::filled).map(Into::into),
        };
        Ok((command, scope))
    }
}

/// Changes a visit: the time of an appointment, for whom it waits, the kind of
/// meeting, what staff write about it.
#[utoipa::path(post, path = "/visits/{id}", tag = "visits", operation_id = "visits::update",
    params(("id" = String, Path, description = "Number of the visit")),
    request_body = UpdateVisitRequest, responses((status = 200, body = Data<ChangedVisit>)))]
pub async fn update(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    base: BaseUrl,
    Path(id): Path<String>,
    Request(body): Request<UpdateVisitRequest>,
) -> Result<Data<ChangedVisit>, ApiError> {
    let (command, scope) = body.into_command()?;
    Ok(changed(visits::update(&app, &actor, id_of(&id)?, command, scope).await?, &base))
}

/// Makes sure of an appointment.
#[utoipa::path(post, path = "/visits/{id}/confirm", tag = "visits", operation_id = "visits::confirm",
    params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Data<Visit>)))]
pub async fn confirm(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Path(id): Path<String>,
) -> Result<Data<Visit>, ApiError> {
    Ok(shown(visits::confirm(&app, &actor, id_of(&id)?).await?, &base))
}

/// Where a visit goes.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct TransferRequest {
    /// Code or slug of the other room.
    room_code: Option<Text<128>>,
    /// Who is to take it; whoever works in the room when left out.
    provider_id: Option<Id>,
    /// Why, for colleagues.
    reason: Option<Text<2000>>,
}

/// Hands a visit to another room or provider. It waits there with the time that
/// the patient has waited already; a running call ends.
#[utoipa::path(post, path = "/visits/{id}/transfer", tag = "visits", operation_id = "visits::transfer",
    params(("id" = String, Path, description = "Number of the visit")),
    request_body = TransferRequest, responses((status = 200, body = Data<Visit>)))]
pub async fn transfer(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Path(id): Path<String>,
    Request(body): Request<TransferRequest>,
) -> Result<Data<Visit>, ApiError> {
    let command = Transfer {
        room: body.room_code.and_then(Text::filled),
        provider: body.provider_id.map(|id| UserId(id.0)),
        reason: body.reason.and_then(Text::filled).map(Into::into),
    };
    Ok(shown(visits::transfer(&app, &actor, id_of(&id)?, command).await?, &base))
}

/// The provider gives the visit back to the queue.
#[utoipa::path(post, path = "/visits/{id}/put_back", tag = "visits", operation_id = "visits::put_back",
    params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Data<Visit>)))]
pub async fn put_back(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Path(id): Path<String>,
) -> Result<Data<Visit>, ApiError> {
    Ok(shown(visits::put_back(&app, &actor, id_of(&id)?).await?, &base))
}
