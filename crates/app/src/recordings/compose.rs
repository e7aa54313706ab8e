//! The job that makes a recording playable: parts are read back, put together
//! where ffmpeg is, sealed again and kept. Repeatable: whatever a try left
//! behind is swept.

use std::fs::{self, File};
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bedside_media::{Gap, Media, OpenedPart, Seal, part_path};
use bedside_model::{
    AccountId, RecordingId, UserId,
    call::user_of,
    recording::{Fact, Status, Track},
};
use bedside_store::{
    Vault,
    jobs::{Job, NewJob},
    recordings::{self, Recording, RecordingFile},
    visits,
    visits::Visit,
};
use tokio::sync::Semaphore;

use super::conduct::{folder_of, opening, tell};
use super::{audited_as, contents, ffmpeg};
use crate::{Actor, App, Error, Result, audit, jobs};

/// The job's kind.
pub const COMPOSE_JOB: &str = "recordings.compose";
/// After this many tries people's parts are kept as they are.
const TRIES: i64 = 3;
/// A recording with more parts than this is cut there.
const MOST_PARTS: u32 = 2_000;
/// One at a time: encoding takes every core it gets, and calls go first.
static TURN: Semaphore = Semaphore::const_new(1);

/// Somebody's part, in the clear, for a moment.
pub(super) struct Part {
    pub user: UserId,
    pub media: Media,
    pub screen: bool,
    pub start_ms: u64,
    pub end_ms: u64,
    pub gaps: Vec<Gap>,
    pub whole: bool,
    pub path: PathBuf,
}

impl Part {
    pub fn kind(&self) -> &'static str {
        match (self.media.is_video(), self.screen) {
            (false, _) => "audio",
            (true, false) => "video",
            (true, true) => "screen",
        }
    }
}

/// A content that is to be kept.
pub(super) struct Made {
    pub path: PathBuf,
    pub user: Option<UserId>,
    pub format: &'static str,
    pub media: &'static str,
    pub start_ms: i64,
    pub length_ms: i64,
}

pub(super) fn job(app: &App, recording: &Recording) -> NewJob {
    let at = app.clock.now();
    NewJob {
        id: app.random.uuid(at),
        account: Some(recording.account.clone()),
        kind: COMPOSE_JOB.to_owned(),
        payload: serde_json::json!({ "recording_id": recording.id }),
        run_at: at,
        unique_key: None,
        at,
    }
}

/// Makes the recording that a job names playable.
///
/// # Errors
/// What keeps it from being so; the job is tried again.
pub async fn compose(app: &App, job: &Job) -> Result<()> {
    let bad = || Error::invalid("bad_job", "The job names no recording.");
    let account = job.account.as_ref().ok_or_else(bad)?;
    let id = job.payload["recording_id"].as_i64().map(RecordingId).ok_or_else(bad)?;
    jobs::holding(app, job, async {
        let _turn = TURN.acquire().await.map_err(Error::internal)?;
        one(app, account, id, job.attempts).await
    })
    .await
}

async fn one(app: &App, account: &AccountId, id: RecordingId, attempts: i64) -> Result<()> {
    let mut conn = app.store.reader().await?;
    let Some(recording) = recordings::find(&mut conn, account, id).await? else { return Ok(()) };
    let Some(visit) = visits::find(&mut conn, account, recording.visit).await? else { return Ok(()) };
    drop(conn);
    if recording.status != Status::Processing {
        return Ok(());
    }
    let folder = folder_of(app, &recording);
    let vault = app.store.vault(account).await?;
    let plain = folder.join("plain");
    let parts = read(&folder, &plain, opening(vault.clone(), id)).await;
    let done = match parts {
        Ok(parts) if parts.is_empty() => settle(app, recording, &visit, Fact::NothingThere, Vec::new()).await,
        Ok(parts) => keep(app, recording, &visit, &vault, &parts, attempts).await,
        Err(error) if attempts >= TRIES => {
            tracing::error!(%error, recording = %id, "the parts of a recording cannot be read");
            settle(app, recording, &visit, Fact::Broken, Vec::new()).await
        }
        Err(error) => Err(Error::internal(error)),
    };
    // Nothing stays in the clear, whatever came of it.
    remove(&plain);
    done
}

/// Reads all parts back into files beside them.
async fn read(folder: &Path, plain: &Path, open: Seal) -> io::Result<Vec<Part>> {
    let (folder, plain) = (folder.to_owned(), plain.to_owned());
    let work = move || {
        remove(&plain);
        fs::create_dir_all(&plain)?;
        let mut parts = Vec::new();
        for number in 1..=MOST_PARTS {
            let journal = match File::open(part_path(&folder, number)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                other => other?,
            };
            let path = plain.join(format!("{number:05}"));
            let mut file = File::create(&path)?;
            let opened = OpenedPart::read(number, &open, &mut BufReader::new(journal), &mut file);
            let opened = match opened {
                Ok(opened) => opened,
                Err(bedside_media::BrokenPart::Empty) => continue,
                Err(error) => return Err(io::Error::other(error)),
            };
            let Some(user) = user_of(&opened.description.identity) else { continue };
            parts.push(Part {
                user,
                media: opened.description.media,
                screen: opened.description.screen,
                start_ms: opened.description.start_ms,
                end_ms: opened.last_ms,
                gaps: opened.gaps,
                whole: opened.whole,
                path,
            });
        }
        Ok(parts)
    };
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn remove(folder: &Path) {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::error!(%error, "files of a recording could not be deleted");
        }
        _ => {}
    }
}

/// Puts the parts together and keeps what comes of it.
async fn keep(
    app: &App,
    mut recording: Recording,
    visit: &Visit,
    vault: &Arc<Vault>,
    parts: &[Part],
    attempts: i64,
) -> Result<()> {
    let last = parts.iter().map(|part| part.end_ms).max().unwrap_or(0);
    let last = i64::try_from(last).unwrap_or(i64::MAX);
    let wall = recording.ended_at.zip(recording.started_at).map_or(0, |(end, start)| end.0 - start.0);
    // After a crash nobody knows when it ended but the parts.
    let length = if parts.iter().all(|part| part.whole) { last.max(wall) } else { last };
    recording.length_ms = Some(length);
    if length < wall {
        recording.ended_at = recording.started_at.map(|at| bedside_model::At(at.0 + length));
    }
    recording.tracks = parts.iter().map(track).collect();
    let mut made = Vec::new();
    if let Some(program) = &app.settings.recordings.ffmpeg {
        let plain = parts.first().and_then(|part| part.path.parent()).map(Path::to_owned).unwrap_or_default();
        let film = plain.join("film.mp4");
        match ffmpeg::run(program, parts, length, &film).await {
            Ok(()) => made.push(Made {
                path: film,
                user: None,
                format: "mp4",
                media: "all",
                start_ms: 0,
                length_ms: length,
            }),
            Err(error) if attempts < TRIES => return Err(Error::internal(error)),
            Err(error) => {
                tracing::error!(%error, recording = %recording.id, "a recording stays in parts");
            }
        }
    }
    if made.is_empty() {
        made.extend(parts.iter().map(|part| Made {
            path: part.path.clone(),
            user: Some(part.user),
            format: if part.media.is_webm() { "webm" } else { "mkv" },
            media: part.kind(),
            start_ms: i64::try_from(part.start_ms).unwrap_or(i64::MAX),
            length_ms: i64::try_from(part.end_ms.saturating_sub(part.start_ms)).unwrap_or(i64::MAX),
        }));
    }
    let mut files = Vec::with_capacity(made.len());
    for one in &made {
        files.push(contents::store(app, vault, &recording, one).await?);
    }
    settle(app, recording, visit, Fact::Composed, files).await
}

fn track(part: &Part) -> Track {
    let ms = |ms: u64| i64::try_from(ms).unwrap_or(i64::MAX);
    Track {
        user: part.user.0,
        media: part.kind().to_owned(),
        start_ms: ms(part.start_ms),
        end_ms: ms(part.end_ms),
        gaps: part.gaps.iter().map(|gap| (ms(gap.from_ms), ms(gap.to_ms))).collect(),
    }
}

/// Writes what came of it, and deletes the parts.
async fn settle(
    app: &App,
    recording: Recording,
    visit: &Visit,
    fact: Fact,
    files: Vec<RecordingFile>,
) -> Result<()> {
    let Some((status, reason)) = recording.status.after(fact) else { return Ok(()) };
    let at = app.clock.now();
    let from = recording.status;
    let ready_at = (status == Status::Ready).then_some(at);
    let next = Recording { status, reason, ready_at, ..recording };
    let (owner, visit, row) = (app.clone(), visit.clone(), next.clone());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                if !recordings::change(tx, &row, from, at).await? {
                    return Ok(());
                }
                for file in &files {
                    recordings::add_file(tx, file).await?;
                }
                tell(tx, &owner, &visit, row.id, status, None).await?;
                let system = Actor::system(row.account.clone());
                let object = ("recording", row.id.to_string());
                audit::write(tx, &owner, &system, audited_as(fact), object).await
            })
        })
        .await?;
    clean_up(app, &next).await;
    Ok(())
}

/// Deletes what was written while it ran.
pub(super) async fn clean_up(app: &App, recording: &Recording) {
    let folder = folder_of(app, recording);
    // A task that is cut off leaves the folder to the next start.
    let _ = tokio::task::spawn_blocking(move || remove(&folder)).await;
}
