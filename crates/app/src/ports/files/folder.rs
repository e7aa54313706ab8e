//! Contents in a folder, readable by the server's user alone. What is being
//! written is called `….part` until it is whole and on the disk.

use std::{
    fs,
    io::{self, ErrorKind, Write},
    ops::Range,
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use bedside_model::AccountId;
use bytes::Bytes;

use super::{Error, Place, Result};

/// A folder of contents.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// Content that is being written into a folder.
#[derive(Debug)]
pub struct Writer {
    file: Option<fs::File>,
    part: PathBuf,
    path: PathBuf,
}

impl Folder {
    /// The folder; it is made with the first content.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn file(&self, place: &Place) -> PathBuf {
        self.0.join(place.to_string())
    }

    pub(super) async fn create(&self, place: &Place) -> Result<Writer> {
        let path = self.file(place);
        on_disk(move || {
            let folder = folder_of(&path);
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
            let part = part_of(&path);
            let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part)?;
            Ok(Writer { file: Some(file), part, path })
        })
        .await
    }

    pub(super) async fn length(&self, place: &Place) -> Result<u64> {
        let path = self.file(place);
        on_disk(move || fs::metadata(path).map(|found| found.len())).await
    }

    pub(super) async fn read(&self, place: &Place, range: Range<u64>) -> Result<Bytes> {
        let path = self.file(place);
        on_disk(move || {
            let length = range.end.saturating_sub(range.start);
            let file = fs::File::open(path)?;
            // Asked before there is room for it: a row may promise anything.
            if file.metadata()?.len() < range.end {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let mut bytes = vec![0; usize::try_from(length).map_err(|_| ErrorKind::InvalidInput)?];
            file.read_exact_at(&mut bytes, range.start)?;
            Ok(bytes.into())
        })
        .await
    }

    pub(super) async fn delete(&self, place: &Place) -> Result<()> {
        let path = self.file(place);
        on_disk(move || {
            let mut gone = false;
            for path in [part_of(&path), path.clone()] {
                match fs::remove_file(path) {
                    Ok(()) => gone = true,
                    Err(error) if error.kind() == ErrorKind::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
            if gone { sync(folder_of(&path)) } else { Ok(()) }
        })
        .await
    }

    pub(super) async fn delete_account(&self, account: &AccountId) -> Result<()> {
        let path = self.0.join(account.as_str());
        on_disk(move || match fs::remove_dir_all(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
        .await
    }
}

impl Writer {
    pub(super) async fn write(&mut self, piece: &Bytes) -> Result<()> {
        let Some(mut file) = self.file.take() else { return Err(Error::Missing) };
        let piece = piece.clone();
        self.file = Some(
            on_disk(move || {
                file.write_all(&piece)?;
                Ok(file)
            })
            .await?,
        );
        Ok(())
    }

    pub(super) async fn finish(mut self) -> Result<()> {
        let Some(file) = self.file.take() else { return Err(Error::Missing) };
        let (part, path) = (self.part.clone(), self.path.clone());
        on_disk(move || {
            file.sync_all()?;
            fs::rename(part, &path)?;
            // The names lead to the content only once their folders are on the disk.
            path.ancestors().skip(1).take(4).filter(|folder| folder.is_dir()).try_for_each(sync)
        })
        .await
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // After a finish it has another name.
        match fs::remove_file(&self.part) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(%error, "what an upload left behind could not be removed");
            }
            _ => {}
        }
    }
}

fn part_of(path: &Path) -> PathBuf {
    path.with_extension("part")
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

fn sync(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

/// Runs what waits for the disk apart from the runtime's own threads.
async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|ended| Error::Broken(ended.into()))?;
    done.map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::UnexpectedEof => Error::Missing,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Error::Full,
        _ => Error::Broken(error.into()),
    })
}
