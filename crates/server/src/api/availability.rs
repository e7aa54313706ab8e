//! Free times on the wire (contract more.md 4.2). Real clients send the
//! parameters as a query or as a body, by GET or by POST.

use axum::extract::State;
use bedside_app::{App, availability};
use bedside_model::{At, UserId, availability::Span};
use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::{Caller, VisitCaller},
    envelope::Page,
    error::ApiError,
    extract::{Id, Int, List, Request, Text},
};

/// What is looked for.
#[derive(Debug, Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
pub struct AvailabilityQuery {
    /// Begin of the window, UNIX seconds.
    #[param(value_type = i64)]
    start: Option<Int>,
    /// End of the window, UNIX seconds; at most 62 days later.
    #[param(value_type = i64)]
    end: Option<Int>,
    /// The patient: their own appointments hide times.
    #[param(value_type = Option<String>)]
    member_id: Option<Text<128>>,
    /// Minutes; else the consultation's.
    #[param(value_type = Option<i64>)]
    duration: Option<Int>,
    /// From the room's `payment.consultations`.
    #[param(value_type = Option<String>)]
    consultation_id: Option<Text<64>>,
    /// Tells the room, the patient and the provider.
    #[param(value_type = Option<String>)]
    intake_id: Option<Text<64>>,
    /// Code or slug of the room; else the intake's.
    #[param(value_type = Option<String>)]
    room_code: Option<Text<128>>,
    /// One provider, or several with commas; else everybody in the room.
    #[param(value_type = Option<String>)]
    provider_id: Option<List<Id>>,
    /// IANA name, only for the `date` of each time; else UTC.
    #[param(value_type = Option<String>)]
    timezone: Option<Text<64>>,
}

/// A free time.
#[derive(Debug, Serialize, ToSchema)]
pub struct FreeTime {
    /// Two answers agree on it.
    id: String,
    /// UNIX seconds.
    start: i64,
    /// UNIX seconds.
    end: i64,
    provider_id: String,
    room_code: String,
    consultation_id: Option<String>,
    quantity_booked: u16,
    quantity_left: u16,
    /// The day in the zone asked for, `YYYY-MM-DD`.
    date: String,
}

impl AvailabilityQuery {
    fn into_ask(self) -> Result<(availability::Ask, TimeZone), ApiError> {
        let at = |seconds: Option<Int>| seconds.map(|seconds| At::from_seconds(seconds.0));
        let window: Span = availability::window(at(self.start), at(self.end))?;
        let zone = match self.timezone.and_then(Text::filled) {
            None => TimeZone::UTC,
            Some(name) => TimeZone::get(&name)
                .map_err(|_| ApiError::field("timezone", "use a time zone such as Europe/London"))?,
        };
        let intake = match self.intake_id.and_then(Text::filled) {
            None => None,
            Some(id) => {
                Some(id.parse().map_err(|_| ApiError::field("intake_id", "is not the id of an intake"))?)
            }
        };
        let ask = availability::Ask {
            window: Some(window),
            duration_minutes: self.duration.map(|minutes| minutes.0),
            consultation: self.consultation_id.and_then(Text::filled),
            intake,
            room: self.room_code.and_then(Text::filled),
            providers: self
                .provider_id
                .map(|list| list.0)
                .unwrap_or_default()
                .iter()
                .map(|id| UserId(id.0))
                .collect(),
            member: self.member_id.and_then(Text::filled),
        };
        Ok((ask, zone))
    }
}

/// The free times of a room, provider by provider.
#[utoipa::path(get, path = "/availability", tag = "scheduling", operation_id = "availability::list",
    params(AvailabilityQuery), responses((status = 200, body = Page<FreeTime>)))]
pub async fn list(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Request(query): Request<AvailabilityQuery>,
) -> Result<Page<FreeTime>, ApiError> {
    let (ask, zone) = query.into_ask()?;
    let offers = availability::list(&app, &actor, ask).await?;
    let times: Vec<FreeTime> = offers.into_iter().map(|offer| free_time(offer, &zone)).collect();
    let total = i64::try_from(times.len()).unwrap_or(i64::MAX);
    Ok(Page::new(times, total))
}

/// The same for clients that send a form.
#[utoipa::path(post, path = "/availability", tag = "scheduling", operation_id = "availability::search",
    request_body = AvailabilityQuery, responses((status = 200, body = Page<FreeTime>)))]
pub async fn search(
    state: State<App>,
    Caller(actor): Caller,
    request: Request<AvailabilityQuery>,
) -> Result<Page<FreeTime>, ApiError> {
    list(state, VisitCaller(actor), request).await
}

fn free_time(offer: availability::Offer, zone: &TimeZone) -> FreeTime {
    let slot = offer.slot;
    let day = Timestamp::from_millisecond(slot.span.start.0).map(|at| at.to_zoned(zone.clone()).date());
    FreeTime {
        id: slot.id(),
        start: slot.span.start.seconds(),
        end: slot.span.end.seconds(),
        provider_id: slot.provider.to_string(),
        room_code: offer.room_code,
        consultation_id: offer.consultation,
        quantity_booked: slot.booked,
        quantity_left: slot.left,
        date: day.map(|day| day.to_string()).unwrap_or_default(),
    }
}
