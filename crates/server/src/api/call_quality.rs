//! How calls were, on the wire.

use axum::extract::State;
use bedside_app::{
    App,
    call_quality::{self, CallQualityView, Report},
};
use bedside_model::{
    At,
    call_quality::{Figures, Path as Way},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::{Caller, VisitCaller},
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Flag, Int, Path, Request, Text},
    visits::id_of,
};

/// How one connection of a person to a visit's call is, or was. What nobody
/// measured is null.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallQuality {
    /// Whose connection.
    #[schema(example = "42")]
    user_id: String,
    #[schema(example = "Maria Santos")]
    name: String,
    /// `patient`, `provider`, `guardian` or `guest`.
    #[schema(example = "patient")]
    part: &'static str,
    /// UNIX seconds.
    start: i64,
    /// UNIX seconds; null while it lasts.
    end: Option<i64>,
    /// From the wish to enter until the media connection stood, ms.
    join_ms: Option<i64>,
    /// Until the first packet of somebody else was sent to them, ms.
    first_packet_ms: Option<i64>,
    /// Until the first picture of somebody else was on the screen, ms.
    first_frame_ms: Option<i64>,
    /// Packets lost on the way from the person, per million.
    loss_up_ppm: Option<i64>,
    /// Packets lost on the way to the person, per million.
    loss_down_ppm: Option<i64>,
    /// Round trip, ms.
    rtt_ms: Option<i64>,
    /// Jitter of what arrives, ms.
    jitter_ms: Option<i64>,
    /// How often the picture stood still.
    freezes: Option<i64>,
    /// How long it did altogether, ms.
    frozen_ms: Option<i64>,
    /// How long pictures were held back because the line was too slow, ms.
    paused_ms: Option<i64>,
    /// How often the connection was lost and found again.
    reconnects: Option<i64>,
    /// The way that the media took: `udp`, `tcp` or `relay`.
    #[schema(example = "udp")]
    path: Option<&'static str>,
    #[schema(example = "Chrome 126 on Windows")]
    device: Option<String>,
}

impl From<CallQualityView> for CallQuality {
    fn from(view: CallQualityView) -> Self {
        let CallQualityView { quality, name, part } = view;
        let figures = quality.figures;
        Self {
            user_id: quality.user.to_string(),
            name: name.into_inner(),
            part: part.as_str(),
            start: quality.started_at.seconds(),
            end: quality.ended_at.map(At::seconds),
            join_ms: figures.join_ms,
            first_packet_ms: figures.first_packet_ms,
            first_frame_ms: figures.first_frame_ms,
            loss_up_ppm: figures.loss_up_ppm,
            loss_down_ppm: figures.loss_down_ppm,
            rtt_ms: figures.rtt_ms,
            jitter_ms: figures.jitter_ms,
            freezes: figures.freezes,
            frozen_ms: figures.frozen_ms,
            paused_ms: figures.paused_ms,
            reconnects: figures.reconnects,
            path: figures.path.map(Way::as_str),
            device: figures.device,
        }
    }
}

/// How the visit's call was: one row per connection, oldest first.
///
/// For those who run the clinic and the provider who has the visit.
#[utoipa::path(get, path = "/visits/{id}/call/quality", tag = "visits", operation_id = "call_quality::list",
    params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Page<CallQuality>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Page<CallQuality>, ApiError> {
    let rows = call_quality::list(&app, &actor, id_of(&id)?).await?;
    let total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
    Ok(Page::new(rows.into_iter().map(CallQuality::from).collect(), total))
}

/// What a page measured of its own connection. Figures count from the entering
/// on; what is out of bounds is cut.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ReportRequest {
    /// The call's own name of the connection: LiveKit's participant sid.
    #[schema(example = "PA_7hTqZ2rWkP4m")]
    sid: Text<40>,
    /// The page has left the call.
    over: Option<Flag>,
    /// From the wish to enter until the media connection stood, ms.
    #[schema(example = 640)]
    join_ms: Option<Int>,
    /// Until the first picture of somebody else was on the screen, ms.
    #[schema(example = 910)]
    first_frame_ms: Option<Int>,
    /// Packets lost on the way from this page, per million.
    loss_up_ppm: Option<Int>,
    /// Packets lost on the way to this page, per million.
    loss_down_ppm: Option<Int>,
    /// Round trip, ms.
    rtt_ms: Option<Int>,
    /// Jitter of what arrives, ms.
    jitter_ms: Option<Int>,
    /// How often the picture stood still.
    freezes: Option<Int>,
    /// How long it did altogether, ms.
    frozen_ms: Option<Int>,
    /// How often the connection was lost and found again.
    reconnects: Option<Int>,
    /// `udp`, `tcp` or `relay`.
    #[schema(example = "udp")]
    path: Option<Text<10>>,
    /// Browser and system.
    #[schema(example = "Chrome 126 on Windows")]
    device: Option<Text<200>>,
}

impl ReportRequest {
    fn into_report(self) -> Result<Report, ApiError> {
        let number = |figure: Option<Int>| figure.map(|figure| figure.0);
        let path = match self.path.as_ref().map(Text::trimmed) {
            None | Some("") => None,
            Some(word) => {
                Some(Way::parse(word).ok_or_else(|| ApiError::field("path", "use udp, tcp or relay"))?)
            }
        };
        Ok(Report {
            sid: self.sid.into_string(),
            over: self.over.is_some_and(|over| over.0),
            figures: Figures {
                join_ms: number(self.join_ms),
                first_packet_ms: None,
                first_frame_ms: number(self.first_frame_ms),
                loss_up_ppm: number(self.loss_up_ppm),
                loss_down_ppm: number(self.loss_down_ppm),
                rtt_ms: number(self.rtt_ms),
                jitter_ms: number(self.jitter_ms),
                freezes: number(self.freezes),
                frozen_ms: number(self.frozen_ms),
                paused_ms: None,
                reconnects: number(self.reconnects),
                path,
                device: self.device.map(Text::into_string),
            },
        })
    }
}

/// A page tells how its own connection to the visit's call is, or was.
///
/// For whoever may enter the call; the last word of a connection counts.
#[utoipa::path(post, path = "/visits/{id}/call/quality", tag = "visits", operation_id = "call_quality::report",
    params(("id" = String, Path, description = "Number of the visit")),
    request_body = ReportRequest, responses((status = 200, body = Data<bool>)))]
pub async fn report(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Path(id): Path<String>,
    Request(body): Request<ReportRequest>,
) -> Result<Data<bool>, ApiError> {
    call_quality::report(&app, &actor, id_of(&id)?, body.into_report()?).await?;
    Ok(data(true))
}
