//! The port to where files' contents lie: a folder of this machine, or any
//! store that speaks S3. Contents come sealed; nothing here can read them.
//! They are written in pieces and read in windows, never whole in memory.

mod folder;
mod s3;

use std::{fmt, ops::Range, path::Path};

use bedside_model::{AccountId, FileId};
use bytes::Bytes;

pub use folder::Folder;
pub use s3::{S3, S3Settings};

/// Where contents lie.
#[derive(Clone, Debug)]
pub enum Files {
    /// In a folder.
    Folder(Folder),
    /// In a bucket.
    S3(S3),
}

/// Why the port could not do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such content, or less of it than there should be.
    #[error("the content of a file is missing or too short")]
    Missing,
    /// No room is left.
    #[error("the disk is full")]
    Full,
    /// The bucket does not answer as it should.
    #[error("the file store cannot be reached: {0}")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The folder does not work as it should, or the settings cannot be.
    #[error("the file store does not work: {0}")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Result of a call of the port.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Names one content: `{account}/{two digits}/{file}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    account: AccountId,
    id: FileId,
}

impl Place {
    /// Where the content of an account's file lies.
    #[must_use]
    pub fn new(account: &AccountId, id: &FileId) -> Self {
        Self { account: account.clone(), id: id.clone() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id.as_str();
        // The last digits of a UUIDv7 are random: folders stay small.
        write!(f, "{}/{}/{id}", self.account, id.get(id.len().saturating_sub(2)..).unwrap_or("00"))
    }
}

/// Content that is being written. Dropped before [`Writer::finish`] it leaves
/// nothing behind.
#[derive(Debug)]
pub enum Writer {
    /// Into a folder.
    Folder(folder::Writer),
    /// Into a bucket.
    S3(s3::Writer),
}

impl Files {
    /// Begins new content. Nothing can be read there until it is finished.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Broken`], [`Error::Unreachable`].
    pub async fn create(&self, place: &Place) -> Result<Writer> {
        match self {
            Self::Folder(folder) => folder.create(place).await.map(Writer::Folder),
            Self::S3(s3) => Ok(Writer::S3(s3.create(place))),
        }
    }

    /// How long content is, in bytes.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Broken`], [`Error::Unreachable`].
    pub async fn length(&self, place: &Place) -> Result<u64> {
        match self {
            Self::Folder(folder) => folder.length(place).await,
            Self::S3(s3) => s3.length(place).await,
        }
    }

    /// A part of content, all of it or none.
    ///
    /// # Errors
    /// [`Error::Missing`] when the content is gone or shorter, [`Error::Broken`].
    pub async fn read(&self, place: &Place, range: Range<u64>) -> Result<Bytes> {
        match self {
            Self::Folder(folder) => folder.read(place, range).await,
            Self::S3(s3) => s3.read(place, range).await,
        }
    }

    /// Deletes content, also what an upload that died left of it. Content that
    /// is not there is deleted already.
    ///
    /// # Errors
    /// [`Error::Broken`], [`Error::Unreachable`].
    pub async fn delete(&self, place: &Place) -> Result<()> {
        match self {
            Self::Folder(folder) => folder.delete(place).await,
            Self::S3(s3) => s3.delete(place).await,
        }
    }

    /// Deletes everything of an account.
    ///
    /// # Errors
    /// [`Error::Broken`], [`Error::Unreachable`].
    pub async fn delete_account(&self, account: &AccountId) -> Result<()> {
        match self {
            Self::Folder(folder) => folder.delete_account(account).await,
            Self::S3(s3) => s3.delete_account(account).await,
        }
    }

    /// Proves that content can be written, read and deleted.
    ///
    /// # Errors
    /// What keeps it from being so.
    pub async fn check(&self, name: &str) -> Result<()> {
        let place = Place { account: AccountId("check".to_owned()), id: FileId(name.to_owned()) };
        let mut writer = self.create(&place).await?;
        writer.write(Bytes::from_static(b"check")).await?;
        writer.finish().await?;
        let read = self.read(&place, 0..5).await;
        self.delete(&place).await?;
        if read?.as_ref() == b"check" { Ok(()) } else { Err(Error::Missing) }
    }

    /// The folder, when contents lie in one; for backups.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Folder(folder) => Some(folder.path()),
            Self::S3(_) => None,
        }
    }
}

impl Writer {
    /// Takes the next piece.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Broken`], [`Error::Unreachable`].
    pub async fn write(&mut self, piece: Bytes) -> Result<()> {
        match self {
            Self::Folder(writer) => writer.write(&piece).await,
            Self::S3(writer) => writer.write(piece).await,
        }
    }

    /// Ends it: when this is done the content is there, whole, and survives a
    /// power cut.
    ///
    /// # Errors
    /// [`Error::Full`], [`Error::Broken`]; then nothing is left behind.
    pub async fn finish(self) -> Result<()> {
        match self {
            Self::Folder(writer) => writer.finish().await,
            Self::S3(writer) => writer.finish().await,
        }
    }
}

impl From<Error> for crate::Error {
    #[track_caller]
    fn from(error: Error) -> Self {
        match error {
            Error::Full => Self::Unavailable {
                retry_after_s: 30,
                message: "The server's disk is full: nothing can be saved right now.".to_owned(),
            },
            Error::Unreachable(_) => Self::Unavailable {
                retry_after_s: 5,
                message: "The store of files does not answer. Try again in a moment.".to_owned(),
            },
            other => Self::internal(other),
        }
    }
}
