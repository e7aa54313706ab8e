//! How content goes out: by a link that is signed with a key only this file
//! has, in windows of a mebibyte, whatever the pace of the one who reads.

use std::{fmt, ops::Range, pin::pin, sync::Arc};

use bedside_model::{At, FileId, Phi, file, file::Kind};
use bedside_store::{CHUNK, FileKey, SEALED_CHUNK, files, files::File, sealed_length};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, TryStreamExt, stream};

use super::name_context;
use crate::{
    App, Error, Result,
    images::{self, Size},
    ports::files::Place,
};

/// Chunks that are read at once.
const WINDOW: u64 = 16;

/// A link to a file's content, good for [`file::LINK_SECONDS`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The file.
    pub id: FileId,
    /// When it was made, in UNIX seconds.
    pub time: i64,
    /// 40 hex digits that only we can make for this file, time and length.
    pub auth_code: String,
}

impl Link {
    pub(super) fn new(key: &FileKey, file: &File, now: At) -> Self {
        let time = now.seconds();
        Self { id: file.id.clone(), time, auth_code: key.sign_link(&signed_text(file, time)) }
    }
}

fn signed_text(file: &File, time: i64) -> String {
    format!("{}:{time}:{}", file.id, file.size_bytes)
}

/// Content that somebody with a good link may have.
pub struct Content {
    /// The file.
    pub id: FileId,
    /// The file's name.
    pub name: Phi<String>,
    /// What it is; a resized picture is always a PNG.
    pub kind: Kind,
    /// Length in bytes.
    pub length: u64,
    /// For how many seconds the link is still good.
    pub good_for_s: i64,
    source: Source,
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Content")
            .field("kind", &self.kind)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}

#[derive(Clone)]
enum Source {
    Kept { app: Box<App>, place: Place, key: Arc<FileKey>, length: u64 },
    Made(Bytes),
}

/// Opens the content behind a link. A `size` makes a smaller picture of one
/// whose pixels we can read, and is ignored for everything else.
///
/// # Errors
/// 404 for an unknown file, 403 for a wrong or old link, 400 for a picture
/// that cannot be resized, a fault of ours for content that is gone or altered.
pub async fn open(app: &App, link: &Link, size: Option<Size>) -> Result<Content> {
    let mut conn = app.store.reader().await?;
    let file = files::find_signed(&mut conn, &link.id).await?;
    drop(conn);
    let file = file.ok_or_else(|| Error::not_found("file"))?;
    let vault = app.store.vault(&file.account).await?;
    let key = FileKey::open(&vault, &file.id, &file.data_key)?;
    if !key.is_link(&signed_text(&file, link.time), &link.auth_code) {
        return Err(Error::forbidden("link_not_valid", "This link is not valid."));
    }
    let now = app.clock.now();
    if !file::link_is_current(link.time, now) {
        return Err(Error::forbidden("link_expired", "This link has expired. Ask for the file again."));
    }
    let place = Place::new(&file.account, &file.id);
    let name = vault.open_text(&name_context(&file.id), &file.name)?;
    let content =
        Content::kept(app, (file.id, name), file.kind, (place, key), file.size_bytes, link.time).await?;
    match size {
        Some(size) if file.kind.is_decodable() => content.resized(size).await,
        _ => Ok(content),
    }
}

impl Content {
    /// Content that is kept under this key, behind a link of this time.
    pub(crate) async fn kept(
        app: &App,
        (id, name): (FileId, String),
        kind: Kind,
        (place, key): (Place, FileKey),
        length: u64,
        link_time: i64,
    ) -> Result<Self> {
        // Told before the answer begins, not in the middle of it.
        if app.files.length(&place).await? != sealed_length(length) {
            return Err(Error::internal(crate::ports::files::Error::Missing));
        }
        let left = link_time + file::LINK_SECONDS - app.clock.now().seconds();
        let good_for_s = left.clamp(0, file::LINK_SECONDS);
        let source = Source::Kept { app: Box::new(app.clone()), place, key: key.into(), length };
        Ok(Self { id, name: name.into(), kind, length, good_for_s, source })
    }

    async fn resized(self, size: Size) -> Result<Self> {
        // A turn first: whole pictures in memory are what there must be few of.
        let turn = images::turn().await?;
        let mut whole = Vec::new();
        let mut parts = pin!(self.stream(0..self.length).await?);
        while let Some(part) = parts.try_next().await? {
            whole.extend_from_slice(&part);
        }
        let png = images::resize(turn, whole, self.kind, size).await?;
        Ok(Self { kind: Kind::Png, length: png.len() as u64, source: Source::Made(png), ..self })
    }

    /// A part of the content as a stream. Its first window is opened before
    /// this gives it, so that altered content is told as an error and not as
    /// an answer that breaks off.
    ///
    /// # Errors
    /// A fault of ours for content that is gone or altered.
    pub async fn stream(
        &self,
        range: Range<u64>,
    ) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<>> {
        let first = self.source.window(range.clone()).await?;
        let begin = (self.source.clone(), range, Some(first));
        Ok(stream::try_unfold(begin, async |(source, rest, read)| {
            let window = match read {
                Some(window) => window,
                None => source.window(rest.clone()).await?,
            };
            let rest = rest.start + window.len() as u64..rest.end;
            Ok((!window.is_empty()).then(|| (window, (source, rest, None))))
        }))
    }
}

impl Source {
    /// The first bytes of a range: as many as one window gives, none at its end.
    async fn window(&self, range: Range<u64>) -> Result<Bytes> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        match self {
            Self::Made(bytes) => {
                let at = |position: u64| usize::try_from(position).unwrap_or(usize::MAX).min(bytes.len());
                Ok(bytes.slice(at(range.start)..at(range.end)))
            }
            Self::Kept { app, place, key, length } => {
                let first = range.start / CHUNK as u64;
                let end = (range.end.div_ceil(CHUNK as u64)).min(first + WINDOW);
                let sealed =
                    first * SEALED_CHUNK as u64..(end * SEALED_CHUNK as u64).min(sealed_length(*length));
                let sealed = app.files.read(place, sealed).await?;
                let mut plain = BytesMut::with_capacity(sealed.len());
                for (index, chunk) in (first..end).zip(sealed.chunks(SEALED_CHUNK)) {
                    plain.extend_from_slice(&key.open_chunk(index, *length, chunk)?);
                }
                let skip = usize::try_from(range.start - first * CHUNK as u64).map_err(Error::internal)?;
                let wanted = usize::try_from(range.end - range.start).map_err(Error::internal)?;
                let plain = plain.freeze();
                Ok(plain.slice(skip..plain.len().min(skip.saturating_add(wanted))))
            }
        }
    }
}
