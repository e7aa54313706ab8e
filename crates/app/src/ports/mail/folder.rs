//! Letters into a folder: one `.eml` file each, named by the letter. The files
//! hold links that open logins, so only this user may read them.
//!
//! lettre's own file transport names files by chance, which would make two of
//! a letter that is delivered twice.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use lettre::message::Mailbox;

use super::Letter;
use crate::{Error, Result};

/// A folder for letters, and who they are from.
#[derive(Debug, Clone)]
pub struct Folder(Arc<(PathBuf, Mailbox)>);

impl Folder {
    pub(super) fn new(folder: PathBuf, from: Mailbox) -> Self {
        Self(Arc::new((folder, from)))
    }

    /// Where the letters are.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0.0
    }

    pub(super) async fn check(&self) -> Result<()> {
        let folder = self.0.0.clone();
        let written = tokio::task::spawn_blocking(move || {
            let probe = folder.join(".write-test");
            make(&folder).and_then(|()| fs::write(&probe, b"")).and_then(|()| fs::remove_file(probe))
        });
        written.await.map_err(Error::internal)?.map_err(Error::internal)
    }

    pub(super) async fn deliver(&self, letter: Letter) -> Result<()> {
        let name = format!("{}.eml", letter.id);
        let folder = self.0.clone();
        let written = tokio::task::spawn_blocking(move || {
            let text = letter.formatted(folder.1.clone())?;
            write_private(&folder.0, &name, &text).map_err(Error::internal)
        });
        written.await.map_err(Error::internal)?
    }
}

fn make(folder: &Path) -> io::Result<()> {
    let mut make = DirBuilder::new();
    make.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut make, 0o700);
    make.create(folder)
}

/// Writes a whole file for this user alone, or none: beside it first, then in its place.
pub(crate) fn write_private(folder: &Path, name: &str, text: &[u8]) -> io::Result<()> {
    make(folder)?;
    let draft = folder.join(format!(".{name}.draft"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(draft, folder.join(name))
}
