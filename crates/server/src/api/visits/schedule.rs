//! Making an appointment (contract core.md 4.5).

use axum::extract::State;
use bedside_app::{App, visits};
use bedside_model::{At, UserId, visit::Subtype};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::{
    BaseUrl,
    auth::Caller,
    envelope::{Data, data},
    error::ApiError,
    extract::{Flag, Id, Int, Request, Text},
    visit_object::{Form, Visit},
};

/// An appointment to make.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ScheduleRequest {
    /// UUID from `POST /intakes`.
    intake_id: Text<64>,
    /// Begin, UNIX seconds.
    #[serde(alias = "slot_start", alias = "start_time")]
    start: Int,
    /// End, UNIX seconds; else the consultation's length after the begin.
    #[serde(alias = "slot_end", alias = "end_time")]
    end: Option<Int>,
    /// With whom; else whoever is free and has the fewest appointments that day.
    provider_id: Option<Id>,
    /// Code or slug of the room; else the intake's.
    room_code: Option<Text<128>>,
    /// The patient; must be the intake's.
    member_id: Option<Text<128>>,
    /// From the room's `payment.consultations`; else what the intake names.
    consultation_id: Option<Text<64>>,
    /// 1 in person, 2 phone, 3 video (default).
    subtype: Option<Int>,
    /// Staff book outside the offered times. An admin token always may.
    r#override: Option<Flag>,
    /// Staff book over something else.
    force: Option<Flag>,
    /// Why, for the audit trail.
    #[schema(example = "She can come at noon only.")]
    reason: Option<Text<500>>,
    /// One a week, all or none.
    repeat: Option<Weekly>,
}

/// A weekly series.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Weekly {
    /// `weekly`.
    freq: Option<Text<10>>,
    /// 2 to 52.
    count: Int,
}

/// An appointment, with its series when it repeats.
#[derive(Serialize, ToSchema)]
pub struct Appointment {
    #[serde(flatten)]
    visit: Visit,
    /// Opens this appointment without a login, at
    /// `/members/appointment/{id}?token=` and in `X-LinkToken`; where the clinic
    /// uses such links.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "k3v9x0qz7a")]
    one_time_link_token: Option<String>,
    /// Numbers of all appointments of the series, the first one included.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    series: Vec<String>,
}

impl ScheduleRequest {
    fn into_command(self) -> Result<visits::Schedule, ApiError> {
        let intake =
            self.intake_id.parse().map_err(|_| ApiError::field("intake_id", "is not the id of an intake"))?;
        let subtype = match self.subtype {
            None => None,
            Some(code) => Some(
                Subtype::from_code(code.0)
                    .ok_or_else(|| ApiError::field("subtype", "use 1 in person, 2 phone or 3 video"))?,
            ),
        };
        if self
            .repeat
            .as_ref()
            .and_then(|repeat| repeat.freq.as_ref())
            .is_some_and(|freq| freq.trimmed() != "weekly")
        {
            return Err(ApiError::field("repeat.freq", "use weekly"));
        }
        let from = visits::FromIntake {
            intake,
            room: self.room_code.and_then(Text::filled),
            provider: self.provider_id.map(|id| UserId(id.0)),
            member: self.member_id.and_then(Text::filled),
            consultation: self.consultation_id.and_then(Text::filled),
        };
        Ok(visits::Schedule {
            from,
            start_at: At::from_seconds(self.start.0),
            end_at: self.end.map(|end| At::from_seconds(end.0)),
            subtype,
            overriding: self.r#override.is_some_and(|flag| flag.0),
            force: self.force.is_some_and(|flag| flag.0),
            reason: self.reason.and_then(Text::filled).map(Into::into),
            repeat: self.repeat.map(|repeat| repeat.count.0),
        })
    }
}

/// Makes an appointment at a free time.
#[utoipa::path(post, path = "/visits", tag = "visits", operation_id = "visits::add",
    request_body = ScheduleRequest, responses((status = 200, body = Data<Appointment>)))]
pub async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Request(body): Request<ScheduleRequest>,
) -> Result<Data<Appointment>, ApiError> {
    let made = visits::add(&app, &actor, body.into_command()?).await?;
    let series = made.series.iter().map(ToString::to_string).collect();
    let one_time_link_token = made.link.map(bedside_model::Phi::into_inner);
    Ok(data(Appointment { visit: Visit::of(made.view, Form::Detail, &base), one_time_link_token, series }))
}
