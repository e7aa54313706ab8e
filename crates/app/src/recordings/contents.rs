//! Contents of recordings: sealed with a key each on their way in, and out
//! again by a link that only that key can sign.

use bedside_model::{
    At, FileId,
    file::{self, Kind},
};
use bedside_store::{
    FileKey, Sealer, Vault,
    recordings::{self, Recording, RecordingFile},
};
use tokio::io::AsyncReadExt as _;

use super::compose::Made;
use crate::{
    App, Error, Result,
    files::{self, Content, Link},
    ports::files::Place,
};

/// Bytes that are read at once.
const PIECE: usize = 256 * 1024;

fn signed_text(file: &RecordingFile, time: i64) -> String {
    format!("{}:{time}:{}", file.id, file.size_bytes)
}

/// A link to a content, good for a quarter of an hour.
pub(super) fn link(vault: &Vault, file: &RecordingFile, now: At) -> Result<Link> {
    let key = FileKey::open(vault, &file.id, &file.data_key)?;
    let time = now.seconds();
    Ok(Link { id: file.id.clone(), time, auth_code: key.sign_link(&signed_text(file, time)) })
}

/// Seals a file of this machine and keeps it where contents lie. Its row is
/// added by the caller; without one it is swept.
pub(super) async fn store(
    app: &App,
    vault: &Vault,
    recording: &Recording,
    made: &Made,
) -> Result<RecordingFile> {
    let now = app.clock.now();
    let id = FileId(app.random.uuid(now));
    let (key, data_key) = FileKey::new(vault, &id)?;
    let job = files::sweep_later(app, &recording.account, &id);
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move { Ok(bedside_store::jobs::enqueue(tx, &job).await.map(drop)?) })
        })
        .await?;
    let place = Place::new(&recording.account, &id);
    let mut writer = app.files.create(&place).await?;
    let mut sealer = Sealer::new(key);
    let mut source = tokio::fs::File::open(&made.path).await.map_err(Error::internal)?;
    let (mut piece, mut length) = (vec![0; PIECE], 0u64);
    loop {
        let read = source.read(&mut piece).await.map_err(Error::internal)?;
        if read == 0 {
            break;
        }
        length += read as u64;
        for chunk in sealer.push(&piece[..read])? {
            writer.write(chunk).await?;
        }
    }
    writer.write(sealer.finish()?).await?;
    writer.finish().await?;
    Ok(RecordingFile {
        id,
        account: recording.account.clone(),
        recording: recording.id,
        user: made.user,
        format: made.format.to_owned(),
        media: made.media.to_owned(),
        start_ms: made.start_ms,
        length_ms: made.length_ms,
        size_bytes: length,
        data_key,
        created_at: now,
    })
}

/// Opens the content behind a link.
///
/// # Errors
/// 404 for an unknown content, 403 `link_not_valid` and `link_expired`, a fault
/// of ours for content that is gone or altered.
pub async fn open(app: &App, link: &Link) -> Result<Content> {
    let mut conn = app.store.reader().await?;
    let file = recordings::find_signed(&mut conn, &link.id).await?;
    drop(conn);
    let file = file.ok_or_else(|| Error::not_found("recording"))?;
    let vault = app.store.vault(&file.account).await?;
    let key = FileKey::open(&vault, &file.id, &file.data_key)?;
    if !key.is_link(&signed_text(&file, link.time), &link.auth_code) {
        return Err(Error::forbidden("link_not_valid", "This link is not valid."));
    }
    let now = app.clock.now();
    if !file::link_is_current(link.time, now) {
        return Err(Error::forbidden("link_expired", "This link has expired. Ask for the recording again."));
    }
    // The door tells the formats of parts by their name: nobody uploads those.
    let kind = Kind::Mp4;
    let name = format!("recording-{}.{}", file.recording, file.format);
    let place = Place::new(&file.account, &file.id);
    Content::kept(app, (file.id, name), kind, (place, key), file.size_bytes, link.time).await
}
