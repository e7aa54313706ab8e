//! Meetings on the wire: a visit's call by its `meeting_id`, for pages that
//! show it inside another site.

use axum::extract::State;
use bedside_app::{
    App,
    meetings::{self, Door},
};
use bedside_model::{At, call::Part};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    auth::VisitCaller,
    envelope::{Data, data},
    error::ApiError,
    extract::Path,
};

/// A visit's call, as somebody sees it who wants to enter.
#[derive(Debug, Serialize, ToSchema)]
pub struct MeetingDoor {
    #[schema(example = "1760000000000_0190a6c4-7a1e-7cc0-8f5b-3d0e9b2f4a11__jitsi")]
    meeting_id: String,
    /// For `POST /visits/{id}/call`.
    #[schema(example = "1042")]
    visit_id: String,
    /// `open`, `not_started`, `no_video` or `closed`.
    #[schema(example = "open")]
    door: &'static str,
    /// As what the caller sits in it: `patient`, `provider`, `guardian`,
    /// `guest`; null for those who may only see the visit.
    #[schema(example = "patient")]
    part: Option<&'static str>,
    /// May the caller take the visit, which opens the call?
    may_start: bool,
    /// The caller.
    #[schema(example = "42")]
    user_id: String,
    /// Who the caller is inside calls.
    #[schema(example = "northside+user42")]
    vseeid: String,
    /// What the caller is called there.
    #[schema(example = "Maria Santos")]
    name: String,
    /// What the other side is called; empty while nobody has the visit.
    #[schema(example = "Dr Amara Osei")]
    other_name: String,
    #[schema(example = "Northside Clinic")]
    account_name: String,
    #[schema(example = "Walk-in")]
    room_name: String,
    /// Since when the visit runs, UNIX seconds.
    since: Option<i64>,
}

impl From<meetings::Meeting> for MeetingDoor {
    fn from(meeting: meetings::Meeting) -> Self {
        Self {
            meeting_id: meeting.meeting,
            visit_id: meeting.visit.to_string(),
            door: match meeting.door {
                Door::Open => "open",
                Door::NotStarted => "not_started",
                Door::NoVideo => "no_video",
                Door::Closed => "closed",
            },
            part: meeting.part.map(Part::as_str),
            may_start: meeting.may_start,
            user_id: meeting.user.to_string(),
            vseeid: meeting.vseeid.into_inner(),
            name: meeting.name.into_inner(),
            other_name: meeting.other.into_inner(),
            account_name: meeting.clinic,
            room_name: meeting.room,
            since: meeting.since.map(At::seconds),
        }
    }
}

/// The visit's call by its `meeting_id`.
///
/// For pages that know nothing else of the visit. A read by the patient says
/// that they are there.
#[utoipa::path(get, path = "/meetings/{meeting_id}", tag = "visits", operation_id = "meetings::get",
    params(("meeting_id" = String, Path, description = "`meeting.meeting_id` of the visit")),
    responses((status = 200, body = Data<MeetingDoor>)))]
pub async fn get(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Path(meeting): Path<String>,
) -> Result<Data<MeetingDoor>, ApiError> {
    Ok(data(meetings::get(&app, &actor, &meeting).await?.into()))
}
