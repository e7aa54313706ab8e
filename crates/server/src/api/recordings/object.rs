//! The shapes of recordings.

use std::collections::HashMap;

use bedside_app::{
    Actor, App,
    recordings::{self, RecordingView, Standing},
};
use bedside_model::{
    At, UserId, VisitId,
    recording::{Answer, Reason, Status, TEXT_VERSION},
};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::super::{BaseUrl, error::ApiError, visit_object::Fields};

/// A recording of a visit's call (contract more.md 3).
#[derive(Debug, Serialize, ToSchema)]
pub struct Recording {
    #[schema(example = 9)]
    id: i64,
    #[schema(example = "5001")]
    visit_id: String,
    /// When it began, UNIX seconds; null while people are being asked.
    start: Option<i64>,
    /// When it ended, UNIX seconds; null while it runs.
    end: Option<i64>,
    /// Length in seconds, once it is ready.
    duration: Option<i64>,
    /// Length of its contents in bytes, once it is ready.
    size: Option<u64>,
    /// `mp4`; `webm` or `mkv` where the server cannot put people's parts
    /// together: then they are in `files`.
    #[schema(example = "mp4")]
    format: Option<String>,
    /// `asked`, `recording`, `processing`, `ready`, `failed` or `deleted`.
    #[schema(example = "ready")]
    status: &'static str,
    /// Why it failed: `refused`, `not_agreed`, `encrypted`, `empty` or `broken`.
    reason: Option<&'static str>,
    /// The content, for 15 minutes, without further credentials.
    url: Option<String>,
    /// When people were asked, UNIX seconds.
    created: i64,
    /// Number of the user who asked; null when the room's setting did.
    #[schema(example = "181")]
    started_by: Option<String>,
    /// Numbers of those who agreed.
    consented_by: Vec<String>,
}

impl Recording {
    pub fn of(view: RecordingView, base: &BaseUrl) -> Self {
        let (recording, files) = (&view.recording, &view.files);
        let whole = files.iter().find(|(file, _)| file.media == "all").or(files.first());
        let agreed = view.consents.iter().filter(|consent| consent.answer == Answer::Agreed);
        let is_ready = recording.status == Status::Ready;
        Self {
            id: recording.id.0,
            visit_id: recording.visit.to_string(),
            start: recording.started_at.map(At::seconds),
            end: recording.ended_at.map(At::seconds),
            duration: recording.length_ms.map(|ms| (ms + 500) / 1000),
            size: is_ready.then(|| files.iter().map(|(file, _)| file.size_bytes).sum()),
            format: whole.map(|(file, _)| file.format.clone()),
            status: recording.status.as_str(),
            reason: recording.reason.map(Reason::as_str),
            url: whole.map(|(_, link)| address(link, base)),
            created: recording.asked_at.seconds(),
            started_by: recording.started_by.map(|id| id.to_string()),
            consented_by: agreed.map(|consent| consent.user.to_string()).collect(),
        }
    }
}

fn address(link: &bedside_app::files::Link, base: &BaseUrl) -> String {
    format!("{}/recordings/view/{}?auth_code={}&time={}", base.0, link.id, link.auth_code, link.time)
}

/// A recording with everything about it.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordingDetail {
    #[serde(flatten)]
    recording: Recording,
    /// Its contents: one film, or one file per part.
    files: Vec<RecordingContent>,
    /// What everybody said who was asked.
    consents: Vec<RecordingConsent>,
    /// Whose sound and picture is in it, and where it is missing.
    tracks: Vec<RecordingTrack>,
    /// Who came and left while it ran.
    marks: Vec<RecordingMark>,
}

/// One content of a recording.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordingContent {
    /// For 15 minutes, without further credentials.
    url: String,
    /// `mp4`, `webm` or `mkv`.
    #[schema(example = "mp4")]
    format: String,
    /// `all`, `audio`, `video` or `screen`.
    #[schema(example = "all")]
    media: String,
    /// Whose; null: everybody's.
    user_id: Option<String>,
    /// From the recording's begin, ms.
    start_ms: i64,
    /// Length, ms.
    length_ms: i64,
    /// In bytes.
    size: u64,
}

/// What one person said.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordingConsent {
    #[schema(example = "42")]
    user_id: String,
    #[schema(example = "Maria Santos")]
    name: String,
    /// `waiting`, `agreed` or `refused`.
    #[schema(example = "agreed")]
    answer: &'static str,
    /// Version and language of the text they answered; `1/start` for whoever
    /// asked the others.
    #[schema(example = "1/en")]
    text_version: String,
    /// UNIX seconds.
    asked: i64,
    /// UNIX seconds.
    answered: Option<i64>,
}

/// A stretch of somebody's sound or picture; times from the recording's begin.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordingTrack {
    #[schema(example = "42")]
    user_id: String,
    #[schema(example = "Maria Santos")]
    name: String,
    /// `audio`, `video` or `screen`.
    #[schema(example = "video")]
    media: String,
    start_ms: i64,
    end_ms: i64,
    /// Where it is missing.
    gaps: Vec<RecordingGap>,
}

/// A stretch of which there is nothing.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordingGap {
    start_ms: i64,
    end_ms: i64,
}

/// Somebody came or left; time from the recording's begin.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecordingMark {
    #[schema(example = "42")]
    user_id: String,
    #[schema(example = "Maria Santos")]
    name: String,
    /// They came; else they left.
    joined: bool,
    at_ms: i64,
}

impl RecordingDetail {
    pub fn of(view: RecordingView, base: &BaseUrl) -> Self {
        let name = |id: UserId| view.names.get(&id).map(|name| name.reveal().clone()).unwrap_or_default();
        let began = view.recording.started_at.unwrap_or(view.recording.asked_at);
        let files = view.files.iter().map(|(file, link)| RecordingContent {
            url: address(link, base),
            format: file.format.clone(),
            media: file.media.clone(),
            user_id: file.user.map(|id| id.to_string()),
            start_ms: file.start_ms,
            length_ms: file.length_ms,
            size: file.size_bytes,
        });
        let consents = view.consents.iter().map(|consent| RecordingConsent {
            user_id: consent.user.to_string(),
            name: name(consent.user),
            answer: consent.answer.as_str(),
            text_version: consent.text_version.clone(),
            asked: consent.asked_at.seconds(),
            answered: consent.answered_at.map(At::seconds),
        });
        let tracks = view.recording.tracks.iter().map(|track| RecordingTrack {
            user_id: track.user.to_string(),
            name: name(UserId(track.user)),
            media: track.media.clone(),
            start_ms: track.start_ms,
            end_ms: track.end_ms,
            gaps: track
                .gaps
                .iter()
                .map(|(start_ms, end_ms)| RecordingGap { start_ms: *start_ms, end_ms: *end_ms })
                .collect(),
        });
        let marks = view.marks.iter().map(|mark| RecordingMark {
            user_id: mark.user.to_string(),
            name: name(mark.user),
            joined: mark.joined,
            at_ms: mark.at.0 - began.0,
        });
        Self {
            files: files.collect(),
            consents: consents.collect(),
            tracks: tracks.collect(),
            marks: marks.collect(),
            recording: Recording::of(view, base),
        }
    }
}

/// How the recording of a call stands for somebody in it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CurrentRecording {
    #[schema(example = 9)]
    id: i64,
    /// `asked` or `recording`, right after a no also `processing` or `failed`.
    #[schema(example = "asked")]
    status: &'static str,
    /// What the caller said: `waiting`, `agreed` or `refused`.
    #[schema(example = "waiting")]
    answer: &'static str,
    /// How many have not answered yet.
    #[schema(example = 1)]
    waiting: usize,
    /// What people are asked with.
    text: &'static str,
    /// To be sent with the answer.
    #[schema(example = "1")]
    text_version: &'static str,
    /// Language of the text.
    #[schema(example = "en")]
    language: &'static str,
    /// Number of the user who asked; null when the room's setting did.
    #[schema(example = "181")]
    started_by: Option<String>,
}

impl From<Standing> for CurrentRecording {
    fn from(standing: Standing) -> Self {
        let (language, text) = standing.text;
        Self {
            id: standing.recording.id.0,
            status: standing.recording.status.as_str(),
            answer: standing.answer.as_str(),
            waiting: standing.waiting,
            text,
            text_version: TEXT_VERSION,
            language,
            started_by: standing.recording.started_by.map(|id| id.to_string()),
        }
    }
}

/// What `fields=recordings` adds to each of these visits: `{count, data}`.
///
/// # Errors
/// What the store says.
pub async fn of_visits(
    app: &App,
    actor: &Actor,
    fields: &Fields,
    ids: &[VisitId],
    base: &BaseUrl,
) -> Result<HashMap<VisitId, Value>, ApiError> {
    if !fields.asks_for("recordings") {
        return Ok(HashMap::new());
    }
    let found = recordings::of_visits(app, actor, ids).await?;
    let told = found.into_iter().map(|(id, views)| {
        let rows: Vec<_> = views.into_iter().map(|view| Recording::of(view, base)).collect();
        (id, json!({ "count": rows.len(), "data": rows }))
    });
    Ok(told.collect())
}
