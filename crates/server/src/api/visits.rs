//! Visits on the wire (contract core.md 4): numbers as text in one visit, as
//! numbers in lists (core.md C5). How they begin is in `visits/begin.rs`, how
//! they are planned anew in `visits/plan.rs`, how they end in `visits/end.rs`.

mod begin;
mod end;
mod leave;
mod plan;
mod schedule;

use axum::extract::State;
use bedside_app::{Actor, App, calls, visits};
use bedside_model::VisitId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    BaseUrl,
    auth::{Caller, VisitCaller},
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Flag, Id, Path, Request, Text},
    recordings,
    visit_object::{Fields, Form, Visit},
    visit_query::{FieldsQuery, UserVisitsQuery, VisitQuery},
};

pub use begin::*;
pub use end::*;
pub use leave::*;
pub use plan::*;
pub use schedule::*;

fn shown(view: visits::VisitView, base: &BaseUrl) -> Data<Visit> {
    data(Visit::of(view, Form::Detail, base))
}

/// A visit that was changed, with those of its series that were.
#[derive(Serialize, ToSchema)]
pub struct ChangedVisit {
    #[serde(flatten)]
    visit: Visit,
    /// Numbers of all that were changed by `scope`, in the order of their times.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    series: Vec<String>,
}

fn changed(changed: visits::Changed, base: &BaseUrl) -> Data<ChangedVisit> {
    let series = changed.series.iter().map(ToString::to_string).collect();
    data(ChangedVisit { visit: Visit::of(changed.view, Form::Detail, base), series })
}

fn scope(word: Option<Text<20>>) -> Result<visits::Scope, ApiError> {
    match word.as_ref().map(Text::trimmed) {
        None | Some("" | "this") => Ok(visits::Scope::This),
        Some("following") => Ok(visits::Scope::Following),
        Some("all") => Ok(visits::Scope::All),
        Some(_) => Err(ApiError::field("scope", "use this, following or all")),
    }
}

pub(super) fn id_of(text: &str) -> Result<VisitId, ApiError> {
    text.parse().map_err(|_| bedside_app::Error::not_found("visit").into())
}

/// The visit that a call without a number in its path is about.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Named {
    /// Number of the visit.
    id: Option<Id>,
    /// The same, as other clients name it.
    visit_id: Option<Id>,
}

impl Named {
    fn id(&self) -> Result<VisitId, ApiError> {
        let id = self.visit_id.or(self.id).ok_or_else(|| ApiError::field("id", "is required"))?;
        Ok(VisitId(id.0))
    }
}

async fn listed(
    (app, actor): (&App, &Actor),
    listed: visits::Listed,
    fields: &Fields,
    base: &BaseUrl,
) -> Result<Page<Value>, ApiError> {
    let ids: Vec<_> = listed.visits.iter().map(|view| view.row.id).collect();
    let mut recorded = recordings::of_visits(app, actor, fields, &ids, base).await?;
    let rows = listed.visits.into_iter().map(|view| {
        let recordings = recorded.remove(&view.row.id);
        fields.choose(Visit::of(view, Form::List, base), recordings)
    });
    let next = listed.next.map(|(order, mark)| super::visit_query::cursor(order, mark));
    Ok(Page::new(rows.collect(), listed.total).followed_by(next))
}

async fn chosen(
    (app, actor): (&App, &Actor),
    view: visits::VisitView,
    fields: &Fields,
    base: &BaseUrl,
) -> Result<Data<Value>, ApiError> {
    let id = view.row.id;
    let recorded = recordings::of_visits(app, actor, fields, &[id], base).await?.remove(&id);
    Ok(data(fields.choose(Visit::of(view, Form::Detail, base), recorded)))
}

/// The caller's visits: patients see their own and those of people in their
/// care, providers those of their rooms, admins all. Open visits come in queue
/// order, others newest first.
#[utoipa::path(get, path = "/visits", tag = "visits", operation_id = "visits::list", params(VisitQuery),
    responses((status = 200, body = Page<Visit>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Request(query): Request<VisitQuery>,
) -> Result<Page<Value>, ApiError> {
    let (command, fields) = query.into_list()?;
    listed((&app, &actor), visits::list(&app, &actor, command).await?, &fields, &base).await
}

/// Somebody's visits, those to come (`upcoming=1`) or those that were
/// (`history=1`).
#[utoipa::path(get, path = "/users/{id}/visits", tag = "visits", operation_id = "visits::of_user",
    params(("id" = String, Path, description = "Number of the user, or `-` for the token's own"), UserVisitsQuery),
    responses((status = 200, body = Page<Visit>)))]
pub async fn of_user(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Path(id): Path<String>,
    Request(query): Request<UserVisitsQuery>,
) -> Result<Page<Value>, ApiError> {
    let person = match id.as_str() {
        "-" => None,
        digits => Some(digits.parse().map_err(|_| bedside_app::Error::not_found("user"))?),
    };
    let (moment, command, fields) = query.into_list()?;
    let found = visits::of_user(&app, &actor, person, moment, command).await?;
    listed((&app, &actor), found, &fields, &base).await
}

/// The visit that the patient waits for or is in now, walk-ins first.
#[utoipa::path(get, path = "/visits/in_progress", tag = "visits", operation_id = "visits::in_progress",
    params(FieldsQuery), responses((status = 200, body = Data<Visit>)))]
pub async fn in_progress(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Request(query): Request<FieldsQuery>,
) -> Result<Data<Value>, ApiError> {
    let view = visits::in_progress(&app, &actor).await?;
    chosen((&app, &actor), view, &query.fields(), &base).await
}

/// One visit.
#[utoipa::path(get, path = "/visits/{id}", tag = "visits", operation_id = "visits::get",
    params(("id" = String, Path, description = "Number of the visit"), FieldsQuery),
    responses((status = 200, body = Data<Visit>)))]
pub async fn get(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    base: BaseUrl,
    Path(id): Path<String>,
    Request(query): Request<FieldsQuery>,
) -> Result<Data<Value>, ApiError> {
    let view = visits::get(&app, &actor, id_of(&id)?).await?;
    chosen((&app, &actor), view, &query.fields(), &base).await
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
    base: BaseUrl,
    Path(id): Path<String>,
    Request(body): Request<TakeRequest>,
) -> Result<Data<Visit>, ApiError> {
    Ok(shown(visits::accept(&app, &actor, id_of(&id)?, body.confirmed()).await?, &base))
}

/// Starts the visit: a provider takes it, a patient says that they are there.
#[utoipa::path(post, path = "/visits/{id}/start", tag = "visits", operation_id = "visits::start",
    params(("id" = String, Path, description = "Number of the visit")),
    request_body = TakeRequest, responses((status = 200, body = Data<Visit>)))]
pub async fn start(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    base: BaseUrl,
    Path(id): Path<String>,
    Request(body): Request<TakeRequest>,
) -> Result<Data<Visit>, ApiError> {
    Ok(shown(visits::start(&app, &actor, id_of(&id)?, body.confirmed()).await?, &base))
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
    VisitCaller(actor): VisitCaller,
    base: BaseUrl,
    Path(id): Path<String>,
) -> Result<Data<CallPass>, ApiError> {
    let pass = calls::join(&app, &actor, id_of(&id)?, &base.sockets()).await?;
    Ok(data(CallPass { url: pass.url, token: pass.token, meeting_id: pass.meeting }))
}
