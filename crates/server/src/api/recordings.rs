//! Recordings on the wire (contract more.md 3). Contents go out in
//! `recordings/content.rs`.

mod content;
mod object;

use axum::{
    extract::{Request as HttpRequest, State},
    response::Response,
};
use bedside_app::{
    App,
    recordings::{self, Say, UpdatePolicy},
};
use bedside_model::RecordingId;
use bedside_store::recordings::Policy;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    Api, BaseUrl,
    auth::{Caller, VisitCaller},
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Flag, Int, Path, Request, Text},
    visits::id_of as visit_id_of,
};

pub use content::{ContentQuery, at_root};
pub use object::{CurrentRecording, Recording, RecordingDetail, of_visits};

fn id_of(text: &str) -> Result<RecordingId, ApiError> {
    text.parse().map_err(|_| bedside_app::Error::not_found("recording").into())
}

/// A visit's recordings, oldest first, with those that failed or were deleted.
///
/// For those who run the clinic, the provider who has the visit, and, where the
/// clinic shares recordings, its patient.
#[utoipa::path(get, path = "/visits/{id}/recordings", tag = "recordings", operation_id = "recordings::list",
    params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Page<Recording>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Path(id): Path<String>,
) -> Result<Page<Recording>, ApiError> {
    let views = recordings::list(&app, &actor, visit_id_of(&id)?).await?;
    let total = i64::try_from(views.len()).unwrap_or(i64::MAX);
    Ok(Page::new(views.into_iter().map(|view| Recording::of(view, &base)).collect(), total))
}

/// Asks everybody in the visit's call whether it may be recorded; it begins
/// when all have agreed.
///
/// For the provider who has the visit, whose own yes goes with it.
#[utoipa::path(post, path = "/visits/{id}/recordings", tag = "recordings", operation_id = "recordings::start",
    params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Data<Recording>)))]
pub async fn start(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Path(id): Path<String>,
) -> Result<Data<Recording>, ApiError> {
    Ok(data(Recording::of(recordings::start(&app, &actor, visit_id_of(&id)?).await?, &base)))
}

/// In which language somebody is asked.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LanguageQuery {
    /// `en` or `es`; `en` when it is not said.
    #[param(value_type = Option<String>, example = "en")]
    language: Option<Text<20>>,
}

/// How the recording of a visit's call stands for the caller, with the text
/// that they are asked with; null while there is none.
///
/// For whoever may enter the call.
#[utoipa::path(get, path = "/visits/{id}/recordings/current", tag = "recordings", operation_id = "recordings::current",
    params(("id" = String, Path, description = "Number of the visit"), LanguageQuery),
    responses((status = 200, body = Data<Option<CurrentRecording>>)))]
pub async fn current(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Path(id): Path<String>,
    Request(query): Request<LanguageQuery>,
) -> Result<Data<Option<CurrentRecording>>, ApiError> {
    let language = query.language.map(Text::into_string).unwrap_or_default();
    let standing = recordings::current(&app, &actor, visit_id_of(&id)?, &language).await?;
    Ok(data(standing.map(CurrentRecording::from)))
}

/// A recording with its contents, what everybody said, and its time line.
///
/// For those who run the clinic, the provider who has the visit, and, where the
/// clinic shares recordings, its patient.
#[utoipa::path(get, path = "/recordings/{id}", tag = "recordings", operation_id = "recordings::get",
    params(("id" = String, Path, description = "Number of the recording")),
    responses((status = 200, body = Data<RecordingDetail>)))]
pub async fn get(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Path(id): Path<String>,
) -> Result<Data<RecordingDetail>, ApiError> {
    Ok(data(RecordingDetail::of(recordings::get(&app, &actor, id_of(&id)?).await?, &base)))
}

/// Deletes a recording's contents for good; that there was one stays written.
///
/// For those who run the clinic.
#[utoipa::path(delete, path = "/recordings/{id}", tag = "recordings", operation_id = "recordings::delete",
    params(("id" = String, Path, description = "Number of the recording")),
    responses((status = 200, body = Data<Recording>)))]
pub async fn delete(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Path(id): Path<String>,
) -> Result<Data<Recording>, ApiError> {
    Ok(data(Recording::of(recordings::delete(&app, &actor, id_of(&id)?).await?, &base)))
}

/// Ends a recording; what there is of it is made ready to be played.
///
/// For the provider who has the visit.
#[utoipa::path(post, path = "/recordings/{id}/stop", tag = "recordings", operation_id = "recordings::stop",
    params(("id" = String, Path, description = "Number of the recording")),
    responses((status = 200, body = Data<Recording>)))]
pub async fn stop(
    State(app): State<App>,
    Caller(actor): Caller,
    base: BaseUrl,
    Path(id): Path<String>,
) -> Result<Data<Recording>, ApiError> {
    Ok(data(Recording::of(recordings::stop(&app, &actor, id_of(&id)?).await?, &base)))
}

/// An answer to whether a call may be recorded.
#[derive(Debug, Deserialize, ToSchema)]
pub struct ConsentRequest {
    /// `agree` or `refuse`.
    #[schema(example = "agree")]
    answer: Text<10>,
    /// Version of the text that was read; needed to agree.
    #[schema(example = "1")]
    text_version: Option<Text<20>>,
    /// Language of the text that was read.
    #[schema(example = "en")]
    language: Option<Text<20>>,
}

impl ConsentRequest {
    fn into_say(self) -> Result<Say, ApiError> {
        let agree = match self.answer.trimmed() {
            "agree" => true,
            "refuse" => false,
            _ => return Err(ApiError::field("answer", "use agree or refuse")),
        };
        let text = |text: Option<Text<20>>| text.map(Text::into_string).unwrap_or_default();
        Ok(Say { agree, text_version: text(self.text_version), language: text(self.language) })
    }
}

/// Says whether one agrees that the call is recorded. A no is heeded at once,
/// also later on: then what runs ends.
///
/// For whoever may enter the call.
#[utoipa::path(post, path = "/recordings/{id}/consent", tag = "recordings", operation_id = "recordings::say",
    params(("id" = String, Path, description = "Number of the recording")),
    request_body = ConsentRequest, responses((status = 200, body = Data<CurrentRecording>)))]
pub async fn say(
    State(app): State<App>,
    VisitCaller(actor): VisitCaller,
    Path(id): Path<String>,
    Request(body): Request<ConsentRequest>,
) -> Result<Data<CurrentRecording>, ApiError> {
    Ok(data(recordings::say(&app, &actor, id_of(&id)?, body.into_say()?).await?.into()))
}

/// What a clinic wants of its recordings.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordingSettings {
    /// Days that recordings are kept; 0: until somebody deletes them.
    #[schema(example = 30)]
    recording_retention_days: i64,
    /// May patients see those of their own visits?
    recordings_for_patients: bool,
}

impl From<Policy> for RecordingSettings {
    fn from(policy: Policy) -> Self {
        Self { recording_retention_days: policy.retention_days, recordings_for_patients: policy.for_patients }
    }
}

/// What the clinic wants of its recordings.
///
/// Needs an admin, or an admin token with the scope `account:write`.
#[utoipa::path(get, path = "/recordings/settings", tag = "recordings", operation_id = "recordings::settings",
    responses((status = 200, body = Data<RecordingSettings>)))]
pub async fn settings(
    State(app): State<App>,
    Caller(actor): Caller,
) -> Result<Data<RecordingSettings>, ApiError> {
    Ok(data(recordings::policy(&app, &actor).await?.into()))
}

/// What may change of it; what is left out stays as it is.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct UpdateRecordingSettings {
    /// Days that recordings are kept; 0: until somebody deletes them.
    #[schema(example = 30)]
    recording_retention_days: Option<Int>,
    /// May patients see those of their own visits?
    recordings_for_patients: Option<Flag>,
}

/// Says what the clinic wants of its recordings.
///
/// Needs an admin, or an admin token with the scope `account:write`.
#[utoipa::path(post, path = "/recordings/settings", tag = "recordings", operation_id = "recordings::update_settings",
    request_body = UpdateRecordingSettings, responses((status = 200, body = Data<RecordingSettings>)))]
pub async fn update_settings(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<UpdateRecordingSettings>,
) -> Result<Data<RecordingSettings>, ApiError> {
    let update = UpdatePolicy {
        retention_days: body.recording_retention_days.map(|days| days.0),
        for_patients: body.recordings_for_patients.map(|flag| flag.0),
    };
    Ok(data(recordings::update_policy(&app, &actor, update).await?.into()))
}

/// The content of a recording, by the signature of its `url`; players may ask
/// for parts. Also answers outside of the API's prefix, as
/// `/recordings/view/{id}`.
#[utoipa::path(get, path = "/recordings/view/{id}", tag = "recordings", operation_id = "recordings::view",
    params(("id" = String, Path, description = "UUID of the content"), ContentQuery),
    responses((status = 200, description = "The content.", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 206, description = "A part of it.", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 304, description = "What the client has is the content.")))]
pub async fn view(
    State(api): State<Api>,
    Path(id): Path<String>,
    request: HttpRequest,
) -> Result<Response, ApiError> {
    let (parts, _) = request.into_parts();
    content::send(&api, &id, &parts).await
}
