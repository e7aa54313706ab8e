//! Short messages into a folder: one text file each, named by the message, for
//! this user alone. The first line is the number.

use std::{path::PathBuf, sync::Arc};

use super::Message;
use crate::{Error, Result, ports::mail::write_private};

/// A folder for short messages.
#[derive(Debug, Clone)]
pub struct Folder(Arc<PathBuf>);

impl Folder {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(Arc::new(folder))
    }

    pub(super) async fn send(&self, message: Message) -> Result<()> {
        let folder = self.0.clone();
        let written = tokio::task::spawn_blocking(move || {
            let text = format!("{}\n\n{}\n", message.to.reveal(), message.text.reveal());
            write_private(&folder, &format!("{}.txt", message.id), text.as_bytes())
        });
        written.await.map_err(Error::internal)?.map_err(Error::internal)
    }
}
